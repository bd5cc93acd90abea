//! Runs steps in two lanes, prints the output of each step in one piece, and ends all of them at one interrupt.

use super::screen::{Running, Screen, TICK, excerpt};
use super::steps::{Lane, SET_UP, Step};
use crate::place::{Place, scratch};
use crate::session::launch;
use anyhow::{Context, Result};
use std::cell::RefCell;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{RwLock, SetOnce};

/// How long processes have to end by themselves after an interrupt.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a step ended.
pub(super) enum Ending {
    Passed(Duration),
    /// How long the step took, and the part of its output that says why it failed.
    Failed(Duration, String),
    /// What to do so that it is not skipped the next time.
    Skipped(&'static str),
}

/// A run of steps.
pub(super) struct Run<'a> {
    place: &'a Place,
    steps: &'a [Step],
    night: bool,
    /// The path of this program when it began: a step may build another program in its place.
    program: PathBuf,
    /// Where the output of each step is kept until the step ends.
    folder: tempfile::TempDir,
    screen: Screen,
    running: RefCell<Vec<Running>>,
    /// With the step's place in the list.
    endings: RefCell<Vec<(usize, Ending)>>,
    /// Each running step holds this for reading, and a step that must run alone holds it for writing.
    room: RwLock<()>,
    /// Set when the set-up has ended, or where there is none.
    set_up: SetOnce<()>,
}

impl<'a> Run<'a> {
    pub(super) fn new(place: &'a Place, steps: &'a [Step], night: bool) -> Result<Run<'a>> {
        let folder = scratch()?;
        let has_set_up = steps.iter().any(|step| step.name == SET_UP.name);
        Ok(Run {
            place,
            steps,
            night,
            program: std::env::current_exe().context("This program's own path is not known")?,
            folder,
            screen: Screen::new(),
            running: RefCell::default(),
            endings: RefCell::default(),
            room: RwLock::new(()),
            set_up: SetOnce::new_with((!has_set_up).then_some(())),
        })
    }

    /// Runs all steps, even if one fails. Returns how each ended, in the order of the list, and whether the run was interrupted.
    pub(super) fn to_the_end(self) -> Result<(Vec<(Step, Ending)>, bool)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let stopped = runtime.block_on(async {
            let lanes = async {
                tokio::join!(self.lane(Lane::Source), self.lane(Lane::Kernel));
            };
            tokio::select! {
                () = lanes => anyhow::Ok(false),
                () = self.look() => Ok(false),
                told = told_to_end() => told.map(|()| true),
            }
        })?;
        self.screen.ends();
        if stopped {
            let groups: Vec<u32> = self.running.borrow().iter().map(|step| step.pid).collect();
            end(&groups);
        }
        let mut endings = self.endings.into_inner();
        endings.sort_by_key(|(index, _)| *index);
        let steps = self.steps;
        let endings = endings
            .into_iter()
            .map(|(index, ending)| (steps[index], ending));
        Ok((endings.collect(), stopped))
    }

    /// Shows the running steps, forever.
    async fn look(&self) {
        loop {
            self.screen.shows(&self.running.borrow());
            tokio::time::sleep(TICK).await;
        }
    }

    async fn lane(&self, lane: Lane) {
        for (index, step) in self.steps.iter().enumerate() {
            if step.lane != lane {
                continue;
            }
            if step.after_set_up {
                self.set_up.wait().await;
            }
            let ending = if step.alone {
                let _alone = self.room.write().await;
                self.ending(step).await
            } else {
                let _beside = self.room.read().await;
                self.ending(step).await
            };
            self.endings.borrow_mut().push((index, ending));
            if step.name == SET_UP.name {
                let _ = self.set_up.set(());
            }
        }
    }

    async fn ending(&self, step: &Step) -> Ending {
        if let Some((_, advice)) = step.needs
            && !is_there(self.place, step)
        {
            return Ending::Skipped(advice);
        }
        let start = Instant::now();
        let log = self
            .folder
            .path()
            .join(format!("{}.log", step.name.replace(' ', "-")));
        let passed = match self.passes(step, start, &log).await {
            Ok(passed) => passed,
            Err(error) => {
                let _ = fs::write(&log, format!("{error:#}\n"));
                false
            }
        };
        let took = start.elapsed();
        let output = fs::read(&log).unwrap_or_default();
        let output = String::from_utf8_lossy(&output);
        let how = if passed { "ok" } else { "FAILED" };
        let seconds = took.as_secs_f64();
        self.screen.says(&format!(
            "\n── {}: {}\n{output}── {}: {how} after {seconds:.1} s",
            step.name, step.command, step.name
        ));
        match passed {
            true => Ending::Passed(took),
            false => Ending::Failed(took, excerpt(&output)),
        }
    }

    /// The command that the step runs.
    fn command(&self, step: &Step) -> Command {
        match step.command.strip_prefix("cargo labs ") {
            // Runs this program itself: through cargo, it would wait until no other step builds.
            Some(arguments) => {
                let mut command = Command::new(&self.program);
                command
                    .args(arguments.split(' '))
                    .current_dir(&self.place.workspace);
                command
            }
            None => words(self.place, step.command),
        }
    }

    async fn passes(&self, step: &Step, start: Instant, log: &Path) -> Result<bool> {
        let out =
            File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut command = self.command(step);
        command
            .envs(step.settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0);
        let server = self.place.broker();
        if server.is_file() && std::env::var_os(launch::BROKER).is_none() {
            command.env(launch::BROKER, server);
        }
        if self.night {
            command.env("LABS_NIGHT", "1");
        }
        labs_runtime::watch::terminate_with_us(&mut command);
        let mut child = tokio::process::Command::from(command)
            .spawn()
            .with_context(|| format!("`{}` cannot be started", step.command))?;
        let pid = child.id().context("it has ended already")?;
        self.screen
            .says(&format!("▸ {}: {}", step.name, step.command));
        self.running.borrow_mut().push(Running {
            name: step.name,
            start,
            pid,
            log: log.into(),
        });
        let status = child.wait().await;
        self.running.borrow_mut().retain(|step| step.pid != pid);
        Ok(status?.success())
    }
}

