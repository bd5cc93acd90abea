//! What needs a look inside: kills at the named points, nonsense through a bare connection, the limits, a stopped server.
//! `tests/manager.rs` has what a lab sees.

use crate::door::Door;
use crate::frame::{self, MAX_FRAME};
use crate::protocol::{Kind, Reply};
use crate::proxy::Proxy;
use crate::server::{self, Ends};
use crate::settings::Settings;
use crate::sys::Wait;
use crate::{List, Manager, ManagerError, sys};
use labsupport::internal::fault;
use labsupport::process::{Exit, Workers};
use labsupport::shared::Flag;
use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

/// Waits until it is so, for at most ten seconds.
fn soon(what: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// How many descriptors the server has open.
fn open_in(manager: &Manager) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", manager.pid())).map_or(0, Iterator::count)
}

/// Runs `work` in a worker and returns how that ended.
fn exit_of(work: impl Fn()) -> Exit {
    let report = Workers::spawn(1, |_| work()).unwrap();
    let report = report.join_timeout(LONG).unwrap();
    report.outcomes()[0].exit().clone()
}

fn signal(manager: &Manager, signal: i32) {
    sys::send_signal(manager.pid() as sys::Pid, signal).unwrap();
}

/// A bare connection, for what no handle sends.
struct Raw(OwnedFd);

impl Raw {
    fn new(manager: &Manager) -> Raw {
        Raw(manager.door.knock().unwrap())
    }

    fn send(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if let Some(n) = sys::send(&self.0, bytes, Wait::Slice).unwrap() {
                bytes = &bytes[n..];
            }
        }
    }

    fn frame(&self, bytes: &[u8]) {
        self.send(&[&(bytes.len() as u32).to_le_bytes(), bytes].concat());
    }

    /// What comes until the server closes, or is closed.
    fn read_to_end(&self) -> Vec<u8> {
        let (begun, mut bytes) = (Instant::now(), Vec::new());
        loop {
            assert!(begun.elapsed() < LONG, "the connection stays open");
            match sys::receive(&self.0, &mut bytes, 1 << 16, Wait::Slice) {
                Ok(Some(0)) | Err(_) => return bytes,
                Ok(_) => {}
            }
        }
    }
}

#[test]
fn a_client_killed_anywhere_harms_no_other() {
    // Of a request that came in part nothing is done, one that came whole is done.
    for (point, done) in [("ask: part sent", false), ("ask: sent", true)] {
        let manager = Manager::start().unwrap();
        let texts = manager.dict::<u64, String>("texts").unwrap();
        texts.insert(1, "one".into()).unwrap();
        let open = open_in(&manager);
        let neighbour = Workers::spawn(1, |_| {
            (0..500).all(|_| texts.get(&1).unwrap() == Some("one".into()))
        });
        for _ in 0..3 {
            let exit = exit_of(|| {
                texts.len().unwrap();
                fault::arm(point, fault::Action::Kill);
                let _ = texts.insert(2, "x".repeat(1 << 20));
            });
            assert_eq!(exit, Exit::Signaled(9), "{point}");
        }
        let report = neighbour.unwrap().join_timeout(LONG).unwrap();
        assert_eq!(report.values().unwrap(), [true]);
        // The server keeps nothing of the dead client.
        assert!(soon(|| open_in(&manager) == open), "{point}");
        assert_eq!(texts.contains_key(&2).unwrap(), done, "{point}");
    }
}

