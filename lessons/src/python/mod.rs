//! Python beside the labs, on this machine: the ladder of lab 04, and the Python of a cell.

mod baseline;
mod error;
mod says;

pub use baseline::python_baseline;
pub use error::PythonError;
pub(crate) use says::run_python;
pub use says::{FromPython, python_says};
