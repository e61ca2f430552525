"""What goes wrong on the way: wrong keys, faults, a killed server."""

import json
import os
import subprocess
import time
import urllib.request

from command import Command


class Server:
    """A server beside the suite's own, with a database that outlives it."""

    def __init__(self, home, *arguments):
        home.mkdir(parents=True)
        self.home = home
        self.arguments = arguments
        self.start()

    def start(self, listen="127.0.0.1:0"):
        ready = self.home / "ready.json"
        ready.unlink(missing_ok=True)
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(
                [os.environ["CLOUDNET_BIN"], "serve", "--listen", listen, "--db", f"sqlite:{self.home}/cloudnet.db",
                 "--ready-file", str(ready), *self.arguments], stdout=log, stderr=log,
            )
        end = time.monotonic() + 30
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < end, (self.home / "log").read_text()
            time.sleep(0.02)
        self.url = json.loads(ready.read_text())["url"]
        self.endpoint = self.url.removeprefix("http://")

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def fault(self, **fault):
        """Sets a fault of the provider wire."""
        request = urllib.request.Request(
            f"{self.url}/v1/faults", json.dumps(fault).encode(), {"content-type": "application/json"}
        )
        urllib.request.urlopen(request).read()


def wrong_secret(program, scratch):
    keys = scratch / "keys.toml"
    keys.write_text(
        '[[credential]]\naccess_key_id = "LTAI5tPerson"\naccess_key_secret = "right"\naccount = "1000000000000007"\n'
        'bearer_token = "a-bearer-token"\n'
    )
    server = Server(scratch / "strict", "--credentials", str(keys))
    try:
        for key, secret, expected in (
            ("LTAI5tPerson", "right", None),
            ("LTAI5tPerson", "wrong", "SignatureDoesNotMatch"),
            ("LTAI5tStranger", "right", "InvalidAccessKeyId.NotFound"),
        ):
            aliyun = Command(program, scratch / f"home-{key}-{secret}", server.endpoint, key, secret)
            _, code = aliyun.run(["vpc", "DescribeVpcs"])
            assert code == expected, f"{key} with the {secret} secret: {code}, expected {expected}"
    finally:
        server.kill()


def throttled(program, scratch):
    server = Server(scratch / "throttling")
    try:
        aliyun = Command(program, scratch / "home-throttled", server.endpoint)
        server.fault(kind="throttling", action="CreateVpc", count=1)
        _, first = aliyun.run(["vpc", "CreateVpc"])
        made, second = aliyun.run(["vpc", "CreateVpc"])
        assert first and first.startswith("Throttling"), f"it said {first}"
        assert made, f"and the second time {second}"
    finally:
        server.kill()


def busy(program, scratch):
    server = Server(scratch / "busy")
    try:
        aliyun = Command(program, scratch / "home-busy", server.endpoint)
        server.fault(kind="busy", action="CreateVpc", code="TaskConflict", count=1)
        _, first = aliyun.run(["vpc", "CreateVpc", "--ClientToken", "once"])
        made, second = aliyun.run(["vpc", "CreateVpc", "--ClientToken", "once"])
        again, _ = aliyun.run(["vpc", "CreateVpc", "--ClientToken", "once"])
        assert first == "TaskConflict", f"it said {first}"
        assert made and again and made["VpcId"] == again["VpcId"], f"then {second}, {made} and {again}"
    finally:
        server.kill()


def killed(program, scratch):
    server = Server(scratch / "killed")
    try:
        aliyun = Command(program, scratch / "home-killed", server.endpoint)
        made, code = aliyun.run(["vpc", "CreateVpc", "--ClientToken", "once"])
        assert made, f"it said {code}"
        server.kill()
        _, code = aliyun.run(["vpc", "DescribeVpcs"])
        assert code and "refused" in code, f"without a server it said {code}"
        server.start(server.endpoint)
        again, code = aliyun.run(["vpc", "CreateVpc", "--ClientToken", "once"])
        shown, _ = aliyun.run(["vpc", "DescribeVpcs"])
        assert again and again["VpcId"] == made["VpcId"], f"the token made {again or code} after {made}"
        assert shown and shown["TotalCount"] == 1, f"there are {shown}"
    finally:
        server.kill()


CASES = {
    "keys of a credentials file are believed, and no others": wrong_secret,
    "a throttled answer is told": throttled,
    "a busy answer is told, and the token makes one VPC": busy,
    "a server that was killed has everything again": killed,
}
