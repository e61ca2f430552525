//! Address planning: questions about blocks that do not exist yet.
//!
//! Each question is a plain input type and a function; each answer says yes or no
//! and why, and is rendered as text by `Display`. Input that breaks a rule of form is
//! no question: it gets [`BadInput`] instead of an answer. Inputs refuse unknown
//! fields, so that a misspelt one is not taken for its default.
//!
//! * [`split`](fn@split): cut a VPC block into vSwitches over zones, and what that costs;
//! * [`room`](fn@room): whether so many more vSwitches of a size fit;
//! * [`check`](fn@check): VPCs, vSwitches, peers, clusters: what is in conflict with what;
//! * [`flannel`] and [`terway`]: how many nodes and pods a container network holds.

mod ack;
mod bad_input;
mod check;
mod cluster;
mod finding;
mod peer;
mod room;
mod split;

pub use ack::{
    FlannelPlan, FlannelRequest, InstanceTypeLimits, TerwayMode, TerwayPlan, TerwayRequest, flannel, terway,
};
pub use bad_input::BadInput;
pub use check::{
    ClusterPlan, ContainerNetwork, PeerPlan, PlanRequest, RoutedPlan, VSwitchPlan, VpcPlan, check,
};
pub use finding::{Finding, PlanReport, PlanRule, Severity, Thing, ThingKind};
pub use room::{Room, RoomLimit, RoomRequest, room};
pub use split::{PlannedVSwitch, SplitCost, SplitPlan, SplitRequest, split};

/// vSwitches of one VPC, until the quota is raised.
pub const VSWITCH_QUOTA: u32 = 150;
/// Custom entries of one route table, until the quota is raised.
pub const ROUTE_QUOTA: u32 = 200;
/// No answer lists more blocks than this, whatever the quota.
pub const MAX_LISTED: u32 = 65_536;

fn default_vswitch_quota() -> u32 {
    VSWITCH_QUOTA
}

fn default_route_quota() -> u32 {
    ROUTE_QUOTA
}

/// A number with its noun: `1 node`, `2 nodes`, `2 addresses`.
fn counted(n: u64, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        _ if noun.ends_with("ch") || noun.ends_with("ss") => format!("{n} {noun}es"),
        _ => format!("{n} {noun}s"),
    }
}

/// "yes" or "no", as the first word of every rendered answer.
fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
