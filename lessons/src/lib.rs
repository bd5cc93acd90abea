//! What a lesson needs beyond measuring and drawing: [`predict()`], which keeps what somebody expects until it is measured;
//! [`Explorer`], which runs every interleaving of a small protocol;
//! [`record()`], which writes down what a figure shows;
//! [`check()`], which runs a student's function against real workers and reports the facts; [`check_lab()`], which does so for the
//! exercises of the labs, with their hints; and [`Transactions`], card
//! payments with fraud among them, which the four detectors of [`detect`] look for.

mod amount;
mod check;
mod data;
mod exercises;
pub mod fraud;
pub mod journal;
mod predict;
pub mod prelude;
mod proportion;
mod python;
mod schedule;

pub use amount::{Amount, AmountError};
pub use check::{Checked, Fact, Facts, check};
pub use data::data_folder;
pub use exercises::{Answer, CheckLabError, check_lab};
pub use journal::{journal, record};
pub use predict::{Comparison, Prediction, predict};
pub use proportion::Proportion;
pub use python::{PythonError, python_baseline};
pub use schedule::{Exploration, Explorer, ExplorerError, Forced, Replay, Steps, Words};

labsupport::shown_in_words!(
    Amount,
    AmountError,
    CheckLabError,
    Comparison,
    ExplorerError,
    Fact,
    PythonError,
    Steps,
    Words
);
