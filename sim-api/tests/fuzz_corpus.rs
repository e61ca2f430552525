//! The fuzz targets' checks on the corpus in `fuzz/corpus` and on 10,000 variations of it each, the same every time.

#[path = "../../fuzz/checks/cidr.rs"]
mod cidr;
#[path = "../../fuzz/checks/request.rs"]
mod request;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const CASES: usize = 10_000;

/// What variations are spliced from: pieces that get past a first check.
const WORDS: &[&str] = &[
    "/",
    ".",
    ":",
    "::",
    "%",
    "%2F",
    "&",
    "=",
    "?",
    "\n",
    "\n\n",
    "0",
    "1",
    "-1",
    "9",
    "255",
    "32",
    "128",
    "65536",
    "99999999999999999999",
    "null",
    "true",
    "[]",
    "{}",
    "[",
    "}",
    "\"",
    "\\u0000",
    "é",
    "\u{202e}",
    " ",
    "10.0.0.0/8",
    "Action=CreateVSwitch",
    "Version=2014-05-26",
    "Tag.1.Key=",
    "Format=XML",
    "MaxResults=0",
    "page_size=0",
    "page_token=",
    "dry_run=maybe",
    "vpc-bp13tecdq2pya5n9s4gp",
    "Idempotency-Key: ",
    "POST ",
    "DELETE ",
    "/v1/vpcs/",
    "\"cidr_block\":",
    "\"name\":",
    "cn-hangzhou",
    "Cloudnet-World: none",
];

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "the corpus is missing: {}", dir.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// A fixed stream of numbers (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// A variation: a few splices of words, bytes, or parts of another case.
fn vary(numbers: &mut Numbers, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut data = corpus[numbers.below(corpus.len())].clone();
    for _ in 0..1 + numbers.below(4) {
        // Half of the time what comes after the headers, so that they are not always broken first.
        let body = data.windows(2).position(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
        let from = if numbers.below(2) == 0 { body } else { 0 };
        let (at, length) = (from + numbers.below(data.len() + 1 - from), numbers.below(4));
        let piece = match numbers.below(5) {
            0 => vec![numbers.below(256) as u8],
            1 => Vec::new(),
            2 => {
                let other = &corpus[numbers.below(corpus.len())];
                let from = numbers.below(other.len());
                other[from..(from + numbers.below(40)).min(other.len())].to_vec()
            }
            _ => WORDS[numbers.below(WORDS.len())].as_bytes().to_vec(),
        };
        data.splice(at..(at + length).min(data.len()), piece);
    }
    data
}

/// Runs a check on the corpus and its variations; a case that makes it panic is shown.
fn run(name: &str, mut check: impl FnMut(usize, &[u8])) {
    let corpus = corpus(name);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let varied = (0..CASES).map(|_| vary(&mut numbers, &corpus)).collect::<Vec<_>>();
    for (at, data) in corpus.iter().chain(&varied).enumerate() {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(at, data)));
        assert!(outcome.is_ok(), "{name}, case {at}: {:?}", String::from_utf8_lossy(data));
    }
}

#[test]
fn the_cidr_parser_keeps_its_word() {
    run("cidr", |_, data| cidr::check(data));
}

#[test]
fn the_decoder_of_the_provider_wire_keeps_its_word() {
    run("rpc_decode", |_, data| sim_api::rpc::fuzz_decode(data));
}

#[test]
fn every_request_gets_an_answer_that_is_no_5xx() {
    let door = request::Door::open();
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    run("request", |at, data| {
        if at % 64 == 0 {
            door.renew();
        }
        if let Some(status) = door.ask(data) {
            *answers.entry(status).or_default() += 1;
        }
    });
    // Not all of it is noise: much is read and judged, and some is accepted.
    let seen = |status: u16| answers.get(&status).copied().unwrap_or(0);
    assert!(
        seen(200) > 100 && seen(201) > 20 && seen(404) > 100 && seen(422) + seen(400) > 500,
        "{answers:?}"
    );
}
