//! Lab 03 as a student meets it: JupyterLab in a real browser, on a copy of the notebook.
//!
//! Needs `target/release/labs`, which `cargo labs test` has built, and Debian's packages `chromium` and `chromium-driver`; `.ci/run` installs them.

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// One browser at a time: two would measure each other.
static ALONE: Mutex<()> = Mutex::new(());

/// JupyterLab on a copy of lab 03, a browser's driver, and the folders of both.
struct Desk {
    lab: Child,
    driver: Child,
    driver_port: u16,
    address: String,
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Desk {
    fn set_up() -> Desk {
        let alone = ALONE
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let folder = tempfile::tempdir().unwrap();
        let notebooks = checkout().join("notebooks");
        let copy = folder.path().join("03_check_frequency.ipynb");
        std::fs::copy(notebooks.join("03_check_frequency.ipynb"), &copy).unwrap();

        let mut lab = Command::new(checkout().join("target/release/labs"))
            .args(["open", "--no-browser", "--port", &free_port().to_string()])
            .arg(&copy)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(lab.stdout.take().unwrap()).lines();
        let address = lines
            .map(Result::unwrap)
            .find_map(|line| {
                line.trim()
                    .starts_with("http://")
                    .then(|| line.trim().to_string())
            })
            .expect("`labs open` prints the address");

        let driver_port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={driver_port}"))
            .stdout(Stdio::null())
            .spawn()
            .expect("chromedriver is there: apt install chromium chromium-driver");
        soon("chromedriver listens", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, driver_port)).is_ok()
        });
        Desk {
            lab,
            driver,
            driver_port,
            address,
            folder,
            _alone: alone,
        }
    }

    async fn browser(&self) -> Client {
        let profile = self.folder.path().join("profile");
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
            &format!("--user-data-dir={}", profile.display()),
        ];
        let mut wanted = Capabilities::new();
        wanted.insert("goog:chromeOptions".into(), json!({"args": flags}));
        ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{}", self.driver_port))
            .await
            .unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        // As Ctrl-C does: JupyterLab ends its kernels.
        // SAFETY: a signal to a child that was not collected yet.
        unsafe { libc::kill(self.lab.id() as i32, libc::SIGTERM) };
        let _ = self.lab.wait();
    }
}

fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn soon(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks the page until the answer of `script` is `true`.
async fn page_says(browser: &Client, what: &str, seconds: u64, script: &str) {
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

/// Keeps a picture of the page in target/labs, for whoever wants to see what the test saw.
async fn photograph(browser: &Client, name: &str) {
    let folder = checkout().join("target/labs/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join(format!("{name}.png")),
        browser.screenshot().await.unwrap(),
    )
    .unwrap();
}

/// Opens the notebook and waits until its kernel is idle.
async fn open(desk: &Desk) -> Client {
    let browser = desk.browser().await;
    browser.goto(&desk.address).await.unwrap();
    page_says(
        &browser,
        "the notebook is shown and its kernel idle",
        120,
        KERNEL_IDLE,
    )
    .await;
    browser
}

const KERNEL_IDLE: &str = "
    const indicator = document.querySelector('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator');
    return document.querySelectorAll('.jp-CodeCell').length > 10
        && indicator !== null && indicator.dataset.status === 'idle';";

/// Run → Run All Cells, with the mouse.
async fn run_all(browser: &Client) {
    let menu = "//li[contains(@class, 'lm-MenuBar-item')][.//div[text()='Run']]";
    browser
        .wait()
        .for_element(Locator::XPath(menu))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    let entry = "li.lm-Menu-item[data-command='runmenu:run-all']";
    browser
        .wait()
        .for_element(Locator::Css(entry))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
}

const ALL_NUMBERED: &str = "
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent.trim());
    return prompts.length > 10 && prompts.every(text => /^\\[\\d+\\]:$/.test(text));";

/// Runs a future to its end; a test of its own runtime, since the driver's client is asynchronous.
fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn lab_03_runs_from_top_to_bottom() {
    let desk = Desk::set_up();
    block_on(async {
        let browser = open(&desk).await;
        run_all(&browser).await;
        page_says(&browser, "every code cell has a number", 240, ALL_NUMBERED).await;
        page_says(
            &browser,
            "at least three plots have a size",
            20,
            PLOTS_HAVE_SIZE,
        )
        .await;
        for (index, title) in [
            "What one look",
            "The price of not looking",
            "By what factor",
            "Your loop",
        ]
        .iter()
        .enumerate()
        {
            let script = "
                const picture = [...document.querySelectorAll('.jp-OutputArea-output img')]
                    .find(image => decodeURIComponent(image.src).includes(arguments[0]));
                if (!picture) { return false; }
                picture.scrollIntoView({block: 'center'});
                return true;";
            let found = browser.execute(script, vec![json!(title)]).await.unwrap();
            assert_eq!(found, Value::Bool(true), "the figure \"{title}\"");
            tokio::time::sleep(Duration::from_millis(300)).await; // for the photograph alone
            photograph(&browser, &format!("lab-03-{index}")).await;
        }
        let errors = "return [...document.querySelectorAll(
            '.jp-OutputArea-output[data-mime-type*=\"stderr\"], .jp-OutputArea-output[data-mime-type*=\"error\"]'
        )].map(output => output.textContent);";
        assert_eq!(browser.execute(errors, vec![]).await.unwrap(), json!([]));
        browser.close().await.unwrap();
    });
}

