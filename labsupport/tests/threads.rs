//! The shared things between *threads* of one process. Workers are processes, and no sanitizer and no Miri sees across two of
//! them; the same memory between threads it does see. See "What is proved, and how" in `src/shared/queue/README.md`.

use labsupport::prelude::*;
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

/// Miri is some thousand times slower.
const MESSAGES: u64 = if cfg!(miri) { 12 } else { 20_000 };

/// Plain memory, which is what the flags and barriers below are to protect.
struct Plain(std::cell::UnsafeCell<u64>);

// SAFETY: each test below says what keeps its threads apart; that this is enough is what a sanitizer looks at.
unsafe impl Sync for Plain {}

impl Plain {
    fn new(value: u64) -> Plain {
        Plain(value.into())
    }

    /// # Safety
    /// No other thread uses it now.
    unsafe fn set(&self, value: u64) {
        // SAFETY: this function's contract.
        unsafe { *self.0.get() = value };
    }

    /// # Safety
    /// No other thread writes it now.
    unsafe fn get(&self) -> u64 {
        // SAFETY: this function's contract.
        unsafe { *self.0.get() }
    }
}

#[test]
fn two_producers_and_two_consumers_share_a_small_queue() {
    // So small that both sides sleep often and every message goes where another one was.
    let queue = Queue::<(u64, Vec<u8>)>::bounded_bytes(3, 64).unwrap();
    let sum = Value::new(0u64).unwrap();
    thread::scope(|scope| {
        for producer in 0..2u64 {
            let queue = &queue;
            scope.spawn(move || {
                for n in 0..MESSAGES {
                    let message = (n * 2 + producer, vec![n as u8; (n % 20) as usize]);
                    queue.put_timeout(message, LONG).unwrap();
                }
            });
        }
        for _ in 0..2 {
            let (queue, sum) = (&queue, sum.clone());
            scope.spawn(move || {
                let mut last = [None; 2];
                for _ in 0..MESSAGES {
                    let (number, bytes) = queue.get_timeout(LONG).unwrap();
                    let (n, producer) = (number / 2, (number % 2) as usize);
                    assert!(last[producer] < Some(n), "out of order");
                    last[producer] = Some(n);
                    assert_eq!(bytes, vec![n as u8; (n % 20) as usize]);
                    *sum.lock() += number;
                }
            });
        }
    });
    assert_eq!(sum.get(), (0..2 * MESSAGES).sum());
    assert!(queue.is_empty());
}

#[test]
fn what_is_lent_belongs_to_one_thread() {
    let queue = Queue::<[u8]>::bounded_bytes(3, 128).unwrap();
    thread::scope(|scope| {
        for producer in 0..2u8 {
            let queue = &queue;
            scope.spawn(move || {
                for n in 0..MESSAGES {
                    let fill = |bytes: &mut [u8]| bytes.fill((2 * n) as u8 + producer);
                    let len = (n % 60) as usize + 1;
                    queue.put_with_timeout(len, LONG, fill).unwrap();
                }
            });
            scope.spawn(move || {
                for _ in 0..MESSAGES {
                    let whole = |bytes: &[u8]| bytes.iter().all(|byte| *byte == bytes[0]);
                    assert!(queue.get_with_timeout(LONG, whole).unwrap());
                }
            });
        }
    });
    assert!(queue.is_empty());
}

#[test]
fn who_sees_the_flag_sees_the_answer() {
    for _ in 0..MESSAGES / 10 {
        let (found, answer) = (Flag::new().unwrap(), Plain::new(0));
        let wrote = thread::scope(|scope| {
            let finders = [1, 2].map(|mine| {
                let (found, answer) = (&found, &answer);
                scope.spawn(move || {
                    if found.is_set() {
                        return false;
                    }
                    let guard = found.lock();
                    if guard.is_set() {
                        return false;
                    }
                    // SAFETY: under the lock, and no thread reads before the flag is set.
                    unsafe { answer.set(mine) };
                    guard.set();
                    true
                })
            });
            while !found.is_set() {
                thread::yield_now();
            }
            // SAFETY: the flag is set, so the answer is written, and for the last time.
            assert_ne!(unsafe { answer.get() }, 0);
            finders.map(|finder| finder.join().unwrap())
        });
        assert!(wrote[0] != wrote[1], "{wrote:?}");
    }
}

#[test]
fn one_of_many_is_the_first() {
    for _ in 0..MESSAGES / 10 {
        let flag = Flag::new().unwrap();
        let firsts = thread::scope(|scope| {
            let tries = [(); 3].map(|()| scope.spawn(|| flag.set_once()));
            tries.map(|attempt| attempt.join().unwrap())
        });
        assert_eq!(firsts.iter().filter(|&&first| first).count(), 1);
    }
}

#[test]
fn what_is_written_before_a_barrier_is_read_after_it() {
    let barrier = Barrier::new(3).unwrap();
    let places = [(); 3].map(|()| Plain::new(0));
    thread::scope(|scope| {
        for me in 0..3 {
            let (barrier, places) = (&barrier, &places);
            scope.spawn(move || {
                for round in 1..=MESSAGES / 10 {
                    // SAFETY: each writes its own place, and reads come between the two barriers of a round.
                    unsafe { places[me].set(round) };
                    barrier.wait_timeout(LONG).unwrap();
                    for place in places {
                        // SAFETY: no thread writes before the second barrier.
                        assert_eq!(unsafe { place.get() }, round);
                    }
                    barrier.wait_timeout(LONG).unwrap();
                }
            });
        }
    });
}
