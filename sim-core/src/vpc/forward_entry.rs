//! DNAT entries: which ports of a NAT gateway's elastic IP addresses lead to which hosts of its VPC.
//!
//! An external address, protocol and port leads to one host, and a host's port has one entry. An entry for every port and
//! protocol makes its address the host's own, both ways (provider documentation: CreateForwardEntry, DNAT entries).

use crate::access::{Caller, Owner};
use crate::cidr::Cidr4;
use crate::command::Reply;
use crate::ecs::group_filter::PacketProtocol;
use crate::ecs::public_address;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{EipId, ForwardEntryId, ForwardTableId, Id, NatGatewayId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::eip::{Eip, EipStatus};
use crate::vpc::eip_binding;
use crate::vpc::forward_ports::{ForwardProtocol, Ports, moved, overlap, ports_text};
use crate::vpc::nat_gateway::{NatGateway, NatStatus};
use crate::vpc::snat::NatEntryStatus;
use crate::vpc::vpc::Vpc;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A DNAT entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardEntry {
    /// Its id.
    pub id: ForwardEntryId,
    /// Whose it is.
    pub owner: Owner,
    /// Its gateway.
    pub gateway: NatGatewayId,
    /// The VPC of its gateway.
    pub vpc: VpcId,
    /// The elastic IP address that leads inside.
    pub eip: EipId,
    /// Which of its ports do.
    pub external: Ports,
    /// The host's private address.
    pub address: Ipv4Addr,
    /// The host's ports: as many as the external ones, in the same order.
    pub internal: Ports,
    /// The protocol.
    pub protocol: ForwardProtocol,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Whether its ports above 1024 may also serve SNAT entries with the same address.
    pub port_break: bool,
    /// Where it is in its life.
    pub status: NatEntryStatus,
    /// When it was made.
    pub created: SimTime,
}

/// The last port that SNAT never takes for a session (provider documentation: CreateForwardEntry, PortBreak).
const LAST_KEPT: u16 = 1024;

impl ForwardEntry {
    /// Where a packet to one of its ports goes; a packet without ports has port 0.
    fn inward(&self, protocol: PacketProtocol, port: u16) -> Option<(Ipv4Addr, u16)> {
        self.fits(protocol).then(|| moved(self.external, self.internal, port))?.map(|to| (self.address, to))
    }

    fn fits(&self, protocol: PacketProtocol) -> bool {
        match self.protocol {
            ForwardProtocol::Any => true,
            ForwardProtocol::Tcp => protocol == PacketProtocol::Tcp,
            ForwardProtocol::Udp => protocol == PacketProtocol::Udp,
        }
    }

    /// Whether it keeps SNAT entries from using its address.
    pub(crate) fn excludes_snat(&self) -> bool {
        self.external.is_none_or(|ports| ports.last > LAST_KEPT && !self.port_break)
    }
}

/// What is derived from DNAT entries.
#[derive(Clone, Debug, Default)]
pub struct ForwardIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, ForwardEntryId>,
    /// By gateway.
    pub by_gateway: Groups<NatGatewayId, ForwardEntryId>,
    /// By the address that leads inside.
    pub by_eip: Groups<EipId, ForwardEntryId>,
    /// By the private address where they lead.
    pub by_address: Groups<(VpcId, Ipv4Addr), ForwardEntryId>,
}

impl Row for ForwardEntry {
    type Key = ForwardEntryId;
    type Index = ForwardIndex;

    fn key(&self) -> ForwardEntryId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|e| e.id) else { return };
        let ix = &mut indexes.forward_entries;
        ix.by_owner.shift(&id, old.map(|e| e.owner.clone()), new.map(|e| e.owner.clone()));
        ix.by_gateway.shift(&id, old.map(|e| e.gateway), new.map(|e| e.gateway));
        ix.by_eip.shift(&id, old.map(|e| e.eip), new.map(|e| e.eip));
        ix.by_address.shift(&id, old.map(|e| (e.vpc, e.address)), new.map(|e| (e.vpc, e.address)));
    }
}

