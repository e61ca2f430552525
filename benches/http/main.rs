//! What the released server does over HTTP with SQLite on disk, beside a bare handler in the same run.
//!
//! `cargo bench -p sim-api --bench http`, or with names of sections behind `--`: `start restart traces reads pages single
//! creates`.
//! `--small` measures with 50,000 interfaces instead of 500,000 and fewer requests. Client and server share the
//! machine; the client is one thread.

mod load;
#[path = "../common/network.rs"]
mod network;
mod servers;
mod traces;

use load::{Report, get, post};
use network::{Network, VSWITCHES};
use servers::{Process, bare, cloudnet, directory};
use sim_api::engine::{DEFAULT_WORLD, Engine, Lifetime, WriterSettings, wall_now};
use sim_api::store::{AnyLog, Log, SqliteLog};
use sim_core::id::EniId;
use sim_core::settings::ClockMode;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 64;

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    few: usize,
    many: usize,
    restart: usize,
    creates: u64,
    reads: u64,
    pages: u64,
}

const FULL: Size =
    Size { few: 5_000, many: 500_000, restart: 1_000_000, creates: 100_000, reads: 200_000, pages: 300 };
const SMALL: Size =
    Size { few: 5_000, many: 50_000, restart: 100_000, creates: 20_000, reads: 40_000, pages: 100 };

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--bare") {
        return servers::serve_bare(&words[1], words[2].parse().expect("a number of bytes"));
    }
    let size = if words.iter().any(|word| word == "--small") { SMALL } else { FULL };
    words.retain(|word| !word.starts_with("--"));
    let wanted = |section: &str| words.is_empty() || words.iter().any(|word| word == section);
    if wanted("start") {
        start();
    }
    if wanted("restart") {
        restart(size.restart);
    }
    if wanted("traces") {
        head("10,000 traces in one request, one client");
        traces::measure(store, line);
    }
    for count in [size.few, size.many] {
        if ["single", "creates", "reads", "pages"].into_iter().any(wanted) {
            with_interfaces(count, size, &wanted);
        }
    }
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn line(what: &str, report: &Report, floor: Option<f64>) {
    let share = floor.map_or(String::new(), |floor| format!("{:>6.0} %", 100.0 * report.rate() / floor));
    println!(
        "{what:<44}{:>10.0} /s{share:>9}{:>12}{:>12}{:>12}",
        report.rate(),
        ms(report.percentile(0.5)),
        ms(report.percentile(0.99)),
        ms(report.worst())
    );
}

fn head(what: &str) {
    println!("\n{what:<44}{:>13}{:>9}{:>12}{:>12}{:>12}", "rate", "of floor", "p50", "p99", "worst");
}

/// Start to first answer, and memory at rest.
fn start() {
    println!("{:<44}{:>14}{:>14}{:>14}", "start", "first answer", "ready", "memory");
    for (what, count) in [("no database", 0), ("1,000 interfaces", 1_000)] {
        let home = directory("start");
        if count > 0 {
            seed(&home, count);
        }
        let mut times = Vec::new();
        for _ in 0..5 {
            let (process, first, ready) = cloudnet(&home);
            std::thread::sleep(Duration::from_millis(300));
            times.push((ready, first, process.rss_kib()));
            process.stop();
        }
        times.sort_unstable();
        let (ready, first, rss) = times[times.len() / 2];
        println!("{what:<44}{:>14}{:>14}{:>10.1} MiB", ms(first), ms(ready), rss as f64 / 1024.0);
        let _ = std::fs::remove_dir_all(home);
    }
}

/// Start from the snapshot of a large world, beside reading the same bytes out of the database.
fn restart(count: usize) {
    let home = directory("restart");
    let (network, _) = seed(&home, count);
    drop(network);
    let (server, first, ready) = cloudnet(&home);
    let rss = server.rss_kib() as f64 / 1024.0;
    server.stop();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (bytes, took) = runtime.block_on(async {
        let log = SqliteLog::open(&home.join("cloudnet.db")).await.expect("a database");
        let started = Instant::now();
        let mut bytes = 0;
        for world in log.worlds().await.expect("worlds") {
            let head = log.newest_snapshot(world.key).await.expect("a snapshot");
            for part in 0..head.chunks {
                bytes += log.chunk(head.id, part).await.expect("a chunk").len();
            }
        }
        (bytes, started.elapsed())
    });
    println!(
        "\nrestart with {count} interfaces: first answer {}, ready {}, memory {rss:.0} MiB; floor: {:.0} MiB read \
         from the database in {}",
        ms(first),
        ms(ready),
        bytes as f64 / f64::from(1 << 20),
        ms(took)
    );
    let _ = std::fs::remove_dir_all(home);
}

