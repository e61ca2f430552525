//! Reading requests of the provider wire: where each part may stand, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::rpc::encoding::percent_encode;

type Headers<'a> = &'a [(&'static str, &'a str)];

fn headers(pairs: Headers<'_>) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect()
}

fn read(method: Method, target: &str, pairs: Headers<'_>, body: &str) -> Result<RpcRequest, DecodeError> {
    let (uri, headers): (Uri, _) = (target.parse().unwrap(), headers(pairs));
    decode(&RawRequest::new(&method, &uri, &headers, body.as_bytes()))
}

fn flat(request: &RpcRequest) -> String {
    request.params.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

const FORM_TYPE: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
const JSON_TYPE: (&str, &str) = ("content-type", "application/json");
const V3: [(&str, &str); 2] = [("x-acs-action", "CreateVpc"), ("x-acs-version", "2016-04-28")];
const AUTHORIZATION: (&str, &str) =
    ("authorization", "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=Host;x-acs-date,Signature=00ff");

#[test]
fn parameters_of_query_and_body_are_merged() {
    let query = "/?Action=CreateVpc&Version=2016-04-28";
    let table: [(&str, Headers<'_>, &str, &str); 6] = [
        (query, &[], "", "Action=CreateVpc&Version=2016-04-28"),
        (query, &[FORM_TYPE], "A=x+y&B=", "A=x y&Action=CreateVpc&B=&Version=2016-04-28"),
        (query, &[FORM_TYPE], "Version=2016-04-28", "Action=CreateVpc&Version=2016-04-28"),
        (query, &[JSON_TYPE], r#"{"A":[{"B":1}]}"#, "A.1.B=1&Action=CreateVpc&Version=2016-04-28"),
        ("/", &[FORM_TYPE], "Action=CreateVpc&Version=2016-04-28", "Action=CreateVpc&Version=2016-04-28"),
        (
            "http://vpc.aliyuncs.com/?Action=CreateVpc&Version=2016-04-28",
            &[],
            "",
            "Action=CreateVpc&Version=2016-04-28",
        ),
    ];
    for (target, headers, body, expected) in table {
        let request = read(Method::POST, target, headers, body).unwrap();
        assert_eq!(
            (request.action.as_str(), request.version.as_str()),
            ("CreateVpc", "2016-04-28"),
            "{target}"
        );
        assert_eq!(flat(&request), expected, "{target}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_the_rule() {
    let query = "/?Action=CreateVpc&Version=2016-04-28";
    let table: [(Method, &str, Headers<'_>, &str, &str, &str); 14] = [
        (Method::PUT, query, &[], "", "UnsupportedHTTPMethod", "PUT"),
        (Method::GET, "/?Version=1", &[], "", "MissingAction", "Action is mandatory"),
        (Method::GET, "/?Action=A", &[], "", "MissingVersion", "Version is mandatory"),
        (Method::GET, "/?A=1&A=2", &[], "", "InvalidParameter", "'A' was sent twice"),
        (
            Method::POST,
            query,
            &[FORM_TYPE],
            "Action=DeleteVpc",
            "InvalidParameter",
            "'Action' was sent twice",
        ),
        (Method::GET, "/?A=%zz", &[], "", "InvalidParameter", "'A': '%' must be followed"),
        (Method::GET, "/?A=%ff", &[], "", "InvalidParameter", "UTF-8"),
        (Method::GET, "/?=1", &[], "", "InvalidParameter", "without a name"),
        (Method::POST, query, &[("content-type", "text/plain")], "x", "InvalidParameter", "'text/plain'"),
        (Method::POST, query, &[], "x", "InvalidParameter", "body of type ''"),
        (Method::POST, query, &[JSON_TYPE], "[1]", "InvalidParameter", "JSON object"),
        (Method::GET, "/?Action=A&Version=1&Format=YAML", &[], "", "InvalidParameter.Format", "JSON or XML"),
        (Method::GET, query, &[("authorization", "acs id:sig")], "", "IncompleteSignature", "unknown scheme"),
        (
            Method::GET,
            query,
            &[("authorization", "ACS3-HMAC-SHA256 Credential=a")],
            "",
            "IncompleteSignature",
            "no SignedHeaders",
        ),
    ];
    for (method, target, headers, body, code, text) in table {
        let error = ProviderError::from(read(method, target, headers, body).unwrap_err());
        assert_eq!((error.status.as_u16(), error.code.as_ref()), (400, code), "{target} {body}");
        assert!(error.message.contains(text), "{target} {body}: {}", error.message);
    }
}

#[test]
fn sizes_are_limited() {
    let post = |body: &str| {
        read(Method::POST, "/?Action=A&Version=1", &[FORM_TYPE], body).map(|request| request.params.len())
    };
    let numbered = |count: usize| (0..count).map(|n| format!("P{n}=")).collect::<Vec<_>>().join("&");
    assert_eq!(post(&numbered(MAX_PARAMS - 2)), Ok(MAX_PARAMS));
    assert_eq!(post(&numbered(MAX_PARAMS - 1)), Err(DecodeError::TooMany));
    assert_eq!(post(&"n".repeat(MAX_NAME_BYTES)), Ok(3));
    assert_eq!(post(&"n".repeat(MAX_NAME_BYTES + 1)), Err(DecodeError::NameSize(MAX_NAME_BYTES + 1)));
    assert_eq!(post(&format!("V={}", "v".repeat(MAX_VALUE_BYTES))), Ok(3));
    let size = MAX_VALUE_BYTES + 1;
    assert_eq!(
        post(&format!("V={}", "v".repeat(size))),
        Err(DecodeError::ValueSize { name: "V".into(), size })
    );
    let size = MAX_BODY_BYTES + 1;
    assert_eq!(post(&"&".repeat(size)), Err(DecodeError::BodySize(size)));
}

#[test]
fn version_three_reads_headers_first_and_version_one_only_what_it_signs() {
    let query = "/?Action=DeleteVpc&Version=2014-05-15";
    let request = read(Method::POST, query, &[V3[0], V3[1], AUTHORIZATION], "").unwrap();
    assert_eq!((request.action.as_str(), request.version.as_str()), ("CreateVpc", "2016-04-28"));
    assert_eq!(request.access_key_id.as_deref(), Some("testid"));
    let SignatureForm::V3 { algorithm, signed_headers, signature } = request.signature else {
        panic!("not version 3")
    };
    assert_eq!((algorithm.as_str(), signature.as_str()), ("ACS3-HMAC-SHA256", "00ff"));
    assert_eq!(signed_headers, ["host", "x-acs-date"]);

    let signed = format!("{query}&Signature=x&AccessKeyId=me");
    let request = read(Method::POST, &signed, &[V3[0], V3[1], ("x-acs-date", "now")], "").unwrap();
    assert_eq!((request.action.as_str(), request.version.as_str()), ("DeleteVpc", "2014-05-15"));
    assert_eq!((request.access_key_id.as_deref(), request.timestamp), (Some("me"), None));
    assert_eq!(request.signature, SignatureForm::V1 { signature: "x".into() });

    let missing = read(Method::POST, "/?Signature=x", &V3, "").unwrap_err();
    assert_eq!(missing, DecodeError::Missing("Version"));
}

#[test]
fn callers_without_a_signature_are_read_too() {
    let bearer = |token: &str| SignatureForm::Bearer { token: token.to_owned() };
    let base = "/?Action=A&Version=1";
    let table: [(String, Headers<'_>, SignatureForm); 5] = [
        (base.to_owned(), &[], SignatureForm::Unsigned),
        (format!("{base}&SignatureType=BEARERTOKEN&BearerToken=t&Signature="), &[], bearer("t")),
        (format!("{base}&SignatureType=&Signature=s"), &[], SignatureForm::V1 { signature: "s".into() }),
        (base.to_owned(), &[("x-acs-bearer-token", "t")], bearer("t")),
        (base.to_owned(), &[("authorization", "Bearer t")], bearer("t")),
    ];
    for (target, headers, expected) in table {
        assert_eq!(read(Method::GET, &target, headers, "").unwrap().signature, expected, "{target}");
    }
}

#[test]
fn the_format_follows_the_request() {
    let base = "/?Action=A&Version=1";
    let table: [(&str, Headers<'_>, Format); 8] = [
        ("", &[], Format::Json),
        ("&Format=json", &[], Format::Json),
        ("&Format=XML", &[("accept", "application/json")], Format::Xml),
        ("&Format=", &[("accept", "application/xml")], Format::Xml),
        ("", &[("accept", "text/html,application/xml,application/json")], Format::Json),
        ("&Signature=s", &[], Format::Xml),
        ("&Signature=s&Format=JSON", &[], Format::Json),
        ("", &[("accept", "*/*")], Format::Json),
    ];
    for (query, headers, expected) in table {
        assert_eq!(
            read(Method::GET, &format!("{base}{query}"), headers, "").unwrap().format,
            expected,
            "{query}"
        );
    }
    let (uri, none): (Uri, _) = ("/?Format=Xml&A=%".parse().unwrap(), HeaderMap::new());
    assert_eq!(preferred_format(&RawRequest::new(&Method::GET, &uri, &none, b"")), Format::Xml);
}

#[test]
fn common_fields_are_taken_out() {
    let target = "/?Action=A&Version=1&RegionId=cn-hangzhou&ClientToken=c&SecurityToken=s&SignatureNonce=n&Timestamp=t";
    let request = read(Method::GET, target, &[("host", "h:1")], "").unwrap();
    assert_eq!(request.region_id.as_deref(), Some("cn-hangzhou"));
    assert_eq!(request.security_token.as_deref(), Some("s"));
    assert_eq!((request.nonce.as_deref(), request.timestamp.as_deref()), (Some("n"), Some("t")));
    assert_eq!(request.params.unknown(), ["ClientToken"]);
    assert_eq!(request.client_token(), Some("c"));
    assert!(request.params.unknown().is_empty());
}

#[test]
fn a_parameter_sent_in_query_and_form_stays_one_of_the_query() {
    // Both orders of arrival in the sorted list: many names, each sent twice.
    let names: Vec<_> = (0..40).map(|n| format!("P{n}=v")).collect();
    let text = names.join("&");
    let (query, body) = (format!("/?Action=A&Version=1&{text}"), text.as_str());
    let request = read(Method::POST, &query, &[FORM_TYPE], body).unwrap();
    assert_eq!((request.params.len(), request.params.in_query().count()), (42, 42));
}

#[test]
fn debug_text_holds_no_values() {
    let target = "/?Action=A&Version=1&Password=hidden1&SignatureType=BEARERTOKEN&BearerToken=hidden2&SecurityToken=hidden3";
    let text = format!("{:?}", read(Method::GET, target, &[], "").unwrap());
    assert!(text.contains("Password") && !text.contains("hidden"), "{text}");
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        pairs in prop::collection::btree_map("[A-Za-z.0-9é ]{1,12}", any::<String>(), 0..12),
        in_form in any::<bool>(),
    ) {
        let text = pairs.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
        let text = text.collect::<Vec<_>>().join("&");
        let (query, body) = if in_form { ("", text.as_str()) } else { (text.as_str(), "") };
        let headers = headers(&[V3[0], V3[1], FORM_TYPE]);
        let raw = RawRequest { method: &Method::POST, path: "/", query, headers: &headers, body: body.as_bytes(), authority: None };
        let request = decode(&raw).unwrap();
        let read: Vec<_> = request.params.iter().collect();
        let sent: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assert_eq!(read, sent);
        prop_assert_eq!(request.params.in_query().count(), if in_form { 0 } else { pairs.len() });
    }
}
