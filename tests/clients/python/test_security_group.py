"""Security groups and prefix lists: what the SDKs make of them, and what is refused."""

import json

import pytest
from conftest import until

WEB = {"IpProtocol": "tcp", "PortRange": "80/80", "SourceCidrIp": "10.0.0.0/8"}


def rules(cloud, group, **filters):
    """The rules of a group as the SDK shows them."""
    shown = cloud.ecs("DescribeSecurityGroupAttribute", SecurityGroupId=group, **filters)
    return shown["Permissions"]["Permission"]


def test_create_show_and_delete(cloud, refused):
    vpc = cloud.new_vpc()
    group = cloud.ecs(
        "CreateSecurityGroup",
        VpcId=vpc,
        SecurityGroupName="web",
        Description="front ends",
        SecurityGroupType="normal",
        Tag=[{"Key": "env", "Value": "prod"}],
    )["SecurityGroupId"]
    assert group.startswith("sg-")
    page = cloud.ecs("DescribeSecurityGroups", VpcId=vpc)
    assert (page["TotalCount"], page["RegionId"]) == (1, "cn-hangzhou")
    shown = page["SecurityGroups"]["SecurityGroup"][0]
    assert (shown["SecurityGroupId"], shown["VpcId"]) == (group, vpc)
    assert (shown["SecurityGroupName"], shown["Description"], shown["SecurityGroupType"]) == ("web", "front ends", "normal")
    assert shown["Tags"]["Tag"] == [{"TagKey": "env", "TagValue": "prod"}]
    assert shown["ServiceManaged"] is False
    attribute = cloud.ecs("DescribeSecurityGroupAttribute", SecurityGroupId=group)
    assert (attribute["InnerAccessPolicy"], attribute["Permissions"]["Permission"]) == ("Accept", [])
    refused("DependencyViolation.SecurityGroup", 400, cloud.vpc, "DeleteVpc", VpcId=vpc)
    cloud.ecs("DeleteSecurityGroup", SecurityGroupId=group)
    refused("InvalidSecurityGroupId.NotFound", 404, cloud.ecs, "DescribeSecurityGroupAttribute", SecurityGroupId=group)
    cloud.delete_vpc(vpc)


def test_modify(cloud, refused):
    vpc = cloud.new_vpc()
    group = cloud.new_group(vpc)
    cloud.ecs("ModifySecurityGroupAttribute", SecurityGroupId=group, SecurityGroupName="db", Description="changed")
    cloud.ecs("ModifySecurityGroupPolicy", SecurityGroupId=group, InnerAccessPolicy="Drop")
    shown = cloud.ecs("DescribeSecurityGroupAttribute", SecurityGroupId=group)
    assert (shown["SecurityGroupName"], shown["Description"]) == ("db", "changed")
    assert shown["InnerAccessPolicy"] == "Drop"
    enterprise = cloud.new_group(vpc, SecurityGroupType="enterprise")
    policy = {"SecurityGroupId": enterprise, "InnerAccessPolicy": "Accept"}
    refused("InvalidParameter.InnerAccessPolicy", 404, cloud.ecs, "ModifySecurityGroupPolicy", **policy)


def test_rules_come_and_go(cloud):
    group = cloud.new_group(cloud.new_vpc())
    ssh = {"IpProtocol": "tcp", "PortRange": "22/22", "SourceCidrIp": "10.1.2.3", "Policy": "drop", "Priority": "5"}
    cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=group, Permissions=[WEB | {"Description": "http"}, ssh])
    out = {"IpProtocol": "all", "PortRange": "-1/-1", "Ipv6DestCidrIp": "2001:db8::/32"}
    cloud.ecs("AuthorizeSecurityGroupEgress", SecurityGroupId=group, Permissions=[out])
    first, second, third = rules(cloud, group)
    assert (first["IpProtocol"], first["PortRange"], first["SourceCidrIp"]) == ("TCP", "80/80", "10.0.0.0/8")
    assert (first["Policy"], first["Priority"], first["Description"]) == ("Accept", "1", "http")
    assert (second["SourceCidrIp"], second["Policy"], second["Priority"]) == ("10.1.2.3", "Drop", "5")
    assert (third["Direction"], third["Ipv6DestCidrIp"]) == ("egress", "2001:db8::/32")
    assert all(rule["NicType"] == "intranet" for rule in (first, second, third))
    assert len(rules(cloud, group, Direction="egress")) == 1
    # The same rule again changes nothing; the older form of a call works too.
    cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=group, **WEB)
    assert len(rules(cloud, group)) == 3
    cloud.ecs("RevokeSecurityGroup", SecurityGroupId=group, **WEB)
    cloud.ecs("RevokeSecurityGroupEgress", SecurityGroupId=group, Permissions=[out])
    assert [rule["PortRange"] for rule in rules(cloud, group)] == ["22/22"]


