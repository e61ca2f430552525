//! Resource groups: labels by which an account sorts its objects. Every account has a default one.

use crate::access::{AccountId, Caller};
use crate::error::{Outcome, Refusal};
use crate::id::{Id, IdNumber, RegionCode, ResourceGroupId};
use crate::world::World;

/// The default resource group of an account. It exists without being made.
pub fn default_of(account: AccountId) -> ResourceGroupId {
    const CODE: RegionCode = RegionCode::from_text("acf").expect("three letters");
    ResourceGroupId::from_number(IdNumber::new(0, account.0, CODE))
}

/// The group that is wanted, or the account's default one.
///
/// # Errors
/// [`crate::error::ErrorCode::ResourceGroupNotFound`].
pub fn resolve(_w: &World, caller: &Caller, wanted: Option<ResourceGroupId>) -> Outcome<ResourceGroupId> {
    let default = default_of(caller.account);
    match wanted {
        None => Ok(default),
        Some(id) if id == default => Ok(id),
        Some(id) => Err(Refusal::new(ResourceGroupId::NOT_FOUND)
            .field("resource_group_id")
            .detail(format!("There is no {id} for this account."))
            .accepted(default.to_string())),
    }
}
