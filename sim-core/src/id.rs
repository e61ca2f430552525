//! Identifiers: a kind and a number inside, the provider's own text at the wires.
//!
//! The text is the kind's prefix, the three-letter code of the region and seventeen base-36 digits, as
//! in `vpc-bp15zckdt37pq72zvabcd`. The number holds, from the top, a counter of objects (so ids sort
//! by age), the salt of the world's era and the region's code. Counter and salt go through a fixed
//! bijection before they are printed, so ids look random, never collide within a world, and a world
//! that was wiped, restored or forked (a new era, a new salt) never issues an old id again.

use crate::error::ErrorCode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

const COUNTER_BITS: u32 = 36;
const SALT_BITS: u32 = 50;
const REGION_BITS: u32 = 16;
const DIGITS: usize = 17;
/// So many of the digits are as many as 64 bits hold.
const LOW: usize = 12;
const LOW_DIGITS: u128 = 36_u128.pow(LOW as u32);
const HALF_BITS: u32 = (COUNTER_BITS + SALT_BITS) / 2;
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;

/// The largest number of objects of all kinds that a world may make in its life: 2^36.
pub const MAX_COUNTER: u64 = (1 << COUNTER_BITS) - 1;
/// Salts have 50 bits.
pub const SALT_MASK: u64 = (1 << SALT_BITS) - 1;

/// The number inside an id: counter, salt and region code, 102 bits in all.
///
/// It is kept as two words, of which the first holds the counter: two of them are told apart by one comparison, and what
/// holds one needs no room to bring it to a multiple of 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IdNumber {
    high: u64,
    low: u64,
}

impl IdNumber {
    /// The number of object `counter` (1 to [`MAX_COUNTER`]) of the era `salt` in the region with `code`.
    pub fn new(counter: u64, salt: u64, code: RegionCode) -> IdNumber {
        let high = u128::from(counter & MAX_COUNTER) << SALT_BITS | u128::from(salt & SALT_MASK);
        IdNumber::of(high << REGION_BITS | u128::from(code.number()))
    }

    const fn of(raw: u128) -> IdNumber {
        IdNumber { high: (raw >> 64) as u64, low: raw as u64 }
    }

    const fn raw(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// The compact handle: unique among all objects that the world ever made in this era.
    pub const fn counter(self) -> u64 {
        (self.raw() >> (SALT_BITS + REGION_BITS)) as u64
    }

    /// The number of something that is derived from the object and not stored: `mask`, at most 50 bits and never 0,
    /// is laid over the salt. No stored object has such a number, since its counter is another's.
    pub(crate) fn derive(self, mask: u64) -> IdNumber {
        IdNumber::of(self.raw() ^ u128::from(mask & SALT_MASK) << REGION_BITS)
    }

    /// The mask by which `derived` was derived from this number, if it was.
    pub(crate) fn mask_of(self, derived: IdNumber) -> Option<u64> {
        let mask = (self.raw() ^ derived.raw()) >> REGION_BITS;
        let same_region = (self.raw() ^ derived.raw()) & 0xffff == 0;
        (same_region && mask != 0 && mask <= u128::from(SALT_MASK)).then_some(mask as u64)
    }

    /// The numbers that an object with this counter can have.
    pub(crate) fn of_counter(counter: u64) -> std::ops::RangeInclusive<IdNumber> {
        let first = u128::from(counter & MAX_COUNTER) << (SALT_BITS + REGION_BITS);
        IdNumber::of(first)..=IdNumber::of(first | ((1 << (SALT_BITS + REGION_BITS)) - 1))
    }

    fn from_raw(raw: u128) -> Option<IdNumber> {
        let in_range = raw >> (COUNTER_BITS + SALT_BITS + REGION_BITS) == 0
            && (raw & 0xffff) < u128::from(RegionCode::COUNT);
        in_range.then_some(IdNumber::of(raw))
    }

    fn write_digits(self, out: &mut [u8; 20]) {
        let mut code = (self.raw() & 0xffff) as u16;
        for slot in out[..3].iter_mut().rev() {
            *slot = BASE36[usize::from(code % 36)];
            code /= 36;
        }
        // In two halves, since a division of 64 bits by a constant costs a tenth of one of 128.
        let rest = scramble((self.raw() >> REGION_BITS) & ((1 << (2 * HALF_BITS)) - 1));
        let halves = [(rest / LOW_DIGITS) as u64, (rest % LOW_DIGITS) as u64];
        for (mut half, slots) in halves.into_iter().zip([3..out.len() - LOW, out.len() - LOW..out.len()]) {
            for slot in out[slots].iter_mut().rev() {
                *slot = BASE36[(half % 36) as usize];
                half /= 36;
            }
        }
    }

    fn parse_digits(text: &str) -> Option<IdNumber> {
        let bytes = text.as_bytes();
        if bytes.len() != 3 + DIGITS {
            return None;
        }
        let number = |part: &[u8]| {
            part.iter().try_fold(0u64, |sum, &c| {
                let digit = match c {
                    b'0'..=b'9' => c - b'0',
                    b'a'..=b'z' => c - b'a' + 10,
                    _ => return None,
                };
                Some(sum * 36 + u64::from(digit))
            })
        };
        let (high, low) = bytes[3..].split_at(DIGITS - LOW);
        let (code, high, low) = (number(&bytes[..3])?, number(high)?, number(low)?);
        let rest = u128::from(high) * LOW_DIGITS + u128::from(low);
        if rest >> (2 * HALF_BITS) != 0 {
            return None;
        }
        IdNumber::from_raw(unscramble(rest) << REGION_BITS | u128::from(code))
    }
}

const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A region's three base-36 characters inside ids, for example `bp1` for cn-hangzhou.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegionCode(u16);

impl RegionCode {
    const COUNT: u16 = 36 * 36 * 36;

