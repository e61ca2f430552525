//! An elastic network interface: addresses of one vSwitch, a MAC address, and 1 to 10 security groups.
//!
//! A primary interface is born and dies with its instance; a secondary one is attached and detached.
//! Every address it holds is taken out of the pool of its vSwitch.

use crate::access::{Caller, Owner};
use crate::cidr::{AddressPool6, Cidr4, Cidr6};
use crate::command::Reply;
use crate::ecs::eni_address::{self, Chosen, Primary, Wanted, in_addresses};
use crate::ecs::instance::Instance;
use crate::ecs::membership::{self, addresses_of, check_membership};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, EniId, Id, InstanceId, ResourceGroupId, SecurityGroupId, VSwitchId, VpcId, mix};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::slb::backend::Server;
use crate::slb::backend_places;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::vswitch::VSwitch;
use crate::vpc::{eip_binding, ha_vip_binding, ipv6_bandwidth, ipv6_egress_rule};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What sort of interface it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EniKind {
    /// Born and dies with its instance.
    Primary,
    /// Attached and detached at will.
    Secondary,
    /// Carries member interfaces.
    Trunk,
    /// Attached through a trunk.
    Member,
}

impl EniKind {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            EniKind::Primary => "Primary",
            EniKind::Secondary => "Secondary",
            EniKind::Trunk => "Trunk",
            EniKind::Member => "Member",
        }
    }
}

/// Where an interface is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EniStatus {
    /// Attached to nothing.
    Available,
    /// Being attached.
    Attaching,
    /// Attached.
    InUse,
    /// Being detached.
    Detaching,
    /// Being deleted.
    Deleting,
}

impl EniStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            EniStatus::Available => "Available",
            EniStatus::Attaching => "Attaching",
            EniStatus::InUse => "InUse",
            EniStatus::Detaching => "Detaching",
            EniStatus::Deleting => "Deleting",
        }
    }
}

/// An elastic network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eni {
    /// Its id.
    pub id: EniId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch, which gives it zone and addresses.
    pub vswitch: VSwitchId,
    /// What sort it is.
    pub kind: EniKind,
    /// Where it is in its life.
    pub status: EniStatus,
    /// When it leaves Attaching or Detaching; absent in every other status.
    pub settles: Option<SimTime>,
    /// Its MAC address: the low 48 bits.
    pub mac: u64,
    /// Its primary private IPv4 address.
    pub primary_ip: Ipv4Addr,
    /// Its secondary private IPv4 addresses.
    pub secondary_ips: Vec<Ipv4Addr>,
    /// Its IPv4 prefixes: /28 each.
    pub ipv4_prefixes: Vec<Cidr4>,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// Its IPv6 prefixes: /80 each.
    pub ipv6_prefixes: Vec<Cidr6>,
    /// Its security groups: 1 to 10, all of one kind.
    pub groups: Vec<SecurityGroupId>,
    /// The instance it is attached to, or is being attached to or detached from.
    pub instance: Option<InstanceId>,
    /// The trunk interface through which a member is attached.
    pub trunk: Option<EniId>,
    /// Its place among the interfaces of its instance or the members of its trunk.
    pub device_index: u16,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Whether it is deleted with its instance.
    pub delete_on_release: bool,
    /// Whether packets with foreign addresses are dropped.
    pub source_dest_check: bool,
    /// Its queues as asked for; echoed and without effect here.
    pub queues: Option<u16>,
    /// Its traffic mode as asked for; echoed and without effect here.
    pub traffic_mode: TrafficMode,
    /// When it was made.
    pub created: SimTime,
}

/// How an interface moves traffic at the provider; without effect here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrafficMode {
    /// The usual mode.
    #[default]
    Standard,
    /// By remote direct memory access.
    HighPerformance,
}

impl TrafficMode {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            TrafficMode::Standard => "Standard",
            TrafficMode::HighPerformance => "HighPerformance",
        }
    }
}

