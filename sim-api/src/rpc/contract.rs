//! Every answer is held against what the provider publishes about it, in builds with debug assertions.
//!
//! Tests, CI and outside clients run such builds, so no test can forget the check: an answer with a field outside its
//! published tree, of a wrong kind, with a null, without a list's wrapper or without a field that a known client reads
//! is answered as the defect of this program that it is. A release build does not hold the data.
//!
//! `tests/data/contract/answers.json` has the trees; `tests/data/contract/reads.json` the fields that the cloud
//! controller manager, Terway, the Terraform provider and the SDKs' waiters read.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const ANSWERS: &str = include_str!("../../../tests/data/contract/answers.json");
const READS: &str = include_str!("../../../tests/data/contract/reads.json");

/// What is published about the answer of one action.
struct Answer {
    /// Names and kinds; a list is a list of one element.
    tree: OnceLock<Value>,
    json: &'static str,
}

/// The answers by `Product/Version/Action`. A line is parsed when its action is first called.
fn answers() -> &'static BTreeMap<&'static str, Answer> {
    static INDEX: OnceLock<BTreeMap<&'static str, Answer>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let line = |line: &'static str| {
            let (key, json) = line.strip_prefix('"')?.split_once("\":")?;
            Some((key, Answer { tree: OnceLock::new(), json: json.trim_end_matches(',') }))
        };
        ANSWERS.lines().filter_map(line).collect()
    })
}

/// The fields that clients read, by `Product/Version/Action`: `Vpcs.Vpc[].Status`.
fn reads() -> &'static BTreeMap<&'static str, Vec<&'static str>> {
    static PARSED: OnceLock<BTreeMap<&'static str, Vec<&'static str>>> = OnceLock::new();
    PARSED.get_or_init(|| serde_json::from_str(READS).expect("reads.json is a map of lists of paths"))
}

/// What is wrong with the answer of an action, the `RequestId` aside; empty if nothing is.
pub fn faults(product: &str, version: &str, action: &str, answer: &Value) -> Vec<String> {
    let key = format!("{product}/{version}/{action}");
    let Some(known) = answers().get(key.as_str()) else { return vec![format!("{key} has no answer tree")] };
    let tree = known.tree.get_or_init(|| serde_json::from_str(known.json).expect("a line is a tree"));
    let mut faults = Vec::new();
    hold(tree, answer, "", &mut faults);
    for path in reads().get(key.as_str()).into_iter().flatten() {
        if !has(answer, path) {
            faults.push(format!("{path} is missing, which clients read"));
        }
    }
    faults
}

/// The paths of `reads.json` that no answer can have, because the tree does not have them.
pub fn unpublished_reads() -> Vec<String> {
    let mut wrong = Vec::new();
    for (key, paths) in reads() {
        let tree: Value = match answers().get(key) {
            Some(answer) => serde_json::from_str(answer.json).expect("a line is a tree"),
            None => Value::Null,
        };
        wrong.extend(paths.iter().filter(|path| !has(&tree, path)).map(|path| format!("{key} {path}")));
    }
    wrong
}

fn hold(tree: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    match (tree, value) {
        (_, Value::Null) => faults.push(format!("{path} is null")),
        (Value::Object(fields), Value::Object(members)) => hold_members(fields, members, path, faults),
        (Value::Array(of), Value::Array(items)) => {
            items.iter().for_each(|item| hold(&of[0], item, &format!("{path}[]"), faults));
        }
        (Value::String(kind), value) if is_of_kind(kind, value) => {}
        _ => faults.push(format!("{path} is {value}, published as {tree}")),
    }
}

fn hold_members(
    fields: &Map<String, Value>,
    members: &Map<String, Value>,
    path: &str,
    faults: &mut Vec<String>,
) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for (name, value) in members {
        match fields.get(name) {
            Some(tree) => hold(tree, value, &at(name), faults),
            None => faults.push(format!("{} is not published", at(name))),
        }
    }
    for (name, tree) in fields {
        if is_list(tree) && !members.contains_key(name) {
            faults.push(format!("{} is missing; an empty list is sent as such", at(name)));
        }
    }
}

/// A list, or a list in its wrapper.
fn is_list(tree: &Value) -> bool {
    match tree {
        Value::Array(_) => true,
        Value::Object(fields) => fields.len() == 1 && fields.values().all(Value::is_array),
        _ => false,
    }
}

fn is_of_kind(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => false,
    }
}

/// Whether a value has a path, in every element of the lists on the way.
fn has(value: &Value, path: &str) -> bool {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let (name, each) = head.strip_suffix("[]").map_or((head, false), |name| (name, true));
    let Some(found) = value.get(name) else { return false };
    let deeper = |value: &Value| rest.is_none_or(|rest| has(value, rest));
    match found {
        Value::Array(items) if each => items.iter().all(deeper),
        found => !each && deeper(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::actions::ACTIONS;
    use serde_json::json;

    fn of(action: &str, answer: Value) -> Vec<String> {
        faults("Vpc", "2016-04-28", action, &answer)
    }

    #[test]
    fn every_served_action_has_a_tree_and_a_description() {
        for action in ACTIONS {
            let key = format!("{}/{}/{}", action.product, action.version, action.name);
            assert!(answers().contains_key(key.as_str()), "{key}");
            assert_eq!((action.spec().product, action.spec().name), (action.product, action.name));
        }
    }

    #[test]
    fn what_clients_read_is_published() {
        assert_eq!(unpublished_reads(), Vec::<String>::new());
    }

    #[test]
    fn each_way_to_break_a_tree_is_found() {
        assert!(of("CreateVSwitch", json!({ "VSwitchId": "vsw-1" })).is_empty());
        let table = [
            ("CreateVSwitch", json!({ "VSwitchId": null }), "VSwitchId is null"),
            ("CreateVSwitch", json!({ "VSwitchId": 7 }), "VSwitchId is 7, published as \"string\""),
            ("CreateVSwitch", json!({ "VSwitchId": "vsw-1", "Moon": "" }), "Moon is not published"),
            ("CreateVSwitch", json!({}), "VSwitchId is missing, which clients read"),
            ("DescribeRegions", json!({}), "Regions is missing; an empty list is sent as such"),
            (
                "DescribeRegions",
                json!({ "Regions": {} }),
                "Regions.Region is missing; an empty list is sent as such",
            ),
            (
                "DescribeRegions",
                json!({ "Regions": { "Region": [{ "RegionId": "r", "LocalName": 1, "RegionEndpoint": "e" }] } }),
                "Regions.Region[].LocalName is 1, published as \"string\"",
            ),
            (
                "DescribeRegions",
                json!({ "Regions": { "Region": [{}] } }),
                "Regions.Region[].RegionId is missing, which clients read",
            ),
        ];
        for (action, answer, fault) in table {
            let found = of(action, answer.clone());
            assert!(found.iter().any(|f| f == fault), "{action} {answer}: {found:?}");
        }
        assert_eq!(
            faults("Vpc", "2016-04-28", "CreateMoon", &json!({})),
            ["Vpc/2016-04-28/CreateMoon has no answer tree"]
        );
    }
}
