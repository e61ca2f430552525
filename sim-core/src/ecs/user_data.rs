//! User data: what whoever makes an instance hands to it, kept as it came.
//!
//! It is no secret to the provider, which answers it to whoever may look at the instance and shows it inside of it; its pages
//! advise against passwords in it. Logs, the journal's page and recordings leave it out all the same.

use crate::error::{ErrorCode, Outcome, Refusal};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The longest user data before it is encoded, in bytes (provider documentation: RunInstances and "Instance user data" of
/// 2024; pages until 2023 say 16 KB).
pub const MAX_BYTES: usize = 32 * 1024;

/// User data in Base64: 1 byte to [`MAX_BYTES`] before the encoding. Instances of one call share it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserData(Arc<str>);

impl UserData {
    /// The user data of a request; an empty text counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::UserDataBase64`], [`ErrorCode::UserDataSize`]. Neither repeats the text.
    pub fn parse(text: Option<&str>) -> Outcome<Option<UserData>> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        check(text)?;
        Ok(Some(UserData(text.into())))
    }

    /// The text in Base64, as it was given.
    pub fn encoded(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserData {
    /// Without the text, since what is debugged is logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserData({} characters)", self.0.len())
    }
}

fn check(text: &str) -> Outcome<()> {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let plain = body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    if !plain || padding > 2 || !text.len().is_multiple_of(4) {
        return Err(Refusal::new(ErrorCode::UserDataBase64)
            .field("user_data")
            .detail(format!("{} characters were given.", text.chars().count()))
            .accepted("a text in Base64 with its padding"));
    }
    let size = text.len() / 4 * 3 - padding;
    if size > MAX_BYTES {
        return Err(Refusal::new(ErrorCode::UserDataSize)
            .field("user_data")
            .detail(format!("It has {size} bytes."))
            .accepted(format!("at most {MAX_BYTES} bytes before the encoding")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_and_size() {
        let code = |text: &str| UserData::parse(Some(text)).map(|data| data.is_some()).map_err(|r| r.code());
        assert_eq!(code(""), Ok(false));
        assert_eq!(code("ZWNobyBoaQ=="), Ok(true));
        assert_eq!(code("ZWNobyBoaQ"), Err(ErrorCode::UserDataBase64));
        assert_eq!(code("echo hi"), Err(ErrorCode::UserDataBase64));
        assert_eq!(code("A==="), Err(ErrorCode::UserDataBase64));
        assert_eq!(code(&"AAAA".repeat(10_923)), Err(ErrorCode::UserDataSize));
        assert_eq!(code(&format!("{}AAA=", "AAAA".repeat(10_922))), Ok(true));
    }

    #[test]
    fn it_is_kept_as_it_came_and_not_debugged() {
        let data = UserData::parse(Some("ZWNobyBoaQ==")).unwrap().unwrap();
        assert_eq!(data.encoded(), "ZWNobyBoaQ==");
        assert_eq!(format!("{data:?}"), "UserData(12 characters)");
        let stored = postcard::to_stdvec(&data).unwrap();
        assert_eq!(postcard::from_bytes::<UserData>(&stored).unwrap(), data);
    }
}
