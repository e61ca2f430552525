//! Actions that start, stop, restart, change and delete instances.

use super::eni::{group_ids, take_inert};
use crate::rest::context::parse_id;
use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, done, optional_id, required_id, write_sealed};
use crate::seal::{Sealed, Secrets};
use serde_json::json;
use sim_core::Caller;
use sim_core::ecs::eni_address::parse4;
use sim_core::ecs::instance::StoppedMode;
use sim_core::ecs::instance_life::{
    BatchRule, DeleteInstances, RebootInstances, StartInstances, StopInstances,
};
use sim_core::ecs::instance_modify::{ModifyInstance, MoveInstance};
use sim_core::id::InstanceId;

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("StartInstance", START_INERT),
    ("StopInstance", STOP_INERT),
    ("DeleteInstance", DELETE_INERT),
    ("ModifyInstanceAttribute", MODIFY_INERT),
];
const START_INERT: &[&str] = &["InitLocalDisk"];
const STOP_INERT: &[&str] = &["ConfirmStop", "Hibernate"];
const DELETE_INERT: &[&str] = &["ForceStop"];
const MODIFY_INERT: &[&str] = &[
    "CpuOptions",
    "CreditSpecification",
    "EnableJumboFrame",
    "EnableNetworkEncryption",
    "NetworkInterfaceQueueNumber",
    "PrivateDnsNameOptions",
    "Recyclable",
    "RemoteConnectionOptions",
];

/// The most instances that a request may name before the core counts them.
const MOST_NAMED: usize = 1_000;

/// The ids of a numbered list.
fn instance_ids(p: &Scope<'_>) -> Result<Vec<InstanceId>, BadParams> {
    let texts = p.strings("InstanceId", MOST_NAMED)?;
    Ok(texts.into_iter().map(parse_id).collect::<Result<_, _>>()?)
}

pub fn start_instance(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, START_INERT);
    let instances = vec![required_id(p, "InstanceId")?];
    done(StartInstances { instances, rule: BatchRule::AllTogether })
}

/// What a stop keeps.
pub(super) fn stopped_mode(p: &Scope<'_>) -> Result<Option<StoppedMode>, BadParams> {
    const MODES: &[(&str, StoppedMode)] =
        &[("KeepCharging", StoppedMode::KeepCharging), ("StopCharging", StoppedMode::StopCharging)];
    Ok(p.choice("StoppedMode", MODES)?)
}

pub fn stop_instance(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, STOP_INERT);
    done(StopInstances {
        instances: vec![required_id(p, "InstanceId")?],
        mode: stopped_mode(p)?,
        force: p.bool("ForceStop")?.unwrap_or(false),
        rule: BatchRule::AllTogether,
    })
}

pub fn reboot_instance(p: &Scope<'_>, _: &Caller) -> Planned {
    done(RebootInstances {
        instances: vec![required_id(p, "InstanceId")?],
        force: p.bool("ForceStop")?.unwrap_or(false),
        rule: BatchRule::AllTogether,
    })
}

fn delete(p: &Scope<'_>, instances: Vec<InstanceId>) -> Planned {
    done(DeleteInstances {
        instances,
        force: p.bool("Force")?.unwrap_or(false),
        terminate_subscription: p.bool("TerminateSubscription")?.unwrap_or(false),
    })
}

pub fn delete_instance(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, DELETE_INERT);
    delete(p, vec![required_id(p, "InstanceId")?])
}

pub fn delete_instances(p: &Scope<'_>, _: &Caller) -> Planned {
    delete(p, instance_ids(p)?)
}

pub fn modify_instance_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, MODIFY_INERT);
    let groups = group_ids(p, "SecurityGroupIds")?;
    let secrets = Secrets::check(p.str("Password"), false, p.str("UserData"), None)?;
    let command = ModifyInstance {
        instance: required_id(p, "InstanceId")?,
        name: p.str("InstanceName").map(Into::into),
        host_name: p.str("HostName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        deletion_protection: p.bool("DeletionProtection")?,
        groups: (!groups.is_empty()).then_some(groups),
        password: None,
        user_data: None,
    };
    let make = move |sealed: Sealed| ModifyInstance {
        password: sealed.password,
        user_data: sealed.user_data,
        ..command
    };
    write_sealed(secrets, make, |_, _, _| json!({}))
}

pub fn modify_instance_vpc_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(MoveInstance {
        instance: required_id(p, "InstanceId")?,
        vswitch: required_id(p, "VSwitchId")?,
        primary_ip: p.str("PrivateIpAddress").map(|text| parse4(text, "primary_ip_address")).transpose()?,
        vpc: optional_id(p, "VpcId")?,
        groups: group_ids(p, "SecurityGroupId")?,
    })
}
