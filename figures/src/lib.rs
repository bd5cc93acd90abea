//! Pictures of measurements, drawn with `plotters` to SVG: [`Lines`], [`Bars`], [`Dots`], [`HeatMap`], [`Timeline`] and [`StepDiagram`];
//! and [`IntervalExplorer`], which has sliders.
//!
//! Every figure is built step by step, looks the same in every lab, and has a *text twin*: the same numbers as words and
//! a table, for a screen reader, a terminal, and whoever does not trust a picture. As the last expression of a notebook
//! cell a figure draws itself.
//!
//! ```
//! use figures::prelude::*;
//! let figure = Lines::new("A line")
//!     .x("iterations between two looks")
//!     .y("reaction time")
//!     .log_x()
//!     .y_format(Format::Seconds)
//!     .series("lock-free", [(1.0, 1e-5), (10.0, 2e-5), (100.0, 1e-4)]);
//! assert!(figure.svg()?.starts_with("<svg"));
//! assert!(figure.text().contains("20 µs"));
//! # Ok::<(), FigureError>(())
//! ```
//!
//! What takes a while is shown while it is measured: [`Live`] is a figure that changes, and
//! [`Progress`] says how far it has come.
//!
//! Colours come from Okabe and Ito's palette, which people with the common kinds of colour blindness tell apart; series
//! also differ in marker and dash, so that colour is never alone.

mod bars;
mod dots;
mod drawing;
mod error;
mod explorer;
mod format;
#[cfg(test)]
mod gallery;
mod heat_map;
mod lines;
mod live;
pub mod numbers;
pub mod prelude;
mod progress;
mod step_diagram;
mod table;
mod timeline;
mod trace;

pub use bars::Bars;
pub use dots::Dots;
pub use error::FigureError;
pub use explorer::IntervalExplorer;
pub use format::Format;
pub use heat_map::HeatMap;
pub use lines::Lines;
pub use live::Live;
pub use progress::{Counted, Progress};
pub use step_diagram::StepDiagram;
pub use table::Table;
pub use timeline::Timeline;
pub use trace::{Event, Lane, LaneRecord, LaneSummary, Recording, Span, SpanKind, Trace};

drawing::page::shown_as_pictures!(Bars, Dots, HeatMap, Lines, StepDiagram, Timeline);
labsupport::shown_in_words!(Event, FigureError, LaneRecord, LaneSummary, Recording, Span);