/// What is derived from interfaces.
#[derive(Clone, Debug, Default)]
pub struct EniIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, EniId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, EniId>,
    /// By vSwitch.
    pub by_vswitch: Groups<VSwitchId, EniId>,
    /// By instance: members of its trunks too.
    pub by_instance: Groups<InstanceId, EniId>,
    /// The members of each trunk.
    pub by_trunk: Groups<EniId, EniId>,
    /// By security group.
    pub by_group: Groups<SecurityGroupId, EniId>,
    /// How many private addresses the members of a security group hold, counted as in
    /// [`crate::ecs::membership::addresses_of`].
    pub addresses_in_group: BTreeMap<SecurityGroupId, u64>,
    /// By security group the distinct sets of groups, in order of their ids, that its members belong to, and how many
    /// do.
    pub sets_with_group: BTreeMap<SecurityGroupId, BTreeMap<Vec<SecurityGroupId>, u64>>,
    /// Who holds a private IPv4 address of a VPC.
    pub by_address: BTreeMap<(VpcId, Ipv4Addr), EniId>,
    /// Who holds an IPv6 address.
    pub by_ipv6: BTreeMap<Ipv6Addr, EniId>,
    /// Who holds a private IPv4 prefix of a VPC, by its first address.
    pub by_prefix: BTreeMap<(VpcId, Ipv4Addr), EniId>,
    /// Who holds an IPv6 prefix, by its first address.
    pub by_prefix6: BTreeMap<Ipv6Addr, EniId>,
    /// How many private addresses of a VPC are held: each address of each interface, a prefix counting 16.
    pub addresses_in_vpc: BTreeMap<VpcId, u64>,
    /// How many interfaces other than primary ones an account has in a region.
    pub secondary: BTreeMap<Owner, u64>,
    /// The IPv6 addresses taken in each vSwitch that has any.
    pub pools6: BTreeMap<VSwitchId, TakenIpv6>,
}

/// The IPv6 addresses and prefixes taken in one vSwitch.
#[derive(Clone, Debug)]
pub struct TakenIpv6 {
    /// Which are free.
    pub pool: AddressPool6,
    /// How many addresses and prefixes are taken.
    pub taken: u64,
}

impl Eni {
    /// Its private IPv4 addresses: the primary first.
    pub fn ipv4(&self) -> impl Iterator<Item = Ipv4Addr> {
        std::iter::once(self.primary_ip).chain(self.secondary_ips.iter().copied())
    }

    /// How many slots of an instance type's IPv4 addresses it takes: each address one, each prefix one.
    pub fn ipv4_slots(&self) -> u64 {
        1 + self.secondary_ips.len() as u64 + self.ipv4_prefixes.len() as u64
    }

    /// How many slots of an instance type's IPv6 addresses it takes: each address one, each prefix one.
    pub fn ipv6_slots(&self) -> u64 {
        self.ipv6.len() as u64 + self.ipv6_prefixes.len() as u64
    }

    /// How many private IPv4 addresses it holds, a prefix counting 16.
    pub fn private_addresses(&self) -> u64 {
        1 + self.secondary_ips.len() as u64 + 16 * self.ipv4_prefixes.len() as u64
    }

    /// Its MAC address as six octets in hexadecimal.
    pub fn mac_text(&self) -> String {
        let b = self.mac.to_be_bytes();
        format!("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[2], b[3], b[4], b[5], b[6], b[7])
    }
}

/// The MAC address of the interface with this id.
///
/// The first 2^24 objects of a world get addresses in 00:16:3e, the rest in 02:xx:xx (locally administered,
/// RFC 7042), where the middle octets hold the upper bits of the object's counter. The lower octets are a
/// bijection of its lower 24 bits, so no two interfaces of a world share an address.
pub fn mac_of(id: EniId) -> u64 {
    const MASK: u64 = 0xfff;
    let counter = id.number().counter();
    let (mut left, mut right) = (counter >> 12 & MASK, counter & MASK);
    for round in 0..4 {
        (left, right) = (right, left ^ (mix(right, 100 + round) & MASK));
    }
    let low = left << 12 | right;
    match counter >> 24 {
        0 => 0x0016_3e00_0000 | low,
        upper => 0x0200_0000_0000 | upper << 24 | low,
    }
}

impl Row for Eni {
    type Key = EniId;
    type Index = EniIndex;

