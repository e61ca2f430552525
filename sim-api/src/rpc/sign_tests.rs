//! Signatures: recorded requests of published clients, and every way to be wrong.

use http::{HeaderMap, Uri};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::rpc::NonceCache;
use crate::rpc::encoding::percent_encode;
use crate::rpc::request::decode;

/// A recorded request of a published client, or a variation of one.
#[derive(Clone)]
struct Recorded {
    scheme: String,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    canonical: Option<String>,
    string_to_sign: String,
    signature: String,
}

fn recorded() -> Vec<Recorded> {
    let data: Value =
        serde_json::from_str(include_str!("../../../tests/data/aliyun-signature-vectors.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let read = |vector: &Value| Recorded {
        scheme: text(&vector["scheme"]),
        method: vector["method"].as_str().unwrap().parse().unwrap(),
        target: text(&vector["target"]),
        headers: vector["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        body: text(&vector["body"]),
        canonical: vector["canonicalRequest"].as_str().map(str::to_owned),
        string_to_sign: text(&vector["stringToSign"]),
        signature: text(&vector["signature"]),
    };
    data["vectors"].as_array().unwrap().iter().map(read).collect()
}

fn v3() -> Recorded {
    recorded().into_iter().find(|request| !request.body.is_empty()).expect("a recorded request with a body")
}

fn v1() -> Recorded {
    recorded()
        .into_iter()
        .find(|request| request.scheme == "HMAC-SHA1/1.0")
        .expect("a recorded request of version 1")
}

/// When the recorded requests were made: 2026-11-23T19:25:30Z.
const NOW: i64 = 1_795_461_930;

const KEYS: &str = "
[[credential]]
access_key_id = 'testid'
access_key_secret = 'testsecret'
account = '1'
[[credential]]
access_key_id = 'sts'
access_key_secret = 'testsecret'
account = '2'
security_token = 'token'
[[credential]]
access_key_id = 'robot'
access_key_secret = 'other'
account = '3'
bearer_token = 'opaque'
";

impl Recorded {
    fn with<T>(&self, use_it: impl FnOnce(&RawRequest<'_>, &RpcRequest) -> T) -> T {
        let uri: Uri = self.target.parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        let raw = RawRequest::new(&self.method, &uri, &headers, self.body.as_bytes());
        use_it(&raw, &decode(&raw).unwrap())
    }

    /// The key id that is believed, or the code, at `now`.
    fn judge_at(&self, now: i64) -> Result<String, ProviderError> {
        let keys = Credentials::parse(KEYS).unwrap();
        self.with(|raw, request| match verify(raw, request, &keys, now) {
            Ok(verified) => Ok(verified.access_key_id().to_owned()),
            Err(error) => Err(error.into()),
        })
    }

    fn code(&self) -> String {
        self.judge_at(NOW).map_or_else(|error| error.code.into_owned(), |id| format!("believed {id}"))
    }

    fn target(mut self, from: &str, to: &str) -> Self {
        assert!(self.target.contains(from), "{from} is not in {}", self.target);
        self.target = self.target.replacen(from, to, 1);
        self
    }

    fn header(mut self, name: &str, from: &str, to: &str) -> Self {
        let (_, value) = self.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)).unwrap();
        assert!(value.contains(from), "{from} is not in {value}");
        *value = value.replacen(from, to, 1);
        self
    }

    fn body(mut self, from: &str, to: &str) -> Self {
        assert!(self.body.contains(from), "{from} is not in {}", self.body);
        self.body = self.body.replacen(from, to, 1);
        self
    }

    fn without_header(mut self, name: &str) -> Self {
        let before = self.headers.len();
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        assert_eq!(self.headers.len(), before - 1, "{name}");
        self
    }

    fn and_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }
}

#[test]
fn recorded_requests_are_believed() {
    let all = recorded();
    assert_eq!(all.len(), 4);
    for request in all {
        assert_eq!(request.judge_at(NOW).as_deref(), Ok("testid"), "{}", request.target);
    }
}