def test_rules_by_their_id(new_cloud):
    """The older SDK was published before rules had ids."""
    cloud = new_cloud
    group = cloud.new_group(cloud.new_vpc())
    cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=group, Permissions=[WEB])
    rule = rules(cloud, group)[0]["SecurityGroupRuleId"]
    cloud.ecs("ModifySecurityGroupRule", SecurityGroupId=group, SecurityGroupRuleId=rule, Priority="7", Policy="drop")
    shown = rules(cloud, group)[0]
    assert (shown["SecurityGroupRuleId"], shown["Priority"], shown["Policy"]) == (rule, "7", "Drop")
    cloud.ecs("RevokeSecurityGroup", SecurityGroupId=group, SecurityGroupRuleId=[rule])
    assert rules(cloud, group) == []


@pytest.mark.parametrize(
    "change, code, status",
    [
        ({"IpProtocol": "sctp"}, "InvalidIpProtocol.ValueNotSupported", 400),
        ({"PortRange": "80"}, "InvalidParam.PortRange", 400),
        ({"PortRange": "90/80"}, "InvalidParam.PortRange", 400),
        ({"PortRange": "-1/-1"}, "OperationDenied", 400),
        ({"Priority": "101"}, "InvalidPriority.ValueNotSupported", 400),
        ({"Policy": "reject"}, "InvalidPolicy.Malformed", 400),
        ({"SourceCidrIp": "10.0.0.1/8"}, "InvalidSourceCidrIp.Malformed", 400),
        ({"SourceCidrIp": "10.0.0.0/33"}, "InvalidSourceCidrIp.Malformed", 400),
        ({"SourceCidrIp": "", "SourceGroupId": "sg-nothing"}, "InvalidSourceGroupId.NotFound", 404),
        ({"NicType": "internet"}, "InvalidNicType.Mismatch", 400),
    ],
)
def test_a_bad_rule_is_refused(cloud, refused, change, code, status):
    group = cloud.new_group(cloud.new_vpc())
    rule = {name: value for name, value in (WEB | change).items() if value}
    refused(code, status, cloud.ecs, "AuthorizeSecurityGroup", SecurityGroupId=group, Permissions=[rule])
    refused(code, status, cloud.ecs, "AuthorizeSecurityGroup", SecurityGroupId=group, **rule)
    assert rules(cloud, group) == []


def test_groups_name_each_other(cloud, refused):
    vpc, other = cloud.new_vpc(), cloud.new_vpc()
    web, db, far = cloud.new_group(vpc), cloud.new_group(vpc), cloud.new_group(other)
    by_group = lambda group: {"IpProtocol": "tcp", "PortRange": "3306/3306", "SourceGroupId": group}
    cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=db, Permissions=[by_group(web)])
    assert rules(cloud, db)[0]["SourceGroupId"] == web
    add = lambda group: {"SecurityGroupId": db, "Permissions": [by_group(group)]}
    refused("InvalidSourceGroupId.Mismatch", 400, cloud.ecs, "AuthorizeSecurityGroup", **add(far))
    refused("InvalidParamter.Conflict", 403, cloud.ecs, "AuthorizeSecurityGroup", **add(db))
    found = cloud.ecs("DescribeSecurityGroupReferences", SecurityGroupId=[web])
    reference = found["SecurityGroupReferences"]["SecurityGroupReference"][0]
    assert reference["ReferencingSecurityGroups"]["ReferencingSecurityGroup"][0]["SecurityGroupId"] == db
    refusal = refused("DependencyViolation", 403, cloud.ecs, "DeleteSecurityGroup", SecurityGroupId=web)
    assert db in refusal.message
    cloud.ecs("RevokeSecurityGroup", SecurityGroupId=db, Permissions=[by_group(web)])
    cloud.ecs("DeleteSecurityGroup", SecurityGroupId=web)


def test_create_is_refused_without_a_vpc(cloud, refused):
    refused("InvalidVpcId.NotFound", 403, cloud.ecs, "CreateSecurityGroup", SecurityGroupName="web")
    refused("InvalidVpcId.NotFound", 404, cloud.ecs, "CreateSecurityGroup", VpcId="vpc-nothing")
    vpc = cloud.new_vpc()
    refused("InvalidSecurityGroupName.Malformed", 400, cloud.ecs, "CreateSecurityGroup", VpcId=vpc, SecurityGroupName="1")
    refused("InvalidParams.GroupType", 400, cloud.ecs, "CreateSecurityGroup", VpcId=vpc, SecurityGroupType="huge")


