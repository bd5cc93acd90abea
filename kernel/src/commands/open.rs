//! `cargo labs open`: JupyterLab on the first lab.

use super::copy::copy_to;
use crate::environment;
use crate::place::{self, Place, make_private};
use crate::session::sweep;
use anyhow::{Context, Result, bail};
use clap::Args;
use labs_launcher::venv;
use labs_runtime::watch::{self, Signal};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// The lab that `open` opens.
const FIRST: &str = "00_start_here.ipynb";

/// The options of `open`.
#[derive(Args, Debug)]
pub struct Open {
    /// Print the address and open no browser
    #[arg(long)]
    no_browser: bool,
    /// The port; the next free one is taken where it is busy
    #[arg(long, default_value_t = 8888)]
    port: u16,
    /// The address to listen on; any other than this machine's loopback lets in others on the network who know the token
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    ip: IpAddr,
    /// Copy the labs into this folder, keep what is there already, and open JupyterLab there
    #[arg(long, value_name = "FOLDER", conflicts_with = "notebook")]
    copy_to: Option<PathBuf>,
    /// The notebook to open; the first lab if none is named
    notebook: Option<PathBuf>,
}

impl Open {
    /// Sets up what is missing, starts JupyterLab, and stays until it is stopped with Ctrl-C.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        let (root, notebook) = match self.folder(&place) {
            Some(folder) => (copy_to(&place, &folder)?, format!("/tree/{FIRST}")),
            None => self.what_to_open(&place)?,
        };
        environment::set_up(&place)?;
        sweep::sweep(&place.sessions());
        let port = free_port(self.ip, self.port)?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        let mut command = jupyter(&place, &root, (self.ip, port), &token)?;
        // A browser cannot open an address that stands for all addresses of the machine.
        let host = match self.ip {
            ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            ip => ip,
        };
        let host = match host {
            IpAddr::V6(ip) => format!("[{ip}]"),
            IpAddr::V4(ip) => ip.to_string(),
        };
        let address = format!("http://{host}:{port}/lab{notebook}?token={token}");

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let result = runtime.block_on(async {
            let mut interrupted = signal(SignalKind::interrupt())?;
            let mut terminated = signal(SignalKind::terminate())?;
            let mut child = command.spawn().context("JupyterLab cannot be started; `cargo labs setup` installs it")?;
            listening(&mut child, self.ip, port).await?;
            println!("JupyterLab is ready. Ctrl-C stops it and every worker.\n\n    {address}\n");
            if !self.no_browser {
                // Python's own opener knows the browsers of every system. If there is none, that is no reason to stop.
                let python = place.venv().join("bin/python");
                let python = if python.is_file() { python } else { "python3".into() };
                let opened = Command::from(venv::python(python))
                    .args(["-m", "webbrowser", &address])
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .await;
                if !opened.is_ok_and(|status| status.success()) {
                    println!("No browser was opened: open the address above in yours.");
                }
            }
            tokio::select! {
                status = child.wait() => bail!("JupyterLab ended by itself ({}); what it said is above.", status?),
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
            }
            // The reader of our output may be gone; then we stop in silence.
            let _ = writeln!(std::io::stdout(), "Stopping …");
            stop(&mut child).await
        });
        sweep::sweep(&place.sessions());
        result
    }

    /// Where the student's copy of the labs is to be, if there is to be one. Students should not work in the folder that a wheel has
    /// installed.
    fn folder(&self, place: &Place) -> Option<PathBuf> {
        let in_wheel = place.environment().is_some() && self.notebook.is_none();
        let first = || place::copy_here().unwrap_or_else(|| place::FIRST_COPY.into());
        self.copy_to.clone().or_else(|| in_wheel.then(first))
    }

    /// The folder to show and the notebook in it, as JupyterLab wants them.
    fn what_to_open(&self, place: &Place) -> Result<(PathBuf, String)> {
        let Some(notebook) = &self.notebook else {
            return Ok((place.students()?, format!("/tree/{FIRST}")));
        };
        if !notebook.is_file() {
            bail!(
                "There is no notebook {}. The labs are in {}.",
                notebook.display(),
                place.notebooks().display()
            );
        }
        let path = notebook.canonicalize()?;
        let root = path
            .parent()
            .context("a file lies in a folder")?
            .to_path_buf();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .context("The notebook's name is not UTF-8")?;
        Ok((root, format!("/tree/{}", name.replace(' ', "%20"))))
    }
}

