//! The query parameters of the native wire. An operation takes those that its description has, and no other; what it is
//! given is percent-encoded UTF-8.

use super::inputs;
use crate::problem::Problem;
use crate::requests::shorten;
use crate::rpc::encoding::{pairs, percent_decode};
use axum::http::Method;

/// Refuses a query with a parameter that the operation does not have, or that does not read. An address or a method that
/// there is not is somebody else's affair.
///
/// # Errors
/// The first parameter at fault, with the names of those that the operation has.
pub fn check(method: &Method, address: &str, query: &str) -> Result<(), Problem> {
    let shown = if method == Method::HEAD { "GET" } else { method.as_str() };
    let check = |inputs: &inputs::Inputs| {
        for (name, value) in pairs(query.as_bytes()) {
            let name = read("", name)?;
            if !inputs.query.contains(&name) {
                let name = shorten(&name);
                let detail = format!("{shown} {address} has no parameter {name:?}.");
                let known = inputs.query.join(", ");
                let accepted = if known.is_empty() { "no parameter".to_owned() } else { known };
                return Err(Problem::parameter(&name, detail, accepted));
            }
            read(&name, value).map(drop)?;
        }
        Ok(())
    };
    inputs::of(method, address, check).unwrap_or(Ok(()))
}

/// The text of a name or value.
fn read(name: &str, text: &[u8]) -> Result<String, Problem> {
    percent_decode(text).map_err(|error| {
        if name.is_empty() {
            return Problem::malformed(format!("The name of a parameter does not read: {error}."), []);
        }
        Problem::parameter(name, format!("{name} does not read: {error}."), "percent-encoded UTF-8")
    })
}
