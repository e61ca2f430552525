"""What a VPC has besides vSwitches: its router, the default network, blocks kept for prefixes, single addresses, network ACLs."""

import pytest
from conftest import OTHER_ZONE, ZONE


@pytest.fixture
def cloud(standing_cloud):
    return standing_cloud


def test_the_router_is_named(cloud, refused):
    made = cloud.vpc("CreateVpc", CidrBlock="10.0.0.0/8")
    cloud.until(lambda: cloud.vpc("DescribeVpcAttribute", VpcId=made["VpcId"])["Status"], "Available")
    look = lambda: cloud.vpc("DescribeVRouters", VRouterId=made["VRouterId"])["VRouters"]["VRouter"][0]
    assert (look()["VpcId"], look()["VRouterName"]) == (made["VpcId"], "")
    assert look()["RouteTableIds"] == {"RouteTableId": [made["RouteTableId"]]}
    cloud.vpc("ModifyVRouterAttribute", VRouterId=made["VRouterId"], VRouterName="router", Description="of the cluster")
    assert (look()["VRouterName"], look()["Description"]) == ("router", "of the cluster")
    refused(
        "InvalidVRouterId.NotFound", 404, cloud.vpc, "ModifyVRouterAttribute", VRouterId="vrt-nothing", VRouterName="router"
    )
    cloud.delete_vpc(made["VpcId"])
    assert cloud.vpc("DescribeVRouters", VRouterId=made["VRouterId"])["TotalCount"] == 0


def test_a_default_vswitch_needs_a_default_vpc(cloud, refused):
    refused("OperationFailed.DefaultVpcNotExist", 400, cloud.vpc, "CreateDefaultVSwitch", ZoneId=ZONE)


def test_the_default_network(cloud, refused):
    vpc = cloud.vpc("CreateDefaultVpc")["VpcId"]
    look = lambda: cloud.vpc("DescribeVpcAttribute", VpcId=vpc)
    cloud.until(lambda: look()["Status"], "Available")
    assert (look()["IsDefault"], look()["CidrBlock"]) == (True, "172.16.0.0/16")
    refused("OperationFailed.DefaultVpcExist", 400, cloud.vpc, "CreateDefaultVpc")
    first, second = (cloud.vpc("CreateDefaultVSwitch", ZoneId=zone)["VSwitchId"] for zone in (ZONE, OTHER_ZONE))
    show = lambda vswitch: cloud.vpc("DescribeVSwitchAttributes", VSwitchId=vswitch)
    for vswitch, block in ((first, "172.16.0.0/20"), (second, "172.16.16.0/20")):
        cloud.until(lambda vswitch=vswitch: show(vswitch)["Status"], "Available")
        assert (show(vswitch)["VpcId"], show(vswitch)["IsDefault"], show(vswitch)["CidrBlock"]) == (vpc, True, block)
    refused("OperationFailed.DefaultVSwitchExist", 400, cloud.vpc, "CreateDefaultVSwitch", ZoneId=ZONE)
    assert cloud.vpc("DescribeVpcs", IsDefault=True)["TotalCount"] == 1


def test_a_block_kept_for_prefixes(new_cloud, refused):
    """The older SDK has prefixes on some of the actions only."""
    cloud = new_cloud
    vpc = cloud.new_vpc()
    vswitch, group = cloud.new_vswitch(vpc), cloud.new_group(vpc)
    free = lambda: cloud.vpc("DescribeVSwitchAttributes", VSwitchId=vswitch)["AvailableIpAddressCount"]
    can = lambda address: cloud.vpc(
        "CheckCanAllocateVpcPrivateIpAddress", VSwitchId=vswitch, IpVersion="IPv4", PrivateIpAddress=address
    )["CanAllocate"]
    assert (free(), can("10.0.1.65")) == (252, True)
    kept = cloud.vpc(
        "CreateVSwitchCidrReservation",
        VSwitchId=vswitch,
        IpVersion="IPv4",
        VSwitchCidrReservationCidr="10.0.1.64/27",
        VSwitchCidrReservationName="pods",
    )["VSwitchCidrReservationId"]
    assert (free(), can("10.0.1.65"), can("10.0.1.96")) == (252 - 32, False, True)
    taken = dict(VSwitchId=vswitch, SecurityGroupId=group, PrimaryIpAddress="10.0.1.65")
    refused("InvalidPrivateIpAddress.Duplicated", 400, cloud.ecs, "CreateNetworkInterface", **taken)
    eni = cloud.new_eni(vswitch, group, Ipv4PrefixCount=1)
    look = lambda: cloud.vpc("ListVSwitchCidrReservations", VSwitchId=vswitch)["VSwitchCidrReservations"]
    (shown,) = look()
    assert (shown["VSwitchCidrReservationId"], shown["VSwitchCidrReservationName"]) == (kept, "pods")
    assert (shown["AssignedCidrCount"], shown["AvailableCidrCount"]) == (1, 1)
    used = dict(VSwitchCidrReservationId=kept)
    named = dict(VSwitchCidrReservationName="nodes", VSwitchCidrReservationDescription="of the cluster")
    cloud.vpc("ModifyVSwitchCidrReservationAttribute", **named, **used)
    assert {name: look()[0][name] for name in named} == named
    refused("DependencyViolation.IpPrefix", 400, cloud.vpc, "DeleteVSwitchCidrReservation", **used)
    cloud.ecs("DeleteNetworkInterface", NetworkInterfaceId=eni)
    cloud.until(lambda: cloud.ecs("DescribeNetworkInterfaces", NetworkInterfaceId=[eni])["TotalCount"], 0)
    cloud.vpc("DeleteVSwitchCidrReservation", **used)
    assert (look(), free()) == ([], 252)