const PLOTS_HAVE_SIZE: &str = "
    const plots = [...document.querySelectorAll('.jp-OutputArea-output img')]
        .filter(image => image.src.startsWith('data:image/svg+xml') && image.naturalWidth > 300 && image.offsetHeight > 150);
    return plots.length >= 3;";

#[test]
fn editing_the_iteration_cost_changes_the_plot() {
    let desk = Desk::set_up();
    block_on(async {
        let browser = open(&desk).await;
        run_all(&browser).await;
        page_says(&browser, "every code cell has a number", 240, ALL_NUMBERED).await;
        page_says(&browser, "the plot for 5 µs", 20, &shows("Your loop: 5 µs")).await;

        // The student clicks into the cell, puts the cursor behind the 5, types a 0, and runs this cell and the next.
        let line = "//div[contains(@class, 'jp-CodeCell')]//div[contains(@class, 'cm-line')][contains(., 'let my_cost')]";
        let line = browser.find(Locator::XPath(line)).await.unwrap();
        let scroll = "arguments[0].scrollIntoView({block: 'center'});";
        browser
            .execute(scroll, vec![serde_json::to_value(&line).unwrap()])
            .await
            .unwrap();
        line.click().await.unwrap();
        let before = "let my_cost = Duration::from_micros(5".chars().count();
        let mut keys = KeyActions::new("keyboard".into())
            .then(KeyAction::Down {
                value: Key::Control.into(),
            })
            .then(KeyAction::Down {
                value: Key::Home.into(),
            })
            .then(KeyAction::Up {
                value: Key::Home.into(),
            })
            .then(KeyAction::Up {
                value: Key::Control.into(),
            });
        for _ in 0..before {
            keys = press(keys, Key::Right.into());
        }
        keys = press(keys, '0');
        for _ in 0..2 {
            keys = keys.then(KeyAction::Down {
                value: Key::Shift.into(),
            });
            keys = press(keys, Key::Enter.into());
            keys = keys.then(KeyAction::Up {
                value: Key::Shift.into(),
            });
        }
        browser.perform_actions(keys).await.unwrap();

        page_says(
            &browser,
            "the plot for 50 µs",
            60,
            &shows("Your loop: 50 µs"),
        )
        .await;
        page_says(
            &browser,
            "the plot for 5 µs is gone",
            5,
            &format!("return !(() => {{ {} }})();", shows("Your loop: 5 µs")),
        )
        .await;
        photograph(&browser, "lab-03-edited").await;
        browser.close().await.unwrap();
    });
}

fn press(keys: KeyActions, value: char) -> KeyActions {
    keys.then(KeyAction::Down { value })
        .then(KeyAction::Up { value })
}

/// A script that tells whether a plot with this title is on the page.
fn shows(title: &str) -> String {
    format!(
        "return [...document.querySelectorAll('.jp-OutputArea-output img')]
            .some(image => decodeURIComponent(image.src).includes('>\\n{title}') ||
                           decodeURIComponent(image.src).includes('<title>{title}'));"
    )
}
