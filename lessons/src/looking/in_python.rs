//! Example 27.2 as the lecture has it: in Python.

use crate::python::{FromPython, PythonError, run_python};
use crate::running::Turns;
use figures::{Progress, Table};
use std::time::Duration;

/// What times the student's `count_primes`.
const EXAMPLE: &str = include_str!("example.py");

/// What races two of the student's `finder`.
const FINDERS: &str = include_str!("finders.py");

/// How long a run of four Python processes may take, on any machine.
const PER_RUN: Duration = Duration::from_secs(10);

/// Times `count_primes(numbers, interval)` of this Python with two intervals, in turns, with this machine's `python3`: four processes share the
/// numbers below 200,000, as the workers of Rust's `in_turns` do. The time is that on the clock and includes the start and the end of
/// the processes.
///
/// # Examples
/// ```
/// use lessons::looking::count_in_python;
/// let code = "def count_primes(numbers, interval): return len(numbers)";
/// let turns = count_in_python(3, [10, 1000], code);
/// assert!(turns.value().is_none_or(|turns| *turns.result() == 200_000));
/// println!("{turns}");
/// ```
pub fn count_in_python(turns: usize, intervals: [u64; 2], code: &str) -> FromPython<Turns<u64>> {
    let code = format!("{code}{EXAMPLE}\n_in_turns({turns}, {intervals:?})");
    let limit = PER_RUN * (2 * turns as u32 + 1);
    let progress = Progress::new("Python", 2 * turns);
    let printed = run_python(&code, limit, |_| progress.step());
    FromPython(printed.and_then(|lines| turns_of(&lines, intervals)))
}

/// From lines such as `10 0.734 17984`: interval, seconds, primes.
fn turns_of(lines: &str, intervals: [u64; 2]) -> Result<Turns<u64>, PythonError> {
    let said = |said: &str| PythonError::Raised { said: said.into() };
    let mut times = [vec![], vec![]];
    let mut first = None;
    for line in lines.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (interval, seconds, count) = (word(), word().parse::<f64>(), word().parse());
        let which = intervals
            .iter()
            .position(|known| known.to_string() == interval);
        let (Some(which), Ok(seconds), Ok(count)) = (which, seconds, count) else {
            continue; // what the student's code prints
        };
        if *first.get_or_insert(count) != count {
            return Err(said("its runs did not count the same primes"));
        }
        times[which].push(seconds * 1e3);
    }
    match first {
        Some(count) if times.iter().all(|times| !times.is_empty()) => Ok(Turns::of(
            count,
            intervals.map(|n| format!("every {n}")),
            times,
        )),
        _ => Err(said("it measured nothing")),
    }
}

/// Races two Python processes through `finder(found, writers, both_have_looked, second_look)`, with this machine's `python3`. `found` is a
/// `Value("b", 0)`, `writers` a `Value("i", 0)`, and `both_have_looked()` waits for the other one, so the worst moment comes in each race.
/// Three races: the value has an `RLock`, with the second look and without; then a plain `Lock`, with it. Whoever has not come home after two
/// seconds is stuck, and killed.
///
/// # Examples
/// ```
/// use lessons::looking::finders_in_python;
/// let races = finders_in_python("def finder(found, writers, both_have_looked, second_look): both_have_looked()");
/// println!("{races}");
/// ```
pub fn finders_in_python(code: &str) -> FromPython<Table> {
    let printed = run_python(&format!("{code}{FINDERS}"), 2 * PER_RUN, |_| ());
    FromPython(printed.map(|lines| {
        let header = [
            "lock",
            "second look",
            "finders that wrote",
            "stuck after 2 s",
        ];
        let rows = lines
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        rows.filter(|row| row.len() == header.len())
            .fold(Table::new(header).words(2), Table::row)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_turns_and_other_work_is_no_turn() {
        let lines = "10 0.2 17984\nhello\n1000 0.1 17984\n10 0.4 17984\n1000 0.1 17984\n";
        let turns = turns_of(lines, [10, 1000]).unwrap();
        assert_eq!(*turns.result(), 17984);
        assert!((turns.slower() - 200.0).abs() < 1e-9, "{turns}");
        let other = turns_of("10 0.2 17984\n1000 0.1 17983\n", [10, 1000]).unwrap_err();
        assert!(other.to_string().contains("did not count the same primes"));
        let none = turns_of("10 0.2 17984\n", [10, 1000]).unwrap_err();
        assert!(none.to_string().contains("it measured nothing"));
    }

    #[test]
    fn a_double_check_needs_its_second_look_and_a_lock_that_lets_its_owner_in() {
        let races = finders_in_python(
            "def finder(found, writers, both_have_looked, second_look):\n\
             \x20   if found.value: return\n\
             \x20   both_have_looked()\n\
             \x20   with found.get_lock():\n\
             \x20       if second_look and found.value: return\n\
             \x20       writers.value += 1\n\
             \x20       found.value = 1\n",
        );
        let Some(races) = races.value() else {
            return println!("skipped: {races}");
        };
        let races = races.to_string();
        let rows: Vec<Vec<&str>> = races
            .lines()
            .skip(1)
            .map(|row| row.split_whitespace().collect())
            .collect();
        let expected = [
            ["RLock", "yes", "1", "0"],
            ["RLock", "no", "2", "0"],
            ["Lock", "yes", "0", "2"],
        ];
        assert_eq!(rows, expected, "{races}");
    }
}
