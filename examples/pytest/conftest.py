"""pytest fixtures: cloudnet on a free port for the session, and a world of its own for each test.

Copy this file beside your tests. It needs the program `cloudnet` in PATH, or its path in CLOUDNET_BIN, and nothing
else: no container, no account, no root.
"""

import json
import os
import subprocess
import time
import urllib.request
import uuid
from dataclasses import dataclass

import pytest


@dataclass
class World:
    """A cloud that belongs to one test. Any SDK reaches it by `endpoint`, http and the key id `key`."""

    endpoint: str
    name: str

    @property
    def key(self):
        return f"w-{self.name}"

    def native(self, method, path, body=None):
        """A request on the native wire, for what no SDK knows: time, snapshots, settings."""
        request = urllib.request.Request(
            f"http://{self.endpoint}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Cloudnet-World": self.name, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def advance(self, **span):
        """Lets virtual time pass: `advance(seconds=3)`."""
        return self.native("POST", "/v1/clock/advance", span)


@pytest.fixture(scope="session")
def cloudnet(tmp_path_factory):
    """The address of a server that ends with the session."""
    directory = tmp_path_factory.mktemp("cloudnet")
    ready = directory / "ready.json"
    program = os.environ.get("CLOUDNET_BIN", "cloudnet")
    arguments = ["serve", "--listen", "127.0.0.1:0", "--db", "memory", "--ready-file", str(ready)]
    with open(directory / "log", "wb") as log:
        server = subprocess.Popen([program, *arguments], stderr=log)
    try:
        end = time.monotonic() + 30
        while not ready.exists():
            assert server.poll() is None and time.monotonic() < end, (directory / "log").read_text()
            time.sleep(0.01)
        yield json.loads(ready.read_text())["address"]
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture
def world(cloudnet):
    """A world of the test's own: always the same ids, and a clock that only the test moves."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    settings = {"name": name, "seed": 1, "clock": "manual", "provisioning": "documented", "throw_away": True}
    World(cloudnet, "default").native("POST", "/v1/worlds", settings)
    yield World(cloudnet, name)
    World(cloudnet, "default").native("DELETE", f"/v1/worlds/{name}")
