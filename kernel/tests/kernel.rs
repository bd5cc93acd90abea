//! The tests of the kernel and of the commands, in one program: separate programs would each be compiled and linked, and here tests can
//! share kernels, which take long to start.

mod common;

mod answers;
mod check;
mod class;
mod compile;
mod complete;
mod copies;
mod doctor;
mod exercises;
mod faults;
mod flood;
mod front;
mod grading;
mod hostile;
mod image;
mod knobs;
mod lecture;
mod leftovers;
mod mistakes;
mod panics;
mod peers;
mod protocol;
mod runtime;
mod server;
mod sketches;
mod source;
mod spare;
mod steps;
mod supply_chain;
mod teaching;
mod types;
mod typing;
mod versions;
mod wheel;
