//! Rows of the error table: elastic IP addresses, NAT and other gateways, network ACLs, peering.

macro_rules! internet_errors {
    ($($before:tt)*) => { slb_errors! {
        $($before)*
    } };
}
