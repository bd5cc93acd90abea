//! The front: what Jupyter talks to. It binds the notebook's ports and is the only client of an inner kernel, an unmodified
//! evcxr_jupyter. `README.md` beside this file draws the ways that messages take.

mod advice;
mod amounts;
mod answers;
mod attempts;
mod cell;
mod compiler;
mod complete;
mod early;
mod ending;
mod errors;
mod figures;
mod flood;
mod gate;
mod inner;
mod json_text;
mod knobs;
mod message;
mod names;
mod outbox;
mod output;
mod panicked;
mod ports;
mod prelude;
mod progress;
mod request;
mod requests;
mod running;
mod shell;
mod shorten;
mod sketches;
mod source;
mod spill;
mod text;
mod tokens;

use crate::place::Place;
use crate::session::{Session, config, launch, sweep};
use crate::spare::claim::{Keeper, claim};
use anyhow::{Context, Result};
use attempts::Attempts;
use cell::{Cell, Ending};
use compiler::advice::Notebook;
use early::Early;
use errors::{CellError, Sources};
use flood::Note;
use inner::{Inner, Said};
use jupyter_protocol::{ConnectionInfo, Header};
use knobs::Knobs;
use labs_runtime::packet::{Ended, Kind, LONGEST_ANSWER, Order};
use labs_runtime::watch;
use message::Message;
use outbox::Outbox;
use ports::{Channel, Ports};
use serde_json::{Value, json};
use shell::Shell;
use sketches::Sketches;
use source::Prepared;
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a kernel with the ports and the key in `connection_file` until Jupyter shuts it down, its parent ends, or a SIGTERM comes.
pub fn run(connection_file: &Path) -> Result<()> {
    let parent = watch::parent();
    let text = fs::read(connection_file).with_context(|| {
        format!(
            "The connection file {} cannot be read",
            connection_file.display()
        )
    })?;
    let info: ConnectionInfo = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a connection file", connection_file.display()))?;
    let place = Place::find()?;
    let folder = std::env::current_dir().context("The notebook's folder is gone")?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        // Jupyter interrupts by message; a Ctrl-C in its terminal is not meant for us.
        let _interrupted = signal(SignalKind::interrupt())?;
        let mut front = Front::open(&info, place, folder).await?;
        tokio::select! {
            () = front.serve() => {}
            _ = terminated.recv() => {}
            () = orphaned(parent) => {}
        }
        Ok(())
    })
}

