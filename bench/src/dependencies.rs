//! How much each dependency of the labs' crates delays a kernel's first cell: rust-analyzer reads all of them at every start.

use crate::bench::Bench;
use crate::peers::kernel::Kernels;
use anyhow::{Context, Result, bail};
use figures::{Bars, Format};
use labsupport::prelude::{Samples, machine};
use serde_json::json;
use std::fs;
use std::path::Path;

pub(crate) const STEPS: usize = 1;

/// The crates that a cell of the labs can use, from the ground up.
const CRATES: [&str; 5] = ["labsupport", "manager", "broker", "figures", "lessons"];

/// What a kernel depends on.
struct Row {
    name: String,
    /// As lines of its `evcxr.toml`.
    crates: String,
    /// The RUSTFLAGS for rust-analyzer's call of cargo.
    flags: &'static str,
}

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let kernels = match Kernels::find(&bench.folder, bench.quick) {
        Ok(kernels) => kernels,
        Err(why) => return bench.skip("dependencies", "each crate", &why),
    };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?;
    let (mut each, mut ours) = (Vec::new(), String::new());
    for name in CRATES {
        let package = workspace.join(name);
        let manifest = fs::read_to_string(package.join("Cargo.toml"))
            .with_context(|| format!("the crate {name} is gone"))?;
        each.extend(dependencies(&manifest));
        ours += &format!("{name} = {{ path = {package:?} }}\n");
    }
    each.sort();
    each.dedup();
    if bench.quick {
        each.truncate(1);
    }
    let row = |name: &str, crates: &str, flags| Row {
        name: name.into(),
        crates: crates.into(),
        flags,
    };
    let mut all = vec![row("no crate", "", "")];
    all.extend(each.iter().map(|(name, line)| row(name, line, "")));
    all.push(row("the labs' crates, read with all of them", &ours, ""));
    // `kernel/src/session/launch.rs` sets these flags, their Cargo.toml has the cfg.
    let flags = "--cfg rust_analyzer";
    all.push(row("the labs' crates, as the labs read them", &ours, flags));

    let rounds = bench.rounds(5);
    let bar = bench.next(
        "a first cell with each dependency",
        all.len() * (rounds + 1),
    );
    let mut seconds = vec![Vec::new(); all.len()];
    // Measured in turn, as everywhere. The first round compiles the crates, so it does not count.
    for round in 0..=rounds {
        for (index, row) in all.iter().enumerate() {
            let compiled = bench.folder.join(format!("compiled-{index}"));
            let took = kernels.warm(&row.crates, row.flags, &compiled);
            let took = took.with_context(|| format!("{} could not be measured", row.name))?;
            if round > 0 {
                seconds[index].push(took);
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();

    let samples: Vec<Samples> = seconds.into_iter().map(|s| Samples::new("s", s)).collect();
    let without = samples[0].median();
    let added = |samples: &Samples| samples.median() - without;
    let mut figure = Bars::new("A kernel's first cell, by what it depends on")
        .value("start to the end of the first cell")
        .format(Format::Seconds);
    for (Row { name, .. }, samples) in all.iter().zip(&samples) {
        let (low, high) = (samples.percentile(25.0), samples.percentile(75.0));
        figure = figure.bar_with_spread(name, samples.median(), low, high);
        bench.record(json!({
            "name": format!("dependencies: {name}"), "unit": "s", "first_cell": samples.median(), "middle_half": [low, high],
            "added": added(samples), "runs": rounds,
        }))?;
    }
    let [.., read_whole, as_the_labs] = &samples[..] else {
        bail!("there are fewer rows than two");
    };
    let in_words = |samples| Format::Seconds.write(added(samples).max(0.0));
    let caption = format!(
        "the labs' crates add {} to a plain evcxr; were all their dependencies read, {}. Crates compiled before, library sources as the labs have \
         them. Medians of {rounds} starts in turn, lines: the middle half; measured on {}.",
        in_words(as_the_labs),
        in_words(read_whole),
        machine()
    );
    bench.figure("dependencies", &figure.caption(caption))
}

/// Each line below `[dependencies]`, also below those of a target, except the lines for crates of this workspace.
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let is_wanted = |section: &&str| {
        let (title, _) = section.split_once(']').unwrap_or_default();
        title == "dependencies" || title.starts_with("target.") && title.ends_with(".dependencies")
    };
    manifest
        .split("\n[")
        .filter(is_wanted)
        .flat_map(|section| section.lines().skip(1))
        .filter(|line| !line.contains("path = "))
        .filter_map(|line| Some((line.split_once(" = ")?.0.to_string(), format!("{line}\n"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_manifest_is_a_row() {
        let manifest = r#"
[package]
name = "x"

[target.'cfg(unix)'.dependencies]
a = "1"

[dependencies]
b = { version = "2" }
d = { path = "../d" }

[dev-dependencies]
c = "3"
"#;
        let [a, b] = &dependencies(manifest)[..] else {
            panic!("two rows");
        };
        assert_eq!(a, &("a".to_string(), "a = \"1\"\n".to_string()));
        assert_eq!(b.0, "b");
    }
}
