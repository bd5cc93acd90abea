//! Knobs above a figure: what pages say reaches the cell that runs, and nothing else does.

use crate::common::page::{open, say};
use crate::common::{
    LONG, family, home, leaves_no_shared_memory, left_in_shared_memory, start, start_with,
};
use jupyter_protocol::{JupyterMessageContent as Content, MediaType};
use labs::client::{Kernel, Shown};
use serde_json::{Value, json};
use std::time::Duration;

const MIME: &str = "application/vnd.labs.knobs+json";

/// A cell with two knobs, whose closure borrows a variable and starts a worker. Its figure says which process has drawn what.
const CELL: &str = r#"
let base = 100.0;
interact([Knob::new("n", 1.0..=9.0).unit("µs").at(2.0), Knob::choice("c", ["a", "b"])], |k| {
    let pids = Workers::spawn(1, |_| std::process::id()).unwrap().join().unwrap().values().unwrap();
    Table::new(["n", "c", "worker"]).row([(base + k["n"]).to_string(), k.choice("c").to_string(), pids[0].to_string()])
})?;
"#;

/// What a page is told, or is to show.
#[derive(Debug, PartialEq)]
enum Said {
    Told {
        comm: String,
        data: Value,
    },
    Closed(String),
    /// The knobs' data.
    Knobs(Value),
    /// The words of a figure, and whether it took the place of another.
    Figure(String, bool),
}

/// The next thing that concerns knobs.
async fn next(kernel: &mut Kernel) -> Said {
    loop {
        let message = kernel.next_message(LONG).await.unwrap();
        let of = |data: &jupyter_protocol::Media| {
            let data = serde_json::to_value(data).unwrap();
            (
                data[MIME].clone(),
                data["text/plain"].as_str().unwrap_or_default().to_string(),
            )
        };
        match message.content {
            Content::CommMsg(said) => {
                return Said::Told {
                    comm: said.comm_id.0,
                    data: said.data.into(),
                };
            }
            Content::CommClose(said) => return Said::Closed(said.comm_id.0),
            Content::DisplayData(shown) => {
                let (knobs, text) = of(&shown.data);
                return match knobs {
                    Value::Null => Said::Figure(text, false),
                    knobs => Said::Knobs(knobs),
                };
            }
            Content::UpdateDisplayData(shown) => return Said::Figure(of(&shown.data).1, true),
            _ => {}
        }
    }
}

/// The numbers in the next figure: `n`, `c` and the worker's process. What pages are told before is dropped.
async fn drawn(kernel: &mut Kernel) -> (f64, String, u32) {
    loop {
        if let Said::Figure(text, _) = next(kernel).await {
            return row(&text);
        }
    }
}

fn row(text: &str) -> (f64, String, u32) {
    let row: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
    (
        row[0].parse().unwrap(),
        row[1].into(),
        row[2].replace(',', "").parse().unwrap(),
    )
}

/// What the page `comm` is told next about these knobs' state.
async fn state(kernel: &mut Kernel, comm: &str) -> String {
    loop {
        if let Said::Told { comm: whom, data } = next(kernel).await
            && whom == comm
            && let Some(state) = data["state"].as_str()
        {
            return state.into();
        }
    }
}

/// Runs `code` as JupyterLab does.
async fn run(kernel: &mut Kernel, code: &str, id: &str) -> String {
    kernel.send_with(code, json!({"cellId": id})).await.unwrap()
}

/// Runs [`CELL`]; its identity, the name of its knobs, and what it has drawn first.
async fn live(kernel: &mut Kernel) -> (String, String, (f64, String, u32)) {
    let cell = run(kernel, CELL, "the-cell").await;
    loop {
        if let Said::Knobs(knobs) = next(kernel).await {
            let set = knobs["set"].as_str().unwrap().to_string();
            return (cell, set, drawn(kernel).await);
        }
    }
}

/// The words of what a cell showed.
fn words(shown: &Shown) -> String {
    let displays = shown.outputs.iter().filter_map(|output| match output {
        labs::client::Output::Display(media) => {
            media.content.iter().find_map(|content| match content {
                MediaType::Plain(text) => Some(text.clone()),
                _ => None,
            })
        }
        _ => None,
    });
    displays.collect::<Vec<_>>().join("\n---\n")
}

