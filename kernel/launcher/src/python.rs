//! JupyterLab's environment and the message broker, made while the kernel is built. If this does not make them, the kernel makes them itself.

use crate::kernel::Kernel;
use labs_launcher::{broker, venv};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::sync::mpsc::{self, Receiver};

/// The commands that need it.
const WITH_JUPYTER: [&str; 5] = ["open", "setup", "check", "publish", "test"];

/// Begins to install it in the background if `command` needs it and it is missing. The channel brings the result.
pub(crate) fn install(
    kernel: &Kernel,
    command: Option<&str>,
) -> Option<Receiver<Result<(), String>>> {
    let told_where = ["LABS_HOME", "LABS_WORKSPACE"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let home = kernel.home.clone();
    let (environment, requirements) = (
        home.join("venv"),
        kernel.workspace.join("notebooks/requirements.txt"),
    );
    let server = kernel.workspace.join("notebooks/broker.txt");
    // If the user names a home, the kernel decides what is missing there.
    if told_where || !WITH_JUPYTER.contains(&command?) || venv::is_made(&environment, &requirements)
    {
        return None;
    }
    let (done, when_done) = mpsc::channel();
    std::thread::spawn(move || {
        let result = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&home)
            .map_err(|error| format!("The folder {} cannot be made: {error}", home.display()))
            .and_then(|()| venv::make(&environment, &requirements));
        if result.is_ok() {
            // If this fails, the kernel tries again, and says what is missing.
            let _ = broker::make(&home.join("broker"), &environment, &server);
        }
        let _ = done.send(result);
    });
    Some(when_done)
}
