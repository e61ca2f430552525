//! The rule for the names of worlds and snapshots.

/// The longest name in characters.
pub const MAX_NAME: usize = 63;

/// Checks a name: 1 to 63 ASCII letters, digits, `-`, `_` and `.`, beginning with a letter or digit. It must not end
/// in `-a-` and digits, because the access key id `w-WORLD-a-ACCOUNT` would then mean another world.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(format!("{name:?} has {} characters.", name.chars().count()));
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Err(format!("{name:?} has other characters than ASCII letters, digits, -, _ and dots."));
    }
    if !name.as_bytes()[0].is_ascii_alphanumeric() {
        return Err(format!("{name:?} begins with neither a letter nor a digit."));
    }
    let account = name.rsplit_once("-a-").map(|(_, digits)| digits);
    if account.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())) {
        return Err(format!("{name:?} ends like an access key id that selects an account."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_that_an_access_key_can_carry_pass() {
        let long = "a".repeat(63);
        for name in ["default", "a", "test_foo.3", "x-a-b", "x-a-", "9", "a-a-1b", long.as_str()] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let longer = "a".repeat(64);
        for name in ["", "-a", ".a", "_a", "a b", "a/b", "ä", "x-a-12", "a[1]", longer.as_str()] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
