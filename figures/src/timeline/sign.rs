use crate::drawing::theme::{FAINT, INK, PAPER, TASK, WASTED, colour};
use crate::drawing::{Canvas, Point};
use crate::trace::Event;
use plotters::style::RGBColor;

/// The signs that a timeline is made of, as its legend shows them.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sign {
    Task,
    Lost,
    Wait,
    Hold,
    Check,
    Seen,
    Pill,
    Note,
    Exit,
    Killed,
    Wasted,
}

impl Sign {
    /// How many signs there are.
    pub(super) const KINDS: usize = Sign::Wasted as usize + 1;

    /// What page/trace.js calls each of them, by its number.
    pub(super) const ON_PAGE: [&str; Sign::KINDS] = [
        "task", "lost", "wait", "hold", "check", "seen", "pill", "note", "exit", "killed", "wasted",
    ];

    /// The mark of an event that has one, and the least distance between two of them, in pixels.
    pub(super) fn of(event: Event) -> Option<(Sign, i32)> {
        match event {
            Event::FlagChecked => Some((Sign::Check, 2)),
            Event::FlagSeen => Some((Sign::Seen, 5)),
            Event::PillTaken => Some((Sign::Pill, 5)),
            Event::Note(_) => Some((Sign::Note, 5)),
            _ => None,
        }
    }

    /// Its name in the legend, unless the figure's author chooses it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Sign::Task => "task, done",
            Sign::Lost => "task, taken and not done",
            Sign::Wait => "waiting for the lock",
            Sign::Hold => "holding the lock",
            Sign::Check => "look at the flag",
            Sign::Seen => "flag seen",
            Sign::Pill => "pill taken",
            Sign::Note => "note",
            Sign::Exit => "ended by itself",
            Sign::Killed => "did not end by itself",
            Sign::Wasted => "wasted work",
        }
    }

    pub(super) fn colour(self) -> RGBColor {
        match self {
            Sign::Task => TASK[0],
            Sign::Lost | Sign::Killed => colour(1),
            Sign::Wait => colour(4),
            Sign::Hold => colour(2),
            Sign::Pill => colour(3),
            Sign::Note => FAINT,
            Sign::Wasted => WASTED,
            Sign::Check | Sign::Seen | Sign::Exit => INK,
        }
    }

    /// A mark whose place is one moment.
    pub(super) fn at(self, canvas: &mut Canvas<'_>, (x, y): Point) {
        let colour = self.colour();
        match self {
            Sign::Check => canvas.path([(x, y - 2), (x, y + 3)], colour, 1),
            Sign::Seen => canvas.polygon([(x - 5, y - 3), (x + 5, y - 3), (x, y + 5)], colour),
            Sign::Pill => canvas.circle((x, y + 1), 4, colour),
            Sign::Note => {
                let corners = [(x, y - 3), (x + 4, y + 1), (x, y + 5), (x - 4, y + 1)];
                canvas.polygon(corners, colour);
            }
            Sign::Exit => canvas.path([(x, y - 7), (x, y + 7)], colour, 3),
            Sign::Killed => canvas.cross((x, y), 5, colour),
            Sign::Task | Sign::Lost | Sign::Wait | Sign::Hold | Sign::Wasted => {}
        }
    }

    /// The sign before a name of the legend.
    pub(super) fn draw(self, canvas: &mut Canvas<'_>, (x, y): Point) {
        match self {
            Sign::Task | Sign::Wasted => canvas.rect((x, y - 8), (x + 28, y + 8), self.colour()),
            Sign::Lost => lost(canvas, (x, y - 8), (x + 28, y + 8)),
            Sign::Wait | Sign::Hold => canvas.rect((x, y - 4), (x + 28, y + 3), self.colour()),
            mark => mark.at(canvas, (x + 14, y)),
        }
    }
}

/// A task that was not done: an open box with slanting lines.
pub(super) fn lost(canvas: &mut Canvas<'_>, (x0, y0): Point, (x1, y1): Point) {
    let colour = Sign::Lost.colour();
    canvas.rect((x0, y0), (x1, y1), PAPER);
    canvas.slanting((x0, y0), (x1, y1), 6, colour);
    let frame = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)];
    canvas.path(frame, colour, 2);
}
