//! Rules on both wires: one line for each pair of operation and rule, in stories of which each has a world of its own.
//!
//! A line is `RULE | METHOD path {body}`: the request is refused with that code and the status of its kind, and names only what
//! it has: see `pointers.rs`. On the provider
//! wire it is `RULE | Ecs RunInstances Name=value ... | CODE STATUS`: that rule refuses with this code and status. A line that
//! begins with `NAME=/pointer`, or with nothing, succeeds, and `$NAME` stands for what it gave from then on. `[Name: value]`
//! before the method is a header; `{~text~N}` is the text N times,
//! with the number of the time in place of `#`; `{@NAME}` is a file of tests/data/certificates.
//! The first line may be `world {…}`,
//! the body of `POST /v1/worlds`. `CLOUDNET_STORY=vpcs` plays one story alone.

mod pointers;
#[path = "../service/mod.rs"]
mod service;

use serde_json::{Value, json};
use service::{Answer, Client, settings};
use sim_api::Server;
use sim_api::rpc::actions::ACTIONS;
use sim_api::rpc::encoding::percent_encode;
use sim_core::ErrorCode as E;
use std::collections::BTreeMap;
use std::path::Path;

/// `{@NAME}` is the content of a file, told as `told` says.
fn with_files(text: &str, told: impl Fn(&str) -> String) -> String {
    let Some((before, rest)) = text.split_once("{@") else { return text.to_owned() };
    let (name, after) = rest.split_once('}').expect("{@NAME}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/certificates").join(name);
    let content = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    format!("{before}{}{}", told(&content), with_files(after, told))
}

/// The headers, the method, the path and the body of a line.
fn parts(line: &str) -> (Vec<(&str, &str)>, &str, &str, Option<Value>) {
    let (mut headers, mut rest) = (Vec::new(), line);
    while let Some(header) = rest.strip_prefix('[') {
        let (header, after) = header.split_once(']').expect("[Name: value]");
        headers.push(header.split_once(": ").expect("[Name: value]"));
        rest = after.trim_start();
    }
    let (method, rest) = rest.split_once(' ').expect("METHOD path");
    let (path, body) = rest.split_once(' ').map_or((rest, None), |(path, body)| (path, Some(body)));
    let body = body.map(|body| with_files(body, |content| content.replace('\n', "\\n")));
    let body = body.map(|body| serde_json::from_str(&body).unwrap_or_else(|e| panic!("{line}: {e}")));
    (headers, method, path, body)
}

/// A story that is being played.
struct Story {
    client: Client,
    world: &'static str,
    names: BTreeMap<String, String>,
}

