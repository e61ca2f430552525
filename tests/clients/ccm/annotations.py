"""Each group of annotations once: at the creation of a Service, or as a change of one that is there."""

import ipaddress
import json

from control_plane import ROOT, until
from lab import SERVICES

CERTIFICATES = ROOT / "tests" / "data" / "certificates"


def gone(lab, *names):
    for name in names:
        lab.cluster.delete(f"{SERVICES}/{name}")
    for name in names:
        until(lambda: not lab.cluster.has(f"{SERVICES}/{name}"), f"the Service {name} is gone")


def becomes(lab, balancer, port, **wanted):
    """Waits until a listener has these settings."""
    def look():
        listener = lab.listeners(balancer)[port]
        seen = {name: listener.get(name) for name in wanted}
        assert seen == wanted, f"{seen}, wanted {wanted}"
        return True
    until(look, f"the listener {port}")


def has(lab, name, **wanted):
    """Waits until the load balancer of a Service has these attributes."""
    def look():
        balancer = lab.balancer(name)
        seen = {key: balancer.get(key) for key in wanted}
        assert seen == wanted, f"{seen}, wanted {wanted}"
        return balancer["LoadBalancerId"]
    return until(look, f"the load balancer of {name}")


def case_annotations_of_an_internal_load_balancer(lab):
    lab.service("internal", 80, annotations={"address-type": "intranet", "vswitch-id": lab.other, "ip": "10.0.2.77"})
    has(lab, "internal", AddressType="intranet", VpcId=lab.vpc, VSwitchId=lab.other, Address="10.0.2.77")
    gone(lab, "internal")


def case_annotations_of_the_network(lab):
    lab.service("networked", 80, annotations={"address-type": "intranet", "network-type": "vpc"})
    has(lab, "networked", AddressType="intranet", NetworkType="vpc", VpcId=lab.vpc, VSwitchId=lab.web)
    lab.annotate("networked", {"network-type": "classic"})
    lab.told("networked", "can not change LoadBalancer network type once created")
    lab.applied("networked", {"network-type": None})
    has(lab, "networked", NetworkType="vpc", VSwitchId=lab.web)
    gone(lab, "networked")


def case_annotations_of_the_address_family(lab):
    lab.service("six", 80, annotations={"ip-version": "ipv6"})
    has(lab, "six", AddressType="internet", AddressIPVersion="ipv6", Address=lab.address("six"))
    assert ipaddress.ip_address(lab.address("six")).version == 6, lab.address("six")
    lab.nodes_behind("six", 80, "node-0", "node-1", "node-2")
    lab.annotate("six", {"ip-version": "ipv4"})
    lab.told("six", "can not change LoadBalancer AddressIPVersion once created")
    # Without its gate IPv6DualStack, which is off unless it is asked for, this one changes nothing.
    lab.applied("six", {"ip-version": "ipv6", "backend-ip-version": "ipv6"})
    lab.nodes_behind("six", 80, "node-0", "node-1", "node-2")
    has(lab, "six", AddressIPVersion="ipv6")
    gone(lab, "six")


def case_annotations_of_the_instance(lab):
    lab.service("instance", 80, annotations={
        "instance-charge-type": "PayBySpec", "spec": "slb.s2.small", "name": "front", "delete-protection": "off",
        "modification-protection": "NonProtection", "master-zoneid": "cn-hangzhou-k", "slave-zoneid": "cn-hangzhou-j",
        "additional-resource-tags": "team=web,tier=front",
    })
    has(
        lab, "instance", LoadBalancerSpec="slb.s2.small", LoadBalancerName="front", DeleteProtection="off",
        ModificationProtectionStatus="NonProtection", MasterZoneId="cn-hangzhou-k", SlaveZoneId="cn-hangzhou-j",
    )


def case_changed_annotations_of_the_instance(lab):
    lab.annotate("instance", {
        "spec": "slb.s2.medium", "name": "other", "delete-protection": "on", "modification-protection": "ConsoleProtection",
        "additional-resource-tags": "team=web,tier=back",
    })
    balancer = has(
        lab, "instance", LoadBalancerSpec="slb.s2.medium", LoadBalancerName="other", DeleteProtection="on",
        ModificationProtectionStatus="ConsoleProtection",
    )

    def tags():
        asked = {"ResourceType": "instance", "ResourceId.1": balancer}
        found = lab.cloud.ask("slb", "ListTagResources", **asked)["TagResources"]["TagResource"]
        return {tag["TagKey"]: tag["TagValue"] for tag in found}
    until(lambda: tags().get("tier") == "back" and tags().get("team") == "web", "the tags")
    gone(lab, "instance")


