//! Sends what a cell shows to Jupyter, no faster than JupyterLab's server passes it on.
//!
//! The server counts for each page, over 3 s: all messages but `status`, `execute_input` and `comm_open`, of which it takes 3000,
//! and the bytes of `stream` messages, of which it takes 3 MB. Beyond that, it drops all of them until the rate has fallen by a fifth.
//! *Idle* makes it count from zero again. The budgets here leave room for the last lines, the error and the results of a cell, which
//! nothing holds back. The server does not count the bytes of figures; their budget is for the page.
//!
//! Messages without room wait. While one of them is not the update of a place, nothing more is read from the inner kernel, so the cell
//! waits when it prints. If several updates wait for the same place, only the last is ever sent.

use super::flood::Note;
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

/// Messages: at most 300 + 3 · 400 = 1500 in 3 s.
const MESSAGES: (f64, f64) = (300.0, 400.0);
/// Bytes of text: at most 0.6 + 3 · 0.5 = 2.1 MB in 3 s, and one message more.
const TEXT: (f64, f64) = (0.6e6, 0.5e6);
/// Bytes of figures, for the page.
const FIGURES: (f64, f64) = (10e6, 10e6);
/// Header, parent and metadata of a message.
const ENVELOPE: usize = 700;
/// When updates wait for more places than this, the inner kernel waits too.
const PLACES: usize = 100;

/// Messages that wait for room.
pub(super) struct Outbox {
    waiting: VecDeque<Note>,
    messages: Budget,
    text: Budget,
    figures: Budget,
}

impl Outbox {
    /// Nothing waits, and all room is free.
    pub(super) fn new(now: Instant) -> Outbox {
        Outbox {
            waiting: VecDeque::new(),
            messages: Budget::new(MESSAGES, now),
            text: Budget::new(TEXT, now),
            figures: Budget::new(FIGURES, now),
        }
    }

    /// Takes a message in. An update replaces a message that waits to be shown in the same place.
    pub(super) fn push(&mut self, (kind, content): Note) {
        let id = &content["transient"]["display_id"];
        if kind == "update_display_data"
            && let Some((_, waiting)) = self
                .waiting
                .iter_mut()
                .find(|(_, waiting)| !id.is_null() && waiting["transient"]["display_id"] == *id)
        {
            *waiting = content;
        } else {
            self.waiting.push_back((kind, content));
        }
    }

    /// The next message for which there is room.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Note> {
        if self.waiting.is_empty() || self.due(now).is_some_and(|due| due > now) {
            return None;
        }
        let (kind, content) = self.waiting.pop_front()?;
        self.messages.spend(1, now);
        match kind {
            "stream" => self.text.spend(length(&content) + ENVELOPE, now),
            _ => self.figures.spend(length(&content), now),
        }
        Some((kind, content))
    }

    /// The next message, room or not: nothing that comes later matters more.
    pub(super) fn pop_now(&mut self) -> Option<Note> {
        self.waiting.pop_front()
    }

    /// When there will be room for the next message, if one waits.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let (kind, _) = self.waiting.front()?;
        let bytes = match *kind {
            "stream" => &self.text,
            _ => &self.figures,
        };
        Some(self.messages.free_at(now).max(bytes.free_at(now)))
    }

    /// Forgets the figures that wait; text stays.
    pub(super) fn forget_figures(&mut self) {
        self.waiting.retain(|(kind, _)| *kind == "stream");
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the inner kernel is to wait until there is room.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() > PLACES
            || self
                .waiting
                .iter()
                .any(|(kind, _)| *kind != "update_display_data")
    }

    /// *Idle* was published: the server counts anew.
    pub(super) fn idle(&mut self, now: Instant) {
        self.messages = Budget::new(MESSAGES, now);
        self.text = Budget::new(TEXT, now);
        self.figures = Budget::new(FIGURES, now);
    }
}

/// How many bytes `content` has as JSON.
fn length(content: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A value is always JSON, and counting never fails.
    let _ = serde_json::to_writer(&mut count, content);
    count.0
}

/// A token bucket: a certain amount at once, and a certain amount more every second. As long as anything is left, a message may take even
/// more than that, and the messages after it wait longer.
struct Budget {
    most: f64,
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Budget {
    fn new((most, per_second): (f64, f64), at: Instant) -> Budget {
        Budget {
            most,
            per_second,
            left: most,
            at,
        }
    }

    fn left(&self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.left + since * self.per_second).min(self.most)
    }

    fn spend(&mut self, amount: usize, now: Instant) {
        self.left = self.left(now) - amount as f64;
        self.at = now;
    }

