"""Instances one at a time and many at once: made stopped, started, rebooted, stopped, deleted; and what else is asked of them."""

import base64
import json

import pytest
from conftest import IMAGE


@pytest.fixture
def place(standing_cloud):
    cloud = standing_cloud
    vpc = cloud.new_vpc()
    return cloud, cloud.new_vswitch(vpc), cloud.new_group(vpc)


def create(cloud, vswitch, group, **parameters):
    usual = dict(ImageId=IMAGE, InstanceType="ecs.g7.large", VSwitchId=vswitch, SecurityGroupId=group)
    return cloud.ecs("CreateInstance", **usual | parameters)["InstanceId"]


def statuses(cloud, instances):
    """The status of each instance, as the list shows it."""
    shown = cloud.ecs("DescribeInstanceStatus", InstanceId=instances)["InstanceStatuses"]["InstanceStatus"]
    return {one["InstanceId"]: one["Status"] for one in shown}


def all_are(cloud, instances, status):
    cloud.until(lambda: statuses(cloud, instances), dict.fromkeys(instances, status))


def codes(answer):
    """What a call on many instances says of each."""
    return {one["InstanceId"]: one["Code"] for one in answer["InstanceResponses"]["InstanceResponse"]}


def test_many_at_once(place, refused):
    cloud, vswitch, group = place
    ids = [create(cloud, vswitch, group, InstanceName=f"node-{n}", ClientToken=f"node-{n}-{cloud.account}") for n in range(3)]
    assert create(cloud, vswitch, group, InstanceName="node-0", ClientToken=f"node-0-{cloud.account}") == ids[0]
    # CreateInstance does not start what it makes.
    all_are(cloud, ids, "Stopped")
    assert codes(cloud.ecs("StartInstances", InstanceId=ids)) == dict.fromkeys(ids, "200")
    all_are(cloud, ids, "Running")
    assert codes(cloud.ecs("RebootInstances", InstanceId=ids, ForceReboot=True)) == dict.fromkeys(ids, "200")
    all_are(cloud, ids, "Running")
    first, *others = ids
    cloud.ecs("StopInstances", InstanceId=[first], ForceStop=True)
    all_are(cloud, [first], "Stopped")
    # All or none, unless the successes shall stand.
    refused("IncorrectInstanceStatus", 403, cloud.ecs, "RebootInstances", InstanceId=ids)
    assert statuses(cloud, ids) == {first: "Stopped"} | dict.fromkeys(others, "Running")
    said = codes(cloud.ecs("RebootInstances", InstanceId=ids, BatchOptimization="SuccessFirst"))
    assert said == {first: "IncorrectInstanceStatus"} | dict.fromkeys(others, "200")
    all_are(cloud, others, "Running")
    refused("IncorrectInstanceStatus", 403, cloud.ecs, "DeleteInstances", InstanceId=ids)
    cloud.ecs("DeleteInstances", InstanceId=ids, Force=True)
    cloud.until(lambda: statuses(cloud, ids), {})


