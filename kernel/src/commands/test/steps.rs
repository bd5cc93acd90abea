//! The steps of `cargo labs test`, each a command that can be run by itself.

/// Steps of one lane run one after the other, beside those of the other lane.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Lane {
    /// The sources, the crates, and then what a user opens: the wheel, a hub, the browser.
    Source,
    /// The kernel and the notebooks, which take as long as all of that.
    Kernel,
}

/// A command with a name.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub name: &'static str,
    /// The program and its arguments, as a person would type them.
    pub command: &'static str,
    pub lane: Lane,
    /// The environment variables that it needs.
    pub settings: &'static [(&'static str, &'static str)],
    /// A command that fails if a program is missing, and what to do about that. The step is skipped, and named.
    pub needs: Option<(&'static str, &'static str)>,
    pub night: bool,
    /// Whether it measures, so that nothing may run beside it.
    pub alone: bool,
    /// Whether it needs what the set-up makes, although it is in the other lane.
    pub after_set_up: bool,
}

pub(super) const fn step(name: &'static str, command: &'static str) -> Step {
    Step {
        name,
        command,
        lane: Lane::Source,
        settings: &[],
        needs: None,
        night: false,
        alone: false,
        after_set_up: false,
    }
}

impl Step {
    const fn with(mut self, settings: &'static [(&'static str, &'static str)]) -> Step {
        self.settings = settings;
        self
    }

    pub(super) const fn if_there(mut self, needs: &'static str, advice: &'static str) -> Step {
        self.needs = Some((needs, advice));
        self
    }

    pub(super) const fn after_set_up(mut self) -> Step {
        self.after_set_up = true;
        self
    }

    const fn at_night(mut self) -> Step {
        self.night = true;
        self
    }

    pub(super) const fn alone(mut self) -> Step {
        self.alone = true;
        self
    }

    pub(super) const fn with_kernels(mut self) -> Step {
        self.lane = Lane::Kernel;
        self
    }

    /// Whether it can only run after [`SET_UP`].
    pub(super) fn needs_set_up(&self) -> bool {
        self.after_set_up || self.lane == Lane::Kernel
    }
}

/// What tells whether there is a browser, and what to do where there is none.
const BROWSER: (&str, &str) = (
    "sh deploy/doctor.sh browser",
    "`sh deploy/doctor.sh browser` names the packages",
);

/// What kernels need, and what `cargo labs setup` makes. It comes before the first step that starts one.
pub(super) const SET_UP: Step = step("setup", "cargo labs setup").with_kernels();

