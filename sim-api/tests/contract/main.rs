//! The provider wire as a contract: every served action succeeds, and its answer is what the provider publishes.

mod catalogue;
mod codes;
mod every_action;
mod parameters;
mod protocol;
mod rules;
#[path = "../service/mod.rs"]
mod service;
mod shown;
mod wire;
