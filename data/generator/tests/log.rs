//! The committed file is what the generator writes; another seed writes another log with the same shape.

use labs_data::{ROWS, SEED, transactions};
use std::collections::BTreeMap;
use std::process::Command;

/// The fields of each row.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().skip(1);
    rows.map(|line| line.split(',').collect()).collect()
}

fn number(field: &str) -> u64 {
    field.parse().unwrap()
}

/// How many rows have each word in a column.
fn counts<'a>(rows: &[Vec<&'a str>], column: usize) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row[column]).or_default() += 1;
    }
    counts
}

#[test]
fn the_committed_file_is_what_the_generator_writes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../transactions.csv");
    let committed = std::fs::read(path).unwrap();
    let written = transactions(SEED, ROWS);
    let first = written.bytes().zip(&committed).position(|(a, b)| a != *b);
    assert!(
        written.as_bytes() == committed,
        "they differ from byte {first:?} on: run `cargo run --release -p labs-data` and look at `git diff --stat`"
    );
    assert!(committed.len() <= 4_000_000);
}

#[test]
fn another_seed_writes_another_log_of_the_same_shape() {
    let written = transactions(SEED, ROWS);
    for seed in [1, 2, u64::MAX] {
        let other = transactions(seed, ROWS);
        let lines = written.lines().zip(other.lines());
        assert!(lines.filter(|(a, b)| a == b).count() < 10, "seed {seed}");
        has_the_shape(&other);
    }
    has_the_shape(&written);
}

fn has_the_shape(text: &str) {
    let rows = rows(text);
    assert_eq!(rows.len(), ROWS);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!((row.len(), number(row[0])), (11, index as u64 + 1));
    }
    assert!(
        rows.windows(2)
            .all(|pair| number(pair[0][1]) <= number(pair[1][1]))
    );
    assert!(number(rows[ROWS - 1][1]) < 90 * 86_400);

    // Of ten thousand rows; the last event of a kind may go over the share.
    let labels = counts(&rows, 10);
    for (label, share) in [
        ("velocity", 30),
        ("travel", 25),
        ("amount", 22),
        ("takeover", 23),
    ] {
        let expected = ROWS * share / 10_000;
        let found = labels[label];
        assert!(
            (expected..expected + 16).contains(&found),
            "{label}: {found}"
        );
    }
    let fraud = ROWS - labels["honest"];
    assert!((ROWS / 200..ROWS * 15 / 1000).contains(&fraud), "{fraud}");
    assert_eq!(labels.len(), 5);

    // The tails of the honest amounts of a category: of log-normal ones with sigma 0.7 and levels of 0.35 one in twenty is
    // 3.6 times the median or more, one in a thousand 11 times; a normal distribution has nothing there.
    let honest = |row: &&Vec<&str>| row[10] == "honest" && row[4] == "groceries";
    let mut amounts: Vec<u64> = rows
        .iter()
        .filter(honest)
        .map(|row| number(row[8]))
        .collect();
    amounts.sort_unstable();
    let share = |part: f64| amounts[(amounts.len() as f64 * part) as usize] as f64;
    let median = share(0.5);
    assert!((2_300.0..3_300.0).contains(&median), "{median}");
    assert!(
        (3.0..4.5).contains(&(share(0.95) / median)),
        "{}",
        share(0.95)
    );
    assert!(
        (7.5..16.0).contains(&(share(0.999) / median)),
        "{}",
        share(0.999)
    );

    // All the world, and everything in it.
    assert_eq!((counts(&rows, 5).len(), counts(&rows, 4).len()), (40, 11));
    assert_eq!(counts(&rows, 2).len(), 400);
}

#[test]
fn there_are_honest_near_misses() {
    let text = transactions(SEED, ROWS);
    let rows = rows(&text);
    let mut accounts: BTreeMap<&str, Vec<&Vec<&str>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row[10] == "honest") {
        accounts.entry(row[2]).or_default().push(row);
    }
    let (mut abroad, mut new_devices, mut markets, mut large) = (0, 0, 0, 0);
    for payments in accounts.values() {
        let cities: Vec<&str> = payments.iter().map(|row| row[5]).collect();
        abroad += usize::from(cities.iter().any(|city| *city != cities[0]));
        let half = payments.len() / 2;
        let before = |device: &str| payments[..half].iter().any(|row| row[9] == device);
        new_devices += usize::from(payments[half..].iter().any(|row| !before(row[9])));
        let burst = |four: &[&Vec<&str>]| number(four[3][1]) - number(four[0][1]) < 600;
        markets += usize::from(payments.windows(4).any(burst));
        let mut amounts: Vec<u64> = payments.iter().map(|row| number(row[8])).collect();
        amounts.sort_unstable();
        let (median, most) = (amounts[half], amounts[amounts.len() - 1]);
        large += usize::from(most > 25 * median);
    }
    assert!(abroad > 100, "{abroad} accounts travel");
    assert!(new_devices > 50, "{new_devices} accounts get a new device");
    assert!(markets > 20, "{markets} accounts go to the market");
    assert!(large > 50, "{large} accounts buy something large");
}

#[test]
fn impossible_travel_is_impossible_and_bursts_are_bursts() {
    let text = transactions(SEED, ROWS);
    let rows = rows(&text);
    for (index, row) in rows.iter().enumerate() {
        let before = |other: &&Vec<&str>| other[2] == row[2];
        let since = |other: &Vec<&str>| number(row[1]) - number(other[1]);
        match row[10] {
            "travel" => {
                let other = |other: &&Vec<&str>| before(other) && other[5] != row[5];
                let elsewhere = rows[..index].iter().rev().find(other).unwrap();
                // At most five hours and what the second payment takes, while the nearest city is 1,500 km away.
                assert!(since(elsewhere) <= 5 * 3600 + 25 * 60, "row {}", row[0]);
            }
            "velocity" => {
                let label = |other: &&Vec<&str>| before(other) && other[10] == "velocity";
                let next = rows[..index].iter().rev().find(label);
                let near = next.is_none_or(|next| since(next) <= 45 || since(next) > 600);
                assert!(near, "row {}", row[0]);
            }
            _ => {}
        }
    }
}

#[test]
fn the_program_writes_the_file_or_says_what_to_do() {
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_labs-data"))
            .args(words)
            .output();
        let output = output.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), said)
    };
    let out = std::env::temp_dir().join(format!("labs-data-{}.csv", std::process::id()));
    let path = out.to_str().unwrap();
    let (good, said) = run(&["--seed", "7", "--rows", "1000", "--out", path]);
    assert!(
        good && said.contains("1000 transactions of seed 7"),
        "{said}"
    );
    assert_eq!(
        std::fs::read_to_string(&out).unwrap(),
        transactions(7, 1_000)
    );
    std::fs::remove_file(&out).unwrap();

    let cases: [(&[&str], &str); 5] = [
        (&["--rows", "10"], "`--rows 10`: ask for 1000 to 1000000."),
        (&["--seed", "x"], "`--seed x`: a whole number is needed."),
        (&["--seed"], "`--seed` needs a value."),
        (&["--sed", "1"], "`--sed` is no option of this program."),
        (&["--out", "/no/such/folder/x.csv"], "cannot be written"),
    ];
    for (words, sentence) in cases {
        let (good, said) = run(words);
        assert!(!good && said.contains(sentence), "{said}");
    }
}
