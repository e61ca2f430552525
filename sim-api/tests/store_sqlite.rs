//! What only a file can do: refuse, survive, be locked, be killed, be given up half-way.

mod store_support;

use std::fs;
use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::task::Poll;

use sim_api::store::fault::{Fault, Faults};
use sim_api::store::lock::LockError;
use sim_api::store::{
    AnyLog, FailingLog, Log, MemoryLog, SqliteLog, SqliteOptions, StoreError, WholeSnapshot, World,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};
use store_support::{Dir, create, entry, new_world, run};

/// Reads a journal whole; every entry must be what its number says, without a gap.
async fn check_gapless(log: &impl Log, world: &World) {
    let mut next = 1;
    loop {
        let page = log.entries(world.key, next, 1000).await.unwrap();
        for found in &page {
            assert_eq!(*found, entry(next));
            next += 1;
        }
        if page.len() < 1000 {
            assert_eq!(world.last_seq, next - 1);
            return;
        }
    }
}

/// Another program at the file.
async fn visitor(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let dir = Dir::new();
    let path = dir.file("x.db");
    let log = SqliteLog::open(&path).await.unwrap();
    let world = create(&log, "default").await;
    log.append(world.key, &run(1, 100)).await.unwrap();
    // Without closing: the lock goes with the value.
    drop(log);
    let log = SqliteLog::open(&path).await.unwrap();
    log.append(world.key, &run(101, 105)).await.unwrap();
    log.close().await.unwrap();
    assert!(!dir.file("x.db-wal").exists(), "a clean end leaves one file");
    let log = SqliteLog::open(&path).await.unwrap();
    let worlds = log.worlds().await.unwrap();
    assert_eq!((worlds.len(), worlds[0].last_seq), (1, 105));
    check_gapless(&log, &worlds[0]).await;
}

#[tokio::test]
async fn durability_settings_are_in_force() {
    let dir = Dir::new();
    let path = dir.file("x.db");
    let log = SqliteLog::open(&path).await.unwrap();
    let mut other = visitor(&path).await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut other).await.unwrap();
    assert_eq!(mode, "wal");
    // Foreign keys hold on the writer: entries of a world that never was are refused by the database.
    let refused = log.append(sim_api::store::WorldKey(5), &run(1, 1)).await;
    assert!(matches!(refused, Err(StoreError::NotCurrent(_))), "{refused:?}");
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let dir = Dir::new();
    let error = SqliteLog::open(&dir.file("no/such/x.db")).await.unwrap_err();
    assert!(matches!(&error, StoreError::NoDirectory(d) if *d == dir.file("no/such")), "{error:?}");
    assert!(error.to_string().contains("does not exist"), "{error}");
    fs::write(dir.file("plain"), "x").unwrap();
    let error = SqliteLog::open(&dir.file("plain/x.db")).await.unwrap_err();
    assert!(matches!(&error, StoreError::NoDirectory(_)), "{error:?}");
}

#[tokio::test]
async fn foreign_files_are_refused_and_left_alone() {
    let dir = Dir::new();
    let other_program = dir.file("other.db");
    let mut other = visitor(&other_program).await;
    sqlx::raw_sql("CREATE TABLE journal (a); INSERT INTO journal VALUES (1)")
        .execute(&mut other)
        .await
        .unwrap();
    other.close().await.unwrap();
    for (name, content) in [
        ("letter.txt", b"Dear Sir or Madam".to_vec()),
        ("long.bin", vec![0xAB; 50_000]),
        ("header.db", b"SQLite format 3\0".to_vec()),
        ("other.db", fs::read(&other_program).unwrap()),
    ] {
        let path = dir.file(name);
        fs::write(&path, &content).unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        let error = SqliteLog::open(&path).await.unwrap_err();
        assert!(matches!(error, StoreError::NotCloudnet { .. }), "{name}: {error:?}");
        assert_eq!(fs::read(&path).unwrap(), content, "{name}");
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before, "{name}");
        let beside =
            fs::read_dir(dir.file("")).unwrap().filter_map(|e| e.ok()?.file_name().into_string().ok());
        assert_eq!(beside.filter(|f| f.starts_with(name)).count(), 1, "{name}: nothing beside it");
    }
    let error = SqliteLog::open(&dir.file("")).await.unwrap_err();
    assert!(matches!(error, StoreError::NotCloudnet { .. }), "a directory: {error:?}");
}

