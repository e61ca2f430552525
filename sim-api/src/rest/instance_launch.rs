//! Making instances on the native wire: one, or many at once.

use super::context::{Body, Context, parse_id};
use super::instance_changes::{MetadataChangeBody, PeriodUnitName};
use super::instances::{InstanceBody, show};
use super::interface_changes::AddressesBody;
use super::operations::{Operations, routes};
use crate::objects::{Own, joined, once};
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::rest::common::{TagBody, parse_list, read_each, tag_pairs};
use crate::rest::places::PlacesOf;
use crate::seal::{Seal, Sealed, Secrets};
use axum::response::Response;
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};
use sim_core::catalog;
use sim_core::ecs::disk::{DiskCategory, SystemDisk};
use sim_core::ecs::eni_address::{in_addresses, parse4};
use sim_core::ecs::instance::{ChargeType, Instance, Terms};
use sim_core::ecs::instance_create::{CreateInstance, Launch, LaunchInterface, RunInstances, Secondary};
use sim_core::ecs::user_data::UserData;
use sim_core::id::InstanceId;
use sim_core::subscription::Period;
use sim_core::{Command, ErrorCode as E, Outcome, Reply, World};
use utoipa::ToSchema;

/// What every launch can refuse, and more.
macro_rules! launch_refusals {
    ($($more:ident),*) => {
        &[
            E::InstanceNameMalformed,
            E::InstanceNamePattern,
            E::InstanceDescriptionMalformed,
            E::HostNameMalformed,
            E::PasswordMalformed,
            E::UserDataBase64,
            E::UserDataSize,
            E::SystemDiskCategory,
            E::DiskPerformanceLevel,
            E::SystemDiskTooSmall,
            E::SystemDiskTooLarge,
            E::DiskNameMalformed,
            E::DiskDescriptionMalformed,
            E::DiskBursting,
            E::MetadataHopLimit,
            E::AddressMalformed,
            E::EniAddressCount,
            E::EniAddressRepeated,
            E::EniAddressesConflict,
            E::EniPrefixMalformed,
            E::EniPrefixMask,
            E::EniNameMalformed,
            E::EniDescriptionMalformed,
            E::TagKeyMalformed,
            E::TagValueMalformed,
            E::TagKeyDuplicated,
            E::TagQuotaExceeded,
            E::MissingParameter,
            E::ImageAndFamily,
            E::InstanceTypeUnknown,
            E::ImageNotFound,
            E::ImageFamilyNotFound,
            E::ImageArchitecture,
            E::ZoneNotFound,
            E::VSwitchNotFound,
            E::InstanceVSwitchMissing,
            E::ResourceGroupNotFound,
            E::InstanceZoneMismatch,
            E::SecurityGroupsMissing,
            E::SecurityGroupRepeated,
            E::SecurityGroupNotFound,
            E::SecurityGroupVpcMismatch,
            E::SecurityGroupKindsMixed,
            E::SecurityGroupsPerEniExceeded,
            E::EniRulesExceeded,
            E::SecurityGroupFull,
            E::EnterpriseGroupFull,
            E::VSwitchStatusIncorrect,
            E::EniNotFound,
            E::EniVpcMismatch,
            E::EniZoneMismatch,
            E::EniKindDenied,
            E::EniStatusIncorrect,
            E::EniTrunkUnsupported,
            E::InstanceInterfacesExceeded,
            E::InstancePeriod,
            E::InstancePeriodUnit,
            E::InstanceProtectionUnsupported,
            E::InstanceBandwidthOut,
            E::RamRoleMalformed,
            E::KeyPairMalformed,
            E::InstanceWindowsKeyPair,
            E::EniTypeIpv4Exceeded,
            E::EniTypeNoIpv6,
            E::EniTypeIpv6Exceeded,
            E::AddressOutside,
            E::AddressReserved,
            E::AddressInUse,
            E::Ipv6AddressOutside,
            E::Ipv6AddressInUse,
            E::EniPrefixInUse,
            E::EniPrefixUnreserved,
            E::EniVSwitchIpv6Disabled,
            E::EniQuotaExceeded,
            E::AddressQuotaExceeded,
            E::AddressExhausted,
            E::EniPrefixExhausted,
            E::EipExhausted,
            $(E::$more),*
        ]
    };
}

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("create_instance", launch_refusals!()),
    (
        "create_instances",
        launch_refusals!(
            InstanceAmount,
            InstanceMinAmount,
            InstanceNameSuffix,
            HostNameSuffix,
            HostNamesConflict,
            HostNamesCount,
            InstanceAddressesForMany,
            InstanceInterfaceForMany
        ),
    ),
];

