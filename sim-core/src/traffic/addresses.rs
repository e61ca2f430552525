//! From which addresses clients come, and whom the access control of a listener lets in.
//!
//! Addresses are drawn evenly from all networks of `from` together, for each client another one: what they have is cut
//! into as many parts as there are clients, and each has an address of its part. Whether lists let one in says the rule of
//! the resource, [`AclKind::lets_in`]. Clients without `from` have no addresses, and come to no listener whose lists would
//! ask for them.

use super::bad::{BadScenario, bad, length};
use super::draw;
use super::scenario::{Clients, Listener};
use crate::cidr::{self, Cidr};
use crate::slb::acl::AclKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most networks of `from`, and of the access control of a described listener: as many as the entries of all lists of
/// one (provider documentation: CLB quotas).
pub(super) const MOST_NETWORKS: usize = 1_000;

/// A network as people write it: a strict CIDR block, or an address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub Cidr);

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Network, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Cidr::parse_or_host(&text).map(Network).map_err(de::Error::custom)
    }
}

/// The access control of a listener, in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Which clients the networks are: the only ones that are let in, or those that are kept out.
    pub kind: AclKind,
    /// The networks that its lists name.
    pub networks: Vec<Cidr>,
    /// Whether white lists without any network let everybody in.
    pub empty_white_admits: bool,
}

impl Access {
    /// Whether it depends on the address of a client.
    fn asks(&self) -> bool {
        !self.networks.is_empty()
    }
}

/// The access control of a listener, made ready to be asked.
pub(super) struct Gate {
    kind: AclKind,
    empty_white_admits: bool,
    /// The first and the last addresses of its networks, which are apart, in order.
    ranges: Vec<(u128, u128)>,
}

impl Gate {
    pub fn of(access: &Access) -> Gate {
        let v4 = cidr::collapse(access.networks.iter().filter_map(|network| network.v4()));
        let v6 = cidr::collapse(access.networks.iter().filter_map(|network| network.v6()));
        let v4 = v4.into_iter().map(|block| (u128::from(block.bits()), u128::from(block.last_bits())));
        let v6 = v6.into_iter().map(|block| (block.bits(), block.last_bits()));
        let Access { kind, empty_white_admits, .. } = *access;
        // One of the two is empty, as was checked.
        Gate { kind, empty_white_admits, ranges: v4.chain(v6).collect() }
    }

