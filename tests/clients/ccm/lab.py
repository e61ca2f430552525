"""A cluster of three nodes in a world of cloudnet, and the controller between the two."""

import base64
import json
import urllib.parse

from cloud import REGION
from control_plane import until

ANNOTATION = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
UNINITIALIZED = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
SERVICES = "/api/v1/namespaces/default/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


class Lab:
    """What the cases work with."""

    def __init__(self, cloud, cluster, controller, endpoint):
        self.cloud, self.cluster, self.controller, self.endpoint = cloud, cluster, controller, endpoint
        self.vpc = cloud.vpc(CidrBlock="10.0.0.0/8", VpcName="cluster")
        self.web = cloud.vswitch(self.vpc, "cn-hangzhou-k", "10.0.1.0/24", VSwitchName="nodes")
        self.other = cloud.vswitch(self.vpc, "cn-hangzhou-j", "10.0.2.0/24", VSwitchName="balancers")
        self.group = cloud.group(self.vpc, "nodes")
        self.table = cloud.ask("vpc", "DescribeRouteTableList", VpcId=self.vpc)["RouterTableList"]["RouterTableListType"][0][
            "RouteTableId"]
        self.instances = cloud.instances(
            {f"node-{number}": f"10.0.1.1{number}" for number in range(4)}, self.web, self.group,
            **{"RamRoleName": "node-role", "Tag.1.Key": "ack.aliyun.com", "Tag.1.Value": "the-cluster"},
        )

    # The controller.

    def start(self, keys=True, key=None, secret=None, region=REGION, **environment):
        """Starts the controller: with keys in its configuration, or with those of the role of its instance."""
        settings = {"clusterID": "the-cluster"}
        if keys:
            own = (key or self.cloud.key, secret or self.cloud.secret)
            coded = [base64.b64encode(text.encode()).decode() for text in own]
            settings |= {
                "accessKeyID": coded[0], "accessKeySecret": coded[1], "region": region, "vpcid": self.vpc,
                "vswitchid": f"cn-hangzhou-k:{self.web}", "zoneid": "cn-hangzhou-k",
            }
        configuration = self.cluster.home / "cloud-config"
        configuration.write_text(json.dumps({"Global": settings}))
        endpoint = self.endpoint
        self.cluster.start(
            "ccm", [
                self.controller, "--cloud-config", str(configuration), "--controllers", "node,route,service",
                "--cluster-cidr", "172.16.0.0/16", "--leader-elect=false", "--metrics-bind-addr", "0",
                "--health-probe-bind-addr", "0", "--pprof-bind-addr", "0", "--route-reconciliation-period", "1m",
            ],
            **{
                "KUBECONFIG": str(self.cluster.kubeconfig), "ALICLOUD_CLIENT_SCHEME": "HTTP", "VPC_ENDPOINT": endpoint,
                "ECS_ENDPOINT": endpoint, "SLB_ENDPOINT": endpoint,
                "METADATA_ENDPOINT": f"http://{endpoint}/metadata/node-0",
            } | environment,
        )

    def stop(self):
        self.cluster.stop("ccm")

    # The cluster.

    def node(self, name, address, pods, **more):
        """A Node for the instance of that name, as a kubelet with an external cloud provider registers it."""
        self.cluster.new_node(name, self.instances[name], address, pods, [UNINITIALIZED], **more)

    def service(self, name, *ports, annotations=None, **spec):
        """A LoadBalancer Service; a port is (port, protocol) or a number of TCP."""
        ports = [port if isinstance(port, tuple) else (port, "TCP") for port in ports]
        self.cluster.post(
            SERVICES, apiVersion="v1", kind="Service", metadata={"name": name, "annotations": annotate(annotations or {})},
            spec={
                "type": "LoadBalancer", "selector": {"app": name},
                "ports": [
                    {"name": f"{protocol.lower()}-{port}", "port": port, "protocol": protocol, "targetPort": 8080}
                    for port, protocol in ports
                ],
            } | spec,
        )

    def endpoints(self, name, *pods, ports):
        """The EndpointSlice of a Service: pods as (address, node)."""
        self.cluster.post(
            SLICES, apiVersion="discovery.k8s.io/v1", kind="EndpointSlice", addressType="IPv4",
            metadata={"name": f"{name}-by-hand", "labels": {"kubernetes.io/service-name": name}},
            ports=[{"name": port, "port": 8080, "protocol": "TCP"} for port in ports],
            endpoints=[
                {"addresses": [address], "nodeName": node, "conditions": {"ready": True}} for address, node in pods
            ],
        )

    def annotate(self, name, annotations):
        """Changes annotations of a Service; None takes one away."""
        self.cluster.patch(f"{SERVICES}/{name}", metadata={"annotations": annotate(annotations)})

    def applied(self, name, annotations):
        """Changes annotations of a Service, and waits until the controller has done all that it makes of them."""
        def done():
            return self.get(name)["metadata"]["labels"]["service.beta.kubernetes.io/hash"]
        self.address(name)
        before = until(done, f"the Service {name} is made")
        self.annotate(name, annotations)
        until(lambda: done() != before, f"the Service {name} is changed")

    def told(self, name, words):
        """Waits until an event of a Service has these words."""
        def look():
            events = self.cluster.get("/api/v1/events")["items"]
            return any(words in event["message"] for event in events if event["involvedObject"]["name"] == name)
        until(look, f"an event of {name} with {words!r}")

    def get(self, name):
        return self.cluster.get(f"{SERVICES}/{name}")

    def address(self, name):
        """The address that the controller wrote into the status of a Service."""
        return until(
            lambda: self.get(name)["status"]["loadBalancer"]["ingress"][0]["ip"], f"the Service {name} gets an address"
        )

    def warnings(self):
        """The last complaints of the controller, for the line of a case that failed."""
        events = self.cluster.get("/api/v1/events?" + urllib.parse.urlencode({"fieldSelector": "type=Warning"}))["items"]
        return " | ".join(event["message"] for event in events[-2:])[-900:]

    # The cloud.

    def balancers(self, name):
        """The load balancers of a Service, found as the controller finds them."""
        tag = "a" + self.get(name)["metadata"]["uid"].replace("-", "")
        tags = json.dumps([{"TagKey": "kubernetes.do.not.delete", "TagValue": tag[:32]}])
        return self.cloud.ask("slb", "DescribeLoadBalancers", Tags=tags)["LoadBalancers"]["LoadBalancer"]

    def balancer(self, name):
        """All attributes of the load balancer of a Service, once it has an address."""
        self.address(name)
        (found,) = self.balancers(name)
        return self.cloud.ask("slb", "DescribeLoadBalancerAttribute", LoadBalancerId=found["LoadBalancerId"])

    def listeners(self, balancer):
        """Its listeners by port, with the settings of their protocol."""
        found = self.cloud.ask("slb", "DescribeLoadBalancerListeners", **{"LoadBalancerId.1": balancer})["Listeners"]
        return {
            listener["ListenerPort"]: listener | listener.get(f"{listener['ListenerProtocol'].upper()}ListenerConfig", {})
            for listener in found
        }

    def backends(self, balancer, port):
        """What stands behind a listener: (server, port, weight)."""
        group = self.listeners(balancer)[port]["VServerGroupId"]
        servers = self.cloud.ask("slb", "DescribeVServerGroupAttribute", VServerGroupId=group)["BackendServers"]
        return sorted((one["ServerId"], one["Port"], one["Weight"]) for one in servers["BackendServer"])

    def nodes_behind(self, name, port, *nodes, weight=100, balancer=None):
        """Waits until these nodes, and no others, stand behind a listener of a Service, at its node port."""
        (node_port,) = [one["nodePort"] for one in self.get(name)["spec"]["ports"] if one["port"] == port]
        wanted = sorted((self.instances[node], node_port, weight) for node in nodes)
        balancer = balancer or self.balancer(name)["LoadBalancerId"]
        until(lambda: self.backends(balancer, port) == wanted, f"behind {name}:{port} stand {', '.join(nodes)}")

    def routes(self):
        """The custom routes to instances, by block."""
        entries = self.cloud.ask(
            "vpc", "DescribeRouteEntryList", RouteTableId=self.table, RouteEntryType="Custom", NextHopType="Instance"
        )["RouteEntrys"]["RouteEntry"]
        return {entry["DestinationCidrBlock"]: entry["NextHops"]["NextHop"][0]["NextHopId"] for entry in entries}


def annotate(annotations):
    """Annotations by the part of their name that differs; a name with a slash is whole."""
    return {key if "/" in key else ANNOTATION + key: value for key, value in annotations.items()}
