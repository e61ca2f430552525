//! CIDR planning as a library: strict blocks, the provider's address rules,
//! block and address allocation, and a planner that answers yes or no and why.
//!
//! Everything here is a value or a plain data structure. Nothing reads a clock,
//! draws entropy or does I/O, and equal calls give equal answers everywhere.

mod allocator;
mod bit_set;
mod block;
mod encoding;
mod free_set;
mod parse;
pub mod plan;
mod pool;
mod pool6;
pub mod reserved;
mod set;
#[cfg(feature = "testkit")]
pub mod testkit;
mod tree;

pub use allocator::{AllocError, BlockAllocator};
pub use block::{AddressBits, Block, Cidr, Cidr4, Cidr6, Subnets};
pub use parse::{CidrError, Problem};
pub use pool::{AddressPool, AddressState, PREFIX_LEN_IPV4, PoolError};
pub use pool6::{AddressPool6, PREFIX_LEN_IPV6};
pub use set::{collapse, subtract_all, summarise_range};
