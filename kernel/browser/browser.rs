//! The labs as a student meets them: JupyterLab in a real browser.
//!
//! Needs `target/release/labs`, which `cargo labs test` has built, Debian's packages `chromium` and `chromium-driver`, and npm; `.ci/run`
//! installs them.

mod axe;
mod driver;
mod figures;
mod game;
mod knobs;
mod lecture;
mod published;
mod race;
mod replay;
mod sketch;
mod timing;
mod trace;
mod tree;

use driver::{Driver, block_on, checkout, click, free_port, page_says, photograph};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// JupyterLab on a notebook, and a browser's driver.
struct Desk {
    lab: Child,
    driver: Driver,
    address: String,
    _folder: tempfile::TempDir,
}

impl Desk {
    /// A desk with a copy of a lab.
    fn with_lab(file: &str) -> Desk {
        Desk::set_up(|folder| {
            let copy = folder.join(file);
            std::fs::copy(checkout().join("notebooks").join(file), &copy).unwrap();
            copy
        })
    }

    /// A desk with notebooks of these code cells, `0.ipynb` and so on; the first is opened.
    fn with(notebooks: &[&[&str]]) -> Desk {
        Desk::set_up(|folder| {
            for (number, cells) in notebooks.iter().enumerate() {
                let file = folder.join(format!("{number}.ipynb"));
                std::fs::write(file, notebook(cells).to_string()).unwrap();
            }
            folder.join("0.ipynb")
        })
    }

