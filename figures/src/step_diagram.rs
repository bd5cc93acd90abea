use crate::drawing::theme::{FAINT, GRID, INK, PAPER, SHADE, colour};
use crate::drawing::{Align, Canvas, LINE, Layout, MARGIN, Plot, Point, Twin, WIDTH};
use crate::drawing::{fit, text_width, widest};
use crate::error::FigureError;
use labsupport::internal::thousands;
use plotters::style::RGBColor;

/// Who did what, one step after the other: a lane for each worker, time running downwards, and the words of memory after each step.
///
/// A lane ends with a bar after its last step. It is thick while its worker holds the lock. A word that a step changed is written dark on
/// grey. A marked row has a frame, with the reason in it.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let figure = StepDiagram::new("A lost update")
///     .lanes(["A", "B"])
///     .words([("sum", 0)])
///     .step(0, "read 0", [0])
///     .step(1, "read 0", [0])
///     .step(0, "write 1", [1])
///     .step(1, "write 1", [1])
///     .mark("broken: both count");
/// assert!(figure.svg()?.starts_with("<svg"));
/// assert!(figure.text().contains("Step 4: broken: both count."));
/// # Ok::<(), FigureError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StepDiagram {
    title: String,
    lanes: Vec<String>,
    words: Vec<String>,
    start: Vec<u64>,
    rows: Vec<Row>,
    /// The lanes that never end.
    waiting: Vec<usize>,
    caption: String,
}

#[derive(Clone, Debug)]
struct Row {
    lane: usize,
    name: String,
    values: Vec<u64>,
    /// In nanoseconds.
    time: Option<u64>,
    /// The lane whose worker holds the lock after this step.
    holder: Option<usize>,
    marks: Vec<String>,
}

/// The colour of marks, vermilion. No lane has it.
const ALARM: usize = 1;
/// Between a box and the ends of its row.
const GAP: i32 = 5;
/// The height of a line of text in a box.
const TIGHT: i32 = 15;
/// The column of the steps' numbers.
const NUMBERS: i32 = 34;

impl StepDiagram {
    /// A figure without lanes, words and steps.
    pub fn new(title: impl Into<String>) -> StepDiagram {
        StepDiagram {
            title: title.into(),
            lanes: Vec::new(),
            words: Vec::new(),
            start: Vec::new(),
            rows: Vec::new(),
            waiting: Vec::new(),
            caption: String::new(),
        }
    }

    /// The lanes' names, from the left.
    ///
    /// # Panics
    /// There are steps already.
    pub fn lanes<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> StepDiagram {
        self.assert_no_steps("lanes");
        self.lanes = names.into_iter().map(Into::into).collect();
        self
    }

    fn assert_no_steps(&self, what: &str) {
        assert!(
            self.rows.is_empty(),
            "name the {what} before the first step: every step gives values for all of them."
        );
    }

    /// The words of memory that are shown, and their values at the start.
    ///
    /// # Panics
    /// There are steps already.
    pub fn words<S: Into<String>>(
        mut self,
        words: impl IntoIterator<Item = (S, u64)>,
    ) -> StepDiagram {
        self.assert_no_steps("words");
        let words = words.into_iter().map(|(name, value)| (name.into(), value));
        (self.words, self.start) = words.unzip();
        self
    }

    /// Adds a step of `lane`: its name, and the values of the words after it.
    ///
    /// # Panics
    /// There is no such lane, or the number of values is not the number of words.
    ///
    /// # Examples
    /// ```should_panic
    /// use figures::prelude::*;
    /// // There are two words, so a step needs two values.
    /// let _ = StepDiagram::new("T").lanes(["A"]).words([("x", 0), ("y", 0)]).step(0, "write", [1]);
    /// ```
    pub fn step(
        mut self,
        lane: usize,
        name: impl Into<String>,
        values: impl IntoIterator<Item = u64>,
    ) -> StepDiagram {
        self.assert_lane(lane);
        let (name, values) = (name.into(), Vec::from_iter(values));
        let (given, words) = (values.len(), self.words.len());
        assert!(
            given == words,
            "step {name:?} has {given} values, but the diagram has {words} words: give one value for each word."
        );
        self.rows.push(Row {
            lane,
            name,
            values,
            time: None,
            holder: None,
            marks: Vec::new(),
        });
        self
    }

