//! The tap: stands between evcxr and the runtime, in a process that runs no cell.
//!
//! evcxr passes a cell's output on late, often after it said that the cell is done, and shows pictures only then. So the tap takes
//! everything out of the stream that is not evcxr's, and sends it straight to the front. The line that ends a cell goes to evcxr only when
//! the runtime asks for its next command, that is after everything else: when evcxr says that the cell is done, the front has all of it. No
//! waiting, no late lines; and since the pipes end here, what was printed last by a process that was killed is not lost.

use super::packet::{Crash, Ended, Kind, Order, packets};
use super::reader::{COMPLETE, ERROR, Event, PANIC, Reader};
use super::{connection, crash, snapshot};
use crate::watch::Signal;
use crate::{descriptor, directory, watch};
use rustix::process::{WaitOptions, WaitStatus, wait};
use serde_json::json;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// How long content waits to see whether it is the cell's last, and so its result.
const RESULT: Duration = Duration::from_millis(5);
/// How often to look for the end of a process where the system does not tell (before Linux 5.3).
const LOOK: Duration = Duration::from_millis(50);
/// The file in a session's directory that keeps the command to run again in a new runtime.
const REMEMBERED: &str = "first-command";

/// The tap's ends of all pipes and sockets.
pub(super) struct Tap {
    /// evcxr's commands, and where it reads the runtime's lines.
    pub commands: OwnedFd,
    pub evcxr: File,
    /// What the runtime and its workers write.
    pub out: File,
    pub err: File,
    pub front: UnixDatagram,
    /// Where the runtime asks: the thread that runs cells, all others, and the snapshot that waits.
    pub main: UnixDatagram,
    pub others: UnixDatagram,
    pub snapshots: UnixDatagram,
}

/// What is being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Nothing,
    Cell,
    /// The command that must be run again in every new runtime. evcxr knows nothing of this run.
    Remembered,
}

/// A process, and a descriptor that tells its end.
struct Process {
    pid: i32,
    handle: Option<OwnedFd>,
}

impl Process {
    fn new(pid: i32) -> Process {
        let handle = watch::pidfd(pid);
        Process { pid, handle }
    }

    /// The descriptor to wait for, where there is one.
    fn poll(&self) -> Option<BorrowedFd<'_>> {
        self.handle.as_ref().map(AsFd::as_fd)
    }
}

struct Loop {
    ends: Tap,
    directory: PathBuf,
    reader: Reader,
    inner: Process,
    runtime: Process,
    /// The latest copy of the runtime, where there is one that could take over.
    snapshot: Option<i32>,
    /// Other threads were there when the cell began.
    threads: bool,
    /// Whether the runtime has said if there is a snapshot of the cell that runs. Before, nothing may end it.
    snapshot_told: bool,
    running: Running,
    /// The cell has said that it is done. evcxr is told when the runtime asks for the next command.
    complete: bool,
    /// How many bytes the thread that runs cells wants to read, and how many one of the other threads wants.
    main_asks: Option<usize>,
    other_asks: Option<usize>,
    /// The front was asked for an answer of the student's.
    asked: bool,
    /// The cell has asked the front itself, and waits.
    asks_front: bool,
    prompt: (String, bool),
    /// Bytes from evcxr that were not handed out to the runtime yet.
    commands: Vec<u8>,
    commands_ended: bool,
    front_gone: bool,
    /// Orders that came while something else was being sent.
    orders: VecDeque<Order>,
    /// What is left of the student's answer.
    input: Vec<u8>,
    /// The student has stopped the cell that is being compiled, or copied.
    stop: bool,
    crash: Option<Crash>,
    /// The last command that was handed out.
    command: Vec<u8>,
}

