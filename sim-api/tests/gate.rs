//! What every request passes through before a handler sees it: hosts, other sites, limits; on each wire in its form.

mod service;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use service::settings;
use sim_api::{ServeSettings, Server};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

const PROVIDER: &str = "/?Action=DescribeVpcs&Version=2016-04-28&Format=JSON&RegionId=cn-hangzhou";

async fn send(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, Value) {
    let mut request = Request::builder().method(if body.is_empty() { "GET" } else { "POST" }).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let router = sim_api::router::service(server.app().clone());
    let response = router.oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned());
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, kind.unwrap_or_default(), serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// The code of a refusal in the form of the wire that answered.
fn code(body: &Value) -> &str {
    body["code"].as_str().or(body["Code"].as_str()).unwrap_or("none")
}

#[tokio::test]
async fn an_action_with_an_address_of_its_own_is_on_the_provider_wire() {
    let server = Server::start(settings()).await.unwrap();
    let host = ("host", "cs.cn-hangzhou.aliyuncs.com");
    let (status, _, body) = send(&server, "/clusters/c1", &[host], "").await;
    // Nobody has signed it, which is the wire's affair.
    assert!((400..=404).contains(&status) && code(&body) != "cross_site", "{status} {body}");
    let (status, _, body) = send(&server, "/clusters", &[host], "").await;
    assert_eq!((status, code(&body)), (403, "cross_site"));
    let (_, _, log) = send(&server, "/v1/requests", &[("host", "localhost")], "").await;
    let logged = log["items"].as_array().unwrap().iter().filter(|of| of["action"] == "DescribeClusterDetail");
    assert_eq!(logged.count(), 1, "{log}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_web_page_cannot_drive_the_server() {
    let server =
        Server::start(ServeSettings { hosts: vec!["cloud.test".into()], ..settings() }).await.unwrap();
    let local = ("host", "127.0.0.1:8080");
    let rows: &[(&[(&str, &str)], u16)] = &[
        (&[local], 200),
        (&[("host", "localhost")], 200),
        (&[("host", "[::1]:8080")], 200),
        (&[("host", "cloud.test")], 200),
        (&[("host", "CLOUD.TEST:80")], 200),
        (&[("host", "evil.test")], 403),
        (&[("host", "127.0.0.1.evil.test")], 403),
        (&[("host", "")], 403),
        (&[], 403),
        (&[local, ("sec-fetch-site", "same-origin")], 200),
        (&[local, ("sec-fetch-site", "none")], 200),
        (&[local, ("sec-fetch-site", "cross-site")], 403),
        (&[local, ("sec-fetch-site", "same-site")], 403),
        (&[local, ("origin", "http://127.0.0.1:8080")], 200),
        (&[local, ("origin", "http://127.0.0.1:9999")], 403),
        (&[local, ("origin", "https://evil.test")], 403),
        (&[local, ("origin", "null")], 403),
    ];
    for (headers, status) in rows {
        for path in ["/v1/vpcs", PROVIDER] {
            let (got, kind, body) = send(&server, path, headers, "").await;
            assert_eq!(got, *status, "{path} {headers:?}: {body}");
            let (form, refused) = match (path, *status) {
                (_, 200) => ("application/json", "none"),
                ("/v1/vpcs", _) => ("application/problem+json", "cross_site"),
                _ => ("application/json;charset=utf-8", "Forbidden"),
            };
            assert!(kind.starts_with(form), "{path} {headers:?}: {kind}");
            assert_eq!(code(&body), refused, "{path} {headers:?}");
        }
    }
    // Clients that use the server as their proxy address the provider's own hosts, on the provider's wire only.
    for host in ["vpc.cn-hangzhou.aliyuncs.com", "100.100.100.200"] {
        assert_eq!(send(&server, PROVIDER, &[("host", host)], "").await.0, 200, "{host}");
        assert_eq!(send(&server, "/v1/vpcs", &[("host", host)], "").await.0, 403, "{host}");
    }
    server.stop().await.unwrap();
}

/// A client that asks where a product is served goes on with the server that it asked.
#[tokio::test]
async fn the_location_of_a_product_is_where_the_question_came_to() {
    let server = Server::start(settings()).await.unwrap();
    let question = "/?Action=DescribeEndpoints&Version=2015-06-12&Id=cn-beijing&ServiceCode=Vpc&Type=openAPI&Format=JSON";
    let rows = [
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("localhost", "localhost"),
        ("location-readonly.aliyuncs.com", "vpc.cn-beijing.aliyuncs.com"),
        ("location.aliyuncs.com:443", "vpc.cn-beijing.aliyuncs.com"),
    ];
    for (host, wanted) in rows {
        let (status, _, body) = send(&server, question, &[("host", host)], "").await;
        assert_eq!(status, 200, "{host}: {body}");
        let endpoint = &body["Endpoints"]["Endpoint"][0];
        assert_eq!(endpoint["Endpoint"], wanted, "{host}");
        assert_eq!(endpoint["Protocols"]["Protocols"], serde_json::json!(["HTTP"]), "TLS is not spoken");
    }
    // There is no other kind of endpoint, and no endpoint of a product that is not served.
    let local = [("host", "localhost")];
    let inner = question.replace("openAPI", "innerAPI");
    let (status, _, body) = send(&server, &inner, &local, "").await;
    assert_eq!(
        (status, &body["Success"], &body["Endpoints"]["Endpoint"]),
        (200, &true.into(), &Value::Array(vec![]))
    );
    for code in ["nonsense", "alb"] {
        let unserved = question.replace("ServiceCode=Vpc", &format!("ServiceCode={code}"));
        let (status, _, body) = send(&server, &unserved, &local, "").await;
        // The older SDKs compare both texts, and say then that there is no such product.
        let said = (body["Code"].as_str(), body["Message"].as_str());
        assert_eq!(
            (status, said),
            (400, (Some("Illegal Parameter"), Some("Please check the parameters"))),
            "{code}"
        );
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_is_answered_before_the_worlds_are_what_they_shall_be() {
    use sim_api::app::App;
    use sim_api::engine::{Engine, WriterSettings};
    use sim_api::store::{AnyLog, MemoryLog};
    let engine = Engine::new(Arc::new(AnyLog::Memory(MemoryLog::new())), WriterSettings::default());
    let address = ([127, 0, 0, 1], 8080).into();
    let app = Arc::new(App::new(engine, settings(), None, address));
    let router = sim_api::router::service(app.clone());
    let status = async |path: &str| {
        let request = Request::builder().uri(path).header("host", "localhost").body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    // A seed that is being applied sees the worlds; others do not yet.
    app.set_loaded();
    for (path, wanted) in [("/v1/vpcs", 503), (PROVIDER, 503), ("/readyz", 503), ("/healthz", 200)] {
        assert_eq!(status(path).await, wanted, "{path}");
    }
    app.set_ready();
    assert_eq!((status("/readyz").await, status("/v1/vpcs").await), (200, 404), "there is no world here");
}

#[tokio::test]
async fn limits_answer_in_the_form_of_the_wire() {
    let local = [("host", "localhost"), ("content-type", "application/json")];
    let form = [("host", "localhost"), ("content-type", "application/x-www-form-urlencoded")];
    let big = format!("{{\"name\":\"{}\"}}", "x".repeat(4_096));

    let small = Server::start(ServeSettings { body_limit: 1_024, ..settings() }).await.unwrap();
    let (status, _, body) = send(&small, "/v1/vpcs", &local, &big).await;
    assert_eq!((status, code(&body)), (413, "malformed_request"), "{body}");
    let (status, _, body) = send(&small, PROVIDER, &form, &format!("VpcName={}", "x".repeat(4_096))).await;
    assert_eq!((status, code(&body)), (413, "RequestEntityTooLarge"), "{body}");
    small.stop().await.unwrap();

    let busy = Server::start(ServeSettings { concurrency: 0, ..settings() }).await.unwrap();
    let (status, _, body) = send(&busy, "/v1/vpcs", &local, "").await;
    assert_eq!((status, code(&body)), (503, "too_busy"), "{body}");
    let (status, _, body) = send(&busy, PROVIDER, &local, "").await;
    assert_eq!((status, code(&body)), (503, "ServiceUnavailable"), "{body}");
    assert!(body["RequestId"].is_string(), "{body}");
    busy.stop().await.unwrap();
}

/// Sends the texts over one connection, each after the answer to the one before; the answers, as far as they come.
fn converse(server: &Server, texts: &[String]) -> Vec<String> {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answers = Vec::new();
    for text in texts {
        if stream.write_all(text.as_bytes()).is_err() {
            break;
        }
        let mut answer = Vec::new();
        let is_whole = |answer: &[u8]| {
            let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            length.is_some_and(|length| length.parse() == Ok(body.len()))
        };
        let mut more = [0; 4096];
        while !is_whole(&answer) {
            match stream.read(&mut more) {
                Ok(count) if count > 0 => answer.extend(&more[..count]),
                _ => break,
            }
        }
        answers.push(String::from_utf8(answer).unwrap());
    }
    answers
}

/// The name of a scheme is written in any case, and spaces may follow it (RFC 9110, 11.1 and 11.4).
#[tokio::test]
async fn a_bearer_token_is_known_whatever_the_case_of_its_scheme() {
    let path = std::env::temp_dir().join(format!("cloudnet-gate-{}.toml", std::process::id()));
    let text = "[[credential]]\naccess_key_id = \"testid\"\naccess_key_secret = \"a-secret-of-tests\"\n\
        account = \"1000000000000001\"\nbearer_token = \"a-token-of-tests\"\n";
    std::fs::write(&path, text).unwrap();
    let server =
        Server::start(ServeSettings { credentials: Some(path.clone()), ..settings() }).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let rows = [
        ("Bearer a-token-of-tests", 200),
        ("bearer a-token-of-tests", 200),
        ("BEARER  a-token-of-tests", 200),
        ("Basic a-token-of-tests", 401),
        ("bearer", 401),
        ("bearer another", 401),
        ("a-token-of-tests", 401),
    ];
    for (header, status) in rows {
        let answer = send(&server, "/v1/vpcs", &[("host", "localhost"), ("authorization", header)], "").await;
        assert_eq!(answer.0, status, "{header}");
    }
    server.stop().await.unwrap();
}

/// A body that nobody reads stands where the next request would: the answer says that the connection ends.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_that_the_connection_ends_where_a_body_was_not_read() {
    let server = Server::start(ServeSettings { body_limit: 100_000, ..settings() }).await.unwrap();
    let post = |path: &str, host: &str, more: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{more}\r\n{body}")
    };
    let sized = |length: usize| format!("Content-Length: {length}\r\n");
    let (some, chunked) = ("{\"name\":", "Transfer-Encoding: chunked\r\n");
    let expecting = format!("{}Expect: 100-continue\r\n", sized(9));
    // More than the buffers of a connection hold: the answer comes while this is still being sent.
    let large = "x".repeat(20_000_000);
    let next = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned();
    // Who is refused, what is sent of the body, the status, and whether the connection ends.
    let rows = [
        (post("/v1/vpcs", "evil.test", &sized(1_000_000), some), 403, true),
        (post(PROVIDER, "evil.test", &sized(1_000_000), some), 403, true),
        (post("/v1/vpcs", "evil.test", chunked, "1\r\n{\r\n"), 403, true),
        (post("/v1/vpcs", "evil.test", &expecting, ""), 403, true),
        (post("/v1/vpcs", "localhost", &sized(large.len()), &large), 413, true),
        (post(PROVIDER, "localhost", &sized(large.len()), &large), 413, true),
        (post("/v1/vpcs", "evil.test", &sized(large.len()), &large), 403, true),
        (post("/v1/vpcs", "evil.test", &sized(9), "{\"a\":\"b\"}"), 403, false),
        (post("/v1/nowhere", "localhost", &sized(9), "{\"a\":\"b\"}"), 404, false),
        (post("/v1/vpcs", "localhost", &sized(2), "{}"), 201, false),
        (post("/v1/vpcs", "evil.test", &sized(0), ""), 403, false),
    ];
    for (request, status, ends) in rows {
        let about = request.chars().take(160).collect::<String>();
        let texts = if ends { vec![request] } else { vec![request, next.clone()] };
        let answers = tokio::task::block_in_place(|| converse(&server, &texts));
        let first = answers[0].to_ascii_lowercase();
        assert!(first.starts_with(&format!("http/1.1 {status} ")), "{about}: {first}");
        assert_eq!(first.contains("\r\nconnection: close\r\n"), ends, "{about}: {first}");
        if !ends {
            assert!(answers[1].starts_with("HTTP/1.1 200 "), "{about}: {answers:?}");
        }
    }
    server.stop().await.unwrap();
}

/// A connection on which these bytes were sent.
fn opened(server: &Server, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    stream
}

/// What is answered until the connection is closed.
fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Nobody holds a connection without a request; one with a request under way is held as long as that takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_the_head_of_a_request_is_closed() {
    let head_timeout = Duration::from_millis(500);
    let server = Server::start(ServeSettings { head_timeout, ..settings() }).await.unwrap();
    let mut follower = opened(&server, "GET /v1/requests/follow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head =
        "POST /v1/vpcs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2";
    let mut slow = opened(&server, &format!("{head}\r\nConnection: close\r\n\r\n{{"));
    let halves = ["", "GET /healthz HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: a"];
    let silent = halves.map(|sent| opened(&server, sent));
    let idle = opened(&server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(silent.map(until_closed), ["", "", ""]);
    let idle = until_closed(idle);
    assert!(idle.starts_with("HTTP/1.1 200 OK\r\n") && idle.ends_with("ok\n"), "{idle}");
    // The time for a head is over for these as well, which have brought theirs.
    slow.write_all(b"}").unwrap();
    let answer = until_closed(slow);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let (mut told, mut more) = (String::new(), [0; 4096]);
    while !told.contains("POST /v1/vpcs") {
        let count = follower.read(&mut more).unwrap();
        assert!(count > 0, "{told}");
        told.push_str(std::str::from_utf8(&more[..count]).unwrap());
    }
    drop(follower);
    server.stop().await.unwrap();
}
