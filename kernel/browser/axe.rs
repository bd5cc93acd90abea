//! axe-core, which looks for what people who cannot see or use a mouse would miss on a page.

use crate::driver::checkout;
use fantoccini::Client;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A file of a package, installed as `axe/package-lock.json` says: this version, with this hash.
pub(crate) fn node_program(name: &str) -> PathBuf {
    let (ours, folder) = (
        checkout().join("kernel/browser/axe"),
        checkout().join("target/labs/axe"),
    );
    let file = folder.join("node_modules").join(name);
    let lock = "package-lock.json";
    let same = fs::read(folder.join(lock)).ok() == fs::read(ours.join(lock)).ok();
    if !(same && file.is_file()) {
        fs::create_dir_all(&folder).unwrap();
        for file in ["package.json", lock] {
            fs::copy(ours.join(file), folder.join(file)).unwrap();
        }
        let installed = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .status()
            .expect("npm is there: apt install npm");
        assert!(installed.success(), "the packages cannot be installed");
    }
    file
}

fn script() -> String {
    fs::read_to_string(node_program("axe-core/axe.min.js")).unwrap()
}

/// What axe finds in the parts of the page that `inside` selects: each rule that is broken, with the first few places.
pub(crate) async fn findings(browser: &Client, inside: &[&str]) -> Vec<String> {
    browser.execute(&script(), vec![]).await.unwrap();
    let inside: Vec<[&str; 1]> = inside.iter().map(|part| [*part]).collect();
    let ask = "
        const done = arguments[arguments.length - 1];
        axe.run({include: arguments[0]}, {resultTypes: ['violations']}).then(
            found => done(found.violations.map(rule => rule.id + ': ' + rule.nodes.slice(0, 3).map(node =>
                node.html.slice(0, 200) + ' (' + [...node.any, ...node.all, ...node.none].map(check => check.message).join('; ') + ')'
            ).join(' | '))),
            error => done([String(error)]));";
    let found = browser
        .execute_async(ask, vec![json!(inside)])
        .await
        .unwrap();
    let found = found.as_array().unwrap().iter();
    found
        .map(|rule| rule.as_str().map_or(String::new(), String::from))
        .filter(|rule| !rule.is_empty())
        .collect()
}

/// Sets the size of the page that the browser shows.
pub(crate) async fn resize(browser: &Client, width: u32, height: u32) {
    // The window's own frame takes some of the space, so ask for more until the page has its size.
    browser.set_window_size(width, height).await.unwrap();
    let inner = "return [innerWidth, innerHeight];";
    let inner: Value = browser.execute(inner, vec![]).await.unwrap();
    let missing = |part: usize, wanted: u32| {
        let has = inner[part].as_u64().unwrap_or_default() as u32;
        wanted + wanted.saturating_sub(has)
    };
    let (width, height) = (missing(0, width), missing(1, height));
    browser.set_window_size(width, height).await.unwrap();
}
