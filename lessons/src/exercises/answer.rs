use crate::check::Facts;

/// A function, or a tuple of functions, that an exercise asks for. `Signature` is what the exercise hands out.
///
/// The compiler uses it: it refuses a function with other parameters or another result where [`check_lab`](crate::check_lab) is
/// called.
///
/// # Examples
/// ```
/// use lessons::Answer;
/// use lessons::prelude::*;
/// use manager::prelude::*;
/// fn exercise_of<Signature, A: Answer<Signature>>(_: &A) -> &'static str {
///     A::EXERCISE
/// }
/// fn count_visit(_visits: &Dict<String, u64>, _page: &str) {}
/// assert_eq!(exercise_of(&count_visit), "04-1");
/// ```
#[diagnostic::on_unimplemented(
    message = "no exercise asks for a function with these parameters and this result",
    label = "not what the exercise asks for",
    note = "put the line that begins with `fn` back as it was, and change only what is between the braces",
    note = "`cargo labs reset` brings the whole lab back as it was handed out, and keeps yours as a copy"
)]
pub trait Answer<Signature> {
    /// The exercise, such as `02-1`.
    const EXERCISE: &'static str;

    /// Runs the function and reports what it did.
    fn report(&self, facts: &Facts);
}

/// Says which exercise a signature belongs to, and which function runs what a student wrote.
macro_rules! answer {
    ($name:literal: fn($($parameter:ty),*) $(-> $result:ty)?, $harness:path) => {
        impl<F: Fn($($parameter),*) $(-> $result)?> $crate::exercises::answer::Answer<fn($($parameter),*) $(-> $result)?> for F {
            const EXERCISE: &'static str = $name;

            fn report(&self, facts: &$crate::check::Facts) {
                $harness(facts, self);
            }
        }
    };
}
pub(super) use answer;
