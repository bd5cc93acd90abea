#!/usr/bin/env python3
"""What Celery does when its processes die or are told to stop: measured here, beside what its documentation promises.

    celery_lab.py --broker SERVER                    a table; SERVER is redis://…, rediss://…, unix:///path or the path of a socket
    celery_lab.py --broker SERVER --table json       one JSON document on standard output; progress on standard error

It starts real workers (celery_worker.py) with one or two pool processes. The order of events is forced by notes in the broker, never by
sleeping. All that it starts ends with it, also when it is killed. All keys that it makes begin with `celery-lab:`, and it removes them.
"""

import argparse
import importlib
import importlib.metadata
import inspect
import os
import secrets
import signal
import sys
import threading

sys.dont_write_bytecode = True  # the folder of the labs may be shared

try:
    import redis

    from kombu.utils.url import maybe_sanitize_url

    import celery_worker
    import supervisor
    from celery_worker import POINTS, SETTINGS, Notes, task_name
    from supervisor import Program, Row
except ImportError as missing:
    sys.exit(f"{missing}. `cargo labs setup --with celery` installs it; then run this with target/labs/celery/bin/python.")

OURS = "celery-lab:"  # how all keys of this lab begin
ALIVE = 120  # seconds after which a run that has not said that it is alive is taken for dead, and its keys are removed

GUIDE = "https://docs.celeryq.dev/en/stable/userguide/"
ACKS = GUIDE + "configuration.html#task-acks-late"
LOST = GUIDE + "configuration.html#task-reject-on-worker-lost"
WARM = GUIDE + "workers.html#warm-shutdown"
COLD = GUIDE + "workers.html#cold-shutdown"
REVOKE = GUIDE + "workers.html#revoke-revoking-tasks"
VISIBILITY = "https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html#visibility-timeout"


class Experiment:
    """The part of the server that belongs to one experiment: its workers, its tasks, its notes."""

    def __init__(self, broker, run, name, visibility=3600):
        self.broker, self.prefix, self.visibility = broker, f"{OURS}{run}:{name}:", visibility
        self.notes = Notes(broker, self.prefix)
        self.app = celery_worker.celery(broker, self.prefix, visibility)

    def worker(self, processes=1, **variables):
        """Starts a worker and waits until it takes tasks."""
        worker = Program(
            "celery_worker.py",
            LAB_BROKER=self.broker,
            LAB_PREFIX=self.prefix,
            LAB_VISIBILITY=str(self.visibility),
            LAB_PROCESSES=str(processes),
            **variables,
        )
        try:
            self.notes.wait("ready")
        except supervisor.TooLate:
            words = worker.last_words()
            worker.__exit__()
            raise supervisor.TooLate(f"the worker does not start; it said: {words}") from None
        return worker

    def send(self, name, late=False, reject=False, **options):
        arguments = {"name": name, **options}
        return self.app.send_task(task_name(late, reject), args=[name], kwargs={k: v for k, v in arguments.items() if k != "name"})

    def in_queue(self):
        return self.notes.redis.llen(f"{self.prefix}celery")

    def unacked(self):
        return self.notes.redis.hlen(f"{self.prefix}unacked")

    def pass_twice(self, name):
        """Two tasks go through the worker's only process, one after the other. The queue is first in, first out: when both are done, what
        came before them is over. The first one is needed because a lost task comes back when the worker notices the loss. Returns when the
        first one was taken."""
        taken = []
        for turn in ["first", "second"]:
            self.send(f"{name} {turn}")
            taken.append(self.notes.wait(f"{name} {turn}", "taken"))
            self.notes.wait(f"{name} {turn}", "done")
        return taken[0]


