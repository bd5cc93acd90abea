//! The proxy, subscriptions and watched keys: what a distance, a partition and a broken line do.

use crate::common::until;
use broker::prelude::*;
use labsupport::prelude::*;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn every_call_waits_for_the_way_there_and_back() {
    let broker = Broker::start_with(&[]).unwrap();
    for delay in [0, 5, 25].map(Duration::from_millis) {
        let proxy = broker.far(delay).unwrap();
        let far = proxy.broker();
        for _ in 0..3 {
            let begun = Instant::now();
            far.call(["PING"]).unwrap();
            assert!(begun.elapsed() >= 2 * delay);
        }
    }
}

#[test]
fn the_proxy_keeps_the_order_and_all_bytes() {
    let broker = Broker::start_with(&[]).unwrap();
    let proxy = broker.far(Duration::from_millis(1)).unwrap();
    let far = proxy.broker();
    // Larger than one read, so that it travels in parts.
    let value: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    far.call([&b"SET"[..], b"value", &value]).unwrap();
    match far.call(["GET", "value"]).unwrap() {
        Reply::Bytes(back) => assert!(back == value),
        other => panic!("{}", other.to_string().len()),
    }
    let mut signals = far.subscribe(["signals"]).unwrap();
    for n in 0..1000 {
        proxy.set_delay(Duration::from_micros(n % 7 * 500)).unwrap(); // shorter ones must not overtake
        broker.call(["PUBLISH", "signals", &n.to_string()]).unwrap();
    }
    for n in 0..1000 {
        let message = signals.next(LIMIT).unwrap().unwrap();
        assert_eq!(message.text().unwrap(), n.to_string());
    }
}

