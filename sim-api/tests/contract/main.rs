//! The provider wire as a contract: every served action succeeds, and its answer is what the provider publishes.

mod catalogue;
mod every_action;
mod parameters;
#[path = "../service/mod.rs"]
mod service;
mod wire;
