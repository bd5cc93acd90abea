//! What evcxr writes around a cell.
//!
//! In this order: attributes; the items of the notebook, one after the other, and items of evcxr's own; and a function in which each
//! variable of the notebook is checked, taken from a store, and put back after the cell's own lines.

/// What comes right below the items.
const BELOW_ITEMS: &str = "\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_";

/// What a line begins with and contains that evcxr writes for each variable.
const FOR_EACH_VARIABLE: [(&str, &str); 3] = [
    ("vars_ok &= evcxr_variable_store.check_variable::<", ""),
    ("let ", " = evcxr_variable_store.take_variable::<"),
    ("evcxr_variable_store.put_variable::<", ""),
];

/// The items, and the function below them.
pub(super) fn parts(code: &str) -> (&str, &str) {
    match code.find(BELOW_ITEMS) {
        Some(end) => code.split_at(end),
        None => ("", code),
    }
}

/// A line that evcxr writes for each variable: what it does with it, and the variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ForVariable<'a> {
    pub does: Does,
    pub name: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Check,
    Take,
    Put,
}

impl ForVariable<'_> {
    pub(super) fn read(line: &str) -> Option<ForVariable<'_>> {
        let is = |(begins, contains): &(&str, &str)| {
            line.starts_with(begins) && line.contains(contains) && line.ends_with(");")
        };
        let does = [Does::Check, Does::Take, Does::Put][FOR_EACH_VARIABLE.iter().position(is)?];
        // The type may contain anything, the name is the last thing.
        let (_, name) = line.rsplit_once(">(stringify!(")?;
        let (name, _) = name.split_once(')')?;
        Some(ForVariable { does, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_about_variables_are_read() {
        let read = |line| ForVariable::read(line).map(|line| (line.does, line.name));
        assert_eq!(
            read("vars_ok &= evcxr_variable_store.check_variable::<Vec<u32>>(stringify!(v6));"),
            Some((Does::Check, "v6"))
        );
        assert_eq!(
            read("let mut é = evcxr_variable_store.take_variable::<fn(u8) -> u8>(stringify!(é));"),
            Some((Does::Take, "é"))
        );
        assert_eq!(
            read("evcxr_variable_store.put_variable::<&'static str>(stringify!(r#in), r#in);"),
            Some((Does::Put, "r#in"))
        );
        for other in ["", "let a = 1;", " let a = evcxr_variable_store", "x();"] {
            assert_eq!(read(other), None);
        }
    }
}
