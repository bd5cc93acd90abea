//! Clients that ask whether the kernel is ready before it is.
//!
//! A program that runs a whole notebook (nbclient, and with it nbconvert and papermill) asks for `kernel_info` on the shell port, and
//! takes the answer as the sign that cells can run: from then on, it measures the time of its first cell. So that answer waits until the
//! inner kernel has started, or has failed to start. The server of JupyterLab asks, too, before it lets the page connect, but it does not
//! use its session's name as its address. Its question is answered at once, as is every question on the control port, so that a page can
//! show what the kernel does, and stop it, from the first moment.

use super::message::Message;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Clients give up after a minute without an answer, so they get one before that.
const LONGEST: Duration = Duration::from_secs(45);

/// The questions that wait.
pub(super) struct Early {
    until: Instant,
    waiting: Vec<Message>,
    is_over: bool,
}

impl Early {
    /// Begins when the kernel starts.
    pub(super) fn new() -> Early {
        Early {
            until: Instant::now() + LONGEST,
            waiting: Vec::new(),
            is_over: false,
        }
    }

    /// Keeps `request` if its answer must wait; otherwise returns it.
    pub(super) fn keep(&mut self, request: Message) -> Option<Message> {
        let waits = !self.is_over
            && request.kind() == "kernel_info_request"
            && request
                .identities
                .first()
                .is_some_and(|identity| *identity == request.header.session);
        if !waits {
            return Some(request);
        }
        self.waiting.push(request);
        None
    }

    /// Returns when a question has waited too long.
    pub(super) async fn too_long(&self) {
        if self.waiting.is_empty() {
            std::future::pending().await
        } else {
            sleep_until(self.until).await
        }
    }

    /// Returns the questions that waited; from now on, none waits.
    pub(super) fn end(&mut self) -> Vec<Message> {
        self.is_over = true;
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(kind: &str, by_session: bool) -> Message {
        let mut request = Message::child(kind, None, json!({}));
        let name = request.header.session.clone();
        let identity = if by_session { name } else { "\0abcd".into() };
        request.identities = vec![identity.into()];
        request
    }

    #[test]
    fn a_client_that_will_run_cells_waits_and_nobody_else() {
        let mut early = Early::new();
        assert!(early.keep(asked("kernel_info_request", false)).is_some());
        assert!(early.keep(asked("execute_request", true)).is_some());
        for _ in 0..2 {
            assert!(early.keep(asked("kernel_info_request", true)).is_none());
        }
        assert_eq!(early.end().len(), 2, "each question has its answer");
        assert!(early.keep(asked("kernel_info_request", true)).is_some());
        assert!(early.end().is_empty());
    }
}
