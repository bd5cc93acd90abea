use super::all::EXERCISES;
use std::fmt;

/// Why [`check_lab`](crate::check_lab) checked nothing: there is no such exercise, or it asks for another function. And why nbgrader gives no
/// points, where it grades.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// use manager::prelude::*;
/// fn count_visit(_visits: &Dict<String, u64>, _page: &str) {}
/// let error = check_lab("4.1", count_visit).unwrap_err();
/// assert!(matches!(&error, CheckLabError::Unknown(name) if name == "4.1"));
/// assert!(error.to_string().starts_with("there is no exercise `4.1`; there are 00-1, 01-1,"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckLabError {
    /// No exercise has this name.
    Unknown(String),
    /// While nbgrader grades: what is wrong with the answer.
    Unsolved(String),
    /// The function belongs to another exercise.
    AnotherFunction {
        /// The exercise that was named.
        exercise: &'static str,
        /// The function that it asks for.
        asks_for: &'static str,
        /// The exercise that the function belongs to.
        given: &'static str,
    },
}

impl fmt::Display for CheckLabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckLabError::Unknown(name) => {
                let names = EXERCISES.map(|one| one.name).join(", ");
                write!(f, "there is no exercise `{name}`; there are {names}.")
            }
            CheckLabError::Unsolved(why) => {
                write!(
                    f,
                    "{why}: no points. (nbgrader grades this notebook; otherwise this is no error.)"
                )
            }
            CheckLabError::AnotherFunction {
                exercise,
                asks_for,
                given,
            } => write!(
                f,
                "exercise {exercise} asks for `{asks_for}`, but this function belongs to exercise {given}: write \
                 check_lab(\"{given}\", …), or check_lab(\"{exercise}\", {asks_for})."
            ),
        }
    }
}

impl std::error::Error for CheckLabError {}
