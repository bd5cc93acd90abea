//! Takes the standard output of the process in which cells run apart: the lines of evcxr's protocol, content to show, and text.

/// The cell is done.
pub(super) const COMPLETE: &str = "EVCXR_EXECUTION_COMPLETE";
/// The cell panicked.
pub(super) const PANIC: &str = "EVCXR_PANIC_NOTIFICATION";
/// A `?` ended the cell.
pub(super) const ERROR: &str = "EVCXR_ERROR_OCCURRED";
const CHANGED: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";
/// Written by the crate `evcxr_input`, before it reads a line.
const INPUT: &str = "EVCXR_INPUT_REQUEST:";
const PASSWORD: &str = "EVCXR_INPUT_REQUEST_PASSWORD:";
const BEGIN: &str = "EVCXR_BEGIN_CONTENT ";
const END: &str = "EVCXR_END_CONTENT";
/// Written by `labsupport` where `LABS_LIVE` is set: content for a place on the page that can be filled again.
const DISPLAY: &str = "LABS_DISPLAY ";
/// How all of these markers begin.
const MARKERS: [&str; 2] = ["EVCXR_", DISPLAY];

/// What was found in the stream.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// The student's own.
    Text(Vec<u8>),
    /// Content to show now: `{"data": …}`, with `display_id` and `update` where it can be filled again.
    Display(String),
    /// Content that the cell ended with.
    Result(String),
    /// A line for evcxr.
    Evcxr(String),
    /// What the next read of standard input asks for.
    Prompt { text: String, password: bool },
}

/// Takes the stream of standard output apart.
#[derive(Default)]
pub(super) struct Reader {
    /// The beginning of a line that may become one of the protocol.
    held: Vec<u8>,
    /// How much of `held` was already searched for a line's end. A result of 50 MB is one line that comes in many pieces.
    searched: usize,
    /// The MIME type of the content that is being read, and its lines.
    open: Option<(String, Vec<String>)>,
    /// Contents that belong together, by MIME type: they are one thing to show.
    group: Vec<(String, String)>,
}

impl Reader {
    /// Whether there is content that may still turn out to be the result.
    pub(super) fn waits(&self) -> bool {
        !self.group.is_empty()
    }

    /// Nothing came after the content: the cell goes on, so it is no result.
    pub(super) fn no_result(&mut self) -> Option<Event> {
        self.waits().then(|| Event::Display(self.take_group()))
    }

    fn take_group(&mut self) -> String {
        data(std::mem::take(&mut self.group))
    }

    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        self.held.extend_from_slice(bytes);
        let mut read = std::mem::take(&mut self.held);
        let mut text = 0; // where the text begins that was not passed on yet
        let mut start = 0;
        let mut search = std::mem::take(&mut self.searched);
        while let Some(length) = read[search..].iter().position(|&byte| byte == b'\n') {
            let end = search + length + 1;
            let line = &read[start..end - 1];
            let marker = match &self.open {
                Some(_) => Some(0),
                None => marker(line),
            };
            if let Some(marker) = marker {
                self.text(&read[text..start + marker], &mut events);
                self.line(
                    &String::from_utf8_lossy(&line[marker..]),
                    &read[start..end],
                    &mut events,
                );
                text = end;
            }
            (start, search) = (end, end);
        }
        // The last line has no end yet. It is passed on at once, unless it may become one of the protocol.
        let keep = self.open.is_some() || may_become_marker(&read[start..]);
        let end = if keep { start } else { read.len() };
        self.text(&read[text.min(end)..end], &mut events);
        read.drain(..end);
        self.searched = read.len();
        self.held = read;
        events
    }

    fn text(&mut self, text: &[u8], events: &mut Vec<Event>) {
        if !text.is_empty() {
            events.extend(self.no_result());
            events.push(Event::Text(text.to_vec()));
        }
    }

    /// The writer is gone, so nothing more will follow what was begun.
    pub(super) fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let held = std::mem::take(&mut self.held);
        match &mut self.open {
            Some((_, lines)) if !held.is_empty() => {
                lines.push(String::from_utf8_lossy(&held).into());
            }
            Some(_) => {}
            None => self.text(&held, &mut events),
        }
        self.end_unfinished(&mut events);
        events.extend(self.no_result());
        events
    }

    /// A line of the protocol, or of open content; `raw` is all of it.
    fn line(&mut self, line: &str, raw: &[u8], events: &mut Vec<Event>) {
        let Some((_, lines)) = &mut self.open else {
            return self.protocol(line, raw, events);
        };
        // The program that wrote the content may have been killed in the middle, or may have forgotten its end.
        let ends_cell = [COMPLETE, PANIC, ERROR]
            .into_iter()
            .find(|marker| line.ends_with(marker));
        if line == END {
            let (mime, lines) = self.open.take().unwrap_or_default();
            self.add(mime, lines.join("\n"), events);
        } else if let Some(marker) = ends_cell {
            let before = &line[..line.len() - marker.len()];
            if !before.is_empty() {
                lines.push(before.into());
            }
            self.end_unfinished(events);
            self.protocol(marker, raw, events);
        } else if line.starts_with(BEGIN) || line.starts_with(DISPLAY) {
            self.end_unfinished(events);
            events.extend(self.no_result());
            self.protocol(line, raw, events);
        } else {
            lines.push(line.into());
        }
    }

    /// A line while no content is open.
    fn protocol(&mut self, line: &str, raw: &[u8], events: &mut Vec<Event>) {
        if let Some(mime) = line.strip_prefix(BEGIN) {
            self.open = Some((mime.trim().into(), Vec::new()));
        } else if let Some(json) = line.strip_prefix(DISPLAY) {
            events.extend(self.no_result());
            events.push(Event::Display(json.into()));
        } else if line == COMPLETE && self.waits() {
            events.push(Event::Result(self.take_group()));
            events.push(Event::Evcxr(line.into()));
        } else if [COMPLETE, PANIC, ERROR].contains(&line) || line.starts_with(CHANGED) {
            events.extend(self.no_result());
            events.push(Event::Evcxr(line.into()));
        } else if let Some(text) = line.strip_prefix(PASSWORD) {
            events.push(prompt(text, true));
        } else if let Some(text) = line.strip_prefix(INPUT) {
            events.push(prompt(text, false));
        } else {
            self.text(raw, events);
        }
    }

    /// Ends open content whose rest will not come. Text is worth showing as far as it goes; half a picture is not.
    fn end_unfinished(&mut self, events: &mut Vec<Event>) {
        let Some((mime, lines)) = self.open.take() else {
            return;
        };
        match mime.starts_with("text/") {
            true => self.add(mime, lines.join("\n"), events),
            false => self.add(
                "text/plain".into(),
                format!(
                    "Something of the type {mime} was to be shown here, but its end is missing."
                ),
                events,
            ),
        }
    }

    /// Adds content to the group before it; if that group already has this type, the content begins a new group.
    fn add(&mut self, mime: String, content: String, events: &mut Vec<Event>) {
        if self.group.iter().any(|(other, _)| *other == mime) {
            events.extend(self.no_result());
        }
        self.group.push((mime, content));
    }
}

