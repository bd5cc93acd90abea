#!/usr/bin/env python3
"""The ladder of lab 04 in Python: what one access costs, from an attribute to a Manager and a new process.

    python3 data/python_baseline.py                  a JSON object a line
    python3 data/python_baseline.py --csv            name,contended,median_ns,low_ns,high_ns,runs
    python3 data/python_baseline.py --seconds 30     more runs; 10 is the default
    python3 data/python_baseline.py --save FILE      and a file as in data/reference/, schema in data/README.md

Measurements go to standard output, words to standard error. Standard library only, Python 3.8 or later, Linux or macOS.
"""

import argparse
import contextlib
import ctypes
import datetime
import json
import multiprocessing
import multiprocessing.connection
import multiprocessing.managers
import os
import platform
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from itertools import repeat

WORKERS = 4  # as in every lab
NUMBERS = 64  # in the array

# A batch is timed as a whole, since reading the clock costs as much as what is measured. Beside others it must be longer than a
# turn on the processor, or a batch falls within one turn and the others do not show: 5 ms for Python's threads, as much for
# processes that share a core.
ALONE_NS = 2_000_000
BESIDE_NS = 25_000_000


SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Stopped(Exception):
    """Ctrl-C, or SIGTERM."""


def stop(*_):
    raise Stopped


@contextlib.contextmanager
def no_signals():
    """Signals wait meanwhile: a process that begins has to be ready for one, and we have to know that we have it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(process):
    with no_signals():
        process.start()
    return process


def end_children():
    for process in multiprocessing.active_children():
        process.kill()
        process.join()


def begin_child():
    """In a worker or the Manager's server: nothing outlives its parent, not even one that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent sees to the end of the others
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if sys.platform == "linux":
        parent = multiprocessing.parent_process()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if parent is not None and os.getppid() != parent.pid:
            os._exit(1)


# ── What is timed: each takes how often, and does it so often. The loop itself costs some 5 ns a turn. ──────────────────────


class Holder:
    def __init__(self):
        self.number = 0


def attribute(holder):
    def many(n):
        for _ in repeat(None, n):
            holder.number

    return many


def value(shared):  # a RawValue, a Value with its lock, or what get_obj() gives
    def many(n):
        for _ in repeat(None, n):
            shared.value

    return many


def value_under_lock(shared):
    def many(n):
        for _ in repeat(None, n):
            with shared.get_lock():
                shared.value

    return many


def element(shared):  # an Array, a Manager's list or its dict
    def many(n):
        for _ in repeat(None, n):
            shared[0]

    return many


def whole(array):
    def many(n):
        for _ in repeat(None, n):
            with array.get_lock():
                array[:]

    return many


def nothing():
    pass


def processes(context, count):
    def many(n):
        for _ in repeat(None, n):
            started = [start(context.Process(target=nothing, daemon=True)) for _ in range(count)]
            for process in started:
                process.join()
                if process.exitcode != 0:
                    raise RuntimeError("a process that does nothing ended with %s" % process.exitcode)

    return many


# ── Timing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def batches(many, end, batch_ns):
    """Nanoseconds per time, a batch each, until `end`; three at least."""
    n = 1
    while True:
        start = time.perf_counter_ns()
        many(n)
        elapsed = time.perf_counter_ns() - start
        if elapsed >= batch_ns / 2 or time.perf_counter() >= end:
            break
        n = max(n * 2, min(n * 100, int(n * batch_ns / max(elapsed, 1))))
    samples = []
    while len(samples) < 3 or time.perf_counter() < end:
        start = time.perf_counter_ns()
        many(n)
        samples.append((time.perf_counter_ns() - start) / n)
    return samples


def alone(many, seconds):
    return batches(many, time.perf_counter() + seconds, ALONE_NS)


def beside_threads(many, seconds):
    """Four threads do it at once."""
    samples, barrier = [], threading.Barrier(WORKERS)

    def run():
        barrier.wait()
        samples.extend(batches(many, time.perf_counter() + seconds, BESIDE_NS))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return samples


