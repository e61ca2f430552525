//! A VPC: a private network with a primary IPv4 block, secondary blocks and an optional IPv6 block.
//!
//! A block is any IPv4 network with a mask of 8 to 28 that keeps clear of 100.64.0.0/10, 127.0.0.0/8,
//! 169.254.0.0/16 and 224.0.0.0/4 (provider documentation: CreateVpc). Blocks of two VPCs may overlap.
//! A VPC is born with one vRouter and one system route table.

use crate::access::{Caller, Owner};
use crate::cidr::{
    Cidr4, Cidr6,
    reserved::{self, RuleError},
};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, ResourceGroupId, RouteEntryId, RouteTableId, RouterInterfaceId, VRouterId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::settings::Work;
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Due;
use crate::vpc::route_entry::RouteEntry;
use crate::vpc::route_table::{AssociateType, RouteTable, RouteTableKind, Status};
use crate::vpc::router_interface::RouterInterface;
use crate::vpc::vrouter::VRouter;
use crate::vpc::vswitch::VSwitch;
use crate::vpc::{forward_entry, ipv6_gateway, snat};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The block of a VPC that is made without one (provider documentation: schema default of CreateVpc).
pub const DEFAULT_BLOCK: Cidr4 = Cidr4::v4([172, 16, 0, 0], 12);

/// A VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its id.
    pub id: VpcId,
    /// Whose it is.
    pub owner: Owner,
    /// Its primary block as it is now.
    pub block: Cidr4,
    /// Its primary block as it was at the start; the block can shrink and regrow inside it.
    pub original_block: Cidr4,
    /// Its secondary IPv4 blocks.
    pub secondary: Vec<Cidr4>,
    /// Its user CIDRs: non-RFC1918 destinations to be treated as private.
    pub user_cidrs: Vec<Cidr4>,
    /// Its IPv6 blocks: the primary first.
    pub ipv6: Vec<Ipv6Block>,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// Whether it is the region's default VPC.
    pub is_default: bool,
    /// Whether instances get host names in DNS.
    pub dns_hostnames: bool,
    /// Whether it has no public IPv4 traffic, since its IPv4 gateway was deleted so.
    pub closed: bool,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Whether it is ready.
    pub status: Status,
    /// When it was made.
    pub created: SimTime,
    /// Its vRouter.
    pub vrouter: VRouterId,
    /// Its system route table.
    pub system_table: RouteTableId,
}

/// An IPv6 block of a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipv6Block {
    /// The block: a mask of 56 unless it came from elsewhere.
    pub block: Cidr6,
    /// Whose lines it is announced on: BGP, ChinaMobile, ChinaUnicom or ChinaTelecom.
    pub isp: CompactString,
}

/// The VPCs of each owner.
#[derive(Clone, Debug, Default)]
pub struct VpcIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, VpcId>,
    /// The default VPC of each account and region.
    pub default: std::collections::BTreeMap<Owner, VpcId>,
}

impl Row for Vpc {
    type Key = VpcId;
    type Index = VpcIndex;

    fn key(&self) -> VpcId {
        self.id
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|v| v.id) else { return };
        ix.vpcs.by_owner.shift(&id, old.map(|v| v.owner.clone()), new.map(|v| v.owner.clone()));
        if let Some(old) = old.filter(|v| v.is_default) {
            ix.vpcs.default.remove(&old.owner);
        }
        if let Some(new) = new.filter(|v| v.is_default) {
            ix.vpcs.default.insert(new.owner.clone(), id);
        }
        crate::vpc::vswitch::reindex_vpc(ix, old, new);
    }
}

impl Resource for Vpc {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl Vpc {
    /// All IPv4 blocks: the primary first.
    pub fn blocks(&self) -> impl Iterator<Item = Cidr4> {
        std::iter::once(self.block).chain(self.secondary.iter().copied())
    }

    /// Refuses writes while the VPC is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::VpcStatusIncorrect`].
    pub fn check_available(&self) -> Outcome<()> {
        match self.status {
            Status::Available => Ok(()),
            Status::Pending => Err(Refusal::new(ErrorCode::VpcStatusIncorrect)
                .field("vpc_id")
                .detail(format!("{} is Pending.", self.id))
                .accepted("the same request once the VPC is Available")),
        }
    }
}

/// The rule for a VPC's name.
pub const NAME: TextRule =
    TextRule { min: 1, max: 128, letter_first: false, field: "name", error: ErrorCode::VpcNameMalformed };
/// The rule for a VPC's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::VpcDescriptionMalformed,
};

