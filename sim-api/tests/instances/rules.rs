//! Rules of instances and residents on both wires, the native operations, and what becomes of secrets.

use crate::lab::*;
use serde_json::{Value, json};
use sim_core::ErrorCode as E;

#[tokio::test]
async fn rules_of_launches_on_both_wires() {
    let s = lab().await;
    // The native field and value, and the provider's parameters, put in place of those of a good launch.
    for (rule, native, provider, code) in [
        (E::InstanceNameMalformed, r#""name":"1""#, "InstanceName=1", "InvalidInstanceName.Malformed 400"),
        (
            E::InstanceNamePattern,
            r#""name":"a[1]""#,
            "InstanceName=a[1]",
            "InvalidInstanceName.CustomMalformed 400",
        ),
        (E::HostNameMalformed, r#""host_name":"-""#, "HostName=-", "InvalidHostName.Malformed 400"),
        (
            E::InstanceDescriptionMalformed,
            r#""description":"x""#,
            "Description=x",
            "InvalidDescription.Malformed 400",
        ),
        (E::PasswordMalformed, r#""password":"short""#, "Password=short", "InvalidPassword.Malformed 400"),
        (E::UserDataBase64, r#""user_data":"?""#, "UserData=?", "InvalidUserData.Base64FormatInvalid 400"),
        (
            E::SystemDiskCategory,
            r#""system_disk":{"category":"tape"}"#,
            "SystemDisk.Category=tape",
            "InvalidSystemDiskCategory.ValueNotSupported 400",
        ),
        (
            E::SystemDiskTooSmall,
            r#""system_disk":{"size_gib":19}"#,
            "SystemDisk.Size=19",
            "InvalidSystemDiskSize.LessThanImageSize 404",
        ),
        (E::ZoneNotFound, r#""zone_id":"cn-x""#, "ZoneId=cn-x", "InvalidZoneId.NotFound 404"),
        (
            E::InstanceZoneMismatch,
            r#""zone_id":"cn-hangzhou-j""#,
            "ZoneId=cn-hangzhou-j",
            "ResourcesNotInSameZone 403",
        ),
        (
            E::AddressOutside,
            r#""primary_ip_address":"10.0.2.1""#,
            "PrivateIpAddress=10.0.2.1",
            "InvalidVSwitchId.IpInvalid 403",
        ),
        (
            E::EniTypeIpv6Exceeded,
            r#""addresses":{"ipv6_address_count":7}"#,
            "Ipv6AddressCount=7",
            "InvalidOperation.Ipv6CountExceeded 403",
        ),
        (
            E::InstanceInterfacesExceeded,
            r#""network_interfaces":[{},{},{}]"#,
            "NetworkInterface.1.Description=aa NetworkInterface.2.Description=bb NetworkInterface.3.Description=cc",
            "InvalidOperation.EniCountExceeded 403",
        ),
    ] {
        let rest = format!("POST /v1/instances {{{LAUNCH_BODY},{native}}}");
        s.refused(rule, &rest, &format!("RunInstances {LAUNCH} {provider}"), code).await;
    }
    for (rule, line, code) in [
        (
            E::ImageNotFound,
            "RunInstances ImageId=m-1 InstanceType=ecs.g7.large VSwitchId=$web SecurityGroupId=$sg",
            "InvalidImageId.NotFound 404",
        ),
        (
            E::MissingParameter,
            "RunInstances VSwitchId=$web SecurityGroupId=$sg ImageId=m-1",
            "MissingParameter 400",
        ),
        (
            E::LaunchTemplateNotFound,
            "RunInstances LaunchTemplateId=lt-1 InstanceType=ecs.g7.large",
            "InvalidLaunchTemplate.NotFound 404",
        ),
    ] {
        s.refused(rule, "", line, code).await;
    }
    let both = format!(
        "RunInstances {LAUNCH} NetworkInterface.1.InstanceType=Primary NetworkInterface.1.VSwitchId=$web"
    );
    s.refused(E::InstanceInterfacesInvalid, "", &both, "InvalidParam.NetworkInterface 400").await;
    let count = s.rpc_ok("DescribeInstances").await["TotalCount"].clone();
    assert_eq!(count, 0);
    s.stop().await;
}

#[tokio::test]
async fn the_native_life_of_an_instance() {
    let mut s = lab().await;
    s.created(
        "i",
        &format!(r#"POST /v1/instances {{{LAUNCH_BODY},"start":false,"tags":[{{"key":"env"}}]}}"#),
    )
    .await;
    let shown = s.rest_ok("GET /v1/instances/$i").await;
    assert_eq!((&shown["status"], &shown["primary_ip_address"]), (&json!("Stopped"), &json!("10.0.1.1")));
    assert_eq!((&shown["system_disk"]["size_gib"], &shown["has_password"]), (&json!(40), &json!(false)));
    let moved = s.rest_ok(r#"POST /v1/instances/$i/move {"vswitch_id":"$db"}"#).await;
    assert_eq!(
        (&moved["vswitch_id"], &moved["primary_ip_address"]),
        (&json!(s.ids["db"]), &json!("10.0.2.1"))
    );
    for (operation, status) in
        [("start", "Running"), ("reboot", "Running"), ("stop?stopped_mode=StopCharging", "Stopped")]
    {
        let shown = s.rest_ok(&format!("POST /v1/instances/$i/{operation}")).await;
        assert_eq!(shown["status"], status, "{operation}");
    }
    let changed = s.rest_ok(r#"PATCH /v1/instances/$i {"name":"web","security_group_ids":["$sg2"]}"#).await;
    assert_eq!((&changed["name"], &changed["security_group_ids"]), (&json!("web"), &json!([s.ids["sg2"]])));
    let many = format!(
        r#"POST /v1/instances/batch-create {{{LAUNCH_BODY},"amount":2,"name":"n","unique_suffix":true}}"#
    );
    s.refused(E::InstanceNameMalformed, &many.replace(r#""n""#, r#""1""#), "", "").await;
    let made = s.rest_ok(&many.replace(r#""n""#, r#""node""#)).await;
    let names: Vec<_> = made["instances"].as_array().unwrap().iter().map(|i| i["name"].clone()).collect();
    assert_eq!(names, ["node001", "node002"]);
    for (filter, count) in [
        ("", 3),
        ("?vpc_id=$vpc&status=Running", 2),
        ("?vswitch_id=$db", 1),
        ("?zone_id=cn-hangzhou-j", 0),
        ("?name=node002", 1),
        ("?private_ip_address=10.0.2.1", 1),
        ("?instance_type=ecs.c7.large", 0),
    ] {
        let page = s.rest_ok(&format!("GET /v1/instances{filter}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{filter}");
    }
    let running = "DELETE /v1/instances/$node";
    let node = made["instances"][0]["id"].as_str().unwrap().to_owned();
    s.ids.insert("node", node);
    s.refused(
        E::InstanceStatusIncorrect,
        running,
        "DeleteInstance InstanceId=$node",
        "IncorrectInstanceStatus 403",
    )
    .await;
    assert_eq!(s.rest("DELETE /v1/instances/$node?force=true").await.0, 204);
    assert_eq!(s.rest_ok("GET /v1/instances/$i/dependents").await["deletable"], true);
    assert_eq!(s.rest("DELETE /v1/instances/$i").await.0, 204);
    s.refused(
        E::InstanceNotFound,
        "GET /v1/instances/$i",
        "StartInstance InstanceId=$i",
        "InvalidInstanceId.NotFound 404",
    )
    .await;
    s.stop().await;
}

#[tokio::test]
async fn residents_hold_what_they_live_in() {
    let mut s = lab().await;
    let body = r#""kind":"rds","vswitch_id":"$db","security_group_ids":["$sg"]"#;
    s.created("r", &format!(r#"POST /v1/residents {{{body},"port":3306,"name":"orders"}}"#)).await;
    s.refused(
        E::VSwitchHasResident,
        "DELETE /v1/vswitches/$db",
        "DeleteVSwitch VSwitchId=$db",
        "DependencyViolation.CloudService 400",
    )
    .await;
    let group = ("DELETE /v1/security-groups/$sg", "DeleteSecurityGroup SecurityGroupId=$sg");
    s.refused(E::SecurityGroupHasMembers, group.0, group.1, "DependencyViolation 403").await;
    for (rule, more) in [
        (
            E::ResidentKindMalformed,
            r#""kind":"RDS","vswitch_id":"$db","security_group_ids":["$sg"]"#.to_owned(),
        ),
        (E::ResidentPortInvalid, format!(r#"{body},"port":0"#)),
        (E::ResidentNameMalformed, format!(r#"{body},"name":"1""#)),
        (E::AddressInUse, format!(r#"{body},"private_ip_address":"10.0.2.1""#)),
    ] {
        s.refused(rule, &format!("POST /v1/residents {{{more}}}"), "", "").await;
    }
    let changed = s.rest_ok(r#"PATCH /v1/residents/$r {"port":3307,"security_group_ids":["$sg2"]}"#).await;
    assert_eq!((&changed["port"], &changed["private_ip_address"]), (&json!(3307), &json!("10.0.2.1")));
    for (filter, count) in
        [("", 1), ("?security_group_id=$sg", 0), ("?vpc_id=$vpc&kind=rds", 1), ("?kind=redis", 0)]
    {
        let page = s.rest_ok(&format!("GET /v1/residents{filter}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{filter}");
    }
    assert_eq!(s.rest_ok("GET /v1/residents/$r/dependents").await["deletable"], true);
    assert_eq!(s.rest("DELETE /v1/residents/$r").await.0, 204);
    s.refused(E::ResidentNotFound, "GET /v1/residents/$r", "", "").await;
    assert_eq!(s.rest("DELETE /v1/vswitches/$db").await.0, 204);
    s.stop().await;
}

#[tokio::test]
async fn a_password_leaves_a_fingerprint_and_user_data_is_shown_where_it_belongs() {
    const PASSWORD: &str = "Marker-4711-Secret";
    const DATA: &str = "TWFya2VyNDcxMVVzZXJEYXRh";
    let mut s = lab().await;
    let more = format!("Password={PASSWORD} UserData={DATA} ClientToken=t-1");
    let id = launched(&mut s, "i", &more).await;
    let again = s.rpc_ok(&format!("RunInstances {LAUNCH} {more}")).await;
    assert_eq!(
        again["InstanceIdSets"]["InstanceIdSet"],
        json!([id]),
        "the same secrets are the same request"
    );
    let other = format!("RunInstances {LAUNCH} {}", more.replace("4711-Secret", "4712-Secret"));
    let (status, body) = s.rpc(&other).await;
    assert_eq!((status, &body["Code"]), (400, &json!("IdempotentFailed")), "{body}");
    let answer = s.rpc_ok("DescribeUserData InstanceId=$i").await;
    assert_eq!(answer["UserData"], DATA);
    assert_eq!(s.rest_ok("GET /v1/instances/$i/user-data").await["user_data"], DATA);
    let shown = s.rest_ok("GET /v1/instances/$i").await;
    assert_eq!((&shown["has_password"], &shown["has_user_data"]), (&json!(true), &json!(true)));
    for place in ["/v1/instances/$i", "/v1/journal", "/v1/requests"] {
        let text = s.rest_ok(&format!("GET {place}")).await.to_string();
        assert!(!text.contains(PASSWORD) && !text.contains(DATA), "{place} tells a secret");
    }
    // While it runs, and a change of something else leaves it.
    s.rpc_ok("ModifyInstanceAttribute InstanceId=$i UserData=QQ==").await;
    s.rpc_ok("ModifyInstanceAttribute InstanceId=$i InstanceName=web").await;
    assert_eq!(s.rpc_ok("DescribeUserData InstanceId=$i").await["UserData"], "QQ==");
    s.rest_ok("PATCH /v1/instances/$i {\"user_data\":\"Qg==\"}").await;
    assert_eq!(s.rpc_ok("DescribeUserData InstanceId=$i").await["UserData"], "Qg==");
    launched(&mut s, "plain", "").await;
    assert_eq!(s.rpc_ok("DescribeUserData InstanceId=$plain").await["UserData"], "");
    assert_eq!(s.rest_ok("GET /v1/instances/$plain/user-data").await["user_data"], Value::Null);
    s.stop().await;
}

#[tokio::test]
async fn small_questions_about_an_instance() {
    let mut s = lab().await;
    launched(&mut s, "i", "RamRoleName=node").await;
    launched(&mut s, "sub", "InstanceChargeType=PrePaid Period=1 AutoRenew=true AutoRenewPeriod=3").await;
    let answer = s.rpc_ok("DescribeInstanceRamRole InstanceIds=[\"$i\"]").await;
    assert_eq!(answer["InstanceRamRoleSets"]["InstanceRamRoleSet"][0]["RamRoleName"], "node");
    let answer = s.rpc_ok("DescribeInstanceAutoRenewAttribute InstanceId=$sub").await;
    let renewal = &answer["InstanceRenewAttributes"]["InstanceRenewAttribute"][0];
    assert_eq!((&renewal["AutoRenewEnabled"], &renewal["Duration"]), (&json!(true), &json!(3)));
    let paid_by_use = "DescribeInstanceAutoRenewAttribute InstanceId=$i";
    s.refused(E::InstanceNotSubscription, "", paid_by_use, "ChargeTypeViolation 403").await;
    let answer = s.rpc_ok("DescribeInstanceMaintenanceAttributes InstanceId.1=$i").await;
    assert_eq!(answer["TotalCount"], 1);
    assert_eq!(s.rpc_ok("DescribeInstanceVncUrl InstanceId=$i").await["VncUrl"], "");
    let disk = s.rpc_ok("DescribeDisks InstanceId=$i").await["Disks"]["Disk"][0]["DiskId"].clone();
    s.ids.insert("disk", disk.as_str().unwrap().to_owned());
    let tag_disk = "Ecs:TagResources ResourceType=disk ResourceId.1=$disk Tag.1.Key=env";
    s.rpc_ok(tag_disk).await;
    let delete = "DeleteInstances InstanceId.1=$i InstanceId.2=$sub Force=true";
    s.refused(E::InstanceSubscription, "", delete, "ChargeTypeViolation 403").await;
    s.rpc_ok(&format!("{delete} TerminateSubscription=true")).await;
    assert_eq!(s.rpc_ok("DescribeInstances").await["TotalCount"], 0);
    let (status, body) = s.rpc(tag_disk).await;
    let gone = E::DiskNotFound.row().message;
    assert!(status == 404 && body["Message"].as_str().unwrap().starts_with(gone), "{body}");
    s.stop().await;
}
