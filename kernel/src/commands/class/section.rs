//! What the page and the terminal show of a class, before either is written.

/// A part of the page: a heading, and the items below it.
pub(super) struct Section {
    pub title: String,
    pub items: Vec<Item>,
}

/// A section with what is to be learned from it, in a few sentences for the head of the page.
pub(super) struct Lesson {
    pub learned: String,
    pub section: Section,
}

/// An item on the page.
pub(super) enum Item {
    Picture { svg: String, text: String },
    Table(figures::Table),
    Words(String),
}
