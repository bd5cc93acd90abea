//! One request from its beginning to its reply: the shell lines at its head, and everything that the inner kernel says about it.

use super::*;

impl Front {
    /// Begins `request`, whose turn has come; `prepared` is what evcxr gets instead of its code.
    pub(super) async fn begin(&mut self, request: Message, prepared: Prepared) {
        if is_code(&request)
            && let Some(last) = &mut self.last
        {
            let chunks = last.rest();
            self.show_last(chunks).await;
        }
        let number = self.count + u32::from(is_code(&request));
        let mut cell = Cell::new(request, number, &self.folder);
        self.ports.publish_state(Some(&cell.request), "busy").await;
        let mut code = None;
        let mut lines = VecDeque::new();
        if cell.is_code() {
            self.tell_busy(true);
            self.known.forget();
            let effects = self.knobs.cell_begins(&cell.request);
            self.carry_out(effects).await;
            let source = cell.request.text("code").to_string();
            if let (Some(attempts), State::Ready(inner)) =
                (self.attempts.begins(&source), &self.state)
            {
                // If the file cannot be written, each check counts as a try.
                let _ = fs::write(
                    inner.session().directory().join(launch::CODE_FILE),
                    attempts,
                );
            }
            if !cell.is_silent() && !cell.request.again {
                let input = json!({"code": source, "execution_count": cell.number});
                self.ports
                    .publish(Some(&cell.request), "execute_input", input)
                    .await;
            }
            if cell.is_stored() {
                self.count = cell.number;
                self.history.push((cell.number, source.clone()));
            }
            self.cells.push((cell.number, source));
            lines.extend(shell::split(cell.request.text("code")).0);
            code = Some(prepared.code);
        }
        cell.code = code;
        self.running = Some(cell);
        if let Some(notice) = self
            .notice
            .take_if(|_| self.running.as_ref().is_some_and(Cell::is_code))
        {
            self.show_text(vec![("stderr", format!("note: {notice}\n"))])
                .await;
        }
        for note in prepared.notes {
            self.show_text(vec![("stderr", format!("note: {note}\n"))])
                .await;
        }
        self.run_lines(lines).await;
    }

    /// Runs the next of the shell lines at the head of the cell, or the rest of the cell.
    pub(super) async fn run_lines(&mut self, mut lines: VecDeque<String>) {
        if let Some(line) = lines.pop_front() {
            match Shell::start(&line, &self.folder) {
                Ok(shell) => self.shell = Some((shell, lines)),
                Err(error) => self.fail_here("ShellError", format!("{error:#}.")).await,
            }
            return;
        }
        if let State::Ready(inner) = &self.state {
            compiler::forget(inner.session().directory());
        }
        let Some(cell) = &mut self.running else {
            return;
        };
        let code = cell.code.as_deref();
        let asks_for_times = code.is_some_and(|code| code.trim() == progress::COMMAND);
        if asks_for_times || cell.had_lines && code.is_some_and(shell::is_empty) {
            // evcxr has no part in this cell. It counts as done even if its output still waits for room.
            (cell.reply, cell.idle) = (Some(json!({"status": "ok"})), true);
            if asks_for_times {
                let table = self.times.to_string();
                self.show_text(vec![("stdout", table)]).await;
            }
            return self.finish().await;
        }
        let mut request = complete::for_evcxr(&cell.request);
        if let Some(code) = &cell.code {
            request.content["code"] = code.as_str().into();
        }
        let asked = match &mut self.state {
            State::Ready(inner) => inner.ask(&request).await,
            _ => Err(anyhow::anyhow!("the kernel has just ended")),
        };
        match asked {
            Ok(id) => {
                cell.id = id;
                if cell.is_code() {
                    let is_first = !cell.is_shown && !cell.request.again;
                    cell.progress.compiles(Instant::now(), is_first);
                }
            }
            Err(error) => {
                let sentence = format!("The cell could not be sent: {error:#}.");
                self.fail_here("KernelError", sentence).await;
            }
        }
    }