def times(count):
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def lost(experiment, late, reject):
    """A task kills its own process, acks_late={late}, task_reject_on_worker_lost={reject}"""
    again = late and reject
    if again:
        promise = "at least once: the message is put back"
    elif late:
        promise = "at most once: the message is acknowledged although acks_late is on, because the process was lost"
    else:
        promise = "at most once: the message was acknowledged before the task began"
    notes = experiment.notes
    with experiment.worker():
        for kill in [None, *POINTS]:
            name = kill or "at no point"
            experiment.send(name, late, reject, kill=kill)
            replaced = experiment.pass_twice(name)
            left = experiment.in_queue() + experiment.unacked()
            effects = notes.effects(name)
            yield Row(
                "kill -9 of a process",
                f"acks_late={late}, reject_on_worker_lost={reject}: killed {name}",
                promise if kill else "once",
                LOST if late else ACKS,
                effects=effects,
                seen=f"the effect happened {times(effects)}; {left} messages are left",
                held=left == 0 and effects == (POINTS.index(kill) + again if kill else 1),
                # At once, or at the pool's next look every 5 seconds: billiard sees the pipe close before the process can be reaped.
                seconds={"until another process works": round(replaced - notes.wait(name, "killed"), 2)} if kill else {},
            )


def warm(experiment, late):
    """TERM with a task in hand and another waiting, acks_late={late}"""
    with experiment.worker() as worker:
        experiment.send("in hand", late, hold=True)
        experiment.notes.wait("in hand", "taken")
        experiment.send("next", late)
        if not late:  # the first is acknowledged, so that the worker fetches the second ahead of time
            supervisor.until("the worker fetches the next task", lambda: experiment.unacked() == 1)
        worker.send(signal.SIGTERM)
        experiment.notes.wait("shutting down")
        experiment.notes.tell("in hand", "gate")
        worker.wait("after TERM")
    in_hand, following, waiting = experiment.notes.effects("in hand"), experiment.notes.effects("next"), experiment.in_queue()
    unacked = experiment.unacked()
    with experiment.worker():
        experiment.pass_twice("behind")
    in_all = experiment.notes.effects("next")
    ahead = "not yet fetched" if late else "fetched ahead of time"
    yield Row(
        "warm shutdown (TERM)",
        f"acks_late={late}: the task in hand, and the next one, {ahead}",
        "the worker finishes all currently executing tasks before it ends",
        WARM,
        effects=in_hand,
        seen=f"the task in hand had its effect {times(in_hand)}; the next one had it {times(following)} in this worker "
        f"({waiting} in the queue and {unacked} unacknowledged after its end), and {times(in_all)} after another worker had started",
        held=in_hand == 1 and in_all == 1,
    )


def cold(experiment, late):
    """QUIT with a task in hand, acks_late={late}"""
    with experiment.worker() as worker:
        experiment.send("in hand", late, hold=True)
        experiment.notes.wait("in hand", "taken")
        begin = experiment.notes.now()
        worker.send(signal.SIGQUIT)
        worker.wait("after QUIT")
        ended = experiment.notes.now() - begin
    waiting, unacked = experiment.in_queue(), experiment.unacked()
    experiment.notes.tell("in hand", "gate")
    with experiment.worker():
        experiment.pass_twice("behind")
    effects = experiment.notes.effects("in hand")
    yield Row(
        "cold shutdown (QUIT)",
        f"acks_late={late}: a task in hand",
        "all executing tasks are stopped at once: " + ("not acknowledged, it is delivered again" if late else "acknowledged, it is lost"),
        COLD,
        effects=effects,
        seen=f"when the worker had ended, {waiting} messages were in the queue and {unacked} unacknowledged; after another worker had started, "
        f"the effect had happened {times(effects)}",
        held=effects == waiting + unacked == int(late),
        seconds={"from QUIT to the worker's end": round(ended, 2)},
    )


def killed(experiment, late):
    """kill -9 of the whole worker with a task in hand, acks_late={late}"""
    notes = experiment.notes
    with experiment.worker() as worker:
        experiment.send("in hand", late, hold=True)
        taken = notes.wait("in hand", "taken")
        with experiment.worker():
            worker.send(signal.SIGKILL)
            worker.wait("after KILL")
            if late:
                again = notes.wait("in hand", "taken") - taken
                notes.tell("in hand", "gate")  # now, since the first process might have taken this as its last act
                notes.wait("in hand", "done")
            else:
                experiment.pass_twice("behind")
    effects = notes.effects("in hand")
    seconds = {"visibility timeout": experiment.visibility, "from the first take to the second": round(again, 2)} if late else {}
    yield Row(
        "kill -9 of a worker",
        f"acks_late={late}: a task in hand, another worker waiting",
        "redelivered after the visibility timeout" if late else "lost: the message was acknowledged before the task began",
        VISIBILITY if late else ACKS,
        effects=effects,
        seen=f"the effect happened {times(effects)}" + (", redelivered when the visibility timeout was over, not before" if late else ""),
        held=effects == int(late) and (not late or again >= experiment.visibility),
        seconds=seconds,
    )


