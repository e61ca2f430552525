"""VPCs: what CreateVpc and its relatives answer, and what they refuse."""

import pytest
from conftest import Cloud, until

TAGS = [{"Key": "env", "Value": "prod"}, {"Key": "owner", "Value": ""}]


def test_create_names_vpc_vrouter_and_table(cloud):
    made = cloud.vpc("CreateVpc", CidrBlock="192.168.0.0/16", VpcName="prod", Description="the production network", Tag=TAGS)
    assert made["VpcId"].startswith("vpc-")
    assert made["VRouterId"].startswith("vrt-")
    assert made["RouteTableId"].startswith("vtb-")
    assert made["RequestId"]

    look = lambda: cloud.vpc("DescribeVpcAttribute", VpcId=made["VpcId"])
    until(lambda: look()["Status"], "Available")
    shown = look()
    assert shown["CidrBlock"] == "192.168.0.0/16"
    assert shown["VpcName"] == "prod"
    assert shown["Description"] == "the production network"
    assert shown["VRouterId"] == made["VRouterId"]
    assert shown["RegionId"] == "cn-hangzhou"
    assert shown["IsDefault"] is False
    assert shown["VSwitchIds"] == {"VSwitchId": []}
    assert shown["SecondaryCidrBlocks"] == {"SecondaryCidrBlock": []}

    (listed,) = cloud.vpc("DescribeVpcs", VpcId=made["VpcId"])["Vpcs"]["Vpc"]
    assert listed["RouterTableIds"] == {"RouterTableIds": [made["RouteTableId"]]}
    assert sorted((t["Key"], t["Value"]) for t in listed["Tags"]["Tag"]) == [("env", "prod"), ("owner", "")]


def test_a_new_vpc_is_pending_at_first(cloud):
    vpc = cloud.vpc("CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
    seen = cloud.vpc("DescribeVpcAttribute", VpcId=vpc)["Status"]
    assert seen in ("Pending", "Available")
    until(lambda: cloud.vpc("DescribeVpcAttribute", VpcId=vpc)["Status"], "Available")


def test_without_a_block_it_is_172_16(cloud):
    vpc = cloud.vpc("CreateVpc")["VpcId"]
    assert cloud.vpc("DescribeVpcAttribute", VpcId=vpc)["CidrBlock"] == "172.16.0.0/12"


def test_ipv6_gives_a_56(cloud):
    vpc = cloud.new_vpc(EnableIpv6=True)
    block = cloud.vpc("DescribeVpcAttribute", VpcId=vpc)["Ipv6CidrBlock"]
    assert block.endswith("/56")


@pytest.mark.parametrize(
    "block",
    [
        "10.0.0.0/7",
        "10.0.0.0/29",
        "10.0.0.1/8",
        "010.0.0.0/8",
        "100.64.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/8",
        "10.0.0.0",
        "fd00::/8",
        "ten",
    ],
)
def test_a_bad_block_is_refused(cloud, refused, block):
    refusal = refused("InvalidParameter", 400, cloud.vpc, "CreateVpc", CidrBlock=block)
    assert block in refusal.message
    assert cloud.vpc("DescribeVpcs")["TotalCount"] == 0


def test_bad_names_and_tags_are_refused(cloud, refused):
    refused("InvalidVpcName.Malformed", 400, cloud.vpc, "CreateVpc", VpcName="http://x")
    refused("InvalidVpcName.Malformed", 400, cloud.vpc, "CreateVpc", VpcName="n" * 129)
    refused("InvalidVpcDiscription.Malformed", 400, cloud.vpc, "CreateVpc", Description="https://x")
    assert cloud.vpc("DescribeVpcs")["TotalCount"] == 0


def test_two_vpcs_may_overlap(cloud):
    assert cloud.new_vpc() != cloud.new_vpc()


def test_modify(cloud, refused):
    vpc = cloud.new_vpc(VpcName="before")
    cloud.vpc("ModifyVpcAttribute", VpcId=vpc, VpcName="after", Description="changed")
    shown = cloud.vpc("DescribeVpcAttribute", VpcId=vpc)
    assert (shown["VpcName"], shown["Description"]) == ("after", "changed")
    refused("InvalidVpcId.NotFound", 404, cloud.vpc, "ModifyVpcAttribute", VpcId="vpc-nothing", VpcName="x")


def test_delete(cloud, refused):
    vpc = cloud.new_vpc()
    vswitch = cloud.new_vswitch(vpc)
    refusal = refused("DependencyViolation.VSwitch", 400, cloud.vpc, "DeleteVpc", VpcId=vpc)
    assert vswitch in refusal.message
    cloud.delete_vswitch(vswitch)
    cloud.delete_vpc(vpc)
    refused("InvalidVpcId.NotFound", 404, cloud.vpc, "DescribeVpcAttribute", VpcId=vpc)
    refused("InvalidVpcId.NotFound", 404, cloud.vpc, "DeleteVpc", VpcId=vpc)


def test_list_by_page_name_tag_and_id(cloud):
    made = [cloud.vpc("CreateVpc", VpcName=f"net-{n}", Tag=[{"Key": "n", "Value": str(n)}])["VpcId"] for n in range(5)]
    pages = [cloud.vpc("DescribeVpcs", PageNumber=n, PageSize=2) for n in (1, 2, 3, 4)]
    assert [p["TotalCount"] for p in pages] == [5] * 4
    assert [p["PageNumber"] for p in pages] == [1, 2, 3, 4]
    assert [p["PageSize"] for p in pages] == [2] * 4
    seen = [vpc["VpcId"] for page in pages for vpc in page["Vpcs"]["Vpc"]]
    assert sorted(seen) == sorted(made)
    assert pages[3]["Vpcs"] == {"Vpc": []}

    ids = lambda **filters: [v["VpcId"] for v in cloud.vpc("DescribeVpcs", **filters)["Vpcs"]["Vpc"]]
    assert ids(VpcName="net-3") == [made[3]]
    assert ids(Tag=[{"Key": "n", "Value": "2"}]) == [made[2]]
    assert sorted(ids(VpcId=f"{made[0]},{made[1]}")) == sorted(made[:2])
    assert ids(VpcId="vpc-nothing") == []
    assert ids(IsDefault=True) == []


def test_page_sizes_have_limits(cloud, refused):
    refused("InvalidParameter", 400, cloud.vpc, "DescribeVpcs", PageSize=51)
    refused("InvalidParameter", 400, cloud.vpc, "DescribeVpcs", PageSize=0)
    refused("InvalidParameter", 400, cloud.vpc, "DescribeVpcs", PageNumber=0)


def test_ten_vpcs_a_region(cloud, refused):
    for _ in range(10):
        cloud.vpc("CreateVpc")
    refused("QuotaExceeded.Vpc", 400, cloud.vpc, "CreateVpc")


def test_accounts_do_not_see_each_other(cloud, generation, refused):
    vpc = cloud.new_vpc()
    stranger = Cloud(generation, "w-default-a-1999999999999999")
    refused("InvalidVpcId.NotFound", 404, stranger.vpc, "DescribeVpcAttribute", VpcId=vpc)
    assert stranger.vpc("DescribeVpcs", VpcId=vpc)["TotalCount"] == 0