def worker(many, seconds, barrier, connection):
    begin_child()
    try:
        many(1)  # a proxy opens its connection at the first access
        barrier.wait()
        connection.send(batches(many, time.perf_counter() + seconds, BESIDE_NS))
    except (OSError, EOFError):
        os._exit(1)  # the Manager's server is gone: the parent ends us all, or sees that no samples come


def beside_processes(context, many, seconds):
    """Four processes do it at once."""
    barrier, ends, workers = context.Barrier(WORKERS), [], []
    for _ in range(WORKERS):
        ours, theirs = context.Pipe(False)
        process = context.Process(target=worker, args=(many, seconds, barrier, theirs), daemon=True)
        workers.append(start(process))
        theirs.close()
        ends.append(ours)
    samples = []
    for end in ends:
        if not end.poll(seconds + 30):
            raise RuntimeError("a worker did not answer")
        samples.extend(end.recv())
    for process in workers:
        process.join(5)
    return samples


def consume(queue, connection):
    begin_child()
    connection.send(None)
    while True:
        while queue.get() is not None:
            pass
        connection.send(None)


def hand_off(context, consumers, seconds):
    """Nanoseconds per item from one producer through a queue, a batch each."""
    queue, ends, workers = context.Queue(1024), [], []
    for _ in range(consumers):
        ours, theirs = context.Pipe(False)
        workers.append(start(context.Process(target=consume, args=(queue, theirs), daemon=True)))
        theirs.close()
        ends.append(ours)

    def all_answer():
        for end in ends:
            if not end.poll(60):
                raise RuntimeError("a consumer did not answer")
            end.recv()

    def many(n):
        for item in range(n):
            queue.put(item)
        for _ in workers:
            queue.put(None)
        # Who takes a pill waits for the next round: with more consumers one could take two and leave another without. So each
        # pill is taken by whoever comes, and the answers are counted, not their senders.
        answers = 0
        while answers < consumers:
            for end in multiprocessing.connection.wait(ends, 60) or [None]:
                if end is None:
                    raise RuntimeError("a consumer did not answer")
                end.recv()
                answers += 1

    all_answer()  # they have started
    samples = batches(many, time.perf_counter() + seconds, 10 * ALONE_NS)
    for process in workers:
        process.kill()
        process.join()
    queue.close()
    queue.cancel_join_thread()
    return samples


# ── The ladder ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ladder(context, manager):
    """Triples: name, contended, and a function from seconds to samples. The names are those of data/README.md."""
    raw = context.RawValue(ctypes.c_uint64)
    shared = context.Value(ctypes.c_uint64)
    array = context.Array(ctypes.c_uint64, NUMBERS)
    held = attribute(Holder())
    yield "in-process atomic", False, lambda s: alone(held, s)
    yield "in-process atomic", True, lambda s: beside_threads(held, s)
    reads = [
        ("raw shared atomic", value(raw)),
        ("Value unlocked", value(shared.get_obj())),
        ("Value locked", value(shared)),
        ("Value get_lock", value_under_lock(shared)),
        ("Array element", element(array)),
        ("Array whole", whole(array)),
        ("Manager dict read", element(manager.dict({0: 0}))),
        ("Manager list read", element(manager.list([0]))),
    ]
    for name, many in reads:
        yield name, False, lambda s, many=many: alone(many, s)
        yield name, True, lambda s, many=many: beside_processes(context, many, s)
    yield "Queue hand-off", False, lambda s: hand_off(context, 1, s)
    yield "Queue hand-off", True, lambda s: hand_off(context, WORKERS, s)
    starts = [("start a process", context), ("start a process spawn", multiprocessing.get_context("spawn"))]
    for name, method in starts:
        yield name, False, lambda s, method=method: alone(processes(method, 1), s)
        yield name, True, lambda s, method=method: [
            sample / WORKERS for sample in alone(processes(method, WORKERS), s)
        ]


