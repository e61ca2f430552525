//! Each rule of prefix lists on both wires, and what the answers hold.

use crate::service::hosts::world;
use crate::service::pairs::Service;
use serde_json::{Value, json};
use sim_core::ErrorCode as E;
use sim_core::settings::Provisioning;

/// A creation: the usual body with some members changed, and the provider's parameters with the same.
fn create(change: Value, rpc: &str) -> (String, String) {
    let mut body = json!({"name": "offices", "address_family": "IPv4", "max_entries": 2});
    let mut parameters =
        vec!["PrefixListName=offices".to_owned(), "AddressFamily=IPv4".to_owned(), "MaxEntries=2".to_owned()];
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    for word in rpc.split_ascii_whitespace() {
        let name = word.split_once('=').unwrap().0;
        parameters.retain(|p| p.split_once('=').unwrap().0 != name);
        parameters.push(word.to_owned());
    }
    (format!("POST /v1/prefix-lists {body}"), format!("CreatePrefixList {}", parameters.join(" ")))
}

fn change(list: &str, body: Value, rpc: &str) -> (String, String) {
    (format!("PATCH /v1/prefix-lists/{list} {body}"), format!("ModifyPrefixList PrefixListId={list} {rpc}"))
}

#[tokio::test]
async fn every_rule_of_prefix_lists_on_both_wires() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let first = json!({"entries": [{"cidr": "10.0.0.0/8"}]});
    service.created("pl", &create(first, "").0).await;
    let long = "x".repeat(33);
    let of = |cidr: &str| json!({"entries": [{"cidr": cidr}]});
    let malformed = "InvalidParameter.CidrMalformed 400";
    let rows: Vec<(E, (String, String), &str)> = vec![
        (
            E::PrefixListNameMalformed,
            create(json!({"name": "1st"}), "PrefixListName=1st"),
            "InvalidParameter.PrefixListName 400",
        ),
        (
            E::PrefixListNameMalformed,
            create(json!({"name": "com.aliyun.x"}), "PrefixListName=com.aliyun.x"),
            "InvalidParameter.PrefixListName 400",
        ),
        (
            E::PrefixListDescriptionMalformed,
            create(json!({"description": "x"}), "Description=x"),
            "InvalidDescription.Malformed 400",
        ),
        (
            E::PrefixListEntryDescriptionMalformed,
            create(
                json!({"entries": [{"cidr": "10.0.0.0/8", "description": long}]}),
                &format!("Entry.1.Cidr=10.0.0.0/8 Entry.1.Description={long}"),
            ),
            "InvalidDescription.Malformed 400",
        ),
        (
            E::PrefixListFamilyInvalid,
            create(json!({"address_family": "IPv5"}), "AddressFamily=IPv5"),
            "InvalidParameter.AddressFamily 400",
        ),
        (
            E::PrefixListMaxEntriesInvalid,
            create(json!({"max_entries": 0}), "MaxEntries=0"),
            "LimitExceed.MaxEntries 400",
        ),
        (
            E::PrefixListMaxEntriesInvalid,
            create(json!({"max_entries": 201}), "MaxEntries=201"),
            "LimitExceed.MaxEntries 400",
        ),
        (E::PrefixListCidrMalformed, create(of("10.0.0.1/8"), "Entry.1.Cidr=10.0.0.1/8"), malformed),
        (E::PrefixListCidrMalformed, create(of("2001:db8::/32"), "Entry.1.Cidr=2001:db8::/32"), malformed),
        (
            E::PrefixListCidrDuplicated,
            create(
                json!({"entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "10.0.0.0/8"}]}),
                "Entry.1.Cidr=10.0.0.0/8 Entry.2.Cidr=10.0.0.0/8",
            ),
            "InvalidParameter.CidrDuplicated 400",
        ),
        (
            E::PrefixListFull,
            create(
                json!({"max_entries": 1, "entries": [{"cidr": "10.0.0.0/8"}, {"cidr": "11.0.0.0/8"}]}),
                "MaxEntries=1 Entry.1.Cidr=10.0.0.0/8 Entry.2.Cidr=11.0.0.0/8",
            ),
            "LimitExceed.Entry 400",
        ),
        (
            E::TagKeyMalformed,
            create(json!({"tags": [{"key": "acs:x"}]}), "Tag.1.Key=acs:x"),
            "InvalidTagKey.Malformed 400",
        ),
        (
            E::TagValueMalformed,
            create(json!({"tags": [{"key": "a", "value": "acs:x"}]}), "Tag.1.Key=a Tag.1.Value=acs:x"),
            "InvalidTagValue.Malformed 400",
        ),
        (
            E::TagKeyDuplicated,
            create(json!({"tags": [{"key": "a"}, {"key": "a"}]}), "Tag.1.Key=a Tag.2.Key=a"),
            "Duplicate.TagKey 400",
        ),
        (
            E::ResourceGroupNotFound,
            create(json!({"resource_group_id": "rg-1"}), "ResourceGroupId=rg-1"),
            "InvalidResourceGroup.NotFound 404",
        ),
        (
            E::PrefixListNotFound,
            change("pl-1", json!({"name": "ab"}), "PrefixListName=ab"),
            "InvalidPrefixListId.NotFound 404",
        ),
        (
            E::PrefixListNameMalformed,
            change("$pl", json!({"name": "http://a"}), "PrefixListName=http://a"),
            "InvalidParameter.PrefixListName 400",
        ),
        (
            E::PrefixListDescriptionMalformed,
            change("$pl", json!({"description": "x"}), "Description=x"),
            "InvalidDescription.Malformed 400",
        ),
        (
            E::PrefixListEntryDescriptionMalformed,
            change(
                "$pl",
                json!({"add_entries": [{"cidr": "11.0.0.0/8", "description": "x"}]}),
                "AddEntry.1.Cidr=11.0.0.0/8 AddEntry.1.Description=x",
            ),
            "InvalidDescription.Malformed 400",
        ),
        (
            E::PrefixListCidrMalformed,
            change("$pl", json!({"add_entries": [{"cidr": "x"}]}), "AddEntry.1.Cidr=x"),
            malformed,
        ),
        (
            E::PrefixListCidrMalformed,
            change("$pl", json!({"remove_cidrs": ["10.0.0.1/8"]}), "RemoveEntry.1.Cidr=10.0.0.1/8"),
            malformed,
        ),
        (
            E::PrefixListCidrDuplicated,
            change("$pl", json!({"add_entries": [{"cidr": "10.0.0.0/8"}]}), "AddEntry.1.Cidr=10.0.0.0/8"),
            "InvalidParameter.CidrDuplicated 400",
        ),
        (
            E::PrefixListFull,
            change(
                "$pl",
                json!({"add_entries": [{"cidr": "11.0.0.0/8"}, {"cidr": "12.0.0.0/8"}]}),
                "AddEntry.1.Cidr=11.0.0.0/8 AddEntry.2.Cidr=12.0.0.0/8",
            ),
            "LimitExceed.Entry 400",
        ),
        (
            E::PrefixListMaxEntriesInvalid,
            (r#"PATCH /v1/prefix-lists/$pl {"max_entries":201}"#.into(), String::new()),
            "",
        ),
        (
            E::PrefixListNotFound,
            ("DELETE /v1/prefix-lists/pl-1".into(), "DeletePrefixList PrefixListId=pl-1".into()),
            "InvalidPrefixListId.NotFound 404",
        ),
        (
            E::PrefixListNotFound,
            ("GET /v1/prefix-lists/pl-1".into(), "DescribePrefixListAttributes PrefixListId=pl-1".into()),
            "InvalidPrefixListId.NotFound 404",
        ),
        (
            E::PrefixListNotFound,
            (
                "GET /v1/prefix-lists/pl-1/associations".into(),
                "DescribePrefixListAssociations PrefixListId=pl-1".into(),
            ),
            "InvalidPrefixListId.NotFound 404",
        ),
        (E::PrefixListNotFound, ("GET /v1/prefix-lists/pl-1/dependents".into(), String::new()), ""),
        (E::PrefixListFamilyInvalid, ("GET /v1/prefix-lists?address_family=x".into(), String::new()), ""),
        (
            E::MissingParameter,
            (String::new(), "CreatePrefixList PrefixListName=ab AddressFamily=IPv4".into()),
            "MissingParameter 400",
        ),
        (
            E::InvalidParameter,
            (String::new(), create(json!({}), "MaxEntries=many").1),
            "InvalidParameter 400",
        ),
    ];
    for (rule, (rest, rpc), provider) in rows {
        service.refused(rule, &rest, &rpc, provider).await;
    }
    let elsewhere = [("Cloudnet-Region", "mars-1")];
    let (status, problem) = service.rest_with(&create(json!({}), "").0, &elsewhere).await;
    assert_eq!((status, &problem["code"]), (404, &json!("region_not_found")));
    // In use.
    let body = json!({"direction": "ingress",
        "rules": [{"protocol": "all", "port_range": "-1/-1", "peer_prefix_list_id": "$pl"}]});
    service.rest_ok(&format!("POST /v1/security-groups/$sg/rules {body}")).await;
    let (rest, rpc) = ("DELETE /v1/prefix-lists/$pl", "DeletePrefixList PrefixListId=$pl");
    service.refused(E::PrefixListInUse, rest, rpc, "NotAllowed.AssociationExist 400").await;
    let blocked = service.rest_ok("GET /v1/prefix-lists/$pl/dependents").await;
    assert_eq!(blocked["dependents"][0]["ids"], json!([service.ids["sg"]]));
    for n in 1..100 {
        service.rest_ok(&create(json!({"name": format!("list{n}")}), "").0).await;
    }
    let (rest, rpc) = create(json!({}), "");
    service.refused(E::PrefixListQuotaExceeded, &rest, &rpc, "LimitExceed.PrefixListPerRegion 404").await;
    service.stop().await;
}

#[tokio::test]
async fn a_prefix_list_is_shown_changed_and_deleted() {
    let mut service = Service::over(world(Provisioning::Instant)).await;
    let made = service
        .rpc_ok(
            "CreatePrefixList PrefixListName=offices AddressFamily=IPv4 MaxEntries=3 Description=both \
             Entry.1.Cidr=192.168.0.0/16 Entry.1.Description=office Entry.2.Cidr=172.16.0.0/12 \
             Tag.1.Key=env Tag.1.Value=prod",
        )
        .await;
    service.ids.insert("pl", made["PrefixListId"].as_str().unwrap().to_owned());
    let six = r#"POST /v1/prefix-lists {"name":"six","address_family":"IPv6","max_entries":1}"#;
    service.created("six", six).await;
    let s = &service;
    let shown = s.rpc_ok("DescribePrefixListAttributes PrefixListId=$pl").await;
    let entries = json!({"Entry": [
        {"Cidr": "192.168.0.0/16", "Description": "office"},
        {"Cidr": "172.16.0.0/12", "Description": ""},
    ]});
    assert_eq!(shown["Entries"], entries);
    let expected = json!({
        "PrefixListId": s.ids["pl"], "PrefixListName": "offices", "AddressFamily": "IPv4", "MaxEntries": 3,
        "Description": "both", "CreationTime": "2026-01-01T00:00:00Z", "Entries": entries,
        "RequestId": shown["RequestId"],
    });
    assert_eq!(shown, expected);
    // One request gives a block another description: entries go before others come.
    s.rpc_ok(
        "ModifyPrefixList PrefixListId=$pl PrefixListName=sites Description= RemoveEntry.1.Cidr=192.168.0.0/16 \
         RemoveEntry.2.Cidr=1.0.0.0/8 AddEntry.1.Cidr=192.168.0.0/16 AddEntry.1.Description=home",
    )
    .await;
    let now = s.rest_ok("GET /v1/prefix-lists/$pl").await;
    assert_eq!((&now["name"], &now["description"]), (&json!("sites"), &json!("")));
    assert_eq!(
        now["entries"],
        json!([{"cidr": "172.16.0.0/12", "description": ""}, {"cidr": "192.168.0.0/16", "description": "home"}])
    );
    let body =
        json!({"max_entries": 5, "add_entries": [{"cidr": "8.8.8.0/24"}], "remove_cidrs": ["172.16.0.0/12"]});
    let now = s.rest_ok(&format!("PATCH /v1/prefix-lists/$pl {body}")).await;
    assert_eq!((now["max_entries"].as_u64(), now["entries"].as_array().map(Vec::len)), (Some(5), Some(2)));
    for (filter, count) in [
        ("", 2),
        ("AddressFamily=IPv6", 1),
        ("PrefixListName=sites", 1),
        ("PrefixListId.1=$pl PrefixListId.2=$six PrefixListId.3=pl-1", 2),
        ("Tag.1.Key=env Tag.1.Value=prod", 1),
        ("Tag.1.Key=env Tag.1.Value=dev", 0),
        ("ResourceGroupId=rg-1", 0),
    ] {
        let page = s.rpc_ok(&format!("DescribePrefixLists {filter}")).await;
        let lists = page["PrefixLists"]["PrefixList"].as_array().unwrap();
        assert_eq!((lists.len(), &page["NextToken"]), (count, &json!("")), "{filter}: {page}");
    }
    let page = s.rpc_ok("DescribePrefixLists PrefixListName=sites").await;
    let shown = &page["PrefixLists"]["PrefixList"][0];
    let group = shown["ResourceGroupId"].clone();
    let expected = json!({
        "PrefixListId": s.ids["pl"], "PrefixListName": "sites", "AddressFamily": "IPv4", "MaxEntries": 5,
        "AssociationCount": 0, "Description": "", "CreationTime": "2026-01-01T00:00:00Z",
        "ResourceGroupId": group, "Tags": {"Tag": [{"TagKey": "env", "TagValue": "prod"}]},
    });
    assert_eq!(*shown, expected);
    // Two groups use it; pages of one.
    for group in ["$sg", "$sg2"] {
        s.rpc_ok(&format!(
            "AuthorizeSecurityGroupEgress SecurityGroupId={group} Permissions.1.IpProtocol=all \
             Permissions.1.PortRange=-1/-1 Permissions.1.DestPrefixListId=$pl"
        ))
        .await;
    }
    let list = "DescribePrefixListAssociations PrefixListId=$pl MaxResults=1";
    let one = s.rpc_ok(list).await;
    let two = s.rpc_ok(&format!("{list} NextToken={}", one["NextToken"].as_str().unwrap())).await;
    let id = |page: &Value| page["PrefixListAssociations"]["PrefixListAssociation"][0]["ResourceId"].clone();
    assert_eq!((id(&one), id(&two)), (json!(s.ids["sg"]), json!(s.ids["sg2"])));
    assert_eq!(two["NextToken"], "");
    assert_eq!(one["PrefixListAssociations"]["PrefixListAssociation"][0]["ResourceType"], "securitygroup");
    let native = s.rest_ok("GET /v1/prefix-lists/$pl/associations?page_size=1").await;
    assert_eq!(native["items"], json!([{"security_group_id": s.ids["sg"]}]));
    let token = native["next_page_token"].as_str().unwrap();
    let rest = s.rest_ok(&format!("GET /v1/prefix-lists/$pl/associations?page_token={token}")).await;
    assert_eq!(rest, json!({"items": [{"security_group_id": s.ids["sg2"]}]}));
    assert_eq!(s.rest_ok("GET /v1/prefix-lists/$pl").await["association_count"], 2);
    // Its groups go, and it can go.
    s.rpc_ok("DeletePrefixList PrefixListId=$six").await;
    s.rpc_ok("DeleteSecurityGroup SecurityGroupId=$sg2").await;
    s.rpc_ok(
        "RevokeSecurityGroupEgress SecurityGroupId=$sg Permissions.1.IpProtocol=ALL Permissions.1.PortRange=-1/-1 \
         Permissions.1.DestPrefixListId=$pl",
    )
    .await;
    s.rest_ok("DELETE /v1/prefix-lists/$pl").await;
    assert_eq!(s.rest_ok("GET /v1/prefix-lists").await, json!({"items": []}));
    service.stop().await;
}
