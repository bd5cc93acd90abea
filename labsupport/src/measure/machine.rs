use std::fs;

/// How many cores this process may use. A container or `taskset` may allow fewer than the machine has.
///
/// # Examples
/// ```
/// assert!(labsupport::prelude::cores() >= 1);
/// ```
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

/// One line about this machine, its cores and its processor, for the caption of a measurement.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// assert!(machine().starts_with(&format!("{} core", cores())));
/// ```
pub fn machine() -> String {
    let cores = cores();
    let plural = if cores == 1 { "" } else { "s" };
    format!("{cores} core{plural}, {}", processor())
}

/// The processor's name, or its architecture if the name is unknown.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
/// assert!(machine().ends_with(&processor()));
/// ```
pub fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    field("model name")
        .or_else(|| field("Model"))
        .unwrap_or_else(|| format!("a processor of type {}", std::env::consts::ARCH))
}
