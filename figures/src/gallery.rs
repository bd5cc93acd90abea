//! Every figure with the names and numbers that spoil a layout. Nothing may leave its picture.
//!
//! `FIGURES=/tmp/pictures cargo test -p figures gallery` writes all of them to that folder, to look at and to compare.

use crate::drawing::{WIDTH, text_width};
use crate::prelude::*;
use crate::trace::recording;
use std::time::Duration;

const LONG: &str = "a name of so many words that no figure in the world has the room for all of it, however wide it may be";
const CAPTION: &str = "Medians of 51 rounds on this machine; the thin lines go from the tenth to the ninetieth percentile. \
                       A caption of two sentences takes more than one line, and all of them must be there.";

type Drawn = (String, Result<String, FigureError>);

fn pictures() -> Vec<Drawn> {
    let mut drawn = Vec::new();
    lines(&mut |name, figure| drawn.push((format!("lines-{name}"), figure.svg())));
    bars(&mut |name, figure| drawn.push((format!("bars-{name}"), figure.svg())));
    dots(&mut |name, figure| drawn.push((format!("dots-{name}"), figure.svg())));
    heat_maps(&mut |name, figure| drawn.push((format!("heat-map-{name}"), figure.svg())));
    steps(&mut |name, figure| drawn.push((format!("steps-{name}"), figure.svg())));
    timelines(&mut |name, figure| drawn.push((format!("timeline-{name}"), figure.svg())));
    several(&mut |name, figure| drawn.push((format!("timelines-{name}"), figure.svg())));
    explorers(&mut |name, figure| drawn.push((format!("explorer-{name}"), figure.svg())));
    drawn
}

fn lines(draw: &mut dyn FnMut(&str, Lines)) {
    let points =
        |factor: f64| [1.0, 2.0, 5.0, 20.0, 100.0, 1e4].map(|x: f64| (x, factor * x.sqrt()));
    let plain = Lines::new("Two mechanisms")
        .x("workers")
        .y("time per look")
        .series("lock-free", [(1.0, 0.4), (2.0, 0.4), (4.0, 0.5)])
        .series("locked", [(1.0, 9.0), (2.0, 80.0), (4.0, 160.0)]);
    draw("plain", plain.clone());
    draw(
        "nanoseconds",
        plain
            .clone()
            .y_format(Format::Nanoseconds)
            .log_y()
            .caption(CAPTION),
    );
    let full = plain
        .clone()
        .y_format(Format::Nanoseconds)
        .log_y()
        .level("a cache miss", 100.0)
        .window("good", 1.5, 3.0)
        .window("empty", 3.0, 1.0)
        .mark("chosen", 2.0)
        .guess(4.0, Some(500.0))
        .caption(CAPTION);
    draw("full", full);
    let many = (0..9).fold(
        Lines::new("Many series")
            .log_x()
            .log_y()
            .y_format(Format::Seconds),
        |figure, n| {
            figure.series(
                format!("series number {n}"),
                points(1e-6 * f64::from(n + 1)),
            )
        },
    );
    draw(
        "many",
        many.x("iterations between two looks").y("reaction time"),
    );
    let crowd = (0..30).map(|n| (format!("student {n}"), points(f64::from(n) + 1.0)));
    draw(
        "crowd",
        Lines::new("A class")
            .log_x()
            .crowd("30 students", crowd)
            .series("median", points(15.0))
            .guess(5.0, 20.0),
    );
    let long = Lines::new(LONG.repeat(2))
        .x(LONG)
        .y(LONG)
        .series(LONG, [(0.0, -1.0), (1e9, 2e6)])
        .level(LONG, 1e6);
    draw(
        "long",
        long.mark(LONG, 5e8)
            .window(LONG, 1e8, 2e8)
            .caption(LONG.repeat(3)),
    );
    draw(
        "one-point",
        Lines::new("One point").series("a", [(5.0, 0.0)]),
    );
    draw(
        "equal",
        Lines::new("Equal values")
            .y_format(Format::Percent)
            .series("a", [(1.0, 3.0), (2.0, 3.0)]),
    );
    draw(
        "huge",
        Lines::new("Decades")
            .log_x()
            .log_y()
            .series("a", [(1e-9, 1e12), (1e9, 1e-12)]),
    );
    draw("empty", Lines::new("Empty"));
    draw(
        "no-place",
        Lines::new("No place").log_y().series("a", [(1.0, 0.0)]),
    );
}

