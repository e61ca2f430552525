//! A whole request on either wire: gate, decoder, rules and answer.
#![no_main]

#[path = "../checks/request.rs"]
mod check;

thread_local! {
    static DOOR: check::Door = check::Door::open();
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| DOOR.with(|door| {
    door.renew();
    door.ask(data);
}));
