//! Regions and zones that a world has: the catalogue's, and those added by a setting.

use crate::access::{RegionId, ZoneId};
use crate::catalog;
use crate::error::{ErrorCode, Outcome, Refusal, beginning};
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

/// The English name of a region without its country: `Hangzhou` of `China (Hangzhou)`; the id of a region that only the
/// settings know.
fn place(region: &RegionId) -> &str {
    let Some(known) = catalog::region(&region.0) else { return &region.0 };
    let inner = known.name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(known.name, |inner| inner.split(" - ").next().unwrap_or(inner))
}

/// The English name of a region, such as `China (Hangzhou)`; the id of one that only the settings know.
pub fn region_name(region: &RegionId) -> &str {
    catalog::region(&region.0).map_or(&region.0, |known| known.name)
}

/// The English name of a zone, such as `Hangzhou Zone K`; the id of one that does not end in a letter of its own.
pub fn zone_name(region: &RegionId, zone: &ZoneId) -> String {
    let letter = zone.0.strip_prefix(region.0.as_str()).map(|rest| rest.trim_start_matches('-'));
    match letter {
        Some(letter) if !letter.is_empty() => {
            format!("{} Zone {}", place(region), letter.to_ascii_uppercase())
        }
        _ => zone.to_string(),
    }
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
        .detail(format!("{:?} is not a region.", beginning(&region.0)))
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
        .detail(format!("{:?} is not a zone of {}.", beginning(&zone.0), beginning(&region.0)))
        .accepted(if names.is_empty() { "a zone of a known region".to_owned() } else { names }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_and_zones_have_english_names() {
        for (region, zone, name) in [
            ("cn-hangzhou", "cn-hangzhou-k", "Hangzhou Zone K"),
            ("cn-nanjing", "cn-nanjing-a", "Nanjing Zone A"),
            ("us-east-1", "us-east-1b", "Virginia Zone B"),
            ("ap-southeast-1", "ap-southeast-1a", "Singapore Zone A"),
            ("moon-1", "moon-1a", "moon-1 Zone A"),
            ("cn-hangzhou", "edge-7", "edge-7"),
        ] {
            assert_eq!(zone_name(&region.into(), &zone.into()), name);
        }
        assert_eq!(region_name(&"cn-hangzhou".into()), "China (Hangzhou)");
        assert_eq!(region_name(&"moon-1".into()), "moon-1");
    }
}
