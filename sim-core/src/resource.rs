//! What all objects share: whose they are, and whether they exist for a caller.

use crate::access::{Caller, Owner};
use crate::error::{Outcome, Refusal};
use crate::id::{AnyId, Id, IdKind};
use crate::world::{Stored, World};

/// A row with an id of its own and an owner.
pub trait Resource: Stored<Key: Id> {
    /// Whose it is.
    fn owner(&self) -> &Owner;

    /// Whether a caller sees it: who works in the account and region of its owner.
    fn admits(&self, caller: &Caller) -> bool {
        self.owner().admits(caller)
    }
}

impl World {
    /// The object with this id if the caller may see it.
    ///
    /// # Errors
    /// The kind's "no such object", for a missing and a foreign id alike.
    pub fn visible<R: Resource>(&self, caller: &Caller, id: R::Key) -> Outcome<&R> {
        self.get::<R>(&id).filter(|row| row.admits(caller)).ok_or_else(|| missing(id))
    }
}

/// The refusal that says that there is no such object.
pub fn missing<I: Id>(id: I) -> Refusal {
    Refusal::new(I::NOT_FOUND)
        .field(field_of(I::KIND))
        .detail(format!("There is no {id} for this account in this region."))
}

/// The native wire's name of the field that holds an id of this kind.
pub const fn field_of(kind: IdKind) -> &'static str {
    match kind {
        IdKind::Vpc => "vpc_id",
        IdKind::VRouter => "vrouter_id",
        IdKind::RouteTable => "route_table_id",
        IdKind::RouteEntry => "route_entry_id",
        IdKind::VSwitch => "vswitch_id",
        IdKind::CidrReservation => "cidr_reservation_id",
        IdKind::SecurityGroup => "security_group_id",
        IdKind::SecurityGroupRule => "security_group_rule_id",
        IdKind::PrefixList => "prefix_list_id",
        IdKind::Eni => "network_interface_id",
        IdKind::Instance => "instance_id",
        IdKind::Disk => "disk_id",
        IdKind::Resident => "resident_id",
        IdKind::Eip => "eip_id",
        IdKind::NatGateway => "nat_gateway_id",
        IdKind::SnatTable => "snat_table_id",
        IdKind::SnatEntry => "snat_entry_id",
        IdKind::ForwardTable => "forward_table_id",
        IdKind::ForwardEntry => "forward_entry_id",
        IdKind::HaVip => "ha_vip_id",
        IdKind::Ipv4Gateway => "ipv4_gateway_id",
        IdKind::Ipv6Gateway => "ipv6_gateway_id",
        IdKind::Ipv6Address => "ipv6_address",
        IdKind::Ipv6Bandwidth => "ipv6_bandwidth_id",
        IdKind::Ipv6EgressRule => "ipv6_egress_only_rule_id",
        IdKind::RouterInterface => "router_interface_id",
        IdKind::VpcPeer => "vpc_peer_id",
        IdKind::NetworkAcl => "network_acl_id",
        IdKind::NetworkAclRule => "id",
        IdKind::AccessControlList => "access_control_list_id",
        IdKind::ServerCertificate => "server_certificate_id",
        IdKind::CaCertificate => "ca_certificate_id",
        IdKind::Outage => "outage_id",
        IdKind::ResourceGroup => "resource_group_id",
        // -- load balancers
        IdKind::LoadBalancer => "load_balancer_id",
        IdKind::VServerGroup => "vserver_group_id",
        IdKind::MasterSlaveGroup => "master_slave_server_group_id",
        IdKind::Listener => "listener_id",
        IdKind::ForwardingRule => "forwarding_rule_id",
        IdKind::DomainExtension => "domain_extension_id",
        IdKind::TlsPolicy => "tls_cipher_policy_id",
    }
}

/// Checks that an object of any kind exists for the caller.
///
/// # Errors
/// The kind's "no such object".
pub fn find(w: &World, caller: &Caller, id: AnyId) -> Outcome<()> {
    let owner = owner_of(w, id);
    if owner.is_some_and(|owner| owner.admits(caller)) {
        return Ok(());
    }
    Err(Refusal::new(id.kind().not_found())
        .field(field_of(id.kind()))
        .detail(format!("There is no {id} for this account in this region.")))
}