def case_annotations_of_the_bandwidth(lab):
    lab.service("metered", 80, annotations={
        "instance-charge-type": "PayBySpec", "charge-type": "paybybandwidth", "bandwidth": "10",
    })
    has(lab, "metered", InternetChargeType="paybybandwidth", Bandwidth=10)
    lab.annotate("metered", {"bandwidth": "20"})
    has(lab, "metered", InternetChargeType="paybybandwidth", Bandwidth=20)
    lab.annotate("metered", {"charge-type": "paybytraffic", "bandwidth": None})
    has(lab, "metered", InternetChargeType="paybytraffic")
    gone(lab, "metered")


def case_annotations_of_tcp_and_udp_listeners(lab):
    lab.service("transport", 80, (53, "UDP"), annotations={
        "scheduler": "wlc", "persistence-timeout": "900", "established-timeout": "500", "health-check-type": "http",
        "health-check-uri": "/health", "health-check-connect-port": "8081", "healthy-threshold": "4",
        "unhealthy-threshold": "5", "health-check-interval": "7", "health-check-connect-timeout": "6",
        "health-check-httpcode": "http_2xx,http_3xx", "connection-drain": "on", "connection-drain-timeout": "60",
    })
    balancer = lab.balancer("transport")["LoadBalancerId"]
    becomes(lab, balancer, 80, Scheduler="wlc", PersistenceTimeout=900, EstablishedTimeout=500, HealthCheckType="http",
            HealthCheckURI="/health", HealthCheckConnectPort=8081, HealthyThreshold=4, UnhealthyThreshold=5,
            HealthCheckInterval=7, HealthCheckConnectTimeout=6, HealthCheckHttpCode="http_2xx,http_3xx",
            ConnectionDrain="on", ConnectionDrainTimeout=60)
    becomes(lab, balancer, 53, Scheduler="wlc", HealthCheckInterval=7)


def case_changed_annotations_of_a_tcp_listener(lab):
    balancer = lab.balancer("transport")["LoadBalancerId"]
    lab.annotate("transport", {
        "scheduler": "wrr", "persistence-timeout": "0", "health-check-type": "tcp", "health-check-uri": None,
        "health-check-httpcode": None, "established-timeout": "600", "proxy-protocol": "on",
    })
    becomes(lab, balancer, 80, Scheduler="wrr", PersistenceTimeout=0, HealthCheckType="tcp", EstablishedTimeout=600,
            ProxyProtocolV2Enabled="true")
    gone(lab, "transport")


def case_health_checks_can_be_off(lab):
    lab.service("unchecked", 80, annotations={"health-check-switch": "off"})
    becomes(lab, lab.balancer("unchecked")["LoadBalancerId"], 80, HealthCheck="off")
    gone(lab, "unchecked")


def case_annotations_of_an_http_listener(lab):
    lab.service("site", 80, annotations={
        "protocol-port": "http:80", "health-check-flag": "on", "health-check-uri": "/up", "health-check-timeout": "8",
        "health-check-method": "head", "health-check-domain": "example.com", "sticky-session": "on",
        "sticky-session-type": "insert", "cookie-timeout": "1800", "xforwardedfor-proto": "on",
        "xforwardedfor-slbport": "on", "xforwardedfor-clientsrcport": "on", "idle-timeout": "30", "request-timeout": "40",
    })
    balancer = lab.balancer("site")["LoadBalancerId"]
    becomes(lab, balancer, 80, ListenerProtocol="http", HealthCheck="on", HealthCheckURI="/up", HealthCheckTimeout=8,
            HealthCheckMethod="head", HealthCheckDomain="example.com", StickySession="on", StickySessionType="insert",
            CookieTimeout=1800, XForwardedFor_proto="on", XForwardedFor_SLBPORT="on", XForwardedFor_ClientSrcPort="on",
            IdleTimeout=30, RequestTimeout=40)
    lab.annotate("site", {
        "sticky-session-type": "server", "cookie": "session", "cookie-timeout": None, "health-check-flag": "off",
        "xforwardedfor-proto": "off", "xforwardedfor-slbport": "off", "xforwardedfor-clientsrcport": "off",
        "idle-timeout": "20", "request-timeout": "50",
    })
    becomes(lab, balancer, 80, StickySessionType="server", Cookie="session", HealthCheck="off", XForwardedFor_proto="off",
            XForwardedFor_SLBPORT="off", XForwardedFor_ClientSrcPort="off", IdleTimeout=20, RequestTimeout=50)
    # What an annotation has set stays when that is taken away.
    lab.applied("site", {"xforwardedfor-clientsrcport": None, "idle-timeout": None})
    becomes(lab, balancer, 80, XForwardedFor_ClientSrcPort="off", IdleTimeout=20)
    gone(lab, "site")


