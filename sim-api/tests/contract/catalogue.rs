//! Regions, zones, instance types and images on both wires: filters, pages, refusals, and the world's own zones.

use crate::wire::Wire;
use serde_json::{Value, json};

/// The texts at `member` of the objects in the list at `list`.
fn texts<'a>(answer: &'a Value, list: &str, member: &str) -> Vec<&'a str> {
    let items =
        answer.pointer(list).and_then(Value::as_array).unwrap_or_else(|| panic!("no {list} in {answer}"));
    items
        .iter()
        .map(|item| item[member].as_str().unwrap_or_else(|| panic!("no {member} in {item}")))
        .collect()
}

const TYPES: &str = "/InstanceTypes/InstanceType";

#[tokio::test]
async fn regions_and_zones_have_names_and_endpoints() {
    let mut wire = Wire::start().await;
    let regions = wire.succeed("Vpc DescribeRegions", "").await;
    let hangzhou =
        regions["Regions"]["Region"].as_array().unwrap().iter().find(|r| r["RegionId"] == "cn-hangzhou");
    let expected = json!({
        "RegionId": "cn-hangzhou", "LocalName": "China (Hangzhou)", "RegionEndpoint": "vpc.cn-hangzhou.aliyuncs.com",
    });
    assert_eq!(hangzhou, Some(&expected));
    let zones = wire.succeed("Vpc DescribeZones RegionId=us-east-1", "").await;
    assert_eq!(texts(&zones, "/Zones/Zone", "ZoneId"), ["us-east-1a", "us-east-1b"]);
    assert_eq!(texts(&zones, "/Zones/Zone", "LocalName"), ["Virginia Zone A", "Virginia Zone B"]);
    let none = wire.succeed("Vpc DescribeZones ZoneType=EdgeZone", "").await;
    assert_eq!(none["Zones"]["Zone"], json!([]));
    let terse = wire.succeed("Ecs DescribeZones Verbose=false", "").await;
    assert_eq!(terse["Zones"]["Zone"][0]["AvailableInstanceTypes"]["InstanceTypes"], json!([]));
    let whole = wire.succeed("Ecs DescribeZones", "").await;
    let types = &whole["Zones"]["Zone"][0]["AvailableInstanceTypes"]["InstanceTypes"];
    assert!(types.as_array().unwrap().contains(&json!("ecs.g7.large")));
    wire.stop().await;
}

#[tokio::test]
async fn an_unknown_region_and_an_unknown_word_are_refused() {
    let wire = Wire::start().await;
    for (call, code) in [
        ("Vpc DescribeVpcs RegionId=moon", "InvalidRegionId.NotFound 404"),
        ("Vpc DescribeZones RegionId=moon", "InvalidRegionId.NotFound 404"),
        ("Ecs DescribeZones RegionId=moon", "InvalidRegionId.NotFound 404"),
        ("Ecs DescribeZones AcceptLanguage=la", "InvalidAcceptLanguage.NotFound 404"),
        ("Ecs DescribeZones InstanceChargeType=Free", "InvalidInstanceChargeType.NotFound 404"),
        ("Ecs DescribeZones SpotStrategy=Free", "InvalidSpotStrategy 400"),
        ("Ecs DescribeRegions InstanceChargeType=Free", "Invalid.InstanceChargeType 403"),
        ("Ecs DescribeRegions ResourceType=moon", "InvalidResourceType.NotFound 404"),
        ("Ecs DescribeInstanceTypes MaxResults=0", "InvalidParameter 400"),
        ("Ecs DescribeInstanceTypes NextToken=moon", "Invalid.NextToken 400"),
        ("Ecs DescribeInstanceTypes InstanceFamilyLevel=High", "InvalidParameter 400"),
        ("Ecs DescribeAvailableResource DestinationResource=Moon", "Invalid.DestinationResource 404"),
        ("Ecs DescribeAvailableResource DestinationResource=Zone IoOptimized=yes", "Invalid.IoOptimized 404"),
        ("Ecs DescribeAvailableResource DestinationResource=Zone Scope=Moon", "InvalidParameter.Scope 403"),
        (
            "Ecs DescribeAvailableResource DestinationResource=InstanceType InstanceType=ecs.g7.large Cores=2",
            "InvalidParam.TypeAndCpuMem.Conflict 403",
        ),
        (
            "Ecs DescribeAvailableResource DestinationResource=InstanceType Cores=two",
            "InvalidParam.Cores 403",
        ),
        ("Ecs DescribeImages ImageOwnerAlias=me", "InvalidImageOwnerAlias.ValueNotSupported 400"),
        ("Ecs DescribeImages Architecture=sparc", "InvalidArchitecture 404"),
        ("Ecs DescribeImages OSType=dos", "InvalidOSType 404"),
        ("Ecs DescribeImages Usage=moon", "InvalidUsage 404"),
        ("Ecs DescribeImages InstanceType=ecs.moon.large", "InvalidInstanceType.ValueNotSupported 400"),
        ("Ecs DescribeImages Filter.1.Key=Moon Filter.1.Value=x", "InvalidFilterKey.NotFound 404"),
        ("Ecs DescribeImages Filter.1.Key=OSType", "InvalidFilterValue 404"),
        ("Ecs DescribeImages PageSize=101", "InvalidParamter 400"),
    ] {
        assert_eq!(wire.refused(call).await, code, "{call}");
    }
    wire.stop().await;
}

