"""The servers behind a load balancer: a vServer group and the default pool change under traffic."""

import json

import pytest
from web_tier import WebTier


@pytest.fixture
def tier(standing_cloud):
    tier = WebTier(standing_cloud)
    tier.advance(10_000)
    return tier


def servers(*members):
    return json.dumps([{"ServerId": server, "Port": port} | more for server, port, more in members])


def members(tier, group):
    shown = tier.cloud.slb("DescribeVServerGroupAttribute", VServerGroupId=group)["BackendServers"]["BackendServer"]
    return {(member["ServerId"], member["Port"]): member["Weight"] for member in shown}


def test_members_come_and_go(tier, refused):
    slb, group, (first, second) = tier.cloud.slb, tier.web_group, tier.web
    new = tier.instance(tier.vswitches[0])
    slb("AddVServerGroupBackendServers", VServerGroupId=group, BackendServers=servers((new, 8080, {"Weight": 50})))
    assert members(tier, group) == {(first, 8080): 100, (second, 8080): 100, (new, 8080): 50}
    # A new member gets nothing before it is known to be healthy.
    assert tier.health(81)[new, 8080] == "unavailable"
    tier.cloud.until(lambda: tier.health(81)[new, 8080], "normal")
    slb("RemoveVServerGroupBackendServers", VServerGroupId=group, BackendServers=servers((first, 8080, {})))
    assert tier.trace(81) == ("delivered", second)
    # One is replaced by another in a step.
    replaced = dict(OldBackendServers=servers((second, 8080, {})), NewBackendServers=servers((first, 8080, {"Weight": 100})))
    slb("ModifyVServerGroupBackendServers", VServerGroupId=group, **replaced)
    assert members(tier, group) == {(new, 8080): 50, (first, 8080): 100}
    slb(
        "SetVServerGroupAttribute",
        VServerGroupId=group,
        VServerGroupName="shop",
        BackendServers=servers((new, 8080, {"Weight": 0})),
    )
    assert members(tier, group)[new, 8080] == 0
    named = tier.call("DescribeVServerGroups", Description="shop")["VServerGroups"]["VServerGroup"]
    assert [one["VServerGroupId"] for one in named] == [group]
    spare = tier.vserver_group("spare", (first, 8081))
    slb("DeleteVServerGroup", VServerGroupId=spare)
    refused("InvalidParameter", 404, slb, "DescribeVServerGroupAttribute", VServerGroupId=spare)
    refused(
        "InvalidServerId.NotExist",
        400,
        slb,
        "AddVServerGroupBackendServers",
        VServerGroupId=group,
        BackendServers=servers(("i-0", 1, {})),
    )


def test_a_network_interface_is_a_member(tier):
    """As a pod behind an interface of its own is."""
    cloud, group = tier.cloud, tier.web_group
    node = tier.instance(tier.vswitches[0])
    eni = cloud.new_eni(tier.vswitches[0], tier.group)
    cloud.ecs("AttachNetworkInterface", NetworkInterfaceId=eni, InstanceId=node)
    look = lambda: cloud.ecs("DescribeNetworkInterfaces", NetworkInterfaceId=[eni])["NetworkInterfaceSets"][
        "NetworkInterfaceSet"
    ][0]
    cloud.until(lambda: look()["Status"], "InUse")
    pod = servers((eni, 8080, {"Weight": 100, "Type": "eni"}))
    cloud.slb("AddVServerGroupBackendServers", VServerGroupId=group, BackendServers=pod)
    others = servers(*((server, 8080, {}) for server in tier.web))
    cloud.slb("RemoveVServerGroupBackendServers", VServerGroupId=group, BackendServers=others)
    cloud.until(lambda: tier.health(81), {(eni, 8080): "normal"})
    assert tier.trace(81) == ("delivered", eni)


def test_the_default_pool(tier):
    first, second = tier.web
    pool = lambda: {server["ServerId"]: server["Weight"] for server in tier.describe()["BackendServers"]["BackendServer"]}
    tier.call("SetBackendServers", BackendServers=json.dumps([{"ServerId": first, "Weight": "0"}]))
    assert pool() == {first: 0, second: 100}
    assert tier.trace(443) == ("delivered", second)
    tier.call("RemoveBackendServers", BackendServers=json.dumps([{"ServerId": first}]))
    assert pool() == {second: 100}
    found = tier.cloud.slb("DescribeLoadBalancers", ServerId=second)["LoadBalancers"]["LoadBalancer"]
    assert [lb["LoadBalancerId"] for lb in found] == [tier.lb]
    tier.call("AddBackendServers", BackendServers=json.dumps([{"ServerId": first, "Weight": "100"}]))
    assert pool() == {first: 100, second: 100}


def test_a_primary_secondary_group_takes_two(tier, refused):
    first, second = tier.web
    make = lambda code, *roles: refused(
        code,
        400,
        tier.call,
        "CreateMasterSlaveServerGroup",
        MasterSlaveBackendServers=servers(*((server, port, {"ServerType": role}) for server, port, role in roles)),
    )
    make("BACKEND_SERVERS_NUM_MUST_BE_TWO", (first, 5432, "Master"))
    make("BACKEND_SERVERS_CAN_ONLY_CONTAIN_ONE_MASTER_AND_ONE_SLAVE", (first, 5432, "Slave"), (second, 5432, "Slave"))
    refused("RspoolVipExist", 400, tier.cloud.slb, "DeleteMasterSlaveServerGroup", MasterSlaveServerGroupId=tier.pair)
    # Its listener is led to another group; then nothing holds it.
    other = dict(MasterSlaveServerGroup="off", VServerGroup="on", VServerGroupId=tier.web_group)
    tier.call("SetLoadBalancerTCPListenerAttribute", ListenerPort=3306, **other)
    tier.cloud.slb("DeleteMasterSlaveServerGroup", MasterSlaveServerGroupId=tier.pair)
    assert tier.call("DescribeMasterSlaveServerGroups")["MasterSlaveServerGroups"]["MasterSlaveServerGroup"] == []
