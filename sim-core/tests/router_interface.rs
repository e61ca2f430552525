//! The life of router interfaces: how two become a connection, what each check of it wants, what time does, and what is
//! left when one goes.

use sim_core::id::{RouterInterfaceId, VRouterId, VpcId};
use sim_core::settings::{ChangeSettings, Provisioning};
use sim_core::vpc::next_hop::{HopChoice, WeightedHop};
use sim_core::vpc::route_entry::{CreateRouteEntry, DeleteRouteEntry, EntryRef, NewEntry, next_hop_users};
use sim_core::vpc::router_connection::{
    self, ActivateRouterInterface, ConnectRouterInterface, DeactivateRouterInterface,
};
use sim_core::vpc::router_interface::{
    CreateRouterInterface, DeleteRouterInterface, ModifyRouterInterface, ModifyRouterInterfaceSpec, Opposite,
    Role, RouterInterface, RouterInterfaceStatus as S, Spec,
};
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc, Vpc};
use sim_core::{AccountId, Caller, Command, ErrorCode as E, Genesis, Outcome, Reply, Span, World};

const OTHER: AccountId = AccountId(1_000_000_000_000_002);

fn here() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

fn there() -> Caller {
    Caller::new(OTHER, "cn-shanghai")
}

/// Two routers: one of the own account, one of another account in another region.
struct Lab {
    world: World,
    own: VpcId,
    foreign: VpcId,
}

impl Lab {
    fn new() -> Lab {
        let nobody: VpcId = "vpc-bp100000000000000000".parse().unwrap();
        let mut lab = Lab { world: World::new(Genesis::default()), own: nobody, foreign: nobody };
        lab.own = lab.vpc(&here(), "10.0.0.0/8");
        lab.foreign = lab.vpc(&there(), "192.168.0.0/16");
        lab
    }

    fn vpc(&mut self, caller: &Caller, block: &str) -> VpcId {
        let block = Some(block.parse().unwrap());
        self.ok(caller, CreateVpc { block, ..CreateVpc::default() }).id()
    }

    fn run(&mut self, caller: &Caller, command: impl Into<Command>) -> Outcome<Reply> {
        self.world.apply(self.world.now(), caller, command.into()).outcome
    }

    #[track_caller]
    fn ok(&mut self, caller: &Caller, command: impl Into<Command>) -> Reply {
        self.run(caller, command).unwrap()
    }

    #[track_caller]
    fn refuses(&mut self, caller: &Caller, command: impl Into<Command>, code: E) {
        let before = self.world.digest();
        assert_eq!(self.run(caller, command).unwrap_err().code(), code);
        assert_eq!(self.world.digest(), before);
    }

    fn router(&self, vpc: VpcId) -> VRouterId {
        self.world.get::<Vpc>(&vpc).unwrap().vrouter
    }

    fn status(&self, id: RouterInterfaceId) -> Option<S> {
        self.world.get::<RouterInterface>(&id).map(|r| r.status)
    }

    /// The initiating side, which names router and account of the other.
    fn initiating(&self) -> CreateRouterInterface {
        new(self.router(self.own), Role::Initiating, &there(), Some(self.router(self.foreign)), None)
    }

    /// Both sides, which name each other.
    fn pair(&mut self) -> [RouterInterfaceId; 2] {
        let made = self.initiating();
        let first: RouterInterfaceId = self.ok(&here(), made).id();
        let (own, foreign) = (self.router(self.own), self.router(self.foreign));
        let made = new(foreign, Role::Accepting, &here(), Some(own), Some(first));
        let second: RouterInterfaceId = self.ok(&there(), made).id();
        self.ok(&here(), named(first, second));
        [first, second]
    }
}

fn new(
    vrouter: VRouterId,
    role: Role,
    far: &Caller,
    far_router: Option<VRouterId>,
    router_interface: Option<RouterInterfaceId>,
) -> CreateRouterInterface {
    let spec = (role == Role::Initiating).then(|| Spec::parse("Small.1").unwrap());
    let (region, account) = (far.region.clone(), Some(far.account));
    let opposite = Opposite { region, account, vrouter: far_router, router_interface };
    let (name, description, resource_group, tags) = (None, None, None, Vec::new());
    CreateRouterInterface { vrouter, role, spec, opposite, name, description, resource_group, tags }
}