#[tokio::test]
async fn each_move_runs_the_closure_again_with_new_workers_until_done_is_pressed() {
    let (_folder, place) = home();
    let before = left_in_shared_memory();
    let mut kernel = start(&place).await;
    open(&mut kernel, "page").await;
    let (cell, set, first) = live(&mut kernel).await;
    assert_eq!((first.0, first.1.as_str()), (102.0, "a"));
    say(&mut kernel, "page", json!({"set": set, "values": [3.5, 1]})).await;
    let second = drawn(&mut kernel).await;
    assert_eq!((second.0, second.1.as_str()), (103.5, "b"));
    assert_ne!(second.2, first.2, "the worker is a new one");
    say(&mut kernel, "page", json!({"set": set, "do": "done"})).await;
    assert_eq!(state(&mut kernel, "page").await, "over");
    let shown = kernel.finish(&cell, LONG).await.unwrap();
    assert_eq!(shown.error(), None);
    // The notebook's variables are there, and the cell's process is the same.
    let shown = kernel.execute("println!(\"{base}\");", LONG).await.unwrap();
    assert_eq!(shown.stdout(), "100\n");
    kernel.shutdown(false).await.unwrap();
    leaves_no_shared_memory(&before).await;
}

#[tokio::test]
async fn what_a_hostile_page_says_is_ignored() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    open(&mut kernel, "page").await;
    let (cell, set, _) = live(&mut kernel).await;
    for values in [
        json!([0.5, 0]),
        json!([9.5, 0]),
        json!([3, 2]),
        json!([3, 0.5]),
        json!([3]),
        json!([3, 1, 1]),
        json!([null, 0]),
        json!(["3", 0]),
        json!({"n": 3}),
        json!(null),
    ] {
        say(&mut kernel, "page", json!({"set": set, "values": values})).await;
        // The page is told what is so; nothing is drawn.
        match next(&mut kernel).await {
            Said::Told { data, .. } => assert_eq!(data["values"], json!([2.0, 0.0]), "{values}"),
            said => panic!("{values}: {said:?}"),
        }
    }
    // Foreign comms, other sets, and words without a meaning.
    say(
        &mut kernel,
        "foreign",
        json!({"set": set, "values": [4, 0]}),
    )
    .await;
    say(
        &mut kernel,
        "page",
        json!({"set": "other", "values": [4, 0]}),
    )
    .await;
    say(&mut kernel, "page", json!({"set": "other", "do": "done"})).await;
    say(&mut kernel, "page", json!("text")).await;
    say(&mut kernel, "foreign", json!({"set": set, "do": "done"})).await;
    say(&mut kernel, "foreign", json!({"set": set, "do": "explore"})).await;
    say(&mut kernel, "page", json!({"set": set, "do": "explore"})).await;
    // Another target is closed at once, and so is a second comm of the same name.
    let wrong = json!({"comm_id": "wrong", "target_name": "jupyter.widget", "data": {}});
    kernel.request("comm_open", wrong).await.unwrap();
    loop {
        match next(&mut kernel).await {
            Said::Closed(comm) => break assert_eq!(comm, "wrong"),
            Said::Told { .. } => {}
            said => panic!("{said:?}"),
        }
    }
    // The knobs still work.
    say(&mut kernel, "page", json!({"set": set, "values": [5, 1]})).await;
    assert_eq!(drawn(&mut kernel).await.0, 105.0);
    say(&mut kernel, "page", json!({"set": set, "do": "done"})).await;
    assert_eq!(kernel.finish(&cell, LONG).await.unwrap().error(), None);
}

#[tokio::test]
async fn a_flood_of_moves_becomes_few_figures_and_the_last_one_counts() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    open(&mut kernel, "page").await;
    let (cell, set, _) = live(&mut kernel).await;
    const MOVES: usize = 3_000;
    for step in 0..MOVES {
        let value = 1.0 + 8.0 * step as f64 / (MOVES - 1) as f64;
        say(
            &mut kernel,
            "page",
            json!({"set": set, "values": [value, 0]}),
        )
        .await;
    }
    let mut figures = 0;
    while drawn(&mut kernel).await.0 < 109.0 {
        figures += 1;
    }
    assert!(figures < MOVES / 2, "{figures} figures");
    say(&mut kernel, "page", json!({"set": set, "do": "done"})).await;
    assert_eq!(kernel.finish(&cell, LONG).await.unwrap().error(), None);
}

