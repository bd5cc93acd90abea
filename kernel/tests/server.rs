//! Servers of Jupyter that know nothing about the labs except the extension in their environment: each has a keeper of its own, which ends
//! with the server. Plain JupyterLab is always tested, and a JupyterHub with two users if `cargo labs test` asks for it.

use crate::common::*;
use labs::environment::extension;
use labs::place::Place;
use labs_launcher::venv;
use labs_runtime::watch;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

/// One server at a time, or a hub with two.
static ALONE: Mutex<()> = Mutex::new(());

/// A program with a port, and a folder for all that it writes.
struct Server {
    process: Child,
    port: u16,
    /// What stands before each path.
    token: String,
    folder: tempfile::TempDir,
    place: Place,
    _alone: MutexGuard<'static, ()>,
}

impl Server {
    /// Starts the command that `command` makes for a folder, the address and the token. All its output goes to a file.
    fn start(command: impl FnOnce(&Path, &Place, u16, &str) -> Command) -> Server {
        let alone = ALONE
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let (folder, place) = home();
        kernelspec(&place, Path::new(env!("CARGO_BIN_EXE_labs")), folder.path());
        let port = free_ports::<1>()[0];
        let token = uuid::Uuid::new_v4().simple().to_string();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = command(folder.path(), &place, port, &token);
        let process = command
            .env("JUPYTER_CONFIG_DIR", folder.path().join("config"))
            .env("JUPYTER_DATA_DIR", folder.path().join("data"))
            .env("JUPYTER_RUNTIME_DIR", folder.path().join("runtime"))
            .env("JUPYTER_PATH", folder.path().join("jupyter"))
            .env("IPYTHONDIR", folder.path().join("ipython"))
            .env_remove(labs::spare::ADDRESS)
            .env_remove(labs::spare::COUNT)
            .current_dir(folder.path())
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Server {
            process,
            port,
            token,
            folder,
            place,
            _alone: alone,
        }
    }

