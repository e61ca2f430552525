//! Checking whole plans: every rule is broken by a plan written as JSON, as a
//! client would send it, and the report is compared word for word.

use std::collections::BTreeSet;

use sim_core::cidr::Cidr4;
use sim_core::cidr::plan::*;

fn c4(text: &str) -> Cidr4 {
    text.parse().unwrap()
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// The rendered answer; on the way the answer goes through JSON and back.
fn render<T>(answer: T) -> String
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug + std::fmt::Display,
{
    let back: T = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
    assert_eq!(back, answer);
    answer.to_string()
}

/// A length that no block has once made the check panic.
#[test]
fn a_shortest_length_that_is_none_is_bad_input() {
    for (length, fine) in [(7, false), (8, true), (28, true), (29, false), (255, false)] {
        let plan = format!(
            r#"{{"secondary_length_min": {length}, "vpcs": [{{"name": "v", "blocks": ["10.0.0.0/8", "11.0.0.0/28"]}}]}}"#
        );
        assert_eq!(check(&read(&plan)).is_ok(), fine, "{plan}");
    }
}

/// The documented example plans are fine.
#[test]
fn documented_plans_pass() {
    let plans = [
        r#"{"vpcs": [{"name": "v", "blocks": ["192.168.0.0/16"],
            "vswitches": [{"name": "nodes", "zone": "a", "block": "192.168.0.0/19"}, {"name": "pods", "zone": "a", "block": "192.168.32.0/19"}],
            "clusters": [{"name": "c", "network": "terway", "service_block": "172.21.0.0/20", "node_vswitches": ["nodes"], "pod_vswitches": ["pods"]}]}]}"#,
        r#"{"vpcs": [{"name": "v", "blocks": ["192.168.0.0/16"], "vswitches": [{"name": "nodes", "zone": "a", "block": "192.168.0.0/24"}],
            "clusters": [
              {"name": "c", "network": "flannel", "pod_block": "172.20.0.0/16", "service_block": "172.21.0.0/20", "nodes": 100},
              {"name": "d", "network": "flannel", "pod_block": "172.22.0.0/16", "service_block": "172.21.0.0/20", "nodes": 100}],
            "routed": []}]}"#,
        r#"{"vpcs": []}"#,
        r#"{"vpcs": [
            {"name": "a", "blocks": ["10.0.0.0/16"], "ipv6_block": "2001:db8::/56",
             "vswitches": [{"name": "s", "block": "10.0.0.0/24", "ipv6_subnet": 0}, {"name": "t", "block": "10.0.1.0/24", "ipv6_subnet": 255}],
             "routed": [{"name": "idc", "block": "10.0.0.0/8"}, {"name": "default", "block": "0.0.0.0/0"}]},
            {"name": "b", "blocks": ["10.1.0.0/16"]}], "peers": [{"a": "a", "b": "b"}, {"a": "b", "b": "a"}]}"#,
    ];
    for plan in plans {
        assert_eq!(render(check(&read(plan)).unwrap()), "yes: nothing is in conflict");
    }
}