/// Makes a VPC with its vRouter and system route table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateVpc {
    /// The primary block; [`DEFAULT_BLOCK`] if absent.
    pub block: Option<Cidr4>,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Whether to assign an IPv6 /56.
    pub ipv6: bool,
    /// The lines of the IPv6 block; BGP if absent.
    pub ipv6_isp: Option<CompactString>,
    /// Whether instances get host names in DNS.
    pub dns_hostnames: bool,
    /// User CIDRs, at most 3.
    pub user_cidrs: Vec<Cidr4>,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Reads the primary block as a caller writes it.
///
/// # Errors
/// [`ErrorCode::VpcCidrMalformed`] with the form that would pass.
pub fn parse_block(text: &str) -> Outcome<Cidr4> {
    crate::cidr_input::parse4(text, "cidr_block", ErrorCode::VpcCidrMalformed)
}

/// Handles [`CreateVpc`].
///
/// # Errors
/// The form of block, names, user CIDRs and tags; the region; [`ErrorCode::VpcQuotaExceeded`].
pub fn create(w: &mut World, caller: &Caller, c: &CreateVpc) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    tag::check(&c.tags)?;
    let block = c.block.unwrap_or(DEFAULT_BLOCK);
    check_primary(block)?;
    check_user_cidrs(w, caller, &c.user_cidrs)?;
    let isp = check_isp(c.ipv6_isp.as_deref())?;
    if !c.ipv6 && c.ipv6_isp.is_some() {
        return Err(ipv6_not_asked("ipv6_isp"));
    }
    crate::region::check(w, &caller.region)?;
    let resource_group = crate::resource_group::resolve(w, caller, c.resource_group)?;
    let owner = Owner::from(caller);
    Quota::VpcsPerRegion.check(w, caller.account, counted(w, &owner), 1, ErrorCode::VpcQuotaExceeded)?;
    let id = w.new_id::<VpcId>(&caller.region)?;
    let ipv6 = if c.ipv6 { vec![Ipv6Block { block: assign_ipv6(w), isp }] } else { Vec::new() };
    let vpc = Vpc {
        id,
        owner,
        block,
        original_block: block,
        secondary: Vec::new(),
        user_cidrs: widest(&c.user_cidrs),
        ipv6,
        name,
        description,
        is_default: false,
        dns_hostnames: c.dns_hostnames,
        closed: false,
        resource_group,
        status: Status::Available,
        created: w.now(),
        vrouter: w.new_id(&caller.region)?,
        system_table: w.new_id(&caller.region)?,
    };
    Ok(insert(w, vpc, &c.tags))
}

/// Writes a new VPC with its vRouter, its system table and its tags, and starts its transition.
pub(crate) fn insert(w: &mut World, mut vpc: Vpc, tags: &[TagPair]) -> Reply {
    let span = w.settings().provisioning.span(Work::Vpc);
    if !span.is_zero() {
        vpc.status = Status::Pending;
        w.schedule(span, Due::Vpc(vpc.id));
    }
    let empty = CompactString::default();
    w.put(VRouter {
        id: vpc.vrouter,
        owner: vpc.owner.clone(),
        vpc: vpc.id,
        name: empty.clone(),
        description: empty.clone(),
    });
    w.put(RouteTable {
        id: vpc.system_table,
        owner: vpc.owner.clone(),
        vpc: vpc.id,
        kind: RouteTableKind::System,
        associate_type: AssociateType::VSwitch,
        name: empty.clone(),
        description: empty,
        propagation: true,
        status: Status::Available,
        created: vpc.created,
    });
    tag::put_all(w, &vpc.owner, vpc.id, tags);
    let reply = Reply::CreatedVpc { vpc: vpc.id, vrouter: vpc.vrouter, route_table: vpc.system_table };
    w.put(vpc);
    reply
}

/// Ends a VPC's transition.
pub(crate) fn settle(w: &mut World, id: VpcId) {
    if w.get::<Vpc>(&id).is_some() {
        w.update::<Vpc>(&id, |vpc| vpc.status = Status::Available);
    }
}

