//# wrong: a look at every record
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for record in mine {
        if best.load(Ordering::Acquire) < record {
            return;
        }
        if matches(record) {
            best.fetch_min(record, Ordering::AcqRel);
            return;
        }
    }
}

//# wrong: a look at every tenth record
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for record in mine {
        if record % 10 == 0 && best.load(Ordering::Acquire) < record {
            return;
        }
        if matches(record) {
            best.fetch_min(record, Ordering::AcqRel);
            return;
        }
    }
}

//# wrong: still a flag
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for record in mine {
        if record % 100 == 0 && best.load(Ordering::Acquire) != u64::MAX {
            return;
        }
        if matches(record) {
            best.fetch_min(record, Ordering::AcqRel);
            return;
        }
    }
}

//# wrong: a store instead of a minimum
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for record in mine {
        if record % 100 == 0 && best.load(Ordering::Acquire) < record {
            return;
        }
        if matches(record) {
            best.store(record, Ordering::Release);
            return;
        }
    }
}

//# wrong: reads, compares and stores
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for record in mine {
        if record % 100 == 0 && best.load(Ordering::Acquire) < record {
            return;
        }
        if matches(record) {
            if record < best.load(Ordering::Acquire) {
                best.store(record, Ordering::Release);
            }
            return;
        }
    }
}

//# wrong: one look, at the start
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    if best.load(Ordering::Acquire) < mine.start {
        return;
    }
    for record in mine {
        if matches(record) {
            best.fetch_min(record, Ordering::AcqRel);
            return;
        }
    }
}

//# wrong: never stops
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for record in mine {
        if matches(record) {
            best.fetch_min(record, Ordering::AcqRel);
        }
    }
}

//# right: counts its own records
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for (tested, record) in mine.enumerate() {
        if tested % 100 == 0 && best.load(Ordering::Acquire) < record {
            return;
        }
        if matches(record) {
            best.fetch_min(record, Ordering::AcqRel);
            return;
        }
    }
}

//# right: hundreds, one after the other
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for from in mine.clone().step_by(100) {
        if best.load(Ordering::Acquire) < from {
            return;
        }
        if let Some(record) = (from..mine.end.min(from + 100)).find(|&record| matches(record)) {
            best.fetch_min(record, Ordering::AcqRel);
            return;
        }
    }
}

//# wrong: compares and exchanges once, and gives up if another came between
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for record in mine {
        if record % 100 == 0 && best.load(Ordering::Acquire) < record {
            return;
        }
        if matches(record) {
            let seen = best.load(Ordering::Acquire);
            if record < seen {
                let _ = best.compare_exchange(seen, record, Ordering::AcqRel, Ordering::Acquire);
            }
            return;
        }
    }
}

//# right: compares and exchanges until it is settled
fn first_match(mine: std::ops::Range<u64>, best: &AtomicU64, matches: &dyn Fn(u64) -> bool) {
    for record in mine {
        if record % 100 == 0 && best.load(Ordering::Acquire) < record {
            return;
        }
        if matches(record) {
            let smaller = |seen: u64| (record < seen).then_some(record);
            let _ = best.fetch_update(Ordering::AcqRel, Ordering::Acquire, smaller);
            return;
        }
    }
}
