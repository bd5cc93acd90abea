//! A cell's code without the variables that it does not mention.
//!
//! evcxr has each cell take all variables of the notebook from their store and put them back. The compiler then has much to do for a cell of
//! one line: for each variable, it must plan what becomes of it if any of the others panics. A variable whose name the cell does not
//! contain may as well stay in the store, and is checked by the next cell that names it.

use super::code::{ForVariable, parts};
use std::collections::{HashMap, HashSet};

/// `code`, with all lines at their places, but empty lines for the variables that the cell leaves alone. The names in strings and comments count:
/// a string may be printed with them.
pub(in crate::session) fn only_mentioned(code: &str) -> String {
    let (items, function) = parts(code);
    let lines: Vec<(&str, Option<ForVariable>)> = function
        .split('\n')
        .map(|line| (line, ForVariable::read(line)))
        .collect();
    let own = lines.iter().filter(|(_, about)| about.is_none());
    let words: HashSet<&str> = own
        .flat_map(|(line, _)| line.split(|c: char| c != '_' && !c.is_alphanumeric()))
        .collect();
    let mut count: HashMap<&str, [usize; 3]> = HashMap::new();
    for about in lines.iter().filter_map(|(_, about)| *about) {
        count.entry(about.name).or_default()[about.does as usize] += 1;
    }
    // What is not checked or not taken is none of the notebook's variables.
    let stays = |about: &ForVariable| {
        let name = about.name.strip_prefix("r#").unwrap_or(about.name);
        let [checked, taken, put] = count[about.name];
        words.contains(name) || (checked, taken) != (1, 1) || put > 1
    };
    // Each line stays where it is: evcxr knows from the line of an error which variable a cell has moved.
    let kept = lines.iter().map(|(line, about)| match about {
        Some(about) if !stays(about) => "",
        _ => line,
    });
    let kept: Vec<&str> = kept.collect();
    format!("{items}{}", kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::code::Does;
    use super::*;

    /// A cell of a notebook with the variables `a` to `c`.
    fn cell(own: &str) -> String {
        let each = |write: fn(&str) -> String| ["a", "b", "c"].map(write).join("\n");
        let checks = each(|v| {
            format!("vars_ok &= evcxr_variable_store.check_variable::<T<b>>(stringify!({v}));")
        });
        let takes = each(|v| {
            format!("let {v} = evcxr_variable_store.take_variable::<T<b>>(stringify!({v}));")
        });
        let puts =
            each(|v| format!("evcxr_variable_store.put_variable::<T<b>>(stringify!({v}), {v});"));
        format!(
            "fn b() {{}}\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_3(\n{checks}\nif !ok {{ return; }}}}\n{takes}\n{own}\n{puts}\nstore\n}}\n"
        )
    }

    fn taken(own: &str) -> Vec<String> {
        let code = only_mentioned(&cell(own));
        for (line, whole) in code.lines().zip(cell(own).lines()) {
            assert!(line == whole || line.is_empty(), "a line has moved: {line}");
        }
        assert_eq!(code.lines().count(), cell(own).lines().count());
        let about: Vec<ForVariable> = code.lines().filter_map(ForVariable::read).collect();
        let of = |does| {
            about
                .iter()
                .filter(move |about| about.does == does)
                .map(|about| about.name.to_string())
        };
        let names: Vec<String> = of(Does::Take).collect();
        assert_eq!(of(Does::Check).collect::<Vec<_>>(), names);
        assert_eq!(of(Does::Put).collect::<Vec<_>>(), names);
        names
    }

    #[test]
    fn a_cell_takes_what_it_names() {
        assert!(taken("work();").is_empty());
        assert_eq!(taken("work(b);"), ["b"]);
        assert_eq!(taken("let d = a+c;"), ["a", "c"]);
        assert_eq!(taken("println!(\"{c:?} {}\", 1);"), ["c"]);
        assert_eq!(taken("x(\n    &mut b)"), ["b"]);
        assert!(taken("bb(); let _b = ab;").is_empty());
    }

    #[test]
    fn a_new_variable_is_put() {
        let own = "let d = 1;\nevcxr_variable_store.put_variable::<i32>(stringify!(d), d);";
        assert!(only_mentioned(&cell(own)).contains("put_variable::<i32>(stringify!(d), d);"));
    }

    #[test]
    fn what_a_cell_moves_is_not_put() {
        let moved = cell("drop(a);").replace(
            "evcxr_variable_store.put_variable::<T<b>>(stringify!(a), a);\n",
            "",
        );
        let code = only_mentioned(&moved);
        assert!(code.contains("let a = evcxr") && !code.contains("put_variable"));
        // Not even if it does not name it; this is what evcxr has decided.
        let lost = moved.replace("drop(a);", "work();");
        assert!(!only_mentioned(&lost).contains("let a = evcxr"));
    }

    #[test]
    fn other_code_stays_as_it_is() {
        for code in ["", "fn f() {}\n", "\n\n", &cell("work(a, b, c);")] {
            assert_eq!(only_mentioned(code), code);
        }
    }
}
