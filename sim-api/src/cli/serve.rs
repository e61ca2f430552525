//! `cloudnet serve`: run until told to stop.

use super::{Outcome, ServeArgs, runtime};
use sim_api::objects::read_toml;
use sim_api::settings::LogFormat;
use sim_api::{ServeOptions, ServeSettings, Server};
use std::io::IsTerminal;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

pub fn run(args: ServeArgs) -> Outcome {
    let file = match &args.config {
        None => ServeOptions::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
            read_toml(&text).map_err(|e| format!("{}: {e}", path.display()))?
        }
    };
    let settings = ServeSettings::from(args.options.or(file));
    start_log(settings.log_format);
    runtime()?.block_on(serve(settings))
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}

async fn serve(settings: ServeSettings) -> Outcome {
    // Heeded from the beginning, so that whoever sees that it is ready can stop it in good order.
    let mut stop = StopSignals::heed()?;
    let mut server = Server::bind(settings).await?;
    tokio::select! {
        ready = server.wait_ready() => ready?,
        // What is read or seeded meanwhile is not waited for: the database is whole at any moment.
        () = stop.comes() => std::process::exit(0),
    }
    println!("{}", banner(&server).await);
    stop.comes().await;
    tracing::info!("stopping");
    server.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// What asks the service to stop: SIGTERM, and SIGINT, as Ctrl-C sends it.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn heed() -> std::io::Result<StopSignals> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(StopSignals { terminate, interrupt })
    }

    async fn comes(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What runs, where to look, and how to point each kind of client at it.
async fn banner(server: &Server) -> String {
    let settings = &server.app().settings;
    let address = server.address();
    let url = server.url();
    let world = server.app().engine.world(sim_api::engine::DEFAULT_WORLD);
    let about = match world {
        None => String::new(),
        Some(world) => world
            .read(|w| {
                let s = w.settings();
                let mut objects = Vec::new();
                w.for_each_table(|name, rows| {
                    let counted = !matches!(name, "settings" | "counters" | "timers" | "tokens" | "quotas" | "tags");
                    if counted && rows > 0 {
                        objects.push(format!("{rows} {}", name.replace('_', " ")));
                    }
                });
                let objects = if objects.is_empty() { "none yet".to_owned() } else { objects.join(", ") };
                let quotas = if s.quotas_lifted { "lifted" } else { "documented" };
                let clock = sim_api::settings::ClockSetting(s.clock.mode);
                format!(
                    "  world          default, journal entry {}, virtual time {}\n  objects        {objects}\n  clock          {clock}\n  \
                     provisioning   {}\n  quotas         {quotas}\n",
                    w.seq(),
                    w.now(),
                    format!("{:?}", s.provisioning).to_lowercase(),
                )
            })
            .await
            .unwrap_or_default(),
    };
    format!(
        "cloudnet {} is ready\n  database       {}\n{about}  Swagger UI     {url}/swagger-ui/\n  OpenAPI        \
         {url}/openapi.json\n  provider       {address} (http)\n\nPoint a client here:\n  \
         Python, Go, Node SDK   endpoint {address}, protocol http, any keys\n  \
         cloud controller       export VPC_ENDPOINT={address} ECS_ENDPOINT={address} SLB_ENDPOINT={address} ALICLOUD_CLIENT_SCHEME=HTTP\n  \
         Terway                 export VPC_ENDPOINT={address} ECS_ENDPOINT={address} ALICLOUD_CLIENT_SCHEME=HTTP ALICLOUD_ENDPOINT_TYPE=public\n  \
         Terraform              export VPC_ENDPOINT={address} ECS_ENDPOINT={address} ALIBABA_CLOUD_ACCOUNT_TYPE=Domestic; provider protocol = \"HTTP\"\n  \
         aliyun CLI             aliyun vpc DescribeVpcs --endpoint {address} --insecure\n  \
         any proxy-aware one    export HTTP_PROXY={url}\n{}",
        env!("CARGO_PKG_VERSION"),
        settings.db,
        trust(server),
    )
}

/// How to trust the certificate, for a server that speaks TLS.
fn trust(server: &Server) -> String {
    let Some(tls) = server.app().usher.get().and_then(|usher| usher.tls()) else { return String::new() };
    let (url, address, ca) = (server.url(), server.address(), tls.ca.display());
    format!(
        "  unchanged host names   export HTTP_PROXY={url} HTTPS_PROXY={url}, and trust the certificate\n\n\
         HTTPS is at https://{address} too. Trust its certificate in the client's process, not in the whole system:\n  \
         Go, Terraform, CCM     export SSL_CERT_FILE={ca}\n  \
         Python                 export REQUESTS_CA_BUNDLE={ca} SSL_CERT_FILE={ca} ALIBABA_CLOUD_CA_BUNDLE={ca}\n  \
         Node                   export NODE_EXTRA_CA_CERTS={ca}\n  \
         curl                   export CURL_CA_BUNDLE={ca}\n"
    )
}
