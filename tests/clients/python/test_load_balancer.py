"""A load balancer by itself: its name, state, protections, what it is sold as; and changes to the listeners of a web tier."""

import json

import pytest
from web_tier import CLIENT, WebTier


def make(cloud, **parameters):
    usual = dict(AddressType="internet", LoadBalancerSpec="slb.s1.small", LoadBalancerName="shop")
    return cloud.slb("CreateLoadBalancer", **usual | parameters)["LoadBalancerId"]


def show(cloud, lb):
    return cloud.slb("DescribeLoadBalancerAttribute", LoadBalancerId=lb)


def test_name_state_and_protections(cloud, refused):
    lb = make(cloud)
    cloud.slb("SetLoadBalancerName", LoadBalancerId=lb, LoadBalancerName="store")
    cloud.slb("SetLoadBalancerStatus", LoadBalancerId=lb, LoadBalancerStatus="inactive")
    assert (show(cloud, lb)["LoadBalancerName"], show(cloud, lb)["LoadBalancerStatus"]) == ("store", "inactive")
    why = dict(ModificationProtectionStatus="ConsoleProtection", ModificationProtectionReason="managed.by.ack")
    cloud.slb("SetLoadBalancerModificationProtection", LoadBalancerId=lb, **why)
    shown = show(cloud, lb)
    assert (shown["ModificationProtectionStatus"], shown["ModificationProtectionReason"]) == tuple(why.values())
    cloud.slb("SetLoadBalancerDeleteProtection", LoadBalancerId=lb, DeleteProtection="on")
    refused("OperationDenied.DeleteProtectionIsOn", 400, cloud.slb, "DeleteLoadBalancer", LoadBalancerId=lb)
    cloud.slb("SetLoadBalancerDeleteProtection", LoadBalancerId=lb, DeleteProtection="off")
    cloud.slb("DeleteLoadBalancer", LoadBalancerId=lb)


def test_what_it_is_sold_as(cloud, refused):
    lb = make(cloud)
    cloud.slb("ModifyLoadBalancerInstanceSpec", LoadBalancerId=lb, LoadBalancerSpec="slb.s2.small")
    cloud.slb("ModifyLoadBalancerInternetSpec", LoadBalancerId=lb, InternetChargeType="paybybandwidth", Bandwidth=10)
    shown = show(cloud, lb)
    assert (shown["LoadBalancerSpec"], shown["InternetChargeType"], shown["Bandwidth"]) == (
        "slb.s2.small",
        "paybybandwidth",
        10,
    )
    cloud.slb("ModifyLoadBalancerInternetSpec", LoadBalancerId=lb, InternetChargeType="paybytraffic")
    cloud.slb("ModifyLoadBalancerInstanceChargeType", LoadBalancerId=lb, InstanceChargeType="PayByCLCU")
    assert show(cloud, lb)["InstanceChargeType"] == "PayByCLCU"
    # Who pays by use has no specification to change.
    change = dict(LoadBalancerId=lb, LoadBalancerSpec="slb.s3.small")
    refused("OperationDenied.PayByCLCU", 400, cloud.slb, "ModifyLoadBalancerInstanceSpec", **change)
    back = dict(InstanceChargeType="PayBySpec", LoadBalancerSpec="slb.s1.small")
    cloud.slb("ModifyLoadBalancerInstanceChargeType", LoadBalancerId=lb, **back)
    assert (show(cloud, lb)["InstanceChargeType"], show(cloud, lb)["LoadBalancerSpec"]) == tuple(back.values())
    cloud.slb("ModifyLoadBalancerPayType", LoadBalancerId=lb, PayType="PrePay", PricingCycle="month", Duration=1, AutoPay=True)
    assert show(cloud, lb)["PayType"] == "PrePay"
    # A subscription ends by itself.
    refused("InvalidChargeType", 400, cloud.slb, "DeleteLoadBalancer", LoadBalancerId=lb)


def test_tags(cloud):
    lb = make(cloud)
    cloud.slb("TagResources", ResourceType="instance", ResourceId=[lb], Tag=[{"Key": "team", "Value": "net"}])
    tags = lambda: cloud.slb("ListTagResources", ResourceType="instance", ResourceId=[lb])["TagResources"]["TagResource"]
    assert [(tag["TagKey"], tag["TagValue"]) for tag in tags()] == [("team", "net")]
    find = lambda value: cloud.slb("DescribeLoadBalancers", Tags=json.dumps([{"TagKey": "team", "TagValue": value}]))[
        "TotalCount"
    ]
    assert (find("net"), find("web")) == (1, 0)
    cloud.slb("UntagResources", ResourceType="instance", ResourceId=[lb], TagKey=["team"])
    assert tags() == []


