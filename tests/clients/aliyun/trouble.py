"""What goes wrong on the way: wrong keys and regions, refusals, faults, a killed server. Each case has a server of its own."""

import threading

from command import Command
from server import KEY, SECRET, Server

ZONE = "cn-hangzhou-k"


def wrong_key(program, scratch):
    with Server(scratch / "strict", strict=True) as server:
        for key, secret, expected in (
            (KEY, SECRET, None),
            (KEY, "wrong", "SignatureDoesNotMatch"),
            ("LTAI5tStranger", SECRET, "InvalidAccessKeyId.NotFound"),
        ):
            aliyun = Command(program, scratch / f"home-{key}-{secret}", server.endpoint, key, secret)
            made, code = aliyun.run(["vpc", "CreateVpc"])
            assert code == expected, f"{key} with the {secret} secret: {code}, expected {expected}"
        right = Command(program, scratch / f"home-{KEY}-{SECRET}", server.endpoint, KEY, SECRET)
        shown, code = right.run(["vpc", "DescribeVpcs"])
        assert shown and shown["TotalCount"] == 1, f"of three calls one makes a VPC: {shown or code}"


def wrong_region(program, scratch):
    with Server(scratch / "region") as server:
        aliyun = Command(program, scratch / "home-region", server.endpoint)
        for action in ("CreateVpc", "DescribeVpcs"):
            _, code = aliyun.run(["vpc", action, "--region", "mars-north-1", "--RegionId", "mars-north-1"])
            assert code == "InvalidRegionId.NotFound", f"{action} said {code}"
        shown, code = aliyun.run(["vpc", "DescribeVpcs"])
        assert shown and shown["TotalCount"] == 0, f"there are {shown or code}"


def refused(program, scratch):
    with Server(scratch / "refused", "--provisioning", "instant") as server:
        aliyun = Command(program, scratch / "home-refused", server.endpoint)
        vpc, _ = aliyun.run(["vpc", "CreateVpc", "--CidrBlock", "10.0.0.0/16"])
        there = ["--VpcId", vpc["VpcId"], "--ZoneId", ZONE, "--CidrBlock"]
        _, code = aliyun.run(["vpc", "CreateVSwitch", *there, "192.168.0.0/24"])
        shown, _ = aliyun.run(["vpc", "DescribeVSwitches", "--VpcId", vpc["VpcId"]])
        assert code == "InvalidParameter" and shown["TotalCount"] == 0, f"it said {code}, and there are {shown}"
        made, code = aliyun.run(["vpc", "CreateVSwitch", *there, "10.0.0.0/24"])
        assert made, f"a block of the VPC: {code}"


def throttled(program, scratch):
    with Server(scratch / "throttling") as server:
        aliyun = Command(program, scratch / "home-throttled", server.endpoint)
        server.fault(kind="throttling", action="CreateVpc", count=1)
        _, first = aliyun.run(["vpc", "CreateVpc"])
        made, second = aliyun.run(["vpc", "CreateVpc"])
        assert first and first.startswith("Throttling"), f"it said {first}"
        assert made, f"and the second time {second}"


def busy(program, scratch):
    with Server(scratch / "busy") as server:
        aliyun = Command(program, scratch / "home-busy", server.endpoint)
        server.fault(kind="busy", action="CreateVpc", code="TaskConflict", count=1)
        _, first = aliyun.run(["vpc", "CreateVpc", "--ClientToken", "once"])
        made, second = aliyun.run(["vpc", "CreateVpc", "--ClientToken", "once"])
        again, _ = aliyun.run(["vpc", "CreateVpc", "--ClientToken", "once"])
        assert first == "TaskConflict", f"it said {first}"
        assert made and again and made["VpcId"] == again["VpcId"], f"then {second}, {made} and {again}"


def killed(program, scratch):
    with Server(scratch / "killed", "--provisioning", "instant") as server:
        aliyun = Command(program, scratch / "home-killed", server.endpoint)
        made, code = aliyun.run(["vpc", "CreateVpc", "--CidrBlock", "10.0.0.0/8", "--ClientToken", "once"])
        assert made, f"it said {code}"
        vpc, blocks = made["VpcId"], [f"10.0.{number}.0/24" for number in range(12)]
        there, broken, half = {}, [], threading.Event()

        def build():
            """Makes the stack. A command that got no answer is typed again with its token."""
            for number, block in enumerate(blocks):
                while block not in there:
                    parameters = ["--VpcId", vpc, "--ZoneId", ZONE, "--CidrBlock", block, "--ClientToken", f"switch-{number}"]
                    made, code = aliyun.run(["vpc", "CreateVSwitch", *parameters])
                    if made:
                        there[block] = made["VSwitchId"]
                    else:
                        broken.append(code)
                if number == 4:
                    half.set()

        builder = threading.Thread(target=build)
        builder.start()
        assert half.wait(60), f"it said {broken}"
        server.kill()
        before = dict(there)
        while not broken:
            builder.join(0.01)
        server.start()
        builder.join(120)
        assert not builder.is_alive() and before.items() <= there.items(), f"{before} became {there}"
        network = ("refused", "EOF", "reset")
        assert all(any(word in code for word in network) for code in broken), f"without a server it said {broken}"
        shown, code = aliyun.run(["vpc", "DescribeVSwitches", "--VpcId", vpc, "--PageSize", "50"])
        assert shown, f"it said {code}"
        found = {one["CidrBlock"]: one["VSwitchId"] for one in shown["VSwitches"]["VSwitch"]}
        assert shown["TotalCount"] == len(blocks) and found == there, f"{found} is there, {there} was told"


CASES = {
    "keys of a credentials file are believed, and no others": wrong_key,
    "a region that there is not is told": wrong_region,
    "a refused request leaves nothing": refused,
    "a throttled answer is told": throttled,
    "a busy answer is told, and the token makes one VPC": busy,
    "a server that is killed in a stack loses nothing and makes nothing twice": killed,
}
