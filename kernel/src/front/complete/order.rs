//! In what order completions are offered: first what a student most likely means.
//!
//! rust-analyzer tells how to write each name, but not what it belongs to or where it may be used, and it offers private names as well. So
//! the front looks up in the sources of the labs' library and of the standard library which names are private.

use crate::front::tokens::Tokens;
use crate::place::Place;
use crate::session::config;
use ra_ap_rustc_lexer::TokenKind;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// How likely a completion is meant, the likeliest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// A field or method of the type.
    Own,
    /// A method of what another method returns: `iter().map()`.
    ByAnother,
    /// A method that every type has, or that an operator calls.
    OfEveryType,
    /// A name that only its own module may use.
    Private,
    /// `_name`.
    Unused,
    /// `__name`.
    Internal,
}

/// The methods that blanket implementations and derived traits add to a type. `borrow` is also a cell's own, see [`rank`].
const OF_EVERY_TYPE: [&str; 21] = [
    "borrow",
    "borrow_mut",
    "clone_from",
    "clone_into",
    "clone_to_uninit",
    "eq",
    "evcxr_display",
    "fmt",
    "from",
    "ge",
    "gt",
    "hash",
    "into",
    "le",
    "lt",
    "ne",
    "partial_cmp",
    "to_owned",
    "try_from",
    "try_into",
    "type_id",
];

/// The rank of `text`, of which Jupyter's word is `kind`. `own` are the names that the cells define: all of them can be used there.
/// `is_cell` tells that the value has a `try_borrow`, and so a `borrow` of its own.
pub(super) fn rank(text: &str, kind: &str, own: &Names, hidden: &Names, is_cell: bool) -> Rank {
    let (behind, text) = match text.rsplit_once("().") {
        Some((_, text)) => (true, text),
        None => (false, text),
    };
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let name = &text[..end.unwrap_or(text.len())];
    let what = What::of(kind, text);
    let rank = if name.starts_with("__") {
        Rank::Internal
    } else if name.starts_with('_') {
        Rank::Unused
    } else if own.defines(what, name) {
        Rank::Own
    } else if hidden.hides(what, name) {
        Rank::Private
    } else if OF_EVERY_TYPE.contains(&name) && !(is_cell && name.starts_with("borrow")) {
        Rank::OfEveryType
    } else {
        Rank::Own
    };
    match behind {
        true => rank.max(Rank::ByAnother),
        false => rank,
    }
}

/// What a name stands for, as far as that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    /// A field.
    Field,
    /// A constant or static.
    Constant,
    Function,
    Module,
    /// Types and macros, of which nothing is looked up.
    Other,
}

impl What {
    fn of(kind: &str, text: &str) -> What {
        match kind {
            "module" => What::Module,
            "function" if !text.contains('!') => What::Function,
            "instance" if text.starts_with(char::is_uppercase) => What::Constant,
            "instance" => What::Field,
            _ => What::Other,
        }
    }
}

/// Names that some code defines.
#[derive(Default)]
pub(super) struct Names {
    public: HashSet<(What, String)>,
    private: HashSet<(What, String)>,
}

/// Where a name is defined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Struct,
    /// An `impl` of a type's own, as far as is known.
    Impl,
    /// A trait, or an `impl` of one: all is as public as the trait.
    Trait,
    Function,
    Other,
}

