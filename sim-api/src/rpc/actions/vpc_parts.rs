//! Actions on the parts of a VPC that are no objects of their own, on default networks and CIDR reservations.

use crate::listing::{Part, Rows};
use crate::rpc::params::Scope;
use crate::rpc::plan::{
    BadParams, Planned, done, list, optional_id, read, required_id, sought, tags, text, write,
};
use serde_json::{Value, json};
use sim_core::id::{AnyId, CidrReservationId, Id, VSwitchId};
use sim_core::resource_group::MoveToResourceGroup;
use sim_core::vpc::cidr_reservation::{
    self, CidrReservation, CreateCidrReservation, DeleteCidrReservation, ModifyCidrReservation,
};
use sim_core::vpc::default_network::{CreateDefaultVSwitch, CreateDefaultVpc};
use sim_core::vpc::secondary_block::{
    self, AddIpv6Block, AddSecondaryBlock, RemoveIpv6Block, RemoveSecondaryBlock,
};
use sim_core::vpc::vpc::Vpc;
use sim_core::vpc::vswitch::VSwitch;
use sim_core::{Caller, ErrorCode, Refusal, Reply, World, ZoneId};
use std::net::IpAddr;

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("CreateVSwitchCidrReservation", &["IpPrefixNumber"])];

/// Refuses what only makes sense with an address pool of IPAM: the parameters of the pool, of masks and of blocks.
///
/// # Errors
/// [`ErrorCode::IpamPoolMissing`], [`ErrorCode::IpamBlockMissing`], [`ErrorCode::IpamUnsupported`].
pub fn refuse_ipam(p: &Scope<'_>, pool: &str, masks: &[&str], blocks: &[&str]) -> Result<(), BadParams> {
    let any = |names: &[&str]| names.iter().filter(|name| p.str(name).is_some()).count() > 0;
    let (mask, block) = (any(masks), any(blocks));
    let rule = match p.str(pool) {
        None if mask => ErrorCode::IpamPoolMissing,
        None => return Ok(()),
        Some(_) if !mask && !block => ErrorCode::IpamBlockMissing,
        Some(_) => ErrorCode::IpamUnsupported,
    };
    Err(Refusal::new(rule).field("ipam_pool_id").into())
}

/// Refuses a given IPv6 block of a VPC, which must have been reserved: here the platform assigns them all. A new VPC
/// has IPv6 only where the caller turns it on.
///
/// # Errors
/// [`ErrorCode::Ipv6CidrMalformed`], [`ErrorCode::Ipv6NotAsked`], [`ErrorCode::SecondaryIpv6NotReserved`].
pub fn refuse_given_ipv6(p: &Scope<'_>, is_new: bool) -> Result<(), BadParams> {
    let Some(text) = p.str("Ipv6CidrBlock") else { return Ok(()) };
    let block = secondary_block::parse_block6(text)?;
    if is_new && p.bool("EnableIpv6")? != Some(true) {
        return Err(sim_core::vpc::vpc::ipv6_not_asked("ipv6_cidr_block").into());
    }
    Err(Refusal::new(ErrorCode::SecondaryIpv6NotReserved)
        .field("ipv6_cidr_block")
        .detail(format!("{block} was given."))
        .accepted("EnableIpv6=true without a block")
        .into())
}

/// The most ids in a filter that takes a list with commas.
const MOST_IDS: usize = 20;

/// Ids to filter by, with commas between them.
///
/// # Errors
/// `too_many` for more than 20; an empty item.
pub fn listed_ids<'a>(p: &Scope<'a>, name: &str, too_many: ErrorCode) -> Result<Vec<&'a str>, BadParams> {
    let count = p.str(name).map_or(0, |text| text.split(',').count());
    if count > MOST_IDS {
        return Err(Refusal::new(too_many)
            .detail(format!("{count} were named."))
            .accepted("1 to 20 ids")
            .into());
    }
    Ok(p.commas(name, MOST_IDS)?)
}

