//! The tree that the browser hands to a screen reader: what somebody gets of a page who cannot see it.

use crate::driver::{Driver, block_on, page_says, tell_chromium};
use crate::game::protocol;
use crate::race::{open_page, press, race};
use crate::trace::{pool, timeline};
use fantoccini::Client;
use fantoccini::key::Key;
use labsupport::cell::Show;
use lessons::prelude::*;
use serde_json::{Value, json};

/// What can be operated, and what is said when it changes: one line each, in the order of the alphabet. (The tree has them in an order of its own.)
pub(crate) async fn heard(browser: &Client) -> Vec<String> {
    let tree = tell_chromium(browser, "Accessibility.getFullAXTree", json!({})).await;
    let nodes = tree["nodes"].as_array().unwrap().iter();
    let nodes = nodes.filter(|node| node["ignored"] != true);
    let mut lines = Vec::new();
    for node in nodes {
        lines.extend(line(browser, node).await);
    }
    lines.sort();
    lines
}

/// What a slider says in the place of its number. The protocol's tree has the number alone; a screen reader gets this attribute.
async fn value_text(browser: &Client, node: &Value) -> String {
    let of = json!({"backendNodeId": node["backendDOMNodeId"]});
    let element = tell_chromium(browser, "DOM.describeNode", of).await;
    let attributes = element["node"]["attributes"].as_array().unwrap();
    let mut pairs = attributes.chunks(2);
    let found = pairs.find(|pair| pair[0] == "aria-valuetext");
    found.map_or(String::new(), |pair| pair[1].as_str().unwrap().into())
}

async fn line(browser: &Client, node: &Value) -> Option<String> {
    let of = |name: &str| node[name]["value"].as_str().unwrap_or_default().to_string();
    let property = |name: &str| {
        let properties = node["properties"].as_array()?;
        let found = properties
            .iter()
            .find(|property| property["name"] == name)?;
        let value = &found["value"]["value"];
        Some(value.as_str().map_or(value.to_string(), String::from))
            .filter(|value| !value.is_empty())
    };
    let role = of("role");
    let mut line = format!("{role} \"{}\"", of("name").trim());
    match role.as_str() {
        "slider" => line += &format!(" = {}", value_text(browser, node).await),
        "combobox" => line += &format!(" = {}", of("value")),
        "switch" => line += &format!(" = {}", property("checked").unwrap_or_default()),
        "button" => {}
        "status" => line += &format!(" {}", property("live").unwrap_or_default()),
        _ => return None,
    }
    for (word, said) in [
        ("description", Some(of("description"))),
        ("key", property("keyshortcuts")),
    ] {
        if let Some(said) = said.filter(|said| !said.is_empty()) {
            line += &format!(", {word} {said}");
        }
    }
    Some(line)
}

