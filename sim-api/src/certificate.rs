//! Reading certificates and private keys as callers send them: PEM texts (RFC 7468) of X.509 certificates (RFC 5280) and
//! RSA keys (RFC 8017, RFC 5958).
//!
//! What a certificate says of itself goes into a command. A private key is only looked at: it has to read and to belong
//! to the certificate. No refusal repeats any of it.

use compact_str::{CompactString, ToCompactString, format_compact};
use sha1::{Digest, Sha1};
use sim_core::slb::certificate::CertificateFacts;
use sim_core::{ErrorCode, Outcome, Refusal, SimTime};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use x509_cert::der::{self, Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::{SubjectAltName, name::GeneralName};

/// The algorithm of RSA keys (RFC 8017, appendix A.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The lengths of RSA keys, in bits.
const KEY_BITS: std::ops::RangeInclusive<usize> = 1024..=4096;

fn malformed(field: &str, why: &str) -> Refusal {
    Refusal::new(ErrorCode::CertificateMalformed)
        .field(field)
        .detail(why)
        .accepted("the PEM text of an X.509 certificate, with those that it hangs on behind it")
}

/// Reads the first certificate of a PEM text; what follows it must be certificates too.
fn first(text: &str, field: &str) -> Outcome<Certificate> {
    let chain = Certificate::load_pem_chain(text.trim().as_bytes());
    let chain = chain.map_err(|_| malformed(field, "It is no PEM text of X.509 certificates."))?;
    chain.into_iter().next().ok_or_else(|| malformed(field, "It holds no certificate."))
}

/// What a certificate says of itself.
///
/// # Errors
/// [`ErrorCode::CertificateMalformed`].
pub fn facts(text: &str, field: &str) -> Outcome<CertificateFacts> {
    facts_of(&first(text, field)?, field)
}

fn facts_of(certificate: &Certificate, field: &str) -> Outcome<CertificateFacts> {
    let wrong = |_: der::Error| malformed(field, "A part of the certificate does not read.");
    let tbs = certificate.tbs_certificate();
    let names = tbs.get_extension::<SubjectAltName>().map_err(wrong)?;
    let names = names.map(|(_, names)| names.0).unwrap_or_default();
    let common_name = tbs.subject().common_name().map_err(wrong)?;
    let instant = |time: x509_cert::time::Time| {
        SimTime(i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX))
    };
    let digest = Sha1::digest(certificate.to_der().map_err(wrong)?);
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(CertificateFacts {
        common_name: common_name.map(|name| name.value().to_compact_string()).unwrap_or_default(),
        alternative_names: names.iter().filter_map(alternative_name).collect(),
        fingerprint: pairs.join(":").into(),
        not_before: instant(tbs.validity().not_before),
        not_after: instant(tbs.validity().not_after),
    })
}

/// Domains and addresses; names of other kinds mean nothing to a listener.
fn alternative_name(name: &GeneralName) -> Option<CompactString> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_compact_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(|octets| IpAddr::from(Ipv4Addr::from(octets)));
            let v6 = <[u8; 16]>::try_from(bytes).map(|octets| IpAddr::from(Ipv6Addr::from(octets)));
            v4.or(v6).ok().map(|address| format_compact!("{address}"))
        }
        _ => None,
    }
}

/// What a server's certificate says of itself, if the private key belongs to it.
///
/// # Errors
/// [`ErrorCode::MissingParameter`], [`ErrorCode::CertificateMalformed`], [`ErrorCode::CertificateNotRsa`],
/// [`ErrorCode::CertificateKeyLength`], [`ErrorCode::PrivateKeyMalformed`], [`ErrorCode::PrivateKeyMismatch`].
pub fn server_facts(certificate: Option<&str>, key: Option<&str>) -> Outcome<CertificateFacts> {
    let missing = |field: &str| Refusal::new(ErrorCode::MissingParameter).field(field).accepted("a PEM text");
    let field = "certificate";
    let certificate = certificate.filter(|text| !text.is_empty()).ok_or_else(|| missing(field))?;
    let key = key.filter(|text| !text.is_empty()).ok_or_else(|| missing("private_key"))?;
    let certificate = first(certificate, field)?;
    let public = certificate.tbs_certificate().subject_public_key_info();
    if public.algorithm.oid != RSA {
        return Err(Refusal::new(ErrorCode::CertificateNotRsa)
            .field(field)
            .accepted("a certificate with an RSA key"));
    }
    let modulus = public_modulus(public.subject_public_key.raw_bytes())
        .map_err(|_| malformed(field, "Its public key does not read."))?;
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = modulus.len() * 8 - leading;
    if !KEY_BITS.contains(&bits) {
        return Err(Refusal::new(ErrorCode::CertificateKeyLength)
            .field(field)
            .detail(format!("Its key has {bits} bits."))
            .accepted(format!("an RSA key of {} to {} bits", KEY_BITS.start(), KEY_BITS.end())));
    }
    if private_modulus(key)? != modulus {
        return Err(Refusal::new(ErrorCode::PrivateKeyMismatch)
            .field("private_key")
            .accepted("the key that the certificate was made for"));
    }
    facts_of(&certificate, field)
}

