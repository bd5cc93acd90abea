//! What the front adds to evcxr: errors that are errors, output at once and whole, and requests that evcxr leaves unanswered.

use crate::common::*;
use jupyter_protocol::{JupyterMessageContent as Content, Stdio};
use std::time::Duration;

fn text(contents: &[Content], stdout: bool) -> String {
    let streams = contents.iter().filter_map(|content| match content {
        Content::StreamContent(stream) if matches!(stream.name, Stdio::Stdout) == stdout => {
            Some(stream.text.as_str())
        }
        _ => None,
    });
    streams.collect()
}

#[test]
fn errors_are_errors_with_their_cell_and_line() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let before = number(kernel).await;
        let mut error = async |code: &str| {
            kernel
                .execute(code, LONG)
                .await
                .unwrap()
                .error()
                .unwrap_or_default()
        };
        assert_eq!(error("fn third(v: &[u32]) -> u32 {\n    v[2]\n}").await, "");
        assert_eq!(
            error("let a = 1;\npanic!(\"oh {a}\");").await,
            format!(
                "oh 1\ncell [{}], line 2:  panic!(\"oh {{a}}\");",
                before + 2
            )
        );
        let outside = error("third(&[1])").await;
        assert!(
            outside.starts_with(&format!(
                "index out of bounds: the len is 1 but the index is 2\ncell [{}], line 2:  v[2]\n→ The first element",
                before + 1
            )),
            "{outside}"
        );
        let question = error("let a = 1;\nlet n: u32 = \"x\".parse::<u32>()?;").await;
        assert!(
            question.contains("invalid digit found in string"),
            "{question}"
        );
        assert!(
            question.ends_with(&format!(
                "cell [{}], line 2:  let n: u32 = \"x\".parse::<u32>()?;",
                before + 4
            )),
            "{question}"
        );
        assert!(error("nothing").await.contains("cannot find value"));
        let ended = error("std::process::exit(3);").await;
        assert!(
            ended.contains("exit status 3") && ended.contains("as they were before"),
            "{ended}"
        );
        let crashed = error("unsafe { *(8 as *mut u8) = 1 };").await;
        assert!(
            crashed.contains("segmentation fault") && !crashed.contains("evcxr::"),
            "{crashed}"
        );
        assert_eq!(error("assert_eq!(third(&[1, 2, 3]), 3);").await, "");
        lent.give_back().await;
    });
}

#[test]
fn cells_that_were_sent_with_one_that_fails_are_not_run() {
    block_on(async {
        let mut lent = lend().await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        let file = place.home.join("written-front");
        let writes = format!("std::fs::write({file:?}, \"three\")?;");
        for fails in ["panic!(\"two\");", "let nul = \"\0\";"] {
            let mut last = String::new();
            for code in ["println!(\"one\");", fails, &writes, "println!(\"four\");"] {
                last = kernel.send(code).await.unwrap();
            }
            assert_eq!(kernel.next_line(LONG).await.unwrap(), "one\n");
            let shown = kernel.finish(&last, LONG).await.unwrap();
            assert!(shown.was_aborted && shown.stdout().is_empty(), "{shown:?}");
            assert!(!file.exists(), "the third cell was not run");
        }
        let shown = kernel.execute("let nul = \"\0\";", LONG).await.unwrap();
        assert!(shown.error().unwrap().contains("(NUL)"), "{shown:?}");
        // One that is sent later runs.
        let shown = kernel.execute("println!(\"five\");", LONG).await.unwrap();
        assert_eq!(shown.stdout(), "five\n");
        lent.give_back().await;
    });
}

#[test]
fn all_that_a_cell_prints_comes_before_it_is_idle() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        // As many lines as are shown whole.
        let code = "for i in 0..900 { println!(\"out {i}\"); }\nfor i in 0..900 { eprintln!(\"err {i}\"); }";
        let id = kernel.send(code).await.unwrap();
        let all = published(kernel, &id).await;
        for (stdout, word) in [(true, "out"), (false, "err")] {
            let expected: String = (0..900).map(|i| format!("{word} {i}\n")).collect();
            assert!(text(&all, stdout) == expected, "{word} is whole");
        }
        // Gathered, or the page would stop answering.
        assert!(all.len() < 180, "{} messages", all.len());
        lent.give_back().await;
    });
}

#[test]
fn text_without_a_line_s_end_is_shown_and_hangs_nothing() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let code = "print!(\"abc\");\nstd::io::Write::flush(&mut std::io::stdout())?;";
        let shown = kernel.execute(code, Duration::from_secs(20)).await.unwrap();
        assert_eq!((shown.error(), shown.stdout().as_str()), (None, "abc"));
        let code =
            "print!(\"def\");\nstd::io::Write::flush(&mut std::io::stdout())?;\npanic!(\"oh\");";
        let shown = kernel.execute(code, Duration::from_secs(20)).await.unwrap();
        assert!(shown.error().unwrap().starts_with("oh"));
        assert_eq!(shown.stdout(), "def");
        lent.give_back().await;
    });
}