impl Resource for ForwardEntry {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The entries of a gateway, oldest first.
pub fn of_gateway(w: &World, gateway: NatGatewayId) -> impl Iterator<Item = &ForwardEntry> {
    w.indexes().forward_entries.by_gateway.of(&gateway).filter_map(|id| w.get::<ForwardEntry>(id))
}

/// The entries of an elastic IP address.
pub fn of_eip(w: &World, eip: EipId) -> impl Iterator<Item = &ForwardEntry> {
    w.indexes().forward_entries.by_eip.of(&eip).filter_map(|id| w.get::<ForwardEntry>(id))
}

/// The entries that lead to a private address.
pub fn to_address(w: &World, vpc: VpcId, address: Ipv4Addr) -> impl Iterator<Item = &ForwardEntry> {
    w.indexes().forward_entries.by_address.of(&(vpc, address)).filter_map(|id| w.get::<ForwardEntry>(id))
}

/// Whether an entry does anything: it is there, so is its gateway, and its host has no public address of its own
/// (provider documentation: an entry onto a host that has one only works while it has none).
fn in_force(w: &World, e: &ForwardEntry) -> bool {
    is_at_work(w, e) && !has_own_address(w, e)
}

fn is_at_work(w: &World, e: &ForwardEntry) -> bool {
    e.status != NatEntryStatus::Pending
        && w.get::<NatGateway>(&e.gateway).is_some_and(|gateway| gateway.status == NatStatus::Available)
        && w.get::<Eip>(&e.eip).is_some_and(|eip| eip.status == EipStatus::InUse)
}

/// Whether the host of an entry has a public address of its own.
fn has_own_address(w: &World, e: &ForwardEntry) -> bool {
    eip_binding::of_host(w, e.vpc, e.address).is_some() || public_address::has_host(w, e.vpc, e.address)
}

/// The entry that takes a packet to an elastic IP address, and the private address and port where it goes.
pub fn way_in(
    w: &World,
    eip: EipId,
    protocol: PacketProtocol,
    port: u16,
) -> Option<(&ForwardEntry, Ipv4Addr, u16)> {
    let mut fitting = of_eip(w, eip).filter_map(|e| e.inward(protocol, port).map(|(to, port)| (e, to, port)));
    fitting.find(|(e, ..)| in_force(w, e))
}

/// The entry that would take a packet to an elastic IP address if its host had no public address of its own.
pub fn inert(w: &World, eip: EipId, protocol: PacketProtocol, port: u16) -> Option<ForwardEntryId> {
    let mut fitting = of_eip(w, eip).filter(|e| e.inward(protocol, port).is_some());
    fitting.find(|e| is_at_work(w, e) && has_own_address(w, e)).map(|e| e.id)
}

/// The entry for every port by which a host reaches the internet through a gateway, before any SNAT entry.
pub fn way_out(
    w: &World,
    gateway: NatGatewayId,
    vpc: VpcId,
    source: Ipv4Addr,
) -> Option<(&ForwardEntry, &Eip)> {
    let own =
        |e: &&ForwardEntry| e.gateway == gateway && e.protocol == ForwardProtocol::Any && in_force(w, e);
    let entry = to_address(w, vpc, source).find(own)?;
    w.get::<Eip>(&entry.eip).map(|eip| (entry, eip))
}

/// The addresses of a VPC to which entries lead, each with the entry.
pub(crate) fn targets(w: &World, vpc: VpcId) -> impl Iterator<Item = (Cidr4, ForwardEntryId)> {
    let gateways = w.indexes().nat_gateways.by_vpc.of(&vpc);
    gateways.flat_map(move |gateway| of_gateway(w, *gateway)).map(|e| (Cidr4::host(e.address), e.id))
}

/// The rule for an entry's name.
pub const NAME: TextRule =
    TextRule { min: 2, max: 128, letter_first: true, field: "name", error: ErrorCode::ForwardNameMalformed };

/// The gateway of a DNAT table.
///
/// # Errors
/// [`ErrorCode::ForwardTableNotFound`].
pub fn gateway_of<'w>(w: &'w World, caller: &Caller, table: ForwardTableId) -> Outcome<&'w NatGateway> {
    w.visible::<NatGateway>(caller, NatGatewayId::from_number(table.number())).map_err(|_| {
        Refusal::new(ErrorCode::ForwardTableNotFound)
            .field("forward_table_id")
            .detail(format!("There is no {table} for this account in this region."))
    })
}

