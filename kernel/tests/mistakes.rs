//! Mistakes of beginners, and what the kernel says about them: each mistake twice in one kernel, with headline, cell, line and advice. The
//! first time must not take so much longer than the second that the crates could have been compiled again.

use crate::common::*;
use labs::client::Kernel;
use std::time::{Duration, Instant};

/// Cells that go well, the mistake, and what must be said: the headline, the line, and a part of the advice.
struct Mistake {
    before: &'static [&'static str],
    code: &'static str,
    headline: &'static str,
    line: usize,
    advice: &'static str,
}

const fn mistake(
    before: &'static [&'static str],
    code: &'static str,
    headline: &'static str,
    line: usize,
    advice: &'static str,
) -> Mistake {
    Mistake {
        before,
        code,
        headline,
        line,
        advice,
    }
}

const MISTAKES: &[Mistake] = &[
    mistake(
        &[],
        "let five = 5\nfive",
        "expected `;`",
        1,
        "`;` at the end of line 1",
    ),
    mistake(
        &[],
        "let workers = Workers::spawn(2, |w| w.index())?\nworkers.join()?",
        "expected `;`",
        1,
        "`;` at the end of line 1",
    ),
    mistake(
        &[],
        "let y = frobnicate(3);",
        "cannot find function `frobnicate`",
        1,
        "fn frobnicate",
    ),
    mistake(
        &[],
        "let double = |x: u32| x * 2;\ndouble(3)",
        "`double` is a closure",
        1,
        "Write a function instead",
    ),
    // The suggestion belongs at the beginning of a line, and that line is shown.
    mistake(
        &[],
        "fn add(total: &Value<u64>, mine: u64) {\n    if mine > 0 { println!(\"{mine}\"); }\n    total.lock() += mine;\n}",
        "binary assignment operation `+=` cannot be applied",
        3,
        "`*total.lock() += mine;`",
    ),
    // An exercise's starter code: later errors do not mention its unused parts.
    mistake(
        &[
            "fn search(every: u32) -> Option<u32> { None }",
            "let count = 5;",
        ],
        "\nprintln!(\"{}\", coutn);",
        "cannot find value `coutn`",
        2,
        "`count`, which cell [",
    ),
    mistake(
        &[],
        "fn twice() -> u32 { count * 2 }",
        "cannot find value `count`",
        1,
        "as a parameter",
    ),
    mistake(
        &[],
        "let mut hits = 0;\nWorkers::spawn(2, |_| { hits += 1; })?.join()?;",
        "cannot assign to `hits`",
        2,
        "`let hits = Value::new(0u64)?;`",
    ),
    mistake(
        &[],
        "let a: u32 = 1;\nlet b: u64 = 2;\na + b",
        "mismatched types",
        3,
        "`b as u32`",
    ),
    mistake(
        &[],
        "let text = String::from(\"µ\");\nlet other = text;\nprintln!(\"{text} {other}\");",
        "borrow of moved value: `text`",
        3,
        "`text.clone()`",
    ),
    mistake(
        &["let shown = Flag::new()?;"],
        "let guard = shown.lock();",
        "`guard` holds a lock",
        1,
        "braces",
    ),
    mistake(
        &[],
        "struct Found { n: u32 }\nWorkers::spawn(2, |_| Found { n: 1 })?.join()?",
        "the trait bound `Found: serde::Serialize`",
        2,
        "derive(serde::Serialize",
    ),
    mistake(
        &[],
        "Workers::spawn(2, |_| loop {})?.join()?",
        "the trait bound `!: serde::Serialize`",
        1,
        "`|w| -> () { … }`",
    ),
    mistake(
        &[],
        "let none = 0;\n10 / none",
        "this operation will panic",
        2,
        "`checked_div`",
    ),
    mistake(
        &[],
        "let none = std::hint::black_box(0);\n10 / none",
        "attempt to divide by zero",
        2,
        "`checked_div`",
    ),
    mistake(
        &[],
        "fn deep(n: u64) -> u64 { deep(n + 1) + 1 }\ndeep(0)",
        "This cell ended the process in which cells run: its stack overflowed.",
        0,
        "give it a case in which it does not",
    ),
    mistake(
        &[],
        "let größe = 5; println!(\"µ {}\", größer);",
        "cannot find value `größer`",
        1,
        "`größe`",
    ),
    mistake(
        &["macro_rules! square { ($x:expr) => { $x * $x } }"],
        "\nsquare!(\"a\");",
        "cannot multiply `&str` by `&str`",
        2,
        "in this macro",
    ),
    mistake(
        &[
            "struct Point { x: u32, y: u32 }",
            "fn y_of(p: &Point) -> u32 { p.y }",
        ],
        "struct Point { x: u32 }",
        "no field `y` on type `&Point`",
        1,
        "which is compiled with every cell",
    ),
    mistake(
        &[],
        "for i in range(10):\n    print(i)",
        "expected `{`",
        1,
        "That is Python",
    ),
];

async fn run(kernel: &mut Kernel, code: &str) -> (String, Duration) {
    let begun = Instant::now();
    let shown = kernel.execute(code, LONG).await.unwrap();
    (shown.error().unwrap_or_default(), begun.elapsed())
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_to_do() {
    block_on(async {
        let mut lent = lend().await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        let mut number = number(kernel).await;
        for mistake in MISTAKES {
            for code in mistake.before {
                assert_eq!(run(kernel, code).await.0, "");
                number += 1;
            }
            let mut times = Vec::new();
            for _ in 0..2 {
                let (said, took) = run(kernel, mistake.code).await;
                number += 1;
                times.push(took.as_secs_f64());
                assert!(
                    said.starts_with(mistake.headline),
                    "{}: {said}",
                    mistake.code
                );
                let is_another = mistake.advice.contains("every cell");
                let told = format!("cell [{number}], line {}:", mistake.line);
                assert!(
                    mistake.line == 0 || is_another || said.contains(&told),
                    "{told} {said}"
                );
                assert!(said.replace('\n', " ").contains(mistake.advice), "{said}");
                for word in ["evcxr", "persisted", "ote: ", "unused"] {
                    assert!(!said.contains(word), "{word}: {said}");
                }
            }
            eprintln!(
                "{:5.2} s, {:5.2} s: {}",
                times[0], times[1], mistake.headline
            );
        }
        // No crate was compiled again for a check: each has only the files that one compilation leaves.
        for session in sessions(place) {
            let target = format!(
                "eval/target/{}-unknown-linux-gnu/debug/deps",
                std::env::consts::ARCH
            );
            let files = std::fs::read_dir(session.join(target)).unwrap().flatten();
            let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
            let is_ours =
                |name: &String| name.starts_with("liblabsupport-") && name.ends_with(".rmeta");
            assert_eq!(names.filter(is_ours).count(), 1);
        }
        lent.give_back().await;
    });
}
