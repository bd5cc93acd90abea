use super::bell::Bell;
use crate::shared::error::SharedError;
use crate::shared::lock_cell::{Advice, LockCell, LockGuard};
use crate::shared::segment::Segment;
use crate::sync::{AtomicU64, Ordering, seeded, weakened};
use crate::sys::{self, fault};
use std::convert::Infallible;
use std::hint;
use std::mem::offset_of;
use std::ops::Range;
use std::time::Duration;

/// Positions are 32 bits wide; half of that keeps "how far apart" unambiguous.
pub(super) const MOST_BYTES: usize = 1 << 30;

/// Each message's label, and the first byte that may follow it, lie at a multiple of this.
pub(super) const ALIGN: usize = 8;

/// Bytes of a label.
const LABEL: usize = 8;

/// How often to look again before sleeping, if another core can change what we look at.
const LOOKS: u32 = 200;

/// The ring of messages, as bytes. See `README.md`.
#[derive(Clone)]
pub(super) struct Ring {
    segment: Segment,
    capacity: u32,
    /// A power of two. As many bytes follow the ring, so that each message lies in one piece.
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
    /// Where this side waits for the other. On cache lines of its own: the other side reads it after each operation, and it seldom changes.
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

/// What precedes each message in the ring.
#[derive(Clone, Copy)]
struct Label {
    /// Bytes between the label and the message: a large one is moved to an address at which it can be copied fast.
    skip: u32,
    /// Bytes of the message.
    len: u32,
}

impl Label {
    fn of(word: [u8; LABEL]) -> Label {
        let word = u64::from_ne_bytes(word);
        Label {
            skip: (word >> 32) as u32,
            len: word as u32,
        }
    }

    fn word(self) -> [u8; LABEL] {
        (u64::from(self.skip) << 32 | u64::from(self.len)).to_ne_bytes()
    }
}

/// The number of bytes that a label and `len` bytes behind it take in the ring.
fn frame(len: usize) -> u32 {
    (LABEL + len).next_multiple_of(ALIGN) as u32
}

/// How much room a producer needs before it writes.
#[derive(Clone, Copy)]
pub(super) enum Room {
    /// For a message of this many bytes, at most the largest one.
    For(usize),
    /// All that there is: the message's size is not known yet.
    All,
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
        let segment = Segment::of_kind("queue", RING + 2 * bytes)?;
        for (slot, side) in [offset_of!(Header, get), offset_of!(Header, put)]
            .into_iter()
            .enumerate()
        {
            // SAFETY: the segment is new and begins with room for a Header, of which these are fields.
            unsafe {
                segment.make_lock(slot, side + offset_of!(Side, lock))?;
                segment.place(side + offset_of!(Side, position), AtomicU64::new(0));
                segment.place(side + offset_of!(Side, bell), Bell::new());
                // A message's closure has a plain reference to bytes of the ring, which a fork would copy.
                segment.at::<LockCell>(side).as_ref().lends();
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
        self.bytes as usize - LABEL
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
        let put = self.try_put_with(Room::For(message.len()), |room| {
            room[..message.len()].copy_from_slice(message);
            Ok::<_, Infallible>(0..message.len())
        });
        put.is_ok_and(|put| put)
    }

    /// Lets `write` write a message into free bytes of the ring, if there are enough. It gets all that follow the next label, and returns the
    /// range that it has made the message. If it panics or returns an error, or if the process dies in it, nothing was put.
    ///
    /// `write` runs under the lock of the put side.
    #[inline]
    pub(super) fn try_put_with<E>(
        &self,
        room: Room,
        write: impl FnOnce(&mut [u8]) -> Result<Range<usize>, E>,
    ) -> Result<bool, E> {
        let header = self.header();
        let (put, get) = (&header.put, &header.get);
        let guard = lock(&put.lock, self.looks);
        let tail = Position::of(put.position.load(Ordering::Relaxed));
        let head = Position::of(get.position.load(Ordering::Acquire));
        fault::point("put: locked");
        let least = match room {
            Room::For(len) => len,
            Room::All => 0,
        };
        if !self.fits(head, tail, frame(least)) {
            return Ok(false);
        }
        let free = (self.bytes - tail.bytes.wrapping_sub(head.bytes)) as usize - LABEL;
        let at = self.place(tail);
        // SAFETY: the ring is followed by as many bytes again, so these are within the segment. Only the holder of the put lock, which we
        // are until `guard` goes, writes to the ring, and only to what is free; no consumer reads what is free. No process forked in
        // `write` can use a copy of the reference: see `lends` in `new`.
        let bytes = unsafe { self.segment.bytes_mut(at + LABEL, free) };
        let message = write(bytes)?;
        assert!(message.start <= message.end && message.end <= free);
        let label = Label {
            skip: message.start as u32,
            len: message.len() as u32,
        };
        // SAFETY: as above; `bytes` begins behind it.
        unsafe { self.segment.copy_in(at, &label.word()) };
        let next = tail.after(frame(message.end));
        fault::point("put: written");
        // The commit.
        put.position.store(
            next.word(),
            weakened("put: relaxed commit", Ordering::Release),
        );
        fault::point("put: committed");
        drop(guard);
        fault::point("put: unlocked");
        get.bell.ring();
        if self.fits(head, next, frame(message.len())) && !seeded("put: not passed on") {
            // There is room for one more message like this: the consumer that made it may have seen only us asleep.
            put.bell.pass_on();
        }
        Ok(true)
    }

    /// Takes the message at the front, if there is one, and lets `read` read it where it lies. The message is taken when `read` returns or
    /// panics. If the process dies in it, the message stays.
    ///
    /// `read` runs under the lock of the get side.
    #[inline]
    pub(super) fn try_get<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let header = self.header();
        let (get, put) = (&header.get, &header.put);
        let (head, tail) = self.positions();
        if head == tail {
            return None; // without the lock, since many may be looking at an empty queue
        }
        let guard = lock(&get.lock, self.looks);
        let head = Position::of(get.position.load(Ordering::Relaxed));
        let tail = Position::of(put.position.load(Ordering::Acquire));
        fault::point("get: locked");
        if head == tail {
            return None;
        }
        let at = self.place(head);
        let mut label = [0; LABEL];
        // SAFETY: the ring is followed by as many bytes again, so this is within the segment. The bytes were committed by a release
        // store that we have seen with an acquire load. No producer overwrites them before the head moves, for which we hold the lock.
        unsafe { self.segment.copy_out(at, &mut label) };
        let Label { skip, len } = Label::of(label);
        let frame = frame(skip as usize + len as usize);
        assert!(
            frame <= self.bytes,
            "a queue's memory was overwritten; restart the kernel."
        );
        let (at, len) = (at + LABEL + skip as usize, len as usize);
        let taking = Taking {
            ring: self,
            guard: Some(guard),
            next: head.after(frame),
            tail,
        };
        // SAFETY: as above, until `taking` goes. No process forked in `read` can use a copy of the reference: see `lends` in `new`.
        let result = read(unsafe { self.segment.bytes(at, len) });
        // A model checker asks at the end too whether nothing writes them.
        #[cfg(loom)]
        // SAFETY: as above.
        let _ = unsafe { self.segment.bytes(at, len) };
        drop(taking);
        Some(result)
    }

