use super::error::Why;
use super::forking::{self, Forking};
use super::live_table::LiveTable;
use super::{Exit, JoinError, Outcome, Report, SpawnError, Worker};
use crate::cell::Page;
use crate::shared::lent_here;
use crate::sys::{self, fault};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

/// How long [`Workers::join`] waits in silence before it says what it waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Worker processes that run one closure.
///
/// The closure borrows what it needs: a fork copies the parent's memory, so it needs no `move`, no `Arc` and no `Send`. What a worker changes
/// stays in its copy. Only shared memory ([`Flag`](crate::shared::Flag) and its neighbours) and the value that the closure returns reach other
/// processes; that value's type must implement `serde`'s traits.
///
/// Dropping the handle kills and collects the workers that still run.
///
/// Workers also end with the *thread* that spawned them, so the handle stays in that thread. Another thread may borrow it, for instance to
/// [`kill`](Workers::kill) a worker, but cannot own it:
///
/// ```compile_fail,E0277
/// use labsupport::prelude::*;
/// let workers = Workers::spawn(1, |_| 7).unwrap();
/// std::thread::spawn(move || workers.join());
/// ```
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// let words = vec!["poison", "pill"];
/// let workers = Workers::spawn(2, |w| words[w.index()].len())?;
/// assert_eq!(workers.join()?.values()?, [6, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping the workers kills them: call join"]
#[derive(Debug)]
pub struct Workers<T> {
    started: Instant,
    parent: sys::Pid,
    children: Vec<Child>,
    // A worker makes a T; the handle holds none.
    value: PhantomData<fn() -> T>,
    /// Workers end with the thread that spawned them, so the handle must not leave it. Like this guard, it is `Sync` but not `Send`.
    stays: PhantomData<MutexGuard<'static, ()>>,
}

/// One worker as its parent sees it.
#[derive(Debug)]
struct Child {
    pid: sys::Pid,
    forked: Instant,
    /// The worker's result arrives here. The end of the stream is the end of the worker, since only the worker holds the other side.
    pipe: PipeReader,
    received: Vec<u8>,
    ended: Option<(sys::Ended, sys::Usage, Duration)>,
    /// What it was doing when its time was up, and the address of the word on which it slept, if any.
    timed_out: Option<(String, Option<usize>)>,
}

impl<T: Serialize + DeserializeOwned> Workers<T> {
    /// Forks `count` workers that each run `work`.
    ///
    /// # Errors
    /// Zero workers were asked for, the calling thread holds the guard of a value or an array, or the system refuses a process. No worker is
    /// left running.
    pub fn spawn(count: usize, work: impl Fn(&Worker) -> T) -> Result<Workers<T>, SpawnError> {
        if count == 0 {
            return Err(SpawnError::NoWorkers);
        }
        if lent_here() {
            return Err(SpawnError::GuardHeld);
        }
        let mut forking = Forking::begin();
        let mut workers = Workers {
            started: Instant::now(),
            parent: sys::getpid(),
            children: Vec::new(), // the system, not the allocator, refuses an absurd count
            value: PhantomData,
            stays: PhantomData,
        };
        for index in 0..count {
            let forked = Instant::now();
            let (reader, pid) = match start(
                &work,
                Worker { index, count },
                workers.parent,
                forked,
                &mut forking,
            ) {
                Ok(started) => started,
                // `workers` is dropped here, and that stops those already started.
                Err(source) => {
                    return Err(SpawnError::Os {
                        asked: count,
                        started: index,
                        source,
                    });
                }
            };
            fault::point("spawn: forked one");
            workers.children.push(Child {
                pid,
                forked,
                pipe: reader,
                received: Vec::new(),
                ended: None,
                timed_out: None,
            });
        }
        Ok(workers)
    }

    /// Waits for all workers, however long it takes. If for ten seconds no worker has ended, and one is asleep, it prints once on standard error
    /// which one it waits for.
    ///
    /// # Errors
    /// The system failed, or this is a worker's copy of the handle, made by a fork. A worker that ends badly is no error here, but in
    /// [`Report::values`].
    pub fn join(self) -> Result<Report<T>, JoinError> {
        self.collect(None, None)
    }

