"""What both labs share: programs that end with their lab, waits with a deadline, and the table.

Standard library only, Python 3.10 or later, Linux.
"""

import contextlib
import ctypes
import dataclasses
import json
import os
import platform
import select
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
DEADLINE = 30  # seconds for each wait: a guard against hanging, not a measurement
PARENT = "LAB_PARENT"  # the variable with the supervisor's process number


class TooLate(Exception):
    """What was waited for has not happened in time."""


def stop_with_parent():
    """The kernel kills this process when the thread that started it ends, however it ends. Every program of the labs calls this first."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "the kernel does not let a process end with its parent")
    if os.getppid() != int(os.environ[PARENT]):  # it has ended already
        os._exit(1)


class Program:
    """A Python program in a process group of its own. Leaving the `with` block kills the group."""

    def __init__(self, file, *arguments, talks=False, **variables):
        here = os.path.dirname(os.path.abspath(__file__))
        self.log = tempfile.TemporaryFile("w+")  # has no name, so nothing can be left of it
        pipe = subprocess.PIPE if talks else None
        self.process = subprocess.Popen(
            [sys.executable, "-uB", os.path.join(here, file), *arguments],
            stdin=pipe or subprocess.DEVNULL,
            stdout=pipe or self.log,
            stderr=self.log,
            text=True,
            start_new_session=True,
            env={**os.environ, **variables, PARENT: str(os.getpid())},
        )
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in [self.process.stdin, self.process.stdout]:
            if pipe:
                with contextlib.suppress(OSError):  # it may hold words for a program that has been killed
                    pipe.close()
        self.log.close()

    def ask(self, words):
        """Gives a program that talks an order. It answers with one line: see `answer`."""
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def answer(self):
        """Waits for the answer to the last order."""
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            why = "has ended" if ready else f"has not answered within {DEADLINE} s"
            raise TooLate(f"the program {why}. It said: {self.last_words()}")
        return json.loads(line)

    def do(self, words):
        """Gives an order and waits for the answer."""
        self.ask(words)
        return self.answer()

    def send(self, number):
        """Sends a signal to the program itself, not to the processes that it has started."""
        os.kill(self.pid, number)

    def wait(self, what):
        """Waits until the program has ended. Returns its exit code."""
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise TooLate(f"{what}: the program has not ended within {DEADLINE} s. It said: {self.last_words()}") from None

    def said(self):
        """All that it has written into its log."""
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def last_words(self):
        return " / ".join(self.said().strip().splitlines()[-3:]) or "nothing"


def until(what, is_so):
    """Waits until `is_so()` holds."""
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        if time.monotonic() > deadline:
            raise TooLate(f"{what}: not within {DEADLINE} s")
        time.sleep(0.01)


@dataclasses.dataclass
class Row:
    """One line of the table: what was done, what came out, what the documentation promises, and whether that held.

    `held` is None where there is nothing to hold: no promise, or no measurement because `failed` says what went wrong.
    """

    experiment: str
    done: str
    promise: str
    source: str
    effects: int | None = None
    seen: str = ""
    held: bool | None = None
    failed: str | None = None
    seconds: dict = dataclasses.field(default_factory=dict)


def run(experiments, about, side_by_side, progress=sys.stderr):
    """Runs the experiments, some side by side, and returns the document. An experiment that fails makes a row that says so. On `progress`, a
    line tells of each one that has ended; on standard error the rows, too."""
    begin = time.monotonic()

    def one(experiment):
        start = time.monotonic()
        name = experiment.__doc__.strip().splitlines()[0]
        try:
            rows = list(experiment())
        except Exception as error:  # whatever it is, the others go on, and the row tells it
            rows = [Row(experiment.__name__, name, "", "", failed=f"{type(error).__name__}: {error}")]
        print(f"{time.monotonic() - begin:5.1f} s  {name} ({time.monotonic() - start:.1f} s)", file=progress, flush=True)
        for row in rows if progress is sys.stderr else []:
            print(f"         {row.done}: {row.failed or row.seen}", file=sys.stderr, flush=True)
        return rows

    with ThreadPoolExecutor(side_by_side) as threads:  # a thread lives as long as what it has started: see stop_with_parent
        rows = [row for rows in threads.map(one, experiments) for row in rows]
    return {
        **about,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "seconds": round(time.monotonic() - begin, 1),
        "rows": [dataclasses.asdict(row) for row in rows],
    }


def show(document, table):
    """Writes the document to standard output, as JSON or as text."""
    if table == "json":
        print(json.dumps(document, indent=1, ensure_ascii=False))
        return
    if table == "lines":  # for a program that draws the table itself
        versions = [f"{name} {version}" for name, version in document["versions"].items()]
        print(", ".join([*versions, document.get("broker", "")]).rstrip(", "))
        for row in document["rows"]:
            effects = "–" if row["effects"] is None else str(row["effects"])
            held = {True: "yes", False: "NO", None: "–"}[row["held"]]
            print("\t".join([row["done"], effects, row["failed"] or row["seen"], row["promise"], held]))
        return
    for row in document["rows"]:
        held = {True: "held", False: "NOT HELD", None: "-"}[row["held"]]
        effects = "" if row["effects"] is None else f"{row['effects']} effects; "
        print(f"{row['experiment']:<20} {row['done']}\n{'':20} {effects}{row['failed'] or row['seen']}\n{'':20} {held}: {row['promise']}\n")


def end_on_signals():
    """Ctrl-C and SIGTERM end the lab at once; what it has started ends with it, because the kernel sees to that."""
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        signal.signal(number, lambda number, _: os._exit(128 + number))
