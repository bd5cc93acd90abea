//! Timelines that move: with the mouse, by keyboard alone, where nothing may move by itself, for those who cannot see, and without scripts.

use crate::axe::findings;
use crate::driver::{Driver, block_on, click, page_says, photograph};
use crate::figures::dress;
use crate::{Desk, idle, open, run_all};
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use figures::prelude::*;
use labsupport::cell::Show;
use labsupport::prelude::*;
use lessons::pools::{Ended, side_by_side};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// A pool of two workers: tasks, pills, a lock and a flag, and one that was ended with a task and the lock. Between two notes lies a moment.
pub(crate) fn pool(pills: u32) -> Recording {
    let trace = Trace::new(2).unwrap();
    let moment = Work::costing(Duration::from_micros(300));
    let (parent, one, two) = (trace.parent(), trace.lane(0), trace.lane(1));
    let note = |lane: &Lane, event| {
        lane.record(event);
        moment.run();
    };
    (1..=4).for_each(|task| note(&parent, Event::TaskPut(task)));
    (0..pills).for_each(|_| note(&parent, Event::PillPut));
    note(&one, Event::TaskTaken(1));
    note(&two, Event::FlagChecked);
    note(&two, Event::TaskTaken(2));
    note(&two, Event::LockWaited);
    note(&two, Event::LockHeld);
    note(&one, Event::TaskDone(1));
    note(&one, Event::LockWaited);
    note(&two, Event::LockReleased);
    note(&one, Event::LockHeld);
    note(&one, Event::TaskTaken(3));
    note(&two, Event::TaskDone(2));
    note(&two, Event::TaskTaken(4));
    note(&two, Event::TaskDone(4));
    note(&parent, Event::FlagSet);
    note(&two, Event::FlagSeen);
    if pills > 0 {
        note(&two, Event::PillTaken);
    }
    drop(two);
    moment.run();
    note(&parent, Event::Terminated);
    let recording = trace.recording(); // worker 0 notes no end: it was ended
    drop(one);
    recording
}

pub(crate) fn timeline(recording: &Recording) -> Timeline {
    Timeline::new("Two workers", recording).caption("One of them was ended.")
}

/// What a cell shows, as a page of its own.
fn page(shown: &dyn Show) -> String {
    let html = &shown.contents()[0].1;
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Trace</title><style>:root {{ color-scheme: light dark }}</style>\
         <body><main><h1>Trace</h1>{html}</main></body></html>"
    )
}

async fn open_page(
    driver: &Driver,
    folder: &tempfile::TempDir,
    shown: &dyn Show,
    flags: &[&str],
) -> Client {
    let file = folder.path().join("trace.html");
    std::fs::write(&file, page(shown)).unwrap();
    let browser = driver.browser_with(flags).await;
    let address = format!("file://{}", file.display());
    browser.goto(&address).await.unwrap();
    page_says(&browser, "the timeline is there", 10, MOUNTED).await;
    browser
}

const MOUNTED: &str = "return document.querySelector('.labs-trace.labs-alive') !== null;";

async fn press(browser: &Client, keys: &str) {
    let focused = browser.active_element().await.unwrap();
    focused.send_keys(keys).await.unwrap();
}

fn key(key: Key) -> String {
    char::from(key).to_string()
}

async fn focus_slider(browser: &Client) {
    let script = "document.querySelector('.labs-trace-slider').focus();";
    browser.execute(script, vec![]).await.unwrap();
}

pub(crate) async fn ask(browser: &Client, script: &str) -> Value {
    browser.execute(script, vec![]).await.unwrap()
}

/// The rows of the first table, each as the words of a [`Moment`] have it. The time at which the flag was set is written with other digits there.
const ROWS: &str = "
    return [...document.querySelector('.labs-trace-now').rows].map(row =>
        row.cells[0].textContent + ': ' + row.cells[row.cells.length - 1].textContent.replace(/ at .*/, '')).join('\\n');";

fn rows_of(moment: &Moment) -> String {
    let words = moment.to_string();
    let rows = words.lines().skip(1);
    rows.map(|row| match row.split_once(" at ") {
        Some((before, _)) if row.starts_with("flag: ") => before,
        _ => row,
    })
    .collect::<Vec<_>>()
    .join("\n")
}

