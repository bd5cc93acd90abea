//! What a lesson needs beyond measuring and drawing: [`predict()`], which keeps what somebody expects until it is measured;
//! [`Explorer`], which runs every interleaving of a small protocol;
//! [`record()`], which writes down what a figure shows;
//! [`check()`], which runs a student's function against real workers and reports the facts; [`check_lab()`], which does so for the
//! exercises of the labs, with their hints; and [`Transactions`], card
//! payments with fraud among them, which the four detectors of [`detect`] look for.

mod amount;
mod check;
mod data;
pub mod detect;
mod exercises;
pub mod journal;
mod predict;
mod record;
mod schedule;
mod transactions;

pub use amount::{Amount, AmountError};
pub use check::{Checked, Fact, Facts, check};
pub use data::{PythonError, data_folder, python_baseline};
pub use detect::Verdict;
pub use exercises::{Answer, CheckLabError, check_lab};
pub use journal::journal;
pub use predict::{Comparison, Prediction, predict};
pub use record::record;
pub use schedule::{Exploration, Explorer, ExplorerError, Forced, Replay, Steps, Words};
pub use transactions::{Category, History, Label, Transaction, Transactions, TransactionsError};
