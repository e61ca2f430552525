//! Snapshots of worlds on the native wire: take, list, restore, delete.

use super::context::{Body, Path};
use super::operations::{Operations, routes};
use super::worlds::{name, seed, shown};
use crate::app::AppState;
use crate::engine::{SnapshotInfo, wall_now};
use crate::problem::Problem;
use crate::refusals::{Refusals, ServiceRefusals};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::{ErrorCode as E, SimTime};
use utoipa::ToSchema;

/// What the operations can refuse by rules of the core.
pub const REFUSALS: Refusals =
    &[("create_snapshot", &[E::SettingInvalid]), ("restore_snapshot", &[E::SettingInvalid])];

/// What the operations can refuse beside those.
pub const SERVICE_REFUSALS: ServiceRefusals = &[
    ("create_snapshot", &[(409, "snapshot_exists"), (403, "too_many_snapshots")]),
    ("restore_snapshot", &[(404, "snapshot_not_found")]),
    ("delete_snapshot", &[(404, "snapshot_not_found")]),
];

/// The operations on snapshots.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_snapshot, list_snapshots))
        .routes(routes!(delete_snapshot))
        .routes(routes!(restore_snapshot))
}

/// A snapshot of a world.
#[derive(Serialize, ToSchema)]
pub struct SnapshotBody {
    /// Its name.
    #[schema(example = "before-upgrade")]
    name: String,
    /// The last journal entry inside.
    seq: u64,
    /// Virtual time inside.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    at: String,
    /// When it was taken: wall clock.
    #[schema(example = "2026-11-24T03:51:07.250Z")]
    created_at: String,
    /// The digest of its rows.
    #[schema(example = "8f14e45fceea167a5a36dedd4bea2543")]
    digest: String,
    /// How many rows it has.
    rows: u64,
}

fn show(s: SnapshotInfo) -> SnapshotBody {
    SnapshotBody {
        name: s.name,
        seq: s.seq,
        at: s.at.to_string(),
        created_at: SimTime(s.created_at_ms).to_string(),
        digest: format!("{:032x}", s.digest),
        rows: s.rows,
    }
}

/// What the snapshot should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "before-upgrade"}))]
pub struct CreateSnapshotBody {
    /// Its name: 1 to 63 ASCII letters, digits, `-`, `_` and dots.
    name: String,
}

/// Keep a world as it is now.
///
/// The snapshot lives as long as the world, in the same storage. Commands wait while it is taken; reads go on.
#[utoipa::path(post, path = "/v1/worlds/{world}/snapshots", tag = "Worlds", request_body = CreateSnapshotBody,
    params(("world" = String, Path, description = "The world.")),
    responses((status = 201, description = "The new snapshot.", body = SnapshotBody)))]
async fn create_snapshot(
    State(app): State<AppState>,
    Path(world): Path<String>,
    Body(body): Body<CreateSnapshotBody>,
) -> Result<Response, Problem> {
    name(&body.name)?;
    app.check_ready()?;
    let snapshot = app.engine.take_snapshot(&world, &body.name, wall_now()).await?;
    let location = format!("/v1/worlds/{world}/snapshots/{}", snapshot.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(show(snapshot))).into_response())
}

/// The snapshots of a world.
#[derive(Serialize, ToSchema)]
pub struct SnapshotList {
    /// By name; at most 100.
    items: Vec<SnapshotBody>,
}

/// List the snapshots of a world by name.
#[utoipa::path(get, path = "/v1/worlds/{world}/snapshots", tag = "Worlds",
    params(("world" = String, Path, description = "The world.")),
    responses((status = 200, description = "Its snapshots.", body = SnapshotList)))]
async fn list_snapshots(State(app): State<AppState>, Path(world): Path<String>) -> Result<Response, Problem> {
    app.check_ready()?;
    let items = app.engine.snapshots(&world).await?.into_iter().map(show).collect();
    Ok(Json(SnapshotList { items }).into_response())
}

/// Forget a snapshot.
#[utoipa::path(delete, path = "/v1/worlds/{world}/snapshots/{snapshot}", tag = "Worlds",
    params(("world" = String, Path, description = "The world."), ("snapshot" = String, Path, description = "The snapshot.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_snapshot(
    State(app): State<AppState>,
    Path((world, snapshot)): Path<(String, String)>,
) -> Result<Response, Problem> {
    app.check_ready()?;
    app.engine.delete_snapshot(&world, &snapshot).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// How to go on from the snapshot.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct RestoreBody {
    /// The seed of the ids that the world issues from then on; drawn if absent.
    #[serde(default)]
    #[schema(maximum = 9007199254740991_u64)]
    seed: Option<u64>,
}

/// Put a world back to a snapshot, as a new generation of its journal.
///
/// Objects have the ids that they had; what the world makes from then on gets ids that it never issued before. Its
/// clock goes on from the instant of the snapshot.
#[utoipa::path(post, path = "/v1/worlds/{world}/snapshots/{snapshot}/restore", tag = "Worlds", request_body = RestoreBody,
    params(("world" = String, Path, description = "The world."), ("snapshot" = String, Path, description = "The snapshot.")),
    responses((status = 200, description = "The world as it is now.", body = super::worlds::WorldBody)))]
async fn restore_snapshot(
    State(app): State<AppState>,
    Path((world, snapshot)): Path<(String, String)>,
    Body(body): Body<RestoreBody>,
) -> Result<Response, Problem> {
    app.check_ready()?;
    let seed = seed(body.seed)?;
    shown(&*app.engine.restore(&world, &snapshot, seed, wall_now()).await?).await
}