    /// Says that `lane` holds the lock after the last step.
    ///
    /// # Panics
    /// There is no step yet, or no such lane.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let figure = StepDiagram::new("Locked")
    ///     .lanes(["A"])
    ///     .step(0, "lock", [])
    ///     .held_by(0)
    ///     .step(0, "unlock", []);
    /// assert!(figure.svg().is_ok());
    /// ```
    pub fn held_by(mut self, lane: usize) -> StepDiagram {
        self.assert_lane(lane);
        self.last().holder = Some(lane);
        self
    }

    /// Says when the last step was, in nanoseconds of a clock that all workers share.
    ///
    /// # Panics
    /// There is no step yet.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let figure = StepDiagram::new("Measured")
    ///     .lanes(["A", "B"])
    ///     .step(0, "look", [])
    ///     .at(0)
    ///     .step(1, "look", [])
    ///     .at(1250);
    /// assert!(figure.svg()?.contains("1,250"));
    /// # Ok::<(), FigureError>(())
    /// ```
    pub fn at(mut self, nanoseconds: u64) -> StepDiagram {
        self.last().time = Some(nanoseconds);
        self
    }

    /// Marks the last step and says why. A step may have several marks.
    ///
    /// # Panics
    /// There is no step yet.
    pub fn mark(mut self, why: impl Into<String>) -> StepDiagram {
        self.last().marks.push(why.into());
        self
    }

    /// Says that `lane` never ends: its worker waits for the lock forever.
    ///
    /// # Panics
    /// There is no such lane.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let figure = StepDiagram::new("Forgotten")
    ///     .lanes(["A", "B"])
    ///     .step(0, "lock", [])
    ///     .held_by(0)
    ///     .waits(1);
    /// assert!(figure.text().contains("B waits forever."));
    /// ```
    pub fn waits(mut self, lane: usize) -> StepDiagram {
        self.assert_lane(lane);
        self.waiting.push(lane);
        self
    }

    /// A sentence or two to stand below the figure.
    pub fn caption(mut self, caption: impl Into<String>) -> StepDiagram {
        self.caption = caption.into();
        self
    }

    fn assert_lane(&self, lane: usize) {
        let lanes = self.lanes.len();
        assert!(
            lane < lanes,
            "there is no lane {lane}: the diagram has {lanes} lanes, counted from 0."
        );
    }

    fn last(&mut self) -> &mut Row {
        let last = self.rows.last_mut();
        last.expect("there is no step yet: add one with .step(lane, name, values) first.")
    }

    /// The values before the step of row `index`.
    fn before(&self, index: usize) -> &[u64] {
        index
            .checked_sub(1)
            .map_or(&self.start, |before| &self.rows[before].values)
    }

    /// The picture, 720 pixels wide.
    ///
    /// # Errors
    /// There is no step.
    pub fn svg(&self) -> Result<String, FigureError> {
        if self.rows.is_empty() {
            return Err(FigureError::empty(&self.title, "a step"));
        }
        let mut caption = self.caption.clone();
        if self.has_lock() {
            caption.push_str(" A lane is thick while its worker holds the lock.");
        }
        let places = Places::of(self);
        Layout::new(&self.title, places.end)
            .above(-4)
            .without_axis()
            .caption(&caption)
            .svg(&self.text(), |canvas, plot| {
                let places = places.below(plot);
                self.draw_words(canvas, &places);
                self.draw_lanes(canvas, &places);
                for (index, row) in self.rows.iter().enumerate() {
                    self.draw_row(canvas, &places, index, row);
                }
            })
    }

    fn has_lock(&self) -> bool {
        self.rows.iter().any(|row| row.holder.is_some())
    }

    fn has_times(&self) -> bool {
        self.rows.iter().any(|row| row.time.is_some())
    }

    /// The words' names, their values at the start, and a line between the rows.
    fn draw_words(&self, canvas: &mut Canvas<'_>, places: &Places) {
        let middle = places.start + LINE / 2;
        if self.has_times() {
            let at = (places.lanes_left - GAP, places.head);
            canvas.text(at, "ns", INK, Align::Right);
        }
        canvas.text_middle((MARGIN + 2, middle), "start", FAINT, Align::Left);
        for (word, name) in self.words.iter().enumerate() {
            let (left, right) = places.word(word);
            let name = roomy(name, right - left - 4);
            let at = ((left + right) / 2, places.head);
            canvas.text(at, &name, INK, Align::Center);
            let value = roomy(&self.start[word].to_string(), right - left - 4);
            let at = ((left + right) / 2, middle);
            canvas.text_middle(at, &value, FAINT, Align::Center);
        }
        for &(top, _) in &places.rows {
            canvas.path([(MARGIN, top), (WIDTH - MARGIN, top)], GRID, 1);
        }
    }

