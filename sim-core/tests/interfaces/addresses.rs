//! Giving addresses to interfaces and taking them away.

use crate::lab::*;
use proptest::prelude::*;
use sim_core::cidr::{Cidr4, Cidr6};
use sim_core::ecs::eni::{CreateEni, DeleteEni, Eni};
use sim_core::ecs::eni_address::{AssignAddresses, UnassignAddresses, Want, Wanted};
use sim_core::ecs::eni_attachment::AttachEni;
use sim_core::id::{EniId, Id};
use sim_core::settings::Provisioning;
use sim_core::vpc::cidr_reservation::{CreateCidrReservation, ReservationChoice};
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Command, ErrorCode as E, Reply};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

fn count4(n: u16) -> Wanted {
    Wanted { ipv4: Want::Count(n), ..Wanted::default() }
}

fn these4(list: &[&str]) -> Wanted {
    Wanted { ipv4: Want::These(list.iter().map(|text| text.parse().unwrap()).collect()), ..Wanted::default() }
}

fn prefix_count4(n: u16) -> Wanted {
    Wanted { ipv4_prefixes: Want::Count(n), ..Wanted::default() }
}

fn count6(n: u16) -> Wanted {
    Wanted { ipv6: Want::Count(n), ..Wanted::default() }
}

fn give(eni: EniId, wanted: Wanted) -> AssignAddresses {
    AssignAddresses { eni, wanted }
}

fn take(eni: EniId) -> UnassignAddresses {
    UnassignAddresses {
        eni,
        ipv4: Vec::new(),
        ipv4_prefixes: Vec::new(),
        ipv6: Vec::new(),
        ipv6_prefixes: Vec::new(),
    }
}

fn take4(eni: EniId, list: &[&str]) -> UnassignAddresses {
    UnassignAddresses { ipv4: list.iter().map(|text| text.parse().unwrap()).collect(), ..take(eni) }
}

