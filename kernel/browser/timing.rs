//! From a click to a figure on the page: the labs' kernel, without a spare and with one, beside ipykernel with matplotlib, in turn in one run.

use crate::driver::{Driver, block_on, checkout, free_port, page_says};
use crate::{Desk, notebook};
use fantoccini::Client;
use fantoccini::wd::TimeoutConfiguration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How often each notebook is opened. The first time warms up and does not count.
const ROUNDS: usize = 6;

/// How long a page, a figure or a spare may take.
const LONGEST: Duration = Duration::from_secs(300);

/// How many cells draw a figure in each notebook, each another one.
const FIGURES: usize = 6;

/// The cells of a notebook; no two runs have the same, since compiled cells are kept.
fn cells(kind: &str, round: usize) -> Vec<String> {
    let seed = std::process::id() as usize * 100 + round;
    let figure = |number: usize| {
        let factor = seed + number * 1_000_000_000;
        match kind {
            "ipykernel" => format!(
                "import matplotlib.pyplot as plt\nplt.plot(range(1, 11), [n * n * {factor} for n in range(1, 11)]); plt.title(\"Squares\"); plt.show()"
            ),
            _ => format!(
                "let squares = Lines::new(\"Squares\").x(\"n\").y(\"n²\").series(\"n²\", (1..=10).map(|n| (f64::from(n), f64::from(n * n) * {factor}.0)));\nsquares"
            ),
        }
    };
    (0..FIGURES).map(figure).collect()
}

/// Milliseconds from a click on *Run* to the figure of code cell `number`, drawn, and from the opening of the page.
async fn figure(browser: &Client, number: usize) -> (f64, f64) {
    let script = "
        const [number, done] = arguments;
        const cell = document.querySelectorAll('.jp-CodeCell')[number];
        const begun = performance.now();
        // JupyterLab's buttons act when the mouse goes down.
        document.querySelector('.jp-NotebookPanel jp-button[data-command=\"notebook:run-cell-and-select-next\"]')
            .dispatchEvent(new MouseEvent('mousedown', {bubbles: true, button: 0}));
        const look = () => {
            const picture = cell.querySelector('.jp-OutputArea-output img');
            picture?.complete && picture.naturalWidth > 0
                ? requestAnimationFrame(() => done([performance.now() - begun, performance.now()]))
                : requestAnimationFrame(look);
        };
        look();";
    let took = browser.execute_async(script, vec![json!(number)]).await;
    let took: (f64, f64) = serde_json::from_value(took.unwrap()).unwrap();
    took
}

/// The page shows a notebook whose kernel has been asked for, whether it is there or not: JupyterLab would ask which kernel to take.
const CAN_RUN: &str = "
    const request = new XMLHttpRequest();
    request.open('GET', '/api/sessions', false);
    request.send();
    return document.querySelectorAll('.jp-CodeCell').length > 0 && JSON.parse(request.responseText).length > 0
        && document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status !== undefined
        && document.querySelector('.jp-NotebookPanel jp-button[data-command=\"notebook:run-cell-and-select-next\"]') !== null;";

/// JupyterLab as it is, with so many spares: `labs open` shows no kernel but ours.
fn server(spares: &str, write: impl FnOnce(&Path)) -> Desk {
    let driver = Driver::start();
    let folder = tempfile::tempdir().unwrap();
    let notebooks = folder.path().join("notebooks");
    fs::create_dir(&notebooks).unwrap();
    write(&notebooks);
    let (port, token) = (free_port(), "timing");
    let own = |name: &str| folder.path().join(name);
    let lab = Command::new(checkout().join("target/labs/venv/bin/jupyter-lab"))
        .args(["--no-browser", "--allow-root", "--ServerApp.log_level=WARN"])
        .arg(format!("--ServerApp.port={port}"))
        .arg(format!("--ServerApp.root_dir={}", notebooks.display()))
        .env("JUPYTER_TOKEN", token)
        .env("JUPYTER_CONFIG_DIR", own("config"))
        .env("JUPYTER_DATA_DIR", own("data"))
        .env("JUPYTER_RUNTIME_DIR", own("runtime"))
        .env("JUPYTERLAB_SETTINGS_DIR", own("settings"))
        .env("JUPYTERLAB_WORKSPACES_DIR", own("workspaces"))
        .env("IPYTHONDIR", own("ipython"))
        .env("LABS_JOURNAL", own("journal.tsv"))
        .env("LABS_SPARE_KERNELS", spares)
        .spawn()
        .unwrap();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(100));
    }
    Desk {
        lab,
        driver,
        address: format!("http://127.0.0.1:{port}/lab/tree/labs-0.ipynb?token={token}"),
        _folder: folder,
    }
}

/// Ends all kernels of the server whose page is shown.
const END: &str = "
    const [done] = arguments;
    const header = { 'X-XSRFToken': document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? '' };
    fetch('/api/kernels')
        .then(kernels => kernels.json())
        .then(kernels => Promise.all(kernels.map(kernel => fetch('/api/kernels/' + kernel.id, { method: 'DELETE', headers: header }))))
        .then(() => done(true));";

