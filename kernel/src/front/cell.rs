//! A request that the inner kernel is at, most often a cell: what came of it so far, and how it ends.

use super::errors::{CellError, Sources, last_panic, question_marks, without_crash};
use super::message::Message;
use super::packet::Kind;
use super::source::{Lines, types};
use super::text::{Chunk, Text};
use serde_json::{Value, json};
use std::path::Path;

const BACKTRACE_ADVICE: &str =
    "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";

/// A request and what is known of it.
pub struct Cell {
    /// As Jupyter sent it.
    pub request: Message,
    /// The identity under which the inner kernel knows it.
    pub id: String,
    /// The number in its prompt.
    pub number: u32,
    /// How to read the compiler's reports on it.
    pub lines: Lines,
    /// The inner kernel's reply.
    pub reply: Option<Value>,
    /// The inner kernel has published its "idle", and so everything else before.
    pub idle: bool,
    /// Errors that the inner kernel published: those of the compiler, and the end of the runtime.
    pub errors: Vec<Value>,
    /// Results that the inner kernel published.
    pub results: Vec<Value>,
    /// The student has interrupted it.
    pub interrupted: bool,
    /// What it printed and is not yet shown.
    pub text: Text,
    panicked: bool,
    failed: bool,
}

/// What to do with a piece of output.
pub enum Shown {
    Nothing,
    Text(Chunk),
    /// A type of message and its content.
    Display(&'static str, Value),
}

/// All that is still to be sent when a request is done.
pub struct Ending {
    pub chunks: Vec<Chunk>,
    pub results: Vec<Value>,
    pub errors: Vec<Value>,
    /// None where the request wants no reply.
    pub reply: Option<Value>,
    pub failed: bool,
}

impl Cell {
    /// A request that was passed on under the identity `id`.
    pub fn new(request: Message, id: String) -> Cell {
        Cell {
            request,
            id,
            number: 0,
            lines: Lines::default(),
            reply: None,
            idle: false,
            errors: Vec::new(),
            results: Vec::new(),
            interrupted: false,
            text: Text::default(),
            panicked: false,
            failed: false,
        }
    }

    /// Whether it is a cell that runs, and not a question about code.
    pub fn is_code(&self) -> bool {
        self.request.kind() == "execute_request"
    }

    /// Whether it is to run without being seen or counted.
    pub fn is_silent(&self) -> bool {
        self.request.flag("silent", false) || !self.request.flag("store_history", true)
    }

    /// Whether the inner kernel has said all about it. Comms have no reply.
    pub fn is_done(&self) -> bool {
        self.idle && (self.reply.is_some() || !self.request.kind().ends_with("_request"))
    }

    /// Takes in what the cell printed or showed.
    pub fn output(&mut self, kind: Kind, content: Vec<u8>) -> Shown {
        match kind {
            Kind::Stdout | Kind::Stderr => match self.text.add(kind == Kind::Stderr, &content) {
                Some(chunk) => Shown::Text(chunk),
                None => Shown::Nothing,
            },
            Kind::Panicked => {
                self.panicked = true;
                Shown::Nothing
            }
            Kind::Failed => {
                self.failed = true;
                Shown::Nothing
            }
            Kind::Result => {
                // A block that ends without a value shows (), which tells nobody anything.
                if let Ok(mut result) = serde_json::from_slice::<Value>(&content)
                    && result["data"] != json!({"text/plain": "()"})
                {
                    result["metadata"] = json!({});
                    self.results.push(result);
                }
                Shown::Nothing
            }
            Kind::Display => match serde_json::from_slice::<Value>(&content) {
                Ok(shown) => {
                    let kind = match shown["update"] == json!(true) {
                        true => "update_display_data",
                        false => "display_data",
                    };
                    let transient = match &shown["display_id"] {
                        Value::Null => json!({}),
                        id => json!({"display_id": id}),
                    };
                    Shown::Display(
                        kind,
                        json!({"data": shown["data"], "metadata": {}, "transient": transient}),
                    )
                }
                Err(_) => Shown::Nothing,
            },
        }
    }

    /// What was printed and not shown, when nothing else is known of the end.
    pub fn rest(&mut self) -> Vec<Chunk> {
        let (out, err) = self.text.take_all();
        out.into_iter().chain(stderr(err)).collect()
    }

