//! The error table: every way in which a command can be refused, written once.
//!
//! A row names the error, says what sort of thing went wrong, which codes the provider uses for it and
//! with which HTTP status, and the message. Where the provider spells one rule differently in different
//! actions, the row lists all spellings in order of preference: the provider wire takes the first that
//! the called action documents, with the status documented there. The native code is the row's name in
//! snake case. Misspelt provider codes are the provider's own and part of its contract.

use serde::{Deserialize, Serialize};

mod refusal;

pub use refusal::{Details, Outcome, Refusal};

/// What sort of thing went wrong; decides the native HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ErrorKind {
    /// A value breaks a rule that holds whatever the state is.
    Invalid,
    /// The named object does not exist for this caller.
    NotFound,
    /// The value clashes with an existing object.
    Conflict,
    /// Something else still needs the object.
    Dependency,
    /// The object is in a state that does not allow the operation.
    State,
    /// Another operation is under way; trying again later will succeed.
    Busy,
    /// A quota is full.
    Quota,
    /// The operation is never allowed on this object.
    Denied,
    /// A resource such as free addresses has run out.
    Exhausted,
    /// The idempotency token was used with other parameters.
    Token,
}

impl ErrorKind {
    /// The HTTP status on the native wire. `docs/decisions/0004-status-codes.md` argues each.
    pub const fn http_status(self) -> u16 {
        match self {
            ErrorKind::Invalid | ErrorKind::Token => 422,
            ErrorKind::NotFound => 404,
            ErrorKind::Denied | ErrorKind::Quota => 403,
            _ => 409,
        }
    }
}

/// One row of the error table.
#[derive(Debug)]
pub struct ErrorRow {
    /// The row's name.
    pub name: &'static str,
    /// What sort of thing went wrong.
    pub kind: ErrorKind,
    /// The provider's codes in order of preference; never empty.
    pub provider_codes: &'static [&'static str],
    /// The provider's HTTP status where the called action documents none for the code.
    pub provider_status: u16,
    /// The rule in one sentence.
    pub message: &'static str,
}

macro_rules! errors {
    ($($variant:ident $kind:ident [$($code:literal),+] $status:literal $message:literal;)*) => {
        /// The name of an error: a row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ErrorCode { $(#[doc = $message] $variant),* }

        impl ErrorCode {
            /// Every row, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),*];

            /// The row.
            pub const fn row(self) -> &'static ErrorRow {
                match self {
                    $(ErrorCode::$variant => {
                        const ROW: ErrorRow = ErrorRow {
                            name: stringify!($variant),
                            kind: ErrorKind::$kind,
                            provider_codes: &[$($code),+],
                            provider_status: $status,
                            message: $message,
                        };
                        &ROW
                    })*
                }
            }
        }
    };
}

