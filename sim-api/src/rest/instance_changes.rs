//! What is changed of an instance that exists, beside its names and its place: its type, how it is paid for, its metadata
//! service, its maintenance.

use super::context::{Body, Context, Path, id};
use super::instances::{InstanceBody, show};
use super::operations::{Operations, routes};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::places::PlacesOf;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::ecs::instance::Renewal;
use sim_core::ecs::instance_charge::{ModifyInstanceCharge, ModifyRenewal, NewCharge};
use sim_core::ecs::instance_spec::ModifyInstanceSpec;
use sim_core::ecs::maintenance::{Maintenance, MaintenanceAction, MaintenanceWindow, ModifyMaintenance};
use sim_core::ecs::metadata_options::{MetadataChange, MetadataOptions, ModifyMetadataOptions};
use sim_core::id::InstanceId;
use sim_core::subscription::PeriodUnit;
use utoipa::ToSchema;

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    (
        "resize_instance",
        &[
            E::InstanceSpecMixed,
            E::MissingParameter,
            E::InstanceBandwidthOut,
            E::InstanceBandwidthIn,
            E::InstanceTypeUnknown,
            E::InstanceNotFound,
            E::InstanceSpecSubscription,
            E::InstanceNotStopped,
            E::InstanceInterfacesExceeded,
            E::EniTrunkUnsupported,
            E::EniTypeIpv4Exceeded,
            E::EniTypeNoIpv6,
            E::EniTypeIpv6Exceeded,
            E::InstanceInitializing,
            E::InstanceStatusIncorrect,
            E::InstanceBandwidthNeeded,
        ],
    ),
    (
        "change_instance_payment",
        &[
            E::InstancePeriod,
            E::InstancePeriodUnit,
            E::InstanceNotFound,
            E::InstanceInitializing,
            E::InstanceStatusIncorrect,
            E::InstanceChargeSame,
            E::InstanceSpotPrepaid,
        ],
    ),
    (
        "update_instance_renewal",
        &[
            E::InstanceRenewalMonths,
            E::InstanceNotFound,
            E::InstanceNotSubscription,
            E::InstanceInitializing,
            E::InstanceStatusIncorrect,
        ],
    ),
    ("update_instance_metadata_options", &[E::InstanceNotFound, E::MetadataHopLimit]),
    ("update_instance_maintenance", &[E::MaintenanceWindowInvalid, E::InstanceNotFound]),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[("change_instance_payment", &[("instance_ids", "instance_id")])];

/// The operations that change instances.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(resize_instance))
        .routes(routes!(change_instance_payment))
        .routes(routes!(update_instance_renewal))
        .routes(routes!(update_instance_metadata_options))
        .routes(routes!(update_instance_maintenance))
}

/// The new type of an instance, or its new public bandwidth.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"instance_type": "ecs.g7.xlarge"}))]
pub struct ResizeInstanceBody {
    /// Its new type.
    #[serde(default)]
    instance_type: Option<String>,
    /// Its most public traffic outwards in Mbit/s; in a call without a type.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    internet_max_bandwidth_out: Option<u32>,
    /// Its most public traffic inwards in Mbit/s; in a call without a type.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 200)]
    internet_max_bandwidth_in: Option<u32>,
}

/// Give a stopped instance another type, or a running or stopped one another public bandwidth.
///
/// A type must carry the interfaces and addresses that are attached. The bandwidth of a subscription is not changed.
#[utoipa::path(post, path = "/v1/instances/{instance_id}/resize", tag = "Instance", request_body = ResizeInstanceBody,
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn resize_instance(
    ctx: Context,
    Path(instance_id): Path<String>,
    Body(body): Body<ResizeInstanceBody>,
) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    let command = ModifyInstanceSpec {
        instance,
        charge: None,
        instance_type: body.instance_type.map(Into::into),
        bandwidth_out: body.internet_max_bandwidth_out,
        bandwidth_in: body.internet_max_bandwidth_in,
    };
    ctx.change_row(command, instance, show).await
}

/// A unit of time that is paid in advance.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
pub enum PeriodUnitName {
    /// Weeks.
    Week,
    /// Months.
    #[default]
    Month,
}