async fn orphaned(parent: i32) {
    while watch::parent() == parent {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The requests that evcxr answers. To any other it says nothing, and the front would wait forever.
const FOR_EVCXR: [&str; 3] = ["execute_request", "complete_request", "inspect_request"];

/// The inner kernel's socket never holds as many pieces of output.
const MOST_WAITING: u32 = 1000;

type Starting = Pin<Box<dyn Future<Output = Result<Inner>>>>;

/// The inner kernel, in whatever state it is.
enum State {
    Starting(Starting),
    Ready(Box<Inner>),
    /// It could not be started; the next cell tries again.
    Down(String),
}

/// How often to look for compilers that a stopped cell may still start.
const LOOK: Duration = Duration::from_millis(20);

/// How much later than the order to stop it a cell may still arrive.
const OVERTAKES: Duration = Duration::from_secs(1);

/// What happens next.
enum Event {
    Asked(Channel, Message),
    Started(Result<Inner>),
    Said(Said),
    Shell(shell::Said),
    /// A stopped cell may have started a compiler.
    LookForCompilers,
    WaitedTooLong,
    /// Text was gathered for long enough, or there is room again for waiting messages.
    Due,
}

struct Front {
    place: Place,
    folder: PathBuf,
    ports: Ports,
    /// Tells the keeper of the spare when this notebook computes, and hands out the spare.
    keeper: Option<Keeper>,
    state: State,
    /// Clients that ask whether the kernel is ready, before it is.
    early: Early,
    /// Requests on the shell port that wait for their turn.
    queue: VecDeque<Message>,
    /// The cell, or other request, that the inner kernel is working on.
    running: Option<Cell>,
    /// The shell line of the cell that runs now, and the lines that come after it.
    shell: Option<(Shell, VecDeque<String>)>,
    /// The question to the student that waits for an answer.
    question: Option<String>,
    /// How the process in which cells run has ended while no cell did.
    ended_meanwhile: Option<Ended>,
    /// The last order to stop that found nothing to stop, and when it came.
    stopped: Option<(Header, Instant)>,
    /// What the next cell must be told before it runs.
    notice: Option<String>,
    /// The last cell that ran. Its threads may still print.
    last: Option<Cell>,
    /// Messages of cells that wait for room.
    outbox: Outbox,
    /// Number and source of each cell that was run.
    cells: Vec<(u32, String)>,
    /// Those of them that belong to the history.
    history: Vec<(u32, String)>,
    count: u32,
    /// What the cells have defined, and the names that the prelude of the labs has.
    defined: source::History,
    /// What checks must know of the code.
    attempts: Attempts,
    prelude: prelude::Prelude,
    /// How long the parts of the last cells took.
    times: progress::Past,
    /// What evcxr has answered about code since the last cell.
    known: complete::Known,
    knobs: Knobs,
    sketches: Sketches,
    rust: String,
    done: bool,
}

impl Front {
    async fn open(info: &ConnectionInfo, place: Place, folder: PathBuf) -> Result<Front> {
        let mut front = Front {
            ports: Ports::bind(info).await?,
            keeper: Keeper::connect(),
            state: State::Down(String::new()),
            early: Early::new(),
            queue: VecDeque::new(),
            running: None,
            shell: None,
            question: None,
            ended_meanwhile: None,
            stopped: None,
            notice: None,
            last: None,
            outbox: Outbox::new(Instant::now()),
            cells: Vec::new(),
            history: Vec::new(),
            count: 0,
            defined: source::History::default(),
            attempts: Attempts::default(),
            prelude: prelude::of_cells(&place),
            times: progress::Past::default(),
            known: complete::Known::default(),
            knobs: Knobs::new(),
            sketches: Sketches::default(),
            rust: config::toolchain(&place).unwrap_or_default(),
            done: false,
            place,
            folder,
        };
        front.ports.publish_state(None, "starting").await;
        front.start();
        Ok(front)
    }

    /// Takes a spare or starts an inner kernel of its own, in the background.
    fn start(&mut self) {
        self.tell_busy(true);
        self.defined = source::History::default();
        self.known.forget();
        self.attempts = Attempts::default();
        let (place, folder) = (self.place.clone(), self.folder.clone());
        let keeper = self.keeper.clone();
        self.state = State::Starting(Box::pin(async move {
            let session = tokio::task::spawn_blocking(move || {
                config::check(&folder, &place)?;
                sweep::sweep(&place.sessions());
                match keeper.and_then(|keeper| claim(&keeper, &place, &folder)) {
                    Some(session) => Ok(session),
                    None => Session::start(&place, &folder),
                }
            });
            Inner::connect(session.await??).await
        }));
    }

    /// Tells the keeper whether this notebook computes: then no spare is made beside it.
    fn tell_busy(&self, busy: bool) {
        if let Some(keeper) = &self.keeper {
            keeper.tell_busy(busy);
        }
    }

    /// Works until the kernel is shut down.
    async fn serve(&mut self) {
        while !self.done {
            let event = self.next().await;
            self.handle(event).await;
        }
    }

    async fn next(&mut self) -> Event {
        let due = self.due();
        // A cell that shows more than Jupyter accepts has to wait; and if a cell is done, everything that it showed has been read.
        let waits = self.outbox.is_full() || self.running.as_ref().is_some_and(Cell::is_done);
        let inner = async {
            match &mut self.state {
                State::Starting(starting) => Event::Started(starting.await),
                State::Ready(inner) if !waits => Event::Said(inner.next().await),
                State::Ready(_) | State::Down(_) => std::future::pending().await,
            }
        };
        let due = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        let shell = async {
            match &mut self.shell {
                Some((shell, _)) => Event::Shell(shell.next().await),
                None => std::future::pending().await,
            }
        };
        let stopping = self
            .running
            .as_ref()
            .is_some_and(|cell| cell.interrupted && !cell.started);
        let look = async {
            match stopping {
                true => tokio::time::sleep(LOOK).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            (channel, message) = self.ports.next() => Event::Asked(channel, message),
            event = inner => event,
            event = shell => event,
            () = due => Event::Due,
            () = look => Event::LookForCompilers,
            () = self.early.too_long() => Event::WaitedTooLong,
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            // An answer that the front knows by itself does not wait for a cell.
            Event::Asked(Channel::Shell, message) => match self.about_code(&message) {
                Some(content) => {
                    let kind = reply_kind(message.kind());
                    self.answer(Channel::Shell, &message, &kind, content).await;
                }
                None if is_code(&message) && self.was_stopped_before(&message) => {
                    self.fail(&message, &ending::stopped_before_it_began())
                        .await;
                }
                None if message.kind().starts_with("comm_") || self.knobs.are_live() => {
                    // A page that opens now is not to wait until the knobs of another are let go.
                    if !self.answer_whole(&message).await {
                        self.wait_for_turn(message).await;
                    }
                }
                None => self.wait_for_turn(message).await,
            },
            Event::Asked(Channel::Control, message) => self.control(message).await,
            Event::Asked(Channel::Stdin, message) => self.answered(&message),
            Event::Started(Ok(inner)) => {
                self.state = State::Ready(Box::new(inner));
                self.tell_busy(false);
                self.answer_early().await;
                // If a cell waits, it says "busy" itself.
                if self.queue.is_empty() {
                    self.tell_state(None).await;
                }
                self.advance().await;
            }
            Event::Started(Err(error)) => {
                let error = format!("{error:#}");
                eprintln!("{error}");
                self.state = State::Down(error.clone());
                self.tell_busy(false);
                self.answer_early().await;
                self.tell_state(None).await;
                self.not_started(CellError::new("NotStarted", error)).await;
            }
            Event::Said(said) => self.said(said).await,
            Event::WaitedTooLong => self.answer_early().await,
            Event::Shell(said) => self.shell_said(said).await,
            Event::LookForCompilers => {
                if let State::Ready(inner) = &self.state {
                    inner.kill_compilers();
                }
            }
            Event::Due => {
                self.tell_progress().await;
                self.show_what_is_due().await;
                let now = Instant::now();
                let told = self.writer().and_then(|cell| cell.flood.tell(now));
                if let Some(note) = told {
                    self.outbox.push(note);
                }
                self.send_what_waits().await;
                if self.knobs.due().is_some_and(|due| due <= now) {
                    self.end_knobs().await;
                }
                if self.running.as_ref().is_some_and(Cell::is_done) {
                    self.finish().await;
                }
            }
        }
    }

    /// Puts a request at the end of the queue.
    async fn wait_for_turn(&mut self, request: Message) {
        self.queue.push_back(request);
        self.advance().await;
        // Knobs do not keep another cell waiting.
        if self.queue.iter().any(is_code) {
            self.end_knobs().await;
        }
    }

    /// Publishes what state the kernel is in.
    async fn tell_state(&mut self, after: Option<&Message>) {
        let busy = self.running.is_some() || matches!(self.state, State::Starting(_));
        let state = if busy { "busy" } else { "idle" };
        self.ports.publish_state(after, state).await;
    }
}

fn is_code(request: &Message) -> bool {
    request.kind() == "execute_request"
}

/// Messages of comms have no answer.
fn wants_reply(request: &Message) -> bool {
    request.kind().ends_with("_request")
}

fn reply_kind(request: &str) -> String {
    request.replace("_request", "_reply")
}
