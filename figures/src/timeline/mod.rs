mod lane;
mod moving;
mod several;
mod sign;

pub use several::Timelines;

use crate::drawing::theme::{FAINT, GRID, INK, WASTED};
use crate::drawing::{Align, Axis, Canvas, LINE, Layout, Legend, MARGIN, Plot, Twin, WIDTH};
use crate::drawing::{fit, text_width, widest};
use crate::error::FigureError;
use crate::format::Format;
use crate::numbers::Scale;
use crate::trace::{Event, LaneRecord, Recording, SpanKind};
use labsupport::internal::thousands;
use labsupport::measure::human;
use lane::{Lane, Time};
use sign::Sign;
use std::collections::BTreeSet;
use std::time::Duration;

/// What each worker did, and when: a lane for each worker, with its tasks, its waits for the lock, its looks at the flag and its end.
///
/// The picture stays readable with any number of events: spans narrower than a few pixels are drawn as a share of each pixel column, and
/// marks that would overlap are drawn once. The text twin has the durations.
///
/// On a page with scripts the picture moves: a slider goes through the time and plays it slowly, a drag zooms, and for each instant the page says
/// what every worker holds, what is in the queue, where the pills are and who has the lock, as [`Recording::at`](crate::Recording::at) does. Arrows go
/// from event to event, Space plays, `+` and `-` zoom, Escape shows what was shown at first. Print, and a page without scripts, have the still
/// picture. So has a recording of more than 5,000 events in the part that is shown, which would make a page heavy: [`between`](Timeline::between)
/// chooses a part of it.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let trace = Trace::new(2)?;
/// let stop = Flag::new()?;
/// let workers = Workers::spawn(2, |w| {
///     let log = trace.lane(w.index());
///     for task in 0.. {
///         log.record(Event::TaskTaken(task));
///         Work::costing(std::time::Duration::from_micros(100)).run();
///         log.record(Event::TaskDone(task));
///         if stop.is_set() {
///             return log.record(Event::FlagSeen);
///         }
///     }
/// })?;
/// trace.parent().record(Event::FlagSet);
/// stop.set();
/// workers.join()?.values()?;
/// let figure = Timeline::new("Two workers and a flag", &trace.recording());
/// assert!(figure.svg()?.contains("flag set"));
/// println!("{}", figure.text());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Timeline {
    title: String,
    recording: Recording,
    names: Vec<String>,
    notes: Vec<(u32, String)>,
    between: Option<(Duration, Duration)>,
    shade: Option<String>,
    ended: String,
    left: Option<usize>,
    caption: String,
}

impl Timeline {
    /// A timeline of everything in `recording`.
    pub fn new(title: impl Into<String>, recording: &Recording) -> Timeline {
        Timeline {
            title: title.into(),
            names: (recording.lanes().iter().map(|lane| lane.name().to_string())).collect(),
            recording: recording.clone(),
            notes: Vec::new(),
            between: None,
            shade: Some("wasted work".into()),
            ended: "terminate".into(),
            left: None,
            caption: String::new(),
        }
    }

    /// Gives lane `index` a new name.
    ///
    /// # Panics
    /// There is no lane `index`.
    pub fn name(mut self, index: usize, name: impl Into<String>) -> Timeline {
        let lanes = self.names.len();
        assert!(
            index < lanes,
            "there is no lane {index}: the recording has {lanes} lanes, counted from 0."
        );
        self.names[index] = name.into();
        self
    }

    /// Says what an [`Event::Note`] with this number means.
    pub fn note(mut self, number: u32, meaning: impl Into<String>) -> Timeline {
        self.notes.push((number, meaning.into()));
        self
    }

    /// Shows only the part between `from` and `to`, counted from the first event of the recording.
    pub fn between(mut self, from: Duration, to: Duration) -> Timeline {
        self.between = Some((from, to));
        self
    }

    /// What to call a worker's time from when the flag was set until the worker saw it. By default it is `wasted work`.
    pub fn after_flag(mut self, name: impl Into<String>) -> Timeline {
        self.shade = Some(name.into());
        self
    }

    /// Shades nothing after the flag was set, because the work in progress is still wanted.
    pub fn useful_after_flag(mut self) -> Timeline {
        self.shade = None;
        self
    }

    /// What to call the vertical line at [`Event::Terminated`]. By default it is `terminate`.
    pub fn ended(mut self, name: impl Into<String>) -> Timeline {
        self.ended = name.into();
        self
    }

