//! TLS on the port of both wires, its local authority, and tunnels of the proxy.

mod process;
mod service;

use process::{Dir, Program, refused, run};
use serde_json::Value;
use service::{http, settings};
use sim_api::{ServeSettings, Server};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const PROVIDER: &str =
    "/?Action=DescribeVpcs&Version=2016-04-28&AccessKeyId=k&Format=JSON&RegionId=cn-hangzhou";
const ENDPOINT: &str = "vpc.cn-hangzhou.aliyuncs.com";

async fn secure(dir: &Dir) -> Server {
    let settings = ServeSettings { tls: true, state_dir: Some(dir.file("state")), ..settings() };
    Server::start(settings).await.unwrap()
}

/// A handshake as `name` that trusts the authority in the directory alone.
async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    dir: &Dir,
    stream: S,
    name: &str,
) -> std::io::Result<TlsStream<S>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.file("state/ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// One request; the status and the body of its answer.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, host: &str, path: &str) -> (u16, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Who closes without a farewell has answered all the same.
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// Asks the proxy for a tunnel; the stream, and the head and the body of the answer.
async fn tunnel(proxy: SocketAddr, target: &str) -> (TcpStream, u16, String) {
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    let ends = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer).into_owned();
        let length =
            text.to_ascii_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
        text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length.unwrap_or(0))
    };
    while !ends(&answer) {
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "{}", String::from_utf8_lossy(&answer));
        answer.push(byte[0]);
    }
    let text = String::from_utf8(answer).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (stream, status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[tokio::test]
async fn one_port_speaks_both_and_is_believed_for_its_names() {
    let dir = Dir::new();
    let server = secure(&dir).await;
    let address = server.address();
    let mut plain = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(&mut plain, "localhost", "/v1/vpcs").await.0, 200);
    for name in
        ["localhost", "127.0.0.1", "::1", ENDPOINT, "slb.aliyuncs.com", "ecs-cn-hangzhou.aliyuncs.com"]
    {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = handshake(&dir, stream, name).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(ask(&mut stream, "localhost", "/v1/vpcs").await.0, 200, "{name}");
    }
    for name in ["example.com", "a.b.c.aliyuncs.com", "10.0.0.1"] {
        let stream = TcpStream::connect(address).await.unwrap();
        let error = handshake(&dir, stream, name).await.expect_err(name).to_string();
        assert!(error.contains("not valid for name"), "{name}: {error}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn further_host_names_are_in_the_certificate() {
    let dir = Dir::new();
    let settings = ServeSettings {
        tls: true,
        state_dir: Some(dir.file("state")),
        hosts: vec!["cloud.test".into()],
        ..settings()
    };
    let server = Server::start(settings).await.unwrap();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let mut stream = handshake(&dir, stream, "cloud.test").await.unwrap();
    assert_eq!(ask(&mut stream, "cloud.test", "/v1/vpcs").await.0, 200);
    server.stop().await.unwrap();
}

/// A region that the settings add has endpoints like any other, and they are said to speak TLS.
#[tokio::test]
async fn regions_of_the_settings_are_in_the_certificate() {
    let dir = Dir::new();
    let settings = ServeSettings {
        tls: true,
        state_dir: Some(dir.file("state")),
        zones: ["mars-north-1=mars-north-1a", "mars-north-1=mars-north-1b", "cn-hangzhou=cn-hangzhou-z"]
            .map(|zone| zone.parse().unwrap())
            .into(),
        ..settings()
    };
    let server = Server::start(settings).await.unwrap();
    let endpoint = "vpc.mars-north-1.aliyuncs.com";
    let (stream, status, _) = tunnel(server.address(), &format!("{endpoint}:443")).await;
    assert_eq!(status, 200);
    let mut stream = handshake(&dir, stream, endpoint).await.unwrap();
    let path = "/?Action=DescribeEndpoints&Version=2015-06-12&AccessKeyId=k&Format=JSON&Id=mars-north-1&ServiceCode=vpc";
    let (status, body) = ask(&mut stream, endpoint, path).await;
    let told = &body["Endpoints"]["Endpoint"][0];
    assert_eq!((status, told["Endpoint"].as_str()), (200, Some(endpoint)), "{body}");
    assert_eq!(told["Protocols"]["Protocols"], serde_json::json!(["HTTP", "HTTPS"]));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_neither_tls_nor_http_ends_alone() {
    let dir = Dir::new();
    let server = secure(&dir).await;
    for noise in [&b"\x16\x03\x01\x00\x02hi"[..], b"\x00\x00", b"\x16", b""] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(noise).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    let mut plain = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(ask(&mut plain, "localhost", "/v1/vpcs").await.0, 200);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_tunnel_leads_to_the_provider_wire() {
    let dir = Dir::new();
    let server = secure(&dir).await;
    let (stream, status, _) = tunnel(server.address(), &format!("{ENDPOINT}:443")).await;
    assert_eq!(status, 200);
    let mut stream = handshake(&dir, stream, ENDPOINT).await.unwrap();
    let (status, body) = ask(&mut stream, ENDPOINT, PROVIDER).await;
    assert_eq!((status, &body["TotalCount"]), (200, &0.into()), "{body}");
    // Port 80 is spoken to in the clear, with TLS at hand or not.
    let (mut stream, status, _) = tunnel(server.address(), &format!("{ENDPOINT}:80")).await;
    assert_eq!((status, ask(&mut stream, ENDPOINT, PROVIDER).await.0), (200, 200));
    // The native wire is not among the provider's endpoints.
    let (mut stream, _, _) = tunnel(server.address(), &format!("{ENDPOINT}:80")).await;
    assert_eq!(ask(&mut stream, ENDPOINT, "/v1/vpcs").await.0, 403);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_tunnel_to_anywhere_else_is_refused() {
    let dir = Dir::new();
    let (secure, plain) = (secure(&dir).await, Server::start(settings()).await.unwrap());
    let rows = [
        (&secure, "example.com:443", "example.com is no endpoint of the provider"),
        (&secure, "aliyuncs.com.evil.test:443", "is no endpoint of the provider"),
        (&secure, "127.0.0.1:443", "127.0.0.1 is no endpoint of the provider"),
        (&secure, "vpc.aliyuncs.com:22", "vpc.aliyuncs.com is served at the ports 443 and 80, not at 22"),
        (&secure, "100.100.100.200:443", "The metadata service is at 100.100.100.200:80"),
        (&plain, "vpc.aliyuncs.com:443", "start it with --tls"),
    ];
    for (server, target, wanted) in rows {
        let (_, status, body) = tunnel(server.address(), target).await;
        assert_eq!(status, 403, "{target}: {body}");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], "proxy_target", "{target}");
        assert!(problem["detail"].as_str().unwrap().contains(wanted), "{target}: {problem}");
    }
    // In absolute form, too.
    let mut stream = TcpStream::connect(plain.address()).await.unwrap();
    assert_eq!(ask(&mut stream, "example.com", "http://example.com/").await.0, 403);
    let mut stream = TcpStream::connect(plain.address()).await.unwrap();
    assert_eq!(ask(&mut stream, ENDPOINT, &format!("http://{ENDPOINT}{PROVIDER}")).await.0, 200);
    // Of this machine it is the proxy for itself alone: another port is another server's.
    let (own, mut other) = (plain.address(), plain.address());
    other.set_port(if own.port() == 6443 { 6444 } else { 6443 });
    let rows = [
        (format!("http://{own}/v1/vpcs"), 200),
        (format!("http://localhost:{}/v1/vpcs", own.port()), 200),
        (format!("http://{other}/v1/vpcs"), 403),
        (format!("http://localhost:{}/v1/vpcs", other.port()), 403),
        ("http://localhost/v1/vpcs".to_owned(), 403),
        (format!("http://[::1]:{}{PROVIDER}", other.port()), 403),
    ];
    for (target, wanted) in rows {
        let mut stream = TcpStream::connect(own).await.unwrap();
        let host = target.split('/').nth(2).unwrap();
        let (status, body) = ask(&mut stream, host, &target).await;
        assert_eq!(status, wanted, "{target}: {body}");
        let said = body["detail"].as_str().or(body["Message"].as_str()).unwrap_or_default();
        assert!(status == 200 || said.contains("NO_PROXY"), "{target}: {body}");
    }
    // What the absolute form names goes before the header.
    let mut stream = TcpStream::connect(own).await.unwrap();
    assert_eq!(ask(&mut stream, "localhost", "http://example.com/v1/vpcs").await.0, 403);
    secure.stop().await.unwrap();
    plain.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_ends_tunnels_and_frees_the_port() {
    let dir = Dir::new();
    let server = secure(&dir).await;
    let address = server.address();
    let (mut idle, status, _) = tunnel(address, &format!("{ENDPOINT}:443")).await;
    assert_eq!(status, 200);
    let mut silent = TcpStream::connect(address).await.unwrap();
    server.stop().await.unwrap();
    for stream in [&mut idle, &mut silent] {
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0, "the connection has ended");
    }
    drop(std::net::TcpListener::bind(address).unwrap());
}

#[test]
fn the_authority_is_made_once_and_its_key_is_the_owners() {
    let dir = Dir::new();
    let state = dir.file("state/deep");
    let arguments = ["ca", "--state-dir", state.to_str().unwrap()];
    let first = run(&arguments);
    assert!(first.status.success() && first.stdout.starts_with(b"-----BEGIN CERTIFICATE-----"), "{first:?}");
    assert_eq!(run(&arguments).stdout, first.stdout);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join("ca-key.pem"))), (0o700, 0o600));
    assert!(!String::from_utf8_lossy(&first.stdout).contains("PRIVATE"));

    let server = Program::serve(&dir, &["--tls", "--state-dir", state.to_str().unwrap()], &[]);
    let ready: Value = serde_json::from_str(&fs::read_to_string(dir.file("ready.json")).unwrap()).unwrap();
    assert_eq!(ready["https_url"], format!("https://{}", server.address));
    assert_eq!(fs::read(ready["ca"].as_str().unwrap()).unwrap(), first.stdout);
    assert_eq!(http(server.address, "GET", "/v1/vpcs", &[], "").unwrap().0, 200);
    assert!(!server.log().contains("PRIVATE"));
    server.stop();
}

