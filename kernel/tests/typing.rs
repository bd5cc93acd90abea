//! Everyday typing: the cells of all labs, cut where a student may stop typing, are completed and inspected, and running cells are not
//! affected. And the cells of all labs, with a slip of the finger or two, are run and stopped at any moment.
//!
//! A sample by default, the same each time; `LABS_FUZZ=2000` takes 2,000 places; `LABS_FUZZ=all` takes all places in their order, and 500
//! slips. `LABS_FUZZ=2/3` takes the second third of all places, for machines with more cores than patience.

use crate::common::*;
use jupyter_protocol::ReplyStatus;
use labs::client::Kernel;
use labs::notebook::{self, joined};
use labs::place::Place;
use std::fs;
use std::time::{Duration, Instant};

/// How many places take about a minute.
const SAMPLE: usize = 400;

/// After so many places a cell looks at its variable.
const BETWEEN: usize = 200;

/// Variables of many types, so that there is something to complete.
const SETUP: &str = r#"
use std::collections::HashMap;
#[derive(Debug, Clone)] struct Pair<T> { left: T, right: T }
impl<T: Clone> Pair<T> { fn swapped(&self) -> Pair<T> { Pair { left: self.right.clone(), right: self.left.clone() } } }
fn twice<T: Clone>(value: &T) -> Pair<T> { Pair { left: value.clone(), right: value.clone() } }
let kept: u32 = 41;
let numbers = vec![1u64, 2, 3];
let counts: HashMap<String, Option<u32>> = HashMap::new();
let pair = twice(&kept);
"#;

/// Random numbers that are the same each time (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn new() -> Random {
        Random(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Up to the `n`th place in a random order that is always the same.
fn shuffled<T>(mut all: Vec<T>, n: usize) -> Vec<T> {
    let mut random = Random::new();
    for i in (1..all.len()).rev() {
        all.swap(i, random.below(i + 1));
    }
    all.truncate(n);
    all
}

/// The part of `all` that `part` names: `2/3` is the second of three.
fn part_of<T>(all: Vec<T>, part: &str) -> Vec<T> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|&number| number > 0);
    let (part, parts) = part
        .split_once('/')
        .and_then(|(part, parts)| Some((number(part)?, number(parts)?)))
        .expect("a part is two numbers, as 2/3");
    let size = all.len().div_ceil(parts);
    all.into_iter().skip((part - 1) * size).take(size).collect()
}

/// `code` after a slip of the finger: a character too few, one too many, two exchanged, a line lost or typed twice.
fn slip(code: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = code.chars().collect();
    let mut lines: Vec<&str> = code.lines().collect();
    if chars.len() < 2 || lines.is_empty() {
        return code.into();
    }
    let (at, line) = (random.below(chars.len() - 1), random.below(lines.len()));
    match random.below(6) {
        0 => drop(chars.remove(at)),
        1 => chars.insert(at, ['x', ';', '(', '}', '"', '\u{1f600}'][random.below(6)]),
        2 => chars.swap(at, at + 1),
        3 => {
            lines.remove(line);
            return lines.join("\n");
        }
        4 => {
            lines.insert(line, lines[line]);
            return lines.join("\n");
        }
        _ => {} // as it is
    }
    chars.into_iter().collect()
}

/// Each code cell of the labs, cut at each character.
fn places(place: &Place) -> Vec<(String, usize)> {
    let mut places = Vec::new();
    for lab in place.labs().unwrap() {
        let notebook = notebook::read(&lab).unwrap();
        for cell in notebook["cells"].as_array().unwrap() {
            if cell["cell_type"] == "code" {
                let code = joined(&cell["source"]);
                places.extend((0..=code.chars().count()).map(|end| (code.clone(), end)));
            }
        }
    }
    places
}

async fn still_knows(kernel: &mut Kernel, since: &[(String, usize)]) {
    let code = "println!(\"{}\", kept + 1);";
    let shown = kernel.execute(code, Duration::from_secs(60)).await;
    let fine = shown.as_ref().is_ok_and(|shown| shown.stdout() == "42\n");
    assert!(fine, "after one of {since:#?}: {shown:?}");
}