/// Whether the caller means IPv6: by the block that is given, else by the version.
fn means_ipv6(p: &Scope<'_>) -> Result<bool, BadParams> {
    let version = ip_version(p)?;
    match (p.str("SecondaryCidrBlock"), p.str("IPv6CidrBlock")) {
        (Some(_), Some(_)) => {
            Err(Refusal::new(ErrorCode::SecondaryCidrExclusive).field("ipv6_cidr_block").into())
        }
        (Some(_), None) => Ok(false),
        (None, Some(_)) => Ok(true),
        (None, None) => Ok(version == Some(6)),
    }
}

fn ip_version(p: &Scope<'_>) -> Result<Option<u8>, BadParams> {
    match p.str("IpVersion") {
        None => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("IPv4") => Ok(Some(4)),
        Some(text) if text.eq_ignore_ascii_case("IPv6") => Ok(Some(6)),
        Some(other) => Err(Refusal::new(ErrorCode::IpVersionInvalid)
            .field("ip_version")
            .detail(format!("{other:?} was given."))
            .accepted("IPV4 or IPV6")
            .into()),
    }
}

pub fn associate_vpc_cidr_block(p: &Scope<'_>, _: &Caller) -> Planned {
    let (masks, blocks) = (["SecondaryCidrMask", "Ipv6CidrMask"], ["SecondaryCidrBlock", "IPv6CidrBlock"]);
    refuse_ipam(p, "IpamPoolId", &masks, &blocks)?;
    let vpc = required_id(p, "VpcId")?;
    if means_ipv6(p)? {
        let block = p.str("IPv6CidrBlock").map(secondary_block::parse_block6).transpose()?;
        let isp = p.str("Ipv6Isp").map(Into::into);
        return write(AddIpv6Block { vpc, block, isp }, move |w, _, _| {
            let added = w.get::<Vpc>(&vpc).and_then(|vpc| vpc.ipv6.last()).map(|b| b.block.to_string());
            json!({ "CidrBlock": added.unwrap_or_default(), "IpVersion": "IPV6" })
        });
    }
    p.mark_known("Ipv6Isp");
    let Some(text) = p.str("SecondaryCidrBlock") else {
        return Err(Refusal::new(ErrorCode::SecondaryCidrMissing)
            .field("cidr_block")
            .accepted("a block such as 192.168.0.0/16")
            .into());
    };
    let block = secondary_block::parse_block(text)?;
    write(
        AddSecondaryBlock { vpc, block },
        move |_, _, _| json!({ "CidrBlock": block.to_string(), "IpVersion": "IPV4" }),
    )
}

pub fn unassociate_vpc_cidr_block(p: &Scope<'_>, _: &Caller) -> Planned {
    let vpc = required_id(p, "VpcId")?;
    match (means_ipv6(p)?, p.str("SecondaryCidrBlock"), p.str("IPv6CidrBlock")) {
        (true, _, Some(text)) => done(RemoveIpv6Block { vpc, block: secondary_block::parse_block6(text)? }),
        (false, Some(text), _) => {
            done(RemoveSecondaryBlock { vpc, block: secondary_block::parse_block(text)? })
        }
        _ => Err(Refusal::new(ErrorCode::SecondaryCidrMissing).field("cidr_block").into()),
    }
}

pub fn create_default_vpc(p: &Scope<'_>, _: &Caller) -> Planned {
    refuse_given_ipv6(p, true)?;
    let command = CreateDefaultVpc {
        ipv6: p.bool("EnableIpv6")?.unwrap_or(false),
        resource_group: optional_id(p, "ResourceGroupId")?,
    };
    write(command, |_, _, reply| {
        let Reply::CreatedVpc { vpc, vrouter, route_table } = reply else {
            unreachable!("CreateDefaultVpc replies so")
        };
        json!({ "VpcId": vpc.to_string(), "VRouterId": vrouter.to_string(), "RouteTableId": route_table.to_string() })
    })
}

pub fn create_default_vswitch(p: &Scope<'_>, _: &Caller) -> Planned {
    let command = CreateDefaultVSwitch {
        zone: ZoneId::from(p.required("ZoneId")?),
        ipv6_subnet: p.int("Ipv6CidrBlock", 0..=4095)?.map(|n| n as u32),
    };
    write(command, |_, _, reply| json!({ "VSwitchId": reply.id::<VSwitchId>().to_string() }))
}

