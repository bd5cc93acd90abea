use super::axis::Axis;
use super::canvas::{
    self, Align, Canvas, FAINT, GRID, INK, LINE, MARGIN, PAPER, TEXT, WIDTH, colour, text_width,
};
use super::theme::{ON_DARK, TASK, WASTED};
use super::{FigureError, Format, contents};
use crate::{Event, LaneRecord, Recording, Span, SpanKind};
use labsupport::cell::{self, Show};
use labsupport::internal::thousands;
use labsupport::measure::human;
use plotters::prelude::RGBColor;
use std::time::Duration;

/// What each worker did, and when: a lane for each, with its tasks, its waits for the lock, its looks at the flag and its end.
///
/// However many events there are, the picture stays readable: what is narrower than a few pixels is drawn as a share of each pixel
/// column, and marks that would lie on each other are drawn once. The text twin has the durations.
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
    caption: String,
}

const LOST: usize = 1;
const WAIT: usize = 4;
const HOLD: usize = 2;
const PILL: usize = 3;

/// A span at least so many pixels wide is drawn by itself; narrower ones become shares of pixel columns.
const OWN_RECT: i32 = 3;

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
            caption: String::new(),
        }
    }

    /// Gives lane `index` another name.
    ///
    /// # Panics
    /// There is no lane `index`.
    pub fn name(mut self, index: usize, name: impl Into<String>) -> Timeline {
        let lanes = self.names.len();
        assert!(
            index < lanes,
            "there is no lane {index}: the recording has {lanes}."
        );
        self.names[index] = name.into();
        self
    }

    /// Says what [`Event::Note`] with this number means.
    pub fn note(mut self, number: u32, meaning: impl Into<String>) -> Timeline {
        self.notes.push((number, meaning.into()));
        self
    }

    /// Shows a part only: from `from` to `to`, counted from the recording's first event.
    pub fn between(mut self, from: Duration, to: Duration) -> Timeline {
        self.between = Some((from, to));
        self
    }

    /// What the time of a worker is called from the moment the flag was set until it saw it. Without this it is `wasted work`.
    pub fn after_flag(mut self, name: impl Into<String>) -> Timeline {
        self.shade = Some(name.into());
        self
    }

    /// Shades nothing after the flag: there the work in hand is still wanted.
    pub fn useful_after_flag(mut self) -> Timeline {
        self.shade = None;
        self
    }

    /// What the upright line at [`Event::Terminated`] is called. Without this it is `terminate`.
    pub fn ended(mut self, name: impl Into<String>) -> Timeline {
        self.ended = name.into();
        self
    }

    /// A sentence or two below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> Timeline {
        self.caption = caption.into();
        self
    }

    /// The lanes that are drawn: all workers, and the parent if it did anything that is drawn in its lane.
    fn lanes(&self) -> Vec<(usize, &LaneRecord)> {
        let lanes = self.recording.lanes().iter().enumerate();
        lanes
            .filter(|(_, lane)| {
                // What the parent does to all of them is an upright line.
                let upright = |e: &Event| {
                    use Event::*;
                    matches!(e, FlagSet | Terminated | Started | Exited)
                };
                lane.name() != "parent" || lane.events().iter().any(|(_, event)| !upright(event))
            })
            .collect()
    }

    /// Until when a worker ran that left no `Exited` behind: until it was ended, or else until nobody knows.
    fn end_of(&self, lane: &LaneRecord) -> (Duration, bool) {
        let last = lane
            .events()
            .last()
            .map_or(Duration::ZERO, |e| Duration::from_nanos(e.0));
        match lane.events().last() {
            Some((_, Event::Exited)) => return (last, true),
            Some((_, Event::Panicked)) => return (last, false),
            _ => {}
        }
        // The killed may have recorded something before the signal reached them.
        let ended = self.recording.terminated().unwrap_or(last).max(last);
        (ended, false)
    }

    /// The part of a lane after the flag was set and before it was seen.
    fn shaded(&self, index: usize, lane: &LaneRecord) -> Option<(Duration, Duration)> {
        let set = self.recording.flag_set().filter(|_| self.shade.is_some())?;
        let setter = lane.events().iter().any(|(_, e)| *e == Event::FlagSet);
        // Who never started wasted nothing, and who started later began later.
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

    /// The upright lines from `from` to `to`: when, and their names.
    fn uprights(&self, from: Duration, to: Duration) -> Vec<(Duration, &str)> {
        let set = self.recording.flag_set().map(|time| (time, "flag set"));
        let ended = self.recording.terminated();
        let ended = ended.map(|time| (time, self.ended.as_str()));
        let both = set.into_iter().chain(ended);
        both.filter(|(time, _)| (from..=to).contains(time))
            .collect()
    }

    /// Whether anything `wanted` happened, in whichever lane.
    fn any_event(&self, wanted: impl Fn(Event) -> bool) -> bool {
        let mut events = self.recording.lanes().iter().flat_map(LaneRecord::events);
        events.any(|&(_, event)| wanted(event))
    }

    fn has_lock(&self) -> bool {
        self.any_event(|event| matches!(event, Event::LockWaited | Event::LockHeld))
    }

    /// From when to when the figure goes.
    fn range(&self) -> (Duration, Duration) {
        let end = self.recording.end();
        match self.between {
            Some((from, to)) => (from, to.min(end)),
            // One event alone has no length.
            None => (Duration::ZERO, end.max(Duration::from_nanos(1))),
        }
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// No event, or a part of the time with no length.
    pub fn svg(&self) -> Result<String, FigureError> {
        let empty = |what| FigureError::Empty {
            title: self.title.clone(),
            what,
        };
        if !self.any_event(|_| true) {
            return Err(empty(
                "an event: was the trace off, or read before the workers ran?",
            ));
        }
        let (from, to) = self.range();
        if from >= to {
            return Err(empty(
                "a part with some time in it: this one ends before it begins, or begins after the last event",
            ));
        }
        let lanes = self.lanes();
        let shown: Vec<&str> = lanes.iter().map(|(i, _)| self.names[*i].as_str()).collect();
        let widest = shown.iter().map(|name| text_width(name)).max();
        let mut axis = Axis::new(
            &[from.as_secs_f64(), to.as_secs_f64()],
            false,
            Format::Seconds,
            false,
        );
        // The axis may reach beyond the part that is shown.
        (axis.ticks).retain(|(at, _)| (from.as_secs_f64()..=to.as_secs_f64()).contains(at));
        let lane_height = if lanes.len() <= 8 { 40 } else { 26 };
        let left = MARGIN + widest.unwrap_or(0).min(WIDTH / 4) + 10;
        let right = WIDTH - MARGIN - 16;
        // Above the lanes there is a line for the name of each upright line.
        let top = canvas::top(&self.title) + LINE * self.uprights(from, to).len() as i32;
        let bottom = top + lane_height * lanes.len() as i32;
        let legend = bottom + 2 * LINE + 14;
        let signs = self.signs();
        let names: Vec<&str> = signs.iter().map(|(_, name)| name.as_str()).collect();
        let (names, widths) = canvas::legend(&names);
        let (places, rows) = canvas::flow(&widths);
        let below = legend + rows * LINE + 6;
        let mut words = self.caption.clone();
        if self.recording.dropped() > 0 {
            words.push_str(&format!(" {}", self.dropped()));
        }
        let caption = canvas::wrap(&words);
        let height = below + caption.len() as i32 * LINE + MARGIN;
        let scale = Scale {
            from,
            to,
            left,
            right,
        };

        canvas::svg(height, &self.title, &self.text(), |canvas| {
            for (row, (index, lane)) in lanes.iter().enumerate() {
                if let Some((begin, end)) = self.shaded(*index, lane)
                    && let Some((x0, x1)) = scale.span(begin, end)
                {
                    let y = top + lane_height * row as i32;
                    canvas.rect((x0, y + 1), (x1, y + lane_height - 1), WASTED, true)?;
                }
            }
            let x_of = |place: f64| scale.x(Duration::from_secs_f64(place.max(0.0)));
            for (place, _) in &axis.ticks {
                canvas.path([(x_of(*place), top), (x_of(*place), bottom)], GRID, 1)?;
            }
            let ticks = axis.ticks.iter();
            canvas.tick_names(
                bottom + 7,
                ticks.map(|(place, name)| (x_of(*place), name.as_str())),
            )?;
            canvas.text(
                ((left + right) / 2, bottom + LINE + 8),
                "time since the first event",
                TEXT,
                INK,
                Align::Centre,
            )?;
            canvas.path([(left, bottom), (right, bottom)], FAINT, 1)?;
            for (row, (index, lane)) in lanes.iter().enumerate() {
                let y = top + lane_height * row as i32;
                let name = canvas::fit(&self.names[*index], WIDTH / 4);
                canvas.text_middle(
                    (left - 8, y + lane_height / 2),
                    &name,
                    TEXT,
                    INK,
                    Align::Right,
                )?;
                canvas.path([(left, y), (right, y)], GRID, 1)?;
                self.draw_lane(canvas, &scale, lane, y, lane_height)?;
            }
            self.draw_uprights(canvas, &scale, top, bottom)?;
            for ((sign, _), (name, (x, row))) in signs.iter().zip(names.iter().zip(places)) {
                let y = legend + row * LINE + LINE / 2;
                sign.draw(canvas, (x, y))?;
                canvas.text_middle((x + 36, y), name, TEXT, INK, Align::Left)?;
            }
            canvas.caption(below, &caption)
        })
    }

    fn draw_lane(
        &self,
        canvas: &Canvas<'_>,
        scale: &Scale,
        lane: &LaneRecord,
        y: i32,
        height: i32,
    ) -> Result<(), FigureError> {
        let Some(first) = lane.events().first() else {
            return Ok(());
        };
        let begin = Duration::from_nanos(first.0);
        let (end, exited) = self.end_of(lane);
        let middle = y + height / 2;
        if let Some((x0, x1)) = scale.span(begin, end) {
            canvas.path([(x0, middle), (x1, middle)], FAINT, 1)?;
        }

        let spans = lane.spans();
        let of = |wanted: fn(&SpanKind) -> bool| {
            let spans = spans.iter().filter(move |span| wanted(&span.kind));
            spans.copied()
        };
        // Tasks in the middle of the lane, the lock in a strip below them if there is one, marks above them.
        let strip = if self.has_lock() { 13 } else { 6 };
        let (task_top, task_bottom) = (y + 8, y + height - strip);
        let done = of(|kind| matches!(kind, SpanKind::Task { done: true, .. }));
        dense(
            canvas,
            scale,
            done,
            (task_top, task_bottom),
            &|i, _| TASK[i % 2],
            true,
        )?;
        let open = of(|kind| matches!(kind, SpanKind::Task { done: false, .. }));
        let mut drawn = i32::MIN;
        for span in open {
            if let Some((x0, x1)) = scale.span(span.from, span.to.unwrap_or(end)) {
                // What would lie on the box before it is drawn once.
                if x1.max(x0 + 4) > drawn {
                    drawn = x1.max(x0 + 4);
                    lost(canvas, (x0, task_top), (drawn, task_bottom))?;
                }
            }
        }
        let (lock_top, lock_bottom) = (y + height - 11, y + height - 4);
        let closed = |span: Span| Span {
            to: span.to.or(Some(end)),
            ..span
        };
        // One without an end has a few pixels, even if nobody knows for how long.
        for (kind, index) in [
            (SpanKind::WaitingForLock, WAIT),
            (SpanKind::HoldingLock, HOLD),
        ] {
            let open = spans.iter().filter(|s| s.to.is_none() && s.kind == kind);
            for x in open.filter_map(|span| scale.inside(span.from)) {
                canvas.rect((x, lock_top), (x + 3, lock_bottom), colour(index), true)?;
            }
        }
        let waits = of(|kind| *kind == SpanKind::WaitingForLock).map(closed);
        dense(
            canvas,
            scale,
            waits,
            (lock_top, lock_bottom),
            &|_, _| colour(WAIT),
            false,
        )?;
        let holds = of(|kind| *kind == SpanKind::HoldingLock).map(closed);
        dense(
            canvas,
            scale,
            holds,
            (lock_top, lock_bottom),
            &|_, _| colour(HOLD),
            false,
        )?;

        let mut last = [i32::MIN; 4];
        for &(time, event) in lane.events() {
            let Some(x) = scale.inside(Duration::from_nanos(time)) else {
                continue;
            };
            let (row, apart) = match event {
                Event::FlagChecked => (0, 2),
                Event::FlagSeen => (1, 5),
                Event::PillTaken => (2, 5),
                Event::Note(_) => (3, 5),
                _ => continue,
            };
            if x - apart < last[row] {
                continue;
            }
            last[row] = x;
            Sign::of(event).at(canvas, (x, y + 4))?;
        }
        let Some(x) = scale.inside(end) else {
            return Ok(());
        };
        if exited {
            Sign::Exit.at(canvas, (x, middle))
        } else {
            Sign::Killed.at(canvas, (x, middle))
        }
    }

    fn draw_uprights(
        &self,
        canvas: &Canvas<'_>,
        scale: &Scale,
        top: i32,
        bottom: i32,
    ) -> Result<(), FigureError> {
        let uprights = self.uprights(scale.from, scale.to);
        for (row, (time, name)) in uprights.iter().enumerate() {
            let (x, y) = (scale.x(*time), top - LINE * (row as i32 + 1));
            canvas.path([(x, y + LINE - 3), (x, bottom)], INK, 2)?;
            let name = canvas::fit(name, WIDTH / 2);
            let half = text_width(&name) / 2;
            let middle = x.clamp(MARGIN + half, WIDTH - MARGIN - half);
            canvas.text((middle, y), &name, TEXT, INK, Align::Centre)?;
        }
        Ok(())
    }

    /// The legend: what occurs in the part that is shown, and no more.
    fn signs(&self) -> Vec<(Sign, String)> {
        let lanes = self.lanes();
        let (from, to) = self.range();
        let is_shown = |time: Duration| (from..=to).contains(&time);
        let spans = lanes.iter().flat_map(|(_, lane)| lane.spans());
        let spans: Vec<Span> = spans
            .filter(|span| span.from <= to && span.to.is_none_or(|end| end >= from))
            .collect();
        let lanes_of_all = self.recording.lanes();
        let events = || {
            let all = lanes_of_all.iter().flat_map(LaneRecord::events);
            all.filter(|(time, _)| is_shown(Duration::from_nanos(*time)))
                .map(|&(_, event)| event)
        };
        // How those whose end is shown have ended.
        let ends: Vec<bool> = (lanes.iter())
            .filter(|(_, lane)| !lane.events().is_empty())
            .map(|(_, lane)| self.end_of(lane))
            .filter(|(end, _)| is_shown(*end))
            .map(|(_, by_itself)| by_itself)
            .collect();
        let any_span = |wanted: &dyn Fn(SpanKind) -> bool| spans.iter().any(|s| wanted(s.kind));
        let mut signs: Vec<(Sign, String)> = Vec::new();
        let mut add = |occurs: bool, sign: Sign, name: &str| {
            if occurs {
                signs.push((sign, name.into()));
            }
        };
        let task = |wanted: bool| {
            any_span(&|kind| matches!(kind, SpanKind::Task { done, .. } if done == wanted))
        };
        add(task(true), Sign::Task, "task, done");
        add(task(false), Sign::Lost, "task, taken and not done");
        add(
            any_span(&|k| k == SpanKind::WaitingForLock),
            Sign::Wait,
            "waiting for the lock",
        );
        add(
            any_span(&|k| k == SpanKind::HoldingLock),
            Sign::Hold,
            "holding the lock",
        );
        add(
            events().any(|e| e == Event::FlagChecked),
            Sign::Check,
            "look at the flag",
        );
        add(
            events().any(|e| e == Event::FlagSeen),
            Sign::Seen,
            "flag seen",
        );
        add(
            events().any(|e| e == Event::PillTaken),
            Sign::Pill,
            "pill taken",
        );
        add(ends.contains(&true), Sign::Exit, "came to its end");
        add(
            ends.contains(&false),
            Sign::Killed,
            "did not come to its end",
        );
        let shaded = lanes
            .iter()
            .any(|(i, lane)| self.shaded(*i, lane).is_some());
        add(shaded, Sign::Wasted, self.shade.as_deref().unwrap_or(""));
        let mut numbers: Vec<u32> = events()
            .filter_map(|event| match event {
                Event::Note(number) => Some(number),
                _ => None,
            })
            .collect();
        numbers.sort();
        numbers.dedup();
        if !numbers.is_empty() {
            let names: Vec<String> = numbers.iter().map(|&n| self.meaning(n)).collect();
            let names = names.join(", ");
            add(true, Sign::Note, &names);
        }
        signs
    }

    /// What a lane noted, and how often.
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
            "{} older events were overwritten: make the trace with_capacity for more.",
            thousands(self.recording.dropped() as i64)
        )
    }

    /// The text twin: when the flag was set, and for each lane its durations.
    pub fn text(&self) -> String {
        let (from, to) = self.range();
        let mut text = format!(
            "{}\nA lane for each worker, time from {} to {} across.\n",
            self.title,
            human(from),
            human(to)
        );
        if let Some(set) = self.recording.flag_set() {
            text.push_str(&format!("Upright line, flag set: {}.\n", human(set)));
        }
        if let Some(ended) = self.recording.terminated() {
            text.push_str(&format!(
                "Upright line, {}: {}.\n",
                self.ended,
                human(ended)
            ));
        }
        let time = |duration: Duration| {
            if duration.is_zero() {
                String::new()
            } else {
                human(duration)
            }
        };
        let count = |n: usize| if n == 0 { String::new() } else { n.to_string() };
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
        let rows: Vec<Vec<String>> = (self.lanes().iter())
            .map(|(index, lane)| {
                let (end, exited) = self.end_of(lane);
                let sums = lane.summary_until(end);
                let shaded = self.shaded(*index, lane);
                let last = match lane.events().len() {
                    0 => "never started".into(),
                    _ if exited => format!("after {}", human(end)),
                    _ if matches!(lane.events().last(), Some((_, Event::Panicked))) => {
                        format!("panicked after {}", human(end))
                    }
                    _ => "not by itself".into(),
                };
                vec![
                    self.names[*index].clone(),
                    count(sums.tasks_done),
                    count(sums.tasks_unfinished),
                    time(sums.working),
                    time(sums.waiting),
                    time(sums.holding),
                    count(sums.looks),
                    self.recording.reaction(*index).map_or(String::new(), human),
                    shaded.map_or(String::new(), |(begin, end)| human(end - begin)),
                    count(sums.pills),
                    self.notes_of(lane),
                    last,
                ]
            })
            .collect();
        if self.between.is_some() {
            text.push_str("The durations are those of the whole recording.\n");
        }
        // A column in which nothing happened tells nothing.
        let used: Vec<usize> = (0..header.len())
            .filter(|&column| rows.iter().any(|row| !row[column].is_empty()))
            .collect();
        let header: Vec<&str> = used.iter().map(|&column| header[column]).collect();
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|row| {
                let cell = |&column: &usize| match row[column].as_str() {
                    "" => "–".to_string(),
                    cell => cell.to_string(),
                };
                used.iter().map(cell).collect()
            })
            .collect();
        text.push_str(&cell::table(&header, &rows, 1).1);
        if self.recording.dropped() > 0 {
            text.push_str(&format!("{}\n", self.dropped()));
        }
        if !self.caption.is_empty() {
            text.push_str(&format!("{}\n", self.caption));
        }
        text
    }

    /// Shows picture and text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Timeline {
    fn contents(&self) -> Vec<(&'static str, String)> {
        contents(self.svg(), self.text())
    }
}

