#!/usr/bin/env python3
"""Derives the contract data of the provider wire from the provider's published API descriptions.

    tools/action-data.py --shared DIR           write the files
    tools/action-data.py --shared DIR --check   fail if a committed file would change

DIR holds `reference/controllers.md` (a survey of clients), `reference/aliyun-actions.json` (SDK models and CLI metadata;
newer, wins) and `reference/contract/*.json` (the complete description of 2024-06). What is generated is named in `actions.txt`; where the sources are wrong,
`action_exceptions.py` says what is taken instead and why.

    sim-api/data/actions.json         parameters of the listed actions, one action per line
    sim-api/data/products.json        the name of every action of every product
    sim-api/data/codes.json           the documented error codes of the listed actions, one action per line
    tests/data/contract/answers.json  answer trees of the listed actions, for tests only
    tests/data/contract/clients.json  which clients call a listed action, for the page of actions
"""

import argparse
import json
import pathlib
import sys

import action_clients as clients
import action_exceptions as exceptions

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
CONTRACTS = ["vpc", "ecs", "slb", "nlb", "alb", "pvtz"]
OWN_CONTRACTS = [HERE / "vpcpeer.json", HERE / "cs.json"]

# Every request may carry these; they are no action's own. RegionId stays with the actions: some require it.
COMMON = {"OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId", "SecurityToken"}