/// The processes below `pid`, itself included: name and clock ticks of each.
fn below(pid: u32) -> Vec<(String, u64)> {
    let mut all: BTreeMap<u32, (u32, String, u64)> = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let (head, rest) = stat.rsplit_once(") ").unwrap();
        let (number, name) = head.split_once(" (").unwrap();
        let words: Vec<&str> = rest.split(' ').collect();
        let ticks = words[11..15]
            .iter()
            .map(|word| word.parse::<u64>().unwrap())
            .sum();
        all.insert(
            number.parse().unwrap(),
            (words[1].parse().unwrap(), name.to_string(), ticks),
        );
    }
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        found.extend(
            all.iter()
                .filter(|(_, process)| process.0 == parent)
                .map(|(pid, _)| pid),
        );
        at += 1;
    }
    let of = |pid| all.get(pid).map(|(_, name, ticks)| (name.clone(), *ticks));
    found.iter().filter_map(of).collect()
}

/// Waits until all below the server have rested for two seconds and, if it is to have a spare, that is among them. How long that took, without
/// the rest.
async fn rest(desk: &Desk, spare: bool) -> Duration {
    let start = Instant::now();
    let mut since = Instant::now();
    let mut before = 0;
    while since.elapsed() < Duration::from_secs(2) {
        assert!(
            start.elapsed() < LONGEST,
            "the server does not come to rest"
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
        let all = below(desk.lab.id());
        let ticks = all.iter().map(|(_, ticks)| ticks).sum();
        let is_there = all.iter().any(|(name, _)| name.starts_with("labs-evcxr"));
        // A process that has ended takes its ticks with it.
        if is_there != spare || ticks > before + 2 || ticks < before {
            since = Instant::now();
        }
        before = ticks;
    }
    since.duration_since(start)
}

fn median(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize] / 1000.0;
    format!("{:.2} ({:.2} to {:.2})", at(0.5), at(0.25), at(0.75))
}

/// Where the bench has installed matplotlib, for the Python that runs JupyterLab.
fn matplotlib() -> Option<PathBuf> {
    let libraries = fs::read_dir(checkout().join("target/labs/bench/lib")).ok()?;
    let mut folders = libraries
        .flatten()
        .map(|folder| folder.path().join("site-packages"));
    folders.find(|folder| folder.join("matplotlib").is_dir())
}

#[test]
#[ignore = "it measures, for minutes: close everything else first"]
fn from_a_click_to_the_figure_on_the_page_beside_ipykernel() {
    let Some(matplotlib) = matplotlib() else {
        println!("skipped: `cargo labs bench kernel` installs matplotlib");
        return;
    };
    let mut took: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    let set_up = |spares| {
        server(spares, |folder| {
            for kind in ["labs", "ipykernel"] {
                for round in 0..ROUNDS {
                    let cells = cells(kind, round + 10 * usize::from(spares == "1"));
                    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
                    let mut notebook = notebook(&cells);
                    if kind == "ipykernel" {
                        notebook["metadata"]["kernelspec"] = json!({"name": "python3", "display_name": "Python 3", "language": "python"});
                        let first = notebook["cells"][0]["source"].as_str().unwrap();
                        let path = format!("import sys; sys.path.append({matplotlib:?})\n{first}");
                        notebook["cells"][0]["source"] = Value::String(path);
                    }
                    let file = folder.join(format!("{kind}-{round}.ipynb"));
                    fs::write(file, notebook.to_string()).unwrap();
                }
            }
        })
    };
    for (spares, ours) in [("0", "labs"), ("1", "labs with a spare")] {
        let desk = set_up(spares);
        block_on(async {
            let browser = desk.driver.browser().await;
            let patient = TimeoutConfiguration::new(Some(LONGEST), Some(LONGEST), None);
            browser.update_timeouts(patient).await.unwrap();
            for round in 0..ROUNDS {
                for kind in [ours, "ipykernel"] {
                    let ready = rest(&desk, spares == "1").await;
                    // The round of ipykernel comes after that of a kernel which was the spare.
                    if kind == "ipykernel" && spares == "1" && round > 0 {
                        let of = ("kernel ended to the next spare at rest", ours);
                        took.entry(of)
                            .or_default()
                            .push(ready.as_secs_f64() * 1000.0);
                    }
                    let file = kind.split(' ').next().unwrap();
                    let address = desk
                        .address
                        .replace("labs-0.ipynb", &format!("{file}-{round}.ipynb"));
                    browser.goto(&format!("{address}&reset")).await.unwrap();
                    page_says(&browser, "the notebook is shown", 60, CAN_RUN).await;
                    let (first, opened) = figure(&browser, 0).await;
                    let mut later = Vec::new();
                    for number in 1..FIGURES {
                        later.push(figure(&browser, number).await.0);
                    }
                    browser.execute_async(END, vec![]).await.unwrap();
                    if round > 0 {
                        let mut note = |what, value| {
                            took.entry((what, kind)).or_default().push(value);
                        };
                        note("page opened to first figure", opened);
                        note("first click to figure", first);
                        later
                            .into_iter()
                            .for_each(|each| note("a later click to figure", each));
                    }
                }
            }
            browser.close().await.unwrap();
        });
    }
    println!("seconds, medians with the middle half; {ROUNDS} rounds, the first left out");
    for ((what, kind), values) in &took {
        println!("{what}: {kind}: {} of {}", median(values), values.len());
    }
}