/// From times to pixels.
struct Scale {
    from: Duration,
    to: Duration,
    left: i32,
    right: i32,
}

impl Scale {
    /// Where `time` lies, between the edges.
    fn place(&self, time: Duration) -> f64 {
        let time = time.clamp(self.from, self.to);
        let part = (time - self.from).as_secs_f64() / (self.to - self.from).as_secs_f64();
        f64::from(self.left) + part * f64::from(self.right - self.left)
    }

    fn x(&self, time: Duration) -> i32 {
        self.place(time).round() as i32
    }

    fn inside(&self, time: Duration) -> Option<i32> {
        (self.from <= time && time <= self.to).then(|| self.x(time))
    }

    /// The pixels of a stretch of time, if any of it is shown.
    fn span(&self, from: Duration, to: Duration) -> Option<(i32, i32)> {
        (from <= self.to && to >= self.from).then(|| (self.x(from), self.x(to)))
    }
}

/// Draws spans that have an end: wide ones each by itself, with its task's number where that fits; narrow ones as the share of
/// each pixel column that they fill, like the load of a processor.
fn dense(
    canvas: &Canvas<'_>,
    scale: &Scale,
    spans: impl Iterator<Item = Span>,
    (top, bottom): (i32, i32),
    fill: &dyn Fn(usize, Span) -> RGBColor,
    numbered: bool,
) -> Result<(), FigureError> {
    let mut columns = vec![0.0f64; (scale.right - scale.left + 1) as usize];
    let mut narrow = None;
    for (index, span) in spans.enumerate() {
        let Some(to) = span.to else { continue };
        if scale.span(span.from, to).is_none() {
            continue;
        }
        let (from, to) = (scale.place(span.from), scale.place(to));
        let (x0, x1) = (from.round() as i32, to.round() as i32);
        if x1 - x0 >= OWN_RECT {
            canvas.rect((x0, top), (x1, bottom), fill(index, span), true)?;
            canvas.path([(x0, top), (x0, bottom)], PAPER, 1)?;
            if let SpanKind::Task { number, .. } = span.kind
                && numbered
            {
                let number = number.to_string();
                if text_width(&number) + 4 <= x1 - x0 && bottom - top >= 12 {
                    let at = ((x0 + x1) / 2, (top + bottom) / 2);
                    canvas.text_middle(at, &number, TEXT - 1, ON_DARK, Align::Centre)?;
                }
            }
        } else {
            narrow = narrow.or(Some(fill(0, span)));
            let mut at = from;
            loop {
                let next = (at.floor() + 1.0).min(to);
                let column = at.floor() as i32 - scale.left;
                if let Some(share) = columns.get_mut(column as usize) {
                    *share += next - at;
                }
                if next >= to {
                    break;
                }
                at = next;
            }
        }
    }
    let Some(colour) = narrow else {
        return Ok(());
    };
    // Neighbours of the same height are one rectangle.
    let height = |share: f64| {
        let full = f64::from(bottom - top);
        // The least that can be seen: something was there.
        if share > 0.0 {
            (share.min(1.0) * full).round().max(2.0) as i32
        } else {
            0
        }
    };
    let mut start = 0;
    for column in 1..=columns.len() {
        let same = columns
            .get(column)
            .is_some_and(|&s| height(s) == height(columns[start]));
        if !same {
            let high = height(columns[start]);
            if high > 0 {
                let (x0, x1) = (scale.left + start as i32, scale.left + column as i32);
                canvas.rect((x0, bottom - high), (x1, bottom), colour, true)?;
            }
            start = column;
        }
    }
    Ok(())
}

