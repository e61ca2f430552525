//! How the ports of an instance answer, on a schedule, and through outages, as scenarios.
//!
//!     set PORT answers MS STATUS | refuses | silent [@SECONDS BEHAVIOUR]...   a port and its schedule
//!     clear PORT                         nothing is told of it any more
//!     cut zone|instance|interface [from SECONDS] [until SECONDS]
//!     mend                               the oldest outage ends
//!     stop, start                        the instance
//!     wait SECONDS                       time passes
//!     PORT -> answers MS STATUS | refuses | silent | down by not-running|outage
//!
//! Seconds count from the start of the case, those of `wait` apart.

use sim_core::ecs::eni::Eni;
use sim_core::ecs::instance::Instance;
use sim_core::ecs::instance_life::{BatchRule, DeleteInstances, StartInstances, StopInstances};
use sim_core::ecs::outage::{BeginOutage, EndOutage, Outage, OutageTarget};
use sim_core::ecs::service_port::*;
use sim_core::id::InstanceId;
use sim_core::{Command, ErrorCode as E, SimTime, Span};

#[path = "ecs_lab/mod.rs"]
mod ecs_lab;
use ecs_lab::Lab;

const CASES: &str = "
case: a port that nothing was told of answers at once
80/tcp -> answers 0 200
53/udp -> answers 0 200

case: a port does what it is told, and others and the other protocol do not
set 80/tcp answers 20 503
80/tcp -> answers 20 503
81/tcp -> answers 0 200
80/udp -> answers 0 200
set 80/tcp refuses
80/tcp -> refuses
set 80/tcp silent
80/tcp -> silent
clear 80/tcp
80/tcp -> answers 0 200

case: a schedule is kept to the second, whether time passes at once or in steps
set 80/tcp answers 0 200 @10 silent @20 refuses @30 answers 5 200
wait 9
80/tcp -> answers 0 200
wait 1
80/tcp -> silent
wait 15
80/tcp -> refuses
wait 100
80/tcp -> answers 5 200

case: a new schedule replaces the old one
set 80/tcp answers 0 200 @10 silent
set 80/tcp refuses @20 answers 7 200
wait 10
80/tcp -> refuses
wait 10
80/tcp -> answers 7 200

case: a port that is cleared forgets its schedule
set 80/tcp silent @10 refuses
clear 80/tcp
wait 20
80/tcp -> answers 0 200

case: nothing answers on a stopped instance
set 80/tcp refuses
stop
80/tcp -> down by not-running
start
80/tcp -> refuses

case: an outage of the zone, until it is ended
cut zone
80/tcp -> down by outage
mend
80/tcp -> answers 0 200

case: an outage of the instance, from and until an instant
cut instance from 10 until 20
80/tcp -> answers 0 200
wait 10
80/tcp -> down by outage
wait 10
80/tcp -> answers 0 200

case: two outages end one by one
cut interface until 10
cut instance until 20
wait 10
80/tcp -> down by outage
wait 10
80/tcp -> answers 0 200

case: an outage that has not begun can be called off
cut interface from 10
mend
wait 20
80/tcp -> answers 0 200

case: a schedule goes on during an outage
set 80/tcp answers 0 200 @10 silent
cut instance until 20
wait 20
80/tcp -> silent
";

struct Case {
    lab: Lab,
    instance: InstanceId,
    start: SimTime,
}

fn seconds(text: &str) -> Span {
    Span(text.parse::<i64>().unwrap() * 1_000)
}

fn port(text: &str) -> (u16, PortProtocol) {
    let (port, protocol) = text.split_once('/').unwrap();
    (port.parse().unwrap(), PortProtocol::parse(protocol).unwrap())
}

/// Takes a behaviour off the front of the words.
fn behaviour(words: &mut &[&str]) -> Behaviour {
    let (taken, behaviour) = match words {
        ["answers", ms, status, ..] => {
            (3, Behaviour::Answers { after: Span(ms.parse().unwrap()), status: status.parse().unwrap() })
        }
        ["refuses", ..] => (1, Behaviour::Refuses),
        ["silent", ..] => (1, Behaviour::Silent),
        other => panic!("{other:?} is no behaviour"),
    };
    *words = &words[taken..];
    behaviour
}