#[test]
fn bytes_on_the_way_do_not_wait_for_each_other() {
    let broker = Broker::start_with(&[]).unwrap();
    let delay = Duration::from_millis(25);
    let proxy = broker.far(delay).unwrap();
    let mut signals = proxy.broker().subscribe(["signals"]).unwrap();
    const MESSAGES: u32 = 400;
    let begun = Instant::now();
    for _ in 0..MESSAGES {
        broker.call(["PUBLISH", "signals", "x"]).unwrap();
    }
    for _ in 0..MESSAGES {
        signals.next(LIMIT).unwrap().unwrap();
    }
    // One after the other would take 400 delays.
    assert!(
        begun.elapsed() < delay * MESSAGES / 4,
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn nothing_passes_a_cut_line_and_no_connection_breaks() {
    let broker = Broker::start_with(&[]).unwrap();
    let proxy = broker.far(Duration::ZERO).unwrap();
    let far = proxy.broker();
    far.call(["SET", "word", "pill"]).unwrap();
    let mut signals = far.subscribe(["signals"]).unwrap();
    proxy.cut();
    broker.call(["PUBLISH", "signals", "stop"]).unwrap();
    assert_eq!(signals.next(Duration::from_millis(50)).unwrap(), None);
    let error = far
        .within(Duration::from_millis(50))
        .call(["GET", "word"])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("cut"), "{error}");
    proxy.mend();
    assert_eq!(
        signals.next(LIMIT).unwrap().unwrap().text().unwrap(),
        "stop"
    );
    assert_eq!(far.call(["GET", "word"]).unwrap(), "pill");
}

#[test]
fn workers_go_through_the_proxy_too() {
    let broker = Broker::start_with(&[]).unwrap();
    let proxy = broker.far(Duration::from_millis(2)).unwrap();
    let workers = Workers::spawn(3, |_| {
        let far = proxy.broker();
        let begun = Instant::now();
        far.call(["INCR", "epoch"]).unwrap();
        begun.elapsed() >= Duration::from_millis(4)
    })
    .unwrap();
    let values = workers.join_timeout(LIMIT).unwrap().into_values().unwrap();
    assert_eq!(values, [true; 3]);
    assert_eq!(broker.ask::<u64>(["GET", "epoch"]).unwrap(), 3);
}

#[test]
fn dropped_connections_are_noticed_on_both_sides() {
    let broker = Broker::start_with(&[]).unwrap();
    let proxy = broker.far(Duration::ZERO).unwrap();
    let far = proxy.broker();
    let mut signals = far.subscribe(["signals"]).unwrap();
    far.call(["PING"]).unwrap();
    proxy.drop_connections();
    assert_eq!(
        far.call(["PING"]).unwrap_err().kind(),
        ErrorKind::Disconnected
    );
    for _ in 0..2 {
        let error = signals.next(LIMIT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert!(error.to_string().contains("subscribe again"), "{error}");
    }
    assert_eq!(far.call(["PING"]).unwrap(), "PONG");
    until("the server's look", || {
        let clients: String = broker.ask(["CLIENT", "LIST"]).unwrap();
        clients.lines().count() == 2
    });
}

#[test]
fn a_proxy_takes_its_socket_with_it_and_keeps_its_server() {
    let proxy = Broker::start_with(&[])
        .unwrap()
        .far(Duration::ZERO)
        .unwrap();
    let far = proxy.broker();
    let (folder, server) = (crate::common::folder(&far), far.pid().unwrap());
    assert_eq!(far.call(["PING"]).unwrap(), "PONG");
    drop(proxy);
    assert_eq!(far.call(["PING"]).unwrap(), "PONG"); // the handle keeps the line
    drop(far);
    assert!(!folder.exists() && !crate::common::runs(server));
}

#[test]
fn a_server_behind_a_proxy_that_is_gone_is_an_error() {
    let broker = Broker::start_with(&[]).unwrap();
    let proxy = broker.far(Duration::ZERO).unwrap();
    let far = proxy.broker();
    far.call(["PING"]).unwrap();
    broker.kill().unwrap();
    for _ in 0..2 {
        assert_eq!(
            far.call(["PING"]).unwrap_err().kind(),
            ErrorKind::Disconnected
        );
    }
    broker.restart().unwrap();
    assert_eq!(far.call(["PING"]).unwrap(), "PONG");
}

#[test]
fn what_is_published_before_anybody_listens_is_gone() {
    let broker = Broker::start_with(&[]).unwrap();
    assert_eq!(broker.call(["PUBLISH", "signals", "early"]).unwrap(), 0);
    let mut signals = broker.subscribe(["signals"]).unwrap();
    assert_eq!(broker.call(["PUBLISH", "signals", "late"]).unwrap(), 1);
    assert_eq!(
        signals.next(LIMIT).unwrap().unwrap().text().unwrap(),
        "late"
    );
    let workers = Workers::spawn(1, |_| {
        let kind = broker.subscribe([""; 0]).unwrap_err().kind();
        kind == ErrorKind::Invalid
    })
    .unwrap();
    assert_eq!(
        workers.join_timeout(LIMIT).unwrap().into_values().unwrap(),
        [true]
    );
}

#[test]
fn a_watched_key_is_read_again_only_after_the_servers_word() {
    let broker = Broker::start_with(&[]).unwrap();
    let stop = broker.watched("stop").unwrap();
    let reads = || -> u64 {
        let stats: String = broker.ask(["INFO", "commandstats"]).unwrap();
        let calls = stats
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_get:calls="));
        calls.map_or(0, |calls| calls.split(',').next().unwrap().parse().unwrap())
    };
    let before = reads();
    for _ in 0..1000 {
        assert!(!stop.is_set().unwrap());
    }
    assert_eq!(reads(), before);
    for round in 1..=3 {
        broker.call(["SET", "stop", &round.to_string()]).unwrap();
        until("the server's word", || {
            stop.get().unwrap().int().ok() == Some(round)
        });
    }
    broker.call(["DEL", "stop"]).unwrap();
    until("the server's word", || !stop.is_set().unwrap());
    assert_eq!(reads(), before + 4);
}

#[test]
fn a_broken_line_is_noticed_and_the_next_look_asks_again() {
    let broker = Broker::start_with(&[]).unwrap();
    let proxy = broker.far(Duration::ZERO).unwrap();
    let stop = proxy.broker().watched("stop").unwrap();
    assert!(stop.is_connected() && !stop.is_set().unwrap());
    proxy.drop_connections();
    until("the end of the line", || !stop.is_connected());
    broker.call(["SET", "stop", "1"]).unwrap();
    assert!(stop.is_set().unwrap());
    assert!(stop.is_connected());
    broker.kill().unwrap();
    until("the end of the server", || !stop.is_connected());
    assert_eq!(stop.is_set().unwrap_err().kind(), ErrorKind::Disconnected);
    broker.restart().unwrap();
    assert!(!stop.is_set().unwrap());
}

#[test]
fn a_cut_line_reports_nothing_and_only_the_age_tells() {
    let broker = Broker::start_with(&[]).unwrap();
    let proxy = broker.far(Duration::ZERO).unwrap();
    let stop = proxy
        .broker()
        .within(Duration::from_millis(50))
        .watched("stop")
        .unwrap();
    proxy.cut();
    broker.call(["SET", "stop", "1"]).unwrap();
    std::thread::sleep(Duration::from_millis(20)); // time in which the word would have come
    assert!(!stop.is_set().unwrap() && stop.is_connected());
    assert!(stop.age() >= Duration::from_millis(20));
    assert_eq!(stop.refresh().unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(!stop.is_connected());
    proxy.mend();
    assert!(stop.is_set().unwrap());
}

#[test]
fn each_worker_watches_for_itself() {
    let broker = Broker::start_with(&[]).unwrap();
    let stop = broker.watched("stop").unwrap();
    let looking = Barrier::new(4).unwrap();
    let workers = Workers::spawn(3, |_| {
        assert!(!stop.is_set().unwrap());
        looking.wait_timeout(LIMIT).unwrap();
        until("the server's word", || stop.is_set().unwrap());
    })
    .unwrap();
    looking.wait_timeout(LIMIT).unwrap();
    broker.call(["SET", "stop", "1"]).unwrap();
    until("the server's word", || stop.is_set().unwrap());
    workers.join_timeout(LIMIT).unwrap().values().unwrap();
}
