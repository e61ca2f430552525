//! What the OpenAPI document says as a whole: its tags in order, how a server is opened, headers that every answer has,
//! and whole numbers by their bounds.

use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::schema::{AdditionalProperties, AllOf, Object, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{HeaderBuilder, KnownFormat, OpenApi, RefOr, Schema, SchemaFormat};

/// The tags in the order in which somebody meets them, each with what it is about.
const TAGS: &[(&str, &str)] = &[
    ("VPC", "A private network: its blocks, and what lies in it."),
    ("vSwitch", "A subnet of a VPC in one zone, and blocks reserved in it."),
    ("vRouter", "The router of a VPC, which comes and goes with it."),
    ("Route table", "Which vSwitches it holds for, and which entry an address takes."),
    ("Route entry", "Where packets to a network go."),
    ("Elastic IP address", "A public address that an account holds, and what it is bound to."),
    ("HaVip", "A private address that moves between instances or network interfaces of a vSwitch."),
    ("NAT gateway", "The way of hosts without public addresses of their own to the internet."),
    ("DNAT entry", "What the addresses of a NAT gateway lead to from outside."),
    ("SNAT entry", "Who goes out through a NAT gateway, and by which of its addresses."),
    ("IPv4 gateway", "Where the public IPv4 traffic of a VPC goes by routes, once it is active."),
    (
        "VPC peering",
        "Two VPCs that exchange packets by their private addresses, where routes of both lead to it.",
    ),
    ("Router interface", "One end of a connection between the routers of two VPCs."),
    ("IPv6 gateway", "The way of IPv6 addresses with internet bandwidth to the internet."),
    ("IPv6 bandwidth", "What makes an IPv6 address public."),
    ("IPv6 egress-only rule", "What lets sessions of a public IPv6 address out and none in."),
    ("Network ACL", "What may cross the edge of a vSwitch, judged packet by packet."),
    ("Security group", "Rules for the traffic of its members, and who the members are."),
    ("Security group rule", "One rule of a security group."),
    ("Prefix list", "Networks under one id, for rules to name."),
    ("Network interface", "Addresses and security groups of a host, attached to an instance or free."),
    ("Instance", "A host with its primary network interface."),
    ("Disk", "What an instance keeps its data on."),
    ("Service port", "How the ports of an instance answer, now and on a schedule."),
    ("Outage", "Zones, instances and interfaces that are cut off for a time."),
    ("Managed resident", "What another product, such as a database, puts into a VPC."),
    ("Access control list", "Networks whose clients listeners let in or keep out."),
    ("Load balancer", "An address at which listeners serve, and what it is sold as."),
    ("Listener", "What a load balancer does with what comes to one port."),
    ("Forwarding rule", "Which requests to an HTTP or HTTPS listener go to which vServer group."),
    (
        "Domain extension",
        "Which certificates an HTTPS listener shows to clients that ask for a domain by its name.",
    ),
    (
        "Backend server",
        "What stands behind a load balancer: its default pool, its vServer groups and its primary/secondary groups.",
    ),
    ("Certificate", "What listeners show to clients, and by what they judge them."),
    ("Instance type", "How many interfaces and addresses an instance can carry."),
    ("Image", "What an instance is made from."),
    ("Catalogue", "What the provider offers, whoever asks."),
    ("Region", "Regions and their zones."),
    ("Tag", "Keys and values on any object."),
    ("Resource group", "Objects that belong together."),
    ("Quota", "How much there may be, how much there is, and how to be allowed more."),
    ("Trace", "Questions about packets: who reaches whom, what decided, and what would have to change."),
    (
        "Traffic",
        "Simulated clients of a load balancer, and hosts behind a NAT gateway: who takes them, and what they see.",
    ),
    ("Plan", "Questions about addresses: does it fit, does it clash, what does it cost. Nothing is made."),
    ("Worlds", "Isolated clouds: make, wipe, keep, put back, copy."),
    ("Clock", "Virtual time: read it, set it, let it pass."),
    ("Settings", "How a world behaves."),
    ("Faults", "What goes wrong on the provider wire: for testing that a client retries rightly."),
    ("Journal", "What was changed, by whom, and when: the accepted commands."),
    ("Requests", "What was asked, on both wires, and what was answered."),
];

/// The name of the security scheme.
const BEARER: &str = "bearer";

/// Completes the document.
pub fn describe(document: &mut OpenApi) {
    add_tags(document);
    add_security(document);
    add_request_id(document);
    join_flattened(document);
    bound_numbers(document);
}

fn add_tags(document: &mut OpenApi) {
    let operations =
        document.paths.paths.values().flat_map(|item| {
            [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten()
        });
    let used: BTreeSet<String> =
        operations.flat_map(|operation| operation.tags.clone().unwrap_or_default()).collect();
    let tags = TAGS.iter().filter(|(name, _)| used.contains(*name));
    let tags = tags.map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    document.tags = Some(tags.collect());
    // Swagger UI shows tags in the order of the list and operations in the order of the paths.
}

/// A server without a credentials file is open; one with such a file wants a token. Both are said, the first first.
fn add_security(document: &mut OpenApi) {
    let about = "A bearer_token of the server's credentials file. A server without such a file wants none.";
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    let components = document.components.get_or_insert_default();
    components.security_schemes.insert(BEARER.to_owned(), RefOr::T(SecurityScheme::Http(scheme)));
    let none: [&str; 0] = [];
    document.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new(BEARER, none)]);
}

