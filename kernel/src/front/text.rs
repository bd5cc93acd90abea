//! What a cell prints, gathered into few messages: a page that gets one for each line of a fast loop stops answering.

use super::errors::report_begins;
use std::time::{Duration, Instant};

/// How long text is gathered.
const GATHER: Duration = Duration::from_millis(15);
/// How long the report of a panic waits for the cell's end. After that, it must come from a thread that nobody joined.
const REPORT: Duration = Duration::from_secs(1);

/// The longest report that waits. A longer one is treated like any other text.
const LONGEST: usize = 64 * 1024 * 1024;

/// How much of the end of standard error is kept, shown or not.
const LAST: usize = 4096;

/// Text that was printed and not yet shown.
#[derive(Default)]
pub(super) struct Text {
    out: Vec<u8>,
    err: Vec<u8>,
    last: Vec<u8>,
    /// Whether the report of a panic begins in `err`.
    reports: bool,
    since: Option<Instant>,
}

/// The name of a stream and what to show on it.
pub(super) type Chunk = (&'static str, String);

impl Text {
    /// Takes in printed text. To keep the order, returns the text that was printed before on the other stream.
    pub(super) fn add(&mut self, error: bool, bytes: &[u8]) -> Option<Chunk> {
        let before = match error {
            true => take("stdout", &mut self.out, false),
            // A panic's report stays until it is known which thread it came from.
            false if !self.holds_report() => self.take_err(),
            false => None,
        };
        self.since.get_or_insert_with(Instant::now);
        match error {
            true => {
                // Do not search the same text again, except for words that were cut in two.
                let seen = self.err.len().saturating_sub(32);
                self.err.extend_from_slice(bytes);
                self.last
                    .extend_from_slice(&bytes[bytes.len().saturating_sub(LAST)..]);
                self.last.drain(..self.last.len().saturating_sub(LAST));
                self.reports |= report_begins(&String::from_utf8_lossy(&self.err[seen..]));
            }
            false => self.out.extend_from_slice(bytes),
        }
        before
    }

    /// Nothing is read at the moment. That time must not count, or a report would seem old.
    pub(super) fn wait(&mut self, now: Instant) {
        self.since = self.since.map(|_| now);
    }

    /// When it is time to show what was gathered.
    pub(super) fn due(&self) -> Option<Instant> {
        let wait = if self.out.is_empty() && self.holds_report() {
            REPORT
        } else {
            GATHER
        };
        (!self.out.is_empty() || !self.err.is_empty())
            .then(|| self.since.unwrap_or_else(Instant::now) + wait)
    }

    /// Takes the text that is due.
    pub(super) fn take_due(&mut self) -> Vec<Chunk> {
        let report_is_old = self.since.is_some_and(|since| since.elapsed() >= REPORT);
        let mut chunks: Vec<Chunk> = take("stdout", &mut self.out, false).into_iter().collect();
        if !self.holds_report() || report_is_old {
            chunks.extend(self.take_err());
        }
        if !self.holds_report() {
            self.since = None;
        }
        chunks
    }

    /// Takes all of standard output, and the part of standard error that was held back, from which the caller may read an error.
    pub(super) fn take_all(&mut self) -> (Option<Chunk>, String) {
        (self.since, self.reports) = (None, false);
        let err = take("stderr", &mut self.err, true).map_or(String::new(), |chunk| chunk.1);
        (take("stdout", &mut self.out, true), err)
    }

    /// The last text on standard error. It may have been shown already, for example if the machine is busy and the cell's end comes late.
    pub(super) fn last_error(&self) -> String {
        String::from_utf8_lossy(&self.last).into_owned()
    }

    fn take_err(&mut self) -> Option<Chunk> {
        self.reports = false;
        take("stderr", &mut self.err, false)
    }

    fn holds_report(&self) -> bool {
        self.reports && self.err.len() <= LONGEST
    }
}

/// Takes the text out. An incomplete character stays until the rest of it comes, unless this was `all`.
fn take(name: &'static str, bytes: &mut Vec<u8>, all: bool) -> Option<Chunk> {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if !all && error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    let rest = bytes.split_off(whole);
    let taken = std::mem::replace(bytes, rest);
    (!taken.is_empty()).then(|| (name, String::from_utf8_lossy(&taken).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_keep_their_order() {
        let mut text = Text::default();
        assert_eq!(text.add(false, b"one "), None);
        assert_eq!(text.add(false, b"two"), None);
        assert_eq!(text.add(true, b"err"), Some(("stdout", "one two".into())));
        assert_eq!(text.add(false, b"three"), Some(("stderr", "err".into())));
        assert_eq!(text.take_due(), [("stdout", "three".to_string())]);
        assert_eq!(text.due(), None);
    }

    #[test]
    fn what_came_last_is_known_after_it_was_shown() {
        let mut text = Text::default();
        text.add(true, &[b'x'; 2 * LAST]);
        text.add(true, b"memory ");
        assert_eq!(text.take_due().len(), 1);
        text.add(true, b"allocation");
        text.take_due();
        assert!(text.last_error().ends_with("xmemory allocation"));
        assert_eq!(text.last_error().len(), LAST);
    }

    #[test]
    fn a_character_is_never_cut() {
        let mut text = Text::default();
        let word = "tr\u{e4}ge".as_bytes();
        text.add(false, &word[..3]);
        assert_eq!(text.take_due(), [("stdout", "tr".to_string())]);
        text.add(false, &word[3..]);
        assert_eq!(text.take_all().0, Some(("stdout", "\u{e4}ge".into())));
    }

    #[test]
    fn a_panic_is_held_until_it_is_known_whose_it_is() {
        let mut text = Text::default();
        text.add(true, b"thread 'main' panicked at src/lib.rs:1:1:\noh\n");
        text.add(false, b"printed by a destructor");
        assert_eq!(
            text.take_due(),
            [("stdout", "printed by a destructor".to_string())]
        );
        assert!(text.take_all().1.contains("panicked at"));
        assert_eq!(text.due(), None);
        text.add(true, b"no panic");
        assert_eq!(text.take_due(), [("stderr", "no panic".to_string())]);
    }

    #[test]
    fn a_report_does_not_grow_old_while_nothing_is_read() {
        let mut text = Text::default();
        text.add(true, b"thread 'main' panicked at src/lib.rs:1:1:\noh\n");
        let later = Instant::now() + 10 * REPORT;
        text.wait(later);
        assert_eq!(text.due(), Some(later + REPORT));
    }

    #[test]
    fn a_report_in_pieces_is_found_and_one_without_end_is_let_go() {
        let mut text = Text::default();
        for byte in b"thread 'main' panicked at src/lib.rs:1:1:\n" {
            text.add(true, &[*byte]);
        }
        assert_eq!(text.take_due(), []);
        // However long the machine takes, the report is not old.
        text.wait(Instant::now() + 1000 * REPORT);
        let piece = vec![b'x'; 1024 * 1024];
        for _ in 0..64 {
            assert_eq!(text.take_due(), []);
            text.add(true, &piece);
        }
        assert_eq!(text.take_due().len(), 1);
        assert_eq!(text.due(), None);
    }
}
