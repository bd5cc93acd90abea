//! The published pages, as files in a browser: nothing is missing, nothing is fetched, and the sliders work.

use super::site;
use crate::axe::findings;
use crate::driver::{Driver, block_on, page_says, photograph};
use crate::race::{press, rows, time};
use crate::trace::ask;
use crate::tree::heard;
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// What the test must know about the page: pictures without a size, fetched files, and all links.
const LOOK: &str = "
    // A picture that moves is drawn by its script; the still one is for print.
    const still = '.labs-alive:is(.labs-race, .labs-trace) .labs-still, [hidden]';
    const pictures = [...document.querySelectorAll('img, figure svg, .vega svg, .labs-trace-picture')];
    const empty = pictures.filter(picture => !picture.closest(still)).filter(picture => {
        const { width, height } = picture.getBoundingClientRect();
        return width < 100 || height < 50 || picture.naturalWidth === 0;
    });
    return {
        figures: document.querySelectorAll('figure svg, .labs-trace-picture').length,
        empty: empty.map(picture => picture.outerHTML.slice(0, 200)),
        fetched: performance.getEntriesByType('resource').map(entry => entry.name),
        links: [...document.querySelectorAll('a[href]')].map(link => link.getAttribute('href')),
        formulas: document.querySelectorAll('math').length,
        dollars: document.body.textContent.includes('$$'),
    };";

/// Whether `link`, found on `page`, leads to a page of the site and to a place that is there.
fn leads_somewhere(page: &Path, link: &str) -> bool {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        page.to_path_buf()
    } else {
        page.with_file_name(file)
    };
    let Ok(html) = fs::read_to_string(target) else {
        return false;
    };
    anchor.is_empty() || html.contains(&format!("id=\"{anchor}\""))
}

#[test]
fn published_pages_miss_nothing_and_fetch_nothing() {
    let site = site();
    let mut pages: Vec<PathBuf> = fs::read_dir(&site)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    assert!(
        pages.len() >= 9,
        "seven labs, the lecture and the gallery: {pages:?}"
    );
    let driver = Driver::start();
    block_on(async {
        let browser = driver.browser().await;
        for page in &pages {
            browser
                .goto(&format!("file://{}", page.display()))
                .await
                .unwrap();
            let name = page.file_stem().unwrap().to_str().unwrap();
            // A deck shows one slide at a time; on paper it shows all.
            let all = "document.body.classList.remove('live');";
            browser.execute(all, vec![]).await.unwrap();
            let drawn = "return [...document.querySelectorAll('.vega')].every(place => place.querySelector('svg'));";
            page_says(&browser, "the sliders' figures are drawn", 20, drawn).await;
            let seen = browser.execute(LOOK, vec![]).await.unwrap();
            assert_eq!(seen["empty"], json!([]), "{name}");
            let mut found = findings(&browser, &["html"]).await;
            // Vega's own: a group of marks of which none is drawn at this setting.
            found.retain(|rule| !rule.starts_with("svg-img-alt: <g class=\"mark-"));
            assert_eq!(found, [""; 0], "axe, {name}");
            assert_eq!(seen["fetched"], json!([]), "{name}");
            assert_eq!(
                seen["dollars"],
                json!(false),
                "{name}: a formula is not drawn"
            );
            // The cards for a class that acts out a protocol have words alone.
            let figures = seen["figures"].as_u64();
            assert!(figures > Some(0) || name == "cards", "{name} has no figure");
            let links = seen["links"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str);
            let broken: Vec<&str> = links
                .filter(|link| !link.starts_with("https://") && !leads_somewhere(page, link))
                .collect();
            assert_eq!(broken, [""; 0], "{name}");
            photograph(&browser, &format!("site-{name}")).await;
        }
        browser.close().await.unwrap();
    });
}

/// With the keyboard alone.
#[test]
fn a_published_slider_moves_the_best_interval() {
    let page = site().join("03_check_frequency.html");
    let driver = Driver::start();
    block_on(async {
        let browser = driver.browser().await;
        browser
            .goto(&format!("file://{}", page.display()))
            .await
            .unwrap();
        let says = |words: &str| {
            format!(
                "const chart = document.querySelector('.vega svg');
                return chart !== null && chart.textContent.includes({});",
                json!(words)
            )
        };
        page_says(&browser, "the start", 20, &says("an iteration 10 µs")).await;
        let slider = "//div[@class='vega-bind'][contains(., 'cost of one iteration')]//input";
        let slider = browser.find(Locator::XPath(slider)).await.unwrap();
        let best = || async {
            let script = "return document.querySelector('.vega svg').textContent.match(/Best: every ([\\d,]+)/)?.[1] ?? 'none';";
            browser.execute(script, vec![]).await.unwrap()
        };
        let before = best().await;
        slider
            .send_keys(&char::from(Key::End).to_string())
            .await
            .unwrap();
        page_says(
            &browser,
            "the dearest iteration",
            5,
            &says("an iteration 10 ms"),
        )
        .await;
        assert_ne!(before, best().await);
        photograph(&browser, "site-sliders").await;
        browser.close().await.unwrap();
    });
}

