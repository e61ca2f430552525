//! An ECS instance: a host in a vSwitch with its primary network interface and its system disk.
//!
//! What makes it is in `instance_create.rs`, what starts, stops and deletes it in `instance_life.rs`, what changes it
//! in `instance_modify.rs`, its type in `instance_spec.rs`, how it is paid for in `instance_charge.rs`.

use crate::access::{Owner, ZoneId};
use crate::ecs::eni::Eni;
use crate::ecs::maintenance::Maintenance;
use crate::ecs::metadata_options::MetadataOptions;
use crate::ecs::public_address::PublicAddress;
use crate::ecs::user_data::UserData;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{DiskId, EniId, InstanceId, ResourceGroupId, SecurityGroupId, VSwitchId, VpcId};
use crate::name::TextRule;
use crate::resource::Resource;
use crate::secret::Fingerprint;
use crate::subscription::{self, Period};
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceStatus {
    /// Being made.
    Pending,
    /// On its way up.
    Starting,
    /// Up.
    Running,
    /// On its way down.
    Stopping,
    /// Down.
    Stopped,
}

impl InstanceStatus {
    /// Every status, with the provider's word.
    pub const ALL: &'static [(&'static str, InstanceStatus)] = &[
        ("Pending", InstanceStatus::Pending),
        ("Starting", InstanceStatus::Starting),
        ("Running", InstanceStatus::Running),
        ("Stopping", InstanceStatus::Stopping),
        ("Stopped", InstanceStatus::Stopped),
    ];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            InstanceStatus::Pending => "Pending",
            InstanceStatus::Starting => "Starting",
            InstanceStatus::Running => "Running",
            InstanceStatus::Stopping => "Stopping",
            InstanceStatus::Stopped => "Stopped",
        }
    }
}

/// The end of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// When it ends.
    pub at: SimTime,
    /// Where it leads.
    pub to: InstanceStatus,
}

/// What a stopped instance keeps (provider documentation: StopInstance, economical mode). Without effect on the
/// network: the private addresses stay in both modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedMode {
    /// Everything, and it goes on costing.
    KeepCharging,
    /// Disks and private addresses; processors and memory are given back.
    StopCharging,
}

impl StoppedMode {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            StoppedMode::KeepCharging => "KeepCharging",
            StoppedMode::StopCharging => "StopCharging",
        }
    }
}

/// How an instance is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeType {
    /// By use.
    #[default]
    PostPaid,
    /// For a period in advance; it is not deleted before the end unless the caller says so.
    PrePaid,
}

impl ChargeType {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            ChargeType::PostPaid => "PostPaid",
            ChargeType::PrePaid => "PrePaid",
        }
    }
}

/// What becomes of a subscription at its end: one that renews itself ends later, and nothing else happens here (provider
/// documentation: ModifyInstanceAutoRenewAttribute).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// Its owner is asked.
    #[default]
    Normal,
    /// It renews itself for so many months.
    Auto(u16),
    /// It is not renewed, and nobody is asked.
    Never,
}

impl Renewal {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Renewal::Normal => "Normal",
            Renewal::Auto(_) => "AutoRenewal",
            Renewal::Never => "NotRenewal",
        }
    }

    /// For how many months a subscription renews itself; absent if it does not.
    pub const fn months(self) -> Option<u16> {
        match self {
            Renewal::Auto(months) => Some(months),
            Renewal::Normal | Renewal::Never => None,
        }
    }
}

/// How an instance bids for spare capacity at the provider; without effect here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpotStrategy {
    /// It does not.
    #[default]
    NoSpot,
    /// Up to a price.
    SpotWithPriceLimit,
    /// At the market's price.
    SpotAsPriceGo,
}

impl SpotStrategy {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            SpotStrategy::NoSpot => "NoSpot",
            SpotStrategy::SpotWithPriceLimit => "SpotWithPriceLimit",
            SpotStrategy::SpotAsPriceGo => "SpotAsPriceGo",
        }
    }
}