    /// The code written by three lower-case letters or digits; `None` for anything else.
    pub const fn from_text(text: &str) -> Option<RegionCode> {
        let b = text.as_bytes();
        if b.len() != 3 {
            return None;
        }
        let mut n = 0;
        let mut i = 0;
        while i < 3 {
            let digit = match b[i] {
                b'0'..=b'9' => b[i] - b'0',
                b'a'..=b'z' => b[i] - b'a' + 10,
                _ => return None,
            };
            n = n * 36 + digit as u16;
            i += 1;
        }
        Some(RegionCode(n))
    }

    /// A code for a region that the catalogue does not know: derived from its name.
    pub fn from_name(name: &str) -> RegionCode {
        RegionCode((xxhash_rust::xxh3::xxh3_64(name.as_bytes()) % u64::from(Self::COUNT)) as u16)
    }

    const fn number(self) -> u16 {
        self.0
    }
}

/// Four rounds of a Feistel network over 86 bits with fixed keys: a bijection, for looks and not for secrecy.
fn scramble(value: u128) -> u128 {
    let (mut left, mut right) = ((value >> HALF_BITS) as u64, value as u64 & HALF_MASK);
    for round in 0..4 {
        (left, right) = (right, left ^ (mix(right, round) & HALF_MASK));
    }
    u128::from(left) << HALF_BITS | u128::from(right)
}

fn unscramble(value: u128) -> u128 {
    let (mut left, mut right) = ((value >> HALF_BITS) as u64, value as u64 & HALF_MASK);
    for round in (0..4).rev() {
        (left, right) = (right ^ (mix(left, round) & HALF_MASK), left);
    }
    u128::from(left) << HALF_BITS | u128::from(right)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014) over the value and the round.
pub(crate) fn mix(value: u64, round: u64) -> u64 {
    let mut z = value.wrapping_add((round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Why a text is not an id of the wanted kind. One that reads well is a number that no object has: not every text of this
/// length is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct IdError {
    /// The text as given, cut to 64 characters.
    pub text: String,
    /// The kind that was wanted, as people call it.
    pub kind: &'static str,
    /// The prefix of that kind.
    pub prefix: &'static str,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, kind) = (&self.text, self.kind);
        let digits = text.split_once('-').filter(|(prefix, _)| [*prefix, "KIND"].contains(&self.prefix));
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        if digits.is_some_and(|(_, digits)| digits.len() == 3 + DIGITS && digits.bytes().all(plain)) {
            return write!(f, "{text:?} is the id of no {kind}");
        }
        let article = if kind.starts_with(['a', 'e', 'i', 'o', 'I']) { "an" } else { "a" };
        let prefix = self.prefix;
        write!(
            f,
            "{text:?} is not {article} {kind} id: it should read {prefix}- and twenty lower-case letters or digits"
        )
    }
}

/// What all id types share.
pub trait Id:
    Copy + Ord + fmt::Debug + fmt::Display + FromStr<Err = IdError> + Into<AnyId> + 'static
{
    /// The kind of object.
    const KIND: IdKind;
    /// The error that says "no such object".
    const NOT_FOUND: ErrorCode;
    /// The id with this number.
    fn from_number(number: IdNumber) -> Self;
    /// The number inside.
    fn number(self) -> IdNumber;
}

/// The one list of id kinds: type, prefix, what people call it, the error for an unknown one.
macro_rules! ids {
    ($($kind:ident, $type:ident, $prefix:literal, $name:literal, $missing:ident;)*) => {
        /// Every kind of object that has an id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum IdKind { $(#[doc = $name] $kind),* }

        impl IdKind {
            /// All kinds, in the order of the list.
            pub const ALL: &'static [IdKind] = &[$(IdKind::$kind),*];

            /// The text before the dash.
            pub const fn prefix(self) -> &'static str {
                match self { $(IdKind::$kind => $prefix),* }
            }

            /// What people call it.
            pub const fn name(self) -> &'static str {
                match self { $(IdKind::$kind => $name),* }
            }

            /// The error that says "no such object".
            pub const fn not_found(self) -> ErrorCode {
                match self { $(IdKind::$kind => ErrorCode::$missing),* }
            }
        }

        $(
            #[doc = concat!("The id of a ", $name, ": `", $prefix, "-` and twenty letters or digits.")]
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $type(IdNumber);

            impl Id for $type {
                const KIND: IdKind = IdKind::$kind;
                const NOT_FOUND: ErrorCode = ErrorCode::$missing;
                fn from_number(number: IdNumber) -> Self { $type(number) }
                fn number(self) -> IdNumber { self.0 }
            }

            impl From<$type> for AnyId {
                fn from(id: $type) -> AnyId { AnyId { number: id.0, kind: IdKind::$kind } }
            }

            impl TryFrom<AnyId> for $type {
                type Error = AnyId;
                fn try_from(id: AnyId) -> Result<Self, AnyId> {
                    if id.kind == IdKind::$kind { Ok($type(id.number)) } else { Err(id) }
                }
            }

            impl fmt::Display for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { AnyId::from(*self).fmt(f) }
            }

            impl fmt::Debug for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { AnyId::from(*self).fmt(f) }
            }

