//! Making instances: RunInstances starts them, CreateInstance leaves one Stopped.
//!
//! Every instance comes with its primary network interface and its system disk, and with further interfaces if they
//! are asked for (provider documentation: RunInstances, CreateInstance).

use crate::access::{Caller, Owner, ZoneId};
use crate::catalog::{Image, Os};
use crate::command::Reply;
use crate::ecs::disk::{Disk, SystemDisk};
use crate::ecs::eni::{self, Eni, EniKind, EniStatus, New, TrafficMode};
use crate::ecs::eni_address::{self, Call, Primary, Wanted, in_addresses};
use crate::ecs::instance::{ChargeType, Instance, InstanceStatus, StoppedMode, Terms};
use crate::ecs::instance_kind::{check_type, find_image};
use crate::ecs::instance_life;
use crate::ecs::instance_name::{self, Naming, Sequence, check_host_name, default_host_name};
use crate::ecs::maintenance::Maintenance;
use crate::ecs::membership::check_membership;
use crate::ecs::metadata_options::{MetadataChange, MetadataOptions};
use crate::ecs::public_address::PublicAddress;
use crate::ecs::user_data::UserData;
use crate::error::{ErrorCode, ErrorKind, Outcome, Refusal};
use crate::id::{AnyId, DiskId, EniId, InstanceId, ResourceGroupId, SecurityGroupId, VSwitchId};
use crate::quota::Quota;
use crate::secret::Fingerprint;
use crate::tag::{self, TagPair};
use crate::timer::Due;
use crate::vpc::eip;
use crate::vpc::vpc::{self, Vpc};
use crate::vpc::vswitch::VSwitch;
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// The most instances of one call (published range of RunInstances).
pub const MOST_AT_ONCE: u16 = 1_000;
/// The most that a call may insist on.
pub const MOST_MIN_AMOUNT: u16 = 100;

/// A network interface that comes with an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchInterface {
    /// Its vSwitch: for the primary interface the region's default one if absent, for others that of the primary one.
    pub vswitch: Option<VSwitchId>,
    /// Its security groups: 1 to 10; for interfaces beside the primary one its groups if empty.
    pub groups: Vec<SecurityGroupId>,
    /// Its primary address; the lowest free one if absent. Several instances take this and the following ones.
    pub primary_ip: Option<Ipv4Addr>,
    /// Its other addresses.
    pub wanted: Wanted,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Whether it is a trunk; never for the primary one.
    pub trunk: bool,
    /// Whether it goes with the instance; the primary one always does.
    pub keep: bool,
    /// Whether packets with foreign addresses are dropped.
    pub source_dest_check: bool,
    /// Its queues; without effect here.
    pub queues: Option<u16>,
    /// Its traffic mode; without effect here.
    pub traffic_mode: TrafficMode,
}

/// An interface beside the primary one.
#[allow(clippy::large_enum_variant, reason = "a launch has a handful of them")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secondary {
    /// A new one.
    New(LaunchInterface),
    /// One that exists and is Available.
    Existing(EniId),
}

/// What a new instance should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Its type, for example `ecs.g7.large`.
    pub instance_type: CompactString,
    /// Its image.
    pub image: Option<CompactString>,
    /// The family of which its image is the newest, in place of an image.
    pub image_family: Option<CompactString>,
    /// Its zone; that of its vSwitch if absent.
    pub zone: Option<ZoneId>,
    /// Its primary network interface.
    pub primary: LaunchInterface,
    /// Its other network interfaces.
    pub secondary: Vec<Secondary>,
    /// Its name; its id if absent.
    pub name: Option<CompactString>,
    /// Its host name; one made of its id if absent.
    pub host_name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
    /// Whether a deletion is refused.
    pub deletion_protection: bool,
    /// Its system disk.
    pub system_disk: SystemDisk,
    /// The fingerprint of its password.
    pub password: Option<Fingerprint>,
    /// Its user data.
    pub user_data: Option<UserData>,
    /// Whether and how the metadata service answers inside of it.
    pub metadata: MetadataChange,
    /// What it costs.
    pub terms: Terms,
    /// Its resource group; the account's default one if absent.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags, which its primary interface and its system disk get too.
    pub tags: Vec<TagPair>,
}

