"""Nodes, routes, and Services from their first address to their deletion."""

from control_plane import until
from lab import SERVICES, SLICES


def case_nodes_are_initialized(lab):
    for number in range(3):
        lab.node(f"node-{number}", f"10.0.1.1{number}", f"172.16.{number}.0/24", role="worker")
    for number in range(3):
        def initialized():
            node = lab.cluster.get(f"/api/v1/nodes/node-{number}")
            labels = node["metadata"]["labels"]
            return labels["topology.kubernetes.io/zone"] == "cn-hangzhou-k" and labels[
                "node.kubernetes.io/instance-type"] == "ecs.g7.xlarge" and not node["spec"].get("taints")
        until(initialized, f"node-{number} has its zone and type, and no taint")


def case_nodes_forward_for_others(lab):
    for name in ("node-0", "node-1", "node-2"):
        def unchecked():
            interfaces = lab.cloud.ask("ecs", "DescribeNetworkInterfaces", InstanceId=lab.instances[name])
            return not interfaces["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["SourceDestCheck"]
        until(unchecked, f"the interface of {name} has no source-destination check")


def case_the_pods_of_a_node_get_a_route(lab):
    wanted = {f"172.16.{number}.0/24": lab.instances[f"node-{number}"] for number in range(3)}
    until(lambda: lab.routes() == wanted, "the three routes")

    def available():
        conditions = lab.cluster.get("/api/v1/nodes/node-0")["status"]["conditions"]
        return any(one["type"] == "NetworkUnavailable" and one["status"] == "False" for one in conditions)
    until(available, "node-0 says that its network is there")


def case_a_node_that_comes_and_goes_takes_its_route_along(lab):
    lab.node("node-3", "10.0.1.13", "172.16.3.0/24")
    until(lambda: lab.routes().get("172.16.3.0/24") == lab.instances["node-3"], "the route of node-3")
    lab.cluster.delete("/api/v1/nodes/node-3")
    until(lambda: "172.16.3.0/24" not in lab.routes(), "the route of node-3 is gone")


def case_a_route_that_somebody_deleted_comes_back(lab):
    lab.cloud.ask(
        "vpc", "DeleteRouteEntry", RouteTableId=lab.table, DestinationCidrBlock="172.16.1.0/24",
        NextHopId=lab.instances["node-1"],
    )
    until(lambda: "172.16.1.0/24" in lab.routes(), "the route of node-1", seconds=150)


def case_a_service_gets_its_address(lab):
    lab.service("web", 80)
    address = lab.address("web")
    balancer = lab.balancer("web")
    assert balancer["Address"] == address and balancer["AddressType"] == "internet", balancer
    assert balancer["DeleteProtection"] == "on", balancer
    assert balancer["ModificationProtectionStatus"] == "ConsoleProtection", balancer


def case_it_has_a_listener_that_runs(lab):
    listeners = lab.listeners(lab.balancer("web")["LoadBalancerId"])
    assert set(listeners) == {80}, listeners
    assert listeners[80]["ListenerProtocol"] == "tcp" and listeners[80]["Status"] == "running", listeners[80]


def case_all_nodes_stand_behind_it(lab):
    lab.nodes_behind("web", 80, "node-0", "node-1", "node-2")


def case_the_cloud_probes_them(lab):
    balancer = lab.balancer("web")["LoadBalancerId"]

    def probed():
        health = lab.cloud.ask("slb", "DescribeHealthStatus", LoadBalancerId=balancer)["BackendServers"]["BackendServer"]
        seen = [one["ServerHealthStatus"] for one in health]
        assert len(seen) == 3 and set(seen) <= {"normal", "abnormal"}, health
        return True
    until(probed, "a verdict of each node")


def case_another_port_gets_another_listener(lab):
    service = lab.get("web")
    ports = service["spec"]["ports"] + [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 5353}]
    lab.cluster.patch(f"{SERVICES}/web", spec={"ports": ports})
    balancer = lab.balancer("web")["LoadBalancerId"]
    until(lambda: lab.listeners(balancer)[53]["ListenerProtocol"] == "udp", "the listener of UDP")
    lab.nodes_behind("web", 53, "node-0", "node-1", "node-2")


def case_another_node_port_reaches_the_backends(lab):
    service = lab.get("web")
    ports = [port | ({"nodePort": 31080} if port["port"] == 80 else {}) for port in service["spec"]["ports"]]
    lab.cluster.patch(f"{SERVICES}/web", spec={"ports": ports})
    lab.nodes_behind("web", 80, "node-0", "node-1", "node-2")
    balancer = lab.balancer("web")["LoadBalancerId"]
    assert {port for _, port, _ in lab.backends(balancer, 80)} == {31080}


