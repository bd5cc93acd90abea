use crate::running::{RunError, run_workers};
use labsupport::measure::{Samples, measure};
use labsupport::process::Workers;
use labsupport::shared::{Barrier, Queue};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long each turn lasts.
const TURN: Duration = Duration::from_millis(25);

/// How often a crowd is measured.
const TURNS: usize = 9;

/// Numbers that go through a queue in one turn.
const NUMBERS: u64 = 100_000;

/// Nanoseconds on the clock for one access, of `n` workers that do it as often as they can for 25 ms; nine times. The workers begin together,
/// and each reads the clock once in `batch` accesses.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// The batch is zero.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::ladder::crowd;
/// let value = Value::new(7u64)?;
/// let locked = crowd(2, 1000, || value.get())?;
/// assert_eq!(locked.len(), 2 * 9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn crowd<T>(n: usize, batch: u64, access: impl Fn() -> T) -> Result<Samples, RunError> {
    crowd_each(n, batch, |_| access())
}

/// As [`crowd`], where each worker is told its number, so that it can have a place of its own.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// The batch is zero.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::ladder::crowd_each;
/// let row = Array::<u64>::new(2)?;
/// let written = crowd_each(2, 1000, |me| row.lock()[me] += 1)?;
/// assert_eq!(written.len(), 2 * 9);
/// assert!(row.get(0) > 0 && row.get(1) > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn crowd_each<T>(
    n: usize,
    batch: u64,
    access: impl Fn(usize) -> T,
) -> Result<Samples, RunError> {
    assert!(batch > 0, "a batch of 0 accesses never ends");
    let start = Barrier::new(n)?;
    let turn = |_| {
        run_workers(n, |w| {
            let me = w.index();
            start.wait();
            busy(batch, &|| access(me))
        })
    };
    let turns = (0..TURNS).map(turn).collect::<Result<Vec<_>, RunError>>()?;
    Ok(Samples::new("ns", turns.concat()))
}

/// Nanoseconds for one access, over [`TURN`].
#[inline]
fn busy<T>(batch: u64, access: &impl Fn() -> T) -> f64 {
    let (clock, mut count) = (Instant::now(), 0);
    while clock.elapsed() < TURN {
        for _ in 0..batch {
            black_box(access());
        }
        count += batch;
    }
    clock.elapsed().as_nanos() as f64 / count as f64
}

/// As [`crowd`], for `n` threads of this process that read one word.
///
/// # Panics
/// The system refuses a thread or shared memory for the barrier.
///
/// # Examples
/// ```
/// assert_eq!(lessons::ladder::threads(2).len(), 2 * 9);
/// ```
pub fn threads(n: usize) -> Samples {
    let word = AtomicU64::new(7);
    let start = std::sync::Barrier::new(n);
    let one = || {
        start.wait();
        busy(1000, &|| word.load(Ordering::Relaxed))
    };
    let turns = (0..TURNS).flat_map(|_| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n).map(|_| scope.spawn(one)).collect();
            let ends = threads.into_iter().map(|thread| thread.join());
            ends.map(|end| end.expect("a thread that only reads"))
                .collect::<Vec<f64>>()
        })
    });
    Samples::new("ns", turns)
}

/// Nanoseconds to start a worker that does nothing and to wait for its end, where `n` are started together: the time of all, divided by `n`.
///
/// # Panics
/// A worker could not be started.
///
/// # Examples
/// ```
/// let alone = lessons::ladder::starts(1);
/// assert!(alone.median() > 1_000.0);
/// ```
pub fn starts(n: usize) -> Samples {
    let all = measure(31, || {
        let workers = Workers::spawn(n, |_| ()).unwrap_or_else(|error| panic!("{error}"));
        workers.join().unwrap_or_else(|error| panic!("{error}"))
    });
    Samples::new("ns", all.values().iter().map(|ns| ns / n as f64))
}

/// Nanoseconds for each of 100,000 numbers to go through a queue from this process to one of `n` workers, in a stream without pauses; nine
/// times.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// A worker dies, and nobody takes the numbers.
///
/// # Examples
/// ```no_run
/// println!("{}", lessons::ladder::hand_off(4)?);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn hand_off(n: usize) -> Result<Samples, RunError> {
    let turn = |_| {
        let queue = Queue::<Option<u64>>::bounded(1024)?;
        let meet = Barrier::new(n + 1)?;
        let takers = Workers::spawn(n, |_| {
            meet.wait(); // all are there
            while queue.get().expect("the parent puts a pill").is_some() {}
            meet.wait(); // all have their pill
        })?;
        meet.wait();
        let clock = Instant::now();
        let pills = std::iter::repeat_n(None, n);
        for item in (0..NUMBERS).map(Some).chain(pills) {
            queue.put(item).unwrap_or_else(|error| panic!("{error}"));
        }
        meet.wait();
        let each = clock.elapsed().as_nanos() as f64 / NUMBERS as f64;
        takers.join_timeout(crate::running::LIMIT)?.into_values()?;
        Ok(each)
    };
    let turns = (0..TURNS).map(turn).collect::<Result<Vec<_>, RunError>>()?;
    Ok(Samples::new("ns", turns))
}
