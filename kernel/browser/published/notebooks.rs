//! The labs' notebooks as they were run, drawn by JupyterLab.

use super::executed;
use crate::driver::{block_on, checkout};
use crate::{Desk, LABS, all_is_drawn};
use std::path::Path;
use std::process::{Command, Stdio};

/// Notebooks that were run without a browser, which takes half the time: what they show is drawn here. Another test runs a lab in the page.
#[test]
fn what_the_labs_have_shown_is_drawn() {
    let executed = executed();
    let desk = Desk::set_up(|folder| {
        for (file, _) in LABS {
            std::fs::copy(executed.join(file), folder.join(file)).unwrap();
        }
        trust(folder);
        folder.join(LABS[0].0)
    });
    block_on(async {
        let browser = desk.driver.browser().await;
        for (file, titles) in LABS {
            let address = desk.address.replace(LABS[0].0, file);
            browser.goto(&format!("{address}&reset")).await.unwrap();
            all_is_drawn(&browser, file, titles).await;
            // Nothing is run here, and a kernel that starts would slow down the next page.
            let end = "
                const ask = (method, address) => {
                    const request = new XMLHttpRequest();
                    request.open(method, address, false);
                    request.setRequestHeader('X-XSRFToken', document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? '');
                    request.send();
                    return request.responseText;
                };
                JSON.parse(ask('GET', '/api/kernels')).forEach(kernel => ask('DELETE', '/api/kernels/' + kernel.id));";
            browser.execute(end, vec![]).await.unwrap();
        }
        browser.close().await.unwrap();
    });
}

/// Signs the notebooks in `folder`, as JupyterLab does with those that were run in it: it draws no picture of a stranger's.
fn trust(folder: &Path) {
    let labs = checkout().join("target/labs");
    let signed = Command::new(labs.join("venv/bin/jupyter-trust"))
        .args(LABS.map(|(file, _)| folder.join(file)))
        .env("JUPYTER_DATA_DIR", labs.join("jupyter/data"))
        .env("JUPYTER_CONFIG_DIR", labs.join("jupyter/config"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(signed.success());
}
