//! Where things are: the checkout, and the folder with everything that is made from it.

use anyhow::{Context, Result, bail};
use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In the name of a student's notebook that `labs reset` has kept.
pub const MINE: &str = "-mine-";

/// The folders that the labs live in.
///
/// `LABS_WORKSPACE` says where the checkout is, where it is not the one that this program was built from; `LABS_HOME` where
/// to keep what is made: the Python environment, the template, the sessions. That is `target/labs` by default.
#[derive(Clone, Debug)]
pub struct Place {
    /// The checkout.
    pub workspace: PathBuf,
    /// What was made from it.
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
            None => built_from.unwrap_or_default(),
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
            None => workspace.join("target/labs"),
        };
        Ok(Place { workspace, home })
    }

    /// A program of the Rust toolchain that the checkout asks for: rustup looks at the folder it is run in.
    pub fn rust(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.workspace);
        command
    }

    /// The labs.
    pub fn notebooks(&self) -> PathBuf {
        self.workspace.join("notebooks")
    }

    /// The labs, in order, without the copies that `labs reset` has made of a student's.
    pub fn labs(&self) -> Result<Vec<PathBuf>> {
        let folder = self.notebooks();
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        let is_lab = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".ipynb") && !name.contains(MINE)
        };
        let mut labs: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(is_lab)
            .collect();
        labs.sort();
        Ok(labs)
    }

    /// What a student has predicted and tried, which `labsupport` writes. It lies beside the notebooks, so that it stays with
    /// them and goes with them.
    pub fn journal(&self) -> PathBuf {
        self.notebooks().join(".journal.tsv")
    }

    /// The Python environment with JupyterLab.
    pub fn venv(&self) -> PathBuf {
        self.home.join("venv")
    }

    /// Where JupyterLab keeps its own things, so that nothing of the user's is touched.
    pub fn jupyter(&self) -> PathBuf {
        self.home.join("jupyter")
    }

    /// The trimmed sources of the standard library.
    pub fn rust_src(&self) -> PathBuf {
        self.home.join("rust-src")
    }

    /// The compile directory that every session starts from a copy of.
    pub fn template(&self) -> PathBuf {
        self.evcxr_home().join("template")
    }

    /// The directories of the running sessions.
    pub fn sessions(&self) -> PathBuf {
        self.evcxr_home().join("sessions")
    }

    /// Where evcxr compiles. It cuts a path at its first space and wants UTF-8, so another place serves where ours is not so.
    fn evcxr_home(&self) -> PathBuf {
        let plain = |path: &Path| {
            path.to_str()
                .is_some_and(|path| !path.contains(char::is_whitespace))
        };
        if plain(&self.home) {
            self.home.clone()
        } else {
            PathBuf::from(format!("/var/tmp/labs-{}", user()))
        }
    }
}

/// The number of the user that this process runs as; 0 is root.
pub fn user() -> u32 {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether the process at the other end of `stream` is this user's.
pub fn peer_is_us(stream: &UnixStream) -> bool {
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

/// Writes beside and renames, so that a full disk or a Ctrl-C leaves the old file or the new one, never half of one.
pub fn replace(file: &Path, contents: &[u8]) -> Result<()> {
    let above = file.parent().filter(|above| !above.as_os_str().is_empty());
    let folder = above.unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)
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
    let owner = fs::metadata(folder)?.uid();
    if owner != user() {
        bail!(
            "The folder {} belongs to another user (number {owner}); set LABS_HOME to a folder of your own.",
            folder.display()
        );
    }
    Ok(())
}
