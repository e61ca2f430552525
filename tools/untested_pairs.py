#!/usr/bin/env python3
"""Which pairs of a native operation and a rule that it can be refused by has no test seen?

    CLOUDNET_REFUSALS=FILE cargo test --workspace      notes each refusal in FILE (builds with debug assertions)
    tools/untested_pairs.py FILE                       fails if a pair is missing that is not on the list
    tools/untested_pairs.py FILE --update              writes the list anew

The pairs are those of `openapi/cloudnet.json`, whose examples come from the operations' own lists of refusals. What any
operation answers for the service itself (a body that does not read, a world that is not there) is no pair. The list,
`tests/data/contract/untested_pairs.txt`, may only shrink: a pair that a test sees must leave it.
"""

import argparse
import collections
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/data/contract/untested_pairs.txt"

# Problems of the service, which any operation can answer.
SERVICE = {
    "cross_site", "internal_error", "journal_unavailable", "loading", "malformed_request", "timeout", "too_busy",
    "unauthorized", "world_not_found",
}
# Rules of the idempotency key, which one mechanism holds for every operation that writes.
SHARED = {"token_malformed", "token_mismatch"}


def documented():
    """Method and path, operation and code of every pair."""
    paths = json.loads((ROOT / "openapi/cloudnet.json").read_text())["paths"]
    for path, item in paths.items():
        for method, operation in item.items():
            for response in operation["responses"].values():
                problems = response.get("content", {}).get("application/problem+json", {}).get("examples", {})
                for code in problems:
                    if code not in SERVICE | SHARED:
                        yield f"{method.upper()} {path}", f"{operation['operationId']} {code}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--update", action="store_true", help="write the list anew")
    options = parser.parse_args()
    seen = collections.defaultdict(set)
    for line in options.file.read_text().splitlines():
        wire, operation, rule = line.split("\t")
        if wire == "native":
            seen[operation].add(rule)
    pairs = sorted(set(documented()))
    untested = sorted(pair for operation, pair in pairs if pair.split()[1] not in seen[operation])
    print(f"{len(pairs) - len(untested)} of {len(pairs)} pairs of operation and rule are tested")
    if options.update:
        LIST.write_text("".join(pair + "\n" for pair in untested))
        return
    listed = LIST.read_text().split("\n")[:-1]
    for pair in sorted(set(untested) - set(listed)):
        print(f"FAIL no test has seen {pair}")
    for pair in sorted(set(listed) - set(untested)):
        print(f"FAIL {pair} is tested and must leave {LIST.relative_to(ROOT)}")
    sys.exit(untested != listed)


if __name__ == "__main__":
    main()
