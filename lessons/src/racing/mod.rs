//! What lab 02 compares: protocols by which two finders publish one result. A file for the models, one for the real races, one for the looks.
//!
//! The lab shows the protocols, as steps and as code. Here is what explores all of the models, forces them, and lets real workers race.

mod finding;
mod looks;
mod models;
mod noted;
mod race;
mod rounds;
mod windows;

pub use finding::Finding;
pub use looks::looks_in_turns;
pub use models::{Explored, FindingSteps, explore_each};
pub use noted::race_noted;
pub use race::{Races, race_each};
pub use rounds::{Rounds, race};
pub use windows::rounds_by_window;