    /// Whether it lets a client in; one without an address is named by no list.
    pub fn lets_in(&self, client: Option<IpAddr>) -> bool {
        let named = client.is_some_and(|client| {
            let client = bits(client);
            let after = self.ranges.partition_point(|(first, _)| *first <= client);
            after > 0 && client <= self.ranges[after - 1].1
        });
        self.kind.lets_in(named, self.ranges.is_empty(), self.empty_white_admits)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// The addresses of so many clients, none of which has that of another.
pub(super) fn drawn(from: &[Network], number: u32, seed: u64) -> Vec<IpAddr> {
    let number = u128::from(number);
    let (each, rest) = (all(from) / number, all(from) % number);
    // The part of client k begins at k * all / number, which would be too large a product.
    let begins = |k: u128| k * each + k * rest / number;
    let mut networks = from.iter().map(|network| network.0);
    let (mut network, mut before) = (networks.next(), 0);
    let mut address = |offset: u128| loop {
        let here = network?;
        if offset - before < here.size() {
            return Some(beyond(here.first(), offset - before));
        }
        before += here.size();
        network = networks.next();
    };
    let of_client = |k: u64| {
        let (first, end) = (begins(k.into()), begins(u128::from(k) + 1));
        let wide = u128::from(draw(seed ^ 5, k)) << 64 | u128::from(draw(seed ^ 4, k));
        address(first + wide % (end - first))
    };
    (0..number as u64).filter_map(of_client).collect()
}

/// How many addresses networks have that are apart; of all of IPv6 one too few.
fn all(from: &[Network]) -> u128 {
    from.iter().map(|network| network.0.size()).fold(0, u128::saturating_add)
}

/// The address so far beyond another one of the same network.
fn beyond(first: IpAddr, offset: u128) -> IpAddr {
    match first {
        // A network of IPv4 has at most 2^32 addresses.
        IpAddr::V4(first) => Ipv4Addr::from(u32::from(first) + offset as u32).into(),
        IpAddr::V6(first) => Ipv6Addr::from(u128::from(first) + offset).into(),
    }
}

impl Clients {
    /// Checks from where they come; `at` is their field.
    pub(super) fn check_from(&self, at: &str) -> Result<(), BadScenario> {
        let Some(from) = &self.from else { return Ok(()) };
        length(&format!("{at}.from"), from.len(), 1, MOST_NETWORKS)?;
        check_family(&format!("{at}.from"), from)?;
        let mut sorted: Vec<(Cidr, usize)> =
            from.iter().enumerate().map(|(n, network)| (network.0, n)).collect();
        sorted.sort_unstable();
        // A network sorts before those in it, so that the first two that overlap stand beside each other.
        let overlap = |pair: &&[(Cidr, usize)]| pair[0].0.overlaps(pair[1].0);
        if let Some(pair) = sorted.windows(2).find(overlap) {
            let [(one, _), (other, n)] = [pair[0], pair[1]];
            let problem = format!("{other} has addresses of {one}; write networks that have none in common");
            return Err(bad(&format!("{at}.from[{n}]"), problem));
        }
        match all(from) {
            all if u128::from(self.number) <= all => Ok(()),
            all => {
                let problem =
                    format!("{} are more than the {all} addresses of from; write 1 to {all}", self.number);
                Err(bad(&format!("{at}.number"), problem))
            }
        }
    }

    /// Checks that a listener which asks for the addresses of clients can judge theirs; `at` is the field of the clients.
    pub(super) fn check_judged(&self, at: &str, listener: &Listener) -> Result<(), BadScenario> {
        let Some(access) = listener.access().filter(Access::asks) else { return Ok(()) };
        let Some(from) = &self.from else {
            let problem = format!(
                "the listener has a {} list and judges clients by their addresses; write the networks from which they come",
                access.kind.text()
            );
            return Err(bad(&format!("{at}.from"), problem));
        };
        let named = access.networks[0];
        if from[0].0.is_v4() == named.is_v4() {
            return Ok(());
        }
        let problem = format!(
            "{} is of another address family than {named}, which the listener judges; write {} networks",
            from[0].0,
            family(named)
        );
        Err(bad(&format!("{at}.from[0]"), problem))
    }
}

impl Listener {
    /// Its access control, if it has any: as its world has it, or as it is described.
    pub(super) fn access(&self) -> Option<Access> {
        let described = || {
            let networks = self.acl.iter().map(|network| network.0).collect();
            // A described list has at least one network.
            Some(Access { kind: self.acl_type?, networks, empty_white_admits: false })
        };
        self.access.clone().or_else(described)
    }

    /// Checks its access control; `at` is its field.
    pub(super) fn check_access(&self, at: &str) -> Result<(), BadScenario> {
        if self.acl_type.is_none() && self.acl.is_empty() {
            return Ok(());
        }
        if self.acl_type.is_none() {
            let problem = "acl says nothing without it; write white or black".to_owned();
            return Err(bad(&format!("{at}.acl_type"), problem));
        }
        length(&format!("{at}.acl"), self.acl.len(), 1, MOST_NETWORKS)?;
        check_family(&format!("{at}.acl"), &self.acl)
    }
}

/// All networks are of the family of the first.
fn check_family(at: &str, networks: &[Network]) -> Result<(), BadScenario> {
    let first = networks[0].0;
    match networks.iter().position(|network| network.0.is_v4() != first.is_v4()) {
        None => Ok(()),
        Some(n) => {
            let (other, family) = (networks[n].0, family(first));
            let problem =
                format!("{other} is of another address family than {first}; write {family} networks");
            Err(bad(&format!("{at}[{n}]"), problem))
        }
    }
}

fn family(network: Cidr) -> &'static str {
    if network.is_v4() { "IPv4" } else { "IPv6" }
}