    /// Waits for all workers, at most for `limit`. Kills those that have not ended by then, and reports them as [`Exit::TimedOut`] with what
    /// they were doing.
    ///
    /// # Errors
    /// As [`join`](Workers::join).
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let tasks = Queue::<u64>::bounded(8)?;
    /// let workers = Workers::spawn(1, |_| tasks.get().unwrap())?; // nothing is ever put
    /// let report = workers.join_timeout(Duration::from_millis(50))?;
    /// assert!(matches!(report.outcomes()[0].exit(), Exit::TimedOut { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join_timeout(self, limit: Duration) -> Result<Report<T>, JoinError> {
        self.collect(Some(limit), None)
    }

    /// As [`join_timeout`](Workers::join_timeout), with a table on the page while it waits: whether each worker runs or how it ended, and its
    /// wall time so far. The table changes when a worker ends, at most ten times a second, and once a second for the wall times. The last table
    /// stays.
    ///
    /// If the page cannot change while a cell runs (a stock evcxr kernel, a terminal), a line of text appears when a worker ends.
    ///
    /// # Errors
    /// As [`join`](Workers::join).
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// use std::time::Duration;
    /// let workers = Workers::spawn(4, |w| w.share_of(0..1_000_000u64).sum::<u64>())?;
    /// let report = workers.join_live(Duration::from_secs(60))?;
    /// assert_eq!(report.values()?.iter().sum::<u64>(), 499_999_500_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join_live(self, limit: Duration) -> Result<Report<T>, JoinError> {
        self.join_on(Page::of_this_cell(), limit)
    }

    pub(super) fn join_on(self, page: Page, limit: Duration) -> Result<Report<T>, JoinError> {
        let forked = self.children.iter().map(|child| child.forked);
        let table = LiveTable::new(page, forked);
        self.collect(Some(limit), Some(table))
    }

    /// As [`join_timeout`](Workers::join_timeout), and calls `look` at once and then after every `pause`.
    #[doc(hidden)]
    pub fn join_looking(
        mut self,
        limit: Duration,
        pause: Duration,
        mut look: impl FnMut(),
    ) -> Result<Report<T>, JoinError> {
        let waited = self.wait(Some(limit), |_| {
            look();
            Some(Instant::now() + pause)
        });
        waited.map_err(|error| JoinError(Why::System(error)))?;
        Ok(self.report(Some(limit)))
    }

    fn collect(
        mut self,
        limit: Option<Duration>,
        mut table: Option<LiveTable>,
    ) -> Result<Report<T>, JoinError> {
        // A copy would read what the workers send to their parent.
        if sys::getpid() != self.parent {
            return Err(JoinError(Why::NotTheirParent));
        }
        let waited = self.wait(limit, |children| {
            let table = table.as_mut()?;
            for (index, child) in children.iter().enumerate() {
                if child.ended.is_some() && !table.has_ended(index) {
                    // The report reads the value a second time: only reading it tells whether it arrived whole.
                    table.note(&outcome::<T>(index, child, limit));
                }
            }
            table.show()
        });
        if let Err(error) = waited {
            drop(self);
            table.into_iter().for_each(LiveTable::give_up);
            return Err(JoinError(Why::System(error)));
        }
        Ok(self.report(limit))
    }

    /// How all of them ended, once they are collected.
    fn report(&self, limit: Option<Duration>) -> Report<T> {
        let collected = self.children.iter().filter_map(Child::collected).max();
        let elapsed = collected.map_or(Duration::ZERO, |last| last - self.started);
        let outcomes = self.children.iter().enumerate();
        Report {
            outcomes: outcomes
                .map(|(index, child)| outcome(index, child, limit))
                .collect(),
            elapsed,
        }
    }
}

impl<T> Workers<T> {
    /// Ends every worker with SIGTERM, like Python's `terminate()`: at once, in the middle of whatever it does. Its task is lost, and shared
    /// memory stays as it was at that moment. Call [`join`](Workers::join) afterwards.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let workers = Workers::spawn(2, |_| loop { std::hint::spin_loop() })?;
    /// workers.terminate();
    /// let report: Report<()> = workers.join()?;
    /// assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(15));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// This is a worker's copy of the handle, made by a fork.
    pub fn terminate(&self) {
        self.assert_parent();
        for child in self.children.iter().filter(|child| child.ended.is_none()) {
            let _ = sys::send_signal(child.pid, libc::SIGTERM);
        }
    }

