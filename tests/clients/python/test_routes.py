"""Route tables of a VPC, entries one at a time and in batches, and a second block of the VPC."""

import pytest


@pytest.fixture
def network(standing_cloud):
    """A VPC, two vSwitches of it, and two hosts in the first."""
    cloud = standing_cloud
    vpc = cloud.new_vpc()
    group = cloud.new_group(vpc)
    vswitches = [cloud.new_vswitch(vpc, f"10.0.{n}.0/24") for n in (1, 2)]
    return cloud, vpc, vswitches, cloud.new_instances(vswitches[0], group, 2)


def tables(cloud, **filters):
    return cloud.vpc("DescribeRouteTableList", **filters)["RouterTableList"]["RouterTableListType"]


def custom(cloud, table):
    found = cloud.vpc("DescribeRouteEntryList", RouteTableId=table, RouteEntryType="Custom")["RouteEntrys"]["RouteEntry"]
    return {entry["DestinationCidrBlock"]: entry for entry in found}


def settle(cloud, table):
    cloud.until(lambda: {entry["Status"] for entry in custom(cloud, table).values()} <= {"Available"}, True)


def test_a_table_of_its_own_for_a_vswitch(network, refused):
    cloud, vpc, (first, second), (host, _) = network
    table = cloud.vpc("CreateRouteTable", VpcId=vpc, RouteTableName="pods")["RouteTableId"]
    cloud.until(lambda: tables(cloud, RouteTableId=table)[0]["Status"], "Available")
    cloud.vpc("ModifyRouteTableAttributes", RouteTableId=table, RouteTableName="nodes", Description="of the nodes")
    cloud.vpc("AssociateRouteTable", RouteTableId=table, VSwitchId=first)
    cloud.until(lambda: tables(cloud, RouteTableId=table)[0]["VSwitchIds"]["VSwitchId"], [first])
    shown = tables(cloud, RouteTableId=table)[0]
    assert (shown["RouteTableName"], shown["Description"], shown["RouteTableType"]) == ("nodes", "of the nodes", "Custom")
    cloud.until(lambda: tables(cloud, RouteTableId=table)[0]["Status"], "Available")
    show = lambda vswitch: cloud.vpc("DescribeVSwitchAttributes", VSwitchId=vswitch)["RouteTable"]["RouteTableId"]
    system = tables(cloud, VpcId=vpc, RouteTableType="System")[0]["RouteTableId"]
    assert (show(first), show(second)) == (table, system)
    # What is routed there holds for the first vSwitch alone.
    cloud.vpc(
        "CreateRouteEntry", RouteTableId=table, DestinationCidrBlock="172.20.0.0/24", NextHopType="Instance", NextHopId=host
    )
    settle(cloud, table)
    (of_router,) = cloud.vpc("DescribeRouteTables", RouteTableId=table)["RouteTables"]["RouteTable"]
    blocks = {entry["DestinationCidrBlock"] for entry in of_router["RouteEntrys"]["RouteEntry"]}
    assert {"172.20.0.0/24", "10.0.1.0/24", "10.0.2.0/24"} <= blocks
    refused("IncorrectRouteTableStatus", 404, cloud.vpc, "DeleteRouteTable", RouteTableId=table)
    cloud.vpc("UnassociateRouteTable", RouteTableId=table, VSwitchId=first)
    cloud.until(lambda: tables(cloud, RouteTableId=table)[0]["VSwitchIds"]["VSwitchId"], [])
    cloud.until(lambda: tables(cloud, RouteTableId=table)[0]["Status"], "Available")
    assert show(first) == system
    cloud.vpc("DeleteRouteEntry", RouteTableId=table, DestinationCidrBlock="172.20.0.0/24", NextHopId=host)
    cloud.until(lambda: custom(cloud, table), {})
    cloud.vpc("DeleteRouteTable", RouteTableId=table)
    cloud.until(lambda: tables(cloud, RouteTableId=table), [])


def test_entries_in_batches(network):
    """As a route controller makes them: what cannot be is named, and the rest stands."""
    cloud, vpc, _, hosts = network
    table = tables(cloud, VpcId=vpc)[0]["RouteTableId"]
    entry = lambda block, host: {"RouteTableId": table, "DstCidrBlock": block, "NextHop": host, "NextHopType": "Instance"}
    asked = [entry(f"172.20.{n}.0/24", host) for n, host in enumerate(hosts)]
    made = cloud.vpc("CreateRouteEntries", RouteEntries=asked)
    assert (made["SuccessCount"], made["FailedCount"], len(made["RouteEntryIds"])) == (2, 0, 2)
    settle(cloud, table)
    again = cloud.vpc("CreateRouteEntries", RouteEntries=[*asked, entry("172.20.9.0/24", hosts[0])])
    assert (again["SuccessCount"], again["FailedCount"]) == (1, 2)
    assert {failed["FailedCode"] for failed in again["FailedRouteEntries"]} == {"VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE"}
    settle(cloud, table)
    assert set(custom(cloud, table)) == {"172.20.0.0/24", "172.20.1.0/24", "172.20.9.0/24"}
    first = custom(cloud, table)["172.20.0.0/24"]
    cloud.vpc("ModifyRouteEntry", RouteEntryId=first["RouteEntryId"], RouteEntryName="node-1", Description="pods of node-1")
    assert custom(cloud, table)["172.20.0.0/24"]["RouteEntryName"] == "node-1"
    to_go = [{"RouteTableId": table, "DstCidrBlock": block} for block in custom(cloud, table)]
    gone = cloud.vpc("DeleteRouteEntries", RouteEntries=to_go)
    assert (gone["SuccessCount"], gone["FailedCount"]) == (3, 0)
    cloud.until(lambda: custom(cloud, table), {})


def test_a_second_block(network, refused):
    cloud, vpc, _, _ = network
    block = dict(VpcId=vpc, SecondaryCidrBlock="192.168.0.0/16")
    cloud.vpc("AssociateVpcCidrBlock", **block)
    look = lambda: cloud.vpc("DescribeVpcAttribute", VpcId=vpc)
    cloud.until(lambda: look()["Status"], "Available")
    assert look()["SecondaryCidrBlocks"]["SecondaryCidrBlock"] == ["192.168.0.0/16"]
    vswitch = cloud.new_vswitch(vpc, "192.168.1.0/24")
    refused("OperationFailed.CidrInUse", 400, cloud.vpc, "UnassociateVpcCidrBlock", **block)
    cloud.delete_vswitch(vswitch)
    cloud.vpc("UnassociateVpcCidrBlock", **block)
    cloud.until(lambda: look()["SecondaryCidrBlocks"]["SecondaryCidrBlock"], [])
