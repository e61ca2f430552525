//! From an HTTP request to an action with its parameters.
//!
//! Parameters come in the query, in a form body, in a JSON body, or in several of these, and are
//! merged. Action and version come as parameters (signature version 1) or as the headers
//! `x-acs-action` and `x-acs-version` (version 3). The product is not sent at all: the version
//! date tells it.

use std::fmt;

use http::{HeaderMap, Method, Uri, header};

use super::encoding::{EncodingError, pairs, percent_decode};
use super::error::ProviderError;
use super::json;
use super::params::{Params, ParamsBuilder};
use super::roa::Address;

/// Most parameters of one request. The largest documented call, 200 servers with five fields
/// each, needs about a thousand.
pub const MAX_PARAMS: usize = 4096;
/// Longest parameter name in bytes, after decoding.
pub const MAX_NAME_BYTES: usize = 256;
/// Longest parameter value in bytes, after decoding. User data and certificates stay far below.
pub const MAX_VALUE_BYTES: usize = 256 * 1024;
/// Longest body in bytes.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// An HTTP request as it arrived, borrowed from whoever read it. It has no `Debug`: headers and body hold secrets.
#[derive(Clone, Copy)]
pub struct RawRequest<'a> {
    /// `GET` or `POST`; others are refused by [`decode`].
    pub method: &'a Method,
    /// Path as sent, still encoded; `/` for every RPC action, that of [`Address`] for the others.
    pub path: &'a str,
    /// Query string without `?`, still encoded; empty if there is none.
    pub query: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// Whole body.
    pub body: &'a [u8],
    /// Host of an absolute-form target (`POST http://vpc.aliyuncs.com/?...`), which a client sends
    /// that uses this server as its HTTP proxy.
    pub authority: Option<&'a str>,
}

impl<'a> RawRequest<'a> {
    /// A request from the parts that an HTTP library hands out; origin-form and absolute-form targets both fit.
    pub fn new(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        let authority = uri.authority().map(|authority| authority.as_str());
        Self { method, path: uri.path(), query: uri.query().unwrap_or(""), headers, body, authority }
    }

    /// The value of a header if it is there, once or more, and is text; the first one counts.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The host that the client addressed: the `Host` header, else the authority of the target.
    pub fn host(&self) -> Option<&'a str> {
        self.header("host").or(self.authority)
    }
}

/// The notation of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// `application/json;charset=utf-8`
    #[default]
    Json,
    /// `text/xml;charset=utf-8`
    Xml,
}

/// How a request says who sent it. `Debug` does not show a token.
#[derive(Clone, PartialEq, Eq)]
pub enum SignatureForm {
    /// Neither a signature nor a token.
    Unsigned,
    /// Version 1: a `Signature` parameter over all other parameters.
    V1 {
        /// Base64 of the HMAC, as sent.
        signature: String,
    },
    /// Version 3: an `Authorization` header over method, path, query, named headers and body hash.
    V3 {
        /// For example `ACS3-HMAC-SHA256`, the only one that [`super::sign::verify`] accepts.
        algorithm: String,
        /// Header names in the client's order, in lower case.
        signed_headers: Vec<String>,
        /// Hexadecimal digits of the HMAC, as sent.
        signature: String,
    },
    /// The older signature of an action with an address of its own ([`super::roa`]): an `Authorization` header of the scheme
    /// `acs`.
    Roa {
        /// Base64 of the HMAC, as sent.
        signature: String,
    },
    /// A bearer token instead of a signature.
    Bearer {
        /// The token, as sent.
        token: String,
    },
}

impl fmt::Debug for SignatureForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("Unsigned"),
            Self::V1 { .. } => f.write_str("V1"),
            Self::Roa { .. } => f.write_str("Roa"),
            Self::V3 { algorithm, signed_headers, .. } => {
                write!(f, "V3 {algorithm} over {}", signed_headers.join(";"))
            }
            Self::Bearer { .. } => f.write_str("Bearer"),
        }
    }
}

