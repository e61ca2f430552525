//! What clients see of a load balancer while zones are down, and of a host that an outage cuts off.

use crate::balancers::{OUTSIDE, Shop};
use crate::dispositions::kinds;
use crate::lab::*;
use crate::net::Net;
use proptest::prelude::*;
use sim_core::datapath::remedy::remedy;
use sim_core::datapath::{Disposition as D, Leg, Question, Source};
use sim_core::ecs::outage::{BeginOutage, EndOutage, OutageTarget};
use sim_core::id::OutageId;
use sim_core::slb::load_balancer::LoadBalancer;
use sim_core::slb::zones::{Unserved, foreseen, serving};
use sim_core::traffic::of_world::take_over;
use sim_core::{SimTime, Span, ZoneId};

/// Which zone of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Master,
    Slave,
}

impl Shop {
    fn now(&self) -> SimTime {
        self.net.lab.world.now()
    }

    fn balancer(&self) -> &LoadBalancer {
        self.net.lab.world.get(&self.id).unwrap()
    }

    fn zone(&self, of: Of) -> ZoneId {
        let balancer = self.balancer();
        if of == Of::Master { balancer.master_zone.clone() } else { balancer.slave_zone.clone() }
    }

    /// An outage of a zone, from and until so many milliseconds from now on.
    fn cut(&mut self, of: Of, from: Option<i64>, until: Option<i64>) -> OutageId {
        let at = |ms: Option<i64>| ms.map(|ms| self.now() + Span(ms));
        let (target, from, until) = (OutageTarget::Zone(self.zone(of)), at(from), at(until));
        self.net.lab.ok(BeginOutage { target, from, until }).id()
    }

    /// A client of the internet gets to a backend; whether the slave zone served it.
    #[track_caller]
    fn served(&self) -> Of {
        let trace = self.net.trace_from(OUTSIDE, &self.target);
        assert!(trace.ending.delivered(), "{:?}", trace.ending);
        let kinds = kinds(&trace.forward);
        assert!(kinds.contains("listener"), "{kinds}");
        if kinds.contains("standby listener") { Of::Slave } else { Of::Master }
    }

    #[track_caller]
    fn unserved(&self, outage: OutageId, takeover: Option<SimTime>) {
        let (load_balancer, unserved) = (self.id, Unserved { outage, takeover });
        let trace = self.net.trace_from(OUTSIDE, &self.target);
        self.net.ends(&trace, Leg::Forward, D::ZonesDown { load_balancer, unserved });
        assert_eq!(serving(&self.net.lab.world, self.balancer()), Err(unserved));
    }

    fn wait(&mut self, ms: i64) {
        self.net.lab.wait(ms);
    }
}

#[test]
fn the_slave_zone_takes_over_after_thirty_seconds_and_gives_back_at_once() {
    let mut shop = Shop::outside();
    let outage = shop.cut(Of::Master, None, Some(60_000));
    let takeover = Some(shop.now() + Span(30_000));
    shop.unserved(outage, takeover);
    shop.wait(29_999);
    shop.unserved(outage, takeover);
    // Something is due then, so that who waits for nothing sees it too.
    assert_eq!(shop.net.lab.world.next_due(), takeover);
    shop.wait(1);
    assert_eq!(shop.served(), Of::Slave);
    shop.wait(29_999);
    assert_eq!(shop.served(), Of::Slave);
    shop.wait(1);
    assert_eq!(shop.served(), Of::Master);
    shop.net.lab.check_replay();
}

#[test]
fn an_outage_that_ends_soon_moves_nothing_and_leaves_nothing_due() {
    let mut shop = Shop::outside();
    let outage = shop.cut(Of::Master, Some(1_000), Some(21_000));
    assert_eq!(shop.served(), Of::Master);
    shop.wait(1_000);
    shop.unserved(outage, Some(shop.now() + Span(30_000)));
    shop.wait(20_000);
    assert_eq!(shop.served(), Of::Master);
    assert_eq!(shop.net.lab.world.next_due(), None);
    let outage = shop.cut(Of::Master, None, None);
    shop.net.lab.ok(EndOutage { outage });
    assert_eq!((shop.served(), shop.net.lab.world.next_due()), (Of::Master, None));
}

#[test]
fn with_both_zones_down_nobody_answers_until_one_is_back() {
    let mut shop = Shop::outside();
    let master = shop.cut(Of::Master, None, None);
    let slave = shop.cut(Of::Slave, Some(40_000), None);
    shop.wait(39_999);
    assert_eq!(shop.served(), Of::Slave);
    shop.wait(1);
    shop.unserved(master, None);
    shop.net.lab.ok(EndOutage { outage: slave });
    assert_eq!(shop.served(), Of::Slave);
    shop.cut(Of::Slave, None, None);
    shop.net.lab.ok(EndOutage { outage: master });
    assert_eq!(shop.served(), Of::Master);
}