/// Where the operations have what the core calls otherwise.
pub const PLACES: PlacesOf = &[
    ("create_instance", &[("security_group_id", "security_group_ids")]),
    ("create_instances", &[("security_group_id", "security_group_ids")]),
];

/// The operations that make instances.
pub fn router() -> Operations {
    Operations::new().routes(routes!(create_instance)).routes(routes!(create_instances))
}

/// What a system disk should be.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"category": "cloud_essd", "size_gib": 60}))]
pub struct SystemDiskBody {
    /// The provider's word for its category: cloud_efficiency if absent.
    #[serde(default)]
    #[schema(example = "cloud_essd")]
    category: Option<String>,
    /// The performance level of a cloud_essd: 0 to 3.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3)]
    performance_level: Option<u8>,
    /// Its size in GiB: 40 or that of the image if absent.
    #[serde(default)]
    #[schema(minimum = 20, maximum = 2048)]
    size_gib: Option<u32>,
    /// Its name: 2 to 128 characters, a letter first.
    #[serde(default)]
    name: Option<String>,
    /// Its description: 2 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Whether a cloud_auto may be faster than its size gives for a while.
    #[serde(default)]
    bursting_enabled: bool,
}

/// A network interface beside the primary one: an existing one by its id, or a new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"addresses": {"private_ip_address_count": 2}}))]
pub struct FurtherInterfaceBody {
    /// An interface that is Available; every other field is of no use with it.
    #[serde(default)]
    network_interface_id: Option<String>,
    /// The vSwitch of a new one; that of the instance if absent.
    #[serde(default)]
    vswitch_id: Option<String>,
    /// The groups of a new one; those of the instance if there are none.
    #[serde(default)]
    security_group_ids: Vec<String>,
    /// Its primary address; the lowest free one if absent.
    #[serde(default)]
    primary_ip_address: Option<String>,
    /// Its other addresses.
    #[serde(default)]
    addresses: AddressesBody,
    /// Its name.
    #[serde(default)]
    name: Option<String>,
    /// Its description.
    #[serde(default)]
    description: Option<String>,
    /// Whether it is a trunk.
    #[serde(default)]
    trunk: bool,
    /// Whether it is deleted with the instance; true if absent.
    #[serde(default)]
    delete_on_release: Option<bool>,
}

impl FurtherInterfaceBody {
    fn read(self) -> Outcome<Secondary> {
        if let Some(eni) = &self.network_interface_id {
            return parse_id(eni).map(Secondary::Existing);
        }
        let address = self.primary_ip_address.as_deref().map(|text| parse4(text, "primary_ip_address"));
        Ok(Secondary::New(LaunchInterface {
            vswitch: self.vswitch_id.as_deref().map(parse_id).transpose()?,
            groups: parse_list(&self.security_group_ids, |text| {
                parse_id(text).map_err(|refusal| refusal.field("security_group_ids"))
            })?,
            primary_ip: address.transpose()?,
            wanted: self.addresses.wanted().map_err(in_addresses)?,
            name: self.name.map(Into::into),
            description: self.description.map(Into::into),
            trunk: self.trunk,
            keep: self.delete_on_release == Some(false),
            ..LaunchInterface::default()
        }))
    }
}

/// What a new instance should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
    "vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t", "security_group_ids": ["sg-bp1fg655nh68xyz9i6fq"]}))]
