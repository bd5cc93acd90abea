use std::fmt;
use std::io;

/// Why Python has shown nothing.
#[derive(Debug)]
pub enum PythonError {
    /// `python3` cannot be run.
    Absent {
        /// Why.
        error: io::Error,
    },
    /// The script of lab 04's ladder failed.
    Failed {
        /// The last line of its error output, or that there was none.
        said: String,
    },
    /// The Python of a cell ended with an error.
    Raised {
        /// The last line of its error output, or that there was none.
        said: String,
    },
    /// The Python of a cell did not end, and was killed.
    Late {
        /// What it had printed.
        printed: String,
    },
}

impl fmt::Display for PythonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PythonError::Absent { error } => write!(
                f,
                "python3 cannot be run ({error}). Install it to measure Python on this machine too."
            ),
            PythonError::Failed { said } => write!(
                f,
                "data/python_baseline.py failed: {}. Run it by hand with `python3 data/python_baseline.py` to see more.",
                said.trim_end_matches('.')
            ),
            PythonError::Raised { said } => write!(
                f,
                "python3 ended with an error: {}. The lab goes on without it.",
                said.trim_end_matches('.')
            ),
            PythonError::Late { printed } => write!(
                f,
                "{printed}python3 did not end in time and was killed, with all that it had started."
            ),
        }
    }
}

impl std::error::Error for PythonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PythonError::Absent { error } => Some(error),
            _ => None,
        }
    }
}
