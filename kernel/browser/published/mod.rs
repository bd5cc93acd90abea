//! What `cargo labs publish` has written: the pages of the labs, the deck of the lecture, and the notebooks with what they have shown.
//!
//! `cargo labs test` runs the tests of this folder after the labs, and all other tests of the browser beside them.

mod deck;
mod notebooks;
mod pages;

use crate::driver::checkout;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The pages of all labs.
pub(super) fn site() -> PathBuf {
    published().0.clone()
}

/// The labs with what they have shown.
pub(super) fn executed() -> PathBuf {
    published().1.clone()
}

/// Pages and notebooks. `cargo labs test` has just written them; where they are older than the program, they are made here.
fn published() -> &'static (PathBuf, PathBuf) {
    static PUBLISHED: LazyLock<(PathBuf, PathBuf)> = LazyLock::new(|| {
        let labs = checkout().join("target/release/labs");
        let (site, executed) = (
            checkout().join("target/labs/site"),
            checkout().join("target/labs/executed"),
        );
        let written = |file: &Path| fs::metadata(file).and_then(|about| about.modified());
        let is_fresh = |file: &Path| {
            written(file).is_ok_and(|made| written(&labs).is_ok_and(|program| made > program))
        };
        if !is_fresh(&site.join("index.html")) || !is_fresh(&executed.join("lecture.ipynb")) {
            let mut publish = Command::new(&labs);
            publish.args(["publish", "--save"]).arg(&executed);
            assert!(publish.status().unwrap().success());
        }
        (site, executed)
    });
    &PUBLISHED
}