fn prompt(text: &str, password: bool) -> Event {
    Event::Prompt {
        text: text.into(),
        password,
    }
}

/// Where in `line` a marker of the protocol begins. Text may stand before it, where the student printed without a line's end.
fn marker(line: &[u8]) -> Option<usize> {
    let ends = |end: &str| {
        line.ends_with(end.as_bytes())
            .then(|| line.len() - end.len())
    };
    let contains = |word: &str| {
        line.windows(word.len())
            .position(|part| part == word.as_bytes())
    };
    if !MARKERS.iter().any(|word| contains(word).is_some()) {
        return None;
    }
    [COMPLETE, PANIC, ERROR]
        .iter()
        .find_map(|end| ends(end))
        .or_else(|| {
            [BEGIN, DISPLAY, CHANGED, INPUT, PASSWORD]
                .iter()
                .find_map(|word| contains(word))
        })
}

/// Whether a line that has begun like this may turn out to be one of the protocol.
fn may_become_marker(line: &[u8]) -> bool {
    MARKERS.iter().any(|word| {
        let word = word.as_bytes();
        line.windows(word.len()).any(|part| part == word)
            || (1..word.len()).any(|length| line.ends_with(&word[..length]))
    })
}

/// Content by MIME type as Jupyter wants it. A JSON type goes in as JSON and not as text, as in evcxr.
fn data(contents: Vec<(String, String)>) -> String {
    let data: serde_json::Map<_, _> = contents
        .into_iter()
        .map(|(mime, content)| {
            let value = match mime.contains("json") {
                true => serde_json::from_str(&content).unwrap_or_else(|_| content.into()),
                false => content.into(),
            };
            (mime, value)
        })
        .collect();
    serde_json::json!({ "data": data }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Event {
        Event::Text(text.into())
    }

    fn read(text: &str) -> Vec<Event> {
        Reader::default().read(text.as_bytes())
    }

    const FIGURE: &str = "EVCXR_BEGIN_CONTENT image/svg+xml\n<svg>\n</svg>\nEVCXR_END_CONTENT\n\
                          EVCXR_BEGIN_CONTENT text/plain\nwords\nEVCXR_END_CONTENT\n";

    fn figure() -> String {
        r#"{"data":{"image/svg+xml":"<svg>\n</svg>","text/plain":"words"}}"#.into()
    }

    #[test]
    fn text_passes_as_it_is_and_at_once() {
        assert_eq!(read("one\ntwo"), [text("one\ntwo")]);
        assert_eq!(read("E"), []);
        let mut reader = Reader::default();
        assert_eq!(reader.read(b"EVC"), []);
        assert_eq!(reader.read(b"R is short\n"), [text("EVCR is short\n")]);
        assert_eq!(read("EVCXR_ is a word\n"), [text("EVCXR_ is a word\n")]);
    }

    #[test]
    fn what_a_cell_ends_with_is_its_result_and_what_comes_before_is_shown() {
        let cell = format!("{FIGURE}between\n{FIGURE}{COMPLETE}\n");
        assert_eq!(
            read(&cell),
            [
                Event::Display(figure()),
                text("between\n"),
                Event::Result(figure()),
                Event::Evcxr(COMPLETE.into())
            ]
        );
        assert_eq!(
            read(&format!("{FIGURE}{FIGURE}{COMPLETE}\n"))[..2],
            [Event::Display(figure()), Event::Result(figure())]
        );
    }

    #[test]
    fn content_is_shown_when_nothing_comes_after_it() {
        let mut reader = Reader::default();
        assert_eq!(reader.read(FIGURE.as_bytes()), []);
        assert!(reader.waits());
        assert_eq!(reader.no_result(), Some(Event::Display(figure())));
        assert_eq!(reader.no_result(), None);
    }

    #[test]
    fn a_marker_after_text_without_a_line_s_end_is_found() {
        assert_eq!(
            read(&format!("abc{COMPLETE}\n")),
            [text("abc"), Event::Evcxr(COMPLETE.into())]
        );
        assert_eq!(read("abcEVCXR_BEGIN_CONTENT text/plain\n"), [text("abc")]);
    }

    #[test]
    fn every_way_to_cut_the_stream_gives_the_same() {
        let stream = format!(
            "one\n{FIGURE}LABS_DISPLAY {{\"data\":{{}}}}\nthr\u{e4}e{PANIC}\n{ERROR}\nEVCXR_INPUT_REQUEST:name?\n{COMPLETE}\n"
        );
        let join = |events: Vec<Event>| {
            let mut joined: Vec<Event> = Vec::new();
            for event in events {
                match (joined.last_mut(), event) {
                    (Some(Event::Text(before)), Event::Text(text)) => before.extend(text),
                    (_, event) => joined.push(event),
                }
            }
            joined
        };
        let whole = join(read(&stream));
        assert_eq!(whole.len(), 8, "{whole:?}");
        for cut in 1..stream.len() {
            let mut reader = Reader::default();
            let mut events = reader.read(&stream.as_bytes()[..cut]);
            events.extend(reader.read(&stream.as_bytes()[cut..]));
            assert_eq!(join(events), whole, "cut at {cut}");
        }
        let mut reader = Reader::default();
        let events = stream
            .bytes()
            .flat_map(|byte| reader.read(&[byte]))
            .collect();
        assert_eq!(join(events), whole);
    }

    #[test]
    fn whatever_ends_a_cell_ends_its_content() {
        let half = || r#"{"data":{"text/plain":"half"}}"#.to_string();
        for marker in [PANIC, ERROR, COMPLETE] {
            for cut in ["half\n", "half"] {
                let events = read(&format!("EVCXR_BEGIN_CONTENT text/plain\n{cut}{marker}\n"));
                let shown = match marker {
                    COMPLETE => Event::Result(half()),
                    _ => Event::Display(half()),
                };
                assert_eq!(events, [shown, Event::Evcxr(marker.into())], "{cut:?}");
            }
        }
    }

    #[test]
    fn content_whose_end_is_missing_swallows_nothing_that_comes_after() {
        let events = read(&format!(
            "EVCXR_BEGIN_CONTENT image/svg+xml\n<svg\n{FIGURE}LABS_DISPLAY {{}}\n{COMPLETE}\n"
        ));
        let [
            Event::Display(missing),
            Event::Display(whole),
            Event::Display(other),
            Event::Evcxr(_),
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert!(missing.contains("its end is missing"), "{missing}");
        assert_eq!((whole, other.as_str()), (&figure(), "{}"));
    }

    #[test]
    fn the_end_of_the_writer_ends_everything() {
        let mut reader = Reader::default();
        assert_eq!(reader.read(b"EVCXR"), []);
        assert_eq!(reader.finish(), [text("EVCXR")]);
        assert_eq!(reader.read(b"EVCXR_BEGIN_CONTENT text/html\n<b>x"), []);
        assert_eq!(
            reader.finish(),
            [Event::Display(r#"{"data":{"text/html":"<b>x"}}"#.into())]
        );
        assert_eq!(reader.finish(), []);
    }

    #[test]
    fn a_question_to_the_student_is_not_for_evcxr() {
        assert_eq!(
            read("EVCXR_INPUT_REQUEST:your: name\nEVCXR_INPUT_REQUEST_PASSWORD:word\n"),
            [prompt("your: name", false), prompt("word", true)]
        );
    }
}
