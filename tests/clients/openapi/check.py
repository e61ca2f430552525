"""The served document is the committed one and valid OpenAPI 3.1, and the server keeps to it in generated requests.

CLOUDNET_EXAMPLES is the number of generated requests for each operation and phase (default 20).
"""

import json
import os
import subprocess
import xml.etree.ElementTree as xml
from pathlib import Path

import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

HERE = Path(__file__).parent
COMMITTED = HERE.parents[2] / "openapi" / "cloudnet.json"
URL = os.environ["CLOUDNET_URL"]
REPORT = Path(os.environ["CLOUDNET_SCRATCH"]) / "report.xml"


def case(name, faults):
    """Prints the line of a case, and its faults."""
    if not faults:
        print(f"pass {name}", flush=True)
        return
    print(f"FAIL {name}: {faults[0].splitlines()[0]}")
    for fault in faults:
        print(fault, flush=True)


def check_document(document):
    """Whether the document is the committed one, and what the validator says of it."""
    case("the served document is openapi/cloudnet.json", [] if document == json.loads(COMMITTED.read_text()) else ["they differ"])
    errors = OpenAPIV31SpecValidator(document).iter_errors()
    case("the document is valid OpenAPI 3.1", [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in errors])


def operations(document):
    """Every operation as schemathesis names it."""
    return {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item if method != "parameters"}


def check_behaviour(document):
    """One case for each operation, and those that walk along links."""
    command = ["st", "--config-file", "schemathesis.toml", "run", URL + "/openapi.json"]
    command += ["--max-examples", os.environ.get("CLOUDNET_EXAMPLES", "20"), "--report-junit-path", str(REPORT)]
    ended = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if not REPORT.exists():
        case("schemathesis", [f"no report, status {ended.returncode}", ended.stdout])
        return
    judged, failed = set(), False
    for entry in xml.parse(REPORT).iter("testcase"):
        bad = [f for f in entry if f.tag in ("failure", "error", "skipped")]
        faults = [f"{f.get('message')}\n{f.text}" for f in bad]
        judged.add(entry.get("name"))
        failed |= bool(faults)
        case(f"schemathesis: {entry.get('name')}", faults)
    case("schemathesis judged every operation", [f"not judged: {name}" for name in sorted(operations(document) - judged)])
    summary = ended.stdout[ended.stdout.find("== SUMMARY") :]
    if ended.returncode != 0 and not failed:
        case("schemathesis", [f"status {ended.returncode}", ended.stdout])
    print(summary, flush=True)


document = requests.get(URL + "/openapi.json", timeout=30).json()
check_document(document)
check_behaviour(document)
