"""What the suites of controllers need of cloudnet: a world to begin with, and looks at what became of it.

All of it goes over the provider wire, so that a recording of a suite is whole; these requests call themselves `cloudnet-suite`,
and do not count as a client's.
"""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from control_plane import until

VERSIONS = {"vpc": "2016-04-28", "ecs": "2014-05-26", "slb": "2014-05-15"}
REGION = "cn-hangzhou"
IMAGE = "aliyun_3_x64_20G_alibase_20240819.vhd"
WHO = "cloudnet-suite/1"


def signed(parameters, secret):
    """The form of a POST with its HMAC-SHA1 signature, as the provider's reference describes it."""
    def quoted(text):
        return urllib.parse.quote(str(text), safe="-_.~")
    pairs = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in sorted(parameters.items()))
    text = f"POST&{quoted('/')}&{quoted(pairs)}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return f"{pairs}&Signature={quoted(base64.b64encode(digest).decode())}"


class Cloud:
    """One server, as the holder of one key."""

    def __init__(self, url, key="any", secret="any"):
        self.url, self.key, self.secret = url, key, secret

    def ask(self, product, action, **parameters):
        """Calls an action of the provider wire."""
        asked = {
            "Action": action, "Version": VERSIONS[product], "Format": "JSON", "RegionId": REGION, "AccessKeyId": self.key,
            "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": uuid.uuid4().hex,
            "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        } | parameters
        request = urllib.request.Request(
            self.url, signed(asked, self.secret).encode(),
            {"content-type": "application/x-www-form-urlencoded", "user-agent": WHO},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{action} {parameters}: {error.code} {error.read().decode()}") from error

    # What is made is waited for.

    def vpc(self, **parameters):
        """A VPC that is Available; its id."""
        vpc = self.ask("vpc", "CreateVpc", **parameters)["VpcId"]
        until(lambda: self.ask("vpc", "DescribeVpcAttribute", VpcId=vpc)["Status"] == "Available", f"{vpc} is there")
        return vpc

    def vswitch(self, vpc, zone, block, **parameters):
        """A vSwitch that is Available; its id."""
        asked = {"VpcId": vpc, "ZoneId": zone, "CidrBlock": block} | parameters
        made = self.ask("vpc", "CreateVSwitch", **asked)["VSwitchId"]
        until(
            lambda: self.ask("vpc", "DescribeVSwitchAttributes", VSwitchId=made)["Status"] == "Available", f"{made} is there"
        )
        return made

    def group(self, vpc, name):
        """A security group; its id."""
        return self.ask("ecs", "CreateSecurityGroup", VpcId=vpc, SecurityGroupName=name)["SecurityGroupId"]

    def instances(self, addresses, vswitch, group, **parameters):
        """Instances that run, with these names and addresses; their ids by name."""
        made = {}
        for name, address in addresses.items():
            asked = {
                "InstanceName": name, "InstanceType": "ecs.g7.xlarge", "ImageId": IMAGE, "VSwitchId": vswitch,
                "SecurityGroupId": group, "PrivateIpAddress": address,
            } | parameters
            (made[name],) = self.ask("ecs", "RunInstances", **asked)["InstanceIdSets"]["InstanceIdSet"]

        def run():
            found = self.ask("ecs", "DescribeInstances", InstanceIds=json.dumps([*made.values()]))["Instances"]["Instance"]
            return len(found) == len(made) and all(one["Status"] == "Running" for one in found)
        until(run, f"{', '.join(made)} run")
        return made

    def interface(self, vswitch, group, **parameters):
        """A network interface that is Available; its id."""
        asked = {"VSwitchId": vswitch, "SecurityGroupId": group} | parameters
        made = self.ask("ecs", "CreateNetworkInterface", **asked)["NetworkInterfaceId"]
        until(lambda: self.status_of_interface(made) == "Available", f"{made} is there")
        return made

    def status_of_interface(self, interface):
        found = self.ask("ecs", "DescribeNetworkInterfaces", **{"NetworkInterfaceId.1": interface})
        return found["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["Status"]
