use super::replay::Replay;
use figures::Format;
use labsupport::cell::{self, Show};
use labsupport::internal::thousands;
use std::fmt;

/// What [`Explorer::explore`](super::Explorer::explore) found: how many schedules there are, and how many are bad. As the
/// last expression of a cell it shows itself as a table.
///
/// A schedule is bad if it breaks an invariant or ends with a worker that is stuck.
///
/// # Examples
/// Reading and writing are two steps, so an increment may be lost:
/// ```
/// use lessons::prelude::*;
/// let own = |me| if me == 1 { "read by A" } else { "read by B" };
/// let increment = Steps::new()
///     .write("read", move |s, me| s[own(me)] = s["sum"])
///     .write("write", move |s, me| s["sum"] = s[own(me)] + 1);
/// let seen = Explorer::new(["sum", "read by A", "read by B"])
///     .workers(2, &increment)
///     .invariant("both count", |s| s["sum"] == 2)
///     .explore()?;
/// assert_eq!((seen.schedules(), seen.broken()), (6, 4));
/// let text = seen.to_string();
/// assert!(text.contains("broken by: both count          4  66.7 %"));
/// assert!(text.ends_with("The shortest bad one is schedule 2, ABBA.\n"));
/// # Ok::<(), ExplorerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Exploration {
    pub(super) schedules: u128,
    pub(super) broken: u128,
    pub(super) stuck: u128,
    /// The invariants, and how many schedules break each.
    pub(super) rules: Vec<(String, u128)>,
    pub(super) shortest_bad: Option<Replay>,
}

impl Exploration {
    /// How many schedules there are.
    pub fn schedules(&self) -> u128 {
        self.schedules
    }

    /// How many schedules are bad: they break an invariant or get stuck.
    pub fn broken(&self) -> u128 {
        self.broken
    }

    /// How many schedules break the invariant `name`.
    ///
    /// # Panics
    /// There is no invariant of this name.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let race = Steps::new().write("write", |s, me| s["last"] = me);
    /// let seen = Explorer::new(["last"])
    ///     .workers(3, &race)
    ///     .invariant("A is the last", |s| s["last"] == 1)
    ///     .explore()?;
    /// assert_eq!((seen.broken_by("A is the last"), seen.schedules()), (4, 6));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn broken_by(&self, name: &str) -> u128 {
        let mut rules = self.rules.iter();
        let Some((_, broken)) = rules.find(|(known, _)| known == name) else {
            let names: Vec<&str> = self.rules.iter().map(|(name, _)| name.as_str()).collect();
            assert!(
                !names.is_empty(),
                "there is no invariant \"{name}\": add it with .invariant(\"{name}\", |s| …)."
            );
            panic!(
                "there is no invariant \"{name}\"; there are \"{}\".",
                names.join("\", \"")
            )
        };
        *broken
    }

    /// How many schedules end with a worker that waits for the lock forever.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let forgetful = Steps::new().lock().write("write", |s, me| s["last"] = me); // and no unlock
    /// let seen = Explorer::new(["last"]).workers(2, &forgetful).explore()?;
    /// assert_eq!((seen.stuck(), seen.schedules()), (2, 2));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn stuck(&self) -> u128 {
        self.stuck
    }

    /// The bad schedule with the fewest steps. If there are several, the one that changes between workers least often; if there are still
    /// several, the first.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let race = Steps::new().write("write", |s, me| s["last"] = me);
    /// let explorer = Explorer::new(["last"]).workers(2, &race).invariant("B", |s| s["last"] == 2);
    /// let bad = explorer.explore()?.shortest_bad().unwrap();
    /// assert_eq!((bad.id(), bad.schedule().as_str()), (1, "BA"));
    /// # Ok::<(), ExplorerError>(())
    /// ```
    pub fn shortest_bad(&self) -> Option<Replay> {
        self.shortest_bad.clone()
    }

    fn both(&self) -> (String, String) {
        let row = |name: String, count: u128| {
            let share = Format::Percent.write(count as f64 / self.schedules as f64 * 100.0);
            vec![name, thousands(count), share]
        };
        let mut rows = vec![row("all".into(), self.schedules)];
        for (name, broken) in &self.rules {
            rows.push(row(format!("broken by: {name}"), *broken));
        }
        rows.push(row("stuck".into(), self.stuck));
        rows.push(row("bad in any way".into(), self.broken));
        let (html, text) = cell::table(&["", "schedules", "share"], &rows, 1);
        let sentence = match &self.shortest_bad {
            None => "No schedule is bad.".into(),
            Some(bad) => format!(
                "The shortest bad one is schedule {}, {}.",
                thousands(bad.id()),
                bad.schedule()
            ),
        };
        (
            format!("{html}<p>{}</p>", cell::escape(&sentence)),
            format!("{text}{sentence}\n"),
        )
    }

    /// Shows the table in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Exploration {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let (html, text) = self.both();
        vec![("text/html", html), ("text/plain", text)]
    }
}

impl fmt::Display for Exploration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.both().1)
    }
}
