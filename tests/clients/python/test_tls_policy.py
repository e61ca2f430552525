"""Policies of TLS: which versions and ciphers listeners of HTTPS speak."""

from web_tier import WebTier


def test_a_policy_of_tls_of_ones_own(cloud, refused):
    """A listener of HTTPS that speaks what the account allows, beside what the provider offers."""
    listed = lambda **filters: cloud.slb("ListTLSCipherPolicies", IncludeListener=True, **filters)["TLSCipherPolicies"]
    assert listed() == []
    modern = dict(TLSVersions=["TLSv1.2", "TLSv1.3"], Ciphers=["ECDHE-RSA-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"])
    policy = cloud.slb("CreateTLSCipherPolicy", Name="modern", **modern)["TLSCipherPolicyId"]
    (shown,) = listed()
    assert (shown["Name"], shown["TLSVersions"], shown["Ciphers"]) == ("modern", modern["TLSVersions"], modern["Ciphers"])
    certificate = cloud.slb("UploadServerCertificate", **WebTier.pem("server"))["ServerCertificateId"]
    lb = cloud.slb("CreateLoadBalancer", AddressType="internet", LoadBalancerSpec="slb.s1.small")["LoadBalancerId"]
    port = dict(LoadBalancerId=lb, ListenerPort=443)
    plain = dict(BackendServerPort=8080, Bandwidth=-1, HealthCheck="off", StickySession="off", ServerCertificateId=certificate)
    cloud.slb("CreateLoadBalancerHTTPSListener", TLSCipherPolicy=policy, **plain, **port)
    assert cloud.slb("DescribeLoadBalancerHTTPSListenerAttribute", **port)["TLSCipherPolicy"] == policy
    (shown,) = listed(TLSCipherPolicyId=policy)
    assert [(one["LoadBalancerId"], one["Port"]) for one in shown["RelateListeners"]] == [(lb, 443)]
    refused("TLSPolicyRelated", 400, cloud.slb, "DeleteTLSCipherPolicy", TLSCipherPolicyId=policy)
    old = dict(TLSVersions=["TLSv1.2"], Ciphers=["ECDHE-RSA-AES128-GCM-SHA256"])
    cloud.slb("SetTLSCipherPolicyAttribute", TLSCipherPolicyId=policy, Name="older", **old)
    (shown,) = listed(Name="older")
    assert (shown["TLSVersions"], shown["Ciphers"]) == tuple(old.values())
    cloud.slb("SetLoadBalancerHTTPSListenerAttribute", TLSCipherPolicy="tls_cipher_policy_1_2", **port)
    cloud.slb("DeleteTLSCipherPolicy", TLSCipherPolicyId=policy)
    assert listed() == []