/// One row is one plan and what is found in it. Suggestions are part of the text.
fn findings() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["10.0.0.0/16"]}, {"name": "b", "blocks": ["10.0.128.0/17"]}], "peers": [{"a": "a", "b": "b"}]}"#,
            "no: 1 error, 0 warnings\n\
             error: VPC b (10.0.128.0/17) and VPC a (10.0.0.0/16): they overlap\n\
             \x20 suggestion: 10.1.0.0/17 is clear of every block in the plan",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["10.0.0.0/16"], "vswitches": [{"name": "s", "block": "10.0.0.0/24"}]},
                         {"name": "b", "blocks": ["10.0.0.0/16"], "vswitches": [{"name": "s", "block": "10.0.1.0/24"}]}], "peers": [{"a": "a", "b": "b"}]}"#,
            "yes: 0 errors, 1 warning\n\
             warning: VPC b (10.0.0.0/16) and VPC a (10.0.0.0/16): they overlap; the vSwitches do not, but routes must name them one by one\n\
             \x20 suggestion: 10.1.0.0/16 is clear of every block in the plan",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["10.0.0.0/16"], "vswitches": [{"name": "s", "block": "10.0.0.0/24"}]},
                         {"name": "b", "blocks": ["10.0.0.0/16"], "vswitches": [{"name": "s", "block": "10.0.0.0/25"}]}], "peers": [{"a": "a", "b": "b"}]}"#,
            "no: 1 error, 0 warnings\n\
             error: vSwitch b/s (10.0.0.0/25) and vSwitch a/s (10.0.0.0/24): they overlap, so neither can have a route to the other\n\
             \x20 suggestion: 10.1.0.0/25 is clear of every block in the plan; add it to VPC b as a secondary block",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["10.0.0.0/16"]}], "peers": [{"a": "a", "b": "x"}, {"a": "a", "b": "a"}]}"#,
            "no: 2 errors, 0 warnings\n\
             error: peering a - x and VPC x: there is no VPC of that name\n\
             \x20 suggestion: name a VPC of the plan\n\
             error: peering a - a: a VPC is not its own peer\n\
             \x20 suggestion: name another VPC",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["100.64.0.0/16", "10.0.0.0/12", "10.0.0.0/16", "10.0.0.0/24"]}, {"name": "a", "blocks": []}]}"#,
            "no: 7 errors, 0 warnings\n\
             error: VPC a (100.64.0.0/16) and range cloud services (100.64.0.0/10): 100.64.0.0/16 overlaps 100.64.0.0/10 (cloud services); 10.0.0.0/16 would pass\n\
             \x20 suggestion: 10.0.0.0/16 would pass\n\
             error: VPC a (10.0.0.0/12): 10.0.0.0/12 has a prefix length outside 16 to 28; 10.0.0.0/16 would pass\n\
             \x20 suggestion: 10.0.0.0/16 has a length that passes\n\
             error: VPC a (10.0.0.0/16) and VPC a (10.0.0.0/12): they overlap\n\
             \x20 suggestion: 10.16.0.0/16 is clear of every block in the plan\n\
             error: VPC a (10.0.0.0/24) and VPC a (10.0.0.0/12): they overlap\n\
             \x20 suggestion: 10.17.0.0/24 is clear of every block in the plan\n\
             error: VPC a (10.0.0.0/24) and VPC a (10.0.0.0/16): they overlap\n\
             \x20 suggestion: 10.17.1.0/24 is clear of every block in the plan\n\
             error: VPC a: the name is given twice\n\
             \x20 suggestion: choose another name\n\
             error: VPC a: it has no block\n\
             \x20 suggestion: 10.18.0.0/16 is clear of every block in the plan",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["30.0.0.0/16"], "user_cidrs": ["100.64.0.0/12", "31.0.0.0/8", "32.0.0.0/8", "33.0.0.0/8"]}, {"name": "b", "blocks": ["10.0.0.0/16"]}],
                "peers": [{"a": "a", "b": "b"}]}"#,
            "no: 2 errors, 1 warning\n\
             warning: VPC a (30.0.0.0/16): a block outside RFC 1918 counts as public: instances with a public address send it to the Internet\n\
             \x20 suggestion: make 30.0.0.0/16 a user CIDR of the peers, or use an IPv4 gateway\n\
             error: user CIDR of VPC a: 4 are given, at most 3 are allowed\n\
             \x20 suggestion: join them into wider ones\n\
             error: user CIDR of VPC a (100.64.0.0/12) and range cloud services (100.64.0.0/10): 100.64.0.0/12 overlaps 100.64.0.0/10 (cloud services); 10.0.0.0/12 would pass\n\
             \x20 suggestion: 10.0.0.0/12 would pass",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["10.0.0.0/24"], "routed": [{"name": "idc", "block": "10.0.0.64/28"}], "vswitches": [
                {"name": "s", "block": "10.0.0.0/25"}, {"name": "t", "block": "10.0.0.64/26"}, {"name": "t", "block": "10.1.0.0/24"}]}]}"#,
            "no: 5 errors, 0 warnings\n\
             error: vSwitch a/s (10.0.0.0/25) and routed block a/idc (10.0.0.64/28): a vSwitch must not equal or contain the destination of a route\n\
             \x20 suggestion: route a wider block, or move the vSwitch\n\
             error: vSwitch a/t (10.0.0.64/26) and vSwitch a/s (10.0.0.0/25): they overlap\n\
             \x20 suggestion: 10.0.0.128/26 is free in the VPC\n\
             error: vSwitch a/t (10.0.0.64/26) and routed block a/idc (10.0.0.64/28): a vSwitch must not equal or contain the destination of a route\n\
             \x20 suggestion: route a wider block, or move the vSwitch\n\
             error: vSwitch a/t: the name is given twice\n\
             \x20 suggestion: choose another name\n\
             error: vSwitch a/t (10.1.0.0/24) and VPC a (10.0.0.0/24): 10.1.0.0/24 is not inside 10.0.0.0/24; 10.0.0.0/24 would pass\n\
             \x20 suggestion: 10.0.0.0/24 lies inside",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["10.0.0.0/24"], "vswitches": [{"name": "s", "block": "10.0.0.0/25", "ipv6_subnet": 1}]},
                         {"name": "b", "blocks": ["10.0.0.0/24"], "ipv6_block": "2001:db8::/48"},
                         {"name": "c", "blocks": ["10.0.0.0/24"], "ipv6_block": "2001:db8::/60", "vswitches": [
                            {"name": "s", "block": "10.0.0.0/26", "ipv6_subnet": 0}, {"name": "t", "block": "10.0.0.64/26", "ipv6_subnet": 0}, {"name": "u", "block": "10.0.0.128/26", "ipv6_subnet": 16}]}]}"#,
            "no: 4 errors, 0 warnings\n\
             error: vSwitch a/s: it has an IPv6 subnet number, but the VPC has no IPv6 block\n\
             \x20 suggestion: give the VPC an IPv6 block\n\
             error: VPC b (2001:db8::/48): 2001:db8::/48 is not a /52, /56 or /60; 2001:db8::/56 would pass\n\
             \x20 suggestion: a /56 is what a VPC is given\n\
             error: vSwitch c/t and vSwitch c/s: both have IPv6 subnet number 0\n\
             \x20 suggestion: number 1 is free\n\
             error: vSwitch c/u: subnet number 16 is above 15, the last /64 of 2001:db8::/60\n\
             \x20 suggestion: choose a smaller number",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["192.168.0.0/16"], "routed": [{"name": "idc", "block": "172.16.0.0/13"}], "clusters": [
                {"name": "c", "network": "flannel", "pod_block": "192.168.128.0/17", "service_block": "192.168.0.0/25", "service_ipv6_block": "fd00::/112"},
                {"name": "d", "network": "flannel", "pod_block": "172.20.0.0/16", "service_block": "172.20.0.0/20", "nodes": 250},
                {"name": "e", "network": "flannel", "pod_block": "172.20.0.0/16", "service_block": "172.24.0.0/20", "node_len": 29},
                {"name": "e", "network": "flannel", "service_block": "169.254.0.0/20"}]}]}"#,
            "no: 13 errors, 2 warnings\n\
             error: pod block of cluster a/c (192.168.128.0/17) and VPC a (192.168.0.0/16): they overlap\n\
             \x20 suggestion: 10.0.0.0/17 is clear of every block in the plan\n\
             error: Service block of cluster a/c (192.168.0.0/25) and VPC a (192.168.0.0/16): they overlap\n\
             \x20 suggestion: 10.0.128.0/25 is clear of every block in the plan\n\
             warning: Service block of cluster a/c (192.168.0.0/25): the console takes /16 to /24\n\
             \x20 suggestion: a /24 would pass\n\
             error: Service block of cluster a/c (fd00::/112): Flannel has no IPv6\n\
             \x20 suggestion: use Terway\n\
             error: pod block of cluster a/d (172.20.0.0/16) and routed block a/idc (172.16.0.0/13): they overlap\n\
             \x20 suggestion: 10.1.0.0/16 is clear of every block in the plan\n\
             warning: Service block of cluster a/d (172.20.0.0/20) and routed block a/idc (172.16.0.0/13): they overlap\n\
             \x20 suggestion: 10.0.144.0/20 is clear of every block in the plan\n\
             error: Service block of cluster a/d (172.20.0.0/20) and pod block of cluster a/d (172.20.0.0/16): they overlap\n\
             \x20 suggestion: 10.0.160.0/20 is clear of every block in the plan\n\
             error: pod block of cluster a/e (172.20.0.0/16) and routed block a/idc (172.16.0.0/13): they overlap\n\
             \x20 suggestion: 10.2.0.0/16 is clear of every block in the plan\n\
             error: pod block of cluster a/e (172.20.0.0/16) and pod block of cluster a/d (172.20.0.0/16): they overlap\n\
             \x20 suggestion: 10.3.0.0/16 is clear of every block in the plan\n\
             error: pod block of cluster a/e (172.20.0.0/16) and Service block of cluster a/d (172.20.0.0/20): they overlap\n\
             \x20 suggestion: 10.4.0.0/16 is clear of every block in the plan\n\
             error: pod block of cluster a/e (172.20.0.0/16): /29 is no length of a node's part\n\
             \x20 suggestion: /28 would pass\n\
             error: cluster a/e: the name is given twice\n\
             \x20 suggestion: choose another name\n\
             error: Service block of cluster a/e (169.254.0.0/20) and range link-local (169.254.0.0/16): they overlap\n\
             \x20 suggestion: 10.0.176.0/20 is clear of every block in the plan\n\
             error: cluster a/e: Flannel needs a pod block\n\
             \x20 suggestion: 10.5.0.0/16 is clear of every block in the plan\n\
             error: VPC a: 250 Flannel nodes and 1 routed block need 251 custom routes, the table takes 200\n\
             \x20 suggestion: use Terway, fewer nodes, or a raised quota",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["11.0.0.0/16"], "vswitches": [{"name": "s", "zone": "h", "block": "11.0.0.0/24"}, {"name": "t", "zone": "i", "block": "11.0.1.0/24"}], "clusters": [
                {"name": "c", "network": "terway", "service_block": "172.21.0.0/20"},
                {"name": "d", "network": "terway", "service_block": "172.21.0.0/20", "pod_block": "172.20.0.0/16", "node_vswitches": ["s", "x"], "pod_vswitches": ["t"], "service_ipv6_block": "2001:db8::/112"}]}]}"#,
            "no: 4 errors, 2 warnings\n\
             warning: VPC a (11.0.0.0/16): a block outside RFC 1918 needs a whitelist entry before clusters are made\n\
             \x20 suggestion: 10.0.0.0/16 is clear of every block in the plan\n\
             error: cluster a/c: Terway needs at least one pod vSwitch\n\
             \x20 suggestion: name a vSwitch in each zone of the nodes\n\
             error: Service block of cluster a/d (2001:db8::/112): it is not a /112 to /120 inside fc00::/7\n\
             \x20 suggestion: fd00::/112 would pass\n\
             warning: pod block of cluster a/d (172.20.0.0/16): Terway takes pod addresses from vSwitches, the pod block is not used\n\
             \x20 suggestion: leave it out\n\
             error: cluster a/d and vSwitch a/x: there is no vSwitch of that name\n\
             \x20 suggestion: the VPC has: s, t\n\
             error: cluster a/d and vSwitch a/s (11.0.0.0/24): no pod vSwitch is in the nodes' zone h\n\
             \x20 suggestion: add a pod vSwitch in h",
        ),
        (
            r#"{"vpcs": [{"name": "a", "blocks": ["192.168.0.0/17"], "clusters": [{"name": "c", "network": "flannel", "pod_block": "172.20.0.0/16", "service_block": "172.21.0.0/20"}]},
                         {"name": "b", "blocks": ["172.21.0.0/24"], "clusters": [{"name": "d", "network": "flannel", "pod_block": "172.22.0.0/16", "service_block": "172.20.0.0/20"}]}],
                "peers": [{"a": "a", "b": "b"}]}"#,
            "no: 2 errors, 0 warnings\n\
             error: Service block of cluster a/c (172.21.0.0/20) and VPC b (172.21.0.0/24): they overlap\n\
             \x20 suggestion: 10.0.0.0/20 is clear of every block in the plan\n\
             error: Service block of cluster b/d (172.20.0.0/20) and pod block of cluster a/c (172.20.0.0/16): they overlap\n\
             \x20 suggestion: 10.0.16.0/20 is clear of every block in the plan",
        ),
    ]
}

