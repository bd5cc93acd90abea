//! The tests of the kernel and of the commands, in one program: each program of its own would cost ten seconds of compiling and linking,
//! and here tests can share what takes long to start.

mod common;

mod check;
mod class;
mod complete;
mod copies;
mod doctor;
mod exercises;
mod faults;
mod flood;
mod front;
mod hostile;
mod image;
mod leftovers;
mod mistakes;
mod panics;
mod protocol;
mod runtime;
mod source;
mod spare;
mod supply_chain;
mod typing;
mod versions;
