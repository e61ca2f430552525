#!/usr/bin/env python3
"""Which pairs of an operation and a rule that it can be refused by has no test seen?

    CLOUDNET_REFUSALS=FILE cargo test --workspace      notes each refusal in FILE (builds with debug assertions)
    tools/untested_pairs.py FILE                       fails if a pair is missing that is not on the list
    tools/untested_pairs.py FILE --update              writes the list anew

The pairs of the native wire are those of `openapi/cloudnet.json`, whose examples come from the operations' own lists of
refusals; an action of the provider wire that carries out the same command has the same rules. What any operation answers
for the service itself (a body that does not read, a world that is not there) is no pair. The list,
`tests/data/contract/untested_pairs.txt`, may only shrink: a pair that a test sees must leave it.
"""

import argparse
import collections
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "tests/data/contract/untested_pairs.txt"
UNREACHABLE = ROOT / "tests/data/contract/unreachable_pairs.txt"

# Problems of the service, which any operation can answer.
SERVICE = {
    "cross_site", "internal_error", "journal_unavailable", "loading", "malformed_request", "timeout", "too_busy",
    "unauthorized", "world_not_found",
}
# Rules of the idempotency key, which one mechanism holds for every operation that writes.
SHARED = {"token_malformed", "token_mismatch"}