impl Tap {
    /// Works until evcxr is gone or the runtime has ended. Then this process ends in the same way as the runtime.
    pub(super) fn run(self, runtime: i32, inner: i32) -> ! {
        let directory: PathBuf = std::env::var_os(directory::SESSION)
            .unwrap_or_default()
            .into();
        Loop {
            ends: self,
            inner: Process::new(inner),
            runtime: Process::new(runtime),
            commands: remembered(&directory),
            directory,
            reader: Reader::default(),
            snapshot: None,
            threads: false,
            snapshot_told: false,
            running: Running::Nothing,
            complete: false,
            main_asks: None,
            other_asks: None,
            asked: false,
            asks_front: false,
            prompt: Default::default(),
            commands_ended: false,
            front_gone: false,
            orders: VecDeque::new(),
            input: Vec::new(),
            stop: false,
            crash: None,
            command: Vec::new(),
        }
        .run()
    }
}

/// The command to run first, as a line; nothing in a session's first runtime.
fn remembered(directory: &std::path::Path) -> Vec<u8> {
    fs::read(directory.join(REMEMBERED)).unwrap_or_default()
}

impl Loop {
    fn run(mut self) -> ! {
        if !self.commands.is_empty() {
            self.running = Running::Remembered;
        }
        loop {
            let handles = [
                self.inner.poll(),
                self.runtime.poll(),
                (!self.front_gone).then_some(self.ends.front.as_fd()),
                Some(self.ends.main.as_fd()),
                Some(self.ends.others.as_fd()),
                Some(self.ends.err.as_fd()),
                Some(self.ends.out.as_fd()),
                (!self.commands_ended).then_some(self.ends.commands.as_fd()),
            ];
            let blind = self.inner.handle.is_none() || self.runtime.handle.is_none();
            let limit = match (self.reader.waits(), blind) {
                (true, _) => Some(RESULT),
                (false, true) => Some(LOOK),
                (false, false) => None,
            };
            let [inner, _runtime, front, main, others, err, out, commands] =
                descriptor::wait_readable(handles, limit);
            if inner || watch::parent() != self.inner.pid {
                self.end_everything();
            }
            if err {
                self.pass_errors();
            }
            if out {
                self.pass_output();
            } else if !err && let Some(event) = self.reader.no_result() {
                self.tell(event);
            }
            if others {
                self.hear_others();
            }
            if front || !self.orders.is_empty() {
                self.obey_all();
            }
            if main {
                self.hear_main();
            }
            if commands {
                self.read_commands();
            }
            self.answer();
            if let Some(status) = self.collect() {
                self.runtime_is_gone(status);
            }
        }
    }

    /// Passes on what there is on standard error now.
    fn pass_errors(&mut self) {
        let mut left = descriptor::readable_bytes(&self.ends.err);
        let mut buffer = vec![0; 64 * 1024];
        while left > 0
            && let Ok(count) = self.ends.err.read(&mut buffer)
            && count > 0
        {
            self.say(Kind::Stderr, &buffer[..count]);
            left = left.saturating_sub(count);
        }
    }

    /// Passes on what there is on standard output now.
    fn pass_output(&mut self) {
        let mut left = descriptor::readable_bytes(&self.ends.out);
        let mut buffer = vec![0; 64 * 1024];
        while left > 0
            && let Ok(count) = self.ends.out.read(&mut buffer)
            && count > 0
        {
            for event in self.reader.read(&buffer[..count]) {
                self.tell(event);
            }
            left = left.saturating_sub(count);
        }
    }

    /// Passes on everything that was written before this moment.
    fn drain(&mut self) {
        self.pass_errors();
        self.pass_output();
    }

    /// Passes an event on to the front or to evcxr, whichever it concerns.
    fn tell(&mut self, event: Event) {
        match event {
            Event::Text(text) => self.say(Kind::Stdout, &text),
            Event::Display(json) => self.say(Kind::Display, json.as_bytes()),
            Event::Result(json) => self.say(Kind::Result, json.as_bytes()),
            Event::Prompt { text, password } => self.prompt = (text, password),
            Event::Evcxr(line) => {
                // What the cell wrote to standard error before this line must arrive first.
                self.pass_errors();
                match line.as_str() {
                    COMPLETE => {
                        // evcxr's own first evaluation is done.
                        directory::show_sources(&self.directory);
                        self.complete = true;
                        return;
                    }
                    PANIC => self.say(Kind::Panicked, b""),
                    ERROR => self.say(Kind::Failed, b""),
                    _ => {}
                }
                if self.running == Running::Cell {
                    self.tell_evcxr(&line);
                }
            }
        }
    }

