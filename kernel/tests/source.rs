//! What the front does with a cell's source before evcxr gets it, with real kernels.

use crate::common::*;
use labs::client::{Kernel, Output, Shown};
use serde_json::json;

/// Runs `code` as the cell `id` of a notebook, as JupyterLab does, after the cells `deleted` were deleted.
async fn run_after(kernel: &mut Kernel, id: &str, code: &str, deleted: &[&str]) -> Shown {
    let metadata = json!({"cellId": id, "deletedCells": deleted});
    let request = kernel.send_with(code, metadata).await.unwrap();
    kernel.finish(&request, LONG).await.unwrap()
}

async fn run(kernel: &mut Kernel, id: &str, code: &str) -> Shown {
    run_after(kernel, id, code, &[]).await
}

/// What a cell printed, which must have ended well and without a note.
async fn printed(kernel: &mut Kernel, id: &str, code: &str) -> String {
    let shown = run(kernel, id, code).await;
    assert_eq!(shown.error(), None, "{code}");
    shown.stdout()
}

fn notes(shown: &Shown) -> String {
    let stderr = shown.outputs.iter().filter_map(|output| match output {
        Output::Stderr(text) => Some(text.as_str()),
        _ => None,
    });
    stderr.collect()
}

fn failure(shown: &Shown) -> String {
    let errors = shown.outputs.iter().filter_map(|output| match output {
        Output::Error(text) => Some(text.as_str()),
        _ => None,
    });
    errors.collect()
}

#[test]
fn a_cell_with_an_impl_runs_again_and_changed() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        printed(kernel, "type", "#[derive(Debug)]\nstruct A<T>(T);").await;
        for number in ["1", "2", "2"] {
            let inherent =
                format!("impl<T> A<T> {{\n    fn number(&self) -> u32 {{ {number} }}\n}}");
            printed(kernel, "inherent", &inherent).await;
            let of_trait = format!(
                "// first\nuse std::fmt;\nimpl<T> fmt::Display for A<T> {{\n    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {{ f.write_str(\"{number}\") }}\n}}"
            );
            printed(kernel, "trait", &of_trait).await;
            let unsafe_impl = format!(
                "fn unrelated() -> u8 {{ {number} }}\nunsafe impl<T> Send for A<T> {{}} unsafe extern \"C\" {{ fn getpid() -> i32; }}\nlet other = {number};"
            );
            printed(kernel, "unsafe", &unsafe_impl).await;
            let used = "println!(\"{} {}\", A(1).number(), A(1));";
            assert_eq!(
                printed(kernel, "use", used).await,
                format!("{number} {number}\n")
            );
        }
        // If another cell defines the name of the item before an impl, the impl stays.
        printed(kernel, "other", "fn unrelated() {}").await;
        printed(
            kernel,
            "use",
            "fn send<T: Send>(_: T) {}\nsend(A(1)); println!(\"{}\", unsafe { getpid() > 0 });",
        )
        .await;
        // An impl moves to the cell of its type, and back; what is gone from its cell is gone.
        let there =
            "#[derive(Debug)]\nstruct A<T>(T);\nimpl<T> A<T> { fn number(&self) -> u32 { 3 } }";
        printed(kernel, "type", there).await;
        printed(kernel, "inherent", "let moved = 1;").await;
        assert_eq!(
            printed(kernel, "use", "println!(\"{}\", A(1).number());").await,
            "3\n"
        );
        printed(
            kernel,
            "inherent",
            "impl<T> A<T> { fn number(&self) -> u32 { 4 } }",
        )
        .await;
        printed(kernel, "type", "#[derive(Debug)]\nstruct A<T>(T);").await;
        assert_eq!(
            printed(kernel, "use", "println!(\"{}\", A(1).number());").await,
            "4\n"
        );
        printed(kernel, "trait", "let no_display = 1;").await;
        let gone = run(kernel, "use", "println!(\"{}\", A(1));").await;
        assert!(failure(&gone).contains("doesn't implement"), "{gone:?}");
        lent.give_back().await;
    });
}

#[test]
fn errors_have_the_lines_and_columns_of_the_student() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let before = number(kernel).await;
        let code = "impl Clone for B { fn clone(&self) -> B { B } }\nstruct B;\nimpl B {\n    fn f() -> u8 { nothing }\n}\nfn panics() {\n    panic!(\"oh\");\n}";
        let id = kernel.send(code).await.unwrap();
        let report = loop {
            if let jupyter_protocol::JupyterMessageContent::ErrorOutput(error) =
                kernel.next_published(&id, LONG).await.unwrap()
            {
                break error.traceback.join("\n");
            }
        };
        kernel.finish(&id, LONG).await.unwrap();
        assert!(
            report.contains(&format!("cell [{}], line 4:", before + 1)),
            "{report}"
        );
        assert!(!report.contains("_Impl"), "{report}");
        let mended = code.replace("nothing", "1");
        assert_eq!(kernel.execute(&mended, LONG).await.unwrap().error(), None);
        let panic = kernel.execute("panics();", LONG).await.unwrap();
        assert!(
            failure(&panic).ends_with("line 7:  panic!(\"oh\");"),
            "{panic:?}"
        );
        lent.give_back().await;
    });
}