# Actions of the provider wire, and the native operation that carries out the same command.
ACTIONS = {
    "CreateVpc": "create_vpc",
    "ModifyVpcAttribute": "update_vpc",
    "DeleteVpc": "delete_vpc",
    "AssociateVpcCidrBlock": "add_vpc_cidr_block",
    "UnassociateVpcCidrBlock": "remove_vpc_cidr_block",
    "CreateDefaultVpc": "create_default_vpc",
    "CreateDefaultVSwitch": "create_default_vswitch",
    "CreateVSwitch": "create_vswitch",
    "ModifyVSwitchAttribute": "update_vswitch",
    "DeleteVSwitch": "delete_vswitch",
    "CreateVSwitchCidrReservation": "create_cidr_reservation",
    "DeleteVSwitchCidrReservation": "delete_cidr_reservation",
    "ModifyVRouterAttribute": "update_vrouter",
    "CreateRouteTable": "create_route_table",
    "ModifyRouteTableAttributes": "update_route_table",
    "DeleteRouteTable": "delete_route_table",
    "AssociateRouteTable": "associate_route_table",
    "UnassociateRouteTable": "unassociate_route_table",
    "CreateAccessControlList": "create_access_control_list",
    "DeleteAccessControlList": "delete_access_control_list",
    "AllocateEipAddress": "allocate_eip",
    "ModifyEipAddressAttribute": "update_eip",
    "ReleaseEipAddress": "release_eip",
    "AssociateEipAddress": "associate_eip",
    "UnassociateEipAddress": "unassociate_eip",
    "DeleteServerCertificate": "delete_server_certificate",
    "DeleteCACertificate": "delete_ca_certificate",
    "CreateTLSCipherPolicy": "create_tls_cipher_policy",
    "SetTLSCipherPolicyAttribute": "update_tls_cipher_policy",
    "DeleteTLSCipherPolicy": "delete_tls_cipher_policy",
    "AssociateRouteTableWithGateway": "associate_gateway_route_table",
    "DissociateRouteTableFromGateway": "dissociate_gateway_route_table",
    "UpdateGatewayRouteTableEntryAttribute": "update_gateway_route_entry",
    "CreateHaVip": "create_ha_vip",
    "ModifyHaVipAttribute": "update_ha_vip",
    "AssociateHaVip": "associate_ha_vip",
    "UnassociateHaVip": "unassociate_ha_vip",
    "DeleteHaVip": "delete_ha_vip",
    "CreateNatGateway": "create_nat_gateway",
    "ModifyNatGatewayAttribute": "update_nat_gateway",
    "DeleteNatGateway": "delete_nat_gateway",
    "CreateSnatEntry": "create_snat_entry",
    "ModifySnatEntry": "update_snat_entry",
    "DeleteSnatEntry": "delete_snat_entry",
    "CreateForwardEntry": "create_forward_entry",
    "ModifyForwardEntry": "update_forward_entry",
    "DeleteForwardEntry": "delete_forward_entry",
    "CreateIpv4Gateway": "create_ipv4_gateway",
    "EnableVpcIpv4Gateway": "enable_ipv4_gateway",
    "UpdateIpv4GatewayAttribute": "update_ipv4_gateway",
    "DeleteIpv4Gateway": "delete_ipv4_gateway",
    "CreateIpv6Gateway": "create_ipv6_gateway",
    "ModifyIpv6GatewayAttribute": "update_ipv6_gateway",
    "DeleteIpv6Gateway": "delete_ipv6_gateway",
    "AllocateIpv6InternetBandwidth": "allocate_ipv6_bandwidth",
    "ModifyIpv6InternetBandwidth": "update_ipv6_bandwidth",
    "DeleteIpv6InternetBandwidth": "delete_ipv6_bandwidth",
    "CreateRouterInterface": "create_router_interface",
    "ModifyRouterInterfaceAttribute": "update_router_interface",
    "ModifyRouterInterfaceSpec": "set_router_interface_specification",
    "ConnectRouterInterface": "connect_router_interface",
    "ActivateRouterInterface": "activate_router_interface",
    "DeactivateRouterInterface": "deactivate_router_interface",
    "DeleteRouterInterface": "delete_router_interface",
    "CreateIpv6EgressOnlyRule": "create_ipv6_egress_only_rule",
    "DeleteIpv6EgressOnlyRule": "delete_ipv6_egress_only_rule",
    "CreateVpcPeerConnection": "create_vpc_peer",
    "AcceptVpcPeerConnection": "accept_vpc_peer",
    "RejectVpcPeerConnection": "reject_vpc_peer",
    "ModifyVpcPeerConnection": "update_vpc_peer",
    "DeleteVpcPeerConnection": "delete_vpc_peer",
    "CreateNetworkAcl": "create_network_acl",
    "ModifyNetworkAclAttributes": "update_network_acl",
    "UpdateNetworkAclEntries": "replace_network_acl_rules",
    "AssociateNetworkAcl": "associate_network_acl",
    "UnassociateNetworkAcl": "unassociate_network_acl",
    "DeleteNetworkAcl": "delete_network_acl",
    "CreateRouteEntry": "create_route_entry",
    "ModifyRouteEntry": "update_route_entry",
    "DeleteRouteEntry": "delete_route_entry",
    "CreateSecurityGroup": "create_security_group",
    "DeleteSecurityGroup": "delete_security_group",
    "CreatePrefixList": "create_prefix_list",
    "ModifyPrefixList": "update_prefix_list",
    "DeletePrefixList": "delete_prefix_list",
    "CreateNetworkInterface": "create_network_interface",
    "ModifyNetworkInterfaceAttribute": "update_network_interface",
    "DeleteNetworkInterface": "delete_network_interface",
    "AttachNetworkInterface": "attach_network_interface",
    "DetachNetworkInterface": "detach_network_interface",
    "CreateInstance": "create_instance",
    "RunInstances": "create_instances",
    "DeleteInstance": "delete_instance",
    "StartInstance": "start_instance",
    "AllocatePublicIpAddress": "allocate_public_address",
    "StopInstance": "stop_instance",
    "ModifyInstanceAttribute": "update_instance",
    "ModifyInstanceVpcAttribute": "move_instance",
    "ModifyInstanceSpec": "resize_instance",
    "ModifyPrepayInstanceSpec": "resize_instance",
    "ModifyInstanceChargeType": "change_instance_payment",
    "ModifyInstanceAutoRenewAttribute": "update_instance_renewal",
    "ModifyInstanceMetadataOptions": "update_instance_metadata_options",
    "ModifyInstanceMaintenanceAttributes": "update_instance_maintenance",
    "ModifyDiskAttribute": "update_disk",
    "AuthorizeSecurityGroup": "create_security_group_rules",
    "AuthorizeSecurityGroupEgress": "create_security_group_rules",
    "RevokeSecurityGroup": "delete_security_group_rules",
    "RevokeSecurityGroupEgress": "delete_security_group_rules",
    "ModifySecurityGroupRule": "update_security_group_rule",
    "ModifySecurityGroupEgressRule": "update_security_group_rule",
    "ModifySecurityGroupAttribute": "update_security_group",
    "ModifySecurityGroupPolicy": "update_security_group",
    "AssignPrivateIpAddresses": "assign_network_interface_addresses",
    "AssignIpv6Addresses": "assign_network_interface_addresses",
    "UnassignPrivateIpAddresses": "unassign_network_interface_addresses",
    "UnassignIpv6Addresses": "unassign_network_interface_addresses",
    "RebootInstance": "reboot_instance",
    "StartInstances": "start_instance",
    "StopInstances": "stop_instance",
    "RebootInstances": "reboot_instance",
    "CreateLoadBalancerTCPListener": "create_listener",
    "SetLoadBalancerTCPListenerAttribute": "update_listener",
    "StartLoadBalancerListener": "start_listener",
    "StopLoadBalancerListener": "stop_listener",
    "DeleteLoadBalancerListener": "delete_listener",
    "CreateDomainExtension": "create_domain_extension",
    "SetDomainExtensionAttribute": "update_domain_extension",
    "DeleteDomainExtension": "delete_domain_extension",
    "CreateVServerGroup": "create_vserver_group",
    "CreateMasterSlaveServerGroup": "create_master_slave_server_group",
    "DeleteMasterSlaveServerGroup": "delete_master_slave_server_group",
    "DeleteVServerGroup": "delete_vserver_group",
    "SetVServerGroupAttribute": "update_vserver_group",
    "AddVServerGroupBackendServers": "add_vserver_group_backends",
    "RemoveVServerGroupBackendServers": "remove_vserver_group_backends",
    "ModifyVServerGroupBackendServers": "replace_vserver_group_backends",
    "AddBackendServers": "add_backends",
    "SetBackendServers": "update_backends",
    "RemoveBackendServers": "remove_backends",
    "CreateRules": "create_forwarding_rule",
    "SetRule": "update_forwarding_rule",
    "DeleteRules": "delete_forwarding_rule",
    "CreateLoadBalancer": "create_load_balancer",
    "DeleteLoadBalancer": "delete_load_balancer",
    "TagResources": "put_tags",
    "UntagResources": "delete_tags",
    "UnTagResources": "delete_tags",
}
# What the provider wire says before the core is asked: the published description of the action.
MECHANICAL = {"invalid_parameter", "missing_parameter"}
# Rules of parameters that only the action has.
MORE = {
    "StartInstances": {"instance_batch_size", "instance_repeated"},
    "StopInstances": {"instance_batch_size", "instance_repeated"},
    "RebootInstances": {"instance_batch_size", "instance_repeated"},
    "ModifyInstanceAutoRenewAttribute": {"instance_batch_size", "instance_repeated"},
    "ModifyInstanceMaintenanceAttributes": {"instance_batch_size", "instance_repeated"},
    "ModifyPrepayInstanceSpec": {"instance_spec_by_use"},
    "ModifyInstanceChargeType": {"instance_charge_batch", "instance_repeated"},
    "DetachNetworkInterface": {"instance_not_found", "eni_not_of_instance", "eni_not_of_trunk"},
}


