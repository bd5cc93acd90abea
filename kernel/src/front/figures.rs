//! How much of what a cell draws the page keeps. A notebook of 450 MB can neither be shown nor saved.

use super::amounts::{count, size};
use super::flood::Note;
use serde_json::json;
use std::collections::HashMap;

/// The most bytes of figures that one cell leaves on the page.
const MOST: usize = 50_000_000;

/// The figures of one cell.
#[derive(Default)]
pub(super) struct Figures {
    /// The size of each place that can be filled again. A new content replaces the old one.
    places: HashMap<String, usize>,
    bytes: usize,
    left_out: u64,
}

impl Figures {
    /// Whether there is still room for a figure of so many bytes, which may fill a `place` again.
    pub(super) fn take(&mut self, place: Option<&str>, bytes: usize) -> bool {
        let before = place.and_then(|place| self.places.get(place).copied());
        let sum = self.bytes - before.unwrap_or(0) + bytes;
        if sum > MOST {
            self.left_out += 1;
            return false;
        }
        self.bytes = sum;
        if let Some(place) = place {
            self.places.insert(place.into(), bytes);
        }
        true
    }

    /// Says how many figures were left out since the last call, if any.
    pub(super) fn end(&mut self) -> Option<Note> {
        let text = match std::mem::take(&mut self.left_out) {
            0 => return None,
            1 => "1 more figure or update is".to_string(),
            more => format!("{} more figures or updates are", count(more)),
        };
        let most = size(MOST as u64);
        let text = format!(
            "{text} left out here: this cell has shown {most} of them, and the notebook could not be saved. Draw fewer or smaller \
             ones, or one place that is filled again."
        );
        let data = json!({"text/plain": text});
        Some((
            "display_data",
            json!({"data": data, "metadata": {}, "transient": {}}),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_left_out_and_counted() {
        let mut figures = Figures::default();
        assert!((0..50).all(|_| figures.take(None, MOST / 50)));
        assert_eq!(figures.end(), None);
        assert!(!figures.take(None, 1));
        assert!(!figures.take(Some("place"), 1));
        let (_, content) = figures.end().unwrap();
        let text = content["data"]["text/plain"].as_str().unwrap();
        assert!(text.starts_with(
            "2 more figures or updates are left out here: this cell has shown 50.0 MB"
        ));
        assert_eq!(figures.end(), None);
    }

    #[test]
    fn a_place_that_is_filled_again_counts_once() {
        let mut figures = Figures::default();
        assert!((0..1_000).all(|_| figures.take(Some("place"), MOST / 2)));
        assert!(figures.take(Some("other"), MOST / 2));
        assert!(!figures.take(Some("other"), MOST / 2 + 1));
        // A smaller figure in the same place makes room.
        assert!(figures.take(Some("place"), 1));
        assert!(figures.take(Some("other"), MOST / 2 + 1));
    }
}
