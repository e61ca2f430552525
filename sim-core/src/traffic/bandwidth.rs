//! How much comes in: the bandwidths of listeners, of load balancers, and of the elastic IP addresses that stand for them.
//!
//! A bandwidth of a listener is reserved for it and is the most that it has; listeners without one share what those leave of
//! the load balancer's, and where nothing is left nothing comes through to them; above it packets are dropped (provider
//! documentation: bandwidth sharing among listeners of a CLB instance). Where bandwidth is paid, as much may come in as go
//! out; a load balancer that is paid by traffic is promised none, so that nothing limits it (provider documentation:
//! bandwidth limits of pay-as-you-go CLB instances).
//!
//! Chosen here, where nothing is published: what comes in is limited and nothing that goes out; a bandwidth is a bucket that
//! is full at first, holds what it lets through in a second, and fills by as much a second; a connection, or a request over
//! HTTP, takes its bytes out at once, or is lost if they are not there. Half of what a bucket holds is common to the listeners
//! that share it, the other half is in equal parts for each: each part fills by an equal share of the bandwidth, and what is
//! above comes to the common half, from which those take whose own part is empty. So listeners that all want more come to
//! equal shares, as the provider says, and what one leaves the others have. Bits a microsecond are Mbit/s, and bits are
//! counted in as many parts as there are listeners, so that all is exact.

use super::bad::{BadScenario, bad, number};
use super::scenario::Listener;
use crate::slb::load_balancer::MAX_BANDWIDTH;
use crate::vpc::eip::InternetCharge;

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;

/// A bandwidth at work. Times are microseconds from the first client on; what it holds is in parts of a bit, as many as
/// there are listeners that share it.
pub(super) struct Bucket {
    /// In Mbit/s.
    bandwidth: u64,
    /// What it holds for each listener.
    own: Vec<u64>,
    /// What it holds for all.
    common: u64,
    /// When it held that.
    at: u64,
}

impl Bucket {
    /// That of a bandwidth in Mbit/s, which so many listeners share.
    pub fn of(bandwidth: u32, listeners: usize) -> Bucket {
        let mut bucket = Bucket { bandwidth: bandwidth.into(), own: vec![0; listeners], common: 0, at: 0 };
        (bucket.own, bucket.common) = (vec![bucket.most_own(); listeners], bucket.most_common());
        bucket
    }

    /// The most that it holds for a listener: half a second of its share.
    fn most_own(&self) -> u64 {
        self.bandwidth * SECOND / 2
    }

    /// The most that it holds for all: half a second of the whole.
    fn most_common(&self) -> u64 {
        self.bandwidth * SECOND / 2 * self.own.len() as u64
    }

    /// Whether so many bits are there for a listener. Nothing at all comes through where there is no bandwidth.
    pub fn has(&mut self, at: u64, listener: usize, bits: u64) -> bool {
        let (came, most_own, most_common) =
            (self.bandwidth * (at - self.at), self.most_own(), self.most_common());
        self.at = at;
        for own in &mut self.own {
            let filled = *own + came;
            *own = filled.min(most_own);
            self.common = most_common.min(self.common + (filled - *own));
        }
        self.bandwidth > 0 && bits * self.own.len() as u64 <= self.own[listener] + self.common
    }

    /// Takes so many bits out, which are there.
    pub fn take(&mut self, listener: usize, bits: u64) {
        let parts = bits * self.own.len() as u64;
        let of_own = parts.min(self.own[listener]);
        self.own[listener] -= of_own;
        self.common -= parts - of_own;
    }
}

/// What listeners share that have no bandwidth of their own, in Mbit/s.
pub(super) fn shared(all: Option<u32>, own: impl Iterator<Item = u32>) -> Option<u32> {
    all.map(|all| all.saturating_sub(own.sum()))
}

impl Listener {
    /// The bandwidth of which it has all or a share, if one limits it.
    pub(super) fn own_or_shared(&self) -> Option<u32> {
        self.bandwidth.or(self.shared_bandwidth).or(self.load_balancer_bandwidth)
    }

    /// Checks its bandwidths; `at` is its field.
    pub(super) fn check_bandwidth(&self, at: &str) -> Result<(), BadScenario> {
        check(&format!("{at}.bandwidth"), self.bandwidth)?;
        check(&format!("{at}.load_balancer_bandwidth"), self.load_balancer_bandwidth)?;
        check_eip(&format!("{at}.eip_bandwidth"), self.eip_bandwidth)?;
        check_sum(&format!("{at}.bandwidth"), self.load_balancer_bandwidth, self.bandwidth.into_iter())
    }
}

/// Checks the bandwidth of a listener or a load balancer (provider documentation: CreateLoadBalancer, Bandwidth).
pub(super) fn check(at: &str, bandwidth: Option<u32>) -> Result<(), BadScenario> {
    bandwidth.map_or(Ok(()), |bandwidth| number(at, bandwidth, 1, MAX_BANDWIDTH.into()))
}

/// Checks the bandwidth of an elastic IP address.
pub(super) fn check_eip(at: &str, bandwidth: Option<u32>) -> Result<(), BadScenario> {
    bandwidth.map_or(Ok(()), |bandwidth| number(at, bandwidth, 1, InternetCharge::ByBandwidth.most()))
}

/// Checks that listeners have no more together than their load balancer (provider documentation:
/// CreateLoadBalancerTCPListener, Bandwidth).
pub(super) fn check_sum(
    at: &str,
    all: Option<u32>,
    own: impl Iterator<Item = u32>,
) -> Result<(), BadScenario> {
    let own: u32 = own.sum();
    match all {
        Some(all) if own > all => {
            Err(bad(at, format!("listeners have {own} together and their load balancer {all}; write less")))
        }
        _ => Ok(()),
    }
}