    pub(super) async fn shell_said(&mut self, said: shell::Said) {
        match said {
            shell::Said::Output { error, bytes } => {
                let kind = if error { Kind::Stderr } else { Kind::Stdout };
                self.output(kind, bytes).await;
            }
            shell::Said::Ended(status) => {
                let Some((_, lines)) = self.shell.take() else {
                    return;
                };
                let interrupted = self.running.as_ref().is_some_and(|cell| cell.interrupted);
                if interrupted {
                    let sentence = "You stopped this shell line. The rest of the cell was not run; nothing is lost.";
                    self.fail_here("Interrupted", sentence.into()).await;
                } else if !status.success() {
                    let sentence = format!(
                        "The shell line failed ({status}). The rest of the cell was not run."
                    );
                    self.fail_here("ShellError", sentence).await;
                } else {
                    self.run_lines(lines).await;
                }
            }
        }
    }

    /// Ends the running cell with an error of ours, before evcxr has seen it.
    pub(super) async fn fail_here(&mut self, name: &'static str, sentence: String) {
        let Some(cell) = &mut self.running else {
            return;
        };
        let error = CellError::new(name, sentence);
        let number = cell.number;
        let chunks = cell.rest();
        self.show_last(chunks).await;
        self.publish_in_cell("error", error.content()).await;
        self.close(Some(cell::reply_error(&error, number)), true)
            .await;
    }

    pub(super) async fn said(&mut self, said: Said) {
        match said {
            Said::Output(kind, content) => self.output(kind, content).await,
            Said::Published(message) => self.published(message).await,
            Said::Reply(message) => {
                if let Some(cell) = &mut self.running
                    && message.is_child_of(&cell.id)
                {
                    if !cell.is_code() {
                        let asked = complete::for_evcxr(&cell.request);
                        self.known.keep(asked, message.content.clone());
                    }
                    let reply = complete::from_evcxr(
                        &cell.request,
                        message.content,
                        &self.cells,
                        &self.place,
                    );
                    cell.reply = Some(reply);
                }
            }
            Said::Gone => return self.inner_is_gone().await,
        }
        if self.running.as_ref().is_some_and(Cell::is_done) {
            self.finish().await;
        }
    }

    pub(super) async fn published(&mut self, message: Message) {
        let is_ours = self
            .running
            .as_ref()
            .is_some_and(|cell| message.is_child_of(&cell.id));
        match message.kind() {
            "status" => {
                if let Some(cell) = &mut self.running
                    && is_ours
                {
                    cell.idle |= message.text("execution_state") == "idle";
                }
            }
            // We have told the input already, under our own number.
            "execute_input" => {}
            "error" if is_ours => {
                if let Some(cell) = &mut self.running {
                    cell.errors.push(message.content);
                }
            }
            "execute_result" if is_ours => {
                if let Some(cell) = &mut self.running {
                    cell.results.push(message.content);
                }
            }
            _ => {
                if is_ours {
                    self.end_progress(false).await;
                }
                // Comms, and whatever a later evcxr may publish. Their parent is the request as Jupyter knows it.
                let parent = self
                    .running
                    .as_ref()
                    .filter(|_| is_ours)
                    .map(|cell| cell.request.header.clone());
                self.ports
                    .publish_message(Message { parent, ..message })
                    .await;
            }
        }
    }

    /// evcxr has said that the cell is done, so all of its output has been sent.
    pub(super) async fn finish(&mut self) {
        // Read no more than was there when the cell ended; otherwise a thread that goes on printing would keep the cell from ending.
        while let (State::Ready(inner), Some(cell)) = (&mut self.state, &mut self.running)
            && !self.outbox.is_full()
            && cell.read_at_the_end < MOST_WAITING
            && let Some((kind, content)) = inner.output_so_far()
        {
            cell.read_at_the_end += 1;
            self.output(kind, content).await;
        }
        // This is called again when there is room for what waits.
        if !self.outbox.is_empty() {
            return;
        }
        let compiled = self.compiled();
        // JupyterLab's server says which notebook it is.
        let file = std::env::var_os("JPY_SESSION_NAME").map(|file| self.folder.join(file));
        let notebook = Notebook {
            cells: &self.cells,
            prelude: &self.prelude,
            file,
        };
        let Some(cell) = &mut self.running else {
            return;
        };
        if cell.ended.is_none() {
            cell.ended = self.ended_meanwhile.take();
        }
        let is_kept = |reply: &Value| reply["status"] == "ok";
        let is_kept = cell.reply.as_ref().is_some_and(is_kept);
        self.defined.ended(is_kept);
        self.attempts.ended(is_kept);
        let Ending {
            chunks,
            results,
            errors,
            reply,
            failed,
        } = cell.end(&notebook, &compiled);
        if cell.lost_its_process()
            && let State::Ready(inner) = &mut self.state
        {
            inner.forget_half_sent();
        }
        self.show_last(chunks).await;
        let is_again = self.running.as_ref().is_some_and(|cell| cell.request.again);
        for result in results.into_iter().filter(|_| !is_again) {
            self.publish_in_cell("execute_result", result).await;
        }
        for error in errors {
            self.publish_in_cell("error", error).await;
        }
        self.close(reply, failed).await;
    }

