use labsupport::cell::{Display, Show};
use labsupport::internal::{Pace, Page};
use std::fmt;
use std::time::Duration;

/// How long a picture stays before the next one replaces it.
const PICTURE: Duration = Duration::from_millis(100);

/// How often a page that shows the picture only at the end is told that one is coming.
const WORD: Duration = Duration::from_secs(5);

/// A picture that changes during a measurement: any figure or table, shown again and again in one place.
///
/// The first picture appears at once, later ones at most ten times a second, and the last one always. A figure that comes too soon after
/// another is kept but not drawn, so such an update only costs a copy of its numbers. Even so, update between two measurements, not inside
/// one.
///
/// On a page that cannot change while a cell runs (a stock evcxr kernel, a terminal), it says every five seconds that the measurement
/// goes on, and shows the last picture at the end.
///
/// It ends with [`finish`](Live::finish) or when the `Live` is dropped. A notebook keeps the variables of a cell after the cell has run,
/// so call `finish` there.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// let mut points = Vec::new();
/// let mut live = Live::new();
/// for n in 1..=20 {
///     points.push((f64::from(n), f64::from(n * n)));
///     live.update(&Lines::new("Squares").x("n").y("n²").series("n²", points.clone()));
/// }
/// live.finish();
/// ```
pub struct Live {
    display: Display,
    pace: Pace,
    /// The last one, if it is not on the page yet.
    waiting: Option<Box<dyn Show>>,
}

impl Live {
    /// An empty place for the picture.
    pub fn new() -> Live {
        Live::on(Page::of_this_cell())
    }

    fn on(page: Page) -> Live {
        let display = Display::on(page);
        let now = display.now();
        let pace = if display.is_live() {
            Pace::new(now, PICTURE)
        } else {
            Pace::new(now + WORD, WORD)
        };
        Live {
            display,
            pace,
            waiting: None,
        }
    }

    /// Shows `shown` in place of the previous figure: now, with a later update, or at the end.
    ///
    /// A figure that cannot be drawn is not an error here: the page says why there is no picture. In a forked worker, which has a copy of
    /// the `Live`, this does nothing.
    pub fn update(&mut self, shown: &(impl Show + Clone + 'static)) {
        if !self.display.is_mine() {
            return;
        }
        let due = self.pace.is_due(self.display.now());
        if due && self.display.is_live() {
            self.display.fill(shown);
            self.waiting = None;
            return;
        }
        self.waiting = Some(Box::new(shown.clone()));
        if due {
            self.display
                .line("still measuring … the picture comes at the end");
        }
    }

    /// Shows the last figure, if it is not on the page yet.
    pub fn finish(self) {} // Drop does it.
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.waiting.is_some() {
            "a picture waits"
        } else {
            "no picture waits"
        };
        write!(f, "Live({what})")
    }
}

impl Default for Live {
    fn default() -> Live {
        Live::new()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(shown) = self.waiting.take() {
            self.display.end(&*shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;
    use labsupport::internal::Fake;
    use labsupport::process::Workers;
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    fn table(word: &str) -> Table {
        Table::new(["word"]).row([word])
    }

    /// Counts how often it is drawn.
    #[derive(Clone, Default)]
    struct Drawn(Rc<Cell<usize>>);

    impl Show for Drawn {
        fn contents(&self) -> Vec<(&'static str, String)> {
            self.0.set(self.0.get() + 1);
            vec![("text/plain", "drawn".into())]
        }
    }

    #[test]
    fn the_first_comes_at_once_and_the_others_ten_times_a_second() {
        let page = Fake::live();
        let mut live = Live::on(page.page());
        let mut shown = Vec::new();
        for step in 0..30 {
            live.update(&table(&format!("<{step}>")));
            shown.extend(page.take());
            page.pass(30);
        }
        live.finish();
        shown.extend(page.take());
        // Every 30 ms one came: the next that may be shown is the fourth, 120 ms later.
        let expected = [0, 4, 8, 12, 16, 20, 24, 28, 29];
        assert_eq!(shown.len(), expected.len());
        for (line, step) in shown.iter().zip(expected) {
            assert!(line.starts_with("LABS_DISPLAY {"), "{line}");
            assert!(line.contains(&format!("&lt;{step}&gt;")), "{step}: {line}");
        }
    }

    #[test]
    fn debug_says_whether_a_picture_waits() {
        let page = Fake::live();
        let mut live = Live::on(page.page());
        live.update(&table("shown"));
        assert_eq!(format!("{live:?}"), "Live(no picture waits)");
        live.update(&table("waits"));
        assert_eq!(format!("{live:?}"), "Live(a picture waits)");
    }

    #[test]
    fn what_is_on_the_page_already_is_not_shown_again() {
        let page = Fake::live();
        let mut live = Live::on(page.page());
        live.update(&table("a"));
        assert_eq!(page.take().len(), 1);
        live.update(&table("b"));
        page.pass(100);
        live.update(&table("c"));
        let line = page.take().concat();
        assert!(
            line.contains("c</td>") && !line.contains("b</td>"),
            "{line}"
        );
        drop(live);
        assert!(page.take().is_empty());
    }

    #[test]
    fn one_that_is_not_due_is_not_drawn() {
        for (page, drawn_while_it_runs) in [(Fake::live(), 1), (Fake::stock(), 0)] {
            let drawn = Drawn::default();
            let mut live = Live::on(page.page());
            (0..100).for_each(|_| live.update(&drawn));
            assert_eq!(drawn.0.get(), drawn_while_it_runs);
            live.finish();
            assert_eq!(drawn.0.get(), drawn_while_it_runs + 1);
        }
    }

    #[test]
    fn a_stock_kernel_hears_a_word_now_and_then_and_gets_the_last_one() {
        let page = Fake::stock();
        let mut live = Live::on(page.page());
        for _ in 0..12 {
            live.update(&table("early"));
            page.pass(1000);
        }
        let word = "still measuring … the picture comes at the end\n";
        assert_eq!(page.take(), [word, word]);
        live.update(&table("late"));
        drop(live);
        let block = page.take().concat();
        assert!(block.starts_with("EVCXR_BEGIN_CONTENT text/html\n<table>"));
        assert!(
            block.contains("late") && !block.contains("early"),
            "{block}"
        );
    }

    #[test]
    fn without_a_picture_nothing_is_shown() {
        for page in [Fake::live(), Fake::stock()] {
            Live::on(page.page()).finish();
            assert!(page.take().is_empty());
        }
    }

    #[test]
    fn a_workers_copy_shows_nothing_when_it_is_dropped() {
        for page in [Fake::live(), Fake::stock()] {
            let mut live = Live::on(page.page());
            live.update(&table("a"));
            live.update(&table("b"));
            page.take();
            let live = RefCell::new(Some(live));
            let workers = Workers::spawn(1, |_| {
                let mut copy = live.take().unwrap();
                copy.update(&table("c"));
                drop(copy);
                page.take().len()
            });
            assert_eq!(workers.unwrap().join().unwrap().values().unwrap(), [0]);
            drop(live);
            assert!(page.take().concat().contains("b"));
        }
    }
}
