//! Figures, sliders and tables on JupyterLab's page: they are as wide as the page, use its colours, have names, and obey the keyboard.

use crate::axe::{findings, resize};
use crate::driver::{block_on, click, page_says, photograph};
use crate::{Desk, menu, open, run_all};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use figures::prelude::*;
use serde_json::{Value, json};

/// Chooses JupyterLab's theme in its settings, as its menu does, and loads the page again.
pub(crate) async fn dress(browser: &Client, theme: &str) {
    let choose = "
        const request = new XMLHttpRequest();
        request.open('PUT', '/lab/api/settings/@jupyterlab/apputils-extension:themes', false);
        request.setRequestHeader('X-XSRFToken', document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? '');
        request.send(JSON.stringify({raw: JSON.stringify({theme: arguments[0]})}));
        return request.status;";
    let answer = browser.execute(choose, vec![json!(theme)]).await.unwrap();
    assert_eq!(answer, json!(204), "the settings are changed");
    browser.refresh().await.unwrap();
    let is_light = theme == "JupyterLab Light";
    let dressed = format!("return document.body.dataset.jpThemeLight === '{is_light}';");
    page_says(browser, theme, 60, &dressed).await;
}

/// Whether the first figure is drawn: a page of another size may draw it anew.
const DRAWN: &str = "
    const image = document.querySelector('.jp-OutputArea-output img');
    image?.scrollIntoView({block: 'center'});
    return image?.complete === true && image.naturalHeight > 0 && image.getBoundingClientRect().height > 0;";

/// The size, place, name and colours of the first figure on the page.
const LOOK: &str = "
    const image = document.querySelector('.jp-OutputArea-output img');
    image.scrollIntoView({block: 'center'});
    const room = image.parentElement.getBoundingClientRect();
    const output = image.closest('.jp-OutputArea-output').getBoundingClientRect();
    const {width, height} = image.getBoundingClientRect();
    return {
        inside: room.left >= output.left && room.right <= output.right, share: width / room.width, width,
        ratio: (width / height) / (image.naturalWidth / image.naturalHeight),
        name: image.alt, scheme: getComputedStyle(image).colorScheme,
        words: image.parentElement.querySelector('details pre')?.textContent ?? '',
    };";

/// Folds the side bar: a narrow page has no room for both.
async fn fold_the_side_bar(browser: &Client) {
    const OPEN: &str = ".jp-SideBar.jp-mod-left .lm-TabBar-tab.lm-mod-current";
    if let Ok(tab) = browser.find(Locator::Css(OPEN)).await {
        tab.click().await.unwrap();
    }
    let folded = format!("return document.querySelector('{OPEN}') === null;");
    page_says(browser, "the side bar is folded", 10, &folded).await;
}

#[test]
fn a_figure_is_as_wide_as_the_page_and_has_its_colours_and_a_name() {
    let desk = Desk::with(&[&[
        "Bars::new(\"Costs in µs\").value(\"time\").bar(\"one\", 1.0).bar(\"two\", 2.0)",
        "Table::new([\"rounds\", \"time\"]).words(0).row([\"20000\", \"138.8 ms\"])",
        "Workers::spawn(2, |_| ())?.join()?",
    ]]);
    block_on(async {
        let browser = open(&desk).await;
        run_all(&browser).await;
        let done = "return document.querySelectorAll('.jp-OutputArea-output table').length === 2
            && document.querySelector('.jp-OutputArea-output img')?.naturalWidth > 0;";
        page_says(&browser, "all is shown", 60, done).await;
        menu(&browser, "File", "docmanager:save").await;
        let saved = "
            const request = new XMLHttpRequest();
            request.open('GET', '/api/contents/0.ipynb', false);
            request.send();
            return JSON.parse(request.responseText).content.cells.every(cell => cell.outputs.length > 0);";
        page_says(&browser, "the notebook is saved", 20, saved).await;
        fold_the_side_bar(&browser).await;
        let mut seen = Vec::new();
        for (theme, scheme) in [("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")] {
            dress(&browser, theme).await;
            page_says(&browser, "all is shown again", 60, done).await;
            for width in [1440, 800] {
                resize(&browser, width, 900).await;
                page_says(&browser, "the figure is drawn", 20, DRAWN).await;
                let look = browser.execute(LOOK, vec![]).await.unwrap();
                photograph(&browser, &format!("figure-{scheme}-{width}")).await;
                seen.push((scheme, width, look));
            }
            seen.push((
                scheme,
                0,
                json!(findings(&browser, &[".jp-OutputArea-output"]).await),
            ));
        }
        for (scheme, width, look) in seen {
            if width == 0 {
                assert_eq!(look, json!([]), "axe, {scheme}");
                continue;
            }
            assert_eq!(
                look["inside"],
                Value::Bool(true),
                "{scheme}, {width}: {look}"
            );
            assert_eq!(look["name"], json!("Costs in µs"), "{look}");
            assert_eq!(look["scheme"], json!(scheme), "{look}");
            assert!(
                look["words"].as_str().unwrap().starts_with("Costs in µs\n"),
                "{look}"
            );
            let number = |name: &str| look[name].as_f64().unwrap();
            assert!((number("ratio") - 1.0).abs() < 0.02, "{look}");
            // The figure fills the page, but is never so small or so large that its words would be too small or too large.
            let is_as_wide = (number("share") - 1.0).abs() < 0.01;
            assert!(
                is_as_wide || [576.0, 960.0].contains(&number("width").round()),
                "{width}: {look}"
            );
            // In a figure of 720 pixels, words have a size of 13 pixels.
            assert!(number("width") / 720.0 * 13.0 >= 10.0, "{width}: {look}");
        }
        browser.close().await.unwrap();
    });
}