#[tokio::test]
async fn a_cell_that_waits_for_a_knob_gives_way_to_the_next_cell_and_to_an_interrupt() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    open(&mut kernel, "page").await;
    // Another cell.
    let (cell, _, _) = live(&mut kernel).await;
    let next_cell = run(&mut kernel, "println!(\"{base}\");", "next").await;
    assert_eq!(kernel.finish(&cell, LONG).await.unwrap().error(), None);
    let shown = kernel.finish(&next_cell, LONG).await.unwrap();
    assert_eq!(shown.stdout(), "100\n");
    // ■ while it waits: it ends well.
    let (cell, _, _) = live(&mut kernel).await;
    kernel.interrupt().await.unwrap();
    assert_eq!(kernel.finish(&cell, LONG).await.unwrap().error(), None);
    // Run All: it draws once.
    let first = run(&mut kernel, CELL, "the-cell").await;
    let second = run(&mut kernel, "();", "next").await;
    let shown = kernel.finish(&first, LONG).await.unwrap();
    assert!(words(&shown).contains("102"), "{shown:?}");
    kernel.finish(&second, LONG).await.unwrap();
}

#[tokio::test]
async fn an_interrupt_while_the_closure_runs_stops_it_and_keeps_the_variables() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    open(&mut kernel, "page").await;
    kernel.execute("let kept = 7;", LONG).await.unwrap();
    let endless = r#"
    interact([Knob::switch("on")], |k| {
        if k.is_on("on") {
            println!("works");
            Workers::spawn(1, |_| -> () { loop { std::hint::spin_loop() } }).unwrap().join().unwrap();
        }
        Table::new(["on", "x", "y"]).row(["1", "a", "2"])
    })?;"#;
    let cell = run(&mut kernel, endless, "endless").await;
    let set = loop {
        if let Said::Knobs(knobs) = next(&mut kernel).await {
            break knobs["set"].as_str().unwrap().to_string();
        }
    };
    drawn(&mut kernel).await;
    say(&mut kernel, "page", json!({"set": set, "values": [1]})).await;
    assert_eq!(kernel.next_line(LONG).await.unwrap(), "works\n");
    kernel.interrupt().await.unwrap();
    let said = kernel.finish(&cell, LONG).await.unwrap().error().unwrap();
    assert!(said.contains("You stopped this cell"), "{said}");
    let shown = kernel.execute("println!(\"{kept}\");", LONG).await.unwrap();
    assert_eq!(shown.stdout(), "7\n");
    // The same knobs can be explored again, with the values that they had.
    say(&mut kernel, "page", json!({"set": set, "do": "explore"})).await;
    assert_eq!(kernel.next_line(Duration::from_secs(2)).await.ok(), None);
    kernel.interrupt().await.unwrap();
    assert_eq!(state(&mut kernel, "page").await, "over");
}

#[tokio::test]
async fn explore_runs_the_cell_again_and_changes_nothing_but_its_figure() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    open(&mut kernel, "page").await;
    // Text that comes soon after other text is gathered first, and shown a moment later.
    let late = "println!(\"later\");\nstd::thread::sleep(std::time::Duration::from_millis(200));";
    let code = format!("println!(\"once\");\n{late}\n{CELL}");
    let cell = run(&mut kernel, &code, "the-cell").await;
    let after = run(&mut kernel, "();", "next").await;
    let mut set = String::new();
    while set.is_empty() {
        if let Said::Knobs(knobs) = next(&mut kernel).await {
            set = knobs["set"].as_str().unwrap().into();
        }
    }
    kernel.finish(&cell, LONG).await.unwrap();
    kernel.finish(&after, LONG).await.unwrap();
    for value in [4.0, 6.0] {
        say(&mut kernel, "page", json!({"set": set, "do": "explore"})).await;
        // It takes up where the knobs stand, and in the place of the figure. No other output comes.
        assert_eq!(state(&mut kernel, "page").await, "live");
        assert!(matches!(next(&mut kernel).await, Said::Figure(_, true)));
        say(
            &mut kernel,
            "page",
            json!({"set": set, "values": [value, 1]}),
        )
        .await;
        assert_eq!(drawn(&mut kernel).await.0, 100.0 + value);
        say(&mut kernel, "page", json!({"set": set, "do": "done"})).await;
        assert_eq!(state(&mut kernel, "page").await, "over");
    }
    // The next cell has the number after those two.
    let shown = kernel.execute("println!(\"{base}\");", LONG).await.unwrap();
    assert_eq!(shown.stdout(), "100\n");
}

