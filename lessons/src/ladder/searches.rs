use figures::Table;
use labsupport::measure::{Work, human, time};
use std::time::Duration;

/// Places where the goal is hidden, one after the other.
const PLACES: u64 = 9;

/// A search of so many numbers for a goal, where each test costs the work.
type Search<'a> = &'a dyn Fn(u64, u64, Work) -> Option<u64>;

/// Times a short search (200 numbers of 1 µs) and a long one (20,000 of 20 µs), both ways, with the goal hidden in nine places, one after the
/// other. So no way of dividing the numbers is lucky each time. The table has the means over the places.
///
/// # Panics
/// A search does not find its goal.
///
/// # Examples
/// ```no_run
/// use lessons::ladder::threads_or_processes;
/// let one_by_one = |numbers, goal, effort: labsupport::measure::Work| {
///     (0..numbers).find(|n| { effort.run(); *n == goal })
/// };
/// println!("{}", threads_or_processes(one_by_one, one_by_one));
/// ```
pub fn threads_or_processes(
    threads: impl Fn(u64, u64, Work) -> Option<u64>,
    processes: impl Fn(u64, u64, Work) -> Option<u64>,
) -> Table {
    let header = [
        "search",
        "4 threads, rayon",
        "4 processes",
        "processes / threads",
    ];
    let searches = [
        ("200 numbers of 1 µs", 200, 1),
        ("20,000 numbers of 20 µs", 20_000, 20),
    ];
    searches
        .into_iter()
        .fold(Table::new(header), |table, (name, numbers, micros)| {
            let effort = Work::costing(Duration::from_micros(micros));
            let [threads, processes] = means(numbers, effort, [&threads, &processes]);
            let ratio = processes.as_secs_f64() / threads.as_secs_f64();
            table.row([
                name.into(),
                human(threads),
                human(processes),
                format!("{ratio:.2}"),
            ])
        })
}

fn means(numbers: u64, effort: Work, ways: [Search<'_>; 2]) -> [Duration; 2] {
    let mut sums = [Duration::ZERO; 2];
    for place in 0..PLACES {
        let goal = numbers * (8 * place + 5) / 72; // in the mean, in the middle of a worker's quarter
        for (way, sum) in ways.iter().zip(&mut sums) {
            let timed = time(|| way(numbers, goal, effort));
            assert_eq!(timed.value, Some(goal), "the search did not find its goal");
            *sum += timed.elapsed;
        }
    }
    sums.map(|sum| sum / PLACES as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_are_timed_at_every_place() {
        let asked = std::cell::Cell::new(0);
        let way = |_: u64, goal, _: Work| {
            asked.set(asked.get() + 1);
            Some(goal)
        };
        let table = threads_or_processes(way, way).to_string();
        assert_eq!(asked.get(), 2 * 2 * PLACES);
        assert_eq!(table.lines().count(), 3);
    }
}
