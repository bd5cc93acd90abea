//! The manager and what it keeps: `use manager::prelude::*;`.

pub use crate::{Dict, List, Manager, ManagerError};
