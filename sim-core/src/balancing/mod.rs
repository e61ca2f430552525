//! What a load balancer does with time and with choice, as pure functions: which backend is next, and when a series of
//! health probes changes its mind. No row of the world is here; the resources in `slb` and the datapath use it.

pub mod hash_ring;
pub mod probe_series;
pub mod scheduler;