pub struct LaunchBody {
    /// Its type.
    #[schema(example = "ecs.g7.large")]
    instance_type: String,
    /// Its image.
    #[serde(default)]
    #[schema(example = "aliyun_3_x64_20G_alibase_20240819.vhd")]
    image_id: Option<String>,
    /// The family of which its image is the newest, in place of an image.
    #[serde(default)]
    #[schema(example = "acs:alibaba_cloud_linux_3_2104_lts_x64")]
    image_family: Option<String>,
    /// Its vSwitch; the region's default one if absent.
    #[serde(default)]
    vswitch_id: Option<String>,
    /// Its zone; that of its vSwitch if absent.
    #[serde(default)]
    #[schema(example = "cn-hangzhou-k")]
    zone_id: Option<String>,
    /// Its security groups: 1 to 10 of the VPC.
    security_group_ids: Vec<String>,
    /// The primary address of its primary interface; the lowest free one if absent. Several instances take this and
    /// the following ones.
    #[serde(default)]
    primary_ip_address: Option<String>,
    /// The other addresses of its primary interface.
    #[serde(default)]
    addresses: AddressesBody,
    /// Its other network interfaces.
    #[serde(default)]
    network_interfaces: Vec<FurtherInterfaceBody>,
    /// Its name: 2 to 128 characters, a letter first; `web-[1,3]` numbers several from 1 with three digits. Its id if
    /// absent.
    #[serde(default)]
    name: Option<String>,
    /// Its host name; one made of its id if absent.
    #[serde(default)]
    host_name: Option<String>,
    /// Its description: 2 to 256 characters.
    #[serde(default)]
    description: Option<String>,
    /// Whether a deletion is refused.
    #[serde(default)]
    deletion_protection: bool,
    /// Its system disk.
    #[serde(default)]
    system_disk: SystemDiskBody,
    /// Its password: 8 to 30 characters of three sorts. Only a fingerprint of it is kept.
    #[serde(default)]
    #[schema(write_only)]
    password: Option<String>,
    /// Its user data in Base64, at most 32 KiB before.
    #[serde(default)]
    #[schema(write_only)]
    user_data: Option<String>,
    /// Whether it is a subscription, which is not deleted before its end unless told so.
    #[serde(default)]
    subscription: bool,
    /// For how many units a subscription is paid in advance: 1 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 60)]
    period: Option<u32>,
    /// The unit: Month if absent.
    #[serde(default)]
    period_unit: PeriodUnitName,
    /// Its most public traffic outwards in Mbit/s: 0 if absent. What is started with more than 0 gets a static public address.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    internet_max_bandwidth_out: u32,
    /// The name of its role, whose keys the metadata service gives: 1 to 64 letters, digits, dots, underscores and
    /// hyphens; none if absent.
    #[serde(default)]
    #[schema(example = "node-role")]
    ram_role_name: Option<String>,
    /// The name of its key pair: 2 to 128 letters, digits, dots, underscores, colons and hyphens, a letter first; none if
    /// absent. Key pairs are not modelled, so any name will do.
    #[serde(default)]
    #[schema(example = "operators")]
    key_pair_name: Option<String>,
    /// Whether and how the metadata service answers inside of it.
    #[serde(default)]
    metadata_options: MetadataChangeBody,
    /// Its resource group; the account's default one if absent.
    #[serde(default)]
    resource_group_id: Option<String>,
    /// Its tags, at most 20; its primary interface and its system disk get them too.
    #[serde(default)]
    tags: Vec<TagBody>,
}

