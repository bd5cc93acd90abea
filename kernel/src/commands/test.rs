//! `cargo labs test`: every test there is, step by step.

use crate::environment;
use crate::environment::facts::first_line;
use crate::place::Place;
use anyhow::{Result, bail};
use clap::Args;
use std::process::Command;
use std::time::{Duration, Instant};

/// The options of `test`.
#[derive(Args)]
pub struct Test {
    /// Only the steps whose name contains this word
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// The long ones too: 10,000 random kills, Miri, sanitizers
    #[arg(long)]
    night: bool,
}

/// A command with a name.
struct Step {
    name: &'static str,
    /// The program and its arguments, as one would type them.
    command: &'static str,
    /// What it needs in its environment.
    settings: &'static [(&'static str, &'static str)],
    /// A command that fails where a program is missing, and what to do then. The step is skipped, and named.
    needs: Option<(&'static str, &'static str)>,
    night: bool,
}

const fn step(name: &'static str, command: &'static str) -> Step {
    Step {
        name,
        command,
        settings: &[],
        needs: None,
        night: false,
    }
}

impl Step {
    const fn with(mut self, settings: &'static [(&'static str, &'static str)]) -> Step {
        self.settings = settings;
        self
    }

    const fn if_there(mut self, needs: &'static str, advice: &'static str) -> Step {
        self.needs = Some((needs, advice));
        self
    }

    const fn at_night(mut self) -> Step {
        self.night = true;
        self
    }
}

/// The kernel's tests are built like the kernel itself, in release: evcxr takes minutes to build and is built once. clippy
/// leaves the kernel out for the same reason: it would check all of evcxr anew. What is built with other flags has a folder of its
/// own, or each would throw away what the other has built.
const STEPS: [Step; 17] = [
    step("format", "cargo fmt --all --check"),
    step(
        "supply chain",
        "cargo deny --offline --locked check bans licenses sources",
    )
    .if_there("cargo deny --version", "cargo install --locked cargo-deny"),
    step(
        "lint",
        "cargo clippy --package labsupport --package labs-data --package labs-bench --package labs-launcher --package labs-runtime --all-targets -- --deny warnings",
    ),
    step(
        "documentation",
        "cargo doc --package labsupport --no-deps",
    )
    .with(&[("RUSTDOCFLAGS", "--deny warnings")]),
    step("labsupport", "cargo test --package labsupport"),
    step(
        "model",
        "cargo test --manifest-path labsupport/model/Cargo.toml --locked --release --lib --target-dir target/model model::",
    )
    .with(&[("RUSTFLAGS", "--cfg loom")]),
    step("launcher", "cargo test --package labs-launcher"),
    step("data", "cargo test --package labs-data"),
    // Whether it measures at all; how fast things are is asked with `cargo labs bench`.
    step("bench", "cargo test --package labs-bench"),
    step("kernel", "cargo test --release --package labs --package labs-runtime --package labs-evcxr"),
    // Two users of a JupyterHub. It is installed the first time, below target/labs/hub.
    step(
        "hub",
        "cargo test --release --package labs --test server -- --ignored",
    ),
    // Runs every lab, and makes the pages that the browser looks at.
    step("notebooks", "cargo labs publish"),
    step("browser", "cargo test --release --package labs-browser").if_there(
        "sh deploy/doctor.sh browser",
        "`sh deploy/doctor.sh browser` names the packages",
    ),
    // What forks, opens sockets or waits for others cannot run there, and what is long takes hours. Miri errs on purpose in the last
    // digit of powers, which is not what is looked for.
    step(
        "miri",
        "cargo +nightly miri test --package labsupport --target-dir target/miri --lib -- shared:: figure::axis figure::bars figure::canvas \
         figure::dots lesson::amount lesson::predict manager::error manager::fuzz manager::ordered manager::types manager::frame::tests::arbitrary \
         manager::frame::tests::every manager::frame::tests::short measure::trace::event measure::trace::recording process::worker::",
    )
    .with(&[
        ("MIRIFLAGS", "-Zmiri-deterministic-floats -Zmiri-disable-isolation"),
        ("PROPTEST_CASES", "4"),
    ])
    .if_there("cargo +nightly miri --version", "rustup component add --toolchain nightly miri rust-src")
    .at_night(),
    step(
        "miri threads",
        "cargo +nightly miri test --package labsupport --target-dir target/miri --test threads",
    )
    .if_there("cargo +nightly miri --version", "rustup component add --toolchain nightly miri rust-src")
    .at_night(),
    step(
        "address sanitizer",
        "cargo +nightly test --target x86_64-unknown-linux-gnu --target-dir target/address --package labsupport --lib --test threads -- --skip who_never_reads",
    )
    // A worker leaves without freeing anything, which is no leak; and the sanitizer's own memory is not the server's.
    .with(&[("RUSTFLAGS", "-Zsanitizer=address"), ("ASAN_OPTIONS", "detect_leaks=0")])
    .if_there("rustc +nightly --version", "rustup toolchain install nightly")
    .at_night(),
    step(
        "thread sanitizer",
        "cargo +nightly test -Zbuild-std --target x86_64-unknown-linux-gnu --target-dir target/thread --package labsupport --test threads",
    )
    .with(&[("RUSTFLAGS", "-Zsanitizer=thread")])
    .if_there("cargo +nightly miri --version", "rustup component add --toolchain nightly miri rust-src")
    .at_night(),
];

