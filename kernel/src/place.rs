//! Where things are: the checkout, and the folder with everything that is made from it.

use anyhow::{Context, Result, bail};
use labs_launcher::{broker, venv};
use rustix::fs::Access;
use std::borrow::Cow;
use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The environment variable with the folder of the student's notebooks, if those are a copy; `--copy-to` sets it.
pub const COPY: &str = "LABS_COPY";

/// The name of the file that marks a folder as a copy of the labs, and says which labs it is a copy of.
pub const COPY_FILE: &str = ".labs-copy";

/// The folder, below the current one, in which `labs open` makes that copy if the labs were installed from a wheel.
pub const FIRST_COPY: &str = "coordination-labs";

/// The name of the journal.
pub const JOURNAL_FILE: &str = ".journal.tsv";

/// The name of the file that distinguishes labs installed from a wheel from a checkout.
pub const WHEEL_FILE: &str = "wheel.txt";

/// Where a wheel puts the labs, below the environment that it is installed into.
pub const INSTALLED: &str = "share/labs";

/// The name of the message broker's server among the programs of the environment into which a wheel installs the labs.
pub const BROKER: &str = "labs-broker";

/// A part of the name of each student's notebook that `labs reset` has kept.
pub const MINE: &str = "-mine-";

/// The folders that the labs live in.
///
/// `LABS_WORKSPACE` says where the checkout is, if it is not the one that this program was built from. `LABS_HOME` says where to keep the
/// things that the labs make: the Python environment, the template, the sessions. The default is `target/labs`. Both folders may be
/// read-only once everything is made; short-lived files are then in a temporary folder of this user's.
///
/// A program that was installed from a wheel uses `share/labs` of that environment instead of a checkout, and never writes there. Its home
/// is `labs-VERSION` in the user's folder for caches.
#[derive(Clone, Debug)]
pub struct Place {
    /// The checkout.
    pub workspace: PathBuf,
    /// The things that were made from it.
    pub home: PathBuf,
}

impl Place {
    /// Finds the folders; makes none.
    pub fn find() -> Result<Place> {
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .map(Path::to_path_buf);
        let workspace = match std::env::var_os("LABS_WORKSPACE") {
            Some(workspace) => PathBuf::from(workspace),
            None => installed().or(built_from).unwrap_or_default(),
        };
        let config = workspace.join("notebooks/evcxr.toml");
        if !config.is_file() {
            bail!(
                "The labs are not where they were built: there is no {}. Run this from a checkout with `cargo labs`, or say \
                 with LABS_WORKSPACE=/path/to/checkout where it is now.",
                config.display()
            );
        }
        let home = match std::env::var_os("LABS_HOME") {
            Some(home) => std::path::absolute(home).context("LABS_HOME is not a path")?,
            None if is_installed(&workspace) => {
                cache()?.join(concat!("labs-", env!("CARGO_PKG_VERSION")))
            }
            None => workspace.join("target/labs"),
        };
        if home.starts_with(&workspace) && !home.starts_with(workspace.join("target")) {
            bail!(
                "LABS_HOME is {}, inside the checkout, and cargo would take what is there for a part of it. Choose a folder elsewhere, \
                 or one below {}.",
                home.display(),
                workspace.join("target").display()
            );
        }
        Ok(Place { workspace, home })
    }