    fn key(&self) -> EniId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|e| e.id) else { return };
        membership::reindex(indexes, old, new);
        let ix = &mut indexes.enis;
        let moved = old.is_none() || new.is_none();
        if moved {
            ix.by_owner.shift(&id, old.map(|e| e.owner.clone()), new.map(|e| e.owner.clone()));
        }
        ix.by_vpc.shift(&id, old.map(|e| e.vpc), new.map(|e| e.vpc));
        ix.by_vswitch.shift(&id, old.map(|e| e.vswitch), new.map(|e| e.vswitch));
        ix.by_instance.shift(&id, old.and_then(|e| e.instance), new.and_then(|e| e.instance));
        ix.by_trunk.shift(&id, old.and_then(|e| e.trunk), new.and_then(|e| e.trunk));
        if moved {
            count(
                &mut ix.secondary,
                old.filter(|e| e.kind != EniKind::Primary).map(|e| (&e.owner, 1)),
                false,
            );
            count(&mut ix.secondary, new.filter(|e| e.kind != EniKind::Primary).map(|e| (&e.owner, 1)), true);
        }
        eni_address::reindex(indexes, old, new);
    }
}

/// Adds to or takes from a count; a count of 0 has no entry.
pub(crate) fn count<K: Ord + Clone>(counts: &mut BTreeMap<K, u64>, entry: Option<(&K, u64)>, add: bool) {
    let Some((key, n)) = entry.filter(|&(_, n)| n > 0) else { return };
    if add {
        *counts.entry(key.clone()).or_default() += n;
    } else if let Some(value) = counts.get_mut(key) {
        *value -= n;
        if *value == 0 {
            counts.remove(key);
        }
    }
}

impl Resource for Eni {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rule for an interface's name.
pub const NAME: TextRule =
    TextRule { min: 2, max: 128, letter_first: true, field: "name", error: ErrorCode::EniNameMalformed };
/// The rule for an interface's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::EniDescriptionMalformed,
};

/// Makes a secondary or trunk interface, which is Available at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateEni {
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// [`EniKind::Secondary`] or [`EniKind::Trunk`].
    pub kind: EniKind,
    /// Its security groups: 1 to 10.
    pub groups: Vec<SecurityGroupId>,
    /// Its primary address; the lowest free one if absent.
    pub primary_ip: Option<Ipv4Addr>,
    /// Its other addresses.
    pub wanted: Wanted,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Whether it is deleted with the instance it is attached to.
    pub delete_on_release: bool,
    /// Whether packets with foreign addresses are dropped.
    pub source_dest_check: bool,
    /// Its queues; without effect here.
    pub queues: Option<u16>,
    /// Its traffic mode; without effect here.
    pub traffic_mode: TrafficMode,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// The groups of an interface given as one id or as a list, not both.
///
/// # Errors
/// [`ErrorCode::EniGroupsConflict`].
pub fn choose_groups(
    one: Option<SecurityGroupId>,
    many: Vec<SecurityGroupId>,
) -> Outcome<Vec<SecurityGroupId>> {
    match (one, many.is_empty()) {
        (Some(group), true) => Ok(vec![group]),
        (None, false) => Ok(many),
        (None, true) => Ok(Vec::new()),
        (Some(_), false) => Err(Refusal::new(ErrorCode::EniGroupsConflict)
            .field("security_group_ids")
            .accepted("one of the two")),
    }
}

