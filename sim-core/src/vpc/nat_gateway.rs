//! A NAT gateway: the way of a VPC's hosts to the internet, by elastic IP addresses that are bound to it; who takes which
//! of them is in `snat.rs`, and what they lead to in `forward_entry.rs`.
//!
//! It is of the enhanced type, lies in a vSwitch and holds one address there (provider documentation: Internet NAT
//! gateways, CreateNatGateway, DeleteNatGateway).

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::ecs::eni_address::{self, Primary, Wanted};
use crate::error::{ErrorCode, ErrorKind, Outcome, Refusal};
use crate::id::{
    AnyId, EipId, ForwardTableId, Id, NatGatewayId, RouteEntryId, SnatTableId, VSwitchId, VpcId,
};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::eip::{Eip, EipStatus, InternetCharge};
use crate::vpc::next_hop::NextHop;
use crate::vpc::route_entry::{self, RouteEntry};
use crate::vpc::vpc::Vpc;
use crate::vpc::vswitch::{self, VSwitch};
use crate::vpc::{eip_binding, forward_entry, snat};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Where a NAT gateway is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatStatus {
    /// Being made.
    Creating,
    /// Ready.
    Available,
    /// Being deleted.
    Deleting,
}

impl NatStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            NatStatus::Creating => "Creating",
            NatStatus::Available => "Available",
            NatStatus::Deleting => "Deleting",
        }
    }
}

/// How a NAT gateway's elastic IP addresses are seen by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EipBindMode {
    /// They are the gateway's own addresses.
    #[default]
    MultiBinded,
    /// They stand for private addresses of the gateway.
    Nat,
}

