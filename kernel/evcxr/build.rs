//! Cells are shared libraries. These functions of the program are what they find in it (../runtime/src/stdin.rs and host.rs).

fn main() {
    for name in ["read", "labs_ready", "labs_panicked"] {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol={name}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
