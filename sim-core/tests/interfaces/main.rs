//! Network interfaces: the rules of each command, their addresses, and how they are attached and detached.

mod addresses;
mod attachment;
mod interface_rules;
#[path = "../ecs_lab/mod.rs"]
mod lab;
