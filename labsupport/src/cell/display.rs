use super::escape::{one_line, quote};
use super::show::{Show, block, print};
use crate::sys;
use std::fmt;
use std::time::Instant;

/// A place on the page that can be filled again while the cell runs.
///
/// That takes a kernel that knows how: ours, which sets `LABS_LIVE=1` in the process where cells run. Each fill is then
/// one line on standard output, which the kernel takes out of the cell's output:
///
/// ```text
/// LABS_DISPLAY {"display_id":"…","update":false,"data":{"image/svg+xml":"…","text/plain":"…"}}
/// ```
///
/// Anywhere else (a stock evcxr kernel, a terminal, a test) nothing can be taken back from the page. There a display
/// writes whole [lines](Display::line) while it waits, and shows its contents once, at the [end](Display::end).
///
/// A display belongs to the process that made it: the copy that a forked worker has writes nothing.
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
    /// A place that is empty so far, on the page of the running cell.
    pub fn new() -> Display {
        Display::on(Page::of_this_cell())
    }

    /// The same on another page.
    pub fn on(page: Page) -> Display {
        let owner = sys::getpid();
        // Two displays have one process, one moment and one address in common only if they are the same. Nothing is
        // counted: every cell has its own copy of this crate, and each copy would count from zero.
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

    /// Whether the page can be filled again while the cell runs.
    ///
    /// # Examples
    /// ```
    /// use labsupport::cell::Display;
    /// assert!(!Display::new().is_live()); // here, where no kernel listens
    /// ```
    pub fn is_live(&self) -> bool {
        self.page.live
    }

    /// Shows `shown` in place of what was there before. On a page that is not live this does nothing, and draws nothing.
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

    /// Writes a line of plain text, for readers of a page that is not live. On a live page this does nothing.
    ///
    /// Line breaks in `text` become spaces.
    pub fn line(&mut self, text: &str) {
        if !self.page.live && self.is_mine() {
            (self.page.write)(&format!("{}\n", text.replace(['\n', '\r'], " ")));
        }
    }

    /// Shows `shown` for good: a live page is filled a last time, any other one now gets it as the cell's output.
    pub fn end(&mut self, shown: &(impl Show + ?Sized)) {
        if self.page.live {
            self.fill(shown);
        } else if self.is_mine() {
            (self.page.write)(&block(&shown.contents()));
        }
    }

    /// What the page's clock shows.
    pub fn now(&self) -> Instant {
        (self.page.now)()
    }

    /// Whether this process made the display, and is not a worker with a copy of it.
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

/// What a display writes to, and the clock it lives by.
pub struct Page {
    /// Whether somebody takes the display lines out of what is written.
    pub live: bool,
    /// Writes its text, which is whole lines, in one go.
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
