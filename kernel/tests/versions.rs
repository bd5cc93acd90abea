//! Cells run with the versions of the checkout's Cargo.lock, whatever else this user's cargo has downloaded or lost.

use crate::common::*;
use labs::client::Kernel;
use labs::place::Place;
use labs::session::{launch, template};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Another program of the user's, which uses the newest versions of all crates that cells need.
const FOREIGN: &str = r#"
[package]
name = "foreign"
version = "1.0.0"
edition = "2024"

[dependencies]
libc = "0.2"
nix = "0.23"
plotters = { version = "0.3", default-features = false }
postcard = { version = "1", features = ["use-std"] }
rand = "0.8"
rustix = "1"
serde = { version = "1", features = ["derive"] }
shared_memory = "0.12"
zerocopy = { version = "0.8", features = ["derive"] }
"#;

/// Downloads the crates of that program into `cargo_home`; `false` without a network.
fn fetch_foreign(folder: &Path, cargo_home: &Path) -> bool {
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), FOREIGN).unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
    let mut cargo = Command::new("cargo");
    cargo.arg("fetch").current_dir(folder);
    cargo
        .env("CARGO_HOME", cargo_home)
        .env("CARGO_NET_RETRY", "1");
    cargo.env_remove(launch::OFFLINE);
    cargo.status().unwrap().success()
}

/// A home of its own whose template is built with the crates in `cargo_home`.
fn home_with(folder: &Path, cargo_home: &Path) -> Place {
    let place = home_without_template(folder);
    let status = Command::new(env!("CARGO_BIN_EXE_labs"))
        .arg("setup")
        .env("LABS_HOME", &place.home)
        .env("CARGO_HOME", cargo_home)
        .status();
    assert!(status.unwrap().success());
    place
}

