//! Redis on loopback: `GET` of a small number, in its own protocol, over a socket that sends at once.

use crate::{cores, keeper};
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$1\r\n7\r\n";
const GOT: &[u8] = b"$2\r\n42\r\n";

/// A server of our own, and a connection to it.
pub(crate) struct Redis {
    child: Child,
    stream: TcpStream,
}

impl Redis {
    /// Starts a server on core `server`, without files and without the user's configuration.
    pub(crate) fn start(folder: &Path, server: usize) -> Result<Redis> {
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
            ])
            .arg(port.to_string())
            .arg("--dir")
            .arg(folder)
            .stdout(Stdio::null());
        keeper::end_with_parent(&mut command);
        let started = cores::on(&[server], || command.spawn());
        let child =
            started.context("there is no redis-server here; apt-get install redis-server")?;
        let mut child = Ended(Some(child));
        for _ in 0..200 {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
                stream.set_nodelay(true)?;
                stream.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\n7\r\n$2\r\n42\r\n")?;
                let mut answer = [0; 5];
                stream.read_exact(&mut answer)?;
                if &answer != b"+OK\r\n" {
                    bail!("redis-server refuses to keep a number");
                }
                let child = child.0.take().context("it was started")?;
                return Ok(Redis { child, stream });
            }
            thread::sleep(Duration::from_millis(25));
        }
        bail!("redis-server does not answer on port {port}");
    }

    /// One read.
    pub(crate) fn get(&mut self) {
        let mut answer = [0; GOT.len()];
        self.stream.write_all(GET).expect("the server lives");
        self.stream
            .read_exact(&mut answer)
            .expect("the server lives");
        assert_eq!(answer, GOT);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends the server when dropped, even if it never answered.
struct Ended(Option<Child>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
