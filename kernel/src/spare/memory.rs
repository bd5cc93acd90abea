//! How much memory is left. A container's limit counts as much as the machine's size.

use std::fs;
use std::path::{Path, PathBuf};

/// How much memory must be left before a spare is made: 570 MB for the spare while it starts (350 MB when it waits), some 200 MB for the
/// compiler of a cell that runs meanwhile, and the rest for that cell's workers.
const NEEDED: u64 = 900 << 20;

/// Why there is no room for a spare kernel; `None` if there is.
pub fn too_little() -> Option<String> {
    let left = left(Path::new("/"))?;
    (left < NEEDED).then(|| {
        format!(
            "{} MB of memory are left, and {} are wanted. Notebooks take some seconds to start",
            left >> 20,
            NEEDED >> 20
        )
    })
}

/// How many bytes can still be used: the smallest of what the machine has left and what each control group above us still allows. `None` if
/// nothing can be found out.
fn left(root: &Path) -> Option<u64> {
    [machine(root), group(root)].into_iter().flatten().min()
}

fn machine(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

fn group(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mut least = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(kind), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (base, names) = match kind {
            "" => (
                "sys/fs/cgroup",
                ["memory.max", "memory.current", "inactive_file"],
            ),
            kind if kind.split(',').any(|one| one == "memory") => (
                "sys/fs/cgroup/memory",
                [
                    "memory.limit_in_bytes",
                    "memory.usage_in_bytes",
                    "total_inactive_file",
                ],
            ),
            _ => continue,
        };
        // In a container, its own group is the root of the groups that it sees.
        let above = Path::new(path.trim_start_matches('/')).ancestors();
        for folder in above.map(|above| root.join(base).join(above)) {
            if let Some(left) = left_in(&folder, names) {
                least = Some(least.map_or(left, |least: u64| least.min(left)));
            }
        }
    }
    least
}

fn left_in(folder: &Path, [limit, usage, cache]: [&str; 3]) -> Option<u64> {
    let number = |file: PathBuf| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    let limit = number(folder.join(limit))?; // "max" is no number
    let usage = number(folder.join(usage))?;
    // Files in the cache count as used but are given up when memory is wanted.
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = stat
        .lines()
        .find_map(|line| line.strip_prefix(cache)?.trim().parse::<u64>().ok());
    Some(limit.saturating_sub(usage.saturating_sub(cached.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal: 9000 kB\nMemAvailable:    8000 kB\n",
    );

    #[test]
    fn without_a_limit_the_machine_counts() {
        let root = machine_with(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/user.slice\n"),
            ("sys/fs/cgroup/user.slice/memory.max", "max\n"),
            ("sys/fs/cgroup/user.slice/memory.current", "100\n"),
        ]);
        assert_eq!(left(root.path()), Some(8000 << 10));
    }

    #[test]
    fn the_container_s_limit_counts_and_cached_files_do_not() {
        let root = machine_with(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "1000000\n"),
            ("sys/fs/cgroup/memory.current", "700000\n"),
            (
                "sys/fs/cgroup/memory.stat",
                "anon 5\ninactive_file 200000\n",
            ),
        ]);
        assert_eq!(left(root.path()), Some(500_000));
    }

    #[test]
    fn the_tightest_group_above_counts() {
        let root = machine_with(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/memory.max", "3000\n"),
            ("sys/fs/cgroup/a/memory.current", "1000\n"),
            ("sys/fs/cgroup/a/b/memory.max", "5000\n"),
            ("sys/fs/cgroup/a/b/memory.current", "1000\n"),
        ]);
        assert_eq!(left(root.path()), Some(2000));
    }

    #[test]
    fn the_older_kind_of_groups_counts_too() {
        let root = machine_with(&[
            MEMINFO,
            ("proc/self/cgroup", "5:cpu:/x\n4:memory:/docker/1\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "500\n"),
        ]);
        assert_eq!(left(root.path()), Some(1500));
    }
}
