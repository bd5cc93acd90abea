//! Completion and inspection: they are answered wherever the cursor is, even while a cell runs, and never slow that cell down.

use crate::common::*;
use jupyter_protocol::{CompleteReply, JupyterMessageContent as Content, MediaType, ReplyStatus};
use labs::client::Kernel;
use serde_json::json;

/// Everyday places, at `^`. In ten of them rust-analyzer panics when evcxr is asked: the first is the one that was reported.
const PLACES: [&str; 28] = [
    "let x = 1;\nx^",
    "ke^",
    "if ke^",
    "if kept ^",
    "let q: Option<u32> = Som^",
    "let q: Option<u32> = ^",
    "let q: u32 = kept.^",
    "^",
    "let a = 1;\n^\nlet b = 2;",
    "let a: u32 = kept + ke^",
    "println!(\"{}\", ke^)",
    "println!(\"{}\", kept.cl^)",
    "numbers.iter().map(|n| n^)",
    "numbers.iter().map(|n| n.^).sum::<u32>()",
    "half(ke^)",
    "half(numbers.le^)",
    "half(^",
    "for n in num^",
    "for n in &numbers { n.^ }",
    "match kept { 1 => ke^ }",
    "while let Some(n) = numbers.po^",
    "fn f(a: u32) -> u32 { a^ }",
    "fn f(a: u32) -> u32 { a.po^ }",
    "let p = Pair { left: kept, right: ke^ };",
    "let p = Pair { left: kept.^",
    "let d: u64 = std::time::Duration::fr^",
    "use std::ti^",
    "return ke^",
];

/// Defines the names that the places use.
async fn defined(kernel: &mut Kernel) {
    for code in [
        "let kept: u32 = 41; let mut numbers = vec![1u32, 2];",
        "#[derive(Debug)] struct Pair<T> { left: T, right: T }\nfn half(n: usize) -> usize { n / 2 }",
    ] {
        let shown = kernel.execute(code, LONG).await.unwrap();
        assert_eq!(shown.error(), None);
    }
}

async fn still_knows(kernel: &mut Kernel) {
    let shown = kernel
        .execute("println!(\"{}\", kept + 1);", LONG)
        .await
        .unwrap();
    assert_eq!((shown.error(), shown.stdout().as_str()), (None, "42\n"));
}

/// The answer at the `^` of `code`.
async fn complete(kernel: &mut Kernel, code: &str) -> CompleteReply {
    let cursor = code.chars().position(|c| c == '^').unwrap();
    let code = code.replace('^', "");
    let reply = kernel.complete(&code, cursor, LONG).await.unwrap();
    assert_eq!(reply.status, ReplyStatus::Ok, "{code}");
    reply
}

fn has(reply: &CompleteReply, text: &str) -> bool {
    reply.matches.iter().any(|found| found.starts_with(text))
}

#[test]
fn everyday_places_are_completed_and_cells_go_on() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        defined(kernel).await;
        for code in PLACES {
            complete(kernel, code).await;
            let cursor = code.chars().position(|c| c == '^').unwrap();
            let code = code.replace('^', "");
            kernel.inspect(&code, cursor, LONG).await.unwrap();
        }
        still_knows(kernel).await;

        for (code, expected) in [
            ("let q: u32 = kept.po^", "pow"),
            ("half(numbers.le^", "len"),
            ("numbers.iter().map(|n| n.leading_z^)", "leading_zeros"),
            ("for n in &numbers { n.count_o^ }", "count_ones"),
            ("println!(\"{}\", kept.count_o^)", "count_ones"),
            ("let p = Pair { left: kept, right: 1 };\np.le^", "left"),
            ("let d = std::time::Duration::from_m^", "from_millis"),
            ("let d: std::time::Dur^", "Duration"),
            ("use std::ti^", "time"),
            ("use std::{thread, ti^}", "time"),
            ("fn f(text: &str) -> usize { text.le^ }", "len"),
            ("Workers::sp^", "spawn"),
            ("let f = Flag::new()?; f.is_s^", "is_set"),
            ("let t = (1u32, \"a\"); t.1.tri^", "trim"),
            ("ke^", "kept"),
            ("hal^", "half"),
            ("Worke^", "Workers"),
        ] {
            let reply = complete(kernel, code).await;
            assert!(has(&reply, expected), "{code}: {:?}", reply.matches);
        }
        still_knows(kernel).await;
        lent.give_back().await;
    });
}

