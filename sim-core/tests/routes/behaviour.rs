//! What routes do: system entries, batches, quotas, transitions, conflicts, lookups.

use crate::lab::*;
use sim_core::cidr::Cidr;
use sim_core::id::{RouteEntryId, RouteTableId, VSwitchId, VpcId};
use sim_core::settings::{ChangeSettings, Disputed, Provisioning};
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::route_entry::{self, *};
use sim_core::vpc::route_table::*;
use sim_core::vpc::secondary_block::AddSecondaryBlock;
use sim_core::vpc::vpc::{self, CreateVpc, DeleteVpc, Vpc};
use sim_core::vpc::vrouter::ModifyVRouter;
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, DeleteVSwitch, ModifyVSwitch, VSwitch};
use sim_core::{AccountId, Caller, ErrorCode as E, Genesis, Refusal, Reply};

#[test]
fn system_entries_are_derived_in_every_table() {
    let mut lab = Lab::new();
    for table in [lab.system, lab.custom] {
        let entries = lab.entries(table);
        let mut shown: Vec<String> = entries.iter().map(|e| e.destination.to_string()).collect();
        shown.sort();
        assert_eq!(
            shown,
            ["10.0.1.0/24", "10.0.2.0/24", "100.64.0.0/10", "2408:4000:0:101::/64", "2408:4000:0:103::/64",]
        );
        for e in &entries {
            assert_eq!(
                (e.kind, e.next_hop, e.status),
                (EntryKind::System, NextHop::Local, EntryStatus::Available)
            );
            assert_eq!(e.id.to_string().parse::<RouteEntryId>().unwrap(), e.id);
            assert_eq!(route_entry::find(&lab.world, &caller(), e.id).unwrap().1, *e);
            let rest: Vec<_> = route_entry::of_table(&lab.world, lab.table(table), Some(e.id)).collect();
            assert!(rest.iter().all(|later| later.id > e.id));
        }
    }
    let mut ids: Vec<_> =
        [lab.system, lab.custom].iter().flat_map(|t| lab.entries(*t)).map(|e| e.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    let stranger = Caller::new(AccountId(2), "cn-hangzhou");
    assert_eq!(route_entry::find(&lab.world, &stranger, ids[0]).unwrap_err().code(), E::RouteEntryIdNotFound);
    lab.ok(DeleteVSwitch { vswitch: lab.db });
    assert_eq!(lab.entries(lab.custom).len(), 3);
    let gone = ids.iter().filter(|id| route_entry::find(&lab.world, &caller(), **id).is_err()).count();
    assert_eq!(gone, 4);
}

#[test]
fn routes_into_cloud_services_are_a_choice() {
    let disputed = Disputed { routes_in_cloud_services: true, ..Disputed::default() };
    let mut lab = Lab::with(Genesis { disputed, ..Genesis::default() });
    let (system, instance) = (lab.system, lab.instance);
    lab.route(system, "100.100.0.0/16");
    let whole = entry(system, "100.64.0.0/10", hop("Instance", instance));
    lab.refuses("the whole network", whole, E::RouteDestinationCloudServices);
}

#[test]
fn a_system_entry_of_a_custom_table_can_be_redirected() {
    let mut lab = Lab::new();
    let (custom, eni) = (lab.custom, lab.eni);
    let before = lab.entries(custom);
    let local = lab.at(custom, "10.0.2.0/24").unwrap();
    lab.ok(changing(by_id(local.id), Some("NetworkInterface"), Some(eni.to_string())));
    let now = lab.at(custom, "10.0.2.0/24").unwrap();
    assert_eq!(
        (now.id, now.kind, now.next_hop),
        (local.id, EntryKind::Custom, NextHop::NetworkInterface(eni))
    );
    assert_eq!(lab.entries(custom).len(), before.len());
    assert_eq!(lab.lookup(custom, "10.0.2.9").as_deref(), Some("10.0.2.0/24"));
    lab.refuses("entries left", DeleteRouteTable { route_table: custom }, E::RouteTableHasRouteEntry);
    lab.ok(deleting(by_id(local.id)));
    assert_eq!(lab.entries(custom), before);
    // It goes with its vSwitch, and with the IPv6 block of it.
    let local6 = lab.at(custom, "2408:4000:0:103::/64").unwrap();
    let eni6 = lab.eni6;
    lab.ok(changing(by_id(local6.id), Some("NetworkInterface"), Some(eni6.to_string())));
    lab.ok(changing(by_id(local.id), Some("NetworkInterface"), Some(eni.to_string())));
    let db = lab.db;
    lab.ok(ModifyVSwitch {
        vswitch: db,
        name: None,
        description: None,
        ipv6_subnet: None,
        vpc_ipv6_block: None,
        enable_ipv6: false,
        disable_ipv6: true,
    });
    lab.ok(DeleteVSwitch { vswitch: db });
    assert_eq!(lab.world.table::<RouteEntry>().len(), 0);
    assert_eq!(lab.lookup(custom, "10.0.2.9"), None);
    lab.check_replay();
}

#[test]
fn a_batch_answers_for_each_item() {
    let mut lab = Lab::new();
    let (system, instance) = (lab.system, lab.instance);
    let good = |destination: &str| new_entry(system, destination, hop("Instance", instance));
    lab.refuses("no item", CreateRouteEntries { entries: Vec::new() }, E::InvalidParameter);
    let many = vec![good("192.168.0.0/16"); MAX_BATCH + 1];
    lab.refuses("too many", CreateRouteEntries { entries: many }, E::InvalidParameter);
    lab.refuses("no item to delete", DeleteRouteEntries { entries: Vec::new() }, E::InvalidParameter);
    let entries = vec![
        good("192.168.0.0/24"),
        good("192.168.0.0/24"),
        good("net"),
        new_entry("vtb-1", "192.168.1.0/24", hop("Instance", instance)),
        good("192.168.1.0/24"),
    ];
    let codes = |reply: Reply| -> Vec<Option<E>> {
        let Reply::Batch(outcomes) = reply else { panic!("{reply:?}") };
        outcomes.iter().map(|o| o.as_ref().err().map(Refusal::code)).collect()
    };
    lab.provision(Provisioning::Documented);
    let reply = lab.ok(CreateRouteEntries { entries });
    let expected = [
        None,
        Some(E::RouteDestinationDuplicate),
        Some(E::RouteDestinationMalformed),
        Some(E::RouteTableNotFound),
        None,
    ];
    assert_eq!(codes(reply), expected);
    let old = |destination: &str, hop: Option<&str>| OldEntry {
        entry: at(system, destination),
        next_hop: hop.map(Into::into),
    };
    let entries = vec![
        old("192.168.0.0/24", Some("i-1")),
        old("192.168.0.0/24", None),
        old("192.168.0.0/24", None),
        old("10.0.1.0/24", None),
    ];
    let busy = lab.ok(DeleteRouteEntries { entries: vec![old("192.168.0.0/24", None)] });
    assert_eq!(codes(busy), [Some(E::RouteEntryStatusIncorrect)]);
    lab.wait(1_000);
    let reply = lab.ok(DeleteRouteEntries { entries });
    let expected =
        [Some(E::RouteEntryNotFound), None, Some(E::RouteEntryNotFound), Some(E::RouteEntryIsSystem)];
    assert_eq!(codes(reply), expected);
    lab.check_replay();
}

#[test]
fn the_entry_quota_counts_custom_entries() {
    let mut lab = Lab::new();
    let (system, instance) = (lab.system, lab.instance);
    for third in 0..4 {
        let entry =
            |fourth: u32| new_entry(system, &format!("192.168.{third}.{fourth}"), hop("Instance", instance));
        let entries = (0..50).map(entry).collect();
        let Reply::Batch(made) = lab.ok(CreateRouteEntries { entries }) else { panic!() };
        assert!(made.iter().all(Result::is_ok));
    }
    let one_more = || entry(system, "192.168.9.0/24", hop("Instance", instance));
    lab.refuses("quota", one_more(), E::RouteEntryQuotaExceeded);
    lab.ok(ChangeSettings { provisioning: None, quotas_lifted: Some(true) });
    lab.ok(one_more());
}

#[test]
fn visible_transitions_refuse_only_themselves_and_children() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Visible);
    let (vpc, system, instance, eni) = (lab.vpc, lab.system, lab.instance, lab.eni.to_string());
    let made: RouteTableId = lab.ok(table(vpc)).id();
    let rename =
        ModifyRouteTable { route_table: made, name: Some("a".into()), description: None, propagation: None };
    lab.refuses("pending table", rename, E::RouteTableStatusIncorrect);
    let add = |table, destination: &str| entry(table, destination, hop("Instance", instance));
    lab.refuses("child of a pending table", add(made, "192.168.0.0/16"), E::RouteTableStatusIncorrect);
    let bind = |route_table, vswitch| AssociateRouteTable { route_table, vswitch };
    lab.refuses("bind to a pending table", bind(made, lab.web), E::RouteTableStatusIncorrect);
    let unbind = UnassociateRouteTable { route_table: made, vswitch: lab.web };
    lab.refuses("unbind from a pending table", unbind, E::RouteTableStatusIncorrect);
    lab.refuses(
        "delete a pending table",
        DeleteRouteTable { route_table: made },
        E::RouteTableStatusIncorrect,
    );
    let route: RouteEntryId = lab.ok(add(system, "192.168.0.0/16")).id();
    assert_eq!(lab.world.get::<RouteEntry>(&route).unwrap().status, EntryStatus::Pending);
    assert_eq!(lab.lookup(system, "192.168.0.1"), None);
    lab.refuses("pending entry", deleting(by_id(route)), E::RouteEntryStatusIncorrect);
    let change = changing(by_id(route), Some("NetworkInterface"), Some(eni));
    lab.refuses("change a pending entry", change.clone(), E::RouteEntryStatusIncorrect);
    lab.ok(add(system, "192.168.0.0/24"));
    lab.wait(200);
    assert_eq!(lab.table(made).status, Status::Available);
    assert_eq!(lab.lookup(system, "192.168.1.1").as_deref(), Some("192.168.0.0/16"));
    lab.ok(change);
    assert_eq!(lab.world.get::<RouteEntry>(&route).unwrap().status, EntryStatus::Modifying);
    assert_eq!(lab.lookup(system, "192.168.1.1").as_deref(), Some("192.168.0.0/16"));
    lab.ok(bind(made, lab.web));
    assert_eq!(
        lab.world.get::<VSwitch>(&lab.web).unwrap().status,
        sim_core::vpc::route_table::Status::Pending
    );
    lab.refuses("bind a pending vSwitch", bind(made, lab.web), E::VSwitchStatusIncorrect);
    let unbind = UnassociateRouteTable { route_table: made, vswitch: lab.web };
    lab.refuses("unbind a pending vSwitch", unbind.clone(), E::VSwitchStatusIncorrect);
    lab.wait(200);
    lab.ok(unbind);
    lab.wait(200);
    lab.ok(deleting(by_id(route)));
    let fresh = lab.ok(CreateVpc::default()).id::<VpcId>();
    lab.refuses("table of a pending VPC", table(fresh), E::VpcStatusIncorrect);
    let fresh_table = lab.world.get::<Vpc>(&fresh).unwrap().system_table;
    lab.refuses("entry of a pending VPC", add(fresh_table, "192.168.0.0/16"), E::VpcStatusIncorrect);
    let rename =
        ModifyRouteTable { route_table: fresh_table, name: None, description: None, propagation: None };
    lab.refuses("system table of a pending VPC", rename, E::VpcStatusIncorrect);
    let vrouter = lab.world.get::<Vpc>(&fresh).unwrap().vrouter;
    let rename = ModifyVRouter { vrouter, name: None, description: None };
    lab.refuses("vRouter of a pending VPC", rename, E::VpcStatusIncorrect);
    lab.check_replay();
}

