//! System images: what an instance boots from.
//!
//! The catalogue is cloudnet's own: a few images named and sized in the provider's manner, not a copy of its list,
//! which changes every month. Only operating system, architecture and size matter to the rules.

use serde::Deserialize;
use std::sync::OnceLock;

const DATA: &str = include_str!("../../data/images.json");

/// A system image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Image {
    /// Such as `aliyun_3_x64_20G_alibase_20240819.vhd`.
    pub id: &'static str,
    /// The family, of which the image with the greatest id is the newest: `acs:alibaba_cloud_linux_3_2104_lts_x64`.
    pub family: &'static str,
    /// The name of the operating system, in English.
    pub os_name: &'static str,
    /// What sort of operating system it is; host names follow it.
    pub os: Os,
    /// The provider's word for the platform, such as `Ubuntu`.
    pub platform: &'static str,
    /// What processor it runs on.
    pub architecture: Architecture,
    /// The smallest system disk, in GiB.
    pub size_gib: u16,
}

impl Image {
    /// When it was made, by the date at the end of its id: `2024-08-19T00:00:00Z`.
    pub fn created_at(&self) -> String {
        let date = self.id.trim_end_matches(".vhd").rsplit('_').next().unwrap_or_default();
        let part = |from, to| date.get(from..to).unwrap_or_default();
        format!("{}-{}-{}T00:00:00Z", part(0, 4), part(4, 6), part(6, 8))
    }
}

/// A sort of operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Any Linux.
    Linux,
    /// Windows Server.
    Windows,
}

impl Os {
    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Os::Linux => "linux",
            Os::Windows => "windows",
        }
    }
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86,
    /// 64-bit ARM.
    Arm64,
}

impl Architecture {
    /// The provider's word for an image's architecture.
    pub const fn text(self) -> &'static str {
        match self {
            Architecture::X86 => "x86_64",
            Architecture::Arm64 => "arm64",
        }
    }

    /// The architecture of an instance type: the families with ARM processors are few and told by name.
    pub fn of_type(instance_type: &str) -> Architecture {
        const ARM: [&str; 6] = ["ecs.c6r", "ecs.g6r", "ecs.c8y", "ecs.g8y", "ecs.r8y", "ecs.ebmg6r"];
        let family = instance_type.rsplit_once('.').map_or(instance_type, |(family, _)| family);
        if ARM.contains(&family) { Architecture::Arm64 } else { Architecture::X86 }
    }
}

/// Every image in ascending order of its id.
pub fn images() -> &'static [Image] {
    static PARSED: OnceLock<Vec<Image>> = OnceLock::new();
    PARSED.get_or_init(|| serde_json::from_str(DATA).expect("data/images.json is parsed in a test"))
}

/// The image of this id.
pub fn image(id: &str) -> Option<&'static Image> {
    let images = images();
    images.binary_search_by(|known| known.id.cmp(id)).ok().map(|at| &images[at])
}

/// The newest image of a family.
pub fn newest_of_family(family: &str) -> Option<&'static Image> {
    images().iter().rev().find(|known| known.family == family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_sorted_and_found() {
        assert!(images().is_sorted_by(|a, b| a.id < b.id));
        for known in images() {
            assert_eq!(image(known.id), Some(known));
            let made = crate::SimTime::parse(&known.created_at()).unwrap();
            assert_eq!(made.to_seconds_text(), known.created_at());
            assert!(known.size_gib >= 20 && known.family.starts_with("acs:"), "{}", known.id);
            assert!(newest_of_family(known.family).is_some_and(|newest| newest.id >= known.id));
        }
        assert_eq!(image("m-1"), None);
        assert_eq!(newest_of_family("acs:plan_9"), None);
        let newest = newest_of_family("acs:alibaba_cloud_linux_3_2104_lts_x64").unwrap();
        assert_eq!(newest.id, "aliyun_3_x64_20G_alibase_20240819.vhd");
        assert!(images().iter().any(|i| i.os == Os::Windows && i.size_gib == 40));
    }

    #[test]
    fn the_architecture_follows_the_family() {
        assert_eq!(Architecture::of_type("ecs.g8y.large"), Architecture::Arm64);
        assert_eq!(Architecture::of_type("ecs.g7.large"), Architecture::X86);
    }
}
