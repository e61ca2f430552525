//! Whether a refusal names what the request has: a pointer leads to a member of the body, or to one that is missing in an
//! object that is there; a parameter is one of the operation's.

use serde_json::Value;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(sim_api::openapi::document()).expect("the document encodes"));

/// What is wrong with what a problem names, if anything is.
pub fn lost(method: &str, path: &str, body: Option<&Value>, problem: &Value) -> Option<String> {
    let Some(operation) = operation(&method.to_lowercase(), path.split('?').next().unwrap_or_default())
    else {
        return Some(format!("{method} {path} is no operation"));
    };
    let errors = problem["errors"].as_array().into_iter().flatten();
    let missing = problem["code"].as_str().is_some_and(|code| code.ends_with("_missing"));
    errors.filter_map(|error| wrong(operation, body, error, missing)).next()
}

fn wrong(operation: &Value, body: Option<&Value>, error: &Value, missing: bool) -> Option<String> {
    match (error["pointer"].as_str(), error["parameter"].as_str()) {
        (Some(pointer), None) if !pointer.starts_with('/') => Some(format!("{pointer:?} is no pointer")),
        (Some(pointer), None) => {
            let way: Vec<&str> = pointer.split('/').skip(1).collect();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let above = pointer.rsplit_once('/').map_or("", |(above, _)| above);
            let there = body.and_then(|body| body.pointer(above)).is_some_and(|above| match above {
                // What is missing is a member; a list has no places beyond its end.
                Value::Array(items) => {
                    way.last().is_some_and(|at| at.parse().is_ok_and(|at: usize| at < items.len()))
                }
                above => above.is_object(),
            });
            // What is missing may be so with all that it would be in.
            let there = there || missing && body.is_some_and(|body| body.get(way[0]).is_none());
            (!there || !leads(schema, &way)).then(|| format!("nothing is at {pointer}"))
        }
        (None, Some(name)) => {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            (!parameters.any(|known| known["name"] == name)).then(|| format!("there is no parameter {name}"))
        }
        _ => Some(format!("{error} names nothing, or two things")),
    }
}

/// The operation of an address; what stands in braces fits any segment, and literal segments go before.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        let pairs = || parts.iter().zip(&segments);
        (parts.len() == segments.len() && pairs().all(|(a, b)| a == b || a.starts_with('{')))
            .then(|| pairs().filter(|(a, b)| a == b).count())
    };
    let paths = DOCUMENT["paths"].as_object()?.iter();
    let fitting = paths.filter(|(_, item)| item.get(method).is_some());
    let best = fitting.filter_map(|(path, item)| Some((fits(path)?, item))).max_by_key(|(same, _)| *same);
    best.map(|(_, item)| &item[method])
}

/// Whether a way leads to a part of what a schema describes.
fn leads(schema: &Value, way: &[&str]) -> bool {
    if let Some(name) = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
        return leads(&DOCUMENT["components"]["schemas"][name], way);
    }
    let [first, rest @ ..] = way else { return schema.is_object() };
    let any = ["oneOf", "anyOf", "allOf"].iter().flat_map(|of| schema[of].as_array().into_iter().flatten());
    any.into_iter().any(|schema| leads(schema, way))
        || schema["properties"].get(first).is_some_and(|member| leads(member, rest))
        || first.parse::<usize>().is_ok() && leads(&schema["items"], rest)
        || schema["additionalProperties"].is_object() && leads(&schema["additionalProperties"], rest)
}
