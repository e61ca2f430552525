//! Tag actions of Vpc, Ecs and Slb: one rule, several spellings.

use super::vpc_parts::TokenPage;
use crate::rpc::params::{MAX_LIST_INDEX, Scope};
use crate::rpc::plan::{BadParams, Planned, done, has_tags, pair, read, tags};
use serde_json::{Value, json};
use sim_core::id::{AnyId, IdKind, ListenerId};
use sim_core::slb::listener::{Listener, Protocol, WhichListener};
use sim_core::tag::{Named, Tag, TagPair, TagResources, UntagResources};
use sim_core::{Caller, ErrorCode, Refusal, World};
use std::collections::BTreeSet;

/// The resource types of a product by name, and what each of them is here.
pub type Types = &'static [(&'static str, &'static [IdKind])];

/// The resource types of the product Vpc that can carry tags here.
const VPC_TYPES: Types = &[
    ("VPC", &[IdKind::Vpc]),
    ("VSWITCH", &[IdKind::VSwitch]),
    ("ROUTETABLE", &[IdKind::RouteTable]),
    ("EIP", &[IdKind::Eip]),
    ("HAVIP", &[IdKind::HaVip]),
    ("NATGATEWAY", &[IdKind::NatGateway]),
    ("IPV4GATEWAY", &[IdKind::Ipv4Gateway]),
    ("IPV6GATEWAY", &[IdKind::Ipv6Gateway]),
    ("NETWORKACL", &[IdKind::NetworkAcl]),
];

/// The resource types of the product Ecs that can carry tags here.
const ECS_TYPES: Types = &[
    ("instance", &[IdKind::Instance]),
    ("securitygroup", &[IdKind::SecurityGroup]),
    ("eni", &[IdKind::Eni]),
    ("disk", &[IdKind::Disk]),
];

/// The resource types of the product Slb that can carry tags here. Both kinds of certificates are one type.
const SLB_TYPES: Types = &[
    ("instance", &[IdKind::LoadBalancer]),
    ("vservergroup", &[IdKind::VServerGroup]),
    ("masterslaveservergroup", &[IdKind::MasterSlaveGroup]),
    ("acl", &[IdKind::AccessControlList]),
    ("listener", &[IdKind::Listener]),
    ("certificate", &[IdKind::ServerCertificate, IdKind::CaCertificate]),
];

/// The resource types of the product VpcPeer.
pub const VPC_PEER_TYPES: Types = &[("PeerConnection", &[IdKind::VpcPeer])];

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("ListTagResources", &["TagFilter"])];

/// The most resources and tags in a call.
const MOST_RESOURCES: usize = 50;
const MOST_TAGS: usize = 20;

