"""vSwitches: what CreateVSwitch and its relatives answer, and what they refuse."""

import pytest
from conftest import OTHER_ZONE, ZONE, until


def test_create_and_show(cloud):
    vpc = cloud.new_vpc()
    made = cloud.vpc(
        "CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock="10.0.1.0/24", VSwitchName="web", Description="front ends"
    )["VSwitchId"]
    assert made.startswith("vsw-")
    look = lambda: cloud.vpc("DescribeVSwitchAttributes", VSwitchId=made)
    until(lambda: look()["Status"], "Available")
    shown = look()
    assert shown["VpcId"] == vpc
    assert shown["ZoneId"] == ZONE
    assert shown["CidrBlock"] == "10.0.1.0/24"
    assert shown["VSwitchName"] == "web"
    assert shown["Description"] == "front ends"
    # The first address and the last three are the provider's.
    assert shown["AvailableIpAddressCount"] == 252
    assert shown["IsDefault"] is False
    system = cloud.vpc("DescribeVpcs", VpcId=vpc)["Vpcs"]["Vpc"][0]["RouterTableIds"]["RouterTableIds"]
    assert [shown["RouteTable"]["RouteTableId"]] == system
    assert cloud.vpc("DescribeVpcAttribute", VpcId=vpc)["VSwitchIds"] == {"VSwitchId": [made]}


@pytest.mark.parametrize("mask, free", [(16, 65532), (20, 4092), (28, 12), (29, 4)])
def test_free_addresses_follow_the_mask(cloud, mask, free):
    vswitch = cloud.new_vswitch(cloud.new_vpc(), f"10.1.0.0/{mask}")
    assert cloud.vpc("DescribeVSwitchAttributes", VSwitchId=vswitch)["AvailableIpAddressCount"] == free


@pytest.mark.parametrize(
    "block, code",
    [
        ("10.0.0.0/15", "InvalidCirdrBlock.MaskLength"),
        ("10.0.0.0/30", "InvalidCirdrBlock.MaskLength"),
        ("10.0.0.1/24", "InvalidCidrBlock.Malformed"),
        ("nonsense", "InvalidCidrBlock.Malformed"),
        ("11.0.0.0/24", "InvalidParameter"),
        ("10.0.1.0/24", "InvalidCidrBlock.Overlapped"),
        ("10.0.0.0/16", "InvalidCidrBlock.Overlapped"),
        ("10.0.1.128/25", "InvalidCidrBlock.Overlapped"),
    ],
)
def test_a_bad_block_is_refused(cloud, refused, block, code):
    vpc = cloud.new_vpc()
    cloud.new_vswitch(vpc, "10.0.1.0/24")
    refused(code, 400, cloud.vpc, "CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock=block)
    assert cloud.vswitch_count(vpc) == 1


def test_unknown_vpc_and_zone(cloud, refused):
    vpc = cloud.new_vpc()
    block = {"CidrBlock": "10.0.1.0/24"}
    refused("InvalidVpcId.NotFound", 404, cloud.vpc, "CreateVSwitch", VpcId="vpc-nothing", ZoneId=ZONE, **block)
    refused("InvalidZoneId.NotFound", 404, cloud.vpc, "CreateVSwitch", VpcId=vpc, ZoneId="cn-hangzhou-zz", **block)


def test_a_vswitch_as_wide_as_its_vpc_leaves_no_room(cloud, refused):
    vpc = cloud.new_vpc(CidrBlock="192.168.0.0/16")
    cloud.new_vswitch(vpc, "192.168.0.0/16")
    refused(
        "InvalidCidrBlock.Overlapped", 400, cloud.vpc, "CreateVSwitch", VpcId=vpc, ZoneId=ZONE, CidrBlock="192.168.1.0/24"
    )


def test_ipv6(cloud):
    vpc = cloud.new_vpc(EnableIpv6=True)
    whole = cloud.vpc("DescribeVpcAttribute", VpcId=vpc)["Ipv6CidrBlock"]
    vswitch = cloud.new_vswitch(vpc, Ipv6CidrBlock=7)
    block = cloud.vpc("DescribeVSwitchAttributes", VSwitchId=vswitch)["Ipv6CidrBlock"]
    assert block.endswith("/64")
    assert block.split("::")[0].startswith(whole.split("::")[0].rstrip("0"))


def test_modify(cloud, refused):
    vswitch = cloud.new_vswitch(cloud.new_vpc())
    cloud.vpc("ModifyVSwitchAttribute", VSwitchId=vswitch, VSwitchName="db", Description="changed")
    shown = cloud.vpc("DescribeVSwitchAttributes", VSwitchId=vswitch)
    assert (shown["VSwitchName"], shown["Description"]) == ("db", "changed")
    refused("InvalidVSwitchName.Malformed", 400, cloud.vpc, "ModifyVSwitchAttribute", VSwitchId=vswitch, VSwitchName="http://x")


def test_delete_frees_the_block(cloud, refused):
    vpc = cloud.new_vpc()
    first = cloud.new_vswitch(vpc)
    cloud.delete_vswitch(first)
    second = cloud.new_vswitch(vpc)
    assert second != first
    refused("InvalidVSwitchId.NotFound", 404, cloud.vpc, "DeleteVSwitch", VSwitchId=first)


def test_list_by_vpc_zone_name_and_page(cloud):
    vpc, other = cloud.new_vpc(), cloud.new_vpc()
    here = [cloud.new_vswitch(vpc, f"10.0.{n}.0/24", ZONE, VSwitchName=f"s{n}") for n in range(3)]
    there = cloud.new_vswitch(vpc, "10.0.9.0/24", OTHER_ZONE)
    cloud.new_vswitch(other)
    ids = lambda **filters: {s["VSwitchId"] for s in cloud.vpc("DescribeVSwitches", **filters)["VSwitches"]["VSwitch"]}
    assert ids(VpcId=vpc) == {*here, there}
    assert ids(VpcId=vpc, ZoneId=OTHER_ZONE) == {there}
    assert ids(VpcId=vpc, VSwitchName="s1") == {here[1]}
    assert ids(VpcId="vpc-nothing") == set()
    pages = [cloud.vpc("DescribeVSwitches", VpcId=vpc, PageNumber=n, PageSize=3) for n in (1, 2)]
    assert [len(p["VSwitches"]["VSwitch"]) for p in pages] == [3, 1]
    assert [p["TotalCount"] for p in pages] == [4, 4]
