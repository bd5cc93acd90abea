//! The names that the labs use: `use lessons::prelude::*;`.

pub use crate::fraud::{
    Category, Label, Transaction, Transactions, TransactionsError, Verdict, detect,
};
pub use crate::{
    Amount, AmountError, CheckLabError, Checked, Explorer, ExplorerError, Facts, Prediction,
    Proportion, PythonError, Steps, Words, check, check_lab, data_folder, journal, predict,
    python_baseline, record,
};
