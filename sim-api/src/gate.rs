//! What every request passes through: an id, the browser rule, limits, the log and the counters.
//!
//! A web page must not be able to drive the server: requests that a browser marks as coming from another
//! site are refused, and `Host` must be one that this server is known by.

use crate::app::{App, AppState};
use crate::counters::Wire;
use crate::problem::Problem;
use crate::proxy;
use crate::requests::RequestRecord;
use crate::rest::parameters;
use crate::rpc::dispatch::Noted;
use crate::rpc::envelope;
use crate::rpc::request::{Format, RawRequest, preferred_format};
use crate::rpc::roa::Address;
use crate::rpc::{ProviderError, RequestId};
use crate::unread::Watched;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sim_core::SimTime;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The way through.
pub async fn pass(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::new(uuid::Uuid::new_v4());
    request.extensions_mut().insert(id);
    let about = About::of(&request);
    let in_flight = InFlight::enter(&app);
    let body = Watched::of(&mut request);
    let refused = check(&app, &request, in_flight.count);
    let mut response = match refused {
        Err(problem) => problem.into_response(),
        // An advance takes as long as it takes: it can be watched, and ends when its client hangs up.
        Ok(()) if about.path == "/v1/clock/advance" => next.run(request).await,
        Ok(()) => match tokio::time::timeout(app.settings.timeout, next.run(request)).await {
            Ok(response) => response,
            Err(_) => timed_out(&app, &about).into_response(),
        },
    };
    response = with_request_id(response, &id, &about);
    if let Some(body) = body {
        body.settle(&mut response).await;
    }
    drop(in_flight);
    note(&app, about, &mut response, &id, started);
    response
}

/// What the log says of a request that is over.
struct About {
    method: axum::http::Method,
    path: String,
    template: Option<String>,
    world: String,
    account: String,
    quiet: bool,
    /// The host and the format of an answer on the provider wire; absent on the native wire.
    provider: Option<(String, Format)>,
}

impl About {
    fn of(request: &Request) -> About {
        let header = |name: &str| {
            request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
        };
        let path = request.uri().path().to_owned();
        let quiet = !path.starts_with("/v1/") && !is_provider_wire(&path);
        let provider = is_provider_wire(&path).then(|| {
            let raw = RawRequest::new(request.method(), request.uri(), request.headers(), b"");
            (header("host"), preferred_format(&raw))
        });
        About {
            method: request.method().clone(),
            template: request.extensions().get::<MatchedPath>().map(|m| m.as_str().to_owned()),
            world: header("Cloudnet-World"),
            account: header("Cloudnet-Account"),
            path,
            quiet,
            provider,
        }
    }
}

/// Counts a request for as long as it is under way.
struct InFlight<'a> {
    app: &'a App,
    count: u64,
}

impl InFlight<'_> {
    fn enter(app: &App) -> InFlight<'_> {
        InFlight { app, count: app.in_flight.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.app.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the provider's protocol is spoken at a path: at `/`, and at the addresses of actions that have their own.
fn is_provider_wire(path: &str) -> bool {
    path == "/" || Address::find(path).is_some()
}

/// Where the paths begin that are about worlds, beside those of the provider wire.
const WORLDLY: [&str; 3] = ["/v1/", "/latest/", "/metadata/"];

fn check(app: &App, request: &Request, in_flight: u64) -> Result<(), Problem> {
    if in_flight > app.settings.concurrency {
        let detail = format!("More than {} requests are under way.", app.settings.concurrency);
        return Err(Problem::service(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_busy",
            "Too many requests at once.",
            detail,
        ));
    }
    // Where a tunnel may lead is the proxy's affair.
    if request.method() != axum::http::Method::CONNECT {
        check_host(app, request)?;
    }
    check_site(app, request.headers())?;
    check_bearer(app, request)?;
    // What asks about worlds waits until they are loaded, and seeded if a seed is being applied.
    let path = request.uri().path();
    if !app.is_ready() && (is_provider_wire(path) || WORLDLY.iter().any(|start| path.starts_with(start))) {
        return Err(App::loading());
    }
    let address = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    match (address, request.uri().query()) {
        (Some(address), Some(query)) if path.starts_with("/v1/") => {
            parameters::check(request.method(), address, query)
        }
        _ => Ok(()),
    }
}

fn forbidden(detail: String) -> Problem {
    Problem::service(StatusCode::FORBIDDEN, "cross_site", "Another site must not drive this server.", detail)
}

/// The host that a request is addressed to, without the port. What the absolute form names goes before `Host` (RFC
/// 9112, section 3.2.2).
fn host_name(request: &Request) -> Option<String> {
    let text = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(header::HOST)?.to_str().ok()?,
    };
    let name = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => text.split(':').next()?,
    };
    Some(name.to_ascii_lowercase())
}

fn check_host(app: &App, request: &Request) -> Result<(), Problem> {
    let name = host_name(request).unwrap_or_default();
    let path = request.uri().path();
    let provider_wire = is_provider_wire(path) || path.starts_with("/latest/");
    if let Some(port) = proxied_port(request)
        && (is_loopback(&name) || name == app.address.ip().to_string())
        && port != app.address.port()
    {
        return Err(proxy::refused(format!(
            "Port {port} of {name} is not this server's, which is {}. For other servers of this machine set NO_PROXY.",
            app.address.port()
        )));
    }
    let known = is_loopback(&name)
        || name == app.address.ip().to_string()
        || app.settings.hosts.iter().any(|host| host.eq_ignore_ascii_case(&name))
        || provider_wire && is_provider_host(&name);
    if known {
        return Ok(());
    }
    Err(forbidden(format!(
        "The request is addressed to {name:?}, which is not a name of this server; --host adds one."
    )))
}

