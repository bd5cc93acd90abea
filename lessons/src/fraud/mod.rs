//! Card payments with fraud among them: the log, and the four detectors that look for it.

pub mod detect;
mod error;
mod parse;
mod transaction;
mod transactions;

pub use detect::Verdict;
pub use error::TransactionsError;
pub use transaction::{Category, Label, Transaction};
pub use transactions::{History, Transactions};

labsupport::shown_in_words!(
    Category,
    History<'_>,
    Label,
    Transaction,
    TransactionsError,
    Verdict
);