impl LaunchBody {
    /// The launch without secrets, and the secrets.
    fn read(self) -> Outcome<(Launch, Secrets)> {
        let image = self.image_id.as_deref().and_then(catalog::image);
        let image = image.or_else(|| self.image_family.as_deref().and_then(catalog::newest_of_family));
        let os = image.map(|image| image.os);
        let secrets = Secrets::check(self.password.as_deref(), false, os)?;
        let address = self.primary_ip_address.as_deref().map(|text| parse4(text, "primary_ip_address"));
        let primary = LaunchInterface {
            vswitch: self.vswitch_id.as_deref().map(parse_id).transpose()?,
            groups: parse_list(&self.security_group_ids, parse_id)?,
            primary_ip: address.transpose()?,
            wanted: self.addresses.wanted().map_err(in_addresses)?,
            ..LaunchInterface::default()
        };
        let further = read_each(self.network_interfaces, "network_interfaces", FurtherInterfaceBody::read)?;
        let charge = if self.subscription { ChargeType::PrePaid } else { ChargeType::PostPaid };
        let launch = Launch {
            instance_type: self.instance_type.into(),
            image: self.image_id.map(Into::into),
            image_family: self.image_family.map(Into::into),
            zone: self.zone_id.as_deref().map(Into::into),
            primary,
            secondary: further,
            name: self.name.map(Into::into),
            host_name: self.host_name.map(Into::into),
            description: self.description.map(Into::into),
            deletion_protection: self.deletion_protection,
            system_disk: SystemDisk {
                category: self.system_disk.category.as_deref().map(DiskCategory::parse).transpose()?,
                level: self.system_disk.performance_level,
                size_gib: self.system_disk.size_gib,
                name: self.system_disk.name.map(Into::into),
                description: self.system_disk.description.map(Into::into),
                bursting: self.system_disk.bursting_enabled,
            },
            password: None,
            user_data: UserData::parse(self.user_data.as_deref())?,
            metadata: self.metadata_options.into(),
            terms: Terms {
                charge,
                period: Period { count: self.period.unwrap_or(1), unit: self.period_unit.into() },
                bandwidth_out: self.internet_max_bandwidth_out,
                ram_role: self.ram_role_name.unwrap_or_default().into(),
                key_pair: self.key_pair_name.unwrap_or_default().into(),
                ..Terms::default()
            },
            resource_group: self.resource_group_id.as_deref().map(parse_id).transpose()?,
            tags: tag_pairs(self.tags),
        };
        Ok((launch, secrets))
    }
}

fn with_secrets(launch: Launch, secrets: Secrets, ctx: &Context) -> Launch {
    if secrets.is_empty() {
        return launch;
    }
    let Sealed { password, .. } = secrets.seal(Seal::of(&ctx.world));
    Launch { password, ..launch }
}

/// A new instance, and whether it is started.
#[derive(ToSchema)]
#[schema(example = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
    "vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t", "security_group_ids": ["sg-bp1fg655nh68xyz9i6fq"], "start": true}))]
pub struct CreateInstanceBody {
    /// Whether it is started once it is made; true if absent.
    #[serde(default)]
    start: Option<bool>,
    /// What it should be.
    #[serde(flatten)]
    launch: LaunchBody,
}

/// What a [`CreateInstanceBody`] says beside the launch.
#[derive(Default)]
struct Started {
    start: Option<Option<bool>>,
}

impl<'de> Own<'de> for Started {
    const MEMBERS: &'static [&'static str] = &["start"];

    fn take<A: MapAccess<'de>>(&mut self, _: &str, members: &mut A) -> Result<(), A::Error> {
        once(&mut self.start, "start", members)
    }
}

impl<'de> Deserialize<'de> for CreateInstanceBody {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<CreateInstanceBody, D::Error> {
        let (own, launch) = joined::<Started, _, _>(from)?;
        Ok(CreateInstanceBody { start: own.start.flatten(), launch })
    }
}

/// Make an instance with its primary network interface and its system disk.
///
/// It is Pending for as long as the world's provisioning takes, then Starting and Running, or Stopped.
#[utoipa::path(post, path = "/v1/instances", tag = "Instance", request_body = CreateInstanceBody,
    responses((status = 201, description = "The new instance.", body = InstanceBody)))]
async fn create_instance(ctx: Context, Body(body): Body<CreateInstanceBody>) -> Result<Response, Problem> {
    let start = body.start.unwrap_or(true);
    let (launch, secrets) = body.launch.read()?;
    let launch = with_secrets(launch, secrets, &ctx);
    let command: Command =
        if start { one(launch).into() } else { CreateInstance { launch: Box::new(launch) }.into() };
    ctx.create(command, |w, reply| {
        let id: InstanceId = match reply {
            Reply::CreatedMany(made) => (*made.first()?).try_into().ok()?,
            other => other.id(),
        };
        let made = w.get::<Instance>(&id)?;
        Some((format!("/v1/instances/{id}"), show(w, made)))
    })
    .await
}