/// Writes a database whose world holds `count` interfaces.
fn seed(home: &Path, count: usize) -> (Network, Vec<EniId>) {
    let wall = wall_now();
    let mut network = Network::new(ClockMode::Real, wall);
    let ids = network.fill(count);
    (store(home, network), ids)
}

/// Writes a database with the world of a network.
fn store(home: &Path, network: Network) -> Network {
    let (world, wall) = (network.world.clone(), wall_now());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let log = SqliteLog::open(&home.join("cloudnet.db")).await.expect("a database");
        let engine = Engine::new(Arc::new(AnyLog::Sqlite(log)), WriterSettings::default());
        engine.create_from(DEFAULT_WORLD, world, Lifetime::Kept, wall).await.expect("a world");
        engine.close().await.expect("closed");
    });
    network
}

/// Everything that is measured in a world with `count` interfaces.
fn with_interfaces(count: usize, size: Size, wanted: &dyn Fn(&str) -> bool) {
    let home = directory("world");
    let (network, ids) = seed(&home, count);
    let (server, first, ready) = cloudnet(&home);
    let rss = server.rss_kib() as f64 / 1024.0;
    println!("\n{count} interfaces: first answer {}, ready {}, memory {rss:.0} MiB", ms(first), ms(ready));
    let (network, ids) = (Arc::new(network), Arc::new(ids));
    if wanted("reads") {
        reads(&server, &ids, size);
    }
    if wanted("pages") {
        pages(&server, &network, &ids, size);
    }
    if wanted("single") {
        single(&server, &network, &ids);
    }
    if wanted("creates") {
        creates(&server, &network, size);
    }
    if wanted("pages") && wanted("creates") {
        beside_a_walk(&server, &network, size);
    }
    server.stop();
    let _ = std::fs::remove_dir_all(home);
}

/// The request that makes an interface on the native wire.
fn native(network: &Arc<Network>) -> impl Fn(u64) -> Vec<u8> + 'static {
    let network = network.clone();
    move |n| {
        let (vswitch, group) = network.place(n as usize);
        let body = format!(r#"{{"vswitch_id":"{vswitch}","security_group_ids":["{group}"]}}"#);
        post("/v1/network-interfaces", &body)
    }
}

/// The request that makes an interface on the provider wire.
fn provider(network: &Arc<Network>) -> impl Fn(u64) -> Vec<u8> + 'static {
    let network = network.clone();
    move |n| {
        let (vswitch, group) = network.place(n as usize);
        post(
            &format!(
                "/?Action=CreateNetworkInterface&Version=2014-05-26&Format=JSON&AccessKeyId=bench&RegionId={}\
                 &VSwitchId={vswitch}&SecurityGroupId={group}",
                network::REGION
            ),
            "",
        )
    }
}

/// The size of an interface's body on the native wire.
fn body_size(server: &Process, id: EniId) -> usize {
    let answer =
        load::once(server.address, &get(&format!("/v1/network-interfaces/{id}"))).expect("an answer");
    assert_eq!(answer.status, 200);
    answer.body.len()
}

fn warm(address: std::net::SocketAddr, make: impl Fn(u64) -> Vec<u8> + 'static) {
    load::run(address, CONNECTIONS, 2_000, make).check("warming up");
}

