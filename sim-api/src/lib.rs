//! The cloudnet service.

pub mod rpc;
