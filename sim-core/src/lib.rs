//! A deterministic model of a cloud network.
pub mod cidr;
