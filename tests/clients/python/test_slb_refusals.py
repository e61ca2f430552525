"""What is refused on the way to a web tier, with the provider's codes, and that a refusal changes nothing."""

import json

import pytest
from web_tier import WebTier


@pytest.fixture
def tier(timed_cloud):
    return WebTier(timed_cloud)


@pytest.fixture
def unchanged(tier):
    """The digest of the world is the same after the test as before it."""
    digest = lambda: tier.cloud.native(f"/v1/worlds/{tier.cloud.world}").json()["digest"]
    before = digest()
    yield
    assert digest() == before, "a refusal left a trace"


TCP, UDP = "CreateLoadBalancerTCPListener", "CreateLoadBalancerUDPListener"
HTTP, HTTPS = "CreateLoadBalancerHTTPListener", "CreateLoadBalancerHTTPSListener"

BAD_LISTENERS = [
    # Ranges.
    ("InvalidParameter", TCP, {"HealthyThreshold": 1}),
    ("InvalidParameter", TCP, {"UnhealthyThreshold": 11}),
    ("InvalidParameter", TCP, {"healthCheckInterval": 51}),
    ("InvalidParameter", TCP, {"HealthCheckConnectTimeout": 301}),
    ("InvalidParameter", TCP, {"HealthCheckConnectPort": 65536}),
    ("InvalidParameter", TCP, {"PersistenceTimeout": 3601}),
    ("InvalidParameter", TCP, {"EstablishedTimeout": 9}),
    ("InvalidParameter", TCP, {"Bandwidth": 5121}),
    ("InvalidParameter", TCP, {"Scheduler": "qch"}),
    ("InvalidParameter", TCP, {"HealthCheckURI": "healthz"}),
    ("InvalidParameter.IdleTimeout", HTTP, {"HealthCheck": "on", "IdleTimeout": 61}),
    ("InvalidParameter.RequestTimeout", HTTP, {"HealthCheck": "on", "RequestTimeout": 181}),
    ("InvalidParameter", HTTP, {"HealthCheck": "on", "HealthCheckHttpCode": "http_1xx"}),
    # What needs something else.
    ("MissingParameter", TCP, {"BackendServerPort": None}),
    ("MissingParameter", TCP, {"ConnectionDrain": "on"}),
    # This action documents no code for a missing parameter.
    ("InvalidParameter", HTTP, {"StickySession": "on", "StickySessionType": "server"}),
    ("MissingParam.ServerCertificates", HTTPS, {}),
    # What is not there, or is another's.
    ("ResourceNotFound.VServerGroup", TCP, {"VServerGroupId": "rsp-nothing"}),
    ("AclNotExist", TCP, {"AclStatus": "on", "AclType": "white", "AclId": "acl-nothing"}),
    # Ports.
    ("InvalidParameter.ListenerPortConflict", TCP, {"ListenerPort": 81}),
    ("InvalidParameter.ListenerPortConflict", TCP, {"ListenerPort": 80}),
    ("InvalidParameter.ListenerPortConflict", HTTP, {"ListenerPort": 443}),
    ("InvalidParameter.ListenerPortConflict", UDP, {"ListenerPort": 53}),
    ("OperationDenied.SpecialListenerPortNotAllowed", UDP, {"ListenerPort": 4789}),
    ("ListenerForwardNotSupport", HTTP, {"ListenerForward": "on", "ForwardPort": 81}),
]


@pytest.mark.parametrize(
    "code, action, parameters", BAD_LISTENERS, ids=[f"{a.split('Balancer')[1]}-{next(iter(p), 'none')}" for _, a, p in BAD_LISTENERS]
)
def test_a_listener_that_cannot_be(tier, unchanged, refused, code, action, parameters):
    usual = {"ListenerPort": 90, "BackendServerPort": 8080, "Bandwidth": -1}
    if action in (HTTP, HTTPS):
        usual |= {"HealthCheck": "off", "StickySession": "off"}
    asked = {name: value for name, value in (usual | parameters).items() if value is not None}
    refusal = refused(code, 400, tier.call, action, **asked)
    assert refusal.message


def test_one_port_carries_a_tcp_and_a_udp_listener_and_then_has_to_be_told_which(tier, refused):
    tier.call(UDP, ListenerPort=81, BackendServerPort=8080, Bandwidth=-1)
    refused("TooManyListeners", 400, tier.call, "StartLoadBalancerListener", ListenerPort=81)
    tier.call("StartLoadBalancerListener", ListenerPort=81, ListenerProtocol="udp")
    assert tier.call("DescribeLoadBalancerUDPListenerAttribute", ListenerPort=81)["Status"] == "running"


def backends(*servers):
    return json.dumps([dict(server) for server in servers])


