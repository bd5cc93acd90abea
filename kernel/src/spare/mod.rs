//! A spare kernel: an inner kernel that is started in advance, so that the next notebook is ready at once.
//!
//! ```text
//!  Jupyter server ──► front ── "busy", "idle", "claim" ──► keeper (`labs keep`, a child of the server)
//!                       ▲      one connection each            │  │
//!                       └──── ports, key, leash, output, lock ┘  └── spare: inner kernel, on the keeper's leash
//! ```
//!
//! Every Jupyter server of the labs' environment has an extension (`kernel/jupyter/labs_keeper.py`) that starts the keeper. The variable
//! [`ADDRESS`] tells the fronts where the keeper listens. The keeper ends with the server. When a spare is claimed, its leash is handed
//! over to the front, and from then on it lives and dies with the front. The keeper only collects it in the end.
//!
//! While a cell runs anywhere, or a notebook's kernel starts, a spare that is being made is stopped, so it never disturbs a
//! measurement: it grows in the pauses. A compiler that the spare has just started may finish, since it holds locks.

pub mod claim;
pub mod keeper;
pub mod memory;

/// The environment variable with the keeper's address: a name in Linux's abstract namespace of sockets, which leaves no file.
pub const ADDRESS: &str = "LABS_SPARE";

/// How many spares to keep; 1 by default, 0 for none.
pub const COUNT: &str = "LABS_SPARE_KERNELS";
