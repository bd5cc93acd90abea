//! The queue against a model of it that is too simple to be wrong: random operations one after the other, and random
//! producers and consumers at once. A case that fails is made smaller and printed; it is worth a test of its own then.

use labsupport::prelude::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

type Message = Vec<u8>;

/// What the queue promises: first in, first out, a bound of messages and a bound of bytes.
struct Model {
    messages: VecDeque<Message>,
    capacity: usize,
    bytes: usize,
}

/// What became of a put.
#[derive(Debug, PartialEq)]
enum Put {
    Done,
    Full(Message),
    TooLarge(Message, usize, usize),
}

impl Model {
    fn new(capacity: usize, bytes: usize) -> Model {
        Model {
            messages: VecDeque::new(),
            capacity,
            bytes: bytes.next_power_of_two().max(64),
        }
    }

    /// Bytes of a message as postcard writes it: a length, seven bits to the byte, and the bytes themselves.
    fn written(message: &Message) -> usize {
        let mut length = 1;
        while message.len() >> (7 * length) > 0 {
            length += 1;
        }
        length + message.len()
    }

    /// Bytes that it takes in the ring: a label of eight bytes before it, and up to the next multiple of eight.
    fn frame(message: &Message) -> usize {
        (8 + Model::written(message)).next_multiple_of(8)
    }

    fn put(&mut self, message: Message) -> Put {
        let (written, limit) = (Model::written(&message), self.bytes - 8);
        if written > limit {
            return Put::TooLarge(message, written, limit);
        }
        let used: usize = self.messages.iter().map(Model::frame).sum();
        if self.messages.len() == self.capacity || used + Model::frame(&message) > self.bytes {
            return Put::Full(message);
        }
        self.messages.push_back(message);
        Put::Done
    }
}

fn put(queue: &Queue<Message>, message: Message) -> Put {
    let Err(error) = queue.try_put(message) else {
        return Put::Done;
    };
    match *error.kind() {
        PutErrorKind::Full => Put::Full(error.into_inner()),
        PutErrorKind::TooLarge { bytes, limit } => Put::TooLarge(error.into_inner(), bytes, limit),
        ref other => panic!("refused: {other:?}"),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(Message),
    /// A message of so many bytes more than the queue can ever hold.
    PutTooLarge(usize),
    TryGet,
    GetTimeout,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..40).prop_map(Step::Put),
        // About where a length takes a second byte, and where a message leaves the stack.
        2 => vec(any::<u8>(), 100..300).prop_map(Step::Put),
        1 => (0..50usize).prop_map(Step::PutTooLarge),
        3 => Just(Step::TryGet),
        1 => Just(Step::GetTimeout),
    ]
}

/// A case that failed is printed, not kept in a file of its own. Making it smaller has a limit too: where the queue hangs,
/// every try takes until its deadline.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_time: 10_000, // milliseconds
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_queue_does_what_its_model_does(
        capacity in 1..20usize,
        bytes in 1..2_000usize,
        steps in vec(step(), 1..200),
    ) {
        let queue = Queue::<Message>::bounded_bytes(capacity, bytes).unwrap();
        let mut model = Model::new(capacity, bytes);
        for step in steps {
            match step {
                Step::Put(message) => {
                    prop_assert_eq!(put(&queue, message.clone()), model.put(message));
                }
                Step::PutTooLarge(more) => {
                    let message = vec![7; model.bytes - 8 + more];
                    let said = put(&queue, message.clone());
                    prop_assert!(matches!(said, Put::TooLarge(..)));
                    prop_assert_eq!(said, model.put(message));
                }
                Step::TryGet => {
                    let expected = model.messages.pop_front().ok_or(GetError::Empty);
                    prop_assert_eq!(queue.try_get(), expected);
                }
                Step::GetTimeout => {
                    let expected = model.messages.pop_front().ok_or(GetError::Empty);
                    // Without other threads no producer is left, and it says that instead.
                    let said = queue.get_timeout(Duration::ZERO);
                    let said = said.map_err(|error| match error {
                        GetError::Disconnected => GetError::Empty,
                        other => other,
                    });
                    prop_assert_eq!(said, expected);
                }
            }
            prop_assert_eq!(queue.len(), model.messages.len());
            prop_assert_eq!(queue.is_empty(), model.messages.is_empty());
            prop_assert_eq!(queue.capacity(), capacity);
        }
        // What is left comes out too.
        for expected in model.messages {
            prop_assert_eq!(queue.try_get(), Ok(expected));
        }
        prop_assert_eq!(queue.try_get(), Err(GetError::Empty));
    }
}

/// The same for bytes that are lent in place.
struct Lent {
    /// Each with the bytes that it takes in the ring.
    messages: VecDeque<(Message, usize)>,
    capacity: usize,
    bytes: usize,
    /// Bytes that were ever put.
    end: usize,
}

