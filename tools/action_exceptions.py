"""What the published contract gets wrong, leaves out, or says in prose only. Every row has its reason.

The rule for a doubtful row: accept more. A range that refuses what the real service accepts breaks a client;
one that accepts too much leaves the decision to the core, which knows the documented code anyway.
"""

# (product, action or "*", parameter): changes to the generated parameter, and why. None removes a key.
# "Name[]" is the element of a list.
PARAMETERS = {
    ("Ecs", "DescribeInstanceTypes", "NvmeSupport"): (
        {"enum": ["required", "supported", "unsupported"]},
        "the reference page has three values; the metadata lost `supported`"),
    ("Ecs", "DescribeInstanceTypes", "CpuArchitecture"): (
        {"any_case": True}, "answers and clients write both `X86` and `x86`"),
    ("Ecs", "DescribeInstanceTypes", "CpuArchitectures[]"): (
        {"any_case": True}, "as CpuArchitecture"),
    ("Ecs", "DescribeInstanceTypes", "InstanceCategory"): (
        {"enum": None}, "families appear faster than the list of 2024-06 grows; an unknown one matches nothing"),
    ("Ecs", "DescribeInstanceTypes", "InstanceCategories[]"): (
        {"enum": None}, "as InstanceCategory"),
    ("Ecs", "DescribeSecurityGroupAttribute", "MaxResults"): (
        {"min": 1}, "the published minimum 10 is not on the reference page; small pages are useful in tests"),
    ("Ecs", "CreateInstance", "InternetMaxBandwidthIn"): (
        {"min": None, "max": None}, "the upper limit follows InternetMaxBandwidthOut, and 0 is sent by clients that want no public traffic"),
    ("Vpc", "DescribeRouteEntryList", "MaxResult"): (
        {"min": 1}, "a page of no entries never ends; the published range has no lower end"),
    ("Vpc", "ListTagResources", "MaxResults"): (
        {"min": 1}, "as DescribeRouteEntryList"),
    ("Vpc", "DescribeEipAddresses", "ChargeType"): (
        {"enum": ["PostPaid", "PrePaid"]}, "the reference page names the two, and the action documents the code for another"),
    ("Vpc", "ModifyNatGatewayAttribute", "EipBindMode"): (
        {"enum": ["MULTI_BINDED", "NAT"]}, "CreateNatGateway has two modes, MULTI_BINDED its default; the metadata lists one"),
    ("Slb", "CreateLoadBalancer", "Bandwidth"): (
        {"min": -1, "max": 5120},
        "the default -1 (no peak) is below the published minimum 1; the SDK and the listeners' pages have 5120 for 5000"),
    ("Slb", "ModifyLoadBalancerInstanceChargeType", "Bandwidth"): (
        {"min": -1, "max": 5120}, "as CreateLoadBalancer"),
    ("Slb", "ModifyLoadBalancerInternetSpec", "Bandwidth"): (
        {"min": -1, "max": 5120}, "as CreateLoadBalancer"),
    ("Slb", "DescribeLoadBalancers", "PageNumber"): (
        {"default": "1"}, "the default 0 is below the published minimum 1"),
    ("Slb", "DescribeLoadBalancerListeners", "MaxResults"): (
        {"min": 1, "max": 100}, "published as 0 to 101, which are the exclusive ends"),
    ("Slb", "CreateLoadBalancerTCPListener", "HealthCheckConnectPort"): (
        {"min": -520}, "-520 means the backend's own port, as for HTTP and HTTPS"),
    ("Slb", "CreateLoadBalancerUDPListener", "HealthCheckConnectPort"): ({"min": -520}, "as TCP"),
    ("Slb", "SetLoadBalancerTCPListenerAttribute", "HealthCheckConnectPort"): ({"min": -520}, "as TCP"),
    ("Slb", "SetLoadBalancerUDPListenerAttribute", "HealthCheckConnectPort"): ({"min": -520}, "as TCP"),
    ("Slb", "SetRule", "HealthCheckConnectPort"): ({"min": -520}, "as TCP"),
    ("Slb", "CreateLoadBalancerTCPListener", "ListenerPort"): (
        {"min": 1}, "0 is for listeners of a range of ports, which are not modelled; the action documents its code"),
    ("Slb", "CreateLoadBalancerUDPListener", "ListenerPort"): ({"min": 1}, "as TCP"),
}
_SECONDS = "the reference page's range, and the action documents the code for another value; the metadata has 9999"
PARAMETERS |= {("Slb", action, name): ({"max": most}, _SECONDS)
               for action in ("CreateLoadBalancerHTTPListener", "CreateLoadBalancerHTTPSListener",
                              "SetLoadBalancerHTTPListenerAttribute", "SetLoadBalancerHTTPSListenerAttribute")
               for name, most in (("IdleTimeout", 60), ("RequestTimeout", 180))}