/// What an instance costs and how it is reached from outside: kept as asked for and shown. The charge type has an effect here
/// on deletion and on what a stop keeps, and the bandwidth outwards on static public addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How it is paid for.
    pub charge: ChargeType,
    /// For how long a subscription was paid when it was bought.
    pub period: Period,
    /// What becomes of a subscription at its end.
    pub renewal: Renewal,
    /// How it bids.
    pub spot: SpotStrategy,
    /// Whether public traffic is paid by bandwidth and not by volume.
    pub by_bandwidth: bool,
    /// The most public traffic inwards, in Mbit/s.
    pub bandwidth_in: u32,
    /// The most public traffic outwards, in Mbit/s.
    pub bandwidth_out: u32,
    /// The name of its key pair; empty if it has none. Key pairs are not modelled.
    pub key_pair: CompactString,
    /// The name of its role; empty if it has none. Roles are not modelled.
    pub ram_role: CompactString,
    /// How a burstable type spends its credits; empty if not given.
    pub credit: CompactString,
}

impl Terms {
    /// Only what is paid by use and bids for nothing is protected from deletion (provider documentation: deletion
    /// protection).
    ///
    /// # Errors
    /// [`ErrorCode::InstanceProtectionUnsupported`].
    pub fn check_protection(&self) -> Outcome<()> {
        if self.charge == ChargeType::PostPaid && self.spot == SpotStrategy::NoSpot {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::InstanceProtectionUnsupported)
            .field("deletion_protection")
            .detail(format!("It is {} and {}.", self.charge.text(), self.spot.text()))
            .accepted("PostPaid and NoSpot"))
    }

    /// The bandwidth outwards is 0 to 100 Mbit/s (published range of RunInstances).
    ///
    /// # Errors
    /// [`ErrorCode::InstanceBandwidthOut`].
    pub fn check_bandwidth(&self) -> Outcome<()> {
        if self.bandwidth_out <= 100 {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::InstanceBandwidthOut)
            .field("internet_max_bandwidth_out")
            .detail(format!("{} Mbit/s were asked for.", self.bandwidth_out))
            .accepted("0 to 100"))
    }

    /// A role that the provider could have has a name of 1 to 64 letters, digits, dots, underscores and hyphens
    /// (provider documentation of RAM: CreateRole, RoleName); whether there is one of this name is not modelled.
    ///
    /// # Errors
    /// [`ErrorCode::RamRoleMalformed`].
    pub fn check_ram_role(&self) -> Outcome<()> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        if self.ram_role.len() <= 64 && self.ram_role.bytes().all(fits) {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::RamRoleMalformed)
            .field("ram_role_name")
            .given(&self.ram_role)
            .accepted("1 to 64 letters, digits, '.', '_' and '-'"))
    }

    /// A key pair that the provider could have has a name of 2 to 128 letters, digits, dots, underscores, colons and hyphens, a
    /// letter first (provider documentation: CreateKeyPair, KeyPairName); whether there is one of this name is not modelled.
    ///
    /// # Errors
    /// [`ErrorCode::KeyPairMalformed`].
    pub fn check_key_pair(&self) -> Outcome<()> {
        const NAME: TextRule = TextRule {
            min: 2,
            max: 128,
            letter_first: true,
            field: "key_pair_name",
            error: ErrorCode::KeyPairMalformed,
        };
        let fits = |c: char| c.is_alphanumeric() || "._:-".contains(c);
        match NAME.check(Some(&self.key_pair))?.chars().find(|c| !fits(*c)) {
            None => Ok(()),
            Some(other) => Err(Refusal::new(NAME.error)
                .field(NAME.field)
                .detail(format!("It contains {other:?}."))
                .accepted("2 to 128 letters, digits, '.', '_', ':' and '-', a letter first")),
        }
    }

    /// A subscription is for a period that is sold.
    ///
    /// # Errors
    /// Those of [`Period::check`].
    pub fn check_period(&self) -> Outcome<()> {
        if self.charge == ChargeType::PrePaid { self.period.check() } else { Ok(()) }
    }

    /// A subscription does not bid.
    ///
    /// # Errors
    /// [`ErrorCode::InstanceSpotPrepaid`].
    pub fn check_spot(&self) -> Outcome<()> {
        if self.charge == ChargeType::PrePaid && self.spot != SpotStrategy::NoSpot {
            return Err(Refusal::new(ErrorCode::InstanceSpotPrepaid)
                .field("spot_strategy")
                .detail(format!("It is {} and {}.", self.charge.text(), self.spot.text()))
                .accepted("NoSpot"));
        }
        Ok(())
    }
}

