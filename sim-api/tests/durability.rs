//! What was answered is durable, what was refused left nothing, and time can be cut into slices.

mod service;

use serde_json::json;
use service::{Client, settings};
use sim_api::engine::{Advance, Engine, EngineError, WriterSettings, load_world, verify_world};
use sim_api::settings::ProvisioningSetting;
use sim_api::store::fault::{Fault, Faults};
use sim_api::store::{AnyLog, FailingLog, MemoryLog, Retention};
use sim_api::{ServeSettings, Server};
use sim_core::settings::Provisioning;
use sim_core::vpc::vpc::{CreateVpc, DeleteVpc, Vpc};
use sim_core::{AccountId, Caller, Genesis, Span};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Waits until something has happened elsewhere. It always happens; the bound is for a broken program.
async fn until(what: &str, happened: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < end, "{what} did not happen");
        tokio::task::yield_now().await;
    }
}

async fn failing(settings: ServeSettings) -> (Server, Client, Faults) {
    let faults = Faults::default();
    let log = AnyLog::FailingMemory(FailingLog::new(MemoryLog::new(), faults.clone()));
    let mut server = Server::bind_over(log, settings).await.unwrap();
    server.wait_ready().await.unwrap();
    let client = Client::new(&server);
    (server, client, faults)
}

fn caller() -> Caller {
    Caller::new(AccountId::DEFAULT, "cn-hangzhou")
}

