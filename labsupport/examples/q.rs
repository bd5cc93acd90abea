use labsupport::prelude::*;
use std::time::*;
fn cpu(pid: u32) -> u64 {
    let s = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    s.split(' ').next().unwrap().parse::<u64>().unwrap() / 1000
}
fn main() {
    let m = Manager::start().unwrap();
    let pid = m.pid() as u32;
    for round in 0..3 {
        let d = m.dict::<u8, u64>("e").unwrap();
        d.insert(0, 1).unwrap();
        let a = cpu(pid);
        Workers::spawn(4, |_| {
            for _ in 0..2000 {
                d.get(&0).unwrap();
            }
        })
        .unwrap()
        .join()
        .unwrap();
        let b = cpu(pid);
        std::thread::sleep(Duration::from_millis(100));
        let c = cpu(pid);
        std::thread::sleep(Duration::from_millis(100));
        println!(
            "round {round}: during {} µs, next 100 ms {} µs, next {} µs",
            b - a,
            c - b,
            cpu(pid) - c
        );
    }
}
