//! vRouters, route tables and route entries over both wires: each rule once as the provider words it and once as a
//! problem, and the answers that clients read.

mod clients;
mod rules;
#[path = "../service/mod.rs"]
mod service;
mod topology;
