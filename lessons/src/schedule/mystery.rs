use super::explorer::Explorer;
use super::steps::Steps;
use labsupport::cell::{self, Show};
use std::fmt;
use std::ops::Deref;

/// A protocol with one mistake, to be found out: the double check of lab 02, with one of eight mistakes in it. Take your own number, such as the
/// last digits of your student number; the next number has another mistake.
///
/// The steps show only their numbers. What they do must be found out with the methods of [`Explorer`], all of which a mystery has: play the
/// [`game`](Explorer::game), [`explore`](Explorer::explore) every schedule, [`play`](Explorer::play) words on real processes, and leave some rounds to
/// [`chance`](Explorer::chance). All eight have eight steps, of which some may do nothing. Then hand in a diagnosis: [`Mystery::is`].
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let mystery = mystery(17);
/// assert_eq!(format!("{mystery:?}"), "mystery 17");
/// assert!(mystery.explore()?.broken() > 0);
/// println!("{}", mystery.is("?")); // the eight descriptions
/// # Ok::<(), ExplorerError>(())
/// ```
pub fn mystery(number: u64) -> Mystery {
    let name = format!("mystery {number}");
    let mutation = Mutation::of(number);
    Mystery {
        number,
        mutation,
        explorer: mutation.explorer().veiled(name),
    }
}

/// A protocol with one mistake that is to be found out: see [`mystery`].
#[derive(Clone)]
pub struct Mystery {
    number: u64,
    mutation: Mutation,
    explorer: Explorer,
}

impl Mystery {
    /// Hands in a diagnosis: one of the eight descriptions, or the first words of one. What is no description shows the list.
    ///
    /// # Examples
    /// ```
    /// use lessons::prelude::*;
    /// let right = (1..=8).filter(|&number| mystery(number).is("never sets the flag").is_right());
    /// assert_eq!(right.count(), 1);
    /// assert!(mystery(1).is("?").to_string().contains("never sets the flag"));
    /// ```
    pub fn is(&self, diagnosis: &str) -> Diagnosis {
        let said = diagnosis.trim().trim_end_matches('.').to_lowercase();
        let begins = |mutation: &Mutation| mutation.description().starts_with(&said);
        let found: Vec<Mutation> = match said.as_str() {
            "" => Vec::new(),
            _ => Mutation::ALL.into_iter().filter(begins).collect(),
        };
        let verdict = match found.as_slice() {
            [one] if *one == self.mutation => Verdict::Right,
            [one] => Verdict::Wrong(*one),
            _ => Verdict::Unknown(diagnosis.trim().into()),
        };
        Diagnosis {
            number: self.number,
            mutation: self.mutation,
            verdict,
        }
    }
}

impl Deref for Mystery {
    type Target = Explorer;

    fn deref(&self) -> &Explorer {
        &self.explorer
    }
}

impl fmt::Display for Mystery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mystery {}", self.number)
    }
}

impl fmt::Debug for Mystery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One mistake in the double check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutation {
    OneLook,
    TwoLooks,
    NoSecondLook,
    BothLooksBeforeTheLock,
    FlagFirst,
    UnlocksEarly,
    NoFlag,
    NoUnlock,
}
use Mutation::{
    BothLooksBeforeTheLock, FlagFirst, NoFlag, NoSecondLook, NoUnlock, OneLook, TwoLooks,
    UnlocksEarly,
};

impl Mutation {
    const ALL: [Mutation; 8] = [
        OneLook,
        TwoLooks,
        NoSecondLook,
        BothLooksBeforeTheLock,
        FlagFirst,
        UnlocksEarly,
        NoFlag,
        NoUnlock,
    ];

    /// The next number has another mutation, and eight numbers in a row that begin with a multiple of eight have all of them.
    fn of(number: u64) -> Mutation {
        Mutation::ALL[((5 * (number % 8) + 2 * (number / 8 % 8)) % 8) as usize]
    }