def upload(lab, name):
    texts = {key: (CERTIFICATES / f"server.{key}").read_text() for key in ("pem", "key")}
    return lab.cloud.ask(
        "slb", "UploadServerCertificate", ServerCertificateName=name, ServerCertificate=texts["pem"], PrivateKey=texts["key"]
    )["ServerCertificateId"]


def case_annotations_of_an_https_listener(lab):
    first, second = upload(lab, "first"), upload(lab, "second")
    lab.service("secure", 443, 80, annotations={
        "protocol-port": "https:443,http:80", "cert-id": first, "forward-port": "80:443", "http2-enabled": "off",
        "tls-cipher-policy": "tls_cipher_policy_1_2", "spec": "slb.s2.small",
    })
    balancer = lab.balancer("secure")["LoadBalancerId"]
    becomes(lab, balancer, 443, ListenerProtocol="https", ServerCertificateId=first, EnableHttp2="off",
            TLSCipherPolicy="tls_cipher_policy_1_2")
    becomes(lab, balancer, 80, ListenerForward="on", ForwardPort=443)
    lab.annotate("secure", {
        "cert-id": second, "http2-enabled": "on", "tls-cipher-policy": "tls_cipher_policy_1_1",
        "xforwardedfor-proto": "on", "xforwardedfor-slbport": "on", "xforwardedfor-clientsrcport": "on",
    })
    becomes(lab, balancer, 443, ServerCertificateId=second, EnableHttp2="on", TLSCipherPolicy="tls_cipher_policy_1_1",
            XForwardedFor_proto="on", XForwardedFor_SLBPORT="on", XForwardedFor_ClientSrcPort="on")
    gone(lab, "secure")


def case_annotations_of_additional_domains(lab):
    first, second = upload(lab, "third"), upload(lab, "fourth")
    lab.service("domains", 443, annotations={
        "protocol-port": "https:443", "cert-id": first, "spec": "slb.s2.small",
        "domain-extensions": f"a.example.com:{second},*.b.example.com:{first}",
    })
    balancer = lab.balancer("domains")["LoadBalancerId"]

    def shown():
        found = lab.cloud.ask("slb", "DescribeDomainExtensions", LoadBalancerId=balancer, ListenerPort=443)
        return {one["Domain"]: one["ServerCertificateId"] for one in found["DomainExtensions"]["DomainExtension"]}
    until(lambda: shown() == {"a.example.com": second, "*.b.example.com": first}, "the two domains")
    lab.annotate("domains", {"domain-extensions": f"a.example.com:{second},c.example.com:{first}"})
    until(lambda: shown() == {"a.example.com": second, "c.example.com": first}, "one domain instead of another")
    lab.annotate("domains", {"domain-extensions": f"c.example.com:{first}"})
    until(lambda: shown() == {"c.example.com": first}, "one domain")
    # Another certificate of a domain it asks for without saying of which extension.
    lab.annotate("domains", {"domain-extensions": f"c.example.com:{second}"})
    lab.told("domains", "DomainExtensionId")
    assert shown() == {"c.example.com": first}, shown()
    # It takes away what the annotation no longer names, but nothing once there is no annotation.
    lab.applied("domains", {"domain-extensions": None})
    assert shown() == {"c.example.com": first}, shown()
    gone(lab, "domains")


def case_annotations_of_access_control(lab):
    lists = [lab.cloud.ask("slb", "CreateAccessControlList", AclName=name)["AclId"] for name in ("white", "black")]
    for one in lists:
        lab.cloud.ask("slb", "AddAccessControlListEntry", AclId=one, AclEntrys=json.dumps(
            [{"entry": "192.0.2.0/24", "comment": "office"}]))
    lab.service("guarded", 80, annotations={"acl-status": "on", "acl-id": lists[0], "acl-type": "white"})
    balancer = lab.balancer("guarded")["LoadBalancerId"]
    becomes(lab, balancer, 80, AclStatus="on", AclId=lists[0], AclType="white")
    lab.annotate("guarded", {"acl-id": lists[1], "acl-type": "black"})
    becomes(lab, balancer, 80, AclStatus="on", AclId=lists[1], AclType="black")
    lab.annotate("guarded", {"acl-status": "off"})
    becomes(lab, balancer, 80, AclStatus="off")
    gone(lab, "guarded")