    /// How many messages were found in the queue at the end. What is missing then was taken by workers that were ended before they could note it,
    /// and the moving picture says of which messages this may be so.
    pub fn left(mut self, messages: usize) -> Timeline {
        self.left = Some(messages);
        self
    }

    /// A sentence or two to stand below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Timeline {
        self.caption = caption.into();
        self
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// There is no event, or the part of the time has no length.
    pub fn svg(&self) -> Result<String, FigureError> {
        self.check()?;
        let lanes = self.lanes();
        let has_lock = self.recording.has_lock();
        let height = if lanes.len() <= 8 { 40 } else { 26 };
        Layout::new(&self.title, height * lanes.len() as i32)
            // A line for the name of each vertical line.
            .above(LINE * self.verticals().len() as i32)
            .beside(self.gutter(), 16)
            .legend(legend_of(self.signs()))
            .caption(&self.whole_caption())
            .svg(&self.text(), |canvas, plot| {
                let (from, to) = self.range();
                let time = Time { from, to, plot };
                self.draw_shades(canvas, &time, plot.top, height);
                draw_axis(canvas, &time, Duration::ZERO, SINCE_FIRST);
                self.draw_lanes(canvas, &time, plot.top, height, has_lock);
                self.draw_verticals(canvas, &time);
            })
    }

    /// The caption, and what is missing in the picture.
    fn whole_caption(&self) -> String {
        match self.recording.dropped() {
            0 => self.caption.clone(),
            _ => format!("{} {}", self.caption, self.dropped()),
        }
    }

    /// The room for the names of the lanes.
    fn gutter(&self) -> i32 {
        let names = self.lanes().into_iter();
        widest(names.map(|(index, _)| &self.names[index])).min(WIDTH / 4) + 10
    }

    /// The lanes' places, from `top` on: the upper edge, the number and the record of each.
    fn rows(&self, top: i32, height: i32) -> impl Iterator<Item = (i32, usize, &LaneRecord)> {
        let tops = (top..).step_by(height as usize);
        tops.zip(self.lanes())
            .map(|(top, (index, lane))| (top, index, lane))
    }

    fn draw_shades(&self, canvas: &mut Canvas<'_>, time: &Time, top: i32, height: i32) {
        for (top, index, lane) in self.rows(top, height) {
            let shaded = self.shaded(index, lane);
            if let Some((x0, x1)) = shaded.and_then(|(from, to)| time.span(from, to)) {
                canvas.rect((x0, top + 1), (x1, top + height - 1), WASTED);
            }
        }
    }

    fn draw_lanes(
        &self,
        canvas: &mut Canvas<'_>,
        time: &Time,
        top: i32,
        height: i32,
        has_lock: bool,
    ) {
        let plot = time.plot;
        for (top, index, record) in self.rows(top, height) {
            let name = fit(&self.names[index], WIDTH / 4);
            let at = (plot.left - 8, top + height / 2);
            canvas.text_middle(at, &name, INK, Align::Right);
            canvas.path([(plot.left, top), (plot.right, top)], GRID, 1);
            let lane = Lane {
                record,
                end: self.end_of(record),
                top,
                height,
                has_lock,
            };
            lane.draw(canvas, time);
        }
    }

    fn check(&self) -> Result<(), FigureError> {
        let (from, to) = self.range();
        let what = if !self.any_event(|_| true) {
            "an event (was the trace off, or was it read before the workers ran?)"
        } else if from >= to {
            "a part that has some length (this one ends before it begins, or begins after the last event)"
        } else {
            return Ok(());
        };
        Err(FigureError::empty(&self.title, what))
    }

    /// The lanes that are drawn: all workers, and the parent if its lane has anything to draw.
    fn lanes(&self) -> Vec<(usize, &LaneRecord)> {
        let lanes = self.recording.lanes().iter().enumerate();
        lanes
            .filter(|(_, lane)| lane.has_something_of_its_own())
            .collect()
    }

    /// When a worker ended, and whether by itself. If it left no `Exited` behind, that is when the workers were ended, or else its last event.
    fn end_of(&self, lane: &LaneRecord) -> (Duration, bool) {
        let Some(&(last, event)) = lane.events().last() else {
            return (Duration::ZERO, false);
        };
        let last = Duration::from_nanos(last);
        match event {
            Event::Exited => (last, true),
            Event::Panicked => (last, false),
            // A killed worker may have recorded something before the signal reached it.
            _ => (self.recording.terminated().unwrap_or(last).max(last), false),
        }
    }

