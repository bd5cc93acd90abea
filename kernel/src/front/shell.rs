//! Shell lines, such as `!ls`. They run here and not in evcxr, which shows nothing before they end and cannot stop them.

use anyhow::{Context, Result};
use labs_runtime::watch::{self, Signal};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// The shell lines at the head of a cell, and the cell without them: their lines are empty, so all others keep their numbers.
///
/// As in evcxr, shell lines come before any Rust, among comments, empty lines and commands (`:dep …`).
pub(super) fn split(code: &str) -> (Vec<String>, String) {
    let mut commands = Vec::new();
    let mut rest = String::new();
    let mut in_head = true;
    for line in code.split_inclusive('\n') {
        let text = line.trim();
        if in_head && line.starts_with('!') {
            commands.push(text.trim_start_matches('!').trim().to_string());
            rest.push_str(if line.ends_with('\n') { "\n" } else { "" });
            continue;
        }
        in_head &= text.is_empty() || text.starts_with("//") || text.starts_with(':');
        rest.push_str(line);
    }
    (commands, rest)
}

/// Whether there is nothing to run in `code`.
pub(super) fn is_empty(code: &str) -> bool {
    code.lines()
        .all(|line| line.trim().is_empty() || line.trim().starts_with("//"))
}

/// A shell line that runs.
pub(super) struct Shell {
    child: Child,
    group: Option<i32>,
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
    status: Option<ExitStatus>,
}

/// What a shell line reports.
pub(super) enum Said {
    /// It wrote something, on standard error or not.
    Output { error: bool, bytes: Vec<u8> },
    /// It has ended, and everything that it wrote was told.
    Ended(ExitStatus),
}

impl Shell {
    /// Starts `command` in `folder`, with empty input.
    pub(super) fn start(command: &str, folder: &Path) -> Result<Shell> {
        let front = watch::pid();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        // SAFETY: between fork and exec only plain system calls are made.
        unsafe {
            shell.pre_exec(move || {
                watch::be_killed_with_parent(front);
                Ok(())
            });
        }
        let mut child = shell.spawn().context("The shell (sh) cannot be run")?;
        Ok(Shell {
            group: child.id().and_then(|pid| i32::try_from(pid).ok()),
            out: child.stdout.take(),
            err: child.stderr.take(),
            child,
            status: None,
        })
    }

    /// Ends it, with everything that it has started.
    pub(super) fn kill(&mut self) {
        if let Some(group) = self.group.filter(|_| self.status.is_none()) {
            watch::send_to_group(group, Signal::KILL); // the child was not collected yet
        }
    }

    /// Waits for the next thing that it reports.
    pub(super) async fn next(&mut self) -> Said {
        loop {
            let mut out = [0; 8192];
            let mut err = [0; 8192];
            if let Some(status) = self.status {
                // Programs that it left running may keep its output open forever, but everything that was written so far is there already.
                let bytes = match (&self.out, &self.err) {
                    (Some(pipe), _) => now(pipe, &mut out).map(|count| (false, &out[..count])),
                    (None, Some(pipe)) => now(pipe, &mut err).map(|count| (true, &err[..count])),
                    (None, None) => return Said::Ended(status),
                };
                match bytes {
                    Some((error, bytes)) => {
                        return Said::Output {
                            error,
                            bytes: bytes.to_vec(),
                        };
                    }
                    None if self.out.is_some() => self.out = None,
                    None => self.err = None,
                }
                continue;
            }
            tokio::select! {
                biased;
                Some(count) = read(&mut self.out, &mut out) => match count {
                    0 => self.out = None,
                    _ => return Said::Output { error: false, bytes: out[..count].to_vec() },
                },
                Some(count) = read(&mut self.err, &mut err) => match count {
                    0 => self.err = None,
                    _ => return Said::Output { error: true, bytes: err[..count].to_vec() },
                },
                status = self.child.wait() => {
                    self.status = Some(status.unwrap_or_default());
                    if let Some(group) = self.group.take() {
                        // Programs that it left running end with it. As long as one process of the group runs, nothing else gets the
                        // group's number.
                        watch::send_to_group(group, Signal::KILL);
                    }
                }
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The next bytes of `pipe`. Never returns if there is no pipe.
async fn read(pipe: &mut Option<impl AsyncReadExt + Unpin>, buffer: &mut [u8]) -> Option<usize> {
    match pipe {
        Some(pipe) => Some(pipe.read(buffer).await.unwrap_or(0)),
        None => std::future::pending().await,
    }
}

/// What is in `pipe` already. The pipes of a child do not block.
fn now(pipe: &impl AsFd, buffer: &mut [u8]) -> Option<usize> {
    rustix::io::read(pipe, buffer)
        .ok()
        .filter(|&count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_lines_stand_before_rust_and_leave_their_lines() {
        let (commands, rest) =
            split("// first\n!ls -l\n\n!  date\n:dep x = \"1\"\nlet a =\n!true;");
        assert_eq!(commands, ["ls -l", "date"]);
        assert_eq!(rest, "// first\n\n\n\n:dep x = \"1\"\nlet a =\n!true;");
        assert!(is_empty(&split("!ls\n// done").1));
        assert!(!is_empty(":dep x"));
        assert_eq!(split("1 + 1").0, [""; 0]);
    }

    fn run(command: &str) -> (String, String, Option<i32>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut shell = Shell::start(command, Path::new("/")).unwrap();
            let (mut out, mut err) = (Vec::new(), Vec::new());
            loop {
                match shell.next().await {
                    Said::Output {
                        error: false,
                        bytes,
                    } => out.extend(bytes),
                    Said::Output { error: true, bytes } => err.extend(bytes),
                    Said::Ended(status) => {
                        let text = |bytes| String::from_utf8(bytes).unwrap();
                        return (text(out), text(err), status.code());
                    }
                }
            }
        })
    }

    #[test]
    fn all_that_a_line_writes_is_told_and_how_it_ended() {
        assert_eq!(
            run("echo one; echo two >&2; pwd; exit 3"),
            ("one\n/\n".into(), "two\n".into(), Some(3))
        );
        assert_eq!(run("cat"), (String::new(), String::new(), Some(0)));
        let (out, _, _) = run("yes | head -c 300000");
        assert_eq!(out.len(), 300_000);
    }

    #[test]
    fn what_a_line_leaves_running_is_not_waited_for() {
        assert_eq!(run("sleep 1000 & echo started").0, "started\n");
    }
}
