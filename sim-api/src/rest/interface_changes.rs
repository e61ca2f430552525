//! What is done to a network interface on the native wire: attached, detached, given addresses, relieved of them.

use super::context::{Body, Context, Path, id, parse_id};
use super::network_interfaces::{NetworkInterfaceBody, show};
use super::operations::{Operations, routes};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::parse_list;
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::Deserialize;
use sim_core::ErrorCode as E;
use sim_core::Outcome;
use sim_core::ecs::eni_address::{
    AssignAddresses, UnassignAddresses, Want, Wanted, parse_prefix, parse4, parse6,
};
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::id::EniId;
use utoipa::ToSchema;

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "attach_network_interface",
        &[
            E::EniNotFound,
            E::InstanceNotFound,
            E::EniVpcMismatch,
            E::EniZoneMismatch,
            E::EniKindDenied,
            E::EniNotTrunk,
            E::EniNotOfInstance,
            E::EniCannotBeMember,
            E::EniTrunkStatus,
            E::EniStatusIncorrect,
            E::EniInstanceStatusIncorrect,
            E::EniTrunkUnsupported,
            E::EniPerInstanceExceeded,
            E::EniTrunkFull,
            E::EniTypeIpv4Exceeded,
            E::EniTypeNoIpv6,
            E::EniTypeIpv6Exceeded,
        ],
    ),
    (
        "detach_network_interface",
        &[
            E::EniNotFound,
            E::EniPrimaryDetach,
            E::EniStatusIncorrect,
            E::EniInstanceStatusIncorrect,
            E::EniHasMembers,
        ],
    ),
    (
        "assign_network_interface_addresses",
        &[
            E::AddressMalformed,
            E::EniAddressCount,
            E::EniAddressRepeated,
            E::EniAddressesConflict,
            E::EniPrefixMalformed,
            E::EniPrefixMask,
            E::MissingParameter,
            E::EniNotFound,
            E::EniStatusIncorrect,
            E::EniInstanceStatusIncorrect,
            E::VSwitchStatusIncorrect,
            E::AddressOutside,
            E::AddressReserved,
            E::AddressInUse,
            E::Ipv6AddressOutside,
            E::Ipv6AddressInUse,
            E::EniPrefixInUse,
            E::EniPrefixUnreserved,
            E::EniTrafficModeIpv6,
            E::EniHasIpv6Route,
            E::EniVSwitchIpv6Disabled,
            E::EniCutThrough,
            E::EniAvailableIpv4Exceeded,
            E::EniAvailableIpv6Exceeded,
            E::EniTypeIpv4Exceeded,
            E::EniTypeNoIpv6,
            E::EniTypeIpv6Exceeded,
            E::SecurityGroupFull,
            E::AddressQuotaExceeded,
            E::AddressExhausted,
            E::EniPrefixExhausted,
        ],
    ),
    (
        "unassign_network_interface_addresses",
        &[
            E::AddressMalformed,
            E::EniAddressCount,
            E::EniAddressRepeated,
            E::EniPrefixMalformed,
            E::EniPrefixMask,
            E::MissingParameter,
            E::EniNotFound,
            E::EniStatusIncorrect,
            E::EniInstanceStatusIncorrect,
            E::EniAddressUnassigned,
        ],
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("assign_network_interface_addresses", &[("vswitch_id", "network_interface_id")]),
    (
        "attach_network_interface",
        &[("ipv6_addresses", "network_interface_id"), ("private_ip_addresses", "network_interface_id")],
    ),
];

/// The operations that change what an interface is attached to and holds.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(attach_network_interface))
        .routes(routes!(detach_network_interface))
        .routes(routes!(assign_network_interface_addresses, unassign_network_interface_addresses))
}

/// Addresses wanted: of each sort a list or a count, not both.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"private_ip_address_count": 2}))]
pub struct AddressesBody {
    /// These secondary IPv4 addresses: at most 10 when the interface is made, 32 later.
    #[serde(default)]
    private_ip_addresses: Vec<String>,
    /// So many secondary IPv4 addresses, the lowest free ones.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 49)]
    private_ip_address_count: Option<u16>,
    /// These IPv4 prefixes, each with a mask of 28.
    #[serde(default)]
    ipv4_prefixes: Vec<String>,
    /// So many IPv4 prefixes.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10)]
    ipv4_prefix_count: Option<u16>,
    /// These IPv6 addresses, at most 10.
    #[serde(default)]
    ipv6_addresses: Vec<String>,
    /// So many IPv6 addresses, the lowest free ones.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10)]
    ipv6_address_count: Option<u16>,
    /// These IPv6 prefixes, each with a mask of 80.
    #[serde(default)]
    ipv6_prefixes: Vec<String>,
    /// So many IPv6 prefixes.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10)]
    ipv6_prefix_count: Option<u16>,
}

