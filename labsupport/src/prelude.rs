//! The names every lab uses: `use labsupport::prelude::*;`.

pub use crate::cell::Show;
pub use crate::figure::*;
pub use crate::lesson::*;
pub use crate::manager::*;
pub use crate::measure::*;
pub use crate::process::*;
pub use crate::shared::*;