#[test]
fn a_server_killed_anywhere_is_an_error_at_once_for_all() {
    for point in [
        "serve: read",
        "serve: applied",
        "serve: part sent",
        "serve: answered",
    ] {
        let manager = Manager::start().unwrap();
        let texts = manager.list::<String>("texts").unwrap();
        texts.push("x".repeat(1 << 20)).unwrap();
        let idle = manager.dict::<u8, u8>("idle").unwrap();
        let connected = Flag::new().unwrap();
        let others = Workers::spawn(2, |w| {
            // One is connected when the server dies, the other is not.
            if w.index() == 0 {
                idle.len().unwrap();
                connected.set();
            }
            while sys::alive(manager.pid() as sys::Pid) {
                std::thread::sleep(Duration::from_millis(1));
            }
            idle.len()
        })
        .unwrap();
        assert!(soon(|| connected.is_set()));
        manager.list::<u8>(&format!("die at {point}")).unwrap();
        let begun = Instant::now();
        let said = texts.items();
        match point {
            "serve: answered" => drop(said), // the whole answer may have come before
            _ => assert_eq!(said, Err(ManagerError::Gone), "{point}"),
        }
        assert_eq!(texts.len(), Err(ManagerError::Gone), "{point}");
        assert_eq!(idle.clone().len(), Err(ManagerError::Gone), "{point}");
        assert_eq!(
            manager.list::<u8>("new").map(drop),
            Err(ManagerError::Gone),
            "{point}"
        );
        assert!(
            begun.elapsed() < Settings::default().patience,
            "{point}: this waited for the deadline"
        );
        let report = others.join_timeout(LONG).unwrap();
        let gone = report.into_values().unwrap();
        assert!(
            gone.iter().all(|said| *said == Err(ManagerError::Gone)),
            "{point}: {gone:?}"
        );
    }
}