#[test]
fn every_step_of_a_recorded_signature_is_the_same() {
    for recorded in recorded() {
        recorded.with(|raw, request| match &request.signature {
            SignatureForm::V3 { signed_headers, signature, .. } => {
                let hash = raw.header("x-acs-content-sha256").unwrap();
                let canonical = v3_canonical_request(raw, &request.params, signed_headers, hash).unwrap();
                assert_eq!(Some(String::from_utf8(canonical.clone()).unwrap()), recorded.canonical);
                assert_eq!(v3_string_to_sign(&canonical), recorded.string_to_sign);
                assert_eq!(v3_signature("testsecret", &recorded.string_to_sign), recorded.signature);
                assert_eq!(*signature, recorded.signature);
            }
            SignatureForm::V1 { signature } => {
                assert_eq!(v1_string_to_sign(raw.method, &request.params), recorded.string_to_sign);
                assert_eq!(v1_signature("testsecret", &recorded.string_to_sign), recorded.signature);
                assert_eq!(*signature, recorded.signature);
            }
            other => panic!("{other:?}"),
        });
    }
}

#[test]
fn version_one_covers_query_form_and_method() {
    // Moving parameters from the query to the form leaves the signed string as it is.
    let (query, form) = v1()
        .target
        .trim_start_matches("/?")
        .split_once("&Version=")
        .map(|(a, b)| (format!("Version={b}"), a.to_owned()))
        .unwrap();
    let mut moved = v1().and_header("content-type", "application/x-www-form-urlencoded");
    (moved.target, moved.body) = (format!("/?{query}"), form.replace("%20", "+"));
    assert_eq!(moved.code(), "believed testid");

    let table = [
        (v1().target("10.0.1.0", "10.0.2.0"), "SignatureDoesNotMatch"),
        (v1().target("Action=CreateVSwitch", "Action=DeleteVSwitch"), "SignatureDoesNotMatch"),
        (v1().target("&Action", "&Extra=1&Action"), "SignatureDoesNotMatch"),
        (v1().target("Tag.2.Value=&", ""), "SignatureDoesNotMatch"),
        (v1().method(Method::GET), "SignatureDoesNotMatch"),
        (v1().target("2cvjqt7e", "2cvjqt7f"), "SignatureDoesNotMatch"),
        (v1().target("Signature=2cvjqt7eWV%2Fcedn8YiyIif6ZQgs%3D", "Signature=!"), "SignatureDoesNotMatch"),
        (v1().target("Signature=2cvjqt7eWV%2Fcedn8YiyIif6ZQgs%3D", "Signature="), "SignatureDoesNotMatch"),
        (v1().target("AccessKeyId=testid", "AccessKeyId=nobody"), "InvalidAccessKeyId.NotFound"),
        (v1().target("AccessKeyId=testid", "AccessKeyId=robot"), "SignatureDoesNotMatch"),
        (v1().target("&AccessKeyId=testid", ""), "MissingAccessKeyId"),
        (v1().target("&SignatureNonce=35aeb8e2cc8796d69d25b3ace3339da6", ""), "MissingSignatureNonce"),
        (v1().target("&Timestamp=2026-11-23T19%3A25%3A30Z", ""), "MissingTimestamp"),
        (v1().target("19%3A25%3A30Z", "19%3A25%3A30.5Z"), "InvalidTimeStamp.Format"),
        (v1().target("2026-11-23T", "2026-11-22T"), "InvalidTimeStamp.Expired"),
        (v1().target("SignatureMethod=HMAC-SHA1", "SignatureMethod=HMAC-MD5"), "InvalidSignatureMethod"),
        (v1().target("SignatureVersion=1.0", "SignatureVersion=2.0"), "InvalidSignatureVersion"),
        (v1().target("&Signature=2cvjqt7eWV%2Fcedn8YiyIif6ZQgs%3D", ""), "MissingSignature"),
    ];
    for (request, code) in table {
        assert_eq!(request.code(), code, "{}", request.target);
    }
}

