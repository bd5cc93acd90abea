//! TLS for the crate `broker`, as a program of its own. `Broker::connect` starts it for each connection to a `rediss://` address, with
//!
//! * standard input: one end of a pair of sockets. What the broker's client writes and reads there is not encrypted;
//! * standard output: the connection to the server, which stands already. Here everything is encrypted;
//! * standard error: a pipe for one sentence, the reason if the connection cannot be or breaks.
//!
//! One line end on standard input tells the client that the server has shown who it is. From then on the program carries bytes until one
//! side ends. It also ends with the process that started it, however that ends.

mod carry;
mod trust;

use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
use std::ffi::OsString;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "this program is started by the crate `broker`, for an address that begins with rediss://. By hand it does nothing.";

/// What the client says.
struct Arguments {
    /// The process that started this program.
    parent: Pid,
    /// The name that the server's certificate must have.
    name: String,
    /// The authorities to trust, instead of the system's.
    cacert: Option<PathBuf>,
    /// The client's own certificate, and its key.
    own: Option<(PathBuf, PathBuf)>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // One write: the client reads it when its stream has ended.
            eprint!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let arguments = read(std::env::args_os().skip(1)).ok_or(USAGE)?;
    // A name that `labsupport` knows: this process puts nothing into a queue.
    let _ = rustix::thread::set_name(c"labs: tls");
    let system = |error: &dyn std::fmt::Display| format!("the system refused something ({error})");
    let parent =
        pidfd_open(arguments.parent, PidfdFlags::empty()).map_err(|error| system(&error))?;
    if getppid() != Some(arguments.parent) {
        return Ok(()); // it has ended already
    }
    let near = std::io::stdin().as_fd().try_clone_to_owned();
    let far = std::io::stdout().as_fd().try_clone_to_owned();
    let near = UnixStream::from(near.map_err(|error| system(&error))?);
    let far = TcpStream::from(far.map_err(|error| system(&error))?);
    for set in [near.set_nonblocking(true), far.set_nonblocking(true)] {
        set.map_err(|error| system(&error))?;
    }
    let tls = trust::client(
        &arguments.name,
        arguments.cacert.as_deref(),
        arguments.own.as_ref(),
    )?;
    carry::run(&parent, near, far, tls, &arguments.name)
}

fn read(mut arguments: impl Iterator<Item = OsString>) -> Option<Arguments> {
    let parent = arguments.next()?.to_str()?.parse().ok()?;
    let name = arguments.next()?.into_string().ok()?;
    let (mut cacert, mut cert, mut key) = (None, None, None);
    while let Some(option) = arguments.next() {
        let file = Some(PathBuf::from(arguments.next()?));
        match option.to_str()? {
            "--cacert" => cacert = file,
            "--cert" => cert = file,
            "--key" => key = file,
            _ => return None,
        }
    }
    Some(Arguments {
        parent: Pid::from_raw(parent)?,
        name,
        cacert,
        own: cert.zip(key),
    })
}