def test_list_by_filter_tag_and_page(cloud):
    vpc, other = cloud.new_vpc(), cloud.new_vpc()
    groups = [cloud.new_group(vpc, SecurityGroupName=f"group-{n}") for n in range(5)]
    far = cloud.new_group(other, Tag=[{"Key": "team", "Value": "edge"}])
    find = lambda **filters: cloud.ecs("DescribeSecurityGroups", **filters)
    ids = lambda page: [group["SecurityGroupId"] for group in page["SecurityGroups"]["SecurityGroup"]]
    assert ids(find(VpcId=vpc)) == groups
    assert ids(find(SecurityGroupIds=json.dumps([groups[3], far]))) == [groups[3], far]
    assert ids(find(SecurityGroupName="group-2")) == [groups[2]]
    assert ids(find(Tag=[{"Key": "team", "Value": "edge"}])) == [far]
    pages = [find(VpcId=vpc, PageNumber=n, PageSize=2) for n in (1, 2, 3)]
    assert [id for page in pages for id in ids(page)] == groups
    assert [page["TotalCount"] for page in pages] == [5, 5, 5]
    walked, token = [], None
    while token != "":
        page = find(VpcId=vpc, MaxResults=2, **({"NextToken": token} if token else {}))
        walked += ids(page)
        token = page.get("NextToken", "")
    assert walked == groups
    cloud.ecs("TagResources", ResourceType="securitygroup", ResourceId=[groups[0]], Tag=[{"Key": "team", "Value": "web"}])
    assert ids(find(VpcId=vpc, Tag=[{"Key": "team", "Value": "web"}])) == [groups[0]]
    cloud.ecs("UntagResources", ResourceType="securitygroup", ResourceId=[groups[0]], TagKey=["team"])
    assert ids(find(VpcId=vpc, Tag=[{"Key": "team", "Value": "web"}])) == []


def test_a_token_makes_one_group(cloud, refused):
    vpc = cloud.new_vpc()
    make = lambda name: cloud.ecs("CreateSecurityGroup", VpcId=vpc, SecurityGroupName=name, ClientToken="once")["SecurityGroupId"]
    assert make("web") == make("web")
    refused("IdempotentFailed", 400, make, "other")


def test_prefix_lists(new_cloud, refused):
    """The older SDK was published before prefix lists."""
    cloud = new_cloud
    group = cloud.new_group(cloud.new_vpc())
    made = cloud.ecs(
        "CreatePrefixList",
        PrefixListName="offices",
        AddressFamily="IPv4",
        MaxEntries=3,
        Entry=[{"Cidr": "192.168.0.0/16", "Description": "home"}],
    )["PrefixListId"]
    cloud.ecs("ModifyPrefixList", PrefixListId=made, AddEntry=[{"Cidr": "172.16.0.0/12"}], PrefixListName="sites")
    shown = cloud.ecs("DescribePrefixListAttributes", PrefixListId=made)
    assert [entry["Cidr"] for entry in shown["Entries"]["Entry"]] == ["192.168.0.0/16", "172.16.0.0/12"]
    assert (shown["PrefixListName"], shown["MaxEntries"]) == ("sites", 3)
    more = [{"Cidr": "10.0.0.0/8"}, {"Cidr": "11.0.0.0/8"}]
    refused("LimitExceed.Entry", 400, cloud.ecs, "ModifyPrefixList", PrefixListId=made, AddEntry=more)
    rule = {"IpProtocol": "all", "PortRange": "-1/-1", "SourcePrefixListId": made}
    cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=group, Permissions=[rule])
    shown = rules(cloud, group)[0]
    assert (shown["SourcePrefixListId"], shown["SourcePrefixListName"]) == (made, "sites")
    found = cloud.ecs("DescribePrefixListAssociations", PrefixListId=made)
    assert found["PrefixListAssociations"]["PrefixListAssociation"] == [{"ResourceId": group, "ResourceType": "securitygroup"}]
    listed = cloud.ecs("DescribePrefixLists", PrefixListId=[made])["PrefixLists"]["PrefixList"][0]
    assert listed["AssociationCount"] == 1
    refused("NotAllowed.AssociationExist", 400, cloud.ecs, "DeletePrefixList", PrefixListId=made)
    cloud.ecs("RevokeSecurityGroup", SecurityGroupId=group, Permissions=[rule])
    cloud.ecs("DeletePrefixList", PrefixListId=made)
    refused("InvalidPrefixListId.NotFound", 404, cloud.ecs, "DescribePrefixListAttributes", PrefixListId=made)


def test_what_the_sdk_made_is_on_the_native_wire(cloud):
    group = cloud.new_group(cloud.new_vpc(), SecurityGroupName="web")
    cloud.ecs("AuthorizeSecurityGroup", SecurityGroupId=group, Permissions=[WEB])
    assert cloud.native(f"/v1/security-groups/{group}").json()["name"] == "web"
    listed = cloud.native(f"/v1/security-groups/{group}/rules").json()["items"]
    assert [(rule["protocol"], rule["port_range"], rule["peer_cidr"]) for rule in listed] == [("tcp", "80/80", "10.0.0.0/8")]
    until(lambda: cloud.native(f"/v1/security-groups/{group}", "DELETE").status_code, 204)