fn bars(draw: &mut dyn FnMut(&str, Bars)) {
    let plain = Bars::new("What one look costs")
        .value("time per look")
        .format(Format::Nanoseconds)
        .bar("lock-free", 0.4)
        .bar_with_spread("locked, four workers", 160.0, 120.0, 400.0);
    draw("plain", plain.clone());
    draw("log", plain.clone().log().bar("manager", 25_000.0));
    draw(
        "guess",
        plain
            .clone()
            .guess("lock-free", Some(50.0))
            .guess("locked, four workers", Some(165.0))
            .caption(CAPTION),
    );
    draw(
        "negative",
        Bars::new("Below zero")
            .bar("minus", -2.0)
            .bar("zero", 0.0)
            .bar_with_spread("plus", 3.0, -1.0, 4.0),
    );
    draw("caption", plain.clone().caption(CAPTION));
    let many = (1..=14).fold(
        Bars::new("Many bars").format(Format::Percent).log(),
        |bars, n| bars.bar(format!("bar {n}"), f64::from(n * n)),
    );
    draw("many", many);
    draw(
        "long",
        Bars::new(LONG.repeat(2))
            .value(LONG)
            .bar(LONG, 1.0)
            .bar("short", 1e7)
            .caption(LONG)
            .guess("short", Some(9e6)),
    );
    draw("empty", Bars::new("Empty"));
}

fn dots(draw: &mut dyn FnMut(&str, Dots)) {
    let plain = Dots::new("What one access costs")
        .value("time per access")
        .format(Format::Nanoseconds)
        .log()
        .dot("Value, locked", "alone", 12.0, 11.0, 13.0)
        .dot("Value, locked", "four workers", 160.0, 120.0, 400.0)
        .dot("Manager dict", "alone", 25_000.0, 24_000.0, 30_000.0);
    draw("plain", plain.clone());
    draw(
        "full",
        plain
            .clone()
            .guess("Manager dict", Some(1e6))
            .mark("a cache miss", 100.0)
            .series("nobody")
            .caption(CAPTION),
    );
    let class = (1..=30).map(|n| {
        (
            "Value, locked".to_string(),
            format!("student {n}"),
            f64::from(n),
        )
    });
    draw(
        "crowd",
        plain
            .clone()
            .crowd("30 students", class)
            .mark("a cache miss", 100.0)
            .guess("Manager dict", 7.0),
    );
    draw(
        "linear",
        Dots::new("Linear")
            .value("share")
            .format(Format::Percent)
            .dot("a", "one", 2.0, 1.0, 3.0)
            .dot("b", "one", 7.0, 7.0, 7.0),
    );
    let many = (0..8).fold(Dots::new("Many series").log(), |dots, n| {
        let value = 10f64.powi(n);
        dots.dot(
            format!("row {}", n % 3),
            format!("series number {n}"),
            value,
            value / 2.0,
            value * 2.0,
        )
    });
    draw("many", many);
    draw(
        "long",
        Dots::new(LONG)
            .value(LONG)
            .dot(LONG, LONG, 1.0, 0.0, 2.0)
            .dot("short", "s", 1e8, 1e8, 1e8)
            .mark(LONG, 1e6)
            .caption(LONG),
    );
    draw("empty", Dots::new("Empty"));
}

