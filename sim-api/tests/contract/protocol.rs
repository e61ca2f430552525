//! The protocol over the wire: encodings, pages, tokens, dry runs, unknown names, and whose objects are found.

use crate::service::{self, Client, settings};
use crate::wire::Wire;
use axum::http::HeaderValue;
use serde_json::{Value, json};
use sim_api::Server;
use sim_api::settings::UnknownParams;
use std::collections::BTreeSet;

fn ids<'a>(answer: &'a Value, list: &str, id: &str) -> Vec<&'a str> {
    let items =
        answer.pointer(list).and_then(Value::as_array).unwrap_or_else(|| panic!("no {list} in {answer}"));
    items.iter().map(|item| item[id].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn ids_of_another_account_or_region_do_not_exist() {
    let mut wire = Wire::start().await;
    wire.succeed("Vpc CreateVpc CidrBlock=10.0.0.0/8", "vpc=/VpcId table=/RouteTableId").await;
    wire.succeed("Vpc CreateVSwitch VpcId=$vpc ZoneId=cn-hangzhou-k CidrBlock=10.0.1.0/24", "vsw=/VSwitchId")
        .await;
    wire.succeed("Ecs CreateSecurityGroup VpcId=$vpc", "sg=/SecurityGroupId").await;
    for whose in ["AccessKeyId=w-default-a-1999999999990009", "RegionId=cn-beijing"] {
        for (call, code) in [
            ("Vpc DescribeVpcAttribute VpcId=$vpc", "InvalidVpcId.NotFound 404"),
            ("Vpc ModifyVpcAttribute VpcId=$vpc VpcName=mine", "InvalidVpcId.NotFound 404"),
            ("Vpc DeleteVpc VpcId=$vpc", "InvalidVpcId.NotFound 404"),
            ("Vpc DescribeVSwitchAttributes VSwitchId=$vsw", "InvalidVSwitchId.NotFound 404"),
            ("Vpc DeleteVSwitch VSwitchId=$vsw", "InvalidVSwitchId.NotFound 404"),
            ("Vpc CreateRouteTable VpcId=$vpc", "InvalidVpcId.NotFound 404"),
            ("Ecs DeleteSecurityGroup SecurityGroupId=$sg", "InvalidSecurityGroupId.NotFound 404"),
        ] {
            assert_eq!(wire.refused(&format!("{call} {whose}")).await, code, "{call} {whose}");
        }
        let none = wire.succeed(&format!("Vpc DescribeVpcs {whose}"), "").await;
        assert_eq!(none["TotalCount"], 0, "{whose}");
    }
    wire.succeed("Vpc DeleteVSwitch VSwitchId=$vsw", "").await;
    wire.stop().await;
}

#[tokio::test]
async fn a_token_repeats_the_answer_and_a_mismatch_has_the_code_of_the_action() {
    let mut wire = Wire::start().await;
    let first = wire.succeed("Vpc CreateVpc ClientToken=t1 VpcName=a", "vpc=/VpcId").await;
    let again = wire.succeed("Vpc CreateVpc ClientToken=t1 VpcName=a", "").await;
    assert_eq!(first["VpcId"], again["VpcId"]);
    assert_ne!(first["RequestId"], again["RequestId"]);
    // Terway branches on this code, which the action's table has for no other reason.
    wire.succeed(
        "Vpc CreateVSwitch VpcId=$vpc ZoneId=cn-hangzhou-k CidrBlock=172.16.0.0/24",
        "vsw=/VSwitchId",
    )
    .await;
    wire.succeed("Ecs CreateSecurityGroup VpcId=$vpc", "sg=/SecurityGroupId").await;
    let interface = "Ecs CreateNetworkInterface VSwitchId=$vsw SecurityGroupId=$sg ClientToken=t2";
    wire.succeed(interface, "eni=/NetworkInterfaceId").await;
    assert_eq!(wire.refused(&format!("{interface} Description=other")).await, "IdempotentFailed 400");
    // An action without the parameter ignores it, as the real service does, and says so.
    let moved = "Vpc ModifyVRouterAttribute VRouterId=vrt-nothing ClientToken=t3";
    assert_eq!(wire.refused(moved).await, "InvalidVRouterId.NotFound 404");
    let answer = wire.call("Vpc DescribeVRouters ClientToken=t1").await;
    assert_eq!(
        answer.headers.get("x-cloudnet-unknown-parameters"),
        Some(&HeaderValue::from_static("ClientToken"))
    );
    assert_eq!(
        wire.refused(&format!("Vpc CreateVpc ClientToken={}", "t".repeat(65))).await.split(' ').nth(1),
        Some("400")
    );
    wire.stop().await;
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_changes_nothing() {
    let mut wire = Wire::start().await;
    wire.succeed("Vpc CreateVpc CidrBlock=10.0.0.0/8", "vpc=/VpcId").await;
    assert_eq!(wire.refused("Vpc CreateVpc DryRun=true").await, "DryRunOperation 400");
    assert_eq!(wire.refused("Vpc DescribeVpcs DryRun=true").await, "DryRunOperation 400");
    assert_eq!(
        wire.refused("Vpc CreateRouteTable VpcId=vpc-nothing DryRun=true").await,
        "InvalidVpcId.NotFound 404"
    );
    assert_eq!(wire.succeed("Vpc DescribeVpcs", "").await["TotalCount"], 1);
    wire.stop().await;
}

#[tokio::test]
async fn each_style_of_pages_walks_the_whole_list_once() {
    let mut wire = Wire::start().await;
    wire.succeed("Vpc CreateVpc CidrBlock=10.0.0.0/8", "vpc=/VpcId table=/RouteTableId").await;
    for n in 0..5 {
        let call = format!("Vpc CreateVSwitch VpcId=$vpc ZoneId=cn-hangzhou-k CidrBlock=10.0.{n}.0/24");
        wire.succeed(&call, "vsw=/VSwitchId").await;
    }
    let mut seen = BTreeSet::new();
    for (number, count) in [(1, 2), (2, 2), (3, 1), (4, 0)] {
        let page = wire.succeed(&format!("Vpc DescribeVSwitches PageNumber={number} PageSize=2"), "").await;
        let found = ids(&page, "/VSwitches/VSwitch", "VSwitchId");
        assert_eq!((found.len(), &page["TotalCount"]), (count, &json!(5)));
        seen.extend(found.into_iter().map(str::to_owned));
    }
    assert_eq!(seen.len(), 5);
    for n in 0..5 {
        let call = format!(
            "Vpc CreateVSwitchCidrReservation VSwitchId=$vsw IpVersion=IPv4 VSwitchCidrReservationMask=28 Tag.1.Key=k{n}"
        );
        wire.succeed(&call, "").await;
    }
    // MaxResults and NextToken; MaxResult and NextToken.
    let styles = [
        (
            "Vpc ListVSwitchCidrReservations MaxResults=2",
            "/VSwitchCidrReservations",
            "VSwitchCidrReservationId",
        ),
        (
            "Vpc DescribeRouteEntryList RouteTableId=$table MaxResult=2",
            "/RouteEntrys/RouteEntry",
            "RouteEntryId",
        ),
        (
            "Ecs DescribeInstanceTypes InstanceTypeFamily=ecs.g7 MaxResults=2",
            "/InstanceTypes/InstanceType",
            "InstanceTypeId",
        ),
    ];
    for (call, list, id) in styles {
        let (mut walked, mut token) = (Vec::new(), String::new());
        loop {
            let page = wire.succeed(&format!("{call} NextToken={token}"), "").await;
            walked.extend(ids(&page, list, id).into_iter().map(str::to_owned));
            token = page["NextToken"].as_str().expect("NextToken").to_owned();
            if token.is_empty() {
                break;
            }
        }
        let distinct: BTreeSet<&String> = walked.iter().collect();
        assert!(walked.len() >= 5 && distinct.len() == walked.len(), "{call}: {walked:?}");
        assert_eq!(
            wire.refused(&format!("{call} NextToken=moon")).await.split(' ').nth(1),
            Some("400"),
            "{call}"
        );
    }
    wire.stop().await;
}

#[tokio::test]
async fn lists_come_numbered_with_commas_and_as_json() {
    let mut wire = Wire::start().await;
    wire.succeed("Vpc CreateVpc Tag.7.Key=b Tag.3.Key=a Tag.3.Value=1", "one=/VpcId").await;
    wire.succeed("Vpc CreateVpc", "two=/VpcId").await;
    let tagged = wire.succeed("Vpc DescribeVpcs Tag.1.Key=a", "").await;
    assert_eq!(tagged["TotalCount"], 1);
    let listed = wire.succeed("Vpc DescribeVpcs VpcId=$one,$two", "").await;
    assert_eq!(listed["TotalCount"], 2);
    let many = vec!["vpc-1"; 21].join(",");
    assert_eq!(
        wire.refused(&format!("Vpc DescribeVpcs VpcId={many}")).await,
        "InvalidVpcIdNumber.NotSupported 400"
    );
    wire.succeed("Ecs CreateSecurityGroup VpcId=$one", "sg=/SecurityGroupId").await;
    let as_json =
        wire.succeed(r#"Ecs DescribeSecurityGroups SecurityGroupIds=["$sg","sg-nothing"]"#, "").await;
    assert_eq!(ids(&as_json, "/SecurityGroups/SecurityGroup", "SecurityGroupId").len(), 1);
    let body = json!({ "Tag": [{ "Key": "json", "Value": "yes" }], "EnableIpv6": true });
    let call = "/?Action=CreateVpc&Version=2016-04-28&RegionId=cn-hangzhou&Format=JSON";
    let made = wire.native().post(call, body).await.expect(200);
    let shown =
        wire.succeed(&format!("Vpc DescribeVpcs VpcId={}", made["VpcId"].as_str().unwrap()), "").await;
    assert_eq!(shown["Vpcs"]["Vpc"][0]["Tags"]["Tag"], json!([{ "Key": "json", "Value": "yes" }]));
    assert_eq!(shown["Vpcs"]["Vpc"][0]["EnabledIpv6"], true);
    wire.stop().await;
}

#[tokio::test]
async fn the_region_may_come_in_a_header_and_must_come() {
    let wire = Wire::start().await;
    let call = "/?Action=DescribeVpcs&Version=2016-04-28&Format=JSON";
    let refused = wire.native().get(call).await;
    assert_eq!((refused.status, &refused.body["Code"]), (400, &json!("MissingRegionId")));
    for region in ["", "&RegionId="] {
        let header = wire.native().with("x-acs-region-id", "cn-hangzhou");
        header.get(&format!("{call}{region}")).await.expect(200);
    }
    wire.stop().await;
}

#[tokio::test]
async fn an_unknown_name_is_warned_of_logged_and_refused_where_the_settings_say_so() {
    let wire = Wire::start().await;
    let answer = wire.call("Vpc CreateVpc vpcName=typo Tag=x").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["x-cloudnet-unknown-parameters"], "Tag,vpcName");
    let log = wire.native().get("/v1/requests?limit=5").await.expect(200);
    let logged = log["items"].as_array().unwrap().iter().find(|r| r["action"] == "CreateVpc").unwrap();
    assert_eq!(logged["unknown_params"], json!(["Tag", "vpcName"]));
    // Many are more than a header line holds.
    let many: String = (0..900).map(|n| format!(" No{n:03}=x")).collect();
    let answer = wire.call(&format!("Vpc CreateVpc{many}")).await;
    let told = answer.headers["x-cloudnet-unknown-parameters"].to_str().unwrap();
    assert!(told.starts_with("No000,No001,") && told.ends_with(",...") && told.len() < 4200, "{told}");
    wire.stop().await;

    let strict = sim_api::ServeSettings { unknown_params: UnknownParams::Refuse, ..settings() };
    let server = Server::start(strict).await.unwrap();
    let client = Client::new(&server);
    let call = "/?Action=CreateVpc&Version=2016-04-28&RegionId=cn-hangzhou&Format=JSON&vpcName=typo";
    let refused = client.get(call).await;
    assert_eq!((refused.status, &refused.body["Code"]), (400, &json!("InvalidParameter")));
    let message = refused.body["Message"].as_str().unwrap();
    assert!(message.contains("vpcName") && message.contains("the name is VpcName"), "{message}");
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_may_use_the_server_as_its_proxy() {
    let server = Server::start(settings()).await.unwrap();
    let address = server.address();
    let query = "/?Action=DescribeVpcs&Version=2016-04-28&RegionId=cn-hangzhou&Format=JSON";
    let answers = tokio::task::spawn_blocking(move || {
        ["http://vpc.cn-hangzhou.aliyuncs.com", "http://vpc.aliyuncs.com:80", ""]
            .map(|host| service::http(address, "GET", &format!("{host}{query}"), &[], ""))
    });
    for answer in answers.await.unwrap() {
        let (status, body) = answer.expect("an answer");
        assert_eq!((status, &body["TotalCount"]), (200, &json!(0)), "{body}");
    }
    server.stop().await.unwrap();
}
