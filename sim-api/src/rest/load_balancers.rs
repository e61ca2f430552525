//! Load balancers on the native wire.

use super::context::{Body, Context, Path, Query, id, parse_id, sought_id};
use super::operations::{Operations, routes};
use crate::listing::Rows;
use crate::page::{Page, PageQuery};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{Dependents, TagBody, dependents, tag_bodies, tag_pairs};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ecs::eni_address::parse4;
use sim_core::id::{LoadBalancerId, VSwitchId, VpcId};
use sim_core::slb::load_balancer::{self, CreateLoadBalancer, DeleteLoadBalancer, LoadBalancer, Place};
use sim_core::slb::load_balancer_change::{
    LockLoadBalancer, ModifyLoadBalancer, ModifyLoadBalancerTerms, Terms,
};
use sim_core::slb::spec::{InstanceCharge, InternetCharge, PayType};
use sim_core::slb::zones;
use sim_core::vpc::eip_binding;
use sim_core::{ErrorCode as E, Outcome, World, ZoneId};
use utoipa::{IntoParams, ToSchema};

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "create_load_balancer",
        &[
            E::LoadBalancerNameMalformed,
            E::LoadBalancerSpecMissing,
            E::LoadBalancerSharedUnsold,
            E::LoadBalancerSpecUnknown,
            E::LoadBalancerBandwidth,
            E::SubscriptionMonths,
            E::LoadBalancerInternetCharge,
            E::LoadBalancerProtectionReason,
            E::LoadBalancerVSwitchMissing,
            E::LoadBalancerIpv6Intranet,
            E::LoadBalancerSubscriptionByUse,
            E::LoadBalancerProtectSubscription,
            E::AddressMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::RegionNotFound,
            E::ZoneNotFound,
            E::ResourceGroupNotFound,
            E::VpcNotFound,
            E::VSwitchNotFound,
            E::LoadBalancerOtherVpc,
            E::VSwitchStatusIncorrect,
            E::AddressOutside,
            E::AddressReserved,
            E::AddressInUse,
            E::AddressQuotaExceeded,
            E::AddressExhausted,
            E::LoadBalancerQuotaExceeded,
        ],
    ),
    ("list_load_balancers", &[E::VpcNotFound, E::VSwitchNotFound]),
    ("get_load_balancer", &[E::LoadBalancerNotFound]),
    (
        "update_load_balancer",
        &[
            E::LoadBalancerNameMalformed,
            E::LoadBalancerProtectionReason,
            E::LoadBalancerNotFound,
            E::LoadBalancerLocked,
            E::LoadBalancerProtectSubscription,
        ],
    ),
    (
        "update_load_balancer_terms",
        &[
            E::LoadBalancerNotFound,
            E::LoadBalancerLocked,
            E::LoadBalancerByUse,
            E::LoadBalancerBySpec,
            E::LoadBalancerSubscriptionByUse,
            E::LoadBalancerSpecMissing,
            E::LoadBalancerSpecUnknown,
            E::LoadBalancerInternetCharge,
            E::LoadBalancerBandwidth,
            E::SubscriptionMonths,
        ],
    ),
    ("lock_load_balancer", &[E::LoadBalancerNotFound]),
    (
        "delete_load_balancer",
        &[
            E::LoadBalancerNotFound,
            E::LoadBalancerLocked,
            E::LoadBalancerDeleteProtected,
            E::LoadBalancerSubscription,
        ],
    ),
    ("list_load_balancer_dependents", &[E::LoadBalancerNotFound]),
];

/// The operations on load balancers.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_load_balancer, list_load_balancers))
        .routes(routes!(get_load_balancer, update_load_balancer, delete_load_balancer))
        .routes(routes!(update_load_balancer_terms))
        .routes(routes!(lock_load_balancer))
        .routes(routes!(list_load_balancer_dependents))
}

/// How an instance is paid for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
enum InstanceChargeBody {
    /// By its specification.
    PayBySpec,
    /// By capacity units used.
    #[serde(rename = "PayByCLCU")]
    PayByClcu,
}

impl From<InstanceChargeBody> for InstanceCharge {
    fn from(body: InstanceChargeBody) -> InstanceCharge {
        match body {
            InstanceChargeBody::PayBySpec => InstanceCharge::BySpec,
            InstanceChargeBody::PayByClcu => InstanceCharge::ByUse,
        }
    }
}

/// How traffic is paid for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum LoadBalancerInternetChargeBody {
    /// By what has passed.
    PayByTraffic,
    /// By the bandwidth that is kept ready.
    PayByBandwidth,
}

