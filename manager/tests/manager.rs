//! The manager as a lab uses it: every call, many clients, lost and kept updates, and what is left when a process is killed.

#[path = "../../labsupport/tests/common/mod.rs"]
mod common;

use common::{LONG, alive, soon, spin_for_ever};
use labsupport::prelude::*;
use manager::prelude::*;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

#[test]
fn a_dict_does_what_pythons_does() {
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<String, Vec<u64>>("dict").unwrap();
    let key = |name: &str| String::from(name);
    assert!(dict.is_empty().unwrap());
    assert_eq!(dict.get(&key("a")).unwrap(), None);
    assert_eq!(dict.insert(key("a"), vec![1]).unwrap(), None);
    assert_eq!(dict.insert(key("b"), vec![]).unwrap(), None);
    assert_eq!(dict.insert(key("c"), vec![3; 1000]).unwrap(), None);
    assert_eq!(dict.insert(key("a"), vec![1, 2]).unwrap(), Some(vec![1]));
    assert_eq!(dict.len().unwrap(), 3);
    assert_eq!(dict.keys().unwrap(), ["a", "b", "c"]);
    assert!(dict.contains_key(&key("b")).unwrap());
    assert_eq!(dict.remove(&key("b")).unwrap(), Some(vec![]));
    assert_eq!(dict.remove(&key("b")).unwrap(), None);
    assert!(!dict.contains_key(&key("b")).unwrap());
    dict.insert(key("b"), vec![4]).unwrap();
    let items = [
        (key("a"), vec![1, 2]),
        (key("c"), vec![3; 1000]),
        (key("b"), vec![4]),
    ];
    assert_eq!(dict.items().unwrap(), items);
    dict.clear().unwrap();
    assert_eq!((dict.len().unwrap(), dict.keys().unwrap()), (0, vec![]));
    assert_eq!(format!("{dict:?}"), "Dict(\"dict\": String → Vec<u64>)");
}

#[test]
fn a_dict_swaps_only_what_is_expected() {
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u8, String>("dict").unwrap();
    let (one, two) = (String::from("one"), String::from("two"));
    let swap = |current: Option<&String>, new: Option<&String>| {
        dict.compare_exchange(&1, current.cloned(), new.cloned())
            .unwrap()
    };
    assert_eq!(swap(Some(&one), Some(&two)), Err(None));
    assert_eq!(swap(None, None), Ok(None));
    assert_eq!(swap(None, Some(&one)), Ok(None));
    assert_eq!(swap(None, Some(&two)), Err(Some(one.clone())));
    assert_eq!(swap(Some(&two), None), Err(Some(one.clone())));
    assert_eq!(dict.get(&1).unwrap(), Some(one.clone()));
    assert_eq!(swap(Some(&one), Some(&two)), Ok(Some(one)));
    assert_eq!(dict.get(&1).unwrap(), Some(two.clone()));
    assert_eq!(swap(Some(&two), None), Ok(Some(two)));
    assert!(dict.is_empty().unwrap());
}

#[test]
fn a_list_does_what_pythons_does() {
    let manager = Manager::start().unwrap();
    let list = manager.list::<(u8, String)>("list").unwrap();
    let element = |n: u8| (n, n.to_string());
    assert!(list.is_empty().unwrap());
    assert_eq!(list.pop().unwrap(), None);
    list.push(element(1)).unwrap();
    list.extend((2..=4).map(element)).unwrap();
    list.extend([]).unwrap();
    assert_eq!(list.len().unwrap(), 4);
    assert_eq!(list.get(2).unwrap(), Some(element(3)));
    assert_eq!(list.get(4).unwrap(), None);
    assert_eq!(list.get(usize::MAX).unwrap(), None);
    list.set(2, element(7)).unwrap();
    assert_eq!(list.pop().unwrap(), Some(element(4)));
    assert_eq!(list.items().unwrap(), [element(1), element(2), element(7)]);
    let swap = |to: u8| list.compare_exchange(0, element(1), element(to)).unwrap();
    assert_eq!(swap(9), Ok(element(1)));
    assert_eq!(swap(5), Err(element(9)));
    let added = list.update(0, |(n, _)| element(n + 1)).unwrap();
    assert_eq!(
        (added, list.get(0).unwrap()),
        (element(10), Some(element(10)))
    );
    let out_of_range = |error: ManagerError| {
        assert_eq!(error, ManagerError::OutOfRange { index: 3, len: 3 });
    };
    out_of_range(list.set(3, element(0)).unwrap_err());
    out_of_range(
        list.compare_exchange(3, element(0), element(0))
            .unwrap_err(),
    );
    out_of_range(list.update(3, |same| same).unwrap_err());
    list.clear().unwrap();
    assert_eq!((list.len().unwrap(), list.items().unwrap()), (0, vec![]));
    assert_eq!(format!("{list:?}"), "List(\"list\": (u8, String))");
}