fn named(router_interface: RouterInterfaceId, other: RouterInterfaceId) -> ModifyRouterInterface {
    ModifyRouterInterface {
        router_interface,
        name: None,
        description: None,
        opposite_interface: Some(other),
        opposite_vrouter: None,
        opposite_account: None,
    }
}

fn connect(router_interface: RouterInterfaceId) -> ConnectRouterInterface {
    ConnectRouterInterface { router_interface }
}

fn route(lab: &Lab, vpc: VpcId, destination: &str, hop: RouterInterfaceId) -> CreateRouteEntry {
    let table = lab.world.get::<Vpc>(&vpc).unwrap().system_table.to_string().into();
    let (kind, id) = (Some("RouterInterface".into()), Some(hop.to_string().into()));
    let next_hop = HopChoice { kind, id, list: Vec::new() };
    let destination = destination.into();
    CreateRouteEntry { entry: NewEntry { table, destination, next_hop, name: None, description: None } }
}

#[test]
fn two_accounts_connect_their_routers_across_regions() {
    let mut lab = Lab::new();
    let provisioning = Some(Provisioning::Documented);
    lab.ok(&here(), ChangeSettings { provisioning, quotas_lifted: None });
    lab.world.advance(lab.world.now() + Span(60_000));
    let [first, second] = lab.pair();
    assert_eq!((lab.status(first), lab.status(second)), (Some(S::Idle), Some(S::Idle)));
    lab.refuses(&there(), connect(first), E::RouterInterfaceNotFound);
    lab.refuses(&there(), connect(second), E::RouterInterfaceNotInitiating);
    lab.ok(&here(), connect(first));
    assert_eq!((lab.status(first), lab.status(second)), (Some(S::Connecting), Some(S::AcceptingConnecting)));
    lab.refuses(&here(), connect(first), E::RouterInterfaceStatusIncorrect);
    let (own, foreign) = (lab.own, lab.foreign);
    let way = route(&lab, own, "192.168.0.0/16", first);
    lab.refuses(&here(), way.clone(), E::RouteRouterInterfaceStatus);
    lab.world.advance(lab.world.now() + Span(1_000));
    assert_eq!((lab.status(first), lab.status(second)), (Some(S::Active), Some(S::Active)));
    let row = lab.world.get::<RouterInterface>(&first).unwrap();
    assert_eq!((row.connected, row.bandwidth(), row.spec_text()), (Some(lab.world.now()), 10, "Small.1"));
    assert_eq!(router_connection::across(&lab.world, row).map(|r| r.id), Some(second));
    // Routes are each side's own, for IPv4, and keep the interface.
    lab.ok(&here(), way);
    let back = route(&lab, foreign, "10.0.0.0/8", second);
    lab.ok(&there(), back);
    lab.refuses(
        &here(),
        DeleteRouterInterface { router_interface: first },
        E::RouterInterfaceStatusIncorrect,
    );
    lab.refuses(&here(), DeleteVpc { vpc: own }, E::VpcHasRouterInterface);
    // The specification changes while packets cross.
    let spec = Spec::parse("Middle.5").ok();
    lab.ok(&here(), ModifyRouterInterfaceSpec { router_interface: first, spec });
    let row = lab.world.get::<RouterInterface>(&first).unwrap();
    assert_eq!((row.status, row.bandwidth()), (S::Modifying, 500));
    assert!(router_connection::across(&lab.world, row).is_some());
    lab.refuses(&here(), named(first, second), E::RouterInterfaceStatusIncorrect);
    lab.world.advance(lab.world.now() + Span(1_000));
    lab.refuses(&here(), named(first, second), E::RouterInterfaceConnected);
    // Frozen at one end, nothing crosses; it is deleted without its routes.
    lab.ok(&here(), DeactivateRouterInterface { router_interface: first });
    assert_eq!(lab.status(first), Some(S::Deactivating));
    lab.world.advance(lab.world.now() + Span(1_000));
    assert_eq!((lab.status(first), lab.status(second)), (Some(S::Inactive), Some(S::Active)));
    let row = lab.world.get::<RouterInterface>(&second).unwrap();
    assert!(router_connection::across(&lab.world, row).is_none());
    lab.ok(&here(), ActivateRouterInterface { router_interface: first });
    assert_eq!(lab.status(first), Some(S::Activating));
    lab.world.advance(lab.world.now() + Span(1_000));
    lab.ok(&here(), DeactivateRouterInterface { router_interface: first });
    lab.world.advance(lab.world.now() + Span(1_000));
    lab.refuses(&here(), DeleteRouterInterface { router_interface: first }, E::RouterInterfaceHasRouteEntry);
    let entry = next_hop_users(&lab.world, first)[0].to_string().into();
    let entry = EntryRef { entry: Some(entry), ..EntryRef::default() };
    lab.ok(&here(), DeleteRouteEntry { entry, next_hop: None, next_hops: Vec::new() });
    lab.world.advance(lab.world.now() + Span(60_000));
    lab.ok(&here(), DeleteRouterInterface { router_interface: first });
    assert_eq!(lab.status(first), Some(S::Deleting));
    lab.world.advance(lab.world.now() + Span(1_000));
    assert_eq!(lab.status(first), None);
    // What is left of the connection is of no more use, and its router has no other to the same one.
    lab.ok(&there(), DeactivateRouterInterface { router_interface: second });
    lab.world.advance(lab.world.now() + Span(1_000));
    lab.refuses(
        &there(),
        ActivateRouterInterface { router_interface: second },
        E::RouterInterfaceOppositeDeleted,
    );
    let (foreign, own) = (lab.router(foreign), lab.router(own));
    lab.refuses(&there(), new(foreign, Role::Accepting, &here(), Some(own), None), E::RouterInterfaceOnlyOne);
}

