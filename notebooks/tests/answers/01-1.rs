//# wrong: an idle timeout, and stop_pool does nothing
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    while let Ok(Some(task)) = tasks.get_timeout(Duration::from_millis(100)) {
        done(task);
    }
}

fn stop_pool(_tasks: &Queue<Option<u32>>, _stop: &Flag, _workers: usize) {}

//# wrong: a longer idle timeout
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    while let Ok(Some(task)) = tasks.get_timeout(Duration::from_millis(700)) {
        done(task);
    }
}

fn stop_pool(_tasks: &Queue<Option<u32>>, _stop: &Flag, _workers: usize) {}

//# wrong: an idle timeout, and stop_pool waits until it has passed
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    while let Ok(Some(task)) = tasks.get_timeout(Duration::from_millis(300)) {
        done(task);
    }
}

fn stop_pool(_tasks: &Queue<Option<u32>>, _stop: &Flag, _workers: usize) {
    std::thread::sleep(Duration::from_millis(400));
}

//# wrong: an empty queue is the end
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    while tasks.len() > 0 {
        if let Ok(Some(task)) = tasks.get_timeout(Duration::from_millis(1)) {
            done(task);
        }
    }
}

fn stop_pool(_tasks: &Queue<Option<u32>>, _stop: &Flag, _workers: usize) {}

//# wrong: pills, and the worker still asks the flag only
fn run_worker(tasks: &Queue<Option<u32>>, stop: &Flag, done: &dyn Fn(u32)) {
    while !stop.is_set() {
        if let Ok(Some(task)) = tasks.get_timeout(Duration::from_millis(1)) {
            done(task);
        }
    }
}

fn stop_pool(tasks: &Queue<Option<u32>>, _stop: &Flag, workers: usize) {
    (0..workers).for_each(|_| tasks.put(None).unwrap());
}

//# wrong: pills and the flag
fn run_worker(tasks: &Queue<Option<u32>>, stop: &Flag, done: &dyn Fn(u32)) {
    while !stop.is_set() {
        match tasks.get().unwrap() {
            Some(task) => done(task),
            None => break,
        }
    }
}

fn stop_pool(tasks: &Queue<Option<u32>>, stop: &Flag, workers: usize) {
    (0..workers).for_each(|_| tasks.put(None).unwrap());
    stop.set();
}

//# wrong: one pill for all
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    while let Some(task) = tasks.get().unwrap() {
        done(task);
    }
}

fn stop_pool(tasks: &Queue<Option<u32>>, _stop: &Flag, _workers: usize) {
    tasks.put(None).unwrap();
}

//# wrong: one pill, which each worker puts back for the next
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    while let Some(task) = tasks.get().unwrap() {
        done(task);
    }
    tasks.put(None).unwrap();
}

fn stop_pool(tasks: &Queue<Option<u32>>, _stop: &Flag, _workers: usize) {
    tasks.put(None).unwrap();
}

//# wrong: one pill too many
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    while let Some(task) = tasks.get().unwrap() {
        done(task);
    }
}

fn stop_pool(tasks: &Queue<Option<u32>>, _stop: &Flag, workers: usize) {
    (0..=workers).for_each(|_| tasks.put(None).unwrap());
}

//# wrong: a worker goes on after its pill
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    loop {
        if let Some(task) = tasks.get().unwrap() {
            done(task);
        }
    }
}

fn stop_pool(tasks: &Queue<Option<u32>>, _stop: &Flag, workers: usize) {
    (0..workers).for_each(|_| tasks.put(None).unwrap());
}

//# right: one pill for each worker
fn run_worker(tasks: &Queue<Option<u32>>, _stop: &Flag, done: &dyn Fn(u32)) {
    loop {
        match tasks.get().unwrap() {
            Some(task) => done(task),
            None => return,
        }
    }
}

fn stop_pool(tasks: &Queue<Option<u32>>, _stop: &Flag, workers: usize) {
    for _ in 0..workers {
        tasks.put(None).unwrap();
    }
}

//# right: the flag first, then the queue
fn run_worker(tasks: &Queue<Option<u32>>, stop: &Flag, done: &dyn Fn(u32)) {
    loop {
        let is_over = stop.is_set();
        match tasks.get_timeout(Duration::from_millis(1)) {
            Ok(Some(task)) => done(task),
            _ if is_over => return,
            _ => (),
        }
    }
}

fn stop_pool(_tasks: &Queue<Option<u32>>, stop: &Flag, _workers: usize) {
    stop.set();
}

//# right: the parent waits for an empty queue, then sets the flag
fn run_worker(tasks: &Queue<Option<u32>>, stop: &Flag, done: &dyn Fn(u32)) {
    while !stop.is_set() {
        if let Ok(Some(task)) = tasks.get_timeout(Duration::from_millis(1)) {
            done(task);
        }
    }
}

fn stop_pool(tasks: &Queue<Option<u32>>, stop: &Flag, _workers: usize) {
    while tasks.len() > 0 {
        std::thread::yield_now();
    }
    stop.set();
}