/// A task that was not done: an open box with slanting lines.
fn lost(
    canvas: &Canvas<'_>,
    (x0, y0): (i32, i32),
    (x1, y1): (i32, i32),
) -> Result<(), FigureError> {
    canvas.rect((x0, y0), (x1, y1), PAPER, true)?;
    let height = y1 - y0;
    let mut start = x0 - height;
    while start < x1 {
        let (from, to) = (start.max(x0), (start + height).min(x1));
        if from < to {
            let ends = [(from, y1 - (from - start)), (to, y1 - (to - start))];
            canvas.path(ends, colour(LOST), 1)?;
        }
        start += 6;
    }
    let frame = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)];
    canvas.path(frame, colour(LOST), 2)
}

/// The things that a timeline is made of, as its legend shows them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Task,
    Lost,
    Wait,
    Hold,
    Check,
    Seen,
    Pill,
    Note,
    Exit,
    Killed,
    Wasted,
}

impl Sign {
    /// The mark of an event that has one.
    fn of(event: Event) -> Sign {
        match event {
            Event::FlagChecked => Sign::Check,
            Event::FlagSeen => Sign::Seen,
            Event::PillTaken => Sign::Pill,
            _ => Sign::Note,
        }
    }

    /// A mark whose place is one moment.
    fn at(self, canvas: &Canvas<'_>, (x, y): (i32, i32)) -> Result<(), FigureError> {
        match self {
            Sign::Check => canvas.path([(x, y - 2), (x, y + 3)], INK, 1),
            Sign::Seen => canvas.polygon([(x - 5, y - 3), (x + 5, y - 3), (x, y + 5)], INK),
            Sign::Pill => canvas.circle((x, y + 1), 4, colour(PILL), true),
            Sign::Note => canvas.polygon(
                [(x, y - 3), (x + 4, y + 1), (x, y + 5), (x - 4, y + 1)],
                FAINT,
            ),
            Sign::Exit => canvas.path([(x, y - 7), (x, y + 7)], INK, 3),
            Sign::Killed => {
                canvas.path([(x - 5, y - 5), (x + 5, y + 5)], colour(LOST), 3)?;
                canvas.path([(x - 5, y + 5), (x + 5, y - 5)], colour(LOST), 3)
            }
            _ => Ok(()),
        }
    }

