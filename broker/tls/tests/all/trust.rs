//! Whom the client trusts: the right server and no other, and each error says what to do.

use crate::front::{Front, file};
use broker::prelude::*;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

fn refused(url: &str, words: &str) {
    let error = Broker::connect(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_server_of_the_named_authority_is_trusted() {
    let front = Front::with("server.pem");
    for host in ["localhost", "127.0.0.1"] {
        let broker = Broker::connect(&front.url(host, "")).unwrap();
        broker.call(["SET", "word", "pill"]).unwrap();
        assert_eq!(front.broker.call(["GET", "word"]).unwrap(), "pill");
    }
}

#[test]
fn every_other_server_is_refused_with_the_reason() {
    for (name, words) in [
        ("expired.pem", "has expired"),
        ("future.pem", "not valid yet"),
        ("self.pem", "signed by nobody whom this machine trusts"),
        (
            "elsewhere.pem",
            "is for broker.example and not for localhost",
        ),
    ] {
        refused(&Front::with(name).url("localhost", ""), words);
    }
}

#[test]
fn the_system_does_not_trust_the_tests_authority() {
    // Where the system has no list at all, the error says that.
    let error = Broker::connect(&Front::with("server.pem").bare_url()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("LABS_BROKER_CA"), "{error}");
}

#[test]
fn the_name_to_check_can_be_another_than_the_host() {
    let front = Front::with("elsewhere.pem");
    let broker = Broker::connect(&front.url("localhost", "&sni=broker.example")).unwrap();
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
}

#[test]
fn a_client_certificate_is_shown_if_there_is_one() {
    let front = Front::closed();
    refused(&front.url("localhost", ""), "?cert=file&key=file");
    let own = format!(
        "&cert={}&key={}",
        file("server.pem").display(),
        file("server.key").display()
    );
    let broker = Broker::connect(&front.url("localhost", &own)).unwrap();
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
}

#[test]
fn files_that_are_none_are_named() {
    let front = Front::with("server.pem");
    refused(
        &format!("{}?cacert=/nowhere.pem", front.bare_url()),
        "/nowhere.pem cannot be read",
    );
    refused(
        &format!("{}?cacert={}", front.bare_url(), file("make.sh").display()),
        "there is no certificate in",
    );
}

#[test]
fn a_server_without_tls_is_named_as_such() {
    // It answers in its own protocol.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rediss://{}", listener.local_addr().unwrap());
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute_url = format!("rediss://{}", mute.local_addr().unwrap());
    let answer = std::thread::spawn(move || {
        use std::io::Write;
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(b"-ERR unknown command\r\n").unwrap();
        client
    });
    refused(&with_ca(&url), "does not speak TLS");
    drop(answer.join().unwrap());

    // Its kernel takes the connection, and nobody answers.
    let error = Broker::connect(&with_ca(&mute_url)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(
        error.to_string().contains("write redis:// instead"),
        "{error}"
    );
}

fn with_ca(url: &str) -> String {
    format!("{url}?cacert={}", file("ca.pem").display())
}

#[test]
fn a_client_without_tls_learns_that_the_server_has_it() {
    let front = Front::with("server.pem");
    let url = front.bare_url().replace("rediss", "redis");
    let error = Broker::connect(&url).unwrap_err();
    assert!(error.to_string().contains("it is TLS"), "{error}");
}

#[test]
fn the_environment_may_name_the_authority_and_the_program() {
    let front = Front::with("server.pem");
    // A process with an environment of its own: this very test program, with one test.
    let ask = |name: &str, value: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "trust::asks", "--ignored", "--nocapture"])
            .env("TESTS_URL", front.bare_url())
            .env(name, value)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let ca = file("ca.pem");
    for name in ["LABS_BROKER_CA", "SSL_CERT_FILE"] {
        let (went_well, said) = ask(name, ca.to_str().unwrap());
        assert!(went_well && said.contains("1 passed"), "{said}");
    }
    let (went_well, said) = ask("LABS_BROKER_TLS", "/nowhere");
    assert!(
        !went_well && said.contains("LABS_BROKER_TLS names /nowhere"),
        "{said}"
    );
}

#[test]
#[ignore = "a part of the test above"]
fn asks() {
    let broker = Broker::connect(&std::env::var("TESTS_URL").unwrap()).unwrap();
    assert_eq!(broker.call(["PING"]).unwrap(), "PONG");
}

#[test]
fn a_call_that_gets_no_answer_ends_at_its_limit() {
    let front = Front::with("server.pem");
    let broker = Broker::connect(&front.url("localhost", "")).unwrap();
    let hasty = broker.within(Duration::from_millis(200));
    let error = hasty.call(["BRPOP", "nothing", "0"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(hasty.call(["PING"]).unwrap(), "PONG");
}
