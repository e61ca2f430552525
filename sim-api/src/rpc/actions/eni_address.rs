//! Actions on the addresses of network interfaces.

use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, done, required_id, write};
use serde_json::{Value, json};
use sim_core::cidr::{Cidr4, Cidr6};
use sim_core::ecs::eni_address::{
    AssignAddresses, UnassignAddresses, Want, Wanted, parse_prefix, parse4, parse6,
};
use sim_core::{Caller, Outcome, Reply};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The texts of a numbered list, each read.
fn list<T>(p: &Scope<'_>, name: &str, parse: impl Fn(&str) -> Outcome<T>) -> Result<Vec<T>, BadParams> {
    // The core knows how long a list may be and says so with the documented code.
    Ok(p.strings(name, 1000)?.into_iter().map(parse).collect::<Result<_, _>>()?)
}

fn number(p: &Scope<'_>, name: &str) -> Result<Option<u16>, BadParams> {
    let number = p.int(name, 0..=i64::from(u16::MAX)).map_err(|e| e.with_code("InvalidParameter"))?;
    Ok(number.map(|n| n as u16))
}

fn ipv4(p: &Scope<'_>) -> Result<Vec<Ipv4Addr>, BadParams> {
    list(p, "PrivateIpAddress", |text| parse4(text, "private_ip_addresses"))
}

fn ipv4_prefixes(p: &Scope<'_>) -> Result<Vec<Cidr4>, BadParams> {
    list(p, "Ipv4Prefix", |text| parse_prefix(text, "ipv4_prefixes"))
}

fn ipv6(p: &Scope<'_>) -> Result<Vec<Ipv6Addr>, BadParams> {
    list(p, "Ipv6Address", |text| parse6(text, "ipv6_addresses"))
}

fn ipv6_prefixes(p: &Scope<'_>) -> Result<Vec<Cidr6>, BadParams> {
    list(p, "Ipv6Prefix", |text| parse_prefix(text, "ipv6_prefixes"))
}

/// The IPv4 addresses and prefixes that a request wants.
fn wanted4(p: &Scope<'_>) -> Result<Wanted, BadParams> {
    Ok(Wanted {
        ipv4: Want::choose(ipv4(p)?, number(p, "SecondaryPrivateIpAddressCount")?, "private_ip_addresses")?,
        ipv4_prefixes: Want::choose(ipv4_prefixes(p)?, number(p, "Ipv4PrefixCount")?, "ipv4_prefixes")?,
        ..Wanted::default()
    })
}

/// The IPv6 addresses and prefixes that a request wants.
fn wanted6(p: &Scope<'_>) -> Result<Wanted, BadParams> {
    Ok(Wanted {
        ipv6: Want::choose(ipv6(p)?, number(p, "Ipv6AddressCount")?, "ipv6_addresses")?,
        ipv6_prefixes: Want::choose(ipv6_prefixes(p)?, number(p, "Ipv6PrefixCount")?, "ipv6_prefixes")?,
        ..Wanted::default()
    })
}

/// The IPv6 addresses and prefixes that a request wants; a count of 0 is what clients send for none.
pub(super) fn wanted_ipv6(p: &Scope<'_>) -> Result<Wanted, BadParams> {
    let six = wanted6(p)?;
    Ok(Wanted {
        ipv6: none_for_zero(six.ipv6),
        ipv6_prefixes: none_for_zero(six.ipv6_prefixes),
        ..Wanted::default()
    })
}

fn none_for_zero<T>(want: Want<T>) -> Want<T> {
    if matches!(want, Want::Count(0)) { Want::Nothing } else { want }
}

/// The addresses of both families that a request wants. A count of 0 is what clients send for none.
pub(super) fn wanted(p: &Scope<'_>) -> Result<Wanted, BadParams> {
    let four = wanted4(p)?;
    Ok(Wanted {
        ipv4: none_for_zero(four.ipv4),
        ipv4_prefixes: none_for_zero(four.ipv4_prefixes),
        ..wanted_ipv6(p)?
    })
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

pub fn assign_private_ip_addresses(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = AssignAddresses { eni: required_id(p, "NetworkInterfaceId")?, wanted: wanted4(p)? };
    write(command, |_, _, reply| {
        let Reply::Addresses { eni, ipv4, ipv4_prefixes, .. } = reply else {
            unreachable!("AssignAddresses replies so")
        };
        json!({ "AssignedPrivateIpAddressesSet": {
            "NetworkInterfaceId": eni.to_string(),
            "PrivateIpSet": { "PrivateIpAddress": texts(ipv4) },
            "Ipv4PrefixSet": { "Ipv4Prefixes": texts(ipv4_prefixes) },
        } })
    })
}

pub fn assign_ipv6_addresses(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = AssignAddresses { eni: required_id(p, "NetworkInterfaceId")?, wanted: wanted6(p)? };
    write(command, |_, _, reply| -> Value {
        let Reply::Addresses { eni, ipv6, ipv6_prefixes, .. } = reply else {
            unreachable!("AssignAddresses replies so")
        };
        json!({
            "NetworkInterfaceId": eni.to_string(),
            "Ipv6Sets": { "Ipv6Address": texts(ipv6) },
            "Ipv6PrefixSets": { "Ipv6Prefix": texts(ipv6_prefixes) },
        })
    })
}

pub fn unassign_private_ip_addresses(p: &Scope<'_>, _: &Caller) -> Planned {
    done(UnassignAddresses {
        eni: required_id(p, "NetworkInterfaceId")?,
        ipv4: ipv4(p)?,
        ipv4_prefixes: ipv4_prefixes(p)?,
        ipv6: Vec::new(),
        ipv6_prefixes: Vec::new(),
    })
}

pub fn unassign_ipv6_addresses(p: &Scope<'_>, _: &Caller) -> Planned {
    done(UnassignAddresses {
        eni: required_id(p, "NetworkInterfaceId")?,
        ipv4: Vec::new(),
        ipv4_prefixes: Vec::new(),
        ipv6: ipv6(p)?,
        ipv6_prefixes: ipv6_prefixes(p)?,
    })
}
