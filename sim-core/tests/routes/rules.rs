//! One row for each rule of an operation.

use crate::lab::*;
use sim_core::id::{Id, RouteEntryId, RouteTableId, VRouterId, VSwitchId, VpcId};
use sim_core::vpc::next_hop::{HopChoice, NextHop, NextHopKind};
use sim_core::vpc::route_entry::{self, *};
use sim_core::vpc::route_table::*;
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vrouter::{ModifyVRouter, VRouter};
use sim_core::vpc::vswitch::DeleteVSwitch;
use sim_core::{Command, ErrorCode as E};

#[test]
fn route_table_rules() {
    let mut lab = Lab::new();
    let long = Some("x".repeat(NAME_TOO_LONG).into());
    let (custom, system, web, vpc) = (lab.custom, lab.system, lab.web, lab.vpc);
    let unknown = RouteTableId::from_number(number(99));
    let vrouter = lab.world.get::<Vpc>(&vpc).unwrap().vrouter;
    let bind = |route_table, vswitch| AssociateRouteTable { route_table, vswitch };
    let unbind = |route_table, vswitch| UnassociateRouteTable { route_table, vswitch };
    let rename =
        |name, description| ModifyRouteTable { route_table: custom, name, description, propagation: None };
    let long_text = Some("x".repeat(257).into());
    let http = Some("http://a".into());
    let rows: Vec<(&str, Command, E)> = vec![
        (
            "long name",
            CreateRouteTable { name: long.clone(), ..table(vpc) }.into(),
            E::RouteTableNameMalformed,
        ),
        (
            "long description",
            CreateRouteTable { description: long_text.clone(), ..table(vpc) }.into(),
            E::RouteTableDescriptionMalformed,
        ),
        ("no VPC", table(VpcId::from_number(number(99))).into(), E::VpcNotFound),
        ("name", rename(http.clone(), None).into(), E::RouteTableNameMalformed),
        ("description", rename(None, long_text.clone()).into(), E::RouteTableDescriptionMalformed),
        (
            "modify no table",
            ModifyRouteTable { route_table: unknown, name: None, description: None, propagation: None }
                .into(),
            E::RouteTableNotFound,
        ),
        ("delete no table", DeleteRouteTable { route_table: unknown }.into(), E::RouteTableNotFound),
        ("delete the system table", DeleteRouteTable { route_table: system }.into(), E::RouteTableIsSystem),
        ("bind to no table", bind(unknown, web).into(), E::RouteTableNotFound),
        ("bind no vSwitch", bind(custom, VSwitchId::from_number(number(99))).into(), E::VSwitchNotFound),
        ("bind across VPCs", bind(custom, lab.elsewhere).into(), E::RouteTableOtherVpc),
        ("bind to the system table", bind(system, web).into(), E::RouteTableSwitchToSystem),
        ("unbind from no table", unbind(unknown, web).into(), E::RouteTableNotFound),
        ("unbind no vSwitch", unbind(custom, VSwitchId::from_number(number(99))).into(), E::VSwitchNotFound),
        ("unbind from the system table", unbind(system, web).into(), E::RouteTableUnbindSystem),
        ("unbind what is not bound", unbind(custom, web).into(), E::RouteTableNotAssociated),
        (
            "vRouter name",
            ModifyVRouter { vrouter, name: long, description: None }.into(),
            E::VRouterNameMalformed,
        ),
        (
            "vRouter description",
            ModifyVRouter { vrouter, name: None, description: long_text }.into(),
            E::VRouterDescriptionMalformed,
        ),
        (
            "no vRouter",
            ModifyVRouter { vrouter: VRouterId::from_number(number(99)), name: None, description: None }
                .into(),
            E::VRouterNotFound,
        ),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    lab.ok(bind(custom, web));
    lab.refuses("bound already", bind(custom, web), E::RouteTableAlreadyAssociated);
    lab.refuses("vSwitch with a table", DeleteVSwitch { vswitch: web }, E::VSwitchHasRouteTable);
    let bound: Vec<_> = lab.table(custom).vswitches(&lab.world).map(|s| s.id).collect();
    assert_eq!(bound, [web]);
    let left: Vec<_> = lab.table(system).vswitches(&lab.world).map(|s| s.id).collect();
    assert_eq!(left, [lab.db]);
    // The codes come in order: vSwitches first, then entries.
    let route = lab.route(custom, "192.168.0.0/16");
    lab.refuses("vSwitches bound", DeleteRouteTable { route_table: custom }, E::RouteTableHasVSwitch);
    lab.ok(unbind(custom, web));
    lab.refuses("entries left", DeleteRouteTable { route_table: custom }, E::RouteTableHasRouteEntry);
    lab.ok(deleting(by_id(route)));
    lab.ok(DeleteRouteTable { route_table: custom });
    for _ in 0..9 {
        lab.ok(table(vpc));
    }
    lab.refuses("quota", table(vpc), E::RouteTableQuotaExceeded);
    lab.ok(ModifyVRouter { vrouter, name: Some("core".into()), description: Some("the one".into()) });
    assert_eq!(lab.world.get::<VRouter>(&vrouter).unwrap().name, "core");
    lab.check_replay();
}

#[test]
fn route_entry_rules() {
    let mut lab = Lab::new();
    let (custom, system, instance) = (lab.custom, lab.system, lab.instance);
    let good = || hop("Instance", instance);
    let add = |destination: &str| entry(system, destination, good());
    let to = |kind: &str, id: &str| entry(system, "192.168.0.0/16", hop(kind, id));
    let to6 = |kind: &str, id: &dyn ToString| entry(system, "2001:db8::/32", hop(kind, id.to_string()));
    let list = |table, destination: &str, list: &[(&str, &str, u32)]| entry(table, destination, hops(list));
    let ri = |id| ("RouterInterface", id, 100);
    let two = [ri("ri-a"), ri("ri-b")];
    let mut long_name = new_entry(system, "192.168.0.0/16", good());
    long_name.name = Some("x".repeat(NAME_TOO_LONG).into());
    let mut long_text = new_entry(system, "192.168.0.0/16", good());
    long_text.description = Some("x".repeat(257).into());
    let both = HopChoice { id: Some("i-1".into()), ..hops(&two) };
    let no_id = HopChoice { kind: Some("Instance".into()), ..HopChoice::default() };
    let rows: Vec<(&str, Command, E)> = vec![
        ("long name", CreateRouteEntry { entry: long_name }.into(), E::RouteEntryNameMalformed),
        ("long text", CreateRouteEntry { entry: long_text }.into(), E::RouteEntryDescriptionMalformed),
        ("no hop", entry(system, "192.168.0.0/16", HopChoice::default()).into(), E::RouteNextHopBothNull),
        ("hop and list", entry(system, "192.168.0.0/16", both).into(), E::RouteNextHopBothGiven),
        ("no hop id", entry(system, "192.168.0.0/16", no_id).into(), E::MissingParameter),
        ("hop type", to("Router", "r-1").into(), E::RouteNextHopType),
        ("list of one", list(system, "192.168.0.0/16", &two[..1]).into(), E::RouteEcmpSize),
        (
            "list of five",
            list(system, "192.168.0.0/16", &["a", "b", "c", "d", "e"].map(ri)).into(),
            E::RouteEcmpSize,
        ),
        (
            "list of instances",
            list(system, "192.168.0.0/16", &[ri("a"), ("Instance", "b", 0)]).into(),
            E::RouteEcmpType,
        ),
        (
            "weight",
            list(system, "192.168.0.0/16", &[ri("a"), ("RouterInterface", "b", 256)]).into(),
            E::RouteEcmpWeight,
        ),
        ("one hop twice", list(system, "192.168.0.0/16", &[ri("a"), ri("a")]).into(), E::RouteEcmpDuplicate),
        ("host bits", add("192.168.0.1/16").into(), E::RouteDestinationMalformed),
        ("no network", add("net").into(), E::RouteDestinationMalformed),
        ("prefix list", add("pl-bp1hyb7g3mj0kqbmvjp2w").into(), E::RoutePrefixListNotFound),
        ("no table", entry("vtb-1", "192.168.0.0/16", good()).into(), E::RouteTableNotFound),
        (
            "unknown table",
            entry(RouteTableId::from_number(number(99)), "192.168.0.0/16", good()).into(),
            E::RouteTableNotFound,
        ),
        ("a vSwitch", add("10.0.1.0/24").into(), E::RouteDestinationInVSwitch),
        ("in a vSwitch", add("10.0.1.128/25").into(), E::RouteDestinationInVSwitch),
        ("a host of a vSwitch", add("10.0.1.7").into(), E::RouteDestinationInVSwitch),
        ("an IPv6 vSwitch", add("2408:4000:0:101::/64").into(), E::RouteDestinationInVSwitchIpv6),
        ("in an IPv6 vSwitch", add("2408:4000:0:101::1").into(), E::RouteDestinationInVSwitchIpv6),
        ("cloud services", add("100.64.0.0/10").into(), E::RouteDestinationCloudServices),
        ("in cloud services", add("100.100.0.0/16").into(), E::RouteDestinationCloudServices),
        ("no instance", to("Instance", "i-1").into(), E::RouteInstanceNotFound),
        ("instance in transition", to("Instance", &lab.pending.to_string()).into(), E::RouteNextHopStatus),
        ("instance elsewhere", to("Instance", &lab.foreign.to_string()).into(), E::RouteInstanceOtherVpc),
        ("no interface", to("NetworkInterface", "eni-1").into(), E::RouteEniNotFound),
        (
            "interface in transition",
            to("NetworkInterface", &lab.attaching.to_string()).into(),
            E::RouteNextHopStatus,
        ),
        (
            "interface elsewhere",
            to("NetworkInterface", &lab.foreign_eni.to_string()).into(),
            E::RouteEniOtherVpc,
        ),
        ("IPv6 to a primary", to6("NetworkInterface", &lab.primary).into(), E::RouteNextHopPrimaryEni),
        ("IPv6 to none", to6("NetworkInterface", &lab.eni).into(), E::RouteNextHopNoIpv6),
        ("IPv6 to two", to6("NetworkInterface", &lab.eni_two6).into(), E::RouteNextHopManyIpv6),
        ("several", list(system, "192.168.0.0/16", &two).into(), E::RouteNextHopNotFound),
        ("several for IPv6", list(system, "2001:db8::/32", &two).into(), E::RouteEcmpIpv6),
        ("several in a custom table", list(custom, "192.168.0.0/16", &two).into(), E::RouteEcmpCustomTable),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    for kind in NextHopKind::ALL {
        lab.refuses(kind.text(), to(kind.text(), "x-1"), kind.not_found());
    }
    let other_system = lab.world.get::<Vpc>(&lab.other_vpc).unwrap().system_table;
    let foreign = lab.foreign;
    lab.refuses("no IPv6", entry(other_system, "::/0", hop("Instance", foreign)), E::RouteIpv6Disabled);
    for (destination, kept) in [
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.0.0.0/16", "10.0.0.0/16"),
        ("10.0.3.0/24", "10.0.3.0/24"),
        ("192.168.1.1", "192.168.1.1/32"),
        ("100.0.0.0/8", "100.0.0.0/8"),
        ("2001:db8::1", "2001:db8::1/128"),
    ] {
        let id = lab.ok(add(destination)).id::<RouteEntryId>();
        let made = lab.world.get::<RouteEntry>(&id).unwrap();
        assert_eq!(made.destination.to_string(), kept);
        let refusal = lab.refuses("twice", add(destination), E::RouteDestinationDuplicate);
        assert_eq!(refusal.details().blockers, [id.into()]);
    }
    let eni6 = lab.eni6;
    lab.ok(entry(custom, "::/0", hop("NetworkInterface", eni6)));
    lab.check_replay();
}

#[test]
fn changing_and_deleting_entries() {
    let mut lab = Lab::new();
    let (custom, system, instance) = (lab.custom, lab.system, lab.instance);
    let eni = lab.eni.to_string();
    let route = lab.route(custom, "192.168.0.0/16");
    let local = lab.at(system, "10.0.1.0/24").unwrap().id;
    let custom_local = lab.at(custom, "10.0.1.0/24").unwrap().id;
    let absent = RouteEntryId::from_number(number(99));
    let named = |entry: EntryRef, name: &str| ModifyRouteEntry {
        name: Some(name.into()),
        ..changing(entry, None, None)
    };
    let with_hop = |entry, hop: &str| DeleteRouteEntry { next_hop: Some(hop.into()), ..deleting(entry) };
    let with_list =
        |entry, n: usize| DeleteRouteEntry { next_hops: vec!["ri-1".into(); n], ..deleting(entry) };
    let long = "x".repeat(257);
    let both =
        DeleteRouteEntry { next_hop: Some("i-1".into()), ..with_list(at(custom, "192.168.0.0/16"), 2) };
    let rows: Vec<(&str, Command, E)> = vec![
        ("name", named(by_id(route), &"x".repeat(NAME_TOO_LONG)).into(), E::RouteEntryNameMalformed),
        (
            "description",
            ModifyRouteEntry { description: Some(long.into()), ..changing(by_id(route), None, None) }.into(),
            E::RouteEntryDescriptionMalformed,
        ),
        ("type alone", changing(by_id(route), Some("Instance"), None).into(), E::RouteNextHopIdMissing),
        ("id alone", changing(by_id(route), None, Some(eni.clone())).into(), E::RouteNextHopTypeMissing),
        ("type", changing(by_id(route), Some("x"), Some(eni.clone())).into(), E::RouteNextHopType),
        ("absent id", named(by_id(absent), "a").into(), E::RouteEntryIdNotFound),
        ("no id", named(by_id("rte-1"), "a").into(), E::RouteEntryIdNotFound),
        ("nothing named", named(EntryRef::default(), "a").into(), E::RouteEntryIdMissing),
        ("absent destination", named(at(custom, "1.0.0.0/8"), "a").into(), E::RouteEntryNotFound),
        ("absent address", named(at(custom, "1.0.0.0"), "a").into(), E::RouteEntryNotFound),
        ("bad destination", named(at(custom, "1.0.0.0/33"), "a").into(), E::RouteDestinationMalformed),
        (
            "other table",
            named(EntryRef { table: Some(system.to_string().into()), ..by_id(route) }, "a").into(),
            E::RouteEntryNotFound,
        ),
        ("name of a system entry", named(by_id(local), "a").into(), E::RouteEntrySystemText),
        (
            "hop of a system entry",
            changing(by_id(local), Some("NetworkInterface"), Some(eni.clone())).into(),
            E::RouteNextHopFixed,
        ),
        (
            "same hop",
            changing(by_id(route), Some("Instance"), Some(instance.to_string())).into(),
            E::RouteNextHopUnchanged,
        ),
        (
            "no such hop",
            changing(by_id(route), Some("NatGateway"), Some("ngw-1".into())).into(),
            E::RouteNatGatewayNotFound,
        ),
        (
            "id and table",
            deleting(EntryRef { table: Some("vtb-1".into()), ..by_id(route) }).into(),
            E::RouteEntryIdExclusive,
        ),
        ("no hop", deleting(at(custom, "192.168.0.0/16")).into(), E::RouteNextHopMissing),
        ("hop and list", both.into(), E::RouteNextHopBothGiven),
        ("list of one", with_list(at(custom, "192.168.0.0/16"), 1).into(), E::RouteEcmpSize),
        ("list", with_list(at(custom, "192.168.0.0/16"), 2).into(), E::RouteEntryNotFound),
        ("other hop", with_hop(at(custom, "192.168.0.0/16"), "i-1").into(), E::RouteEntryNotFound),
        ("absent", with_hop(at(custom, "1.0.0.0/8"), "i-1").into(), E::RouteEntryNotFound),
        ("table", with_hop(at("vtb-1", "1.0.0.0/8"), "i-1").into(), E::RouteTableNotFound),
        ("nothing", deleting(EntryRef::default()).into(), E::RouteEntryIdMissing),
        ("system by id", deleting(by_id(local)).into(), E::RouteEntryIsSystem),
        ("system by id, custom table", deleting(by_id(custom_local)).into(), E::RouteEntryKeepsLocal),
        ("system by destination", with_hop(at(system, "100.64.0.0/10"), "x").into(), E::RouteEntryIsSystem),
    ];
    for (what, command, rule) in rows {
        lab.refuses(what, command, rule);
    }
    lab.ok(named(at(custom, "192.168.0.0/16"), "office"));
    lab.ok(changing(by_id(route), Some("NetworkInterface"), Some(eni.clone())));
    let now = lab.world.get::<RouteEntry>(&route).unwrap();
    assert_eq!((now.name.as_str(), now.next_hop), ("office", NextHop::NetworkInterface(lab.eni)));
    assert_eq!(route_entry::next_hop_users(&lab.world, lab.eni), [route]);
    assert!(route_entry::next_hop_users(&lab.world, instance).is_empty());
    lab.ok(with_hop(at(custom, "192.168.0.0/16"), &eni));
    assert!(lab.at(custom, "192.168.0.0/16").is_none());
    lab.check_replay();
}
