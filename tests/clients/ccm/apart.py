"""What wants a server of its own: keys and regions that are refused, and a server that is killed in the middle of a stack."""

from annotations import gone, has
from control_plane import until


def refused(lab, code, **settings):
    """Starts the controller with these settings, waits until it has said that it is refused with this code, and stops it."""
    said = len(lab.cluster.log("ccm"))
    lab.start(**settings)
    until(lambda: code in lab.cluster.log("ccm")[said:], f"the controller names {code}")
    lab.stop()
    assert lab.routes() == {}, lab.routes()
    taints = lab.cluster.get("/api/v1/nodes/node-0")["spec"].get("taints")
    assert taints, "node-0 is not initialized"


def case_a_wrong_key_is_told(lab):
    for number in range(3):
        lab.node(f"node-{number}", f"10.0.1.1{number}", f"172.16.{number}.0/24")
    refused(lab, "InvalidAccessKeyId.NotFound", key="LTAI5tStranger")


def case_a_wrong_secret_is_told(lab):
    # Its SDK knows by the string to sign, which is the same, that the secret is wrong.
    refused(lab, "InvalidAccessKeySecret", secret="wrong")


def case_a_wrong_region_is_told(lab):
    refused(lab, "InvalidRegionId.NotFound", region="mars-north-1")


def case_with_the_right_key_and_region_it_goes_on(lab):
    lab.start()
    wanted = {f"172.16.{number}.0/24": lab.instances[f"node-{number}"] for number in range(3)}
    until(lambda: lab.routes() == wanted, "the three routes", seconds=150)
    lab.service("small", 80)
    lab.nodes_behind("small", 80, "node-0", "node-1", "node-2")


def case_annotations_of_the_resource_group(lab):
    # A group is made over the native wire, of which a recording knows nothing.
    team, other = (lab.server.post("/v1/resource-groups", name=name)["id"] for name in ("team", "other"))
    lab.service("grouped", 80, annotations={"resource-group-id": team})
    balancer = has(lab, "grouped", ResourceGroupId=team)
    listed = lab.cloud.ask("slb", "DescribeLoadBalancers", ResourceGroupId=team)["LoadBalancers"]["LoadBalancer"]
    assert [one["LoadBalancerId"] for one in listed] == [balancer], listed
    lab.annotate("grouped", {"resource-group-id": other})
    lab.told("grouped", "can not change ResourceGroupId once created")
    lab.applied("grouped", {"resource-group-id": None})
    has(lab, "grouped", ResourceGroupId=team)
    gone(lab, "grouped")


def case_a_server_that_is_killed_loses_nothing_and_makes_nothing_twice(lab):
    ports = [*range(8000, 8012)]
    address = lab.address("small")
    # From the third listener on the server is still at work when it is killed; a new process has no faults.
    lab.server.fault(kind="delay", milliseconds=30_000, action="CreateLoadBalancerTCPListener", skip=2)
    lab.service("large", *ports)

    def begun():
        balancer = lab.balancers("large")[0]["LoadBalancerId"]
        return len(lab.listeners(balancer)) >= 2 and balancer
    balancer = until(begun, "two listeners of the Service large")
    lab.server.kill()
    lab.server.start()
    there = set(lab.listeners(balancer))
    assert 2 <= len(there) < len(ports), f"it was killed in the middle, with {len(there)} of {len(ports)} listeners"
    for port in ports:
        lab.nodes_behind("large", port, "node-0", "node-1", "node-2")
    assert {one["Status"] for one in lab.listeners(balancer).values()} == {"running"}
    assert [one["LoadBalancerId"] for one in lab.balancers("large")] == [balancer]
    groups = lab.cloud.ask("slb", "DescribeVServerGroups", LoadBalancerId=balancer)["VServerGroups"]["VServerGroup"]
    assert len(groups) == len(ports), groups
    assert lab.cloud.ask("slb", "DescribeLoadBalancers")["TotalCount"] == 2 and lab.address("small") == address
    assert len(lab.routes()) == 3, lab.routes()


def case_all_of_it_goes_there_too(lab):
    gone(lab, "small", "large")
    assert lab.cloud.ask("slb", "DescribeLoadBalancers")["TotalCount"] == 0
