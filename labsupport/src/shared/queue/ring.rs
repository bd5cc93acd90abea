use super::bell::Bell;
use crate::shared::error::SharedError;
use crate::shared::lock_cell::{Advice, LockCell, LockGuard};
use crate::shared::segment::Segment;
use crate::sync::{AtomicU64, Ordering, seeded, weakened};
use crate::sys::{self, fault};
use std::hint;
use std::mem::offset_of;
use std::ops::Range;
use std::time::Duration;

/// Positions are 32 bits wide; half of that keeps "how far apart" unambiguous.
pub(super) const MOST_BYTES: usize = 1 << 30;

/// The length word of each message starts at a multiple of this.
const ALIGN: usize = 8;

/// How often to look again before sleeping, if another core can change what we look at.
const LOOKS: u32 = 200;

/// The ring of messages, as bytes. See `README.md`.
#[derive(Clone)]
pub(super) struct Ring {
    segment: Segment,
    capacity: u32,
    /// A power of two.
    bytes: u32,
    looks: u32,
    creator: sys::Pid,
}

/// What lies at the start of the segment; the ring follows it.
#[repr(C)]
struct Header {
    get: Side,
    put: Side,
}

/// Where the ring of bytes begins.
const RING: usize = size_of::<Header>();

/// What one side of the queue, the consumers or the producers, shares.
#[repr(C, align(128))]
struct Side {
    lock: LockCell,
    /// How far this side has come. Only the holder of `lock` writes it, in one store that commits its whole operation.
    position: AtomicU64,
    /// Where this side waits for the other.
    bell: Bell,
}

/// A point in the stream: messages and bytes before it, both modulo 2^32.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Position {
    messages: u32,
    bytes: u32,
}

impl Position {
    fn of(word: u64) -> Position {
        Position {
            messages: (word >> 32) as u32,
            bytes: word as u32,
        }
    }

    fn word(self) -> u64 {
        u64::from(self.messages) << 32 | u64::from(self.bytes)
    }

    fn after(self, frame: u32) -> Position {
        Position {
            messages: self.messages.wrapping_add(1),
            bytes: self.bytes.wrapping_add(frame),
        }
    }
}

/// The number of bytes that a message of `len` bytes takes in the ring.
fn frame(len: usize) -> u32 {
    (size_of::<u32>() + len).next_multiple_of(ALIGN) as u32
}