/// What was compiled, and when.
fn built(eval: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    for target in fs::read_dir(eval.join("target")).unwrap().flatten() {
        let folder = target.path().join("debug/deps");
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|name| name == "rlib") {
                let name = entry.path().strip_prefix(eval).unwrap().to_path_buf();
                found.insert(name, entry.metadata().unwrap().modified().unwrap());
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn versions(lock: &Path) -> Vec<String> {
    let table: toml::Table = fs::read_to_string(lock).unwrap().parse().unwrap();
    let packages = table["package"].as_array().unwrap();
    packages
        .iter()
        .map(|package| format!("{} {}", package["name"], package["version"]))
        .collect()
}

/// Where the only kernel of this home compiles.
fn eval(place: &Place) -> PathBuf {
    let sessions = sessions(place);
    assert_eq!(sessions.len(), 1);
    sessions[0].join(launch::EVAL)
}

/// Asserts that a kernel runs what the template was built with, and has compiled nothing of it again.
async fn runs_the_tested(kernel: &mut Kernel, place: &Place) {
    let cell = "let flag = Flag::new()?; println!(\"{}\", flag.is_set());";
    let shown = kernel.execute(cell, LONG).await.unwrap();
    assert_eq!(shown.error(), None);
    assert_eq!(shown.stdout(), "false\n");
    let eval = eval(place);
    assert_eq!(
        versions(&eval.join("Cargo.lock")),
        versions(&place.template().join("Cargo.lock"))
    );
    assert_eq!(built(&eval), built(&place.template()));
}

#[test]
fn the_template_has_the_versions_of_the_checkout() {
    home(); // makes the template
    let place = Place::find().unwrap();
    assert_eq!(template::strays(&place).unwrap(), Vec::<String>::new());
    assert!(versions(&place.template().join("Cargo.lock")).len() > 10);
}

#[test]
#[ignore = "it builds what notebooks need once more: `cargo labs test --night --only \"other programs\"` runs it"]
fn what_other_programs_download_or_cargo_loses_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (foreign, cargo_home) = (folder.path().join("foreign"), folder.path().join("cargo"));
    if !fetch_foreign(&foreign, &folder.path().join("elsewhere")) {
        eprintln!("skipped: crates.io cannot be reached");
        return;
    }
    let place = home_with(folder.path(), &cargo_home);
    assert_eq!(template::strays(&place).unwrap(), Vec::<String>::new());

    block_on(async {
        let with_home = |command: &mut tokio::process::Command| {
            command.env("CARGO_HOME", &cargo_home);
        };
        let mut kernel = start_with(&place, with_home).await;
        runs_the_tested(&mut kernel, &place).await;
        kernel.shutdown(false).await.unwrap();

        assert!(fetch_foreign(&foreign, &cargo_home));
        let tested = versions(&place.workspace.join("Cargo.lock"));
        let newer = versions(&foreign.join("Cargo.lock"));
        let newer = newer
            .iter()
            .filter(|package| !tested.contains(package))
            .count();
        assert!(
            newer > 1,
            "only this package itself is new: the test tests nothing"
        );

        // Without a network, as a notebook in a class.
        let mut kernel = start_with(&place, |command| {
            with_home(command);
            command.env("CARGO_HTTP_PROXY", "http://127.0.0.1:9");
        })
        .await;
        runs_the_tested(&mut kernel, &place).await;
        let error = kernel
            .execute(":dep fnv = \"1\"", LONG)
            .await
            .unwrap()
            .error();
        let error = error.unwrap();
        assert!(
            error.contains(
                "The crate `fnv` is not on this machine, and the network could not be reached"
            ),
            "{error}"
        );
        let error = kernel
            .execute("std::future::ready(1).await", LONG)
            .await
            .unwrap()
            .error();
        let error = error.unwrap();
        assert!(
            error.contains("`.await` needs the crate `tokio`")
                && error.contains("is not on this machine"),
            "{error}"
        );
        runs_the_tested(&mut kernel, &place).await;
        kernel.shutdown(false).await.unwrap();

        // A crate of one notebook, with a network.
        let mut kernel = start_with(&place, with_home).await;
        let refused = kernel
            .execute(":dep postcard = \"=1.0.0\"", LONG)
            .await
            .unwrap()
            .error();
        assert!(refused.is_some());
        let shown = kernel
            .execute(
                ":dep fnv = \"1\"\nfnv::FnvHashSet::from_iter([1, 1]).len()",
                LONG,
            )
            .await;
        assert_eq!(shown.unwrap().error(), None);
        let mut with = versions(&eval(&place).join("Cargo.lock"));
        with.retain(|package| !package.contains("\"fnv\""));
        assert_eq!(with, versions(&place.template().join("Cargo.lock")));
        kernel.shutdown(false).await.unwrap();

        // cargo removes downloads that were not used for long; the next notebook fetches them again.
        let cache = cargo_home.join("registry/cache");
        for registry in fs::read_dir(&cache).unwrap().flatten() {
            for file in fs::read_dir(registry.path()).unwrap().flatten() {
                if file.file_name().to_string_lossy().starts_with("postcard-") {
                    fs::remove_file(file.path()).unwrap();
                }
            }
        }
        let mut kernel = start_with(&place, with_home).await;
        runs_the_tested(&mut kernel, &place).await;
        kernel.shutdown(false).await.unwrap();
    });
}

#[test]
fn an_interrupt_ends_the_search_for_a_crate() {
    let (_folder, place) = home();
    // A network that swallows everything.
    let hole = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", hole.local_addr().unwrap());
    block_on(async {
        let mut kernel = start_with(&place, |command| {
            command.env("CARGO_HTTP_PROXY", proxy);
        })
        .await;
        let cell = kernel
            .send(":dep labs-no-such-crate = \"1\"")
            .await
            .unwrap();
        let (_held, _) = tokio::task::spawn_blocking(move || hole.accept())
            .await
            .unwrap()
            .unwrap();
        let is_cargo = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "cargo\n")
        };
        let mut searching = family(kernel.child.id().unwrap());
        searching.retain(is_cargo);
        assert_eq!(searching.len(), 2, "the stand-in and cargo itself");
        kernel.interrupt().await.unwrap();
        let error = kernel.finish(&cell, LONG).await.unwrap().error().unwrap();
        assert!(error.contains("Nothing is lost"), "{error}");
        within_a_second("the search has ended", || {
            !searching.iter().any(|&pid| alive(pid))
        })
        .await;
        let shown = kernel.execute("println!(\"on\");", LONG).await.unwrap();
        assert_eq!(shown.stdout(), "on\n");
        kernel.shutdown(false).await.unwrap();
    });
}
