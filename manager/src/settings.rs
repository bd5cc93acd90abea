use std::time::Duration;

/// What can be chosen; only the tests choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// How long a handle waits for an answer.
    pub(crate) patience: Duration,
    /// Connections at once, if the system allows that many open files.
    pub(crate) most_clients: usize,
    /// Bytes that the server keeps, including what it needs around them.
    pub(crate) most_kept: usize,
    /// Bytes in the buffers of all connections.
    pub(crate) most_buffered: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            patience: Duration::from_secs(10),
            most_clients: 10_000,
            most_kept: 1 << 30,
            most_buffered: 256 << 20,
        }
    }
}
