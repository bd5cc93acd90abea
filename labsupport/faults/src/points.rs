//! A victim is struck at every named point, with others at work beside it.

use crate::common::{LONG, alive, soon};
use crate::stage::{Strike, names, names_of, on_stage, see_orphans_end};
use crate::table;
use figures::prelude::*;
use labsupport::internal::fault::{self, Action, POINTS};
use labsupport::prelude::*;
use manager::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What the user is shown, and what was left.
type Seen = (String, String);

fn nothing_left(seen: impl ToString) -> Seen {
    (seen.to_string(), "nothing".into())
}

/// The scene for each point.
fn scene_of(point: &str) -> fn(Strike) -> Seen {
    let (area, place) = point.split_once(": ").expect("a point is \"area: place\"");
    match (area, place) {
        ("segment", _) => segment,
        ("lock", "inherited" | "made consistent") => lock_of_a_dead_holder,
        ("lock", _) => lock,
        ("put", _) => put,
        ("get" | "bell", _) => get,
        ("barrier", _) => barrier,
        ("trace", _) => trace,
        ("spawn", _) => parent_with_workers,
        ("worker", _) => worker_start,
        ("manager", _) => parent_with_manager,
        ("ask", _) => manager_client,
        ("serve", _) => manager_server,
        _ => panic!("no scene reaches {point:?}"),
    }
}

/// Each scene asserts that its victim was struck at the point, so the points that pass are those that are reached.
fn strike_everywhere(action: Action) {
    if !fault::ON {
        return println!("SKIPPED: points: there are none in a release build");
    }
    let mut rows = BTreeMap::<_, Vec<&str>>::new();
    for &point in POINTS {
        let strike = Strike { point, action };
        let scene = scene_of(point);
        let seen = on_stage(&format!("{strike:?}"), || scene(strike));
        let (area, place) = point.split_once(": ").unwrap();
        rows.entry((area, seen)).or_default().push(place);
    }
    assert_eq!(rows.values().map(Vec::len).sum::<usize>(), POINTS.len());
    let signal = match action {
        Action::Kill => "SIGKILL",
        Action::Stop => "SIGSTOP, then SIGCONT,",
        Action::Terminate => "SIGTERM",
    };
    for ((area, (seen, left)), places) in rows {
        let fault = format!("{signal} at {area}: {}", places.join(", "));
        table::note(&fault, places.len() as u64, &seen, &left);
    }
}

#[test]
fn killed_at_any_point_a_process_harms_nobody() {
    strike_everywhere(Action::Kill);
}

#[test]
fn stopped_at_any_point_a_process_goes_on_as_if_nothing_had_been() {
    strike_everywhere(Action::Stop);
}

#[test]
fn terminated_at_any_point_a_process_harms_nobody() {
    strike_everywhere(Action::Terminate);
}

/// Joins the victim, which is worker 0, and those beside it: all others must have returned. Their values, and what the user sees.
fn join<T>(strike: Strike, workers: Workers<T>) -> (Vec<Option<T>>, String)
where
    T: Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    let report = workers.join_timeout(LONG).unwrap();
    for outcome in report.outcomes() {
        let expected = match outcome.index() {
            0 => strike.end(),
            _ => Exit::Returned,
        };
        assert_eq!(outcome.exit(), &expected, "{strike:?}\n{report}");
        assert_eq!(outcome.value().is_some(), expected.is_returned());
    }
    let seen = match report.values() {
        Ok(_) => "the result, later".into(),
        Err(error) => error.to_string(),
    };
    let values = report.outcomes().iter().map(|o| o.value().cloned());
    (values.collect(), seen)
}

fn wait_for(flag: &Flag) {
    while !flag.is_set() {
        std::thread::yield_now();
    }
}

