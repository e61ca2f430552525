"""A network rendered into namespaces of this kernel: routing tables and rules for the VPCs, nftables for security groups,
network ACLs and address translation."""

import json
import os
import pathlib
import re
import subprocess
import sys

from network import INTERNET, PEER, PORTS, WAN

AGENT = pathlib.Path(__file__).with_name("agent.py")
GATEWAY = "169.254.1.1"
# What a router takes for the other end of the way to the internet, and to the other VPC.
BEYOND = {WAN: "169.254.2.2", PEER: "169.254.3.2"}
# Where elastic IP addresses are, and the table for what comes into a VPC from outside.
PUBLIC, INWARD, FROM_EXPOSED = "198.18.0.0/15", 200, 300
SETTINGS = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
            "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0",
            "net.ipv4.ping_group_range=0 2147483647"]


def run(*words, stdin=None):
    done = subprocess.run(words, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}\n{stdin or ''}")
    return done.stdout


class Namespaces:
    def __init__(self, network):
        self.network = network
        self.sources = [*network.hosts, network.outside]
        self.names = {host.name: f"cn{os.getpid()}-{host.name}" for host in self.sources}
        self.routers = [f"cn{os.getpid()}-router{number}" for number, _ in enumerate(network.vpcs)]
        self.agents = {}

    def __enter__(self):
        try:
            for name in [*self.routers, *self.names.values()]:
                run("ip", "netns", "add", name)
                run("ip", "netns", "exec", name, "sysctl", "-q", "-w", *SETTINGS)
                run("ip", "-n", name, "link", "set", "lo", "up")
            self.connect_internet()
            if len(self.network.vpcs) > 1:
                self.connect_routers()
            for vpc, router in zip(self.network.vpcs, self.routers):
                for number, host in enumerate(vpc.hosts):
                    self.connect_host(router, vpc, number, host)
                self.render_routes(router, vpc)
                run("ip", "netns", "exec", router, "nft", "-f", "-", stdin=acls_of(vpc))
                for host in vpc.hosts:
                    run("ip", "netns", "exec", self.names[host.name], "nft", "-f", "-", stdin=groups_of(host))
                    self.start_agent(host, [host.address, *vpc.behind(host)])
            run("ip", "netns", "exec", self.routers[0], "nft", "-f", "-", stdin=translation_of(self.network))
            self.start_agent(self.network.outside, [INTERNET])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for agent in self.agents.values():
            agent.stdin.close()
            agent.wait(10)
        for name in [*self.routers, *self.names.values()]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def connect_internet(self):
        """A wire between the router of the first VPC and a host on the internet, which sends public addresses back there."""
        inside, outside = "02:00:00:00:03:01", "02:00:00:00:03:02"
        router, name = self.routers[0], self.names[WAN]
        lines = [f"link add {WAN} address {inside} type veth peer name eth0 netns {name} address {outside}",
                 f"link set {WAN} up", f"neigh replace {BEYOND[WAN]} lladdr {outside} dev {WAN} nud permanent"]
        run("ip", "-n", router, "-batch", "-", stdin="\n".join(lines) + "\n")
        lines = ["link set eth0 up", f"addr add {INTERNET}/32 dev eth0",
                 f"neigh replace {GATEWAY} lladdr {inside} dev eth0 nud permanent",
                 f"route add {GATEWAY} dev eth0 scope link", f"route add {PUBLIC} via {GATEWAY} src {INTERNET}"]
        run("ip", "-n", name, "-batch", "-", stdin="\n".join(lines) + "\n")

    def connect_routers(self):
        """The wire that a peering connection is."""
        ends = ["02:00:00:00:04:01", "02:00:00:00:04:02"]
        first, second = self.routers
        run("ip", "-n", first, "link", "add", PEER, "address", ends[0], "type", "veth", "peer", "name", PEER, "netns", second,
            "address", ends[1])
        for router, other in ((first, ends[1]), (second, ends[0])):
            lines = [f"link set {PEER} up", f"neigh replace {BEYOND[PEER]} lladdr {other} dev {PEER} nud permanent"]
            run("ip", "-n", router, "-batch", "-", stdin="\n".join(lines) + "\n")

    def connect_host(self, router, vpc, number, host):
        """A wire between a host and the router, with neighbours that need not be asked for."""
        inside, outside = f"02:00:00:00:01:{number:02x}", f"02:00:00:00:02:{number:02x}"
        name = self.names[host.name]
        lines = [f"link add {host.name} address {outside} type veth peer name eth0 netns {name} address {inside}",
                 f"link set {host.name} up",
                 f"neigh replace {host.address} lladdr {inside} dev {host.name} nud permanent"]
        run("ip", "-n", router, "-batch", "-", stdin="\n".join(lines) + "\n")
        lines = ["link set eth0 up", f"addr add {host.address}/32 dev eth0",
                 f"neigh replace {GATEWAY} lladdr {outside} dev eth0 nud permanent",
                 f"route add {GATEWAY} dev eth0 scope link", f"route add default via {GATEWAY} src {host.address}"]
        lines += [f"addr add {address}/32 dev lo" for address in vpc.behind(host)]
        run("ip", "-n", name, "-batch", "-", stdin="\n".join(lines) + "\n")

    def render_routes(self, router, vpc):
        """A table for each of the VPC's, one like it for its hosts with elastic IP addresses of their own, for which the
        internet comes before any default route, and one without routes for what comes from outside."""
        lines = self.render_table(vpc, INWARD, {})
        for table in vpc.tables:
            lines += self.render_table(vpc, table.number, table.entries)
            exposed = {**table.entries, "0.0.0.0/0": WAN}
            lines += self.render_table(vpc, FROM_EXPOSED + table.number, exposed) if any(h.eip for h in vpc.hosts) else []
        for host in vpc.hosts:
            lines.append(f"rule add iif {host.name} lookup {host.switch.table.number + (FROM_EXPOSED if host.eip else 0)}")
        ways = ([WAN] if vpc is self.network.vpcs[0] else []) + ([PEER] if len(self.network.vpcs) > 1 else [])
        lines += [f"rule add iif {way} lookup {INWARD}" for way in ways]
        run("ip", "-n", router, "-batch", "-", stdin="\n".join(lines) + "\n")

    @staticmethod
    def render_table(vpc, number, entries):
        lines = [] if "0.0.0.0/0" in entries else [f"route add blackhole default table {number}"]
        lines += [f"route add blackhole {switch.block} table {number}" for switch in vpc.switches]
        lines += [f"route add {host.address}/32 dev {host.name} table {number}" for host in vpc.hosts]
        for block, hop in entries.items():
            via, device = (BEYOND[hop], hop) if isinstance(hop, str) else (hop.address, hop.name)
            lines.append(f"route add {block} via {via} dev {device} onlink table {number}")
        return lines

    def start_agent(self, host, addresses):
        command = ["ip", "netns", "exec", self.names[host.name], sys.executable, str(AGENT),
                   json.dumps({"addresses": addresses, "ports": PORTS})]
        agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.agents[host.name] = agent
        if agent.stdout.readline() != "ready\n":
            raise RuntimeError(f"the agent of {host.name} did not start")

    def connect(self, flows):
        """Whether each flow connects. All hosts try at once."""
        for host in self.sources:
            own = [(flow.protocol, flow.address, flow.port, flow.source_port) for flow in flows if flow.source is host]
            self.agents[host.name].stdin.write(json.dumps({"source": host.address, "flows": own}) + "\n")
            self.agents[host.name].stdin.flush()
        answers = {name: iter(json.loads(agent.stdout.readline())) for name, agent in self.agents.items()}
        return [next(answers[flow.source.name]) for flow in flows]

    def routes(self, flows):
        """The host that each flow is routed to first, or "local" for an address of the VPC, as far as there is a route."""
        chosen = {}
        for number, (vpc, router) in enumerate(zip(self.network.vpcs, self.routers)):
            asked = "".join(f"route get {flow.address} from {flow.source.address} iif {flow.source.name}\n"
                            for flow in flows if flow.source in vpc.hosts)
            out = subprocess.run(["ip", "-n", router, "-force", "-batch", "-"], input=asked, capture_output=True, text=True)
            for line in out.stdout.splitlines():
                found = re.match(r"(\S+) from (\S+) (via \S+ )?dev (\S+)", line)
                if found:
                    address, source, via, device = found.groups()
                    chosen[number, address, source] = device if via else "local"
        vpcs = [next((n for n, vpc in enumerate(self.network.vpcs) if flow.source in vpc.hosts), None) for flow in flows]
        return [chosen.get((n, flow.address, flow.source.address), self.unrouted(flow)) for n, flow in zip(vpcs, flows)]

    def unrouted(self, flow):
        """A vSwitch's address that nobody has is routed inside the VPC, where a packet for it ends."""
        return "local" if flow.address.startswith("10.0.") else None