def documented():
    """What the note of a refusal says (wire, operation), the operation's name and the code, for every pair."""
    rules = {}
    paths = json.loads((ROOT / "openapi/cloudnet.json").read_text())["paths"]
    for path, item in paths.items():
        for method, operation in item.items():
            answers = operation["responses"].values()
            problems = [a.get("content", {}).get("application/problem+json", {}).get("examples", {}) for a in answers]
            codes = {code for examples in problems for code in examples} - SERVICE - SHARED
            rules[operation["operationId"]] = codes
            for code in codes:
                yield ("native", f"{method.upper()} {path}"), operation["operationId"], code
    for action, operation in ACTIONS.items():
        for code in (rules[operation] | MORE.get(action, set())) - MECHANICAL:
            yield ("provider", action), action, code


def unreachable():
    """The pairs that cannot be, as (action, rule)."""
    lines = UNREACHABLE.read_text().splitlines()
    return {tuple(line.split()) for line in lines if line and not line.startswith(("#", "=="))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--update", action="store_true", help="write the list anew")
    options = parser.parse_args()
    seen = collections.defaultdict(set)
    for line in options.file.read_text().splitlines():
        wire, operation, rule = line.split("\t")
        seen[wire, operation].add(rule)
    never = unreachable()
    known = set(documented())
    wrong = [f"{action} {rule} was seen" for action, rule in never if rule in seen["provider", action]]
    wrong += [f"{action} {rule} is no pair" for action, rule in never if (("provider", action), action, rule) not in known]
    for what in sorted(wrong):
        print(f"FAIL {what} and must leave {UNREACHABLE.relative_to(ROOT)}")
    pairs = sorted(pair for pair in known if pair[1:] not in never)
    untested = sorted(f"{name} {code}" for operation, name, code in pairs if code not in seen[operation])
    print(f"{len(pairs) - len(untested)} of {len(pairs)} pairs of operation and rule are tested")
    if options.update:
        LIST.write_text("".join(pair + "\n" for pair in untested))
        return
    listed = LIST.read_text().split("\n")[:-1]
    for pair in sorted(set(untested) - set(listed)):
        print(f"FAIL no test has seen {pair}")
    for pair in sorted(set(listed) - set(untested)):
        print(f"FAIL {pair} is tested and must leave {LIST.relative_to(ROOT)}")
    sys.exit(untested != listed or bool(wrong))


if __name__ == "__main__":
    main()
