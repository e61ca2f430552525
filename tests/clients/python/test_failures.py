"""What goes wrong, and what a client sees of it: keys, regions, throttling, busy resources, lost answers, a killed server.

Each case has a server of its own, so that it can be killed and so that its faults strike nobody else.
"""

import json
import os
import subprocess
import threading
import time

import pytest
import requests
from sdk import GENERATIONS, Refused

ZONE = "cn-hangzhou-k"
KEYS = '[[credential]]\naccess_key_id = "own"\naccess_key_secret = "own-secret"\naccount = "1000000000000001"\n'


class Server:
    """A server of the case's own, on a port and over a database that it keeps when it is started again."""

    def __init__(self, files, *arguments):
        self._files, self._arguments, self._address = files, arguments, "127.0.0.1:0"
        self.start()

    def start(self):
        """Starts it, and waits until it answers."""
        ready = self._files / "ready.json"
        ready.unlink(missing_ok=True)
        arguments = ["--listen", self._address, "--db", f"sqlite:{self._files / 'cloudnet.db'}", "--ready-file", ready]
        with open(self._files / "log", "a") as log:
            command = [os.environ["CLOUDNET_BIN"], "serve", *arguments, *self._arguments]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while not ready.exists():
            assert self._process.poll() is None and time.monotonic() < end, (self._files / "log").read_text()
            time.sleep(0.02)
        self._address = json.loads(ready.read_text())["address"]

    def kill(self):
        """Ends it at once: nothing is written any more, nobody is told."""
        self._process.kill()
        self._process.wait(30)

    def client(self, generation, key="any", secret="any", **others):
        """An SDK that goes there."""
        return GENERATIONS[generation](self._address, key, secret, **others)

    def fault(self, **fault):
        """Injects a fault into the provider wire."""
        answer = requests.post(f"http://{self._address}/v1/faults", json=fault, timeout=30)
        assert answer.status_code == 201, answer.text


@pytest.fixture
def start(tmp_path):
    """Starts a server with these arguments."""
    servers = []

    def begin(*arguments):
        servers.append(Server(tmp_path, *arguments))
        return servers[-1]

    yield begin
    for server in servers:
        server.kill()


def again(call, *codes, tries=10):
    """Calls until it is answered well, as controllers do on these codes; the answer, and the codes that came before it."""
    met = []
    for _ in range(tries):
        try:
            return call(), met
        except Refused as refusal:
            assert refusal.code in codes, refusal
            met.append(refusal.code)
    raise AssertionError(f"still refused after {met}")


def test_a_wrong_key_is_named_and_the_right_one_goes_on(start, tmp_path, generation, refused):
    (tmp_path / "keys.toml").write_text(KEYS)
    server = start("--credentials", tmp_path / "keys.toml")
    refused("InvalidAccessKeyId.NotFound", 404, server.client(generation, "other", "own-secret").call, "vpc", "CreateVpc")
    # The older core knows by the string to sign that only the secret can be wrong.
    code = {"new": "SignatureDoesNotMatch", "old": "InvalidAccessKeySecret"}[generation]
    refused(code, 400, server.client(generation, "own", "wrong").call, "vpc", "CreateVpc")
    right = server.client(generation, "own", "own-secret")
    assert right.call("vpc", "DescribeVpcs")["TotalCount"] == 0
    right.call("vpc", "CreateVpc")
    assert right.call("vpc", "DescribeVpcs")["TotalCount"] == 1


def test_a_wrong_region_is_refused(start, generation):
    server = start()
    elsewhere = server.client(generation, region="mars-north-1")
    for call in (("vpc", "DescribeVpcs"), ("vpc", "CreateVpc"), ("ecs", "DescribeInstances")):
        with pytest.raises(Refused) as caught:
            elsewhere.call(*call)
        assert (caught.value.code, caught.value.status) == ("InvalidRegionId.NotFound", 404), caught.value
    assert server.client(generation).call("vpc", "DescribeVpcs")["TotalCount"] == 0


