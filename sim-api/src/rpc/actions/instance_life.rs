//! Actions that start, stop, restart, change and delete instances.

use super::eni::{group_ids, take_inert};
use crate::rest::context::parse_id;
use crate::rpc::dispatch::code_in;
use crate::rpc::params::Scope;
use crate::rpc::plan::{BadParams, Planned, done, optional_id, required_id, write, write_sealed};
use crate::seal::{Sealed, Secrets};
use serde_json::{Value, json};
use sim_core::command::Command;
use sim_core::ecs::eni_address::parse4;
use sim_core::ecs::instance::{Instance, InstanceStatus, StoppedMode};
use sim_core::ecs::instance_life::{
    BatchRule, DeleteInstances, RebootInstances, StartInstances, StopInstances,
};
use sim_core::ecs::instance_modify::{ModifyInstance, MoveInstance};
use sim_core::ecs::public_address::AllocatePublicAddress;
use sim_core::ecs::user_data::UserData;
use sim_core::id::{AnyId, InstanceId};
use sim_core::{Caller, Outcome, Reply};

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[
    ("StartInstance", START_INERT),
    ("StopInstance", STOP_INERT),
    ("DeleteInstance", DELETE_INERT),
    ("ModifyInstanceAttribute", MODIFY_INERT),
    ("AllocatePublicIpAddress", PUBLIC_INERT),
];
const START_INERT: &[&str] = &["InitLocalDisk"];
const STOP_INERT: &[&str] = &["ConfirmStop", "Hibernate"];
// VLANs are of the classic network.
const PUBLIC_INERT: &[&str] = &["VlanId"];
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

/// AllocatePublicIpAddress: an instance that has an address is told it.
pub fn allocate_public_ip_address(p: &Scope<'_>, _: &Caller) -> Planned {
    take_inert(p, PUBLIC_INERT);
    let instance = required_id(p, "InstanceId")?;
    let address = p.str("IpAddress").map(|text| parse4(text, "ip_address")).transpose()?;
    write(AllocatePublicAddress { instance, address }, move |w, _, _| {
        // A repetition may come when the instance is gone.
        let row = w.get::<Instance>(&instance);
        let address = row.and_then(|i| i.public?.address).map(|address| address.to_string());
        json!({ "IpAddress": address.unwrap_or_default() })
    })
}

/// What a stop keeps. `Not-applicable`, which answers say of an instance that is not stopped, counts as absent: clients
/// send back what they read, as the Terraform provider does.
pub(super) fn stopped_mode(p: &Scope<'_>) -> Result<Option<StoppedMode>, BadParams> {
    const MODES: &[(&str, Option<StoppedMode>)] = &[
        ("KeepCharging", Some(StoppedMode::KeepCharging)),
        ("StopCharging", Some(StoppedMode::StopCharging)),
        ("Not-applicable", None),
    ];
    Ok(p.choice("StoppedMode", MODES)?.flatten())
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

/// What became of each instance of a batch. An action that succeeds found the instance as `before`.
fn each_instance(
    action: &'static str,
    instances: Vec<InstanceId>,
    before: InstanceStatus,
    command: impl Into<Command>,
) -> Planned {
    write(command, move |w, _, reply| {
        let Reply::Batch(outcomes) = reply else { unreachable!("a batch replies so") };
        let item = |(id, outcome): (&InstanceId, &Outcome<Option<AnyId>>)| {
            let status = w.get::<Instance>(id).map(|instance| instance.status.text()).unwrap_or_default();
            let (code, message, previous) = match outcome {
                Ok(_) => ("200", "success".to_owned(), before.text()),
                Err(refusal) => (code_in("2014-05-26", action, refusal), refusal.to_string(), status),
            };
            json!({ "InstanceId": id.to_string(), "Code": code, "Message": message,
                    "PreviousStatus": previous, "CurrentStatus": status })
        };
        let items: Vec<Value> = instances.iter().zip(outcomes).map(item).collect();
        json!({ "InstanceResponses": { "InstanceResponse": items } })
    })
}

/// Whether a batch stands or falls as a whole.
fn batch_rule(p: &Scope<'_>) -> Result<BatchRule, BadParams> {
    Ok(p.choice("BatchOptimization", BatchRule::ALL)?.unwrap_or_default())
}

pub fn start_instances(p: &Scope<'_>, _: &Caller) -> Planned {
    let instances = instance_ids(p)?;
    let command = StartInstances { instances: instances.clone(), rule: batch_rule(p)? };
    each_instance("StartInstances", instances, InstanceStatus::Stopped, command)
}

pub fn stop_instances(p: &Scope<'_>, _: &Caller) -> Planned {
    let instances = instance_ids(p)?;
    let command = StopInstances {
        instances: instances.clone(),
        mode: stopped_mode(p)?,
        force: p.bool("ForceStop")?.unwrap_or(false),
        rule: batch_rule(p)?,
    };
    each_instance("StopInstances", instances, InstanceStatus::Running, command)
}

pub fn reboot_instances(p: &Scope<'_>, _: &Caller) -> Planned {
    let instances = instance_ids(p)?;
    let command = RebootInstances {
        instances: instances.clone(),
        force: p.bool("ForceReboot")?.unwrap_or(false),
        rule: batch_rule(p)?,
    };
    each_instance("RebootInstances", instances, InstanceStatus::Running, command)
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
    let secrets = Secrets::check(p.str("Password"), false, None)?;
    let command = ModifyInstance {
        instance: required_id(p, "InstanceId")?,
        name: p.str("InstanceName").map(Into::into),
        host_name: p.str("HostName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        deletion_protection: p.bool("DeletionProtection")?,
        groups: (!groups.is_empty()).then_some(groups),
        password: None,
        user_data: UserData::parse(p.str("UserData"))?,
    };
    let make = move |sealed: Sealed| ModifyInstance { password: sealed.password, ..command };
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
