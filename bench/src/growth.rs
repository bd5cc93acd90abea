//! How cost grows: with the number of workers, with the depth of a queue, with the size of an array, with the number of notebooks, with the
//! length of a notebook.
//! Each gives a figure, and a sentence that names the first wall: the size from which on the cost has at least doubled.

use crate::bench::Bench;
use crate::peers::kernel::{Kernels, Kind};
use anyhow::{Context, Result};
use figures::{Format, Lines};
use indicatif::ProgressBar;
use labsupport::prelude::{Array, Barrier, Queue, Samples, Workers, machine};
use serde_json::json;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

pub(crate) const STEPS: usize = 5;

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    workers(bench)?;
    queue(bench)?;
    arrays(bench)?;
    notebooks(bench)?;
    cells(bench)
}

/// Sizes of something that grows, each with its cost in nanoseconds or bytes.
type Curve = Vec<(f64, f64)>;

/// The cost of starting and joining workers, and how much each additional worker adds to it.
fn workers(bench: &mut Bench) -> Result<()> {
    let rounds = bench.rounds(31);
    let bar = bench.next("workers, 1 to 64", rounds);
    let [curve] = in_turn(&[1, 2, 4, 8, 16, 32, 64], rounds, &bar, |count| {
        let start = Instant::now();
        let workers = Workers::spawn(count, |w| w.index() as u64)?;
        black_box(workers.join()?.values()?);
        Ok([nanos(start) / count as f64])
    })?;
    bar.finish_and_clear();
    let wall = match wall(&curve) {
        Some((from, factor)) => format!(
            "The first wall: with {from} workers each costs {factor} times as much as at the cheapest."
        ),
        None => format!(
            "No wall up to 64: with so many each costs {} times as much as at the cheapest. The first wall is {}.",
            Format::Number.write(curve.last().map_or(1.0, |last| last.1) / cheapest(&curve)),
            files_run_out()?
        ),
    };
    show(
        bench,
        "growth_workers",
        "Starting and joining workers",
        "workers",
        "time per worker",
        &wall,
        vec![("start and join", curve)],
    )
}

/// How many workers the limit on open files allows: each worker needs a pipe to its parent.
fn files_run_out() -> Result<String> {
    let open = || -> Result<f64> { Ok(fs::read_dir("/proc/self/fd")?.count() as f64) };
    let before = open()?;
    let workers = Workers::spawn(8, |_| ())?;
    let each = (open()? - before) / 8.0;
    workers.join()?;
    // SAFETY: all zeros are a valid rlimit, and the pointer is to a live local.
    let most = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_cur as f64
    };
    Ok(format!(
        "the limit of open files: {} of {} for each worker, so some {} workers",
        Format::Number.write(each),
        Format::Number.write(most),
        Format::Number.write(((most - before) / each).floor()),
    ))
}

/// Throughput against the room in the queue, and the time to fill a queue that nobody empties.
fn queue(bench: &mut Bench) -> Result<()> {
    let depths: Vec<usize> = (0..=6).map(|power| 10usize.pow(power)).collect();
    let rounds = bench.rounds(31);
    let bar = bench.next("queue, 1 to 1,000,000 deep", rounds);
    let messages: u64 = if bench.quick { 20_000 } else { 200_000 };
    let [through, filled] = in_turn(&depths, rounds, &bar, |depth| {
        let carried = carry(depth, messages)?;
        let queue = Queue::<u64>::bounded(depth)?;
        let start = Instant::now();
        for number in 0..depth as u64 {
            queue.put(number)?;
        }
        Ok([carried, nanos(start) / depth as f64])
    })?;
    bar.finish_and_clear();
    let most = (0..62).rfind(|power| Queue::<u64>::bounded_bytes(1, 1 << power).is_ok());
    let wall = format!(
        "{} A queue holds 2^{} bytes at the most.",
        room_that_pays(&through),
        most.unwrap_or(0),
    );
    let series = vec![
        ("1→4, time per message", through),
        ("filling it, time per message", filled),
    ];
    show(
        bench,
        "growth_queue",
        "A queue of u64, by the room in it",
        "messages that may wait",
        "time per message",
        &wall,
        series,
    )
}

