//! Runs a student's function against real workers and reports facts about what it did.
//!
//! ```text
//!  harness   runs the closure of a check in a worker of its own, against a deadline
//!     │ &Facts
//!  facts     what the closure reports, in shared memory; `places` has words for what a late worker waits for
//!     │ Fact
//!  checked   the table of facts and the verdict, as a cell shows them
//! ```

mod checked;
mod fact;
mod facts;
mod harness;
mod places;
#[cfg(test)]
mod tests;

pub use checked::Checked;
pub(crate) use checked::with_code;
pub use fact::Fact;
pub use facts::Facts;
pub use harness::check;
pub(crate) use harness::judge;
