//! Choice and time of load balancers, against plain models.

mod probe_series;
mod rule_matching;
mod scheduler;
