//! The cores of this process, and which process may use which of them.

/// The cores that this process may run on.
pub(crate) fn allowed() -> Vec<usize> {
    // SAFETY: an all-zero set is an empty one; the pointer is to a live local of the size that is named; the numbers asked for
    // are within the set.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        let result = libc::sched_getaffinity(0, size_of_val(&set), &mut set);
        assert_eq!(result, 0, "the cores of this process cannot be read.");
        (0..libc::CPU_SETSIZE as usize)
            .filter(|&core| libc::CPU_ISSET(core, &set))
            .collect()
    }
}

/// Lets process `pid` (0 for this one), and the processes that it starts from now on, run only on `cores`.
pub(crate) fn stay_on(cores: &[usize], pid: u32) {
    // SAFETY: an all-zero set is an empty one; `allowed` found the numbers within the set; the pointer is to a live local of
    // the size that is named.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        cores.iter().for_each(|&core| libc::CPU_SET(core, &mut set));
        let result = libc::sched_setaffinity(pid as i32, size_of_val(&set), &set);
        assert_eq!(
            result, 0,
            "process {pid} cannot be kept on cores {cores:?}."
        );
    }
}

/// Runs `work` while this process may use only `cores`.
pub(crate) fn on<T>(cores: &[usize], work: impl FnOnce() -> T) -> T {
    let before = allowed();
    stay_on(cores, 0);
    let result = work();
    stay_on(&before, 0);
    result
}

/// The CPU time that the calling thread has used, in nanoseconds.
pub(crate) fn cpu_time_of_this_thread() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live local of the right type.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// `0`, `0, 1`, `0 to 15`: the cores in words.
pub(crate) fn named(cores: &[usize]) -> String {
    match cores {
        [] => "none".into(),
        [first, .., last] if cores.len() > 2 && last - first + 1 == cores.len() => {
            format!("{first} to {last}")
        }
        _ => {
            let numbers: Vec<String> = cores.iter().map(usize::to_string).collect();
            numbers.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_named_in_words() {
        assert_eq!(named(&[3]), "3");
        assert_eq!(named(&[0, 1]), "0, 1");
        assert_eq!(named(&[0, 1, 2, 3]), "0 to 3");
        assert_eq!(named(&[0, 2, 4]), "0, 2, 4");
    }

    #[test]
    fn a_process_stays_where_it_is_put_and_comes_back() {
        let all = allowed();
        assert_eq!(on(&all[..1], allowed), all[..1]);
        assert_eq!(allowed(), all);
    }
}
