"""A network rendered into namespaces of this kernel: routing tables and rules for the VPC, nftables for security groups."""

import json
import os
import pathlib
import re
import subprocess
import sys

from network import PORTS

AGENT = pathlib.Path(__file__).with_name("agent.py")
GATEWAY = "169.254.1.1"
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
        self.names = {host.name: f"cn{os.getpid()}-{host.name}" for host in network.hosts}
        self.router = f"cn{os.getpid()}-router"
        self.agents = {}

    def __enter__(self):
        try:
            for name in [self.router, *self.names.values()]:
                run("ip", "netns", "add", name)
                run("ip", "netns", "exec", name, "sysctl", "-q", "-w", *SETTINGS)
                run("ip", "-n", name, "link", "set", "lo", "up")
            for number, host in enumerate(self.network.hosts):
                self.connect_host(number, host)
            self.render_routes()
            run("ip", "netns", "exec", self.router, "nft", "-f", "-", stdin=acls_of(self.network))
            for host in self.network.hosts:
                run("ip", "netns", "exec", self.names[host.name], "nft", "-f", "-", stdin=groups_of(host))
                self.start_agent(host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for agent in self.agents.values():
            agent.stdin.close()
            agent.wait(10)
        for name in [self.router, *self.names.values()]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def connect_host(self, number, host):
        """A wire between a host and the router, with neighbours that need not be asked for."""
        inside, outside = f"02:00:00:00:01:{number:02x}", f"02:00:00:00:02:{number:02x}"
        name = self.names[host.name]
        lines = [f"link add {host.name} address {outside} type veth peer name eth0 netns {name} address {inside}",
                 f"link set {host.name} up",
                 f"neigh replace {host.address} lladdr {inside} dev {host.name} nud permanent"]
        run("ip", "-n", self.router, "-batch", "-", stdin="\n".join(lines) + "\n")
        lines = ["link set eth0 up", f"addr add {host.address}/32 dev eth0",
                 f"neigh replace {GATEWAY} lladdr {outside} dev eth0 nud permanent",
                 f"route add {GATEWAY} dev eth0 scope link", f"route add default via {GATEWAY} src {host.address}"]
        lines += [f"addr add {address}/32 dev lo" for address in self.network.behind(host)]
        run("ip", "-n", name, "-batch", "-", stdin="\n".join(lines) + "\n")

    def render_routes(self):
        lines = []
        for table in self.network.tables:
            lines.append(f"route add blackhole default table {table.number}")
            lines += [f"route add blackhole {switch.block} table {table.number}" for switch in self.network.switches]
            lines += [f"route add {host.address}/32 dev {host.name} table {table.number}" for host in self.network.hosts]
            lines += [f"route add {block} via {host.address} dev {host.name} onlink table {table.number}"
                      for block, host in table.entries.items()]
        lines += [f"rule add iif {host.name} lookup {host.switch.table.number}" for host in self.network.hosts]
        run("ip", "-n", self.router, "-batch", "-", stdin="\n".join(lines) + "\n")

    def start_agent(self, host):
        addresses = [host.address, *self.network.behind(host)]
        command = ["ip", "netns", "exec", self.names[host.name], sys.executable, str(AGENT),
                   json.dumps({"addresses": addresses, "ports": PORTS})]
        agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.agents[host.name] = agent
        if agent.stdout.readline() != "ready\n":
            raise RuntimeError(f"the agent of {host.name} did not start")

    def connect(self, flows):
        """Whether each flow connects. All hosts try at once."""
        for host in self.network.hosts:
            own = [(flow.protocol, flow.address, flow.port, flow.source_port) for flow in flows if flow.source is host]
            self.agents[host.name].stdin.write(json.dumps({"source": host.address, "flows": own}) + "\n")
            self.agents[host.name].stdin.flush()
        answers = {name: iter(json.loads(agent.stdout.readline())) for name, agent in self.agents.items()}
        return [next(answers[flow.source.name]) for flow in flows]

    def routes(self, flows):
        """The host that each flow is routed to first, or "local" for an address of the VPC, as far as there is a route."""
        asked = "".join(f"route get {flow.address} from {flow.source.address} iif {flow.source.name}\n" for flow in flows)
        out = subprocess.run(["ip", "-n", self.router, "-force", "-batch", "-"], input=asked, capture_output=True, text=True)
        chosen = {}
        for line in out.stdout.splitlines():
            found = re.match(r"(\S+) from (\S+) (via \S+ )?dev (\S+)", line)
            if found:
                address, source, via, device = found.groups()
                chosen[address, source] = device if via else "local"
        return [chosen.get((flow.address, flow.source.address), self.unrouted(flow)) for flow in flows]

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
