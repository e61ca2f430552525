//! Which addresses are wanted of a network interface, as a caller says it: of each sort a list or a count, never both.
//!
//! How long lists and how large counts may be is the provider's (documentation: CreateNetworkInterface,
//! AssignPrivateIpAddresses, AssignIpv6Addresses).

use crate::cidr::{Cidr4, Cidr6, PREFIX_LEN_IPV4, PREFIX_LEN_IPV6};
use crate::error::{ErrorCode, Outcome, Refusal};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The most secondary IPv4 addresses and prefixes of an interface that is Available.
pub const AVAILABLE_IPV4: u64 = 49;
/// The most IPv6 addresses and prefixes of an interface that is Available.
pub const AVAILABLE_IPV6: u64 = 10;
/// The most secondary IPv4 addresses listed when an interface is made.
pub const LISTED_AT_CREATE: u64 = 10;
/// The most secondary IPv4 addresses listed in one later call.
pub const LISTED_PER_CALL: u64 = 32;
/// The most prefixes of one family, and the most IPv6 addresses, in one call.
pub const PER_CALL: u64 = 10;

/// Addresses wanted of one sort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want<T> {
    /// None.
    #[default]
    Nothing,
    /// So many, the lowest free ones.
    Count(u16),
    /// These.
    These(Vec<T>),
}

impl<T> Want<T> {
    /// What a list and a count say together; an empty list counts as absent.
    ///
    /// # Errors
    /// [`ErrorCode::EniAddressesConflict`] if both are given.
    pub fn choose(list: Vec<T>, number: Option<u16>, field: &str) -> Outcome<Want<T>> {
        match (list.is_empty(), number) {
            (true, None) => Ok(Want::Nothing),
            (true, Some(n)) => Ok(Want::Count(n)),
            (false, None) => Ok(Want::These(list)),
            (false, Some(_)) => Err(Refusal::new(ErrorCode::EniAddressesConflict)
                .field(field)
                .detail("Both a list and a count were given.")
                .accepted("one of the two")),
        }
    }

    /// How many are wanted.
    pub fn len(&self) -> u64 {
        match self {
            Want::Nothing => 0,
            Want::Count(n) => u64::from(*n),
            Want::These(list) => list.len() as u64,
        }
    }

    /// Whether none is wanted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check(&self, field: &'static str, listed: u64, counted: u64) -> Outcome<()>
    where
        T: Ord + Copy + ToString,
    {
        let (given, most, field) = match self {
            Want::Nothing => return Ok(()),
            Want::Count(n) => (u64::from(*n), counted, count_of(field)),
            Want::These(list) => (list.len() as u64, listed, field),
        };
        if given == 0 || given > most {
            return Err(Refusal::new(ErrorCode::EniAddressCount)
                .field(field)
                .detail(format!("{given} were wanted."))
                .accepted(format!("1 to {most}")));
        }
        match self {
            Want::These(list) => check_distinct(field, list),
            _ => Ok(()),
        }
    }
}

/// A refusal that names one of these, of a command whose caller has them in `addresses`.
pub fn in_addresses(refusal: Refusal) -> Refusal {
    let field = refusal.details().field.as_deref().unwrap_or_default();
    let first = field.split('/').next().unwrap_or_default();
    let lists = ["private_ip_addresses", "ipv4_prefixes", "ipv6_addresses", "ipv6_prefixes"];
    let named = lists.iter().any(|list| first == *list || first == count_of(list));
    if named { refusal.within("addresses") } else { refusal }
}

/// The field that counts what this one lists.
fn count_of(field: &str) -> &str {
    match field {
        "private_ip_addresses" => "private_ip_address_count",
        "ipv4_prefixes" => "ipv4_prefix_count",
        "ipv6_addresses" => "ipv6_address_count",
        "ipv6_prefixes" => "ipv6_prefix_count",
        other => other,
    }
}

fn check_distinct<T: Ord + Copy + ToString>(field: &str, list: &[T]) -> Outcome<()> {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            let detail = format!("{} stands twice in the list.", pair[0].to_string());
            Err(Refusal::new(ErrorCode::EniAddressRepeated).field(field).detail(detail))
        }
    }
}

/// Addresses wanted beside a primary one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Secondary IPv4 addresses.
    pub ipv4: Want<Ipv4Addr>,
    /// IPv4 prefixes.
    pub ipv4_prefixes: Want<Cidr4>,
    /// IPv6 addresses.
    pub ipv6: Want<Ipv6Addr>,
    /// IPv6 prefixes.
    pub ipv6_prefixes: Want<Cidr6>,
}

/// Which call wants addresses: its limits differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The interface is being made.
    Create,
    /// The interface exists.
    Assign,
}

