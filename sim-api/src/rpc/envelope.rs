//! What an answer and a refusal look like: a `RequestId`, a body in JSON or XML, a status.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::ProviderError;
use super::request::Format;
use super::xml;

/// Repeats the `RequestId` of the body, so that it is seen without reading the body.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-acs-request-id");

const JSON_TYPE: HeaderValue = HeaderValue::from_static("application/json;charset=utf-8");
const XML_TYPE: HeaderValue = HeaderValue::from_static("text/xml;charset=utf-8");

/// Names one request in answers and logs: a UUID in upper case, as the provider writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId([u8; 36]);

impl RequestId {
    /// The id made of `uuid`, which the caller draws.
    pub fn new(uuid: Uuid) -> Self {
        let mut text = [0; 36];
        uuid.as_hyphenated().encode_upper(&mut text);
        Self(text)
    }

    /// The text, 36 characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An answer ready to be sent.
#[derive(Clone, Debug)]
pub struct ResponseParts {
    /// 200, or that of the refusal.
    pub status: StatusCode,
    /// Content type and request id; the caller may add more.
    pub headers: HeaderMap,
    /// The document.
    pub body: Bytes,
}

impl IntoResponse for ResponseParts {
    fn into_response(self) -> Response {
        (self.status, self.headers, self.body).into_response()
    }
}

/// The answer of an action that succeeded: the members of `answer` and `RequestId`. In XML the
/// outermost element is `<ActionResponse>`.
///
/// `answer` must serialise to an object without a `RequestId` of its own; anything else is a mistake of
/// this program and gives an `InternalError`, status 500.
pub fn success<T: Serialize>(
    format: Format,
    action: &str,
    request_id: &RequestId,
    answer: &T,
) -> ResponseParts {
    let body = match format {
        Format::Json => json_answer(request_id, answer),
        Format::Xml => xml_answer(action, request_id, answer),
    };
    match body {
        Ok(body) => parts(StatusCode::OK, format, request_id, body),
        Err(reason) => {
            let message = format!("The answer of {action} could not be written: {reason}");
            let error = ProviderError::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message);
            refusal(format, &error, request_id, "")
        }
    }
}

/// The answer of a request that was refused: `RequestId`, `HostId`, `Code`, `Message` and `Recommend`, all
/// of them texts, because the provider's Go client panics on anything else. In XML the outermost element is `<Error>`.
///
/// `host_id` is the host that the client addressed.
pub fn refusal(
    format: Format,
    error: &ProviderError,
    request_id: &RequestId,
    host_id: &str,
) -> ResponseParts {
    let body = json!({
        "RequestId": request_id.as_str(),
        "HostId": host_id,
        "Code": error.code,
        "Message": error.message,
        "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}", super::encoding::percent_encode(&error.code)),
    });
    let body = match format {
        Format::Json => body.to_string(),
        Format::Xml => xml::render("Error", &body),
    };
    parts(error.status, format, request_id, body.into_bytes())
}

/// Writes the answer once and puts `RequestId` in front, which spares building a tree.
fn json_answer<T: Serialize>(request_id: &RequestId, answer: &T) -> Result<Vec<u8>, String> {
    let mut body = Vec::with_capacity(512);
    body.extend_from_slice(b"{\"RequestId\":\"");
    body.extend_from_slice(request_id.as_str().as_bytes());
    body.extend_from_slice(b"\",");
    let answer_at = body.len();
    serde_json::to_writer(&mut body, answer).map_err(|error| error.to_string())?;
    match &body[answer_at..] {
        b"{}" => {
            body.truncate(answer_at - 1);
            body.push(b'}');
        }
        [b'{', ..] => {
            body.remove(answer_at);
        }
        _ => return Err("it is not an object".to_owned()),
    }
    Ok(body)
}

fn xml_answer<T: Serialize>(action: &str, request_id: &RequestId, answer: &T) -> Result<Vec<u8>, String> {
    let Value::Object(members) = serde_json::to_value(answer).map_err(|error| error.to_string())? else {
        return Err("it is not an object".to_owned());
    };
    let mut all = Map::with_capacity(members.len() + 1);
    all.insert("RequestId".to_owned(), Value::String(request_id.as_str().to_owned()));
    all.extend(members);
    Ok(xml::render(&format!("{action}Response"), &Value::Object(all)).into_bytes())
}

fn parts(status: StatusCode, format: Format, request_id: &RequestId, body: Vec<u8>) -> ResponseParts {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, if format == Format::Json { JSON_TYPE } else { XML_TYPE });
    // Hexadecimal digits and hyphens are always a header value.
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(REQUEST_ID_HEADER, value);
    }
    ResponseParts { status, headers, body: body.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> RequestId {
        RequestId::new(Uuid::from_u128(0x4c46_7b38_3910_447d_87bc_ac04_9166_f216))
    }

    fn text(parts: &ResponseParts) -> &str {
        std::str::from_utf8(&parts.body).unwrap()
    }

    #[test]
    fn answers_carry_the_request_id() {
        let table = [
            (json!({}), r#"{"RequestId":"4C467B38-3910-447D-87BC-AC049166F216"}"#),
            (json!({"VpcId": "v"}), r#"{"RequestId":"4C467B38-3910-447D-87BC-AC049166F216","VpcId":"v"}"#),
        ];
        for (answer, expected) in table {
            let parts = success(Format::Json, "CreateVpc", &id(), &answer);
            assert_eq!((parts.status, text(&parts)), (StatusCode::OK, expected));
            assert_eq!(parts.headers[CONTENT_TYPE], "application/json;charset=utf-8");
            assert_eq!(parts.headers[REQUEST_ID_HEADER], id().as_str());
        }
        let parts = success(Format::Xml, "CreateVpc", &id(), &json!({"VpcId": "v"}));
        assert_eq!(parts.headers[CONTENT_TYPE], "text/xml;charset=utf-8");
        let body = "<CreateVpcResponse><RequestId>4C467B38-3910-447D-87BC-AC049166F216</RequestId><VpcId>v</VpcId></CreateVpcResponse>";
        assert!(text(&parts).ends_with(body), "{}", text(&parts));
    }

    #[test]
    fn an_answer_that_is_no_object_is_our_mistake() {
        for format in [Format::Json, Format::Xml] {
            let parts = success(format, "CreateVpc", &id(), &[1]);
            assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(text(&parts).contains("InternalError"));
        }
    }

    #[test]
    fn refusals_hold_five_texts() {
        let error = ProviderError::new(StatusCode::NOT_FOUND, "InvalidVpcId.NotFound", "no \"vpc\"");
        let parts = refusal(Format::Json, &error, &id(), "127.0.0.1:80");
        assert_eq!(parts.status, StatusCode::NOT_FOUND);
        let body: Map<String, Value> = serde_json::from_slice(&parts.body).unwrap();
        let names: Vec<_> = body.keys().map(String::as_str).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["Code", "HostId", "Message", "Recommend", "RequestId"]);
        assert!(body.values().all(Value::is_string));
        assert_eq!(
            (&body["Code"], &body["Message"]),
            (&json!("InvalidVpcId.NotFound"), &json!("no \"vpc\""))
        );
        let parts = refusal(Format::Xml, &error, &id(), "h");
        assert!(
            text(&parts).contains("<Error>") && text(&parts).contains("<Code>InvalidVpcId.NotFound</Code>")
        );
    }

    #[test]
    fn parts_become_a_response() {
        let response = success(Format::Json, "CreateVpc", &id(), &json!({})).into_response();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json;charset=utf-8");
    }
}