#[tokio::test]
async fn two_pages_see_the_same_values_and_several_knobs_do_not_meet() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    open(&mut kernel, "one").await;
    open(&mut kernel, "two").await;
    let (cell, first, _) = live(&mut kernel).await;
    say(&mut kernel, "two", json!({"set": first, "values": [3, 0]})).await;
    loop {
        if let Said::Told { comm, data } = next(&mut kernel).await {
            assert_eq!(
                (comm.as_str(), &data["values"]),
                ("one", &json!([3.0, 0.0]))
            );
            break;
        }
    }
    assert_eq!(drawn(&mut kernel).await.0, 103.0);
    // The other page asks what there is while the knobs are live.
    let asked = kernel
        .request("comm_info_request", json!({"target_name": "labs.page"}))
        .await
        .unwrap();
    kernel.reply_to(&asked, LONG).await.unwrap();
    // Another cell with knobs of its own; those of the first no longer move anything.
    let other = run(&mut kernel, CELL, "other-cell").await;
    kernel.finish(&cell, LONG).await.unwrap();
    let mut second = String::new();
    while second.is_empty() {
        if let Said::Knobs(knobs) = next(&mut kernel).await {
            second = knobs["set"].as_str().unwrap().into();
        }
    }
    assert_ne!(first, second);
    assert_eq!(drawn(&mut kernel).await.0, 102.0);
    say(&mut kernel, "one", json!({"set": first, "values": [9, 0]})).await;
    say(&mut kernel, "one", json!({"set": second, "values": [4, 0]})).await;
    assert_eq!(drawn(&mut kernel).await.0, 104.0);
    // A page that goes away leaves the other its knobs.
    kernel
        .request("comm_close", json!({"comm_id": "one", "data": {}}))
        .await
        .unwrap();
    say(&mut kernel, "two", json!({"set": second, "values": [5, 0]})).await;
    assert_eq!(drawn(&mut kernel).await.0, 105.0);
    say(&mut kernel, "two", json!({"set": second, "do": "done"})).await;
    kernel.finish(&other, LONG).await.unwrap();
    // When a cell runs again, its old knobs are gone.
    let again = run(&mut kernel, "();", "other-cell").await;
    assert_eq!(state(&mut kernel, "two").await, "gone");
    kernel.finish(&again, LONG).await.unwrap();
}

#[tokio::test]
async fn knobs_work_after_the_kernel_behind_them_was_lost() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    open(&mut kernel, "page").await;
    let (lost, set, _) = live(&mut kernel).await;
    // The inner kernel is killed while the cell waits for a knob.
    let inner = family(kernel.child.id().unwrap())[1];
    labs_runtime::watch::send(inner as i32, labs_runtime::watch::Signal::KILL);
    assert_eq!(state(&mut kernel, "page").await, "gone");
    // Cells that come before a page is told of the failure fail with it.
    let failed = kernel.finish(&lost, LONG).await.unwrap();
    assert!(failed.error().is_some());
    say(&mut kernel, "page", json!({"set": set, "values": [4, 0]})).await;
    let (cell, set, first) = live(&mut kernel).await;
    assert_eq!(first.0, 102.0);
    say(&mut kernel, "page", json!({"set": set, "values": [4, 0]})).await;
    assert_eq!(drawn(&mut kernel).await.0, 104.0);
    say(&mut kernel, "page", json!({"set": set, "do": "done"})).await;
    kernel.finish(&cell, LONG).await.unwrap();
}

#[tokio::test]
async fn without_a_page_that_shows_knobs_the_figure_is_drawn_once_with_the_values_above_it() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    let once = |shown: &Shown| {
        assert_eq!(shown.error(), None);
        let words = words(shown);
        assert!(
            words.starts_with("n = 2 µs, c = a\n") && words.contains("102"),
            "{words}"
        );
    };
    // No page has opened a comm; then one has, but this client does not say which cell it runs.
    once(&kernel.execute(CELL, LONG).await.unwrap());
    open(&mut kernel, "page").await;
    once(&kernel.execute(CELL, LONG).await.unwrap());
}

