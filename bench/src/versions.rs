//! Which version of each peer was measured.

use std::process::Command;

/// The versions that this program was built with.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The Python that is measured: `python3`, or what `LABS_PYTHON` names.
pub(crate) fn python() -> String {
    std::env::var("LABS_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// Name and version of what stands behind `peer`, if it has one of its own.
pub(crate) fn of(peer: &str) -> Option<String> {
    match peer.split([' ', ',']).next()? {
        "ipc-channel" => of_crate("ipc-channel"),
        "iceoryx2" => of_crate("iceoryx2"),
        "crossbeam" => of_crate("crossbeam-channel"),
        "CPython" => said_by(&python()).map(|version| version.replace("Python", "CPython")),
        "Redis" => said_by("redis-server").map(|version| {
            let number = version.split_whitespace().find(|w| w.starts_with("v="));
            format!("Redis {}", number.map_or("", |number| &number[2..]))
        }),
        "SOCK_SEQPACKET" | "pipe" | "futex" => system(),
        "bare" => system(),
        _ => None,
    }
}

fn of_crate(name: &str) -> Option<String> {
    let (_, entry) = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    let (version, _) = entry.split_once('"')?;
    Some(format!("{name} {version}"))
}

fn said_by(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

fn system() -> Option<String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let number = release.split(['-', '+']).next()?.trim().to_string();
    Some(format!("Linux {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_with_a_version_has_its_own() {
        for (peer, name) in [
            ("ipc-channel, 1→1", "ipc-channel 0."),
            ("iceoryx2 with its event", "iceoryx2 0."),
            ("crossbeam threads", "crossbeam-channel 0."),
            ("pipe", "Linux "),
        ] {
            let version = of(peer).unwrap();
            assert!(version.starts_with(name), "{peer}: {version}");
            assert!(version.chars().any(|c| c.is_ascii_digit()), "{version}");
        }
        assert_eq!(of("interval × cost"), None);
    }
}
