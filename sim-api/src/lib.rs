//! The cloudnet service: one simulated cloud network behind two wires on one port.
//!
//! The native wire is REST under `/v1` with an OpenAPI 3.1 document and Swagger UI; the provider wire is
//! Alibaba Cloud's own RPC protocol at `/`. Both decode, submit to the same core and encode; neither knows a
//! rule of the network. [`Server::start`] runs a whole cloudnet inside a process.
//!
//! # Testing a controller in Rust
//!
#![doc = concat!("```\n", include_str!("../../examples/in_process.rs"), "```")]
//!
//! # Testing a controller in Python
//!
//! `conftest.py`:
//!
#![doc = concat!("```python\n", include_str!("../../examples/pytest/conftest.py"), "```")]
//!
//! and a test:
//!
#![doc = concat!("```python\n", include_str!("../../examples/pytest/test_example.py"), "```")]

pub mod app;
pub mod catalogue;
mod certificate;
pub mod chart;
mod connections;
pub mod counters;
mod descriptions;
pub mod doors;
pub mod engine;
pub mod exchange;
pub mod faults;
mod gate;
mod links;
pub mod listing;
pub mod metadata;
pub mod objects;
pub mod openapi;
pub mod page;
pub mod problem;
mod proxy;
pub mod recording;
pub mod refusals;
pub mod requests;
pub mod rest;
pub mod router;
pub mod rpc;
pub mod seal;
pub mod seed;
pub mod server;
pub mod settings;
pub mod store;
pub mod tls;
mod unread;
mod xml_text;

pub use server::{Server, StartError};
pub use settings::{ServeOptions, ServeSettings};
