//! The house rules that a program can check, over all source files of the workspace.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The longest line. A line with a text in it may be longer: a row of a table is read as one.
const WIDTH: usize = 130;
/// The longest file.
const LINES: usize = 600;

/// Files that are too long, with how long they may be at most. They are to be split; the list only shrinks.
const TOO_LONG: &[(&str, usize)] = &[];

/// How many lines of a file are too wide. They are to be broken; the list only shrinks.
const TOO_WIDE: &[(&str, usize)] = &[
    ("sim-api/src/cli/plan.rs", 1),
    ("sim-api/tests/contract/every_action.rs", 5),
    ("sim-core/tests/cidr_block.rs", 1),
    ("sim-core/tests/cidr_plan.rs", 6),
    ("sim-core/tests/cidr_pool.rs", 2),
];

/// Words that must not stand in code: where, the word, why. A word in a comment or a text counts as well, except that
/// this file may name them.
const BANNED: &[(&str, &str, &str)] = &[
    ("", "todo!", "what is not there is refused by a rule, not by a panic"),
    ("", "unimplemented!", "what is not there is refused by a rule, not by a panic"),
    ("", "dbg!", "it is for the moment"),
    ("", "FIXME", "mend it, or say in the reference what is missing"),
    ("", "XXX", "mend it, or say in the reference what is missing"),
    ("", "#[ignore", "a test that does not run proves nothing"),
    (
        "sim-core/",
        "thread::sleep",
        "virtual time is advanced; what happens elsewhere is waited for by what it does",
    ),
    (
        "sim-api/",
        "thread::sleep",
        "virtual time is advanced; what happens elsewhere is waited for by what it does",
    ),
    ("sim-core/src/", "println!", "the core does no output"),
    ("sim-core/src/", "eprintln!", "the core does no output"),
    ("sim-core/src/", "HashMap", "it iterates in an order that differs between processes"),
    ("sim-core/src/", "HashSet", "it iterates in an order that differs between processes"),
    ("sim-core/src/", "SystemTime", "the core has no clock"),
    ("sim-core/src/", "Instant::now", "the core has no clock"),
    ("sim-core/src/", "f64", "floats differ between machines"),
    ("sim-core/src/", "f32", "floats differ between machines"),
    ("sim-core/src/", "axum", "the core knows nothing of HTTP"),
    ("sim-core/src/", "tokio", "the core has no threads and no I/O"),
    ("sim-api/src/", "unwrap()", "say why it cannot fail, with expect, or return the error"),
    ("sim-core/src/", "unwrap()", "say why it cannot fail, with expect, or return the error"),
];

