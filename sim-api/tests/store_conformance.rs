//! The rules of the storage, the same for every implementation, and a random history on two of them.

mod store_support;

use proptest::prelude::*;
use sim_api::store::{
    Batch, Log, MemoryLog, NewWorld, Retention, SnapshotHead, SnapshotId, SqliteLog, StoreError,
    WholeSnapshot, WorldKey,
};
use store_support::{Dir, create, entry, new_world, run};

/// Runs each listed function on a fresh storage of each kind.
macro_rules! conformance {
    ($($rule:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test] async fn $rule() { super::$rule(MemoryLog::new()).await; })*
        }
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $rule() {
                let dir = Dir::new();
                super::$rule(SqliteLog::open(&dir.file("x.db")).await.expect("opens")).await;
            })*
        }
    };
}

conformance!(
    what_is_appended_is_read_in_pages,
    every_batch_size_is_stored_whole,
    a_gap_is_refused_and_leaves_nothing,
    an_append_to_several_worlds_is_one,
    empty_appends_do_nothing,
    extreme_values_come_back,
    a_new_world_starts_after_its_snapshot,
    names_are_taken_once,
    a_generation_replaces_its_own_world_only,
    a_staged_generation_is_invisible,
    a_deleted_world_is_gone_and_swept,
    a_snapshot_is_visible_when_finished,
    a_snapshot_is_checked,
    pruning_keeps_what_the_newest_snapshot_needs,
    sweeping_is_bounded,
);

/// All entries from a number on, in pages.
async fn all(log: &impl Log, world: WorldKey, from: u64, page: u32) -> Vec<u64> {
    let mut seqs: Vec<u64> = Vec::new();
    loop {
        let next = seqs.last().map_or(from, |s| s + 1);
        let entries = log.entries(world, next, page).await.expect("a page");
        for e in &entries {
            assert_eq!(*e, entry(e.seq));
        }
        seqs.extend(entries.iter().map(|e| e.seq));
        if entries.len() < page as usize {
            return seqs;
        }
    }
}

fn seqs(from: u64, to: u64) -> Vec<u64> {
    (from..=to).collect()
}

