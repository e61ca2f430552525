//! The native wire: REST under `/v1`. One file per resource: types, handlers and documentation together.

pub mod common;
pub mod context;
pub mod inputs;
pub mod operations;
pub mod parameters;
pub mod places;
// -- routes
mod route_entries;
mod route_tables;
mod router_interfaces;
mod vrouters;
// -- security groups, prefix lists
mod prefix_lists;
mod security_group_rules;
mod security_groups;
// -- network interfaces
mod interface_changes;
mod network_interfaces;
mod verdicts;
// -- packets
mod reachability;
mod told_port;
mod trace_changes;
mod trace_steps;
pub mod traces;
mod traffic;
// -- instances, residents, catalogue
mod catalog;
mod disks;
mod instance_changes;
mod instance_launch;
mod instances;
mod residents;
// -- how ports answer, outages
mod outages;
mod service_ports;
// -- network ACLs, access control lists
mod access_control_lists;
mod certificates;
// -- elastic IP addresses
mod eips;
mod form;
mod forward_entries;
mod gateway_route_tables;
mod ha_vips;
mod ipv4_gateways;
mod ipv6_bandwidths;
mod ipv6_egress_rules;
mod ipv6_gateways;
mod mix_traffic;
mod nat_gateways;
mod nat_traffic;
mod network_acls;
mod snat_entries;
mod vpc_peers;
// -- load balancers
mod backend_health;
mod domain_extensions;
mod forwarding_rules;
mod listener_bodies;
mod listeners;
mod load_balancers;
mod master_slave_groups;
mod server_groups;
mod serving;
mod tls_policies;
// -- worlds, clock, journal, requests, quotas, plan
mod account;
mod clock;
pub mod faults;
mod journal;
mod plan;
mod quotas;
mod requests;
mod settings;
pub mod snapshots;
mod vpc_parts;
mod vpcs;
mod vswitches;
pub mod worlds;

use crate::refusals::Refusals;
use operations::Operations;
use places::PlacesOf;

/// Every operation of the native wire.
pub fn router() -> Operations {
    let routers = [
        vpcs::router(),
        vswitches::router(),
        vpc_parts::router(),
        account::router(),
        // -- routes
        route_tables::router(),
        route_entries::router(),
        vrouters::router(),
        // -- security groups, prefix lists
        security_groups::router(),
        security_group_rules::router(),
        prefix_lists::router(),
        // -- network interfaces
        network_interfaces::router(),
        interface_changes::router(),
        verdicts::router(),
        // -- packets
        traces::router(),
        reachability::router(),
        traffic::router(),
        mix_traffic::router(),
        nat_traffic::router(),
        // -- instances, residents, catalogue
        instances::router(),
        instance_launch::router(),
        instance_changes::router(),
        disks::router(),
        residents::router(),
        service_ports::router(),
        outages::router(),
        catalog::router(),
        // -- elastic IP addresses
        eips::router(),
        gateway_route_tables::router(),
        ha_vips::router(),
        nat_gateways::router(),
        snat_entries::router(),
        forward_entries::router(),
        ipv4_gateways::router(),
        ipv6_gateways::router(),
        ipv6_bandwidths::router(),
        ipv6_egress_rules::router(),
        router_interfaces::router(),
        vpc_peers::router(),
        // -- network ACLs
        network_acls::router(),
        access_control_lists::router(),
        certificates::router(),
        tls_policies::router(),
        // -- load balancers
        load_balancers::router(),
        listeners::router(),
        server_groups::router(),
        master_slave_groups::router(),
        backend_health::router(),
        forwarding_rules::router(),
        domain_extensions::router(),
        serving::router(),
        // -- worlds, clock, journal, requests, quotas, plan
        worlds::router(),
        snapshots::router(),
        clock::router(),
        settings::router(),
        faults::router(),
        journal::router(),
        quotas::router(),
        plan::router(),
        requests::router(),
    ];
    routers.into_iter().fold(Operations::new(), Operations::merge)
}

/// What the operations can refuse, by file.
pub const REFUSALS: &[Refusals] = &[
    vpcs::REFUSALS,
    vswitches::REFUSALS,
    vpc_parts::REFUSALS,
    account::REFUSALS,
    // -- routes
    route_tables::REFUSALS,
    route_entries::REFUSALS,
    vrouters::REFUSALS,
    // -- security groups, prefix lists
    security_groups::REFUSALS,
    security_group_rules::REFUSALS,
    prefix_lists::REFUSALS,
    // -- network interfaces
    network_interfaces::REFUSALS,
    interface_changes::REFUSALS,
    verdicts::REFUSALS,
    // -- packets
    traces::REFUSALS,
    reachability::REFUSALS,
    traffic::REFUSALS,
    mix_traffic::REFUSALS,
    nat_traffic::REFUSALS,
    // -- instances, residents, catalogue
    instances::REFUSALS,
    instance_launch::REFUSALS,
    instance_changes::REFUSALS,
    disks::REFUSALS,
    residents::REFUSALS,
    service_ports::REFUSALS,
    outages::REFUSALS,
    catalog::REFUSALS,
    // -- elastic IP addresses
    eips::REFUSALS,
    gateway_route_tables::REFUSALS,
    ha_vips::REFUSALS,
    nat_gateways::REFUSALS,
    snat_entries::REFUSALS,
    forward_entries::REFUSALS,
    ipv4_gateways::REFUSALS,
    ipv6_gateways::REFUSALS,
    ipv6_bandwidths::REFUSALS,
    ipv6_egress_rules::REFUSALS,
    router_interfaces::REFUSALS,
    vpc_peers::REFUSALS,
    // -- network ACLs
    network_acls::REFUSALS,
    access_control_lists::REFUSALS,
    certificates::REFUSALS,
    tls_policies::REFUSALS,
    // -- load balancers
    load_balancers::REFUSALS,
    listeners::REFUSALS,
    server_groups::REFUSALS,
    master_slave_groups::REFUSALS,
    backend_health::REFUSALS,
    forwarding_rules::REFUSALS,
    domain_extensions::REFUSALS,
    serving::REFUSALS,
    // -- worlds, clock, journal, requests, quotas, plan
    worlds::REFUSALS,
    snapshots::REFUSALS,
    clock::REFUSALS,
    settings::REFUSALS,
    faults::REFUSALS,
    journal::REFUSALS,
    quotas::REFUSALS,
    plan::REFUSALS,
    requests::REFUSALS,
];

/// Where operations have what the core calls otherwise, by file.
pub const PLACES: &[PlacesOf] = &[
    vpcs::PLACES,
    vpc_parts::PLACES,
    account::PLACES,
    route_tables::PLACES,
    route_entries::PLACES,
    vrouters::PLACES,
    security_group_rules::PLACES,
    prefix_lists::PLACES,
    interface_changes::PLACES,
    instances::PLACES,
    instance_launch::PLACES,
    instance_changes::PLACES,
    residents::PLACES,
    eips::PLACES,
    gateway_route_tables::PLACES,
    ha_vips::PLACES,
    snat_entries::PLACES,
    forward_entries::PLACES,
    ipv4_gateways::PLACES,
    router_interfaces::PLACES,
    network_acls::PLACES,
    access_control_lists::PLACES,
    listeners::PLACES,
    server_groups::PLACES,
    backend_health::PLACES,
    forwarding_rules::PLACES,
    domain_extensions::PLACES,
];
