//# wrong: pills by the producer of the first numbers
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, workers: usize) {
    let is_last = numbers.start == 0;
    numbers.for_each(|number| tasks.put(Some(number)).unwrap());
    if is_last {
        (0..workers).for_each(|_| tasks.put(None).unwrap());
    }
}

fn all_producers_are_done(_tasks: &Queue<Option<u32>>, _workers: usize) {}

//# wrong: pills by the producer of the last numbers
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, workers: usize) {
    let is_last = numbers.end == 40;
    numbers.for_each(|number| tasks.put(Some(number)).unwrap());
    if is_last {
        (0..workers).for_each(|_| tasks.put(None).unwrap());
    }
}

fn all_producers_are_done(_tasks: &Queue<Option<u32>>, _workers: usize) {}

//# wrong: pills in both places
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, workers: usize) {
    numbers.for_each(|number| tasks.put(Some(number)).unwrap());
    (0..workers).for_each(|_| tasks.put(None).unwrap());
}

fn all_producers_are_done(tasks: &Queue<Option<u32>>, workers: usize) {
    (0..workers).for_each(|_| tasks.put(None).unwrap());
}

//# wrong: no pills at all
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, _workers: usize) {
    numbers.for_each(|number| tasks.put(Some(number)).unwrap());
}

fn all_producers_are_done(_tasks: &Queue<Option<u32>>, _workers: usize) {}

//# wrong: one pill for all
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, _workers: usize) {
    numbers.for_each(|number| tasks.put(Some(number)).unwrap());
}

fn all_producers_are_done(tasks: &Queue<Option<u32>>, _workers: usize) {
    tasks.put(None).unwrap();
}

//# wrong: each producer sends a part of the workers home
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, _workers: usize) {
    numbers.for_each(|number| tasks.put(Some(number)).unwrap());
    tasks.put(None).unwrap();
}

fn all_producers_are_done(tasks: &Queue<Option<u32>>, workers: usize) {
    (0..workers - 2).for_each(|_| tasks.put(None).unwrap());
}

//# wrong: twice as many pills as workers
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, _workers: usize) {
    numbers.for_each(|number| tasks.put(Some(number)).unwrap());
}

fn all_producers_are_done(tasks: &Queue<Option<u32>>, workers: usize) {
    (0..2 * workers).for_each(|_| tasks.put(None).unwrap());
}

//# right: the parent puts the pills
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, _workers: usize) {
    numbers.for_each(|number| tasks.put(Some(number)).unwrap());
}

fn all_producers_are_done(tasks: &Queue<Option<u32>>, workers: usize) {
    (0..workers).for_each(|_| tasks.put(None).unwrap());
}

//# right: the parent waits for an empty queue first
fn produce(numbers: std::ops::Range<u32>, tasks: &Queue<Option<u32>>, _workers: usize) {
    for number in numbers {
        tasks.put(Some(number)).unwrap();
    }
}

fn all_producers_are_done(tasks: &Queue<Option<u32>>, workers: usize) {
    while tasks.len() > 0 {
        std::thread::yield_now();
    }
    for _ in 0..workers {
        tasks.put(None).unwrap();
    }
}