/// Four fight for a value. The one who comes after a dead holder is told, and nobody else.
fn lock(strike: Strike) -> Seen {
    let value = Value::new((0u64, 0u64)).unwrap();
    let over = Flag::new().unwrap();
    let workers = Workers::spawn(4, |w| {
        let mut told = 0;
        for turn in 0.. {
            if turn > 20 && (w.index() == 0 || over.is_set()) {
                break;
            }
            if turn == 10 && w.index() == 0 {
                strike.arm();
            }
            let mut guard = value.lock();
            told += u32::from(guard.owner_died());
            assert_eq!(guard.0, guard.1);
            guard.0 += 1;
            guard.1 += 1;
        }
        told
    })
    .unwrap();
    let victim = workers.pids()[0];
    strike.wait_for(victim);
    strike.let_go_on(victim);
    over.set();
    let (told, seen) = join(strike, workers);
    let held = matches!(strike.point, "lock: taken" | "lock: giving back");
    let last = u32::from(value.lock().owner_died());
    let told = told.into_iter().flatten().sum::<u32>() + last;
    assert_eq!(told, u32::from(held && strike.is_deadly()));
    nothing_left(seen)
}

/// A holder dies with the lock, and the one who inherits it is struck. The next is told.
fn lock_of_a_dead_holder(strike: Strike) -> Seen {
    let value = Value::new(0u64).unwrap();
    let holder = Workers::spawn(1, |_| -> () {
        let _guard = value.lock();
        std::process::abort()
    });
    let report = holder.unwrap().join_timeout(LONG).unwrap();
    assert_eq!(report.outcomes()[0].exit(), &Exit::Signaled(libc::SIGABRT));
    let struck = Flag::new().unwrap();
    let workers = Workers::spawn(4, |w| {
        if w.index() == 0 {
            strike.arm();
        } else {
            wait_for(&struck);
        }
        let mut guard = value.lock();
        *guard += 1;
        guard.owner_died()
    })
    .unwrap();
    let victim = workers.pids()[0];
    strike.wait_for(victim);
    struck.set();
    strike.let_go_on(victim);
    let (told, seen) = join(strike, workers);
    let told = told.iter().flatten().filter(|&&told| told).count();
    assert_eq!(told, 1);
    assert_eq!(value.get(), if strike.is_deadly() { 3 } else { 4 });
    nothing_left(seen)
}

/// Messages of one producer that may be put.
const MOST: usize = 100_000;

/// How often each message was taken: one word for each of two producers' messages.
struct Taken(Segment);

impl Taken {
    fn new() -> Taken {
        Taken(Segment::new(2 * 8 * MOST).unwrap())
    }

    fn count(&self, (producer, number): (usize, usize)) {
        self.0
            .word(producer * MOST + number)
            .fetch_add(1, Ordering::Relaxed);
    }

    /// How many of the first `put` messages of `producer` were never taken. Asserts that none was taken twice, and none that was
    /// not put.
    fn missing(&self, producer: usize, put: usize) -> usize {
        let times = |n| self.0.word(producer * MOST + n).load(Ordering::Relaxed);
        assert!((0..MOST).all(|n| times(n) <= u64::from(n < put)));
        (0..put).filter(|&n| times(n) == 0).count()
    }
}

/// A producer and its number; `None` is the pill.
type Message = Option<(usize, usize)>;

/// A queue for four messages, for each way that a message can take through it.
enum Tasks {
    /// Serialised, then copied.
    Small(Queue<Message>),
    /// Serialised in place: with a text that makes it too large for the other way.
    Large(Queue<(Message, String)>),
    /// Written and read in place, without serde.
    Lent(Queue<[u8]>),
}

impl Tasks {
    fn of_each_kind() -> [Tasks; 3] {
        [
            Tasks::Small(Queue::bounded(4).unwrap()),
            Tasks::Large(Queue::bounded(4).unwrap()),
            Tasks::Lent(Queue::bounded(4).unwrap()),
        ]
    }

    fn put(&self, message: Message) {
        match self {
            Tasks::Small(queue) => queue.put_timeout(message, LONG).unwrap(),
            Tasks::Large(queue) => {
                let message = (message, "x".repeat(2_000));
                queue.put_timeout(message, LONG).unwrap();
            }
            Tasks::Lent(queue) => {
                let (producer, number) = message.unwrap_or((usize::MAX, 0));
                let write = |bytes: &mut [u8]| {
                    bytes[..8].copy_from_slice(&producer.to_ne_bytes());
                    bytes[8..].copy_from_slice(&number.to_ne_bytes());
                };
                queue.put_with_timeout(16, LONG, write).unwrap();
            }
        }
    }

