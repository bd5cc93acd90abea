//! Large data: sent to another process, or read where they are.

use crate::running::{LIMIT, RunError};
use figures::{Format, Lines, Progress};
use labsupport::measure::{Samples, machine};
use labsupport::process::Workers;
use labsupport::shared::{Queue, Segment, SharedError};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The numbers in a row.
const COLUMNS: usize = 500;

/// The rows of the matrices in [`by_size`]: 4 kB to 4 MB.
const ROWS: [usize; 4] = [1, 10, 100, 1_000];

/// How often each is asked for.
const TIMES: usize = 31;

/// A matrix of numbers in shared memory, in rows of 500. Each process reads it where it is: it is a view, and nothing is copied.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// use lessons::ladder::Matrix;
/// let matrix = Matrix::new(2)?;
/// matrix.set(1, 3, 0.5);
/// let sums = Workers::spawn(2, |w| matrix.row(w.index()).sum::<f64>())?.join()?.into_values()?;
/// assert_eq!(sums, [0.0, 0.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Matrix {
    words: Segment,
    rows: usize,
}

impl Matrix {
    /// So many rows of zeros.
    ///
    /// # Errors
    /// No rows, or no room in shared memory.
    pub fn new(rows: usize) -> Result<Matrix, SharedError> {
        let words = Segment::new(8 * COLUMNS * rows)?;
        Ok(Matrix { words, rows })
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        8 * COLUMNS * self.rows
    }

    /// Writes a number. Others see it at once.
    ///
    /// # Panics
    /// There is no such row or column.
    pub fn set(&self, row: usize, column: usize, number: f64) {
        assert!(column < COLUMNS, "there is no column {column}");
        let word = self.words.word(row * COLUMNS + column);
        word.store(number.to_bits(), Ordering::Relaxed);
    }

    /// The numbers of a row, read where they are.
    ///
    /// # Panics
    /// There is no such row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        let words = row * COLUMNS..(row + 1) * COLUMNS;
        words.map(|index| f64::from_bits(self.words.word(index).load(Ordering::Relaxed)))
    }

    /// All numbers, copied: to be sent.
    pub fn to_vec(&self) -> Vec<f64> {
        (0..self.rows).flat_map(|row| self.row(row)).collect()
    }
}

/// Sends messages to a worker through a queue; it answers each with a number. Nanoseconds from the `put` until the answer is there, 31 times.
/// To make the message does not count.
///
/// # Errors
/// A worker could not be started, or did not come home.
///
/// # Panics
/// The worker dies, so that no answer comes, or the message is larger than 8 MB.
///
/// # Examples
/// ```
/// use lessons::ladder::time_answers;
/// let answers = time_answers(|| vec![1.0, 2.0], |numbers| numbers.iter().sum())?;
/// assert_eq!(answers.len(), 31);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn time_answers<M: Serialize + DeserializeOwned>(
    message: impl Fn() -> M,
    answer: impl Fn(M) -> f64,
) -> Result<Samples, RunError> {
    let there = Queue::<Option<M>>::bounded_bytes(2, 8 << 20)?;
    let back = Queue::<f64>::bounded(2)?;
    let worker = Workers::spawn(1, |_| {
        while let Some(message) = there.get().expect("the parent puts a pill") {
            back.put(answer(message)).expect("there is room");
        }
    })?;
    let once = |_| {
        let message = message();
        let clock = Instant::now();
        if let Err(error) = there.put(Some(message)) {
            panic!("{error}");
        }
        let answer = back
            .get_timeout(LIMIT)
            .unwrap_or_else(|error| panic!("{error}"));
        std::hint::black_box(answer);
        clock.elapsed().as_nanos() as f64
    };
    let times = Samples::new("ns", (0..TIMES).map(once));
    assert!(there.put(None).is_ok(), "there is room");
    worker.join_timeout(LIMIT)?.into_values()?;
    Ok(times)
}

/// Times a way with matrices of 4 kB to 4 MB, one after the other: pairs of bytes and seconds, medians. The number in row *r* and column *c*
/// is *r + c*.
///
/// # Errors
/// What the way fails with.
///
/// # Examples
/// ```
/// use lessons::ladder::{by_size, time_answers};
/// let seen = by_size(|matrix| time_answers(|| 0, |row| matrix.row(row).sum()))?;
/// assert_eq!(seen.len(), 4);
/// # Ok::<(), lessons::RunError>(())
/// ```
pub fn by_size(
    way: impl Fn(&Matrix) -> Result<Samples, RunError>,
) -> Result<Vec<(f64, f64)>, RunError> {
    let times = Progress::over("sizes", ROWS).map(|rows| {
        let matrix = Matrix::new(rows)?;
        for row in 0..rows {
            (0..COLUMNS).for_each(|column| matrix.set(row, column, (row + column) as f64));
        }
        let nanoseconds = way(&matrix)?.median();
        Ok((matrix.bytes() as f64, nanoseconds * 1e-9))
    });
    times.collect()
}

/// A figure of several ways, each from [`by_size`].
///
/// # Examples
/// ```
/// use lessons::ladder::large_data;
/// let figure = large_data(&[("sent", vec![(4e3, 1e-5), (4e6, 1e-2)])]);
/// assert!(figure.text().contains("sent"));
/// ```
pub fn large_data(ways: &[(&str, Vec<(f64, f64)>)]) -> Lines {
    let figure = Lines::new("A row of a matrix, in another process")
        .x("bytes of the whole matrix")
        .log_x()
        .y("time until the answer is there")
        .y_format(Format::Seconds)
        .log_y()
        .caption(format!(
            "Medians of {TIMES} questions to one worker, {}. To make the message does not count.",
            machine()
        ));
    let each = ways.iter();
    each.fold(figure, |figure, (name, times)| {
        figure.series(*name, times.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_and_what_is_read_in_place_is_the_same() {
        let matrix = Matrix::new(3).unwrap();
        matrix.set(2, 499, 1.5);
        assert_eq!(matrix.bytes(), 12_000);
        let copy = matrix.to_vec();
        assert_eq!((copy.len(), copy[1499]), (1500, 1.5));
        assert_eq!(matrix.row(2).sum::<f64>(), 1.5);
        assert_eq!(matrix.row(1).sum::<f64>(), 0.0);
    }
}
