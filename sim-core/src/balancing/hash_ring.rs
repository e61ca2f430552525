//! Consistent hashing: a key keeps its backend when others come and go.
//!
//! Each backend has as many points on a ring of 2^64 as its weight says; a key belongs to the first point at or after its
//! own hash. The provider publishes no function; this one is XXH3 with the backend's key, so a point depends on its
//! backend alone, and a backend that leaves moves only the keys that it had.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Points of a backend for each unit of its weight: even weights of 100 stay within a few percent of each other.
const POINTS_PER_WEIGHT: u16 = 4;

/// Points of backends on the ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashRing {
    /// Sorted by the point.
    points: Vec<(u64, u32)>,
}

impl HashRing {
    /// A ring of the backends with these keys and weights; the weight 0 has no point. Their places in the list are what
    /// [`HashRing::find`] answers.
    pub fn new<'a>(backends: impl IntoIterator<Item = (&'a [u8], u8)>) -> HashRing {
        let mut points = Vec::new();
        for (place, (key, weight)) in (0..).zip(backends) {
            let number = u16::from(weight) * POINTS_PER_WEIGHT;
            points.extend((0..number).map(|n| (xxh3_64_with_seed(key, u64::from(n)), place)));
        }
        // Two equal points would be a matter of order; the lower place has it.
        points.sort_unstable();
        points.dedup_by_key(|(point, _)| *point);
        HashRing { points }
    }

    /// The place of the backend that a key belongs to; `None` if no backend has a weight.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = xxh3_64_with_seed(key, u64::MAX);
        let at = self.points.partition_point(|(point, _)| *point < hash);
        self.points.get(at).or(self.points.first()).map(|(_, place)| *place)
    }
}
