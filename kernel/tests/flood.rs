//! Cells that show things without end: Jupyter gets no more than its server passes on, and nothing is lost.

use crate::common::*;
use jupyter_protocol::{JupyterMessageContent as Content, MediaType};
use labs::client::Kernel;
use std::fs;
use std::path::Path;

/// Takes away what other tests have left beside the notebook.
fn clear(notebooks: &Path) {
    for file in fs::read_dir(notebooks).unwrap().flatten() {
        fs::remove_file(file.path()).unwrap();
    }
}

async fn run(kernel: &mut Kernel, code: &str) -> Vec<Content> {
    let id = kernel.send(code).await.unwrap();
    published(kernel, &id).await
}

fn bytes(contents: &[Content]) -> usize {
    contents
        .iter()
        .map(|content| serde_json::to_string(content).unwrap().len())
        .sum()
}

fn text(contents: &[Content]) -> String {
    let streams = contents.iter().filter_map(|content| match content {
        Content::StreamContent(stream) => Some(stream.text.as_str()),
        _ => None,
    });
    streams.collect()
}

fn plain(media: &[MediaType]) -> &str {
    let plain = media.iter().find_map(|media| match media {
        MediaType::Plain(text) => Some(text.as_str()),
        _ => None,
    });
    plain.unwrap_or_default()
}

/// The sentence that says what was left out.
fn sentence(contents: &[Content]) -> String {
    let said = contents.iter().filter_map(|content| match content {
        Content::DisplayData(display) => Some(plain(&display.data.content)),
        Content::UpdateDisplayData(update) => Some(plain(&update.data.content)),
        _ => None,
    });
    said.last().unwrap_or_default().to_string()
}

#[test]
fn a_flood_of_lines_loses_neither_a_line_nor_what_comes_after_it() {
    let flood = "for i in 0..400_000 { println!(\"line {i}\"); }";
    let lines: Vec<String> = (0..400_000).map(|i| format!("line {i}\n")).collect();
    block_on(async {
        let mut lent = lend().await;
        let (kernel, notebooks) = (&mut lent.kernel, &lent.notebooks);
        clear(notebooks);
        let before = number(kernel).await;
        for (after, end) in [(1, "panic!(\"at last\");"), (2, "40 + 2")] {
            let number = before + after;
            let shown = run(kernel, &format!("{flood}\n{end}")).await;
            assert!(bytes(&shown) < 1_000_000, "{}", bytes(&shown));
            assert!(shown.len() < 1_500, "{} messages", shown.len());
            match shown.last().unwrap() {
                Content::ErrorOutput(error) => assert_eq!((after, &*error.evalue), (1, "at last")),
                Content::ExecuteResult(result) => {
                    assert_eq!((after, plain(&result.data.content)), (2, "42"));
                }
                other => panic!("{other:?}"),
            }
            let expected = [&lines[..1000], &lines[399_000..]].concat().concat();
            assert!(text(&shown) == expected, "the first and the last lines");
            assert_eq!(
                sentence(&shown),
                format!(
                    "… 398,000 lines (4.7 MB) left out here … The whole text, 400,000 lines (4.7 MB), is in \
                     cell-{number}-output.txt, beside this notebook."
                )
            );
            let file = notebooks.join(format!("cell-{number}-output.txt"));
            assert!(
                fs::read_to_string(&file).unwrap() == lines.concat(),
                "the file holds all lines"
            );
            fs::remove_file(file).unwrap();
        }
        // What is short needs no file.
        let shown = run(kernel, "for i in 0..1500 { println!(\"line {i}\"); }").await;
        assert!(text(&shown) == lines[..1500].concat());
        assert_eq!(fs::read_dir(notebooks).unwrap().count(), 0);
        lent.give_back().await;
    });
}