errors! {
    // --- any operation ---------------------------------------------------------------------------
    InvalidParameter Invalid ["InvalidParameter", "InvalidParamter", "InvalidParam"] 400 "The specified parameter is invalid.";
    MissingParameter Invalid ["MissingParameter", "MissingParam"] 400 "A required parameter is missing.";
    DryRun Denied ["DryRunOperation"] 400 "Request validation has been passed with DryRun flag set.";
    TokenMismatch Token ["IdempotentFailed", "IdempotentParameterMismatch", "OperationFailed.IdempotentTokenMismatch", "Duplicated.ClientToken"] 400 "The client token was used before with other parameters.";
    TokenMalformed Invalid ["InvalidClientToken.Malformed", "InvalidClientToken.ValueNotSupported", "InvalidParameter"] 400 "The client token must be 1 to 64 ASCII characters.";
    RegionNotFound NotFound ["InvalidRegionId.NotFound", "InvalidRegionId", "InvalidRegion.NotFound", "Forbidden.RegionNotFound", "InvalidRegion.Malformed"] 404 "The specified region does not exist.";
    ZoneNotFound NotFound ["InvalidZoneId.NotFound", "InvalidZoneId"] 404 "The specified zone does not exist in the region.";
    ResourceGroupNotFound NotFound ["InvalidResourceGroup.NotFound", "InvalidResourceGroupId", "InvalidResourceGroupId.NotFound", "ResourceNotFound"] 404 "The specified resource group does not exist.";
    ResourceNotFound NotFound ["InvalidResourceId.NotFound", "InvalidInstanceIds.NotFound", "Invalid.InstanceIds"] 404 "The specified resource does not exist.";
    ResourceTypeUnknown Invalid ["InvalidResourceType.NotFound", "InvalidInstanceType.NotFound", "IllegalParam.ResourceType"] 404 "The resource type is not one of this product.";
    ResourceListSize Invalid ["NumberExceed.ResourceIds", "SizeLimitExceeded.ResourceId"] 400 "1 to 50 resources are named in a call.";
    ResourceListMissing Invalid ["MissingParameter.ResourceIds", "MissingParam", "MissingParameter"] 400 "At least one resource must be named.";
    TagListMissing Invalid ["MissingParameter.Tags", "MissingParam.Tags", "MissingParam"] 400 "At least one tag must be given.";
    TagListSize Invalid ["SizeLimitExceeded.TagNum", "NumberExceed.Tags", "InvalidTagCount"] 400 "1 to 20 tags are named in a call.";
    TagsAndResourcesMissing Invalid ["BothEmpty.TagsAndResources"] 400 "Resources or tags must be named.";
    NextTokenInvalid Invalid ["Invalid.NextToken", "IllegalParam.NextToken", "InvalidParameter.NextToken", "InvalidParameter"] 400 "The token of the next page was not issued by this list.";
    ResourceGroupNameMalformed Invalid ["InvalidParameter.Name"] 400 "The name of a resource group is 2 to 50 characters, a letter first.";
    ResourceGroupInUse Dependency ["DependencyViolation"] 409 "Objects still belong to the resource group.";
    ResourceGroupDefault Denied ["OperationDenied"] 403 "The default resource group stays.";
    WorldFull Exhausted ["ResourceNotAvailable"] 400 "The world has made as many objects as it can number.";
    SettingInvalid Invalid ["InvalidParameter"] 400 "The setting has a value that is not allowed.";
    ClockNotManual State ["IncorrectStatus"] 400 "Only a manual clock can be advanced by hand.";
    QuotaUnknown NotFound ["InvalidQuota.NotFound"] 404 "There is no quota of that name.";
    QuotaNotAdjustable Denied ["QuotaNotAdjustable"] 400 "The quota cannot be adjusted.";
    QuotaValueInvalid Invalid ["InvalidParameter"] 400 "The quota value is outside its range.";

    // --- catalogue ---------------------------------------------------------------------------------
    InstanceTypeUnlisted NotFound ["InvalidInstanceType.ValueNotSupported", "InvalidInstanceType.NotFound"] 404 "There is no such instance type in the catalogue.";
    ImageUnlisted NotFound ["InvalidImageId.NotFound"] 404 "There is no such image in the catalogue.";
    TypeAndSizeConflict Invalid ["InvalidParam.TypeAndCpuMem.Conflict"] 403 "An instance type and a number of vCPUs or a memory size exclude each other.";
    ImageFilterUnknown NotFound ["InvalidFilterKey.NotFound"] 404 "Images can be filtered by ImageId, ImageName, ImageFamily, OSType, Architecture and Platform.";
    ImageFilterValue Invalid ["InvalidFilterValue"] 404 "A filter has a value.";

    // --- names, descriptions, tags ---------------------------------------------------------------
    VpcNameMalformed Invalid ["InvalidVpcName.Malformed"] 400 "The VPC name must be 1 to 128 characters and must not start with http:// or https://.";
    VpcDescriptionMalformed Invalid ["InvalidVpcDiscription.Malformed", "InvalidDescription.Malformed"] 400 "The VPC description must be 1 to 256 characters and must not start with http:// or https://.";
    VSwitchNameMalformed Invalid ["InvalidVSwitchName.Malformed"] 400 "The vSwitch name must be 1 to 128 characters and must not start with http:// or https://.";
    VSwitchDescriptionMalformed Invalid ["InvalidVSwitchDiscription.Malformed", "InvalidDescription.Malformed"] 400 "The vSwitch description must be 1 to 256 characters and must not start with http:// or https://.";
    TagKeyMalformed Invalid ["InvalidTagKey.Malformed", "InvalidTagKey", "Forbidden.TagKeys"] 400 "A tag key has 1 to 128 characters and starts with none of aliyun, acs:, http:// and https://.";
    TagValueMalformed Invalid ["InvalidTagValue.Malformed", "InvalidTagValue"] 400 "A tag value has at most 128 characters, does not start with acs: and contains no http:// or https://.";
    TagKeyDuplicated Invalid ["Forbidden.TagKey.Duplicated", "Duplicate.TagKey", "InvalidTagKey.Duplicated", "InvalidTagKey.Malformed"] 400 "A tag key is given twice.";
    TagQuotaExceeded Quota ["QuotaExceeded.TagNum", "QuotaExceed.Tags", "NumberExceed.Tags", "TagNum.Exceeded", "InvalidTagKey.Malformed"] 400 "A resource carries at most 20 tags.";

    // --- VPC ---------------------------------------------------------------------------------------
    VpcNotFound NotFound ["InvalidVpcId.NotFound", "InvalidVpcID.NotFound", "InvalidVpc.NotFound", "Forbidden.VpcNotFound"] 404 "The specified VPC does not exist.";
    VpcCidrMalformed Invalid ["InvalidParameter", "InvalidCidrBlock.Malformed"] 400 "The block of a VPC is an IPv4 network in CIDR form without host bits.";
    VpcCidrMask Invalid ["InvalidParameter", "InvalidCidrBlock.Malformed"] 400 "The mask of a VPC block is between 8 and 28.";
    VpcCidrForbidden Invalid ["InvalidParameter", "IllegalCidrBlock", "InvalidCidrBlock.Malformed"] 400 "The block of a VPC must not overlap 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16 or 224.0.0.0/4 and must not start with 0.";
    VpcCidrOutsidePrimary Invalid ["IllegalCidrBlock", "InvalidCidrBlock.Malformed", "InvalidParameter"] 400 "A VPC block can only shrink or regrow inside the original primary block.";
    VpcCidrInUse Conflict ["IllegalCidrBlock", "OperationFailed.CidrInUse", "InvalidParameter"] 400 "The new VPC block would leave out addresses in use.";
    VpcCidrOverlap Conflict ["IllegalCidrBlock", "InvalidCidrBlock.Malformed", "InvalidParameter"] 400 "The new VPC block must not overlap the VPC's secondary blocks.";
    VpcCidrDefault Denied ["IllegalCidrBlock", "InvalidParameter"] 400 "The block of a default VPC cannot be changed.";
    VpcIdListSize Invalid ["InvalidVpcIdNumber.NotSupported"] 400 "A filter names at most 20 VPCs.";
    VpcChangeExclusive Invalid ["ParamExclusive.EnableIpv6AndCidrBlock", "ExclusiveParam.EnableIpv6AndCidrBlock"] 400 "The block of a VPC and its IPv6 are not changed in one call.";
    Ipv6IspUnsupported Invalid ["UnsupportedFeature.Ipv6Isp", "InvalidParameter"] 400 "The lines of an IPv6 block are BGP, ChinaMobile, ChinaUnicom or ChinaTelecom.";
    VpcQuotaExceeded Quota ["QuotaExceeded.Vpc"] 400 "The number of VPCs in this region has reached the quota.";
    VpcStatusIncorrect State ["IncorrectVpcStatus", "IncorrectStatus.Vpc", "IncorrectStatus"] 400 "The status of the VPC does not allow this operation.";
    UserCidrMalformed Invalid ["InvalidUserCidr.Malformed", "IllegalParam.UserCidr"] 400 "A user CIDR is an IPv4 network without host bits that does not overlap 100.64.0.0/10.";
    UserCidrQuota Quota ["InvalidUserCidr.Quota"] 400 "A VPC has at most 3 user CIDRs.";
    DefaultVpcExists Conflict ["OperationFailed.DefaultVpcExist"] 400 "The region already has a default VPC.";
    DefaultVpcMissing NotFound ["OperationFailed.DefaultVpcNotExist"] 400 "The region has no default VPC.";
    SecondaryCidrMissing Invalid ["MissingParam.SecondaryCidrOrIpv6Cidr", "MissingParam.SecondaryCidrBlockOrIpv6CidrBlock"] 400 "Either a secondary IPv4 block or an IPv6 block is needed.";
    SecondaryCidrExclusive Invalid ["ParamExclusive.SecondaryCidrAndIpv6Cidr"] 400 "A secondary IPv4 block and an IPv6 block exclude each other.";
    SecondaryCidrMalformed Invalid ["IllegalParam.SecondaryCidrBlock", "InvalidCidrBlock.Malformed"] 400 "A secondary block is an IPv4 network in CIDR form without host bits.";
    SecondaryCidrMask Invalid ["IllegalParam.SecondaryCidrBlock"] 400 "The mask of a secondary block is outside its range.";
    SecondaryCidrForbidden Invalid ["IllegalParam.SecondaryCidrBlock"] 400 "A secondary block must not overlap 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16 or 224.0.0.0/4 and must not start with 0.";
    SecondaryCidrDuplicate Conflict ["Duplicated.SecondaryCidrBlock"] 400 "The VPC has this secondary block already.";
    SecondaryCidrOverlap Conflict ["InvalidCidrBlock"] 400 "A secondary block must not overlap the VPC's other blocks.";
    SecondaryCidrRouteConflict Conflict ["OperationFailed.ConflictWithEntry"] 400 "The secondary block clashes with a route entry.";
    SecondaryCidrQuota Quota ["QuotaExceeded.VpcMultiCidr"] 400 "The VPC has as many secondary blocks as the quota allows.";
    SecondaryCidrNotFound NotFound ["InvalidSecondaryCidrBlock.NotFound"] 400 "The VPC has no such secondary block.";
    SecondaryCidrInUse Dependency ["OperationFailed.CidrInUse"] 400 "vSwitches lie in the secondary block.";
    SecondaryIpv6Quota Quota ["QuotaExceeded.GUAIpv6CidrBlock"] 400 "The VPC has as many secondary IPv6 blocks as the quota allows.";
    SecondaryIpv6NotReserved Denied ["OperationFailed.IPv6CidrNotReserved"] 400 "An IPv6 block is assigned by the platform; a given one was not reserved.";
    SecondaryIpv6NotFound NotFound ["InvalidIpv6CidrBlock.NotFound"] 400 "The VPC has no such secondary IPv6 block.";
    IpVersionInvalid Invalid ["IllegalParam.IpVersion", "PARAMETER_ILLEGAL", "IllegalParamFormat"] 400 "The IP version is IPV4 or IPV6.";
    IpamUnsupported Denied ["ResourceNotFound.IpamPool", "UnsupportedFeature.Ipam", "UnsupportedFeature.IPAM"] 400 "There are no address pools of IPAM here.";
    Ipv6Disabled State ["OperationFailed.VpcIpv6Disabled", "OperationFailed.IPv6Disabled", "InvalidParameter"] 400 "The VPC has no IPv6 block.";
    Ipv6CidrMalformed Invalid ["InvalidIpv6CidrBlock.Malformed", "IllegalParam.Ipv6CidrBlock", "IllegalParam.Ipv6Cidr", "InvalidParameter"] 400 "The IPv6 block of a VPC is a network with a mask of 52, 56 or 60.";
    Ipv6InUse Dependency ["OperationFailed.IpV6VSwitchInuse", "OperationFailed.Ipv6InstanceExist"] 400 "IPv6 is still on in a vSwitch of the VPC.";

    // --- deleting a VPC: one row for each kind of thing that blocks it, in the order of the checks ---
    VpcHasVSwitch Dependency ["DependencyViolation.VSwitch"] 400 "The VPC still has vSwitches.";
    VpcHasRouteTable Dependency ["DependencyViolation.CustomRouteTable", "DependencyViolation.RouteTable"] 400 "The VPC still has custom route tables.";
    VpcHasRouteEntry Dependency ["DependencyViolation.RouteEntry", "Forbbiden"] 400 "The VPC's system route table still has custom entries.";
    VpcHasInstance Dependency ["DependencyViolation.Instance"] 400 "The VPC still has instances.";
    VpcHasSecurityGroup Dependency ["DependencyViolation.SecurityGroup"] 400 "The VPC still has security groups.";
    VpcHasResident Dependency ["DependencyViolation.CloudServiceResource"] 400 "The VPC still has managed residents.";

    // --- vSwitch -------------------------------------------------------------------------------------
    VSwitchNotFound NotFound ["InvalidVSwitchId.NotFound", "InvalidVswitchID.NotFound", "InvalidVSwitchID.NotFound", "InvalidVswitchId.NotFound", "ResourceNotFound.VSwitch", "ResourceNotFound.VSwitchId"] 404 "The specified vSwitch does not exist.";
    VSwitchIdListSize Invalid ["InvalidVSwitchIdNumber.NotSupported"] 400 "A filter names at most 20 vSwitches.";
    VSwitchIpv6Exclusive Invalid ["ParamExclusive.DisableIpv6AndIpv6CidrBlock"] 400 "IPv6 of a vSwitch is turned off or moved, not both.";
    VSwitchCidrMalformed Invalid ["InvalidCidrBlock.Malformed", "InvalidParameter"] 400 "The block of a vSwitch is an IPv4 network in CIDR form without host bits.";
    VSwitchCidrMask Invalid ["InvalidCirdrBlock.MaskLength", "InvalidParameter"] 400 "The mask of a vSwitch block is between 16 and 29.";
    VSwitchCidrForbidden Invalid ["InvalidParameter"] 400 "The block of a vSwitch must not lie in 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16 or 224.0.0.0/4.";
    VSwitchCidrOutside Invalid ["InvalidParameter"] 400 "The block of a vSwitch lies inside one block of its VPC.";
    VSwitchCidrOverlap Conflict ["InvalidCidrBlock.Overlapped"] 400 "The block overlaps another vSwitch of the VPC.";
    VSwitchCidrRouteConflict Conflict ["InvalidCidrBlock.Overlapped", "RouteConflict.AlreadyExist"] 400 "The block equals or contains the destination of a route entry of the VPC.";
    VSwitchNoRoom Exhausted ["OperationDenied.AvailableCidrInsufficient", "ResourceNotAvailable"] 400 "The VPC has no free block of that size.";
    VSwitchQuotaExceeded Quota ["QuotaExceeded.VSwitch"] 400 "The number of vSwitches in the VPC has reached the quota.";
    VSwitchStatusIncorrect State ["IncorrectVSwitchStatus", "IncorrectStatus.VSwitch", "InvalidStatus.VSwitch", "InvalidVSwitch.IncorrectStatus", "IncorrectStatus"] 400 "The status of the vSwitch does not allow this operation.";
    VSwitchSiblingBusy Busy ["OperationDenied.OtherSubnetCreating", "OperationDenied.OtherSubnetProcessing", "IncorrectVSwitchStatus", "TaskConflict"] 400 "Another vSwitch of the VPC is being created or deleted.";
    VSwitchInUse Dependency ["DependencyViolation"] 400 "Resources still hold addresses of the vSwitch.";
    VSwitchHasRouteTable Dependency ["DependencyViolation.RouteTable", "DependencyViolation"] 400 "A custom route table is still bound to the vSwitch.";
    VSwitchHasReservation Dependency ["DependencyViolation.VSwitchCidrReservation", "DependencyViolation"] 400 "The vSwitch still has CIDR reservations.";
    VSwitchIpv6Malformed Invalid ["IllegalParam.Ipv6CidrBlock", "InvalidParameter"] 400 "The IPv6 subnet number is outside its range.";
    VSwitchIpv6Exists Conflict ["OperationFailed.Ipv6CidrBlockExisted"] 400 "Another vSwitch has this IPv6 subnet.";
    VSwitchIpv6InUse Dependency ["OperationFailed.Ipv6InstanceExist"] 400 "IPv6 addresses or reservations of the vSwitch are still in use.";
    DefaultVSwitchExists Conflict ["OperationFailed.DefaultVSwitchExist"] 400 "The zone already has a default vSwitch.";
    CidrReservationNotFound NotFound ["ResourceNotFound.CidrReservation"] 400 "The specified CIDR reservation does not exist.";
    CidrReservationChoice Invalid ["MissingParam.CidrReservationMaskOrCidrReservationCidr", "Conflict.CidrReservationMaskAndCidrReservationCidr"] 400 "A reservation is given by a block or by a mask.";
    CidrReservationBoth Invalid ["Conflict.CidrReservationMaskAndCidrReservationCidr"] 400 "A reservation is given by a block or by a mask, not by both.";
    CidrReservationMalformed Invalid ["IllegalParamFormat.VSwitchCidrReservationCidr"] 400 "A reserved block is a network in CIDR form without host bits.";
    CidrReservationMask Invalid ["IllegalParam.VSwitchCidrReservationMask", "OperationFailed.VSwitchCidrReservationCidr"] 400 "The mask of a reservation is outside its range.";
    CidrReservationOutside Invalid ["OperationFailed.VSwitchCidrReservationCidr"] 400 "A reserved block is a proper part of the vSwitch's block.";
    CidrReservationSystem Conflict ["OperationFailed.SystemReservedIpContained"] 400 "The reserved block contains addresses that the provider keeps.";
    CidrReservationUsed Conflict ["OperationFailed.AlreadyUsedIpContained"] 400 "The reserved block contains addresses in use.";
    CidrReservationNoRoom Exhausted ["OperationFailed.CidrNotEnoughInVSwitch"] 400 "The vSwitch has no free block of that size.";
    CidrReservationQuota Quota ["QuotaExceeded.CidrReservationCount"] 400 "The VPC has as many reservations as the quota allows.";
    CidrReservationType Invalid ["UnsupportedFeature.ReservedType"] 400 "The only type of reservation is Prefix.";
    CidrReservationIpv6 Denied ["UnsupportedFeature.VSwitchIpv6"] 400 "The vSwitch has no IPv6 block to reserve from.";
    CidrReservationInUse Dependency ["DependencyViolation.IpPrefix"] 400 "Interfaces still hold prefixes of the reservation.";
    ReservationNameMalformed Invalid ["IllegalParamFormat"] 400 "The name of a reservation is 1 to 128 characters and does not start with http:// or https://.";
    ReservationDescriptionMalformed Invalid ["IllegalParamFormat"] 400 "The description of a reservation is 1 to 256 characters and does not start with http:// or https://.";
    AddressMalformed Invalid ["PARAMETER_ILLEGAL", "InvalidPrivateIpAddress.Malformed", "InvalidIp.Address"] 400 "The address does not read.";
    AddressMismatch Invalid ["Mismatch.VSwitchAndPrivateIpAddress"] 400 "The address does not lie in the block of the vSwitch.";
    AddressExhausted Exhausted ["InvalidVSwitchId.IpNotEnough", "QuotaExceeded.PrivateIpAddress", "InvalidParameter.NotEnoughIpInVSwitch"] 403 "The vSwitch has no free address left.";
    AddressQuotaExceeded Quota ["QuotaExceeded.PrivateIpAddress"] 400 "The VPC holds as many private addresses as the quota allows.";
    AddressOutside Invalid ["InvalidVSwitchId.IpInvalid", "InvalidPrivateIpAddress.Mismatch", "InvalidPrivateIpAddress", "InvalidPrivateIpAddress.Malformed", "InvalidIp.NotInVSwitch"] 403 "The address does not lie in the block of the vSwitch.";
    AddressReserved Invalid ["InvalidVSwitchId.IpInvalid", "InvalidPrivateIpAddress.Malformed", "InvalidPrivateIpAddress"] 403 "The first and the last three addresses of a vSwitch are reserved by the provider.";
    AddressInUse Conflict ["InvalidPrivateIpAddress.Duplicated", "InvalidIp.IpAssigned", "InvalidIPAddress.AlreadyUsed"] 400 "The address is already in use.";

    // --- vRouter and route tables ------------------------------------------------------------------
    VRouterNotFound NotFound ["InvalidVRouterId.NotFound", "InvalidVRouterID.NotFound"] 404 "The specified vRouter does not exist.";
    VRouterNameMalformed Invalid ["InvalidVRouterName.Malformed"] 400 "The vRouter name must be 1 to 128 characters and must not start with http:// or https://.";
    VRouterDescriptionMalformed Invalid ["InvalidVRouterDescription.Malformed", "InvalidDescription.Malformed"] 400 "The vRouter description must be 1 to 256 characters and must not start with http:// or https://.";
    RouteTableNotFound NotFound ["InvalidRouteTableId.NotFound", "InvalidRouteTableID.NotFound", "InvalidRouteTable.NotFound", "Abs.InvalidRouteTableId.NotExist"] 404 "The specified route table does not exist.";
    RouteTableNameMalformed Invalid ["InvalidParameter.RouteTableName.Malformed", "Abs.InvaliTableName.Malformed"] 400 "The route table name must be 1 to 128 characters and must not start with http:// or https://.";
    RouteTableDescriptionMalformed Invalid ["InvalidParameter.Description.Malformed", "InvalidDescription.Malformed"] 400 "The route table description must be 1 to 256 characters and must not start with http:// or https://.";
    RouteTableGatewayUnsupported Denied ["OperationUnsupported.AdvancedFeature"] 400 "Route tables of gateways are not offered; a route table is bound to vSwitches.";
    RouteTableQuotaExceeded Quota ["QuotaExceeded.RouteTable"] 400 "The number of custom route tables in the VPC has reached the quota.";
    RouteTableStatusIncorrect State ["IncorrectRouteTableStatus", "IncorrectStatus.RouteTable", "IncorrectStatus.RouteTableStatus", "IncorrectStatus"] 404 "The status of the route table does not allow this operation.";
    RouteTableIsSystem Denied ["IncorrectRouteTableType"] 400 "The system route table lives and dies with its VPC.";
    RouteTableHasVSwitch Dependency ["IncorrectRouteTableStatus"] 404 "vSwitches are still bound to the route table.";
    RouteTableHasRouteEntry Dependency ["IncorrectRouteTableStatus.RouteEntryExist", "DependencyViolation.RouteEntry"] 400 "The route table still has custom entries.";
    RouteTableOtherVpc Invalid ["Forbidden.NotInSameVpc"] 404 "The route table and the vSwitch are in different VPCs.";
    RouteTableSwitchToSystem Denied ["OperationDenied.SwitchToSystemRouteTable"] 400 "A vSwitch returns to the system route table by leaving its custom one.";
    RouteTableAlreadyAssociated Conflict ["ResourceAlreadyAssociated.RouteTable", "Forbidden.VSwitchAlreadyAssociatedRouteTable"] 400 "The vSwitch is bound to a custom route table already.";
    RouteTableUnbindSystem Denied ["OperationUnsupported.SystemRouteTable"] 404 "The system route table cannot be unbound.";
    RouteTableNotAssociated Conflict ["InvalidBindingStatus.RouteTable", "OperationFailed.VSwitchNotAssociate"] 404 "The vSwitch is not bound to the route table.";
    RouteTableVpcBusy Busy ["OperationConflict", "TaskConflict"] 400 "Another change in the VPC of the route table is under way.";
    VpcBusy Busy ["TaskConflict", "OperationConflict", "OperationFailed.DistibuteLock", "IncorrectVSwitchStatus"] 400 "Another change in the VPC is under way.";

    // --- route entries -----------------------------------------------------------------------------
    RouteEntryIdNotFound NotFound ["InvalidRouteEntryId.NotFound", "InvalidRouteEntry.NotFound", "VPC_ROUTER_ENTRY_NOT_EXIST"] 404 "The specified route entry does not exist.";
    RouteEntryNotFound NotFound ["InvalidRouteEntry.NotFound", "InvalidRouteEntryId.NotFound", "VPC_ROUTER_ENTRY_NOT_EXIST"] 400 "The route table has no such entry.";
    RouteEntryIdMissing Invalid ["MissingParam.RouteEntryId", "MissingParameter"] 400 "A route entry is named by its id, or by route table and destination.";
    RouteEntryIdExclusive Invalid ["ParamExclusive.RouteEntryIdAndRouteTableIdOrDestCidrBlock"] 400 "A route entry is named by its id alone, or by route table and destination.";
    RouteEntryNameMalformed Invalid ["InvalidRouteEntryName.Malformed", "IllegalParam.RouteEntryName"] 400 "The route entry name must be 1 to 128 characters and must not start with http:// or https://.";
    RouteEntryDescriptionMalformed Invalid ["InvalidDescription.Malformed", "IllegalParam.RouteEntryName"] 400 "The route entry description must be 1 to 256 characters and must not start with http:// or https://.";
    RouteEntryStatusIncorrect State ["IncorrectRouteEntryStatus", "IncorrcetRouteEntryStatus", "VPC_ROUTE_ENTRY_STATUS_ERROR"] 400 "The route entry is in transition.";
    RouteEntrySiblingBusy Busy ["IncorrectRouteEntryStatus", "IncorrcetRouteEntryStatus", "TaskConflict"] 400 "Another entry of the route table is in transition.";
    RouteEntryIsSystem Denied ["OperationDenied"] 400 "A system route entry cannot be deleted.";
    RouteEntrySystemText Denied ["Forbbiden"] 403 "A system route entry has no name and no description.";
    RouteEntryQuotaExceeded Quota ["QuotaExceeded"] 400 "The number of custom entries in the route table has reached the quota.";
    RouteDestinationMalformed Invalid ["InvalidCidrBlock.Malformed", "IllegalParam.CidrBlock", "InvalidCidrBlock"] 400 "The destination is a network in CIDR form without host bits, or a bare address.";
    RouteDestinationDuplicate Conflict ["InvalidCIDRBlock.Duplicate", "InvalidRouteEntry.Duplicate", "RouterEntryConflict.Duplicated", "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE"] 400 "The route table has an entry for this destination already.";
    RouteDestinationInVSwitch Conflict ["InvalidCidrBlock"] 400 "The destination must not equal the block of a vSwitch of the VPC and must not lie inside one.";
    RouteDestinationInVSwitchIpv6 Conflict ["OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch", "InvalidCidrBlock"] 400 "The destination must not equal the IPv6 block of a vSwitch of the VPC and must not lie inside one.";
    RouteDestinationCloudServices Invalid ["InvalidCidrBlock"] 400 "The destination must not be 100.64.0.0/10, the network of cloud services, or lie inside it.";
    RoutePrefixListNotFound NotFound ["ResourceNotFound.PrefixList"] 400 "The specified prefix list does not exist.";
    RouteIpv6Disabled State ["OperationDenied.VpcIpv6NotEnabled"] 400 "The VPC has no IPv6 block.";
    RouteNextHopType Invalid ["InvalidNextHopType", "IllegealParam.NextHopType", "InvalidNextHop"] 400 "The type of the next hop is not known.";
    RouteNextHopBothNull Invalid ["InvalidNexthopTypeAndList.BothNull"] 400 "Neither a next hop nor a list of next hops is given.";
    RouteNextHopBothGiven Invalid ["InvalidNexthopTypeAndList.BothNotNull", "ParamExclusive.NextHopIdAndList"] 400 "A next hop and a list of next hops are given.";
    RouteNextHopMissing Invalid ["InvalidNextHop"] 400 "An entry that is named by its destination is deleted with its next hop.";
    RouteNextHopIdMissing Invalid ["MissingParam.NewNextHopId", "MissingParameter"] 400 "The id of the next hop is missing.";
    RouteNextHopTypeMissing Invalid ["MissingParam.NewNextHopType", "MissingParameter"] 400 "The type of the next hop is missing.";
    RouteNextHopFixed Denied ["UnsupportedFeature.ModifyRouteEntryNextHop"] 400 "A system entry of the system route table keeps its next hop.";
    RouteNextHopUnchanged Conflict ["OperationDenied.NextHopExist"] 400 "The entry has this next hop already.";
    RouteNextHopStatus State ["IncorrectInstanceStatus"] 400 "The next hop is in transition.";
    RouteNextHopNoIpv6 State ["OperationFailed.NotSupportIPV6"] 400 "The next hop has no IPv6 address.";
    RouteNextHopPrimaryEni Denied ["OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface"] 400 "An IPv6 entry cannot point at a primary network interface.";
    RouteNextHopManyIpv6 State ["OperationUnsupported.MutipleIpv6Address"] 400 "The next hop of an IPv6 entry has one IPv6 address, not several.";
    RouteInstanceOtherVpc Invalid ["OperationFailed.InstanceDismatchCurrentVpc"] 404 "The next hop is in another VPC than the route table.";
    RouteEniOtherVpc Invalid ["Mismatch.EniIdAndRouteTableId"] 400 "The network interface is in another VPC than the route table.";
    RouteNextHopNotFound NotFound ["InvalidNextHop.NotFound", "InvalidNextHopId.NotFound", "InvalidNexthop.NotFound"] 400 "The specified next hop does not exist.";
    RouteInstanceNotFound NotFound ["InvalidInstanId.NotFound", "InvalidNextHop.NotFound"] 404 "The instance that should be the next hop does not exist.";
    RouteEniNotFound NotFound ["InvalidNetworkInterface.NotFound", "ResourceNotFound.NetworkInterface"] 404 "The network interface that should be the next hop does not exist.";
    RouteHaVipNotFound NotFound ["InvalidHaVipId.NotFound", "InvalidHaVip.NotFound", "InvalidNextHop.NotFound"] 404 "The HaVip that should be the next hop does not exist.";
    RouteVpnGatewayNotFound NotFound ["InvalidVpnInstanceId.NotFound"] 400 "The VPN gateway that should be the next hop does not exist.";
    RouteNatGatewayNotFound NotFound ["InvalidNatGatewayId.NotFound", "InvalidNatGateway.NotFound", "ResourceNotFound.NatGateway"] 404 "The NAT gateway that should be the next hop does not exist.";
    RouteIpv6GatewayNotFound NotFound ["InvalidIpv6Gateway.NotFound"] 404 "The IPv6 gateway that should be the next hop does not exist.";
    RouteIpv4GatewayNotFound NotFound ["ResourceNotFound.Ipv4Gateway"] 400 "The IPv4 gateway that should be the next hop does not exist.";
    RouteAttachmentNotFound NotFound ["InvalidAttachment.NotFound"] 400 "The transit router attachment that should be the next hop does not exist.";
    RouteVpcPeerNotFound NotFound ["ResourceNotFound.VpcPeer"] 400 "The peering connection that should be the next hop does not exist.";
    RouteEcrNotFound NotFound ["ResourceNotAssociated.Ecr"] 400 "The VPC is not associated with the express connect router that should be the next hop.";
    RouteEcmpSize Invalid ["InvalidNexthopListSize", "InvalidNextHopList.Size"] 400 "A list of next hops has 2 to 4 of them.";
    RouteEcmpType Invalid ["OperationUnsupported.InvalidRouterInterfaceType", "InvalidOppositeRouterType"] 400 "Every next hop of a list is a router interface.";
    RouteEcmpWeight Invalid ["INVALID_WEIGHT_PARAM"] 400 "The weight of a next hop is between 0 and 255.";
    RouteEcmpDuplicate Invalid ["Duplicated.VpcNextHop"] 400 "A list of next hops names each of them once.";
    RouteEcmpIpv6 Denied ["OperationUnsupported.Ipv6EcmpRouteEntry"] 400 "An IPv6 entry has one next hop.";
    RouteEcmpCustomTable Denied ["OperationUnsupported.SubRouteTableECMP"] 400 "An entry of a custom route table has one next hop.";

    // --- security groups and prefix lists ------------------------------------------------------------
    SecurityGroupNotFound NotFound ["InvalidSecurityGroupId.NotFound", "InvalidSecurityGroup.NotFound"] 404 "The specified security group does not exist.";
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

    // --- ENI, instances, residents ---------------------------------------------------------------------
    EniNotFound NotFound ["InvalidEniId.NotFound", "InvalidNetworkInterfaceId.NotFound"] 404 "The specified network interface does not exist.";
    InstanceNotFound NotFound ["InvalidEcsId.NotFound", "InvalidInstanceId.NotFound"] 404 "The specified instance does not exist.";
    EniNameMalformed Invalid ["InvalidParams.NetworkInterfaceName", "InvalidParameter"] 403 "The name of a network interface has 2 to 128 characters, a letter first, and does not start with http:// or https://.";
    EniDescriptionMalformed Invalid ["InvalidDescription.Malformed", "InvalidParameter"] 400 "The description of a network interface has 2 to 256 characters and does not start with http:// or https://.";
    EniGroupsConflict Invalid ["InvalidSecurityGroupId.SingleIdAndMultiIdConflict", "InvalidParameter.Conflict"] 400 "SecurityGroupId and SecurityGroupIds exclude each other.";
    EniAddressesConflict Invalid ["InvalidParameter.Conflict", "InvalidParameter"] 400 "A list of addresses and a count exclude each other.";
    EniAddressCount Invalid ["InvalidParameter"] 400 "The number of addresses in one call is outside its range.";
    EniAddressRepeated Invalid ["InvalidIp.IpRepeated", "InvalidParameter"] 403 "An address is given twice in one call.";
    EniPrefixMalformed Invalid ["InvalidIp.IpPrefixNotStrict", "InvalidIp.IpPrefixIllegal", "InvalidParameter"] 403 "A prefix is a network in CIDR form without host bits.";
    EniPrefixMask Invalid ["InvalidIp.IpPrefixMaskInvalid", "InvalidParameter"] 403 "A prefix of a network interface has a mask of 28 for IPv4 and of 80 for IPv6.";
    EniPrefixInUse Conflict ["InvalidIp.IpPrefixNotAvailable", "InvalidPrivateIpAddress.Duplicated"] 403 "Addresses of the prefix are already in use.";
    EniPrefixExhausted Exhausted ["InvalidVSwitchId.IpPrefixNotEnough", "InvalidVSwitchId.IpNotEnough"] 403 "The vSwitch has no free prefix left.";
    EniVSwitchIpv6Disabled State ["InvalidOperation.VSwitchIpv6Disabled", "InvalidVSwitch.Ipv6NotTurnOn"] 404 "The vSwitch has no IPv6 block.";
    EniQuotaExceeded Quota ["MaxEniCountExceeded"] 403 "The number of secondary network interfaces in this region has reached the quota.";
    EniAvailableIpv4Exceeded Quota ["MaxEniPrivateIpsCountExceeded", "InvalidOperation.Ipv4CountExceeded"] 403 "An Available network interface holds at most 49 secondary IPv4 addresses.";
    EniAvailableIpv6Exceeded Quota ["MaxEniIpv6IpsCountExceeded", "InvalidOperation.MaxEniIpv6IpsCountExceeded", "InvalidOperation.Ipv6CountExceeded"] 403 "An Available network interface holds at most 10 IPv6 addresses.";
    EniTypeIpv4Exceeded Quota ["InvalidOperation.Ipv4CountExceeded", "MaxEniPrivateIpsCountExceeded"] 403 "The instance type allows fewer IPv4 addresses on a network interface.";
    EniTypeIpv6Exceeded Quota ["InvalidOperation.Ipv6CountExceeded", "MaxEniIpv6IpsCountExceeded"] 403 "The instance type allows fewer IPv6 addresses on a network interface.";
    EniAddressUnassigned Conflict ["InvalidIp.IpUnassigned"] 403 "The address is not a secondary address of the network interface.";
    EniStatusIncorrect State ["InvalidOperation.InvalidEniState"] 400 "The status of the network interface does not allow this operation.";
    EniInstanceStatusIncorrect State ["InvalidOperation.InvalidEcsState", "IncorrectInstanceStatus"] 400 "The status of the instance does not allow this operation on a network interface.";
    EniZoneMismatch Conflict ["InvalidOperation.AvailabilityZoneMismatch"] 403 "The network interface and the instance lie in different zones.";
    EniVpcMismatch Conflict ["InvalidOperation.VpcMismatch"] 403 "The network interface and the instance lie in different VPCs.";
    EniPerInstanceExceeded Quota ["EniPerInstanceLimitExceeded"] 403 "The instance has as many network interfaces as its type allows.";
    EniPrimaryDetach Denied ["InvalidOperation.DetachPrimaryEniNotAllowed"] 400 "A primary network interface is never detached.";
    EniPrimaryFixed Denied ["InvalidOperation.PrimaryEniOnlySupportModifyNameAndDesc", "InvalidOperation.InvalidEniType"] 404 "Security groups and release of a primary network interface are its instance's.";
    EniKindDenied Denied ["InvalidOperation.InvalidEniType"] 403 "The type of the network interface does not allow this operation.";
    EniNotOfInstance Conflict ["InvalidParameter.EniNotBelongEcs"] 403 "The network interface is not attached to that instance.";
    EniNotOfTrunk Conflict ["InvalidParameter.EniNotBelongTrunk"] 403 "The network interface is not a member of that trunk.";
    EniTrunkUnsupported Denied ["InvalidOperation.InstanceTypeNotSupportEniTrunking"] 403 "The instance type takes no trunk interface.";
    EniTrunkFull Quota ["InvalidOperation.EniTrunkDeviceFull"] 403 "The instance carries as many member interfaces as its type allows.";
    EniTrunkStatus State ["InvalidOperation.InvalidTrunkEniStatus"] 403 "The trunk interface is not InUse.";
    EniNotTrunk Invalid ["InvalidOperation.EniTypeNotSupportTrunking"] 403 "Only a trunk interface carries members.";
    EniCannotBeMember Invalid ["InvalidOperation.EniTypeNotSupportAttachToTrunk"] 403 "Only a secondary network interface can be a member of a trunk.";
    EniHasMembers Dependency ["InvalidOperation.HasMemberEniAttached"] 403 "Member interfaces are still attached through the trunk.";
    // instances
    InstanceNameMalformed Invalid ["InvalidInstanceName.Malformed"] 400 "The name of an instance has 2 to 128 characters, a letter first, and does not start with http:// or https://.";
    InstanceNamePattern Invalid ["InvalidInstanceName.CustomMalformed", "InvalidInstanceName.Malformed"] 400 "Brackets in a name hold the first number and how many digits numbers have.";
    InstanceDescriptionMalformed Invalid ["InvalidDescription.Malformed"] 400 "The description of an instance has 2 to 256 characters and does not start with http:// or https://.";
    HostNameMalformed Invalid ["InvalidHostName.Malformed", "HOSTNAME_ILLEGAL"] 400 "A host name does not follow the rules of the operating system.";
    HostNamesConflict Invalid ["InvalidHostname.SingleAndMultiConflict"] 403 "One host name for all and a list of host names exclude each other.";
    HostNamesCount Invalid ["InvalidHostname.SizeInvalid"] 403 "A list of host names has one for each instance.";
    InstanceTypeUnknown Invalid ["InvalidInstanceType.ValueNotSupported", "InvalidInstanceType.NotSupported"] 403 "The instance type does not exist.";
    ImageNotFound NotFound ["InvalidImageId.NotFound"] 404 "The specified image does not exist.";
    ImageFamilyNotFound NotFound ["InvalidImageFamily.MissingAvailableImage"] 403 "No image of the specified family exists.";
    ImageAndFamily Invalid ["UnexpectedImageFamily.ImageIdSupplied"] 400 "An image and an image family exclude each other.";
    ImageArchitecture Conflict ["ImageNotSupportInstanceType"] 403 "The image is for another processor than that of the instance type.";
    LaunchTemplateNotFound NotFound ["InvalidLaunchTemplate.NotFound"] 404 "The specified launch template does not exist; launch templates are not modelled.";
    InstanceAmount Invalid ["InvalidParam.Amount"] 403 "The number of instances of one call is outside its range.";
    InstanceMinAmount Invalid ["InvalidMinAmount.Malformed"] 400 "The least number of instances is from 1 to 100 and not above the number wanted.";
    InstanceVSwitchMissing Invalid ["InvalidVSwitchId.Necessary", "MissingParameter"] 400 "An instance lies in a vSwitch, which must be given where the region has no default one.";
    InstanceZoneMismatch Conflict ["ResourcesNotInSameZone", "InvalidVpcZone.NotSupported"] 403 "The vSwitch lies in another zone than the instance.";
    InstanceInterfacesExceeded Quota ["InvalidOperation.EniCountExceeded"] 403 "The instance type takes fewer network interfaces.";
    InstanceInterfacesInvalid Invalid ["InvalidParam.NetworkInterface", "InvalidParameter.Combination", "InvalidParameter"] 400 "The primary network interface is described once: by the fields of the instance or as one of its network interfaces.";
    InstanceAddressesForMany Invalid ["InvalidPrimaryIpAddress.SizeInvalid", "InvalidParam.IpAssign", "InvalidParameter"] 400 "Addresses are listed for one instance only.";
    InstanceInterfaceForMany Invalid ["InvalidParam.SecondaryNetworkInterface", "InvalidParameter"] 400 "An existing network interface is named for one instance only.";
    InstanceStatusIncorrect State ["IncorrectInstanceStatus"] 403 "The status of the instance does not allow this operation.";
    InstanceInitializing State ["IncorrectInstanceStatus.Initializing", "IncorrectInstanceStatus"] 403 "The instance is being made.";
    InstanceProtected Denied ["InvalidOperation.DeletionProtection"] 403 "The instance is protected from deletion.";
    InstanceSubscription Denied ["ChargeTypeViolation"] 403 "A subscription is not deleted before its end.";
    InstanceNotSubscription Denied ["ChargeTypeViolation"] 403 "Only a subscription renews itself.";
    InstanceHasRouteEntry Dependency ["DependencyViolation.RouteEntry", "InvalidDependence.NextHopOfCustomRouter"] 400 "Route entries still lead to the instance.";
    InstanceBatchSize Invalid ["InvalidParameter.TooManyInstanceIds", "InvalidParameter"] 403 "A call names 1 to 100 instances.";
    InstanceRepeated Invalid ["Abs.InvalidInstanceIds.MalFormed", "InvalidInstanceIds.ValueNotSupported", "InvalidParameter"] 403 "An instance is named twice in one call.";
    InstanceVSwitchOtherVpc Conflict ["InvalidVSwitch.NotBelongToVpc", "VSwitchIdNotMatch"] 404 "The vSwitch lies in another VPC.";
    InstanceVSwitchOtherZone Conflict ["InvalidOperation.VswAndEcsAvailabilityZoneMismatch"] 403 "The vSwitch lies in another zone than the instance.";
    InstanceGroupsUnexpected Invalid ["InvalidParameter.MustBeEmpty"] 404 "Security groups are given only with another VPC.";
    InstanceSecondaryAddresses State ["PrimaryEniHasSubIp"] 400 "The primary network interface has secondary addresses.";
    InstanceIpv6Held State ["InvalidIp.Ipv6Assigned"] 403 "The primary network interface has IPv6 addresses.";
    InstanceEniAttached Dependency ["InvalidInstance.AttachedEni"] 404 "Secondary network interfaces are attached to the instance.";
    PasswordMalformed Invalid ["InvalidPassword.Malformed"] 400 "A password has 8 to 30 characters of three sorts.";
    PasswordConflict Invalid ["InvalidPasswordParam.Mismatch"] 400 "A password and the image's password exclude each other.";
    UserDataBase64 Invalid ["InvalidUserData.Base64FormatInvalid"] 400 "User data is text in Base64.";
    UserDataSize Invalid ["InvalidUserData.SizeExceeded"] 400 "User data has at most 32 KiB before it is encoded.";
    SystemDiskCategory Invalid ["InvalidSystemDiskCategory.ValueNotSupported"] 400 "The category of the system disk is not known.";
    SystemDiskTooSmall Invalid ["InvalidSystemDiskSize.LessThanImageSize"] 404 "The system disk is at least as large as its image.";
    SystemDiskTooLarge Invalid ["InvalidSystemDiskSize.MoreThanMaxSize"] 404 "The system disk is larger than its category allows.";
    DiskNameMalformed Invalid ["InvalidDiskName.Malformed", "InvalidParameter"] 400 "The name of a disk has 2 to 128 characters, a letter first, and does not start with http:// or https://.";
    DiskDescriptionMalformed Invalid ["InvalidDiskDescription.Malformed", "InvalidDescription.Malformed"] 400 "The description of a disk has 2 to 256 characters and does not start with http:// or https://.";
    DiskPerformanceLevel Invalid ["InvalidPerformanceLevel.ValueNotSupported", "InvalidPerformanceLevel.Malformed"] 400 "An enhanced SSD has a performance level of PL0 to PL3, other disks have none.";
    ResidentNameMalformed Invalid ["InvalidParameter"] 400 "The name of a managed resident has 2 to 128 characters, a letter first, and does not start with http:// or https://.";
    ResidentKindMalformed Invalid ["InvalidParameter"] 400 "The kind of a managed resident is 1 to 32 small letters, digits, hyphens and underscores, a letter first.";
    ResidentPortInvalid Invalid ["InvalidParameter"] 400 "The port of a managed resident is from 1 to 65535.";
    DiskNotFound NotFound ["InvalidDiskId.NotFound"] 404 "The specified disk does not exist.";
    ResidentNotFound NotFound ["InvalidResourceId.NotFound"] 404 "The specified managed resident does not exist.";
}

impl ErrorCode {
    /// The code on the native wire: the row's name in snake case.
    pub fn native(self) -> String {
        let mut out = String::new();
        // vSwitch and vRouter are one word each.
        let name = self.row().name.replace("VSwitch", "Vswitch").replace("VRouter", "Vrouter");
        for c in name.chars() {
            if c.is_ascii_uppercase() && !out.is_empty() {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        }
        out
    }

    /// What sort of thing went wrong.
    pub const fn kind(self) -> ErrorKind {
        self.row().kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole() {
        for &code in ErrorCode::ALL {
            let row = code.row();
            assert!(row.message.ends_with('.'), "{}", row.name);
            assert!((400..500).contains(&row.provider_status), "{}", row.name);
            assert!(row.provider_codes.iter().all(|c| !c.is_empty()), "{}", row.name);
        }
        assert_eq!(ErrorCode::VSwitchCidrOverlap.native(), "vswitch_cidr_overlap");
    }
}
