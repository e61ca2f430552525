"""A random network: what it is in cloudnet, and what it means by the provider's documents.

The meaning of security groups is written down here a second time, from the documents and not from cloudnet: the rules of all
groups together by priority, drop before accept, after what members of an inner group may do and before the default of the
kind. So is that of peering and of address translation: what an elastic IP address stands for, which entry of a NAT gateway
takes a packet out or in, and that nothing goes on from one peered VPC to a third place.
"""

import dataclasses
import ipaddress

PORTS = (22, 80, 443)
FIRST_SOURCE_PORT = 40_000
# Addresses that only routes know: each /24 of them may be split by a /26.
OUTSIDE = [f"172.16.{third}.{low}" for third in range(3) for low in (9, 99)]
ZONE = "cn-hangzhou-k"
# A host on the internet, and what is put for the way to it and for the way to the other VPC where a host is a next hop.
INTERNET = "47.96.1.1"
WAN, PEER = "wan", "peer"
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
    entries: dict  # destination: host, WAN or PEER


@dataclasses.dataclass
class Host:
    name: str
    switch: Switch
    groups: list
    instance: str
    interface: str
    address: str
    eip: str = None  # the elastic IP address that stands for it


@dataclasses.dataclass
class Gateway:
    """A NAT gateway: who leaves by which address, and which ports lead where."""

    id: str
    sources: dict  # network: public address
    forwards: list  # public address, protocol, port, host, port there; without protocol and ports for everything


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


class Vpc:
    """A VPC with switches of some numbers and some hosts, whose names begin with a letter of its own."""

    def __init__(self, random, cloud, letter, numbers, hosts, is_open):
        self.random, self.cloud, self.letter = random, cloud, letter
        self.gateway = None
        vpc = cloud.post("/v1/vpcs", cidr_block="10.0.0.0/16")
        self.vpc = vpc["id"]
        self.tables = [Table(vpc["system_route_table_id"], 100, {})]
        for number in range(random.randint(0, 2)):
            made = cloud.post("/v1/route-tables", vpc_id=self.vpc, name=f"table-{number}")
            self.tables.append(Table(made["id"], 101 + number, {}))
        self.switches = [self.make_switch(n) for n in numbers]
        self.groups = [self.make_group() for _ in range(random.randint(2, 4))]
        self.hosts = [self.make_host(n) for n in range(hosts)]
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
        host = Host(f"{self.letter}{number}", switch, groups, made["id"], interface["id"], interface["primary_ip_address"])
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

    def expose(self, host):
        """Gives a host an elastic IP address of its own."""
        eip = self.cloud.post("/v1/eips")
        self.cloud.send("PUT", f"/v1/eips/{eip['id']}/binding",
                        {"target_id": host.instance, "target_type": "EcsInstance"})
        host.eip = eip["ip_address"]

    def make_gateway(self):
        """A NAT gateway with an address for each entry, and default routes to it in some tables."""
        random, cloud = self.random, self.cloud
        made = cloud.post("/v1/nat-gateways", vpc_id=self.vpc, vswitch_id=random.choice(self.switches).id)
        self.gateway = Gateway(made["id"], {}, [])
        # The gateway brings the system table a default route.
        self.tables[0].entries["0.0.0.0/0"] = WAN
        for table in self.tables[1:]:
            if random.random() < 0.7:
                cloud.post("/v1/route-entries", route_table_id=table.id, destination="0.0.0.0/0",
                           next_hop_type="NatGateway", next_hop_id=made["id"])
                table.entries["0.0.0.0/0"] = WAN
        blocks = ["10.0.0.0/16"] + [switch.block for switch in self.switches] + [f"{host.address}/32" for host in self.hosts]
        for block in random.sample(blocks, random.randint(1, 3)):
            address = self.gateway_address()
            cloud.post(f"/v1/nat-gateways/{made['id']}/snat-entries", source_cidr=block, snat_ips=[address])
            self.gateway.sources[block] = address
        targets = random.sample(self.hosts, min(3, len(self.hosts)))
        for number, host in enumerate(targets):
            if number == 0 and random.random() < 0.5:
                forward = (self.gateway_address(), None, None, host, None)
            else:
                protocol = random.choice(["tcp", "udp"])
                forward = (self.gateway_address(), protocol, random.choice(PORTS), host, random.choice(PORTS))
            self.add_forward(forward)

    def gateway_address(self):
        eip = self.cloud.post("/v1/eips")
        self.cloud.send("PUT", f"/v1/eips/{eip['id']}/binding", {"target_id": self.gateway.id, "target_type": "Nat"})
        return eip["ip_address"]

    def add_forward(self, forward):
        address, protocol, port, host, inside = forward
        self.cloud.post(
            f"/v1/nat-gateways/{self.gateway.id}/forward-entries", external_ip=address, internal_ip=host.address,
            external_port="any" if port is None else str(port), internal_port="any" if inside is None else str(inside),
            ip_protocol=protocol or "any")
        self.gateway.forwards.append(forward)

    def lead_to_peer(self, peer, destinations):
        """Some routes over a peering connection in every table; none into a vSwitch of the VPC."""
        wanted = [(table, destination) for table in self.tables
                  for destination in self.random.sample(destinations, self.random.randint(1, 3))]
        for table, destination in wanted:
            block = ipaddress.ip_network(destination)
            inside = any(block.subnet_of(ipaddress.ip_network(switch.block)) for switch in self.switches)
            if inside or destination in table.entries:
                continue
            self.cloud.post("/v1/route-entries", route_table_id=table.id, destination=destination,
                            next_hop_type="VpcPeer", next_hop_id=peer)
            table.entries[destination] = PEER

    @staticmethod
    def next_hop(table, address):
        """The host that a table leads an address outside the vSwitches to, by the longest prefix."""
        address = ipaddress.ip_address(address)
        blocks = [(ipaddress.ip_network(block), host) for block, host in table.entries.items()]
        fits = [(block.prefixlen, host) for block, host in blocks if address in block]
        return max(fits, key=lambda fit: fit[0])[1] if fits else None


