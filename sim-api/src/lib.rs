//! The cloudnet service.
pub mod catalogue;