#[test]
fn outages_of_a_zone_that_overlap_are_one_and_a_break_between_them_begins_anew() {
    let mut shop = Shop::outside();
    shop.cut(Of::Master, None, Some(40_000));
    shop.cut(Of::Master, Some(35_000), Some(100_000));
    shop.wait(45_000);
    assert_eq!(shop.served(), Of::Slave);
    shop.wait(100_000);
    // The later one is told first, and begins as the other ends.
    let later = shop.cut(Of::Master, Some(40_000), None);
    shop.cut(Of::Master, None, Some(40_000));
    let takeover = shop.now() + Span(70_000);
    shop.wait(39_999);
    assert_eq!(shop.served(), Of::Slave);
    shop.wait(1);
    shop.unserved(later, Some(takeover));
}

#[test]
fn an_outage_is_ended_so_that_the_load_balancer_serves() {
    let mut shop = Shop::outside();
    let told = |shop: &Shop| {
        let question = shop.net.ask(OUTSIDE, &shop.target).unwrap();
        let found = remedy(&shop.net.lab.world, &caller(), &question).expect("a remedy");
        let words = sim_core::datapath::text::Words::new(&shop.net.lab.world);
        found.changes.iter().map(|change| words.change(change)).collect::<Vec<_>>()
    };
    let master = shop.cut(Of::Master, None, None);
    // The slave zone takes over by itself.
    assert!(told(&shop).is_empty());
    let other = shop.cut(Of::Master, None, None);
    let slave = shop.cut(Of::Slave, None, None);
    // With two outages of the master zone the slave zone is the nearer way.
    assert_eq!(told(&shop), [format!("{slave} ended")]);
    shop.net.lab.ok(EndOutage { outage: other });
    assert_eq!(told(&shop), [format!("{master} ended")]);
}

#[test]
fn a_host_that_is_cut_off_neither_takes_nor_sends() {
    let mut net = Net::new();
    net.accept(net.back_group, "tcp", "80/80", "10.0.1.0/24");
    let (back, front) = (net.back, net.front);
    for target in [OutageTarget::Eni(back), OutageTarget::Instance(net.instance(back))] {
        let outage = net.lab.ok(BeginOutage { target, from: None, until: None }).id();
        let trace = net.trace("10.0.2.9:80/tcp");
        net.ends(&trace, Leg::Forward, D::CutOff { eni: back, outage });
        let question: Question = net.ask(Source::Interface(front, None), "10.0.2.9:80/tcp").unwrap();
        let found = remedy(&net.lab.world, &caller(), &question).expect("a remedy");
        assert_eq!(found.changes, [EndOutage { outage }.into()]);
        net.lab.ok(EndOutage { outage });
        assert!(net.trace("10.0.2.9:80/tcp").ending.delivered());
    }
    let target = OutageTarget::Zone("cn-hangzhou-k".into());
    let outage = net.lab.ok(BeginOutage { target, from: None, until: None }).id();
    let trace = net.trace("10.0.2.9:80/tcp");
    net.ends(&trace, Leg::Forward, D::CutOff { eni: front, outage });
}

#[test]
fn simulated_clients_meet_the_outages_that_are_planned() {
    let mut shop = Shop::outside();
    shop.cut(Of::Master, Some(10_000), Some(50_000));
    let asked = || {
        let of_world = serde_json::json!({"load_balancer_id": shop.id.to_string(), "port": 80});
        let asked = serde_json::json!({"duration": "1m", "clients": {"rate": 10}, "of_world": of_world});
        serde_json::from_value(asked).unwrap()
    };
    let told = |shop: &Shop, asked| -> Vec<(i64, bool)> {
        let scenario = take_over(&shop.net.lab.world, &caller(), asked).unwrap();
        scenario.zones.iter().map(|change| (change.at.0.0, change.serves)).collect()
    };
    let (now, later) = (asked(), asked());
    assert_eq!(told(&shop, now), [(10_000, false), (40_000, true), (50_000, true)]);
    shop.wait(20_000);
    assert_eq!(told(&shop, later), [(0, false), (20_000, true), (30_000, true)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// What is foreseen comes, whenever one looks ahead.
    #[test]
    fn what_is_foreseen_of_zones_comes(
        outages in prop::collection::vec((any::<bool>(), 0..9_i64, prop::option::of(1..9_i64)), 0..6),
        look in 0..12_i64,
    ) {
        let mut shop = Shop::outside();
        for (of_slave, from, lasts) in outages {
            let of = if of_slave { Of::Slave } else { Of::Master };
            shop.cut(of, Some(from * 10_000), lasts.map(|lasts| (from + lasts) * 10_000));
        }
        shop.wait(look * 10_000 + 1);
        let end = shop.now() + Span(200_000);
        let told: Vec<(SimTime, Option<ZoneId>)> = foreseen(&shop.net.lab.world, shop.balancer(), end)
            .into_iter()
            .map(|(at, zone)| (at, zone.cloned()))
            .collect();
        prop_assert_eq!(told[0].0, shop.now());
        while shop.now() < end {
            let expected = told.iter().rev().find(|(at, _)| *at <= shop.now()).unwrap().1.clone();
            let found = serving(&shop.net.lab.world, shop.balancer()).ok().cloned();
            prop_assert_eq!(found, expected, "at {} of {:?}", shop.now(), told);
            shop.wait(9_999);
        }
    }
}
