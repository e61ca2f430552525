"""A cluster with one node in a world of cloudnet, and Terway's control plane between the two."""

import json
import os
import subprocess
import time

from cloud import REGION
from control_plane import free_ports, until

NODES = "/apis/network.alibabacloud.com/v1beta1/nodes"
RUNTIMES = "/apis/network.alibabacloud.com/v1beta1/noderuntimes"
PODS = "/api/v1/namespaces/default/pods"


class Lab:
    """What the cases work with."""

    def __init__(self, cloud, cluster, programs, endpoint):
        self.cloud, self.cluster, self.endpoint = cloud, cluster, endpoint
        self.controller, self.command = programs
        self.vpc = cloud.vpc(CidrBlock="10.0.0.0/8", VpcName="cluster", EnableIpv6="true")
        self.vswitch = cloud.vswitch(self.vpc, "cn-hangzhou-k", "10.0.1.0/24", VSwitchName="pods", Ipv6CidrBlock="1")
        self.tight = cloud.vswitch(self.vpc, "cn-hangzhou-k", "10.0.2.0/29", VSwitchName="tight")
        self.group = cloud.group(self.vpc, "nodes")
        self.instances = {}

    def start(self, key=None, secret=None, region=REGION, **environment):
        """Starts the control plane, with the controllers that give pods their addresses."""
        settings = self.cluster.home / "ctrl-config.yaml"
        settings.write_text(json.dumps({
            "regionID": region, "clusterID": "the-cluster", "vpcID": self.vpc, "disableWebhook": True,
            "healthzBindAddress": f"127.0.0.1:{free_ports(1)[0]}", "metricsBindAddress": "0",
            "certDir": str(self.cluster.home / "webhook"), "leaderElection": False, "centralizedIPAM": True,
            "ipStack": "dual", "enableTrunk": False, "controllers": ["node", "multi-ip-node", "multi-ip-pod"],
            "multiIPGCPeriod": "2s",
        }))
        keys = self.cluster.home / "ctrl-secret.yaml"
        keys.write_text(json.dumps({
            "accessKey": key or self.cloud.key, "accessSecret": secret or self.cloud.secret
        }))
        self.cluster.start(
            "terway-controlplane", [self.controller, "-config", str(settings), "-credential", str(keys), "-v", "4"],
            **self.environment() | environment,
        )

    def stop(self):
        self.cluster.stop("terway-controlplane")

    def environment(self):
        return {
            "KUBECONFIG": str(self.cluster.kubeconfig), "ECS_ENDPOINT": self.endpoint, "VPC_ENDPOINT": self.endpoint,
            "ALICLOUD_CLIENT_SCHEME": "HTTP", "ALICLOUD_ENDPOINT_TYPE": "public", "ALICLOUD_ACCESS_KEY": self.cloud.key,
            "ALICLOUD_SECRET_KEY": self.cloud.secret, "REGION_ID": REGION, "NO_COLOR": "1",
        }

    def run(self, *words, **environment):
        """Runs terway-cli; what it printed."""
        done = self.say(*words, **environment)
        assert done.returncode == 0, f"terway-cli {' '.join(words)}: {done.returncode} {done.stdout} {done.stderr}"
        return done.stdout

    def refused(self, *words, **environment):
        """Runs terway-cli, which must fail; what it said."""
        done = self.say(*words, **environment)
        assert done.returncode != 0, f"terway-cli {' '.join(words)} was not refused: {done.stdout} {done.stderr}"
        return done.stdout + done.stderr

    def say(self, *words, **environment):
        return subprocess.run(
            [self.command, *words], env=os.environ | self.environment() | environment, capture_output=True, text=True,
            timeout=120, check=False,
        )

    def node(self, name, address):
        """An instance and its Node, as a kubelet registers it."""
        self.instances |= self.cloud.instances({name: address}, self.vswitch, self.group)
        self.cluster.new_node(name, self.instances[name], address, **{
            "topology.kubernetes.io/region": REGION, "topology.kubernetes.io/zone": "cn-hangzhou-k",
            "node.kubernetes.io/instance-type": "ecs.g7.xlarge",
        })

    def wants(self, name, pool=None, **eni):
        """Writes into Terway's Node what its daemon on the node would: how interfaces are to be."""
        self.cluster.patch(f"{NODES}/{name}", spec={
            "eni": {
                "vSwitchOptions": [self.vswitch], "securityGroupIDs": [self.group], "enableIPv4": True,
                "tag": {"creator": "terway"}, "vSwitchSelectPolicy": "ordered",
            } | eni,
            "pool": {"maxPoolSize": 0, "minPoolSize": 0, "poolSyncPeriod": "2s"} | (pool or {}),
            "flavor": [{"networkInterfaceType": "Secondary", "networkInterfaceTrafficMode": "Standard", "count": 2}],
        })

    def pods(self, node, *names):
        for name in names:
            self.cluster.post(
                PODS, apiVersion="v1", kind="Pod", metadata={"name": name},
                spec={"nodeName": node, "containers": [{"name": "main", "image": "pause"}]},
            )

    def remove(self, node, *names):
        """Deletes Pods, and tells that their networks are taken down as the daemon on their node would."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        told = {}
        for name in names:
            uid = self.cluster.get(f"{PODS}/{name}")["metadata"]["uid"]
            told[uid] = {"podID": f"default/{name}", "status": {"deleted": {"lastUpdateTime": now}}}
            self.cluster.delete(f"{PODS}/{name}?gracePeriodSeconds=0")
        if not self.cluster.has(f"{RUNTIMES}/{node}"):
            self.cluster.post(RUNTIMES, apiVersion="network.alibabacloud.com/v1beta1", kind="NodeRuntime",
                              metadata={"name": node})
        self.cluster.patch(f"{RUNTIMES}/{node}/status", status={"pods": told})

    def given(self, node):
        """The addresses that Terway's Node has for pods: (family, address) by pod."""
        found = {}
        for interface in self.cluster.get(f"{NODES}/{node}").get("status", {}).get("networkInterfaces", {}).values():
            for family in ("ipv4", "ipv6"):
                for address, one in interface.get(family, {}).items():
                    if one.get("podID"):
                        found.setdefault(one["podID"].split("/")[1], {})[family] = address
        return found

    def interfaces(self, node=None, **filters):
        """The secondary interfaces of the cloud, of one node or of all."""
        asked = {"VpcId": self.vpc, "Type": "Secondary"} | filters
        if node:
            asked["InstanceId"] = self.instances[node]
        return self.cloud.ask("ecs", "DescribeNetworkInterfaces", **asked)["NetworkInterfaceSets"]["NetworkInterfaceSet"]

    def addresses(self, node):
        """All IPv4 and IPv6 addresses of a node's secondary interfaces."""
        found = set()
        for one in self.interfaces(node):
            found |= {address["PrivateIpAddress"] for address in one["PrivateIpSets"]["PrivateIpSet"]}
            found |= {address["Ipv6Address"] for address in one["Ipv6Sets"]["Ipv6Set"]}
        return found

    def settled(self, node, *pods, families=("ipv4",)):
        """Waits until each of these pods has an address of each family that the cloud has on an interface of its node."""
        def look():
            given, there = self.given(node), self.addresses(node)
            assert set(pods) <= set(given), f"addresses for {sorted(given)} only"
            for pod in pods:
                assert set(families) <= set(given[pod]), f"{pod} has {given[pod]}"
                assert set(given[pod].values()) <= there, f"{pod} has {given[pod]}, the interfaces have {sorted(there)}"
            return given
        return until(look, f"{', '.join(pods)} on {node}")

    def warnings(self):
        """The last complaints of the control plane, for the line of a case that failed."""
        events = self.cluster.get("/api/v1/events?fieldSelector=type%3DWarning")["items"]
        return " | ".join(event.get("message") or event.get("note", "") for event in events[-2:])[-900:]
