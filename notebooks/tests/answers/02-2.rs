//# wrong: the lock, and no second comparison
fn offer(candidate: u64, best: &Value<u64>, meet: &dyn Fn()) {
    if candidate < best.get() {
        meet();
        *best.lock() = candidate;
    }
}

//# wrong: a second comparison, and no lock around it and the writing
fn offer(candidate: u64, best: &Value<u64>, meet: &dyn Fn()) {
    if candidate < best.get() {
        meet();
        if candidate < best.get() {
            best.set(candidate);
        }
    }
}

//# wrong: compares under the lock, and gives it back before it writes
fn offer(candidate: u64, best: &Value<u64>, meet: &dyn Fn()) {
    if candidate < best.get() {
        meet();
        let is_smaller = candidate < *best.lock();
        if is_smaller {
            *best.lock() = candidate;
        }
    }
}

//# wrong: meets under the lock
fn offer(candidate: u64, best: &Value<u64>, meet: &dyn Fn()) {
    let mut guard = best.lock();
    if candidate < *guard {
        meet();
        *guard = candidate;
    }
}

//# wrong: the larger one wins
fn offer(candidate: u64, best: &Value<u64>, meet: &dyn Fn()) {
    if candidate < best.get() {
        meet();
        let mut guard = best.lock();
        if *guard == u64::MAX || candidate > *guard {
            *guard = candidate;
        }
    }
}

//# wrong: only the first offer counts
fn offer(candidate: u64, best: &Value<u64>, meet: &dyn Fn()) {
    if candidate < best.get() {
        meet();
        let mut guard = best.lock();
        if *guard == u64::MAX {
            *guard = candidate;
        }
    }
}

//# right: the smaller of the two, under the lock
fn offer(candidate: u64, best: &Value<u64>, meet: &dyn Fn()) {
    meet();
    let mut guard = best.lock();
    *guard = candidate.min(*guard);
}

//# right: a first look without the lock
fn offer(candidate: u64, best: &Value<u64>, meet: &dyn Fn()) {
    if candidate >= best.get_unlocked() {
        return;
    }
    meet();
    let mut guard = best.lock();
    if candidate < *guard {
        *guard = candidate;
    }
}
