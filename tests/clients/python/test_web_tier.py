"""A web tier over its life: made, looked at, a backend fails and comes back, traffic follows, and all is taken away."""

import json

import pytest
from conftest import OTHER_ZONE, ZONE
from web_tier import LISTENERS, WebTier

#: The defaults: a probe every 2 s, 5 s for its answer, three of each for a verdict.
INTERVAL, TIMEOUT, THRESHOLD = 2_000, 5_000, 3
#: Silence is known after timeout x threshold + interval x (threshold - 1), a refusal at once after the last interval.
SILENT = TIMEOUT * THRESHOLD + INTERVAL * (THRESHOLD - 1)
REFUSED = INTERVAL * (THRESHOLD - 1)
ANSWERED = INTERVAL * (THRESHOLD - 1)
#: The slave zone takes over so long after the master zone went down.
MOVED = 30_000


@pytest.fixture
def tier(timed_cloud):
    return WebTier(timed_cloud)


@pytest.fixture
def recorded_tier(standing_cloud):
    """For cases that tell the world nothing over the native wire but the time."""
    return WebTier(standing_cloud)


def words(health):
    return set(health.values())


def shares(tier, port, protocol):
    """What the two servers of the shop take of 200 connections in ten seconds, and how many fail."""
    taken, failed = tier.traffic(port, protocol)
    return tuple(taken[f"{server}:8080"] for server in tier.web), failed


def test_what_was_made_is_shown(recorded_tier):
    tier = recorded_tier
    shown = tier.describe()
    assert (shown["LoadBalancerName"], shown["AddressType"], shown["NetworkType"]) == ("shop", "internet", "classic")
    assert (shown["LoadBalancerStatus"], shown["LoadBalancerSpec"]) == ("active", "slb.s1.small")
    ports = shown["ListenerPortsAndProtocol"]["ListenerPortAndProtocol"]
    assert sorted((port["ListenerPort"], port["ListenerProtocol"]) for port in ports) == sorted(LISTENERS)
    forwards = {port["ListenerPort"]: port["ForwardPort"] for port in ports if port["ListenerForward"] == "on"}
    assert forwards == {8080: 443}
    pool = shown["BackendServers"]["BackendServer"]
    assert {(server["ServerId"], server["Weight"]) for server in pool} == {(server, 100) for server in tier.web}
    http = tier.call("DescribeLoadBalancerHTTPListenerAttribute", ListenerPort=80)
    assert (http["Status"], http["VServerGroupId"], http["Scheduler"]) == ("running", tier.web_group, "rr")
    assert (http["StickySession"], http["StickySessionType"], http["CookieTimeout"]) == ("on", "insert", 60)
    assert (http["HealthCheckTimeout"], http["HealthCheckInterval"]) == (5, 2)
    https = tier.call("DescribeLoadBalancerHTTPSListenerAttribute", ListenerPort=443)
    assert https["ServerCertificateId"] == tier.certificate
    assert (https["AclStatus"], https["AclType"], https["AclId"]) == ("on", "white", tier.acl)
    tcp = tier.call("DescribeLoadBalancerTCPListenerAttribute", ListenerPort=81)
    assert (tcp["HealthCheckType"], tcp["HealthyThreshold"], tcp["UnhealthyThreshold"]) == ("tcp", 3, 3)
    udp = tier.call("DescribeLoadBalancerUDPListenerAttribute", ListenerPort=53)
    assert (udp["BackendServerPort"], udp["HealthCheckConnectTimeout"]) == (53, 5)
    rules = tier.call("DescribeRules", ListenerPort=80)["Rules"]["Rule"]
    assert [(rule["RuleName"], rule["Domain"], rule.get("Url") or "", rule["VServerGroupId"]) for rule in rules] == [
        ("cart", "shop.example", "/cart", tier.cart_group),
        ("any", "*.shop.example", "", tier.web_group),
    ]
    groups = tier.call("DescribeVServerGroups", IncludeListener=True, IncludeRule=True)["VServerGroups"]["VServerGroup"]
    used = {group["VServerGroupName"]: group["AssociatedObjects"] for group in groups}
    assert {listener["Port"] for listener in used["web"]["Listeners"]["Listener"]} == {80, 81}
    assert [rule["RuleName"] for rule in used["cart"]["Rules"]["Rule"]] == ["cart"]
    members = tier.cloud.slb("DescribeVServerGroupAttribute", VServerGroupId=tier.cart_group)["BackendServers"]
    assert {(m["ServerId"], m["Port"], m["Weight"]) for m in members["BackendServer"]} == {(s, 9090, 100) for s in tier.cart}
    pairs = tier.call("DescribeMasterSlaveServerGroups", IncludeListener=True)["MasterSlaveServerGroups"]
    (pair,) = pairs["MasterSlaveServerGroup"]
    assert (pair["MasterSlaveServerGroupId"], pair["MasterSlaveServerGroupName"]) == (tier.pair, "database")
    assert [listener["Port"] for listener in pair["AssociatedObjects"]["Listeners"]["Listener"]] == [3306]
    servers = tier.cloud.slb("DescribeMasterSlaveServerGroupAttribute", MasterSlaveServerGroupId=tier.pair)
    servers = servers["MasterSlaveBackendServers"]["MasterSlaveBackendServer"]
    assert [(server["ServerId"], server["Port"], server["ServerType"]) for server in servers] == [(tier.database[0], 3306, "Master"), (tier.database[1], 3306, "Slave")]
    (extension,) = tier.call("DescribeDomainExtensions", ListenerPort=443)["DomainExtensions"]["DomainExtension"]
    assert (extension["Domain"], extension["ServerCertificateId"]) == ("pay.example", tier.other_certificate)
    entries = tier.cloud.slb("DescribeAccessControlListAttribute", AclId=tier.acl)
    assert entries["AclEntrys"]["AclEntry"] == [{"AclEntryIP": "47.96.0.0/16", "AclEntryComment": "customers"}]
    (certificate,) = tier.cloud.slb("DescribeServerCertificates", ServerCertificateId=tier.certificate)["ServerCertificates"][
        "ServerCertificate"
    ]
    assert certificate["ServerCertificateName"] == "shop"


