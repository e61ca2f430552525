//! Worlds on the native wire: make, list, reset, fork, delete.
//!
//! A world is a whole cloud of its own: accounts, objects, clock, quotas and journal. Requests choose one with the
//! header `Cloudnet-World`, provider clients with the access key id `w-WORLD` or `w-WORLD-a-ACCOUNT`.

use super::context::{Body, Path};
use super::operations::{Operations, routes};
use crate::app::{App, AppState};
use crate::engine::{self, Lifetime, WorldHandle, wall_now};
use crate::problem::Problem;
use crate::refusals::{Refusals, ServiceRefusals};
use crate::server::draw_seed;
use crate::settings::{ClockSetting, ProvisioningSetting, QuotasSetting};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sim_core::settings::{Clock, ClockMode, Settings};
use sim_core::{ErrorCode as E, Genesis, Refusal, SimTime, World};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What the operations can refuse by rules of the core.
pub const REFUSALS: Refusals = &[
    ("create_world", &[E::SettingInvalid]),
    ("reset_world", &[E::SettingInvalid]),
    ("fork_world", &[E::SettingInvalid]),
];

/// What the operations can refuse beside those.
pub const SERVICE_REFUSALS: ServiceRefusals = &[
    ("create_world", &[(409, "world_exists"), (403, "too_many_worlds")]),
    ("fork_world", &[(409, "world_exists"), (403, "too_many_worlds")]),
    ("delete_world", &[(409, "world_kept")]),
];

/// The operations on worlds.
pub fn router() -> Operations {
    Operations::new()
        .routes(routes!(create_world, list_worlds))
        .routes(routes!(get_world, delete_world))
        .routes(routes!(reset_world))
        .routes(routes!(fork_world))
}

/// A world.
#[derive(Serialize, ToSchema)]
pub struct WorldBody {
    /// Its name.
    #[schema(example = "test-1")]
    name: String,
    /// Which generation of its journal is current: 1 for a new world, one more for each reset or restore.
    generation: u64,
    /// When this generation was made: wall clock.
    #[schema(example = "2026-11-24T03:51:07.250Z")]
    created_at: String,
    /// When it was last used: wall clock.
    #[schema(example = "2026-11-24T03:51:07.250Z")]
    last_used_at: String,
    /// Whether it lives in memory only and goes when nobody uses it.
    throw_away: bool,
    /// After how many seconds without use a throw-away world goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_seconds: Option<u64>,
    /// The number of its last journal entry.
    seq: u64,
    /// Virtual time.
    #[schema(example = "2026-01-01T00:00:00.000Z")]
    now: String,
    /// The digest of all its rows: equal worlds have equal digests.
    #[schema(example = "8f14e45fceea167a5a36dedd4bea2543")]
    digest: String,
    /// How many rows it has in each table that is not empty.
    objects: BTreeMap<&'static str, u64>,
    /// What it is set to.
    settings: WorldSettingsBody,
}

/// What a world is set to.
#[derive(Serialize, ToSchema)]
pub struct WorldSettingsBody {
    /// The seed that its ids grow from.
    seed: u64,
    /// How time passes: `real`, `manual` or `scaled:N`.
    #[schema(example = "manual")]
    clock: String,
    /// How long changes of state take.
    provisioning: ProvisioningSetting,
    /// Which quotas hold.
    quotas: QuotasSetting,
}

/// What a world is set to, for the wire.
pub fn show_settings(s: &Settings) -> WorldSettingsBody {
    WorldSettingsBody {
        seed: s.seed,
        clock: ClockSetting(s.clock.mode).to_string(),
        provisioning: s.provisioning.into(),
        quotas: if s.quotas_lifted { QuotasSetting::Lifted } else { QuotasSetting::Documented },
    }
}

/// Virtual time as a caller sees it: what the clock shows, but never less than was shown before.
pub fn virtual_now(w: &World) -> SimTime {
    w.now().max(w.settings().clock.at(wall_now()))
}

async fn show(world: &WorldHandle) -> Result<WorldBody, Problem> {
    let (meta, last_use) = (world.meta(), world.last_use());
    let (throw_away, idle_seconds) = match world.lifetime() {
        Lifetime::Kept => (false, None),
        Lifetime::ThrowAway { idle_ms } => (true, Some(idle_ms.unsigned_abs() / 1000)),
    };
    let body = world.inspect(|w| {
        let mut objects = BTreeMap::new();
        w.for_each_table(|name, rows| {
            if rows > 0 {
                objects.insert(name, rows);
            }
        });
        WorldBody {
            name: world.name().to_owned(),
            generation: meta.generation,
            created_at: SimTime(meta.created_at_ms).to_string(),
            last_used_at: SimTime(last_use).to_string(),
            throw_away,
            idle_seconds,
            seq: w.seq(),
            now: virtual_now(w).to_string(),
            digest: format!("{:032x}", w.digest()),
            objects,
            settings: show_settings(w.settings()),
        }
    });
    Ok(body.await?)
}

