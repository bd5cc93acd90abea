//# wrong: sets the flag before it writes, under the lock
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    let guard = found.lock();
    if guard.is_set() {
        return false;
    }
    guard.set();
    finder.set(me);
    answer.set(100 * me);
    true
}

//# wrong: sets the flag between the two writes, under the lock
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    let guard = found.lock();
    if guard.is_set() {
        return false;
    }
    finder.set(me);
    guard.set();
    answer.set(100 * me);
    true
}

//# wrong: set_once first, then the writes
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    if !found.set_once() {
        return false;
    }
    finder.set(me);
    answer.set(100 * me);
    true
}

//# wrong: the writes first, then set_once
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    finder.set(me);
    answer.set(100 * me);
    found.set_once()
}

//# wrong: looks again before the lock
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    if found.is_set() {
        return false;
    }
    let guard = found.lock();
    finder.set(me);
    answer.set(100 * me);
    guard.set();
    true
}

//# wrong: looks again under the lock, and writes without it
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    if found.lock().is_set() {
        return false;
    }
    finder.set(me);
    answer.set(100 * me);
    found.set();
    true
}

//# wrong: takes the lock before it meets the other worker
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    let guard = found.lock();
    if guard.is_set() {
        return false;
    }
    meet();
    finder.set(me);
    answer.set(100 * me);
    guard.set();
    true
}

//# wrong: says that it wrote, whoever wrote
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    let guard = found.lock();
    if !guard.is_set() {
        finder.set(me);
        answer.set(100 * me);
        guard.set();
    }
    true
}

//# wrong: never sets the flag
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    let guard = found.lock();
    if guard.is_set() {
        return false;
    }
    finder.set(me);
    answer.set(100 * me);
    true
}

//# right: without the first look
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    meet();
    let guard = found.lock();
    if guard.is_set() {
        return false;
    }
    answer.set(100 * me);
    finder.set(me);
    guard.set();
    true
}

//# right: under the lock of the finder
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    let mut guard = finder.lock();
    if found.is_set() {
        return false;
    }
    *guard = me;
    answer.set(100 * me);
    found.set();
    true
}

//# right: set_once at the end, under the lock of the answer
fn publish(me: u64, found: &Flag, finder: &Value<u64>, answer: &Value<u64>, meet: &dyn Fn()) -> bool {
    if found.is_set() {
        return false;
    }
    meet();
    let mut guard = answer.lock();
    if found.is_set() {
        return false;
    }
    finder.set(me);
    *guard = 100 * me;
    found.set_once()
}
