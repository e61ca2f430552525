//! Actions on DNAT entries.

use crate::listing::Rows;
use crate::rpc::params::Scope;
use crate::rpc::plan::{NumberedPage, Planned, done, optional_id, required_id, sought, text, write};
use serde_json::{Value, json};
use sim_core::id::{ForwardEntryId, ForwardTableId, Id, NatGatewayId};
use sim_core::vpc::eip::Eip;
use sim_core::vpc::forward_entry::{
    self, CreateForwardEntry, DeleteForwardEntry, ForwardEntry, Mapping, ModifyForwardEntry,
};
use sim_core::vpc::forward_ports::{
    ForwardProtocol, parse_external_ip, parse_external_port, parse_internal_ip, parse_internal_port,
    ports_text,
};
use sim_core::{Caller, World};

pub fn create_forward_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    let mapping = Mapping {
        external_ip: parse_external_ip(p.required("ExternalIp")?)?,
        external: parse_external_port(p.required("ExternalPort")?)?,
        address: parse_internal_ip(p.required("InternalIp")?)?,
        internal: parse_internal_port(p.required("InternalPort")?)?,
        protocol: ForwardProtocol::parse(p.required("IpProtocol")?)?,
        port_break: p.bool("PortBreak")?.unwrap_or(false),
    };
    let table = required_id(p, "ForwardTableId")?;
    let command = CreateForwardEntry { table, mapping, name: p.str("ForwardEntryName").map(Into::into) };
    write(command, |_, _, reply| json!({ "ForwardEntryId": reply.id::<ForwardEntryId>().to_string() }))
}

pub fn modify_forward_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    done(ModifyForwardEntry {
        entry: required_id(p, "ForwardEntryId")?,
        table: Some(required_id(p, "ForwardTableId")?),
        external_ip: p.str("ExternalIp").map(parse_external_ip).transpose()?,
        external: p.str("ExternalPort").map(parse_external_port).transpose()?,
        address: p.str("InternalIp").map(parse_internal_ip).transpose()?,
        internal: p.str("InternalPort").map(parse_internal_port).transpose()?,
        protocol: p.str("IpProtocol").map(ForwardProtocol::parse).transpose()?,
        name: p.str("ForwardEntryName").map(Into::into),
        port_break: p.bool("PortBreak")?,
    })
}

pub fn delete_forward_entry(p: &Scope<'_>, _: &Caller) -> Planned {
    done(DeleteForwardEntry {
        entry: required_id(p, "ForwardEntryId")?,
        table: Some(required_id(p, "ForwardTableId")?),
    })
}

pub fn describe_forward_table_entries(p: &Scope<'_>, _: &Caller) -> Planned {
    let page = NumberedPage::read(p, 50)?;
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let mut rows = Rows::<ForwardEntry>::all(|ix| &ix.forward_entries.by_owner)
        .named(p.str("ForwardEntryId").as_slice())
        .of::<NatGatewayId>(sought(p, "NatGatewayId"), |ix| &ix.forward_entries.by_gateway)
        .keep(text(p, "ForwardEntryName"), |_, e, name| e.name == *name)
        .keep(text(p, "ExternalIp"), |w, e, ip| external_ip(w, e) == *ip)
        .keep(text(p, "InternalIp"), |_, e, ip| e.address.to_string() == *ip)
        .keep(text(p, "ExternalPort"), move |_, e, port| same(&ports_text(e.external), port))
        .keep(text(p, "InternalPort"), move |_, e, port| same(&ports_text(e.internal), port))
        .keep(text(p, "IpProtocol"), move |_, e, protocol| same(e.protocol.text(), protocol));
    if let Some(table) = optional_id::<ForwardTableId>(p, "ForwardTableId")? {
        rows = rows.found(move |w, caller| {
            let gateway = forward_entry::gateway_of(w, caller, table)?.id;
            Ok(w.indexes().forward_entries.by_gateway.of(&gateway).copied().collect())
        });
    }
    page.list(rows, "ForwardTableEntries", "ForwardTableEntry", described)
}

fn external_ip(w: &World, e: &ForwardEntry) -> String {
    w.get::<Eip>(&e.eip).map(|eip| eip.address.to_string()).unwrap_or_default()
}

fn described(w: &World, e: &ForwardEntry) -> Value {
    json!({
        "ForwardEntryId": e.id.to_string(),
        "ForwardEntryName": e.name,
        "ForwardTableId": ForwardTableId::from_number(e.gateway.number()).to_string(),
        "NatGatewayId": e.gateway.to_string(),
        "ExternalIp": external_ip(w, e),
        "ExternalPort": ports_text(e.external).as_str(),
        "InternalIp": e.address,
        "InternalPort": ports_text(e.internal).as_str(),
        "IpProtocol": e.protocol.text(),
        "Status": e.status.text(),
    })
}