    /// What it has said so far.
    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Asks until `is_right` accepts the answer.
    async fn until(
        &self,
        method: &str,
        path: &str,
        is_right: impl Fn(&(u16, Value)) -> bool,
    ) -> Value {
        let deadline = Instant::now() + LONG;
        loop {
            let said = ask(self.port, &self.token, method, path, &json!({}));
            match said {
                Some(answer) if is_right(&answer) => return answer.1,
                _ => assert!(
                    Instant::now() < deadline,
                    "{method} {path}: {said:?}\n{}",
                    self.log()
                ),
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Starts a Rust kernel by the API below `path`, waits until it has run its first request, and says which process it is.
    async fn kernel(&self, path: &str, before: &[u32]) -> u32 {
        let started = ask(
            self.port,
            &self.token,
            "POST",
            &format!("{path}/api/kernels"),
            &json!({"name": "rust"}),
        );
        let Some((201, kernel)) = started else {
            panic!("{started:?}\n{}", self.log());
        };
        let id = kernel["id"].as_str().unwrap().to_string();
        self.until("GET", &format!("{path}/api/kernels/{id}"), |said| {
            said.0 == 200
        })
        .await;
        let connection = format!("kernel-{id}.json");
        let front = || {
            family(self.process.id())
                .into_iter()
                .find(|&pid| !before.contains(&pid) && command_line(pid).contains(&connection))
        };
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(front) = front() {
                return front;
            }
            assert!(Instant::now() < deadline, "no kernel: {}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The keepers below `pid`, each with the spares that it holds.
    fn keepers(&self, pid: u32) -> Vec<(u32, Vec<u32>)> {
        let is_keeper = |pid: &u32| command_line(*pid).ends_with("labs\0keep\0");
        let is_inner = |pid: &u32| command_line(*pid).contains("--control_file");
        // For a moment, a child that is about to start a program still has its parent's name. So of a keeper's children only the inner
        // kernels count, and of an inner kernel's children none.
        let children = |pid: u32| watch::children(pid).into_iter().map(|pid| pid as u32);
        let mut keepers: Vec<u32> = family(pid).into_iter().filter(is_keeper).collect();
        let below: Vec<u32> = keepers.iter().copied().flat_map(children).collect();
        keepers.retain(|keeper| !below.contains(keeper));
        keepers
            .into_iter()
            .map(|keeper| (keeper, children(keeper).filter(is_inner).collect()))
            .collect()
    }

    /// The one keeper below `pid`, and its spare, once there is one other than `known`.
    async fn spare(&self, pid: u32, known: &[u32]) -> (u32, u32) {
        let deadline = Instant::now() + LONG;
        loop {
            let keepers = self.keepers(pid);
            assert!(keepers.len() < 2, "one keeper is enough: {keepers:?}");
            let spare = keepers.iter().find_map(|(keeper, spares)| {
                let spare = spares.iter().find(|spare| !known.contains(spare))?;
                Some((*keeper, *spare))
            });
            if let Some(found) = spare {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "there is no spare: {}",
                self.log()
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let below = family(self.process.id());
        let _ = self.process.kill();
        let _ = self.process.wait();
        for pid in below.into_iter().skip(1).filter(|&pid| alive(pid)) {
            // SAFETY: a signal to a process that was a descendant of our child a moment ago.
            unsafe { libc::kill(pid as i32, libc::SIGTERM) };
        }
    }
}

/// A kernelspec for the program `labs`, where only the servers of this test look.
fn kernelspec(place: &Place, labs: &Path, folder: &Path) {
    let spec = folder.join("jupyter/kernels/rust");
    fs::create_dir_all(&spec).unwrap();
    let kernel = json!({
        "argv": [labs, "kernel", "--connection-file", "{connection_file}"],
        "display_name": "Rust", "language": "rust", "interrupt_mode": "message",
        "env": {"LABS_WORKSPACE": place.workspace, "LABS_HOME": place.home, "PATH": "/first:${PATH}"}
    });
    fs::write(spec.join("kernel.json"), kernel.to_string()).unwrap();
}

fn free_ports<const N: usize>() -> [u16; N] {
    // All are bound at the same time, so that they differ.
    let held = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn command_line(pid: u32) -> String {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&command).into_owned()
}

/// A request and its answer; none where nobody listens yet.
fn ask(port: u16, token: &str, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(LONG)).ok()?;
    let body = body.to_string();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAuthorization: token {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let content = answer.split_once("\r\n\r\n")?.1;
    Some((
        status,
        serde_json::from_str(content).unwrap_or(Value::String(content.into())),
    ))
}

/// JupyterLab as a user would start it by hand.
fn jupyter_lab(folder: &Path, _: &Place, port: u16, token: &str) -> Command {
    let environment = Place::find().unwrap().venv();
    let mut command = venv::python(environment.join("bin/jupyter-lab"));
    command
        .args(["--no-browser", "--allow-root", "--ServerApp.port_retries=0"])
        .arg(format!("--ServerApp.port={port}"))
        .arg(format!("--ServerApp.root_dir={}", folder.display()))
        .env("JUPYTER_TOKEN", token);
    command
}

#[test]
fn any_jupyterlab_hands_out_a_spare_and_takes_its_keeper_along_when_it_is_killed() {
    let mut server = Server::start(jupyter_lab);
    block_on(async {
        server
            .until("GET", "/api/status", |said| said.0 == 200)
            .await;
        let pid = server.process.id();
        let (keeper, spare) = server.spare(pid, &[]).await;
        let front = server.kernel("", &[]).await;
        let (again, next) = server.spare(pid, &[spare]).await;
        assert_eq!(keeper, again);
        assert_eq!(family(front), [front], "it has taken the spare");
        let all = family(pid);
        let mut missing = vec![keeper, front, spare, next];
        missing.retain(|one| !all.contains(one));
        assert!(
            missing.is_empty(),
            "{missing:?} of {all:?}\n{}",
            server.log()
        );
        kill(pid);
        server.process.wait().unwrap();
        within_a_second("nothing of it lives", || !all.iter().any(|&pid| alive(pid))).await;
        within_a_second("no directory is left", || {
            sessions(&server.place).is_empty()
        })
        .await;
    });
}

#[test]
fn a_server_without_labs_starts_and_says_so_in_one_line() {
    let server = Server::start(|folder, place, port, token| {
        kernelspec(place, Path::new("/nowhere/labs"), folder);
        jupyter_lab(folder, place, port, token)
    });
    block_on(async {
        server
            .until("GET", "/api/status", |said| said.0 == 200)
            .await;
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains("spare"));
        let lines: Vec<&str> = lines.collect();
        assert!(
            matches!(lines[..], [line] if line.contains("No spare Rust kernel is kept: ") && line.contains("/nowhere/labs")),
            "{log}"
        );
        assert!(!log.contains("Traceback"), "{log}");
    });
}

/// A JupyterHub, with a server for each user.
fn hub(folder: &Path, place: &Place, port: u16, token: &str) -> Command {
    // Kept beside JupyterLab's environment; made anew when the requirements change.
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hub");
    let requirements = here.join("requirements.txt");
    let own = Place {
        home: place.workspace.join("target/labs/hub"),
        ..place.clone()
    };
    fs::create_dir_all(&own.home).unwrap();
    if !venv::is_made(&own.venv(), &requirements) {
        venv::make(&own.venv(), &requirements).unwrap();
    }
    extension::write(&own).unwrap();
    let [api, proxy] = free_ports::<2>();
    let programs = own.venv().join("bin");
    let user = |variable: &str, folder: &str| {
        std::env::var_os(variable)
            .map_or_else(|| std::env::home_dir().unwrap().join(folder), PathBuf::from)
    };
    let about = json!({
        "ports": [port, api, proxy], "token": token, "folder": folder,
        "proxy": programs.join("configurable-http-proxy"), "server": programs.join("jupyterhub-singleuser"),
        "arguments": if labs::place::user() == 0 { vec!["--allow-root"] } else { vec![] },
        // Each user's home is another one, and has no Rust.
        "environment": {"JUPYTER_PATH": folder.join("jupyter"), "CARGO_HOME": user("CARGO_HOME", ".cargo"), "RUSTUP_HOME": user("RUSTUP_HOME", ".rustup")}
    });
    let mut command = venv::python(programs.join("jupyterhub"));
    command
        .arg("--config")
        .arg(here.join("jupyterhub_config.py"))
        .env("LABS_TEST", about.to_string());
    command
}

#[test]
#[ignore = "it installs a JupyterHub: `cargo labs test --only hub` runs it"]
fn two_users_of_a_jupyterhub_have_a_spare_each_and_a_stopped_server_leaves_nothing() {
    let mut hub = Server::start(hub);
    block_on(async {
        hub.until("GET", "/hub/api/users", |said| said.0 == 200)
            .await;
        let users = ["ada", "grace"];
        let mut servers = Vec::new();
        for user in users {
            let api = format!("/hub/api/users/{user}");
            hub.until("POST", &api, |said| said.0 == 201).await;
            hub.until("POST", &format!("{api}/server"), |said| {
                [201, 202].contains(&said.0)
            })
            .await;
            let ready = |said: &(u16, Value)| said.1["servers"][""]["ready"] == true;
            let about = hub.until("GET", &api, ready).await;
            let pid = about["servers"][""]["state"]["pid"].as_u64();
            servers.push(pid.unwrap_or_else(|| panic!("{about}")) as u32);
        }
        let (mut all, mut lasting) = (Vec::new(), Vec::new());
        for (user, &server) in users.iter().zip(&servers) {
            let (keeper, spare) = hub.spare(server, &[]).await;
            let front = hub.kernel(&format!("/user/{user}"), &[]).await;
            assert!(family(server).contains(&front), "the kernel is {user}'s");
            let (again, next) = hub.spare(server, &[spare]).await;
            assert_eq!(keeper, again, "{user}");
            assert_eq!(family(front), [front], "{user}'s kernel is {user}'s spare");
            assert!(family(server).contains(&next));
            all.push(family(server));
            // A compiler comes and goes.
            lasting.push([server, keeper, front]);
        }
        assert!(all[0].iter().all(|pid| !all[1].contains(pid)));

        // One user's server stops, and the other notices nothing.
        let path = format!("/hub/api/users/{}/server", users[0]);
        hub.until("DELETE", &path, |said| {
            [204, 404].contains(&said.0) || said.0 == 202
        })
        .await;
        let about = format!("/hub/api/users/{}", users[0]);
        hub.until("GET", &about, |said| said.1["servers"] == json!({}))
            .await;
        within_a_second("nothing of the stopped server lives", || {
            !all[0].iter().any(|&pid| alive(pid))
        })
        .await;
        assert!(lasting[1].iter().all(|&pid| alive(pid)));
        // Then the hub is killed with everything that it has started.
        for &server in &servers[1..] {
            kill(server);
        }
        within_a_second("nothing of the killed server lives", || {
            !all[1].iter().any(|&pid| alive(pid))
        })
        .await;
        within_a_second("no directory is left", || sessions(&hub.place).is_empty()).await;
        // SAFETY: a signal to our own child.
        unsafe { libc::kill(hub.process.id() as i32, libc::SIGTERM) };
        hub.process.wait().unwrap();
    });
}
