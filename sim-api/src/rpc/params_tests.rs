//! Parameters of the provider wire: every shape that clients send, and every fault.

use proptest::prelude::*;

use super::*;

fn params(text: &str) -> Params {
    let pairs = text
        .split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")));
    Params::from_pairs(pairs).unwrap()
}

#[test]
fn single_values() {
    let sent = params("A=x&E=&T=True&F=false&N=-5");
    let root = sent.root();
    assert_eq!((root.str("A"), root.str("E"), root.str("Z")), (Some("x"), None, None));
    assert_eq!((root.raw("E"), root.raw("Z")), (Some(""), None));
    assert_eq!(
        (root.bool("T"), root.bool("F"), root.bool("E"), root.bool("Z")),
        (Ok(Some(true)), Ok(Some(false)), Ok(None), Ok(None))
    );
    assert_eq!((root.int("N", -5..=5), root.int("E", 1..=2)), (Ok(Some(-5)), Ok(None)));
    assert_eq!(root.choice("A", &[("y", 1), ("x", 2)]), Ok(Some(2)));
    assert_eq!(root.first_of(&["E", "A", "N"]), Some("x"));
    assert_eq!(root.required("A"), Ok("x"));
}

#[test]
fn values_that_do_not_fit() {
    let sent = params("A=x&E=&B=yes&N=70000&M=1.5&Tag.1.Value=v");
    let root = sent.root();
    let tag = root.objects("Tag", 1).unwrap().remove(0);
    let table = [
        (root.required("E").unwrap_err(), "MissingE", "E is mandatory for this action."),
        (root.required_int("Z", 0..=1).unwrap_err(), "MissingZ", "Z is mandatory for this action."),
        (root.required_choice("Z", &[("a", 1)]).unwrap_err(), "MissingZ", "Z is mandatory for this action."),
        (tag.required("Key").unwrap_err(), "MissingTag.1.Key", "Tag.1.Key is mandatory for this action."),
        (
            root.bool("B").unwrap_err(),
            "InvalidB",
            "Specified parameter B is not valid. 'yes' is neither true nor false.",
        ),
        (
            root.int("N", 1..=65_535).unwrap_err(),
            "InvalidN",
            "Specified parameter N is not valid. '70000' is not a whole number from 1 to 65535.",
        ),
        (
            root.int("M", 1..=9).unwrap_err(),
            "InvalidM",
            "Specified parameter M is not valid. '1.5' is not a whole number from 1 to 9.",
        ),
        (
            root.choice("A", &[("tcp", 1), ("udp", 2)]).unwrap_err(),
            "InvalidA",
            "Specified parameter A is not valid. 'x' is not one of tcp, udp.",
        ),
        (root.missing("A").with_code("MissingParam.A"), "MissingParam.A", "A is mandatory for this action."),
    ];
    for (error, code, message) in table {
        assert_eq!((error.code().as_ref(), error.to_string().as_str()), (code, message));
        assert_eq!(crate::rpc::ProviderError::from(error).status.as_u16(), 400);
    }
}

