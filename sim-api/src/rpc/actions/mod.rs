//! The one list of served actions: product, version, name, how its parameters become a plan.

// -- the rest of the VPC
// -- routes
// -- security groups, prefix lists
// -- network interfaces
// -- instances, catalogue
// -- tags, other products
mod vpc;
mod vswitch;

use super::params::Scope;
use super::plan::Planned;
use sim_core::Caller;

/// A served action.
pub struct Action {
    /// The product, for example `Vpc`.
    pub product: &'static str,
    /// The version date of the product's interface.
    pub version: &'static str,
    /// The action's name.
    pub name: &'static str,
    /// Whether it answers only what account and region tell, without state behind it.
    pub minimal: bool,
    /// Reads parameters into a plan.
    pub plan: fn(&Scope<'_>, &Caller) -> Planned,
}

macro_rules! actions {
    ($($product:ident $version:literal { $($name:ident => $plan:path $([$minimal:ident])?;)* })*) => {
        /// Every served action, by product in the order of the list.
        pub static ACTIONS: &[Action] = &[$($(Action {
            product: stringify!($product),
            version: $version,
            name: stringify!($name),
            minimal: actions!(@ $($minimal)?),
            plan: $plan,
        }),*),*];
    };
    (@ minimal) => { true };
    (@) => { false };
}

actions! {
    Vpc "2016-04-28" {
        CreateVpc => vpc::create_vpc;
        DescribeVpcs => vpc::describe_vpcs;
        DescribeVpcAttribute => vpc::describe_vpc_attribute;
        ModifyVpcAttribute => vpc::modify_vpc_attribute;
        DeleteVpc => vpc::delete_vpc;
        CreateVSwitch => vswitch::create_vswitch;
        DescribeVSwitches => vswitch::describe_vswitches;
        DescribeVSwitchAttributes => vswitch::describe_vswitch_attributes;
        ModifyVSwitchAttribute => vswitch::modify_vswitch_attribute;
        DeleteVSwitch => vswitch::delete_vswitch;
        // -- the rest of the VPC
        // -- vRouter, route tables, route entries
        // -- tags
    }
    Ecs "2014-05-26" {
        // -- security groups
        // -- prefix lists
        // -- network interfaces
        // -- instances
        // -- regions, zones, types, images
        // -- tags
    }
    // -- Location, Sts, ResourceManager, Bss
}

/// The action of this version and name.
pub fn find(version: &str, name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name && action.version == version)
}

/// The product with this version date, if any action of it is served.
pub fn product_of(version: &str) -> Option<&'static str> {
    ACTIONS.iter().find(|action| action.version == version).map(|action| action.product)
}

/// Whether any product serves an action of this name.
pub fn is_served(name: &str) -> bool {
    ACTIONS.iter().any(|action| action.name == name)
}