def test_an_elastic_address_makes_an_inner_load_balancer_public(standing_cloud, refused):
    cloud = standing_cloud
    vpc = cloud.new_vpc()
    vswitch, group = cloud.new_vswitch(vpc), cloud.new_group(vpc)
    server = cloud.new_instance(vswitch, group)
    usual = dict(AddressType="intranet", VSwitchId=vswitch, LoadBalancerSpec="slb.s1.small", LoadBalancerName="inner")
    lb = cloud.slb("CreateLoadBalancer", **usual)["LoadBalancerId"]
    servers = json.dumps([{"ServerId": server, "Weight": "100"}])
    cloud.slb("AddBackendServers", LoadBalancerId=lb, BackendServers=servers)
    port = dict(LoadBalancerId=lb, ListenerPort=80)
    cloud.slb("CreateLoadBalancerTCPListener", BackendServerPort=8080, Bandwidth=-1, **port)
    cloud.slb("StartLoadBalancerListener", **port)
    cloud.advance(10_000)
    eip = cloud.vpc("AllocateEipAddress", Bandwidth="5")
    outside = lambda: cloud.trace(eip["EipAddress"], 80, source_address="47.96.1.1")[0]
    assert outside() != "delivered"
    bound = dict(AllocationId=eip["AllocationId"], InstanceId=lb, InstanceType="SlbInstance")
    cloud.vpc("AssociateEipAddress", **bound)
    look = lambda: cloud.vpc("DescribeEipAddresses", AllocationId=eip["AllocationId"])["EipAddresses"]["EipAddress"][0]
    cloud.until(lambda: look()["Status"], "InUse")
    assert (look()["InstanceType"], look()["InstanceId"], outside()) == ("SlbInstance", lb, "delivered")
    found = cloud.vpc("DescribeEipAddresses", AssociatedInstanceType="SlbInstance", AssociatedInstanceId=lb)
    assert [one["AllocationId"] for one in found["EipAddresses"]["EipAddress"]] == [eip["AllocationId"]]
    cloud.vpc("UnassociateEipAddress", **bound)
    cloud.until(lambda: look()["Status"], "Available")
    assert outside() != "delivered"
    cloud.vpc("ReleaseEipAddress", AllocationId=eip["AllocationId"])
    cloud.slb("DeleteLoadBalancer", LoadBalancerId=lb)


@pytest.fixture
def tier(standing_cloud):
    return WebTier(standing_cloud)


def test_listeners_of_all_load_balancers(tier):
    """In pages, as a controller walks them."""
    slb, seen, token = tier.cloud.slb, [], None
    other = tier.balancer()
    slb("CreateLoadBalancerTCPListener", LoadBalancerId=other, ListenerPort=22, BackendServerPort=22, Bandwidth=-1)
    while token != "":
        page = slb("DescribeLoadBalancerListeners", MaxResults=3, **({"NextToken": token} if token else {}))
        seen += [(listener["LoadBalancerId"], listener["ListenerPort"]) for listener in page["Listeners"]]
        token = page.get("NextToken", "")
    assert page["TotalCount"] == 7
    assert sorted(seen) == sorted([(tier.lb, port) for port in (53, 80, 81, 443, 3306, 8080)] + [(other, 22)])
    of = lambda **filters: {
        listener["ListenerPort"] for listener in slb("DescribeLoadBalancerListeners", **filters)["Listeners"]
    }
    assert of(LoadBalancerId=[tier.lb], ListenerProtocol="tcp") == {81, 3306}
    assert of(LoadBalancerId=[other]) == {22}


def test_a_listener_is_stopped_and_started(tier):
    assert tier.trace(81)[0] != "listener_stopped"
    tier.call("StopLoadBalancerListener", ListenerPort=81, ListenerProtocol="tcp")
    assert tier.call("DescribeLoadBalancerTCPListenerAttribute", ListenerPort=81)["Status"] == "stopped"
    assert tier.trace(81) == ("listener_stopped", None)
    tier.call("StartLoadBalancerListener", ListenerPort=81)
    tier.advance(10_000)
    assert tier.trace(81) == ("delivered", tier.web[0])


