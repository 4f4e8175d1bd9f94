"""Threads: how many this process should use, and whether the system gives it that many."""

import os
import sys
import threading


def available() -> int:
    """Return the number that OMP_NUM_THREADS allows, which torch and numpy obey too, or else of our processors."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return _processors()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def can_start(count: int) -> bool:
    """Start `count` threads that live at the same time, end them, and return whether the system allowed all of them.

    Limits of a user, a container or a cgroup are many, and only an attempt knows them all.
    """
    end, started = threading.Event(), []
    try:
        for _ in range(count):
            thread = threading.Thread(target=end.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:  # can't start new thread
        return False
    finally:
        end.set()
        for thread in started:
            thread.join()
    return True


class BeforeNumpy:
    """Have numpy use one thread where it cannot start its own: its OpenBLAS would interrupt the process (SIGINT).

    Put it first in sys.meta_path. It acts when numpy is about to be imported, so other commands do not pay for it.
    """

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Set the environment of numpy's import, and leave that import to the other finders."""
        if fullname == "numpy":
            sys.meta_path.remove(self)
            if not can_start(min(available(), _processors()) - 1):
                os.environ["OPENBLAS_NUM_THREADS"] = "1"
