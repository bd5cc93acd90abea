use super::Outcome;
use super::report::milliseconds;
use crate::cell::{self, Display, Page, Show};
use std::time::{Duration, Instant};

/// How long a table stays at least before a new end replaces it.
const CHANGE: Duration = Duration::from_millis(100);

/// How long a table stays while no worker ends; then its wall times are old.
const TICK: Duration = Duration::from_secs(1);

/// The workers of one [`Workers::join_live`](super::Workers::join_live) on the page: which run, which have ended, and how.
pub(super) struct LiveTable {
    display: Display,
    rows: Rows,
    /// When the page was last filled.
    filled: Option<Instant>,
    /// Whether a worker has ended since then.
    changed: bool,
}

impl LiveTable {
    /// A live of workers that were forked at these times. All of them run.
    pub(super) fn new(page: Page, forked: impl Iterator<Item = Instant>) -> LiveTable {
        let display = Display::on(page);
        let rows = Rows {
            now: display.now(),
            workers: forked.map(|forked| (forked, None)).collect(),
        };
        LiveTable {
            display,
            rows,
            filled: None,
            changed: true,
        }
    }

    /// Whether the end of worker `index` has been noted.
    pub(super) fn has_ended(&self, index: usize) -> bool {
        self.rows.workers[index].1.is_some()
    }

    /// Notes the end of a worker.
    pub(super) fn note<T>(&mut self, outcome: &Outcome<T>) {
        let (index, wall) = (outcome.index(), outcome.wall());
        let state = outcome.exit().to_string();
        self.display.line(&format!(
            "worker {index} after {}: {state}",
            milliseconds(wall)
        ));
        self.rows.workers[index].1 = Some((state, wall));
        self.changed = true;
    }

    /// Fills the page if it is time to. Returns when to call again, `None` if the page cannot change.
    pub(super) fn show(&mut self) -> Option<Instant> {
        if !self.display.is_live() {
            return None;
        }
        let now = self.display.now();
        let stays = match (self.changed, self.rows.all_ended()) {
            (true, true) => Duration::ZERO, // the last table, which stays
            (true, false) => CHANGE,
            (false, _) => TICK,
        };
        if let Some(filled) = self.filled
            && now < filled + stays
        {
            return Some(filled + stays);
        }
        self.rows.now = now;
        self.display.fill(&self.rows);
        self.filled = Some(now);
        self.changed = false;
        Some(now + TICK)
    }

    /// Waiting failed, and the workers that still ran were stopped. The page must not say forever that they run.
    pub(super) fn give_up(mut self) {
        let now = self.display.now();
        for (forked, end) in &mut self.rows.workers {
            let wall = now.saturating_duration_since(*forked);
            end.get_or_insert_with(|| ("stopped, because waiting for it failed".into(), wall));
        }
        self.changed = true;
        self.show();
    }
}

struct Rows {
    now: Instant,
    /// For each worker: when it was forked, and how and after which time it ended.
    workers: Vec<(Instant, Option<(String, Duration)>)>,
}

impl Rows {
    fn all_ended(&self) -> bool {
        self.workers.iter().all(|(_, end)| end.is_some())
    }
}