/// How many VPCs count against the quota: the default VPC does not.
pub fn counted(w: &World, owner: &Owner) -> u64 {
    let all = w.indexes().vpcs.by_owner.count(owner);
    all - u64::from(w.indexes().vpcs.default.contains_key(owner))
}

/// The refusal of a field that describes an IPv6 block where IPv6 is not turned on.
pub fn ipv6_not_asked(field: &str) -> Refusal {
    Refusal::new(ErrorCode::Ipv6NotAsked).field(field).accepted("IPv6 turned on")
}

fn check_primary(block: Cidr4) -> Outcome<()> {
    reserved::check_vpc_block(block).map_err(|broken| {
        let code = match broken {
            RuleError::Length { .. } => ErrorCode::VpcCidrMask,
            _ => ErrorCode::VpcCidrForbidden,
        };
        crate::cidr_input::refusal(code, "cidr_block", &broken)
    })
}

fn check_user_cidrs(w: &World, caller: &Caller, blocks: &[Cidr4]) -> Outcome<()> {
    let count = blocks.len() as u64;
    Quota::UserCidrsPerVpc
        .check(w, caller.account, 0, count, ErrorCode::UserCidrQuota)
        .map_err(|refusal| refusal.field("user_cidrs"))?;
    for (at, &block) in blocks.iter().enumerate() {
        reserved::check_user_cidr(block).map_err(|broken| {
            crate::cidr_input::refusal(ErrorCode::UserCidrMalformed, &format!("user_cidrs/{at}"), &broken)
        })?;
    }
    Ok(())
}

/// Of nested user CIDRs only the wider one counts.
fn widest(blocks: &[Cidr4]) -> Vec<Cidr4> {
    let covered = |b: Cidr4, at: usize| {
        blocks.iter().enumerate().any(|(i, &o)| i != at && o.contains(b) && (o != b || i < at))
    };
    blocks.iter().enumerate().filter(|&(at, &b)| !covered(b, at)).map(|(_, &b)| b).collect()
}

pub(crate) fn check_isp(isp: Option<&str>) -> Outcome<CompactString> {
    const ISPS: [&str; 4] = ["BGP", "ChinaMobile", "ChinaUnicom", "ChinaTelecom"];
    let isp = isp.unwrap_or("BGP");
    if ISPS.contains(&isp) {
        return Ok(isp.into());
    }
    Err(Refusal::new(ErrorCode::Ipv6IspUnsupported)
        .field("ipv6_isp")
        .detail(format!("{isp:?} is not known."))
        .accepted(ISPS.join(", ")))
}

/// The next /56 of 2408:4000::/24, in which the provider's own blocks lie.
pub(crate) fn assign_ipv6(w: &mut World) -> Cidr6 {
    let number = w.count_up(crate::timer::Counter::IPV6_BLOCKS);
    let bits = (0x2408_4000u128 << 96) | (u128::from(number) & 0xffff_ffff) << 72;
    Cidr6::containing(bits.into(), 56).expect("56 is a mask")
}

/// Changes a VPC; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyVpc {
    /// The VPC.
    pub vpc: VpcId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
    /// Its new primary block, inside the original one.
    pub block: Option<Cidr4>,
    /// Whether it has an IPv6 block.
    pub ipv6: Option<bool>,
    /// The lines of a new IPv6 block.
    pub ipv6_isp: Option<CompactString>,
    /// Whether instances get host names in DNS.
    pub dns_hostnames: Option<bool>,
}

