//! A classic load balancer: an address, and what it is sold as. Listeners and backends hang on it.
//!
//! An intranet one holds an address of a vSwitch; an internet one an address of its own range (provider documentation:
//! CreateLoadBalancer, instance overview).

use crate::access::{Caller, Owner, ZoneId};
use crate::command::Reply;
use crate::ecs::eni_address::{self, Primary, Wanted};
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, LoadBalancerId, ResourceGroupId, VSwitchId, VpcId};
use crate::name::TextRule;
use crate::quota::Quota;
use crate::resource::Resource;
use crate::resource_group;
use crate::slb::backend::{Backend, Server};
use crate::slb::spec::{ELASTIC, InstanceCharge, InternetCharge, PayType, Spec};
use crate::slb::{listener, master_slave_group, server_group};
use crate::table::{Groups, Row};
use crate::tag::{self, TagPair};
use crate::time::SimTime;
use crate::timer::Counter;
use crate::vpc::eip_binding;
use crate::vpc::vpc::Vpc;
use crate::vpc::vswitch::{self, VSwitch};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A classic load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// Its id.
    pub id: LoadBalancerId,
    /// Whose it is.
    pub owner: Owner,
    /// Its name.
    pub name: CompactString,
    /// The address at which it serves.
    pub address: IpAddr,
    /// Where an intranet one lies; absent for an internet one.
    pub home: Option<Home>,
    /// The zone that serves.
    pub master_zone: ZoneId,
    /// The zone that serves while the other is down.
    pub slave_zone: ZoneId,
    /// Its specification; absent for one that is paid by use.
    pub spec: Option<Spec>,
    /// How traffic is paid for.
    pub internet_charge: InternetCharge,
    /// The bandwidth that is kept ready in Mbit/s, 1 to 5,120; absent if traffic is paid by what has passed.
    pub bandwidth: Option<u16>,
    /// When it is paid for.
    pub pay_type: PayType,
    /// When its subscription ends; absent for one that is paid for afterwards.
    pub ends: Option<SimTime>,
    /// Whether its listeners forward.
    pub active: bool,
    /// Whether it is locked, as at the provider for arrears or for security: nothing of it can be changed.
    pub locked: bool,
    /// Whether it cannot be deleted.
    pub delete_protection: bool,
    /// The reason, which may be empty, why the provider's console must not change it.
    pub modification_protection: Option<CompactString>,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// Its default pool, in the order in which the members came.
    pub backends: Vec<Backend>,
    /// When the last change of its default pool is carried out, or was; absent if no change took time.
    pub backends_applied: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// Where an intranet load balancer lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Its VPC.
    pub vpc: VpcId,
    /// Its vSwitch.
    pub vswitch: VSwitchId,
}

/// What is derived from load balancers.
#[derive(Clone, Debug, Default)]
pub struct LoadBalancerIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, LoadBalancerId>,
    /// Intranet ones by VPC.
    pub by_vpc: Groups<VpcId, LoadBalancerId>,
    /// Intranet ones by vSwitch.
    pub by_vswitch: Groups<VSwitchId, LoadBalancerId>,
    /// Who holds a private address of a VPC.
    pub by_address: BTreeMap<(VpcId, Ipv4Addr), LoadBalancerId>,
    /// By server of the default pool.
    pub by_server: Groups<Server, LoadBalancerId>,
    /// Who holds an address of the internet.
    pub by_public_address: BTreeMap<IpAddr, LoadBalancerId>,
}

impl Row for LoadBalancer {
    type Key = LoadBalancerId;
    type Index = LoadBalancerIndex;

    fn key(&self) -> LoadBalancerId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|b| b.id) else { return };
        let ix = &mut indexes.load_balancers;
        for backend in old.iter().flat_map(|b| &b.backends) {
            ix.by_server.remove(&backend.server, &id);
        }
        for backend in new.iter().flat_map(|b| &b.backends) {
            ix.by_server.insert(backend.server, id);
        }
        // Nothing else that an index knows ever changes.
        let Some(row) = old.xor(new) else { return };
        let came = new.is_some();
        let (was, is) = (!came, came);
        ix.by_owner.shift(&row.id, was.then(|| row.owner.clone()), is.then(|| row.owner.clone()));
        let Some((home, address)) = row.home.zip(row.private_address()) else {
            if came {
                ix.by_public_address.insert(row.address, row.id);
            } else {
                ix.by_public_address.remove(&row.address);
            }
            return;
        };
        ix.by_vpc.shift(&row.id, was.then_some(home.vpc), is.then_some(home.vpc));
        ix.by_vswitch.shift(&row.id, was.then_some(home.vswitch), is.then_some(home.vswitch));
        if came {
            ix.by_address.insert((home.vpc, address), row.id);
        } else {
            ix.by_address.remove(&(home.vpc, address));
        }
        vswitch::hold(indexes, home.vpc, home.vswitch, address, came);
    }
}

