"""Instances: run, describe, stop, start, attach an interface, delete in the wrong and the right order."""

import json

import pytest
from conftest import OTHER_ZONE, ZONE, until

IMAGE = "aliyun_3_x64_20G_alibase_20240819.vhd"


@pytest.fixture
def lab(cloud):
    """A VPC with a vSwitch and a group."""
    cloud.net = cloud.new_vpc()
    cloud.web = cloud.new_vswitch(cloud.net)
    cloud.group = cloud.ecs("CreateSecurityGroup", VpcId=cloud.net)["SecurityGroupId"]
    return cloud


def run(cloud, **parameters):
    """Runs instances in the lab's vSwitch; their ids."""
    usual = dict(ImageId=IMAGE, InstanceType="ecs.g7.large", VSwitchId=cloud.web, SecurityGroupId=cloud.group)
    return cloud.ecs("RunInstances", **usual | parameters)["InstanceIdSets"]["InstanceIdSet"]


def describe(cloud, *ids, **filters):
    """The instances as DescribeInstances shows them."""
    if ids:
        filters["InstanceIds"] = json.dumps(ids)
    return cloud.ecs("DescribeInstances", **filters)["Instances"]["Instance"]


def status(cloud, instance):
    return describe(cloud, instance)[0]["Status"]


def wait(cloud, instance, wanted):
    until(lambda: status(cloud, instance), wanted)


def running(cloud, **parameters):
    made = run(cloud, **parameters)
    for instance in made:
        wait(cloud, instance, "Running")
    return made


def delete(cloud, *instances):
    for instance in instances:
        cloud.ecs("DeleteInstance", InstanceId=instance, Force=True)
    until(lambda: describe(cloud, *instances), [])


