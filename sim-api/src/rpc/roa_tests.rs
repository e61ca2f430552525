//! Addresses and their older signature, by a recorded request of aliyun-python-sdk-core 2.16.1.

use super::*;
use crate::rpc::Credentials;
use crate::rpc::request::{DecodeError, decode};
use crate::rpc::sign::{SignError, verify};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

const TARGET: &str = "/clusters/c82e6987e2961451182edacd74faf1234?b=2+3&a=%C3%A9&RegionId=cn-hangzhou";
const SECRET: &str = "a secret/with+odd=characters";
/// 2026-11-26T13:18:23Z.
const NOW: i64 = 1_795_699_103;

fn headers() -> HeaderMap {
    let sent = [
        ("host", "127.0.0.1:37451"),
        ("accept", "application/json"),
        ("x-acs-version", "2015-12-15"),
        ("x-acs-region-id", "cn-hangzhou"),
        ("date", "Thu, 26 Nov 2026 13:18:23 GMT"),
        ("x-acs-signature-method", "HMAC-SHA1"),
        ("x-acs-signature-version", "1.0"),
        ("authorization", "acs LTAI5tSigned:houjtCmc/wh5pwpFvxHx0C0vrpY="),
    ];
    sent.into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

/// What becomes of the recorded request with other headers, to another target, at another time.
fn judged(target: &str, change: impl FnOnce(&mut HeaderMap), now: i64) -> Result<String, String> {
    let (mut headers, uri) = (headers(), target.parse::<Uri>().unwrap());
    change(&mut headers);
    let raw = RawRequest::new(&Method::GET, &uri, &headers, b"");
    let request = decode(&raw).map_err(|error: DecodeError| error.to_string())?;
    assert_eq!((&*request.action, &*request.version), ("DescribeClusterDetail", "2015-12-15"));
    let file = format!(
        "[[credential]]\naccess_key_id = \"LTAI5tSigned\"\naccess_key_secret = \"{SECRET}\"\naccount = \"1000000000000007\"\n"
    );
    let credentials = Credentials::parse(&file).unwrap();
    verify(&raw, &request, &credentials, now).map_err(|error: SignError| error.to_string())?;
    Ok(request.params.get("ClusterId").unwrap().to_owned())
}

#[test]
fn a_recorded_request_is_believed() {
    let unchanged = |_: &mut HeaderMap| {};
    assert_eq!(judged(TARGET, unchanged, NOW).as_deref(), Ok("c82e6987e2961451182edacd74faf1234"));
    assert!(judged(TARGET, unchanged, NOW + 901).unwrap_err().contains("901 seconds away"));
}

#[test]
fn whatever_is_signed_cannot_be_changed() {
    let mismatch = Err("the signature does not match".to_owned());
    for target in [TARGET.replace("1234", "1235"), TARGET.replace("2+3", "2+4"), format!("{TARGET}&c=1")] {
        assert_eq!(judged(&target, |_| {}, NOW), mismatch, "{target}");
    }
    for (name, value) in [
        ("accept", "application/xml"),
        ("content-type", "text/plain"),
        ("date", "Thu, 26 Nov 2026 13:18:24 GMT"),
        ("x-acs-region-id", "cn-beijing"),
        ("x-acs-security-token", "token"),
    ] {
        let change = |headers: &mut HeaderMap| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        assert_eq!(judged(TARGET, change, NOW), mismatch, "{name}: {value}");
    }
}

#[test]
fn broken_requests_are_refused_with_a_reason() {
    for (name, value, reason) in [
        ("date", "2026-11-26T13:18:23Z", "the timestamp is not well formed"),
        ("authorization", "acs LTAI5tSigned", "has no ':' between key and signature"),
        ("authorization", "acs LTAI5tSigned:!!", "the signature does not match"),
        ("authorization", "acs stranger:houjtCmc/wh5pwpFvxHx0C0vrpY=", "access key 'stranger' is not known"),
        ("x-acs-version", "2016-04-28", "'Version' was sent twice"),
        ("x-acs-action", "DescribeVpcs", "'Action' was sent twice"),
    ] {
        let change = |headers: &mut HeaderMap| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        let error = judged(TARGET, change, NOW).unwrap_err();
        assert!(error.contains(reason), "{name}: {value}: {error}");
    }
    assert!(judged("/clusters/%ff", |_| {}, NOW).unwrap_err().contains("'ClusterId'"));
}

#[test]
fn an_address_is_found_by_its_whole_path() {
    let found = |path| Address::find(path).map(|(address, parameters)| (address.action, parameters));
    assert_eq!(found("/clusters/c1"), Some(("DescribeClusterDetail", vec![("ClusterId", "c1")])));
    for other in ["/", "/clusters", "/clusters/c1/nodes", "/cluster/c1", ""] {
        assert_eq!(found(other), None, "{other}");
    }
}
