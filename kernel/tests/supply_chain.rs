//! Where everything that the labs are built from comes from. `cargo deny` asks more (CONTRIBUTING.md); this needs no other
//! program and no network.

use crate::common::{crates_of_cells, read, requirements};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The packages that `Cargo.lock` names.
fn locked() -> Vec<Table> {
    let lock: Table = read("Cargo.lock").parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    packages
        .iter()
        .map(|package| package.as_table().unwrap().clone())
        .collect()
}

#[test]
fn every_crate_comes_from_the_registry_with_its_checksum() {
    let mut ours = Vec::new();
    for package in locked() {
        let name = package["name"].as_str().unwrap();
        match package.get("source").map(|source| source.as_str().unwrap()) {
            None => ours.push(name.to_string()),
            Some(source) => {
                assert_eq!(
                    source, "registry+https://github.com/rust-lang/crates.io-index",
                    "{name}"
                );
                assert_eq!(package["checksum"].as_str().unwrap().len(), 64, "{name}");
            }
        }
    }
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    assert_eq!(
        ours.len(),
        members.len(),
        "only the workspace's own crates have no source: {ours:?}"
    );
}

/// The files of requirements, each made from a `.in` beside it.
const REQUIREMENTS: [&str; 10] = [
    "notebooks/broker",
    "notebooks/requirements",
    "notebooks/peers/requirements",
    "kernel/src/commands/wheel/requirements",
    "kernel/src/commands/publish/requirements",
    "kernel/tests/protocol/requirements",
    "deploy/requirements",
    "kernel/tests/hub/requirements",
    "kernel/tests/grading/requirements",
    "bench/requirements",
];

#[test]
fn every_python_package_is_pinned_and_hashed() {
    for name in REQUIREMENTS {
        let packages = requirements(&format!("{name}.txt"));
        assert!(!packages.is_empty(), "{name}");
        for package in packages {
            assert!(
                package.contains("==") && package.contains("--hash=sha256:"),
                "{name}.txt: {package}"
            );
        }
    }
}

#[test]
fn the_changelog_names_the_versions_that_are_used() {
    let changelog = read("CHANGELOG.md");
    let versions = changelog
        .split("### Versions")
        .nth(1)
        .expect("a section Versions");
    let versions = versions.split("\n#").next().unwrap();
    let versions = versions.split_whitespace().collect::<Vec<_>>().join(" "); // lines may break anywhere
    let names = |what: &str| {
        assert!(
            versions.contains(what),
            "`{what}` is missing below Versions in CHANGELOG.md"
        )
    };
    let toolchain: Table = read("rust-toolchain.toml").parse().unwrap();
    names(&format!(
        "Rust {}",
        toolchain["toolchain"]["channel"].as_str().unwrap()
    ));

    let locked: BTreeMap<String, Vec<String>> =
        locked().iter().fold(BTreeMap::new(), |mut all, package| {
            let text = |key: &str| package[key].as_str().unwrap().to_string();
            all.entry(text("name"))
                .or_insert_with(Vec::new)
                .push(text("version"));
            all
        });
    let crates = crates_of_cells();
    let crates = crates.iter().map(String::as_str);
    for member in ["kernel", "bench"].into_iter().chain(crates) {
        let manifest: Table = read(&format!("{member}/Cargo.toml")).parse().unwrap();
        let whole = Value::Table(manifest);
        let targets = whole.get("target").and_then(Value::as_table);
        let targets = targets.into_iter().flatten().map(|(_, target)| target);
        let tables = targets.chain([&whole]).map(|table| &table["dependencies"]);
        for (name, about) in tables.flat_map(|table| table.as_table().unwrap()) {
            if about.get("path").is_some() {
                continue;
            }
            // If there are several versions, one of them must be the required one.
            let used = &locked[name];
            assert!(
                used.iter()
                    .any(|version| versions.contains(&format!("{name} {version}"))),
                "`{name} {}` is missing below Versions in CHANGELOG.md",
                used.join(" or ")
            );
        }
    }
    for name in REQUIREMENTS {
        for line in read(&format!("{name}.in")).lines() {
            if let Some((package, version)) = line.split_once("==") {
                names(&format!("{package} {version}"));
            }
        }
    }
}

/// Building a crate without optimisation slows nothing down if next to nothing of it is in the program.
#[test]
fn of_what_is_not_optimised_next_to_nothing_is_in_the_program() {
    let program = std::fs::read(labs::session::launch::program().unwrap()).unwrap();
    // The symbol of a function has the names of its crates, each behind its length.
    let functions = |name: &str| {
        let symbol = format!("{}{name}", name.len());
        let places = program.windows(symbol.len());
        places.filter(|bytes| *bytes == symbol.as_bytes()).count()
    };
    assert!(functions("ra_ap_ide_completion") > 100, "they are found");
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    let packages = manifest["profile"]["release"]["package"]
        .as_table()
        .unwrap();
    let packages = packages.iter();
    let bare = packages.filter(|(_, settings)| settings["opt-level"].as_integer() == Some(0));
    let bare: Vec<&String> = bare.map(|(name, _)| name).collect();
    assert!(bare.len() > 1);
    for name in bare {
        assert!(functions(name) < 5, "evcxr calls {name}: optimise it");
    }
}
