"""A random network: what it is in cloudnet, and what it means by the provider's documents.

The meaning of security groups is written down here a second time, from the documents and not from cloudnet: the rules of all
groups together by priority, drop before accept, after what members of an inner group may do and before the default of the
kind.
"""

import dataclasses
import ipaddress

PORTS = (22, 80, 443)
FIRST_SOURCE_PORT = 40_000
# Addresses that only routes know: each /24 of them may be split by a /26.
OUTSIDE = [f"172.16.{third}.{low}" for third in range(3) for low in (9, 99)]
ZONE = "cn-hangzhou-k"
TYPE = "ecs.g7.xlarge"
IMAGE = "aliyun_3_x64_20G_alibase_20240528.vhd"


@dataclasses.dataclass
class Rule:
    direction: str
    protocol: str
    ports: tuple  # first and last, or None
    policy: str
    priority: int
    cidr: str = None
    group: "Group" = None
    prefixes: list = None


@dataclasses.dataclass
class Group:
    id: str
    enterprise: bool
    inner: bool
    rules: list
    members: list


@dataclasses.dataclass
class Switch:
    id: str
    block: str
    table: "Table"
    acl: dict = None  # direction: rules, if a network ACL is bound


@dataclasses.dataclass
class Table:
    id: str
    number: int
    entries: dict  # destination: host


@dataclasses.dataclass
class Host:
    name: str
    switch: Switch
    groups: list
    instance: str
    interface: str
    address: str


@dataclasses.dataclass(frozen=True)
class Flow:
    source: Host
    address: str
    protocol: str
    port: int
    source_port: int

    def __hash__(self):
        return id(self)

    def __str__(self):
        port = f":{self.port}" if self.port else ""
        return f"{self.source.name} {self.source.address} -> {self.protocol} {self.address}{port}"


