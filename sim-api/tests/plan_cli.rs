//! `cloudnet plan`, told in text: `tests/plan/*.txt` hold commands and what they print.
//!
//! `$` begins a command, `<` is a line of its input, then comes what it prints (`!` before what goes to standard error),
//! and `[exit N]` ends it. `CLOUDNET_UPDATE=1 cargo test -p sim-api --test plan_cli` writes down what it prints now.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Splits a command line into words; single quotes keep blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Runs a command and writes down what it prints.
fn run(command: &str, input: &[&str]) -> String {
    let words = words(command);
    assert_eq!(words[0], "cloudnet", "{command}");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cloudnet"))
        .args(&words[1..])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command that does not read its input closes it.
    let _ = child.stdin.take().expect("stdin").write_all(input.join("\n").as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    let mut told = String::from_utf8(output.stdout).expect("text");
    for line in String::from_utf8(output.stderr).expect("text").lines() {
        told.push_str(format!("! {line}").trim_end());
        told.push('\n');
    }
    let code = output.status.code().expect("an exit code");
    format!("{told}[exit {code}]\n")
}

/// The scenario with what its commands print now.
fn rerun(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let mut input = Vec::new();
        while let Some(more) = lines.next_if(|l| l.starts_with('<')) {
            out.push_str(more);
            out.push('\n');
            input.push(more[1..].trim_start_matches(' '));
        }
        out.push_str(&run(command, &input));
        // What was printed when the scenario was written; a new command has nothing yet.
        let mut rest = lines.clone();
        if rest
            .find(|l| l.starts_with("[exit ") || l.starts_with("$ "))
            .is_some_and(|l| l.starts_with("[exit "))
        {
            lines = rest;
        }
    }
    out
}

#[test]
fn the_scenarios_print_what_they_say() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/plan");
    let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut commands = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        commands += text.lines().filter(|line| line.starts_with("$ ")).count();
        let now = rerun(&text);
        if std::env::var_os("CLOUDNET_UPDATE").is_some() {
            std::fs::write(&file, now).unwrap();
            continue;
        }
        let first = text.lines().zip(now.lines()).enumerate().find(|(_, (was, is))| was != is);
        assert!(text == now, "{}: line, expected, printed: {first:#?}\n{now}", file.display());
    }
    assert!(commands > 30, "{commands} commands were run");
}
