//! The basic protection of an internet address against denial of service: thresholds of its bandwidth, cleaning above the
//! lower one, the black hole above the higher one (provider documentation: Anti-DDoS Basic for CLB, black hole policy).
//!
//! | threshold | by the bandwidth |
//! |---|---|
//! | cleaning, bits | 120 Mbit/s below 100 Mbit/s, else 1.2 times; at least 1,000 Mbit/s |
//! | cleaning, packets | bandwidth / 500 x 150,000 a second; at least 300,000 |
//! | black hole | 2 Gbit/s below 1 Gbit/s, else 1.5 times and at least 2 Gbit/s |
//!
//! A black hole drops whatever comes in and ends so long after the last second above its threshold: 2.5 hours, unless the
//! account's credit makes it 30 minutes to 24 hours. Chosen here, where nothing is published: what comes in is measured by
//! whole seconds and the measure holds from the end of its second; cleaning takes all packets of an attack out and lets
//! clients in up to the threshold that was crossed; what a black hole drops is not measured for clients, who get no further than
//! their first packet.

use super::bad::{BadScenario, bad, between, number};
use super::length::Length;
use super::report::{Cause, What};
use crate::time::Span;
use serde::Deserialize;

/// The shortest and the longest black hole, and the usual one.
const SHORTEST: Span = Span::seconds(30 * 60);
const LONGEST: Span = Span::hours(24);
const USUAL: Span = Span::seconds(150 * 60);
/// Payload of a full packet in bytes: an Ethernet frame's without the headers of IPv4 and TCP.
const FULL_PACKET: u64 = 1_460;
/// A second in microseconds.
const SECOND: u64 = 1_000_000;

/// How the address is protected.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficProtection))]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// The bandwidth of the load balancer in Mbit/s: 1 to 5,120.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5120))]
    pub bandwidth: u32,
    /// How long a black hole lasts after the last second above its threshold: 30m to 24h.
    #[serde(default = "Protection::usual_black_hole")]
    pub black_hole: Length,
}

/// Packets of an attacker, beside those of clients.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TrafficAttack))]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// When it begins, from the first client on.
    pub at: Length,
    /// How long it lasts.
    pub lasts: Length,
    /// How much comes in, in Mbit/s: 0 to 1,000,000.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000))]
    pub mbps: u32,
    /// How many packets come in a second: 0 to 1,000,000,000.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub packets: u32,
}

impl Protection {
    /// The protection of a bandwidth in Mbit/s, as it usually is.
    pub fn of(bandwidth: u32) -> Protection {
        Protection { bandwidth, black_hole: Protection::usual_black_hole() }
    }

    fn usual_black_hole() -> Length {
        Length(USUAL)
    }

    /// Above how many Mbit/s what comes in is cleaned.
    pub fn cleaning_mbps(&self) -> u64 {
        let bandwidth = u64::from(self.bandwidth);
        let own = if bandwidth < 100 { 120 } else { bandwidth * 12 / 10 };
        own.max(1_000)
    }

    /// Above how many packets a second what comes in is cleaned.
    pub fn cleaning_packets(&self) -> u64 {
        (u64::from(self.bandwidth) * 150_000 / 500).max(300_000)
    }

    /// Above how many Mbit/s what comes in is dropped.
    pub fn black_hole_mbps(&self) -> u64 {
        let bandwidth = u64::from(self.bandwidth);
        if bandwidth < 1_000 { 2_000 } else { (bandwidth * 15 / 10).max(2_000) }
    }
}

impl Protection {
    /// Checks its ranges; `at` is its field.
    pub(super) fn check(&self, at: &str) -> Result<(), BadScenario> {
        number(&format!("{at}.bandwidth"), self.bandwidth, 1, 5_120)?;
        between(&format!("{at}.black_hole"), self.black_hole.0, SHORTEST, LONGEST)
    }
}

