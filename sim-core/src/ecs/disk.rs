//! The system disk of an instance: born and gone with it.
//!
//! Disks hold nothing that the network depends on; this is what a client that describes or changes the disks of an instance
//! needs. There are no snapshots and no disks without an instance.

use crate::access::{Caller, Owner, ZoneId};
use crate::catalog::Image;
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{DiskId, InstanceId, ResourceGroupId};
use crate::name::TextRule;
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::time::SimTime;
use crate::world::{Indexes, World};
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

    /// Only one category provisions its performance by itself (code of RunInstances and ModifyDiskAttribute).
    fn check_bursting(self, field: &str) -> Outcome<()> {
        if self == DiskCategory::CloudAuto {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::DiskBursting)
            .field(field)
            .detail(format!("It is {}.", self.text()))
            .accepted(format!("a disk that is {}", DiskCategory::CloudAuto.text())))
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
    /// Whether it is faster than its size gives for a while; without effect here.
    pub bursting: bool,
    /// Whether policies for automatic snapshots hold for it, as they do for a new disk; without effect here.
    pub auto_snapshot: bool,
    /// Whether its automatic snapshots go with it; without effect here.
    pub delete_auto_snapshot: bool,
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
    /// Whether it may be faster than its size gives for a while.
    pub bursting: bool,
}

impl SystemDisk {
    /// Checks everything but the size, which depends on the image.
    ///
    /// # Errors
    /// [`ErrorCode::DiskNameMalformed`], [`ErrorCode::DiskDescriptionMalformed`], [`ErrorCode::DiskBursting`],
    /// [`ErrorCode::DiskPerformanceLevel`].
    pub fn check_form(&self) -> Outcome<()> {
        NAME.check(self.name.as_deref())?;
        DESCRIPTION.check(self.description.as_deref())?;
        if self.bursting {
            self.category.unwrap_or_default().check_bursting("system_disk/bursting_enabled")?;
        }
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

/// Changes disks; absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyDisks {
    /// The disks.
    pub disks: Vec<DiskId>,
    /// Their new name; an empty one takes it away.
    pub name: Option<CompactString>,
    /// Their new description; an empty one takes it away.
    pub description: Option<CompactString>,
    /// Whether they go with their instance: true, since none outlives it here.
    pub delete_with_instance: Option<bool>,
    /// Whether they may be faster than their size gives for a while.
    pub bursting: Option<bool>,
    /// Whether policies for automatic snapshots hold for them.
    pub auto_snapshot: Option<bool>,
    /// Whether their automatic snapshots go with them.
    pub delete_auto_snapshot: Option<bool>,
}

impl ModifyDisks {
    fn asks_for_nothing(&self) -> bool {
        let texts = self.name.is_none() && self.description.is_none();
        let choices =
            [self.delete_with_instance, self.bursting, self.auto_snapshot, self.delete_auto_snapshot];
        texts && choices.iter().all(Option::is_none)
    }
}

/// Handles [`ModifyDisks`], for all disks or for none (provider documentation: ModifyDiskAttribute).
///
/// # Errors
/// Nothing to change; the form of name and description; a disk that should stay when its instance goes; an unknown disk; a
/// category that does not burst.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyDisks) -> Outcome<Reply> {
    if c.asks_for_nothing() {
        return Err(Refusal::new(ErrorCode::DiskNoChange).field("name").accepted("at least one field"));
    }
    let name = TextRule { field: "name", ..NAME }.check(c.name.as_deref())?;
    let description = TextRule { field: "description", ..DESCRIPTION }.check(c.description.as_deref())?;
    if c.delete_with_instance == Some(false) {
        return Err(Refusal::new(ErrorCode::DiskNotPortable)
            .field("delete_with_instance")
            .detail("It was to outlive its instance.")
            .accepted("true"));
    }
    for id in &c.disks {
        let disk = w.visible::<Disk>(caller, *id)?;
        if c.bursting == Some(true) {
            disk.category.check_bursting("bursting_enabled")?;
        }
    }
    for id in &c.disks {
        w.update::<Disk>(id, |disk| {
            if c.name.is_some() {
                disk.name.clone_from(&name);
            }
            if c.description.is_some() {
                disk.description.clone_from(&description);
            }
            disk.bursting = c.bursting.unwrap_or(disk.bursting);
            disk.auto_snapshot = c.auto_snapshot.unwrap_or(disk.auto_snapshot);
            disk.delete_auto_snapshot = c.delete_auto_snapshot.unwrap_or(disk.delete_auto_snapshot);
        });
    }
    Ok(Reply::Done)
}
