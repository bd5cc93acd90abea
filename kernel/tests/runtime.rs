//! The process in which cells run: what is left after its end and after an interrupt, what reads of standard input get, and what panics
//! say.

use crate::common::*;
use labs::client::Kernel;
use std::time::Duration;

/// Runs a cell; what it printed, and its error.
async fn run(kernel: &mut Kernel, code: &str) -> (String, String) {
    let shown = kernel.execute(code, LONG).await.unwrap();
    (shown.stdout(), shown.error().unwrap_or_default())
}

/// A variable that was made before is still there.
async fn keeps(kernel: &mut Kernel, after: &str) {
    let (out, error) = run(kernel, "println!(\"{kept:?} {count}\");").await;
    assert_eq!(
        (out.as_str(), error.as_str()),
        ("[4, 2] 7\n", ""),
        "{after}"
    );
}

async fn with_variables(kernel: &mut Kernel) {
    let (_, error) = run(kernel, "let kept = vec![4, 2]; let mut count = 7;").await;
    assert_eq!(error, "");
}

#[test]
fn whatever_ends_the_process_leaves_the_variables_and_the_last_output() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        with_variables(kernel).await;
        for (ends, said) in [
            ("std::process::abort();", "it aborted (SIGABRT)"),
            ("std::process::exit(3);", "exit status 3"),
            ("unsafe { *(8 as *mut u8) = 1 };", "segmentation fault"),
            (
                "fn deep(n: u64) -> u64 { let a = [n; 100]; deep(n + 1) + a[n as usize % 100] }\nprintln!(\"{}\", deep(1));",
                "its stack overflowed",
            ),
            (
                "fn deep(n: u64) -> u64 { let a = [n; 100]; deep(n + 1) + a[n as usize % 100] }\n\
                 println!(\"{:?}\", std::thread::spawn(|| deep(1)).join().is_ok());",
                "a thread's stack overflowed",
            ),
            (
                "let mut all = vec![0u8; 1 << 20]; all.reserve(1 << 60);",
                "of memory at once",
            ),
        ] {
            let code = format!(
                "count += 1; print!(\"last \"); println!(\"words\"); print!(\"of it\");\n{ends}"
            );
            let shown = kernel.execute(&code, LONG).await.unwrap();
            let error = shown.error().unwrap_or_default();
            assert!(error.contains(said), "{ends}: {shown:?}");
            assert!(
                shown.stdout().starts_with("last words\n"),
                "{ends}: {shown:?}"
            );
            assert!(error.contains("as they were before"), "{error}");
            keeps(kernel, ends).await;
        }
        lent.give_back().await;
    });
}

#[test]
fn a_barrier_and_a_queue_wait_for_late_threads_and_workers_but_not_for_nobody() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let (_, error) = run(
            kernel,
            "let (barrier, queue) = (Barrier::new(2)?, Queue::<u8>::bounded(4)?);\n\
             // Later than the first look at what the others do.\n\
             fn late() { std::thread::sleep(std::time::Duration::from_millis(300)) }\n\
             fn meet(barrier: &Barrier, queue: &Queue<u8>) { late(); barrier.wait(); late(); queue.put(7).unwrap(); }",
        )
        .await;
        assert_eq!(error, "");
        for with in [
            "std::thread::scope(|scope| { scope.spawn(|| meet(&barrier, &queue)); barrier.wait(); println!(\"{:?}\", queue.get()); });",
            "let other = Workers::spawn(1, |_| meet(&barrier, &queue))?; barrier.wait(); println!(\"{:?}\", queue.get()); other.join()?;",
        ] {
            let (out, error) = run(kernel, with).await;
            assert_eq!((out.as_str(), error.as_str()), ("Ok(7)\n", ""), "{with}");
        }
        let (_, error) = run(kernel, "barrier.wait();").await;
        assert!(error.contains("no worker is left"), "{error}");
        let (_, error) = run(kernel, "println!(\"{:?}\", queue.get()); queue.get()?;").await;
        assert!(error.contains("no worker"), "{error}");
        lent.give_back().await;
    });
}

#[test]
fn a_panic_that_is_passed_on_keeps_its_words() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let (_, error) = run(
            kernel,
            "let other = std::thread::spawn(|| -> () { panic!(\"out of ink\") });\n\
             std::panic::resume_unwind(other.join().unwrap_err());",
        )
        .await;
        for said in ["out of ink", "line 1", "on another thread"] {
            assert!(error.contains(said), "{said}: {error}");
        }
        lent.give_back().await;
    });
}

