//! The broker on a real server: processes, hostile servers, distance.

mod cluster;
mod common;
mod far;
mod hostile;
mod life;
mod worker;