#[test]
fn a_stopped_server_is_an_error_and_its_late_reply_is_thrown_away() {
    let settings = Settings {
        patience: Duration::from_millis(200),
        ..Settings::default()
    };
    let manager = Manager::start_with(settings).unwrap();
    let numbers = manager.dict::<u64, u64>("numbers").unwrap();
    numbers.insert(1, 10).unwrap();
    numbers.insert(2, 20).unwrap();
    let texts = manager.list::<String>("texts").unwrap();
    signal(&manager, libc::SIGSTOP);
    let error = numbers.get(&1).unwrap_err();
    assert!(matches!(error, ManagerError::Silent { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.starts_with("the manager has not answered for 200ms; it was stopped (SIGSTOP"),
        "{said}"
    );
    // A new connection gets no further, and neither does a request that fills the socket.
    let error = manager.dict::<u64, u64>("others").unwrap_err();
    assert!(matches!(error, ManagerError::Silent { .. }), "{error}");
    let error = texts.push("x".repeat(8 << 20)).unwrap_err();
    assert!(matches!(error, ManagerError::Silent { .. }), "{error}");
    signal(&manager, libc::SIGCONT);
    // The answer to `get(&1)` comes now, to a connection that no handle reads.
    assert!(soon(|| numbers.get(&2).is_ok()));
    for _ in 0..100 {
        assert_eq!(numbers.get(&2).unwrap(), Some(20));
        assert_eq!(numbers.get(&1).unwrap(), Some(10));
    }
}

#[test]
fn a_door_that_a_stopped_server_lets_fill_up_is_an_error_too() {
    let settings = Settings {
        patience: Duration::from_millis(100),
        ..Settings::default()
    };
    let manager = Manager::start_with(settings).unwrap();
    signal(&manager, libc::SIGSTOP);
    let mut waiting = Vec::new();
    let error = loop {
        match manager.door.knock() {
            Ok(socket) => waiting.push(socket),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10_000);
    };
    assert!(matches!(error, ManagerError::Silent { .. }), "{error}");
    signal(&manager, libc::SIGCONT);
    assert!(soon(|| manager.list::<u8>("after").is_ok()));
}

#[test]
fn nonsense_ends_its_own_connection_with_a_reason_and_no_other() {
    let manager = Manager::start().unwrap();
    let list = manager.list::<u64>("list").unwrap();
    list.push(7).unwrap();
    let frames: [(&[u8], &str); 9] = [
        (b"", "ends before"),
        (b"\x07", "no message"),
        (b"\x00\x07\x00\x00", "no message"),
        (b"\x00\x00\x05ab", "ends before"),
        (b"\x00\x00\x00\x02\xff\xfe", "not UTF-8"),
        (b"\x02\x63\x00", "does not exist"),
        (b"\x01\x00\x04\x03key", "a dict for a list"),
        (b"\x02\x00\x00more", "goes on after its end"),
        (b"\x02\x00\x07\x04\xff\xff\xff\xff", "longer than the whole"),
    ];
    for (frame, what) in frames {
        let raw = Raw::new(&manager);
        raw.frame(frame);
        let said = raw.read_to_end();
        let text = String::from_utf8_lossy(&said);
        assert!(text.contains(what), "{frame:?}: {text}");
        let reply = frame::read(&said[4..]).unwrap();
        assert!(matches!(reply, Reply::Closed(_)), "{reply:?}");
    }
    // A frame that is announced, and too long.
    let raw = Raw::new(&manager);
    raw.send(&(MAX_FRAME as u32 + 1).to_le_bytes());
    let said = raw.read_to_end();
    assert!(String::from_utf8_lossy(&said).contains("more bytes than a frame may have"));
    // A frame of which only half comes.
    let half = Raw::new(&manager);
    half.send(&[0, 0, 1, 0, 7, 7, 7]);
    // Through the door: nothing at all, no descriptor, one that is no stream, and a stream that is closed already.
    let door = &manager.door.outside;
    sys::send(door, b"", Wait::Slice).unwrap();
    sys::send(door, b"let me in", Wait::Slice).unwrap();
    sys::send_descriptor(door, door, Wait::Slice).unwrap();
    drop(manager.door.knock().unwrap());
    assert_eq!(list.items().unwrap(), [7]);
    drop(half);
    assert_eq!(list.items().unwrap(), [7]);
}

#[test]
fn a_dead_server_raises_no_signal() {
    let manager = Manager::start().unwrap();
    let list = manager.list::<u8>("list").unwrap();
    signal(&manager, libc::SIGKILL);
    let exit = exit_of(|| {
        // Rust's main ignores it; a program in which this library is only a part may not.
        // SAFETY: SIG_DFL is a valid disposition for this signal.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        assert!(soon(|| list.push(1) == Err(ManagerError::Gone)));
        assert_eq!(list.push(1), Err(ManagerError::Gone));
        let (mine, theirs) = sys::socket_pair(sys::SocketType::STREAM).unwrap();
        drop(theirs);
        sys::send(&mine, b"hello", Wait::No).unwrap_err();
    });
    assert_eq!(exit, Exit::Returned);
}

#[test]
fn a_copy_of_the_servers_end_keeps_no_closed_connection_alive() {
    let manager = Manager::start().unwrap();
    let (mine, theirs) = sys::socket_pair(sys::SocketType::STREAM).unwrap();
    sys::set_timeouts(&mine, Duration::from_millis(50)).unwrap();
    sys::send_descriptor(&manager.door.outside, &theirs, Wait::Slice).unwrap();
    let raw = Raw(mine);
    raw.frame(b"\xff");
    // `theirs` is still open, as in a process that was forked at the wrong moment.
    assert!(!raw.read_to_end().is_empty());
    // The server sleeps: it is not told of that end again and again.
    let looks = (0..50).filter(|_| {
        std::thread::sleep(Duration::from_millis(2));
        sys::activity(manager.pid() as sys::Pid).starts_with("asleep")
    });
    let asleep = looks.count();
    assert!(asleep > 40, "asleep in {asleep} of 50 looks");
    drop(theirs);
}

#[test]
fn with_a_copy_of_the_servers_door_no_client_waits_for_a_dead_server() {
    // As in `start_with`, but this process keeps the server's end of the door.
    let Ends {
        outside,
        inside,
        epoll,
    } = Ends::new().unwrap();
    let copy = inside.try_clone().unwrap();
    let ends = Cell::new(Some([inside, epoll]));
    let server = Workers::spawn(1, |_| -> () {
        sys::serve_alone(ends.take().unwrap(), Settings::default(), server::serve)
    })
    .unwrap();
    let pid = server.pids()[0];
    let door = Arc::new(Door::new(outside, pid, Settings::default().patience).unwrap());
    let list = || Proxy::open(&door, Kind::List, "u8", "list").map(List::<u8>::new);
    let open = list().unwrap();
    server.kill(0);
    assert!(soon(|| !sys::alive(pid as sys::Pid)));
    let begun = Instant::now();
    assert_eq!(open.len(), Err(ManagerError::Gone));
    // The door takes it, and no process will ever look at it.
    assert_eq!(list().map(drop), Err(ManagerError::Gone));
    assert!(begun.elapsed() < Settings::default().patience);
    drop(copy);
}

#[test]
fn random_bytes_harm_no_other_client() {
    let manager = Manager::start().unwrap();
    let list = manager.list::<u64>("list").unwrap();
    list.push(7).unwrap();
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    };
    for round in 0..300 {
        let bytes: Vec<u8> = (0..64).map(|_| random()).collect();
        let raw = Raw::new(&manager);
        // Half of them in a frame, so that they get further. Not to the list, which must stay as it is.
        if round % 2 == 0 {
            raw.frame(&[&[random() % 4, 1 + random() % 2, random() % 10], &bytes[..]].concat());
        } else {
            // The server may have closed after the first bytes.
            let _ = sys::send(&raw.0, &bytes, Wait::Slice);
        }
        assert_eq!(list.items().unwrap(), [7], "round {round}");
    }
}

#[test]
fn a_client_that_never_reads_makes_no_other_wait_and_is_answered_in_the_end() {
    let manager = Manager::start().unwrap();
    let texts = manager.list::<String>("texts").unwrap();
    texts.push("x".repeat(20_000)).unwrap();
    let kilobytes = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", manager.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let number = line.unwrap().split_whitespace().nth(1).unwrap();
        number.parse().unwrap()
    };
    let before = kilobytes();
    let raw = Raw::new(&manager);
    // All items of list 0: many times at once, so that one receive brings them all, then twenty times and again.
    let question = b"\x03\x00\x00\x00\x02\x00\x01";
    raw.send(&question.repeat(400));
    let questions = question.repeat(20);
    let (mut full, mut sent) = (0, 0);
    // Until nothing more goes in for a while: the server has stopped reading here.
    while full < 5 {
        let rest = &questions[sent % questions.len()..];
        match sys::send(&raw.0, rest, Wait::Slice).unwrap() {
            Some(n) => sent += n,
            None => full += 1,
        }
        assert!(sent < 10_000_000, "the server reads on and on");
        assert_eq!(texts.len().unwrap(), 1);
    }
    // Thousands of replies of 20 kB would be many megabytes.
    let asked = 400 + sent / question.len();
    assert!(asked > 2_000, "{asked}");
    let more = kilobytes().saturating_sub(before);
    assert!(more < 3_000, "{more} kB");
    // Everything that was asked is answered.
    let mut left = asked * (4 + 1 + 3 + 4 + 20_003);
    let (begun, mut bytes) = (Instant::now(), Vec::new());
    while left > 0 {
        assert!(begun.elapsed() < LONG, "{left} bytes do not come");
        bytes.clear();
        let n = sys::receive(&raw.0, &mut bytes, left.min(1 << 20), Wait::Slice).unwrap();
        left -= n.unwrap_or(0);
        assert_ne!(n, Some(0), "{left} bytes of replies are missing");
    }
    assert_eq!(texts.len().unwrap(), 1);
}

