"""Which device trains, and what it is called."""

import contextlib
import ctypes
import itertools
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from zoo.config import ModelConfig, TrainConfig
from zoo.errors import UsageProblem
from zoo.events import Note, OnEvent, ignore
from zoo.threads import can_start

DEVICES = ("cuda", "mps", "cpu")
FOR_BFLOAT16 = ("avx512_bf16", "amx_tile")
LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR")
SIDE, ROUNDS = 384, 6  # of the matrices that are multiplied to see which format is faster
FASTER = 2.0  # times as fast, for what is not a product gains nothing
MOST_SIDE = 512  # of matrices whose product is checked
TOLERANCE = 0.05  # of the largest number of a product; bfloat16 rounds to 0.004


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


def instructions() -> str:
    """Return the instruction sets that torch uses on this CPU, with what the environment says of them.

    Others add in another order, so the last bits of a training differ.
    """
    names = [torch.backends.cpu.get_cpu_capability()]
    names += [name for name in FOR_BFLOAT16 if getattr(torch.cpu, f"_is_{name}_supported", bool)()]
    return " ".join([*names, *(f"{name}={os.environ[name]}" for name in LIMITS if name in os.environ)])


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
    is_correct = bool((matrices[1] @ matrices[1] == SIDE).all())
    torch.set_num_threads(threads)
    float32, bfloat16 = (min(times) for times in zip(*rounds, strict=True))
    return is_correct and bool(float32 > FASTER * bfloat16)


def _seconds_of_product(matrix: torch.Tensor, clock: Callable[[], float]) -> float:
    begin = clock()
    _ = matrix @ matrix
    return clock() - begin


def cpu_threads() -> int:
    """How many threads torch would use: the physical cores, or what OMP_NUM_THREADS says."""
    return torch.get_num_threads()


def take_over(
    model: ModelConfig, train: TrainConfig, *, device: str, dtype: str, threads: int, on_event: OnEvent = ignore
) -> int:
    """Set what torch keeps for the whole process, and return the number of CPU threads that the training uses.

    That is `threads`, or one, with a note, where the system starts no more, or where products come out wrong with more:
    oneDNN counts on all threads that it asks OpenMP for, and leaves parts of a product out when it gets fewer.
    Raises UsageProblem when products come out wrong with one thread, too.
    """
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    with contextlib.suppress(OSError, AttributeError):  # OMP_DYNAMIC: fewer threads while the machine is busy
        ctypes.CDLL(torch._C.__file__).omp_set_dynamic(0)

    def is_sound(count: int) -> bool:
        torch.set_num_threads(count)
        return device != "cpu" or _multiplies_correctly(model, train, dtype)

    why = "this process may start no more threads"
    if can_start(threads - 1):
        if is_sound(threads):
            return threads
        why = f"matrix products come out wrong with {threads} (limits of OpenMP, such as OMP_THREAD_LIMIT, do this)"
    if not is_sound(1):
        raise UsageProblem(f"matrix products in {dtype} come out wrong on this machine; train with another --dtype")
    on_event(Note(f"computes with 1 thread instead of {threads}: {why}"))
    return 1


def _multiplies_correctly(model: ModelConfig, train: TrainConfig, dtype: str) -> bool:
    """Return whether the products of a block, in `dtype` and in the float32 of the exact validation, come out on this
    CPU as in float64, which never goes through oneDNN."""
    random = torch.Generator().manual_seed(0)
    shapes = {shape for name, shape in model.weight_shapes().items() if name.startswith("blocks.") and len(shape) == 2}
    for shape, number in itertools.product(sorted(shapes), sorted({dtype, "float32"})):
        rows, outputs, inputs = (min(side, MOST_SIDE) for side in (train.batch_size * model.block_size, *shape))
        x, weight = (torch.randn(n, inputs, generator=random).to(getattr(torch, number)) for n in (rows, outputs))
        product = torch.full((rows, outputs), torch.nan, dtype=x.dtype)
        torch.mm(x, weight.T, out=product)
        expected = x.double() @ weight.double().T
        error = (product.double() - expected).abs().max()
        if not error <= TOLERANCE * expected.abs().max():  # nor if it is not a number
            return False
    return True
