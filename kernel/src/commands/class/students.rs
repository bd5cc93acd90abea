//! From files to students. A file that cannot be read, or that is a second one of the same student, is left out with a reason.

use crate::results::Results;
use labsupport::measure::Samples;
use std::path::PathBuf;

/// A student: what is read, and what they are called on the page.
pub(super) struct Student {
    pub label: String,
    pub file: PathBuf,
    pub results: Results,
}

/// Reads the files. The students come in the order of the files' names, whatever order the shell gives them in. The files that are left out
/// come with the reason.
pub(super) fn read(files: &[PathBuf]) -> (Vec<Student>, Vec<(PathBuf, String)>) {
    let mut files = files.to_vec();
    files.sort();
    let mut students: Vec<Student> = Vec::new();
    let mut skipped = Vec::new();
    for file in files {
        let results = match Results::read(&file) {
            Ok(results) => results,
            Err(error) => {
                skipped.push((file, format!("{error:#}")));
                continue;
            }
        };
        let new = Student {
            label: String::new(),
            file,
            results,
        };
        let same = students
            .iter_mut()
            .find(|old| same_student(&old.results, &new.results));
        let Some(old) = same else {
            students.push(new);
            continue;
        };
        let (newer, older) = if new.results.exported > old.results.exported {
            (new.file.clone(), std::mem::replace(old, new).file)
        } else {
            (old.file.clone(), new.file)
        };
        let newer = newer.display();
        skipped.push((
            older,
            format!("it is the same student's as {newer}, which is as new or newer"),
        ));
    }
    name(&mut students);
    (students, skipped)
}

/// Two different measurements never agree in every digit and in the second of their time, so equal ones are the same student's. The same
/// name on two machines counts as two students: it may be two people, or one person who measured twice.
fn same_student(a: &Results, b: &Results) -> bool {
    let named = a.name.is_some() && a.name == b.name && a.machine == b.machine;
    let shared = a
        .measurements
        .iter()
        .any(|one| b.measurements.contains(one));
    let equal = a.measurements == b.measurements
        && a.predictions == b.predictions
        && a.sketches == b.sketches
        && a.exercises == b.exercises;
    named || shared || equal
}

fn name(students: &mut [Student]) {
    let mut taken: Vec<String> = Vec::new();
    for (index, student) in students.iter_mut().enumerate() {
        let given = student.results.name.clone();
        let wanted = given
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| format!("student {}", index + 1));
        let mut label = wanted.clone();
        let mut next = 2;
        while taken.contains(&label) {
            label = format!("{wanted} ({next})");
            next += 1;
        }
        taken.push(label.clone());
        student.label = label;
    }
}

/// How many students there are, in words.
pub(super) fn students_words(count: usize) -> String {
    match count {
        1 => "1 student".into(),
        count => format!("{count} students"),
    }
}

/// The median of `numbers`, of which there is at least one.
pub(super) fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    Samples::new("", numbers).median()
}
