//# wrong: each worker counts everything, and adds it under the lock
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    *total.lock() += (0..n).filter(|&number| is_hit(number)).count() as u64;
}

//# wrong: shared out, and the last worker overwrites the others
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    total.set(w.share_of(0..n).filter(|&number| is_hit(number)).count() as u64);
}

//# wrong: reads, adds and writes, and something fits between
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    let mine = w.share_of(0..n).filter(|&number| is_hit(number)).count() as u64;
    total.set(total.get() + mine);
}

//# wrong: takes the lock twice, once to read and once to write
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    let mine = w.share_of(0..n).filter(|&number| is_hit(number)).count() as u64;
    let so_far = *total.lock();
    *total.lock() = so_far + mine;
}

//# wrong: equal parts, and the numbers that are left over are nobody's
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    let (me, part) = (w.index() as u64, n / w.count() as u64);
    *total.lock() += (me * part..(me + 1) * part).filter(|&number| is_hit(number)).count() as u64;
}

//# wrong: one worker does it all
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    if w.index() == 0 {
        *total.lock() += (0..n).filter(|&number| is_hit(number)).count() as u64;
    }
}

//# right: every fourth number, added under the lock
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    let mine = (w.index() as u64..n).step_by(w.count()).filter(|&number| is_hit(number)).count();
    *total.lock() += mine as u64;
}

//# right: an addition under the lock for each hit
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    for number in w.share_of(0..n) {
        if is_hit(number) {
            *total.lock() += 1;
        }
    }
}

//# right: reads and writes under one guard
fn count(w: &Worker, n: u64, total: &Value<u64>, is_hit: &dyn Fn(u64) -> bool) {
    let mine = w.share_of(0..n).filter(|&number| is_hit(number)).count() as u64;
    let mut guard = total.lock();
    let so_far = *guard;
    *guard = so_far + mine;
}
