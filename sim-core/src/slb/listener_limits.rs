//! What holds for the listeners of a load balancer together: one change at a time, no more bandwidth than it has, and targets
//! of redirects.

use crate::error::{ErrorCode, Outcome, Refusal};
use crate::slb::backend;
use crate::slb::listener::{self, CreateListener, Listener, Protocol};
use crate::slb::load_balancer::LoadBalancer;
use crate::world::World;

/// Checks that a new listener waits for none that is being changed, nor for the members of the default pool. A load balancer
/// carries out one change at a time; where provisioning is not documented none takes time.
///
/// # Errors
/// [`ErrorCode::ListenersProcessing`], [`ErrorCode::ListenerBackendsConfiguring`].
pub(crate) fn check_idle(w: &World, balancer: &LoadBalancer) -> Outcome<()> {
    if let Some(busy) = listener::of(w, balancer.id).find(|other| other.check_settled().is_err()) {
        return Err(Refusal::new(ErrorCode::ListenersProcessing)
            .field("load_balancer_id")
            .detail(format!("{} is {}.", busy.id, busy.status.text()))
            .blockers([busy.id])
            .accepted("the same request a little later"));
    }
    check_applied(w, balancer)
}

/// Checks that a listener waits for no change of the members of the default pool.
///
/// # Errors
/// [`ErrorCode::ListenerBackendsConfiguring`].
pub(crate) fn check_applied(w: &World, balancer: &LoadBalancer) -> Outcome<()> {
    let code = ErrorCode::ListenerBackendsConfiguring;
    backend::check_applied(w, balancer.backends_applied, balancer.id, code)
}

/// Checks that the listeners of a load balancer whose bandwidth is paid have no more together than it has; those without a
/// limit of their own share what is left (provider documentation: CreateLoadBalancerTCPListener). Where less is bought
/// later, listeners keep what they have.
///
/// # Errors
/// [`ErrorCode::ListenerBandwidthExceeded`].
pub(crate) fn check_bandwidth(
    w: &World,
    balancer: &LoadBalancer,
    listener: Option<&Listener>,
    wanted: Option<u16>,
) -> Outcome<()> {
    let same = listener.is_some_and(|listener| listener.rules.bandwidth == wanted);
    let (Some(most), Some(wanted), false) = (balancer.bandwidth, wanted, same) else { return Ok(()) };
    let taken = taken(w, balancer, listener);
    let left = u32::from(most).saturating_sub(taken);
    if u32::from(wanted) <= left {
        return Ok(());
    }
    let accepted = if left == 0 { "-1".to_owned() } else { format!("-1, or 1 to {left}") };
    Err(Refusal::new(ErrorCode::ListenerBandwidthExceeded)
        .field("bandwidth")
        .detail(format!("{wanted} was given; {} has {most}, {taken} of which are taken.", balancer.id))
        .accepted(accepted))
}

/// What listeners other than this one have of their own, in Mbit/s.
fn taken(w: &World, balancer: &LoadBalancer, but: Option<&Listener>) -> u32 {
    let others =
        listener::of(w, balancer.id).filter(|other| Some(other.id) != but.map(|listener| listener.id));
    others.filter_map(|other| other.rules.bandwidth).map(u32::from).sum()
}

/// What the listeners of a load balancer share that have no bandwidth of their own, in Mbit/s; absent if bandwidth is not
/// what is paid. What others have is reserved for them, whether they use it or not; where nothing is left, nothing comes
/// through (provider documentation: bandwidth sharing among listeners of a CLB instance).
pub(crate) fn shared_bandwidth(w: &World, balancer: &LoadBalancer) -> Option<u32> {
    balancer.bandwidth.map(|most| u32::from(most).saturating_sub(taken(w, balancer, None)))
}

/// Checks that clients are sent to an HTTPS listener that is there.
///
/// # Errors
/// [`ErrorCode::ListenerRedirectTarget`].
pub(crate) fn check_redirect(w: &World, c: &CreateListener) -> Outcome<()> {
    let Some(port) = c.redirect else { return Ok(()) };
    let target = w.indexes().listeners.by_port.get(&(c.load_balancer, port, false));
    match target.and_then(|id| w.get::<Listener>(id)) {
        Some(target) if target.protocol == Protocol::Https => Ok(()),
        _ => Err(Refusal::new(ErrorCode::ListenerRedirectTarget)
            .field("forward_port")
            .detail(format!("{} has no HTTPS listener on port {port}.", c.load_balancer))),
    }
}