impl Resource for LoadBalancer {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl LoadBalancer {
    /// Its address in a VPC, if it is an intranet one.
    pub fn private_address(&self) -> Option<Ipv4Addr> {
        match (self.home, self.address) {
            (Some(_), IpAddr::V4(address)) => Some(address),
            _ => None,
        }
    }

    /// The provider's word for where it serves.
    pub const fn address_type(&self) -> &'static str {
        if self.home.is_some() { "intranet" } else { "internet" }
    }

    /// The provider's word for the network that it lies in.
    pub const fn network_type(&self) -> &'static str {
        if self.home.is_some() { "vpc" } else { "classic" }
    }

    /// The provider's word for its address family.
    pub const fn ip_version(&self) -> &'static str {
        if self.address.is_ipv4() { "ipv4" } else { "ipv6" }
    }

    /// The provider's word for its state: a lock hides whether it is active.
    pub const fn status(&self) -> &'static str {
        match (self.locked, self.active) {
            (true, _) => "locked",
            (false, true) => "active",
            (false, false) => "inactive",
        }
    }

    /// Whether what comes in goes on to its listeners: it is active, and not locked.
    pub const fn forwards(&self) -> bool {
        self.active && !self.locked
    }

    /// How the instance itself is paid for: one without a specification by use.
    pub const fn instance_charge(&self) -> InstanceCharge {
        if self.spec.is_some() { InstanceCharge::BySpec } else { InstanceCharge::ByUse }
    }

    /// Its specification as it is shown.
    pub fn spec_name(&self) -> &'static str {
        self.spec.map_or(ELASTIC, |spec| spec.row().name)
    }

    /// Refuses changes of a locked one.
    ///
    /// # Errors
    /// [`ErrorCode::LoadBalancerLocked`].
    pub fn check_unlocked(&self) -> Outcome<()> {
        if !self.locked {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::LoadBalancerLocked)
            .field("load_balancer_id")
            .detail(format!("{} is locked.", self.id))
            .accepted("the same request once the lock is taken off"))
    }
}

/// The load balancer that holds an address of a VPC.
pub fn of_address(w: &World, vpc: VpcId, address: Ipv4Addr) -> Option<&LoadBalancer> {
    w.indexes().load_balancers.by_address.get(&(vpc, address)).and_then(|id| w.get::<LoadBalancer>(id))
}

/// The rule for a load balancer's name.
pub const NAME: TextRule = TextRule {
    min: 1,
    max: 80,
    letter_first: false,
    field: "name",
    error: ErrorCode::LoadBalancerNameMalformed,
};

/// The name of one that was made without a name.
pub const UNNAMED: &str = "auto_named_slb";

/// The most internet load balancers with one address family: the addresses of 198.19.0.0/16 but the first and the last.
const PUBLIC_ADDRESSES: u64 = 65_534;

/// The most bandwidth in Mbit/s.
pub const MAX_BANDWIDTH: u16 = 5_120;

/// Where a new load balancer is to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// At an IPv4 address of the internet.
    Internet,
    /// At an IPv6 address of the internet.
    Internet6,
    /// At an address of a vSwitch.
    Intranet {
        /// The vSwitch.
        vswitch: VSwitchId,
        /// The VPC, if the caller names it too.
        vpc: Option<VpcId>,
        /// The address; the lowest free one if absent.
        address: Option<Ipv4Addr>,
    },
}

impl Place {
    /// The place that is asked for. Without a word about it one with a vSwitch is an intranet one; IPv6 is for the internet
    /// (provider documentation: CreateLoadBalancer).
    ///
    /// # Errors
    /// [`ErrorCode::LoadBalancerIpv6Intranet`], [`ErrorCode::LoadBalancerVSwitchMissing`].
    pub fn choose(
        intranet: Option<bool>,
        ipv6: bool,
        vswitch: Option<VSwitchId>,
        vpc: Option<VpcId>,
        address: Option<Ipv4Addr>,
    ) -> Outcome<Place> {
        match (intranet.unwrap_or(vswitch.is_some()), ipv6) {
            (false, false) => Ok(Place::Internet),
            (false, true) => Ok(Place::Internet6),
            (true, true) => {
                Err(Refusal::new(ErrorCode::LoadBalancerIpv6Intranet).field("ip_version").accepted("ipv4"))
            }
            (true, false) => {
                let missing = || Refusal::new(ErrorCode::LoadBalancerVSwitchMissing).field("vswitch_id");
                Ok(Place::Intranet { vswitch: vswitch.ok_or_else(missing)?, vpc, address })
            }
        }
    }
}

