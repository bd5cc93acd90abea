//! Knobs above a figure on JupyterLab's page: with the mouse, with the keyboard, for those who cannot see, and in both themes.

use crate::axe::{findings, node_program};
use crate::driver::{block_on, checkout, page_says, photograph};
use crate::figures::dress;
use crate::tree::heard;
use crate::{Desk, idle, menu, open, output_has, prompts, run_all};
use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use std::process::Command;

/// Two workers run with an iteration cost that a knob gives. The figure's title says the cost, and a caption which processes they were.
const CELL: &str = r#"interact([
    Knob::new("iteration cost", 1.0..=1000.0).unit("µs").log().at(10.0),
    Knob::new("workers", 1.0..=4.0).integer().at(2.0),
    Knob::choice("look", ["locked", "lock-free"]),
    Knob::switch("twice"),
], |k| {
    let work = Work::costing(std::time::Duration::from_secs_f64(k["iteration cost"] * 1e-6));
    let pids = Workers::spawn(k.count("workers"), |_| { work.run(); std::process::id() })?.join()?.values()?;
    let title = format!("{} µs, {}, {}", k["iteration cost"], k.choice("look"), k.is_on("twice"));
    let bars = pids.iter().fold(Bars::new(title), |bars, pid| bars.bar(format!("process {pid}"), k["iteration cost"]));
    Ok::<_, Box<dyn std::error::Error>>(bars)
})?;"#;

/// The words below the figure of cell 0.
const FIGURE: &str =
    "document.querySelector('.jp-CodeCell .jp-OutputArea details pre')?.textContent ?? ''";

fn figure_says(words: &str) -> String {
    format!("return ({FIGURE}).startsWith({});", json!(words))
}

/// The processes of the workers that the figure shows.
async fn workers(browser: &Client) -> Vec<String> {
    let words = browser
        .execute(&format!("return {FIGURE};"), vec![])
        .await
        .unwrap();
    let words = words.as_str().unwrap().to_string();
    let found = words.split("process ").skip(1);
    found
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
        .collect()
}

/// The script has the control with this name, `control`.
fn control(name: &str, script: &str) -> String {
    format!(
        "const control = [...document.querySelectorAll('.labs-knobs label')].find(label => label.textContent === {})?.control;
        {script}",
        json!(name)
    )
}

fn value_of(name: &str, words: &str) -> String {
    control(
        name,
        &format!(
            "return control?.getAttribute('aria-valuetext') === {};",
            json!(words)
        ),
    )
}

const LIVE: &str = "return [...document.querySelectorAll('.labs-knobs-control')].length === 4
    && [...document.querySelectorAll('.labs-knobs-control')].every(control => !control.disabled);";

const OVER: &str = "return document.querySelector('.labs-knobs-button')?.textContent === 'Explore'
    && [...document.querySelectorAll('.labs-knobs-control')].every(control => control.disabled);";

/// Runs the first cell, as Shift+Enter does.
async fn run_first(browser: &Client) {
    let cell = browser
        .wait()
        .for_element(Locator::Css(".jp-CodeCell .cm-content"))
        .await
        .unwrap();
    cell.click().await.unwrap();
    menu(browser, "Run", "runmenu:run").await;
}

async fn press(browser: &Client, name: &str, keys: &[Key]) {
    let slider = control(name, "control.focus(); return control;");
    let slider = browser.execute(&slider, vec![]).await.unwrap();
    let slider =
        fantoccini::elements::Element::from_element_id(browser.clone(), element_id(&slider).into());
    let keys: String = keys.iter().map(|&key| char::from(key)).collect();
    slider.send_keys(&keys).await.unwrap();
}

/// The driver's name of an element that a script has returned.
fn element_id(value: &Value) -> String {
    let (_, id) = value.as_object().unwrap().iter().next().unwrap();
    id.as_str().unwrap().into()
}