#[test]
fn a_connection_wants_both_ends_to_name_each_other() {
    let mut lab = Lab::new();
    let (own, foreign) = (lab.router(lab.own), lab.router(lab.foreign));
    let made = lab.initiating();
    let lacking: RouterInterfaceId = lab.ok(&here(), made.clone()).id();
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceOppositeNotSet);
    lab.ok(&here(), named(lacking, "ri-bp100000000000000000".parse().unwrap()));
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceOppositeMissing);
    lab.ok(&here(), ModifyRouterInterface { opposite_vrouter: Some(own), ..named(lacking, lacking) });
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceSameRouter);
    let to = |lab: &mut Lab, other, vrouter, account: &Caller| {
        let account = Some(account.account);
        let change = ModifyRouterInterface {
            opposite_vrouter: Some(vrouter),
            opposite_account: account,
            ..named(lacking, other)
        };
        lab.ok(&here(), change);
    };
    let accepting =
        |far: &Caller, router, interface| new(foreign, Role::Accepting, far, Some(router), interface);
    let second: RouterInterfaceId = lab.ok(&there(), accepting(&here(), foreign, Some(lacking))).id();
    to(&mut lab, second, foreign, &here());
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceOppositeAccount);
    to(&mut lab, second, "vrt-bp100000000000000000".parse().unwrap(), &there());
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceOppositeRouter);
    to(&mut lab, second, foreign, &there());
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceBackRouter);
    let turned = |lab: &mut Lab, interface, router, account: &Caller| {
        let account = Some(account.account);
        let change = ModifyRouterInterface {
            opposite_vrouter: Some(router),
            opposite_account: account,
            ..named(second, interface)
        };
        lab.ok(&there(), change);
    };
    turned(&mut lab, second, own, &here());
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceBackInterface);
    turned(&mut lab, lacking, own, &there());
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceBackAccount);
    turned(&mut lab, lacking, own, &here());
    // Regions are named once and for all.
    let near = Caller::new(OTHER, "cn-beijing");
    let far = new(own, Role::Initiating, &near, Some(foreign), Some(second));
    let far: RouterInterfaceId = lab.ok(&here(), far).id();
    lab.refuses(&here(), connect(far), E::RouterInterfaceOppositeRegion);
    let elsewhere = Caller::new(AccountId::DEFAULT, "cn-beijing");
    let third: RouterInterfaceId = lab.ok(&there(), accepting(&elsewhere, own, Some(lacking))).id();
    to(&mut lab, third, foreign, &there());
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceBackRegion);
    // Both ends of one role.
    let initiating = new(foreign, Role::Initiating, &here(), Some(own), Some(lacking));
    let initiating: RouterInterfaceId = lab.ok(&there(), initiating).id();
    to(&mut lab, initiating, foreign, &there());
    lab.refuses(&here(), connect(lacking), E::RouterInterfaceOppositeRole);
    // Right at last; a second pair between the two is not connected, nor made.
    to(&mut lab, second, foreign, &there());
    let [twin, other] = lab.pair();
    lab.ok(&here(), connect(lacking));
    lab.refuses(&here(), connect(twin), E::RouterInterfaceOnlyOne);
    lab.refuses(&here(), made, E::RouterInterfaceOnlyOne);
    assert_eq!(lab.status(other), Some(S::Idle));
    lab.ok(&here(), DeleteRouterInterface { router_interface: twin });
    assert_eq!(lab.status(twin), None);
}

