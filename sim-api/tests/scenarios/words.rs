//! The words of the stories.
//!
//! | words | what they do |
//! |---|---|
//! | `vpc NAME BLOCK [ipv6]` | make a VPC |
//! | `vswitch NAME VPC BLOCK [SUBNET]` or `/MASK` | make a vSwitch, with an IPv6 block if it has a subnet number |
//! | `group NAME VPC [enterprise]` | make a security group |
//! | `allow GROUP in PROTOCOL PORTS PEER [PRIORITY]`, `drop ...` | add a rule; the peer is a block or a group |
//! | `eni NAME VSWITCH GROUP[,GROUP] [ADDRESS]` | make a network interface |
//! | `assign ENI COUNT` | give it so many more addresses |
//! | `assign6 HOST` | give its interface an IPv6 address |
//! | `table NAME VPC`, `bind VSWITCH TABLE`, `unbind VSWITCH TABLE` | custom route tables |
//! | `route NAME TABLE BLOCK ENI` | add an entry to an interface or a host; `VPC` as the table is its system table |
//! | `reserve NAME VSWITCH /MASK` | reserve a part of a vSwitch for prefixes |
//! | `delete NAME`, `rename NAME TEXT` | of whatever is called so |
//! | `show NAME` | its state |
//! | `lookup TABLE ADDRESS` | the entry that a packet takes |
//! | `packet ENI in PROTOCOL PEER PORT` | what the groups make of a new session |
//! | `provisioning instant`, `visible`, `documented` | how long changes take from now on |
//! | `quota NAME VALUE` | adjust a quota |
//! | `wait MILLISECONDS` | let time pass |
//! | `token TEXT COMMAND` | the command with an idempotency token |
//!
//! Those about hosts and packets are in `traffic.rs`, those about load balancers in `balancers.rs`.

use sim_api::chart::trace::Picture;
use sim_core::cidr::Cidr;
use sim_core::datapath::Ending;
use sim_core::ecs::authorize::AuthorizeRules;
use sim_core::ecs::eni::{CreateEni, DeleteEni, Eni, EniKind, ModifyEni, TrafficMode};
use sim_core::ecs::eni_address::{AssignAddresses, Want, Wanted};
use sim_core::ecs::group_filter::{self, DecidedBy, Packet, PacketProtocol};
use sim_core::ecs::rule_input::RuleInput;
use sim_core::ecs::security_group::{
    CreateSecurityGroup, DeleteSecurityGroup, GroupKind, ModifySecurityGroup,
};
use sim_core::ecs::security_group_rule::{
    Direction, Peer, Policy, PortRange, Protocol, RuleSpec, SecurityGroupRule,
};
use sim_core::id::*;
use sim_core::quota::AdjustQuota;
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::cidr_reservation::{CreateCidrReservation, DeleteCidrReservation, ReservationChoice};
use sim_core::vpc::next_hop::{HopChoice, NextHop};
use sim_core::vpc::route_entry::*;
use sim_core::vpc::route_table::{self, *};
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc, ModifyVpc, Vpc};
use sim_core::vpc::vswitch::{BlockChoice, CreateVSwitch, DeleteVSwitch, ModifyVSwitch, VSwitch};
use sim_core::{AccountId, Caller, Command, Entry, Genesis, Reply, Span, Token, World};
use std::collections::BTreeMap;
use std::net::IpAddr;

pub struct Story {
    pub world: World,
    pub caller: Caller,
    pub names: BTreeMap<String, AnyId>,
    /// How the packets ended that were followed.
    pub ends: Vec<&'static str>,
    /// The same packets as pictures, with how each ended and how many steps it took.
    pub pictures: Vec<(Ending, usize, Picture)>,
    pub journal: Vec<Entry>,
}

fn genesis() -> Genesis {
    Genesis { seed: 1, ..Genesis::default() }
}

