//! Percent-encoding as the provider's clients use it: RFC 3986, with `+` read as a space.

/// Why a percent-encoded text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// A `%` that two hexadecimal digits do not follow.
    #[error("'%' must be followed by two hexadecimal digits; write a plain percent sign as %25")]
    Percent,
    /// The decoded bytes are no UTF-8.
    #[error("the decoded bytes must be UTF-8")]
    Utf8,
}

/// Decodes `%XX` and `+` (a space in both the query and the form, as `application/x-www-form-urlencoded` has it).
///
/// # Errors
/// A broken escape or bytes that are no UTF-8.
pub fn percent_decode(text: &[u8]) -> Result<String, EncodingError> {
    let plain = text.iter().position(|&byte| byte == b'%' || byte == b'+').unwrap_or(text.len());
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend_from_slice(&text[..plain]);
    let mut rest = text[plain..].iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (high, low) =
                    (rest.next().copied().and_then(hex_digit), rest.next().copied().and_then(hex_digit));
                let (Some(high), Some(low)) = (high, low) else { return Err(EncodingError::Percent) };
                bytes.push(high << 4 | low);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| EncodingError::Utf8)
}

/// Splits `a=1&b=2` into undecoded names and values. Empty pieces (`a=1&&b=2`) are passed over;
/// a piece without `=` has an empty value.
pub fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&byte| byte == b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        match piece.iter().position(|&byte| byte == b'=') {
            Some(at) => (&piece[..at], &piece[at + 1..]),
            None => (piece, &piece[piece.len()..]),
        }
    })
}

/// Appends `text` percent-encoded by the provider's signing rule: the unreserved characters of
/// RFC 3986 (`A-Z a-z 0-9 - _ . ~`) stay, every other byte becomes `%XX` in upper case.
pub fn percent_encode_into(out: &mut String, text: &str) {
    encode_with(out, text, "%");
}

/// Appends `text` percent-encoded twice, which is what the string to sign of version 1 holds.
pub fn percent_encode_twice_into(out: &mut String, text: &str) {
    encode_with(out, text, "%25");
}

fn encode_with(out: &mut String, text: &str, escape: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut plain_from = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            continue;
        }
        // A run that is not empty holds only ASCII, so that both ends are character boundaries.
        if plain_from < at {
            out.push_str(&text[plain_from..at]);
        }
        out.push_str(escape);
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
        plain_from = at + 1;
    }
    out.push_str(&text[plain_from..]);
}

/// `text` percent-encoded by the provider's signing rule.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    percent_encode_into(&mut out, text);
    out
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
    out
}

/// The 32 bytes that 64 hexadecimal digits of either case write, or `None`.
pub fn unhex32(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decodes_both_spaces_and_refuses_broken_escapes() {
        let table: [(&[u8], Result<&str, EncodingError>); 10] = [
            (b"plain", Ok("plain")),
            (b"a+b", Ok("a b")),
            (b"a%20b", Ok("a b")),
            (b"a%2Bb", Ok("a+b")),
            (b"%c3%A9", Ok("é")),
            (b"", Ok("")),
            (b"100%", Err(EncodingError::Percent)),
            (b"%4", Err(EncodingError::Percent)),
            (b"%zz", Err(EncodingError::Percent)),
            (b"%ff", Err(EncodingError::Utf8)),
        ];
        for (text, expected) in table {
            assert_eq!(percent_decode(text).as_deref(), expected.as_ref().map(|text| *text), "{text:?}");
        }
    }

    #[test]
    fn encodes_by_the_signing_rule() {
        assert_eq!(percent_encode("a b*c~d/é"), "a%20b%2Ac~d%2F%C3%A9");
    }

    #[test]
    fn splits_pairs() {
        let split: Vec<_> = pairs(b"a=1&&b&c==&=d").collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b""), (b"c", b"="), (b"", b"d")];
        assert_eq!(split, expected);
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(text in any::<String>()) {
            let once = percent_encode(&text);
            prop_assert_eq!(percent_decode(once.as_bytes()), Ok(text.clone()));
            let mut twice = String::new();
            percent_encode_twice_into(&mut twice, &text);
            prop_assert_eq!(twice, percent_encode(&once));
        }

        #[test]
        fn hexadecimal_reads_back(bytes in any::<[u8; 32]>()) {
            prop_assert_eq!(unhex32(&hex(&bytes)), Some(bytes));
            prop_assert_eq!(unhex32(&hex(&bytes).to_uppercase()), Some(bytes));
        }
    }
}
