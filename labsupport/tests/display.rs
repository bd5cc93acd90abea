//! Displays on a page that can change and on one that cannot.

use labsupport::cell::{Display, Show};
use labsupport::internal::Fake;
use labsupport::process::Workers;

/// Shows a word, and something that is JSON already.
struct Word(&'static str);

impl Show for Word {
    fn contents(&self) -> Vec<(&'static str, String)> {
        vec![
            ("application/vnd.labs+json", "{\n\"n\": 1}".into()),
            ("text/plain", self.0.into()),
        ]
    }
}

/// Must not be drawn.
struct Never;

impl Show for Never {
    fn contents(&self) -> Vec<(&'static str, String)> {
        panic!("drawn for nobody")
    }
}

/// The name that a display gives to its place, from a line that filled it.
fn name(line: &str) -> String {
    let name = line.split("\"display_id\":\"").nth(1).unwrap();
    name.split('"').next().unwrap().into()
}

#[test]
fn a_live_page_gets_one_line_per_fill_in_one_write() {
    let page = Fake::live();
    let mut display = Display::on(page.page());
    display.fill(&Word("a \"b\"\nc"));
    display.line("not on a live page");
    display.fill(&Word("d"));
    display.end(&Word("e"));
    let written = page.take();
    let name = name(&written[0]);
    let line = |update: bool, word: &str| {
        format!(
            "LABS_DISPLAY {{\"display_id\":\"{name}\",\"update\":{update},\"data\":{{\
             \"application/vnd.labs+json\":{{ \"n\": 1}},\"text/plain\":\"{word}\"}}}}\n"
        )
    };
    let lines = [
        line(false, "a \\\"b\\\"\\nc"),
        line(true, "d"),
        line(true, "e"),
    ];
    assert_eq!(written, lines);
}

#[test]
fn debug_says_what_page_it_is_on_and_writes_nothing_there() {
    for (page, expected) in [
        (Fake::live(), "Display(live)"),
        (Fake::stock(), "Display(not live)"),
    ] {
        assert_eq!(format!("{:?}", Display::on(page.page())), expected);
        assert!(page.take().is_empty());
    }
}

#[test]
fn a_stock_page_gets_plain_lines_and_the_end() {
    let page = Fake::stock();
    let mut display = Display::on(page.page());
    display.fill(&Never);
    assert!(page.take().is_empty());
    display.line("still\nat it");
    assert_eq!(page.take(), ["still at it\n"]);
    display.end(&Word("done"));
    let block = "EVCXR_BEGIN_CONTENT application/vnd.labs+json\n{\n\"n\": 1}\nEVCXR_END_CONTENT\n\
                 EVCXR_BEGIN_CONTENT text/plain\ndone\nEVCXR_END_CONTENT\n";
    assert_eq!(page.take(), [block]);
}

#[test]
fn no_two_displays_share_a_name() {
    let page = Fake::live();
    let filled = || {
        let mut display = Display::on(page.page());
        display.fill(&Word(""));
        display
    };
    let kept: Vec<Display> = (0..50).map(|_| filled()).collect();
    // One after the other, so that all have the same address.
    (0..50).for_each(|_| drop(filled()));
    let mut lines = page.take();
    let elsewhere = Workers::spawn(2, |_| {
        filled();
        page.take().remove(0)
    });
    lines.extend(elsewhere.unwrap().join().unwrap().values().unwrap());
    let names: std::collections::HashSet<String> = lines.iter().map(|line| name(line)).collect();
    assert_eq!(names.len(), 102);
    drop(kept);
}

#[test]
fn a_workers_copy_writes_nothing() {
    for page in [Fake::live(), Fake::stock()] {
        let display = std::cell::RefCell::new(Display::on(page.page()));
        let workers = Workers::spawn(1, |_| {
            let mut copy = display.borrow_mut();
            copy.fill(&Never);
            copy.line("no");
            copy.end(&Never);
            page.take().len()
        });
        assert_eq!(workers.unwrap().join().unwrap().values().unwrap(), [0]);
    }
}
