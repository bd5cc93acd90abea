//! A file beside the notebook for text that is too long for the page: `cell-3-output.txt`.
//!
//! The first write makes it. If the notebook's folder cannot be written to, the file is in the folder for temporary files. A full disk, or
//! a file that has become too large, ends the writing and nothing else.

use super::amounts::size;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The most that goes into one file.
const MOST: u64 = 1_000_000_000;

/// A file that may be written.
pub(super) struct Spill {
    /// Where it may be, the best place first.
    paths: [PathBuf; 2],
    most: u64,
    written: u64,
    state: State,
}

enum State {
    NotYet,
    /// The file, and which of the paths is its own.
    Open(File, usize),
    /// The file at this path holds as much as it may.
    Full(usize),
    /// Why there is none.
    Failed(io::Error),
}

impl Spill {
    /// A file for the `what` of cell `number`: of the notebook in `folder`, which Jupyter calls `notebook`.
    pub(super) fn new(folder: &Path, notebook: Option<&str>, number: u32, what: &str) -> Spill {
        let name = name(notebook, number, what);
        let user = rustix::process::getuid().as_raw();
        let elsewhere = std::env::temp_dir().join(format!("labs-{user}-{name}"));
        Spill::at([folder.join(name), elsewhere], MOST)
    }

    /// A file at the first of `paths` where there can be one, of at most so many bytes.
    pub(super) fn at(paths: [PathBuf; 2], most: u64) -> Spill {
        Spill {
            paths,
            most,
            written: 0,
            state: State::NotYet,
        }
    }

    /// Adds `text`, if the file can still take any.
    pub(super) fn write(&mut self, text: &str) {
        if let State::NotYet = self.state {
            self.state = match create(&self.paths) {
                Ok((file, path)) => State::Open(file, path),
                Err(error) => State::Failed(error),
            };
        }
        let State::Open(file, path) = &mut self.state else {
            return;
        };
        let path = *path;
        let left = self.most - self.written;
        let fits = text.floor_char_boundary(usize::try_from(left).unwrap_or(usize::MAX));
        if let Err(error) = file.write_all(&text.as_bytes()[..fits]) {
            // The part that is there helps little, and its room may be needed to save the notebook.
            let _ = fs::remove_file(&self.paths[path]);
            self.state = State::Failed(error);
            return;
        }
        self.written += fits as u64;
        if fits < text.len() {
            self.state = State::Full(path);
        }
    }

    /// Says where `what` (as in "all 5 lines are") can be found, in Markdown and without; empty if nothing was ever written.
    pub(super) fn says(&self, what: &str) -> [String; 2] {
        let sentence = |what: &str, path: usize| {
            let path = &self.paths[path];
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match path == &self.paths[0] {
                true => [
                    format!("{what} in [`{name}`]({name}), beside this notebook."),
                    format!("{what} in {name}, beside this notebook."),
                ],
                false => [
                    format!("{what} in `{}`.", path.display()),
                    format!("{what} in {}.", path.display()),
                ],
            }
        };
        match &self.state {
            State::NotYet => [String::new(), String::new()],
            State::Open(_, path) => sentence(what, *path),
            State::Full(path) => {
                let first = format!("The first {}, as much as is kept, is", size(self.most));
                sentence(&first, *path)
            }
            State::Failed(error) => {
                let why = format!("No file of it could be written: {error}.");
                [why.clone(), why]
            }
        }
    }
}

/// Two notebooks in one folder have cells of the same number, so the name begins with the notebook's, where it is known.
fn name(notebook: Option<&str>, number: u32, what: &str) -> String {
    let path = notebook.map(Path::new);
    let notebook = path.filter(|path| path.extension().is_some_and(|ext| ext == "ipynb"));
    let stem = notebook
        .and_then(Path::file_stem)
        .map(|stem| stem.to_string_lossy());
    // Keep only characters that need no quoting in a link or in a shell.
    let stem: String = stem
        .unwrap_or_default()
        .chars()
        .map(|c| match c.is_ascii_alphanumeric() || "-_.".contains(c) {
            true => c,
            false => '_',
        })
        .collect();
    let joint = if stem.is_empty() { "" } else { "-" };
    format!("{stem}{joint}cell-{number}-{what}.txt")
}

/// A new file at the first path where there can be one. It takes the place of an older one, and never follows a link.
fn create(paths: &[PathBuf; 2]) -> io::Result<(File, usize)> {
    let open = |path: usize| {
        let _ = fs::remove_file(&paths[path]);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&paths[path])
            .map(|file| (file, path))
    };
    open(0).or_else(|_| open(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spill(folder: &Path, most: u64) -> Spill {
        Spill::at(
            [folder.join("cell-1-output.txt"), folder.join("else")],
            most,
        )
    }

    #[test]
    fn the_name_tells_the_notebook_and_the_cell() {
        assert_eq!(name(None, 3, "output"), "cell-3-output.txt");
        assert_eq!(
            name(Some("a/my lab (1).ipynb"), 3, "result"),
            "my_lab__1_-cell-3-result.txt"
        );
        assert_eq!(name(Some("a-console"), 3, "output"), "cell-3-output.txt");
    }

    #[test]
    fn it_is_made_when_it_is_written_and_takes_the_place_of_an_older_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell-1-output.txt");
        let mut first = spill(folder.path(), 100);
        assert_eq!(first.says("All are")[1], "");
        assert!(!path.exists());
        first.write("one\n");
        let mut second = spill(folder.path(), 100);
        second.write("two\n");
        first.write("more\n"); // into a file that has no name any more
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(
            second.says("All are"),
            [
                "All are in [`cell-1-output.txt`](cell-1-output.txt), beside this notebook.",
                "All are in cell-1-output.txt, beside this notebook."
            ]
        );
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "mine").unwrap();
        std::os::unix::fs::symlink(&precious, folder.path().join("cell-1-output.txt")).unwrap();
        spill(folder.path(), 100).write("text");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
    }

    #[test]
    fn where_the_folder_cannot_be_written_it_lies_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        let mut spill = Spill::at([folder.path().join("no/such"), elsewhere.clone()], 100);
        spill.write("text");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "text");
        assert!(spill.says("All are")[0].contains(elsewhere.to_str().unwrap()));
    }

    #[test]
    fn it_is_bounded_and_never_ends_within_a_character() {
        let folder = tempfile::tempdir().unwrap();
        let mut exact = spill(folder.path(), 4);
        exact.write("1234");
        assert!(exact.says("All are")[1].starts_with("All are"));
        exact.write("5");
        assert!(exact.says("All are")[1].starts_with("The first 4 bytes"));
        let mut cut = spill(folder.path(), 4);
        cut.write("123\u{e4}5");
        cut.write("6");
        let text = fs::read_to_string(folder.path().join("cell-1-output.txt")).unwrap();
        assert_eq!(text, "123");
    }

    #[test]
    fn a_full_disk_is_told_and_its_room_given_back() {
        // Every write to this device fails as on a full disk.
        let folder = tempfile::tempdir().unwrap();
        let mut spill = spill(folder.path(), 100);
        spill.write("one\n");
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        spill.state = State::Open(full, 0);
        spill.write("two\n");
        spill.write("three\n");
        assert!(
            spill.says("All are")[1].contains("No space left"),
            "{:?}",
            spill.says("All are")
        );
        assert!(!folder.path().join("cell-1-output.txt").exists());
        let mut nowhere = Spill::at(["/no/such".into(), "/no/where".into()], 100);
        nowhere.write("x");
        assert!(nowhere.says("All are")[1].contains("No file of it"));
    }
}
