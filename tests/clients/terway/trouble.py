"""Lost, throttled and busy answers, full vSwitches, refusals, restarts."""

import os

from control_plane import until
from lab import NODES
from server import set_fault, struck


def fault(lab, **what):
    """Sets a fault; its number."""
    return set_fault(lab.cloud.url, **what)


def met(lab, *faults):
    """Each of these faults has struck as often as it was to."""
    seen = {number: struck(lab.cloud.url, number) for number, _ in faults}
    assert seen == dict(faults), f"faults that struck: {seen}"


def case_a_lost_answer_makes_no_second_interface(lab):
    lab.node("node-d", "10.0.1.244")
    until(lambda: lab.cluster.has(f"{NODES}/node-d"), "node-d is known")
    fault(lab, kind="lost_answer", action="CreateNetworkInterface", count=1)
    lab.wants("node-d")
    lab.pods("node-d", "d-1")
    lab.settled("node-d", "d-1")
    assert len(lab.interfaces("node-d")) == 1
    assert not lab.interfaces(Status="Available"), "an interface that nobody knows is left"


def case_throttled_and_busy_answers_are_tried_again(lab):
    slow = fault(lab, kind="throttling", action="AssignPrivateIpAddresses", count=2)
    busy = fault(lab, kind="busy", code="Operation.Conflict", action="AssignPrivateIpAddresses", skip=2, count=1)
    # More pods than the few addresses that the interface may have to spare.
    lab.pods("node-d", *(f"d-{number}" for number in range(2, 7)))
    lab.settled("node-d", *(f"d-{number}" for number in range(1, 7)))
    met(lab, (slow, 2), (busy, 1))
    assert len(lab.interfaces("node-d")) == 1


def case_a_new_interface_waits_for_throttled_and_busy_answers(lab):
    lab.node("node-f", "10.0.1.246")
    until(lambda: lab.cluster.has(f"{NODES}/node-f"), "node-f is known")
    slow = fault(lab, kind="throttling", action="CreateNetworkInterface", count=1)
    busy = fault(lab, kind="busy", code="Operation.Conflict", action="CreateNetworkInterface", skip=1, count=1)
    lab.wants("node-f")
    lab.pods("node-f", "f-1")
    lab.settled("node-f", "f-1")
    met(lab, (slow, 1), (busy, 1))
    assert len(lab.interfaces("node-f")) == 1
    assert not lab.interfaces(Status="Available"), "an interface that nobody knows is left"


def case_an_interface_that_was_not_attached_is_left_for_another(lab):
    for name, address, kind in (("node-g", "10.0.1.247", "throttling"), ("node-h", "10.0.1.248", "busy")):
        lab.node(name, address)
        until(lambda: lab.cluster.has(f"{NODES}/{name}"), f"{name} is known")
        there = fault(lab, kind=kind, action="AttachNetworkInterface", count=1)
        lab.wants(name)
        lab.pods(name, f"{name}-1")
        lab.settled(name, f"{name}-1")
        met(lab, (there, 1))
        assert len(lab.interfaces(name)) == 1
        # It would detach the first one before it deletes it, but what is not attached cannot be detached, and it goes on
        # asking until somebody else deletes it.
        (left,) = (one["NetworkInterfaceId"] for one in lab.interfaces(Status="Available"))
        lab.run("eni", "delete", "--ids", left, "--yes")
        until(
            lambda: left not in lab.cluster.get(f"{NODES}/{name}")["status"]["networkInterfaces"], f"{name} has forgotten {left}"
        )


def case_a_full_vswitch_is_left_for_another(lab):
    lab.node("node-e", "10.0.1.245")
    until(lambda: lab.cluster.has(f"{NODES}/node-e"), "node-e is known")
    for number in range(3):
        lab.cloud.interface(lab.tight, lab.group, NetworkInterfaceName=f"there-{number}")
    lab.wants("node-e", vSwitchOptions=[lab.tight, lab.vswitch])
    lab.pods("node-e", "e-1", "e-2", "e-3")
    lab.settled("node-e", "e-1", "e-2", "e-3")
    assert {one["VSwitchId"] for one in lab.interfaces("node-e")} == {lab.vswitch}


def case_a_restarted_control_plane_knows_what_is_there(lab):
    before = {one["NetworkInterfaceId"] for one in lab.interfaces("node-d")}
    given = lab.given("node-d")
    lab.stop()
    lab.pods("node-d", "d-7")
    lab.start()
    after = lab.settled("node-d", *given, "d-7")
    assert {one["NetworkInterfaceId"] for one in lab.interfaces("node-d")} == before
    assert all(after[pod] == given[pod] for pod in given), (given, after)


def case_it_works_over_https(lab):
    said = len(lab.cluster.log("terway-controlplane"))
    lab.stop()
    lab.start(ALICLOUD_CLIENT_SCHEME="HTTPS")
    given = lab.given("node-d")
    lab.pods("node-d", "d-8")
    unknown = "certificate signed by unknown authority"
    until(lambda: unknown in lab.cluster.log("terway-controlplane")[said:], "it trusts not just anybody")
    assert unknown in lab.refused("eni", "list", ALICLOUD_CLIENT_SCHEME="HTTPS")
    lab.stop()
    sealed = {"ALICLOUD_CLIENT_SCHEME": "HTTPS", "SSL_CERT_FILE": os.environ["CLOUDNET_CA"]}
    lab.start(**sealed)
    lab.settled("node-d", *given, "d-8")
    shown = lab.run("eni", "list", "--show-all", "--vpc-id", lab.vpc, **sealed)
    assert all(one["NetworkInterfaceId"] in shown for one in lab.interfaces("node-d")), shown
    lab.stop()
    lab.start()


def case_a_command_deletes_an_interface_that_nobody_has(lab):
    lonely = lab.cloud.interface(lab.vswitch, lab.group, NetworkInterfaceName="lonely")
    lab.run("eni", "delete", "--ids", lonely, "--yes")
    assert not lab.interfaces(**{"NetworkInterfaceId.1": lonely})


def case_a_command_tells_what_is_refused(lab):
    (one,) = lab.interfaces("node-d")
    said = lab.refused("eni", "delete", "--ids", one["NetworkInterfaceId"], "--yes")
    assert "InvalidOperation" in said or "InvalidEniState" in said, said
    assert lab.interfaces("node-d") == [one]
