//! The names of types as text, which the server compares when a dict or list is opened again.

use std::any::type_name;

/// The types of a dict: "String → u64".
pub(crate) fn of_dict<K, V>() -> String {
    format!("{} → {}", short::<K>(), short::<V>())
}

/// The type of a list's elements.
pub(crate) fn of_list<T>() -> String {
    short::<T>()
}

/// The name of a type without the paths of modules. In a notebook each cell is a crate of its own, with its own copy of what
/// the cells before it defined, so the same type has a different path in each.
fn short<T>() -> String {
    let (mut short, mut word) = (String::new(), String::new());
    for c in type_name::<T>().chars() {
        match c {
            ':' => word.clear(), // it was a module
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                short.push_str(&word);
                word.clear();
                short.push(c);
            }
        }
    }
    short + &word
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    mod one {
        pub(super) struct Task;
    }

    mod other {
        pub(super) struct Task;
    }

    #[test]
    fn types_are_named_without_their_modules() {
        assert_eq!(short::<u64>(), "u64");
        assert_eq!(
            short::<Vec<(Option<String>, [one::Task; 4])>>(),
            "Vec<(Option<String>, [Task; 4])>"
        );
        assert_eq!(short::<one::Task>(), short::<other::Task>());
        assert_eq!(
            of_dict::<String, HashMap<u8, f32>>(),
            "String → HashMap<u8, f32>"
        );
        assert_eq!(of_list::<&str>(), "&str");
    }
}