    /// `write` puts the notebooks into the folder and says which one to open.
    fn set_up(write: impl FnOnce(&Path) -> PathBuf) -> Desk {
        let driver = Driver::start();
        let folder = tempfile::tempdir().unwrap();
        let copy = write(folder.path());

        let mut lab = Command::new(checkout().join("target/release/labs"))
            .args(["open", "--no-browser", "--port", &free_port().to_string()])
            .arg(&copy)
            .env("LABS_JOURNAL", folder.path().join("journal.tsv"))
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

        Desk {
            lab,
            driver,
            address,
            _folder: folder,
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // As Ctrl-C does: JupyterLab ends its kernels.
        // SAFETY: a signal to a child that was not collected yet.
        unsafe { libc::kill(self.lab.id() as i32, libc::SIGTERM) };
        let _ = self.lab.wait();
    }
}

fn notebook(cells: &[&str]) -> Value {
    let cells = cells.iter().enumerate().map(|(number, source)| {
        json!({
            "cell_type": "code", "id": format!("cell-{number}"), "metadata": {},
            "execution_count": null, "outputs": [], "source": source
        })
    });
    json!({
        "nbformat": 4, "nbformat_minor": 5, "cells": cells.collect::<Vec<_>>(),
        "metadata": {"kernelspec": {"name": "rust", "display_name": "Rust", "language": "rust"}}
    })
}

/// Opens the notebook and waits until its kernel is idle.
async fn open(desk: &Desk) -> Client {
    let browser = desk.driver.browser().await;
    // `reset` drops the side bars that an earlier page has left open.
    let address = format!("{}&reset", desk.address);
    browser.goto(&address).await.unwrap();
    idle(&browser).await;
    browser
}

async fn idle(browser: &Client) {
    page_says(
        browser,
        "the notebook is shown and its kernel idle",
        120,
        KERNEL_IDLE,
    )
    .await;
}

/// The indicator says "idle" even before there is a kernel, and the status bar says nothing in a window without the focus; the server
/// knows which kernel belongs to the notebook that is shown.
const KERNEL_IDLE: &str = "
    const indicator = document.querySelector('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator');
    if (document.querySelectorAll('.jp-CodeCell').length === 0 || indicator?.dataset.status !== 'idle') { return false; }
    const request = new XMLHttpRequest();
    request.open('GET', '/api/sessions', false);
    request.send();
    const shown = decodeURIComponent(location.pathname);
    const session = JSON.parse(request.responseText).find(session => shown.endsWith('/' + session.path));
    return session?.kernel?.execution_state === 'idle';";

/// Run → Run All Cells, with the mouse.
async fn run_all(browser: &Client) {
    menu(browser, "Run", "runmenu:run-all").await;
}

/// Chooses the entry of a menu that stands for `command`, with the mouse.
async fn menu(browser: &Client, name: &str, command: &str) {
    let menu = format!("//li[contains(@class, 'lm-MenuBar-item')][.//div[text()='{name}']]");
    click(browser, Locator::XPath(&menu)).await;
    let entry = format!("li.lm-Menu-item[data-command='{command}']");
    click(browser, Locator::Css(&entry)).await;
}

/// A script that compares the prompts of all code cells.
fn prompts(expected: &[&str]) -> String {
    format!(
        "return JSON.stringify([...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent.trim()))
            === JSON.stringify({});",
        json!(expected)
    )
}

/// A script that looks for words in the output of code cell `number`, counted from 0.
fn output_has(number: usize, words: &str) -> String {
    format!(
        "return document.querySelectorAll('.jp-CodeCell')[{number}].querySelector('.jp-OutputArea').textContent.includes({});",
        json!(words)
    )
}

/// A folded cell shows no number; it has run when it has an output.
const ALL_NUMBERED: &str = "
    const cells = [...document.querySelectorAll('.jp-CodeCell')];
    return cells.length > 10 && cells.every(cell => {
        const prompt = cell.querySelector('.jp-InputPrompt')?.textContent.trim() ?? '';
        return /^\\[\\d+\\]:$/.test(prompt) || (prompt === '' && cell.querySelector('.jp-OutputArea-output') !== null);
    });";

/// The page writes what the kernel says about itself into the notebook. The labs have it already, so that does not change them.
#[test]
fn a_notebook_that_is_opened_is_not_marked_as_changed() {
    let lab = "00_start_here.ipynb";
    let desk = Desk::set_up(|folder| {
        for file in [lab, "02_double_check.ipynb"] {
            let copy = folder.join(file);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::copy(checkout().join("notebooks").join(file), &copy).unwrap();
        }
        folder.join(lab)
    });
    block_on(async {
        let browser = open(&desk).await;
        for file in [lab, "02_double_check.ipynb"] {
            let address = desk.address.replace(lab, file);
            browser.goto(&format!("{address}&reset")).await.unwrap();
            idle(&browser).await;
            page_says(&browser, "the page knows the kernel", 20, KNOWS_THE_KERNEL).await;
            let changed = browser.execute(CHANGED, vec![]).await.unwrap();
            assert_eq!(changed, Value::Bool(false), "{file}");
        }
        // Make sure that the mark can be found at all: to cut a cell is a change.
        menu(&browser, "Edit", "notebook:cut-cell").await;
        page_says(&browser, "a change is marked", 20, CHANGED).await;
        browser.close().await.unwrap();
    });
}

/// Once the page knows its kernel, it has written that into the notebook, and the toolbar names the language.
const KNOWS_THE_KERNEL: &str = "
    const name = document.querySelector('.jp-NotebookPanel .jp-KernelName');
    return name !== null && name.textContent.trim() === 'Rust';";

const CHANGED: &str = "
    return document.querySelector('.lm-DockPanel .lm-TabBar-tab.jp-mod-dirty, #jp-main-dock-panel .jp-mod-dirty') !== null;";

/// The labs that have figures, and words of their figures' titles.
const LABS: [(&str, &[&str]); 7] = [
    (
        "01_poison_pill.ipynb",
        &[
            "terminate() in the middle of the work",
            "A flag that was set behind the last task",
            "One pill for each worker",
            "One pill too few",
            "Too many pills",
            "Ways to go home, on one clock",
        ],
    ),
    (
        "02_double_check.ipynb",
        &[
            "Schedule 14 of 70",
            "Schedule 7 of 16",
            "Rounds that went wrong",
        ],
    ),
    (
        "03_check_frequency.ipynb",
        &[
            "What one look",
            "The price of not looking",
            "By what factor",
            "Your loop",
        ],
    ),
    (
        "04_cost_spectrum.ipynb",
        &[
            "What one access costs",
            "The same loop",
            "Reading and writing",
            "A row of a matrix",
            "Sixty tasks",
        ],
    ),
    (
        "05_fraud_signal.ipynb",
        &[
            "Schedule 1 of 3",
            "One theft",
            "How many transactions",
            "From the transaction",
        ],
    ),
    (
        "06_across_machines.ipynb",
        &["Time lost to looks", "What the distance does"],
    ),
    (
        "lecture.ipynb",
        &[
            "One pill for each worker",
            "terminate() in the middle of the work",
            "A locked look at each iteration: its share",
            "What one access costs",
            "One theft",
        ],
    ),
];

/// Every figure with one of these titles is there and has a size, and no cell shows an error.
async fn all_is_drawn(browser: &Client, file: &str, titles: &[&str]) {
    for (index, title) in titles.iter().enumerate() {
        page_says(browser, title, 20, &has_size(title)).await;
        let script = "
            const image = [...document.querySelectorAll('.jp-OutputArea-output img')]
                .find(image => decodeURIComponent(image.src).includes(arguments[0]));
            (image.closest('.labs-trace') ?? image).scrollIntoView({block: 'center'});";
        browser.execute(script, vec![json!(title)]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await; // for the photograph alone
        photograph(browser, &format!("lab-{}-{index}", &file[..2])).await;
    }
    let errors = "return [...document.querySelectorAll(
        '.jp-OutputArea-output[data-mime-type*=\"stderr\"], .jp-OutputArea-output[data-mime-type*=\"error\"]'
    )].map(output => output.textContent);";
    assert_eq!(
        browser.execute(errors, vec![]).await.unwrap(),
        json!([]),
        "{file}"
    );
}