/// Makes one instance and leaves it Stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateInstance {
    /// What it should be.
    pub launch: Box<Launch>,
}

/// Handles [`CreateInstance`].
///
/// # Errors
/// Those of [`run`].
pub fn create(w: &mut World, caller: &Caller, c: &CreateInstance) -> Outcome<Reply> {
    let plan = Plan::check(w, caller, &c.launch, 1, Naming::AsGiven)?;
    plan.make(w, caller, 0, InstanceStatus::Stopped, None).map(Into::into)
}

/// Makes instances and starts them: all of them, or as many as there is room for if that is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInstances {
    /// What each should be.
    pub launch: Box<Launch>,
    /// How many: 1 to [`MOST_AT_ONCE`].
    pub amount: u16,
    /// How many at least: 1 to [`MOST_MIN_AMOUNT`], not above `amount`; all if absent.
    pub min_amount: Option<u16>,
    /// The host name of each, in place of one for all.
    pub host_names: Vec<CompactString>,
    /// Whether names and host names are numbered.
    pub unique_suffix: bool,
}

/// Handles [`RunInstances`]. With a minimum, an instance for which there is no address or no quota left ends the list
/// instead of refusing it.
///
/// # Errors
/// Amounts; terms that exclude each other; the form of names, host names, description, role, disk, tags, addresses; an
/// unknown type, image, zone, vSwitch, group, interface, resource group; an image for another processor or not for a key pair;
/// another zone; a VPC or vSwitch in transition; what its type allows; addresses that are outside, reserved or in use;
/// quotas; no free address, private or public.
pub fn run(w: &mut World, caller: &Caller, c: &RunInstances) -> Outcome<Reply> {
    let least = check_amounts(c)?;
    let plan = Plan::check(w, caller, &c.launch, u32::from(c.amount), Naming::Counted(c.unique_suffix))?;
    plan.check_host_names(c)?;
    let mut made: Vec<AnyId> = Vec::with_capacity(c.amount.into());
    for at in 0..c.amount {
        let host_name = c.host_names.get(usize::from(at));
        match plan.make(w, caller, u32::from(at), InstanceStatus::Starting, host_name) {
            Ok(id) => made.push(id.into()),
            Err(refusal) if at >= least && lacks_room(&refusal) => break,
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(Reply::CreatedMany(made))
}

fn lacks_room(refusal: &Refusal) -> bool {
    matches!(refusal.code().kind(), ErrorKind::Exhausted | ErrorKind::Quota)
}

/// How many instances there must be at least.
fn check_amounts(c: &RunInstances) -> Outcome<u16> {
    if !(1..=MOST_AT_ONCE).contains(&c.amount) {
        return Err(Refusal::new(ErrorCode::InstanceAmount)
            .field("amount")
            .detail(format!("{} were wanted.", c.amount))
            .accepted(format!("1 to {MOST_AT_ONCE}")));
    }
    let Some(least) = c.min_amount else { return Ok(c.amount) };
    let most = c.amount.min(MOST_MIN_AMOUNT);
    if !(1..=most).contains(&least) {
        return Err(Refusal::new(ErrorCode::InstanceMinAmount)
            .field("min_amount")
            .detail(format!("At least {least} of {} were wanted.", c.amount))
            .accepted(format!("1 to {most}")));
    }
    Ok(least)
}

/// What all instances of a call share once everything that does not depend on the world's rows was checked.
struct Plan<'a> {
    launch: &'a Launch,
    image: &'static Image,
    disk_gib: u32,
    metadata: MetadataOptions,
    name: Option<Sequence<'a>>,
    host_name: Option<Sequence<'a>>,
    description: CompactString,
    vswitch: VSwitchId,
    resource_group: ResourceGroupId,
}

impl<'a> Plan<'a> {
    fn check(
        w: &World,
        caller: &Caller,
        launch: &'a Launch,
        amount: u32,
        naming: Naming,
    ) -> Outcome<Plan<'a>> {
        let name = launch.name.as_deref().filter(|text| !text.is_empty());
        let name = name.map(|text| naming.read(text, "name")).transpose()?;
        for at in [0, amount - 1] {
            let Some(name) = name else { break };
            instance_name::NAME.check(Some(&name.at(at))).map_err(|refusal| {
                name.suffix_or(refusal, ErrorCode::InstanceNameSuffix, |t| {
                    instance_name::NAME.check(Some(t)).is_ok()
                })
            })?;
        }
        let description = instance_name::DESCRIPTION.check(launch.description.as_deref())?;
        tag::check(&launch.tags)?;
        launch.system_disk.check_form()?;
        launch.terms.check_period()?;
        launch.terms.check_spot()?;
        launch.terms.check_bandwidth()?;
        let metadata = launch.metadata.of(MetadataOptions::default());
        let metadata = metadata.map_err(|refusal| refusal.field("metadata_options/hop_limit"))?;
        launch.terms.check_ram_role()?;
        launch.terms.check_key_pair()?;
        if launch.deletion_protection {
            launch.terms.check_protection()?;
        }
        check_interfaces(launch, amount)?;
        check_type(launch)?;
        let image = find_image(launch)?;
        if image.os == Os::Windows && !launch.terms.key_pair.is_empty() {
            return Err(Refusal::new(ErrorCode::InstanceWindowsKeyPair)
                .field("key_pair_name")
                .detail(format!("{} is an image of Windows.", image.id))
                .accepted("a password"));
        }
        let disk_gib = launch.system_disk.size_for(image)?;
        let host_name = launch.host_name.as_deref().filter(|text| !text.is_empty());
        let host_name = host_name.map(|text| naming.read(text, "host_name")).transpose()?;
        for at in [0, amount - 1] {
            let Some(name) = host_name else { break };
            check_host_name(&name.at(at), image.os).map_err(|refusal| {
                name.suffix_or(refusal, ErrorCode::HostNameSuffix, |t| check_host_name(t, image.os).is_ok())
            })?;
        }
        if let Some(zone) = &launch.zone {
            crate::region::check_zone(w, &caller.region, zone)?;
        }
        let vswitch = match launch.primary.vswitch {
            Some(id) => id,
            None => default_vswitch(w, caller, launch.zone.as_ref())?,
        };
        let resource_group = crate::resource_group::resolve(w, caller, launch.resource_group)?;
        Ok(Plan { launch, image, disk_gib, metadata, name, host_name, description, vswitch, resource_group })
    }

    fn check_host_names(&self, c: &RunInstances) -> Outcome<()> {
        if c.host_names.is_empty() {
            return Ok(());
        }
        if self.host_name.is_some() {
            return Err(Refusal::new(ErrorCode::HostNamesConflict)
                .field("host_names")
                .accepted("one of the two"));
        }
        if c.host_names.len() != usize::from(c.amount) {
            return Err(Refusal::new(ErrorCode::HostNamesCount)
                .field("host_names")
                .detail(format!("{} were given for {} instances.", c.host_names.len(), c.amount))
                .accepted(format!("{} host names", c.amount)));
        }
        c.host_names.iter().try_for_each(|name| check_host_name(name, self.image.os))
    }

    /// Makes one instance with all that belongs to it, or leaves no trace.
    fn make(
        &self,
        w: &mut World,
        caller: &Caller,
        at: u32,
        then: InstanceStatus,
        host_name: Option<&CompactString>,
    ) -> Outcome<InstanceId> {
        let before = w.mark();
        let made = self.make_whole(w, caller, at, then, host_name);
        if made.is_err() {
            w.roll_back(before);
        }
        made
    }

    fn make_whole(
        &self,
        w: &mut World,
        caller: &Caller,
        at: u32,
        then: InstanceStatus,
        host_name: Option<&CompactString>,
    ) -> Outcome<InstanceId> {
        let vswitch = w.visible::<VSwitch>(caller, self.vswitch)?;
        if let Some(zone) = self.launch.zone.as_ref().filter(|zone| **zone != vswitch.zone) {
            return Err(Refusal::new(ErrorCode::InstanceZoneMismatch)
                .field("zone_id")
                .detail(format!("{} lies in {}, not in {zone}.", vswitch.id, vswitch.zone))
                .accepted(vswitch.zone.to_string()));
        }
        let (vpc, zone) = (vswitch.vpc, vswitch.zone.clone());
        w.visible::<Vpc>(caller, vpc)?.check_available()?;
        let primary_ip = offset(self.launch.primary.primary_ip, at)?;
        let groups = &self.launch.primary.groups;
        let eni =
            self.build(w, caller, &self.launch.primary, EniKind::Primary, self.vswitch, groups, primary_ip)?;
        let id = w.new_id::<InstanceId>(&caller.region)?;
        let primary_eni = self.join(w, eni, id, 0);
        let system_disk = self.put_disk(w, caller, id, &zone)?;
        let (status, transition) = instance_life::enter(w, InstanceStatus::Pending, then);
        let name = self.name.map_or_else(|| CompactString::from(id.to_string()), |s| s.at(at));
        let own = host_name.cloned().or_else(|| self.host_name.map(|s| s.at(at)));
        let public = self.public_address(w, then)?;
        let starts = matches!(status, InstanceStatus::Starting | InstanceStatus::Running);
        let stopped_mode = (status == InstanceStatus::Stopped).then_some(StoppedMode::KeepCharging);
        let instance = Instance {
            id,
            owner: caller.into(),
            vpc,
            vswitch: self.vswitch,
            zone,
            instance_type: self.launch.instance_type.clone(),
            primary_eni,
            system_disk,
            status,
            transition,
            stopped_mode,
            name,
            host_name: own.unwrap_or_else(|| default_host_name(id, self.image.os)),
            description: self.description.clone(),
            image: self.image.id.into(),
            resource_group: self.resource_group,
            deletion_protection: self.launch.deletion_protection,
            password: self.launch.password,
            user_data: self.launch.user_data.clone(),
            metadata: self.metadata,
            maintenance: Maintenance::default(),
            terms: self.launch.terms.clone(),
            ends: (self.launch.terms.charge == ChargeType::PrePaid)
                .then(|| self.launch.terms.period.end(w.now())),
            public,
            created: w.now(),
            started: starts.then_some(w.now()),
        };
        for thing in [AnyId::from(id), primary_eni.into(), system_disk.into()] {
            tag::put_all(w, &instance.owner, thing, &self.launch.tags);
        }
        if let Some(transition) = transition {
            w.schedule(transition.at - w.now(), Due::Instance(id));
        }
        for (index, secondary) in (1..).zip(&self.launch.secondary) {
            self.add_secondary(w, caller, &instance, secondary, index)
                .map_err(|refusal| of_further(refusal, index - 1))?;
        }
        w.put(instance);
        Ok(id)
    }

    /// What starts with outward bandwidth has a static public address (provider documentation: RunInstances).
    fn public_address(&self, w: &mut World, then: InstanceStatus) -> Outcome<Option<PublicAddress>> {
        if then != InstanceStatus::Starting || self.launch.terms.bandwidth_out == 0 {
            return Ok(None);
        }
        eip::check_room(w, 1)?;
        Ok(Some(PublicAddress::of_new(eip::next_address(w))))
    }

    /// The row of a new interface after every check of it.
    #[allow(clippy::too_many_arguments, reason = "what an interface is made of differs with its kind")]
    fn build(
        &self,
        w: &mut World,
        caller: &Caller,
        wanted: &LaunchInterface,
        kind: EniKind,
        vswitch: VSwitchId,
        groups: &[SecurityGroupId],
        primary_ip: Option<Ipv4Addr>,
    ) -> Outcome<Eni> {
        let row = w.visible::<VSwitch>(caller, vswitch)?;
        check_membership(w, caller, row.vpc, groups, None, 1 + wanted.wanted.addresses())?;
        row.check_available()?;
        let (ipv4, ipv6) = wanted.wanted.slots();
        eni_address::check_traffic_mode(wanted.traffic_mode, ipv6, "traffic_mode")?;
        eni_address::check_type_slots(&self.launch.instance_type, 1 + ipv4, ipv6)
            .map_err(|refusal| in_addresses(wanted.wanted.counted(refusal)))?;
        let primary = primary_ip.map_or(Primary::Lowest, Primary::Given);
        let chosen = eni_address::choose(w, row, primary, &wanted.wanted).map_err(in_addresses);
        let chosen = eni_address::room_last(chosen, || {
            if kind != EniKind::Primary {
                let used = w.indexes().enis.secondary.get(&Owner::from(caller)).copied().unwrap_or(0);
                Quota::SecondaryEnis.check(w, caller.account, used, 1, ErrorCode::EniQuotaExceeded)?;
            }
            eni_address::check_vpc_quota(w, caller, row.vpc, 1 + wanted.wanted.private_addresses())
        })?;
        let new = New {
            kind,
            groups: groups.to_vec(),
            name: eni::NAME.check(wanted.name.as_deref())?,
            description: eni::DESCRIPTION.check(wanted.description.as_deref())?,
            resource_group: self.resource_group,
            delete_on_release: !wanted.keep,
            source_dest_check: wanted.source_dest_check,
            queues: wanted.queues,
            traffic_mode: wanted.traffic_mode,
        };
        eni::build(w, caller, vswitch, chosen, new)
    }

    /// Writes an interface as one of an instance.
    fn join(&self, w: &mut World, mut eni: Eni, instance: InstanceId, index: u16) -> EniId {
        let id = eni.id;
        eni.instance = Some(instance);
        eni.status = EniStatus::InUse;
        eni.device_index = index;
        w.put(eni);
        id
    }

    fn add_secondary(
        &self,
        w: &mut World,
        caller: &Caller,
        instance: &Instance,
        secondary: &Secondary,
        index: u16,
    ) -> Outcome<()> {
        let eni = match secondary {
            Secondary::New(new) => {
                let vswitch = new.vswitch.unwrap_or(self.vswitch);
                let groups = if new.groups.is_empty() { &self.launch.primary.groups } else { &new.groups };
                let kind = if new.trunk { EniKind::Trunk } else { EniKind::Secondary };
                self.build(w, caller, new, kind, vswitch, groups, new.primary_ip)?
            }
            Secondary::Existing(id) => w.visible::<Eni>(caller, *id)?.clone(),
        };
        crate::ecs::eni_attachment::check_joining(w, &eni, instance).map_err(|refusal| {
            // The instance is none that the caller has named.
            let field = match (secondary, refusal.code()) {
                (Secondary::Existing(_), _) => "network_interface_id",
                (Secondary::New(_), ErrorCode::EniTrunkUnsupported) => "trunk",
                (Secondary::New(_), _) => "vswitch_id",
            };
            refusal.field(field)
        })?;
        self.join(w, eni, instance.id, index);
        Ok(())
    }

    fn put_disk(
        &self,
        w: &mut World,
        caller: &Caller,
        instance: InstanceId,
        zone: &ZoneId,
    ) -> Outcome<DiskId> {
        let wanted = &self.launch.system_disk;
        let id = w.new_id::<DiskId>(&caller.region)?;
        let category = wanted.category.unwrap_or_default();
        let created = w.now();
        w.put(Disk {
            id,
            owner: caller.into(),
            instance,
            zone: zone.clone(),
            category,
            level: wanted.level.or(category.default_level()),
            size_gib: self.disk_gib,
            name: wanted.name.clone().unwrap_or_default(),
            description: wanted.description.clone().unwrap_or_default(),
            image: self.image.id.into(),
            bursting: wanted.bursting,
            auto_snapshot: true,
            delete_auto_snapshot: false,
            resource_group: self.resource_group,
            created,
        });
        Ok(id)
    }
}

