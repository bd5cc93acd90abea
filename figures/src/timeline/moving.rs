//! A timeline on a page with scripts: the states of its recordings, as data for the script that moves them.

use super::sign::Sign;
use super::{SINCE_FIRST, Timeline};
use crate::drawing::page;
use crate::error::FigureError;
use crate::moving::{self, list};
use crate::trace::{Event, LaneRecord, LockUse, Presence, Queued, SpanKind, States, done_last};
use labsupport::cell::{self, Show};
use labsupport::internal::{quote, thousands};
use std::time::Duration;

/// More events than this would make a page heavy: about a fifth of a megabyte of data.
const MOST_EVENTS: usize = 5_000;

/// What moves on the page.
pub(super) struct Moving<'t> {
    pub(super) title: &'t str,
    /// All that can be seen, and what is shown at first.
    pub(super) range: (Duration, Duration),
    pub(super) view: (Duration, Duration),
    /// Where the clock says zero, and what it counts from.
    pub(super) zero: Duration,
    pub(super) clock: &'t str,
    pub(super) caption: String,
    pub(super) signs: Vec<(Sign, String)>,
    /// The recordings and their names, all on one clock.
    pub(super) runs: Vec<(&'t str, &'t Timeline)>,
}

impl Timeline {
    fn moving(&self) -> Moving<'_> {
        Moving {
            title: &self.title,
            range: self.range(),
            view: self.range(),
            zero: Duration::ZERO,
            clock: SINCE_FIRST,
            caption: self.whole_caption(),
            signs: self.signs(),
            runs: vec![("", self)],
        }
    }

    /// Shows the picture, which moves where scripts run, and its text twin in a notebook cell.
    pub fn evcxr_display(&self) {
        cell::emit(&self.contents());
    }
}

impl Show for Timeline {
    fn contents(&self) -> Vec<(&'static str, String)> {
        contents(self.svg(), self.text(), || self.moving())
    }
}

/// The still picture and its twin, and, unless it is too large, what moves.
pub(super) fn contents<'t>(
    svg: Result<String, FigureError>,
    text: String,
    moving: impl Fn() -> Moving<'t>,
) -> Vec<(&'static str, String)> {
    let still = svg.as_ref().ok().map(|svg| page::picture(svg, &text));
    let twin = page::twin(&text);
    let mut contents = page::contents(svg, text);
    if let Some(still) = still {
        let html = &mut contents[0].1;
        match moving().on_page(&still, &twin) {
            Ok(moves) => *html = moves,
            Err(why) => html.push_str(&why),
        }
    }
    contents
}

