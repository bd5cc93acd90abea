//! `labs export` and `labs class`: the contents of a journal reach the page, and damaged or foreign files are named and skipped. A class at
//! work sees its guesses, and what it has measured when the teacher says so.

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn labs(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("LABS_JOURNAL")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A journal of student `n`, in a folder of its own.
fn journal(folder: &Path, n: usize) -> String {
    let own = folder.join(n.to_string());
    fs::create_dir_all(&own).unwrap();
    let text = format!(
        "170000000{n}\tprediction\tLab 03: one look?\t{n}00 ns\t50 ns\n\
         170000001{n}\tprediction\tLab 03: one look?\t50 ns\t50 ns\n\
         170000000{n}\tprediction\tLab 03: slower?\t\t3 %\n\
         170000000{n}\tsketch\tLab 03: a curve?\tinterval\tlog number\ttime\tlog seconds\t1.0:0.00{n} 10.0:0.0{n}\t1.0:0.001 10.0:0.01\n\
         170000001{n}\tsketch\tLab 03: a curve?\tinterval\tlog number\ttime\tlog seconds\t1.0:0.001 10.0:0.01\t1.0:0.001 10.0:0.01\n\
         170000000{n}\tsketch\tLab 03: no curve?\tinterval\tnumber\tshare\tpercent\t\t1.0:40.0\n\
         170000000{n}\tcheck\tLab 03, exercise 1\tnot yet\t1 of 2\n\
         170000000{n}\tcheck\tLab 03, exercise 1\tpassed\t2 of 2\n\
         170000000{n}\topened\tLab 03, exercise 2\n\
         torn\n\
         170000000{n}\tmeasured\tLab 03\tReaction\tinterval\tlog number\ttime\tlog seconds\t{n}\tlocked\t\t1.0:0.00{n} 10.0:0.0{n}\n\
         170000000{n}\tmeasured\tLab 04\tCosts\t\t\ttime\tnanoseconds\t{n}\talone\tqueue\t{n}.5:1.0:9.0\n"
    );
    fs::write(own.join(".journal.tsv"), text).unwrap();
    own.display().to_string()
}

/// Exports student `n` into `{n}.json`.
fn export(folder: &Path, n: usize, more: &[&str]) -> Value {
    let (own, file) = (journal(folder, n), format!("{n}.json"));
    let arguments = ["export", "--folder", &own, "--out", &file];
    let output = labs(folder, &[&arguments, more].concat());
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

#[test]
fn nothing_of_a_journal_is_lost_and_no_name_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let results = export(folder.path(), 3, &[]);
    assert_eq!(results["name"], Value::Null);
    let user = std::env::var("HOME").unwrap_or_default();
    assert!(user.len() < 2 || !results.to_string().contains(&user));
    assert_eq!(
        results["measurements"][0]["points"],
        json!([[1.0, 0.003], [10.0, 0.03]])
    );
    assert_eq!(
        results["measurements"][0]["measured"],
        json!({"label": "time", "log": true, "format": "seconds"})
    );
    assert_eq!(
        results["measurements"][1]["value"],
        json!({"row": "queue", "value": 3.5, "low": 1.0, "high": 9.0})
    );
    assert_eq!(results["predictions"].as_array().unwrap().len(), 3);
    assert_eq!(
        results["predictions"][0]["guess"],
        json!({"written": "300 ns", "value": 300.0, "unit": "ns"})
    );
    assert_eq!(results["predictions"][2].get("guess"), None);
    assert_eq!(
        results["sketches"][0],
        json!({"question": "Lab 03: a curve?", "across": {"label": "interval", "log": true, "format": "number"},
            "up": {"label": "time", "log": true, "format": "seconds"}, "drawn": [[1.0, 0.003], [10.0, 0.03]],
            "measured": [[1.0, 0.001], [10.0, 0.01]], "when": 1_700_000_003})
    );
    assert_eq!(results["sketches"][2]["drawn"], json!([]));
    assert_eq!(
        results["exercises"],
        json!([
            {"title": "Lab 03, exercise 1", "tries": 2, "passed": true, "facts": "2 of 2"},
            {"title": "Lab 03, exercise 2", "tries": 0, "passed": false, "facts": ""},
        ])
    );
    assert!(
        results["machine"]["cores"].as_u64().unwrap()
            >= results["machine"]["cores_allowed"].as_u64().unwrap()
    );
    assert_eq!(export(folder.path(), 3, &["--name", "Ada"])["name"], "Ada");
}

#[test]
fn an_empty_journal_and_a_file_of_somebody_else_are_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let output = labs(folder.path(), &["export", "--folder", "."]);
    assert!(!output.status.success() && said(&output).contains("nothing to hand in yet"));
    let own = journal(folder.path(), 1);
    fs::write(folder.path().join("diary"), "mine").unwrap();
    let output = labs(
        folder.path(),
        &["export", "--folder", &own, "--out", "diary"],
    );
    assert!(
        !output.status.success() && said(&output).contains("another name"),
        "{}",
        said(&output)
    );
    assert_eq!(fs::read(folder.path().join("diary")).unwrap(), b"mine");
}