impl Story {
    /// `$name` is what that name stands for, `{~x#~3}` is x1x2x3.
    fn fill(&self, text: &str) -> String {
        // Long names first, so that $vpc does not eat the beginning of another name.
        let named = self.names.iter().rev();
        let text =
            named.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value));
        let Some((before, rest)) = text.split_once("{~") else { return text };
        // The text may hold braces: it ends where a number does.
        let ends = rest.match_indices('~').find_map(|(at, _)| {
            let (times, after) = rest[at + 1..].split_once('}')?;
            Some((&rest[..at], times.parse::<u32>().ok()?, after))
        });
        let (part, times, after) = ends.expect("{~text~times}");
        let parts: String = (1..=times).map(|n| part.replace('#', &n.to_string())).collect();
        format!("{before}{parts}{}", self.fill(after))
    }

    async fn send(&self, line: &str) -> Answer {
        let line = self.fill(line);
        let (headers, method, path, body) = parts(&line);
        let mut client = self.client.clone();
        for (name, value) in headers {
            client = client.with(String::from(name).leak(), value);
        }
        client.send(method, path, body).await
    }

    /// What a refusal names that the request does not have, if it does.
    fn lost(&self, line: &str, problem: &Value) -> Option<String> {
        let line = self.fill(line);
        let (_, method, path, body) = parts(&line);
        pointers::lost(method, path, body.as_ref(), problem)
    }

    /// `Vpc CreateVpc CidrBlock=10.0.0.0/8` on the provider wire; %20 stands for a space.
    async fn call(&self, line: &str) -> Answer {
        let line = self.fill(line);
        let mut words = line.split_whitespace();
        let (product, action) = (words.next().expect("a product"), words.next().expect("an action"));
        let known =
            ACTIONS.iter().find(|a| a.product == product).unwrap_or_else(|| panic!("no product {product}"));
        let key = format!("w-{}", self.world);
        let mut pairs =
            vec![("Version", known.version), ("Action", action), ("Format", "JSON"), ("AccessKeyId", &key)];
        if !line.contains(" RegionId=") {
            pairs.push(("RegionId", "cn-hangzhou"));
        }
        pairs.extend(
            words.map(|word| word.split_once('=').unwrap_or_else(|| panic!("{word} is no Name=value"))),
        );
        let encode = |text: &str| percent_encode(&with_files(&text.replace("%20", " "), str::to_owned));
        let query: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.client.send("POST", &format!("/?{}", query.join("&")), None).await
    }

    /// Plays a line; what is wrong with it, if anything is.
    async fn play(&mut self, line: &str) -> Option<String> {
        let (cell, request) = line.split_once('|').unwrap_or_else(|| panic!("{line}: CELL | REQUEST"));
        let (cell, request) = (cell.trim(), request.trim());
        let native =
            ["[", "GET ", "POST ", "PUT ", "PATCH ", "DELETE "].iter().any(|word| request.starts_with(word));
        if !native && !cell.is_empty() && !cell.contains('=') {
            return self.play_provider(cell, request).await.map(|why| format!("{line}\n    {why}"));
        }
        let answer = if native { self.send(request).await } else { self.call(request).await };
        if cell.is_empty() || cell.contains('=') {
            if !(200..300).contains(&answer.status) {
                return Some(format!("{line}\n    {} {}", answer.status, answer.body));
            }
            for word in cell.split_whitespace() {
                let (name, pointer) = word.split_once('=').expect("NAME=/pointer");
                let Some(value) = answer.body.pointer(pointer) else {
                    return Some(format!("{line}\n    no {pointer} in {}", answer.body));
                };
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                self.names.insert(name.to_owned(), text);
            }
            return None;
        }
        let known = E::ALL.iter().find(|e| e.native() == cell).unwrap_or_else(|| panic!("{cell} is no rule"));
        let fits = answer.body["code"] == cell && answer.status == known.kind().http_status();
        let lost = self.lost(request, &answer.body);
        (!fits || lost.is_some()).then(|| {
            let lost = lost.map(|lost| format!("{lost}: ")).unwrap_or_default();
            format!("{line}\n    {lost}{} {}", answer.status, answer.body)
        })
    }
}

impl Story {
    /// Plays a refusal of the provider wire. The request log says which rule it was.
    async fn play_provider(&self, rule: &str, request: &str) -> Option<String> {
        let (call, expected) = request.rsplit_once(" | ").unwrap_or((request, "CODE STATUS"));
        let answer = self.call(call).await;
        let got = format!("{} {}", answer.body["Code"].as_str().unwrap_or("no code"), answer.status);
        let log = self.client.get("/v1/requests?limit=1&wire=provider").await.expect(200);
        let by = log["items"][0]["rule"].as_str().unwrap_or_default().to_owned();
        (got != expected || by != rule).then(|| format!("{got}, by {by}: {}", answer.body))
    }
}

async fn play(text: &str) -> Vec<String> {
    let server = Server::start(settings()).await.unwrap();
    let mut story = Story { client: Client::new(&server), world: "default", names: BTreeMap::new() };
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if let Some(body) = line.strip_prefix("world ") {
            let mut body: Value = serde_json::from_str(body).unwrap();
            body["name"] = json!("story");
            story.client.post("/v1/worlds", body).await.expect(201);
            story.client = story.client.world("story");
            story.world = "story";
            continue;
        }
        wrong.extend(story.play(line).await);
    }
    drop(story);
    server.stop().await.unwrap();
    wrong
}

#[tokio::test]
async fn each_operation_refuses_by_each_of_its_rules() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let only = std::env::var("CLOUDNET_STORY").ok();
    let mut stories: Vec<_> = std::fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path()).collect();
    stories.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    stories
        .retain(|path| only.as_ref().is_none_or(|only| path.file_stem().is_some_and(|s| s == only.as_str())));
    stories.sort();
    assert!(!stories.is_empty(), "there is no such story");
    let mut wrong = Vec::new();
    for path in stories {
        let found = play(&std::fs::read_to_string(&path).unwrap()).await;
        wrong.extend(
            found.into_iter().map(|line| format!("{}: {line}", path.file_stem().unwrap().to_string_lossy())),
        );
    }
    assert!(wrong.is_empty(), "otherwise than the line says:\n{}", wrong.join("\n"));
}