#[test]
fn version_three_covers_query_headers_and_body() {
    let table = [
        (v3().body("n1", "n2"), "SignatureDoesNotMatch"),
        (v3().header("x-acs-content-sha256", "a9c3", "a9c4"), "SignatureDoesNotMatch"),
        (v3().without_header("x-acs-content-sha256"), "IncompleteSignature"),
        (v3().target("/", "/?Extra=1"), "SignatureDoesNotMatch"),
        (v3().method(Method::GET), "SignatureDoesNotMatch"),
        (v3().header("x-acs-action", "CreateLoadBalancer", "DeleteLoadBalancer"), "SignatureDoesNotMatch"),
        (v3().header("host", "127.0.0.1", "127.0.0.2"), "SignatureDoesNotMatch"),
        (v3().header("accept", "application/json", "application/xml"), "SignatureDoesNotMatch"),
        (v3().without_header("accept"), "IncompleteSignature"),
        (v3().header("authorization", "host;", ""), "IncompleteSignature"),
        (v3().header("authorization", "x-acs-action;", ""), "IncompleteSignature"),
        (v3().and_header("x-acs-security-token", "t"), "IncompleteSignature"),
        (v3().and_header("x-unsigned", "t"), "believed testid"),
        (v3().header("authorization", "Signature=2170", "Signature=2171"), "SignatureDoesNotMatch"),
        (v3().header("authorization", "Signature=2170", "Signature="), "SignatureDoesNotMatch"),
        (
            v3().header("authorization", "Credential=testid", "Credential=nobody"),
            "InvalidAccessKeyId.NotFound",
        ),
        (v3().header("authorization", "ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"), "InvalidSignatureMethod"),
        (v3().header("x-acs-date", "19:25", "19.25"), "InvalidTimeStamp.Format"),
        (v3().header("x-acs-date", "T19", "T20"), "InvalidTimeStamp.Expired"),
        (v3().without_header("x-acs-signature-nonce"), "MissingSignatureNonce"),
        (v3().without_header("authorization"), "MissingAccessKeyId"),
    ];
    for (request, code) in table {
        assert_eq!(request.code(), code, "{:?}", request.headers);
    }
}

#[test]
fn header_values_are_trimmed_sorted_and_joined() {
    let request = v3().and_header("x-acs-more", " b\t").and_header("x-acs-more", "a");
    request.with(|raw, decoded| {
        let names = ["x-acs-more".to_owned(), "x-acs-action".to_owned()];
        let canonical = v3_canonical_request(raw, &decoded.params, &names, "hash").unwrap();
        let expected =
            "POST\n/\n\nx-acs-more:a,b\nx-acs-action:CreateLoadBalancer\n\nx-acs-more;x-acs-action\nhash";
        assert_eq!(String::from_utf8(canonical).unwrap(), expected);
    });
}

#[test]
fn a_proxied_request_is_believed_by_the_host_of_its_target() {
    let mut request = v3().without_header("host");
    request.target = "http://127.0.0.1:38747/".to_owned();
    assert_eq!(request.code(), "believed testid");
}

#[test]
fn timestamps_are_accepted_for_a_quarter_of_an_hour_either_way() {
    for (away, believed) in [(0, true), (900, true), (-900, true), (901, false), (-901, false)] {
        assert_eq!(v1().judge_at(NOW + away).is_ok(), believed, "{away}");
    }
    let error = v1().judge_at(NOW + 901).unwrap_err();
    assert_eq!((error.status.as_u16(), error.code.as_ref()), (400, "InvalidTimeStamp.Expired"));
}

#[test]
fn a_mismatch_tells_clients_what_was_signed() {
    let mut other = v1();
    other.target = other.target.replace("2cvjqt7e", "3cvjqt7e");
    let error = other.judge_at(NOW).unwrap_err();
    let beginning = "Specified signature is not matched with our calculation. server string to sign is:";
    assert_eq!(error.message.strip_prefix(beginning), Some(v1().string_to_sign.as_str()));
    let error = v3().header("authorization", "Signature=2170", "Signature=2171").judge_at(NOW).unwrap_err();
    assert!(
        error.message.contains(&v3().string_to_sign) && error.message.ends_with(&v3().canonical.unwrap())
    );
    let keys = Credentials::parse(KEYS).unwrap();
    let shown = other.with(|raw, request| verify(raw, request, &keys, NOW).unwrap_err().to_string());
    assert_eq!(shown, "the signature does not match");
}

#[test]
fn statuses_are_the_documented_ones() {
    let unknown = v1().target("AccessKeyId=testid", "AccessKeyId=nobody").judge_at(NOW).unwrap_err();
    assert_eq!(
        (unknown.status.as_u16(), unknown.message.as_str()),
        (404, "Specified access key is not found.")
    );
    let nonce = ProviderError::from(SignError::NonceUsed);
    assert_eq!((nonce.status.as_u16(), nonce.code.as_ref()), (400, "SignatureNonceUsed"));
}

