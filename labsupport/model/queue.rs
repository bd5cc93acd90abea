//! What the model checker is asked about the queue: see "What is proved, and how" in the README.

use super::bell::Bell;
use super::ring::Ring;
use crate::sync::search::{Search, check, finds, run_all};
use crate::sync::{AtomicU32, Ordering};
use Role::{Get, Put};
use std::sync::Arc;
use std::time::Duration;

/// The clock of a model stands still.
const NO_LIMIT: Duration = Duration::MAX;

/// The size of the ring in bytes, the smallest possible.
const RING: usize = 64;

/// Tokens with a bell: the simplest thing to wait for.
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

/// Whichever threads sleep, and whenever the bell rings: each taker gets its tokens.
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

/// What a thread does, and how many times.
#[derive(Clone, Copy, Debug)]
enum Role {
    Put(u8),
    Get(u8),
}

/// Every message arrives once and whole, each consumer sees a producer's messages in order, and every thread ends.
fn exchange(search: Search, capacity: usize, threads: &'static [Role]) {
    check(
        &format!("queue of {capacity}, {threads:?}"),
        search,
        move || {
            let ring = Ring::new(capacity, RING).unwrap();
            // Just before the positions overflow, and so that a message goes around the end of the ring.
            ring.start_at(u32::MAX, u32::MAX - 15);
            // As many messages as the capacity fill the ring, so that the next one goes where the first one was.
            let length = RING / capacity - size_of::<u64>();
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
            let left = std::iter::from_fn(|| ring.try_get(|bytes| bytes[0]));
            let mut got: Vec<_> = got.concat().into_iter().chain(left).collect();
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

/// What `Queue::get` does, without clocks. Returns the byte that the message consists of.
fn get(ring: &Ring, length: usize) -> u8 {
    loop {
        if let Some(message) = ring.try_get(|bytes| bytes.to_vec()) {
            assert_eq!(message, vec![message[0]; length], "not whole");
            return message[0];
        }
        ring.wait_for_message(NO_LIMIT);
    }
}

/// Two producers and two consumers, with different threads coming first: see "Limits" in the README.
const CROWDS: [&[Role]; 3] = [
    &[Put(1), Put(1), Get(1), Get(1)],
    &[Get(1), Get(1), Put(1), Put(1)],
    &[Put(1), Get(1), Get(1), Put(1)],
];

#[test]
fn one_ring_reaches_one_sleeper_in_every_order() {
    bell(Search::Whole, &[Put(1), Get(1)]);
    bell(Search::Whole, &[Get(1), Put(1)]);
}

#[test]
fn two_rings_reach_two_sleepers() {
    for threads in CROWDS {
        bell(Search::Preemptions(2), threads);
    }
}

#[test]
fn a_message_goes_from_one_to_the_other_in_every_order() {
    exchange(Search::Whole, 1, &[Put(1), Get(1)]);
    exchange(Search::Whole, 1, &[Get(1), Put(1)]);
}

#[test]
fn messages_stay_in_order_and_their_places_are_used_again() {
    for threads in [&[Put(3), Get(3)], &[Get(3), Put(3)]] as [&[Role]; 2] {
        exchange(Search::Preemptions(3), 1, threads);
        exchange(Search::Preemptions(3), 2, threads);
    }
}

#[test]
fn two_producers_and_two_consumers_lose_nothing() {
    for threads in CROWDS {
        exchange(Search::Preemptions(2), 1, threads);
        exchange(Search::Preemptions(2), 2, threads);
    }
}

#[test]
fn no_thread_sleeps_while_there_is_room_or_a_message() {
    exchange(Search::Preemptions(3), 2, &[Get(1), Get(1), Put(2)]);
    // Two messages stay: both producers end although no thread takes anything afterwards.
    exchange(Search::Preemptions(2), 2, &[Put(2), Put(2), Get(2)]);
}

/// With the bug planted, some search above ends in a deadlock: a sleeper that no thread wakes.
fn sleeps_forever(bug: &'static str, threads: &'static [Role]) {
    let said = finds(bug, || exchange(Search::Preemptions(1), 2, threads));
    assert!(said.contains("deadlock"), "{said}");
}

#[test]
fn a_ring_without_its_fence_is_found() {
    sleeps_forever("ring: no fence", &[Put(2), Get(2)]);
}

#[test]
fn a_sleeper_without_its_fence_is_found() {
    sleeps_forever("sleep: no fence", &[Put(2), Get(2)]);
}

#[test]
fn a_sleeper_without_its_second_look_is_found() {
    sleeps_forever("sleep: no second look", &[Put(2), Get(2)]);
}

#[test]
fn a_woken_thread_that_does_not_set_the_word_again_is_found() {
    sleeps_forever("woken: word not set again", &[Get(1), Get(1), Put(2)]);
}

#[test]
fn a_woken_thread_without_its_fence_is_found() {
    sleeps_forever("woken: no fence", &[Get(1), Get(1), Put(2)]);
}

#[test]
fn a_get_that_does_not_pass_the_bell_on_is_found() {
    sleeps_forever("get: not passed on", &[Get(1), Get(1), Put(2)]);
}

#[test]
fn a_put_that_does_not_pass_the_bell_on_is_found() {
    sleeps_forever("put: not passed on", &[Put(2), Put(2), Get(2)]);
}

/// With the bug planted, a consumer reads bytes that are not ordered after their writing, or a producer overwrites bytes that may still be read.
fn races(bug: &'static str) {
    let said = finds(bug, || {
        exchange(Search::Preemptions(1), 1, &[Put(2), Get(2)])
    });
    assert!(said.contains("Causality violation"), "{said}");
}

#[test]
fn a_put_that_does_not_release_its_bytes_is_found() {
    races("put: relaxed commit");
}

#[test]
fn a_get_that_does_not_release_its_place_is_found() {
    races("get: relaxed commit");
}