impl EipBindMode {
    /// Every mode, with the provider's word.
    pub const ALL: &'static [(&'static str, EipBindMode)] =
        &[("MULTI_BINDED", EipBindMode::MultiBinded), ("NAT", EipBindMode::Nat)];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            EipBindMode::MultiBinded => "MULTI_BINDED",
            EipBindMode::Nat => "NAT",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidParameter`].
    pub fn parse(text: &str) -> Outcome<EipBindMode> {
        let known = EipBindMode::ALL.iter().find(|(word, _)| *word == text);
        known.map(|(_, mode)| *mode).ok_or_else(|| {
            Refusal::new(ErrorCode::InvalidParameter)
                .field("eip_bind_mode")
                .given(text)
                .accepted("MULTI_BINDED, NAT")
        })
    }
}

/// A NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    /// Its id.
    pub id: NatGatewayId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// Its private address, which never changes.
    pub address: Ipv4Addr,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Whether a deletion is refused.
    pub deletion_protection: bool,
    /// Whether it answers echo requests to its addresses; kept and shown, nobody answers them here.
    pub icmp_reply: bool,
    /// How its elastic IP addresses are seen by it; packets go the same way in either mode.
    pub bind_mode: EipBindMode,
    /// Where it is in its life.
    pub status: NatStatus,
    /// When it leaves Creating or Deleting; absent in every other status.
    pub settles: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from NAT gateways.
#[derive(Clone, Debug, Default)]
pub struct NatGatewayIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, NatGatewayId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, NatGatewayId>,
    /// By vSwitch.
    pub by_vswitch: Groups<VSwitchId, NatGatewayId>,
    /// Who holds a private address of a VPC.
    pub by_address: BTreeMap<(VpcId, Ipv4Addr), NatGatewayId>,
}

impl NatGateway {
    /// The id of its SNAT table, which is made of its own.
    pub fn snat_table(&self) -> SnatTableId {
        SnatTableId::from_number(self.id.number())
    }

    /// The id of its DNAT table, which is made of its own.
    pub fn forward_table(&self) -> ForwardTableId {
        ForwardTableId::from_number(self.id.number())
    }

    /// The elastic IP addresses bound to it, oldest first.
    pub fn eips<'w>(&self, w: &'w World) -> impl Iterator<Item = &'w Eip> {
        w.indexes().eips.by_target.of(&self.id.into()).filter_map(|id| w.get::<Eip>(id))
    }

    /// Refuses changes while it is made or deleted.
    ///
    /// # Errors
    /// [`ErrorCode::NatStatusIncorrect`].
    pub(crate) fn check_available(&self) -> Outcome<()> {
        if self.status == NatStatus::Available {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::NatStatusIncorrect)
            .field("nat_gateway_id")
            .detail(format!("{} is {}.", self.id, self.status.text()))
            .accepted("a NAT gateway that is Available"))
    }

    /// Refuses a change while the gateway works on another of its entries. The provider documents more than one code; this
    /// is the one after which its Terraform provider asks again, as it must where several entries are made at once.
    pub(crate) fn busy_with(&self, entry: impl Into<AnyId>, status: &'static str) -> Refusal {
        let entry = entry.into();
        Refusal::new(ErrorCode::NatStatusIncorrect)
            .field("nat_gateway_id")
            .detail(format!("{} works on {entry}, which is {status}.", self.id))
            .accepted("the same request once it is Available")
            .blockers([entry])
    }
}

impl Row for NatGateway {
    type Key = NatGatewayId;
    type Index = NatGatewayIndex;

    fn key(&self) -> NatGatewayId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        // Where it lies and its address never change.
        let (Some(row), came) = (old.xor(new), new.is_some()) else { return };
        let (was, is) = if came { (None, Some(row)) } else { (Some(row), None) };
        let (id, ix) = (row.id, &mut indexes.nat_gateways);
        ix.by_owner.shift(&id, was.map(|g| g.owner.clone()), is.map(|g| g.owner.clone()));
        ix.by_vpc.shift(&id, was.map(|g| g.vpc), is.map(|g| g.vpc));
        ix.by_vswitch.shift(&id, was.map(|g| g.vswitch), is.map(|g| g.vswitch));
        if came {
            ix.by_address.insert((row.vpc, row.address), id);
        } else {
            ix.by_address.remove(&(row.vpc, row.address));
        }
        vswitch::hold(indexes, row.vpc, row.vswitch, row.address, came);
    }
}

impl Resource for NatGateway {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rule for a NAT gateway's name.
pub const NAME: TextRule =
    TextRule { min: 2, max: 128, letter_first: true, field: "name", error: ErrorCode::NatNameMalformed };
/// The rule for a NAT gateway's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::NatDescriptionMalformed,
};

/// Makes a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateNatGateway {
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Whether it answers echo requests.
    pub icmp_reply: bool,
    /// How its elastic IP addresses are seen by it.
    pub bind_mode: EipBindMode,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateNatGateway`]. The route 0.0.0.0/0 of the VPC's system table leads to it from then on, unless the table
/// has one already or is full.
///
/// # Errors
/// The form of name, description and tags; an unknown VPC or vSwitch; a vSwitch of another VPC; either in transition; the
/// quotas; no free address.
pub fn create(w: &mut World, caller: &Caller, c: &CreateNatGateway) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    if vswitch.vpc != vpc.id {
        return Err(Refusal::new(ErrorCode::NatVSwitchOtherVpc)
            .field("vswitch_id")
            .detail(format!("{} lies in {}.", vswitch.id, vswitch.vpc)));
    }
    vpc.check_available()?;
    vswitch.check_available()?;
    let chosen = eni_address::choose(w, vswitch, Primary::Lowest, &Wanted::default());
    let chosen = eni_address::room_last(chosen.map_err(|refusal| name_room(refusal, vswitch)), || {
        let used = w.indexes().nat_gateways.by_vpc.count(&vpc.id);
        Quota::NatGatewaysPerVpc.check(w, caller.account, used, 1, ErrorCode::NatQuotaExceeded)?;
        eni_address::check_vpc_quota(w, caller, vpc.id, 1)
    })?;
    let span = w.settings().provisioning.span(Work::NatGateway);
    let (vpc, created) = (vpc.id, w.now());
    let id = w.new_id::<NatGatewayId>(&caller.region)?;
    tag::put_all(w, &caller.into(), id, &c.tags);
    w.put(NatGateway {
        id,
        owner: caller.into(),
        vpc,
        vswitch: c.vswitch,
        address: chosen.primary.expect("a primary address was wanted"),
        name,
        description,
        deletion_protection: false,
        icmp_reply: c.icmp_reply,
        bind_mode: c.bind_mode,
        status: NatStatus::Creating,
        settles: Some(created + span),
        created,
    });
    route_entry::add_default(w, caller, vpc, NextHop::NatGateway(id))?;
    if span.is_zero() {
        settle(w, id);
    } else {
        w.schedule(span, Due::NatGateway(id));
    }
    Ok(id.into())
}