/// An ECS instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
    /// Its zone.
    pub zone: ZoneId,
    /// Its type, for example `ecs.g7.large`.
    pub instance_type: CompactString,
    /// Its primary network interface.
    pub primary_eni: EniId,
    /// Its system disk.
    pub system_disk: DiskId,
    /// Where it is in its life.
    pub status: InstanceStatus,
    /// When it leaves Pending, Starting or Stopping, and for what; absent in every other status.
    pub transition: Option<Transition>,
    /// What a stop kept; absent unless it is stopped, and for a subscription.
    pub stopped_mode: Option<StoppedMode>,
    /// Its name.
    pub name: CompactString,
    /// Its host name.
    pub host_name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// The image it was made from.
    pub image: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Whether a deletion is refused.
    pub deletion_protection: bool,
    /// The fingerprint of its password, if one was set.
    pub password: Option<Fingerprint>,
    /// Its user data, if it has any.
    pub user_data: Option<UserData>,
    /// Whether and how the metadata service answers inside of it.
    pub metadata: MetadataOptions,
    /// What it says about its maintenance.
    pub maintenance: Maintenance,
    /// What it costs.
    pub terms: Terms,
    /// When its subscription ends by what was bought; absent for one that is paid by use.
    pub ends: Option<SimTime>,
    /// Its static public address, if it has one.
    pub public: Option<PublicAddress>,
    /// When it was made.
    pub created: SimTime,
    /// When it last began to start; absent if it never did.
    pub started: Option<SimTime>,
}

/// What is derived from instances.
#[derive(Clone, Debug, Default)]
pub struct InstanceIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, InstanceId>,
    /// By VPC.
    pub by_vpc: Groups<VpcId, InstanceId>,
    /// By vSwitch.
    pub by_vswitch: Groups<VSwitchId, InstanceId>,
    /// By account, region and zone.
    pub by_zone: Groups<(Owner, ZoneId), InstanceId>,
    /// Who has a static public address.
    pub by_public_address: BTreeMap<Ipv4Addr, InstanceId>,
}

impl Instance {
    /// What its type allows. A type that left the catalogue since counts as the smallest shape that the provider
    /// sells: the instance stays usable, and nothing can be added to it.
    pub fn type_row(&self) -> TypeLimits {
        TypeLimits::of(&self.instance_type)
    }

    /// When its subscription ends, seen from `now` on, by which it may have renewed itself; absent for one that is paid by use.
    pub fn ends_at(&self, now: SimTime) -> Option<SimTime> {
        let ends = self.ends?;
        Some(self.terms.renewal.months().map_or(ends, |months| subscription::renewed(ends, months, now)))
    }