    fn tell_evcxr(&mut self, line: &str) {
        self.write_to_evcxr(format!("{line}\n").as_bytes());
    }

    /// Makes evcxr believe that the cell failed before it had any effect: evcxr keeps its variables, even those that the cell would have
    /// moved, and forgets what the cell was to define. It does so when it cannot read a line although the runtime goes on, so it gets a
    /// line that is no UTF-8. (After a panic it would take the variables that the cell has moved for gone.)
    fn tell_evcxr_that_nothing_was_run(&mut self) {
        self.write_to_evcxr(b"\xff\n");
    }

    fn write_to_evcxr(&mut self, bytes: &[u8]) {
        if self.ends.evcxr.write_all(bytes).is_err() {
            self.leave(Ended::default()); // evcxr is gone
        }
    }

    /// Hears the thread that runs cells.
    fn hear_main(&mut self) {
        let mut packet = vec![0; 256 * 1024];
        let Ok(length @ 1..) = self.ends.main.recv(&mut packet) else {
            return;
        };
        let content = &packet[1..length];
        match packet[0] {
            connection::QUESTION => self.main_asks = wanted(content).or(self.main_asks),
            connection::ASK => {
                // What was shown before the question comes before it, and is no result, since the cell goes on.
                self.drain();
                if let Some(event) = self.reader.no_result() {
                    self.tell(event);
                }
                self.asks_front = true;
                self.say(Kind::Question, content);
            }
            _ => {}
        }
    }

    /// Hears the runtime's other socket: everything but the questions of the first thread.
    fn hear_others(&mut self) {
        let mut packet = vec![0; 256 * 1024];
        while descriptor::is_readable(&self.ends.others) {
            let Ok(length @ 1..) = self.ends.others.recv(&mut packet) else {
                return;
            };
            let content = &packet[1..length];
            match packet[0] {
                connection::QUESTION => self.other_asks = wanted(content),
                connection::PANIC => self.say(Kind::Panic, content),
                connection::CRASH => {
                    self.crash = content.first().and_then(|&c| crash::from_letter(c))
                }
                connection::REMEMBER => {
                    let _ = fs::write(self.directory.join(REMEMBERED), &self.command);
                }
                connection::SNAPSHOT => {
                    let pid = content
                        .try_into()
                        .map_or(snapshot::NONE, i32::from_le_bytes);
                    self.snapshot = (pid > 0).then_some(pid);
                    self.threads = pid == snapshot::OTHER_THREADS;
                    self.snapshot_told = true;
                    if std::mem::take(&mut self.stop) {
                        self.stop_now();
                    }
                }
                _ => {}
            }
        }
    }

    /// Sends `content` to the front. While the front is behind, this waits, which slows a cell that shows too much; an order to stop is
    /// still heard.
    fn say(&mut self, kind: Kind, content: &[u8]) {
        for packet in packets(kind, content) {
            while !descriptor::send_if_room(&self.ends.front, &packet) {
                if descriptor::wait_for_either_way(&self.ends.front)
                    && let Some(order) = self.hear()
                {
                    // These two orders take effect at once, in the order in which they came.
                    match order {
                        Order::Stop => self.stop_now(),
                        Order::Over => self.stop = false,
                        order => self.orders.push_back(order),
                    }
                }
            }
        }
    }

    /// The next order of the front.
    fn hear(&mut self) -> Option<Order> {
        let mut packet = vec![0; 64 * 1024];
        match self.ends.front.recv(&mut packet) {
            Ok(length) => Order::from_bytes(&packet[..length]),
            Err(_) => {
                self.front_gone = true;
                None
            }
        }
    }