def groups_of(host):
    """The security groups of a host as rules of nftables. A chain of theirs returns what may pass."""
    lines = ["table inet groups {"]
    for direction, side in (("ingress", "saddr"), ("egress", "daddr")):
        lines.append(f"  chain {direction} {{")
        members = sorted({member.address for group in host.groups if group.inner for member in group.members})
        if members:
            lines.append(f"    ip {side} {{ {', '.join(members)} }} return")
        rules = [rule for group in host.groups for rule in group.rules if rule.direction == direction]
        for rule in sorted(rules, key=lambda rule: (rule.priority, rule.policy != "drop")):
            lines += [f"    {line}" for line in [rule_line(rule, side)] if line]
        usual = "return" if direction == "egress" and not host.groups[0].enterprise else "drop"
        lines += [f"    {usual}", "  }"]
    known = "ct state established,related accept"
    for hook, own, jumps in (("input", "iifname", ["ingress"]), ("output", "oifname", ["egress"]),
                             ("forward", None, ["ingress", "egress"])):
        lines += [f"  chain {hook} {{", f"    type filter hook {hook} priority 0; policy accept;"]
        lines += [f'    {own} "lo" accept'] if own else []
        lines += [f"    {known}"] + [f"    jump {chain}" for chain in jumps] + ["  }"]
    return "\n".join(lines + ["}"]) + "\n"