/// What an entry maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The public address, of the gateway.
    pub external_ip: Ipv4Addr,
    /// Its ports.
    pub external: Ports,
    /// The private address, inside a block of the VPC.
    pub address: Ipv4Addr,
    /// Its ports.
    pub internal: Ports,
    /// The protocol.
    pub protocol: ForwardProtocol,
    /// Whether ports above 1024 may be shared with SNAT.
    pub port_break: bool,
}

/// Makes a DNAT entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateForwardEntry {
    /// The DNAT table of its gateway.
    pub table: ForwardTableId,
    /// What it maps.
    pub mapping: Mapping,
    /// Its name.
    pub name: Option<CompactString>,
}

/// Handles [`CreateForwardEntry`].
///
/// # Errors
/// The form of the name; ports and protocol that do not fit each other; an unknown table; a gateway that is not
/// Available; an entry in transition; what forbids the mapping; the quota.
pub fn create(w: &mut World, caller: &Caller, c: &CreateForwardEntry) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    check_ports(&c.mapping)?;
    let gateway = gateway_of(w, caller, c.table)?;
    gateway.check_available()?;
    if let Some(busy) = in_work(w, gateway) {
        return Err(gateway.busy_with(busy.id, busy.status.text()));
    }
    let eip = check(w, caller, gateway, &c.mapping, None)?;
    let used = w.indexes().forward_entries.by_gateway.count(&gateway.id);
    Quota::ForwardEntries.check(w, caller.account, used, 1, ErrorCode::ForwardQuotaExceeded)?;
    let (gateway, vpc, created) = (gateway.id, gateway.vpc, w.now());
    let id = w.new_id::<ForwardEntryId>(&caller.region)?;
    let Mapping { external, address, internal, protocol, port_break, .. } = c.mapping;
    let (owner, status) = (Owner::from(caller), NatEntryStatus::Available);
    w.put(ForwardEntry {
        id,
        owner,
        gateway,
        vpc,
        eip,
        external,
        address,
        internal,
        protocol,
        name,
        port_break,
        status,
        created,
    });
    begin(w, id, NatEntryStatus::Pending);
    Ok(id.into())
}

/// Every port goes with every protocol, and ranges are of one length.
fn check_ports(m: &Mapping) -> Outcome<()> {
    let any = [m.protocol == ForwardProtocol::Any, m.external.is_none(), m.internal.is_none()];
    if any.contains(&true) && any.contains(&false) {
        return Err(Refusal::new(ErrorCode::ForwardAnyIncomplete)
            .field("ip_protocol")
            .detail(format!(
                "{} was given for {} to {}.",
                m.protocol.text(),
                ports_text(m.external),
                ports_text(m.internal)
            ))
            .accepted("Any for the protocol and both ports, or for none of them"));
    }
    let (Some(external), Some(internal)) = (m.external, m.internal) else { return Ok(()) };
    if external.last - external.first != internal.last - internal.first {
        return Err(Refusal::new(ErrorCode::ForwardPortRangeLength)
            .field("internal_port")
            .detail(format!("{} leads to {}.", ports_text(m.external), ports_text(m.internal)))
            .accepted("ranges of one length"));
    }
    Ok(())
}

/// Checks a mapping against the gateway, its other entries and its SNAT entries; `own` is the entry that is changed.
fn check(
    w: &World,
    caller: &Caller,
    gateway: &NatGateway,
    m: &Mapping,
    own: Option<ForwardEntryId>,
) -> Outcome<EipId> {
    let vpc = w.get::<Vpc>(&gateway.vpc).expect("a VPC outlives its gateways");
    if !vpc.blocks().any(|block| block.contains(Cidr4::host(m.address))) {
        let blocks: Vec<String> = vpc.blocks().map(|block| block.to_string()).collect();
        return Err(Refusal::new(ErrorCode::ForwardInternalIpOutside)
            .field("internal_ip")
            .detail(format!("{} was given.", m.address))
            .accepted(format!("an address in {}", blocks.join(" or "))));
    }
    let eip = check_eip(w, caller, gateway, m.external_ip)?;
    for other in of_gateway(w, gateway.id).filter(|other| Some(other.id) != own) {
        check_apart(m, eip, other)?;
    }
    let snat = w.indexes().snat_entries.by_eip.of(&eip).copied();
    let shared = m.external.is_some_and(|ports| ports.last <= LAST_KEPT || m.port_break);
    let snat: Vec<_> = snat.collect();
    if !snat.is_empty() && !shared {
        return Err(Refusal::new(ErrorCode::ForwardIpUsedBySnat)
            .field("external_ip")
            .detail(format!("{} serves {}.", m.external_ip, snat[0]))
            .accepted("another address, ports up to 1024, or port_break")
            .blockers(snat));
    }
    Ok(eip)
}

