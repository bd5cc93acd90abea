use crate::error::KnobError;
use crate::kept::draw_all;
use crate::knob::{Knob, Knobs};
use labsupport::cell::{Display, Show, escape};
use labsupport::internal::{Page, ask_kernel, quote};

/// Shows knobs above a figure. Each time the reader moves one, `draw` runs again, and its figure replaces the one before.
///
/// `draw` runs in the process of the cell, so it borrows the notebook's variables and starts real workers. It returns a figure, a table,
/// or a `Result` with one; an error is shown in the figure's place until the next move. Moves that arrive while it runs become one, the
/// latest.
///
/// The cell goes on until *Done* is pressed, until it is stopped (■), until another cell is to run, or until no knob was moved for a
/// quarter of an hour. The last figure stays. A cell that is run together with the cells below it, as by *Run All*, draws once and ends at
/// once. *Explore* then runs it again.
///
/// Where a page has no knobs (a stock evcxr kernel, `labs check`, a terminal, a worker), `draw` runs once, and the values stand above the
/// figure. For a page that `labs publish` writes, `draw` runs at a few places of each knob, at most 40 together, and the page's sliders go through
/// these figures without a kernel.
///
/// # Errors
/// A knob cannot be turned: its range is empty, say, or it starts outside. Or `draw` returned an error when it ran for the last time.
///
/// # Examples
/// ```
/// use figures::prelude::*;
/// use labsupport::prelude::*;
/// let rounds = 3; // the closure borrows it
/// interact([Knob::new("iteration cost", 1.0..=1000.0).unit("µs").log().at(10.0)], |k| {
///     let work = Work::costing(std::time::Duration::from_secs_f64(k["iteration cost"] * 1e-6));
///     let took = Workers::spawn(2, |_| time(|| (0..rounds).for_each(|_| work.run())).elapsed.as_secs_f64())?.join()?.values()?;
///     let bars = took.iter().enumerate().fold(Bars::new("Two workers").format(Format::Seconds), |bars, (worker, &took)| {
///         bars.bar(format!("worker {worker}"), took)
///     });
///     Ok::<_, Box<dyn std::error::Error>>(bars)
/// })?;
/// # Ok::<(), KnobError>(())
/// ```
pub fn interact<S: Show>(
    knobs: impl IntoIterator<Item = Knob>,
    draw: impl FnMut(&Knobs) -> S,
) -> Result<(), KnobError> {
    let knobs = Knobs::new(knobs.into_iter().collect())?;
    run(Page::of_this_cell(), ask_kernel, knobs, draw)
}

/// The kernel's answer when the knobs are to be shown: one line of words.
///
/// ```text
/// once                         the page has no knobs
/// all                          the page will have no kernel: it wants the figures beforehand
/// drawn | live PLACE VALUES…   it shows them; they can be moved if they are live. PLACE is that of the figure
/// ```
///
/// The answer when a figure was drawn is `done`, or the values to draw next. Both questions are JSON.
fn run<S: Show>(
    page: Page,
    ask: impl Fn(&str) -> Option<String>,
    mut knobs: Knobs,
    mut draw: impl FnMut(&Knobs) -> S,
) -> Result<(), KnobError> {
    let mut display = Display::on(page);
    let place = quote(display.id());
    let begin = format!("{{\"place\":{place},{}}}", knobs.to_json());
    let answer = match display.is_live() {
        true => ask(&begin).unwrap_or_default(),
        false => String::new(),
    };
    let mut words = answer.split(' ');
    let live = match words.next() {
        Some("live") => true,
        Some("drawn") => false,
        Some("all") => {
            let (kept, error) = draw_all(&knobs, draw);
            display.end(&kept);
            return failed(error);
        }
        _ => {
            let drawn = draw(&knobs);
            display.end(&Above(knobs.words(), &drawn));
            return failed(drawn.error());
        }
    };
    if let Some(place) = words.next().filter(|&place| place != display.id()) {
        display.take_place_of(place);
    }
    knobs.turn(&numbers(words));
    loop {
        let drawn = draw(&knobs);
        display.fill(&drawn);
        let answer = match live {
            true => ask("{\"drawn\":true}").unwrap_or_default(),
            false => String::new(),
        };
        let values = numbers(answer.split(' '));
        if values.is_empty() {
            return failed(drawn.error());
        }
        knobs.turn(&values);
    }
}

fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> Vec<f64> {
    words.map_while(|word| word.parse().ok()).collect()
}

fn failed(error: Option<String>) -> Result<(), KnobError> {
    match error {
        Some(error) => Err(KnobError::Draw(error)),
        None => Ok(()),
    }
}

/// A figure with a line above it.
pub(crate) struct Above<'a, S>(pub(crate) String, pub(crate) &'a S);