#[test]
fn findings_word_for_word() {
    for (plan, expected) in findings() {
        assert_eq!(render(check(&read(plan)).unwrap()), expected);
    }
}

/// A rule that no plan breaks here is not tested.
#[test]
fn every_rule_is_broken_by_a_plan() {
    use PlanRule::*;
    let plans = findings().into_iter().flat_map(|(plan, _)| check(&read(plan)).unwrap().findings);
    let broken: BTreeSet<PlanRule> =
        plans.chain(check(&too_large()).unwrap().findings).map(|f| f.rule).collect();
    let all = [
        PlanSize,
        Name,
        VpcBlock,
        VpcBlocksDisjoint,
        VpcPublic,
        UserCidr,
        VSwitchBlock,
        VSwitchesDisjoint,
        Ipv6,
        VSwitchRoute,
        PeersDisjoint,
        PodVpc,
        PodService,
        PodsDisjoint,
        ClusterRouted,
        ServiceVpc,
        ClusterPeer,
        ClusterBlockLength,
        FlannelNodes,
        RouteQuota,
        TerwayVSwitches,
        ServiceIpv6,
    ];
    assert_eq!(broken, all.into_iter().collect());
    // The list above has every rule: the last one's number is its length less one.
    assert_eq!(ServiceIpv6 as usize + 1, all.len());
}

