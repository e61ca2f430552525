//! The VPC and what lies in it: vRouter, route tables, vSwitches, managed residents.

pub mod cidr_reservation;
pub mod default_network;
pub mod eip;
pub mod eip_binding;
pub mod forward_entry;
pub mod forward_ports;
pub mod ipv4_gateway;
pub mod ipv6_bandwidth;
pub mod ipv6_gateway;
pub mod longest_prefix;
pub mod nat_gateway;
pub mod network_acl;
pub mod network_acl_binding;
pub mod network_acl_filter;
pub mod network_acl_rule;
pub mod next_hop;
pub mod resident;
pub mod room;
pub mod route_entry;
pub mod route_table;
pub mod secondary_block;
pub mod snat;
pub mod vpc;
pub mod vrouter;
pub mod vswitch;
mod vswitch_ipv6;
