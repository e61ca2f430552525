//! What the storage tests share: a directory of their own, and worlds and entries to store.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sim_api::store::{Entry, Log, NewWorld, WholeSnapshot, World};

/// A new directory, removed in the end.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("store-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An entry whose content follows from its number, of about 600 bytes.
pub fn entry(seq: u64) -> Entry {
    let byte = (seq % 251) as u8;
    Entry {
        seq,
        at: (seq as i64).wrapping_mul(1000) - 5,
        rules: seq as u32 % 7,
        caller: format!(r#"{{"account":"1234567890123456","region":"cn-hangzhou","n":{seq}}}"#),
        command: format!(r#"{{"CreateVpc":{{"name":"größe-{seq}","description":"{}"}}}}"#, "d".repeat(200)),
        outcome: vec![byte; 100],
        changes: vec![byte ^ 0xff; 150],
        digest: u128::from(seq).to_be_bytes(),
    }
}

pub fn run(from: u64, to: u64) -> Vec<Entry> {
    (from..=to).map(entry).collect()
}

pub fn new_world(name: &str) -> NewWorld {
    NewWorld { name: name.to_owned(), created_at_ms: 1_700_000_000_000, settings: r#"{"seed":7}"#.to_owned() }
}

/// A new world with an empty start.
pub async fn create(log: &impl Log, name: &str) -> World {
    let start = WholeSnapshot { seq: 0, digest: [0; 16], rows: 0, chunks: &[] };
    log.create(&new_world(name), None, start).await.expect("a new world")
}
