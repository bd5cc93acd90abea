//! From files to students. A file that cannot be read, or that is a second one of the same student, is left out with a reason.

use crate::results::{Amount, Prediction, Results};
use anyhow::Result;
use labsupport::measure::Samples;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A student: what is read, and what they are called on the page.
pub(super) struct Student {
    pub label: String,
    pub file: PathBuf,
    pub results: Rc<Results>,
}

/// A file that was read.
#[derive(Clone)]
pub(super) struct Handed {
    pub file: PathBuf,
    pub results: Rc<Results>,
    /// Whoever has one of these numbers too is the same student.
    marks: Rc<[u64]>,
}

impl Handed {
    /// Reads a file that may be anything. Of its contents, only what belongs to `lab` is kept, if one is named.
    ///
    /// # Errors
    /// It is not what `cargo labs export` writes.
    pub(super) fn read(file: &Path, lab: Option<&str>) -> Result<Handed> {
        let mut results = Results::read(file)?;
        let marks = marks(&results).into();
        if let Some(lab) = lab {
            results.keep_only(lab);
        }
        Ok(Handed {
            file: file.into(),
            results: Rc::new(results),
            marks,
        })
    }
}

/// Two different measurements never agree in every digit and in the second of their time, so equal ones are the same student's. So are
/// predictions that all agree, with their measurements and times. Guesses alone say nothing: in a room many guess the same at the same time. The
/// same name on two machines counts as two students: it may be two people, or one person who measured twice.
fn marks(results: &Results) -> Vec<u64> {
    let hash = |what: String| {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        hasher.finish()
    };
    let Results {
        name,
        machine,
        measurements,
        predictions,
        sketches,
        exercises,
        ..
    } = results;
    let named = (name.iter()).map(|name| format!("{name} {machine:?}"));
    let measured = measurements.iter().map(|one| format!("{one:?}"));
    let has_times = !predictions.is_empty() || !sketches.is_empty();
    let all = has_times.then(|| format!("{name:?} {predictions:?} {sketches:?} {exercises:?}"));
    named.chain(measured).chain(all).map(hash).collect()
}

/// What a student has guessed at a question, and measured.
pub(super) struct Answer<'a> {
    pub guess: Option<&'a Amount>,
    pub measured: Option<&'a Amount>,
    /// Seconds since 1970.
    pub when: u64,
}

impl Student {
    /// The prediction that counts, for each question: the first with a guess. A later one knows the answer.
    pub(super) fn predictions(&self) -> BTreeMap<&str, &Prediction> {
        let mut counted: BTreeMap<&str, &Prediction> = BTreeMap::new();
        for one in &self.results.predictions {
            let first = counted.entry(&one.question).or_insert(one);
            if first.guess.is_none() {
                *first = one;
            }
        }
        counted
    }

    /// The same, with the guesses that wait for their measurement.
    pub(super) fn answers(&self) -> BTreeMap<&str, Answer<'_>> {
        let mut answers: BTreeMap<&str, Answer<'_>> = BTreeMap::new();
        for (question, one) in self.predictions() {
            answers.insert(
                question,
                Answer {
                    guess: one.guess.as_ref(),
                    measured: Some(&one.measured),
                    when: one.when,
                },
            );
        }
        for one in &self.results.guesses {
            let answer = answers.entry(&one.question).or_insert(Answer {
                guess: None,
                measured: None,
                when: one.when,
            });
            answer.guess = answer.guess.or(Some(&one.guess));
        }
        answers
    }
}

/// Reads the files: see [`merge`].
pub(super) fn read(files: &[PathBuf], lab: Option<&str>) -> (Vec<Student>, Vec<(PathBuf, String)>) {
    let mut skipped = Vec::new();
    let mut handed = Vec::new();
    for file in files {
        match Handed::read(file, lab) {
            Ok(one) => handed.push(one),
            Err(error) => skipped.push((file.clone(), format!("{error:#}"))),
        }
    }
    let (students, older) = merge(handed);
    skipped.extend(older);
    (students, skipped)
}

/// The students, in the order of their files' names, whatever order the shell gives them in. Of several files of the same student the newest
/// counts; the others come with the reason why they are left out.
pub(super) fn merge(mut handed: Vec<Handed>) -> (Vec<Student>, Vec<(PathBuf, String)>) {
    handed.sort_by(|a, b| a.file.cmp(&b.file));
    let mut students: Vec<Student> = Vec::new();
    let mut owners: HashMap<u64, usize> = HashMap::new();
    let mut skipped = Vec::new();
    for new in handed {
        let known = new.marks.iter().filter_map(|mark| owners.get(mark)).min();
        let index = known.copied().unwrap_or(students.len());
        owners.extend(new.marks.iter().map(|mark| (*mark, index)));
        let new = Student {
            label: String::new(),
            file: new.file,
            results: new.results,
        };
        let Some(old) = students.get_mut(index) else {
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
