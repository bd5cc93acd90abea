use super::Finding;
use super::rounds::{Dice, windows_of};
use crate::running::{RunError, run_workers};
use crate::schedule::Stamps;
use labsupport::measure::Work;
use labsupport::shared::Barrier;
use std::time::Duration;

/// Lets two workers race as [`race`](super::race) does, as many rounds as `stamps` have room for. The protocol gets one thing more, a
/// function that it calls after each of its steps, with the number of the step: that notes the time.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// The window is longer than 30 s, or the protocol has more steps than the model that the stamps are for.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::prelude::*;
/// use lessons::racing::{Finding, race_noted};
/// use std::time::Duration;
/// let model = Steps::new().write("write finder", |s, me| s["finder"] = me);
/// let explorer = Explorer::new(["found", "finder", "answer"])
///     .workers(2, &model)
///     .invariant("the first one wins", |s| s["finder"] == 1);
/// let stamps = explorer.stamps(100)?;
/// race_noted(&stamps, Duration::from_micros(1), |result: &Finding, me, _, did| {
///     result.finder.set(me);
///     did(0);
/// })?;
/// println!("{}", stamps.broken());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn race_noted(
    stamps: &Stamps,
    window: Duration,
    protocol: impl Fn(&Finding, u64, Work, &dyn Fn(usize)),
) -> Result<(), RunError> {
    let windows = windows_of(window);
    let table = Finding::new()?;
    let (start, end) = (Barrier::new(2)?, Barrier::new(2)?);
    run_workers(2, |w| {
        let me = w.index() as u64 + 1;
        let mut dice = Dice::of(me);
        for round in 0..stamps.rounds() {
            let window = windows[dice.roll()];
            start.wait();
            protocol(&table, me, window, &|step| {
                stamps.stamp(w.index(), round, step);
            });
            if end.wait() {
                // True for one of the two, and the other waits at the start.
                let found = u64::from(table.found.is_set());
                stamps.end(round, [found, table.finder.get(), table.answer.get()]);
                table.found.clear();
                table.finder.set(0);
                table.answer.set(0);
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Explorer, Steps};
    use labsupport::shared::Flag;

    #[test]
    fn a_round_that_was_torn_has_the_times_of_all_steps() {
        let model = Steps::new()
            .write("write finder", |s, me| s["finder"] = me)
            .write("write answer", |s, me| s["answer"] = 100 * me);
        let explorer = Explorer::new(["found", "finder", "answer"])
            .workers(2, &model)
            .invariant("whole", |s| s["answer"] == 100 * s["finder"]);
        let stamps = explorer.stamps(3).unwrap();
        // Worker 2 writes between the two writes of worker 1, in every round.
        let [half, done] = [(); 2].map(|()| Flag::new().unwrap());
        let wait = |flag: &Flag| {
            while !flag.is_set() {
                std::thread::yield_now();
            }
            flag.clear();
        };
        race_noted(&stamps, Duration::from_nanos(1), |result, me, _, did| {
            if me == 2 {
                wait(&half);
            }
            result.finder.set(me);
            did(0);
            if me == 1 {
                half.set();
                wait(&done);
            }
            result.answer.set(100 * me);
            did(1);
            if me == 2 {
                done.set();
            }
        })
        .unwrap();
        assert_eq!(stamps.broken().share(), 1.0);
        assert_eq!(stamps.first_broken().unwrap().word(), "ABBA");
    }
}
