//! Curves that students draw: what a page draws reaches the cell that asks for it, no cell waits, and what does not fit is ignored.

use crate::common::page::{open, say};
use crate::common::{LONG, Lent, block_on, lend};
use jupyter_protocol::JupyterMessageContent as Content;
use labs::client::Kernel;
use serde_json::{Value, json};

/// The cell that shows a pad, with a curve or without.
fn pad(name: &str, curve: &str) -> String {
    format!("let guess = sketch(\"{name}\", \"{curve}\")?;")
}

/// What a page is told next.
async fn told(kernel: &mut Kernel) -> (String, Value) {
    loop {
        if let Content::CommMsg(said) = kernel.next_message(LONG).await.unwrap().content {
            let data: Value = said.data.into();
            return (said.comm_id.0, data["steps"].clone());
        }
    }
}

/// The curve that a cell gets.
async fn points(kernel: &mut Kernel) -> String {
    let shown = kernel.execute("println!(\"{:?}\", guess.points());", LONG);
    shown.await.unwrap().stdout().trim().to_string()
}

/// A curve with these first three steps.
fn steps(first: [Value; 3]) -> Value {
    let mut steps = vec![Value::Null; 9];
    steps[..3].clone_from_slice(&first);
    Value::Array(steps)
}

fn curve(name: &str, first: [Value; 3]) -> Value {
    json!({"sketch": name, "steps": steps(first)})
}

#[test]
fn what_a_page_draws_reaches_the_cell_that_asks_and_no_cell_waits_for_it() {
    block_on(async {
        let mut lent: Lent = lend().await;
        let kernel = &mut lent.kernel;
        let (name, open_pad) = ("03-reaction", pad("03-reaction", "?"));
        // Nobody has drawn, and nobody can: the cells end.
        assert_eq!(kernel.execute(&open_pad, LONG).await.unwrap().error(), None);
        assert_eq!(points(kernel).await, "[]");

        open(kernel, "one").await;
        open(kernel, "two").await;
        let drawn = steps([json!(0), json!(null), json!(13)]);
        say(
            kernel,
            "one",
            curve(name, [json!(0), json!(null), json!(13)]),
        )
        .await;
        for page in ["one", "two"] {
            assert_eq!(told(kernel).await, (page.into(), drawn.clone()));
        }
        assert_eq!(points(kernel).await, "[(1.0, 1e-6), (10.0, 2e-5)]");

        // The cell that is run again has the curve, and a page that is loaded anew gets it.
        let again = format!("{open_pad}\nprintln!(\"{{guess}}\");");
        let shown = kernel.execute(&again, LONG).await.unwrap().stdout();
        assert!(shown.contains("Drawn: 1: 1 µs; 10: 20 µs."), "{shown}");
        say(kernel, "two", json!({"sketch": name})).await;
        while told(kernel).await != ("two".into(), drawn.clone()) {}

        // A curve that stands in the cell is newer, and the pages know.
        let written = pad(name, "3: 2 ms");
        assert_eq!(kernel.execute(&written, LONG).await.unwrap().error(), None);
        assert_eq!(points(kernel).await, "[(3.0, 0.002)]");
        say(
            kernel,
            "one",
            curve(name, [json!(70), json!(70), json!(70)]),
        )
        .await;
        assert_eq!(
            points(kernel).await,
            "[(1.0, 10.0), (3.0, 10.0), (10.0, 10.0)]"
        );
        close(kernel).await;
        lent.give_back().await;
    });
}

/// A kernel that is lent again knows none of these pages.
async fn close(kernel: &mut Kernel) {
    for comm in ["one", "two"] {
        let content = json!({"comm_id": comm, "data": {}});
        kernel.request("comm_close", content).await.unwrap();
    }
}

#[test]
fn what_a_hostile_page_draws_is_ignored_and_of_a_flood_the_last_curve_counts() {
    block_on(async {
        let mut lent: Lent = lend().await;
        let kernel = &mut lent.kernel;
        // Another pad than the other test has, since they may share a kernel.
        let name = "03-overhead";
        open(kernel, "one").await;
        kernel.execute(&pad(name, "?"), LONG).await.unwrap();
        let good = steps([json!(1), json!(2), json!(3)]);
        say(kernel, "one", curve(name, [json!(1), json!(2), json!(3)])).await;
        while told(kernel).await != ("one".into(), good.clone()) {}
        for bad in [
            json!([]),
            json!([1, 2, 3]),
            json!(vec![1; 10]),
            steps([json!(31), json!(2), json!(3)]),
            steps([json!(-1), json!(2), json!(3)]),
            steps([json!(1.5), json!(2), json!(3)]),
            steps([json!("1"), json!(2), json!(3)]),
            json!(null),
            json!("1 2 3"),
            json!({"0": 1}),
        ] {
            say(kernel, "one", json!({"sketch": name, "steps": bad})).await;
            // The page is told what is so.
            assert_eq!(told(kernel).await, ("one".into(), good.clone()), "{bad}");
        }
        // A comm that is not open, and a pad that no cell has shown.
        say(
            kernel,
            "foreign",
            curve(name, [json!(9), json!(9), json!(9)]),
        )
        .await;
        say(kernel, "one", json!({"sketch": "99-nothing", "steps": [1]})).await;
        assert_eq!(told(kernel).await, ("one".into(), Value::Null));
        let first = "[(1.0, 0.125), (3.0, 0.16), (10.0, 0.2)]";
        assert_eq!(points(kernel).await, first);

        const CURVES: usize = 3_000;
        for number in 0..CURVES {
            let step = json!(number * 30 / (CURVES - 1));
            say(kernel, "one", curve(name, [step, json!(null), json!(null)])).await;
        }
        assert_eq!(points(kernel).await, "[(1.0, 100.0)]");
        close(kernel).await;
        lent.give_back().await;
    });
}
