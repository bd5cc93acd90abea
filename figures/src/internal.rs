//! What only the labs' other crates use. It may change with any commit.

pub use crate::moving::Moving;