    /// Kills worker `index` with SIGKILL, which no process can catch or delay.
    ///
    /// # Panics
    /// There is no worker `index`, or this is a worker's copy of the handle, made by a fork.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let workers = Workers::spawn(2, |w| if w.index() == 0 { loop { std::hint::spin_loop() } } else { 5 })?;
    /// workers.kill(0);
    /// let report = workers.join()?;
    /// assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(9));
    /// assert_eq!(report.outcomes()[1].value(), Some(&5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kill(&self, index: usize) {
        self.assert_parent();
        let count = self.children.len();
        assert!(
            index < count,
            "there is no worker {index}: these {count} workers are numbered 0 to {}.",
            count - 1
        );
        let child = &self.children[index];
        if child.ended.is_none() {
            let _ = sys::send_signal(child.pid, libc::SIGKILL);
        }
    }

    /// The process numbers of the workers, for tools such as `ps` and `strace`.
    ///
    /// # Examples
    /// ```
    /// use labsupport::prelude::*;
    /// let workers = Workers::spawn(2, |_| std::process::id())?;
    /// let pids = workers.pids();
    /// assert_eq!(workers.join()?.values()?, pids);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pids(&self) -> Vec<u32> {
        self.children.iter().map(|child| child.pid as u32).collect()
    }

    /// In another process these numbers may belong to other processes by now.
    fn assert_parent(&self) {
        assert!(
            sys::getpid() == self.parent,
            "only the process that spawned these workers can stop them, and a worker has only a copy of their handle: stop them in \
             the parent, or tell them with a flag."
        );
    }

    /// Reads every pipe to its end and collects every worker; kills those that outlast `limit`. `watch` sees the workers at first, whenever some
    /// have ended and were collected, and at the time that it asks for.
    fn wait(
        &mut self,
        limit: Option<Duration>,
        watch: impl FnMut(&[Child]) -> Option<Instant>,
    ) -> io::Result<()> {
        self.wait_and_tell(limit, watch, PATIENCE, |line| eprintln!("{line}"))
    }

    /// The same. After each `patience` in which no worker ended it looks whether there is something to tell, and tells it once.
    fn wait_and_tell(
        &mut self,
        limit: Option<Duration>,
        mut watch: impl FnMut(&[Child]) -> Option<Instant>,
        patience: Duration,
        mut tell: impl FnMut(&str),
    ) -> io::Result<()> {
        // A limit too long for the clock is no limit.
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        // When to look whether there is something to tell; `None` when all is told.
        let quiet = || Instant::now() + patience;
        let mut tell_at = deadline.is_none().then(quiet);
        let mut look = Some(Instant::now());
        loop {
            let waiting: Vec<usize> = (0..self.children.len())
                .filter(|&index| self.children[index].ended.is_none())
                .collect();
            if waiting.is_empty() {
                watch(&self.children);
                return Ok(());
            }
            let pipes: Vec<&PipeReader> = waiting.iter().map(|&i| &self.children[i].pipe).collect();
            let next = deadline.into_iter().chain(tell_at).chain(look).min();
            let ready = sys::wait_readable(&pipes, next)?;
            for &index in &ready {
                let child = &mut self.children[waiting[index]];
                if !child.receive()? {
                    child.reap()?;
                }
            }
            if !ready.is_empty() {
                look = Some(Instant::now());
                tell_at = tell_at.map(|_| quiet());
                continue;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                // Look at all of them before the first is killed: its locks go to the others, which then continue.
                for &index in &waiting {
                    let child = &mut self.children[index];
                    child.timed_out = Some((doing(child.pid), sys::sleeps_on(child.pid)));
                }
                for index in waiting {
                    let child = &mut self.children[index];
                    let _ = sys::send_signal(child.pid, libc::SIGKILL);
                    child.reap()?;
                }
            } else if look.is_some_and(|look| Instant::now() >= look) {
                look = watch(&self.children);
            } else if tell_at.is_some_and(|at| Instant::now() >= at) {
                // Workers that run now may sleep later, so only a message that was printed ends the looking.
                tell_at = Some(quiet());
                for index in waiting {
                    let doing = doing(self.children[index].pid);
                    if !doing.starts_with("running") {
                        tell_at = None;
                        tell(&format!(
                            "Still waiting for worker {index}, which is {doing}. Interrupt the cell (■) to stop, \
                             and give join_timeout a limit to be told sooner."
                        ));
                    }
                }
            }
        }
    }
}

