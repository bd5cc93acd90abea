use labsupport::internal::HELD_ALREADY;
use std::fmt;

/// In the columns of a fact that is so, or should be.
pub(super) const YES: &str = "yes";

/// One row of a check: what was looked at, and whether it holds.
///
/// # Examples
/// ```
/// use lessons::Fact;
/// use lessons::prelude::*;
/// use std::time::Duration;
/// let checked = check("Sum", Duration::from_secs(20), |facts| facts.equal("1 + 1", 2, 1 + 1));
/// let fact: &Fact = &checked.facts()[0];
/// assert_eq!((fact.what(), fact.expected(), fact.found(), fact.holds()), ("1 + 1", "2", "2", true));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) holds: bool,
}

impl Fact {
    /// What was looked at.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What should have been found.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What was found, or why it does not hold.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Whether a worker asked for a lock that it held already. No other fact explains that better.
    pub(crate) fn is_a_second_lock(&self) -> bool {
        !self.holds && self.found.contains(HELD_ALREADY)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = if self.holds() {
            "holds"
        } else {
            "does not hold"
        };
        let (what, expected, found) = (self.what(), self.expected(), self.found());
        write!(f, "{what}: expected {expected}, found {found}; it {holds}")
    }
}
