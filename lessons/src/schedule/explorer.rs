use super::chance;
use super::error::ExplorerError;
use super::exploration::Exploration;
use super::forced::Forced;
use super::game::Game;
use super::graph::Graph;
use super::protocol::{Protocol, Rule, When};
use super::replay::Replay;
use super::stamps::Stamps;
use super::steps::Steps;
use super::word;
use super::words::Words;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

/// Runs every interleaving of a few workers' [`Steps`] on shared [`Words`].
///
/// # Examples
/// Without a lock two workers find something at the same time, and the result is torn:
/// ```
/// use lessons::prelude::*;
/// let no_lock = Steps::new()
///     .leave_if("check", |s, _me| s["found"] != 0)
///     .write("write finder", |s, me| s["finder"] = me)
///     .write("write answer", |s, me| s["answer"] = 100 * me)
///     .write("set found", |s, _me| s["found"] = 1);
/// let explorer = Explorer::new(["found", "finder", "answer"])
///     .workers(2, &no_lock)
///     .invariant("finder and answer belong together", |s| s["answer"] == 100 * s["finder"]);
///
/// let seen = explorer.explore()?;
/// println!("{seen}");
/// assert!(seen.broken() > 0);
///
/// let bad = seen.shortest_bad().unwrap();
/// println!("{bad}");
/// assert_ne!(bad.end()["answer"], 100 * bad.end()["finder"]);
///
/// let forced = explorer.force(bad.id())?; // the same schedule on two real processes
/// println!("{forced}");
/// assert!(forced.matches_model());
/// # Ok::<(), ExplorerError>(())
/// ```
#[derive(Clone)]
pub struct Explorer {
    /// For a protocol whose steps are not shown, in place of them.
    name: Option<String>,
    protocol: Protocol,
    /// The first name that `.start` did not find.
    unknown: Option<String>,
    /// Computed once; forgotten when something is added.
    graph: OnceCell<Rc<Graph>>,
}

impl Explorer {
    /// An explorer of a protocol with these shared words, which all start at 0.
    pub fn new<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Explorer {
        Explorer {
            name: None,
            protocol: Protocol {
                start: Words::new(words.into_iter().map(Into::into).collect()),
                lists: Vec::new(),
                rules: Vec::new(),
            },
            unknown: None,
            graph: OnceCell::new(),
        }
    }

    /// The same protocol under a name, with steps that show only their numbers.
    pub(super) fn veiled(mut self, name: String) -> Explorer {
        let lists = self.protocol.lists.into_iter();
        self.protocol.lists = lists.map(Steps::veiled).collect();
        self.name = Some(name);
        self
    }

    /// Makes the word `name` start at `value`.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let take = Steps::new()
    ///     .leave_if("none left?", |s, _me| s["left"] == 0)
    ///     .write("take one", |s, _me| s["left"] -= 1);
    /// let seen = Explorer::new(["left"]).start("left", 2).workers(2, &take).explore()?;
    /// assert_eq!(seen.schedules(), 6);
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn start(mut self, name: &str, value: u64) -> Explorer {
        match self.protocol.start.place(name) {
            Some(place) => self.protocol.start.set(place, value),
            None => self.unknown = self.unknown.or_else(|| Some(name.into())),
        }
        self.graph = OnceCell::new();
        self
    }

