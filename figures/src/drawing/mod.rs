//! What all figures share: the canvas, the layout, the axes, the colours, the text twin, and how a page shows the picture.
//!
//! `words` and `theme` know nothing of the others; `canvas` draws with them; `layout` places things on a canvas.

mod axis;
mod canvas;
mod layout;
pub(crate) mod page;
mod text_width;
pub(crate) mod theme;
mod twin;

pub(crate) use axis::Axis;
pub(crate) use canvas::{Align, Canvas, Point};
pub(crate) use layout::{Layout, Legend, MARGIN, Plot, WIDTH};
pub(crate) use text_width::{LINE, fit, text_width, widest, wrap};
pub(crate) use twin::{GUESS, Twin, cell_of};