    /// Sends the reply of the running cell, and goes on.
    pub(super) async fn close(&mut self, reply: Option<Value>, failed: bool) {
        self.end_progress(false).await;
        let Some(cell) = &mut self.running else {
            return;
        };
        cell.progress.ends(Instant::now());
        let stops = failed && cell.request.flag("stop_on_error", true);
        let waiting = if stops {
            Box::pin(self.take_waiting()).await
        } else {
            Vec::new()
        };
        let Some(cell) = self.running.take() else {
            return;
        };
        let times = cell.is_code().then(|| cell.progress.times()).flatten();
        if let Some(times) = times
            && cell.is_stored()
        {
            self.times.keep(cell.number, times);
        }
        // From here on, nothing can stop the cell.
        if cell.interrupted
            && let State::Ready(inner) = &self.state
        {
            inner.order(&Order::Over);
        }
        if let Some(reply) = reply
            && wants_reply(&cell.request)
            && !cell.request.again
        {
            let kind = reply_kind(cell.request.kind());
            let metadata = times.map_or(json!({}), |times| times.metadata());
            self.ports
                .reply_with(Channel::Shell, &cell.request, &kind, reply, metadata)
                .await;
        }
        self.question = None;
        self.shell = None;
        if cell.is_code() {
            self.tell_busy(false);
            let effects = self.knobs.cell_ended(cell.request.again);
            self.carry_out(effects).await;
        }
        self.ports.publish_state(Some(&cell.request), "idle").await;
        self.outbox.idle(Instant::now());
        if cell.is_code() {
            self.last = Some(cell);
        }
        for request in &waiting {
            self.abort(request).await;
        }
        Box::pin(self.advance()).await;
    }

    /// The inner kernel ended without being asked: says so, and starts another.
    pub(super) async fn inner_is_gone(&mut self) {
        let said = match &self.state {
            State::Ready(inner) => inner.session().last_words(),
            _ => String::new(),
        };
        eprintln!("The inner kernel ended. It said: {said}");
        self.ended_meanwhile = None;
        let effects = self.knobs.forget_all();
        self.carry_out(effects).await;
        self.start(); // drops the old one, and its directory
        let has_quit = |cell: &Cell| {
            let mut lines = cell.request.text("code").lines();
            cell.is_code() && lines.any(|line| line.trim() == ":quit")
        };
        let sentence = match self.running.as_ref().is_some_and(has_quit) {
            true => ending::of_quit(),
            false => ending::of_the_kernel(&said),
        };
        let error = CellError::new("KernelDied", sentence);
        match self.running.as_mut() {
            Some(cell) if cell.is_code() => {
                let number = cell.number;
                let chunks = cell.rest();
                self.show_last(chunks).await;
                self.publish_in_cell("error", error.content()).await;
                self.close(Some(cell::reply_error(&error, number)), true)
                    .await;
            }
            running => {
                // Nothing that the page shows was running, so the next cell says what became of the variables.
                let reply = running
                    .filter(|cell| cell.request.kind().ends_with("_request"))
                    .map(|_| cell::reply_error(&error, self.count));
                match self.queue.iter().any(is_code) {
                    true => self.not_started(error).await,
                    false => self.notice = Some(error.value),
                }
                self.close(reply, false).await;
            }
        }
        self.tell_state(None).await;
    }
}
