//! All that a world is, in a form that can be compared.

use sim_core::journal::Change;
use sim_core::{SimTime, World};

#[derive(Clone, PartialEq)]
pub struct State {
    pub rows: Vec<Change>,
    pub digest: u128,
    pub now: SimTime,
    pub seq: u64,
    pub indexes: String,
}

impl State {
    pub fn of(world: &World) -> State {
        State {
            rows: rows(world),
            digest: world.digest(),
            now: world.now(),
            seq: world.seq(),
            indexes: format!("{:?}", world.indexes()),
        }
    }

    /// The same but for the number of entries and the instant, which depend on how time was cut.
    #[track_caller]
    pub fn assert_same_rows(&self, other: &State, what: &str) {
        for (a, b) in self.rows.iter().zip(&other.rows) {
            assert_eq!(a, b, "{what}: rows of table {}", a.table);
        }
        assert_eq!(self.rows.len(), other.rows.len(), "{what}: number of rows");
        assert_eq!(self.digest, other.digest, "{what}: digest");
        if self.indexes != other.indexes {
            let same = self.indexes.bytes().zip(other.indexes.bytes()).take_while(|(a, b)| a == b).count();
            let near = |text: &str| text[same.saturating_sub(200)..(same + 200).min(text.len())].to_owned();
            panic!("{what}: indexes differ:\n{}\n{}", near(&self.indexes), near(&other.indexes));
        }
    }

    #[track_caller]
    pub fn assert_same(&self, other: &State, what: &str) {
        self.assert_same_rows(other, what);
        assert_eq!((self.now, self.seq), (other.now, other.seq), "{what}: instant and number of entries");
    }
}

/// All rows of a world.
pub fn rows(world: &World) -> Vec<Change> {
    let (rows, rest) = world.slice(None, usize::MAX);
    assert_eq!(rest, None);
    rows
}

/// The world that its stored rows give, read slice by slice.
pub fn reload(world: &World, slice: usize) -> World {
    let mut loader = World::load();
    let mut cursor = None;
    loop {
        let (rows, next) = world.slice(cursor.as_ref(), slice);
        rows.iter().for_each(|row| loader.change(row).expect("a stored row decodes"));
        cursor = next;
        if cursor.is_none() {
            return loader.finish(world.seq(), world.now()).expect("the settings are there");
        }
    }
}
