//! Cells are shared libraries that call these functions of the program (../runtime/src/stdin.rs and host.rs), so it must export them.

fn main() {
    for name in ["read", "labs_ready", "labs_panicked", "labs_ask"] {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
