"""The protocol itself: signatures, methods, formats, tokens, dry runs, and what an unknown thing is called."""

import json
import os
import subprocess
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from conftest import ZONE
from raw import common, send, signature
from sdk import GENERATIONS

KEY, SECRET = "LTAI5tSigned", "a secret/with+odd=characters"


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A second server, which knows one key and believes only its signatures; its URL."""
    files = tmp_path_factory.mktemp("strict")
    (files / "keys.toml").write_text(
        f'[[credential]]\naccess_key_id = "{KEY}"\naccess_key_secret = "{SECRET}"\naccount = "1000000000000007"\n'
        f'bearer_token = "a-bearer-token"\n'
    )
    ready = files / "ready.json"
    arguments = ["--listen", "127.0.0.1:0", "--db", "memory", "--ready-file", ready, "--credentials", files / "keys.toml"]
    with open(files / "log", "w") as log:
        server = subprocess.Popen([os.environ["CLOUDNET_BIN"], "serve", *arguments], stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while not ready.exists():
            assert server.poll() is None and time.monotonic() < end, (files / "log").read_text()
            time.sleep(0.02)
        yield json.loads(ready.read_text())["url"]
    finally:
        server.terminate()
        server.wait(30)


class TestSignatures:
    """A server with a credentials file."""

    def test_the_sdk_is_believed(self, strict, generation):
        sdk = GENERATIONS[generation](strict.removeprefix("http://"), KEY, SECRET)
        made = sdk.call("vpc", "CreateVpc", VpcName="a b*c~d/é", Tag=[{"Key": "k 1", "Value": "v+1"}, {"Key": "k2", "Value": ""}])
        (shown,) = sdk.call("vpc", "DescribeVpcs", VpcId=made["VpcId"])["Vpcs"]["Vpc"]
        assert shown["VpcName"] == "a b*c~d/é"
        assert {(t["Key"], t["Value"]) for t in shown["Tags"]["Tag"]} == {("k 1", "v+1"), ("k2", "")}

    def test_another_secret_is_not(self, strict, generation, refused):
        sdk = GENERATIONS[generation](strict.removeprefix("http://"), KEY, "another")
        # The old core compares the string to sign with its own and concludes that the secret is wrong.
        code = {"new": "SignatureDoesNotMatch", "old": "InvalidAccessKeySecret"}[generation]
        refused(code, 400, sdk.call, "vpc", "DescribeVpcs")

    def test_another_key_is_not(self, strict, generation, refused):
        sdk = GENERATIONS[generation](strict.removeprefix("http://"), "LTAI5tStranger", SECRET)
        refused("InvalidAccessKeyId.NotFound", 404, sdk.call, "vpc", "DescribeVpcs")

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_hmac_sha1_in_the_query(self, strict, method):
        answer = send(method, common("DescribeVpcs", KEY), secret=SECRET, url=strict)
        assert answer.status_code == 200, answer.text

    def test_hmac_sha1_with_a_form(self, strict):
        everything = common("CreateVpc", KEY)
        answer = send("POST", everything, form={"VpcName": "of the form"}, secret=SECRET, url=strict)
        assert answer.status_code == 200, answer.text
        assert answer.json()["VpcId"].startswith("vpc-")

    def test_a_changed_parameter_is_noticed(self, strict):
        parameters = common("DescribeVpcs", KEY)
        parameters["Signature"] = signature("GET", parameters, SECRET)
        answer = requests.get(strict + "/", params=parameters | {"PageSize": "50"}, timeout=30)
        assert (answer.status_code, answer.json()["Code"]) == (400, "SignatureDoesNotMatch")

    def test_a_nonce_serves_once(self, strict):
        parameters = common("DescribeVpcs", KEY)
        assert send("GET", parameters, secret=SECRET, url=strict).status_code == 200
        again = send("GET", parameters, secret=SECRET, url=strict)
        assert (again.status_code, again.json()["Code"]) == (400, "SignatureNonceUsed")

    def test_an_old_timestamp_is_refused(self, strict):
        answer = send("GET", common("DescribeVpcs", KEY, Timestamp="2020-01-01T00:00:00Z"), secret=SECRET, url=strict)
        assert (answer.status_code, answer.json()["Code"]) == (400, "InvalidTimeStamp.Expired")

    def test_the_native_wire_wants_the_bearer_token(self, strict):
        assert requests.get(strict + "/v1/vpcs", timeout=30).status_code == 401
        headers = {"Authorization": "Bearer a-bearer-token"}
        assert requests.get(strict + "/v1/vpcs", headers=headers, timeout=30).status_code == 200


def test_without_a_credentials_file_any_signature_passes():
    answer = send("GET", common("DescribeVpcs"), secret="wrong")
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_get_and_post_make_the_same(method):
    answer = send(method, common("CreateVpc", key="w-default-a-1999999999990001", VpcName=method))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"


def test_an_answer_in_xml():
    key = "w-default-a-1999999999990002"
    made = send("POST", common("CreateVpc", key, Format="XML"))
    assert made.status_code == 200
    assert made.headers["Content-Type"].startswith("text/xml")
    root = xml.fromstring(made.content)
    assert root.tag == "CreateVpcResponse"
    vpc = root.findtext("VpcId")
    listed = xml.fromstring(send("GET", common("DescribeVpcs", key, Format="XML")).content)
    assert listed.tag == "DescribeVpcsResponse"
    assert [v.findtext("VpcId") for v in listed.find("Vpcs").findall("Vpc")] == [vpc]
    assert listed.findtext("TotalCount") == "1"


def test_a_refusal_in_xml():
    answer = send("GET", common("DescribeVpcAttribute", Format="XML", VpcId="vpc-nothing"))
    assert answer.status_code == 404
    root = xml.fromstring(answer.content)
    assert root.tag == "Error"
    assert root.findtext("Code") == "InvalidVpcId.NotFound"
    assert root.findtext("RequestId")


def test_a_refusal_has_five_texts():
    body = send("GET", common("DescribeVpcAttribute", VpcId="vpc-nothing")).json()
    assert set(body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert all(isinstance(value, str) for value in body.values())


def test_an_unknown_action_and_version():
    action = send("GET", common("DescribeNothing"))
    assert (action.status_code, action.json()["Code"]) == (404, "InvalidAction.NotFound")
    version = send("GET", common("DescribeVpcs", Version="2000-01-01"))
    assert (version.status_code, version.json()["Code"]) == (404, "InvalidVersion")


def test_a_missing_parameter_is_named():
    answer = send("GET", common("DescribeVpcAttribute"))
    assert answer.status_code == 400
    assert answer.json()["Code"].startswith("Missing")
    assert "VpcId" in answer.json()["Code"] + answer.json()["Message"]


def test_an_unknown_world_is_never_made():
    answer = send("GET", common("DescribeVpcs", key="w-nowhere"))
    assert (answer.status_code, answer.json()["Code"]) == (404, "InvalidAccessKeyId.NotFound")


def test_an_unknown_parameter_is_warned_of():
    answer = send("GET", common("DescribeVpcs", NoSuchParameter="x"))
    assert answer.status_code == 200
    assert answer.headers["X-Cloudnet-Unknown-Parameters"] == "NoSuchParameter"


def test_a_token_gives_the_first_answer_again(cloud, refused):
    first = cloud.vpc("CreateVpc", ClientToken="token-1", VpcName="once")
    again = cloud.vpc("CreateVpc", ClientToken="token-1", VpcName="once")
    assert again["VpcId"] == first["VpcId"]
    assert again["RequestId"] != first["RequestId"]
    assert cloud.vpc("DescribeVpcs")["TotalCount"] == 1
    with pytest.raises(Exception) as caught:
        cloud.vpc("CreateVpc", ClientToken="token-1", VpcName="twice")
    assert caught.value.status == 400
    assert "Idempotent" in caught.value.code
    assert cloud.vpc("DescribeVpcs")["TotalCount"] == 1


def test_a_token_under_load_makes_one(cloud):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cloud.vpc("CreateVpc", ClientToken="storm")["VpcId"], range(32)))
    assert len(set(answers)) == 1
    assert cloud.vpc("DescribeVpcs")["TotalCount"] == 1


def test_a_refusal_binds_no_token(cloud, refused):
    vpc = cloud.new_vpc()
    wrong = dict(VpcId=vpc, ZoneId=ZONE, CidrBlock="11.0.0.0/24", ClientToken="retry")
    refused("InvalidParameter", 400, cloud.vpc, "CreateVSwitch", **wrong)
    assert cloud.vpc("CreateVSwitch", **wrong | {"CidrBlock": "10.0.0.0/24"})["VSwitchId"].startswith("vsw-")


def test_a_dry_run_changes_nothing():
    key = "w-default-a-1999999999990003"
    passed = send("POST", common("CreateVpc", key, DryRun="true"))
    assert (passed.status_code, passed.json()["Code"]) == (400, "DryRunOperation")
    failed = send("POST", common("CreateVpc", key, DryRun="true", CidrBlock="ten"))
    assert (failed.status_code, failed.json()["Code"]) == (400, "InvalidParameter")
    assert send("GET", common("DescribeVpcs", key)).json()["TotalCount"] == 0


def test_a_booleans_spelling_is_free():
    key = "w-default-a-1999999999990004"
    for text in ("true", "True", "false", "False"):
        made = send("POST", common("CreateVpc", key, EnableIpv6=text)).json()["VpcId"]
        shown = send("GET", common("DescribeVpcAttribute", key, VpcId=made)).json()
        assert shown["EnabledIpv6"] is (text.lower() == "true")
    wrong = send("POST", common("CreateVpc", key, EnableIpv6="maybe"))
    assert (wrong.status_code, wrong.json()["Code"]) == (400, "IllegalParam.EnableIpv6")