def test_backends_that_cannot_be(tier, unchanged, refused):
    slb, cloud = tier.cloud.slb, tier.cloud
    first = tier.web[0]
    add = lambda code, status, **server: refused(
        code,
        status,
        slb,
        "AddVServerGroupBackendServers",
        VServerGroupId=tier.web_group,
        BackendServers=backends({"ServerId": first, "Port": 8081} | server),
    )
    add("InvalidParameter", 400, Port=0)
    add("InvalidWeight.Malformed", 400, Weight=101)
    add("BackendServer.InvalidType", 400, Type="server")
    add("InvalidServerId.NotExist", 400, ServerId="i-nothing")
    add("ResourceNotFound.vServers", 404, ServerId="eni-nothing", Type="eni")
    add("InvalidBackendServers.ServerIpConflict", 400, Port=8080)
    assert cloud.native(f"/v1/vserver-groups/{tier.web_group}").json()["backends"][0]["port"] == 8080


def test_a_backend_that_does_not_run_or_lies_elsewhere(tier, refused):
    cloud, first = tier.cloud, tier.cart[0]
    add = lambda server: dict(VServerGroupId=tier.web_group, BackendServers=backends({"ServerId": server, "Port": 8081}))
    cloud.ecs("StopInstance", InstanceId=first)
    refused("ObtainIpFail", 400, cloud.slb, "AddVServerGroupBackendServers", **add(first))
    other = cloud.new_vpc()
    vswitch = cloud.new_vswitch(other, "10.0.9.0/24")
    server = tier.instance(vswitch, group=cloud.new_group(other))
    refused("NetworkConflict", 400, cloud.slb, "AddVServerGroupBackendServers", **add(server))


def test_rules_that_cannot_be(tier, unchanged, refused):
    def make(code, status=400, port=80, **rule):
        rules = [{"RuleName": "new", "Url": "/new", "VServerGroupId": tier.web_group} | rule]
        refused(code, status, tier.call, "CreateRules", ListenerPort=port, RuleList=json.dumps(rules))

    make("RuleNotSupport", port=81)
    make("DomainExist", Domain="shop.example", Url="/cart")
    make("InvalidParameter", RuleName="cart")
    make("DomainMalformed", Domain="shop_example")
    make("URLNotSupport", Url="new")
    # Of the codes for a rule without both the action documents this one alone.
    make("InvalidParameter", Url="", Domain="")
    make("ResourceNotFound.Listener", 404, port=82)
    refused("RuleListMalformed", 400, tier.call, "CreateRules", ListenerPort=80, RuleList="[]")
    refused("InvalidRuleId.NotFound", 404, tier.cloud.slb, "DeleteRules", RuleIds='["rule-nothing"]')


def test_lists_and_certificates_that_cannot_be(tier, unchanged, refused):
    slb = tier.cloud.slb
    add = lambda code, *entries: refused(
        code, 400, slb, "AddAccessControlListEntry", AclId=tier.acl, AclEntrys=json.dumps([{"entry": e} for e in entries])
    )
    add("AclEntryIllegal", "47.96.1.1/16")
    add("IllegalEntry", "2001:db8::/64")
    add("InvalidParam.AclEntryExists", "47.96.0.0/16")
    add("AclEntryExceedLimit", *(f"10.0.{n}.0/24" for n in range(51)))
    upload = lambda code, **files: refused(code, 400, slb, "UploadServerCertificate", **files)
    upload("CertificateNotMatchPrivateKey", **tier.pem("server", "other"))
    upload("EccCertificateNotSupport", **tier.pem("ec"))
    upload("OperationDenied.IllegalKeyLength", **tier.pem("short"))
    upload("CertificateFormatInvalid", **tier.pem("server") | {"ServerCertificate": "nonsense"})


def test_load_balancers_that_cannot_be(tier, unchanged, refused):
    make = lambda code, **parameters: refused(code, 400, tier.balancer, **parameters)
    make("IllegalParam.SpecType", LoadBalancerSpec="slb.s9.huge")
    make("InvalidParameter.Bandwidth", InternetChargeType="paybybandwidth", Bandwidth=0)
    make("MissingParam.VSwitchId", AddressType="intranet")
    make("InvalidParameter.Mismatch", AddressType="intranet", AddressIPVersion="ipv6", VSwitchId=tier.vswitches[0])


def test_another_account_sees_nothing_of_it(tier, unchanged, refused, generation):
    from conftest import Cloud

    account = tier.cloud.account + 1_000_000
    other = Cloud(generation, f"w-{tier.cloud.world}-a-{account}", account, tier.cloud.world)
    assert other.slb("DescribeLoadBalancers")["TotalCount"] == 0
    refused("InvalidLoadBalancerId.NotFound", 404, other.slb, "DescribeHealthStatus", LoadBalancerId=tier.lb)
    refused("InvalidLoadBalancerId.NotFound", 404, other.slb, "DeleteLoadBalancer", LoadBalancerId=tier.lb)


def test_the_health_of_what_is_not_there(tier, unchanged, refused):
    refused("CheckedListenerNotFound", 404, tier.call, "DescribeHealthStatus", ListenerPort=82)
    refused("InvalidLoadBalancerId.NotFound", 404, tier.cloud.slb, "DescribeHealthStatus", LoadBalancerId="lb-nothing")
