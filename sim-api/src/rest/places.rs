//! Where a request has what a refusal names. The core names its own fields; a caller looks for a member of the body, or
//! for a parameter, and this is the one place where a field becomes either.

use super::inputs::{self, Inputs};
use crate::problem::{FieldProblem, Problem};
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The core's names, and where the operation has what they are about: the way to the member of the body from its top,
/// which is empty for the top itself, or the name of a parameter. `*` is whatever the operation has nowhere.
///
/// What belongs to the object of the path, such as its VPC, stands where that object is named.
pub type Places = &'static [(&'static str, &'static str)];

/// Operations that have something in another place than the core names. One may stand in several lines; the first that
/// knows a field counts.
pub type PlacesOf = &'static [(&'static str, Places)];

/// Where every operation has what it takes from headers.
const HEADERS: Places = &[("region_id", "Cloudnet-Region")];

/// Lets refusals name what the request has.
pub async fn pass(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let address = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let Some(address) = address else { return response };
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else { return response };
    inputs::of(&method, address.as_str(), |inputs| {
        problem.errors.iter_mut().for_each(|error| place(error, inputs));
    });
    problem.into_response()
}

/// The places that are declared for an operation.
fn of(operation: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let all = super::PLACES.iter().flat_map(|list| list.iter());
    all.filter(move |(name, _)| *name == operation).flat_map(|(_, places)| places.iter())
}

/// Makes of a field's name the member of the body, or the parameter.
fn place(error: &mut FieldProblem, inputs: &Inputs) {
    let Some(field) = error.pointer.strip_prefix('/') else { return };
    let within = |(core, to): &(&str, &'static str)| {
        let rest = field.strip_prefix(core)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((*to, rest))
    };
    let first = field.split('/').next().unwrap_or_default();
    let declared = of(&inputs.operation).find_map(within);
    let (to, rest) = match declared {
        Some((to, rest)) => (to, rest),
        None if inputs.has_member(first) => return,
        None => (first, &field[first.len()..]),
    };
    if inputs.has_parameter(to) {
        *error = FieldProblem::parameter(to, &*error.accepted);
    } else if declared.is_some() {
        error.pointer = [if to.is_empty() { "" } else { "/" }, to, rest].concat();
    } else if let Some(to) = elsewhere(first, inputs) {
        *error = FieldProblem::parameter(to, &*error.accepted);
    }
}

/// The parameter that a field is about which the operation has nowhere: the header, what is declared for whatever else there
/// is, or, without a body, the object of the path.
fn elsewhere<'a>(field: &str, inputs: &'a Inputs) -> Option<&'a str> {
    let header = HEADERS.iter().find(|(core, _)| *core == field);
    let any = || of(&inputs.operation).find(|(core, _)| *core == "*");
    let of_path = || inputs.path.last().filter(|_| inputs.members.is_none());
    header.or_else(any).map(|(_, to)| *to).or_else(|| of_path().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Method;

    /// What becomes of a field in an operation.
    fn placed(method: Method, address: &str, field: &str) -> (String, String) {
        let mut error = FieldProblem::pointer(format!("/{field}"), "");
        inputs::of(&method, address, |inputs| place(&mut error, inputs)).unwrap();
        (error.pointer, error.parameter)
    }

    #[test]
    fn a_field_becomes_what_the_operation_has() {
        let rows = [
            (Method::POST, "/v1/vpcs", "cidr_block", "/cidr_block", ""),
            (Method::POST, "/v1/vpcs", "tags/1/key", "/tags/1/key", ""),
            (Method::POST, "/v1/vpcs", "region_id", "", "Cloudnet-Region"),
            (Method::GET, "/v1/vpcs", "page_token", "", "page_token"),
            (Method::HEAD, "/v1/vpcs/{vpc_id}", "vpc_id", "", "vpc_id"),
            (Method::DELETE, "/v1/vswitches/{vswitch_id}", "vpc_id", "", "vswitch_id"),
            (Method::PATCH, "/v1/vpcs/{vpc_id}", "ipv6", "/enable_ipv6", ""),
            (Method::POST, "/v1/listeners", "cookie", "/traffic/cookie", ""),
            (Method::POST, "/v1/forwarding-rules", "rules/0/url", "/url", ""),
            (Method::PUT, "/v1/resources/{resource_id}/tags", "eip_id", "", "resource_id"),
            (Method::PUT, "/v1/resources/{resource_id}/tags", "tags/0", "/tags/0", ""),
        ];
        for (method, address, field, pointer, parameter) in rows {
            let expected = (pointer.to_owned(), parameter.to_owned());
            assert_eq!(placed(method.clone(), address, field), expected, "{method} {address} {field}");
        }
    }

    #[test]
    fn declared_places_are_in_their_operations() {
        for (address, method, inputs) in inputs::all() {
            for (core, to) in of(&inputs.operation) {
                let at = format!("{method} {address}: {core} at {to}");
                let first = to.split('/').next().unwrap_or_default();
                let there = to.is_empty() || inputs.has_member(first) || inputs.has_parameter(to);
                assert!(there, "{at}: there is no such place");
                assert!(
                    !inputs.has_member(core) && !inputs.has_parameter(core),
                    "{at}: it is in its own place"
                );
            }
        }
    }

    #[test]
    fn no_name_is_both_a_member_and_a_parameter() {
        for (address, method, inputs) in inputs::all() {
            let both = inputs.members.iter().flatten().find(|name| inputs.has_parameter(name));
            assert_eq!(both, None, "{method} {address}");
        }
    }

    #[test]
    fn places_are_declared_for_operations_that_there_are() {
        let known: Vec<String> = inputs::all().map(|(_, _, inputs)| inputs.operation).collect();
        for (operation, _) in crate::rest::PLACES.iter().flat_map(|list| list.iter()) {
            assert!(known.iter().any(|own| own == operation), "{operation}");
        }
    }
}
