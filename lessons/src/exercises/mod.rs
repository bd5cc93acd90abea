//! The exercises of the labs: what is checked, the hints, and what counts as a try. A file for each lab.
//!
//! A lab holds the function that a student changes and one line, `check_lab("02-1", publish)?;`. The rest is here, where a student
//! does not come across it by unfolding a cell.
//!
//! To add an exercise, write its `Exercise` and its harness into the file of its lab, name its function with `answer!`, and put it on
//! the list in `all.rs`. `lessons/README.md` shows one.

mod all;
mod answer;
mod attempt;
mod check_lab;
mod error;
mod exercise;
mod lab00;
mod lab01;
mod lab02;
mod lab03;
mod lab04;
mod lab05;
mod lab06;
mod reply;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use check_lab::check_lab;
pub use error::CheckLabError;