    fn get(&self) -> Message {
        match self {
            Tasks::Small(queue) => queue.get().unwrap(),
            Tasks::Large(queue) => {
                let (message, text) = queue.get().unwrap();
                assert_eq!(text, "x".repeat(2_000));
                message
            }
            Tasks::Lent(queue) => {
                let number = |bytes: &[u8]| usize::from_ne_bytes(bytes.try_into().unwrap());
                let message = queue.get_with(|bytes| (number(&bytes[..8]), number(&bytes[8..])));
                message.map(|m| (m.0 != usize::MAX).then_some(m)).unwrap()
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Tasks::Small(queue) => queue.is_empty(),
            Tasks::Large(queue) => queue.is_empty(),
            Tasks::Lent(queue) => queue.is_empty(),
        }
    }
}

fn consume(tasks: &Tasks, taken: &Taken) {
    while let Some(message) = tasks.get() {
        taken.count(message);
    }
}

/// Puts messages until `over`, at least 20. How many.
fn produce(tasks: &Tasks, producer: usize, over: &Flag) -> usize {
    let mut put = 0;
    while put < 20 || !over.is_set() && put < MOST {
        tasks.put(Some((producer, put)));
        put += 1;
    }
    put
}

/// The scene with a queue of each kind. What is seen is the same.
fn with_each_kind(scene: impl Fn(&Tasks) -> Seen) -> Seen {
    let seen = Tasks::of_each_kind().map(|tasks| scene(&tasks));
    assert!(seen.iter().all(|other| other == &seen[0]), "{seen:?}");
    seen.into_iter().next().unwrap()
}

/// Two producers, of which one is struck at its fifth message, and two consumers.
fn put(strike: Strike) -> Seen {
    with_each_kind(|tasks| put_into(tasks, strike))
}

fn put_into(tasks: &Tasks, strike: Strike) -> Seen {
    let (taken, over) = (Taken::new(), Flag::new().unwrap());
    let consumers = Workers::spawn(2, |_| consume(tasks, &taken)).unwrap();
    let producers = Workers::spawn(2, |w| {
        if w.index() == 0 {
            strike.arm_nth(5);
        }
        produce(tasks, w.index(), &over)
    })
    .unwrap();
    let victim = producers.pids()[0];
    strike.wait_for(victim);
    over.set();
    strike.let_go_on(victim);
    let (put, seen) = join(strike, producers);
    tasks.put(None);
    tasks.put(None);
    consumers.join_timeout(LONG).unwrap().values().unwrap();
    // "put: locked" is passed by every try at a full queue too; so how many it had put is read off what was taken.
    let there = |n| taken.0.word(n).load(Ordering::Relaxed) > 0;
    let before_it = put[0].unwrap_or_else(|| (0..MOST).position(|n| !there(n)).unwrap());
    assert_eq!(taken.missing(0, before_it), 0);
    assert_eq!(taken.missing(1, put[1].unwrap()), 0);
    if strike.is_deadly() {
        let own = matches!(strike.point, "put: committed" | "put: unlocked");
        match strike.point {
            "put: locked" => assert!(before_it < 5),
            _ => assert_eq!(before_it, 4 + usize::from(own)),
        }
    }
    assert!(tasks.is_empty());
    nothing_left(seen)
}

/// Two consumers, of which one is struck, and two producers.
fn get(strike: Strike) -> Seen {
    with_each_kind(|tasks| get_from(tasks, strike))
}

fn get_from(tasks: &Tasks, strike: Strike) -> Seen {
    let (taken, over) = (Taken::new(), Flag::new().unwrap());
    let consumers = Workers::spawn(2, |w| {
        if w.index() == 0 {
            strike.arm_nth(2);
        }
        consume(tasks, &taken);
    })
    .unwrap();
    let victim = consumers.pids()[0];
    let producers = Workers::spawn(2, |w| produce(tasks, w.index(), &over)).unwrap();
    strike.wait_for(victim);
    over.set();
    strike.let_go_on(victim);
    let put = producers.join_timeout(LONG).unwrap().values().unwrap();
    let pills = if strike.is_deadly() { 1 } else { 2 };
    (0..pills).for_each(|_| tasks.put(None));
    let (_, seen) = join(strike, consumers);
    let missing = taken.missing(0, put[0]) + taken.missing(1, put[1]);
    let own = matches!(strike.point, "get: committed" | "get: unlocked");
    assert_eq!(missing, usize::from(own && strike.is_deadly()));
    assert!(tasks.is_empty());
    let left = match missing {
        0 => "nothing",
        _ => "nothing; the message that it had taken is lost",
    };
    (seen, left.into())
}

/// Three meet 50 times. Who was struck before it arrived is missed in that round, after it in the next.
fn barrier(strike: Strike) -> Seen {
    let barrier = Barrier::new(3).unwrap();
    let (over, rounds) = (Flag::new().unwrap(), Array::<u64>::new(3).unwrap());
    let coming = Array::<u64>::new(3).unwrap();
    let workers = Workers::spawn(3, |w| {
        let comes_late = (w.index() == 0) == (strike.point == "barrier: complete");
        if w.index() == 0 {
            let last_of_three = strike.point == "barrier: complete";
            strike.arm_nth(if last_of_three { 1 } else { 3 });
        }
        while rounds.get(w.index()) < 50 {
            let round = rounds.get(w.index());
            coming.set(w.index(), round + 1);
            // Who comes late is often the last: the victim, or the two others.
            let early = if w.index() == 0 { 1 } else { 0 };
            while comes_late && coming.get(early) <= round && !over.is_set() {
                std::thread::yield_now();
            }
            (0..if comes_late { 10 } else { 0 }).for_each(|_| std::thread::yield_now());
            match barrier.wait_timeout(Duration::from_millis(20)) {
                Some(_) => rounds.set(w.index(), rounds.get(w.index()) + 1),
                None if over.is_set() => return,
                None => {}
            }
        }
    })
    .unwrap();
    let victim = workers.pids()[0];
    strike.wait_for(victim);
    let counted = u64::from(strike.point != "barrier: arriving");
    let last = rounds.get(0) + counted;
    if strike.is_deadly() {
        assert!(soon(|| [1, 2].map(|index| rounds.get(index)) == [last; 2]));
        over.set();
    }
    strike.let_go_on(victim);
    let (_, seen) = join(strike, workers);
    let rounds = [0, 1, 2].map(|index| rounds.get(index));
    if strike.is_deadly() {
        assert_eq!(rounds[1..], [last; 2]);
    } else {
        assert_eq!(rounds, [50; 3]);
    }
    nothing_left(seen)
}

/// Three record. Of the victim all is there that was recorded before it was struck, and of the others all.
fn trace(strike: Strike) -> Seen {
    let trace = Trace::with_capacity(3, 1_000).unwrap();
    let workers = Workers::spawn(3, |w| {
        let lane = trace.lane(w.index());
        if w.index() == 0 {
            strike.arm_nth(10);
        }
        (0..200).for_each(|n| lane.record(Event::Note(n)));
    })
    .unwrap();
    let victim = workers.pids()[0];
    strike.wait_for(victim);
    strike.let_go_on(victim);
    let (_, seen) = join(strike, workers);
    let recording = trace.recording();
    let whole: Vec<Event> = std::iter::once(Event::Started)
        .chain((0..200).map(Event::Note))
        .chain([Event::Exited])
        .collect();
    for (index, lane) in recording.lanes().iter().take(3).enumerate() {
        let events: Vec<Event> = lane.events().iter().map(|&(_, event)| event).collect();
        let struck = index == 0 && strike.is_deadly();
        let kept = match strike.point {
            "trace: committed" => 11, // the start and ten notes
            _ => 10,
        };
        assert_eq!(events, if struck { &whole[..kept] } else { &whole[..] });
    }
    // The lane of a dead one is free for another.
    trace.lane(0).record(Event::Note(1));
    nothing_left(seen)
}

/// One is struck on its way into its closure or out of it, between two that work; with a small result and with one that takes several reads.
fn worker_start(strike: Strike) -> Seen {
    let seen = [20, 20_000].map(|length| worker_with_result(strike, length));
    assert_eq!(seen[0], seen[1]);
    seen.into_iter().next().unwrap()
}

fn worker_with_result(strike: Strike, length: usize) -> Seen {
    let over = Flag::new().unwrap();
    let beside = || Workers::spawn(2, |w| (wait_for(&over), w.index()).1).unwrap();
    let before = beside();
    strike.arm();
    let struck = Workers::spawn(1, |_| "x".repeat(length)).unwrap();
    fault::disarm();
    let after = beside();
    let victim = struck.pids()[0];
    strike.wait_for(victim);
    strike.let_go_on(victim);
    let (_, seen) = join(strike, struck);
    over.set();
    for workers in [before, after] {
        assert_eq!(
            workers.join_timeout(LONG).unwrap().values().unwrap(),
            [0, 1]
        );
    }
    nothing_left(seen)
}

/// The parent is struck between two forks: its workers do not outlive it.
fn parent_with_workers(strike: Strike) -> Seen {
    let over = Flag::new().unwrap();
    let parent = Workers::spawn(1, |_| {
        strike.arm_nth(2);
        let workers = Workers::spawn(3, |w| (wait_for(&over), w.index()).1).unwrap();
        workers.join_timeout(LONG).unwrap().values().unwrap()
    })
    .unwrap();
    struck_parent(strike, parent, &over, 2)
}

/// The parent is struck when it has forked a manager's server, and workers before.
fn parent_with_manager(strike: Strike) -> Seen {
    let over = Flag::new().unwrap();
    let parent = Workers::spawn(1, |_| {
        let workers = Workers::spawn(2, |w| (wait_for(&over), w.index()).1).unwrap();
        strike.arm();
        let manager = Manager::start().unwrap();
        manager.list("log").unwrap().push(1u64).unwrap();
        workers.join_timeout(LONG).unwrap().values().unwrap()
    })
    .unwrap();
    struck_parent(strike, parent, &over, 3)
}

fn struck_parent(strike: Strike, parent: Workers<Vec<usize>>, over: &Flag, forked: usize) -> Seen {
    let victim = parent.pids()[0];
    strike.wait_for(victim);
    if !strike.is_deadly() {
        over.set();
    }
    strike.let_go_on(victim);
    let (_, seen) = join(strike, parent);
    let orphans = if strike.is_deadly() { forked } else { 0 };
    assert_eq!(see_orphans_end(), orphans);
    let seen = match strike.is_deadly() {
        true => format!("its own children end with it; its parent: \"{seen}\""),
        false => seen,
    };
    nothing_left(seen)
}

/// One is struck while its new memory has a name. Who collects the killed one takes the name away.
fn segment(strike: Strike) -> Seen {
    let old = names();
    let left_by = |pid| {
        let mut left = names_of(pid);
        left.retain(|name| !old.contains(name));
        left
    };
    let workers = Workers::spawn(3, |w| {
        if w.index() == 0 {
            strike.arm_nth(3);
        }
        for _ in 0..10 {
            let value = Value::new(w.index()).unwrap();
            assert_eq!(value.get(), w.index());
        }
    })
    .unwrap();
    let pids = workers.pids();
    strike.wait_for(pids[0]);
    strike.let_go_on(pids[0]);
    let (_, seen) = join(strike, workers);
    for &pid in &pids {
        let names = left_by(pid);
        assert!(names.is_empty(), "{names:?}");
    }
    if strike.is_deadly() {
        // The same where it is not joined but dropped.
        let dropped = Workers::spawn(1, |_| {
            strike.arm();
            drop(Value::new(1).unwrap());
        })
        .unwrap();
        let pid = dropped.pids()[0];
        strike.wait_for(pid);
        assert_eq!(left_by(pid).len(), 1);
        drop(dropped);
        assert!(left_by(pid).is_empty());
    }
    nothing_left(seen)
}

/// Three use a list and a dict. Of a struck client's request the server does all or nothing.
fn manager_client(strike: Strike) -> Seen {
    let manager = Manager::start().unwrap();
    let log = manager.list::<Vec<u8>>("log").unwrap();
    let counts = manager.dict::<usize, u64>("counts").unwrap();
    let workers = Workers::spawn(3, |w| -> Result<(), ManagerError> {
        if w.index() == 0 {
            strike.arm();
            return log.push(vec![7; 300_000]);
        }
        for _ in 0..50 {
            counts.update(&w.index(), |n| Some(n.unwrap_or(0) + 1))?;
        }
        Ok(())
    })
    .unwrap();
    let victim = workers.pids()[0];
    strike.wait_for(victim);
    strike.let_go_on(victim);
    let (ends, seen) = join(strike, workers);
    assert!(ends.into_iter().flatten().all(|end| end.is_ok()));
    let mut all = counts.items().unwrap();
    all.sort();
    assert_eq!(all, [(1, 50), (2, 50)]);
    let whole = !strike.is_deadly() || strike.point == "ask: sent";
    assert!(soon(|| log.len().unwrap() == usize::from(whole)));
    assert!(log.items().unwrap().iter().all(|e| e == &[7; 300_000]));
    nothing_left(seen)
}

/// The server is struck with three clients. Killed: each gets an error. Stopped and continued: they notice nothing.
fn manager_server(strike: Strike) -> Seen {
    let passage = match strike.point {
        "serve: begun" | "serve: part sent" => 1,
        "serve: admitted" => 2,
        _ => 20,
    };
    strike.arm_nth(passage);
    let manager = Manager::start().unwrap();
    fault::disarm();
    let clients = Workers::spawn(3, |w| -> Result<u64, ManagerError> {
        let counts = manager.dict::<usize, (u64, Vec<u8>)>("counts")?;
        for n in 1..=20 {
            // More than a socket holds, once: so that an answer goes in parts.
            let large = (w.index(), n) == (0, 1);
            let value = (n, vec![7; if large { 1_000_000 } else { 10 }]);
            counts.insert(w.index(), value.clone())?;
            assert_eq!(counts.get(&w.index())?, Some(value));
        }
        Ok(20)
    })
    .unwrap();
    let server = manager.pid();
    strike.wait_for(server);
    strike.let_go_on(server);
    let ends = clients.join_timeout(LONG).unwrap().values().unwrap();
    let seen = if strike.is_deadly() {
        // Beside the large answer the others may have been through already.
        let done = |end: &_| strike.point == "serve: part sent" && end == &Ok(20);
        let gone = |end: &_| end == &Err(ManagerError::Gone);
        assert!(gone(&ends[0]), "{ends:?}");
        assert!(ends.iter().all(|end| gone(end) || done(end)), "{ends:?}");
        assert!(!alive(server));
        ManagerError::Gone.to_string()
    } else {
        assert!(ends.iter().all(|end| end == &Ok(20)), "{ends:?}");
        "the answer, later".into()
    };
    drop(manager);
    // Another can be started at once.
    let list = Manager::start().unwrap();
    assert_eq!(list.list::<u64>("new").unwrap().len(), Ok(0));
    nothing_left(seen)
}

/// Whether a process sleeps until a word in memory changes.
fn is_asleep(pid: u32) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{pid}/syscall"));
    call.is_ok_and(|call| call.starts_with(&format!("{} ", libc::SYS_futex)))
}

