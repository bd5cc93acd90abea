//! Jupyter's side: the five ports of the connection file, and messages that are checked before anything is done with them.

use super::gate::{self, Address};
use super::message::Message;
use anyhow::{Context, Result, bail};
use jupyter_protocol::{ConnectionInfo, Transport};
use jupyter_zmq_client::{Connection, KernelIoPubConnection, KernelShellConnection};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use zeromq::{PubSocket, RepSocket, RouterSocket, Socket, SocketRecv, SocketSend};

/// A port on which requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// Cells, completion, and whatever else waits for its turn.
    Shell,
    /// Interrupt and shutdown, which do not wait.
    Control,
    /// Answers of the student to a cell that asks.
    Stdin,
}

/// The ports, bound.
pub(super) struct Ports {
    shell: KernelShellConnection,
    control: KernelShellConnection,
    stdin: KernelShellConnection,
    iopub: KernelIoPubConnection,
    /// The answer to the old `connect_request`.
    pub numbers: Value,
}

impl Ports {
    /// Binds the ports of `info`, and answers heartbeats from now on.
    pub(super) async fn bind(info: &ConnectionInfo) -> Result<Ports> {
        // Messages that are signed in another way would all be dropped, and the page would wait forever.
        if !info.key.is_empty() && info.signature_scheme != "hmac-sha256" {
            bail!(
                "The connection file wants messages signed with {}; this kernel knows hmac-sha256.",
                info.signature_scheme
            );
        }
        let session = uuid::Uuid::new_v4().to_string();
        let mut heartbeat = RepSocket::new();
        let opened = gate::open("heartbeat", address(info, info.hb_port)?).await?;
        heartbeat.bind_listener(opened).await?;
        tokio::spawn(beat(heartbeat));
        let (mut shell, mut control) = (RouterSocket::new(), RouterSocket::new());
        let (mut stdin, mut iopub) = (RouterSocket::new(), PubSocket::new());
        shell
            .bind_listener(gate::open("shell", address(info, info.shell_port)?).await?)
            .await?;
        control
            .bind_listener(gate::open("control", address(info, info.control_port)?).await?)
            .await?;
        stdin
            .bind_listener(gate::open("stdin", address(info, info.stdin_port)?).await?)
            .await?;
        iopub
            .bind_listener(gate::open("iopub", address(info, info.iopub_port)?).await?)
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
    pub(super) async fn next(&mut self) -> (Channel, Message) {
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
    pub(super) async fn next_if_there(&mut self) -> Option<(Channel, Message)> {
        tokio::time::timeout(Duration::from_millis(2), self.next())
            .await
            .ok()
    }

    /// Answers `request` with `content`, and returns the identity of the answer.
    pub(super) async fn reply(
        &mut self,
        channel: Channel,
        request: &Message,
        kind: &str,
        content: Value,
    ) -> String {
        self.reply_with(channel, request, kind, content, json!({}))
            .await
    }

    /// As [`reply`](Ports::reply), with metadata.
    pub(super) async fn reply_with(
        &mut self,
        channel: Channel,
        request: &Message,
        kind: &str,
        content: Value,
        metadata: Value,
    ) -> String {
        let port = match channel {
            Channel::Shell => &mut self.shell,
            Channel::Control => &mut self.control,
            Channel::Stdin => &mut self.stdin,
        };
        let mut message = Message::child(kind, Some(request), content);
        message.metadata = metadata;
        let id = message.header.msg_id.clone();
        let sent = port.send(message.to(request.identities.clone())).await;
        log_unsent(kind, sent);
        id
    }

    /// Publishes `content`, as an effect of `request`.
    pub(super) async fn publish(&mut self, request: Option<&Message>, kind: &str, content: Value) {
        self.publish_message(Message::child(kind, request, content))
            .await;
    }

    /// Publishes that the kernel is in `state`, as an effect of `request`.
    pub(super) async fn publish_state(&mut self, request: Option<&Message>, state: &str) {
        self.publish(request, "status", json!({"execution_state": state}))
            .await;
    }

    /// Publishes a message with its metadata and buffers.
    pub(super) async fn publish_message(&mut self, message: Message) {
        let kind = message.header.msg_type.clone();
        let sent = self.iopub.send(message.to(vec![kind.clone().into()])).await;
        log_unsent(&kind, sent);
    }
}

/// Where the connection file says that a port is.
fn address(info: &ConnectionInfo, port: u16) -> Result<Address> {
    if info.transport == Transport::IPC {
        return Ok(Address::Ipc(format!("{}-{port}", info.ip).into()));
    }
    let ip = match info.ip.as_str() {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        // ZeroMQ's word for every address of the machine.
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        ip => ip.parse().with_context(|| {
            format!("The connection file's ip is {ip}, and that is not an address to listen on. Use 127.0.0.1, for example")
        })?,
    };
    Ok(Address::Tcp((ip, port).into()))
}

/// The page that asked may have been closed since, which is no reason to stop.
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
            tokio::time::sleep(Duration::from_millis(10)).await; // so that a broken port does not keep us busy
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_file_may_name_an_address_or_a_path() {
        let info = |transport, ip: &str| -> ConnectionInfo {
            let text = json!({
                "transport": transport, "ip": ip, "shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5,
                "key": "", "signature_scheme": "hmac-sha256"
            });
            serde_json::from_value(text).unwrap()
        };
        for (ip, found) in [
            ("127.0.0.1", "127.0.0.1:7"),
            ("localhost", "127.0.0.1:7"),
            ("::1", "[::1]:7"),
            ("0.0.0.0", "0.0.0.0:7"),
            ("*", "0.0.0.0:7"),
        ] {
            let at = address(&info("tcp", ip), 7).unwrap();
            assert_eq!(at, Address::Tcp(found.parse().unwrap()), "{ip}");
        }
        assert_eq!(
            address(&info("ipc", "/run/kernel-1-ipc"), 7).unwrap(),
            Address::Ipc("/run/kernel-1-ipc-7".into())
        );
        let said = address(&info("tcp", "example.org"), 7)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("example.org") && said.contains("127.0.0.1"),
            "{said}"
        );
    }

    #[test]
    fn signatures_that_we_cannot_check_are_refused_at_the_start() {
        let info = serde_json::from_value(json!({
            "transport": "tcp", "ip": "127.0.0.1", "shell_port": 0, "iopub_port": 0, "stdin_port": 0, "control_port": 0, "hb_port": 0,
            "key": "k", "signature_scheme": "hmac-md5"
        }))
        .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let said = runtime
            .block_on(Ports::bind(&info))
            .err()
            .unwrap()
            .to_string();
        assert!(said.contains("hmac-md5"), "{said}");
    }
}