#[test]
fn buffers_beyond_the_limit_cost_their_own_connection() {
    let settings = Settings {
        most_buffered: 1 << 20,
        ..Settings::default()
    };
    let manager = Manager::start_with(settings).unwrap();
    let texts = manager.list::<String>("texts").unwrap();
    for _ in 0..30 {
        texts.push("x".repeat(100_000)).unwrap();
    }
    let said = texts.items().unwrap_err().to_string();
    assert!(
        said.starts_with("the manager has closed the connection: it gave no reason"),
        "{said}"
    );
    // The next call opens another.
    assert_eq!(texts.len().unwrap(), 30);
    assert_eq!(texts.get(29).unwrap().map(|text| text.len()), Some(100_000));
}

#[test]
fn too_many_clients_are_turned_away_with_a_sentence() {
    let settings = Settings {
        most_clients: 3,
        ..Settings::default()
    };
    let manager = Manager::start_with(settings).unwrap();
    let mut lists: Vec<List<u8>> = (0..3)
        .map(|n| manager.list(&format!("list {n}")).unwrap())
        .collect();
    for _ in 0..5 {
        let said = manager.list::<u8>("another").unwrap_err().to_string();
        assert!(
            said.starts_with("the manager has closed the connection: it has 3 already"),
            "{said}"
        );
    }
    for list in &lists {
        list.push(1).unwrap();
    }
    lists.pop();
    assert!(soon(|| manager.list::<u8>("another").is_ok()));
}