def test_run_and_show(lab):
    (made,) = run(lab, InstanceName="web", HostName="web-1", Description="first")
    assert made.startswith("i-")
    assert status(lab, made) in ("Pending", "Starting", "Running")
    wait(lab, made, "Running")
    (shown,) = describe(lab, made)
    assert (shown["InstanceName"], shown["HostName"], shown["Description"]) == ("web", "web-1", "first")
    assert (shown["ZoneId"], shown["RegionId"], shown["InstanceNetworkType"]) == (ZONE, "cn-hangzhou", "vpc")
    assert (shown["InstanceType"], shown["ImageId"]) == ("ecs.g7.large", IMAGE)
    assert shown["VpcAttributes"]["PrivateIpAddress"]["IpAddress"] == ["10.0.1.1"]
    assert shown["SecurityGroupIds"]["SecurityGroupId"] == [lab.group]
    (eni,) = shown["NetworkInterfaces"]["NetworkInterface"]
    assert (eni["Type"], eni["PrimaryIpAddress"]) == ("Primary", "10.0.1.1")
    (of_eni,) = lab.ecs("DescribeNetworkInterfaces", InstanceId=made)["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    assert (of_eni["NetworkInterfaceId"], of_eni["MacAddress"]) == (eni["NetworkInterfaceId"], eni["MacAddress"])
    (disk,) = lab.ecs("DescribeDisks", InstanceId=made)["Disks"]["Disk"]
    assert (disk["Type"], disk["Size"]) == ("system", 40)
    native = lab.native(f"/v1/instances/{made}").json()
    assert (native["status"], native["primary_ip_address"]) == ("Running", "10.0.1.1")
    assert lab.vpc("DescribeVSwitchAttributes", VSwitchId=lab.web)["AvailableIpAddressCount"] == 251


def test_page_through(lab):
    made = running(lab, Amount=5, InstanceName="node", UniqueSuffix=True)
    assert len(made) == 5
    names = [i["InstanceName"] for i in describe(lab, VpcId=lab.net)]
    assert names == [f"node{n:03}" for n in range(1, 6)]
    seen, token = [], None
    while True:
        parameters = {"NextToken": token} if token else {}
        page = lab.ecs("DescribeInstances", MaxResults=2, **parameters)
        assert page["PageSize"] == 2
        seen += [i["InstanceId"] for i in page["Instances"]["Instance"]]
        token = page["NextToken"]
        if not token:
            break
    assert seen == made
    pages = [lab.ecs("DescribeInstances", PageNumber=n, PageSize=3) for n in (1, 2)]
    assert [len(p["Instances"]["Instance"]) for p in pages] == [3, 2]
    assert {p["TotalCount"] for p in pages} == {5}
    one = describe(lab, VpcId=lab.net, PrivateIpAddresses=json.dumps(["10.0.1.3"]))
    assert [i["InstanceId"] for i in one] == made[2:3]
    assert describe(lab, ZoneId=OTHER_ZONE) == []


def test_stop_start_and_reboot(lab, refused):
    (made,) = running(lab)
    refused("IncorrectInstanceStatus", 403, lab.ecs, "StartInstance", InstanceId=made)
    lab.ecs("StopInstance", InstanceId=made, StoppedMode="StopCharging")
    wait(lab, made, "Stopped")
    assert describe(lab, made)[0]["StoppedMode"] == "StopCharging"
    refused("IncorrectInstanceStatus", 403, lab.ecs, "RebootInstance", InstanceId=made)
    lab.ecs("StartInstance", InstanceId=made)
    wait(lab, made, "Running")
    lab.ecs("RebootInstance", InstanceId=made)
    wait(lab, made, "Running")
    assert describe(lab, made)[0]["VpcAttributes"]["PrivateIpAddress"]["IpAddress"] == ["10.0.1.1"]


@pytest.mark.parametrize(
    "parameters, code, status",
    [
        ({"InstanceType": "ecs.none.large"}, "InvalidInstanceType.ValueNotSupported", 403),
        ({"ImageId": "m-nothing"}, "InvalidImageId.NotFound", 404),
        ({"VSwitchId": "vsw-nothing"}, "InvalidVSwitchId.NotFound", 404),
        ({"SecurityGroupId": "sg-nothing"}, "InvalidSecurityGroupId.NotFound", 404),
        ({"InstanceName": "1"}, "InvalidInstanceName.Malformed", 400),
        ({"HostName": "-"}, "InvalidHostName.Malformed", 400),
        ({"Password": "short"}, "InvalidPassword.Malformed", 400),
        ({"UserData": "not base64"}, "InvalidUserData.Base64FormatInvalid", 400),
        ({"PrivateIpAddress": "10.0.1.254"}, "InvalidVSwitchId.IpInvalid", 403),
        ({"PrivateIpAddress": "10.0.2.1"}, "InvalidVSwitchId.IpInvalid", 403),
        ({"Amount": 253}, "QuotaExceeded.PrivateIpAddress", 403),
        ({"DryRun": True}, "DryRunOperation", 400),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_bad_input(lab, refused, parameters, code, status):
    refused(code, status, run, lab, **parameters)
    assert describe(lab) == []
    assert lab.vpc("DescribeVSwitchAttributes", VSwitchId=lab.web)["AvailableIpAddressCount"] == 252


def test_a_token_runs_once(lab):
    first = run(lab, ClientToken="t-1")
    assert run(lab, ClientToken="t-1") == first
    assert len(describe(lab)) == 1


def test_attach_an_interface(lab):
    (made,) = running(lab)
    usual = dict(VSwitchId=lab.web, SecurityGroupId=lab.group)
    goes = lab.ecs("CreateNetworkInterface", **usual)["NetworkInterfaceId"]
    stays = lab.ecs("CreateNetworkInterface", **usual, DeleteOnRelease=False)["NetworkInterfaceId"]

    def state(eni):
        found = lab.ecs("DescribeNetworkInterfaces", NetworkInterfaceId=[eni])
        sets = found["NetworkInterfaceSets"]["NetworkInterfaceSet"]
        return sets[0]["Status"] if sets else None

    for eni in (goes, stays):
        lab.ecs("AttachNetworkInterface", NetworkInterfaceId=eni, InstanceId=made)
        until(lambda: state(eni), "InUse")
    assert len(describe(lab, made)[0]["NetworkInterfaces"]["NetworkInterface"]) == 3
    delete(lab, made)
    until(lambda: state(goes), None)
    until(lambda: state(stays), "Available")


def test_delete_in_the_wrong_and_the_right_order(lab, refused):
    (made,) = running(lab, DeletionProtection=True)
    table = lab.vpc("DescribeVpcs", VpcId=lab.net)["Vpcs"]["Vpc"][0]["RouterTableIds"]["RouterTableIds"][0]
    hop = dict(RouteTableId=table, DestinationCidrBlock="172.20.0.0/24", NextHopId=made)
    lab.vpc("CreateRouteEntry", **hop, NextHopType="Instance")
    entries = lambda: lab.vpc("DescribeRouteEntryList", RouteTableId=table, RouteEntryType="Custom")
    until(lambda: [e["Status"] for e in entries()["RouteEntrys"]["RouteEntry"]], ["Available"])

    refused("DependencyViolation", 400, lab.vpc, "DeleteVSwitch", VSwitchId=lab.web)
    refused("DependencyViolation", 403, lab.ecs, "DeleteSecurityGroup", SecurityGroupId=lab.group)
    protected = "InvalidOperation.DeletionProtection"
    refused(protected, 403, lab.ecs, "DeleteInstance", InstanceId=made, Force=True)
    lab.ecs("ModifyInstanceAttribute", InstanceId=made, DeletionProtection=False)
    refused("IncorrectInstanceStatus", 403, lab.ecs, "DeleteInstance", InstanceId=made)
    refused("DependencyViolation.RouteEntry", 400, lab.ecs, "DeleteInstance", InstanceId=made, Force=True)
    lab.vpc("DeleteRouteEntry", **hop)
    until(lambda: entries()["RouteEntrys"]["RouteEntry"], [])
    lab.ecs("StopInstance", InstanceId=made)
    wait(lab, made, "Stopped")
    lab.ecs("DeleteInstance", InstanceId=made)
    until(lambda: describe(lab, made), [])
    refused("InvalidInstanceId.NotFound", 404, lab.ecs, "DeleteInstance", InstanceId=made)
    lab.ecs("DeleteSecurityGroup", SecurityGroupId=lab.group)
    lab.delete_vswitch(lab.web)
    lab.delete_vpc(lab.net)


def test_move_to_another_vswitch(lab, refused):
    db = lab.new_vswitch(lab.net, "10.0.2.0/24")
    far = lab.new_vswitch(lab.net, "10.0.3.0/24", OTHER_ZONE)
    (made,) = running(lab)
    move = lambda vswitch: lab.ecs("ModifyInstanceVpcAttribute", InstanceId=made, VSwitchId=vswitch)
    refused("IncorrectInstanceStatus", 400, move, db)
    lab.ecs("StopInstance", InstanceId=made)
    wait(lab, made, "Stopped")
    refused("InvalidOperation.VswAndEcsAvailabilityZoneMismatch", 403, move, far)
    move(db)
    shown = describe(lab, made)[0]["VpcAttributes"]
    assert (shown["VSwitchId"], shown["PrivateIpAddress"]["IpAddress"]) == (db, ["10.0.2.1"])


def test_an_instance_gets_a_public_address_of_its_own(cloud, refused):
    """A static one, which is in force from the next start on and goes with the instance."""
    vpc = cloud.new_vpc()
    vswitch, group = cloud.new_vswitch(vpc), cloud.new_group(vpc)
    usual = dict(ImageId=IMAGE, InstanceType="ecs.g7.large", VSwitchId=vswitch, SecurityGroupId=group)
    made = cloud.ecs("CreateInstance", InternetMaxBandwidthOut=5, **usual)["InstanceId"]
    cloud.until(lambda: cloud.instance(made)["Status"], "Stopped")
    address = cloud.ecs("AllocatePublicIpAddress", InstanceId=made)["IpAddress"]
    assert cloud.ecs("AllocatePublicIpAddress", InstanceId=made)["IpAddress"] == address, "it has it already"
    refused("AllocatedAlready", 403, cloud.ecs, "AllocatePublicIpAddress", InstanceId=made, IpAddress="198.18.9.9")
    cloud.ecs("StartInstance", InstanceId=made)
    cloud.until(lambda: cloud.instance(made)["Status"], "Running")
    assert cloud.instance(made)["PublicIpAddress"]["IpAddress"] == [address]
    cloud.ecs("DeleteInstance", InstanceId=made, Force=True)
