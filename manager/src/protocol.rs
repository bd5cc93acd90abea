//! What a handle and the server say to each other. `README.md` draws it.

use crate::ManagerError;
use crate::frame::Fields;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a handle asks for. Dicts and lists have numbers, which `Open` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) enum Request<'a> {
    /// The number of the object with this name; it is made if there is none.
    Open {
        kind: Kind,
        /// Its types as text.
        types: &'a str,
        name: &'a str,
    },
    Dict(u32, DictOp<'a>),
    List(u32, ListOp<'a>),
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Dict,
    List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) enum DictOp<'a> {
    Len,
    Keys,
    Items,
    Clear,
    Get {
        key: Bytes<'a>,
    },
    Insert {
        key: Bytes<'a>,
        value: Bytes<'a>,
    },
    Remove {
        key: Bytes<'a>,
    },
    Contains {
        key: Bytes<'a>,
    },
    CompareExchange {
        key: Bytes<'a>,
        current: Option<Bytes<'a>>,
        new: Option<Bytes<'a>>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) enum ListOp<'a> {
    Len,
    Items,
    Clear,
    Get {
        index: u64,
    },
    Set {
        index: u64,
        value: Bytes<'a>,
    },
    Push {
        value: Bytes<'a>,
    },
    Pop,
    Extend {
        values: Fields<'a>,
    },
    CompareExchange {
        index: u64,
        current: Bytes<'a>,
        new: Bytes<'a>,
    },
}

/// What the server answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub(crate) enum Reply<'a> {
    /// It is done, and there is nothing to say.
    Done,
    /// There is no such value.
    Absent,
    /// A value, as a handle once sent it.
    Value(Bytes<'a>),
    /// How many, which one, or 0 and 1 for no and yes.
    Number(u64),
    /// Keys, elements, or keys and values in turn.
    Many(Fields<'a>),
    /// It was not done.
    Failed(ManagerError),
    /// It was not done, and the server closes the connection.
    Closed(ManagerError),
}

/// A key or a value, as `serde` and postcard write it. It is read without a copy.
///
/// A plain `&[u8]` would do, but `serde` writes that byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes<'a>, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Bytes)
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'a>, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{read, write};
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// The frame of a message, without its length.
    fn written<M: Serialize>(message: &M) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(message, &mut bytes).unwrap();
        bytes.split_off(4)
    }

    #[test]
    fn a_small_read_is_a_few_bytes() {
        let get = DictOp::Get { key: Bytes(&[7]) };
        assert_eq!(written(&Request::Dict(3, get)), [1, 3, 4, 1, 7]);
        assert_eq!(written(&Reply::Value(Bytes(&[42]))), [2, 1, 42]);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
            let _ = read::<Request>(&bytes);
            let _ = read::<Reply>(&bytes);
        }

        #[test]
        fn every_message_is_read_as_it_was_written(
            object in any::<u32>(),
            number in any::<u64>(),
            a in vec(any::<u8>(), 0..20),
            b in vec(any::<u8>(), 0..20),
            c in vec(any::<u8>(), 0..20),
            there in any::<(bool, bool)>(),
            name in ".{0,12}",
        ) {
            let (index, values) = (number, Fields(&a));
            let (a, b, c) = (Bytes(&a), Bytes(&b), Bytes(&c));
            let dict = [
                DictOp::Len,
                DictOp::Keys,
                DictOp::Items,
                DictOp::Clear,
                DictOp::Get { key: a },
                DictOp::Insert { key: a, value: b },
                DictOp::Remove { key: a },
                DictOp::Contains { key: a },
                DictOp::CompareExchange {
                    key: a,
                    current: there.0.then_some(b),
                    new: there.1.then_some(c),
                },
            ];
            let list = [
                ListOp::Len,
                ListOp::Items,
                ListOp::Clear,
                ListOp::Get { index },
                ListOp::Set { index, value: a },
                ListOp::Push { value: a },
                ListOp::Pop,
                ListOp::Extend { values },
                ListOp::CompareExchange { index, current: a, new: b },
            ];
            let open = [Kind::Dict, Kind::List].map(|kind| Request::Open { kind, types: "u8", name: &name });
            let dict = dict.map(|op| Request::Dict(object, op));
            let list = list.map(|op| Request::List(object, op));
            for request in open.iter().chain(&dict).chain(&list) {
                let bytes = written(request);
                prop_assert_eq!(read::<Request>(&bytes), Ok(*request));
                // Cut short, it is nothing at all.
                for cut in 0..bytes.len() {
                    prop_assert!(read::<Request>(&bytes[..cut]).is_err());
                }
            }
            let replies = [
                Reply::Done,
                Reply::Absent,
                Reply::Value(a),
                Reply::Number(number),
                Reply::Many(values),
                Reply::Failed(ManagerError::Gone),
                Reply::Closed(ManagerError::Refused(name.clone())),
            ];
            for reply in &replies {
                let bytes = written(reply);
                prop_assert_eq!(&read::<Reply>(&bytes).unwrap(), reply);
                for cut in 0..bytes.len() {
                    prop_assert!(read::<Reply>(&bytes[..cut]).is_err());
                }
            }
        }
    }
}
