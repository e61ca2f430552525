//! The system disk of an instance: born and gone with it.
//!
//! Disks hold nothing that the network depends on; this is what a client that describes the disks of an instance needs.

use crate::access::{Owner, ZoneId};
use crate::catalog::Image;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{DiskId, InstanceId, ResourceGroupId};
use crate::name::TextRule;
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::Indexes;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The device of every system disk.
pub const SYSTEM_DEVICE: &str = "/dev/xvda";

/// What sort of disk it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskCategory {
    /// The basic disk of old types.
    Cloud,
    /// The ultra disk: what is taken if nothing is said.
    #[default]
    CloudEfficiency,
    /// The standard SSD.
    CloudSsd,
    /// The enhanced SSD.
    CloudEssd,
    /// The enhanced SSD of the entry level.
    CloudEssdEntry,
    /// The enhanced SSD that provisions its performance by itself.
    CloudAuto,
}

impl DiskCategory {
    /// Every category with the provider's word.
    pub const ALL: &'static [(&'static str, DiskCategory)] = &[
        ("cloud", DiskCategory::Cloud),
        ("cloud_efficiency", DiskCategory::CloudEfficiency),
        ("cloud_ssd", DiskCategory::CloudSsd),
        ("cloud_essd", DiskCategory::CloudEssd),
        ("cloud_essd_entry", DiskCategory::CloudEssdEntry),
        ("cloud_auto", DiskCategory::CloudAuto),
    ];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            DiskCategory::Cloud => "cloud",
            DiskCategory::CloudEfficiency => "cloud_efficiency",
            DiskCategory::CloudSsd => "cloud_ssd",
            DiskCategory::CloudEssd => "cloud_essd",
            DiskCategory::CloudEssdEntry => "cloud_essd_entry",
            DiskCategory::CloudAuto => "cloud_auto",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::SystemDiskCategory`].
    pub fn parse(text: &str) -> Outcome<DiskCategory> {
        DiskCategory::ALL.iter().find(|(word, _)| *word == text).map(|(_, category)| *category).ok_or_else(
            || {
                let words: Vec<&str> = DiskCategory::ALL.iter().map(|(word, _)| *word).collect();
                Refusal::new(ErrorCode::SystemDiskCategory)
                    .field("system_disk/category")
                    .given(text)
                    .accepted(words.join(", "))
            },
        )
    }

    /// The performance level of a disk that was given none; only one category has levels.
    pub(crate) const fn default_level(self) -> Option<u8> {
        match self {
            DiskCategory::CloudEssd => Some(1),
            _ => None,
        }
    }

    /// The largest system disk, in GiB.
    const fn largest(self) -> u32 {
        match self {
            DiskCategory::Cloud => 500,
            _ => 2048,
        }
    }
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Its id.
    pub id: DiskId,
    /// Whose it is.
    pub owner: Owner,
    /// The instance whose system disk it is.
    pub instance: InstanceId,
    /// Its zone.
    pub zone: ZoneId,
    /// What sort it is.
    pub category: DiskCategory,
    /// The performance level of an enhanced SSD, 0 to 3.
    pub level: Option<u8>,
    /// Its size in GiB.
    pub size_gib: u32,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
    /// The image it was made from.
    pub image: CompactString,
    /// Its resource group.
    pub resource_group: ResourceGroupId,
    /// When it was made.
    pub created: SimTime,
}

/// What is derived from disks.
#[derive(Clone, Debug, Default)]
pub struct DiskIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, DiskId>,
    /// By account, region and zone.
    pub by_zone: Groups<(Owner, ZoneId), DiskId>,
}

impl Row for Disk {
    type Key = DiskId;
    type Index = DiskIndex;

    fn key(&self) -> DiskId {
        self.id
    }

    fn reindex(indexes: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|d| d.id) else { return };
        let ix = &mut indexes.disks;
        ix.by_owner.shift(&id, old.map(|d| d.owner.clone()), new.map(|d| d.owner.clone()));
        let place = |d: &Disk| (d.owner.clone(), d.zone.clone());
        ix.by_zone.shift(&id, old.map(place), new.map(place));
    }
}

impl Resource for Disk {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

const NAME: TextRule = TextRule {
    min: 2,
    max: 128,
    letter_first: true,
    field: "system_disk/name",
    error: ErrorCode::DiskNameMalformed,
};
const DESCRIPTION: TextRule = TextRule {
    min: 2,
    max: 256,
    letter_first: false,
    field: "system_disk/description",
    error: ErrorCode::DiskDescriptionMalformed,
};

/// What a system disk should be; absent fields take what the provider takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemDisk {
    /// What sort.
    pub category: Option<DiskCategory>,
    /// The performance level of an enhanced SSD, 0 to 3; 1 if absent.
    pub level: Option<u8>,
    /// Its size in GiB; 40 or the image's size if absent.
    pub size_gib: Option<u32>,
    /// Its name.
    pub name: Option<CompactString>,
    /// Its description.
    pub description: Option<CompactString>,
}

impl SystemDisk {
    /// Checks everything but the size, which depends on the image.
    ///
    /// # Errors
    /// [`ErrorCode::DiskNameMalformed`], [`ErrorCode::DiskDescriptionMalformed`], [`ErrorCode::DiskPerformanceLevel`].
    pub fn check_form(&self) -> Outcome<()> {
        NAME.check(self.name.as_deref())?;
        DESCRIPTION.check(self.description.as_deref())?;
        let Some(level) = self.level else { return Ok(()) };
        if level > 3 || self.category != Some(DiskCategory::CloudEssd) {
            return Err(Refusal::new(ErrorCode::DiskPerformanceLevel)
                .field("system_disk/performance_level")
                .detail(format!("PL{level} was given for {}.", self.category.unwrap_or_default().text()))
                .accepted("PL0 to PL3 with cloud_essd"));
        }
        Ok(())
    }

    /// The size that the disk gets with an image.
    ///
    /// # Errors
    /// [`ErrorCode::SystemDiskTooSmall`], [`ErrorCode::SystemDiskTooLarge`].
    pub fn size_for(&self, image: &Image) -> Outcome<u32> {
        let least = u32::from(image.size_gib).max(20);
        let size = self.size_gib.unwrap_or(least.max(40));
        let most = self.category.unwrap_or_default().largest();
        let code = match size {
            _ if size < least => ErrorCode::SystemDiskTooSmall,
            _ if size > most => ErrorCode::SystemDiskTooLarge,
            _ => return Ok(size),
        };
        Err(Refusal::new(code)
            .field("system_disk/size_gib")
            .detail(format!("{size} GiB were wanted for {}.", image.id))
            .accepted(format!("{least} to {most}")))
    }
}