/// What the numbers say about the room in a queue: too much of it, too little, or neither.
fn room_that_pays(through: &Curve) -> String {
    let best = cheapest(through);
    let times = |cost: f64| Format::Number.write(cost / best);
    let ((least, tightest), (most, widest)) = (through[0], through[through.len() - 1]);
    if let Some((room, factor)) = wall(through) {
        let room = Format::Number.write(room);
        return format!(
            "The first wall: with room for {room} messages each costs {factor} times as much as at the cheapest."
        );
    }
    match through.iter().find(|(_, cost)| *cost <= best * 1.25) {
        Some((enough, _)) if *enough > least => format!(
            "The wall is at the other end: with room for one message a hand-off costs {} times as much as at best, and room for {} \
             is enough.",
            times(tightest),
            Format::Number.write(*enough)
        ),
        _ => format!(
            "No wall: a message costs {} times as much as at best with room for one, and {} times with room for {}.",
            times(tightest),
            times(widest),
            Format::Number.write(most)
        ),
    }
}

/// One producer, four consumers: nanoseconds per message.
fn carry(depth: usize, messages: u64) -> Result<f64> {
    let (queue, together) = (Queue::<Option<u64>>::bounded(depth)?, Barrier::new(5)?);
    let epoch = Instant::now();
    let workers = Workers::spawn(5, |w| {
        together.wait();
        let begun = epoch.elapsed().as_nanos() as u64;
        if w.index() == 0 {
            (0..messages).for_each(|number| queue.put(Some(number)).expect("somebody takes"));
            (0..4).for_each(|_| queue.put(None).expect("somebody takes"));
            return begun;
        }
        while queue.get().expect("somebody puts").is_some() {}
        epoch.elapsed().as_nanos() as u64
    })?;
    let moments = workers.join()?.into_values()?;
    let ended = moments[1..].iter().max().context("there are consumers")?;
    Ok((ended - moments[0]) as f64 / messages as f64)
}

