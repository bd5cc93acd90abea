

def _race():
    """Two processes race through `finder`, with each kind of lock. A line for each race: the lock, the second look, who wrote, who is stuck."""
    from multiprocessing import Barrier, Lock, Process, RLock, Value
    from time import monotonic

    for kind, lock, second_look in (("RLock", RLock(), True), ("RLock", RLock(), False), ("Lock", Lock(), True)):
        found, writers, both = Value("b", 0, lock=lock), Value("i", 0), Barrier(2)
        pair = [Process(target=finder, args=(found, writers, both.wait, second_look)) for _ in range(2)]
        for process in pair:
            process.start()
        end = monotonic() + 2
        for process in pair:
            process.join(max(0, end - monotonic()))
        stuck = sum(process.is_alive() for process in pair)
        for process in pair:
            process.kill()
            process.join()
        print(kind, "yes" if second_look else "no", writers.get_obj().value, stuck)


_race()