class Network:
    def __init__(self, random, cloud):
        self.random, self.cloud = random, cloud
        vpc = cloud.post("/v1/vpcs", cidr_block="10.0.0.0/16")
        self.vpc = vpc["id"]
        self.tables = [Table(vpc["system_route_table_id"], 100, {})]
        for number in range(random.randint(0, 2)):
            made = cloud.post("/v1/route-tables", vpc_id=self.vpc, name=f"table-{number}")
            self.tables.append(Table(made["id"], 101 + number, {}))
        self.switches = [self.make_switch(n) for n in range(random.randint(2, 3))]
        self.groups = [self.make_group() for _ in range(random.randint(2, 4))]
        self.hosts = [self.make_host(n) for n in range(random.randint(4, 6))]
        # Half of the networks are open inside, so that what routes and network ACLs decide is seen.
        is_open = random.random() < 0.5
        for group in self.groups:
            if is_open:
                self.open_group(group)
            for _ in range(random.randint(0, 1 if is_open else 5)):
                self.add_rule(group)
        for _ in range(random.randint(1, 5)):
            self.add_route()
        for switch in self.switches:
            if random.random() < 0.7:
                self.bind_acl(switch)

    def make_switch(self, number):
        block = f"10.0.{number}.0/24"
        made = self.cloud.post("/v1/vswitches", vpc_id=self.vpc, zone_id=ZONE, cidr_block=block)
        table = self.random.choice(self.tables)
        if table is not self.tables[0]:
            self.cloud.send("PUT", f"/v1/route-tables/{table.id}/associations/{made['id']}")
        return Switch(made["id"], block, table)

    def make_group(self):
        enterprise = self.random.random() < 0.3
        kind = {"type": "enterprise"} if enterprise else {}
        made = self.cloud.post("/v1/security-groups", vpc_id=self.vpc, **kind)
        inner = not enterprise and self.random.random() < 0.5
        if not enterprise and not inner:
            self.cloud.send("PATCH", f"/v1/security-groups/{made['id']}", {"inner_access_policy": "Drop"})
        return Group(made["id"], enterprise, inner, [], [])

    def make_host(self, number):
        switch = self.random.choice(self.switches)
        first = self.random.choice(self.groups)
        alike = [group for group in self.groups if group.enterprise == first.enterprise and group is not first]
        groups = [first] + self.random.sample(alike, self.random.randint(0, min(1, len(alike))))
        made = self.cloud.post(
            "/v1/instances", instance_type=TYPE, image_id=IMAGE, vswitch_id=switch.id,
            security_group_ids=[group.id for group in groups], start=True)
        interface = self.cloud.send("GET", f"/v1/network-interfaces?instance_id={made['id']}")["items"][0]
        host = Host(f"h{number}", switch, groups, made["id"], interface["id"], interface["primary_ip_address"])
        for group in groups:
            group.members.append(host)
        return host

    def open_group(self, group):
        """Lets everything in and out that no other rule decides."""
        for direction in ("ingress", "egress"):
            body = {"protocol": "all", "port_range": "-1/-1", "peer_cidr": "0.0.0.0/0", "priority": 5}
            self.cloud.post(f"/v1/security-groups/{group.id}/rules", direction=direction, rules=[body])
            group.rules.append(Rule(direction, "all", None, "accept", 5, "0.0.0.0/0"))

    def add_rule(self, group):
        random = self.random
        direction = random.choice(["ingress", "egress"])
        protocol = random.choice(["tcp", "udp", "icmp", "all"])
        ports = None
        if protocol in ("tcp", "udp"):
            ports = random.choice([(80, 80), (22, 443), (1, 65535), (443, 500)])
        rule = Rule(direction, protocol, ports, random.choice(["accept", "accept", "drop"]), random.randint(1, 4))
        body = {"protocol": protocol, "policy": rule.policy, "priority": rule.priority,
                "port_range": "-1/-1" if ports is None else f"{ports[0]}/{ports[1]}"}
        basic = [other for other in self.groups if not other.enterprise]
        peer = random.choice(["cidr", "cidr", "group", "prefixes"])
        if peer == "group" and not group.enterprise and len(basic) > 1:
            rule.group = random.choice([other for other in basic if other is not group])
            body["peer_security_group_id"] = rule.group.id
        elif peer == "prefixes":
            rule.prefixes = random.sample(["10.0.0.0/25", "10.0.1.0/24", "10.0.2.0/28", "172.16.0.0/12"], 2)
            entries = [{"cidr": cidr} for cidr in rule.prefixes]
            made = self.cloud.post("/v1/prefix-lists", name="some", address_family="IPv4", max_entries=2, entries=entries)
            body["peer_prefix_list_id"] = made["id"]
        else:
            rule.cidr = random.choice(["0.0.0.0/0", "10.0.0.0/16", "10.0.1.0/24", "172.16.0.0/12"]
                                      + [f"{host.address}/32" for host in self.hosts])
            body["peer_cidr"] = rule.cidr
        self.cloud.post(f"/v1/security-groups/{group.id}/rules", direction=direction, rules=[body])
        group.rules.append(rule)

    def add_route(self):
        """A network behind a host, or a way past one: where its own table leads to itself, it has the network inside."""
        host, table = self.random.choice(self.hosts), self.random.choice(self.tables)
        third, length = self.random.randint(0, 2), self.random.choice([24, 26])
        destination = f"172.16.{third}.0/{length}"
        if destination in table.entries:
            return
        self.cloud.post("/v1/route-entries", route_table_id=table.id, destination=destination,
                        next_hop_type="NetworkInterface", next_hop_id=host.interface)
        table.entries[destination] = host

    def bind_acl(self, switch):
        """A network ACL with rules for some neighbours before it lets the rest through, or not."""
        made = self.cloud.post("/v1/network-acls", vpc_id=self.vpc)
        switch.acl = {way: self.acl_rules() for way in ("ingress", "egress")}
        bodies = {
            way: [{"protocol": rule.protocol, "policy": rule.policy, "cidr": rule.cidr,
                   "ports": "-1/-1" if rule.ports is None else f"{rule.ports[0]}/{rule.ports[1]}"} for rule in rules]
            for way, rules in switch.acl.items()
        }
        self.cloud.send("PUT", f"/v1/network-acls/{made['id']}/rules", bodies)
        self.cloud.send("PUT", f"/v1/network-acls/{made['id']}/associations/{switch.id}")

    def acl_rules(self):
        random, rules = self.random, []
        for _ in range(random.randint(0, 3)):
            protocol = random.choice(["tcp", "udp", "icmp", "all"])
            ports = random.choice([(80, 80), (22, 443), (1024, 65535)]) if protocol in ("tcp", "udp") else None
            cidr = random.choice(["10.0.0.0/16", "10.0.1.0/24", "172.16.0.0/12"] + [f"{host.address}/32" for host in self.hosts])
            rules.append(Rule(None, protocol, ports, random.choice(["accept", "drop"]), 0, cidr))
        if random.random() < 0.8:
            rules.append(Rule(None, "all", None, "accept", 0, "0.0.0.0/0"))
        return rules

    def behind(self, host):
        """The addresses inside a host: those for which the table of its own vSwitch leads to it."""
        return [address for address in OUTSIDE if self.next_hop(host.switch.table, address) is host]

    @staticmethod
    def next_hop(table, address):
        """The host that a table leads an address outside the vSwitches to, by the longest prefix."""
        address = ipaddress.ip_address(address)
        blocks = [(ipaddress.ip_network(block), host) for block, host in table.entries.items()]
        fits = [(block.prefixlen, host) for block, host in blocks if address in block]
        return max(fits, key=lambda fit: fit[0])[1] if fits else None

    def flows(self):
        """Every host to every host, and to an address of each network that a route knows, by each protocol."""
        addresses = [host.address for host in self.hosts]
        addresses += ["10.0.0.200"] + OUTSIDE
        protocols = [("tcp", port) for port in PORTS] + [("udp", port) for port in PORTS] + [("icmp", None)]
        wanted = [(host, address, *protocol) for host in self.hosts for address in addresses for protocol in protocols
                  if address != host.address]
        return [Flow(*flow, FIRST_SOURCE_PORT + number) for number, flow in enumerate(wanted)]

    def first_hop(self, trace):
        """The host to which the first route of a trace leads; "local" inside the VPC, None if no route was asked."""
        for step in trace["forward"]:
            if step["kind"] == "route":
                hop = step.get("next_hop_id")
                hosts = [host for host in self.hosts if hop in (host.interface, host.instance)]
                return hosts[0].name if hosts else "local"
        return None