#[test]
fn every_figure_of_a_cell_is_shown_at_its_place_and_while_it_runs() {
    block_on(async {
        let mut lent = lend().await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        let code = "
            fn show(title: &str) { Bars::new(title).bar(\"a\", 1.0).evcxr_display() }
            show(\"first\");
            println!(\"between\");
            show(\"second\");
            Bars::new(\"third\").bar(\"a\", 1.0)";
        let id = kernel.send(code).await.unwrap();
        let all = published(kernel, &id).await;
        let kinds: Vec<&str> = all.iter().map(Content::message_type).collect();
        assert_eq!(
            kinds,
            ["display_data", "stream", "display_data", "execute_result"]
        );

        // A place that is filled again; each stage is seen while the cell still runs.
        let code = r#"
            println!("LABS_DISPLAY {{\"display_id\":\"x\",\"update\":false,\"data\":{{\"text/plain\":\"stage 1\"}}}}");
            let mut line = String::new();
            while !std::path::Path::new(GO).exists() { std::hint::spin_loop(); }
            println!("LABS_DISPLAY {{\"display_id\":\"x\",\"update\":true,\"data\":{{\"text/plain\":\"stage 2\"}}}}");"#;
        let go = place.home.join("go-front");
        kernel
            .execute(&format!("const GO: &str = {:?};", go), LONG)
            .await
            .unwrap();
        let id = kernel.send(code).await.unwrap();
        loop {
            match kernel.next_published(&id, LONG).await.unwrap() {
                Content::DisplayData(display) => {
                    assert_eq!(display.transient.unwrap().display_id.unwrap(), "x");
                    break;
                }
                Content::Status(_) | Content::ExecuteInput(_) => {}
                other => panic!("{other:?}"),
            }
        }
        std::fs::write(&go, "").unwrap(); // the cell waits for this, so it was running when the first stage came
        let rest = published(kernel, &id).await;
        assert!(
            matches!(&rest[..], [Content::UpdateDisplayData(_)]),
            "{rest:?}"
        );
        lent.give_back().await;
    });
}

#[test]
fn an_interrupt_while_nothing_runs_loses_nothing() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        kernel.execute("let kept = 42;", LONG).await.unwrap();
        kernel.interrupt().await.unwrap();
        assert_eq!(
            kernel
                .execute("println!(\"{kept}\");", LONG)
                .await
                .unwrap()
                .stdout(),
            "42\n"
        );
        lent.give_back().await;
    });
}

#[test]
fn a_kernel_that_cannot_start_says_why_and_tries_again() {
    let (_folder, place) = home();
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("evcxr.toml");
        std::fs::write(&config, "[dependencies\n").unwrap();
        let mut kernel = start_with(&place, |command| {
            command.current_dir(folder.path());
        })
        .await;
        let error = kernel
            .execute("1 + 1", LONG)
            .await
            .unwrap()
            .error()
            .unwrap();
        assert!(error.contains("evcxr.toml, line 1"), "{error}");
        std::fs::write(&config, "").unwrap();
        assert_eq!(
            kernel
                .execute("println!(\"{}\", 6 * 7);", LONG)
                .await
                .unwrap()
                .stdout(),
            "42\n"
        );
        kernel.shutdown(false).await.unwrap();
    });
}

#[test]
fn a_busy_kernel_can_be_asked_to_end() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        busy(kernel).await;
        let below = family(kernel.child.id().unwrap());
        lent.end().await;
        within_a_second("all have ended", || !below.iter().any(|&pid| alive(pid))).await;
    });
}

/// The kernel works with sources of the standard library from which much was taken out; what cells use must still be there.
#[test]
fn the_types_of_the_standard_library_are_still_found_out() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        for code in [
            "let v = vec![3u64, 1, 2]; let w = v.iter().map(|x| x * 2).rev().collect::<Vec<_>>();",
            "let m = w.iter().map(|x| (*x, x.to_string())).collect::<std::collections::HashMap<_, _>>();",
            "let longest = m.values().map(|text| text.len()).max();",
            "let t = std::time::Instant::now(); let d = t.elapsed(); let s = d.as_secs_f64() * 2.0;",
            "let shared = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeMap::from([(1, 'a')])));",
            "let counter = std::sync::atomic::AtomicU64::new(5); let before = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);",
            "let parts = \"a,b\".split(',').map(str::to_owned).collect::<Vec<_>>(); let joined = parts.join(\"-\");",
            "let (tx, rx) = std::sync::mpsc::channel::<u32>(); let handle = std::thread::spawn(move || 7); let seven = handle.join().unwrap();",
            "let text = std::fs::read_to_string(\"/proc/self/stat\")?; let first = text.chars().next(); let args = std::env::args().count();",
            "let squared = (1..=4).map(|x| x * x).sum::<i32>(); let float = 2f64.sqrt().max(1.0).to_bits(); let wide = 7u32.leading_zeros().pow(2);",
        ] {
            let shown = kernel.execute(code, LONG).await.unwrap();
            assert_eq!(shown.error(), None, "{code}");
        }
        lent.give_back().await;
    });
}