def test_a_new_backend_is_unavailable_until_enough_probes_succeeded(recorded_tier):
    tier = recorded_tier
    web = {(server, 8080) for server in tier.web}
    assert set(tier.health(81)) == web
    tier.advance(ANSWERED - 1)
    assert words(tier.health(81)) == {"unavailable"}
    tier.advance(1)
    assert words(tier.health(81)) == {"normal"}
    # Port 80 has its own pool and that of its rules, with the port of each.
    assert set(tier.health(80)) == web | {(server, 9090) for server in tier.cart}
    assert words(tier.health(80)) == {"normal"}


@pytest.mark.parametrize(
    "told, after", [({"behaviour": "silent"}, SILENT), ({"behaviour": "refuses"}, REFUSED)], ids=["silent", "refuses"]
)
@pytest.mark.parametrize("port, protocol", [(81, "tcp"), (80, "http"), (443, "https")], ids=["tcp", "http", "https"])
def test_a_backend_fails_and_comes_back(tier, told, after, port, protocol):
    tier.advance(10_000)
    first, second = tier.web
    look = lambda: [tier.health(port, protocol)[server, 8080] for server in tier.web]
    share = lambda: shares(tier, port, protocol)
    taken, failed = share()
    assert min(taken) > 80 and sum(taken) == 200 and failed == 0
    assert tier.trace(port) == ("delivered", first)
    # The probe of this instant has had its answer, so the next is the first that meets the port as it is now.
    tier.port(first, 8080, **told)
    assert look() == ["normal", "normal"]
    tier.advance(INTERVAL + after - 1)
    assert look() == ["normal", "normal"]
    # While failures are counted it still gets traffic: the first in turn is still asked.
    assert tier.trace(port)[1] == first
    tier.advance(1)
    assert look() == ["abnormal", "normal"]
    assert share() == ((0, 200), 0)
    assert tier.trace(port) == ("delivered", second)
    # The next probe starts one interval after the last one ended, and the third that succeeds makes it normal.
    tier.advance(500)
    tier.forget_port(first, 8080)
    tier.advance(INTERVAL - 500 + ANSWERED - 1)
    assert look() == ["abnormal", "normal"]
    tier.advance(1)
    assert look() == ["normal", "normal"]
    taken, failed = share()
    assert min(taken) > 80 and sum(taken) == 200 and failed == 0
    assert tier.trace(port) == ("delivered", first)


