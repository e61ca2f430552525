//! The life of a peering connection: who sees it, who answers, what time does, and what it takes along.

use sim_core::id::{RouteTableId, VpcId, VpcPeerId};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::next_hop::HopChoice;
use sim_core::vpc::route_entry::{CreateRouteEntry, NewEntry, next_hop_users};
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc, Vpc};
use sim_core::vpc::vpc_peer::{
    self, AcceptVpcPeer, CreateVpcPeer, DeleteVpcPeer, LinkType, ModifyVpcPeer, PeerStatus, RejectVpcPeer,
    VpcPeer,
};
use sim_core::{AccountId, Caller, Command, ErrorCode as E, Genesis, Outcome, Reply, Span, World};

const OTHER: AccountId = AccountId(1_000_000_000_000_002);

fn here() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

fn there() -> Caller {
    Caller::new(OTHER, "cn-shanghai")
}

struct Lab {
    world: World,
    own: VpcId,
    second: VpcId,
    foreign: VpcId,
}

impl Lab {
    fn new() -> Lab {
        let world = World::new(Genesis::default());
        let mut lab = Lab { world, own: nobody(), second: nobody(), foreign: nobody() };
        let block = |text: &str| CreateVpc { block: Some(text.parse().unwrap()), ..CreateVpc::default() };
        lab.own = lab.ok(&here(), block("10.0.0.0/8")).id();
        lab.second = lab.ok(&here(), block("172.16.0.0/12")).id();
        lab.foreign = lab.ok(&there(), block("192.168.0.0/16")).id();
        lab
    }

    fn run(&mut self, caller: &Caller, command: impl Into<Command>) -> Outcome<Reply> {
        self.world.apply(self.world.now(), caller, command.into()).outcome
    }

    fn ok(&mut self, caller: &Caller, command: impl Into<Command>) -> Reply {
        self.run(caller, command).unwrap()
    }

    #[track_caller]
    fn refuses(&mut self, caller: &Caller, command: impl Into<Command>, code: E) {
        let before = self.world.digest();
        assert_eq!(self.run(caller, command).unwrap_err().code(), code);
        assert_eq!(self.world.digest(), before);
    }

    fn wait(&mut self, span: Span) {
        self.world.advance(self.world.now() + span);
    }

    fn status(&self, peer: VpcPeerId) -> Option<PeerStatus> {
        self.world.get::<VpcPeer>(&peer).map(|p| p.status)
    }

    fn table(&self, vpc: VpcId) -> RouteTableId {
        self.world.get::<Vpc>(&vpc).unwrap().system_table
    }

    /// A request for the second VPC of the own account, or the other account's.
    fn request(&self, foreign: bool) -> CreateVpcPeer {
        let (owner, accepting_vpc) = if foreign { (there(), self.foreign) } else { (here(), self.second) };
        CreateVpcPeer {
            vpc: self.own,
            accepting_account: owner.account,
            accepting_region: owner.region,
            accepting_vpc,
            name: Some("to-shared".into()),
            description: None,
            bandwidth: None,
            link_type: None,
            resource_group: None,
            tags: Vec::new(),
        }
    }
}

fn nobody() -> VpcId {
    "vpc-bp100000000000000000".parse().unwrap()
}

fn route(table: RouteTableId, destination: &str, peer: VpcPeerId) -> CreateRouteEntry {
    let (kind, id) = (Some("VpcPeer".into()), Some(peer.to_string().into()));
    let next_hop = HopChoice { kind, id, list: Vec::new() };
    let (table, destination) = (table.to_string().into(), destination.into());
    CreateRouteEntry { entry: NewEntry { table, destination, next_hop, name: None, description: None } }
}

