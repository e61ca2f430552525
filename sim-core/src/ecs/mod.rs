//! What runs in a VPC: network interfaces, instances, security groups, prefix lists.

pub mod eni;
pub mod instance;
pub mod membership;
pub mod prefix_list;
pub mod security_group;
pub mod security_group_rule;
