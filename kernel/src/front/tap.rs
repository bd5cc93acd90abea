//! In the runtime, where cells run: reads what cells write before evcxr does, and sends it straight to the front.
//!
//! evcxr's runtime and the cells share one standard output: lines of the protocol between runtime and evcxr, and whatever the
//! student prints. evcxr passes the student's lines on when it comes to it, often after it said that the cell is done, and
//! shows pictures only then. So standard output and error become pipes that a thread of ours reads:
//!
//! ```text
//!  cell, workers ── stdout ──► tap ── protocol lines ──► evcxr
//!                ── stderr ──►     ── all the rest, as packets ──► front
//! ```
//!
//! The line that ends a cell goes to evcxr only when everything before it has gone to the front. So when evcxr says that the
//! cell is done, the front has all of it: no waiting, no late lines.

use super::packet::{Kind, send};
use crate::session::{launch, rust_src};
use crate::watch;
use std::fs::File;
use std::io::{Read, Write, pipe};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// How long content waits to see whether it is the cell's last, and so its result.
const RESULT: Duration = Duration::from_millis(5);

const COMPLETE: &str = "EVCXR_EXECUTION_COMPLETE";
const PANIC: &str = "EVCXR_PANIC_NOTIFICATION";
const ERROR: &str = "EVCXR_ERROR_OCCURRED";
const CHANGED: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";
const INPUT: &str = "EVCXR_INPUT_REQUEST";
const BEGIN: &str = "EVCXR_BEGIN_CONTENT ";
const END: &str = "EVCXR_END_CONTENT";
/// Written by `labsupport` where `LABS_LIVE` is set: content for a place on the page that can be filled again.
const DISPLAY: &str = "LABS_DISPLAY ";
/// What all of them begin with.
const MARKERS: [&str; 2] = ["EVCXR_", DISPLAY];

/// Puts the tap in, where the front's socket was given. To be called before any cell runs.
pub fn open() {
    let handle = std::env::var(launch::OUTPUT)
        .ok()
        .and_then(|n| n.parse().ok());
    let Some(handle) = handle else { return };
    // SAFETY: the inner kernel left this descriptor open for us alone; nobody else in this process knows it. The environment
    // is changed while there is one more thread, which looks at nothing in it.
    let socket = unsafe {
        std::env::set_var("LABS_LIVE", "1");
        // A backtrace through evcxr helps nobody, and takes seconds.
        std::env::set_var("RUST_BACKTRACE", "0");
        OwnedFd::from_raw_fd(handle)
    };
    watch::close_on_exec(&socket);
    if let Err(error) = open_to(UnixDatagram::from(socket)) {
        eprintln!("The output cannot be watched: {error}.");
        std::process::exit(1);
    }
}

fn open_to(front: UnixDatagram) -> std::io::Result<()> {
    let (out, out_end) = pipe()?;
    let (err, err_end) = pipe()?;
    // A figure is larger than a pipe usually is. Where it does not fit at once, a line of a worker could land inside it.
    for end in [&out_end, &err_end] {
        watch::enlarge_pipe(end.as_raw_fd());
    }
    let evcxr = watch::replace(1, out_end.as_raw_fd())?;
    // evcxr waits for the end of its standard error; this is it.
    drop(watch::replace(2, err_end.as_raw_fd())?);
    let tap = Tap {
        out: File::from(OwnedFd::from(out)),
        err: File::from(OwnedFd::from(err)),
        evcxr: File::from(evcxr),
        front,
        directory: std::env::var_os(launch::DIRECTORY)
            .unwrap_or_default()
            .into(),
        reader: Reader::default(),
    };
    std::thread::Builder::new()
        .name("labs-tap".into())
        .spawn(move || tap.run())?;
    Ok(())
}

struct Tap {
    out: File,
    err: File,
    evcxr: File,
    front: UnixDatagram,
    /// The session's.
    directory: PathBuf,
    reader: Reader,
}