#[test]
fn public_names_are_offered_first() {
    let (_folder, place) = home();
    block_on(async {
        let mut kernel = start(&place).await;
        let code = "struct Pair { _spare: u32, left: u32, part: u32 }
            impl Pair { fn __inner(&self) {} fn area(&self) -> u32 { 1 } }
            let cell = std::cell::RefCell::new(1); let flag = Flag::new()?; let numbers = vec![1u32];";
        let shown = kernel.execute(code, LONG).await.unwrap();
        assert_eq!(shown.error(), None);
        for (code, order) in [
            (
                "let pair = Pair { _spare: 1, left: 2, part: 3 }; pair.^",
                &[
                    "left",
                    "part",
                    "area()",
                    "try_into()",
                    "_spare",
                    "__inner()",
                ][..],
            ),
            ("flag.^", &["is_set()", "type_id()", "locked"]),
            ("numbers.^", &["len()", "iter().map(", "type_id()", "buf"]),
            ("cell.^", &["borrow()", "borrow_mut()", "type_id()"]),
            ("Value::<u8>::^", &["new(", "try_from(", "IN_A_WORD"]),
            ("std::^", &["thread::", "as_keyword::"]),
        ] {
            let reply = complete(&mut kernel, code).await;
            let place = |name: &&str| {
                let mut found = reply.matches.iter();
                found.position(|found| {
                    found == name || found.starts_with(*name) && name.ends_with('(')
                })
            };
            let places: Vec<_> = order.iter().map(place).collect();
            assert!(
                places.iter().all(Option::is_some),
                "{code}: {:?}",
                reply.matches
            );
            assert!(places.is_sorted(), "{code}: {:?}", reply.matches);
        }
        kernel.shutdown(false).await.unwrap();
    });
}

#[test]
fn a_cell_that_runs_keeps_no_completion_waiting() {
    block_on(async {
        let mut lent = lend().await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        defined(kernel).await;
        let go = place.home.join("go-complete");
        // The cell ends when the test tells it to, which is after the answers.
        let code = format!(
            "println!(\"runs\");\nwhile !std::path::Path::new({go:?}).exists() {{ std::thread::yield_now(); }}\nlet after = kept;"
        );
        let cell = kernel.send(&code).await.unwrap();
        assert_eq!(kernel.next_line(LONG).await.unwrap(), "runs\n");
        assert!(has(&complete(kernel, "if ke^").await, "kept"));
        assert!(has(&complete(kernel, "prin^").await, "println!"));
        let reply = complete(kernel, "let a = numbers.le^").await;
        assert!(reply.matches.is_empty());
        assert_eq!((reply.cursor_start, reply.cursor_end), (16, 18));
        assert!(!kernel.inspect("kept", 2, LONG).await.unwrap().found);
        std::fs::write(&go, "").unwrap();
        assert_eq!(kernel.finish(&cell, LONG).await.unwrap().error(), None);
        assert!(has(&complete(kernel, "let a = numbers.le^").await, "len"));
        assert!(has(&complete(kernel, "aft^").await, "after"));
        still_knows(kernel).await;
        lent.give_back().await;
    });
}

#[test]
fn places_are_code_points_and_any_place_is_answered() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        defined(kernel).await;
        // An astronaut of three code points, an é of two, a flag of two, a line's end of two.
        for before in ["", "👩‍🚀", "e\u{301}", "🇫🇷", "👩‍🚀e\u{301}🇫🇷"] {
            for code in [
                format!("let s = \"{before}\"; numbers.le^"),
                format!("// {before}\r\nnumbers.le^ + 1"),
                format!("let größe = \"{before}\"; half(numbers.le^, \"{before}\")"),
                format!("let a = \"{before}\"; ke^"),
            ] {
                let cursor = code.chars().position(|c| c == '^').unwrap();
                let reply = complete(kernel, &code).await;
                let wanted = if code.contains("ke^") { "kept" } else { "len" };
                assert!(has(&reply, wanted), "{code}: {reply:?}");
                assert_eq!(
                    (reply.cursor_start, reply.cursor_end),
                    (cursor - 2, cursor),
                    "{code}"
                );
            }
            let code = format!("let s = \"{before}\"; kept");
            let cursor = code.chars().count() - 2;
            let reply = kernel.inspect(&code, cursor, LONG).await.unwrap();
            let text = reply.data.content.iter().find_map(|part| match part {
                MediaType::Plain(text) => Some(text.as_str()),
                _ => None,
            });
            assert!(text.is_some_and(|text| text.contains("u32")), "{reply:?}");
        }
        for kind in ["complete_request", "inspect_request"] {
            for cursor in [json!(-1), json!(1000), json!(2.5), json!("x"), json!(null)] {
                for code in ["kept.", "kept", "e\u{301}.", "", "\0kept."] {
                    let content = json!({"code": code, "cursor_pos": cursor});
                    let status = match kernel.ask(kind, content, LONG).await.unwrap() {
                        Content::CompleteReply(reply) => reply.status,
                        Content::InspectReply(reply) => reply.status,
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(status, ReplyStatus::Ok, "{kind} {cursor} {code:?}");
                }
            }
            kernel.ask(kind, json!({}), LONG).await.unwrap();
        }
        still_knows(kernel).await;
        lent.give_back().await;
    });
}
