//! How connections come in: plain, in TLS on the same port, or through a tunnel of the proxy.
//!
//! The first byte tells TLS from HTTP: a TLS handshake begins with 0x16, which no HTTP method does.

use crate::tls::Tls;
use axum::serve::Listener;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;
/// Connections that wait to be served.
const WAITING: usize = 1024;

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it connects from.
    pub address: SocketAddr,
    /// The user that it named when it asked for the tunnel that it came through.
    pub user: Option<Arc<str>>,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Peer {
        Peer { address, user: None }
    }
}

/// Bytes to read and to write.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection on which HTTP is spoken.
pub struct Connection(Kind);

enum Kind {
    Plain(TcpStream),
    Wrapped(Box<dyn Stream>),
}

/// The waiting connections, as the HTTP server takes them.
pub struct Doors {
    waiting: mpsc::Receiver<(Connection, Peer)>,
}

impl Doors {
    /// The next connection, and who is at its other end.
    pub async fn next(&mut self) -> (Connection, Peer) {
        match self.waiting.recv().await {
            Some(connection) => connection,
            // Whoever brings connections has ended: the server stops.
            None => std::future::pending().await,
        }
    }
}

/// Brings connections to the doors.
#[derive(Clone)]
pub struct Usher {
    doors: mpsc::Sender<(Connection, Peer)>,
    tls: Option<Tls>,
    /// How long a client may take until it has said what it speaks, handshake included.
    hello: Duration,
}

impl Usher {
    /// The doors of a server, and who brings connections to them, in which what is spoken is known after `hello`.
    pub fn new(tls: Option<Tls>, hello: Duration) -> (Usher, Doors) {
        let (doors, waiting) = mpsc::channel(WAITING);
        (Usher { doors, tls, hello }, Doors { waiting })
    }

    /// What is needed to answer in TLS, if the service does.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Brings in whoever connects until the service stops.
    pub async fn listen(self, mut listener: TcpListener, mut stopping: watch::Receiver<bool>) {
        loop {
            let (stream, address) = tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                came = Listener::accept(&mut listener) => came,
            };
            match &self.tls {
                // Without TLS there is nothing to find out.
                None => {
                    if self.doors.send((Connection(Kind::Plain(stream)), address.into())).await.is_err() {
                        return;
                    }
                }
                Some(_) => {
                    let (usher, stopping) = (self.clone(), stopping.clone());
                    let hello = self.hello;
                    let greeting = async move { usher.greet(stream, address.into()).await };
                    tokio::spawn(until(stopping, hello, greeting));
                }
            }
        }
    }

    async fn greet(&self, stream: TcpStream, peer: Peer) -> io::Result<()> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Ok(());
        }
        let connection = match &self.tls {
            Some(tls) if first[0] == HANDSHAKE => {
                Connection(Kind::Wrapped(Box::new(tls.acceptor.accept(stream).await?)))
            }
            _ => Connection(Kind::Plain(stream)),
        };
        self.bring(connection, peer).await
    }

    /// Brings in what comes out of a tunnel, as if it had connected by itself.
    pub async fn bring_tunnel<S>(&self, mut stream: S, peer: Peer, stopping: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        until(stopping, self.hello, async {
            let mut first = [0];
            if stream.read(&mut first).await? == 0 {
                return Ok(());
            }
            let stream = Rewound { first: Some(first[0]), stream };
            let inside: Box<dyn Stream> = match &self.tls {
                Some(tls) if first[0] == HANDSHAKE => Box::new(tls.acceptor.accept(stream).await?),
                _ => Box::new(stream),
            };
            self.bring(Connection(Kind::Wrapped(inside)), peer).await
        })
        .await;
    }

    async fn bring(&self, connection: Connection, peer: Peer) -> io::Result<()> {
        let sent = self.doors.send((connection, peer)).await;
        sent.map_err(|_| io::Error::other("the service stops"))
    }
}

/// Waits for a greeting as long as one may take. What fails in it is the client's affair: it sees its connection end.
async fn until(
    mut stopping: watch::Receiver<bool>,
    hello: Duration,
    greeting: impl Future<Output = io::Result<()>>,
) {
    tokio::select! {
        _ = stopping.wait_for(|stop| *stop) => {}
        done = tokio::time::timeout(hello, greeting) => match done {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::info!(%error, "a connection ended before its first request"),
            Err(_) => tracing::info!("a connection said nothing"),
        },
    }
}

/// A stream of which the first byte was read already.
struct Rewound<S> {
    first: Option<u8>,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buffer.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Kind::Wrapped(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Kind::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Kind::Wrapped(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Kind::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Kind::Wrapped(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Kind::Plain(stream) => stream.is_write_vectored(),
            Kind::Wrapped(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Kind::Wrapped(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Wrapped(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