/// A version 1 request made here, signed with `secret`.
fn signed(pairs: &[(&str, &str)], secret: &str) -> Recorded {
    let mut pairs = pairs.to_vec();
    pairs.extend([
        ("Action", "A"),
        ("Version", "1"),
        ("SignatureNonce", "n"),
        ("Timestamp", "2026-11-23T19:25:30Z"),
    ]);
    let params = Params::from_pairs(pairs.iter().copied()).unwrap();
    let signature = v1_signature(secret, &v1_string_to_sign(&Method::GET, &params));
    pairs.push(("Signature", &signature));
    let query: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
        .collect();
    let target = format!("/?{}", query.join("&"));
    Recorded { method: Method::GET, target, headers: Vec::new(), body: String::new(), ..v1() }
}

#[test]
fn tokens_are_checked() {
    let table = [
        (signed(&[("AccessKeyId", "sts"), ("SecurityToken", "token")], "testsecret"), "believed sts"),
        (
            signed(&[("AccessKeyId", "sts"), ("SecurityToken", "other")], "testsecret"),
            "InvalidSecurityToken.MismatchWithAccessKey",
        ),
        (signed(&[("AccessKeyId", "sts")], "testsecret"), "MissingSecurityToken"),
        (
            signed(&[("AccessKeyId", "testid"), ("SecurityToken", "any")], "testsecret"),
            "InvalidSecurityToken.Malformed",
        ),
        (signed(&[("AccessKeyId", "testid")], "wrong"), "SignatureDoesNotMatch"),
        (signed(&[("SignatureType", "BEARERTOKEN"), ("BearerToken", "opaque")], ""), "believed robot"),
        (signed(&[("SignatureType", "BEARERTOKEN"), ("BearerToken", "wrong")], ""), "InvalidBearerToken"),
    ];
    for (request, code) in table {
        assert_eq!(request.code(), code, "{}", request.target);
    }
}

#[test]
fn a_request_sent_again_is_refused() {
    let (keys, mut nonces) = (Credentials::parse(KEYS).unwrap(), NonceCache::new(10));
    let mut send = |recorded: &Recorded| {
        recorded.with(|raw, request| {
            let verified = verify(raw, request, &keys, NOW)?;
            nonces.claim(verified.access_key_id(), request.nonce.as_deref().unwrap(), NOW)
        })
    };
    assert_eq!(send(&v1()), Ok(()));
    assert_eq!(send(&v1()), Err(SignError::NonceUsed));
    assert_eq!(send(&v3()), Ok(()));
}

#[test]
fn timestamps_are_read_strictly() {
    let table = [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2026-11-23T19:25:30Z", Some(NOW)),
        ("2000-02-29T23:59:59Z", Some(951_868_799)),
        ("1969-12-31T23:59:59Z", Some(-1)),
        ("2100-03-01T00:00:00Z", Some(4_107_542_400)),
        ("2100-02-29T00:00:00Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-00-01T00:00:00Z", None),
        ("2026-01-01T24:00:00Z", None),
        ("2026-01-01 00:00:00Z", None),
        ("2026-01-01T00:00:00+", None),
        ("2026-01-01T00:00:00.000Z", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(parse_timestamp(text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn consecutive_days_are_a_day_apart(year in 1600..2400_i64, month in 1..=12_i64, day in 1..=31_i64) {
        let at = |year: i64, month: i64, day: i64| parse_timestamp(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z"));
        let next = at(year, month, day + 1).or(at(year, month + 1, 1)).or(at(year + 1, 1, 1));
        if let Some(this) = at(year, month, day) {
            prop_assert_eq!(next, Some(this + 86_400));
        }
    }

    #[test]
    fn what_is_signed_here_is_believed_and_a_change_is_not(
        pairs in prop::collection::btree_map("X[A-Za-z.]{0,8}", any::<String>(), 0..8),
        extra in any::<String>(),
    ) {
        let mut all: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        all.push(("AccessKeyId", "testid"));
        let request = signed(&all, "testsecret");
        prop_assert_eq!(request.code(), "believed testid");
        let changed = Recorded { target: format!("{}&Y={}", request.target, percent_encode(&extra)), ..request };
        prop_assert_eq!(changed.code(), "SignatureDoesNotMatch");
    }
}
