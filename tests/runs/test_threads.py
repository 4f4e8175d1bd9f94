"""Threads that the system or OpenMP does not give: the numbers stay right, and what was done about it is said."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny import Outcome, tiny_settings

from zoo.errors import Stopped
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.registry.record import Record
from zoo.registry.registry import Registry
from zoo.runs.plan import Request, plan
from zoo.runs.run import start
from zoo.threads import can_start

SETTINGS = tiny_settings(max_steps=20)
LOSS = 3.07  # of such a training, whatever the number format and the threads
ONE_THREAD = "zoo: computes with 1 thread instead of 2: "
NO_THREADS = """
#include <errno.h>
#include <pthread.h>
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *given) { return EAGAIN; }
"""
BUSY = """
int getloadavg(double *averages, int count) {
    for (int i = 0; i < count; i++) averages[i] = 99;
    return count;
}
"""
FEWER_THREADS = {
    "OMP_THREAD_LIMIT": {"OMP_THREAD_LIMIT": "1"},
    "OMP_DYNAMIC": {"OMP_DYNAMIC": "true", "preload": BUSY},
    "OMP_MAX_ACTIVE_LEVELS": {"OMP_MAX_ACTIVE_LEVELS": "0"},
}

pytestmark = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor has no use for a second thread")


@pytest.fixture(autouse=True)
def threads_of_this_process() -> Iterator[None]:
    """Give torch back the number of threads that it had."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def preload(directory: Path, code: str) -> str:
    """Compile C into a library for LD_PRELOAD."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler, or no LD_PRELOAD")
    library = directory / "preload.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-xc", "-o", library, "-"], input=code, text=True, check=True)
    return str(library)


def limited(home: Home, limits: dict[str, str], *words: str) -> Outcome:
    """Run a command line in a process that may use two threads, under limits."""
    limits = dict(limits)
    if code := limits.pop("preload", None):
        limits["LD_PRELOAD"] = preload(home.path.parent, code)
    two = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "ZOO_HOME": str(home.path)}
    command = [sys.executable, "-m", "zoo", *words]
    env = {**os.environ, **two, **limits}
    del env["ONEDNN_MAX_CPU_ISA"]  # these are tests of the fast products, too
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=100)
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def record_of(home: Home, name: str = "tiny-nano") -> Record:
    return Registry(home).get(name).record


def interrupt_a_training_of_two_threads(home: Home) -> None:
    request = Request(dataset="tiny", dtype="bfloat16", settings=dict(pair.split("=") for pair in SETTINGS[1::2]))
    spec, vocab = plan(home, Plugins(), request)
    asked = iter(range(1, 1000))
    with pytest.raises(Stopped):
        start(
            home,
            dataclasses.replace(spec, threads=2),
            vocab,
            stop=lambda: signal.SIGINT if next(asked) == 12 else None,
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Train and resume under every limit of OpenMP with --full, else under different ones."""
    limits = list(FEWER_THREADS)
    if not metafunc.config.getoption("--full"):
        limits = limits[2:] if "resume" in metafunc.function.__name__ else limits[:2]
    if "limit" in metafunc.fixturenames:
        metafunc.parametrize("limit", limits)


def test_a_training_is_right_when_openmp_gives_fewer_threads_than_asked(zoo, home, tiny_corpus, limit):
    outcome = limited(home, FEWER_THREADS[limit], "train", "-d", "tiny", "--dtype", "bfloat16", *SETTINGS)
    assert outcome.code == 0, outcome
    record = record_of(home)
    assert record.val_loss == pytest.approx(LOSS, abs=0.02)
    assert (ONE_THREAD in outcome.err) == (record.threads == 1)
    assert zoo("reproduce", "tiny-nano").code == 0, "what was done is not what was recorded"


def test_a_training_is_resumed_when_openmp_gives_fewer_threads(home, tiny_corpus, limit):
    interrupt_a_training_of_two_threads(home)
    outcome = limited(home, FEWER_THREADS[limit], "resume", "tiny-nano")
    assert outcome.code == 0, outcome
    assert record_of(home).val_loss == pytest.approx(LOSS, abs=0.02)
    fell_back = "threads was 2, and is 1 here: the last bits may differ" in outcome.err
    assert fell_back == (outcome.err.count(ONE_THREAD) == 1)


def test_a_training_needs_no_second_thread(home, tiny_corpus):
    outcome = limited(home, {"preload": NO_THREADS}, "train", "-d", "tiny", *SETTINGS)
    assert outcome.code == 0, outcome
    assert f"{ONE_THREAD}this process may start no more threads" in outcome.err
    assert record_of(home).threads == 1
    assert record_of(home).val_loss == pytest.approx(LOSS, abs=0.02)


def test_an_interrupted_training_goes_on_without_a_second_thread(home, tiny_corpus):
    interrupt_a_training_of_two_threads(home)
    outcome = limited(home, {"preload": NO_THREADS}, "resume", "tiny-nano")
    assert outcome.code == 0, outcome
    assert f"{ONE_THREAD}this process may start no more threads" in outcome.err
    assert record_of(home).val_loss == pytest.approx(LOSS, abs=0.02)


@pytest.mark.parametrize("command", [["eval", "tiny-nano", "--json"], ["generate", "tiny-nano", "--seed", "1"]])
def test_what_needs_no_threads_is_the_same_without_them(zoo, home, tiny_model, command):
    outcome = limited(home, {"preload": NO_THREADS}, *command)
    assert outcome.code == 0, outcome
    shutil.rmtree(home.path / ".zoo" / "evaluations", ignore_errors=True)  # what eval keeps
    assert outcome.out == zoo(*command).out
    assert outcome.err == ""


def test_a_download_without_threads_is_one_line(home):
    outcome = limited(home, {"preload": NO_THREADS}, "fetch", "far", "--from", "http://127.0.0.1:9/text.txt")
    assert outcome.code == 6, outcome
    assert outcome.err.startswith("zoo: error: this process may start no more threads; ")
    assert outcome.err.count("\n") == 1


def test_threads_are_tried_out_and_gone_again():
    assert can_start(0)
    assert can_start(3)


def test_a_command_without_numpy_tries_out_no_threads(home):
    code = (
        "import sys, threading, zoo.__main__; threading.Thread.start = lambda thread: sys.exit(9); zoo.__main__.main()"
    )
    env = {**os.environ, "OMP_NUM_THREADS": "2", "ZOO_HOME": str(home.path)}
    assert subprocess.run([sys.executable, "-c", code, "list"], env=env, check=False).returncode == 0
