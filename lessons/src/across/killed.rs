use super::{LIMIT, ask};
use broker::{Broker, Reply};
use figures::Table;
use labsupport::internal::{getpid, send_signal};
use labsupport::process::{Exit, Workers};

/// A worker's way to take one task, do it, and say that it is done. It calls its second argument at each of the [`POINTS`] that it has.
pub type Takes<'a> = &'a dyn Fn(&Broker, &dyn Fn(&str));

/// Where a worker may be killed, in the order in which it comes there.
pub const POINTS: [&str; 4] = [
    "after the take",
    "after the mark",
    "after the effect",
    "at the end",
];

const SIGKILL: i32 = 9;

/// How often a task has its effect if the worker that has it is killed at `point`, and another worker goes on.
///
/// The task lies in the list `tasks` and in the stream `jobs`, of which `workers` is a group. `take` takes it from one of them and does it: the
/// effect is `INCR mails`, which stands for a mail. The first worker kills itself at the point. The second one calls `take` until
/// nothing is left. `None` if the first worker does not come to the point.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use lessons::across::effects;
/// let broker = Broker::start()?;
/// let by_pop = |broker: &Broker, at: &dyn Fn(&str)| {
///     if broker.call(["RPOP", "tasks"]).unwrap().is_nil() {
///         return;
///     }
///     at("after the take");
///     broker.call(["INCR", "mails"]).unwrap();
/// };
/// assert_eq!(effects(&broker, "after the take", &by_pop), Some(0)); // lost
/// assert_eq!(effects(&broker, "after the mark", &by_pop), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// `take` panics in a worker, or the broker cannot be asked.
pub fn effects(broker: &Broker, point: &str, take: Takes<'_>) -> Option<u64> {
    let call = |words: &[&str]| -> Reply { ask(broker, words) };
    for key in ["tasks", "doing", "jobs", "done", "mails"] {
        call(&["DEL", key]);
    }
    call(&["LPUSH", "tasks", "mail"]);
    call(&["XGROUP", "CREATE", "jobs", "workers", "0", "MKSTREAM"]);
    call(&["XADD", "jobs", "*", "task", "mail"]);

    let one_worker = |turns: usize, at: &dyn Fn(&str)| {
        let work = || (0..turns).for_each(|_| take(broker, at));
        let one = Workers::spawn(1, |_| work()).expect("a worker starts");
        let report = one.join_timeout(LIMIT).expect("a worker is joined");
        report.outcomes()[0].exit().clone()
    };
    let die = |passed: &str| {
        if passed == point {
            let _ = send_signal(getpid(), SIGKILL);
        }
    };
    match one_worker(1, &die) {
        Exit::Signaled(SIGKILL) => {}
        Exit::Returned => return None,
        other => panic!("the first worker {other}"),
    }
    // Twice: the first turn may only find what the other worker left.
    match one_worker(2, &|_| ()) {
        Exit::Returned => {}
        other => panic!("the second worker {other}"),
    }
    let mails: Option<u64> = ask(broker, &["GET", "mails"]);
    Some(mails.unwrap_or(0))
}

/// A row for each way to take a task, a column for each of the [`POINTS`], and what can be promised of it.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use lessons::across::effects_table;
/// let broker = Broker::start()?;
/// let forgets = |broker: &Broker, at: &dyn Fn(&str)| {
///     if !broker.call(["RPOP", "tasks"]).unwrap().is_nil() {
///         at("after the take");
///         broker.call(["INCR", "mails"]).unwrap();
///         at("at the end");
///     }
/// };
/// let table = effects_table(&broker, &[("RPOP", &forgets)]);
/// assert!(table.to_string().contains("at most once"), "{table}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// As [`effects`].
pub fn effects_table(broker: &Broker, ways: &[(&str, Takes<'_>)]) -> Table {
    let header = ["killed …"].into_iter().chain(POINTS).chain(["so it is"]);
    let mut table = Table::new(header).words(6);
    for (name, take) in ways {
        let counts = POINTS.map(|point| effects(broker, point, take));
        let words = counts.map(|count| match count {
            None => "–".into(),
            Some(0) => "lost".to_string(),
            Some(1) => "1".into(),
            Some(2) => "twice".into(),
            Some(more) => format!("{more} times"),
        });
        let passed: Vec<u64> = counts.into_iter().flatten().collect();
        let least = passed.iter().min().copied().unwrap_or(0);
        let most = passed.iter().max().copied().unwrap_or(0);
        let promise = match (least, most) {
            (1, 1) => "once",
            (0, 0 | 1) => "at most once",
            (0, _) => "neither",
            _ => "at least once",
        };
        let cells = [name.to_string()].into_iter().chain(words);
        table = table.row(cells.chain([promise.to_string()]));
    }
    table
}

/// Takes a job of a stream for the worker `me` of `group`: one that another worker was given and did not acknowledge (`XAUTOCLAIM`), else a
/// new one (`XREADGROUP`). Returns its id, which `XACK` takes; `None` if there is no job.
///
/// However short the time is for which the other worker has had it: in real life, leave it the time that a job may take.
///
/// # Examples
/// ```
/// use broker::prelude::*;
/// use lessons::across::claim_or_read;
/// let broker = Broker::start_with(&[])?;
/// broker.call(["XGROUP", "CREATE", "jobs", "workers", "0", "MKSTREAM"])?;
/// assert_eq!(claim_or_read(&broker, "jobs", "workers"), None);
/// let id: String = broker.ask(["XADD", "jobs", "*", "task", "mail"])?;
/// assert_eq!(claim_or_read(&broker, "jobs", "workers"), Some(id.clone())); // new
/// assert_eq!(claim_or_read(&broker, "jobs", "workers"), Some(id.clone())); // not acknowledged
/// broker.call(["XACK", "jobs", "workers", &id])?;
/// assert_eq!(claim_or_read(&broker, "jobs", "workers"), None);
/// # Ok::<(), BrokerError>(())
/// ```
///
/// # Panics
/// The broker cannot be asked, or there is no such group.
pub fn claim_or_read(broker: &Broker, stream: &str, group: &str) -> Option<String> {
    let call = |words: &[&str]| -> Reply { ask(broker, words) };
    let left = ["XAUTOCLAIM", stream, group, "me", "0", "0", "COUNT", "1"];
    let new = [
        "XREADGROUP",
        "GROUP",
        group,
        "me",
        "COUNT",
        "1",
        "STREAMS",
        stream,
        ">",
    ];
    // The replies: [where to go on, [[id, fields]], …] and [[stream, [[id, fields]]]].
    let id = |jobs: &Reply| {
        Some(
            jobs.list()
                .ok()?
                .first()?
                .list()
                .ok()?
                .first()?
                .text()
                .ok()?
                .into(),
        )
    };
    let claimed = call(&left);
    id(&claimed.list().ok()?[1]).or_else(|| {
        let read = call(&new);
        id(&read.list().ok()?.first()?.list().ok()?[1])
    })
}