def translation_of(network):
    """What elastic IP addresses and the NAT gateway of the first VPC translate, as rules of its router.

    A public address becomes a private one where a packet comes in, and the other way round where one leaves; connection
    tracking takes the answers back. What leaves untranslated has no way to the internet."""
    vpc = network.vpcs[0]
    inward, outward = [], []
    for host in vpc.hosts:
        if host.eip:
            inward.append(f"ip daddr {host.eip} dnat to {host.address}")
            outward.append(f"ip saddr {host.address} snat to {host.eip}")
    for address, protocol, port, host, inside in network.forwards():
        if protocol is None:
            inward.append(f"ip daddr {address} dnat to {host.address}")
            outward.append(f"ip saddr {host.address} snat to {address}")
        else:
            inward.append(f"ip daddr {address} {protocol} dport {port} dnat to {host.address}:{inside}")
    sources = vpc.gateway.sources if vpc.gateway else {}
    narrowest = sorted(sources, key=lambda block: -int(block.split("/")[1]))
    outward += [f"ip saddr {block} snat to {sources[block]}" for block in narrowest]
    lines = ["table ip translation {", "  chain inward {", "    type nat hook prerouting priority dstnat;"]
    lines += [f'    iifname "{WAN}" {rule}' for rule in inward]
    lines += ["  }", "  chain outward {", "    type nat hook postrouting priority srcnat;"]
    lines += [f'    oifname "{WAN}" {rule}' for rule in outward]
    lines += ["  }", "  chain untranslated {", "    type filter hook postrouting priority 300;"]
    lines += [f'    oifname "{WAN}" ct direction original ct status & snat == 0 drop', "  }", "}"]
    return "\n".join(lines) + "\n"


def acls_of(network):
    """The network ACLs as rules of the router: stateless, and only for what crosses the edge of a vSwitch."""
    chains, edges = [], []
    for number, switch in enumerate(network.switches):
        ports = ", ".join(f'"{host.name}"' for host in network.hosts if host.switch is switch)
        if switch.acl is None or not ports:
            continue
        for way, side, own, other in (("egress", "daddr", "iifname", "oifname"), ("ingress", "saddr", "oifname", "iifname")):
            lines = [f"    {rule_line(rule, side)}" for rule in switch.acl[way]] + ["    drop"]
            chains += [f"  chain {way}{number} {{", *lines, "  }"]
            edges.append((way, f"    {own} {{ {ports} }} {other} != {{ {ports} }} jump {way}{number}"))
    # A packet leaves one vSwitch before it enters another.
    edges = [line for _, line in sorted(edges)]
    head = ["  chain forward {", "    type filter hook forward priority 0; policy accept;", *edges, "  }"]
    return "\n".join(["table inet acls {", *chains, *head, "}"]) + "\n"


def rule_line(rule, side):
    if rule.group is not None:
        peers = sorted(member.address for member in rule.group.members)
        if not peers:
            return None
    else:
        peers = rule.prefixes or [rule.cidr]
    words = [] if peers == ["0.0.0.0/0"] else [f"ip {side} {{ {', '.join(peers)} }}"]
    if rule.protocol == "icmp":
        words.append("ip protocol icmp")
    elif rule.protocol != "all":
        words.append(f"{rule.protocol} dport {rule.ports[0]}-{rule.ports[1]}")
    return " ".join(words + ["drop" if rule.policy == "drop" else "return"])
