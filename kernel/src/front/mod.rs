//! The front: what Jupyter talks to. It binds the notebook's ports and is the only client of an inner kernel, an unmodified
//! evcxr_jupyter. `README.md` beside this file draws the ways that messages take.

mod advice;
mod answers;
mod cell;
mod complete;
mod early;
mod ending;
mod errors;
mod figures;
mod flood;
mod gate;
mod inner;
mod json_text;
mod message;
mod names;
mod outbox;
mod ports;
mod prelude;
mod request;
mod shell;
mod shorten;
mod source;
mod spill;
mod text;
mod tokens;

use crate::place::Place;
use crate::runtime::packet::{Ended, Kind, LONGEST_ANSWER, Order};
use crate::session::{Session, config, launch, sweep};
use crate::spare::claim::{Keeper, claim};
use crate::watch;
use anyhow::{Context, Result};
use cell::{Cell, Ending};
use early::Early;
use errors::{CellError, Sources};
use flood::Note;
use inner::{Inner, Said};
use jupyter_protocol::ConnectionInfo;
use message::Message;
use outbox::Outbox;
use ports::{Channel, Ports};
use serde_json::{Value, json};
use shell::Shell;
use source::Prepared;
use std::collections::{HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// Is a kernel for the ports and the key in `connection_file` until Jupyter shuts it down, its parent ends, or a SIGTERM comes.
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

/// What evcxr answers. Of anything else it says nothing, and the front would wait for ever.
const FOR_EVCXR: [&str; 3] = ["execute_request", "complete_request", "inspect_request"];

/// More pieces of output than the socket of the inner kernel ever holds.
const MOST_WAITING: u32 = 1000;

type Starting = Pin<Box<dyn Future<Output = Result<Inner>>>>;

/// The inner kernel, in whatever state it is.
enum State {
    Starting(Starting),
    Ready(Box<Inner>),
    /// It could not be started; the next cell tries again.
    Down(String),
}

/// How often compilers are looked for that a stopped cell may still start.
const LOOK: Duration = Duration::from_millis(20);

/// What happens next.
enum Event {
    Asked(Channel, Message),
    Started(Result<Inner>),
    Said(Said),
    Shell(shell::Said),
    /// A stopped cell may have started a compiler.
    LookForCompilers,
    WaitedTooLong,
    /// Text was gathered for long enough, or there is room again for what waits.
    Due,
}

struct Front {
    place: Place,
    folder: PathBuf,
    ports: Ports,
    /// Tells the keeper of the spare when this notebook computes, and hands out the spare.
    keeper: Option<Keeper>,
    state: State,
    /// Questions whether the kernel is ready, before it is.
    early: Early,
    /// Requests on the shell port that wait for their turn.
    queue: VecDeque<Message>,
    /// The cell, or other request, that the inner kernel is at.
    running: Option<Cell>,
    /// The shell line that the cell is at, and those that come after it.
    shell: Option<(Shell, VecDeque<String>)>,
    /// The question to the student that waits for an answer.
    question: Option<String>,
    /// How the process in which cells run has ended while no cell did.
    ended_meanwhile: Option<Ended>,
    /// What the next cell must be told before it runs.
    notice: Option<String>,
    /// The last cell that ran. Its threads may still print.
    last: Option<Cell>,
    /// What cells show, on its way.
    outbox: Outbox,
    /// Number and source of each cell that was run.
    cells: Vec<(u32, String)>,
    /// Those of them that count.
    history: Vec<(u32, String)>,
    count: u32,
    /// What the cells have defined, and the names that the prelude of the labs has.
    defined: source::History,
    prelude: HashSet<String>,
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
            notice: None,
            last: None,
            outbox: Outbox::new(Instant::now()),
            cells: Vec::new(),
            history: Vec::new(),
            count: 0,
            defined: source::History::default(),
            prelude: prelude::of_cells(&place),
            rust: config::toolchain(&place).unwrap_or_default(),
            done: false,
            place,
            folder,
        };
        front
            .ports
            .publish(None, "status", json!({"execution_state": "starting"}))
            .await;
        front.start();
        Ok(front)
    }

    /// Takes a spare or starts an inner kernel of its own, in the background.
    fn start(&mut self) {
        self.tell_busy(true);
        self.defined = source::History::default();
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
        // Whoever shows more than Jupyter takes has to wait; and of a cell that is done, all has been read.
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
            // What the front knows about code does not wait for a cell.
            Event::Asked(Channel::Shell, message) => match self.about_code(&message) {
                Some(content) => {
                    let kind = reply_kind(message.kind());
                    self.answer(Channel::Shell, &message, &kind, content).await;
                }
                None => {
                    self.queue.push_back(message);
                    self.advance().await;
                }
            },
            Event::Asked(Channel::Control, message) => self.control(message).await,
            Event::Asked(Channel::Stdin, message) => self.answered(&message),
            Event::Started(Ok(inner)) => {
                self.state = State::Ready(Box::new(inner));
                self.tell_busy(false);
                self.answer_early().await;
                // A cell that waits says "busy" by itself.
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
                self.show_what_is_due().await;
                let now = Instant::now();
                let told = self.writer().and_then(|cell| cell.flood.tell(now));
                if let Some(note) = told {
                    self.outbox.push(note);
                }
                self.send_what_waits().await;
                if self.running.as_ref().is_some_and(Cell::is_done) {
                    self.finish().await;
                }
            }
        }
    }

    /// Publishes what state the kernel is in.
    async fn tell_state(&mut self, after: Option<&Message>) {
        let busy = self.running.is_some() || matches!(self.state, State::Starting(_));
        let state = if busy { "busy" } else { "idle" };
        self.ports
            .publish(after, "status", json!({"execution_state": state}))
            .await;
    }

    /// Answers those that asked whether the kernel is ready.
    async fn answer_early(&mut self) {
        for request in self.early.end() {
            let content = answers::kernel_info(&self.rust);
            self.answer(Channel::Shell, &request, "kernel_info_reply", content)
                .await;
        }
    }

    /// Answers `request` between "busy" and "idle", as the protocol wants it. What is no request has no reply.
    async fn answer(&mut self, channel: Channel, request: &Message, kind: &str, content: Value) {
        self.ports
            .publish(Some(request), "status", json!({"execution_state": "busy"}))
            .await;
        if wants_reply(request) {
            self.ports.reply(channel, request, kind, content).await;
        }
        self.ports
            .publish(Some(request), "status", json!({"execution_state": "idle"}))
            .await;
        if self.running.is_some() || matches!(self.state, State::Starting(_)) {
            // That "idle" was about this request; the kernel is still at work.
            let cell = self.running.as_ref().map(|cell| cell.request.clone());
            self.tell_state(cell.as_ref()).await;
        }
    }

    /// The answer to a completion or an inspection, unless it takes evcxr and no cell keeps it busy.
    fn about_code(&self, request: &Message) -> Option<Value> {
        let is_free = matches!(self.state, State::Ready(_))
            && !self.running.as_ref().is_some_and(Cell::is_code)
            && !self.queue.iter().any(is_code);
        complete::answer(request, &self.cells, &self.place, is_free)
    }

    /// Takes requests from the queue as long as there is one that can be answered.
    async fn advance(&mut self) {
        while self.running.is_none()
            && let Some(request) = self.queue.pop_front()
        {
            let Some(mut request) = self.early.keep(request) else {
                continue;
            };
            if let Some(content) = self.about_code(&request) {
                let kind = reply_kind(request.kind());
                self.answer(Channel::Shell, &request, &kind, content).await;
                continue;
            };
            if let Err(flaw) = request::complete(&mut request) {
                let error = CellError::new("BadRequest", flaw);
                self.refuse(&request, &error).await;
                continue;
            }
            if request.kind() == "shutdown_request" {
                self.shut_down(Channel::Shell, &request).await;
                return;
            }
            if self.answer_alone(Channel::Shell, &request).await {
                continue;
            }
            if is_code(&request) && request.text("code").contains('\0') {
                // evcxr never comes back from one.
                let error = CellError::new(
                    "BadCharacter",
                    "The cell holds a character that no program may have (NUL), most often after copying from elsewhere. Type \
                     that line anew.",
                );
                self.fail(&request, &error).await;
                continue;
            }
            if !FOR_EVCXR.contains(&request.kind()) {
                self.not_known(Channel::Shell, &request).await;
                continue;
            }
            let mut without_lines = request.clone();
            without_lines.content["code"] = shell::split(request.text("code")).1.into();
            let prepared = self
                .defined
                .prepare(&without_lines, self.count + 1, &self.prelude);
            if let Some(refusal) = &prepared.refusal {
                self.fail(&request, refusal).await;
                continue;
            }
            match &mut self.state {
                State::Ready(_) => self.begin(request, prepared).await,
                State::Starting(_) => {
                    self.queue.push_front(request);
                    return;
                }
                State::Down(_) if is_code(&request) => {
                    self.queue.push_front(request);
                    self.start();
                    self.tell_state(None).await;
                    return;
                }
                State::Down(reason) => {
                    let error = CellError::new("NotStarted", reason.clone());
                    self.refuse(&request, &error).await;
                }
            }
        }
    }

    /// Answers `request` if no inner kernel is needed for it; whether it was.
    async fn answer_alone(&mut self, channel: Channel, request: &Message) -> bool {
        let content = match request.kind() {
            "kernel_info_request" => answers::kernel_info(&self.rust),
            "comm_info_request" => answers::comm_info(),
            "history_request" => answers::history(request, &self.history),
            "connect_request" => self.ports.numbers.clone(),
            "is_complete_request" => answers::is_complete(request.text("code")),
            "execute_request" if request.text("code").trim().is_empty() => {
                // Nothing runs, but what the cell had defined before is gone from it.
                self.defined.prepare(request, self.count, &self.prelude);
                self.defined.ended(true);
                cell::reply_ok(request, self.count)
            }
            // There is nothing here that a comm could talk to; the protocol says to close it at once.
            "comm_open" => {
                let closed = json!({"comm_id": request.content["comm_id"], "data": {}});
                self.ports
                    .publish(Some(request), "status", json!({"execution_state": "busy"}))
                    .await;
                self.ports
                    .publish(Some(request), "comm_close", closed)
                    .await;
                json!({})
            }
            "comm_msg" | "comm_close" => json!({}),
            _ => return false,
        };
        let kind = reply_kind(request.kind());
        self.answer(channel, request, &kind, content).await;
        true
    }

    /// Answers what neither we nor evcxr can.
    async fn not_known(&mut self, channel: Channel, request: &Message) {
        eprintln!("A message of the type {} was refused.", request.kind());
        let error = CellError::new(
            "NotSupported",
            format!(
                "This kernel does not know messages of the type {} on this channel.",
                request.kind()
            ),
        );
        let mut content = error.content();
        content["status"] = json!("error");
        let kind = reply_kind(request.kind());
        self.answer(channel, request, &kind, content).await;
    }

    /// Begins with `request`, whose turn it is; `prepared` is what evcxr gets of it.
    async fn begin(&mut self, request: Message, prepared: Prepared) {
        if is_code(&request)
            && let Some(last) = &mut self.last
        {
            let chunks = last.rest();
            self.show_last(chunks).await;
        }
        let number = self.count + u32::from(is_code(&request));
        let mut cell = Cell::new(request, number, &self.folder);
        cell.lines = prepared.lines;
        self.ports
            .publish(
                Some(&cell.request),
                "status",
                json!({"execution_state": "busy"}),
            )
            .await;
        let mut code = None;
        let mut lines = VecDeque::new();
        if cell.is_code() {
            self.tell_busy(true);
            let source = cell.request.text("code").to_string();
            if !cell.is_silent() {
                let input = json!({"code": source, "execution_count": cell.number});
                self.ports
                    .publish(Some(&cell.request), "execute_input", input)
                    .await;
            }
            if cell.is_stored() {
                self.count = cell.number;
                self.history.push((cell.number, source.clone()));
            }
            self.cells.push((cell.number, source));
            lines.extend(shell::split(cell.request.text("code")).0);
            code = Some(prepared.code);
        }
        cell.code = code;
        self.running = Some(cell);
        if let Some(notice) = self
            .notice
            .take_if(|_| self.running.as_ref().is_some_and(Cell::is_code))
        {
            self.show_text(vec![("stderr", format!("note: {notice}\n"))])
                .await;
        }
        for note in prepared.notes {
            self.show_text(vec![("stderr", format!("note: {note}\n"))])
                .await;
        }
        self.run_lines(lines).await;
    }

    /// Runs the next of the shell lines at the head of the cell, or the rest of the cell.
    async fn run_lines(&mut self, mut lines: VecDeque<String>) {
        if let Some(line) = lines.pop_front() {
            match Shell::start(&line, &self.folder) {
                Ok(shell) => self.shell = Some((shell, lines)),
                Err(error) => self.fail_here("ShellError", format!("{error:#}.")).await,
            }
            return;
        }
        let Some(cell) = &mut self.running else {
            return;
        };
        if cell.had_lines && cell.code.as_deref().is_some_and(shell::is_empty) {
            cell.reply = Some(json!({"status": "ok"}));
            return self.finish().await;
        }
        let mut request = complete::for_evcxr(&cell.request);
        if let Some(code) = &cell.code {
            request.content["code"] = code.as_str().into();
        }
        let asked = match &mut self.state {
            State::Ready(inner) => inner.ask(&request).await,
            _ => Err(anyhow::anyhow!("the kernel has just ended")),
        };
        match asked {
            Ok(id) => cell.id = id,
            Err(error) => {
                let sentence = format!("The cell could not be sent: {error:#}.");
                self.fail_here("KernelError", sentence).await;
            }
        }
    }

    async fn shell_said(&mut self, said: shell::Said) {
        match said {
            shell::Said::Output { error, bytes } => {
                let kind = if error { Kind::Stderr } else { Kind::Stdout };
                self.output(kind, bytes).await;
            }
            shell::Said::Ended(status) => {
                let Some((_, lines)) = self.shell.take() else {
                    return;
                };
                let interrupted = self.running.as_ref().is_some_and(|cell| cell.interrupted);
                if interrupted {
                    let sentence = "You stopped this shell line. The rest of the cell was not run; nothing is lost.";
                    self.fail_here("Interrupted", sentence.into()).await;
                } else if !status.success() {
                    let sentence = format!(
                        "The shell line failed ({status}). The rest of the cell was not run."
                    );
                    self.fail_here("ShellError", sentence).await;
                } else {
                    self.run_lines(lines).await;
                }
            }
        }
    }

    /// Ends the running cell with an error of ours, before evcxr has seen it.
    async fn fail_here(&mut self, name: &'static str, sentence: String) {
        let Some(cell) = &mut self.running else {
            return;
        };
        let error = CellError::new(name, sentence);
        let number = cell.number;
        let chunks = cell.rest();
        self.show_last(chunks).await;
        self.publish_in_cell("error", error.content()).await;
        self.close(Some(cell::reply_error(&error, number)), true)
            .await;
    }

    async fn control(&mut self, mut request: Message) {
        match request.kind() {
            "interrupt_request" => {
                self.interrupt().await;
                let reply = json!({"status": "ok"});
                self.answer(Channel::Control, &request, "interrupt_reply", reply)
                    .await;
            }
            "shutdown_request" => self.shut_down(Channel::Control, &request).await,
            // Cells, and what evcxr is asked, wait for their turn; here nothing does.
            "execute_request" => self.not_known(Channel::Control, &request).await,
            _ => {
                let is_whole = request::complete(&mut request).is_ok();
                if !is_whole || !self.answer_alone(Channel::Control, &request).await {
                    self.not_known(Channel::Control, &request).await;
                }
            }
        }
    }

    async fn shut_down(&mut self, channel: Channel, request: &Message) {
        let restart = request.flag("restart", false);
        let reply = json!({"status": "ok", "restart": restart});
        self.ports
            .publish(Some(request), "shutdown_reply", reply.clone())
            .await;
        self.answer(channel, request, "shutdown_reply", reply).await;
        // What was sent is with the sockets' own tasks; let them have a turn.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.done = true;
    }

    /// Stops the cell that is running, and nothing else.
    async fn interrupt(&mut self) {
        if let (Some((shell, _)), Some(cell)) = (&mut self.shell, &mut self.running) {
            cell.interrupted = true;
            return shell.kill();
        }
        match (&mut self.state, &mut self.running) {
            (State::Ready(inner), Some(cell)) if cell.is_code() => {
                // The tap knows whether the cell has begun. More of the same is no more.
                if !cell.interrupted {
                    cell.interrupted = true;
                    inner.order(&Order::Stop);
                }
                inner.kill_compilers();
            }
            (State::Starting(_), _) => {
                let error = "You stopped this cell before it began: the kernel was still starting. Nothing is lost; run it again.";
                self.not_started(CellError::new("Interrupted", error)).await;
            }
            // Nothing runs, so nothing is to be stopped. evcxr would end its runtime, and all variables with it.
            _ => {}
        }
    }

    /// Answers the cells that wait for a kernel: the first with the reason, the others as not run.
    async fn not_started(&mut self, error: CellError) {
        let first = self.queue.iter().position(is_code);
        let Some(first) = first.and_then(|index| self.queue.remove(index)) else {
            return;
        };
        self.fail(&first, &error).await;
        // What else waits is no cell, and must be answered, too.
        while let Some(request) = self.queue.pop_front() {
            self.refuse(&request, &error).await;
        }
    }

    /// Answers the cell `request` with the reason, and the cells that were sent after it as not run.
    async fn fail(&mut self, request: &Message, error: &CellError) {
        self.refuse(request, error).await;
        for later in self.take_waiting().await {
            self.abort(&later).await;
        }
    }

    /// Answers `request` with an error.
    async fn refuse(&mut self, request: &Message, error: &CellError) {
        self.ports
            .publish(Some(request), "status", json!({"execution_state": "busy"}))
            .await;
        if is_code(request) && !request.flag("silent", false) {
            self.ports
                .publish(Some(request), "error", error.content())
                .await;
        }
        if wants_reply(request) {
            let reply = cell::reply_error(error, self.count);
            self.ports
                .reply(Channel::Shell, request, &reply_kind(request.kind()), reply)
                .await;
        }
        self.ports
            .publish(Some(request), "status", json!({"execution_state": "idle"}))
            .await;
    }

    /// The cells that were sent together with one that fails now: those that have arrived before anybody was told.
    async fn take_waiting(&mut self) -> Vec<Message> {
        while let Some((channel, message)) = self.ports.next_if_there().await {
            match channel {
                Channel::Shell => self.queue.push_back(message),
                _ => Box::pin(self.handle(Event::Asked(channel, message))).await,
            }
        }
        let (waiting, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition(is_code);
        self.queue = kept.into();
        waiting
    }

    /// Answers a cell that is not run, because one before it failed: so Run All stops.
    async fn abort(&mut self, request: &Message) {
        // Without a number: the prompt stays empty.
        let reply = json!({"status": "aborted"});
        self.answer(Channel::Shell, request, "execute_reply", reply)
            .await;
    }

    async fn said(&mut self, said: Said) {
        match said {
            Said::Output(kind, content) => self.output(kind, content).await,
            Said::Published(message) => self.published(message).await,
            Said::Reply(message) => {
                if let Some(cell) = &mut self.running
                    && message.is_child_of(&cell.id)
                {
                    cell.reply = Some(complete::from_evcxr(&cell.request, message.content));
                }
            }
            Said::Gone => return self.inner_is_gone().await,
        }
        if self.running.as_ref().is_some_and(Cell::is_done) {
            self.finish().await;
        }
    }

    /// A cell printed or showed something.
    async fn output(&mut self, kind: Kind, content: Vec<u8>) {
        let is_code = self.running.as_ref().is_some_and(Cell::is_code);
        if kind == Kind::Ended && !is_code {
            // The next cell is told: evcxr finds out only then.
            self.ended_meanwhile = serde_json::from_slice(&content).ok();
            return;
        }
        let Some(cell) = self.writer() else { return };
        match cell.output(kind, content) {
            cell::Shown::Nothing => {}
            cell::Shown::Text(chunk) => self.show_text(vec![chunk]).await,
            cell::Shown::Display(note) => {
                // What was printed before comes before.
                self.show_what_is_due().await;
                self.outbox.push(note);
                self.send_what_waits().await;
            }
            cell::Shown::Panic(panic) => {
                let text = panic.as_text(&self.sources(&self.compiled()));
                self.show_text(vec![("stderr", text)]).await;
            }
            cell::Shown::Asked(question) => self.ask_the_student(question).await,
        }
    }

    /// Shows text of the cell that writes, or puts it where it is kept.
    async fn show_text(&mut self, chunks: Vec<text::Chunk>) {
        let now = Instant::now();
        let Some(cell) = self.writer() else { return };
        let notes: Vec<Note> = chunks
            .into_iter()
            .filter_map(|chunk| cell.flood.add(chunk, now))
            .collect();
        for note in notes {
            self.outbox.push(note);
        }
        self.send_what_waits().await;
    }

    async fn show_what_is_due(&mut self) {
        let chunks = self.writer().map(|cell| cell.text.take_due());
        self.show_text(chunks.unwrap_or_default()).await;
    }

    /// Where evcxr compiles.
    fn compiled(&self) -> PathBuf {
        match &self.state {
            State::Ready(inner) => inner.session().directory().join(launch::EVAL),
            _ => PathBuf::new(),
        }
    }

    fn sources<'a>(&'a self, compiled: &'a Path) -> Sources<'a> {
        Sources {
            compiled,
            cells: &self.cells,
        }
    }

    /// The cell reads standard input.
    async fn ask_the_student(&mut self, mut question: Value) {
        let Some(cell) = &self.running else { return };
        if !cell.request.flag("allow_stdin", true) || cell.interrupted {
            return self.give_answer(None);
        }
        if question["prompt"] == "" {
            question["prompt"] = "This cell reads a line:".into();
        }
        let request = cell.request.clone();
        self.show_what_is_due().await; // what the cell has printed may be its question
        self.question = Some(
            self.ports
                .reply(Channel::Stdin, &request, "input_request", question)
                .await,
        );
    }

    /// The student has answered, which counts only for the question that waits.
    fn answered(&mut self, message: &Message) {
        let (Some(question), "input_reply") = (&self.question, message.kind()) else {
            return;
        };
        // A client need not say which question it answers.
        let parent = message.parent.as_ref().map(|parent| parent.msg_id.as_str());
        if parent.is_none_or(|parent| parent.is_empty() || parent == question) {
            self.question = None;
            let value = message.text("value");
            let most = (0..=LONGEST_ANSWER.min(value.len()))
                .rev()
                .find(|&most| value.is_char_boundary(most))
                .unwrap_or(0);
            self.give_answer(match value {
                "\u{4}" => None, // Ctrl+D
                _ => Some(format!("{}\n", &value[..most])),
            });
        }
    }

    fn give_answer(&self, answer: Option<String>) {
        if let State::Ready(inner) = &self.state {
            inner.order(&Order::Answer(answer));
        }
    }

    /// Whose output it is: the running cell's, or else that of the last one, of which a thread goes on.
    fn writer(&mut self) -> Option<&mut Cell> {
        match self.running.as_ref().is_some_and(Cell::is_code) {
            true => self.running.as_mut(),
            false => self.last.as_mut(),
        }
    }

    /// When something is due to be shown.
    fn due(&mut self) -> Option<Instant> {
        let room = self.outbox.due(Instant::now());
        let text = self
            .writer()
            .map(|cell| [cell.text.due(), cell.flood.due()]);
        text.into_iter().flatten().flatten().chain(room).min()
    }

    /// Publishes what waits, as far as there is room.
    async fn send_what_waits(&mut self) {
        while let Some((kind, content)) = self.outbox.pop(Instant::now()) {
            self.publish_in_cell(kind, content).await;
        }
        if self.outbox.is_full()
            && let Some(cell) = self.writer()
        {
            cell.text.wait(Instant::now());
        }
    }

    /// Publishes all that a cell has printed, `chunks` last. What comes after it matters more, so nothing waits any longer.
    async fn show_last(&mut self, chunks: Vec<text::Chunk>) {
        let now = Instant::now();
        while let Some((kind, content)) = self.outbox.pop_now() {
            self.publish_in_cell(kind, content).await;
        }
        let Some(cell) = self.writer() else { return };
        let mut notes: Vec<Note> = chunks
            .into_iter()
            .filter_map(|chunk| cell.flood.add(chunk, now))
            .collect();
        notes.extend(cell.flood.end());
        notes.extend(cell.figures.end());
        for (kind, content) in notes {
            self.publish_in_cell(kind, content).await;
        }
    }

    async fn publish_in_cell(&mut self, kind: &str, content: Value) {
        if self.running.as_ref().is_some_and(Cell::is_silent) {
            return;
        }
        let is_code = self.running.as_ref().is_some_and(Cell::is_code);
        let writer = if is_code { &self.running } else { &self.last };
        let request = writer.as_ref().map(|cell| &cell.request);
        self.ports.publish(request, kind, content).await;
    }

    async fn published(&mut self, message: Message) {
        let is_ours = self
            .running
            .as_ref()
            .is_some_and(|cell| message.is_child_of(&cell.id));
        match message.kind() {
            "status" => {
                if let Some(cell) = &mut self.running
                    && is_ours
                {
                    cell.idle |= message.text("execution_state") == "idle";
                }
            }
            // We have told the input already, under our own number.
            "execute_input" => {}
            "error" if is_ours => {
                if let Some(cell) = &mut self.running {
                    cell.errors.push(message.content);
                }
            }
            "execute_result" if is_ours => {
                if let Some(cell) = &mut self.running {
                    cell.results.push(message.content);
                }
            }
            _ => {
                // Comms, and whatever a later evcxr may publish. Their parent is the request as Jupyter knows it.
                let parent = self
                    .running
                    .as_ref()
                    .filter(|_| is_ours)
                    .map(|cell| cell.request.header.clone());
                self.ports
                    .publish_message(Message { parent, ..message })
                    .await;
            }
        }
    }

    /// evcxr says that the cell is done, so all of its output has been sent.
    async fn finish(&mut self) {
        // Not more than was there when the cell ended, or a thread that goes on printing would keep it from its end.
        while let (State::Ready(inner), Some(cell)) = (&mut self.state, &mut self.running)
            && !self.outbox.is_full()
            && cell.read_at_the_end < MOST_WAITING
            && let Some((kind, content)) = inner.output_so_far()
        {
            cell.read_at_the_end += 1;
            self.output(kind, content).await;
        }
        // This is called again when there is room for what waits.
        if !self.outbox.is_empty() {
            return;
        }
        let compiled = self.compiled();
        let Some(cell) = &mut self.running else {
            return;
        };
        if cell.ended.is_none() {
            cell.ended = self.ended_meanwhile.take();
        }
        let is_kept = |reply: &Value| reply["status"] == "ok";
        self.defined.ended(cell.reply.as_ref().is_some_and(is_kept));
        let Ending {
            chunks,
            results,
            errors,
            reply,
            failed,
        } = cell.end(&self.cells, &compiled);
        if cell.interrupted
            && let State::Ready(inner) = &mut self.state
        {
            inner.order(&Order::Over);
        }
        if cell.lost_its_process()
            && let State::Ready(inner) = &mut self.state
        {
            inner.forget_half_sent();
        }
        self.show_last(chunks).await;
        for result in results {
            self.publish_in_cell("execute_result", result).await;
        }
        for error in errors {
            self.publish_in_cell("error", error).await;
        }
        self.close(reply, failed).await;
    }

    /// Sends the reply of the running cell, and goes on.
    async fn close(&mut self, reply: Option<Value>, failed: bool) {
        let Some(cell) = &self.running else { return };
        let stops = failed && cell.request.flag("stop_on_error", true);
        let waiting = if stops {
            Box::pin(self.take_waiting()).await
        } else {
            Vec::new()
        };
        let Some(cell) = self.running.take() else {
            return;
        };
        if let Some(reply) = reply
            && wants_reply(&cell.request)
        {
            let kind = reply_kind(cell.request.kind());
            self.ports
                .reply(Channel::Shell, &cell.request, &kind, reply)
                .await;
        }
        self.question = None;
        self.shell = None;
        if cell.is_code() {
            self.tell_busy(false);
        }
        self.ports
            .publish(
                Some(&cell.request),
                "status",
                json!({"execution_state": "idle"}),
            )
            .await;
        self.outbox.idle(Instant::now());
        if cell.is_code() {
            self.last = Some(cell);
        }
        for request in &waiting {
            self.abort(request).await;
        }
        Box::pin(self.advance()).await;
    }

    /// The inner kernel ended without being asked: say so, and take another.
    async fn inner_is_gone(&mut self) {
        let said = match &self.state {
            State::Ready(inner) => inner.session().last_words(),
            _ => String::new(),
        };
        eprintln!("The inner kernel ended. It said: {said}");
        self.ended_meanwhile = None;
        self.start(); // drops the old one, and its directory
        let error = CellError::new("KernelDied", ending::of_the_kernel(&said));
        match self.running.as_mut() {
            Some(cell) if cell.is_code() => {
                let number = cell.number;
                let chunks = cell.rest();
                self.show_last(chunks).await;
                self.publish_in_cell("error", error.content()).await;
                self.close(Some(cell::reply_error(&error, number)), true)
                    .await;
            }
            running => {
                // Nothing that can be seen was going on: the next cell says what became of its variables.
                let reply = running
                    .filter(|cell| cell.request.kind().ends_with("_request"))
                    .map(|_| cell::reply_error(&error, self.count));
                match self.queue.iter().any(is_code) {
                    true => self.not_started(error).await,
                    false => self.notice = Some(error.value),
                }
                self.close(reply, false).await;
            }
        }
        self.tell_state(None).await;
    }
}

fn is_code(request: &Message) -> bool {
    request.kind() == "execute_request"
}

/// Comms are messages that nobody answers.
fn wants_reply(request: &Message) -> bool {
    request.kind().ends_with("_request")
}

fn reply_kind(request: &str) -> String {
    request.replace("_request", "_reply")
}
