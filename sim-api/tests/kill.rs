//! A kill -9 at any moment, under load on both wires: every answered write is there, nothing is half-done, nothing is
//! done twice, and the journal says how it came.

mod process;
mod service;

use process::{Dir, PROGRAM, Program, refused, run};
use serde_json::{Value, json};
use service::http;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How often the server is killed.
const KILLS: u64 = 6;
/// Clients at a time: half of them on each wire.
const CLIENTS: u64 = 4;

/// What one write was told: its token, which is its name as well, and the id once an answer came.
type Told = BTreeMap<String, Option<String>>;

/// Makes a VPC on one of the wires. None if no whole answer came.
fn make(address: SocketAddr, native: bool, token: &str) -> Option<String> {
    let (status, body) = if native {
        let body = json!({"name": token, "cidr_block": "10.0.0.0/16"}).to_string();
        http(address, "POST", "/v1/vpcs", &[("Idempotency-Key", token)], &body)?
    } else {
        let query = format!(
            "/?Action=CreateVpc&Version=2016-04-28&AccessKeyId=k&RegionId=cn-hangzhou&Format=JSON\
             &CidrBlock=10.0.0.0%2F16&VpcName={token}&ClientToken={token}"
        );
        http(address, "GET", &query, &[], "")?
    };
    assert!(status == 200 || status == 201, "{status} {body}");
    let id = body["id"].as_str().or(body["VpcId"].as_str()).expect("an answer names the VPC");
    Some(id.to_owned())
}

/// Writes from several connections until the server is gone; it is killed after so many answers.
fn load_until_killed(server: Program, round: u64, after: u64, told: &Mutex<Told>) {
    let (address, stop, answers) = (server.address, AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (stop, answers) = (&stop, &answers);
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    let token = format!("r{round}-c{client}-n{number}");
                    told.lock().unwrap().insert(token.clone(), None);
                    let Some(id) = make(address, client % 2 == 0, &token) else { return };
                    told.lock().unwrap().insert(token, Some(id));
                    answers.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        while answers.load(Ordering::Acquire) < after {
            std::thread::yield_now();
        }
        server.kill();
        stop.store(true, Ordering::Release);
    });
}

/// Every VPC of the world by its id.
fn vpcs(address: SocketAddr) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut path = "/v1/vpcs?page_size=100".to_owned();
    loop {
        let (status, page) = http(address, "GET", &path, &[], "").unwrap();
        assert_eq!(status, 200, "{page}");
        for vpc in page["items"].as_array().unwrap() {
            all.insert(vpc["id"].as_str().unwrap().to_owned(), vpc.clone());
        }
        match page["next_page_token"].as_str() {
            Some(next) if !next.is_empty() => path = format!("/v1/vpcs?page_size=100&page_token={next}"),
            _ => return all,
        }
    }
}

/// What was answered is there under the id that was told, once; what was not is there whole or not at all, and asking
/// again with the same token gives one VPC.
fn check(server: &Program, told: &Mutex<Told>) {
    let told = &mut *told.lock().unwrap();
    let there = vpcs(server.address);
    let names: Vec<&str> = there.values().map(|vpc| vpc["name"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a write was done twice");
    for (token, id) in told.iter().filter_map(|(token, id)| Some((token, id.as_ref()?))) {
        let vpc =
            there.get(id).unwrap_or_else(|| panic!("{token} was answered with {id}, which is not there"));
        assert_eq!(vpc["name"], json!(token));
    }
    let lost: Vec<String> =
        told.iter().filter(|(_, id)| id.is_none()).map(|(token, _)| token.clone()).collect();
    for (at, token) in lost.into_iter().enumerate() {
        let was = there.values().find(|vpc| vpc["name"] == json!(token)).map(|vpc| vpc["id"].clone());
        let native = token.contains("-c0-") || token.contains("-c2-");
        let id = make(server.address, native, &token).expect("the server is up");
        assert!(was.is_none_or(|was| was == json!(id)), "{token} was stored and made again as {id} ({at})");
        told.insert(token, Some(id));
    }
    // Each VPC came whole: with its vRouter and its system route table.
    let after = vpcs(server.address);
    assert_eq!(after.len(), told.len());
    let (_, world) = http(server.address, "GET", "/v1/worlds/default", &[], "").unwrap();
    for kind in ["vpcs", "vrouters", "route_tables"] {
        let count = world["objects"][kind].as_u64().unwrap_or(0);
        assert_eq!(count, told.len() as u64, "{kind} in {world}");
    }
}

fn random(below: u64) -> u64 {
    RandomState::new().build_hasher().finish() % below
}

#[test]
fn a_server_that_is_killed_keeps_every_promise() {
    let dir = Dir::new();
    let serve = || Program::serve(&dir, &["--clock", "manual", "--quotas", "lifted"], &[]);
    let told = Mutex::new(Told::new());
    let mut moments = Vec::new();
    for round in 0..KILLS {
        let server = serve();
        check(&server, &told);
        // From the first write on to well into the load.
        let after = 1 + random(if round == 0 { 3 } else { 120 });
        moments.push(after);
        load_until_killed(server, round, after, &told);
        let verified = run(&["verify", &dir.db()]);
        assert!(verified.status.success(), "killed after {moments:?} answers: {verified:?}");
    }
    let server = serve();
    check(&server, &told);

    // Nobody else gets at the file meanwhile, and is told who has it.
    let second = Command::new(PROGRAM).args(["serve", "--listen", "127.0.0.1:0", "--db", &dir.db()]).output();
    let said = refused(&second.unwrap());
    assert!(said.contains(&format!("process {}", server.pid())) && said.contains("cloudnet.db"), "{said}");
    let count = told.lock().unwrap().len();
    assert!(count as u64 > KILLS, "only {count} writes in {KILLS} rounds");
    server.stop();
    assert!(run(&["verify", &dir.db()]).status.success());
}