fn add_request_id(document: &mut OpenApi) {
    let about = "The request's id, as in the log and in GET /v1/requests.";
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete] {
            for response in operation.iter_mut().flat_map(|o| o.responses.responses.values_mut()) {
                if let RefOr::T(response) = response {
                    let header = HeaderBuilder::new().description(Some(about)).build();
                    response.headers.insert("X-Request-Id".to_owned(), RefOr::T(header));
                }
            }
        }
    }
}

/// Makes one object of a body that is written as several: one of them forbids members that it does not know, so that
/// nothing would fit all of them.
fn join_flattened(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    let joined: Vec<(String, Schema)> = components
        .schemas
        .iter()
        .filter_map(|(name, schema)| match schema {
            RefOr::T(Schema::AllOf(all)) => Some((name.clone(), join(&components.schemas, all)?)),
            _ => None,
        })
        .collect();
    for (name, schema) in joined {
        components.schemas.insert(name, RefOr::T(schema));
    }
}

/// The object that all of these objects are together; none if one of them is something else.
fn join(schemas: &BTreeMap<String, RefOr<Schema>>, all: &AllOf) -> Option<Schema> {
    let mut whole = Object::with_type(Type::Object);
    whole.description.clone_from(&all.description);
    whole.example.clone_from(&all.example);
    for part in &all.items {
        let part = match part {
            RefOr::Ref(to) => schemas.get(to.ref_location.rsplit('/').next()?)?,
            inline => inline,
        };
        let RefOr::T(Schema::Object(part)) = part else { return None };
        whole.properties.extend(part.properties.clone());
        whole.required.extend(part.required.iter().cloned());
        if part.additional_properties.is_some() {
            whole.additional_properties.clone_from(&part.additional_properties);
        }
    }
    Some(Schema::Object(whole))
}

/// The formats int32 and int64 are signed; what is never negative is said by its bounds instead.
fn bound_numbers(document: &mut OpenApi) {
    for schema in document.components.iter_mut().flat_map(|c| c.schemas.values_mut()) {
        bound(schema);
    }
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete] {
            for parameter in operation.iter_mut().flat_map(|o| o.parameters.iter_mut().flatten()) {
                if let RefOr::T(parameter) = parameter
                    && let Some(schema) = &mut parameter.schema
                {
                    bound(schema);
                }
            }
        }
    }
}

fn bound(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            let unsigned = object.minimum.is_some();
            if unsigned && matches!(object.format, Some(SchemaFormat::KnownFormat(KnownFormat::Int32))) {
                object.format = None;
                object.maximum.get_or_insert(u32::MAX.into());
            }
            object.properties.values_mut().for_each(bound);
            if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
                bound(values);
            }
        }
        Schema::Array(array) => {
            if let utoipa::openapi::schema::ArrayItems::RefOrSchema(items) = &mut array.items {
                bound(items);
            }
        }
        Schema::OneOf(of) => of.items.iter_mut().for_each(bound),
        Schema::AllOf(of) => of.items.iter_mut().for_each(bound),
        Schema::AnyOf(of) => of.items.iter_mut().for_each(bound),
        _ => {}
    }
}
