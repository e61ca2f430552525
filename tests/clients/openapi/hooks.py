"""What schemathesis cannot know: texts of the formats that the document names."""

import ipaddress

import schemathesis
from hypothesis import strategies as st


@st.composite
def ipv4_networks(draw):
    """Networks in CIDR form without host bits, mostly of the sizes that a VPC takes."""
    mask = draw(st.integers(8, 29))
    address = draw(st.integers(0, 2**32 - 1))
    return str(ipaddress.ip_network((address >> (32 - mask) << (32 - mask), mask)))


schemathesis.openapi.format("ipv4-network", ipv4_networks() | st.sampled_from(["10.0.0.0/8", "10.0.1.0/24", "192.168.0.0/16"]))


@st.composite
def ipv6_networks(draw):
    """IPv6 networks in CIDR form without host bits."""
    mask = draw(st.integers(48, 64))
    address = draw(st.integers(0, 2**128 - 1))
    return str(ipaddress.ip_network((address >> (128 - mask) << (128 - mask), mask)))


schemathesis.openapi.format("ipv6-network", ipv6_networks())
schemathesis.openapi.format("ip-network", ipv4_networks() | ipv6_networks())
