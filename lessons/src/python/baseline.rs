use super::PythonError;
use crate::data::data_folder;
use figures::Progress;
use labsupport::internal::stop_with_parent;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Measures lab 04's ladder in Python: runs `data/python_baseline.py` with this machine's `python3` for about `seconds`, and
/// returns what it prints, one JSON object per line. `data/README.md` has its keys.
///
/// A bar shows the time that is left. If this process is killed, the script stops, and so does everything that it started.
///
/// # Examples
/// ```
/// use lessons::prelude::*;
/// match python_baseline(3) {
///     Ok(lines) => assert!(lines.starts_with(r#"{"name": "in-process atomic", "contended": false, "median_ns": "#)),
///     Err(PythonError::Absent { .. }) => println!("there is no Python here"),
///     Err(error) => panic!("{error}"),
/// }
/// ```
///
/// # Errors
/// There is no `python3`, the script failed, or it was silent for half a minute longer than it should have taken.
pub fn python_baseline(seconds: u32) -> Result<String, PythonError> {
    baseline("python3", seconds)
}

/// How long the script may be silent beyond its time: the interpreter has to start, and its children have to end.
const PATIENCE: Duration = Duration::from_secs(30);

fn baseline(python: &str, seconds: u32) -> Result<String, PythonError> {
    let mut command = Command::new(python);
    command
        .arg(data_folder().join("python_baseline.py"))
        .args(["--seconds", &seconds.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    stop_with_parent(&mut command);
    let mut script = command
        .spawn()
        .map_err(|error| PythonError::Absent { error })?;

    let (progress, started) = (
        Progress::new("measuring Python", seconds as usize),
        Instant::now(),
    );
    let output = BufReader::new(script.stdout.take().expect("it is piped"));
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let _ = sender.send(line); // nothing is listening any longer: the script is being stopped
        }
    });
    let mut text = String::new();
    let silent = loop {
        match lines.recv_timeout(Duration::from_secs(u64::from(seconds)) + PATIENCE) {
            Ok(line) => text = text + &line + "\n",
            Err(error) => break error == mpsc::RecvTimeoutError::Timeout,
        }
        let elapsed = started.elapsed().as_secs() as usize;
        progress.set(elapsed.min((seconds as usize).saturating_sub(1))); // the full bar when it has ended
    };
    if silent {
        let _ = script.kill();
    }
    reader.join().expect("it does not panic");
    // At most one line per measurement, far less than a pipe holds. So the script never had to wait until this is read.
    let mut said = String::new();
    let _ = (script.stderr.take().expect("it is piped")).read_to_string(&mut said);
    match script.wait() {
        Ok(status) if status.success() => {
            progress.set(seconds as usize);
            Ok(text)
        }
        _ if silent => Err(PythonError::Failed {
            said: "it was silent for too long and was killed".into(),
        }),
        _ => Err(PythonError::Failed {
            said: match said.trim_end().lines().last() {
                Some(line) => line.into(),
                None => "it said nothing".into(),
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_python_is_a_sentence() {
        let said = baseline("no-such-python", 3).unwrap_err().to_string();
        assert!(said.starts_with("python3 cannot be run ("), "{said}");
    }

    #[test]
    fn a_python_that_says_nothing_is_a_sentence_too() {
        let said = baseline("false", 3).unwrap_err().to_string();
        assert!(said.contains("failed: it said nothing. Run it"), "{said}");
    }

    #[test]
    fn what_the_script_says_comes_home() {
        if Command::new("python3").arg("--version").output().is_err() {
            return println!("skipped: there is no python3 here");
        }
        let said = baseline("python3", 4_000).unwrap_err().to_string();
        assert!(said.contains("failed: --seconds 4000: ask for"), "{said}");
    }
}