def case_a_port_that_goes_takes_listener_and_group_along(lab):
    balancer = lab.balancer("web")["LoadBalancerId"]
    ports = [port for port in lab.get("web")["spec"]["ports"] if port["port"] == 80]
    lab.cluster.patch(f"{SERVICES}/web", spec={"ports": ports})
    until(lambda: set(lab.listeners(balancer)) == {80}, "one listener is left")

    def one_group():
        groups = lab.cloud.ask("slb", "DescribeVServerGroups", LoadBalancerId=balancer)["VServerGroups"]["VServerGroup"]
        return len(groups) == 1
    until(one_group, "one group of servers is left")


def case_a_node_that_goes_leaves_the_backends(lab):
    lab.node("node-3", "10.0.1.13", "172.16.3.0/24")
    lab.nodes_behind("web", 80, "node-0", "node-1", "node-2", "node-3")
    lab.cluster.delete("/api/v1/nodes/node-3")
    lab.nodes_behind("web", 80, "node-0", "node-1", "node-2")


def case_a_node_that_is_not_ready_leaves_the_backends(lab):
    status = "/api/v1/nodes/node-2/status"
    conditions = lab.cluster.get("/api/v1/nodes/node-2")["status"]["conditions"]
    broken = [one | ({"status": "False"} if one["type"] == "Ready" else {}) for one in conditions]
    lab.cluster.patch(status, status={"conditions": broken})
    lab.nodes_behind("web", 80, "node-0", "node-1")
    lab.cluster.patch(status, status={"conditions": conditions})
    lab.nodes_behind("web", 80, "node-0", "node-1", "node-2")


def case_local_traffic_reaches_only_nodes_with_pods(lab):
    lab.service("local", 80, externalTrafficPolicy="Local")
    lab.endpoints("local", ("172.16.0.5", "node-0"), ("172.16.0.6", "node-0"), ("172.16.1.5", "node-1"), ports=["tcp-80"])
    balancer = lab.balancer("local")["LoadBalancerId"]
    wanted = {lab.instances["node-0"], lab.instances["node-1"]}
    until(lambda: {server for server, _, _ in lab.backends(balancer, 80)} == wanted, "node-0 and node-1")


def case_pods_with_interfaces_stand_behind_it_themselves(lab):
    pod = lab.cloud.interface(
        lab.web, lab.group, **{"PrimaryIpAddress": "10.0.1.200", "PrivateIpAddress.1": "10.0.1.201"}
    )
    lab.cloud.ask("ecs", "AttachNetworkInterface", NetworkInterfaceId=pod, InstanceId=lab.instances["node-0"])
    until(lambda: lab.cloud.status_of_interface(pod) == "InUse", "the interface of the pods")
    lab.service("pods", 80, annotations={"service.beta.kubernetes.io/backend-type": "eni"})
    lab.endpoints("pods", ("10.0.1.200", "node-0"), ("10.0.1.201", "node-0"), ports=["tcp-80"])
    balancer = lab.balancer("pods")["LoadBalancerId"]

    def both():
        group = lab.listeners(balancer)[80]["VServerGroupId"]
        servers = lab.cloud.ask("slb", "DescribeVServerGroupAttribute", VServerGroupId=group)["BackendServers"]
        return sorted((one["ServerId"], one["ServerIp"], one["Port"], one["Type"]) for one in servers["BackendServer"]) == [
            (pod, "10.0.1.200", 8080, "eni"), (pod, "10.0.1.201", 8080, "eni")]
    until(both, "the interface with both addresses")


def case_fewer_pods_leave_the_backends(lab):
    balancer = lab.balancer("pods")["LoadBalancerId"]
    endpoints = lab.cluster.get(f"{SLICES}/pods-by-hand")["endpoints"][:1]
    lab.cluster.patch(f"{SLICES}/pods-by-hand", endpoints=endpoints)
    until(lambda: len(lab.backends(balancer, 80)) == 1, "one address is left")


def case_a_service_that_is_deleted_takes_all_along(lab):
    for name in ("web", "local", "pods"):
        balancer = lab.balancer(name)["LoadBalancerId"]
        lab.cluster.delete(f"{SERVICES}/{name}")
        until(lambda: not lab.cluster.has(f"{SERVICES}/{name}"), f"the Service {name} is gone")
        gone = lab.cloud.ask("slb", "DescribeLoadBalancers", LoadBalancerId=balancer)
        assert gone["TotalCount"] == 0, gone


def case_a_service_of_another_type_gives_its_load_balancer_back(lab):
    lab.service("changing", 80)
    balancer = lab.balancer("changing")["LoadBalancerId"]
    lab.cluster.patch(f"{SERVICES}/changing", spec={"type": "NodePort"})
    until(
        lambda: lab.cloud.ask("slb", "DescribeLoadBalancers", LoadBalancerId=balancer)["TotalCount"] == 0,
        "the load balancer is gone",
    )
    until(lambda: not lab.get("changing")["status"]["loadBalancer"], "the address is gone")
    lab.cluster.delete(f"{SERVICES}/changing")
