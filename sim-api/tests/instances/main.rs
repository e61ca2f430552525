//! Instances, their disks and managed residents over both wires: each rule once as the provider words it and once as a
//! problem, the answers that clients read, and what becomes of secrets.

#![recursion_limit = "256"]

mod clients;
mod lab;
mod rules;
#[path = "../service/mod.rs"]
mod service;