    /// A program of the Rust toolchain that the checkout asks for. It runs in the checkout's folder, because there rustup chooses that
    /// toolchain.
    pub fn rust(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.workspace);
        command
    }

    /// The labs.
    pub fn notebooks(&self) -> PathBuf {
        self.workspace.join("notebooks")
    }

    /// The labs in order, and the lecture, without the copies that `labs reset` has made of a student's.
    pub fn labs(&self) -> Result<Vec<PathBuf>> {
        notebooks_in(&self.notebooks())
    }

    /// The Python environment that the labs were installed into from a wheel, if they were.
    pub fn environment(&self) -> Option<PathBuf> {
        let prefix = self.workspace.ancestors().nth(2)?;
        is_installed(&self.workspace).then(|| prefix.to_path_buf())
    }

    /// Fails if the labs were installed from a wheel, which lacks the sources that `command` works on.
    pub fn require_checkout(&self, command: &str) -> Result<()> {
        if is_installed(&self.workspace) {
            bail!(
                "`labs {command}` needs a checkout of the labs, and these were installed from a wheel: {} has no sources of the kernel.",
                self.workspace.display()
            );
        }
        Ok(())
    }

    /// The notebooks that the student works in: the labs themselves, or a copy. Where the labs were installed from a wheel, only
    /// a copy is the student's.
    pub fn students(&self) -> Result<PathBuf> {
        match copy() {
            Some(copy) => Ok(copy),
            None if is_installed(&self.workspace) => bail!(
                "This folder is not a copy of the labs. Change to the one that `labs open` made ({FIRST_COPY} unless you named another) and \
                 run this again; or name it with --folder."
            ),
            None => Ok(self.notebooks()),
        }
    }

    /// The journal, in which `labsupport` writes what a student has predicted and tried. It is beside the student's notebooks, so that it
    /// moves and disappears together with them.
    pub fn journal(&self) -> PathBuf {
        self.students()
            .unwrap_or_else(|_| self.home.clone()) // for a notebook elsewhere
            .join(JOURNAL_FILE)
    }

    /// Whether the home can only be read, so that nothing can be added to it.
    pub fn is_read_only(&self) -> bool {
        let refused = rustix::fs::access(&self.home, Access::WRITE_OK).is_err();
        // If there is no home yet, it will be made.
        refused && self.home.is_dir()
    }

    /// The folder for this user's short-lived files.
    fn passing(&self) -> PathBuf {
        if self.is_read_only() {
            std::env::temp_dir().join(format!("labs-{}", user()))
        } else {
            self.home.clone()
        }
    }

    /// The Python environment with JupyterLab: the one that the labs were installed into from a wheel, as long as it has the versions
    /// that came with them; else one that is made.
    pub fn venv(&self) -> PathBuf {
        self.environment()
            .filter(|environment| venv::holds(environment, &self.requirements()))
            .unwrap_or_else(|| self.home.join("venv"))
    }

    /// Which Python packages the labs need.
    pub fn requirements(&self) -> PathBuf {
        self.notebooks().join("requirements.txt")
    }

    /// The folder with the message broker's server, if it is not one of the environment's programs.
    pub fn broker_folder(&self) -> PathBuf {
        self.home.join("broker")
    }

    /// The message broker's server: in the environment that the labs were installed into from a wheel, or one that setup has installed.
    pub fn broker(&self) -> PathBuf {
        let given = self
            .environment()
            .map(|environment| environment.join("bin").join(BROKER));
        given
            .filter(|program| program.is_file())
            .unwrap_or_else(|| self.broker_folder().join(broker::PROGRAM))
    }

    /// Which package has the message broker's server.
    pub fn broker_requirements(&self) -> PathBuf {
        self.notebooks().join("broker.txt")
    }

    /// Where JupyterLab keeps its own files, so that it touches none of the user's. If there is a copy of the notebooks, this is beside it,
    /// because the copy is the student's and stays.
    pub fn jupyter(&self) -> PathBuf {
        match copy() {
            Some(copy) => copy.join(".jupyter"),
            None => self.passing().join("jupyter"),
        }
    }

    /// The trimmed sources of the standard library.
    pub fn rust_src(&self) -> PathBuf {
        self.home.join("rust-src")
    }

    /// The compile directory that every session starts from a copy of.
    pub fn template(&self) -> PathBuf {
        plain(self.home.clone()).join("template")
    }

    /// The cells that were compiled before.
    pub fn cells(&self) -> PathBuf {
        plain(self.passing()).join("cells")
    }

    /// The directories of the running sessions.
    pub fn sessions(&self) -> PathBuf {
        plain(self.passing()).join("sessions")
    }
}

/// The folder with the labs, if this program was installed from a wheel.
fn installed() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let labs = program.parent()?.parent()?.join(INSTALLED);
    is_installed(&labs).then_some(labs)
}

fn is_installed(workspace: &Path) -> bool {
    workspace.join(WHEEL_FILE).is_file()
}

/// Whether this program was installed from a wheel.
pub fn is_from_wheel() -> bool {
    installed().is_some()
}

/// `text` with the commands that work here: without cargo if this program was installed from a wheel.
pub fn in_words(text: &str) -> Cow<'_, str> {
    match is_from_wheel() {
        true => Cow::Owned(without_cargo(text)),
        false => Cow::Borrowed(text),
    }
}

/// `text` for those who have the labs from a wheel: the program is called `labs` there.
pub fn without_cargo(text: &str) -> String {
    text.replace("cargo labs", "labs")
}

/// This user's folder for caches.
fn cache() -> Result<PathBuf> {
    let absolute = |name: &str| {
        let folder = std::env::var_os(name).map(PathBuf::from)?;
        folder.is_absolute().then_some(folder)
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".cache")))
        .context("The environment has no HOME. Set LABS_HOME to a folder where the labs can keep what they make")
}

/// A temporary folder, which is removed when dropped.
pub fn scratch() -> Result<TempDir> {
    tempfile::tempdir().with_context(|| {
        format!(
            "No temporary folder can be made in {}. Set TMPDIR to a folder that you may write to",
            std::env::temp_dir().display()
        )
    })
}

/// The notebooks in `folder`, in order, without the copies that `labs reset` has made of a student's.
pub fn notebooks_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let is_notebook = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".ipynb") && !name.contains(MINE)
    };
    let mut notebooks: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(is_notebook)
        .collect();
    notebooks.sort();
    Ok(notebooks)
}

