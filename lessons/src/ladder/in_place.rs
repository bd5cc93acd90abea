use super::rungs::Ladder;
use figures::{Format, Table};
use labsupport::measure::cores;
use labsupport::shared::Segment;

/// The bytes that go from core to core in one piece, where the system does not say.
const USUAL: usize = 64;

/// The bytes of a cache line of this machine: what goes from core to core in one piece.
fn cache_line() -> usize {
    let says = "/sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size";
    let said = std::fs::read_to_string(says).unwrap_or_default();
    let bytes = said.trim().parse().unwrap_or(USUAL);
    if bytes == 0 { USUAL } else { bytes }
}

/// A table: in which cache line the words of four workers lie, for each distance between two words (in words of 8 bytes). The lines are
/// numbered from the first one on.
///
/// # Panics
/// A word is not within the segment.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::ladder::cache_lines;
/// let words = Segment::new(8 * 64)?;
/// let table = cache_lines(&words, &[1, 16]).to_string();
/// assert!(table.contains("0, 0, 0, 0"), "{table}");
/// # Ok::<(), labsupport::prelude::SharedError>(())
/// ```
pub fn cache_lines(words: &Segment, distances: &[usize]) -> Table {
    let line = cache_line();
    let of = |index: usize| std::ptr::from_ref(words.word(index)).addr() / line;
    let table = Table::new([
        "from word to word",
        "cache lines of the four workers",
        "lines that two or more share",
    ])
    .words(2);
    distances.iter().fold(table, |table, &apart| {
        let lines = [0, 1, 2, 3].map(|me| of(me * apart) - of(0));
        let mut all = lines.to_vec();
        all.dedup();
        let shared = (all.iter())
            .filter(|line| lines.iter().filter(|other| other == line).count() > 1)
            .count();
        let lines = lines.map(|line| line.to_string()).join(", ");
        table.row([format!("{} bytes", 8 * apart), lines, shared.to_string()])
    })
}

/// Less than this is no effect that one run can show.
const SHOWS: f64 = 1.5;

/// In words: how many times as long one rung takes as another one in a crowd, where the two differ only in who shares a cache line; and what it
/// means if that does not show.
///
/// # Panics
/// The ladder does not have these rungs.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::ladder::{Ladder, false_sharing};
/// let ns = |value| Samples::new("ns", [value]);
/// let four = Ladder::new().rung("side by side", ns(9.0)).rung("apart", ns(1.5));
/// assert!(false_sharing(&four, "side by side", "apart").starts_with("side by side: 6.0 times as long as apart"));
/// ```
pub fn false_sharing(crowded: &Ladder, shared: &str, apart: &str) -> String {
    in_words(crowded, shared, apart, cores())
}

fn in_words(crowded: &Ladder, shared: &str, apart: &str, cores: usize) -> String {
    let [long, short] = [shared, apart].map(|rung| crowded.at(rung).median());
    let times = long / short;
    let [long, short] = [long, short].map(|ns| Format::Nanoseconds.write(ns));
    let said = format!("{shared}: {times:.1} times as long as {apart} ({long} against {short})");
    match times {
        times if times >= SHOWS => said,
        _ if cores == 1 => {
            said + ". It does not show here: with one core only one worker writes at a time, and no line travels."
        }
        _ => {
            said + ". It does not show in this run. The workers may have shared a core: run the cell again on a quiet machine."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labsupport::measure::Samples;

    #[test]
    fn words_that_are_apart_share_no_line() {
        let words = Segment::new(8 * 256).unwrap();
        let table = cache_lines(&words, &[1, 64]).to_string();
        let rows: Vec<&str> = table.lines().skip(1).collect();
        assert!(
            rows[0].contains("0, 0, 0, 0") && rows[0].ends_with('1'),
            "{table}"
        );
        assert!(rows[1].ends_with('0'), "{table}");
    }

    #[test]
    fn what_does_not_show_is_said() {
        let ns = |value| Samples::new("ns", [value]);
        let ladder = |side| Ladder::new().rung("side", ns(side)).rung("apart", ns(2.0));
        let said = |side, cores| in_words(&ladder(side), "side", "apart", cores);
        assert!(said(10.0, 2).ends_with("5.0 times as long as apart (10 ns against 2 ns)"));
        assert!(said(2.1, 1).contains("with one core only one worker writes"));
        assert!(said(2.1, 2).contains("does not show in this run"));
    }
}