    fn description(self) -> &'static str {
        match self {
            OneLook => "looks once and takes no lock",
            TwoLooks => "looks twice and takes no lock",
            NoSecondLook => "takes the lock and does not look again",
            BothLooksBeforeTheLock => "looks again before it takes the lock",
            FlagFirst => "writes the flag before the value",
            UnlocksEarly => "unlocks before it writes",
            NoFlag => "never sets the flag",
            NoUnlock => "never unlocks",
        }
    }

    /// What to try, for a student who took it for something else. It does not name the mutation.
    fn hint(self) -> &'static str {
        match self {
            OneLook | TwoLooks => {
                "Does any step of the game give the lock to a worker? Let A take a few steps and then B all of its own: after how many \
                 steps of A does B still write?"
            }
            NoSecondLook | BothLooksBeforeTheLock => {
                "Let B wait for the lock until A is done. Does B notice what A has written? And which step can still send B home when A \
                 is done before it?"
            }
            FlagFirst => {
                "Look at the words at the end of a bad schedule, and then after each of its steps. When is the rule broken?"
            }
            UnlocksEarly => {
                "Watch the lock: after which step is it free again, and what does the worker still do then?"
            }
            NoFlag => "Let A do everything before B begins. What does B see?",
            NoUnlock => {
                "Look at the line \"stuck\" of the table. Let A do everything after B has taken its first step. What does B wait for?"
            }
        }
    }

    /// Two workers that do the eight steps, with the rules of lab 02.
    fn explorer(self) -> Explorer {
        let look = |steps: Steps| steps.leave_if("look", |s, _| s["found"] == 1);
        let nothing = |steps: Steps| steps.write("nothing", |_, _| ());
        let write = |steps: Steps| {
            steps
                .write("write finder", |s, me| s["finder"] = me)
                .write("write answer", |s, me| s["answer"] = 100 * me)
                .write("count me", |s, _| s["writers"] += 1)
        };
        let set = |steps: Steps| steps.write("set found", |s, _| s["found"] = 1);
        let new = Steps::new;
        let steps = match self {
            OneLook => nothing(set(write(nothing(nothing(look(new())))))),
            TwoLooks => nothing(set(write(look(nothing(look(new())))))),
            NoSecondLook => set(write(nothing(look(new()).lock()))).unlock(),
            BothLooksBeforeTheLock => set(write(look(look(new())).lock())).unlock(),
            FlagFirst => write(set(look(look(new()).lock()))).unlock(),
            UnlocksEarly => set(write(look(look(new()).lock()).unlock())),
            NoFlag => nothing(write(look(look(new()).lock()))).unlock(),
            NoUnlock => nothing(set(write(look(look(new()).lock())))),
        };
        Explorer::new(["found", "finder", "answer", "writers"])
            .workers(2, &steps)
            .invariant("whole", |s| s["answer"] == 100 * s["finder"])
            .invariant("one writer", |s| s["writers"] == 1)
            .always("who sees the flag sees a whole result", |s| {
                s["found"] == 0 || s["finder"] != 0 && s["answer"] == 100 * s["finder"]
            })
    }
}

/// What became of a diagnosis. As the last expression of a cell it shows itself: see [`Mystery::is`].
///
/// # Examples
/// ```
/// use lessons::Diagnosis;
/// use lessons::prelude::*;
/// let told: Diagnosis = mystery(3).is("it works on my machine");
/// assert!(!told.is_right());
/// assert!(told.to_string().starts_with("\"it works on my machine\" is not one of the eight:"));
/// ```
#[derive(Clone, Debug)]
pub struct Diagnosis {
    number: u64,
    mutation: Mutation,
    verdict: Verdict,
}

#[derive(Clone, Debug)]
enum Verdict {
    Right,
    Wrong(Mutation),
    Unknown(String),
}

impl Diagnosis {
    /// Whether it was right.
    pub fn is_right(&self) -> bool {
        matches!(self.verdict, Verdict::Right)
    }

