"""How long this process has been running, Python's own start included."""

import os
import time


def process_age() -> float:
    """Seconds since the process began: by the kernel where it tells, else its processor time, which is nearly all that
    a start takes."""
    try:
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.process_time()
    return max(age, 0.0)
