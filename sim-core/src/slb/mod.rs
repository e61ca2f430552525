//! Classic load balancers (the provider's product Slb).

pub mod acl;
