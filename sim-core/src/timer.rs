//! Due work: what will happen at a known instant if nothing else happens first.

use crate::ecs::service_port::PortProtocol;
use crate::id::{
    EipId, EniId, ForwardEntryId, HaVipId, InstanceId, Ipv4GatewayId, Ipv6EgressRuleId, Ipv6GatewayId,
    ListenerId, NatGatewayId, NetworkAclId, OutageId, RouteEntryId, RouteTableId, RouterInterfaceId,
    SnatEntryId, TlsPolicyId, VSwitchId, VpcId, VpcPeerId,
