"""Swagger UI in a real browser: every operation is there, can be tried out, and a refusal says why and what would do.

With CLOUDNET_PICTURE=FILE the page is photographed as well, for the README.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

import requests
from alibabacloud_tea_openapi.utils_models import Config
from alibabacloud_vpc20160428 import models
from alibabacloud_vpc20160428.client import Client

from page import Page, browser

URL = os.environ["CLOUDNET_URL"]
SCRATCH = Path(os.environ["CLOUDNET_SCRATCH"])
CASES = []


def case(run):
    """A case: prints its line."""
    CASES.append(run)
    return run


@case
def every_operation_is_listed(page):
    document = requests.get(URL + "/openapi.json", timeout=30).json()
    wanted = {}
    for item in document["paths"].values():
        for method in ("get", "put", "post", "patch", "delete"):
            if method in item:
                wanted.setdefault(item[method]["tags"][0], []).append(item[method]["operationId"])
    listed = page.operations()
    assert {tag: sorted(names) for tag, names in listed.items()} == {tag: sorted(names) for tag, names in wanted.items()}
    order = [tag["name"] for tag in document["tags"]]
    assert list(listed) == order, f"the tags come as {list(listed)}"
    print(f"{sum(map(len, listed.values()))} operations under {len(listed)} tags")


@case
def try_it_out_creates_a_vpc(page):
    # Nothing is filled in: the example that the page offers is one that works.
    made = page.try_out("create_vpc")
    assert made.status == 201, made.body
    assert made.body["id"].startswith("vpc-"), made.body
    assert made.body["status"] == "Available", made.body
    assert f"location: /v1/vpcs/{made.body['id']}" in made.headers, made.headers
    there = requests.get(f"{URL}/v1/vpcs/{made.body['id']}", timeout=30).json()
    assert there == made.body
    page.vpc = made.body


@case
def a_refused_vswitch_says_which_rule_and_what_would_pass(page):
    zone = "cn-hangzhou-k"
    first = {"vpc_id": page.vpc["id"], "zone_id": zone, "cidr_block": "10.0.0.0/16", "name": "web"}
    made = page.try_out("create_vswitch", first)
    assert made.status == 201, made.body
    refused = page.try_out("create_vswitch", {**first, "cidr_block": "10.0.1.0/24", "name": "db"})
    assert refused.status == 409, refused.body
    assert refused.body["code"] == "vswitch_cidr_overlap", refused.body
    assert refused.body["title"] == "The block overlaps another vSwitch of the VPC.", refused.body
    assert refused.body["blockers"] == [made.body["id"]], refused.body
    accepted = refused.body["errors"][0]["accepted"]
    assert refused.body["errors"][0]["pointer"] == "/cidr_block", refused.body
    picture = os.environ.get("CLOUDNET_PICTURE")
    if picture:
        photograph(page, refused.block, picture)
    # What the page says would be accepted is.
    passed = page.try_out("create_vswitch", {**first, "cidr_block": accepted, "name": "db"})
    assert passed.status == 201, passed.body


def photograph(page, block, file):
    """The operation with its answer, as it stands in the window."""
    page.driver.execute_script(
        """
        arguments[0].querySelectorAll('textarea').forEach(field => field.style.minHeight = field.style.height = '110px');
        arguments[0].querySelectorAll('.responses-inner > div > h4, .responses-table:not(.live-responses-table)')
            .forEach(part => part.style.display = 'none');
        arguments[0].querySelectorAll('.parameters-container, .curl-command, .request-url')
            .forEach(part => part.style.display = 'none');
        """,
        block,
    )
    assert block.screenshot(file), f"{file} cannot be written"


@case
def what_the_sdk_made_is_there(page):
    config = Config(
        access_key_id="any", access_key_secret="any", endpoint=os.environ["CLOUDNET_ENDPOINT"], protocol="http",
        region_id="cn-hangzhou",
    )
    request = models.CreateVpcRequest(region_id="cn-hangzhou", cidr_block="172.16.0.0/12", vpc_name="from-the-sdk")
    made = Client(config).create_vpc(request).body.vpc_id
    listed = page.try_out("list_vpcs")
    assert listed.status == 200
    names = {vpc["id"]: vpc["name"] for vpc in listed.body["items"]}
    assert names.get(made) == "from-the-sdk", names
    assert page.vpc["id"] in names, names


@case
def requests_are_shown_with_an_example(page):
    # One of each tag: that every request of the document has one is a test of the program.
    document = requests.get(URL + "/openapi.json", timeout=30).json()
    first = {}
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict) and "requestBody" in operation:
                first.setdefault(operation["tags"][0], operation["operationId"])
    for name in first.values():
        assert isinstance(json.loads(page.example(name)), dict), name
        page.close(name)


@contextlib.contextmanager
def guarded_server():
    """A second server, which wants a bearer token."""
    credentials, ready = SCRATCH / "credentials.toml", SCRATCH / "guarded.json"
    credentials.write_text(
        '[[credential]]\naccess_key_id = "k"\naccess_key_secret = "s"\naccount = "1000000000000001"\n'
        'bearer_token = "open-sesame"\n'
    )
    command = [os.environ["CLOUDNET_BIN"], "serve", "--listen", "127.0.0.1:0", "--db", "memory", "--clock", "manual"]
    command += ["--credentials", str(credentials), "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(600):
                if ready.exists():
                    break
                time.sleep(0.1)
            yield json.loads(ready.read_text())["url"]
        finally:
            server.terminate()


@case
def authorize_opens_a_server_with_a_credentials_file(page):
    with guarded_server() as url:
        guarded = Page(page.driver, url)
        assert guarded.try_out("list_vpcs").status == 401
        guarded.authorize("open-sesame")
        assert guarded.try_out("list_vpcs").status == 200


def main():
    driver = browser()
    failed = 0
    try:
        page = Page(driver, URL)
        for run in CASES:
            name = run.__name__.replace("_", " ")
            try:
                run(page)
                print(f"pass {name}", flush=True)
            except Exception as fault:
                failed += 1
                print(f"FAIL {name}: {str(fault).splitlines()[0] if str(fault) else type(fault).__name__}")
                traceback.print_exc(file=sys.stdout)
                sys.stdout.flush()
    finally:
        driver.quit()
    return 1 if failed else 0


sys.exit(main())
