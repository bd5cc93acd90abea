use super::PythonError;
use labsupport::internal::{kill_group, stop_with_parent};
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Around the Python of a cell: what it starts ends with it.
const FRAME: &str = include_str!("frame.py");

/// How long the Python of a cell may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Runs the Python of a cell with this machine's `python3`, and returns what it prints, or why there is nothing: the lab goes on in any case.
///
/// It has 20 seconds. Its processes are forked, and each ends with the one that forked it; at the end its whole group of processes is killed.
/// So nothing is left, whatever becomes of them.
/// Beside Python's own names it has two: `until(is_so)` waits until `is_so()`, five seconds at most, and `is_held(lock)` says whether some
/// process holds a lock of `multiprocessing`.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let said = python_says("print(6 * 7)");
/// println!("{said}"); // 42, or that there is no Python here
/// assert!(said.value().is_none_or(|printed| printed == "42"));
/// ```
pub fn python_says(code: &str) -> FromPython<String> {
    let printed = run_python(code, LIMIT, |_| ());
    FromPython(printed.map(|text| text.trim_end().into()))
}

/// As [`python_says`], with a limit, and told each line as soon as it is printed.
///
/// # Errors
/// There is no `python3`, the code ended with an error, or it did not end in time.
pub(crate) fn run_python(
    code: &str,
    limit: Duration,
    each_line: impl FnMut(&str),
) -> Result<String, PythonError> {
    run("python3", code, limit, each_line)
}

fn run(
    python: &str,
    code: &str,
    limit: Duration,
    mut each_line: impl FnMut(&str),
) -> Result<String, PythonError> {
    let mut command = Command::new(python);
    command
        .args(["-I", "-u", "-c", FRAME, code]) // -I: no file of the student's folder comes before the standard library
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0); // so that all of it can be ended
    stop_with_parent(&mut command);
    let mut script = (command.spawn()).map_err(|error| PythonError::Absent { error })?;

    let end = Instant::now() + limit;
    let mut errors = script.stderr.take().expect("it is piped");
    let errors = std::thread::spawn(move || {
        let mut said = String::new();
        let _ = errors.read_to_string(&mut said);
        said
    });
    let output = BufReader::new(script.stdout.take().expect("it is piped"));
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let _ = sender.send(line); // nothing is listening any longer: the script is being killed
        }
    });
    let mut printed = String::new();
    let late = loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                each_line(&line);
                printed = printed + &line + "\n";
            }
            Err(error) => break error == mpsc::RecvTimeoutError::Timeout,
        }
    };
    // Nothing is left, also of programs that the code has started. The script is not collected yet, so the number is its own.
    let _ = kill_group(script.id() as i32);
    let status = script.wait();
    reader.join().expect("it does not panic");
    let said = errors.join().expect("it does not panic");
    match status {
        _ if late => Err(PythonError::Late { printed }),
        Ok(status) if status.success() => Ok(printed),
        _ => Err(PythonError::Raised {
            said: (said.trim_end().lines().last()).map_or("it said nothing".into(), String::from),
        }),
    }
}

/// What Python has shown, or why it has shown nothing. A cell that ends in one shows either.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// let said = python_says("import no_such_module");
/// assert!(said.value().is_none());
/// println!("{said}"); // python3 ended with an error: ModuleNotFoundError: …
/// ```
#[derive(Debug)]
pub struct FromPython<T>(pub(crate) Result<T, PythonError>);

impl<T> FromPython<T> {
    /// What Python has shown, if it has.
    pub fn value(&self) -> Option<&T> {
        self.0.as_ref().ok()
    }
}

impl<T: fmt::Display> fmt::Display for FromPython<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(shown) => shown.fmt(f),
            Err(why) => why.fmt(f),
        }
    }
}

labsupport::shown_in_words!(@ <T: fmt::Display> FromPython<T>);

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn has_python() -> bool {
        let is_here = Command::new("python3").arg("--version").output().is_ok();
        if !is_here {
            println!("skipped: there is no python3 here");
        }
        is_here
    }

    #[test]
    fn no_python_is_a_sentence() {
        let said = run("no-such-python", "", PATIENCE, |_| ()).unwrap_err();
        assert!(said.to_string().starts_with("python3 cannot be run ("));
    }

    #[test]
    fn an_error_is_told_in_its_last_line() {
        if has_python() {
            let said = python_says("print(1)\n1 / 0").to_string();
            assert!(said.contains("ZeroDivisionError: division by zero. The lab goes on"));
        }
    }

    #[test]
    fn a_process_that_never_ends_is_killed_with_the_code_that_started_it() {
        if !has_python() {
            return;
        }
        let process = "from multiprocessing import Process\nfrom time import sleep\n\
                       p = Process(target=sleep, args=(3600,)); p.start(); print(p.pid)";
        let program = "from subprocess import Popen\np = Popen(['sleep', '3600']); print(p.pid)";
        let late = format!("{process}\np.join()");
        // The first ends and waits for nothing. The second leaves a program behind that keeps the pipe. The third waits forever.
        for (code, limit) in [(process, 30), (program, 3), (&late, 3)] {
            let mut pid = String::new();
            let limit = Duration::from_secs(limit);
            let ended = run("python3", code, limit, |line| pid = line.into());
            assert_eq!(ended.is_err(), code != process, "{ended:?}");
            let clock = Instant::now();
            let is_there = || {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                stat.is_ok_and(|stat| !stat.contains(") Z"))
            };
            while is_there() {
                assert!(clock.elapsed() < PATIENCE, "process {pid} is left");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    #[test]
    fn a_lock_that_is_held_is_seen_and_so_is_what_never_happens() {
        if has_python() {
            let said = python_says(
                "from multiprocessing import Lock\nlock = Lock()\nprint(is_held(lock))\n\
                 lock.acquire()\nuntil(lambda: is_held(lock))\nprint(is_held(lock))",
            );
            assert_eq!(said.to_string(), "False\nTrue");
            let never = python_says("until(lambda: False, 0.01)").to_string();
            assert!(never.contains("it did not happen within 0.01 s"), "{never}");
        }
    }
}
