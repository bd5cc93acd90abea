"""Runs the Python of a cell, `sys.argv[1]`, so that it ends and leaves nothing behind. See says.rs."""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
import traceback

multiprocessing.set_start_method("fork")  # what a cell defines is then there in its processes, too

# Each process ends with the one that forked it, also with one that was killed.
_libc, _forking = ctypes.CDLL(None), [0]


def _remember():
    _forking[0] = os.getpid()


def _end_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != _forking[0]:
        os._exit(1)


os.register_at_fork(before=_remember, after_in_child=_end_with_parent)


def until(is_so, seconds=5):
    """Waits until `is_so()`."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen within %g s" % seconds)
        time.sleep(0.001)


def is_held(lock):
    """Whether some process holds this lock now."""
    if lock.acquire(False):
        lock.release()
        return False
    return True


_failed = 0
try:
    exec(compile(sys.argv[1], "the cell", "exec"), globals())
except BaseException:
    traceback.print_exc()
    _failed = 1
sys.stdout.flush()
sys.stderr.flush()
os._exit(_failed)  # waits for no process and no thread of the cell; they end with this one
