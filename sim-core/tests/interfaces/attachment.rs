//! Attaching and detaching, trunks and members.

use crate::lab::*;
use sim_core::ecs::eni::*;
use sim_core::ecs::eni_attachment::{AttachEni, DetachEni};
use sim_core::id::{EniId, Id, InstanceId};
use sim_core::settings::Provisioning;
use sim_core::{Command, ErrorCode as E};

fn attach(eni: EniId, instance: InstanceId) -> AttachEni {
    AttachEni { eni, instance, trunk: None }
}

fn member(eni: EniId, instance: InstanceId, trunk: EniId) -> AttachEni {
    AttachEni { eni, instance, trunk: Some(trunk) }
}

fn detach(eni: EniId) -> DetachEni {
    DetachEni { eni, instance: None, trunk: None }
}

fn trunk(lab: &mut Lab) -> EniId {
    let (web, sg) = (lab.web, lab.sg);
    lab.ok(CreateEni { kind: EniKind::Trunk, ..eni(web, &[sg]) }).id()
}

#[test]
fn rules_of_attaching() {
    let mut lab = Lab::new();
    let (sg, far, away, elsewhere) = (lab.sg, lab.far, lab.away, lab.elsewhere);
    let (node, trunking, starting, foreign) = (lab.node, lab.trunking, lab.starting, lab.foreign);
    let free = lab.eni(&[sg]);
    let used = lab.eni(&[sg]);
    lab.ok(attach(used, node));
    let remote: EniId = lab.ok(eni(away, &[sg])).id();
    let outside: EniId = lab.ok(eni(elsewhere, &[far])).id();
    let carrier = trunk(&mut lab);
    let idle = trunk(&mut lab);
    lab.ok(attach(carrier, trunking));
    let primary = lab.primary(node);
    let no_eni = EniId::from_number(number(99));
    let no_host = InstanceId::from_number(number(199));
    let rows: Vec<(&str, Command, E)> = vec![
        ("no interface", attach(no_eni, node).into(), E::EniNotFound),
        ("no host", attach(free, no_host).into(), E::InstanceNotFound),
        ("no trunk", member(free, trunking, no_eni).into(), E::EniNotFound),
        ("other VPC", attach(free, foreign).into(), E::EniVpcMismatch),
        ("other VPC the other way", attach(outside, node).into(), E::EniVpcMismatch),
        ("other zone", attach(remote, node).into(), E::EniZoneMismatch),
        ("primary", attach(primary, trunking).into(), E::EniKindDenied),
        ("attached", attach(used, trunking).into(), E::EniStatusIncorrect),
        ("attached to it", attach(used, node).into(), E::EniStatusIncorrect),
        ("starting", attach(free, starting).into(), E::EniInstanceStatusIncorrect),
        ("type without trunks", attach(idle, node).into(), E::EniTrunkUnsupported),
        ("through no trunk", member(free, node, used).into(), E::EniNotTrunk),
        ("through another's trunk", member(free, node, carrier).into(), E::EniNotOfInstance),
        ("through a trunk that is idle", member(free, trunking, idle).into(), E::EniNotOfInstance),
        ("a trunk through a trunk", member(idle, trunking, carrier).into(), E::EniCannotBeMember),
    ];
    for (what, command, rule) in rows {
        let refusal = lab.refuses(what, command, rule);
        assert!(refusal.details().field.is_some(), "{what}: {refusal}");
    }
    // A third interface fills the type; a host that is stopped takes them too.
    lab.ok(attach(free, node));
    let fourth = lab.eni(&[sg]);
    lab.refuses("a fourth", attach(fourth, node), E::EniPerInstanceExceeded);
    lab.ok(attach(fourth, trunking));
    lab.check_replay();
}

#[test]
fn rules_of_detaching() {
    let mut lab = Lab::new();
    let (sg, node, trunking) = (lab.sg, lab.node, lab.trunking);
    let primary = lab.primary(node);
    let (free, used) = (lab.eni(&[sg]), lab.eni(&[sg]));
    lab.ok(attach(used, node));
    let carrier = trunk(&mut lab);
    lab.ok(attach(carrier, trunking));
    let carried = lab.eni(&[sg]);
    lab.ok(member(carried, trunking, carrier));
    let no_eni = EniId::from_number(number(99));
    let no_host = InstanceId::from_number(number(199));
    let from = |eni, instance| DetachEni { instance: Some(instance), ..detach(eni) };
    let through = |eni, trunk| DetachEni { trunk: Some(trunk), ..detach(eni) };
    let rows: Vec<(&str, Command, E)> = vec![
        ("no interface", detach(no_eni).into(), E::EniNotFound),
        ("no host", from(used, no_host).into(), E::InstanceNotFound),
        ("no trunk", through(carried, no_eni).into(), E::EniNotFound),
        ("primary", detach(primary).into(), E::EniPrimaryDetach),
        ("free", detach(free).into(), E::EniStatusIncorrect),
        ("from another", from(used, trunking).into(), E::EniNotOfInstance),
        ("through what does not carry it", through(used, carrier).into(), E::EniNotOfTrunk),
        ("a trunk with members", detach(carrier).into(), E::EniHasMembers),
    ];
    for (what, command, rule) in rows {
        let refusal = lab.refuses(what, command, rule);
        assert!(refusal.details().field.is_some(), "{what}: {refusal}");
        if rule == E::EniHasMembers {
            assert_eq!(refusal.details().blockers, [carried.into()]);
        }
    }
    let all = dependents(&lab.world, lab.get(carrier));
    assert_eq!(
        all.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
        [E::EniStatusIncorrect, E::EniHasMembers]
    );
    assert!(dependents(&lab.world, lab.get(free)).is_empty());
    lab.ok(DetachEni { instance: Some(trunking), ..through(carried, carrier) });
    lab.ok(detach(carrier));
    lab.ok(from(used, node));
    for id in [carried, carrier, used] {
        let e = lab.get(id);
        assert_eq!((e.status, e.instance, e.trunk, e.device_index), (EniStatus::Available, None, None, 0));
    }
    assert_eq!(lab.get(carried).kind, EniKind::Secondary);
    assert_eq!(lab.get(carrier).kind, EniKind::Trunk);
    lab.check_replay();
}

