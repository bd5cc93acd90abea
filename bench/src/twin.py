"""The peers in Python: asked for a run of n by a line on standard input, answers with seconds on standard output.

Each is written as the documentation of `multiprocessing` shows it, with the start method `fork`. Standard library only.
"""

import ctypes
import multiprocessing as mp
import os
import signal
import struct
import sys
import time
from itertools import repeat

now = time.monotonic  # the same clock in every process


def begin_child(core=None):
    """Nothing outlives its parent, not even one that was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if core is not None:
        os.sched_setaffinity(0, {core})


def reading(shared):
    def run(n):
        begin = now()
        for _ in repeat(None, n):
            shared.value
        return [now() - begin]

    return run


def value(core):
    """A look under the lock: what `Value.value` does."""
    os.sched_setaffinity(0, {int(core)})
    return reading(mp.Value(ctypes.c_uint64))


def raw_value(core):
    """A look without a lock."""
    os.sched_setaffinity(0, {int(core)})
    return reading(mp.RawValue(ctypes.c_uint64))


def manager(client, server):
    """A dict in a server process, read again and again."""
    os.sched_setaffinity(0, {int(server)})
    served = mp.managers.SyncManager()
    served.start(begin_child)
    os.sched_setaffinity(0, {int(client)})
    numbers = served.dict()
    numbers[7] = 42

    def run(n):
        begin = now()
        for _ in repeat(None, n):
            numbers[7]
        return [now() - begin]

    run.keep = served
    return run


def broker(socket, core):
    """A private server's tasks: put; added, claimed and acknowledged; handed to another process."""
    import redis

    os.sched_setaffinity(0, {int(core)})
    client = redis.Redis(unix_socket_path=socket)
    other = mp.Process(target=echo, args=(socket,), daemon=True)
    other.start()

    def run(n):
        begin = now()
        for _ in repeat(None, n):
            client.lpush("tasks", "task")
        put = now() - begin
        client.delete("tasks")
        begin = now()
        for _ in repeat(None, n):
            client.xadd("jobs", {"task": "mail"})
            [[_, [[job, _]]]] = client.xreadgroup("workers", "me", {"jobs": ">"}, count=1)
            client.xack("jobs", "workers", job)
        claim = now() - begin
        client.xtrim("jobs", maxlen=0)
        begin = now()
        for _ in repeat(None, n):
            client.lpush("python there", "task")
            client.brpop("python back", 1)
        return [put, claim, (now() - begin) / 2]

    run.keep = other
    return run


def echo(socket):
    """Gives back what it is given."""
    import redis

    client = redis.Redis(unix_socket_path=socket)
    while True:
        if client.brpop("python there", 1):
            client.lpush("python back", "task")


def processes(method, count):
    """Start and join `count` processes that do nothing."""
    context = mp.get_context(method)

    def run(n):
        begin = now()
        for _ in repeat(None, n):
            # `time.time` can be imported by a spawned child, and does nothing that takes long.
            started = [context.Process(target=time.time, daemon=True) for _ in range(int(count))]
            for process in started:
                process.start()
            for process in started:
                process.join()
        return [now() - begin]

    return run


def message(size):
    """How a message of `size` bytes is made from a number, and read again: a number is a message of 8 bytes."""
    if size == 8:
        return (lambda number: number), (lambda message: message)
    rest = bytes(size - 8)
    return (lambda number: struct.pack("q", number) + rest), (lambda message: struct.unpack_from("q", message)[0])


def produce(queue, start, begun, index, core, size, n):
    begin_child(core)
    make, _ = message(size)
    start.wait()
    begun[index] = now()
    for number in range(n):
        queue.put(make(number))


def consume(queue, start, ended, index, core, size):
    begin_child(core)
    _, read = message(size)
    start.wait()
    while True:
        got = queue.get()
        if got is None:
            break
        read(got)
    ended[index] = now()


def queue(producers, consumers, size, depth, *cores):
    producers, consumers, size, depth = int(producers), int(consumers), int(size), int(depth)
    cores = [int(core) for core in cores] or [None]

    def run(n):
        tasks, start = mp.Queue(depth), mp.Barrier(producers + consumers)
        begun, ended = mp.Array("d", producers, lock=False), mp.Array("d", consumers, lock=False)
        making = [
            mp.Process(target=produce, args=(tasks, start, begun, i, cores[i % len(cores)], size, n // producers))
            for i in range(producers)
        ]
        taking = [
            mp.Process(target=consume, args=(tasks, start, ended, i, cores[(producers + i) % len(cores)], size))
            for i in range(consumers)
        ]
        for process in making + taking:
            process.start()
        # A producer that ends waits for its feeder thread, so all of its messages are in the queue before the pills.
        for process in making:
            process.join()
        for _ in taking:
            tasks.put(None)
        for process in taking:
            process.join()
        return [max(ended) - min(begun)]

    return run


def hand_over(queue, start, core, size, n, pause):
    begin_child(core)
    make, _ = message(size)
    start.wait()
    for _ in range(n):
        time.sleep(pause)
        queue.put(make(time.monotonic_ns()))
    queue.put(None)


def latency(size, depth, pause, *cores):
    """Median and 99th percentile of the time from just before `put` to just after `get`, with an empty queue; CPU time for each."""
    size, depth, pause = int(size), int(depth), float(pause)
    cores = [int(core) for core in cores]

    def run(n):
        tasks, start = mp.Queue(depth), mp.Barrier(2)
        producer = mp.Process(target=hand_over, args=(tasks, start, cores[0], size, n, pause))
        producer.start()
        _, read = message(size)
        all_cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cores[-1]})
        start.wait()
        times, used = [], time.thread_time()
        while True:
            got = tasks.get()
            if got is None:
                break
            times.append(time.monotonic_ns() - read(got))
        used = time.thread_time() - used
        os.sched_setaffinity(0, all_cores)
        producer.join()
        times.sort()
        return [times[len(times) // 2] / 1e9, times[len(times) * 99 // 100] / 1e9, used / n]

    return run


PEERS = [value, raw_value, manager, broker, processes, queue, latency]


def main():
    mp.set_start_method("fork")
    import multiprocessing.managers  # noqa: F401, a part of mp that has to be asked for

    run = {peer.__name__: peer for peer in PEERS}[sys.argv[1]](*sys.argv[2:])
    print(sys.version_info[0] * 100 + sys.version_info[1], flush=True)  # 311 for 3.11
    for line in sys.stdin:
        print(*run(int(line)), flush=True)


if __name__ == "__main__":
    main()
