//! What a world is set to: clock, provisioning, quotas profile, and the choices where the provider's
//! documents disagree with each other.

use crate::access::{RegionId, ZoneId};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::table::Row;
use crate::time::{SimTime, Span};
use crate::world::World;
use serde::{Deserialize, Serialize};

/// How virtual time follows the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// One second a second.
    Real,
    /// So many seconds a second: 1 to 1,000,000.
    Scaled(u32),
    /// Time stands still until it is advanced.
    Manual,
}

/// Virtual time as a function of the wall clock: `virtual = anchor_virtual + (wall - anchor_wall) x rate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// How time follows the wall clock.
    pub mode: ClockMode,
    /// The wall clock at the anchor, milliseconds since 1970.
    pub anchor_wall: i64,
    /// Virtual time at the anchor.
    pub anchor_virtual: SimTime,
}

impl Clock {
    /// A clock that shows `now` when the wall clock shows `wall`. A manual one does not look at the wall clock,
    /// so that the same seed gives the same rows whenever a test runs.
    pub fn anchored(mode: ClockMode, wall: i64, now: SimTime) -> Clock {
        let anchor_wall = if mode == ClockMode::Manual { 0 } else { wall };
        Clock { mode, anchor_wall, anchor_virtual: now }
    }

    /// Virtual time when the wall clock shows `wall` milliseconds; the anchor's time if the mode is manual.
    pub fn at(&self, wall: i64) -> SimTime {
        let passed = wall.saturating_sub(self.anchor_wall).max(0);
        match self.mode {
            ClockMode::Real => self.anchor_virtual + Span(passed),
            ClockMode::Scaled(rate) => self.anchor_virtual + Span(passed.saturating_mul(i64::from(rate))),
            ClockMode::Manual => self.anchor_virtual,
        }
    }
}

/// How long changes of state take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provisioning {
    /// No time: an object is ready when the answer comes.
    Instant,
    /// 200 ms: long enough to be seen by a client that polls.
    Visible,
    /// As long as at the provider, with its busy and conflict answers.
    Documented,
}

/// A change of state that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A VPC is made or changed.
    Vpc,
    /// A vSwitch is made, or bound to a route table.
    VSwitch,
    /// A route table is made.
    RouteTable,
    /// A route entry is made, changed or deleted.
    RouteEntry,
    /// A network interface is attached.
    EniAttach,
    /// A network interface is detached.
    EniDetach,
    /// An elastic IP address is bound or taken off.
    Eip,
    /// A NAT gateway is made or deleted.
    NatGateway,
    /// An entry of a NAT table is made or changed.
    NatEntry,
    /// A HaVip is made or deleted.
    HaVip,
    /// An IPv4 or IPv6 gateway is made, activated or deleted.
    Gateway,
    /// A network ACL is made, or its rules or bindings change.
    NetworkAcl,
    /// An instance is made.
    InstanceCreate,
    /// An instance starts.
    InstanceStart,
    /// An instance stops.
    InstanceStop,
    /// A listener is started, stopped or changed; only with documented provisioning, since clients do not wait.
    Listener,
}

impl Provisioning {
    /// How long `work` takes. The documented durations are the proposals of the provider's timing
    /// (a VPC 1 s, a vSwitch 2 s, a route entry 1 s, attaching 3 s, a NAT gateway 3 min), which publishes no figures.
    pub const fn span(self, work: Work) -> Span {
        match (self, work) {
            (Provisioning::Instant, _) => Span::ZERO,
            (Provisioning::Visible, _) => Span(200),
            (
                Provisioning::Documented,
                Work::Vpc
                | Work::RouteTable
                | Work::RouteEntry
                | Work::NetworkAcl
                | Work::Eip
                | Work::Gateway
                | Work::HaVip
                | Work::NatEntry,
            ) => Span(1_000),
            (Provisioning::Documented, Work::Listener) => Span(1_000),
            (Provisioning::Documented, Work::NatGateway) => Span(180_000),
            (Provisioning::Documented, Work::VSwitch) => Span(2_000),
            (Provisioning::Documented, Work::EniAttach | Work::EniDetach) => Span(3_000),
            (Provisioning::Documented, Work::InstanceCreate | Work::InstanceStop) => Span(10_000),
            (Provisioning::Documented, Work::InstanceStart) => Span(20_000),
        }
    }
}

/// Choices where the provider's documents disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    /// The shortest mask of a secondary block: 16 in the newest SDK, 8 in older pages and Terraform.
    pub secondary_mask_min: u8,
    /// Whether a custom route may lie inside 100.64.0.0/10: no by the API page, yes by the 2026 guide.
    pub routes_in_cloud_services: bool,
    /// Whether enterprise groups take drop rules: yes by the 2021 guide, no by an API error text.
    pub enterprise_drop_rules: bool,
    /// Whether a listener with an empty white list lets everybody in: yes by the interface, no by the user guide.
    pub empty_white_list_admits: bool,
}

impl Default for Disputed {
    fn default() -> Disputed {
        Disputed {
            secondary_mask_min: 16,
            routes_in_cloud_services: false,
            enterprise_drop_rules: true,
            empty_white_list_admits: true,
        }
    }
}

/// The one row that says what the world is set to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The seed that the world's streams grow from.
    pub seed: u64,
    /// The salt of the ids issued in this era.
    pub salt: u64,
    /// Virtual time when the world was made.
    pub began: SimTime,
    /// How time passes.
    pub clock: Clock,
    /// How long changes of state take.
    pub provisioning: Provisioning,
    /// Whether count quotas are lifted.
    pub quotas_lifted: bool,
    /// Choices where the provider's documents disagree.
    pub disputed: Disputed,
    /// Zones beyond the catalogue's.
    pub extra_zones: Vec<(RegionId, ZoneId)>,
}

impl Row for Settings {
    type Key = ();
    type Index = ();
    fn key(&self) {}
}

/// Sets how time passes from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetClock {
    /// The new mode.
    pub mode: ClockMode,
    /// What the wall clock shows, milliseconds since 1970.
    pub wall: i64,
}

/// Handles [`SetClock`].
///
/// # Errors
/// [`ErrorCode::SettingInvalid`] for a rate outside 1 to 1,000,000.
pub fn set_clock(w: &mut World, _caller: &crate::Caller, c: &SetClock) -> Outcome<Reply> {
    if let ClockMode::Scaled(rate) = c.mode
        && !(1..=1_000_000).contains(&rate)
    {
        return Err(Refusal::new(ErrorCode::SettingInvalid)
            .field("rate")
            .detail(format!("A clock cannot run at {rate} times the wall clock."))
            .accepted("1 to 1000000"));
    }
    let clock = Clock::anchored(c.mode, c.wall, w.now());
    w.change_settings(|s| s.clock = clock);
    Ok(Reply::Done)
}

/// Changes how the world behaves; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSettings {
    /// How long changes of state take.
    pub provisioning: Option<Provisioning>,
    /// Whether count quotas are lifted.
    pub quotas_lifted: Option<bool>,
}

/// Handles [`ChangeSettings`].
///
/// # Errors
/// None at present.
pub fn change(w: &mut World, _caller: &crate::Caller, c: &ChangeSettings) -> Outcome<Reply> {
    w.change_settings(|s| {
        s.provisioning = c.provisioning.unwrap_or(s.provisioning);
        s.quotas_lifted = c.quotas_lifted.unwrap_or(s.quotas_lifted);
    });
    Ok(Reply::Done)
}
