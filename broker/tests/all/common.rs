//! What the tests share.

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Waits until `what` is so. A test that waits for what never comes fails instead of hanging.
pub(crate) fn until(words: &str, mut what: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "waited in vain: {words}"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether there is a process `pid` that has not ended.
pub(crate) fn runs(pid: u32) -> bool {
    labsupport::internal::alive(pid as i32)
}

pub(crate) fn signal(pid: u32, signal: i32) {
    labsupport::internal::send_signal(pid as i32, signal).unwrap();
}

pub(crate) const SIGKILL: i32 = 9;

/// The folder of a private server.
pub(crate) fn folder(broker: &broker::Broker) -> PathBuf {
    let url = broker.url();
    let socket = url.strip_prefix("unix://").expect("a private server");
    PathBuf::from(socket).parent().unwrap().to_path_buf()
}
