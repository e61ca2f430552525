-- The storage of worlds: journals, their entries and their snapshots.

-- One generation of one world. A reset, restore or fork makes a new row.
-- AUTOINCREMENT: a key is never given out twice, so that a writer that holds
-- the key of a deleted journal can not write into another.
CREATE TABLE journal (
    key           INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    generation    INTEGER NOT NULL CHECK (generation >= 0),
    -- 0 staged (not visible yet), 1 current, 2 retired (to be swept)
    state         INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
    created_at_ms INTEGER NOT NULL,
    settings      TEXT    NOT NULL,
    -- The number of the newest entry. Every append moves it from exactly the
    -- number before its first entry, which is what keeps a journal gapless.
    last_seq      INTEGER NOT NULL CHECK (last_seq >= 0)
) STRICT;

CREATE UNIQUE INDEX journal_current ON journal (name) WHERE state = 1;
CREATE INDEX journal_state ON journal (state);

-- One accepted command. A rowid table with a unique index and not WITHOUT
-- ROWID: rows of several worlds are appended in one place, and a row larger
-- than a quarter of a page needs no overflow page of its own.
CREATE TABLE entry (
    journal INTEGER NOT NULL REFERENCES journal (key),
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    rules   INTEGER NOT NULL,
    caller  TEXT    NOT NULL,
    command TEXT    NOT NULL,
    outcome BLOB    NOT NULL,
    changes BLOB    NOT NULL,
    digest  BLOB    NOT NULL CHECK (length(digest) = 16),
    UNIQUE (journal, seq)
) STRICT;

-- A snapshot is visible once its state is 1.
CREATE TABLE snapshot (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    journal   INTEGER NOT NULL REFERENCES journal (key),
    -- 0 being written, 1 finished, 2 dropped (to be swept)
    state     INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
    start_seq INTEGER NOT NULL CHECK (start_seq >= 1),
    end_seq   INTEGER,
    digest    BLOB    CHECK (length(digest) = 16),
    row_count INTEGER,
    chunks    INTEGER,
    CHECK (state <> 1 OR (end_seq >= start_seq - 1 AND digest IS NOT NULL
                          AND row_count >= 0 AND chunks >= 0))
) STRICT;

CREATE INDEX snapshot_journal ON snapshot (journal, state, id);
CREATE INDEX snapshot_state ON snapshot (state);

CREATE TABLE snapshot_chunk (
    snapshot INTEGER NOT NULL REFERENCES snapshot (id),
    part     INTEGER NOT NULL CHECK (part >= 0),
    bytes    BLOB    NOT NULL,
    UNIQUE (snapshot, part)
) STRICT;
