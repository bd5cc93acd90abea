//! A spare kernel: an inner kernel that is started before anybody asks, so that the next notebook is ready at once.
//!
//! ```text
//!  labs open ── keeper ◄── "busy", "idle", "claim" ── front (one connection for each notebook)
//!      │          │ ───── ports, key, leash, output, lock ───►
//!      │          └── spare: inner kernel, on the keeper's leash
//!      └── JupyterLab ──► front
//! ```
//!
//! The keeper lives in the process that started JupyterLab, which tells the fronts its address by [`ADDRESS`]. A spare that is
//! claimed changes hands by its leash; from then on it lives and dies with the front. The keeper only collects it in the end.
//!
//! While a cell runs anywhere, or a notebook's kernel starts, a spare that is being made is stopped, so it never disturbs a
//! measurement: it grows in the pauses. A compiler that it has just started is let go to its end, since it holds locks.

pub mod claim;
pub mod keeper;
pub mod memory;

/// The environment variable with the keeper's address: a name in Linux's abstract namespace of sockets, which leaves no file.
pub const ADDRESS: &str = "LABS_SPARE";

/// How many spares to keep; 1 by default, 0 for none.
pub const COUNT: &str = "LABS_SPARE_KERNELS";
