//! The planner's questions about one VPC or one cluster: documented figures and
//! refusals word for word.

use proptest::prelude::*;
use sim_core::cidr::plan::*;
use sim_core::cidr::{Cidr4, collapse};

fn c4(text: &str) -> Cidr4 {
    text.parse().unwrap()
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// The rendered answer, or what is wrong with the question; on the way the answer goes through JSON and back.
fn render<T>(answer: Result<T, BadInput>) -> String
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug + std::fmt::Display,
{
    let answer = match answer {
        Ok(answer) => answer,
        Err(bad) => return format!("bad input: {bad}"),
    };
    let back: T = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
    assert_eq!(back, answer);
    answer.to_string()
}

#[test]
fn a_vpc_over_three_zones() {
    let plan = split(&read(
        r#"{"block": "192.168.0.0/16", "zones": ["cn-hangzhou-h", "cn-hangzhou-i", "cn-hangzhou-j"]}"#,
    ));
    assert_eq!(
        render(plan),
        "yes: 3 vSwitches of /18 over 3 zones fit in 192.168.0.0/16\n\
         \x20 192.168.0.0/18      cn-hangzhou-h  16380 usable\n\
         \x20 192.168.64.0/18     cn-hangzhou-i  16380 usable\n\
         \x20 192.168.128.0/18    cn-hangzhou-j  16380 usable\n\
         usable 49140 of 65532 by the plain formula: 8 more are kept by the provider, 16384 are in no vSwitch\n\
         left: 192.168.192.0/18"
    );
}

/// The seed figures by the plain formula, and what 150 vSwitches cost beyond it.
#[test]
fn the_cost_of_dividing() {
    for (block, formula, per_zone, len) in [
        ("192.168.0.0/16", 65_532, 1, 16),
        ("172.16.0.0/12", 1_048_572, 16, 16),
        ("10.0.0.0/8", 16_777_212, 150, 16),
    ] {
        let zones = vec!["z".to_owned()];
        let (prefix_len, exclude) = (Some(len), Vec::new());
        let request = SplitRequest {
            block: c4(block),
            zones,
            per_zone,
            prefix_len,
            addresses: None,
            exclude,
            vswitch_quota: 150,
        };
        let cost = split(&request).unwrap().cost.unwrap();
        assert_eq!(cost.formula, formula);
        assert_eq!(cost.reserved_beyond_formula, 4 * u64::from(per_zone) - 4);
        assert_eq!(cost.formula, cost.usable + cost.reserved_beyond_formula + cost.unused);
    }
}

#[test]
fn refused_divisions_word_for_word() {
    let rows = [
        (
            r#"{"block": "10.0.0.0/7", "zones": ["a"]}"#,
            "bad input: block: 10.0.0.0/7 has a prefix length outside 8 to 28; accepted: 10.0.0.0/8",
        ),
        (
            r#"{"block": "10.0.0.0/8", "zones": []}"#,
            "bad input: zones: none is given; accepted: at least one zone",
        ),
        (
            r#"{"block": "10.0.0.0/8", "zones": ["a", "b", "a"]}"#,
            "bad input: zones/2: a is given twice; accepted: each zone once",
        ),
        (
            r#"{"block": "10.0.0.0/8", "zones": ["a"], "per_zone": 0}"#,
            "bad input: per_zone: 0 is given; accepted: 1 or more",
        ),
        (
            r#"{"block": "10.0.0.0/8", "zones": ["a", "b"], "per_zone": 76}"#,
            "no: 2 zones with 76 vSwitches each are more than the 150 of one VPC",
        ),
        (
            r#"{"block": "10.0.0.0/8", "zones": ["a"], "prefix_len": 30}"#,
            "bad input: prefix_len: 30 is no prefix length of a vSwitch; accepted: 16 to 29",
        ),
        (
            r#"{"block": "10.0.0.0/8", "zones": ["a"], "prefix_len": 24, "addresses": 9}"#,
            "bad input: addresses: prefix_len is given too; accepted: a prefix length or a number of addresses",
        ),
        (
            r#"{"block": "10.0.0.0/8", "zones": ["a"], "addresses": 65533}"#,
            "no: 65533 addresses are more than the 65532 of the largest vSwitch, a /16",
        ),
        (
            r#"{"block": "10.0.0.0/28", "zones": ["a", "b", "c"]}"#,
            "no: 3 vSwitches do not fit in 10.0.0.0/28, not even as /29",
        ),
        (
            r#"{"block": "10.0.0.0/24", "zones": ["a", "b", "c"], "addresses": 100}"#,
            "no: only 2 of 3 vSwitches of /25 fit: no free /25 is left: nothing is free",
        ),
    ];
    for (request, expected) in rows {
        assert_eq!(render(split(&read(request))), expected);
    }
    let unknown =
        serde_json::from_str::<SplitRequest>(r#"{"block": "10.0.0.0/8", "zones": [], "perzone": 2}"#);
    assert!(unknown.unwrap_err().to_string().contains("unknown field `perzone`"));
    let addresses = split(&read(r#"{"block": "10.0.0.0/16", "zones": ["a"], "addresses": 252}"#));
    assert_eq!(addresses.unwrap().prefix_len, Some(24));
    let addresses = split(&read(r#"{"block": "10.0.0.0/16", "zones": ["a"], "addresses": 253}"#));
    assert_eq!(addresses.unwrap().prefix_len, Some(23));
}

#[test]
fn room_word_for_word() {
    let rows = [
        (
            r#"{"vpc": ["192.168.0.0/16"], "vswitches": ["192.168.0.0/24"], "prefix_len": 24, "count": 2}"#,
            "yes: there is room for 2 vSwitches of /24, and for 149 in all\n  192.168.1.0/24\n  192.168.2.0/24\n65280 addresses are free",
        ),
        (
            r#"{"vpc": ["192.168.0.0/16"], "vswitches": ["192.168.0.0/24"], "prefix_len": 16, "count": 1}"#,
            "no: there is room for no vSwitch of /16: the largest free block is 192.168.128.0/17\n65280 addresses are free",
        ),
        (
            r#"{"vpc": ["10.0.0.0/24"], "vswitches": ["10.0.0.0/26", "10.0.0.128/26"], "prefix_len": 25, "count": 1}"#,
            "no: there is room for no vSwitch of /25: the largest free block is 10.0.0.64/26; enough addresses are free, but in smaller blocks\n128 addresses are free",
        ),
        (
            r#"{"vpc": ["10.0.0.0/24"], "vswitches": ["10.0.0.0/24"], "prefix_len": 29, "count": 1}"#,
            "no: there is room for no vSwitch of /29: nothing is free\n0 addresses are free",
        ),
        (
            r#"{"vpc": ["10.0.0.0/24"], "vswitches": ["10.0.0.0/26"], "prefix_len": 29, "count": 3, "vswitch_quota": 2}"#,
            "no: there is room for only 1 vSwitch: the VPC has 1 of 2\n  10.0.0.64/29\n192 addresses are free",
        ),
        (
            r#"{"vpc": ["10.0.0.0/24"], "vswitches": ["10.1.0.0/26"], "prefix_len": 29, "count": 3}"#,
            "bad input: vswitches/0: 10.1.0.0/26 is not inside any of the parent blocks",
        ),
        (
            r#"{"vpc": ["10.0.0.0/24"], "vswitches": ["10.0.0.0/26", "10.0.0.0/28"], "prefix_len": 29, "count": 3}"#,
            "bad input: vswitches/1: 10.0.0.0/28 overlaps 10.0.0.0/26, which is allocated",
        ),
        (
            r#"{"vpc": [], "prefix_len": 29, "count": 3}"#,
            "bad input: vpc: no block is given; accepted: at least one block",
        ),
        (
            r#"{"vpc": ["10.0.0.0/24"], "prefix_len": 30, "count": 3}"#,
            "bad input: prefix_len: 30 is no prefix length of a vSwitch; accepted: 16 to 29",
        ),
        (
            r#"{"vpc": ["10.0.0.0/24", "10.0.0.0/16"], "prefix_len": 29, "count": 3}"#,
            "bad input: vpc: parent 10.0.0.0/24 overlaps parent 10.0.0.0/16",
        ),
        (
            r#"{"vpc": ["10.0.0.0/28"], "vswitches": ["10.0.0.0/29"], "exclude": ["10.0.0.0/28"], "prefix_len": 29, "count": 1}"#,
            "no: there is room for no vSwitch of /29: nothing is free\n0 addresses are free",
        ),
    ];
    for (request, expected) in rows {
        assert_eq!(render(room(&read(request))), expected, "{request}");
    }
}

#[test]
fn flannel_arithmetic() {
    // pod block, node length, nodes by addresses, node cap, pods per node
    let rows = [
        ("172.20.0.0/16", 24, 256, 200, 256),
        ("172.20.0.0/16", 26, 1024, 200, 64),
        ("172.20.0.0/18", 25, 128, 128, 128),
        ("172.20.0.0/24", 28, 16, 16, 16),
        ("172.20.0.0/24", 24, 1, 1, 256),
    ];
    for (pod, node_len, max_nodes, node_cap, pods_per_node) in rows {
        let plan = flannel(&FlannelRequest {
            pod_block: c4(pod),
            node_len,
            nodes: None,
            route_quota: 200,
            other_routes: 0,
        })
        .unwrap();
        assert!(plan.possible);
        assert_eq!((plan.max_nodes, plan.node_cap, plan.pods_per_node), (max_nodes, node_cap, pods_per_node));
        assert_eq!(plan.pods, node_cap * pods_per_node);
    }
    let rows = [
        (
            r#"{"pod_block": "172.20.0.0/16"}"#,
            "yes: 200 nodes with 256 pods each, limited by routes: 200 less 0 in use\nnodes by addresses 256, node cap 200, pods per node 256, pods 51200",
        ),
        (
            r#"{"pod_block": "172.20.0.0/16", "route_quota": 1000, "other_routes": 10, "nodes": 257}"#,
            "no: 257 nodes wanted, but 256 nodes with 256 pods each, limited by addresses: 172.20.0.0/16 in parts of /24\nnodes by addresses 256, node cap 256, pods per node 256, pods 65536",
        ),
        (
            r#"{"pod_block": "172.20.0.0/16", "other_routes": 250}"#,
            "no: 1 node wanted, but 0 nodes with 256 pods each, limited by routes: 200 less 250 in use\nnodes by addresses 256, node cap 0, pods per node 256, pods 0",
        ),
        (
            r#"{"pod_block": "172.20.0.0/16", "node_len": 29}"#,
            "bad input: node_len: /29 is no length of a node's part; accepted: 24 to 28",
        ),
        (
            r#"{"pod_block": "172.20.0.0/26", "node_len": 24}"#,
            "no: 172.20.0.0/26 has no room for one node of /24\nnodes by addresses 0, node cap 0, pods per node 0, pods 0",
        ),
    ];
    for (request, expected) in rows {
        assert_eq!(render(flannel(&read(request))), expected);
    }
}

/// Instance types with published limits: interfaces, IPv4 each, total, trunk, and
/// the pods of shared, exclusive, trunk and prefix mode (0: not possible).
#[test]
fn terway_pods_per_node() {
    let rows = [
        // ecs.g6.large
        ((2, 6, 2, false), [6, 0, 0, 80]),
        // ecs.g6.16xlarge
        ((8, 20, 60, true), [140, 7, 52, 2_128]),
        // ecs.ebmre7p.32xlarge
        ((32, 15, 110, true), [465, 31, 78, 6_944]),
        ((1, 10, 1, false), [0, 0, 0, 0]),
        ((6, 10, 6, true), [50, 0, 0, 720]),
        ((7, 1, 7, false), [6, 6, 0, 0]),
        ((0, 0, 0, true), [0, 0, 0, 0]),
    ];
    let modes = [TerwayMode::SharedEni, TerwayMode::ExclusiveEni, TerwayMode::Trunk, TerwayMode::Prefix];
    for ((eni, ipv4_per_eni, total, trunk), expected) in rows {
        let instance =
            InstanceTypeLimits { eni, ipv4_per_eni, ipv6_per_eni: 1, eni_total: Some(total), trunk };
        for (mode, pods) in modes.into_iter().zip(expected) {
            let request = TerwayRequest {
                mode,
                instance_type: None,
                instance: Some(instance),
                pod_vswitches: Vec::new(),
                nodes: None,
                dual_stack: false,
            };
            let plan = terway(&request).unwrap();
            assert_eq!(
                (plan.pods_per_node, plan.possible),
                (pods, pods > 0),
                "{instance:?} {mode:?}: {}",
                plan.why
            );
        }
    }
}

#[test]
fn terway_word_for_word() {
    let g6 =
        r#""instance": {"eni": 8, "ipv4_per_eni": 20, "ipv6_per_eni": 1, "eni_total": 60, "trunk": true}"#;
    let small = r#""instance": {"eni": 2, "ipv4_per_eni": 6, "ipv6_per_eni": 6}"#;
    let rows = [
        (
            format!(r#"{{"mode": "shared_eni", {g6}, "pod_vswitches": ["192.168.32.0/19"], "nodes": 58}}"#),
            "yes: 140 pods on each node, the pod vSwitches hold 58 full nodes".to_owned(),
        ),
        (
            format!(r#"{{"mode": "shared_eni", {g6}, "pod_vswitches": ["192.168.32.0/19"], "nodes": 59}}"#),
            "no: 59 full nodes wanted, the pod vSwitches hold 58: 140 addresses each, 8188 usable".into(),
        ),
        (
            format!(r#"{{"mode": "shared_eni", {g6}, "dual_stack": true}}"#),
            "no: dual stack on shared interfaces needs as many IPv6 as IPv4 addresses, the type has 1 and 20".into(),
        ),
        (
            format!(r#"{{"mode": "shared_eni", {small}, "dual_stack": true}}"#),
            "yes: 6 pods on each node\nnote: 6 pods may be too few: nodes are commonly admitted with more than 11 only".into(),
        ),
        (
            format!(r#"{{"mode": "exclusive_eni", {small}}}"#),
            "no: an interface for each pod needs a type with more than 6 interfaces, it has 2".into(),
        ),
        (format!(r#"{{"mode": "trunk", {small}}}"#), "no: the type does not support a trunk interface".into()),
        (
            format!(r#"{{"mode": "trunk", {g6}}}"#),
            "yes: 52 pods on each node\nnote: upper bound by the total of interfaces: 58 pods".into(),
        ),
        (
            format!(r#"{{"mode": "prefix", {small}, "pod_vswitches": ["10.0.0.0/24"], "nodes": 2, "dual_stack": true}}"#),
            "yes: 80 pods on each node, the pod vSwitches hold 2 full nodes\nnote: every interface takes one IPv6 prefix as well".into(),
        ),
        (
            format!(r#"{{"mode": "prefix", {small}, "pod_vswitches": ["10.0.0.0/27"]}}"#),
            "no: 1 full node wanted, the pod vSwitches hold 0: 81 addresses each, 28 usable".into(),
        ),
        (
            format!(r#"{{"mode": "prefix", {small}, "pod_vswitches": ["10.0.0.0/15"]}}"#),
            "bad input: pod_vswitches/0: 10.0.0.0/15 is no block of a vSwitch; accepted: a /16 to /29".into(),
        ),
        (
            format!(r#"{{"mode": "prefix", {small}, "pod_vswitches": ["10.0.0.0/16", "10.0.1.0/24"]}}"#),
            "bad input: pod_vswitches/1: 10.0.1.0/24 overlaps 10.0.0.0/16; accepted: disjoint blocks".into(),
        ),
        (
            r#"{"mode": "prefix", "instance": {"eni": 4294967295, "ipv4_per_eni": 4294967295}}"#.to_owned(),
            "bad input: instance: 4294967295 is more than any type has; accepted: limits up to 1000".into(),
        ),
        (
            r#"{"mode": "shared_eni", "instance": {"eni": 1, "ipv4_per_eni": 10}}"#.to_owned(),
            "no: a type with 1 interface has none for pods, at least 2 are needed".into(),
        ),
        (
            r#"{"mode": "shared_eni", "instance_type": "ecs.g6.16xlarge"}"#.to_owned(),
            "yes: 140 pods on each node".into(),
        ),
        (
            r#"{"mode": "shared_eni", "instance_type": "ecs.g6.huge"}"#.to_owned(),
            "bad input: instance_type: ecs.g6.huge is not in the catalogue; accepted: a known type such as ecs.g7.large, or its limits".into(),
        ),
        (
            r#"{"mode": "shared_eni"}"#.to_owned(),
            "bad input: instance_type: no type is given; accepted: a type such as ecs.g7.large".into(),
        ),
        (
            format!(r#"{{"mode": "trunk", "instance_type": "ecs.g6.large", {g6}}}"#),
            "bad input: instance: an instance type is given too; accepted: a type or its limits".into(),
        ),
    ];
    for (request, expected) in rows {
        assert_eq!(render(terway(&read(&request))), expected, "{request}");
    }
}

proptest! {
    /// What the splitter proposes is disjoint, inside, complete, and passes the check.
    #[test]
    fn splits_are_sound(
        len in 8u8..=28, zones in 1usize..5, per_zone in 1u32..20, size in prop::option::of(16u8..=29),
        exclude in prop::collection::vec((any::<u32>(), 18u8..=30), 0..4),
    ) {
        let block = Cidr4::containing("10.0.0.0".parse().unwrap(), len).unwrap();
        let within = |(bits, len): (u32, u8)| Cidr4::containing((0x0A00_0000 | bits & 0x00FF_FFFF).into(), len).unwrap();
        let exclude: Vec<Cidr4> = exclude.into_iter().map(within).collect();
        let names: Vec<String> = (0..zones).map(|z| format!("z{z}")).collect();
        let request = SplitRequest { block, zones: names.clone(), per_zone, prefix_len: size, addresses: None, exclude: exclude.clone(), vswitch_quota: 150 };
        let plan = split(&request).unwrap();
        let room_now = |prefix_len, count| room(&RoomRequest { vpc: vec![block], vswitches: vec![], exclude: exclude.clone(), prefix_len, count, vswitch_quota: 150 }).unwrap();
        let count = zones as u32 * per_zone;
        if !plan.possible {
            // The room question agrees, at the size asked for or at the smallest.
            prop_assert!(!room_now(size.unwrap_or(29), count).fits, "{}", plan);
            return Ok(());
        }
        let len = plan.prefix_len.unwrap();
        prop_assert!(room_now(len, count).fits);
        // Without a size it is the largest that fits.
        prop_assert!(size.is_some() || len == 16 || !room_now(len - 1, count).fits);
        prop_assert_eq!(plan.vswitches.len(), count as usize);
        let blocks: Vec<Cidr4> = plan.vswitches.iter().map(|v| v.block).collect();
        prop_assert!(blocks.iter().all(|b| b.prefix_len() == len && block.contains(*b) && !exclude.iter().any(|e| e.overlaps(*b))));
        prop_assert!(names.iter().all(|z| plan.vswitches.iter().filter(|v| v.zone == *z).count() == per_zone as usize));
        let cost = plan.cost.unwrap();
        prop_assert_eq!(cost.formula, cost.usable + cost.reserved_beyond_formula + cost.unused);
        let inside: Vec<Cidr4> = exclude.iter().filter(|e| e.overlaps(block)).map(|e| if e.contains(block) { block } else { *e }).collect();
        let whole = collapse(blocks.iter().chain(&plan.left).chain(&inside).copied());
        prop_assert_eq!(whole, vec![block]);
        let vswitch = |(n, v): (usize, &PlannedVSwitch)| VSwitchPlan { name: n.to_string(), zone: v.zone.clone(), block: v.block, ipv6_subnet: None };
        let vswitches = plan.vswitches.iter().enumerate().map(vswitch).collect();
        let vpc = VpcPlan { name: "v".to_owned(), blocks: vec![block], vswitches, ..VpcPlan::default() };
        let report = check(&PlanRequest { vpcs: vec![vpc], ..PlanRequest::default() }).unwrap();
        prop_assert!(report.fine && report.findings.is_empty(), "{report}");
    }

    /// The number that fits is the number that can be placed, one by one.
    #[test]
    fn room_is_exact(taken in prop::collection::vec((any::<u32>(), 20u8..=29), 0..12), prefix_len in 18u8..=29) {
        let vpc = c4("10.0.0.0/18");
        let mut vswitches: Vec<Cidr4> = Vec::new();
        for (bits, len) in taken {
            let block = Cidr4::containing((vpc.bits() | bits & 0x3FFF).into(), len).unwrap();
            if !vswitches.iter().any(|v| v.overlaps(block)) {
                vswitches.push(block);
            }
        }
        let request = |vswitches: Vec<Cidr4>, count| RoomRequest { vpc: vec![vpc], vswitches, exclude: vec![], prefix_len, count, vswitch_quota: 100_000 };
        let answer = room(&request(vswitches.clone(), 5_000)).unwrap();
        let places: Vec<Cidr4> = vpc.subnets(prefix_len).filter(|b| !vswitches.iter().any(|v| v.overlaps(*b))).collect();
        prop_assert_eq!(answer.fitting, places.len() as u64);
        prop_assert_eq!(&answer.blocks, &places);
        let full = room(&request(vswitches.into_iter().chain(places).collect(), 1));
        prop_assert!(!full.unwrap().fits);
    }
}
