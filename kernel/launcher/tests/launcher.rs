//! The launcher on machines that lack something: the checkout and the tools are stand-ins, so nothing is built and nothing is downloaded.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// The list of checks, as it is run without a compiler.
const DOCTOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/doctor.sh");

/// A checkout, a toolchain and a search path that hold stand-ins.
struct Machine {
    folder: PathBuf,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A machine that has everything, and on which nothing was built.
fn machine(name: &str) -> Machine {
    let folder = std::env::temp_dir().join(format!("labs-launcher-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let machine = Machine { folder };
    for (file, text) in [
        (
            "checkout/rust-toolchain.toml",
            "[toolchain]\nchannel = \"1.95.0\"\n",
        ),
        ("checkout/Cargo.toml", ""),
        ("checkout/Cargo.lock", ""),
        ("checkout/kernel/launcher/Cargo.toml", ""),
        ("checkout/kernel/src/main.rs", ""),
        ("checkout/kernel/evcxr/src/main.rs", ""),
        ("checkout/notebooks/requirements.txt", "jupyterlab==4\n"),
        (
            "rustup/toolchains/stable/lib/rustlib/src/rust/library/std/src/lib.rs",
            "",
        ),
    ] {
        machine.write(file, text);
    }
    fs::create_dir_all(machine.path("checkout/target/debug")).unwrap();
    {
        let _no_fork = forks();
        fs::copy(env!("CARGO_BIN_EXE_labs-launcher"), machine.launcher()).unwrap();
    }
    // The channel's name is a link, as where a toolchain was installed as `stable`.
    symlink(
        machine.path("rustup/toolchains/stable"),
        machine.path("rustup/toolchains/1.95.0"),
    )
    .unwrap();
    fs::create_dir_all(machine.path("tools")).unwrap();
    for tool in [
        "sh", "cat", "chmod", "cp", "df", "dirname", "env", "mkdir", "nproc", "rm", "sleep",
    ] {
        symlink(which(tool), machine.path("tools").join(tool)).unwrap();
    }
    machine.tool(
        "rustc",
        &format!(
            "case $* in *sysroot*) echo {};; *) echo 'rustc 1.95.0 (59807616e 2026-04-14)';; esac",
            machine.path("rustup/toolchains/1.95.0").display()
        ),
    );
    machine.tool(
        "cc",
        "case $1 in -print*) echo /usr/lib/crt1.o;; *) echo 'cc 12';; esac",
    );
    // The network check prints what cannot be reached; `-m venv` makes a folder with another Python in it.
    machine.tool(
        "python3",
        "case $* in *venv\\ */*) mkdir -p \"$3/bin\"; cp \"$0\" \"$3/bin/python\";; *version_info*) echo 3.11.2;; esac",
    );
    // Builds a kernel that shows what it is given.
    machine.tool(
        "cargo",
        &format!(
            r#"case $1 in
            --version) echo cargo 1.95.0;;
            build)
                echo build >>{0}/log
                mkdir -p {0}/checkout/target/release
                cat >{0}/checkout/target/release/labs <<'END'
#!/bin/sh
echo "labs $$: $*"
exit 7
END
                chmod +x {0}/checkout/target/release/labs
                echo "labs: {0}/checkout/kernel/src/main.rs" >{0}/checkout/target/release/labs.d
                : >{0}/checkout/target/release/labs-evcxr
                echo "labs-evcxr: {0}/checkout/kernel/evcxr/src/main.rs" >{0}/checkout/target/release/labs-evcxr.d
                printf '    Building [=> ] 1/2: labs\r' >&2
                echo '{{"reason":"compiler-artifact","target":{{"name":"labs"}},"fresh":false}}';;
            esac"#,
            machine.folder.display()
        ),
    );
    machine
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap()
}

impl Machine {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn launcher(&self) -> PathBuf {
        self.path("checkout/target/debug/labs-launcher")
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.path(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let _no_fork = forks();
        fs::write(&file, text).unwrap();
        // A file that is as old as the build may have changed during it, and file systems count time in steps.
        let file = fs::File::options().append(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600))
            .unwrap();
    }

    /// Puts a stand-in on the search path.
    fn tool(&self, name: &str, text: &str) {
        let file = self.path("tools").join(name);
        let _ = fs::remove_file(&file);
        let _no_fork = forks();
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn without(&self, name: &str) {
        fs::remove_file(self.path("tools").join(name)).unwrap();
    }

    fn without_sources(&self) {
        fs::remove_dir_all(self.path("rustup/toolchains/stable/lib/rustlib/src")).unwrap();
    }

    /// `program` with this machine's environment.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", self.path("tools"))
            .env("CARGO_MANIFEST_DIR", self.path("checkout/kernel/launcher"))
            .env("RUSTUP_HOME", self.path("rustup"))
            .current_dir(&self.folder);
        command
    }

