//! SNAT entries: which hosts of a VPC reach the internet through a NAT gateway, and by which of its addresses.
//!
//! A source is a vSwitch or a block; each at most once, and a packet takes the entry with the narrowest source (provider
//! documentation: CreateSnatEntry).

use crate::access::{Caller, Owner};
use crate::cidr::Cidr4;
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EipId, Id, NatGatewayId, SnatEntryId, SnatTableId, VSwitchId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::eip::{Eip, EipStatus};
use crate::vpc::forward_entry;
use crate::vpc::nat_gateway::{NatGateway, NatStatus};
use crate::vpc::vpc::Vpc;
use crate::vpc::vswitch::VSwitch;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Where an entry of a NAT table is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatEntryStatus {
    /// Being made.
    Pending,
    /// In force.
    Available,
    /// Being changed; in force as it will be.
    Modifying,
}

impl NatEntryStatus {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            NatEntryStatus::Pending => "Pending",
            NatEntryStatus::Available => "Available",
            NatEntryStatus::Modifying => "Modifying",
        }
    }
}

/// Whose packets an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnatSource {
    /// Those of every host in a vSwitch.
    VSwitch(VSwitchId),
    /// Those from the addresses of a block.
    Block(Cidr4),
}

impl SnatSource {
    /// The addresses.
    pub fn block(&self, w: &World) -> Option<Cidr4> {
        match *self {
            SnatSource::VSwitch(id) => w.get::<VSwitch>(&id).map(|vswitch| vswitch.block),
            SnatSource::Block(block) => Some(block),
        }
    }

    /// The field that names it.
    const fn field(&self) -> &'static str {
        match *self {
            SnatSource::VSwitch(_) => "source_vswitch_id",
            SnatSource::Block(_) => "source_cidr",
        }
    }

    /// The vSwitch, if it is one.
    pub const fn vswitch(&self) -> Option<VSwitchId> {
        match *self {
            SnatSource::VSwitch(id) => Some(id),
            SnatSource::Block(_) => None,
        }
    }
}

/// An SNAT entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnatEntry {
    /// Its id.
    pub id: SnatEntryId,
    /// Whose it is.
    pub owner: Owner,
    /// Its gateway.
    pub gateway: NatGatewayId,
    /// Whose packets it is for.
    pub source: SnatSource,
    /// The elastic IP addresses that stand for the source: 1 to 64 of those bound to the gateway.
    pub eips: Vec<EipId>,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Whether one source keeps one address; kept and shown.
    pub affinity: bool,
    /// Where it is in its life.
    pub status: NatEntryStatus,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from SNAT entries.
#[derive(Clone, Debug, Default)]
pub struct SnatIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, SnatEntryId>,
    /// By gateway.
    pub by_gateway: Groups<NatGatewayId, SnatEntryId>,
    /// By the vSwitch that is its source.
    pub by_vswitch: Groups<VSwitchId, SnatEntryId>,
    /// By the addresses that it uses.
    pub by_eip: Groups<EipId, SnatEntryId>,
}

impl Row for SnatEntry {
    type Key = SnatEntryId;
    type Index = SnatIndex;

    fn key(&self) -> SnatEntryId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|e| e.id) else { return };
        let ix = &mut indexes.snat_entries;
        ix.by_owner.shift(&id, old.map(|e| e.owner.clone()), new.map(|e| e.owner.clone()));
        ix.by_gateway.shift(&id, old.map(|e| e.gateway), new.map(|e| e.gateway));
        let vswitch = |e: &SnatEntry| e.source.vswitch();
        ix.by_vswitch.shift(&id, old.and_then(vswitch), new.and_then(vswitch));
        for eip in old.iter().flat_map(|e| &e.eips) {
            ix.by_eip.remove(eip, &id);
        }
        for eip in new.iter().flat_map(|e| &e.eips) {
            ix.by_eip.insert(*eip, id);
        }
    }
}

