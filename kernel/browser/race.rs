//! A race, on a page by itself and in JupyterLab: by keyboard alone, without motion, in both themes.

use crate::axe::findings;
use crate::driver::{Driver, block_on, page_says, photograph, tell_chromium};
use crate::figures::dress;
use crate::{Desk, idle, run_all};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use figures::prelude::*;
use labsupport::prelude::*;
use serde_json::{Value, json};

pub(crate) fn race() -> Race {
    Race::new("If one look took a second")
        .runner("look", 0.5)
        .runner("lock", 14.0)
        .runner("<b>manager</b>", 40_000.0)
        .runner("process", 300_000.0)
        .caption("Costs that were chosen for a test.")
}

/// A page that has this figure, and nothing else.
pub(crate) async fn open_page(browser: &Client, folder: &tempfile::TempDir, shown: &dyn Show) {
    let html = &shown.contents()[0].1;
    let page = folder.path().join("page.html");
    let head = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Page</title>\
                <style>:root { color-scheme: light dark }</style>";
    let body = format!("{head}<body><main><h1>Page</h1>{html}</main></body></html>");
    std::fs::write(&page, body).unwrap();
    let address = format!("file://{}", page.display());
    browser.goto(&address).await.unwrap();
}

pub(crate) async fn press(browser: &Client, keys: &[Key]) {
    let focused = browser.active_element().await.unwrap();
    let keys: String = keys.iter().map(|&key| char::from(key)).collect();
    focused.send_keys(&keys).await.unwrap();
}

async fn type_in(browser: &Client, keys: &str) {
    let focused = browser.active_element().await.unwrap();
    focused.send_keys(keys).await.unwrap();
}

/// What the rows of the race say: what each takes on its clock, and what it has done.
pub(crate) async fn rows(browser: &Client) -> Vec<(String, String)> {
    let script = "return [...document.querySelectorAll('.labs-race-table tbody tr')]
        .map(row => [row.cells[2].textContent, row.cells[4].textContent]);";
    let rows = browser.execute(script, vec![]).await.unwrap();
    serde_json::from_value(rows).unwrap()
}

async fn words(browser: &Client, part: &str) -> String {
    let script = format!(
        "return document.querySelector({}).textContent;",
        json!(part)
    );
    let words = browser.execute(&script, vec![]).await.unwrap();
    words.as_str().unwrap().to_string()
}

/// The time that the race shows, in seconds.
pub(crate) async fn time(browser: &Client) -> f64 {
    let words = words(browser, ".labs-race-time").await;
    words.trim_end_matches(" s").parse().unwrap()
}

/// Where the dots are, in pixels.
async fn dots(browser: &Client) -> Vec<f64> {
    let script = "return [...document.querySelectorAll('.labs-race-dot')].map(dot => dot.getBoundingClientRect().left);";
    serde_json::from_value(browser.execute(script, vec![]).await.unwrap()).unwrap()
}

#[test]
fn a_race_is_run_by_keyboard_alone_and_counts_what_was_measured() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = driver.browser().await;
        open_page(&browser, &folder, &race()).await;
        let said = |rows: &[(String, String)]| -> Vec<String> {
            rows.iter().map(|(_, done)| done.clone()).collect()
        };
        let start = rows(&browser).await;
        assert_eq!(start[2].0, "22 h 13 min");
        assert_eq!(said(&start), ["0"; 4]);

        // The board has the focus: the arrows move the time.
        press(&browser, &[Key::Tab]).await;
        press(&browser, &[Key::Right, Key::Right, Key::PageUp]).await;
        assert_eq!(time(&browser).await, 12.0);
        let after = said(&rows(&browser).await);
        assert_eq!(
            after,
            [
                "12",
                "43 % of the first",
                "0.015 % of the first",
                "0.002 % of the first"
            ]
        );
        let status = "return document.querySelector('.labs-said').textContent
            === 'After 12 s: first is look, 12; last is process, 0.002 % of the first.';";
        page_says(&browser, "what is said once the keys rest", 5, status).await;
        photograph(&browser, "race-12").await;

        // Space plays: the dots move by themselves, the time goes on, and Space again stops it.
        let before = dots(&browser).await;
        type_in(&browser, " ").await;
        page_says(
            &browser,
            "the button",
            5,
            "return document.querySelector('.labs-button').textContent.startsWith('Pause');",
        )
        .await;
        let moving =
            "return parseFloat(document.querySelector('.labs-race-time').textContent) > 13.2;";
        page_says(&browser, "the time goes on", 20, moving).await;
        type_in(&browser, " ").await;
        assert_ne!(dots(&browser).await[1], before[1]);
        let stopped = time(&browser).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await; // nothing is to happen
        assert_eq!(time(&browser).await, stopped);
        let done: f64 = rows(&browser).await[0].1.parse().unwrap();
        assert!(
            (done - stopped).abs() <= 1.0,
            "one look takes a second: {done} after {stopped} s"
        );

        // R starts again. Another runner takes the second: what is too fast to be seen is striped, and counted.
        type_in(&browser, "r").await;
        assert_eq!(time(&browser).await, 0.0);
        press(&browser, &[Key::Tab]).await;
        type_in(&browser, "<").await; // a list goes to the entry that begins like this
        page_says(
            &browser,
            "chosen",
            5,
            "return document.querySelector('select').selectedIndex === 2;",
        )
        .await;
        // Back to the clock: past Play and Restart.
        press(&browser, &[Key::Tab, Key::Tab, Key::Tab]).await;
        press(&browser, &[Key::Right]).await;
        let fast = rows(&browser).await;
        assert_eq!(fast[0], ("80,000 in a second".into(), "80,000".into()));
        assert_eq!((fast[1].1.as_str(), fast[2].1.as_str()), ("2,857", "1"));
        assert_eq!(fast[3], ("7.5 s".into(), "13 % of the first".into()));
        let striped = "return [...document.querySelectorAll('.labs-race-track')].map(track => track.classList.contains('labs-race-blur'));";
        let striped = browser.execute(striped, vec![]).await.unwrap();
        assert_eq!(striped, json!([true, true, false, false]));
        photograph(&browser, "race-manager").await;
        press(&browser, &[Key::End]).await;
        assert_eq!(time(&browser).await, 60.0);
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);
        let bold = "return document.querySelectorAll('.labs-race b').length;";
        assert_eq!(
            browser.execute(bold, vec![]).await.unwrap(),
            json!(0),
            "names are text"
        );
        browser.close().await.unwrap();
    });
}

