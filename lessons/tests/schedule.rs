//! Every schedule of five protocols, in the model and on real processes.
//!
//! One test in a binary of its own, since it forks hundreds of times.

use lessons::prelude::*;

fn protocols() -> [(&'static str, Steps, [u128; 3]); 5] {
    let check = || Steps::new().leave_if("check", |s, _me| s["found"] != 0);
    let write = |steps: Steps| {
        steps
            .write("write finder", |s, me| s["finder"] = me)
            .write("write answer", |s, me| s["answer"] = 100 * me)
    };
    let find = |steps| write(steps).write("set found", |s, _me| s["found"] = 1);
    let swap = Steps::new().swap_or_leave("compare-and-swap", |s, _me| {
        let first = s["found"] == 0;
        s["found"] = 1;
        first
    });
    let recheck = |steps: Steps| steps.leave_if("recheck", |s, _me| s["found"] != 0);
    // With the number of schedules, and how many break the first and the second invariant.
    [
        ("no lock", find(check()), [70, 18, 40]),
        ("lock only", find(check().lock()).unlock(), [14, 0, 10]),
        ("recheck only", find(recheck(check())), [252, 60, 140]),
        (
            "double check",
            find(recheck(check().lock())).unlock(),
            [16, 0, 0],
        ),
        ("compare-and-swap", write(swap), [6, 0, 6]),
    ]
}

#[test]
fn real_processes_do_every_schedule_as_the_model_does() {
    let (together, whole) = (
        "finder and answer belong together",
        "who sees found sees a whole answer",
    );
    for (name, steps, counts) in protocols() {
        let explorer = Explorer::new(["found", "finder", "answer"])
            .workers(2, &steps)
            .invariant(together, |s| s["answer"] == 100 * s["finder"])
            .always(whole, |s| {
                s["found"] == 0 || s["answer"] == 100 * s["finder"]
            });
        let seen = explorer.explore().unwrap();
        assert_eq!(
            [
                seen.schedules(),
                seen.broken_by(together),
                seen.broken_by(whole)
            ],
            counts,
            "{name}"
        );
        let mut torn = 0;
        for id in 0..seen.schedules() {
            let forced = explorer.force(id).unwrap();
            assert!(forced.matches_model(), "{name}\n{forced}");
            torn += u128::from(forced.end()["answer"] != 100 * forced.end()["finder"]);
        }
        assert_eq!(
            torn,
            seen.broken_by(together),
            "{name}: pairs torn in shared memory"
        );
    }
}