#[test]
fn a_knob_that_is_moved_runs_the_workers_again() {
    let desk = Desk::with(&[&[CELL, "println!(\"after\");"]]);
    block_on(async {
        let browser = open(&desk).await;
        run_first(&browser).await;
        page_says(
            &browser,
            "the figure",
            90,
            &figure_says("10 µs, locked, false"),
        )
        .await;
        page_says(&browser, "the knobs are live", 10, LIVE).await;
        page_says(&browser, "the cell runs", 5, &prompts(&["[*]:", "[ ]:"])).await;
        page_says(
            &browser,
            "its value",
            5,
            &value_of("iteration cost", "10 µs"),
        )
        .await;
        let first = workers(&browser).await;
        assert_eq!(first.len(), 2);

        // With the mouse: from the handle to the right end.
        let place = control(
            "iteration cost",
            "const {left, top, width, height} = control.getBoundingClientRect();
            return [left + width / 3, top + height / 2, left + width - 2];",
        );
        let place = browser.execute(&place, vec![]).await.unwrap();
        let at = |index: usize| place[index].as_f64().unwrap();
        let to = |x: f64| PointerAction::MoveTo {
            duration: None,
            x,
            y: at(1),
        };
        let drag = MouseActions::new("mouse".into())
            .then(to(at(0)))
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            })
            .then(to((at(0) + at(2)) / 2.0))
            .then(to(at(2)))
            .then(PointerAction::Up {
                button: MOUSE_BUTTON_LEFT,
            });
        browser.perform_actions(drag).await.unwrap();
        page_says(
            &browser,
            "dragged to the end",
            10,
            &value_of("iteration cost", "1,000 µs"),
        )
        .await;
        page_says(
            &browser,
            "and drawn",
            10,
            &figure_says("1000 µs, locked, false"),
        )
        .await;
        let second = workers(&browser).await;
        assert!(
            second.iter().all(|pid| !first.contains(pid)),
            "{first:?}, {second:?}"
        );

        // With the keyboard alone; the arrows do not leave the knob for another cell.
        press(&browser, "iteration cost", &[Key::Home]).await;
        page_says(
            &browser,
            "the low end",
            10,
            &figure_says("1 µs, locked, false"),
        )
        .await;
        press(
            &browser,
            "iteration cost",
            &[Key::Right, Key::Up, Key::Left],
        )
        .await;
        page_says(
            &browser,
            "one step",
            10,
            &value_of("iteration cost", "1.02 µs"),
        )
        .await;
        page_says(
            &browser,
            "and drawn",
            10,
            &figure_says("1.02 µs, locked, false"),
        )
        .await;
        press(&browser, "workers", &[Key::End]).await;
        let four = format!("return ({FIGURE}).split('process ').length === 5;");
        page_says(&browser, "four workers", 10, &four).await;
        press(&browser, "look", &[Key::Down]).await;
        page_says(
            &browser,
            "the other word",
            10,
            &figure_says("1.02 µs, lock-free, false"),
        )
        .await;
        press(&browser, "twice", &[Key::Space]).await;
        page_says(
            &browser,
            "switched on",
            10,
            &figure_says("1.02 µs, lock-free, true"),
        )
        .await;
        photograph(&browser, "knobs-live").await;
        // What a screen reader gets of them: name, value and unit, and once the knobs rest, that the figure is another one.
        let heard = heard(&browser).await;
        for line in [
            "slider \"iteration cost\" = 1.02 µs",
            "slider \"workers\" = 4",
            "combobox \"look\" = lock-free",
            "switch \"twice\" = true",
            "button \"Done\", description Keep this figure, and give the kernel back",
        ] {
            assert!(
                heard.iter().any(|heard| heard == line),
                "{line} in {heard:#?}"
            );
        }
        let said = "return document.querySelector('.labs-knobs > p[role=status]').textContent
            === 'The figure shows iteration cost: 1.02 µs, workers: 4, look: lock-free, twice: on.';";
        page_says(&browser, "what the figure shows", 5, said).await;
        let moves = "return document.querySelector('.labs-knobs').getAnimations({subtree: true}).length === 0;";
        page_says(&browser, "nothing moves by itself", 5, moves).await;
        assert_eq!(findings(&browser, &[".labs-knobs"]).await, [""; 0]);

        // The next cell takes the kernel; the last figure stays.
        // (A knob that has the focus has made its own cell the active one.)
        let next = browser
            .find(Locator::XPath(
                "//div[contains(@class, 'cm-line')][contains(., 'after')]",
            ))
            .await
            .unwrap();
        next.click().await.unwrap();
        menu(&browser, "Run", "runmenu:run").await;
        page_says(&browser, "the next cell", 20, &output_has(1, "after")).await;
        page_says(&browser, "the knobs rest", 10, OVER).await;
        page_says(
            &browser,
            "the figure stays",
            5,
            &figure_says("1.02 µs, lock-free, true"),
        )
        .await;

        // Explore: the same figure, live again, in the same place.
        let button = browser
            .find(Locator::Css(".labs-knobs-button"))
            .await
            .unwrap();
        button
            .send_keys(&char::from(Key::Enter).to_string())
            .await
            .unwrap();
        page_says(&browser, "live again", 20, LIVE).await;
        press(&browser, "iteration cost", &[Key::Home]).await;
        page_says(
            &browser,
            "drawn again",
            10,
            &figure_says("1 µs, lock-free, true"),
        )
        .await;
        let one = "return document.querySelectorAll('.jp-CodeCell:first-of-type .jp-OutputArea-output img').length <= 1
            && document.querySelectorAll('.labs-knobs').length === 1;";
        page_says(&browser, "in its place", 5, one).await;
        let button = browser
            .find(Locator::Css(".labs-knobs-button"))
            .await
            .unwrap();
        button
            .send_keys(&char::from(Key::Enter).to_string())
            .await
            .unwrap();
        page_says(&browser, "done", 10, OVER).await;
        photograph(&browser, "knobs-over").await;
        browser.close().await.unwrap();
    });
}

