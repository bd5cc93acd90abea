//! What a cell showed, put together from what the kernel published.

use jupyter_protocol::{ExecutionState, JupyterMessageContent, Media, Stdio};
use std::collections::HashMap;
use std::time::Duration;

/// What a cell showed.
#[derive(Debug, Default)]
pub struct Shown {
    /// In the order in which it stands on the page.
    pub outputs: Vec<Output>,
    /// The outputs that may be filled again, by their display id.
    displays: HashMap<String, usize>,
    /// The next output replaces all before it.
    is_cleared: bool,
    /// Whether it was not run at all, because a cell before it failed.
    pub was_aborted: bool,
    /// From the request to the reply.
    pub elapsed: Duration,
}

/// One thing that a cell showed.
#[derive(Debug)]
pub enum Output {
    /// Text on standard output.
    Stdout(String),
    /// Text on standard error. With stock evcxr, a panic and the error of a `?` come here, although the reply says that all is well.
    Stderr(String),
    /// A figure, a table or a bar, by MIME type, as it was when the cell ended.
    Display(Media),
    /// The value that the cell ends with, by MIME type.
    Result(Media),
    /// What the kernel itself called an error: the compiler's messages, the end of the process.
    Error(String),
}

impl Shown {
    /// Why the cell failed, if it did.
    pub fn error(&self) -> Option<String> {
        let errors: Vec<&str> = self.errors().collect();
        if !errors.is_empty() {
            return Some(errors.join("\n"));
        }
        // The backtrace goes through evcxr and helps nobody.
        let stderr = self.text(|output| match output {
            Output::Stderr(text) => Some(text),
            _ => None,
        });
        let lines = stderr
            .lines()
            .take_while(|line| !line.starts_with("stack backtrace"));
        let lines: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// All that it wrote to standard output.
    pub fn stdout(&self) -> String {
        self.text(|output| match output {
            Output::Stdout(text) => Some(text),
            _ => None,
        })
    }

    fn text(&self, of: impl Fn(&Output) -> Option<&String>) -> String {
        self.outputs.iter().filter_map(of).cloned().collect()
    }

    pub(super) fn errors(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().filter_map(|output| match output {
            Output::Error(error) => Some(error.as_str()),
            _ => None,
        })
    }

    fn clear(&mut self) {
        self.outputs.clear();
        self.displays.clear();
    }

    /// Takes in what was published, and returns whether that was "idle".
    pub(super) fn note(&mut self, content: JupyterMessageContent) -> bool {
        use JupyterMessageContent as Content;
        if let Content::ClearOutput(clear) = &content {
            self.is_cleared = clear.wait;
            if !clear.wait {
                self.clear();
            }
        }
        let is_output = matches!(
            content,
            Content::StreamContent(_)
                | Content::ErrorOutput(_)
                | Content::ExecuteResult(_)
                | Content::DisplayData(_)
        );
        if is_output && std::mem::take(&mut self.is_cleared) {
            self.clear();
        }
        match content {
            // Text comes in pieces; what follows text of its own kind belongs to it.
            JupyterMessageContent::StreamContent(stream) => {
                match (stream.name, self.outputs.last_mut()) {
                    (Stdio::Stdout, Some(Output::Stdout(text)))
                    | (Stdio::Stderr, Some(Output::Stderr(text))) => text.push_str(&stream.text),
                    (Stdio::Stdout, _) => self.outputs.push(Output::Stdout(stream.text)),
                    (Stdio::Stderr, _) => self.outputs.push(Output::Stderr(stream.text)),
                }
            }
            JupyterMessageContent::ErrorOutput(error) => {
                // After the sentence come the places, and after an arrow what to do.
                let is_sentence =
                    |line: &&String| !line.starts_with("cell [") && !line.starts_with("→ ");
                let places = error.traceback.iter().skip_while(is_sentence);
                let mut lines = vec![error.evalue.clone()];
                lines.extend(
                    places.map(|line| line.replace("\u{1b}[7m", "").replace("\u{1b}[0m", "")),
                );
                self.outputs.push(Output::Error(lines.join("\n")));
            }
            JupyterMessageContent::ExecuteResult(result) => {
                self.outputs.push(Output::Result(result.data));
            }
            JupyterMessageContent::DisplayData(display) => {
                if let Some(id) = display.transient.and_then(|transient| transient.display_id) {
                    self.displays.insert(id, self.outputs.len());
                }
                self.outputs.push(Output::Display(display.data));
            }
            JupyterMessageContent::UpdateDisplayData(update) => {
                let id = update.transient.display_id;
                if let Some(&index) = id.and_then(|id| self.displays.get(&id)) {
                    self.outputs[index] = Output::Display(update.data);
                }
            }
            JupyterMessageContent::Status(status) => {
                return status.execution_state == ExecutionState::Idle;
            }
            _ => {}
        }
        false
    }
}
