//! Any bytes at all, sent to a manager's server: `manager/src/fuzz.rs` says what must hold.
//!
//! `cargo install cargo-fuzz`, then in `manager`: `RUSTC_BOOTSTRAP=1 cargo fuzz run manager -- -max_total_time=600`

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| manager::fuzz(input));
