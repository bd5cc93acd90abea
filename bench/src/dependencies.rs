//! What each dependency of labsupport adds to a kernel's first cell: rust-analyzer reads them all, at every start.

use crate::bench::Bench;
use crate::peers::kernel::Kernels;
use anyhow::{Context, Result};
use labsupport::prelude::{Bars, Format, Samples, machine};
use serde_json::json;
use std::fs;
use std::path::Path;

pub const STEPS: usize = 1;

/// What a kernel depends on, by name, as lines of its `evcxr.toml`.
type Crates = (String, String);

pub fn run(bench: &mut Bench) -> Result<()> {
    let kernels = match Kernels::find(&bench.folder, bench.quick) {
        Ok(kernels) => kernels,
        Err(why) => return bench.skip("dependencies", "each crate", &why),
    };
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labsupport");
    let manifest = fs::read_to_string(package.join("Cargo.toml")).context("labsupport is gone")?;
    let mut all = dependencies(&manifest);
    if bench.quick {
        all.truncate(1);
    }
    let itself = format!("labsupport = {{ path = {:?} }}", package.canonicalize()?);
    all.insert(0, ("no crate".into(), String::new()));
    all.push(("labsupport with all of them".into(), itself));

    let rounds = bench.rounds(5);
    let bar = bench.next(
        "a first cell with each dependency",
        all.len() * (rounds + 1),
    );
    let mut seconds = vec![Vec::new(); all.len()];
    // In turn, as everywhere; the first round compiles, and does not count.
    for round in 0..=rounds {
        for (index, (name, crates)) in all.iter().enumerate() {
            let compiled = bench.folder.join(format!("compiled-{index}"));
            let took = kernels.warm(crates, &compiled);
            let took = took.with_context(|| format!("{name} could not be measured"))?;
            if round > 0 {
                seconds[index].push(took);
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();

    let samples: Vec<Samples> = seconds.into_iter().map(|s| Samples::new("s", s)).collect();
    let without = samples[0].median();
    let mut figure = Bars::new("A kernel's first cell, by what it depends on")
        .value("start to the end of the first cell")
        .format(Format::Seconds);
    for ((name, _), samples) in all.iter().zip(&samples) {
        let (low, high) = (samples.percentile(25.0), samples.percentile(75.0));
        figure = figure.bar_with_spread(name, samples.median(), low, high);
        let added = samples.median() - without;
        bench.record(json!({
            "name": format!("dependencies: {name}"), "unit": "s", "first_cell": samples.median(), "middle_half": [low, high],
            "added": added, "runs": rounds,
        }))?;
    }
    let added = |samples: &Samples| Format::Seconds.write((samples.median() - without).max(0.0));
    let caption = format!(
        "All of labsupport adds {} to a plain evcxr, crates compiled before, library sources as the labs have them. Medians of {rounds} \
         starts in turn, lines: the middle half; measured on {}.",
        samples.last().map_or_else(String::new, added),
        machine()
    );
    bench.figure("dependencies", &figure.caption(caption))
}

/// Each line below `[dependencies]`.
fn dependencies(manifest: &str) -> Vec<Crates> {
    let section = manifest
        .split("\n[dependencies]\n")
        .nth(1)
        .unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| Some((line.split_once(" = ")?.0.to_string(), format!("{line}\n"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_manifest_is_a_row() {
        let manifest = "[package]\nname = \"x\"\n\n[dependencies]\na = \"1\"\nb = { version = \"2\" }\n\n[dev-dependencies]\nc = \"3\"\n";
        let [a, b] = &dependencies(manifest)[..] else {
            panic!("two rows");
        };
        assert_eq!(a, &("a".to_string(), "a = \"1\"\n".to_string()));
        assert_eq!(b.0, "b");
    }
}
