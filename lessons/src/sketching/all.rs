//! The pads of the labs.

use figures::{Format, SketchPad};

/// Where a lab asks for a curve.
pub(super) struct Asked {
    /// The lab, and what is drawn.
    pub(super) name: &'static str,
    /// It begins with the number of the lab, so that the journal finds it.
    pub(super) question: &'static str,
    pub(super) pad: fn(&str) -> SketchPad,
}

/// All of them, in the order of the labs.
pub(super) const ASKED: [Asked; 3] = [
    Asked {
        name: "02-torn",
        question: "Lab 02: the share of torn rounds, against the time between the two writes?",
        pad: |question| {
            SketchPad::new(question)
                .x(
                    "time between the two writes",
                    [1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4],
                )
                .log_x()
                .x_format(Format::Seconds)
                .y("share of the rounds", 0.0..=100.0)
                .y_format(Format::Percent)
        },
    },
    Asked {
        name: "03-reaction",
        question: "Lab 03: the reaction against the interval, for iterations of 10 µs?",
        pad: |question| {
            intervals(question)
                .y("reaction: flag set → last worker stopped", 1e-6..=10.0)
                .log_y()
                .y_format(Format::Seconds)
        },
    },
    Asked {
        name: "03-overhead",
        question: "Lab 03: the overhead against the interval, for iterations of 1 µs and locked looks?",
        pad: |question| {
            intervals(question)
                .y("overhead: share of the CPU time", 0.1..=100.0)
                .log_y()
                .y_format(Format::Percent)
        },
    },
];

/// A pad over the intervals of lab 03's sweep, with a place between two of them.
fn intervals(question: &str) -> SketchPad {
    SketchPad::new(question)
        .x(
            "iterations between two looks",
            [
                1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0,
            ],
        )
        .log_x()
}
