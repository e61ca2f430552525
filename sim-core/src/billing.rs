//! What an account pays for: the objects whose way of paying the world keeps.
//!
//! The codes of products are those of the provider's price pages (`ProductCode` of `ecs`, `slb` and `eip`; the one
//! `ProductType` that they name is that of `ecs`). Orders have a number and nothing else. A subscription goes on after its
//! end until it is deleted.

use crate::access::{AccountId, Owner, RegionId};
use crate::ecs::instance::{ChargeType, Instance, Renewal};
use crate::id::AnyId;
use crate::region;
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::spec::PayType;
use crate::time::SimTime;
use crate::timer::Counter;
use crate::vpc::eip::Eip;
use crate::world::World;

/// Before the first order of a world: the provider's orders have fifteen digits and more.
const FIRST_ORDER: u64 = 200_000_000_000_000;

/// Takes the number of a new order. What is ordered costs nothing and is there at once, so nothing else is kept of an order.
pub(crate) fn order(w: &mut World) -> u64 {
    FIRST_ORDER + w.count_up(Counter::ORDERS)
}

/// What is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Instances.
    Ecs,
    /// Load balancers.
    Slb,
    /// Elastic IP addresses.
    Eip,
}

impl Product {
    /// The provider's code.
    pub const fn code(self) -> &'static str {
        match self {
            Product::Ecs => "ecs",
            Product::Slb => "slb",
            Product::Eip => "eip",
        }
    }

    /// The provider's word for the kind of the product, where a source has one.
    pub const fn kind(self) -> Option<&'static str> {
        match self {
            Product::Ecs => Some("ecs"),
            Product::Slb | Product::Eip => None,
        }
    }
}

/// An object that is paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// Its id.
    pub id: AnyId,
    /// Where it is.
    pub region: RegionId,
    /// What it is.
    pub product: Product,
    /// Whether it is paid in advance, and not by use.
    pub subscription: bool,
    /// How it is renewed; absent of what is paid by use, and where the world does not keep it.
    pub renewal: Option<Renewal>,
    /// When the subscription ends, seen from now on; absent of what is paid by use.
    pub ends: Option<SimTime>,
    /// When it was made.
    pub created: SimTime,
}

/// What an account pays for in all regions: instances, load balancers and elastic IP addresses, each in the order of
/// [`region::regions`] and of their ids.
pub fn paid(w: &World, account: AccountId) -> impl Iterator<Item = Paid> {
    let regions = region::regions(w);
    let owners: Vec<Owner> = regions.into_iter().map(|region| Owner { account, region }).collect();
    let ix = w.indexes();
    let instances = owners.clone().into_iter().flat_map(|owner| ix.instances.by_owner.of(&owner));
    let balancers = owners.clone().into_iter().flat_map(|owner| ix.load_balancers.by_owner.of(&owner));
    let eips = owners.into_iter().flat_map(|owner| ix.eips.by_owner.of(&owner));
    let instances = instances.filter_map(|id| w.get::<Instance>(id)).map(|i| {
        let subscription = i.terms.charge == ChargeType::PrePaid;
        let renewal = subscription.then_some(i.terms.renewal);
        let paid = Paid::new(i.id, &i.owner, Product::Ecs, subscription, i.created);
        Paid { renewal, ends: i.ends_at(w.now()), ..paid }
    });
    let balancers = balancers
        .filter_map(|id| w.get::<LoadBalancer>(id))
        .map(|b| (b, Paid::new(b.id, &b.owner, Product::Slb, b.pay_type == PayType::Subscription, b.created)))
        .map(|(b, paid)| Paid { ends: b.ends, ..paid });
    let eips = eips
        .filter_map(|id| w.get::<Eip>(id))
        .map(|e| (e, Paid::new(e.id, &e.owner, Product::Eip, e.payment == ChargeType::PrePaid, e.created)))
        .map(|(e, paid)| Paid { ends: e.ends, ..paid });
    instances.chain(balancers).chain(eips)
}

impl Paid {
    fn new(
        id: impl Into<AnyId>,
        owner: &Owner,
        product: Product,
        subscription: bool,
        created: SimTime,
    ) -> Paid {
        Paid {
            id: id.into(),
            region: owner.region.clone(),
            product,
            subscription,
            renewal: None,
            ends: None,
            created,
        }
    }
}
