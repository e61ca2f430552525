"""What a client asks before it makes anything: who it is, where products are served, what there is to be had."""

from conftest import ENDPOINT, OTHER_ZONE, ZONE


def test_the_keys_belong_to_an_account(cloud):
    me = cloud.call("sts", "GetCallerIdentity")
    assert (me["AccountId"], me["IdentityType"]) == (str(cloud.account), "Account")
    assert me["Arn"] == f"acs:ram::{cloud.account}:root"
    # The accepter of a peering connection is named by this number.
    assert cloud.other().call("sts", "GetCallerIdentity")["AccountId"] == str(cloud.account + 1)


def test_every_product_is_served_where_the_client_asked(cloud, refused):
    for product in ("vpc", "ecs", "slb"):
        asked = dict(Id="cn-hangzhou", ServiceCode=product, Type="openAPI")
        (endpoint,) = cloud.call("location", "DescribeEndpoints", **asked)["Endpoints"]["Endpoint"]
        assert (endpoint["Endpoint"], endpoint["SerivceCode"]) == (ENDPOINT, product)
    refused("InvalidRegionId.NotFound", 404, cloud.call, "location", "DescribeEndpoints", Id="mars-north-1", ServiceCode="vpc")
    refused("Illegal Parameter", 400, cloud.call, "location", "DescribeEndpoints", Id="cn-hangzhou", ServiceCode="nonsense")


def test_regions_and_zones_are_the_same_for_every_product(cloud):
    regions = [
        {region["RegionId"] for region in cloud.call(product, "DescribeRegions")["Regions"]["Region"]}
        for product in ("vpc", "ecs", "slb")
    ]
    assert regions[0] == regions[1] == regions[2]
    assert {"cn-hangzhou", "cn-beijing"} <= regions[0]
    zones = {zone["ZoneId"] for zone in cloud.vpc("DescribeZones")["Zones"]["Zone"]}
    assert {ZONE, OTHER_ZONE} <= zones
    assert zones == {zone["ZoneId"] for zone in cloud.ecs("DescribeZones", Verbose=False)["Zones"]["Zone"]}


def test_a_load_balancer_has_a_secondary_zone(cloud):
    for zone in cloud.slb("DescribeZones")["Zones"]["Zone"]:
        secondary = {slave["ZoneId"] for slave in zone["SlaveZones"]["SlaveZone"]}
        assert secondary and zone["ZoneId"] not in secondary
    pairs = cloud.slb("DescribeAvailableResource", AddressType="internet", AddressIPVersion="ipv4")
    for pair in pairs["AvailableResources"]["AvailableResource"]:
        assert pair["MasterZoneId"] != pair["SlaveZoneId"]
        assert {(one["AddressType"], one["AddressIPVersion"]) for one in pair["SupportResources"]["SupportResource"]} == {
            ("internet", "ipv4")
        }
    # What is offered can be bought.
    pair = pairs["AvailableResources"]["AvailableResource"][0]
    zones = dict(MasterZoneId=pair["MasterZoneId"], SlaveZoneId=pair["SlaveZoneId"])
    made = cloud.slb("CreateLoadBalancer", AddressType="internet", LoadBalancerSpec="slb.s1.small", **zones)["LoadBalancerId"]
    shown = cloud.slb("DescribeLoadBalancerAttribute", LoadBalancerId=made)
    assert (shown["MasterZoneId"], shown["SlaveZoneId"]) == (pair["MasterZoneId"], pair["SlaveZoneId"])
    cloud.slb("DeleteLoadBalancer", LoadBalancerId=made)


def test_families_hold_the_types_that_can_be_run(cloud):
    families = cloud.ecs("DescribeInstanceTypeFamilies")["InstanceTypeFamilies"]["InstanceTypeFamily"]
    known = {family["InstanceTypeFamilyId"] for family in families}
    types = cloud.ecs("DescribeInstanceTypes", InstanceTypes=["ecs.g7.large"])["InstanceTypes"]["InstanceType"]
    assert types[0]["InstanceTypeFamily"] in known
    generation = families[0]["Generation"]
    some = cloud.ecs("DescribeInstanceTypeFamilies", Generation=generation)["InstanceTypeFamilies"]["InstanceTypeFamily"]
    assert {family["Generation"] for family in some} == {generation}


def test_types_that_are_to_be_had_in_a_zone(cloud):
    asked = dict(DestinationResource="InstanceType", ZoneId=ZONE, InstanceType="ecs.g7.large")
    (zone,) = cloud.ecs("DescribeAvailableResource", **asked)["AvailableZones"]["AvailableZone"]
    (kind,) = zone["AvailableResources"]["AvailableResource"]
    (found,) = kind["SupportedResources"]["SupportedResource"]
    assert (zone["ZoneId"], kind["Type"], found["Value"], found["Status"]) == (
        ZONE,
        "InstanceType",
        "ecs.g7.large",
        "Available",
    )