def case_annotations_of_the_backends(lab):
    lab.cluster.patch("/api/v1/nodes/node-1", metadata={"labels": {"pool": "front"}})
    lab.service("some", 80, annotations={"backend-label": "pool=front", "default-weight": "60"})
    lab.nodes_behind("some", 80, "node-1", weight=60)
    lab.annotate("some", {"backend-label": None, "remove-unscheduled-backend": "on", "default-weight": None})
    lab.nodes_behind("some", 80, "node-0", "node-1", "node-2")
    lab.cluster.patch("/api/v1/nodes/node-2", spec={"unschedulable": True})
    lab.nodes_behind("some", 80, "node-0", "node-1")
    lab.cluster.patch("/api/v1/nodes/node-2", spec={"unschedulable": None})
    lab.nodes_behind("some", 80, "node-0", "node-1", "node-2")
    gone(lab, "some")


def case_an_annotation_leaves_weights_alone(lab):
    nodes = ("node-0", "node-1", "node-2")
    lab.service("weighed", 80, annotations={"ignore-weight-update": "on", "default-weight": "40"})
    lab.nodes_behind("weighed", 80, *nodes, weight=40)
    balancer = lab.balancer("weighed")["LoadBalancerId"]
    group = lab.listeners(balancer)[80]["VServerGroupId"]
    (first, *_) = lab.cloud.ask("slb", "DescribeVServerGroupAttribute", VServerGroupId=group)["BackendServers"][
        "BackendServer"]
    kept = {name: first[name] for name in ("ServerId", "Port", "Type", "Description")}
    lab.cloud.ask("slb", "SetVServerGroupAttribute", VServerGroupId=group, BackendServers=json.dumps([kept | {"Weight": 7}]))
    lab.applied("weighed", {"default-weight": "50"})
    seen = {server: weight for server, _, weight in lab.backends(balancer, 80)}
    assert seen == {lab.instances[node]: 40 for node in nodes} | {first["ServerId"]: 7}, seen
    lab.annotate("weighed", {"ignore-weight-update": None})
    lab.nodes_behind("weighed", 80, *nodes, weight=50)
    gone(lab, "weighed")


def case_a_load_balancer_of_somebody_else_is_used_and_stays(lab):
    own = lab.cloud.ask(
        "slb", "CreateLoadBalancer", LoadBalancerName="of-a-person", LoadBalancerSpec="slb.s1.small"
    )["LoadBalancerId"]
    lab.service("borrowing", 80, annotations={"id": own, "force-override-listeners": "true"})
    address = lab.address("borrowing")
    assert lab.cloud.ask("slb", "DescribeLoadBalancerAttribute", LoadBalancerId=own)["Address"] == address
    becomes(lab, own, 80, ListenerProtocol="tcp")
    gone(lab, "borrowing")
    assert lab.cloud.ask("slb", "DescribeLoadBalancers", LoadBalancerId=own)["TotalCount"] == 1
    assert lab.listeners(own) == {}, "its listeners are given back"


