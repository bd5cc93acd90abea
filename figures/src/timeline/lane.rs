use super::sign::{Sign, lost};
use crate::drawing::theme::{FAINT, ON_DARK, PAPER, TASK};
use crate::drawing::{Canvas, Plot, text_width};
use crate::trace::{LaneRecord, Span, SpanKind};
use plotters::style::RGBColor;
use std::time::Duration;

/// One lane of a timeline: tasks in its middle, the lock in a strip below them if there is one, marks above them.
pub(super) struct Lane<'r> {
    pub(super) record: &'r LaneRecord,
    /// When its worker ended, and whether by itself.
    pub(super) end: (Duration, bool),
    pub(super) top: i32,
    pub(super) height: i32,
    /// Whether there is a lock in any lane.
    pub(super) has_lock: bool,
}

/// A span at least this many pixels wide is drawn by itself; narrower ones become shares of pixel columns.
const OWN_BOX: i32 = 3;

impl Lane<'_> {
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, time: &Time) {
        let Some(first) = self.record.events().first() else {
            return;
        };
        let (end, exited) = self.end;
        let middle = self.top + self.height / 2;
        if let Some((x0, x1)) = time.span(Duration::from_nanos(first.0), end) {
            canvas.path([(x0, middle), (x1, middle)], FAINT, 1);
        }
        let spans = self.record.spans();
        self.draw_tasks(canvas, time, &spans);
        self.draw_lock(canvas, time, &spans);
        self.draw_marks(canvas, time);
        if let Some(x) = time.inside(end) {
            let sign = if exited { Sign::Exit } else { Sign::Killed };
            sign.at(canvas, (x, middle));
        }
    }

    fn draw_tasks(&self, canvas: &mut Canvas<'_>, time: &Time, spans: &[Span]) {
        let strip = if self.has_lock { 13 } else { 6 };
        let (top, bottom) = (self.top + 8, self.top + self.height - strip);
        let tasks = |wanted: bool| {
            let is_wanted = move |span: &&Span| matches!(span.kind, SpanKind::Task { done, .. } if done == wanted);
            spans.iter().filter(is_wanted).copied()
        };
        let mut strip = Strip::new(time, top, bottom);
        for (index, span) in tasks(true).enumerate() {
            let Some(to) = span.to else { continue };
            let Some((x0, x1)) = strip.draw(canvas, span.from, to, TASK[index % 2], TASK[0]) else {
                continue;
            };
            if let SpanKind::Task { number, .. } = span.kind {
                let number = number.to_string();
                if text_width(&number) + 4 <= x1 - x0 && bottom - top >= 12 {
                    canvas.number_in_box(((x0 + x1) / 2, (top + bottom) / 2), &number, ON_DARK);
                }
            }
        }
        strip.finish(canvas);
        let mut drawn = i32::MIN;
        for span in tasks(false) {
            let shown = time.span(span.from, span.to.unwrap_or(self.end.0));
            // Boxes that would lie on the one before are drawn once.
            if let Some((x0, x1)) = shown.filter(|(x0, x1)| (*x1).max(x0 + 4) > drawn) {
                drawn = x1.max(x0 + 4);
                lost(canvas, (x0, top), (drawn, bottom));
            }
        }
    }

    fn draw_lock(&self, canvas: &mut Canvas<'_>, time: &Time, spans: &[Span]) {
        let bottom = self.top + self.height;
        let (top, bottom) = (bottom - 11, bottom - 4);
        let kinds = [
            (SpanKind::WaitingForLock, Sign::Wait.colour()),
            (SpanKind::HoldingLock, Sign::Hold.colour()),
        ];
        let of = |kind: SpanKind| spans.iter().filter(move |span| span.kind == kind);
        // A span without an end gets a few pixels, although nothing says how long it lasted.
        for (kind, colour) in kinds {
            let open = of(kind).filter(|span| span.to.is_none());
            for x in open.filter_map(|span| time.inside(span.from)) {
                canvas.rect((x, top), (x + 3, bottom), colour);
            }
        }
        for (kind, colour) in kinds {
            let mut strip = Strip::new(time, top, bottom);
            for span in of(kind) {
                let to = span.to.unwrap_or(self.end.0);
                strip.draw(canvas, span.from, to, colour, colour);
            }
            strip.finish(canvas);
        }
    }

    fn draw_marks(&self, canvas: &mut Canvas<'_>, time: &Time) {
        let mut last = [i32::MIN; Sign::KINDS];
        for &(when, event) in self.record.events() {
            let x = time.inside(Duration::from_nanos(when));
            let (Some(x), Some((sign, apart))) = (x, Sign::of(event)) else {
                continue;
            };
            let last = &mut last[sign as usize];
            if x - apart >= *last {
                *last = x;
                sign.at(canvas, (x, self.top + 4));
            }
        }
    }
}

