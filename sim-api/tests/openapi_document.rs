//! The committed OpenAPI document is the one that the router gives, and every operation of it is whole.
//!
//! `CLOUDNET_UPDATE=1 cargo test -p sim-api --test openapi_document` rewrites `openapi/cloudnet.json`.

use serde_json::Value;
use sim_api::problem::Problem;
use sim_core::Refusal;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn document() -> Value {
    serde_json::to_value(sim_api::openapi::document()).expect("the document encodes")
}

/// Every operation: method, path, description.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("a path item");
            methods.iter().map(move |(method, op)| (method.clone(), path.clone(), op))
        })
        .collect()
}

#[test]
fn the_committed_document_is_the_built_one() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../openapi/cloudnet.json");
    let built = sim_api::openapi::document().to_pretty_json().expect("the document encodes") + "\n";
    if std::env::var_os("CLOUDNET_UPDATE").is_some() {
        std::fs::write(&file, &built).expect("openapi/cloudnet.json can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let differ = committed.lines().zip(built.lines()).position(|(a, b)| a != b);
    assert!(
        committed == built,
        "openapi/cloudnet.json is not what the router gives (first different line: {differ:?}); rewrite it with \
         CLOUDNET_UPDATE=1 cargo test -p sim-api --test openapi_document"
    );
}

/// Where a value would have to be of two types at once, which a described enum in the place of a member comes to.
fn impossible(schema: &Value, at: &str, found: &mut Vec<String>) {
    let types: BTreeSet<&str> =
        schema["allOf"].as_array().into_iter().flatten().filter_map(|all| all["type"].as_str()).collect();
    if types.len() > 1 {
        found.push(format!("{at}: {types:?}"));
    }
    let members = schema.as_object().into_iter().flatten().map(|(name, of)| (name.clone(), of));
    let items = schema.as_array().into_iter().flatten().enumerate().map(|(n, of)| (n.to_string(), of));
    for (name, of) in members.chain(items) {
        impossible(of, &format!("{at}/{name}"), found);
    }
}

#[test]
fn nothing_is_of_two_types_at_once() {
    let mut found = Vec::new();
    impossible(&document(), "", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_operation_is_named_and_described() {
    let document = document();
    let operations = operations(&document);
    assert!(!operations.is_empty());
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations {
        let name = operation["operationId"].as_str().unwrap_or_default();
        assert!(!name.is_empty(), "{method} {path} has no operationId");
        assert!(names.insert(name.to_owned()), "two operations are called {name}");
        assert!(operation["summary"].as_str().is_some_and(|s| s.ends_with('.')), "{name} has no summary");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name} has one tag");
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let text = response["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name}: the answer {status} has no description");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let text = parameter["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{name}: {} has no description", parameter["name"]);
        }
    }
}

#[test]
fn every_body_has_an_example() {
    let document = document();
    for (_, _, operation) in operations(&document) {
        let Some(body) = operation.get("requestBody") else { continue };
        let name = &operation["operationId"];
        for (kind, content) in body["content"].as_object().expect("a body has content") {
            let to = content["schema"]["$ref"].as_str().unwrap_or_default();
            let schema = document.pointer(to.trim_start_matches('#')).unwrap_or(&Value::Null);
            let examples = [&content["example"], &content["examples"], &schema["example"]];
            assert!(examples.iter().any(|e| !e.is_null()), "{name}: the body {kind} has no example");
        }
    }
}

#[test]
fn every_refusal_has_an_example() {
    let document = document();
    for (_, _, operation) in operations(&document) {
        let name = operation["operationId"].as_str().expect("an operationId");
        for &code in sim_api::refusals::of(name) {
            let problem = Problem::from(Refusal::new(code));
            let content =
                &operation["responses"][problem.status.to_string()]["content"]["application/problem+json"];
            let example = &content["examples"][&problem.code]["value"];
            assert_eq!(example["code"], *problem.code, "{name} has no example of {}", problem.code);
            assert_eq!(example["status"], problem.status, "{name}: {}", problem.code);
        }
    }
}

#[test]
fn every_list_of_refusals_names_an_operation() {
    let document = document();
    let names: BTreeSet<&str> = operations(&document)
        .iter()
        .filter_map(|(_, _, operation)| operation["operationId"].as_str())
        .collect();
    for (name, _) in sim_api::rest::REFUSALS.iter().flat_map(|list| list.iter()) {
        assert!(names.contains(name), "no operation is called {name}");
    }
}

#[test]
fn what_is_made_links_to_what_takes_its_id() {
    let document = document();
    let links = |path: &str| {
        let links = document["paths"][path]["post"]["responses"]["201"]["links"].as_object();
        links.map(|links| links.keys().cloned().collect::<BTreeSet<_>>()).unwrap_or_default()
    };
    let of_vpc = links("/v1/vpcs");
    for name in ["get_vpc", "update_vpc", "delete_vpc", "create_vswitch", "list_vswitches"] {
        assert!(of_vpc.contains(name), "POST /v1/vpcs has no link to {name}: {of_vpc:?}");
    }
    assert!(links("/v1/vswitches").contains("delete_vswitch"));
}