#[test]
fn documented_transitions_make_the_vpc_busy() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Documented);
    let (vpc, system, custom, instance) = (lab.vpc, lab.system, lab.custom, lab.instance);
    let add = |table, destination: &str| entry(table, destination, hop("Instance", instance));
    let route: RouteEntryId = lab.ok(add(system, "192.168.0.0/16")).id();
    lab.refuses("same table", add(system, "192.168.0.0/24"), E::RouteEntrySiblingBusy);
    lab.refuses("other table", add(custom, "192.168.0.0/24"), E::VpcBusy);
    lab.refuses("new table", table(vpc), E::RouteTableVpcBusy);
    lab.refuses("delete a table", DeleteRouteTable { route_table: custom }, E::RouteTableVpcBusy);
    let bind = AssociateRouteTable { route_table: custom, vswitch: lab.web };
    lab.refuses("bind", bind.clone(), E::RouteTableVpcBusy);
    let unbind = UnassociateRouteTable { route_table: custom, vswitch: lab.web };
    lab.refuses("unbind", unbind.clone(), E::RouteTableVpcBusy);
    lab.refuses("new vSwitch", vswitch(vpc, "10.0.9.0/24", None), E::VpcRouteEntryBusy);
    let (other_table, foreign) = (lab.world.get::<Vpc>(&lab.other_vpc).unwrap().system_table, lab.foreign);
    lab.ok(entry(other_table, "192.168.0.0/16", hop("Instance", foreign)));
    lab.wait(1_000);
    lab.ok(bind);
    let refusal = lab.refuses("vSwitch pending", add(system, "192.168.0.0/24"), E::VpcBusy);
    assert_eq!(refusal.details().blockers, [lab.web.into()]);
    lab.refuses("delete while a vSwitch is pending", deleting(by_id(route)), E::VpcBusy);
    lab.wait(2_000);
    lab.ok(deleting(by_id(route)));
    lab.ok(table(vpc));
    lab.refuses("while a table is pending", add(system, "192.168.0.0/24"), E::VpcBusy);
    lab.wait(1_000);
    lab.ok(add(system, "192.168.0.0/24"));
    lab.check_replay();
}

