//! A sketch pad: by keyboard alone and with a finger on a page by itself, with the mouse in JupyterLab, where the kernel keeps the curve.

use crate::axe::findings;
use crate::driver::{Driver, block_on, page_says, photograph};
use crate::figures::dress;
use crate::race::{emulate, open_page, press};
use crate::{Desk, idle, menu, open, output_has, prompts, run_all};
use fantoccini::actions::{
    InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction, TouchActions,
};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use lessons::prelude::*;
use serde_json::json;

/// The line below the pad.
async fn line(browser: &Client) -> String {
    let line = browser.find(Locator::Css(".labs-sketch .labs-board code"));
    line.await.unwrap().text().await.unwrap()
}

/// The curve that the line below the pad stands for, as a notebook would read it.
async fn drawn(browser: &Client) -> Vec<(f64, f64)> {
    let line = line(browser).await;
    let curve = line
        .strip_prefix("sketch(\"03-reaction\", \"")
        .and_then(|rest| rest.strip_suffix("\")?"));
    sketch("03-reaction", curve.unwrap()).unwrap().points()
}

/// A script that compares what a screen reader says of the point with the focus.
fn reads(words: &str) -> String {
    format!(
        "return document.activeElement.getAttribute('aria-valuetext') === {};",
        json!(words)
    )
}

/// Where the pad's places are on the page: `across` from 0 to 8, `up` from 0, the bottom, to 1.
async fn at(browser: &Client, across: usize, up: f64) -> (f64, f64) {
    let place = "const points = [...document.querySelectorAll('.labs-sketch-paper circle')];
        points[4].scrollIntoView({block: 'center'});
        const paper = document.querySelector('.labs-sketch-paper').getBoundingClientRect();
        const pad = JSON.parse(document.querySelector('.labs-sketch script[type=\"application/json\"]').textContent);
        const [, , top, bottom] = pad.plot;
        const scale = paper.width / pad.size[0];
        return [paper.left + pad.xs[arguments[0]].at * scale, paper.top + (bottom + (top - bottom) * arguments[1]) * scale];";
    let place = browser.execute(place, vec![json!(across), json!(up)]).await;
    let [x, y]: [f64; 2] = serde_json::from_value(place.unwrap()).unwrap();
    (x, y)
}

fn to((x, y): (f64, f64)) -> PointerAction {
    PointerAction::MoveTo {
        duration: None,
        x,
        y,
    }
}

#[test]
fn a_curve_is_drawn_by_keyboard_alone_and_read_out() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = driver.browser().await;
        let quiet = json!({"prefers-reduced-motion": "reduce", "prefers-color-scheme": "dark"});
        emulate(&browser, "", quiet).await;
        open_page(&browser, &folder, &sketch("03-reaction", "?").unwrap()).await;
        assert_eq!(line(&browser).await, "sketch(\"03-reaction\", \"?\")?");
        press(&browser, &[Key::Tab]).await;
        page_says(&browser, "the first point", 5, &reads("nothing drawn")).await;
        // The first press shows where the point begins: in the middle.
        press(&browser, &[Key::Up]).await;
        page_says(&browser, "in the middle", 5, &reads("3.15 ms")).await;
        press(&browser, &[Key::Up, Key::Up, Key::PageDown]).await;
        page_says(&browser, "moved", 5, &reads("500 µs")).await;
        press(&browser, &[Key::Home]).await;
        page_says(&browser, "at the bottom", 5, &reads("1 µs")).await;
        // Two points on, and up: it begins on the curve.
        press(&browser, &[Key::Right, Key::Right, Key::Up, Key::Up]).await;
        page_says(&browser, "on the curve", 5, &reads("1.25 µs")).await;
        press(&browser, &[Key::Right, Key::End, Key::Left]).await;
        assert_eq!(
            drawn(&browser).await,
            [(1.0, 1e-6), (10.0, 1.25e-6), (30.0, 10.0)]
        );
        let name = "return document.activeElement.getAttribute('aria-label');";
        let name = browser.execute(name, vec![]).await.unwrap();
        assert_eq!(
            name,
            "reaction: flag set → last worker stopped, at 10 iterations between two looks"
        );
        photograph(&browser, "sketch-dark").await;
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);
        press(&browser, &[Key::Delete]).await;
        assert_eq!(drawn(&browser).await, [(1.0, 1e-6), (30.0, 10.0)]);
        // Tab leaves the curve: there is one stop for all its points.
        press(&browser, &[Key::Tab, Key::Enter]).await;
        assert_eq!(line(&browser).await, "sketch(\"03-reaction\", \"?\")?");
        browser.close().await.unwrap();
    });
}

