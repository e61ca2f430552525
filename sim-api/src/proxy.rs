//! The service as an HTTP proxy, for clients whose host names cannot be set.
//!
//! A request in absolute form comes to the same dispatch as any other. CONNECT makes a tunnel to this service itself: to
//! the provider's endpoints, where the local certificate answers, and to the metadata address. Other hosts are refused:
//! this is no way to anywhere else.

use crate::app::AppState;
use crate::doors::Peer;
use crate::gate::{METADATA_HOST, is_provider_host};
use crate::problem::Problem;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper_util::rt::TokioIo;

/// Answers CONNECT; everything else goes on.
pub async fn pass(State(app): State<AppState>, request: Request, next: Next) -> Response {
    if request.method() != Method::CONNECT {
        return next.run(request).await;
    }
    match connect(&app, request) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// The user that a client names to its proxy: `http://USER:x@127.0.0.1:8080` as proxy address. It opens nothing; it
/// says which instance asks the metadata service. Some clients send no user without a password.
pub(crate) fn proxy_user(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get(header::PROXY_AUTHORIZATION)?.to_str().ok()?;
    let decoded = BASE64.decode(sent.strip_prefix("Basic ")?.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let user = text.split_once(':').map_or(text.as_str(), |(user, _)| user);
    Some(user.to_owned()).filter(|user| !user.is_empty())
}

/// The answer to whoever takes this service for a proxy to somewhere else.
pub(crate) fn refused(detail: String) -> Problem {
    Problem::service(
        StatusCode::FORBIDDEN,
        "proxy_target",
        "This proxy leads only to the provider's endpoints.",
        detail,
    )
}

/// Begins a tunnel, if it leads somewhere.
fn connect(app: &AppState, request: Request) -> Result<(), Problem> {
    let target = request.uri().to_string();
    let (host, port) =
        match request.uri().authority().map(|to| (to.host().to_ascii_lowercase(), to.port_u16())) {
            Some((host, Some(port))) => (host, port),
            _ => return Err(refused(format!("{target:?} is no HOST:PORT."))),
        };
    if !is_provider_host(&host) {
        return Err(refused(format!(
            "{host} is no endpoint of the provider; *.aliyuncs.com and {METADATA_HOST} are answered here. \
             For other hosts set NO_PROXY."
        )));
    }
    let usher = match app.usher.get() {
        Some(usher) if port == 80 || (port == 443 && host != METADATA_HOST && usher.tls().is_some()) => {
            usher.clone()
        }
        Some(_) if port == 443 && host != METADATA_HOST => {
            return Err(refused(format!(
                "{target} speaks TLS, which this service does not; start it with --tls."
            )));
        }
        Some(_) if host == METADATA_HOST => {
            return Err(refused(format!(
                "The metadata service is at {METADATA_HOST}:80, not at port {port}."
            )));
        }
        _ => return Err(refused(format!("{host} is served at the ports 443 and 80, not at {port}."))),
    };
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<Peer>>() else {
        return Err(refused("The request came without a connection.".to_owned()));
    };
    let peer = Peer { address: peer.address, user: proxy_user(request.headers()).map(Into::into) };
    let stopping = app.stopping();
    tokio::spawn(async move {
        // The upgrade fails if the client goes before it has the answer.
        if let Ok(tunnel) = hyper::upgrade::on(request).await {
            usher.bring_tunnel(TokioIo::new(tunnel), peer, stopping).await;
        }
    });
    Ok(())
}