impl<S: Show> Show for Above<'_, S> {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let line = &self.0;
        let put = |(mime, content)| match mime {
            "text/html" => (mime, format!("<p>{}</p>{content}", escape(line))),
            "text/plain" => (mime, format!("{line}\n{content}")),
            _ => (mime, content),
        };
        self.1.contents().into_iter().map(put).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bars, Table};
    use labsupport::internal::Fake;
    use labsupport::process::Workers;
    use std::cell::{Cell, RefCell};

    fn knobs() -> Knobs {
        Knobs::new(vec![Knob::new("n", 1.0..=9.0).unit("µs").at(2.0)]).unwrap()
    }

    /// Draws with these answers of the kernel's; what was asked, which values were drawn, and what was written.
    fn with(answers: &[&str]) -> (Vec<String>, Vec<f64>, Vec<String>) {
        let page = Fake::live();
        let (asked, left) = (RefCell::new(Vec::new()), Cell::new(answers));
        let mut drawn = Vec::new();
        let ask = |question: &str| {
            asked.borrow_mut().push(question.to_string());
            let (first, rest) = left.get().split_first()?;
            left.set(rest);
            Some(first.to_string())
        };
        run(page.page(), ask, knobs(), |k| {
            drawn.push(k["n"]);
            Table::new(["n"]).row([k["n"].to_string()])
        })
        .unwrap();
        (asked.into_inner(), drawn, page.take())
    }

    #[test]
    fn each_answer_draws_again_in_the_same_place_until_it_is_done() {
        let (asked, drawn, written) = with(&["live here 3", "4.5", "9", "done"]);
        assert_eq!(drawn, [3.0, 4.5, 9.0]);
        assert_eq!(asked.len(), 4);
        assert!(asked[0].starts_with("{\"place\":\"labs-"), "{}", asked[0]);
        assert!(written.iter().all(|line| {
            line.starts_with("LABS_DISPLAY {\"display_id\":\"here\",\"update\":true")
        }));
        assert_eq!(written.len(), 3);
    }

    #[test]
    fn what_is_not_live_is_drawn_once() {
        let (asked, drawn, written) = with(&["drawn here 3", "4"]);
        assert_eq!((asked.len(), drawn, written.len()), (1, vec![3.0], 1));
        // A kernel without an answer, and one without knobs.
        for answers in [&[][..], &["once"], &[""]] {
            let (asked, drawn, written) = with(answers);
            assert_eq!((asked.len(), drawn), (1, vec![2.0]));
            assert!(written.concat().contains("<p>n = 2 µs</p>"), "{written:?}");
        }
    }

    /// The figures of a published page come from the closure that a move would run.
    #[test]
    fn for_a_page_without_a_kernel_the_same_closure_draws_beforehand() {
        let (asked, drawn, written) = with(&["all"]);
        assert_eq!(
            (asked.len(), &drawn[..]),
            (1, &[1.0, 2.0, 3.0, 5.0, 7.0, 9.0][..])
        );
        let [shown] = &written[..] else {
            panic!("{written:?}")
        };
        let (_, moved, redrawn) = with(&["live here 2", "5", "done"]);
        assert_eq!(moved, [2.0, 5.0]);
        for line in redrawn {
            let (_, table) = line.split_once("<table").unwrap();
            let (table, _) = table.split_once("</table>").unwrap();
            assert!(shown.contains(table), "{table} in {shown}");
        }
    }

    #[test]
    fn a_kernel_that_goes_away_ends_it() {
        assert_eq!(with(&["live here 3", "4"]).1, [3.0, 4.0]);
    }

    #[test]
    fn values_outside_are_not_drawn() {
        assert_eq!(
            with(&["live here 99", "-1", "3 4", "5"]).1,
            [2.0, 2.0, 2.0, 5.0]
        );
    }

    #[test]
    fn a_stock_kernel_is_not_asked_and_shows_the_values_above_the_figure() {
        let page = Fake::stock();
        let ask = |_: &str| panic!("nobody answers here");
        run(page.page(), ask, knobs(), |k| {
            Bars::new("<B>").bar("n", k["n"])
        })
        .unwrap();
        let shown = page.take().concat();
        assert!(shown.contains("<p>n = 2 µs</p><figure"), "{shown}");
        assert!(shown.contains("text/plain\nn = 2 µs\n<B>\n"), "{shown}");
    }

    #[test]
    fn an_error_stands_in_the_figure_s_place_until_the_next_move() {
        let page = Fake::live();
        let answers = RefCell::new(vec!["done", "3", "live here 2"]);
        let ask = |_: &str| answers.borrow_mut().pop().map(str::to_string);
        run(page.page(), ask, knobs(), |k| match k["n"] {
            2.0 => Err("two is bad"),
            n => Ok(Table::new(["n"]).row([n.to_string()])),
        })
        .unwrap();
        let written = page.take();
        assert!(written[0].contains("two is bad") && !written[1].contains("bad"));
        let draw = |_: &Knobs| Err::<Table, _>("no worker");
        let said = run(Fake::stock().page(), |_| None, knobs(), draw).unwrap_err();
        assert_eq!(said.to_string(), "The figure could not be drawn: no worker");
    }

    #[test]
    fn in_a_worker_it_is_drawn_once() {
        let drawn = Workers::spawn(1, |_| {
            let mut drawn = 0;
            interact([Knob::switch("s")], |_| {
                drawn += 1;
                Table::new(["s"])
            })
            .is_ok()
                && drawn == 1
        });
        assert_eq!(drawn.unwrap().join().unwrap().values().unwrap(), [true]);
    }
}