#[test]
fn an_interrupt_at_any_moment_stops_the_cell_and_loses_nothing() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        with_variables(kernel).await;
        // While it runs, more than once.
        let id = kernel
            .send("count += 1; println!(\"busy\"); loop {}")
            .await
            .unwrap();
        assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
        for _ in 0..5 {
            kernel.interrupt().await.unwrap();
        }
        let error = kernel.finish(&id, LONG).await.unwrap().error().unwrap();
        assert!(error.contains("as they were before"), "{error}");
        keeps(kernel, "five interrupts of a busy cell").await;
        // From the first moment on, while it is analysed, compiled, started.
        for wait in [0, 5, 20, 60, 100, 150, 200, 250, 300, 400] {
            let code = format!(
                "let unseen_{wait}: Vec<u64> = (0..{wait}).map(|n| n * 2).collect(); count += 1; loop {{}}"
            );
            let id = kernel.send(&code).await.unwrap();
            tokio::time::sleep(Duration::from_millis(wait)).await;
            kernel.interrupt().await.unwrap();
            let shown = kernel.finish(&id, LONG).await.unwrap();
            let error = shown.error().unwrap();
            assert!(
                error.starts_with("You stopped this cell"),
                "{wait}: {error}"
            );
            keeps(kernel, &format!("an interrupt after {wait} ms")).await;
        }
        // A cell that would have taken a variable has not taken it.
        let moves = "let taken = kept; println!(\"{}\", taken.len()); loop {}";
        let id = kernel.send(moves).await.unwrap();
        assert_eq!(kernel.next_line(LONG).await.unwrap(), "2\n");
        kernel.interrupt().await.unwrap();
        let error = kernel.finish(&id, LONG).await.unwrap().error().unwrap();
        assert!(error.contains("as they were before"), "{error}");
        keeps(kernel, "an interrupt of a cell that takes a variable").await;
        let (_, error) = run(kernel, "let taken = kept.clone(); std::process::abort();").await;
        assert!(error.contains("as they were before"), "{error}");
        keeps(kernel, "the end of one").await;
        // Nothing runs.
        for _ in 0..3 {
            kernel.interrupt().await.unwrap();
        }
        keeps(kernel, "interrupts of nothing").await;
        lent.give_back().await;
    });
}

#[test]
fn without_a_copy_the_loss_is_told_and_the_kernel_goes_on() {
    let (_folder, place) = home();
    block_on(async {
        // This test needs a kernel of its own, because it looks at what the prelude has set after the first process is gone.
        let mut own = start(&place).await;
        let kernel = &mut own;
        with_variables(kernel).await;
        let (_, error) = run(
            kernel,
            "std::thread::spawn(|| loop { std::thread::park() });",
        )
        .await;
        assert_eq!(error, "");
        let id = kernel.send("println!(\"busy\"); loop {}").await.unwrap();
        assert_eq!(kernel.next_line(LONG).await.unwrap(), "busy\n");
        kernel.interrupt().await.unwrap();
        let error = kernel.finish(&id, LONG).await.unwrap().error().unwrap();
        assert!(error.contains("other threads were running"), "{error}");
        // The new process has what the prelude set in the old one.
        let (out, error) = run(kernel, "print!(\"no end of line\");").await;
        assert_eq!((out.as_str(), error.as_str()), ("no end of line", ""));
        let (_, error) = run(kernel, "panic!(\"one\\ntwo panicked at three\")").await;
        assert!(
            error.starts_with("one\ntwo panicked at three\ncell ["),
            "{error}"
        );
        own.shutdown(false).await.unwrap();
    });
}

#[test]
fn a_process_that_ends_between_cells_is_told_by_the_next() {
    block_on(async {
        let mut lent = lend().await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        with_variables(kernel).await;
        let go = place.home.join("go-runtime");
        let code = format!(
            "std::thread::spawn(|| {{ while !std::path::Path::new({go:?}).exists() {{ std::thread::yield_now() }} std::process::exit(4) }});\n\
             std::process::id()"
        );
        let shown = kernel.execute(&code, LONG).await.unwrap();
        let pid = shown.outputs.iter().find_map(|output| match output {
            labs::client::Output::Result(media) => Some(format!("{media:?}")),
            _ => None,
        });
        let digits = |text: String| {
            text.chars()
                .filter(char::is_ascii_digit)
                .collect::<String>()
        };
        let pid: u32 = digits(pid.unwrap()).parse().unwrap();
        std::fs::write(&go, "").unwrap();
        within_a_second("it has ended", || !alive(pid)).await;
        let (_, error) = run(kernel, "println!(\"not run\");").await;
        assert!(
            error.contains("had ended before this cell could run")
                && error.contains("exit status 4"),
            "{error}"
        );
        let (out, _) = run(kernel, "println!(\"well\");").await;
        assert_eq!(out, "well\n");
        lent.give_back().await;
    });
}

