//! Which refusals each native operation can answer: each resource's file lists its own; the document's examples are
//! made from the lists, and tests hold the operations against them.

use crate::problem::Problem;
use serde_json::json;
use sim_core::{ErrorCode, Refusal};
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder, Schema,
    Type,
};

use sim_core::ErrorCode as E;

/// An operation and what it can refuse, beside what every operation shares.
pub type Refusals = &'static [(&'static str, &'static [ErrorCode])];

/// An operation and what the service itself can refuse: HTTP status and code.
pub type ServiceRefusals = &'static [(&'static str, &'static [(u16, &'static str)])];

/// What the service itself can refuse in one operation only.
const SERVICE_REFUSALS: &[ServiceRefusals] = &[
    crate::rest::worlds::SERVICE_REFUSALS,
    crate::rest::snapshots::SERVICE_REFUSALS,
    crate::rest::faults::SERVICE_REFUSALS,
];

/// The titles of problems of the service itself that only some operations answer.
const SERVICE_TITLES: &[(&str, &str)] = &[
    ("world_exists", "There is a world of this name already."),
    ("world_kept", "The world default cannot be deleted."),
    ("too_many_worlds", "There are as many worlds as a process holds."),
    ("snapshot_not_found", "The world has no such snapshot."),
    ("snapshot_exists", "The world has a snapshot of this name already."),
    ("fault_not_found", "The world has no such fault."),
    ("too_many_faults", "The world has as many faults as it may."),
    ("too_many_snapshots", "The world keeps as many snapshots as it may."),
];

/// The title of a problem of the service itself.
pub fn service_title(code: &str) -> &'static str {
    let found = SERVICE_TITLES.iter().find(|(name, _)| *name == code).map(|(_, title)| *title);
    found.unwrap_or_else(|| panic!("{code} has no title"))
}

/// The refusals of an operation beside those that every operation shares.
pub fn of(operation: &str) -> &'static [ErrorCode] {
    crate::rest::REFUSALS
        .iter()
        .flat_map(|list| list.iter())
        .find(|(name, _)| *name == operation)
        .map_or(&[], |(_, codes)| codes)
}

/// Status, code and title of every problem of the service itself, those of single operations included.
pub fn service_problems() -> impl Iterator<Item = (u16, &'static str, &'static str)> {
    let own = SERVICE_REFUSALS.iter().flat_map(|list| list.iter()).flat_map(|(_, codes)| codes.iter());
    let own = own.map(|(status, code)| (*status, *code, service_title(code)));
    SERVICE_PROBLEMS.iter().copied().chain(own)
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
            let writes = writes && !only_asks(path);
            if let Some(operation) = operation {
                add_headers(operation, path, writes);
                if writes {
                    add_dry_run(operation, path);
                }
                if !writes && path.ends_with('}') && !of_process(path) {
                    add_tag(operation);
                }
                add_problems(operation, writes);
            }
        }
    }
}

fn optional(name: &str, place: ParameterIn, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Schema::Object(schema.build())))
        .build()
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// Whether an operation is about the process and not about one caller in one world.
fn of_process(path: &str) -> bool {
    // Room is the planner's one question that may be about a VPC of a world.
    let of_planner = path.starts_with("/v1/plan/") && path != "/v1/plan/room";
    of_planner || ["/v1/worlds", "/v1/requests"].iter().any(|p| path.starts_with(p))
}

/// Whether an operation only calculates, whatever its method.
fn only_asks(path: &str) -> bool {
    let asked = ["/v1/traces", "/v1/reachability", "/v1/traffic", "/v1/traffic/mix", "/v1/traffic/nat"];
    path.starts_with("/v1/plan/") || asked.contains(&path)
}

/// The headers that choose world, account and region, and those that make a write safe.
fn add_headers(operation: &mut Operation, path: &str, writes: bool) {
    if of_process(path) {
        return;
    }
    let parameters = operation.parameters.get_or_insert_default();
    let mut add = |parameter: Parameter| parameters.push(RefOr::T(parameter));
    let header = |name: &str, about: &str, schema| optional(name, ParameterIn::Header, about, schema);
    add(header("Cloudnet-World", "The world; `default` if absent.", text("^[!-~]+$")));
    add(header(
        "Cloudnet-Account",
        "The account's number; the world's first account if absent.",
        text("^[0-9]{1,19}$"),
    ));
    add(header("Cloudnet-Region", "The region; `cn-hangzhou` if absent.", text("^[!-~]+$")));
    if writes && !without_command(path) {
        let about = "Makes a retry safe: the same key and request give the first answer for 24 hours. 1 to 64 characters, bare or in quotes.";
        add(header("Idempotency-Key", about, text("^[ -~]{1,66}$")));
        let about = "Run every check and change nothing.";
        let schema = ObjectBuilder::new().schema_type(Type::Boolean);
        add(optional("dry_run", ParameterIn::Query, about, schema));
    }
}

/// Whether a write is no command: it lets time pass, which can neither be tried dry nor be repeated.
fn without_command(path: &str) -> bool {
    path == "/v1/clock/advance"
}

/// Says what a dry run answers that passed.
fn add_dry_run(operation: &mut Operation, path: &str) {
    if !of_process(path) && !without_command(path) {
        let passed = ResponseBuilder::new().description("A dry run passed every check; nothing was changed.");
        let responses = &mut operation.responses.responses;
        responses.entry("204".to_owned()).or_insert(RefOr::T(passed.build()));
    }
}

/// Says how a read is spared whose answer the caller has already.
fn add_tag(operation: &mut Operation) {
    let about = "The ETag of an answer: if it would be the same again, 304 is answered without a body.";
    let header =
        optional("If-None-Match", ParameterIn::Header, about, ObjectBuilder::new().schema_type(Type::String));
    operation.parameters.get_or_insert_default().push(RefOr::T(header));
    let responses = &mut operation.responses.responses;
    let tag = || HeaderBuilder::new().description(Some("Changes whenever what is shown does.")).build();
    if let Some(RefOr::T(shown)) = responses.get_mut("200") {
        shown.headers.insert("ETag".to_owned(), RefOr::T(tag()));
    }
    let same = ResponseBuilder::new().description("Nothing has changed.").header("ETag", tag());
    responses.entry("304".to_owned()).or_insert(RefOr::T(same.build()));
}

/// Whether an operation answers in pages.
fn has_pages(operation: &Operation) -> bool {
    let named = |p: &RefOr<Parameter>| matches!(p, RefOr::T(p) if p.name == "page_token");
    operation.parameters.iter().flatten().any(named)
}

fn add_problems(operation: &mut Operation, writes: bool) {
    let name = operation.operation_id.clone().unwrap_or_default();
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    let shared = if writes { &[E::TokenMismatch, E::TokenMalformed][..] } else { &[] };
    let of_pages = if has_pages(operation) { &[E::InvalidParameter][..] } else { &[] };
    for &code in of(&name).iter().chain(shared).chain(of_pages) {
        let problem = Problem::from(Refusal::new(code));
        by_status.entry(problem.status).or_default().push(problem);
    }
    let own =
        SERVICE_REFUSALS.iter().flat_map(|list| list.iter()).filter(|(operation, _)| *operation == name);
    let own =
        own.flat_map(|(_, codes)| codes.iter()).map(|(status, code)| (status, code, service_title(code)));
    for (status, code, title) in
        own.chain(SERVICE_PROBLEMS.iter().map(|(status, code, title)| (status, code, *title)))
    {
        let status = axum::http::StatusCode::from_u16(*status).expect("a status");
        let problem = Problem::service(status, code, title, title);
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
