"""HaVips: an address that moves between a pair of instances, as a user of VRRP has it."""

import pytest


class Pair:
    """Two instances of a vSwitch, a HaVip for both, and a client beside them."""

    def __init__(self, cloud):
        self.cloud = cloud
        vpc = cloud.new_vpc()
        self.vswitch, self.group = cloud.new_vswitch(vpc), cloud.new_group(vpc)
        self.primary, self.secondary, self.client = cloud.new_instances(self.vswitch, self.group, 3)
        made = cloud.vpc("CreateHaVip", VSwitchId=self.vswitch, IpAddress="10.0.1.50", Name="front", Description="of the pair")
        assert made["IpAddress"] == "10.0.1.50"
        self.vip = made["HaVipId"]
        cloud.until(lambda: self.show()["Status"], "Available")

    def show(self):
        filters = [{"Key": "HaVipId", "Value": [self.vip]}]
        (shown,) = self.cloud.vpc("DescribeHaVips", Filter=filters)["HaVips"]["HaVip"]
        return shown

    def bind(self, instance):
        self.cloud.vpc("AssociateHaVip", HaVipId=self.vip, InstanceId=instance, InstanceType="EcsInstance")
        self.cloud.until(lambda: self.show()["Status"], "InUse")

    def master(self):
        return self.show()["MasterInstanceId"]

    def answers(self, **source):
        """Which instance takes a packet to the address."""
        end, way = self.cloud.trace(source.pop("destination", "10.0.1.50"), **source)
        assert end == "delivered", end
        found = self.cloud.ecs("DescribeNetworkInterfaces", NetworkInterfaceId=[way[-1]["network_interface_id"]])
        return found["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["InstanceId"]


@pytest.fixture
def pair(standing_cloud):
    return Pair(standing_cloud)


def test_the_address_moves_when_its_holder_stops(pair):
    cloud = pair.cloud
    pair.bind(pair.primary)
    pair.bind(pair.secondary)
    shown = pair.show()
    assert shown["AssociatedInstances"]["associatedInstance"] == [pair.primary, pair.secondary]
    assert (shown["Name"], shown["AssociatedInstanceType"]) == ("front", "EcsInstance")
    assert pair.master() == pair.primary == pair.answers(instance_id=pair.client)
    cloud.ecs("StopInstance", InstanceId=pair.primary)
    cloud.until(pair.master, pair.secondary)
    assert pair.answers(instance_id=pair.client) == pair.secondary
    cloud.until(lambda: cloud.status(pair.primary), "Stopped")
    cloud.ecs("StartInstance", InstanceId=pair.primary)
    cloud.until(pair.master, pair.primary)


def test_an_elastic_address_follows_it(pair, refused):
    cloud = pair.cloud
    pair.bind(pair.primary)
    pair.bind(pair.secondary)
    way_in = {"IpProtocol": "TCP", "PortRange": "80/80", "SourceCidrIp": "0.0.0.0/0"}
    cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=pair.group, Permissions=[way_in])
    eip = cloud.vpc("AllocateEipAddress", Bandwidth="5")
    bound = dict(AllocationId=eip["AllocationId"], InstanceId=pair.vip, InstanceType="HaVip")
    cloud.vpc("AssociateEipAddress", **bound)
    look = lambda: cloud.vpc("DescribeEipAddresses", AllocationId=eip["AllocationId"])["EipAddresses"]["EipAddress"][0]
    cloud.until(lambda: look()["Status"], "InUse")
    assert pair.show()["AssociatedEipAddresses"]["associatedEipAddresse"] == [eip["EipAddress"]]
    outside = dict(destination=eip["EipAddress"], source_address="47.96.1.1")
    assert pair.answers(**outside) == pair.primary
    # The holder is taken off only by force; the address is then the other's.
    off = dict(HaVipId=pair.vip, InstanceId=pair.primary, InstanceType="EcsInstance")
    refused("Forbidden.UnassociateMaster", 400, cloud.vpc, "UnassociateHaVip", **off)
    cloud.vpc("UnassociateHaVip", Force="True", **off)
    cloud.until(lambda: pair.show()["AssociatedInstances"]["associatedInstance"], [pair.secondary])
    cloud.until(lambda: pair.show()["Status"], "InUse")
    assert pair.answers(**outside) == pair.secondary
    cloud.vpc("UnassociateEipAddress", **bound)
    cloud.until(lambda: look()["Status"], "Available")
    cloud.vpc("ReleaseEipAddress", AllocationId=eip["AllocationId"])


def test_what_is_bound_stays(pair, refused):
    cloud = pair.cloud
    pair.bind(pair.primary)
    refused("IncorrectHaVipStatus", 400, cloud.vpc, "DeleteHaVip", HaVipId=pair.vip)
    cloud.vpc("UnassociateHaVip", HaVipId=pair.vip, InstanceId=pair.primary, InstanceType="EcsInstance", Force="True")
    cloud.until(lambda: pair.show()["Status"], "Available")
    assert pair.master() == ""
    cloud.vpc("ModifyHaVipAttribute", HaVipId=pair.vip, Name="spare", Description="of nobody")
    assert (pair.show()["Name"], pair.show()["Description"]) == ("spare", "of nobody")
    refused("InvalidIPAddress.AlreadyUsed", 400, cloud.vpc, "CreateHaVip", VSwitchId=pair.vswitch, IpAddress="10.0.1.50")
    cloud.vpc("DeleteHaVip", HaVipId=pair.vip)
    cloud.until(lambda: cloud.vpc("DescribeHaVips")["TotalCount"], 0)
    refused("InvalidHaVipId.NotFound", 404, cloud.vpc, "DeleteHaVip", HaVipId=pair.vip)


def test_lists_by_filter(pair):
    cloud = pair.cloud
    other = cloud.vpc("CreateHaVip", VSwitchId=pair.vswitch)["HaVipId"]
    find = lambda **filters: {
        vip["HaVipId"]
        for vip in cloud.vpc("DescribeHaVips", Filter=[{"Key": k, "Value": v} for k, v in filters.items()])["HaVips"]["HaVip"]
    }
    assert find(VSwitchId=[pair.vswitch]) == {pair.vip, other}
    assert find(HaVipAddress=["10.0.1.50"]) == {pair.vip}
    assert find(VSwitchId=[pair.vswitch], Status=["InUse"]) == set()
