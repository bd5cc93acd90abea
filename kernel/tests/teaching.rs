//! The guide for teachers: its plans add up, and none gives a section less time than the lab asks for.

use labs::notebook::{self, is_lecture, joined};
use labs::place::Place;
use std::collections::BTreeMap;
use std::fs;

const GUIDE: &str = "notebooks/TEACHING.md";

fn guide() -> String {
    fs::read_to_string(Place::find().unwrap().workspace.join(GUIDE)).unwrap()
}

/// Per lab (`Lab 03`), the headings with their minutes.
fn headings() -> BTreeMap<String, Vec<(String, u32)>> {
    let mut labs = BTreeMap::new();
    for path in Place::find().unwrap().labs().unwrap() {
        let notebook = notebook::read(&path).unwrap();
        if is_lecture(&notebook) {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut found = Vec::new();
        for cell in notebook["cells"].as_array().unwrap() {
            let text = joined(&cell["source"]);
            let with_minutes = |line: &&str| line.starts_with("##") && line.ends_with(" minutes)*");
            for line in text.lines().filter(with_minutes) {
                if let Some((heading, minutes)) = line.split_once(" *(") {
                    // Some sections are optional, and do not count.
                    if let Ok(minutes) = minutes.split(' ').next().unwrap().parse() {
                        found.push((heading.trim_start_matches('#').trim().into(), minutes));
                    }
                }
            }
        }
        labs.insert(format!("Lab {}", &name[..2]), found);
    }
    labs
}

/// The plans: how long each is, and the cells of its rows.
fn plans(guide: &str) -> Vec<(u32, Vec<Vec<&str>>)> {
    let sections = guide.split("\n### ").skip(1);
    let plans = sections.filter_map(|section| {
        let section = section.split("\n## ").next()?;
        let (minutes, _) = section.lines().next()?.split_once(" minutes: ")?;
        let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
        let rows = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect());
        Some((minutes.parse().ok()?, rows.collect()))
    });
    plans.collect()
}

#[test]
fn each_plan_adds_up_and_gives_a_section_the_time_that_it_asks_for() {
    let (guide, labs) = (guide(), headings());
    let plans = plans(&guide);
    let lengths: Vec<u32> = plans.iter().map(|(minutes, _)| *minutes).collect();
    assert_eq!(lengths, [50, 90, 180]);
    for (length, rows) in plans {
        let minutes = |row: &Vec<&str>| row[0].parse::<u32>().unwrap();
        assert_eq!(
            rows.iter().map(minutes).sum::<u32>(),
            length,
            "the plan for {length} minutes"
        );
        let mut sections = 0;
        for row in &rows {
            // All of the shortest plan is in one lab.
            let named = row[1]
                .strip_prefix("Lab ")
                .and_then(|_| row[1].split_once(", "));
            let (lab, section) = named.unwrap_or(("Lab 03", row[1]));
            let Some(headings) = labs.get(lab) else {
                continue;
            };
            let heading = headings.iter().find(|(heading, _)| heading == section);
            let Some((_, asked)) = heading else {
                assert!(
                    !row[1].contains(" · "),
                    "there is no such section: {}",
                    row[1]
                );
                continue;
            };
            sections += 1;
            // What is left out stands in the row.
            assert!(
                minutes(row) >= *asked || row[2].contains("ithout"),
                "{length} minutes: {} asks for {asked}",
                row[1]
            );
        }
        assert!(sections >= 7, "{length}: {sections}");
    }
}

#[test]
fn what_the_guide_says_of_the_length_of_a_lab_is_true() {
    let (guide, labs) = (guide(), headings());
    let mut said = 0;
    for section in guide.split("\n## Lab ").skip(1) {
        let lab = format!("Lab {}", &section[..2]);
        let sum: u32 = labs[&lab].iter().map(|(_, minutes)| minutes).sum();
        let first = section.split("\n\n").nth(1).unwrap();
        assert!(
            first.contains(&format!("{sum} minutes")),
            "{lab}, {sum}: {first}"
        );
        said += 1;
    }
    assert_eq!(said, labs.len());
}
