//! The VPC and what lies in it: vRouter, route tables, vSwitches.

pub mod route_table;
pub mod vpc;
pub mod vrouter;
pub mod vswitch;