#[test]
fn a_request_within_an_account_is_agreed_to_at_once() {
    let mut lab = Lab::new();
    let request = lab.request(false);
    let peer: VpcPeerId = lab.ok(&here(), request.clone()).id();
    let row = lab.world.get::<VpcPeer>(&peer).unwrap();
    assert_eq!(
        (row.status, row.bandwidth, row.link_type, row.expires),
        (PeerStatus::Activated, None, None, None)
    );
    lab.refuses(&here(), request.clone(), E::VpcPeerExists);
    let turned = CreateVpcPeer { vpc: lab.second, accepting_vpc: lab.own, ..request };
    lab.refuses(&here(), turned, E::VpcPeerExists);
    lab.refuses(&here(), AcceptVpcPeer { peer }, E::VpcPeerStatusIncorrect);
    // Nobody else sees it; the own account does from every region.
    lab.refuses(&there(), DeleteVpcPeer { peer, force: false }, E::VpcPeerNotFound);
    let elsewhere = Caller::new(AccountId::DEFAULT, "cn-beijing");
    assert!(vpc_peer::find(&lab.world, &elsewhere, peer).is_ok());
    let second = lab.second;
    lab.refuses(&here(), DeleteVpc { vpc: second }, E::VpcHasVpcPeer);
    lab.ok(&here(), DeleteVpcPeer { peer, force: false });
    assert_eq!(lab.status(peer), None);
    lab.ok(&here(), DeleteVpc { vpc: second });
}

#[test]
fn another_account_answers_for_itself() {
    let mut lab = Lab::new();
    let request = lab.request(true);
    let peer: VpcPeerId = lab.ok(&here(), request.clone()).id();
    let row = lab.world.get::<VpcPeer>(&peer).unwrap();
    assert_eq!(
        (row.status, row.bandwidth, row.link_type),
        (PeerStatus::Accepting, Some(1_024), Some(LinkType::Gold))
    );
    let (own, foreign) = (lab.table(lab.own), lab.table(lab.foreign));
    lab.refuses(&here(), route(own, "192.168.0.0/16", peer), E::RouteVpcPeerStatus);
    lab.refuses(&here(), AcceptVpcPeer { peer }, E::VpcPeerNotAccepter);
    lab.refuses(&here(), RejectVpcPeer { peer }, E::VpcPeerNotAccepter);
    lab.ok(&there(), AcceptVpcPeer { peer });
    assert_eq!(lab.status(peer), Some(PeerStatus::Activated));
    lab.refuses(&there(), RejectVpcPeer { peer }, E::VpcPeerStatusIncorrect);
    // Both sides have routes; a third VPC of the same account has none.
    lab.ok(&here(), route(own, "192.168.0.0/16", peer));
    lab.ok(&there(), route(foreign, "10.0.0.0/8", peer));
    let second = lab.table(lab.second);
    lab.refuses(&here(), route(second, "192.168.0.0/16", peer), E::RouteVpcPeerOtherVpc);
    let refusal = lab.run(&there(), DeleteVpcPeer { peer, force: false }).unwrap_err();
    assert_eq!(refusal.code(), E::VpcPeerHasRouteEntry);
    // The other side's routes are named to nobody.
    assert_eq!(refusal.details().blockers.len(), 1);
    lab.ok(&there(), DeleteVpcPeer { peer, force: true });
    assert!(next_hop_users(&lab.world, peer).is_empty() && lab.status(peer).is_none());
    // Who was turned down asks again once the first request is gone.
    let peer: VpcPeerId = lab.ok(&here(), request.clone()).id();
    lab.ok(&there(), RejectVpcPeer { peer });
    assert_eq!(lab.status(peer), Some(PeerStatus::Rejected));
    lab.refuses(&there(), AcceptVpcPeer { peer }, E::VpcPeerStatusIncorrect);
    lab.refuses(&here(), request.clone(), E::VpcPeerExists);
    lab.ok(&here(), DeleteVpcPeer { peer, force: false });
    lab.ok(&here(), request);
}