/// A decoded request. Common parameters are both here and in `params`. `Debug` shows neither
/// values of parameters nor tokens.
#[derive(Clone)]
pub struct RpcRequest {
    /// Version date of the product's interface, `2016-04-28` for the VPC; never empty.
    pub version: String,
    /// Action such as `CreateVpc`; never empty.
    pub action: String,
    /// Notation that the caller wants.
    pub format: Format,
    /// `RegionId`, else the header `x-acs-region-id`.
    pub region_id: Option<String>,
    /// Key id of the caller, signed or not.
    pub access_key_id: Option<String>,
    /// STS token of the caller.
    pub security_token: Option<String>,
    /// Everything that was sent in the query and the body.
    pub params: Params,
    /// How the request was signed.
    pub signature: SignatureForm,
    /// `SignatureNonce` or `x-acs-signature-nonce`.
    pub nonce: Option<String>,
    /// `Timestamp`, `x-acs-date` or, with the older signature of an address, `Date`; as sent.
    pub timestamp: Option<String>,
}

impl fmt::Debug for RpcRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcRequest")
            .field("version", &self.version)
            .field("action", &self.action)
            .field("region_id", &self.region_id)
            .field("access_key_id", &self.access_key_id)
            .field("params", &self.params)
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

impl RpcRequest {
    /// The idempotency token; asking for it marks the parameter as known.
    pub fn client_token(&self) -> Option<&str> {
        self.params.root().str("ClientToken")
    }
}