impl From<LoadBalancerInternetChargeBody> for InternetCharge {
    fn from(body: LoadBalancerInternetChargeBody) -> InternetCharge {
        match body {
            LoadBalancerInternetChargeBody::PayByTraffic => InternetCharge::ByTraffic,
            LoadBalancerInternetChargeBody::PayByBandwidth => InternetCharge::ByBandwidth,
        }
    }
}

/// When an instance is paid for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
enum PayTypeBody {
    /// Afterwards.
    PayOnDemand,
    /// In advance.
    PrePay,
}

impl From<PayTypeBody> for PayType {
    fn from(body: PayTypeBody) -> PayType {
        match body {
            PayTypeBody::PayOnDemand => PayType::OnDemand,
            PayTypeBody::PrePay => PayType::Subscription,
        }
    }
}

/// A load balancer.
#[derive(Serialize, ToSchema)]
pub struct LoadBalancerBody {
    /// Its id.
    #[schema(example = "lb-bp1b6c719dfa08exfuca5")]
    id: String,
    /// active, inactive or locked.
    #[schema(example = "active")]
    status: &'static str,
    /// Its name.
    name: String,
    /// The address at which it serves.
    #[schema(example = "198.19.0.1")]
    address: String,
    /// internet or intranet.
    #[schema(example = "internet")]
    address_type: &'static str,
    /// ipv4 or ipv6.
    #[schema(example = "ipv4")]
    ip_version: &'static str,
    /// The elastic IP address that stands for that of an intranet one; null if it has none.
    eip_id: Option<String>,
    /// Its VPC; null for an internet one.
    vpc_id: Option<String>,
    /// Its vSwitch; null for an internet one.
    vswitch_id: Option<String>,
    /// The zone that serves.
    #[schema(example = "cn-hangzhou-b")]
    master_zone_id: String,
    /// The zone that serves while the other is down.
    slave_zone_id: String,
    /// The zone that serves now: the slave zone from 30 s after the master zone went down until it is back; null while none
    /// does.
    #[schema(example = "cn-hangzhou-b")]
    serving_zone_id: Option<String>,
    /// PayBySpec or PayByCLCU.
    #[schema(example = "PayBySpec")]
    instance_charge_type: &'static str,
    /// Its specification; slb.lcu.elastic for one that is paid by use.
    #[schema(example = "slb.s1.small")]
    spec: &'static str,
    /// The most connections at one time; null for one that is paid by use.
    max_connections: Option<u32>,
    /// The most new connections a second; null for one that is paid by use.
    connections_per_second: Option<u32>,
    /// The most requests a second through HTTP and HTTPS listeners; null for one that is paid by use.
    requests_per_second: Option<u32>,
    /// paybytraffic or paybybandwidth.
    #[schema(example = "paybytraffic")]
    internet_charge_type: &'static str,
    /// The bandwidth that is kept ready in Mbit/s; null if traffic is paid by what has passed.
    bandwidth: Option<u16>,
    /// PayOnDemand or PrePay.
    #[schema(example = "PayOnDemand")]
    pay_type: &'static str,
    /// When its subscription ends, in virtual time; null for one that is paid for afterwards. Nothing happens then.
    ends_at: Option<String>,
    /// Whether it cannot be deleted.
    delete_protection: bool,
    /// Whether the provider's console must not change it. Programs may.
    modification_protection: bool,
    /// The reason of that; empty if there is none.
    modification_protection_reason: String,
    /// Its resource group.
    resource_group_id: String,
    /// When it was made, in virtual time.
    created_at: String,
    /// Its tags.
    tags: Vec<TagBody>,
}