#[test]
fn a_screen_reader_gets_the_name_the_value_and_the_unit_of_everything_that_can_be_moved() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = driver.browser().await;
        open_page(&browser, &folder, &protocol(true).game()).await;
        assert_eq!(
            heard(&browser).await,
            [
                "button \"A look\", key A",
                "button \"B look\", key B",
                "button \"Copy\", key Y",
                "button \"Restart\", key R",
                "button \"Run to the end\", key E",
                "button \"Undo\", key U",
                "status \"\" polite",
                "status \"\" polite",
            ]
        );
        open_page(&browser, &folder, &race()).await;
        press(&browser, &[Key::Tab]).await;
        press(&browser, &[Key::Right]).await;
        assert_eq!(
            heard(&browser).await,
            [
                "button \"Play\", key Space",
                "button \"Restart\", key R",
                "combobox \"What takes a second:\" = look",
                "slider \"time\" = 1 s",
                "status \"\" polite",
            ]
        );
        open_page(&browser, &folder, &timeline(&pool(2))).await;
        press(&browser, &[Key::Tab]).await;
        press(&browser, &[Key::Home]).await;
        let heard_now = heard(&browser).await;
        // How many digits and which speed depend on how long the recording is.
        let names: Vec<&str> = (heard_now.iter())
            .map(|line| {
                line.split_once(" = ")
                    .map_or(line.as_str(), |(name, _)| name)
            })
            .collect();
        assert_eq!(
            names,
            [
                "button \"Back\", description To the event before, key ArrowLeft",
                "button \"Next\", description To the next event, key ArrowRight",
                "button \"Play\", description Play what is shown, slowly, key Space",
                "button \"Reset\", description Show what was shown at first, key Escape",
                "button \"Zoom in\", description Show half of the time, around the line, key Plus",
                "button \"Zoom out\", description Show twice as much of the time, key Minus",
                "combobox \"Speed\"",
                "slider \"time since the first event\"",
                "status \"\" polite",
            ]
        );
        let slider = "slider \"time since the first event\" = 0.0";
        let is_start = |line: &String| line.starts_with(slider) && line.ends_with("0 ms");
        assert!(heard_now.iter().any(is_start), "{heard_now:#?}");
        let pad = sketch("03-reaction", "1: 1 µs; 10: 20 µs").unwrap();
        open_page(&browser, &folder, &pad).await;
        let heard = heard(&browser).await;
        for (x, words) in [("1", "1 µs"), ("3", "nothing drawn"), ("10", "20 µs")] {
            let point = format!(
                "reaction: flag set → last worker stopped, at {x} iterations between two looks"
            );
            let line = format!("slider \"{point}\" = {words}");
            assert!(heard.contains(&line), "{line} in {heard:#?}");
        }
        let sliders = |line: &&String| line.starts_with("slider");
        let others: Vec<&String> = heard.iter().filter(|line| !sliders(line)).collect();
        assert_eq!(
            others,
            ["button \"Clear\"", "button \"Copy\"", "status \"\" polite"]
        );
        browser.close().await.unwrap();
    });
}

/// Notes what the parts say that a screen reader listens to, from now on.
const LISTEN: &str = "
    window.said = [];
    for (const part of document.querySelectorAll('[role=status], [aria-live], output')) {
        new MutationObserver(() => window.said.push(part.textContent)).observe(part, {childList: true, characterData: true, subtree: true});
    }";

async fn said(browser: &Client) -> Vec<String> {
    let said = browser.execute("return window.said;", vec![]).await;
    serde_json::from_value(said.unwrap()).unwrap()
}

#[test]
fn what_changes_is_said_once_and_a_key_that_is_held_down_does_not_flood() {
    let (driver, folder) = (Driver::start(), tempfile::tempdir().unwrap());
    block_on(async {
        let browser = driver.browser().await;
        let enough = "return window.said.length >= 1;";
        open_page(&browser, &folder, &protocol(true).game()).await;
        browser.execute(LISTEN, vec![]).await.unwrap();
        press(&browser, &[Key::Tab]).await;
        let focused = browser.active_element().await.unwrap();
        focused.send_keys("a").await.unwrap();
        let [step, left] = &said(&browser).await[..] else {
            panic!("{:?}", said(&browser).await)
        };
        assert_eq!(step, "Step 1, A: look → goes on: nothing shared changes.");
        assert!(
            left.starts_with("Of ") && left.ends_with(" are bad."),
            "{left}"
        );
        // Thirty seconds of a race, and thirty events of a timeline.
        for (shown, words) in [
            (&race() as &dyn Show, "After 30 s: "),
            (&timeline(&pool(2)), "worker 0: "),
        ] {
            open_page(&browser, &folder, shown).await;
            press(&browser, &[Key::Tab]).await;
            browser.execute(LISTEN, vec![]).await.unwrap();
            press(&browser, &[Key::Right; 30]).await;
            page_says(&browser, "it is said", 5, enough).await;
            let said = said(&browser).await;
            assert!(said.len() == 1 && said[0].contains(words), "{said:?}");
        }
        browser.close().await.unwrap();
    });
}