/// Opens a lab and runs all its cells: each gets its number, none fails, and every figure is there.
async fn run_lab(desk: &Desk, file: &str, titles: &[&str]) -> Client {
    let browser = open(desk).await;
    run_all(&browser).await;
    page_says(&browser, "every code cell has a number", 240, ALL_NUMBERED).await;
    all_is_drawn(&browser, file, titles).await;
    browser
}

#[test]
#[ignore = "minutes: `cargo labs test --night`"]
fn each_lab_runs_from_top_to_bottom_in_the_page() {
    for (file, titles) in LABS {
        let desk = Desk::with_lab(file);
        block_on(async {
            let browser = run_lab(&desk, file, titles).await;
            browser.close().await.unwrap();
        });
    }
}

/// A script that tells whether the figure with these words in its title is drawn. A picture that moves is drawn by its script, and the still one
/// is for print.
fn has_size(title: &str) -> String {
    format!(
        "return [...document.querySelectorAll('.jp-OutputArea-output img')].some(image =>
            image.src.startsWith('data:image/svg+xml') && decodeURIComponent(image.src).includes({}) && image.naturalWidth > 300 &&
            (image.closest('.labs-trace')?.querySelector('.labs-trace-picture') ?? image).getBoundingClientRect().height > 150);",
        json!(title)
    )
}

