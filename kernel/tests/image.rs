//! The class image. The tests always check that its parts agree. They check the image itself only if `LABS_IMAGE` holds a command that runs
//! another command in it, such as `docker run --rm --network none labs`.

use crate::common::{read, requirements};
use std::process::Command;

/// `name==version` of each package in a file of requirements.
fn pinned(name: &str) -> Vec<String> {
    let version = |line: &String| line.split_whitespace().next().map(str::to_string);
    requirements(name).iter().filter_map(version).collect()
}

#[test]
fn the_base_has_the_labs_compiler() {
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = \""))
        .unwrap()
        .trim_end_matches('"');
    let minor = channel.rsplit_once('.').unwrap().0;
    assert!(
        read("Dockerfile").contains(&format!("\nARG RUST_IMAGE=rust:{minor}-slim-bookworm\n")),
        "Dockerfile's base is not Rust {minor}"
    );
}

#[test]
fn the_image_changes_no_version_of_the_labs_packages() {
    let labs = pinned("notebooks/requirements.txt");
    let image = pinned("deploy/requirements.txt");
    let name = |package: &String| package.split("==").next().unwrap().to_string();
    assert!(image.iter().any(|package| name(package) == "jupyterhub"));
    for package in &image {
        let other = labs.iter().any(|lab| name(lab) == name(package));
        assert!(
            !other || labs.contains(package),
            "{package} is another one than in notebooks/requirements.txt: make deploy/requirements.txt anew"
        );
    }
}

#[test]
fn the_image_is_not_run_by_root_and_looks_after_itself() {
    let text = read("Dockerfile");
    for line in [
        "ARG NB_UID=1000",
        "USER ${NB_UID}:100",
        "ENTRYPOINT [\"tini\", \"--\"]",
        "HEALTHCHECK ",
    ] {
        assert!(text.lines().any(|l| l.starts_with(line)), "{line}");
    }
    assert!(
        !text.to_lowercase().contains("token="),
        "the token is made at each start and is nowhere in the image"
    );
}

/// Binder builds the image with the arguments NB_USER and NB_UID, wants the labs in that user's home, and runs a command of its own.
#[test]
fn binder_finds_its_user_the_labs_in_its_home_and_its_servers() {
    let text = read("Dockerfile");
    for line in [
        "ARG NB_USER=jovyan",
        "COPY --from=made --chown=${NB_UID}:100 /home/labs /home/${NB_USER}/labs",
        "WORKDIR /home/${NB_USER}",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}");
    }
    let image = pinned("deploy/requirements.txt");
    for package in ["jupyterhub", "jupyterlab", "notebook"] {
        assert!(
            image
                .iter()
                .any(|one| one.starts_with(&format!("{package}=="))),
            "{package}"
        );
    }
}

/// A start, the health check, and lab 01 through the real kernel.
#[test]
fn the_image_starts_is_healthy_and_runs_lab_01() {
    let Some(image) = std::env::var("LABS_IMAGE").ok() else {
        eprintln!("LABS_IMAGE names no command: the image was not run");
        return;
    };
    let script = r#"
        set -eu
        cd "$HOME"
        labs open --no-browser --ip 0.0.0.0 --copy-to labs > "$HOME/said" 2>&1 & server=$!
        for _ in $(seq 120); do
            ! grep -q token= "$HOME/said" || break
            sleep 0.5
        done
        cat "$HOME/said"
        python3 -I /opt/labs/deploy/healthy.py
        kill $server
        wait $server
        # Binder's command, and the server that a JupyterHub starts.
        jupyter notebook --ip=0.0.0.0 --port=8888 --ServerApp.default_url=/lab > "$HOME/said" 2>&1 & server=$!
        for _ in $(seq 240); do
            ! python3 -I /opt/labs/deploy/healthy.py 2> /dev/null || break
            sleep 0.5
        done
        python3 -I /opt/labs/deploy/healthy.py
        tr '\0' ' ' < "/proc/$(cat /proc/$server/task/*/children | cut -d' ' -f1)/cmdline" | grep 'labs keep'
        kill $server
        wait $server || true
        jupyter kernelspec list | grep rust
        jupyterhub-singleuser --version
        labs check labs/01_poison_pill.ipynb
        # The first kernel has kept what it asked cargo.
        labs check labs/00_start_here.ipynb
        test ! -w /opt/labs
        echo the image is well
    "#;
    let mut words = image.split_whitespace();
    let output = Command::new(words.next().expect("LABS_IMAGE is a command"))
        .args(words)
        .args(["bash", "-c", script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    for part in [
        "http://127.0.0.1:8888/lab/tree/00_start_here.ipynb?token=",
        "the image is well",
    ] {
        assert!(said.contains(part), "{part} in\n{said}\n{errors}");
    }
}
