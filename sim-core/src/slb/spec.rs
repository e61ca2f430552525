//! What a load balancer is sold as: specifications with their limits, and how it is paid for.

use crate::error::Outcome;
use crate::subscription::Period;
use serde::{Deserialize, Serialize};

/// One specification of a guaranteed-performance instance (provider documentation: instance overview).
#[derive(Debug, PartialEq, Eq)]
pub struct SpecRow {
    /// The provider's name.
    pub name: &'static str,
    /// The most connections at one time.
    pub max_connections: u32,
    /// The most new connections a second.
    pub connections_per_second: u32,
    /// The most requests a second through HTTP and HTTPS listeners.
    pub requests_per_second: u32,
}

macro_rules! specs {
    ($($variant:ident $name:literal $connections:literal $new:literal $requests:literal;)*) => {
        /// A specification: a row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Spec { $(#[doc = $name] $variant),* }

        impl Spec {
            /// Every row, the smallest first.
            pub const ALL: &'static [Spec] = &[$(Spec::$variant),*];

            /// The row.
            pub const fn row(self) -> &'static SpecRow {
                match self {
                    $(Spec::$variant => {
                        const ROW: SpecRow = SpecRow {
                            name: $name,
                            max_connections: $connections,
                            connections_per_second: $new,
                            requests_per_second: $requests,
                        };
                        &ROW
                    })*
                }
            }
        }
    };
}

specs! {
    S1Small "slb.s1.small" 5000 3000 1000;
    S2Small "slb.s2.small" 50000 5000 5000;
    S2Medium "slb.s2.medium" 100000 10000 10000;
    S3Small "slb.s3.small" 200000 20000 20000;
    S3Medium "slb.s3.medium" 500000 50000 30000;
    S3Large "slb.s3.large" 1000000 100000 50000;
    S3Xlarge "slb.s3.xlarge" 2000000 200000 100000;
    S3Xxlarge "slb.s3.xxlarge" 5000000 500000 100000;
}

impl Spec {
    /// The specification of this name.
    pub fn by_name(name: &str) -> Option<Spec> {
        Spec::ALL.iter().copied().find(|spec| spec.row().name == name)
    }

    /// The names of all specifications, with commas between them.
    pub fn names() -> String {
        Spec::ALL.iter().map(|spec| spec.row().name).collect::<Vec<_>>().join(", ")
    }

    /// Whether anybody can buy it: the two largest are sold by an account manager alone (provider documentation: instance
    /// overview, 2021).
    pub const fn on_sale(self) -> bool {
        !matches!(self, Spec::S3Xlarge | Spec::S3Xxlarge)
    }

    /// The names of those that anybody can buy, with commas between them.
    pub fn names_on_sale() -> String {
        let on_sale = Spec::ALL.iter().filter(|spec| spec.on_sale());
        on_sale.map(|spec| spec.row().name).collect::<Vec<_>>().join(", ")
    }
}

/// What is shown in place of a specification where an instance is paid by capacity units.
pub const ELASTIC: &str = "slb.lcu.elastic";

/// How the instance itself is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceCharge {
    /// By its specification: the default of the interface.
    #[default]
    BySpec,
    /// By capacity units used: always by traffic, without a specification.
    ByUse,
}

impl InstanceCharge {
    /// The words of both wires.
    pub const WORDS: &'static [(&'static str, InstanceCharge)] =
        &[("PayBySpec", InstanceCharge::BySpec), ("PayByCLCU", InstanceCharge::ByUse)];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            InstanceCharge::BySpec => "PayBySpec",
            InstanceCharge::ByUse => "PayByCLCU",
        }
    }
}

/// How traffic to and from the internet is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InternetCharge {
    /// By what has passed: the default. A bandwidth that is given has no effect.
    #[default]
    ByTraffic,
    /// By the bandwidth that is kept ready: 1 to 5,120 Mbit/s.
    ByBandwidth,
}

impl InternetCharge {
    /// The words of both wires.
    pub const WORDS: &'static [(&'static str, InternetCharge)] =
        &[("paybytraffic", InternetCharge::ByTraffic), ("paybybandwidth", InternetCharge::ByBandwidth)];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            InternetCharge::ByTraffic => "paybytraffic",
            InternetCharge::ByBandwidth => "paybybandwidth",
        }
    }

    /// The provider's number, which its list shows beside the word.
    pub const fn number(self) -> &'static str {
        match self {
            InternetCharge::ByTraffic => "4",
            InternetCharge::ByBandwidth => "3",
        }
    }
}

/// When the instance is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayType {
    /// Afterwards.
    #[default]
    OnDemand,
    /// In advance: a subscription, which cannot be deleted. Nothing happens at its end here.
    Subscription,
}

impl PayType {
    /// For how long a subscription is bought; absent for what is paid for afterwards.
    ///
    /// # Errors
    /// [`ErrorCode::SubscriptionMonths`](crate::ErrorCode::SubscriptionMonths).
    pub fn period(self, months: Option<u32>) -> Outcome<Option<Period>> {
        (self == PayType::Subscription).then(|| Period::of_months(months)).transpose()
    }

    /// The words of both wires.
    pub const WORDS: &'static [(&'static str, PayType)] =
        &[("PayOnDemand", PayType::OnDemand), ("PrePay", PayType::Subscription)];

    /// The provider's word.
    pub const fn text(self) -> &'static str {
        match self {
            PayType::OnDemand => "PayOnDemand",
            PayType::Subscription => "PrePay",
        }
    }
}