#[tokio::test]
async fn an_empty_file_is_taken() {
    let dir = Dir::new();
    fs::write(dir.file("x.db"), "").unwrap();
    let log = SqliteLog::open(&dir.file("x.db")).await.unwrap();
    create(&log, "default").await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let dir = Dir::new();
    let path = dir.file("x.db");
    let log = SqliteLog::open(&path).await.unwrap();
    create(&log, "default").await;
    log.close().await.unwrap();
    let mut newer = visitor(&path).await;
    sqlx::raw_sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9000, 'later', TRUE, x'00', 1)",
    )
    .execute(&mut newer)
    .await
    .unwrap();
    newer.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteLog::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9000, supported: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("newer cloudnet"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_it() {
    let dir = Dir::new();
    let path = dir.file("x.db");
    let log = SqliteLog::open(&path).await.unwrap();
    let detour = dir.file("link.db");
    std::os::unix::fs::symlink(&path, &detour).unwrap();
    for way in [&path, &detour] {
        match SqliteLog::open(way).await {
            Err(StoreError::Lock(LockError::Held { pid, .. })) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
    }
    log.close().await.unwrap();
    SqliteLog::open(&detour).await.unwrap();
}

#[tokio::test]
async fn what_was_staged_when_the_process_ended_is_swept() {
    let dir = Dir::new();
    let path = dir.file("x.db");
    let log = SqliteLog::open(&path).await.unwrap();
    let world = create(&log, "default").await;
    let id = log.begin_snapshot(world.key, 1).await.unwrap();
    log.put_chunk(id, 0, b"half").await.unwrap();
    let staged = log.stage(&new_world("other")).await.unwrap();
    let first = log.begin_snapshot(staged, 1).await.unwrap();
    log.finish_snapshot(first, 0, [0; 16], 0).await.unwrap();
    drop(log);
    let log = SqliteLog::open(&path).await.unwrap();
    assert!(matches!(log.put_chunk(id, 1, b"").await, Err(StoreError::NotWriting(_))));
    assert!(matches!(log.publish(staged, None).await, Err(StoreError::NotStaged(_))));
    // A chunk, two snapshots and a staged world.
    assert_eq!(log.sweep(100).await.unwrap().removed, 4);
    assert_eq!(log.worlds().await.unwrap().len(), 1);
}

/// Polls a future at most `polls` times, then gives it up.
async fn poll_some<F: Future>(future: F, polls: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left > 0 {
            left -= 1;
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
        }
        if left == 0 { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

#[tokio::test]
async fn an_append_given_up_half_way_is_whole_or_nothing() {
    let dir = Dir::new();
    let log = SqliteLog::open(&dir.file("x.db")).await.unwrap();
    let mut world = create(&log, "default").await;
    let (mut given_up, mut finished, mut whole) = (0, 0, 0);
    for polls in 0..20 {
        for size in [1, 10, 64, 150] {
            let last = log.last_seq(world.key).await.unwrap();
            let entries = run(last + 1, last + size);
            match poll_some(log.append(world.key, &entries), polls).await {
                Some(done) => {
                    done.unwrap();
                    finished += 1;
                }
                None => given_up += 1,
            }
            // What is answered now is final: the next append builds on it.
            world.last_seq = log.last_seq(world.key).await.unwrap();
            assert!([last, last + size].contains(&world.last_seq), "{polls} polls, {size} entries");
            whole += u64::from(world.last_seq > last);
        }
    }
    assert!(given_up > 0 && whole > 0, "{given_up} given up, {finished} finished, {whole} stored");
    println!("{given_up} given up, {finished} finished, {whole} stored");
    check_gapless(&log, &world).await;
}

#[tokio::test]
async fn the_write_ahead_log_stays_bounded() {
    const LIMIT: u64 = 1 << 20;
    let dir = Dir::new();
    let path = dir.file("x.db");
    let log = SqliteOptions::new(&path).wal_limit(LIMIT).open().await.unwrap();
    let world = create(&log, "default").await.key;
    let mut largest = 0;
    for batch in 0..200 {
        log.append(world, &run(batch * 64 + 1, batch * 64 + 64)).await.unwrap();
        log.entries(world, batch * 64 + 1, 10).await.unwrap();
        largest = largest.max(fs::metadata(dir.file("x.db-wal")).unwrap().len());
    }
    assert!(largest < LIMIT + (256 << 10), "{largest} bytes");
    assert!(fs::metadata(&path).unwrap().len() > 5 * LIMIT);
}

#[tokio::test]
async fn a_reader_who_never_leaves_does_not_stop_appends() {
    const LIMIT: u64 = 1 << 18;
    let dir = Dir::new();
    let path = dir.file("x.db");
    let log = SqliteOptions::new(&path).wal_limit(LIMIT).open().await.unwrap();
    let world = create(&log, "default").await.key;
    let mut reader = visitor(&path).await;
    sqlx::raw_sql("BEGIN").execute(&mut reader).await.unwrap();
    let seen = sqlx::query("SELECT last_seq FROM journal").fetch_one(&mut reader).await.unwrap();
    assert_eq!(seen.get::<i64, _>(0), 0);
    for batch in 0..40 {
        log.append(world, &run(batch * 64 + 1, batch * 64 + 64)).await.unwrap();
    }
    let wal = || fs::metadata(dir.file("x.db-wal")).unwrap().len();
    assert!(wal() > 4 * LIMIT, "the reader holds it: {}", wal());
    reader.close().await.unwrap();
    // Once the reader is gone, the next forced checkpoint empties the file.
    let mut emptied = false;
    for batch in 40..200 {
        log.append(world, &run(batch * 64 + 1, batch * 64 + 64)).await.unwrap();
        emptied |= wal() < LIMIT;
    }
    assert!(emptied, "{}", wal());
}

#[tokio::test]
async fn a_full_disk_refuses_and_leaves_nothing() {
    let dir = Dir::new();
    let path = dir.file("x.db");
    let log = SqliteLog::open(&path).await.unwrap();
    let mut world = create(&log, "default").await;
    log.append(world.key, &run(1, 10)).await.unwrap();
    // A trigger fails in the middle of a statement as a full disk would, without filling one.
    let mut other = visitor(&path).await;
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON entry WHEN NEW.seq = 50
                   BEGIN SELECT RAISE(FAIL, 'disk full'); END";
    sqlx::raw_sql(trigger).execute(&mut other).await.unwrap();
    for entries in [run(11, 60), run(11, 200)] {
        let error = log.append(world.key, &entries).await.unwrap_err();
        assert!(matches!(error, StoreError::Database(_)), "{error:?}");
        assert_eq!(log.last_seq(world.key).await.unwrap(), 10);
    }
    sqlx::raw_sql("DROP TRIGGER full").execute(&mut other).await.unwrap();
    log.append(world.key, &run(11, 200)).await.unwrap();
    world.last_seq = 200;
    check_gapless(&log, &world).await;
}

#[tokio::test]
async fn faults_come_when_asked_for() {
    let faults = Faults::default();
    let log = AnyLog::FailingMemory(FailingLog::new(MemoryLog::new(), faults.clone()));
    let start = WholeSnapshot { seq: 0, digest: [0; 16], rows: 0, chunks: &[] };
    let world = log.create(&new_world("default"), None, start).await.unwrap().key;
    faults.fail_nth(2, Fault::Before);
    faults.fail_nth(4, Fault::After);
    log.append(world, &run(1, 1)).await.unwrap();
    assert!(matches!(log.append(world, &run(2, 2)).await, Err(StoreError::Injected(2))));
    assert_eq!(log.last_seq(world).await.unwrap(), 1);
    log.append(world, &run(2, 2)).await.unwrap();
    assert!(matches!(log.append(world, &run(3, 3)).await, Err(StoreError::Injected(4))));
    assert_eq!(log.last_seq(world).await.unwrap(), 3, "stored, though the answer was lost");
    faults.fail_all(true);
    assert!(log.append(world, &run(4, 4)).await.is_err());
    faults.fail_all(false);

    faults.hold(true);
    let four = run(4, 4);
    assert!(poll_some(log.append(world, &four), 1).await.is_none());
    let held = log.append(world, &four);
    let release = async {
        assert_eq!(log.last_seq(world).await.unwrap(), 3);
        faults.hold(false);
    };
    let (stored, ()) = tokio::join!(held, release);
    stored.unwrap();
    assert_eq!((log.last_seq(world).await.unwrap(), faults.appends()), (4, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_many_worlds_share_one_file() {
    let dir = Dir::new();
    let path = dir.file("x.db").into_os_string().into_string().unwrap();
    let log = std::sync::Arc::new(AnyLog::open(&path).await.unwrap());
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move {
                let world = create(&*log, &format!("w{number}")).await.key;
                for seq in 1..=20 {
                    log.append(world, &run(seq, seq)).await.unwrap();
                    assert_eq!(log.entries(world, seq, 5).await.unwrap(), [entry(seq)]);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let worlds = log.worlds().await.unwrap();
    assert_eq!(worlds.len(), 8);
    for world in &worlds {
        assert_eq!(world.last_seq, 20);
        check_gapless(&*log, world).await;
    }
}

const CHILD: &str = "CLOUDNET_TEST_STORE_CHILD";
/// The most a child appends, so that it ends should its parent be gone.
const CHILD_APPENDS: u64 = 20_000;

/// Appends until it is killed, a line of output for every append that was acknowledged.
async fn append_until_killed(path: &str) {
    // A small write-ahead log, so that a kill can fall into a checkpoint.
    let log = SqliteOptions::new(Path::new(path)).wal_limit(1 << 19).open().await.unwrap();
    let world = match log.worlds().await.unwrap().pop() {
        Some(world) => world,
        None => create(&log, "default").await,
    };
    let mut last = world.last_seq;
    for round in 0..CHILD_APPENDS {
        let size = [1, 3, 64, 130][round as usize % 4];
        log.append(world.key, &run(last + 1, last + size)).await.unwrap();
        last += size;
        let mut out = std::io::stdout();
        writeln!(out, "acked {last}").and_then(|()| out.flush()).unwrap();
        if round % 5 == 0 {
            let id = log.begin_snapshot(world.key, last + 1).await.unwrap();
            for part in 0..3 {
                log.put_chunk(id, part, &last.to_be_bytes()).await.unwrap();
            }
            log.finish_snapshot(id, last, u128::from(last).to_be_bytes(), 3).await.unwrap();
        }
    }
}

/// The test starts itself as a child, which finds the variable [`CHILD`] and appends.
#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    if let Ok(path) = std::env::var(CHILD) {
        return append_until_killed(&path).await;
    }
    let dir = Dir::new();
    let path = dir.file("x.db");
    let mut before = 0;
    for acks in [1, 2, 7, 23, 60, 111] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "nothing_acknowledged_is_lost_by_kill_9", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
        let mut acked = before;
        for line in lines.by_ref().filter_map(|l| Some(l.split_once("acked ")?.1.to_owned())).take(acks) {
            acked = line.parse().unwrap();
        }
        assert!(acked > before, "the child appends");
        match SqliteLog::open(&path).await {
            Err(StoreError::Lock(LockError::Held { pid, .. })) => assert_eq!(pid, Some(child.id())),
            other => panic!("{other:?}"),
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.filter_map(|l| Some(l.split_once("acked ")?.1.to_owned())) {
            // A line cut short by the kill is a smaller number, never a larger one.
            acked = acked.max(line.parse().unwrap_or(0));
        }

        let log = SqliteLog::open(&path).await.unwrap();
        let world = log.worlds().await.unwrap().pop().unwrap();
        assert!(world.last_seq >= acked, "{acked} acknowledged, {} stored", world.last_seq);
        assert!(world.last_seq <= acked + 130, "one append at most was not acknowledged");
        check_gapless(&log, &world).await;
        let head = log.newest_snapshot(world.key).await.unwrap();
        assert_eq!(head.digest, u128::from(head.end_seq).to_be_bytes());
        for part in 0..head.chunks {
            assert_eq!(log.chunk(head.id, part).await.unwrap(), head.end_seq.to_be_bytes());
        }
        assert!(head.end_seq == 0 || head.chunks == 3);
        log.sweep(1000).await.unwrap();
        let check = integrity(&path).await;
        assert_eq!(check, "ok");
        before = world.last_seq;
        log.close().await.unwrap();
    }
}

async fn integrity(path: &Path) -> String {
    let mut conn = visitor(path).await;
    let answer = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    answer
}
