use broker::Broker;
use figures::Table;
use labsupport::internal::stop_with_parent;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{fmt, io};

/// Names the Python of the appendix, as the labs' kernel knows it.
const PYTHON: &str = "LABS_PEERS_PYTHON";

/// How long a program may be silent: each experiment of theirs has a shorter deadline of its own.
const PATIENCE: Duration = Duration::from_secs(90);

/// What Celery's workers do when they are killed or told to stop, measured with `broker` as their broker: a table. Takes about half a minute,
/// and says meanwhile how far it is.
///
/// `cargo labs setup --with celery` installs what it needs.
///
/// # Errors
/// That is not installed, or the program failed.
///
/// # Examples
/// ```no_run
/// use broker::prelude::*;
/// use lessons::across::celery;
/// let broker = Broker::start()?;
/// match celery(&broker) {
///     Ok(table) => println!("{table}"),
///     Err(why) => println!("{why}"), // what to install
/// }
/// # Ok::<(), BrokerError>(())
/// ```
pub fn celery(broker: &Broker) -> Result<Table, PeerError> {
    run("celery_lab.py", &["--broker".into(), broker.url().into()])
}

/// What Kafka's consumers do when they are killed, leave, or are too slow: a table. The broker is the one that `LABS_KAFKA` names, or the mock
/// broker of Kafka's C client; the table says which. Takes about half a minute.
///
/// # Errors
/// As [`celery`].
///
/// # Examples
/// ```no_run
/// use lessons::across::kafka;
/// match kafka() {
///     Ok(table) => println!("{table}"),
///     Err(why) => println!("{why}"),
/// }
/// ```
pub fn kafka() -> Result<Table, PeerError> {
    run("kafka_lab.py", &[])
}

fn run(program: &str, arguments: &[OsString]) -> Result<Table, PeerError> {
    let python = std::env::var_os(PYTHON).map(PathBuf::from);
    let python = python.filter(|python| python.exists());
    let python = python.ok_or(PeerError::Absent)?;
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../notebooks/peers"));
    let mut command = Command::new(python);
    command
        .arg(folder.join(program))
        .args(arguments)
        .args(["--table", "lines"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    table_of(program, command, PATIENCE)
}

/// Runs a program whose output is lines: what it is doing, and the table's rows, whose columns are separated by tabs.
fn table_of(program: &str, mut command: Command, patience: Duration) -> Result<Table, PeerError> {
    stop_with_parent(&mut command);
    let mut child = command.spawn().map_err(PeerError::Start)?;
    let failed = |said: &str| PeerError::Failed {
        program: program.into(),
        said: said.into(),
    };
    // What it says on its way to an error is short; nothing else is written there.
    let errors = BufReader::new(child.stderr.take().expect("it is piped"));
    let errors = std::thread::spawn(move || errors.lines().map_while(Result::ok).last());
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let _ = sender.send(line); // nothing listens any longer if the program was silent for too long
        }
    });
    let mut table = Table::new(["what was done", "effects", "what was seen"]).words(3);
    let silent = loop {
        match lines.recv_timeout(patience) {
            Ok(line) if line.contains('\t') => {
                table = table.row(row_of(&line));
            }
            Ok(line) => println!("{line}"),
            Err(error) => break error == mpsc::RecvTimeoutError::Timeout,
        }
    };
    if silent {
        let _ = child.kill();
    }
    let status = child.wait().map_err(PeerError::Start)?;
    let _ = reader.join();
    let said = errors.join().ok().flatten();
    match status.success() {
        true => Ok(table),
        false if silent => Err(failed("it was silent for too long and was killed")),
        false => Err(failed(said.as_deref().unwrap_or("it said nothing"))),
    }
}

/// What was done, its effects, and what was seen beside what is promised.
fn row_of(line: &str) -> [String; 3] {
    let mut columns = line.split('\t').chain(std::iter::repeat(""));
    let [done, effects, seen, promise, held] =
        [(); 5].map(|()| columns.next().expect("it has no end"));
    let beside = match (promise, held) {
        ("", _) => String::new(),
        (promise, "NO") => format!(". ✗ The promise was: {promise}"),
        (promise, _) => format!(". ✓ As promised: {promise}"),
    };
    [done.into(), effects.into(), format!("{seen}{beside}")]
}

/// Why there is no table.
#[derive(Debug)]
pub enum PeerError {
    /// Celery and Kafka's client are not installed.
    Absent,
    /// Their Python cannot be run.
    Start(io::Error),
    /// The program failed.
    Failed {
        /// Its file.
        program: String,
        /// The last line of its error output, or that there was none.
        said: String,
    },
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerError::Absent => f.write_str(
                "Celery and Kafka's client are not installed. `cargo labs setup --with celery` installs them (a download of some 8 MB); \
                 then restart the kernel.",
            ),
            PeerError::Start(error) => write!(
                f,
                "the Python of Celery and Kafka cannot be run ({error}). `cargo labs setup --with celery` installs it again."
            ),
            PeerError::Failed { program, said } => write!(
                f,
                "notebooks/peers/{program} failed: {}. Run it by hand to see more: notebooks/peers/README.md says how.",
                said.trim_end_matches('.')
            ),
        }
    }
}

impl std::error::Error for PeerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PeerError::Start(error) => Some(error),
            PeerError::Absent | PeerError::Failed { .. } => None,
        }
    }
}

labsupport::shown_in_words!(PeerError);

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str, patience: Duration) -> Result<Table, PeerError> {
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        table_of("celery_lab.py", command, patience)
    }

    #[test]
    fn rows_become_a_table() {
        let said = script(
            r"printf 'working\nkilled\t1\tlost\tonce\tno\nshort\t2\n'",
            PATIENCE,
        )
        .unwrap();
        let text = said.to_string();
        assert!(
            text.contains("killed") && text.contains("lost") && !text.contains("working"),
            "{text}"
        );
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let said = script("echo first >&2; echo no server. >&2; exit 1", PATIENCE)
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with("notebooks/peers/celery_lab.py failed: no server. Run it by hand"),
            "{said}"
        );
        let said = script("exit 1", PATIENCE).unwrap_err().to_string();
        assert!(said.contains("failed: it said nothing. Run"), "{said}");
    }

    #[test]
    fn a_program_that_is_silent_for_too_long_is_killed() {
        let said = script("exec sleep 1000", Duration::from_millis(50))
            .unwrap_err()
            .to_string();
        assert!(said.contains("silent for too long"), "{said}");
    }
}
