//# wrong: deletes it, whoever has it
fn release(broker: &Broker, _mine: &str) {
    broker.call(["DEL", "lease"]).unwrap();
}

//# wrong: looks, then deletes
fn release(broker: &Broker, mine: &str) {
    if broker.call(["GET", "lease"]).unwrap() == mine {
        broker.call(["DEL", "lease"]).unwrap();
    }
}

//# wrong: looks twice, then deletes
fn release(broker: &Broker, mine: &str) {
    for _ in 0..2 {
        if broker.call(["GET", "lease"]).unwrap() != mine {
            return;
        }
    }
    broker.call(["DEL", "lease"]).unwrap();
}

//# wrong: takes it out with one call, and puts it back if it was another worker's
fn release(broker: &Broker, mine: &str) {
    let holder: Option<String> = broker.ask(["GETDEL", "lease"]).unwrap();
    if let Some(holder) = holder.filter(|holder| holder != mine) {
        broker.call(["SET", "lease", &holder, "XX"]).unwrap();
    }
}

//# wrong: a transaction without WATCH
fn release(broker: &Broker, mine: &str) {
    if broker.call(["GET", "lease"]).unwrap() == mine {
        broker.call(["MULTI"]).unwrap();
        broker.call(["DEL", "lease"]).unwrap();
        broker.call(["EXEC"]).unwrap();
    }
}

//# wrong: watches after it has looked
fn release(broker: &Broker, mine: &str) {
    if broker.call(["GET", "lease"]).unwrap() == mine {
        broker.call(["WATCH", "lease"]).unwrap();
        broker.call(["MULTI"]).unwrap();
        broker.call(["DEL", "lease"]).unwrap();
        broker.call(["EXEC"]).unwrap();
    }
}

//# wrong: leaves it to run out
fn release(_broker: &Broker, _mine: &str) {}

//# right: a script
fn release(broker: &Broker, mine: &str) {
    let script = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
    broker.call(["EVAL", script, "1", "lease", mine]).unwrap();
}

//# right: watches, looks, deletes
fn release(broker: &Broker, mine: &str) {
    broker.call(["WATCH", "lease"]).unwrap();
    if broker.call(["GET", "lease"]).unwrap() == mine {
        broker.call(["MULTI"]).unwrap();
        broker.call(["DEL", "lease"]).unwrap();
        broker.call(["EXEC"]).unwrap();
    } else {
        broker.call(["UNWATCH"]).unwrap();
    }
}