fn one(launch: Launch) -> RunInstances {
    RunInstances {
        launch: Box::new(launch),
        amount: 1,
        min_amount: None,
        host_names: Vec::new(),
        unique_suffix: false,
    }
}

/// Many new instances.
#[derive(ToSchema)]
#[schema(example = json!({"instance_type": "ecs.g7.large", "image_id": "aliyun_3_x64_20G_alibase_20240819.vhd",
    "vswitch_id": "vsw-bp1d0b3cvj5xk2k9f5w7t", "security_group_ids": ["sg-bp1fg655nh68xyz9i6fq"], "amount": 3,
    "name": "node", "unique_suffix": true}))]
pub struct RunInstancesBody {
    /// How many.
    #[schema(minimum = 1, maximum = 1000)]
    amount: u16,
    /// How many at least, if there is no room for all; all if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    min_amount: Option<u16>,
    /// The host name of each, in place of one for all.
    #[serde(default)]
    host_names: Vec<String>,
    /// Whether names and host names are numbered 001, 002 and so on.
    #[serde(default)]
    unique_suffix: bool,
    /// What each should be.
    #[serde(flatten)]
    launch: LaunchBody,
}

/// What a [`RunInstancesBody`] says beside the launch.
#[derive(Default)]
struct Amounts {
    amount: Option<u16>,
    min_amount: Option<Option<u16>>,
    host_names: Option<Vec<String>>,
    unique_suffix: Option<bool>,
}

impl<'de> Own<'de> for Amounts {
    const MEMBERS: &'static [&'static str] = &["amount", "min_amount", "host_names", "unique_suffix"];

    fn take<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "amount" => once(&mut self.amount, "amount", members),
            "min_amount" => once(&mut self.min_amount, "min_amount", members),
            "host_names" => once(&mut self.host_names, "host_names", members),
            _ => once(&mut self.unique_suffix, "unique_suffix", members),
        }
    }
}

impl<'de> Deserialize<'de> for RunInstancesBody {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<RunInstancesBody, D::Error> {
        let (own, launch) = joined::<Amounts, _, _>(from)?;
        Ok(RunInstancesBody {
            amount: own.amount.ok_or_else(|| D::Error::missing_field("amount"))?,
            min_amount: own.min_amount.flatten(),
            host_names: own.host_names.unwrap_or_default(),
            unique_suffix: own.unique_suffix.unwrap_or_default(),
            launch,
        })
    }
}

/// The new instances.
#[derive(Serialize, ToSchema)]
pub struct InstancesBody {
    /// The instances in the order of their names.
    instances: Vec<InstanceBody>,
}

/// Make several instances and start them: all of them, or none.
///
/// With `min_amount`, lack of addresses or of a quota ends the list instead of refusing it.
#[utoipa::path(post, path = "/v1/instances/batch-create", tag = "Instance", request_body = RunInstancesBody,
    responses((status = 200, description = "The new instances.", body = InstancesBody)))]
async fn create_instances(ctx: Context, Body(body): Body<RunInstancesBody>) -> Result<Response, Problem> {
    let (launch, secrets) = body.launch.read()?;
    let command = RunInstances {
        launch: Box::new(with_secrets(launch, secrets, &ctx)),
        amount: body.amount,
        min_amount: body.min_amount,
        host_names: body.host_names.into_iter().map(Into::into).collect(),
        unique_suffix: body.unique_suffix,
    };
    ctx.change(command, |w: &World, reply| {
        let Reply::CreatedMany(made) = reply else { unreachable!("RunInstances replies so") };
        let rows = made.iter().filter_map(|id| w.get::<Instance>(&(*id).try_into().ok()?));
        InstancesBody { instances: rows.map(|i| show(w, i)).collect() }
    })
    .await
}