#[tokio::test]
async fn for_a_page_without_a_kernel_the_closure_draws_at_every_stop_with_new_workers() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    let wanted = json!({"labs": {"knobs": "all"}});
    let cell = kernel.send_with(CELL, wanted).await.unwrap();
    let shown = kernel.finish(&cell, LONG).await.unwrap();
    assert_eq!(shown.error(), None);
    assert!(words(&shown).starts_with("n = 2 µs, c = a\n"), "{shown:?}");
    let html = shown.outputs.iter().find_map(|output| match output {
        labs::client::Output::Display(media) => {
            media.content.iter().find_map(|content| match content {
                MediaType::Html(html) => Some(html.clone()),
                _ => None,
            })
        }
        _ => None,
    });
    let html = html.unwrap();
    // 1, 2 (where it starts), 3, 5, 7 and 9 µs, each with both words.
    let figures: Vec<&str> = html.split("class=\"labs-kept-figure\"").skip(1).collect();
    // The last field of a table is the worker's process.
    let workers: std::collections::BTreeSet<&str> = (figures.iter())
        .map(|figure| {
            let fields = figure.rsplit_once("</td>").unwrap().0;
            fields.rsplit_once('>').unwrap().1
        })
        .collect();
    assert_eq!((figures.len(), workers.len()), (12, 12));
}

#[tokio::test]
async fn knobs_that_nobody_touches_give_the_kernel_back() {
    let (_folder, place) = home();
    let mut kernel = start_with(&place, |command| {
        command.env("LABS_KNOBS_LIMIT", "1");
    })
    .await;
    open(&mut kernel, "page").await;
    let (cell, _, _) = live(&mut kernel).await;
    assert_eq!(kernel.finish(&cell, LONG).await.unwrap().error(), None);
}

/// The memory of this process alone, in kilobytes.
fn own_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Prints a table: `cargo test --release -p labs --test kernel -- --ignored --nocapture what_a_move_costs`.
#[tokio::test]
#[ignore = "a measurement: it prints what a move costs beside the work"]
async fn what_a_move_costs() {
    let (_folder, place) = home();
    let mut kernel = start(&place).await;
    open(&mut kernel, "page").await;
    println!(
        "from the message of a move to the message with its figure, 100 moves, two workers, without the time of the work;\n\
         load {}",
        std::fs::read_to_string("/proc/loadavg").unwrap().trim()
    );
    println!(
        "{:>8} {:>12} {:>12} {:>16} {:>22}",
        "work", "median", "worst", "beside no work", "front, cell: memory"
    );
    let mut without = Duration::ZERO; // the median of a closure that does nothing but draw
    for work in [0, 1, 10, 100] {
        let code = format!(
            r#"
        let work = Work::costing(std::time::Duration::from_millis({work}.max(1)));
        interact([Knob::new("n", 0.0..=1e6)], |k| {{
            let took = time(|| if {work} > 0 {{ Workers::spawn(2, |_| work.run()).unwrap().join().unwrap().values().unwrap(); }}).elapsed;
            Bars::new(format!("n {{}} took {{}} ns", k["n"], took.as_nanos())).bar("n", k["n"])
        }})?;"#
        );
        let cell = run(&mut kernel, &code, "measured").await;
        let mut set = String::new();
        while set.is_empty() {
            if let Said::Knobs(knobs) = next(&mut kernel).await {
                set = knobs["set"].as_str().unwrap().into();
            }
        }
        let inner = family(kernel.child.id().unwrap());
        let mut costs = Vec::new();
        let moves = if work == 1 { 1_000 } else { 100 };
        let mut memory = String::new();
        for step in 1..=moves {
            let begin = std::time::Instant::now();
            say(&mut kernel, "page", json!({"set": set, "values": [step]})).await;
            let nanos = loop {
                if let Said::Figure(text, _) = next(&mut kernel).await
                    && let Some(rest) = text.strip_prefix(&format!("n {step} took "))
                {
                    break rest.split(' ').next().unwrap().parse::<u64>().unwrap();
                }
            };
            costs.push(begin.elapsed().saturating_sub(Duration::from_nanos(nanos)));
            if step == 100 || step == moves {
                let cells = inner.iter().copied().find(|&pid| {
                    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
                    pid != inner[0] && name.is_ok() && family(pid).len() == 1
                });
                memory += &format!(
                    "  {} kB, {} kB after {step};",
                    own_memory(inner[0]),
                    cells.map_or(0, own_memory)
                );
            }
        }
        costs.truncate(100);
        costs.sort();
        let milliseconds = |cost: Duration| format!("{:.1} ms", cost.as_secs_f64() * 1e3);
        if work == 0 {
            without = costs[50];
        }
        println!(
            "{:>5} ms {:>12} {:>12} {:>15.2}× {memory}",
            work,
            milliseconds(costs[50]),
            milliseconds(costs[99]),
            costs[50].as_secs_f64() / without.as_secs_f64()
        );
        say(&mut kernel, "page", json!({"set": set, "do": "done"})).await;
        kernel.finish(&cell, LONG).await.unwrap();
    }
}
