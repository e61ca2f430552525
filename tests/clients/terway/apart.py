"""What wants a server of its own: keys and regions that are refused, and a server that is killed in the middle of a stack."""

from control_plane import until
from lab import NODES

CONTROLLER = "terway-controlplane"


def refused(lab, code, **settings):
    """Starts the control plane with these settings, waits until it has said that it is refused with this code, and stops it."""
    said = len(lab.cluster.log(CONTROLLER))
    lab.start(**settings)
    until(lambda: code in lab.cluster.log(CONTROLLER)[said:], f"the control plane names {code}")
    lab.stop()
    assert not lab.interfaces(), "nothing was made"


def case_a_wrong_key_is_told(lab):
    lab.node("node-a", "10.0.1.241")
    assert "InvalidAccessKeyId.NotFound" in lab.refused("eni", "list", ALICLOUD_ACCESS_KEY="LTAI5tStranger")
    refused(lab, "InvalidAccessKeyId.NotFound", key="LTAI5tStranger")


def case_a_wrong_secret_is_told(lab):
    assert "SignatureDoesNotMatch" in lab.refused("eni", "list", ALICLOUD_SECRET_KEY="wrong")
    refused(lab, "SignatureDoesNotMatch", secret="wrong")


def case_a_wrong_region_is_told(lab):
    assert "InvalidRegionId" in lab.refused("eni", "list", REGION_ID="mars-north-1")
    refused(lab, "InvalidRegionId", region="mars-north-1")


def case_with_the_right_key_and_region_it_goes_on(lab):
    lab.start()
    until(lambda: lab.cluster.has(f"{NODES}/node-a"), "node-a is known")
    lab.wants("node-a")
    lab.pods("node-a", "a-1")
    lab.settled("node-a", "a-1")
    assert len(lab.interfaces("node-a")) == 1


def case_a_server_that_is_killed_loses_nothing_and_makes_nothing_twice(lab):
    limit = lab.cluster.get(f"{NODES}/node-a")["spec"]["nodeCap"]["ipv4PerAdapter"]
    before = lab.given("node-a")
    names = [f"more-{number}" for number in range(limit)]
    lab.pods("node-a", *names)
    # More pods than one interface takes: addresses of the first, a second one, attached, then filled.
    until(lambda: len(lab.interfaces()) == 2, "the second interface is made")
    lab.server.kill()
    assert not set(names) <= set(lab.given("node-a")), "it was killed in the middle"
    lab.server.start()
    after = lab.settled("node-a", "a-1", *names)
    assert before.items() <= after.items(), (before, after)
    given = [one["ipv4"] for one in after.values()]
    assert len(set(given)) == limit + 1, "each pod has an address of its own"
    assert len(lab.interfaces("node-a")) == 2 and len(lab.interfaces()) == 2, "two interfaces, and none that nobody has"
