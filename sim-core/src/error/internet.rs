//! Rows of the error table: elastic IP addresses, NAT and other gateways, network ACLs, peering.

macro_rules! internet_errors {
    ($($before:tt)*) => { slb_errors! {
        $($before)*
        // --- elastic IP addresses ----------------------------------------------------------------------
        EipNotFound NotFound ["InvalidAllocationId.NotFound"] 404 "The specified elastic IP address does not exist.";
        EipNameMalformed Invalid ["InvalidEipAddressName.Malformed", "InvalidParameter"] 400 "The name of an elastic IP address has 1 to 128 characters, a letter first, and does not start with http:// or https://.";
        EipDescriptionMalformed Invalid ["InvalidDescription.Malformed", "InvalidParameter"] 400 "The description of an elastic IP address has 2 to 256 characters and does not start with http:// or https://.";
        EipBandwidthInvalid Invalid ["InvalidBandwidth.Malformed", "Abs.InvalidBandwidth.Malformed", "InvalidParameter"] 400 "The bandwidth of an elastic IP address is 1 to 500 Mbit/s if it is paid by bandwidth and 1 to 200 Mbit/s if it is paid by traffic.";
        EipIspUnsupported Invalid ["IllegalParam.Isp", "UnsupportedFeature.Isp", "InvalidParameter"] 400 "The lines of an elastic IP address are BGP or BGP_PRO.";
        EipAddressForeign Invalid ["OperationFailed.AllocateUnfamiliarIp", "ResourceNotFound.Ip", "InvalidParameter"] 400 "A wanted address is one of those that elastic IP addresses are given.";
        EipAddressTaken Conflict ["Ip.Allocated"] 400 "The address is already allocated.";
        EipPoolNotFound NotFound ["ResourceNotFound.PublicIpAddressPool"] 400 "The specified pool of public addresses does not exist.";
        EipZoneUnsupported Denied ["UnsupportedFeature.AllocateEipAddressWithZone"] 400 "An elastic IP address belongs to a region, not to a zone.";
        EipProtectionUnsupported Denied ["OperationDenied.NotOpenDdosOriginProtectService", "IllegalParam.SecurityProtectionTypes"] 400 "Protection against floods is a service of its own, which is not there.";
        EipQuotaExceeded Quota ["QuotaExceeded.Eip"] 400 "The number of elastic IP addresses of the account has reached the quota.";
        EipExhausted Exhausted ["OperationFailed.InsufficientEIP", "ReserveIpFail"] 400 "All public addresses are allocated.";
        EipStatusIncorrect State ["IncorrectEipStatus", "InvalidBindingStatus"] 400 "The status of the elastic IP address does not allow this operation.";
        EipSubscription Denied ["Forbidden.ChargeTypeIsPrepaid", "DeletionProtection.PrePaidNotSupport"] 400 "An elastic IP address that is paid in advance is kept as it is until the end.";
        EipProtected Denied ["InvalidOperation.DeletionProtection"] 400 "The elastic IP address is protected from deletion.";
        EipTargetTypeUnknown Invalid ["InvalidInstanceType.ValueNotSupported", "InvalidParameter.InstanceTypeNotSupport", "InvalidParameter"] 400 "An elastic IP address is bound to an EcsInstance, NetworkInterface, SlbInstance, Nat, HaVip or IpAddress.";
        EipModeUnknown Invalid ["IllegalParam.Mode"] 400 "The mode of a binding is NAT, BINDED or MULTI_BINDED.";
        EipModeOnlyInterface Invalid ["Mode.NotSupport", "Invalid.DirectEip.BindType"] 400 "Only a network interface is bound in another mode than NAT.";
        EipRegionMismatch Invalid ["InvalidParameter.Mismatch", "InvalidParameter.BindingInstanceRegion"] 400 "An elastic IP address is bound to an object of its own region.";
        EipTargetNotFound NotFound ["InvalidInstanId.NotFound", "InvalidBindInstance.NotFound"] 404 "The object that the elastic IP address should be bound to does not exist.";
        EipBareAddressUnsupported Denied ["UnsupportedFeature.EipBindIpAddress"] 400 "An elastic IP address is not bound to an address that no interface holds.";
        EipInstanceStatus State ["IncorrectInstanceStatus", "InvalidStatus.EcsStatusNotSupport"] 400 "The status of the instance does not allow this operation on its elastic IP address.";
        EipInterfaceStatus State ["InvalidStatus.EniStatusNotSupport"] 400 "The status of the network interface does not allow this operation on its elastic IP address.";
        EipInterfacePrimary Denied ["InvalidParameter.EniInstanceId", "BindInstance.NotSupported"] 400 "A primary network interface gets an elastic IP address by its instance.";
        EipPrivateAddressNotHeld Conflict ["OperationFailed.PrivateIpAddressNotExist"] 400 "The private address is not one of those of the target.";
        EipPrefixAddress Denied ["UnsupportedFeature.EipBindPrefixIp", "OperationFailed.IpPrefixConflict"] 400 "An address of a prefix gets no elastic IP address.";
        EipInterfaceAttached State ["Eni.Attached"] 400 "A network interface is attached to nothing while an elastic IP address is bound to it or taken off in cut-through mode.";
        EipInterfaceHasMore Conflict ["Eni.HasSubIp", "OperationFailed.EniSubIp"] 400 "A network interface in cut-through mode has no secondary addresses.";
        EipInterfaceNextHop Conflict ["InvalidNexthop.DirectEni"] 400 "A network interface in cut-through mode is no next hop.";
        EipModeConflict Conflict ["Mode.Conflict", "OperationFailed.EipBindModeConflict"] 400 "All elastic IP addresses of a network interface are bound in one mode.";
        EipTargetBound Conflict ["InvalidAssociation.Duplicated", "ResourceAlreadyAssociated.IpAddress"] 400 "The private address has an elastic IP address already.";
        EipTargetFull Conflict ["InvalidEip.EipQuotaExceeded"] 400 "Every address of the network interface has an elastic IP address already.";
        EipNotBoundThere Conflict ["InvalidBindingStatus", "InvalidParameter"] 400 "The elastic IP address is bound to something else.";
        EniCutThrough Conflict ["InvalidOperation.Unsupported"] 400 "A network interface in cut-through mode takes no secondary addresses.";
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