const READ: &str = "let mut line = String::new(); let bytes = std::io::stdin().read_line(&mut line)?; println!(\"{bytes} {line:?}\");";

#[test]
fn a_cell_that_reads_asks_the_student() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        with_variables(kernel).await;
        // An answer that nobody asked for goes nowhere.
        kernel.answer("too early").await.unwrap();
        let id = kernel
            .send_asking(&format!("print!(\"Name? \"); {READ}"))
            .await
            .unwrap();
        assert_eq!(
            kernel.next_question(LONG).await.unwrap(),
            "This cell reads a line:"
        );
        kernel.answer("Ada L\u{e4}").await.unwrap();
        let shown = kernel.finish(&id, LONG).await.unwrap();
        assert_eq!(shown.stdout(), "Name? 8 \"Ada L\u{e4}\\n\"\n");

        // Two questions, two answers; the second of two answers to one is dropped. The cell asks again only when the front has had both.
        let folder = tempfile::tempdir().unwrap();
        let gate = folder.path().join("gate");
        let twice = format!("{READ}\nwhile !std::path::Path::new({gate:?}).exists() {{}}\n{READ}");
        let id = kernel.send_asking(&twice).await.unwrap();
        kernel.next_question(LONG).await.unwrap();
        kernel.answer("one").await.unwrap();
        kernel.answer("dropped").await.unwrap();
        // The front answers this after it has read both.
        let content = serde_json::json!({"code": "", "cursor_pos": 0});
        let asked = kernel.request("complete_request", content).await.unwrap();
        kernel.reply_to(&asked, LONG).await.unwrap();
        std::fs::write(&gate, "").unwrap();
        kernel.next_question(LONG).await.unwrap();
        kernel.answer("two").await.unwrap();
        let shown = kernel.finish(&id, LONG).await.unwrap();
        assert_eq!(shown.stdout(), "4 \"one\\n\"\n4 \"two\\n\"\n");

        // An interrupt needs no answer, and a late one goes nowhere.
        let id = kernel.send_asking(READ).await.unwrap();
        kernel.next_question(LONG).await.unwrap();
        kernel.interrupt().await.unwrap();
        let shown = kernel.finish(&id, LONG).await.unwrap();
        assert!(
            shown.error().unwrap().starts_with("You stopped"),
            "{shown:?}"
        );
        kernel.answer("too late").await.unwrap();
        let id = kernel.send_asking(READ).await.unwrap();
        kernel.next_question(LONG).await.unwrap();
        kernel.answer("\u{4}").await.unwrap(); // Ctrl+D
        let shown = kernel.finish(&id, LONG).await.unwrap();
        assert_eq!(shown.stdout(), "0 \"\"\n");
        keeps(kernel, "questions").await;

        // If nobody can be asked, there is nothing to read.
        let (out, _) = run(kernel, READ).await;
        assert_eq!(out, "0 \"\"\n");
        lent.give_back().await;
    });
}

#[test]
fn programs_and_workers_and_threads_never_take_what_is_not_theirs() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        with_variables(kernel).await;
        for code in [
            "println!(\"{}\", std::process::Command::new(\"cat\").status()?);",
            "println!(\"{}\", std::process::Command::new(\"head\").arg(\"-c1\").status()?);",
            "println!(\"{}\", std::process::Command::new(\"sh\").args([\"-c\", \"read x; echo got $x\"]).output()?.stdout.len());",
        ] {
            let (out, error) = run(kernel, code).await;
            assert!(
                error.is_empty() && !out.contains("LOAD_AND_RUN"),
                "{code}: {out} {error}"
            );
        }
        let (out, error) = run(
            kernel,
            "let report = Workers::spawn(2, |_| std::io::stdin().lines().count())?.join()?;\nprintln!(\"{:?}\", report.values()?);",
        )
        .await;
        assert_eq!((out.as_str(), error.as_str()), ("[0, 0]\n", ""));
        // One that outlives its cell.
        let (_, error) = run(
            kernel,
            "std::thread::spawn(|| { let mut s = String::new(); while std::io::stdin().read_line(&mut s).is_ok_and(|n| n > 0) {} });",
        )
        .await;
        assert_eq!(error, "");
        keeps(kernel, "readers of all kinds").await;
        lent.give_back().await;
    });
}