# Rules that the core holds with a code of its own, which is documented for the action and says more than the mechanical
# check could: what the catalogue says of them is taken out, so that the core decides.
_TAGS = "the core counts tags with QuotaExceeded.TagNum, NumberExceed.Tags or what else the action documents"
_IDS = "the core counts resources with SizeLimitExceeded.ResourceId or NumberExceed.ResourceIds"
_ABSENT = "the core names what is absent: MissingParameter.ResourceIds, MissingParam.Tags and their like"
_GROUPS = "the core counts groups against the quota, which an account can have raised"
_BATCH = "the core counts instances with InvalidParameter.TooManyInstanceIds"
_ENTRIES = "the core counts entries with LimitExceed.Entry"
PARAMETERS |= {("Vpc", action, "Tag"): ({"max_items": None}, _TAGS) for action in (
    "CreateHaVip", "CreateIpv4Gateway", "CreateIpv6Gateway", "CreateNatGateway", "CreateNetworkAcl", "CreateRouteTable",
    "CreateVSwitch", "CreateVSwitchCidrReservation", "CreateVpc")}
PARAMETERS |= {("Ecs", action, "Tag"): ({"max_items": None}, _TAGS) for action in (
    "CreateInstance", "CreateNetworkInterface", "CreateSecurityGroup", "RunInstances")}
PARAMETERS |= {("Slb", action, "Tag"): ({"max_items": None}, _TAGS) for action in (
    "CreateAccessControlList", "CreateLoadBalancer", "CreateLoadBalancerHTTPListener",
    "CreateLoadBalancerHTTPSListener", "CreateLoadBalancerTCPListener", "CreateLoadBalancerUDPListener",
    "CreateMasterSlaveServerGroup", "CreateVServerGroup", "TagResources", "UploadCACertificate",
    "UploadServerCertificate")}
PARAMETERS |= {("Slb", action, "ResourceId"): ({"max_items": None}, _IDS) for action in (
    "ListTagResources", "TagResources", "UntagResources")}
PARAMETERS |= {(product, "TagResources", "Tag"): ({"max_items": None, "required": None}, _TAGS + "; " + _ABSENT)
               for product in ("Vpc", "Ecs")}
PARAMETERS |= {key: ({"max_items": None}, _TAGS) for key in (
    ("Vpc", "UnTagResources", "TagKey"), ("Ecs", "UntagResources", "TagKey"), ("Slb", "UntagResources", "TagKey"))}
PARAMETERS |= {key: ({"max_items": None, "required": None}, _IDS + "; " + _ABSENT) for key in (
    ("Vpc", "TagResources", "ResourceId"), ("Vpc", "UnTagResources", "ResourceId"),
    ("Ecs", "TagResources", "ResourceId"), ("Ecs", "UntagResources", "ResourceId"))}
PARAMETERS |= {key: ({"max_items": None}, _IDS) for key in (
    ("Vpc", "ListTagResources", "ResourceId"), ("Ecs", "ListTagResources", "ResourceId"))}
PARAMETERS |= {("Ecs", action, "InstanceId"): ({"max_items": None}, _BATCH) for action in (
    "DeleteInstances", "ModifyInstanceMaintenanceAttributes", "RebootInstances", "StartInstances", "StopInstances")}
PARAMETERS |= {("Ecs", action, "SecurityGroupIds"): ({"max_items": None}, _GROUPS) for action in (
    "CreateNetworkInterface", "ModifyInstanceAttribute", "RunInstances")}
