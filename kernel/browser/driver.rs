//! A browser and what drives it.

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};
use url::{ParseError, Url};

/// One browser at a time: two would measure each other.
static ALONE: Mutex<()> = Mutex::new(());

/// chromedriver, and a folder for what a browser keeps.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    /// Kept, since a program fails that writes where nobody reads.
    _says: BufReader<ChildStdout>,
    profile: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Driver {
    /// Waits until the driver of any other test has ended, and starts one.
    pub(crate) fn start() -> Driver {
        let alone = ALONE
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            // Together with its browsers, which would outlive it after a panic.
            .process_group(0)
            .spawn()
            .expect("chromedriver is there: apt install chromium chromium-driver");
        // It takes a free port and says which.
        let mut says = BufReader::new(process.stdout.take().unwrap());
        let port = says
            .by_ref()
            .lines()
            .map(Result::unwrap)
            .find_map(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver says on which port it listens");
        Driver {
            process,
            port,
            _says: says,
            profile: tempfile::tempdir().unwrap(),
            _alone: alone,
        }
    }

    /// Opens a new browser.
    pub(crate) async fn browser(&self) -> Client {
        self.browser_that_prefers("light").await
    }

    /// Opens a new browser whose user prefers pages that are `light`, or `dark`.
    pub(crate) async fn browser_that_prefers(&self, scheme: &str) -> Client {
        let preferred = if scheme == "dark" { 0 } else { 1 };
        let setting = format!("--blink-settings=preferredColorScheme={preferred}");
        self.browser_with(&[&setting]).await
    }

    /// Opens a new browser with more flags.
    pub(crate) async fn browser_with(&self, more: &[&str]) -> Client {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1300,1000",
            &profile,
        ];
        let flags: Vec<&str> = flags.iter().chain(more).copied().collect();
        let mut wanted = Capabilities::new();
        wanted.insert("goog:chromeOptions".into(), json!({"args": flags}));
        ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // SAFETY: a signal to a group whose leader was not collected yet.
        unsafe { libc::kill(-(self.process.id() as i32), libc::SIGKILL) };
        let _ = self.process.wait();
    }
}

pub(crate) fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Asks the page until the answer of `script` is `true`.
pub(crate) async fn page_says(browser: &Client, what: &str, seconds: u64, script: &str) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let answer = browser.execute(script, vec![]).await.unwrap();
        if answer == Value::Bool(true) {
            return;
        }
        if Instant::now() > deadline {
            photograph(browser, "failed").await;
            panic!("the page did not get there within {seconds} s: {what} (last answer: {answer})");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Keeps a picture of the page in target/labs, so that a person can see what the test saw.
pub(crate) async fn photograph(browser: &Client, name: &str) {
    let folder = checkout().join("target/labs/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join(format!("{name}.png")),
        browser.screenshot().await.unwrap(),
    )
    .unwrap();
}

pub(crate) async fn click(browser: &Client, what: Locator<'_>) {
    let element = browser.wait().for_element(what).await.unwrap();
    element.click().await.unwrap();
}

/// Tells the browser something in its own protocol, for which the driver has no word: what a reader's system asks for, say. Returns its answer.
pub(crate) async fn tell_chromium(browser: &Client, command: &str, parameters: Value) -> Value {
    let told = Told(json!({"cmd": command, "params": parameters}));
    browser.issue_cmd(told).await.unwrap()
}

#[derive(Debug)]
struct Told(Value);

impl WebDriverCompatibleCommand for Told {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.to_string()))
    }
}

/// Runs a future to its end in a runtime of its own, since the driver's client is asynchronous.
pub(crate) fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