/// Makes a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateLoadBalancer {
    /// Where it serves.
    pub place: Place,
    /// Its name: 1 to 80 characters.
    pub name: Option<CompactString>,
    /// The zone that serves; the vSwitch's or the region's first if absent.
    pub master_zone: Option<ZoneId>,
    /// The zone that serves while the other is down; the next of the region if absent.
    pub slave_zone: Option<ZoneId>,
    /// How the instance is paid for; by its specification if absent.
    pub instance_charge: Option<InstanceCharge>,
    /// Its specification by name; needed and taken only if it is paid by that.
    pub spec: Option<CompactString>,
    /// How traffic is paid for.
    pub internet_charge: InternetCharge,
    /// The bandwidth in Mbit/s, 1 to 5,120; -1 for none.
    pub bandwidth: i32,
    /// When it is paid for: afterwards if it is paid by use.
    pub pay_type: PayType,
    /// For how many months a subscription is bought; one if absent.
    pub months: Option<u32>,
    /// Whether it cannot be deleted.
    pub delete_protection: bool,
    /// Whether the provider's console must not change it, with the reason.
    pub modification_protection: Option<CompactString>,
    /// Its resource group.
    pub resource_group: Option<ResourceGroupId>,
    /// Its tags.
    pub tags: Vec<TagPair>,
}

/// Handles [`CreateLoadBalancer`].
///
/// # Errors
/// The form of name, reason, specification, bandwidth and tags; a subscription paid by use or with a delete protection; an
/// unknown zone, resource group, VPC or vSwitch, one of another VPC or in transition; an address outside, reserved or in use;
/// the quotas; no free address.
pub fn create(w: &mut World, caller: &Caller, c: &CreateLoadBalancer) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let charge = c.instance_charge.unwrap_or_default();
    check_pay(c.pay_type, charge)?;
    if c.delete_protection && c.pay_type == PayType::Subscription {
        return Err(Refusal::new(ErrorCode::LoadBalancerProtectSubscription)
            .field("delete_protection")
            .accepted("off"));
    }
    if c.instance_charge.is_none() && c.spec.is_none() {
        return Err(Refusal::new(ErrorCode::LoadBalancerSharedUnsold)
            .field("spec")
            .accepted(Spec::names_on_sale()));
    }
    let spec = check_spec(charge, c.spec.as_deref())?;
    let (internet_charge, bandwidth) = check_bandwidth(charge, c.internet_charge, c.bandwidth)?;
    let period = c.pay_type.period(c.months)?;
    if internet_charge == InternetCharge::ByBandwidth && matches!(c.place, Place::Intranet { .. }) {
        return Err(Refusal::new(ErrorCode::LoadBalancerInternetCharge)
            .field("internet_charge_type")
            .detail("An intranet load balancer has no traffic with the internet.")
            .accepted("paybytraffic"));
    }
    if let Some(reason) = &c.modification_protection {
        check_reason(reason)?;
    }
    tag::check_balancing(&c.tags)?;
    let resource_group = resource_group::resolve(w, caller, c.resource_group)?;
    let (home, address) = place(w, caller, c.place)?;
    let zone = home.and_then(|home| w.get::<VSwitch>(&home.vswitch)).map(|vswitch| vswitch.zone.clone());
    let (master_zone, slave_zone) = zones(w, caller, c.master_zone.as_ref().or(zone.as_ref()), c)?;
    let used = w.indexes().load_balancers.by_owner.count(&caller.into());
    Quota::LoadBalancers.check(w, caller.account, used, 1, ErrorCode::LoadBalancerQuotaExceeded)?;
    let address = match (address, c.place) {
        (Some(address), _) => IpAddr::V4(address),
        (None, place) => free_public_address(w, place == Place::Internet6)?,
    };
    let (id, created) = (w.new_id::<LoadBalancerId>(&caller.region)?, w.now());
    tag::put_all(w, &caller.into(), id, &c.tags);
    w.put(LoadBalancer {
        id,
        owner: caller.into(),
        name: if name.is_empty() { UNNAMED.into() } else { name },
        address,
        home,
        master_zone,
        slave_zone,
        spec,
        internet_charge,
        bandwidth,
        pay_type: c.pay_type,
        ends: period.map(|period| period.end(created)),
        active: true,
        locked: false,
        delete_protection: c.delete_protection,
        modification_protection: c.modification_protection.clone(),
        resource_group,
        backends: Vec::new(),
        backends_applied: None,
        created,
    });
    Ok(id.into())
}