/// The answer that shows a world.
pub(super) async fn shown(world: &WorldHandle) -> Result<Response, Problem> {
    Ok(Json(show(world).await?).into_response())
}

async fn created(world: &WorldHandle) -> Result<Response, Problem> {
    let location = format!("/v1/worlds/{}", world.name());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(show(world).await?)).into_response())
}

/// How a world begins; what is absent is as the server is set to.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldOptions {
    /// The seed that its ids grow from: 0 to 9007199254740991; drawn if absent. The same seed and the same
    /// requests give the same ids and the same digest.
    #[serde(default)]
    #[schema(maximum = 9007199254740991_u64)]
    seed: Option<u64>,
    /// How time passes: `real`, `manual` or `scaled:N`.
    #[serde(default)]
    #[schema(example = "manual")]
    clock: Option<String>,
    /// How long changes of state take. If it is absent and `clock` is given: `instant` for a manual one, else
    /// `visible`.
    #[serde(default)]
    provisioning: Option<ProvisioningSetting>,
    /// Which quotas hold.
    #[serde(default)]
    quotas: Option<QuotasSetting>,
    /// Virtual time at the start, RFC 3339 in UTC. If absent: 2026-01-01T00:00:00Z for a manual clock, else the
    /// wall clock.
    #[serde(default)]
    #[schema(example = "2026-01-01T00:00:00Z")]
    start_time: Option<String>,
}

/// The largest seed that every JSON reader keeps whole.
const MAX_SEED: u64 = (1 << 53) - 1;

/// The given seed, or a drawn one.
pub(super) fn seed(given: Option<u64>) -> Result<u64, Refusal> {
    match given {
        Some(seed) if seed > MAX_SEED => Err(Refusal::new(E::SettingInvalid)
            .field("seed")
            .detail(format!("{seed} is more than every JSON reader keeps whole."))
            .accepted(format!("0 to {MAX_SEED}"))),
        Some(seed) => Ok(seed),
        None => Ok(draw_seed()),
    }
}

/// Reads a clock as a caller writes it.
pub(super) fn clock(text: &str) -> Result<ClockMode, Refusal> {
    text.parse::<ClockSetting>().map(|clock| clock.0).map_err(|reason| {
        let accepted = "real, manual or scaled:N with N from 1 to 1000000";
        Refusal::new(E::SettingInvalid).field("clock").detail(format!("{reason}.")).accepted(accepted)
    })
}

/// Reads an instant as a caller writes it.
pub(super) fn instant(field: &str, text: &str) -> Result<SimTime, Refusal> {
    SimTime::parse(text).ok_or_else(|| {
        Refusal::new(E::SettingInvalid)
            .field(field)
            .detail(format!("{:?} is not an instant of RFC 3339 in UTC.", crate::requests::shorten(text)))
            .accepted("2026-01-01T00:00:00Z")
    })
}

/// Checks the name of a world or snapshot.
pub(super) fn name(text: &str) -> Result<(), Refusal> {
    engine::check_name(text).map_err(|reason| {
        Refusal::new(E::SettingInvalid).field("name").detail(reason).accepted(
            "1 to 63 ASCII letters, digits, -, _ and dots, beginning with a letter or digit and not ending in -a- and \
             digits, as in test-1",
        )
    })
}

impl WorldOptions {
    /// How the world begins, over what `usual` says.
    fn genesis(&self, usual: Genesis, wall: i64) -> Result<Genesis, Refusal> {
        let given = self.clock.as_deref().map(clock).transpose()?;
        let mode = given.unwrap_or(usual.clock);
        let usual_provisioning =
            given.map_or(usual.provisioning, |mode| ProvisioningSetting::usual(mode).into());
        let usual_start = match mode {
            ClockMode::Manual => Genesis::default().at,
            ClockMode::Real | ClockMode::Scaled(_) => SimTime(wall),
        };
        Ok(Genesis {
            seed: seed(self.seed)?,
            at: self
                .start_time
                .as_deref()
                .map(|text| instant("start_time", text))
                .transpose()?
                .unwrap_or(usual_start),
            wall,
            clock: mode,
            provisioning: self.provisioning.map_or(usual_provisioning, Into::into),
            quotas_lifted: self.quotas.map_or(usual.quotas_lifted, |q| q == QuotasSetting::Lifted),
            ..usual
        })
    }
}

