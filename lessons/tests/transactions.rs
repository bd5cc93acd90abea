//! The log of transactions: reading it, whole and damaged, and what the four detectors make of it.

use labsupport::cell::Show;
use lessons::fraud::TransactionsError;
use lessons::prelude::*;
use std::process::Command;

const HEADER: &str =
    "id,time_s,account,merchant,category,city,latitude,longitude,amount_cents,device,label";
const GOOD: &str = "1,30,7,12,groceries,Berlin,52.52,13.41,2350,3,honest";

fn error_of(text: &str) -> TransactionsError {
    Transactions::parse(text).unwrap_err()
}

#[test]
fn a_damaged_file_is_named_with_line_column_and_reason() {
    // One field of a good second row replaced: which column, by what, and what is said.
    let cases = [
        (1, "", "`` is not a whole number"),
        (1, "0", "0 is out of range: 1 to 4294967295"),
        (1, "1", "1 follows 1: ids must rise"),
        (
            2,
            "4294967296",
            "4294967296 is out of range: 0 to 4294967295",
        ),
        (2, "29", "29 follows 30: time goes backwards"),
        (2, "30.5", "`30.5` is not a whole number"),
        (3, "+7", "`+7` is not a whole number"),
        (4, " 12", "` 12` is not a whole number"),
        (
            5,
            "Groceries",
            "`Groceries` is not one of groceries, restaurant, transport,",
        ),
        (6, "", "the name is missing"),
        (7, "90.01", "90.01 is out of range: -90 to 90"),
        (7, "north", "`north` is not a number"),
        (7, "nan", "`nan` is not a number"),
        (8, "-181", "-181 is out of range: -180 to 180"),
        (8, "1e1", "`1e1` is not a number"),
        (9, "0", "0 is out of range: 1 to 4294967295"),
        (9, "-5", "`-5` is not a whole number"),
        (10, "a", "`a` is not a whole number"),
        (
            11,
            "fraud",
            "`fraud` is not one of honest, velocity, travel, amount, takeover",
        ),
    ];
    let names: Vec<&str> = HEADER.split(',').collect();
    for (column, text, reason) in cases {
        let mut fields: Vec<&str> = GOOD.split(',').collect();
        fields[0] = "2";
        fields[column - 1] = text;
        let error = error_of(&format!("{HEADER}\n{GOOD}\n{}\n", fields.join(",")));
        let name = names[column - 1];
        assert_eq!(
            (error.line(), error.column()),
            (Some(3), Some((column, name)))
        );
        let said = format!("line 3, column {column} ({name}): {reason}");
        assert!(error.to_string().contains(&said), "{error}");
        assert!(
            error
                .to_string()
                .ends_with("`cargo run --release -p labs-data`.")
        );
    }
}

