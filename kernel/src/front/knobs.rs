//! Knobs above a figure: what pages and cells say about them, and what they are told.
//!
//! Each page that can show knobs opens one comm (`labs.page`). A cell asks through the tap and waits for the answer, so while it waits,
//! there is exactly one question and never more than one answer: however fast a page moves a knob, the cell gets the latest values. What
//! a page says is checked here. Whatever does not fit is ignored, with a line in the log.

use super::flood::Note;
use super::message::Message;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The target of the comm that a page opens.
pub(super) const TARGET: &str = "labs.page";
/// What a page with our script shows as knobs.
const MIME: &str = "application/vnd.labs.knobs+json";

/// More pages than this are not told anything; the page that came first is forgotten.
const PAGES: usize = 16;
/// The most sets of knobs that one notebook keeps.
const SETS: usize = 64;
/// A cell that nobody has touched for so long gives the kernel back. `LABS_KNOBS_LIMIT` says another number of seconds.
const LIMIT: Duration = Duration::from_secs(15 * 60);
/// How many refusals are written to the log.
const REFUSALS: u32 = 20;

/// What a cell asks first.
#[derive(Deserialize)]
struct Begins {
    place: String,
    knobs: Vec<Knob>,
    values: Vec<f64>,
    words: String,
}

/// A knob, as far as its values are concerned. The page gets the rest as the cell has said it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Knob {
    name: String,
    scale: String,
    low: f64,
    high: f64,
}

impl Knob {
    fn has(&self, value: f64) -> bool {
        let whole = matches!(self.scale.as_str(), "integer" | "choice" | "switch");
        (self.low..=self.high).contains(&value) && !(whole && value.fract() != 0.0)
    }
}

/// The knobs of one figure.
struct Set {
    name: String,
    /// The cell, to be run again, and which of its sets this is.
    request: Message,
    nth: usize,
    knobs: Vec<Knob>,
    values: Vec<f64>,
    /// The place of its figure.
    place: String,
}

/// The set whose cell runs.
struct Live {
    set: String,
    /// The cell has drawn, and waits for values.
    waits: bool,
    /// Its figure is here, so that it is about to ask for values, if it does not wait for them already.
    drawn: bool,
    /// There are values that it has not drawn.
    moved: bool,
    /// It is to end.
    done: bool,
    touched: Instant,
}

/// All knobs of a notebook.
pub(super) struct Knobs {
    pages: Vec<String>,
    sets: Vec<Set>,
    live: Option<Live>,
    /// The set that *Explore* was pressed for, from then on until its cell has ended.
    explored: Option<String>,
    /// How many sets the cell that runs has asked for.
    asked: usize,
    made: u64,
    refused: u32,
    limit: Duration,
}

/// What is to be done about something that was said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Effects {
    /// The answer to the cell.
    pub reply: Option<String>,
    /// What the page is to show.
    pub show: Option<Note>,
    /// What pages are told: the comm, and the data.
    pub tell: Vec<(String, Value)>,
    /// The comm to be closed.
    pub close: Option<String>,
}

impl Knobs {
    pub(super) fn new() -> Knobs {
        let limit = std::env::var("LABS_KNOBS_LIMIT");
        let limit = limit.ok().and_then(|seconds| seconds.parse().ok());
        Knobs {
            pages: Vec::new(),
            sets: Vec::new(),
            live: None,
            explored: None,
            asked: 0,
            made: 0,
            refused: 0,
            limit: limit.map_or(LIMIT, Duration::from_secs),
        }
    }

    /// The comms that are open, for `comm_info_request`.
    pub(super) fn comms(&self) -> Value {
        let comms = self.pages.iter();
        let comms = comms.map(|comm| (comm.clone(), json!({"target_name": TARGET})));
        Value::Object(comms.collect())
    }

    /// A page opens a comm.
    pub(super) fn opened(&mut self, comm: &str, target: &str) -> Effects {
        let mut effects = Effects::default();
        if target != TARGET || comm.len() > 200 || self.pages.iter().any(|known| known == comm) {
            // There is nothing here that it could talk to; the protocol says to close it at once.
            effects.close = Some(comm.into());
            return effects;
        }
        if self.pages.len() == PAGES {
            effects.close = Some(self.pages.remove(0));
        }
        self.pages.push(comm.into());
        effects
    }

    /// A page closes its comm.
    pub(super) fn closed(&mut self, comm: &str) {
        self.pages.retain(|known| known != comm);
    }

    /// A cell begins. The sets that it had before are gone, unless *Explore* has begun it.
    pub(super) fn cell_begins(&mut self, request: &Message) -> Effects {
        self.asked = 0;
        if request.again {
            return Effects::default();
        }
        let of_this_cell = |set: &Set| {
            let cell = &set.request.metadata["cellId"];
            cell == &request.metadata["cellId"]
        };
        let (gone, kept) = std::mem::take(&mut self.sets)
            .into_iter()
            .partition(of_this_cell);
        self.sets = kept;
        self.gone(gone)
    }