/// The address `at` places after the first.
fn offset(first: Option<Ipv4Addr>, at: u32) -> Outcome<Option<Ipv4Addr>> {
    let Some(first) = first else { return Ok(None) };
    match u32::from(first).checked_add(at) {
        Some(bits) => Ok(Some(bits.into())),
        None => Err(Refusal::new(ErrorCode::AddressOutside)
            .field("primary_ip_address")
            .detail(format!("No address is {at} places after {first}."))),
    }
}

/// The rules of interfaces that hold whatever the state is: their form, and that addresses are not given twice.
fn check_interfaces(launch: &Launch, amount: u32) -> Outcome<()> {
    launch.primary.wanted.check_form(Call::Create).map_err(in_addresses)?;
    let refuse = |code, field: &str, what: &str| {
        Err(Refusal::new(code)
            .field(field)
            .detail(format!("{what} for {amount} instances."))
            .accepted("one instance, or counts in place of addresses"))
    };
    if amount > 1 && launch.primary.wanted.names_any() {
        return refuse(ErrorCode::InstanceAddressesForMany, "addresses", "Addresses were listed");
    }
    for (at, secondary) in launch.secondary.iter().enumerate() {
        let place = format!("network_interfaces/{at}");
        match secondary {
            Secondary::New(new) => {
                new.check_form().map_err(|refusal| refusal.within(&place))?;
                if amount > 1 && (new.primary_ip.is_some() || new.wanted.names_any()) {
                    return refuse(ErrorCode::InstanceAddressesForMany, &place, "Addresses were listed");
                }
            }
            Secondary::Existing(_) if amount > 1 => {
                return refuse(ErrorCode::InstanceInterfaceForMany, &place, "One interface was named");
            }
            Secondary::Existing(_) => {}
        }
    }
    eni::NAME.check(launch.primary.name.as_deref())?;
    eni::DESCRIPTION.check(launch.primary.description.as_deref())?;
    Ok(())
}