#[test]
fn a_name_is_one_object_and_has_one_kind_and_one_pair_of_types() {
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u8, String>("name").unwrap();
    dict.insert(1, "one".into()).unwrap();
    let again = manager.dict::<u8, String>("name").unwrap();
    assert_eq!(again.get(&1).unwrap(), Some("one".into()));
    let clash = |error: ManagerError, asked: &str| {
        let said = error.to_string();
        let start =
            format!("\"name\" is a dict of u8 → String and was opened as a {asked}: open it");
        assert!(said.starts_with(&start), "{said}");
    };
    clash(
        manager.dict::<u8, u8>("name").unwrap_err(),
        "dict of u8 → u8",
    );
    clash(
        manager.dict::<u16, String>("name").unwrap_err(),
        "dict of u16 → String",
    );
    clash(manager.list::<u8>("name").unwrap_err(), "list of u8");
    // Other names, and strange ones, are other objects.
    for name in ["", "Name", "näme", "name\0"] {
        let other = manager.dict::<u8, String>(name).unwrap();
        assert!(other.is_empty().unwrap(), "{name:?}");
    }
    assert!(format!("{manager:?}").starts_with("Manager(process "));
}

#[test]
fn what_serde_cannot_do_is_an_error() {
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u8, NoLength>("dict").unwrap();
    let error = dict.insert(1, NoLength).unwrap_err();
    assert!(matches!(error, ManagerError::Unserialisable(_)), "{error}");
    // The connection is as good as before.
    assert_eq!(dict.len().unwrap(), 0);
    let dict = manager.dict::<u8, OneWay>("other").unwrap();
    dict.insert(1, OneWay(7)).unwrap();
    let error = dict.get(&1).unwrap_err();
    assert!(matches!(error, ManagerError::Unreadable(_)), "{error}");
    assert_eq!(dict.len().unwrap(), 1);
}

/// A sequence that does not say how long it is, which postcard cannot write.
#[derive(Debug)]
struct NoLength;

impl serde::Serialize for NoLength {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde::ser::SerializeSeq::end(serializer.serialize_seq(None)?)
    }
}

impl<'de> serde::Deserialize<'de> for NoLength {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<NoLength, D::Error> {
        Ok(NoLength)
    }
}

/// It writes two bytes and reads one.
#[derive(Debug, PartialEq)]
struct OneWay(u8);

impl serde::Serialize for OneWay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0, self.0).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for OneWay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<OneWay, D::Error> {
        u8::deserialize(deserializer).map(OneWay)
    }
}

#[test]
fn two_managers_know_nothing_of_each_other() {
    let (first, second) = (Manager::start().unwrap(), Manager::start().unwrap());
    assert_ne!(first.pid(), second.pid());
    let lists = [&first, &second].map(|manager| manager.list::<u64>("list").unwrap());
    let workers = Workers::spawn(4, |w| {
        let list = &lists[w.index() % 2];
        (0..100).try_for_each(|n| list.push(n * 2 + w.index() as u64 % 2))
    });
    let report = workers.unwrap().join_timeout(LONG).unwrap();
    assert_eq!(report.into_values().unwrap(), [const { Ok(()) }; 4]);
    for (parity, list) in lists.iter().enumerate() {
        let items = list.items().unwrap();
        assert_eq!(items.len(), 200);
        assert!(items.iter().all(|n| n % 2 == parity as u64));
    }
    drop(first);
    assert_eq!(lists[0].len(), Err(ManagerError::Gone));
    assert_eq!(lists[1].len(), Ok(200));
}

#[test]
fn sixty_four_clients_at_once() {
    const EACH: u64 = 200;
    let manager = Manager::start().unwrap();
    let dict = manager.dict::<u64, u64>("dict").unwrap();
    let list = manager.list::<u64>("list").unwrap();
    let begin = Barrier::new(64).unwrap();
    let workers = Workers::spawn(64, |w| {
        begin.wait();
        for n in 0..EACH {
            let key = w.index() as u64 * EACH + n;
            assert_eq!(dict.insert(key, key * 3).unwrap(), None);
            assert_eq!(dict.get(&key).unwrap(), Some(key * 3));
            list.push(key).unwrap();
        }
    });
    let report = workers.unwrap().join_timeout(3 * LONG).unwrap();
    report.values().unwrap();
    let items: HashMap<u64, u64> = dict.items().unwrap().into_iter().collect();
    assert_eq!(items.len() as u64, 64 * EACH);
    assert!(items.iter().all(|(key, value)| *value == key * 3));
    let pushed: HashSet<u64> = list.items().unwrap().into_iter().collect();
    assert_eq!(pushed.len() as u64, 64 * EACH);
}