            impl FromStr for $type {
                type Err = IdError;
                fn from_str(text: &str) -> Result<Self, IdError> {
                    text.strip_prefix(concat!($prefix, "-"))
                        .and_then(IdNumber::parse_digits)
                        .map($type)
                        .ok_or_else(|| IdError {
                            text: text.chars().take(64).collect(), kind: $name, prefix: $prefix,
                        })
                }
            }

            impl Serialize for $type {
                fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                    if s.is_human_readable() { s.collect_str(self) } else { self.0.raw().serialize(s) }
                }
            }

            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    if d.is_human_readable() {
                        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                        text.parse().map_err(D::Error::custom)
                    } else {
                        IdNumber::from_raw(u128::deserialize(d)?)
                            .map($type)
                            .ok_or_else(|| D::Error::custom("id number out of range"))
                    }
                }
            }
        )*
    };
}

ids! {
    Vpc, VpcId, "vpc", "VPC", VpcNotFound;
    VRouter, VRouterId, "vrt", "vRouter", VRouterNotFound;
    RouteTable, RouteTableId, "vtb", "route table", RouteTableNotFound;
    RouteEntry, RouteEntryId, "rte", "route entry", RouteEntryIdNotFound;
    VSwitch, VSwitchId, "vsw", "vSwitch", VSwitchNotFound;
    CidrReservation, CidrReservationId, "vcr", "vSwitch CIDR reservation", CidrReservationNotFound;
    SecurityGroup, SecurityGroupId, "sg", "security group", SecurityGroupNotFound;
    SecurityGroupRule, SecurityGroupRuleId, "sgr", "security group rule", SecurityGroupRuleNotFound;
    PrefixList, PrefixListId, "pl", "prefix list", PrefixListNotFound;
    Eni, EniId, "eni", "elastic network interface", EniNotFound;
    Instance, InstanceId, "i", "instance", InstanceNotFound;
    Disk, DiskId, "d", "disk", DiskNotFound;
    Resident, ResidentId, "res", "managed resident", ResidentNotFound;
    Eip, EipId, "eip", "elastic IP address", EipNotFound;
    NatGateway, NatGatewayId, "ngw", "NAT gateway", NatGatewayNotFound;
    SnatTable, SnatTableId, "stb", "SNAT table", SnatTableNotFound;
    SnatEntry, SnatEntryId, "snat", "SNAT entry", SnatEntryNotFound;
    ForwardTable, ForwardTableId, "ftb", "DNAT table", ForwardTableNotFound;
    ForwardEntry, ForwardEntryId, "fwd", "DNAT entry", ForwardEntryNotFound;
    HaVip, HaVipId, "havip", "HaVip", HaVipNotFound;
    Ipv4Gateway, Ipv4GatewayId, "ipv4gw", "IPv4 gateway", Ipv4GatewayNotFound;
    Ipv6Gateway, Ipv6GatewayId, "ipv6gw", "IPv6 gateway", Ipv6GatewayNotFound;
    Ipv6Address, Ipv6AddressId, "ipv6", "IPv6 address", Ipv6AddressNotFound;
    Ipv6Bandwidth, Ipv6BandwidthId, "ipv6bw", "IPv6 bandwidth", Ipv6BandwidthNotFound;
    Ipv6EgressRule, Ipv6EgressRuleId, "ipv6py", "IPv6 egress-only rule", Ipv6EgressRuleNotFound;
    RouterInterface, RouterInterfaceId, "ri", "router interface", RouterInterfaceNotFound;
    VpcPeer, VpcPeerId, "pcc", "VPC peering connection", VpcPeerNotFound;
    NetworkAcl, NetworkAclId, "nacl", "network ACL", NetworkAclNotFound;
    NetworkAclRule, NetworkAclRuleId, "nae", "network ACL rule", NetworkAclIngressRuleNotFound;
    AccessControlList, AccessControlListId, "acl", "access control list", AclNotFound;
    ServerCertificate, ServerCertificateId, "cert", "server certificate", ServerCertificateNotFound;
    CaCertificate, CaCertificateId, "cacert", "CA certificate", CaCertificateNotFound;
    Outage, OutageId, "out", "outage", OutageNotFound;
    ResourceGroup, ResourceGroupId, "rg", "resource group", ResourceGroupNotFound;
    // -- load balancers
    LoadBalancer, LoadBalancerId, "lb", "load balancer", LoadBalancerNotFound;
    Listener, ListenerId, "lsn", "listener", ListenerNotFound;
    VServerGroup, VServerGroupId, "rsp", "vServer group", VServerGroupNotFound;
    MasterSlaveGroup, MasterSlaveGroupId, "msrsp", "primary/secondary group", MasterSlaveGroupNotFound;
    ForwardingRule, ForwardingRuleId, "rule", "forwarding rule", ForwardingRuleNotFound;
    DomainExtension, DomainExtensionId, "de", "domain extension", DomainExtensionNotFound;
    TlsPolicy, TlsPolicyId, "tls", "TLS cipher policy", TlsPolicyNotFound;
}