PARAMETERS |= {
    ("Ecs", "CreatePrefixList", "Entry"): ({"max_items": None}, _ENTRIES),
    ("Ecs", "ModifyPrefixList", "AddEntry"): ({"max_items": None}, _ENTRIES),
    ("Ecs", "ModifyPrefixList", "RemoveEntry"): ({"max_items": None}, _ENTRIES),
    ("Ecs", "CreatePrefixList", "MaxEntries"): (
        {"min": None, "max": None}, "the core refuses it with LimitExceed.MaxEntries"),
}

# Lists whose published length is the first that is refused, as the reference pages show.
_EXCLUSIVE = "the published maximum is the first number that is refused"
PARAMETERS |= {
    ("Ecs", "DescribePrefixLists", "PrefixListId"): ({"max_items": 100}, _EXCLUSIVE),
    ("Ecs", "ListTagResources", "Tag"): ({"max_items": 20}, _EXCLUSIVE),
    ("Vpc", "DescribeIpv6Addresses", "Tag"): ({"max_items": 20}, _EXCLUSIVE),
    ("Vpc", "DescribeNetworkAcls", "Tags"): ({"max_items": 20}, _EXCLUSIVE),
    ("Vpc", "DescribeRouteTableList", "Tag"): ({"max_items": 20}, _EXCLUSIVE),
    ("Vpc", "ListTagResources", "Tag"): ({"max_items": 20}, _EXCLUSIVE),
    ("Slb", "ListTagResources", "Tag"): ({"max_items": 20}, _EXCLUSIVE),
}

# Choices that the reference pages list and the metadata leaves to prose; each action documents a code for the rest.
_CHOICE = "the reference page lists the values, and the action documents a code for every other"
_PAID = {"enum": ["PrePaid", "PostPaid"], "any_case": True}
_LANGUAGE = {"enum": ["zh-CN", "en-US", "ja"], "any_case": True}
_SPOT = {"enum": ["NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo"], "any_case": True}
PARAMETERS |= {
    ("Ecs", "DescribeRegions", "AcceptLanguage"): (_LANGUAGE, _CHOICE),
    ("Ecs", "DescribeRegions", "InstanceChargeType"): (_PAID, _CHOICE),
    ("Ecs", "DescribeRegions", "ResourceType"): (
        {"enum": ["instance", "disk", "reservedinstance", "scu"], "any_case": True}, _CHOICE),
    ("Ecs", "DescribeZones", "AcceptLanguage"): (_LANGUAGE, _CHOICE),
    ("Ecs", "DescribeZones", "InstanceChargeType"): (_PAID, _CHOICE),
    ("Ecs", "DescribeZones", "SpotStrategy"): (_SPOT, _CHOICE),
    ("Ecs", "DescribeAvailableResource", "DestinationResource"): (
        {"enum": ["Zone", "IoOptimized", "InstanceType", "Network", "ddh", "SystemDisk", "DataDisk"], "any_case": True},
        _CHOICE),
    ("Ecs", "DescribeAvailableResource", "InstanceChargeType"): (_PAID, _CHOICE),
    ("Ecs", "DescribeAvailableResource", "IoOptimized"): ({"enum": ["none", "optimized"], "any_case": True}, _CHOICE),
    ("Ecs", "DescribeAvailableResource", "NetworkCategory"): ({"enum": ["vpc", "classic"], "any_case": True}, _CHOICE),
    ("Ecs", "DescribeAvailableResource", "ResourceType"): (
        {"enum": ["instance", "disk", "reservedinstance", "ddh"], "any_case": True}, _CHOICE),
    ("Ecs", "DescribeAvailableResource", "Scope"): ({"enum": ["Region", "Zone"], "any_case": True}, _CHOICE),
    ("Ecs", "DescribeAvailableResource", "SpotStrategy"): (_SPOT, _CHOICE),
    ("Ecs", "DescribeImages", "Architecture"): ({"enum": ["i386", "x86_64", "arm64"], "any_case": True}, _CHOICE),
    ("Ecs", "DescribeImages", "ImageOwnerAlias"): (
        {"enum": ["system", "self", "others", "marketplace"], "any_case": True}, _CHOICE),
    ("Ecs", "DescribeImages", "OSType"): ({"enum": ["windows", "linux"], "any_case": True}, _CHOICE),
    ("Ecs", "DescribeImages", "Usage"): ({"enum": ["instance", "none"], "any_case": True}, _CHOICE),
}

