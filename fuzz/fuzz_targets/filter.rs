#![no_main]

#[path = "../../sim/tests/fuzzed/entries.rs"]
#[allow(dead_code, reason = "a target drives one of the entries")]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entries::filter(bytes));