/// From times to pixels.
pub(super) struct Time {
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) plot: Plot,
}

impl Time {
    /// Where `time` lies, between the edges of the plot.
    fn place(&self, time: Duration) -> f64 {
        let time = time.clamp(self.from, self.to);
        let part = (time - self.from).as_secs_f64() / (self.to - self.from).as_secs_f64();
        f64::from(self.plot.left) + part * f64::from(self.plot.right - self.plot.left)
    }

    pub(super) fn x(&self, time: Duration) -> i32 {
        self.place(time).round() as i32
    }

    fn inside(&self, time: Duration) -> Option<i32> {
        (self.from <= time && time <= self.to).then(|| self.x(time))
    }

    /// The pixels of a stretch of time, if any of it is shown.
    pub(super) fn span(&self, from: Duration, to: Duration) -> Option<(i32, i32)> {
        (from <= self.to && to >= self.from).then(|| (self.x(from), self.x(to)))
    }
}

/// A strip of a lane that may be crowded. A wide span has a box of its own. Narrow spans are drawn as the share of each pixel column that
/// they fill, like the load of a processor.
struct Strip<'t> {
    time: &'t Time,
    top: i32,
    bottom: i32,
    /// The share of each pixel column.
    shares: Vec<f64>,
    /// The colour of the narrow ones, if there are any.
    narrow: Option<RGBColor>,
}

impl<'t> Strip<'t> {
    fn new(time: &'t Time, top: i32, bottom: i32) -> Strip<'t> {
        Strip {
            time,
            top,
            bottom,
            shares: vec![0.0; (time.plot.right - time.plot.left + 1) as usize],
            narrow: None,
        }
    }

    /// Draws a wide span, in `colour`, and returns where it lies; adds a narrow one, in the colour `narrow`, to the shares.
    fn draw(
        &mut self,
        canvas: &mut Canvas<'_>,
        from: Duration,
        to: Duration,
        colour: RGBColor,
        narrow: RGBColor,
    ) -> Option<(i32, i32)> {
        let (x0, x1) = self.time.span(from, to)?;
        if x1 - x0 >= OWN_BOX {
            canvas.rect((x0, self.top), (x1, self.bottom), colour);
            canvas.path([(x0, self.top), (x0, self.bottom)], PAPER, 1);
            return Some((x0, x1));
        }
        self.narrow.get_or_insert(narrow);
        let (mut at, to) = (self.time.place(from), self.time.place(to));
        loop {
            let next = (at.floor() + 1.0).min(to);
            let column = at.floor() as i32 - self.time.plot.left;
            if let Some(share) = self.shares.get_mut(column as usize) {
                *share += next - at;
            }
            if next >= to {
                return None;
            }
            at = next;
        }
    }

    /// Draws the narrow spans. Neighbours of the same height are one rectangle.
    fn finish(self, canvas: &mut Canvas<'_>) {
        let Some(colour) = self.narrow else {
            return;
        };
        let full = f64::from(self.bottom - self.top);
        let height = |share: &f64| match share.min(1.0) {
            0.0 => 0,
            // At least as much as can be seen, since something was there.
            share => (share * full).round().max(2.0) as i32,
        };
        let heights: Vec<i32> = self.shares.iter().map(height).collect();
        let mut left = self.time.plot.left;
        for run in heights.chunk_by(|a, b| a == b) {
            let right = left + run.len() as i32;
            if run[0] > 0 {
                canvas.rect((left, self.bottom - run[0]), (right, self.bottom), colour);
            }
            left = right;
        }
    }
}