#[test]
fn what_is_long_in_one_piece_is_shortened_and_whole_in_a_file() {
    block_on(async {
        let mut lent = lend().await;
        let (kernel, notebooks) = (&mut lent.kernel, &lent.notebooks);
        clear(notebooks);
        let before = number(kernel).await;
        let (printed, result) = (
            format!("cell-{}-output.txt", before + 1),
            format!("cell-{}-result.txt", before + 2),
        );
        let length = |name: &str| fs::metadata(notebooks.join(name)).unwrap().len();
        let code = "let part = \"x\".repeat(1_000_000);\nfor _ in 0..100 { print!(\"{part}\"); }\nprintln!();";
        let shown = run(kernel, code).await;
        assert!(bytes(&shown) < 1_000_000, "{}", bytes(&shown));
        assert_eq!(length(&printed), 100_000_001);
        assert!(
            sentence(&shown).contains("99.5 MB left out here"),
            "{}",
            sentence(&shown)
        );

        let shown = run(kernel, "\"x\".repeat(50_000_000)").await;
        let Some(Content::ExecuteResult(shown)) = shown.last() else {
            panic!("no result among {} messages", shown.len());
        };
        let text = plain(&shown.data.content);
        assert!(text.len() < 300_000, "{}", text.len());
        assert!(text.starts_with(&format!("The whole text, 50.0 MB, is in {result}")));
        assert_eq!(length(&result), 50_000_002); // and its quotation marks

        let code = "panic!(\"begin {} end\", \"x \".repeat(5_000_000));";
        let shown = run(kernel, code).await;
        let Some(Content::ErrorOutput(error)) = shown.last() else {
            panic!("no error among {} messages", shown.len());
        };
        assert!(error.evalue.starts_with("begin") && error.evalue.ends_with("end"));
        assert!(bytes(&shown) < 1_000_000, "{}", bytes(&shown));
        lent.give_back().await;
    });
}

/// Shows something without `labsupport`, so that nothing gathers it.
const SHOW: &str = r##"
fn show(text: &str) { println!("EVCXR_BEGIN_CONTENT text/html\n{text}\nEVCXR_END_CONTENT"); }
fn place(id: &str, update: bool, text: &str) {
    println!(r#"LABS_DISPLAY {{"data":{{"text/plain":"{text}"}},"display_id":"{id}","update":{update}}}"#);
}
"##;

#[test]
fn figures_come_as_fast_as_the_server_passes_them_on() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        assert_eq!(run(kernel, SHOW).await.len(), 0);
        let code = "for i in 0..2000 { show(&format!(\"{i:10000}\")); }\nprintln!(\"done\");\n7";
        let shown = run(kernel, code).await;
        let figures: Vec<usize> = shown
            .iter()
            .filter_map(|content| match content {
                Content::DisplayData(display) => match &display.data.content[..] {
                    [MediaType::Html(text)] => Some(text.trim().parse().unwrap()),
                    other => panic!("{other:?}"),
                },
                _ => None,
            })
            .collect();
        assert!(
            figures == (0..2000).collect::<Vec<_>>(),
            "all of them, in order"
        );
        assert_eq!(text(&shown), "done\n");
        assert!(matches!(shown.last(), Some(Content::ExecuteResult(_))));

        // In a place that is filled faster than anybody can see, only the last content matters.
        let code = "place(\"p\", false, \"begin\");\nfor i in 0..50_000 { place(\"p\", true, &i.to_string()); }\npanic!(\"oh\");";
        let shown = run(kernel, code).await;
        assert_eq!(sentence(&shown), "49999");
        assert!(shown.len() < 10_000, "{}", shown.len());
        assert!(matches!(shown.last(), Some(Content::ErrorOutput(_))));

        // More than a notebook can hold.
        let code = "for _ in 0..70 { show(&\"x\".repeat(1_000_000)); }\nprintln!(\"done\");";
        let shown = run(kernel, code).await;
        assert!(bytes(&shown) < 51_000_000, "{}", bytes(&shown));
        assert!(
            sentence(&shown).starts_with("21 more figures or updates are left out here"),
            "{}",
            sentence(&shown)
        );

        // Messages that wait for room do not keep an interrupt from its cell.
        let id = kernel.send("loop { show(\"again\"); }").await.unwrap();
        let mut seen = 0;
        while seen < 500 {
            let next = kernel.next_published(&id, LONG).await.unwrap();
            seen += usize::from(matches!(next, Content::DisplayData(_)));
        }
        kernel.interrupt().await.unwrap();
        let shown = published(kernel, &id).await;
        assert!(
            matches!(shown.last(), Some(Content::ErrorOutput(error)) if error.ename == "Interrupted")
        );
        lent.give_back().await;
    });
}

#[test]
fn a_thread_that_prints_after_its_cell_is_bounded_and_holds_up_nothing() {
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        let code = "std::thread::spawn(|| for i in 0..200_000 { println!(\"line {i}\"); });\n\
                    std::thread::spawn(|| loop { std::thread::sleep(std::time::Duration::from_millis(5)); println!(\"x\"); });";
        let first = kernel.send(code).await.unwrap();
        let mut shown = published(kernel, &first).await;
        // The next cell comes to its end while the thread prints.
        let second = kernel.send("println!(\"second\");\n1").await.unwrap();
        let mut done = false;
        while !done {
            shown = [shown, published(kernel, &second).await].concat();
            done = shown
                .iter()
                .any(|content| matches!(content, Content::ExecuteResult(_)));
        }
        assert!(bytes(&shown) < 1_000_000, "{}", bytes(&shown));
        lent.end().await;
    });
}
