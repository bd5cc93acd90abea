use super::Samples;
use super::human;
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// What [`time`] returns: the value, and how long it took to compute.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let t = time(|| (1..=10u64).product::<u64>());
/// assert_eq!(t.value, 3_628_800);
/// println!("{:?}", t.elapsed);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timed<T> {
    /// What the closure returned.
    pub value: T,
    /// The wall time that it took.
    pub elapsed: Duration,
}

/// Runs `op` once and times it.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use std::time::Duration;
/// let t = time(|| std::thread::sleep(Duration::from_millis(5)));
/// assert!(t.elapsed >= Duration::from_millis(5));
/// ```
pub fn time<T>(op: impl FnOnce() -> T) -> Timed<T> {
    let start = Instant::now();
    let value = op();
    Timed {
        value,
        elapsed: start.elapsed(),
    }
}

/// A batch must last this long, so that reading the clock (some 20 ns) does not matter.
const BATCH: Duration = Duration::from_micros(200);

/// Measures the cost of one `op` in nanoseconds of wall time, `n` times.
///
/// Each sample is the mean of a batch that lasts 0.2 ms or more; the first batches, which find cold caches, are thrown away. An empty `op` costs
/// a fraction of a nanosecond, the cost of the loop itself.
///
/// # Panics
/// `n` is zero.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let flag = Flag::new()?;
/// let (free, locked) = (measure(11, || flag.is_set()), measure(11, || flag.is_set_locked()));
/// assert!(locked.median() > free.median());
/// # Ok::<(), SharedError>(())
/// ```
pub fn measure<T>(n: usize, mut op: impl FnMut() -> T) -> Samples {
    assert!(n > 0, "0 samples were asked for: ask for at least one.");
    let mut batch = |size: u64| {
        let start = Instant::now();
        for _ in 0..size {
            black_box(op());
        }
        start.elapsed()
    };
    // Double the batch until it is long enough twice in a row. Once may be an accident: a first call that sets something up, or a lost core.
    // With a batch that is too short we would measure the clock instead of `op`. This also warms up the caches.
    let mut size = 1u64;
    while batch(size) < BATCH || batch(size) < BATCH {
        size *= 2;
    }
    let per_op = |elapsed: Duration| elapsed.as_nanos() as f64 / size as f64;
    let samples: Vec<f64> = (0..n).map(|_| per_op(batch(size))).collect();
    Samples::new("ns", samples)
}

impl<T: fmt::Debug> fmt::Display for Timed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, after {}", self.value, human(self.elapsed))
    }
}