fn too_large() -> PlanRequest {
    let vpc =
        |n: u32| VpcPlan { name: n.to_string(), blocks: vec![c4("10.0.0.0/8"); 4], ..VpcPlan::default() };
    PlanRequest { vpcs: (0..2_000).map(vpc).collect(), ..PlanRequest::default() }
}

#[test]
fn a_check_is_bounded() {
    let report = check(&too_large()).unwrap();
    assert_eq!(
        report.to_string(),
        "no: 1 error, 0 warnings\nerror: plan: it has 10000 parts, a check takes 4096\n  suggestion: check it in pieces"
    );
    let vswitch = |n: u32| VSwitchPlan {
        name: n.to_string(),
        zone: String::new(),
        block: c4("10.0.0.0/24"),
        ipv6_subnet: None,
    };
    let vswitches = (0..100).map(vswitch).collect();
    let vpc =
        VpcPlan { name: "a".to_owned(), blocks: vec![c4("10.0.0.0/16")], vswitches, ..VpcPlan::default() };
    let report = check(&PlanRequest { vpcs: vec![vpc], ..PlanRequest::default() }).unwrap();
    assert_eq!((report.findings.len(), report.truncated), (1_000, true));
    assert_eq!(report.why, "1000 errors, 0 warnings or more");
}
