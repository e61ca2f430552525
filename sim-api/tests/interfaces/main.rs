//! Network interfaces over both wires: each rule once as the provider words it and once as a problem, the answers that
//! clients read, and what Terway does call by call.

mod address_rules;
mod attachment_rules;
mod interface_rules;
mod lists;
#[path = "../service/mod.rs"]
mod service;
mod terway;
mod verdicts;
