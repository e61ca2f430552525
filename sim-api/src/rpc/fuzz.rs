//! One entry that drives the whole decoding half with arbitrary bytes, for a fuzz target and for tests.

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Method};
use uuid::Uuid;

use super::credentials::Credentials;
use super::envelope::{RequestId, refusal, success};
use super::error::ProviderError;
use super::nonce::NonceCache;
use super::params::{ParamError, Scope};
use super::request::{RawRequest, RpcRequest, decode, preferred_format};
use super::sign::verify;

/// Reads `data` as a request, authenticates it and reads parameters of every kind from it. The
/// first line is `METHOD PATH?QUERY`, the lines up to an empty one are headers, the rest is the body.
///
/// # Panics
/// Only if the code under test is wrong: it panics itself, or it accepts what it must not.
pub fn fuzz_decode(data: &[u8]) {
    let (head, body) = split_at_blank_line(data);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap_or("").split_once(' ').unwrap_or(("GET", "/"));
    let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')).take(64) {
        if let (Ok(name), Ok(value)) =
            (name.trim().parse::<HeaderName>(), HeaderValue::from_str(value.trim()))
        {
            headers.append(name, value);
        }
    }
    let raw = RawRequest { method: &method, path, query, headers: &headers, body, authority: None };
    let request_id = RequestId::new(Uuid::nil());
    match decode(&raw) {
        Ok(request) => {
            authenticate(&raw, &request);
            read_everything(&request);
            let answer = request.params.iter().collect::<std::collections::BTreeMap<_, _>>();
            let _ = success(request.format, &request.action, &request_id, &answer);
        }
        Err(error) => {
            let _ = refusal(
                preferred_format(&raw),
                &ProviderError::from(error),
                &request_id,
                raw.host().unwrap_or(""),
            );
        }
    }
}

fn split_at_blank_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &[]),
    }
}

fn authenticate(raw: &RawRequest<'_>, request: &RpcRequest) {
    const KEYS: &str =
        "[[credential]]\naccess_key_id = 'testid'\naccess_key_secret = 'testsecret'\naccount = '1'\n";
    /// 2026-11-23T19:25:30Z, when the recorded requests were made.
    const NOW: i64 = 1_795_461_930;
    let keys = Credentials::parse(KEYS).expect("a fixed text");
    match verify(raw, request, &keys, NOW) {
        Ok(verified) => {
            let (id, nonce) = (verified.access_key_id(), request.nonce.as_deref().unwrap_or(""));
            let mut nonces = NonceCache::new(4);
            assert!(nonces.claim(id, nonce, NOW).is_ok() && nonces.claim(id, nonce, NOW).is_err());
        }
        Err(error) => {
            let _ = ProviderError::from(error);
        }
    }
}

/// Reads the first part of every name that was sent with every getter, lists down to their items.
fn read_everything(request: &RpcRequest) {
    let root = request.params.root();
    for (name, _) in request.params.iter().take(64) {
        let first = name.split('.').next().unwrap_or(name);
        read_one(&root, name);
        read_one(&root, first);
        for item in root.objects(first, 16).unwrap_or_default() {
            read_one(&item, "Key");
            assert!(item.number().is_some());
        }
        if let Some(object) = root.object(first) {
            read_one(&object, "Enabled");
        }
        request.params.mark_known(first);
    }
    if request.params.len() <= 64 {
        assert!(request.params.unknown().is_empty(), "{:?}", request.params.unknown());
    }
}

fn read_one(scope: &Scope<'_>, name: &str) {
    let check = |error: ParamError| assert!(!error.code().is_empty() && !error.to_string().is_empty());
    let _ = scope.required(name).map_err(check);
    let _ = scope.bool(name).map_err(check);
    let _ = scope.int(name, 1..=65_535).map_err(check);
    let _ = scope.choice(name, &[("a", 1), ("b", 2)]).map_err(check);
    let _ = scope.strings(name, 8).map_err(check).map(|items| assert!(items.len() <= 8));
    let _ = scope.json_strings(name, 8).map_err(check).map(|items| assert!(items.len() <= 8));
    let _ = scope.commas(name, 8).map_err(check).map(|items| assert!(items.len() <= 8));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Shreds of requests: pure noise would hardly get past the first check.
    fn shred() -> impl Strategy<Value = Vec<u8>> {
        let word = prop::sample::select(vec![
            "GET ",
            "POST ",
            "/",
            "?",
            "Action=CreateVpc",
            "Version=2016-04-28",
            "&",
            "=",
            "%",
            "%20",
            "%c3",
            "+",
            "Tag.1.Key=k",
            "Tag.0.Key=",
            "L.99999999999=x",
            "A=[\"a\",1]",
            "A={\"b\":[null]}",
            "Signature=",
            "SignatureType=BEARERTOKEN",
            "BearerToken=t",
            "AccessKeyId=testid",
            "SignatureNonce=n",
            "Timestamp=2026-11-23T19%3A25%3A30Z",
            "\n",
            "\n\n",
            "Authorization: ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host;x,Signature=00",
            "host: a",
            "x-acs-action: A",
            "x-acs-version: 1",
            "x-acs-date: 2026-11-23T19:25:30Z",
            "x-acs-signature-nonce: 1",
            "x-acs-content-sha256: ",
            "content-type: application/json",
            "content-type: application/x-www-form-urlencoded",
            "{\"A\":[{\"B\":1}]}",
            "Format=XML",
        ]);
        let noise = prop::collection::vec(any::<u8>(), 0..6);
        let piece = prop_oneof![8 => word.prop_map(|word| word.as_bytes().to_vec()), 1 => noise];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    /// The recorded requests of published clients in the notation of [`fuzz_decode`]: all of them are
    /// accepted as they are, so that their variations go deep.
    fn recorded() -> Vec<Vec<u8>> {
        let data: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/data/aliyun-signature-vectors.json")).unwrap();
        let text = |vector: &serde_json::Value| {
            let part = |name: &str| vector[name].as_str().unwrap().to_owned();
            let headers = vector["headers"].as_object().unwrap().iter();
            let headers = headers
                .map(|(name, value)| format!("\n{name}: {}", value.as_str().unwrap()))
                .collect::<String>();
            format!("{} {}{headers}\n\n{}", part("method"), part("target"), part("body")).into_bytes()
        };
        data["vectors"].as_array().unwrap().iter().map(text).collect()
    }

    proptest! {
        #[test]
        fn no_variation_of_a_recorded_request_makes_it_panic(
            which in any::<prop::sample::Index>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, shred()), 0..4),
        ) {
            let mut data = which.get(&recorded()).clone();
            for (at, length, bytes) in edits {
                let at = at.index(data.len() + 1);
                data.splice(at..(at + length).min(data.len()), bytes);
            }
            fuzz_decode(&data);
        }

        #[test]
        fn no_request_makes_it_panic(data in shred()) {
            fuzz_decode(&data);
        }

        #[test]
        fn no_noise_makes_it_panic(data in prop::collection::vec(any::<u8>(), 0..600)) {
            fuzz_decode(&data);
        }
    }
}