#[test]
fn the_preludes_names_come_back() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let before = number(kernel).await;
        let of_the_labs = "println!(\"{} {}\", Flag::new()?.is_set(), time(|| 1).value);";
        assert_eq!(printed(kernel, "lab", of_the_labs).await, "false 1\n");
        let own = run(kernel, "own", "struct Flag;\nfn time() -> u8 { 5 }").await;
        assert!(
            notes(&own).contains(&format!(
                "note: from cell [{}] on, `Flag` is what you define here",
                before + 2
            )),
            "{own:?}"
        );
        assert_eq!(
            printed(kernel, "own", "struct Flag;\nfn time() -> u8 { 6 }").await,
            ""
        );
        assert_eq!(
            printed(kernel, "use", "println!(\"{}\", time());").await,
            "6\n"
        );
        assert!(run(kernel, "lab", of_the_labs).await.error().is_some());
        // The definition is renamed and used in the same cell, whose last expression is still its value.
        let renamed = run(
            kernel,
            "own",
            "struct Flag;\nfn mine() {}\ntime(|| 7).value",
        )
        .await;
        assert_eq!(renamed.error(), None);
        assert!(
            format!("{:?}", renamed.outputs).contains("\"7\""),
            "{renamed:?}"
        );
        // Deleted.
        let after = run_after(kernel, "lab", of_the_labs, &["own"]).await;
        assert_eq!((after.error(), after.stdout()), (None, "false 1\n".into()));
        lent.give_back().await;
    });
}

#[test]
fn a_definition_that_others_need_can_stay() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        run(kernel, "own", "fn time() -> u8 { 5 }").await;
        printed(kernel, "other", "fn uses() -> u8 { time() }").await;
        assert!(
            run(kernel, "own", "fn mine() -> u8 { 5 }")
                .await
                .error()
                .is_some()
        );
        let again = run(kernel, "own", "fn mine() -> u8 { 5 }").await;
        assert!(notes(&again).contains("`time` stays"), "{again:?}");
        assert_eq!(failure(&again), "");
        printed(kernel, "other", "fn uses() -> u8 { mine() }").await;
        // The names of traits that the kernel brings into scope for types still belong to the student.
        let own = "trait Read { fn mine(&self) -> u8 { 8 } }\nimpl Read for u8 {}\nenum Error { Mine(u8) }\nuse std::fmt::Write;";
        printed(kernel, "own", own).await;
        let used = "let own = Box::new(1u8) as Box<dyn Read>;\nlet mut text = String::new();\nwrite!(text, \"{}\", own.mine())?;\nprintln!(\"{text}\");";
        assert_eq!(printed(kernel, "use", used).await, "8\n");
        lent.end().await;
    });
}

#[test]
fn statics_are_told_and_those_of_macros_are_kept() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let hits = "use std::sync::atomic::AtomicU64;\nstatic HITS: AtomicU64 = AtomicU64::new(0);";
        let shown = run(kernel, "a", hits).await;
        assert!(
            notes(&shown).contains("own copy of the static `HITS`"),
            "{shown:?}"
        );
        assert_eq!(printed(kernel, "a", hits).await, "");
        let local = "use std::cell::Cell;\nthread_local! {\n    static DEPTH: Cell<u32> = const { Cell::new(3) };\n}";
        let shown = run(kernel, "b", local).await;
        assert_eq!(failure(&shown), "");
        assert!(notes(&shown).contains("`DEPTH`"), "{shown:?}");
        assert_eq!(printed(kernel, "b", local).await, "");
        let used = "DEPTH.with(|depth| println!(\"{}\", depth.get()));";
        assert_eq!(printed(kernel, "c", used).await, "3\n");
        lent.give_back().await;
    });
}

