//! The wheel: the test makes it, installs it into an environment of its own, and opens it as a user who has nothing else of the labs.
//!
//! A step of its own in `cargo labs test`, since it builds what a first cell needs anew. The packages of JupyterLab are those of the
//! checkout's environment. With `LABS_WHEEL=FILE` the wheel is not made; with `LABS_WHEEL_ALONE=1` pip brings all that it asks for.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Instant, SystemTime};

use labs::place::Place;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn must(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    said(&output)
}

/// Fills the folder `to` with links to the contents of `from`, so that a program takes them for its own. Folders are real ones down to
/// `depth`.
fn mirror(from: &Path, to: &Path, depth: usize) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let is_ours = ["kernels", "labs_keeper.py", "labs.json", "labextensions"]
            .iter()
            .any(|name| path.ends_with(name));
        if is_ours {
            continue; // it is the checkout's
        } else if depth > 0 && path.is_dir() {
            mirror(&path, &target, depth - 1);
        } else if !target.exists() {
            symlink(path, target).unwrap();
        }
    }
}

/// An environment with JupyterLab as pip would install it, in seconds.
fn environment(shared: &Path, own: &Path) {
    must(
        Command::new("python3")
            .args(["-m", "venv", "--without-pip"])
            .arg(own),
    );
    let folder = |venv: &Path| {
        let mut versions = fs::read_dir(venv.join("lib")).unwrap();
        versions
            .next()
            .unwrap()
            .unwrap()
            .path()
            .join("site-packages")
    };
    mirror(&folder(shared), &folder(own), 0);
    for part in ["share", "etc"] {
        mirror(&shared.join(part), &own.join(part), 3);
    }
    // The program begins with the name of its Python.
    let program = fs::read_to_string(shared.join("bin/jupyter-lab")).unwrap();
    let (_, rest) = program.split_once('\n').unwrap();
    let file = own.join("bin/jupyter-lab");
    fs::write(
        &file,
        format!("#!{}\n{rest}", own.join("bin/python").display()),
    )
    .unwrap();
    must(Command::new("chmod").arg("+x").arg(file));
}

/// A user who has the toolchain and what is in `bin`, and knows nothing of the checkout.
struct User {
    home: PathBuf,
    work: PathBuf,
    bin: PathBuf,
}

impl User {
    fn command(&self, program: &str) -> Command {
        let theirs = |name: &str, folder: &str| {
            let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(folder);
            std::env::var_os(name).map_or_else(home, PathBuf::from)
        };
        // Under cargo the search path has the toolchain's own folder, and no rustup.
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(self.bin.join(program));
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", path)
            .env("CARGO_HOME", theirs("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", theirs("RUSTUP_HOME", ".rustup"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(&self.work);
        command
    }
}

/// All files below `folder`, with the times of their last change.
fn files(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let about = fs::symlink_metadata(entry.path()).unwrap();
        if about.is_dir() {
            files.extend(self::files(&entry.path()));
        }
        files.insert(entry.path(), about.modified().unwrap());
    }
    files
}

/// The first file below `folder` in which the path of the checkout is.
fn naming(checkout: &Path, folder: &Path) -> Option<PathBuf> {
    let words = checkout.to_str().unwrap().as_bytes();
    let names = |bytes: &[u8]| bytes.windows(words.len()).any(|part| part == words);
    files(folder).into_keys().find(|file| {
        // Files that come and go while a kernel runs may be gone already.
        let link = fs::read_link(file).unwrap_or_default();
        names(link.as_os_str().as_encoded_bytes())
            || fs::read(file).is_ok_and(|bytes| names(&bytes))
    })
}

/// What each process that runs `program` has open, loaded and in its environment.
fn processes(program: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let process = entry.path();
        if fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program) {
            let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
            let open = fs::read_dir(process.join("fd"))
                .into_iter()
                .flatten()
                .flatten();
            let open = open.filter_map(|fd| fs::read_link(fd.path()).ok());
            let open: String = open.map(|path| format!("{}\n", path.display())).collect();
            let facts = [read("maps"), read("environ"), read("cmdline")].concat();
            found.push(open + &String::from_utf8_lossy(&facts));
        }
    }
    found
}

