//! What the front adds to evcxr: errors that are errors, output at once and whole, and requests that evcxr leaves unanswered.

use crate::common::*;
use jupyter_protocol::{ExecutionState, JupyterMessageContent as Content, Stdio};
use labs::client::Kernel;
use serde_json::json;
use std::io::Write;
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

/// A file that keeps the compiler waiting when it reads it, until [`let_go`](Gate::let_go).
struct Gate {
    file: std::path::PathBuf,
    /// The same pipe, under a name at which no compiler looks.
    pipe: std::path::PathBuf,
}

impl Gate {
    fn new(folder: &std::path::Path, name: &str) -> Gate {
        let (file, pipe) = (folder.join(name), folder.join(format!("{name}-pipe")));
        let made = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(made.unwrap().success());
        std::fs::hard_link(&file, &pipe).unwrap();
        Gate { file, pipe }
    }

    /// Code for the number 4, for which the compiler must read the file.
    fn code(&self) -> String {
        format!("include_str!({:?}).len()", self.file)
    }

    /// Lets the waiting compiler go on, and all compilers that come later.
    fn let_go(&self) {
        let beside = self.file.with_extension("text");
        std::fs::write(&beside, "text").unwrap();
        std::fs::rename(&beside, &self.file).unwrap();
        // Opened for both, it waits for nobody: the compiler may not have come here yet.
        let mut pipe = std::fs::OpenOptions::new();
        let pipe = pipe.read(true).write(true).open(&self.pipe);
        pipe.unwrap().write_all(b"text").unwrap();
    }
}

/// The next message about the cell `id`, except its state and its input: the kind, and the text if it has one.
async fn next_shown(kernel: &mut Kernel, id: &str) -> (String, String) {
    loop {
        let content = kernel.next_published(id, LONG).await.unwrap();
        let kind = content.message_type().to_string();
        let plain = |media: &jupyter_protocol::Media| match media.content.first() {
            Some(jupyter_protocol::MediaType::Plain(text)) => text.clone(),
            _ => String::new(),
        };
        let text = match content {
            Content::Status(status) if status.execution_state == ExecutionState::Idle => {
                "idle".into()
            }
            Content::Status(_) | Content::ExecuteInput(_) => continue,
            Content::DisplayData(display) => plain(&display.data),
            Content::UpdateDisplayData(update) => plain(&update.data),
            Content::StreamContent(stream) => stream.text,
            Content::ClearOutput(clear) => clear.wait.to_string(),
            _ => String::new(),
        };
        return (kind, text);
    }
}

/// Sends a cell as a page does, and waits until the page is told that it is being compiled.
async fn compiling(kernel: &mut Kernel, code: &str) -> String {
    let id = kernel
        .send_with(code, json!({"cellId": "a cell"}))
        .await
        .unwrap();
    let (kind, text) = next_shown(kernel, &id).await;
    assert_eq!(kind, "display_data");
    assert!(text.starts_with("compiling … "), "{text}");
    // And again, while it takes longer.
    let (kind, text) = next_shown(kernel, &id).await;
    assert_eq!(kind, "update_display_data");
    assert!(text.starts_with("compiling … "), "{text}");
    id
}

/// What comes after the updates that say that the cell is still being compiled.
async fn after_compiling(kernel: &mut Kernel, id: &str) -> (String, String) {
    loop {
        let (kind, text) = next_shown(kernel, id).await;
        if kind != "update_display_data" || !text.starts_with("compiling") {
            return (kind, text);
        }
    }
}

fn said(kind: &str, text: &str) -> (String, String) {
    (kind.into(), text.into())
}

#[test]
fn a_page_is_told_that_its_cell_is_compiled_and_then_that_it_runs() {
    let (_folder, place) = home();
    block_on(async {
        let mut kernel = start(&place).await;
        let (gate, go) = (Gate::new(&place.home, "first"), place.home.join("go"));
        let code = format!(
            "let length = {};\nwhile !std::path::Path::new({go:?}).exists() {{ std::thread::yield_now(); }}",
            gate.code()
        );
        let id = compiling(&mut kernel, &format!("{code}\nprintln!(\"{{length}}\");")).await;
        gate.let_go();
        let running = said("update_display_data", "running …");
        assert_eq!(after_compiling(&mut kernel, &id).await, running);
        std::fs::write(&go, "").unwrap();
        // What it prints takes the place of the line.
        assert_eq!(
            next_shown(&mut kernel, &id).await,
            said("clear_output", "true")
        );
        assert_eq!(next_shown(&mut kernel, &id).await, said("stream", "4\n"));
        assert_eq!(next_shown(&mut kernel, &id).await, said("status", "idle"));

        // One that prints nothing leaves nothing.
        let gate = Gate::new(&place.home, "second");
        let id = compiling(&mut kernel, &format!("let other = {};", gate.code())).await;
        gate.let_go();
        assert_eq!(after_compiling(&mut kernel, &id).await, running);
        assert_eq!(
            next_shown(&mut kernel, &id).await,
            said("clear_output", "false")
        );
        assert_eq!(next_shown(&mut kernel, &id).await, said("status", "idle"));

        let shown = kernel.execute(":times", LONG).await.unwrap();
        let times = shown.stdout();
        let cells: Vec<&str> = times
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(cells, ["cell", "[1]", "[2]", "[3]"], "{times}");
        kernel.shutdown(false).await.unwrap();
    });
}

#[test]
fn nothing_remains_of_what_a_page_was_told_while_its_cell_was_compiled() {
    let (_folder, place) = home();
    block_on(async {
        let mut kernel = start(&place).await;
        // An error takes its place.
        let gate = Gate::new(&place.home, "wrong");
        let code = format!("let number: char = {};", gate.code());
        let id = compiling(&mut kernel, &code).await;
        gate.let_go();
        let cleared = said("clear_output", "true");
        assert_eq!(after_compiling(&mut kernel, &id).await, cleared);
        assert_eq!(next_shown(&mut kernel, &id).await.0, "error");
        while next_shown(&mut kernel, &id).await != said("status", "idle") {}

        // So does what an interrupt says.
        let gate = Gate::new(&place.home, "stopped");
        let id = compiling(&mut kernel, &format!("let other = {};", gate.code())).await;
        kernel.interrupt().await.unwrap();
        assert_eq!(after_compiling(&mut kernel, &id).await, cleared);
        assert_eq!(next_shown(&mut kernel, &id).await.0, "error");
        while next_shown(&mut kernel, &id).await != said("status", "idle") {}

        // A quick cell shows what it prints, and a client that takes `clear_output` at its word sees nothing else.
        let told = json!({"cellId": "a cell"});
        let id = kernel
            .send_with("println!(\"quick\");", told)
            .await
            .unwrap();
        let shown = kernel.finish(&id, LONG).await.unwrap();
        assert_eq!(
            (shown.outputs.len(), shown.stdout().as_str()),
            (1, "quick\n")
        );
        kernel.shutdown(false).await.unwrap();
    });
}
