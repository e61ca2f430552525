"""The ways of a VPC to the internet by IPv4 and IPv6 gateways, and a firewall between them."""

import pytest

#: A host on the internet.
OUTSIDE = "47.96.1.1"
OUTSIDE6 = "2001:4860::1"


@pytest.fixture
def network(standing_cloud):
    """A VPC with IPv6, a vSwitch and a group that lets port 80 in."""
    cloud = standing_cloud
    vpc = cloud.new_vpc(EnableIpv6=True)
    group = cloud.new_group(vpc)
    for anybody in ({"SourceCidrIp": "0.0.0.0/0"}, {"Ipv6SourceCidrIp": "::/0"}):
        permission = {"IpProtocol": "TCP", "PortRange": "80/80"} | anybody
        cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=group, Permissions=[permission])
    return cloud, vpc, cloud.new_vswitch(vpc, Ipv6CidrBlock=1), group


def system_table(cloud, vpc):
    tables = cloud.vpc("DescribeRouteTableList", VpcId=vpc, RouteTableType="System")["RouterTableList"]["RouterTableListType"]
    return tables[0]["RouteTableId"]


def public_address(cloud, instance):
    """An elastic IP address on an instance."""
    made = cloud.vpc("AllocateEipAddress", Bandwidth="5")
    cloud.vpc("AssociateEipAddress", AllocationId=made["AllocationId"], InstanceId=instance)
    look = lambda: cloud.vpc("DescribeEipAddresses", AllocationId=made["AllocationId"])["EipAddresses"]["EipAddress"][0]
    cloud.until(lambda: look()["Status"], "InUse")
    return made["EipAddress"]


class Ipv4Gateway:
    def __init__(self, cloud, vpc):
        self.cloud = cloud
        made = cloud.vpc("CreateIpv4Gateway", VpcId=vpc, Ipv4GatewayName="four", Ipv4GatewayDescription="the one way")
        self.id = made["Ipv4GatewayId"]
        cloud.until(lambda: self.show()["Status"], "Created")

    def show(self):
        return self.cloud.vpc("GetIpv4GatewayAttribute", Ipv4GatewayId=self.id)

    def enable(self, *tables):
        self.cloud.vpc("EnableVpcIpv4Gateway", Ipv4GatewayId=self.id, RouteTableList=list(tables))
        self.cloud.until(lambda: (self.show()["Enabled"], self.show()["Status"]), (True, "Created"))


def test_an_active_ipv4_gateway_is_the_one_way_out(network, refused):
    cloud, vpc, vswitch, group = network
    host = cloud.new_instance(vswitch, group)
    public_address(cloud, host)
    gateway, table = Ipv4Gateway(cloud, vpc), system_table(cloud, vpc)
    out = lambda: cloud.trace(OUTSIDE, instance_id=host)[0]
    assert (gateway.show()["Enabled"], out()) == (False, "delivered")
    gateway.enable()
    # The public address alone is no way any more.
    assert out() == "no_public_path"
    routes = dict(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NextHopType="Ipv4Gateway", NextHopId=gateway.id)
    cloud.vpc("CreateRouteEntry", **routes)
    entries = lambda: cloud.vpc("DescribeRouteEntryList", RouteTableId=table, RouteEntryType="Custom")["RouteEntrys"][
        "RouteEntry"
    ]
    cloud.until(lambda: [entry["Status"] for entry in entries()], ["Available"])
    assert out() == "delivered"
    cloud.vpc("ModifyRouteEntry", RouteEntryId=entries()[0]["RouteEntryId"], RouteEntryName="out", Description="to everywhere")
    assert (entries()[0]["RouteEntryName"], entries()[0]["Description"]) == ("out", "to everywhere")
    cloud.vpc("UpdateIpv4GatewayAttribute", Ipv4GatewayId=gateway.id, Ipv4GatewayName="way", Ipv4GatewayDescription="of all")
    (listed,) = cloud.vpc("ListIpv4Gateways", VpcId=vpc, MaxResults=10)["Ipv4GatewayModels"]
    assert (listed["Ipv4GatewayId"], listed["Ipv4GatewayName"], listed["Ipv4GatewayDescription"]) == (
        gateway.id,
        "way",
        "of all",
    )
    gone = cloud.vpc(
        "DeleteRouteEntries", RouteEntries=[{"RouteTableId": table, "DstCidrBlock": "0.0.0.0/0", "NextHop": gateway.id}]
    )
    assert (gone["SuccessCount"], gone["FailedCount"]) == (1, 0)
    cloud.until(entries, [])
    assert out() == "no_public_path"
    cloud.vpc("DeleteIpv4Gateway", Ipv4GatewayId=gateway.id, InternetMode="public")
    cloud.until(lambda: cloud.vpc("ListIpv4Gateways", VpcId=vpc)["TotalCount"], "0")
    assert out() == "delivered"
    refused("ResourceNotFound.Ipv4Gateway", 400, cloud.vpc, "GetIpv4GatewayAttribute", Ipv4GatewayId=gateway.id)