#[test]
fn lists_of_texts() {
    let table: [(&str, Result<&[&str], &str>); 10] = [
        ("", Ok(&[])),
        ("L.1=a&L.2=b", Ok(&["a", "b"])),
        ("L.2=b&L.10=j&L.1=a", Ok(&["a", "b", "j"])),
        ("L.3=c&L.1=", Ok(&["", "c"])),
        ("L=a&L.x=b&L.=c&L.1.K=d&LL.1=e", Ok(&[])),
        ("L.0=a", Err("'0' must be from 1")),
        ("L.01=a", Err("'01' must be from 1")),
        ("L.1001=a", Err("'1001' must be from 1 to 1000")),
        ("L.99999999999999999999=a", Err("must be from 1")),
        ("L.1=a&L.2=b&L.3=c&L.4=d", Err("at most 3 items")),
    ];
    for (sent, expected) in table {
        let sent = params(sent);
        match (sent.root().strings("L", 3), expected) {
            (Ok(items), Ok(expected)) => assert_eq!(items, expected, "{sent:?}"),
            (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
            (got, _) => panic!("{sent:?}: {got:?}"),
        }
    }
}

#[test]
fn lists_of_objects_nest() {
    let sent =
        params("P.1.Cidr=a&P.1.Port=1&P.3.Cidr=c&F.1.Key=k&F.1.Value.1=x&F.1.Value.2=y&Z.1.A.1.B=deep");
    let root = sent.root();
    let ports: Vec<_> = root
        .objects("P", 5)
        .unwrap()
        .iter()
        .map(|p| (p.number(), p.str("Cidr"), p.int("Port", 0..=9)))
        .collect();
    assert_eq!(ports, [(Some(1), Some("a"), Ok(Some(1))), (Some(3), Some("c"), Ok(None))]);
    let filter = root.objects("F", 5).unwrap().remove(0);
    assert_eq!((filter.str("Key"), filter.strings("Value", 5)), (Some("k"), Ok(vec!["x", "y"])));
    let deep = root.objects("Z", 1).unwrap().remove(0).objects("A", 1).unwrap().remove(0);
    assert_eq!((deep.str("B"), deep.full_name("B").as_ref()), (Some("deep"), "Z.1.A.1.B"));
    assert!(sent.unknown().is_empty());
    assert!(root.objects("P", 1).unwrap_err().to_string().contains("at most 1 items"));
    assert!(params("P.0.Cidr=a").root().objects("P", 1).is_err());
}

#[test]
fn objects_and_both_spellings() {
    let sent = params("C.Enabled=True&C.Reason=&Tag.1.key=k&Tag.2.Key=K");
    let root = sent.root();
    let config = root.object("C").unwrap();
    assert_eq!((config.bool("Enabled"), config.str("Reason"), config.number()), (Ok(Some(true)), None, None));
    assert!(root.object("D").is_none());
    let tags = root.objects("Tag", 20).unwrap();
    let keys: Vec<_> = tags.iter().map(|tag| tag.first_of(&["Key", "key"])).collect();
    assert_eq!(keys, [Some("k"), Some("K")]);
    assert_eq!((tags[0].str("Key"), tags[1].str("key")), (None, None));
    assert!(sent.unknown().is_empty());
}

#[test]
fn json_lists() {
    let table: [(&str, Result<&[&str], &str>); 9] = [
        ("", Ok(&[])),
        ("I=", Ok(&[])),
        ("I=[]", Ok(&[])),
        (r#"I=["i-1","i-2"]"#, Ok(&["i-1", "i-2"])),
        ("I=[80, true]", Ok(&["80", "true"])),
        ("I.1=from&I.2=body", Ok(&["from", "body"])),
        ("I=i-1", Err("must be a JSON array")),
        (r#"I=[["i-1"]]"#, Err("JSON array of texts")),
        (r#"I=["a","b","c","d"]"#, Err("at most 3 items")),
    ];
    for (sent, expected) in table {
        let sent = params(sent);
        match (sent.root().json_strings("I", 3), expected) {
            (Ok(items), Ok(expected)) => assert_eq!(items, expected, "{sent:?}"),
            (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
            (got, _) => panic!("{sent:?}: {got:?}"),
        }
        assert!(sent.unknown().is_empty(), "{sent:?}");
    }
}

#[test]
fn json_objects() {
    let sent =
        params(r#"B=[{"ServerId":"i-1","Port":"80","Weight":100},{"ServerId":"i-2"}]&C={"Enabled":true}"#);
    let servers = sent.root().json("B").unwrap().unwrap();
    let servers = servers.root().objects("B", 40).unwrap();
    assert_eq!((servers[0].str("ServerId"), servers[0].int("Port", 1..=65_535)), (Some("i-1"), Ok(Some(80))));
    assert_eq!((servers[0].int("Weight", 0..=100), servers[1].str("ServerId")), (Ok(Some(100)), Some("i-2")));
    assert_eq!(servers[1].required("Port").unwrap_err().code(), "MissingB.2.Port");
    let config = sent.root().json("C").unwrap().unwrap();
    assert_eq!(config.root().object("C").unwrap().bool("Enabled"), Ok(Some(true)));
    assert!(sent.root().json("D").unwrap().is_none());
    assert!(params(r#"B=[{"A":1,"A":2}]"#).root().json("B").unwrap_err().to_string().contains("twice"));
}

/// The cloud controller manager writes the members of `BackendServers` in small letters, beside some of its own.
#[test]
fn json_members_in_any_case() {
    let sent = params(
        r#"B=[{"NodeName":null,"serverId":"i-1","PORT":80,"TargetRef":{"kind":"Pod"}},{"ServerId":"i-2","port":81}]"#,
    );
    let servers = sent.root().json("B").unwrap().unwrap();
    let servers = servers.root().objects("B", 40).unwrap();
    let read: Vec<_> = servers.iter().map(|s| (s.str("ServerId"), s.int("Port", 1..=65_535))).collect();
    assert_eq!(read, [(Some("i-1"), Ok(Some(80))), (Some("i-2"), Ok(Some(81)))]);
    assert_eq!(servers[0].object("targetref").unwrap().str("Kind"), Some("Pod"));
    let twice = params(r#"B=[{"serverId":"i-1","ServerId":"i-2"}]"#);
    assert!(twice.root().json("B").unwrap_err().to_string().contains("twice"));
    assert!(
        params("serverId=i-1").root().str("ServerId").is_none(),
        "outside of a JSON text names are exact"
    );
}

#[test]
fn comma_lists() {
    let table: [(&str, Result<&[&str], &str>); 6] = [
        ("", Ok(&[])),
        ("V=", Ok(&[])),
        ("V=vpc-a", Ok(&["vpc-a"])),
        ("V=vpc-a, vpc-b", Ok(&["vpc-a", "vpc-b"])),
        ("V=vpc-a,", Err("empty item")),
        ("V=a,b,c,d", Err("at most 3 items")),
    ];
    for (sent, expected) in table {
        let sent = params(sent);
        match (sent.root().commas("V", 3), expected) {
            (Ok(items), Ok(expected)) => assert_eq!(items, expected, "{sent:?}"),
            (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
            (got, _) => panic!("{sent:?}: {got:?}"),
        }
    }
}

#[test]
fn what_nobody_asked_for_is_named() {
    let sent = params(
        "VpcId=v&Vpcid=w&Tag.1.Key=k&Tag.1.Colour=red&Tag.x=y&OwnerId=1&SignatureNonce=n&Old=1&Old.1.A=2",
    );
    let root = sent.root();
    root.str("VpcId");
    root.objects("Tag", 20).unwrap()[0].str("Key");
    assert_eq!(sent.unknown(), ["Old", "Old.1.A", "Tag.1.Colour", "Tag.x", "Vpcid"]);
    sent.mark_known("Old");
    assert_eq!(sent.clone().unknown(), ["Tag.1.Colour", "Tag.x", "Vpcid"]);
    assert_eq!(sent.unread(), ["Old", "Old.1.A", "Tag.1.Colour", "Tag.x", "Vpcid"]);
}

#[test]
fn common_names_are_sorted_for_the_search() {
    assert!(COMMON.is_sorted());
}

proptest! {
    #[test]
    fn numbered_lists_come_in_order_whatever_the_order_of_sending(
        sent in prop::collection::btree_map(1..=MAX_LIST_INDEX, "[a-z]{0,4}", 0..30)
            .prop_map(|items| items.into_iter().collect::<Vec<_>>())
            .prop_shuffle()
    ) {
        let params = Params::from_pairs(sent.iter().map(|(number, value)| (format!("L.{number}"), value.clone()))).unwrap();
        let mut expected = sent;
        expected.sort_unstable_by_key(|(number, _)| *number);
        let expected: Vec<_> = expected.into_iter().map(|(_, value)| value).collect();
        prop_assert_eq!(params.root().strings("L", 1000).unwrap(), expected);
        prop_assert!(params.unknown().is_empty());
    }
}