def test_one_address_is_asked_about(cloud, refused):
    vpc = cloud.new_vpc()
    vswitch, group = cloud.new_vswitch(vpc), cloud.new_group(vpc)
    can = lambda address: cloud.vpc(
        "CheckCanAllocateVpcPrivateIpAddress", VSwitchId=vswitch, IpVersion="IPv4", PrivateIpAddress=address
    )["CanAllocate"]
    assert can("10.0.1.20")
    cloud.new_eni(vswitch, group, PrimaryIpAddress="10.0.1.20")
    assert [can(address) for address in ("10.0.1.20", "10.0.1.0", "10.0.1.253", "10.0.1.21")] == [False, False, False, True]


@pytest.fixture
def guarded(cloud):
    """Two hosts in two vSwitches of one group, and a network ACL for the second vSwitch."""
    vpc = cloud.new_vpc()
    group = cloud.new_group(vpc)
    vswitches = [cloud.new_vswitch(vpc, f"10.0.{n}.0/24") for n in (1, 2)]
    hosts = [cloud.new_instance(vswitch, group) for vswitch in vswitches]
    acl = cloud.vpc("CreateNetworkAcl", VpcId=vpc, NetworkAclName="db")["NetworkAclId"]
    return cloud, vpc, vswitches[1], hosts, acl


def test_a_network_acl(guarded, refused):
    cloud, vpc, vswitch, (client, server), acl = guarded
    (address,) = cloud.instance(server)["VpcAttributes"]["PrivateIpAddress"]["IpAddress"]
    end = lambda: cloud.trace(address, 3306, instance_id=client)[0]
    look = lambda: cloud.vpc("DescribeNetworkAclAttributes", NetworkAclId=acl)["NetworkAclAttribute"]
    cloud.until(lambda: look()["Status"], "Available")
    assert end() == "delivered"
    used = [{"ResourceType": "VSwitch", "ResourceId": vswitch}]
    cloud.vpc("AssociateNetworkAcl", NetworkAclId=acl, Resource=used)
    cloud.until(lambda: [one["Status"] for one in look()["Resources"]["Resource"]], ["BINDED"])
    (listed,) = cloud.vpc("DescribeNetworkAcls", VpcId=vpc, ResourceType="VSwitch", ResourceId=vswitch)["NetworkAcls"][
        "NetworkAcl"
    ]
    assert (listed["NetworkAclId"], listed["NetworkAclName"]) == (acl, "db")
    assert cloud.vpc("DescribeNetworkAcls", NetworkAclName="other")["TotalCount"] in (0, "0")
    drop = {"Policy": "drop", "Protocol": "tcp", "Port": "3306/3306", "SourceCidrIp": "10.0.0.0/8", "NetworkAclEntryName": "no"}
    cloud.vpc("UpdateNetworkAclEntries", NetworkAclId=acl, UpdateIngressAclEntries=True, IngressAclEntries=[drop])
    cloud.until(lambda: look()["Status"], "Available")
    assert end() == "network_acl_drop"
    cloud.vpc("ModifyNetworkAclAttributes", NetworkAclId=acl, NetworkAclName="shop", Description="of the databases")
    assert (look()["NetworkAclName"], look()["Description"]) == ("shop", "of the databases")
    refused("NetworkAclExistBinding", 400, cloud.vpc, "DeleteNetworkAcl", NetworkAclId=acl)
    cloud.vpc("UnassociateNetworkAcl", NetworkAclId=acl, Resource=used)
    cloud.until(lambda: look()["Resources"]["Resource"], [])
    assert end() == "delivered"
    cloud.vpc("DeleteNetworkAcl", NetworkAclId=acl)
    cloud.until(lambda: cloud.vpc("DescribeNetworkAcls", VpcId=vpc)["TotalCount"] in (0, "0"), True)