/// Handles [`CreateEni`].
///
/// # Errors
/// The form of names, tags, addresses; an unknown vSwitch or group; a vSwitch in transition or without IPv6; an
/// address outside, reserved or in use; the quotas; no free address or prefix.
pub fn create(w: &mut World, caller: &Caller, c: &CreateEni) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    c.wanted.check_form(eni_address::Call::Create).map_err(in_addresses)?;
    if !matches!(c.kind, EniKind::Secondary | EniKind::Trunk) {
        return Err(Refusal::new(ErrorCode::InvalidParameter).field("type").accepted("Secondary, Trunk"));
    }
    let vswitch = w.visible::<VSwitch>(caller, c.vswitch)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    let (_, ipv6) = c.wanted.slots();
    eni_address::check_traffic_mode(c.traffic_mode, ipv6, "traffic_mode")?;
    check_membership(w, caller, vswitch.vpc, &c.groups, None, 1 + c.wanted.addresses())?;
    vswitch.check_available()?;
    let primary = c.primary_ip.map_or(Primary::Lowest, Primary::Given);
    let chosen = eni_address::choose(w, vswitch, primary, &c.wanted).map_err(in_addresses);
    let chosen = eni_address::room_last(chosen, || {
        let used = w.indexes().enis.secondary.get(&Owner::from(caller)).copied().unwrap_or(0);
        Quota::SecondaryEnis.check(w, caller.account, used, 1, ErrorCode::EniQuotaExceeded)?;
        eni_address::check_vpc_quota(w, caller, vswitch.vpc, 1 + c.wanted.private_addresses())
    })?;
    let made = New {
        kind: c.kind,
        groups: c.groups.clone(),
        name,
        description,
        resource_group,
        delete_on_release: c.delete_on_release,
        source_dest_check: c.source_dest_check,
        queues: c.queues,
        traffic_mode: c.traffic_mode,
    };
    let eni = build(w, caller, c.vswitch, chosen, made)?;
    let id = eni.id;
    tag::put_all(w, &eni.owner, id, &c.tags);
    w.put(eni);
    Ok(id.into())
}

/// What a new interface is, beside its addresses.
pub(crate) struct New {
    pub kind: EniKind,
    pub groups: Vec<SecurityGroupId>,
    pub name: CompactString,
    pub description: CompactString,
    pub resource_group: ResourceGroupId,
    pub delete_on_release: bool,
    pub source_dest_check: bool,
    pub queues: Option<u16>,
    pub traffic_mode: TrafficMode,
}

/// The row of a new interface, Available and attached to nothing.
///
/// # Errors
/// [`ErrorCode::WorldFull`].
pub(crate) fn build(
    w: &mut World,
    caller: &Caller,
    vswitch: VSwitchId,
    chosen: Chosen,
    new: New,
) -> Outcome<Eni> {
    let vpc = w.visible::<VSwitch>(caller, vswitch)?.vpc;
    let id = w.new_id::<EniId>(&caller.region)?;
    Ok(Eni {
        id,
        owner: caller.into(),
        vpc,
        vswitch,
        kind: new.kind,
        status: EniStatus::Available,
        settles: None,
        mac: mac_of(id),
        primary_ip: chosen.primary.expect("a new interface chose a primary address"),
        secondary_ips: chosen.ipv4,
        ipv4_prefixes: chosen.ipv4_prefixes,
        ipv6: chosen.ipv6,
        ipv6_prefixes: chosen.ipv6_prefixes,
        groups: new.groups,
        instance: None,
        trunk: None,
        device_index: 0,
        name: new.name,
        description: new.description,
        resource_group: new.resource_group,
        delete_on_release: new.delete_on_release,
        source_dest_check: new.source_dest_check,
        queues: new.queues,
        traffic_mode: new.traffic_mode,
        created: w.now(),
    })
}

/// Changes an interface; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyEni {
    /// The interface.
    pub eni: EniId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Its new groups: 1 to 10, in place of those it had.
    pub groups: Option<Vec<SecurityGroupId>>,
    /// Whether it is deleted with its instance.
    pub delete_on_release: Option<bool>,
    /// Whether packets with foreign addresses are dropped.
    pub source_dest_check: Option<bool>,
    /// Its new queues; without effect here.
    pub queues: Option<u16>,
    /// Its new traffic mode; without effect here.
    pub traffic_mode: Option<TrafficMode>,
}