@pytest.mark.parametrize(
    "told, after", [({"behaviour": "silent"}, SILENT), ({"behaviour": "refuses"}, REFUSED)], ids=["silent", "refuses"]
)
def test_the_secondary_serves_while_the_primary_fails(tier, told, after):
    """The primary alone is checked."""
    tier.advance(10_000)
    primary, secondary = tier.database
    look = lambda: [tier.health(3306)[server, 3306] for server in tier.database]
    share = lambda: tier.traffic(3306, "tcp")
    both = lambda first, second: ({f"{primary}:3306": first, f"{secondary}:3306": second}, 0)
    assert look() == ["normal", "unavailable"]
    assert (tier.trace(3306), share()) == (("delivered", primary), both(200, 0))
    tier.port(primary, 3306, **told)
    tier.advance(INTERVAL + after - 1)
    assert look() == ["normal", "unavailable"]
    assert tier.trace(3306)[1] == primary
    tier.advance(1)
    assert look() == ["abnormal", "unavailable"]
    assert (tier.trace(3306), share()) == (("delivered", secondary), both(0, 200))
    # It takes over again as soon as it is healthy.
    tier.advance(500)
    tier.forget_port(primary, 3306)
    tier.advance(INTERVAL - 500 + ANSWERED - 1)
    assert look() == ["abnormal", "unavailable"]
    tier.advance(1)
    assert look() == ["normal", "unavailable"]
    assert (tier.trace(3306), share()) == (("delivered", primary), both(200, 0))


def test_the_secondary_serves_while_the_primary_is_stopped(recorded_tier):
    tier = recorded_tier
    cloud, (primary, secondary) = tier.cloud, tier.database
    tier.advance(10_000)
    look = lambda: tier.health(3306)[primary, 3306]
    assert (look(), tier.trace(3306)) == ("normal", ("delivered", primary))
    cloud.ecs("StopInstance", InstanceId=primary)
    cloud.until(look, "abnormal")
    assert tier.trace(3306) == ("delivered", secondary)
    cloud.until(lambda: cloud.status(primary), "Stopped")
    cloud.ecs("StartInstance", InstanceId=primary)
    cloud.until(look, "normal")
    assert tier.trace(3306) == ("delivered", primary)


def test_a_client_sees_the_certificate_of_the_host_that_it_asks_for(recorded_tier, refused):
    tier, slb = recorded_tier, recorded_tier.cloud.slb
    seen = lambda: [tier.certificate_of(host) for host in ("shop.example", "pay.example", "api.pay.example")]
    assert seen() == [tier.certificate, tier.other_certificate, tier.certificate]
    wide = tier.call(
        "CreateDomainExtension", ListenerPort=443, Domain="*.pay.example", ServerCertificateId=tier.other_certificate
    )["DomainExtensionId"]
    assert seen() == [tier.certificate, tier.other_certificate, tier.other_certificate]
    of_all = lambda: tier.call("DescribeDomainExtensions", ListenerPort=443)["DomainExtensions"]["DomainExtension"]
    assert {extension["Domain"] for extension in of_all()} == {"pay.example", "*.pay.example"}
    of_one = tier.call("DescribeDomainExtensions", ListenerPort=443, DomainExtensionId=wide)["DomainExtensions"]
    assert [extension["DomainExtensionId"] for extension in of_one["DomainExtension"]] == [wide]
    slb("SetDomainExtensionAttribute", DomainExtensionId=wide, ServerCertificateId=tier.certificate)
    shown = slb("DescribeDomainExtensionAttribute", DomainExtensionId=wide)
    assert (shown["LoadBalancerId"], shown["ListenerPort"], shown["Domain"]) == (tier.lb, 443, "*.pay.example")
    assert shown["ServerCertificateId"] == tier.certificate == seen()[2]
    again = dict(ListenerPort=443, Domain="PAY.example", ServerCertificateId=tier.certificate)
    refused("InvalidParameter.Domain", 400, tier.call, "CreateDomainExtension", **again)
    refused("DomainExtensionNotSupport", 400, tier.call, "CreateDomainExtension", **again | {"ListenerPort": 80})
    slb("DeleteDomainExtension", DomainExtensionId=wide)
    refused("InvalidParameter.DomainExtensionId", 400, slb, "DescribeDomainExtensionAttribute", DomainExtensionId=wide)
    assert seen() == [tier.certificate, tier.other_certificate, tier.certificate]


