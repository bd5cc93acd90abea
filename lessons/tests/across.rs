//! What lab 06 promises of a broker: every way to take a task, killed at every point.

use broker::prelude::*;
use lessons::across::{POINTS, claim_or_read, effects, late_writes};

type At<'a> = &'a dyn Fn(&str);

fn call(broker: &Broker, words: &[&str]) -> Reply {
    broker.call(words).unwrap()
}

fn mail(broker: &Broker) {
    call(broker, &["INCR", "mails"]);
}

/// Moves a task to those in hand; first of all, what a killed worker had there.
fn take(broker: &Broker) -> Option<String> {
    call(broker, &["LMOVE", "doing", "tasks", "RIGHT", "RIGHT"]);
    broker
        .ask(["LMOVE", "tasks", "doing", "RIGHT", "LEFT"])
        .unwrap()
}

/// The effects when the worker is killed at each of the points.
fn row(broker: &Broker, take: &dyn Fn(&Broker, At)) -> [Option<u64>; 4] {
    POINTS.map(|point| effects(broker, point, take))
}

#[test]
fn a_task_is_done_as_often_as_the_way_of_taking_it_promises() {
    let broker = Broker::start_with(&[]).unwrap();
    let by_pop = |broker: &Broker, at: At| {
        if !call(broker, &["RPOP", "tasks"]).is_nil() {
            at("after the take");
            mail(broker);
            at("after the effect");
            at("at the end");
        }
    };
    assert_eq!(row(&broker, &by_pop), [Some(0), None, Some(1), Some(1)]);

    let by_move = |broker: &Broker, at: At| {
        if let Some(task) = take(broker) {
            at("after the take");
            mail(broker);
            at("after the effect");
            call(broker, &["LREM", "doing", "1", &task]);
            at("at the end");
        }
    };
    assert_eq!(row(&broker, &by_move), [Some(1), None, Some(2), Some(1)]);

    let by_stream = |broker: &Broker, at: At| {
        if let Some(id) = claim_or_read(broker, "jobs", "workers") {
            at("after the take");
            mail(broker);
            at("after the effect");
            call(broker, &["XACK", "jobs", "workers", &id]);
            at("at the end");
        }
    };
    assert_eq!(row(&broker, &by_stream), [Some(1), None, Some(2), Some(1)]);

    // The mark before the effect, and after it: the hole moves.
    let marked = |broker: &Broker, at: At, first: bool| {
        if let Some(task) = take(broker) {
            at("after the take");
            let mark = || !call(broker, &["SET", "done", &task, "NX"]).is_nil();
            if first {
                let new = mark();
                at("after the mark");
                if new {
                    mail(broker);
                }
                at("after the effect");
            } else {
                if call(broker, &["GET", "done"]).is_nil() {
                    mail(broker);
                }
                at("after the effect");
                mark();
                at("after the mark");
            }
            call(broker, &["LREM", "doing", "1", &task]);
            at("at the end");
        }
    };
    let mark_first = |broker: &Broker, at: At| marked(broker, at, true);
    assert_eq!(
        row(&broker, &mark_first),
        [Some(1), Some(0), Some(1), Some(1)]
    );
    let mark_last = |broker: &Broker, at: At| marked(broker, at, false);
    assert_eq!(
        row(&broker, &mark_last),
        [Some(1), Some(1), Some(2), Some(1)]
    );

    let in_one = |broker: &Broker, at: At| {
        if let Some(task) = take(broker) {
            at("after the take");
            let both = "redis.call('LREM', 'doing', 1, ARGV[1]) redis.call('INCR', 'mails')";
            call(broker, &["EVAL", both, "0", &task]);
            at("after the effect");
            at("at the end");
        }
    };
    assert_eq!(row(&broker, &in_one), [Some(1), None, Some(1), Some(1)]);
}

#[test]
fn a_token_keeps_the_late_writer_out() {
    let broker = Broker::start_with(&[]).unwrap();
    let fenced = |broker: &Broker, token: u64, text: &str| {
        let script =
            "if tonumber(ARGV[1]) < tonumber(redis.call('GET', KEYS[2]) or 0) then return 0 end
                      redis.call('SET', KEYS[2], ARGV[1]) redis.call('SET', KEYS[1], ARGV[2])";
        call(
            broker,
            &[
                "EVAL",
                script,
                "2",
                "file",
                "newest",
                &token.to_string(),
                text,
            ],
        );
    };
    assert_eq!(late_writes(&broker, 5, fenced), 0);
}

#[test]
#[should_panic(expected = "the second worker panicked")]
fn a_way_that_panics_is_told() {
    let broker = Broker::start_with(&[]).unwrap();
    let turn = std::cell::Cell::new(0);
    effects(&broker, "after the take", &|_, at| {
        turn.set(turn.get() + 1);
        at("after the take");
        panic!("on purpose");
    });
}
