use super::error::ExplorerError;
use super::graph::Graph;
use super::letter::letter;
use super::protocol::{Protocol, When};
use super::state::State;
use super::word::listed;
use figures::internal::Moving;
use labsupport::cell::{self, Show};
use labsupport::internal::{quote, thousands};
use std::fmt;

/// *You are the scheduler*: one button for each worker, and the student tries to break a rule. As the last expression of a cell it is a game
/// on the page, which needs no kernel and no network any more; a published page has it too. Where scripts do not run, its text twin says how
/// to play with [`Explorer::play`](super::Explorer::play) alone.
///
/// The game shows each worker's steps, the shared words, the lock, and how many of the schedules that can still be reached are bad. The
/// page has every state of the protocol as data, so that these counts are exact. Keys: A to D take a step, U takes one back, R starts again,
/// E runs to the end, Y copies the line for the next cell.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
/// let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
/// let game = explorer.game();
/// println!("{game}"); // in a notebook: end the cell with `game`
/// assert!(game.to_string().contains("6 schedules, 2 of them bad"));
/// assert!(explorer.play("ABBA")?.matches_model()); // what the student played
/// # Ok::<(), ExplorerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Game {
    board: Result<Board, ExplorerError>,
    variable: String,
}

/// What the page and the text twin show.
#[derive(Clone, Debug)]
struct Board {
    title: String,
    /// By worker.
    workers: Vec<Vec<String>>,
    start: String,
    words: Vec<String>,
    rules: Vec<String>,
    schedules: u128,
    bad: u128,
    /// A word that can be played: each worker in turn, as far as it can go.
    example: String,
    root: u32,
    /// The states as JSON, in the order of the graph.
    states: String,
}

/// What a page without scripts says.
const STILL: &str =
    "<p>The game needs this page's script. Run the cell to play, or play with the words below.</p>";

impl Game {
    /// More states than this would make a page heavy: about half a megabyte.
    pub(super) const MOST_STATES: usize = 10_000;

    pub(super) fn new(
        name: Option<&str>,
        protocol: &Protocol,
        graph: Result<&Graph, ExplorerError>,
    ) -> Game {
        Game {
            board: graph.and_then(|graph| Board::of(name, protocol, graph)),
            variable: "explorer".into(),
        }
    }

    /// The name of the variable that has the explorer, for the line that the student puts into the next cell; `explorer` if none is given.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let flag_race = Explorer::new(["flag"]).workers(2, &Steps::new().write("set", |s, me| s["flag"] = me));
    /// assert!(flag_race.game().variable("flag_race").to_string().contains("flag_race.play(\"AB\")?"));
    /// ```
    pub fn variable(mut self, name: impl Into<String>) -> Game {
        self.variable = name.into();
        self
    }

    /// Shows the game in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Game {
    fn contents(&self) -> Vec<(&'static str, String)> {
        match &self.board {
            Err(_) => vec![("text/plain", self.to_string())],
            Ok(board) => board.contents(&self.variable),
        }
    }
}

impl fmt::Display for Game {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.board {
            Err(error) => writeln!(f, "No game: {error}"),
            Ok(board) => f.write_str(&board.text(&self.variable)),
        }
    }
}

impl Board {
    fn of(name: Option<&str>, protocol: &Protocol, graph: &Graph) -> Result<Board, ExplorerError> {
        if graph.len() > Game::MOST_STATES {
            return Err(ExplorerError::TooManyStatesForAGame {
                states: graph.len(),
                limit: Game::MOST_STATES,
            });
        }
        let lists = &protocol.lists;
        let when = |when| match when {
            When::End => "at the end",
            When::Always => "always",
        };
        let rules = protocol.rules.iter();
        let (schedules, bad) = graph.ahead(graph.root());
        let mut example = String::new();
        let mut state = State::start(&protocol.start);
        while let Some(worker) = (0..lists.len()).find(|&worker| state.can_go(lists, worker)) {
            example.push(letter(worker));
            state = state.after(lists, worker).0;
        }
        Ok(Board {
            title: name.map_or("You are the scheduler.".into(), |name| {
                format!("You are the scheduler of {name}.")
            }),
            workers: lists.iter().map(|steps| steps.names()).collect(),
            start: protocol.start.to_string(),
            words: protocol.start.names().to_vec(),
            rules: rules
                .map(|rule| format!("{} ({})", rule.name, when(rule.when)))
                .collect(),
            schedules,
            bad,
            example,
            root: graph.root(),
            states: states(protocol, graph),
        })
    }