#[test]
fn rules_of_giving_and_taking_away() {
    let mut lab = Lab::new();
    let (sg, db, starting) = (lab.sg, lab.db, lab.starting);
    let id = lab.eni(&[sg]);
    let six: EniId = lab.ok(eni(db, &[sg])).id();
    let primary = lab.primary(starting);
    let unknown = EniId::from_number(number(99));
    let many: Vec<String> = (30..63).map(|n| format!("10.0.1.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let wide: Cidr4 = "10.0.1.32/27".parse().unwrap();
    let narrow: Cidr4 = "10.0.1.32/28".parse().unwrap();
    let rows: Vec<(&str, Command, E)> = vec![
        ("nothing", give(id, Wanted::default()).into(), E::MissingParameter),
        ("none counted", give(id, count4(0)).into(), E::EniAddressCount),
        ("33 listed", give(id, these4(&many)).into(), E::EniAddressCount),
        ("50 counted", give(id, count4(50)).into(), E::EniAddressCount),
        ("11 prefixes", give(id, prefix_count4(11)).into(), E::EniAddressCount),
        ("11 of IPv6", give(id, count6(11)).into(), E::EniAddressCount),
        ("twice", give(id, these4(&["10.0.1.9", "10.0.1.9"])).into(), E::EniAddressRepeated),
        (
            "mask",
            give(id, Wanted { ipv4_prefixes: Want::These(vec![wide]), ..Wanted::default() }).into(),
            E::EniPrefixMask,
        ),
        ("unknown", give(unknown, count4(1)).into(), E::EniNotFound),
        ("starting", give(primary, count4(1)).into(), E::EniInstanceStatusIncorrect),
        ("outside", give(id, these4(&["10.0.2.9"])).into(), E::AddressOutside),
        ("reserved", give(id, these4(&["10.0.1.255"])).into(), E::AddressReserved),
        ("its own", give(id, these4(&["10.0.1.1"])).into(), E::AddressInUse),
        ("no IPv6", give(six, count6(1)).into(), E::EniVSwitchIpv6Disabled),
        ("take nothing", take(id).into(), E::MissingParameter),
        ("take 33", take4(id, &many).into(), E::EniAddressCount),
        ("take twice", take4(id, &["10.0.1.9", "10.0.1.9"]).into(), E::EniAddressRepeated),
        (
            "take a wide one",
            UnassignAddresses { ipv4_prefixes: vec![wide], ..take(id) }.into(),
            E::EniPrefixMask,
        ),
        ("take from none", take4(unknown, &["10.0.1.9"]).into(), E::EniNotFound),
        ("take from a starting one", take4(primary, &["10.0.1.9"]).into(), E::EniInstanceStatusIncorrect),
        ("take the primary", take4(id, &["10.0.1.1"]).into(), E::EniAddressUnassigned),
        ("take another's", take4(id, &["10.0.1.9"]).into(), E::EniAddressUnassigned),
        (
            "take another's prefix",
            UnassignAddresses { ipv4_prefixes: vec![narrow], ..take(id) }.into(),
            E::EniAddressUnassigned,
        ),
        (
            "take another's IPv6",
            UnassignAddresses { ipv6: vec!["2408::1".parse::<Ipv6Addr>().unwrap()], ..take(id) }.into(),
            E::EniAddressUnassigned,
        ),
        (
            "take another's IPv6 prefix",
            UnassignAddresses { ipv6_prefixes: vec!["2408::/80".parse::<Cidr6>().unwrap()], ..take(id) }
                .into(),
            E::EniAddressUnassigned,
        ),
    ];
    for (what, command, rule) in rows {
        let refusal = lab.refuses(what, command, rule);
        assert!(refusal.details().field.is_some(), "{what}: {refusal}");
    }
    lab.check_replay();
}

#[test]
fn an_available_interface_holds_49_and_10() {
    let mut lab = Lab::new();
    let sg = lab.sg;
    let id = lab.eni(&[sg]);
    lab.ok(give(id, count4(48)));
    // A prefix takes the slot of one address.
    lab.ok(give(id, prefix_count4(1)));
    let refusal = lab.refuses("a 50th", give(id, count4(1)), E::EniAvailableIpv4Exceeded);
    assert_eq!(refusal.details().accepted.as_deref(), Some("at most 50 in all"));
    lab.refuses("a prefix", give(id, prefix_count4(1)), E::EniAvailableIpv4Exceeded);
    lab.ok(give(id, count6(9)));
    lab.ok(give(id, Wanted { ipv6_prefixes: Want::Count(1), ..Wanted::default() }));
    lab.refuses("an 11th", give(id, count6(1)), E::EniAvailableIpv6Exceeded);
    let e = lab.get(id);
    assert_eq!((e.ipv4_slots(), e.ipv6_slots(), e.private_addresses()), (50, 10, 49 + 16));
    lab.check_replay();
}

#[test]
fn an_interface_in_use_holds_what_the_type_allows() {
    let mut lab = Lab::new();
    let (sg, web, node, trunking) = (lab.sg, lab.web, lab.node, lab.trunking);
    let attach = |eni, instance| AttachEni { eni, instance, trunk: None };
    // 6 IPv4 and 6 IPv6 addresses.
    let id = lab.eni(&[sg]);
    lab.ok(attach(id, node));
    lab.ok(give(id, count4(4)));
    lab.ok(give(id, prefix_count4(1)));
    lab.refuses("a seventh", give(id, count4(1)), E::EniTypeIpv4Exceeded);
    lab.ok(give(id, count6(6)));
    lab.refuses("a seventh of IPv6", give(id, count6(1)), E::EniTypeIpv6Exceeded);
    // The primary interface too.
    let primary = lab.primary(node);
    lab.refuses("on the primary", give(primary, count4(6)), E::EniTypeIpv4Exceeded);
    lab.ok(give(primary, count4(5)));
    // One that holds too much is not attached: 10 IPv4 and 1 IPv6 address here.
    let with = |wanted| CreateEni { wanted, ..eni(web, &[sg]) };
    let rich: EniId = lab.ok(with(count4(10))).id();
    lab.refuses("11 addresses", attach(rich, trunking), E::EniTypeIpv4Exceeded);
    let dual: EniId = lab.ok(with(count6(2))).id();
    lab.refuses("2 of IPv6", attach(dual, trunking), E::EniTypeIpv6Exceeded);
    lab.ok(UnassignAddresses { ipv6: vec![lab.get(dual).ipv6[0]], ..take(dual) });
    lab.ok(attach(dual, trunking));
    lab.check_replay();
}

#[test]
fn what_an_assignment_answers() {
    let mut lab = Lab::new();
    let sg = lab.sg;
    let id = lab.eni(&[sg]);
    let v4 = |text: &str| text.parse::<Ipv4Addr>().unwrap();
    let reply = lab.ok(give(id, these4(&["10.0.1.9", "10.0.1.7"])));
    let expected = Reply::Addresses {
        eni: id,
        ipv4: vec![v4("10.0.1.9"), v4("10.0.1.7")],
        ipv4_prefixes: Vec::new(),
        ipv6: Vec::new(),
        ipv6_prefixes: Vec::new(),
    };
    assert_eq!(reply, expected);
    let Reply::Addresses { ipv4, ipv4_prefixes, ipv6, ipv6_prefixes, .. } = lab.ok(give(
        id,
        Wanted {
            ipv4: Want::Count(1),
            ipv4_prefixes: Want::Count(2),
            ipv6: Want::Count(2),
            ipv6_prefixes: Want::Count(1),
        },
    )) else {
        panic!("addresses")
    };
    // Only the new ones, the lowest free.
    assert_eq!(ipv4, [v4("10.0.1.2")]);
    assert_eq!(
        ipv4_prefixes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.0.1.16/28", "10.0.1.32/28"]
    );
    assert_eq!(ipv6.len(), 2);
    assert_eq!(ipv6_prefixes.len(), 1);
    lab.ok(UnassignAddresses {
        ipv4: vec![v4("10.0.1.7"), v4("10.0.1.2")],
        ipv4_prefixes: ipv4_prefixes[..1].to_vec(),
        ipv6: ipv6[..1].to_vec(),
        ipv6_prefixes,
        eni: id,
    });
    let e = lab.get(id);
    assert_eq!((&e.secondary_ips[..], e.ipv4_prefixes.len(), e.ipv6.len()), (&[v4("10.0.1.9")][..], 1, 1));
    assert!(e.ipv6_prefixes.is_empty());
    lab.check_replay();
}

#[test]
fn prefixes_come_out_of_reservations() {
    let mut lab = Lab::new();
    let (web, sg) = (lab.web, lab.sg);
    lab.ok(CreateCidrReservation {
        vswitch: web,
        block: ReservationChoice::Given("10.0.1.64/27".parse().unwrap()),
        name: None,
        description: None,
        tags: Vec::new(),
    });
    let id = lab.eni(&[sg]);
    let Reply::Addresses { ipv4_prefixes, .. } = lab.ok(give(id, prefix_count4(2))) else {
        panic!("prefixes")
    };
    assert_eq!(
        ipv4_prefixes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.0.1.64/28", "10.0.1.80/28"]
    );
    // Where there is a reservation, prefixes come from nowhere else, and addresses never from it.
    lab.refuses("a third prefix", give(id, prefix_count4(1)), E::EniPrefixExhausted);
    let all: EniId = lab.ok(CreateEni { wanted: count4(49), ..eni(web, &[sg]) }).id();
    let more: EniId = lab.ok(CreateEni { wanted: count4(20), ..eni(web, &[sg]) }).id();
    let block: Cidr4 = "10.0.1.64/27".parse().unwrap();
    for id in [all, more] {
        assert!(lab.get(id).ipv4().all(|address| !block.contains_address(address)));
    }
    lab.check_replay();
}

#[test]
fn addresses_stay_put_while_the_interface_moves() {
    let mut lab = Lab::new();
    lab.provision(Provisioning::Visible);
    let (sg, node) = (lab.sg, lab.node);
    let id = lab.eni(&[sg]);
    lab.ok(AttachEni { eni: id, instance: node, trunk: None });
    lab.refuses("give while attaching", give(id, count4(1)), E::EniStatusIncorrect);
    lab.refuses("take while attaching", take4(id, &["10.0.1.9"]), E::EniStatusIncorrect);
    lab.wait(200);
    lab.ok(give(id, count4(1)));
}

/// What a random walk does with the interfaces of one small vSwitch.
#[derive(Clone, Debug)]
enum Step {
    Make(u16, u16),
    Give(usize, u16, u16),
    Take(usize, usize),
    TakePrefix(usize),
    Delete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4_u16, 0..2_u16).prop_map(|(a, p)| Step::Make(a, p)),
        3 => (0..6_usize, 0..5_u16, 0..3_u16).prop_map(|(n, a, p)| Step::Give(n, a, p)),
        3 => (0..6_usize, 0..4_usize).prop_map(|(n, a)| Step::Take(n, a)),
        1 => (0..6_usize).prop_map(Step::TakePrefix),
        2 => (0..6_usize).prop_map(Step::Delete),
    ]
}

