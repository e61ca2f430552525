//! HTTP/1.1 on the connections that come in through the doors.

use crate::doors::{Connection, Doors, Peer};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Serves every connection until the service stops, and then those that have a request under way.
///
/// A connection has `head` of time for the head of a request, from its beginning or from the end of the answer before; one
/// that is idle for so long is closed too, since hyper makes no difference between the two.
pub async fn serve(mut doors: Doors, service: Router, head: Duration, mut stopping: watch::Receiver<bool>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    let mut open = JoinSet::new();
    let stopped = stopping.clone();
    loop {
        tokio::select! {
            // An error means that the server was dropped, which is a stop as well.
            _ = stopping.wait_for(|stop| *stop) => break,
            (connection, peer) = doors.next() => {
                open.spawn(converse(http.clone(), connection, peer, service.clone(), stopped.clone()));
            }
            Some(_) = open.join_next() => {}
        }
    }
    drop(doors);
    while open.join_next().await.is_some() {}
}

/// One connection: requests and their answers, the last of which is that to the request under way when the service stops.
async fn converse(
    http: http1::Builder,
    connection: Connection,
    peer: Peer,
    service: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        service.clone().oneshot(request)
    });
    let mut serving = pin!(http.serve_connection(TokioIo::new(connection), answer).with_upgrades());
    let done = tokio::select! {
        done = serving.as_mut() => Some(done),
        _ = stopping.wait_for(|stop| *stop) => None,
    };
    let done = match done {
        Some(done) => done,
        None => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a connection ended");
    }
}
