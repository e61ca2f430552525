"""Which clients call which action, from the survey of their sources.

Two sources name them: the survey's chapter "Who calls what" in `reference/controllers.md`, a section for each client, and the
clients whose code branches on an error code of an action in `reference/aliyun-actions.json`.
"""

import itertools
import re

# The survey's sections and bullets, and the names of its clients as error codes have them.
SECTIONS = {"CCM": "cloud controller manager", "Terway": "Terway", "terraform-provider-alicloud": "Terraform"}
BULLETS = {"KARP": "Karpenter", "CA": "cluster autoscaler", "EDNS": "external-dns"}
OF_CODES = {"ccm": "cloud controller manager", "terway": "Terway", "terraform": "Terraform"}

PRODUCT = re.compile(r"(?i)\b(vpc|ecs|slb|nlb|alb|pvtz)(?=\b|_)")
# `Create/SetLoadBalancer{TCP,UDP}Listener[Attribute]`: verbs before the name of the last, choices, an end that may be absent.
WORD = re.compile(r"[A-Z][A-Za-z0-9]*(?:[/{\[][A-Za-z0-9,/\]}]*[A-Za-z0-9}\]])*")


def spellings(word):
    """Every name that a word of the survey stands for, and some that nobody has."""
    optional = re.split(r"\[([A-Za-z]+)\]", word)
    choices = [[part] if at % 2 == 0 else ["", part] for at, part in enumerate(optional)]
    for choice in itertools.product(*choices):
        parts = re.split(r"\{([A-Za-z,]+)\}", "".join(choice))
        pieces = [[part] if at % 2 == 0 else part.split(",") for at, part in enumerate(parts)]
        for piece in itertools.product(*pieces):
            name = "".join(piece)
            *verbs, last = name.split("/")
            yield last
            rest = re.sub(r"^[A-Z][a-z]+", "", last)
            for verb in verbs:
                yield verb
                yield verb + rest


def sections(text):
    """The lines of the chapter with the client that each is about, and the product of its paragraph."""
    chapter = text.split("\n## 1.", 1)[1].split("\n## 2.", 1)[0]
    client, product = None, ""
    for line in chapter.splitlines():
        if line.startswith("### "):
            client, product = SECTIONS.get(line.split()[2]), ""
        bullet = re.match(r"- \*\*(\w+)\*\*", line)
        if bullet and bullet[1] in BULLETS | {"CLI": None}:
            client, product = BULLETS.get(bullet[1]), ""
        heading = re.match(r"\*\*(\w+) \d{4}-\d\d-\d\d\*\*", line)
        product = heading[1].lower() if heading else product
        if client:
            yield client, product, line


def callers(text, fresh, keys):
    """The clients of each of these actions, `Product/Version/Action`, that has one."""
    by_name = {}
    for key in keys:
        by_name.setdefault(key.split("/")[2], []).append(key)
    found = {}
    for client, product, line in sections(text):
        for word in WORD.finditer(line):
            named = [m[1].lower() for m in PRODUCT.finditer(line[: word.start()])]
            last = named[-1] if named else product
            for name in spellings(word[0]):
                same = by_name.get(name, [])
                # A name that several products have is that of the product named last.
                mine = same if len(same) == 1 else [key for key in same if key.split("/")[0].lower() == last]
                for key in mine:
                    found.setdefault(key, set()).add(client)
    for key in keys:
        for error in fresh.get(key, {}).get("errors", {}).values():
            for name in error.get("clients", []):
                found.setdefault(key, set()).add(OF_CODES[name.split()[0]])
    return {key: sorted(found[key]) for key in sorted(found)}