impl Names {
    /// The names that `code` defines.
    pub(super) fn of<'a>(code: impl IntoIterator<Item = &'a str>) -> Names {
        let mut names = Names::default();
        code.into_iter().for_each(|code| names.read(code));
        names
    }

    fn defines(&self, what: What, name: &str) -> bool {
        let name = (what, name.to_string());
        self.public.contains(&name) || self.private.contains(&name)
    }

    /// Whether all of that name are private.
    fn hides(&self, what: What, name: &str) -> bool {
        let name = (what, name.to_string());
        self.private.contains(&name) && !self.public.contains(&name)
    }

    /// Treats all fields except `shown` as private.
    fn hide_fields_but(&mut self, shown: &[&str]) {
        let is_hidden =
            |(what, name): &(What, String)| *what == What::Field && !shown.contains(&name.as_str());
        let hidden: Vec<_> = self.public.extract_if(is_hidden).collect();
        self.private.extend(hidden);
    }

    fn add(&mut self, public: bool, what: What, name: &str) {
        let names = match public {
            true => &mut self.public,
            false => &mut self.private,
        };
        names.insert((what, name.to_string()));
    }

    fn read(&mut self, code: &str) {
        let tokens = Tokens::of(code);
        let mut within = Vec::new();
        let mut next = None;
        for index in 0..tokens.len() {
            let here = within.last().copied().unwrap_or(Within::Other);
            let named = tokens.word(index + 1);
            match (tokens.kind(index), tokens.word(index)) {
                (Some(TokenKind::OpenBrace), _) => {
                    within.push(next.take().unwrap_or(Within::Other));
                }
                (Some(TokenKind::CloseBrace), _) => {
                    within.pop();
                }
                (Some(TokenKind::Semi), _) => next = None,
                (_, "fn") if !named.is_empty() => {
                    if here != Within::Function {
                        let public = here == Within::Trait || is_public(&tokens, index);
                        self.add(public, What::Function, named);
                    }
                    next = Some(Within::Function);
                }
                (_, "const" | "static") if tokens.is(index + 2, TokenKind::Colon) => {
                    let public = here == Within::Trait || is_public(&tokens, index);
                    self.add(public, What::Constant, named);
                }
                (_, "mod") if !named.is_empty() => {
                    self.add(is_public(&tokens, index), What::Module, named);
                }
                (_, "struct" | "union") if next.is_none() && !named.is_empty() => {
                    next = Some(Within::Struct);
                }
                (_, "trait") if next.is_none() => next = Some(Within::Trait),
                (_, "impl") if next.is_none() => next = Some(Within::Impl),
                // Not the `for<'a>` of a bound.
                (_, "for")
                    if next == Some(Within::Impl) && !tokens.is(index + 1, TokenKind::Lt) =>
                {
                    next = Some(Within::Trait);
                }
                (_, name) if here == Within::Struct && !name.is_empty() => {
                    let is_field = tokens.is(index + 1, TokenKind::Colon)
                        && !tokens.pair(index + 1, TokenKind::Colon, TokenKind::Colon)
                        && !tokens.path_goes_on(index);
                    if is_field {
                        self.add(is_public(&tokens, index), What::Field, name);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whether `pub`, and not only `pub(crate)`, stands before the item whose keyword or name is at `index`.
fn is_public(tokens: &Tokens, index: usize) -> bool {
    let before = (0..index).rev().find(|&before| {
        !["const", "unsafe", "async", "extern", "default", "mut"].contains(&tokens.word(before))
    });
    before.is_some_and(|before| tokens.word(before) == "pub")
}

/// The names of the labs' library and of the standard library. They are read once for each process.
pub(super) fn of_libraries(place: &Place) -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = Names::default();
        let library = place.rust_src().join("library");
        for part in ["core", "alloc", "std"] {
            read_folder(&library.join(part).join("src"), &mut names);
        }
        // The only public fields of the standard library that students meet are those of ranges.
        names.hide_fields_but(&["start", "end"]);
        for (_, folder) in config::crates(place).unwrap_or_default() {
            read_folder(&folder.join("src"), &mut names);
        }
        names
    })
}

/// Leaves out files that cannot be read: their private names are then treated like public ones.
fn read_folder(folder: &Path, names: &mut Names) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            read_folder(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && let Ok(code) = fs::read_to_string(&path)
        {
            names.read(&code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBRARY: &str = "
        mod inside { pub(crate) fn narrow() {} }
        pub mod outside;
        pub struct Flag { segment: Segment, pub value: [u8; 4], pub(crate) half: std::cell::Cell<u8> }
        impl Flag {
            const WORD: u32 = 1;
            pub const fn new() -> Flag { fn helper(x: u8) {} }
            pub(crate) unsafe fn word(&self) -> impl Fn(u8) -> u8 { let look: u8 = 1; }
            fn cell(&self) where for<'a> Self: 'a {}
            pub fn __macro_part(&self) {}
        }
        impl<T> Show for Flag { fn show(&self) {} const SHOWN: u8 = 1; }
        pub trait Look { fn look(&self); }
        impl Other { fn new() {} }";

    #[test]
    fn public_names_come_first_and_private_ones_last() {
        let library = Names::of([LIBRARY]);
        let own = Names::of(["struct Mine { word: u8 } impl Mine { fn cell(&self) {} }"]);
        let nothing = Names::default();
        for (text, kind, own, expected) in [
            ("value", "instance", &nothing, Rank::Own),
            ("new()", "function", &nothing, Rank::Own),
            ("show()", "function", &nothing, Rank::Own),
            ("look()", "function", &nothing, Rank::Own),
            ("SHOWN", "instance", &nothing, Rank::Own),
            ("outside::", "module", &nothing, Rank::Own),
            ("unknown(a, b)", "function", &nothing, Rank::Own),
            ("iter().map(f)", "function", &nothing, Rank::ByAnother),
            ("iter().type_id()", "function", &nothing, Rank::OfEveryType),
            ("try_into()", "function", &nothing, Rank::OfEveryType),
            ("segment", "instance", &nothing, Rank::Private),
            ("half", "instance", &nothing, Rank::Private),
            ("WORD", "instance", &nothing, Rank::Private),
            ("word()", "function", &nothing, Rank::Private),
            ("cell(&self)", "function", &nothing, Rank::Private),
            ("narrow()", "function", &nothing, Rank::Private),
            ("inside::", "module", &nothing, Rank::Private),
            // The student can use whatever the cells define.
            ("cell()", "function", &own, Rank::Own),
            ("word", "instance", &own, Rank::Own),
            ("_spare", "instance", &own, Rank::Unused),
            ("__macro_part()", "function", &nothing, Rank::Internal),
        ] {
            assert_eq!(rank(text, kind, own, &library, false), expected, "{text}");
        }
        // For a `RefCell`, it is the method that a student wants.
        let borrow = |is_cell| rank("borrow_mut()", "function", &nothing, &library, is_cell);
        assert_eq!(borrow(true), Rank::Own);
        assert_eq!(borrow(false), Rank::OfEveryType);
        assert!(!library.defines(What::Function, "helper"));
    }

    #[test]
    fn the_library_s_own_words_are_public() {
        let place = Place::find().unwrap();
        let mut names = Names::default();
        read_folder(&place.workspace.join("labsupport/src"), &mut names);
        for word in ["is_set", "spawn", "join_timeout", "put_timeout", "elapsed"] {
            assert!(!names.hides(What::Function, word), "{word}");
        }
        assert!(names.hides(What::Field, "segment"));
        let all = of_libraries(&place);
        assert!(!all.hides(What::Field, "elapsed") && !all.hides(What::Field, "start"));
        assert!(!all.hides(What::Constant, "MAX"));
    }
}
