//! A request that the inner kernel is working on, most often a cell: its outputs so far, and how it ends.

use super::advice;
use super::compiler::{self, Report, advice::Notebook};
use super::ending;
use super::errors::{CellError, Sources, last_panic, question_marks};
use super::figures::Figures;
use super::flood::{Flood, Note};
use super::message::Message;
use super::panicked::{Panicked, caught};
use super::progress::Progress;
use super::shorten;
use super::source::types;
use super::spill::Spill;
use super::text::{Chunk, Text};
use crate::place;
use labs_runtime::packet::{Ended, Kind};
use serde_json::{Value, json};
use std::path::Path;

const BACKTRACE_ADVICE: &str =
    "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";

/// A request and what is known of it.
pub(super) struct Cell {
    /// As Jupyter sent it.
    pub request: Message,
    /// The identity under which the inner kernel knows it; empty until then.
    pub id: String,
    /// The code that the inner kernel is to run, if that differs from the cell.
    pub code: Option<String>,
    /// It began with shell lines.
    pub had_lines: bool,
    /// The number in its prompt.
    pub number: u32,
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
    /// Text that it printed and that is not shown yet.
    pub text: Text,
    /// What the page is told about it while it shows nothing, and how long its parts take.
    pub progress: Progress,
    /// Whether the page shows something of it.
    pub is_shown: bool,
    /// Whether it runs, or has run: the compiler is done.
    pub started: bool,
    /// It was stopped before it ran.
    skipped: bool,
    /// How the process in which it ran has ended, if it has.
    pub ended: Option<Ended>,
    /// The known panics of the thread that runs cells.
    panics: Vec<Panicked>,
    /// The last panic of another thread.
    elsewhere: Option<Panicked>,
    /// What it printed, and how much of that is shown.
    pub flood: Flood,
    /// What it drew, and how much of that is shown.
    pub figures: Figures,
    /// The file for a result that is too long to be shown.
    result: Spill,
    /// How many pieces of output were read after it was done.
    pub read_at_the_end: u32,
    panicked: bool,
    failed: bool,
    /// How often the system had killed a process for want of memory when the cell began.
    memory_kills: Option<u64>,
}

/// What to do with a piece of output.
pub(super) enum Shown {
    Nothing,
    Text(Chunk),
    Display(Note),
    /// Another thread than the one that runs cells has panicked.
    Panic(Panicked),
    /// It reads standard input: prompt and whether it is a password.
    Asked(Value),
}

/// Everything that is still to be sent when a request is done.
pub(super) struct Ending {
    pub chunks: Vec<Chunk>,
    pub results: Vec<Value>,
    pub errors: Vec<Value>,
    /// `None` if the request wants no reply.
    pub reply: Option<Value>,
    pub failed: bool,
}

impl Cell {
    /// A request whose turn it is, with the number in its prompt. What is too long to be shown goes to files in `folder`.
    pub(super) fn new(request: Message, number: u32, folder: &Path) -> Cell {
        let had_lines = !super::shell::split(request.text("code")).0.is_empty();
        // JupyterLab's server says which notebook it is.
        let notebook = std::env::var("JPY_SESSION_NAME").ok();
        let file = |what| Spill::new(folder, notebook.as_deref(), number, what);
        Cell {
            flood: Flood::new(&request.header.msg_id, file("output")),
            figures: Figures::default(),
            result: file("result"),
            progress: Progress::new(&request),
            is_shown: false,
            read_at_the_end: 0,
            request,
            id: String::new(),
            code: None,
            had_lines,
            number,
            reply: None,
            idle: false,
            errors: Vec::new(),
            results: Vec::new(),
            interrupted: false,
            text: Text::default(),
            started: false,
            skipped: false,
            ended: None,
            panics: Vec::new(),
            elsewhere: None,
            panicked: false,
            failed: false,
            memory_kills: None,
        }
    }

    /// Whether it is a cell that runs, and not a question about code.
    pub(super) fn is_code(&self) -> bool {
        self.request.kind() == "execute_request"
    }

    /// Whether the page is to show nothing of it.
    pub(super) fn is_silent(&self) -> bool {
        self.request.flag("silent", false)
    }

    /// Whether it gets a number of its own and a place in the history.
    pub(super) fn is_stored(&self) -> bool {
        !self.is_silent() && self.request.flag("store_history", true)
    }

    /// Whether the inner kernel has said all about it. Comms have no reply.
    pub(super) fn is_done(&self) -> bool {
        self.idle && (self.reply.is_some() || !self.request.kind().ends_with("_request"))
    }

