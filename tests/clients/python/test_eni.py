"""Network interfaces: what a network plugin does with them through the SDKs."""

import pytest
from conftest import OTHER_ZONE, until


def show(cloud, eni):
    """An interface as the list shows it."""
    page = cloud.ecs("DescribeNetworkInterfaces", NetworkInterfaceId=[eni])
    return page["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]


def addresses(shown):
    return [one["PrivateIpAddress"] for one in shown["PrivateIpSets"]["PrivateIpSet"]]


@pytest.fixture
def place(cloud):
    """A vSwitch with IPv6 and a group of its VPC."""
    vpc = cloud.new_vpc(EnableIpv6=True)
    return vpc, cloud.new_vswitch(vpc, Ipv6CidrBlock=1), cloud.new_group(vpc)


def test_create_show_and_delete(cloud, refused, place):
    vpc, vswitch, group = place
    made = cloud.ecs(
        "CreateNetworkInterface",
        VSwitchId=vswitch,
        SecurityGroupId=group,
        NetworkInterfaceName="pod",
        Description="of pods",
        PrimaryIpAddress="10.0.1.7",
        Tag=[{"Key": "creator", "Value": "plugin"}],
    )
    eni = made["NetworkInterfaceId"]
    assert eni.startswith("eni-")
    assert (made["Status"], made["PrivateIpAddress"], made["Type"]) == ("Available", "10.0.1.7", "Secondary")
    assert made["MacAddress"].startswith("00:16:3e:")
    shown = show(cloud, eni)
    assert (shown["VpcId"], shown["VSwitchId"]) == (vpc, vswitch)
    assert shown["SecurityGroupIds"]["SecurityGroupId"] == [group]
    assert (shown["NetworkInterfaceName"], shown["Description"]) == ("pod", "of pods")
    assert shown["PrivateIpSets"]["PrivateIpSet"][0]["Primary"] is True
    assert shown["Tags"]["Tag"] == [{"TagKey": "creator", "TagValue": "plugin"}]
    refused("DependencyViolation", 400, cloud.vpc, "DeleteVSwitch", VSwitchId=vswitch)
    refused("DependencyViolation", 403, cloud.ecs, "DeleteSecurityGroup", SecurityGroupId=group)
    cloud.ecs("DeleteNetworkInterface", NetworkInterfaceId=eni)
    assert cloud.ecs("DescribeNetworkInterfaces", NetworkInterfaceId=[eni])["TotalCount"] == 0
    refused("InvalidEniId.NotFound", 404, cloud.ecs, "DeleteNetworkInterface", NetworkInterfaceId=eni)
    cloud.delete_vswitch(vswitch)
    cloud.ecs("DeleteSecurityGroup", SecurityGroupId=group)
    cloud.delete_vpc(vpc)


def test_addresses_by_count_and_by_name(cloud, refused, place):
    _, vswitch, group = place
    eni = cloud.new_eni(vswitch, group, PrimaryIpAddress="10.0.1.7")
    # The older SDK has no type for this answer's tree, so only the addresses are looked at.
    given = cloud.ecs("AssignPrivateIpAddresses", NetworkInterfaceId=eni, SecondaryPrivateIpAddressCount=2)
    new = given["AssignedPrivateIpAddressesSet"]["PrivateIpSet"]["PrivateIpAddress"]
    assert new == ["10.0.1.1", "10.0.1.2"]
    cloud.ecs("AssignPrivateIpAddresses", NetworkInterfaceId=eni, PrivateIpAddress=["10.0.1.99"])
    assert addresses(show(cloud, eni)) == ["10.0.1.7", "10.0.1.1", "10.0.1.2", "10.0.1.99"]
    again = {"NetworkInterfaceId": eni, "PrivateIpAddress": ["10.0.1.99"]}
    refused("InvalidPrivateIpAddress.Duplicated", 400, cloud.ecs, "AssignPrivateIpAddresses", **again)
    outside = {"NetworkInterfaceId": eni, "PrivateIpAddress": ["10.0.2.1"]}
    refused("InvalidVSwitchId.IpInvalid", 403, cloud.ecs, "AssignPrivateIpAddresses", **outside)
    cloud.ecs("UnassignPrivateIpAddresses", NetworkInterfaceId=eni, PrivateIpAddress=["10.0.1.1", "10.0.1.99"])
    assert addresses(show(cloud, eni)) == ["10.0.1.7", "10.0.1.2"]
    gone = {"NetworkInterfaceId": eni, "PrivateIpAddress": ["10.0.1.1"]}
    refused("InvalidIp.IpUnassigned", 403, cloud.ecs, "UnassignPrivateIpAddresses", **gone)


def test_ipv6(cloud, refused, place):
    vpc, vswitch, group = place
    eni = cloud.new_eni(vswitch, group)
    given = cloud.ecs("AssignIpv6Addresses", NetworkInterfaceId=eni, Ipv6AddressCount=2)["Ipv6Sets"]["Ipv6Address"]
    assert [one["Ipv6Address"] for one in show(cloud, eni)["Ipv6Sets"]["Ipv6Set"]] == given
    cloud.ecs("UnassignIpv6Addresses", NetworkInterfaceId=eni, Ipv6Address=given[:1])
    assert [one["Ipv6Address"] for one in show(cloud, eni)["Ipv6Sets"]["Ipv6Set"]] == given[1:]
    plain = cloud.new_eni(cloud.new_vswitch(vpc, "10.0.2.0/24"), group)
    more = {"NetworkInterfaceId": plain, "Ipv6AddressCount": 1}
    refused("InvalidOperation.VSwitchIpv6Disabled", 404, cloud.ecs, "AssignIpv6Addresses", **more)


def test_prefixes(new_cloud, refused):
    """The older SDK has prefixes on some of the actions only."""
    cloud = new_cloud
    vpc = cloud.new_vpc()
    vswitch, group = cloud.new_vswitch(vpc), cloud.new_group(vpc)
    eni = cloud.new_eni(vswitch, group, Ipv4PrefixCount=1)
    prefixes = lambda: [one["Ipv4Prefix"] for one in show(cloud, eni)["Ipv4PrefixSets"]["Ipv4PrefixSet"]]
    assert prefixes() == ["10.0.1.16/28"]
    given = cloud.ecs("AssignPrivateIpAddresses", NetworkInterfaceId=eni, Ipv4PrefixCount=1)
    assert given["AssignedPrivateIpAddressesSet"]["Ipv4PrefixSet"]["Ipv4Prefixes"] == ["10.0.1.32/28"]
    free = cloud.vpc("DescribeVSwitchAttributes", VSwitchId=vswitch)["AvailableIpAddressCount"]
    assert free == 252 - 1 - 2 * 16
    cloud.ecs("UnassignPrivateIpAddresses", NetworkInterfaceId=eni, Ipv4Prefix=["10.0.1.16/28"])
    assert prefixes() == ["10.0.1.32/28"]
    bad = {"VSwitchId": vswitch, "SecurityGroupId": group, "Ipv4Prefix": ["10.0.1.17/28"]}
    refused("InvalidIp.IpPrefixNotStrict", 403, cloud.ecs, "CreateNetworkInterface", **bad)


def test_a_full_vswitch(cloud, refused):
    vpc = cloud.new_vpc()
    vswitch, group = cloud.new_vswitch(vpc, "10.0.3.0/29"), cloud.new_group(vpc)
    for _ in range(4):
        cloud.new_eni(vswitch, group)
    more = {"VSwitchId": vswitch, "SecurityGroupId": group}
    refused("InvalidVSwitchId.IpNotEnough", 403, cloud.ecs, "CreateNetworkInterface", **more)


@pytest.mark.parametrize(
    "change, code, status",
    [
        ({"PrimaryIpAddress": "10.0.1.0"}, "InvalidVSwitchId.IpInvalid", 403),
        ({"PrimaryIpAddress": "10.0.1.254"}, "InvalidVSwitchId.IpInvalid", 403),
        ({"PrimaryIpAddress": "10.0.2.1"}, "InvalidVSwitchId.IpInvalid", 403),
        ({"VSwitchId": "vsw-nothing"}, "InvalidVSwitchId.NotFound", 404),
        ({"SecurityGroupId": "sg-nothing"}, "InvalidSecurityGroupId.NotFound", 404),
        ({"NetworkInterfaceName": "1st"}, "InvalidParams.NetworkInterfaceName", 403),
    ],
)
def test_a_bad_interface_is_refused(cloud, refused, place, change, code, status):
    _, vswitch, group = place
    good = {"VSwitchId": vswitch, "SecurityGroupId": group}
    refused(code, status, cloud.ecs, "CreateNetworkInterface", **(good | change))


def test_modify_and_groups(cloud, refused, place):
    vpc, vswitch, group = place
    eni, second = cloud.new_eni(vswitch, group), cloud.new_group(vpc)
    cloud.ecs("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=eni, NetworkInterfaceName="web", SecurityGroupId=[group, second])
    shown = show(cloud, eni)
    assert (shown["NetworkInterfaceName"], shown["SecurityGroupIds"]["SecurityGroupId"]) == ("web", [group, second])
    cloud.ecs("LeaveSecurityGroup", SecurityGroupId=group, NetworkInterfaceId=eni)
    assert show(cloud, eni)["SecurityGroupIds"]["SecurityGroupId"] == [second]
    last = {"SecurityGroupId": second, "NetworkInterfaceId": eni}
    refused("InvalidOperation.AtLeastInOneGroup", 403, cloud.ecs, "LeaveSecurityGroup", **last)
    cloud.ecs("JoinSecurityGroup", SecurityGroupId=group, NetworkInterfaceId=eni)
    assert show(cloud, eni)["SecurityGroupIds"]["SecurityGroupId"] == [second, group]
    enterprise = cloud.new_group(vpc, SecurityGroupType="enterprise")
    mixed = {"SecurityGroupId": enterprise, "NetworkInterfaceId": eni}
    refused("InvalidOperation.MultiGroupType", 400, cloud.ecs, "JoinSecurityGroup", **mixed)


def test_a_token_makes_one_interface(cloud, refused, place):
    _, vswitch, group = place
    make = lambda **more: cloud.ecs("CreateNetworkInterface", VSwitchId=vswitch, SecurityGroupId=group, ClientToken="once", **more)
    first = make(Description="of pods")["NetworkInterfaceId"]
    assert make(Description="of pods")["NetworkInterfaceId"] == first
    refused("IdempotentFailed", 400, make, Description="of others")
    assert cloud.ecs("DescribeNetworkInterfaces", VSwitchId=vswitch)["TotalCount"] == 1


def test_list_by_filter_and_page(cloud, place):
    vpc, vswitch, group = place
    enis = [cloud.new_eni(vswitch, group) for _ in range(5)]
    away = cloud.new_eni(cloud.new_vswitch(vpc, "10.0.9.0/24", OTHER_ZONE), group, NetworkInterfaceName="away")
    find = lambda **filters: cloud.ecs("DescribeNetworkInterfaces", **filters)
    ids = lambda page: [one["NetworkInterfaceId"] for one in page["NetworkInterfaceSets"]["NetworkInterfaceSet"]]
    assert ids(find(VSwitchId=vswitch)) == enis
    assert ids(find(SecurityGroupId=group)) == [*enis, away]
    assert ids(find(NetworkInterfaceName="away")) == [away]
    assert ids(find(VpcId=vpc, PrivateIpAddress=["10.0.1.2", "10.0.1.4"])) == [enis[1], enis[3]]
    assert ids(find(Status="InUse")) == []
    walked, token = [], None
    while token != "":
        page = find(VpcId=vpc, MaxResults=4, **({"NextToken": token} if token else {}))
        walked += ids(page)
        token = page.get("NextToken", "")
    assert walked == [*enis, away]
    cloud.ecs("TagResources", ResourceType="eni", ResourceId=[away], Tag=[{"Key": "zone", "Value": "b"}])
    assert ids(find(Tag=[{"Key": "zone", "Value": "b"}])) == [away]


def test_what_the_sdk_made_is_on_the_native_wire(cloud, place):
    _, vswitch, group = place
    eni = cloud.new_eni(vswitch, group, PrimaryIpAddress="10.0.1.50")
    shown = cloud.native(f"/v1/network-interfaces/{eni}").json()
    assert (shown["primary_ip_address"], shown["status"]) == ("10.0.1.50", "Available")
    until(lambda: cloud.native(f"/v1/network-interfaces/{eni}", "DELETE").status_code, 204)
