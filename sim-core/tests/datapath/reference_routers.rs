//! Router interfaces in the naive evaluator.

use crate::facts::{block, cut_through, own, system_route, within};
use crate::reference::{Follower, PATIENCE, Step, hop_eni};
use sim_core::datapath::Place;
use sim_core::id::RouterInterfaceId;
use sim_core::vpc::next_hop::NextHop;
use sim_core::vpc::router_interface::{RouterInterface, RouterInterfaceStatus};

impl Follower<'_> {
    /// From router to router, until one delivers the packet or gives it to an interface that forwards.
    pub fn by_router(&mut self, mut id: RouterInterfaceId) -> Step<Place> {
        let address = self.header.destination;
        for _ in 0..PATIENCE {
            self.crossed += 1;
            let this = self.w.get::<RouterInterface>(&id).unwrap();
            let other = this.opposite.router_interface.and_then(|id| self.w.get::<RouterInterface>(&id));
            let works = |r: &RouterInterface| r.status == RouterInterfaceStatus::Active;
            let other = other.filter(|other| works(this) && works(other)).ok_or("router_interface_down")?;
            self.vpc = other.vpc;
            if within(block("100.64.0.0/10"), address) {
                return Err("nobody_there");
            }
            let next = match system_route(self.w, self.vpc, address) {
                None => return Err("nobody_there"),
                Some(NextHop::Local) => return self.inside(None),
                Some(NextHop::RouterInterface(next)) => {
                    id = next;
                    continue;
                }
                Some(next) => next,
            };
            let is_host =
                matches!(next, NextHop::Instance(_) | NextHop::NetworkInterface(_) | NextHop::HaVip(_));
            if !is_host {
                return Err("nobody_there");
            }
            let lost = if matches!(next, NextHop::HaVip(_)) { "ha_vip_unanswered" } else { "next_hop_gone" };
            let eni = hop_eni(self.w, next).ok_or(lost)?;
            self.arrives(eni, None)?;
            if own(self.w, eni).contains(&address) {
                return Ok(Place::Interface(eni.id));
            }
            if self.behind(eni) {
                return Ok(Place::Behind(eni.id));
            }
            self.leaves(eni)?;
            if self.crossed > PATIENCE {
                return Err("loop");
            }
            let filtered = !cut_through(self.w, eni.id);
            return self.follow(Some(eni.id.into()), eni.vswitch, filtered);
        }
        Err("loop")
    }
}
