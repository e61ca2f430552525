//! Next hops: where a route entry sends packets, in the provider's words, and whether it can.

use crate::access::Caller;
use crate::cidr::{Cidr, Cidr6};
use crate::ecs::eni::{Eni, EniKind, EniStatus};
use crate::ecs::instance::{Instance, InstanceStatus};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{
    AnyId, EniId, HaVipId, InstanceId, Ipv4GatewayId, Ipv6GatewayId, NatGatewayId, RouteTableId,
    RouterInterfaceId, VpcId, VpcPeerId,
};
use crate::quota::Quota;
use crate::resource::Resource;
use crate::vpc::eip_binding;
use crate::vpc::ha_vip::HaVip;
use crate::vpc::ipv4_gateway::{GatewayStatus, Ipv4Gateway};
use crate::vpc::ipv6_gateway::{Ipv6Gateway, Ipv6GatewayStatus};
use crate::vpc::nat_gateway::{NatGateway, NatStatus};
use crate::vpc::route_entry::RouteEntry;
use crate::vpc::route_table::{RouteTable, RouteTableKind};
use crate::vpc::router_interface::{RouterInterface, RouterInterfaceStatus};
use crate::vpc::vpc_peer::{self, PeerStatus};
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Where a route entry sends packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextHop {
    /// To the VPC's own network: system entries only.
    Local,
    /// To an instance, by its primary network interface.
    Instance(InstanceId),
    /// To a network interface.
    NetworkInterface(EniId),
    /// To whoever answers for a HaVip.
    HaVip(HaVipId),
    /// To a NAT gateway.
    NatGateway(NatGatewayId),
    /// To the IPv4 gateway.
    Ipv4Gateway(Ipv4GatewayId),
    /// To the IPv6 gateway.
    Ipv6Gateway(Ipv6GatewayId),
    /// To a VPC peering connection.
    VpcPeer(VpcPeerId),
    /// To the other end of a router interface.
    RouterInterface(RouterInterfaceId),
}

impl NextHop {
    /// The provider's word for its type.
    pub const fn text(self) -> &'static str {
        match self {
            NextHop::Local => "local",
            NextHop::Instance(_) => NextHopKind::Instance.text(),
            NextHop::NetworkInterface(_) => NextHopKind::NetworkInterface.text(),
            NextHop::HaVip(_) => NextHopKind::HaVip.text(),
            NextHop::NatGateway(_) => NextHopKind::NatGateway.text(),
            NextHop::Ipv4Gateway(_) => NextHopKind::Ipv4Gateway.text(),
            NextHop::Ipv6Gateway(_) => NextHopKind::Ipv6Gateway.text(),
            NextHop::VpcPeer(_) => NextHopKind::VpcPeer.text(),
            NextHop::RouterInterface(_) => NextHopKind::RouterInterface.text(),
        }
    }

    /// The object that it is, if it is one.
    pub fn id(self) -> Option<AnyId> {
        match self {
            NextHop::Local => None,
            NextHop::Instance(id) => Some(id.into()),
            NextHop::NetworkInterface(id) => Some(id.into()),
            NextHop::HaVip(id) => Some(id.into()),
            NextHop::NatGateway(id) => Some(id.into()),
            NextHop::Ipv4Gateway(id) => Some(id.into()),
            NextHop::Ipv6Gateway(id) => Some(id.into()),
            NextHop::VpcPeer(id) => Some(id.into()),
            NextHop::RouterInterface(id) => Some(id.into()),
        }
    }
}

/// The one list of next-hop types: variant, the provider's word, the error that says that there is no such target.
macro_rules! kinds {
    ($($kind:ident $text:literal $missing:ident;)*) => {
        /// A type of next hop that the provider documents.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum NextHopKind { $(#[doc = concat!("`", $text, "`")] $kind),* }

        impl NextHopKind {
            /// All types, in the order of the list.
            pub const ALL: &'static [NextHopKind] = &[$(NextHopKind::$kind),*];

            /// The provider's word.
            pub const fn text(self) -> &'static str {
                match self { $(NextHopKind::$kind => $text),* }
            }

            /// The error that says that there is no such target.
            pub const fn not_found(self) -> ErrorCode {
                match self { $(NextHopKind::$kind => ErrorCode::$missing),* }
            }
        }
    };
}