impl From<PeriodUnitName> for PeriodUnit {
    fn from(name: PeriodUnitName) -> PeriodUnit {
        match name {
            PeriodUnitName::Week => PeriodUnit::Week,
            PeriodUnitName::Month => PeriodUnit::Month,
        }
    }
}

/// How an instance is to be paid for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"subscription": true, "period": 1, "period_unit": "Month"}))]
pub struct ChangePaymentBody {
    /// Whether it is to be a subscription.
    subscription: bool,
    /// For how many units a subscription is paid in advance, from now on.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 60)]
    period: Option<u32>,
    /// The unit: Month if absent.
    #[serde(default)]
    period_unit: PeriodUnitName,
}

/// Make a subscription of an instance that is paid by use, or the other way round.
///
/// A subscription is not deleted before its end unless told so, and keeps everything when it is stopped.
#[utoipa::path(post, path = "/v1/instances/{instance_id}/payment", tag = "Instance", request_body = ChangePaymentBody,
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn change_instance_payment(
    ctx: Context,
    Path(instance_id): Path<String>,
    Body(body): Body<ChangePaymentBody>,
) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    let charge = match body.subscription {
        true => NewCharge::PrePaid { period: body.period, unit: body.period_unit.into() },
        false => NewCharge::PostPaid,
    };
    ctx.change_row(ModifyInstanceCharge { instances: vec![instance], charge }, instance, show).await
}

/// What becomes of a subscription at its end: one that renews itself ends later. Nothing else happens at the end here.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "AutoRenewal", "months": 1}))]
pub struct RenewalBody {
    /// Whether it renews itself, its owner is asked, or neither.
    status: RenewalName,
    /// For how many months it renews itself: 1 if absent; null for every other status.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 60)]
    months: Option<u16>,
}

/// What becomes of a subscription at its end.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
pub enum RenewalName {
    /// It renews itself.
    AutoRenewal,
    /// Its owner is asked.
    Normal,
    /// It is not renewed, and nobody is asked.
    NotRenewal,
}

impl From<Renewal> for RenewalBody {
    fn from(renewal: Renewal) -> RenewalBody {
        let status = match renewal {
            Renewal::Auto(_) => RenewalName::AutoRenewal,
            Renewal::Normal => RenewalName::Normal,
            Renewal::Never => RenewalName::NotRenewal,
        };
        RenewalBody { status, months: renewal.months() }
    }
}

/// Change what becomes of a subscription at its end.
#[utoipa::path(put, path = "/v1/instances/{instance_id}/renewal", tag = "Instance", request_body = RenewalBody,
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn update_instance_renewal(
    ctx: Context,
    Path(instance_id): Path<String>,
    Body(body): Body<RenewalBody>,
) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    let renewal = match body.status {
        RenewalName::AutoRenewal => Renewal::Auto(body.months.unwrap_or(1)),
        RenewalName::Normal => Renewal::Normal,
        RenewalName::NotRenewal => Renewal::Never,
    };
    ctx.change_row(ModifyRenewal { instances: vec![instance], renewal }, instance, show).await
}

/// Whether and how the metadata service answers inside of an instance.
#[derive(Serialize, ToSchema)]
pub struct MetadataOptionsBody {
    /// Whether it answers.
    #[schema(example = true)]
    enabled: bool,
    /// Whether a question must carry a token.
    #[schema(example = false)]
    tokens_required: bool,
    /// How many routers an answer with a token may cross; without effect, since there is none between.
    #[schema(example = 1)]
    hop_limit: u8,
}

impl From<MetadataOptions> for MetadataOptionsBody {
    fn from(options: MetadataOptions) -> MetadataOptionsBody {
        let MetadataOptions { enabled, tokens_required, hop_limit } = options;
        MetadataOptionsBody { enabled, tokens_required, hop_limit }
    }
}

/// Whether and how the metadata service is to answer inside of an instance; absent fields stay.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tokens_required": true}))]
pub struct MetadataChangeBody {
    /// Whether it answers: true for a new instance.
    #[serde(default)]
    enabled: Option<bool>,
    /// Whether a question must carry a token: false for a new instance.
    #[serde(default)]
    tokens_required: Option<bool>,
    /// How many routers an answer with a token may cross: 1 for a new instance.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 64)]
    hop_limit: Option<u32>,
}

