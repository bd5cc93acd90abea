//! The scheduler game, on a page by itself: what the keyboard does, and what is said.

use crate::axe::findings;
use crate::driver::{Driver, block_on, click, page_says, photograph};
use crate::figures::dress;
use crate::race::emulate;
use crate::{Desk, idle, run_all};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use labsupport::prelude::*;
use lessons::prelude::*;
use serde_json::json;

/// Lab 02's protocols over three words: without a lock, or with a lock and no second look.
pub(crate) fn protocol(locked: bool) -> Explorer {
    let look = Steps::new().leave_if("look", |s, _| s["found"] == 1);
    let locks = |steps: Steps| if locked { steps.lock() } else { steps };
    let write = locks(look)
        .write("write finder", |s, me| s["finder"] = me)
        .write("write answer", |s, me| s["answer"] = 100 * me)
        .write("count me", |s, _| s["writers"] += 1)
        .write("set found", |s, _| s["found"] = 1);
    Explorer::new(["found", "finder", "answer", "writers"])
        .workers(2, &if locked { write.unlock() } else { write })
        .invariant("whole", |s| s["answer"] == 100 * s["finder"])
        .invariant("one writer", |s| s["writers"] == 1)
}

/// Opens a page that has the game of `explorer`, and nothing else.
async fn open_page(driver: &Driver, folder: &tempfile::TempDir, explorer: &Explorer) -> Client {
    let html = &explorer.game().contents()[0].1;
    let page = folder.path().join("game.html");
    let head = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Game</title>";
    std::fs::write(
        &page,
        format!("{head}<body><main><h1>Game</h1>{html}</main></body></html>"),
    )
    .unwrap();
    let browser = driver.browser().await;
    browser
        .goto(&format!("file://{}", page.display()))
        .await
        .unwrap();
    browser
}

async fn press(browser: &Client, keys: &str) {
    let focused = browser.active_element().await.unwrap();
    focused.send_keys(keys).await.unwrap();
}

async fn text(browser: &Client, part: &str) -> String {
    let part = format!(".labs-game .labs-game-{part}");
    let element = browser.find(Locator::Css(&part)).await.unwrap();
    element.text().await.unwrap()
}

/// What the page should say of the schedules that begin with `word`, counted one by one.
fn counted(explorer: &Explorer, word: &str) -> String {
    let all = explorer.explore().unwrap().schedules();
    let replays = (0..all).map(|id| explorer.replay(id).unwrap());
    let ahead: Vec<Replay> = replays
        .filter(|replay| replay.schedule().starts_with(word))
        .collect();
    let bad = ahead
        .iter()
        .filter(|replay| !replay.broken().is_empty())
        .count();
    match (ahead.len(), bad) {
        (1, bad) => format!(
            "1 schedule is still reachable, and it is {}.",
            if bad == 1 { "bad" } else { "good" }
        ),
        (all, 0) => format!("None of the {all} schedules still reachable is bad."),
        (all, bad) if all == bad => format!("All {all} schedules still reachable are bad."),
        (all, 1) => format!("Of {all} schedules still reachable, 1 is bad."),
        (all, bad) => format!("Of {all} schedules still reachable, {bad} are bad."),
    }
}

#[test]
fn the_scheduler_plays_a_bad_word_by_keyboard_and_takes_it_back() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let explorer = protocol(false);
        let browser = open_page(&driver, &folder, &explorer).await;
        let body = browser.find(Locator::Css("body")).await.unwrap();
        body.send_keys("a").await.unwrap(); // the game has no focus yet
        assert_eq!(text(&browser, "word").await, "(no step so far)");

        press(&browser, &char::from(Key::Tab).to_string()).await;
        let word = explorer
            .explore()
            .unwrap()
            .shortest_bad()
            .unwrap()
            .schedule();
        for steps in 0..=word.len() {
            let (played, next) = word.split_at(steps);
            assert_eq!(
                text(&browser, "counts").await,
                counted(&explorer, played),
                "{played}"
            );
            press(
                &browser,
                &next.chars().take(1).collect::<String>().to_lowercase(),
            )
            .await;
        }
        let said = text(&browser, "said").await;
        assert!(
            said.contains("✗ Rule broken: ")
                && said.contains(&format!("You broke it in {} steps.", word.len())),
            "{said}"
        );
        assert_eq!(text(&browser, "word").await, word);
        assert_eq!(
            text(&browser, "line").await,
            format!("explorer.play(\"{word}\")?")
        );
        photograph(&browser, "game-broken").await;
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);

        press(&browser, "u").await;
        let shorter = &word[..word.len() - 1];
        assert_eq!(text(&browser, "word").await, shorter);
        assert_eq!(text(&browser, "counts").await, counted(&explorer, shorter));
        let said = text(&browser, "said").await;
        assert!(
            said.starts_with("Taken back: ") && !said.contains("broken"),
            "{said}"
        );
        press(&browser, "r").await;
        assert_eq!(text(&browser, "counts").await, counted(&explorer, ""));
        press(&browser, "e").await;
        assert!(
            text(&browser, "said")
                .await
                .contains("✓ Over, and every rule is kept.")
        );
        browser.close().await.unwrap();
    });
}