impl Resource for SnatEntry {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The entries of a gateway, oldest first.
pub fn of_gateway(w: &World, gateway: NatGatewayId) -> impl Iterator<Item = &SnatEntry> {
    w.indexes().snat_entries.by_gateway.of(&gateway).filter_map(|id| w.get::<SnatEntry>(id))
}

/// The rule for an entry's name.
pub const NAME: TextRule =
    TextRule { min: 2, max: 128, letter_first: true, field: "name", error: ErrorCode::SnatNameMalformed };

/// The gateway of an SNAT table.
///
/// # Errors
/// [`ErrorCode::SnatTableNotFound`].
pub fn gateway_of<'w>(w: &'w World, caller: &Caller, table: SnatTableId) -> Outcome<&'w NatGateway> {
    w.visible::<NatGateway>(caller, NatGatewayId::from_number(table.number())).map_err(|_| {
        Refusal::new(ErrorCode::SnatTableNotFound)
            .field("snat_table_id")
            .detail(format!("There is no {table} for this account in this region."))
    })
}

/// Reads the block of a source.
///
/// # Errors
/// [`ErrorCode::SnatSourceMalformed`].
pub fn parse_source(text: &str) -> Outcome<Cidr4> {
    crate::cidr_input::parse4(text, "source_cidr", ErrorCode::SnatSourceMalformed)
}

/// Reads the addresses of an entry.
///
/// # Errors
/// [`ErrorCode::SnatIpsMalformed`].
pub fn parse_ips<T: AsRef<str>>(texts: &[T]) -> Outcome<Vec<Ipv4Addr>> {
    let read = |text: &T| {
        text.as_ref().trim().parse().map_err(|_| {
            Refusal::new(ErrorCode::SnatIpsMalformed)
                .field("snat_ips")
                .given(text.as_ref())
                .accepted("addresses such as 198.18.0.1")
        })
    };
    texts.iter().map(read).collect()
}

/// The entry of a gateway by which a private address reaches the internet, and the public address that it gets: of the
/// entries in force the one with the narrowest source, and of its addresses the first (provider documentation does not say
/// which one a session takes).
pub fn way_out(w: &World, gateway: NatGatewayId, source: Ipv4Addr) -> Option<(&SnatEntry, &Eip)> {
    w.get::<NatGateway>(&gateway).filter(|gateway| gateway.status == NatStatus::Available)?;
    let in_force = of_gateway(w, gateway).filter(|e| e.status != NatEntryStatus::Pending);
    let fitting = in_force.filter_map(|e| {
        let block = e.source.block(w).filter(|block| block.contains(Cidr4::host(source)))?;
        Some((block.prefix_len(), e))
    });
    let (_, entry) = fitting.max_by_key(|(length, _)| *length)?;
    let mut eips = entry.eips.iter().filter_map(|id| w.get::<Eip>(id));
    eips.find(|eip| eip.status == EipStatus::InUse).map(|eip| (entry, eip))
}

/// The entries of a VPC whose source is a block of their own, each with it.
pub(crate) fn blocks(w: &World, vpc: VpcId) -> impl Iterator<Item = (Cidr4, SnatEntryId)> {
    let gateways = w.indexes().nat_gateways.by_vpc.of(&vpc);
    gateways.flat_map(move |gateway| of_gateway(w, *gateway)).filter_map(|e| match e.source {
        SnatSource::Block(block) => Some((block, e.id)),
        SnatSource::VSwitch(_) => None,
    })
}

/// Makes an SNAT entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSnatEntry {
    /// The SNAT table of its gateway.
    pub table: SnatTableId,
    /// The vSwitch that is its source; exactly one of the two sources is given.
    pub vswitch: Option<VSwitchId>,
    /// The block that is its source.
    pub block: Option<Cidr4>,
    /// The public addresses, of the gateway: 1 to 64.
    pub ips: Vec<Ipv4Addr>,
    /// Its name.
    pub name: Option<CompactString>,
    /// Whether one source keeps one address.
    pub affinity: bool,
}

