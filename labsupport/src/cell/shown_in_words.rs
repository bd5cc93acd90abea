/// Gives types with a [`Display`](std::fmt::Display) text the method that evcxr calls when a cell ends in such a value: the cell then shows that
/// text instead of Rust's notation for the value.
///
/// A generic type has its parameter and the bound in front: `@ <T: Bound> Type<T>`.
///
/// # Examples
/// ```
/// /// Seconds on a clock.
/// struct Elapsed(f64);
///
/// impl std::fmt::Display for Elapsed {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "{} s", self.0)
///     }
/// }
///
/// labsupport::shown_in_words!(Elapsed);
/// Elapsed(2.5).evcxr_display();
/// ```
#[macro_export]
macro_rules! shown_in_words {
    ($($(@ <$generic:ident $(: $bound:path)?>)? $shown:ty),+ $(,)?) => {
        $(impl$(<$generic $(: $bound)?>)? $shown {
            /// Shows it in a notebook cell, in words.
            pub fn evcxr_display(&self) {
                $crate::cell::emit(&[("text/plain", self.to_string())]);
            }
        })+
    };
}