/// A command of words with single spaces between them.
fn words(place: &Place, command: &str) -> Command {
    let mut words = command.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(&place.workspace);
    command
}

/// Whether what the step needs is on this machine.
fn is_there(place: &Place, step: &Step) -> bool {
    step.needs.is_none_or(|(command, _)| {
        let said = words(place, command).output();
        said.is_ok_and(|said| said.status.success())
    })
}

/// Waits for a signal that tells this program to end.
async fn told_to_end() -> Result<()> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
        _ = hung_up.recv() => {}
    }
    Ok(())
}

/// Ends these process groups, and everything that they have started, also in other groups.
fn end(groups: &[u32]) {
    let mut all: Vec<(u32, String)> = Vec::new();
    let mut gather = || {
        let mut next: Vec<u32> = groups.to_vec();
        next.extend(all.iter().filter(|one| lives(one)).map(|(pid, _)| *pid));
        while let Some(pid) = next.pop() {
            next.extend(
                labs_runtime::watch::children(pid)
                    .iter()
                    .map(|&child| child as u32),
            );
            if let Some(born) = born(pid)
                && !all
                    .iter()
                    .any(|(known, when)| *known == pid && *when == born)
            {
                all.push((pid, born));
            }
        }
        all.clone()
    };
    let mut known = gather();
    for &group in groups {
        signal_to(-(group as i32), libc::SIGTERM);
    }
    // Those that do not end by themselves are killed, which takes a moment too.
    for kill in [false, true] {
        for one in known.iter().filter(|one| kill && lives(one)) {
            signal_to(one.0 as i32, libc::SIGKILL);
        }
        let deadline = Instant::now() + PATIENCE;
        while known.iter().any(lives) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
            known = gather();
        }
    }
}