#[test]
fn a_damaged_line_or_header_is_named() {
    let no_device = HEADER.replace("device,", "");
    let swapped = HEADER.replace("account,merchant", "merchant,account");
    let cases = [
        (String::new(), 1, "there is nothing in the file"),
        (
            HEADER.into(),
            2,
            "there is no transaction below the column names",
        ),
        (GOOD.into(), 1, "there is no column `id`"),
        (
            format!("{no_device}\n{GOOD}"),
            1,
            "there is no column `device`",
        ),
        (
            format!("{swapped}\n{GOOD}"),
            1,
            "the columns are not these, in this order: id,",
        ),
        (format!("{HEADER},\n{GOOD}"), 1, "the columns are not these"),
        (
            format!("{HEADER}\n\n{GOOD}"),
            2,
            "the number of fields is 1 instead of 11",
        ),
        (
            format!("{HEADER}\n{GOOD},"),
            2,
            "the number of fields is 12 instead of 11",
        ),
        // What other readers take for the end of a line, or for nothing at all.
        (
            format!("{HEADER}\n{GOOD}\r{GOOD}"),
            2,
            "the number of fields is 21 instead of 11",
        ),
        (
            format!("\u{feff}{HEADER}\n{GOOD}"),
            1,
            "there is no column `id`",
        ),
        (
            format!("{HEADER}\n{GOOD}\n2,31,7,12,gro"),
            3,
            "the number of fields is 5 instead of 11",
        ),
    ];
    for (text, line, reason) in cases {
        let error = error_of(&text);
        assert_eq!((error.line(), error.column()), (Some(line), None));
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_file_is_named_and_may_end_its_lines_as_windows_does() {
    let path = std::env::temp_dir().join(format!("labs-transactions-{}", std::process::id()));
    std::fs::write(&path, format!("{HEADER}\r\n{GOOD}\r\n")).unwrap();
    let log = Transactions::read(&path).unwrap();
    assert_eq!((log.len(), log[0].label), (1, Label::Honest));

    let mut bytes = format!("{HEADER}\n{GOOD}\n").into_bytes();
    bytes.extend(b"2,40,7,12,groceries,K\xf6ln,50.94,6.96,100,3,honest\n");
    std::fs::write(&path, bytes).unwrap();
    let said = Transactions::read(&path).unwrap_err().to_string();
    let start = format!("{} is damaged: line 3: it holds bytes", path.display());
    assert!(said.starts_with(&start), "{said}");
    std::fs::remove_file(&path).unwrap();
    let said = Transactions::read(&path).unwrap_err().to_string();
    assert!(
        said.contains("cannot be read (") && said.contains("git checkout"),
        "{said}"
    );
}

#[test]
fn the_environment_names_another_folder() {
    // Changing this process's environment would disturb the tests beside this one.
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "load_what_the_environment_names", "--ignored"]);
    let output = command.env("LABS_DATA", "/no/such").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
#[ignore = "the test above runs it"]
fn load_what_the_environment_names() {
    let said = Transactions::load().unwrap_err().to_string();
    assert!(
        said.starts_with("/no/such/transactions.csv cannot be read"),
        "{said}"
    );
}

#[test]
fn history_is_the_same_accounts_newest_first() {
    let log = Transactions::load().unwrap();
    for index in (0..log.len()).step_by(997) {
        let account = log[index].account;
        let earlier = log[..index].iter().rev();
        let expected: Vec<u32> = earlier
            .filter(|row| row.account == account)
            .take(70)
            .map(|row| row.id)
            .collect();
        let found: Vec<u32> = log.history(index, 70).map(|row| row.id).collect();
        assert_eq!(found, expected);
        assert_eq!(log.history(index, 3).count(), expected.len().min(3));
    }
    assert_eq!(log.history(0, 10).count(), 0);
    assert_eq!(log.history(40_000, 0).count(), 0);
}

#[test]
fn a_log_shows_its_first_rows_and_adds_up() {
    let log = Transactions::load().unwrap();
    let contents = log.contents();
    assert_eq!(
        contents.iter().map(|(mime, _)| *mime).collect::<Vec<_>>(),
        ["text/html", "text/plain"]
    );
    let text = &contents[1].1;
    assert_eq!(text.lines().count(), 1 + 8 + 1 + 1, "{text}");
    let summary = text.lines().last().unwrap();
    assert!(
        summary.starts_with("50,000 transactions of 400 accounts in 90 days; "),
        "{summary}"
    );
    assert!(contents[0].1.contains(summary));
    let counted: usize = Label::ALL.iter().map(|&label| log.count(label)).sum();
    assert_eq!(counted, log.len());
}

// ── Detectors, on histories made by hand ──

const MINUTE: u32 = 60;
const HOUR: u32 = 3_600;
const DAY: u32 = 86_400;

/// A payment of the one account.
#[derive(Clone, Copy)]
struct Payment {
    time: u32,
    category: &'static str,
    place: &'static str,
    cents: u32,
    device: u32,
}

const BERLIN: &str = "Berlin,52.52,13.41";
const PARIS: &str = "Paris,48.86,2.35";
const TOKYO: &str = "Tokyo,35.68,139.65";

/// Groceries in Berlin for about 20.
fn at(time: u32) -> Payment {
    Payment {
        time,
        category: "groceries",
        place: BERLIN,
        cents: 2_000 + time / HOUR % 7 * 100,
        device: 1,
    }
}

/// Thirty days of one payment each, at noon.
fn habit() -> Vec<Payment> {
    (0..30).map(|day| at(day * DAY + 12 * HOUR)).collect()
}

const NOON: u32 = 30 * DAY + 12 * HOUR;

/// What a detector says of the last payment.
fn says(detector: detect::Detector, payments: &[Payment]) -> Verdict {
    let mut text = HEADER.to_string();
    for (index, p) in payments.iter().enumerate() {
        let (
            id,
            Payment {
                time,
                category,
                place,
                cents,
                device,
            },
        ) = (index + 1, *p);
        text.push_str(&format!(
            "\n{id},{time},7,1,{category},{place},{cents},{device},honest"
        ));
    }
    let log = Transactions::parse(&text).unwrap();
    detector(&log, log.len() - 1, &mut || false)
}

fn with(mut payments: Vec<Payment>, more: impl IntoIterator<Item = Payment>) -> Vec<Payment> {
    payments.extend(more);
    payments
}

#[test]
fn velocity_tells_a_burst_from_a_market() {
    let says = |payments: &[Payment]| says(detect::velocity, payments);
    let every =
        |seconds: u32, count: u32| with(habit(), (0..count).map(|n| at(NOON + n * seconds)));
    assert_eq!(says(&habit()), Verdict::Honest);
    assert_eq!(
        says(&every(MINUTE, 4)),
        Verdict::Honest,
        "four stalls of a market"
    );
    assert_eq!(says(&every(MINUTE, 5)), Verdict::Fraud);
    assert_eq!(
        says(&every(31 * MINUTE, 20)),
        Verdict::Honest,
        "a long day in the shops"
    );
    assert_eq!(
        says(&every(15 * MINUTE, 20)),
        Verdict::Fraud,
        "a slow burst"
    );
    assert_eq!(says(&every(0, 5)), Verdict::Fraud, "in the same second");
    assert_eq!(says(&[at(0)]), Verdict::Honest, "the first payment of all");
}

#[test]
fn travel_tells_a_copy_from_a_flight() {
    let says = |payments: &[Payment]| says(detect::travel, payments);
    let to = |place, time| Payment { place, ..at(time) };
    let tokyo_after = |time| with(habit(), [at(NOON), to(TOKYO, NOON + time)]);
    // 8,900 km: nine hours and 55 minutes at 900 km/h.
    assert_eq!(says(&tokyo_after(10 * HOUR)), Verdict::Honest, "a flight");
    assert_eq!(says(&tokyo_after(9 * HOUR)), Verdict::Fraud);
    assert_eq!(
        says(&with(habit(), [to(PARIS, NOON), to(TOKYO, NOON)])),
        Verdict::Fraud,
        "at once"
    );
    assert_eq!(
        says(&with(habit(), [to(PARIS, NOON)])),
        Verdict::Honest,
        "a weekend in Paris"
    );
    // The owner at home after the thief: one conflict, in a city well known.
    let home_again = with(tokyo_after(HOUR), [at(NOON + 2 * HOUR)]);
    assert_eq!(says(&home_again), Verdict::Honest);
    // After two payments by the thief, the owner looks like the copy: an honest mistake.
    let twice = with(
        tokyo_after(HOUR),
        [to(TOKYO, NOON + HOUR + 1), at(NOON + 2 * HOUR)],
    );
    assert_eq!(says(&twice), Verdict::Fraud);
}

#[test]
fn amount_tells_an_outlier_from_a_sofa() {
    let says = |payments: &[Payment]| says(detect::amount, payments);
    // Ten, twenty and forty by turns: the deviation of the logarithms is 0.57.
    let turns = |count: u32| -> Vec<Payment> {
        let cents = |n: u32| [1_000, 2_000, 4_000][n as usize % 3];
        (0..count)
            .map(|n| Payment {
                cents: cents(n),
                ..at(n * DAY)
            })
            .collect()
    };
    let then = |count, cents| with(turns(count), [Payment { cents, ..at(NOON) }]);
    assert_eq!(says(&then(30, 4_000)), Verdict::Honest);
    assert_eq!(
        says(&then(30, 11_000)),
        Verdict::Honest,
        "large but plausible"
    );
    assert_eq!(says(&then(30, 14_000)), Verdict::Fraud);
    assert_eq!(says(&then(30, 1)), Verdict::Honest, "nobody steals little");
    assert_eq!(says(&then(11, 4_000_000)), Verdict::Honest, "no habit yet");
    assert_eq!(says(&then(12, 4_000_000)), Verdict::Fraud);
    let same = with(
        vec![
            Payment {
                cents: 900,
                ..at(0)
            };
            20
        ],
        [Payment {
            cents: 900,
            ..at(DAY)
        }],
    );
    assert_eq!(says(&same), Verdict::Honest, "the same every time");
}

#[test]
fn takeover_takes_all_three() {
    let says = |payments: &[Payment]| says(detect::takeover, payments);
    let night = 30 * DAY + 2 * HOUR;
    let thief = Payment {
        category: "electronics",
        device: 9,
        ..at(night)
    };
    assert_eq!(says(&with(habit(), [thief])), Verdict::Fraud);
    let near_misses = [
        Payment { device: 1, ..thief },
        Payment {
            category: "groceries",
            ..thief
        },
        Payment {
            time: NOON,
            ..thief
        },
        Payment {
            time: 30 * DAY + 10 * HOUR,
            ..thief
        },
    ];
    for near_miss in near_misses {
        assert_eq!(says(&with(habit(), [near_miss])), Verdict::Honest);
    }
    // His second payment: the device is not made known by the first.
    let second = Payment {
        time: night + HOUR,
        ..thief
    };
    assert_eq!(says(&with(habit(), [thief, second])), Verdict::Fraud);
    // Two days later nobody has complained.
    let later = Payment {
        time: night + 2 * DAY,
        ..thief
    };
    assert_eq!(says(&with(habit(), [thief, later])), Verdict::Honest);
    assert_eq!(
        says(&with(habit()[19..].to_vec(), [thief])),
        Verdict::Honest,
        "no habit yet"
    );
    // Around midnight: a quarter to twelve and a quarter past are half an hour apart.
    let owl: Vec<Payment> = (1..30).map(|day| at(day * DAY - 15 * MINUTE)).collect();
    let past = Payment {
        time: 30 * DAY + 15 * MINUTE,
        ..thief
    };
    assert_eq!(says(&with(owl, [past])), Verdict::Honest);
}

#[test]
fn the_verdict_does_not_depend_on_how_often_one_looks() {
    let log = Transactions::load().unwrap();
    for index in (0..log.len()).filter(|index| index % 41 == 0 || log[*index].label.is_fraud()) {
        let alone = detect::judge(&log, index);
        assert_eq!(alone, detect::judge(&log, index));
        for (slot, (name, detector)) in detect::DETECTORS.into_iter().enumerate() {
            let mut steps = 0;
            let verdict = detector(&log, index, &mut || {
                steps += 1;
                false
            });
            assert_eq!(verdict, alone[slot], "{name} of {index}");
            assert!(verdict != Verdict::Abandoned && steps <= detect::STEPS);
            if verdict == Verdict::Honest {
                assert_eq!(
                    steps,
                    log.history(index, detect::STEPS).count(),
                    "the whole walk"
                );
            }
            // A signal comes when this detector has done `found` steps, and it looks every `interval` steps.
            for (found, interval) in [(0, 1), (1, 1), (5, 3), (10, 10), (20, 64), (64, 1)] {
                let mut done = 0;
                let verdict = detector(&log, index, &mut || {
                    done += 1;
                    done % interval == 0 && done > found
                });
                // It is told at its first look after that, unless it knows by then.
                let told = (found / interval + 1) * interval;
                let expected = if told <= steps {
                    Verdict::Abandoned
                } else {
                    alone[slot]
                };
                assert_eq!(
                    verdict, expected,
                    "{name} of {index}, {found} and {interval}"
                );
                assert_eq!(done, told.min(steps), "it stops at once");
            }
        }
    }
}

#[test]
fn the_four_together_find_most_fraud_and_make_mistakes() {
    let log = Transactions::load().unwrap();
    let signal = |index: &usize| detect::judge(&log, *index).contains(&Verdict::Fraud);
    let signals: Vec<usize> = (0..log.len()).filter(signal).collect();
    let right = signals
        .iter()
        .filter(|&&index| log[index].label.is_fraud())
        .count();
    let fraud = log.len() - log.count(Label::Honest);
    let (precision, recall) = (
        right as f64 / signals.len() as f64,
        right as f64 / fraud as f64,
    );
    assert!((0.5..0.9).contains(&precision), "precision {precision}");
    assert!((0.8..0.95).contains(&recall), "recall {recall}");
    // Each finds what it is for.
    for (slot, label) in Label::ALL[1..].iter().enumerate() {
        assert_eq!(detect::DETECTORS[slot].0, label.name());
        let of_kind = (0..log.len()).filter(|&index| log[index].label == *label);
        let found = of_kind
            .filter(|&index| detect::judge(&log, index)[slot] == Verdict::Fraud)
            .count();
        assert!(found * 10 > log.count(*label) * 6, "{label}: {found}");
    }
}
