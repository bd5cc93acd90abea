use super::escape::{one_line, quote};
use super::show::{Show, block, print};
use crate::sys;
use std::fmt;
use std::time::Instant;

/// A place on the page that can be filled again while the cell runs.
///
/// The kernel must support it. Ours does, and sets `LABS_LIVE=1` in the process in which cells run. Each fill is then one line on standard
/// output, which the kernel takes out of the cell's output:
///
/// ```text
/// LABS_DISPLAY {"display_id":"…","update":false,"data":{"image/svg+xml":"…","text/plain":"…"}}
/// ```
///
/// Anywhere else (a stock evcxr kernel, a terminal, a test) nothing on the page can be replaced. There a display writes whole
/// [lines](Display::line) meanwhile, and shows its contents once, at the [end](Display::end).
///
/// A display belongs to the process that made it: a forked worker's copy writes nothing.
///
/// `Live` and `Progress` of the crate `figures` are built on it, and so is [`Workers::join_live`](crate::process::Workers::join_live).
///
/// # Examples
/// ```
/// use labsupport::cell::Display;
/// use labsupport::cell::Show;
///
/// struct Count(u32);
///
/// impl Show for Count {
///     fn contents(&self) -> Vec<(&'static str, String)> {
///         vec![("text/plain", format!("{} so far", self.0))]
///     }
/// }
///
/// let mut display = Display::new();
/// for n in 1..=3 {
///     display.fill(&Count(n)); // replaces what was there
/// }
/// display.end(&Count(3));
/// ```
pub struct Display {
    page: Page,
    id: String,
    filled: bool,
    owner: sys::Pid,
}

impl Display {
    /// An empty place on the page of the running cell.
    pub fn new() -> Display {
        Display::on(Page::of_this_cell())
    }

    /// The same on another page.
    pub fn on(page: Page) -> Display {
        let owner = sys::getpid();
        // No two displays have the same process, moment and address. A counter would not do: every cell has its own copy of this crate, and
        // each copy would count from zero.
        let mut id = String::with_capacity(64);
        let address = id.as_ptr() as usize;
        id.push_str(&format!(
            "labs-{owner}-{}-{address:x}",
            sys::monotonic_nanos()
        ));
        Display {
            page,
            id,
            filled: false,
            owner,
        }
    }

    /// The name by which the kernel knows this place.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Makes this the place with the name `id`, which an earlier display has filled.
    pub fn take_place_of(&mut self, id: &str) {
        self.id = id.into();
        self.filled = true;
    }

    /// Whether the page can be filled again while the cell runs.
    ///
    /// # Examples
    /// ```
    /// use labsupport::cell::Display;
    /// assert!(!Display::new().is_live()); // no kernel listens here
    /// ```
    pub fn is_live(&self) -> bool {
        self.page.live
    }

    /// Shows `shown` instead of what was there before. On a page that is not live this does nothing, and draws nothing.
    pub fn fill(&mut self, shown: &(impl Show + ?Sized)) {
        if !self.page.live || !self.is_mine() {
            return;
        }
        let data: Vec<String> = (shown.contents().iter())
            .map(|(mime, content)| {
                let content = if mime.contains("json") {
                    one_line(content)
                } else {
                    quote(content)
                };
                format!("{}:{content}", quote(mime))
            })
            .collect();
        let (id, update, data) = (quote(&self.id), self.filled, data.join(","));
        (self.page.write)(&format!(
            "LABS_DISPLAY {{\"display_id\":{id},\"update\":{update},\"data\":{{{data}}}}}\n"
        ));
        self.filled = true;
    }

    /// Writes a line of plain text on a page that is not live. On a live page this does nothing.
    ///
    /// Line breaks in `text` become spaces.
    pub fn line(&mut self, text: &str) {
        if !self.page.live && self.is_mine() {
            (self.page.write)(&format!("{}\n", text.replace(['\n', '\r'], " ")));
        }
    }

    /// Shows `shown` for the last time: it fills a live page, and on any other page it becomes the cell's output.
    pub fn end(&mut self, shown: &(impl Show + ?Sized)) {
        if self.page.live {
            self.fill(shown);
        } else if self.is_mine() {
            (self.page.write)(&block(&shown.contents()));
        }
    }

    /// The time on the page's clock.
    pub fn now(&self) -> Instant {
        (self.page.now)()
    }

    /// Whether this process made the display, rather than a worker with a copy of it.
    pub fn is_mine(&self) -> bool {
        sys::getpid() == self.owner
    }
}

impl fmt::Debug for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let live = if self.page.live { "live" } else { "not live" };
        write!(f, "Display({live})")
    }
}

impl Default for Display {
    fn default() -> Display {
        Display::new()
    }
}

/// What a display writes to, and its clock.
pub struct Page {
    /// Whether a kernel takes the display lines out of what is written.
    pub live: bool,
    /// Writes a text of whole lines in one go.
    pub write: Box<dyn FnMut(&str)>,
    /// The clock.
    pub now: Box<dyn Fn() -> Instant>,
}

impl Page {
    /// The output of the running cell.
    pub fn of_this_cell() -> Page {
        Page {
            live: std::env::var_os("LABS_LIVE").is_some_and(|live| live == "1"),
            write: Box::new(print),
            now: Box::new(Instant::now),
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}