/// Handles [`CreateSnatEntry`].
///
/// # Errors
/// The form of name and sources; an unknown table or vSwitch; a source outside the VPC; a vSwitch with a HaVip; a gateway
/// that is not Available; an entry in transition; a source that has an entry; addresses that are not the gateway's; the quotas.
pub fn create(w: &mut World, caller: &Caller, c: &CreateSnatEntry) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    check_exclusive(c)?;
    check_ips_form(&c.ips)?;
    let gateway = gateway_of(w, caller, c.table)?;
    let source = check_source(w, caller, gateway, c)?;
    gateway.check_available()?;
    check_idle(w, gateway)?;
    check_free(w, gateway, source)?;
    let eips = check_ips(w, caller, gateway, &c.ips)?;
    let used = w.indexes().snat_entries.by_gateway.count(&gateway.id);
    Quota::SnatEntries.check(w, caller.account, used, 1, ErrorCode::SnatQuotaExceeded)?;
    let (gateway, created) = (gateway.id, w.now());
    let id = w.new_id::<SnatEntryId>(&caller.region)?;
    let (owner, affinity) = (Owner::from(caller), c.affinity);
    let status = NatEntryStatus::Available;
    w.put(SnatEntry { id, owner, gateway, source, eips, name, affinity, status, created });
    begin(w, id, NatEntryStatus::Pending);
    Ok(id.into())
}

fn check_exclusive(c: &CreateSnatEntry) -> Outcome<()> {
    match (c.vswitch, c.block) {
        (Some(_), Some(_)) => Err(Refusal::new(ErrorCode::SnatSourceExclusive)
            .field("source_cidr")
            .accepted("one of vswitch_id and source_cidr")),
        (None, None) => Err(Refusal::new(ErrorCode::MissingParameter)
            .field("source_vswitch_id")
            .detail("No source was given.")
            .accepted("one of source_vswitch_id and source_cidr")),
        _ => Ok(()),
    }
}

/// A vSwitch of the gateway's VPC, or a block inside a block of it.
fn check_source(
    w: &World,
    caller: &Caller,
    gateway: &NatGateway,
    c: &CreateSnatEntry,
) -> Outcome<SnatSource> {
    if let Some(id) = c.vswitch {
        let vswitch = w.visible::<VSwitch>(caller, id)?;
        if vswitch.vpc != gateway.vpc {
            return Err(Refusal::new(ErrorCode::SnatVSwitchOtherVpc)
                .field("source_vswitch_id")
                .detail(format!("{id} lies in {}, {} in {}.", vswitch.vpc, gateway.id, gateway.vpc)));
        }
        let vips = &w.indexes().ha_vips.by_vswitch;
        if vips.count(&id) > 0 {
            return Err(Refusal::new(ErrorCode::SnatVSwitchHasHaVip)
                .field("source_vswitch_id")
                .accepted("source_cidr")
                .blockers(vips.of(&id).copied()));
        }
        return Ok(SnatSource::VSwitch(id));
    }
    let block = c.block.expect("one of the two is given");
    let vpc = w.get::<Vpc>(&gateway.vpc).expect("a VPC outlives its gateways");
    if vpc.blocks().any(|own| own.contains(block)) {
        return Ok(SnatSource::Block(block));
    }
    let own: Vec<String> = vpc.blocks().map(|own| own.to_string()).collect();
    Err(Refusal::new(ErrorCode::SnatSourceOutside)
        .field("source_cidr")
        .detail(format!("{block} was given."))
        .accepted(format!("a block inside {}", own.join(" or "))))
}

/// No entry of the table is in transition.
fn check_idle(w: &World, gateway: &NatGateway) -> Outcome<()> {
    match of_gateway(w, gateway.id).find(|e| e.status != NatEntryStatus::Available) {
        None => Ok(()),
        Some(busy) => Err(gateway.busy_with(busy.id, busy.status.text())),
    }
}

