//! What calls itself a broker and is none: every reply that is no reply is an error, and none makes the client hang or take memory.

use broker::prelude::*;
use labsupport::prelude::*;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

/// A server that answers the first call of each connection well, and then says `words`.
struct Fake {
    folder: PathBuf,
    url: String,
}

#[derive(Clone, Copy)]
enum Then {
    Close,
    Hold,
    Repeat,
}

impl Fake {
    fn new(name: &str, words: Vec<u8>, then: Then) -> Fake {
        let folder = std::env::temp_dir().join(format!("labs-fake-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("socket");
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let words = words.clone();
                std::thread::spawn(move || answer(stream, &words, then));
            }
        });
        Fake {
            url: format!("unix://{}", socket.display()),
            folder,
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn answer(mut stream: UnixStream, words: &[u8], then: Then) {
    let mut buffer = [0; 4096];
    let _ = stream.read(&mut buffer);
    let _ = stream.write_all(b"+PONG\r\n");
    let _ = stream.read(&mut buffer);
    let _ = stream.write_all(words);
    // Until the client has gone.
    match then {
        Then::Close => {}
        Then::Hold => drop(stream.read(&mut buffer)),
        Then::Repeat => while stream.write_all(words).is_ok() {},
    }
}

/// What a call gets from a server that says `words`.
fn call(name: &str, words: impl Into<Vec<u8>>, then: Then) -> Result<Reply, BrokerError> {
    let fake = Fake::new(name, words.into(), then);
    let broker = Broker::connect(&fake.url).unwrap();
    broker
        .within(Duration::from_millis(200))
        .call(["PING"])
        .unwrap();
    let broker = broker.within(Duration::from_millis(200));
    broker.call(["PING"]).unwrap();
    broker.call(["GET", "word"])
}

#[test]
fn a_reply_that_is_well_formed_is_taken() {
    assert_eq!(call("good", "$4\r\npill\r\n", Then::Hold).unwrap(), "pill");
}

#[test]
fn what_is_no_reply_is_an_error() {
    for (index, words) in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x00\x01\x02\x03\r\n",
        b"$five\r\nhello\r\n",
        b"*many\r\n",
        b":12x\r\n",
        b"#maybe\r\n",
        b",one\r\n",
        b":99999999999999999999999\r\n",
        b"$4\r\npillXX",
        b"+\xff\xfe\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let error = call(&format!("garbage{index}"), words, Then::Hold).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{words:?}: {error}");
    }
}

#[test]
fn a_message_in_the_place_of_a_reply_is_passed_over() {
    let words = ">2\r\n+invalidate\r\n*1\r\n+word\r\n$4\r\npill\r\n";
    assert_eq!(call("message", words, Then::Hold).unwrap(), "pill");
}

#[test]
fn messages_without_an_end_end_in_the_deadline() {
    let words = ">1\r\n+noise\r\n".repeat(10_000);
    let error = call("flood", words, Then::Repeat).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

#[test]
fn a_reply_without_an_end_is_an_error() {
    for (index, words) in ["+more and more", "|0\r\n"].into_iter().enumerate() {
        let words = words.repeat(10_000);
        let error = call(&format!("endless{index}"), words, Then::Repeat).unwrap_err();
        let ended = [ErrorKind::Unreadable, ErrorKind::TimedOut];
        assert!(ended.contains(&error.kind()), "{error}");
    }
}

#[test]
fn an_error_that_repeats_what_is_no_text_can_be_read() {
    let broker = Broker::start_with(&[]).unwrap();
    let error = broker.call([&b"NO\xffSUCH"[..]]).unwrap_err();
    assert_eq!(error.code(), Some("ERR"), "{error}");
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
}

#[test]
fn a_reply_that_stops_half_way_ends_in_the_deadline() {
    for (index, words) in ["", "$4\r\npi", "*2\r\n:1\r\n", "+PON", "$4\r\npill"]
        .into_iter()
        .enumerate()
    {
        let error = call(&format!("half{index}"), words, Then::Hold).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{words:?}: {error}");
    }
}

#[test]
fn a_reply_that_is_cut_off_is_an_error_at_once() {
    for (index, words) in ["", "$4\r\npi", "*2\r\n:1\r\n", "+PON"]
        .into_iter()
        .enumerate()
    {
        let error = call(&format!("cut{index}"), words, Then::Close).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected, "{words:?}: {error}");
    }
}

/// The most memory that this process has had mapped, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmPeak:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn an_announced_length_takes_no_memory() {
    for (index, words) in [
        "*2000000000\r\n:1\r\n",
        "*9223372036854775807\r\n:1\r\n",
        "$9223372036854775807\r\npill",
        "$4000000000\r\npill",
        "%4000000000000000000\r\n+a\r\n",
        "~2000000000\r\n:1\r\n",
        "=4000000000\r\ntxt:a",
    ]
    .into_iter()
    .enumerate()
    {
        // In a process of its own, so that its peak is this reply's.
        let fake = Fake::new(&format!("long{index}"), words.into(), Then::Close);
        let workers = Workers::spawn(1, |_| {
            let broker = Broker::connect(&fake.url).unwrap();
            let before = peak();
            let error = broker.call(["GET", "word"]).unwrap_err();
            (error, peak() - before)
        })
        .unwrap();
        let report = workers.join_timeout(Duration::from_secs(30)).unwrap();
        let (error, taken) = report.into_values().unwrap().remove(0);
        let broken = [ErrorKind::Disconnected, ErrorKind::Unreadable];
        assert!(broken.contains(&error.kind()), "{words:?}: {error}");
        assert!(taken < 64 << 20, "{words:?} took {taken} bytes");
    }
}

#[test]
fn endless_nesting_is_an_error() {
    let words = "*1\r\n".repeat(1_000_000);
    let error = call("nesting", words, Then::Hold).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
    assert!(error.to_string().len() < 500, "{error}");
}

#[test]
fn an_error_in_the_place_of_the_first_reply_is_the_error_of_the_connection() {
    let broker = Broker::start_with(&[]).unwrap();
    let url = broker.url();
    let wrong = format!("{url}?pass=s3cret");
    let error = Broker::connect(&wrong).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    broker
        .call(["CONFIG", "SET", "requirepass", "s3cret"])
        .unwrap();
    assert_eq!(Broker::connect(&url).unwrap_err().code(), Some("NOAUTH"));
    let right = Broker::connect(&wrong).unwrap();
    assert_eq!(right.call(["PING"]).unwrap(), "PONG");
    assert!(!format!("{right} {right:?}").contains("s3cret"));
}