#[test]
fn routes_stand_in_the_way_of_blocks_and_deletions() {
    let mut lab = Lab::new();
    let (vpc, custom, system) = (lab.vpc, lab.custom, lab.system);
    let narrow = lab.route(custom, "10.0.3.128/25");
    let equal = lab.route(system, "10.0.4.0/24");
    lab.route(system, "10.0.0.0/16");
    lab.route(custom, "2408:4000:0:102::/72");
    let refusal = lab.refuses("contains", vswitch(vpc, "10.0.3.0/24", None), E::VSwitchCidrRouteConflict);
    assert_eq!(refusal.details().blockers, [narrow.into()]);
    assert_eq!(refusal.details().accepted.as_deref(), Some("10.0.0.0/24"));
    lab.refuses("equals", vswitch(vpc, "10.0.4.0/24", None), E::VSwitchCidrRouteConflict);
    lab.refuses("contains IPv6", vswitch(vpc, "10.0.8.0/24", Some(2)), E::VSwitchCidrRouteConflict);
    let by_mask =
        |mask| CreateVSwitch { block: BlockChoice::Mask(mask), ..vswitch(vpc, "10.0.0.0/24", None) };
    let mut found = Vec::new();
    for mask in [24, 24, 24, 25] {
        let id: VSwitchId = lab.ok(by_mask(mask)).id();
        found.push(lab.world.get::<VSwitch>(&id).unwrap().block.to_string());
    }
    assert_eq!(found, ["10.0.0.0/24", "10.0.5.0/24", "10.0.6.0/24", "10.0.3.0/25"]);
    // Inside a destination a vSwitch may lie.
    lab.ok(vswitch(vpc, "10.0.4.0/25", None));
    assert_eq!(route_entry::conflicts_with(&lab.world, vpc, "10.0.0.0/8".parse::<Cidr>().unwrap()).len(), 3);
    assert!(route_entry::conflicts_with(&lab.world, vpc, "10.0.0.0/24".parse::<Cidr>().unwrap()).is_empty());
    let office = lab.route(system, "192.168.7.0/24");
    let block = AddSecondaryBlock { vpc, block: "192.168.0.0/16".parse().unwrap() };
    lab.refuses("secondary block", block, E::SecondaryCidrRouteConflict);
    let users = route_entry::next_hop_users(&lab.world, lab.instance);
    assert!([narrow, equal, office].iter().all(|id| users.contains(id)));

    let mut lab = Lab::new();
    let (other, foreign) = (lab.other_vpc, lab.foreign);
    let other_system = lab.world.get::<Vpc>(&other).unwrap().system_table;
    lab.ok(entry(other_system, "192.168.0.0/16", hop("Instance", foreign)));
    let extra: RouteTableId = lab.ok(table(other)).id();
    lab.refuses("vSwitch first", DeleteVpc { vpc: other }, E::VpcHasVSwitch);
    let order = |lab: &Lab| -> Vec<E> {
        let all = vpc::dependents(&lab.world, lab.world.get(&other).unwrap());
        all.into_iter().map(|(code, _)| code).filter(|c| c.row().name.starts_with("VpcHas")).take(3).collect()
    };
    assert_eq!(order(&lab), [E::VpcHasVSwitch, E::VpcHasRouteTable, E::VpcHasRouteEntry]);
    lab.ok(DeleteRouteTable { route_table: extra });
    let route = lab.at(other_system, "192.168.0.0/16").unwrap().id;
    lab.ok(deleting(by_id(route)));
    assert_eq!(order(&lab), [E::VpcHasVSwitch, E::VpcHasInstance]);
    let empty = lab.ok(CreateVpc::default()).id::<VpcId>();
    let extra: RouteTableId = lab.ok(table(empty)).id();
    lab.refuses("then tables", DeleteVpc { vpc: empty }, E::VpcHasRouteTable);
    lab.ok(DeleteRouteTable { route_table: extra });
    lab.ok(DeleteVpc { vpc: empty });
}

