//! A cell that is to be run, as far as this folder looks at it.

/// A request to run a cell.
pub(super) struct Request<'a> {
    pub code: &'a str,
    /// Which cell of the notebook it is; only some clients say so.
    pub cell: Option<&'a str>,
    /// The cells that were deleted since the last request.
    pub deleted: Vec<&'a str>,
    /// The number that the cell gets.
    pub number: u32,
}
