//! What is changed about a load balancer: name, state, protections, and what it is sold as.

use crate::access::Caller;
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::LoadBalancerId;
use crate::slb::load_balancer::{LoadBalancer, NAME, check_bandwidth, check_pay, check_reason, check_spec};
use crate::slb::spec::{InstanceCharge, InternetCharge, PayType};
use crate::world::World;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Changes a load balancer; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyLoadBalancer {
    /// The load balancer.
    pub load_balancer: LoadBalancerId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Whether its listeners forward.
    pub active: Option<bool>,
    /// Whether it cannot be deleted.
    pub delete_protection: Option<bool>,
    /// Whether the provider's console must not change it, with the reason.
    pub modification_protection: Option<Option<CompactString>>,
}

/// Handles [`ModifyLoadBalancer`].
///
/// # Errors
/// The form of name and reason; an unknown load balancer or a locked one; a delete protection of a subscription.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyLoadBalancer) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    if let Some(Some(reason)) = &c.modification_protection {
        check_reason(reason)?;
    }
    let balancer = w.visible::<LoadBalancer>(caller, c.load_balancer)?;
    balancer.check_unlocked()?;
    if c.delete_protection == Some(true) && balancer.pay_type == PayType::Subscription {
        return Err(Refusal::new(ErrorCode::LoadBalancerProtectSubscription)
            .field("delete_protection")
            .detail(format!("{} is paid in advance.", balancer.id))
            .accepted("off"));
    }
    w.update::<LoadBalancer>(&c.load_balancer, |balancer| {
        if !name.is_empty() {
            balancer.name = name;
        }
        balancer.active = c.active.unwrap_or(balancer.active);
        balancer.delete_protection = c.delete_protection.unwrap_or(balancer.delete_protection);
        if let Some(protection) = &c.modification_protection {
            balancer.modification_protection.clone_from(protection);
        }
    });
    Ok(Reply::Done)
}

/// Locks a load balancer, as the provider does for arrears or for security, or takes the lock off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockLoadBalancer {
    /// The load balancer.
    pub load_balancer: LoadBalancerId,
    /// Whether it is locked from now on.
    pub locked: bool,
}

/// Handles [`LockLoadBalancer`].
///
/// # Errors
/// An unknown load balancer.
pub fn lock(w: &mut World, caller: &Caller, c: &LockLoadBalancer) -> Outcome<Reply> {
    w.visible::<LoadBalancer>(caller, c.load_balancer)?;
    w.update::<LoadBalancer>(&c.load_balancer, |balancer| balancer.locked = c.locked);
    Ok(Reply::Done)
}

/// New terms of a load balancer; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How the instance is paid for.
    pub instance_charge: Option<InstanceCharge>,
    /// Its specification by name.
    pub spec: Option<CompactString>,
    /// How traffic is paid for.
    pub internet_charge: Option<InternetCharge>,
    /// The bandwidth in Mbit/s, 1 to 5,120; -1 for none.
    pub bandwidth: Option<i32>,
    /// When it is paid for.
    pub pay_type: Option<PayType>,
    /// For how many months a subscription is bought; one if absent.
    pub months: Option<u32>,
}

/// Changes what a load balancer is sold as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyLoadBalancerTerms {
    /// The load balancer.
    pub load_balancer: LoadBalancerId,
    /// The new terms.
    pub terms: Terms,
}

/// Handles [`ModifyLoadBalancerTerms`].
///
/// # Errors
/// An unknown load balancer or a locked one; anything else than the way of paying of one that is paid by use, and a way
/// of paying that it has already; a subscription paid by use; a number of months that is not sold; an unknown or missing
/// specification; a bandwidth outside its range; traffic paid otherwise than by what has passed for an intranet one or one
/// that is paid by use.
pub fn modify_terms(w: &mut World, caller: &Caller, c: &ModifyLoadBalancerTerms) -> Outcome<Reply> {
    let balancer = w.visible::<LoadBalancer>(caller, c.load_balancer)?;
    balancer.check_unlocked()?;
    let (terms, was) = (&c.terms, balancer.instance_charge());
    let charge = terms.instance_charge.unwrap_or(was);
    check_charge(balancer, terms)?;
    let pay_type = terms.pay_type.unwrap_or(balancer.pay_type);
    check_pay(pay_type, charge)?;
    let kept = balancer.spec.map(|spec| CompactString::from(spec.row().name));
    let spec = check_spec(charge, terms.spec.as_ref().or(kept.as_ref()).map(CompactString::as_str))?;
    let internet = terms.internet_charge.unwrap_or(balancer.internet_charge);
    let kept = balancer.bandwidth.map_or(-1, i32::from);
    let bandwidth = terms.bandwidth.filter(|&b| b != -1).unwrap_or(kept);
    if internet == InternetCharge::ByBandwidth && balancer.home.is_some() {
        return Err(Refusal::new(ErrorCode::LoadBalancerInternetCharge)
            .field("internet_charge_type")
            .detail(format!("{} is an intranet one.", balancer.id))
            .accepted("paybytraffic"));
    }
    let (internet_charge, bandwidth) = check_bandwidth(charge, internet, bandwidth)?;
    let bought = pay_type.period(terms.months)?.filter(|_| balancer.pay_type != pay_type);
    let now = w.now();
    w.update::<LoadBalancer>(&c.load_balancer, |balancer| {
        balancer.spec = spec;
        balancer.internet_charge = internet_charge;
        balancer.bandwidth = bandwidth;
        balancer.ends = match pay_type {
            PayType::OnDemand => None,
            PayType::Subscription => bought.map_or(balancer.ends, |period| Some(period.end(now))),
        };
        balancer.pay_type = pay_type;
    });
    Ok(Reply::Done)
}

/// Of one that is paid by use nothing can be changed but that, and to change it means to change it.
fn check_charge(balancer: &LoadBalancer, terms: &Terms) -> Outcome<()> {
    let refuse = |code, field: &str, is: &str| {
        Err(Refusal::new(code).field(field).detail(format!("{} is {is} already.", balancer.id)))
    };
    match (balancer.instance_charge(), terms.instance_charge) {
        (InstanceCharge::ByUse, Some(InstanceCharge::ByUse)) => {
            refuse(ErrorCode::LoadBalancerByUse, "instance_charge_type", "paid by use")
        }
        (InstanceCharge::BySpec, Some(InstanceCharge::BySpec)) => {
            refuse(ErrorCode::LoadBalancerBySpec, "instance_charge_type", "paid by its specification")
        }
        (InstanceCharge::ByUse, None) => Err(Refusal::new(ErrorCode::LoadBalancerByUse)
            .field("load_balancer_id")
            .detail(format!("{} has no specification, bandwidth or subscription.", balancer.id))
            .accepted("instance_charge_type PayBySpec first")),
        _ => Ok(()),
    }
}