fn some<T>(n: u16) -> Want<T> {
    if n == 0 { Want::Nothing } else { Want::Count(n) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// No address is lost, doubled or outside, whatever comes and goes; what is refused for lack of room has none.
    #[test]
    fn no_address_is_lost_or_doubled(steps in prop::collection::vec(step(), 1..60)) {
        let mut lab = Lab::new();
        let (vpc, sg) = (lab.vpc, lab.sg);
        let block: Cidr4 = "10.0.9.0/26".parse().unwrap();
        let place = lab.ok(vswitch(vpc, "10.0.9.0/26", "cn-hangzhou-k", None)).id();
        let mut enis: Vec<EniId> = Vec::new();
        for step in steps {
            let pick = |n: usize| enis.get(n).copied();
            match step {
                Step::Make(a, p) => {
                    let wanted = Wanted { ipv4: some(a), ipv4_prefixes: some(p), ..Wanted::default() };
                    match lab.run(CreateEni { wanted, ..eni(place, &[sg]) }) {
                        Ok(reply) => enis.push(reply.id()),
                        Err(refusal) => prop_assert!(matches!(refusal.code(), E::AddressExhausted | E::EniPrefixExhausted)),
                    }
                }
                Step::Give(n, a, p) if a + p > 0 => {
                    let Some(id) = pick(n) else { continue };
                    let wanted = Wanted { ipv4: some(a), ipv4_prefixes: some(p), ..Wanted::default() };
                    if let Err(refusal) = lab.run(give(id, wanted)) {
                        prop_assert!(matches!(refusal.code(), E::AddressExhausted | E::EniPrefixExhausted));
                    }
                }
                Step::Give(..) => {}
                Step::Take(n, a) => {
                    let Some(id) = pick(n) else { continue };
                    let Some(&address) = lab.get(id).secondary_ips.get(a) else { continue };
                    lab.ok(UnassignAddresses { ipv4: vec![address], ..take(id) });
                }
                Step::TakePrefix(n) => {
                    let Some(id) = pick(n) else { continue };
                    let Some(&prefix) = lab.get(id).ipv4_prefixes.first() else { continue };
                    lab.ok(UnassignAddresses { ipv4_prefixes: vec![prefix], ..take(id) });
                }
                Step::Delete(n) => {
                    if n < enis.len() {
                        let eni = enis.remove(n);
                        lab.ok(DeleteEni { eni });
                    }
                }
            }
            let mut held = BTreeSet::new();
            for eni in lab.world.table::<Eni>().iter().filter(|eni| eni.vswitch == place) {
                let singles = eni.ipv4().map(u32::from);
                let prefixed = eni.ipv4_prefixes.iter().flat_map(|p| p.bits()..p.bits() + 16);
                for address in singles.chain(prefixed) {
                    prop_assert!(held.insert(address), "{} is held twice", Ipv4Addr::from(address));
                    prop_assert!(address > block.bits() && address < block.bits() + 61);
                }
            }
            let free = lab.world.get::<VSwitch>(&place).unwrap().available_addresses(&lab.world);
            prop_assert_eq!(free + held.len() as u64, 60);
        }
        lab.check_replay();
    }
}
