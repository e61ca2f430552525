//! Regions, and the zones in which vSwitches and instances are placed.

use crate::id::RegionCode;
use std::sync::OnceLock;

const DATA: &str = include_str!("../../data/zones.json");

/// A region of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Such as `cn-hangzhou`.
    pub id: &'static str,
    /// The three characters that an id made in this region carries behind its prefix, such as `bp1` in `vpc-bp1…`.
    pub code: &'static str,
    /// The English name, such as `China (Hangzhou)`.
    pub name: &'static str,
    /// The ids of its zones in ascending order, at least two. In China the letter follows a hyphen
    /// (`cn-hangzhou-b`); where the region ends in a number it follows directly (`us-east-1a`).
    pub zones: &'static [&'static str],
}

/// Every region in ascending order of its id.
pub fn regions() -> &'static [Region] {
    static PARSED: OnceLock<Vec<Region>> = OnceLock::new();
    PARSED.get_or_init(|| {
        type Row = (&'static str, &'static str, &'static str, Vec<&'static str>);
        let rows: Vec<Row> =
            serde_json::from_str(DATA).expect("data/zones.json is generated and parsed in a test");
        // The zones live as long as the program, like the regions that hold them.
        let region = |(id, code, name, zones): Row| Region { id, code, name, zones: zones.leak() };
        rows.into_iter().map(region).collect()
    })
}

/// The region of this id.
pub fn region(id: &str) -> Option<&'static Region> {
    let regions = regions();
    regions.binary_search_by(|region| region.id.cmp(id)).ok().map(|at| &regions[at])
}

/// The zones of a region in ascending order; empty for a region that the catalogue does not know.
pub fn zones_of(region_id: &str) -> &'static [&'static str] {
    region(region_id).map_or(&[], |region| region.zones)
}

/// The code that ids of a region carry; one derived from the name for a region that the catalogue does not know.
pub fn region_code(region_id: &str) -> RegionCode {
    region(region_id)
        .and_then(|region| RegionCode::from_text(region.code))
        .unwrap_or_else(|| RegionCode::from_name(region_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn regions_are_sorted_with_distinct_valid_codes() {
        assert!(regions().is_sorted_by(|a, b| a.id < b.id));
        let codes: BTreeSet<&str> = regions().iter().map(|region| region.code).collect();
        assert_eq!(codes.len(), regions().len());
        for region in regions() {
            assert!(RegionCode::from_text(region.code).is_some(), "{}", region.id);
            assert!(!region.name.is_empty(), "{}", region.id);
        }
    }

    #[test]
    fn a_zone_is_its_region_and_a_letter() {
        for region in regions() {
            assert!(region.zones.len() >= 2 && region.zones.is_sorted_by(|a, b| a < b), "{}", region.id);
            for zone in region.zones {
                let rest = zone.strip_prefix(region.id).unwrap_or_else(|| panic!("{zone} of {}", region.id));
                let numbered = region.id.ends_with(|last: char| last.is_ascii_digit());
                let letter = if numbered { Some(rest) } else { rest.strip_prefix('-') };
                let letter = letter.unwrap_or_else(|| panic!("{zone}"));
                assert!(letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase()), "{zone}");
            }
        }
    }

    #[test]
    fn a_region_is_found_by_its_id() {
        let hangzhou = region("cn-hangzhou").unwrap();
        assert_eq!((hangzhou.code, hangzhou.name), ("bp1", "China (Hangzhou)"));
        assert_eq!(region_code("cn-hangzhou"), RegionCode::from_text("bp1").unwrap());
        assert_eq!(zones_of("us-east-1"), ["us-east-1a", "us-east-1b"]);
        assert!(zones_of("cn-hangzhou").contains(&"cn-hangzhou-k"));
        for unknown in ["", "cn", "cn-hangzhou-b", "CN-HANGZHOU", "mars-1"] {
            assert!(region(unknown).is_none() && zones_of(unknown).is_empty(), "{unknown}");
            assert_eq!(region_code(unknown), RegionCode::from_name(unknown));
        }
    }
}