#[test]
fn types_with_traits_can_be_kept() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        for code in [
            "let joined = std::thread::spawn(|| 5u32).join();",
            "let caught = std::panic::catch_unwind(|| 3u8);",
            "let read = Box::new(std::io::empty()) as Box<dyn std::io::Read>;",
            "let shown = vec![Box::new(5) as Box<dyn std::fmt::Debug>];",
        ] {
            let shown = kernel.execute(code, LONG).await.unwrap();
            assert_eq!(shown.error(), None, "{code}");
        }
        for (code, import) in [
            (
                "let written = Box::new(std::io::sink()) as Box<dyn std::io::Write + Send>;",
                "use std::io::Write;",
            ),
            (
                "let display = Box::new(5) as Box<dyn std::fmt::Display>;",
                "use std::fmt::Display;",
            ),
            (
                "let failed = \"x\".parse::<u32>().map_err(|e| -> Box<dyn std::error::Error + Send + Sync> { e.into() });",
                "use std::error::Error;",
            ),
        ] {
            let shown = kernel.execute(code, LONG).await.unwrap();
            assert!(failure(&shown).contains(import), "{shown:?}");
            let imported = format!("{import}\n{code}");
            let shown = kernel.execute(&imported, LONG).await.unwrap();
            assert_eq!(shown.error(), None, "{code}");
        }
        let code = "let numbers = (0..3u32).map(|x| x + 1);";
        let shown = kernel.execute(code, LONG).await.unwrap();
        assert!(failure(&shown).contains("collect::<Vec<_>>()"), "{shown:?}");
        lent.end().await;
    });
}

#[test]
fn main_and_magics_are_explained() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let main = "fn main() -> Result<(), Box<dyn std::error::Error>> {\n    let n: u32 = \"x\".parse()?;\n    Ok(())\n}";
        let shown = run(kernel, "a", main).await;
        assert!(
            notes(&shown).contains("note: `main` is not called"),
            "{shown:?}"
        );
        let called = run(kernel, "b", "main()").await;
        assert!(failure(&called).contains("invalid digit"), "{called:?}");
        let own =
            "#[derive(Debug)] struct Mine;\nfn main() -> Result<(), Mine> { Err(Mine) }\nmain();";
        assert!(failure(&run(kernel, "a", own).await).contains("Mine"));
        let magic = run(kernel, "c", "%matplotlib inline\nlet a = 1;").await;
        assert!(
            failure(&magic).contains("a figure shows by itself"),
            "{magic:?}"
        );
        let magic = run(kernel, "c", "Flag?").await;
        assert!(failure(&magic).contains("Shift+Tab"), "{magic:?}");
        assert_eq!(
            printed(kernel, "c", "println!(\"{}\", 7\n% 4);").await,
            "3\n"
        );
        lent.give_back().await;
    });
}

/// The values that a cell showed, as text.
fn results(shown: &Shown) -> Vec<String> {
    let media = shown.outputs.iter().filter_map(|output| match output {
        Output::Result(media) | Output::Display(media) => Some(media),
        _ => None,
    });
    let contents = media.flat_map(|media| &media.content);
    let plain = contents.filter_map(|content| match content {
        jupyter_protocol::MediaType::Plain(text) => Some(text.trim_end().to_string()),
        _ => None,
    });
    plain.collect()
}

/// A cell that ends in a value is compiled once, and evcxr's ways to show it in another format stay.
#[tokio::test]
async fn a_cell_that_ends_in_a_value_is_compiled_once() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    let prepare = "let numbers = vec![1, 2]; struct Secret; #[derive(Debug)] struct Own { x: u8 }";
    kernel.execute(prepare, LONG).await.unwrap();
    let [session] = &sessions(&place)[..] else {
        panic!("there is one session")
    };
    // What the compiler refused last.
    let refused = session.join(labs::session::stand_in::FAILED);
    for (code, expected) in [
        ("numbers", "[1, 2]"),
        ("numbers.len()", "2"),
        ("&numbers[1..]", "[2]"),
        ("numbers.first()", "Some(1)"),
        ("(1.5, \"text\")", "(1.5, \"text\")"),
        ("\"text\"", "\"text\""),
        (
            "numbers.iter().map(|n| n * 2).collect::<Vec<_>>()",
            "[2, 4]",
        ),
        ("let own = Own { x: 3 };\nown", "Own { x: 3 }"),
        ("Box::new(own.x) as Box<dyn std::fmt::Debug>", "3"),
    ] {
        let _ = std::fs::remove_file(&refused);
        let shown = kernel.execute(code, LONG).await.unwrap();
        assert_eq!(results(&shown), [expected], "{code}");
        assert!(!refused.exists(), "{code} was compiled twice");
    }
    let shown = kernel.execute("42", LONG).await.unwrap();
    assert_eq!(results(&shown), ["42"]);
    let said = kernel.execute("Secret", LONG).await.unwrap().error();
    assert!(said.as_ref().unwrap().contains("Debug"), "{said:?}");
    kernel.execute(":fmt {:#?}", LONG).await.unwrap();
    let shown = kernel.execute("numbers", LONG).await.unwrap();
    assert_eq!(results(&shown), ["[\n    1,\n    2,\n]"]);
    kernel.execute(":fmt {:?}\n:types", LONG).await.unwrap();
    let shown = kernel.execute("numbers.len()", LONG).await.unwrap();
    assert_eq!(results(&shown), [": usize = 2"]);
}