/// The port that a request in absolute form is for, which is how clients ask their proxy.
fn proxied_port(request: &Request) -> Option<u16> {
    let usual = if request.uri().scheme_str() == Some("https") { 443 } else { 80 };
    request.uri().authority().map(|authority| authority.port_u16().unwrap_or(usual))
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The address of the metadata service inside an instance.
pub(crate) const METADATA_HOST: &str = "100.100.100.200";

/// Whether a name is one of the provider's endpoints, as clients address them through a proxy.
pub(crate) fn is_provider_host(name: &str) -> bool {
    name.ends_with(".aliyuncs.com") || name == METADATA_HOST
}

fn check_site(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site @ ("cross-site" | "same-site")) =
        headers.get("sec-fetch-site").and_then(|v| v.to_str().ok())
    {
        return Err(forbidden(format!("The browser marks the request as {site}.")));
    }
    if let Some(origin) = text(header::ORIGIN) {
        let own = text(header::HOST).map(|host| [format!("http://{host}"), format!("https://{host}")]);
        let known = own.is_some_and(|own| own.iter().any(|o| o.eq_ignore_ascii_case(origin)))
            || app.settings.hosts.iter().any(|host| origin.eq_ignore_ascii_case(&format!("http://{host}")));
        if !known {
            return Err(forbidden(format!("The request comes from a page of {origin}.")));
        }
    }
    Ok(())
}

/// With a credentials file the native wire wants a bearer token.
fn check_bearer(app: &App, request: &Request) -> Result<(), Problem> {
    let Some(credentials) = &app.credentials else { return Ok(()) };
    if !request.uri().path().starts_with("/v1/") {
        return Ok(());
    }
    let header =
        request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    // The name of a scheme is written in any case (RFC 9110, 11.1).
    let token = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
    if token.is_some_and(|(_, token)| credentials.by_bearer_token(token.trim_start()).is_some()) {
        return Ok(());
    }
    Err(Problem::service(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "The native wire wants a bearer token.",
        "Send Authorization: Bearer TOKEN with a bearer_token of the credentials file.",
    ))
}

fn timed_out(app: &App, about: &About) -> Problem {
    let seconds = app.settings.timeout.as_secs();
    let detail = match about.method {
        axum::http::Method::GET | axum::http::Method::HEAD if about.path != "/" => {
            format!("No answer within {seconds} s.")
        }
        _ => format!(
            "No answer within {seconds} s. The change may have been committed: the same request with the same \
             idempotency token gives the outcome."
        ),
    };
    Problem::service(StatusCode::GATEWAY_TIMEOUT, "timeout", "The request took too long.", detail)
}

/// Puts the request's id on the answer, and into a problem document. On the provider wire a problem of the service
/// itself takes the provider's form, which is the only one that its clients can read.
fn with_request_id(response: Response, id: &RequestId, about: &About) -> Response {
    let mut response = match (response.extensions().get::<Problem>().cloned(), &about.provider) {
        (Some(problem), Some((host, format))) => {
            let mut fresh =
                envelope::refusal(*format, &ProviderError::from(&problem), id, host).into_response();
            if let Some(seconds) = response.headers().get(header::RETRY_AFTER) {
                fresh.headers_mut().insert(header::RETRY_AFTER, seconds.clone());
            }
            fresh.extensions_mut().insert(problem);
            fresh
        }
        (Some(mut problem), None) => {
            problem.request_id = id.to_string();
            let (old, _) = response.into_parts();
            let mut fresh = problem.into_response();
            for (name, value) in &old.headers {
                if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
                    fresh.headers_mut().insert(name, value.clone());
                }
            }
            fresh
        }
        (None, _) => response,
    };
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// Counts the request, logs it, and keeps it in the ring.
fn note(app: &App, about: About, response: &mut Response, id: &RequestId, started: Instant) {
    let status = response.status().as_u16();
    let took = started.elapsed();
    let noted = response.extensions_mut().remove::<Noted>();
    let wire = if about.provider.is_some() { Wire::Provider } else { Wire::Native };
    let noted = noted.unwrap_or_else(|| {
        let problem = response.extensions().get::<Problem>();
        let code = problem.map(|p| p.code.clone()).unwrap_or_default();
        Noted {
            action: format!("{} {}", about.method, about.template.as_deref().unwrap_or(&about.path)),
            params: std::iter::once(("path".to_owned(), about.path.clone())).collect(),
            world: if about.world.is_empty() {
                crate::engine::DEFAULT_WORLD.to_owned()
            } else {
                about.world.clone()
            },
            account: about.account.clone(),
            rule: code.clone(),
            code,
            unknown: Vec::new(),
            ..Noted::default()
        }
    });
    app.metrics.count(wire, &noted.action, status, took);
    #[cfg(debug_assertions)]
    crate::requests::note_refusal(wire.text(), &noted.action, &noted.rule);
    if about.quiet {
        return;
    }
    let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(
        request_id = id.as_str(),
        account = noted.account,
        action = noted.action,
        code = noted.code,
        status,
        duration_us,
        "answered"
    );
    app.requests.push(RequestRecord {
        number: 0,
        request_id: id.to_string(),
        at: SimTime(crate::engine::wall_now()).to_string(),
        wire: wire.text().to_owned(),
        action: noted.action,
        params: noted.params,
        world: noted.world,
        account: noted.account,
        status,
        code: noted.code,
        rule: noted.rule,
        duration_us,
        unknown_params: noted.unknown,
        faults: noted.faults,
    });
}