/// When something happens that the page shows, in nanoseconds.
fn instants(recording: &Recording) -> Vec<u64> {
    let parent = recording.lanes().len() - 1;
    let events = recording.events().filter(|(lane, _, event)| {
        *lane != parent || !matches!(event, Event::Started | Event::Exited)
    });
    let times: BTreeSet<u64> = events.map(|(_, time, _)| time).chain([0]).collect();
    times.into_iter().collect()
}

const VALUE: &str =
    "return document.querySelector('.labs-trace-slider').getAttribute('aria-valuetext');";

#[test]
fn by_keyboard_alone_the_page_says_of_every_event_what_the_recording_says() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let recording = pool(2);
        let browser = open_page(&driver, &folder, &timeline(&recording), &[]).await;
        press(&browser, &key(Key::Tab)).await;
        let focused = "return document.activeElement.className;";
        assert_eq!(ask(&browser, focused).await, json!("labs-trace-slider"));
        press(&browser, &key(Key::Home)).await;
        let times = instants(&recording);
        let (mut said, mut wanted) = (String::new(), String::new());
        for time in &times {
            let moment = recording.at(Duration::from_nanos(*time));
            let _ = writeln!(wanted, "{}\n", rows_of(&moment));
            let rows = ask(&browser, ROWS).await;
            let _ = writeln!(said, "{}\n", rows.as_str().unwrap());
            press(&browser, &key(Key::Right)).await;
        }
        assert_eq!(said, wanted);
        let end = ask(&browser, VALUE).await;
        press(&browser, &key(Key::Left)).await;
        assert_ne!(ask(&browser, VALUE).await, end);
        press(&browser, &key(Key::End)).await;
        assert_eq!(ask(&browser, VALUE).await, end);

        // Zoom: half of the time, and half of that; the slider's ends are those of the part. Escape shows all again.
        let shown = "return document.querySelector('.labs-trace-shown').textContent;";
        let all = ask(&browser, shown).await;
        assert!(!all.as_str().unwrap().contains(" of "), "{all}");
        press(&browser, "++").await;
        assert!(
            ask(&browser, shown)
                .await
                .as_str()
                .unwrap()
                .contains(" of ")
        );
        press(&browser, &key(Key::Home)).await;
        let start_of_part = ask(&browser, VALUE).await;
        press(&browser, "-").await;
        press(&browser, &key(Key::Home)).await;
        assert_ne!(ask(&browser, VALUE).await, start_of_part);
        press(&browser, &key(Key::Escape)).await;
        assert_eq!(ask(&browser, shown).await, all);

        let words = "return document.querySelector('.labs-trace-caption').textContent === 'One of them was ended.'
            && document.querySelector('.labs-trace details').getBoundingClientRect().height > 10;";
        assert_eq!(ask(&browser, words).await, json!(true), "caption and twin");

        // What was shown last is said, once and after a while.
        let says = "return document.querySelector('.labs-trace [role=status]').textContent.includes('worker 0: ');";
        page_says(&browser, "the status", 5, says).await;
        press(&browser, &key(Key::Home)).await;
        let middle = times.len() / 2;
        press(&browser, &key(Key::Right).repeat(middle)).await;
        photograph(&browser, "trace-light").await;
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);
        browser.close().await.unwrap();

        let dark = ["--blink-settings=preferredColorScheme=0"];
        let browser = open_page(&driver, &folder, &timeline(&recording), &dark).await;
        focus_slider(&browser).await;
        press(&browser, &key(Key::Home)).await;
        press(&browser, &key(Key::Right).repeat(middle)).await;
        let is_dark = "return matchMedia('(prefers-color-scheme: dark)').matches;";
        assert_eq!(ask(&browser, is_dark).await, json!(true));
        photograph(&browser, "trace-dark").await;
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);
        browser.close().await.unwrap();
    });
}