impl Lent {
    fn put(&mut self, message: Message) -> Result<(), PutErrorKind> {
        let (bytes, limit) = (message.len(), self.bytes - 8);
        if bytes > limit {
            return Err(PutErrorKind::TooLarge { bytes, limit });
        }
        let used: usize = self.messages.iter().map(|(_, frame)| frame).sum();
        let frame = |skip: usize| (8 + skip + bytes).next_multiple_of(8);
        if self.messages.len() == self.capacity || used + frame(0) > self.bytes {
            return Err(PutErrorKind::Full);
        }
        // From 1 KB on at a multiple of 16, if there is room for that.
        let skip = if bytes >= 1024 {
            self.end.wrapping_add(8) % 16
        } else {
            0
        };
        let fits = used + 8 + skip + bytes <= self.bytes;
        let frame = frame(if fits { skip } else { 0 });
        self.end += frame;
        self.messages.push_back((message, frame));
        Ok(())
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_queue_of_bytes_does_what_its_model_does(
        capacity in 1..10usize,
        bytes in 1..10_000usize,
        // How long a message is, as a share of the queue; nothing takes one.
        steps in vec(prop_oneof![Just(None), (0..=1_000usize).prop_map(Some)], 1..200),
    ) {
        let queue = Queue::<[u8]>::bounded_bytes(capacity, bytes).unwrap();
        let bytes = bytes.next_power_of_two().max(64);
        let mut model = Lent { messages: VecDeque::new(), capacity, bytes, end: 0 };
        for (number, step) in steps.into_iter().enumerate() {
            if let Some(share) = step {
                // Most are short; some are as long as the queue, or longer.
                let len = bytes * share * share / 990_000;
                let message = vec![number as u8; len];
                let said = queue.put_with_timeout(len, Duration::ZERO, |place| {
                    place.copy_from_slice(&message);
                });
                let said = said.map_err(|error| match error.kind().clone() {
                    PutErrorKind::Disconnected => PutErrorKind::Full, // without other threads
                    other => other,
                });
                prop_assert_eq!(said, model.put(message));
            } else {
                let expected = model.messages.pop_front().map(|(message, _)| message);
                let got = queue.get_with_timeout(Duration::ZERO, <[u8]>::to_vec);
                prop_assert_eq!(got.ok(), expected);
            }
            prop_assert_eq!(queue.len(), model.messages.len());
        }
    }
}

/// The sender, the number, and bytes that follow from both.
type Sent = (usize, usize, Vec<u8>);

fn sent(producer: usize, number: usize, longest: usize) -> Sent {
    let length = (producer * 31 + number * 17) % (longest + 1);
    let byte = (producer * 100 + number) as u8;
    (producer, number, vec![byte; length])
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn every_message_comes_out_once_and_in_the_order_of_its_producer(
        counts in vec(0..200usize, 1..=3),
        consumers in 1..=3usize,
        capacity in 1..30usize,
        longest in 0..400usize,
        room in 0..2_000usize,
    ) {
        // At the least what the longest message takes with its numbers.
        let queue = Queue::<Option<Sent>>::bounded_bytes(capacity, longest + 24 + room).unwrap();
        let consumers = Workers::spawn(consumers, |_| {
            let mut got: Vec<(usize, usize)> = Vec::new();
            while let Some(message) = queue.get_timeout(LONG).unwrap() {
                let (producer, number) = (message.0, message.1);
                assert_eq!(message, sent(producer, number, longest));
                got.push((producer, number));
            }
            got
        })
        .unwrap();
        let producers = Workers::spawn(counts.len(), |w| {
            for number in 0..counts[w.index()] {
                let message = sent(w.index(), number, longest);
                queue.put_timeout(Some(message), LONG).unwrap();
            }
        })
        .unwrap();
        let ended = producers.join_timeout(LONG).unwrap();
        prop_assert!(ended.values().is_ok(), "{}", ended);
        for _ in consumers.pids() {
            queue.put_timeout(None, LONG).unwrap();
        }
        let ended = consumers.join_timeout(LONG).unwrap();
        let Ok(got) = ended.values() else {
            return Err(TestCaseError::fail(ended.to_string()));
        };
        for (producer, &count) in counts.iter().enumerate() {
            let mut all = Vec::new();
            for got in &got {
                let numbers = got.iter().filter(|(of, _)| *of == producer).map(|(_, number)| *number);
                prop_assert!(numbers.clone().is_sorted(), "out of order: {:?}", got);
                all.extend(numbers);
            }
            all.sort();
            prop_assert!(all.into_iter().eq(0..count), "of producer {}: {:?}", producer, got);
        }
        prop_assert!(queue.is_empty());
    }
}
