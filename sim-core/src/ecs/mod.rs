//! What runs in a VPC: network interfaces, instances, security groups, prefix lists.

pub mod eni;
pub mod eni_address;
pub mod eni_attachment;
pub mod instance;
pub mod membership;
pub mod prefix_list;
pub mod security_group;
pub mod security_group_rule;
