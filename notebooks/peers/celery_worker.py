"""A real Celery worker, as `celery_lab.py` starts it: prefork pool, and tasks that tell the broker how far they are.

The settings that the lab is about are in the decorators below.
"""

import os
import signal

import supervisor

if __name__ == "__main__":
    supervisor.stop_with_parent()  # before the slow imports: a supervisor may be killed at any moment

from celery import Celery, signals  # noqa: E402
from redis import Redis  # noqa: E402

LIMIT = 60  # seconds that a task waits for its gate: longer than any wait of the supervisor
POINTS = ["after take", "after effect"]  # where a task may kill its own process
SETTINGS = [(late, reject) for late in (False, True) for reject in (False, True)]


def celery(url, prefix, visibility):
    """Celery as in any program, except that all its keys begin with `prefix`: experiments run side by side on one server."""
    if url.startswith("unix://"):  # the client's way to name a socket and a database; Celery has another one
        url = url.replace("unix://", "redis+socket://").replace("db=", "virtual_host=")
    app = Celery("peers", broker=url)
    app.conf.update(
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=True,
        broker_connection_retry_on_startup=False,
        broker_transport_options={
            "global_keyprefix": prefix,
            "visibility_timeout": visibility,
            # How often a worker looks for what is overdue. By default it does so every 10th time of every 10 seconds.
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
        },
    )
    return app


def task_name(late, reject):
    return f"work acks_late={late} reject_on_worker_lost={reject}"


class Notes:
    """Where tasks and the supervisor tell each other how far they are. Each process has its own connection."""

    def __init__(self, url, prefix):
        self.redis = Redis.from_url(url, decode_responses=True, socket_timeout=LIMIT + 10)
        self.prefix = prefix

    def key(self, *words):
        return f"{self.prefix}{':'.join(words)}"

    def now(self):
        """The server's clock: one clock for all processes."""
        seconds, microseconds = self.redis.time()
        return seconds + microseconds / 1e6

    def tell(self, *words):
        self.redis.rpush(self.key(*words), self.now())

    def wait(self, *words, limit=supervisor.DEADLINE):
        """Waits until somebody tells this, and takes the note away. Returns when it was told."""
        note = self.redis.blpop([self.key(*words)], limit)
        if note is None:
            raise supervisor.TooLate(f"nothing said `{' '.join(words)}` within {limit} s")
        return float(note[1])

    def effects(self, name):
        return int(self.redis.get(self.key(name, "effects")) or 0)


def main():
    url, prefix, visibility = (os.environ[name] for name in ["LAB_BROKER", "LAB_PREFIX", "LAB_VISIBILITY"])
    app = celery(url, prefix, float(visibility))
    ours = {}  # the connection of this process, by its number: a fork must not use its parent's

    def notes():
        return ours.setdefault(os.getpid(), Notes(url, prefix))

    def work(name, kill=None, hold=False):
        """A task: it is taken, has its effect, is done. With `kill`, it kills its own process at that point, the first time."""

        def reach(point):
            if kill == point and notes().redis.set(notes().key(name, "has been killed"), 1, nx=True):
                notes().tell(name, "killed")
                os.kill(os.getpid(), signal.SIGKILL)

        notes().tell(name, "taken")
        if hold:
            notes().wait(name, "gate", limit=LIMIT)
        reach("after take")
        notes().redis.incr(notes().key(name, "effects"))
        reach("after effect")
        notes().tell(name, "done")

    for late, reject in SETTINGS:
        app.task(work, name=task_name(late, reject), acks_late=late, reject_on_worker_lost=reject)

    # Celery has the kernel kill a pool process when its worker ends. One that begins while its worker ends must look.
    worker = os.getpid()
    signals.worker_process_init.connect(lambda **_: os.getppid() == worker or os._exit(1), weak=False)

    # What the worker's main process has to say.
    signals.worker_ready.connect(lambda **_: notes().tell("ready"), weak=False)
    signals.worker_shutting_down.connect(lambda **_: notes().tell("shutting down"), weak=False)
    signals.task_revoked.connect(lambda request, **_: notes().tell(request.args[0], "revoked"), weak=False)
    if os.environ.get("LAB_TRACE_POOL"):
        # billiard, Celery's pool, tells in its own log how its processes are told to stop.
        from billiard.util import get_logger

        signals.worker_process_init.connect(lambda **_: get_logger().setLevel("DEBUG"), weak=False)

    app.worker_main(
        ["worker", "--pool=prefork", "--loglevel=INFO", f"--concurrency={os.environ['LAB_PROCESSES']}"]
        # These three talk to other workers, which the experiments do not need.
        + ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    )


if __name__ == "__main__":
    main()
