//! A Jupyter message: header, parent, metadata, content, buffers. The content stays JSON, so every type passes unchanged.

use super::json_text;
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use jupyter_protocol::{Header, JupyterMessage, JupyterMessageContent, UnknownMessage};
use jupyter_zmq_client::{Connection, RawMessage};
use serde_json::{Value, json};
use zeromq::ZmqMessage;

/// A message, without its signature, which is checked when a message is read and made when one is sent.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The address for the answer.
    pub identities: Vec<Bytes>,
    /// Its type, its identity, and who sent it when.
    pub header: Header,
    /// The header of the message that it answers.
    pub parent: Option<Header>,
    /// Further data about the message.
    pub metadata: Value,
    /// Always an object.
    pub content: Value,
    /// Binary parts.
    pub buffers: Vec<Bytes>,
    /// It is a cell that the front itself runs again, so that its knobs can be moved. It has no reply.
    pub again: bool,
}

impl Message {
    /// A new message, as an effect of `parent`.
    pub(super) fn child(kind: &str, parent: Option<&Message>, content: Value) -> Message {
        let content = UnknownMessage {
            msg_type: kind.into(),
            content,
        };
        let JupyterMessage {
            mut header,
            content,
            ..
        } = JupyterMessage::new(content, None);
        header.username = "kernel".into();
        Message {
            identities: Vec::new(),
            header,
            parent: parent.map(|parent| parent.header.clone()),
            metadata: json!({}),
            content: match content {
                JupyterMessageContent::UnknownMessage(unknown) => unknown.content,
                _ => json!({}),
            },
            buffers: Vec::new(),
            again: false,
        }
    }

    /// Reads a message that came to `port`, and checks its signature with the port's key.
    pub(super) fn read<Socket>(parts: ZmqMessage, port: &Connection<Socket>) -> Result<Message> {
        let raw = RawMessage::from_multipart(parts, &port.mac)?;
        let header: Header =
            serde_json::from_slice(&raw.jparts[0]).context("its header is broken")?;
        let content = json_text::parse(&raw.jparts[3]).context("its content is broken")?;
        if !content.is_object() {
            bail!("its content is no JSON object");
        }
        Ok(Message {
            identities: raw.zmq_identities,
            header,
            parent: serde_json::from_slice(&raw.jparts[1]).ok(),
            metadata: json_text::parse(&raw.jparts[2]).context("its metadata is broken")?,
            content,
            buffers: raw.jparts[4..].to_vec(),
            again: false,
        })
    }

    /// What kind of message it is.
    pub(super) fn kind(&self) -> &str {
        &self.header.msg_type
    }

    /// The message as the sockets send it, for `identities`.
    pub(super) fn to(self, identities: Vec<Bytes>) -> JupyterMessage {
        JupyterMessage {
            zmq_identities: identities,
            content: JupyterMessageContent::UnknownMessage(UnknownMessage {
                msg_type: self.header.msg_type.clone(),
                content: self.content,
            }),
            header: self.header,
            parent_header: self.parent,
            metadata: self.metadata,
            buffers: self.buffers,
            channel: None,
        }
    }

    /// Whether it is an effect of the message with this identity.
    pub(super) fn is_child_of(&self, id: &str) -> bool {
        self.parent
            .as_ref()
            .is_some_and(|parent| parent.msg_id == id)
    }

    /// A text of the content; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.content[name].as_str().unwrap_or_default()
    }

    /// A yes or no of the content; `otherwise` if there is none.
    pub(super) fn flag(&self, name: &str, otherwise: bool) -> bool {
        self.content[name].as_bool().unwrap_or(otherwise)
    }
}