    /// Carries out all orders that the front has sent so far.
    fn obey_all(&mut self) {
        while !self.front_gone
            && descriptor::is_readable(&self.ends.front)
            && let Some(order) = self.hear()
        {
            self.orders.push_back(order);
        }
        while let Some(order) = self.orders.pop_front() {
            self.obey(order);
        }
    }

    /// Carries out an order of the front.
    fn obey(&mut self, order: Order) {
        match order {
            Order::Folder(folder) => {
                answer_with(&self.ends.main, connection::FOLDER, folder.as_bytes());
            }
            Order::Answer(answer) if self.asked => {
                self.asked = false;
                match answer {
                    Some(answer) => self.input = answer.into_bytes(),
                    None => self.end_of_input(),
                }
            }
            Order::Answer(_) => {}
            Order::Stop => {
                // The cell may just have come to its end.
                self.drain();
                self.stop_now();
            }
            Order::Over => self.stop = false,
            Order::Reply(answer) if self.asks_front => {
                self.asks_front = false;
                answer_with(&self.ends.main, connection::ASK, answer.as_bytes());
            }
            Order::Reply(_) => {}
        }
    }

    /// Stops the cell that runs, or the one that is being compiled, or the one of which a snapshot is just being made.
    fn stop_now(&mut self) {
        if self.running == Running::Cell && self.snapshot_told && !self.complete {
            watch::send(self.runtime.pid, Signal::KILL); // it was not collected yet
        } else {
            self.stop = true;
        }
    }

    fn read_commands(&mut self) {
        let mut buffer = [0; 4096];
        match rustix::io::read(&self.ends.commands, &mut buffer) {
            Ok(0) => self.commands_ended = true,
            Ok(count) => self.commands.extend_from_slice(&buffer[..count]),
            Err(_) => {}
        }
    }

    /// Answers the threads of the runtime that read standard input, if there is an answer yet.
    fn answer(&mut self) {
        if let Some(wanted) = self.main_asks {
            // What was written before the question comes before its answer.
            self.drain();
            self.hear_others();
            if self.complete {
                self.cell_is_over();
            }
            if self.running == Running::Cell {
                self.answer_with_input(wanted);
            } else {
                self.hand_out(wanted);
            }
        }
        if let Some(wanted) = self.other_asks {
            if self.running == Running::Cell {
                self.answer_with_input(wanted);
            } else {
                // A thread that outlives its cell has nobody to ask.
                answer_with(&self.ends.others, connection::INPUT, b"");
                self.other_asks = None;
            }
        }
    }

    /// The runtime asks for more, so the command before is over, and everything that it wrote has been sent.
    fn cell_is_over(&mut self) {
        self.complete = false;
        if let Some(pid) = self.snapshot.take() {
            watch::send(pid, Signal::KILL); // the runtime collects it when it makes the next
        }
        self.forget_questions();
        let was = std::mem::replace(&mut self.running, Running::Nothing);
        if was == Running::Cell {
            self.tell_evcxr(COMPLETE);
        }
    }

    fn forget_questions(&mut self) {
        (self.asked, self.asks_front) = (false, false);
        self.prompt = Default::default();
        self.input.clear();
        self.crash = None;
    }

    /// Hands evcxr's next command out.
    fn hand_out(&mut self, wanted: usize) {
        let Some(end) = self.commands.iter().position(|&byte| byte == b'\n') else {
            if self.commands_ended {
                self.main_asks = None;
                answer_with(&self.ends.main, connection::COMMAND_END, b"");
            }
            return;
        };
        if end + 1 > wanted {
            return; // does not happen: evcxr's commands are short, and the reader's buffer is large
        }
        let line: Vec<u8> = self.commands.drain(..=end).collect();
        if self.running == Running::Remembered {
            self.main_asks = None;
            answer_with(&self.ends.main, connection::REPEATED, &line);
            return;
        }
        // The order that ends a stop of the cell before was sent before this command, so it is here by now.
        self.obey_all();
        if std::mem::take(&mut self.stop) {
            self.say(Kind::Skipped, b"");
            self.tell_evcxr_that_nothing_was_run();
            return;
        }
        self.running = Running::Cell;
        self.snapshot_told = false;
        self.main_asks = None;
        self.command.clone_from(&line);
        self.say(Kind::Started, b"");
        answer_with(&self.ends.main, connection::COMMAND, &line);
    }

