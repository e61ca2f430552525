//! Rows of the error table: load balancers.

macro_rules! slb_errors {
    ($($before:tt)*) => { errors! {
        $($before)*
        // --- access control lists ----------------------------------------------------------------------
        AclNotFound NotFound ["AclNotExist"] 404 "The specified access control list does not exist.";
        AclNameMalformed Invalid ["InvalidParameter"] 400 "The name of an access control list is 1 to 80 letters, digits and - / . _.";
        AclEntriesMissing Invalid ["InvalidEntry"] 400 "At least one entry must be given.";
        AclEntryMalformed Invalid ["AclEntryIllegal"] 400 "An entry is a network in CIDR form without host bits, or an address.";
        AclEntryFamily Invalid ["IllegalEntry"] 400 "An entry is of the address family of its list.";
        AclEntryExists Conflict ["InvalidParam.AclEntryExists"] 400 "The access control list has the entry already, or it is given twice.";
        AclEntriesPerCall Invalid ["AclEntryExceedLimit"] 400 "A call adds at most 50 entries.";
        AclCommentMalformed Invalid ["InvalidParam.Comment"] 400 "The comment of an entry has at most 100 characters.";
        AclQuotaExceeded Quota ["AclNumberOverLimit"] 400 "The number of access control lists in this region has reached the quota.";
        AclEntryQuotaExceeded Quota ["AclEntryExceedLimit"] 400 "The access control list has as many entries as the quota allows.";
        // --- load balancers --------------------------------------------------------------------------
        LoadBalancerNotFound NotFound ["InvalidLoadBalancerId.NotFound", "ResourceNotExist"] 404 "The specified LoadBalancerId does not exist.";
        LoadBalancerNameMalformed Invalid ["InvalidParameter"] 400 "The name of a load balancer has 1 to 80 characters and does not start with http:// or https://.";
        LoadBalancerSpecMissing Invalid ["MissingParam.LoadBalancerSpec"] 400 "A load balancer that is paid by its specification has one.";
        LoadBalancerSharedUnsold Invalid ["ShareSlbHaltSales"] 400 "Load balancers without a specification of their own are no longer sold.";
        LoadBalancerSpecUnknown Invalid ["IllegalParam.SpecType", "InvalidParameter"] 400 "There is no such specification.";
        LoadBalancerBandwidth Invalid ["InvalidParameter.Bandwidth", "InvalidParameterBandwidth"] 400 "The bandwidth is 1 to 5000 Mbit/s, and is needed where it is what is paid for.";
        LoadBalancerInternetCharge Invalid ["Instance.InternetChargeTypeNotAllowed", "IllegalParam.InternetChargeType"] 400 "Only the bandwidth of an internet load balancer is paid for.";
        LoadBalancerProtectionReason Invalid ["InvalidParam.ModificationProtectionReason"] 400 "The reason of a modification protection has 1 to 80 characters, a letter first.";
        LoadBalancerVSwitchMissing Invalid ["MissingParam.VSwitchId"] 400 "An intranet load balancer lies in a vSwitch.";
        LoadBalancerIpv6Intranet Invalid ["InvalidParameter.Mismatch"] 400 "An IPv6 load balancer serves the internet.";
        LoadBalancerOtherVpc Conflict ["InvalidParameter.Mismatch"] 400 "The vSwitch lies in another VPC.";
        LoadBalancerQuotaExceeded Quota ["OverQuota"] 400 "The number of load balancers in this region has reached the quota.";
        LoadBalancerLocked State ["ActionNotAllowed", "Operation.NotAllowed", "OperationUnsupported.SetLoadBalancerStatus"] 400 "The load balancer is locked.";
        LoadBalancerDeleteProtected Denied ["OperationDenied.DeleteProtectionIsOn"] 400 "The load balancer is protected against deletion.";
        LoadBalancerSubscription Denied ["InvalidChargeType"] 400 "A load balancer that is paid in advance cannot be deleted.";
        LoadBalancerProtectSubscription Denied ["OperationUnsupported.DeleteProtectionForPrePayInstance"] 400 "A load balancer that is paid in advance takes no delete protection.";
        LoadBalancerByUse State ["OperationDenied.PayByCLCU"] 400 "A load balancer that is paid by use does not allow this.";
        LoadBalancerBySpec State ["OperationDenied.PayBySpec"] 400 "The load balancer is paid by its specification.";
    } };
}
