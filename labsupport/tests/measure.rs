//! What is measured, and what is refused.

use labsupport::prelude::*;
use std::time::Duration;

/// How `work` ends, which panics: in a process of its own. A thread that panics holds the lock of the panic hook for as long as a backtrace
/// takes, and would delay the workers of other tests.
fn panic_of(work: impl Fn()) -> String {
    let report = Workers::spawn(1, |_| work()).unwrap().join().unwrap();
    report.outcomes()[0].exit().to_string()
}

#[test]
fn a_slow_first_call_does_not_count() {
    let mut calls = 0u64;
    measure(5, || {
        calls += 1;
        if calls == 1 {
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    // Batches of one call would measure the clock; a batch of 0.2 ms holds thousands of these.
    assert!(calls > 1000, "{calls} calls in all");
}

#[test]
fn zero_samples_are_refused_with_a_sentence() {
    let said = panic_of(|| {
        measure(0, || ());
    });
    assert!(said.contains("ask for at least one"), "{said}");
}

#[test]
fn costs_keep_their_order_and_their_ratio() {
    let cost = |nanos| {
        Work::costing(Duration::from_nanos(nanos))
            .measured()
            .as_secs_f64()
    };
    // Each of these is a hundred times the one before; other tests run beside this one, hence the room.
    let costs = [100, 10_000, 1_000_000].map(cost);
    for pair in costs.windows(2) {
        let ratio = pair[1] / pair[0];
        assert!((50.0..200.0).contains(&ratio), "{costs:?}");
    }
}

#[test]
fn a_cost_of_zero_is_refused_with_a_sentence() {
    let said = panic_of(|| {
        Work::costing(Duration::ZERO);
    });
    assert!(said.contains("between 1 ns and 60 s"), "{said}");
}

#[test]
fn percentiles_lie_between_neighbours() {
    let samples = Samples::new("x", vec![4.0, 1.0, 3.0, 2.0]);
    assert_eq!(samples.median(), 2.5);
    assert_eq!(samples.percentile(0.0), 1.0);
    assert_eq!(samples.percentile(100.0), 4.0);
    assert_eq!(samples.percentile(25.0), 1.75);
    assert_eq!(samples.spread(), 1.5);
    assert_eq!(samples.values(), [4.0, 1.0, 3.0, 2.0]);
}

#[test]
fn infinite_samples_have_a_median_that_is_a_number() {
    let (inf, ninf) = (f64::INFINITY, f64::NEG_INFINITY);
    let of = |values: &[f64]| Samples::new("x", values.to_vec());
    assert_eq!(
        (of(&[inf, inf]).median(), of(&[inf, inf]).spread()),
        (inf, 0.0)
    );
    assert_eq!(
        (of(&[1.0, inf]).median(), of(&[ninf, 1.0]).median()),
        (inf, ninf)
    );
    assert_eq!(of(&[1.0, 2.0, inf]).median(), 2.0);
    assert_eq!(of(&[ninf, inf]).median(), ninf);
    // A difference that no f64 can hold.
    assert_eq!(of(&[f64::MIN, f64::MAX]).median(), 0.0);
    assert!(!of(&[ninf, 0.0, inf, inf]).to_string().contains("NaN"));
}

#[test]
fn nanoseconds_are_shown_in_the_unit_that_fits() {
    let samples = Samples::new("ns", vec![1500.0, 1500.0, 2_000_000.0]);
    assert_eq!(
        samples.to_string(),
        "1.5 µs (median of 3, middle half 1.5 µs to 1 ms)"
    );
    let around_a_unit = Samples::new("ns", vec![980.0, 990.0, 1000.0, 1010.0, 1020.0]);
    assert_eq!(
        around_a_unit.to_string(),
        "1 µs (median of 5, middle half 990 ns to 1.01 µs)"
    );
    let micros = Samples::new("ns", vec![1000.0, 2000.0, 3000.0]);
    assert_eq!(
        micros.to_string(),
        "2 µs (median of 3, middle half 1.5 to 2.5)"
    );
    assert_eq!(
        Samples::new("", vec![2.0]).to_string(),
        "2 (median of 1, middle half 2 to 2)"
    );
}

#[test]
fn samples_without_values_are_refused_with_a_sentence() {
    let said = panic_of(|| {
        Samples::new("ns", vec![]);
    });
    assert!(said.contains("measure at least once"), "{said}");
}