/// RSAPublicKey: modulus and exponent.
fn public_modulus(bytes: &[u8]) -> der::Result<Vec<u8>> {
    SliceReader::new(bytes)?.sequence(|reader| {
        let modulus = UintRef::decode(reader)?.as_bytes().to_vec();
        UintRef::decode(reader)?;
        Ok(modulus)
    })
}

/// RSAPrivateKey: version, modulus, public exponent, private exponent and six more numbers.
fn rsa_modulus(bytes: &[u8]) -> der::Result<Vec<u8>> {
    SliceReader::new(bytes)?.sequence(|reader| {
        UintRef::decode(reader)?;
        let modulus = UintRef::decode(reader)?.as_bytes().to_vec();
        for _ in 0..7 {
            UintRef::decode(reader)?;
        }
        Ok(modulus)
    })
}

/// PrivateKeyInfo: version, algorithm, and the key as an octet string.
fn pkcs8_modulus(bytes: &[u8]) -> der::Result<Vec<u8>> {
    SliceReader::new(bytes)?.sequence(|reader| {
        UintRef::decode(reader)?;
        AnyRef::decode(reader)?;
        let key = <&OctetStringRef>::decode(reader)?.as_bytes();
        while !reader.is_finished() {
            AnyRef::decode(reader)?;
        }
        rsa_modulus(key)
    })
}

fn private_modulus(text: &str) -> Outcome<Vec<u8>> {
    let wrong = || {
        Refusal::new(ErrorCode::PrivateKeyMalformed)
            .field("private_key")
            .accepted("the PEM text of an RSA key without a passphrase")
    };
    let (label, bytes) = der::pem::decode_vec(text.trim().as_bytes()).map_err(|_| wrong())?;
    let modulus = match label {
        "RSA PRIVATE KEY" => rsa_modulus(&bytes),
        "PRIVATE KEY" => pkcs8_modulus(&bytes),
        _ => return Err(wrong()),
    };
    modulus.map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! file {
        ($name:literal) => {
            include_str!(concat!("../../tests/data/certificates/", $name))
        };
    }

    #[test]
    fn a_certificate_says_who_it_is_for_and_until_when() {
        let facts = facts(file!("server.pem"), "certificate").unwrap();
        assert_eq!(facts.common_name, "www.example.com");
        assert_eq!(facts.alternative_names, ["www.example.com", "*.example.com", "10.0.0.7"]);
        // As `openssl x509 -fingerprint -sha1 -enddate` prints them.
        assert_eq!(facts.fingerprint, "a4:f6:dc:35:7e:d6:bc:93:0a:31:a3:4f:71:29:42:82:73:bc:18:01");
        assert_eq!(facts.not_after.to_seconds_text(), "2036-11-23T01:55:27Z");
        let ca = super::facts(file!("ca.pem"), "certificate").unwrap();
        assert_eq!((ca.common_name.as_str(), ca.alternative_names.len()), ("Example CA", 0));
    }

    #[test]
    fn a_key_belongs_to_its_certificate_or_is_refused_without_a_word_of_it() {
        let (pem, key) = (file!("server.pem"), file!("server.key"));
        let twice = format!("{pem}{}", file!("ca.pem"));
        let rows: [(&str, &str, Option<ErrorCode>); 11] = [
            (pem, key, None),
            (pem, file!("server_pkcs8.key"), None),
            (&twice, key, None),
            (pem, file!("other.key"), Some(ErrorCode::PrivateKeyMismatch)),
            (pem, file!("ec.key"), Some(ErrorCode::PrivateKeyMalformed)),
            (pem, pem, Some(ErrorCode::PrivateKeyMalformed)),
            (pem, "hunter2", Some(ErrorCode::PrivateKeyMalformed)),
            (pem, "", Some(ErrorCode::MissingParameter)),
            (file!("ec.pem"), file!("ec.key"), Some(ErrorCode::CertificateNotRsa)),
            (file!("short.pem"), file!("short.key"), Some(ErrorCode::CertificateKeyLength)),
            (key, key, Some(ErrorCode::CertificateMalformed)),
        ];
        for (certificate, key, expected) in rows {
            let outcome = server_facts(Some(certificate), Some(key));
            assert_eq!(outcome.as_ref().err().map(Refusal::code), expected, "{certificate}");
            if let Err(refusal) = outcome {
                let line = key.lines().nth(1).unwrap_or("hunter2");
                assert!(!refusal.to_string().contains(line), "a refusal repeats a key");
            }
        }
    }
}
