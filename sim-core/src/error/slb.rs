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
    } };
}