impl Ring {
    pub(super) fn new(capacity: usize, bytes: usize) -> Result<Ring, SharedError> {
        if capacity == 0 {
            return Err(SharedError::Empty("messages"));
        }
        if bytes == 0 {
            return Err(SharedError::Empty("bytes"));
        }
        for (asked, of) in [(capacity, "messages"), (bytes, "bytes")] {
            if asked > MOST_BYTES {
                return Err(SharedError::TooLarge {
                    asked,
                    limit: MOST_BYTES,
                    of,
                });
            }
        }
        let bytes = bytes.next_power_of_two().max(64);
        let segment = Segment::of_kind("queue", RING + bytes)?;
        for (slot, side) in [offset_of!(Header, get), offset_of!(Header, put)]
            .into_iter()
            .enumerate()
        {
            // SAFETY: the segment is new and begins with room for a Header, of which these are fields.
            unsafe {
                segment.make_lock(slot, side + offset_of!(Side, lock))?;
                segment.place(side + offset_of!(Side, position), AtomicU64::new(0));
                segment.place(side + offset_of!(Side, bell), Bell::new());
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Ok(Ring {
            segment,
            capacity: capacity as u32,
            bytes: bytes as u32,
            // On one core nothing can change while we look; a model tries all orders anyway.
            looks: if cores > 1 && !cfg!(loom) { LOOKS } else { 0 },
            creator: sys::getpid(),
        })
    }

    /// The addresses of the two sides, get and put.
    pub(super) fn sides(&self) -> (Range<usize>, Range<usize>) {
        let start = self.segment.addresses().start;
        let side = |offset: usize| start + offset..start + offset + size_of::<Side>();
        (side(offset_of!(Header, get)), side(offset_of!(Header, put)))
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the segment starts with a Header: `new` made its locks and placed the rest, which is atomics alone.
        unsafe { self.segment.at::<Header>(0).as_ref() }
    }

    /// Head and tail, read one after the other. If they are equal, the ring was empty at some moment in between. Their distance may be more
    /// than there ever was, since others put and get meanwhile.
    #[inline]
    fn positions(&self) -> (Position, Position) {
        let header = self.header();
        // The head first: the other way round, a get in between could make the head overtake the tail.
        let head = Position::of(header.get.position.load(Ordering::Acquire));
        let tail = Position::of(header.put.position.load(Ordering::Acquire));
        (head, tail)
    }

    /// How many messages there were at one moment.
    pub(super) fn len(&self) -> usize {
        count(|| self.positions())
    }

    pub(super) fn is_empty(&self) -> bool {
        let (head, tail) = self.positions();
        head == tail
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    pub(super) fn largest_message(&self) -> usize {
        self.bytes as usize - ALIGN
    }

    pub(super) fn has_room(&self, len: usize) -> bool {
        let (head, tail) = self.positions();
        self.fits(head, tail, frame(len))
    }

    #[inline]
    fn fits(&self, head: Position, tail: Position, frame: u32) -> bool {
        tail.messages.wrapping_sub(head.messages) < self.capacity
            // `largest_message` ensures that a frame is no larger than the ring.
            && tail.bytes.wrapping_sub(head.bytes) <= self.bytes - frame
    }

    /// Puts a message if there is room.
    #[inline]
    pub(super) fn try_put(&self, message: &[u8]) -> bool {
        let header = self.header();
        let frame = frame(message.len());
        let guard = lock(&header.put.lock, self.looks);
        let tail = Position::of(header.put.position.load(Ordering::Relaxed));
        let head = Position::of(header.get.position.load(Ordering::Acquire));
        fault::point("put: locked");
        if !self.fits(head, tail, frame) {
            return false;
        }
        self.write(tail.bytes, &(message.len() as u32).to_ne_bytes());
        self.write(tail.bytes.wrapping_add(4), message);
        let next = tail.after(frame);
        fault::point("put: written");
        // The commit.
        header.put.position.store(
            next.word(),
            weakened("put: relaxed commit", Ordering::Release),
        );
        fault::point("put: committed");
        drop(guard);
        fault::point("put: unlocked");
        header.get.bell.ring();
        if self.fits(head, next, frame) && !seeded("put: not passed on") {
            // There is room for one more message like this: the consumer that made it may have seen only us asleep.
            header.put.bell.pass_on();
        }
        true
    }

    /// Takes the message at the front, if there is one, and gives its bytes to `read`.
    #[inline]
    pub(super) fn try_get<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let header = self.header();
        let (head, tail) = self.positions();
        if head == tail {
            return None; // without the lock, since many may be looking at an empty queue
        }
        let guard = lock(&header.get.lock, self.looks);
        let head = Position::of(header.get.position.load(Ordering::Relaxed));
        let tail = Position::of(header.put.position.load(Ordering::Acquire));
        fault::point("get: locked");
        if head == tail {
            return None;
        }
        let mut length = [0; 4];
        self.read(head.bytes, &mut length);
        let length = u32::from_ne_bytes(length) as usize;
        let mut small = [0u8; 128];
        let mut large = Vec::new();
        let message = if length <= small.len() {
            &mut small[..length]
        } else {
            large.resize(length, 0);
            &mut large[..]
        };
        self.read(head.bytes.wrapping_add(4), message);
        let next = head.after(frame(length));
        fault::point("get: copied");
        // The commit: from here on the message is ours, and dies with us.
        header.get.position.store(
            next.word(),
            weakened("get: relaxed commit", Ordering::Release),
        );
        fault::point("get: committed");
        drop(guard);
        fault::point("get: unlocked");
        header.put.bell.ring();
        if next != tail && !seeded("get: not passed on") {
            // There is another message: its producer may have seen only us asleep.
            header.get.bell.pass_on();
        }
        Some(read(message))
    }

    /// Puts both sides of an empty ring at a point of the stream.
    #[cfg(test)]
    pub(super) fn start_at(&self, messages: u32, bytes: u32) {
        let word = Position { messages, bytes }.word();
        self.header().get.position.store(word, Ordering::Relaxed);
        self.header().put.position.store(word, Ordering::Relaxed);
    }

    pub(super) fn wait_for_message(&self, limit: Duration) {
        self.wait(&self.header().get.bell, limit, || !self.is_empty());
    }

    pub(super) fn wait_for_room(&self, len: usize, limit: Duration) {
        self.wait(&self.header().put.bell, limit, || self.has_room(len));
    }

    #[inline]
    fn wait(&self, bell: &Bell, limit: Duration, ready: impl Fn() -> bool) {
        for _ in 0..self.looks {
            if ready() {
                return;
            }
            hint::spin_loop();
        }
        bell.sleep(limit, ready);
    }

    /// Whether only the calling thread is left to use this queue.
    ///
    /// Only the process that made the queue and those forked from it know the memory, and a worker does not outlive its parent. So a worker
    /// is never alone, and the creator is alone when it has no living child and no other thread. Slow; for callers that have waited long.
    pub(super) fn is_alone(&self) -> bool {
        self.creator == sys::getpid() && !sys::has_live_children() && sys::other_threads() == 0
    }

    /// Copies `bytes` into the ring at stream position `at`, around its end if necessary.
    #[inline]
    fn write(&self, at: u32, bytes: &[u8]) {
        let (start, first) = self.split(at, bytes.len());
        // SAFETY: `split` keeps both parts within the ring. Only the holder of the put lock writes here, and `fits` said that
        // these bytes are free: no consumer reads them before the commit.
        unsafe {
            self.segment.copy_in(RING + start, &bytes[..first]);
            self.segment.copy_in(RING, &bytes[first..]);
        }
    }

    #[inline]
    fn read(&self, at: u32, bytes: &mut [u8]) {
        let (start, first) = self.split(at, bytes.len());
        // SAFETY: `split` keeps both parts within the ring. The bytes were committed by a release store that we have seen with
        // an acquire load, and no producer overwrites them before the head moves, for which we hold the lock.
        unsafe {
            self.segment.copy_out(RING + start, &mut bytes[..first]);
            self.segment.copy_out(RING, &mut bytes[first..]);
        }
    }

    /// Where stream position `at` lies in the ring, and how many of `len` bytes fit before the ring's end.
    #[inline]
    fn split(&self, at: u32, len: usize) -> (usize, usize) {
        assert!(
            len <= self.bytes as usize,
            "a queue's memory was overwritten; restart the kernel."
        );
        let start = (at & (self.bytes - 1)) as usize;
        (start, len.min(self.bytes as usize - start))
    }
}

/// Takes the lock. The holder is nearly always done within nanoseconds, so look a few times before sleeping.
#[inline]
fn lock(cell: &LockCell, looks: u32) -> LockGuard<'_> {
    for _ in 0..looks {
        if let Some(guard) = cell.try_lock() {
            return guard;
        }
        hint::spin_loop();
    }
    cell.lock(QUEUE)
}

/// How many messages there were at one moment. Reads head and tail as often as that takes.
fn count(mut positions: impl FnMut() -> (Position, Position)) -> usize {
    let mut seen = positions();
    loop {
        let again = positions();
        // The head was the same before and after the first tail was read, so both were true then.
        if seen.0 == again.0 {
            return seen.1.messages.wrapping_sub(seen.0.messages) as usize;
        }
        seen = again;
    }
}

const QUEUE: Advice = Advice {
    what: "a lock of this queue",
    instead: "do not use the queue in code that interrupts its own put or get, such as a signal handler.",
};

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_their_own_overflow() {
        let ring = Ring::new(4, 64).unwrap();
        ring.start_at(u32::MAX - 2, u32::MAX - 15);
        let put = |n: u32| assert!(ring.try_put(&n.to_le_bytes()));
        let get = || ring.try_get(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
        for n in 0..50 {
            put(n);
            put(n + 1000);
            assert_eq!(ring.len(), 2);
            assert_eq!([get(), get()], [Some(n), Some(n + 1000)]);
        }
    }

    /// A reader that is interrupted between the two reads has an old head.
    #[test]
    fn a_head_and_a_tail_from_different_moments_are_not_counted() {
        let at = |messages| Position { messages, bytes: 0 };
        let counted = |reads: &[(u32, u32)]| {
            let mut reads = reads.iter().map(|&(head, tail)| (at(head), at(tail)));
            count(|| reads.next().unwrap())
        };
        assert_eq!(counted(&[(5, 7), (5, 9)]), 2);
        assert_eq!(
            counted(&[(0, 1669), (1668, 1670), (1669, 1670), (1669, 1671)]),
            1
        );
        assert_eq!(counted(&[(u32::MAX, 1), (u32::MAX, 1)]), 2);
    }
}