    /// The first line, and the descriptions to choose from if the diagnosis was none of them.
    fn parts(&self) -> (String, &'static [Mutation]) {
        let number = self.number;
        match &self.verdict {
            Verdict::Right => (
                format!(
                    "Right: mystery {number} {}. Say which order of steps shows it, and which change would repair it.",
                    self.mutation.description()
                ),
                &[],
            ),
            Verdict::Wrong(said) => (
                format!(
                    "Mystery {number} does something else than one that {}. {}",
                    said.description(),
                    self.mutation.hint()
                ),
                &[],
            ),
            Verdict::Unknown(said) => (
                format!("\"{said}\" is not one of the eight: mystery {number} …"),
                &Mutation::ALL,
            ),
        }
    }

    /// Shows it in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Diagnosis {
    fn contents(&self) -> Vec<(&'static str, String)> {
        let (sentence, choices) = self.parts();
        let items = choices
            .iter()
            .map(|choice| format!("<li>… {}</li>", cell::escape(choice.description())));
        let mut html = format!("<p>{}</p>", cell::escape(&sentence));
        if !choices.is_empty() {
            html.push_str(&format!("<ul>{}</ul>", items.collect::<String>()));
        }
        vec![("text/html", html), ("text/plain", self.to_string())]
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sentence, choices) = self.parts();
        f.write_str(&sentence)?;
        for choice in choices {
            write!(f, "\n… {}", choice.description())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::ExplorerError;
    use std::collections::HashSet;

    #[test]
    fn every_mutation_is_bad_in_some_schedule_and_no_two_look_alike() -> Result<(), ExplorerError> {
        let mut seen = HashSet::new();
        for mutation in Mutation::ALL {
            let explored = mutation.explorer().explore()?;
            assert!(explored.broken() > 0, "{mutation:?}");
            let rules = [
                "whole",
                "one writer",
                "who sees the flag sees a whole result",
            ];
            let facts = (
                explored.schedules(),
                rules.map(|rule| explored.broken_by(rule)),
                explored.stuck(),
            );
            println!("{mutation:?}: {facts:?}");
            assert!(seen.insert(facts), "{mutation:?}: {facts:?}");
        }
        Ok(())
    }

    #[test]
    fn neighbours_have_different_mistakes_and_eight_in_a_row_have_all() {
        for number in 0..1000 {
            assert_ne!(Mutation::of(number), Mutation::of(number + 1), "{number}");
        }
        for block in 0..100 {
            let eight: HashSet<&str> = (8 * block..8 * block + 8)
                .map(|number| Mutation::of(number).description())
                .collect();
            assert_eq!(eight.len(), 8);
        }
        assert!(mystery(u64::MAX).explore().is_ok());
    }

    #[test]
    fn nothing_that_is_shown_gives_the_mistake_away() -> Result<(), ExplorerError> {
        for number in 0..8 {
            let mystery = mystery(number);
            let bad = mystery.explore()?.shortest_bad().unwrap();
            let shown = [
                format!("{mystery:?} {:?} {}", *mystery, mystery.game()),
                bad.to_string(),
                mystery.play(&bad.schedule())?.to_string(),
                mystery.play("A").unwrap_err().to_string(),
            ];
            for shown in shown {
                for word in [
                    "look",
                    "nothing",
                    "count me",
                    "set found",
                    "unlock",
                    "write finder",
                    "goes on",
                ] {
                    assert!(!shown.contains(word), "{word} in {shown}");
                }
            }
            let html = mystery.game().contents()[0].1.clone();
            assert!(html.contains(r#""workers":[["step 1","step 2","step 3","step 4","step 5","step 6","step 7","step 8"],"#));
        }
        Ok(())
    }

    #[test]
    fn a_diagnosis_is_right_for_one_mistake_and_gets_a_hint_for_the_others() {
        for number in 0..8 {
            let mystery = mystery(number);
            for mutation in Mutation::ALL {
                let told = mystery.is(&format!(" {}. ", mutation.description().to_uppercase()));
                assert_eq!(told.is_right(), mutation == Mutation::of(number));
                if !told.is_right() {
                    let right = Mutation::of(number).description();
                    assert!(told.to_string().contains(Mutation::of(number).hint()));
                    assert!(!told.to_string().contains(right), "{told}");
                }
            }
            assert!(
                mystery
                    .is("looks")
                    .to_string()
                    .contains("is not one of the eight")
            );
        }
    }
}
