"""Which device trains, and what it is called."""

import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from zoo.errors import UsageProblem

DEVICES = ("cuda", "mps", "cpu")
SIDE, ROUNDS = 384, 6  # of the matrices that are multiplied to see which format is faster
FASTER = 2.0  # times as fast, for what is not a product gains nothing


def choose_device(wanted: str = "auto") -> str:
    """The device of that name (`cuda:1` for the second card), or with 'auto' the first of cuda, mps, cpu that works.

    Raises UsageProblem for a device that is not here.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    working = [device for device in DEVICES if available[device]]
    if wanted == "auto":
        return working[0]
    kind, colon, index = wanted.partition(":")
    here = not colon or (kind == "cuda" and index.isdecimal() and int(index) < torch.cuda.device_count())
    if kind not in working or not here:
        raise UsageProblem(f"device '{wanted}' is not available here; these are: auto, {', '.join(working)}")
    return wanted


def device_name(device: str) -> str:
    """What the maker calls it."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    if device == "mps":
        return f"Apple {platform.processor() or platform.machine()}"
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def choose_dtype(device: str, wanted: str = "auto", clock: Callable[[], float] = time.thread_time) -> str:
    """The format in which matrices are multiplied; with 'auto' bfloat16 where that is much faster, else float32."""
    if wanted != "auto":
        return wanted
    if device.startswith("cuda"):
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device == "cpu" and _multiplies_bfloat16_faster(clock)
    return "bfloat16" if fast else "float32"


def _multiplies_bfloat16_faster(clock: Callable[[], float]) -> bool:
    """Whether this processor does, by the best of a few products, for what it is said to be able to does not tell.

    With one thread, and by the time that it computed: what else the machine does decides nothing (docs/log.md).
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    matrices = [torch.ones(SIDE, SIDE, dtype=dtype, device="cpu") for dtype in (torch.float32, torch.bfloat16)]
    rounds = [[_seconds_of_product(matrix, clock) for matrix in matrices] for _ in range(ROUNDS)]
    torch.set_num_threads(threads)
    float32, bfloat16 = (min(times) for times in zip(*rounds, strict=True))
    return bool(float32 > FASTER * bfloat16)


def _seconds_of_product(matrix: torch.Tensor, clock: Callable[[], float]) -> float:
    begin = clock()
    _ = matrix @ matrix
    return clock() - begin


def cpu_threads() -> int:
    """How many threads torch would use: the physical cores, or what OMP_NUM_THREADS says."""
    return torch.get_num_threads()


def take_over(threads: int) -> None:
    """Set what of torch holds for the whole process: a plugin may have set it otherwise."""
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
