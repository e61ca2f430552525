//! The query parameters of the native wire. An operation takes those that its description has, and no other; what it is
//! given is percent-encoded UTF-8.

use super::operations::Describe;
use crate::problem::Problem;
use crate::refusals;
use crate::requests::shorten;
use crate::rpc::encoding::{pairs, percent_decode};
use axum::http::Method;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};
use utoipa_axum::router::OpenApiRouter;

/// Who describes each address.
static ADDRESSES: LazyLock<HashMap<String, Vec<Describe>>> = LazyLock::new(|| {
    let mut addresses: HashMap<String, Vec<Describe>> = HashMap::new();
    for (path, describe) in super::router().addresses() {
        addresses.entry(path).or_default().push(describe);
    }
    addresses
});

/// The parameters of the operations of one address, by their methods.
type OfAddress = BTreeMap<&'static str, Vec<String>>;

/// The parameters of each address that a request with parameters has come to.
static KNOWN: LazyLock<Mutex<HashMap<&'static str, Arc<OfAddress>>>> = LazyLock::new(Mutex::default);

/// Refuses a query with a parameter that the operation does not have, or that does not read. An address or a method that
/// there is not is somebody else's affair.
///
/// # Errors
/// The first parameter at fault, with the names of those that the operation has.
pub fn check(method: &Method, address: &str, query: &str) -> Result<(), Problem> {
    let Some(of_address) = of_address(address) else { return Ok(()) };
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let Some(known) = of_address.get(method) else { return Ok(()) };
    for (name, value) in pairs(query.as_bytes()) {
        let name = read("", name)?;
        if !known.contains(&name) {
            let name = shorten(&name);
            let detail = format!("{method} {address} has no parameter {name:?}.");
            let accepted = if known.is_empty() { "no parameter".to_owned() } else { known.join(", ") };
            return Err(Problem::parameter(&format!("/{name}"), detail, accepted));
        }
        read(&name, value).map(drop)?;
    }
    Ok(())
}

/// The text of a name or value.
fn read(name: &str, text: &[u8]) -> Result<String, Problem> {
    percent_decode(text).map_err(|error| {
        let of = if name.is_empty() { "The name of a parameter" } else { name };
        let detail = format!("{of} does not read: {error}.");
        let mut problem = Problem::parameter(&format!("/{name}"), detail, "percent-encoded UTF-8");
        problem.errors.retain(|field| field.pointer != "/");
        problem
    })
}

fn of_address(address: &str) -> Option<Arc<OfAddress>> {
    let (address, describe) = ADDRESSES.get_key_value(address)?;
    let mut known = KNOWN.lock();
    Some(known.entry(address).or_insert_with(|| Arc::new(described(describe))).clone())
}

/// The parameters as the document has them. The description itself is not kept.
fn described(describe: &[Describe]) -> OfAddress {
    let router = OpenApiRouter::with_openapi(OpenApi::default());
    let router = describe.iter().fold(router, |router, describe| router.routes(describe()));
    let mut document = router.into_openapi();
    refusals::describe(&mut document);
    let mut found = OfAddress::new();
    for item in document.paths.paths.values() {
        for (method, operation) in operations(item) {
            found.entry(method).or_default().extend(in_query(operation));
        }
    }
    found
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

fn in_query(operation: &Operation) -> impl Iterator<Item = String> {
    let parameters = operation.parameters.iter().flatten();
    parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Query) => {
            Some(parameter.name.clone())
        }
        _ => None,
    })
}
