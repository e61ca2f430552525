//! Who acts with the keys of an instance's role.
//!
//! Roles are not modelled: an instance has the name of one, and whoever has its keys acts for the instance's account.

use crate::access::AccountId;
use crate::id::{InstanceId, mix};
use compact_str::CompactString;

/// An instance in its role, as `GetCallerIdentity` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSession {
    /// The account of instance and role.
    pub account: AccountId,
    /// The name of the role.
    pub role: CompactString,
    /// Whose keys they are.
    pub instance: InstanceId,
}

impl RoleSession {
    /// The name of the session. That of an instance is `vm-ram-` and its id (callers in the documentation of Vault's
    /// method for the provider).
    pub fn name(&self) -> String {
        format!("vm-ram-{}", self.instance)
    }

    /// The role's id: 18 digits, the first of them 3, as in the provider's examples. An account has one role of a name,
    /// and that has one id.
    pub fn role_id(&self) -> String {
        let drawn = self.role.bytes().fold(mix(self.account.0, 0), |id, byte| mix(id ^ u64::from(byte), 0));
        (300_000_000_000_000_000 + drawn % 100_000_000_000_000_000).to_string()
    }

    /// Who that is (provider documentation: `GetCallerIdentity`, `PrincipalId` of a role).
    pub fn principal(&self) -> String {
        format!("{}:{}", self.role_id(), self.name())
    }

    /// The name of the session among all resources of the provider.
    pub fn arn(&self) -> String {
        format!("acs:ram::{}:assumed-role/{}/{}", self.account, self.role, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id, IdNumber, RegionCode};

    #[test]
    fn a_role_has_one_id_in_its_account() {
        let id = |n| InstanceId::from_number(IdNumber::new(n, 7, RegionCode::from_text("bp1").unwrap()));
        let of = |account, role: &str, n| RoleSession {
            account: AccountId(account),
            role: role.into(),
            instance: id(n),
        };
        let one = of(1, "node", 1);
        assert_eq!(one.role_id(), of(1, "node", 2).role_id());
        for other in [of(2, "node", 1), of(1, "nodes", 1), of(1, "edon", 1)] {
            assert_ne!(one.role_id(), other.role_id());
            assert!(other.role_id().len() == 18 && other.role_id().starts_with('3'), "{}", other.role_id());
        }
        assert_eq!(one.arn(), format!("acs:ram::1:assumed-role/node/vm-ram-{}", id(1)));
        assert_eq!(one.principal(), format!("{}:vm-ram-{}", one.role_id(), id(1)));
    }
}
