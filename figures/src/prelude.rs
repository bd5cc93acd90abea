//! Everything a lab needs to draw and to record: `use figures::prelude::*;`.

pub use crate::{
    Bars, Dots, Event, FigureError, Format, HeatMap, IntervalExplorer, Knob, KnobError, Knobs,
    Lane, LaneRecord, Lines, Live, Moment, Progress, Race, Recording, SketchPad, StepDiagram,
    Table, Timeline, Timelines, Trace, interact,
};
