use labsupport::cell::{Display, Show, escape};
use labsupport::internal::thousands;
use labsupport::internal::{Pace, Page};
use labsupport::measure::human;
use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, Instant};

/// Work that takes less time than this needs no bar.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a bar stays before the next one replaces it.
const BAR: Duration = Duration::from_millis(500);

/// The same for a line of text, which stays on the page.
const LINE: Duration = Duration::from_secs(5);

/// The progress of something that takes a while: what is done, what is left, and how long that may take.
///
/// In the first two seconds nothing is shown, so quick work stays quiet. Then there is a bar with words beside it, which moves at most
/// twice a second. When all steps are done, one line takes its place. The time left is estimated from the mean pace so far.
///
/// On a page that cannot change while a cell runs (a stock evcxr kernel, a terminal), lines of text say the same: the first after two
/// seconds, then at most one every five seconds, and the last when everything is done.
///
/// Nothing runs in the background: the bar moves when a step is done, so make the steps short. A forked worker has a copy that shows
/// nothing. Count in the process that made the `Progress`.
///
/// # Examples
/// Say when a step is done:
/// ```
/// use figures::prelude::*;
/// let progress = Progress::new("measuring", 40);
/// for _ in 0..40 {
///     // … measure …
///     progress.step();
/// }
/// ```
///
/// Or let the rounds of a loop be the steps:
/// ```
/// use figures::prelude::*;
/// let workers = [1, 2, 4, 8];
/// let mut costs = Vec::new();
/// for &count in Progress::over("measuring", &workers) {
///     costs.push(count * 10);
/// }
/// assert_eq!(costs, [10, 20, 40, 80]);
/// ```
pub struct Progress {
    name: String,
    total: usize,
    state: RefCell<State>,
}

struct State {
    display: Display,
    pace: Pace,
    started: Instant,
    done: usize,
    ended: bool,
}

impl Progress {
    /// The progress of `total` steps that are about to begin, under a name such as "measuring". Time is counted from now.
    pub fn new(name: impl Into<String>, total: usize) -> Progress {
        Progress::on(Page::of_this_cell(), name.into(), total)
    }

    /// Counts the rounds of a loop over `items`. A round is done when the loop asks for the next item.
    ///
    /// `items` must know how many they are: an array, a slice, a `Vec`, or a range such as `0..40` (but not `1..=40`, whose length may not
    /// fit into a number).
    pub fn over<I: IntoIterator<IntoIter: ExactSizeIterator>>(
        name: impl Into<String>,
        items: I,
    ) -> Counted<I::IntoIter> {
        let items = items.into_iter();
        Counted {
            progress: Progress::new(name, items.len()),
            given: 0,
            items,
        }
    }

    fn on(page: Page, name: String, total: usize) -> Progress {
        let display = Display::on(page);
        let started = display.now();
        let every = if display.is_live() { BAR } else { LINE };
        let state = RefCell::new(State {
            display,
            pace: Pace::new(started + PATIENCE, every),
            started,
            done: 0,
            ended: false,
        });
        Progress { name, total, state }
    }

    /// Says that one more step is done.
    pub fn step(&self) {
        let done = self.state.borrow().done;
        self.set(done.saturating_add(1));
    }

    /// Says that `done` steps are done in all. A number above the total counts as the total. After the last step, nothing changes any longer.
    pub fn set(&self, done: usize) {
        let mut state = self.state.borrow_mut();
        if state.ended {
            return;
        }
        state.done = done.min(self.total);
        let now = state.display.now();
        if state.done == self.total {
            self.end(&mut state, now);
        } else if state.pace.is_due(now) {
            let words = self.words(state.done, now.duration_since(state.started));
            let bar = self.bar(state.done, &words);
            state.display.fill(&bar);
            state.display.line(&bar.text);
        }
    }

    /// Ends it, even if steps are left because a loop was left early. Dropping it does the same.
    ///
    /// # Examples
    /// ```
    /// use figures::prelude::*;
    /// let progress = Progress::new("searching", 1000);
    /// for n in 0..1000 {
    ///     if n * n == 144 {
    ///         break;
    ///     }
    ///     progress.set(n + 1);
    /// }
    /// progress.finish();
    /// ```
    pub fn finish(self) {} // Drop does it.

    /// Puts one quiet line in the place of the bar, or nothing after quick work.
    fn end(&self, state: &mut State, now: Instant) {
        state.ended = true;
        let elapsed = now.duration_since(state.started);
        if elapsed < PATIENCE {
            return;
        }
        let (count, elapsed) = (self.count(state.done), human(elapsed));
        let text = if state.done == self.total {
            format!("{}: {count} in {elapsed}", self.name)
        } else {
            format!("{}: stopped after {count}, {elapsed}", self.name)
        };
        let html = format!("<small>{}</small>", escape(&text));
        let quiet = Words { html, text };
        state.display.fill(&quiet);
        state.display.line(&quiet.text);
    }

