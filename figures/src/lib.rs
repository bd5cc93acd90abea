//! Figures for notebook cells that measure worker processes.
//!
//! A figure is a value: you make it, add numbers and words to it, and leave it as the last expression of a cell. It then shows itself,
//! as a picture with a *text twin* folded below it.
//!
//! ```
//! use figures::prelude::*;
//! let figure = Lines::new("How fast does the flag reach a worker?")
//!     .x("iterations between two looks")
//!     .log_x()
//!     .y("reaction time")
//!     .y_format(Format::Seconds)
//!     .series("lock-free", [(1.0, 1e-5), (10.0, 2e-5), (100.0, 1e-4)])
//!     .caption("Medians of 51 rounds.");
//! assert!(figure.svg()?.starts_with("<svg")); // the picture
//! assert!(figure.text().contains("20 µs")); // the same numbers in words
//! # Ok::<(), FigureError>(())
//! ```
//!
//! # Compare a few numbers
//!
//! [`Bars`] for numbers of about the same size, read against zero. [`Dots`] for numbers that lie decades apart, in several rows or from
//! several methods. [`Table`] where the numbers speak for themselves. Bars and dots can carry a spread, and the reader's guess beside it.
//!
//! # A measurement over a range
//!
//! [`Lines`] for a number that depends on one other; [`HeatMap`] for one that depends on two. Both axes of `Lines` can be logarithmic, and
//! a [`Format`] says how the numbers are written: 20 µs, 2.5 %, 3×. [`IntervalExplorer`] answers one question, *how often should a worker
//! look at the flag?*, with sliders.
//!
//! # What each worker did, and when
//!
//! Record it in a [`Trace`], and draw the recording with [`Timeline`]:
//!
//! ```
//! use figures::prelude::*;
//! use labsupport::prelude::*;
//! let trace = Trace::new(2)?; // before the workers start: one lane for each
//! let workers = Workers::spawn(2, |w| {
//!     let log = trace.lane(w.index());
//!     log.record(Event::TaskTaken(7));
//!     log.record(Event::TaskDone(7));
//! })?;
//! workers.join()?.values()?;
//! assert!(Timeline::new("Two workers", &trace.recording()).svg()?.contains("worker 1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! On a page with scripts a timeline moves: a slider goes through the time, and says of each instant who holds what. [`Recording::at`] says the
//! same in words, as a [`Moment`]. [`Timelines`] shows several recordings on one clock.
//!
//! [`StepDiagram`] shows steps whose order matters but whose duration does not: who read, who wrote, and what the memory held after it.
//!
//! # Show it while it is measured
//!
//! [`Live`] is a place in the output whose figure is replaced whenever there are new numbers. [`Progress`] says how much is done and how
//! long the rest may take. Both fall back to plain lines where a page cannot change while a cell runs.
//!
//! # Let the reader change a number
//!
//! [`interact`] shows [`Knob`]s above a figure, and runs the measurement again with real workers each time the reader moves one.
//!
//! # Let things move
//!
//! [`Race`] shows costs that lie decades apart as a race, on a clock so slow that one of them takes a second. On a
//! [`SketchPad`] the reader draws the curve that they expect; [`Lines::sketch`] draws it behind what was measured.
//!
//! # The text twin
//!
//! `text()` gives the title, every number that the picture shows in a table, and the caption. It is meant for screen readers, for
//! terminals, and for readers who want the exact number. The picture carries it as its description. A figure that cannot be drawn shows
//! the reason and its twin.
//!
//! # Both themes, and print
//!
//! A picture is drawn for a light page. A style sheet inside it gives each colour its counterpart on a dark page, so the same SVG serves
//! both themes, and a printed page gets the light one. The colours are those of Okabe and Ito, which people with the common kinds of
//! colour blindness can tell apart. Series also differ in marker and dash, so no meaning depends on colour alone.
//!
//! # Semantics
//!
//! - Every method takes the figure and returns it with one thing added. Nothing is drawn before `svg()` or the end of the cell.
//! - `svg()` is an error if there is nothing to draw, if a number is not finite, or if a number on a logarithmic axis is zero or less.
//!   The error says which number it was. A guess without a place is left out instead.
//! - A picture is 720 pixels wide and as high as it needs to be. A long title or caption is wrapped, and so is the name of a row of dots.
//!   Any other name that is too long is cut and ends in "…". The twin has the whole name.
//! - The same figure gives the same picture, byte for byte.

mod bars;
mod dots;
mod drawing;
mod error;
mod format;
#[cfg(test)]
mod gallery;
mod heat_map;
mod interact;
#[doc(hidden)]
pub mod internal;
mod interval_explorer;
mod kept;
mod knob;
mod lines;
mod live;
mod moving;
pub mod numbers;
pub mod prelude;
mod progress;
mod race;
mod sketch_pad;
mod step_diagram;
mod table;
mod timeline;
mod trace;

pub use bars::Bars;
pub use dots::Dots;
pub use error::{FigureError, KnobError};
pub use format::Format;
pub use heat_map::HeatMap;
pub use interact::interact;
pub use interval_explorer::IntervalExplorer;
pub use knob::{Knob, Knobs};
pub use lines::Lines;
pub use live::Live;
pub use progress::{Counted, Progress};
pub use race::Race;
pub use sketch_pad::SketchPad;
pub use step_diagram::StepDiagram;
pub use table::Table;
pub use timeline::{Timeline, Timelines};
pub use trace::{Event, Lane, LaneRecord, LaneSummary, Moment, Recording, Trace};

drawing::page::shown_as_pictures!(Bars, Dots, HeatMap, Lines, StepDiagram);
labsupport::shown_in_words!(
    Event,
    FigureError,
    KnobError,
    LaneRecord,
    LaneSummary,
    Moment,
    Recording
);
