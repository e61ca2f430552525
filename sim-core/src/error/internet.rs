//! Rows of the error table: elastic IP addresses, NAT and other gateways, network ACLs, peering.

macro_rules! internet_errors {
    ($($before:tt)*) => { slb_errors! {
        $($before)*
        // --- network ACLs ------------------------------------------------------------------------------
        NetworkAclNotFound NotFound ["InvalidNetworkAcl.NotFound"] 400 "The specified network ACL does not exist.";
        NetworkAclNameMalformed Invalid ["ParameterIllegal.Name"] 400 "The name of a network ACL or rule does not start with http:// or https://.";
        NetworkAclNameLength Invalid ["ParameterLengthIllegal.Name", "ParameterIllegal.Name"] 400 "The name of a network ACL or rule has 1 to 128 characters.";
        NetworkAclDescriptionMalformed Invalid ["ParameterIllegal.Description"] 400 "The description of a network ACL or rule does not start with http:// or https://.";
        NetworkAclDescriptionLength Invalid ["ParameterLengthIllegal.Description", "ParameterIllegal.Description"] 400 "The description of a network ACL or rule has 1 to 256 characters.";
        NetworkAclQuotaExceeded Quota ["QuotaExceed.NetworkAcl"] 400 "The number of network ACLs in the VPC has reached the quota.";
        NetworkAclModifying State ["NetworkStatus.Modifying"] 400 "The network ACL is in transition.";
        NetworkAclInUse Dependency ["NetworkAclExistBinding"] 400 "vSwitches are still bound to the network ACL.";
        NetworkAclResourcesMissing Invalid ["ParameterMissing.Resources", "ParameterEmpty.Resources"] 400 "At least one vSwitch must be named.";
        NetworkAclResourceType Invalid ["ParameterIllegal.ResourceType"] 400 "A network ACL is bound to vSwitches.";
        NetworkAclOtherVpc Invalid ["InvalidResource.VpcError"] 400 "The network ACL and the vSwitch are in different VPCs.";
        NetworkAclAlreadyBound Conflict ["InvalidResource.BindingExist"] 400 "A vSwitch is bound to one network ACL.";
        NetworkAclNotBound Conflict ["InvalidResource.NotBinding"] 400 "The vSwitch is not bound to a network ACL.";
        NetworkAclOtherBound Conflict ["Mismatch.NetworkAclAndVSwitch"] 400 "The vSwitch is bound to another network ACL.";
        NetworkAclIngressRuleNotFound NotFound ["IllegalParam.IngressAclEntryId"] 400 "The network ACL has no such inbound rule, or it is named twice.";
        NetworkAclEgressRuleNotFound NotFound ["IllegalParam.EgressAclEntryId"] 400 "The network ACL has no such outbound rule, or it is named twice.";
        NetworkAclRulePolicyInvalid Invalid ["ParameterIllegal.Policy"] 400 "The policy of a rule is accept or drop.";
        NetworkAclRuleProtocolInvalid Invalid ["ParameterIllegal.Protocol"] 400 "The protocol of a rule is tcp, udp, icmp, icmpv6, gre or all, and icmp goes with IPv4, icmpv6 with IPv6.";
        NetworkAclRulePortInvalid Invalid ["ParameterIllegal.Port"] 400 "The ports of a rule are first/last from 1 to 65535 for tcp and udp, and -1/-1 for the rest.";
        NetworkAclRuleSourceInvalid Invalid ["ParameterIllegal.SourceCidrIp"] 400 "The source of an inbound rule is a network in CIDR form without host bits, or an address.";
        NetworkAclRuleDestinationInvalid Invalid ["ParameterIllegal.DestinationCidrIp"] 400 "The destination of an outbound rule is a network in CIDR form without host bits, or an address.";
        NetworkAclRuleFamily Invalid ["IllegalParam.IpVersion"] 400 "The IP version of a rule is IPv4 or IPv6, as its network is.";
        NetworkAclRuleQuotaExceeded Quota ["QuotaExceed.NetworkAclEntry"] 400 "The network ACL has as many rules of the direction and address family as the quota allows.";
        VpcHasNetworkAcl Dependency ["DependencyViolation.NetworkAcl"] 400 "The VPC still has network ACLs.";
        VSwitchHasNetworkAcl Dependency ["DependencyViolation.NetworkAcl"] 400 "A network ACL is still bound to the vSwitch.";
    } };
}
