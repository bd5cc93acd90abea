//! Jupyter's side: the five ports of the connection file, and messages that are checked before anything is done with them.

use super::message::Message;
use anyhow::{Context, Result};
use jupyter_protocol::ConnectionInfo;
use jupyter_zmq_client::{
    Connection, KernelIoPubConnection, KernelShellConnection, create_kernel_control_connection,
    create_kernel_heartbeat_connection, create_kernel_iopub_connection,
    create_kernel_shell_connection, create_kernel_stdin_connection,
};
use serde_json::Value;
use std::time::Duration;
use zeromq::{RepSocket, RouterSocket, SocketRecv, SocketSend};

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
}

impl Ports {
    /// Binds the ports of `info`, and answers heartbeats from now on.
    pub async fn bind(info: &ConnectionInfo) -> Result<Ports> {
        let session = uuid::Uuid::new_v4().to_string();
        let bound = async {
            let heartbeat = create_kernel_heartbeat_connection(info).await?;
            tokio::spawn(beat(heartbeat.socket));
            anyhow::Ok(Ports {
                shell: create_kernel_shell_connection(info, &session).await?,
                control: create_kernel_control_connection(info, &session).await?,
                stdin: create_kernel_stdin_connection(info, &session).await?,
                iopub: create_kernel_iopub_connection(info, &session).await?,
            })
        };
        bound
            .await
            .context("A port of the notebook's kernel is taken; restart the kernel")
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

    /// Sends `content` to whom `request` came from.
    pub async fn reply(&mut self, channel: Channel, request: &Message, kind: &str, content: Value) {
        let port = match channel {
            Channel::Shell => &mut self.shell,
            Channel::Control => &mut self.control,
            Channel::Stdin => &mut self.stdin,
        };
        let message = Message::child(kind, Some(request), content);
        let sent = port.send(message.to(request.identities.clone())).await;
        log_unsent(kind, sent);
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
