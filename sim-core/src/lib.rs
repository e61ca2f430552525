//! A deterministic model of a cloud network: every rule, no I/O, no clock, no entropy.
//!
//! A [`World`] holds all state of one simulated cloud. It changes only through [`World::apply`], which
//! judges one [`Command`] at one instant for one [`Caller`], and [`World::advance`], which lets time pass.
//! A refused command leaves no trace and is answered with a [`Refusal`]: a value that names the rule, the
//! field and what would pass. An accepted one gives a journal [`Entry`]; the same entries give the same
//! world, row for row, on every machine.
//!
//! The crate never reads a clock, draws entropy, iterates in hash order, uses floating point in state or
//! does I/O.
//!
//! # A whole program
//!
#![doc = concat!("```\n", include_str!("../../examples/library.rs"), "```")]
//!
//! # Testing an allocator of your own
//!
//! With the feature `testkit`, `cidr::testkit` checks any allocator of address blocks against a plain model and
//! prints the shortest history that shows a mistake:
//!
#![cfg_attr(
    feature = "testkit",
    doc = concat!("```\n", include_str!("../../examples/allocator_under_test.rs"), "```")
)]

pub mod access;
pub mod balancing;
pub mod billing;
pub mod catalog;
pub mod cidr;
pub mod cidr_input;
pub mod cluster;
pub mod command;
pub mod datapath;
pub mod ecs;
pub mod error;
pub mod id;
pub mod journal;
pub mod name;
pub mod quota;
pub mod quota_usage;
pub mod region;
pub mod resource;
pub mod resource_group;
pub mod secret;
pub mod settings;
pub mod slb;
pub mod subscription;
pub mod table;
pub mod tag;
pub mod time;
pub mod timer;
pub mod token;
pub mod traffic;
pub mod vpc;
pub mod world;

pub use access::{AccountId, Caller, Owner, RegionId, Token, ZoneId};
pub use command::{Command, Reply};
pub use error::{ErrorCode, Outcome, Refusal};
pub use journal::{Change, Entry};
pub use time::{SimTime, Span};
pub use world::{Applied, Genesis, World};
