//! The VPC and what lies in it: vRouter, route tables, vSwitches.

pub mod longest_prefix;
pub mod next_hop;
pub mod route_entry;
pub mod route_table;
pub mod vpc;
pub mod vrouter;
pub mod vswitch;
