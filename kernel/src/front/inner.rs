//! evcxr's side: the front is the only client of an inner kernel, and this is its connection.

use super::message::Message;
use crate::session::Session;
use anyhow::{Context, Result, bail};
use jupyter_zmq_client::{
    ClientIoPubConnection, ClientShellConnection, Connection, create_client_iopub_connection,
    create_client_shell_connection_with_identity, peer_identity_for_session,
};
use labs_runtime::packet::{Kind, LARGEST, Order, Parcels};
use labs_runtime::watch;
use serde_json::json;
use std::fs;
use std::time::Duration;
use tokio::net::{UnixDatagram, UnixStream};
use tokio::time::timeout;
use zeromq::SocketRecv;

/// What an inner kernel has to say.
pub(super) enum Said {
    /// An answer to a request on its shell.
    Reply(Message),
    /// Something published.
    Published(Message),
    /// Something that a cell printed or showed.
    Output(Kind, Vec<u8>),
    /// It ended.
    Gone,
}

/// A connected inner kernel.
pub(super) struct Inner {
    shell: ClientShellConnection,
    iopub: ClientIoPubConnection,
    leash: UnixStream,
    output: UnixDatagram,
    /// The same socket, to find out without waiting whether there is more.
    output_now: std::os::unix::net::UnixDatagram,
    parcels: Parcels,
    buffer: Vec<u8>,
    session: Session,
}

impl Inner {
    /// Connects to the inner kernel of `session` and waits until it can run a cell.
    pub(super) async fn connect(session: Session) -> Result<Inner> {
        let leash = session.leash()?;
        leash.set_nonblocking(true)?;
        let output_now = session.output()?;
        output_now.set_nonblocking(true)?;
        let leash = UnixStream::from_std(leash)?;
        let ready = tokio::select! {
            sockets = sockets(&session) => Some(sockets?),
            () = ended(&leash) => None,
        };
        let Some((iopub, shell)) = ready else {
            bail!(
                "The kernel ended while it started. It said: {}",
                session.last_words()
            );
        };
        // Output from before the first cell belongs to no cell.
        while output_now.recv(&mut [0; 16]).is_ok() {}
        Ok(Inner {
            shell,
            iopub,
            leash,
            output: UnixDatagram::from_std(session.output()?)?,
            output_now,
            parcels: Parcels::default(),
            buffer: vec![0; LARGEST],
            session,
        })
    }

    /// Waits for the next thing that it says.
    pub(super) async fn next(&mut self) -> Said {
        loop {
            let received = tokio::select! {
                // What a cell printed comes before what is said about it.
                biased;
                count = self.output.recv(&mut self.buffer) => {
                    let whole = count.ok().and_then(|count| self.parcels.take(&self.buffer[..count]));
                    match whole {
                        Some((kind, content)) => return Said::Output(kind, content),
                        None => continue,
                    }
                }
                message = receive(&mut self.iopub) => message.map(Said::Published),
                message = receive(&mut self.shell) => message.map(Said::Reply),
                () = ended(&self.leash) => return Said::Gone,
            };
            match received {
                Ok(said) => return said,
                Err(error) => eprintln!("A message of the inner kernel was dropped: {error:#}."),
            }
        }
    }

    /// Output that is there already. `None` means that there is no more: whatever a cell printed was sent before evcxr said that the cell
    /// is done.
    pub(super) fn output_so_far(&mut self) -> Option<(Kind, Vec<u8>)> {
        loop {
            let count = self.output_now.recv(&mut self.buffer).ok()?;
            if let Some(whole) = self.parcels.take(&self.buffer[..count]) {
                return Some(whole);
            }
        }
    }

    /// The tap was killed, perhaps in the middle of a packet.
    pub(super) fn forget_half_sent(&mut self) {
        self.parcels.reset();
    }

    /// Passes a request on, and returns the identity under which its answers come back.
    pub(super) async fn ask(&mut self, request: &Message) -> Result<String> {
        let mut message = Message::child(request.kind(), None, request.content.clone());
        message.metadata = request.metadata.clone();
        message.buffers = request.buffers.clone();
        let id = message.header.msg_id.clone();
        self.shell.send(message.to(Vec::new())).await?;
        Ok(id)
    }

    /// Sends an order to the tap, which knows whether the cell runs.
    pub(super) fn order(&self, order: &Order) {
        if let Err(error) = self.output_now.send(&order.to_bytes()) {
            eprintln!("The runtime could not be told ({order:?}): {error}.");
        }
    }

    /// Ends every compiler that the inner kernel waits for, with what it has started. The runtime is its only child that was started
    /// without arguments.
    pub(super) fn kill_compilers(&self) {
        for child in watch::children(self.session.pid()) {
            let command = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
            if command.split(|&byte| byte == 0).count() > 2 {
                watch::kill_tree(child);
            }
        }
    }

    /// The crates that are being compiled now, except the one that evcxr makes of the cells.
    pub(super) fn crates_being_compiled(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut processes = watch::children(self.session.pid());
        while let Some(process) = processes.pop() {
            processes.extend(watch::children(process as u32));
            let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let mut words = command.split(|&byte| byte == 0);
            if words.any(|word| word == b"--crate-name")
                && let Some(name) = words.next().and_then(|name| str::from_utf8(name).ok())
                && !["ctx", "___", "build_script_build", "build_script_main"].contains(&name)
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_string());
            }
        }
        names.sort();
        names
    }

    /// The session, for its directory.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }
}

/// Returns when the other end of the leash is closed; the inner kernel never writes.
async fn ended(leash: &UnixStream) {
    loop {
        let _ = leash.readable().await;
        match leash.try_read(&mut [0; 16]) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

/// Connects, and returns when the inner kernel answers and what it publishes reaches us.
async fn sockets(session: &Session) -> Result<(ClientIoPubConnection, ClientShellConnection)> {
    let info = session.connection();
    let name = uuid::Uuid::new_v4().to_string();
    let identity = peer_identity_for_session(&name)?;
    let mut iopub = create_client_iopub_connection(info, "", &name).await?;
    let mut shell = create_client_shell_connection_with_identity(info, &name, identity).await?;
    // A subscription takes a moment to arrive, and everything that is published before is lost. So ask until something arrives.
    let mut patience = Duration::from_millis(20);
    loop {
        let ask = Message::child("kernel_info_request", None, json!({}));
        shell.send(ask.to(Vec::new())).await?;
        receive(&mut shell).await?;
        if timeout(patience, receive(&mut iopub)).await.is_ok() {
            return Ok((iopub, shell));
        }
        patience = (patience * 2).min(Duration::from_secs(1));
    }
}

async fn receive<Socket: SocketRecv>(port: &mut Connection<Socket>) -> Result<Message> {
    let parts = match port.socket.recv().await {
        Ok(parts) => parts,
        Err(error) => {
            tokio::time::sleep(Duration::from_millis(10)).await;
            return Err(error).context("the connection failed");
        }
    };
    Message::read(parts, port)
}