fn show(w: &World, b: &LoadBalancer) -> LoadBalancerBody {
    let limits = b.spec.map(|spec| spec.row());
    LoadBalancerBody {
        id: b.id.to_string(),
        status: b.status(),
        name: b.name.to_string(),
        address: b.address.to_string(),
        address_type: b.address_type(),
        ip_version: b.ip_version(),
        eip_id: eip_binding::of_balancer(w, b.id).map(|eip| eip.id.to_string()),
        vpc_id: b.home.map(|home| home.vpc.to_string()),
        vswitch_id: b.home.map(|home| home.vswitch.to_string()),
        master_zone_id: b.master_zone.to_string(),
        slave_zone_id: b.slave_zone.to_string(),
        serving_zone_id: zones::serving(w, b).ok().map(ZoneId::to_string),
        instance_charge_type: b.instance_charge().text(),
        spec: b.spec_name(),
        max_connections: limits.map(|row| row.max_connections),
        connections_per_second: limits.map(|row| row.connections_per_second),
        requests_per_second: limits.map(|row| row.requests_per_second),
        internet_charge_type: b.internet_charge.text(),
        bandwidth: b.bandwidth,
        pay_type: b.pay_type.text(),
        ends_at: b.ends.map(|end| end.to_string()),
        delete_protection: b.delete_protection,
        modification_protection: b.modification_protection.is_some(),
        modification_protection_reason: b.modification_protection.clone().unwrap_or_default().to_string(),
        resource_group_id: b.resource_group.to_string(),
        created_at: b.created.to_string(),
        tags: tag_bodies(w, b.id),
    }
}

/// Whether it serves the internet or a VPC.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AddressTypeBody {
    /// The internet.
    Internet,
    /// A VPC.
    Intranet,
}

/// The family of its address.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum IpVersionBody {
    /// IPv4.
    #[default]
    Ipv4,
    /// IPv6; internet only.
    Ipv6,
}

/// What a new load balancer should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web", "spec": "slb.s1.small"}))]
pub struct CreateLoadBalancerBody {
    /// Whether it serves the internet or a VPC; a VPC if a vSwitch is given and this is absent.
    #[serde(default)]
    address_type: Option<AddressTypeBody>,
    /// The family of its address: ipv4 if absent.
    #[serde(default)]
    ip_version: IpVersionBody,
    /// The vSwitch of one that serves a VPC; has no effect on one that serves the internet.
    #[serde(default)]
    vswitch_id: Option<String>,
    /// The VPC of that vSwitch.
    #[serde(default)]
    vpc_id: Option<String>,
    /// Its address in the vSwitch; the lowest free one if absent.
    #[serde(default)]
    address: Option<String>,
    /// Its name: 1 to 80 characters; auto_named_slb if absent.
    #[serde(default)]
    name: Option<String>,
    /// The zone that serves; the vSwitch's or the region's first if absent.
    #[serde(default)]
    master_zone_id: Option<String>,
    /// The zone that serves while the other is down.
    #[serde(default)]
    slave_zone_id: Option<String>,
    /// How the instance is paid for: PayBySpec if absent.
    #[serde(default)]
    instance_charge_type: Option<InstanceChargeBody>,
    /// Its specification, such as slb.s1.small; needed if it is paid by that.
    #[serde(default)]
    spec: Option<String>,
    /// How traffic is paid for: paybytraffic if absent.
    #[serde(default)]
    internet_charge_type: Option<LoadBalancerInternetChargeBody>,
    /// The bandwidth in Mbit/s: 1 to 5,120.
    #[serde(default)]
    bandwidth: Option<i32>,
    /// When it is paid for: PayOnDemand if absent.
    #[serde(default)]
    pay_type: Option<PayTypeBody>,
    /// For how many months a subscription is bought: 1 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 60)]
    months: Option<u32>,
    /// Whether it cannot be deleted.
    #[serde(default)]
    delete_protection: bool,
    /// Whether the provider's console must not change it.
    #[serde(default)]
    modification_protection: bool,
    /// The reason of that: 1 to 80 characters.
    #[serde(default)]
    modification_protection_reason: Option<String>,
    /// Its resource group.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20.
    #[serde(default)]
    tags: Vec<TagBody>,
}

fn place(body: &CreateLoadBalancerBody) -> Outcome<Place> {
    let intranet = body.address_type.map(|kind| kind == AddressTypeBody::Intranet);
    let ipv6 = body.ip_version == IpVersionBody::Ipv6;
    let vswitch = body.vswitch_id.as_deref().map(parse_id).transpose()?;
    let vpc = body.vpc_id.as_deref().map(parse_id).transpose()?;
    let address = body.address.as_deref().map(|text| parse4(text, "address")).transpose()?;
    Place::choose(intranet, ipv6, vswitch, vpc, address)
}

/// Make a load balancer.
#[utoipa::path(post, path = "/v1/load-balancers", tag = "Load balancer", request_body = CreateLoadBalancerBody,
    responses((status = 201, description = "The new load balancer.", body = LoadBalancerBody)))]