#[tokio::test]
async fn instance_types_are_filtered_and_paged() {
    let mut wire = Wire::start().await;
    let g7 = wire.succeed("Ecs DescribeInstanceTypes InstanceTypes.1=ecs.g7.xlarge", "").await;
    let shown = &g7["InstanceTypes"]["InstanceType"][0];
    for (member, value) in [
        ("InstanceTypeFamily", json!("ecs.g7")),
        ("CpuCoreCount", json!(4)),
        ("MemorySize", json!(16.0)),
        ("CpuArchitecture", json!("X86")),
        ("EniQuantity", json!(4)),
        ("EniPrivateIpAddressQuantity", json!(15)),
        ("InstanceCategory", json!("General-purpose")),
        ("InstanceFamilyLevel", json!("EnterpriseLevel")),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    for (filter, first, count) in [
        ("InstanceTypes.1=ecs.g7.large InstanceTypes.2=ecs.moon.large", "ecs.g7.large", Some(1)),
        ("InstanceTypeFamily=ecs.g7 MaximumCpuCoreCount=4", "ecs.g7.large", Some(2)),
        (
            "InstanceTypeFamilies.1=ecs.g7 MinimumCpuCoreCount=4 MaximumCpuCoreCount=4",
            "ecs.g7.xlarge",
            Some(1),
        ),
        ("InstanceTypeFamily=ecs.g7 MinimumMemorySize=16 MaximumMemorySize=16", "ecs.g7.xlarge", Some(1)),
        ("InstanceTypeFamily=ecs.g7 MinimumEniQuantity=4 MaximumCpuCoreCount=4", "ecs.g7.xlarge", Some(1)),
        ("InstanceCategory=Big+data", "", Some(0)),
        ("InstanceCategories.1=General-purpose CpuArchitecture=x86", "ecs.g5.16xlarge", None),
        ("InstanceFamilyLevel=CreditEntryLevel", "ecs.t5-c1m1.2xlarge", None),
        ("CpuArchitectures.1=ARM", "", Some(0)),
        ("InstanceTypeFamily=ecs.g7 MinimumGPUAmount=1", "", Some(0)),
        ("InstanceTypeFamily=ecs.g7 MinimumGPUAmount=0 MaximumCpuCoreCount=2", "ecs.g7.large", Some(1)),
        ("GPUSpec=moon", "", Some(0)),
        ("NvmeSupport=required", "", Some(0)),
    ] {
        let answer = wire.succeed(&format!("Ecs DescribeInstanceTypes {filter}"), "").await;
        let ids = texts(&answer, TYPES, "InstanceTypeId");
        assert_eq!(ids.first().copied().unwrap_or_default(), first, "{filter}");
        assert!(count.is_none_or(|count| count == ids.len()), "{filter}: {ids:?}");
    }
    let all = wire.succeed("Ecs DescribeInstanceTypes", "").await;
    assert_eq!(all["NextToken"], "");
    let (mut walked, mut token) = (Vec::new(), String::new());
    loop {
        let page =
            wire.succeed(&format!("Ecs DescribeInstanceTypes MaxResults=100 NextToken={token}"), "").await;
        walked.extend(texts(&page, TYPES, "InstanceTypeId").into_iter().map(str::to_owned));
        token = page["NextToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(walked, texts(&all, TYPES, "InstanceTypeId"));
    let sixth = wire.succeed("Ecs DescribeInstanceTypeFamilies Generation=ecs-6", "").await;
    let families = texts(&sixth, "/InstanceTypeFamilies/InstanceTypeFamily", "InstanceTypeFamilyId");
    assert!(families.contains(&"ecs.g6") && !families.contains(&"ecs.g7"), "{families:?}");
    wire.stop().await;
}

#[tokio::test]
async fn what_can_be_had_is_shown_by_zone() {
    let mut wire = Wire::start().await;
    let mut had = async |filter: &str| {
        let answer =
            wire.succeed(&format!("Ecs DescribeAvailableResource DestinationResource={filter}"), "").await;
        let zones = answer["AvailableZones"]["AvailableZone"].as_array().unwrap().clone();
        let first = zones.first().map(|z| z["AvailableResources"]["AvailableResource"][0].clone());
        let first = first.unwrap_or(Value::Null);
        let found = first["SupportedResources"]["SupportedResource"].as_array().map_or(0, Vec::len);
        (zones.len(), first["Type"].as_str().unwrap_or_default().to_owned(), found)
    };
    for (filter, zones, kind, found) in [
        ("InstanceType InstanceType=ecs.g7.large ZoneId=cn-hangzhou-k", 1, "InstanceType", 1),
        ("InstanceType InstanceType=ecs.moon.large", 0, "", 0),
        ("InstanceType InstanceType=ecs.g7.large NetworkCategory=classic", 0, "", 0),
        ("SystemDisk SystemDiskCategory=cloud_essd", 10, "SystemDisk", 1),
        ("DataDisk", 10, "DataDisk", 5),
        ("Network", 10, "Network", 1),
        ("IoOptimized", 10, "IoOptimized", 1),
        ("Zone ZoneId=cn-hangzhou-k", 1, "Zone", 1),
        ("Zone ZoneId=moon", 0, "", 0),
        ("ddh", 0, "", 0),
    ] {
        assert_eq!(had(filter).await, (zones, kind.to_owned(), found), "{filter}");
    }
    let (zones, _, found) = had("InstanceType Cores=4 Memory=16 ZoneId=cn-hangzhou-k").await;
    assert!(zones == 1 && found > 5, "{found} types of 4 vCPUs and 16 GiB");
    wire.stop().await;
}

#[tokio::test]
async fn images_are_filtered_and_paged() {
    let mut wire = Wire::start().await;
    let mut ids = async |filter: &str| {
        let answer = wire.succeed(&format!("Ecs DescribeImages PageSize=100 {filter}"), "").await;
        let ids: Vec<String> =
            texts(&answer, "/Images/Image", "ImageId").into_iter().map(str::to_owned).collect();
        assert_eq!(answer["TotalCount"], ids.len(), "{filter}");
        ids
    };
    let all = ids("").await;
    let ubuntu = "ubuntu_22_04_x64_20G_alibase_20240710.vhd";
    for (filter, expected) in [
        (format!("ImageId={ubuntu}"), vec![ubuntu]),
        (format!("ImageId={ubuntu},m-1"), vec![ubuntu]),
        (format!("Filter.1.Key=ImageName Filter.1.Value={ubuntu}"), vec![ubuntu]),
        ("ImageFamily=acs:ubuntu_22_04_x64".to_owned(), vec![ubuntu]),
        ("Architecture=arm64 ImageFamily=acs:ubuntu_22_04_x64".to_owned(), vec![]),
        ("ImageId=m-1".to_owned(), vec![]),
        ("ImageOwnerAlias=self".to_owned(), vec![]),
        ("Status=Creating".to_owned(), vec![]),
        ("IsPublic=false".to_owned(), vec![]),
        ("Tag.1.Key=env".to_owned(), vec![]),
        ("Usage=instance".to_owned(), vec![]),
    ] {
        assert_eq!(ids(&filter).await, expected, "{filter}");
    }
    for filter in
        ["ImageOwnerAlias=system", "Status=Available,Waiting", "IsPublic=true IsSupportCloudinit=true"]
    {
        assert_eq!(ids(filter).await, all, "{filter}");
    }
    let linux = ids("OSType=linux").await;
    let windows = ids("OSType=windows").await;
    assert!(!windows.is_empty() && linux.len() + windows.len() == all.len());
    assert!(ids("InstanceType=ecs.g7.large").await.iter().all(|id| !id.contains("arm64")));
    let page = wire.succeed("Ecs DescribeImages PageNumber=2 PageSize=3", "").await;
    assert_eq!(texts(&page, "/Images/Image", "ImageId"), all[3..6]);
    assert_eq!(page["TotalCount"], all.len());
    wire.stop().await;
}

#[tokio::test]
async fn the_native_wire_shows_the_same_catalogue() {
    let wire = Wire::start().await;
    let native = wire.native();
    let get = async |path: &str| native.get(path).await.expect(200);
    let zones = get("/v1/zones?region_id=us-east-1").await;
    let expected = json!({ "id": "us-east-1a", "name": "Virginia Zone A", "region_id": "us-east-1" });
    assert_eq!(zones["items"][0], expected);
    assert!(get("/v1/zones").await["items"].as_array().unwrap().len() > 50);
    assert_eq!(get("/v1/instance-types/ecs.g7.xlarge").await["max_network_interfaces"], 4);
    let page = get("/v1/instance-types?family=ecs.g7&page_size=1").await;
    assert_eq!(
        (&page["items"][0]["id"], &page["next_page_token"]),
        (&json!("ecs.g7.16xlarge"), &json!("ecs.g7.16xlarge"))
    );
    let next = get("/v1/instance-types?family=ecs.g7&page_size=1&page_token=ecs.g7.16xlarge").await;
    assert_eq!(next["items"][0]["id"], "ecs.g7.2xlarge");
    let small = get(
        "/v1/instance-types?family=ecs.g7&min_vcpus=4&min_memory_mib=16384&architecture=x86_64&trunk=true",
    )
    .await;
    assert!(small["items"].as_array().is_some(), "{small}");
    let arm = get("/v1/images?architecture=arm64&os_type=linux").await;
    assert!(texts(&arm, "/items", "id").iter().all(|id| id.contains("arm64")));
    let ubuntu = "ubuntu_22_04_x64_20G_alibase_20240710.vhd";
    assert_eq!(get(&format!("/v1/images/{ubuntu}")).await["size_gib"], 20);
    for (path, status, code) in [
        ("/v1/zones?region_id=moon", 404, "region_not_found"),
        ("/v1/instance-types/ecs.moon.large", 404, "instance_type_unlisted"),
        ("/v1/instance-types?page_token=moon", 422, "invalid_parameter"),
        ("/v1/instance-types?page_size=0", 400, "malformed_request"),
        ("/v1/instance-types?architecture=sparc", 400, "malformed_request"),
        ("/v1/images/m-1", 404, "image_unlisted"),
        ("/v1/images?page_token=moon", 422, "invalid_parameter"),
    ] {
        assert_eq!(native.get(path).await.refused(status), code, "{path}");
    }
    wire.stop().await;
}
