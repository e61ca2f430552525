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
