//! Reading a CIDR block from text, strictly, and saying what was meant.
//!
//! The address is parsed by the standard library, which refuses leading zeros;
//! the length is parsed here. Lax parsers read `010.0.0.0/8` as ten or as eight
//! depending on who wrote them, and keep the host bits of `10.1.2.3/8`: an
//! address plan must not depend on that.

use std::fmt::{self, Display};
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use thiserror::Error;

use crate::cidr::block::{AddressBits, Block, Cidr};

/// Longer texts are refused unread; the longest valid form has 49 characters.
const MAX_TEXT: usize = 64;

/// Why a text is not a CIDR block: the text, the rule it breaks, and the block
/// that was probably meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text} {problem}{}", Hint(.suggestion))]
pub struct CidrError {
    /// What was read, escaped, at most 64 characters.
    pub text: String,
    /// The rule it breaks.
    pub problem: Problem,
    /// A well formed block near the text, when there is one.
    pub suggestion: Option<Cidr>,
}

/// A rule of the textual form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// Nothing was given.
    #[error("is empty; a CIDR block looks like 10.0.0.0/8 or 2001:db8::/32")]
    Empty,
    /// More than 64 bytes were given.
    #[error("... is longer than any CIDR block ({length} bytes)")]
    TooLong {
        /// How many bytes were given.
        length: u64,
    },
    /// White space before, in or after the block.
    #[error("contains white space")]
    WhiteSpace,
    /// The part before the slash is not an address.
    #[error("does not start with an IPv4 or IPv6 address")]
    NotAnAddress,
    /// An octet such as `010`, which some parsers read as octal.
    #[error("has an octet with a leading zero")]
    LeadingZero,
    /// An address without `/length`.
    #[error("has no prefix length")]
    NoLength,
    /// The part after the slash is not a decimal number without sign and leading zero.
    #[error("has a prefix length that is not a plain decimal number")]
    LengthForm,
    /// The length is beyond the width of the family.
    #[error("has a prefix length above {max}")]
    LengthRange {
        /// The longest length of the family: 32 or 128.
        max: u8,
    },
    /// A bit to the right of the prefix length is set.
    #[error("has host bits set")]
    HostBits,
    /// A well formed block of the other family.
    #[error("is not an {} block", if *.v4_needed { "IPv4" } else { "IPv6" })]
    Family {
        /// Whether IPv4 was needed.
        v4_needed: bool,
    },
}

struct Hint<'a>(&'a Option<Cidr>);

impl Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cidr) => write!(f, "; write {cidr}"),
            None => Ok(()),
        }
    }
}

impl CidrError {
    pub(crate) fn new(text: &str, problem: Problem, suggestion: Option<Cidr>) -> CidrError {
        let text = match text {
            "" => "the text".to_owned(),
            _ => text.chars().take(MAX_TEXT).flat_map(char::escape_debug).collect(),
        };
        CidrError { text, problem, suggestion }
    }
}

/// What to do with bits to the right of the length.
#[derive(Clone, Copy, PartialEq)]
enum HostBits {
    Refuse,
    Clear,
}

impl Cidr {
    /// Reads `address/length`; host bits are cleared instead of refused.
    ///
    /// # Errors
    /// Any other fault of form, see [`Problem`].
    pub fn parse_host_bits_cleared(text: &str) -> Result<Cidr, CidrError> {
        parse(text, HostBits::Clear)
    }

    /// Reads `address/length` strictly, or a bare address as /32 or /128, as a
    /// route destination may be written.
    ///
    /// # Errors
    /// Any fault of form, see [`Problem`].
    pub fn parse_or_host(text: &str) -> Result<Cidr, CidrError> {
        if text.len() <= MAX_TEXT
            && let Ok(address) = text.parse::<IpAddr>()
        {
            return Ok(Cidr::host(address));
        }
        parse(text, HostBits::Refuse)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;
    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        parse(text, HostBits::Refuse)
    }
}

impl<A: AddressBits> Block<A> {
    /// Reads `address/length` of this family; host bits are cleared.
    ///
    /// # Errors
    /// Any other fault of form, or a block of the other family, see [`Problem`].
    pub fn parse_host_bits_cleared(text: &str) -> Result<Self, CidrError> {
        of_family(text, parse(text, HostBits::Clear)?)
    }