    /// A cell reads standard input.
    fn answer_with_input(&mut self, wanted: usize) {
        if self.input.is_empty() {
            if !self.asked {
                self.asked = true;
                let (prompt, password) = std::mem::take(&mut self.prompt);
                let question = json!({"prompt": prompt, "password": password});
                self.say(Kind::Asked, question.to_string().as_bytes());
            }
            return;
        }
        let part: Vec<u8> = self.input.drain(..wanted.min(self.input.len())).collect();
        self.give(&part);
    }

    fn end_of_input(&mut self) {
        self.give(b"");
    }

    /// Gives `input` to the thread that asked. Empty input is the end of standard input.
    fn give(&mut self, input: &[u8]) {
        if self.main_asks.take().is_some() {
            answer_with(&self.ends.main, connection::INPUT, input);
        } else if self.other_asks.take().is_some() {
            answer_with(&self.ends.others, connection::INPUT, input);
        }
    }

    /// Collects every child that has ended: the runtime, whose status is returned, and orphans that became our children.
    fn collect(&self) -> Option<WaitStatus> {
        let mut runtime = None;
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid.as_raw_pid() == self.runtime.pid => {
                    runtime = Some(status);
                }
                Ok(Some(_)) => {}
                _ => return runtime,
            }
        }
    }

    /// The runtime has ended, and was collected.
    fn runtime_is_gone(&mut self, status: WaitStatus) {
        self.drain();
        for event in self.reader.finish() {
            self.tell(event);
        }
        self.hear_others();
        while descriptor::is_readable(&self.ends.main)
            && matches!(self.ends.main.recv(&mut [0; 16]), Ok(1..))
        {}
        (self.main_asks, self.other_asks) = (None, None);
        let ended = Ended {
            signal: status.terminating_signal(),
            status: status.exit_status().unwrap_or(0),
            crash: self.crash.take(),
            kept: self.snapshot.is_some(),
            in_cell: self.running == Running::Cell,
            threads: self.threads,
        };
        if let Ok(words) = serde_json::to_vec(&ended) {
            self.say(Kind::Ended, &words);
        }
        match self.snapshot.take() {
            Some(pid) if self.running == Running::Cell => {
                self.running = Running::Nothing;
                self.complete = false;
                self.forget_questions();
                self.runtime = Process::new(pid);
                let _ = self.ends.snapshots.send(b"p");
                self.tell_evcxr_that_nothing_was_run();
            }
            _ => self.leave(ended),
        }
    }

    /// Ends this process as the runtime has ended, which evcxr sees.
    fn leave(&mut self, ended: Ended) -> ! {
        if let Some(signal) = ended.signal {
            // SAFETY: what a signal does by itself, and a signal to ourselves.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                libc::kill(libc::getpid(), signal);
            }
        }
        watch::exit_now(ended.status)
    }

    /// The inner kernel is gone, so everything that it started must end: the compilers too, if it led this process's group.
    fn end_everything(&mut self) -> ! {
        if watch::own_group() == self.inner.pid {
            watch::kill_own_group();
        }
        watch::send(self.runtime.pid, Signal::KILL);
        watch::exit_now(0)
    }
}

/// How many bytes a reader wants.
fn wanted(content: &[u8]) -> Option<usize> {
    content
        .try_into()
        .ok()
        .map(|bytes| u64::from_le_bytes(bytes) as usize)
}

fn answer_with(socket: &UnixDatagram, kind: u8, content: &[u8]) {
    let mut packet = vec![kind];
    packet.extend_from_slice(content);
    let _: io::Result<usize> = socket.send(&packet);
}