/// Drags with the mouse over the middle of an element, from one share of its width to another.
async fn drag(browser: &Client, what: &str, from: f64, to: f64) {
    let place = format!(
        "const {{left, top, width, height}} = document.querySelector('{what}').getBoundingClientRect(); return [left, top + height / 2, width];"
    );
    let place = ask(browser, &place).await;
    let at = |index: usize| place[index].as_f64().unwrap();
    let point = |share: f64| PointerAction::MoveTo {
        duration: None,
        x: at(0) + share * at(2),
        y: at(1),
    };
    let drag = MouseActions::new("mouse".into())
        .then(point(from))
        .then(PointerAction::Down {
            button: MOUSE_BUTTON_LEFT,
        })
        .then(point((from + to) / 2.0))
        .then(point(to))
        .then(PointerAction::Up {
            button: MOUSE_BUTTON_LEFT,
        });
    browser.perform_actions(drag).await.unwrap();
}

#[test]
fn with_the_mouse_the_slider_moves_and_a_drag_zooms() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let recording = pool(2);
        let browser = open_page(&driver, &folder, &timeline(&recording), &[]).await;
        let cursor =
            "return document.querySelector('.labs-trace-cursor').getAttribute('transform');";
        focus_slider(&browser).await;
        press(&browser, &key(Key::Home)).await;
        let (before, line) = (ask(&browser, VALUE).await, ask(&browser, cursor).await);
        drag(&browser, ".labs-trace-slider", 0.01, 0.6).await;
        assert_ne!(ask(&browser, VALUE).await, before);
        assert_ne!(ask(&browser, cursor).await, line);

        let boxes = "return document.querySelector('.labs-trace-picture').innerHTML;";
        let all = ask(&browser, boxes).await;
        drag(&browser, ".labs-trace-picture", 0.4, 0.6).await;
        assert_ne!(ask(&browser, boxes).await, all);
        let shown =
            "return document.querySelector('.labs-trace-shown').textContent.includes(' of ');";
        assert_eq!(ask(&browser, shown).await, json!(true));
        photograph(&browser, "trace-zoomed").await;
        // A click, which moves nowhere, chooses the instant and leaves the zoom.
        let value = ask(&browser, VALUE).await;
        drag(&browser, ".labs-trace-picture", 0.9, 0.9).await;
        assert_ne!(ask(&browser, VALUE).await, value);
        assert_eq!(ask(&browser, shown).await, json!(true));
        click(&browser, Locator::XPath("//button[contains(., 'Reset')]")).await;
        assert_eq!(ask(&browser, shown).await, json!(false));
        browser.close().await.unwrap();
    });
}

/// Notes what the slider shows and what is said, from now on.
const WATCH: &str = "
    const [slider, status] = [document.querySelector('.labs-trace-slider'), document.querySelector('.labs-trace [role=status]')];
    window.seen = [];
    window.said = [];
    new MutationObserver(() => window.seen.push(Number(slider.value))).observe(slider, {attributes: true});
    new MutationObserver(() => window.said.push(status.textContent)).observe(status, {childList: true, characterData: true, subtree: true});";

const PLAY: &str = "document.querySelector('.labs-trace .labs-button').textContent.startsWith";

#[test]
fn playback_moves_on_says_nothing_meanwhile_and_stops_at_the_end() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = open_page(&driver, &folder, &timeline(&pool(2)), &[]).await;
        focus_slider(&browser).await;
        // Some nine milliseconds, a thousand times slower.
        let speed = "return document.querySelector('.labs-trace-speeds').value;";
        assert_eq!(ask(&browser, speed).await, json!("1/1,000"));
        press(&browser, &key(Key::Home)).await;
        let said = "return document.querySelector('.labs-trace [role=status]').textContent !== '';";
        page_says(&browser, "the start is said", 5, said).await;
        ask(&browser, WATCH).await;
        press(&browser, " ").await;
        page_says(&browser, "it plays", 5, &format!("return {PLAY}('Pause');")).await;
        for frame in 0..6 {
            let there = format!(
                "return document.querySelector('.labs-trace-slider').value > {};",
                150 * frame
            );
            page_says(&browser, "it moves", 20, &there).await;
            photograph(&browser, &format!("trace-frame-{frame}")).await;
        }
        page_says(
            &browser,
            "it has moved",
            20,
            "return window.seen.length > 20;",
        )
        .await;
        let said = ask(&browser, "return window.said;").await;
        assert_eq!(said, json!([]), "nothing is said while it plays");
        press(&browser, " ").await;
        page_says(&browser, "it rests", 5, &format!("return {PLAY}('Play');")).await;
        page_says(
            &browser,
            "and says where",
            5,
            "return window.said.length === 1;",
        )
        .await;
        press(&browser, " ").await;
        page_says(&browser, "it ends", 60, &format!("return {PLAY}('Play') && document.querySelector('.labs-trace-slider').value === '1000';")).await;
        let seen = ask(&browser, "return window.seen;").await;
        let seen: Vec<i64> = seen
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_i64)
            .collect();
        assert!(seen.is_sorted(), "{seen:?}");
        // From the end it begins again.
        press(&browser, " ").await;
        page_says(&browser, "again", 5, &format!("return {PLAY}('Pause') && document.querySelector('.labs-trace-slider').value < 900;")).await;
        browser.close().await.unwrap();
    });
}

