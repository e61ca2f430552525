"""A server of a suite's own: one that can be killed and started again, and whose faults and credentials concern nobody else."""

import json
import os
import subprocess
import time
import urllib.request

KEY, SECRET, TOKEN = "LTAI5tPerson", "right", "a-bearer-token"
CREDENTIALS = f"""[[credential]]
access_key_id = "{KEY}"
access_key_secret = "{SECRET}"
account = "1000000000000007"
bearer_token = "{TOKEN}"
"""


class Server:
    """It keeps its port and its database when it is started again. With `strict` it believes the one key above."""

    def __init__(self, home, *arguments, strict=False):
        home.mkdir(parents=True)
        self.home, self.arguments, self.strict = home, [*arguments], strict
        if strict:
            keys = home / "keys.toml"
            keys.write_text(CREDENTIALS)
            self.arguments += ["--credentials", str(keys)]
        self.endpoint = "127.0.0.1:0"
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        """Starts it, and waits until it answers."""
        ready = self.home / "ready.json"
        ready.unlink(missing_ok=True)
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(
                [os.environ["CLOUDNET_BIN"], "serve", "--listen", self.endpoint, "--db", f"sqlite:{self.home}/cloudnet.db",
                 "--ready-file", str(ready), *self.arguments], stdout=log, stderr=log,
            )
        end = time.monotonic() + 30
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < end, (self.home / "log").read_text()
            time.sleep(0.02)
        self.url = json.loads(ready.read_text())["url"]
        self.endpoint = self.url.removeprefix("http://")

    def kill(self):
        """Ends it at once, by its process id: nothing is written any more, nobody is told."""
        self.process.kill()
        self.process.wait(30)

    def fault(self, **fault):
        """Sets a fault of the provider wire."""
        set_fault(self.url, TOKEN if self.strict else None, **fault)


def set_fault(url, token=None, **fault):
    """Sets a fault of the provider wire of the server at this address."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"{url}/v1/faults", json.dumps(fault).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