/// Four pictures of a race that runs, for a person to look at.
#[test]
fn a_race_moves_and_ends_by_itself() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = driver.browser().await;
        open_page(&browser, &folder, &race()).await;
        press(&browser, &[Key::Tab]).await;
        type_in(&browser, " ").await;
        let mut seen = Vec::new();
        for frame in 0..4 {
            photograph(&browser, &format!("race-frame-{frame}")).await;
            seen.push((time(&browser).await, dots(&browser).await));
        }
        for pair in seen.windows(2) {
            assert!(
                pair[0].0 <= pair[1].0 && pair[0].1[1] < pair[1].1[1],
                "{seen:?}"
            );
        }
        type_in(&browser, " ").await;
        press(&browser, &[Key::End, Key::Left]).await;
        type_in(&browser, " ").await;
        let over = "return document.querySelector('.labs-race-time').textContent === '60 s'
            && document.querySelector('.labs-button').textContent.startsWith('Play');";
        page_says(&browser, "it ends", 20, over).await;
        browser.close().await.unwrap();
    });
}

/// As the settings of a system say it: no motion, a dark page, or paper.
pub(crate) async fn emulate(browser: &Client, media: &str, features: Value) {
    let features: Vec<Value> = features
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let media = json!({"media": media, "features": features});
    tell_chromium(browser, "Emulation.setEmulatedMedia", media).await;
}

#[test]
fn nothing_moves_where_no_motion_is_wanted_and_paper_gets_a_still_picture() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = driver.browser().await;
        let quiet = json!({"prefers-reduced-motion": "reduce", "prefers-color-scheme": "dark"});
        emulate(&browser, "", quiet).await;
        open_page(&browser, &folder, &race()).await;
        assert_eq!(time(&browser).await, 10.0);
        let button = browser.find(Locator::Css(".labs-button")).await.unwrap();
        assert!(
            !button.is_displayed().await.unwrap(),
            "there is nothing to play"
        );
        let note = words(&browser, ".labs-race-note").await;
        assert!(note.starts_with("Your system asks for no motion"), "{note}");
        press(&browser, &[Key::Tab]).await;
        let before = dots(&browser).await;
        type_in(&browser, " ").await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await; // nothing is to happen
        assert_eq!((time(&browser).await, dots(&browser).await), (10.0, before));
        press(&browser, &[Key::PageUp]).await;
        assert_eq!(rows(&browser).await[0].1, "20");
        photograph(&browser, "race-quiet-dark").await;
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);

        emulate(&browser, "print", json!({})).await;
        let shown = "return ['.labs-still img', '.labs-board'].map(part => document.querySelector(part).offsetHeight > 50);";
        let shown = browser.execute(shown, vec![]).await.unwrap();
        assert_eq!(shown, json!([true, false]));
        photograph(&browser, "race-print").await;
        browser.close().await.unwrap();
    });
}

#[test]
fn in_jupyterlab_a_race_has_its_keys_for_itself_in_both_themes() {
    let desk = Desk::with(&[&[
        "Race::new(\"If one look took a second\").runner(\"look\", 0.5).runner(\"lock\", 14.0).runner(\"manager\", 40_000.0)",
        "1 + 1",
    ]]);
    block_on(async {
        let browser = crate::open(&desk).await;
        for theme in ["JupyterLab Dark", "JupyterLab Light"] {
            dress(&browser, theme).await;
            idle(&browser).await;
            run_all(&browser).await;
            let alive =
                "return document.querySelector('.labs-race.labs-alive .labs-race-table') !== null;";
            page_says(&browser, "the race is there", 60, alive).await;
            let focus = "document.querySelector('.labs-race .labs-board').focus();";
            browser.execute(focus, vec![]).await.unwrap();
            // In a notebook, arrows go to another cell, and R twice begins to restart the kernel.
            let cell = "return [...document.querySelectorAll('.jp-Cell')].findIndex(cell => cell.classList.contains('jp-mod-active'));";
            let before = browser.execute(cell, vec![]).await.unwrap();
            type_in(&browser, "r").await;
            press(&browser, &[Key::Right, Key::Right, Key::PageUp, Key::Left]).await;
            assert_eq!(time(&browser).await, 11.0);
            type_in(&browser, " ").await;
            let moving =
                "return parseFloat(document.querySelector('.labs-race-time').textContent) > 11.5;";
            page_says(&browser, "it runs", 20, moving).await;
            type_in(&browser, " ").await;
            assert_eq!(browser.execute(cell, vec![]).await.unwrap(), before);
            photograph(&browser, &format!("race-{}", theme.replace(' ', "-"))).await;
            assert_eq!(
                findings(&browser, &[".labs-race"]).await,
                [""; 0],
                "{theme}"
            );
        }
        browser.close().await.unwrap();
    });
}