/// Handles [`ModifyVpc`].
///
/// # Errors
/// The form of the fields; an unknown VPC or one in transition; a block outside the original one, over a
/// secondary one or without addresses in use; IPv6 that is still on in a vSwitch.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyVpc) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let isp = check_isp(c.ipv6_isp.as_deref())?;
    if let Some(block) = c.block {
        check_primary(block)?;
        if c.ipv6.is_some() {
            return Err(Refusal::new(ErrorCode::VpcChangeExclusive)
                .field("ipv6")
                .detail(format!("The block is to be {block}, and IPv6 is to change too."))
                .accepted("one of the two"));
        }
    }
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    vpc.check_available()?;
    if let Some(block) = c.block.filter(|&b| b != vpc.block) {
        check_resize(w, vpc, block)?;
    }
    if c.ipv6 == Some(false) && !vpc.ipv6.is_empty() {
        check_ipv6_unused(w, vpc)?;
        check_no_ipv6_gateway(w, vpc, "ipv6")?;
    }
    let assign = c.ipv6 == Some(true) && vpc.ipv6.is_empty();
    let assigned = assign.then(|| assign_ipv6(w));
    w.update::<Vpc>(&c.vpc, |vpc| {
        if c.name.is_some() {
            vpc.name = name;
        }
        if c.description.is_some() {
            vpc.description = description;
        }
        vpc.block = c.block.unwrap_or(vpc.block);
        vpc.dns_hostnames = c.dns_hostnames.unwrap_or(vpc.dns_hostnames);
        match (c.ipv6, assigned) {
            (Some(false), _) => vpc.ipv6.clear(),
            (_, Some(block)) => vpc.ipv6.push(Ipv6Block { block, isp }),
            _ => {}
        }
    });
    Ok(Reply::Done)
}

/// What uses a part of a VPC's IPv4 blocks for which `lost` holds: vSwitches, sources of SNAT entries, targets of DNAT entries.
pub(super) fn users(w: &World, vpc: VpcId, lost: impl Fn(Cidr4) -> bool) -> Vec<AnyId> {
    let vswitches = vswitches(w, vpc).map(|s| (s.block, AnyId::from(s.id)));
    let sources = snat::blocks(w, vpc).map(|(block, id)| (block, AnyId::from(id)));
    let targets = forward_entry::targets(w, vpc).map(|(host, id)| (host, AnyId::from(id)));
    vswitches.chain(sources).chain(targets).filter(|(part, _)| lost(*part)).map(|(_, id)| id).collect()
}

fn check_resize(w: &World, vpc: &Vpc, block: Cidr4) -> Outcome<()> {
    let refuse = |code, detail: String| Refusal::new(code).field("cidr_block").detail(detail);
    if vpc.is_default {
        return Err(refuse(ErrorCode::VpcCidrDefault, format!("{} is the default VPC.", vpc.id)));
    }
    if !vpc.original_block.contains(block) {
        let detail = format!("{block} does not lie inside {}.", vpc.original_block);
        return Err(refuse(ErrorCode::VpcCidrOutsidePrimary, detail).accepted(vpc.original_block.to_string()));
    }
    if let Some(other) = vpc.secondary.iter().find(|b| b.overlaps(block)) {
        return Err(refuse(ErrorCode::VpcCidrOverlap, format!("{block} overlaps {other}.")));
    }
    let outside = users(w, vpc.id, |part| vpc.block.contains(part) && !block.contains(part));
    if outside.is_empty() {
        return Ok(());
    }
    let detail = format!("What is in use lies outside {block}.");
    Err(refuse(ErrorCode::VpcCidrInUse, detail).blockers(outside))
}

fn check_ipv6_unused(w: &World, vpc: &Vpc) -> Outcome<()> {
    let users: Vec<_> = vswitches(w, vpc.id).filter(|s| s.ipv6.is_some()).map(|s| s.id).collect();
    if users.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::Ipv6InUse).field("ipv6").blockers(users))
}

/// IPv6 goes after the gateway (provider documentation: VPC and vSwitch, 2026).
pub(super) fn check_no_ipv6_gateway(w: &World, vpc: &Vpc, field: &str) -> Outcome<()> {
    match ipv6_gateway::of_vpc(w, vpc.id) {
        None => Ok(()),
        Some(gateway) => Err(Refusal::new(ErrorCode::Ipv6GatewayInVpc).field(field).blockers([gateway.id])),
    }
}

/// The vSwitches of a VPC by age.
pub fn vswitches(w: &World, vpc: VpcId) -> impl DoubleEndedIterator<Item = &VSwitch> {
    w.indexes().vswitches.by_vpc.of(&vpc).filter_map(|id| w.get::<VSwitch>(id))
}

/// Deletes a VPC with its vRouter and system route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteVpc {
    /// The VPC.
    pub vpc: VpcId,
}

