"""A server of a suite's own: one that can be killed and started again, and whose faults and credentials concern nobody else."""

import json
import os
import subprocess
import time
import urllib.request

KEY, SECRET, TOKEN = "LTAI5tPerson", "right", "a-bearer-token"
ACCOUNT = "1000000000000007"
CREDENTIALS = f"""[[credential]]
access_key_id = "{KEY}"
access_key_secret = "{SECRET}"
account = "{ACCOUNT}"
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
        """Sets a fault of the provider wire; see `set_fault`."""
        return set_fault(self.url, TOKEN if self.strict else None, **fault)

    def post(self, path, **body):
        """Makes something over the native wire, in the account of the key; the answer."""
        return ask(self.url, path, TOKEN if self.strict else None, body, **{"cloudnet-account": ACCOUNT} if self.strict else {})


def ask(url, path, token=None, body=None, **headers):
    """Asks a server over its native wire, a POST if there is a body; the answer."""
    headers |= {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url + path, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def set_fault(url, token=None, **fault):
    """Sets a fault of the provider wire of the server at this address; its number, for `struck`."""
    return ask(url, "/v1/faults", token, fault)["id"]


def struck(url, number, token=None):
    """How often this fault has struck."""
    return ask(url, f"/v1/faults/{number}", token)["struck"]
