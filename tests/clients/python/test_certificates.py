"""Certificates, the policies of TLS, and lists of clients: what listeners of a region share."""

import json

from web_tier import CERTIFICATES, WebTier


def test_a_certificate_is_uploaded_renamed_and_deleted(cloud, refused):
    made = cloud.slb("UploadServerCertificate", **WebTier.pem("server"), ServerCertificateName="www")
    certificate = made["ServerCertificateId"]
    assert made["Fingerprint"].count(":") in (19, 31)
    cloud.slb("SetServerCertificateName", ServerCertificateId=certificate, ServerCertificateName="shop")
    look = lambda: cloud.slb("DescribeServerCertificates")["ServerCertificates"]["ServerCertificate"]
    (shown,) = look()
    assert (shown["ServerCertificateId"], shown["ServerCertificateName"]) == (certificate, "shop")
    assert shown["Fingerprint"] == made["Fingerprint"] and "PrivateKey" not in json.dumps(shown)
    cloud.slb("DeleteServerCertificate", ServerCertificateId=certificate)
    assert look() == []
    refused("ServerCertificateId.NotFound", 404, cloud.slb, "DeleteServerCertificate", ServerCertificateId=certificate)


def test_clients_are_asked_for_certificates(cloud, refused):
    """A listener of HTTPS that takes only clients whom an authority vouches for."""
    authority = cloud.slb(
        "UploadCACertificate", CACertificate=(CERTIFICATES / "ca.pem").read_text(), CACertificateName="office"
    )["CACertificateId"]
    cloud.slb("SetCACertificateName", CACertificateId=authority, CACertificateName="partners")
    (shown,) = cloud.slb("DescribeCACertificates", CACertificateId=authority)["CACertificates"]["CACertificate"]
    assert shown["CACertificateName"] == "partners"
    certificate = cloud.slb("UploadServerCertificate", **WebTier.pem("server"))["ServerCertificateId"]
    lb = cloud.slb("CreateLoadBalancer", AddressType="internet", LoadBalancerSpec="slb.s1.small")["LoadBalancerId"]
    port = dict(LoadBalancerId=lb, ListenerPort=443)
    cloud.slb(
        "CreateLoadBalancerHTTPSListener",
        BackendServerPort=8080,
        Bandwidth=-1,
        HealthCheck="off",
        StickySession="off",
        ServerCertificateId=certificate,
        CACertificateId=authority,
        **port,
    )
    assert cloud.slb("DescribeLoadBalancerHTTPSListenerAttribute", **port)["CACertificateId"] == authority
    used = dict(CACertificateId=authority)
    refused("CertificateAndPrivateKeyIsRefered", 400, cloud.slb, "DeleteCACertificate", **used)
    cloud.slb("DeleteLoadBalancerListener", **port)
    cloud.slb("DeleteCACertificate", **used)
    assert cloud.slb("DescribeCACertificates")["CACertificates"]["CACertificate"] == []


def test_policies_of_tls(cloud):
    """Those of the provider are there for every listener; an account begins with none of its own."""
    assert cloud.slb("ListTLSCipherPolicies", IncludeListener=True)["TLSCipherPolicies"] == []


def test_a_list_of_clients(cloud, refused):
    acl = cloud.slb("CreateAccessControlList", AclName="offices", AddressIPVersion="ipv4")["AclId"]
    entries = [{"entry": "10.0.0.0/8", "comment": "inside"}, {"entry": "47.1.2.3", "comment": "office"}]
    cloud.slb("AddAccessControlListEntry", AclId=acl, AclEntrys=json.dumps(entries))
    cloud.slb("SetAccessControlListAttribute", AclId=acl, AclName="partners")
    find = lambda name: [one["AclId"] for one in cloud.slb("DescribeAccessControlLists", AclName=name)["Acls"]["Acl"]]
    assert (find("part"), find("offices")) == ([acl], [])
    look = lambda **page: cloud.slb("DescribeAccessControlListAttribute", AclId=acl, **page)
    assert look()["AclName"] == "partners"
    shown = [look(Page=page, PageSize=1)["AclEntrys"]["AclEntry"] for page in (1, 2)]
    assert [entry["AclEntryIP"] for page in shown for entry in page] == ["10.0.0.0/8", "47.1.2.3/32"]
    cloud.slb("RemoveAccessControlListEntry", AclId=acl, AclEntrys=json.dumps(entries[:1]))
    assert [entry["AclEntryComment"] for entry in look()["AclEntrys"]["AclEntry"]] == ["office"]
    cloud.slb("DeleteAccessControlList", AclId=acl)
    refused("AclNotExist", 400, cloud.slb, "DescribeAccessControlListAttribute", AclId=acl)