/// Handles [`DeleteVpc`].
///
/// # Errors
/// An unknown VPC or one in transition; whatever still lies in it, in the order of [`dependents`].
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteVpc) -> Outcome<Reply> {
    let vpc = w.visible::<Vpc>(caller, c.vpc)?;
    vpc.check_available()?;
    if let Some((code, ids)) = dependents(w, vpc).into_iter().next() {
        return Err(Refusal::new(code).field("vpc_id").blockers(ids));
    }
    let (vrouter, table) = (vpc.vrouter, vpc.system_table);
    for id in [AnyId::from(c.vpc), vrouter.into(), table.into()] {
        tag::clear(w, id);
    }
    w.remove::<RouteTable>(&table);
    w.remove::<VRouter>(&vrouter);
    w.remove::<Vpc>(&c.vpc);
    Ok(Reply::Done)
}

/// What keeps a VPC from being deleted, in the order in which it is reported.
pub fn dependents(w: &World, vpc: &Vpc) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let ix = w.indexes();
    let tables = ix.route_tables.by_vpc.of(&vpc.id).filter(|&&id| id != vpc.system_table);
    let of_gateway = |id: &RouteTableId| {
        w.get::<RouteTable>(id).is_some_and(|table| table.associate_type == AssociateType::Gateway)
    };
    let (of_gateways, tables): (Vec<RouteTableId>, Vec<RouteTableId>) = tables.partition(|id| of_gateway(id));
    // A route that goes with its next hop is in nobody's way.
    let stays = |id: &&RouteEntryId| w.get::<RouteEntry>(id).is_some_and(|entry| !entry.with_next_hop);
    let entries = ix.route_entries.customs.of(&vpc.system_table).filter(stays);
    let instances = ix.instances.by_vpc.of(&vpc.id).map(|&id| AnyId::from(id));
    let residents = ix.residents.by_vpc.of(&vpc.id).map(|&id| AnyId::from(id));
    let acls = ix.network_acls.by_vpc.of(&vpc.id).map(|&id| AnyId::from(id));
    let balancers = ix.load_balancers.by_vpc.of(&vpc.id).map(|&id| AnyId::from(id));
    let gateways = ix.nat_gateways.by_vpc.of(&vpc.id).map(|&id| AnyId::from(id));
    let v4 = ix.ipv4_gateways.by_vpc.get(&vpc.id).map(|&id| AnyId::from(id));
    let v6 = ix.ipv6_gateways.by_vpc.get(&vpc.id).map(|&id| AnyId::from(id));
    let peers = ix.vpc_peers.by_vpc.of(&vpc.id).map(|&id| AnyId::from(id));
    let interfaces = ix.router_interfaces.by_vpc.of(&vpc.id).map(|&id| AnyId::from(id));
    // What another account names is not in the way of an owner who cannot see it.
    let own = |id: &&RouterInterfaceId| {
        w.get::<RouterInterface>(id).is_some_and(|r| r.owner.account == vpc.owner.account && r.vpc != vpc.id)
    };
    let opposite = ix.router_interfaces.by_opposite.of(&vpc.vrouter).filter(own).map(|&id| AnyId::from(id));
    let all: [(ErrorCode, Vec<AnyId>); 14] = [
        (ErrorCode::VpcHasNatGateway, gateways.collect()),
        (ErrorCode::VpcHasVSwitch, vswitches(w, vpc.id).map(|s| s.id.into()).collect()),
        (ErrorCode::VpcHasRouterInterface, interfaces.collect()),
        (ErrorCode::VpcHasOppositeRouterInterface, opposite.collect()),
        (ErrorCode::VpcHasRouteTable, tables.into_iter().map(AnyId::from).collect()),
        (ErrorCode::VpcHasGatewayRouteTable, of_gateways.into_iter().map(AnyId::from).collect()),
        (ErrorCode::VpcHasRouteEntry, entries.map(|&id| id.into()).collect()),
        (ErrorCode::VpcHasInstance, instances.collect()),
        (
            ErrorCode::VpcHasSecurityGroup,
            ix.security_groups.by_vpc.of(&vpc.id).map(|&id| id.into()).collect(),
        ),
        (ErrorCode::VpcHasNetworkAcl, acls.collect()),
        (ErrorCode::VpcHasResident, residents.chain(balancers).collect()),
        (ErrorCode::VpcHasIpv4Gateway, v4.into_iter().collect()),
        (ErrorCode::VpcHasIpv6Gateway, v6.into_iter().collect()),
        (ErrorCode::VpcHasVpcPeer, peers.collect()),
    ];
    all.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}
