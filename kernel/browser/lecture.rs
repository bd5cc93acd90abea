//! The lecture, given live in JupyterLab.

use crate::axe::resize;
use crate::driver::{block_on, checkout, page_says, photograph};
use crate::figures::dress;
use crate::{Desk, idle, press, run_all};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use std::time::Duration;

/// A slide's own size.
pub(crate) const SIZE: (u32, u32) = (1280, 720);

pub(crate) async fn key(browser: &Client, value: char) {
    let keys = press(KeyActions::new("keyboard".into()), value);
    browser.perform_actions(keys).await.unwrap();
}

/// The first two demonstrations, as a teacher gives them: all cells were run once, then the slides are started, and the cells run on them, in
/// both themes.
#[test]
fn the_lecture_is_given_live() {
    let desk = Desk::set_up(|folder| {
        let file = "lecture.ipynb";
        let text = std::fs::read_to_string(checkout().join("notebooks").join(file)).unwrap();
        let mut notebook: Value = serde_json::from_str(&text).unwrap();
        let cells = notebook["cells"].as_array_mut().unwrap();
        let third = cells.iter().position(|cell| cell["id"] == "about-flag");
        cells.truncate(third.unwrap());
        std::fs::write(folder.join(file), notebook.to_string()).unwrap();
        folder.join(file)
    });
    let slides = desk.address.replace("/lab/tree/", "/rise/");
    block_on(async {
        let browser = crate::open(&desk).await;
        resize(&browser, SIZE.0, SIZE.1).await;
        run_all(&browser).await;
        let done = "
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(prompt => prompt.textContent.trim());
            return prompts.length === 6 && prompts.every(prompt => /^\\[\\d+\\]:$/.test(prompt));";
        page_says(&browser, "all cells have run", 120, done).await;
        for theme in ["JupyterLab Dark", "JupyterLab Light"] {
            browser
                .goto(&format!("{}&reset", desk.address))
                .await
                .unwrap();
            idle(&browser).await;
            dress(&browser, theme).await;
            browser.goto(&slides).await.unwrap();
            page_says(
                &browser,
                "the first slide",
                60,
                &on_slide("h1", "The coordination speed trade-off"),
            )
            .await;
            page_says(&browser, "the kernel is idle", 60, IDLE).await;
            photograph(&browser, &format!("rise-title-{theme}")).await;
            for (figure, presses) in [
                ("One pill for each worker", 3),
                ("terminate() in the middle of the work", 4),
            ] {
                for _ in 0..presses {
                    key(&browser, ' ').await;
                    tokio::time::sleep(Duration::from_millis(700)).await; // the slide selects its cell
                }
                // The first time the slides must have the focus, which a click gives them.
                let code = browser.find(Locator::Css(CODE)).await.unwrap();
                code.click().await.unwrap();
                let keys = KeyActions::new("keyboard".into()).then(KeyAction::Down {
                    value: Key::Shift.into(),
                });
                let keys = press(keys, Key::Enter.into()).then(KeyAction::Up {
                    value: Key::Shift.into(),
                });
                browser.perform_actions(keys).await.unwrap();
                let shown = format!(
                    "const run = [...document.querySelectorAll('section.present > section.present img')];
                    return run.some(image => decodeURIComponent(image.src).includes({}) && image.naturalWidth > 300);",
                    json!(figure)
                );
                page_says(&browser, figure, 60, &shown).await;
                page_says(&browser, "and it fits", 5, FITS).await;
                photograph(&browser, &format!("rise-{presses}-{theme}")).await;
                key(&browser, Key::Escape.into()).await;
            }
            let foreign = "return performance.getEntriesByType('resource').map(entry => entry.name).filter(name => !name.startsWith(location.origin)
                && !name.startsWith('data:') && !name.startsWith('blob:'));";
            assert_eq!(
                browser.execute(foreign, vec![]).await.unwrap(),
                json!([]),
                "nothing comes from elsewhere"
            );
        }
        browser.close().await.unwrap();
    });
}

/// The code on the slide that is shown.
const CODE: &str =
    "section.present > section.present .jp-CodeCell:not([style*='none']) .cm-content";

const IDLE: &str =
    "return document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status !== 'busy';";

/// Whether the cells of the slide that is shown end above its lower edge.
const FITS: &str = "
    const cells = [...document.querySelectorAll('section.present > section.present .jp-OutputArea-output img')];
    return cells.length > 0 && cells.every(cell => cell.getBoundingClientRect().bottom <= innerHeight);";

/// A script that tells whether the slide that is shown has these words.
fn on_slide(tag: &str, words: &str) -> String {
    format!(
        "return [...document.querySelectorAll('section.present > section.present {tag}')].some(part => part.textContent.includes({}));",
        json!(words)
    )
}