@contextlib.contextmanager
def socket_address():
    """Where the Manager listens: a name that is no file, so that not even `kill -9` leaves one; else in a folder of ours."""
    if sys.platform == "linux" and sys.version_info >= (3, 9):
        yield "\0labs-%d-%s" % (os.getpid(), secrets.token_hex(4))
    else:
        with tempfile.TemporaryDirectory(prefix="labs-") as folder:
            yield os.path.join(folder, "manager")


def measure(seconds):
    """A dictionary for each rung, as soon as it is measured."""
    begun = time.perf_counter()
    context = multiprocessing.get_context("fork")
    with socket_address() as address:
        manager = multiprocessing.managers.SyncManager(address=address, ctx=context)
        with no_signals():
            manager.start(begin_child)
        try:
            rungs = list(ladder(context, manager))
            for index, (name, contended, samples_of) in enumerate(rungs):
                left = seconds - (time.perf_counter() - begun)
                # Two thirds of what is left for each: forking, sizing the batches and the last batch take the rest.
                samples = sorted(samples_of(max(left / (len(rungs) - index) * 2 / 3, 0.01)))
                low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
                words = "%s, %s: %.0f ns (median of %d)"
                say(words % (name, "contended" if contended else "free", median, len(samples)))
                yield {
                    "name": name,
                    "contended": contended,
                    "median_ns": round(median, 1),
                    "low_ns": round(low, 1),
                    "high_ns": round(high, 1),
                    "runs": len(samples),
                }
        finally:
            end_children()  # those of a measurement that was stopped, and the server
            manager.shutdown()


def say(words):
    print(words, file=sys.stderr, flush=True)


def cores():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count()


def processor():
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith(("model name", "Model")):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    try:
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="about how long in all (default 10; it takes 3 at the least)")
    parser.add_argument("--csv", action="store_true", help="lines of CSV instead of JSON")
    parser.add_argument("--save", metavar="FILE", help="write a reference file too")
    options = parser.parse_args()
    if not 1 <= options.seconds <= 3600:
        say("--seconds %g: ask for 1 to 3600." % options.seconds)
        return 1
    if "fork" not in multiprocessing.get_all_start_methods():
        say("This system has no fork: run it on Linux or macOS.")
        return 1
    # From Python 3.12 on: that a process with threads forks. Ours has the feeder of a queue then, which is done.
    warnings.simplefilter("ignore", DeprecationWarning)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    machine = {"cores": cores(), "python": platform.python_version(), "machine": processor()}
    rungs = []
    try:
        if options.csv:
            print("name,contended,median_ns,low_ns,high_ns,runs", flush=True)
        for rung in measure(options.seconds):
            rungs.append(rung)
            if options.csv:
                # No name has a comma: ten lines of Rust can read this.
                words = [str(field) for field in rung.values()]
                print(",".join(words).replace("True", "true").replace("False", "false"), flush=True)
            else:
                print(json.dumps({**rung, **machine}), flush=True)
        if options.save:
            save(options.save, machine, rungs)
        return 0
    except Stopped:
        say("Stopped before the end; no process was left behind.")
    except BrokenPipeError:
        sys.stdout = None  # nobody reads it: no second complaint at the exit
        say("Nobody reads the measurements any more.")
    except (OSError, EOFError, RuntimeError) as error:
        say("The measurement failed: %s. Is there memory, and room in /dev/shm and in the folder for temporary files?" % error)
    finally:
        # A second signal must not interrupt this.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end_children()
    return 1


def save(path, machine, rungs):
    document = {
        "schema": 1,
        "what": "lab 04's ladder in Python",
        "date": datetime.date.today().isoformat(),
        "cores": machine["cores"],
        "processor": machine["machine"],
        "system": platform.system(),
        "python": machine["python"],
        "rungs": rungs,
    }
    lines = ["  " + json.dumps(key) + ": " + json.dumps(entry) for key, entry in document.items() if key != "rungs"]
    rows = ",\n".join("    " + json.dumps(rung) for rung in rungs)
    with open(path, "w") as file:
        file.write("{\n" + ",\n".join(lines) + ',\n  "rungs": [\n' + rows + "\n  ]\n}\n")


if __name__ == "__main__":
    sys.exit(main())
