//! An egress-only rule of an IPv6 gateway: its address opens sessions to the internet and has their answers back, and the
//! internet opens none to it (provider documentation: create and manage egress-only rules; CreateIpv6EgressOnlyRule,
//! DeleteIpv6EgressOnlyRule, DescribeIpv6EgressOnlyRules).
//!
//! The page of CreateIpv6EgressOnlyRule calls the states Creating and Created; clients wait for Available, and that is what
//! a rule is called here once it is in force. No page says what giving the bandwidth of the address back does to its rule:
//! here the rule stays, so that the address is not open when bandwidth is bought anew. It goes with the address.

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::ecs::eni::Eni;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EniId, Ipv6EgressRuleId, Ipv6GatewayId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::ipv6_bandwidth::{self, AddressRef};
use crate::vpc::ipv6_gateway::{self, Ipv6Gateway};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

/// Where an egress-only rule is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EgressRuleStatus {
    /// Being made; not in force yet.
    Pending,
    /// In force.
    Available,
    /// Being deleted; not in force any more.
    Deleting,
}

impl EgressRuleStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            EgressRuleStatus::Pending => "Pending",
            EgressRuleStatus::Available => "Available",
            EgressRuleStatus::Deleting => "Deleting",
        }
    }
}

/// An egress-only rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6EgressRule {
    /// Its id.
    pub id: Ipv6EgressRuleId,
    /// Whose it is.
    pub owner: Owner,
    /// The gateway of the address's VPC.
    pub gateway: Ipv6GatewayId,
    /// The address.
    pub address: Ipv6Addr,
    /// The interface that holds it.
    pub eni: EniId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Where it is in its life.
    pub status: EgressRuleStatus,
    /// When it leaves its transition; absent while it is Available.
    pub settles: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from egress-only rules.
#[derive(Clone, Debug, Default)]
pub struct Ipv6EgressRuleIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, Ipv6EgressRuleId>,
    /// By gateway.
    pub by_gateway: Groups<Ipv6GatewayId, Ipv6EgressRuleId>,
    /// By interface.
    pub by_eni: Groups<EniId, Ipv6EgressRuleId>,
    /// The one of each address.
    pub by_address: BTreeMap<Ipv6Addr, Ipv6EgressRuleId>,
}

impl Row for Ipv6EgressRule {
    type Key = Ipv6EgressRuleId;
    type Index = Ipv6EgressRuleIndex;

    fn key(&self) -> Ipv6EgressRuleId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|r| r.id) else { return };
        let ix = &mut indexes.ipv6_egress_rules;
        ix.by_owner.shift(&id, old.map(|r| r.owner.clone()), new.map(|r| r.owner.clone()));
        ix.by_gateway.shift(&id, old.map(|r| r.gateway), new.map(|r| r.gateway));
        ix.by_eni.shift(&id, old.map(|r| r.eni), new.map(|r| r.eni));
        match (old, new) {
            (None, Some(new)) => {
                ix.by_address.insert(new.address, id);
            }
            (Some(old), None) => {
                ix.by_address.remove(&old.address);
            }
            _ => {}
        }
    }
}

impl Resource for Ipv6EgressRule {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rule of an address, in force or not.
pub fn of_address(w: &World, address: Ipv6Addr) -> Option<&Ipv6EgressRule> {
    w.indexes().ipv6_egress_rules.by_address.get(&address).and_then(|id| w.get::<Ipv6EgressRule>(id))
}

/// The rule that keeps the internet from opening sessions to an address.
pub fn in_force(w: &World, address: Ipv6Addr) -> Option<&Ipv6EgressRule> {
    of_address(w, address).filter(|rule| rule.status == EgressRuleStatus::Available)
}

/// How many rules the gateway of a VPC has.
pub fn counted(w: &World, vpc: VpcId) -> u64 {
    ipv6_gateway::of_vpc(w, vpc)
        .map_or(0, |gateway| w.indexes().ipv6_egress_rules.by_gateway.count(&gateway.id))
}

/// The rule for its name (reference page of CreateIpv6EgressOnlyRule, 2026: up to 128 characters, no scheme first).
pub const NAME: TextRule = TextRule {
    min: 1,
    max: 128,
    letter_first: false,
    field: "name",
    error: ErrorCode::Ipv6EgressRuleNameMalformed,
};
/// The rule for its description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::Ipv6EgressRuleDescriptionMalformed,
};

/// Makes an egress-only rule for an IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateIpv6EgressRule {
    /// The gateway of its VPC.
    pub gateway: Ipv6GatewayId,
    /// The address, which has internet bandwidth.
    pub address: AddressRef,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
}

