//! Worker processes: fork, run a closure, bring its result or its death home.