/// JupyterLab, at one address and port, with a token, and with every folder of its own under the labs' home.
fn jupyter(place: &Place, root: &Path, at: (IpAddr, u16), token: &str) -> Result<Command> {
    let home = place.jupyter();
    for folder in [
        "config/labconfig",
        "data",
        "runtime",
        "settings",
        "workspaces",
        "ipython",
    ] {
        make_private(&home.join(folder))?;
    }
    // Otherwise JupyterLab would ask the network for news and updates.
    let page =
        json!({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}});
    fs::write(
        home.join("config/labconfig/page_config.json"),
        page.to_string(),
    )?;
    let mut command = Command::from(venv::python(place.venv().join("bin/jupyter-lab")));
    command
        .args(["--no-browser", "--ServerApp.port_retries=0"])
        .args([
            "--ServerApp.open_browser=False",
            "--ServerApp.log_level=WARN",
        ])
        .arg("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
        // A student who runs a cell before the page knows its kernel is asked to choose one, and the first in the list would be Python.
        .arg("--KernelSpecManager.allowed_kernelspecs=rust")
        .arg(format!("--ServerApp.ip={}", at.0))
        .arg(format!("--ServerApp.port={}", at.1))
        .arg(format!("--ServerApp.root_dir={}", root.display()))
        // The token is not on the command line, where every user of the machine could read it.
        .env("JUPYTER_TOKEN", token)
        .env("JUPYTER_CONFIG_DIR", home.join("config"))
        .env("JUPYTER_DATA_DIR", home.join("data"))
        .env("JUPYTER_RUNTIME_DIR", home.join("runtime"))
        .env("JUPYTERLAB_SETTINGS_DIR", home.join("settings"))
        .env("JUPYTERLAB_WORKSPACES_DIR", home.join("workspaces"))
        .env("IPYTHONDIR", home.join("ipython"))
        .env_remove("JUPYTER_PATH")
        .env("JUPYTER_PREFER_ENV_PATH", "1")
        .stdin(Stdio::null())
        // A process group of its own: a Ctrl-C in the terminal reaches only us, and we stop JupyterLab in good order.
        .process_group(0)
        .kill_on_drop(true);
    if place.environment().is_some() {
        // The kernelspec that came with the wheel knows of no home.
        command.env("LABS_HOME", &place.home);
    }
    if place::user() == 0 {
        command.arg("--allow-root");
    }
    watch::terminate_with_us(command.as_std_mut());
    Ok(command)
}

fn free_port(ip: IpAddr, first: u16) -> Result<u16> {
    let free = |port: &u16| TcpListener::bind((ip, *port)).is_ok();
    (first..=first.saturating_add(99))
        .find(free)
        .with_context(|| {
            format!(
                "The ports {first} to {} are all busy; choose another with --port.",
                first.saturating_add(99)
            )
        })
}

async fn listening(child: &mut Child, ip: IpAddr, port: u16) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect((ip, port)).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("JupyterLab ended while it started ({status}); what it said is above.");
        }
        if Instant::now() > deadline {
            bail!("JupyterLab did not start within a minute.");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Asks JupyterLab to stop, which ends its kernels, and kills it if that takes longer than ten seconds.
async fn stop(child: &mut Child) -> Result<()> {
    if let Some(pid) = child.id() {
        watch::send(pid as i32, Signal::TERM);
    }
    if tokio::time::timeout(Duration::from_secs(10), child.wait())
        .await
        .is_err()
    {
        child.kill().await?;
    }
    Ok(())
}
