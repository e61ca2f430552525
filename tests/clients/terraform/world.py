"""What is left in the world, by the native wire."""

import json
import urllib.request

COLLECTIONS = (
    "vpcs", "vswitches", "route-tables", "security-groups", "network-interfaces", "instances", "network-acls", "eips",
    "nat-gateways", "load-balancers", "access-control-lists", "server-certificates", "ca-certificates", "cidr-reservations", "ha-vips",
    "ipv4-gateways", "ipv6-gateways", "vpc-peers", "prefix-lists",
)


def leftovers(url):
    """The ids of what still stands in the default region, which is that of the stacks."""
    found = []
    for collection in COLLECTIONS:
        with urllib.request.urlopen(f"{url}/v1/{collection}") as answer:
            found += [f"{collection} {item['id']}" for item in json.loads(answer.read())["items"]]
    return found