#[test]
fn an_unanswered_request_expires_after_seven_days() {
    let mut lab = Lab::new();
    let request = lab.request(true);
    let peer: VpcPeerId = lab.ok(&here(), request).id();
    lab.wait(Span(vpc_peer::ACCEPT_TIMEOUT.0 - 1));
    assert_eq!(lab.status(peer), Some(PeerStatus::Accepting));
    lab.wait(Span(1));
    assert_eq!(lab.status(peer), Some(PeerStatus::Expired));
    lab.refuses(&there(), AcceptVpcPeer { peer }, E::VpcPeerStatusIncorrect);
    lab.ok(&there(), DeleteVpcPeer { peer, force: false });
    assert_eq!(lab.status(peer), None);
}

#[test]
fn states_take_their_time() {
    let mut lab = Lab::new();
    let provisioning = Some(Provisioning::Documented);
    lab.ok(&here(), ChangeSettings { provisioning, quotas_lifted: None });
    let request = lab.request(true);
    let peer: VpcPeerId = lab.ok(&here(), request).id();
    assert_eq!(lab.status(peer), Some(PeerStatus::Creating));
    lab.refuses(&there(), AcceptVpcPeer { peer }, E::VpcPeerStatusIncorrect);
    lab.refuses(&here(), DeleteVpcPeer { peer, force: true }, E::VpcPeerStatusIncorrect);
    lab.wait(Span(1_000));
    assert_eq!(lab.status(peer), Some(PeerStatus::Accepting));
    lab.ok(&there(), AcceptVpcPeer { peer });
    assert_eq!(lab.status(peer), Some(PeerStatus::Updating));
    lab.wait(Span(1_000));
    assert_eq!(lab.status(peer), Some(PeerStatus::Activated));
    let change = ModifyVpcPeer {
        peer,
        name: Some("1".into()),
        description: None,
        bandwidth: Some(100),
        link_type: Some(LinkType::Platinum),
    };
    lab.ok(&there(), change.clone());
    assert_eq!(lab.status(peer), Some(PeerStatus::Updating));
    lab.refuses(&here(), change, E::VpcPeerStatusIncorrect);
    lab.wait(Span(1_000));
    let row = lab.world.get::<VpcPeer>(&peer).unwrap();
    assert_eq!((row.status, row.bandwidth, row.name.as_str()), (PeerStatus::Activated, Some(100), "1"));
    lab.ok(&here(), DeleteVpcPeer { peer, force: false });
    assert_eq!(lab.status(peer), Some(PeerStatus::Deleting));
    lab.wait(Span(1_000));
    assert_eq!(lab.status(peer), None);
    // The seven days of the request have nobody left to strike.
    lab.wait(vpc_peer::ACCEPT_TIMEOUT);
}

#[test]
fn a_limit_and_a_line_are_for_connections_between_regions() {
    let mut lab = Lab::new();
    let request = lab.request(false);
    let limited = CreateVpcPeer { bandwidth: Some(10), ..request.clone() };
    lab.refuses(&here(), limited, E::VpcPeerBandwidthInRegion);
    let lined = CreateVpcPeer { link_type: Some(LinkType::Gold), ..request.clone() };
    lab.refuses(&here(), lined, E::VpcPeerLinkTypeInRegion);
    let far = CreateVpcPeer { bandwidth: Some(1_025), ..lab.request(true) };
    lab.refuses(&here(), far, E::VpcPeerBandwidthInvalid);
    let itself = CreateVpcPeer { accepting_vpc: lab.own, ..request.clone() };
    lab.refuses(&here(), itself, E::VpcPeerItself);
    let misplaced = CreateVpcPeer { accepting_region: "cn-beijing".into(), ..request.clone() };
    lab.refuses(&here(), misplaced, E::VpcNotFound);
    let nowhere = CreateVpcPeer { accepting_region: "moon-1".into(), ..request };
    lab.refuses(&here(), nowhere, E::RegionNotFound);
}
