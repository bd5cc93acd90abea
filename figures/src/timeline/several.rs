use super::moving::{self, Moving};
use super::sign::Sign;
use super::{Time, Timeline, draw_axis, legend_of};
use crate::drawing::theme::INK;
use crate::drawing::{Align, Canvas, LINE, Layout, Plot, Twin, WIDTH, fit};
use crate::error::FigureError;
use crate::trace::Recording;
use labsupport::cell::{self, Show};
use labsupport::measure::human;
use std::time::Duration;

/// Several recordings on one clock, below each other, to see what each had done after the same time. Zero is the moment at which the workers were
/// told to go home: when the flag was set, the first pill was put, or they were ended from outside. A recording without such a moment begins at zero.
///
/// On a page with scripts all of them move with one slider, as a [`Timeline`] does. The picture ends soon after the last note of a worker, even
/// if somebody waited longer for those that never came home; the reader can zoom out to see that.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let trace = Trace::new(1)?;
/// let parent = trace.parent();
/// parent.record(Event::TaskPut(1));
/// parent.record(Event::PillPut);
/// let worker = trace.lane(0);
/// worker.record(Event::TaskTaken(1));
/// worker.record(Event::TaskDone(1));
/// worker.record(Event::PillTaken);
/// drop(worker);
/// let pill = Timeline::new("One pill", &trace.recording());
/// let both = Timelines::new("Twice the same").run("first", pill.clone()).run("second", pill);
/// assert!(both.svg()?.contains("second"));
/// println!("{}", both.text());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Timelines {
    title: String,
    runs: Vec<(String, Timeline)>,
    caption: String,
}

/// The height of a lane.
const LANE: i32 = 22;
/// The height of a recording's name.
const HEADING: i32 = LINE + 4;

/// The recordings as they are drawn: all on one clock.
struct Aligned {
    runs: Vec<(String, Timeline)>,
    /// When the workers were told to go home, in all of them.
    signal: Duration,
    end: Duration,
    /// Soon after the last note of a worker.
    last_note: Duration,
}

impl Timelines {
    /// No recording so far.
    pub fn new(title: impl Into<String>) -> Timelines {
        Timelines {
            title: title.into(),
            runs: Vec::new(),
            caption: String::new(),
        }
    }

    /// Adds a recording with a name. What its timeline says of names, notes and the queue counts here, too; its title and caption do not.
    pub fn run(mut self, name: impl Into<String>, timeline: Timeline) -> Timelines {
        self.runs.push((name.into(), timeline));
        self
    }

    /// A sentence or two to stand below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Timelines {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// There is no recording, or one of them has no event.
    pub fn svg(&self) -> Result<String, FigureError> {
        if self.runs.is_empty() {
            return Err(FigureError::empty(&self.title, "a recording"));
        }
        for (_, timeline) in &self.runs {
            timeline.check()?;
        }
        let aligned = self.aligned();
        let heights = aligned.runs.iter().map(|(_, run)| height_of(run));
        let gutters = aligned.runs.iter().map(|(_, run)| run.gutter());
        Layout::new(&self.title, heights.sum())
            .above(LINE)
            .beside(gutters.max().unwrap_or(0), 16)
            .legend(legend_of(aligned.signs()))
            .caption(&format!("{}{}", self.caption, aligned.cut()))
            .svg(&self.text(), |canvas, plot| aligned.draw(canvas, plot))
    }

    /// The text twin: that of each recording, one after the other.
    pub fn text(&self) -> String {
        let mut twin = Twin::new(&self.title);
        for (name, timeline) in &self.runs {
            let mut timeline = timeline.clone();
            timeline.title = name.clone();
            let signal = timeline.recording.signal();
            let text = timeline.text();
            twin.line(text.trim_end());
            if let Some(signal) = signal {
                twin.line(format!("The signal to go home: {}.", human(signal)));
            }
        }
        twin.end(&self.caption)
    }

    /// The recordings, moved so that their signals fall together.
    fn aligned(&self) -> Aligned {
        let signal_of = |(_, timeline): &(String, Timeline)| timeline.recording.signal();
        let signals = self
            .runs
            .iter()
            .map(|run| signal_of(run).unwrap_or_default());
        let signal = signals.max().unwrap_or_default();
        let moved = self.runs.iter().map(|run| {
            let mut timeline = run.1.clone();
            let by = signal - signal_of(run).unwrap_or_default();
            timeline.recording = timeline.recording.later(by);
            timeline.between = None;
            (run.0.clone(), timeline)
        });
        let runs: Vec<(String, Timeline)> = moved.collect();
        let ends = runs.iter().map(|(_, run)| run.recording.end());
        let end = ends.max().unwrap_or_default().max(Duration::from_nanos(1));
        let notes = runs.iter().map(|(_, run)| last_note(&run.recording));
        let last = notes.max().unwrap_or_default();
        Aligned {
            runs,
            signal,
            end,
            last_note: (last + last / 20)
                .max(signal)
                .clamp(Duration::from_nanos(1), end),
        }
    }

    /// Shows the picture, which moves where scripts run, and its text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Timelines {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let aligned = self.aligned();
        moving::contents(self.svg(), self.text(), || {
            aligned.moving(&self.title, &self.caption)
        })
    }
}

fn height_of(run: &Timeline) -> i32 {
    HEADING + LANE * run.lanes().len() as i32
}