impl From<MetadataChangeBody> for MetadataChange {
    fn from(body: MetadataChangeBody) -> MetadataChange {
        let MetadataChangeBody { enabled, tokens_required, hop_limit } = body;
        MetadataChange { enabled, tokens_required, hop_limit }
    }
}

/// Change whether and how the metadata service answers inside of an instance.
#[utoipa::path(patch, path = "/v1/instances/{instance_id}/metadata-options", tag = "Instance",
    request_body = MetadataChangeBody,
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn update_instance_metadata_options(
    ctx: Context,
    Path(instance_id): Path<String>,
    Body(body): Body<MetadataChangeBody>,
) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    ctx.change_row(ModifyMetadataOptions { instance, change: body.into() }, instance, show).await
}

/// When an instance may be maintained: from one full hour of the day to another, in UTC+8.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"start_time": "02:00:00", "end_time": "06:00:00"}))]
pub struct MaintenanceWindowBody {
    /// The hour at which it begins.
    #[serde(default)]
    start_time: Option<String>,
    /// The hour at which it ends, 1 to 23 hours later.
    #[serde(default)]
    end_time: Option<String>,
}

/// What an instance says about its maintenance. Nothing is ever maintained here.
#[derive(Serialize, ToSchema)]
pub struct MaintenanceBody {
    /// What is done if its host goes down: Stop, AutoRecover or AutoRedeploy.
    #[schema(example = "AutoRecover")]
    action: &'static str,
    /// Whether its owner is told before.
    notify: bool,
    /// When it may be maintained; null for any time.
    window: Option<MaintenanceWindowBody>,
}

impl From<Maintenance> for MaintenanceBody {
    fn from(m: Maintenance) -> MaintenanceBody {
        let window = m.window.map(|w| MaintenanceWindowBody {
            start_time: Some(w.start_text()),
            end_time: Some(w.end_text()),
        });
        MaintenanceBody { action: m.action.text(), notify: m.notify, window }
    }
}

/// What is done with an instance whose host goes down.
#[derive(Clone, Copy, Deserialize, ToSchema)]
pub enum MaintenanceActionName {
    /// It stays down.
    Stop,
    /// It is started again.
    AutoRecover,
    /// It is started on another host, without what its local disks held.
    AutoRedeploy,
}

impl From<MaintenanceActionName> for MaintenanceAction {
    fn from(name: MaintenanceActionName) -> MaintenanceAction {
        match name {
            MaintenanceActionName::Stop => MaintenanceAction::Stop,
            MaintenanceActionName::AutoRecover => MaintenanceAction::AutoRecover,
            MaintenanceActionName::AutoRedeploy => MaintenanceAction::AutoRedeploy,
        }
    }
}

/// What to change; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "Stop", "window": {"start_time": "02:00:00", "end_time": "06:00:00"}}))]
pub struct UpdateMaintenanceBody {
    /// What is done if its host goes down.
    #[serde(default)]
    #[schema(inline)]
    action: Option<MaintenanceActionName>,
    /// Whether its owner is told before.
    #[serde(default)]
    notify: Option<bool>,
    /// When it may be maintained.
    #[serde(default)]
    window: Option<MaintenanceWindowBody>,
}

/// Change what an instance says about its maintenance.
#[utoipa::path(patch, path = "/v1/instances/{instance_id}/maintenance", tag = "Instance",
    request_body = UpdateMaintenanceBody,
    params(("instance_id" = String, Path, description = "The instance.")),
    responses((status = 200, description = "The instance as it is now.", body = InstanceBody)))]
async fn update_instance_maintenance(
    ctx: Context,
    Path(instance_id): Path<String>,
    Body(body): Body<UpdateMaintenanceBody>,
) -> Result<Response, Problem> {
    let instance = id::<InstanceId>(&instance_id)?;
    let parse =
        |w: MaintenanceWindowBody| MaintenanceWindow::parse(w.start_time.as_deref(), w.end_time.as_deref());
    let command = ModifyMaintenance {
        instances: vec![instance],
        action: body.action.map(Into::into),
        notify: body.notify,
        window: body.window.map(parse).transpose()?,
    };
    ctx.change_row(command, instance, show).await
}