impl Story {
    pub fn new() -> Story {
        Story {
            world: World::new(genesis()),
            caller: Caller::new(AccountId::DEFAULT, "cn-hangzhou"),
            names: BTreeMap::new(),
            ends: Vec::new(),
            pictures: Vec::new(),
            journal: Vec::new(),
        }
    }

    /// The journal of the story gives its world again.
    pub fn check_replay(&self) {
        let mut again = World::new(genesis());
        self.journal.iter().for_each(|entry| again.replay(entry).unwrap());
        assert_eq!(again.digest(), self.world.digest());
    }

    /// Carries a command out and says what came of it.
    pub fn tell(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["token", token, rest @ ..] => {
                self.caller.token = Some(Token::parse(token).unwrap());
                let told = self.tell(&rest.join(" "));
                self.caller.token = None;
                told
            }
            ["wait", ms] => {
                let to = self.world.now() + Span(ms.parse().unwrap());
                self.journal.extend(self.world.advance(to));
                format!("{}", self.world.now())
            }
            ["show", name] => self.show(name),
            ["lookup", table, address] => self.lookup(table, address.parse().unwrap()),
            ["packet", eni, direction, protocol, peer, port] => {
                self.packet(eni, direction, protocol, peer.parse().unwrap(), port.parse().unwrap())
            }
            ["trace", from, target] => self.trace(from, target, None),
            ["trace", from, target, request] => self.trace(from, target, Some(request)),
            ["rule", called, listener, condition, pool] => {
                self.forwarding_rule(called, listener, condition, pool)
            }
            ["routers", first, second, vpc, other] => {
                self.connect_routers([(*first, *vpc), (*second, *other)])
            }
            ["host", called, vswitch, groups, rest @ ..] => self.run_host(called, vswitch, groups, rest),
            ["health", balancer] => self.health(balancer),
            ["watch", balancer, ms] => self.watch(balancer, ms.parse().unwrap()),
            words => {
                let known = self.traffic_command(words).or_else(|| self.balancer_command(words));
                let (name, command) = known.unwrap_or_else(|| self.command(words));
                self.give(name, command)
            }
        }
    }

    pub fn give(&mut self, name: Option<&str>, command: Command) -> String {
        let applied = self.world.apply(self.world.now(), &self.caller, command);
        self.journal.extend(applied.entry);
        let again = if applied.replayed { " (the same answer again)" } else { "" };
        match applied.outcome {
            Err(refusal) => format!("refused, {}: {refusal}", refusal.code().native()),
            Ok(reply) => {
                let made = match &reply {
                    Reply::Created(id) => Some(*id),
                    Reply::CreatedVpc { vpc, .. } => Some((*vpc).into()),
                    Reply::Addresses { ipv6, .. } if !ipv6.is_empty() => {
                        return format!("{}{again}", ipv6[0]);
                    }
                    Reply::Addresses { ipv4, .. } => {
                        return format!(
                            "{}{again}",
                            ipv4.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
                        );
                    }
                    _ => None,
                };
                let Some((name, id)) = name.zip(made) else { return format!("done{again}") };
                self.names.insert(name.to_owned(), id);
                format!("{}{again}", self.show(name))
            }
        }
    }

    pub fn any(&self, name: &str) -> AnyId {
        *self.names.get(name).unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    pub fn id<I: Id + TryFrom<AnyId>>(&self, name: &str) -> I {
        I::try_from(self.any(name)).unwrap_or_else(|_| panic!("{name} is no {}", I::KIND.name()))
    }

    /// A custom table by its name, or the system table of a VPC by the VPC's.
    pub fn table(&self, name: &str) -> RouteTableId {
        match self.any(name).kind() {
            IdKind::Vpc => self
                .world
                .get::<Vpc>(&self.id(name))
                .map_or_else(|| panic!("{name} is gone"), |v| v.system_table),
            _ => self.id(name),
        }
    }

    /// The name of what a command makes, if it makes something, and the command.
    fn command<'a>(&self, words: &[&'a str]) -> (Option<&'a str>, Command) {
        let (name, description, tags) = (None, None, Vec::new());
        match *words {
            ["vpc", called, block, ref rest @ ..] => {
                let block = Some(block.parse().unwrap());
                (Some(called), CreateVpc { block, ipv6: rest == ["ipv6"], ..CreateVpc::default() }.into())
            }
            ["vswitch", called, vpc, block, ref rest @ ..] => {
                let block = match block.strip_prefix('/') {
                    Some(mask) => BlockChoice::Mask(mask.parse().unwrap()),
                    None => BlockChoice::Given(block.parse().unwrap()),
                };
                let (vpc, zone) = (self.id(vpc), "cn-hangzhou-k".into());
                let ipv6_subnet = rest.first().map(|subnet| subnet.parse().unwrap());
                (
                    Some(called),
                    CreateVSwitch {
                        vpc,
                        zone,
                        block,
                        ipv6_subnet,
                        vpc_ipv6_block: None,
                        name,
                        description,
                        tags,
                    }
                    .into(),
                )
            }
            ["group", called, vpc, ref rest @ ..] => {
                let kind = if rest == ["enterprise"] { GroupKind::Enterprise } else { GroupKind::Basic };
                let (vpc, resource_group) = (Some(self.id(vpc)), None);
                (
                    Some(called),
                    CreateSecurityGroup { vpc, kind, name, description, resource_group, tags }.into(),
                )
            }
            ["allow" | "drop", group, direction, protocol, ports, peer, ref rest @ ..] => {
                let policy = if words[0] == "allow" { Policy::Accept } else { Policy::Drop };
                let priority = rest.first().map_or(1, |p| p.parse().unwrap());
                let rule = self.rule(policy, protocol, ports, peer, priority);
                let (group, direction) = (self.id(group), way(direction));
                (None, AuthorizeRules { group, direction, rules: vec![rule] }.into())
            }
            ["eni", called, vswitch, groups, ref rest @ ..] => {
                let eni = CreateEni {
                    vswitch: self.id(vswitch),
                    kind: EniKind::Secondary,
                    groups: groups.split(',').map(|g| self.id(g)).collect(),
                    primary_ip: rest.first().map(|a| a.parse().unwrap()),
                    wanted: Wanted::default(),
                    name,
                    description,
                    delete_on_release: false,
                    source_dest_check: false,
                    queues: None,
                    traffic_mode: TrafficMode::Standard,
                    resource_group: None,
                    tags,
                };
                (Some(called), eni.into())
            }
            ["assign6", host] => {
                let wanted = Wanted { ipv6: Want::Count(1), ..Wanted::default() };
                (None, AssignAddresses { eni: self.interface(host), wanted }.into())
            }
            ["assign", eni, count] => {
                let wanted = Wanted { ipv4: Want::Count(count.parse().unwrap()), ..Wanted::default() };
                (None, AssignAddresses { eni: self.id(eni), wanted }.into())
            }
            ["table", called, vpc] => {
                let (vpc, associate_type) = (self.id(vpc), AssociateType::VSwitch);
                (Some(called), CreateRouteTable { vpc, associate_type, name, description, tags }.into())
            }
            ["bind", vswitch, table] => (
                None,
                AssociateRouteTable { route_table: self.table(table), vswitch: self.id(vswitch) }.into(),
            ),
            ["unbind", vswitch, table] => (
                None,
                UnassociateRouteTable { route_table: self.table(table), vswitch: self.id(vswitch) }.into(),
            ),
            ["route", called, table, block, eni] => {
                let hop = self.any(eni);
                let kind = match hop.kind() {
                    IdKind::Instance => "Instance",
                    IdKind::HaVip => "HaVip",
                    IdKind::NatGateway => "NatGateway",
                    IdKind::Ipv4Gateway => "Ipv4Gateway",
                    IdKind::VpcPeer => "VpcPeer",
                    IdKind::RouterInterface => "RouterInterface",
                    _ => "NetworkInterface",
                };
                let (kind, id) = (Some(kind.into()), Some(hop.to_string().into()));
                let next_hop = HopChoice { kind, id, list: Vec::new() };
                let table = self.table(table).to_string().into();
                let entry = NewEntry { table, destination: block.into(), next_hop, name, description };
                (Some(called), CreateRouteEntry { entry }.into())
            }
            ["reserve", called, vswitch, mask] => {
                let block = ReservationChoice::Mask4(mask.trim_start_matches('/').parse().unwrap());
                let vswitch = self.id(vswitch);
                (Some(called), CreateCidrReservation { vswitch, block, name, description, tags }.into())
            }
            ["delete", called] => (None, self.deletion(called)),
            ["rename", called, text] => (None, self.renaming(called, text)),
            ["provisioning", profile] => {
                let provisioning = Some(match profile {
                    "instant" => Provisioning::Instant,
                    "visible" => Provisioning::Visible,
                    "documented" => Provisioning::Documented,
                    other => panic!("there is no profile {other}"),
                });
                (None, ChangeSettings { provisioning, quotas_lifted: None }.into())
            }
            ["quota", quota, value] => {
                (None, AdjustQuota { name: quota.to_owned(), value: value.parse().unwrap() }.into())
            }
            _ => panic!("nobody knows how to {words:?}"),
        }
    }

    fn rule(&self, policy: Policy, protocol: &str, ports: &str, peer: &str, priority: u8) -> RuleInput {
        let protocol = match protocol {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            "icmp" => Protocol::Icmp,
            "all" => Protocol::All,
            other => panic!("there is no protocol {other}"),
        };
        let ports = (ports != "-").then(|| {
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            PortRange { first: first.parse().unwrap(), last: last.parse().unwrap() }
        });
        let peer = match peer.parse::<Cidr>() {
            Ok(block) => Peer::Block(block),
            Err(_) => Peer::Group(self.id(peer)),
        };
        let spec = RuleSpec { protocol, ports, source_ports: None, policy, priority, peer, own: None };
        RuleInput { spec, peer_as_address: false, own_as_address: false, description: Default::default() }
    }

    fn deletion(&self, name: &str) -> Command {
        match self.any(name).kind() {
            IdKind::Vpc => DeleteVpc { vpc: self.id(name) }.into(),
            IdKind::VSwitch => DeleteVSwitch { vswitch: self.id(name) }.into(),
            IdKind::SecurityGroup => DeleteSecurityGroup { group: self.id(name) }.into(),
            IdKind::Eni => DeleteEni { eni: self.id(name) }.into(),
            IdKind::RouteTable => DeleteRouteTable { route_table: self.id(name) }.into(),
            IdKind::CidrReservation => DeleteCidrReservation { reservation: self.id(name) }.into(),
            IdKind::RouteEntry => {
                let entry =
                    EntryRef { entry: Some(self.any(name).to_string().into()), ..EntryRef::default() };
                DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() }.into()
            }
            other => panic!("nobody deletes a {}", other.name()),
        }
    }

    fn renaming(&self, called: &str, text: &str) -> Command {
        let (name, description) = (Some(text.into()), None);
        match self.any(called).kind() {
            IdKind::Vpc => {
                let vpc = self.id(called);
                let (block, ipv6, ipv6_isp, dns_hostnames) = (None, None, None, None);
                ModifyVpc { vpc, name, description, block, ipv6, ipv6_isp, dns_hostnames }.into()
            }
            IdKind::VSwitch => {
                let vswitch = self.id(called);
                ModifyVSwitch {
                    vswitch,
                    name,
                    description,
                    ipv6_subnet: None,
                    vpc_ipv6_block: None,
                    enable_ipv6: false,
                    disable_ipv6: false,
                }
                .into()
            }
            IdKind::RouteTable => {
                ModifyRouteTable { route_table: self.id(called), name, description, propagation: None }.into()
            }
            IdKind::SecurityGroup => {
                ModifySecurityGroup { group: self.id(called), name, description, inner_access: None }.into()
            }
            IdKind::Eni => ModifyEni {
                eni: self.id(called),
                name,
                description,
                groups: None,
                delete_on_release: None,
                source_dest_check: None,
                queues: None,
                traffic_mode: None,
            }
            .into(),
            other => panic!("nobody renames a {}", other.name()),
        }
    }

    pub fn show(&self, name: &str) -> String {
        let (id, w) = (self.any(name), &self.world);
        let state = match id.kind() {
            IdKind::Vpc => w.get::<Vpc>(&self.id(name)).map(|v| format!("{} {}", v.block, v.status.text())),
            IdKind::VSwitch => w.get::<VSwitch>(&self.id(name)).map(|s| {
                format!("{} {}, {} addresses free", s.block, s.status.text(), s.available_addresses(w))
            }),
            IdKind::RouteTable => {
                w.get::<RouteTable>(&self.id(name)).map(|t| format!("{} {}", t.kind.text(), t.status.text()))
            }
            IdKind::RouteEntry => {
                w.get::<RouteEntry>(&self.id(name)).map(|e| format!("{} {}", e.destination, e.status.text()))
            }
            IdKind::SecurityGroup => w
                .get::<sim_core::ecs::security_group::SecurityGroup>(&self.id(name))
                .map(|g| g.kind.text().to_owned()),
            IdKind::Eni => {
                w.get::<Eni>(&self.id(name)).map(|e| format!("{} {}", e.primary_ip, e.status.text()))
            }
            IdKind::CidrReservation => w
                .get::<sim_core::vpc::cidr_reservation::CidrReservation>(&self.id(name))
                .map(|r| r.block.to_string()),
            IdKind::Instance => w
                .get::<sim_core::ecs::instance::Instance>(&self.id(name))
                .map(|i| format!("{} {}", i.primary(w).primary_ip, i.status.text())),
            IdKind::Eip => w
                .get::<sim_core::vpc::eip::Eip>(&self.id(name))
                .map(|eip| format!("{} {}", eip.address, eip.status.text())),
            IdKind::VpcPeer => w
                .get::<sim_core::vpc::vpc_peer::VpcPeer>(&self.id(name))
                .map(|peer| peer.status.text().to_owned()),
            IdKind::RouterInterface => w
                .get::<sim_core::vpc::router_interface::RouterInterface>(&self.id(name))
                .map(|r| format!("{} {} {}", r.role.text(), r.spec_text(), r.status.text())),
            IdKind::Ipv6Gateway => w
                .get::<sim_core::vpc::ipv6_gateway::Ipv6Gateway>(&self.id(name))
                .map(|gateway| gateway.status.text().to_owned()),
            IdKind::Ipv6EgressRule => w
                .get::<sim_core::vpc::ipv6_egress_rule::Ipv6EgressRule>(&self.id(name))
                .map(|rule| format!("{} {}", rule.address, rule.status.text())),
            IdKind::Ipv4Gateway => w
                .get::<sim_core::vpc::ipv4_gateway::Ipv4Gateway>(&self.id(name))
                .map(|gateway| gateway.status.text().to_owned()),
            IdKind::HaVip => w
                .get::<sim_core::vpc::ha_vip::HaVip>(&self.id(name))
                .map(|vip| format!("{} {}", vip.address, vip.status.text())),
            IdKind::NatGateway => w
                .get::<sim_core::vpc::nat_gateway::NatGateway>(&self.id(name))
                .map(|nat| format!("{} {}", nat.address, nat.status.text())),
            IdKind::LoadBalancer => w
                .get::<sim_core::slb::load_balancer::LoadBalancer>(&self.id(name))
                .map(|balancer| balancer.address.to_string()),
            IdKind::Listener => w
                .get::<sim_core::slb::listener::Listener>(&self.id(name))
                .map(|l| format!("{}/{} {}", l.port, l.protocol.text(), l.status.text())),
            IdKind::AccessControlList => w
                .get::<sim_core::slb::acl::AccessControlList>(&self.id(name))
                .map(|acl| format!("{} entries", acl.entries.len())),
            IdKind::ServerCertificate => w
                .get::<sim_core::slb::certificate::ServerCertificate>(&self.id(name))
                .map(|certificate| certificate.facts.common_name.to_string()),
            IdKind::VServerGroup => w
                .get::<sim_core::slb::server_group::VServerGroup>(&self.id(name))
                .map(|group| format!("{} backends", group.backends.len())),
            IdKind::MasterSlaveGroup => w
                .get::<sim_core::slb::master_slave_group::MasterSlaveGroup>(&self.id(name))
                .map(|group| format!("{} backends", group.members().count())),
            IdKind::NetworkAcl => w
                .get::<sim_core::vpc::network_acl::NetworkAcl>(&self.id(name))
                .map(|acl| acl.status.text().to_owned()),
            IdKind::Resident => w
                .get::<sim_core::vpc::resident::Resident>(&self.id(name))
                .map(|r| format!("{} {}", r.kind, r.address)),
            other => panic!("nobody shows a {}", other.name()),
        };
        match state {
            Some(state) => format!("{id} {state}"),
            None => format!("{id} is gone"),
        }
    }

    /// What something is called, or its id.
    pub fn called(&self, id: AnyId) -> String {
        self.names
            .iter()
            .find(|(_, named)| **named == id)
            .map_or_else(|| id.to_string(), |(name, _)| name.clone())
    }

    fn lookup(&self, table: &str, address: IpAddr) -> String {
        let table = self.world.get::<RouteTable>(&self.table(table)).expect("the table is there");
        match route_table::lookup(&self.world, table, address) {
            None => "no entry: the packet is dropped".to_owned(),
            Some(entry) => {
                let hop = match entry.next_hop {
                    NextHop::Local => "local".to_owned(),
                    other => self.called(other.id().expect("it is an object")),
                };
                format!("{} {} by {}", entry.destination, hop, entry.kind.text())
            }
        }
    }

    fn packet(&self, eni: &str, direction: &str, protocol: &str, peer: IpAddr, port: u16) -> String {
        let eni = self.world.get::<Eni>(&self.id(eni)).expect("the interface is there");
        let direction = way(direction);
        let protocol = match protocol {
            "tcp" => PacketProtocol::Tcp,
            "udp" => PacketProtocol::Udp,
            "icmp" => PacketProtocol::Icmp,
            other => panic!("there is no protocol {other}"),
        };
        // A session goes to the port that it names, from a high one.
        let (peer_port, own_port) = match direction {
            Direction::Ingress => (40_000, port),
            Direction::Egress => (port, 40_000),
        };
        let packet = Packet { protocol, peer, own: eni.primary_ip.into(), peer_port, own_port };
        let verdict = group_filter::evaluate(&self.world, eni, direction, &packet);
        let why = match verdict.decided_by {
            DecidedBy::Platform => "the platform".to_owned(),
            DecidedBy::InnerAccess(group) => format!("{}, which both belong to", self.called(group.into())),
            DecidedBy::Default(kind) => format!("the default of {} groups", kind.text()),
            DecidedBy::Rule(rule) => {
                let rule = self.world.get::<SecurityGroupRule>(&rule).expect("the rule is there");
                format!("a rule of {} with priority {}", self.called(rule.group.into()), rule.spec.priority)
            }
        };
        format!("{} by {why}", if verdict.allowed { "let through" } else { "dropped" })
    }
}

fn way(word: &str) -> Direction {
    match word {
        "in" => Direction::Ingress,
        "out" => Direction::Egress,
        other => panic!("there is no direction {other}"),
    }
}