/// An id of any kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyId {
    number: IdNumber,
    kind: IdKind,
}

impl AnyId {
    /// The kind of object.
    pub const fn kind(self) -> IdKind {
        self.kind
    }

    /// The number inside.
    pub const fn number(self) -> IdNumber {
        self.number
    }
}

impl fmt::Display for AnyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 3 + DIGITS];
        self.number.write_digits(&mut digits);
        let digits = std::str::from_utf8(&digits).expect("base-36 digits are ASCII");
        f.write_fmt(format_args!("{}-{digits}", self.kind.prefix()))
    }
}

impl fmt::Debug for AnyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AnyId {
    type Err = IdError;
    /// Reads an id of any kind by its prefix.
    fn from_str(text: &str) -> Result<AnyId, IdError> {
        let parsed = text.split_once('-').and_then(|(prefix, digits)| {
            let kind = IdKind::ALL.iter().copied().find(|kind| kind.prefix() == prefix)?;
            Some(AnyId { number: IdNumber::parse_digits(digits)?, kind })
        });
        parsed.ok_or_else(|| IdError {
            text: text.chars().take(64).collect(),
            kind: "resource",
            prefix: "KIND",
        })
    }
}

impl Serialize for AnyId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { (self.kind, self.number.raw()).serialize(s) }
    }
}