kinds! {
    Instance "Instance" RouteInstanceNotFound;
    NetworkInterface "NetworkInterface" RouteEniNotFound;
    HaVip "HaVip" RouteHaVipNotFound;
    RouterInterface "RouterInterface" RouteNextHopNotFound;
    VpnGateway "VpnGateway" RouteVpnGatewayNotFound;
    Ipv6Gateway "IPv6Gateway" RouteIpv6GatewayNotFound;
    NatGateway "NatGateway" RouteNatGatewayNotFound;
    Attachment "Attachment" RouteAttachmentNotFound;
    VpcPeer "VpcPeer" RouteVpcPeerNotFound;
    Ipv4Gateway "Ipv4Gateway" RouteIpv4GatewayNotFound;
    GatewayEndpoint "GatewayEndpoint" RouteNextHopNotFound;
    Ecr "Ecr" RouteEcrNotFound;
    GatewayLoadBalancerEndpoint "GatewayLoadBalancerEndpoint" RouteNextHopNotFound;
    RouteTargetGroup "RouteTargetGroup" RouteNextHopNotFound;
}

impl NextHopKind {
    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::RouteNextHopType`].
    pub fn parse(text: &str) -> Outcome<NextHopKind> {
        NextHopKind::ALL.iter().copied().find(|kind| kind.text() == text).ok_or_else(|| {
            let words: Vec<&str> = NextHopKind::ALL.iter().map(|kind| kind.text()).collect();
            let shown = crate::error::beginning(text);
            Refusal::new(ErrorCode::RouteNextHopType)
                .field("next_hop_type")
                .detail(format!("{shown:?} was given."))
                .accepted(words.join(", "))
        })
    }
}

/// One of several next hops among which packets are shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedHop {
    /// The provider's word for its type.
    pub kind: CompactString,
    /// Its id.
    pub id: CompactString,
    /// Its weight, 0 to 255.
    pub weight: Option<u32>,
}

/// The next hop of a new entry as a caller gives it: one, or a list of 2 to 4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopChoice {
    /// The provider's word for its type; Instance if only the id is given.
    pub kind: Option<CompactString>,
    /// Its id.
    pub id: Option<CompactString>,
    /// The list.
    pub list: Vec<WeightedHop>,
}

/// A choice whose form is right.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hops<'a> {
    One(NextHopKind, &'a str),
    Several(&'a [WeightedHop]),
}

impl HopChoice {
    /// Checks the form: exactly one of the two, known types, a list of 2 to 4 distinct router interfaces.
    pub(crate) fn check(&self) -> Outcome<Hops<'_>> {
        let refuse = |code, field: &str| Err(Refusal::new(code).field(field));
        match (&self.kind, &self.id, self.list.is_empty()) {
            (None, None, true) => refuse(ErrorCode::RouteNextHopBothNull, "next_hop_id"),
            (None, None, false) => self.check_list(),
            (_, _, false) => refuse(ErrorCode::RouteNextHopBothGiven, "next_hops"),
            (Some(kind), None, true) => {
                NextHopKind::parse(kind)?;
                refuse(ErrorCode::MissingParameter, "next_hop_id")
            }
            (kind, Some(id), true) => {
                let kind = kind.as_deref().map_or(Ok(NextHopKind::Instance), NextHopKind::parse)?;
                Ok(Hops::One(kind, id))
            }
        }
    }

    fn check_list(&self) -> Outcome<Hops<'_>> {
        let refuse = |code, at: usize, detail: String| {
            Err(Refusal::new(code).field(format!("next_hops/{at}")).detail(detail))
        };
        if !(2..=4).contains(&self.list.len()) {
            let given = format!("{} were given.", self.list.len());
            return Err(Refusal::new(ErrorCode::RouteEcmpSize).field("next_hops").detail(given));
        }
        for (at, hop) in self.list.iter().enumerate() {
            let kind = NextHopKind::parse(&hop.kind)?;
            if kind != NextHopKind::RouterInterface {
                return refuse(ErrorCode::RouteEcmpType, at, format!("{} was given.", kind.text()));
            }
            if let Some(weight) = hop.weight.filter(|&weight| weight > 255) {
                return refuse(ErrorCode::RouteEcmpWeight, at, format!("{weight} was given."));
            }
            if self.list[..at].iter().any(|other| other.id == hop.id) {
                return refuse(
                    ErrorCode::RouteEcmpDuplicate,
                    at,
                    "It stands in the list already.".to_owned(),
                );
            }
        }
        Ok(Hops::Several(&self.list))
    }
}

/// Finds the next hop of an entry of `table` to `destination`: it exists, is in a usable state and in the table's VPC.
pub(crate) fn resolve(
    w: &World,
    caller: &Caller,
    table: &RouteTable,
    destination: Cidr,
    hops: Hops<'_>,
) -> Outcome<NextHop> {
    match hops {
        Hops::One(NextHopKind::Instance, id) => to_instance(w, caller, table, destination, id),
        Hops::One(NextHopKind::NetworkInterface, id) => to_eni(w, caller, table, destination, id),
        Hops::One(NextHopKind::HaVip, id) => to_ha_vip(w, caller, table, destination, id),
        Hops::One(NextHopKind::NatGateway, id) => to_nat_gateway(w, caller, table, destination, id),
        Hops::One(NextHopKind::Ipv4Gateway, id) => to_ipv4_gateway(w, caller, table, destination, id),
        Hops::One(NextHopKind::Ipv6Gateway, id) => to_ipv6_gateway(w, caller, table, destination, id),
        Hops::One(NextHopKind::VpcPeer, id) => to_vpc_peer(w, caller, table, id),
        Hops::One(NextHopKind::RouterInterface, id) => to_router_interface(w, caller, table, destination, id),
        // No object of these types exists.
        Hops::One(kind, id) => Err(missing(kind, id)),
        Hops::Several(list) => {
            let rule = match (destination, table.kind) {
                (Cidr::V6(_), _) => ErrorCode::RouteEcmpIpv6,
                (_, RouteTableKind::Custom) => ErrorCode::RouteEcmpCustomTable,
                _ => return Err(not_of_a_border_router(w, caller, list)),
            };
            Err(Refusal::new(rule).field("next_hops"))
        }
    }
}

fn missing(kind: NextHopKind, id: &str) -> Refusal {
    let shown = crate::error::beginning(id);
    Refusal::new(kind.not_found())
        .field("next_hop_id")
        .detail(format!("There is no {} {shown} for this account in this region.", kind.text()))
}

fn to_instance(
    w: &World,
    caller: &Caller,
    table: &RouteTable,
    destination: Cidr,
    id: &str,
) -> Outcome<NextHop> {
    let instance: &Instance = named(w, caller, NextHopKind::Instance, id)?;
    // A stopped instance is a next hop that drops packets.
    if instance.status == InstanceStatus::Pending {
        return Err(in_transition(format!("{id} is being made.")));
    }
    same_vpc(ErrorCode::RouteInstanceOtherVpc, id, instance.vpc, table)?;
    let has_ipv6 = w.get::<Eni>(&instance.primary_eni).is_some_and(|eni| !eni.ipv6.is_empty());
    if !destination.is_v4() && !has_ipv6 {
        return Err(Refusal::new(ErrorCode::RouteNextHopNoIpv6).field("next_hop_id"));
    }
    Ok(NextHop::Instance(instance.id))
}

fn to_eni(w: &World, caller: &Caller, table: &RouteTable, destination: Cidr, id: &str) -> Outcome<NextHop> {
    let eni: &Eni = named(w, caller, NextHopKind::NetworkInterface, id)?;
    if !matches!(eni.status, EniStatus::Available | EniStatus::InUse) {
        return Err(in_transition(format!("{id} is being attached, detached or deleted.")));
    }
    same_vpc(ErrorCode::RouteEniOtherVpc, id, eni.vpc, table)?;
    if eip_binding::is_cut_through(w, eni.id) {
        return Err(Refusal::new(ErrorCode::EipInterfaceNextHop)
            .field("next_hop_id")
            .detail(format!("{id} has an elastic IP address in mode BINDED."))
            .blockers(eip_binding::of_eni(w, eni.id).map(|eip| eip.id)));
    }
    if !destination.is_v4() {
        let rule = match (eni.kind, eni.ipv6.len()) {
            (EniKind::Primary, _) => Some(ErrorCode::RouteNextHopPrimaryEni),
            (_, 0) => Some(ErrorCode::RouteNextHopNoIpv6),
            (_, 1) => None,
            _ => Some(ErrorCode::RouteNextHopManyIpv6),
        };
        if let Some(rule) = rule {
            return Err(Refusal::new(rule).field("next_hop_id").detail(format!("{id} was given.")));
        }
    }
    Ok(NextHop::NetworkInterface(eni.id))
}

/// The entries of a table that lead to HaVips.
pub(crate) fn ha_vip_entries(w: &World, table: RouteTableId) -> impl Iterator<Item = &RouteEntry> {
    let entries = w.indexes().route_entries.customs.of(&table).filter_map(|id| w.get::<RouteEntry>(id));
    entries.filter(|entry| matches!(entry.next_hop, NextHop::HaVip(_)))
}

fn to_ha_vip(
    w: &World,
    caller: &Caller,
    table: &RouteTable,
    destination: Cidr,
    id: &str,
) -> Outcome<NextHop> {
    let vip: &HaVip = named(w, caller, NextHopKind::HaVip, id)?;
    vip.check_settled().map_err(|refusal| refusal.field("next_hop_id"))?;
    same_vpc(ErrorCode::RouteHaVipOtherVpc, id, vip.vpc, table)?;
    only_ipv4(destination, id)?;
    // An entry that leads to one already stays one.
    let others = ha_vip_entries(w, table.id).filter(|entry| entry.destination != destination);
    let (used, error) = (others.count() as u64, ErrorCode::RouteHaVipQuotaExceeded);
    Quota::HaVipRouteEntries.check(w, caller.account, used, 1, error)?;
    Ok(NextHop::HaVip(vip.id))
}

fn to_nat_gateway(
    w: &World,
    caller: &Caller,
    table: &RouteTable,
    destination: Cidr,
    id: &str,
) -> Outcome<NextHop> {
    let gateway: &NatGateway = named(w, caller, NextHopKind::NatGateway, id)?;
    if gateway.status != NatStatus::Available {
        return Err(in_transition(format!("{id} is being made or deleted.")));
    }
    same_vpc(ErrorCode::RouteNatGatewayOtherVpc, id, gateway.vpc, table)?;
    only_ipv4(destination, id)?;
    Ok(NextHop::NatGateway(gateway.id))
}

fn to_ipv4_gateway(
    w: &World,
    caller: &Caller,
    table: &RouteTable,
    destination: Cidr,
    id: &str,
) -> Outcome<NextHop> {
    let gateway: &Ipv4Gateway = named(w, caller, NextHopKind::Ipv4Gateway, id)?;
    if gateway.status != GatewayStatus::Created {
        return Err(Refusal::new(ErrorCode::RouteIpv4GatewayStatus)
            .field("next_hop_id")
            .detail(format!("{id} is {}.", gateway.status.text())));
    }
    same_vpc(ErrorCode::RouteIpv4GatewayOtherVpc, id, gateway.vpc, table)?;
    only_ipv4(destination, id)?;
    Ok(NextHop::Ipv4Gateway(gateway.id))
}

fn to_ipv6_gateway(
    w: &World,
    caller: &Caller,
    table: &RouteTable,
    destination: Cidr,
    id: &str,
) -> Outcome<NextHop> {
    let gateway: &Ipv6Gateway = named(w, caller, NextHopKind::Ipv6Gateway, id)?;
    if gateway.status != Ipv6GatewayStatus::Available {
        return Err(in_transition(format!("{id} is being made or deleted.")));
    }
    same_vpc(ErrorCode::RouteIpv6GatewayOtherVpc, id, gateway.vpc, table)?;
    // Provider documentation: IPv6 gateway, 2021.
    if destination != Cidr::from(Cidr6::ALL) {
        return Err(Refusal::new(ErrorCode::RouteIpv6GatewayDestination)
            .field("destination")
            .detail(format!("{destination} was given."))
            .accepted("::/0"));
    }
    Ok(NextHop::Ipv6Gateway(gateway.id))
}

/// Either side of a connection has routes to it, IPv4 and IPv6, once it is at work.
fn to_vpc_peer(w: &World, caller: &Caller, table: &RouteTable, id: &str) -> Outcome<NextHop> {
    let found = id.parse().ok().and_then(|id| vpc_peer::find(w, caller, id).ok());
    let peer = found.ok_or_else(|| missing(NextHopKind::VpcPeer, id))?;
    if peer.status != PeerStatus::Activated {
        return Err(Refusal::new(ErrorCode::RouteVpcPeerStatus)
            .field("next_hop_id")
            .detail(format!("{id} is {}.", peer.status.text())));
    }
    if peer.other_side(table.vpc).is_none() {
        return Err(Refusal::new(ErrorCode::RouteVpcPeerOtherVpc)
            .field("next_hop_id")
            .detail(format!("{id} connects {} and {}.", peer.vpc, peer.accepting_vpc))
            .accepted("a route table of one of the two VPCs"));
    }
    Ok(NextHop::VpcPeer(peer.id))
}

/// Interfaces of vRouters carry IPv4 alone, and need a connection at work when the entry is made.
fn to_router_interface(
    w: &World,
    caller: &Caller,
    table: &RouteTable,
    destination: Cidr,
    id: &str,
) -> Outcome<NextHop> {
    let interface: &RouterInterface = named(w, caller, NextHopKind::RouterInterface, id)?;
    if interface.status != RouterInterfaceStatus::Active {
        return Err(Refusal::new(ErrorCode::RouteRouterInterfaceStatus)
            .field("next_hop_id")
            .detail(format!("{id} is {}.", interface.status.text()))
            .accepted("an interface that is Active"));
    }
    same_vpc(ErrorCode::RouteRouterInterfaceOtherVpc, id, interface.vpc, table)?;
    only_ipv4(destination, id)?;
    Ok(NextHop::RouterInterface(interface.id))
}

/// Packets are shared among interfaces of border routers alone, of which there is none.
fn not_of_a_border_router(w: &World, caller: &Caller, list: &[WeightedHop]) -> Refusal {
    let lacking = list
        .iter()
        .find_map(|hop| named::<RouterInterface>(w, caller, NextHopKind::RouterInterface, &hop.id).err());
    lacking.unwrap_or_else(|| {
        Refusal::new(ErrorCode::RouteEcmpType)
            .field("next_hops")
            .detail("They are of vRouters.")
            .accepted("router interfaces that lead to border routers")
    })
}

fn in_transition(detail: String) -> Refusal {
    Refusal::new(ErrorCode::RouteNextHopStatus).field("next_hop_id").detail(detail)
}

/// The next hop of this id.
fn named<'w, R: Resource>(w: &'w World, caller: &Caller, kind: NextHopKind, id: &str) -> Outcome<&'w R>
where
    R::Key: FromStr,
{
    let found = id.parse().ok().and_then(|id: R::Key| w.visible::<R>(caller, id).ok());
    found.ok_or_else(|| missing(kind, id))
}

fn same_vpc(code: ErrorCode, id: &str, vpc: VpcId, table: &RouteTable) -> Outcome<()> {
    if vpc == table.vpc {
        return Ok(());
    }
    let detail = format!("{id} is in {vpc}, {} is in {}.", table.id, table.vpc);
    Err(Refusal::new(code).field("next_hop_id").detail(detail))
}

/// What carries IPv4 alone is no next hop of an IPv6 network.
fn only_ipv4(destination: Cidr, id: &str) -> Outcome<()> {
    if destination.is_v4() {
        return Ok(());
    }
    let detail = format!("{id} carries no packets for {destination}.");
    Err(Refusal::new(ErrorCode::RouteNextHopNoIpv6)
        .field("next_hop_id")
        .detail(detail)
        .accepted("an IPv4 network"))
}