#[test]
fn where_motion_is_reduced_playback_goes_from_event_to_event() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let recording = pool(2);
        let flags = ["--force-prefers-reduced-motion"];
        let browser = open_page(&driver, &folder, &timeline(&recording), &flags).await;
        let reduced = "return matchMedia('(prefers-reduced-motion: reduce)').matches;";
        assert_eq!(ask(&browser, reduced).await, json!(true));
        focus_slider(&browser).await;
        press(&browser, &key(Key::Home)).await;
        // The places of all events, as the arrows reach them.
        let mut places = BTreeSet::new();
        let value = "return Number(document.querySelector('.labs-trace-slider').value);";
        for _ in instants(&recording) {
            places.insert(ask(&browser, value).await.as_i64().unwrap());
            press(&browser, &key(Key::Right)).await;
        }
        let moves = |place: &i64| !places.contains(place);
        assert!((0..1000).filter(moves).count() > 900, "{places:?}");
        press(&browser, &key(Key::Home)).await;
        ask(&browser, WATCH).await;
        press(&browser, " ").await;
        page_says(
            &browser,
            "three steps",
            20,
            "return new Set(window.seen).size >= 3;",
        )
        .await;
        press(&browser, " ").await;
        let seen = ask(&browser, "return [...new Set(window.seen)];").await;
        for place in seen.as_array().unwrap() {
            let place = place.as_i64().unwrap();
            assert!(places.contains(&place), "{place} is no event: {places:?}");
        }
        browser.close().await.unwrap();
    });
}

#[test]
fn several_pools_move_on_one_clock() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let quiet = Duration::from_millis(1);
        let trace = Trace::new(2).unwrap();
        let never = Ended::of(&trace, 0, quiet);
        assert!(side_by_side(&[("nothing", &never)]).svg().is_err());
        let [first, second] = [pool(0), pool(2)].map(|recording| timeline(&recording));
        let both = Timelines::new("Two ways")
            .run("flag", first)
            .run("pills", second);
        let browser = open_page(&driver, &folder, &both, &[]).await;
        focus_slider(&browser).await;
        let start = ask(&browser, VALUE).await;
        // With as many digits as the length of the whole asks for.
        let start = start.as_str().unwrap().strip_suffix(" ms").unwrap();
        assert_eq!(start.parse(), Ok(0.0), "it begins at the signal");
        let words = "return [...document.querySelectorAll('.labs-trace-now')].map(table => table.textContent);";
        let before = ask(&browser, words).await;
        assert_eq!(before.as_array().unwrap().len(), 2);
        press(&browser, &key(Key::End)).await;
        let after = ask(&browser, words).await;
        assert!(before[0] != after[0] && before[1] != after[1], "both move");
        photograph(&browser, "trace-several").await;
        assert_eq!(findings(&browser, &["html"]).await, [""; 0]);
        browser.close().await.unwrap();
    });
}