PARAMETERS[("Slb", "RemoveBackendServers", "BackendServers[]")] = (
    {"text_is": "ServerId"}, "earlier reference pages, the Go SDK's tests and older Terraform providers send the ids alone")

_SWITCHED = {"CreateLoadBalancerTCPListener": "IllegalParam.HealthCheck",
             "CreateLoadBalancerUDPListener": "IllegalParam.HealthCheck",
             "SetLoadBalancerTCPListenerAttribute": "InvalidParam.HealthCheck",
             "SetLoadBalancerUDPListenerAttribute": "IllegalParam.HealthCheck"}
PARAMETERS |= {("Slb", action, "HealthCheckSwitch"): ({"enum": ["on", "off"]}, _CHOICE) for action in _SWITCHED}
PARAMETERS |= {("Slb", action, "HealthCheckMethod"): ({"enum": ["head", "get"]}, _CHOICE) for action in (
    "CreateLoadBalancerUDPListener", "SetLoadBalancerUDPListenerAttribute")}

_CATEGORIES = ["all", "cloud", "cloud_auto", "cloud_efficiency", "cloud_essd", "cloud_essd_entry", "cloud_regional_disk_auto",
               "cloud_ssd", "elastic_ephemeral_disk_premium", "elastic_ephemeral_disk_standard", "ephemeral", "ephemeral_ssd",
               "local_hdd_pro", "local_ssd_pro"]
_LOCKS = {"enum": ["financial", "security", "recycling", "dedicatedhostfinancial", "refunded"], "any_case": True}
PARAMETERS |= {
    ("Ecs", "DescribeDisks", "Category"): ({"enum": _CATEGORIES, "any_case": True}, _CHOICE),
    ("Ecs", "DescribeDisks", "LockReason"): (_LOCKS, _CHOICE),
    ("Ecs", "DescribeInstances", "LockReason"): (_LOCKS, _CHOICE),
    ("Ecs", "DescribeInstances", "InstanceChargeType"): (_PAID, _CHOICE),
    ("Ecs", "CreateInstance", "PeriodUnit"): ({"enum": ["Week", "Month", "Year"], "any_case": True}, _CHOICE),
}
# The metadata service, whose limit of hops the core checks with the documented code.
_METADATA = ("CreateInstance", "ModifyInstanceMetadataOptions", "RunInstances")
PARAMETERS |= {key: changes for action in _METADATA for key, changes in {
    ("Ecs", action, "HttpEndpoint"): ({"enum": ["enabled", "disabled"], "any_case": True}, _CHOICE),
    ("Ecs", action, "HttpTokens"): ({"enum": ["optional", "required"], "any_case": True}, _CHOICE),
}.items()}
# Disks: taken, and without effect here.
PARAMETERS |= {("Ecs", action, "IoOptimized"): ({"enum": ["none", "optimized"], "any_case": True}, _CHOICE)
               for action in ("CreateInstance", "RunInstances")}