/// A vSwitch without a free address has a code of its own here.
fn name_room(refusal: Refusal, vswitch: &VSwitch) -> Refusal {
    if refusal.code().kind() != ErrorKind::Exhausted {
        return refusal;
    }
    Refusal::new(ErrorCode::NatVSwitchFull)
        .field("vswitch_id")
        .detail(format!("{} has no free address.", vswitch.id))
}

/// Ends a transition.
pub(crate) fn settle(w: &mut World, id: NatGatewayId) {
    let now = w.now();
    let Some(gateway) = w.get::<NatGateway>(&id).filter(|g| g.settles == Some(now)) else { return };
    match gateway.status {
        NatStatus::Creating => w.update::<NatGateway>(&id, |gateway| {
            gateway.status = NatStatus::Available;
            gateway.settles = None;
        }),
        NatStatus::Deleting => erase(w, id),
        NatStatus::Available => {}
    }
}

/// Changes a NAT gateway; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyNatGateway {
    /// The gateway.
    pub gateway: NatGatewayId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Whether it answers echo requests.
    pub icmp_reply: Option<bool>,
    /// How its elastic IP addresses are seen by it from now on: NAT in place of MULTI_BINDED, and never back.
    pub bind_mode: Option<EipBindMode>,
    /// Whether a deletion is refused from now on.
    pub deletion_protection: Option<bool>,
}

/// Handles [`ModifyNatGateway`].
///
/// # Errors
/// The form of name and description; an unknown gateway; one that is being made or deleted; a mode that it has, or cannot go
/// back to; an elastic IP address that is being bound or taken off while the mode changes.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyNatGateway) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let gateway = w.visible::<NatGateway>(caller, c.gateway)?;
    gateway.check_available()?;
    if let Some(mode) = c.bind_mode {
        check_bind_mode(w, gateway, mode)?;
    }
    w.update::<NatGateway>(&c.gateway, |gateway| {
        if c.name.is_some() {
            gateway.name = name;
        }
        if c.description.is_some() {
            gateway.description = description;
        }
        gateway.icmp_reply = c.icmp_reply.unwrap_or(gateway.icmp_reply);
        gateway.bind_mode = c.bind_mode.unwrap_or(gateway.bind_mode);
        gateway.deletion_protection = c.deletion_protection.unwrap_or(gateway.deletion_protection);
    });
    Ok(Reply::Done)
}

/// A gateway goes from MULTI_BINDED to NAT while its addresses are at rest (provider documentation:
/// ModifyNatGatewayAttribute).
fn check_bind_mode(w: &World, gateway: &NatGateway, mode: EipBindMode) -> Outcome<()> {
    let refuse =
        |code| Err(Refusal::new(code).field("eip_bind_mode").detail(format!("{} has it.", gateway.id)));
    match (gateway.bind_mode, mode) {
        (EipBindMode::Nat, EipBindMode::Nat) => return refuse(ErrorCode::NatBindModeAlready),
        (_, EipBindMode::MultiBinded) => {
            return Err(Refusal::new(ErrorCode::NatBindModeFixed).field("eip_bind_mode").accepted("NAT"));
        }
        (EipBindMode::MultiBinded, EipBindMode::Nat) => {}
    }
    match gateway.eips(w).find(|eip| eip.status != EipStatus::InUse) {
        None => Ok(()),
        Some(eip) => Err(Refusal::new(ErrorCode::NatEipBusy)
            .field("eip_bind_mode")
            .detail(format!("{} is {}.", eip.id, eip.status.text()))
            .accepted("the same request once it is InUse")
            .blockers([eip.id])),
    }
}

/// Deletes a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteNatGateway {
    /// The gateway.
    pub gateway: NatGatewayId,
    /// Whether its entries and the routes to it are deleted with it and its addresses are taken off.
    pub force: bool,
}