async fn digest(client: &Client) -> String {
    client.get("/v1/worlds/default").await.expect(200)["digest"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_failed_append_answers_503_and_leaves_nothing() {
    let (server, client, faults) = failing(settings()).await;
    let before = digest(&client).await;
    faults.fail_nth(1, Fault::Before);
    let refused = client.post("/v1/vpcs", json!({})).await;
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(refused.refused(503), "journal_unavailable");
    assert_eq!(digest(&client).await, before);
    assert_eq!(client.get("/v1/vpcs").await.expect(200)["items"], json!([]));
    // A failed advance leaves time where it was.
    faults.fail_nth(1, Fault::Before);
    assert_eq!(
        client.post("/v1/clock/advance", json!({"seconds": 9})).await.refused(503),
        "journal_unavailable"
    );
    assert_eq!(client.get("/v1/clock").await.expect(200)["now"], "2026-01-01T00:00:00.000Z");
    client.post("/v1/vpcs", json!({})).await.expect(201);
    assert_eq!(client.get("/v1/journal").await.expect(200)["items"].as_array().unwrap().len(), 2);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_counts() {
    let (server, client, faults) = failing(settings()).await;
    faults.fail_nth(1, Fault::After);
    client.post("/v1/vpcs", json!({"name": "a"})).await.expect(201);
    client.post("/v1/vpcs", json!({"name": "b"})).await.expect(201);
    let journal = client.get("/v1/journal").await.expect(200);
    let seqs: Vec<_> =
        journal["items"].as_array().unwrap().iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [0, 1, 2]);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_read_waits_until_what_it_saw_is_durable_or_lost() {
    for lost in [false, true] {
        let (server, client, faults) = failing(settings()).await;
        let seen = faults.appends();
        faults.hold(true);
        if lost {
            faults.fail_nth(1, Fault::Before);
        }
        let writer = client.clone();
        let write = tokio::spawn(async move { writer.post("/v1/vpcs", json!({})).await });
        until("the append", || faults.appends() > seen).await;
        let reader = client.clone();
        let read = tokio::spawn(async move { reader.get("/v1/vpcs").await });
        // The read is under way and has had every chance to answer too early.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert!(!read.is_finished() && !write.is_finished());
        faults.hold(false);
        let (read, write) = (read.await.unwrap(), write.await.unwrap());
        if lost {
            assert_eq!(write.refused(503), "journal_unavailable");
            assert_eq!(read.refused(503), "journal_unavailable");
            assert_eq!(client.get("/v1/vpcs").await.expect(200)["items"], json!([]));
        } else {
            let made = write.expect(201);
            assert_eq!(read.expect(200)["items"], json!([made]));
        }
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_panic_is_undone_and_answers_500() {
    let server = Server::start(settings()).await.unwrap();
    let client = Client::new(&server);
    let before = digest(&client).await;
    let world = server.app().engine.world("default").unwrap();
    let result =
        world.submit(caller(), CreateVpc::default().into(), |_, _| panic!("asked for by the test")).await;
    let error = result.map(|submitted| submitted.view).unwrap_err();
    assert!(matches!(error, EngineError::Panicked(_)), "{error}");
    assert_eq!(sim_api::problem::Problem::from(error).status, 500);
    assert_eq!(digest(&client).await, before);
    client.post("/v1/vpcs", json!({})).await.expect(201);
    assert_eq!(client.get("/v1/vpcs").await.expect(200)["items"].as_array().unwrap().len(), 1);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_write_that_takes_too_long_answers_504_and_its_token_gives_the_outcome() {
    let short = ServeSettings { timeout: Duration::from_millis(20), ..settings() };
    let (server, client, faults) = failing(short).await;
    let client = client.with("Idempotency-Key", "t-1");
    let seen = faults.appends();
    faults.hold(true);
    assert_eq!(client.post("/v1/vpcs", json!({"name": "slow"})).await.refused(504), "timeout");
    assert_eq!(faults.appends(), seen + 1);
    faults.hold(false);
    let world = server.app().engine.world("default").unwrap();
    // Ends once the held group is through.
    let id = world
        .read(|w| w.table::<Vpc>().iter().map(|vpc| vpc.id.to_string()).collect::<Vec<_>>())
        .await
        .unwrap();
    let again = client.post("/v1/vpcs", json!({"name": "slow"})).await.expect(201);
    assert_eq!(json!(id), json!([again["id"]]));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn snapshots_written_while_the_world_goes_on_load_to_the_same_rows() {
    let log = Arc::new(AnyLog::Memory(MemoryLog::new()));
    let writer = WriterSettings {
        snapshot_after: 20,
        retention: Retention { snapshots: 2, entries: u64::MAX },
        ..WriterSettings::default()
    };
    let engine = Engine::new(log.clone(), writer);
    let genesis = Genesis { quotas_lifted: true, ..Genesis::default() };
    let world = engine.create("w", genesis, 0).await.unwrap();
    let key = world.key();
    let mut tasks = Vec::new();
    for task in 0..4 {
        let world = world.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..60 {
                let name = format!("vpc-{task}-{round}");
                let command = CreateVpc { name: Some(name.as_str().into()), ..CreateVpc::default() };
                let made = world.submit(caller(), command.into(), |_, applied| applied.outcome.clone()).await;
                let vpc = made.unwrap().view.unwrap().id();
                if round > 0 {
                    let gone =
                        world.submit(caller(), DeleteVpc { vpc }.into(), |_, a| a.outcome.clone()).await;
                    gone.unwrap().view.unwrap();
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let (digest, seq) = world.inspect(|w| (w.digest(), w.seq())).await.unwrap();
    assert_eq!(seq, 4 * 119);
    let newest = sim_api::store::Log::newest_snapshot(&*log, key).await.unwrap();
    assert!(newest.end_seq > 100, "snapshots were written on the way: {newest:?}");
    // Rows without any rule, and the commands run again: the same world.
    let loaded = load_world(&log, key, |_| {}).await.unwrap();
    assert_eq!((loaded.digest(), loaded.seq()), (digest, seq));
    let verified = verify_world(&log, key, |_| {}).await.unwrap();
    assert_eq!(verified.digest, digest);
    engine.close().await.unwrap();
}

/// A world in which so many timers wait for one instant, and so many for another one half a second later.
async fn pending(first: usize, second: usize) -> (Server, Client, Faults) {
    let slow = ServeSettings { provisioning: ProvisioningSetting::Documented, ..settings() };
    let (server, client, faults) = failing(slow).await;
    client.patch("/v1/settings", json!({"quotas": "lifted"})).await.expect(200);
    let world = server.app().engine.world("default").unwrap();
    for (vpcs, later) in [(first, 0), (second, 500)] {
        world.advance(Advance::By(Span(later))).await.unwrap();
        let command = || CreateVpc::default().into();
        let made = (0..vpcs).map(|_| world.submit(caller(), command(), |_, a| assert!(a.outcome.is_ok())));
        for one in &mut made.map(Box::pin).collect::<Vec<_>>() {
            one.await.unwrap();
        }
    }
    (server, client, faults)
}

#[tokio::test]
async fn commands_get_their_turn_between_the_slices_of_an_advance() {
    let (server, client, faults) = pending(1_200, 1_300).await;
    let world = server.app().engine.world("default").unwrap();
    let (seen, seq) = (faults.appends(), world.inspect(|w| w.seq()).await.unwrap());
    faults.hold(true);
    let advancing = world.clone();
    let advance = tokio::spawn(async move { advancing.advance(Advance::By(Span::hours(1))).await });
    until("the first slice", || faults.appends() > seen).await;
    assert_eq!(world.advancing().map(|to| to.to_string()).as_deref(), Some("2026-01-01T01:00:00.500Z"));
    let writer = client.clone();
    let write = tokio::spawn(async move { writer.post("/v1/vpcs", json!({"name": "between"})).await });
    until("the write", || server.app().in_flight.load(Ordering::Relaxed) == 1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    faults.hold(false);
    let made = write.await.unwrap().expect(201);
    assert_eq!(made["created_at"], "2026-01-01T00:00:01.000Z", "in the middle of the advance");
    assert_eq!(advance.await.unwrap().unwrap().to_string(), "2026-01-01T01:00:00.500Z");
    assert_eq!(world.advancing(), None);
    let tail = client.get(&format!("/v1/journal?from_seq={}", seq + 1)).await.expect(200);
    let kinds: Vec<_> =
        tail["items"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    // What is left of the instant comes before the command that is judged at it.
    assert_eq!(kinds, ["time", "time", "command", "time", "time"]);
    let log = world.log().clone();
    verify_world(&log, world.key(), |_| {}).await.unwrap();
    drop((log, world, client));
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_advance_ends_when_its_client_hangs_up() {
    let (server, client, faults) = pending(2_500, 1).await;
    let world = server.app().engine.world("default").unwrap();
    let seen = faults.appends();
    faults.hold(true);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let body = r#"{"seconds":3600}"#;
    let head = format!(
        "POST /v1/clock/advance HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    until("the first slice", || faults.appends() > seen).await;
    drop(stream);
    until("the end of the request", || server.app().in_flight.load(Ordering::Relaxed) == 0).await;
    faults.hold(false);
    until("the end of the advance", || world.advancing().is_none()).await;
    let clock = client.get("/v1/clock").await.expect(200);
    assert_eq!(clock["now"], "2026-01-01T00:00:01.000Z", "not at the end of the advance: {clock}");
    drop((world, client));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn time_passed_by_hand_is_an_entry_even_if_nothing_happens() {
    let (server, client, faults) = failing(settings()).await;
    let seen = faults.appends();
    client.post("/v1/clock/advance", json!({"to": "2026-02-01T00:00:00Z"})).await.expect(200);
    assert_eq!(faults.appends(), seen + 1);
    let journal = client.get("/v1/journal").await.expect(200);
    assert_eq!(
        (&journal["items"][1]["kind"], &journal["items"][1]["rows_changed"]),
        (&json!("time"), &json!(0))
    );
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_streams_and_idle_connections_and_does_not_wait_for_half_a_request() {
    let server = Server::start(ServeSettings { grace: Duration::from_secs(5), ..settings() }).await.unwrap();
    let address = server.address();
    let client = Client::new(&server);
    let mut follower = TcpStream::connect(address).unwrap();
    follower.write_all(b"GET /v1/requests/follow HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut idle = TcpStream::connect(address).unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 12];
    follower.read_exact(&mut first).unwrap();
    idle.read_exact(&mut first).unwrap();
    client.get("/v1/vpcs").await.expect(200);
    drop(client);
    server.stop().await.unwrap();
    let mut lines = String::new();
    follower.read_to_string(&mut lines).unwrap();
    assert!(lines.contains(r#""action":"GET /v1/vpcs""#), "{lines}");
    assert!(lines.ends_with("\r\n0\r\n\r\n"), "the stream ended whole: {lines:?}");
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();

    let server = Server::start(ServeSettings { grace: Duration::ZERO, ..settings() }).await.unwrap();
    let mut half = TcpStream::connect(server.address()).unwrap();
    half.write_all(b"GET /v1/vpcs HTTP/1.1\r\nHost: local").unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn two_servers_in_one_process_know_nothing_of_each_other() {
    let (one, two) = (Server::start(settings()).await.unwrap(), Server::start(settings()).await.unwrap());
    assert_ne!(one.address(), two.address());
    let (a, b) = (Client::new(&one), Client::new(&two));
    let made = a.post("/v1/vpcs", json!({})).await.expect(201);
    assert_eq!(b.get("/v1/vpcs").await.expect(200)["items"], json!([]));
    // The same seed and the same requests: the same ids.
    assert_eq!(b.post("/v1/vpcs", json!({})).await.expect(201)["id"], made["id"]);
    drop(a);
    one.stop().await.unwrap();
    b.get("/v1/vpcs").await.expect(200);
    let requests = b.get("/v1/requests?action=GET%20/v1/vpcs&wire=native&refused=false").await.expect(200);
    assert_eq!(requests["items"].as_array().unwrap().len(), 2);
    drop(b);
    two.stop().await.unwrap();
}

#[tokio::test]
async fn provisioning_is_set_for_what_begins_from_now_on() {
    let server = Server::start(settings()).await.unwrap();
    let client = Client::new(&server);
    assert_eq!(client.post("/v1/vpcs", json!({})).await.expect(201)["status"], "Available");
    client.patch("/v1/settings", json!({"provisioning": "documented"})).await.expect(200);
    let pending = client.post("/v1/vpcs", json!({})).await.expect(201);
    assert_eq!(pending["status"], "Pending");
    let clock = client.get("/v1/clock").await.expect(200);
    assert_eq!(clock["next_due"], "2026-01-01T00:00:01.000Z");
    client.post("/v1/clock/advance", json!({"milliseconds": 1000})).await.expect(200);
    let path = format!("/v1/vpcs/{}", pending["id"].as_str().unwrap());
    assert_eq!(client.get(&path).await.expect(200)["status"], "Available");
    let world = server.app().engine.world("default").unwrap();
    assert_eq!(world.inspect(|w| w.settings().provisioning).await.unwrap(), Provisioning::Documented);
    drop((world, client));
    server.stop().await.unwrap();
}