/// The folder of the student's copy, where there is one: the copy that this process was told of, or the one in which it works.
fn copy() -> Option<PathBuf> {
    let told = std::env::var_os(COPY).filter(|copy| !copy.is_empty());
    told.map(PathBuf::from).or_else(copy_here)
}

/// The copy of the labs that the current folder is, or lies in. So a command acts on it from any terminal.
pub fn copy_here() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut folders = here.ancestors();
    folders
        .find(|folder| is_copy(folder))
        .map(Path::to_path_buf)
}

/// Whether `folder` is a copy of the labs, and this user's.
fn is_copy(folder: &Path) -> bool {
    let about = fs::symlink_metadata(folder.join(COPY_FILE));
    about.is_ok_and(|about| about.is_file() && about.uid() == user())
}

/// `folder`, or another place if evcxr could not compile in it: evcxr cuts a path at its first space and wants UTF-8.
fn plain(folder: PathBuf) -> PathBuf {
    let path = folder.to_str();
    if path.is_some_and(|path| !path.contains(char::is_whitespace)) {
        folder
    } else {
        PathBuf::from(format!("/var/tmp/labs-{}", user()))
    }
}

/// The number of the user that this process runs as; 0 is root.
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether the process at the other end of `stream` is this user's.
pub fn peer_is_us(stream: &UnixStream) -> bool {
    // rustix's call does not serve here: it expects a process number other than 0, but a process outside this container has the number 0.
    let mut peer = libc::ucred {
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: SO_PEERCRED writes one ucred, for which there is room, and no more than `size` bytes.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &mut size,
        )
    };
    result == 0 && peer.uid == user()
}

/// How many bytes can still be written to the file system in which `folder` lies, as far as it tells.
pub fn room(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some(about.f_bavail * about.f_frsize)
}

/// Writes a new file beside `file` and renames it, so that a full disk or a Ctrl-C leaves the old file or the new one, never half of one.
pub fn replace(file: &Path, contents: &[u8]) -> Result<()> {
    let above = file.parent().filter(|above| !above.as_os_str().is_empty());
    let folder = above.unwrap_or(Path::new("."));
    // Others may read it like any new file of this user's.
    let mut new = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .with_context(|| format!("{} cannot be written", folder.display()))?;
    new.write_all(contents)?;
    if let Ok(old) = fs::metadata(file) {
        fs::set_permissions(new.path(), old.permissions())?;
    }
    new.persist(file)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(())
}

/// Makes `folder` and those above it, for this user alone, and refuses one that belongs to somebody else.
pub fn make_private(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("The folder {} cannot be made", folder.display()))?;
    // In a folder that others may write to, the name could be another user's link to a folder of ours.
    let owners = [fs::symlink_metadata(folder)?, fs::metadata(folder)?].map(|about| about.uid());
    if let Some(owner) = owners.into_iter().find(|&owner| owner != user()) {
        bail!(
            "The folder {} belongs to another user (number {owner}); set LABS_HOME to a folder of your own.",
            folder.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_lies_elsewhere_where_the_home_is_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let place = |home: PathBuf| Place {
            workspace: folder.path().into(),
            home,
        };
        let own = place(folder.path().join("made"));
        assert!(!own.is_read_only(), "it is still to be made");
        assert!(own.sessions().starts_with(folder.path()));
        // Read-only for everybody, root included.
        let proc = place("/proc/sys".into());
        let temporary = std::env::temp_dir().join(format!("labs-{}", user()));
        if proc.is_read_only() {
            assert_eq!(proc.sessions(), temporary.join("sessions"));
            assert_eq!(proc.template(), Path::new("/proc/sys/template"));
        }
    }

    #[test]
    fn a_folder_is_a_copy_where_a_file_of_this_user_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_copy(folder.path()));
        let file = folder.path().join(COPY_FILE);
        fs::create_dir(&file).unwrap();
        assert!(!is_copy(folder.path()), "no file");
        fs::remove_dir(&file).unwrap();
        fs::write(&file, "").unwrap();
        assert!(is_copy(folder.path()));
        if user() == 0 {
            std::os::unix::fs::lchown(&file, Some(12345), None).unwrap();
            assert!(!is_copy(folder.path()), "somebody else's");
        }
    }

    #[test]
    fn a_link_of_somebody_else_is_no_private_folder() {
        if user() != 0 {
            return; // only root can give a link away
        }
        let folder = tempfile::tempdir().unwrap();
        let (ours, link) = (folder.path().join("ours"), folder.path().join("link"));
        make_private(&ours).unwrap();
        std::os::unix::fs::symlink(&ours, &link).unwrap();
        make_private(&link).unwrap();
        std::os::unix::fs::lchown(&link, Some(12345), None).unwrap();
        let said = make_private(&link).unwrap_err().to_string();
        assert!(said.contains("number 12345"), "{said}");
    }
}
