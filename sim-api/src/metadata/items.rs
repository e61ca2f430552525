//! The items of an instance's metadata, by path, all derived from the world.

use sim_core::World;
use sim_core::cidr::reserved::gateway_address;
use sim_core::ecs::disk::Disk;
use sim_core::ecs::eni::{Eni, EniStatus};
use sim_core::ecs::instance::Instance;
use sim_core::ecs::public_address::PublicAddress;
use sim_core::vpc::eip_binding;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The provider's name servers (VPC documentation: DNS of instances).
const NAME_SERVERS: &str = "100.100.2.136\n100.100.2.138";
/// The IPv6 gateway is the first of the nine addresses at the end of a vSwitch that the provider keeps: the example of the
/// page on instance metadata ends in fff7.
const IPV6_GATEWAY_FROM_END: u128 = 8;

/// Every item; what the instance does not have is not among them.
pub fn of(w: &World, instance: &Instance) -> BTreeMap<String, String> {
    let mut items = Items::default();
    items.put("instance-id", instance.id);
    items.put("instance/instance-name", &instance.name);
    items.put("instance/instance-type", &instance.instance_type);
    items.put("hostname", &instance.host_name);
    items.put("image-id", &instance.image);
    items.put("region-id", &instance.owner.region);
    items.put("zone-id", &instance.zone);
    items.put("owner-account-id", instance.owner.account);
    items.put("network-type", "vpc");
    items.put("dns-conf/nameservers", NAME_SERVERS);
    items.put("vpc-id", instance.vpc);
    items.put("vswitch-id", instance.vswitch);
    if let Some(vpc) = w.get::<Vpc>(&instance.vpc) {
        items.put("vpc-cidr-block", vpc.block);
    }
    if let Some(vswitch) = w.get::<VSwitch>(&instance.vswitch) {
        items.put("vswitch-cidr-block", vswitch.block);
    }
    let primary = instance.primary(w);
    items.put("mac", primary.mac_text());
    items.put("private-ipv4", primary.primary_ip);
    let bound = eip_binding::of_instance(w, instance.id)
        .or_else(|| eip_binding::of_address(w, primary.id, primary.primary_ip));
    if let Some(eip) = bound {
        items.put("eipv4", eip.address);
    }
    if let Some(address) = instance.public.and_then(PublicAddress::working) {
        items.put("public-ipv4", address);
    }
    if !instance.terms.ram_role.is_empty() {
        items.put(&format!("{}{}", super::ROLE_KEYS, instance.terms.ram_role), "");
    }
    if let Some(disk) = w.get::<Disk>(&instance.system_disk) {
        let id = disk.id.to_string();
        let directory = format!("disks/{}", id.trim_start_matches("d-"));
        items.put(&format!("{directory}/id"), &id);
        items.put(&format!("{directory}/name"), &disk.name);
    }
    // Members of a trunk are not seen as cards of the instance.
    let cards = w.indexes().enis.by_instance.of(&instance.id).filter_map(|id| w.get::<Eni>(id));
    for eni in cards.filter(|eni| eni.trunk.is_none() && eni.status == EniStatus::InUse) {
        items.put_card(w, eni);
    }
    items.0
}

#[derive(Default)]
struct Items(BTreeMap<String, String>);

impl Items {
    fn put(&mut self, path: &str, value: impl Display) {
        self.0.insert(path.to_owned(), value.to_string());
    }

    /// What `network/interfaces/macs/MAC/` has.
    fn put_card(&mut self, w: &World, eni: &Eni) {
        let directory = format!("network/interfaces/macs/{}", eni.mac_text());
        let mut put = |name: &str, value: String| {
            self.0.insert(format!("{directory}/{name}"), value);
        };
        put("network-interface-id", eni.id.to_string());
        put("vpc-id", eni.vpc.to_string());
        put("vswitch-id", eni.vswitch.to_string());
        put("primary-ip-address", eni.primary_ip.to_string());
        let quoted = |address: Ipv4Addr| format!("\"{address}\"");
        put("private-ipv4s", listed(eni.ipv4().map(quoted)));
        if !eni.ipv4_prefixes.is_empty() {
            put("ipv4-prefixes", listed(&eni.ipv4_prefixes));
        }
        if !eni.ipv6.is_empty() {
            put("ipv6s", listed(&eni.ipv6));
        }
        if !eni.ipv6_prefixes.is_empty() {
            put("ipv6-prefixes", listed(&eni.ipv6_prefixes));
        }
        if let Some(vpc) = w.get::<Vpc>(&eni.vpc) {
            put("vpc-cidr-block", vpc.block.to_string());
            if !vpc.ipv6.is_empty() {
                put("vpc-ipv6-cidr-blocks", listed(vpc.ipv6.iter().map(|part| part.block)));
            }
        }
        let Some(vswitch) = w.get::<VSwitch>(&eni.vswitch) else { return };
        put("vswitch-cidr-block", vswitch.block.to_string());
        put("netmask", vswitch.block.netmask().to_string());
        put("gateway", gateway_address(vswitch.block).to_string());
        if let Some(block) = vswitch.ipv6 {
            put("vswitch-ipv6-cidr-block", block.to_string());
            put("ipv6-gateway", Ipv6Addr::from_bits(block.last_bits() - IPV6_GATEWAY_FROM_END).to_string());
        }
    }
}

/// A list as the provider writes it: in brackets, with commas.
fn listed<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    format!("[{}]", texts.join(","))
}