pub fn create_vswitch_cidr_reservation(p: &Scope<'_>, _: &Caller) -> Planned {
    let ipv4 = match ip_version(p)? {
        Some(version) => version == 4,
        None => return Err(p.missing("IpVersion").into()),
    };
    if let Some(kind) =
        p.str("VSwitchCidrReservationType").filter(|kind| !kind.eq_ignore_ascii_case("prefix"))
    {
        return Err(Refusal::new(ErrorCode::CidrReservationType)
            .field("type")
            .detail(format!("{kind:?} was given."))
            .accepted("Prefix")
            .into());
    }
    let mask = p.int("VSwitchCidrReservationMask", 0..=128)?.map(|mask| mask as u8);
    let command = CreateCidrReservation {
        vswitch: required_id(p, "VSwitchId")?,
        block: cidr_reservation::choose(p.str("VSwitchCidrReservationCidr"), mask, ipv4)?,
        name: p.str("VSwitchCidrReservationName").map(Into::into),
        description: p.str("VSwitchCidrReservationDescription").map(Into::into),
        tags: tags(p)?,
    };
    write(
        command,
        |_, _, reply| json!({ "VSwitchCidrReservationId": reply.id::<CidrReservationId>().to_string() }),
    )
}

pub fn modify_vswitch_cidr_reservation_attribute(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyCidrReservation {
        reservation: required_id(p, "VSwitchCidrReservationId")?,
        name: p.str("VSwitchCidrReservationName").map(Into::into),
        description: p.str("VSwitchCidrReservationDescription").map(Into::into),
    })
}

pub fn delete_vswitch_cidr_reservation(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteCidrReservation { reservation: required_id(p, "VSwitchCidrReservationId")? })
}

pub fn list_vswitch_cidr_reservations(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = TokenPage::read(p, "MaxResults", 100, 10)?;
    let version = ip_version(p)?;
    let rows = Rows::<CidrReservation>::all(|ix| &ix.cidr_reservations.by_owner)
        .named(&p.strings("VSwitchCidrReservationIds", 100)?)
        .of::<VSwitchId>(sought(p, "VSwitchId"), |ix| &ix.cidr_reservations.by_vswitch)
        .tagged(super::tags::filter(p, "Tags")?)
        .keep(version, |_, r, version| (*version == 4) == r.block.is_v4())
        .keep(text(p, "VSwitchCidrReservationType"), |_, _, kind| kind.eq_ignore_ascii_case("prefix"));
    let (size, part) = (page.size, page.part());
    list(rows, part, reservation, move |found| {
        json!({
            "TotalCount": found.total,
            "MaxResults": size,
            "NextToken": found.next.map(|id| id.to_string()).unwrap_or_default(),
            "VSwitchCidrReservations": found.items,
        })
    })
}

fn reservation(w: &World, r: &CidrReservation) -> Value {
    // An IPv4 prefix is a /28, an IPv6 one a /80.
    let prefix = if r.block.is_v4() { 28 } else { 80 };
    let all = 1u64 << (prefix - r.block.prefix_len()).min(62);
    let enis =
        w.indexes().enis.by_vswitch.of(&r.vswitch).filter_map(|id| w.get::<sim_core::ecs::eni::Eni>(id));
    let assigned = enis
        .flat_map(|e| {
            let four = e.ipv4_prefixes.iter().map(|b| sim_core::cidr::Cidr::from(*b));
            four.chain(e.ipv6_prefixes.iter().map(|b| sim_core::cidr::Cidr::from(*b)))
        })
        .filter(|block| r.block.contains(*block))
        .count() as u64;
    let tags: Vec<Value> =
        sim_core::tag::of(w, r.id).map(|t| json!({ "Key": t.key, "Value": t.value })).collect();
    json!({
        "VSwitchCidrReservationId": r.id.to_string(),
        "VSwitchCidrReservationCidr": r.block.to_string(),
        "VSwitchCidrReservationName": r.name,
        "VSwitchCidrReservationDescription": r.description,
        "VSwitchId": r.vswitch.to_string(),
        "VpcId": r.vpc.to_string(),
        "IpVersion": if r.block.is_v4() { "IPv4" } else { "IPv6" },
        "Type": "prefix",
        "Status": "Assigned",
        "CreationTime": r.created.to_seconds_text(),
        "AssignedCidrCount": assigned,
        "AvailableCidrCount": all - assigned,
        "Tags": tags,
    })
}

