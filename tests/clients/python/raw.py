"""Requests written by hand, for what no SDK can be made to send: the older signature in all its forms, XML, odd methods."""

import base64
import hashlib
import hmac
import os
import uuid
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import requests

URL = os.environ["CLOUDNET_URL"]


def common(action, key="any", **parameters):
    """The parameters of a signed request, without the signature."""
    return {
        "Action": action,
        "Version": "2016-04-28",
        "Format": "JSON",
        "AccessKeyId": key,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid.uuid4().hex,
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "RegionId": "cn-hangzhou",
    } | {name: str(value) for name, value in parameters.items()}


def signature(method, parameters, secret):
    """HMAC-SHA1 over the sorted parameters of query and form, as the provider's reference describes it."""
    text = lambda value: quote(value, safe="-_.~")
    pairs = "&".join(f"{text(name)}={text(value)}" for name, value in sorted(parameters.items()))
    signed = "&".join([method, text("/"), text(pairs)])
    return base64.b64encode(hmac.new(f"{secret}&".encode(), signed.encode(), hashlib.sha1).digest()).decode()


def send(method, parameters, form=None, secret="any", url=URL, accept=None):
    """Signs and sends `parameters` in the query and `form` in the body."""
    everything = parameters | (form or {})
    query = parameters | {"Signature": signature(method, everything, secret)}
    headers = {"Accept": accept} if accept else {}
    return requests.request(method, f"{url}/?{urlencode(query)}", data=form, headers=headers, timeout=30)