/// Whose an object is, if it exists.
pub fn owner_of(w: &World, id: AnyId) -> Option<&Owner> {
    fn of<R: Resource>(w: &World, id: AnyId) -> Option<&Owner>
    where
        R::Key: TryFrom<AnyId>,
    {
        w.get::<R>(&R::Key::try_from(id).ok()?).map(Resource::owner)
    }
    match id.kind() {
        IdKind::Vpc => of::<crate::vpc::vpc::Vpc>(w, id),
        IdKind::VRouter => of::<crate::vpc::vrouter::VRouter>(w, id),
        IdKind::RouteTable => of::<crate::vpc::route_table::RouteTable>(w, id),
        IdKind::VSwitch => of::<crate::vpc::vswitch::VSwitch>(w, id),
        IdKind::CidrReservation => of::<crate::vpc::cidr_reservation::CidrReservation>(w, id),
        IdKind::SecurityGroup => of::<crate::ecs::security_group::SecurityGroup>(w, id),
        IdKind::SecurityGroupRule => {
            let rule = w.get::<crate::ecs::security_group_rule::SecurityGroupRule>(&id.try_into().ok()?)?;
            w.get::<crate::ecs::security_group::SecurityGroup>(&rule.group).map(Resource::owner)
        }
        IdKind::PrefixList => of::<crate::ecs::prefix_list::PrefixList>(w, id),
        IdKind::Eni => of::<crate::ecs::eni::Eni>(w, id),
        IdKind::Instance => of::<crate::ecs::instance::Instance>(w, id),
        IdKind::Disk => of::<crate::ecs::disk::Disk>(w, id),
        IdKind::Eip => of::<crate::vpc::eip::Eip>(w, id),
        IdKind::NatGateway => of::<crate::vpc::nat_gateway::NatGateway>(w, id),
        IdKind::SnatEntry => of::<crate::vpc::snat::SnatEntry>(w, id),
        IdKind::ForwardEntry => of::<crate::vpc::forward_entry::ForwardEntry>(w, id),
        IdKind::HaVip => of::<crate::vpc::ha_vip::HaVip>(w, id),
        IdKind::Ipv4Gateway => of::<crate::vpc::ipv4_gateway::Ipv4Gateway>(w, id),
        IdKind::Ipv6Gateway => of::<crate::vpc::ipv6_gateway::Ipv6Gateway>(w, id),
        IdKind::Ipv6Bandwidth => of::<crate::vpc::ipv6_bandwidth::Ipv6Bandwidth>(w, id),
        IdKind::Ipv6EgressRule => of::<crate::vpc::ipv6_egress_rule::Ipv6EgressRule>(w, id),
        IdKind::RouterInterface => of::<crate::vpc::router_interface::RouterInterface>(w, id),
        IdKind::VpcPeer => of::<crate::vpc::vpc_peer::VpcPeer>(w, id),
        IdKind::NetworkAcl => of::<crate::vpc::network_acl::NetworkAcl>(w, id),
        IdKind::AccessControlList => of::<crate::slb::acl::AccessControlList>(w, id),
        IdKind::ServerCertificate => of::<crate::slb::certificate::ServerCertificate>(w, id),
        IdKind::CaCertificate => of::<crate::slb::certificate::CaCertificate>(w, id),
        IdKind::Outage => of::<crate::ecs::outage::Outage>(w, id),
        IdKind::Resident => of::<crate::vpc::resident::Resident>(w, id),
        // -- load balancers
        IdKind::LoadBalancer => of::<crate::slb::load_balancer::LoadBalancer>(w, id),
        IdKind::Listener => of::<crate::slb::listener::Listener>(w, id),
        IdKind::VServerGroup => of::<crate::slb::server_group::VServerGroup>(w, id),
        IdKind::MasterSlaveGroup => of::<crate::slb::master_slave_group::MasterSlaveGroup>(w, id),
        IdKind::ForwardingRule => of::<crate::slb::forwarding_rule::ForwardingRule>(w, id),
        IdKind::DomainExtension => of::<crate::slb::domain_extension::DomainExtension>(w, id),
        IdKind::TlsPolicy => of::<crate::slb::tls_policy::TlsPolicy>(w, id),
        _ => None,
    }
}
