//! The broker's client over TLS, to a server in front of a private one.

mod front;
mod life;
mod trust;
