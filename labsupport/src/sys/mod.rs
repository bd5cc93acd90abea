//! Every unsafe system call.
