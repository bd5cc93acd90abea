//! The first bad round of a race that was left to chance, as a page shows it: with its nanoseconds, by keyboard alone, in both colour schemes.

use crate::axe::findings;
use crate::driver::{Driver, block_on, page_says, photograph};
use crate::game::protocol;
use crate::race::{emulate, open_page, press};
use fantoccini::key::Key;
use labsupport::prelude::*;
use lessons::prelude::*;
use serde_json::json;
use std::time::Duration;

/// A round in which the steps came in the order of the shortest bad schedule. Between two of them lies a moment.
fn bad_round() -> Round {
    let explorer = protocol(false);
    let word = explorer
        .explore()
        .unwrap()
        .shortest_bad()
        .unwrap()
        .schedule();
    let stamps = explorer.stamps(1).unwrap();
    let moment = Work::costing(Duration::from_micros(1));
    let mut steps = [0; 2];
    let [mut finder, mut answer] = [0; 2];
    for letter in word.bytes() {
        let worker = usize::from(letter - b'A');
        let me = worker as u64 + 1;
        match steps[worker] {
            1 => finder = me,
            2 => answer = 100 * me,
            _ => {}
        }
        stamps.stamp(worker, 0, steps[worker]);
        steps[worker] += 1;
        moment.run();
    }
    stamps.end(0, [1, finder, answer, 2]);
    let round = stamps.first_broken().unwrap();
    assert_eq!(round.word(), word);
    round
}

#[test]
fn the_round_that_failed_is_drawn_and_told_in_words_by_keyboard_alone() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = driver.browser().await;
        let round = bad_round();
        for scheme in ["light", "dark"] {
            let wanted =
                json!({"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"});
            emulate(&browser, "", wanted).await;
            open_page(&browser, &folder, &round).await;
            let drawn = "const image = document.querySelector('figure img');
                return image.complete && image.alt.length > 10 && image.getBoundingClientRect().height > 150
                    && document.getAnimations().length === 0;";
            page_says(&browser, "the round is drawn, and stays still", 5, drawn).await;
            // Its words are folded below it.
            press(&browser, &[Key::Tab, Key::Enter]).await;
            let words = "const words = document.querySelector('figure details[open] pre')?.textContent ?? '';
                return /\\bns\\b/.test(words) && words.includes('set found');";
            page_says(&browser, "its words", 5, words).await;
            photograph(&browser, &format!("replay-{scheme}")).await;
            assert_eq!(findings(&browser, &["html"]).await, [""; 0], "{scheme}");
        }
        browser.close().await.unwrap();
    });
}
