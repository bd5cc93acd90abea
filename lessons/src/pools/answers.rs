use super::TASKS;
use labsupport::shared::{Segment, SharedError};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place in shared memory for the answer to each of the [`TASKS`] tasks. It holds 0 until somebody writes there. Beside it is counted how
/// often each task was begun.
///
/// # Examples
/// ```
/// use lessons::pools::Answers;
/// use std::sync::atomic::Ordering;
/// let answers = Answers::new(|task| u64::from(task) + 1)?;
/// answers.begin(3);
/// answers.place(3).store(4, Ordering::Release);
/// assert_eq!(answers.to_string(), "1 of 60 answers are there, 0 of them wrong; 0 tasks were begun twice");
/// # Ok::<(), labsupport::prelude::SharedError>(())
/// ```
#[derive(Debug)]
pub struct Answers {
    right: fn(u32) -> u64,
    /// First the places, then how often each was begun.
    words: Segment,
}

impl Answers {
    /// Nobody has answered yet. `right` says what the answer to each task is; none is 0.
    ///
    /// # Errors
    /// There is no room in shared memory.
    pub fn new(right: fn(u32) -> u64) -> Result<Answers, SharedError> {
        let words = Segment::new(8 * 2 * TASKS as usize)?;
        Ok(Answers { right, words })
    }

    /// The place of a task.
    ///
    /// # Panics
    /// There is no such task.
    pub fn place(&self, task: u32) -> &AtomicU64 {
        assert!(task < TASKS, "there is no task {task}");
        self.words.word(task as usize)
    }

    /// Counts that a task was begun.
    ///
    /// # Panics
    /// There is no such task.
    pub fn begin(&self, task: u32) {
        self.begun(task).fetch_add(1, Ordering::Relaxed);
    }

    fn begun(&self, task: u32) -> &AtomicU64 {
        assert!(task < TASKS, "there is no task {task}");
        self.words.word((TASKS + task) as usize)
    }

    /// How many answers are there.
    pub fn there(&self) -> usize {
        let is_there = |task: &u32| self.place(*task).load(Ordering::Acquire) != 0;
        (0..TASKS).filter(is_there).count()
    }

    /// How many of those that are there are wrong.
    pub fn wrong(&self) -> usize {
        let is_wrong = |task: &u32| {
            let answer = self.place(*task).load(Ordering::Acquire);
            answer != 0 && answer != (self.right)(*task)
        };
        (0..TASKS).filter(is_wrong).count()
    }

    /// How many tasks were begun more than once.
    pub fn again(&self) -> usize {
        let again = |task: &u32| self.begun(*task).load(Ordering::Relaxed) > 1;
        (0..TASKS).filter(again).count()
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (there, wrong, again) = (self.there(), self.wrong(), self.again());
        write!(
            f,
            "{there} of {TASKS} answers are there, {wrong} of them wrong; {again} tasks were begun twice"
        )
    }
}

labsupport::shown_in_words!(Answers);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_answers_and_second_tries_are_counted() {
        let answers = Answers::new(|task| u64::from(task) + 1).unwrap();
        for (task, answer) in [(0, 1), (1, 7), (59, 60)] {
            answers.begin(task);
            answers.place(task).store(answer, Ordering::Release);
        }
        answers.begin(1);
        assert_eq!(
            (answers.there(), answers.wrong(), answers.again()),
            (3, 1, 1)
        );
    }
}
