//! Placeholder until the catalogue lands.
use crate::id::RegionCode;
/// A region.
#[derive(Debug)]
pub struct Region {
    /// id
    pub id: &'static str,
    /// zones
    pub zones: &'static [&'static str],
}
static R: [Region; 2] = [
    Region { id: "cn-hangzhou", zones: &["cn-hangzhou-b", "cn-hangzhou-k"] },
    Region { id: "cn-beijing", zones: &["cn-beijing-a"] },
];
/// regions
pub fn regions() -> &'static [Region] {
    &R
}
/// region
pub fn region(id: &str) -> Option<&'static Region> {
    R.iter().find(|r| r.id == id)
}
/// Region code.
pub fn region_code(region: &str) -> RegionCode {
    match region {
        "cn-hangzhou" => RegionCode::from_text("bp1").unwrap(),
        other => RegionCode::from_name(other),
    }
}
