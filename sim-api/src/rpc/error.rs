//! What a refusal looks like on the provider wire: a status, a code and a message.

use std::borrow::Cow;

use crate::problem::Problem;
use http::StatusCode;

/// A refusal as the provider words it. Every error of this wire ends as one of these.
///
/// Clients branch on `code`, sometimes on `status` (404 means "gone") and now and then on the
/// text of `message`, so all three are part of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    /// HTTP status, 4xx for the caller's mistakes and 5xx for ours.
    pub status: StatusCode,
    /// Provider code such as `InvalidVpcId.NotFound`; never empty, because the Terraform
    /// provider's matcher takes an empty code for every code.
    pub code: Cow<'static, str>,
    /// Text for people; some clients search it.
    pub message: String,
}

impl ProviderError {
    /// A refusal with the given parts.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// A refusal with status 400.
    pub fn bad_request(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A parameter that the gateway needs and did not get: `Missing<Name>`, 400, in the wording
    /// of the provider's table of common errors.
    pub fn missing(name: &str) -> Self {
        Self::bad_request(format!("Missing{name}"), format!("{name} is mandatory for this action."))
    }
}

/// A problem of the service itself, under the provider's common codes: clients retry the first two.
impl From<&Problem> for ProviderError {
    fn from(problem: &Problem) -> ProviderError {
        let code = match problem.status {
            500 => "InternalError",
            503 | 504 => "ServiceUnavailable",
            413 => "RequestEntityTooLarge",
            403 => "Forbidden",
            _ => "InvalidParameter",
        };
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        ProviderError::new(status, code, format!("{} {}", problem.title, problem.detail))
    }
}

impl std::fmt::Display for ProviderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ProviderError {}
