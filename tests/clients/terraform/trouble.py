"""What goes wrong on the way, each on a server of its own: keys, a region, refusals, throttling, busy resources, a lost answer,
and a server that is killed in the middle of a stack.

The provider names the service's code or goes on by itself, as it does with the real one, and in the end the stack is there
once and whole.
"""

import json
import os
import pathlib
import subprocess
import threading
import time
import urllib.request

from stack import Stack

SMALL = pathlib.Path(__file__).resolve().parent / "small"
KEYS = (
    '[[credential]]\naccess_key_id = "LTAI5tPerson"\naccess_key_secret = "right"\naccount = "1000000000000001"\n'
    'bearer_token = "a-bearer-token"\n'
)


class Server:
    """A server beside the suite's own, on a port and over a database that it keeps when it is started again."""

    def __init__(self, home, *arguments):
        home.mkdir(parents=True)
        self.home, self.arguments, self.address = home, arguments, "127.0.0.1:0"
        self.start()

    def start(self):
        """Starts it, and waits until it answers."""
        ready = self.home / "ready.json"
        ready.unlink(missing_ok=True)
        command = [
            os.environ["CLOUDNET_BIN"], "serve", "--tls", "--listen", self.address, "--db", f"sqlite:{self.home}/cloudnet.db",
            "--ready-file", str(ready), *self.arguments,
        ]
        with (self.home / "log").open("a") as log:
            environment = {**os.environ, "CLOUDNET_STATE_DIR": str(self.home / "state")}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        end = time.monotonic() + 30
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < end, (self.home / "log").read_text()
            time.sleep(0.02)
        self.address = json.loads(ready.read_text())["address"]

    def kill(self):
        """Ends it at once: nothing is written any more, nobody is told."""
        self.process.kill()
        self.process.wait(30)

    def native(self, path, body=None):
        """What the native wire answers."""
        headers = {"content-type": "application/json", "authorization": "Bearer a-bearer-token"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}/v1/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def has(self, collection):
        """What it has of a kind."""
        return self.native(f"{collection}?page_size=1000")["items"]

    def codes(self):
        """The codes that it has answered over the provider wire."""
        return [each["code"] for each in self.native("requests?limit=10000&wire=provider")["items"] if each["code"]]

    def stack(self):
        """The small stack, to be made here."""
        stack = Stack(SMALL, self.home, self.address, self.home / "state" / "ca.pem")
        stack.prepare(stack.home)
        return stack


def apply(stack, *options):
    """Makes the stack; what terraform says is wrong."""
    done = stack.terraform(stack.home, "apply", "-json", "-auto-approve", "-var=step=0", *options)
    said = [json.loads(line).get("diagnostic", {}) for line in done.stdout.splitlines()]
    errors = " ".join(f"{each['summary']} {each.get('detail', '')}" for each in said if each.get("severity") == "error")
    assert (done.returncode == 0) == (errors == ""), (done.returncode, errors)
    return errors


def whole(server, stack, vswitches=1, *options):
    """The stack is there once, terraform knows all of it and has nothing to change, and it goes as it came."""
    assert len(server.has("vpcs")) == 1, server.has("vpcs")
    made = server.has("vswitches")
    assert sorted(each["cidr_block"] for each in made) == sorted(f"10.0.{n}.0/24" for n in range(vswitches)), made
    known = stack.addresses()
    assert {server.has("vpcs")[0]["id"], *(each["id"] for each in made)} == set(known.values()), known
    left = stack.plan("difference", stack.home, 0, *options)
    assert left and all(change["actions"] == ["no-op"] for change in left.values()), left
    stack.stream("destroy", stack.home, "apply", "-destroy", "-auto-approve", "-var=step=0")
    assert not stack.wrong(), stack.wrong()
    assert not server.has("vpcs") and not server.has("vswitches")


def wrong_key(home):
    keys = home / "keys.toml"
    home.mkdir(parents=True)
    keys.write_text(KEYS)
    server = Server(home / "server", "--credentials", str(keys))
    try:
        stack = server.stack()
        for key, secret, code in (
            ("LTAI5tStranger", "right", "InvalidAccessKeyId.NotFound"), ("LTAI5tPerson", "wrong", "SignatureDoesNotMatch"),
        ):
            stack.configure(stack.home, key=key, secret=secret)
            errors = apply(stack)
            assert code in errors, f"{key} with the {secret} secret: {errors}"
        assert not server.has("vpcs")
        stack.configure(stack.home, key="LTAI5tPerson", secret="right")
        assert apply(stack) == ""
        whole(server, stack)
    finally:
        server.kill()