fn signal_to(pid: i32, signal: i32) {
    // SAFETY: a signal to a process, or a group, that this one has started.
    unsafe { libc::kill(pid, signal) };
}

/// When a process was started: this tells it from a later process with the same number. `None` once it has ended.
fn born(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let state = fields.next()?;
    (state != "Z").then(|| fields.nth(18).unwrap_or_default().to_string())
}

fn lives((pid, when): &(u32, String)) -> bool {
    born(*pid).is_some_and(|born| born == *when)
}

#[cfg(test)]
mod tests {
    use super::super::steps::step;
    use super::*;

    fn run(steps: &[Step]) -> Vec<(&'static str, Ending)> {
        let place = Place::find().unwrap();
        let run = Run::new(&place, steps, false).unwrap();
        let (endings, stopped) = run.to_the_end().unwrap();
        assert!(!stopped);
        endings
            .into_iter()
            .map(|(step, ending)| (step.name, ending))
            .collect()
    }

    #[test]
    fn all_steps_run_though_one_fails_and_their_endings_are_in_order() {
        let endings = run(&[
            step("kernel", "true").with_kernels(),
            step("fails", "cat /nowhere"),
            step("passes", "true"),
            step("skipped", "true").if_there("false", "do this"),
            step("not there", "labs-no-such-program"),
        ]);
        let [kernel, fails, passes, skipped, not_there] = &endings[..] else {
            panic!("{} endings", endings.len());
        };
        assert!(matches!(kernel, ("kernel", Ending::Passed(_))));
        assert!(matches!(fails, ("fails", Ending::Failed(_, why)) if why.contains("/nowhere")));
        assert!(matches!(passes, ("passes", Ending::Passed(_))));
        assert!(matches!(skipped, ("skipped", Ending::Skipped("do this"))));
        assert!(
            matches!(not_there, ("not there", Ending::Failed(_, why)) if why.contains("cannot be started"))
        );
    }

    #[test]
    fn what_needs_the_set_up_waits_until_it_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made");
        let makes: &'static str = format!("mkdir {}", made.display()).leak();
        let needs: &'static str = format!("rmdir {}", made.display()).leak();
        let set_up = Step {
            command: makes,
            ..SET_UP
        };
        // What comes before the set-up in its lane starts later than the other lane.
        let slow = step("slow", "sleep 0.2").with_kernels();
        for (name, ending) in run(&[slow, set_up, step("needs", needs).after_set_up()]) {
            assert!(matches!(ending, Ending::Passed(_)), "{name}");
        }
        let alone = run(&[step("without a set-up", "true").after_set_up()]);
        assert!(matches!(alone[..], [(_, Ending::Passed(_))]));
    }

    #[test]
    fn nothing_runs_beside_what_measures() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("alone.sh");
        // Each fails where another is between the two lines.
        let text = "cd ${0%/*}; mkdir between || exit 1; for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done; rmdir between";
        fs::write(&script, text).unwrap();
        let command: &'static str = format!("sh {}", script.display()).leak();
        for (name, ending) in run(&[
            step("one", command),
            step("two", command).with_kernels().alone(),
            step("three", command),
            step("four", command).with_kernels().alone(),
        ]) {
            assert!(matches!(ending, Ending::Passed(_)), "{name}");
        }
    }

    #[test]
    fn what_is_ended_takes_with_it_what_it_has_started() {
        let mut shell = Command::new("sh")
            .args([
                "-c",
                "trap '' TERM; setsid sleep 1000 & sleep 1000 & echo; wait; wait",
            ])
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = shell.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
        let below = labs_runtime::watch::children(shell.id());
        assert_eq!(below.len(), 2);
        end(&[shell.id()]);
        assert!(shell.wait().unwrap().code().is_none(), "it was killed");
        assert!(below.iter().all(|&pid| born(pid as u32).is_none()));
    }
}
