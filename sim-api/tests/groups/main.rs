//! Security groups, their rules and prefix lists over both wires: each rule once as the provider words it and once as a
//! problem, and the answers that clients read.

mod clients;
mod group_rules;
mod lists;
mod permissions;
mod prefix_lists;
#[path = "../service/mod.rs"]
mod service;
mod wide;
