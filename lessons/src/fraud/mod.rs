//! Card payments with fraud among them: the log, the four detectors that look for it, and Python beside them.

mod data;
pub mod detect;
mod transactions;

pub use data::{PythonError, data_folder, python_baseline};
pub use detect::Verdict;
pub use transactions::{Category, History, Label, Transaction, Transactions, TransactionsError};

labsupport::shown_in_words!(
    Category,
    History<'_>,
    Label,
    PythonError,
    Transaction,
    TransactionsError,
    Verdict
);
