//! Jupyter's own test of kernels (the Python package jupyter_kernel_test) against this one, and the protocol's rarer corners.

use crate::common::home;
use labs_launcher::venv;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

/// The environment is made once, and a machine with two cores need not start two kernels at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs a program of `tests/protocol`; what it says, if all goes well.
fn run(program: &str) -> String {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let (folder, place) = home();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protocol");
    // Kept beside JupyterLab's environment; made anew when the requirements change.
    let environment = place.workspace.join("target/labs/protocol");
    let requirements = here.join("requirements.txt");
    if !venv::is_made(&environment, &requirements) {
        venv::make(&environment, &requirements).unwrap();
    }
    let spec = folder.path().join("jupyter/kernels/rust");
    fs::create_dir_all(&spec).unwrap();
    let kernel = json!({
        "argv": [env!("CARGO_BIN_EXE_labs"), "kernel", "--connection-file", "{connection_file}"],
        "display_name": "Rust", "language": "rust", "interrupt_mode": "message",
        "env": {"LABS_WORKSPACE": place.workspace, "LABS_HOME": place.home}
    });
    fs::write(spec.join("kernel.json"), kernel.to_string()).unwrap();
    let output = Command::new(environment.join("bin/python"))
        .arg(here.join(program))
        .env("JUPYTER_PATH", folder.path().join("jupyter"))
        .env("JUPYTER_RUNTIME_DIR", folder.path().join("runtime"))
        .env_remove(labs::spare::ADDRESS)
        .current_dir(place.notebooks())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn jupyter_s_own_test_passes() {
    let said = run("protocol.py");
    assert!(
        said.contains("Ran 12 tests") && said.contains("OK (skipped=2)"),
        "{said}"
    );
}

#[test]
fn the_protocol_s_rarer_corners_do_no_harm() {
    let said = run("corners.py");
    assert!(
        said.contains("Ran 14 tests") && said.contains("\nOK\n"),
        "{said}"
    );
}
