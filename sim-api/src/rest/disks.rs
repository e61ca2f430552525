//! System disks on the native wire: what they are, and what is changed of them.

use super::context::{Body, Context, Path, id};
use super::operations::{Operations, routes};
use crate::problem::Problem;
use crate::refusals::Refusals;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sim_core::ErrorCode as E;
use sim_core::World;
use sim_core::ecs::disk::{Disk, ModifyDisks, SYSTEM_DEVICE};
use sim_core::id::DiskId;
use utoipa::ToSchema;

/// What the operations can refuse.
pub const REFUSALS: Refusals = &[
    ("get_disk", &[E::DiskNotFound]),
    (
        "update_disk",
        &[
            E::DiskNoChange,
            E::DiskNameMalformed,
            E::DiskDescriptionMalformed,
            E::DiskNotPortable,
            E::DiskNotFound,
            E::DiskBursting,
        ],
    ),
];

/// The operations on disks.
pub fn router() -> Operations {
    Operations::new().routes(routes!(get_disk, update_disk))
}

/// A system disk.
#[derive(Serialize, ToSchema)]
pub struct DiskBody {
    /// Its id.
    #[schema(example = "d-bp18um4r4f2fve24abcd")]
    id: String,
    /// The instance that it belongs to.
    #[schema(example = "i-bp1gtjxuuvwj17zr9a2b")]
    instance_id: String,
    /// The provider's word for its category.
    #[schema(example = "cloud_efficiency")]
    category: &'static str,
    /// The performance level of a cloud_essd; null for every other category.
    performance_level: Option<u8>,
    /// Its size in GiB.
    #[schema(example = 40)]
    size_gib: u32,
    /// Its device.
    #[schema(example = "/dev/xvda")]
    device: &'static str,
    /// Its name; empty if it has none.
    name: String,
    /// Its description; empty if it has none.
    description: String,
    /// Whether a cloud_auto may be faster than its size gives for a while.
    bursting_enabled: bool,
    /// Whether policies for automatic snapshots hold for it. There are no snapshots.
    auto_snapshot_enabled: bool,
    /// Whether its automatic snapshots go with it. There are no snapshots.
    delete_auto_snapshot: bool,
}

/// What the native wire shows of a disk.
pub fn show(d: &Disk) -> DiskBody {
    DiskBody {
        id: d.id.to_string(),
        instance_id: d.instance.to_string(),
        category: d.category.text(),
        performance_level: d.level,
        size_gib: d.size_gib,
        device: SYSTEM_DEVICE,
        name: d.name.to_string(),
        description: d.description.to_string(),
        bursting_enabled: d.bursting,
        auto_snapshot_enabled: d.auto_snapshot,
        delete_auto_snapshot: d.delete_auto_snapshot,
    }
}

/// Show a disk.
#[utoipa::path(get, path = "/v1/disks/{disk_id}", tag = "Disk",
    params(("disk_id" = String, Path, description = "The disk.")),
    responses((status = 200, description = "The disk.", body = DiskBody)))]
async fn get_disk(ctx: Context, Path(disk_id): Path<String>) -> Result<Response, Problem> {
    let disk = id::<DiskId>(&disk_id)?;
    ctx.show(|w, caller| Ok(show(w.visible::<Disk>(caller, disk)?))).await
}

/// What to change; absent fields stay, and one must be there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "root", "description": "The system"}))]
pub struct UpdateDiskBody {
    /// Its new name: 2 to 128 characters, a letter first; an empty one takes it away.
    #[serde(default)]
    name: Option<String>,
    /// Its new description: 2 to 256 characters; an empty one takes it away.
    #[serde(default)]
    description: Option<String>,
    /// Whether it goes with its instance: true, since no disk outlives its instance here.
    #[serde(default)]
    delete_with_instance: Option<bool>,
    /// Whether a cloud_auto may be faster than its size gives for a while.
    #[serde(default)]
    bursting_enabled: Option<bool>,
    /// Whether policies for automatic snapshots hold for it.
    #[serde(default)]
    auto_snapshot_enabled: Option<bool>,
    /// Whether its automatic snapshots go with it.
    #[serde(default)]
    delete_auto_snapshot: Option<bool>,
}

/// Change a disk.
#[utoipa::path(patch, path = "/v1/disks/{disk_id}", tag = "Disk", request_body = UpdateDiskBody,
    params(("disk_id" = String, Path, description = "The disk.")),
    responses((status = 200, description = "The disk as it is now.", body = DiskBody)))]
async fn update_disk(
    ctx: Context,
    Path(disk_id): Path<String>,
    Body(body): Body<UpdateDiskBody>,
) -> Result<Response, Problem> {
    let disk = id::<DiskId>(&disk_id)?;
    let command = ModifyDisks {
        disks: vec![disk],
        name: body.name.map(Into::into),
        description: body.description.map(Into::into),
        delete_with_instance: body.delete_with_instance,
        bursting: body.bursting_enabled,
        auto_snapshot: body.auto_snapshot_enabled,
        delete_auto_snapshot: body.delete_auto_snapshot,
    };
    ctx.change_row(command, disk, |_: &World, disk: &Disk| show(disk)).await
}
