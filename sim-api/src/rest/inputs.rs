//! What each native operation takes: its parameters and the members of its body, as its description has them.

use super::operations::Describe;
use crate::refusals;
use axum::http::Method;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::{Components, OpenApi, RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;

/// Who describes each address.
static ADDRESSES: LazyLock<HashMap<String, Vec<Describe>>> = LazyLock::new(|| {
    let mut addresses: HashMap<String, Vec<Describe>> = HashMap::new();
    for (path, describe) in super::router().addresses() {
        addresses.entry(path).or_default().push(describe);
    }
    addresses
});

/// What one operation takes.
#[derive(Default)]
pub struct Inputs {
    /// The operation.
    pub operation: String,
    /// The parameters of its query.
    pub query: Vec<String>,
    /// The parameters of its path, in their order.
    pub path: Vec<String>,
    /// The headers that it heeds.
    pub headers: Vec<String>,
    /// The members of its body; absent if it takes none.
    pub members: Option<Vec<String>>,
}

impl Inputs {
    /// Whether something is the name of a parameter, of whichever place.
    pub fn has_parameter(&self, name: &str) -> bool {
        [&self.query, &self.path, &self.headers].iter().any(|names| names.iter().any(|own| own == name))
    }

    /// Whether something is the name of a member of the body.
    pub fn has_member(&self, name: &str) -> bool {
        self.members.iter().flatten().any(|own| own == name)
    }
}

/// The operations of one address, by their methods.
type OfAddress = BTreeMap<&'static str, Inputs>;

/// What the operations take of each address that was asked about.
static KNOWN: LazyLock<Mutex<HashMap<&'static str, Arc<OfAddress>>>> = LazyLock::new(Mutex::default);

/// Looks at what an operation takes; nothing if there is no such address or method.
pub fn of<T>(method: &Method, address: &str, look: impl FnOnce(&Inputs) -> T) -> Option<T> {
    let (address, describe) = ADDRESSES.get_key_value(address)?;
    let of_address = KNOWN.lock().entry(address).or_insert_with(|| Arc::new(described(describe))).clone();
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    of_address.get(method).map(look)
}

/// What the document says. The description itself is not kept.
fn described(describe: &[Describe]) -> OfAddress {
    let router = OpenApiRouter::with_openapi(OpenApi::default());
    let router = describe.iter().fold(router, |router, describe| router.routes(describe()));
    let mut document = router.into_openapi();
    refusals::describe(&mut document);
    let components = document.components.unwrap_or_default();
    let all = document.paths.paths.values().flat_map(operations);
    all.map(|(method, operation)| (method, inputs(operation, &components))).collect()
}

/// What every operation takes, with its address and method.
#[cfg(test)]
pub fn all() -> impl Iterator<Item = (&'static str, &'static str, Inputs)> {
    ADDRESSES.iter().flat_map(|(address, describe)| {
        described(describe).into_iter().map(move |(method, inputs)| (address.as_str(), method, inputs))
    })
}

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn inputs(operation: &Operation, components: &Components) -> Inputs {
    let mut inputs = Inputs {
        operation: operation.operation_id.clone().unwrap_or_default(),
        members: operation.request_body.as_ref().map(|body| members(body, components)),
        ..Inputs::default()
    };
    for parameter in operation.parameters.iter().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        let names = match parameter.parameter_in {
            ParameterIn::Query => &mut inputs.query,
            ParameterIn::Path => &mut inputs.path,
            ParameterIn::Header => &mut inputs.headers,
            ParameterIn::Cookie | ParameterIn::QueryString => continue,
        };
        names.push(parameter.name.clone());
    }
    inputs
}

fn members(body: &RefOr<RequestBody>, components: &Components) -> Vec<String> {
    let RefOr::T(body) = body else { return Vec::new() };
    let mut found = Vec::new();
    for content in body.content.values() {
        if let RefOr::T(content) = content
            && let Some(schema) = &content.schema
        {
            collect(schema, components, &mut found);
        }
    }
    found
}

/// The members of an object, in whichever parts its schema is written.
fn collect(schema: &RefOr<Schema>, components: &Components, found: &mut Vec<String>) {
    let schema = match schema {
        RefOr::T(schema) => schema,
        RefOr::Ref(to) => {
            let name = to.ref_location.rsplit('/').next().unwrap_or_default();
            return components.schemas.get(name).into_iter().for_each(|s| collect(s, components, found));
        }
    };
    let parts = match schema {
        Schema::Object(object) => return found.extend(object.properties.keys().cloned()),
        Schema::OneOf(parts) => &parts.items,
        Schema::AllOf(parts) => &parts.items,
        Schema::AnyOf(parts) => &parts.items,
        _ => return,
    };
    parts.iter().for_each(|part| collect(part, components, found));
}
