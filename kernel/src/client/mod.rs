//! A Jupyter client: it starts a kernel, runs cells, and reports what they showed. `check` and the tests use it.

mod connection;
mod shown;

pub use connection::Connection;
pub use shown::{Output, Shown};

use crate::log::last_lines;
use anyhow::{Context, Result, bail};
use jupyter_protocol::{
    CompleteReply, ExecuteRequest, ExecutionState, InputReply, InspectReply, InterruptRequest,
    JupyterMessage, JupyterMessageContent, KernelInfoRequest, ReplyStatus, ShutdownRequest,
    UnknownMessage,
};
use jupyter_zmq_client::{
    ClientControlConnection, ClientIoPubConnection, ClientShellConnection, ClientStdinConnection,
    create_client_control_connection, create_client_iopub_connection,
    create_client_shell_connection_with_identity, create_client_stdin_connection_with_identity,
    peer_identity_for_session,
};
use labs_runtime::watch::{self, Signal};
use serde_json::{Value, json};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long to wait for output that comes after the reply: evcxr passes on the lines of a panic from a thread of its own.
const STRAGGLERS: Duration = Duration::from_millis(60);

/// A kernel that this process has started.
pub struct Kernel {
    /// Its process: the supervisor, or the inner kernel where that was started alone.
    pub child: Child,
    shell: ClientShellConnection,
    iopub: ClientIoPubConnection,
    control: ClientControlConnection,
    stdin: ClientStdinConnection,
    /// The file with what its processes write to standard error.
    log: PathBuf,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("child", &self.child)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

impl Kernel {
    /// Starts the kernel and connects to it.
    pub async fn start(mut command: Command, connection: Connection) -> Result<Kernel> {
        let log = connection.file.with_extension("log");
        let mut child = command
            .stdout(std::process::Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("The kernel cannot be started")?;
        let info = &connection.info;
        let session = uuid::Uuid::new_v4().to_string();
        // Connecting is tried again and again until the kernel listens, or has ended.
        let iopub = tokio::select! {
            iopub = create_client_iopub_connection(info, "", &session) => iopub?,
            status = child.wait() => bail!(ended("before it could be used", status?, &log)),
        };
        let identity = peer_identity_for_session(&session)?;
        Ok(Kernel {
            stdin: create_client_stdin_connection_with_identity(info, &session, identity.clone())
                .await?,
            shell: create_client_shell_connection_with_identity(info, &session, identity).await?,
            control: create_client_control_connection(info, &session).await?,
            child,
            iopub,
            log,
        })
    }

    /// Waits until the kernel answers, and until what it publishes reaches us.
    pub async fn ready(&mut self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        let ask = || JupyterMessage::new(KernelInfoRequest {}, None);
        self.shell.send(ask()).await?;
        let reply = tokio::select! {
            reply = timeout(limit, self.shell.read()) => reply,
            status = self.child.wait() => bail!(ended("while it started", status?, &self.log)),
        };
        if let Err(error) = reply
            .with_context(|| format!("The kernel was not ready after {} s", limit.as_secs()))?
        {
            // A kernel that fails closes its ports a moment before it says why and ends.
            match timeout(Duration::from_secs(5), self.child.wait()).await {
                Ok(status) => bail!(ended("while it started", status?, &self.log)),
                Err(_) => return Err(error).context("The kernel closed its ports"),
            }
        }
        // A subscription takes a moment to arrive; whatever is published before that is lost.
        while timeout(Duration::from_millis(300), self.iopub.read())
            .await
            .is_err()
        {
            if Instant::now() > deadline {
                bail!("The kernel answers but publishes nothing.");
            }
            self.shell.send(ask()).await?;
            self.shell.read().await?;
        }
        while timeout(STRAGGLERS, self.iopub.read()).await.is_ok() {}
        Ok(())
    }

    /// Sends a cell without waiting for its end; see [`finish`](Kernel::finish).
    pub async fn send(&mut self, code: &str) -> Result<String> {
        self.send_as(code, false, json!({})).await
    }

    /// Like [`send`](Kernel::send), but the cell may ask the student: see [`next_question`](Kernel::next_question).
    pub async fn send_asking(&mut self, code: &str) -> Result<String> {
        self.send_as(code, true, json!({})).await
    }

    /// Like [`send`](Kernel::send), with metadata such as the `cellId` and `deletedCells` that JupyterLab sends.
    pub async fn send_with(&mut self, code: &str, metadata: Value) -> Result<String> {
        self.send_as(code, false, metadata).await
    }

    async fn send_as(&mut self, code: &str, allow_stdin: bool, metadata: Value) -> Result<String> {
        let request = ExecuteRequest {
            code: code.into(),
            silent: false,
            store_history: true,
            user_expressions: None,
            allow_stdin,
            stop_on_error: true,
        };
        let mut message = JupyterMessage::new(request, None);
        message.metadata = metadata;
        let id = message.header.msg_id.clone();
        self.shell.send(message).await?;
        Ok(id)
    }

    /// Waits for the next line on standard output, for tests that must know where a cell is.
    pub async fn next_line(&mut self, limit: Duration) -> Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = timeout(left, self.iopub.read())
                .await
                .context("No line came")??;
            if let JupyterMessageContent::StreamContent(stream) = message.content {
                return Ok(stream.text);
            }
        }
    }

