"""The life of interfaces as Terway drives it."""

import re

from control_plane import until
from lab import NODES


def case_the_command_shows_the_metadata_of_a_node(lab):
    lab.node("node-a", "10.0.1.241")
    proxy = f"http://node-a:x@{lab.endpoint}"
    shown = lab.run("metadata", HTTP_PROXY=proxy, http_proxy=proxy, NO_PROXY="", no_proxy="")
    for part in (lab.vswitch, "10.0.1.241"):
        assert part in shown, shown


def case_a_node_gets_the_limits_of_its_instance_type(lab):
    capacity = until(lambda: lab.cluster.get(f"{NODES}/node-a")["spec"]["nodeCap"], "the limits of node-a")
    known = lab.cloud.ask("ecs", "DescribeInstanceTypes", **{"InstanceTypes.1": "ecs.g7.xlarge"})["InstanceTypes"][
        "InstanceType"][0]
    assert capacity["adapters"] == known["EniQuantity"], (capacity, known)
    assert capacity["ipv4PerAdapter"] == known["EniPrivateIpAddressQuantity"], (capacity, known)
    assert capacity["ipv6PerAdapter"] == known["EniIpv6AddressQuantity"], (capacity, known)


def case_the_first_pods_get_an_interface(lab):
    lab.wants("node-a")
    lab.pods("node-a", "a-1", "a-2", "a-3")
    lab.settled("node-a", "a-1", "a-2", "a-3")
    (interface,) = lab.interfaces("node-a")
    assert interface["Status"] == "InUse" and interface["VSwitchId"] == lab.vswitch, interface
    assert interface["SecurityGroupIds"]["SecurityGroupId"] == [lab.group], interface
    tags = {tag["TagKey"]: tag["TagValue"] for tag in interface["Tags"]["Tag"]}
    assert tags.get("creator") == "terway", tags


def case_the_metadata_have_the_new_interface(lab):
    proxy = f"http://node-a:x@{lab.endpoint}"
    shown = lab.run("metadata", HTTP_PROXY=proxy, http_proxy=proxy, NO_PROXY="", no_proxy="")
    (interface,) = lab.interfaces("node-a")
    assert interface["MacAddress"] in shown, shown
    for one in interface["PrivateIpSets"]["PrivateIpSet"]:
        assert one["PrivateIpAddress"] in shown, shown


def case_more_pods_get_addresses_of_the_same_interface(lab):
    before = {one["NetworkInterfaceId"] for one in lab.interfaces("node-a")}
    lab.pods("node-a", "a-4", "a-5")
    lab.settled("node-a", "a-1", "a-2", "a-3", "a-4", "a-5")
    assert {one["NetworkInterfaceId"] for one in lab.interfaces("node-a")} == before


def case_more_pods_than_an_interface_takes_get_a_second_one(lab):
    limit = lab.cluster.get(f"{NODES}/node-a")["spec"]["nodeCap"]["ipv4PerAdapter"]
    names = [f"more-{number}" for number in range(limit)]
    lab.pods("node-a", *names)
    lab.settled("node-a", *names)
    assert len(lab.interfaces("node-a")) == 2
    lab.remove("node-a", *names)


def case_a_command_lists_the_interfaces(lab):
    shown = lab.run("eni", "list", "--show-all", "--vpc-id", lab.vpc)
    for one in lab.interfaces("node-a"):
        assert one["NetworkInterfaceId"] in shown, shown


def case_an_interface_without_pods_is_detached_and_deleted(lab):
    # An interface goes when more addresses are idle than it has. Of the idle ones two are those of the interfaces
    # themselves; where a pod has one of these, only the other is left, and one pod less makes them two again.
    until(lambda: len(lab.addresses("node-a")) <= 7, "addresses of five pods and of two interfaces")
    lab.remove("node-a", "a-5")
    # The last one stays, since Terway counts its primary address as one that a pod may come to need.
    until(lambda: len(lab.interfaces()) == 1, "one secondary interface is left", seconds=150)


def case_addresses_without_pods_are_given_back(lab):
    lab.remove("node-a", "a-4")
    wanted = {"a-1", "a-2", "a-3"}
    until(lambda: set(lab.given("node-a")) == wanted, "addresses of three pods")
    until(lambda: len(lab.addresses("node-a")) <= 4, "no more addresses than pods, and the primary one", seconds=150)


def case_pods_of_both_families(lab):
    lab.node("node-b", "10.0.1.242")
    until(lambda: lab.cluster.has(f"{NODES}/node-b"), "node-b is known")
    lab.wants("node-b", enableIPv6=True)
    lab.pods("node-b", "b-1", "b-2")
    given = lab.settled("node-b", "b-1", "b-2", families=("ipv4", "ipv6"))
    assert all(":" in one["ipv6"] for one in given.values()), given
    lab.pods("node-b", "b-3")
    lab.settled("node-b", "b-3", families=("ipv4", "ipv6"))


def case_prefixes_instead_of_addresses(lab):
    lab.node("node-c", "10.0.1.243")
    until(lambda: lab.cluster.has(f"{NODES}/node-c"), "node-c is known")
    lab.wants("node-c", enableIPPrefix=True, ipv4PrefixCount=2)

    def prefixes():
        found = [one["Ipv4Prefix"] for interface in lab.interfaces("node-c")
                 for one in interface["Ipv4PrefixSets"]["Ipv4PrefixSet"]]
        assert len(found) == 2 and all(re.fullmatch(r"10\.0\.1\.\d+/28", one) for one in found), found
        return True
    until(prefixes, "two prefixes of node-c")


def case_more_prefixes_are_assigned(lab):
    lab.cluster.patch(f"{NODES}/node-c", spec={"eni": {"ipv4PrefixCount": 3}})

    def three():
        found = [one for interface in lab.interfaces("node-c") for one in interface["Ipv4PrefixSets"]["Ipv4PrefixSet"]]
        assert len(found) == 3, found
        return True
    until(three, "three prefixes of node-c", seconds=120)
