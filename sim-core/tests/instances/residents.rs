//! Managed residents: their rules, and what they hold.

use crate::lab::*;
use sim_core::ecs::security_group::{self, DeleteSecurityGroup, SecurityGroup};
use sim_core::id::{Id, IdNumber, RegionCode, ResidentId};
use sim_core::quota::AdjustQuota;
use sim_core::vpc::resident::*;
use sim_core::vpc::vpc::{self, Vpc};
use sim_core::vpc::vswitch::{DeleteVSwitch, VSwitch};
use sim_core::{Command, ErrorCode as E};

fn rds(lab: &Lab) -> CreateResident {
    CreateResident {
        kind: "rds".into(),
        vswitch: lab.db,
        groups: vec![lab.group],
        address: None,
        name: Some("orders".into()),
        port: Some(3306),
        tags: Vec::new(),
    }
}

#[test]
fn rules() {
    let mut lab = Lab::new();
    let good = rds(&lab);
    let unknown = IdNumber::new(9_999_999, 7, RegionCode::from_text("bp1").unwrap());
    let (group, enterprise, other) = (lab.group, lab.enterprise, lab.other_group);
    let with = |change: &dyn Fn(&mut CreateResident)| {
        let mut command = good.clone();
        change(&mut command);
        Command::from(command)
    };
    let rows: Vec<(&str, Command, E)> = vec![
        ("no kind", with(&|c| c.kind = "".into()), E::ResidentKindMalformed),
        ("kind", with(&|c| c.kind = "RDS".into()), E::ResidentKindMalformed),
        ("long kind", with(&|c| c.kind = "a".repeat(33).into()), E::ResidentKindMalformed),
        ("name", with(&|c| c.name = Some("1".into())), E::ResidentNameMalformed),
        ("port", with(&|c| c.port = Some(0)), E::ResidentPortInvalid),
        ("vSwitch", with(&|c| c.vswitch = Id::from_number(unknown)), E::VSwitchNotFound),
        ("no group", with(&|c| c.groups = Vec::new()), E::SecurityGroupsMissing),
        ("mixed groups", with(&|c| c.groups = vec![group, enterprise]), E::SecurityGroupKindsMixed),
        ("group of another VPC", with(&|c| c.groups = vec![other]), E::SecurityGroupVpcMismatch),
        ("address outside", with(&|c| c.address = Some([10, 0, 1, 1].into())), E::AddressOutside),
        ("reserved address", with(&|c| c.address = Some([10, 0, 2, 0].into())), E::AddressReserved),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    let id: ResidentId = lab.ok(good.clone()).id();
    let taken = with(&|c| c.address = Some([10, 0, 2, 1].into()));
    let refusal = lab.refuses("taken address", taken, E::AddressInUse);
    let details = refusal.details();
    assert_eq!(
        (details.field.as_deref(), details.blockers.as_slice()),
        (Some("private_ip_address"), &[id.into()][..])
    );
    assert_eq!(details.accepted.as_deref(), Some("10.0.2.2"));
    let change = |resident| ModifyResident { resident, name: None, groups: None, port: None };
    lab.refuses("nobody", change(Id::from_number(unknown)), E::ResidentNotFound);
    lab.refuses("rename", ModifyResident { name: Some("1".into()), ..change(id) }, E::ResidentNameMalformed);
    lab.refuses("port", ModifyResident { port: Some(0), ..change(id) }, E::ResidentPortInvalid);
    lab.refuses(
        "no groups",
        ModifyResident { groups: Some(Vec::new()), ..change(id) },
        E::SecurityGroupsMissing,
    );
    lab.refuses("delete nobody", DeleteResident { resident: Id::from_number(unknown) }, E::ResidentNotFound);
    lab.ok(ModifyResident {
        name: Some("orders-2".into()),
        groups: Some(vec![lab.second_group]),
        port: Some(3307),
        ..change(id)
    });
    let row = lab.world.get::<Resident>(&id).unwrap();
    assert_eq!((row.name.as_str(), row.port, &row.groups), ("orders-2", Some(3307), &vec![lab.second_group]));
    lab.check_replay();
}

#[test]
fn a_resident_holds_its_vswitch_its_group_and_its_vpc() {
    let mut lab = Lab::new();
    let command = rds(&lab);
    let id: ResidentId = lab.ok(command).id();
    let (db, group, vpc) = (lab.db, lab.group, lab.vpc);
    let free = |lab: &Lab| lab.world.get::<VSwitch>(&db).unwrap().available_addresses(&lab.world);
    assert_eq!(free(&lab), 251);
    let refusal = lab.refuses("vSwitch", DeleteVSwitch { vswitch: db }, E::VSwitchHasResident);
    assert_eq!(refusal.details().blockers, [id.into()]);
    let refusal = lab.refuses("group", DeleteSecurityGroup { group }, E::SecurityGroupHasMembers);
    assert_eq!(refusal.details().blockers, [id.into()]);
    let of_vpc = vpc::dependents(&lab.world, lab.world.get::<Vpc>(&vpc).unwrap());
    assert_eq!(
        of_vpc.last().map(|(code, ids)| (*code, ids.clone())),
        Some((E::VpcHasResident, vec![id.into()]))
    );
    lab.ok(DeleteResident { resident: id });
    assert_eq!(free(&lab), 252);
    let of_group = security_group::dependents(&lab.world, lab.world.get::<SecurityGroup>(&group).unwrap());
    assert_eq!(of_group, []);
    lab.ok(DeleteVSwitch { vswitch: db });
    lab.check_replay();
}

#[test]
fn residents_count_in_their_groups_and_their_vpc() {
    let mut lab = Lab::new();
    lab.ok(AdjustQuota { name: "q_vpc-normal-security-group-ip-count".into(), value: 2 });
    let command = rds(&lab);
    let id: ResidentId = lab.ok(command.clone()).id();
    lab.running();
    lab.refuses("the group is full", command, E::SecurityGroupFull);
    let launch = lab.launch();
    lab.refuses("for instances too", run_many(launch, 1), E::SecurityGroupFull);
    // It takes no second place in a group that it belongs to.
    let groups = Some(vec![lab.group, lab.second_group]);
    lab.ok(ModifyResident { resident: id, name: None, groups, port: None });
    assert_eq!(lab.world.indexes().enis.addresses_in_vpc.get(&lab.vpc), Some(&2));
    lab.check_replay();
}
