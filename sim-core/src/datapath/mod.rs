//! What becomes of a packet: every step of its way through the world and back, and what decided there.
//!
//! A trace is a question, never a command: a pure function of a world, which writes nothing. No resource knows the
//! datapath; it asks each resource's own function for its verdict, so that a rule still lives once.
//!
//! | file | what it has |
//! |---|---|
//! | `flow` | the question: who sends what to whom |
//! | `request` | what a client asks for over HTTP, which forwarding rules look at |
//! | `hop` | the answer: steps, places and dispositions, with ids as evidence |
//! | `trace` | the way there and back |
//! | `member` | what an interface or resident does with a packet: its groups, its state, the source/destination check |
//! | `edge` | the network ACL at the edge of a vSwitch |
//! | `routing` | routes, forwarding next hops, delivery inside a VPC |
//! | `router` | the way over router interfaces |
//! | `internet` | the way between a VPC and the internet |
//! | `no_path` | why there is none |
//! | `balancer` | what a load balancer does with a packet and its answer |
//! | `reach` | who reaches whom, on sets of interfaces and ports |
//! | `way` | the way between two addresses, known to who judges many packets |
//! | `remedy` | the smallest set of changes that lets a refused packet through |
//! | `balancer_remedy` | the changes to load balancers among them |
//! | `router_remedy` | those about router interfaces |
//! | `internet_remedy` | those about ways to the internet |
//! | `port` | what a port was told to do where a packet was delivered |
//! | `text` | the answer in words; `text/changes` the changes of remedies |

mod balancer;
mod balancer_remedy;
mod edge;
pub mod flow;
pub mod hop;
mod internet;
mod internet_remedy;
mod member;
mod met;
mod no_path;
pub mod port;
pub mod reach;
pub mod remedy;
pub mod request;
mod router;
mod router_remedy;
mod routing;
mod sink;
pub mod text;
pub mod trace;
mod way;

pub use flow::{Flow, Header, Question, Source, Target};
pub use hop::{Disposition, Ending, Hop, Leg, NatEntryId, Place};
pub use no_path::NoPath;
pub use port::ToldPort;
pub use request::Request;
pub use trace::{Judge, Trace};