async fn what_is_appended_is_read_in_pages(log: impl Log) {
    let world = create(&log, "default").await.key;
    log.append(world, &run(1, 1)).await.unwrap();
    log.append(world, &run(2, 100)).await.unwrap();
    assert_eq!(log.last_seq(world).await.unwrap(), 100);
    assert_eq!(all(&log, world, 1, 7).await, seqs(1, 100));
    assert_eq!(all(&log, world, 0, 1000).await, seqs(1, 100));
    assert_eq!(all(&log, world, 98, 2).await, seqs(98, 100));
    assert!(all(&log, world, 101, 5).await.is_empty());
    assert!(log.entries(world, u64::MAX, 5).await.unwrap().is_empty());
    assert!(log.entries(world, 1, 0).await.unwrap().is_empty());
    let worlds = log.worlds().await.unwrap();
    assert_eq!(worlds.len(), 1);
    assert_eq!((worlds[0].key, worlds[0].last_seq, worlds[0].meta.generation), (world, 100, 1));
    assert_eq!(worlds[0].meta.settings, r#"{"seed":7}"#);
    assert_eq!(worlds[0].meta.created_at_ms, 1_700_000_000_000);
}

async fn every_batch_size_is_stored_whole(log: impl Log) {
    let world = create(&log, "default").await.key;
    let mut last = 0;
    for size in (1..=67).chain([127, 128, 129, 200]) {
        log.append(world, &run(last + 1, last + size)).await.unwrap();
        last += size;
        assert_eq!(log.last_seq(world).await.unwrap(), last, "after a batch of {size}");
    }
    assert_eq!(all(&log, world, 1, 500).await, seqs(1, last));
}

async fn a_gap_is_refused_and_leaves_nothing(log: impl Log) {
    let world = create(&log, "default").await.key;
    log.append(world, &run(1, 3)).await.unwrap();
    let mut holed = run(4, 70);
    holed.remove(30);
    let mut doubled = run(4, 9);
    doubled.insert(2, entry(5));
    for (what, entries, expected, found) in [
        ("ahead", run(5, 5), 4, 5),
        ("behind", run(3, 3), 4, 3),
        ("first again", run(1, 4), 4, 1),
        ("zero", run(0, 0), 4, 0),
        ("many ahead", run(6, 200), 4, 6),
        ("a hole", holed, 34, 35),
        ("one twice", doubled, 6, 5),
    ] {
        match log.append(world, &entries).await {
            Err(StoreError::Gap { world: w, expected: e, found: f }) => {
                assert_eq!((w, e, f), (world, expected, found), "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(log.last_seq(world).await.unwrap(), 3, "{what}");
        assert_eq!(all(&log, world, 1, 100).await, seqs(1, 3), "{what}");
    }
    let beyond = log.append(world, &run(1 << 63, 1 << 63)).await;
    assert!(matches!(beyond, Err(StoreError::OutOfRange { field: "seq", .. })), "{beyond:?}");
    let nobody = log.append(WorldKey(99), &run(1, 1)).await;
    assert!(matches!(nobody, Err(StoreError::NotCurrent(WorldKey(99)))), "{nobody:?}");
    log.append(world, &run(4, 5)).await.unwrap();
    assert_eq!(all(&log, world, 1, 100).await, seqs(1, 5));
}

async fn an_append_to_several_worlds_is_one(log: impl Log) {
    let a = create(&log, "a").await.key;
    let b = create(&log, "b").await.key;
    let (two, hundred, more) = (run(1, 2), run(1, 100), run(3, 4));
    let good = [
        Batch { world: a, entries: &two },
        Batch { world: b, entries: &hundred },
        Batch { world: a, entries: &more },
    ];
    log.append_all(&good).await.unwrap();
    assert_eq!((log.last_seq(a).await.unwrap(), log.last_seq(b).await.unwrap()), (4, 100));

    let (next, bad) = (run(5, 6), run(102, 102));
    let refused =
        log.append_all(&[Batch { world: a, entries: &next }, Batch { world: b, entries: &bad }]).await;
    assert!(matches!(refused, Err(StoreError::Gap { expected: 101, found: 102, .. })), "{refused:?}");
    assert_eq!((log.last_seq(a).await.unwrap(), log.last_seq(b).await.unwrap()), (4, 100));
    assert_eq!(all(&log, a, 1, 100).await, seqs(1, 4));
    assert_eq!(all(&log, b, 1, 33).await, seqs(1, 100));
}

async fn empty_appends_do_nothing(log: impl Log) {
    let world = create(&log, "default").await.key;
    log.append_all(&[]).await.unwrap();
    log.append(world, &[]).await.unwrap();
    assert_eq!(log.last_seq(world).await.unwrap(), 0);
}

async fn extreme_values_come_back(log: impl Log) {
    let start =
        WholeSnapshot { seq: i64::MAX as u64 - 2, digest: [255; 16], rows: i64::MAX as u64, chunks: &[] };
    let world = log.create(&new_world("edge"), None, start).await.unwrap().key;
    let mut last = entry(i64::MAX as u64 - 1);
    last.at = i64::MIN;
    last.rules = u32::MAX;
    last.caller.clear();
    last.command = "x\0y".repeat(100_000);
    last.outcome.clear();
    last.changes = vec![0; 300_000];
    last.digest = [255; 16];
    log.append(world, std::slice::from_ref(&last)).await.unwrap();
    assert_eq!(log.entries(world, 0, 10).await.unwrap(), [last]);
    assert_eq!(log.newest_snapshot(world).await.unwrap().rows, i64::MAX as u64);

    let beyond = WholeSnapshot { seq: i64::MAX as u64, ..start };
    let refused = log.create(&new_world("beyond"), None, beyond).await;
    assert!(matches!(refused, Err(StoreError::OutOfRange { .. })), "{refused:?}");
    assert_eq!(log.worlds().await.unwrap().len(), 1);
}

async fn a_new_world_starts_after_its_snapshot(log: impl Log) {
    let chunks = [vec![1, 2, 3], vec![], vec![4; 100_000]];
    let start = WholeSnapshot { seq: 41, digest: [9; 16], rows: 17, chunks: &chunks };
    let world = log.create(&new_world("fork"), None, start).await.unwrap();
    assert_eq!((world.last_seq, world.meta.generation), (41, 1));
    let head = log.newest_snapshot(world.key).await.unwrap();
    assert_eq!((head.start_seq, head.end_seq, head.digest, head.rows, head.chunks), (42, 41, [9; 16], 17, 3));
    for (part, bytes) in (0u32..).zip(&chunks) {
        assert_eq!(log.chunk(head.id, part).await.unwrap(), *bytes);
    }
    assert!(matches!(log.chunk(head.id, 3).await, Err(StoreError::NoChunk { part: 3, .. })));
    assert!(log.append(world.key, &run(1, 1)).await.is_err());
    log.append(world.key, &run(42, 43)).await.unwrap();
}

async fn names_are_taken_once(log: impl Log) {
    let first = create(&log, "default").await.key;
    let start = WholeSnapshot { seq: 0, digest: [0; 16], rows: 0, chunks: &[] };
    let refused = log.create(&new_world("default"), None, start).await;
    assert!(matches!(refused, Err(StoreError::NameTaken(name)) if name == "default"));
    create(&log, "Default").await;
    create(&log, "").await;
    let names: Vec<String> = log.worlds().await.unwrap().into_iter().map(|w| w.meta.name).collect();
    assert_eq!(names, ["", "Default", "default"]);

    log.delete(first).await.unwrap();
    let again = create(&log, "default").await;
    assert_eq!(again.meta.generation, 1);
    assert!(again.key > first, "a key is never given out again");
}

async fn a_generation_replaces_its_own_world_only(log: impl Log) {
    let old = create(&log, "default").await.key;
    let other = create(&log, "other").await.key;
    log.append(old, &run(1, 5)).await.unwrap();
    let start = WholeSnapshot { seq: 0, digest: [1; 16], rows: 0, chunks: &[] };
    let wrong = log.create(&new_world("default"), Some(other), start).await;
    assert!(matches!(wrong, Err(StoreError::OtherName { .. })), "{wrong:?}");
    let new = log.create(&new_world("default"), Some(old), start).await.unwrap();
    assert_eq!((new.meta.generation, new.last_seq), (2, 0));

    let fenced = log.append(old, &run(6, 6)).await;
    assert!(matches!(fenced, Err(StoreError::NotCurrent(key)) if key == old), "{fenced:?}");
    let fenced = log.append(old, &run(6, 200)).await;
    assert!(matches!(fenced, Err(StoreError::NotCurrent(key)) if key == old), "{fenced:?}");
    assert!(matches!(log.last_seq(old).await, Err(StoreError::NotCurrent(_))));
    assert!(matches!(log.entries(old, 1, 9).await, Err(StoreError::NotCurrent(_))));
    assert!(matches!(log.newest_snapshot(old).await, Err(StoreError::NotCurrent(_))));
    assert!(matches!(log.begin_snapshot(old, 6).await, Err(StoreError::NotCurrent(_))));
    let late = log.create(&new_world("default"), Some(old), start).await;
    assert!(matches!(late, Err(StoreError::NotCurrent(_))), "{late:?}");
    log.append(new.key, &run(1, 1)).await.unwrap();
    assert_eq!(log.worlds().await.unwrap().len(), 2);
}

async fn a_staged_generation_is_invisible(log: impl Log) {
    let old = create(&log, "default").await.key;
    let staged = log.stage(&new_world("default")).await.unwrap();
    assert!(matches!(log.append(staged, &run(1, 1)).await, Err(StoreError::NotCurrent(_))));
    assert!(matches!(log.last_seq(staged).await, Err(StoreError::NotCurrent(_))));
    let early = log.publish(staged, Some(old)).await;
    assert!(matches!(early, Err(StoreError::NoFirstSnapshot(_))), "{early:?}");
    let snapshot = log.begin_snapshot(staged, 8).await.unwrap();
    log.put_chunk(snapshot, 0, b"state").await.unwrap();
    let unfinished = log.publish(staged, Some(old)).await;
    assert!(matches!(unfinished, Err(StoreError::NoFirstSnapshot(_))), "{unfinished:?}");
    log.finish_snapshot(snapshot, 7, [3; 16], 1).await.unwrap();
    assert_eq!(log.worlds().await.unwrap()[0].key, old);

    let world = log.publish(staged, Some(old)).await.unwrap();
    assert_eq!((world.key, world.meta.generation, world.last_seq), (staged, 2, 7));
    assert_eq!(log.worlds().await.unwrap(), [world]);
    log.append(staged, &run(8, 9)).await.unwrap();
    assert!(matches!(log.publish(staged, None).await, Err(StoreError::NotStaged(_))));
    assert!(matches!(log.publish(WorldKey(77), None).await, Err(StoreError::NotStaged(_))));
}

async fn a_deleted_world_is_gone_and_swept(log: impl Log) {
    let world = create(&log, "default").await.key;
    let kept = create(&log, "kept").await.key;
    log.append(world, &run(1, 30)).await.unwrap();
    log.append(kept, &run(1, 3)).await.unwrap();
    log.delete(world).await.unwrap();
    assert!(matches!(log.delete(world).await, Err(StoreError::NotCurrent(_))));
    assert!(matches!(log.delete(WorldKey(55)).await, Err(StoreError::NotCurrent(_))));
    let swept = log.sweep(1000).await.unwrap();
    // 30 entries, one snapshot, the world itself.
    assert_eq!((swept.removed, swept.more), (32, false));
    assert_eq!(all(&log, kept, 1, 10).await, seqs(1, 3));
    assert_eq!(log.sweep(1000).await.unwrap().removed, 0);
}

async fn a_snapshot_is_visible_when_finished(log: impl Log) {
    let world = create(&log, "default").await.key;
    let first = log.newest_snapshot(world).await.unwrap();
    log.append(world, &run(1, 10)).await.unwrap();
    let id = log.begin_snapshot(world, 11).await.unwrap();
    log.put_chunk(id, 0, b"a").await.unwrap();
    log.append(world, &run(11, 12)).await.unwrap();
    log.put_chunk(id, 1, b"b").await.unwrap();
    assert_eq!(log.newest_snapshot(world).await.unwrap(), first);
    assert!(matches!(log.chunk(id, 0).await, Err(StoreError::NoChunk { .. })));

    let head = log.finish_snapshot(id, 12, [5; 16], 2).await.unwrap();
    let expected = SnapshotHead { id, start_seq: 11, end_seq: 12, digest: [5; 16], rows: 2, chunks: 2 };
    assert_eq!(head, expected);
    assert_eq!(log.newest_snapshot(world).await.unwrap(), expected);
    assert_eq!(log.chunk(id, 1).await.unwrap(), b"b");
    assert_eq!(all(&log, world, head.start_seq, 10).await, seqs(11, 12));

    let dropped = log.begin_snapshot(world, 13).await.unwrap();
    log.put_chunk(dropped, 0, b"c").await.unwrap();
    log.drop_snapshot(dropped).await.unwrap();
    assert!(matches!(log.drop_snapshot(dropped).await, Err(StoreError::NotWriting(_))));
    assert_eq!(log.newest_snapshot(world).await.unwrap(), expected);
    assert_eq!(log.sweep(10).await.unwrap().removed, 2);
}

async fn a_snapshot_is_checked(log: impl Log) {
    let bad = |result: Result<SnapshotId, StoreError>| matches!(result, Err(StoreError::BadSnapshot { .. }));
    let world = create(&log, "default").await.key;
    log.append(world, &run(1, 10)).await.unwrap();
    for start in [0, 1, 10, 12] {
        assert!(bad(log.begin_snapshot(world, start).await), "start {start}");
    }
    assert!(matches!(log.begin_snapshot(WorldKey(66), 1).await, Err(StoreError::NotCurrent(_))));

    let old = log.begin_snapshot(world, 11).await.unwrap();
    let id = log.begin_snapshot(world, 11).await.unwrap();
    assert!(matches!(log.put_chunk(old, 0, b"").await, Err(StoreError::NotWriting(_))), "one at a time");
    assert!(bad(log.put_chunk(id, 1, b"").await.map(|()| id)));
    log.put_chunk(id, 0, b"x").await.unwrap();
    assert!(bad(log.put_chunk(id, 0, b"").await.map(|()| id)));
    assert!(bad(log.put_chunk(id, 2, b"").await.map(|()| id)));
    log.append(world, &run(11, 11)).await.unwrap();
    for end in [0, 9, 12] {
        assert!(bad(log.finish_snapshot(id, end, [0; 16], 0).await.map(|h| h.id)), "end {end}");
    }
    let beyond = log.finish_snapshot(id, u64::MAX, [0; 16], 0).await;
    assert!(matches!(beyond, Err(StoreError::OutOfRange { .. })), "{beyond:?}");
    log.finish_snapshot(id, 11, [0; 16], 0).await.unwrap();
    assert!(matches!(log.finish_snapshot(id, 11, [0; 16], 0).await, Err(StoreError::NotWriting(_))));
    assert!(matches!(log.put_chunk(id, 1, b"").await, Err(StoreError::NotWriting(_))));

    let staged = log.stage(&new_world("s")).await.unwrap();
    let id = log.begin_snapshot(staged, 100).await.unwrap();
    assert!(bad(log.finish_snapshot(id, 100, [0; 16], 0).await.map(|h| h.id)));
    log.finish_snapshot(id, 99, [0; 16], 0).await.unwrap();
}

async fn pruning_keeps_what_the_newest_snapshot_needs(log: impl Log) {
    let world = create(&log, "default").await.key;
    for round in 0..4 {
        log.append(world, &run(round * 10 + 1, round * 10 + 10)).await.unwrap();
        let id = log.begin_snapshot(world, round * 10 + 11).await.unwrap();
        log.put_chunk(id, 0, &[round as u8]).await.unwrap();
        log.finish_snapshot(id, round * 10 + 10, [0; 16], 1).await.unwrap();
    }
    log.append(world, &run(41, 45)).await.unwrap();
    let newest = log.newest_snapshot(world).await.unwrap();

    // The oldest of two kept snapshots starts at 31; five entries before it stay.
    let keep = Retention { snapshots: 2, entries: 5 };
    let mut removed = 0;
    for _ in 0..100 {
        let slice = log.prune(world, keep, 7).await.unwrap();
        assert!(slice.removed <= 7);
        removed += slice.removed;
        if !slice.more {
            break;
        }
    }
    assert_eq!(removed, 25);
    assert_eq!(all(&log, world, 0, 100).await, seqs(26, 45));
    assert_eq!(log.prune(world, keep, 7).await.unwrap().removed, 0);
    // Three old snapshots, two of them with a chunk.
    assert_eq!(log.sweep(100).await.unwrap().removed, 5);

    let none = Retention { snapshots: 0, entries: 0 };
    log.prune(world, none, 100).await.unwrap();
    assert_eq!(all(&log, world, 0, 100).await, seqs(41, 45));
    assert_eq!(log.newest_snapshot(world).await.unwrap(), newest);
    assert_eq!(log.chunk(newest.id, 0).await.unwrap(), [3]);
    assert_eq!(log.last_seq(world).await.unwrap(), 45);

    let id = log.begin_snapshot(world, 46).await.unwrap();
    log.finish_snapshot(id, 45, [0; 16], 0).await.unwrap();
    log.prune(world, none, 100).await.unwrap();
    assert!(all(&log, world, 0, 100).await.is_empty());
    assert_eq!(log.last_seq(world).await.unwrap(), 45, "known without an entry too");
    log.append(world, &run(46, 46)).await.unwrap();
}

async fn sweeping_is_bounded(log: impl Log) {
    let chunks = vec![vec![0; 10]; 20];
    let start = WholeSnapshot { seq: 0, digest: [0; 16], rows: 0, chunks: &chunks };
    let world = log.create(&new_world("default"), None, start).await.unwrap().key;
    log.append(world, &run(1, 50)).await.unwrap();
    log.delete(world).await.unwrap();
    let mut slices = Vec::new();
    for _ in 0..100 {
        let slice = log.sweep(10).await.unwrap();
        slices.push(slice.removed);
        if !slice.more {
            break;
        }
    }
    // 20 chunks, a snapshot, 50 entries, a world.
    assert_eq!(slices, [10, 10, 10, 10, 10, 10, 10, 2]);
    assert!(log.sweep(0).await.unwrap().removed == 0, "nothing is left");
}

/// One step of a random history. Keys and numbers are small, so that many of them mean something.
#[derive(Clone, Debug)]
enum Step {
    Append(i64, u64, u64),
    AppendTwo((i64, u64), (i64, u64)),
    Create(u8, Option<i64>, u64),
    Stage(u8),
    Publish(i64, Option<i64>),
    Delete(i64),
    Begin(i64, u64),
    Put(i64, u32),
    Finish(i64, u64),
    Drop(i64),
    Prune(i64, u32, u64, u32),
    Sweep(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 1..6i64;
    let replaces = || proptest::option::of(1..6i64);
    prop_oneof![
        6 => (key(), 0..3u64, 0..70u64).prop_map(|(k, skip, n)| Step::Append(k, skip, n)),
        2 => ((key(), 1..9u64), (key(), 1..9u64)).prop_map(|(a, b)| Step::AppendTwo(a, b)),
        3 => (0..2u8, replaces(), 0..5u64).prop_map(|(n, r, s)| Step::Create(n, r, s)),
        1 => (0..2u8).prop_map(Step::Stage),
        2 => (key(), replaces()).prop_map(|(k, r)| Step::Publish(k, r)),
        1 => key().prop_map(Step::Delete),
        3 => (key(), 0..2u64).prop_map(|(k, skip)| Step::Begin(k, skip)),
        3 => (1..9i64, 0..3u32).prop_map(|(s, p)| Step::Put(s, p)),
        3 => (1..9i64, 0..90u64).prop_map(|(s, e)| Step::Finish(s, e)),
        1 => (1..9i64).prop_map(Step::Drop),
        2 => (key(), 0..3u32, 0..9u64, 0..40u32).prop_map(|(k, s, e, m)| Step::Prune(k, s, e, m)),
        1 => (0..40u32).prop_map(Step::Sweep),
    ]
}

/// Does a step and says what came of it; errors by their text.
async fn take(log: &impl Log, step: &Step) -> String {
    // What follows the newest entry, so that most appends are good ones.
    let next = async |key: i64| log.last_seq(WorldKey(key)).await.unwrap_or(0) + 1;
    let named = |name: &u8| NewWorld { name: format!("w{name}"), ..new_world("") };
    let chunk = [vec![1u8, 2]];
    match step {
        Step::Append(key, skip, count) => {
            let first = next(*key).await + skip / 2;
            format!("{:?}", log.append(WorldKey(*key), &run(first, first + count)).await.map_err(text))
        }
        Step::AppendTwo((a, n), (b, m)) => {
            let (first, second) = (next(*a).await, next(*b).await);
            let (one, two) = (run(first, first + n), run(second, second + m));
            let batches =
                [Batch { world: WorldKey(*a), entries: &one }, Batch { world: WorldKey(*b), entries: &two }];
            format!("{:?}", log.append_all(&batches).await.map_err(text))
        }
        Step::Create(name, replaces, seq) => {
            let start = WholeSnapshot { seq: *seq, digest: [0; 16], rows: 1, chunks: &chunk };
            format!("{:?}", log.create(&named(name), replaces.map(WorldKey), start).await.map_err(text))
        }
        Step::Stage(name) => format!("{:?}", log.stage(&named(name)).await.map_err(text)),
        Step::Publish(key, replaces) => {
            format!("{:?}", log.publish(WorldKey(*key), replaces.map(WorldKey)).await.map_err(text))
        }
        Step::Delete(key) => format!("{:?}", log.delete(WorldKey(*key)).await.map_err(text)),
        Step::Begin(key, skip) => {
            format!("{:?}", log.begin_snapshot(WorldKey(*key), next(*key).await + skip).await.map_err(text))
        }
        Step::Put(id, part) => {
            format!("{:?}", log.put_chunk(SnapshotId(*id), *part, &[7; 9]).await.map_err(text))
        }
        Step::Finish(id, end) => {
            format!("{:?}", log.finish_snapshot(SnapshotId(*id), *end, [1; 16], 5).await.map_err(text))
        }
        Step::Drop(id) => format!("{:?}", log.drop_snapshot(SnapshotId(*id)).await.map_err(text)),
        Step::Prune(key, snapshots, entries, max) => {
            let keep = Retention { snapshots: *snapshots, entries: *entries };
            format!("{:?}", log.prune(WorldKey(*key), keep, *max).await.map_err(text))
        }
        Step::Sweep(max) => format!("{:?}", log.sweep(*max).await.map_err(text)),
    }
}

fn text(error: StoreError) -> String {
    error.to_string()
}

/// All that can be read.
async fn picture(log: &impl Log) -> String {
    let mut lines = Vec::new();
    for world in log.worlds().await.unwrap() {
        let entries = log.entries(world.key, 0, 10_000).await.unwrap();
        let head = log.newest_snapshot(world.key).await.unwrap();
        for part in 0..head.chunks {
            lines.push(format!("{:?}", log.chunk(head.id, part).await.unwrap()));
        }
        lines.push(format!("{world:?} {head:?} {entries:?}"));
        // The rule that matters most, asked of the storage itself and not only of its twin.
        assert!(entries.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq), "a gap in {world:?}");
        assert!(entries.last().is_none_or(|last| last.seq == world.last_seq), "an end in {world:?}");
        assert!(entries.first().is_none_or(|first| first.seq <= head.start_seq), "a start in {world:?}");
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The storage in memory is the model of the one in a file: same history, same answers, also
    /// after the file was closed and opened again.
    #[test]
    fn both_storages_tell_the_same_story(steps in proptest::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = Dir::new();
            let path = dir.file("x.db");
            let (memory, sqlite) = (MemoryLog::new(), SqliteLog::open(&path).await.unwrap());
            for step in &steps {
                assert_eq!(take(&memory, step).await, take(&sqlite, step).await, "{step:?}");
            }
            let expected = picture(&memory).await;
            assert_eq!(picture(&sqlite).await, expected);
            sqlite.close().await.unwrap();
            assert_eq!(picture(&SqliteLog::open(&path).await.unwrap()).await, expected);
        });
    }
}