/// A refusal of an interface beside the primary one, which is in a list of them with a list of groups of its own.
fn of_further(refusal: Refusal, at: u16) -> Refusal {
    let refusal = match refusal.details().field.as_deref() {
        Some("security_group_id") => refusal.field("security_group_ids"),
        _ => refusal,
    };
    refusal.within(format_args!("network_interfaces/{at}"))
}

impl LaunchInterface {
    /// What holds of an interface beside the primary one whatever the state is.
    fn check_form(&self) -> Outcome<()> {
        eni::NAME.check(self.name.as_deref())?;
        eni::DESCRIPTION.check(self.description.as_deref())?;
        self.wanted.check_form(Call::Create).map_err(in_addresses)
    }
}

/// The default vSwitch of the region, in the wanted zone if one is wanted.
fn default_vswitch(w: &World, caller: &Caller, zone: Option<&ZoneId>) -> Outcome<VSwitchId> {
    let default = w.indexes().vpcs.default.get(&Owner::from(caller));
    let mut candidates = default.into_iter().flat_map(|id| vpc::vswitches(w, *id));
    let found = candidates.find(|s| s.is_default && zone.is_none_or(|zone| s.zone == *zone));
    found.map(|s| s.id).ok_or_else(|| {
        Refusal::new(ErrorCode::InstanceVSwitchMissing)
            .field("vswitch_id")
            .detail("None was given, and there is no default vSwitch.")
            .accepted("the id of a vSwitch")
    })
}

/// The primary interface, which is described by the fields of the instance or as one of its interfaces, not by both.
///
/// # Errors
/// [`ErrorCode::InstanceInterfacesInvalid`].
pub fn choose_primary(fields: LaunchInterface, mut listed: Vec<LaunchInterface>) -> Outcome<LaunchInterface> {
    let refuse = |what: &str| {
        Err(Refusal::new(ErrorCode::InstanceInterfacesInvalid).field("network_interfaces").detail(what))
    };
    match listed.pop() {
        None => Ok(fields),
        Some(_) if !listed.is_empty() => refuse("Two of them are primary."),
        Some(_) if fields != LaunchInterface::default() => refuse("It was described in both ways."),
        Some(one) => Ok(one),
    }
}