#[test]
fn updates_lose_nothing_but_two_calls_do() {
    const EACH: u64 = 1_000;
    let manager = Manager::start().unwrap();
    let counts = manager.dict::<String, u64>("counts").unwrap();
    let (wrong, right) = (String::from("wrong"), String::from("right"));
    let list = manager.list::<u64>("list").unwrap();
    list.push(0).unwrap();
    let both = Barrier::new(4).unwrap();
    let workers = Workers::spawn(4, |_| {
        for _ in 0..EACH {
            counts
                .update(&right, |count| Some(count.unwrap_or(0) + 1))
                .unwrap();
            list.update(0, |count| count + 1).unwrap();
        }
        // All read before anybody writes: three of four are lost each time.
        for _ in 0..10 {
            let count = counts.get(&wrong).unwrap().unwrap_or(0);
            both.wait();
            counts.insert(wrong.clone(), count + 1).unwrap();
            both.wait();
        }
    });
    let report = workers.unwrap().join_timeout(3 * LONG).unwrap();
    report.values().unwrap();
    assert_eq!(counts.get(&right).unwrap(), Some(4 * EACH));
    assert_eq!(list.get(0).unwrap(), Some(4 * EACH));
    assert_eq!(counts.get(&wrong).unwrap(), Some(10));
}

#[test]
fn an_update_keeps_what_has_no_fixed_order_and_may_use_its_dict() {
    let manager = Manager::start().unwrap();
    // The same map is written in another order each time that it is made.
    let maps = manager.dict::<u8, HashMap<u64, u64>>("maps").unwrap();
    for n in 0..50 {
        maps.update(&1, |map| {
            let mut map = map.unwrap_or_default();
            map.insert(n, n);
            maps.insert(2, HashMap::new()).unwrap();
            Some(map)
        })
        .unwrap();
    }
    assert_eq!(maps.get(&1).unwrap().unwrap().len(), 50);
    // Another write comes in between: it is called again, with what is there now.
    let mut calls = 0;
    let updated = maps.update(&3, |map| {
        calls += 1;
        if calls == 1 {
            maps.insert(3, HashMap::from([(7, 7)])).unwrap();
        }
        map
    });
    assert_eq!(updated.unwrap(), Some(HashMap::from([(7, 7)])));
    assert_eq!(calls, 2);
}

#[test]
fn workers_of_workers_and_threads_have_their_own_connections() {
    let manager = Manager::start().unwrap();
    let list = manager.list::<u64>("list").unwrap();
    list.push(0).unwrap(); // connected before the fork
    let workers = Workers::spawn(2, |w| {
        list.push(1).unwrap();
        let inner = Workers::spawn(2, |_| {
            for _ in 0..50 {
                list.push(2).unwrap();
                assert_eq!(list.get(0).unwrap(), Some(0));
            }
        })
        .unwrap();
        for _ in 0..50 {
            assert_eq!(list.get(0).unwrap(), Some(0));
        }
        inner.join().unwrap().values().unwrap();
        // A worker may open more, and its copy of the manager ends nothing.
        let name = format!("of worker {}", w.index());
        manager.list::<u64>(&name).unwrap().push(7).unwrap();
    });
    let values = workers.unwrap().join_timeout(LONG).unwrap().values();
    values.unwrap();
    for name in ["of worker 0", "of worker 1"] {
        assert_eq!(manager.list::<u64>(name).unwrap().items().unwrap(), [7]);
    }
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let list = list.clone();
            scope.spawn(move || (0..50).for_each(|_| list.push(3).unwrap()));
        }
    });
    assert_eq!(list.len().unwrap(), 1 + 2 + 200 + 100);
}

#[test]
fn handles_outlive_the_manager_and_say_so() {
    let manager = Manager::start().unwrap();
    let pid = manager.pid();
    let dict = manager.dict::<u8, u8>("dict").unwrap();
    let list = manager.list::<u8>("list").unwrap();
    dict.insert(1, 1).unwrap();
    let unused = dict.clone();
    drop(manager);
    // Collected, not only dead.
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    for _ in 0..3 {
        assert_eq!(dict.get(&1), Err(ManagerError::Gone));
        assert_eq!(unused.get(&1), Err(ManagerError::Gone));
        assert_eq!(list.push(1), Err(ManagerError::Gone));
    }
    let worker = Workers::spawn(1, |_| dict.len()).unwrap();
    let values = worker.join_timeout(LONG).unwrap().into_values().unwrap();
    assert_eq!(values, [Err(ManagerError::Gone)]);
    assert!(ManagerError::Gone.to_string().contains("start another"));
}