    /// Adds a worker that does `steps`: the first is A, the next B, and so on.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let producer = Steps::new()
    ///     .write("write data", |s, _me| s["data"] = 42)
    ///     .write("set ready", |s, _me| s["ready"] = 1);
    /// let consumer = Steps::new()
    ///     .leave_if("not ready?", |s, _me| s["ready"] == 0)
    ///     .write("copy", |s, _me| s["copy"] = s["data"]);
    /// let explorer = Explorer::new(["data", "ready", "copy"]).worker(&producer).worker(&consumer);
    /// let seen = explorer.always("a copy is whole", |s| s["copy"] == 0 || s["copy"] == 42).explore()?;
    /// assert_eq!((seen.schedules(), seen.broken()), (3, 0));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn worker(self, steps: &Steps) -> Explorer {
        self.workers(1, steps)
    }

    /// Adds `count` workers that all do `steps`.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
    /// let seen = Explorer::new(["x", "y"]).workers(2, &two).explore()?;
    /// assert_eq!(seen.schedules(), 6); // 4 steps, and 6 ways to say which 2 are A's
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn workers(mut self, count: usize, steps: &Steps) -> Explorer {
        self.protocol
            .lists
            .extend((0..count).map(|_| steps.clone()));
        self.graph = OnceCell::new();
        self
    }

    /// States what must be true at the end, when no worker can go on.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let race = Steps::new().write("write", |s, me| s["last"] = me);
    /// let seen = Explorer::new(["last"])
    ///     .workers(2, &race)
    ///     .invariant("B is the last", |s| s["last"] == 2)
    ///     .explore()?;
    /// assert_eq!(seen.broken_by("B is the last"), 1); // of 2
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn invariant(
        self,
        name: impl Into<String>,
        holds: impl Fn(&Words) -> bool + 'static,
    ) -> Explorer {
        self.rule(name.into(), When::End, Rc::new(holds))
    }

    /// States what must always be true: at the start and after each step.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let work = Steps::new()
    ///     .lock()
    ///     .write("come in", |s, _me| s["inside"] += 1)
    ///     .write("go out", |s, _me| s["inside"] -= 1)
    ///     .unlock();
    /// let seen = Explorer::new(["inside"])
    ///     .workers(3, &work)
    ///     .always("one at a time", |s| s["inside"] <= 1)
    ///     .explore()?;
    /// assert_eq!(seen.broken(), 0);
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn always(
        self,
        name: impl Into<String>,
        holds: impl Fn(&Words) -> bool + 'static,
    ) -> Explorer {
        self.rule(name.into(), When::Always, Rc::new(holds))
    }

    fn rule(mut self, name: String, when: When, holds: Rc<dyn Fn(&Words) -> bool>) -> Explorer {
        self.protocol.rules.push(Rule { name, when, holds });
        self.graph = OnceCell::new();
        self
    }

    /// Runs all schedules and counts the bad ones.
    ///
    /// # Errors
    /// There are no workers or more than four. A worker has no steps, locks twice, or unlocks while it does not hold the lock. A name is
    /// unknown or is used twice. There are more than 200 steps, more than a million different states, or too many schedules to count.
    pub fn explore(&self) -> Result<Exploration, ExplorerError> {
        let graph = self.graph()?;
        let rules = self.protocol.rules.iter().enumerate();
        let shortest_bad = graph.shortest_bad().map(|id| self.replay(id)).transpose()?;
        Ok(Exploration {
            schedules: graph.schedules(),
            broken: graph.bad(),
            stuck: graph.stuck(),
            rules: rules
                .map(|(index, rule)| (rule.name.clone(), graph.broken_by(index)))
                .collect(),
            shortest_bad,
        })
    }

    /// Runs schedule `id` in the model, step by step.
    ///
    /// # Errors
    /// There is no such schedule, or an error of [`explore`](Explorer::explore).
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
    /// let explorer = Explorer::new(["x", "y"]).workers(2, &two);
    /// assert_eq!(explorer.replay(0)?.schedule(), "AABB");
    /// assert_eq!(explorer.replay(1)?.schedule(), "ABAB");
    /// let error = explorer.replay(6).unwrap_err();
    /// assert_eq!(error.to_string(), "there is no schedule 6: there are 6, numbered from 0 to 5.");
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn replay(&self, id: u128) -> Result<Replay, ExplorerError> {
        let graph = self.graph()?;
        let schedule = graph.schedule(id)?;
        Ok(Replay::of(&self.protocol, id, graph.schedules(), &schedule))
    }

    /// Forces schedule `id` on real processes, one per worker. The words and the lock are in shared memory, and each process waits for its
    /// turn.
    ///
    /// # Errors
    /// An error of [`replay`](Explorer::replay). There is not enough shared memory, or a process cannot be started. A process panicked, was
    /// killed, or was not done after ten seconds.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
    /// let explorer = Explorer::new(["x", "y"]).workers(2, &two);
    /// let forced = explorer.force(1)?;
    /// assert!(forced.matches_model());
    /// assert_eq!(forced.end().values(), [2, 2]);
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn force(&self, id: u128) -> Result<Forced, ExplorerError> {
        Forced::run(&self.protocol, self.replay(id)?)
    }

    /// Forces the schedule that `word` spells, a letter for each step, on real processes: [`force`](Explorer::force) for what a student played
    /// in the [`game`](Explorer::game). Small letters count as large ones, and spaces not at all.
    ///
    /// # Errors
    /// A letter is no worker's, or its worker cannot take a step there: it is done, or it waits for the lock. The word ends before all workers
    /// do. An error of [`force`](Explorer::force).
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let locked = Steps::new().lock().write("x", |s, me| s["x"] = me).unlock();
    /// let explorer = Explorer::new(["x"]).workers(2, &locked);
    /// assert!(explorer.play("BBB AAA")?.matches_model());
    ///
    /// let error = explorer.play("AAB").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "\"AAB\" cannot be played: at letter 3, B waits for the lock that A holds. There, A can take a step."
    /// );
    /// let error = explorer.play("AAA").unwrap_err();
    /// assert!(error.to_string().ends_with("such as \"AAABBB\"."));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn play(&self, word: &str) -> Result<Forced, ExplorerError> {
        self.force(self.id(word)?)
    }

    /// The number of the schedule that `word` spells.
    pub(super) fn id(&self, word: &str) -> Result<u128, ExplorerError> {
        let graph = self.graph()?;
        Ok(graph.id(&word::schedule(&self.protocol, word)?))
    }

    /// Leaves the schedule to chance: real processes, one per worker, take their steps when they can, for so many rounds. Each step is
    /// indivisible, as in the model, and between two steps each worker waits for a moment of random length, at most some microseconds. The
    /// result counts the bad rounds and draws the first of them.
    ///
    /// # Errors
    /// An error of [`explore`](Explorer::explore). There is not enough shared memory, or a process cannot be started. A process panicked, was
    /// killed, or was not done after a minute.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let two = Steps::new().write("x", |s, me| s["x"] = me).write("y", |s, me| s["y"] = me);
    /// let explorer = Explorer::new(["x", "y"]).workers(2, &two).invariant("a pair", |s| s["x"] == s["y"]);
    /// let stamps = explorer.chance(200)?;
    /// println!("{stamps}");
    /// if let Some(round) = stamps.first_broken() {
    ///     println!("{round}");
    ///     assert!(explorer.play(&round.word())?.matches_model());
    /// }
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn chance(&self, rounds: usize) -> Result<Stamps, ExplorerError> {
        self.graph()?;
        chance::race(&self.protocol, rounds)
    }

    /// Room for the times of a race of your own code, whose steps are those of this protocol: see [`Stamps`].
    ///
    /// # Errors
    /// An error of [`explore`](Explorer::explore), or there is not enough shared memory.
    pub fn stamps(&self, rounds: usize) -> Result<Stamps, ExplorerError> {
        self.graph()?;
        Stamps::new(&self.protocol, rounds)
    }

    /// The protocol as a game on the page, in which the student is the scheduler. A protocol that cannot be explored shows the reason instead.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let race = Steps::new().write("write", |s, me| s["last"] = me);
    /// let game = Explorer::new(["last"]).workers(2, &race).invariant("B is the last", |s| s["last"] == 2).game();
    /// assert!(game.to_string().ends_with("explorer.play(\"AB\")?\n"));
    /// assert!(Explorer::new(["last"]).game().to_string().starts_with("No game: there are no workers"));
    /// ```
    pub fn game(&self) -> Game {
        Game::new(self.name.as_deref(), &self.protocol, self.graph())
    }

    fn graph(&self) -> Result<&Graph, ExplorerError> {
        self.graph_within(ExplorerError::MOST_STATES)
    }

    pub(super) fn graph_within(&self, limit: usize) -> Result<&Graph, ExplorerError> {
        if let Some(graph) = self.graph.get() {
            return Ok(graph);
        }
        if let Some(name) = self.unknown.clone() {
            let words = self.protocol.start.names().to_vec();
            return Err(ExplorerError::UnknownWord { name, words });
        }
        self.protocol.check()?;
        let graph = Graph::of(&self.protocol, limit)?;
        Ok(self.graph.get_or_init(|| Rc::new(graph)))
    }
}

impl fmt::Debug for Explorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            return write!(f, "Explorer({name})");
        }
        let rules: Vec<&str> = self
            .protocol
            .rules
            .iter()
            .map(|rule| rule.name.as_str())
            .collect();
        f.debug_struct("Explorer")
            .field("start", &self.protocol.start)
            .field("workers", &self.protocol.lists)
            .field("invariants", &rules)
            .finish_non_exhaustive()
    }
}