/// Checks that what is paid in advance is paid by its specification: capacity units are for what is paid afterwards, as is
/// the change to them (provider documentation: ModifyLoadBalancerInstanceChargeType; the Terraform provider says the same of
/// creation).
pub(crate) fn check_pay(pay_type: PayType, charge: InstanceCharge) -> Outcome<()> {
    match (pay_type, charge) {
        (PayType::Subscription, InstanceCharge::ByUse) => {
            Err(Refusal::new(ErrorCode::LoadBalancerSubscriptionByUse)
                .field("instance_charge_type")
                .accepted("PayBySpec"))
        }
        _ => Ok(()),
    }
}

/// The specification that is meant; none if the instance is paid by use.
pub(crate) fn check_spec(charge: InstanceCharge, name: Option<&str>) -> Outcome<Option<Spec>> {
    let Some(name) = name.filter(|_| charge == InstanceCharge::BySpec) else {
        return match charge {
            InstanceCharge::ByUse => Ok(None),
            InstanceCharge::BySpec => Err(Refusal::new(ErrorCode::LoadBalancerSpecMissing)
                .field("spec")
                .accepted(Spec::names_on_sale())),
        };
    };
    Spec::by_name(name).filter(|spec| spec.on_sale()).map(Some).ok_or_else(|| {
        Refusal::new(ErrorCode::LoadBalancerSpecUnknown)
            .field("spec")
            .given(name)
            .accepted(Spec::names_on_sale())
    })
}

/// How traffic is paid for, and the bandwidth if that is what is paid.
pub(crate) fn check_bandwidth(
    instance: InstanceCharge,
    charge: InternetCharge,
    bandwidth: i32,
) -> Outcome<(InternetCharge, Option<u16>)> {
    let wanted = u16::try_from(bandwidth).ok().filter(|&b| (1..=MAX_BANDWIDTH).contains(&b));
    if wanted.is_none() && bandwidth != -1 || charge == InternetCharge::ByBandwidth && wanted.is_none() {
        return Err(Refusal::new(ErrorCode::LoadBalancerBandwidth)
            .field("bandwidth")
            .detail(format!("{bandwidth} was given."))
            .accepted(format!("1 to {MAX_BANDWIDTH}")));
    }
    Ok(match (instance, charge) {
        (InstanceCharge::BySpec, InternetCharge::ByBandwidth) => (charge, wanted),
        // What is paid by capacity units is paid by traffic, whatever was asked for.
        _ => (InternetCharge::ByTraffic, None),
    })
}

/// Checks the reason of a modification protection, which may be empty.
pub(crate) fn check_reason(reason: &str) -> Outcome<()> {
    let rule = TextRule {
        min: 1,
        max: 80,
        letter_first: true,
        field: "modification_protection_reason",
        error: ErrorCode::LoadBalancerProtectionReason,
    };
    rule.check(Some(reason)).map(drop)
}

/// Where a new one lies, and its private address.
fn place(w: &World, caller: &Caller, place: Place) -> Outcome<(Option<Home>, Option<Ipv4Addr>)> {
    let Place::Intranet { vswitch, vpc, address } = place else { return Ok((None, None)) };
    let named = vpc.map(|vpc| w.visible::<Vpc>(caller, vpc)).transpose()?;
    let vswitch = w.visible::<VSwitch>(caller, vswitch)?;
    if let Some(vpc) = named.filter(|vpc| vpc.id != vswitch.vpc) {
        return Err(Refusal::new(ErrorCode::LoadBalancerOtherVpc)
            .field("vpc_id")
            .detail(format!("{} lies in {}, not in {}.", vswitch.id, vswitch.vpc, vpc.id))
            .accepted(vswitch.vpc.to_string()));
    }
    vswitch.check_available()?;
    let primary = address.map_or(Primary::Lowest, Primary::Given);
    let chosen = eni_address::choose(w, vswitch, primary, &Wanted::default());
    let chosen = eni_address::room_last(chosen, || eni_address::check_vpc_quota(w, caller, vswitch.vpc, 1));
    let chosen = chosen.map_err(|refusal| match refusal.details().field.as_deref() {
        Some("primary_ip_address") => refusal.field("address"),
        _ => refusal,
    })?;
    Ok((Some(Home { vpc: vswitch.vpc, vswitch: vswitch.id }), chosen.primary))
}