def test_listeners_change(tier):
    tier.call(
        "SetLoadBalancerTCPListenerAttribute",
        ListenerPort=81,
        Scheduler="wlc",
        HealthCheckType="http",
        HealthCheckURI="/healthz",
    )
    tcp = tier.call("DescribeLoadBalancerTCPListenerAttribute", ListenerPort=81)
    assert (tcp["Scheduler"], tcp["HealthCheckType"], tcp["HealthCheckURI"]) == ("wlc", "http", "/healthz")
    assert tcp["VServerGroupId"] == tier.web_group
    tier.call("SetLoadBalancerUDPListenerAttribute", ListenerPort=53, Scheduler="sch", HealthCheckInterval=10)
    udp = tier.call("DescribeLoadBalancerUDPListenerAttribute", ListenerPort=53)
    assert (udp["Scheduler"], udp["HealthCheckInterval"]) == ("sch", 10)
    tier.call("SetLoadBalancerHTTPListenerAttribute", ListenerPort=80, IdleTimeout=30, StickySession="off", HealthCheck="off")
    http = tier.call("DescribeLoadBalancerHTTPListenerAttribute", ListenerPort=80)
    assert (http["IdleTimeout"], http["StickySession"], http["HealthCheck"]) == (30, "off", "off")
    # Without a check everybody gets traffic at once.
    assert tier.trace(80) == ("delivered", tier.web[0])
    sticky = dict(StickySession="on", StickySessionType="server", Cookie="JSESSIONID")
    tier.call("SetLoadBalancerHTTPSListenerAttribute", ListenerPort=443, TLSCipherPolicy="tls_cipher_policy_1_2", **sticky)
    https = tier.call("DescribeLoadBalancerHTTPSListenerAttribute", ListenerPort=443)
    assert {name: https[name] for name in sticky} == sticky
    assert https["TLSCipherPolicy"] == "tls_cipher_policy_1_2"


def test_a_list_is_taken_off_a_listener(tier):
    tier.advance(10_000)
    stranger = "47.97.1.1"
    assert tier.trace(443, client=stranger) == ("listener_access_drop", None)
    tier.call("SetLoadBalancerHTTPSListenerAttribute", ListenerPort=443, AclStatus="off")
    assert tier.trace(443, client=stranger)[0] == "delivered"
    # The list refuses whom it names where it is black.
    black = dict(AclStatus="on", AclType="black", AclId=tier.acl)
    tier.call("SetLoadBalancerHTTPSListenerAttribute", ListenerPort=443, **black)
    assert (tier.trace(443, client=stranger)[0], tier.trace(443, client=CLIENT)[0]) == ("delivered", "listener_access_drop")


def test_rules_lead_requests(tier):
    tier.advance(10_000)
    ask = lambda host, path: tier.trace(80, request={"host": host, "path": path})[1]
    assert (ask("shop.example", "/cart/1"), ask("shop.example", "/")) == (tier.cart[0], tier.web[0])
    shop, cart = tier.cloud.slb, tier.rules["cart"]
    shown = shop("DescribeRuleAttribute", RuleId=cart)
    assert (shown["RuleName"], shown["Url"], shown["VServerGroupId"]) == ("cart", "/cart", tier.cart_group)
    shop("SetRule", RuleId=cart, RuleName="basket", VServerGroupId=tier.web_group)
    assert shop("DescribeRuleAttribute", RuleId=cart)["RuleName"] == "basket"
    # Its servers are checked anew for the rule.
    assert ask("shop.example", "/cart/1") is None
    tier.advance(10_000)
    assert ask("shop.example", "/cart/1") == tier.web[0]
    shop("SetRule", RuleId=cart, VServerGroupId=tier.cart_group)
    check = dict(HealthCheck="on", HealthCheckURI="/healthz", HealthCheckInterval=5, HealthCheckTimeout=5)
    thresholds = dict(HealthyThreshold=3, UnhealthyThreshold=3, HealthCheckConnectPort=9090, HealthCheckHttpCode="http_2xx")
    shop("SetRule", RuleId=cart, ListenerSync="off", Scheduler="rr", StickySession="off", **check, **thresholds)
    shown = shop("DescribeRuleAttribute", RuleId=cart)
    assert (shown["ListenerSync"], shown["HealthCheckInterval"], shown["StickySession"]) == ("off", 5, "off")
    shop("DeleteRules", RuleIds=json.dumps([cart]))
    left = tier.call("DescribeRules", ListenerPort=80)["Rules"]["Rule"]
    assert [rule["RuleName"] for rule in left] == ["any"]
    # Without the rule, and with no other for the host itself, the listener's own group serves.
    assert ask("shop.example", "/cart/1") == tier.web[0]
