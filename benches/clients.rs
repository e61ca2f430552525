//! What clients of the provider wire pay: the check of a signature, and loops over long lists.
//!
//! `cargo bench -p sim-api --bench clients`. Signatures are those of recorded requests of real SDKs; the floor is the
//! hashing alone, over a text that is ready. Lists are looped over as controllers do, page by page until there is no
//! more; the floor is writing the same pages as JSON. Each figure is the best of several runs of the same work, since a
//! shared machine only ever adds time.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use serde_json::Value;
use sim_api::rpc::request::{RawRequest, decode};
use sim_api::rpc::{Credentials, sign};
use sim_api::settings::{ClockSetting, Database, ProvisioningSetting, QuotasSetting};
use sim_api::{ServeSettings, Server};
use sim_core::settings::ClockMode;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tower::ServiceExt;

const RUNS: u32 = 5;

/// When the recorded requests were made: 2026-11-23T19:25:30Z.
const NOW: i64 = 1_795_461_930;

/// The best time for one of many calls.
fn each(count: u32, mut call: impl FnMut()) -> Duration {
    let mut run = || {
        let start = Instant::now();
        (0..count).for_each(|_| call());
        start.elapsed() / count
    };
    (0..RUNS).map(|_| run()).min().unwrap_or_default()
}

/// A recorded request, taken apart.
struct Recorded {
    scheme: String,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
    canonical: Option<String>,
    string_to_sign: String,
}

fn recorded() -> Vec<Recorded> {
    let data: Value = serde_json::from_str(include_str!("../tests/data/aliyun-signature-vectors.json"))
        .expect("the recorded signatures read");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let read = |vector: &Value| {
        let headers = vector["headers"].as_object().into_iter().flatten();
        let header = |(name, value): (&String, &Value)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, HeaderValue::from_str(value.as_str().unwrap_or_default()).expect("a value"))
        };
        Recorded {
            scheme: text(&vector["scheme"]),
            method: text(&vector["method"]).parse().expect("a method"),
            uri: text(&vector["target"]).parse().expect("a target"),
            headers: headers.map(header).collect(),
            body: text(&vector["body"]).into_bytes(),
            canonical: vector["canonicalRequest"].as_str().map(str::to_owned),
            string_to_sign: text(&vector["stringToSign"]),
        }
    };
    let all: Vec<Recorded> = data["vectors"].as_array().into_iter().flatten().map(read).collect();
    assert!(!all.is_empty(), "there are recorded signatures");
    all
}

fn signatures() {
    println!("{:<34}{:>10}{:>14}{:>14}", "signature of a recorded request", "bytes", "check", "floor");
    let keys = "[[credential]]\naccess_key_id = 'testid'\naccess_key_secret = 'testsecret'\naccount = '1000000000000001'\n";
    let credentials = Credentials::parse(keys).expect("the keys read");
    for one in recorded() {
        let raw = RawRequest::new(&one.method, &one.uri, &one.headers, &one.body);
        let request = decode(&raw).expect("a recorded request reads");
        let check = || sign::verify(&raw, &request, &credentials, NOW).is_ok();
        assert!(check(), "a recorded signature holds");
        let time = each(20_000, || {
            black_box(check());
        });
        let floor = each(20_000, || {
            let text = &one.string_to_sign;
            black_box(match &one.canonical {
                Some(canonical) => {
                    sign::v3_signature("testsecret", &sign::v3_string_to_sign(canonical.as_bytes()))
                }
                None => sign::v1_signature("testsecret", text),
            });
        });
        let bytes = one.canonical.as_ref().unwrap_or(&one.string_to_sign).len();
        println!(
            "{:<34}{bytes:>10}{:>11.2} µs{:>11.2} µs",
            format!("{} {}", one.scheme, one.method),
            time.as_nanos() as f64 / 1e3,
            floor.as_nanos() as f64 / 1e3
        );
    }
}

