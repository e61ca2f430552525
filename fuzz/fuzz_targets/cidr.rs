//! The CIDR parser on any bytes.
#![no_main]

#[path = "../checks/cidr.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