    /// The part of a lane after the flag was set and before it was seen.
    fn shaded(&self, index: usize, lane: &LaneRecord) -> Option<(Duration, Duration)> {
        let set = self.recording.flag_set().filter(|_| self.shade.is_some())?;
        let setter = lane.events().iter().any(|(_, e)| *e == Event::FlagSet);
        // A worker that never started wasted nothing, and one that started later began later.
        let started = Duration::from_nanos(lane.events().first()?.0);
        if lane.name() == "parent" {
            return None;
        }
        let end = match self.recording.reaction(index) {
            Some(reaction) => set + reaction,
            None => self.end_of(lane).0,
        };
        let begin = set.max(started);
        (!setter && end > begin).then_some((begin, end))
    }

    /// The vertical lines in the part that is shown: when, and their names.
    fn verticals(&self) -> Vec<(Duration, &str)> {
        let (from, to) = self.range();
        let set = self.recording.flag_set().map(|time| (time, "flag set"));
        let ended = self.recording.terminated();
        let ended = ended.map(|time| (time, self.ended.as_str()));
        let both = set.into_iter().chain(ended);
        both.filter(|(time, _)| (from..=to).contains(time))
            .collect()
    }

    /// Whether anything `wanted` happened, in any lane.
    fn any_event(&self, wanted: impl Fn(Event) -> bool) -> bool {
        let mut events = self.recording.lanes().iter().flat_map(LaneRecord::events);
        events.any(|&(_, event)| wanted(event))
    }

    /// The part of the time that is shown.
    fn range(&self) -> (Duration, Duration) {
        let end = self.recording.end();
        match self.between {
            Some((from, to)) => (from, to.min(end)),
            // One event alone has no length.
            None => (Duration::ZERO, end.max(Duration::from_nanos(1))),
        }
    }

    fn draw_verticals(&self, canvas: &mut Canvas<'_>, time: &Time) {
        let Plot { top, bottom, .. } = time.plot;
        for (row, (when, name)) in self.verticals().into_iter().enumerate() {
            let (x, y) = (time.x(when), top - LINE * (row as i32 + 1));
            canvas.path([(x, y + LINE - 3), (x, bottom)], INK, 2);
            let name = fit(name, WIDTH / 2);
            let half = text_width(&name) / 2;
            let middle = x.clamp(MARGIN + half, WIDTH - MARGIN - half);
            canvas.text((middle, y), &name, INK, Align::Center);
        }
    }

    /// The signs of the legend and their names: what occurs in the part that is shown, and no more.
    fn signs(&self) -> Vec<(Sign, String)> {
        let lanes = self.lanes();
        let (from, to) = self.range();
        let is_shown = |time: Duration| (from..=to).contains(&time);
        let spans = lanes.iter().flat_map(|(_, lane)| lane.spans());
        let spans = spans.filter(|span| span.from <= to && span.to.is_none_or(|end| end >= from));
        let spans: Vec<SpanKind> = spans.map(|span| span.kind).collect();
        let events = self.recording.lanes().iter().flat_map(LaneRecord::events);
        let events = events.filter(|(time, _)| is_shown(Duration::from_nanos(*time)));
        let events: Vec<Event> = events.map(|(_, event)| *event).collect();
        let started = lanes.iter().filter(|(_, lane)| !lane.events().is_empty());
        let ends = started.map(|(_, lane)| self.end_of(lane));
        let ends: Vec<bool> = ends
            .filter(|end| is_shown(end.0))
            .map(|end| end.1)
            .collect();
        let task = |wanted| move |kind: &SpanKind| matches!(kind, SpanKind::Task { done, .. } if *done == wanted);
        let is_shaded = |(index, lane): &(usize, &LaneRecord)| self.shaded(*index, lane).is_some();
        let notes = self.notes_in(&events);
        let signs = [
            (Sign::Task, spans.iter().any(task(true))),
            (Sign::Lost, spans.iter().any(task(false))),
            (Sign::Wait, spans.contains(&SpanKind::WaitingForLock)),
            (Sign::Hold, spans.contains(&SpanKind::HoldingLock)),
            (Sign::Check, events.contains(&Event::FlagChecked)),
            (Sign::Seen, events.contains(&Event::FlagSeen)),
            (Sign::Pill, events.contains(&Event::PillTaken)),
            (Sign::Exit, ends.contains(&true)),
            (Sign::Killed, ends.contains(&false)),
            (Sign::Wasted, lanes.iter().any(is_shaded)),
            (Sign::Note, !notes.is_empty()),
        ];
        let occurring = signs.into_iter().filter(|(_, occurs)| *occurs);
        occurring
            .map(|(sign, _)| {
                let name = match sign {
                    Sign::Wasted => self.shade.clone().unwrap_or_default(),
                    Sign::Note => notes.clone(),
                    sign => sign.name().into(),
                };
                (sign, name)
            })
            .collect()
    }