    /// How it ended. `cells` are all that were run, and `compiled` is where evcxr compiles.
    pub fn end(&mut self, cells: &[(u32, String)], compiled: &Path) -> Ending {
        let reply = self.reply.take();
        if !self.is_code() {
            return Ending {
                chunks: self.rest(),
                results: Vec::new(),
                errors: Vec::new(),
                reply,
                failed: false,
            };
        }
        let (out, err) = self.text.take_all();
        let sources = Sources { compiled, cells };
        let (err, error) = self.error(err, &sources);
        let reply_is_error = reply.is_some_and(|reply| reply["status"] == "error");
        let errors: Vec<Value> = match (error, reply_is_error) {
            (Some(error), _) => vec![error.content()],
            (None, true) if self.errors.is_empty() => {
                vec![
                    CellError::new("Error", "evcxr says that the cell failed, but not why.")
                        .content(),
                ]
            }
            (None, true) => self
                .errors
                .iter()
                .map(|error| {
                    let unnamed = types::explain(error, compiled).map(|error| error.content());
                    unnamed.unwrap_or_else(|| self.of_the_compiler(error))
                })
                .collect(),
            (None, false) => Vec::new(),
        };
        let failed = !errors.is_empty();
        let results = if failed {
            Vec::new()
        } else {
            std::mem::take(&mut self.results)
        };
        let results = results.into_iter().map(|mut result| {
            result["execution_count"] = json!(self.number);
            result
        });
        let reply = match errors.first() {
            Some(error) => reply_with(error, self.number),
            None => reply_ok(self.number),
        };
        Ending {
            chunks: out.into_iter().chain(stderr(err)).collect(),
            results: if self.request.flag("silent", false) {
                Vec::new()
            } else {
                results.collect()
            },
            errors,
            reply: Some(reply),
            failed,
        }
    }

    /// The cell's error where the front knows better than evcxr, and what is left of standard error.
    fn error(&self, err: String, sources: &Sources) -> (String, Option<CellError>) {
        let ended = self.errors.iter().find_map(|error| {
            let text = error["evalue"].as_str()?;
            text.contains("Subprocess terminated").then_some(text)
        });
        if self.interrupted {
            let lost = "You stopped this cell. Its workers have ended and the notebook's variables are lost; functions, types and \
                        imports stay. Run the cells again that make the variables you need.";
            let kept =
                "You stopped this cell while it was being compiled. Nothing is lost; run it again.";
            let reached_its_end = ended.is_none() && self.errors.is_empty();
            let error = (!reached_its_end)
                .then(|| CellError::new("Interrupted", if ended.is_some() { lost } else { kept }));
            return (err, error);
        }
        if let Some(text) = ended {
            let how = text
                .rsplit("Subprocess terminated with status: ")
                .next()
                .unwrap_or(text)
                .trim();
            let (before, crash) = without_crash(&err);
            let how = crash.unwrap_or(how);
            let memory = if how.contains("SIGKILL") {
                " If nobody sent that signal, the system did, because memory ran out: use less at once, or close other notebooks."
            } else {
                ""
            };
            let error = CellError::new(
                "ProcessEnded",
                format!(
                    "This cell ended the process that runs the notebook's cells ({how}).{memory} The variables are lost; functions, \
                     types and imports stay. Run the cells again that make the variables you need."
                ),
            );
            return (before.to_string(), Some(error));
        }
        if self.panicked {
            return match last_panic(&err) {
                Some(panic) => {
                    let mut error = CellError::new("Panic", panic.message);
                    error.places.push(sources.find(panic.place));
                    (panic.before.to_string(), Some(error))
                }
                None => {
                    let error = CellError::new("Panic", "The cell panicked and did not say why.");
                    (err, Some(error))
                }
            };
        }
        if self.failed {
            let mut error = CellError::new("Error", err.trim());
            error
                .places
                .push(question_marks(self.number, self.request.text("code")));
            return (String::new(), Some(error));
        }
        (err, None)
    }

    /// An error of the compiler, with our number of the cell.
    fn of_the_compiler(&self, error: &Value) -> Value {
        let mut error = error.clone();
        if let Some(lines) = error["traceback"].as_array_mut() {
            for line in lines {
                if let Some(text) = line.as_str() {
                    *line = numbered(&self.lines.of_report(text), self.number).into();
                }
            }
        }
        error
    }
}

/// evcxr counts cells its own way and calls them `command_N`.
fn numbered(line: &str, number: u32) -> String {
    match line.split_once("command_") {
        Some((before, after)) if after.starts_with(|c: char| c.is_ascii_digit()) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}cell {number}{rest}")
        }
        _ => line.to_string(),
    }
}

/// What is left of standard error, without advice that does not help in a notebook.
fn stderr(text: String) -> Option<Chunk> {
    let text = text.replace(BACKTRACE_ADVICE, "");
    (!text.is_empty()).then_some(("stderr", text))
}

/// The reply of a cell that went well.
pub fn reply_ok(count: u32) -> Value {
    json!({"status": "ok", "execution_count": count, "user_expressions": {}, "payload": []})
}

/// The reply of a cell that failed.
pub fn reply_error(error: &CellError, count: u32) -> Value {
    reply_with(&error.content(), count)
}

fn reply_with(error: &Value, count: u32) -> Value {
    let mut reply = error.clone();
    reply["status"] = json!("error");
    reply["execution_count"] = json!(count);
    reply["user_expressions"] = json!({});
    reply["payload"] = json!([]);
    reply
}
