//! Actions on SNAT entries.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{NumberedPage, Planned, done, optional_id, required_id, sought, text, write};
use serde_json::{Value, json};
use sim_core::id::{Id, NatGatewayId, SnatEntryId, SnatTableId, VSwitchId};
use sim_core::vpc::eip::Eip;
use sim_core::vpc::snat::{
    self, CreateSnatEntry, DeleteSnatEntry, ModifySnatEntry, SnatEntry, parse_ips, parse_source,
};
use sim_core::{Caller, World};
use std::collections::BTreeSet;

/// Parameters that are taken and change nothing.
pub const INERT: &[(&str, &[&str])] = &[("CreateSnatEntry", SNAT_INERT), ("ModifySnatEntry", SNAT_INERT)];
const SNAT_INERT: &[&str] = &["NetworkInterfaceId"];

/// A comma list of addresses.
fn split(text: &str) -> Vec<&str> {
    text.split(',').collect()
}

pub fn create_snat_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, SNAT_INERT);
    let command = CreateSnatEntry {
        table: required_id(p, "SnatTableId")?,
        vswitch: optional_id(p, "SourceVSwitchId")?,
        block: p.str("SourceCIDR").map(parse_source).transpose()?,
        ips: parse_ips(&split(p.required("SnatIp")?))?,
        name: p.str("SnatEntryName").map(Into::into),
        affinity: p.int("EipAffinity", 0..=1)?.unwrap_or(0) == 1,
    };
    write(command, |_, _, reply| json!({ "SnatEntryId": reply.id::<SnatEntryId>().to_string() }))
}

pub fn modify_snat_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    super::eni::take_inert(p, SNAT_INERT);
    done(ModifySnatEntry {
        entry: required_id(p, "SnatEntryId")?,
        table: Some(required_id(p, "SnatTableId")?),
        ips: p.str("SnatIp").map(|text| parse_ips(&split(text))).transpose()?,
        name: p.str("SnatEntryName").map(Into::into),
        affinity: p.int("EipAffinity", 0..=1)?.map(|n| n == 1),
    })
}

pub fn delete_snat_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteSnatEntry {
        entry: required_id(p, "SnatEntryId")?,
        table: Some(required_id(p, "SnatTableId")?),
    })
}

pub fn describe_snat_table_entries(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let mut rows = Rows::<SnatEntry>::all(|ix| &ix.snat_entries.by_owner)
        .named(p.str("SnatEntryId").as_slice())
        .of::<NatGatewayId>(sought(p, "NatGatewayId"), |ix| &ix.snat_entries.by_gateway)
        .of::<VSwitchId>(sought(p, "SourceVSwitchId"), |ix| &ix.snat_entries.by_vswitch)
        .keep(text(p, "SnatEntryName"), |_, e, name| e.name == *name)
        .keep(text(p, "SourceCIDR"), |w, e, block| source_block(w, e) == *block)
        .keep(text(p, "SnatIp"), |w, e, ip| ips(w, e).contains(ip));
    if let Some(table) = optional_id::<SnatTableId>(p, "SnatTableId")? {
        rows = rows.found(move |w, caller| {
            let gateway = snat::gateway_of(w, caller, table)?.id;
            Ok(w.indexes().snat_entries.by_gateway.of(&gateway).copied().collect())
        });
    }
    // Entries of gateways inside the cloud have interfaces of their own; there are none.
    if !p.strings("NetworkInterfaceIds", 20)?.is_empty() {
        rows = rows.found(|_, _| Ok(BTreeSet::new()));
    }
    page.list(rows, "SnatTableEntries", "SnatTableEntry", described)
}

fn source_block(w: &World, e: &SnatEntry) -> String {
    e.source.block(w).map(|block| block.to_string()).unwrap_or_default()
}

fn ips(w: &World, e: &SnatEntry) -> Vec<String> {
    e.eips.iter().filter_map(|id| w.get::<Eip>(id)).map(|eip| eip.address.to_string()).collect()
}

fn described(w: &World, e: &SnatEntry) -> Value {
    json!({
        "SnatEntryId": e.id.to_string(),
        "SnatEntryName": e.name,
        "SnatTableId": SnatTableId::from_number(e.gateway.number()).to_string(),
        "NatGatewayId": e.gateway.to_string(),
        "SourceVSwitchId": e.source.vswitch().map(|id| id.to_string()).unwrap_or_default(),
        "SourceCIDR": source_block(w, e),
        "SnatIp": ips(w, e).join(","),
        "EipAffinity": if e.affinity { "1" } else { "0" },
        "Status": e.status.text(),
    })
}
