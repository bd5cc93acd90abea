//! What a lesson needs beyond measuring and drawing: [`Explorer`], which runs every interleaving of a small protocol;
//! [`check()`], which runs a student's function against real workers and reports the facts; and [`Transactions`], card
//! payments with fraud among them, which the four detectors of [`detect`] look for.

mod check;
mod data;
pub mod detect;
mod schedule;
mod transactions;

pub use check::{Checked, Fact, Facts, check};
pub use data::{PythonError, data_folder, python_baseline};
pub use detect::Verdict;
pub use schedule::{Exploration, Explorer, ExplorerError, Forced, Replay, Steps, Words};
pub use transactions::{Category, History, Label, Transaction, Transactions, TransactionsError};
