//! The names that the labs use: `use lessons::prelude::*;`.

pub use crate::fraud::{
    Category, Label, Transaction, Transactions, TransactionsError, Verdict, detect,
};
pub use crate::{
    Amount, AmountError, CheckLabError, Checked, Exploration, Explorer, ExplorerError, Facts,
    Forced, Prediction, Proportion, PythonError, Replay, RunError, Steps, Turns, Words, check,
    check_lab, data_folder, in_turns, journal, predict, python_baseline, record, run_workers,
};