def test_what_is_asked_of_an_instance(place, refused):
    cloud, vswitch, group = place
    made = cloud.new_instance(vswitch, group, InstanceName="node")
    page = cloud.ecs("DescribeInstanceStatus", ZoneId="cn-hangzhou-k", PageSize=1)
    assert (page["TotalCount"], page["PageSize"]) == (1, 1)
    assert cloud.ecs("DescribeInstanceStatus", ZoneId="cn-hangzhou-b")["TotalCount"] == 0
    # There is no screen to look at.
    assert cloud.ecs("DescribeInstanceVncUrl", InstanceId=made)["VncUrl"] == ""
    # What is paid for by use is never renewed.
    renewed = cloud.ecs("DescribeInstanceAutoRenewAttribute", RenewalStatus="AutoRenewal")["InstanceRenewAttributes"]
    assert renewed["InstanceRenewAttribute"] == []
    refused("ChargeTypeViolation", 403, cloud.ecs, "DescribeInstanceAutoRenewAttribute", InstanceId=made)
    (nic,) = cloud.ecs("DescribeNetworkInterfaces", InstanceId=made)["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    shown = cloud.ecs("DescribeNetworkInterfaceAttribute", NetworkInterfaceId=nic["NetworkInterfaceId"])
    assert (shown["InstanceId"], shown["Type"], shown["Status"]) == (made, "Primary", "InUse")
    assert shown["PrivateIpAddress"] == cloud.instance(made)["VpcAttributes"]["PrivateIpAddress"]["IpAddress"][0]
    described = cloud.ecs("DescribeInstanceAttribute", InstanceId=made)
    assert (described["InstanceName"], described["InstanceType"], described["Status"]) == ("node", "ecs.g7.large", "Running")
    missing = dict(NetworkInterfaceId="eni-nothing")
    refused("InvalidEniId.NotFound", 404, cloud.ecs, "DescribeNetworkInterfaceAttribute", **missing)
    refused("InvalidInstanceId.NotFound", 404, cloud.ecs, "DescribeInstanceVncUrl", InstanceId="i-nothing")


def test_what_an_instance_was_given(place):
    cloud, vswitch, group = place
    image = cloud.ecs("DescribeImages", OSType="linux", Architecture="x86_64")["Images"]["Image"][0]["ImageId"]
    script = base64.b64encode(b"#!/bin/sh\n").decode()
    made = cloud.new_instance(vswitch, group, ImageId=image, UserData=script, RamRoleName="node-role")
    assert cloud.instance(made)["ImageId"] == image
    (role,) = cloud.ecs("DescribeInstanceRamRole", InstanceIds=json.dumps([made]))["InstanceRamRoleSets"]["InstanceRamRoleSet"]
    assert (role["InstanceId"], role["RamRoleName"]) == (made, "node-role")
    assert cloud.ecs("DescribeUserData", InstanceId=made)["UserData"] == script
    upkeep = cloud.ecs("DescribeInstanceMaintenanceAttributes", InstanceId=[made])["MaintenanceAttributes"][
        "MaintenanceAttribute"
    ]
    assert [one["InstanceId"] for one in upkeep] == [made]
    pools = cloud.ecs("DescribeInstanceAttachmentAttributes", InstanceIds=json.dumps([made]))["Instances"]["Instance"]
    assert [(one["InstanceId"], one["PrivatePoolOptionsMatchCriteria"]) for one in pools] == [(made, "Open")]


def test_an_interface_moves_to_another_instance(place, refused):
    cloud, vswitch, group = place
    first, second = cloud.new_instances(vswitch, group, 2)
    eni = cloud.new_eni(vswitch, group, PrimaryIpAddress="10.0.1.99")
    look = lambda: cloud.ecs("DescribeNetworkInterfaces", NetworkInterfaceId=[eni])["NetworkInterfaceSets"][
        "NetworkInterfaceSet"
    ][0]
    for instance in (first, second):
        cloud.ecs("AttachNetworkInterface", NetworkInterfaceId=eni, InstanceId=instance)
        cloud.until(lambda: look()["Status"], "InUse")
        assert look()["InstanceId"] == instance
        assert cloud.trace("10.0.1.99", instance_id=second if instance == first else first)[0] == "delivered"
        cloud.ecs("DetachNetworkInterface", NetworkInterfaceId=eni, InstanceId=instance)
        cloud.until(lambda: look()["Status"], "Available")
    (primary,) = cloud.ecs("DescribeNetworkInterfaces", InstanceId=first)["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    fixed = dict(NetworkInterfaceId=primary["NetworkInterfaceId"], InstanceId=first)
    refused("InvalidOperation.DetachPrimaryEniNotAllowed", 400, cloud.ecs, "DetachNetworkInterface", **fixed)


def test_a_rule_of_what_goes_out_is_changed(place, refused):
    """A group that lets its instances reach one network only, then another."""
    cloud, vswitch, group = place
    # Members of one group reach each other whatever its rules say.
    target_group = cloud.new_group(cloud.vpc("DescribeVpcs")["Vpcs"]["Vpc"][0]["VpcId"])
    way_in = {"IpProtocol": "TCP", "PortRange": "80/80", "SourceCidrIp": "10.0.0.0/8"}
    cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=target_group, Permissions=[way_in])
    source, target = cloud.new_instance(vswitch, group), cloud.new_instance(vswitch, target_group)
    (address,) = cloud.instance(target)["VpcAttributes"]["PrivateIpAddress"]["IpAddress"]
    cloud.ecs(
        "AuthorizeSecurityGroupEgress",
        SecurityGroupId=group,
        Permissions=[
            {"IpProtocol": "TCP", "PortRange": "1/65535", "DestCidrIp": "10.0.0.0/8", "Policy": "drop", "Priority": "1"}
        ],
    )
    rules = lambda: cloud.ecs("DescribeSecurityGroupAttribute", SecurityGroupId=group, Direction="egress")["Permissions"]
    (rule,) = rules()["Permission"]
    end = lambda: cloud.trace(address, instance_id=source)[0]
    assert end() == "security_group_drop"
    changed = dict(SecurityGroupId=group, SecurityGroupRuleId=rule["SecurityGroupRuleId"])
    cloud.ecs("ModifySecurityGroupEgressRule", Policy="accept", Description="to the cluster", **changed)
    (rule,) = rules()["Permission"]
    assert (rule["Policy"], rule["Description"], rule["DestCidrIp"]) == ("Accept", "to the cluster", "10.0.0.0/8")
    assert end() == "delivered"
    gone = dict(SecurityGroupId=group, SecurityGroupRuleId="sgr-nothing", Policy="accept")
    refused("InvalidSecurityGroupRuleId.NotFound", 404, cloud.ecs, "ModifySecurityGroupEgressRule", **gone)
