//! What a cloud controller manager, a network plugin, Terraform and a person do.

use crate::lab::*;
use serde_json::{Value, json};
use sim_core::ErrorCode as E;

fn instances(answer: &Value) -> Vec<&Value> {
    answer["Instances"]["Instance"].as_array().unwrap().iter().collect()
}

fn shown_ids(answer: &Value) -> Vec<String> {
    instances(answer).iter().map(|i| i["InstanceId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn terraform_makes_reads_changes_and_deletes_one() {
    let mut s = lab().await;
    let more = "InstanceName=web HostName=web-1 Description=first Amount=1 Tag.1.Key=env Tag.1.Value=prod \
                SystemDisk.Category=cloud_essd SystemDisk.Size=60 SystemDisk.PerformanceLevel=PL0 Ipv6AddressCount=1 \
                InstanceChargeType=PostPaid SpotStrategy=NoSpot IoOptimized=optimized InternetMaxBandwidthOut=0 \
                InternetChargeType=PayByTraffic ClientToken=t-1 SecurityEnhancementStrategy=Active";
    let id = launched(&mut s, "i", more).await;
    let again = s.rpc_ok(&format!("RunInstances {LAUNCH} {more}")).await;
    assert_eq!(
        again["InstanceIdSets"]["InstanceIdSet"],
        json!([id]),
        "the token gives the first answer again"
    );
    let answer = s.rpc_ok("DescribeInstances InstanceIds=[\"$i\"]").await;
    assert_eq!(
        (&answer["TotalCount"], &answer["PageSize"], &answer["NextToken"]),
        (&json!(1), &json!(10), &json!(""))
    );
    let shown = instances(&answer)[0].clone();
    let eni = shown["NetworkInterfaces"]["NetworkInterface"][0].clone();
    let exact = json!({
        "InstanceId": id, "InstanceName": "web", "HostName": "web-1", "Description": "first", "Status": "Running",
        "StoppedMode": "Not-applicable", "RegionId": "cn-hangzhou", "ZoneId": "cn-hangzhou-k", "ClusterId": "",
        "ImageId": "aliyun_3_x64_20G_alibase_20240819.vhd", "InstanceType": "ecs.g7.large",
        "InstanceTypeFamily": "ecs.g7", "Cpu": 2, "Memory": 8192, "InstanceNetworkType": "vpc",
        "VpcAttributes": {
            "VpcId": s.ids["vpc"], "VSwitchId": s.ids["web"], "NatIpAddress": "",
            "PrivateIpAddress": {"IpAddress": ["10.0.1.1"]},
        },
        "InnerIpAddress": {"IpAddress": []}, "PublicIpAddress": {"IpAddress": []}, "RdmaIpAddress": {"IpAddress": []},
        "EipAddress": {"AllocationId": "", "IpAddress": "", "InternetChargeType": ""},
        "SecurityGroupIds": {"SecurityGroupId": [s.ids["sg"]]},
        "InstanceChargeType": "PostPaid", "SpotStrategy": "NoSpot", "InternetChargeType": "PayByTraffic",
        "InternetMaxBandwidthIn": 0, "InternetMaxBandwidthOut": 0, "CreditSpecification": "",
        "CreationTime": "2026-01-01T00:00Z", "StartTime": "2026-01-01T00:00Z", "ExpiredTime": "2099-12-31T15:59Z",
        "AutoReleaseTime": "", "OperationLocks": {"LockReason": []}, "SerialNumber": "", "VlanId": "",
        "IoOptimized": true, "DeviceAvailable": true, "Recyclable": false, "DeletionProtection": false,
        "OSName": "Alibaba Cloud Linux 3.2104 LTS 64 bit", "OSNameEn": "Alibaba Cloud Linux 3.2104 LTS 64 bit",
        "OSType": "linux", "KeyPairName": "", "ResourceGroupId": shown["ResourceGroupId"],
        "MetadataOptions": {"HttpEndpoint": "", "HttpTokens": "", "HttpPutResponseHopLimit": 0},
        "Tags": {"Tag": [{"TagKey": "env", "TagValue": "prod"}]},
        "NetworkInterfaces": {"NetworkInterface": [{
            "NetworkInterfaceId": eni["NetworkInterfaceId"], "Type": "Primary", "MacAddress": eni["MacAddress"],
            "PrimaryIpAddress": "10.0.1.1",
            "PrivateIpSets": {"PrivateIpSet": [{"PrivateIpAddress": "10.0.1.1", "Primary": true}]},
            "Ipv6Sets": {"Ipv6Set": [{"Ipv6Address": "2408:4000:0:101::1", "Primary": false}]},
            "Ipv4PrefixSets": {"Ipv4PrefixSet": []}, "Ipv6PrefixSets": {"Ipv6PrefixSet": []},
        }]},
    });
    assert_eq!(shown, exact);
    let answer = s.rpc_ok("DescribeDisks InstanceId=$i").await;
    let disk = &answer["Disks"]["Disk"][0];
    assert_eq!(
        (&disk["Type"], &disk["Size"], &disk["Category"], &disk["PerformanceLevel"], &disk["InstanceId"]),
        (&json!("system"), &json!(60), &json!("cloud_essd"), &json!("PL0"), &json!(id))
    );
    assert_eq!(disk["Tags"]["Tag"][0]["TagKey"], "env");
    let answer = s.rpc_ok("DescribeInstanceAttribute InstanceId=$i").await;
    assert_eq!((&answer["HostName"], &answer["IoOptimized"]), (&json!("web-1"), &json!("optimized")));
    s.rpc_ok("ModifyInstanceAttribute InstanceId=$i InstanceName=api SecurityGroupIds.1=$sg2 DeletionProtection=true").await;
    let answer = s.rpc_ok("DescribeInstances SecurityGroupId=$sg2 InstanceName=a*").await;
    assert_eq!((shown_ids(&answer), &instances(&answer)[0]["DeletionProtection"]), (vec![id], &json!(true)));
    let answer = s.rpc_ok("DescribeUserData InstanceId=$i").await;
    assert_eq!(answer["UserData"], "");
    s.refused(
        E::InstanceProtected,
        "",
        "DeleteInstance InstanceId=$i Force=true",
        "InvalidOperation.DeletionProtection 403",
    )
    .await;
    s.rpc_ok("ModifyInstanceAttribute InstanceId=$i DeletionProtection=false").await;
    s.rpc_ok("StopInstance InstanceId=$i StoppedMode=StopCharging").await;
    let answer = s.rpc_ok("DescribeInstances InstanceIds=[\"$i\"] Status=Stopped").await;
    assert_eq!(instances(&answer)[0]["StoppedMode"], "StopCharging");
    s.refused(
        E::InstanceIpv6Held,
        "",
        "ModifyInstanceVpcAttribute InstanceId=$i VSwitchId=$db",
        "InvalidIp.Ipv6Assigned 403",
    )
    .await;
    s.rpc_ok("StartInstance InstanceId=$i").await;
    s.refused(E::InstanceStatusIncorrect, "", "DeleteInstance InstanceId=$i", "IncorrectInstanceStatus 403")
        .await;
    s.rpc_ok("DeleteInstance InstanceId=$i Force=true").await;
    s.refused(E::InstanceNotFound, "", "DeleteInstance InstanceId=$i", "InvalidInstanceId.NotFound 404")
        .await;
    let answer = s.rpc_ok("DescribeInstances").await;
    assert_eq!(answer["TotalCount"], 0);
    s.stop().await;
}

#[tokio::test]
async fn a_controller_lists_by_pages_addresses_and_tags() {
    let mut s = lab().await;
    launched(&mut s, "a", "Amount=3 InstanceName=node UniqueSuffix=true Tag.1.Key=cluster Tag.1.Value=one")
        .await;
    launched(&mut s, "b", "Amount=2 Tag.1.Key=cluster Tag.1.Value=two Ipv6AddressCount=1").await;
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = s.rpc_ok(&format!("DescribeInstances MaxResults=2 {token}")).await;
        assert_eq!(page["PageSize"], 2);
        seen.extend(shown_ids(&page));
        match page["NextToken"].as_str().unwrap() {
            "" => break,
            next => token = format!("NextToken={next}"),
        }
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(seen, {
        let mut sorted = seen.clone();
        sorted.dedup();
        sorted
    });
    let second = s.rpc_ok("DescribeInstances PageSize=2 PageNumber=2").await;
    assert_eq!((shown_ids(&second), &second["TotalCount"]), (seen[2..4].to_vec(), &json!(5)));
    for (filter, count) in [
        ("VpcId=$vpc", 5),
        ("VpcId=$other", 0),
        ("VpcId=vpc-1", 0),
        ("VSwitchId=$web", 5),
        ("VSwitchId=$db", 0),
        ("ZoneId=cn-hangzhou-k", 5),
        ("ZoneId=cn-hangzhou-j", 0),
        ("SecurityGroupId=$sg", 5),
        ("SecurityGroupId=sg-1", 0),
        ("PrivateIpAddresses=[\"10.0.1.2\",\"10.0.1.9\"]", 1),
        ("PrivateIpAddresses=[\"10.0.1.2\"] VpcId=$vpc Tag.1.Key=cluster InstanceNetworkType=vpc", 1),
        ("PrivateIpAddresses=[\"10.0.1.2\"] VpcId=$other", 0),
        ("Ipv6Address.1=2408:4000:0:101::1", 1),
        ("InstanceIds=[\"$a\",\"$b\",\"i-1\"]", 2),
        ("Tag.1.Key=cluster", 5),
        ("Tag.1.Key=cluster Tag.1.Value=two", 2),
        ("Tag.1.Key=cluster Tag.1.Value=three", 0),
        ("Status=Running", 5),
        ("Status=Stopped", 0),
        ("InstanceName=node*", 3),
        ("InstanceName=node", 0),
        ("InstanceName=node002", 1),
        ("InstanceType=ecs.g7.large", 5),
        ("InstanceTypeFamily=ecs.c7", 0),
        ("ImageId=m-1", 0),
        ("InstanceChargeType=PrePaid", 0),
        ("InstanceNetworkType=classic", 0),
        ("PublicIpAddresses=[\"1.1.1.1\"]", 0),
        ("KeyPairName=k", 0),
        ("ResourceGroupId=rg-1", 0),
        ("Filter.1.Key=CreationStartTime Filter.1.Value=2026-01-01T00:00Z", 5),
        ("Filter.1.Key=CreationStartTime Filter.1.Value=2026-01-02T00:00Z", 0),
        ("Filter.1.Key=CreationEndTime Filter.1.Value=2025-12-31T00:00:00Z", 0),
    ] {
        let answer = s.rpc_ok(&format!("DescribeInstances PageSize=100 {filter}")).await;
        assert_eq!(
            (answer["TotalCount"].as_u64(), shown_ids(&answer).len()),
            (Some(count), count as usize),
            "{filter}"
        );
    }
    for (filter, count) in [("", 5), ("ZoneId=cn-hangzhou-j", 0), ("InstanceId.1=$a InstanceId.2=i-1", 1)] {
        let answer = s.rpc_ok(&format!("DescribeInstanceStatus {filter}")).await;
        assert_eq!(answer["InstanceStatuses"]["InstanceStatus"].as_array().unwrap().len(), count, "{filter}");
        assert_eq!(answer["TotalCount"], count, "{filter}");
    }
    for (filter, count) in [
        ("", 5),
        ("InstanceId=$a", 1),
        ("InstanceId=i-1", 0),
        ("ZoneId=cn-hangzhou-j", 0),
        ("DiskIds=[\"d-1\"]", 0),
        ("Status=Available", 0),
        ("DiskType=data", 0),
        ("DiskType=system Category=cloud_efficiency", 5),
        ("Encrypted=true", 0),
        ("Tag.1.Key=cluster Tag.1.Value=two", 2),
    ] {
        let answer = s.rpc_ok(&format!("DescribeDisks {filter}")).await;
        assert_eq!(answer["TotalCount"], count, "{filter}");
    }
    for (line, code) in [
        ("DescribeInstances Status=Up", "InvalidStatus.NotFound 404"),
        ("DescribeInstances InstanceIds=i-1", "InvalidParameter 400"),
        ("DescribeInstances NextToken=1", "InvalidNextToken 400"),
        ("DescribeInstances Filter.1.Key=Colour Filter.1.Value=red", "InvalidFilterKey.NotFound 404"),
        ("DescribeInstances Filter.1.Key=CreationEndTime Filter.1.Value=now", "InvalidFilterValue 404"),
        ("DescribeInstances PageSize=101", "InvalidParameter 400"),
        ("DescribeInstanceStatus ZoneId=cn-hangzhou-z", "InvalidZoneId.NotFound 404"),
        ("DescribeDisks Status=Gone", "InvalidStatus.ValueNotSupported 400"),
    ] {
        let (status, body) = s.rpc(line).await;
        assert_eq!(format!("{} {status}", body["Code"].as_str().unwrap_or_default()), code, "{line}: {body}");
    }
    s.stop().await;
}