/// Code for a cell, and what comes of it here.
macro_rules! cell {
    ($code:expr) => {
        (stringify!($code), $code)
    };
}

/// A slider is moved with the mouse and with the arrow keys; the value that it stands for and the best interval change with it. The page
/// computes the interval with formulas of its own: they say what `Setting` says.
#[test]
fn a_slider_moves_the_best_interval() {
    // Locked looks cost 100 ns with two workers; the sliders start at 10 µs, 2 % and 10 ms.
    let (cell, figure) = cell!(
        IntervalExplorer::new("How often?")
            .look("locked", [2e-8, 1e-7])
            .look("lock-free", [3e-10, 3e-10])
            .measured("locked", 2, 1e-5, [(1, 0.01, 2e-5), (10, 0.001, 9e-5)])
            .start(2, 1e-5)
    );
    let window = |cost: f64| {
        let text = figure.clone().start(2, cost).text();
        text.lines().nth(2).unwrap().to_string()
    };
    let desk = Desk::with(&[&[cell, "1 + 1"]]);
    block_on(async {
        let browser = open(&desk).await;
        fold_the_side_bar(&browser).await;
        resize(&browser, 1280, 720).await;
        run_all(&browser).await;
        let says = |words: &str| {
            format!(
                "const chart = document.querySelector('.vega-embed svg');
                return chart !== null && chart.textContent.includes({});",
                json!(words)
            )
        };
        page_says(&browser, "the start", 60, &says(&window(1e-5))).await;
        assert!(window(1e-5).ends_with("Best: every 32."));
        page_says(&browser, "dots", 5, &says("Points: measured.")).await;
        let all_at_once = "
            const figure = document.querySelector('.vega-embed');
            figure.scrollIntoView({block: 'center'});
            const {top, bottom} = figure.getBoundingClientRect();
            const room = document.querySelector('.jp-Notebook .jp-WindowedPanel-outer, .jp-Notebook').getBoundingClientRect();
            return top >= room.top && bottom <= room.bottom ? true : [top, bottom, room.top, room.bottom];";
        page_says(
            &browser,
            "figure and sliders fit 1280 × 720",
            5,
            all_at_once,
        )
        .await;
        // A slider and its words stand on one line, and all of them in two columns.
        let aligned = "
            const place = input => input.getBoundingClientRect();
            const sliders = [...document.querySelectorAll('.vega-bindings input[type=range]')].map(place);
            const words = [...document.querySelectorAll('.vega-bindings input[readonly]')].map(place);
            const lines = sliders.every((slider, line) =>
                Math.abs((slider.top + slider.bottom) / 2 - (words[line].top + words[line].bottom) / 2) < 5);
            const columns = [sliders, words].every(column => new Set(column.map(box => box.left)).size === 1);
            return sliders.length === 5 && words.length === 5 && lines && columns;";
        page_says(&browser, "the sliders are aligned", 5, aligned).await;
        let stands_for = |words: &str| {
            format!(
                "return document.querySelector('input[aria-label=\"cost of one iteration, in words\"]').value === {};",
                json!(words)
            )
        };
        page_says(&browser, "what it stands for", 5, &stands_for("10 µs")).await;
        photograph(&browser, "sliders-1280").await;

        // A click goes to the middle of the slider, which is 10^4.5 ns.
        let slider = "//div[@class='vega-bind'][contains(., 'cost of one iteration')]//input";
        click(&browser, Locator::XPath(slider)).await;
        page_says(&browser, "dearer", 5, &says("an iteration 31.6 µs")).await;
        page_says(&browser, "and so its words", 5, &stands_for("31.6 µs")).await;
        let best = says(&window(10f64.powf(-4.5)));
        page_says(&browser, "another best interval", 5, &best).await;
        let where_dots_are =
            says("Points only where it was measured: locked with 2 workers, 10 µs.");
        page_says(&browser, "no dots", 5, &where_dots_are).await;

        let slider = browser.find(Locator::XPath(slider)).await.unwrap();
        let press = |key: Key| char::from(key).to_string();
        let active = "return [...document.querySelectorAll('.jp-Cell')].findIndex(cell => cell.classList.contains('jp-mod-active'));";
        let before = browser.execute(active, vec![]).await.unwrap();
        slider.send_keys(&press(Key::Up)).await.unwrap();
        page_says(&browser, "by keyboard", 5, &says("an iteration 100 µs")).await;
        page_says(&browser, "its window", 5, &says(&window(1e-4))).await;
        slider.send_keys(&press(Key::Left)).await.unwrap();
        page_says(&browser, "and back", 5, &says("an iteration 31.6 µs")).await;
        slider.send_keys(&press(Key::Down)).await.unwrap();
        page_says(&browser, "and on", 5, &says("an iteration 10 µs")).await;
        slider.send_keys(&press(Key::Home)).await.unwrap();
        page_says(&browser, "the cheapest", 5, &says("an iteration 100 ns")).await;
        page_says(&browser, "its window", 5, &says(&window(1e-7))).await;
        let after = browser.execute(active, vec![]).await.unwrap();
        assert_eq!(before, after, "the arrows stay in the figure");
        photograph(&browser, "sliders").await;
        assert_eq!(
            findings(&browser, &[".jp-OutputArea-output"]).await,
            [""; 0]
        );
        browser.close().await.unwrap();
    });
}
