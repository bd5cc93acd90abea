//! evcxr's last answers. They stay true until a cell runs, so evcxr is asked only once while a student types a name.

use crate::front::message::Message;
use serde_json::Value;
use std::collections::VecDeque;

/// How many answers are kept. A few are enough: a page asks at every key, also for hints, but about few places.
const MOST: usize = 32;

/// Questions as evcxr got them, with its answers, the latest first.
#[derive(Default)]
pub(crate) struct Known(VecDeque<(String, Value, Value)>);

impl Known {
    /// The answer to `asked`, if that was asked before.
    pub(crate) fn find(&self, asked: &Message) -> Option<&Value> {
        let (_, _, answer) = self
            .0
            .iter()
            .find(|(kind, content, _)| kind == asked.kind() && *content == asked.content)?;
        Some(answer)
    }

    /// Keeps the answer to `asked`.
    pub(crate) fn keep(&mut self, asked: Message, answer: Value) {
        self.0.truncate(MOST - 1);
        let kind = asked.kind().to_string();
        self.0.push_front((kind, asked.content, answer));
    }

    /// Forgets all answers: a cell runs, and names may mean something else afterwards.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_latest_answers_are_known_until_they_are_forgotten() {
        let asked = |code: &str| Message::child("complete_request", None, json!({"code": code}));
        let mut known = Known::default();
        for number in 0..=MOST {
            known.keep(asked(&number.to_string()), json!(number));
        }
        assert_eq!(known.find(&asked("0")), None);
        assert_eq!(known.find(&asked("1")), Some(&json!(1)));
        let other = Message::child("inspect_request", None, json!({"code": "1"}));
        assert_eq!(known.find(&other), None);
        known.forget();
        assert_eq!(known.find(&asked("1")), None);
    }
}