#[test]
fn lab_03_runs_from_top_to_bottom_and_editing_the_iteration_cost_changes_the_plot() {
    let (file, titles) = LABS[2];
    let desk = Desk::with_lab(file);
    block_on(async {
        let browser = run_lab(&desk, file, titles).await;
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

#[test]
fn a_figure_changes_while_its_cell_runs() {
    let go = tempfile::tempdir().unwrap();
    let file = go.path().join("go");
    let cell = format!(
        "let mut live = Live::new();
live.update(&Bars::new(\"Stage one\").bar(\"a\", 1.0));
while !std::path::Path::new({file:?}).exists() {{
    std::thread::sleep(std::time::Duration::from_millis(20));
}}
live.update(&Bars::new(\"Stage two\").bar(\"a\", 2.0));
live.finish();"
    );
    let desk = Desk::with(&[&[&cell]]);
    block_on(async {
        let browser = open(&desk).await;
        run_all(&browser).await;
        page_says(&browser, "the first stage", 60, &shows("Stage one")).await;
        page_says(&browser, "the cell runs", 5, &prompts(&["[*]:"])).await;
        photograph(&browser, "live-one").await;
        std::fs::write(&file, "").unwrap();
        page_says(&browser, "the second stage", 20, &shows("Stage two")).await;
        page_says(&browser, "the cell is done", 20, &prompts(&["[1]:"])).await;
        let first = browser.execute(&shows("Stage one"), vec![]).await.unwrap();
        assert_eq!(
            first,
            Value::Bool(false),
            "the second stage took the place of the first"
        );
        let markers = "return document.body.textContent.includes('LABS_DISPLAY');";
        assert_eq!(
            browser.execute(markers, vec![]).await.unwrap(),
            Value::Bool(false)
        );
        photograph(&browser, "live-two").await;
        browser.close().await.unwrap();
    });
}

#[test]
fn run_all_stops_at_a_panic() {
    let desk = Desk::with(&[&[
        "let a = 1;\na",
        "let b = 2;\npanic!(\"stop {b}\");",
        "a + 1",
        "a + 2",
    ]]);
    block_on(async {
        let browser = open(&desk).await;
        run_all(&browser).await;
        page_says(
            &browser,
            "the panic is shown",
            60,
            &output_has(1, "Panic: stop 2"),
        )
        .await;
        page_says(
            &browser,
            "with its line",
            5,
            &output_has(1, "cell [2], line 2"),
        )
        .await;
        page_says(
            &browser,
            "and the rest is not run",
            10,
            &prompts(&["[1]:", "[2]:", "[ ]:", "[ ]:"]),
        )
        .await;
        photograph(&browser, "panic").await;
        browser.close().await.unwrap();
    });
}

#[test]
fn a_cell_is_interrupted_and_the_kernel_restarted_from_the_page() {
    let desk = Desk::with(&[&[
        "fn six() -> u32 { 6 }",
        "println!(\"on its way\");\nloop { std::hint::spin_loop() }",
    ]]);
    block_on(async {
        let browser = open(&desk).await;
        run_all(&browser).await;
        page_says(&browser, "the cell runs", 60, &output_has(1, "on its way")).await;
        menu(&browser, "Kernel", "kernelmenu:interrupt").await;
        page_says(
            &browser,
            "it was stopped",
            10,
            &output_has(1, "You stopped this cell"),
        )
        .await;
        photograph(&browser, "interrupted").await;
        menu(&browser, "Kernel", "kernelmenu:restart").await;
        click(&browser, Locator::Css(".jp-Dialog-button.jp-mod-accept")).await;
        tokio::time::sleep(Duration::from_millis(500)).await; // the page still shows the old kernel's state
        idle(&browser).await;
        run_all(&browser).await;
        page_says(
            &browser,
            "it counts from one again",
            60,
            &prompts(&["[1]:", "[*]:"]),
        )
        .await;
        browser.close().await.unwrap();
    });
}

#[test]
fn two_notebooks_run_side_by_side() {
    let desk = Desk::with(&[
        &["let mine = 1;", "println!(\"mine is {mine}\");"],
        &["let mine = 2;", "println!(\"mine is {mine}\");"],
    ]);
    block_on(async {
        let browser = open(&desk).await;
        let first = browser.window().await.unwrap();
        let second = browser.new_window(true).await.unwrap().handle;
        browser.switch_to_window(second.clone()).await.unwrap();
        let address = desk
            .address
            .replace("/lab/tree/0.ipynb", "/lab/workspaces/second/tree/1.ipynb");
        browser.goto(&address).await.unwrap();
        idle(&browser).await;
        run_all(&browser).await;
        browser.switch_to_window(first).await.unwrap();
        run_all(&browser).await;
        page_says(
            &browser,
            "the first has its own",
            60,
            &output_has(1, "mine is 1"),
        )
        .await;
        browser.switch_to_window(second).await.unwrap();
        page_says(
            &browser,
            "the second has its own",
            60,
            &output_has(1, "mine is 2"),
        )
        .await;
        browser.close().await.unwrap();
    });
}
