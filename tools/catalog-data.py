#!/usr/bin/env python3
"""Derives the core's catalogue of instance types, regions and zones from the researched facts.

    tools/catalog-data.py --shared DIR           write the files
    tools/catalog-data.py --shared DIR --check   fail if a committed file would change

    sim-core/data/instance-types.json   [name, vCPUs, MiB, ENIs, IPv4 per ENI, IPv6 per ENI, ENIs with members, trunk]
    sim-core/data/zones.json            [region, code in ids, English name, zones]
"""

import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Region: the three characters that the provider puts behind the prefix of an id made there (vpc-bp1...), and the
# name that DescribeRegions gives in English. The codes are those of published ids; that of
# cn-fuzhou could not be checked.
REGIONS = {
    "ap-northeast-1": ("6we", "Japan (Tokyo)"),
    "ap-northeast-2": ("mj7", "South Korea (Seoul)"),
    "ap-south-1": ("a2d", "India (Mumbai)"),
    "ap-southeast-1": ("t4n", "Singapore"),
    "ap-southeast-2": ("p0w", "Australia (Sydney)"),
    "ap-southeast-3": ("8ps", "Malaysia (Kuala Lumpur)"),
    "ap-southeast-5": ("k1a", "Indonesia (Jakarta)"),
    "ap-southeast-6": ("5ts", "Philippines (Manila)"),
    "ap-southeast-7": ("0jo", "Thailand (Bangkok)"),
    "cn-beijing": ("2ze", "China (Beijing)"),
    "cn-chengdu": ("2vc", "China (Chengdu)"),
    "cn-fuzhou": ("gw0", "China (Fuzhou - Local Region)"),
    "cn-guangzhou": ("7xv", "China (Guangzhou)"),
    "cn-hangzhou": ("bp1", "China (Hangzhou)"),
    "cn-heyuan": ("f8z", "China (Heyuan)"),
    "cn-hongkong": ("j6c", "China (Hong Kong)"),
    "cn-huhehaote": ("hp3", "China (Hohhot)"),
    "cn-nanjing": ("gc7", "China (Nanjing - Local Region)"),
    "cn-qingdao": ("m5e", "China (Qingdao)"),
    "cn-shanghai": ("uf6", "China (Shanghai)"),
    "cn-shenzhen": ("wz9", "China (Shenzhen)"),
    "cn-wulanchabu": ("0jl", "China (Ulanqab)"),
    "cn-zhangjiakou": ("8vb", "China (Zhangjiakou)"),
    "eu-central-1": ("gw8", "Germany (Frankfurt)"),
    "eu-west-1": ("d7o", "UK (London)"),
    "me-central-1": ("l4v", "SAU (Riyadh - Partner Region)"),
    "me-east-1": ("eb3", "UAE (Dubai)"),
    "us-east-1": ("0xi", "US (Virginia)"),
    "us-west-1": ("rj9", "US (Silicon Valley)"),
}


def generation(name):
    """`ecs.g7ne.large` is of the 7th generation, `ecs.ebmhfg6...` of the 6th, `ecs.u1-c1m4...` of the 1st."""
    family = name.split(".")[1].split("-")[0]
    digits = re.search(r"\d+", family)
    return int(digits.group()) if digits else 0


def instance_types(reference):
    """Nulls by the documented fallbacks. A type whose vCPUs or memory no source has is left out: DescribeInstanceTypes
    must state both, and an invented size is worse than a type that cannot be found."""
    rows = []
    for entry in json.loads((reference / "instance-types.json").read_text())["types"]:
        if entry["vcpu"] is None or entry["memory_gib"] is None:
            print(f"left out, no size known: {entry['type']}", file=sys.stderr)
            continue
        memory_mib = entry["memory_gib"] * 1024
        if memory_mib != int(memory_mib):
            sys.exit(f"{entry['type']}: {entry['memory_gib']} GiB is no whole number of MiB")
        ipv6 = entry["ipv6_per_eni"]
        if ipv6 is None:
            ipv6 = entry["ipv4_per_eni"] if generation(entry["type"]) >= 7 else 1
        total = entry["eni"] if entry["eni_total"] is None else entry["eni_total"]
        rows.append([entry["type"], entry["vcpu"], int(memory_mib), entry["eni"], entry["ipv4_per_eni"], ipv6, total,
                     bool(entry["trunk"])])
    return sorted(rows)


def zone_id(region, zone):
    """In the source every zone is REGION-LETTER. Where the region ends in a number the provider writes no hyphen:
    `me-east-1a`, `ap-southeast-1a` (zone ids in the acceptance tests of terraform-provider-alicloud)."""
    letter = zone.removeprefix(region).lstrip("-")
    return f"{region}{letter}" if region[-1].isdigit() else f"{region}-{letter}"


def regions(reference):
    rows = []
    for entry in json.loads((reference / "zones.json").read_text())["regions"]:
        region = entry["id"]
        code, name = REGIONS[region]
        rows.append([region, code, name, sorted(zone_id(region, zone) for zone in entry["zones"])])
    if {row[0] for row in rows} != set(REGIONS) or len({row[1] for row in rows}) != len(rows):
        sys.exit("REGIONS must name each region of the source once, each with a code of its own")
    return sorted(rows)


def lines(rows):
    return "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", required=True, help="directory that holds reference/")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    reference = pathlib.Path(options.shared) / "reference"
    files = {"sim-core/data/instance-types.json": lines(instance_types(reference)),
             "sim-core/data/zones.json": lines(regions(reference))}
    stale = []
    for name, text in files.items():
        path = ROOT / name
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(name)
    if stale:
        sys.exit("out of date: " + ", ".join(stale))


if __name__ == "__main__":
    main()