impl Moving<'_> {
    /// What moves around the still picture, or why it does not, as HTML.
    fn on_page(&self, still: &str, twin: &str) -> Result<String, String> {
        let events = self.events();
        if events > MOST_EVENTS {
            return Err(format!(
                "<p>This picture does not move: {} events are more than a page should carry ({}). Timeline::between chooses a part.</p>",
                thousands(events as i64),
                thousands(MOST_EVENTS as i64)
            ));
        }
        Ok(moving::Moving::TRACE.html(still, &self.data(), twin))
    }

    /// The events that the page would carry.
    fn events(&self) -> usize {
        let is_inside = |time: u64| time >= nanos(self.range.0) && time <= nanos(self.range.1);
        let lanes = self
            .runs
            .iter()
            .flat_map(|(_, run)| run.recording.lanes().iter());
        let events = lanes.flat_map(LaneRecord::events);
        events.filter(|(time, _)| is_inside(*time)).count()
    }

    /// As page/trace.js reads it.
    fn data(&self) -> String {
        let mut lasts = vec![String::new()];
        let runs: Vec<String> = (self.runs.iter())
            .map(|(name, timeline)| self.run(name, timeline, &mut lasts))
            .collect();
        let gutter = self.runs.iter().map(|(_, run)| run.gutter()).max();
        let pair = |(from, to): (Duration, Duration)| format!("[{},{}]", nanos(from), nanos(to));
        let signs = self.signs.iter().map(|(sign, name)| {
            format!("[{},{}]", quote(Sign::ON_PAGE[*sign as usize]), quote(name))
        });
        format!(
            "{{\"title\":{},\"range\":{},\"view\":{},\"zero\":{},\"clock\":{},\"caption\":{},\"gutter\":{},\"presences\":{},\"locks\":{},\"lasts\":{},\
             \"kinds\":{},\"signs\":{},\"runs\":{}}}",
            quote(self.title),
            pair(self.range),
            pair(self.view),
            nanos(self.zero),
            quote(self.clock),
            quote(&self.caption),
            gutter.unwrap_or(0),
            list(Presence::ALL.iter().map(|presence| quote(presence.words()))),
            list(LockUse::ALL.iter().map(|lock| quote(lock.words()))),
            list(lasts.iter().map(|words| quote(words))),
            list(Sign::ON_PAGE.iter().map(|kind| quote(kind))),
            list(signs),
            list(runs),
        )
    }

    /// One recording. The words of what workers did last are collected in `lasts`.
    fn run(&self, name: &str, timeline: &Timeline, lasts: &mut Vec<String>) -> String {
        let recording = &timeline.recording;
        let states = recording.states();
        let mut word = |event: Option<Event>| {
            let words = event.map_or(String::new(), |event| match event {
                Event::Note(number) => timeline.meaning(number),
                event => done_last(event),
            });
            lasts
                .iter()
                .position(|known| *known == words)
                .unwrap_or_else(|| {
                    lasts.push(words);
                    lasts.len() - 1
                })
        };
        let lanes: Vec<String> = (timeline.lanes().into_iter())
            .map(|(index, lane)| {
                let shade = timeline.shaded(index, lane);
                format!(
                    "{{\"name\":{},\"states\":{},\"marks\":{},\"shade\":{}}}",
                    quote(&timeline.names[index]),
                    self.states(lane, &states[index], &mut word),
                    self.marks(lane),
                    shade.map_or("null".into(), |(from, to)| format!(
                        "[{},{}]",
                        nanos(from),
                        nanos(to)
                    )),
                )
            })
            .collect();
        let queue = match recording.queue(timeline.left) {
            Queued::NotNoted => "null".into(),
            Queued::Unknown => "\"unknown\"".into(),
            Queued::Messages(sent) => list(sent.iter().map(|message| {
                let task = message.task.map_or(-1, i64::from);
                let [doubt, out, noted] = [message.doubt, message.out, message.noted]
                    .map(|time| time.map_or("null".into(), |time| time.to_string()));
                format!("[{task},{},{doubt},{out},{noted}]", message.put)
            })),
        };
        let flag = recording.times_of(Event::FlagSet);
        let flag = match flag.is_empty() {
            true => "null".into(),
            false => list(flag.iter().map(u64::to_string)),
        };
        let lines = timeline.verticals();
        let lines = lines
            .iter()
            .map(|(time, name)| format!("[{},{}]", nanos(*time), quote(name)));
        format!(
            "{{\"name\":{},\"lanes\":{},\"queue\":{queue},\"flag\":{flag},\"whole\":{},\"lock\":{},\"lines\":{}}}",
            quote(name),
            list(lanes),
            recording.dropped() == 0,
            recording.has_lock(),
            list(lines),
        )
    }

    /// The states of a lane in the part that can be seen. The first holds at its beginning.
    fn states(
        &self,
        lane: &LaneRecord,
        states: &States,
        word: &mut impl FnMut(Option<Event>) -> usize,
    ) -> String {
        let tasks: Vec<(u64, bool)> = (lane.spans().iter())
            .filter_map(|span| match span.kind {
                SpanKind::Task { done, .. } => Some((nanos(span.from), done)),
                _ => None,
            })
            .collect();
        let (from, to) = (nanos(self.range.0), nanos(self.range.1));
        let first = states.partition_point(|(time, _)| *time <= from).max(1) - 1;
        let shown = states[first..].iter().take_while(|(time, _)| *time <= to);
        let mut before = 0;
        list(shown.map(|(time, state)| {
            let time = (*time).max(from);
            let done = tasks.partition_point(|(begun, _)| *begun <= time);
            let is_done = done > 0 && tasks[done - 1].1;
            let task = state.task.map_or(0, |number| {
                let number = i64::from(number) + 1;
                if is_done { number } else { -number }
            });
            let row = [
                (time - before) as i64,
                state.presence as i64,
                task,
                state.lock as i64,
                word(state.last) as i64,
            ];
            before = time;
            let length = row
                .iter()
                .rposition(|part| *part != 0)
                .map_or(1, |last| last + 1);
            list(row[..length].iter().map(i64::to_string))
        }))
    }

    /// The marks of a lane: what has a sign of its own and no length.
    fn marks(&self, lane: &LaneRecord) -> String {
        let (from, to) = (nanos(self.range.0), nanos(self.range.1));
        let mut before = 0;
        let inside = (lane.events().iter()).filter(|(time, _)| (from..=to).contains(time));
        list(inside.filter_map(|&(time, event)| {
            let (sign, _) = Sign::of(event)?;
            let passed = time - before;
            before = time;
            Some(format!("[{passed},{}]", sign as usize))
        }))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::recording;
    use crate::{Recording, Timelines};

    fn html(figure: &dyn Show) -> String {
        let contents = figure.contents();
        let mimes: Vec<&str> = contents.iter().map(|(mime, _)| *mime).collect();
        assert_eq!(mimes, ["text/html", "image/svg+xml", "text/plain"]);
        contents[0].1.clone()
    }

    fn data(figure: &dyn Show) -> String {
        let html = html(figure);
        let (_, rest) = html
            .split_once("<script type=\"application/json\">")
            .unwrap();
        rest.split_once("</script>").unwrap().0.into()
    }

    fn small() -> Recording {
        use Event::*;
        recording(&[
            &[
                (0, Started),
                (10, TaskTaken(7)),
                (20, TaskDone(7)),
                (25, FlagChecked),
                (30, PillTaken),
                (40, Exited),
            ],
            &[
                (5, Started),
                (15, TaskTaken(8)),
                (35, LockHeld),
                (50, Note(3)),
            ],
            &[
                (1, TaskPut(7)),
                (2, TaskPut(8)),
                (3, PillPut),
                (4, PillPut),
                (12, FlagSet),
                (60, Terminated),
            ],
        ])
    }

    #[test]
    fn the_page_gets_the_states_the_marks_and_the_way_of_every_message() {
        let timeline = Timeline::new("T", &small()).note(3, "found it").left(1);
        let data = data(&timeline);
        for part in [
            // Here, task 7 in hand and done later, no task, a pill, home.
            "{\"name\":\"worker 0\",\"states\":[[0],[10,0,8],[10],[10,0,0,0,1],[10,2,0,0,1]],\"marks\":[[25,4],[5,6]]",
            // Not there yet; task 8 that is never done; the lock; the note; ended.
            "\"states\":[[0,1],[5],[10,0,-9],[20,0,-9,2],[15,0,-9,2,2],[10,4,-9,2,2]],\"marks\":[[50,7]]",
            "\"lasts\":[\"\",\"has taken a pill\",\"found it\",\"has set the flag\"]",
            "\"queue\":[[7,1,null,10,10],[8,2,null,15,15],[-1,3,null,30,30],[-1,4,null,null,null]]",
            "\"flag\":[12],\"whole\":true,\"lock\":true,\"lines\":[[12,\"flag set\"],[60,\"terminate\"]]",
            "\"range\":[0,60],\"view\":[0,60],\"zero\":0",
        ] {
            assert!(data.contains(part), "{part} in {data}");
        }
    }

    #[test]
    fn a_part_carries_what_is_in_it() {
        let nanos = Duration::from_nanos;
        let part = Timeline::new("T", &small()).between(nanos(12), nanos(36));
        let data = data(&part);
        assert!(
            data.contains("\"states\":[[12,0,8],[8],[10,0,0,0,1]],\"marks\":[[25,4],[5,6]]"),
            "{data}"
        );
        assert!(!data.contains("terminate"), "{data}");
    }

    #[test]
    fn whatever_a_name_says_stays_text() {
        let name = "</script><script>alert(1)</script>\"\n&\\";
        let named = Timeline::new(name, &small())
            .name(0, name)
            .note(3, name)
            .ended(name);
        let several = Timelines::new(name).run(name, named.clone());
        for html in [html(&named), html(&several)] {
            assert!(!html.contains("<script>alert"), "{html}");
            assert_eq!(html.matches("</script>").count(), 2);
        }
    }

    /// Tasks without end in four lanes, `events` notes in all.
    fn busy(events: u64) -> Recording {
        let lane = |first: u64| -> Vec<(u64, Event)> {
            let event = |n: u64| match n % 2 {
                0 => Event::TaskTaken(n as u32),
                _ => Event::TaskDone(n as u32 - 1),
            };
            (0..events / 4)
                .map(|n| (first + 123_457 * n, event(n)))
                .collect()
        };
        let lanes = [0, 1_000, 2_000, 3_000].map(lane);
        recording(&lanes.each_ref().map(Vec::as_slice))
    }

    #[test]
    fn a_page_stays_small_and_what_is_too_large_stays_still() {
        let full = Timeline::new("T", &busy(MOST_EVENTS as u64));
        let data = data(&full);
        assert!(data.len() < 200_000, "{} bytes", data.len());
        let more = Timeline::new("T", &busy(MOST_EVENTS as u64 + 4));
        let still = html(&more);
        assert!(still.contains("<img") && !still.contains("<script"));
        assert!(
            still.contains("does not move: 5,004 events are more than a page should carry (5,000)")
        );
        let part = more.between(Duration::ZERO, Duration::from_millis(100));
        assert!(html(&part).contains("TraceBoard"));
    }

    #[test]
    fn what_cannot_be_drawn_says_why() {
        let nothing = Timeline::new("T", &recording(&[&[]]));
        assert_eq!(nothing.contents().len(), 1);
        assert_eq!(Timelines::new("T").contents().len(), 1);
        assert!(Timelines::new("T").run("a", nothing).svg().is_err());
    }
}
