//! A vRouter: the one router of a VPC. It is born and dies with its VPC.

use crate::access::{Caller, Owner};
use crate::command::Reply;
use crate::error::{ErrorCode, Outcome};
use crate::id::{VRouterId, VpcId};
use crate::name::TextRule;
use crate::resource::Resource;
use crate::table::{Groups, Row};
use crate::world::{Indexes, World};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The router of a VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VRouter {
    /// Its id.
    pub id: VRouterId,
    /// Whose it is.
    pub owner: Owner,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its name; empty if it has none.
    pub name: CompactString,
    /// Its description; empty if it has none.
    pub description: CompactString,
}

/// What is derived from vRouters.
#[derive(Clone, Debug, Default)]
pub struct VRouterIndex {
    /// By account and region.
    pub by_owner: Groups<Owner, VRouterId>,
}

impl Row for VRouter {
    type Key = VRouterId;
    type Index = VRouterIndex;

    fn key(&self) -> VRouterId {
        self.id
    }

    fn reindex(ix: &mut Indexes, old: Option<&Self>, new: Option<&Self>) {
        let Some(id) = old.or(new).map(|r| r.id) else { return };
        ix.vrouters.by_owner.shift(&id, old.map(|r| r.owner.clone()), new.map(|r| r.owner.clone()));
    }
}

impl Resource for VRouter {
    fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The rule for a vRouter's name.
pub const NAME: TextRule =
    TextRule { min: 1, max: 128, letter_first: false, field: "name", error: ErrorCode::VRouterNameMalformed };
/// The rule for a vRouter's description.
pub const DESCRIPTION: TextRule = TextRule {
    min: 1,
    max: 256,
    letter_first: false,
    field: "description",
    error: ErrorCode::VRouterDescriptionMalformed,
};

/// Changes a vRouter; absent fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyVRouter {
    /// The vRouter.
    pub vrouter: VRouterId,
    /// Its new name.
    pub name: Option<CompactString>,
    /// Its new description.
    pub description: Option<CompactString>,
}

/// Handles [`ModifyVRouter`].
///
/// # Errors
/// The form of the fields; an unknown vRouter; a VPC in transition.
pub fn modify(w: &mut World, caller: &Caller, c: &ModifyVRouter) -> Outcome<Reply> {
    let name = NAME.check(c.name.as_deref())?;
    let description = DESCRIPTION.check(c.description.as_deref())?;
    let vrouter = w.visible::<VRouter>(caller, c.vrouter)?;
    w.visible::<crate::vpc::vpc::Vpc>(caller, vrouter.vpc)?.check_available()?;
    w.update::<VRouter>(&c.vrouter, |r| {
        if c.name.is_some() {
            r.name = name;
        }
        if c.description.is_some() {
            r.description = description;
        }
    });
    Ok(Reply::Done)
}
