//! The names that the labs use: `use lessons::prelude::*;`.

pub use crate::fraud::{
    Category, Label, Transaction, Transactions, TransactionsError, Verdict, detect,
};
pub use crate::{
    Amount, AmountError, CheckLabError, Checked, Exploration, Explorer, ExplorerError, Facts,
    Forced, FromPython, Game, Mystery, Prediction, Proportion, PythonError, Replay, Round,
    RunError, Sketch, SketchError, Stamps, Steps, Turns, Words, check, check_lab, data_folder,
    in_turns, journal, mystery, predict, python_baseline, python_says, record, run_workers, sketch,
};