/// Which page of a list, by token: the id of the last item of the page before.
pub struct TokenPage {
    /// The items on a page.
    pub size: usize,
    /// The last item of the page before.
    pub after: Option<AnyId>,
}

impl TokenPage {
    /// `NextToken` and the size under the name that the action gives it.
    ///
    /// # Errors
    /// A size out of range, a token that no list issues.
    pub fn read(p: &Scope<'_>, size: &str, most: i64, usual: i64) -> Result<TokenPage, BadParams> {
        let size = p.int(size, 1..=most)?.unwrap_or(usual) as usize;
        let after = p.str("NextToken").map(str::parse::<AnyId>).transpose();
        let after = after.map_err(|_| {
            Refusal::new(ErrorCode::NextTokenInvalid)
                .field("next_token")
                .accepted("NextToken of the page before")
        })?;
        Ok(TokenPage { size, after })
    }

    /// The part of a list that is asked for.
    pub fn part<I: Id>(&self) -> Part<I> {
        let after = self.after.map(|token| I::from_number(token.number()));
        Part { after, skip: 0, size: self.size, count: true }
    }
}

pub fn check_can_allocate(p: &Scope<'_>, _: &Caller) -> Planned {
    let version = ip_version(p)?;
    if version.is_none() {
        return Err(p.missing("IpVersion").into());
    }
    let vswitch = required_id::<VSwitchId>(p, "VSwitchId")?;
    let text = p.required("PrivateIpAddress")?;
    let address: IpAddr = text.parse().map_err(|_| {
        Refusal::new(ErrorCode::AddressMalformed)
            .field("private_ip_address")
            .detail(format!("{text:?} was given."))
            .accepted("an address such as 10.0.1.10")
    })?;
    read(move |w, caller| {
        let s = w.visible::<VSwitch>(caller, vswitch)?;
        let free = sim_core::vpc::vswitch::can_allocate(w, s, address)?;
        Ok(json!({ "CanAllocate": free }))
    })
}

/// `ResourceId` and `NewResourceGroupId`, as both products spell it.
pub fn move_resource_group(p: &Scope<'_>, _: &Caller) -> Planned {
    let resource =
        any_of_types(p, &[("vpc", sim_core::id::IdKind::Vpc), ("eip", sim_core::id::IdKind::Eip)])?;
    let group = required_id(p, "NewResourceGroupId")?;
    done(MoveToResourceGroup { resource, group })
}

/// `ResourceId` and `ResourceGroupId`.
pub fn join_resource_group(p: &Scope<'_>, _: &Caller) -> Planned {
    use sim_core::id::IdKind;
    let types =
        [("instance", IdKind::Instance), ("securitygroup", IdKind::SecurityGroup), ("eni", IdKind::Eni)];
    let resource = any_of_types(p, &types)?;
    let group = required_id(p, "ResourceGroupId")?;
    done(MoveToResourceGroup { resource, group })
}

/// The object that `ResourceType` and `ResourceId` name.
///
/// # Errors
/// An unknown type; an id that is absent or of another kind.
pub fn any_of_types(p: &Scope<'_>, types: &[(&str, sim_core::id::IdKind)]) -> Result<AnyId, BadParams> {
    let kind = p.required("ResourceType")?;
    let known = types.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind));
    let Some((_, kind)) = known else {
        let names = types.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        return Err(Refusal::new(ErrorCode::ResourceTypeUnknown)
            .field("resource_type")
            .detail(format!("{kind:?} was given."))
            .accepted(names)
            .into());
    };
    let text = p.required("ResourceId")?;
    match text.parse::<AnyId>() {
        Ok(id) if id.kind() == *kind => Ok(id),
        _ => Err(Refusal::new(kind.not_found())
            .field("resource_id")
            .detail(format!("There is no {text}."))
            .into()),
    }
}
