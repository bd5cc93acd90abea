//! What lab 05 measures: a late signal, nights of four detectors in lock-step, payments that are dealt out, and a search for the first match. A file for each.
//!
//! The lab shows the epoch, one detector at one transaction, and the loop over the transactions. Here is what starts the workers, keeps their
//! notes, and compares intervals and looks.

mod budgets;
mod cases;
mod dealt;
mod epoch;
mod job;
mod late;
mod night;
mod searches;
mod shift;
mod sweep;
mod theft;

pub use budgets::{Gained, Kept, gained_by_looking, keeps_budgets};
pub use cases::{Quality, bad_night, find_case, one_by_one, quality, quiet_day};
pub use dealt::{Dealt, Desk, both_readings, deal};
pub use epoch::{Epoch, Look, look_prices};
pub use job::Job;
pub use late::{Late, late_signal, late_table};
pub use night::Night;
pub use searches::{Searches, search_in_turns};
pub use shift::Shift;
pub use sweep::{NEVER, Nights, sweep_nights};
pub use theft::{from_signal_to_next, theft_timeline};

/// One for each detector.
const WORKERS: usize = 4;