impl Wanted {
    /// Checks counts, repetitions and the form of prefixes.
    ///
    /// # Errors
    /// [`ErrorCode::EniAddressCount`], [`ErrorCode::EniAddressRepeated`], [`ErrorCode::EniPrefixMask`].
    pub fn check_form(&self, call: Call) -> Outcome<()> {
        let listed = if call == Call::Create { LISTED_AT_CREATE } else { LISTED_PER_CALL };
        self.ipv4.check("private_ip_addresses", listed, AVAILABLE_IPV4)?;
        self.ipv4_prefixes.check("ipv4_prefixes", PER_CALL, PER_CALL)?;
        self.ipv6.check("ipv6_addresses", PER_CALL, PER_CALL)?;
        self.ipv6_prefixes.check("ipv6_prefixes", PER_CALL, PER_CALL)?;
        if let Want::These(list) = &self.ipv4_prefixes {
            check_length(
                "ipv4_prefixes",
                list.iter().map(|p| (p.to_string(), p.prefix_len())),
                PREFIX_LEN_IPV4,
            )?;
        }
        if let Want::These(list) = &self.ipv6_prefixes {
            check_length(
                "ipv6_prefixes",
                list.iter().map(|p| (p.to_string(), p.prefix_len())),
                PREFIX_LEN_IPV6,
            )?;
        }
        Ok(())
    }

    /// A refusal of these that names a list, where they are counted and not listed.
    pub(crate) fn counted(&self, refusal: Refusal) -> Refusal {
        let field = refusal.details().field.clone().unwrap_or_default();
        let counted = match &*field {
            "private_ip_addresses" => matches!(self.ipv4, Want::Count(_)),
            "ipv6_addresses" => matches!(self.ipv6, Want::Count(_)),
            _ => false,
        };
        if counted { refusal.field(count_of(&field)) } else { refusal }
    }

    /// How many private IPv4 addresses these are, a prefix counting 16.
    pub fn private_addresses(&self) -> u64 {
        self.ipv4.len() + 16 * self.ipv4_prefixes.len()
    }

    /// How many addresses these are, an IPv4 prefix counting 16 and an IPv6 prefix 1.
    pub fn addresses(&self) -> u64 {
        self.private_addresses() + self.ipv6.len() + self.ipv6_prefixes.len()
    }

    /// How many slots of an instance type's IPv4 and IPv6 addresses these take: each address one, each prefix one.
    pub fn slots(&self) -> (u64, u64) {
        (self.ipv4.len() + self.ipv4_prefixes.len(), self.ipv6.len() + self.ipv6_prefixes.len())
    }

    /// Whether any address or prefix is named, and not only counted.
    pub fn names_any(&self) -> bool {
        matches!(self.ipv4, Want::These(_))
            || matches!(self.ipv4_prefixes, Want::These(_))
            || matches!(self.ipv6, Want::These(_))
            || matches!(self.ipv6_prefixes, Want::These(_))
    }

    pub(crate) fn wants_ipv6(&self) -> bool {
        !self.ipv6.is_empty() || !self.ipv6_prefixes.is_empty()
    }
}

fn check_length(field: &str, prefixes: impl Iterator<Item = (String, u8)>, length: u8) -> Outcome<()> {
    for (prefix, len) in prefixes {
        if len != length {
            return Err(Refusal::new(ErrorCode::EniPrefixMask)
                .field(field)
                .detail(format!("{prefix} was given."))
                .accepted(format!("prefixes with a mask of {length}")));
        }
    }
    Ok(())
}

/// Reads a private IPv4 address as a caller writes it.
///
/// # Errors
/// [`ErrorCode::AddressMalformed`].
pub fn parse4(text: &str, field: &str) -> Outcome<Ipv4Addr> {
    text.parse().map_err(|_| malformed(text, field, "an address such as 10.0.1.10"))
}

/// Reads an IPv6 address as a caller writes it.
///
/// # Errors
/// [`ErrorCode::AddressMalformed`].
pub fn parse6(text: &str, field: &str) -> Outcome<Ipv6Addr> {
    text.parse().map_err(|_| malformed(text, field, "an address such as 2408:4000::a"))
}

fn malformed(text: &str, field: &str, accepted: &str) -> Refusal {
    let shown = crate::error::beginning(text);
    Refusal::new(ErrorCode::AddressMalformed)
        .field(field)
        .detail(format!("{shown:?} was given."))
        .accepted(accepted)
}

/// Reads a prefix of either family as a caller writes it.
///
/// # Errors
/// [`ErrorCode::EniPrefixMalformed`], with the right form where it can be guessed.
pub fn parse_prefix<T>(text: &str, field: &str) -> Outcome<T>
where
    T: std::str::FromStr<Err = crate::cidr::CidrError>,
{
    text.parse().map_err(|e: crate::cidr::CidrError| {
        let refusal = Refusal::new(ErrorCode::EniPrefixMalformed).field(field).detail(format!("{e}."));
        match e.suggestion {
            Some(block) => refusal.accepted(block.to_string()),
            None => refusal.accepted("a prefix such as 10.0.1.16/28"),
        }
    })
}