def test_a_refused_request_leaves_nothing(start, generation):
    client = start("--provisioning", "instant").client(generation)
    vpc = client.call("vpc", "CreateVpc", CidrBlock="10.0.0.0/16")["VpcId"]
    wrong = {"VpcId": vpc, "ZoneId": ZONE, "CidrBlock": "192.168.0.0/24"}
    with pytest.raises(Refused) as caught:
        client.call("vpc", "CreateVSwitch", **wrong)
    assert (caught.value.code, caught.value.status) == ("InvalidParameter", 400), caught.value
    assert client.call("vpc", "DescribeVSwitches", VpcId=vpc)["TotalCount"] == 0


@pytest.mark.parametrize("kind, code", [("throttling", "Throttling.User"), ("busy", "OperationConflict")])
def test_a_throttled_or_busy_call_is_made_once(start, generation, kind, code):
    server = start()
    client = server.client(generation)
    server.fault(kind=kind, action="CreateVpc", count=3)
    made, met = again(lambda: client.call("vpc", "CreateVpc", ClientToken=f"once-{kind}"), code)
    assert met == [code] * 3
    listed = client.call("vpc", "DescribeVpcs")
    assert [vpc["VpcId"] for vpc in listed["Vpcs"]["Vpc"]] == [made["VpcId"]]


def test_a_lost_answer_is_asked_for_again_with_its_token(start, generation):
    server = start()
    client = server.client(generation)
    server.fault(kind="lost_answer", action="CreateVpc", count=1)
    with pytest.raises(Exception) as caught:
        client.call("vpc", "CreateVpc", ClientToken="once")
    assert not isinstance(caught.value, Refused), caught.value
    made = client.call("vpc", "CreateVpc", ClientToken="once")["VpcId"]
    listed = client.call("vpc", "DescribeVpcs")
    assert [vpc["VpcId"] for vpc in listed["Vpcs"]["Vpc"]] == [made]


def test_a_server_that_is_killed_in_a_stack_loses_nothing_and_makes_nothing_twice(start, generation):
    server = start("--provisioning", "instant")
    client = server.client(generation)
    vpc = client.call("vpc", "CreateVpc", CidrBlock="10.0.0.0/8", ClientToken="net")["VpcId"]
    blocks = [f"10.0.{number}.0/24" for number in range(40)]
    made, broken, half = {}, [], threading.Event()

    def build():
        """Makes the stack. A call that got no answer is made again with its token, as a controller does."""
        for number, block in enumerate(blocks):
            while block not in made:
                try:
                    parameters = {"VpcId": vpc, "ZoneId": ZONE, "CidrBlock": block, "ClientToken": f"switch-{number}"}
                    made[block] = client.call("vpc", "CreateVSwitch", **parameters)["VSwitchId"]
                except Refused as refused:
                    # A server that reads its journal says that it is not there yet.
                    if refused.status != 503:
                        raise
                    time.sleep(0.05)
                except Exception as error:  # noqa: BLE001, each SDK has its own for a broken connection
                    broken.append(error)
                    time.sleep(0.05)
            if number == 10:
                half.set()

    builder = threading.Thread(target=build)
    builder.start()
    assert half.wait(30)
    server.kill()
    before = dict(made)
    while not broken:
        time.sleep(0.01)
    server.start()
    builder.join(60)
    assert not builder.is_alive()
    listed = client.call("vpc", "DescribeVSwitches", VpcId=vpc, PageSize=50)["VSwitches"]["VSwitch"]
    assert {switch["CidrBlock"]: switch["VSwitchId"] for switch in listed} == made
    assert len(listed) == len(blocks) and before.items() <= made.items()
    shown = client.call("vpc", "DescribeVpcAttribute", VpcId=vpc)
    assert sorted(shown["VSwitchIds"]["VSwitchId"]) == sorted(made.values())