#[test]
fn a_server_killed_in_mid_traffic_is_an_error_for_all_and_leaves_nothing() {
    let listed = |folder: &str| -> HashSet<std::ffi::OsString> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        entries.map(|entry| entry.file_name()).collect()
    };
    let before = listed("/tmp");
    for round in 0..20u64 {
        let manager = Manager::start().unwrap();
        let dict = manager.dict::<u64, String>("dict").unwrap();
        let count = Value::new(0u64).unwrap();
        let workers = Workers::spawn(4, |w| -> ManagerError {
            for n in 0.. {
                let text = "x".repeat(1 << (n % 17));
                if let Err(error) = dict.insert(w.index() as u64, text) {
                    return error;
                }
                *count.lock() += 1;
            }
            unreachable!()
        })
        .unwrap();
        assert!(soon(|| count.get() > round * 10));
        let kill = std::process::Command::new("kill")
            .args(["-9", &manager.pid().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let report = workers.join_timeout(LONG).unwrap();
        let errors = report.into_values().unwrap();
        assert!(
            errors.iter().all(|error| *error == ManagerError::Gone),
            "round {round}: {errors:?}"
        );
        assert_eq!(dict.len(), Err(ManagerError::Gone));
    }
    // Other programs may write there meanwhile, but what a manager left would be a socket.
    for name in listed("/tmp").difference(&before) {
        use std::os::unix::fs::FileTypeExt;
        let kind = std::fs::symlink_metadata(std::path::Path::new("/tmp").join(name));
        assert!(
            kind.is_ok_and(|kind| !kind.file_type().is_socket()),
            "{name:?}"
        );
    }
    let mine = format!("labs-{}-", std::process::id());
    assert!(soon(|| {
        !listed("/dev/shm")
            .iter()
            .any(|name| name.to_string_lossy().starts_with(&mine))
    }));
}

#[test]
fn no_socket_has_a_name() {
    let manager = Manager::start().unwrap();
    let list = manager.list::<u8>("list").unwrap();
    list.push(1).unwrap();
    let sockets = |pid: u32| -> HashSet<String> {
        std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .filter_map(|link| {
                let link = link.to_string_lossy().into_owned();
                let inode = link.strip_prefix("socket:[")?.strip_suffix(']')?;
                Some(inode.to_string())
            })
            .collect()
    };
    let mine = sockets(manager.pid());
    assert!(mine.len() >= 2, "the door and a connection: {mine:?}");
    // Num RefCount Protocol Flags Type St Inode Path
    let all = std::fs::read_to_string("/proc/net/unix").unwrap();
    for line in all.lines().skip(1) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        if mine.contains(columns[6]) {
            assert_eq!(columns.len(), 7, "{line}");
        }
    }
}

#[test]
fn the_server_dies_with_its_parent() {
    let pid = Value::new(0u32).unwrap();
    let parent = Workers::spawn(1, |_| -> () {
        let manager = Manager::start().unwrap();
        let list = manager.list::<u8>("list").unwrap();
        list.push(1).unwrap();
        pid.set(manager.pid());
        spin_for_ever()
    })
    .unwrap();
    assert!(soon(|| pid.get() != 0));
    assert!(alive(pid.get()));
    parent.kill(0);
    assert!(soon(|| !alive(pid.get())), "the server outlived its parent");
}

#[test]
fn a_pipe_of_the_parent_ends_though_the_server_lives() {
    // In a process of its own: workers that other tests fork meanwhile would have copies too.
    let parent = Workers::spawn(1, |_| {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let manager = Manager::start().unwrap();
        manager.list::<u8>("list").unwrap();
        drop(writer);
        let read = std::io::Read::read_to_end(&mut reader, &mut Vec::new());
        (read.unwrap(), alive(manager.pid()))
    });
    // With a copy of the writer in the server this would wait for as long as the server lives.
    let report = parent.unwrap().join_timeout(LONG).unwrap();
    assert_eq!(report.values().unwrap(), [(0, true)]);
}

#[test]
fn a_manager_is_no_producer_for_a_queue() {
    // In a process of its own: the children of this one belong to all its tests.
    let lonely = Workers::spawn(1, |_| {
        let _manager = Manager::start().unwrap();
        Queue::<u64>::bounded(2).unwrap().get()
    });
    let report = lonely
        .unwrap()
        .join_timeout(Duration::from_secs(20))
        .unwrap();
    assert_eq!(report.values().unwrap(), [Err(GetError::Disconnected)]);
}
