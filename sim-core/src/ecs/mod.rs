//! What runs in a VPC: network interfaces, instances and their disks, security groups, prefix lists.

pub mod authorize;
pub mod disk;
pub mod eni;
pub mod eni_address;
pub mod eni_attachment;
pub mod eni_choice;
pub mod eni_wanted;
pub mod group_filter;
pub mod instance;
pub mod instance_create;
pub mod instance_life;
pub mod instance_modify;
pub mod instance_name;
pub mod membership;
pub mod outage;
pub mod prefix_list;
pub mod public_address;
pub mod ram_role;
pub(crate) mod rule_filter;
pub mod rule_input;
pub mod rule_quota;
pub mod security_group;
pub mod security_group_rule;
pub mod service_port;
pub mod user_data;