/// Checks attacks in a run of so long; `at` is their field.
pub(super) fn check_attacks(
    attacks: &[Attack],
    protected: bool,
    duration: Span,
    at: &str,
) -> Result<(), BadScenario> {
    for (n, attack) in attacks.iter().enumerate() {
        let field = |name: &str| format!("{at}[{n}].{name}");
        between(&field("at"), attack.at.0, Span::ZERO, duration)?;
        between(&field("lasts"), attack.lasts.0, Span(1), duration)?;
        number(&field("mbps"), attack.mbps, 0, 1_000_000)?;
        number(&field("packets"), attack.packets, 0, 1_000_000_000)?;
        if attack.mbps == 0 && attack.packets == 0 {
            return Err(bad(&field("mbps"), "nothing comes; write mbps or packets".to_owned()));
        }
    }
    if !protected && !attacks.is_empty() {
        let problem = "only an address of the internet is attacked; write [protection] with its bandwidth";
        return Err(bad(at, problem.to_owned()));
    }
    Ok(())
}

/// What has come in, in bits and packets.
#[derive(Clone, Copy, Default)]
pub(super) struct Load {
    bits: u64,
    packets: u64,
}

impl Load {
    /// What a connection of so many bytes brings.
    pub fn of(bytes: u32) -> Load {
        let bytes = u64::from(bytes);
        Load { bits: bytes * 8, packets: bytes.div_ceil(FULL_PACKET).max(1) }
    }

    /// In bits.
    pub fn bits(self) -> u64 {
        self.bits
    }
}

/// The protection at work. Times are microseconds from the first client on.
pub(super) struct Guard {
    protection: Protection,
    attacks: Vec<Attack>,
    /// What clients have brought in the present second.
    clients: Load,
    /// The end of the present second.
    next: u64,
    cleaning: bool,
    /// When the black hole ends.
    black_hole: Option<u64>,
}

impl Guard {
    pub(super) fn of(protection: Protection, attacks: Vec<Attack>) -> Guard {
        Guard {
            protection,
            attacks,
            clients: Load::default(),
            next: SECOND,
            cleaning: false,
            black_hole: None,
        }
    }

    /// When it looks at what has come in.
    pub(super) fn next_look(&self) -> u64 {
        self.next
    }

    /// Looks at the second that ends, and says what begins and what ends with it.
    pub(super) fn look(&mut self) -> impl Iterator<Item = What> + use<> {
        let load = self.came_in();
        let (was_dark, was_cleaning) = (self.black_hole.is_some(), self.cleaning);
        let mbit = |mbps: u64| mbps * 1_000_000;
        if load.bits > mbit(self.protection.black_hole_mbps()) {
            self.black_hole = Some(self.next + self.protection.black_hole.us());
        }
        self.black_hole = self.black_hole.filter(|end| *end > self.next);
        self.cleaning = load.bits > mbit(self.protection.cleaning_mbps())
            || load.packets > self.protection.cleaning_packets();
        self.clients = Load::default();
        self.next += SECOND;
        let changes = [
            (was_cleaning, self.cleaning, What::CleaningBegan, What::CleaningEnded),
            (was_dark, self.black_hole.is_some(), What::BlackHoleBegan, What::BlackHoleEnded),
        ];
        changes.into_iter().filter(|(was, is, ..)| was != is).map(
            |(_, is, began, ended)| {
                if is { began } else { ended }
            },
        )
    }

    /// What clients and attackers have brought in the present second.
    fn came_in(&self) -> Load {
        let (from, to) = (self.next - SECOND, self.next);
        let mut load = self.clients;
        for attack in &self.attacks {
            let (begins, ends) = (attack.at.us(), attack.at.us() + attack.lasts.us());
            // Whole milliseconds, so that a thousandth of a second's amount is exact enough: it is rounded down.
            let ms = ends.min(to).saturating_sub(begins.max(from)) / 1_000;
            load.bits += u64::from(attack.mbps) * 1_000 * ms;
            load.packets += u64::from(attack.packets) * ms / 1_000;
        }
        load
    }

    /// Why a client's connection that brings so much does not come in, if it does not.
    pub(super) fn stops(&mut self, connection: Load) -> Option<Cause> {
        if self.black_hole.is_some() {
            return Some(Cause::BlackHole);
        }
        let Load { bits, packets } = connection;
        let then = Load { bits: self.clients.bits + bits, packets: self.clients.packets + packets };
        let above = then.bits > self.protection.cleaning_mbps() * 1_000_000
            || then.packets > self.protection.cleaning_packets();
        self.clients = then;
        (self.cleaning && above).then_some(Cause::Cleaned)
    }
}
