//! A line on the page that says what a cell is doing while it shows nothing, and how long each part of a cell took.
//!
//! The line is told only to a page that says which cell it runs (`cellId`: JupyterLab, Jupyter Notebook). Programs that run a notebook from
//! top to bottom do not say it, and get only the cell's own output. The line appears while the compiler works, so that nothing is redrawn
//! while a cell measures, and `clear_output` removes it, so that no notebook keeps it.

use super::flood::Note;
use super::message::Message;
use serde_json::{Value, json};
use std::fmt;
use std::time::{Duration, Instant};

/// How long to wait before the line appears. Most cells are compiled by then.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line updates its time.
const AGAIN: Duration = Duration::from_secs(1);
/// How many crates the line names.
const CRATES: usize = 2;
/// How many cells the table of times has.
const CELLS: usize = 20;

/// What is known of one cell, and what the page shows of it.
pub(super) struct Progress {
    /// The name of the line's place; `None` if this page gets no line.
    place: Option<String>,
    line: Line,
    /// When its compilation began, when it began to run, and when it ended.
    compiled: Option<Instant>,
    ran: Option<Instant>,
    ended: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// It appears at this time, or updates its time then.
    Due(Instant),
    /// It stays as it is until the cell shows something.
    Stays,
    /// It is not on the page, and nothing will make it appear.
    None,
}

impl Progress {
    /// The progress of `request`, of which nothing has begun yet.
    pub(super) fn new(request: &Message) -> Progress {
        let is_told = request.metadata["cellId"].is_string() && !request.flag("silent", false);
        Progress {
            place: is_told.then(|| format!("labs-progress-{}", request.header.msg_id)),
            line: Line::None,
            compiled: None,
            ran: None,
            ended: None,
        }
    }

    /// The cell's compilation begins. `is_first` says that the page shows nothing of the cell yet.
    pub(super) fn compiles(&mut self, now: Instant, is_first: bool) {
        self.compiled = Some(now);
        if self.place.is_some() && is_first {
            self.line = Line::Due(now + PATIENCE);
        }
    }

    /// When the line is due.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.line {
            Line::Due(when) => Some(when),
            Line::Stays | Line::None => None,
        }
    }

    /// The line, where it is due. `crates` are being compiled beside the cell.
    pub(super) fn tell(&mut self, now: Instant, crates: &[String]) -> Option<Note> {
        let began = self.compiled?;
        self.due().filter(|&due| due <= now)?;
        let is_first = self.due() == Some(began + PATIENCE);
        self.line = Line::Due(now + AGAIN);
        let (crates, once) = match crates {
            [] => (String::new(), ""),
            crates => {
                let named = crates[..crates.len().min(CRATES)].join(", ");
                let more = match crates.len().saturating_sub(CRATES) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                (format!(" {named}{more}"), " (once for each kernel)")
            }
        };
        let seconds = now.saturating_duration_since(began).as_secs();
        let kind = match is_first {
            true => "display_data",
            false => "update_display_data",
        };
        Some((
            kind,
            self.content(&format!("compiling{crates} … {seconds} s{once}")),
        ))
    }

    /// The cell begins to run. From here on, the line does not change.
    pub(super) fn runs(&mut self, now: Instant) -> Option<Note> {
        self.ran.get_or_insert(now);
        if !self.is_shown() {
            self.line = Line::None;
            return None;
        }
        self.line = Line::Stays;
        Some(("update_display_data", self.content("running …")))
    }

    /// Removes the line for good. `followed` says that something takes its place at once.
    pub(super) fn gives_way(&mut self, followed: bool) -> Option<Note> {
        let was_shown = self.is_shown();
        self.line = Line::None;
        was_shown.then(|| ("clear_output", json!({"wait": followed})))
    }

    /// It ended.
    pub(super) fn ends(&mut self, now: Instant) {
        self.ended.get_or_insert(now);
    }

    /// How long the cell's parts took, if it has ended.
    pub(super) fn times(&self) -> Option<Times> {
        let (compiled, ended) = (self.compiled?, self.ended?);
        Some(Times {
            compiled: self.ran.unwrap_or(ended) - compiled,
            ran: self.ran.map(|ran| ended - ran),
        })
    }

    fn is_shown(&self) -> bool {
        match (self.line, self.compiled) {
            (Line::Due(when), Some(began)) => when != began + PATIENCE,
            (line, _) => line == Line::Stays,
        }
    }

    fn content(&self, text: &str) -> Value {
        json!({
            "data": {"text/plain": text},
            "metadata": {},
            "transient": {"display_id": self.place},
        })
    }
}

/// How long the parts of a cell took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    compiled: Duration,
    /// None where it did not run.
    ran: Option<Duration>,
}

impl Times {
    /// As the metadata of a reply has it.
    pub(super) fn metadata(&self) -> Value {
        json!({"labs": {
            "compiled_s": self.compiled.as_secs_f64(),
            "ran_s": self.ran.map(|ran| ran.as_secs_f64()),
        }})
    }
}

