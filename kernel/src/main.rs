//! The program `labs`: see the library of the same name.

fn main() -> std::process::ExitCode {
    labs::role::run(evcxr_jupyter::main)
}