def revoked(experiment, late):
    """revoke(terminate=True), acks_late={late}"""
    notes = experiment.notes
    with experiment.worker():
        running = experiment.send("running", late, hold=True)
        notes.wait("running", "taken")
        waiting = experiment.send("waiting", late)
        experiment.app.control.revoke([running.id, waiting.id], terminate=True)
        notes.wait("running", "revoked")
        notes.tell("running", "gate")
        experiment.pass_twice("behind")
        left = experiment.in_queue() + experiment.unacked()
    for name, done in [("running", "a task that runs"), ("waiting", "a task not begun")]:
        effects = notes.effects(name)
        yield Row(
            "revoke(terminate=True)",
            f"acks_late={late}: {done}",
            "the process that executes it is terminated" if name == "running" else "the worker skips it",
            REVOKE,
            effects=effects,
            seen=f"the effect happened {times(effects)}; {left} messages are left, and the worker took the next tasks",
            held=effects == 0 and left == 0,
        )


def overdue(experiment):
    """The visibility timeout is shorter than the task"""
    notes = experiment.notes
    with experiment.worker(processes=2):
        experiment.send("long", late=True, hold=True)
        first = notes.wait("long", "taken")
        second = notes.wait("long", "taken")  # while the first still holds it
        for _ in range(2):
            notes.tell("long", "gate")
        for _ in range(2):
            notes.wait("long", "done")
    effects = notes.effects("long")
    yield Row(
        "visibility timeout",
        "acks_late=True: a task that takes longer than the visibility timeout; nothing dies",
        "the task is redelivered and executed again",
        VISIBILITY,
        effects=effects,
        seen=f"two processes had the task at the same time; the effect happened {times(effects)}",
        held=effects == 2,
        seconds={"visibility timeout": experiment.visibility, "from the first take to the second": round(second - first, 2)},
    )


def pills(experiment):
    """How the processes of a pool are told to stop"""
    processes = 2
    with experiment.worker(processes, LAB_TRACE_POOL="1") as worker:
        worker.send(signal.SIGTERM)
        worker.wait("after TERM")
        swallowed = worker.said().count("worker got sentinel -- exiting")  # by billiard/pool.py
    yield Row(
        "poison pills",
        f"TERM to a worker with {processes} idle pool processes; counted in billiard's own log",
        "one None for each process (see the sources below; the documentation does not speak of it)",
        "billiard.pool",
        seen=f"{swallowed} times `worker got sentinel -- exiting`",
        held=swallowed == processes,
    )


# What the installed sources say: a module, the lines to look for in it, and what they do.
SOURCES = [
    ("celery.concurrency.asynpool", "proc.inq.put(None)", "Celery's pool sends None to each of its processes at shutdown: a poison pill"),
    ("billiard.pool", "            if req is None:", "a pool process that receives None ends: it swallows the pill"),
    ("billiard.pool", "for taskseq, set_length in iter(taskqueue.get, None):", "the thread of billiard's own pool that hands out tasks ends at None, a pill"),
    ("billiard.pool", "                put(None)", "and passes one pill to each process (Celery's prefork pool does it itself, without that thread)"),
    ("celery.apps.worker", "setattr(state, {'Warm': 'should_stop',", "TERM sets a flag, should_stop; QUIT sets should_terminate"),
    ("celery.worker.state", "    elif should_stop is not None", "the flag is looked at by maybe_shutdown"),
    ("celery.worker.loops", "            state.maybe_shutdown()", "once in each turn of the worker's event loop: a look at the start of each iteration"),
    ("celery.worker.request", "(self.task.reject_on_worker_lost and is_worker_lost", "a lost process: reject the message, or else acknowledge it"),
    ("celery.concurrency.prefork", "platforms.set_pdeathsig('SIGKILL')", "a pool process dies when its worker does"),
    ("kombu.transport.redis", "def restore_visible(self", "a worker puts back what is overdue"),
]


