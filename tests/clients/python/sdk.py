"""Both generations of the published Python SDKs behind one way of calling them.

A call names the action and its parameters as the provider's reference spells them; answers come back as the SDK
decoded them, and a refusal as `Refused`. Nothing is configured but an endpoint, a protocol and a pair of keys; without an endpoint the SDK goes to
the provider's own host names.
"""

import importlib
import json

from alibabacloud_ecs20140526 import models as ecs_models
from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_slb20140515 import models as slb_models
from alibabacloud_slb20140515.client import Client as SlbClient
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from alibabacloud_vpc20160428 import models as vpc_models
from alibabacloud_vpc20160428.client import Client as VpcClient
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient

REGION = "cn-hangzhou"


class Refused(Exception):
    """The server said no."""

    def __init__(self, status, code, message, request_id):
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id


class NewGeneration:
    """alibabacloud-vpc20160428, -ecs20140526 and -slb20140515: ACS3-HMAC-SHA256, typed requests and answers."""

    def __init__(self, endpoint, key, secret="any", protocol="http", ca=None, region=REGION):
        config = dict(
            access_key_id=key, access_key_secret=secret, endpoint=endpoint, protocol=protocol, region_id=region, ca=ca
        )
        self._region = region
        self._clients = {
            "vpc": (VpcClient(Config(**config)), vpc_models),
            "ecs": (EcsClient(Config(**config)), ecs_models),
            "slb": (SlbClient(Config(**config)), slb_models),
        }

    def call(self, product, action, **parameters):
        """Calls an action; returns the answer's body."""
        client, models = self._clients[product]
        request = getattr(models, action + "Request")()
        if hasattr(request, "region_id"):
            parameters.setdefault("RegionId", self._region)
        request = type(request)().from_map(parameters)
        dropped = set(parameters) - set(request.to_map())
        assert not dropped, f"this SDK's {action} has no {dropped}"
        method = {name.replace("_", ""): name for name in dir(client)}[action.lower()]
        try:
            return getattr(client, method)(request).body.to_map()
        except AlibabaCloudException as e:
            # The SDK appends the request's id to the message and keeps the answer beside it.
            raise Refused(e.status_code, e.code, (e.data or {}).get("Message", e.message), e.request_id) from e


class OldCore:
    """aliyun-python-sdk-core with -vpc, -ecs and -slb: HMAC-SHA1 in the query, untyped answers."""

    PACKAGES = {
        "vpc": "aliyunsdkvpc.request.v20160428",
        "ecs": "aliyunsdkecs.request.v20140526",
        "slb": "aliyunsdkslb.request.v20140515",
    }

    def __init__(self, endpoint, key, secret="any", protocol="http", ca=None, region=REGION):
        # The authority is set by ALIBABA_CLOUD_CA_BUNDLE.
        self._endpoint = endpoint
        self._protocol = protocol
        self._client = AcsClient(key, secret, region, auto_retry=False)

    def call(self, product, action, **parameters):
        """Calls an action; returns the answer's body."""
        module = importlib.import_module(f"{self.PACKAGES[product]}.{action}Request")
        request = getattr(module, action + "Request")()
        for name, value in parameters.items():
            setter = getattr(request, f"set_{name}", None) or getattr(request, f"set_{name}s", None)
            assert setter, f"this SDK's {action} has no {name}"
            setter(value)
        if self._endpoint:
            request.set_endpoint(self._endpoint)
        request.set_protocol_type(self._protocol)
        try:
            return json.loads(self._client.do_action_with_exception(request))
        except ServerException as e:
            raise Refused(e.http_status, e.error_code, e.message, e.request_id) from e


GENERATIONS = {"new": NewGeneration, "old": OldCore}
