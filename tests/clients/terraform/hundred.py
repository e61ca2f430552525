"""A hundred resources in one apply, and how much of its time the service took to answer.

The times are those of the server's own request log: what came in, until its answer went out. No figure is asserted; the suite
prints it, and `docs/benchmarks.md` has one. What is asserted: without provisioning times nobody is told to try again.
"""

import pathlib
import time

from stack import Stack
from trouble import Server, apply

HUNDRED = pathlib.Path(__file__).resolve().parent / "hundred"


def hundred(home):
    server = Server(home, "--provisioning", "instant")
    try:
        stack = Stack(HUNDRED, home, server.address, home / "state" / "ca.pem")
        stack.prepare(stack.home)
        began = time.monotonic()
        errors = apply(stack)
        wall = time.monotonic() - began
        assert errors == "", errors
        assert len(stack.addresses()) == 100, len(stack.addresses())
        answers = server.native("requests?limit=10000&wire=provider")["items"]
        assert answers and not server.codes(), server.codes()
        spent = sum(each["duration_us"] for each in answers) / 1e6
        print(
            f"-- 100 resources: {len(answers)} requests answered in {spent * 1e3:.0f} ms altogether, {spent / wall:.2%} of "
            f"{wall:.1f} s", flush=True,
        )
        left = stack.plan("difference", stack.home, 0)
        assert all(change["actions"] == ["no-op"] for change in left.values()), left
        stack.stream("destroy", stack.home, "apply", "-destroy", "-auto-approve", "-var=step=0")
        assert not stack.wrong() and not server.has("vpcs"), stack.wrong()
    finally:
        server.kill()
