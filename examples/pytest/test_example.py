"""What a controller's tests can look like, here with the provider's published Python SDK."""

import pytest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client

REGION = "cn-hangzhou"


@pytest.fixture
def vpc(world):
    """The SDK as anybody uses it; only the endpoint is another."""
    config = Config(access_key_id=world.key, access_key_secret="any", region_id=REGION)
    config.endpoint, config.protocol = world.endpoint, "http"
    return Client(config)


def new_vpc(vpc, block="10.0.0.0/16"):
    return vpc.create_vpc(models.CreateVpcRequest(region_id=REGION, cidr_block=block)).body.vpc_id


def status(vpc, vpc_id):
    request = models.DescribeVpcAttributeRequest(region_id=REGION, vpc_id=vpc_id)
    return vpc.describe_vpc_attribute(request).body.status


def test_a_vpc_is_pending_until_time_passes(world, vpc):
    made = new_vpc(vpc)
    assert status(vpc, made) == "Pending"
    world.advance(seconds=1)
    assert status(vpc, made) == "Available"


def test_each_test_has_a_world_of_its_own(world, vpc):
    assert vpc.describe_vpcs(models.DescribeVpcsRequest(region_id=REGION)).body.total_count == 0


def test_a_refusal_has_the_code_that_the_real_service_gives(world, vpc):
    made = new_vpc(vpc)
    world.advance(seconds=1)
    request = models.CreateVSwitchRequest(
        region_id=REGION, zone_id="cn-hangzhou-k", vpc_id=made, cidr_block="192.168.0.0/24"
    )
    with pytest.raises(AlibabaCloudException) as refused:
        vpc.create_vswitch(request)
    assert refused.value.code == "InvalidParameter"


@pytest.mark.parametrize("_", range(2))
def test_ids_are_the_same_in_every_run(world, vpc, _):
    assert new_vpc(vpc) == "vpc-bp13tecdq2pya5n9s4gp"
