//! Random commands on load balancers.

use super::networks::zone;
use crate::dice::Dice;
use sim_core::id::LoadBalancerId;
use sim_core::slb::load_balancer::{CreateLoadBalancer, DeleteLoadBalancer, LoadBalancer, Place};
use sim_core::slb::load_balancer_change::{
    LockLoadBalancer, ModifyLoadBalancer, ModifyLoadBalancerTerms, Terms,
};
use sim_core::slb::spec::{InstanceCharge, InternetCharge, PayType};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Command, World};

const SPECS: [&str; 4] = ["slb.s1.small", "slb.s2.small", "slb.s3.large", "slb.s9.tiny"];
const INSTANCE: [InstanceCharge; 2] = [InstanceCharge::BySpec, InstanceCharge::ByUse];
const INTERNET: [InternetCharge; 2] = [InternetCharge::ByTraffic, InternetCharge::ByBandwidth];
const PAY: [PayType; 3] = [PayType::OnDemand, PayType::OnDemand, PayType::Subscription];

fn place(d: &mut Dice<'_>) -> Place {
    match d.roll(5) {
        0 | 1 => Place::Internet,
        2 => Place::Internet6,
        _ => {
            let own = d.own::<VSwitch>();
            Place::Intranet {
                vswitch: own.map_or_else(|| d.id::<VSwitch>(), |s| s.id),
                vpc: if d.once_in(4) { Some(d.id::<Vpc>()) } else { own.map(|s| s.vpc) },
                address: if d.once_in(3) { own.map(|s| d.part(s.block, 32..=32).first()) } else { None },
            }
        }
    }
}

pub fn create(d: &mut Dice<'_>) -> Command {
    CreateLoadBalancer {
        place: place(d),
        name: d.text(),
        master_zone: if d.once_in(4) { Some(zone(d)) } else { None },
        slave_zone: if d.once_in(4) { Some(zone(d)) } else { None },
        instance_charge: d.maybe(|d| d.pick(&INSTANCE)),
        spec: if d.once_in(8) { None } else { Some(d.pick(&SPECS).into()) },
        internet_charge: d.pick(&INTERNET),
        bandwidth: d.pick(&[-1, 10, 5_000, 0, 6_000]),
        pay_type: d.pick(&PAY),
        months: d.maybe(|d| d.pick(&[1, 12, 10])),
        delete_protection: d.once_in(6),
        modification_protection: d.maybe(|d| d.text().unwrap_or_default()),
        resource_group: d.resource_group(),
        tags: d.tags(),
    }
    .into()
}

pub fn modify(d: &mut Dice<'_>) -> Command {
    ModifyLoadBalancer {
        load_balancer: d.id::<LoadBalancer>(),
        name: d.text(),
        active: d.maybe(|d| d.once_in(2)),
        delete_protection: d.maybe(|d| d.once_in(3)),
        modification_protection: d.maybe(|d| d.text()),
    }
    .into()
}

pub fn lock(d: &mut Dice<'_>) -> Command {
    LockLoadBalancer { load_balancer: d.id::<LoadBalancer>(), locked: d.once_in(3) }.into()
}

pub fn modify_terms(d: &mut Dice<'_>) -> Command {
    let nothing = Terms::default();
    let terms = match d.roll(6) {
        0 | 1 => Terms { spec: Some(d.pick(&SPECS).into()), ..nothing },
        2 => Terms { pay_type: Some(d.pick(&PAY)), ..nothing },
        3 => Terms {
            internet_charge: Some(d.pick(&INTERNET)),
            bandwidth: d.maybe(|d| d.pick(&[10, -1, 5_000, 0])),
            ..nothing
        },
        _ => Terms {
            instance_charge: Some(d.pick(&INSTANCE)),
            spec: d.maybe(|d| d.pick(&SPECS).into()),
            ..nothing
        },
    };
    ModifyLoadBalancerTerms { load_balancer: d.id::<LoadBalancer>(), terms }.into()
}

pub fn delete(d: &mut Dice<'_>) -> Command {
    DeleteLoadBalancer { load_balancer: d.id::<LoadBalancer>() }.into()
}

/// What makes a load balancer one that can be deleted.
pub fn release(w: &World, load_balancer: LoadBalancerId) -> Vec<Command> {
    let unprotect = ModifyLoadBalancer {
        load_balancer,
        name: None,
        active: None,
        delete_protection: Some(false),
        modification_protection: None,
    };
    let mut commands = vec![LockLoadBalancer { load_balancer, locked: false }.into(), unprotect.into()];
    if w.get::<LoadBalancer>(&load_balancer).is_some_and(|b| b.pay_type == PayType::Subscription) {
        let terms = Terms { pay_type: Some(PayType::OnDemand), ..Terms::default() };
        commands.push(ModifyLoadBalancerTerms { load_balancer, terms }.into());
    }
    commands
}