impl<T> Drop for Workers<T> {
    fn drop(&mut self) {
        // A worker has copies of its parent's handles; the workers behind them are not its children.
        if sys::getpid() != self.parent {
            return;
        }
        let left = || self.children.iter().filter(|child| child.ended.is_none());
        for child in left() {
            let _ = sys::send_signal(child.pid, libc::SIGKILL);
        }
        for child in left() {
            let _ = sys::reap(child.pid);
            sys::clear_up_after(child.pid);
        }
    }
}

impl Child {
    /// Reads what has come; `false` at the end of the stream. Call it when the pipe is readable.
    fn receive(&mut self) -> io::Result<bool> {
        let mut chunk = [0u8; 16 * 1024];
        loop {
            match self.pipe.read(&mut chunk) {
                Ok(n) => {
                    self.received.extend_from_slice(&chunk[..n]);
                    return Ok(n > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn reap(&mut self) -> io::Result<()> {
        let (ended, usage) = sys::reap(self.pid)?;
        if matches!(ended, sys::Ended::Signal(_)) {
            sys::clear_up_after(self.pid);
        }
        self.ended = Some((ended, usage, self.forked.elapsed()));
        Ok(())
    }

    /// The moment at which it was collected.
    fn collected(&self) -> Option<Instant> {
        self.ended.map(|(_, _, after)| self.forked + after)
    }
}

/// What a worker that we wait for is doing, and a likely reason.
fn doing(pid: sys::Pid) -> String {
    let mut doing = sys::activity(pid);
    // A sleeper wakes now and then to look again, perhaps right now. A worker that really runs keeps running.
    for _ in 0..5 {
        if !doing.starts_with("running") {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
        doing = sys::activity(pid);
    }
    let threads = sys::other_threads();
    if threads > 0 && doing.starts_with("asleep") {
        doing.push_str(&format!(
            " (the parent has {threads} other threads, which a fork does not copy: if the worker uses rayon or another \
             thread pool, it waits for threads that it does not have)"
        ));
    }
    doing
}

/// Forks one worker; the parent gets the reading end of its pipe and its process number.
fn start<T: Serialize>(
    work: &impl Fn(&Worker) -> T,
    worker: Worker,
    parent: sys::Pid,
    forked: Instant,
    forking: &mut Forking,
) -> io::Result<(PipeReader, sys::Pid)> {
    // Closed on exec, so that a program started by a worker cannot keep it open.
    let (reader, writer) = io::pipe()?;
    match sys::fork()? {
        Some(pid) => Ok((reader, pid)),
        None => {
            fault::point("worker: forked");
            sys::die_with_parent(parent);
            forking.is_over_in_worker();
            drop(reader);
            fault::point("worker: ready");
            let (code, frame) = run(|| work(&worker), forked);
            fault::point("worker: closure ended");
            let _ = io::stdout().flush();
            let _ = io::stderr().flush();
            let sent = send(writer, &frame).is_ok();
            fault::point("worker: sent");
            sys::exit_now(if sent { code } else { 1 });
        }
    }
}

fn send(mut pipe: PipeWriter, frame: &[u8]) -> io::Result<()> {
    let (first, rest) = frame.split_at(fault::half(frame.len()));
    pipe.write_all(first)?;
    fault::point("worker: half sent");
    pipe.write_all(rest)
}

// The frame that a worker sends to its parent:
//
//   ┌─────┬──────────────────────┬──────────────────────────────────────────────┐
//   │ tag │ nanoseconds, 8 bytes │ postcard: the value, (message, location) or why │
//   └─────┴──────────────────────┴──────────────────────────────────────────────┘
//
// It counts only together with the exit code of a worker that ended by itself: one that was killed while it wrote has sent a part of it.
const RETURNED: u8 = 0;
const PANICKED: u8 = 1;
const UNWRITABLE: u8 = 2;
const HEADER: usize = 9;

/// Runs the closure in the worker; the exit code and the frame.
fn run<T: Serialize>(work: impl FnOnce() -> T, forked: Instant) -> (i32, Vec<u8>) {
    let frame = |tag: u8| {
        let mut frame = vec![tag];
        frame.extend((forked.elapsed().as_nanos() as u64).to_le_bytes());
        frame
    };
    // Nothing that the closure left half done is used again: the process ends.
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        let value = work();
        postcard::to_extend(&value, frame(RETURNED)).unwrap_or_else(|error| {
            let why = error.to_string();
            postcard::to_extend(&why, frame(UNWRITABLE)).unwrap_or_default()
        })
    }));
    match result {
        Ok(frame) => (0, frame),
        Err(payload) => {
            let panic = forking::about(&*payload);
            let frame = postcard::to_extend(&panic, frame(PANICKED)).unwrap_or_default();
            (101, frame)
        }
    }
}

fn outcome<T: DeserializeOwned>(
    index: usize,
    child: &Child,
    limit: Option<Duration>,
) -> Outcome<T> {
    let (ended, usage, collected) = child.ended.expect("wait collected the worker");
    let header = child.received.split_at_checked(HEADER);
    let (tag, wall, body) = header.map_or((None, collected, &[][..]), |(header, body)| {
        let nanos = u64::from_le_bytes(header[1..].try_into().expect("eight bytes"));
        (Some(header[0]), Duration::from_nanos(nanos), body)
    });
    let mut value = None;
    let sleeps_on = child.timed_out.as_ref().and_then(|(_, word)| *word);
    let exit = match (child.timed_out.clone(), ended, tag) {
        (_, sys::Ended::Code(0), Some(RETURNED)) => match postcard::from_bytes(body) {
            Ok(returned) => {
                value = Some(returned);
                Exit::Returned
            }
            Err(error) => Exit::ValueLost(error.to_string()),
        },
        (_, sys::Ended::Code(0), Some(UNWRITABLE)) => {
            Exit::ValueLost(postcard::from_bytes(body).unwrap_or_default())
        }
        (_, sys::Ended::Code(101), Some(PANICKED)) => {
            let (message, location) = postcard::from_bytes(body).unwrap_or_default();
            Exit::Panicked { message, location }
        }
        (Some((doing, _)), ..) => Exit::TimedOut {
            after: limit.unwrap_or_default(),
            doing,
        },
        (None, sys::Ended::Code(code), _) => Exit::Exited(code),
        (None, sys::Ended::Signal(signal), _) => Exit::Signaled(signal),
    };
    Outcome {
        index,
        exit,
        value,
        wall,
        cpu: usage.user + usage.system,
        sleeps_on,
    }
}

impl<T> fmt::Display for Workers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = match self.pids().len() {
            1 => "1 worker was".into(),
            count => format!("{count} workers were"),
        };
        write!(
            f,
            "{workers} started, and nothing waits for them. Write `let report = workers.join()?;`, and end the cell with `report`."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::cpu_time;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    #[test]
    fn a_worker_that_sleeps_after_a_long_run_is_reported_once() {
        const PATIENCE: Duration = Duration::from_millis(2);
        let mut workers = Workers::spawn(1, |_| -> () {
            while cpu_time() < 25 * PATIENCE {
                std::hint::spin_loop();
            }
            loop {
                std::thread::park();
            }
        })
        .unwrap();
        let (pid, mut told) = (workers.children[0].pid, Vec::new());
        let tell = |line: &str| {
            told.push(line.to_string());
            sys::send_signal(pid, libc::SIGKILL).unwrap();
        };
        workers
            .wait_and_tell(None, |_| None, PATIENCE, tell)
            .unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("Still waiting for worker 0, which is asleep"));
    }

    /// A value that does not survive the way to the parent.
    #[derive(Debug)]
    enum Stubborn {
        Unwritable,
        Unreadable,
    }

    impl Serialize for Stubborn {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Stubborn::Unwritable => Err(ser::Error::custom("no")),
                Stubborn::Unreadable => serializer.serialize_u8(0),
            }
        }
    }

    impl<'de> Deserialize<'de> for Stubborn {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(de::Error::custom("no"))
        }
    }

    #[test]
    fn a_value_that_does_not_survive_the_way_is_lost_without_a_panic() {
        let report = Workers::spawn(2, |w| match w.index() {
            0 => Stubborn::Unwritable,
            _ => Stubborn::Unreadable,
        });
        let report = report.unwrap().join().unwrap();
        for outcome in report.outcomes() {
            let exit = outcome.exit();
            assert!(matches!(exit, Exit::ValueLost(_)), "{exit}");
            assert!(
                exit.to_string()
                    .starts_with("returned, but its value was lost")
            );
        }
    }
}