/// Handles [`ModifyEni`].
///
/// The groups of a primary interface are those of its instance, and it always goes with the instance: neither can
/// be changed here.
///
/// # Errors
/// The form of the fields; an unknown interface or group; groups or release of a primary interface; the limits of
/// groups.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyEni) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let eni = w.visible::<Eni>(caller, c.eni)?;
    if eni.kind == EniKind::Primary && (c.groups.is_some() || c.delete_on_release.is_some()) {
        let field = if c.groups.is_some() { "security_group_ids" } else { "delete_on_release" };
        return Err(Refusal::new(ErrorCode::EniPrimaryFixed)
            .field(field)
            .detail(format!("{} is a primary interface.", eni.id)));
    }
    if let Some(mode) = c.traffic_mode {
        eni_address::check_traffic_mode(mode, eni.ipv6_slots(), "traffic_mode")?;
    }
    if let Some(groups) = &c.groups {
        check_membership(w, caller, eni.vpc, groups, Some(eni), addresses_of(eni))?;
    }
    w.update::<Eni>(&c.eni, |eni| {
        if c.name.is_some() {
            eni.name = name;
        }
        if c.description.is_some() {
            eni.description = description;
        }
        if let Some(groups) = &c.groups {
            eni.groups = groups.clone();
        }
        eni.delete_on_release = c.delete_on_release.unwrap_or(eni.delete_on_release);
        eni.source_dest_check = c.source_dest_check.unwrap_or(eni.source_dest_check);
        eni.queues = c.queues.or(eni.queues);
        eni.traffic_mode = c.traffic_mode.unwrap_or(eni.traffic_mode);
    });
    Ok(Reply::Done)
}

/// Deletes an interface that is attached to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteEni {
    /// The interface.
    pub eni: EniId,
}

/// Handles [`DeleteEni`].
///
/// # Errors
/// An unknown interface, a primary one, one that is not Available.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteEni) -> Outcome<Reply> {
    let eni = w.visible::<Eni>(caller, c.eni)?;
    if let Some((code, ids)) = dependents(w, eni).into_iter().next() {
        return Err(Refusal::new(code)
            .field("network_interface_id")
            .detail(format!("{} is {}, of type {}.", eni.id, eni.status.text(), eni.kind.text()))
            .blockers(ids));
    }
    erase(w, c.eni);
    Ok(Reply::Done)
}

/// Takes an interface and its tags out of the world.
pub(crate) fn erase(w: &mut World, id: EniId) {
    tag::clear(w, id);
    eip_binding::forget_eni(w, id);
    ha_vip_binding::forget_eni(w, id);
    // Gone with its instance in the middle of a transition.
    if w.get::<Eni>(&id).is_some_and(|eni| eni.settles.is_some()) {
        w.unschedule(Due::Eni(id));
    }
    backend_places::forget(w, Server::Eni(id));
    crate::ecs::outage::forget(w, &crate::ecs::outage::OutageTarget::Eni(id));
    w.remove::<Eni>(&id);
    ipv6_bandwidth::forget_lost(w, id);
    ipv6_egress_rule::forget_lost(w, id);
}

/// What keeps an interface from being deleted, in the order in which it is reported.
pub fn dependents(w: &World, eni: &Eni) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let Some(instance) = eni.instance else { return Vec::new() };
    let code =
        if eni.kind == EniKind::Primary { ErrorCode::EniKindDenied } else { ErrorCode::EniStatusIncorrect };
    let members: Vec<AnyId> = w.indexes().enis.by_trunk.of(&eni.id).map(|&id| id.into()).collect();
    let mut all = vec![(code, vec![instance.into()])];
    if !members.is_empty() {
        all.push((ErrorCode::EniHasMembers, members));
    }
    all
}

/// The interfaces of an instance, members of its trunks left out, by device index.
pub fn of_instance<'a>(w: &'a World, instance: &Instance) -> Vec<&'a Eni> {
    let ids = w.indexes().enis.by_instance.of(&instance.id);
    let mut enis: Vec<&Eni> = ids.filter_map(|id| w.get::<Eni>(id)).filter(|e| e.trunk.is_none()).collect();
    enis.sort_by_key(|e| e.device_index);
    enis
}
