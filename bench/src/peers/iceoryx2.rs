//! The crate iceoryx2: shared memory without a copy between publisher and subscriber. Each subscriber gets each sample, so it is
//! no work queue, and 1→1 is the only shape that fits. `receive` does not wait: the consumer polls, and gives its core to others after 200
//! empty polls; or, with `make_with_event`, it sleeps until the publisher notifies it through an event service.
//!
//! Its files lie in the run's own folder, its shared memory has the run's own prefix; the keeper removes both.

use super::channel::{Channel, Plan, Shape, read, write};
use crate::keeper;
use anyhow::{Context, Result, bail};
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use iceoryx2::service::port_factory::{PortFactory as _, event};
use std::hint;
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How often the consumer polls before it gives its core to others: as often as our queue polls before it sleeps.
const LOOKS: u32 = 200;

type Messages = PortFactory<ipc::Service, [u8], ()>;
type Event = event::PortFactory<ipc::Service>;

/// The first message of a publisher.
const GREETING: u64 = u64::MAX - 1;

struct Iceoryx2<'a> {
    folder: &'a FilePath,
    name: String,
    size: usize,
    depth: usize,
    /// Whether the consumer sleeps on an event.
    sleeps: bool,
}

pub(crate) fn make<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    channel(plan, false)
}

pub(crate) fn make_with_event<'a>(plan: &Plan<'a>) -> Result<Box<dyn Channel + 'a>> {
    channel(plan, true)
}

fn channel<'a>(plan: &Plan<'a>, sleeps: bool) -> Result<Box<dyn Channel + 'a>> {
    let Shape {
        producers: 1,
        consumers: 1,
    } = plan.shape
    else {
        bail!("each subscriber gets each sample, so it is no work queue: 1→1 only");
    };
    // A service of its own for each run.
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    set_log_level(LogLevel::Error);
    Ok(Box::new(Iceoryx2 {
        folder: plan.folder,
        name: format!("run {run}"),
        size: plan.size,
        depth: plan.depth,
        sleeps,
    }))
}

impl Iceoryx2<'_> {
    /// Opens the service in the process that calls it: a node belongs to the process that made it.
    fn open(&self) -> Result<(Messages, Option<Event>)> {
        let mut config = Config::default();
        let root = self
            .folder
            .to_str()
            .context("the folder's name is not UTF-8")?;
        config.global.set_root_path(&root.try_into()?);
        config.global.prefix = keeper::prefix(self.folder).as_str().try_into()?;
        let node = NodeBuilder::new()
            .config(&config)
            // A Ctrl-C ends this process as it ends every other.
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()?;
        let service = node
            .service_builder(&self.name.as_str().try_into()?)
            .publish_subscribe::<[u8]>()
            // Nothing may be lost: a full buffer makes the publisher wait, as everywhere here.
            .enable_safe_overflow(false)
            .subscriber_max_buffer_size(self.depth)
            .open_or_create()?;
        let event = node
            .service_builder(&format!("{}, event", self.name).as_str().try_into()?)
            .event();
        let event = match self.sleeps {
            true => Some(event.open_or_create()?),
            false => None,
        };
        Ok((service, event))
    }
}

impl Channel for Iceoryx2<'_> {
    fn sender(&self) -> Box<dyn FnMut(u64) + '_> {
        let (service, event) = self.open().expect("the service can be opened");
        let notifier = event
            .as_ref()
            .map(|event| event.notifier_builder().create())
            .transpose()
            .expect("a notifier can be made");
        let publisher = service
            .publisher_builder()
            .initial_max_slice_len(self.size)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()
            .expect("a publisher can be made");
        // Before its subscriber has opened the connection, a publisher with a full buffer drops samples instead of waiting. So
        // the first one is a greeting, and nobody begins before it has arrived.
        while service.dynamic_config().number_of_subscribers() == 0 {
            thread::yield_now();
        }
        let mut message = vec![0; self.size];
        let mut send = move |number| {
            write(number, &mut message);
            let sample = publisher.loan_slice_uninit(message.len());
            let sample = sample.expect("there is a sample to loan");
            sample
                .write_from_slice(&message)
                .send()
                .expect("the subscriber lives");
            if let Some(notifier) = &notifier {
                // An event that cannot be added is one of many that wait: the subscriber is awake.
                let _ = notifier.notify();
            }
            // The services live as long as their ports.
            let _ = (&service, &event);
        };
        send(GREETING);
        Box::new(send)
    }

    fn receiver(&self) -> Box<dyn FnMut() -> u64 + '_> {
        let (service, event) = self.open().expect("the service can be opened");
        // Before the subscriber, for which the publisher waits: no event is missed.
        let listener = event
            .as_ref()
            .map(|event| event.listener_builder().create())
            .transpose()
            .expect("a listener can be made");
        let subscriber = service.subscriber_builder().create();
        let subscriber = subscriber.expect("a subscriber can be made");
        let receive = move || {
            let _ = (&service, &event);
            let mut looks = 0;
            loop {
                if let Some(sample) = subscriber.receive().expect("the publisher lives") {
                    return read(sample.payload());
                }
                looks += 1;
                match &listener {
                    Some(listener) => _ = listener.blocking_wait(|_| ()).expect("it can wait"),
                    None if looks < LOOKS => hint::spin_loop(),
                    None => thread::yield_now(),
                }
            }
        };
        assert_eq!(receive(), GREETING);
        Box::new(receive)
    }
}
