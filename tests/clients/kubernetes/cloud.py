"""What the suites of controllers need of cloudnet: a world to begin with, and looks at what became of it."""

import json
import urllib.error
import urllib.parse
import urllib.request

from control_plane import until

VERSIONS = {"vpc": "2016-04-28", "ecs": "2014-05-26", "slb": "2014-05-15"}
REGION = "cn-hangzhou"
IMAGE = "aliyun_3_x64_20G_alibase_20240819.vhd"


class Cloud:
    """One server: the native wire to make things, the provider's to look at them as the controller does."""

    def __init__(self, url):
        self.url = url

    def send(self, method, path, **body):
        request = urllib.request.Request(
            f"{self.url}/v1/{path}", json.dumps(body).encode() if body else None, {"content-type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path} {body}: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else None

    def make(self, path, **body):
        """Makes something, waits until it is no longer under way, and gives its id."""
        made = self.send("POST", path, **body)
        if made.get("status") == "Pending":
            until(lambda: self.show(f"{path}/{made['id']}")["status"] != "Pending", f"{made['id']} is there")
        return made["id"]

    def show(self, path):
        return self.send("GET", path)

    def ask(self, product, action, **parameters):
        """Calls an action of the provider wire."""
        asked = {"Action": action, "Version": VERSIONS[product], "Format": "JSON", "RegionId": REGION} | parameters
        try:
            with urllib.request.urlopen(f"{self.url}/?{urllib.parse.urlencode(asked)}", timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{action} {parameters}: {error.code} {error.read().decode()}") from error

    def instance(self, name, vswitch, group, address, **more):
        """An instance that runs, with that address; its id."""
        return self.make(
            "instances", name=name, instance_type="ecs.g7.xlarge", image_id=IMAGE, vswitch_id=vswitch,
            security_group_ids=[group], primary_ip_address=address, start=True, **more,
        )
