//! What runs in a VPC: network interfaces, instances, security groups, prefix lists.

pub mod eni;
pub mod instance;
pub mod security_group;