impl<'de> Deserialize<'de> for AnyId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<AnyId, D::Error> {
        if d.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
            return text.parse().map_err(D::Error::custom);
        }
        let (kind, raw) = <(IdKind, u128)>::deserialize(d)?;
        let number = IdNumber::from_raw(raw).ok_or_else(|| D::Error::custom("id number out of range"))?;
        Ok(AnyId { number, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bp1() -> RegionCode {
        RegionCode::from_text("bp1").unwrap()
    }

    #[test]
    fn has_the_shape_of_the_provider() {
        let id = VpcId::from_number(IdNumber::new(1, 0x1234_5678_9abc, bp1()));
        let text = id.to_string();
        assert!(text.starts_with("vpc-bp1"), "{text}");
        assert_eq!(text.len(), 4 + 20);
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn refuses_what_is_not_an_id() {
        let good = EniId::from_number(IdNumber::new(7, 9, bp1())).to_string();
        let table = [
            "",
            "eni-",
            "eni",
            "-",
            "vpc-1",
            &good[..good.len() - 1],
            &format!("{good}0"),
            &good.to_uppercase(),
            &good.replace("eni-", "vpc-"),
            "eni-bp1zzzzzzzzzzzzzzzzz",
            "eni-bp1éééééééé0",
        ];
        for text in table {
            assert!(text.parse::<EniId>().is_err(), "{text}");
        }
        let message = "vsw-1".parse::<EniId>().unwrap_err().to_string();
        assert!(message.contains("an elastic network interface id"), "{message}");
        let message = "moon".parse::<AccessControlListId>().unwrap_err().to_string();
        assert!(message.contains("an access control list id"), "{message}");
        // What reads well is not called malformed.
        let unissued = "eni-bp1zzzzzzzzzzzzzzzzz";
        let message = unissued.parse::<EniId>().unwrap_err().to_string();
        assert_eq!(message, format!("{unissued:?} is the id of no elastic network interface"));
        assert_eq!(
            unissued.parse::<AnyId>().unwrap_err().to_string(),
            format!("{unissued:?} is the id of no resource")
        );
        assert!(unissued.parse::<VpcId>().unwrap_err().to_string().contains("is not a VPC id"));
    }

    proptest! {
        #[test]
        fn text_and_number_are_one(counter in 0..=MAX_COUNTER, salt in 0..=SALT_MASK, code in 0..RegionCode::COUNT) {
            let id = EniId::from_number(IdNumber::new(counter, salt, RegionCode(code)));
            prop_assert_eq!(id.to_string().parse::<EniId>(), Ok(id));
            prop_assert_eq!(id.number().counter(), counter);
            let bytes = postcard::to_stdvec(&id).unwrap();
            prop_assert_eq!(postcard::from_bytes::<EniId>(&bytes).unwrap(), id);
            let any = AnyId::from(id);
            prop_assert_eq!(any.to_string().parse::<AnyId>(), Ok(any));
            prop_assert_eq!(EniId::try_from(any), Ok(id));
            prop_assert!(VpcId::try_from(any).is_err());
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let _ = text.parse::<AnyId>();
            let _ = text.parse::<EniId>();
        }
    }
}
