//! The published deck of the lecture, gone through by keyboard.

use super::site;
use crate::axe::{findings, resize};
use crate::driver::{Driver, block_on, page_says, photograph};
use crate::lecture::{SIZE, key};
use fantoccini::Client;
use fantoccini::key::Key;
use fantoccini::wd::{PrintConfiguration, PrintMargins, PrintSize};
use serde_json::{Value, json};

/// What the test must know about the slide that is shown: where it is, what leaves it, and whether words of notes are on it.
const LOOK: &str = "
    const slides = [...document.querySelectorAll('.slide')];
    const shown = slides.filter(slide => slide.getClientRects().length > 0);
    const frame = shown[0].getBoundingClientRect();
    const scale = frame.width / 1280;
    const inside = [...shown[0].querySelectorAll('*')].filter(part => part.getClientRects().length > 0 && !part.closest('svg svg, svg *, details.twin pre'));
    const leaves = inside.filter(part => {
        const place = part.getBoundingClientRect();
        return place.left < frame.left - 1 || place.right > frame.right + 1 || place.top < frame.top - 1 || place.bottom > frame.bottom + 1;
    });
    const cut = inside.filter(part => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== 'inline' && !(part instanceof SVGElement));
    const covered = inside.filter(part => part.tagName === 'PRE' && part.scrollHeight > part.clientHeight + 1);
    const [machine, twin] = ['.machine', 'details.twin'].map(part => shown[0].querySelector(part)?.getBoundingClientRect().top ?? frame.bottom);
    const low = Math.max(...inside.filter(part => !part.closest('.machine, details.twin') && part.matches('p, pre, li, table, figure, h1, h2, h3'))
        .map(part => part.getBoundingClientRect().bottom));
    const small = [...shown[0].querySelectorAll('figure svg')].filter(svg => svg.getBoundingClientRect().height < 250 * scale);
    const words = shown[0].innerText;
    const notes = slides.flatMap(slide => [...slide.querySelectorAll('template.notes')])
        .flatMap(notes => notes.content.textContent.split(/[.?!:]/)).map(note => note.trim()).filter(note => note.length > 25);
    return {
        at: slides.indexOf(shown[0]), of: slides.length, shown: shown.length, notes: notes.length,
        name: shown[0].querySelector('[id]').id,
        wrong: [...leaves, ...cut, ...covered, ...small].map(part => part.outerHTML.slice(0, 150)),
        over: low > Math.min(machine, twin) + 1,
        told: notes.filter(note => words.includes(note)),
        hidden: shown[0].querySelectorAll('.fragment:not(.shown)').length,
        fetched: performance.getEntriesByType('resource').map(entry => entry.name),
        hash: location.hash,
    };";

async fn look(browser: &Client) -> Value {
    browser.execute(LOOK, vec![]).await.unwrap()
}

async fn open_deck(driver: &Driver, scheme: &str) -> Client {
    let browser = driver.browser_that_prefers(scheme).await;
    resize(&browser, SIZE.0, SIZE.1).await;
    let page = site().join("lecture.html");
    browser
        .goto(&format!("file://{}", page.display()))
        .await
        .unwrap();
    browser
}

#[test]
fn the_deck_is_gone_through_by_keyboard_and_no_slide_overflows() {
    let driver = Driver::start();
    block_on(async {
        for (scheme, forward) in [("light", Key::Right), ("dark", Key::Down)] {
            let browser = open_deck(&driver, scheme).await;
            let first = look(&browser).await;
            let slides = first["of"].as_u64().unwrap();
            assert!(slides > 30 && first["notes"].as_u64() > Some(30), "{first}");
            let mut seen = Vec::new();
            loop {
                let mut slide = look(&browser).await;
                // What appears later has its place already.
                for _ in 0..slide["hidden"].as_u64().unwrap() {
                    key(&browser, ' ').await;
                }
                slide = look(&browser).await;
                let name = slide["name"].as_str().unwrap().to_string();
                photograph(
                    &browser,
                    &format!("lecture-{scheme}-{:02}-{name}", seen.len()),
                )
                .await;
                assert_eq!(slide["at"], json!(seen.len()), "{name}");
                assert_eq!(slide["shown"], json!(1), "{name}");
                assert_eq!(
                    slide["wrong"],
                    json!([]),
                    "{name} has something that leaves the slide, or is cut"
                );
                assert_eq!(
                    slide["over"],
                    json!(false),
                    "{name} runs over its last line"
                );
                assert_eq!(slide["told"], json!([]), "{name} shows a note");
                assert_eq!(slide["hidden"], json!(0), "{name}");
                assert_eq!(slide["fetched"], json!([]), "{name}");
                assert_eq!(slide["hash"], json!(format!("#{name}")));
                seen.push(name);
                if seen.len() as u64 == slides {
                    break;
                }
                key(&browser, forward.clone().into()).await;
            }
            assert_eq!(
                findings(&browser, &["html"]).await,
                [""; 0],
                "axe, the last slide"
            );
            // Back again, and to a slide by its name.
            key(&browser, Key::PageUp.into()).await;
            assert_eq!(look(&browser).await["at"], json!(slides - 2));
            browser
                .execute("location.hash = '#terminate';", vec![])
                .await
                .unwrap();
            let there = "return document.querySelector('.slide.now #terminate') !== null;";
            page_says(&browser, "the slide of that name", 5, there).await;
            browser.close().await.unwrap();
        }
    });
}

#[test]
fn the_speaker_has_the_notes_in_a_window_and_paper_has_every_slide() {
    let driver = Driver::start();
    block_on(async {
        let browser = open_deck(&driver, "light").await;
        let slides = look(&browser).await["of"].as_u64().unwrap();
        let deck = browser.window().await.unwrap();
        key(&browser, 's').await;
        let windows = browser.windows().await.unwrap();
        let speaker = windows
            .into_iter()
            .find(|window| *window != deck)
            .expect("a window for the speaker");
        browser.switch_to_window(speaker.clone()).await.unwrap();
        page_says(
            &browser,
            "the first notes",
            5,
            "return document.body.innerText.includes('2 minutes.');",
        )
        .await;
        // The keys work there too.
        key(&browser, Key::Right.into()).await;
        key(&browser, Key::Right.into()).await;
        page_says(
            &browser,
            "the notes of the third slide",
            5,
            "return document.body.innerText.includes('by the plan minutes 2 to 6 of 50');",
        )
        .await;
        photograph(&browser, "lecture-speaker").await;
        browser.switch_to_window(deck).await.unwrap();
        assert_eq!(look(&browser).await["at"], json!(2));

        let none = PrintMargins {
            top: 0.0,
            bottom: 0.0,
            left: 0.0,
            right: 0.0,
        };
        let size = PrintSize {
            width: 33.867,
            height: 19.05,
        };
        let paper = PrintConfiguration::builder()
            .background(true)
            .margins(none)
            .size(size)
            .build()
            .unwrap();
        let pdf = browser.print(paper).await.unwrap();
        let text = String::from_utf8_lossy(&pdf);
        let pages = text
            .match_indices("/Type /Page")
            .filter(|(at, _)| !text[at + 11..].starts_with('s'))
            .count();
        assert_eq!(pages as u64, slides, "a page for each slide");
        browser.close().await.unwrap();
    });
}
