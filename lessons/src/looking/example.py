

def _in_turns(turns, intervals):
    """Four processes share the numbers below 200,000, as often as `turns` says and with each interval in turn. A line for each run."""
    from multiprocessing import Process, SimpleQueue
    from time import perf_counter

    for _ in range(turns):
        for interval in intervals:
            counts = SimpleQueue()

            def work(me):
                counts.put(count_primes(range(50_000 * me, 50_000 * (me + 1)), interval))

            begun = perf_counter()
            workers = [Process(target=work, args=(me,)) for me in range(4)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
                if worker.exitcode != 0:
                    raise RuntimeError("a worker ended with %s" % worker.exitcode)
            seconds = perf_counter() - begun
            print(interval, seconds, sum(counts.get() for _ in workers))
