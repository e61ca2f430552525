"""The aliyun command with a home of its own."""

import json
import os
import re
import subprocess

# How the program prints a refusal, in its two generations.
CODE = re.compile(r"(?:ErrorCode|Code|code): *([A-Za-z0-9_.]+)")


class Command:
    """The program, set up for one server by `aliyun configure set`, as docs/clients.md shows."""

    def __init__(self, program, home, endpoint, key="any", secret="any"):
        home.mkdir(parents=True, exist_ok=True)
        self.program = program
        self.endpoint = endpoint
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("ALI", "HTTP"))}
        self.environment = kept | {"HOME": str(home), "SSL_CERT_FILE": os.environ["CLOUDNET_CA"]}
        self.say(
            "configure", "set", "--profile", "cloudnet", "--mode", "AK", "--region", "cn-hangzhou",
            "--access-key-id", key, "--access-key-secret", secret,
        )

    def say(self, *words, **environment):
        """Runs the program; what it printed, and its status."""
        return subprocess.run(
            [self.program, *words], env=self.environment | environment, capture_output=True, text=True, timeout=300,
            check=False,
        )

    def run(self, words, way="plain"):
        """Runs a command against the server: its answer and nothing, or nothing and the code it was refused with."""
        words = [*words, "--profile", "cloudnet"]
        if way == "proxy":
            proxy = f"http://{self.endpoint}"
            done = self.say(*words, HTTP_PROXY=proxy, HTTPS_PROXY=proxy)
        else:
            done = self.say(*words, "--endpoint", self.endpoint, *(["--insecure"] if way == "plain" else []))
        if done.returncode == 0:
            return json.loads(done.stdout), None
        said = done.stdout + done.stderr
        code = CODE.search(said)
        return None, code[1] if code else f"status {done.returncode}: {' '.join(said.split())[-300:]}"