/// The entry itself is not in transition.
fn check_available(entry: &SnatEntry) -> Outcome<()> {
    if entry.status == NatEntryStatus::Available {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::SnatEntryStatusIncorrect)
        .field("snat_entry_id")
        .detail(format!("{} is {}.", entry.id, entry.status.text()))
        .accepted("the same request once it is Available")
        .blockers([entry.id]))
}

/// A source has one entry.
fn check_free(w: &World, gateway: &NatGateway, source: SnatSource) -> Outcome<()> {
    if let Some(other) = of_gateway(w, gateway.id).find(|e| e.source == source) {
        let code = match source {
            SnatSource::VSwitch(_) => ErrorCode::SnatVSwitchDuplicate,
            SnatSource::Block(_) => ErrorCode::SnatCidrConflict,
        };
        return Err(Refusal::new(code).field(source.field()).blockers([other.id]));
    }
    let block = source.block(w);
    match of_gateway(w, gateway.id).find(|e| e.source.block(w) == block) {
        None => Ok(()),
        Some(other) => Err(Refusal::new(ErrorCode::SnatCidrConflict)
            .field(source.field())
            .detail(format!("{} has the same source.", other.id))
            .blockers([other.id])),
    }
}

/// There is at least one address, and each is named once.
fn check_ips_form(ips: &[Ipv4Addr]) -> Outcome<()> {
    let distinct: BTreeSet<&Ipv4Addr> = ips.iter().collect();
    if ips.is_empty() || distinct.len() != ips.len() {
        return Err(Refusal::new(ErrorCode::SnatIpsMalformed)
            .field("snat_ips")
            .detail(format!("{} addresses were given, {} of them different.", ips.len(), distinct.len()))
            .accepted("addresses of the gateway, each once"));
    }
    Ok(())
}

/// The addresses are the gateway's.
fn check_ips(w: &World, caller: &Caller, gateway: &NatGateway, ips: &[Ipv4Addr]) -> Outcome<Vec<EipId>> {
    let own: Vec<&Eip> = gateway.eips(w).collect();
    let mut eips = Vec::with_capacity(ips.len());
    for &ip in ips {
        let Some(eip) = own.iter().find(|eip| eip.address == ip) else {
            let all: Vec<String> = own.iter().map(|eip| eip.address.to_string()).collect();
            return Err(Refusal::new(ErrorCode::SnatIpNotOfGateway)
                .field("snat_ips")
                .detail(format!("{ip} is not bound to {}.", gateway.id))
                .accepted(if all.is_empty() {
                    "an address that is bound first".to_owned()
                } else {
                    all.join(", ")
                }));
        };
        if eip.status != EipStatus::InUse {
            return Err(Refusal::new(ErrorCode::SnatEipBusy)
                .field("snat_ips")
                .detail(format!("{} is {}.", eip.id, eip.status.text()))
                .accepted("the same request once it is InUse")
                .blockers([eip.id]));
        }
        let forwards = forward_entry::of_eip(w, eip.id).find(|entry| entry.excludes_snat());
        if let Some(entry) = forwards {
            return Err(Refusal::new(ErrorCode::SnatIpForwarded)
                .field("snat_ips")
                .detail(format!("{ip} serves {}.", entry.id))
                .accepted("another address, or a DNAT entry with port_break")
                .blockers([entry.id]));
        }
        eips.push(eip.id);
    }
    let wanted = ips.len() as u64;
    Quota::EipsPerSnatEntry.check(w, caller.account, 0, wanted, ErrorCode::SnatIpsExceeded)?;
    Ok(eips)
}

/// Changes an SNAT entry; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifySnatEntry {
    /// The entry.
    pub entry: SnatEntryId,
    /// Its table, if the caller names it.
    pub table: Option<SnatTableId>,
    /// Its new addresses.
    pub ips: Option<Vec<Ipv4Addr>>,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Whether one source keeps one address.
    pub affinity: Option<bool>,
}

