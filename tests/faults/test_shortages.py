"""Too little memory, too few open files: one honest line, exit code 6, and nothing lost."""

import resource
import sys

import pytest
from faults.processes import command, said_of_failure
from tiny import tiny_settings

from zoo.errors import StorageProblem, shortage
from zoo.events import Stepped
from zoo.plugins import Plugins
from zoo.registry.registry import Registry
from zoo.runs.plan import Request, plan
from zoo.runs.run import start

SETTINGS = tiny_settings(max_steps=20)
HUGE = tiny_settings(max_steps=20, n_embd=256, block_size=128, batch_size=2048)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of a process are Linux's")


def limit(kind: int, most: int) -> dict[str, object]:
    """Options of a process with a limit of its own."""
    return {"preexec_fn": lambda: resource.setrlimit(kind, (most, most))}


def test_too_little_memory_to_load_torch_is_said(home, tiny_corpus):
    ended = command(home, "train", "-d", "tiny", *SETTINGS, **limit(resource.RLIMIT_AS, 300 * 2**20))
    assert ended.code == 6, ended
    assert "not enough memory to load libtorch" in said_of_failure(ended)
    assert Registry(home).own() == {}


def test_a_training_that_is_too_large_for_the_memory_takes_no_name(home, tiny_corpus):
    ended = command(home, "train", "-d", "tiny", *HUGE, **limit(resource.RLIMIT_AS, 1500 * 2**20))
    assert ended.code == 6, ended
    assert "out of memory; free some, or train with a smaller batch_size" in said_of_failure(ended)
    assert Registry(home).own() == {}


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_a_training_that_runs_out_of_memory_is_interrupted_and_goes_on(zoo, home, tiny_corpus, error):
    settings = dict(pair.split("=") for pair in SETTINGS[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=settings))

    def exhaust(event: object) -> None:
        if isinstance(event, Stepped) and event.step == 12:
            raise error

    with pytest.raises(StorageProblem, match=r"out of memory.*once that is mended, go on with: zoo resume tiny-nano"):
        start(home, spec, vocab, on_event=exhaust)
    assert Registry(home).get("tiny-nano").status == "interrupted"
    assert zoo("resume", "tiny-nano").code == 0


@pytest.mark.parametrize("most", [5, 6, 8])
def test_few_open_files_are_enough_or_are_said(home, tiny_corpus, most):
    ended = command(home, "train", "-d", "tiny", *SETTINGS, **limit(resource.RLIMIT_NOFILE, most))
    assert ended.code == 0 or "too many open files" in said_of_failure(ended)
    assert ended.code in (0, 6)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("can't start new thread"), "this process may start no more threads"),
        (RuntimeError("Resource temporarily unavailable"), "this process may start no more threads"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "memory to load libtorch_cpu.so;"),
        (
            OSError("libgomp.so: cannot open shared object file: Too many open files"),
            "many open files to load libgomp.so;",
        ),
        (ImportError("a.so: cannot create shared object descriptor: Cannot allocate memory"), "memory to load a.so;"),
        (OSError(12, "Cannot allocate memory"), "out of memory"),
        (RuntimeError("std::bad_alloc"), "out of memory"),
        (RuntimeError("could not create a primitive"), "out of memory"),
        (ImportError("No module named 'torch'"), None),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), None),
        (OSError(28, "No space left on device"), None),
        (StorageProblem("cannot read x: cannot allocate memory"), None),
    ],
)
def test_what_ran_out_is_told_from_the_words_of_the_error(error, said):
    found = shortage(error)
    assert (found is None) if said is None else said in str(found)
