use super::show::emit;
use std::fmt::Debug;

/// What lets a cell end with any value that has a debug format: `hits.get(0)`, `workers.len()`, `(1, "a")`.
///
/// evcxr first tries to compile such a cell with `value.evcxr_display()`, and where there is no such method compiles it once more to print the
/// value. With this trait every value has the method, so the cell is compiled once. Figures, tables and reports have a method of their own of that
/// name, which comes first. Only bare numbers, `42`, whose type the method does not tell, are still compiled twice.
///
/// [`prelude`](crate::prelude) brings it along without a name.
///
/// # Examples
/// ```
/// use labsupport::prelude::*;
///
/// // What a cell does that ends with this value.
/// vec![Some(1), None].evcxr_display();
/// ```
pub trait Ending {
    /// Shows the value as text in its debug format, `{:?}`.
    #[doc(hidden)]
    fn evcxr_display(&self);
}

impl<T: Debug + ?Sized> Ending for T {
    fn evcxr_display(&self) {
        emit(&[("text/plain", format!("{self:?}"))]);
    }
}

/// Leaves it to evcxr how a cell shows the value that it ends with: in the format of `:fmt`, or with its type after `:types`.
///
/// With two traits that offer the same method the compiler takes neither. So where this trait is in scope beside [`Ending`], evcxr prints the value
/// itself. The notebook's kernel brings it into scope at `:fmt` and `:types`.
///
/// # Examples
/// ```compile_fail,E0034
/// use labsupport::cell::EndingAsAsked;
/// use labsupport::prelude::*;
///
/// vec![1, 2].evcxr_display(); // which one?
/// ```
pub trait EndingAsAsked {
    #[doc(hidden)]
    fn evcxr_display(&self) {}
}

impl<T: Debug + ?Sized> EndingAsAsked for T {}