/// The command that shows them.
pub(super) const COMMAND: &str = ":times";

/// The times of the cells that were run, for [`COMMAND`].
#[derive(Default)]
pub(super) struct Past(Vec<(u32, Times)>);

impl Past {
    /// Keeps the times of the cell with this number.
    pub(super) fn keep(&mut self, number: u32, times: Times) {
        if self.0.len() == CELLS {
            self.0.remove(0);
        }
        self.0.push((number, times));
    }
}

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "No cell has run yet.");
        }
        writeln!(f, "cell      compiled          ran")?;
        for (number, times) in &self.0 {
            let cell = format!("[{number}]");
            let compiled = seconds(times.compiled);
            let ran = times.ran.map_or("–".into(), seconds);
            writeln!(f, "{cell:<6}{compiled:>12} {ran:>12}")?;
        }
        Ok(())
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(metadata: Value, silent: bool) -> Progress {
        let mut request = Message::child("execute_request", None, json!({"silent": silent}));
        request.metadata = metadata;
        Progress::new(&request)
    }

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    fn text(note: Option<Note>) -> (&'static str, String) {
        let (kind, content) = note.expect("something is told");
        let text = content["data"]["text/plain"].as_str().unwrap_or_default();
        (kind, text.to_string())
    }

    #[test]
    fn a_line_comes_says_how_long_it_has_been_and_goes() {
        let start = Instant::now();
        let mut progress = progress(json!({"cellId": "a"}), false);
        progress.compiles(start, true);
        assert_eq!(progress.due(), Some(after(start, 1000)));
        assert_eq!(progress.tell(after(start, 999), &[]), None);
        let told = text(progress.tell(after(start, 1001), &[]));
        assert_eq!(told, ("display_data", "compiling … 1 s".into()));
        assert_eq!(
            progress.tell(after(start, 1002), &[]),
            None,
            "it is not due"
        );
        let crates = ["tokio", "mio", "socket2", "bytes"].map(String::from);
        for (ms, crates, expected) in [
            (
                2010,
                &crates[..1],
                "compiling tokio … 2 s (once for each kernel)",
            ),
            (
                3020,
                &crates[..2],
                "compiling tokio, mio … 3 s (once for each kernel)",
            ),
            (
                4030,
                &crates[..],
                "compiling tokio, mio and 2 more … 4 s (once for each kernel)",
            ),
        ] {
            let told = text(progress.tell(after(start, ms), crates));
            assert_eq!(told, ("update_display_data", expected.into()));
        }
        let told = text(progress.runs(after(start, 4500)));
        assert_eq!(told, ("update_display_data", "running …".into()));
        assert_eq!(progress.due(), None, "nothing changes while it runs");
        assert_eq!(
            progress.gives_way(true),
            Some(("clear_output", json!({"wait": true})))
        );
        assert_eq!(progress.gives_way(false), None, "it is gone");
        progress.ends(after(start, 6000));
        let times = progress.times().unwrap();
        assert_eq!(
            times.metadata(),
            json!({"labs": {"compiled_s": 4.5, "ran_s": 1.5}})
        );
    }

    #[test]
    fn a_quick_cell_and_one_that_shows_something_have_no_line() {
        let start = Instant::now();
        let told = json!({"cellId": "a"});
        let mut quick = progress(told.clone(), false);
        quick.compiles(start, true);
        assert_eq!(quick.runs(after(start, 300)), None);
        assert_eq!((quick.due(), quick.gives_way(false)), (None, None));
        let mut shows = progress(told.clone(), false);
        shows.compiles(start, true);
        assert_eq!((shows.gives_way(true), shows.due()), (None, None));
        let mut has_shown = progress(told, false);
        has_shown.compiles(start, false);
        assert_eq!(has_shown.due(), None);
    }

    #[test]
    fn whoever_does_not_say_which_cell_it_is_and_silent_cells_are_told_nothing() {
        let start = Instant::now();
        for (metadata, silent) in [
            (json!({}), false),
            (json!({"cellId": null}), false),
            (json!(null), false),
            (json!({"cellId": "a"}), true),
        ] {
            let mut progress = progress(metadata, silent);
            progress.compiles(start, true);
            assert_eq!(progress.due(), None);
            assert_eq!(progress.tell(after(start, 5000), &[]), None);
            assert_eq!(progress.runs(after(start, 5000)), None);
            assert_eq!(progress.gives_way(false), None);
        }
    }

    #[test]
    fn the_times_of_the_last_cells_are_a_table() {
        let mut past = Past::default();
        assert_eq!(past.to_string(), "No cell has run yet.\n");
        for number in 1..=CELLS as u32 + 2 {
            past.keep(
                number,
                Times {
                    compiled: Duration::from_millis(1250),
                    ran: (number % 2 == 0).then_some(Duration::from_secs(12)),
                },
            );
        }
        let table = past.to_string();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), CELLS + 1);
        assert_eq!(lines[1], "[3]         1.25 s            –");
        assert_eq!(lines[2], "[4]         1.25 s      12.00 s");
    }
}
