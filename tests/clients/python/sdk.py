"""Both generations of the published Python SDKs behind one way of calling them.

A call names the action and its parameters as the provider's reference spells them; answers come back as the SDK
decoded them, and a refusal as `Refused`. Nothing is configured but an endpoint, a protocol and a pair of keys; without
an endpoint the SDK goes to the provider's own host names.
"""

import importlib
import json

from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

REGION = "cn-hangzhou"
#: The version of each product, which both generations have in the names of their packages.
PRODUCTS = {
    "vpc": "20160428",
    "ecs": "20140526",
    "slb": "20140515",
    "vpcpeer": "20220101",
    "resourcemanager": "20200331",
    "bssopenapi": "20171214",
    "sts": "20150401",
    "location": "20150612",
}
#: No package of the older core was published for these.
UNTYPED = {"location"}


class Refused(Exception):
    """The server said no."""

    def __init__(self, status, code, message, request_id):
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id


class NewGeneration:
    """alibabacloud-vpc20160428 and its like: ACS3-HMAC-SHA256, typed requests and answers."""

    def __init__(self, endpoint, key, secret="any", protocol="http", ca=None, region=REGION):
        self._config = dict(
            access_key_id=key, access_key_secret=secret, endpoint=endpoint, protocol=protocol, region_id=region, ca=ca
        )
        self._region = region
        self._clients = {}

    def _product(self, product):
        """The client of a product, and the module of its requests."""
        if product not in self._clients:
            package = f"alibabacloud_{product}{PRODUCTS[product]}"
            client = importlib.import_module(f"{package}.client").Client(Config(**self._config))
            self._clients[product] = client, importlib.import_module(f"{package}.models")
        return self._clients[product]

    def call(self, product, action, **parameters):
        """Calls an action; returns the answer's body."""
        client, models = self._product(product)
        kind, asked = getattr(models, action + "Request", None), []
        if kind:
            request = kind()
            if hasattr(request, "region_id"):
                parameters.setdefault("RegionId", self._region)
            asked = [request.from_map(parameters)]
        dropped = set(parameters) - set(asked[0].to_map() if asked else ())
        assert not dropped, f"this SDK's {action} has no {dropped}"
        method = {name.replace("_", ""): name for name in dir(client)}[action.lower()]
        try:
            return getattr(client, method)(*asked).body.to_map()
        except AlibabaCloudException as e:
            # The SDK appends the request's id to the message and keeps the answer beside it.
            raise Refused(e.status_code, e.code, (e.data or {}).get("Message", e.message), e.request_id) from e


class OldCore:
    """aliyun-python-sdk-core with -vpc and its like: HMAC-SHA1 in the query, untyped answers."""

    def __init__(self, endpoint, key, secret="any", protocol="http", ca=None, region=REGION):
        # The authority is set by ALIBABA_CLOUD_CA_BUNDLE.
        self._endpoint = endpoint
        self._protocol = protocol
        self._client = AcsClient(key, secret, region, auto_retry=False)

    @staticmethod
    def _request(product, action, parameters):
        if product in UNTYPED:
            version = PRODUCTS[product]
            request = CommonRequest(product=product, version=f"{version[:4]}-{version[4:6]}-{version[6:]}", action_name=action)
            for name, value in parameters.items():
                request.add_query_param(name, value)
            return request
        module = importlib.import_module(f"aliyunsdk{product}.request.v{PRODUCTS[product]}.{action}Request")
        request = getattr(module, action + "Request")()
        for name, value in parameters.items():
            setter = getattr(request, f"set_{name}", None) or getattr(request, f"set_{name}s", None)
            assert setter, f"this SDK's {action} has no {name}"
            setter(value)
        return request

    def call(self, product, action, **parameters):
        """Calls an action; returns the answer's body."""
        request = self._request(product, action, parameters)
        if self._endpoint:
            request.set_endpoint(self._endpoint)
        request.set_protocol_type(self._protocol)
        try:
            return json.loads(self._client.do_action_with_exception(request))
        except ServerException as e:
            raise Refused(e.http_status, e.error_code, e.message, e.request_id) from e


GENERATIONS = {"new": NewGeneration, "old": OldCore}