/// The migrations as they were published. A database has them behind it: a new one is added, none is edited.
const MIGRATIONS: &[(&str, &str)] =
    &[("0001_journal.sql", "9cc610197f1eaebbadc692ac99f4bbeca259e36ef44ec85d5593544b267b80dc")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// Every source file by its path from the root.
fn sources() -> BTreeMap<String, String> {
    fn walk(dir: &Path, root: &Path, out: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                walk(&path, root, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                out.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let (root, mut out) = (root(), BTreeMap::new());
    for dir in ["sim-core", "sim-api", "examples", "benches", "fuzz"] {
        if root.join(dir).is_dir() {
            walk(&root.join(dir), &root, &mut out);
        }
    }
    assert!(out.len() > 100, "the sources were not found in {}", root.display());
    out
}

/// The part of a source file before its unit tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// Whether a line may be wide: a row of a table, or a text.
fn is_table(line: &str) -> bool {
    let code = !line.trim_start().starts_with("//");
    code && (line.contains(['"', '\''])
        || line.ends_with('\\')
        || line.contains(" | ")
        || line.contains(" => "))
}

#[test]
fn lines_are_not_too_wide() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().enumerate();
        let wide: Vec<usize> =
            lines.filter(|(_, l)| l.chars().count() > WIDTH && !is_table(l)).map(|(at, _)| at + 1).collect();
        let allowed = TOO_WIDE.iter().find(|(name, _)| *name == file).map_or(0, |(_, count)| *count);
        if wide.len() > allowed {
            wrong.push(format!("{file}: lines {wide:?} have more than {WIDTH} characters"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_not_too_long() {
    let sources = sources();
    for (file, text) in &sources {
        let lines = text.lines().count();
        match TOO_LONG.iter().find(|(name, _)| name == file) {
            None => assert!(lines <= LINES, "{file} has {lines} lines: split it along its subjects"),
            Some((_, most)) => {
                assert!(
                    lines <= *most,
                    "{file} is too long already and has grown from {most} to {lines} lines"
                );
                assert!(lines > LINES, "{file} has {lines} lines: take it off the list");
            }
        }
    }
    for (file, _) in TOO_LONG {
        assert!(sources.contains_key(*file), "{file} is gone: take it off the list");
    }
}

#[test]
fn no_banned_word_is_used() {
    let mut found = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| *file != "sim-api/tests/tidy.rs") {
        for (place, word, why) in BANNED.iter().filter(|(place, ..)| file.starts_with(place)) {
            let product = place.ends_with("/src/");
            if product && file.ends_with("_tests.rs") {
                continue;
            }
            let text = if product { without_tests(text) } else { text };
            let bounded = |at: usize| {
                let before = text[..at].chars().next_back();
                let after = text[at + word.len()..].chars().next();
                let part_of_a_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                !part_of_a_word(before)
                    && !part_of_a_word(after.filter(|_| word.ends_with(char::is_alphanumeric)))
            };
            if let Some((at, _)) = text.match_indices(word).find(|(at, _)| bounded(*at)) {
                let line = text[..at].lines().count().max(1);
                found.push(format!("{file}:{line}: {word}: {why}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_file_says_what_it_is_about() {
    let silent: Vec<String> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "these do not begin with //! and what they are about: {silent:?}");
}

/// The modules that a file names: `mod name;`, with the path that stands over it, if one does.
fn modules(text: &str) -> Vec<(String, Option<String>)> {
    let mut out = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        if let Some(given) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            path = Some(given.to_owned());
            continue;
        }
        let rest = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
        if let Some(name) = rest.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            out.push((name.to_owned(), path.take()));
        }
        if !line.starts_with("#[") {
            path = None;
        }
    }
    out
}

/// A path seen from a directory, `..` resolved.
fn joined(dir: &str, path: &str) -> String {
    let mut parts: Vec<&str> = dir.split('/').collect();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[test]
fn no_file_is_dead() {
    let sources = sources();
    let mut reached = BTreeSet::new();
    let is_root = |file: &str| {
        let parts: Vec<&str> = file.split('/').collect();
        matches!(
            parts.as_slice(),
            [_, "src", "lib.rs" | "main.rs"]
                | [_, "build.rs"]
                | [_, "tests", _]
                | [_, "tests", _, "main.rs"]
                | ["examples" | "benches", _]
                | ["benches", _, _]
                | ["fuzz", "fuzz_targets", _]
        )
    };
    let mut open: Vec<(String, bool)> =
        sources.keys().filter(|f| is_root(f)).map(|f| (f.clone(), true)).collect();
    while let Some((file, root)) = open.pop() {
        if !reached.insert(file.clone()) {
            continue;
        }
        let (dir, name) = file.rsplit_once('/').unwrap();
        let own = name.trim_end_matches(".rs");
        let below = if root || own == "mod" { dir.to_owned() } else { format!("{dir}/{own}") };
        for (module, path) in modules(&sources[&file]) {
            let places = match path {
                Some(path) => vec![joined(dir, &path)],
                None => vec![format!("{below}/{module}.rs"), format!("{below}/{module}/mod.rs")],
            };
            open.extend(places.into_iter().filter(|p| sources.contains_key(p)).map(|p| (p, false)));
        }
    }
    let dead: Vec<&String> = sources.keys().filter(|file| !reached.contains(*file)).collect();
    assert!(dead.is_empty(), "nothing names these files: {dead:?}");
}

#[test]
fn migrations_are_added_and_never_edited() {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root().join("migrations")).unwrap().map(Result::unwrap) {
        let bytes = fs::read(entry.path()).unwrap();
        let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        found.insert(entry.file_name().to_string_lossy().into_owned(), hash);
    }
    let known: BTreeMap<String, String> =
        MIGRATIONS.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect();
    for (name, hash) in &known {
        assert_eq!(found.get(name), Some(hash), "{name} was edited or removed: add a migration instead");
    }
    for (name, hash) in &found {
        assert!(known.contains_key(name), "add {name} with {hash} to the list of migrations");
    }
}