/// With the keyboard alone, and without a kernel: the figures of lab 03's knobs were drawn by real workers when the page was made.
#[test]
fn published_knobs_go_through_the_figures_that_their_closure_has_drawn() {
    let page = site().join("03_check_frequency.html");
    let driver = Driver::start();
    block_on(async {
        let browser = driver.browser().await;
        browser
            .goto(&format!("file://{}", page.display()))
            .await
            .unwrap();
        focus(&browser, ".labs-kept input").await;
        let shown = async || {
            let script = "const shown = [...document.querySelectorAll('.labs-kept-figure')].filter(figure => !figure.hidden);
                return shown.map(figure => [figure.querySelector('p').textContent, figure.querySelector('img').src]);";
            let shown = browser.execute(script, vec![]).await.unwrap();
            serde_json::from_value::<Vec<[String; 2]>>(shown).unwrap()
        };
        let start = shown().await;
        assert_eq!(start.len(), 1, "{start:?}");
        assert_eq!(
            start[0][0],
            "iteration cost = 10 µs, a look every = 10 iterations"
        );
        press(&browser, &[Key::Right]).await;
        press(&browser, &[Key::Tab, Key::Home]).await;
        let moved = "const said = document.querySelector('.labs-kept p[role=status]').textContent;
            return said === 'The figure shows iteration cost: 100 µs, a look every: 1 iterations.';";
        page_says(&browser, "what is shown is said", 5, moved).await;
        let moved = shown().await;
        assert_eq!(moved.len(), 1, "{moved:?}");
        assert_eq!(
            moved[0][0],
            "iteration cost = 100 µs, a look every = 1 iterations"
        );
        assert_ne!(moved[0][1], start[0][1], "another figure");
        let heard = heard(&browser).await;
        for line in [
            "slider \"iteration cost\" = 100 µs",
            "slider \"a look every\" = 1 iterations",
        ] {
            assert!(
                heard.iter().any(|heard| heard == line),
                "{line} in {heard:#?}"
            );
        }
        photograph(&browser, "site-knobs").await;
        browser.close().await.unwrap();
    });
}

/// With the keyboard alone, and without a kernel.
#[test]
fn a_published_race_runs_and_a_published_pad_is_drawn_on() {
    let driver = Driver::start();
    block_on(async {
        let browser = driver.browser().await;
        let page = site().join("04_cost_spectrum.html");
        browser
            .goto(&format!("file://{}", page.display()))
            .await
            .unwrap();
        focus(&browser, ".labs-race .labs-board").await;
        press(&browser, &[Key::PageUp, Key::PageUp, Key::Right]).await;
        assert_eq!(time(&browser).await, 21.0);
        let rungs = rows(&browser).await;
        assert_eq!((rungs.len(), rungs[1].1.as_str()), (10, "21"), "{rungs:?}");
        assert!(rungs[9].1.ends_with("% of the first"), "{rungs:?}");
        photograph(&browser, "site-race").await;

        let page = site().join("03_check_frequency.html");
        browser
            .goto(&format!("file://{}", page.display()))
            .await
            .unwrap();
        focus(&browser, ".labs-sketch circle").await;
        press(&browser, &[Key::Home, Key::Right, Key::End]).await;
        let line = "return document.querySelector('.labs-sketch .labs-board code').textContent;";
        assert_eq!(
            browser.execute(line, vec![]).await.unwrap(),
            json!("sketch(\"03-reaction\", \"1: 1 µs; 3: 10 s\")?")
        );
        photograph(&browser, "site-sketch").await;
        browser.close().await.unwrap();
    });
}

async fn focus(browser: &Client, part: &str) {
    let script = format!(
        "const part = document.querySelector({});
        part.scrollIntoView({{block: 'center'}});
        part.focus();",
        json!(part)
    );
    browser.execute(&script, vec![]).await.unwrap();
}

#[test]
fn on_a_published_page_the_four_ways_to_go_home_move_together() {
    let file = site().join("01_poison_pill.html");
    let driver = Driver::start();
    block_on(async {
        let browser = driver.browser().await;
        browser
            .goto(&format!("file://{}", file.display()))
            .await
            .unwrap();
        let several = "return [...document.querySelectorAll('.labs-trace.labs-alive')].at(-1)?.querySelectorAll('.labs-trace-now').length === 4;";
        page_says(&browser, "the four are there", 20, several).await;
        let last = "const last = [...document.querySelectorAll('.labs-trace')].at(-1);";
        ask(
            &browser,
            &format!(
                "{last} last.scrollIntoView(); last.querySelector('.labs-trace-slider').focus();"
            ),
        )
        .await;
        let words = format!(
            "{last} return [...last.querySelectorAll('.labs-trace-now')].map(table => table.textContent);"
        );
        photograph(&browser, "site-four-signal").await;
        press(&browser, &[Key::PageUp, Key::PageUp]).await;
        photograph(&browser, "site-four-later").await;
        // After terminate() nothing moves any more, so look at the beginning, too.
        press(&browser, &[Key::Home]).await;
        let before = ask(&browser, &words).await;
        press(&browser, &[Key::End]).await;
        let after = ask(&browser, &words).await;
        for way in 0..4 {
            assert_ne!(before[way], after[way]);
        }
        let shown = "return [...document.querySelectorAll('.labs-trace')].every(place => place.querySelector('.labs-trace-picture') !== null);";
        assert_eq!(
            ask(&browser, shown).await,
            json!(true),
            "every timeline moves"
        );
        assert_eq!(findings(&browser, &[".labs-trace"]).await, [""; 0]);
        browser.close().await.unwrap();
    });
}
