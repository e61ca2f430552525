"""What every test shares: a client of each generation, the native wire, and one line for each case."""

import itertools
import json
import os
import time

import pytest
import requests
from sdk import GENERATIONS, Refused

ENDPOINT = os.environ["CLOUDNET_ENDPOINT"]
URL = os.environ["CLOUDNET_URL"]
ZONE = "cn-hangzhou-k"
OTHER_ZONE = "cn-hangzhou-b"
IMAGE = "aliyun_3_x64_20G_alibase_20240819.vhd"

_accounts = itertools.count(1_000_000_000_000_001)


def until(look, wanted, seconds=20):
    """Looks again, as a client polls, until the look gives `wanted`."""
    end = time.monotonic() + seconds
    while (seen := look()) != wanted:
        assert time.monotonic() < end, f"still {seen!r} after {seconds} s; wanted {wanted!r}"
        time.sleep(0.02)
    return seen


class Cloud:
    """One account, seen through one SDK. With `standing`, its world's clock is manual: time passes while something is awaited."""

    def __init__(self, generation, key, account=None, world=None, standing=False):
        self._sdk = GENERATIONS[generation](ENDPOINT, key)
        self.generation = generation
        self.account = account
        self.world = world
        self._standing = standing

    def other(self):
        """Another account, seen through the same SDK in the same world."""
        account = next(_accounts)
        return Cloud(self.generation, f"w-{self.world or 'default'}-a-{account}", account, self.world, self._standing)

    def call(self, product, action, **parameters):
        """Calls an action of a product that is called seldom."""
        return self._sdk.call(product, action, **parameters)

    def vpc(self, action, **parameters):
        """Calls an action of the product Vpc."""
        return self._sdk.call("vpc", action, **parameters)

    def ecs(self, action, **parameters):
        """Calls an action of the product Ecs."""
        return self._sdk.call("ecs", action, **parameters)

    def slb(self, action, **parameters):
        """Calls an action of the product Slb."""
        return self._sdk.call("slb", action, **parameters)

    def native(self, path, method="GET", **options):
        """Asks the native wire as the same account, in the same world."""
        chosen = {"Cloudnet-Account": self.account, "Cloudnet-World": self.world}
        headers = {name: str(value) for name, value in chosen.items() if value}
        return requests.request(method, URL + path, headers=headers | options.pop("headers", {}), timeout=30, **options)

    def told(self, path, method="GET", **options):
        """As `native`, of which a good answer is wanted; its content."""
        answer = self.native(path, method, **options)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def clock(self, word):
        """Tells the world how time passes."""
        self.told("/v1/clock", "PUT", json={"clock": word})

    def advance(self, milliseconds):
        """Lets time pass where the clock stands."""
        self.told("/v1/clock/advance", "POST", json={"milliseconds": milliseconds})

    def until(self, look, wanted):
        """As `until`; where the clock stands, time passes between two looks, and a minute is too long."""
        if not self._standing:
            return until(look, wanted)
        for _ in range(60):
            if (seen := look()) == wanted:
                return seen
            self.advance(1_000)
        raise AssertionError(f"still {seen!r} after a minute; wanted {wanted!r}")

    def trace(self, destination, port=80, **flow):
        """What becomes of a packet from an instance, an interface or an address: the word of its end, and its way there."""
        flow = {"destination": destination, "port": port} | flow
        (item,) = self.told("/v1/traces", "POST", json={"flows": [flow]})["items"]
        return item["end"]["kind"], item["forward"]

    # The things that most tests begin with, each ready for use.

    def new_vpc(self, **parameters):
        """A VPC that is Available; its id."""
        vpc = self.vpc("CreateVpc", **{"CidrBlock": "10.0.0.0/8"} | parameters)["VpcId"]
        self.until(lambda: self.vpc("DescribeVpcAttribute", VpcId=vpc)["Status"], "Available")
        return vpc

    def new_vswitch(self, vpc, block="10.0.1.0/24", zone=ZONE, **parameters):
        """A vSwitch that is Available; its id."""
        made = self.vpc("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=block, **parameters)["VSwitchId"]
        self.until(lambda: self.vpc("DescribeVSwitchAttributes", VSwitchId=made)["Status"], "Available")
        return made

    def new_group(self, vpc, **parameters):
        """A security group without rules; its id."""
        return self.ecs("CreateSecurityGroup", VpcId=vpc, **parameters)["SecurityGroupId"]

    def new_eni(self, vswitch, group, **parameters):
        """A network interface that is Available; its id."""
        made = self.ecs("CreateNetworkInterface", VSwitchId=vswitch, SecurityGroupId=group, **parameters)
        return made["NetworkInterfaceId"]

    def vswitch_count(self, vpc):
        """How many vSwitches a VPC has."""
        return self.vpc("DescribeVSwitches", VpcId=vpc)["TotalCount"]

    def instance(self, instance):
        """What is shown of an instance."""
        (shown,) = self.ecs("DescribeInstances", InstanceIds=json.dumps([instance]))["Instances"]["Instance"]
        return shown

    def status(self, instance):
        """The status of an instance; none if there is no such."""
        page = self.ecs("DescribeInstanceStatus", InstanceId=[instance])["InstanceStatuses"]["InstanceStatus"]
        return page[0]["Status"] if page else None

    def new_instance(self, vswitch, group, **parameters):
        """An instance that runs; its id."""
        (made,) = self.new_instances(vswitch, group, 1, **parameters)
        return made

    def new_instances(self, vswitch, group, amount, **parameters):
        """Instances that run; their ids."""
        usual = dict(ImageId=IMAGE, InstanceType="ecs.g7.large", VSwitchId=vswitch, SecurityGroupId=group, Amount=amount)
        made = self.ecs("RunInstances", **usual | parameters)["InstanceIdSets"]["InstanceIdSet"]
        look = lambda: self.ecs("DescribeInstanceStatus", InstanceId=made)["InstanceStatuses"]["InstanceStatus"]
        self.until(lambda: {one["Status"] for one in look()}, {"Running"})
        return made

    def delete_vswitch(self, vswitch):
        """Deletes a vSwitch and waits until it is gone."""
        self.vpc("DeleteVSwitch", VSwitchId=vswitch)
        self.until(lambda: self.vpc("DescribeVSwitches", VSwitchId=vswitch)["TotalCount"], 0)

    def delete_vpc(self, vpc):
        """Deletes a VPC and waits until it is gone."""
        self.vpc("DeleteVpc", VpcId=vpc)
        self.until(lambda: self.vpc("DescribeVpcs", VpcId=vpc)["TotalCount"], 0)


@pytest.fixture(params=list(GENERATIONS))
def generation(request):
    """Which SDK: new or old."""
    return request.param


@pytest.fixture
def cloud(generation):
    """An account of the test's own, by the key id that selects it."""
    account = next(_accounts)
    return Cloud(generation, f"w-default-a-{account}", account)


@pytest.fixture
def new_cloud():
    """As `cloud`, for what the older SDK was published before."""
    account = next(_accounts)
    return Cloud("new", f"w-default-a-{account}", account)


@pytest.fixture
def timed_cloud(generation):
    """As `cloud`, in a world of its own whose clock stands still until it is told to go on."""
    account, body = next(_accounts), {"clock": "manual", "throw_away": True}
    world = requests.post(f"{URL}/v1/worlds", json=body, timeout=30).json()["name"]
    return Cloud(generation, f"w-{world}-a-{account}", account, world)


@pytest.fixture
def standing_cloud(generation):
    """As `cloud`, in the world of a recording, whose clock stands still meanwhile: what a test tells that world over the native
    wire, except the time, a replay does not know."""
    account = next(_accounts)
    cloud = Cloud(generation, f"w-default-a-{account}", account, standing=True)
    cloud.clock("manual")
    yield cloud
    cloud.clock("real")


@pytest.fixture
def default_cloud(generation):
    """The default account, by keys that mean nothing."""
    return Cloud(generation, "LTAI-any-key")


@pytest.fixture
def refused():
    """Expects a refusal: `refused(code, status, call, ...)` makes the call and returns the refusal."""

    def expect(code, status, call, *arguments, **parameters):
        with pytest.raises(Refused) as caught:
            call(*arguments, **parameters)
        assert (caught.value.code, caught.value.status) == (code, status), caught.value.message
        assert caught.value.request_id
        return caught.value

    return expect


def pytest_runtest_logreport(report):
    """One line for each case. A skipped case counts as failed: nothing here may be skipped in silence."""
    if report.when == "call" and report.passed:
        print(f"pass {report.nodeid}", flush=True)
    elif not report.passed:
        error = getattr(report.longrepr, "reprcrash", None)
        print(f"FAIL {report.nodeid}: {error.message.splitlines()[0] if error else report.longrepr}")
        print(report.longreprtext, flush=True)


def pytest_collectreport(report):
    """A file that does not load fails."""
    if report.failed:
        print(f"FAIL {report.nodeid}: {report.longrepr}", flush=True)
