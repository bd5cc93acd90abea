//! What cells print, show and ask, on its way to the page.

use super::sketches::Heard;
use super::*;

impl Front {
    /// A cell printed or showed something.
    pub(super) async fn output(&mut self, kind: Kind, content: Vec<u8>) {
        let is_code = self.running.as_ref().is_some_and(Cell::is_code);
        if kind == Kind::Ended && !is_code {
            // Tell this to the next cell, since evcxr finds out only then.
            self.ended_meanwhile = serde_json::from_slice(&content).ok();
            return;
        }
        if kind == Kind::Started
            && let Some(cell) = &mut self.running
            && let Some((kind, content)) = cell.progress.runs(Instant::now())
        {
            let request = Some(&cell.request);
            self.ports.publish(request, kind, content).await;
        }
        if kind == Kind::Question {
            return self.asked_about_the_page(&content).await;
        }
        let Some(cell) = self.writer() else { return };
        let is_again = cell.request.again;
        match cell.output(kind, content) {
            cell::Shown::Nothing => {}
            // The page has what the cell showed already; only its figure changes.
            cell::Shown::Display((kind, _)) if is_again && kind != "update_display_data" => {}
            cell::Shown::Text(chunk) => self.show_text(vec![chunk]).await,
            // Nobody wants more figures of a cell that was stopped.
            cell::Shown::Display(_) if cell.interrupted => {}
            cell::Shown::Display(note) => {
                self.knobs.filled(&note.1["transient"]["display_id"]);
                // Text that was printed earlier is shown earlier.
                self.show_what_is_due().await;
                self.outbox.push(note);
                self.send_what_waits().await;
            }
            cell::Shown::Panic(panic) => {
                let text = panic.as_text(&self.sources(&self.compiled()));
                self.show_text(vec![("stderr", text)]).await;
            }
            cell::Shown::Asked(question) => self.ask_the_student(question).await,
        }
    }

    /// Shows text of the cell that writes, or keeps it for the end.
    pub(super) async fn show_text(&mut self, chunks: Vec<text::Chunk>) {
        let now = Instant::now();
        let Some(cell) = self.writer() else { return };
        let notes: Vec<Note> = chunks
            .into_iter()
            .filter_map(|chunk| cell.shown(chunk, now))
            .collect();
        for note in notes {
            self.outbox.push(note);
        }
        self.send_what_waits().await;
    }

    pub(super) async fn show_what_is_due(&mut self) {
        let chunks = self.writer().map(|cell| cell.text.take_due());
        self.show_text(chunks.unwrap_or_default()).await;
    }

    /// Where evcxr compiles.
    pub(super) fn compiled(&self) -> PathBuf {
        match &self.state {
            State::Ready(inner) => inner.session().directory().join(launch::EVAL),
            _ => PathBuf::new(),
        }
    }

    pub(super) fn sources<'a>(&'a self, compiled: &'a Path) -> Sources<'a> {
        Sources {
            compiled,
            cells: &self.cells,
        }
    }

    /// The cell asks about its knobs, or about a sketch.
    async fn asked_about_the_page(&mut self, question: &[u8]) {
        let Some(cell) = self.running.as_ref().filter(|cell| cell.is_code()) else {
            return;
        };
        let alone = !self.queue.iter().any(is_code) && !cell.interrupted;
        let (request, now) = (&cell.request, Instant::now());
        let effects = match self.sketches.asked(question) {
            Some((answer, told)) => knobs::Effects {
                reply: Some(answer),
                tell: self.knobs.to_all(None, told),
                ..knobs::Effects::default()
            },
            None => self.knobs.asked(request, question, alone, now),
        };
        self.carry_out(effects).await;
    }

    /// A page says something about knobs or a sketch, or opens or closes its comm.
    pub(super) async fn heard_of_the_page(&mut self, said: &Message) {
        let (comm, data) = (said.text("comm_id").to_string(), &said.content["data"]);
        let effects = match said.kind() {
            "comm_open" => self.knobs.opened(&comm, said.text("target_name")),
            "comm_close" => return self.knobs.closed(&comm),
            _ if data["sketch"].is_string() => self.heard_of_a_sketch(&comm, data),
            _ => match self.knobs.explored(&comm, data) {
                Some(request) => {
                    self.queue.push_back(request);
                    return Box::pin(self.advance()).await;
                }
                None => self.knobs.heard(&comm, data, Instant::now()),
            },
        };
        if let Some(comm) = &effects.close {
            let closed = json!({"comm_id": comm, "data": {}});
            self.ports.publish(Some(said), "comm_close", closed).await;
        }
        self.carry_out(effects).await;
    }

    fn heard_of_a_sketch(&mut self, comm: &str, data: &Value) -> knobs::Effects {
        if !self.knobs.knows(comm) {
            return knobs::Effects::default();
        }
        let tell = match self.sketches.heard(data) {
            Heard::Kept(told) => self.knobs.to_all(None, told),
            Heard::Asked(told) => vec![(comm.into(), told)],
            Heard::Refused(told) => {
                self.knobs.refuse("a curve that does not fit its pad");
                vec![(comm.into(), told)]
            }
        };
        knobs::Effects {
            tell,
            ..knobs::Effects::default()
        }
    }

    /// Ends the cell that waits for a knob, if one does.
    pub(super) async fn end_knobs(&mut self) -> bool {
        let Some(effects) = self.knobs.end_if_it_waits() else {
            return false;
        };
        self.carry_out(effects).await;
        true
    }

