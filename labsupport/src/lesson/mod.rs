//! What a lesson needs beyond measuring and drawing: [`Explorer`], which runs every interleaving of a small protocol.

mod schedule;

pub use schedule::{Exploration, Explorer, ExplorerError, Forced, Replay, Steps, Words};
