//! What a look, a lock and a worker cost, each beside the bare thing of the system it is made of.
//!
//! `cargo bench -p labsupport --bench primitives`. The last lines are ratios of pairs measured in turn.

mod pairs;

use criterion::{Criterion, criterion_group, criterion_main};
use labsupport::prelude::*;
use pairs::{Pair, per_op};
use std::cell::UnsafeCell;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A robust, process-shared pthread mutex in plain memory: the limit for our lock.
struct BareMutex(UnsafeCell<libc::pthread_mutex_t>);

impl BareMutex {
    fn new() -> Box<BareMutex> {
        let mutex = Box::new(BareMutex(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)));
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the attributes are a live local, initialised first; the mutex lies in its box and does not move.
        unsafe {
            libc::pthread_mutexattr_init(attributes.as_mut_ptr());
            libc::pthread_mutexattr_setpshared(
                attributes.as_mut_ptr(),
                libc::PTHREAD_PROCESS_SHARED,
            );
            libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST);
            libc::pthread_mutex_init(mutex.0.get(), attributes.as_ptr());
        }
        mutex
    }

    fn lock_and_unlock(&self) {
        // SAFETY: the mutex was made in `new`; this thread locks and unlocks it.
        unsafe {
            libc::pthread_mutex_lock(self.0.get());
            libc::pthread_mutex_unlock(self.0.get());
        }
    }
}

/// Forks `count` children that leave at once, and waits for them.
fn bare_fork_and_wait(count: usize) {
    // SAFETY: the children call nothing but _exit; the parent waits for as many as it has forked.
    unsafe {
        for _ in 0..count {
            if libc::fork() == 0 {
                libc::_exit(0);
            }
        }
        for _ in 0..count {
            libc::wait(std::ptr::null_mut());
        }
    }
}

fn spawn_and_join(count: usize) {
    let workers = Workers::spawn(count, |w| w.index() as u64).unwrap();
    black_box(workers.join().unwrap().values().unwrap());
}

fn once(op: impl FnOnce()) -> Duration {
    let start = Instant::now();
    op();
    start.elapsed()
}

fn primitives(c: &mut Criterion) {
    let flag = Flag::new().unwrap();
    let atomic = AtomicU32::new(0);
    let lock = Lock::new().unwrap();
    let bare = BareMutex::new();
    let value = Value::new(0u64).unwrap();

    let mut group = c.benchmark_group("read a flag");
    group.bench_function("Flag::is_set", |b| b.iter(|| black_box(&flag).is_set()));
    group.bench_function("in-process atomic load", |b| {
        b.iter(|| black_box(&atomic).load(Ordering::Acquire) == 1)
    });
    group.bench_function("Flag::is_set_locked", |b| {
        b.iter(|| black_box(&flag).is_set_locked())
    });
    group.bench_function("Value::get", |b| b.iter(|| black_box(&value).get()));
    group.finish();

    let mut group = c.benchmark_group("lock and unlock");
    group.bench_function("Lock", |b| b.iter(|| drop(black_box(&lock).lock())));
    group.bench_function("bare robust pthread mutex", |b| {
        b.iter(|| black_box(&bare).lock_and_unlock())
    });
    group.finish();

    let mut group = c.benchmark_group("start and join 4 workers");
    group.sample_size(50);
    group.bench_function("Workers", |b| b.iter(|| spawn_and_join(4)));
    group.bench_function("bare fork and wait", |b| b.iter(|| bare_fork_and_wait(4)));
    group.finish();

    // The flag's handle lies in a register in a real loop, so the loop body is what is timed here, as in a worker.
    Pair::new("read a flag: Flag::is_set / in-process atomic load", 101).run(
        || per_op(4_000_000, || flag.is_set()),
        || per_op(4_000_000, || atomic.load(Ordering::Acquire) == 1),
    );
    Pair::new("lock and unlock: Lock / bare robust pthread mutex", 101).run(
        || per_op(400_000, || drop(lock.lock())),
        || per_op(400_000, || bare.lock_and_unlock()),
    );
    Pair::new("start and join 4: Workers / bare fork and wait", 301).run(
        || once(|| spawn_and_join(4)),
        || once(|| bare_fork_and_wait(4)),
    );
}

criterion_group!(benches, primitives);
criterion_main!(benches);
