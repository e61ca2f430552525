"""Router interfaces: two routers, connected from one side, frozen and let go again, with a route over them."""

from test_vpc_peer import Side


def make(side, role, spec, other):
    """An end of the connection at a side; its id."""
    to = dict(OppositeRegionId="cn-hangzhou", OppositeRouterType="VRouter", OppositeRouterId=router(other))
    own = dict(RouterType="VRouter", RouterId=router(side), Role=role, Spec=spec)
    return side.cloud.vpc("CreateRouterInterface", OppositeInterfaceOwnerId=str(side.cloud.account), **own, **to)["RouterInterfaceId"]


def router(side):
    return side.cloud.vpc("DescribeVpcAttribute", VpcId=side.vpc)["VRouterId"]


def test_two_routers_are_connected_and_taken_apart(cloud, refused):
    north, south = Side(cloud, "10.13.0.0/16"), Side(cloud, "10.14.0.0/16")
    first, second = make(north, "InitiatingSide", "Small.1", south), make(south, "AcceptingSide", "Negative", north)
    look = lambda end: cloud.vpc("DescribeRouterInterfaceAttribute", InstanceId=end)
    for end, other, beyond in [(first, second, south), (second, first, north)]:
        opposite = dict(OppositeInterfaceId=other, OppositeRouterId=router(beyond), OppositeRouterType="VRouter")
        owner = dict(OppositeInterfaceOwnerId=cloud.account)
        cloud.vpc("ModifyRouterInterfaceAttribute", RouterInterfaceId=end, Name="cross", **opposite, **owner)
    cloud.vpc("ConnectRouterInterface", RouterInterfaceId=first)
    for end in (first, second):
        cloud.until(lambda end=end: look(end)["Status"], "Active")
    cloud.vpc("ModifyRouterInterfaceSpec", RouterInterfaceId=first, Spec="Small.2")
    cloud.until(lambda: look(first)["Status"], "Active")
    assert (look(first)["Spec"], look(first)["Name"]) == ("Small.2", "cross")
    listed = cloud.vpc("DescribeRouterInterfaces", Filter=[{"Key": "RouterInterfaceId", "Value": [first]}])
    (shown,) = listed["RouterInterfaceSet"]["RouterInterfaceType"]
    assert (shown["OppositeInterfaceId"], shown["Role"]) == (second, "InitiatingSide")
    route = dict(RouteTableId=north.table, DestinationCidrBlock=south.block, NextHopType="RouterInterface", NextHopId=first)
    cloud.vpc("CreateRouteEntry", **route)
    entries = lambda: cloud.vpc("DescribeRouteEntryList", RouteTableId=north.table, RouteEntryType="Custom")["RouteEntrys"]
    cloud.until(lambda: [entry["Status"] for entry in entries()["RouteEntry"]], ["Available"])
    cloud.vpc("DeactivateRouterInterface", RouterInterfaceId=first)
    cloud.until(lambda: look(first)["Status"], "Inactive")
    cloud.vpc("ActivateRouterInterface", RouterInterfaceId=first)
    cloud.until(lambda: look(first)["Status"], "Active")
    refused("InvalidInstance.StatusError", 400, cloud.vpc, "DeleteRouterInterface", RouterInterfaceId=first)
    cloud.vpc("DeleteRouteEntry", RouteTableId=north.table, DestinationCidrBlock=south.block, NextHopId=first)
    cloud.until(lambda: entries()["RouteEntry"], [])
    for end in (first, second):
        cloud.vpc("DeactivateRouterInterface", RouterInterfaceId=end)
        cloud.until(lambda end=end: look(end)["Status"], "Inactive")
        cloud.vpc("DeleteRouterInterface", RouterInterfaceId=end)
    gone = lambda: cloud.vpc("DescribeRouterInterfaces", Filter=[{"Key": "RouterInterfaceId", "Value": [first, second]}])
    cloud.until(lambda: gone()["TotalCount"], 0)