    /// Where the label of the message at `position` lies in the segment.
    #[inline]
    fn place(&self, position: Position) -> usize {
        RING + (position.bytes & (self.bytes - 1)) as usize
    }

    /// Puts both sides of an empty ring at a point of the stream.
    #[cfg(test)]
    pub(super) fn start_at(&self, messages: u32, bytes: u32) {
        let word = Position { messages, bytes }.word();
        self.header().get.position.store(word, Ordering::Relaxed);
        self.header().put.position.store(word, Ordering::Relaxed);
    }

    pub(super) fn wait_for_message(&self, limit: Duration) {
        let Header { get, put } = self.header();
        self.wait(get, put, limit, || !self.is_empty());
    }

    pub(super) fn wait_for_room(&self, len: usize, limit: Duration) {
        let Header { get, put } = self.header();
        self.wait(put, get, limit, || self.has_room(len));
    }

    #[inline]
    fn wait(&self, side: &Side, other: &Side, limit: Duration, ready: impl Fn() -> bool) {
        for _ in 0..self.looks {
            if ready() {
                return;
            }
            hint::spin_loop();
        }
        // Nothing changes on the other side while this thread holds its lock.
        other.lock.refuse_holder(QUEUE);
        side.bell.sleep(limit, ready);
    }

    /// Whether only the calling thread is left to use this queue.
    ///
    /// Only the process that made the queue and those forked from it know the memory, and a worker does not outlive its parent. So a worker
    /// is never alone, and the creator is alone when it has no living child and no other thread. Slow; for callers that have waited long.
    pub(super) fn is_alone(&self) -> bool {
        self.creator == sys::getpid() && !sys::has_live_children() && sys::other_threads() == 0
    }
}

/// A message that is being read. It is taken when this goes, also in a panic: a message whose reader panics must not meet the next one.
struct Taking<'a> {
    ring: &'a Ring,
    /// Of the get side; there until the drop.
    guard: Option<LockGuard<'a>>,
    /// The front after this message.
    next: Position,
    /// The end of the stream as it was when the message was found.
    tail: Position,
}

impl Drop for Taking<'_> {
    #[inline]
    fn drop(&mut self) {
        let Header { get, put } = self.ring.header();
        fault::point("get: copied");
        // The commit: from here on the message is ours, and dies with us.
        get.position.store(
            self.next.word(),
            weakened("get: relaxed commit", Ordering::Release),
        );
        fault::point("get: committed");
        drop(self.guard.take());
        fault::point("get: unlocked");
        put.bell.ring();
        if self.next != self.tail && !seeded("get: not passed on") {
            // There is another message: its producer may have seen only us asleep.
            get.bell.pass_on();
        }
    }
}

/// Takes the lock. The holder is nearly always done within nanoseconds, so look a few times before sleeping. A look only reads: an attempt
/// would take the cache line away from the holder.
#[inline]
fn lock(cell: &LockCell, looks: u32) -> LockGuard<'_> {
    for _ in 0..looks {
        if cell.looks_free()
            && let Some(guard) = cell.try_lock()
        {
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
    instead: "put and take in turn: nothing that reads or writes a message in place, such as the closure of `put_with` or `get_with`, can use \
              the same queue.",
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