fn creates(server: &Process, network: &Arc<Network>, size: Size) {
    head(&format!("durable creations, {CONNECTIONS} connections"));
    let floor = {
        let bare = bare(700);
        let network = network.clone();
        let make = move |n: u64| {
            let (vswitch, group) = network.place(n as usize);
            post("/bare", &format!(r#"{{"vswitch_id":"{vswitch}","security_group_ids":["{group}"]}}"#))
        };
        let (warming, measured) = (make.clone(), make);
        warm(bare.address, warming);
        load::run(bare.address, CONNECTIONS, size.reads, measured).check("bare")
    };
    line("floor: bare handler, POST with JSON", &floor, None);
    warm(server.address, native(network));
    let before = server.cpu();
    let report = load::run(server.address, CONNECTIONS, size.creates, native(network)).check("native");
    let cpu = (server.cpu() - before).as_micros() as f64 / size.creates as f64;
    line("POST /v1/network-interfaces", &report, Some(floor.rate()));
    println!("{:<44}{cpu:>10.1} µs of processor time in the server for each", "");
    let report = load::run(server.address, CONNECTIONS, size.creates, provider(network)).check("provider");
    line("CreateNetworkInterface", &report, Some(floor.rate()));
}

fn single(server: &Process, network: &Arc<Network>, ids: &Arc<Vec<EniId>>) {
    head("one client");
    line(
        "POST /v1/network-interfaces",
        &load::run(server.address, 1, 3_000, native(network)).check("native"),
        None,
    );
    line(
        "CreateNetworkInterface",
        &load::run(server.address, 1, 3_000, provider(network)).check("provider"),
        None,
    );
    let ids = ids.clone();
    let read = move |n: u64| get(&format!("/v1/network-interfaces/{}", ids[n as usize * 7919 % ids.len()]));
    line("GET /v1/network-interfaces/{id}", &load::run(server.address, 1, 3_000, read).check("read"), None);
}

fn reads(server: &Process, ids: &Arc<Vec<EniId>>, size: Size) {
    head(&format!("reads by id, {CONNECTIONS} connections"));
    let path = |prefix: &'static str| {
        let ids = ids.clone();
        move |n: u64| get(&format!("{prefix}{}", ids[n as usize * 7919 % ids.len()]))
    };
    let floor = {
        let bare = bare(body_size(server, ids[0]));
        warm(bare.address, path("/bare/"));
        load::run(bare.address, CONNECTIONS, size.reads, path("/bare/")).check("bare")
    };
    line("floor: bare handler, GET", &floor, None);
    warm(server.address, path("/v1/network-interfaces/"));
    let report = load::run(server.address, CONNECTIONS, size.reads, path("/v1/network-interfaces/"));
    line("GET /v1/network-interfaces/{id}", &report.check("reads"), Some(floor.rate()));
    let describe = path(
        "/?Action=DescribeNetworkInterfaces&Version=2014-05-26&AccessKeyId=bench&RegionId=cn-hangzhou&NetworkInterfaceId.1=",
    );
    let report = load::run(server.address, CONNECTIONS, size.reads / 2, describe);
    line("DescribeNetworkInterfaces by id", &report.check("describe"), Some(floor.rate()));
}

/// The pages that are asked for: what they show, and the request.
fn page_requests(network: &Network, ids: &[EniId]) -> Vec<(&'static str, String)> {
    let rest = |query: String| format!("/v1/network-interfaces?page_size=50&{query}");
    let rpc = |query: String| {
        format!(
            "/?Action=DescribeNetworkInterfaces&Version=2014-05-26&AccessKeyId=bench&RegionId=cn-hangzhou&PageSize=50&{query}"
        )
    };
    let middle = ids[ids.len() / 2];
    let (vswitch, group) = network.place(VSWITCHES);
    let vpc = network.vpcs[1];
    let deep = ids.len() / 50;
    vec![
        ("cursor in the middle", rest(format!("page_token={middle}"))),
        ("VPC", rest(format!("vpc_id={vpc}"))),
        ("vSwitch", rest(format!("vswitch_id={vswitch}"))),
        ("security group", rest(format!("security_group_id={group}"))),
        ("address", rest("private_ip_address=10.0.0.1".to_owned())),
        ("Describe: id", rpc(format!("NetworkInterfaceId.1={middle}"))),
        ("Describe: NextToken in the middle", rpc(format!("MaxResults=50&NextToken={middle}"))),
        ("Describe: VPC", rpc(format!("VpcId={vpc}"))),
        ("Describe: vSwitch", rpc(format!("VSwitchId={vswitch}"))),
        ("Describe: security group", rpc(format!("SecurityGroupId={group}"))),
        ("Describe: address in a VPC", rpc(format!("VpcId={vpc}&PrivateIpAddress.1=10.0.0.1"))),
        ("Describe: one tag", rpc("Tag.1.Key=env&Tag.1.Value=bench".to_owned())),
        ("Describe: last PageNumber", rpc(format!("PageNumber={deep}"))),
        ("Describe: name, which no index knows", rpc("NetworkInterfaceName=none".to_owned())),
        ("name, which no index knows", rest("name=none".to_owned())),
    ]
}

fn pages(server: &Process, network: &Arc<Network>, ids: &Arc<Vec<EniId>>, size: Size) {
    head("pages of 50, one client");
    for (what, path) in page_requests(network, ids) {
        let report = load::run(server.address, 1, size.pages, move |_| get(&path));
        line(what, &report.check(what), None);
    }
}

/// Creations while another client walks the whole table again and again: the walk must not hold up the writer.
fn beside_a_walk(server: &Process, network: &Arc<Network>, size: Size) {
    let address = server.address;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = stop.clone();
    let walking = std::thread::spawn(move || {
        let request = get("/v1/network-interfaces?name=none");
        let mut walks = 0;
        while !seen.load(std::sync::atomic::Ordering::Relaxed) {
            load::once(address, &request).expect("an answer");
            walks += 1;
        }
        walks
    });
    let report = load::run(address, CONNECTIONS, size.creates / 4, native(network)).check("beside a walk");
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let walks = walking.join().expect("walked");
    line(&format!("POST beside {walks} walks over all rows"), &report, None);
}