    fn count(&self, done: usize) -> String {
        format!(
            "{} of {}",
            thousands(done as i64),
            thousands(self.total as i64)
        )
    }

    /// Done, left, and the time left.
    fn words(&self, done: usize, elapsed: Duration) -> String {
        let left = match done {
            0 => "estimating the time left".into(),
            done => time_left(elapsed.as_secs_f64() / done as f64 * (self.total - done) as f64),
        };
        format!("{} done, {left}", self.count(done))
    }

    fn bar(&self, done: usize, words: &str) -> Words {
        // The words stand beside the bar as well, for sighted readers and for a page that removes `<progress>`. Only the page's own
        // colours are used, so that both light and dark pages are readable.
        let text = format!("{}: {words}", self.name);
        let (name, total) = (escape(&self.name), self.total);
        let html = format!(
            "<div style=\"display:flex;flex-wrap:wrap;align-items:center;gap:0.25em 0.75em\">\
             <progress role=\"progressbar\" aria-label=\"{name}\" aria-valuemin=\"0\" aria-valuemax=\"{total}\" \
             aria-valuenow=\"{done}\" aria-valuetext=\"{words}\" value=\"{done}\" max=\"{total}\" \
             style=\"width:16em;max-width:100%\"></progress><span>{name}: {words}</span></div>"
        );
        Words { html, text }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.state.borrow().done;
        write!(f, "Progress({:?}, {})", self.name, self.count(done))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut state = self.state.borrow_mut();
        if !state.ended {
            let now = state.display.now();
            self.end(&mut state, now);
        }
    }
}

/// The same words as HTML and as plain text.
struct Words {
    html: String,
    text: String,
}

impl Show for Words {
    fn contents(&self) -> Vec<(&'static str, String)> {
        vec![
            ("text/html", self.html.clone()),
            ("text/plain", self.text.clone()),
        ]
    }
}

/// An estimate, in whole units, rounded up.
fn time_left(seconds: f64) -> String {
    let (number, unit) = match seconds.ceil() {
        s if s <= 120.0 => (s.max(1.0), "s"),
        s if s <= 7200.0 => ((s / 60.0).ceil(), "min"),
        s => ((s / 3600.0).ceil(), "h"),
    };
    format!("about {} {unit} left", thousands(number as i64))
}

/// A loop whose rounds are counted. [`Progress::over`] makes it.
///
/// # Examples
/// ```
/// use figures::Counted;
/// use figures::prelude::*;
/// let rounds: Counted<std::ops::Range<usize>> = Progress::over("measuring", 0..3);
/// assert_eq!(rounds.len(), 3);
/// assert_eq!(rounds.map(|n| n * n).collect::<Vec<_>>(), [0, 1, 4]);
/// ```
#[derive(Debug)]
pub struct Counted<I> {
    items: I,
    given: usize,
    progress: Progress,
}

impl<I: ExactSizeIterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        // A caller that asks for the next item is done with those before it.
        self.progress.set(self.given);
        self.given += 1;
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Counted<I> {}

#[cfg(test)]
mod tests {
    use super::*;
    use labsupport::internal::Fake;
    use labsupport::process::Workers;

    fn measuring(page: &Fake, total: usize) -> Progress {
        Progress::on(page.page(), "measuring".into(), total)
    }

    #[test]
    fn debug_says_how_much_is_done() {
        let page = Fake::live();
        let progress = measuring(&page, 4000);
        progress.step();
        assert_eq!(
            format!("{progress:?}"),
            "Progress(\"measuring\", 1 of 4,000)"
        );
    }

    #[test]
    fn quick_work_stays_quiet() {
        for page in [Fake::live(), Fake::stock()] {
            let progress = measuring(&page, 4);
            (0..4).for_each(|_| {
                progress.step();
                page.pass(499);
            });
            drop(progress);
            measuring(&page, 0).finish();
            measuring(&page, 5).finish();
            assert!(page.take().is_empty());
        }
    }

    #[test]
    fn after_two_seconds_a_bar_that_moves_twice_a_second() {
        let page = Fake::live();
        let progress = measuring(&page, 40);
        let mut shown = Vec::new();
        for step in 1..=39 {
            page.pass(200);
            progress.step();
            shown.extend(page.take().into_iter().map(|line| (step, line)));
        }
        let steps: Vec<usize> = shown.iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [10, 13, 16, 19, 22, 25, 28, 31, 34, 37]);
        let first = &shown[0].1;
        for part in [
            "\"update\":false",
            "<progress role=\\\"progressbar\\\" aria-label=\\\"measuring\\\"",
            "aria-valuetext=\\\"10 of 40 done, about 6 s left\\\" value=\\\"10\\\" max=\\\"40\\\"",
            "<span>measuring: 10 of 40 done, about 6 s left</span>",
            "\"text/plain\":\"measuring: 10 of 40 done, about 6 s left\"",
        ] {
            assert!(first.contains(part), "{part} in {first}");
        }
        assert!(!first.contains("color"), "{first}");
        assert!(
            shown[1..]
                .iter()
                .all(|(_, l)| l.contains("\"update\":true"))
        );