    fn labs(&self, arguments: &[&str]) -> Output {
        self.command(self.launcher()).args(arguments).run()
    }

    /// What the launcher says where it stops before it builds.
    fn stops(&self) -> String {
        let output = self.labs(&["open"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(self.builds(), 0, "{said}");
        assert!(said.contains("Nothing was built yet"), "{said}");
        said
    }

    fn builds(&self) -> usize {
        fs::read_to_string(self.path("log"))
            .unwrap_or_default()
            .lines()
            .count()
    }
}

/// Tests run beside each other in one process. A fork of one while another writes a program would leave that file open for writing in the
/// child, until that has started its own program; and a file that is open for writing cannot be run.
fn forks() -> MutexGuard<'static, ()> {
    static FORKS: Mutex<()> = Mutex::new(());
    FORKS.lock().unwrap_or_else(PoisonError::into_inner)
}

trait Run {
    /// Starts it while nobody writes a program; its output is kept.
    fn begin(&mut self) -> Child;

    /// And waits for its end.
    fn run(&mut self) -> Output {
        self.begin().wait_with_output().unwrap()
    }
}

impl Run for Command {
    fn begin(&mut self) -> Child {
        self.stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let _forks = forks();
        self.spawn().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn it_builds_once_and_hands_over_what_it_was_given() {
    let machine = machine("hands-over");
    for _ in 0..2 {
        let child = machine
            .command(machine.launcher())
            .args(["reset", "a b", "--x"])
            .begin();
        // The kernel is the same process, so a signal to the launcher reaches it.
        let expected = format!("labs {}: reset a b --x\n", child.id());
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stdout), expected, "{}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(7));
    }
    assert_eq!(machine.builds(), 1, "nothing has changed");
}

#[test]
fn it_builds_again_what_has_changed() {
    for changed in [
        "checkout/kernel/src/main.rs",
        "checkout/kernel/evcxr/src/main.rs",
        "checkout/Cargo.toml",
        "checkout/Cargo.lock",
        "checkout/rust-toolchain.toml",
    ] {
        let machine = machine("changed");
        machine.labs(&["reset"]);
        // Later than the build began, however coarse the clock's steps are.
        let later = fs::metadata(machine.path("checkout/target/release/labs.built"))
            .unwrap()
            .modified()
            .unwrap()
            + Duration::from_secs(1);
        let file = fs::File::options()
            .append(true)
            .open(machine.path(changed))
            .unwrap();
        file.set_modified(later).unwrap();
        machine.labs(&["reset"]);
        assert_eq!(machine.builds(), 2, "{changed}");
    }
}

#[test]
fn a_missing_linker_is_named_with_its_package() {
    let machine = machine("linker");
    machine.without("cc");
    for (system, package) in [
        ("ID=debian", "Run: sudo apt install gcc libc6-dev"),
        (
            "ID=linuxmint\nID_LIKE=\"ubuntu debian\"",
            "Run: sudo apt install gcc libc6-dev",
        ),
        ("ID=fedora", "Run: sudo dnf install gcc"),
        (
            "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
            "Run: sudo dnf install gcc",
        ),
        ("ID=arch", "Run: sudo pacman -S gcc"),
        (
            "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"",
            "Run: sudo zypper install gcc",
        ),
        (
            "ID=plan9",
            "Install a C compiler with your system's package manager",
        ),
    ] {
        machine.write("os-release", system);
        let output = machine
            .command(machine.launcher())
            .arg("open")
            .env("LABS_OS_RELEASE", machine.path("os-release"))
            .run();
        let said = text(&output.stderr);
        assert!(
            said.contains("C linker: there is no `cc`, and rustc links with it. "),
            "{said}"
        );
        assert!(said.contains(package), "{system}: {said}");
    }
    assert_eq!(machine.builds(), 0);
}

#[test]
fn a_linker_without_the_c_library_is_named() {
    let machine = machine("crt1");
    machine.tool(
        "cc",
        "case $1 in -print*) echo crt1.o;; *) echo cc 12;; esac",
    );
    let said = machine.stops();
    assert!(said.contains("the C library's crt1.o"), "{said}");
}

#[test]
fn a_missing_python_or_venv_is_named_with_its_package() {
    let machine = machine("python");
    machine.write("os-release", "ID=ubuntu");
    // As Debian's python3 without python3-venv: it runs, but has no ensurepip.
    machine.tool(
        "python3",
        "case $2 in *ensurepip*) exit 1;; *version*) echo 3.11.2;; esac",
    );
    let said = |machine: &Machine| {
        let output = machine
            .command(machine.launcher())
            .arg("open")
            .env("LABS_OS_RELEASE", machine.path("os-release"))
            .run();
        text(&output.stderr)
    };
    let venv = said(&machine);
    assert!(
        venv.contains("Python 3.11.2 cannot make environments")
            && venv.contains("sudo apt install python3-venv"),
        "{venv}"
    );
    machine.without("python3");
    let python = said(&machine);
    assert!(
        python.contains("Python: there is no `python3`, and JupyterLab runs on it. Run: sudo apt install python3 python3-venv"),
        "{python}"
    );
    machine.tool("python3", "echo '3.8.10 old'");
    assert!(said(&machine).contains("Python 3.8.10: JupyterLab needs 3.10 or newer"));
    assert_eq!(machine.builds(), 0);
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let machine = machine("all");
    machine.without("cc");
    machine.without("python3");
    let said = machine.stops();
    assert!(
        said.contains("C linker: ") && said.contains("Python: "),
        "{said}"
    );
}

#[test]
fn a_program_that_fails_is_quoted() {
    for (program, name) in [("rustc", "Rust"), ("cc", "C linker"), ("python3", "Python")] {
        let machine = machine(&format!("quoted-{program}"));
        machine.tool(program, "echo 'it is broken' >&2; exit 1");
        let said = machine.stops();
        let expected = format!("{name}: `{program}` fails and says: it is broken");
        assert!(said.contains(&expected), "{said}");
    }
}

/// What a stand-in for rustup does to add the sources to `toolchain`.
fn adding(toolchain: &Path) -> String {
    let std = toolchain.join("lib/rustlib/src/rust/library/std/src");
    format!("mkdir -p {0}; echo >{0}/lib.rs", std.display())
}

/// The machine builds with this rustup, though its toolchain came without sources.
fn mends(name: &str, rustup: impl Fn(&Machine) -> String) {
    let machine = machine(name);
    machine.without_sources();
    machine.tool("rustup", &rustup(&machine));
    let output = machine.labs(&["reset"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert_eq!(machine.builds(), 1, "{said}");
    let sources = machine.path("rustup/toolchains/stable/lib/rustlib/src/rust/library/std/src");
    assert!(sources.join("lib.rs").is_file());
    assert!(!machine.path("checkout/target/labs/rustup.new").exists());
}

#[test]
fn missing_sources_are_added() {
    mends("component", |machine| {
        let add = adding(&machine.path("rustup/toolchains/stable"));
        format!("[ \"$*\" = 'component add rust-src' ] || exit 1; {add}")
    });
}

#[test]
fn missing_sources_are_added_to_the_toolchain_behind_a_link() {
    mends("linked", |machine| {
        let add = adding(&machine.path("rustup/toolchains/stable"));
        format!("[ \"$*\" = 'component add rust-src --toolchain stable' ] || exit 1; {add}")
    });
}

#[test]
fn missing_sources_are_fetched_where_rustup_does_not_know_the_toolchain() {
    mends("fetched", |machine| {
        let fetched = machine.path("checkout/target/labs/rustup.new");
        let add = adding(&fetched.join("toolchains/1.95.0-x"));
        format!(
            "case \"$RUSTUP_HOME $*\" in '{} toolchain install 1.95.0 '*) {add};; \
             *) echo 'error: Missing manifest in toolchain' >&2; exit 1;; esac",
            fetched.display()
        )
    });
}

#[test]
fn sources_that_cannot_be_added_stop_it_with_what_rustup_said() {
    let machine = machine("refused");
    machine.without_sources();
    machine.tool(
        "rustup",
        "echo 'error: the network is not there' >&2; exit 1",
    );
    let said = machine.stops();
    assert!(
        said.contains("rustup says: error: the network is not there"),
        "{said}"
    );
    machine.without("rustup");
    let said = machine.stops();
    assert!(
        said.contains("Rust's sources: ") && said.contains("rustup"),
        "{said}"
    );
}

#[test]
fn a_missing_toolchain_is_named_with_its_command() {
    let machine = machine("toolchain");
    machine.tool(
        "rustc",
        "echo \"error: toolchain '1.95.0' is not installed\" >&2; exit 1",
    );
    assert!(
        machine
            .stops()
            .contains("Run: rustup toolchain install 1.95.0")
    );
}

#[test]
fn the_doctor_builds_nothing() {
    let machine = machine("doctor");
    let output = machine.labs(&["doctor"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}");
    for name in [
        "Cores",
        "Memory",
        "Shared memory",
        "Rust",
        "Rust's sources",
        "C linker",
        "Python",
        "Disk",
        "Network",
        "Kernel",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
    machine.without("cc");
    let output = machine.labs(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("PROBLEM  C linker"));
    assert!(text(&output.stderr).contains("1 problem stops the labs"));
    assert_eq!(machine.builds(), 0);
}

#[test]
fn the_doctor_is_the_kernels_once_that_is_built() {
    let machine = machine("its-doctor");
    machine.labs(&["reset"]);
    let output = machine.labs(&["doctor"]);
    assert!(text(&output.stdout).ends_with(": doctor\n"));
}

#[test]
fn the_script_alone_says_the_same() {
    let machine = machine("script");
    machine.without("cc");
    let script = |arguments: &[&str]| {
        machine
            .command(machine.path("tools/sh"))
            .arg(DOCTOR)
            .args(arguments)
            .env("LABS_WORKSPACE", machine.path("checkout"))
            .env("LABS_OS_RELEASE", machine.path("os-release"))
            .run()
    };
    machine.write("os-release", "ID=debian");
    let output = script(&["linker"]);
    assert_eq!(output.status.code(), Some(1));
    let doctor = machine
        .command(machine.launcher())
        .arg("doctor")
        .env("LABS_OS_RELEASE", machine.path("os-release"))
        .run();
    assert!(text(&doctor.stdout).contains(&text(&output.stdout)));
    // A program that installs packages by itself needs only their names.
    let output = script(&["--packages", "linker", "browser"]);
    assert_eq!(
        text(&output.stdout),
        "gcc libc6-dev chromium chromium-driver npm\n"
    );
}

#[test]
fn a_missing_browser_is_named_with_its_package() {
    let machine = machine("browser");
    machine.write("os-release", "ID=debian");
    let browser = || {
        let output = machine
            .command(machine.path("tools/sh"))
            .args([DOCTOR, "browser"])
            .env("LABS_WORKSPACE", machine.path("checkout"))
            .env("LABS_OS_RELEASE", machine.path("os-release"))
            .run();
        (text(&output.stdout), output.status.success())
    };
    for missing in ["chromium", "chromedriver", "npm"] {
        machine.tool("npm", "echo 11");
        machine.tool("chromium", "echo Chromium 156");
        machine.tool("chromedriver", "echo ChromeDriver 156");
        assert!(browser().1, "{}", browser().0);
        machine.without(missing);
        let (said, fine) = browser();
        assert!(!fine);
        assert!(
            said.contains(&format!("there is no `{missing}`"))
                && said.contains("sudo apt install chromium chromium-driver npm"),
            "{said}"
        );
    }
}

#[test]
fn what_cannot_be_reached_is_a_warning() {
    let machine = machine("network");
    machine.tool(
        "python3",
        "case $* in *urlopen*) echo index.crates.io;; *version_info*) echo 3.11.2;; esac",
    );
    let output = machine.labs(&["doctor"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "a mirror may be there: {said}");
    assert!(
        said.contains("warning  Network         index.crates.io cannot be reached"),
        "{said}"
    );
}

#[test]
fn a_build_that_fails_says_what_to_do() {
    for (error, advice) in [
        (
            "process didn't exit successfully (signal: 9, SIGKILL: kill)",
            "CARGO_BUILD_JOBS=1",
        ),
        (
            "rust-lld: error: No space left on device",
            "The disk is full",
        ),
        (
            "error: failed to download from `https://index.crates.io`",
            "Check the network",
        ),
        ("error[E0308]: mismatched types", "could not be built"),
    ] {
        let machine = machine("fails");
        machine.tool(
            "cargo",
            &format!(
                "[ $1 = build ] || exit 0; cat >&2 <<'END'\n   Compiling x\n{error}\nEND\nexit 101"
            ),
        );
        let output = machine.labs(&["reset"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(error) && said.contains(advice), "{said}");
        assert!(!said.contains("Compiling"), "{said}");
    }
}

#[test]
fn python_is_set_up_while_the_kernel_is_built() {
    let machine = machine("venv");
    let output = machine.labs(&["setup"]);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    let installed = machine.path("checkout/target/labs/venv/labs-requirements.txt");
    assert_eq!(fs::read_to_string(installed).unwrap(), "jupyterlab==4\n");
}

#[test]
fn a_python_that_cannot_be_set_up_ends_the_build() {
    let machine = machine("pip");
    // A build that would never end.
    machine.tool("cargo", "[ $1 = build ] || exit 0; exec sleep 100000");
    machine.tool(
        "python3",
        "case $* in *pip\\ install*) echo 'no matching distribution' >&2; exit 1;; *-m\\ venv*) mkdir -p \"$3/bin\"; \
         cp \"$0\" \"$3/bin/python\";; *version_info*) echo 3.11.2;; esac",
    );
    let output = machine.labs(&["setup"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("The Python packages cannot be installed")
            && said.contains("no matching distribution"),
        "{said}"
    );
}
