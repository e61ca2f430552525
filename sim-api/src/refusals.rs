//! Which refusals each native operation can answer: each resource's file lists its own; the document's examples are
//! made from the lists, and tests hold the operations against them.

use crate::problem::Problem;
use serde_json::json;
use sim_core::{ErrorCode, Refusal};
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder, Schema,
    Type,
};

use sim_core::ErrorCode as E;

/// An operation and what it can refuse, beside what every operation shares.
pub type Refusals = &'static [(&'static str, &'static [ErrorCode])];

/// The refusals of an operation beside those that every operation shares.
pub fn of(operation: &str) -> &'static [ErrorCode] {
    crate::rest::REFUSALS
        .iter()
        .flat_map(|list| list.iter())
        .find(|(name, _)| *name == operation)
        .map_or(&[], |(_, codes)| codes)
}

/// Adds headers and problem responses to every operation.
pub fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let methods = [
            (&mut item.get, false),
            (&mut item.post, true),
            (&mut item.put, true),
            (&mut item.patch, true),
            (&mut item.delete, true),
        ];
        for (operation, writes) in methods {
            if let Some(operation) = operation {
                add_headers(operation, path, writes);
                add_problems(operation, writes);
            }
        }
    }
}

fn text_parameter(
    name: &str,
    place: ParameterIn,
    description: &str,
    kind: Type,
) -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Schema::Object(ObjectBuilder::new().schema_type(kind).build())))
        .build()
}

/// The headers that choose world, account and region, and those that make a write safe.
fn add_headers(operation: &mut Operation, path: &str, writes: bool) {
    let of_process = ["/v1/worlds", "/v1/requests", "/v1/plan"].iter().any(|p| path.starts_with(p));
    let parameters = operation.parameters.get_or_insert_default();
    let mut add = |name: &str, place: ParameterIn, text: &str, kind: Type| {
        parameters.push(RefOr::T(text_parameter(name, place, text, kind)))
    };
    if !of_process {
        add("Cloudnet-World", ParameterIn::Header, "The world; `default` if absent.", Type::String);
        add(
            "Cloudnet-Account",
            ParameterIn::Header,
            "The account's number; the world's first account if absent.",
            Type::String,
        );
        add("Cloudnet-Region", ParameterIn::Header, "The region; `cn-hangzhou` if absent.", Type::String);
    }
    if writes && !of_process {
        add(
            "Idempotency-Key",
            ParameterIn::Header,
            "Makes a retry safe: the same key and request give the first answer for 24 hours.",
            Type::String,
        );
        add("dry_run", ParameterIn::Query, "Run every check and change nothing.", Type::Boolean);
    }
}

fn add_problems(operation: &mut Operation, writes: bool) {
    let name = operation.operation_id.clone().unwrap_or_default();
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    let shared = if writes { &[E::TokenMismatch, E::TokenMalformed][..] } else { &[] };
    for &code in of(&name).iter().chain(shared) {
        let problem = Problem::from(Refusal::new(code));
        by_status.entry(problem.status).or_default().push(problem);
    }
    for (status, code, title) in SERVICE_PROBLEMS {
        let status = axum::http::StatusCode::from_u16(*status).expect("a status");
        let problem = Problem::service(status, code, title, *title);
        by_status.entry(problem.status).or_default().push(problem);
    }
    for (status, problems) in by_status {
        let codes = problems.iter().map(|p| p.code.as_str()).collect::<Vec<_>>().join(", ");
        let examples = problems.into_iter().map(|p| {
            let example = utoipa::openapi::example::ExampleBuilder::new()
                .summary(p.title.clone())
                .value(Some(json!(p)))
                .build();
            (p.code, RefOr::T(example))
        });
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .examples_from_iter(examples)
            .build();
        let mut response =
            ResponseBuilder::new().description(codes).content("application/problem+json", content);
        if status == 503 {
            let header =
                HeaderBuilder::new().description(Some("Seconds to wait before trying again.")).build();
            response = response.header("Retry-After", header);
        }
        operation.responses.responses.entry(status.to_string()).or_insert(RefOr::T(response.build()));
    }
}

/// Problems of the service itself that any operation can answer.
const SERVICE_PROBLEMS: &[(u16, &str, &str)] = &[
    (400, "malformed_request", "The request does not read."),
    (401, "unauthorized", "The native wire wants a bearer token."),
    (403, "cross_site", "Another site must not drive this server."),
    (404, "world_not_found", "There is no such world."),
    (413, "malformed_request", "The body is too large."),
    (415, "malformed_request", "The body is not application/json."),
    (500, "internal_error", "The service failed inside."),
    (503, "journal_unavailable", "The journal could not be written."),
    (504, "timeout", "The request took too long."),
];
