//! Takes Jupyter's requests in turn: answers them here, refuses them, or begins them. Interrupt and shutdown do not wait for their turn.

use super::*;

impl Front {
    /// Answers the clients that asked whether the kernel is ready.
    pub(super) async fn answer_early(&mut self) {
        for request in self.early.end() {
            let content = answers::kernel_info(&self.rust);
            self.answer(Channel::Shell, &request, "kernel_info_reply", content)
                .await;
        }
    }

    /// Answers `request` between "busy" and "idle", as the protocol wants it. A message that is not a request gets no reply.
    pub(super) async fn answer(
        &mut self,
        channel: Channel,
        request: &Message,
        kind: &str,
        content: Value,
    ) {
        self.ports.publish_state(Some(request), "busy").await;
        if wants_reply(request) {
            self.ports.reply(channel, request, kind, content).await;
        }
        self.ports.publish_state(Some(request), "idle").await;
        if self.running.is_some() || matches!(self.state, State::Starting(_)) {
            // That "idle" was about this request; the kernel is still at work.
            let cell = self.running.as_ref().map(|cell| cell.request.clone());
            self.tell_state(cell.as_ref()).await;
        }
    }

    /// The answer to a completion or an inspection; `None` if evcxr must give it and no cell keeps evcxr busy.
    pub(super) fn about_code(&self, request: &Message) -> Option<Value> {
        let is_free = matches!(self.state, State::Ready(_))
            && !self.running.as_ref().is_some_and(Cell::is_code)
            && !self.queue.iter().any(is_code);
        // A request without code is refused when its turn comes.
        if !request.content["code"].is_string() {
            return None;
        }
        complete::answer(request, &self.cells, &self.place, &self.known, is_free)
    }

    /// Takes requests from the queue as long as there is one that can be answered.
    pub(super) async fn advance(&mut self) {
        while self.running.is_none()
            && let Some(request) = self.queue.pop_front()
        {
            let Some(mut request) = self.early.keep(request) else {
                continue;
            };
            if let Some(content) = self.about_code(&request) {
                let kind = reply_kind(request.kind());
                self.answer(Channel::Shell, &request, &kind, content).await;
                continue;
            };
            if let Err(flaw) = request::complete(&mut request) {
                let error = CellError::new("BadRequest", flaw);
                self.refuse(&request, &error).await;
                continue;
            }
            if request.kind() == "shutdown_request" {
                self.shut_down(Channel::Shell, &request).await;
                return;
            }
            if self.answer_alone(Channel::Shell, &request).await {
                continue;
            }
            if is_code(&request) && request.text("code").contains('\0') {
                // evcxr never comes back from one.
                let error = CellError::new(
                    "BadCharacter",
                    "The cell holds a character that no program may have (NUL), most often after copying from elsewhere. Type \
                     that line anew.",
                );
                self.fail(&request, &error).await;
                continue;
            }
            if !FOR_EVCXR.contains(&request.kind()) {
                self.not_known(Channel::Shell, &request).await;
                continue;
            }
            let mut without_lines = request.clone();
            without_lines.content["code"] = shell::split(request.text("code")).1.into();
            let prepared = self
                .defined
                .prepare(&without_lines, self.count + 1, &self.prelude);
            if let Some(refusal) = &prepared.refusal {
                self.fail(&request, refusal).await;
                continue;
            }
            match &mut self.state {
                State::Ready(_) => self.begin(request, prepared).await,
                State::Starting(_) => {
                    self.queue.push_front(request);
                    return;
                }
                State::Down(_) if is_code(&request) => {
                    self.queue.push_front(request);
                    self.start();
                    self.tell_state(None).await;
                    return;
                }
                State::Down(reason) => {
                    let error = CellError::new("NotStarted", reason.clone());
                    self.refuse(&request, &error).await;
                }
            }
        }
    }

    /// Answers `request` if that needs no inner kernel. Returns whether it did.
    pub(super) async fn answer_alone(&mut self, channel: Channel, request: &Message) -> bool {
        let content = match request.kind() {
            "kernel_info_request" => answers::kernel_info(&self.rust),
            "comm_info_request" => answers::comm_info(request, self.knobs.comms()),
            "history_request" => answers::history(request, &self.history),
            "connect_request" => self.ports.numbers.clone(),
            "is_complete_request" => answers::is_complete(request.text("code")),
            "execute_request" if request.text("code").trim().is_empty() => {
                // Nothing runs, but the definitions that the cell had before are gone from it.
                self.defined.prepare(request, self.count, &self.prelude);
                self.defined.ended(true);
                cell::reply_ok(request, self.count)
            }
            "comm_open" | "comm_msg" | "comm_close" => {
                self.ports.publish_state(Some(request), "busy").await;
                self.heard_of_the_page(request).await;
                json!({})
            }
            _ => return false,
        };
        let kind = reply_kind(request.kind());
        self.answer(channel, request, &kind, content).await;
        true
    }

    /// As [`answer_alone`](Front::answer_alone), on the shell port, if `request` is as it must be.
    pub(super) async fn answer_whole(&mut self, request: &Message) -> bool {
        let mut request = request.clone();
        request::complete(&mut request).is_ok() && self.answer_alone(Channel::Shell, &request).await
    }

    /// Answers a request that neither we nor evcxr understand.
    pub(super) async fn not_known(&mut self, channel: Channel, request: &Message) {
        eprintln!("A message of the type {} was refused.", request.kind());
        let error = CellError::new(
            "NotSupported",
            format!(
                "This kernel does not know messages of the type {} on this channel.",
                request.kind()
            ),
        );
        let mut content = error.content();
        content["status"] = json!("error");
        let kind = reply_kind(request.kind());
        self.answer(channel, request, &kind, content).await;
    }