    /// The process that could run their cells again is gone.
    pub(super) fn forget_all(&mut self) -> Effects {
        (self.live, self.explored) = (None, None);
        let gone = std::mem::take(&mut self.sets);
        self.gone(gone)
    }

    fn gone(&self, sets: Vec<Set>) -> Effects {
        let sets = sets.iter();
        let tell =
            sets.flat_map(|set| self.to_all(None, json!({"set": set.name, "state": "gone"})));
        Effects {
            tell: tell.collect(),
            ..Effects::default()
        }
    }

    /// `data` for each page but `except`.
    pub(super) fn to_all(&self, except: Option<&str>, data: Value) -> Vec<(String, Value)> {
        let pages = self.pages.iter();
        let pages = pages.filter(|page| except != Some(page.as_str()));
        pages.map(|page| (page.clone(), data.clone())).collect()
    }

    /// The cell `request` asks. `alone` says that no other cell waits.
    pub(super) fn asked(
        &mut self,
        request: &Message,
        question: &[u8],
        alone: bool,
        now: Instant,
    ) -> Effects {
        match serde_json::from_slice::<Value>(question) {
            Ok(question) if question["drawn"] == true => self.drawn(alone, now),
            Ok(question) => {
                let shown = question["knobs"].clone();
                match serde_json::from_value(question) {
                    Ok(begins) => self.begins(request, begins, shown, alone, now),
                    Err(_) => Effects::once(),
                }
            }
            Err(_) => Effects::once(),
        }
    }

    fn begins(
        &mut self,
        request: &Message,
        begins: Begins,
        shown: Value,
        alone: bool,
        now: Instant,
    ) -> Effects {
        let nth = self.asked;
        self.asked += 1;
        if request.metadata["labs"]["knobs"] == "all" {
            return Effects::reply("all");
        }
        // Only a page that says which cell it runs has a place for knobs. Other clients would wait for the cell's end in vain.
        let cell = &request.metadata["cellId"];
        if self.pages.is_empty() || !cell.is_string() || request.flag("silent", false) {
            return Effects::once();
        }
        let again = request.again.then(|| {
            self.sets.iter().find(|set| {
                set.nth == nth
                    && set.request.header.msg_id == request.header.msg_id
                    && set.knobs == begins.knobs
            })
        });
        if let Some(Some(set)) = again {
            let is_explored = self.explored.as_ref() == Some(&set.name);
            let (name, values) = (set.name.clone(), set.values.clone());
            let place = set.place.clone();
            return self.answer(name, &place, &values, is_explored && alone, now);
        }
        if self.sets.len() == SETS {
            let oldest = self.sets.remove(0);
            let mut effects = self.gone(vec![oldest]);
            let more = self.begins_new(request, begins, shown, nth, alone, now);
            effects.tell.extend(more.tell);
            return Effects {
                tell: effects.tell,
                ..more
            };
        }
        self.begins_new(request, begins, shown, nth, alone, now)
    }

    fn begins_new(
        &mut self,
        request: &Message,
        begins: Begins,
        shown: Value,
        nth: usize,
        alone: bool,
        now: Instant,
    ) -> Effects {
        self.made += 1;
        let name = format!("{}-{}", request.header.msg_id, self.made);
        let values = begins.values;
        let show = json!({
            "data": {
                MIME: {"set": name, "knobs": shown, "values": values},
                "text/plain": begins.words,
            },
            "metadata": {},
            "transient": {},
        });
        self.sets.push(Set {
            name: name.clone(),
            request: request.clone(),
            nth,
            knobs: begins.knobs,
            values: values.clone(),
            place: begins.place.clone(),
        });
        let live = alone && !request.again;
        let mut effects = self.answer(name, &begins.place, &values, live, now);
        effects.show = Some(("display_data", show));
        effects
    }

    fn answer(
        &mut self,
        set: String,
        place: &str,
        values: &[f64],
        live: bool,
        now: Instant,
    ) -> Effects {
        let (word, state) = match live {
            true => ("live", "live"),
            false => ("drawn", "over"),
        };
        let told = json!({"set": set, "state": state, "values": values});
        let mut tell = self.to_all(None, told);
        if live {
            if let Some(before) = self.live.take() {
                tell.extend(self.to_all(None, json!({"set": before.set, "state": "over"})));
            }
            self.live = Some(Live {
                set,
                waits: false,
                drawn: false,
                moved: false,
                done: false,
                touched: now,
            });
        }
        Effects {
            reply: Some(format!("{word} {place} {}", words(values))),
            tell,
            ..Effects::default()
        }
    }

    /// The cell has drawn its figure.
    fn drawn(&mut self, alone: bool, now: Instant) -> Effects {
        let Some(live) = &mut self.live else {
            return Effects::done();
        };
        live.waits = true;
        live.done |= !alone;
        if live.moved {
            live.touched = now;
        }
        self.go_on()
    }

