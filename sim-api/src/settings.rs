//! What the service is set to: command line over environment over file over defaults.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use sim_core::settings::{ClockMode, Disputed, Provisioning};
use sim_core::{Genesis, RegionId, SimTime, ZoneId};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use utoipa::ToSchema;

/// Where worlds are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Database {
    /// In memory: gone with the process.
    Memory,
    /// In an SQLite file.
    Sqlite(PathBuf),
}

impl FromStr for Database {
    type Err = String;
    fn from_str(text: &str) -> Result<Database, String> {
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Database::Sqlite(path.into())),
            None if text == "memory" => Ok(Database::Memory),
            _ => Err(format!(
                "{text:?} is not a database; write sqlite:FILE, as in sqlite:./cloudnet.db, or memory"
            )),
        }
    }
}

impl TryFrom<String> for Database {
    type Error = String;
    fn try_from(text: String) -> Result<Database, String> {
        text.parse()
    }
}

impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Database::Memory => f.write_str("memory"),
            Database::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

/// How virtual time follows the wall clock, as a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ClockSetting(pub ClockMode);

impl FromStr for ClockSetting {
    type Err = String;
    fn from_str(text: &str) -> Result<ClockSetting, String> {
        let mode = match text.split_once(':') {
            None if text == "real" => ClockMode::Real,
            None if text == "manual" => ClockMode::Manual,
            Some(("scaled", rate)) => match rate.parse() {
                Ok(rate @ 1..=1_000_000) => ClockMode::Scaled(rate),
                _ => return Err(format!("{rate:?} is not a rate; write scaled:N with N from 1 to 1000000")),
            },
            _ => {
                return Err(format!(
                    "{text:?} is not a clock; write real, manual or scaled:N, as in scaled:60"
                ));
            }
        };
        Ok(ClockSetting(mode))
    }
}

impl TryFrom<String> for ClockSetting {
    type Error = String;
    fn try_from(text: String) -> Result<ClockSetting, String> {
        text.parse()
    }
}

impl std::fmt::Display for ClockSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            ClockMode::Real => f.write_str("real"),
            ClockMode::Manual => f.write_str("manual"),
            ClockMode::Scaled(rate) => write!(f, "scaled:{rate}"),
        }
    }
}

/// How long changes of state take, as a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProvisioningSetting {
    /// No time.
    Instant,
    /// 200 ms.
    Visible,
    /// As long as at the provider.
    Documented,
}

impl ProvisioningSetting {
    /// What a world with this clock has unless told otherwise: nobody waits under a clock that stands still.
    pub const fn usual(clock: ClockMode) -> ProvisioningSetting {
        match clock {
            ClockMode::Manual => ProvisioningSetting::Instant,
            ClockMode::Real | ClockMode::Scaled(_) => ProvisioningSetting::Visible,
        }
    }
}

impl From<ProvisioningSetting> for Provisioning {
    fn from(setting: ProvisioningSetting) -> Provisioning {
        match setting {
            ProvisioningSetting::Instant => Provisioning::Instant,
            ProvisioningSetting::Visible => Provisioning::Visible,
            ProvisioningSetting::Documented => Provisioning::Documented,
        }
    }
}

impl From<Provisioning> for ProvisioningSetting {
    fn from(provisioning: Provisioning) -> ProvisioningSetting {
        match provisioning {
            Provisioning::Instant => ProvisioningSetting::Instant,
            Provisioning::Visible => ProvisioningSetting::Visible,
            Provisioning::Documented => ProvisioningSetting::Documented,
        }
    }
}

/// Which quotas hold, as a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuotasSetting {
    /// Those that the provider documents.
    Documented,
    /// No count quotas; rules of structure stay.
    Lifted,
}

/// What happens to a parameter of the provider wire that no document knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownParams {
    /// It is let through with a warning, as the real service ignores it.
    Warn,
    /// It is refused.
    Refuse,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A zone beyond the catalogue's: `REGION=ZONE`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ExtraZone(pub RegionId, pub ZoneId);