class Network:
    """A VPC with ways to the internet, and often a second one behind a peering connection."""

    def __init__(self, random, cloud):
        self.random = random
        # Half of the networks are open inside, so that what routes and network ACLs decide is seen.
        is_open = random.random() < 0.5
        first = Vpc(random, cloud, "h", range(random.randint(2, 3)), random.randint(4, 6), is_open)
        self.vpcs = [first]
        if random.random() < 0.7:
            # A switch of the other VPC can have the block of one of the first.
            numbers = random.sample([1, 5, 6], 2)
            second = Vpc(random, cloud, "p", numbers, random.randint(2, 3), is_open)
            self.vpcs.append(second)
            peer = cloud.post("/v1/vpc-peers", vpc_id=first.vpc, accepting_vpc_id=second.vpc)["id"]
            there = ["10.0.5.0/24", "10.0.6.0/24", "10.0.0.0/16", "172.16.2.0/24"]
            first.lead_to_peer(peer, there)
            back = ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.0.0/16"]
            second.lead_to_peer(peer, back)
        if random.random() < 0.8:
            first.make_gateway()
        for host in random.sample(first.hosts, random.randint(0, 2)):
            # One to which a DNAT entry leads gets no address of its own.
            if not any(forward[3] is host for forward in self.forwards()):
                first.expose(host)
        self.outside = Host(WAN, None, [], None, None, INTERNET)

    @property
    def hosts(self):
        return [host for vpc in self.vpcs for host in vpc.hosts]

    def forwards(self):
        gateway = self.vpcs[0].gateway
        return gateway.forwards if gateway else []

    def public(self):
        """The public addresses of the network."""
        gateway = self.vpcs[0].gateway
        addresses = [host.eip for host in self.vpcs[0].hosts if host.eip]
        addresses += [forward[0] for forward in self.forwards()]
        return addresses + (list(gateway.sources.values()) if gateway else [])

    def flows(self):
        """Every host to every host, to an address of each network that a route knows, to the internet and to each public address,
        and the internet to each of those, by each protocol."""
        addresses = sorted({host.address for host in self.hosts}) + ["10.0.0.200", INTERNET] + OUTSIDE + self.public()
        protocols = [("tcp", port) for port in PORTS] + [("udp", port) for port in PORTS] + [("icmp", None)]
        wanted = [(host, address, *protocol) for host in self.hosts for address in addresses for protocol in protocols
                  if address not in (host.address, host.eip)]
        wanted += [(self.outside, address, *protocol) for address in self.public() for protocol in protocols]
        return [Flow(*flow, FIRST_SOURCE_PORT + number) for number, flow in enumerate(wanted)]

    def first_hop(self, trace):
        """The host, or the way out, to which the first route of a trace leads; "local" inside the VPC, None if no route was asked."""
        for step in trace["forward"]:
            if step["kind"] == "route":
                hop = step.get("next_hop_id")
                ways = {"NatGateway": WAN, "VpcPeer": PEER}
                if step.get("next_hop_type") in ways:
                    return ways[step["next_hop_type"]]
                hosts = [host for host in self.hosts if hop in (host.interface, host.instance)]
                return hosts[0].name if hosts else "local"
        return None
