//! What the model checker is asked about the queue: see "What is proved, and how" in the README.

use super::bell::Bell;
use super::ring::Ring;
use crate::shared::model::{Search, check, finds, run_all};
use crate::sync::{AtomicU32, Ordering};
use Role::{Get, Put};
use std::sync::Arc;
use std::time::Duration;

/// A model's clock stands still.
const NO_LIMIT: Duration = Duration::MAX;

/// How many bytes the ring has, the fewest there can be.
const RING: usize = 64;

/// Tokens with a bell: the least that can be waited for.
struct Tokens {
    left: AtomicU32,
    bell: Bell,
}

impl Tokens {
    fn give(&self) {
        self.left.fetch_add(1, Ordering::Release);
        self.bell.ring();
    }

    /// Takes one, and passes the bell on if there is another one.
    fn take(&self) {
        loop {
            let left = self.left.load(Ordering::Acquire);
            if left == 0 {
                self.bell
                    .sleep(NO_LIMIT, || self.left.load(Ordering::Acquire) > 0);
            } else if self
                .left
                .compare_exchange(left, left - 1, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
            {
                if left > 1 {
                    self.bell.ring();
                }
                return;
            }
        }
    }
}

/// Whoever sleeps and whenever the bell rings: each taker gets its tokens.
fn bell(search: Search, threads: &'static [Role]) {
    check(&format!("bell, {threads:?}"), search, move || {
        let tokens = Arc::new(Tokens {
            left: AtomicU32::new(0),
            bell: Bell::new(),
        });
        run_all(threads.iter().map(|&role| {
            let tokens = Arc::clone(&tokens);
            move || match role {
                Put(times) => (0..times).for_each(|_| tokens.give()),
                Get(times) => (0..times).for_each(|_| tokens.take()),
            }
        }));
        assert_eq!(tokens.left.load(Ordering::Relaxed), 0);
    });
}

/// What a thread does, and how often.
#[derive(Clone, Copy, Debug)]
enum Role {
    Put(u8),
    Get(u8),
}

/// Every message is got once and whole, each consumer sees a producer's messages in order, and everybody comes home.
fn exchange(search: Search, capacity: usize, threads: &'static [Role]) {
    check(
        &format!("queue of {capacity}, {threads:?}"),
        search,
        move || {
            let ring = Ring::new(capacity, RING).unwrap();
            // Just before the positions overflow, and so that a message goes around the end of the ring.
            ring.start_at(u32::MAX, u32::MAX - 15);
            // As many as the capacity fill the ring, so that the next one goes where the first one was.
            let length = RING / capacity - size_of::<u32>();
            let got = run_all(threads.iter().enumerate().map(|(thread, &role)| {
                let ring = ring.clone();
                move || match role {
                    Put(times) => {
                        for n in 0..times {
                            put(&ring, &vec![thread as u8 * 16 + n; length]);
                        }
                        Vec::new()
                    }
                    Get(times) => (0..times).map(|_| get(&ring, length)).collect(),
                }
            }));
            for mine in &got {
                for producer in 0..threads.len() as u8 {
                    let order = mine.iter().filter(|&&message| message / 16 == producer);
                    assert!(order.is_sorted(), "out of order: {mine:?}");
                }
            }
            let mut got = got.concat();
            got.sort();
            let mut sent = Vec::new();
            for (thread, &role) in threads.iter().enumerate() {
                if let Put(times) = role {
                    sent.extend((0..times).map(|n| thread as u8 * 16 + n));
                }
            }
            assert_eq!(got, sent, "lost or doubled");
        },
    );
}

/// What `Queue::put` does, without clocks.
fn put(ring: &Ring, message: &[u8]) {
    while !ring.try_put(message) {
        ring.wait_for_room(message.len(), NO_LIMIT);
    }
}

/// What `Queue::get` does, without clocks. The byte that the message is made of.
fn get(ring: &Ring, length: usize) -> u8 {
    loop {
        if let Some(message) = ring.try_get(|bytes| bytes.to_vec()) {
            assert_eq!(message, vec![message[0]; length], "not whole");
            return message[0];
        }
        ring.wait_for_message(NO_LIMIT);
    }
}
#[test]
fn probe() {
    let env = |name: &str| std::env::var(name).unwrap();
    let number = |name: &str| env(name).parse::<usize>().unwrap();
    let search = env("P").parse().map_or(Search::Whole, Search::Preemptions);
    let threads: Vec<Role> = env("T")
        .split(' ')
        .map(|role| {
            let n = role[1..].parse().unwrap();
            if role.starts_with('p') {
                Put(n)
            } else {
                Get(n)
            }
        })
        .collect();
    let threads: &'static [Role] = threads.leak();
    let run = || match number("CAP") {
        0 => bell(search, threads),
        capacity => exchange(search, capacity, threads),
    };
    match std::env::var("BUG") {
        Ok(bug) => {
            finds(bug.leak(), run);
        }
        Err(_) => run(),
    }
}
