//! Security groups: the rules of groups, members, rules and prefix lists, and what groups make of a new session.

mod evaluation;
mod group_rules;
#[path = "../ecs_lab/mod.rs"]
mod lab;
mod permissions;
mod prefix_lists;
mod reference;