/// How a step ended.
enum Ending {
    Passed(Duration),
    Failed(Duration),
    /// What to do so that it is not skipped the next time.
    Skipped(&'static str),
}

impl Test {
    /// Runs the steps, all of them even if one fails, and ends with a line that counts them.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        environment::set_up(&place)?;
        let wanted = |step: &&Step| match &self.only {
            Some(word) => step.name.contains(word.as_str()),
            None => self.night || !step.night,
        };
        let mut endings = Vec::new();
        for step in STEPS.iter().filter(wanted) {
            println!("\n── {}: {}", step.name, step.command);
            endings.push((step.name, self.ending(&place, step)));
        }
        println!();
        for (name, ending) in &endings {
            match ending {
                Ending::Passed(elapsed) => {
                    println!("ok       {name:<18} {:>6.1} s", elapsed.as_secs_f64());
                }
                Ending::Failed(elapsed) => {
                    println!("FAILED   {name:<18} {:>6.1} s", elapsed.as_secs_f64());
                }
                Ending::Skipped(advice) => println!("skipped  {name:<18} to run it: {advice}"),
            }
        }
        let count =
            |which: fn(&Ending) -> bool| endings.iter().filter(|(_, ending)| which(ending)).count();
        let failed = count(|ending| matches!(ending, Ending::Failed(_)));
        println!(
            "\nsteps: {} passed, {failed} failed, {} skipped",
            count(|ending| matches!(ending, Ending::Passed(_))),
            count(|ending| matches!(ending, Ending::Skipped(_)))
        );
        match failed {
            0 if endings.is_empty() => bail!("No step's name contains that word."),
            0 => Ok(()),
            _ => bail!("The steps marked FAILED above did not pass."),
        }
    }

    fn ending(&self, place: &Place, step: &Step) -> Ending {
        if let Some((needs, advice)) = step.needs
            && first_line(&mut words(place, needs)).is_err()
        {
            return Ending::Skipped(advice);
        }
        let start = Instant::now();
        let mut command = words(place, step.command);
        command.envs(step.settings.iter().copied());
        if self.night {
            command.env("LABS_NIGHT", "1");
        }
        let passed = command.status().is_ok_and(|status| status.success());
        if passed {
            Ending::Passed(start.elapsed())
        } else {
            Ending::Failed(start.elapsed())
        }
    }
}

/// A command of words with single spaces between them.
fn words(place: &Place, command: &str) -> Command {
    let mut words = command.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(&place.workspace);
    command
}