#[test]
fn a_lookup_follows_every_change() {
    let mut lab = Lab::new();
    let (system, vpc) = (lab.system, lab.vpc);
    let look = |lab: &Lab, address: &str| lab.lookup(system, address).unwrap_or_default();
    assert_eq!(look(&lab, "10.0.1.7"), "10.0.1.0/24");
    assert_eq!(look(&lab, "100.100.1.1"), "100.64.0.0/10");
    assert_eq!(look(&lab, "8.8.8.8"), "");
    let default = lab.route(system, "0.0.0.0/0");
    assert_eq!(look(&lab, "8.8.8.8"), "0.0.0.0/0");
    lab.route(system, "10.0.0.0/16");
    assert_eq!(look(&lab, "10.0.9.1"), "10.0.0.0/16");
    lab.ok(vswitch(vpc, "10.0.9.0/24", Some(9)));
    assert_eq!(look(&lab, "10.0.9.1"), "10.0.9.0/24");
    assert_eq!(look(&lab, "2408:4000:0:109::1"), "2408:4000:0:109::/64");
    // What is taken back is taken back in the compiled table too.
    let mark = lab.world.mark();
    lab.world.stage(lab.world.now(), &caller(), deleting(by_id(default)).into()).outcome.unwrap();
    assert_eq!(look(&lab, "8.8.8.8"), "");
    lab.world.roll_back(mark);
    assert_eq!(look(&lab, "8.8.8.8"), "0.0.0.0/0");
    lab.ok(deleting(by_id(default)));
    assert_eq!(look(&lab, "8.8.8.8"), "");
}