    /// The lanes and their names.
    fn draw_lanes(&self, canvas: &mut Canvas<'_>, places: &Places) {
        for (lane, name) in self.lanes.iter().enumerate() {
            let x = places.lane(lane);
            let name = fit(name, places.lane_width - 2 * GAP);
            canvas.text((x, places.head), &name, INK, Align::Center);
            let waits = self.waiting.contains(&lane);
            let last = self.rows.iter().rposition(|row| row.lane == lane);
            let end = match last {
                _ if waits => places.end,
                Some(row) => places.middle(row) + places.box_height / 2 + GAP - 1,
                None => places.start + LINE,
            };
            let mut top = places.start;
            let mut width = 1;
            for (row, step) in self.rows.iter().enumerate() {
                let middle = places.middle(row).min(end);
                canvas.path([(x, top), (x, middle)], lane_colour(lane), width);
                top = middle;
                width = if step.holder == Some(lane) { 7 } else { 1 };
            }
            canvas.path([(x, top), (x, end)], lane_colour(lane), width);
            if waits {
                let name = fit("waits forever", places.lane_width - 2 * GAP);
                let half = text_width(&name) / 2 + 2;
                let (top, bottom) = (places.end - LINE, places.end);
                canvas.rect((x - half, top), (x + half, bottom), PAPER);
                canvas.text_middle((x, bottom - LINE / 2), &name, INK, Align::Center);
            } else {
                canvas.path([(x - 9, end), (x + 9, end)], lane_colour(lane), 3);
            }
        }
    }

    fn draw_row(&self, canvas: &mut Canvas<'_>, places: &Places, index: usize, row: &Row) {
        let (top, bottom) = places.rows[index];
        let middle = places.middle(index);
        let number = (index + 1).to_string();
        canvas.text_middle((MARGIN + 24, middle), &number, FAINT, Align::Right);
        if let Some(time) = row.time {
            let at = (places.lanes_left - GAP, middle);
            canvas.text_middle(at, &thousands(time), INK, Align::Right);
        }

        let lines = &places.names[index];
        let x = places.lane(row.lane);
        let half = places.lane_width / 2 - GAP;
        let tall = places.box_height / 2;
        let corners = [(x - half, middle - tall), (x + half, middle + tall)];
        canvas.rect(corners[0], corners[1], PAPER);
        framed(canvas, corners[0], corners[1], lane_colour(row.lane));
        let first = middle - TIGHT * (lines.len() as i32 - 1) / 2;
        for (line, text) in lines.iter().enumerate() {
            let at = (x, first + TIGHT * line as i32);
            canvas.text_middle(at, text, INK, Align::Center);
        }
        for (word, (&value, &before)) in row.values.iter().zip(self.before(index)).enumerate() {
            let (left, right) = places.word(word);
            let changed = value != before;
            if changed {
                let (from, to) = ((left + 2, middle - 11), (right - 2, middle + 11));
                canvas.rect(from, to, SHADE);
            }
            let ink = if changed { INK } else { FAINT };
            let value = roomy(&value.to_string(), right - left - 4);
            let at = ((left + right) / 2, middle);
            canvas.text_middle(at, &value, ink, Align::Center);
        }
        if !row.marks.is_empty() {
            let (from, to) = ((MARGIN, top + 2), (WIDTH - MARGIN, bottom - 2));
            framed(canvas, from, to, colour(ALARM));
            for (line, mark) in row.marks.iter().rev().enumerate() {
                let mark = fit(mark, WIDTH - 2 * MARGIN - 16);
                let at = (WIDTH - MARGIN - 8, bottom - 11 - LINE * line as i32);
                // Lanes pass here.
                let (left, half) = (at.0 - text_width(&mark) - 3, LINE / 2 - 2);
                canvas.rect((left, at.1 - half), (at.0 + 3, at.1 + half), PAPER);
                canvas.text_middle(at, &mark, INK, Align::Right);
            }
        }
    }