# (product, action, parameter): which documented code each mechanical rule of the parameter has, where its name does not tell.
CODES = {
    ("Ecs", "DescribeInstanceAutoRenewAttribute", "PageNumber"): {"malformed": "InvalidParameter.PageNumber"},
    ("Ecs", "DescribeInstanceAutoRenewAttribute", "PageSize"): {"malformed": "InvalidParameter.PageSize"},
    ("Ecs", "DescribeInstanceMaintenanceAttributes", "InstanceId"): {"value": "InstanceIdLimitExceeded"},
    ("Ecs", "DescribeAvailableResource", "DestinationResource"): {"missing": "Invalid.Param"},
    ("Ecs", "DescribeSecurityGroupReferences", "SecurityGroupId"): {
        "missing": "InvalidSecurityGroupId.Malformed", "value": "InvalidSecurityGroupId.Malformed"},
    ("Ecs", "DescribeNetworkInterfaces", "PageNumber"): {"malformed": "InvalidOperation.InvalidEniPageNumber"},
    ("Ecs", "CreateNetworkInterface", "QueueNumber"): {"malformed": "InvalidParameter.InvalidEniQueueNumber"},
    ("Ecs", "ModifyNetworkInterfaceAttribute", "QueueNumber"): {"malformed": "InvalidParameter.InvalidEniQueueNumber"},
    ("Ecs", "ModifyInstanceAttribute", "NetworkInterfaceQueueNumber"): {
        "malformed": "InvalidParameter.InvalidEniQueueNumber"},
    ("Ecs", "RunInstances", "NetworkInterfaceQueueNumber"): {"malformed": "InvalidParameter.InvalidEniQueueNumber"},
    ("Slb", "DescribeLoadBalancerListeners", "LoadBalancerId"): {"value": "IllegalParamSize.LoadBalancerId"},
    ("Slb", "ListTagResources", "Tag"): {"value": "SizeLimitExceeded.Tag"},
    ("Vpc", "DescribeVpcs", "VpcOwnerId"): {"malformed": "IllegalParam.OwnerId"},
    ("Vpc", "DescribeVSwitches", "VSwitchOwnerId"): {"malformed": "IllegalParam.OwnerId"},
}
CODES |= {key: codes for action in _METADATA for key, codes in {
    ("Ecs", action, "HttpEndpoint"): {"value": "InvalidHttpEndpoint.NotSupported"},
    ("Ecs", action, "HttpTokens"): {"value": "InvalidHttpTokens.NotSupported"},
    ("Ecs", action, "HttpPutResponseHopLimit"): {
        "value": "InvalidHttpPutResponseHopLimit.NotSupported",
        "malformed": "InvalidHttpPutResponseHopLimit.NotSupported"},
}.items()}
CODES |= {("Ecs", action, "IoOptimized"): {"value": "InvalidIoOptimizedValue.ValueNotSupported"}
          for action in ("CreateInstance", "RunInstances")}
CODES |= {
    ("Ecs", "ModifyInstanceSpec", "InternetMaxBandwidthIn"): {
        "value": "InvalidParameter.Bandwidth", "malformed": "InvalidParameter.Bandwidth"},
    ("Ecs", "ModifyInstanceSpec", "InternetMaxBandwidthOut"): {"malformed": "InvalidParameter"},
    ("Ecs", "ModifyInstanceChargeType", "InstanceIds"): {
        "value": "InvalidParameter.InstanceIds", "malformed": "InvalidParameter.InstanceIds"},
}

CODES |= {("Slb", action, "HealthCheckSwitch"): {"value": code} for action, code in _SWITCHED.items()}
CODES |= {("Slb", action, "TLSVersions"): {"missing": "MissingParam.TlsVersions"} for action in (
    "CreateTLSCipherPolicy", "SetTLSCipherPolicyAttribute")}

# (product, action): codes that the product's common error table gives to it and its own page leaves out.
MORE_CODES = {
    ("Slb", "DeleteServerCertificate"): ["ServerCertificateId.NotFound"],
    ("Slb", "DeleteCACertificate"): ["CACertificateId.NotFound"],
    ("Slb", "DeleteLoadBalancerListener"): ["ServiceIsStopping"],
    ("Slb", "StartLoadBalancerListener"): ["ServiceIsStopping"],
    ("Slb", "StopLoadBalancerListener"): ["ServiceIsStopping"],
    ("Slb", "DeleteVServerGroup"): ["VServerGroupProcessing"],
}
_GROUP_WRITES = ("ModifyVServerGroupBackendServers", "RemoveBackendServers", "RemoveVServerGroupBackendServers",
                 "SetBackendServers", "SetVServerGroupAttribute")
MORE_CODES |= {("Slb", action): ["ActionNotAllowed"] for action in (
    "CreateDomainExtension", "DeleteDomainExtension", "SetDomainExtensionAttribute",
    "AddBackendServers", "AddVServerGroupBackendServers", "CreateLoadBalancerHTTPListener",
    "CreateLoadBalancerHTTPSListener", "CreateLoadBalancerTCPListener", "CreateLoadBalancerUDPListener",
    "CreateMasterSlaveServerGroup", "CreateVServerGroup", "DeleteMasterSlaveServerGroup", "DeleteVServerGroup",
    "ModifyVServerGroupBackendServers", "RemoveBackendServers",
    "SetBackendServers", "SetLoadBalancerDeleteProtection", "SetLoadBalancerHTTPSListenerAttribute",
    "SetLoadBalancerName", "SetLoadBalancerTCPListenerAttribute", "SetLoadBalancerUDPListenerAttribute",
    "SetVServerGroupAttribute")}