    /// Reads `address/length` strictly, or a bare address as a block of one.
    ///
    /// # Errors
    /// Any fault of form, or a block of the other family, see [`Problem`].
    pub fn parse_or_host(text: &str) -> Result<Self, CidrError> {
        of_family(text, Cidr::parse_or_host(text)?)
    }
}

impl<A: AddressBits> FromStr for Block<A> {
    type Err = CidrError;
    fn from_str(text: &str) -> Result<Self, CidrError> {
        of_family(text, parse(text, HostBits::Refuse)?)
    }
}

fn of_family<A: AddressBits>(text: &str, cidr: Cidr) -> Result<Block<A>, CidrError> {
    let wrong = || CidrError::new(text, Problem::Family { v4_needed: A::WIDTH == 32 }, None);
    A::unwrap(cidr).ok_or_else(wrong)
}

fn parse(text: &str, host_bits: HostBits) -> Result<Cidr, CidrError> {
    if text.len() > MAX_TEXT {
        let head: String = text.chars().take(32).collect();
        return Err(CidrError::new(&head, Problem::TooLong { length: text.len() as u64 }, None));
    }
    let refuse = |problem| CidrError::new(text, problem, repair(text));
    if text.is_empty() {
        return Err(refuse(Problem::Empty));
    }
    if text.contains(char::is_whitespace) {
        return Err(refuse(Problem::WhiteSpace));
    }
    let (address_text, length_text) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let Ok(address) = address_text.parse::<IpAddr>() else {
        let zero = has_leading_zero(address_text) && repair(text).is_some();
        return Err(refuse(if zero { Problem::LeadingZero } else { Problem::NotAnAddress }));
    };
    let length_text = length_text.ok_or_else(|| refuse(Problem::NoLength))?;
    let max = if address.is_ipv4() { 32 } else { 128 };
    let length = parse_length(length_text).ok_or_else(|| refuse(Problem::LengthForm))?;
    let length = u8::try_from(length).ok().filter(|length| *length <= max);
    let length = length.ok_or_else(|| refuse(Problem::LengthRange { max }))?;
    let block = Cidr::containing(address, length).map_err(|_| refuse(Problem::LengthRange { max }))?;
    if host_bits == HostBits::Refuse && block.first() != address {
        return Err(refuse(Problem::HostBits));
    }
    Ok(block)
}

/// A decimal number without sign or leading zero. Too long a number is still a
/// number: it saturates, and the range check answers.
fn parse_length(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    (plain && canonical).then(|| text.parse().unwrap_or(u64::MAX))
}

fn has_leading_zero(address: &str) -> bool {
    let octet = |text: &str| text.len() > 1 && text.starts_with('0');
    address.contains('.') && address.split('.').any(octet)
}

/// The block a person probably meant: spaces, signs, leading zeros, scope ids
/// and host bits dropped, missing octets filled with zeros, a dotted mask turned
/// into a length. Used for suggestions only.
fn repair(text: &str) -> Option<Cidr> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text.as_str(), None),
    };
    let address = repair_address(address, length.is_some())?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => width,
        Some(length) => repair_length(length)?,
    };
    Cidr::containing(address, length).ok()
}

fn repair_address(text: &str, pad: bool) -> Option<IpAddr> {
    let text = text.split_once('%').map_or(text, |(address, _scope)| address);
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let mut octets = [0u8; 4];
    let mut count = 0;
    for part in text.split('.') {
        if count == octets.len() || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        octets[count] = part.parse().ok()?;
        count += 1;
    }
    (count == 4 || pad).then(|| IpAddr::V4(Ipv4Addr::from(octets)))
}

fn repair_length(text: &str) -> Option<u8> {
    if let Ok(mask) = text.parse::<Ipv4Addr>() {
        let bits = mask.to_bits();
        let contiguous = |bits: u32| bits.leading_ones() + bits.trailing_zeros() == 32;
        let mask = if contiguous(bits) { Some(bits) } else { contiguous(!bits).then_some(!bits) };
        return mask.map(|bits| bits.leading_ones() as u8);
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}
