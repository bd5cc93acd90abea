//! Messages that a stranger can send to the notebook's ports: each is dropped with a line in the log, none is run, and the kernel goes on.

use crate::common::*;
use bytes::Bytes;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use zeromq::{DealerSocket, Socket, SocketSend, ZmqMessage};

/// The greeting of ZMTP 3 with the NULL mechanism, and a DEALER's READY.
fn hello() -> Vec<u8> {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    bytes.extend(b"NULL");
    bytes.resize(64, 0);
    bytes.extend(b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER");
    bytes
}

/// A small generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.next() % (most + 1))
            .map(|_| self.next() as u8)
            .collect()
    }
}

fn throw(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    // The other side may close at any point; that is what it should do.
    let _ = stream.write_all(bytes);
    let _ = stream.read(&mut [0; 64]);
}

async fn send(dealer: &mut DealerSocket, parts: Vec<Vec<u8>>) {
    let parts: Vec<Bytes> = parts.into_iter().map(Bytes::from).collect();
    dealer
        .send(ZmqMessage::try_from(parts).unwrap())
        .await
        .unwrap();
}

#[test]
fn nothing_unsigned_malformed_or_huge_is_run_and_the_kernel_goes_on() {
    block_on(async {
        let mut lent = lend().await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        let (info, log) = (
            lent.connection.info.clone(),
            lent.connection.file.with_extension("log"),
        );
        let ports = [
            info.shell_port,
            info.control_port,
            info.stdin_port,
            info.iopub_port,
            info.hb_port,
        ];

        // Before the handshake, and bytes that make no frames after it.
        let mut numbers = Numbers(27);
        for round in 0..200 {
            let port = ports[round % ports.len()];
            let mut bytes = if round % 2 == 0 { Vec::new() } else { hello() };
            bytes.extend(numbers.bytes(400));
            throw(port, &bytes);
        }
        // Frames that announce more than there is memory.
        for port in ports {
            for length in [1_u64 << 40, 1 << 47, 1 << 62, u64::MAX] {
                let mut bytes = hello();
                bytes.push(2);
                bytes.extend(length.to_be_bytes());
                throw(port, &bytes);
            }
        }

        // Well-formed messages that nobody signed, that somebody else signed, and signed nonsense.
        let written = place.home.join("written-hostile");
        let code = format!("std::fs::write({written:?}, \"\").unwrap();");
        let header = |kind: &str| json!({"msg_id": "x", "username": "u", "session": "s", "date": "2026-01-01T00:00:00Z", "msg_type": kind, "version": "5.3"});
        let json = |value: &Value| value.to_string().into_bytes();
        let execute = json!({"code": code, "silent": false, "store_history": true});
        let mut dealers = Vec::new();
        for port in [info.shell_port, info.control_port, info.stdin_port] {
            let mut dealer = DealerSocket::new();
            dealer
                .connect(&format!("tcp://127.0.0.1:{port}"))
                .await
                .unwrap();
            let body = |content: &Value| {
                vec![
                    json(&header("execute_request")),
                    b"{}".to_vec(),
                    b"{}".to_vec(),
                    json(content),
                ]
            };
            let whole = |signature: &[u8], body: Vec<Vec<u8>>| {
                let mut parts = vec![b"<IDS|MSG>".to_vec(), signature.to_vec()];
                parts.extend(body);
                parts
            };
            send(&mut dealer, whole(b"", body(&execute))).await;
            send(&mut dealer, whole(&[b'0'; 64], body(&execute))).await;
            send(&mut dealer, whole(b"no hexadecimal", body(&execute))).await;
            send(
                &mut dealer,
                whole(
                    sign("another key", &body(&execute)).as_bytes(),
                    body(&execute),
                ),
            )
            .await;
            // A good signature of another message.
            send(
                &mut dealer,
                whole(
                    sign(&info.key, &body(&json!({}))).as_bytes(),
                    body(&execute),
                ),
            )
            .await;
            send(&mut dealer, vec![b"<IDS|MSG>".to_vec()]).await;
            send(&mut dealer, vec![b"no delimiter".to_vec()]).await;
            send(&mut dealer, vec![vec![]; 300]).await;
            send(&mut dealer, vec![vec![b'x'; 5 << 20]]).await;
            let nested = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
            for nonsense in [
                vec![],
                vec![b"{}".to_vec(); 3],
                vec![b"{}".to_vec(); 4],
                vec![b"\xff\xfe".to_vec(); 4],
                vec![
                    json(&header("execute_request")),
                    b"{}".to_vec(),
                    b"{}".to_vec(),
                    nested,
                ],
                vec![
                    json(&header("execute_request")),
                    b"{}".to_vec(),
                    b"{}".to_vec(),
                    b"[1]".to_vec(),
                ],
                vec![
                    json(&header("no_such_request")),
                    b"{}".to_vec(),
                    b"{}".to_vec(),
                    b"{}".to_vec(),
                ],
                vec![
                    json(&header("complete_request")),
                    b"{}".to_vec(),
                    b"{}".to_vec(),
                    b"{\"cursor_pos\":99999}".to_vec(),
                ],
                vec![
                    json(&header("history_request")),
                    b"{}".to_vec(),
                    b"{}".to_vec(),
                    b"{\"n\":-7}".to_vec(),
                ],
            ] {
                let signature = sign(&info.key, &nonsense);
                send(&mut dealer, whole(signature.as_bytes(), nonsense)).await;
            }
            for _ in 0..200 {
                let parts = (0..numbers.next() % 8 + 1)
                    .map(|_| numbers.bytes(200))
                    .collect();
                send(&mut dealer, parts).await;
            }
            dealers.push(dealer); // closing it would take back what was not read
        }
        // Each message of the last kind is dropped, so when they are all in the log the others have been looked at too.
        let said = || fs::read_to_string(&log).unwrap();
        let deadline = Instant::now() + LONG;
        for port in ["Shell", "Control", "Stdin"] {
            while said().matches(&format!("{port} port was dropped")).count() < 210 {
                assert!(Instant::now() < deadline, "{port}: {}", said());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }

        assert!(
            kernel.child.try_wait().unwrap().is_none(),
            "the front lives"
        );
        let shown = kernel
            .execute("println!(\"{}\", 6 * 7);", LONG)
            .await
            .unwrap();
        assert_eq!((shown.error(), shown.stdout().as_str()), (None, "42\n"));
        assert!(!written.exists(), "nothing was run");
        let said = said();
        for words in ["are the most", "was closed"] {
            assert!(said.contains(words), "{words:?} is in the log");
        }
        lent.end().await;
    });
}

/// The signature that Jupyter wants: HMAC with SHA-256 over the four parts, in hexadecimal.
fn sign(key: &str, parts: &[Vec<u8>]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    let signature = ring::hmac::sign(&key, &parts.concat());
    signature
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
