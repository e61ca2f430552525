//! The decoder, the signatures and the parameters of the provider wire on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sim_api::rpc::fuzz_decode(data));