fn heat_maps(draw: &mut dyn FnMut(&str, HeatMap)) {
    let plain = HeatMap::new("How far over budget?")
        .x("iterations between two looks", ["1", "10", "100"])
        .y("cost", ["1 µs", "1 ms"])
        .legend("times over budget")
        .format(Format::Times)
        .log()
        .field(0, 0, 5.0)
        .field(1, 0, 0.5)
        .field(2, 0, 0.1)
        .field(0, 1, 0.4);
    draw("plain", plain.clone());
    let full = plain
        .clone()
        .mark("best measured", 2, 0)
        .window("predicted", 0, 0.7, 2.3)
        .window("none", 1, 2.0, 1.0)
        .limit(1.0);
    draw("full", full.caption(CAPTION));
    let names = (0..12).map(|n| n.to_string());
    let large = HeatMap::new("Large")
        .x("x", names.clone())
        .y("y", names)
        .legend("value");
    draw(
        "large",
        (0..144).fold(large, |map, n| {
            map.field(n % 12, n / 12, (n * n) as f64 * 77.7)
        }),
    );
    let long = HeatMap::new(LONG)
        .x(LONG, [LONG, "b"])
        .y(LONG, [LONG, "d"])
        .legend(LONG)
        .field(0, 0, 1.0)
        .field(1, 1, 2.0);
    draw(
        "long",
        long.mark(LONG, 1, 1)
            .window(LONG, 0, -0.5, 0.5)
            .caption(LONG),
    );
    draw(
        "one",
        HeatMap::new("One")
            .x("x", ["1"])
            .y("y", ["2"])
            .field(0, 0, 3.0),
    );
    draw("empty", HeatMap::new("Empty"));
}

fn steps(draw: &mut dyn FnMut(&str, StepDiagram)) {
    let plain = StepDiagram::new("A lost update")
        .lanes(["A", "B"])
        .words([("sum", 0)])
        .step(0, "read 0", [0])
        .step(1, "read 0", [0])
        .step(0, "write 1", [1])
        .step(1, "write 1", [1]);
    draw("plain", plain.clone());
    draw(
        "full",
        plain
            .clone()
            .mark("broken: both count")
            .held_by(1)
            .waits(0)
            .caption(CAPTION),
    );
    let times = [0, 40, 1_234, u64::MAX];
    let timed = times.iter().fold(
        StepDiagram::new("With times")
            .lanes(["A", "B"])
            .words(["found", "finder"].map(|word| (word, 0))),
        |figure, &time| {
            figure
                .step(time as usize % 2, "look → goes on", [1, 2])
                .at(time)
        },
    );
    draw("timed", timed.mark(LONG).caption(CAPTION));
    let many = StepDiagram::new("Many")
        .lanes(["A", "B", "C", "D", LONG])
        .words(["found", "finder", "answer", LONG, "n", "sum"].map(|word| (word, 0)));
    let many = (0..20u64).fold(many, |figure, row| {
        let name = [
            "check → goes on",
            "write the answer that was found",
            "lock",
            LONG,
        ][row as usize % 4];
        let values = [1, row, 100 * row, u64::MAX, row / 7, 3];
        figure.step(row as usize % 5, name, values)
    });
    draw("many", many.mark(LONG).mark("twice").held_by(3).waits(1));
    draw("empty", StepDiagram::new("Empty"));
}

fn timelines(draw: &mut dyn FnMut(&str, Timeline)) {
    use Event::*;
    const MS: u64 = 1_000_000;
    let first = [
        (0, Started),
        (MS, TaskTaken(41)),
        (5 * MS, TaskDone(41)),
        (6 * MS, FlagChecked),
        (7 * MS, LockWaited),
        (8 * MS, LockHeld),
        (10 * MS, LockReleased),
        (20 * MS, FlagSeen),
        (21 * MS, Exited),
    ];
    let second = [
        (0, Started),
        (MS, TaskTaken(42)),
        (12 * MS, FlagSet),
        (12 * MS + 5, PillTaken),
        (13 * MS, Exited),
    ];
    let third = [
        (0, Started),
        (2 * MS, TaskTaken(43)),
        (3 * MS, Note(1)),
        (9 * MS, FlagChecked),
        (15 * MS, Terminated),
    ];
    let small = recording(&[&first, &second, &third]);
    let plain = Timeline::new("Three workers and a flag", &small);
    draw("plain", plain.clone());
    draw(
        "full",
        plain
            .clone()
            .name(0, "the seer")
            .note(1, "a note")
            .after_flag("too late")
            .ended("pool.terminate()")
            .caption(CAPTION),
    );
    draw("useful", plain.clone().useful_after_flag());
    draw(
        "part",
        plain
            .clone()
            .between(Duration::from_millis(4), Duration::from_millis(13)),
    );
    let busy: Vec<(u64, Event)> = (0..10_000u64)
        .map(|n| {
            (
                n * 1_000,
                [
                    TaskTaken(n as u32 / 4),
                    TaskDone(n as u32 / 4),
                    FlagChecked,
                    Note(1),
                ][n as usize % 4],
            )
        })
        .collect();
    let lanes: Vec<&[(u64, Event)]> = vec![&busy; 16];
    draw("many", Timeline::new("Sixteen lanes", &recording(&lanes)));
    draw(
        "no-lock",
        Timeline::new("No lock", &recording(&[&busy, &second])),
    );
    draw(
        "long",
        plain
            .name(1, LONG)
            .note(1, LONG)
            .ended(LONG)
            .after_flag(LONG)
            .caption(LONG),
    );
    draw(
        "one-event",
        Timeline::new("One event", &recording(&[&[(5, Started)]])),
    );
    draw("empty", Timeline::new("Empty", &recording(&[&[], &[]])));
}