    /// What the notes among `events` mean, each once.
    fn notes_in(&self, events: &[Event]) -> String {
        let number = |event: &Event| match event {
            Event::Note(number) => Some(*number),
            _ => None,
        };
        let numbers: BTreeSet<u32> = events.iter().filter_map(number).collect();
        let names: Vec<String> = numbers.into_iter().map(|n| self.meaning(n)).collect();
        names.join(", ")
    }

    /// What was noted in a lane, and how often.
    fn notes_of(&self, lane: &LaneRecord) -> String {
        let mut counts: Vec<(u32, usize)> = Vec::new();
        for (_, event) in lane.events() {
            if let Event::Note(number) = event {
                match counts.iter_mut().find(|(known, _)| known == number) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((*number, 1)),
                }
            }
        }
        let written = counts.iter().map(|(number, count)| {
            let meaning = self.meaning(*number);
            if *count == 1 {
                meaning
            } else {
                format!("{meaning} ({count}×)")
            }
        });
        written.collect::<Vec<_>>().join(", ")
    }

    fn meaning(&self, number: u32) -> String {
        let found = self.notes.iter().rfind(|note| note.0 == number);
        found.map_or(format!("note {number}"), |note| note.1.clone())
    }

    fn dropped(&self) -> String {
        format!(
            "{} older events were overwritten. To keep more, make the trace with Trace::with_capacity.",
            thousands(self.recording.dropped() as i64)
        )
    }

    /// The text twin: when the flag was set, and the durations in each lane.
    pub fn text(&self) -> String {
        let (from, to) = self.range();
        let (from, to) = (human(from), human(to));
        let mut twin = Twin::new(&self.title);
        twin.line(format!(
            "A lane for each worker, time from {from} to {to} across."
        ));
        if let Some(set) = self.recording.flag_set() {
            twin.vertical("flag set", &human(set));
        }
        if let Some(ended) = self.recording.terminated() {
            twin.vertical(&self.ended, &human(ended));
        }
        if self.between.is_some() {
            twin.line("The durations are those of the whole recording.");
        }
        let header = [
            "lane",
            "tasks done",
            "not done",
            "in tasks",
            "waited for lock",
            "held lock",
            "looks at flag",
            "saw flag after",
            self.shade.as_deref().unwrap_or("after flag"),
            "pills",
            "notes",
            "ended",
        ];
        let lanes = self.lanes().into_iter();
        let mut rows: Vec<_> = lanes.map(|(index, lane)| self.row(index, lane)).collect();
        // An empty column is left out.
        let used = |column: &usize| rows.iter().any(|row| !row[*column].is_empty());
        let used: Vec<usize> = (0..header.len()).filter(used).collect();
        let header: Vec<&str> = used.iter().map(|&column| header[column]).collect();
        for row in &mut rows {
            let cell = |&column: &usize| match row[column].as_str() {
                "" => "–".to_string(),
                cell => cell.to_string(),
            };
            *row = used.iter().map(cell).collect();
        }
        twin.table(&header, &rows, 1);
        if self.recording.dropped() > 0 {
            twin.line(self.dropped());
        }
        twin.end(&self.caption)
    }

    /// A lane's row in the text twin. A cell is empty if nothing happened.
    fn row(&self, index: usize, lane: &LaneRecord) -> Vec<String> {
        let (end, exited) = self.end_of(lane);
        let sums = lane.summary_until(end);
        let shaded = self.shaded(index, lane).map(|(begin, end)| end - begin);
        let last = match lane.events().last() {
            None => "never started".into(),
            Some(_) if exited => format!("after {}", human(end)),
            Some((_, Event::Panicked)) => format!("panicked after {}", human(end)),
            Some(_) => "not by itself".into(),
        };
        let count = |n: usize| if n == 0 { String::new() } else { n.to_string() };
        let time = |time: Duration| match time {
            Duration::ZERO => String::new(),
            time => human(time),
        };
        vec![
            self.names[index].clone(),
            count(sums.tasks_done),
            count(sums.tasks_unfinished),
            time(sums.working),
            time(sums.waiting),
            time(sums.holding),
            count(sums.looks),
            self.recording.reaction(index).map_or(String::new(), human),
            shaded.map_or(String::new(), human),
            count(sums.pills),
            self.notes_of(lane),
            last,
        ]
    }
}