#[test]
fn a_class_is_drawn_and_what_cannot_be_read_is_named_and_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let long = "Ada Augusta King, Countess of Lovelace, of London";
    for n in 1..=5 {
        let name = ["--name", "<b>Ada</b>"];
        let long = ["--name", long];
        export(
            place,
            n,
            match n {
                2 => &name,
                3 => &long,
                _ => &[],
            },
        );
    }
    let good = fs::read(place.join("1.json")).unwrap();
    fs::write(place.join("cut.json"), &good[..good.len() / 2]).unwrap();
    fs::write(place.join("foreign.json"), "{\"cells\": []}").unwrap();
    fs::write(place.join("binary.json"), b"\xff\xfe\0").unwrap();
    fs::write(place.join("empty.json"), "").unwrap();
    fs::copy(place.join("1.json"), place.join("twice.json")).unwrap();
    fs::write(place.join("huge.json"), vec![b' '; 5 << 20]).unwrap();
    let pipe = std::ffi::CString::new(place.join("pipe.json").to_str().unwrap()).unwrap();
    // SAFETY: a C string that lives until the call is over.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let bad = [
        "cut.json",
        "foreign.json",
        "binary.json",
        "empty.json",
        "twice.json",
        "huge.json",
        "pipe.json",
        "1",
        "nowhere.json",
    ];
    let good = ["1.json", "2.json", "3.json", "4.json", "5.json"];
    let output = labs(place, &[&["class"], &good[..], &bad].concat());
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    for file in bad {
        assert!(
            text.contains(&format!("Skipped {file}: ")),
            "{file} in {text}"
        );
    }
    assert_eq!(text.matches("Skipped").count(), bad.len(), "{text}");
    let page = fs::read_to_string(place.join("class.html")).unwrap();
    for part in [
        "5 students in this class. 9 files were left out",
        "Reaction: locked",
        "Costs: alone",
        "student 5, 5 of",
        "Guesses against measurements",
        "&lt;b&gt;Ada&lt;/b&gt;",
        "<td style=\"text-align:right;white-space:nowrap\">5 of 5</td><td style=\"text-align:right;white-space:nowrap\">300\u{a0}ns</td>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains(long), "names are whole");
    // A student who has only opened an exercise has not tried it.
    let row = page
        .split("<tr>")
        .find(|row| row.contains("Lab 03, exercise 2"));
    let row = row.unwrap();
    assert!(
        row.contains("student 4, student 5") && row.contains(">0 of 5<"),
        "{row}"
    );
    let place_of = |heading: &str| page.find(&format!("<h2>{heading}</h2>")).unwrap();
    let order = [
        "What the class learned",
        "Predictions",
        "Exercises",
        "The machines",
    ]
    .map(place_of);
    assert!(order.is_sorted(), "{order:?}");
    let first = &page[order[0]..order[1]];
    assert!(
        first.contains("Exercises: 5 of the 5 that were tried are solved."),
        "{first}"
    );
    assert!(
        first.contains("The largest surprises: Lab 03: one look? Guessed 300 ns, measured 50 ns"),
        "{first}"
    );
    assert!(!page.contains("<b>Ada") && !page.contains("<script") && !page.contains(".json"));
    assert!(
        text.contains("5 ms") && text.contains("student 4: 4.json") && text.contains(long),
        "{text}"
    );

    let output = labs(
        place,
        &["class", "cut.json", "foreign.json", "--out", "none.html"],
    );
    assert!(!output.status.success() && !place.join("none.html").exists());
    for option in ["--out", "--csv"] {
        let output = labs(place, &["class", "1.json", option, "1.json"]);
        assert!(!output.status.success() && said(&output).contains("choose another page"));
    }
    let output = labs(
        place,
        &[
            "class",
            "1.json",
            "2.json",
            "--csv",
            "class.csv",
            "--lab",
            "3",
        ],
    );
    assert!(output.status.success(), "{}", said(&output));
    let csv = fs::read_to_string(place.join("class.csv")).unwrap();
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert!(
        rows[0].starts_with("name,file,exercises passed,\"Lab 03, exercise 1: passed\",\"Lab 03, exercise 1: attempts\","),
        "{csv}"
    );
    assert_eq!(rows[2], "<b>Ada</b>,2.json,1,1,2,0,0,200,50,,3");
    assert_eq!((rows.len(), rows[3]), (4, ""), "{csv}");
}

