//! Time and repeat: [`time`], [`measure`], [`Samples`], [`Work`].

mod clock;
mod machine;
mod samples;
mod timed;
pub(crate) mod words;
mod work;

pub use clock::cpu_time;
pub use machine::{cores, machine, processor};
pub use samples::Samples;
pub use timed::{Timed, measure, time};
pub use words::human;
pub use work::Work;

use std::fmt;

crate::shown_in_words!(Work, @ <T: fmt::Debug> Timed<T>);

#[cfg(test)]
mod tests {
    use crate::process::Workers;

    /// How `work` ends, which panics: in a process of its own. A thread that panics holds the lock of the panic hook for
    /// as long as a backtrace takes, and a worker that another test forks meanwhile would wait for it for ever.
    pub(super) fn panic_of(work: impl Fn()) -> String {
        let report = Workers::spawn(1, |_| work()).unwrap().join().unwrap();
        report.outcomes()[0].exit().to_string()
    }
}
