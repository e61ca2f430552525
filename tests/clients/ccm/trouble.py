"""Somebody else's changes, restarts, refusals and faults."""

import json
import os

from annotations import gone
from control_plane import until
from lab import SERVICES
from server import set_fault, struck


def met(lab, faults):
    """Waits until each of these faults has struck once."""
    until(lambda: all(struck(lab.cloud.url, fault) == 1 for fault in faults), "each fault has struck", seconds=150)


def faults(lab, action):
    """Throttles the first request of an action and answers the second one that it is busy; their numbers."""
    return [
        set_fault(lab.cloud.url, kind="throttling", action=action, count=1),
        set_fault(lab.cloud.url, kind="busy", action=action, skip=1, count=1),
    ]


def case_a_listener_that_somebody_deleted_comes_back(lab):
    lab.service("drifting", 80, 443)
    balancer = lab.balancer("drifting")["LoadBalancerId"]
    until(lambda: set(lab.listeners(balancer)) == {80, 443}, "both listeners")
    lab.cloud.ask("slb", "DeleteLoadBalancerListener", LoadBalancerId=balancer, ListenerPort=443)
    # The controller looks at listeners when a Service has changed.
    lab.annotate("drifting", {"scheduler": "wrr"})
    until(lambda: lab.listeners(balancer)[443]["Status"] == "running", "the listener 443 runs again")


def case_a_listener_that_somebody_stopped_runs_again(lab):
    balancer = lab.balancer("drifting")["LoadBalancerId"]
    lab.cloud.ask("slb", "StopLoadBalancerListener", LoadBalancerId=balancer, ListenerPort=80)
    lab.annotate("drifting", {"scheduler": "rr"})
    until(lambda: lab.listeners(balancer)[80]["Status"] == "running", "the listener 80 runs again")


def case_a_restarted_controller_mends_the_backends(lab):
    balancer = lab.balancer("drifting")["LoadBalancerId"]
    lab.stop()
    group = lab.listeners(balancer)[80]["VServerGroupId"]
    server, port, _ = lab.backends(balancer, 80)[0]
    lab.cloud.ask("slb", "RemoveVServerGroupBackendServers", VServerGroupId=group,
                  BackendServers=json.dumps([{"ServerId": server, "Port": port}]))
    lab.service("waiting", 80)
    # It comes back without keys of its own: region, VPC, vSwitch and the keys of a role are the metadata of node-0.
    lab.start(keys=False)
    lab.nodes_behind("drifting", 80, "node-0", "node-1", "node-2")


def case_what_came_while_it_was_away_is_made(lab):
    lab.nodes_behind("waiting", 80, "node-0", "node-1", "node-2")
    assert len(lab.balancers("drifting")) == 1 and len(lab.balancers("waiting")) == 1


def case_what_went_while_it_was_away_is_taken_away(lab):
    balancer = lab.balancer("waiting")["LoadBalancerId"]
    lab.stop()
    lab.cluster.delete(f"{SERVICES}/waiting")
    lab.cluster.delete("/api/v1/nodes/node-2")
    lab.start()
    until(
        lambda: lab.cloud.ask("slb", "DescribeLoadBalancers", LoadBalancerId=balancer)["TotalCount"] == 0,
        "the load balancer of the Service that went",
    )
    lab.nodes_behind("drifting", 80, "node-0", "node-1")


def case_throttled_and_busy_answers_are_tried_again(lab):
    there = [
        set_fault(lab.cloud.url, kind="throttling", action="CreateLoadBalancer", count=1),
        set_fault(lab.cloud.url, kind="busy", action="CreateLoadBalancerTCPListener", count=1),
    ]
    lab.service("patient", 80)
    balancer = lab.balancer("patient")["LoadBalancerId"]
    until(lambda: lab.listeners(balancer)[80]["Status"] == "running", "the listener runs")
    met(lab, there)
    assert len(lab.balancers("patient")) == 1


def case_a_node_of_a_throttled_or_busy_answer_is_initialized_later(lab):
    asked = {"InstanceId": lab.instances["node-3"]}

    def interface():
        return lab.cloud.ask("ecs", "DescribeNetworkInterfaces", **asked)["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]

    for kind, code in (("throttling", "Throttling.User"), ("busy", "OperationConflict")):
        there, said = set_fault(lab.cloud.url, kind=kind, action="DescribeInstances", count=1), len(lab.cluster.log("ccm"))
        lab.node("node-3", "10.0.1.13", None, role="worker")
        met(lab, [there])
        until(lambda: code in lab.cluster.log("ccm")[said:], f"the controller names {code}")
        assert lab.cluster.get("/api/v1/nodes/node-3")["spec"]["taints"], "node-3 is not initialized"
        lab.stop()
        lab.cloud.ask("ecs", "ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface()["NetworkInterfaceId"],
                      SourceDestCheck="true")
        # This one it tries again at once; at nodes it looks every five minutes, and when it is started.
        there = set_fault(
            lab.cloud.url, kind="busy", code="InvalidOperation.Conflict", action="ModifyNetworkInterfaceAttribute", count=1
        )
        lab.start()
        until(lambda: not lab.cluster.get("/api/v1/nodes/node-3")["spec"].get("taints"), "node-3 has no taint")
        met(lab, [there])
        until(lambda: not interface()["SourceDestCheck"], "its interface has no source-destination check")
        lab.cluster.delete("/api/v1/nodes/node-3")


def case_a_route_waits_for_throttled_and_busy_answers(lab):
    there = faults(lab, "CreateRouteEntries")
    lab.node("node-3", "10.0.1.13", "172.16.3.0/24", role="worker")
    until(lambda: lab.routes().get("172.16.3.0/24") == lab.instances["node-3"], "the route of node-3", seconds=150)
    met(lab, there)
    there = faults(lab, "DeleteRouteEntries")
    lab.cluster.delete("/api/v1/nodes/node-3")
    until(lambda: "172.16.3.0/24" not in lab.routes(), "the route of node-3 is gone", seconds=150)
    met(lab, there)


def case_it_works_over_https(lab):
    lab.stop()
    said = len(lab.cluster.log("ccm"))
    lab.start(ALICLOUD_CLIENT_SCHEME="HTTPS")
    until(lambda: "certificate signed by unknown authority" in lab.cluster.log("ccm")[said:], "it trusts not just anybody")
    lab.stop()
    lab.start(ALICLOUD_CLIENT_SCHEME="HTTPS", SSL_CERT_FILE=os.environ["CLOUDNET_CA"])
    lab.service("sealed", 80)
    lab.nodes_behind("sealed", 80, "node-0", "node-1")
    gone(lab, "sealed")
    lab.stop()
    lab.start()


def case_a_lost_answer_makes_no_second_load_balancer(lab):
    set_fault(lab.cloud.url, kind="lost_answer", action="CreateLoadBalancer", count=1)
    before = lab.cloud.ask("slb", "DescribeLoadBalancers")["TotalCount"]
    lab.service("lost", 80)
    lab.nodes_behind("lost", 80, "node-0", "node-1")
    assert lab.cloud.ask("slb", "DescribeLoadBalancers")["TotalCount"] == before + 1


def case_a_refusal_is_told_and_mended(lab):
    lab.service("refused", 80, annotations={"acl-status": "on", "acl-type": "white", "acl-id": "acl-nobody"})
    lab.told("refused", "acl")
    lab.annotate("refused", {"acl-status": None, "acl-type": None, "acl-id": None})
    lab.address("refused")


def case_all_of_it_goes(lab):
    gone(lab, "drifting", "patient", "lost", "refused")