    /// Its primary network interface.
    ///
    /// # Panics
    /// Never in a world whose rows are whole: the interface is born and dies with the instance.
    pub fn primary<'w>(&self, w: &'w World) -> &'w Eni {
        w.get::<Eni>(&self.primary_eni).expect("a primary interface lives as long as its instance")
    }

    /// Its security groups, which are those of its primary interface.
    pub fn groups<'w>(&self, w: &'w World) -> &'w [SecurityGroupId] {
        &self.primary(w).groups
    }

    /// Refuses writes while the instance is in transition.
    ///
    /// # Errors
    /// [`ErrorCode::InstanceInitializing`] while it is being made, [`ErrorCode::InstanceStatusIncorrect`] while it
    /// starts or stops.
    pub fn check_settled(&self) -> Outcome<()> {
        match self.status {
            InstanceStatus::Running | InstanceStatus::Stopped => Ok(()),
            InstanceStatus::Pending => {
                Err(self.wrong_status(ErrorCode::InstanceInitializing, "Running or Stopped"))
            }
            _ => Err(self.wrong_status(ErrorCode::InstanceStatusIncorrect, "Running or Stopped")),
        }
    }

    /// Refuses an operation unless the instance has a certain status.
    ///
    /// # Errors
    /// [`ErrorCode::InstanceInitializing`] while it is being made, else [`ErrorCode::InstanceStatusIncorrect`].
    pub fn check_status(&self, wanted: InstanceStatus) -> Outcome<()> {
        if self.status == wanted {
            return Ok(());
        }
        let code = match self.status {
            InstanceStatus::Pending => ErrorCode::InstanceInitializing,
            _ => ErrorCode::InstanceStatusIncorrect,
        };
        Err(self.wrong_status(code, wanted.text()))
    }

    pub(crate) fn wrong_status(&self, code: ErrorCode, wanted: &str) -> Refusal {
        Refusal::new(code)
            .field("instance_id")
            .detail(format!("{} is {}.", self.id, self.status.text()))
            .accepted(format!("an instance that is {wanted}"))
    }
}

/// What an instance type allows on its network interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeLimits {
    /// Interfaces, the primary one included.
    pub eni: u32,
    /// IPv4 addresses of one interface, the primary one included.
    pub ipv4_per_eni: u32,
    /// IPv6 addresses of one interface.
    pub ipv6_per_eni: u32,
    /// Interfaces with the members of trunks.
    pub eni_total: u32,
    /// Whether it takes a trunk interface.
    pub trunk: bool,
}

impl TypeLimits {
    /// The limits of a type of the catalogue.
    pub fn of(name: &str) -> TypeLimits {
        crate::catalog::instance_type(name).map_or(
            TypeLimits { eni: 1, ipv4_per_eni: 1, ipv6_per_eni: 0, eni_total: 1, trunk: false },
            |t| TypeLimits {
                eni: t.eni_quantity.into(),
                ipv4_per_eni: t.ipv4_per_eni.into(),
                ipv6_per_eni: t.ipv6_per_eni.into(),
                eni_total: t.eni_total.into(),
                trunk: t.trunk,
            },
        )
    }
}

impl Row for Instance {
    type Key = InstanceId;
    type Index = InstanceIndex;

    fn key(&self) -> InstanceId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|i| i.id) else { return };
        let ix = &mut indexes.instances;
        ix.by_vpc.shift(&id, old.map(|i| i.vpc), new.map(|i| i.vpc));
        ix.by_vswitch.shift(&id, old.map(|i| i.vswitch), new.map(|i| i.vswitch));
        let public = |i: &Instance| i.public.and_then(|public| public.address);
        let (was, is) = (old.and_then(public), new.and_then(public));
        if was != is {
            if let Some(address) = was {
                ix.by_public_address.remove(&address);
            }
            if let Some(address) = is {
                ix.by_public_address.insert(address, id);
            }
        }
        // Owner and zone never change.
        if old.is_none() || new.is_none() {
            ix.by_owner.shift(&id, old.map(|i| i.owner.clone()), new.map(|i| i.owner.clone()));
            let place = |i: &Instance| (i.owner.clone(), i.zone.clone());
            ix.by_zone.shift(&id, old.map(place), new.map(place));
        }
    }
}

impl Resource for Instance {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}
