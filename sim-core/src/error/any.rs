//! Rows of the error table: any operation, the catalogue, names and tags.

macro_rules! any_errors {
    ($($before:tt)*) => { vpc_errors! {
        $($before)*
        // --- any operation ---------------------------------------------------------------------------
        InvalidParameter Invalid ["InvalidParameter", "InvalidParamter", "InvalidParam"] 400 "The specified parameter is invalid.";
        MissingParameter Invalid ["MissingParameter", "MissingParam"] 400 "A required parameter is missing.";
        DryRun Denied ["DryRunOperation", "DRYRUN.SUCCESS"] 400 "Request validation has been passed with DryRun flag set.";
        TokenMismatch Token ["IdempotentFailed", "IdempotentParameterMismatch", "OperationFailed.IdempotentTokenMismatch", "Duplicated.ClientToken", "IdempotenceParamNotMatch"] 400 "The client token was used before with other parameters.";
        TokenMalformed Invalid ["InvalidClientToken.Malformed", "InvalidClientToken.ValueNotSupported", "InvalidParameter"] 400 "The client token must be 1 to 64 ASCII characters.";
        ClusterNotFound NotFound ["ErrorClusterNotFound"] 404 "Nothing in a VPC carries the tag of the cluster.";
        RegionNotFound NotFound ["InvalidRegionId.NotFound", "InvalidRegionId", "InvalidRegion.NotFound", "Forbidden.RegionNotFound", "InvalidRegion.Malformed", "InvalidRegionId.MalFormed"] 404 "The specified region does not exist.";
        ZoneNotFound NotFound ["InvalidZoneId.NotFound", "InvalidZoneId", "InvalidParameter"] 404 "The specified zone does not exist in the region.";
        ResourceGroupNotFound NotFound ["InvalidResourceGroup.NotFound", "InvalidResourceGroupId", "InvalidResourceGroupId.NotFound", "ResourceNotFound", "IllegalParam.ResourceGroupId", "OperationFailed.NotExist.ResourceGroup"] 404 "The specified resource group does not exist.";
        ResourceNotFound NotFound ["InvalidResourceId.NotFound", "InvalidInstanceIds.NotFound", "Invalid.InstanceIds", "ResourceNotExist"] 404 "The specified resource does not exist.";
        ResourceTypeUnknown Invalid ["InvalidResourceType.NotFound", "InvalidInstanceType.NotFound", "IllegalParam.ResourceType", "InvalidParam.ResourceType"] 404 "The resource type is not one of this product.";
        ResourceListSize Invalid ["NumberExceed.ResourceIds", "SizeLimitExceeded.ResourceId"] 400 "1 to 50 resources are named in a call.";
        ResourceListMissing Invalid ["MissingParameter.ResourceIds", "MissingParam", "MissingParameter", "MissingParam.ResourceId"] 400 "At least one resource must be named.";
        TagListMissing Invalid ["MissingParameter.Tags", "MissingParam.Tags", "MissingParam", "MissingParam.TagKey"] 400 "At least one tag must be given.";
        TagListSize Invalid ["SizeLimitExceeded.TagNum", "NumberExceed.Tags", "InvalidTagCount", "SizeLimitExceeded.Tag", "SizeLimitExceeded.TagKey"] 400 "1 to 20 tags are named in a call.";
        TagKeysAndAll Invalid ["Param.Conflict"] 403 "All tags and a list of keys exclude each other.";
        TagsAndResourcesMissing Invalid ["BothEmpty.TagsAndResources", "MissingParam.TagOrResourceId"] 400 "Resources or tags must be named.";
        NextTokenInvalid Invalid ["Invalid.NextToken", "IllegalParam.NextToken", "InvalidParameter.NextToken", "InvalidParameter", "InvalidParam.NextToken", "QueryTokenInvalid"] 400 "The token of the next page was not issued by this list.";
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
        TagKeyMissing Invalid ["MissingParameter.TagKey", "InvalidTag.Mismatch", "InvalidTagKey.Malformed", "InvalidTagKey", "MissingParam.TagKey", "InvalidParam.TagKey", "InvalidTag"] 400 "A tag has a key.";
        TagKeyMalformed Invalid ["InvalidTagKey.Malformed", "InvalidTagKey", "Forbidden.TagKeys", "InvalidParam.TagKey"] 400 "A tag key has 1 to 128 characters and starts with none of aliyun, acs:, http:// and https://.";
        TagValueMalformed Invalid ["InvalidTagValue.Malformed", "InvalidTagValue", "InvalidParam.TagValue"] 400 "A tag value has at most 128 characters, does not start with acs: and contains no http:// or https://.";
        TagKeyDuplicated Invalid ["Forbidden.TagKey.Duplicated", "Duplicate.TagKey", "InvalidTagKey.Duplicated", "InvalidTagKey.Malformed"] 400 "A tag key is given twice.";
        TagQuotaExceeded Quota ["QuotaExceeded.TagNum", "QuotaExceed.Tags", "NumberExceed.Tags", "TagNum.Exceeded", "InvalidTagKey.Malformed", "QuotaLimitExceeds", "SizeLimitExceeded.Tag"] 400 "A resource carries at most 20 tags.";
    } };
}
