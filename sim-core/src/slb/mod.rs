//! Classic load balancers (the provider's product Slb).

pub mod acl;
pub mod backend;
pub mod backend_places;
pub mod certificate;
pub mod domain_extension;
pub mod forwarding_rule;
pub mod health;
pub mod health_check;
pub mod listener;
pub mod listener_access;
mod listener_certificates;
mod listener_group;
pub(crate) mod listener_limits;
pub mod listener_rules;
pub mod load_balancer;
pub mod load_balancer_change;
pub mod master_slave_group;
pub mod member;
mod protocol;
pub mod rule_matching;
pub mod server_group;
pub mod serving;
pub mod spec;
pub mod tls_policy;
pub mod zones;