impl AddressesBody {
    pub(super) fn wanted(&self) -> Outcome<Wanted> {
        let ipv4 = parse_list(&self.private_ip_addresses, |text| parse4(text, "private_ip_addresses"))?;
        let ipv4_prefixes = parse_list(&self.ipv4_prefixes, |text| parse_prefix(text, "ipv4_prefixes"))?;
        let ipv6 = parse_list(&self.ipv6_addresses, |text| parse6(text, "ipv6_addresses"))?;
        let ipv6_prefixes = parse_list(&self.ipv6_prefixes, |text| parse_prefix(text, "ipv6_prefixes"))?;
        Ok(Wanted {
            ipv4: Want::choose(ipv4, self.private_ip_address_count, "private_ip_addresses")?,
            ipv4_prefixes: Want::choose(ipv4_prefixes, self.ipv4_prefix_count, "ipv4_prefixes")?,
            ipv6: Want::choose(ipv6, self.ipv6_address_count, "ipv6_addresses")?,
            ipv6_prefixes: Want::choose(ipv6_prefixes, self.ipv6_prefix_count, "ipv6_prefixes")?,
        })
    }
}

/// Where to attach a network interface.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"instance_id": "i-bp1gtjxuuvwj17zr9a2b"}))]
pub struct AttachBody {
    /// The instance.
    instance_id: String,
    /// The trunk interface of the instance, to attach as its member.
    #[serde(default)]
    trunk_network_interface_id: Option<String>,
}

/// Attach a network interface to an instance of its VPC and zone.
///
/// It is Attaching for as long as the world's provisioning takes, then InUse.
#[utoipa::path(post, path = "/v1/network-interfaces/{network_interface_id}/attach", tag = "Network interface",
    request_body = AttachBody,
    params(("network_interface_id" = String, Path, description = "The network interface.")),
    responses((status = 200, description = "The network interface as it is now.", body = NetworkInterfaceBody)))]
async fn attach_network_interface(
    ctx: Context,
    Path(network_interface_id): Path<String>,
    Body(body): Body<AttachBody>,
) -> Result<Response, Problem> {
    let eni = id::<EniId>(&network_interface_id)?;
    let trunk = body.trunk_network_interface_id.as_deref().map(parse_id).transpose();
    let command = AttachEni {
        eni,
        instance: parse_id(&body.instance_id)?,
        trunk: trunk.map_err(|refusal| refusal.field("trunk_network_interface_id"))?,
    };
    ctx.change_row(command, eni, show).await
}

/// Detach a network interface from its instance.
///
/// It is Detaching for as long as the world's provisioning takes, then Available.
#[utoipa::path(post, path = "/v1/network-interfaces/{network_interface_id}/detach", tag = "Network interface",
    params(("network_interface_id" = String, Path, description = "The network interface.")),
    responses((status = 200, description = "The network interface as it is now.", body = NetworkInterfaceBody)))]
async fn detach_network_interface(
    ctx: Context,
    Path(network_interface_id): Path<String>,
) -> Result<Response, Problem> {
    let eni = id::<EniId>(&network_interface_id)?;
    let command = DetachEni { eni, instance: None, trunk: None };
    ctx.change_row(command, eni, show).await
}

/// Give a network interface more addresses.
#[utoipa::path(post, path = "/v1/network-interfaces/{network_interface_id}/addresses", tag = "Network interface",
    request_body = AddressesBody,
    params(("network_interface_id" = String, Path, description = "The network interface.")),
    responses((status = 200, description = "The network interface as it is now.", body = NetworkInterfaceBody)))]
async fn assign_network_interface_addresses(
    ctx: Context,
    Path(network_interface_id): Path<String>,
    Body(body): Body<AddressesBody>,
) -> Result<Response, Problem> {
    let eni = id::<EniId>(&network_interface_id)?;
    let command = AssignAddresses { eni, wanted: body.wanted()? };
    ctx.change_row(command, eni, show).await
}

/// Addresses to take away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"private_ip_addresses": ["10.0.1.7"]}))]
pub struct UnassignBody {
    /// Secondary IPv4 addresses, at most 32.
    #[serde(default)]
    private_ip_addresses: Vec<String>,
    /// IPv4 prefixes, at most 10.
    #[serde(default)]
    ipv4_prefixes: Vec<String>,
    /// IPv6 addresses, at most 10.
    #[serde(default)]
    ipv6_addresses: Vec<String>,
    /// IPv6 prefixes, at most 10.
    #[serde(default)]
    ipv6_prefixes: Vec<String>,
}

/// Take addresses from a network interface.
#[utoipa::path(delete, path = "/v1/network-interfaces/{network_interface_id}/addresses", tag = "Network interface",
    request_body = UnassignBody,
    params(("network_interface_id" = String, Path, description = "The network interface.")),
    responses((status = 200, description = "The network interface as it is now.", body = NetworkInterfaceBody)))]
async fn unassign_network_interface_addresses(
    ctx: Context,
    Path(network_interface_id): Path<String>,
    Body(body): Body<UnassignBody>,
) -> Result<Response, Problem> {
    let eni = id::<EniId>(&network_interface_id)?;
    let command = UnassignAddresses {
        eni,
        ipv4: parse_list(&body.private_ip_addresses, |text| parse4(text, "private_ip_addresses"))?,
        ipv4_prefixes: parse_list(&body.ipv4_prefixes, |text| parse_prefix(text, "ipv4_prefixes"))?,
        ipv6: parse_list(&body.ipv6_addresses, |text| parse6(text, "ipv6_addresses"))?,
        ipv6_prefixes: parse_list(&body.ipv6_prefixes, |text| parse_prefix(text, "ipv6_prefixes"))?,
    };
    ctx.change_row(command, eni, show).await
}
