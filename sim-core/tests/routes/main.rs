//! vRouters, route tables and route entries: each rule, transitions, replay, and what they refuse to others.

mod behaviour;
mod lab;
mod rules;