/// The address is one of the gateway's, and in use.
fn check_eip(w: &World, caller: &Caller, gateway: &NatGateway, ip: Ipv4Addr) -> Outcome<EipId> {
    let ids = &w.indexes().eips.by_address;
    let eip = ids.get(&ip).and_then(|id| w.visible::<Eip>(caller, *id).ok()).ok_or_else(|| {
        Refusal::new(ErrorCode::ForwardExternalIpNotFound)
            .field("external_ip")
            .detail(format!("{ip} is no elastic IP address of this account in this region."))
    })?;
    if !gateway.eips(w).any(|own| own.id == eip.id) {
        return Err(Refusal::new(ErrorCode::ForwardIpNotOfGateway)
            .field("external_ip")
            .detail(format!("{ip} is not bound to {}.", gateway.id))
            .accepted("an address that is bound to it"));
    }
    if eip.status != EipStatus::InUse {
        return Err(Refusal::new(ErrorCode::ForwardEipBusy)
            .field("external_ip")
            .detail(format!("{} is {}.", eip.id, eip.status.text()))
            .accepted("the same request once it is InUse")
            .blockers([eip.id]));
    }
    Ok(eip.id)
}

/// Two entries share neither an external nor an internal port.
fn check_apart(m: &Mapping, eip: EipId, other: &ForwardEntry) -> Outcome<()> {
    if !m.protocol.overlaps(other.protocol) {
        return Ok(());
    }
    let from = eip == other.eip && overlap(m.external, other.external);
    let to = m.address == other.address && overlap(m.internal, other.internal);
    let same = m.protocol == other.protocol && (m.external, m.internal) == (other.external, other.internal);
    let (code, field) = match (from, to) {
        (true, true) if same => (ErrorCode::ForwardEntryDuplicate, "external_port"),
        (true, _) => (ErrorCode::ForwardExternalPortDuplicate, "external_port"),
        (false, true) => (ErrorCode::ForwardInternalPortDuplicate, "internal_port"),
        (false, false) => return Ok(()),
    };
    Err(Refusal::new(code)
        .field(field)
        .detail(format!(
            "{} takes {} of {} to {} of {}.",
            other.id,
            ports_text(other.external),
            other.eip,
            ports_text(other.internal),
            other.address
        ))
        .blockers([other.id]))
}

/// An entry of the table that is in transition.
fn in_work<'w>(w: &'w World, gateway: &NatGateway) -> Option<&'w ForwardEntry> {
    of_gateway(w, gateway.id).find(|e| e.status != NatEntryStatus::Available)
}

fn in_transition(entry: &ForwardEntry) -> Refusal {
    Refusal::new(ErrorCode::ForwardEntryStatusIncorrect)
        .field("forward_entry_id")
        .detail(format!("{} is {}.", entry.id, entry.status.text()))
        .accepted("the same request once it is Available")
        .blockers([entry.id])
}

/// Changes a DNAT entry; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyForwardEntry {
    /// The entry.
    pub entry: ForwardEntryId,
    /// Its table, if the caller names it.
    pub table: Option<ForwardTableId>,
    /// Its new public address.
    pub external_ip: Option<Ipv4Addr>,
    /// Its new external ports.
    pub external: Option<Ports>,
    /// Its new private address.
    pub address: Option<Ipv4Addr>,
    /// Its new internal ports.
    pub internal: Option<Ports>,
    /// Its new protocol.
    pub protocol: Option<ForwardProtocol>,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Whether ports above 1024 may be shared with SNAT.
    pub port_break: Option<bool>,
}