/// What the clock of a timeline counts from.
const SINCE_FIRST: &str = "time since the first event";

/// The axis; `zero` is where the clock says zero.
fn draw_axis(canvas: &mut Canvas<'_>, time: &Time, zero: Duration, label: &str) {
    let ends = [time.from, time.to].map(|time| time.as_secs_f64() - zero.as_secs_f64());
    let seconds = Scale {
        format: Format::Seconds,
        ..Scale::default()
    };
    let axis = Axis::new(&ends, &seconds, false);
    // The axis may reach beyond the part that is shown.
    let inside = axis
        .numbers()
        .filter(|(at, _)| (ends[0]..=ends[1]).contains(at));
    let at = |seconds: f64| Duration::from_secs_f64((seconds + zero.as_secs_f64()).max(0.0));
    let ticks = inside.map(|(seconds, name)| (time.x(at(seconds)), name));
    let plot = time.plot;
    plot.ticks_across(canvas, ticks);
    plot.label_across(canvas, label);
    canvas.path(
        [(plot.left, plot.bottom), (plot.right, plot.bottom)],
        FAINT,
        1,
    );
}

fn legend_of(signs: Vec<(Sign, String)>) -> Legend<'static> {
    let mut legend = Legend::default();
    for (sign, name) in signs {
        legend.add(&name, move |canvas, at| sign.draw(canvas, at));
    }
    legend
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::recording;

    fn ms(n: u64) -> u64 {
        n * 1_000_000
    }

    fn small() -> Recording {
        use Event::*;
        recording(&[
            &[
                (0, Started),
                (ms(1), TaskTaken(41)),
                (ms(5), TaskDone(41)),
                (ms(6), FlagChecked),
                (ms(7), LockWaited),
                (ms(8), LockHeld),
                (ms(10), LockReleased),
                (ms(20), FlagSeen),
                (ms(21), Exited),
            ],
            &[
                (0, Started),
                (ms(1), TaskTaken(42)),
                (ms(12), FlagSet),
                (ms(13), Exited),
            ],
            &[(0, Started), (ms(2), TaskTaken(43)), (ms(9), FlagChecked)],
        ])
    }

    #[test]
    fn everything_that_happened_is_in_the_legend_and_nothing_else() {
        let svg = Timeline::new("T", &small()).svg().unwrap();
        for name in [
            "task, done",
            "task, taken and not done",
            "waiting for the lock",
            "holding the lock",
            "look at the flag",
            "flag seen",
            "ended by itself",
            "did not end by itself",
            "wasted work",
            ">\nflag set\n<",
            ">\n41\n<",
            "worker 2",
        ] {
            assert!(svg.contains(name), "{name} in {svg}");
        }
        assert!(!svg.contains("pill taken") && !svg.contains("terminate"));
        let calm = Timeline::new("T", &small())
            .useful_after_flag()
            .svg()
            .unwrap();
        assert!(!calm.contains("wasted"));
        let part = Timeline::new("T", &small()).between(Duration::ZERO, Duration::from_millis(10));
        let part = part.svg().unwrap();
        assert!(part.contains("\nholding the lock\n"), "{part}");
        for later in ["ended by itself", "flag seen"] {
            assert!(!part.contains(&format!("\n{later}\n")), "{later} in {part}");
        }
    }

    #[test]
    fn the_text_twin_has_the_durations() {
        let text = Timeline::new("T", &small())
            .name(0, "the seer")
            .caption("Why.")
            .text();
        assert!(text.contains("Vertical line, flag set: 12 ms.\n"), "{text}");
        let words = |lane: &str| {
            let line = text.lines().find(|line| line.starts_with(lane)).unwrap();
            line.split("  ")
                .filter(|w| !w.is_empty())
                .map(str::trim)
                .map(String::from)
                .collect::<Vec<_>>()
        };
        let header = words("lane");
        assert_eq!(
            header,
            [
                "lane",
                "tasks done",
                "not done",
                "in tasks",
                "waited for lock",
                "held lock",
                "looks at flag",
                "saw flag after",
                "wasted work",
                "ended"
            ]
        );
        assert_eq!(
            words("the seer"),
            [
                "the seer",
                "1",
                "–",
                "4 ms",
                "1 ms",
                "2 ms",
                "2",
                "8 ms",
                "8 ms",
                "after 21 ms"
            ]
        );
        // The setter wastes nothing. A worker that never looked again wastes an unknown time.
        assert_eq!(words("worker 1")[8..], ["–", "after 13 ms"]);
        assert_eq!(words("worker 2")[8..], ["–", "not by itself"]);
        assert!(text.ends_with("Why.\n"));
    }

    #[test]
    fn sixteen_lanes_of_ten_thousand_events_are_a_picture_of_bounded_size() {
        let lane: Vec<(u64, Event)> = (0..10_000u64)
            .map(|n| {
                let event = match n % 4 {
                    0 => Event::TaskTaken(n as u32 / 4),
                    1 => Event::TaskDone(n as u32 / 4),
                    2 => Event::FlagChecked,
                    _ => Event::Note(1),
                };
                (n * 1_000, event)
            })
            .collect();
        let lanes: Vec<&[(u64, Event)]> = vec![&lane; 16];
        let svg = Timeline::new("T", &recording(&lanes)).svg().unwrap();
        assert!(svg.len() < 3_000_000, "{} bytes", svg.len());
        // Half of the time was work, and that is how high the blocks are.
        assert!(svg.matches("<rect").count() < 16 * 700);
    }

    #[test]
    fn a_part_shows_what_is_in_it() {
        let part = |from, to| {
            let (from, to) = (Duration::from_millis(from), Duration::from_millis(to));
            Timeline::new("T", &small()).between(from, to).svg()
        };
        assert!(part(0, 11).unwrap().contains(">\n41\n<"));
        let late = part(11, 22).unwrap();
        assert!(!late.contains(">\n41\n<") && late.contains(">\nflag set\n<"));
        let error = part(5, 5).unwrap_err().to_string();
        assert!(error.contains("ends before it begins"), "{error}");
        assert!(part(22, 30).is_err());
        // No tick stands where its time is not.
        assert!(!part(11, 22).unwrap().contains(">\n10 ms\n<"));
    }

    #[test]
    fn tasks_that_are_never_done_are_drawn_once_where_they_would_lie_on_each_other() {
        let lane: Vec<(u64, Event)> = (0..10_000u64)
            .map(|n| (n * 1_000, Event::TaskTaken(n as u32)))
            .collect();
        let svg = Timeline::new("T", &recording(&[&lane])).svg().unwrap();
        assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
    }

    #[test]
    fn one_event_two_lines_at_one_time_and_a_long_name_have_their_place() {
        use Event::*;
        Timeline::new("T", &recording(&[&[(5, Started)]]))
            .svg()
            .unwrap();
        let both = recording(&[&[(0, Started), (ms(100), FlagSet), (ms(100), Terminated)]]);
        let svg = Timeline::new("T", &both)
            .ended("long ".repeat(60))
            .svg()
            .unwrap();
        assert!(
            svg.contains(">\nflag set\n<") && svg.contains("long…"),
            "{svg}"
        );
    }

    #[test]
    fn waste_is_charged_to_those_who_ran() {
        use Event::*;
        let late = recording(&[
            &[(0, Started), (ms(10), FlagSet), (ms(11), Exited)],
            &[(ms(30), Started), (ms(40), FlagSeen), (ms(41), Exited)],
            &[],
            &[(0, Started), (ms(1), LockWaited), (ms(50), Panicked)],
        ]);
        let text = Timeline::new("T", &late).text();
        let line = |lane: &str| text.lines().find(|line| line.starts_with(lane)).unwrap();
        assert!(
            line("worker 1").contains("30 ms") && line("worker 1").contains("10 ms"),
            "{text}"
        );
        assert!(line("worker 2").ends_with("never started"), "{text}");
        assert!(line("worker 3").contains("49 ms"), "{text}");
        assert!(line("worker 3").ends_with("panicked after 50 ms"), "{text}");
    }

    #[test]
    fn nothing_recorded_is_a_sentence() {
        let error = Timeline::new("T", &recording(&[&[], &[]]))
            .svg()
            .unwrap_err();
        assert!(error.to_string().contains("was the trace off"), "{error}");
    }
}