for action in _GROUP_WRITES:
    MORE_CODES[("Slb", action)] = MORE_CODES.get(("Slb", action), []) + ["ServiceIsConfiguring"]
MORE_CODES[("Slb", "DeleteVServerGroup")] += ["VServerGroupProcessing"]

# What the common table has for members of pools and the actions' own tables leave out.
_BACKEND_LISTS = {"AddBackendServers": ["BackendServers"], "AddVServerGroupBackendServers": ["BackendServers"],
                  "CreateVServerGroup": ["BackendServers"], "RemoveBackendServers": ["BackendServers"],
                  "RemoveVServerGroupBackendServers": ["BackendServers"], "SetBackendServers": ["BackendServers"],
                  "SetVServerGroupAttribute": ["BackendServers"],
                  "ModifyVServerGroupBackendServers": ["NewBackendServers", "OldBackendServers"]}
_UNWEIGHED = ("RemoveBackendServers", "RemoveVServerGroupBackendServers")
for action in _BACKEND_LISTS:
    MORE_CODES[("Slb", action)] = MORE_CODES.get(("Slb", action), []) + ["BackendServersMalformed"] + (
        [] if action in _UNWEIGHED else ["InvalidWeight.Malformed"])
MORE_CODES[("Slb", "DescribeHealthStatus")] = ["CheckedListenerNotFound"]
CODES |= {("Slb", action, name): {"malformed": "BackendServersMalformed"}
          for action, names in _BACKEND_LISTS.items() for name in names}

# (product, action, code): the status that it has, where the published one cannot be.
_COMMON = "that of the common table"
STATUSES = {
    ("Slb", "DescribeHealthStatus", "CheckedListenerNotFound"): (404, _COMMON),
    ("Vpc", "DescribeVSwitchAttributes", "InvalidVSwitchId.NotFound"): (
        404, "the Terraform provider waits so for a vSwitch to be gone, and ends that wait only at a 404"),
}
STATUSES |= {("Slb", action, "BackendServersMalformed"): (400, _COMMON) for action in _BACKEND_LISTS}
STATUSES |= {("Slb", action, "InvalidWeight.Malformed"): (400, _COMMON) for action in _BACKEND_LISTS
             if action not in _UNWEIGHED}

def _texts(names):
    return {name: {"type": "string"} for name in names.split()}


# Members of a backend server. The reference pages document all but the last four, which the cloud controller manager sends;
# of ServerRegionId only the codes tell (BackendServer.ServerRegionIdNotEqual). The Terraform provider sends IsBackup, which
# ServerType replaced.
_BACKEND = _texts("Description Port ServerId ServerIp ServerRegionId Type Weight Invalid IsUserManaged NodeName") | {
    "TargetRef": {"type": "object", "fields": {}}}
# Members of a new forwarding rule: what SetRule takes of one.
_RULE = _texts("RuleName Domain Url VServerGroupId ListenerSync Scheduler StickySession StickySessionType CookieTimeout Cookie "
               "HealthCheck HealthCheckConnectPort HealthCheckDomain HealthCheckHttpCode HealthCheckInterval "
               "HealthCheckMethod HealthCheckTimeout HealthCheckURI HealthyThreshold UnhealthyThreshold")

# Strings that carry a JSON array: the metadata types them as plain strings. (product, parameter): the type of an element or
# the members of an object, most elements. The limits of 100 are those of the ECS reference pages.
JSON_LISTS = {
    ("Ecs", "DiskIds"): ("string", 100),
    ("Ecs", "EipAddresses"): ("string", 100),
    ("Ecs", "InnerIpAddresses"): ("string", 100),
    ("Ecs", "InstanceIds"): ("string", 100),
    ("Ecs", "PrivateIpAddresses"): ("string", 100),
    ("Ecs", "PublicIpAddresses"): ("string", 100),
    ("Ecs", "RdmaIpAddresses"): ("string", 100),
    ("Ecs", "SecurityGroupIds"): ("string", 100),
    ("Slb", "AclEntrys"): (_texts("comment entry"), None),
    ("Slb", "BackendServers"): (_BACKEND, None),
    ("Slb", "MasterSlaveBackendServers"): (_BACKEND | _texts("IsBackup ServerType"), None),
    ("Slb", "NewBackendServers"): (_BACKEND, None),
    ("Slb", "OldBackendServers"): (_BACKEND, None),
    ("Slb", "RuleIds"): ("string", None),
    ("Slb", "RuleList"): (_RULE, None),
    ("Slb", "Tags"): (_texts("Key TagKey TagValue Value"), None),
}