/// Handles [`DeleteNatGateway`]. The route that was made with it goes with it.
///
/// # Errors
/// An unknown gateway; one that is protected, or is being made or deleted; without `force` whatever is in the way, in
/// the order of [`dependents`].
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteNatGateway) -> Outcome<Reply> {
    let gateway = w.visible::<NatGateway>(caller, c.gateway)?;
    gateway.check_available()?;
    if gateway.deletion_protection {
        return Err(Refusal::new(ErrorCode::NatProtected)
            .field("nat_gateway_id")
            .detail(format!("{} is protected.", gateway.id))
            .accepted("the same request after deletion_protection was set to false"));
    }
    if !c.force
        && let Some((code, ids)) = dependents(w, gateway).into_iter().next()
    {
        return Err(Refusal::new(code)
            .field("nat_gateway_id")
            .detail(format!("{} is still needed.", gateway.id))
            .accepted("force set to true")
            .blockers(ids));
    }
    let eips: Vec<EipId> = gateway.eips(w).map(|eip| eip.id).collect();
    snat::forget(w, c.gateway);
    forward_entry::forget(w, c.gateway);
    eips.into_iter().for_each(|eip| eip_binding::free_early(w, eip));
    route_entry::forget_next_hop(w, c.gateway);
    let span = w.settings().provisioning.span(Work::NatGateway);
    let ends = w.now() + span;
    w.update::<NatGateway>(&c.gateway, |gateway| {
        gateway.status = NatStatus::Deleting;
        gateway.settles = Some(ends);
    });
    if span.is_zero() {
        settle(w, c.gateway);
    } else {
        w.schedule(span, Due::NatGateway(c.gateway));
    }
    Ok(Reply::Done)
}

fn erase(w: &mut World, id: NatGatewayId) {
    tag::clear(w, id);
    w.remove::<NatGateway>(&id);
}

/// What keeps a NAT gateway from being deleted, in the order in which it is reported.
pub fn dependents(w: &World, gateway: &NatGateway) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let routes = route_entry::next_hop_users(w, gateway.id).into_iter();
    let own = |id: &RouteEntryId| w.get::<RouteEntry>(id).is_some_and(|entry| entry.with_next_hop);
    let routes = routes.filter(|id| !own(id)).map(AnyId::from);
    let forwards = forward_entry::of_gateway(w, gateway.id).map(|e| e.id.into());
    let all: [(ErrorCode, Vec<AnyId>); 4] = [
        (ErrorCode::NatHasSnatEntry, snat::of_gateway(w, gateway.id).map(|e| e.id.into()).collect()),
        (ErrorCode::NatHasForwardEntry, forwards.collect()),
        (ErrorCode::NatHasEip, gateway.eips(w).map(|eip| eip.id.into()).collect()),
        (ErrorCode::NatHasRouteEntry, routes.collect()),
    ];
    all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}

/// Checks that one more address may be bound to a gateway.
///
/// # Errors
/// [`ErrorCode::NatStatusIncorrect`], [`ErrorCode::NatEipQuotaExceeded`], [`ErrorCode::NatTrafficEipQuotaExceeded`].
pub(crate) fn check_eip(w: &World, caller: &Caller, gateway: &NatGateway, eip: &Eip) -> Outcome<()> {
    gateway.check_available()?;
    let used = gateway.eips(w).count() as u64;
    Quota::EipsPerNatGateway.check(w, caller.account, used, 1, ErrorCode::NatEipQuotaExceeded)?;
    if eip.charge == InternetCharge::ByTraffic {
        let used = traffic_eips(w, gateway);
        let error = ErrorCode::NatTrafficEipQuotaExceeded;
        Quota::TrafficEipsPerNatGateway.check(w, caller.account, used, 1, error)?;
    }
    Ok(())
}

/// How many of the addresses bound to a gateway are paid by traffic.
pub fn traffic_eips(w: &World, gateway: &NatGateway) -> u64 {
    gateway.eips(w).filter(|eip| eip.charge == InternetCharge::ByTraffic).count() as u64
}