def sources():
    """Where the installed sources say so"""
    for module, text, meaning in SOURCES:
        module = importlib.import_module(module)
        lines = inspect.getsource(module).splitlines()
        numbers = [number for number, line in enumerate(lines, 1) if text in line]
        package = module.__name__.split(".")[0]
        file = module.__file__[module.__file__.rindex(f"{package}/"):]
        version = importlib.metadata.version(package)
        yield Row(
            "sources",
            meaning,
            f"{file} contains `{text.strip()}`",
            f"{package} {version}, {file}" + (f", line {numbers[0]}" if numbers else ""),
            seen=f"line {numbers[0]}: {lines[numbers[0] - 1].strip()}" if numbers else "this version does not contain it",
            held=bool(numbers),
        )


def all_experiments(broker, run):
    """The experiments, the longest first, each as a function without arguments."""

    def prepared(what, visibility=3600, **settings):
        def experiment():
            name = "-".join([what.__name__, *map(str, settings.values())])
            yield from what(Experiment(broker, run, name, visibility), **settings)

        experiment.__name__ = what.__name__
        experiment.__doc__ = what.__doc__.format(**settings)
        return experiment

    both = [False, True]
    return [
        *(prepared(lost, late=late, reject=reject) for late, reject in SETTINGS),
        *(prepared(warm, late=late) for late in both),
        *(prepared(cold, late=late) for late in both),
        *(prepared(killed, visibility=5, late=late) for late in both),
        *(prepared(revoked, late=late) for late in both),
        prepared(overdue, visibility=1),
        prepared(pills),
        sources,
    ]


def remove_keys(server, run):
    keys = list(server.scan_iter(f"{OURS}{run}:*", count=1000))
    if keys:
        server.delete(*keys)


def remove_what_others_left(server):
    """A run that was killed could not remove its keys."""
    for run in {key.split(":")[1] for key in server.scan_iter(f"{OURS}*", count=1000)}:
        if not server.exists(f"{OURS}{run}:alive"):
            remove_keys(server, run)


def connect(broker):
    try:
        server = redis.Redis.from_url(broker, decode_responses=True, socket_timeout=10, socket_connect_timeout=10)
        server.ping()
        return server
    except (redis.RedisError, ValueError, OSError) as error:
        sys.exit(
            f"No Redis or Valkey server answers at {maybe_sanitize_url(broker)}: {str(error).rstrip('.')}.\n"
            "Start one (`valkey-server --port 0 --unixsocket /path/to/socket`), or name another with --broker redis://HOST:PORT."
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", required=True, metavar="SERVER", help="redis://…, rediss://…, unix:///path or the path of a socket")
    parser.add_argument("--table", choices=["text", "json", "lines"], default="text", help="the form of the table")
    parser.add_argument("--only", metavar="WORD", help="only the experiments whose name contains this word")
    arguments = parser.parse_args()
    broker = arguments.broker if "://" in arguments.broker else f"unix://{os.path.abspath(arguments.broker)}"
    supervisor.end_on_signals()

    server = connect(broker)
    remove_what_others_left(server)
    run = secrets.token_hex(4)
    over = threading.Event()

    def stay_alive():
        while not over.is_set():
            server.set(f"{OURS}{run}:alive", 1, ex=ALIVE)
            over.wait(ALIVE / 3)

    keeper = threading.Thread(target=stay_alive, daemon=True)
    keeper.start()
    wanted = [each for each in all_experiments(broker, run) if not arguments.only or arguments.only in each.__name__]
    if not wanted:
        sys.exit("No experiment's name contains that word.")
    about = server.info("server")
    name = about.get("server_name", "redis")
    document = supervisor.run(
        wanted,
        {
            "lab": "celery",
            "versions": {package: importlib.metadata.version(package) for package in ["celery", "kombu", "billiard", "redis"]}
            | {"server": f"{name} {about.get(f'{name}_version', about.get('redis_version'))}"},
        },
        side_by_side=4,
        progress=sys.stdout if arguments.table == "lines" else sys.stderr,
    )
    over.set()
    keeper.join()
    remove_keys(server, run)
    supervisor.show(document, arguments.table)


if __name__ == "__main__":
    main()
