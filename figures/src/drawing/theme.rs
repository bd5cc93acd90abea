//! The colours of all figures, on a light page and on a dark one.

use plotters::style::RGBColor;
use std::fmt::Write;

pub(crate) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(crate) const FAINT: RGBColor = RGBColor(0x66, 0x66, 0x66);
pub(crate) const GRID: RGBColor = RGBColor(0xe2, 0xe2, 0xe2);
pub(crate) const SHADE: RGBColor = RGBColor(0xee, 0xee, 0xee);
/// The crowd behind the other series: many lines or dots, none of which matters alone.
pub(crate) const CROWD: RGBColor = RGBColor(0x8e, 0x8e, 0x8e);
/// Wasted work, in a timeline.
pub(crate) const WASTED: RGBColor = RGBColor(0xfa, 0xdf, 0xcd);

/// The hues of Okabe and Ito ("Color Universal Design", 2008). The lighter ones are darkened until their contrast with white is 3:1.
const PALETTE: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2), // blue
    RGBColor(0xd5, 0x5e, 0x00), // vermilion
    RGBColor(0x00, 0x8f, 0x68), // bluish green
    RGBColor(0xb8, 0x5c, 0x93), // reddish purple
    RGBColor(0xa8, 0x74, 0x00), // orange
    RGBColor(0x2f, 0x8f, 0xc4), // sky blue
];

/// The boxes of tasks, in turn: the same on both pages.
pub(crate) const TASK: [RGBColor; 2] = [RGBColor(0x00, 0x71, 0xb2), RGBColor(0x27, 0x7c, 0xb0)];
/// Words on a dark field whose colour is the same on both pages.
pub(crate) const ON_DARK: RGBColor = RGBColor(0xfe, 0xfe, 0xfe);
/// Words on a light field whose colour is the same on both pages.
pub(crate) const ON_LIGHT: RGBColor = RGBColor(0x00, 0x00, 0x00);

/// What a colour of the light page becomes on a dark page. Colours that are not listed stay as they are.
const DARK: [(RGBColor, RGBColor); 13] = [
    (PAPER, RGBColor(0x11, 0x11, 0x11)),
    (INK, RGBColor(0xe8, 0xe8, 0xe8)),
    (FAINT, RGBColor(0xa8, 0xa8, 0xa8)),
    (GRID, RGBColor(0x33, 0x33, 0x33)),
    (SHADE, RGBColor(0x2b, 0x2b, 0x2b)),
    (CROWD, RGBColor(0x77, 0x77, 0x77)),
    (WASTED, RGBColor(0x4d, 0x2f, 0x1d)),
    (PALETTE[0], RGBColor(0x4a, 0xa8, 0xe8)),
    (PALETTE[1], RGBColor(0xff, 0x8a, 0x3d)),
    (PALETTE[2], RGBColor(0x1f, 0xc2, 0x90)),
    (PALETTE[3], RGBColor(0xe7, 0x9c, 0xc8)),
    (PALETTE[4], RGBColor(0xf0, 0xb0, 0x30)),
    (PALETTE[5], RGBColor(0xa5, 0xdb, 0xff)),
];

/// The colour of the `index`-th series.
pub(crate) fn colour(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

/// Dash and gap of the `index`-th series, in pixels; no gap is a solid line.
pub(super) fn dash(index: usize) -> (i32, i32) {
    [(1, 0), (8, 4), (2, 3)][index % 3]
}

/// The style sheet for a dark page: a rule for each colour in the picture.
pub(super) fn dark_style(picture: &str) -> String {
    let mut style = String::from("@media (prefers-color-scheme:dark){");
    for (light, dark) in DARK {
        for property in ["fill", "stroke"] {
            let drawn = format!("{property}=\"{}\"", hex(light));
            if picture.contains(&drawn) {
                let _ = write!(style, ".labs-figure [{drawn}]{{{property}:{}}}", hex(dark));
            }
        }
    }
    style + "}"
}

/// A colour as plotters writes it.
fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The contrast of two colours, from 1 to 21, as WCAG 2 defines it.
pub(crate) fn contrast(one: RGBColor, other: RGBColor) -> f64 {
    let light = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.03928 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    };
    let lightness = |RGBColor(red, green, blue): RGBColor| {
        0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue)
    };
    let (one, other) = (lightness(one), lightness(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both pages: what a colour is there.
    fn pages() -> [fn(RGBColor) -> RGBColor; 2] {
        let dark = |colour| {
            let named = DARK.iter().find(|(light, _)| *light == colour);
            named.map_or(colour, |(_, dark)| *dark)
        };
        [|colour| colour, dark]
    }

    #[test]
    fn words_and_signs_stand_out_on_both_pages() {
        for on in pages() {
            for ground in [PAPER, SHADE, WASTED] {
                let apart = contrast(on(INK), on(ground));
                assert!(apart >= 4.5, "words on {ground:?}: {apart}");
            }
            for ground in [PAPER, SHADE] {
                let apart = contrast(on(FAINT), on(ground));
                assert!(apart >= 4.5, "faint words on {ground:?}: {apart}");
            }
            for colour in PALETTE.into_iter().chain(TASK).chain([CROWD]) {
                let apart = contrast(on(colour), on(PAPER));
                assert!(apart >= 3.0, "{colour:?}: {apart}");
            }
            for task in TASK {
                let apart = contrast(on(ON_DARK), on(task));
                assert!(apart >= 4.5, "a number on {task:?}: {apart}");
            }
        }
    }

    #[test]
    fn only_colours_that_occur_have_a_rule() {
        let style = dark_style("<text fill=\"#222222\"/><line stroke=\"#0072B2\"/>");
        assert_eq!(
            style,
            "@media (prefers-color-scheme:dark){.labs-figure [fill=\"#222222\"]{fill:#E8E8E8}\
             .labs-figure [stroke=\"#0072B2\"]{stroke:#4AA8E8}}"
        );
    }
}