/// The two zones, which exist: those that were asked for, or the first that may serve and the next one.
fn zones(
    w: &World,
    caller: &Caller,
    master: Option<&ZoneId>,
    c: &CreateLoadBalancer,
) -> Outcome<(ZoneId, ZoneId)> {
    crate::region::check(w, &caller.region)?;
    let all = crate::region::zones(w, &caller.region);
    for (zone, field) in [(&c.master_zone, "master_zone_id"), (&c.slave_zone, "slave_zone_id")] {
        if let Some(zone) = zone {
            crate::region::check_zone(w, &caller.region, zone).map_err(|refusal| refusal.field(field))?;
        }
    }
    let first = all.iter().find(|zone| Some(*zone) != c.slave_zone.as_ref());
    let master = master.or(first).or(all.first()).expect("a region has zones").clone();
    let next = all.iter().find(|zone| **zone != master);
    let slave = c.slave_zone.as_ref().or(next).unwrap_or(&master).clone();
    Ok((master, slave))
}

/// The next free address of the internet: 198.19.0.0/16, or 2001:db8:198:19::/64 for IPv6, both kept for tests and
/// documents (RFC 2544, RFC 3849).
fn free_public_address(w: &mut World, ipv6: bool) -> Outcome<IpAddr> {
    if w.indexes().load_balancers.by_public_address.len() as u64 >= PUBLIC_ADDRESSES {
        return Err(Refusal::new(ErrorCode::WorldFull)
            .field("address_type")
            .detail(format!("{PUBLIC_ADDRESSES} load balancers have addresses of the internet.")));
    }
    loop {
        // 1 to 65,534, and again from 1: the addresses of old ones are free again.
        let number = 1 + (w.count_up(Counter::LOAD_BALANCER_ADDRESSES) - 1) % PUBLIC_ADDRESSES;
        let [.., high, low] = number.to_be_bytes();
        let address = if ipv6 {
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x198, 0x19, 0, 0, 0, number as u16))
        } else {
            IpAddr::V4(Ipv4Addr::new(198, 19, high, low))
        };
        if !w.indexes().load_balancers.by_public_address.contains_key(&address) {
            return Ok(address);
        }
    }
}

/// Deletes a load balancer with all that hangs on it. An elastic IP address that is bound to it is free again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteLoadBalancer {
    /// The load balancer.
    pub load_balancer: LoadBalancerId,
}

/// Handles [`DeleteLoadBalancer`].
///
/// # Errors
/// An unknown load balancer; one that is locked, protected or a subscription.
pub fn delete(w: &mut World, caller: &Caller, c: &DeleteLoadBalancer) -> Outcome<Reply> {
    let balancer = w.visible::<LoadBalancer>(caller, c.load_balancer)?;
    balancer.check_unlocked()?;
    if let Some((code, ids)) = dependents(balancer).into_iter().next() {
        return Err(Refusal::new(code).field("load_balancer_id").blockers(ids));
    }
    let listeners: Vec<_> = w.indexes().listeners.by_load_balancer.of(&c.load_balancer).copied().collect();
    listeners.into_iter().for_each(|listener| listener::erase(w, listener));
    let groups: Vec<_> = w.indexes().vserver_groups.by_load_balancer.of(&c.load_balancer).copied().collect();
    groups.into_iter().for_each(|group| server_group::erase(w, group));
    let pairs = &w.indexes().master_slave_groups.by_load_balancer;
    let pairs: Vec<_> = pairs.of(&c.load_balancer).copied().collect();
    pairs.into_iter().for_each(|group| master_slave_group::erase(w, group));
    eip_binding::forget_balancer(w, c.load_balancer);
    tag::clear(w, c.load_balancer);
    w.remove::<LoadBalancer>(&c.load_balancer);
    Ok(Reply::Done)
}

/// What keeps a load balancer from being deleted, in the order in which it is reported: only itself. What hangs on it
/// goes with it.
pub fn dependents(balancer: &LoadBalancer) -> Vec<(ErrorCode, Vec<AnyId>)> {
    let own = |code, is: bool| is.then(|| (code, vec![AnyId::from(balancer.id)]));
    let protected = own(ErrorCode::LoadBalancerDeleteProtected, balancer.delete_protection);
    let paid = own(ErrorCode::LoadBalancerSubscription, balancer.pay_type == PayType::Subscription);
    protected.into_iter().chain(paid).collect()
}