#[test]
fn a_worker_that_cannot_go_says_why() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let explorer = protocol(true);
        let browser = open_page(&driver, &folder, &explorer).await;
        press(&browser, &char::from(Key::Tab).to_string()).await;
        press(&browser, "aab").await;
        press(&browser, "b").await;
        assert_eq!(text(&browser, "word").await, "AAB");
        assert_eq!(
            text(&browser, "said").await,
            "B waits for the lock that A holds. A can take a step."
        );
        assert_eq!(text(&browser, "lock").await, "Lock: held by A");
        assert_eq!(
            text(&browser, "lane-1 .labs-game-next").await,
            "waits for the lock that A holds"
        );
        let button = browser
            .find(Locator::Css(".labs-game-lane-1 button"))
            .await
            .unwrap();
        assert_eq!(
            button.attr("aria-disabled").await.unwrap().as_deref(),
            Some("true")
        );
        photograph(&browser, "game-waits").await;
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);

        // By the buttons, of which A's comes first: the focus stays there.
        let tabs = char::from(Key::Tab).to_string();
        press(&browser, &tabs).await;
        press(&browser, &char::from(Key::Enter).to_string()).await;
        assert_eq!(text(&browser, "word").await, "AABA");
        press(&browser, "aaaab").await;
        assert_eq!(text(&browser, "word").await, "AABAAAAAB");
        press(&browser, "a").await;
        assert!(
            text(&browser, "said")
                .await
                .starts_with("A has done all its steps.")
        );
        browser.close().await.unwrap();
    });
}

#[test]
fn names_stay_text_on_the_page() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let name = "</script><img src=x onerror=\"document.title='no'\"> & \\n";
        let steps = Steps::new().write(name, |_, _| ());
        let explorer = Explorer::new([name])
            .workers(3, &steps)
            .invariant(name, |_| false);
        let browser = open_page(&driver, &folder, &explorer).await;
        press(&browser, &char::from(Key::Tab).to_string()).await;
        press(&browser, "cba").await;
        let shown = format!(
            "return document.title === 'Game' && document.querySelectorAll('img').length === 0
                && document.querySelector('.labs-game-said').textContent.includes({});",
            json!(name)
        );
        page_says(&browser, "the name is text", 5, &shown).await;
        browser.close().await.unwrap();
    });
}

#[test]
fn where_no_motion_is_wanted_the_bar_of_bad_schedules_does_not_glide() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        for (motion, moving) in [("no-preference", 1), ("reduce", 0)] {
            let browser = open_page(&driver, &folder, &protocol(true)).await;
            emulate(&browser, "", json!({"prefers-reduced-motion": motion})).await;
            press(&browser, &char::from(Key::Tab).to_string()).await;
            // Asking for the place of the bar lets the transition begin, if there is one.
            let step = "const press = key => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
                const bar = document.querySelector('.labs-game-share');
                bar.getBoundingClientRect();
                press('A');
                press('B');
                bar.getBoundingClientRect();
                return document.getAnimations().length;";
            let animations = browser.execute(step, vec![]).await.unwrap();
            assert_eq!(animations, json!(moving), "{motion}");
            assert_eq!(text(&browser, "word").await, "AB");
            browser.close().await.unwrap();
        }
    });
}

/// A, B and U are commands of JupyterLab too, and two of them add a cell. While the game has the focus they are the game's.
#[test]
fn in_jupyterlab_the_game_has_its_keys_for_itself() {
    let desk = Desk::with(&[&[
        "let race = Steps::new().write(\"write\", |s, me| s[\"last\"] = me).write(\"rest\", |_, _| ());\n\
         Explorer::new([\"last\"]).workers(2, &race).invariant(\"B is the last\", |s| s[\"last\"] == 2).game()",
    ]]);
    block_on(async {
        let browser = crate::open(&desk).await;
        for theme in ["JupyterLab Dark", "JupyterLab Light"] {
            dress(&browser, theme).await;
            idle(&browser).await;
            run_all(&browser).await;
            let mounted = "return document.querySelector('.labs-game.labs-alive') !== null;";
            page_says(&browser, "the game is there", 60, mounted).await;
            click(&browser, Locator::Css(".labs-game-said")).await;
            press(&browser, "babu").await;
            let played = "return document.querySelector('.labs-game-word').textContent === 'BA'
                && document.querySelector('td.labs-game-changed') !== null
                && document.querySelectorAll('.jp-Cell').length === 1;";
            page_says(&browser, "three steps, and one taken back", 5, played).await;
            photograph(&browser, &format!("game-{}", theme.replace(' ', "-"))).await;
            let found = findings(&browser, &[".labs-game"]).await;
            assert_eq!(found, [""; 0], "{theme}");
        }
        browser.close().await.unwrap();
    });
}
