//! Hosts behind a NAT gateway, simulated over virtual time: who gets a port of which address, and when there is none left.
//!
//! A session of an SNAT entry holds one of the 55,000 ports that an address has for each destination address and port (provider
//! documentation: NAT gateway, Limits, 2021: n addresses make n x 55,000 connections to one destination). It is forgotten
//! after 900 s without a packet over TCP, 60 s over UDP (NAT gateway FAQ). Of several addresses one is drawn for each session
//! (Create an SNAT IP address pool, 2021), and with affinity a host keeps its own (CreateSnatEntry). The specification of a
//! gateway limits sessions at once and new ones a second (Overview of NAT gateways, 2021).
//!
//! Chosen here, where nothing is published: of several addresses one is drawn among those that have a port left; with affinity
//! there is no other; a session over TCP that was closed keeps its port for the TIME_WAIT of the Linux kernel's connection
//! tracking, 120 s; the first packet after a session was forgotten is answered with a reset over TCP, and makes a new session
//! over UDP; who finds no port does not try again. Another entry that has the same addresses, and a DNAT entry that shares one,
//! take none of its ports here.

pub mod of_world;
pub mod report;
mod run;
pub mod scenario;

pub use report::Report;
pub use run::run;
pub use scenario::Scenario;