impl Case {
    fn give(&mut self, command: impl Into<Command>) {
        self.lab.run(command).unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    fn eni(&self) -> &Eni {
        let instance = self.lab.world.get::<Instance>(&self.instance).unwrap();
        self.lab.world.get::<Eni>(&instance.primary_eni).unwrap()
    }

    fn set(&mut self, mut words: &[&str]) {
        let (port, protocol) = port(words[0]);
        words = &words[1..];
        let now = behaviour(&mut words);
        let mut planned = Vec::new();
        while let [at, rest @ ..] = words {
            words = rest;
            let at = self.start + seconds(at.strip_prefix('@').unwrap());
            planned.push(PlannedBehaviour { at, behaviour: behaviour(&mut words) });
        }
        let instance = self.instance;
        self.give(SetServicePort { instance, protocol, port, behaviour: Some(now), planned });
    }

    fn cut(&mut self, words: &[&str]) {
        let (what, times) = words.split_first().unwrap();
        let target = match *what {
            "zone" => {
                OutageTarget::Zone(self.lab.world.get::<Instance>(&self.instance).unwrap().zone.clone())
            }
            "instance" => OutageTarget::Instance(self.instance),
            _ => OutageTarget::Eni(self.eni().id),
        };
        let time = |word: &str| {
            let at = times.iter().position(|w| *w == word)?;
            Some(self.start + seconds(times[at + 1]))
        };
        let (from, until) = (time("from"), time("until"));
        self.give(BeginOutage { target, from, until });
    }

    fn found(&self, text: &str) -> String {
        let (port, protocol) = port(text);
        let eni = self.eni();
        let found = how_port_answers(&self.lab.world, eni, protocol, port);
        let address = eni.primary_ip.into();
        assert_eq!(how_address_answers(&self.lab.world, eni.vpc, address, protocol, port), Some(found));
        match found {
            PortBehaviour::Up(Behaviour::Answers { after, status }) => {
                format!("answers {} {status}", after.0)
            }
            PortBehaviour::Up(other) => other.word().to_owned(),
            PortBehaviour::Down(DownBy::Outage(_)) => "down by outage".to_owned(),
            PortBehaviour::Down(DownBy::NotRunning(_)) => "down by not-running".to_owned(),
            PortBehaviour::Down(DownBy::NotAttached(_)) => "down by not-attached".to_owned(),
        }
    }

    fn play(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (instances, rule) = (vec![self.instance], BatchRule::AllTogether);
        match words.split_first().unwrap() {
            (&"set", rest) => self.set(rest),
            (&"clear", rest) => {
                let ((port, protocol), instance) = (port(rest[0]), self.instance);
                self.give(ClearServicePort { instance, protocol, port });
            }
            (&"cut", rest) => self.cut(rest),
            (&"mend", _) => {
                let outage = self.lab.world.table::<Outage>().iter().next().unwrap().id;
                self.give(EndOutage { outage });
            }
            (&"stop", _) => self.give(StopInstances { instances, mode: None, force: false, rule }),
            (&"start", _) => self.give(StartInstances { instances, rule }),
            (&"wait", rest) => {
                let to = self.lab.world.now() + seconds(rest[0]);
                let at = |case: &Case| how_port_answers(&case.lab.world, case.eni(), PortProtocol::Tcp, 80);
                let foreseen = how_port_will_answer(&self.lab.world, self.eni(), PortProtocol::Tcp, 80, to);
                // What was foreseen comes at each instant, and stays to the last moment before the next.
                for (number, (when, answer)) in foreseen.iter().enumerate() {
                    self.lab.world.advance(*when);
                    assert_eq!(at(self), *answer, "{line}");
                    let next = foreseen.get(number + 1).map_or(to, |(next, _)| SimTime(next.0 - 1));
                    self.lab.world.advance(next);
                    assert_eq!(at(self), *answer, "{line}");
                }
                self.lab.world.advance(to);
            }
            (at, rest) => assert_eq!(self.found(at), rest[1..].join(" "), "{line}"),
        }
    }
}

#[test]
fn ports_answer_as_they_are_told() {
    for case in CASES.split("case: ").skip(1) {
        let lab = Lab::new();
        let (instance, start) = (lab.node, lab.world.now());
        let mut played = Case { lab, instance, start };
        let (title, lines) = case.split_once('\n').unwrap();
        println!("{title}");
        lines.lines().filter(|line| !line.is_empty()).for_each(|line| played.play(line));
    }
}

#[test]
fn what_goes_takes_its_ports_and_outages_along() {
    let mut lab = Lab::new();
    let instance = lab.node;
    let eni = lab.world.get::<Instance>(&instance).unwrap().primary_eni;
    for port in [80, 443] {
        let (protocol, behaviour) = (PortProtocol::Tcp, Some(Behaviour::Silent));
        lab.run(SetServicePort { instance, protocol, port, behaviour, planned: Vec::new() }).unwrap();
    }
    for target in [OutageTarget::Instance(instance), OutageTarget::Eni(eni)] {
        lab.run(BeginOutage { target, from: None, until: None }).unwrap();
    }
    let delete = DeleteInstances { instances: vec![instance], force: true, terminate_subscription: true };
    lab.run(delete).unwrap();
    assert!(lab.world.table::<ServicePort>().is_empty() && lab.world.table::<Outage>().is_empty());
}

#[test]
fn wrong_schedules_and_times_are_refused() {
    let mut lab = Lab::new();
    let (instance, now) = (lab.node, lab.world.now());
    let plan = |times: &[i64]| {
        let change = |&ms: &i64| PlannedBehaviour { at: now + Span(ms), behaviour: Behaviour::Silent };
        let planned = times.iter().map(change).collect();
        SetServicePort { instance, protocol: PortProtocol::Tcp, port: 80, behaviour: None, planned }
    };
    for times in [&[0][..], &[-1], &[5, 5], &[5, 4]] {
        assert_eq!(lab.run(plan(times)).unwrap_err().code(), E::ServiceScheduleInvalid, "{times:?}");
    }
    let many: Vec<i64> = (1..=1_001).collect();
    assert_eq!(lab.run(plan(&many)).unwrap_err().code(), E::ServiceScheduleInvalid);
    lab.run(plan(&many[..1_000])).unwrap();
    for (after, status, code) in [(-1, 200, E::ServiceDelayInvalid), (0, 600, E::ServiceStatusInvalid)] {
        let behaviour = Some(Behaviour::Answers { after: Span(after), status });
        let wrong = SetServicePort { behaviour, ..plan(&[]) };
        assert_eq!(lab.run(wrong).unwrap_err().code(), code);
    }
    let outage = |from: Option<i64>, until: Option<i64>| BeginOutage {
        target: OutageTarget::Instance(instance),
        from: from.map(|ms| now + Span(ms)),
        until: until.map(|ms| now + Span(ms)),
    };
    for (from, until) in [(Some(-1), None), (None, Some(0)), (Some(5), Some(5))] {
        assert_eq!(lab.run(outage(from, until)).unwrap_err().code(), E::OutageTimes, "{from:?} {until:?}");
    }
}