    /// Answers a cell that waits, if there is something to answer.
    fn go_on(&mut self) -> Effects {
        let Some(live) = self.live.as_mut().filter(|live| live.waits) else {
            return Effects::default();
        };
        if live.done {
            // Pages are told when the cell has ended: only then it can be explored.
            (live.waits, live.drawn) = (false, false);
            return Effects::done();
        }
        if !live.moved {
            return Effects::default();
        }
        (live.waits, live.moved, live.drawn) = (false, false, false);
        let set = self.sets.iter().find(|set| set.name == live.set);
        Effects {
            reply: set.map(|set| words(&set.values)),
            ..Effects::default()
        }
    }

    /// Whether a page has opened this comm.
    pub(super) fn knows(&mut self, comm: &str) -> bool {
        let knows = self.pages.iter().any(|known| known == comm);
        if !knows {
            self.refuse("a comm that is not open");
        }
        knows
    }

    /// A page says something.
    pub(super) fn heard(&mut self, comm: &str, data: &Value, now: Instant) -> Effects {
        if !self.knows(comm) {
            return Effects::default();
        }
        let set = data["set"].as_str().unwrap_or_default();
        let Some(live) = self.live.as_mut().filter(|live| live.set == set) else {
            self.refuse("a set of knobs whose cell does not run");
            return Effects::default();
        };
        if data["do"] == "done" {
            live.done = true;
            return self.go_on();
        }
        let Some(set) = self.sets.iter_mut().find(|known| known.name == set) else {
            return Effects::default();
        };
        let values: Option<Vec<f64>> = serde_json::from_value(data["values"].clone()).ok();
        let fits = |values: &Vec<f64>| {
            values.len() == set.knobs.len()
                && set
                    .knobs
                    .iter()
                    .zip(values)
                    .all(|(knob, &value)| knob.has(value))
        };
        let Some(values) = values.filter(fits) else {
            // So that the page does not show what is not so.
            let told = json!({"set": set.name, "values": set.values});
            self.refuse("values that do not fit the knobs");
            return Effects {
                tell: vec![(comm.into(), told)],
                ..Effects::default()
            };
        };
        (live.moved, live.touched) = (live.moved || values != set.values, now);
        set.values = values;
        let told = json!({"set": set.name, "values": set.values});
        let tell = self.to_all(Some(comm), told);
        Effects {
            tell,
            ..self.go_on()
        }
    }

    /// The cell to run again, if that is what the page says: *Explore* was pressed above its figure.
    pub(super) fn explored(&mut self, comm: &str, data: &Value) -> Option<Message> {
        let name = data["set"].as_str().filter(|_| data["do"] == "explore")?;
        let is_known = self.pages.iter().any(|known| known == comm);
        let is_free = self.live.is_none() && self.explored.is_none();
        let set = self.sets.iter().find(|set| set.name == name);
        let set = set.filter(|_| is_known && is_free)?;
        let mut request = set.request.clone();
        request.again = true;
        request.identities = Vec::new();
        request.content["store_history"] = json!(false);
        request.content["stop_on_error"] = json!(false);
        self.explored = Some(name.into());
        Some(request)
    }

    /// The place `place` of the page was filled.
    pub(super) fn filled(&mut self, place: &Value) {
        if let Some(live) = &mut self.live
            && let Some(set) = self.sets.iter().find(|set| set.name == live.set)
        {
            live.drawn |= place.as_str() == Some(&set.place);
        }
    }

    /// Whether a cell runs whose knobs can be moved.
    pub(super) fn are_live(&self) -> bool {
        self.live.is_some()
    }

    /// Ends the cell if it waits for a knob.
    pub(super) fn end_if_it_waits(&mut self) -> Option<Effects> {
        let live = self.live.as_mut();
        let live = live.filter(|live| live.waits || live.drawn)?;
        live.done = true;
        Some(self.go_on())
    }

    /// When the cell has waited for long enough.
    pub(super) fn due(&self) -> Option<Instant> {
        let live = self.live.as_ref().filter(|live| live.waits)?;
        Some(live.touched + self.limit)
    }

    /// The cell that ran has ended, however it did. `again` says that *Explore* had begun it.
    pub(super) fn cell_ended(&mut self, again: bool) -> Effects {
        let live = self.live.take().map(|live| live.set);
        let explored = match again {
            true => self.explored.take(),
            false => None,
        };
        let over = live.or(explored);
        let tell = over.map(|set| self.to_all(None, json!({"set": set, "state": "over"})));
        Effects {
            tell: tell.unwrap_or_default(),
            ..Effects::default()
        }
    }

    /// Ignores something that a page said, and writes that down, but not forever.
    pub(super) fn refuse(&mut self, what: &str) {
        self.refused += 1;
        if self.refused <= REFUSALS {
            eprintln!("A message of a page was ignored: it names {what}.");
        }
        if self.refused == REFUSALS {
            eprintln!("Further messages of that kind are ignored without a word.");
        }
    }
}

impl Effects {
    fn once() -> Effects {
        Effects::reply("once")
    }

    fn done() -> Effects {
        Effects::reply("done")
    }

    fn reply(words: &str) -> Effects {
        Effects {
            reply: Some(words.into()),
            ..Effects::default()
        }
    }
}

fn words(values: &[f64]) -> String {
    let words: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    words.join(" ")
}