/// The kernel's tests are built like the kernel itself, in release: evcxr takes minutes to build, and should be built only once. For the
/// same reason clippy leaves the kernel out: it would check all of evcxr again. Steps name the same packages as far as they can, since Cargo
/// builds a dependency again where another choice of packages asks for other features of it. Builds with other flags have a folder of their
/// own; otherwise each build would throw away the other's results.
pub(super) const STEPS: [Step; 22] = [
    // Some tests call cargo without a network, and steps that run beside each other should not wait for each other's downloads.
    step("downloads", "cargo fetch --locked").with_kernels(),
    step("format", "cargo fmt --all --check"),
    step(
        "supply chain",
        "cargo deny --offline --locked check bans licenses sources",
    )
    .if_there("cargo deny --version", "cargo install --locked cargo-deny"),
    step(
        "lint",
        "cargo clippy --package labsupport --package labsupport-faults --package manager --package broker --package broker-tls --package figures --package lessons --package labs-data --package labs-bench --package labs-launcher --package labs-runtime --all-targets -- --deny warnings",
    ),
    step(
        "documentation",
        "cargo doc --package labsupport --package manager --package broker --package figures --package lessons --no-deps",
    )
    .with(&[("RUSTDOCFLAGS", "--deny warnings")]),
    step(
        "model",
        "cargo test --manifest-path labsupport/model/Cargo.toml --locked --release --lib --target-dir target/model model::",
    )
    .with(&[("RUSTFLAGS", "--cfg loom")]),
    // Lab 06's tests start the server that the set-up has installed.
    step(
        "crates",
        "cargo test --package labsupport --package labsupport-faults --package manager --package broker --package broker-tls --package figures --package lessons --package labs-data --package labs-launcher --no-fail-fast",
    )
    .after_set_up(),
    // Installs what `cargo labs wheel` makes, and opens it as a user who has no checkout.
    step("wheel", "cargo test --release --package labs --package labs-runtime --package labs-evcxr --test kernel wheel:: -- --ignored")
        .after_set_up(),
    // Two users of a JupyterHub. It is installed the first time, below target/labs/hub.
    step("hub", "cargo test --release --package labs --package labs-runtime --package labs-evcxr --test kernel server:: -- --ignored")
        .after_set_up(),
    step("browser", "cargo test --package labs-browser -- --skip published::")
        .if_there(BROWSER.0, BROWSER.1)
        .after_set_up(),
    step("kernel", "cargo test --release --package labs --package labs-runtime --package labs-evcxr --no-fail-fast").with_kernels(),
    // Runs every lab. The next step looks at the pages that this one writes, and at the notebooks with their outputs.
    step("notebooks", "cargo labs publish --save target/labs/executed").with_kernels(),
    step("pages", "cargo test --package labs-browser -- published::")
        .if_there(BROWSER.0, BROWSER.1)
        .with_kernels(),
    // That it measures at all; `cargo labs bench` says how fast things are. To build its peers takes a minute.
    step("bench", "cargo test --package labs-bench")
        .after_set_up()
        .at_night(),
    step("other programs", "cargo test --release --package labs --package labs-runtime --package labs-evcxr --test kernel versions:: -- --ignored")
        .with_kernels()
        .at_night(),
    // nbgrader is installed the first time, below target/labs/nbgrader.
    step("nbgrader", "cargo test --release --package labs --package labs-runtime --package labs-evcxr --test kernel grading:: -- --ignored")
        .with_kernels()
        .at_night(),
    // The appendix of lab 06. Its environment is installed the first time, below target/labs/celery.
    step("celery and kafka", "cargo test --release --package labs --package labs-runtime --package labs-evcxr --test kernel peers:: -- --ignored")
        .with_kernels()
        .at_night(),
    step("every lab live", "cargo test --package labs-browser -- --ignored")
        .if_there(BROWSER.0, BROWSER.1)
        .with_kernels()
        .alone()
        .at_night(),
    // Miri cannot run tests that fork, open sockets or wait for other processes, and long tests would take hours. By default Miri also errs
    // on purpose in the last digit of powers, which these tests are not about.
    step(
        "miri",
        "cargo +nightly miri test --package labsupport --package manager --package figures --package lessons --target-dir target/miri --lib -- shared:: process::worker:: \
         axis:: bars:: canvas:: dots:: trace::event trace::recording amount:: predict:: error:: fuzz:: ordered:: types:: \
         frame::tests::arbitrary frame::tests::every frame::tests::short",
    )
    .with(&[
        ("MIRIFLAGS", "-Zmiri-deterministic-floats -Zmiri-disable-isolation"),
        ("PROPTEST_CASES", "4"),
    ])
    .if_there("cargo +nightly miri --version", "rustup component add --toolchain nightly miri rust-src")
    .at_night(),
    step(
        "miri threads",
        "cargo +nightly miri test --package labsupport --target-dir target/miri --test threads --test queue",
    )
    .if_there("cargo +nightly miri --version", "rustup component add --toolchain nightly miri rust-src")
    .at_night(),
    step(
        "address sanitizer",
        "cargo +nightly test --target x86_64-unknown-linux-gnu --target-dir target/address --package labsupport --lib --test threads --test queue --test barrier -- --skip who_never_reads",
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

/// The steps that find most mistakes while you work, on a machine where everything is built.
pub(super) const QUICK: [Step; 7] = [
    step("format", "cargo fmt --all --check"),
    step(
        "lint",
        "cargo clippy --package labsupport --package labsupport-faults --package manager --package broker --package broker-tls --package figures --package lessons --package labs-data --package labs-bench --package labs-launcher --package labs-runtime --all-targets -- --deny warnings",
    ),
    step(
        "crates of cells",
        "cargo test --package labsupport --package manager --package broker --package figures --package lessons --lib",
    ),
    step("launcher", "cargo test --package labs-launcher"),
    step("kernel units", "cargo test --release --package labs --package labs-runtime --package labs-evcxr --lib").with_kernels(),
    // A cell, an error, a figure.
    step(
        "smoke",
        "cargo test --release --package labs --package labs-runtime --package labs-evcxr --test kernel -- --test-threads=1 front::errors_are front::every_figure",
    )
    .with_kernels(),
    step("lab", "cargo labs check notebooks/00_start_here.ipynb").with_kernels(),
];
