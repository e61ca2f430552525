"""Other ways to the same server: HTTPS with the local authority, and the proxy with host names as the SDKs have them.

What a client is told is in environment variables, as `docs/clients.md` shows it.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import time

import pytest
import requests
from sdk import GENERATIONS

INSTANCE_SEED = """
[[vpcs]]
name = "net"
[[vswitches]]
name = "rack"
vpc_id = "@net"
zone_id = "cn-hangzhou-k"
cidr_block = "172.16.0.0/24"
[[security-groups]]
name = "group"
vpc_id = "@net"
[[instances]]
name = "node"
instance_type = "ecs.g7.large"
image_id = "aliyun_3_x64_20G_alibase_20240819.vhd"
vswitch_id = "@rack"
security_group_ids = ["@group"]
ram_role_name = "node-role"
"""


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A server that speaks TLS and believes only the keys of its file; what its ready file says."""
    files = tmp_path_factory.mktemp("secure")
    (files / "seed.toml").write_text(INSTANCE_SEED)
    (files / "keys.toml").write_text(
        '[[credential]]\naccess_key_id = "testid"\naccess_key_secret = "testsecret"\naccount = "1000000000000001"\n'
    )
    ready = files / "ready.json"
    arguments = ["--listen", "127.0.0.1:0", "--db", "memory", "--ready-file", ready, "--tls", "--state-dir", files / "state"]
    arguments += ["--seed", files / "seed.toml", "--credentials", files / "keys.toml"]
    with open(files / "log", "w") as log:
        server = subprocess.Popen([os.environ["CLOUDNET_BIN"], "serve", *arguments], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while not ready.exists():
            assert server.poll() is None and time.monotonic() < end, (files / "log").read_text()
            time.sleep(0.02)
        yield json.loads(ready.read_text())
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def trusted(secure, monkeypatch):
    """The server, whose authority this process trusts."""
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "ALIBABA_CLOUD_CA_BUNDLE"):
        monkeypatch.setenv(name, secure["ca"])
    return secure


@pytest.fixture
def proxied(trusted, monkeypatch):
    """The server, which this process uses as its proxy."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, trusted["url"])
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return trusted


def vpcs(sdk):
    """The names of the VPCs that an SDK sees."""
    return [vpc["VpcName"] for vpc in sdk.call("vpc", "DescribeVpcs")["Vpcs"]["Vpc"]]


def test_https_is_believed_with_the_authority(trusted, generation):
    sdk = GENERATIONS[generation](trusted["address"], "testid", "testsecret", protocol="https")
    assert vpcs(sdk) == ["net"]


def test_https_is_not_believed_without(secure):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(secure["https_url"] + "/healthz", timeout=30)


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_host_names_as_the_sdk_has_them(proxied, generation, protocol):
    # Through a proxy, the newer SDK takes its authority from its configuration alone.
    sdk = GENERATIONS[generation](None, "testid", "testsecret", protocol=protocol, ca=proxied["ca"])
    assert vpcs(sdk) == ["net"]


@pytest.mark.parametrize("url", ["http://example.com/", "https://example.com/"])
def test_the_proxy_leads_nowhere_else(proxied, url):
    try:
        status = requests.get(url, timeout=30).status_code
    except requests.exceptions.ProxyError as refused:
        status = 403 if "403" in str(refused) else str(refused)
    assert status == 403


def test_keys_of_a_role_from_the_metadata_address(proxied, monkeypatch):
    """The fixed address, the instance as user of the proxy, and a v1 signature with the token that came."""
    proxy = proxied["url"].replace("http://", "http://node:x@")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("http_proxy", proxy)
    base = "http://100.100.100.200/latest"
    asked = requests.put(f"{base}/api/token", headers={"X-aliyun-ecs-metadata-token-ttl-seconds": "60"}, timeout=30)
    assert asked.status_code == 200, asked.text
    headers = {"X-aliyun-ecs-metadata-token": asked.text}
    look = lambda item: requests.get(f"{base}/meta-data/{item}", headers=headers, timeout=30)
    assert look("region-id").text == "cn-hangzhou"
    role = look("ram/security-credentials/").text
    keys = look(f"ram/security-credentials/{role}").json()
    from aliyunsdkcore.auth.credentials import StsTokenCredential
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkvpc.request.v20160428.DescribeVpcsRequest import DescribeVpcsRequest

    of_role = StsTokenCredential(keys["AccessKeyId"], keys["AccessKeySecret"], keys["SecurityToken"])
    client = AcsClient(region_id="cn-hangzhou", credential=of_role, auto_retry=False)
    request = DescribeVpcsRequest()
    request.set_endpoint(proxied["address"])
    request.set_protocol_type("http")
    seen = json.loads(client.do_action_with_exception(request))
    assert [vpc["VpcName"] for vpc in seen["Vpcs"]["Vpc"]] == ["net"]


def lines_of_the_page(section):
    """The blocks of code under a heading of docs/clients.md, for the server that is judged."""
    page = pathlib.Path(__file__).parents[3].joinpath("docs", "clients.md").read_text()
    text = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    return [textwrap.dedent(block).replace("127.0.0.1:8080", os.environ["CLOUDNET_ENDPOINT"]) for block in blocks]


@pytest.mark.parametrize("block", [0, 1])
def test_the_lines_of_the_page_work_when_pasted(block):
    lines = lines_of_the_page("Python")[block]
    said = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip().isdigit() or json.loads(said.stdout)["RequestId"]
