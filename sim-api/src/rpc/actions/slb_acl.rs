//! Actions on access control lists.

use crate::listing::Rows;
use crate::rpc::params::{MAX_LIST_INDEX, ParamError, Scope};
use crate::rpc::plan::{
    BadParams, NumberedPage, Planned, done, list, optional_id, read, required_id, show_tags_tag_key, sought,
    tags, text, write,
};
use serde_json::{Value, json};
use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::id::AccessControlListId;
use sim_core::slb::acl::{
    AccessControlList, AclEntry, CreateAccessControlList, DeleteAccessControlList, ModifyAccessControlList,
    parse_entry,
};
use sim_core::slb::listener::Listener;
use sim_core::slb::listener_access;
use sim_core::{Caller, ErrorCode, Refusal, World};

const FAMILIES: [(&str, AddressFamily); 2] = [("ipv4", AddressFamily::Ipv4), ("ipv6", AddressFamily::Ipv6)];

fn word(family: AddressFamily) -> &'static str {
    FAMILIES[family as usize].0
}

pub fn create_access_control_list(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateAccessControlList {
        name: p.required("AclName")?.into(),
        family: p.choice("AddressIPVersion", &FAMILIES)?.unwrap_or(AddressFamily::Ipv4),
        entries: Vec::new(),
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |_, _, reply| json!({ "AclId": reply.id::<AccessControlListId>().to_string() }))
}

pub fn set_access_control_list_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyAccessControlList {
        acl: required_id(p, "AclId")?,
        name: Some(p.required("AclName")?.into()),
        add: Vec::new(),
        remove: Vec::new(),
    })
}

/// `AclEntrys`: a JSON text with a list of `{"entry": NETWORK, "comment": TEXT}`. Without an entry the call is refused.
fn entries(p: &Scope<'_>) -> Result<Vec<AclEntry>, BadParams> {
    let invalid = |e: ParamError| e.with_code("InvalidEntry");
    let found = p.json("AclEntrys").map_err(invalid)?;
    let Some(params) = found.filter(|params| !params.is_empty()) else {
        return Err(Refusal::new(ErrorCode::AclEntriesMissing)
            .field("entries")
            .accepted(r#"[{"entry":"10.0.0.0/24","comment":"office"}]"#)
            .into());
    };
    let read = |entry: Scope<'_>| -> Result<AclEntry, BadParams> {
        let block = parse_entry(entry.required("entry").map_err(invalid)?)?;
        Ok(AclEntry { block, comment: entry.str("comment").unwrap_or_default().into() })
    };
    params.root().objects("AclEntrys", MAX_LIST_INDEX as usize)?.into_iter().map(read).collect()
}

pub fn add_access_control_list_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    let (acl, add) = (required_id(p, "AclId")?, entries(p)?);
    done(ModifyAccessControlList { acl, name: None, add, remove: Vec::new() })
}

/// Only the networks count; those that are not there are passed over.
pub fn remove_access_control_list_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    let remove = entries(p)?.into_iter().map(|entry| entry.block).collect();
    done(ModifyAccessControlList { acl: required_id(p, "AclId")?, name: None, add: Vec::new(), remove })
}

pub fn delete_access_control_list(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteAccessControlList { acl: required_id(p, "AclId")? })
}

pub fn describe_access_control_lists(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let rows = Rows::<AccessControlList>::all(|ix| &ix.access_control_lists.by_owner)
        .tagged(tags(p)?)
        .keep(text(p, "AclName"), |_, acl, name| acl.name.contains(name.as_str()))
        .keep(p.choice("AddressIPVersion", &FAMILIES)?, |_, acl, family| acl.family == *family)
        .keep(sought(p, "ResourceGroupId"), |_, acl, group| Some(acl.resource_group) == *group);
    list(rows, page.part(), show, move |found| {
        let count = found.items.len();
        let mut answer = page.answer(found.total, "Acls", "Acl", found.items);
        answer["Count"] = count.into();
        answer
    })
}

fn show(w: &World, acl: &AccessControlList) -> Value {
    json!({
        "AclId": acl.id.to_string(),
        "AclName": acl.name,
        "AddressIPVersion": word(acl.family),
        "CreateTime": acl.created.to_seconds_text(),
        "ResourceGroupId": acl.resource_group.to_string(),
        "Tags": show_tags_tag_key(w, acl.id),
    })
}

/// The listeners that use a list, also those whose access control is not in force: a list that one names stays.
fn related_listeners(w: &World, acl: AccessControlListId) -> Vec<Value> {
    let users = listener_access::using(w, acl).filter_map(|id| w.get::<Listener>(&id));
    users
        .map(|l| {
            json!({
                "LoadBalancerId": l.load_balancer.to_string(),
                "ListenerPort": l.port,
                "Protocol": l.protocol.text(),
                "AclType": l.access.as_ref().map(|access| access.kind.text()).unwrap_or_default(),
            })
        })
        .collect()
}

/// The entries, in pages of at most 50 if a size is sent.
pub fn describe_access_control_list_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<AccessControlListId>(p, "AclId")?;
    let number = p.int("Page", 1..=1_000_000_000)?.unwrap_or(1) as usize;
    let size = p.int("PageSize", 1..=50)?.map_or(usize::MAX, |size| size as usize);
    let comment = text(p, "AclEntryComment");
    read(move |w, caller| {
        let acl = w.visible::<AccessControlList>(caller, id)?;
        let fits =
            |entry: &&AclEntry| comment.as_ref().is_none_or(|text| entry.comment.contains(text.as_str()));
        let found: Vec<Value> = acl
            .entries
            .iter()
            .filter(fits)
            .map(|e| json!({ "AclEntryIP": e.block.to_string(), "AclEntryComment": e.comment }))
            .collect();
        let total = found.len();
        let shown: Vec<Value> =
            found.into_iter().skip((number - 1).saturating_mul(size)).take(size).collect();
        let mut answer = show(w, acl);
        answer["AclEntrys"] = json!({ "AclEntry": shown });
        answer["TotalAclEntry"] = total.into();
        answer["RelatedListeners"] = json!({ "RelatedListener": related_listeners(w, id) });
        Ok(answer)
    })
}
