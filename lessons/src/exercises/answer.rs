use crate::check::Facts;

/// A function, or a tuple of functions, that an exercise asks for. `Signature` is what the exercise hands out.
///
/// It is there for the compiler: a function with other parameters, or with another result, is refused where
/// [`check_lab`] is called.
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
    label = "not as the exercise hands it out",
    note = "put the line that begins with `fn` back as it was, and change only what stands between the braces",
    note = "`cargo labs reset` brings the whole lab back as it was handed out, and keeps yours as a copy"
)]
pub trait Answer<Signature> {
    /// The exercise, such as `02-1`.
    const EXERCISE: &'static str;

    /// Runs the function and reports what it did.
    fn report(&self, facts: &Facts);
}

/// Says for which signatures there are exercises, and which function runs what a student wrote.
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
