//! Synthetic card transactions for the coordination labs, the same bytes from the same seed on every machine.
//!
//! ```text
//!  world ──► account ──► honest payments ─┐
//!   40 cities   habits                    ├─► log ──► csv
//!   11 categories ─► fraud ► four kinds ──┘  by time
//! ```
//!
//! Nothing here reads a clock, walks a hash table or rounds as the system likes: integers, [`libm`], and random numbers of
//! ten lines (`random.rs`). `data/README.md` says what the columns mean and how they are distributed.

mod account;
mod fraud;
mod log;
mod payment;
mod random;
mod world;

/// The seed of the committed file.
pub const SEED: u64 = 2027;

/// The rows of the committed file.
pub const ROWS: usize = 50_000;

/// The fewest and the most rows that a log may have: with fewer there would not be a fraud of each kind, with more the last
/// payments would be milliseconds apart.
pub const LIMITS: std::ops::RangeInclusive<usize> = 1_000..=1_000_000;

/// A log of exactly `rows` transactions, as the text of a CSV file.
///
/// # Examples
/// ```
/// let text = labs_data::transactions(1, 1_000);
/// assert_eq!(text.lines().count(), 1 + 1_000);
/// assert!(text.starts_with("id,time_s,account,"));
/// assert_eq!(text, labs_data::transactions(1, 1_000));
/// ```
///
/// # Panics
/// `rows` is not within [`LIMITS`].
pub fn transactions(seed: u64, rows: usize) -> String {
    assert!(
        LIMITS.contains(&rows),
        "{rows} rows were asked for: ask for {} to {}.",
        LIMITS.start(),
        LIMITS.end()
    );
    payment::csv(&log::log(seed, rows))
}
