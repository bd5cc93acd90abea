//! A thread pool does not survive a fork. A worker that asks for one hangs, and the message says why.

use labsupport::prelude::*;
use rayon::prelude::*;
use std::time::Duration;

#[test]
fn a_worker_that_uses_the_parents_rayon_is_stopped_with_the_reason() {
    let in_parent: u64 = (0..1000u64).into_par_iter().sum(); // starts the pool
    let workers = Workers::spawn(1, |_| (0..1000u64).into_par_iter().sum::<u64>()).unwrap();
    let report = workers.join_timeout(Duration::from_millis(500)).unwrap();
    assert_eq!(in_parent, 499_500);
    let Exit::TimedOut { doing, .. } = report.outcomes()[0].exit() else {
        panic!("{report}");
    };
    assert!(doing.contains("rayon"), "{doing}");
}