/// Why a request could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A method other than GET and POST.
    #[error("method {0} is not supported; use GET or POST")]
    Method(String),
    /// A body beyond [`MAX_BODY_BYTES`].
    #[error("the body has {0} bytes; at most {MAX_BODY_BYTES} are accepted")]
    BodySize(usize),
    /// A body in a notation this wire does not have.
    #[error("a body of type '{0}' is not understood; send {FORM} or {JSON}")]
    ContentType(String),
    /// A name or value that is not percent-encoded UTF-8.
    #[error("parameter '{name}': {error}")]
    Encoding {
        /// Name as far as it can be shown.
        name: String,
        /// The rule.
        error: EncodingError,
    },
    /// A value without a name (`=x`).
    #[error("a parameter without a name was sent; write Name=value")]
    NoName,
    /// More than [`MAX_PARAMS`] parameters.
    #[error("more than {MAX_PARAMS} parameters were sent")]
    TooMany,
    /// A name longer than [`MAX_NAME_BYTES`].
    #[error("a parameter name is {0} bytes long; at most {MAX_NAME_BYTES} are accepted")]
    NameSize(usize),
    /// A value longer than [`MAX_VALUE_BYTES`].
    #[error("the value of '{name}' is {size} bytes long; at most {MAX_VALUE_BYTES} are accepted")]
    ValueSize {
        /// Parameter.
        name: String,
        /// Bytes of its value.
        size: usize,
    },
    /// One name with two values.
    #[error("parameter '{0}' was sent twice with different values; send it once")]
    Conflict(String),
    /// A JSON text that is broken or has the wrong shape.
    #[error("{what}{rule}", what = if name.is_empty() { "the JSON body: ".to_owned() } else { format!("parameter '{name}': ") })]
    Json {
        /// Parameter, or empty for the body.
        name: String,
        /// What is wrong.
        rule: String,
    },
    /// An `Authorization` header that cannot be taken apart.
    #[error(
        "the Authorization header {0}; write ACS3-HMAC-SHA256 Credential=ID,SignedHeaders=a;b,Signature=HEX"
    )]
    Authorization(&'static str),
    /// A `Format` other than JSON and XML.
    #[error("Specified parameter format is not valid. Format must be JSON or XML.")]
    Format,
    /// No `Action` or no `Version`.
    #[error("{0} is mandatory for this action.")]
    Missing(&'static str),
}

impl From<DecodeError> for ProviderError {
    fn from(error: DecodeError) -> Self {
        let message = error.to_string();
        let code = match error {
            DecodeError::Method(_) => "UnsupportedHTTPMethod".to_owned(),
            DecodeError::Authorization(_) => "IncompleteSignature".to_owned(),
            DecodeError::Format => "InvalidParameter.Format".to_owned(),
            DecodeError::Missing(name) => format!("Missing{name}"),
            DecodeError::BodySize(_)
            | DecodeError::ContentType(_)
            | DecodeError::Encoding { .. }
            | DecodeError::NoName
            | DecodeError::TooMany
            | DecodeError::NameSize(_)
            | DecodeError::ValueSize { .. }
            | DecodeError::Conflict(_)
            | DecodeError::Json { .. } => "InvalidParameter".to_owned(),
        };
        ProviderError::bad_request(code, message)
    }
}

/// Reads a request.
///
/// # Errors
/// See [`DecodeError`]; nothing else can go wrong, whatever the bytes are.
pub fn decode(raw: &RawRequest<'_>) -> Result<RpcRequest, DecodeError> {
    if !matches!(*raw.method, Method::GET | Method::POST) {
        return Err(DecodeError::Method(raw.method.to_string()));
    }
    let address = Address::find(raw.path);
    let params = decode_params(raw, address.as_ref().map_or(&[], |(_, parameters)| parameters))?;
    let get = |name: &str| params.get(name).filter(|value| !value.is_empty());
    let owned = |value: Option<&str>| value.map(str::to_owned);
    let (signature, credential) = signature_form(raw, &params, address.is_some())?;

    // What decides the meaning must come from what is signed: a version 1 signature covers the
    // parameters only, version 3 covers the headers too.
    let either = |name: &str, header: &str| {
        let (param, header) = (get(name), raw.header(header).filter(|value| !value.is_empty()));
        owned(match signature {
            SignatureForm::V1 { .. } => param,
            SignatureForm::V3 { .. } | SignatureForm::Roa { .. } | SignatureForm::Bearer { .. } => {
                header.or(param)
            }
            SignatureForm::Unsigned => param.or(header),
        })
    };
    // An address says it all; what a client says beside it must agree.
    let said =
        |name: &'static str, header: &str, by_address: Option<&str>| match (either(name, header), by_address)
        {
            (Some(said), Some(address)) if said != address => Err(DecodeError::Conflict(name.to_owned())),
            (said, address) => said.or_else(|| owned(address)).ok_or(DecodeError::Missing(name)),
        };
    let timestamp = match signature {
        SignatureForm::Roa { .. } => owned(raw.header(header::DATE.as_str())),
        _ => either("Timestamp", "x-acs-date"),
    };
    Ok(RpcRequest {
        version: said("Version", "x-acs-version", address.as_ref().map(|(a, _)| a.version))?,
        action: said("Action", "x-acs-action", address.as_ref().map(|(a, _)| a.action))?,
        format: format(raw, &params, &signature)?,
        region_id: owned(get("RegionId").or_else(|| raw.header("x-acs-region-id"))),
        access_key_id: credential.or_else(|| either("AccessKeyId", "x-acs-accesskey-id")),
        security_token: either("SecurityToken", "x-acs-security-token"),
        nonce: either("SignatureNonce", "x-acs-signature-nonce"),
        timestamp,
        signature,
        params,
    })
}

/// The notation for a refusal of a request that [`decode`] would not read: XML if the query asks for it.
pub fn preferred_format(raw: &RawRequest<'_>) -> Format {
    let asks_xml = |(name, value): (&[u8], &[u8])| name == b"Format" && value.eq_ignore_ascii_case(b"xml");
    if pairs(raw.query.as_bytes()).any(asks_xml) { Format::Xml } else { Format::Json }
}

fn decode_params(raw: &RawRequest<'_>, in_path: &[(&'static str, &str)]) -> Result<Params, DecodeError> {
    if raw.body.len() > MAX_BODY_BYTES {
        return Err(DecodeError::BodySize(raw.body.len()));
    }
    let mut builder = ParamsBuilder::default();
    decode_pairs(raw.query.as_bytes(), true, &mut builder)?;
    for (name, value) in in_path {
        let refuse = |error| DecodeError::Encoding { name: (*name).to_owned(), error };
        builder.push((*name).into(), percent_decode(value.as_bytes()).map_err(refuse)?, false)?;
    }
    if !raw.body.is_empty() {
        let content_type = raw.header(header::CONTENT_TYPE.as_str()).unwrap_or("");
        let media_type = content_type.split(';').next().unwrap_or("").trim();
        if media_type.eq_ignore_ascii_case(FORM) {
            decode_pairs(raw.body, false, &mut builder)?;
        } else if media_type.eq_ignore_ascii_case(JSON) {
            json::flatten(raw.body, "", &mut builder)?;
        } else {
            return Err(DecodeError::ContentType(media_type.to_owned()));
        }
    }
    builder.finish().map(|params| params.to_host(raw.host()))
}

