use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// A map from bytes to bytes that remembers the order in which its keys were inserted, as Python's dict does. A key that is
/// written again keeps its place. A key that was removed and is inserted again comes last.
#[derive(Debug, Default)]
pub(crate) struct OrderedMap {
    entries: HashMap<Rc<[u8]>, Entry>,
    /// The keys by their numbers, which only grow: the order of insertion.
    order: BTreeMap<u64, Rc<[u8]>>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    /// The key's number.
    number: u64,
    value: Box<[u8]>,
}

impl OrderedMap {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(|entry| &entry.value[..])
    }

    /// Writes a value and returns the one that was there.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8]) -> Option<Box<[u8]>> {
        if let Some(entry) = self.entries.get_mut(key) {
            return Some(std::mem::replace(&mut entry.value, value.into()));
        }
        let key: Rc<[u8]> = key.into();
        self.order.insert(self.next, Rc::clone(&key));
        let entry = Entry {
            number: self.next,
            value: value.into(),
        };
        self.entries.insert(key, entry);
        self.next += 1;
        None
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Box<[u8]>> {
        let Entry { number, value } = self.entries.remove(key)?;
        self.order.remove(&number);
        Some(value)
    }

    /// Keys and values in the order of insertion.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.order
            .values()
            .map(|key| (&key[..], &self.entries[key].value[..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, u8),
        Remove(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..6u8, any::<u8>()).prop_map(|(key, value)| Step::Insert(key, value)),
            (0..6u8).prop_map(Step::Remove),
        ]
    }

    proptest! {
        /// The model is a vector that is searched from its front: too simple to be wrong.
        #[test]
        fn it_does_what_a_vector_of_pairs_does(steps in proptest::collection::vec(step(), 0..60)) {
            let (mut map, mut model) = (OrderedMap::default(), Vec::<(u8, u8)>::new());
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        let old = map.insert(&[key], &[value]);
                        let there = model.iter_mut().find(|(k, _)| *k == key);
                        let before = there.as_ref().map(|pair| [pair.1]);
                        prop_assert_eq!(old.as_deref(), before.as_ref().map(|v| &v[..]));
                        match there {
                            Some(pair) => pair.1 = value,
                            None => model.push((key, value)),
                        }
                    }
                    Step::Remove(key) => {
                        let old = map.remove(&[key]);
                        let place = model.iter().position(|(k, _)| *k == key);
                        let there = place.map(|place| [model.remove(place).1]);
                        prop_assert_eq!(old.as_deref(), there.as_ref().map(|v| &v[..]));
                    }
                }
                let items: Vec<(u8, u8)> = map.iter().map(|(k, v)| (k[0], v[0])).collect();
                prop_assert_eq!(&items, &model);
                prop_assert_eq!(map.len(), model.len());
                for key in 0..6u8 {
                    let value = model.iter().find(|(k, _)| *k == key).map(|(_, v)| [*v]);
                    prop_assert_eq!(map.get(&[key]), value.as_ref().map(|v| &v[..]));
                }
            }
        }
    }
}