async fn create_load_balancer(
    ctx: Context,
    Body(body): Body<CreateLoadBalancerBody>,
) -> Result<Response, Problem> {
    let reason = body.modification_protection_reason.clone().unwrap_or_default();
    let command = CreateLoadBalancer {
        place: place(&body)?,
        name: body.name.map(Into::into),
        master_zone: body.master_zone_id.map(|zone| zone.as_str().into()),
        slave_zone: body.slave_zone_id.map(|zone| zone.as_str().into()),
        instance_charge: body.instance_charge_type.map(Into::into),
        spec: body.spec.map(Into::into),
        internet_charge: body.internet_charge_type.map(Into::into).unwrap_or_default(),
        bandwidth: body.bandwidth.unwrap_or(-1),
        pay_type: body.pay_type.map(Into::into).unwrap_or_default(),
        months: body.months,
        delete_protection: body.delete_protection,
        modification_protection: body.modification_protection.then(|| reason.into()),
        resource_group: body.resource_group_id.as_deref().map(parse_id).transpose()?,
        tags: tag_pairs(body.tags),
    };
    ctx.create(command, |w, reply| {
        let made = w.get::<LoadBalancer>(&reply.id::<LoadBalancerId>())?;
        Some((format!("/v1/load-balancers/{}", made.id), show(w, made)))
    })
    .await
}

/// Which load balancers to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LoadBalancerFilter {
    /// Only those of this VPC.
    vpc_id: Option<String>,
    /// Only those of this vSwitch.
    vswitch_id: Option<String>,
    /// Only this name.
    name: Option<String>,
    /// Only the one with this address.
    address: Option<String>,
    /// Only internet or only intranet.
    address_type: Option<String>,
    /// Only active, inactive or locked ones.
    status: Option<String>,
    /// How many items at most: 1 to 1,000; 100 if absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    page_size: Option<u32>,
    /// Where to go on: `next_page_token` of the page before.
    page_token: Option<String>,
}

/// List load balancers, oldest first.
#[utoipa::path(get, path = "/v1/load-balancers", tag = "Load balancer", params(LoadBalancerFilter),
    responses((status = 200, description = "A page of load balancers.", body = Page<LoadBalancerBody>)))]
async fn list_load_balancers(
    ctx: Context,
    Query(filter): Query<LoadBalancerFilter>,
) -> Result<Response, Problem> {
    let page = PageQuery { page_size: filter.page_size, page_token: filter.page_token };
    let rows = Rows::<LoadBalancer>::all(|ix| &ix.load_balancers.by_owner)
        .of(sought_id::<VpcId>(filter.vpc_id.as_deref())?, |ix| &ix.load_balancers.by_vpc)
        .of(sought_id::<VSwitchId>(filter.vswitch_id.as_deref())?, |ix| &ix.load_balancers.by_vswitch)
        .keep(filter.name, |_, b, name| b.name == *name)
        .keep(filter.address, |_, b, address| b.address.to_string() == *address)
        .keep(filter.address_type, |_, b, kind| b.address_type() == kind)
        .keep(filter.status, |_, b, status| b.status() == status);
    ctx.list(&page, rows, show).await
}

/// Show a load balancer.
#[utoipa::path(get, path = "/v1/load-balancers/{load_balancer_id}", tag = "Load balancer",
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "The load balancer.", body = LoadBalancerBody)))]
async fn get_load_balancer(ctx: Context, Path(balancer): Path<String>) -> Result<Response, Problem> {
    let balancer = id::<LoadBalancerId>(&balancer)?;
    ctx.show(|w, caller| Ok(show(w, w.visible::<LoadBalancer>(caller, balancer)?))).await
}

/// Whether listeners forward.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum LoadBalancerStatusBody {
    /// They do, if they run.
    Active,
    /// None does.
    Inactive,
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web", "status": "inactive"}))]
pub struct UpdateLoadBalancerBody {
    /// Its new name.
    #[serde(default)]
    name: Option<String>,
    /// Whether its listeners forward.
    #[serde(default)]
    status: Option<LoadBalancerStatusBody>,
    /// Whether it cannot be deleted.
    #[serde(default)]
    delete_protection: Option<bool>,
    /// Whether the provider's console must not change it.
    #[serde(default)]
    modification_protection: Option<bool>,
    /// The reason of that; has no effect without it.
    #[serde(default)]
    modification_protection_reason: Option<String>,
}

