"""Another type, bandwidth, payment, metadata service, maintenance and disk for an instance that exists."""

import json

import pytest
import requests
from conftest import IMAGE, URL


@pytest.fixture
def place(standing_cloud):
    cloud = standing_cloud
    vpc = cloud.new_vpc()
    return cloud, cloud.new_vswitch(vpc), cloud.new_group(vpc)


def stopped(cloud, vswitch, group, **parameters):
    usual = dict(ImageId=IMAGE, InstanceType="ecs.g7.large", VSwitchId=vswitch, SecurityGroupId=group)
    made = cloud.ecs("CreateInstance", **usual | parameters)["InstanceId"]
    cloud.until(lambda: cloud.status(made), "Stopped")
    return made


def test_another_type(place, refused):
    """A stopped instance gets a type that carries what is attached; a running one gets none."""
    cloud, vswitch, group = place
    one = stopped(cloud, vswitch, group)
    refused("InvalidInstanceType.ValueNotSupported", 403, cloud.ecs, "ModifyInstanceSpec", InstanceId=one, InstanceType="ecs.none.large")
    refused("DryRunOperation", 400, cloud.ecs, "ModifyInstanceSpec", InstanceId=one, InstanceType="ecs.g7.xlarge", DryRun=True)
    token = f"type-{one}"
    for _ in range(2):
        cloud.ecs("ModifyInstanceSpec", InstanceId=one, InstanceType="ecs.g7.xlarge", ClientToken=token)
    seen = cloud.instance(one)
    assert (seen["InstanceType"], seen["Cpu"], seen["Memory"]) == ("ecs.g7.xlarge", 4, 16 * 1024)
    cloud.ecs("StartInstance", InstanceId=one)
    cloud.until(lambda: cloud.status(one), "Running")
    refused("InvalidInstanceStatus.NotStopped", 400, cloud.ecs, "ModifyInstanceSpec", InstanceId=one, InstanceType="ecs.g7.large")
    # The type that it had carries three interfaces, this one four.
    for _ in range(3):
        eni = cloud.new_eni(vswitch, group)
        cloud.ecs("AttachNetworkInterface", NetworkInterfaceId=eni, InstanceId=one)
    cloud.until(lambda: len(cloud.instance(one)["NetworkInterfaces"]["NetworkInterface"]), 4)
    cloud.ecs("StopInstance", InstanceId=one)
    cloud.until(lambda: cloud.status(one), "Stopped")
    refused("InvalidOperation.EniCountExceeded", 403, cloud.ecs, "ModifyInstanceSpec", InstanceId=one, InstanceType="ecs.g7.large")
    cloud.ecs("ModifyInstanceSpec", InstanceId=one, InternetMaxBandwidthOut=20, InternetMaxBandwidthIn=30)
    seen = cloud.instance(one)
    assert (seen["InternetMaxBandwidthOut"], seen["InternetMaxBandwidthIn"]) == (20, 30)
    cloud.ecs("DeleteInstance", InstanceId=one)


def test_another_payment(place, refused):
    """A subscription is not deleted; paid by use again, it is."""
    cloud, vswitch, group = place
    one = stopped(cloud, vswitch, group)
    change = lambda **parameters: cloud.ecs("ModifyInstanceChargeType", InstanceIds=json.dumps([one]), **parameters)
    refused("InvalidPeriod.UnitMismatch", 400, change, Period=5, PeriodUnit="Week")
    assert change(InstanceChargeType="PrePaid", Period=1, AutoPay=True)["OrderId"] != "0"
    assert cloud.instance(one)["InstanceChargeType"] == "PrePaid"
    (disk,) = cloud.ecs("DescribeDisks", InstanceId=one)["Disks"]["Disk"]
    assert disk["DiskChargeType"] == "PrePaid"
    refused("ChargeTypeViolation", 403, cloud.ecs, "DeleteInstance", InstanceId=one)
    renewed = lambda: cloud.ecs("DescribeInstanceAutoRenewAttribute", InstanceId=one)["InstanceRenewAttributes"]["InstanceRenewAttribute"][0]
    cloud.ecs("ModifyInstanceAutoRenewAttribute", InstanceId=one, RenewalStatus="AutoRenewal", Duration=1, PeriodUnit="Year")
    assert (renewed()["RenewalStatus"], renewed()["Duration"]) == ("AutoRenewal", 12)
    cloud.ecs("ModifyInstanceAutoRenewAttribute", InstanceId=one, RenewalStatus="NotRenewal")
    assert (renewed()["RenewalStatus"], renewed()["Duration"]) == ("NotRenewal", 0)
    refused("ChargeTypeViolation", 403, cloud.ecs, "ModifyInstanceSpec", InstanceId=one, InstanceType="ecs.g7.xlarge")
    ordered = cloud.ecs("ModifyPrepayInstanceSpec", InstanceId=one, InstanceType="ecs.g7.xlarge", OperatorType="upgrade")["OrderId"]
    assert cloud.ecs("ModifyPrepayInstanceSpec", InstanceId=one, InstanceType="ecs.g7.large", OperatorType="downgrade")["OrderId"] != ordered
    fees = change(InstanceChargeType="PostPaid", IsDetailFee=True)["FeeOfInstances"]["FeeOfInstance"]
    assert fees == [{"InstanceId": one, "Currency": "CNY", "Fee": "0"}]
    assert cloud.instance(one)["InstanceChargeType"] == "PostPaid"
    cloud.ecs("DeleteInstance", InstanceId=one)


