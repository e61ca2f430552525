//! The error table: every way in which a command can be refused, written once.
//!
//! A row names the error, says what sort of thing went wrong, which codes the provider uses for it and
//! with which HTTP status, and the message. Where the provider spells one rule differently in different
//! actions, the row lists all spellings in order of preference: the provider wire takes the first that
//! the called action documents, with the status documented there. The native code is the row's name in
//! snake case. Misspelt provider codes are the provider's own and part of its contract.

use serde::{Deserialize, Serialize};

mod refusal;

// Each area's rows, as a macro.
#[macro_use]
mod any;
#[macro_use]
mod vpc;
#[macro_use]
mod group;
#[macro_use]
mod host;
#[macro_use]
mod internet;
#[macro_use]
mod slb;

pub use refusal::{Details, Outcome, Refusal, beginning, bounded};

/// What sort of thing went wrong; decides the native HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ErrorKind {
    /// A value breaks a rule that holds whatever the state is.
    Invalid,
    /// The named object does not exist for this caller.
    NotFound,
    /// The value clashes with an existing object.
    Conflict,
    /// Something else still needs the object.
    Dependency,
    /// The object is in a state that does not allow the operation.
    State,
    /// Another operation is under way; trying again later will succeed.
    Busy,
    /// A quota is full.
    Quota,
    /// The operation is never allowed on this object.
    Denied,
    /// A resource such as free addresses has run out.
    Exhausted,
    /// The idempotency token was used with other parameters.
    Token,
}

impl ErrorKind {
    /// The HTTP status on the native wire. `docs/decisions/0004-status-codes.md` argues each.
    pub const fn http_status(self) -> u16 {
        match self {
            ErrorKind::Invalid | ErrorKind::Token => 422,
            ErrorKind::NotFound => 404,
            ErrorKind::Denied | ErrorKind::Quota => 403,
            _ => 409,
        }
    }
}

/// One row of the error table.
#[derive(Debug)]
pub struct ErrorRow {
    /// The row's name.
    pub name: &'static str,
    /// What sort of thing went wrong.
    pub kind: ErrorKind,
    /// The provider's codes in order of preference; never empty.
    pub provider_codes: &'static [&'static str],
    /// The provider's HTTP status where the called action documents none for the code.
    pub provider_status: u16,
    /// The rule in one sentence.
    pub message: &'static str,
}

macro_rules! errors {
    ($($variant:ident $kind:ident [$($code:literal),+] $status:literal $message:literal;)*) => {
        /// The name of an error: a row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ErrorCode { $(#[doc = $message] $variant),* }

        impl ErrorCode {
            /// Every row, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),*];

            /// The row.
            pub const fn row(self) -> &'static ErrorRow {
                match self {
                    $(ErrorCode::$variant => {
                        const ROW: ErrorRow = ErrorRow {
                            name: stringify!($variant),
                            kind: ErrorKind::$kind,
                            provider_codes: &[$($code),+],
                            provider_status: $status,
                            message: $message,
                        };
                        &ROW
                    })*
                }
            }
        }
    };
}

// The one list, kept in a file for each area: each hands what came before and its own rows to the next.
any_errors! {}

impl ErrorCode {
    /// The code on the native wire: the row's name in snake case.
    pub fn native(self) -> String {
        let mut out = String::new();
        // vSwitch, vRouter and vServer are one word each.
        let name = self
            .row()
            .name
            .replace("VSwitch", "Vswitch")
            .replace("VRouter", "Vrouter")
            .replace("VServer", "Vserver");
        for c in name.chars() {
            if c.is_ascii_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        }
        out
    }

    /// What sort of thing went wrong.
    pub const fn kind(self) -> ErrorKind {
        self.row().kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole() {
        for &code in ErrorCode::ALL {
            let row = code.row();
            assert!(row.message.ends_with('.'), "{}", row.name);
            assert!((400..500).contains(&row.provider_status), "{}", row.name);
            assert!(row.provider_codes.iter().all(|c| !c.is_empty()), "{}", row.name);
        }
        assert_eq!(ErrorCode::VSwitchCidrOverlap.native(), "vswitch_cidr_overlap");
    }
}