#[test]
fn a_small_limit_of_open_files_is_a_sentence_and_not_the_end() {
    // In a process of its own, whose limit is its own.
    let exit = exit_of(|| {
        let limit = |most: u64| {
            let limit = libc::rlimit {
                rlim_cur: most,
                rlim_max: 4096,
            };
            // SAFETY: the pointer is to a live local.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) }, 0);
        };
        let most = 64.max(sys::count_open() as u64 + 20);
        limit(most);
        let manager = Manager::start().unwrap();
        limit(4096);
        let mut lists = Vec::new();
        let said = loop {
            assert!(lists.len() < most as usize);
            match manager.list::<u8>("list") {
                Ok(list) => lists.push(list),
                Err(error) => break error.to_string(),
            }
        };
        assert!(said.contains("`ulimit -n`") && lists.len() > 10, "{said}");
        for _ in 0..20 {
            assert_eq!(manager.list::<u8>("list").unwrap_err().to_string(), said);
        }
        assert!(lists.iter().all(|list| list.push(1).is_ok()));
        drop(lists);
        assert!(soon(|| manager.list::<u8>("list").is_ok()));
    });
    assert_eq!(exit, Exit::Returned);
}

#[test]
fn a_full_server_says_so_and_goes_on() {
    let settings = Settings {
        most_kept: 10_000,
        ..Settings::default()
    };
    let manager = Manager::start_with(settings).unwrap();
    let texts = manager.dict::<u8, String>("texts").unwrap();
    let list = manager.list::<String>("list").unwrap();
    let full = ManagerError::Full { limit: 10_000 };
    texts.insert(1, "x".repeat(8_000)).unwrap();
    assert_eq!(texts.insert(2, "x".repeat(2_000)), Err(full.clone()));
    assert_eq!(texts.insert(1, "x".repeat(10_000)), Err(full.clone()));
    assert_eq!(
        texts.compare_exchange(&3, None, Some("x".repeat(2_000))),
        Err(full.clone())
    );
    let many = ["x", "y"].map(|text| text.repeat(900));
    assert_eq!(list.extend(many.clone()), Err(full.clone()));
    assert_eq!(list.push("x".repeat(2_000)), Err(full.clone()));
    list.push("z".into()).unwrap();
    assert_eq!(list.set(0, "x".repeat(2_000)), Err(full));
    // None of that was done in part.
    assert_eq!(texts.keys().unwrap(), [1]);
    assert_eq!(list.items().unwrap(), ["z"]);
    texts.insert(1, "shorter".into()).unwrap();
    list.extend(many).unwrap();
    list.clear().unwrap();
    texts.clear().unwrap();
    for _ in 0..100 {
        texts.insert(2, "x".repeat(5_000)).unwrap();
        texts.remove(&2).unwrap();
        list.push("x".repeat(5_000)).unwrap();
        list.pop().unwrap();
    }
    for _ in 0..10 {
        texts.insert(2, "x".repeat(5_000)).unwrap();
        texts.clear().unwrap();
        list.push("x".repeat(5_000)).unwrap();
        list.clear().unwrap();
    }
}

