//! Rows of the error table: security groups and prefix lists.

macro_rules! group_errors {
    ($($before:tt)*) => { host_errors! {
        $($before)*
        // --- security groups and prefix lists ------------------------------------------------------------
        SecurityGroupNotFound NotFound ["InvalidSecurityGroupId.NotFound", "InvalidSecurityGroup.NotFound", "InvalidResourceId.NotFound"] 404 "The specified security group does not exist.";
        SecurityGroupRuleNotFound NotFound ["InvalidSecurityGroupRuleId.NotFound", "InvalidSecurityGroupRule.RuleNotExist"] 404 "The specified security group rule does not exist.";
        PrefixListNotFound NotFound ["InvalidPrefixListId.NotFound"] 404 "The specified prefix list does not exist.";
        SecurityGroupNameMalformed Invalid ["InvalidSecurityGroupName.Malformed"] 400 "The name of a security group has 2 to 128 characters, a letter first, and does not start with http:// or https://.";
        SecurityGroupDescriptionMalformed Invalid ["InvalidSecurityGroupDiscription.Malformed", "InvalidDescription.Malformed"] 400 "The description of a security group has 2 to 256 characters and does not start with http:// or https://.";
        SecurityGroupTypeInvalid Invalid ["InvalidParams.GroupType", "InvalidParameter.SecurityGroupType"] 400 "The type of a security group is normal or enterprise.";
        SecurityGroupVpcMissing Invalid ["InvalidVpcId.NotFound"] 403 "A security group lies in a VPC, which must be given.";
        EnterpriseGroupVpcMissing Invalid ["InvalidParams.VpcIdGroupType"] 400 "An enterprise security group lies in a VPC, which must be given.";
        SecurityGroupQuotaExceeded Quota ["QuotaExceed.SecurityGroup"] 403 "The number of security groups in this region has reached the quota.";
        InnerAccessPolicyInvalid Invalid ["InvalidPolicy.Malformed"] 400 "The policy inside a security group is Accept or Drop.";
        InnerAccessPolicyEnterprise Denied ["InvalidParameter.InnerAccessPolicy"] 404 "Members of an enterprise security group are always isolated; the policy cannot be changed.";
        SecurityGroupHasMembers Dependency ["DependencyViolation"] 403 "Network interfaces or managed residents still belong to the security group.";
        SecurityGroupReferenced Dependency ["DependencyViolation"] 403 "Rules of other security groups still name the security group.";
        // membership
        SecurityGroupsMissing Invalid ["MissingParameter", "InvalidParameter", "InvalidParameter.SecurityGroupId"] 400 "A network interface belongs to at least one security group.";
        SecurityGroupRepeated Invalid ["InvalidParameter.SecurityGroupIdRepeated", "InvalidParameter"] 400 "A security group is given twice.";
        SecurityGroupVpcMismatch Conflict ["InvalidOperation.VpcMismatch", "InvalidSecurityGroupVpc.NotBelongToOneVpc", "InvalidParameter.Mismatch"] 403 "The security group lies in another VPC than the network interface.";
        SecurityGroupKindsMixed Conflict ["EnterpriseGroupLimited.MutliGroupType", "InvalidOperation.MultiGroupType"] 403 "The security groups of a network interface are all basic or all enterprise ones.";
        SecurityGroupsPerEniExceeded Quota ["JoinedGroupLimitExceed", "InstanceSecurityGroupLimitExceeded"] 400 "The network interface would belong to more security groups than the quota allows.";
        SecurityGroupFull Quota ["SecurityGroupInstanceLimitExceed", "SecurityGroupInstanceLimitExceeded"] 403 "The basic security group holds as many private addresses as the quota allows.";
        EnterpriseGroupFull Quota ["InvalidOperation.NetworkInterfaceCountExceeded", "SecurityGroupInstanceLimitExceed"] 403 "The enterprise security group has as many network interfaces as the quota allows.";
        EniRulesExceeded Quota ["AclLimitExceed", "AuthorizationLimitExceed"] 403 "The rules over all security groups of a network interface would exceed the quota.";
        GroupMemberMissing Invalid ["MissingParameter"] 400 "An instance or a network interface must be given.";
        GroupMemberAmbiguous Invalid ["InvalidParam.EniIdAndInstanceId.Conflict"] 403 "An instance and a network interface cannot be given together.";
        InstanceGroupVpcMismatch Conflict ["InvalidInstanceId.Mismatch"] 400 "The security group lies in another VPC than the instance.";
        GroupInstanceStatusIncorrect State ["IncorrectInstanceStatus"] 403 "The instance must be Running or Stopped.";
        GroupEniStateIncorrect State ["InvalidOperation.InvalidEniState"] 400 "The network interface must be Available or InUse.";
        GroupEniKindIncorrect Denied ["InvalidOperation.InvalidEniType"] 403 "The security groups of a primary network interface are changed through its instance.";
        SecurityGroupJoined Conflict ["InvalidInstanceId.AlreadyExists"] 403 "The security group is joined already.";
        InstanceNotInGroup State ["InstanceNotInSecurityGroup"] 403 "The instance does not belong to the security group.";
        EniNotInGroup State ["InvalidSecurityGroupAssociation.NotFound"] 400 "The network interface does not belong to the security group.";
        InstanceLastGroup State ["InstanceLastSecurityGroup"] 403 "An instance cannot leave its last security group.";
        EniLastGroup State ["InvalidOperation.AtLeastInOneGroup"] 403 "A network interface cannot leave its last security group.";
        // rules
        RuleProtocolInvalid Invalid ["InvalidIpProtocol.ValueNotSupported", "InvalidIpProtocol.Malformed"] 400 "The protocol of a rule is tcp, udp, icmp, icmpv6, gre or all.";
        RulePortRangeMissing Invalid ["InvalidPortRange.Malformed", "InvalidParam.PortRange"] 400 "A rule needs a port range.";
        RulePortRangeMalformed Invalid ["InvalidParam.PortRange", "InvalidPortRange.Malformed"] 400 "A port range is written first/last with ports from 1 to 65535, the first not above the last, or -1/-1.";
        RulePortRangeMismatch Invalid ["InvalidParam.ProtocolAndPortRangeMismatch", "OperationDenied", "InvalidIpPortRange.Malformed"] 400 "tcp and udp take ports from 1 to 65535, every other protocol -1/-1.";
        PortListNotFound NotFound ["InvalidPortRangeListId.NotFound", "InvalidParam.PortRange"] 400 "The specified port list does not exist; port lists are not modelled.";
        RuleSourcePortRangeMalformed Invalid ["InvalidSourcePortRange.Malformed"] 400 "A source port range is written first/last with ports from 1 to 65535 for tcp and udp, and -1/-1 for every other protocol.";
        RulePolicyInvalid Invalid ["InvalidPolicy.Malformed"] 400 "The policy of a rule is accept or drop.";
        RulePriorityInvalid Invalid ["InvalidPriority.ValueNotSupported", "InvalidPriority.Malformed"] 400 "The priority of a rule is between 1 and 100.";
        RuleNicTypeInvalid Invalid ["InvalidNicType.ValueNotSupported"] 400 "The network type of a rule is intranet or internet.";
        RuleNicTypeMismatch Invalid ["InvalidNicType.Mismatch"] 400 "In a VPC the network type of a rule is intranet.";
        RuleDescriptionMalformed Invalid ["InvalidSecurityGroupDiscription.Malformed"] 400 "The description of a rule has 1 to 512 characters.";
        RuleSourceMissing Invalid ["MissingParameter.Source", "MissingParameter"] 400 "An inbound rule needs a source: a block, a security group or a prefix list.";
        RuleDestMissing Invalid ["MissingParameter.Dest", "MissingParameter"] 400 "An outbound rule needs a destination: a block, a security group or a prefix list.";
        RuleSourceCidrMalformed Invalid ["InvalidSourceCidrIp.Malformed", "InvalidParam.SourceCidrIp"] 400 "The source is an IPv4 network in CIDR form without host bits, or an address.";
        RuleDestCidrMalformed Invalid ["InvalidDestCidrIp.Malformed", "InvalidParam.DestCidrIp"] 400 "The destination is an IPv4 network in CIDR form without host bits, or an address.";
        RuleSourceIpv6Malformed Invalid ["InvalidParam.Ipv6SourceCidrIp"] 400 "The IPv6 source is an IPv6 network in CIDR form without host bits, or an address.";
        RuleDestIpv6Malformed Invalid ["InvalidParam.Ipv6DestCidrIp"] 400 "The IPv6 destination is an IPv6 network in CIDR form without host bits, or an address.";
        RuleSourceAmbiguous Invalid ["InvalidParam.SourceIp"] 400 "An IPv4 and an IPv6 source cannot be given together.";
        RuleDestAmbiguous Invalid ["InvalidParam.DestIp"] 400 "An IPv4 and an IPv6 destination cannot be given together.";
        RuleFamiliesMixed Invalid ["InvalidParameter.Conflict", "InvalidParamter.Conflict"] 400 "Source and destination of a rule are of one address family.";
        RuleSourceIsDest Invalid ["InvalidParamter.Conflict", "InvalidParameter.Conflict"] 400 "Source and destination of a rule are different blocks.";
        RuleIpv4Protocol Invalid ["InvalidParam.Ipv4ProtocolConflictWithIpv6Address"] 400 "icmp is a protocol of IPv4 and does not go with IPv6 addresses.";
        RuleIpv6Protocol Invalid ["InvalidParam.Ipv6ProtocolConflictWithIpv4Address"] 400 "icmpv6 is a protocol of IPv6 and does not go with IPv4 addresses.";
        RulePrefixListFamily Conflict ["InvalidParam.PrefixListAddressFamilyMismatch"] 400 "The prefix list is of another address family than the rest of the rule.";
        RuleSourceGroupNotFound NotFound ["InvalidSourceGroupId.NotFound"] 404 "The specified source security group does not exist.";
        RuleDestGroupNotFound NotFound ["InvalidDestGroupId.NotFound"] 404 "The specified destination security group does not exist.";
        RulePeerIsSelf Conflict ["InvalidSecurityGroup.IsSame", "InvalidParamter.Conflict"] 403 "A rule cannot name its own security group as the peer.";
        RulePeerVpcMismatch Conflict ["InvalidSourceGroupId.Mismatch", "InvalidDestGroupId.Mismatch"] 400 "The peer security group lies in another VPC.";
        RulePeerEnterprise Denied ["InvalidGroupAuthParameter.OperationDenied"] 400 "An enterprise security group cannot be the peer of a rule.";
        EnterpriseGroupPeer Denied ["InvalidGroupParameter.OperationDenied"] 400 "Rules of an enterprise security group cannot name a security group.";
        EnterpriseDropRule Denied ["InvalidGroupParameter.OperationDenied"] 400 "Rules of an enterprise security group cannot drop.";
        RuleDuplicated Invalid ["InvalidParam.DuplicatePermissions"] 400 "A rule is given twice in one call.";
        RulesPerCallExceeded Invalid ["InvalidParam.Permissions"] 400 "A call takes 1 to 100 rules.";
        RuleIdRepeated Invalid ["InvalidParam.SecurityGroupRuleIdRepeated"] 400 "A rule id is given twice in one call.";
        GroupRulesExceeded Quota ["AuthorizationLimitExceed"] 403 "The rules of the security group would exceed the quota.";
        GroupPeerRulesExceeded Quota ["AuthorizedGroupRule.LimitExceed", "AuthorizationLimitExceed"] 400 "The rules of the basic security group whose peer is a security group would exceed the quota.";
        RuleUnmatched NotFound ["SecurityGroupRule.NotFound", "InvalidGroupAuthItem.NotFound"] 404 "The security group has no rule with these fields.";
        RuleChangeMissing Invalid ["InvalidParam.InvalidModifyRuleRequest", "MissingParameter"] 400 "At least one field of the rule must change.";
        RulePeerKindFixed Denied ["InvalidOperation.ModifySgRuleEntityType"] 400 "A rule keeps the kind of its peer: block, security group or prefix list.";
        RuleExists Conflict ["InvalidParam.InvalidModifyRuleRequest", "InvalidParameter.Conflict"] 400 "The security group has such a rule already.";
        // prefix lists
        PrefixListNameMalformed Invalid ["InvalidParameter.PrefixListName"] 400 "The name of a prefix list has 2 to 128 characters, a letter first, and starts with none of http://, https://, com.aliyun and com.alibabacloud.";
        PrefixListDescriptionMalformed Invalid ["InvalidDescription.Malformed"] 400 "The description of a prefix list has 2 to 256 characters and does not start with http:// or https://.";
        PrefixListEntryDescriptionMalformed Invalid ["InvalidDescription.Malformed"] 400 "The description of an entry has 2 to 32 characters and does not start with http:// or https://.";
        PrefixListFamilyInvalid Invalid ["InvalidParameter.AddressFamily"] 400 "The address family of a prefix list is IPv4 or IPv6.";
        PrefixListMaxEntriesInvalid Invalid ["LimitExceed.MaxEntries", "InvalidParameter"] 400 "A prefix list holds 1 to 200 entries at most.";
        PrefixListCidrMalformed Invalid ["InvalidParameter.CidrMalformed"] 400 "An entry is a network in CIDR form without host bits, of the prefix list's address family.";
        PrefixListCidrDuplicated Invalid ["InvalidParameter.CidrDuplicated"] 400 "The prefix list would hold a block twice.";
        PrefixListFull Quota ["LimitExceed.Entry"] 400 "The prefix list would hold more entries than it was made for.";
        PrefixListQuotaExceeded Quota ["LimitExceed.PrefixListPerRegion"] 404 "The number of prefix lists in this region has reached the quota.";
        PrefixListAssociationsExceeded Quota ["LimitExceed.PrefixListAssociationResource"] 403 "The prefix list is used by as many resources as the quota allows.";
        PrefixListInUse Dependency ["NotAllowed.AssociationExist"] 400 "Rules of security groups still name the prefix list.";
    } };
}
