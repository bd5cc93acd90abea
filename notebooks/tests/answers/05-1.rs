//# wrong: a store instead of a maximum
fn announce(word: &AtomicU64, me: u64) {
    word.store(me, Ordering::Release);
}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) == me
}

//# wrong: begin still resets
fn announce(word: &AtomicU64, me: u64) {
    word.fetch_max(me, Ordering::AcqRel);
}

fn begin(word: &AtomicU64, _me: u64) {
    word.store(0, Ordering::Release);
}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) == me
}

//# wrong: at least mine, instead of mine
fn announce(word: &AtomicU64, me: u64) {
    word.fetch_max(me, Ordering::AcqRel);
}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) >= me
}

//# wrong: one bit for each of 64 transactions
fn announce(word: &AtomicU64, me: u64) {
    word.fetch_or(1 << (me % 64), Ordering::AcqRel);
}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) >> (me % 64) & 1 == 1
}

//# wrong: reads, compares and stores
fn announce(word: &AtomicU64, me: u64) {
    if me > word.load(Ordering::Acquire) {
        word.store(me, Ordering::Release);
    }
}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) == me
}

//# wrong: begin announces
fn announce(word: &AtomicU64, me: u64) {
    word.fetch_max(me, Ordering::AcqRel);
}

fn begin(word: &AtomicU64, me: u64) {
    word.fetch_max(me, Ordering::AcqRel);
}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) == me
}

//# wrong: nobody is ever stopped
fn announce(_word: &AtomicU64, _me: u64) {}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(_word: &AtomicU64, _me: u64) -> bool {
    false
}

//# right: a compare-and-swap, again and again
fn announce(word: &AtomicU64, me: u64) {
    let mut now = word.load(Ordering::Acquire);
    while now < me {
        match word.compare_exchange(now, me, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return,
            Err(newer) => now = newer,
        }
    }
}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) == me
}

//# right: twice the number
fn announce(word: &AtomicU64, me: u64) {
    word.fetch_max(2 * me, Ordering::SeqCst);
}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::SeqCst) == 2 * me
}

//# wrong: compares and exchanges once, and gives up if another came between
fn announce(word: &AtomicU64, me: u64) {
    let seen = word.load(Ordering::Acquire);
    if seen < me {
        let _ = word.compare_exchange(seen, me, Ordering::AcqRel, Ordering::Acquire);
    }
}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) == me
}

//# right: compares and exchanges until it is settled
fn announce(word: &AtomicU64, me: u64) {
    let mut seen = word.load(Ordering::Acquire);
    while seen < me {
        match word.compare_exchange_weak(seen, me, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return,
            Err(newer) => seen = newer,
        }
    }
}

fn begin(_word: &AtomicU64, _me: u64) {}

fn is_decided(word: &AtomicU64, me: u64) -> bool {
    word.load(Ordering::Acquire) == me
}
