//! What an elastic IP address is bound to, and in which mode.

use crate::ecs::eni::Eni;
use crate::error::{ErrorCode, Outcome, Refusal};
use crate::id::{AnyId, EniId, HaVipId, InstanceId, LoadBalancerId, NatGatewayId, VpcId};
use crate::slb::load_balancer::LoadBalancer;
use crate::vpc::ha_vip::HaVip;
use crate::vpc::nat_gateway::NatGateway;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

/// A type of target that the provider documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// An instance, by its primary network interface.
    EcsInstance,
    /// A secondary network interface.
    NetworkInterface,
    /// A load balancer.
    SlbInstance,
    /// A NAT gateway.
    Nat,
    /// A virtual address of high availability.
    HaVip,
    /// An address of a VPC.
    IpAddress,
}

impl TargetKind {
    /// Every type, with the provider's word.
    pub const ALL: &'static [(&'static str, TargetKind)] = &[
        ("EcsInstance", TargetKind::EcsInstance),
        ("NetworkInterface", TargetKind::NetworkInterface),
        ("SlbInstance", TargetKind::SlbInstance),
        ("Nat", TargetKind::Nat),
        ("HaVip", TargetKind::HaVip),
        ("IpAddress", TargetKind::IpAddress),
    ];

    /// The provider's word.
    pub fn text(self) -> &'static str {
        TargetKind::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(text, _)| text)
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::EipTargetTypeUnknown`].
    pub fn parse(text: &str) -> Outcome<TargetKind> {
        let known = TargetKind::ALL.iter().find(|(word, _)| *word == text);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let words: Vec<&str> = TargetKind::ALL.iter().map(|(word, _)| *word).collect();
            Refusal::new(ErrorCode::EipTargetTypeUnknown)
                .field("target_type")
                .given(text)
                .accepted(words.join(", "))
        })
    }
}

/// How the address is seen by what it is bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Not at all: packets are translated on the way.
    #[default]
    Nat,
    /// It is the interface's own address (cut-through mode).
    Binded,
    /// Several are the interface's own, each in place of one private address.
    MultiBinded,
}

impl Mode {
    /// Every mode, with the provider's word.
    pub const ALL: &'static [(&'static str, Mode)] =
        &[("NAT", Mode::Nat), ("BINDED", Mode::Binded), ("MULTI_BINDED", Mode::MultiBinded)];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            Mode::Nat => "NAT",
            Mode::Binded => "BINDED",
            Mode::MultiBinded => "MULTI_BINDED",
        }
    }

    /// Reads the provider's word.
    ///
    /// # Errors
    /// [`ErrorCode::EipModeUnknown`].
    pub fn parse(text: &str) -> Outcome<Mode> {
        let known = Mode::ALL.iter().find(|(word, _)| *word == text);
        known.map(|(_, mode)| *mode).ok_or_else(|| {
            Refusal::new(ErrorCode::EipModeUnknown)
                .field("mode")
                .given(text)
                .accepted("NAT, BINDED, MULTI_BINDED")
        })
    }
}

/// What an elastic IP address is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The primary address of an instance, whichever that is.
    Instance {
        /// The instance.
        instance: InstanceId,
        /// Its primary interface.
        eni: EniId,
    },
    /// One private address of a secondary interface.
    NetworkInterface {
        /// The interface.
        eni: EniId,
        /// The private address.
        address: Ipv4Addr,
    },
    /// A NAT gateway, whose SNAT entries say for whom it stands.
    Nat {
        /// The gateway.
        gateway: NatGatewayId,
    },
    /// A HaVip.
    HaVip {
        /// The HaVip.
        ha_vip: HaVipId,
    },
    /// The address of an intranet load balancer.
    LoadBalancer {
        /// The load balancer.
        load_balancer: LoadBalancerId,
    },
}

impl Target {
    /// What sort it is.
    pub const fn kind(&self) -> TargetKind {
        match self {
            Target::Instance { .. } => TargetKind::EcsInstance,
            Target::NetworkInterface { .. } => TargetKind::NetworkInterface,
            Target::Nat { .. } => TargetKind::Nat,
            Target::HaVip { .. } => TargetKind::HaVip,
            Target::LoadBalancer { .. } => TargetKind::SlbInstance,
        }
    }

    /// The object.
    pub fn id(&self) -> AnyId {
        match *self {
            Target::Instance { instance, .. } => instance.into(),
            Target::NetworkInterface { eni, .. } => eni.into(),
            Target::Nat { gateway } => gateway.into(),
            Target::HaVip { ha_vip } => ha_vip.into(),
            Target::LoadBalancer { load_balancer } => load_balancer.into(),
        }
    }

    /// The network interface to which packets for the address go, if they always go to one.
    pub const fn eni(&self) -> Option<EniId> {
        match *self {
            Target::Instance { eni, .. } | Target::NetworkInterface { eni, .. } => Some(eni),
            Target::Nat { .. } | Target::HaVip { .. } | Target::LoadBalancer { .. } => None,
        }
    }

    /// The VPC where it is.
    pub fn vpc(&self, w: &World) -> Option<VpcId> {
        match *self {
            Target::Instance { eni, .. } | Target::NetworkInterface { eni, .. } => {
                w.get::<Eni>(&eni).map(|eni| eni.vpc)
            }
            Target::Nat { gateway } => w.get::<NatGateway>(&gateway).map(|gateway| gateway.vpc),
            Target::HaVip { ha_vip } => w.get::<HaVip>(&ha_vip).map(|vip| vip.vpc),
            Target::LoadBalancer { load_balancer } => {
                w.get::<LoadBalancer>(&load_balancer).and_then(|balancer| balancer.home).map(|home| home.vpc)
            }
        }
    }

    /// The private address that stands for it.
    pub fn private_address(&self, w: &World) -> Option<Ipv4Addr> {
        match *self {
            Target::Instance { eni, .. } => w.get::<Eni>(&eni).map(|eni| eni.primary_ip),
            Target::NetworkInterface { address, .. } => Some(address),
            Target::HaVip { ha_vip } => w.get::<HaVip>(&ha_vip).map(|vip| vip.address),
            Target::LoadBalancer { load_balancer } => {
                w.get::<LoadBalancer>(&load_balancer).and_then(LoadBalancer::private_address)
            }
            Target::Nat { .. } => None,
        }
    }
}

/// How an elastic IP address is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// To what.
    pub target: Target,
    /// How it is seen there.
    pub mode: Mode,
}