def wrong_region(home):
    server = Server(home)
    try:
        stack = server.stack()
        stack.configure(stack.home, region="mars-north-1")
        errors = apply(stack)
        assert "InvalidRegionId.NotFound" in errors, errors
        stack.configure(stack.home)
        assert apply(stack) == ""
        whole(server, stack)
    finally:
        server.kill()


def refused(home):
    server = Server(home)
    try:
        stack = server.stack()
        errors = apply(stack, "-var=network=192.168")
        assert server.codes() and server.codes()[0] in errors, (server.codes(), errors)
        assert len(server.has("vpcs")) == 1 and not server.has("vswitches")
        assert apply(stack) == ""
        whole(server, stack)
    finally:
        server.kill()


def faulted(*faults, codes):
    """A case: with these faults, on which the provider goes on by itself."""
    def case(home):
        server = Server(home)
        try:
            stack = server.stack()
            for fault in faults:
                server.native("faults", {"count": 1, **fault})
            assert apply(stack) == ""
            assert sorted(server.codes()) == sorted(codes), server.codes()
            whole(server, stack)
        finally:
            server.kill()
    return case


def killed(home):
    server = Server(home)
    try:
        stack, vswitches = server.stack(), "-var=vswitches=20"
        errors = []
        builder = threading.Thread(target=lambda: errors.append(apply(stack, vswitches, "-parallelism=4")))
        builder.start()
        end = time.monotonic() + 120
        while len(server.has("vswitches")) < 6:
            assert builder.is_alive() and time.monotonic() < end, errors
            time.sleep(0.05)
        before = {each["id"] for each in server.has("vswitches")}
        server.kill()
        server.start()
        assert before <= {each["id"] for each in server.has("vswitches")}, "nothing that was shown is lost"
        builder.join(300)
        assert errors, "terraform has not ended"
        # A vSwitch whose answer was under way when the server was killed is there, and the provider, which makes another
        # token for its next try, is told that the block is in use, as by the real service. Whoever runs it imports that one.
        known = set(stack.addresses().values())
        for each in server.has("vswitches"):
            if each["id"] not in known:
                number = each["cidr_block"].split(".")[2]
                done = stack.terraform(
                    stack.home, "import", vswitches, "-var=step=0", f"alicloud_vswitch.main[{number}]", each["id"]
                )
                assert done.returncode == 0, done.stdout + done.stderr
        assert apply(stack, vswitches) == ""
        whole(server, stack, 20, vswitches)
    finally:
        server.kill()


# Who takes a home and raises what is wrong.
CASES = {
    "a wrong key and a wrong secret are named, and the right ones go on": wrong_key,
    "a wrong region is named": wrong_region,
    "a refused resource is named, and the rest of the stack is kept": refused,
    "throttled answers are tried again": faulted(
        {"kind": "throttling", "action": "CreateVpc"}, {"kind": "throttling", "action": "DescribeVpcAttribute"},
        {"kind": "throttling", "action": "CreateVSwitch"}, codes=["Throttling.User"] * 3,
    ),
    "busy answers are tried again": faulted(
        {"kind": "busy", "action": "CreateVpc", "code": "TaskConflict"},
        {"kind": "busy", "action": "CreateVSwitch", "code": "OperationConflict"},
        codes=["TaskConflict", "OperationConflict"],
    ),
    "a lost answer makes no second VPC": faulted({"kind": "lost_answer", "action": "CreateVpc"}, codes=[]),
    "a server that is killed in a stack loses nothing and makes nothing twice": killed,
}


def run(case, name, home, cases):
    """Runs a case and notes in `cases` what is wrong with it."""
    try:
        case(home)
        cases[name] = {}
    except Exception as error:  # noqa: BLE001, whatever it is, the case did not pass
        cases[name] = {"trouble": " ".join(f"{type(error).__name__} {error}".split())[:600]}
