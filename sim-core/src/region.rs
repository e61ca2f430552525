//! Regions and zones that a world has: the catalogue's, and those added by a setting.

use crate::access::{RegionId, ZoneId};
use crate::catalog;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::world::World;

/// The zones of a region in order: the catalogue's first, then those of the world's settings.
pub fn zones(w: &World, region: &RegionId) -> Vec<ZoneId> {
    let known = catalog::region(&region.0).map_or(&[][..], |r| r.zones);
    let mut zones: Vec<ZoneId> = known.iter().map(|z| ZoneId::from(*z)).collect();
    for (of, zone) in &w.settings().extra_zones {
        if of == region && !zones.contains(zone) {
            zones.push(zone.clone());
        }
    }
    zones
}

/// The regions of a world: the catalogue's first, then those that only the settings know.
pub fn regions(w: &World) -> Vec<RegionId> {
    let mut regions: Vec<RegionId> = catalog::regions().iter().map(|r| RegionId::from(r.id)).collect();
    for (region, _) in &w.settings().extra_zones {
        if !regions.contains(region) {
            regions.push(region.clone());
        }
    }
    regions
}

/// Checks that a region exists.
///
/// # Errors
/// [`ErrorCode::RegionNotFound`].
pub fn check(w: &World, region: &RegionId) -> Outcome<()> {
    if catalog::region(&region.0).is_some() || w.settings().extra_zones.iter().any(|(r, _)| r == region) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::RegionNotFound)
        .field("region_id")
        .detail(format!("{:?} is not a region.", region.0))
        .accepted("a region such as cn-hangzhou"))
}

/// Checks that a zone exists in a region.
///
/// # Errors
/// [`ErrorCode::ZoneNotFound`] with the zones that exist.
pub fn check_zone(w: &World, region: &RegionId, zone: &ZoneId) -> Outcome<()> {
    let zones = zones(w, region);
    if zones.contains(zone) {
        return Ok(());
    }
    let names = zones.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Refusal::new(ErrorCode::ZoneNotFound)
        .field("zone_id")
        .detail(format!("{:?} is not a zone of {region}.", zone.0))
        .accepted(if names.is_empty() { "a zone of a known region".to_owned() } else { names }))
}
