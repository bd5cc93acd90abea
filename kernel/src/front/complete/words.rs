//! Words that every cell knows without defining them.

use crate::front::names::{KEYWORDS, Kind, Name};

/// What the standard library's prelude brings, and the types of the language.
const TYPES: [&str; 58] = [
    "Option",
    "Result",
    "Vec",
    "String",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "PartialEq",
    "Eq",
    "PartialOrd",
    "Ord",
    "Hash",
    "Send",
    "Sync",
    "Sized",
    "Unpin",
    "Drop",
    "Fn",
    "FnMut",
    "FnOnce",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Future",
    "IntoFuture",
    "Iterator",
    "IntoIterator",
    "DoubleEndedIterator",
    "ExactSizeIterator",
    "Extend",
    "FromIterator",
    "AsRef",
    "AsMut",
    "Into",
    "From",
    "TryFrom",
    "TryInto",
    "ToString",
    "ToOwned",
    "bool",
    "char",
    "str",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
];

const INSTANCES: [&str; 4] = ["Some", "None", "Ok", "Err"];

const FUNCTIONS: [&str; 5] = ["drop", "size_of", "size_of_val", "align_of", "align_of_val"];

const MACROS: [&str; 31] = [
    "println",
    "print",
    "eprintln",
    "eprint",
    "format",
    "write",
    "writeln",
    "vec",
    "dbg",
    "panic",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "matches",
    "todo",
    "unimplemented",
    "unreachable",
    "include_str",
    "include_bytes",
    "include",
    "concat",
    "stringify",
    "env",
    "option_env",
    "line",
    "file",
    "column",
    "cfg",
];

const CRATES: [&str; 3] = ["std", "core", "alloc"];

const ATTRIBUTES: [&str; 12] = [
    "derive",
    "allow",
    "expect",
    "warn",
    "deny",
    "cfg",
    "inline",
    "must_use",
    "repr",
    "test",
    "doc",
    "deprecated",
];

/// evcxr's commands, as its `:help` lists them, and the front's own.
const COMMANDS: [&str; 33] = [
    ":allow_static_linking",
    ":build_env",
    ":cache",
    ":clear",
    ":clear_cache",
    ":codegen_backend",
    ":dep",
    ":doc",
    ":efmt",
    ":env",
    ":explain",
    ":fmt",
    ":help",
    ":last_compile_dir",
    ":last_error_json",
    ":linker",
    ":load_config",
    ":offline",
    ":opt",
    ":preserve_vars_on_panic",
    ":quit",
    ":restart",
    ":sccache",
    ":show_deps",
    ":t",
    ":time_passes",
    ":times",
    ":timing",
    ":toolchain",
    ":type",
    ":types",
    ":vars",
    ":version",
];

/// Macros whose arguments are ordinary expressions. Any other macro might take a member access apart.
const TRANSPARENT: [&str; 21] = [
    "println",
    "print",
    "eprintln",
    "eprint",
    "format",
    "write",
    "writeln",
    "vec",
    "dbg",
    "panic",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "matches",
    "todo",
    "unimplemented",
    "unreachable",
    "format_args",
];

fn all(words: &[&str], kind: Kind) -> impl Iterator<Item = Name> {
    words.iter().map(move |word| Name::new(word, kind))
}

/// What the standard library's prelude brings.
pub(super) fn standard() -> Vec<Name> {
    all(&TYPES, Kind::Type)
        .chain(all(&INSTANCES, Kind::Instance))
        .chain(all(&FUNCTIONS, Kind::Function))
        .chain(all(&MACROS, Kind::Macro))
        .collect()
}

pub(super) fn keywords() -> Vec<Name> {
    all(&KEYWORDS, Kind::Keyword).collect()
}

/// The crates that come with the compiler.
pub(super) fn crates() -> Vec<Name> {
    all(&CRATES, Kind::Module).collect()
}

pub(super) fn attributes() -> Vec<Name> {
    all(&ATTRIBUTES, Kind::Function).collect()
}

pub(super) fn commands() -> Vec<Name> {
    all(&COMMANDS, Kind::Command).collect()
}

/// Whether the compiler sees the arguments of the macro `name` as they are written.
pub(super) fn is_transparent(name: &str) -> bool {
    TRANSPARENT.contains(&name)
}