    /// The sign before a name of the legend.
    fn draw(self, canvas: &Canvas<'_>, (x, y): (i32, i32)) -> Result<(), FigureError> {
        let strip = |colour| canvas.rect((x, y - 4), (x + 28, y + 3), colour, true);
        match self {
            Sign::Task => canvas.rect((x, y - 8), (x + 28, y + 8), TASK[0], true),
            Sign::Lost => lost(canvas, (x, y - 8), (x + 28, y + 8)),
            Sign::Wait => strip(colour(WAIT)),
            Sign::Hold => strip(colour(HOLD)),
            Sign::Wasted => canvas.rect((x, y - 8), (x + 28, y + 8), WASTED, true),
            mark => mark.at(canvas, (x + 14, y)),
        }
    }
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
            "came to its end",
            "did not come to its end",
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
        for later in ["came to its end", "flag seen"] {
            assert!(!part.contains(&format!("\n{later}\n")), "{later} in {part}");
        }
    }

    #[test]
    fn the_text_twin_has_the_durations() {
        let text = Timeline::new("T", &small())
            .name(0, "the seer")
            .caption("Why.")
            .text();
        assert!(text.contains("Upright line, flag set: 12 ms.\n"), "{text}");
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
        // The setter wastes nothing; the one who never looked again is wasting until nobody knows.
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
