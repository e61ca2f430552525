//! What the CIDR parser owes to any text.

use sim_core::cidr::{Cidr, Cidr4, Cidr6};

/// Reads the bytes as text in every way. What is accepted prints as it was read, and what is refused is refused with a
/// suggestion that is accepted, if with one.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let any = text.parse::<Cidr>();
    match (text.parse::<Cidr4>(), text.parse::<Cidr6>()) {
        (Ok(_), Ok(_)) => panic!("{text:?} is of both families"),
        (Ok(block), Err(_)) => {
            assert_eq!(block.to_string(), text, "there is one way to write a block");
            assert_eq!(any, Ok(Cidr::V4(block)));
            assert_eq!(block.bits() & !mask(block.prefix_len()), 0, "{text} has host bits");
        }
        (Err(_), Ok(block)) => {
            // IPv6 has many ways; the shortest one is printed, and it reads the same.
            assert_eq!(block.to_string().parse::<Cidr6>(), Ok(block));
            assert_eq!(any, Ok(Cidr::V6(block)));
        }
        (Err(v4), Err(v6)) => {
            assert!(any.is_err(), "{text:?} is of no family and of some");
            for suggestion in [v4.suggestion, v6.suggestion].into_iter().flatten() {
                let said = suggestion.to_string();
                assert_eq!(said.parse::<Cidr>(), Ok(suggestion), "the suggestion for {text:?} does not read");
            }
        }
    }
    if let Ok(block) = Cidr::parse_or_host(text) {
        assert_eq!(block.to_string().parse::<Cidr>(), Ok(block));
    }
}

fn mask(len: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0)
}