def test_metadata_options(place, refused):
    """They are made, changed, listed by, and the metadata service does what they say."""
    cloud, vswitch, group = place
    one = cloud.new_instance(vswitch, group, HttpTokens="required", HttpPutResponseHopLimit=2)

    def options():
        asked = dict(InstanceIds=json.dumps([one]), AdditionalAttributes=["META_OPTIONS"])
        (shown,) = cloud.ecs("DescribeInstances", **asked)["Instances"]["Instance"]
        return tuple(shown["MetadataOptions"][name] for name in ("HttpEndpoint", "HttpTokens", "HttpPutResponseHopLimit"))

    def asked():
        return requests.get(f"{URL}/metadata/{one}@{cloud.world or 'default'}/latest/meta-data/mac", timeout=30).status_code

    change = lambda **parameters: cloud.ecs("ModifyInstanceMetadataOptions", InstanceId=one, **parameters)
    assert (options(), asked()) == (("enabled", "required", 2), 401)
    change(HttpEndpoint="enabled", HttpTokens="optional", HttpPutResponseHopLimit=1)
    assert (options(), asked()) == (("enabled", "optional", 1), 200)
    change(HttpEndpoint="disabled")
    assert (options(), asked()) == (("disabled", "optional", 1), 403)
    assert cloud.ecs("DescribeInstances", HttpEndpoint="disabled")["TotalCount"] == 1
    refused("InvalidHttpTokens.NotSupported", 400, change, HttpEndpoint="enabled", HttpTokens="never")
    cloud.ecs("DeleteInstance", InstanceId=one, Force=True)


def test_maintenance(place, refused):
    cloud, vswitch, group = place
    ids = cloud.new_instances(vswitch, group, 2)
    change = lambda **parameters: cloud.ecs("ModifyInstanceMaintenanceAttributes", InstanceId=ids, **parameters)
    refused("InvalidParameter", 403, change, MaintenanceWindow=[{"StartTime": "02:30:00", "EndTime": "06:00:00"}])
    window = {"StartTime": "22:00:00", "EndTime": "06:00:00"}
    change(ActionOnMaintenance="Stop", NotifyOnMaintenance=True, MaintenanceWindow=[window])
    shown = cloud.ecs("DescribeInstanceMaintenanceAttributes", InstanceId=ids)["MaintenanceAttributes"]["MaintenanceAttribute"]
    assert [one["InstanceId"] for one in shown] == ids
    for one in shown:
        assert (one["ActionOnMaintenance"]["Value"], one["NotifyOnMaintenance"]) == ("Stop", True)
        assert one["MaintenanceWindows"]["MaintenanceWindow"] == [window]
    cloud.ecs("DeleteInstances", InstanceId=ids, Force=True)


def test_a_disk(place, refused):
    cloud, vswitch, group = place
    one = stopped(cloud, vswitch, group)
    disk = lambda: cloud.ecs("DescribeDisks", InstanceId=one)["Disks"]["Disk"][0]
    change = lambda **parameters: cloud.ecs("ModifyDiskAttribute", DiskId=disk()["DiskId"], **parameters)
    refused("NoAttributeToModify", 400, change)
    refused("DiskNotPortable", 403, change, DeleteWithInstance=False)
    change(DiskName="root", Description="The system", EnableAutoSnapshot=False)
    seen = disk()
    assert (seen["DiskName"], seen["Description"], seen["EnableAutoSnapshot"]) == ("root", "The system", False)
    cloud.ecs("DeleteInstance", InstanceId=one)
