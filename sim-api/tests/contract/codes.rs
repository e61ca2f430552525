//! Which documented error codes of the served actions can never be raised, and which rules no test names.
//!
//! Both lists are committed with a reason for each entry, are compared exactly, and may only shrink:
//! `tests/data/contract/never_raised.txt` and `untested_errors.txt`.

use sim_api::catalogue;
use sim_api::rpc::actions::{ACTIONS, Action};
use sim_core::ErrorCode;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// Every Rust file below a directory.
fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join(dir), &mut out);
    assert!(!out.is_empty(), "{dir} has no sources");
    out
}

fn is_test_file(path: &Path) -> bool {
    path.to_string_lossy().ends_with("_tests.rs")
}

/// The texts in quotes that the code of the provider wire holds, tests aside: the codes that it raises itself.
fn wire_texts() -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (_, text) in sources("sim-api/src/rpc").into_iter().filter(|(path, _)| !is_test_file(path)) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        out.extend(code.lines().flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned));
    }
    out
}

/// The codes with which an action can refuse: of rules, as the dispatcher picks them, of the mechanical check, and of
/// the wire itself.
fn raised(
    action: &Action,
    wire: &BTreeSet<String>,
    documented: &BTreeSet<&'static str>,
) -> BTreeSet<&'static str> {
    let of_rules = ErrorCode::ALL
        .iter()
        .filter_map(|rule| rule.row().provider_codes.iter().copied().find(|code| documented.contains(code)));
    let of_wire = documented.iter().copied().filter(|code| wire.contains(*code));
    of_rules.chain(action.spec().mechanical_codes()).chain(of_wire).collect()
}

/// Code and action of every documented code that cannot be raised.
fn never_raised() -> BTreeSet<(String, String)> {
    let wire = wire_texts();
    let mut out = BTreeSet::new();
    for action in ACTIONS {
        let documented = catalogue::documented_codes(action.version, action.name);
        let documented: BTreeSet<&'static str> = documented.iter().map(|known| known.code).collect();
        let raised = raised(action, &wire, &documented);
        let name = format!("{} {}", action.product, action.name);
        out.extend(documented.difference(&raised).map(|code| ((*code).to_owned(), name.clone())));
    }
    out
}

/// The entries of a list whose lines are `NAME: REST` below `== REASON`; each reason has text.
fn entries(text: &str) -> Vec<(String, String)> {
    let mut reason = "";
    let mut out = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("== ") {
            Some(new) => reason = new.trim(),
            None => {
                assert!(reason.len() > 10, "{line} has no reason");
                let (name, rest) = line.split_once(':').unwrap_or((line, ""));
                out.push((name.trim().to_owned(), rest.trim().to_owned()));
            }
        }
    }
    out
}

#[test]
fn the_documented_codes_that_are_never_raised_are_the_listed_ones() {
    let listed: BTreeSet<(String, String)> =
        entries(include_str!("../../../tests/data/contract/never_raised.txt"))
            .into_iter()
            .flat_map(|(code, actions)| {
                let names: Vec<String> = actions.split(',').map(|name| name.trim().to_owned()).collect();
                names.into_iter().map(move |name| (code.clone(), name))
            })
            .collect();
    let found = never_raised();
    let show = |set: Vec<&(String, String)>| {
        let mut by_code: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        set.into_iter().for_each(|(code, action)| by_code.entry(code).or_default().push(action));
        by_code.iter().map(|(code, actions)| format!("{code}: {}\n", actions.join(", "))).collect::<String>()
    };
    let (new, gone) = (show(found.difference(&listed).collect()), show(listed.difference(&found).collect()));
    assert!(
        new.is_empty() && gone.is_empty(),
        "tests/data/contract/never_raised.txt\n-- can never be raised; raise it, or list it with the reason:\n{new}\
         -- can be raised now (or the action is not served); take it off:\n{gone}"
    );
}

/// The text of all tests: whole files below `tests`, and what stands behind `#[cfg(test)]` elsewhere.
fn tests_text() -> String {
    // Rules stand in text files, too: a table, and stories.
    let mut out = include_str!("rules.txt").to_owned();
    for story in fs::read_dir(root().join("sim-api/tests/rules")).unwrap().map(Result::unwrap) {
        if story.path().extension().is_some_and(|e| e == "txt") {
            out += &fs::read_to_string(story.path()).unwrap();
        }
    }
    for dir in ["sim-core/tests", "sim-api/tests"] {
        sources(dir)
            .into_iter()
            .filter(|(path, _)| !path.ends_with("contract/codes.rs"))
            .for_each(|(_, text)| out += &text);
    }
    for dir in ["sim-core/src", "sim-api/src"] {
        for (path, text) in sources(dir) {
            match text.split_once("#[cfg(test)]") {
                _ if is_test_file(&path) => out += &text,
                Some((_, tests)) => out += tests,
                None => {}
            }
        }
    }
    out
}

#[test]
fn the_rules_that_no_test_names_are_the_listed_ones() {
    let text = tests_text();
    let mut words: BTreeSet<&str> = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    words.remove("");
    let named = |rule: &ErrorCode| words.contains(rule.row().name) || words.contains(rule.native().as_str());
    let found: BTreeSet<String> =
        ErrorCode::ALL.iter().filter(|rule| !named(rule)).map(|rule| rule.row().name.to_owned()).collect();
    let listed = entries(include_str!("../../../tests/data/contract/untested_errors.txt"));
    let listed: BTreeSet<String> = listed.into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        found.difference(&listed).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "rules that no test names: write the test, or list the rule in untested_errors.txt with the reason"
    );
    assert_eq!(
        listed.difference(&found).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "a test names these rules now (or they are gone): take them off untested_errors.txt"
    );
}