/// Ends it when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: a signal to a child that was not collected yet.
        unsafe { libc::kill(self.0.id() as i32, libc::SIGTERM) };
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "a step of its own: cargo labs test --only wheel"]
fn what_pip_has_installed_shows_a_figure_and_needs_no_checkout() {
    let checkout = Place::find().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let wheel = match std::env::var_os("LABS_WHEEL") {
        Some(wheel) => PathBuf::from(wheel),
        None => {
            let out = scratch.path().join("out");
            let labs = Command::new(env!("CARGO_BIN_EXE_labs"))
                .arg("wheel")
                .arg("--out")
                .arg(&out)
                .output()
                .unwrap();
            assert!(labs.status.success(), "{}", said(&labs));
            let wheel = fs::read_dir(out).unwrap().next().unwrap().unwrap().path();
            assert!(
                said(&labs).contains(&format!("pip install {}", wheel.display())),
                "{}",
                said(&labs)
            );
            wheel
        }
    };
    let name = wheel.file_name().unwrap().to_str().unwrap();
    assert!(
        name.contains("-py3-none-manylinux_2_") && name.ends_with(".whl"),
        "{name}"
    );

    let environment = scratch.path().join("environment");
    let began = Instant::now();
    if std::env::var_os("LABS_WHEEL_ALONE").is_some() {
        must(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(&environment),
        );
        must(
            Command::new(environment.join("bin/pip"))
                .args(["install", "--disable-pip-version-check"])
                .arg(&wheel),
        );
    } else {
        self::environment(&checkout.venv(), &environment);
        let pip = |arguments: &[&str]| {
            let mut pip = Command::new(checkout.venv().join("bin/python"));
            pip.args(["-m", "pip", "--disable-pip-version-check", "--python"]);
            pip.arg(environment.join("bin/python")).args(arguments);
            pip
        };
        must(pip(&["install", "--no-deps", "--no-index"]).arg(&wheel));
        must(&mut pip(&["check"])); // the wheel requires the versions that the labs pin
    }
    println!("installed after {:.1} s", began.elapsed().as_secs_f64());

    let user = User {
        home: scratch.path().join("home"),
        work: scratch.path().join("work"),
        bin: environment.join("bin"),
    };
    fs::create_dir(&user.home).unwrap();
    fs::create_dir(&user.work).unwrap();
    let labs = |arguments: &[&str]| user.command("labs").args(arguments).output().unwrap();
    let before = files(&environment);

    let help = labs(&["--help"]);
    assert!(
        !said(&help).contains("cargo") && !said(&help).contains("  bench"),
        "{}",
        said(&help)
    );
    let doctor = labs(&["doctor"]);
    assert!(doctor.status.success(), "{}", said(&doctor));
    assert!(
        said(&doctor).contains("installed, with the kernel")
            && !said(&doctor).contains("cargo labs"),
        "{}",
        said(&doctor)
    );
    let refused = [
        (vec!["test"], "needs a checkout"),
        (vec!["reset", "03"], "This folder is not a copy of the labs"),
    ];
    for (arguments, why) in refused {
        let output = labs(&arguments);
        assert!(
            !output.status.success() && said(&output).contains(why),
            "{}",
            said(&output)
        );
    }

    // Everything is made now, in the user's own folders.
    let began = Instant::now();
    let log = fs::File::create(scratch.path().join("log")).unwrap();
    let mut open = user.command("labs");
    open.args(["open", "--no-browser", "--port", "9450"])
        .stdout(Stdio::piped())
        .stderr(log);
    let mut server = Server(open.spawn().unwrap());
    let lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find(|line| line.contains("http://"));
    let address = address.unwrap_or_else(|| {
        panic!(
            "{}",
            fs::read_to_string(scratch.path().join("log")).unwrap()
        )
    });
    println!("address after {:.1} s", began.elapsed().as_secs_f64());
    assert!(
        address.contains("/lab/tree/00_start_here.ipynb?token="),
        "{address}"
    );
    let copy = user.work.join("coordination-labs");
    assert!(copy.join(".labs-copy").is_file() && copy.join("solutions").is_dir());

    let mut client = user
        .command("python")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wheel/figure.py"))
        .arg(address.trim())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert_eq!(lines.next().unwrap().split(' ').next_back(), Some("rust"));
    assert_eq!(lines.next().as_deref(), Some("figure"));
    println!("figure after {:.1} s", began.elapsed().as_secs_f64());

    // While the kernel runs, no part of it comes from the checkout.
    let home = user
        .home
        .join(format!(".cache/labs-{}", env!("CARGO_PKG_VERSION")));
    assert!(home.join("sessions").is_dir(), "{home:?}");
    assert_eq!(naming(&checkout.workspace, &user.home), None);
    assert_eq!(naming(&checkout.workspace, &copy), None);
    let words = checkout.workspace.to_str().unwrap();
    for program in ["labs", "labs-evcxr"] {
        let processes = processes(&environment.join("bin").join(program));
        assert!(!processes.is_empty(), "{program}");
        assert!(
            processes.iter().all(|process| !process.contains(words)),
            "{program}: {processes:?}"
        );
    }
    drop(client.stdin.take());
    let mut rest = String::new();
    client.wait().unwrap();
    lines.for_each(|line| rest += &line);
    assert_eq!(rest, "done");
    drop(server);

    // In the copy, commands act on the copy.
    fs::write(copy.join("03_check_frequency.ipynb"), "mine").unwrap();
    let reset = user
        .command("labs")
        .args(["reset", "03"])
        .current_dir(&copy)
        .output()
        .unwrap();
    assert!(reset.status.success(), "{}", said(&reset));
    assert_eq!(
        fs::read_to_string(copy.join("03_check_frequency-mine-1.ipynb")).unwrap(),
        "mine"
    );
    assert_eq!(
        files(&environment),
        before,
        "nothing is written into the environment"
    );
}