fn kinds(p: &Scope<'_>, types: Types) -> Result<&'static [IdKind], BadParams> {
    let text = p.required("ResourceType")?;
    let known = types.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    known.map(|(_, kinds)| *kinds).ok_or_else(|| {
        let names = types.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        Refusal::new(ErrorCode::ResourceTypeUnknown)
            .field("resource_type")
            .detail(format!("{text:?} was given."))
            .accepted(names)
            .into()
    })
}

/// A listener as the provider writes it in place of an id: `lb-…_http_80` (published SDK: TagResourcesRequest).
fn parse_listener(text: &str) -> Option<WhichListener> {
    let mut parts = text.rsplitn(3, '_');
    let port = parts.next()?.parse().ok()?;
    let word = parts.next()?;
    let (_, protocol) = Protocol::WORDS.iter().find(|(known, _)| *known == word)?;
    Some(WhichListener { load_balancer: parts.next()?.parse().ok()?, port, protocol: Some(*protocol) })
}

/// How the provider writes an object in place of an id.
fn written(w: &World, id: AnyId) -> String {
    match ListenerId::try_from(id).ok().and_then(|id| w.get::<Listener>(&id)) {
        Some(l) => format!("{}_{}_{}", l.load_balancer, l.protocol.text(), l.port),
        None => id.to_string(),
    }
}

/// `ResourceId.N`: ids of one kind.
fn resources(p: &Scope<'_>, kinds: &[IdKind]) -> Result<Vec<Named>, BadParams> {
    let texts = p.strings("ResourceId", MAX_LIST_INDEX as usize)?;
    if texts.len() > MOST_RESOURCES {
        return Err(Refusal::new(ErrorCode::ResourceListSize)
            .field("resource_ids")
            .detail(format!("{} were named.", texts.len()))
            .into());
    }
    let read = |text: &str| {
        let named = if kinds == [IdKind::Listener] {
            parse_listener(text).map(Named::Listener)
        } else {
            text.parse::<AnyId>().ok().filter(|id| kinds.contains(&id.kind())).map(Named::Id)
        };
        named.ok_or_else(|| {
            Refusal::new(ErrorCode::ResourceNotFound)
                .field("resource_ids")
                .detail(format!("There is no {} {text:?}.", kinds[0].name()))
        })
    };
    Ok(texts.into_iter().map(read).collect::<Result<_, _>>()?)
}

fn some_resources(p: &Scope<'_>, kinds: &[IdKind]) -> Result<Vec<Named>, BadParams> {
    let ids = resources(p, kinds)?;
    if ids.is_empty() {
        return Err(Refusal::new(ErrorCode::ResourceListMissing).field("resource_ids").into());
    }
    Ok(ids)
}

fn tag_resources(p: &Scope<'_>, types: Types) -> Planned {
    done(tagging(p, types)?)
}

/// What tags resources of a product.
///
/// # Errors
/// An unknown type; resources or tags that are absent, too many or malformed.
pub fn tagging(p: &Scope<'_>, types: Types) -> Result<TagResources, BadParams> {
    let kinds = kinds(p, types)?;
    let resources = some_resources(p, kinds)?;
    let tags = tags(p)?;
    if tags.is_empty() {
        return Err(Refusal::new(ErrorCode::TagListMissing).field("tags").into());
    }
    Ok(TagResources { resources, tags })
}

fn untag_resources(p: &Scope<'_>, types: Types, exclusive: bool) -> Planned {
    done(untagging(p, types, exclusive)?)
}

/// Keys, or all of them; with both Ecs refuses, and for Vpc the keys count.
///
/// # Errors
/// An unknown type; resources that are absent or too many; no keys, or keys and all of them.
pub fn untagging(p: &Scope<'_>, types: Types, exclusive: bool) -> Result<UntagResources, BadParams> {
    let kinds = kinds(p, types)?;
    let resources = some_resources(p, kinds)?;
    let keys: Vec<_> = p.strings("TagKey", MAX_LIST_INDEX as usize)?.into_iter().map(Into::into).collect();
    let all = p.bool("All")?.unwrap_or(false);
    if exclusive && all && !keys.is_empty() {
        return Err(Refusal::new(ErrorCode::TagKeysAndAll)
            .field("tag_keys")
            .accepted("one of the two")
            .into());
    }
    match (keys.is_empty(), all) {
        (false, _) => Ok(UntagResources { resources, keys: Some(keys) }),
        (true, true) => Ok(UntagResources { resources, keys: None }),
        (true, false) => Err(Refusal::new(ErrorCode::TagListMissing)
            .field("tag_keys")
            .accepted("TagKey.N, or All=true")
            .into()),
    }
}

/// Tags to filter by, under a list name; an empty value fits any.
///
/// # Errors
/// More than the list may hold; those of [`pair`].
pub fn filter(p: &Scope<'_>, list: &str) -> Result<Vec<TagPair>, BadParams> {
    let read = |tag: Scope<'_>| pair(&tag, &["Key"], &["Value"]);
    p.objects(list, MOST_TAGS)?.into_iter().map(read).collect()
}

fn list_tag_resources(p: &Scope<'_>, types: Types) -> Planned {
    p.mark_known("TagFilter");
    list(p, types, |_, _, next, rows| json!({ "NextToken": next, "TagResources": { "TagResource": rows } }))
}

/// The tags of resources; `answer` is told the caller, the size of the page, the next token and the rows.
///
/// # Errors
/// An unknown type; neither resources nor tags; too many of either.
pub fn list(
    p: &Scope<'_>,
    types: Types,
    answer: impl Fn(&Caller, usize, String, Vec<Value>) -> Value + Send + 'static,
) -> Planned {
    let shown_type = p.str("ResourceType").unwrap_or_default().to_owned();
    let kinds = kinds(p, types)?;
    let ids = resources(p, kinds)?;
    let wanted = filter(p, "Tag")?;
    if ids.is_empty() && wanted.is_empty() {
        return Err(Refusal::new(ErrorCode::TagsAndResourcesMissing).field("resource_ids").into());
    }
    let page = TokenPage::read(p, "MaxResults", 50, 50)?;
    read(move |w, caller| {
        let candidates: Box<dyn Iterator<Item = AnyId>> = match wanted.first() {
            Some(tag) if ids.is_empty() => {
                let tagged = |kind: &IdKind| w.indexes().tags.tagged(caller, *kind, tag);
                Box::new(kinds.iter().flat_map(move |kind| tagged(kind).after(page.after.as_ref()).copied()))
            }
            _ => {
                let named: BTreeSet<AnyId> = ids.iter().filter_map(|id| id.find(w, caller).ok()).collect();
                Box::new(named.into_iter().filter(|id| page.after.is_none_or(|after| *id > after)))
            }
        };
        let mut rest = candidates.filter(|id| has_tags(w, *id, &wanted));
        // A page holds whole objects, so a tag is never split from its siblings by a token.
        let shown: Vec<AnyId> = rest.by_ref().take(page.size).collect();
        let next = rest.next().and_then(|_| shown.last()).map(ToString::to_string).unwrap_or_default();
        let fits = |tag: &&Tag| wanted.is_empty() || wanted.iter().any(|want| want.key == tag.key);
        let show = |tag: &Tag| -> Value {
            let id = written(w, tag.resource);
            json!({ "ResourceId": id, "ResourceType": shown_type, "TagKey": tag.key, "TagValue": tag.value })
        };
        let rows: Vec<Value> =
            shown.iter().flat_map(|&id| sim_core::tag::of(w, id)).filter(fits).map(show).collect();
        Ok(answer(caller, page.size, next, rows))
    })
}

pub fn vpc_tag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    tag_resources(p, VPC_TYPES)
}

pub fn vpc_untag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    untag_resources(p, VPC_TYPES, false)
}

pub fn vpc_list_tag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    list_tag_resources(p, VPC_TYPES)
}

pub fn ecs_tag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    tag_resources(p, ECS_TYPES)
}

pub fn ecs_untag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    untag_resources(p, ECS_TYPES, true)
}

pub fn ecs_list_tag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    list_tag_resources(p, ECS_TYPES)
}

pub fn slb_tag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    tag_resources(p, SLB_TYPES)
}

pub fn slb_untag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    untag_resources(p, SLB_TYPES, false)
}

pub fn slb_list_tag_resources(p: &Scope<'_>, _: &Caller) -> Planned {
    list_tag_resources(p, SLB_TYPES)
}