    /// Tells the cell, and the pages, what is to be told about knobs.
    pub(super) async fn carry_out(&mut self, effects: knobs::Effects) {
        if let Some(note) = effects.show {
            self.show_what_is_due().await;
            self.outbox.push(note);
            self.send_what_waits().await;
        }
        // The cell first: it works while the page is told.
        if let (Some(reply), State::Ready(inner)) = (effects.reply, &self.state) {
            inner.order(&Order::Reply(reply));
        }
        for (comm, data) in effects.tell {
            let content = json!({"comm_id": comm, "data": data});
            let cell = self.running.as_ref().map(|cell| &cell.request);
            self.ports.publish(cell, "comm_msg", content).await;
        }
    }

    /// The cell reads standard input.
    pub(super) async fn ask_the_student(&mut self, mut question: Value) {
        let Some(cell) = &self.running else { return };
        if !cell.request.flag("allow_stdin", true) || cell.interrupted {
            return self.give_answer(None);
        }
        if question["prompt"] == "" {
            question["prompt"] = "This cell reads a line:".into();
        }
        let request = cell.request.clone();
        // The line about progress is where the student types.
        self.end_progress(false).await;
        self.show_what_is_due().await; // the cell may have printed its question
        self.question = Some(
            self.ports
                .reply(Channel::Stdin, &request, "input_request", question)
                .await,
        );
    }

    /// The student has answered. That counts only if a question waits.
    pub(super) fn answered(&mut self, message: &Message) {
        let (Some(question), "input_reply") = (&self.question, message.kind()) else {
            return;
        };
        // A client need not say which question it answers.
        let parent = message.parent.as_ref().map(|parent| parent.msg_id.as_str());
        if parent.is_none_or(|parent| parent.is_empty() || parent == question) {
            self.question = None;
            let value = message.text("value");
            let most = (0..=LONGEST_ANSWER.min(value.len()))
                .rev()
                .find(|&most| value.is_char_boundary(most))
                .unwrap_or(0);
            self.give_answer(match value {
                "\u{4}" => None, // Ctrl+D
                _ => Some(format!("{}\n", &value[..most])),
            });
        }
    }

    pub(super) fn give_answer(&self, answer: Option<String>) {
        if let State::Ready(inner) = &self.state {
            inner.order(&Order::Answer(answer));
        }
    }

    /// The cell that the output comes from: the running one, or else the last one, if its threads still run.
    pub(super) fn writer(&mut self) -> Option<&mut Cell> {
        match self.running.as_ref().is_some_and(Cell::is_code) {
            true => self.running.as_mut(),
            false => self.last.as_mut(),
        }
    }

    /// When something is due to be shown.
    pub(super) fn due(&mut self) -> Option<Instant> {
        let room = self.outbox.due(Instant::now());
        let text = self
            .writer()
            .map(|cell| [cell.text.due(), cell.flood.due()]);
        let progress = self.running.as_ref().and_then(|cell| cell.progress.due());
        let text = text.into_iter().flatten().flatten();
        let knobs = self.knobs.due();
        text.chain(room).chain(progress).chain(knobs).min()
    }

    /// Tells the page that its cell is still being compiled, if that is due.
    pub(super) async fn tell_progress(&mut self) {
        let now = Instant::now();
        let (State::Ready(inner), Some(cell)) = (&self.state, &mut self.running) else {
            return;
        };
        if cell.progress.due().is_none_or(|due| due > now) {
            return;
        }
        if let Some((kind, content)) = cell.progress.tell(now, &inner.crates_being_compiled()) {
            let request = Some(&cell.request);
            self.ports.publish(request, kind, content).await;
        }
    }

    /// Removes the line about the cell's progress from the page. `followed` tells that something takes its place at once.
    pub(super) async fn end_progress(&mut self, followed: bool) {
        if let Some(cell) = &mut self.running
            && let Some((kind, content)) = cell.progress.gives_way(followed)
        {
            let request = Some(&cell.request);
            self.ports.publish(request, kind, content).await;
        }
    }

    /// Publishes what waits, as far as there is room.
    pub(super) async fn send_what_waits(&mut self) {
        while let Some((kind, content)) = self.outbox.pop(Instant::now()) {
            self.publish_in_cell(kind, content).await;
        }
        if self.outbox.is_full()
            && let Some(cell) = self.writer()
        {
            cell.text.wait(Instant::now());
        }
    }

    /// Publishes all that a cell has printed, `chunks` last. What comes next matters more, so nothing waits any longer.
    pub(super) async fn show_last(&mut self, chunks: Vec<text::Chunk>) {
        let now = Instant::now();
        while let Some((kind, content)) = self.outbox.pop_now() {
            self.publish_in_cell(kind, content).await;
        }
        let Some(cell) = self.writer() else { return };
        let mut notes: Vec<Note> = chunks
            .into_iter()
            .filter_map(|chunk| cell.shown(chunk, now))
            .collect();
        notes.extend(cell.flood.end());
        notes.extend(cell.figures.end());
        for (kind, content) in notes {
            self.publish_in_cell(kind, content).await;
        }
    }

    pub(super) async fn publish_in_cell(&mut self, kind: &str, content: Value) {
        if self.running.as_ref().is_some_and(Cell::is_silent) {
            return;
        }
        // An update may fill a place of an earlier cell, and then nothing in this cell takes the line's place.
        self.end_progress(kind != "update_display_data").await;
        if let Some(cell) = &mut self.running {
            cell.is_shown = true;
        }
        let is_code = self.running.as_ref().is_some_and(Cell::is_code);
        let writer = if is_code { &self.running } else { &self.last };
        let request = writer.as_ref().map(|cell| &cell.request);
        self.ports.publish(request, kind, content).await;
    }
}
