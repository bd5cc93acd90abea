//! Where the server's program is.

use crate::{BrokerError, ErrorKind};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Names the server's program, before all other places.
const PROGRAM: &str = "LABS_BROKER_PROGRAM";

/// The folder in which setup has put the program, for cells.
const HOME: &str = "LABS_HOME";

/// That folder in a checkout, for programs and tests that cargo runs.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/labs");

/// The names of the program in PATH: Valkey is the Redis that stayed free software.
const NAMES: [&str; 2] = ["valkey-server", "redis-server"];

/// The first program that is there: the one that is named, the one that setup has installed, one in PATH.
pub(crate) fn find() -> Result<PathBuf, BrokerError> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    choose(
        set(PROGRAM).as_deref(),
        set(HOME).as_deref(),
        set("PATH").as_deref(),
    )
}

fn choose(
    named: Option<&OsStr>,
    home: Option<&OsStr>,
    path: Option<&OsStr>,
) -> Result<PathBuf, BrokerError> {
    if let Some(named) = named {
        let named = PathBuf::from(named);
        return match is_program(&named) {
            true => Ok(named),
            false => Err(BrokerError::new(
                ErrorKind::ServerMissing,
                format!(
                    "{PROGRAM} names {}, which is no program that can be run: set it to the path of valkey-server or redis-server, or \
                     unset it.",
                    named.display()
                ),
            )),
        };
    }
    let installed = home.map_or_else(|| CHECKOUT.into(), PathBuf::from);
    let installed = installed.join("broker/valkey-server");
    let folders = || path.iter().flat_map(std::env::split_paths);
    let in_path = NAMES
        .iter()
        .flat_map(|name| folders().map(move |folder| folder.join(name)));
    std::iter::once(installed)
        .chain(in_path)
        .find(|file| is_program(file))
        .ok_or_else(|| {
            BrokerError::new(
                ErrorKind::ServerMissing,
                format!(
                    "there is no server program on this machine. `cargo labs setup` installs one for the labs. Or install one for all: \
                     `apt install valkey` or `apt install redis-server`, `dnf install valkey`, `pacman -S valkey`, `zypper install valkey`. \
                     {PROGRAM} may name it, wherever it is; LABS_BROKER may name a server that runs already."
                ),
            )
        })
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_looked_at_in_order() {
        let folder = std::env::temp_dir().join(format!("labs-program-{}", std::process::id()));
        let program = |name: &str| {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
            file
        };
        let (first, second) = (folder.join("first"), folder.join("second"));
        let path = std::env::join_paths([&first, &second]).unwrap();
        let chosen = |named: Option<&Path>| {
            choose(
                named.map(Path::as_os_str),
                Some(folder.as_os_str()),
                Some(&path),
            )
        };
        let missing = chosen(None).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::ServerMissing);
        assert!(
            missing.to_string().contains("cargo labs setup"),
            "{missing}"
        );
        let redis = program("first/redis-server");
        assert_eq!(chosen(None).unwrap(), redis);
        let valkey = program("second/valkey-server");
        assert_eq!(chosen(None).unwrap(), valkey);
        let installed = program("broker/valkey-server");
        assert_eq!(chosen(None).unwrap(), installed);
        let named = program("another");
        assert_eq!(chosen(Some(&named)).unwrap(), named);
        fs::set_permissions(&named, fs::Permissions::from_mode(0o600)).unwrap();
        let refused = chosen(Some(&named)).unwrap_err();
        assert!(
            refused.to_string().contains("LABS_BROKER_PROGRAM"),
            "{refused}"
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