/// Making an array, touching each of its pages for the first time, and reading all of it.
fn arrays(bench: &mut Bench) -> Result<()> {
    let sizes: Vec<usize> = (0..=9).map(|power| 8 << (3 * power)).collect();
    let bar = bench.next("array, 8 B to 1 GB", sizes.len());
    let mut curves = [Curve::new(), Curve::new(), Curve::new()];
    let mut wall = String::new();
    for &bytes in &sizes {
        let room = free_memory().min(free_shared_memory());
        if bytes as f64 * 1.5 > room {
            wall = format!(
                "The first wall: {} do not fit, since {} are free.",
                megabytes(bytes as f64),
                megabytes(room)
            );
            break;
        }
        let rounds = bench.rounds(if bytes > 64 << 20 { 3 } else { 15 });
        let mut samples = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..rounds {
            let start = Instant::now();
            let array = Array::<u64>::new(bytes / 8)?;
            samples[0].push(nanos(start));
            let start = Instant::now();
            let mut guard = array.lock();
            (0..guard.len())
                .step_by(512)
                .for_each(|index| guard[index] = 1);
            samples[1].push(nanos(start));
            let start = Instant::now();
            black_box(guard.iter().sum::<u64>());
            samples[2].push(nanos(start));
        }
        for (curve, samples) in curves.iter_mut().zip(samples) {
            curve.push((bytes as f64, Samples::new("", samples).median()));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let [made, touched, read] = curves;
    if wall.is_empty() {
        let rate = |curve: &Curve| {
            let (bytes, time) = curve.last().copied().unwrap_or((0.0, 1.0));
            Format::Number.write(bytes / time)
        };
        wall = format!(
            "No wall up to 1 GB: the largest is made in {}, touched with {} bytes per nanosecond and read with {}. The first wall is \
             what is free: {}.",
            Format::Nanoseconds.write(made.last().map_or(0.0, |point| point.1)),
            rate(&touched),
            rate(&read),
            megabytes(free_memory().min(free_shared_memory())),
        );
    }
    let series = vec![
        ("make", made),
        ("first touch of each page", touched),
        ("read all", read),
    ];
    show(
        bench,
        "growth_array",
        "An array of u64, by its size",
        "bytes",
        "time",
        &wall,
        series,
    )
}

/// Several notebooks open at once: the memory of all, and how long the last one takes from its start to its figure.
fn notebooks(bench: &mut Bench) -> Result<()> {
    let most = if bench.quick { 2 } else { 20 };
    let bar = bench.next(&format!("notebooks, 1 to {most}"), 1);
    let opened = Kernels::find(&bench.folder, bench.quick)
        .and_then(|kernels| kernels.many(Kind::Labs, most));
    bar.finish_and_clear();
    let lines = match opened {
        Ok(lines) => lines,
        Err(why) => return bench.skip("notebooks at once", "1 to 20", &why),
    };
    let (mut memory, mut start) = (Curve::new(), Curve::new());
    let mut wall = None;
    for line in &lines {
        if let Some(stopped) = line["stopped"].as_str() {
            wall = Some(format!(
                "The first wall is memory: stopped there, since {stopped}."
            ));
            break;
        }
        let count = line["count"].as_f64().context("the client counts")?;
        let bytes = line["memory"]
            .as_f64()
            .context("the client tells the memory")?;
        memory.push((count, bytes / 1e6));
        start.push((
            count,
            line["seconds"]
                .as_f64()
                .context("the client tells the time")?,
        ));
    }
    let (count, bytes) = memory.last().copied().context("no notebook was opened")?;
    let wall = wall.unwrap_or_else(|| {
        let each = bytes / count;
        let room = free_memory() / 1e6;
        let slower = start.last().map_or(1.0, |last| last.1) / cheapest(&start);
        format!(
            "The first wall is memory: each notebook takes {} MB, so what is free on this machine ends at about {} of them. The last \
             took {} times as long to its figure as the fastest.",
            Format::Number.write(each),
            Format::Number.write((room / each).floor()),
            Format::Number.write(slower),
        )
    });
    let figure = Lines::new("Notebooks open at once: memory")
        .x("notebooks, each with a figure")
        .y("MB in all")
        .series("front, kernel and runtime", memory.clone())
        .caption(format!("{wall} Measured on {}.", machine()));
    bench.record(
        json!({"name": "growth_notebooks_memory", "unit": "MB", "points": memory, "wall": wall}),
    )?;
    bench.figure("growth_notebooks_memory", &figure)?;
    let figure = Lines::new("Notebooks open at once: how long the next takes")
        .x("notebooks, each with a figure")
        .y("start to first figure")
        .y_format(Format::Seconds)
        .series("no spare", start.clone())
        .caption(format!("{wall} Measured on {}.", machine()));
    bench.record(
        json!({"name": "growth_notebooks_start", "unit": "s", "points": start, "wall": wall}),
    )?;
    bench.figure("growth_notebooks_start", &figure)
}

/// A long notebook: how long a cell of one line takes, by the number of cells above it.
fn cells(bench: &mut Bench) -> Result<()> {
    let counts = if bench.quick { "1,3" } else { "1,10,30,100" };
    let bar = bench.next("a cell below others", 1);
    let run = Kernels::find(&bench.folder, bench.quick)
        .and_then(|kernels| kernels.long(Kind::Labs, counts));
    bar.finish_and_clear();
    let lines = match run {
        Ok(lines) => lines,
        Err(why) => return bench.skip("a cell below others", counts, &why),
    };
    let mut curves: Vec<(String, Curve)> = Vec::new();
    for line in &lines {
        let what = line["what"].as_str().context("the client says what")?;
        let count = line["count"].as_f64().context("the client counts")?;
        let took = line["seconds"]
            .as_f64()
            .context("the client tells the time")?;
        match curves.iter_mut().find(|(name, _)| name == what) {
            Some((_, curve)) => curve.push((count, took)),
            None => curves.push((what.into(), vec![(count, took)])),
        }
    }
    let grown = |(name, curve): &(String, Curve)| {
        let last = curve.last().map_or(0.0, |last| last.1);
        let factor = Format::Number.write(last / cheapest(curve));
        format!("{factor} times as long below {name}")
    };
    let grown: Vec<String> = curves.iter().map(grown).collect();
    let wall = format!(
        "With the most cells above it, a cell takes, compared with the fastest of its row, {}.",
        grown.join(", ")
    );
    let mut figure = Lines::new("A cell of one line in a long notebook")
        .x("cells above it")
        .y("from its start to its end")
        .y_format(Format::Seconds)
        .log_x()
        .caption(format!(
            "{wall} Medians of 5 cells, measured on {}.",
            machine()
        ));
    for (name, curve) in curves {
        bench.record(
            json!({"name": format!("growth_cells: {name}"), "unit": "s", "points": curve, "wall": wall}),
        )?;
        figure = figure.series(name, curve);
    }
    bench.figure("growth_cells", &figure)
}

/// Keeps a figure and its numbers.
fn show(
    bench: &mut Bench,
    file: &str,
    title: &str,
    x: &str,
    y: &str,
    wall: &str,
    series: Vec<(&str, Curve)>,
) -> Result<()> {
    let mut figure = Lines::new(title)
        .x(x)
        .y(y)
        .log_x()
        .log_y()
        .y_format(Format::Nanoseconds)
        .caption(format!("{wall} Medians, measured on {}.", machine()));
    for (name, curve) in series {
        bench.record(
            json!({"name": format!("{file}: {name}"), "unit": "ns", "points": curve, "wall": wall}),
        )?;
        figure = figure.series(name, curve);
    }
    bench.figure(file, &figure)
}

/// The wall: the size from which on every cost is at least twice the cheapest, and how many times the cheapest it is there.
fn wall(curve: &Curve) -> Option<(f64, String)> {
    let best = cheapest(curve);
    let cheap = curve.iter().rposition(|(_, cost)| *cost < 2.0 * best)?;
    let (size, cost) = curve.get(cheap + 1)?;
    Some((*size, Format::Number.write(cost / best)))
}

fn cheapest(curve: &Curve) -> f64 {
    curve
        .iter()
        .map(|point| point.1)
        .fold(f64::INFINITY, f64::min)
}

/// Runs every size once to warm up, then all of them in turn, round after round, so that a slow minute hits every size alike. Returns a
/// curve of medians for each number that `run` returns.
fn in_turn<const N: usize>(
    sizes: &[usize],
    rounds: usize,
    bar: &ProgressBar,
    mut run: impl FnMut(usize) -> Result<[f64; N]>,
) -> Result<[Curve; N]> {
    for &size in sizes {
        run(size)?;
    }
    let mut samples: Vec<Vec<[f64; N]>> = vec![Vec::new(); sizes.len()];
    for _ in 0..rounds {
        for (&size, samples) in sizes.iter().zip(&mut samples) {
            samples.push(run(size)?);
        }
        bar.inc(1);
    }
    let median = |samples: &[[f64; N]], number: usize| {
        Samples::new("", samples.iter().map(|sample| sample[number])).median()
    };
    Ok(std::array::from_fn(|number| {
        let points = sizes.iter().zip(&samples);
        points
            .map(|(&size, samples)| (size as f64, median(samples, number)))
            .collect()
    }))
}

fn nanos(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

fn megabytes(bytes: f64) -> String {
    format!("{} MB", Format::Number.write(bytes / 1e6))
}

/// How much memory is left for programs, in bytes.
fn free_memory() -> f64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0
}

/// Room in /dev/shm, in bytes.
fn free_shared_memory() -> f64 {
    // SAFETY: all zeros are a valid statvfs; the path is a C string and the pointer to a live local.
    unsafe {
        let mut room: libc::statvfs = std::mem::zeroed();
        if libc::statvfs(c"/dev/shm".as_ptr(), &mut room) != 0 {
            return 0.0;
        }
        room.f_bavail as f64 * room.f_frsize as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_is_where_the_cost_has_doubled_for_good() {
        let curve = vec![(1.0, 9.0), (2.0, 4.0), (4.0, 5.0), (8.0, 9.0), (16.0, 20.0)];
        assert_eq!(wall(&curve), Some((8.0, "2.25".into())));
        assert_eq!(wall(&curve[..3].to_vec()), None);
        // A cost that is high at first and low later is no wall.
        assert_eq!(wall(&vec![(1.0, 90.0), (2.0, 4.0)]), None);
    }

    #[test]
    fn the_sentence_about_room_is_what_the_numbers_say() {
        let says = |costs: [f64; 3]| {
            room_that_pays(&[1.0, 10.0, 100.0].into_iter().zip(costs).collect::<Curve>())
        };
        assert_eq!(
            says([30.0, 20.0, 21.0]),
            "The wall is at the other end: with room for one message a hand-off costs 1.5 times as much as at best, and room for \
             10 is enough."
        );
        assert_eq!(
            says([22.0, 20.0, 21.0]),
            "No wall: a message costs 1.1 times as much as at best with room for one, and 1.05 times with room for 100."
        );
        assert_eq!(
            says([22.0, 20.0, 50.0]),
            "The first wall: with room for 100 messages each costs 2.5 times as much as at the cheapest."
        );
    }

    #[test]
    fn sizes_are_measured_in_turn_and_the_first_round_warms_up() {
        let mut asked = Vec::new();
        let bar = ProgressBar::hidden();
        let [cost, double] = in_turn(&[1, 2], 3, &bar, |size| {
            asked.push(size);
            let cost = (size * 10 + asked.len()) as f64;
            Ok([cost, cost * 2.0])
        })
        .unwrap();
        assert_eq!(asked, [1, 2, 1, 2, 1, 2, 1, 2]);
        // After the two calls that warm up, size 1 had calls 3, 5 and 7.
        assert_eq!(cost, [(1.0, 15.0), (2.0, 26.0)]);
        assert_eq!(double, [(1.0, 30.0), (2.0, 52.0)]);
        assert_eq!(bar.position(), 3);
    }
}