    /// The text twin: the lanes as columns, a row for each step.
    pub fn text(&self) -> String {
        let locks = self.has_lock();
        let mut header: Vec<&str> = vec!["step"];
        header.extend(self.has_times().then_some("ns"));
        let lanes = header.len();
        header.extend(self.lanes.iter().map(String::as_str));
        header.extend(locks.then_some("lock"));
        let left = header.len();
        header.extend(self.words.iter().map(String::as_str));
        let mut start = vec![String::new(); left];
        start[0] = "start".into();
        start.extend(self.start.iter().map(u64::to_string));
        let steps = self.rows.iter().enumerate().map(|(index, row)| {
            let mut cells = vec![String::new(); left];
            cells[0] = (index + 1).to_string();
            if let Some(time) = row.time {
                cells[1] = thousands(time);
            }
            cells[lanes + row.lane] = row.name.clone();
            if let Some(holder) = row.holder {
                cells[left - 1] = self.lanes[holder].clone();
            }
            let values = row.values.iter().zip(self.before(index));
            cells.extend(values.map(|(value, before)| {
                let star = if value == before { "" } else { "*" };
                format!("{star}{value}")
            }));
            cells
        });
        let rows: Vec<Vec<String>> = [start].into_iter().chain(steps).collect();
        let lock = if locks {
            " The column \"lock\" says who holds it after the step."
        } else {
            ""
        };
        let mut twin = Twin::new(&self.title);
        twin.line(format!(
            "Steps from top to bottom, with the words after each. A star marks what the step changed.{lock}"
        ));
        twin.table(&header, &rows, left);
        for (index, row) in self.rows.iter().enumerate() {
            for mark in &row.marks {
                twin.line(format!("Step {}: {mark}.", index + 1));
            }
        }
        for &lane in &self.waiting {
            twin.line(format!("{} waits forever.", self.lanes[lane]));
        }
        twin.end(&self.caption)
    }
}

/// Where everything is.
///
/// ```text
/// │ number │ ns │ lane A │ lane B │ … │ word │ word │ … │   head: the names
/// │ start  │    │   │    │   │    │   │  0   │  0   │   │   start
/// │ 1      │ 0  │ [box]  │   │    │   │  1   │  0   │   │   rows
/// ```
struct Places {
    head: i32,
    start: i32,
    /// Top and bottom of each row.
    rows: Vec<(i32, i32)>,
    /// Below the last row, and below the room in which waiting lanes say so.
    end: i32,
    /// Where the first lane begins.
    lanes_left: i32,
    lane_width: i32,
    box_height: i32,
    /// Each step's name in lines that fit its box.
    names: Vec<Vec<String>>,
    words_left: i32,
    word_width: Vec<i32>,
}

impl Places {
    fn of(figure: &StepDiagram) -> Places {
        let times = widest(figure.rows.iter().filter_map(|row| row.time.map(thousands)));
        let lanes_left = MARGIN
            + NUMBERS
            + match figure.has_times() {
                true => times.max(text_width("ns")) * 10 / 9 + 2 * GAP,
                false => 0,
            };
        let room = WIDTH - MARGIN - lanes_left;
        // A word is as wide as its name and its values, as long as each lane keeps room for "→ goes on".
        let mut word_width: Vec<i32> = (figure.words.iter().enumerate())
            .map(|(word, name)| {
                let values = figure.rows.iter().map(|row| row.values[word]);
                let values = values.chain([figure.start[word]]);
                let values = widest(values.map(|value| value.to_string()));
                text_width(name).max(values) * 10 / 9 + 10
            })
            .collect();
        // A word that needs less than an equal part gets what it needs; the others share the rest.
        let lanes = figure.lanes.len().max(1) as i32;
        let mut left = (room - 10 - 92 * lanes).max(room * 2 / 5);
        let mut order: Vec<usize> = (0..word_width.len()).collect();
        order.sort_by_key(|&word| word_width[word]);
        for (done, word) in order.iter().copied().enumerate() {
            word_width[word] = word_width[word].min(left / (order.len() - done) as i32);
            left -= word_width[word];
        }
        let words: i32 = word_width.iter().sum();
        let lane_width = ((room - words - 10) / lanes).min(210);
        let names: Vec<Vec<String>> = (figure.rows.iter())
            .map(|row| two_lines(&row.name, lane_width - 2 * GAP - 4))
            .collect();
        let lines = names.iter().map(Vec::len).max().unwrap_or(1) as i32;
        let box_height = TIGHT * lines + 8;

        let start = LINE + 2;
        let mut y = start + LINE + 4;
        let rows = figure.rows.iter().map(|row| {
            let top = y;
            y += box_height + 2 * GAP + LINE * row.marks.len() as i32;
            (top, y)
        });
        let rows: Vec<(i32, i32)> = rows.collect();
        let waiting = if figure.waiting.is_empty() {
            0
        } else {
            LINE + 10
        };
        Places {
            head: 0,
            start,
            rows,
            end: y + waiting,
            lanes_left,
            lane_width,
            box_height,
            names,
            words_left: WIDTH - MARGIN - words,
            word_width,
        }
    }

