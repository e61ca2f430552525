//! One request to a running server and its answer.

use std::io::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The `HOST:PORT` of a server, `http://HOST:PORT` or `HOST:PORT`.
pub fn host(server: &str) -> &str {
    server.strip_prefix("http://").unwrap_or(server).trim_end_matches('/')
}

/// Sends a request to a server, `http://HOST:PORT` or `HOST:PORT`, and reads the whole answer: its status and its
/// body. It is addressed to the server, unless a header `Host` says otherwise.
///
/// # Errors
/// If the server cannot be reached, does not speak HTTP, or a header has a line break.
pub async fn send(
    server: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<(u16, String)> {
    let server = host(server);
    let mut stream =
        TcpStream::connect(server).await.map_err(|e| Error::new(e.kind(), format!("{server}: {e}")))?;
    // HTTP/1.0: the answer is not chunked and ends with the connection.
    let mut request = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request.push_str(&format!("Host: {server}\r\n"));
    }
    for (name, value) in headers {
        if value.contains(['\r', '\n']) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("{name} has a line break")));
        }
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("\r\n{body}"));
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, format!("{server} closed the connection")))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status =
        status.ok_or_else(|| Error::new(ErrorKind::InvalidData, format!("{server} does not speak HTTP")))?;
    Ok((status, body.to_owned()))
}
