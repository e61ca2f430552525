"""What ACK says of a cluster (Cs), an action with an address of its own: both SDKs, and both ways of signing such a request."""

import json

import pytest
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from conftest import ENDPOINT, ZONE
from sdk import REGION, Refused
from test_protocol import KEY, SECRET, strict  # noqa: F401 a fixture

CLUSTER = "c82e6987e2961451182edacd74faf1234"


def new(endpoint, key, secret, cluster):
    """The package of the product, with the newer signature."""
    config = Config(access_key_id=key, access_key_secret=secret, endpoint=endpoint, protocol="http", region_id=REGION)
    try:
        return CsClient(config).describe_cluster_detail(cluster).body.to_map()
    except AlibabaCloudException as e:
        raise Refused(e.status_code, e.code, e.message, e.request_id) from e


def old(endpoint, key, secret, cluster):
    """The older core's request by an address, with the signature of such requests."""
    request = CommonRequest(domain=endpoint, version="2015-12-15", uri_pattern="/clusters/[ClusterId]")
    request.add_path_param("ClusterId", cluster)
    request.set_method("GET")
    request.set_protocol_type("http")
    request.set_accept_format("JSON")
    try:
        client = AcsClient(key, secret, REGION, auto_retry=False)
        return json.loads(client.do_action_with_exception(request))
    except ServerException as e:
        raise Refused(e.http_status, e.error_code, e.message, e.request_id) from e


@pytest.fixture(params=[new, old])
def describe(request):
    """One of the two ways to ask."""
    return request.param


def test_a_cluster_is_what_carries_its_tag(cloud, describe, refused):
    key = f"w-default-a-{cloud.account}"
    vpc = cloud.new_vpc()
    vswitches = [cloud.new_vswitch(vpc, "10.0.1.0/24"), cloud.new_vswitch(vpc, "10.0.2.0/24")]
    group = cloud.new_group(vpc)
    refused("ErrorClusterNotFound", 404, describe, ENDPOINT, key, "any", CLUSTER)
    tag = [{"Key": "ack.aliyun.com", "Value": CLUSTER}]
    cloud.vpc("TagResources", ResourceType="VSWITCH", ResourceId=vswitches, Tag=tag)
    cloud.ecs("TagResources", ResourceType="securitygroup", ResourceId=[group], Tag=tag)
    node = cloud.new_instance(vswitches[0], group, Tag=tag)
    seen = describe(ENDPOINT, key, "any", CLUSTER)
    assert (seen["cluster_id"], seen["region_id"], seen["vpc_id"]) == (CLUSTER, REGION, vpc)
    assert sorted(seen["vswitch_ids"]) == sorted(seen["vswitch_id"].split(",")) == sorted(vswitches)
    assert (seen["security_group_id"], seen["size"], seen["zone_id"]) == (group, 1, ZONE)
    assert seen["subnet_cidr"] == "", "pods with addresses of vSwitches have no block of their own"
    system = cloud.vpc("DescribeRouteTableList", VpcId=vpc)["RouterTableList"]["RouterTableListType"][0]["RouteTableId"]
    cloud.vpc("CreateRouteEntry", RouteTableId=system, DestinationCidrBlock="172.20.3.0/24", NextHopType="Instance", NextHopId=node)
    assert describe(ENDPOINT, key, "any", CLUSTER)["subnet_cidr"] == "172.20.3.0/24"


def test_its_signature_is_believed_and_another_is_not(strict, describe, refused):  # noqa: F811
    endpoint = strict.removeprefix("http://")
    refused("ErrorClusterNotFound", 404, describe, endpoint, KEY, SECRET, CLUSTER)
    refused("SignatureDoesNotMatch", 400, describe, endpoint, KEY, "another", CLUSTER)
    refused("InvalidAccessKeyId.NotFound", 404, describe, endpoint, "LTAI5tStranger", SECRET, CLUSTER)
