//! Stories in the words of the field: `tests/scenarios/*.txt`, each with the output that is expected of it.
//!
//! A line that begins with `>` is a command, the lines below it are what came of it. Every story plays in a world of its
//! own with seed 1 and a clock that only `wait` moves, so that ids and instants are always the same.
//! `CLOUDNET_UPDATE=1` writes what comes out into the files. The words are in `words.rs`.

mod balancers;
mod traffic;
mod words;

use sim_core::datapath::Disposition;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use words::Story;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios")
}

/// The story with what comes of each command, as the file should read.
fn play(text: &str) -> String {
    let (mut story, mut out) = (Story::new(), String::new());
    let mut in_output = false;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("> ") {
            out.push_str(line);
            out.push('\n');
            for line in story.tell(command).lines() {
                out.push_str(&format!("  {line}\n"));
            }
            in_output = true;
        } else if !(in_output && line.starts_with("  ")) {
            in_output = false;
            out.push_str(line);
            out.push('\n');
        }
    }
    story.check_replay();
    out
}

#[test]
fn every_story_ends_as_it_is_written() {
    let update = std::env::var_os("CLOUDNET_UPDATE").is_some();
    let mut files: Vec<PathBuf> = fs::read_dir(directory()).unwrap().map(|e| e.unwrap().path()).collect();
    // These pages are stories too: what they show is what comes out.
    files.extend(["datapath.md", "health-checks.md"].map(|page| directory().join("../../docs").join(page)));
    files.sort();
    assert!(files.len() >= 7, "the stories are missing: {files:?}");
    let mut wrong = Vec::new();
    for file in files {
        let written = fs::read_to_string(&file).unwrap();
        let told = play(&written);
        if told == written {
            continue;
        }
        if update {
            fs::write(&file, told).unwrap();
            continue;
        }
        let differs = written.lines().zip(told.lines()).find(|(a, b)| a != b);
        let (a, b) = differs.unwrap_or(("the end", "more, or the end"));
        wrong.push(format!("{}: written\n    {a}\ncame\n    {b}", file.display()));
    }
    assert!(wrong.is_empty(), "{}\nCLOUDNET_UPDATE=1 writes what came.", wrong.join("\n"));
}

/// The page has a section for each end, with a packet that ends so, and for nothing that is no end.
#[test]
fn the_page_on_the_datapath_has_an_example_of_each_end() {
    let page = fs::read_to_string(directory().join("../../docs/datapath.md")).unwrap();
    let (mut story, mut section) = (Story::new(), String::new());
    let mut shown: BTreeMap<String, bool> = BTreeMap::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.to_lowercase();
            shown.insert(section.clone(), false);
        } else if let Some(command) = line.strip_prefix("> ") {
            story.tell(command);
            let ended = story.ends.drain(..).any(|end| end == section);
            *shown.entry(section.clone()).or_default() |= ended;
        }
    }
    // Sections in words of their own are about ways, not about ends.
    shown.retain(|section, _| !section.contains(' '));
    let words: BTreeMap<String, bool> =
        Disposition::WORDS.iter().map(|word| ((*word).to_owned(), true)).collect();
    assert_eq!(shown, words);
}

/// How often a part stands in a picture.
fn count(picture: &str, part: &str) -> usize {
    picture.matches(part).count()
}

#[test]
fn each_end_of_the_page_on_the_datapath_can_be_drawn() {
    let page = fs::read_to_string(directory().join("../../docs/datapath.md")).unwrap();
    let mut story = Story::new();
    page.lines().filter_map(|line| line.strip_prefix("> ")).for_each(|command| drop(story.tell(command)));
    let ends: BTreeSet<&str> = story.pictures.iter().map(|(ending, ..)| ending.disposition.word()).collect();
    assert_eq!(ends, Disposition::WORDS.iter().copied().collect());
    for (ending, steps, picture) in &story.pictures {
        let drawn = picture.svg();
        assert_eq!(drawn, picture.svg(), "the same trace gives the same bytes");
        let mut reader = quick_xml::Reader::from_str(&drawn);
        let mut depth = 0;
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{error}\n{drawn}")) {
                quick_xml::events::Event::Start(_) => depth += 1,
                quick_xml::events::Event::End(_) => depth -= 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(depth, 0, "{drawn}");
        // A box for each step, and one where it ends that no step tells of.
        let boxes = count(&drawn, "<svg x=");
        let (passed, ended) =
            (count(&drawn, "stroke-width=\"1.5\"/>"), count(&drawn, "stroke-width=\"3\"/>"));
        assert_eq!((boxes, ended), (passed + ended, usize::from(!ending.delivered())), "{drawn}");
        assert!(boxes == *steps || (boxes == steps + 1 && ended == 1), "{steps} steps\n{drawn}");
        assert!(drawn.contains("width=\"960\"") && drawn.ends_with("</svg>\n"), "{drawn}");
    }
}

#[test]
fn a_wrong_expectation_is_found() {
    let good = play("> vpc prod 10.0.0.0/16\n");
    assert!(good.contains("Available"), "{good}");
    assert_ne!(
        play("> vpc prod 10.0.0.0/16\n  something else\n"),
        "> vpc prod 10.0.0.0/16\n  something else\n"
    );
    assert_eq!(play(&good), good);
}