#[test]
fn a_large_class_is_grey_behind_its_median_and_the_newer_of_two_files_counts() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let mut first = Value::Null;
    for n in 1..=9 {
        first = export(place, n, &[]);
    }
    first["exported"] = 5.into();
    fs::write(place.join("old.json"), first.to_string()).unwrap();
    let files: Vec<String> = (1..=9).map(|n| format!("{n}.json")).collect();
    let mut arguments = vec!["class", "old.json"];
    arguments.extend(files.iter().map(String::as_str));
    let output = labs(place, &arguments);
    let text = said(&output);
    assert!(
        text.contains("Skipped old.json: it is the same student's as 9.json"),
        "{text}"
    );
    // Columns are padded.
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    for part in [
        "1 9 1 ms (student 1) 9 ms (student 9)",
        "x median 1 5 ms 10 50 ms",
    ] {
        assert!(words.contains(part), "{part} in {text}");
    }
}

/// The page, as soon as it has what is wanted.
fn page_with(file: &Path, child: &mut Child, wanted: &str) -> String {
    let start = Instant::now();
    loop {
        let page = fs::read_to_string(file).unwrap_or_default();
        if page.contains(wanted) {
            return page;
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it has ended: {ended:?}");
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "no {wanted} in {page}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_room_sees_its_guesses_at_once_and_its_measurements_when_the_teacher_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (place, drop) = (folder.path(), folder.path().join("drop"));
    fs::create_dir(&drop).unwrap();
    let page = place.join("page.html");
    let mut child = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(["class", "--watch", "drop", "--out", "page.html"])
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    page_with(&page, &mut child, "Nobody has guessed yet");
    let write = |n: usize, lines: &str| {
        let own = place.join(n.to_string());
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join(".journal.tsv"), lines).unwrap();
        let (own, file) = (n.to_string(), format!("drop/{n}.json"));
        let output = labs(place, &["export", "--folder", &own, "--out", &file]);
        assert!(output.status.success(), "{}", said(&output));
    };
    let guess = |n: usize| format!("170000000{n}\tguess\tLab 03: one look?\t{n}00 ns\n");
    for n in 0..10 {
        write(n, &guess(n + 1));
        let said = match n {
            0 => "1 of 1 student guessed".to_string(),
            n => format!("{0} of {0} students guessed", n + 1),
        };
        page_with(&page, &mut child, &said);
    }
    // The second one runs the cell, and so does the third, before the room has seen anything.
    for n in [1, 2] {
        let ran = format!(
            "170000009{n}\tprediction\tLab 03: one look?\t{}00 ns\t77 s\n",
            n + 1
        );
        write(n, &(guess(n + 1) + &ran));
    }
    write(3, "1700000004\tguess\tLab 03: one look?\t4 s\n");
    let hidden = page_with(&page, &mut child, "1 s to 10 s");
    for answer in ["77 s", "measured"] {
        assert!(!hidden.contains(answer), "{answer} in {hidden}");
    }
    assert!(hidden.contains("http-equiv=\"refresh\""));
    let input = child.stdin.as_mut().unwrap();
    input.write_all(b"1\n").unwrap();
    let shown = page_with(&page, &mut child, "What it has measured");
    assert!(shown.contains("; 2 measured, "), "{shown}");
    fs::remove_file(drop.join("9.json")).unwrap();
    page_with(&page, &mut child, "9 of 9 students guessed");
    // A file that follows its journal.
    fs::create_dir(place.join("ada")).unwrap();
    let arguments = [
        "export",
        "--follow",
        "--folder",
        "ada",
        "--out",
        "drop/ada.json",
    ];
    let mut ada = Command::new(env!("CARGO_BIN_EXE_labs"))
        .args(arguments)
        .current_dir(place)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    fs::write(place.join("ada/.journal.tsv"), guess(7)).unwrap();
    page_with(&page, &mut child, "10 of 10 students guessed");
    ada.kill().unwrap();
    ada.wait().unwrap();

    // SAFETY: a signal to a child that nobody has waited for.
    assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGINT) }, 0);
    let output = child.wait_with_output().unwrap();
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("drop/0.json: Lab 03: one look?"), "{text}");
    assert!(
        text.contains("The page stays as it is in page.html."),
        "{text}"
    );
    let last = fs::read_to_string(&page).unwrap();
    assert!(!last.contains("http-equiv=\"refresh\"") && last.contains("10 of 10 students guessed"));
}
