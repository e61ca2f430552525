//! Instance types: how many network interfaces and addresses an instance can carry.
//!
//! The limits decide where a network plugin can place pods, so they are the provider's own numbers (`EniQuantity`,
//! `EniPrivateIpAddressQuantity` and so on of DescribeInstanceTypes). Where no source has one: IPv6 addresses are
//! as many as IPv4 from the 7th generation on and one before, trunking is off, and no interface is beyond
//! `eni_quantity`.

use serde::Deserialize;
use std::sync::OnceLock;

const DATA: &str = include_str!("../../data/instance-types.json");

/// An instance type and its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct InstanceType {
    /// Such as `ecs.g7.large`.
    pub id: &'static str,
    /// Virtual CPUs, from 1.
    pub vcpus: u16,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Network interfaces attached at most, the primary one included; from 1.
    pub eni_quantity: u16,
    /// Private IPv4 addresses of one interface at most, the primary one included; from 1.
    pub ipv4_per_eni: u16,
    /// IPv6 addresses of one interface at most; 0 if the type has no IPv6.
    pub ipv6_per_eni: u16,
    /// Network interfaces at most when the members of trunk interfaces count too; at least `eni_quantity`.
    pub eni_total: u16,
    /// Whether a trunk interface can be attached.
    pub trunk: bool,
}

impl InstanceType {
    /// The family, such as `ecs.g7` of `ecs.g7.large`.
    pub fn family(&self) -> &'static str {
        self.id.rsplit_once('.').map_or(self.id, |(family, _)| family)
    }
}

/// Every instance type in ascending order of its id.
pub fn instance_types() -> &'static [InstanceType] {
    static PARSED: OnceLock<Vec<InstanceType>> = OnceLock::new();
    PARSED.get_or_init(|| {
        serde_json::from_str(DATA).expect("data/instance-types.json is generated and parsed in a test")
    })
}

/// The instance type of this id.
pub fn instance_type(id: &str) -> Option<&'static InstanceType> {
    let types = instance_types();
    types.binary_search_by(|known| known.id.cmp(id)).ok().map(|at| &types[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_sorted_and_their_limits_make_sense() {
        assert!(instance_types().len() > 500);
        assert!(instance_types().is_sorted_by(|a, b| a.id < b.id));
        for known in instance_types() {
            assert!(known.id.starts_with("ecs.") && known.id.matches('.').count() == 2, "{}", known.id);
            assert!(known.vcpus > 0 && known.memory_mib > 0, "{}", known.id);
            assert!(known.eni_quantity > 0 && known.ipv4_per_eni > 0, "{}", known.id);
            assert!(known.eni_total >= known.eni_quantity, "{}", known.id);
            // An interface has at most as many IPv6 addresses as the largest published figure for IPv4.
            assert!(known.ipv4_per_eni <= 50 && known.ipv6_per_eni <= 50, "{}", known.id);
        }
    }

    #[test]
    fn limits_are_the_published_ones_and_gaps_follow_the_generation() {
        let limits = |id| {
            let t = instance_type(id).unwrap();
            (t.vcpus, t.memory_mib, t.eni_quantity, t.ipv4_per_eni, t.ipv6_per_eni, t.eni_total, t.trunk)
        };
        // Published in full.
        assert_eq!(limits("ecs.g6.16xlarge"), (64, 256 * 1024, 8, 20, 1, 60, true));
        assert_eq!(limits("ecs.ebmg5.24xlarge"), (96, 384 * 1024, 32, 10, 0, 32, false));
        // No figure for IPv6, trunking or members: 7th generation, then an older one.
        assert_eq!(limits("ecs.c7.4xlarge"), (16, 32 * 1024, 8, 30, 30, 8, false));
        assert_eq!(limits("ecs.c5.3xlarge"), (12, 24 * 1024, 6, 10, 1, 6, false));
        assert_eq!(instance_type("ecs.t5-lc2m1.nano").unwrap().memory_mib, 512);
    }

    #[test]
    fn a_type_is_found_by_its_whole_id() {
        assert_eq!(instance_type("ecs.g7.large").unwrap().family(), "ecs.g7");
        for unknown in ["", "ecs", "ecs.g7", "g7.large", "ECS.G7.LARGE", "ecs.g7.large "] {
            assert!(instance_type(unknown).is_none(), "{unknown:?}");
        }
    }
}