/// Handles [`ModifyForwardEntry`].
///
/// # Errors
/// The form of the name; an unknown table or entry; ports and protocol that do not fit each other; a state that does not
/// allow it; what forbids the mapping.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyForwardEntry) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let entry = find(w, caller, c.entry, c.table)?;
    let eip = w.get::<Eip>(&entry.eip).expect("an address outlives the entries that use it");
    let mapping = Mapping {
        external_ip: c.external_ip.unwrap_or(eip.address),
        external: c.external.unwrap_or(entry.external),
        address: c.address.unwrap_or(entry.address),
        internal: c.internal.unwrap_or(entry.internal),
        protocol: c.protocol.unwrap_or(entry.protocol),
        port_break: c.port_break.unwrap_or(entry.port_break),
    };
    check_ports(&mapping)?;
    let gateway = w.get::<NatGateway>(&entry.gateway).expect("a gateway outlives its entries");
    if let Some(busy) = in_work(w, gateway) {
        return Err(in_transition(busy));
    }
    let eip = check(w, caller, gateway, &mapping, Some(entry.id))?;
    w.update::<ForwardEntry>(&c.entry, |entry| {
        if c.name.is_some() {
            entry.name = name;
        }
        let Mapping { external, address, internal, protocol, port_break, .. } = mapping;
        (entry.eip, entry.external, entry.address, entry.internal) = (eip, external, address, internal);
        (entry.protocol, entry.port_break) = (protocol, port_break);
    });
    begin(w, c.entry, NatEntryStatus::Modifying);
    Ok(Reply::Done)
}

/// An entry of the caller's, in the table that was named.
fn find<'w>(
    w: &'w World,
    caller: &Caller,
    entry: ForwardEntryId,
    table: Option<ForwardTableId>,
) -> Outcome<&'w ForwardEntry> {
    let gateway = table.map(|table| gateway_of(w, caller, table)).transpose()?;
    let row = w.visible::<ForwardEntry>(caller, entry)?;
    match gateway {
        Some(gateway) if gateway.id != row.gateway => Err(Refusal::new(ErrorCode::ForwardEntryNotFound)
            .field("forward_entry_id")
            .detail(format!("{entry} is of another table."))),
        _ => Ok(row),
    }
}

/// Deletes a DNAT entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteForwardEntry {
    /// The entry.
    pub entry: ForwardEntryId,
    /// Its table, if the caller names it.
    pub table: Option<ForwardTableId>,
}

/// Handles [`DeleteForwardEntry`].
///
/// # Errors
/// An unknown table or entry; one that is in transition.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteForwardEntry) -> Outcome<Reply> {
    let entry = find(w, caller, c.entry, c.table)?;
    if entry.status != NatEntryStatus::Available {
        return Err(in_transition(entry));
    }
    w.remove::<ForwardEntry>(&c.entry);
    Ok(Reply::Done)
}

/// Puts an entry into transition for as long as its provisioning takes.
fn begin(w: &mut World, id: ForwardEntryId, status: NatEntryStatus) {
    let span = w.settings().provisioning.span(Work::NatEntry);
    if !span.is_zero() {
        w.update::<ForwardEntry>(&id, |entry| entry.status = status);
        w.schedule(span, Due::ForwardEntry(id));
    }
}

/// Ends an entry's transition.
pub(crate) fn settle(w: &mut World, id: ForwardEntryId) {
    if w.get::<ForwardEntry>(&id).is_some() {
        w.update::<ForwardEntry>(&id, |entry| entry.status = NatEntryStatus::Available);
    }
}

/// Deletes the entries of an elastic IP address that is taken off.
pub(crate) fn release(w: &mut World, eip: EipId) {
    let users: Vec<ForwardEntryId> = of_eip(w, eip).map(|entry| entry.id).collect();
    users.into_iter().for_each(|id| erase(w, id));
}

/// Deletes all entries of a gateway that goes.
pub(crate) fn forget(w: &mut World, gateway: NatGatewayId) {
    let entries: Vec<ForwardEntryId> = of_gateway(w, gateway).map(|entry| entry.id).collect();
    entries.into_iter().for_each(|id| erase(w, id));
}

/// Takes an entry that may be in transition out of the world.
fn erase(w: &mut World, id: ForwardEntryId) {
    if w.get::<ForwardEntry>(&id).is_some_and(|entry| entry.status != NatEntryStatus::Available) {
        w.unschedule(Due::ForwardEntry(id));
    }
    w.remove::<ForwardEntry>(&id);
}