#[test]
fn a_deadline_says_who_is_stopped_with_the_lock_and_who_waits_for_it() {
    if !fault::ON {
        return println!("SKIPPED: a stopped holder: there are no points in a release build");
    }
    let (said, left) = on_stage("a stopped holder", || {
        let strike = Strike {
            point: "lock: taken",
            action: Action::Stop,
        };
        let lock = Lock::new().unwrap();
        let holder = Workers::spawn(1, |_| {
            strike.arm();
            drop(lock.lock());
        })
        .unwrap();
        strike.wait_for(holder.pids()[0]);
        let waiter = Workers::spawn(1, |_| drop(lock.lock())).unwrap();
        assert!(soon(|| is_asleep(waiter.pids()[0])));
        let ends = [waiter, holder].map(|workers| {
            let report = workers.join_timeout(Duration::from_millis(1)).unwrap();
            report.outcomes()[0].exit().to_string()
        });
        assert!(ends[0].ends_with("it was asleep, waiting for a lock"));
        assert!(ends[1].ends_with("it was stopped (SIGSTOP or a debugger)"));
        // The deadline has killed the holder.
        assert!(lock.lock().owner_died());
        nothing_left(format!("holder: {}; who waits: {}", ends[1], ends[0]))
    });
    table::note("a lock's holder stays stopped", 1, &said, &left);
}