/// Sends an action of the product Ecs or Vpc.
async fn ask(router: &Router, version: &str, call: &str) -> Value {
    let query = call.replace(' ', "&");
    let path = format!("/?Version={version}&Format=JSON&AccessKeyId=any&RegionId=cn-hangzhou&Action={query}");
    let request = Request::post(path).header("host", "localhost").body(Body::empty()).expect("a request");
    let Ok(response) = router.clone().oneshot(request).await;
    let ok = response.status().is_success();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let answer: Value = serde_json::from_slice(&bytes).expect("an answer is JSON");
    assert!(ok, "{call}: {answer}");
    answer
}

fn text<'a>(answer: &'a Value, pointer: &str) -> &'a str {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Every page of the instances, by token or by number.
async fn walk(router: &Router, by_token: bool) -> Vec<Value> {
    let mut pages: Vec<Value> = Vec::new();
    loop {
        let call = match pages.last() {
            None if by_token => "DescribeInstances MaxResults=100".to_owned(),
            Some(last) if by_token => {
                format!("DescribeInstances MaxResults=100 NextToken={}", text(last, "/NextToken"))
            }
            _ => format!("DescribeInstances PageSize=100 PageNumber={}", pages.len() + 1),
        };
        let page = ask(router, "2014-05-26", &call).await;
        let items = page.pointer("/Instances/Instance").and_then(Value::as_array).map_or(0, Vec::len);
        let last = if by_token { text(&page, "/NextToken").is_empty() } else { items < 100 };
        pages.push(page);
        if last {
            return pages;
        }
    }
}

async fn lists() {
    let settings = ServeSettings {
        listen: ([127, 0, 0, 1], 0).into(),
        db: Database::Memory,
        clock: ClockSetting(ClockMode::Manual),
        provisioning: ProvisioningSetting::Instant,
        quotas: QuotasSetting::Lifted,
        ..ServeSettings::default()
    };
    let server = Server::start(settings).await.expect("a server");
    let router = sim_api::router::service(server.app().clone());
    let vpc = ask(&router, "2016-04-28", "CreateVpc CidrBlock=10.0.0.0/8").await;
    let vpc = text(&vpc, "/VpcId");
    let switch = format!("CreateVSwitch VpcId={vpc} ZoneId=cn-hangzhou-k CidrBlock=10.0.0.0/16");
    let switch = ask(&router, "2016-04-28", &switch).await;
    let (mut made, mut group) = (0, String::new());
    println!("\n{:<34}{:>10}{:>14}{:>14}", "a loop over all instances", "instances", "an instance", "floor");
    for wanted in [1_250, 2_500, 5_000, 10_000] {
        while made < wanted {
            // A group takes so many interfaces.
            if made % 1_000 == 0 {
                let call = format!("CreateSecurityGroup VpcId={vpc}");
                group = text(&ask(&router, "2014-05-26", &call).await, "/SecurityGroupId").to_owned();
            }
            let call = format!(
                "RunInstances Amount=50 InstanceType=ecs.g7.large ImageId=aliyun_3_x64_20G_alibase_20240819.vhd \
                 VSwitchId={} SecurityGroupId={group}",
                text(&switch, "/VSwitchId")
            );
            ask(&router, "2014-05-26", &call).await;
            made += 50;
        }
        for (name, by_token) in [("NextToken, 100 a page", true), ("PageNumber, 100 a page", false)] {
            let mut best = Duration::MAX;
            let mut pages = Vec::new();
            for _ in 0..RUNS {
                let start = Instant::now();
                pages = walk(&router, by_token).await;
                best = best.min(start.elapsed());
            }
            let seen: usize = pages
                .iter()
                .map(|p| p.pointer("/Instances/Instance").and_then(Value::as_array).map_or(0, Vec::len))
                .sum();
            assert_eq!(seen, wanted, "every instance is seen once");
            let floor = each(1, || {
                for page in &pages {
                    black_box(serde_json::to_vec(page).expect("a value is JSON"));
                }
            });
            let of_one = |time: Duration| time.as_nanos() as f64 / 1e3 / wanted as f64;
            println!("{name:<34}{wanted:>10}{:>11.2} µs{:>11.2} µs", of_one(best), of_one(floor));
        }
    }
    drop(router);
    let _ = server.stop().await;
}

fn main() {
    signatures();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(lists());
}
