//! Links of the OpenAPI document: from the operation that makes an object to those that take its id.
//!
//! A path such as `/v1/vpcs/{vpc_id}` says that `vpc_id` names a member of `/v1/vpcs`. Wherever an operation takes
//! `vpc_id` in its path, its query or its body, the document links it from `POST /v1/vpcs`, so that a reader or a
//! tool which holds the answer knows what can be done next.

use serde_json::json;
use std::collections::BTreeMap;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{HeaderBuilder, OpenApi, RefOr, Response, Schema};

/// Where an operation takes an id.
struct Use {
    operation: String,
    place: Place,
}

enum Place {
    Parameter(ParameterIn),
    Body,
}

/// Adds to each answer 201 the links that its object's id opens, and the header `Location`.
pub fn describe(document: &mut OpenApi) {
    let uses = uses(document);
    let mut members: BTreeMap<String, String> = BTreeMap::new();
    for path in document.paths.paths.keys() {
        if let Some((collection, parameter)) = collection_of(path) {
            members.insert(collection.to_owned(), parameter.to_owned());
        }
    }
    for (path, item) in &mut document.paths.paths {
        let Some(create) = item.post.as_mut() else { continue };
        let Some(RefOr::T(made)) = create.responses.responses.get_mut("201") else { continue };
        add_location(made);
        for used in members.get(path).into_iter().flat_map(|parameter| uses.get(parameter)).flatten() {
            let parameter = &members[path];
            made.links.insert(used.operation.clone(), RefOr::T(link(used, parameter)));
        }
    }
}

/// The collection and the parameter's name of a path of the form `COLLECTION/{NAME}`.
fn collection_of(path: &str) -> Option<(&str, &str)> {
    let (collection, last) = path.rsplit_once('/')?;
    let parameter = last.strip_prefix('{')?.strip_suffix('}')?;
    (!collection.contains('{')).then_some((collection, parameter))
}

fn add_location(made: &mut Response) {
    let header = HeaderBuilder::new().description(Some("The address of the new object.")).build();
    made.headers.insert("Location".to_owned(), RefOr::T(header));
}

fn link(used: &Use, parameter: &str) -> Link {
    let id = "$response.body#/id";
    let link = LinkBuilder::new().operation_id(used.operation.clone());
    match &used.place {
        Place::Parameter(ParameterIn::Query) => link.parameter(format!("query.{parameter}"), id),
        Place::Parameter(_) => link.parameter(parameter, id),
        Place::Body => link.request_body(Some(json!({ parameter: id }))),
    }
    .build()
}

/// Every place that takes an id, by the parameter's name.
fn uses(document: &OpenApi) -> BTreeMap<String, Vec<Use>> {
    let mut found: BTreeMap<String, Vec<Use>> = BTreeMap::new();
    for item in document.paths.paths.values() {
        for operation in [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten() {
            let Some(name) = &operation.operation_id else { continue };
            for parameter in operation.parameters.iter().flatten() {
                if let RefOr::T(p) = parameter {
                    let place = Place::Parameter(p.parameter_in.clone());
                    found.entry(p.name.clone()).or_default().push(Use { operation: name.clone(), place });
                }
            }
            for field in body_fields(document, operation) {
                let used = Use { operation: name.clone(), place: Place::Body };
                found.entry(field).or_default().push(used);
            }
        }
    }
    found
}

/// The names of the members of an operation's body.
fn body_fields(document: &OpenApi, operation: &Operation) -> Vec<String> {
    let fields = || {
        let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
        let RefOr::T(content) = body.content.get("application/json")? else { return None };
        let schema = match content.schema.as_ref()? {
            RefOr::Ref(to) => {
                let name = to.ref_location.rsplit('/').next()?;
                document.components.as_ref()?.schemas.get(name)?
            }
            inline => inline,
        };
        let RefOr::T(Schema::Object(object)) = schema else { return None };
        Some(object.properties.keys().cloned().collect())
    };
    fields().unwrap_or_default()
}