def test_a_firewall_sees_what_comes_in(network, refused):
    """A route table of the gateway leads what is for the servers to an instance between."""
    cloud, vpc, vswitch, group = network
    server, firewall = cloud.new_instance(vswitch, group), cloud.new_instance(cloud.new_vswitch(vpc, "10.0.2.0/24"), group)
    address = public_address(cloud, server)
    gateway = Ipv4Gateway(cloud, vpc)
    gateway.enable(system_table(cloud, vpc))
    table = cloud.vpc("CreateRouteTable", VpcId=vpc, AssociateType="Gateway", RouteTableName="inbound")["RouteTableId"]
    look = lambda: cloud.vpc("DescribeRouteTableList", RouteTableId=table)["RouterTableList"]["RouterTableListType"][0]
    cloud.until(lambda: look()["Status"], "Available")
    bound = dict(RouteTableId=table, GatewayId=gateway.id, GatewayType="IPv4Gateway")
    cloud.vpc("AssociateRouteTableWithGateway", **bound)
    cloud.until(lambda: (gateway.show()["Status"], gateway.show()["Ipv4GatewayRouteTableId"]), ("Created", table))
    assert look()["GatewayIds"]["GatewayIds"] == [gateway.id]
    entry = lambda: cloud.vpc("ListGatewayRouteTableEntries", GatewayRouteTableId=table, DestinationCidrBlock="10.0.1.0/24")[
        "GatewayRouteEntryModels"
    ][0]
    all_entries = cloud.vpc("ListGatewayRouteTableEntries", GatewayRouteTableId=table, MaxResults=1)
    assert (all_entries["TotalCount"], len(all_entries["GatewayRouteEntryModels"])) == ("2", 1) and all_entries["NextToken"]
    assert entry()["NextHopType"] == "local"
    hops = lambda: [step.get("network_interface_id") for step in cloud.trace(address, source_address=OUTSIDE)[1]]
    (guard,) = cloud.ecs("DescribeNetworkInterfaces", InstanceId=firewall)["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    assert guard["NetworkInterfaceId"] not in hops()
    led = dict(GatewayRouteTableId=table, DestinationCidrBlock="10.0.1.0/24")
    cloud.vpc("UpdateGatewayRouteTableEntryAttribute", NextHopType="Instance", NextHopId=firewall, Name="wall", **led)
    cloud.until(lambda: (entry()["NextHopId"], entry()["Status"]), (firewall, "Available"))
    assert guard["NetworkInterfaceId"] in hops()
    cloud.vpc("UpdateGatewayRouteTableEntryAttribute", NextHopType="Local", **led)
    cloud.until(lambda: (entry()["NextHopType"], entry()["Status"]), ("local", "Available"))
    refused("OperationDenied.GatewayAssociated", 400, cloud.vpc, "DeleteRouteTable", RouteTableId=table)
    cloud.vpc("DissociateRouteTableFromGateway", **bound)
    cloud.until(lambda: (gateway.show()["Status"], gateway.show()["Ipv4GatewayRouteTableId"]), ("Created", ""))
    cloud.vpc("DeleteRouteTable", RouteTableId=table)


def test_an_ipv6_address_with_bandwidth_is_public(network, refused):
    cloud, vpc, vswitch, group = network
    host = cloud.new_instance(vswitch, group)
    (nic,) = cloud.ecs("DescribeNetworkInterfaces", InstanceId=host)["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    given = cloud.ecs("AssignIpv6Addresses", NetworkInterfaceId=nic["NetworkInterfaceId"], Ipv6AddressCount=1)
    (address,) = given["Ipv6Sets"]["Ipv6Address"]
    gateway = cloud.vpc("CreateIpv6Gateway", VpcId=vpc, Name="six")["Ipv6GatewayId"]
    show = lambda: cloud.vpc("DescribeIpv6GatewayAttribute", Ipv6GatewayId=gateway)
    cloud.until(lambda: show()["Status"], "Available")
    cloud.vpc("ModifyIpv6GatewayAttribute", Ipv6GatewayId=gateway, Name="way", Description="of all")
    assert (show()["Name"], show()["Description"], show()["VpcId"]) == ("way", "of all", vpc)
    (listed,) = cloud.vpc("DescribeIpv6Gateways", VpcId=vpc)["Ipv6Gateways"]["Ipv6Gateway"]
    assert listed["Ipv6GatewayId"] == gateway
    find = lambda **filters: cloud.vpc("DescribeIpv6Addresses", VpcId=vpc, **filters)["Ipv6Addresses"]["Ipv6Address"]
    (shown,) = find()
    assert (shown["Ipv6Address"], shown["NetworkType"], shown["RealBandwidth"]) == (address, "Private", 0)
    reach = lambda: (
        cloud.trace(OUTSIDE6, instance_id=host, source_address=address)[0],
        cloud.trace(address, source_address=OUTSIDE6)[0],
    )
    assert "delivered" not in reach()
    bought = cloud.vpc(
        "AllocateIpv6InternetBandwidth",
        Ipv6GatewayId=gateway,
        Ipv6AddressId=shown["Ipv6AddressId"],
        Bandwidth=5,
        InternetChargeType="PayByTraffic",
    )["InternetBandwidthId"]
    assert reach() == ("delivered", "delivered")
    cloud.vpc("ModifyIpv6InternetBandwidth", Ipv6InternetBandwidthId=bought, Bandwidth=20)
    # A rule lets the host open sessions and nobody open one to it.
    outward = dict(Ipv6GatewayId=gateway, InstanceId=shown["Ipv6AddressId"], InstanceType="Ipv6Address")
    rule = cloud.vpc("CreateIpv6EgressOnlyRule", Name="outward", **outward)["Ipv6EgressRuleId"]
    rules = lambda: cloud.vpc("DescribeIpv6EgressOnlyRules", **outward)["Ipv6EgressOnlyRules"]["Ipv6EgressOnlyRule"]
    cloud.until(lambda: [one["Status"] for one in rules()], ["Available"])
    assert (rules()[0]["Ipv6EgressOnlyRuleId"], rules()[0]["Name"]) == (rule, "outward")
    assert (reach()[0], reach()[1] == "delivered") == ("delivered", False)
    refused("OperationFailed.Ipv6EgressRuleExisted", 400, cloud.vpc, "CreateIpv6EgressOnlyRule", **outward)
    cloud.vpc("DeleteIpv6EgressOnlyRule", Ipv6EgressOnlyRuleId=rule)
    cloud.until(rules, [])
    assert reach() == ("delivered", "delivered")
    (shown,) = find(NetworkType="Public")
    assert (shown["RealBandwidth"], shown["Ipv6InternetBandwidth"]["Bandwidth"]) == (20, 20)
    used = dict(Ipv6GatewayId=gateway)
    refused("DependencyViolation.Ipv6InternetBandwidth", 400, cloud.vpc, "DeleteIpv6Gateway", **used)
    cloud.vpc("DeleteIpv6InternetBandwidth", Ipv6InternetBandwidthId=bought)
    assert (find(NetworkType="Public"), "delivered" in reach()) == ([], False)
    cloud.vpc("DeleteIpv6Gateway", **used)
    cloud.until(lambda: cloud.vpc("DescribeIpv6Gateways", VpcId=vpc)["TotalCount"], 0)
