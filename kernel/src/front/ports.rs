//! Jupyter's side: the five ports of the connection file, and messages that are checked before anything is done with them.

use super::gate;
use super::message::Message;
use anyhow::{Context, Result};
use jupyter_protocol::ConnectionInfo;
use jupyter_zmq_client::{Connection, KernelIoPubConnection, KernelShellConnection};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;
use zeromq::{PubSocket, RepSocket, RouterSocket, Socket, SocketRecv, SocketSend};

/// A port on which requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Cells, completion, and whatever else waits for its turn.
    Shell,
    /// Interrupt and shutdown, which do not wait.
    Control,
    /// Answers of the student to a cell that asks.
    Stdin,
}

/// The ports, bound.
pub struct Ports {
    shell: KernelShellConnection,
    control: KernelShellConnection,
    stdin: KernelShellConnection,
    iopub: KernelIoPubConnection,
    /// The answer to the old `connect_request`.
    pub numbers: Value,
}

impl Ports {
    /// Binds the ports of `info`, and answers heartbeats from now on.
    pub async fn bind(info: &ConnectionInfo) -> Result<Ports> {
        let ip: IpAddr = info
            .ip
            .parse()
            .with_context(|| format!("{} is no address to listen at", info.ip))?;
        let session = uuid::Uuid::new_v4().to_string();
        let mut heartbeat = RepSocket::new();
        let opened = gate::open("heartbeat", (ip, info.hb_port).into()).await?;
        heartbeat.bind_listener(opened).await?;
        tokio::spawn(beat(heartbeat));
        let (mut shell, mut control) = (RouterSocket::new(), RouterSocket::new());
        let (mut stdin, mut iopub) = (RouterSocket::new(), PubSocket::new());
        shell
            .bind_listener(gate::open("shell", (ip, info.shell_port).into()).await?)
            .await?;
        control
            .bind_listener(gate::open("control", (ip, info.control_port).into()).await?)
            .await?;
        stdin
            .bind_listener(gate::open("stdin", (ip, info.stdin_port).into()).await?)
            .await?;
        iopub
            .bind_listener(gate::open("iopub", (ip, info.iopub_port).into()).await?)
            .await?;
        Ok(Ports {
            numbers: json!({
                "status": "ok",
                "shell_port": info.shell_port,
                "iopub_port": info.iopub_port,
                "stdin_port": info.stdin_port,
                "control_port": info.control_port,
                "hb_port": info.hb_port,
            }),
            shell: Connection::new(shell, &info.key, &session),
            control: Connection::new(control, &info.key, &session),
            stdin: Connection::new(stdin, &info.key, &session),
            iopub: Connection::new(iopub, &info.key, &session),
        })
    }

    /// The next message that carries a good signature. All others are dropped, with a line in the log.
    pub async fn next(&mut self) -> (Channel, Message) {
        loop {
            let (channel, received) = tokio::select! {
                received = receive(&mut self.control) => (Channel::Control, received),
                received = receive(&mut self.stdin) => (Channel::Stdin, received),
                received = receive(&mut self.shell) => (Channel::Shell, received),
            };
            match received {
                Ok(message) => return (channel, message),
                Err(error) => {
                    eprintln!("A message on the {channel:?} port was dropped: {error:#}.");
                }
            }
        }
    }

    /// A message that is there already, without waiting.
    pub async fn next_if_there(&mut self) -> Option<(Channel, Message)> {
        tokio::time::timeout(Duration::from_millis(2), self.next())
            .await
            .ok()
    }

    /// Sends `content` to whom `request` came from; the identity of that message.
    pub async fn reply(
        &mut self,
        channel: Channel,
        request: &Message,
        kind: &str,
        content: Value,
    ) -> String {
        let port = match channel {
            Channel::Shell => &mut self.shell,
            Channel::Control => &mut self.control,
            Channel::Stdin => &mut self.stdin,
        };
        let message = Message::child(kind, Some(request), content);
        let id = message.header.msg_id.clone();
        let sent = port.send(message.to(request.identities.clone())).await;
        log_unsent(kind, sent);
        id
    }

    /// Publishes `content`, as an effect of `request`.
    pub async fn publish(&mut self, request: Option<&Message>, kind: &str, content: Value) {
        self.publish_message(Message::child(kind, request, content))
            .await;
    }

    /// Publishes a message with its metadata and buffers.
    pub async fn publish_message(&mut self, message: Message) {
        let kind = message.header.msg_type.clone();
        let sent = self.iopub.send(message.to(vec![kind.clone().into()])).await;
        log_unsent(&kind, sent);
    }
}

/// Whoever asked may have closed its page since; that is no reason to stop.
fn log_unsent(kind: &str, sent: Result<(), jupyter_zmq_client::RuntimeError>) {
    if let Err(error) = sent {
        eprintln!("A message ({kind}) could not be sent: {error}.");
    }
}

async fn receive(port: &mut Connection<RouterSocket>) -> Result<Message> {
    let parts = port.socket.recv().await;
    let parts = match parts {
        Ok(parts) => parts,
        Err(error) => {
            tokio::time::sleep(Duration::from_millis(10)).await; // lest a port that is broken keeps us busy
            return Err(error).context("the port failed");
        }
    };
    Message::read(parts, port)
}

/// Sends every heartbeat back as it came.
async fn beat(mut heartbeat: RepSocket) {
    loop {
        match heartbeat.recv().await {
            Ok(message) => drop(heartbeat.send(message).await),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}