impl FromStr for ExtraZone {
    type Err = String;
    fn from_str(text: &str) -> Result<ExtraZone, String> {
        let valid = |t: &str| {
            !t.is_empty()
                && t.len() <= 64
                && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        match text.split_once('=') {
            Some((region, zone)) if valid(region) && valid(zone) => Ok(ExtraZone(region.into(), zone.into())),
            _ => Err(format!("{text:?} is not a zone; write REGION=ZONE, as in cn-hangzhou=cn-hangzhou-z")),
        }
    }
}

impl TryFrom<String> for ExtraZone {
    type Error = String;
    fn try_from(text: String) -> Result<ExtraZone, String> {
        text.parse()
    }
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {
        /// The settings of `cloudnet serve` as given on the command line, in the environment or in a file.
        #[derive(Clone, Debug, Default, Args, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub struct ServeOptions { $($(#[$doc])* #[serde(default)] pub $name: Option<$type>),* }

        impl ServeOptions {
            /// What is given here, else what `other` has.
            pub fn or(self, other: ServeOptions) -> ServeOptions {
                ServeOptions { $($name: self.$name.or(other.$name)),* }
            }
        }
    };
}

options! {
    /// Where to listen [default: 127.0.0.1:8080]; port 0 takes a free one
    #[arg(long, env = "CLOUDNET_LISTEN", value_name = "ADDRESS")]
    listen: SocketAddr;
    /// Where worlds are kept: sqlite:FILE or memory [default: sqlite:./cloudnet.db]
    #[arg(long, env = "CLOUDNET_DB", value_name = "DB")]
    db: Database;
    /// How virtual time passes in new worlds: real, manual or scaled:N [default: real]
    #[arg(long, env = "CLOUDNET_CLOCK", value_name = "CLOCK")]
    clock: ClockSetting;
    /// How long changes of state take in new worlds [default: visible; instant with a manual clock]
    #[arg(long, env = "CLOUDNET_PROVISIONING")]
    provisioning: ProvisioningSetting;
    /// Which quotas hold in new worlds [default: documented]
    #[arg(long, env = "CLOUDNET_QUOTAS")]
    quotas: QuotasSetting;
    /// Write the addresses as JSON to this file once the service answers
    #[arg(long, env = "CLOUDNET_READY_FILE", value_name = "FILE")]
    ready_file: PathBuf;
    /// Make the content of this TOML or YAML file if the world `default` is empty: docs/seeds.md, examples/seeds/acceptance.toml
    #[arg(long, env = "CLOUDNET_SEED", value_name = "FILE")]
    seed: PathBuf;
    /// Answer HTTPS too, on the same port, with a certificate from a local authority: `cloudnet ca` prints what to trust
    #[arg(long, env = "CLOUDNET_TLS", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls: bool;
    /// Where the local authority is kept [default: $XDG_STATE_HOME/cloudnet, else ~/.local/state/cloudnet]
    #[arg(long, env = "CLOUDNET_STATE_DIR", value_name = "DIRECTORY")]
    state_dir: PathBuf;
    /// The instance that the metadata service answers for unless a request chooses one: ID or NAME, @WORLD behind it
    #[arg(long, env = "CLOUDNET_METADATA_INSTANCE", value_name = "INSTANCE")]
    metadata_instance: String;
    /// Write requests and answers of the provider wire to this new file, without keys; the world `default` must be empty
    #[arg(long, env = "CLOUDNET_RECORD", value_name = "FILE")]
    record: PathBuf;
    /// Accept only requests signed with a key of this TOML file; the native wire wants its bearer token
    #[arg(long, env = "CLOUDNET_CREDENTIALS", value_name = "FILE")]
    credentials: PathBuf;
    /// A further host name that requests may be addressed to; may be repeated
    #[arg(long, env = "CLOUDNET_HOST", value_name = "NAME", value_delimiter = ',')]
    host: Vec<String>;
    /// What happens to unknown parameters of the provider wire [default: warn]
    #[arg(long, env = "CLOUDNET_UNKNOWN_PARAMS")]
    unknown_params: UnknownParams;
    /// How log lines look [default: text]
    #[arg(long, env = "CLOUDNET_LOG_FORMAT")]
    log_format: LogFormat;
    /// The seed of the world `default` when it is made; drawn if absent
    #[arg(long, env = "CLOUDNET_WORLD_SEED", value_name = "N")]
    world_seed: u64;
    /// A zone beyond the built-in ones, for new worlds: REGION=ZONE; may be repeated
    #[arg(long, env = "CLOUDNET_ZONE", value_name = "REGION=ZONE", value_delimiter = ',')]
    zone: Vec<ExtraZone>;
    /// The shortest mask of a secondary VPC block in new worlds: 16 or 8; documents disagree [default: 16]
    #[arg(long, env = "CLOUDNET_SECONDARY_MASK_MIN", value_name = "MASK", value_parser = clap::value_parser!(u8).range(8..=28))]
    secondary_mask_min: u8;
    /// Whether custom routes may lie inside 100.64.0.0/10 in new worlds; documents disagree [default: false]
    #[arg(long, env = "CLOUDNET_ROUTES_IN_CLOUD_SERVICES", value_name = "BOOL")]
    routes_in_cloud_services: bool;
    /// Whether enterprise security groups take drop rules in new worlds; documents disagree [default: true]
    #[arg(long, env = "CLOUDNET_ENTERPRISE_DROP_RULES", value_name = "BOOL")]
    enterprise_drop_rules: bool;
    /// Whether an empty white list of a listener lets everybody in, in new worlds; documents disagree [default: true]
    #[arg(long, env = "CLOUDNET_EMPTY_WHITE_LIST_ADMITS", value_name = "BOOL")]
    empty_white_list_admits: bool;
    /// Journal entries kept before the oldest snapshot; all if absent
    #[arg(long, env = "CLOUDNET_KEEP_ENTRIES", value_name = "N")]
    keep_entries: u64;
    /// Seconds until a request is answered 504 [default: 30]
    #[arg(long, env = "CLOUDNET_TIMEOUT", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64;
    /// Seconds for the head of a request or a TLS handshake, and between requests, until a connection is closed [default: 75]
    #[arg(long, env = "CLOUDNET_HEAD_TIMEOUT", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    head_timeout: u64;
    /// Seconds that requests under way get when the service stops [default: 10]
    #[arg(long, env = "CLOUDNET_GRACE", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=3600))]
    grace: u64;
    /// Requests answered at once; further ones get 503 [default: 1024]
    #[arg(long, env = "CLOUDNET_CONCURRENCY", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    concurrency: u64;
    /// Bytes of a request's body; larger ones get 413 [default: 1048576]
    #[arg(long, env = "CLOUDNET_BODY_LIMIT", value_name = "BYTES")]
    body_limit: usize;
    /// Worlds that there may be at once [default: 10000]
    #[arg(long, env = "CLOUDNET_MAX_WORLDS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    max_worlds: u64;
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where worlds are kept.
    pub db: Database,
    /// How time passes in new worlds.
    pub clock: ClockSetting,
    /// How long changes of state take in new worlds.
    pub provisioning: ProvisioningSetting,
    /// Which quotas hold in new worlds.
    pub quotas: QuotasSetting,
    /// Where to write the addresses.
    pub ready_file: Option<PathBuf>,
    /// What an empty world `default` is filled with.
    pub seed: Option<PathBuf>,
    /// Whether HTTPS is answered too.
    pub tls: bool,
    /// Where the local authority is kept.
    pub state_dir: Option<PathBuf>,
    /// Which instance the metadata service answers for unless a request chooses one.
    pub metadata_instance: Option<String>,
    /// Where the provider wire is written down.
    pub record: Option<PathBuf>,
    /// The credentials file.
    pub credentials: Option<PathBuf>,
    /// Further host names.
    pub hosts: Vec<String>,
    /// What happens to unknown parameters.
    pub unknown_params: UnknownParams,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The seed of the world `default`.
    pub world_seed: Option<u64>,
    /// Zones beyond the catalogue's.
    pub zones: Vec<ExtraZone>,
    /// Choices where the provider's documents disagree.
    pub disputed: Disputed,
    /// Entries kept before the oldest snapshot.
    pub keep_entries: u64,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long a connection may take for the head of a request, or for what comes before it.
    pub head_timeout: Duration,
    /// How long requests under way may take when the service stops.
    pub grace: Duration,
    /// How many requests are answered at once.
    pub concurrency: u64,
    /// The largest body in bytes.
    pub body_limit: usize,
    /// How many worlds there may be.
    pub max_worlds: u64,
}

impl From<ServeOptions> for ServeSettings {
    fn from(o: ServeOptions) -> ServeSettings {
        let clock = o.clock.unwrap_or(ClockSetting(ClockMode::Real));
        let disputed = Disputed::default();
        ServeSettings {
            listen: o.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            db: o.db.unwrap_or_else(|| Database::Sqlite("./cloudnet.db".into())),
            clock,
            provisioning: o.provisioning.unwrap_or(ProvisioningSetting::usual(clock.0)),
            quotas: o.quotas.unwrap_or(QuotasSetting::Documented),
            ready_file: o.ready_file,
            seed: o.seed,
            tls: o.tls.unwrap_or(false),
            state_dir: o.state_dir,
            metadata_instance: o.metadata_instance,
            record: o.record,
            credentials: o.credentials,
            hosts: o.host.unwrap_or_default(),
            unknown_params: o.unknown_params.unwrap_or(UnknownParams::Warn),
            log_format: o.log_format.unwrap_or(LogFormat::Text),
            world_seed: o.world_seed,
            zones: o.zone.unwrap_or_default(),
            disputed: Disputed {
                secondary_mask_min: o.secondary_mask_min.unwrap_or(disputed.secondary_mask_min),
                routes_in_cloud_services: o
                    .routes_in_cloud_services
                    .unwrap_or(disputed.routes_in_cloud_services),
                enterprise_drop_rules: o.enterprise_drop_rules.unwrap_or(disputed.enterprise_drop_rules),
                empty_white_list_admits: o
                    .empty_white_list_admits
                    .unwrap_or(disputed.empty_white_list_admits),
            },
            keep_entries: o.keep_entries.unwrap_or(u64::MAX),
            timeout: Duration::from_secs(o.timeout.unwrap_or(30)),
            head_timeout: Duration::from_secs(o.head_timeout.unwrap_or(75)),
            grace: Duration::from_secs(o.grace.unwrap_or(10)),
            concurrency: o.concurrency.unwrap_or(1024),
            body_limit: o.body_limit.unwrap_or(1 << 20),
            max_worlds: o.max_worlds.unwrap_or(10_000),
        }
    }
}

impl Default for ServeSettings {
    fn default() -> ServeSettings {
        ServeOptions::default().into()
    }
}

impl ServeSettings {
    /// What a new world starts with under these settings, with a seed and the wall clock.
    pub fn genesis(&self, seed: u64, wall: i64) -> Genesis {
        let at = match self.clock.0 {
            ClockMode::Manual => Genesis::default().at,
            _ => SimTime(wall),
        };
        Genesis {
            seed,
            at,
            wall,
            clock: self.clock.0,
            provisioning: self.provisioning.into(),
            quotas_lifted: self.quotas == QuotasSetting::Lifted,
            disputed: self.disputed,
            extra_zones: self.zones.iter().map(|z| (z.0.clone(), z.1.clone())).collect(),
        }
    }
}
