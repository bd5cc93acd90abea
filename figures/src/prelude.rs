//! Everything a lab needs to draw and to record: `use figures::prelude::*;`.

pub use crate::{
    Bars, Dots, Event, FigureError, Format, HeatMap, IntervalExplorer, Lane, LaneRecord, Lines,
    Live, Progress, Recording, StepDiagram, Table, Timeline, Trace,
};
