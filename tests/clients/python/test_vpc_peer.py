"""VPC peering connections: two networks of one account, and of two accounts of which one asks and the other agrees."""

import pytest
from conftest import ZONE


class Side:
    """A VPC with a host, of an account."""

    def __init__(self, cloud, block):
        self.cloud, self.block = cloud, block
        self.vpc = cloud.new_vpc(CidrBlock=block)
        vswitch = cloud.new_vswitch(self.vpc, block.replace("/16", "/24"), ZONE)
        group = cloud.new_group(self.vpc)
        anything = {"IpProtocol": "ALL", "PortRange": "-1/-1", "SourceCidrIp": "0.0.0.0/0"}
        cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=group, Permissions=[anything])
        self.host = cloud.new_instance(vswitch, group)
        (self.address,) = cloud.instance(self.host)["VpcAttributes"]["PrivateIpAddress"]["IpAddress"]
        tables = cloud.vpc("DescribeRouteTableList", VpcId=self.vpc)["RouterTableList"]["RouterTableListType"]
        self.table = tables[0]["RouteTableId"]

    def call(self, action, **parameters):
        return self.cloud.call("vpcpeer", action, **parameters)

    def ask(self, other, **parameters):
        """Asks for a connection with another side; its id."""
        who = dict(AcceptingAliUid=other.cloud.account, AcceptingRegionId="cn-hangzhou", AcceptingVpcId=other.vpc)
        return self.call("CreateVpcPeerConnection", VpcId=self.vpc, **who, **parameters)["InstanceId"]

    def status(self, peer):
        return self.call("GetVpcPeerConnectionAttribute", InstanceId=peer)["Status"]

    def await_status(self, peer, wanted):
        self.cloud.until(lambda: self.status(peer), wanted)

    def route(self, peer, other):
        """A route to the other side."""
        there = dict(RouteTableId=self.table, DestinationCidrBlock=other.block)
        self.cloud.vpc("CreateRouteEntry", NextHopType="VpcPeer", NextHopId=peer, **there)
        look = lambda: self.cloud.vpc("DescribeRouteEntryList", RouteTableId=self.table, RouteEntryType="Custom")["RouteEntrys"]
        self.cloud.until(lambda: [entry["Status"] for entry in look()["RouteEntry"]], ["Available"])
        return there

    def reaches(self, other):
        return self.cloud.trace(other.address, instance_id=self.host)[0]


@pytest.fixture
def sides(standing_cloud):
    """Two accounts with a VPC each."""
    return Side(standing_cloud, "10.1.0.0/16"), Side(standing_cloud.other(), "10.2.0.0/16")


def test_one_asks_and_the_other_agrees(sides, refused):
    one, two = sides
    peer = one.ask(two, Name="to-shared", Description="the shared services", ClientToken=f"peer-{one.cloud.account}")
    one.await_status(peer, "Accepting")
    assert one.ask(two, Name="to-shared", Description="the shared services", ClientToken=f"peer-{one.cloud.account}") == peer
    # Who asked cannot agree in the other's place.
    refused("Forbidden.NoPermission", 400, one.call, "AcceptVpcPeerConnection", InstanceId=peer)
    two.call("AcceptVpcPeerConnection", InstanceId=peer)
    two.await_status(peer, "Activated")
    shown = two.call("GetVpcPeerConnectionAttribute", InstanceId=peer)
    assert (shown["Vpc"]["VpcId"], shown["AcceptingVpc"]["VpcId"]) == (one.vpc, two.vpc)
    assert (shown["OwnerId"], shown["AcceptingOwnerUid"]) == (one.cloud.account, two.cloud.account)
    assert (shown["Vpc"]["Ipv4Cidrs"], shown["AcceptingVpc"]["Ipv4Cidrs"]) == (["10.1.0.0/16"], ["10.2.0.0/16"])
    # Each side needs a route: a packet that comes has to be answered.
    assert one.reaches(two) == "no_route"
    there = one.route(peer, two)
    assert one.reaches(two) != "delivered"
    back = two.route(peer, one)
    assert (one.reaches(two), two.reaches(one)) == ("delivered", "delivered")
    refused("OperationDenied.RouteEntryExist", 400, one.call, "DeleteVpcPeerConnection", InstanceId=peer)
    one.cloud.vpc("DeleteRouteEntry", NextHopId=peer, **there)
    two.cloud.vpc("DeleteRouteEntry", NextHopId=peer, **back)
    gone = lambda: two.cloud.vpc("DescribeRouteEntryList", RouteTableId=two.table, RouteEntryType="Custom")["RouteEntrys"]
    two.cloud.until(lambda: gone()["RouteEntry"], [])
    two.call("DeleteVpcPeerConnection", InstanceId=peer)
    one.cloud.until(lambda: one.call("ListVpcPeerConnections", VpcId=[one.vpc])["TotalCount"], 0)
    refused("ResourceNotFound.InstanceId", 400, one.call, "GetVpcPeerConnectionAttribute", InstanceId=peer)


def test_one_asks_and_the_other_refuses(sides, refused):
    one, two = sides
    peer = one.ask(two)
    one.await_status(peer, "Accepting")
    two.call("RejectVpcPeerConnection", InstanceId=peer)
    two.await_status(peer, "Rejected")
    refused("IncorrectStatus.VpcPeer", 400, two.call, "AcceptVpcPeerConnection", InstanceId=peer)
    one.call("DeleteVpcPeerConnection", InstanceId=peer)


def test_inside_an_account_nobody_is_asked(standing_cloud, refused):
    one = Side(standing_cloud, "10.1.0.0/16")
    two = Side(standing_cloud, "10.2.0.0/16")
    peer = one.ask(two, Name="inner")
    one.await_status(peer, "Activated")
    one.call("ModifyVpcPeerConnection", InstanceId=peer, Name="inside", Description="of one account")
    one.await_status(peer, "Activated")
    (listed,) = one.call("ListVpcPeerConnections", Name="inside", MaxResults=10)["VpcPeerConnects"]
    assert (listed["InstanceId"], listed["Description"], listed["Bandwidth"]) == (peer, "of one account", -1)
    on_it = dict(ResourceType="PeerConnection", ResourceId=[peer])
    one.call("TagResources", Tag=[{"Key": "team", "Value": "net"}], **on_it)
    tags = lambda: [(tag["TagKey"], tag["TagValue"]) for tag in one.call("ListTagResources", **on_it)["TagResources"]]
    assert tags() == [("team", "net")]
    assert one.call("ListVpcPeerConnections", Tags=[{"Key": "team", "Value": "net"}])["TotalCount"] == 1
    one.call("UnTagResources", TagKey=["team"], **on_it)
    assert tags() == []
    (group,) = one.cloud.call("resourcemanager", "ListResourceGroups")["ResourceGroups"]["ResourceGroup"]
    moved = dict(ResourceType="PeerConnection", ResourceId=peer, NewResourceGroupId=group["Id"])
    one.call("MoveResourceGroup", **moved)
    assert one.call("GetVpcPeerConnectionAttribute", InstanceId=peer)["ResourceGroupId"] == group["Id"]
    one.route(peer, two)
    two.route(peer, one)
    assert one.reaches(two) == "delivered"
    # By force the routes go with it.
    one.call("DeleteVpcPeerConnection", InstanceId=peer, Force=True)
    one.cloud.until(lambda: one.call("ListVpcPeerConnections")["TotalCount"], 0)
    assert one.reaches(two) == "no_route"