/// The idle time of a throw-away world that does not say.
const IDLE_SECONDS: u64 = 600;
/// The longest idle time: 30 days.
const MAX_IDLE_SECONDS: u64 = 30 * 24 * 3600;

fn lifetime(throw_away: bool, idle_seconds: Option<u64>) -> Result<Lifetime, Refusal> {
    let wrong = |detail: String, accepted: String| {
        Refusal::new(E::SettingInvalid).field("idle_seconds").detail(detail).accepted(accepted)
    };
    match (throw_away, idle_seconds) {
        (false, None) => Ok(Lifetime::Kept),
        (false, Some(_)) => Err(wrong(
            "Only a throw-away world goes when it is idle.".to_owned(),
            "throw_away: true with it".to_owned(),
        )),
        (true, idle) => {
            let seconds = idle.unwrap_or(IDLE_SECONDS);
            if !(1..=MAX_IDLE_SECONDS).contains(&seconds) {
                return Err(wrong(
                    format!("{seconds} seconds were asked for."),
                    format!("1 to {MAX_IDLE_SECONDS}"),
                ));
            }
            // At most 30 days of milliseconds.
            Ok(Lifetime::ThrowAway { idle_ms: seconds as i64 * 1000 })
        }
    }
}

/// The name given, or a drawn one.
fn name_or_drawn(given: Option<String>) -> Result<String, Refusal> {
    let text = given.unwrap_or_else(|| format!("world-{:012x}", draw_seed()));
    name(&text)?;
    Ok(text)
}

/// Worlds come and go only once the stored ones are loaded: a name may be among them.
fn when_ready(app: &App) -> Result<&App, Problem> {
    app.check_ready().map(|()| app)
}

/// What a new world should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "test-1", "seed": 7, "clock": "manual", "throw_away": true, "idle_seconds": 600}))]
pub struct CreateWorldBody {
    /// Its name: 1 to 63 ASCII letters, digits, `-`, `_` and dots; drawn if absent.
    #[serde(default)]
    name: Option<String>,
    /// Whether it lives in memory only and goes when nobody uses it.
    #[serde(default)]
    throw_away: bool,
    /// After how many seconds without use a throw-away world goes: 1 to 2592000; 600 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2592000, example = 600)]
    idle_seconds: Option<u64>,
    /// The seed that its ids grow from: 0 to 9007199254740991; drawn if absent. The same seed and the same
    /// requests give the same ids and the same digest.
    #[serde(default)]
    #[schema(maximum = 9007199254740991_u64)]
    seed: Option<u64>,
    /// How time passes: `real`, `manual` or `scaled:N`; as the server is set to if absent.
    #[serde(default)]
    #[schema(example = "manual")]
    clock: Option<String>,
    /// How long changes of state take. If it is absent and `clock` is given: `instant` for a manual one, else
    /// `visible`.
    #[serde(default)]
    provisioning: Option<ProvisioningSetting>,
    /// Which quotas hold; as the server is set to if absent.
    #[serde(default)]
    quotas: Option<QuotasSetting>,
    /// Virtual time at the start, RFC 3339 in UTC. If absent: 2026-01-01T00:00:00Z for a manual clock, else the
    /// wall clock.
    #[serde(default)]
    #[schema(example = "2026-01-01T00:00:00Z")]
    start_time: Option<String>,
}

/// Make a world.
///
/// It is empty and isolated from all others. A throw-away world costs no disk and goes by itself.
#[utoipa::path(post, path = "/v1/worlds", tag = "Worlds", request_body = CreateWorldBody,
    responses((status = 201, description = "The new world.", body = WorldBody)))]
async fn create_world(
    State(app): State<AppState>,
    Body(body): Body<CreateWorldBody>,
) -> Result<Response, Problem> {
    let app = when_ready(&app)?;
    let name = name_or_drawn(body.name)?;
    let lifetime = lifetime(body.throw_away, body.idle_seconds)?;
    let CreateWorldBody { seed, clock, provisioning, quotas, start_time, .. } = body;
    let options = WorldOptions { seed, clock, provisioning, quotas, start_time };
    let wall = wall_now();
    let genesis = options.genesis(app.settings.genesis(0, wall), wall)?;
    let world = app.engine.create_from(&name, World::new(genesis), lifetime, wall).await?;
    created(&world).await
}

