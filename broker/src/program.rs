//! Where the programs are: the server's, and the one that does TLS.

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

/// Names the program that does TLS, before all other places.
const TLS: &str = "LABS_BROKER_TLS";

/// The file of the program that does TLS. It is the crate `broker/tls`.
const TLS_NAME: &str = "broker-tls";

/// The program that does TLS: the one that is named (the kernel names the one that setup has made), the one beside this program (a worker in
/// its container), one in PATH.
pub(crate) fn find_tls() -> Result<PathBuf, BrokerError> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    choose_tls(
        set(TLS).as_deref(),
        std::env::current_exe().ok().as_deref(),
        set("PATH").as_deref(),
    )
}

fn choose_tls(
    named: Option<&OsStr>,
    own: Option<&Path>,
    path: Option<&OsStr>,
) -> Result<PathBuf, BrokerError> {
    let missing = |text: String| Err(BrokerError::new(ErrorKind::ServerMissing, text));
    if let Some(named) = named.map(PathBuf::from) {
        return match is_program(&named) {
            true => Ok(named),
            false => missing(format!(
                "{TLS} names {}, which is no program that can be run: set it to the path of {TLS_NAME}, or unset it.",
                named.display()
            )),
        };
    }
    // cargo puts tests into a folder of their own, below that of the programs.
    let beside = own.and_then(Path::parent).into_iter();
    let beside = beside.flat_map(|folder| match folder.ends_with("deps") {
        true => folder.parent(),
        false => Some(folder),
    });
    beside
        .map(Path::to_path_buf)
        .chain(path.iter().flat_map(std::env::split_paths))
        .map(|folder| folder.join(TLS_NAME))
        .find(|file| is_program(file))
        .map_or_else(
            || {
                missing(format!(
                    "the address asks for TLS, and the program that does it is not there, since most need none. `cargo labs setup --with tls` makes \
                     it, once; then restart the kernel. For a program outside the labs: `cargo build --release -p {TLS_NAME}`, and put it beside \
                     that program or name it in {TLS}."
                ))
            },
            Ok,
        )
}

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

    /// An empty file that may be run.
    fn program_at(file: PathBuf) -> PathBuf {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
        file
    }

    #[test]
    fn the_places_are_looked_at_in_order() {
        let folder = std::env::temp_dir().join(format!("labs-program-{}", std::process::id()));
        let program = |name: &str| program_at(folder.join(name));
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

    #[test]
    fn the_program_for_tls_is_looked_for_beside_its_user_first() {
        let folder = std::env::temp_dir().join(format!("labs-tls-{}", std::process::id()));
        let program = |name: &str| program_at(folder.join(name));
        let (user, test) = (folder.join("user/worker"), folder.join("user/deps/test"));
        let path = folder.join("path");
        let chosen = |named: Option<&Path>, own: &Path| {
            choose_tls(
                named.map(Path::as_os_str),
                Some(own),
                Some(path.as_os_str()),
            )
        };
        let missing = chosen(None, &user).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::ServerMissing);
        assert!(
            missing.to_string().contains("cargo labs setup --with tls"),
            "{missing}"
        );
        let last = program("path/broker-tls");
        assert_eq!(chosen(None, &user).unwrap(), last);
        let beside = program("user/broker-tls");
        assert_eq!(chosen(None, &user).unwrap(), beside);
        assert_eq!(chosen(None, &test).unwrap(), beside);
        let named = program("another");
        assert_eq!(chosen(Some(&named), &user).unwrap(), named);
        let refused = chosen(Some(&folder), &user).unwrap_err();
        assert!(refused.to_string().contains("LABS_BROKER_TLS"), "{refused}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