        page.pass(4500);
        progress.step();
        let last = page.take().concat();
        assert!(
            last.ends_with(
                "\"update\":true,\"data\":{\"text/html\":\"<small>measuring: 40 of 40 in 12.3 s</small>\",\
                 \"text/plain\":\"measuring: 40 of 40 in 12.3 s\"}}\n"
            ),
            "{last}"
        );
        progress.step();
        progress.set(3);
        page.pass(10_000);
        drop(progress);
        assert!(page.take().is_empty());
    }

    #[test]
    fn a_stock_kernel_gets_lines() {
        let page = Fake::stock();
        let progress = measuring(&page, 20);
        for _ in 0..20 {
            page.pass(700);
            progress.step();
        }
        assert_eq!(
            page.take(),
            [
                "measuring: 3 of 20 done, about 12 s left\n",
                "measuring: 11 of 20 done, about 7 s left\n",
                "measuring: 19 of 20 done, about 1 s left\n",
                "measuring: 20 of 20 in 14 s\n",
            ]
        );
    }

    #[test]
    fn before_the_first_step_there_is_no_estimate() {
        let page = Fake::stock();
        let progress = measuring(&page, 2000);
        page.pass(3000);
        progress.set(0);
        page.pass(5000);
        progress.set(1);
        assert_eq!(
            page.take(),
            [
                "measuring: 0 of 2,000 done, estimating the time left\n",
                "measuring: 1 of 2,000 done, about 5 h left\n"
            ]
        );
    }

    #[test]
    fn what_is_left_early_says_how_far_it_came() {
        let page = Fake::stock();
        let progress = measuring(&page, 10);
        progress.set(4);
        page.pass(5000);
        progress.finish();
        assert_eq!(page.take(), ["measuring: stopped after 4 of 10, 5 s\n"]);
    }

    #[test]
    fn a_round_is_done_when_the_next_one_is_asked_for() {
        let page = Fake::stock();
        let items = [7, 8, 9].iter();
        let mut rounds = Counted {
            progress: measuring(&page, items.len()),
            given: 0,
            items,
        };
        let done = |rounds: &Counted<_>| rounds.progress.state.borrow().done;
        assert_eq!((rounds.next(), done(&rounds)), (Some(&7), 0));
        assert_eq!((rounds.next(), done(&rounds)), (Some(&8), 1));
        assert_eq!((rounds.next(), done(&rounds)), (Some(&9), 2));
        page.pass(6000);
        assert!(page.take().is_empty());
        assert_eq!((rounds.next(), done(&rounds)), (None, 3));
        assert_eq!(page.take(), ["measuring: 3 of 3 in 6 s\n"]);
        assert_eq!((rounds.next(), done(&rounds)), (None, 3));
    }

    #[test]
    fn estimates_are_whole_and_rounded_up() {
        let cases = [
            (0.0, "about 1 s left"),
            (8.2, "about 9 s left"),
            (120.0, "about 120 s left"),
            (121.0, "about 3 min left"),
            (7201.0, "about 3 h left"),
        ];
        for (seconds, words) in cases {
            assert_eq!(time_left(seconds), words);
        }
    }

    #[test]
    fn a_name_stays_text() {
        let page = Fake::live();
        let progress = Progress::on(page.page(), "a \"<b>\"".into(), 3);
        page.pass(2000);
        progress.step();
        let bar = page.take().concat();
        assert!(
            bar.contains("aria-label=\\\"a &quot;&lt;b&gt;&quot;\\\""),
            "{bar}"
        );
        assert!(
            bar.contains("\"text/plain\":\"a \\\"<b>\\\": 1 of 3"),
            "{bar}"
        );
        assert_eq!(bar.matches("<b>").count(), 1, "{bar}");
    }

    #[test]
    fn a_workers_copy_shows_nothing() {
        for page in [Fake::live(), Fake::stock()] {
            let progress = measuring(&page, 2);
            page.pass(10_000);
            let workers = Workers::spawn(1, |_| {
                progress.step();
                progress.step();
                page.take().len()
            });
            assert_eq!(workers.unwrap().join().unwrap().values().unwrap(), [0]);
            progress.step();
            assert!(page.take().concat().contains("1 of 2"));
        }
    }
}