    /// When at least one token is left.
    fn free_at(&self, now: Instant) -> Instant {
        let missing = (1.0 - self.left(now)).max(0.0);
        // Rounded up: a time that is a moment too early would make the caller try again and again.
        now + Duration::from_micros((missing / self.per_second * 1e6).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WINDOW: Duration = Duration::from_secs(3);

    /// What JupyterLab's server would count: the most messages, and the most bytes of text, in any window.
    #[derive(Default)]
    struct Server {
        seen: Vec<(Instant, usize)>,
    }

    impl Server {
        fn worst(&self) -> (usize, usize) {
            let (mut first, mut bytes, mut worst) = (0, 0, (0, 0));
            for (index, (at, length)) in self.seen.iter().enumerate() {
                bytes += length;
                while self.seen[first].0 + WINDOW <= *at {
                    bytes -= self.seen[first].1;
                    first += 1;
                }
                worst = (worst.0.max(index + 1 - first), worst.1.max(bytes));
            }
            worst
        }
    }

    /// Sends all of `notes` as fast as they go, on a clock that advances only when something waits.
    fn send(notes: impl Iterator<Item = Note>) -> (Server, Duration) {
        let start = Instant::now();
        let mut now = start;
        let mut server = Server::default();
        let mut outbox = Outbox::new(now);
        for note in notes {
            outbox.push(note);
            loop {
                while let Some((kind, content)) = outbox.pop(now) {
                    let bytes = match kind {
                        "stream" => length(&content) + ENVELOPE,
                        _ => 0,
                    };
                    server.seen.push((now, bytes));
                }
                if !outbox.is_full() {
                    break;
                }
                now = outbox.due(now).unwrap();
            }
        }
        (server, now - start)
    }

    fn text(length: usize) -> Note {
        (
            "stream",
            json!({"name": "stdout", "text": "x".repeat(length)}),
        )
    }

    fn figure(kind: &'static str, id: Option<u32>, what: usize) -> Note {
        let transient = match id {
            Some(id) => json!({"display_id": id.to_string()}),
            None => json!({}),
        };
        (
            kind,
            json!({"data": {"text/plain": what}, "transient": transient}),
        )
    }

    #[test]
    fn no_window_holds_more_than_the_server_takes() {
        let figures = (0..5_000).map(|i| figure("display_data", None, i));
        let (server, took) = send(figures);
        assert_eq!(server.seen.len(), 5_000);
        assert!(server.worst().0 <= 1_500, "{:?}", server.worst());
        assert!(
            took > Duration::from_secs(11) && took < Duration::from_secs(13),
            "{took:?}"
        );
        for size in [1, 1_000, 40_000, 256 * 1024] {
            let (server, _) = send((0..10_000_000 / (size + 5_000)).map(|_| text(size)));
            let (messages, bytes) = server.worst();
            assert!(
                messages <= 1_500 && bytes <= 2_500_000,
                "{size}: {messages}, {bytes}"
            );
        }
    }

    #[test]
    fn what_is_sent_now_and_then_never_waits() {
        let start = Instant::now();
        let mut outbox = Outbox::new(start);
        for i in 0..10_000 {
            let now = start + i * Duration::from_millis(5);
            outbox.push(figure("display_data", None, 1));
            assert!(outbox.pop(now).is_some(), "message {i}");
            assert!(outbox.is_empty() && outbox.due(now).is_none());
        }
    }

    #[test]
    fn updates_that_wait_for_one_place_become_one() {
        let now = Instant::now();
        let mut outbox = Outbox::new(now);
        for i in 0..300 {
            outbox.push(figure("display_data", None, i));
            assert!(outbox.pop(now).is_some());
        }
        for i in 0..1_000 {
            outbox.push(figure("update_display_data", Some(i % 3), i as usize));
            assert!(outbox.pop(now).is_none());
        }
        assert!(!outbox.is_full());
        outbox.push(text(1));
        assert!(outbox.is_full());
        let later = now + WINDOW;
        let sent: Vec<Note> = std::iter::from_fn(|| outbox.pop(later)).collect();
        let shown: Vec<&Value> = sent
            .iter()
            .map(|(_, content)| &content["data"]["text/plain"])
            .collect();
        assert_eq!(shown, [&json!(999), &json!(997), &json!(998), &Value::Null]);
    }

    #[test]
    fn a_place_that_waits_itself_is_made_with_its_last_update() {
        let now = Instant::now();
        let mut outbox = Outbox::new(now);
        outbox.push(figure("display_data", Some(7), 1));
        outbox.push(figure("update_display_data", Some(7), 2));
        let (kind, content) = outbox.pop(now).unwrap();
        assert_eq!(
            (kind, &content["data"]["text/plain"]),
            ("display_data", &json!(2))
        );
        assert!(outbox.is_empty());
    }

    #[test]
    fn many_places_that_wait_hold_the_kernel_back() {
        let now = Instant::now();
        let mut outbox = Outbox::new(now);
        for id in 0..PLACES as u32 {
            outbox.push(figure("update_display_data", Some(id), 1));
        }
        assert!(!outbox.is_full());
        outbox.push(figure("update_display_data", Some(PLACES as u32), 1));
        assert!(outbox.is_full());
    }

    #[test]
    fn idle_makes_all_room_free() {
        let now = Instant::now();
        let mut outbox = Outbox::new(now);
        let full = |outbox: &mut Outbox| {
            (0..)
                .take_while(|_| {
                    outbox.push(figure("display_data", None, 1));
                    outbox.pop(now).is_some()
                })
                .count()
        };
        assert_eq!(full(&mut outbox), 300);
        assert!(outbox.pop_now().is_some());
        outbox.idle(now);
        assert_eq!(full(&mut outbox), 300);
    }
}
