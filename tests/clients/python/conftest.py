"""What every test shares: a client of each generation, the native wire, and one line for each case."""

import itertools
import os
import time

import pytest
import requests
from sdk import GENERATIONS, Refused

ENDPOINT = os.environ["CLOUDNET_ENDPOINT"]
URL = os.environ["CLOUDNET_URL"]
ZONE = "cn-hangzhou-k"
OTHER_ZONE = "cn-hangzhou-b"

_accounts = itertools.count(1_000_000_000_000_001)


def until(look, wanted, seconds=20):
    """Looks again, as a client polls, until the look gives `wanted`."""
    end = time.monotonic() + seconds
    while (seen := look()) != wanted:
        assert time.monotonic() < end, f"still {seen!r} after {seconds} s; wanted {wanted!r}"
        time.sleep(0.02)
    return seen


class Cloud:
    """One account, seen through one SDK."""

    def __init__(self, generation, key, account=None, world=None):
        self._sdk = GENERATIONS[generation](ENDPOINT, key)
        self.account = account
        self.world = world

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

    # The things that most tests begin with, each ready for use.

    def new_vpc(self, **parameters):
        """A VPC that is Available; its id."""
        vpc = self.vpc("CreateVpc", **{"CidrBlock": "10.0.0.0/8"} | parameters)["VpcId"]
        until(lambda: self.vpc("DescribeVpcAttribute", VpcId=vpc)["Status"], "Available")
        return vpc

    def new_vswitch(self, vpc, block="10.0.1.0/24", zone=ZONE, **parameters):
        """A vSwitch that is Available; its id."""
        made = self.vpc("CreateVSwitch", VpcId=vpc, ZoneId=zone, CidrBlock=block, **parameters)["VSwitchId"]
        until(lambda: self.vpc("DescribeVSwitchAttributes", VSwitchId=made)["Status"], "Available")
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

    def delete_vswitch(self, vswitch):
        """Deletes a vSwitch and waits until it is gone."""
        self.vpc("DeleteVSwitch", VSwitchId=vswitch)
        until(lambda: self.vpc("DescribeVSwitches", VSwitchId=vswitch)["TotalCount"], 0)

    def delete_vpc(self, vpc):
        """Deletes a VPC and waits until it is gone."""
        self.vpc("DeleteVpc", VpcId=vpc)
        until(lambda: self.vpc("DescribeVpcs", VpcId=vpc)["TotalCount"], 0)


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