#[test]
fn who_finds_a_message_on_the_way_to_sleep_does_not_sleep() {
    if !fault::ON {
        return println!("SKIPPED: the way to sleep: there are no points in a release build");
    }
    on_stage("on the way to sleep", || {
        let strike = Strike {
            point: "bell: asked",
            action: Action::Stop,
        };
        let tasks = Queue::<u64>::bounded(4).unwrap();
        let workers = Workers::spawn(1, |_| {
            strike.arm();
            fault::arm_then("bell: woken", Action::Kill); // where it comes only from sleep
            tasks.get().unwrap()
        })
        .unwrap();
        strike.wait_for(workers.pids()[0]);
        // It has seen an empty queue and does not sleep yet, so nobody wakes it.
        tasks.put(7).unwrap();
        strike.let_go_on(workers.pids()[0]);
        assert_eq!(workers.join_timeout(LONG).unwrap().values().unwrap(), [7]);
    });
}

#[test]
fn a_wake_up_that_dies_with_a_consumer_or_was_never_sent_is_missed_by_nobody() {
    if !fault::ON {
        return println!("SKIPPED: a lost wake-up: there are no points in a release build");
    }
    on_stage("the wake-up of a dead consumer", || {
        let strike = Strike {
            point: "bell: woken",
            action: Action::Kill,
        };
        let tasks = Queue::<u64>::bounded(4).unwrap();
        let get = || tasks.get().unwrap();
        let victim = Workers::spawn(1, |_| (strike.arm(), get()).1).unwrap();
        // It may have died already, at the end of a sleep.
        let pid = victim.pids()[0];
        assert!(soon(|| is_asleep(pid) || !alive(pid)));
        let other = Workers::spawn(1, |_| get()).unwrap();
        assert!(soon(|| is_asleep(other.pids()[0])));
        // Wakes one: the first in the line, if it still lives.
        tasks.put(7).unwrap();
        assert_eq!(other.join_timeout(LONG).unwrap().values().unwrap(), [7]);
        join(strike, victim);
    });
    on_stage(
        "the last of a barrier, dead before it wakes the others",
        || {
            let strike = Strike {
                point: "barrier: complete",
                action: Action::Kill,
            };
            let barrier = Barrier::new(3).unwrap();
            let others = Workers::spawn(2, |_| barrier.wait()).unwrap();
            assert!(soon(|| others.pids().into_iter().all(is_asleep)));
            let last = Workers::spawn(1, |_| (strike.arm(), barrier.wait()).1).unwrap();
            join(strike, last);
            let firsts = others.join_timeout(LONG).unwrap().values().unwrap();
            assert_eq!(firsts, [false, false]);
        },
    );
}

/// Collects the names in all calls of `point` below `folder`.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), names);
        } else if entry.path().extension().is_some_and(|ext| ext == "rs") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let calls = text.split("fault::point(\"").skip(1);
            names.extend(calls.map(|call| call.split('"').next().unwrap().to_string()));
        }
    }
}

#[test]
fn the_list_is_what_the_sources_have() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut names = BTreeSet::new();
    for package in ["labsupport", "manager", "broker", "figures", "lessons"] {
        collect(&workspace.join(package).join("src"), &mut names);
    }
    let listed: BTreeSet<String> = POINTS.iter().map(ToString::to_string).collect();
    assert_eq!(names, listed);
}