    /// The board with its data and its script, and its text twin.
    fn contents(&self, variable: &str) -> Vec<(&'static str, String)> {
        let names = |names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
            format!("[{}]", names.join(","))
        };
        let workers: Vec<String> = self.workers.iter().map(|steps| names(steps)).collect();
        let data = format!(
            "{{\"title\":{},\"variable\":{},\"workers\":[{}],\"words\":{},\"rules\":{},\"start\":{},\"states\":{}}}",
            quote(&self.title),
            quote(variable),
            workers.join(","),
            names(&self.words),
            names(&self.rules),
            self.root,
            self.states
        );
        Moving::GAME.contents(STILL, &data, self.text(variable))
    }

    fn text(&self, variable: &str) -> String {
        let letters: Vec<String> = (0..self.workers.len())
            .map(|worker| letter(worker).to_string())
            .collect();
        let steps = self.workers.iter().map(Vec::len).max().unwrap_or(0);
        let rows: Vec<Vec<String>> = (0..steps)
            .map(|step| {
                let names = self
                    .workers
                    .iter()
                    .map(|names| names.get(step).cloned().unwrap_or_default());
                [(step + 1).to_string()].into_iter().chain(names).collect()
            })
            .collect();
        let header: Vec<&str> = ["step"]
            .into_iter()
            .chain(letters.iter().map(String::as_str))
            .collect();
        let rules = match self.rules.is_empty() {
            true => "no worker waits forever".into(),
            false => self.rules.join("; "),
        };
        format!(
            "{}\nChoose who takes the next step, and break a rule: {rules}.\n{}At the start: {}.\n{} schedules, {} of them bad.\n\
             To play without the page, write a letter for each step ({}), until no worker can take one, and run it:\n\
             {variable}.play(\"{}\")?\n",
            self.title,
            cell::table(&header, &rows, header.len()).1,
            self.start,
            thousands(self.schedules),
            thousands(self.bad),
            listed(&letters),
            self.example
        )
    }
}

