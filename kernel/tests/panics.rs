//! evcxr panics: whatever it was doing, the notebook is told, and gets a kernel that works.

use crate::common::*;
use jupyter_protocol::{ExecutionState, JupyterMessageContent as Content};
use labs::client::Kernel;
use serde_json::json;
use std::fs;

const TOLD: &str = "failed by a fault of its own (a fault that was asked for";

/// The inner kernel, a child of the front.
fn inner(kernel: &Kernel) -> u32 {
    family(kernel.child.id().unwrap())[1]
}

/// The next cell is told what became of the old kernel, and there is a new one.
async fn is_told_and_works(kernel: &mut Kernel, old: u32, what: &str) {
    within_a_second("the old kernel is gone", || !alive(old)).await;
    let shown = kernel
        .execute("println!(\"{}\", 6 * 7);", LONG)
        .await
        .unwrap();
    let said = format!("{shown:?}");
    assert!(
        said.contains("run the notebook from the top"),
        "{what}: {said}"
    );
    // It was not run if it was sent before the front could know.
    assert!(
        shown.error().is_some() || shown.stdout() == "42\n",
        "{what}: {said}"
    );
    let shown = kernel
        .execute("println!(\"{}\", 6 * 7);", LONG)
        .await
        .unwrap();
    assert_eq!(
        (shown.stdout().as_str(), shown.error()),
        ("42\n", None),
        "{what}"
    );
    assert_ne!(inner(kernel), old);
}

#[test]
fn a_panic_during_any_request_is_told_and_a_new_kernel_works() {
    let (_folder, place) = home();
    block_on(async {
        let fault = place.home.join("fault");
        let mut kernel = start_with(&place, |command| {
            command.env("LABS_FAULT", &fault);
        })
        .await;

        // While a cell runs; a cell that waits is not run.
        for waiting in [false, true] {
            let mut cell = kernel.send("println!(\"busy\"); loop {}").await.unwrap();
            if waiting {
                cell = kernel.send("println!(\"not run\");").await.unwrap();
            }
            assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
            fs::write(&fault, "").unwrap();
            let shown = kernel.finish(&cell, LONG).await.unwrap();
            assert_eq!(shown.was_aborted, waiting, "{shown:?}");
            assert!(
                waiting || shown.error().unwrap().contains(TOLD),
                "{shown:?}"
            );
        }
        let shown = kernel.execute("println!(\"well\");", LONG).await.unwrap();
        assert_eq!(shown.stdout(), "well\n");

        // While evcxr completes or inspects: it stands still until it has the request, and the fault is there.
        for kind in ["complete_request", "inspect_request"] {
            let old = inner(&kernel);
            // SAFETY: signals to a process that the test has just seen alive, as a descendant of its own child.
            assert_eq!(unsafe { libc::kill(old as i32, libc::SIGSTOP) }, 0);
            let content = json!({"code": "std::time::Dur", "cursor_pos": 14});
            let id = kernel.request(kind, content).await.unwrap();
            loop {
                let published = kernel.next_published(&id, LONG).await.unwrap();
                if matches!(&published, Content::Status(status) if status.execution_state == ExecutionState::Busy)
                {
                    break;
                }
            }
            fs::write(&fault, "").unwrap();
            // SAFETY: as above.
            assert_eq!(unsafe { libc::kill(old as i32, libc::SIGCONT) }, 0);
            kernel.reply_to(&id, LONG).await.unwrap();
            is_told_and_works(&mut kernel, old, kind).await;
        }

        // While nothing is asked.
        let old = inner(&kernel);
        fs::write(&fault, "").unwrap();
        is_told_and_works(&mut kernel, old, "nothing").await;
        kernel.shutdown(false).await.unwrap();
        assert!(sessions(&place).is_empty());
    });
}

#[test]
fn where_completion_does_make_evcxr_panic_the_notebook_goes_on() {
    let (_folder, place) = home();
    block_on(async {
        let mut kernel = start_with(&place, |command| {
            command.env("LABS_COMPLETE", "evcxr");
        })
        .await;
        let old = inner(&kernel);
        let content = json!({"code": "let x = 1;\nx", "cursor_pos": 12});
        let id = kernel.request("complete_request", content).await.unwrap();
        kernel.reply_to(&id, LONG).await.unwrap();
        is_told_and_works(&mut kernel, old, "completion").await;
        kernel.shutdown(false).await.unwrap();
    });
}
