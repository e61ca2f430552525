"""Elastic IP addresses and NAT gateways: hosts without a public address go out by one, and a service comes in by another."""

import pytest

OUTSIDE = "47.96.1.1"


class Egress:
    """Two private hosts, a NAT gateway that the default route leads to, and an elastic IP address on it."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.vpc = cloud.new_vpc()
        self.vswitch, group = cloud.new_vswitch(self.vpc), cloud.new_group(self.vpc)
        way_in = {"IpProtocol": "TCP", "PortRange": "8080/8080", "SourceCidrIp": "0.0.0.0/0"}
        cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=group, Permissions=[way_in])
        self.host = cloud.new_instance(self.vswitch, group)
        (self.address,) = cloud.instance(self.host)["VpcAttributes"]["PrivateIpAddress"]["IpAddress"]
        made = cloud.vpc("CreateNatGateway", VpcId=self.vpc, VSwitchId=self.vswitch, Name="egress", NatType="Enhanced")
        self.nat = made["NatGatewayId"]
        (self.snat_table,), (self.forward_table,) = (
            made["SnatTableIds"]["SnatTableId"],
            made["ForwardTableIds"]["ForwardTableId"],
        )
        cloud.until(lambda: self.show()["Status"], "Available")
        self.eip, self.public = self.new_eip()
        cloud.vpc("AssociateEipAddress", AllocationId=self.eip, InstanceId=self.nat, InstanceType="Nat")
        cloud.until(lambda: self.show_eip(self.eip)["Status"], "InUse")

    def new_eip(self, **parameters):
        made = self.cloud.vpc("AllocateEipAddress", **{"Bandwidth": "10", "InternetChargeType": "PayByTraffic"} | parameters)
        return made["AllocationId"], made["EipAddress"]

    def show_eip(self, eip):
        (shown,) = self.cloud.vpc("DescribeEipAddresses", AllocationId=eip)["EipAddresses"]["EipAddress"]
        return shown

    def show(self):
        return self.cloud.vpc("GetNatGatewayAttribute", NatGatewayId=self.nat)

    def out(self):
        """The address by which a packet of the host comes to the internet; none if it does not."""
        end, way = self.cloud.trace(OUTSIDE, 443, instance_id=self.host)
        seen = [step["source_address"] for step in way if step["kind"] == "translated"]
        return seen[-1] if end == "delivered" else None


@pytest.fixture
def egress(standing_cloud):
    return Egress(standing_cloud)


def test_hosts_go_out_by_the_gateway(egress, refused):
    cloud = egress.cloud
    table = cloud.vpc("DescribeRouteTableList", VpcId=egress.vpc)["RouterTableList"]["RouterTableListType"][0]["RouteTableId"]
    look = lambda: cloud.vpc("DescribeRouteEntryList", RouteTableId=table, RouteEntryType="Custom")["RouteEntrys"]["RouteEntry"]
    # The first gateway of a VPC brings the default route, and a route is not enough.
    assert [(e["DestinationCidrBlock"], e["NextHops"]["NextHop"][0]["NextHopId"]) for e in look()] == [
        ("0.0.0.0/0", egress.nat)
    ]
    assert egress.out() is None
    there = dict(SnatTableId=egress.snat_table)
    entry = cloud.vpc("CreateSnatEntry", SourceVSwitchId=egress.vswitch, SnatIp=egress.public, SnatEntryName="pods", **there)[
        "SnatEntryId"
    ]
    look = lambda: cloud.vpc("DescribeSnatTableEntries", **there)["SnatTableEntries"]["SnatTableEntry"]
    cloud.until(lambda: [one["Status"] for one in look()], ["Available"])
    assert egress.out() == egress.public
    # The narrowest source counts: the host has an entry of its own.
    second, public = egress.new_eip()
    cloud.vpc("AssociateEipAddress", AllocationId=second, InstanceId=egress.nat, InstanceType="Nat")
    cloud.until(lambda: egress.show_eip(second)["Status"], "InUse")
    own = cloud.vpc("CreateSnatEntry", SourceCIDR=f"{egress.address}/32", SnatIp=public, **there)["SnatEntryId"]
    cloud.until(lambda: {one["Status"] for one in look()}, {"Available"})
    assert (egress.show()["SnatTable"]["SnatEntryCount"], egress.out()) == (2, public)
    cloud.vpc("ModifySnatEntry", SnatEntryId=entry, SnatEntryName="hosts", **there)
    cloud.until(lambda: {one["SnatEntryName"] for one in look()}, {"hosts", ""})
    refused("InvalidIpStatus.HasBeenUsedBySnatTable", 400, cloud.vpc, "UnassociateEipAddress", AllocationId=egress.eip)
    for one in (entry, own):
        cloud.until(lambda: {one["Status"] for one in look()}, {"Available"})
        cloud.vpc("DeleteSnatEntry", SnatEntryId=one, **there)
        cloud.until(lambda one=one: one in {entry["SnatEntryId"] for entry in look()}, False)
    assert egress.out() is None


def test_a_service_comes_in_by_the_gateway(egress, refused):
    cloud, there = egress.cloud, dict(ForwardTableId=egress.forward_table)
    come = lambda port: cloud.trace(egress.public, port, source_address=OUTSIDE)[0]
    assert come(80) != "delivered"
    ports = dict(ExternalPort="80", InternalIp=egress.address, InternalPort="8080", IpProtocol="tcp")
    entry = cloud.vpc("CreateForwardEntry", ExternalIp=egress.public, ForwardEntryName="web", **ports, **there)[
        "ForwardEntryId"
    ]
    look = lambda **filters: cloud.vpc("DescribeForwardTableEntries", **there, **filters)["ForwardTableEntries"][
        "ForwardTableEntry"
    ]
    cloud.until(lambda: [one["Status"] for one in look()], ["Available"])
    assert (come(80), come(81) == "delivered") == ("delivered", False)
    refused("ForwardEntry.Duplicated", 400, cloud.vpc, "CreateForwardEntry", ExternalIp=egress.public, **ports, **there)
    cloud.vpc("ModifyForwardEntry", ForwardEntryId=entry, ExternalPort="81", ForwardEntryName="shop", **there)
    cloud.until(lambda: [one["Status"] for one in look(ExternalPort="81")], ["Available"])
    (shown,) = look()
    assert (shown["ForwardEntryName"], shown["ExternalPort"], shown["InternalIp"]) == ("shop", "81", egress.address)
    assert (come(81), come(80) == "delivered") == ("delivered", False)
    cloud.vpc("DeleteForwardEntry", ForwardEntryId=entry, **there)
    cloud.until(look, [])


def test_the_gateway_itself(egress, refused):
    cloud = egress.cloud
    cloud.vpc("ModifyNatGatewayAttribute", NatGatewayId=egress.nat, Name="way", Description="out")
    (listed,) = cloud.vpc("DescribeNatGateways", VpcId=egress.vpc, NatType="Enhanced")["NatGateways"]["NatGateway"]
    assert (listed["NatGatewayId"], listed["Name"], listed["Description"]) == (egress.nat, "way", "out")
    assert [one["IpAddress"] for one in listed["IpLists"]["IpList"]] == [egress.public]
    shown = egress.show()
    assert (shown["Name"], [one["IpAddress"] for one in shown["IpList"]]) == ("way", [egress.public])
    assert shown["PrivateInfo"]["VswitchId"] == egress.vswitch
    protect = dict(Type="NATGW", InstanceId=egress.nat)
    cloud.vpc("DeletionProtection", ProtectionEnable=True, **protect)
    assert egress.show()["DeletionProtectionInfo"]["Enabled"] is True
    refused("InvalidOperation.DeletionProtection", 400, cloud.vpc, "DeleteNatGateway", NatGatewayId=egress.nat, Force=True)
    cloud.vpc("DeletionProtection", ProtectionEnable=False, **protect)
    refused("DependencyViolation.EIPS", 400, cloud.vpc, "DeleteNatGateway", NatGatewayId=egress.nat)
    cloud.vpc("DeleteNatGateway", NatGatewayId=egress.nat, Force=True)
    cloud.until(lambda: cloud.vpc("DescribeNatGateways", VpcId=egress.vpc)["TotalCount"], 0)
    assert egress.show_eip(egress.eip)["Status"] == "Available"


def test_an_elastic_address(egress, refused):
    cloud = egress.cloud
    eip, public = egress.new_eip(Name="ingress", Tag=[{"Key": "env", "Value": "prod"}])
    cloud.vpc("ModifyEipAddressAttribute", AllocationId=eip, Name="front", Description="of the shop", Bandwidth="20")
    shown = egress.show_eip(eip)
    assert (shown["Name"], shown["Description"], shown["Bandwidth"]) == ("front", "of the shop", "20")
    assert (shown["IpAddress"], shown["Status"], shown["InstanceId"]) == (public, "Available", "")
    cloud.vpc("AssociateEipAddress", AllocationId=eip, InstanceId=egress.host, InstanceType="EcsInstance")
    cloud.until(lambda: egress.show_eip(eip)["Status"], "InUse")
    found = cloud.vpc("DescribeEipAddresses", AssociatedInstanceType="EcsInstance", AssociatedInstanceId=egress.host)
    assert [one["AllocationId"] for one in found["EipAddresses"]["EipAddress"]] == [eip]
    assert cloud.instance(egress.host)["EipAddress"]["IpAddress"] == public
    assert (egress.out(), cloud.trace(public, 8080, source_address=OUTSIDE)[0]) == (public, "delivered")
    refused("IncorrectEipStatus", 400, cloud.vpc, "ReleaseEipAddress", AllocationId=eip)
    cloud.vpc("DeletionProtection", Type="EIP", InstanceId=eip, ProtectionEnable=True)
    cloud.vpc("UnassociateEipAddress", AllocationId=eip, InstanceId=egress.host)
    cloud.until(lambda: egress.show_eip(eip)["Status"], "Available")
    refused("InvalidOperation.DeletionProtection", 400, cloud.vpc, "ReleaseEipAddress", AllocationId=eip)
    cloud.vpc("DeletionProtection", Type="EIP", InstanceId=eip, ProtectionEnable=False)
    cloud.vpc("ReleaseEipAddress", AllocationId=eip)
    cloud.until(lambda: cloud.vpc("DescribeEipAddresses", AllocationId=eip)["TotalCount"], 0)