fn several(draw: &mut dyn FnMut(&str, Timelines)) {
    use Event::*;
    let ms = |n: u64| n * 1_000_000;
    let flag = recording(&[
        &[
            (0, Started),
            (ms(1), TaskTaken(1)),
            (ms(7), TaskDone(1)),
            (ms(8), FlagSeen),
            (ms(8), Exited),
        ],
        &[
            (0, Started),
            (ms(5), FlagSet),
            (ms(6), LockWaited),
            (ms(7), LockHeld),
            (ms(9), LockReleased),
        ],
    ]);
    let pill = recording(&[&[
        (0, Started),
        (ms(2), PillPut),
        (ms(3), TaskTaken(1)),
        (ms(6), PillTaken),
        (ms(7), Exited),
    ]]);
    let both = Timelines::new("Two ways")
        .run("flag", Timeline::new("Flag", &flag))
        .run("pill", Timeline::new("Pill", &pill));
    draw("two", both.clone().caption(CAPTION));
    let long = Timeline::new("Long", &flag).name(0, LONG).ended(LONG);
    draw("long", both.run(LONG, long).caption(LONG));
    draw("empty", Timelines::new("Empty"));
}

fn explorers(draw: &mut dyn FnMut(&str, IntervalExplorer)) {
    let plain = IntervalExplorer::new("How often to look?")
        .look("locked", [15e-9, 90e-9, 140e-9])
        .look("lock-free", [0.3e-9, 0.3e-9, 0.3e-9])
        .measured(
            "locked",
            3,
            1e-6,
            [(1, 0.12, 30e-6), (10, 0.013, 35e-6), (100, 0.001, 120e-6)],
        )
        .start(3, 1e-6)
        .budgets(0.02, 0.001);
    draw("plain", plain.clone());
    draw("no-window", plain.start(1, 1e-2));
    draw("empty", IntervalExplorer::new("Empty"));
}

#[test]
fn every_picture_is_drawn_or_says_why_not() {
    let folder = std::env::var_os("FIGURES").map(std::path::PathBuf::from);
    for (name, picture) in pictures() {
        let expected = !name.ends_with("-empty") && !name.ends_with("-no-place");
        assert_eq!(picture.is_ok(), expected, "{name}: {picture:?}");
        if let Some(folder) = &folder {
            let text = picture.unwrap_or_else(|error| error.to_string());
            std::fs::write(folder.join(format!("{name}.svg")), text).unwrap();
        }
    }
}

#[test]
fn no_text_leaves_its_picture() {
    for (name, picture) in pictures() {
        let Ok(svg) = picture else { continue };
        let height: i32 = between(&svg, "height=\"", "\"").parse().unwrap();
        for part in svg.split("<text ").skip(1) {
            let [x, y]: [i32; 2] =
                ["x=\"", "y=\""].map(|key| between(part, key, "\"").parse().unwrap());
            let half = text_width(between(part, ">\n", "\n<")) / 2;
            let (left, right) = match between(part, "text-anchor=\"", "\"") {
                "start" => (x, x + 2 * half),
                "end" => (x - 2 * half, x),
                _ => (x - half, x + half),
            };
            let inside = if part.contains("rotate") {
                let middle = (left + right) / 2;
                middle > 0 && y - half >= 0 && y + half <= height
            } else {
                left >= 0 && right <= WIDTH && y > 0 && y < height
            };
            assert!(inside, "{name}: {part}");
        }
    }
}

/// The first part of `text` that lies between `from` and `to`.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}