def test_tags_of_every_product(cloud):
    vpc = cloud.new_vpc()
    group = cloud.new_group(vpc)
    for call, kind, made, off in (
        (cloud.vpc, "VPC", vpc, "UnTagResources"),
        (cloud.ecs, "securitygroup", group, "UntagResources"),
    ):
        on_it = dict(ResourceType=kind, ResourceId=[made])
        tags = lambda: call("ListTagResources", **on_it)["TagResources"]["TagResource"]
        call("TagResources", Tag=[{"Key": "team", "Value": "net"}, {"Key": "env", "Value": "prod"}], **on_it)
        assert {(tag["TagKey"], tag["TagValue"]) for tag in tags()} == {("team", "net"), ("env", "prod")}
        call(off, TagKey=["env"], **on_it)
        assert [tag["TagKey"] for tag in tags()] == ["team"]
    tagged = cloud.vpc("DescribeVpcs", Tag=[{"Key": "team", "Value": "net"}])["Vpcs"]["Vpc"]
    assert [one["VpcId"] for one in tagged] == [vpc]


def test_what_is_paid_for_is_listed(cloud):
    used = cloud.slb("CreateLoadBalancer", LoadBalancerSpec="slb.s1.small")["LoadBalancerId"]
    ahead = dict(PayType="PrePay", PricingCycle="month", Duration=1)
    kept = cloud.slb("CreateLoadBalancer", LoadBalancerSpec="slb.s1.small", **ahead)["LoadBalancerId"]
    for filters, wanted in (
        (dict(ProductCode="slb"), {used, kept}),
        (dict(ProductCode="slb", SubscriptionType="Subscription"), {kept}),
        (dict(ProductCode="slb", SubscriptionType="PayAsYouGo"), {used}),
        (dict(ProductCode="ecs"), set()),
        (dict(InstanceIDs=f"{used},lb-none"), {used}),
    ):
        bill = cloud.call("bssopenapi", "QueryAvailableInstances", **filters)
        data = bill["Data"]
        assert (bill["Success"], data["TotalCount"], {one["InstanceID"] for one in data["InstanceList"]}) == (
            True,
            len(wanted),
            wanted,
        )
    (bought,) = cloud.call("bssopenapi", "QueryAvailableInstances", InstanceIDs=kept)["Data"]["InstanceList"]
    assert (bought["Region"], bought["OwnerId"]) == ("cn-hangzhou", cloud.account)


def default_group(cloud):
    (group,) = cloud.call("resourcemanager", "ListResourceGroups")["ResourceGroups"]["ResourceGroup"]
    assert (group["Name"], group["Status"], group["AccountId"]) == ("default", "OK", str(cloud.account))
    return group["Id"]


def test_what_is_made_lies_in_the_default_resource_group(cloud, refused):
    group, vpc = default_group(cloud), cloud.new_vpc()
    assert cloud.vpc("DescribeVpcAttribute", VpcId=vpc)["ResourceGroupId"] == group
    eni = cloud.new_eni(cloud.new_vswitch(vpc), cloud.new_group(vpc))
    there = dict(ResourceType="vpc", ResourceId=vpc)
    cloud.vpc("MoveResourceGroup", NewResourceGroupId=group, **there)
    cloud.ecs("JoinResourceGroup", ResourceType="eni", ResourceId=eni, ResourceGroupId=group)
    assert cloud.vpc("DescribeVpcs", ResourceGroupId=group)["TotalCount"] == 1
    elsewhere = default_group(cloud.other())
    refused("InvalidResourceGroupId", 400, cloud.vpc, "MoveResourceGroup", NewResourceGroupId=elsewhere, **there)


def test_a_resource_moves_to_another_resource_group(timed_cloud):
    """Groups are made over the native wire: the action that makes them is not served."""
    cloud = timed_cloud
    before, vpc = default_group(cloud), cloud.new_vpc()
    made = cloud.told("/v1/resource-groups", "POST", json={"name": "prod"})["id"]
    listed = cloud.call("resourcemanager", "ListResourceGroups", PageSize=1, PageNumber=2)
    assert (listed["TotalCount"], [group["Id"] for group in listed["ResourceGroups"]["ResourceGroup"]]) == (2, [made])
    cloud.vpc("MoveResourceGroup", ResourceType="vpc", ResourceId=vpc, NewResourceGroupId=made)
    assert cloud.vpc("DescribeVpcs", ResourceGroupId=before)["TotalCount"] == 0
    (moved,) = cloud.vpc("DescribeVpcs", ResourceGroupId=made)["Vpcs"]["Vpc"]
    assert moved["VpcId"] == vpc