#[test]
fn a_specification_is_for_the_initiating_side() {
    let mut lab = Lab::new();
    let made = lab.initiating();
    lab.refuses(&here(), CreateRouterInterface { spec: None, ..made.clone() }, E::RouterInterfaceSpecRole);
    let accepting = CreateRouterInterface { role: Role::Accepting, ..made.clone() };
    lab.refuses(&here(), accepting.clone(), E::RouterInterfaceSpecRole);
    let second: RouterInterfaceId = lab.ok(&here(), CreateRouterInterface { spec: None, ..accepting }).id();
    let (spec, router_interface) = (Spec::parse("Mini.2").ok(), second);
    lab.refuses(&here(), ModifyRouterInterfaceSpec { router_interface, spec }, E::RouterInterfaceSpecRole);
    lab.ok(&here(), ModifyRouterInterfaceSpec { router_interface, spec: None });
    assert!(Spec::parse("Huge.1").is_err() && Role::parse("Middle").is_err());
    // Four more are as many as a router has.
    (0..4).for_each(|_| drop(lab.ok(&here(), made.clone())));
    lab.refuses(&here(), made, E::RouterInterfaceQuotaExceeded);
}

#[test]
fn an_entry_leads_to_an_interface_of_its_own_router() {
    let mut lab = Lab::new();
    let [first, second] = lab.pair();
    lab.ok(&here(), connect(first));
    let (own, foreign) = (lab.own, lab.foreign);
    let third = lab.vpc(&here(), "172.16.0.0/12");
    let elsewhere = route(&lab, third, "192.168.0.0/16", first);
    lab.refuses(&here(), elsewhere, E::RouteRouterInterfaceOtherVpc);
    let missing = route(&lab, own, "192.168.0.0/16", second);
    lab.refuses(&here(), missing, E::RouteNextHopNotFound);
    let back = route(&lab, foreign, "10.0.0.0/8", second);
    lab.ok(&there(), back);
    // Packets are shared among interfaces of border routers alone.
    let one = |id: String| WeightedHop { kind: "RouterInterface".into(), id: id.into(), weight: Some(100) };
    let mut shared = route(&lab, own, "192.168.0.0/16", first);
    let made = lab.initiating();
    lab.refuses(&here(), made, E::RouterInterfaceOnlyOne);
    shared.entry.next_hop =
        HopChoice { kind: None, id: None, list: vec![one(first.to_string()), one(second.to_string())] };
    lab.refuses(&here(), shared.clone(), E::RouteNextHopNotFound);
    let idle = new(lab.router(own), Role::Initiating, &there(), None, None);
    let idle: RouterInterfaceId = lab.ok(&here(), idle).id();
    shared.entry.next_hop.list[1] = one(idle.to_string());
    lab.refuses(&here(), shared, E::RouteEcmpType);
}
