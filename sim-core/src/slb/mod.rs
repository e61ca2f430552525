//! Classic load balancers (the provider's product Slb).

pub mod acl;
pub mod load_balancer;
pub mod load_balancer_change;
pub mod spec;