# Published answers show these headers, and SDKs before the newest send them.
_CLIENT_CERTIFICATE = {f"XForwardedFor_ClientCert{part}": "string"
                       for part in ("ClientVerify", "Fingerprint", "IssuerDN", "SubjectDN")}

# Parameters that unmodified clients send and no description has: known, so they raise no warning.
UNDOCUMENTED = {
    ("Slb", "CreateLoadBalancer"): {"Tags": "string"},
    ("Slb", "CreateLoadBalancerHTTPSListener"): _CLIENT_CERTIFICATE,
    ("Slb", "SetLoadBalancerHTTPSListenerAttribute"): _CLIENT_CERTIFICATE,
    ("Slb", "CreateLoadBalancerTCPListener"): {"HealthCheckInterval": "integer"},
    ("Slb", "CreateLoadBalancerUDPListener"): {
        "ConnectionDrain": "string", "ConnectionDrainTimeout": "integer", "HealthCheckDomain": "string",
        "HealthCheckHttpCode": "string", "HealthCheckInterval": "integer", "HealthCheckMethod": "string",
        "HealthCheckType": "string", "HealthCheckURI": "string", "PersistenceTimeout": "integer"},
    ("Slb", "SetLoadBalancerUDPListenerAttribute"): {
        "ConnectionDrain": "string", "ConnectionDrainTimeout": "integer", "HealthCheckDomain": "string",
        "HealthCheckHttpCode": "string", "HealthCheckMethod": "string", "HealthCheckType": "string",
        "HealthCheckURI": "string", "PersistenceTimeout": "integer"},
}

# Actions outside the two sources, from the provider's published SDKs and its CLI metadata.
EXTRA_ACTIONS = {
    "Sts/2015-04-01/GetCallerIdentity": {
        "kind": "read", "params": {},
        "answer": {"AccountId": "string", "Arn": "string", "IdentityType": "string", "PrincipalId": "string",
                   "RequestId": "string", "RoleId": "string", "UserId": "string"}},
    "ResourceManager/2020-03-31/ListResourceGroups": {
        "kind": "read",
        "params": {"DisplayName": "string", "IncludeTags": "boolean", "Name": "string", "PageNumber": "integer",
                   "PageSize": "integer", "ResourceGroupId": "string", "ResourceGroupIds": ["string"],
                   "Status": "string", "Tag": [{"Key": "string", "Value": "string"}]},
        "answer": {"PageNumber": "integer", "PageSize": "integer", "RequestId": "string",
                   "ResourceGroups": {"ResourceGroup": [{
                       "AccountId": "string", "CreateDate": "string", "DisplayName": "string", "Id": "string",
                       "Name": "string", "Status": "string",
                       "Tags": {"Tag": [{"TagKey": "string", "TagValue": "string"}]}}]},
                   "TotalCount": "integer"}},
    "BssOpenApi/2017-12-14/QueryAvailableInstances": {
        "kind": "read",
        "params": {"CreateTimeEnd": "string", "CreateTimeStart": "string", "EndTimeEnd": "string",
                   "EndTimeStart": "string", "InstanceIDs": "string", "PageNum": "integer", "PageSize": "integer",
                   "ProductCode": "string", "ProductType": "string", "Region": "string", "RenewStatus": "string",
                   "SubscriptionType": "string"},
        "answer": {"Code": "string", "Message": "string", "RequestId": "string", "Success": "boolean",
                   "Data": {"PageNum": "integer", "PageSize": "integer", "TotalCount": "integer", "InstanceList": [{
                       "CreateTime": "string", "EndTime": "string", "ExpectedReleaseTime": "string",
                       "InstanceID": "string", "OwnerId": "integer", "ProductCode": "string",
                       "ProductType": "string", "Region": "string", "ReleaseTime": "string",
                       "RenewStatus": "string", "RenewalDuration": "integer", "RenewalDurationUnit": "string",
                       "Seller": "string", "SellerId": "integer", "Status": "string", "StopTime": "string",
                       "SubStatus": "string", "SubscriptionType": "string"}]}}},
}
