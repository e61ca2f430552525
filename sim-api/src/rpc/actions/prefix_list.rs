//! Actions on prefix lists.

use crate::listing::{Part, Rows};
use crate::rpc::params::{ParamError, Scope};
use crate::rpc::plan::{
    BadParams, Planned, done, list, optional_id, read, required_id, show_tags_tag_key, sought, tags, text,
    write,
};
use serde_json::{Value, json};
use sim_core::ecs::prefix_list::{
    AddressFamily, CreatePrefixList, DeletePrefixList, ModifyPrefixList, PrefixList, PrefixListEntry,
    associations_after, parse_cidr,
};
use sim_core::id::{Id, PrefixListId, SecurityGroupId};
use sim_core::{Caller, World};

/// The codes of these actions for parameters that do not read.
fn invalid(e: ParamError) -> ParamError {
    e.with_code("InvalidParameter")
}

fn missing(e: ParamError) -> ParamError {
    e.with_code("MissingParameter")
}

/// Blocks with their descriptions: the core knows how many a list holds and says so with the documented code.
fn entries(p: &Scope<'_>, name: &str) -> Result<Vec<PrefixListEntry>, BadParams> {
    let read = |entry: &Scope<'_>| -> Result<PrefixListEntry, BadParams> {
        Ok(PrefixListEntry {
            cidr: parse_cidr(entry.required("Cidr").map_err(missing)?)?,
            description: entry.str("Description").unwrap_or_default().into(),
        })
    };
    p.objects(name, 1000)?.iter().map(read).collect()
}

pub fn create_prefix_list(p: &Scope<'_>, _: &Caller) -> Planned {
    let most = p.required_int("MaxEntries", 0..=i64::from(u32::MAX));
    let command = CreatePrefixList {
        name: p.required("PrefixListName").map_err(missing)?.into(),
        description: p.str("Description").map(Into::into),
        family: AddressFamily::parse(p.required("AddressFamily").map_err(missing)?)?,
        max_entries: most.map_err(|e| if p.str("MaxEntries").is_some() { invalid(e) } else { missing(e) })?
            as u32,
        entries: entries(p, "Entry")?,
        resource_group: optional_id(p, "ResourceGroupId")?,
        tags: tags(p)?,
    };
    write(command, |_, _, reply| json!({ "PrefixListId": reply.id::<PrefixListId>().to_string() }))
}

pub fn modify_prefix_list(p: &Scope<'_>, _: &Caller) -> Planned {
    let remove = |entry: &Scope<'_>| -> Result<_, BadParams> {
        Ok(parse_cidr(entry.required("Cidr").map_err(missing)?)?)
    };
    done(ModifyPrefixList {
        list: required_id(p, "PrefixListId")?,
        name: p.str("PrefixListName").map(Into::into),
        description: p.raw("Description").map(Into::into),
        max_entries: None,
        add: entries(p, "AddEntry")?,
        remove: p.objects("RemoveEntry", 1000)?.iter().map(remove).collect::<Result<_, _>>()?,
    })
}

pub fn delete_prefix_list(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeletePrefixList { list: required_id(p, "PrefixListId")? })
}

/// `MaxResults` of 1 to 100, 10 if absent, and `NextToken`, the id of the last item of the page before.
fn page<I: Id>(p: &Scope<'_>) -> Result<(usize, Option<I>), BadParams> {
    let size = p.int("MaxResults", 1..=100).map_err(invalid)?.unwrap_or(10) as usize;
    let wrong = || invalid(p.invalid("NextToken", "it is not the NextToken of an answer"));
    let after = p.str("NextToken").map(|text| text.parse::<I>().map_err(|_| wrong())).transpose()?;
    Ok((size, after))
}

/// The first items and the token of the page after them, empty on the last one.
fn cut<R, I: Id>(mut rows: impl Iterator<Item = R>, size: usize, id: impl Fn(&R) -> I) -> (Vec<R>, String) {
    let shown: Vec<R> = rows.by_ref().take(size).collect();
    let next = rows.next().and_then(|_| shown.last()).map(|last| id(last).to_string());
    (shown, next.unwrap_or_default())
}

pub fn describe_prefix_lists(p: &Scope<'_>, _: &Caller) -> Planned {
    let (size, after) = page::<PrefixListId>(p)?;
    let texts = p.strings("PrefixListId", 100).map_err(|e| e.with_code("LimitExceed.PrefixListId"))?;
    let family = p.str("AddressFamily").map(AddressFamily::parse).transpose()?;
    let rows = Rows::<PrefixList>::all(|ix| &ix.prefix_lists.by_owner)
        .named(&texts)
        .tagged(tags(p)?)
        .keep(family, |_, list, family| list.family == *family)
        .keep(text(p, "PrefixListName"), |_, list, name| list.name == *name)
        .keep(sought(p, "ResourceGroupId"), |_, list, group| Some(list.resource_group) == *group);
    list(rows, Part { after, skip: 0, size, count: false }, show, |found| {
        json!({
            "PrefixLists": { "PrefixList": found.items },
            "NextToken": found.next.map(|id| id.to_string()).unwrap_or_default(),
        })
    })
}

fn show(w: &World, list: &PrefixList) -> Value {
    json!({
        "PrefixListId": list.id.to_string(),
        "PrefixListName": list.name,
        "AddressFamily": list.family.text(),
        "MaxEntries": list.max_entries,
        "AssociationCount": w.indexes().security_group_rules.by_list.count(&list.id),
        "Description": list.description,
        "CreationTime": list.created.to_seconds_text(),
        "ResourceGroupId": list.resource_group.to_string(),
        "Tags": show_tags_tag_key(w, list.id),
    })
}

pub fn describe_prefix_list_attributes(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<PrefixListId>(p, "PrefixListId")?;
    read(move |w, caller| {
        let list = w.visible::<PrefixList>(caller, id)?;
        let entries: Vec<Value> = list
            .entries
            .iter()
            .map(|e| json!({ "Cidr": e.cidr.to_string(), "Description": e.description }))
            .collect();
        Ok(json!({
            "PrefixListId": list.id.to_string(),
            "PrefixListName": list.name,
            "AddressFamily": list.family.text(),
            "MaxEntries": list.max_entries,
            "Description": list.description,
            "CreationTime": list.created.to_seconds_text(),
            "Entries": { "Entry": entries },
        }))
    })
}

pub fn describe_prefix_list_associations(p: &Scope<'_>, _: &Caller) -> Planned {
    let id = required_id::<PrefixListId>(p, "PrefixListId")?;
    let (size, after) = page::<SecurityGroupId>(p)?;
    read(move |w, caller| {
        let list = w.visible::<PrefixList>(caller, id)?;
        let (shown, next) = cut(associations_after(w, list.id, after.as_ref()), size, |id| **id);
        let shown: Vec<Value> = shown
            .into_iter()
            .map(|id| json!({ "ResourceId": id.to_string(), "ResourceType": "securitygroup" }))
            .collect();
        Ok(json!({ "PrefixListAssociations": { "PrefixListAssociation": shown }, "NextToken": next }))
    })
}