#[test]
fn an_authority_that_is_not_fit_is_refused() {
    let dir = Dir::new();
    let state = dir.file("state");
    let key = state.join("ca-key.pem");
    let state = state.to_str().unwrap();
    let serve =
        || run(&["serve", "--listen", "127.0.0.1:0", "--db", "memory", "--tls", "--state-dir", state]);
    assert!(run(&["ca", "--state-dir", state]).status.success());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let said = refused(&serve());
    assert!(said.contains("mode 640") && said.contains("chmod 600"), "{said}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let good = fs::read_to_string(&key).unwrap();
    let certificate = &good[good.find("-----BEGIN CERTIFICATE").unwrap()..];
    for text in ["", "nonsense", certificate, &good[..good.len() - certificate.len()]] {
        fs::write(&key, text).unwrap();
        let said = refused(&serve());
        assert!(said.contains("ca-key.pem: it holds no key and certificate"), "{said}");
    }
    let nowhere = run(&["ca", "--state-dir", "/dev/null/state"]);
    assert!(refused(&nowhere).contains("/dev/null/state"));
    let homeless = std::process::Command::new(process::PROGRAM)
        .arg("ca")
        .env_remove("HOME")
        .env_remove("XDG_STATE_HOME")
        .output();
    assert!(refused(&homeless.unwrap()).contains("--state-dir"));
}

/// Nobody holds a connection without a handshake, whether the port speaks HTTP too or a tunnel leads to it.
#[tokio::test]
async fn a_connection_without_a_whole_handshake_is_closed() {
    let dir = Dir::new();
    let settings = ServeSettings { tls: true, state_dir: Some(dir.file("state")), ..settings() };
    let head_timeout = Duration::from_millis(500);
    let server = Server::start(ServeSettings { head_timeout, ..settings }).await.unwrap();
    let address = server.address();
    let mut silent = Vec::new();
    for sent in [&b""[..], &[0x16], &[0x16, 3, 1, 2, 0, 1]] {
        let mut plain = TcpStream::connect(address).await.unwrap();
        plain.write_all(sent).await.unwrap();
        let (mut tunnel, status, _) = tunnel(address, &format!("{ENDPOINT}:443")).await;
        assert_eq!(status, 200);
        tunnel.write_all(sent).await.unwrap();
        silent.extend([(sent, plain), (sent, tunnel)]);
    }
    for (sent, mut stream) in silent {
        let mut answer = Vec::new();
        // It may end with a reset, since nobody has read what was sent.
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(answer, b"", "{sent:?}");
    }
    server.stop().await.unwrap();
}