fn decode_pairs(text: &[u8], in_query: bool, builder: &mut ParamsBuilder) -> Result<(), DecodeError> {
    for (name, value) in pairs(text) {
        let refuse = |error| DecodeError::Encoding { name: printable(name), error };
        let decoded = percent_decode(name).map_err(refuse)?;
        builder.push(decoded, percent_decode(value).map_err(refuse)?, in_query)?;
    }
    Ok(())
}

/// The start of a name that may hold any bytes, for a message.
fn printable(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned()
}

/// The form of the signature, and the key id if the `Authorization` header names it.
fn signature_form(
    raw: &RawRequest<'_>,
    params: &Params,
    has_address: bool,
) -> Result<(SignatureForm, Option<String>), DecodeError> {
    if let Some(value) = raw.headers.get(header::AUTHORIZATION) {
        let text =
            value.to_str().map_err(|_| DecodeError::Authorization("holds bytes that are no ASCII text"))?;
        return authorization(text, has_address);
    }
    if let Some(token) = raw.header("x-acs-bearer-token") {
        return Ok((SignatureForm::Bearer { token: token.to_owned() }, None));
    }
    let bearer = params.get("SignatureType").is_some_and(|kind| kind.eq_ignore_ascii_case("BEARERTOKEN"));
    Ok(match (params.get("BearerToken"), params.get("Signature")) {
        (Some(token), _) if bearer => (SignatureForm::Bearer { token: token.to_owned() }, None),
        (_, Some(signature)) => (SignatureForm::V1 { signature: signature.to_owned() }, None),
        (_, None) => (SignatureForm::Unsigned, None),
    })
}

/// Takes `ALGORITHM Credential=ID,SignedHeaders=a;b,Signature=HEX` apart.
fn authorization(text: &str, has_address: bool) -> Result<(SignatureForm, Option<String>), DecodeError> {
    let (algorithm, rest) = text.trim().split_once(' ').ok_or(DecodeError::Authorization("has no fields"))?;
    if algorithm.eq_ignore_ascii_case("Bearer") {
        return Ok((SignatureForm::Bearer { token: rest.trim().to_owned() }, None));
    }
    if has_address && algorithm.eq_ignore_ascii_case("acs") {
        let (credential, signature) =
            rest.split_once(':').ok_or(DecodeError::Authorization("has no ':' between key and signature"))?;
        let form = SignatureForm::Roa { signature: signature.trim().to_owned() };
        return Ok((form, Some(credential.trim().to_owned())));
    }
    if !algorithm.starts_with("ACS3-") {
        return Err(DecodeError::Authorization("has an unknown scheme"));
    }
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for field in rest.split(',') {
        let (name, value) =
            field.trim().split_once('=').ok_or(DecodeError::Authorization("has a field without '='"))?;
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(DecodeError::Authorization("has an unknown field")),
        };
        if slot.replace(value).is_some() {
            return Err(DecodeError::Authorization("has a field twice"));
        }
    }
    let need = |slot: Option<&'_ str>, rule| match slot {
        Some(value) if !value.is_empty() => Ok(value.to_owned()),
        _ => Err(DecodeError::Authorization(rule)),
    };
    let credential = need(credential, "has no Credential")?;
    let signed_headers = need(signed_headers, "has no SignedHeaders")?;
    let signature = need(signature, "has no Signature")?;
    let signed_headers = signed_headers.split(';').map(str::to_ascii_lowercase).collect();
    let form = SignatureForm::V3 { algorithm: algorithm.to_owned(), signed_headers, signature };
    Ok((form, Some(credential)))
}

/// `Format`, else what `Accept` asks for, else the documented default: XML for a request that is
/// signed with version 1, JSON for every other.
fn format(raw: &RawRequest<'_>, params: &Params, signature: &SignatureForm) -> Result<Format, DecodeError> {
    match params.get("Format") {
        Some(name) if name.eq_ignore_ascii_case("json") => return Ok(Format::Json),
        Some(name) if name.eq_ignore_ascii_case("xml") => return Ok(Format::Xml),
        Some("") | None => {}
        Some(_) => return Err(DecodeError::Format),
    }
    let accept = raw.header("accept").unwrap_or("");
    Ok(if accept.contains("json") {
        Format::Json
    } else if accept.contains("xml") || matches!(signature, SignatureForm::V1 { .. }) {
        Format::Xml
    } else {
        Format::Json
    })
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
