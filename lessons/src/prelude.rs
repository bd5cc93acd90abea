//! The names that the labs use: `use lessons::prelude::*;`.

pub use crate::fraud::{
    Category, Label, PythonError, Transaction, Transactions, TransactionsError, Verdict,
    data_folder, detect, python_baseline,
};
pub use crate::{
    Amount, AmountError, CheckLabError, Checked, Explorer, ExplorerError, Facts, Prediction,
    Proportion, Steps, Words, check, check_lab, journal, predict, record,
};