/// Every state, as `figures/page/game.js` reads it.
fn states(protocol: &Protocol, graph: &Graph) -> String {
    let lists = &protocol.lists;
    let mut found: Vec<Option<State>> = vec![None; graph.len()];
    let mut waiting = vec![(graph.root(), State::start(&protocol.start))];
    while let Some((node, state)) = waiting.pop() {
        if found[node as usize].is_some() {
            continue;
        }
        for (worker, after) in graph.ways(node) {
            waiting.push((after, state.after(lists, worker).0));
        }
        found[node as usize] = Some(state);
    }
    let written = (0u32..).zip(&found).map(|(node, state)| {
        let state = state
            .as_ref()
            .expect("every state is reached from the start");
        let mut after = vec!["-1".to_string(); lists.len()];
        for (worker, next) in graph.ways(node) {
            let (step, goes_on) = (state.next(worker), state.after(lists, worker).1);
            after[worker] = (3 * next + lists[worker].way(step, goes_on) as u32).to_string();
        }
        let is_end = graph.ways(node).next().is_none();
        let broken = protocol.rules.iter().enumerate();
        let broken = broken.filter(|(_, rule)| rule.is_broken(&state.words, is_end));
        let (schedules, bad) = graph.ahead(node);
        format!(
            "[[{}],[{}],[{}],{},[{}],{},{}]",
            after.join(","),
            joined(
                state
                    .words
                    .values()
                    .iter()
                    .map(|&value| number(value.into()))
            ),
            joined((0..lists.len()).map(|worker| state.next(worker).to_string())),
            state
                .holder
                .map_or("-1".into(), |holder| holder.to_string()),
            joined(broken.map(|(index, _)| index.to_string())),
            number(schedules),
            number(bad)
        )
    });
    format!("[{}]", joined(written))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

/// A number for a page: as digits in a string where JavaScript's own numbers would round it.
fn number(value: u128) -> String {
    match value {
        0..=0x1F_FFFF_FFFF_FFFF => value.to_string(),
        _ => format!("\"{value}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Explorer, Steps};
    use serde_json::Value;
    use std::collections::HashMap;

    const RULE: &str = "a pair";

    /// Two steps that leave, a lock, and a rule that only some schedules break for a moment.
    fn explorer(workers: usize) -> Explorer {
        let steps = Steps::new()
            .leave_if("look", |s, _| s["x"] == 3)
            .write("write x", |s, me| s["x"] = me)
            .lock()
            .write("write y", |s, me| s["y"] = me)
            .unlock();
        Explorer::new(["x", "y"])
            .workers(workers, &steps)
            .always("never 21", |s| (s["x"], s["y"]) != (2, 1))
            .invariant(RULE, |s| s["x"] == s["y"])
    }

    fn data(game: &Game) -> Value {
        let html = game.contents()[0].1.clone();
        let (_, rest) = html
            .split_once("<script type=\"application/json\">")
            .unwrap();
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
    }

    /// Walks every schedule of the page's data, one by one, with the rule that one bad state makes a schedule bad.
    /// For each beginning: how many schedules begin like that, and how many of them are bad.
    fn walk(
        data: &Value,
        word: &str,
        state: &Value,
        was_bad: bool,
        counts: &mut HashMap<String, (u128, u128)>,
    ) -> (u128, u128) {
        let steps = |worker: usize| data["workers"][worker].as_array().unwrap().len() as u64;
        let after = state[0].as_array().unwrap();
        let is_over = after.iter().all(|after| *after == -1);
        let stuck = is_over
            && (0..after.len()).any(|worker| state[2][worker].as_u64() != Some(steps(worker)));
        let bad = was_bad || stuck || !state[4].as_array().unwrap().is_empty();
        let mut sum = (u128::from(is_over), u128::from(is_over && bad));
        for (worker, after) in after.iter().enumerate() {
            if let Some(after) = after.as_u64() {
                let next = &data["states"][after as usize / 3];
                let ahead = walk(
                    data,
                    &format!("{word}{}", letter(worker)),
                    next,
                    bad,
                    counts,
                );
                sum = (sum.0 + ahead.0, sum.1 + ahead.1);
            }
        }
        let said = |of: usize| u128::from(state[of].as_u64().unwrap());
        assert_eq!(said(5), sum.0, "{word}");
        // What was bad before is known to the page, not to the state.
        assert_eq!(if bad { sum.0 } else { said(6) }, sum.1, "{word}");
        counts.insert(word.into(), sum);
        sum
    }

    #[test]
    fn the_pages_counts_are_those_of_the_explorer() {
        for workers in [2, 3] {
            let explorer = explorer(workers);
            let data = data(&explorer.game());
            let start = &data["states"][data["start"].as_u64().unwrap() as usize];
            let mut counts = HashMap::new();
            let all = walk(&data, "", start, false, &mut counts);
            let seen = explorer.explore().unwrap();
            assert_eq!(all, (seen.schedules(), seen.broken()));
            assert!(all.1 > 0 && all.1 < all.0);
            for id in 0..seen.schedules() {
                let replay = explorer.replay(id).unwrap();
                let bad = !replay.broken().is_empty();
                assert_eq!(
                    counts[&replay.schedule()],
                    (1, bad.into()),
                    "{}",
                    replay.schedule()
                );
            }
        }
    }

    #[test]
    fn numbers_that_a_page_would_round_are_text() {
        assert_eq!(number(9_007_199_254_740_991), "9007199254740991");
        assert_eq!(number(9_007_199_254_740_992), "\"9007199254740992\"");
        let large = Steps::new().write("w", |s, _| s["x"] = u64::MAX);
        let data = data(&Explorer::new(["x"]).worker(&large).game());
        assert!(
            data["states"]
                .to_string()
                .contains("\"18446744073709551615\"")
        );
    }

    #[test]
    fn whatever_a_name_says_stays_text() {
        let name = "</script><script>alert(1)</script>\"\n&\\";
        let steps = Steps::new().write(name, |s, _| s.set(0, 1));
        let explorer = Explorer::new([name])
            .workers(2, &steps)
            .invariant(name, |_| true);
        let game = explorer.game().variable(name);
        let html = game.contents()[0].1.clone();
        assert!(!html.contains("<script>alert"), "{html}");
        assert_eq!(html.matches("</script>").count(), 2);
        let data = data(&game);
        for place in [&data["words"][0], &data["workers"][1][0], &data["variable"]] {
            assert_eq!(place, name);
        }
    }

    #[test]
    fn the_twin_says_how_to_play_without_the_page() {
        let game = explorer(2).game();
        assert_eq!(
            game.to_string(),
            "You are the scheduler.\n\
             Choose who takes the next step, and break a rule: never 21 (always); a pair (at the end).\n\
             step  A        B\n\
             1     look     look\n\
             2     write x  write x\n\
             3     lock     lock\n\
             4     write y  write y\n\
             5     unlock   unlock\n\
             At the start: x = 0, y = 0.\n\
             42 schedules, 24 of them bad.\n\
             To play without the page, write a letter for each step (A and B), until no worker can take one, and run it:\n\
             explorer.play(\"AAAAABBBBB\")?\n"
        );
        let mimes: Vec<&str> = game.contents().iter().map(|(mime, _)| *mime).collect();
        assert_eq!(mimes, ["text/html", "text/plain"]);
    }

    #[test]
    fn what_is_too_large_for_a_page_says_so() {
        let steps = (0..25).fold(Steps::new(), |steps, _| steps.write("w", |_, _| ()));
        let game = Explorer::new(["x"]).workers(3, &steps).game();
        assert!(game.to_string().starts_with(
            "No game: 17,576 different states are more than a page should carry (10,000)"
        ));
        assert_eq!(game.contents().len(), 1);
    }
}