#[test]
fn names_stay_text_on_the_page_and_a_page_without_scripts_has_the_still_picture() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let name = "</script><img src=x onerror=\"document.title='no'\"> & \\n";
        let recording = pool(1);
        let named = Timeline::new(name, &recording).name(0, name).ended(name);
        let browser = open_page(&driver, &folder, &named, &[]).await;
        let shown = format!(
            "return document.title === 'Trace' && document.querySelectorAll('img').length === 1
                && document.querySelector('.labs-trace-now').textContent.includes({});",
            json!(name)
        );
        page_says(&browser, "the name is text", 5, &shown).await;
        browser.close().await.unwrap();

        // As a page shows it that takes scripts and their style sheets away.
        let whole = page(&timeline(&recording));
        let mut without = String::new();
        let mut rest = whole.as_str();
        while let Some((before, after)) = rest.split_once("<script") {
            without.push_str(before);
            rest = after.split_once("</script>").unwrap().1;
        }
        let file = folder.path().join("without.html");
        std::fs::write(&file, without + rest).unwrap();
        let browser = driver.browser().await;
        browser
            .goto(&format!("file://{}", file.display()))
            .await
            .unwrap();
        let still = "const image = document.querySelector('.labs-trace .labs-still img');
            return image.complete && image.offsetHeight > 150 && document.querySelector('.labs-trace-picture') === null;";
        page_says(&browser, "the still picture", 5, still).await;
        browser.close().await.unwrap();
    });
}

#[test]
fn a_notebook_that_nobody_trusts_shows_the_still_picture_and_its_words() {
    let output = |shown: Vec<(&str, String)>| {
        let data: serde_json::Map<String, Value> = (shown.into_iter())
            .map(|(mime, content)| (mime.into(), content.into()))
            .collect();
        json!({"output_type": "execute_result", "execution_count": 1, "data": data, "metadata": {}})
    };
    let desk = Desk::set_up(|folder| {
        let mut notebook = crate::notebook(&["timeline"]);
        notebook["cells"][0]["outputs"] = json!([output(timeline(&pool(2)).contents())]);
        let file = folder.join("0.ipynb");
        std::fs::write(&file, notebook.to_string()).unwrap();
        file
    });
    block_on(async {
        let browser = open(&desk).await;
        let still = "const image = document.querySelector('.jp-OutputArea-output img');
            return image?.complete === true && image.offsetHeight > 150 && document.querySelector('.labs-trace-picture') === null
                && document.querySelector('.jp-OutputArea-output details pre').textContent.startsWith('Two workers');";
        page_says(&browser, "the still picture", 30, still).await;
        photograph(&browser, "trace-untrusted").await;
        browser.close().await.unwrap();
    });
}

/// Arrows, Space, `+` and Escape are commands of JupyterLab too. While the slider has the focus they are the timeline's.
#[test]
fn in_jupyterlab_the_timeline_has_its_keys_and_colours() {
    let cell = "let trace = Trace::new(2)?;
        let parent = trace.parent();
        (0..9).for_each(|task| parent.record(Event::TaskPut(task)));
        Workers::spawn(2, |w| {
            let log = trace.lane(w.index());
            for task in 0..4 {
                log.record(Event::TaskTaken(2 * task + w.index() as u32));
                Work::costing(std::time::Duration::from_millis(1)).run();
                log.record(Event::TaskDone(2 * task + w.index() as u32));
            }
        })?.join()?;
        Timeline::new(\"Nine tasks\", &trace.recording()).left(1)";
    let desk = Desk::with(&[&[cell, "1 + 1"]]);
    block_on(async {
        let browser = open(&desk).await;
        for theme in ["JupyterLab Dark", "JupyterLab Light"] {
            dress(&browser, theme).await;
            idle(&browser).await;
            run_all(&browser).await;
            page_says(&browser, "the timeline is there", 60, MOUNTED).await;
            let value = ask(&browser, VALUE).await;
            focus_slider(&browser).await;
            press(&browser, &key(Key::Right).repeat(12)).await;
            press(&browser, "+").await;
            press(&browser, &key(Key::Escape)).await;
            let moved = format!(
                "const slider = document.querySelector('.labs-trace-slider');
                return slider.getAttribute('aria-valuetext') !== {value} && document.activeElement === slider
                    && document.querySelectorAll('.jp-Cell').length === 2;"
            );
            page_says(&browser, "the keys are the timeline's", 5, &moved).await;
            photograph(&browser, &format!("trace-{}", theme.replace(' ', "-"))).await;
            let found = findings(&browser, &[".labs-trace"]).await;
            assert_eq!(found, [""; 0], "{theme}");
        }
        browser.close().await.unwrap();
    });
}