#[test]
fn knobs_have_the_page_s_colours_survive_a_reload_and_run_all_does_not_wait_for_them() {
    let desk = Desk::with(&[&[CELL, CELL, "println!(\"after\");"]]);
    block_on(async {
        let browser = open(&desk).await;
        run_all(&browser).await;
        page_says(&browser, "all cells have run", 90, &output_has(2, "after")).await;
        page_says(
            &browser,
            "and none waits",
            10,
            &prompts(&["[1]:", "[2]:", "[3]:"]),
        )
        .await;
        menu(&browser, "File", "docmanager:save").await;
        // Asking the server for the file would disturb it while it writes.
        let saved = "return !document.querySelector('.jp-mod-dirty');";
        page_says(&browser, "the notebook is saved", 20, saved).await;
        for (theme, name, number) in [
            ("JupyterLab Dark", "dark", "[4]:"),
            ("JupyterLab Light", "light", "[5]:"),
        ] {
            dress(&browser, theme).await;
            idle(&browser).await;
            // What another page has run cannot be moved here; this page says so.
            let rests = "const said = [...document.querySelectorAll('.labs-knobs-said')];
                return said.length === 2 && said.every(said => said.textContent === 'Run this cell to move the knobs.');";
            page_says(&browser, "the knobs of before", 20, rests).await;
            run_first(&browser).await;
            page_says(
                &browser,
                "live",
                20,
                "return document.querySelector('.labs-knobs-control')?.disabled === false;",
            )
            .await;
            assert_eq!(
                findings(&browser, &[".labs-knobs"]).await,
                [""; 0],
                "{theme}"
            );
            photograph(&browser, &format!("knobs-{name}")).await;
            menu(&browser, "Kernel", "kernelmenu:interrupt").await;
            let ended = prompts(&[number, "[2]:", "[3]:"]);
            page_says(&browser, "■ ends them", 20, &ended).await;
            menu(&browser, "File", "docmanager:save").await;
        }
        browser.close().await.unwrap();
    });
}

#[test]
fn the_page_s_scripts_have_types_and_their_own_tests_pass() {
    let page = checkout().join("figures/page");
    let checked = Command::new("node")
        .arg(node_program("typescript/bin/tsc"))
        .arg("-p")
        .arg(page.join("tsconfig.json"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{said}");
    let tested = Command::new("node")
        .args(["--test", "tests"])
        .current_dir(page)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(
        tested.status.success() && said.contains("pass 21"),
        "{said}"
    );
}