    pub(super) async fn control(&mut self, mut request: Message) {
        match request.kind() {
            "interrupt_request" => {
                self.interrupt(&request.header).await;
                let reply = json!({"status": "ok"});
                self.answer(Channel::Control, &request, "interrupt_reply", reply)
                    .await;
            }
            "shutdown_request" => self.shut_down(Channel::Control, &request).await,
            // Cells, and questions for evcxr, wait for their turn; on this channel, nothing waits.
            "execute_request" => self.not_known(Channel::Control, &request).await,
            _ => {
                let is_whole = request::complete(&mut request).is_ok();
                if !is_whole || !self.answer_alone(Channel::Control, &request).await {
                    self.not_known(Channel::Control, &request).await;
                }
            }
        }
    }

    pub(super) async fn shut_down(&mut self, channel: Channel, request: &Message) {
        let restart = request.flag("restart", false);
        self.end_progress(false).await;
        let reply = json!({"status": "ok", "restart": restart});
        self.ports
            .publish(Some(request), "shutdown_reply", reply.clone())
            .await;
        self.answer(channel, request, "shutdown_reply", reply).await;
        // The sockets' own tasks still have to send the last messages; give them time for that.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.done = true;
    }

    /// Stops the cell that is running, and nothing else.
    pub(super) async fn interrupt(&mut self, order: &Header) {
        if let (Some((shell, _)), Some(cell)) = (&mut self.shell, &mut self.running) {
            cell.interrupted = true;
            return shell.kill();
        }
        // A cell that only waits for a knob ends well.
        if self.end_knobs().await {
            return;
        }
        match (&mut self.state, &mut self.running) {
            (State::Ready(inner), Some(cell)) if cell.is_code() => {
                // The tap knows whether the cell has begun. A second order changes nothing.
                if !cell.interrupted {
                    cell.interrupted = true;
                    self.outbox.forget_figures();
                }
                inner.order(&Order::Stop);
                inner.kill_compilers();
            }
            (State::Starting(_), _) if self.queue.iter().any(is_code) => {
                let error = "You stopped this cell before it began: the kernel was still starting. Nothing is lost; run it again.";
                self.not_started(CellError::new("Interrupted", error)).await;
            }
            // No cell runs. evcxr would end its runtime, and all variables with it.
            _ => match self.take_first_cell() {
                // It waits until a question about code is answered.
                Some(first) => self.fail(&first, &ending::stopped_before_it_began()).await,
                // The order may have overtaken its cell.
                None => self.stopped = Some((order.clone(), Instant::now())),
            },
        }
    }

    /// Whether the student has stopped the cell `request` before it arrived: the two come by different ways, and the order may be faster.
    /// By the page's clock, the cell is older.
    pub(super) fn was_stopped_before(&self, request: &Message) -> bool {
        self.stopped.as_ref().is_some_and(|(order, when)| {
            when.elapsed() < OVERTAKES && request.header.date < order.date
        })
    }

    /// The first cell that waits.
    fn take_first_cell(&mut self) -> Option<Message> {
        let first = self.queue.iter().position(is_code)?;
        self.queue.remove(first)
    }

    /// Answers the cells that wait for a kernel: the first with the reason, the others as not run.
    pub(super) async fn not_started(&mut self, error: CellError) {
        let Some(first) = self.take_first_cell() else {
            return;
        };
        self.fail(&first, &error).await;
        // Other requests that wait must be answered too.
        while let Some(request) = self.queue.pop_front() {
            self.refuse(&request, &error).await;
        }
    }

    /// Answers the cell `request` with the reason, and the cells that were sent after it as not run.
    pub(super) async fn fail(&mut self, request: &Message, error: &CellError) {
        let waiting = self.take_waiting().await;
        self.refuse(request, error).await;
        for later in &waiting {
            self.abort(later).await;
        }
    }

    /// Answers `request` with an error.
    pub(super) async fn refuse(&mut self, request: &Message, error: &CellError) {
        self.ports.publish_state(Some(request), "busy").await;
        if is_code(request) && !request.flag("silent", false) {
            self.ports
                .publish(Some(request), "error", error.content())
                .await;
        }
        if wants_reply(request) && !request.again {
            let reply = cell::reply_error(error, self.count);
            self.ports
                .reply(Channel::Shell, request, &reply_kind(request.kind()), reply)
                .await;
        }
        self.ports.publish_state(Some(request), "idle").await;
        self.not_explored(request).await;
    }

    /// *Explore* was pressed, and the cell could not be begun.
    async fn not_explored(&mut self, request: &Message) {
        if request.again {
            let effects = self.knobs.cell_ended(true);
            self.carry_out(effects).await;
        }
    }

    /// The cells that were sent together with one that fails now: those that arrived before the page was told of the failure.
    pub(super) async fn take_waiting(&mut self) -> Vec<Message> {
        while let Some((channel, message)) = self.ports.next_if_there().await {
            match channel {
                Channel::Shell => self.queue.push_back(message),
                _ => Box::pin(self.handle(Event::Asked(channel, message))).await,
            }
        }
        let (waiting, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition(is_code);
        self.queue = kept.into();
        waiting
    }

    /// Answers a cell that is not run, because one before it failed: so Run All stops.
    pub(super) async fn abort(&mut self, request: &Message) {
        if request.again {
            return self.not_explored(request).await;
        }
        // Without a number: the prompt stays empty.
        let reply = json!({"status": "aborted"});
        self.answer(Channel::Shell, request, "execute_reply", reply)
            .await;
    }
}