    /// Waits for the next message that is published as an effect of the cell `id`.
    pub async fn next_published(
        &mut self,
        id: &str,
        limit: Duration,
    ) -> Result<JupyterMessageContent> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = timeout(left, self.iopub.read())
                .await
                .context("Nothing was published")??;
            if is_child_of(&message, id) {
                return Ok(message.content);
            }
        }
    }

    /// Waits for the next message that is published, as an effect of whatever it be.
    pub async fn next_message(&mut self, limit: Duration) -> Result<JupyterMessage> {
        let message = timeout(limit, self.iopub.read()).await;
        Ok(message.context("Nothing was published")??)
    }

    /// Waits until a cell asks, and returns its prompt.
    pub async fn next_question(&mut self, limit: Duration) -> Result<String> {
        let message = timeout(limit, self.stdin.read())
            .await
            .context("Nothing was asked")??;
        match message.content {
            JupyterMessageContent::InputRequest(question) => Ok(question.prompt),
            other => bail!("No question came, but {}", other.message_type()),
        }
    }

    /// Sends a student's answer, whether or not a cell has asked.
    pub async fn answer(&mut self, value: &str) -> Result<()> {
        let reply = InputReply {
            value: value.into(),
            ..InputReply::default()
        };
        self.stdin.send(JupyterMessage::new(reply, None)).await?;
        Ok(())
    }

    /// Waits for the end of the cell with this `id`.
    pub async fn finish(&mut self, id: &str, limit: Duration) -> Result<Shown> {
        let start = Instant::now();
        let deadline = start + limit;
        let mut shown = Shown::default();
        let (mut status, mut idle) = (None, false);
        while status.is_none() || !idle {
            let left = deadline.saturating_duration_since(Instant::now());
            tokio::select! {
                reply = self.shell.read() => {
                    let reply = reply?;
                    if is_child_of(&reply, id) {
                        shown.elapsed = start.elapsed();
                        status = Some(match reply.content {
                            JupyterMessageContent::ExecuteReply(reply) => reply.status,
                            _ => ReplyStatus::Ok,
                        });
                    }
                }
                published = self.iopub.read() => {
                    let published = published?;
                    if is_child_of(&published, id) {
                        idle |= shown.note(published.content);
                    }
                }
                ending = self.child.wait() => bail!(ended("while the cell ran", ending?, &self.log)),
                () = tokio::time::sleep(left) => {
                    bail!("The cell was not done after {} s and was stopped.", limit.as_secs());
                }
            }
        }
        while let Ok(published) = timeout(STRAGGLERS, self.iopub.read()).await {
            let published = published?;
            if is_child_of(&published, id) {
                shown.note(published.content);
            }
        }
        shown.was_aborted = status == Some(ReplyStatus::Aborted);
        if status != Some(ReplyStatus::Ok) && shown.errors().next().is_none() {
            let error = "the kernel says that the cell failed".into();
            shown.outputs.push(Output::Error(error));
        }
        Ok(shown)
    }

    /// Runs a cell to its end.
    pub async fn execute(&mut self, code: &str, limit: Duration) -> Result<Shown> {
        let id = self.send(code).await?;
        self.finish(&id, limit).await
    }

    /// Asks for the completions at `cursor`, in code points, of `code`.
    pub async fn complete(
        &mut self,
        code: &str,
        cursor: usize,
        limit: Duration,
    ) -> Result<CompleteReply> {
        let content = json!({"code": code, "cursor_pos": cursor});
        match self.ask("complete_request", content, limit).await? {
            JupyterMessageContent::CompleteReply(reply) => Ok(reply),
            other => bail!("A completion was answered with {other:?}"),
        }
    }

    /// Asks what stands at `cursor`, in code points, of `code`.
    pub async fn inspect(
        &mut self,
        code: &str,
        cursor: usize,
        limit: Duration,
    ) -> Result<InspectReply> {
        let content = json!({"code": code, "cursor_pos": cursor, "detail_level": 0});
        match self.ask("inspect_request", content, limit).await? {
            JupyterMessageContent::InspectReply(reply) => Ok(reply),
            other => bail!("An inspection was answered with {other:?}"),
        }
    }

    /// Sends any request on the shell port, and returns its identity.
    pub async fn request(&mut self, kind: &str, content: Value) -> Result<String> {
        let content = UnknownMessage {
            msg_type: kind.into(),
            content,
        };
        let message = JupyterMessage::new(content, None);
        let id = message.header.msg_id.clone();
        self.shell.send(message).await?;
        Ok(id)
    }

    /// Waits for the answer to the request `id`, and drops others meanwhile.
    pub async fn reply_to(&mut self, id: &str, limit: Duration) -> Result<JupyterMessageContent> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let reply = timeout(left, self.shell.read())
                .await
                .context("No answer came")??;
            if is_child_of(&reply, id) {
                return Ok(reply.content);
            }
        }
    }

    /// Sends any request on the shell port and waits for its answer, and for the "idle" after it. What is published about other
    /// requests meanwhile is dropped.
    pub async fn ask(
        &mut self,
        kind: &str,
        content: Value,
        limit: Duration,
    ) -> Result<JupyterMessageContent> {
        let id = self.request(kind, content).await?;
        let deadline = Instant::now() + limit;
        let (mut answer, mut idle) = (None, false);
        loop {
            match answer.take() {
                Some(answer) if idle => return Ok(answer),
                waiting => answer = waiting,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            tokio::select! {
                reply = self.shell.read() => {
                    let reply = reply?;
                    if is_child_of(&reply, &id) {
                        answer = Some(reply.content);
                    }
                }
                published = self.iopub.read() => {
                    let published = published?;
                    if is_child_of(&published, &id)
                        && let JupyterMessageContent::Status(status) = published.content
                    {
                        idle |= status.execution_state == ExecutionState::Idle;
                    }
                }
                ending = self.child.wait() => bail!(ended("while it was asked", ending?, &self.log)),
                () = tokio::time::sleep(left) => {
                    bail!("The {kind} was not answered after {} s.", limit.as_secs());
                }
            }
        }
    }

    /// Interrupts the running cell, as the ■ button does.
    pub async fn interrupt(&mut self) -> Result<()> {
        self.control
            .send(JupyterMessage::new(InterruptRequest {}, None))
            .await?;
        timeout(Duration::from_secs(5), self.control.read())
            .await
            .context("The kernel did not answer")??;
        Ok(())
    }

    /// Shuts the kernel down, as closing or restarting it does, and waits until it is gone.
    pub async fn shutdown(&mut self, restart: bool) -> Result<()> {
        self.control
            .send(JupyterMessage::new(ShutdownRequest { restart }, None))
            .await?;
        timeout(Duration::from_secs(10), self.child.wait())
            .await
            .context("The kernel did not end after it was shut down")??;
        Ok(())
    }
}

/// A sentence about a kernel that has ended, with its last words.
fn ended(when: &str, status: ExitStatus, log: &Path) -> String {
    format!(
        "The kernel ended {when} ({status}). It said: {}",
        last_lines(log)
    )
}

impl Drop for Kernel {
    /// Asks the supervisor to end, so that it removes its directory; it is killed if it does not.
    fn drop(&mut self) {
        let Some(pid) = self.child.id() else { return };
        watch::send(pid as i32, Signal::TERM);
        let deadline = Instant::now() + Duration::from_secs(3);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn is_child_of(message: &JupyterMessage, id: &str) -> bool {
    message
        .parent_header
        .as_ref()
        .is_some_and(|parent| parent.msg_id == id)
}