    /// What the page is told of text that the cell printed, however late it comes.
    pub(super) fn shown(&mut self, chunk: Chunk, now: std::time::Instant) -> Option<Note> {
        // The page has what the cell printed when it ran first.
        let is_known = self.request.again && chunk.0 == "stdout";
        (!is_known).then(|| self.flood.add(chunk, now)).flatten()
    }

    /// Takes in what the cell printed or showed.
    pub(super) fn output(&mut self, kind: Kind, content: Vec<u8>) -> Shown {
        match kind {
            Kind::Stdout | Kind::Stderr => match self.text.add(kind == Kind::Stderr, &content) {
                Some(chunk) => Shown::Text(chunk),
                None => Shown::Nothing,
            },
            Kind::Panicked => {
                self.panicked = true;
                Shown::Nothing
            }
            Kind::Panic => match serde_json::from_slice::<Panicked>(&content) {
                Ok(panic) if panic.main => {
                    // This panic only says that there was a second panic during a first one.
                    if panic.message != "panic in a destructor during cleanup" {
                        self.panics.push(panic);
                    }
                    Shown::Nothing
                }
                Ok(panic) => {
                    self.elsewhere = Some(panic.clone());
                    Shown::Panic(panic)
                }
                Err(_) => Shown::Nothing,
            },
            Kind::Started => {
                self.started = true;
                self.memory_kills = ending::memory_kills();
                Shown::Nothing
            }
            Kind::Skipped => {
                self.skipped = true;
                Shown::Nothing
            }
            Kind::Ended => {
                self.ended = serde_json::from_slice(&content).ok();
                Shown::Nothing
            }
            Kind::Asked => match serde_json::from_slice(&content) {
                Ok(question) => Shown::Asked(question),
                Err(_) => Shown::Nothing,
            },
            Kind::Failed => {
                self.failed = true;
                Shown::Nothing
            }
            Kind::Question => Shown::Nothing, // the front has answered it
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
                Ok(mut shown) => {
                    let size = match shorten::data(&mut shown["data"], None) {
                        true => shown.to_string().len(),
                        false => content.len(),
                    };
                    if !self.figures.take(shown["display_id"].as_str(), size) {
                        return Shown::Nothing;
                    }
                    let kind = match shown["update"] == json!(true) {
                        true => "update_display_data",
                        false => "display_data",
                    };
                    let transient = match &shown["display_id"] {
                        Value::Null => json!({}),
                        id => json!({"display_id": id}),
                    };
                    Shown::Display((
                        kind,
                        json!({"data": shown["data"], "metadata": {}, "transient": transient}),
                    ))
                }
                Err(_) => Shown::Nothing,
            },
        }
    }

    /// Whether evcxr has started the process in which cells run anew.
    pub(super) fn lost_its_process(&self) -> bool {
        self.errors.iter().any(|error| {
            let text = error["evalue"].as_str();
            text.is_some_and(|text| text.contains("Subprocess terminated"))
        })
    }

    /// Text that was printed and not shown, for a cell of whose end nothing else is known.
    pub(super) fn rest(&mut self) -> Vec<Chunk> {
        let (out, err) = self.text.take_all();
        out.into_iter().chain(stderr(err)).collect()
    }

    /// How it ended. `compiled` is where evcxr compiles.
    pub(super) fn end(&mut self, notebook: &Notebook, compiled: &Path) -> Ending {
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
        let sources = Sources {
            compiled,
            cells: notebook.cells,
        };
        let (err, error) = self.error(err, &sources);
        let reply_is_error = reply.is_some_and(|reply| reply["status"] == "error");
        let mut errors: Vec<Value> = match (error, reply_is_error) {
            (Some(error), _) => vec![error.content()],
            (None, true) if self.errors.is_empty() => {
                vec![
                    CellError::new("Error", "evcxr says that the cell failed, but not why.")
                        .content(),
                ]
            }
            (None, true) => {
                let errors = self.of_the_compiler(notebook, compiled);
                errors.iter().map(CellError::content).collect()
            }
            (None, false) => Vec::new(),
        };
        errors.iter_mut().for_each(shorten::error);
        let failed = !errors.is_empty();
        let results = if failed {
            Vec::new()
        } else {
            std::mem::take(&mut self.results)
        };
        let results = results.into_iter().map(|mut result| {
            result["execution_count"] = json!(self.number);
            shorten::data(&mut result["data"], Some(&mut self.result));
            result
        });
        let reply = match errors.first() {
            Some(error) => reply_with(error, self.number),
            None => reply_ok(&self.request, self.number),
        };
        Ending {
            chunks: out.into_iter().chain(stderr(err)).collect(),
            results: results.collect(),
            errors,
            reply: Some(reply),
            failed,
        }
    }

    /// What is left of standard error, and the cell's error if the front knows more about it than evcxr.
    fn error(&mut self, err: String, sources: &Sources) -> (String, Option<CellError>) {
        let lost = self.lost_its_process();
        let mut panics = std::mem::take(&mut self.panics);
        if self.interrupted {
            let error = if let Some(ended) = &self.ended {
                Some(ending::stopped(ended))
            } else if self.skipped || !self.errors.is_empty() {
                Some(ending::stopped_before_it_ran())
            } else {
                None // it had already reached its end
            };
            return (err + &caught(&panics, sources), error);
        }
        if self.ended.is_some() || lost {
            let memory = (self.memory_kills, ending::memory_kills());
            let mut error = match &self.ended {
                Some(ended) => {
                    ending::of_the_process(ended, memory, &panics, &self.text.last_error())
                }
                None => ending::of_the_process_somehow(),
            };
            let places = panics.iter().map(|panic| sources.find(&panic.place));
            error.places.extend(places);
            return (err, Some(error));
        }
        if self.panicked {
            // A panic that is passed on from another thread, as rayon does it, is not reported again, so the other thread's report must do.
            if let Some(panic) = panics.pop().or_else(|| self.elsewhere.take()) {
                let mut error = CellError::new("Panic", panic.message);
                error.places.push(sources.find(&panic.place));
                let advice = compiler::advice::of_a_panic(&error.value);
                let passed_on = (!panic.main).then(|| {
                    format!(
                        "It happened on another thread ({}), and was passed on to the cell.",
                        panic.thread
                    )
                });
                let next: Vec<String> = passed_on.into_iter().chain(advice).collect();
                error.next = (!next.is_empty()).then(|| next.join(" "));
                return (err + &caught(&panics, sources), Some(error));
            }
            // Without labsupport in the notebook, the printed report is all that there is.
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
            // What the error says may have been shown already.
            let said = match err.trim() {
                "" => self.text.last_error(),
                _ => err,
            };
            let mut error = CellError::new("Error", said.trim());
            error
                .places
                .push(question_marks(self.number, self.request.text("code")));
            return (caught(&panics, sources), Some(error));
        }
        (err + &caught(&panics, sources), None)
    }

    /// Why the cell was not compiled.
    fn of_the_compiler(&self, notebook: &Notebook, compiled: &Path) -> Vec<CellError> {
        let source = self.request.text("code");
        let said = |error: &Value| error["evalue"].as_str().unwrap_or_default().to_string();
        for error in &self.errors {
            if let Some(unnamed) = types::explain(error, compiled) {
                return vec![unnamed];
            }
            let said = said(error);
            if let Some(advice) = advice::of_cargo(&said, source) {
                return vec![advice];
            }
            if let Some(error) = compiler::of_a_variable(&said, self.number, source) {
                return vec![error];
            }
        }
        let session = compiled.parent();
        let report = session.and_then(Report::read);
        let mut errors = report.map_or(Vec::new(), |report| report.errors(notebook));
        if errors.is_empty() {
            let plain = |error| CellError::new("CompileError", said(error));
            errors.extend(self.errors.iter().map(plain));
        }
        // On a full disk, the messages of the compiler or the linker may be lost too.
        if session.is_some_and(is_full) {
            for error in &mut errors {
                let nowhere = error.places.is_empty() || error.value.starts_with("linking with");
                if nowhere && error.next.is_none() {
                    error.value += "; the disk is full";
                    let next = "Make room, and run the cell again: your variables are still there.";
                    error.next = Some(next.into());
                }
            }
        }
        errors
    }
}

/// Whether `folder` has no room for what a cell is compiled to.
fn is_full(folder: &Path) -> bool {
    const A_CELL: u64 = 32 << 20;
    place::room(folder).is_some_and(|room| room < A_CELL)
}

/// What is left of standard error, without advice that does not help in a notebook.
fn stderr(text: String) -> Option<Chunk> {
    let text = text.replace(BACKTRACE_ADVICE, "");
    (!text.is_empty()).then_some(("stderr", text))
}

/// The reply of a cell that went well. Each expression that the client wants evaluated after it is answered with the reason why that is not
/// done.
pub(super) fn reply_ok(request: &Message, count: u32) -> Value {
    let mut expressions = request.content["user_expressions"].clone();
    for (_, answer) in expressions.as_object_mut().into_iter().flatten() {
        *answer = json!({
            "status": "error",
            "ename": "NotSupported",
            "evalue": "This kernel evaluates no user_expressions; run a cell instead.",
            "traceback": []
        });
    }
    if !expressions.is_object() {
        expressions = json!({});
    }
    json!({"status": "ok", "execution_count": count, "user_expressions": expressions, "payload": []})
}

/// The reply of a cell that failed.
pub(super) fn reply_error(error: &CellError, count: u32) -> Value {
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