#[test]
fn a_curve_is_drawn_with_a_finger_and_the_line_for_the_notebook_is_copied() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = driver.browser().await;
        open_page(
            &browser,
            &folder,
            &sketch("03-reaction", "10,000: 1 s").unwrap(),
        )
        .await;
        assert_eq!(drawn(&browser).await, [(10_000.0, 1.0)]);
        let (from, over) = (
            at(&browser, 0, 2.0 / 7.0).await,
            at(&browser, 4, 4.0 / 7.0).await,
        );
        let stroke = TouchActions::new("finger".into())
            .then(to(from))
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            })
            .then(to(over))
            .then(PointerAction::Up {
                button: MOUSE_BUTTON_LEFT,
            });
        browser.perform_actions(stroke).await.unwrap();
        let curve = drawn(&browser).await;
        assert_eq!(
            curve.len(),
            6,
            "a quick stroke leaves nothing out: {curve:?}"
        );
        assert_eq!(
            (curve[0], curve[4], curve[5]),
            ((1.0, 1e-4), (100.0, 1e-2), (10_000.0, 1.0))
        );
        assert!(curve.is_sorted_by_key(|point| point.1), "{curve:?}");
        // Nobody listens here: the line is to be copied.
        let said = "return document.querySelector('.labs-sketch .labs-said').textContent === 'Your curve is on this page alone.'
            && document.querySelector('.labs-sketch').textContent.includes('Put this in the place of sketch(…)?');";
        page_says(&browser, "what to do", 5, said).await;
        photograph(&browser, "sketch-finger").await;
        let copy = "//button[contains(., 'Copy')]";
        browser
            .find(Locator::XPath(copy))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
        let copied = "return document.querySelector('.labs-sketch .labs-said').textContent.startsWith('The line is ');";
        page_says(&browser, "copied or selected", 5, copied).await;
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);
        browser.close().await.unwrap();
    });
}

/// Shows a pad, and draws a measurement that was made up over the curve.
const PAD: &str = "let guess = sketch(\"03-reaction\", \"?\")?;\nguess";
const MEASURED: &str = "let seen = Lines::new(\"The price of not looking\").x(\"interval\").log_x().y(\"reaction\").log_y().y_format(Format::Seconds)
    .series(\"10 µs\", [(1.0, 2e-5), (10.0, 1e-4), (100.0, 1e-3), (1000.0, 1e-2), (10_000.0, 0.1)]);
println!(\"{}\", guess.compare(&seen, \"10 µs\"));
guess.under(&seen)";

#[test]
fn in_jupyterlab_the_kernel_keeps_what_is_drawn_and_run_all_does_not_wait() {
    let desk = Desk::with(&[&[PAD, MEASURED]]);
    block_on(async {
        let browser = open(&desk).await;
        run_all(&browser).await;
        page_says(
            &browser,
            "all has run",
            90,
            &output_has(1, "No curve was drawn."),
        )
        .await;
        page_says(
            &browser,
            "and nothing waits",
            10,
            &prompts(&["[1]:", "[2]:"]),
        )
        .await;
        let alive =
            "return document.querySelectorAll('.labs-sketch.labs-alive circle').length === 9;";
        page_says(&browser, "the pad is there", 20, alive).await;

        // From the lower left to the upper right, with the mouse.
        let (from, over) = (
            at(&browser, 0, 1.0 / 7.0).await,
            at(&browser, 8, 6.0 / 7.0).await,
        );
        let stroke = MouseActions::new("mouse".into())
            .then(to(from))
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            })
            .then(to(((from.0 + over.0) / 2.0, (from.1 + over.1) / 2.0)))
            .then(to(over))
            .then(PointerAction::Up {
                button: MOUSE_BUTTON_LEFT,
            });
        browser.perform_actions(stroke).await.unwrap();
        let kept =
            "const said = document.querySelector('.labs-sketch.labs-sketch-kept .labs-said');
            return said !== null && said.textContent.startsWith('Your curve is kept.');";
        page_says(&browser, "the kernel has it", 10, kept).await;
        let curve = drawn(&browser).await;
        assert_eq!(
            (curve.len(), curve[0], curve[8]),
            (9, (1.0, 1e-5), (10_000.0, 1.0))
        );
        // The arrows move the point, and do not leave for another cell.
        press(&browser, &[Key::Down, Key::Down]).await;
        page_says(&browser, "moved", 5, &reads("630 ms")).await;
        page_says(&browser, "kept again", 10, kept).await;
        photograph(&browser, "sketch-drawn").await;

        let second = browser
            .find(Locator::XPath(
                "//div[contains(@class, 'cm-line')][contains(., 'let seen')]",
            ))
            .await
            .unwrap();
        second.click().await.unwrap();
        menu(&browser, "Run", "runmenu:run").await;
        page_says(
            &browser,
            "compared",
            30,
            &output_has(1, "Your curve is off by a factor of"),
        )
        .await;
        page_says(
            &browser,
            "of all places",
            5,
            &output_has(1, "the median of 5 places"),
        )
        .await;
        let figure = "const image = document.querySelectorAll('.jp-CodeCell')[1].querySelector('.jp-OutputArea-output img');
            image?.scrollIntoView({block: 'center'});
            return image?.naturalWidth > 0 && decodeURIComponent(image.src).includes('your curve');";
        page_says(&browser, "the curve lies under the figure", 10, figure).await;
        photograph(&browser, "sketch-under").await;

        // A page that is loaded anew gets the curve from the kernel, in both themes.
        menu(&browser, "File", "docmanager:save").await;
        page_says(
            &browser,
            "saved",
            20,
            "return !document.querySelector('.jp-mod-dirty');",
        )
        .await;
        for theme in ["JupyterLab Dark", "JupyterLab Light"] {
            dress(&browser, theme).await;
            idle(&browser).await;
            page_says(&browser, "the pad is there", 20, alive).await;
            page_says(&browser, "with its curve", 20, kept).await;
            assert_eq!(drawn(&browser).await.len(), 9);
            at(&browser, 0, 0.0).await; // into the middle of the page
            photograph(&browser, &format!("sketch-{}", theme.replace(' ', "-"))).await;
            assert_eq!(
                findings(&browser, &[".labs-sketch"]).await,
                [""; 0],
                "{theme}"
            );
        }
        browser.close().await.unwrap();
    });
}
