//# wrong: takes the task from the list before it is done
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    while let Some(task) = broker.ask::<Option<String>>(["RPOP", "tasks"]).unwrap() {
        done(&task);
    }
}

fn recover(_broker: &Broker) {}

//# wrong: moves it, and nobody moves it back
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    let next = || broker.ask::<Option<String>>(["LMOVE", "tasks", "doing", "RIGHT", "LEFT"]);
    while let Some(task) = next().unwrap() {
        done(&task);
        broker.call(["LREM", "doing", "1", &task]).unwrap();
    }
}

fn recover(_broker: &Broker) {}

//# wrong: moves it back, and a task that was done is never taken out
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    let next = || broker.ask::<Option<String>>(["LMOVE", "tasks", "doing", "RIGHT", "LEFT"]);
    while let Some(task) = next().unwrap() {
        done(&task);
    }
}

fn recover(broker: &Broker) {
    while !broker.call(["LMOVE", "doing", "tasks", "RIGHT", "RIGHT"]).unwrap().is_nil() {}
}

//# wrong: takes it out before it is done
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    let next = || broker.ask::<Option<String>>(["LMOVE", "tasks", "doing", "RIGHT", "LEFT"]);
    while let Some(task) = next().unwrap() {
        broker.call(["LREM", "doing", "1", &task]).unwrap();
        done(&task);
    }
}

fn recover(broker: &Broker) {
    while !broker.call(["LMOVE", "doing", "tasks", "RIGHT", "RIGHT"]).unwrap().is_nil() {}
}

//# wrong: reads the last task, does it, and removes it, so that two workers do the same
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    while let Some(task) = broker.ask::<Option<String>>(["LINDEX", "tasks", "-1"]).unwrap() {
        done(&task);
        broker.call(["LREM", "tasks", "-1", &task]).unwrap();
    }
}

fn recover(_broker: &Broker) {}

//# wrong: takes all tasks at once, and takes them out at the end
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    let mut mine = Vec::new();
    while let Some(task) = broker.ask::<Option<String>>(["LMOVE", "tasks", "doing", "RIGHT", "LEFT"]).unwrap() {
        mine.push(task);
    }
    mine.iter().for_each(|task| done(task));
    for task in &mine {
        broker.call(["LREM", "doing", "1", task]).unwrap();
    }
}

fn recover(broker: &Broker) {
    while !broker.call(["LMOVE", "doing", "tasks", "RIGHT", "RIGHT"]).unwrap().is_nil() {}
}

//# wrong: copies back what a killed worker had, and leaves it there
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    let next = || broker.ask::<Option<String>>(["LMOVE", "tasks", "doing", "RIGHT", "LEFT"]);
    while let Some(task) = next().unwrap() {
        done(&task);
        broker.call(["LREM", "doing", "1", &task]).unwrap();
    }
}

fn recover(broker: &Broker) {
    let left: Vec<String> = broker.ask(["LRANGE", "doing", "0", "-1"]).unwrap();
    for task in left {
        broker.call(["RPUSH", "tasks", &task]).unwrap();
        broker.call(["RPUSH", "tasks", &task]).unwrap();
    }
}

//# wrong: waits for another task forever
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    loop {
        let task: String = broker.ask(["BLMOVE", "tasks", "doing", "RIGHT", "LEFT", "0"]).unwrap();
        done(&task);
        broker.call(["LREM", "doing", "1", &task]).unwrap();
    }
}

fn recover(broker: &Broker) {
    while !broker.call(["LMOVE", "doing", "tasks", "RIGHT", "RIGHT"]).unwrap().is_nil() {}
}

//# right: moves it, does it, takes it out
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    let next = || broker.ask::<Option<String>>(["LMOVE", "tasks", "doing", "RIGHT", "LEFT"]);
    while let Some(task) = next().unwrap() {
        done(&task);
        broker.call(["LREM", "doing", "1", &task]).unwrap();
    }
}

fn recover(broker: &Broker) {
    while !broker.call(["LMOVE", "doing", "tasks", "RIGHT", "RIGHT"]).unwrap().is_nil() {}
}

//# right: the old command, a moment to wait, and other names
fn work(broker: &Broker, done: &dyn Fn(&str)) {
    loop {
        let task = broker.call(["BRPOPLPUSH", "tasks", "in hand", "0.05"]).unwrap();
        if task.is_nil() {
            return;
        }
        done(task.text().unwrap());
        broker.call(["LREM", "in hand", "0", task.text().unwrap()]).unwrap();
    }
}

fn recover(broker: &Broker) {
    let left: Vec<String> = broker.ask(["LRANGE", "in hand", "0", "-1"]).unwrap();
    for _ in left {
        broker.call(["RPOPLPUSH", "in hand", "tasks"]).unwrap();
    }
}
