"""Creations and lists of network interfaces in cloudnet and in moto, side by side.

Both are asked by the same client: one kept connection and prepared requests of the provider's own protocol, without a
library of either provider in between. A step that would take longer than its share of time is cut off and said to be.
"""

import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

SIZES = [10, 1_000, 5_000]
SAMPLES = 200
SECONDS = 120


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Service:
    """A server process and one connection to it."""

    def __init__(self, command, port, env=None):
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env={**os.environ, **(env or {})})
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        until = time.monotonic() + 60
        while True:
            try:
                self.connection.connect()
                break
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    sys.exit(f"{command[0]} does not answer")
                time.sleep(0.05)

    def call(self, action, **params):
        body = urllib.parse.urlencode({"Action": action, **self.common, **params})
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self.headers}
        self.connection.request("POST", "/", body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            sys.exit(f"{type(self).__name__}: {action} answered {answer.status}: {text[:500]}")
        return text

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Cloudnet(Service):
    headers = {}

    def __init__(self, program, home):
        port = free_port()
        options = ["--provisioning", "instant", "--quotas", "lifted"]
        database = f"sqlite:{home}/cloudnet.db"
        super().__init__([program, "serve", "--listen", f"127.0.0.1:{port}", "--db", database, *options], port)
        self.common = {"Format": "JSON", "AccessKeyId": "bench", "RegionId": "cn-hangzhou"}
        until = time.monotonic() + 60
        while time.monotonic() < until:
            self.connection.request("GET", "/readyz")
            answer = self.connection.getresponse()
            answer.read()
            if answer.status == 200:
                break
        vpc = self.ask("2016-04-28", "CreateVpc", CidrBlock="10.0.0.0/8")["VpcId"]
        zone = "cn-hangzhou-k"
        self.vswitch = self.ask(
            "2016-04-28", "CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock="10.0.0.0/16"
        )["VSwitchId"]
        self.group = self.ask("2014-05-26", "CreateSecurityGroup", VpcId=vpc)["SecurityGroupId"]

    def ask(self, version, action, **params):
        return json.loads(self.call(action, Version=version, **params))

    def create(self):
        where = {"VSwitchId": self.vswitch, "SecurityGroupId": self.group}
        return self.ask("2014-05-26", "CreateNetworkInterface", **where)["NetworkInterfaceId"]

    def show(self, interface):
        where = {"NetworkInterfaceId.1": interface}
        return self.ask("2014-05-26", "DescribeNetworkInterfaces", **where)["TotalCount"]

    def list_all(self):
        count, token = 0, None
        while token != "":
            more = {"NextToken": token} if token else {}
            page = self.ask("2014-05-26", "DescribeNetworkInterfaces", MaxResults=500, **more)
            count += len(page["NetworkInterfaceSets"]["NetworkInterfaceSet"])
            token = page["NextToken"]
        return count


class Moto(Service):
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/ec2/aws4_request, "
        "SignedHeaders=host, Signature=bench"
    }

    def __init__(self, program):
        port = free_port()
        super().__init__([program, "-H", "127.0.0.1", "-p", str(port)], port)
        self.common = {"Version": "2016-11-15"}
        vpc = self.id_of("vpcId", self.call("CreateVpc", CidrBlock="10.0.0.0/16"))
        subnet = self.call("CreateSubnet", VpcId=vpc, CidrBlock="10.0.0.0/16")
        self.subnet = self.id_of("subnetId", subnet)
        group = self.call("CreateSecurityGroup", VpcId=vpc, GroupName="bench", GroupDescription="bench")
        self.group = self.id_of("groupId", group)

    @staticmethod
    def id_of(name, text):
        return re.search(f"<{name}>([^<]+)</{name}>", text)[1]

    def create(self):
        where = {"SubnetId": self.subnet, "SecurityGroupId.1": self.group}
        return self.id_of("networkInterfaceId", self.call("CreateNetworkInterface", **where))

    def show(self, interface):
        answer = self.call("DescribeNetworkInterfaces", **{"NetworkInterfaceId.1": interface})
        return answer.count("<networkInterfaceId>")

    def list_all(self):
        return self.call("DescribeNetworkInterfaces").count("<networkInterfaceId>")


def timed(work, most, seconds):
    """The median of up to `most` runs, in milliseconds, within so many seconds."""
    times, until = [], time.monotonic() + seconds
    while len(times) < most and (not times or time.monotonic() < until):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def measure(service):
    made = []
    for size in SIZES:
        until = time.monotonic() + SECONDS
        while len(made) < size and time.monotonic() < until:
            made.append(service.create())
        if len(made) < size:
            print(f"  {type(service).__name__:<10}{size:>6}  cut off at {len(made)} after {SECONDS} s")
            return
        list_all = timed(service.list_all, 5, SECONDS / 8)
        show = timed(lambda: service.show(made[len(made) // 2]), SAMPLES, SECONDS / 8)
        if service.list_all() != size:
            sys.exit(f"{type(service).__name__} lists another number of interfaces than {size}")
        before = len(made)
        create = timed(lambda: made.append(service.create()), min(SAMPLES, size), SECONDS / 8)
        made_now = len(made) - before
        print(
            f"  {type(service).__name__:<10}{size:>6}{create:>12.2f}{show:>12.2f}{list_all:>12.1f}"
            f"{service.memory_mib():>12.0f}    {made_now} creations",
            flush=True,
        )


def main():
    cloudnet, moto = sys.argv[1:3]
    print(f"  {'':<10}{'N':>6}{'create ms':>12}{'by id ms':>12}{'all ms':>12}{'MiB':>12}")
    with tempfile.TemporaryDirectory() as home:
        for make in (lambda: Cloudnet(cloudnet, home), lambda: Moto(moto)):
            service = make()
            try:
                measure(service)
            finally:
                service.stop()


main()
