use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why there are no transactions.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let error = Transactions::parse("").unwrap_err();
/// assert!(error.to_string().starts_with("the transactions are damaged: line 1: there is nothing in the file."));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TransactionsError {
    /// The file cannot be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Something in the log is wrong or missing.
    Damaged {
        /// Which file, if it came from one.
        path: Option<PathBuf>,
        /// The line. The column names are line 1.
        line: usize,
        /// The number of the column, from 1, and its name, if one column is damaged.
        column: Option<(usize, &'static str)>,
        /// What is wrong there.
        reason: String,
    },
}

impl TransactionsError {
    /// The line of the damage, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            TransactionsError::Damaged { line, .. } => Some(*line),
            TransactionsError::Unreadable { .. } => None,
        }
    }

    /// The column of the damage, if it is in one column: its number, from 1, and its name.
    pub fn column(&self) -> Option<(usize, &'static str)> {
        match self {
            TransactionsError::Damaged { column, .. } => *column,
            TransactionsError::Unreadable { .. } => None,
        }
    }

    /// The same damage, found in the file at `path`.
    pub(super) fn within(mut self, found_in: &Path) -> TransactionsError {
        if let TransactionsError::Damaged { path, .. } = &mut self {
            *path = Some(found_in.into());
        }
        self
    }
}

impl fmt::Display for TransactionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransactionsError::Unreadable { path, error } => write!(
                f,
                "{} cannot be read ({error}). It comes with the labs: ",
                path.display()
            )?,
            TransactionsError::Damaged {
                path,
                line,
                column,
                reason,
            } => {
                match path {
                    Some(path) => write!(f, "{} is damaged: line {line}", path.display())?,
                    None => write!(f, "the transactions are damaged: line {line}")?,
                }
                if let Some((number, name)) = column {
                    write!(f, ", column {number} ({name})")?;
                }
                write!(f, ": {reason}. Repair it, or ")?;
            }
        }
        f.write_str(
            "get it back with `git checkout data/transactions.csv`, or write it again with `cargo run --release -p labs-data`.",
        )
    }
}

impl std::error::Error for TransactionsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TransactionsError::Unreadable { error, .. } => Some(error),
            TransactionsError::Damaged { .. } => None,
        }
    }
}