    /// The same places in a picture, where they begin at the top of `plot`.
    fn below(mut self, plot: Plot) -> Places {
        for y in [&mut self.head, &mut self.start, &mut self.end] {
            *y += plot.top;
        }
        for (top, bottom) in &mut self.rows {
            (*top, *bottom) = (*top + plot.top, *bottom + plot.top);
        }
        self
    }

    /// The middle of a lane.
    fn lane(&self, lane: usize) -> i32 {
        self.lanes_left + self.lane_width * lane as i32 + self.lane_width / 2
    }

    /// The middle of a row's box.
    fn middle(&self, row: usize) -> i32 {
        self.rows[row].0 + GAP + self.box_height / 2
    }

    /// The left and right end of a word's column.
    fn word(&self, word: usize) -> (i32, i32) {
        let left = self.words_left + self.word_width[..word].iter().sum::<i32>();
        (left, left + self.word_width[word])
    }
}

/// The colour of a lane, which is never that of a mark.
fn lane_colour(lane: usize) -> RGBColor {
    colour(if lane < ALARM { lane } else { lane + 1 })
}

/// A frame of two pixels.
fn framed(canvas: &mut Canvas<'_>, (left, top): Point, (right, bottom): Point, colour: RGBColor) {
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    // Once more along the first side, so that the last corner is whole.
    let around = corners.into_iter().chain([corners[0], corners[1]]);
    canvas.path(around, colour, 2);
}

/// `text`, cut to what `width` pixels hold even in a wide font: nothing else keeps neighbours apart here.
fn roomy(text: &str, width: i32) -> String {
    fit(text, width * 9 / 10)
}

/// `name` in one or two lines, cut only if two cannot hold it.
fn two_lines(name: &str, width: i32) -> Vec<String> {
    if roomy(name, width) == name {
        return vec![name.into()];
    }
    // The result of a step matters more than the end of its name, so the arrow begins a line.
    let breaks = name.match_indices(' ').map(|(at, _)| at);
    let mut fitting = breaks.filter(|&at| roomy(&name[..at], width) == name[..at]);
    match name.find(" →").or(fitting.next_back()) {
        Some(at) => vec![
            roomy(&name[..at], width),
            roomy(name[at..].trim_start(), width),
        ],
        None => vec![roomy(name, width)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_hold_their_names() {
        for width in [60, 90, 200] {
            for name in [
                "check → goes on",
                "write the answer that was found",
                "compare-and-swap → leaves",
            ] {
                let lines = two_lines(name, width);
                assert!(lines.len() <= 2);
                assert!(
                    lines.iter().all(|line| text_width(line) <= width),
                    "{lines:?}"
                );
            }
        }
        assert_eq!(two_lines("check → leaves", 80), ["check", "→ leaves"]);
    }

    #[test]
    fn the_twin_says_what_the_picture_shows() {
        let text = StepDiagram::new("T")
            .lanes(["A", "B"])
            .words([("x", 0), ("y", 7)])
            .step(0, "lock", [0, 7])
            .held_by(0)
            .step(0, "write", [1, 7])
            .mark("broken: small")
            .waits(1)
            .caption("The end.")
            .text();
        assert_eq!(
            text,
            "T\nSteps from top to bottom, with the words after each. A star marks what the step changed. \
             The column \"lock\" says who holds it after the step.\n\
             step   A      B  lock   x  y\n\
             start                   0  7\n\
             1      lock      A      0  7\n\
             2      write           *1  7\n\
             Step 2: broken: small.\n\
             B waits forever.\n\
             The end.\n"
        );
    }

    #[test]
    fn times_have_a_column_of_their_own() {
        let timed = |last| {
            StepDiagram::new("T")
                .lanes(["A", "B"])
                .words([("x", 0)])
                .step(0, "write", [1])
                .at(0)
                .step(1, "write", [2])
                .at(last)
        };
        assert!(timed(12_345).text().contains(
            "step   ns      A      B       x\n\
             start                         0\n\
             1      0       write         *1\n\
             2      12,345         write  *2\n"
        ));
        // A wide time moves the lanes, and takes nothing from the words.
        let (narrow, wide) = (Places::of(&timed(9)), Places::of(&timed(u64::MAX)));
        assert!(wide.lanes_left > narrow.lanes_left + 50 && wide.words_left == narrow.words_left);
        assert!(wide.lane(1) + wide.lane_width / 2 <= wide.words_left);
    }

    #[test]
    fn nothing_to_draw_is_a_sentence() {
        let error = StepDiagram::new("T").lanes(["A"]).svg().unwrap_err();
        assert!(error.to_string().ends_with("add a step."));
    }
}
