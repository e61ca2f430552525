"""Somebody else's changes, restarts, refusals and faults."""

import json

from annotations import gone
from control_plane import until
from lab import SERVICES
from server import set_fault


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
    set_fault(lab.cloud.url, kind="throttling", action="CreateLoadBalancer", count=1)
    set_fault(lab.cloud.url, kind="busy", action="CreateLoadBalancerTCPListener", count=1)
    lab.service("patient", 80)
    balancer = lab.balancer("patient")["LoadBalancerId"]
    until(lambda: lab.listeners(balancer)[80]["Status"] == "running", "the listener runs")
    assert len(lab.balancers("patient")) == 1


def case_a_lost_answer_makes_no_second_load_balancer(lab):
    set_fault(lab.cloud.url, kind="lost_answer", action="CreateLoadBalancer", count=1)
    before = lab.cloud.ask("slb", "DescribeLoadBalancers")["TotalCount"]
    lab.service("lost", 80)
    lab.nodes_behind("lost", 80, "node-0", "node-1")
    assert lab.cloud.ask("slb", "DescribeLoadBalancers")["TotalCount"] == before + 1


def case_a_refusal_is_told_and_mended(lab):
    lab.service("refused", 80, annotations={"acl-status": "on", "acl-type": "white", "acl-id": "acl-nobody"})

    def told():
        events = lab.cluster.get("/api/v1/events")["items"]
        return any("acl" in event["message"].lower() for event in events if event["involvedObject"]["name"] == "refused")
    until(told, "an event about the access control list")
    lab.annotate("refused", {"acl-status": None, "acl-type": None, "acl-id": None})
    lab.address("refused")


def case_all_of_it_goes(lab):
    gone(lab, "drifting", "patient", "lost", "refused")
