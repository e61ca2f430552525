//! The members of a listener: whom it forwards to, and at which port.

use crate::slb::backend::Backend;
use crate::slb::listener::Listener;
use crate::slb::load_balancer::LoadBalancer;
use crate::slb::server_group::VServerGroup;
use crate::world::World;

/// A member of a pool as a listener sees it.
#[derive(Clone, Copy, Debug)]
pub struct Served<'w> {
    /// The member.
    pub backend: &'w Backend,
    /// Its port: its own in a vServer group, the listener's in a default pool.
    pub port: u16,
}

/// The members of a listener, in the order in which they came: of its group, or of the default pool. A listener that sends
/// clients to another has none.
pub fn of<'w>(w: &'w World, listener: &Listener) -> impl Iterator<Item = Served<'w>> + use<'w> {
    let backends: &[Backend] = match listener.group {
        _ if listener.redirect.is_some() => &[],
        Some(group) => w.get::<VServerGroup>(&group).map_or(&[], |group| &group.backends),
        None => w.get::<LoadBalancer>(&listener.load_balancer).map_or(&[], |balancer| &balancer.backends),
    };
    let of_listener = listener.backend_port;
    backends.iter().filter_map(move |backend| {
        let port = backend.port.or(of_listener)?;
        Some(Served { backend, port })
    })
}