/// All worlds.
#[derive(Serialize, ToSchema)]
pub struct WorldList {
    /// By name.
    items: Vec<WorldBody>,
}

/// List worlds by name.
#[utoipa::path(get, path = "/v1/worlds", tag = "Worlds",
    responses((status = 200, description = "All worlds.", body = WorldList)))]
async fn list_worlds(State(app): State<AppState>) -> Result<Response, Problem> {
    let mut items = Vec::new();
    for world in when_ready(&app)?.engine.worlds() {
        match show(&world).await {
            Ok(body) => items.push(body),
            // It went while the list was made.
            Err(problem) if app.engine.world(world.name()).is_none() => drop(problem),
            Err(problem) => return Err(problem),
        }
    }
    Ok(Json(WorldList { items }).into_response())
}

/// Show a world.
#[utoipa::path(get, path = "/v1/worlds/{world}", tag = "Worlds",
    params(("world" = String, Path, description = "The world.")),
    responses((status = 200, description = "The world.", body = WorldBody)))]
async fn get_world(State(app): State<AppState>, Path(world): Path<String>) -> Result<Response, Problem> {
    shown(&*app.ready_world(&world)?).await
}

/// Delete a world with its journal and its snapshots.
///
/// The world `default` cannot be deleted; it can be reset.
#[utoipa::path(delete, path = "/v1/worlds/{world}", tag = "Worlds",
    params(("world" = String, Path, description = "The world.")),
    responses((status = 204, description = "It is gone.")))]
async fn delete_world(State(app): State<AppState>, Path(world): Path<String>) -> Result<Response, Problem> {
    when_ready(&app)?.engine.delete(&world).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Wipe a world: it starts anew, as a new generation of its journal.
///
/// What the body does not say stays as the world is set to, except the seed: without one a new seed is drawn, so
/// that no id is issued twice.
#[utoipa::path(post, path = "/v1/worlds/{world}/reset", tag = "Worlds",
    request_body(content = WorldOptions, example = json!({"seed": 7})),
    params(("world" = String, Path, description = "The world.")),
    responses((status = 200, description = "The world as it is now.", body = WorldBody)))]
async fn reset_world(
    State(app): State<AppState>,
    Path(world): Path<String>,
    Body(body): Body<WorldOptions>,
) -> Result<Response, Problem> {
    let handle = app.ready_world(&world)?;
    let wall = wall_now();
    let usual = handle.inspect(|w| as_now(w.settings(), wall)).await?;
    let genesis = body.genesis(usual, wall)?;
    shown(&*app.engine.reset(&world, genesis, wall).await?).await
}

/// A world that is set to what another one is set to.
fn as_now(settings: &Settings, wall: i64) -> Genesis {
    let Settings { clock: Clock { mode, .. }, provisioning, quotas_lifted, disputed, extra_zones, .. } =
        settings.clone();
    Genesis {
        seed: 0,
        at: SimTime(wall),
        wall,
        clock: mode,
        provisioning,
        quotas_lifted,
        disputed,
        extra_zones,
    }
}

/// What the copy should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "what-if", "throw_away": true}))]
pub struct ForkBody {
    /// The copy's name; drawn if absent.
    #[serde(default)]
    name: Option<String>,
    /// The seed of the ids that the copy issues; drawn if absent.
    #[serde(default)]
    #[schema(maximum = 9007199254740991_u64)]
    seed: Option<u64>,
    /// Whether it lives in memory only and goes when nobody uses it.
    #[serde(default)]
    throw_away: bool,
    /// After how many seconds without use a throw-away world goes: 1 to 2592000; 600 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2592000, example = 600)]
    idle_seconds: Option<u64>,
}

/// Fork a world: make another one that starts as this one is now.
///
/// Objects keep their ids; both go their own ways from then on and issue different ids.
#[utoipa::path(post, path = "/v1/worlds/{world}/fork", tag = "Worlds", request_body = ForkBody,
    params(("world" = String, Path, description = "The world to copy.")),
    responses((status = 201, description = "The copy.", body = WorldBody)))]
async fn fork_world(
    State(app): State<AppState>,
    Path(world): Path<String>,
    Body(body): Body<ForkBody>,
) -> Result<Response, Problem> {
    let app = when_ready(&app)?;
    let name = name_or_drawn(body.name)?;
    let lifetime = lifetime(body.throw_away, body.idle_seconds)?;
    let copy = app.engine.fork(&world, &name, seed(body.seed)?, lifetime, wall_now()).await?;
    created(&copy).await
}