def listed_actions():
    """The lines of actions.txt as Product/Version/Action."""
    keys, section = set(), None
    for number, line in enumerate((HERE / "actions.txt").read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("["):
            section = "/".join(line.strip("[]").split())
            continue
        key = f"{section}/{line}"
        if section is None or not line.isalnum() or key in keys:
            sys.exit(f"actions.txt:{number}: expected a section, then one new action name a line")
        keys.add(key)
    return sorted(keys)


def read_sources(shared):
    """Both sources by Product/Version/Action."""
    reference = pathlib.Path(shared) / "reference"
    fresh = json.loads((reference / "aliyun-actions.json").read_text())["actions"]
    contract = {}
    for name in CONTRACTS:
        document = json.loads((reference / "contract" / f"{name}.json").read_text())
        for action, description in document["actions"].items():
            contract[f"{document['_meta']['product']}/{action}"] = description
    # Products that DIR does not describe, in the same notation; each file says where its facts are from.
    for path in OWN_CONTRACTS:
        document = json.loads(path.read_text())
        for action, description in document["actions"].items():
            contract[f"{document['_meta']['product']}/{action}"] = description
    return fresh, contract


# ---- parameters -----------------------------------------------------------------------------------------------

def number(text):
    """A published bound: an integer, or a decimal such as 999999.0."""
    value = float(text)
    return int(value) if value == int(value) else value


def from_contract(schema):
    """A parameter in the notation of 2024-06 (type, fields, items, min as text) as ours."""
    kind = schema.get("type") or "any"
    out = {"type": kind}
    if kind == "integer" and schema.get("format") == "int32":
        out["type"] = "int32"
    if kind == "array":
        out["type"] = "json_list" if schema.get("style") == "json" else "list"
        out["of"] = from_contract(schema["items"]) if "items" in schema else {"type": "string"}
    if kind == "object":
        out["type"] = "json_object" if schema.get("style") == "json" else "object"
        out["fields"] = {name: from_contract(field) for name, field in (schema.get("fields") or {}).items()}
    for key in ("required", "max_items", "default", "deprecated"):
        if schema.get(key):
            out[key] = schema[key]
    if schema.get("enum"):
        out["enum"] = schema["enum"]
    for key in ("min", "max"):
        if key in schema:
            out[key] = number(schema[key])
    return out


def from_fresh(tree, style=None):
    """A parameter in the notation of the SDK extract (a list is a one-element list) as ours."""
    if isinstance(tree, list):
        return {"type": "json_list" if style == "json" else "list", "of": from_fresh(tree[0])}
    if isinstance(tree, dict):
        return {"type": "json_object" if style == "json" else "object",
                "fields": {name: from_fresh(field) for name, field in tree.items()}}
    return {"type": tree}


def merge_parameter(old, new):
    """Both descriptions of one parameter: the newer tree decides the shape, the older adds ranges."""
    out = dict(old)
    if old["type"] in ("list", "json_list") and new["type"] in ("list", "json_list"):
        out["of"] = merge_parameter(old["of"], new["of"])
        out["type"] = "json_list" if "json_list" in (old["type"], new["type"]) else "list"
    elif old["type"] in ("object", "json_object") and new["type"] in ("object", "json_object"):
        out["fields"] = dict(old["fields"])
        for name, field in new["fields"].items():
            out["fields"][name] = merge_parameter(old["fields"][name], field) if name in old["fields"] else field
        out["type"] = "json_object" if "json_object" in (old["type"], new["type"]) else "object"
    elif old["type"] != new["type"] and not (old["type"] == "int32" and new["type"] == "integer"):
        return new
    return out


def merged_parameters(fresh, contract):
    """Required: the contract says so and the SDK does not deny it; a newer parameter needs SDK and CLI to agree.
    The SDK marker alone is no proof: it is read from prose and also marks what is required in one case only."""
    out = {}
    for name, schema in (contract or {}).get("params", {}).items():
        out[name] = from_contract(schema)
    for param in (fresh or {}).get("params", []):
        name, new = param["name"], from_fresh(param["type"], param.get("style"))
        if name in out:
            out[name] = merge_parameter(out[name], new)
            if not param["required"]:
                out[name].pop("required", None)
        else:
            if param["required"] and param.get("requiredMeta", True):
                new["required"] = True
            out[name] = new
    return fold_dotted({name: param for name, param in out.items() if name not in COMMON})


def fold_dotted(params):
    """The sources also list members by their wire name (`SystemDisk.Size`, `Filter.1.Key`): into their object, which the
    contract alone does not name."""
    out = {name: param for name, param in params.items() if "." not in name}
    for name, member in params.items():
        path = name.split(".")
        if len(path) == 1:
            continue
        holder = out.setdefault(path[0], {"type": "object", "fields": {}})
        holder = holder["of"] if path[1].isdigit() else holder
        known = holder["fields"].get(path[-1])
        holder["fields"][path[-1]] = merge_parameter(member, known) if known else member
    return out


def apply_exceptions(product, action, params, used):
    for name, (element, most) in ((n, v) for (p, n), v in exceptions.JSON_LISTS.items() if p == product):
        param = params.get(name)
        if param and param["type"] == "string":
            of = {"type": element} if isinstance(element, str) else {"type": "object", "fields": element}
            param.update({"type": "json_list", "of": of})
            if most:
                param["max_items"] = most
            used.add((product, name))
    for name, kind in exceptions.UNDOCUMENTED.get((product, action), {}).items():
        if name in params:
            sys.exit(f"{product} {action}: {name} is documented, take it out of UNDOCUMENTED")
        params[name] = {"type": kind}
        used.add((product, action))
    for key, (changes, _reason) in exceptions.PARAMETERS.items():
        if key[:2] != (product, action):
            continue
        param = params[key[2].removesuffix("[]")]
        param = param["of"] if key[2].endswith("[]") else param
        for field, value in changes.items():
            if param.get(field) == value:
                sys.exit(f"{key}: {field} is {value} without the exception")
            if value is None:
                del param[field]
            else:
                param[field] = value
        used.add(key)


def compact(param):
    """The shortest form: the type alone where there is nothing else to say."""
    out = {"type": param["type"]}
    for key in ("required", "deprecated", "any_case", "min", "max", "enum", "default", "max_items", "text_is", "codes"):
        if key in param:
            out[key] = str(param[key]) if key == "default" else param[key]
    if "of" in param:
        out["of"] = compact(param["of"])
    if "fields" in param:
        out["fields"] = {name: compact(field) for name, field in sorted(param["fields"].items())}
    return out["type"] if len(out) == 1 else out


# ---- error codes ----------------------------------------------------------------------------------------------

def merged_codes(fresh, contract):
    """Code -> statuses, sorted; no status where a client branches on a code that no table has. Some published codes
    carry a tab at their end."""
    codes = {}
    for status, names in ((contract or {}).get("errors") or {}).items():
        for name in names:
            codes.setdefault(name.strip(), set()).add(int(status))
    for name, entry in (fresh or {}).get("errors", {}).items():
        codes.setdefault(name.strip(), set()).update(entry.get("http", []))
    return {name: sorted(codes[name]) for name in sorted(codes)}


def by_status(codes):
    """Status -> codes; `0` holds the codes that clients branch on and no table gives a status."""
    out = {}
    for name, statuses in codes.items():
        for status in statuses or [0]:
            out.setdefault(status, []).append(name)
    return {str(status): out[status] for status in sorted(out)}


def pick(codes, candidates):
    """The first candidate that the action documents, in any case, with its smallest status. One of 500 and above, of
    which there is one, is no answer to a caller's mistake."""
    lower = {code.lower(): code for code in codes}
    for candidate in candidates:
        code = lower.get(candidate.lower())
        statuses = [status for status in codes.get(code, []) if status < 500]
        if statuses:
            return [code, statuses[0]]
    return None


def missing_code(codes, name):
    if "MissingParam.%s" in codes:
        return [f"MissingParam.{name}", codes["MissingParam.%s"][0]]
    return pick(codes, [f"MissingParameter.{name}", f"MissingParam.{name}", f"MissingParamter.{name}",
                        f"ParameterMissing.{name}"])


def malformed_code(codes, name):
    return pick(codes, [f"Invalid{name}.Malformed", f"InvalidParameter.{name}.Malformed", f"IllegalParam.{name}",
                        f"InvalidParam.{name}", f"InvalidParameter.{name}", f"Invalid{name}", f"Invalid.{name}"])


def value_code(codes, name, choice):
    """A choice may also be one that is not found: `InvalidAcceptLanguage.NotFound`."""
    found = [f"Invalid{name}.NotFound"] if choice else []
    return pick(codes, [f"Invalid{name}.ValueNotSupported", f"Invalid{name}.OutOfRange",
                        f"InvalidParameter.{name}.ValueNotSupported", f"IllegalParam.{name}",
                        f"InvalidParam.{name}", f"InvalidParameter.{name}", f"Invalid{name}", f"Invalid.{name}", *found])


def choose_codes(params, codes):
    """Writes the documented code of each mechanical rule beside the parameter it belongs to, and returns those
    of the whole action. Where none is documented the reader of the data falls back to the public convention."""
    action = {"missing": pick(codes, ["MissingParameter", "MissingParam", "MissingParamter"]),
              "invalid": pick(codes, ["InvalidParameter", "InvalidParam", "IllegalParam", "InvalidParamter"])}
    for name, param in params.items():
        own = {"malformed": malformed_code(codes, name), "value": value_code(codes, name, "enum" in param)}
        if param.get("required"):
            own["missing"] = missing_code(codes, name)
        bounded = {"min", "max", "enum", "max_items"} & set(param) or {"enum"} & set(param.get("of", {}))
        if not bounded:
            own.pop("value")
        if param["type"] in ("string", "list", "object"):
            own.pop("malformed")
        own = {rule: code for rule, code in own.items() if code}
        if own:
            param["codes"] = own
    return {rule: code for rule, code in action.items() if code}


def apply_codes(product, action, params, codes):
    """What no name tells: the code of a rule that belongs to a parameter, with the smallest documented status. Returns
    the entries that were used."""
    own_codes = {key: own for key, own in exceptions.CODES.items() if key[:2] == (product, action)}
    for key, own in own_codes.items():
        for rule, code in own.items():
            if not codes.get(code):
                sys.exit(f"{key}: {code} is not documented")
            params[key[2]].setdefault("codes", {})[rule] = [code, codes[code][0]]
    return set(own_codes)


# ---- answers --------------------------------------------------------------------------------------------------

def answer_tree(schema):
    """An answer in the notation of 2024-06 as a tree of names and kinds; a list is a one-element list."""
    kind = schema.get("type")
    if kind == "array":
        return [answer_tree(schema["items"])] if "items" in schema else ["any"]
    if kind == "object":
        return {name: answer_tree(field) for name, field in (schema.get("fields") or {}).items()}
    return kind or "any"


def merge_trees(old, new, path):
    if old == "any" or old is None:
        return new
    if new == "any" or new is None:
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        return {name: merge_trees(old.get(name), new.get(name), f"{path}.{name}")
                for name in sorted(set(old) | set(new))}
    if isinstance(old, list) and isinstance(new, list):
        return [merge_trees(old[0], new[0], path + "[]")]
    if old != new:
        print(f"{path}: {old} in 2024-06, {new} in the newer source", file=sys.stderr)
    return new


def sort_tree(tree):
    if isinstance(tree, dict):
        return {name: sort_tree(tree[name]) for name in sorted(tree)}
    return [sort_tree(tree[0])] if isinstance(tree, list) else tree


# ---- the files ------------------------------------------------------------------------------------------------

def one_per_line(entries):
    dump = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return "{\n" + ",\n".join(f"{dump(key)}:{dump(entries[key])}" for key in sorted(entries)) + "\n}\n"


def generate(shared):
    listed = listed_actions()
    fresh, contract = read_sources(shared)
    actions, answers, documented, used = {}, {}, {}, set()
    left = set(exceptions.CODES)
    for key in listed:
        product, _version, name = key.split("/")
        new, old = fresh.get(key), contract.get(key)
        extra = exceptions.EXTRA_ACTIONS.get(key)
        if extra:
            if new or old:
                sys.exit(f"{key} has a source, take it out of EXTRA_ACTIONS")
            params = {n: from_fresh(t) for n, t in extra["params"].items()}
            tree, kind = extra["answer"], extra["kind"]
            used.add(key)
        elif new or old:
            params = merged_parameters(new, old)
            old_tree = answer_tree(old["answer"]) if old and old.get("answer") else None
            tree = merge_trees(old_tree, (new or {}).get("response"), key)
            kind = (old or {}).get("kind")
        else:
            sys.exit(f"{key}: no source describes it")
        apply_exceptions(product, name, params, used)
        codes = merged_codes(new, old) | {code: [] for code in exceptions.MORE_CODES.get((product, name), ())}
        codes = {code: codes[code] for code in sorted(codes)}
        for code in codes:
            if (product, name, code) in exceptions.STATUSES:
                codes[code] = [exceptions.STATUSES[product, name, code][0]]
                used.add((product, name, code))
        action_codes = choose_codes(params, codes)
        left -= apply_codes(product, name, params, codes)
        entry = {}
        if kind:
            entry["kind"] = {"readAndWrite": "write"}.get(kind, kind)
        if new and new.get("tier"):
            entry["tier"] = new["tier"]
        if (old or {}).get("deprecated"):
            entry["deprecated"] = True
        if action_codes:
            entry["codes"] = action_codes
        entry["params"] = {n: compact(params[n]) for n in sorted(params)}
        actions[key] = entry
        answers[key] = sort_tree(tree)
        documented[key] = by_status(codes)
    unused = ({k for k in exceptions.PARAMETERS} | {k for k in exceptions.JSON_LISTS}
              | {k for k in exceptions.UNDOCUMENTED} | {k for k in exceptions.STATUSES} | {k for k in exceptions.EXTRA_ACTIONS}) - used
    unused |= left
    if unused:
        sys.exit(f"exceptions that change nothing: {sorted(map(str, unused))}")
    return {
        "sim-api/data/actions.json": one_per_line(actions),
        "sim-api/data/codes.json": one_per_line(documented),
        "sim-api/data/products.json": products(set(listed) | set(fresh) | set(contract)),
        "tests/data/contract/answers.json": one_per_line(answers),
        "tests/data/contract/clients.json": one_per_line(clients_of(shared, listed, fresh)),
    }


def clients_of(shared, listed, fresh):
    """The clients of the listed actions; names are told apart among all actions of all products."""
    survey = (pathlib.Path(shared) / "reference" / "controllers.md").read_text()
    every = sorted(set(listed) | set(fresh))
    return {key: names for key, names in clients.callers(survey, fresh, every).items() if key in set(listed)}


def products(keys):
    names = {}
    for key in keys:
        product, version, action = key.split("/")
        names.setdefault(f"{product}/{version}", set()).add(action)
    lines = [f'"{product}":[\n' + ",\n".join(f'"{name}"' for name in sorted(names[product])) + "\n]"
             for product in sorted(names)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", required=True, help="directory that holds reference/")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    stale = []
    for name, text in generate(options.shared).items():
        path = ROOT / name
        if options.check:
            if not path.exists() or path.read_text() != text:
                stale.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale:
        sys.exit("out of date: " + ", ".join(stale))


if __name__ == "__main__":
    main()
