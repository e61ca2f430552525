//! What becomes of packets: one case for each end, the form of questions, and what would let a packet through.

mod balancer_sketch;
mod balancers;
mod changes;
mod dispositions;
mod facts;
mod form;
mod forwarding_rules;
mod gateways;
mod ha_vip_sketch;
mod ha_vips;
#[allow(dead_code)]
#[path = "../instances/lab.rs"]
mod lab;
mod nat;
mod nat_sketch;
mod net;
mod peer_sketch;
mod peers;
mod public_blocks;
mod random;
mod reference;
mod reference_balancers;
mod reference_nat;
mod reference_routers;
mod remedies;
mod remedies_internet;
mod routers;
mod rule_sketch;
mod sets;
mod told_ports;
mod warm;
mod zones;