def test_a_bad_status_fails_the_check_of_http_and_not_that_of_tcp(tier):
    tier.advance(10_000)
    first, second = tier.web
    tier.port(first, 8080, behaviour="answers", http_status=503)
    tier.advance(INTERVAL + REFUSED - 1)
    assert tier.health(80)[first, 8080] == "normal"
    tier.advance(1)
    assert (tier.health(80)[first, 8080], tier.health(80)[second, 8080]) == ("abnormal", "normal")
    assert tier.health(81)[first, 8080] == "normal"


def test_the_outage_of_a_zone_takes_its_backends_out_of_every_listener(tier):
    tier.advance(10_000)
    outage = tier.cloud.native("/v1/outages", "POST", json={"zone_id": OTHER_ZONE}).json()["id"]
    look = lambda port: {server: word for (server, _), word in tier.health(port).items()}
    tier.advance(INTERVAL + SILENT - 1)
    assert words(look(80)) == words(look(81)) == words(look(443)) == {"normal"}
    tier.advance(1)
    for port in (80, 81, 443):
        assert (look(port)[tier.web[0]], look(port)[tier.web[1]]) == ("normal", "abnormal"), port
    assert (look(80)[tier.cart[0]], look(80)[tier.cart[1]]) == ("normal", "abnormal")
    # A datagram that nobody answers is a success, unless an answer is expected.
    assert words(look(53)) == {"normal"}
    assert shares(tier, 81, "tcp") == ((200, 0), 0)
    assert tier.cloud.native(f"/v1/outages/{outage}", "DELETE").status_code == 204
    tier.advance(INTERVAL + ANSWERED)
    assert words(look(80)) == words(look(81)) == {"normal"}


def test_the_outage_of_the_master_zone_moves_the_load_balancer(tier):
    """Nothing answers for 30 seconds; then the slave zone serves, with the servers that are left."""
    tier.advance(10_000)
    first, second = tier.web
    assert tier.trace(81) == ("delivered", first)
    outage = tier.cloud.told("/v1/outages", "POST", json={"zone_id": ZONE})["id"]
    tier.advance(MOVED - 1)
    assert tier.health(81) == {(first, 8080): "abnormal", (second, 8080): "normal"}
    assert tier.trace(81)[0] == "load_balancer_zones_down"
    tier.advance(1)
    assert tier.trace(81) == ("delivered", second)
    assert tier.cloud.native(f"/v1/outages/{outage}", "DELETE").status_code == 204
    # It is back at once, and its server after a probe that is under way and three more.
    tier.advance(TIMEOUT + INTERVAL + ANSWERED)
    assert tier.trace(81) == ("delivered", first)


def test_without_a_healthy_backend_nobody_is_served(tier):
    tier.advance(10_000)
    for server in tier.web:
        tier.port(server, 8080, behaviour="refuses")
    tier.advance(INTERVAL + REFUSED)
    assert words(tier.health(81)) == {"abnormal"}
    assert tier.trace(81) == ("no_healthy_backend", None)
    assert shares(tier, 81, "tcp") == ((0, 0), 200)


def test_a_weight_of_nothing_gets_nothing_and_is_healthy(tier):
    tier.advance(10_000)
    first, second = tier.web
    servers = json.dumps([{"ServerId": first, "Port": 8080, "Weight": 0}])
    tier.cloud.slb("SetVServerGroupAttribute", VServerGroupId=tier.web_group, BackendServers=servers)
    tier.port(first, 8080, behaviour="refuses")
    tier.advance(60_000)
    assert tier.health(81)[first, 8080] == "normal"
    assert shares(tier, 81, "tcp") == ((0, 200), 0)


def test_listeners_that_let_in_whom_their_list_names(recorded_tier):
    tier = recorded_tier
    tier.advance(10_000)
    assert tier.trace(443)[0] == "delivered"
    assert tier.trace(443, client="47.97.1.1") == ("listener_access_drop", None)
    # Port 80 has no list, and port 8080 sends clients on.
    assert tier.trace(80, client="47.97.1.1")[0] == "delivered"
    assert tier.trace(8080) == ("redirected", None)
    assert tier.trace(82) == ("no_listener", None)
    tier.call("StopLoadBalancerListener", ListenerPort=443)
    assert tier.trace(443) == ("listener_stopped", None)
    tier.call("SetLoadBalancerStatus", LoadBalancerStatus="inactive")
    assert tier.trace(80) == ("load_balancer_down", None)