impl Show for Rows {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let rows: Vec<Vec<String>> = (self.workers.iter().enumerate())
            .map(|(index, (forked, end))| {
                let (state, wall) = end.clone().unwrap_or_else(|| {
                    (
                        "running".into(),
                        self.now.saturating_duration_since(*forked),
                    )
                });
                vec![index.to_string(), state, milliseconds(wall)]
            })
            .collect();
        let (html, text) = cell::table(&["worker", "state", "wall time"], &rows, 2);
        vec![("text/html", html), ("text/plain", text)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Fake;
    use crate::prelude::*;
    use crate::sys;
    use std::cell::RefCell;
    use std::rc::Rc;

    const LONG: Duration = Duration::from_secs(20);

    fn end(index: usize, exit: Exit) -> Outcome<()> {
        Outcome {
            index,
            exit,
            value: None,
            wall: Duration::from_millis(1500),
            cpu: Duration::ZERO,
            sleeps_on: None,
        }
    }

    /// A page and a live of two workers that were forked just now.
    fn two(page: &Fake) -> LiveTable {
        let now = (page.page().now)();
        LiveTable::new(page.page(), [now, now].into_iter())
    }

    #[test]
    fn the_table_changes_when_a_worker_ends_or_a_second_has_passed() {
        let page = Fake::live();
        let mut live = two(&page);
        let mut shown = Vec::new();
        for tenth in 0..40 {
            if tenth == 15 {
                live.note(&end(0, Exit::Returned));
            }
            live.show();
            live.show();
            shown.extend(page.take().into_iter().map(|line| (tenth, line)));
            page.pass(100);
        }
        let tenths: Vec<usize> = shown.iter().map(|(tenth, _)| *tenth).collect();
        assert_eq!(tenths, [0, 10, 15, 25, 35]);
        let text = |index: usize| shown[index].1.split("\"text/plain\":").nth(1).unwrap();
        assert_eq!(
            text(1),
            "\"worker  state    wall time\\n0       running     1.00 s\\n1       running     1.00 s\\n\"}}\n"
        );
        assert_eq!(
            text(3),
            "\"worker  state     wall time\\n0       returned     1.50 s\\n1       running      2.50 s\\n\"}}\n"
        );
    }

    #[test]
    fn ends_that_come_together_make_one_table_and_the_last_table_comes_at_once() {
        let page = Fake::live();
        let now = (page.page().now)();
        let mut live = LiveTable::new(page.page(), [now; 3].into_iter());
        live.show();
        page.take();
        page.pass(50);
        live.note(&end(0, Exit::Returned));
        let again = live.show().unwrap();
        assert!(page.take().is_empty());
        assert_eq!(again, now + CHANGE);
        live.note(&end(1, Exit::Signaled(9)));
        page.pass(50);
        live.show();
        let table = page.take().concat();
        for part in ["returned", "killed by SIGKILL", "running"] {
            assert_eq!(table.matches(part).count(), 2, "{part} in {table}");
        }
        live.note(&end(2, Exit::Exited(3)));
        live.show();
        let table = page.take().concat();
        assert!(
            table.contains("code 3") && !table.contains("running"),
            "{table}"
        );
    }

    #[test]
    fn a_worker_that_was_given_up_does_not_run_forever_on_the_page() {
        let page = Fake::live();
        let mut live = two(&page);
        live.note(&end(1, Exit::Returned));
        live.show();
        page.take();
        live.give_up();
        let table = page.take().concat();
        assert!(table.contains("stopped, because") && table.contains("returned"));
        assert!(!table.contains("running"), "{table}");
    }

    /// Two workers, of which the second ends only when the page has shown the end of the first. Returns the tables or lines.
    fn watched(live: bool, told: fn(&str) -> bool) -> (Vec<String>, Report<u32>) {
        let go = Rc::new(Flag::new().unwrap());
        let workers = Workers::spawn(2, |w| {
            if w.index() == 1 {
                while !go.is_set() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                panic!("told\nto");
            }
            7
        });
        let writes = Rc::new(RefCell::new(Vec::new()));
        let (kept, told_go) = (Rc::clone(&writes), Rc::clone(&go));
        let page = Page {
            live,
            write: Box::new(move |text| {
                if told(text) {
                    told_go.set();
                }
                kept.borrow_mut().push(text.to_string());
            }),
            now: Box::new(Instant::now),
        };
        let report = workers.unwrap().join_on(page, LONG).unwrap();
        (writes.take(), report)
    }

    #[test]
    fn a_live_page_shows_which_workers_run_and_how_each_ended() {
        let (tables, report) = watched(true, |table| {
            table.contains("0       returned") && table.contains("1       running")
        });
        assert!(tables.len() >= 2, "{tables:?}");
        let last = tables.last().unwrap().replace('\u{a0}', " "); // between a number and its unit
        assert!(last.contains("returned</td>"), "{last}");
        assert!(last.contains("panicked: told\\nto (at "), "{last}");
        assert!(!last.contains("running"), "{last}");
        assert_eq!(report.outcomes()[0].value(), Some(&7));
        // The table and the report agree.
        for outcome in report.outcomes() {
            let wall = milliseconds(outcome.wall());
            assert!(last.contains(&format!(">{wall}<")), "{wall} in {last}");
        }
    }

    #[test]
    fn a_worker_that_ended_before_does_not_run_in_the_first_table() {
        // In a process of its own: a worker that another test forks just now would hold these pipes open for a while.
        let alone = Workers::spawn(1, |_| {
            let page = Fake::live();
            let workers = Workers::spawn(2, |_| 7).unwrap();
            let ended = |pid: &u32| sys::activity(*pid as sys::Pid) == "ending";
            while !workers.pids().iter().all(ended) {
                std::thread::sleep(Duration::from_millis(1));
            }
            workers.join_on(page.page(), LONG).unwrap();
            page.take()
        });
        let report = alone.unwrap().join_timeout(LONG).unwrap();
        let tables = report.into_values().unwrap().remove(0);
        assert_eq!(tables.len(), 1, "{tables:?}");
        assert!(!tables[0].contains("running"), "{tables:?}");
    }

    #[test]
    fn a_stock_kernel_gets_a_line_for_each_end() {
        let (lines, _) = watched(false, |line| line.starts_with("worker 0"));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("worker 0 after ") && lines[0].ends_with(" ms: returned\n"));
        assert!(lines[1].starts_with("worker 1 after "), "{lines:?}");
        assert!(
            lines[1].contains(" ms: panicked: told to (at "),
            "{lines:?}"
        );
    }

    #[test]
    fn a_late_worker_is_shown_as_late() {
        let page = Fake::live();
        let workers = Workers::spawn(2, |w| {
            while w.index() == 1 {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let limit = Duration::from_millis(300);
        let ticking = Page {
            now: Box::new(Instant::now),
            ..page.page()
        };
        let report = workers.unwrap().join_on(ticking, limit).unwrap();
        assert!(matches!(report.outcomes()[1].exit(), Exit::TimedOut { .. }));
        let last = page.take().pop().unwrap();
        assert!(last.contains("not finished after 300 ms"), "{last}");
        assert!(!last.contains("running</td>"), "{last}");
    }
}
