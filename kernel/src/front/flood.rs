//! Output without end: the first lines of it, the last lines, how many there were, and a file with all of them.
//!
//! ```text
//!  first thousand lines                 shown as they come
//!  a place that says how many there are twice a second, and at the end what is left out and where all of it is
//!  last thousand lines                  shown when the cell ends
//! ```
//!
//! Where lines are long, 256 KiB are the limit instead of a thousand lines. JupyterLab's server drops a kernel's messages, the
//! error or result after a flood included, when text comes faster than 1 MB/s; and no notebook with all lines of a fast loop can
//! be saved. Nothing here waits or looks at a clock.

use super::amounts::{count, size};
use super::spill::Spill;
use super::text::Chunk;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The most lines at the beginning, and as many at the end.
const LINES: usize = 1000;
/// The most bytes at the beginning, and as many at the end.
const BYTES: usize = 256 * 1024;
/// How often the page is told how many lines there are.
const TELL: Duration = Duration::from_millis(500);

/// A type of message and its content.
pub(super) type Note = (&'static str, Value);

/// Decides which part of one cell's text the page shows.
pub(super) struct Flood {
    /// Names the place that tells how many lines there are.
    id: String,
    head: Head,
    tail: Tail,
    /// All text so far, while there is no file and nothing was left out.
    all: Option<String>,
    /// Where in `all` the last line begins, which may still grow.
    line: usize,
    /// The stream of that line.
    name: &'static str,
    file: Spill,
    lines: u64,
    bytes: u64,
    /// What the page was told last, if anything, and when it is told next.
    told: Option<String>,
    tell_at: Option<Instant>,
    has_ended: bool,
}

impl Flood {
    /// If the text becomes long, all of it goes to `file`. `id` is a name that no other text has.
    pub(super) fn new(id: &str, file: Spill) -> Flood {
        Flood {
            id: format!("{id}-lines"),
            head: Head::default(),
            tail: Tail::default(),
            all: Some(String::new()),
            line: 0,
            name: "",
            file,
            lines: 0,
            bytes: 0,
            told: None,
            tell_at: None,
            has_ended: false,
        }
    }

    /// Takes text in, and returns the part of it to show now.
    pub(super) fn add(&mut self, (name, text): Chunk, now: Instant) -> Option<Note> {
        self.lines += text.matches('\n').count() as u64;
        self.bytes += text.len() as u64;
        let fits = self.head.take(name, &text);
        let (begin, rest) = text.split_at(fits);
        if fits > 0 {
            self.remember(name, begin);
        }
        if !rest.is_empty() {
            self.keep(name, rest);
            // Wait a while before the page is told for the first time, so that a cell that is done soon shows no number.
            self.tell_at.get_or_insert(now + TELL);
        }
        (fits > 0).then(|| stream(name, &settled(begin)))
    }

    /// When the page is to be told how many lines there are.
    pub(super) fn due(&self) -> Option<Instant> {
        self.tell_at
    }

    /// Tells the page how many lines there are, if it is time.
    pub(super) fn tell(&mut self, now: Instant) -> Option<Note> {
        self.tell_at.take_if(|at| *at <= now)?;
        let when = match self.has_ended {
            false => "this cell ends",
            true => "the next cell begins",
        };
        let amount = amount(self.lines, self.bytes);
        let so_far = format!("{amount} so far; the last of it is shown when {when}.");
        let [link, plain] = self.file.says("All of it is");
        self.say(&so_far, [link, plain])
    }

    /// The cell has ended: returns what was left out, and the last lines. It can be called again if more text has come since.
    pub(super) fn end(&mut self) -> Vec<Note> {
        (self.tell_at, self.has_ended) = (None, true);
        let left_out = amount(self.tail.lines_left, self.tail.bytes_left);
        let all = amount(self.lines, self.bytes);
        let note = match (self.tail.bytes_left, &self.told) {
            (0, None) => None,
            (0, Some(_)) => self.say(
                &format!("{all}, and nothing was left out."),
                Default::default(),
            ),
            _ => {
                let whole = self.file.says(&format!("The whole text, {all}, is"));
                self.say(&format!("… {left_out} left out here …"), whole)
            }
        };
        let last = self.tail.take();
        for (name, text) in &last {
            self.remember(name, text);
        }
        note.into_iter()
            .chain(last.iter().map(|(name, text)| stream(name, text)))
            .collect()
    }

    /// Keeps text that comes after the beginning.
    fn keep(&mut self, name: &'static str, text: &str) {
        self.tail.push(name, text);
        match &self.all {
            // There is a file already.
            None => self.file.write(&settled(text)),
            Some(all) if self.tail.is_over() => {
                self.file.write(all);
                for line in &self.tail.lines {
                    self.file.write(&line.text);
                }
                self.all = None;
            }
            Some(_) => {}
        }
        self.tail.trim();
    }

    /// Keeps shown text for the file that may be needed later.
    fn remember(&mut self, name: &'static str, text: &str) {
        let Some(all) = &mut self.all else { return };
        if name != self.name {
            (self.name, self.line) = (name, all.len());
        }
        // A progress bar that is drawn again and again in one line must not make this grow.
        let line = all.split_off(self.line) + text;
        all.push_str(&settled(&line));
        self.line = all[self.line..]
            .rfind('\n')
            .map_or(self.line, |at| self.line + at + 1);
    }

    /// Fills the cell's place on the page, unless that already says the same.
    fn say(&mut self, what: &str, [link, plain]: [String; 2]) -> Option<Note> {
        let kind = match &self.told {
            None => "display_data",
            Some(_) => "update_display_data",
        };
        let plain = format!("{what} {plain}").trim_end().to_string();
        let link = format!("{what} {link}").trim_end().to_string();
        if self.told.as_ref() == Some(&plain) {
            return None;
        }
        self.told = Some(plain.clone());
        Some((
            kind,
            json!({
                "data": {"text/plain": plain, "text/markdown": link},
                "metadata": {},
                "transient": {"display_id": self.id},
            }),
        ))
    }
}

fn amount(lines: u64, bytes: u64) -> String {
    match lines {
        0 => size(bytes),
        1 => format!("1 line ({})", size(bytes)),
        lines => format!("{} lines ({})", count(lines), size(bytes)),
    }
}

fn stream(name: &str, text: &str) -> Note {
    ("stream", json!({"name": name, "text": text}))
}

/// How much a character counts. The server counts JSON, in which a control character is long.
fn weight(c: char) -> usize {
    match c {
        '\t' | '\n' | '\r' => 1,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    }
}

/// How much was shown at the beginning.
#[derive(Default)]
struct Head {
    name: &'static str,
    /// Lines that are finished, and their bytes. A line also ends where the other stream goes on.
    lines: usize,
    bytes: usize,
    /// Where in the open line the next character stands, and how long that line is. A carriage return leads back to its beginning,
    /// so a bar is one short line for as long as it is drawn.
    at: usize,
    width: usize,
    is_full: bool,
}

impl Head {
    /// How many bytes of `text` belong to the beginning.
    fn take(&mut self, name: &'static str, text: &str) -> usize {
        if name != self.name && self.width > 0 {
            self.end_line(0);
        }
        self.name = name;
        for (index, c) in text.char_indices() {
            let weight = weight(c);
            self.is_full |=
                self.lines == LINES || self.bytes + self.width.max(self.at + weight) > BYTES;
            if self.is_full {
                return index;
            }
            match c {
                '\n' => self.end_line(weight),
                '\r' => self.at = 0,
                _ => self.at += weight,
            }
            self.width = self.width.max(self.at);
        }
        text.len()
    }

    fn end_line(&mut self, end: usize) {
        self.lines += 1;
        self.bytes += self.width + end;
        (self.at, self.width) = (0, 0);
    }
}

/// The last lines, and how much was left out before them.
#[derive(Default)]
struct Tail {
    lines: VecDeque<Line>,
    /// The weight of all lines together.
    weight: usize,
    lines_left: u64,
    bytes_left: u64,
}

struct Line {
    name: &'static str,
    text: String,
    weight: usize,
}

impl Line {
    fn is_open(&self) -> bool {
        !self.text.ends_with('\n')
    }
}

impl Tail {
    fn push(&mut self, name: &'static str, text: &str) {
        for piece in text.split_inclusive('\n') {
            let weight = piece.chars().map(weight).sum();
            self.weight += weight;
            match self.lines.back_mut() {
                Some(line) if line.is_open() && line.name == name => {
                    line.text.push_str(piece);
                    line.weight += weight;
                }
                _ => {
                    let text = piece.into();
                    self.lines.push_back(Line { name, text, weight });
                }
            }
            if let Some(line) = self.lines.back_mut()
                && line.text.contains('\r')
            {
                self.weight -= line.weight;
                line.text = settled(&line.text).into_owned();
                line.weight = line.text.chars().map(self::weight).sum();
                self.weight += line.weight;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.lines.len() > LINES || self.weight > BYTES
    }

    /// Leaves out whatever is too much, the oldest first: whole lines, or the beginning of a line that is too long by itself.
    fn trim(&mut self) {
        while self.is_over() {
            if self.lines.len() > 1 {
                let Some(line) = self.lines.pop_front() else {
                    return;
                };
                self.weight -= line.weight;
                self.lines_left += u64::from(!line.is_open());
                self.bytes_left += line.text.len() as u64;
            } else if let Some(line) = self.lines.front_mut() {
                let mut weight_left = 0;
                let surplus = self.weight - BYTES;
                let cut = line.text.char_indices().find_map(|(at, c)| {
                    let enough = weight_left >= surplus;
                    weight_left += if enough { 0 } else { weight(c) };
                    enough.then_some(at)
                });
                let cut = cut.unwrap_or(line.text.len());
                line.text.drain(..cut);
                line.weight -= weight_left;
                self.weight -= weight_left;
                self.bytes_left += cut as u64;
            }
        }
    }

    /// The lines; neighbours on the same stream are joined into one piece.
    fn take(&mut self) -> Vec<Chunk> {
        self.weight = 0;
        let mut taken: Vec<Chunk> = Vec::new();
        for line in self.lines.drain(..) {
            match taken.last_mut() {
                Some((name, text)) if *name == line.name => text.push_str(&line.text),
                _ => taken.push((line.name, line.text)),
            }
        }
        taken
    }
}

/// `text` as it finally looks: where a line is written over, as progress bars do it, only the last version remains. Text that follows it
/// goes on at the same place as after the original.
fn settled(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return text.into();
    }
    let lines = text.split_inclusive('\n').map(settled_line);
    lines.collect::<String>().into()
}

fn settled_line(line: &str) -> Cow<'_, str> {
    let end = line.trim_end_matches('\n').trim_end_matches('\r').len();
    let ends = line.ends_with('\n');
    let (body, end) = if ends { line.split_at(end) } else { (line, "") };
    let mut parts = body.split('\r');
    // The first and the last part stay: nobody knows at which column the first one begins, nor how the text goes on after the last one.
    let (Some(first), Some(last)) = (parts.next(), parts.next_back()) else {
        return line.into();
    };
    let mut over = String::new();
    let mut width = 0;
    for part in parts.rev() {
        let length = part.chars().count();
        if length > width {
            over.extend(part.chars().skip(width));
            width = length;
        }
    }
    let over = if width > last.chars().count() {
        format!("\r{over}")
    } else {
        String::new()
    };
    format!("{first}{over}\r{last}{end}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    fn flood(folder: &Path) -> Flood {
        Flood::new("cell", Spill::new(folder, None, 3, "output"))
    }

    /// Everything that a page shows, with the sentences between arrows.
    fn page(notes: impl IntoIterator<Item = Note>) -> String {
        notes
            .into_iter()
            .map(|(kind, content)| match kind {
                "stream" => content["text"].as_str().unwrap().to_string(),
                _ => format!("<{}>", content["data"]["text/plain"].as_str().unwrap()),
            })
            .collect()
    }

    fn run(flood: &mut Flood, text: &[(&'static str, &str)]) -> String {
        let now = Instant::now();
        let mut notes: Vec<Note> = Vec::new();
        for (name, text) in text {
            notes.extend(flood.add((name, (*text).to_string()), now));
        }
        notes.extend(flood.end());
        page(notes)
    }

    fn lines(range: std::ops::Range<usize>) -> String {
        range.map(|i| format!("line {i}\n")).collect()
    }

    #[test]
    fn what_fits_is_shown_as_it_is_and_needs_no_file() {
        for count in [1, LINES, LINES + 1, 2 * LINES] {
            let folder = tempfile::tempdir().unwrap();
            let text = lines(0..count);
            // Whole, and in pieces of every size.
            assert_eq!(run(&mut flood(folder.path()), &[("stdout", &text)]), text);
            let mut pieces = flood(folder.path());
            let now = Instant::now();
            let parts = text.as_bytes().chunks(7);
            let mut notes: Vec<Note> = parts
                .filter_map(|part| {
                    let part = String::from_utf8(part.to_vec()).unwrap();
                    pieces.add(("stdout", part), now)
                })
                .collect();
            notes.extend(pieces.end());
            assert_eq!(page(notes), text, "{count} lines");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn one_line_too_many_is_left_out_and_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let text = lines(0..2 * LINES + 1);
        let expected = format!(
            "{}<… 1 line (10 bytes) left out here … The whole text, 2,001 lines (18.9 KB), is in cell-3-output.txt, beside this \
             notebook.>{}",
            lines(0..LINES),
            lines(LINES + 1..2 * LINES + 1)
        );
        assert_eq!(
            run(&mut flood(folder.path()), &[("stdout", &text)]),
            expected
        );
        let file = folder.path().join("cell-3-output.txt");
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }

    #[test]
    fn both_streams_are_in_the_file_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut expected = String::new();
        let mut both = flood(folder.path());
        let now = Instant::now();
        let mut shown = 0;
        for i in 0..5 * LINES {
            // Without a line's end: one stream ends the other's line.
            for (name, text) in [
                ("stdout", format!("out {i} ")),
                ("stderr", format!("err {i}\n")),
            ] {
                expected += &text;
                shown += usize::from(both.add((name, text), now).is_some());
            }
        }
        let end = both.end();
        assert!(
            shown == LINES && end.len() == LINES + 1,
            "{shown}, {}",
            end.len()
        );
        let file = folder.path().join("cell-3-output.txt");
        assert!(fs::read_to_string(file).unwrap() == expected);
    }

    #[test]
    fn a_long_line_counts_by_bytes_and_no_character_is_cut() {
        for (word, name) in [("x", "one"), ("\u{e4}", "two"), ("\u{1f980}", "four")] {
            let folder = tempfile::tempdir().unwrap();
            let text = format!("-{}", word.repeat(1_000_000 / word.len()));
            let shown = run(
                &mut flood(folder.path()),
                &[("stdout", &text[..1]), ("stdout", &text[1..])],
            );
            assert!(!shown.contains('\u{fffd}') && shown.contains("left out here"));
            assert!(
                shown.len() > 2 * BYTES - 10 && shown.len() < 2 * BYTES + 300,
                "{name}: {}",
                shown.len()
            );
            assert!(fs::read_to_string(folder.path().join("cell-3-output.txt")).unwrap() == text);
        }
        let folder = tempfile::tempdir().unwrap();
        let exact = "x".repeat(2 * BYTES);
        assert_eq!(run(&mut flood(folder.path()), &[("stdout", &exact)]), exact);
        let shown = run(
            &mut flood(folder.path()),
            &[("stdout", &format!("{exact}x"))],
        );
        assert!(
            shown.contains("<… 1 bytes left out here"),
            "{}",
            &shown[BYTES..BYTES + 200]
        );
    }

    #[test]
    fn control_characters_count_as_the_server_counts_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut escapes = flood(folder.path());
        let shown = run(&mut escapes, &[("stdout", &"\u{1b}".repeat(BYTES))]);
        assert!(shown.len() < BYTES / 2, "{}", shown.len());
    }

    #[test]
    fn a_bar_in_one_line_goes_on_for_as_long_as_it_is_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let mut bar = flood(folder.path());
        let now = Instant::now();
        for i in 0..100_000 {
            let drawn = format!("\r{i:>80}");
            let shown = bar.add(("stderr", drawn.clone()), now);
            assert_eq!(page(shown), drawn);
        }
        assert!(bar.all.as_ref().unwrap().len() < 1_000);
        // All of it in one piece becomes one line.
        let many: String = (0..100_000).map(|i| format!("\r{i:>80}")).collect();
        let shown = page(bar.add(("stderr", many), now));
        assert_eq!(shown, format!("\r{:>80}", 99_999));
        assert_eq!(page(bar.end()), "");
        // After the first lines, it is one of the last.
        let text = lines(0..LINES);
        let shown = run(
            &mut bar,
            &[
                ("stdout", &text),
                ("stderr", "\ra"),
                ("stderr", "\rb"),
                ("stderr", "\r\n"),
            ],
        );
        assert!(shown.ends_with("\rb\r\n"), "{shown:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_written_over_is_dropped_and_all_else_stays() {
        for (text, expected) in [
            ("a\nb", "a\nb"),
            ("one\r\ntwo\r\n", "one\r\ntwo\r\n"),
            ("one\rtwo", "one\rtwo"),
            ("one\rtwo\rsix", "one\rsix"),
            ("one\rtwo\rsix\r", "one\rsix\r"),
            ("one\rlonger\rsix", "one\rlonger\rsix"),
            ("\r10%\r20%\r30%\n\r1%\r2%", "\r30%\n\r2%"),
            ("\r\r\r\r", "\r"),
            (
                "one\r\u{e4}\u{e4}\u{e4}\u{e4}\rabc",
                "one\r\u{e4}\u{e4}\u{e4}\u{e4}\rabc",
            ),
        ] {
            assert_eq!(settled(text), expected, "{text:?}");
        }
    }

    #[test]
    fn one_place_tells_how_many_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let mut many = flood(folder.path());
        let start = Instant::now();
        assert_eq!(many.due(), None);
        many.add(("stdout", lines(0..LINES)), start);
        assert_eq!(many.due(), None);
        many.add(("stdout", lines(0..1)), start);
        assert_eq!(many.due(), Some(start + TELL));
        assert_eq!(many.tell(start), None);
        let (kind, first) = many.tell(start + TELL).unwrap();
        assert_eq!(kind, "display_data");
        assert_eq!(
            first["data"]["text/plain"],
            "1,001 lines (8.9 KB) so far; the last of it is shown when this cell ends."
        );
        // Only where there is more.
        assert_eq!(many.due(), None);
        many.add(("stdout", lines(0..5000)), start + TELL);
        let (kind, second) = many.tell(start + 2 * TELL).unwrap();
        assert_eq!(kind, "update_display_data");
        assert_eq!(second["transient"], first["transient"]);
        assert!(
            second["data"]["text/markdown"]
                .as_str()
                .unwrap()
                .contains("[`cell-3-output.txt`](cell-3-output.txt)")
        );
        let end = many.end();
        assert_eq!(end[0].0, "update_display_data");
        // The lines that a thread prints after the end are counted too, and the last of them come with the next cell.
        assert_eq!(page(many.end()), "");
        assert_eq!(
            many.add(("stdout", "late\n".into()), start + 3 * TELL),
            None
        );
        assert!(page(many.tell(start + 4 * TELL)).contains("when the next cell begins"));
        assert!(page(many.end()).ends_with("late\n"));
    }

    #[test]
    fn a_place_that_was_not_needed_says_that_nothing_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let mut few = flood(folder.path());
        let start = Instant::now();
        few.add(("stdout", lines(0..LINES + 5)), start);
        few.tell(start + TELL).unwrap();
        assert_eq!(
            page(few.end()),
            format!(
                "<1,005 lines (8.9 KB), and nothing was left out.>{}",
                lines(LINES..LINES + 5)
            )
        );
        // A file that is needed later has all, what was shown before included.
        few.add(("stdout", lines(LINES + 5..4 * LINES)), start);
        few.end();
        let file = folder.path().join("cell-3-output.txt");
        assert_eq!(fs::read_to_string(file).unwrap(), lines(0..4 * LINES));
    }

    #[test]
    fn without_a_file_the_rest_is_still_folded() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Spill::at(["/no/such".into(), "/no/where".into()], 100);
        let text = lines(0..10 * LINES);
        let shown = run(&mut Flood::new("cell", nowhere), &[("stdout", &text)]);
        assert!(shown.contains("No file of it could be written"), "{shown}");
        assert!(shown.len() < 25_000);
        let small = Spill::at(
            [folder.path().join("small"), folder.path().join("other")],
            1_000,
        );
        let shown = run(&mut Flood::new("cell", small), &[("stdout", &text)]);
        assert!(
            shown.contains("The first 1.0 KB, as much as is kept, is in small"),
            "{shown}"
        );
    }
}
