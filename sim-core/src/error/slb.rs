//! Rows of the error table: load balancers.

macro_rules! slb_errors {
    ($($before:tt)*) => { errors! {
        $($before)*
        // --- certificates ------------------------------------------------------------------------------
        ServerCertificateNotFound NotFound ["ServerCertificateId.NotFound", "CertificateNotExist"] 404 "The specified server certificate does not exist.";
        CaCertificateNotFound NotFound ["CACertificateId.NotFound", "CertificateNotExist"] 404 "The specified CA certificate does not exist.";
        CertificateNameMalformed Invalid ["InvalidParameter"] 400 "The name of a certificate is 1 to 80 letters, digits and - / . _.";
        CertificateMalformed Invalid ["CertificateFormatInvalid"] 400 "A certificate is the PEM text of an X.509 certificate.";
        CertificateNotRsa Invalid ["EccCertificateNotSupport"] 400 "The key of a server certificate is an RSA key.";
        CertificateKeyLength Invalid ["OperationDenied.IllegalKeyLength"] 400 "The key of a server certificate has 1024 to 4096 bits.";
        CertificateServiceUnsupported Denied ["InvalidParameter.AliCloudCertificateId"] 400 "There is no certificate service; a certificate is uploaded with its key.";
        PrivateKeyMalformed Invalid ["CertificateFormatInvalid"] 400 "A private key is the PEM text of an RSA key without a passphrase.";
        PrivateKeyMismatch Invalid ["CertificateNotMatchPrivateKey"] 400 "The private key belongs to the certificate.";
        ServerCertificateQuotaExceeded Quota ["OverQuota"] 400 "The number of server certificates in this region has reached the quota.";
        CaCertificateQuotaExceeded Quota ["OverQuota"] 400 "The number of CA certificates in this region has reached the quota.";
        // --- access control lists ----------------------------------------------------------------------
        AclNotFound NotFound ["AclNotExist"] 400 "The specified access control list does not exist.";
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
        LoadBalancerLocked State ["ActionNotAllowed", "Operation.NotAllowed", "OperationUnsupported.SetLoadBalancerStatus", "LbStatusNotSupport"] 400 "The load balancer is locked.";
        LoadBalancerDeleteProtected Denied ["OperationDenied.DeleteProtectionIsOn"] 400 "The load balancer is protected against deletion.";
        LoadBalancerSubscription Denied ["InvalidChargeType"] 400 "A load balancer that is paid in advance cannot be deleted.";
        LoadBalancerProtectSubscription Denied ["OperationUnsupported.DeleteProtectionForPrePayInstance"] 400 "A load balancer that is paid in advance takes no delete protection.";
        LoadBalancerByUse State ["OperationDenied.PayByCLCU"] 400 "A load balancer that is paid by use does not allow this.";
        ListenerNotFound NotFound ["ResourceNotFound.Listener", "ListenerNotFound"] 404 "The specified resource does not exist.";
        ListenerDescriptionMalformed Invalid ["InvalidParameter"] 400 "The description of a listener has 1 to 256 characters and does not start with http:// or https://.";
        ListenerParameter Invalid ["InvalidParameter"] 400 "A parameter of the listener is outside its range, or not one of its protocol.";
        ListenerParameterMissing Invalid ["MissingParameter", "InvalidParameter"] 400 "A parameter of the listener needs another one.";
        ListenerCertificateMissing Invalid ["MissingParam.ServerCertificates", "MissingParameter"] 400 "An HTTPS listener has a certificate.";
        ListenerTargetMissing Invalid ["MissingParameter", "InvalidParameter"] 400 "A listener forwards to a port of the default pool or to a group.";
        ListenerGroupMissing Invalid ["MissingParam.VServerGroupId"] 400 "A listener that forwards to a group names it.";
        ListenerGroupsBoth Invalid ["Abs.VServerGroupIdAndMasterSlaveServerGroupId.MissMatch"] 400 "A listener forwards to one group.";
        PairGroupNotFound NotFound ["InvalidParam.VServerGroupId", "InvalidParameter.VServerGroupId"] 400 "The specified primary/secondary group does not exist.";
        ListenerOtherGroup Conflict ["InvalidParam.VServerGroupId", "InvalidParameter.VServerGroupId"] 400 "The vServer group belongs to another load balancer.";
        ListenerAcls Invalid ["QuotaLimitExceeds.AclAttachedToListener"] 400 "A listener uses at most 3 access control lists.";
        ListenerAclEntryTwice Conflict ["Duplicated.AclEntry"] 400 "Two access control lists of a listener have no entry in common.";
        ListenerAclQuotaExceeded Quota ["AclListenerOverLimit"] 400 "The access control list has as many listeners as the quota allows.";
        ListenerAclEntriesExceeded Quota ["QuotaLimitExceeds.TotalAclEntry"] 400 "The access control lists of a listener have more entries together than the quota allows.";
        ListenerAclFamily Conflict ["IpVersionConflict"] 400 "An access control list is of the address family of the load balancer.";
        ListenerPortTaken Conflict ["InvalidParameter.ListenerPortConflict"] 400 "The port has a listener of this protocol family already.";
        ListenerPortReserved Denied ["OperationDenied.SpecialListenerPortNotAllowed"] 400 "UDP port 4789 is the provider's own.";
        ListenerRedirectTarget Conflict ["ListenerForwardNotSupport", "InvalidParameter"] 400 "Clients are sent to an HTTPS listener that is there.";
        ListenerQuotaExceeded Quota ["ListenerNumberOverLimit", "VipTooManyListeners"] 400 "The load balancer has as many listeners as the quota allows.";
        ListenerAmbiguous Conflict ["TooManyListeners"] 400 "The port has two listeners, so the protocol must be named.";
        ListenerStatusIncorrect State ["Operation.NotAllowed"] 400 "The status of the listener does not allow this operation.";
        ListenerBusy Busy ["Operation.Deny", "ServiceIsConfiguring", "OperationFailed.ListenerStatusNotSupport", "Operation.NotAllowed"] 400 "The listener is being changed.";
        ListenerStopping Busy ["ServiceIsStopping", "Operation.NotAllowed"] 409 "The listener is stopping.";
        ListenerRedirects Denied ["Operation.NotAllowed"] 400 "A listener that sends clients to another cannot be changed.";
        ListenerRedirected Dependency ["ListenerForwardExist"] 400 "Another listener sends clients to this one.";
        ListenerNeedsGroup Conflict ["OperationFailed.ServerGroupInUse"] 400 "The listener has no port of the default pool, so it keeps its group.";
        VServerGroupInUse Dependency ["RspoolVipExist"] 400 "A listener forwards to the vServer group.";
        CertificateInUse Dependency ["CertificateAndPrivateKeyIsRefered"] 400 "A listener uses the certificate.";
        AclInUse Dependency ["OperationFailed.AclBindedWithVip"] 400 "A listener uses the access control list.";
        VServerGroupNotFound NotFound ["InvalidParameter", "ResourceNotFound.VServerGroup"] 404 "The specified VServerGroupId does not exist.";
        VServerGroupNameMalformed Invalid ["InvalidParameter"] 400 "The name of a vServer group has 1 to 80 characters and does not start with http:// or https://.";
        BackendTypeUnknown Invalid ["BackendServer.InvalidType", "InvalidParameter"] 400 "A backend server is an instance (ecs) or a network interface (eni).";
        BackendNotFound NotFound ["InvalidServerId.NotExist", "ObtainIpFail", "InvalidServerId.NotFound"] 400 "The specified backend server does not exist.";
        BackendEniNotFound NotFound ["ResourceNotFound.vServers", "InvalidServerId.NotExist", "ObtainIpFail"] 404 "The specified network interface does not exist.";
        BackendNotRunning State ["ObtainIpFail"] 400 "Only instances that run can be added.";
        BackendAddress Conflict ["InvalidParameter", "NetworkConflict"] 400 "The backend server does not have the address.";
        BackendOtherVpc Conflict ["NetworkConflict", "InvalidBackendServers.Inconsistent"] 400 "The backend servers of a load balancer lie in one VPC.";
        BackendPort Invalid ["InvalidParameter"] 400 "A member of a vServer group has a port of 1 to 65535, one of a default pool has none.";
        BackendWeight Invalid ["InvalidParameter"] 400 "The weight of a backend server is 0 to 100.";
        BackendDescriptionMalformed Invalid ["InvalidParameter"] 400 "The description of a backend server has 1 to 80 characters and does not start with http:// or https://.";
        BackendListSize Quota ["TooManyBackendServers"] 400 "Too many backend servers are named in a call.";
        BackendPresent Conflict ["InvalidBackendServers.ServerIpConflict", "InvalidParameter"] 400 "The backend server is there already.";
        BackendRepeated Invalid ["InvalidParameter"] 400 "A backend server is given twice in a call.";
        BackendNotMember Conflict ["InvalidParameter"] 400 "The server does not stand in this pool.";
        BackendQuotaExceeded Quota ["InstanceBackendServerNumberOverLimit"] 400 "The load balancer has as many backend servers as the quota allows.";
        LoadBalancerBySpec State ["OperationDenied.PayBySpec"] 400 "The load balancer is paid by its specification.";
    } };
}