#[test]
fn a_process_that_became_another_user_is_turned_away() {
    if sys::user() != 0 {
        println!("skipped: only root can become another user");
        return;
    }
    let manager = Manager::start().unwrap();
    let list = manager.list::<u8>("list").unwrap();
    let exit = exit_of(|| {
        // SAFETY: setuid passes an integer to the kernel; this process has one thread.
        assert_eq!(unsafe { libc::setuid(65_534) }, 0);
        let said = list.push(1).unwrap_err().to_string();
        assert!(said.contains("it belongs to another user"), "{said}");
    });
    assert_eq!(exit, Exit::Returned);
    assert_eq!(list.len().unwrap(), 0);
}

#[test]
fn the_server_lets_go_of_what_it_inherited() {
    let pipe = std::io::pipe().unwrap();
    let manager = Manager::start().unwrap();
    assert!(soon(|| {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", manager.pid()));
        name.is_ok_and(|name| name == "labs: manager\n")
    }));
    // The standard ones, the door, and the set to wait with.
    assert!(soon(|| open_in(&manager) <= 5), "{}", open_in(&manager));
    drop(pipe);
}

#[test]
fn a_server_that_no_client_can_reach_any_longer_ends() {
    // As in `start_with`, but the door outside is closed and nothing kills the server.
    let Ends {
        outside,
        inside,
        epoll,
    } = Ends::new().unwrap();
    let ends = Cell::new(Some([inside, epoll]));
    let outside = Cell::new(Some(outside));
    let server = Workers::spawn(1, |_| -> () {
        drop(outside.take());
        let ends = ends.take().unwrap();
        sys::serve_alone(ends, Settings::default(), server::serve)
    })
    .unwrap();
    let door = Door::new(outside.take().unwrap(), server.pids()[0], LONG).unwrap();
    drop(ends.take());
    let door = Arc::new(door);
    let list = Proxy::open(&door, Kind::List, "u8", "list").map(List::<u8>::new);
    let list = list.unwrap();
    drop(door);
    list.push(1).unwrap();
    let pid = server.pids()[0] as sys::Pid;
    assert!(sys::alive(pid));
    drop(list); // the last one that held the door
    assert!(soon(|| !sys::alive(pid)));
}

#[test]
fn frames_too_large_are_errors_before_they_are_sent_or_answered() {
    let manager = Manager::start().unwrap();
    let texts = manager.list::<String>("texts").unwrap();
    let error = texts.push("x".repeat(MAX_FRAME)).unwrap_err();
    let limit = MAX_FRAME;
    let bytes = 1 + 1 + 1 + 4 + 4 + MAX_FRAME; // list, its number, push, the length of the element, that of the text, the text
    assert_eq!(error, ManagerError::TooLarge { bytes, limit });
    assert!(error.to_string().contains("send or ask for less at a time"));
    for _ in 0..2 {
        texts.push("x".repeat(MAX_FRAME - 11)).unwrap();
    }
    let error = texts.items().unwrap_err();
    assert!(matches!(error, ManagerError::TooLarge { .. }), "{error}");
    // The connection is as good as before.
    assert_eq!(texts.len().unwrap(), 2);
    assert_eq!(
        texts.pop().unwrap().map(|text| text.len()),
        Some(limit - 11)
    );
    let name = "n".repeat(MAX_FRAME);
    assert!(matches!(
        manager.list::<u8>(&name),
        Err(ManagerError::TooLarge { .. })
    ));
}