/// The panics in the inner kernel's log.
fn panics(place: &Place) -> Vec<String> {
    let mut found = Vec::new();
    for session in sessions(place) {
        for file in fs::read_dir(session).into_iter().flatten().flatten() {
            let text = fs::read(file.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            found.extend(
                text.lines()
                    .filter(|line| line.contains("panicked at"))
                    .map(str::to_string),
            );
        }
    }
    found
}

#[test]
fn typing_in_any_lab_never_costs_a_cell() {
    let all = places(&Place::find().unwrap());
    let total = all.len();
    let chosen = match std::env::var("LABS_FUZZ").as_deref() {
        Ok("all") => all,
        Ok(part) if part.contains('/') => part_of(all, part),
        Ok(n) => shuffled(
            all,
            n.parse()
                .expect("LABS_FUZZ is a number of places, a part like 2/3, or all"),
        ),
        Err(_) => shuffled(all, SAMPLE),
    };
    block_on(async {
        let mut lent = lend().await;
        let (kernel, place) = (&mut lent.kernel, &lent.place);
        let shown = kernel.execute(SETUP, LONG).await.unwrap();
        assert_eq!(shown.error(), None);
        let inner = family(kernel.child.id().unwrap())[1];
        let begin = Instant::now();
        let (mut matched, mut found) = (0, 0);
        let mut slowest: Vec<(Duration, &str, String)> = Vec::new();
        for (number, chunk) in chosen.chunks(BETWEEN).enumerate() {
            if number % 50 == 49 {
                let seconds = begin.elapsed().as_secs();
                eprintln!(
                    "{} of {} places after {seconds} s",
                    number * BETWEEN,
                    chosen.len()
                );
            }
            for (code, end) in chunk {
                let typed: String = code.chars().take(*end).collect();
                // Once at the end of the typed part, and once within the whole code.
                for code in [&typed, code] {
                    let asked = Instant::now();
                    let reply = kernel
                        .complete(code, *end, LONG)
                        .await
                        .unwrap_or_else(|error| panic!("{error:#}: {typed}^"));
                    assert_eq!(reply.status, ReplyStatus::Ok);
                    matched += usize::from(!reply.matches.is_empty());
                    slowest.push((asked.elapsed(), "complete", typed.clone()));
                    let asked = Instant::now();
                    let reply = kernel
                        .inspect(code, *end, LONG)
                        .await
                        .unwrap_or_else(|error| panic!("{error:#}: {typed}^"));
                    found += usize::from(reply.found);
                    slowest.push((asked.elapsed(), "inspect", typed.clone()));
                }
                slowest.sort_by_key(|(elapsed, ..)| std::cmp::Reverse(*elapsed));
                slowest.truncate(5);
            }
            still_knows(kernel, chunk).await;
            assert_eq!(
                panics(place),
                Vec::<String>::new(),
                "after one of {chunk:#?}"
            );
        }
        eprintln!(
            "{} of {total} places, two completions and two inspections each, in {:.0} s: {matched} completions had matches, \
             {found} inspections found something",
            chosen.len(),
            begin.elapsed().as_secs_f64()
        );
        for (elapsed, kind, typed) in &slowest {
            let line = typed.lines().last().unwrap_or_default();
            eprintln!("{:.2} s: {kind} {line}^", elapsed.as_secs_f64());
        }
        assert_eq!(
            family(kernel.child.id().unwrap())[1],
            inner,
            "the inner kernel is the same"
        );
        lent.give_back().await;
    });
}

#[test]
fn slips_that_are_run_and_stopped_at_any_moment_cost_nothing() {
    let n = match std::env::var("LABS_FUZZ").as_deref() {
        Ok("all") => 500,
        _ => 40,
    };
    let mut cells: Vec<String> = places(&Place::find().unwrap())
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    cells.dedup();
    cells.retain(|code| !code.contains(":dep")); // crates that are not on this machine take long
    let mut random = Random::new();
    block_on(async {
        let mut lent = lend().await;
        let kernel = &mut lent.kernel;
        assert_eq!(kernel.execute(SETUP, LONG).await.unwrap().error(), None);
        let inner = family(kernel.child.id().unwrap())[1];
        let (mut stopped, mut failed) = (0, 0);
        for _ in 0..n {
            let code = slip(&cells[random.below(cells.len())], &mut random);
            let id = kernel.send(&code).await.unwrap();
            // If it has not ended by then, it is stopped, while it is analysed, compiled or running.
            let patience = Duration::from_millis(random.below(1500) as u64);
            tokio::time::sleep(patience).await;
            for _ in 0..=random.below(3) {
                kernel.interrupt().await.unwrap();
            }
            let shown = kernel.finish(&id, LONG).await;
            let shown = shown.unwrap_or_else(|error| panic!("{error:#}: {code}"));
            let error = shown.error().unwrap_or_default();
            stopped += usize::from(error.starts_with("You stopped"));
            failed += usize::from(!error.is_empty());
            assert!(!error.contains("are lost"), "{error}: {code}");
            still_knows(kernel, &[(code, 0)]).await;
        }
        eprintln!(
            "{n} slips: {stopped} were stopped, {} failed by themselves",
            failed - stopped
        );
        assert_eq!(
            family(kernel.child.id().unwrap())[1],
            inner,
            "the inner kernel is the same"
        );
        lent.end().await;
    });
}