#[test]
fn a_trunk_carries_so_many_members() {
    let mut lab = Lab::new();
    let (sg, trunking, node) = (lab.sg, lab.trunking, lab.node);
    let carrier = trunk(&mut lab);
    lab.ok(attach(carrier, trunking));
    let members: Vec<EniId> = (0..4).map(|_| lab.eni(&[sg])).collect();
    for &id in &members[..3] {
        lab.ok(member(id, trunking, carrier));
    }
    lab.refuses("a fourth", member(members[3], trunking, carrier), E::EniTrunkFull);
    let indexes: Vec<u16> = members[..3].iter().map(|id| lab.get(*id).device_index).collect();
    assert_eq!(indexes, [1, 2, 3]);
    assert!(
        members[..3]
            .iter()
            .all(|id| lab.get(*id).kind == EniKind::Member && lab.get(*id).trunk == Some(carrier))
    );
    // Members take no place of the host's own interfaces.
    let own: Vec<EniId> =
        of_instance(&lab.world, lab.world.get(&trunking).unwrap()).iter().map(|e| e.id).collect();
    assert_eq!(own, [lab.primary(trunking), carrier]);
    lab.ok(attach(members[3], trunking));
    assert_eq!(lab.get(members[3]).device_index, 2);
    // A place that is given up is taken again.
    lab.ok(detach(members[1]));
    lab.ok(member(members[1], trunking, carrier));
    assert_eq!(lab.get(members[1]).device_index, 2);
    lab.refuses("attach a member", attach(members[0], node), E::EniStatusIncorrect);
    lab.refuses("delete a member", DeleteEni { eni: members[0] }, E::EniStatusIncorrect);
    lab.check_replay();
}

#[test]
fn device_indexes_are_the_lowest_free_ones() {
    let mut lab = Lab::new();
    let (sg, node) = (lab.sg, lab.node);
    let (one, two) = (lab.eni(&[sg]), lab.eni(&[sg]));
    lab.ok(attach(one, node));
    lab.ok(attach(two, node));
    assert_eq!((lab.get(one).device_index, lab.get(two).device_index), (1, 2));
    lab.ok(detach(one));
    lab.ok(attach(one, node));
    assert_eq!(lab.get(one).device_index, 1);
}

#[test]
fn transitions_take_their_time() {
    for (provisioning, span) in [(Provisioning::Visible, 200), (Provisioning::Documented, 3_000)] {
        let mut lab = Lab::new();
        lab.provision(provisioning);
        let (sg, node, trunking) = (lab.sg, lab.node, lab.trunking);
        let id = lab.eni(&[sg]);
        let status = |lab: &Lab| lab.get(id).status;
        assert_eq!(status(&lab), EniStatus::Available);
        lab.ok(attach(id, node));
        assert_eq!((status(&lab), lab.get(id).instance), (EniStatus::Attaching, Some(node)));
        lab.refuses("attach again", attach(id, node), E::EniStatusIncorrect);
        lab.refuses("detach at once", detach(id), E::EniStatusIncorrect);
        lab.refuses("delete at once", DeleteEni { eni: id }, E::EniStatusIncorrect);
        lab.wait(span - 1);
        assert_eq!(status(&lab), EniStatus::Attaching);
        lab.wait(1);
        assert_eq!(status(&lab), EniStatus::InUse);
        lab.ok(detach(id));
        assert_eq!((status(&lab), lab.get(id).instance), (EniStatus::Detaching, Some(node)));
        lab.refuses("attach at once", attach(id, trunking), E::EniStatusIncorrect);
        lab.refuses("delete while detaching", DeleteEni { eni: id }, E::EniStatusIncorrect);
        // A detachment that takes long may be asked for again; it ends when the first one would.
        lab.wait(span / 2);
        lab.ok(detach(id));
        lab.wait(span - span / 2);
        assert_eq!((status(&lab), lab.get(id).instance), (EniStatus::Available, None));
        // Members wait for their trunk, and a trunk for its members.
        let carrier = trunk(&mut lab);
        lab.ok(attach(carrier, trunking));
        lab.refuses("trunk attaching", member(id, trunking, carrier), E::EniTrunkStatus);
        lab.wait(span);
        lab.ok(member(id, trunking, carrier));
        lab.refuses("member attaching", detach(carrier), E::EniHasMembers);
        lab.wait(span);
        lab.ok(detach(id));
        lab.refuses("member detaching", detach(carrier), E::EniHasMembers);
        lab.wait(span);
        lab.ok(detach(carrier));
        lab.wait(span);
        lab.ok(DeleteEni { eni: carrier });
        lab.ok(DeleteEni { eni: id });
        lab.check_replay();
    }
}