/// Handles [`ModifySnatEntry`].
///
/// # Errors
/// The form of the name; an unknown table or entry; a state that does not allow it; what [`create`] says of addresses.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifySnatEntry) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    c.ips.as_deref().map(check_ips_form).transpose()?;
    let entry = find(w, caller, c.entry, c.table)?;
    // Its gateway is Available: it has no entries before, and loses them when its deletion begins.
    let gateway = w.get::<NatGateway>(&entry.gateway).expect("a gateway outlives its entries");
    check_available(entry)?;
    check_idle(w, gateway)?;
    let eips = c.ips.as_ref().map(|ips| check_ips(w, caller, gateway, ips)).transpose()?;
    w.update::<SnatEntry>(&c.entry, |entry| {
        if c.name.is_some() {
            entry.name = name;
        }
        if let Some(eips) = eips {
            entry.eips = eips;
        }
        entry.affinity = c.affinity.unwrap_or(entry.affinity);
    });
    begin(w, c.entry, NatEntryStatus::Modifying);
    Ok(Reply::Done)
}

/// An entry of the caller's, in the table that was named.
fn find<'w>(
    w: &'w World,
    caller: &Caller,
    entry: SnatEntryId,
    table: Option<SnatTableId>,
) -> Outcome<&'w SnatEntry> {
    let gateway = table.map(|table| gateway_of(w, caller, table)).transpose()?;
    let row = w.visible::<SnatEntry>(caller, entry)?;
    match gateway {
        Some(gateway) if gateway.id != row.gateway => Err(Refusal::new(ErrorCode::SnatEntryNotFound)
            .field("snat_entry_id")
            .detail(format!("{entry} is of another table."))),
        _ => Ok(row),
    }
}

/// Deletes an SNAT entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteSnatEntry {
    /// The entry.
    pub entry: SnatEntryId,
    /// Its table, if the caller names it.
    pub table: Option<SnatTableId>,
}

/// Handles [`DeleteSnatEntry`].
///
/// # Errors
/// An unknown table or entry; one that is in transition.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteSnatEntry) -> Outcome<Reply> {
    check_available(find(w, caller, c.entry, c.table)?)?;
    w.remove::<SnatEntry>(&c.entry);
    Ok(Reply::Done)
}

/// Puts an entry into transition for as long as its provisioning takes.
fn begin(w: &mut World, id: SnatEntryId, status: NatEntryStatus) {
    let span = w.settings().provisioning.span(Work::NatEntry);
    if !span.is_zero() {
        w.update::<SnatEntry>(&id, |entry| entry.status = status);
        w.schedule(span, Due::SnatEntry(id));
    }
}

/// Ends an entry's transition.
pub(crate) fn settle(w: &mut World, id: SnatEntryId) {
    if w.get::<SnatEntry>(&id).is_some() {
        w.update::<SnatEntry>(&id, |entry| entry.status = NatEntryStatus::Available);
    }
}

/// Takes an elastic IP address out of the entries that use it; one that is left without an address goes.
pub(crate) fn release(w: &mut World, eip: EipId) {
    let users: Vec<SnatEntryId> = w.indexes().snat_entries.by_eip.of(&eip).copied().collect();
    for id in users {
        let alone = w.get::<SnatEntry>(&id).is_some_and(|entry| entry.eips.len() == 1);
        if alone {
            erase(w, id);
        } else {
            w.update::<SnatEntry>(&id, |entry| entry.eips.retain(|other| *other != eip));
        }
    }
}

/// Takes an entry that may be in transition out of the world.
fn erase(w: &mut World, id: SnatEntryId) {
    if w.get::<SnatEntry>(&id).is_some_and(|entry| entry.status != NatEntryStatus::Available) {
        w.unschedule(Due::SnatEntry(id));
    }
    w.remove::<SnatEntry>(&id);
}

/// Takes away all entries of a gateway that goes.
pub(crate) fn forget(w: &mut World, gateway: NatGatewayId) {
    let entries: Vec<SnatEntryId> = of_gateway(w, gateway).map(|entry| entry.id).collect();
    entries.into_iter().for_each(|id| erase(w, id));
}
