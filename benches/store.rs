//! How fast the journal takes entries, beside what the same disk can do in the same run.
//!
//! `cargo bench -p sim-api --bench store`. Every figure is the best of three runs of the same work,
//! since a shared machine only ever adds time. The floors: the bytes of a batch written over an old
//! place of a plain file and synced, and one row inserted by one prepared statement into a table
//! without guard or index.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sim_api::store::{Entry, Log, NewWorld, SqliteLog, WholeSnapshot, World};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

const RUNS: u32 = 3;
const BATCHES: [u64; 5] = [1, 10, 64, 256, 1024];

fn entry(seq: u64) -> Entry {
    Entry {
        seq,
        at: seq as i64,
        rules: 1,
        caller: r#"{"account":"1234567890123456","region":"cn-hangzhou"}"#.to_owned(),
        command: format!(r#"{{"CreateVpc":{{"description":"{}"}}}}"#, "d".repeat(230)),
        outcome: vec![5; 100],
        changes: vec![6; 160],
        digest: [7; 16],
    }
}

fn size_of(entry: &Entry) -> usize {
    // Four numbers of eight bytes, at most, beside the contents.
    32 + entry.caller.len() + entry.command.len() + entry.outcome.len() + entry.changes.len() + 16
}

/// How many appends of a batch size make a run long enough to mean something.
fn appends(batch: u64) -> u64 {
    (60_000 / batch).min(2_000)
}

fn best<T>(runs: impl Iterator<Item = (Duration, T)>) -> Duration {
    runs.map(|(time, _)| time).min().unwrap_or_default()
}

/// Time of one write of `bytes` bytes with fdatasync, in a file that is long enough already.
fn disk_floor(dir: &Path, bytes: usize) -> Duration {
    let (content, count) = (vec![1; bytes], 300);
    let mut file = File::create(dir.join("floor")).expect("a file");
    let mut pass = || {
        file.rewind().expect("a place");
        let start = Instant::now();
        for _ in 0..count {
            file.write_all(&content).and_then(|()| file.sync_data()).expect("written");
        }
        (start.elapsed() / count, ())
    };
    pass();
    best((0..RUNS).map(|_| pass()))
}

/// Time of one row in a transaction of its own, by a prepared statement, with the same durability.
async fn row_floor(dir: &Path) -> Duration {
    let options = SqliteConnectOptions::new().filename(dir.join("floor.db")).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let mut conn = options.disable_statement_logging().connect().await.expect("opens");
    sqlx::query("CREATE TABLE row (content BLOB)").execute(&mut conn).await.expect("a table");
    let content = vec![1u8; size_of(&entry(1))];
    let mut time = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..1000 {
            let insert = sqlx::query("INSERT INTO row VALUES (?)").bind(content.as_slice());
            insert.execute(&mut conn).await.expect("inserted");
        }
        time = time.min(start.elapsed() / 1000);
    }
    time
}

async fn create(log: &SqliteLog, name: &str) -> World {
    let world = NewWorld { name: name.to_owned(), created_at_ms: 0, settings: "{}".to_owned() };
    let start = WholeSnapshot { seq: 0, digest: [0; 16], rows: 0, chunks: &[] };
    log.create(&world, None, start).await.expect("a world")
}

/// Best and worst time of one append of a batch size: the mean of the best run, the worst of all.
async fn append_time(log: &SqliteLog, world: &World, last: &mut u64, batch: u64) -> (Duration, Duration) {
    let (mut best, mut worst) = (Duration::MAX, Duration::ZERO);
    for _ in 0..RUNS {
        let mut total = Duration::ZERO;
        for _ in 0..appends(batch) {
            let entries: Vec<Entry> = (*last + 1..=*last + batch).map(entry).collect();
            let start = Instant::now();
            log.append(world.key, &entries).await.expect("appended");
            let time = start.elapsed();
            total += time;
            worst = worst.max(time);
            *last += batch;
        }
        best = best.min(total / appends(batch) as u32);
    }
    (best, worst)
}

async fn read_time(log: &SqliteLog, world: &World, last: u64) -> Duration {
    let mut time = Duration::MAX;
    for _ in 0..RUNS {
        let (start, mut next) = (Instant::now(), 1);
        while next <= last {
            next += log.entries(world.key, next, 1000).await.expect("a page").len() as u64;
        }
        time = time.min(start.elapsed());
    }
    time
}

async fn report(dir: PathBuf) {
    let bytes = size_of(&entry(1));
    println!("entries of {bytes} bytes; one row by a prepared statement: {:?}", row_floor(&dir).await);
    println!(
        "{:>6} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "batch", "entries/s", "an append", "worst", "disk alone", "times disk"
    );
    let path = dir.join("bench.db");
    let log = SqliteLog::open(&path).await.expect("opens");
    let world = create(&log, "bench").await;
    let mut last = 0;
    for batch in BATCHES {
        let floor = disk_floor(&dir, bytes * batch as usize);
        let (time, worst) = append_time(&log, &world, &mut last, batch).await;
        let rate = batch as f64 / time.as_secs_f64();
        let times = time.as_secs_f64() / floor.as_secs_f64();
        println!("{batch:>6} {rate:>12.0} {time:>12.1?} {worst:>12.1?} {floor:>12.1?} {times:>12.1}");
    }
    let time = read_time(&log, &world, last).await;
    println!("read back in pages of 1000: {:.0} entries/s", last as f64 / time.as_secs_f64());
    let start = Instant::now();
    for number in 0..200 {
        create(&log, &format!("w{number}")).await;
    }
    println!("a new world: {:.1?}", start.elapsed() / 200);
    let chunk = vec![3; 256 << 10];
    let snapshot = log.begin_snapshot(world.key, last + 1).await.expect("begun");
    let start = Instant::now();
    for part in 0..64 {
        log.put_chunk(snapshot, part, &chunk).await.expect("stored");
    }
    println!("a snapshot chunk of 256 KiB: {:.1?}", start.elapsed() / 64);
    log.close().await.expect("closed");
    let size = fs::metadata(&path).expect("a file").len();
    println!("file: {} bytes an entry, all included", size / last);
}

fn main() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-store-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    // Spawned, as the service's writer is: a task of the main thread pays for waking that thread.
    let done = runtime.block_on(runtime.spawn(report(dir.clone())));
    let _ = fs::remove_dir_all(&dir);
    done.expect("finished");
}
