"""A web tier as its owner makes it: two zones, an internet load balancer with all four kinds of listeners, forwarding rules."""

import json
import pathlib

from conftest import OTHER_ZONE, ZONE

CERTIFICATES = pathlib.Path(__file__).resolve().parents[2] / "data" / "certificates"
#: A client on the internet.
CLIENT = "47.96.1.1"
#: The listeners, as (port, protocol).
LISTENERS = [(80, "http"), (81, "tcp"), (443, "https"), (53, "udp"), (8080, "http"), (3306, "tcp")]


class WebTier:
    """A VPC with two zones, four instances, and a load balancer in front of them.

    `web` serves the shop in both zones, `cart` the shopping cart; of `database` one serves and the other waits. Time passes
    only by `advance`.
    """

    def __init__(self, cloud):
        self.cloud = cloud
        self.vpc = cloud.new_vpc()
        self.vswitches = [
            cloud.new_vswitch(self.vpc, "10.0.1.0/24", ZONE),
            cloud.new_vswitch(self.vpc, "10.0.2.0/24", OTHER_ZONE),
        ]
        self.group = cloud.new_group(self.vpc)
        # One of each in each zone.
        in_zones = [cloud.new_instances(vswitch, self.group, 3) for vswitch in self.vswitches]
        self.web, self.cart, self.database = (list(pair) for pair in zip(*in_zones, strict=True))
        self.lb = self.balancer()
        self.address = self.describe()["Address"]
        self.web_group = self.vserver_group("web", *((server, 8080) for server in self.web))
        self.cart_group = self.vserver_group("cart", *((server, 9090) for server in self.cart))
        self.pair = self.primary_secondary_group("database", *self.database)
        servers = [{"ServerId": server, "Weight": "100"} for server in self.web]
        self.call("AddBackendServers", BackendServers=json.dumps(servers))
        self.acl = cloud.slb("CreateAccessControlList", AclName="clients")["AclId"]
        entries = [{"entry": "47.96.0.0/16", "comment": "customers"}]
        cloud.slb("AddAccessControlListEntry", AclId=self.acl, AclEntrys=json.dumps(entries))
        self.certificate = cloud.slb("UploadServerCertificate", **self.pem("server"), ServerCertificateName="shop")[
            "ServerCertificateId"
        ]
        self.other_certificate = cloud.slb("UploadServerCertificate", **self.pem("server"), ServerCertificateName="pay")[
            "ServerCertificateId"
        ]
        self.listeners()
        self.extension = self.call(
            "CreateDomainExtension", ListenerPort=443, Domain="pay.example", ServerCertificateId=self.other_certificate
        )["DomainExtensionId"]
        self.rules = self.forwarding_rules()

    # What it is made of.

    def instance(self, vswitch, **parameters):
        return self.cloud.new_instance(vswitch, **{"group": self.group} | parameters)

    def balancer(self, **parameters):
        usual = dict(AddressType="internet", LoadBalancerSpec="slb.s1.small", LoadBalancerName="shop")
        usual |= dict(MasterZoneId=ZONE, SlaveZoneId=OTHER_ZONE)
        return self.cloud.slb("CreateLoadBalancer", **usual | parameters)["LoadBalancerId"]

    def vserver_group(self, name, *members):
        servers = [{"ServerId": server, "Port": port, "Weight": 100, "Type": "ecs"} for server, port in members]
        made = self.call("CreateVServerGroup", VServerGroupName=name, BackendServers=json.dumps(servers))
        return made["VServerGroupId"]

    def primary_secondary_group(self, name, primary, secondary):
        roles = [(primary, "Master"), (secondary, "Slave")]
        servers = [{"ServerId": server, "Port": 3306, "Weight": 100, "ServerType": role} for server, role in roles]
        made = self.call(
            "CreateMasterSlaveServerGroup", MasterSlaveServerGroupName=name, MasterSlaveBackendServers=json.dumps(servers)
        )
        return made["MasterSlaveServerGroupId"]

    @staticmethod
    def pem(name, key=None):
        text = lambda file: (CERTIFICATES / file).read_text()
        return {"ServerCertificate": text(f"{name}.pem"), "PrivateKey": text(f"{key or name}.key")}

    def listeners(self):
        common = dict(Bandwidth=-1, Scheduler="rr")
        check = dict(HealthCheck="on", HealthCheckURI="/healthz", HealthCheckTimeout=5, HealthCheckInterval=2)
        self.call("CreateLoadBalancerTCPListener", ListenerPort=81, VServerGroupId=self.web_group, **common)
        self.call("CreateLoadBalancerTCPListener", ListenerPort=3306, MasterSlaveServerGroupId=self.pair, Bandwidth=-1)
        self.call("CreateLoadBalancerUDPListener", ListenerPort=53, BackendServerPort=53, **common)
        session = dict(StickySession="on", StickySessionType="insert", CookieTimeout=60)
        self.call(
            "CreateLoadBalancerHTTPListener", ListenerPort=80, VServerGroupId=self.web_group, **common, **check, **session
        )
        access = dict(AclStatus="on", AclType="white", AclId=self.acl)
        self.call(
            "CreateLoadBalancerHTTPSListener",
            ListenerPort=443,
            BackendServerPort=8080,
            ServerCertificateId=self.certificate,
            StickySession="off",
            **common,
            **check,
            **access,
        )
        self.call("CreateLoadBalancerHTTPListener", ListenerPort=8080, HealthCheck="off", ListenerForward="on", ForwardPort=443)
        for port, protocol in LISTENERS:
            self.call("StartLoadBalancerListener", ListenerPort=port, ListenerProtocol=protocol)

    def forwarding_rules(self):
        """The rules of port 80, by name."""
        rules = [
            {"RuleName": "cart", "Domain": "shop.example", "Url": "/cart", "VServerGroupId": self.cart_group},
            {"RuleName": "any", "Domain": "*.shop.example", "VServerGroupId": self.web_group},
        ]
        made = self.call("CreateRules", ListenerPort=80, ListenerProtocol="http", RuleList=json.dumps(rules))
        return {rule["RuleName"]: rule["RuleId"] for rule in made["Rules"]["Rule"]}

    # What is asked of it.

    def call(self, action, **parameters):
        """Calls an action on the load balancer."""
        return self.cloud.slb(action, LoadBalancerId=self.lb, **parameters)

    def describe(self):
        return self.call("DescribeLoadBalancerAttribute")

    def health(self, port, protocol=None):
        """What DescribeHealthStatus says of a port: the word of each (server, port)."""
        parameters = {"ListenerProtocol": protocol} if protocol else {}
        shown = self.call("DescribeHealthStatus", ListenerPort=port, **parameters)["BackendServers"]["BackendServer"]
        return {(server["ServerId"], server["Port"]): server["ServerHealthStatus"] for server in shown}

    def advance(self, milliseconds):
        self.cloud.advance(milliseconds)

    def port(self, server, port, **told):
        """Tells how a TCP port of an instance answers."""
        answer = self.cloud.native(f"/v1/instances/{server}/ports/tcp/{port}", "PUT", json=told)
        assert answer.status_code == 200, answer.text

    def forget_port(self, server, port):
        """Lets a port answer as one does that nothing was told of."""
        answer = self.cloud.native(f"/v1/instances/{server}/ports/tcp/{port}", "DELETE")
        assert answer.status_code == 204, answer.text

    def traffic(self, port, protocol, **scenario):
        """How many connections of ten seconds each backend of a listener takes, and how many fail."""
        listener = {"load_balancer_id": self.lb, "port": port, "protocol": protocol}
        # From where the white list of port 443 lets them in.
        clients = {"number": 100, "rate": 20, "from": ["47.96.0.0/16"]}
        usual = {"seed": 1, "duration": "10s", "clients": clients, "of_world": listener}
        answer = self.cloud.native("/v1/traffic", "POST", json=usual | scenario)
        assert answer.status_code == 200, answer.text
        report = answer.json()
        return {backend["name"]: backend["taken"] for backend in report["backends"]}, report["failed"]

    def certificate_of(self, host):
        """The certificate that a client of port 443 sees who asks for a host by its name."""
        listeners = self.cloud.told("/v1/listeners", params={"load_balancer_id": self.lb, "protocol": "https"})["items"]
        pool = self.cloud.told(f"/v1/listeners/{listeners[0]['id']}/serving-pool", params={"host": host})
        return pool["server_certificate_id"]

    def trace(self, port, client=CLIENT, **flow):
        """What becomes of a packet from the internet: the word of its end, and the server that was chosen."""
        end, way = self.cloud.trace(self.address, port, source_address=client, **flow)
        chosen = [step["server_id"] for step in way if step["kind"] == "balanced"]
        return end, (chosen or [None])[0]