/// The last note that a worker made.
fn last_note(recording: &Recording) -> Duration {
    let workers = recording
        .lanes()
        .iter()
        .filter(|lane| lane.name() != "parent");
    let lasts = workers.filter_map(|lane| lane.events().last());
    Duration::from_nanos(lasts.map(|event| event.0).max().unwrap_or(0))
}

impl Aligned {
    /// Each sign once, in the order of the signs.
    fn signs(&self) -> Vec<(Sign, String)> {
        let mut all: Vec<(Sign, String)> = Vec::new();
        for (sign, name) in self.runs.iter().flat_map(|(_, run)| run.signs()) {
            if !all.contains(&(sign, name.clone())) {
                all.push((sign, name));
            }
        }
        all.sort_by_key(|(sign, _)| *sign as usize);
        all
    }

    /// A sentence about what the picture leaves out.
    fn cut(&self) -> String {
        if self.end <= self.last_note {
            return String::new();
        }
        let longest = self.runs.iter().max_by_key(|(_, run)| run.recording.end());
        let (name, _) = longest.expect("there is a recording");
        format!(
            " The picture ends soon after the last note of a worker; \"{name}\" went on until {} after the signal.",
            human(self.end - self.signal)
        )
    }

    fn draw(&self, canvas: &mut Canvas<'_>, plot: Plot) {
        let (from, to) = (Duration::ZERO, self.last_note);
        let time = Time { from, to, plot };
        let tops = self.runs.iter().scan(plot.top, |top, (_, run)| {
            let this = *top;
            *top += height_of(run);
            Some(this)
        });
        let tops: Vec<i32> = tops.collect();
        let rows = || tops.iter().zip(&self.runs);
        for (top, (_, run)) in rows() {
            run.draw_shades(canvas, &time, top + HEADING, LANE);
        }
        draw_axis(canvas, &time, self.signal, AFTER_SIGNAL);
        for (top, (name, run)) in rows() {
            canvas.text((8, top + 3), &fit(name, WIDTH / 2), INK, Align::Left);
            let has_lock = run.recording.has_lock();
            run.draw_lanes(canvas, &time, top + HEADING, LANE, has_lock);
        }
        let x = time.x(self.signal);
        canvas.path([(x, plot.top - 3), (x, plot.bottom)], INK, 2);
        canvas.text((x, plot.top - LINE), "signal", INK, Align::Center);
    }

    fn moving<'t>(&'t self, title: &'t str, caption: &str) -> Moving<'t> {
        let runs = self.runs.iter();
        Moving {
            title,
            range: (Duration::ZERO, self.end),
            view: (Duration::ZERO, self.last_note),
            zero: self.signal,
            clock: AFTER_SIGNAL,
            caption: format!("{caption}{}", self.cut()),
            signs: self.signs(),
            runs: runs.map(|(name, run)| (name.as_str(), run)).collect(),
        }
    }
}

/// What the clock counts from.
const AFTER_SIGNAL: &str = "time since the signal to go home";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Event, recording};

    fn ms(n: u64) -> u64 {
        n * 1_000_000
    }

    fn two() -> Timelines {
        use Event::*;
        let flag = recording(&[
            &[
                (0, Started),
                (ms(1), TaskTaken(1)),
                (ms(7), TaskDone(1)),
                (ms(8), FlagSeen),
                (ms(8), Exited),
            ],
            &[(ms(5), FlagSet)],
        ]);
        let waits = recording(&[&[
            (0, Started),
            (ms(2), PillPut),
            (ms(3), TaskTaken(1)),
            (ms(6), TaskDone(1)),
            (ms(90), Exited),
        ]]);
        Timelines::new("Two ways")
            .run("flag", Timeline::new("F", &flag))
            .run("pill", Timeline::new("P", &waits))
    }

    #[test]
    fn the_signals_fall_together() {
        let aligned = two().aligned();
        assert_eq!(aligned.signal, Duration::from_millis(5));
        for (name, run) in &aligned.runs {
            assert_eq!(run.recording.signal(), Some(aligned.signal), "{name}");
        }
        assert_eq!(aligned.end, Duration::from_millis(93));
        let moving = aligned.moving("T", "Why.");
        assert_eq!((moving.zero, moving.range.1), (aligned.signal, aligned.end));
    }

    #[test]
    fn the_picture_names_each_recording_and_ends_after_the_last_note() {
        let svg = two().caption("Why.").svg().unwrap();
        for words in [
            ">\nflag\n<",
            ">\npill\n<",
            ">\nsignal\n<",
            ">\n0 s\n<",
            ">\nWhy.\n<",
            "task, done",
            "pill",
        ] {
            assert!(svg.contains(words), "{words} in {svg}");
        }
        let text = two().caption("Why.").text();
        assert!(
            text.contains("The signal to go home: 5 ms.")
                && text.contains("The signal to go home: 2 ms."),
            "{text}"
        );
        assert!(text.ends_with("Why.\n"));

        // The parent waited longer than any worker had something to note.
        use Event::*;
        let never = recording(&[&[(0, Started), (ms(1), TaskTaken(1)), (ms(2), TaskDone(1))]]);
        let mut lanes = never.lanes().to_vec();
        lanes.push(crate::trace::parent(&[
            (0, Started),
            (ms(1), PillPut),
            (ms(200), Terminated),
        ]));
        let never = Timelines::new("T").run("one", Timeline::new("N", &Recording::new(lanes)));
        assert_eq!(never.aligned().last_note, Duration::from_micros(2_100));
        assert!(never.svg().unwrap().contains("went on until"));
    }
}