/// Change name, state and protections of a load balancer.
#[utoipa::path(patch, path = "/v1/load-balancers/{load_balancer_id}", tag = "Load balancer",
    request_body = UpdateLoadBalancerBody,
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "The load balancer as it is now.", body = LoadBalancerBody)))]
async fn update_load_balancer(
    ctx: Context,
    Path(balancer): Path<String>,
    Body(body): Body<UpdateLoadBalancerBody>,
) -> Result<Response, Problem> {
    let load_balancer = id::<LoadBalancerId>(&balancer)?;
    let reason = body.modification_protection_reason.unwrap_or_default();
    let command = ModifyLoadBalancer {
        load_balancer,
        name: body.name.map(Into::into),
        active: body.status.map(|status| status == LoadBalancerStatusBody::Active),
        delete_protection: body.delete_protection,
        modification_protection: body.modification_protection.map(|on| on.then(|| reason.into())),
    };
    ctx.change_row(command, load_balancer, show).await
}

/// New terms; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"spec": "slb.s2.small"}))]
pub struct LoadBalancerTermsBody {
    /// How the instance is paid for; another way than now.
    #[serde(default)]
    instance_charge_type: Option<InstanceChargeBody>,
    /// Its specification.
    #[serde(default)]
    spec: Option<String>,
    /// How traffic is paid for.
    #[serde(default)]
    internet_charge_type: Option<LoadBalancerInternetChargeBody>,
    /// The bandwidth in Mbit/s: 1 to 5,120. Listeners keep what they have, even if it is more together.
    #[serde(default)]
    bandwidth: Option<i32>,
    /// When it is paid for: afterwards if it is paid by use.
    #[serde(default)]
    pay_type: Option<PayTypeBody>,
    /// For how many months a subscription is bought: 1 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 60)]
    months: Option<u32>,
}

/// Change what a load balancer is sold as.
#[utoipa::path(patch, path = "/v1/load-balancers/{load_balancer_id}/terms", tag = "Load balancer",
    request_body = LoadBalancerTermsBody,
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "The load balancer as it is now.", body = LoadBalancerBody)))]
async fn update_load_balancer_terms(
    ctx: Context,
    Path(balancer): Path<String>,
    Body(body): Body<LoadBalancerTermsBody>,
) -> Result<Response, Problem> {
    let load_balancer = id::<LoadBalancerId>(&balancer)?;
    let terms = Terms {
        instance_charge: body.instance_charge_type.map(Into::into),
        spec: body.spec.map(Into::into),
        internet_charge: body.internet_charge_type.map(Into::into),
        bandwidth: body.bandwidth,
        pay_type: body.pay_type.map(Into::into),
        months: body.months,
    };
    let command = ModifyLoadBalancerTerms { load_balancer, terms };
    ctx.change_row(command, load_balancer, show).await
}

/// Whether a load balancer is locked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"locked": true}))]
pub struct LoadBalancerLockBody {
    /// Whether it is locked from now on.
    locked: bool,
}

/// Lock a load balancer, as the provider does for arrears or for security, or take the lock off.
#[utoipa::path(put, path = "/v1/load-balancers/{load_balancer_id}/lock", tag = "Load balancer",
    request_body = LoadBalancerLockBody,
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "The load balancer as it is now.", body = LoadBalancerBody)))]
async fn lock_load_balancer(
    ctx: Context,
    Path(balancer): Path<String>,
    Body(body): Body<LoadBalancerLockBody>,
) -> Result<Response, Problem> {
    let load_balancer = id::<LoadBalancerId>(&balancer)?;
    let command = LockLoadBalancer { load_balancer, locked: body.locked };
    ctx.change_row(command, load_balancer, show).await
}

/// Delete a load balancer with all that hangs on it.
#[utoipa::path(delete, path = "/v1/load-balancers/{load_balancer_id}", tag = "Load balancer",
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_load_balancer(ctx: Context, Path(balancer): Path<String>) -> Result<Response, Problem> {
    ctx.remove(DeleteLoadBalancer { load_balancer: id(&balancer)? }).await
}

/// List what keeps a load balancer from being deleted, in the order in which a deletion would report it.
#[utoipa::path(get, path = "/v1/load-balancers/{load_balancer_id}/dependents", tag = "Load balancer",
    params(("load_balancer_id" = String, Path, description = "The load balancer.")),
    responses((status = 200, description = "What blocks a deletion.", body = Dependents)))]
async fn list_load_balancer_dependents(
    ctx: Context,
    Path(balancer): Path<String>,
) -> Result<Response, Problem> {
    let balancer = id::<LoadBalancerId>(&balancer)?;
    ctx.show(|w, caller| {
        Ok(dependents(load_balancer::dependents(w.visible::<LoadBalancer>(caller, balancer)?)))
    })
    .await
}