#[test]
fn shell_lines_stream_and_can_be_stopped() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        with_variables(kernel).await;
        let id = kernel
            .send("!echo begun; sleep 1000\ncount += 1;")
            .await
            .unwrap();
        assert_eq!(kernel.next_line(LONG).await.unwrap(), "begun\n");
        kernel.interrupt().await.unwrap();
        let error = kernel.finish(&id, LONG).await.unwrap().error().unwrap();
        assert!(error.starts_with("You stopped this shell line"), "{error}");
        let (out, error) = run(
            kernel,
            "!echo one; cat\n// between\n!echo two >&2; exit 3\nprintln!(\"not run\");",
        )
        .await;
        assert!(
            out == "one\n" && error.contains("exit status: 3"),
            "{out} {error}"
        );
        let (out, error) = run(
            kernel,
            "!echo one\nprintln!(\"{count}\");\nlet bad: () = 1;",
        )
        .await;
        assert!(
            out == "one\n" && error.contains("mismatched types"),
            "{out} {error}"
        );
        let (out, error) = run(kernel, "!echo one\nprintln!(\"{count}\");").await;
        assert_eq!((out.as_str(), error.as_str()), ("one\n7\n", ""));
        keeps(kernel, "shell lines").await;
        lent.give_back().await;
    });
}

#[test]
fn every_panic_says_why_and_where() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        with_variables(kernel).await;
        let first = number(kernel).await + 1;
        let numbered =
            |text: &str, after: usize| text.replace("[N]", &format!("[{}]", first + after));
        for (index, (code, expected)) in [
            ("panic!(\"one\\ntwo\")", "one\ntwo\ncell [N], line 1:"),
            (
                "panic!(\"thread 'main' panicked at src/x.rs:1:1:\\nnot this\")",
                "thread 'main' panicked at src/x.rs:1:1:\nnot this\ncell [N]",
            ),
            (
                "let a = std::hint::black_box(0); println!(\"{}\", 1 / a);",
                "attempt to divide by zero\ncell [N], line 1:",
            ),
            (
                "fn f(v: &[u32]) -> u32 { v[3] }\nf(&[1]);",
                "index out of bounds: the len is 1 but the index is 3\ncell [N], line 1:",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let (_, error) = run(kernel, code).await;
            let expected = numbered(expected, index);
            assert!(error.starts_with(&expected), "{code}: {error}");
        }
        // Panics that do not end the cell are printed as a program prints them, and a later panic is not mistaken for one of them.
        let code = "let caught = std::panic::catch_unwind(|| panic!(\"first\")).is_err();\n\
                    let joined = std::thread::spawn(|| panic!(\"second\")).join().is_err();\n\
                    assert!(caught && joined);\npanic!(\"third\");";
        let shown = kernel.execute(code, LONG).await.unwrap();
        let said = format!("{shown:?}");
        assert!(
            shown
                .error()
                .unwrap()
                .starts_with(&numbered("third\ncell [N], line 4", 4)),
            "{said}"
        );
        assert!(said.contains("first") && said.contains("second"), "{said}");
        // A second panic while the first unwinds ends the process; both are told.
        let code = "struct Bad;\nimpl Drop for Bad { fn drop(&mut self) { panic!(\"in drop\") } }\nlet _bad = Bad;\npanic!(\"before\");";
        let (_, error) = run(kernel, code).await;
        assert!(
            error.starts_with("before\nand meanwhile: in drop\n")
                && error.contains(&numbered("cell [N], line 4", 5)),
            "{error}"
        );
        keeps(kernel, "panics").await;
        lent.give_back().await;
    });
}

#[test]
fn content_without_an_end_ends_with_its_cell() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        with_variables(kernel).await;
        let (_, error) = run(
            kernel,
            "println!(\"EVCXR_BEGIN_CONTENT text/html\\n<b>x</b>\");",
        )
        .await;
        assert_eq!(error, "");
        let code = "let workers = Workers::spawn(1, |_| -> () { println!(\"EVCXR_BEGIN_CONTENT image/svg+xml\\n<svg>\"); std::process::abort() })?;\n\
                    workers.join()?;\nprintln!(\"after\");\nBars::new(\"whole\").bar(\"a\", 1.0)";
        let shown = kernel.execute(code, LONG).await.unwrap();
        let said = format!("{shown:?}");
        assert!(
            said.contains("its end is missing") && said.contains("whole"),
            "{said}"
        );
        keeps(kernel, "content without an end").await;
        lent.give_back().await;
    });
}
