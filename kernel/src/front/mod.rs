//! The front: what Jupyter talks to. It binds the notebook's ports and is the only client of an inner kernel, an unmodified
//! evcxr_jupyter. `README.md` beside this file draws the ways that messages take.

mod answers;
mod cell;
mod early;
mod errors;
mod gate;
mod inner;
mod json_text;
mod message;
mod packet;
mod ports;
mod request;
pub mod tap;
mod text;

use crate::place::Place;
use crate::session::{Session, config, sweep};
use crate::spare::claim::{Keeper, claim};
use crate::watch;
use anyhow::{Context, Result};
use cell::{Cell, Ending};
use early::Early;
use errors::CellError;
use inner::{Inner, Said};
use jupyter_protocol::ConnectionInfo;
use message::Message;
use ports::{Channel, Ports};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;
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

type Starting = Pin<Box<dyn Future<Output = Result<Inner>>>>;

/// The inner kernel, in whatever state it is.
enum State {
    Starting(Starting),
    Ready(Box<Inner>),
    /// It could not be started; the next cell tries again.
    Down(String),
}

/// What happens next.
enum Event {
    Asked(Channel, Message),
    Started(Result<Inner>),
    Said(Said),
    TextIsDue,
    WaitedTooLong,
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
    /// The last cell that ran.
    last: Option<Message>,
    /// Number and source of each cell that was run.
    cells: Vec<(u32, String)>,
    /// Those of them that count.
    history: Vec<(u32, String)>,
    count: u32,
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
            last: None,
            cells: Vec::new(),
            history: Vec::new(),
            count: 0,
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
        let due = self.running.as_ref().and_then(|cell| cell.text.due());
        let inner = async {
            match &mut self.state {
                State::Starting(starting) => Event::Started(starting.await),
                State::Ready(inner) => Event::Said(inner.next().await),
                State::Down(_) => std::future::pending().await,
            }
        };
        let due = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            (channel, message) = self.ports.next() => Event::Asked(channel, message),
            event = inner => event,
            () = due => Event::TextIsDue,
            () = self.early.too_long() => Event::WaitedTooLong,
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Asked(Channel::Shell, message) => {
                self.queue.push_back(message);
                self.advance().await;
            }
            Event::Asked(Channel::Control, message) => self.control(message).await,
            Event::Asked(Channel::Stdin, message) => {
                if let (State::Ready(inner), Some(_)) = (&mut self.state, &self.running)
                    && message.kind() == "input_reply"
                {
                    let answered = inner.answer(message.content).await;
                    log("The student's answer could not be passed on", answered);
                }
            }
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
            Event::TextIsDue => {
                let chunks = self.running.as_mut().map(|cell| cell.text.take_due());
                for chunk in chunks.into_iter().flatten() {
                    self.publish_text(chunk).await;
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

    /// Takes requests from the queue as long as there is one that can be answered.
    async fn advance(&mut self) {
        while self.running.is_none()
            && let Some(request) = self.queue.pop_front()
        {
            let Some(mut request) = self.early.keep(request) else {
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
            match &mut self.state {
                State::Ready(inner) => match inner.ask(&request).await {
                    Ok(id) => self.begin(request, id).await,
                    Err(error) => {
                        let error = CellError::new(
                            "KernelError",
                            format!("The cell could not be sent: {error:#}."),
                        );
                        self.refuse(&request, &error).await;
                    }
                },
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

    /// The inner kernel has `request` now, under the identity `id`.
    async fn begin(&mut self, request: Message, id: String) {
        let mut cell = Cell::new(request, id);
        self.ports
            .publish(
                Some(&cell.request),
                "status",
                json!({"execution_state": "busy"}),
            )
            .await;
        if cell.is_code() {
            self.tell_busy(true);
            cell.number = self.count + 1;
            let code = cell.request.text("code").to_string();
            if !cell.is_silent() {
                let input = json!({"code": code, "execution_count": cell.number});
                self.ports
                    .publish(Some(&cell.request), "execute_input", input)
                    .await;
            }
            if cell.is_stored() {
                self.count = cell.number;
                self.history.push((cell.number, code.clone()));
            }
            self.cells.push((cell.number, code));
        }
        self.running = Some(cell);
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

    async fn interrupt(&mut self) {
        match (&mut self.state, &mut self.running) {
            (State::Ready(inner), Some(cell)) => {
                cell.interrupted = true;
                log(
                    "The interrupt could not be passed on",
                    inner.interrupt().await,
                );
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
                    cell.reply = Some(message.content);
                }
            }
            Said::Asked(message) => {
                if let Some(cell) = &self.running
                    && cell.request.flag("allow_stdin", true)
                {
                    let request = cell.request.clone();
                    self.ports
                        .reply(Channel::Stdin, &request, "input_request", message.content)
                        .await;
                }
            }
            Said::Gone => return self.inner_is_gone().await,
        }
        if self.running.as_ref().is_some_and(Cell::is_done) {
            self.finish().await;
        }
    }

    /// A cell printed or showed something.
    async fn output(&mut self, kind: packet::Kind, content: Vec<u8>) {
        let Some(cell) = &mut self.running else {
            // A thread that outlives its cell goes on printing there.
            if let packet::Kind::Stdout | packet::Kind::Stderr = kind {
                let name = if kind == packet::Kind::Stdout {
                    "stdout"
                } else {
                    "stderr"
                };
                let text = json!({"name": name, "text": String::from_utf8_lossy(&content)});
                self.ports.publish(self.last.as_ref(), "stream", text).await;
            }
            return;
        };
        match cell.output(kind, content) {
            cell::Shown::Nothing => {}
            cell::Shown::Text(chunk) => self.publish_text(chunk).await,
            cell::Shown::Display(kind, content) => {
                // What was printed before comes before.
                for chunk in cell.text.take_due() {
                    self.publish_text(chunk).await;
                }
                self.publish_in_cell(kind, content).await;
            }
        }
    }

    async fn publish_text(&mut self, (name, text): text::Chunk) {
        self.publish_in_cell("stream", json!({"name": name, "text": text}))
            .await;
    }

    async fn publish_in_cell(&mut self, kind: &str, content: Value) {
        if self.running.as_ref().is_some_and(Cell::is_silent) {
            return;
        }
        let request = self.running.as_ref().map(|cell| &cell.request);
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
        while let State::Ready(inner) = &mut self.state
            && let Some((kind, content)) = inner.output_so_far()
        {
            self.output(kind, content).await;
        }
        let Some(cell) = &mut self.running else {
            return;
        };
        let compiled = match &self.state {
            State::Ready(inner) => inner
                .session()
                .directory()
                .join(crate::session::launch::EVAL),
            _ => PathBuf::new(),
        };
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
            inner.forget_half_sent();
        }
        for chunk in chunks {
            self.publish_text(chunk).await;
        }
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
        if cell.is_code() {
            self.last = Some(cell.request);
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
        self.start(); // drops the old one, and its directory
        if let Some(cell) = &mut self.running {
            let error = CellError::new(
                "KernelDied",
                "The process behind this notebook ended unexpectedly; if nobody ended it, memory ran out. A new one starts now: \
                 variables and definitions are all gone, so run the notebook from the top.",
            );
            let number = self.count;
            let (is_code, chunks) = (cell.is_code(), cell.rest());
            for chunk in chunks {
                self.publish_text(chunk).await;
            }
            if is_code {
                self.publish_in_cell("error", error.content()).await;
            }
            self.close(Some(cell::reply_error(&error, number)), true)
                .await;
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

fn log(what: &str, result: Result<()>) {
    if let Err(error) = result {
        eprintln!("{what}: {error:#}.");
    }
}