/// Handles [`CreateIpv6EgressRule`].
///
/// A gateway that bandwidth is bought of is Available and stays so: it is not deleted before its bandwidth.
///
/// # Errors
/// The form of name and description; an unknown gateway or address; a gateway of another VPC; an address without bandwidth
/// or with a rule; a full quota.
pub fn create(w: &mut World, caller: &Caller, c: &CreateIpv6EgressRule) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let gateway = w.visible::<Ipv6Gateway>(caller, c.gateway)?;
    let (eni, address) = c.address.find(w, caller)?;
    check_place(gateway, eni, address)?;
    if ipv6_bandwidth::of_address(w, address).is_none() {
        return Err(Refusal::new(ErrorCode::Ipv6EgressRuleNoBandwidth)
            .field("ipv6_address")
            .detail(format!("{address} has no internet bandwidth."))
            .accepted("the same request once bandwidth is bought for it"));
    }
    if let Some(other) = of_address(w, address) {
        return Err(Refusal::new(ErrorCode::Ipv6EgressRuleExists)
            .field("ipv6_address")
            .detail(format!("{address} has {}.", other.id))
            .blockers([other.id]));
    }
    let quota = Quota::Ipv6EgressRulesPerVpc;
    quota.check(w, caller.account, counted(w, gateway.vpc), 1, ErrorCode::Ipv6EgressRuleQuotaExceeded)?;
    let (eni, created) = (eni.id, w.now());
    let id = w.new_id::<Ipv6EgressRuleId>(&caller.region)?;
    w.put(Ipv6EgressRule {
        id,
        owner: caller.into(),
        gateway: c.gateway,
        address,
        eni,
        name,
        description,
        status: EgressRuleStatus::Pending,
        settles: None,
        created,
    });
    begin(w, id, EgressRuleStatus::Pending);
    Ok(id.into())
}

/// An address has the gateway of its own VPC.
fn check_place(gateway: &Ipv6Gateway, eni: &Eni, address: Ipv6Addr) -> Outcome<()> {
    if gateway.vpc == eni.vpc {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::Ipv6EgressRuleOtherVpc)
        .field("ipv6_gateway_id")
        .detail(format!("{address} is in {}, {} in {}.", eni.vpc, gateway.id, gateway.vpc))
        .accepted("the IPv6 gateway of the address's VPC"))
}

/// Puts a rule into transition, or through it at once if it takes no time.
fn begin(w: &mut World, id: Ipv6EgressRuleId, status: EgressRuleStatus) {
    let span = w.settings().provisioning.span(Work::Gateway);
    let ends = w.now() + span;
    w.update::<Ipv6EgressRule>(&id, |rule| {
        rule.status = status;
        rule.settles = Some(ends);
    });
    if span.is_zero() {
        settle(w, id);
    } else {
        w.schedule(span, Due::Ipv6EgressRule(id));
    }
}

/// Ends a transition.
pub(crate) fn settle(w: &mut World, id: Ipv6EgressRuleId) {
    let now = w.now();
    let Some(rule) = w.get::<Ipv6EgressRule>(&id).filter(|r| r.settles == Some(now)) else { return };
    if rule.status == EgressRuleStatus::Deleting {
        w.remove::<Ipv6EgressRule>(&id);
        return;
    }
    w.update::<Ipv6EgressRule>(&id, |rule| {
        rule.status = EgressRuleStatus::Available;
        rule.settles = None;
    });
}

/// Deletes an egress-only rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteIpv6EgressRule {
    /// The rule.
    pub rule: Ipv6EgressRuleId,
}

/// Handles [`DeleteIpv6EgressRule`].
///
/// # Errors
/// An unknown rule; one in transition.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteIpv6EgressRule) -> Outcome<Reply> {
    let rule = w.visible::<Ipv6EgressRule>(caller, c.rule)?;
    if rule.status != EgressRuleStatus::Available {
        return Err(Refusal::new(ErrorCode::Ipv6EgressRuleStatusIncorrect)
            .field("ipv6_egress_only_rule_id")
            .detail(format!("{} is {}.", rule.id, rule.status.text()))
            .accepted("the same request once it is Available"));
    }
    begin(w, c.rule, EgressRuleStatus::Deleting);
    Ok(Reply::Done)
}

/// Takes away the rules of addresses that an interface no longer holds, of all of them if it goes.
pub(crate) fn forget_lost(w: &mut World, eni: EniId) {
    let held = w.get::<Eni>(&eni).map_or(&[][..], |eni| &eni.ipv6).to_vec();
    let own = w.indexes().ipv6_egress_rules.by_eni.of(&eni).filter_map(|id| w.get::<Ipv6EgressRule>(id));
    let lost: Vec<Ipv6EgressRuleId> = own.filter(|r| !held.contains(&r.address)).map(|r| r.id).collect();
    for id in lost {
        w.unschedule(Due::Ipv6EgressRule(id));
        w.remove::<Ipv6EgressRule>(&id);
    }
}
