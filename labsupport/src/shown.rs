//! What a cell shows that ends in a value which is neither a figure nor a table: its sentence, not Rust's own notation for it.

use crate::cell;
use crate::figure::FigureError;
use crate::lesson::{
    Amount, AmountError, Category, CheckLabError, Comparison, ExplorerError, Fact, History, Label,
    PythonError, Steps, Transaction, TransactionsError, Verdict, Words,
};
use crate::manager::ManagerError;
use crate::measure::{Event, LaneRecord, LaneSummary, Recording, Span, Timed, Work, human};
use crate::process::{Exit, JoinError, Outcome, SpawnError, Worker, WorkerError, Workers};
use crate::shared::{FlagGuard, GetError, PutError, Refusal, SharedError};
use std::fmt;

macro_rules! shown {
    ($($(@ <$generic:ident $(: $bound:path)?>)? $shown:ty),+ $(,)?) => {
        $(impl$(<$generic $(: $bound)?>)? $shown {
            /// Shows it in a notebook cell, in words.
            pub fn evcxr_display(&self) {
                cell::emit(&[("text/plain", self.to_string())]);
            }
        })+
    };
}

shown!(
    Amount, AmountError, Category, CheckLabError, Comparison, Event, Exit, ExplorerError, Fact, FigureError,
    FlagGuard<'_>, GetError, History<'_>, JoinError, Label, LaneRecord, LaneSummary, ManagerError, PythonError,
    Recording, Refusal, SharedError, Span, SpawnError, Steps, Transaction, TransactionsError, Verdict, Words, Work,
    Worker, WorkerError, @ <T> Workers<T>, @ <T> PutError<T>, @ <T: fmt::Debug> Outcome<T>, @ <T: fmt::Debug> Timed<T>,
);

impl<T> fmt::Display for Workers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = match self.pids().len() {
            1 => "1 worker was".into(),
            count => format!("{count} workers were"),
        };
        write!(
            f,
            "{workers} started, and nobody waits for them. Write `let report = workers.join()?;`, and end the cell with `report`."
        )
    }
}

impl<T: fmt::Debug> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} {}", self.index(), self.exit())?;
        if let Some(value) = self.value() {
            write!(f, " {value:?}")?;
        }
        write!(f, " after {}", human(self.wall()))
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} of {}", self.index(), self.count())
    }
}

impl<T: fmt::Debug> fmt::Display for Timed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, after {}", self.value, human(self.elapsed))
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = if self.holds() {
            "holds"
        } else {
            "does not hold"
        };
        let (what, expected, found) = (self.what(), self.expected(), self.found());
        write!(f, "{what}: expected {expected}, found {found}; it {holds}")
    }
}

impl fmt::Display for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, cents) = (self.amount_cents / 100, self.amount_cents % 100);
        write!(
            f,
            "transaction {}: {whole}.{cents:02} from account {} to merchant {} for {}, with device {}; {}",
            self.id, self.account, self.merchant, self.category, self.device, self.label
        )
    }
}

impl fmt::Display for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clone().count() {
            1 => write!(f, "1 transaction of the account before this one"),
            count => write!(f, "{count} transactions of the account before this one"),
        }
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: usize = self.lanes().iter().map(|lane| lane.events().len()).sum();
        let lanes = self.lanes().len();
        write!(
            f,
            "a recording of {lanes} lanes with {events} events; Timeline::new draws it"
        )
    }
}

impl fmt::Display for LaneRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} events", self.name(), self.events().len())?;
        match self.dropped() {
            0 => Ok(()),
            dropped => write!(f, ", and {dropped} more for which there was no room"),
        }
    }
}

impl fmt::Display for LaneSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [working, waiting, holding] = [self.working, self.waiting, self.holding].map(human);
        let end = match self.exited {
            true => "came to its end",
            false => "did not come to its end",
        };
        write!(
            f,
            "{} tasks done, {} not; {working} in tasks, {waiting} waiting for the lock, {holding} with it; {} looks, {} pills; it {end}",
            self.tasks_done, self.tasks_unfinished, self.looks, self.pills
        )
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = human(self.from);
        match self.to {
            Some(to) => write!(f, "{:?}, from {from} to {}", self.kind, human(to)),
            None => write!(f, "{:?}, from {from} and with no end", self.kind),
        }
    }
}

impl fmt::Display for FlagGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = if self.is_set() { "set" } else { "not set" };
        write!(
            f,
            "the lock of a flag that is {set}; it is given back when this value is dropped"
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn what_a_cell_may_end_in_is_a_sentence() {
        let workers = Workers::spawn(2, |w| w.index()).unwrap();
        assert!(
            workers
                .to_string()
                .starts_with("2 workers were started, and nobody waits")
        );
        let report = workers.join().unwrap();
        let outcome = report.outcomes()[1].to_string();
        assert!(
            outcome.starts_with("worker 1 returned 1 after "),
            "{outcome}"
        );
        assert!(time(|| 3).to_string().starts_with("3, after "));
        let log = Transactions::load().unwrap();
        let last = &log[log.len() - 1];
        for said in [
            last.to_string(),
            log.history(log.len() - 1, 3).to_string(),
            Trace::new(1).unwrap().recording().to_string(),
            Trace::new(1).unwrap().recording().lanes()[0].to_string(),
            Flag::new().unwrap().lock().to_string(),
        ] {
            assert!(!said.contains(['{', '}', '"']), "{said}");
        }
        // What evcxr calls at the end of a cell; the compiler looks whether it is there.
        last.evcxr_display();
        outcome_of(&report).evcxr_display();
        Amount::new(2.0, "ms").evcxr_display();
        predict("Q?", "2 ms")
            .unwrap()
            .compare((3.0, "ms"))
            .evcxr_display();
    }

    fn outcome_of(report: &Report<usize>) -> &Outcome<usize> {
        &report.outcomes()[0]
    }
}
