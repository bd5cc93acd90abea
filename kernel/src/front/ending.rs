//! Sentences about a cell that was stopped, or that ended the process in which cells run. They say what is known, and no more.

use super::errors::CellError;
use super::panicked::Panicked;
use labs_runtime::packet::{Crash, Ended};

/// What became of the variables.
fn variables(ended: &Ended) -> String {
    if ended.kept {
        "All variables are as they were before this cell; workers and managers that were still running have ended.".into()
    } else {
        let why = match ended.threads {
            true => ", since other threads were running when it began",
            false => "",
        };
        format!(
            "The notebook's variables are lost{why}; functions, types and imports stay. Run the cells again that make the variables \
             you need."
        )
    }
}

/// The student has stopped the cell while it ran.
pub(super) fn stopped(ended: &Ended) -> CellError {
    CellError::new(
        "Interrupted",
        format!("You stopped this cell. {}", variables(ended)),
    )
}

/// The student has stopped the cell before it ran.
pub(super) fn stopped_before_it_ran() -> CellError {
    CellError::new(
        "Interrupted",
        "You stopped this cell while it was being compiled. Nothing is lost; run it again.",
    )
}

/// The order to stop the cell came before the cell.
pub(super) fn stopped_before_it_began() -> CellError {
    CellError::new(
        "Interrupted",
        "You stopped this cell before it began. Nothing is lost; run it again.",
    )
}

/// The process in which cells run has ended, although nobody has stopped it. `memory`: how often the system had killed a process for want
/// of memory, before and now; `printed` is what came last on standard error.
pub(super) fn of_the_process(
    ended: &Ended,
    memory: (Option<u64>, Option<u64>),
    panics: &[Panicked],
    printed: &str,
) -> CellError {
    let said: Vec<&str> = panics.iter().map(|panic| panic.message.as_str()).collect();
    let how = how(ended, memory, printed);
    let subject = match ended.in_cell {
        true => "This cell ended the process in which cells run",
        false => "The process in which cells run had ended before this cell could run",
    };
    let mut sentence = format!("{subject}: {how} {}", variables(ended));
    if !said.is_empty() {
        sentence = format!("{}\n{sentence}", said.join("\nand meanwhile: "));
    }
    CellError::new("ProcessEnded", sentence)
}

/// The process in which cells run has ended, and nothing more is known.
pub(super) fn of_the_process_somehow() -> CellError {
    let ended = Ended::default();
    CellError::new(
        "ProcessEnded",
        format!(
            "The process in which cells run has ended, and it is not known why. {}",
            variables(&ended)
        ),
    )
}

/// What a new kernel means for the notebook.
const ANEW: &str = "A new one starts now: variables and definitions are all gone, so run the notebook from the top.";

/// The kernel behind the notebook has ended without being asked; `said` are its last words.
pub(super) fn of_the_kernel(said: &str) -> String {
    let panic = said
        .lines()
        .find_map(|line| line.strip_prefix(labs_runtime::leash::PANICKED));
    let why = match panic {
        Some(panic) => format!("failed by a fault of its own ({})", panic.trim()),
        None => "was ended, and it did not say why".into(),
    };
    format!("The kernel behind this notebook {why}. {ANEW}")
}

/// The cell has ended the kernel.
pub(super) fn of_quit() -> String {
    format!("`:quit` ended the kernel behind this notebook. {ANEW}")
}

fn how(ended: &Ended, memory: (Option<u64>, Option<u64>), printed: &str) -> String {
    match (ended.crash, ended.signal) {
        (Some(Crash::StackOverflow), _) => {
            "its stack overflowed. Most often a function calls itself without end: give it a case in which it does not.".into()
        }
        (Some(Crash::BadInstruction), _) => "it met an instruction that does not exist.".into(),
        (Some(Crash::BadAccess), _) => {
            "it used memory that is not its own (segmentation fault).".into()
        }
        // Our handler did not run, since it had no stack to run on.
        (None, Some(libc::SIGSEGV)) => {
            "a thread's stack overflowed, as far as can be told (segmentation fault). Most often a function calls itself without end: give it a case in which it does not."
                .into()
        }
        (None, Some(libc::SIGKILL)) => match memory {
            (Some(before), Some(now)) if now > before => {
                "the system killed it, because memory ran out. Use less at once, or close other notebooks.".into()
            }
            _ => "it was killed (SIGKILL), and not by this notebook.".into(),
        },
        (None, Some(libc::SIGABRT)) if asked_for(printed).is_some() => format!(
            "it asked for {} bytes of memory at once, and there were not so many.",
            asked_for(printed).unwrap_or_default()
        ),
        (None, Some(libc::SIGABRT)) => "it aborted (SIGABRT).".into(),
        (None, Some(signal)) => format!("signal {signal} ended it."),
        (None, None) => format!("it left with exit status {}.", ended.status),
    }
}

/// How many bytes the program asked for in vain, from the words that the standard library prints before it aborts.
fn asked_for(printed: &str) -> Option<&str> {
    let (_, rest) = printed.rsplit_once("memory allocation of ")?;
    let (bytes, _) = rest.split_once(" bytes failed")?;
    bytes
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(bytes)
}

/// How often the system has killed a process for want of memory: on this machine, or in this control group.
pub(super) fn memory_kills() -> Option<u64> {
    let count = |file: &str| {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "))?;
        line.trim().parse::<u64>().ok()
    };
    let counts = [
        count("/proc/vmstat"),
        count("/sys/fs/cgroup/memory.events"),
        count("/sys/fs/cgroup/memory/memory.oom_control"),
    ];
    counts
        .into_iter()
        .flatten()
        .reduce(|one, other| one + other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended() -> Ended {
        Ended {
            kept: true,
            in_cell: true,
            ..Ended::default()
        }
    }

    fn sentence(ended: &Ended, memory: (Option<u64>, Option<u64>)) -> String {
        of_the_process(ended, memory, &[], "").value
    }

    #[test]
    fn only_what_is_known_is_said() {
        let killed = Ended {
            signal: Some(libc::SIGKILL),
            ..ended()
        };
        let said = sentence(&killed, (Some(3), Some(4)));
        assert!(said.contains("memory ran out"), "{said}");
        for unknown in [(Some(3), Some(3)), (None, Some(4)), (None, None)] {
            let said = sentence(&killed, unknown);
            assert!(
                said.contains("SIGKILL") && !said.contains("memory ran"),
                "{said}"
            );
        }
    }

    #[test]
    fn whether_variables_are_lost_is_said() {
        assert!(sentence(&ended(), (None, None)).contains("as they were before"));
        let lost = Ended {
            kept: false,
            ..ended()
        };
        assert!(sentence(&lost, (None, None)).contains("are lost; functions"));
        let threads = Ended {
            threads: true,
            ..lost
        };
        assert!(sentence(&threads, (None, None)).contains("other threads were running"));
        assert!(stopped(&ended()).value.contains("as they were before"));
    }

    #[test]
    fn every_message_of_a_double_panic_is_there() {
        let panic = |message: &str| Panicked {
            main: true,
            thread: "main".into(),
            message: message.into(),
            place: String::new(),
        };
        let aborted = Ended {
            signal: Some(libc::SIGABRT),
            ..ended()
        };
        let error = of_the_process(&aborted, (None, None), &[panic("one"), panic("two")], "");
        assert!(
            error
                .value
                .starts_with("one\nand meanwhile: two\nThis cell ended"),
            "{}",
            error.value
        );
    }
}