impl Tap {
    fn run(mut self) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let handles = [
                self.err.as_raw_fd(),
                self.out.as_raw_fd(),
                self.front.as_raw_fd(),
            ];
            let limit = self.reader.waits().then_some(RESULT);
            let [err, out, front] = watch::wait_readable(&handles, limit);
            if front {
                self.enter_folder(&mut buffer);
            }
            if err {
                self.pass_errors(&mut buffer);
            }
            if out {
                let Ok(count) = self.out.read(&mut buffer) else {
                    return;
                };
                for event in self.reader.read(&buffer[..count]) {
                    if self.tell(event).is_err() {
                        return;
                    }
                }
            } else if !err && let Some(event) = self.reader.no_result() {
                let _ = self.tell(event);
            }
        }
    }

    /// The front says in which folder the notebook lies.
    fn enter_folder(&self, buffer: &mut [u8]) {
        if let Ok(count) = self.front.recv(buffer)
            && let Ok(folder) = std::str::from_utf8(&buffer[..count])
            && let Err(error) = std::env::set_current_dir(folder)
        {
            eprintln!("The notebook's folder {folder} cannot be entered: {error}.");
        }
    }

    /// What there is on standard error now.
    fn pass_errors(&mut self, buffer: &mut [u8]) {
        while watch::wait_readable(&[self.err.as_raw_fd()], Some(Duration::ZERO)) == [true] {
            match self.err.read(buffer) {
                Ok(count) if count > 0 => send(&self.front, Kind::Stderr, &buffer[..count]),
                _ => return,
            }
        }
    }

    /// Sends an event to whom it concerns; an error when evcxr is gone.
    fn tell(&mut self, event: Event) -> std::io::Result<()> {
        match event {
            Event::Text(text) => send(&self.front, Kind::Stdout, &text),
            Event::Display(json) => send(&self.front, Kind::Display, json.as_bytes()),
            Event::Result(json) => send(&self.front, Kind::Result, json.as_bytes()),
            Event::Evcxr(line) => {
                // What the cell wrote before this line comes before it.
                self.pass_errors(&mut vec![0; 64 * 1024]);
                match line.as_str() {
                    // evcxr's own first evaluation is done.
                    COMPLETE => rust_src::show(&self.directory),
                    PANIC => send(&self.front, Kind::Panicked, b""),
                    ERROR => send(&self.front, Kind::Failed, b""),
                    _ => {}
                }
                self.evcxr.write_all(format!("{line}\n").as_bytes())?;
            }
        }
        Ok(())
    }
}

/// What was found in the stream.
#[derive(Debug, PartialEq)]
enum Event {
    /// The student's own.
    Text(Vec<u8>),
    /// Content to show now: `{"data": …}`, with `display_id` and `update` where it can be filled again.
    Display(String),
    /// Content that the cell ended with.
    Result(String),
    /// A line for evcxr.
    Evcxr(String),
}

/// Takes the stream of standard output apart.
#[derive(Default)]
struct Reader {
    /// The beginning of a line that may become one of the protocol.
    held: Vec<u8>,
    /// So much of it was searched for a line's end: a result of 50 MB is one line, and comes in pieces.
    searched: usize,
    /// The MIME type of the content that is being read, and its lines.
    open: Option<(String, Vec<String>)>,
    /// Contents that stand together, by MIME type: one thing to show.
    group: Vec<(String, String)>,
}

impl Reader {
    /// Whether there is content of which it is not known yet whether it is the result.
    fn waits(&self) -> bool {
        !self.group.is_empty()
    }

    /// Nothing came after the content: the cell goes on, so it is no result.
    fn no_result(&mut self) -> Option<Event> {
        self.waits().then(|| Event::Display(self.take_group()))
    }

    fn take_group(&mut self) -> String {
        data(std::mem::take(&mut self.group))
    }

    fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        self.held.extend_from_slice(bytes);
        let mut read = std::mem::take(&mut self.held);
        let mut text = 0; // where text begins that was not told yet
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
        // The last line has no end yet. It is told at once, unless it may become one of the protocol.
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

    /// A line of the protocol, or of open content; `raw` is all of it.
    fn line(&mut self, line: &str, raw: &[u8], events: &mut Vec<Event>) {
        if let Some((mime, mut lines)) = self.open.take() {
            if line == END || line == PANIC {
                if self.group.iter().any(|(other, _)| *other == mime) {
                    events.extend(self.no_result());
                }
                self.group.push((mime, lines.join("\n")));
                if line == PANIC {
                    events.extend(self.no_result());
                    events.push(Event::Evcxr(line.into()));
                }
            } else {
                lines.push(line.into());
                self.open = Some((mime, lines));
            }
        } else if let Some(mime) = line.strip_prefix(BEGIN) {
            self.open = Some((mime.trim().into(), Vec::new()));
        } else if let Some(json) = line.strip_prefix(DISPLAY) {
            events.extend(self.no_result());
            events.push(Event::Display(json.into()));
        } else if line == COMPLETE && self.waits() {
            events.push(Event::Result(self.take_group()));
            events.push(Event::Evcxr(line.into()));
        } else if [COMPLETE, PANIC, ERROR].contains(&line)
            || line.starts_with(CHANGED)
            || line.starts_with(INPUT)
        {
            events.extend(self.no_result());
            events.push(Event::Evcxr(line.into()));
        } else {
            self.text(raw, events);
        }
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
            [BEGIN, DISPLAY, CHANGED, INPUT]
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

/// Content by MIME type as Jupyter wants it. What is JSON by its type goes in as such, as evcxr does it.
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
    fn a_panic_inside_content_ends_it() {
        assert_eq!(
            read(&format!("EVCXR_BEGIN_CONTENT text/plain\nhalf\n{PANIC}\n")),
            [
                Event::Display(r#"{"data":{"text/plain":"half"}}"#.into()),
                Event::Evcxr(PANIC.into())
            ]
        );
    }
}