def test_all_is_taken_away_in_the_documented_order(tier, refused):
    cloud, slb = tier.cloud, tier.cloud.slb
    # What is used stays: a group by listeners and by rules, a list, a certificate, the target of a redirection.
    refused("RspoolVipExist", 400, slb, "DeleteVServerGroup", VServerGroupId=tier.web_group)
    refused("RspoolRuleExist", 400, slb, "DeleteVServerGroup", VServerGroupId=tier.cart_group)
    refused("OperationFailed.AclBindedWithVip", 400, slb, "DeleteAccessControlList", AclId=tier.acl)
    in_use = "CertificateAndPrivateKeyIsRefered"
    refused(in_use, 400, slb, "DeleteServerCertificate", ServerCertificateId=tier.certificate)
    shown = "CertificateRelatedDomainExtensionExist"
    refused(shown, 400, slb, "DeleteServerCertificate", ServerCertificateId=tier.other_certificate)
    refused("RspoolVipExist", 400, slb, "DeleteMasterSlaveServerGroup", MasterSlaveServerGroupId=tier.pair)
    refused("ListenerForwardExist", 400, tier.call, "DeleteLoadBalancerListener", ListenerPort=443)
    slb("DeleteRules", RuleIds=json.dumps(list(tier.rules.values())))
    slb("DeleteVServerGroup", VServerGroupId=tier.cart_group)
    for port, protocol in reversed(LISTENERS):
        tier.call("DeleteLoadBalancerListener", ListenerPort=port, ListenerProtocol=protocol)
    refused("ResourceNotFound.Listener", 404, tier.call, "DeleteLoadBalancerListener", ListenerPort=80)
    slb("DeleteVServerGroup", VServerGroupId=tier.web_group)
    slb("DeleteMasterSlaveServerGroup", MasterSlaveServerGroupId=tier.pair)
    slb("DeleteAccessControlList", AclId=tier.acl)
    slb("DeleteServerCertificate", ServerCertificateId=tier.certificate)
    # A domain extension went with its listener.
    slb("DeleteServerCertificate", ServerCertificateId=tier.other_certificate)
    tier.call("SetLoadBalancerDeleteProtection", DeleteProtection="on")
    refused("OperationDenied.DeleteProtectionIsOn", 400, tier.call, "DeleteLoadBalancer")
    tier.call("SetLoadBalancerDeleteProtection", DeleteProtection="off")
    tier.call("DeleteLoadBalancer")
    refused("InvalidLoadBalancerId.NotFound", 404, tier.call, "DescribeLoadBalancerAttribute")
    assert slb("DescribeLoadBalancers")["TotalCount"] == 0
    for server in tier.web + tier.cart + tier.database:
        cloud.ecs("DeleteInstance", InstanceId=server, Force=True)
    cloud.ecs("DeleteSecurityGroup", SecurityGroupId=tier.group)
    for vswitch in tier.vswitches:
        cloud.delete_vswitch(vswitch)
    cloud.delete_vpc(tier.vpc)
    # Nothing but what an account always has is left: the same as in a world where nothing was made.
    left = cloud.native(f"/v1/worlds/{cloud.world}").json()["objects"]
    assert not {"load_balancers", "listeners", "instances", "vpcs", "backend_checks"} & set(left), left


def test_a_load_balancer_takes_what_is_its_own_with_it(tier, refused):
    slb = tier.cloud.slb
    tier.call("DeleteLoadBalancer")
    for action, parameters in [
        ("DescribeVServerGroupAttribute", {"VServerGroupId": tier.web_group}),
        ("DescribeRuleAttribute", {"RuleId": tier.rules["cart"]}),
    ]:
        code = {"DescribeVServerGroupAttribute": "InvalidParameter", "DescribeRuleAttribute": "InvalidRuleId.NotFound"}[action]
        refused(code, 404, slb, action, **parameters)
    gone = dict(MasterSlaveServerGroupId=tier.pair)
    refused("InvalidParameter", 404, slb, "DescribeMasterSlaveServerGroupAttribute", **gone)
    refused("InvalidParameter.DomainExtensionId", 400, slb, "DescribeDomainExtensionAttribute", DomainExtensionId=tier.extension)
    # Lists and certificates are of the region, and free now.
    slb("DeleteAccessControlList", AclId=tier.acl)
    slb("DeleteServerCertificate", ServerCertificateId=tier.certificate)