def case_groups_of_somebody_else_are_used_and_stay(lab):
    nodes = ("node-0", "node-1", "node-2")
    own = lab.cloud.ask(
        "slb", "CreateLoadBalancer", LoadBalancerName="with-groups", LoadBalancerSpec="slb.s1.small"
    )["LoadBalancerId"]
    by_hand = {"ServerId": lab.instances["node-3"], "Port": 9000, "Weight": 5}
    first, second = (
        lab.cloud.ask("slb", "CreateVServerGroup", LoadBalancerId=own, VServerGroupName=name,
                      BackendServers=json.dumps([by_hand]))["VServerGroupId"]
        for name in ("blue", "green")
    )

    def behind(group, port, weight, nodes=nodes):
        """Whether these nodes stand in a group beside the server that a person put there."""
        servers = lab.cloud.ask("slb", "DescribeVServerGroupAttribute", VServerGroupId=group)["BackendServers"]
        seen = sorted((one["ServerId"], one["Port"], one["Weight"]) for one in servers["BackendServer"])
        mine = [(lab.instances[node], port, weight) for node in nodes]
        assert seen == sorted([*mine, (by_hand["ServerId"], 9000, 5)]), seen
        return True

    lab.service("sharing", 80, annotations={
        "id": own, "force-override-listeners": "true", "vgroup-port": f"{first}:80", "weight": "60",
    })
    lab.address("sharing")
    (port,) = (one["nodePort"] for one in lab.get("sharing")["spec"]["ports"])
    becomes(lab, own, 80, VServerGroupId=first)
    until(lambda: behind(first, port, 20), "a share of 60 for each of three nodes")
    lab.annotate("sharing", {"weight": "90"})
    until(lambda: behind(first, port, 30), "a share of 90 for each")
    lab.annotate("sharing", {"weight": None})
    until(lambda: behind(first, port, 100), "the default weight for each")
    lab.annotate("sharing", {"vgroup-port": f"{second}:80"})
    becomes(lab, own, 80, VServerGroupId=second)
    until(lambda: behind(second, port, 100), "the nodes in the other group")
    gone(lab, "sharing")
    until(lambda: behind(second, port, 100, nodes=()), "the server of a person alone")
    assert lab.listeners(own) == {}, "its listeners are given back"
    lab.cloud.ask("slb", "DeleteLoadBalancer", LoadBalancerId=own)


def case_a_load_balancer_can_stay_behind(lab):
    lab.service("staying", 80, annotations={"preserve-lb-on-delete": "true"})
    balancer = lab.balancer("staying")["LoadBalancerId"]
    gone(lab, "staying")
    left = lab.cloud.ask("slb", "DescribeLoadBalancerAttribute", LoadBalancerId=balancer)
    assert left["DeleteProtection"] == "off", left
    lab.cloud.ask("slb", "DeleteLoadBalancer", LoadBalancerId=balancer)


def case_a_host_name_stands_for_the_address(lab):
    lab.service("named", 80, annotations={"hostname": "shop.example.com"})
    until(
        lambda: lab.get("named")["status"]["loadBalancer"]["ingress"] == [{"hostname": "shop.example.com"}],
        "the host name in the status",
    )
    gone(lab, "named")


def case_an_elastic_address_stands_for_the_address(lab):
    eip = lab.cloud.ask("vpc", "AllocateEipAddress", Bandwidth="5")
    lab.service("elastic", 80, annotations={"address-type": "intranet"})
    balancer = lab.balancer("elastic")["LoadBalancerId"]
    lab.cloud.ask("vpc", "AssociateEipAddress", AllocationId=eip["AllocationId"], InstanceId=balancer,
                  InstanceType="SlbInstance")

    def status():
        shown = lab.cloud.ask("vpc", "DescribeEipAddresses", AllocationId=eip["AllocationId"])
        return shown["EipAddresses"]["EipAddress"][0]["Status"]

    until(lambda: status() == "InUse", "the elastic address bound")
    lab.annotate("elastic", {"external-ip-type": "eip"})
    until(lambda: lab.address("elastic") == eip["EipAddress"], "the elastic address in the status")
    lab.cloud.ask("vpc", "UnassociateEipAddress", AllocationId=eip["AllocationId"], InstanceId=balancer,
                  InstanceType="SlbInstance")
    gone(lab, "elastic")


def case_annotations_under_their_old_names(lab):
    old = "service.beta.kubernetes.io/alicloud-loadbalancer-"
    lab.service("legacy", 80, annotations={f"{old}address-type": "intranet", f"{old}scheduler": "wlc"})
    balancer = has(lab, "legacy", AddressType="intranet", VpcId=lab.vpc)
    becomes(lab, balancer, 80, Scheduler="wlc")
    lab.annotate("legacy", {f"{old}scheduler": "wrr"})
    becomes(lab, balancer, 80, Scheduler="wrr")
    gone(lab, "legacy")


def case_annotations_for_another_controller(lab):
    whose = "service.beta.kubernetes.io/class"
    lab.service("classed", 80, annotations={whose: "somebody"})
    lab.service("tunnelled", 80, annotations={"tunnel-type": "any"})
    lab.service("mine", 80)
    lab.address("mine")
    assert not lab.balancers("classed") and not lab.balancers("tunnelled")
    lab.annotate("classed", {whose: None})
    lab.address("classed")
    assert not lab.balancers("tunnelled")
    gone(lab, "classed", "tunnelled", "mine")
