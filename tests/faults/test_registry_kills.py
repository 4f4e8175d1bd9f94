"""The registry under fire: its writers are killed at random instants, crowd it, and fall asleep with its lock."""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from faults.processes import (
    check_home,
    command,
    end_of,
    has_lines,
    kill,
    outcome_of,
    said_of_failure,
    spawn,
    wait_until,
)
from tiny import tiny_settings

from zoo import locks
from zoo.corpora.vocab import save_vocab
from zoo.home import Home
from zoo.locks import LOCK_SECONDS
from zoo.plugins import Plugins
from zoo.registry import trash
from zoo.registry.document import read_records
from zoo.registry.registry import Registry
from zoo.runs.plan import Request, plan

LONGEST_LIFE = (
    0.2  # seconds of a writer until it is killed: some ten changes, when the other one does not hold the lock
)
NAMES = 4  # that one writer uses, so that names come back

# A server that forks writers, for a fork is there at once and a new interpreter is not. It reads lines: `fork PREFIX
# SEED LOG` and `reap PID`. A writer says in its log what it is about to do, and then that the call has returned.
WRITERS = """
import dataclasses, os, random, sys, time, traceback, uuid
from pathlib import Path
from zoo.home import Home
from zoo.registry import trash
from zoo.registry.registry import Registry
from zoo.runs.spec import Spec
import filelock, tomli_w

home, names = Home(Path(sys.argv[1])), int(sys.argv[2])
pattern = Registry(home).own()["pattern"]
vocab = (pattern.directory / "vocab.json").read_bytes()

def claim(registry, name, id):
    record = dataclasses.replace(pattern.record, id=id, path=f"models/{name}", note="0")
    def fill(directory):
        Spec.of(name, record).save(directory / "run.toml")
        (directory / "vocab.json").write_bytes(vocab)
    (registry.claim(name, record, fill) / "log.jsonl").write_bytes(b"")

def change(registry, prefix, chance, say):
    every = [f"{prefix}{number}" for number in range(names)]
    own = [model for name, model in registry.own().items() if name in every]
    free = [name for name in every if name not in registry.own()]
    gone = {name: record for name, (_, record) in trash.contents(home).items() if name in free}
    actions = ["update"] * 2 * len(own) + ["rm"] * len(own) + ["restore"] * 2 * len(gone)
    actions += ["rename"] * bool(own and free) + ["claim"] * (not gone and bool(free))
    action = chance.choice(actions)
    if action in ("update", "rm", "rename"):
        model = chance.choice(own)
        name, id, note = model.name, model.record.id, model.record.note
    if action == "claim":
        name, id = chance.choice(free), str(uuid.UUID(int=chance.getrandbits(128)))
        say("claim", id, name, "0")
        claim(registry, name, id)
    elif action == "update":
        say("update", id, name, str(int(note) + 1))
        registry.update(name, id, note=str(int(note) + 1))
    elif action == "rename":
        new = chance.choice(free)
        say("rename", id, new, note)
        registry.rename(name, new)
    elif action == "rm":
        say("rm", id, "-", note)
        trash.discard(registry, model)
    else:
        name, record = chance.choice(list(gone.items()))
        say("restore", record.id, name, record.note)
        trash.restore(registry, name)
    say("done")

def write(prefix, seed, log):
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    say = lambda *words: os.write(file, (" ".join(words) + "\\n").encode())
    chance, registry = random.Random(seed), Registry(home)
    while True:
        change(registry, prefix, chance, say)

for line in sys.stdin:
    order, *words = line.split()
    if order == "fork":
        pid = os.fork()
        if not pid:
            try:
                write(*words)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        print(pid, flush=True)
    else:
        print(os.waitpid(int(words[0]), 0)[1], flush=True)
"""


class State(NamedTuple):
    """Where a model is: its name, or `-` in the trash; and its note."""

    name: str
    note: str


class Writers:
    """The server, and the writers it has forked."""

    def __init__(self, home: Home, tmp_path: Path) -> None:
        self.logs = tmp_path / "logs"
        self.logs.mkdir()
        self.errors = open(tmp_path / "errors.txt", "w+b")  # noqa: SIM115
        self.server = subprocess.Popen(
            [sys.executable, "-c", WRITERS, str(home.path), str(NAMES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def _ask(self, *words: str) -> int:
        self.server.stdin.write(" ".join(words) + "\n")
        self.server.stdin.flush()
        answer = self.server.stdout.readline()
        assert answer, self.said()
        return int(answer)

    def fork(self, prefix: str, seed: int) -> int:
        (self.logs / prefix).unlink(missing_ok=True)
        return self._ask("fork", prefix, str(seed), str(self.logs / prefix))

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert self._ask("reap", str(pid)) == signal.SIGKILL, self.said()  # else it has ended by itself

    def log_of(self, prefix: str) -> list[list[str]]:
        path = self.logs / prefix
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def said(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode()

    def close(self) -> None:
        self.server.communicate()
        self.errors.close()


class Ledger:
    """What must be true of every model by what the writers said: done is done, and of the rest there is one change a
    writer which a kill may have cut off."""

    def __init__(self) -> None:
        self.models: dict[str, State] = {}
        self.begun: dict[str, tuple[str, State]] = {}
        self.abandoned: set[str] = set()
        self.acknowledged = 0

    def hear(self, log: list[list[str]]) -> None:
        """What one writer said until it was killed."""
        said: list[str] = []
        for words in log:
            if words != ["done"]:
                said = words
                continue
            _, id, name, note = said
            self.models[id] = State(name, note)
            self.acknowledged += 1
            said = []
        if said:
            action, id, name, note = said
            self.begun[id] = action, State(name, note)

    def compare(self, home: Home) -> list[str]:
        """The changes that a kill cut off between the directory and its row. Fails for anything else that is not as it
        was acknowledged, or as it was to be."""
        rows, trashed = states(home)
        halves = []
        found = {id: state for state, id in [*rows, *trashed]}
        assert len(found) == len(rows) + len(trashed), "a model is there twice"
        for id in {*self.models, *found} - {*self.begun}:
            assert found.get(id) == self.models.get(id), id
        for id, (action, after) in self.begun.items():
            before = self.models.get(id)
            whole = is_whole(home, id, found.get(id))
            if whole:
                assert found.get(id) in (before, after), (action, before, after, found.get(id))
                continue
            assert action != "update", "an update moves no directory"
            places = {state.name for state in (before, after) if state and state.name != "-"}
            there = [name for name in places if has_card_of(home.models / name, id)]
            assert action == "claim" or len(there) == 1, (action, before, after, found.get(id), there)
            halves.append(action)
        return halves

    def settle(self, home: Home) -> None:
        """Take what is there now for what must be; nothing that was acknowledged may have gone."""
        rows, trashed = states(home)
        found = {id: state for state, id in [*rows, *trashed]}
        for id in self.begun:
            assert id in found or id not in self.models, "a model is lost"
            self.abandoned |= {id} - {*found}  # a claim that a kill undid; the doctor may yet bring it to the trash
        self.models.update({id: found[id] for id in {*self.begun, *self.abandoned} & {*found}})
        self.begun = {}


def states(home: Home) -> tuple[list[tuple[State, str]], list[tuple[State, str]]]:
    """Every model of the writers, with its id: those of the registry, those in the trash."""
    rows = [(State(name, m.record.note), m.record.id) for name, m in Registry(home).own().items()]
    trashed = [(State("-", record.note), record.id) for _, _, record in trash.models(home)]
    return [row for row in rows if row[0].name not in ("pattern", "witness")], trashed


def has_card_of(directory: Path, id: str) -> bool:
    """Whether a directory has a whole model.toml of that model."""
    return [record.id for record in read_records(directory / "model.toml").values()] == [id]


def is_whole(home: Home, id: str, state: State | None) -> bool:
    """Whether a row and its directory stand together, or there is neither."""
    if state is None:  # what a kill left of a claim has no row, and takes no name
        return not any(has_card_of(directory, id) for directory in home.models.iterdir())
    return state.name == "-" or has_card_of(home.models / state.name, id)


@pytest.fixture
def pattern(home: Home, tiny_corpus: str) -> Home:
    """A home with two models that nobody has begun to train: one to copy, one that the test changes itself."""
    settings = dict(pair.split("=") for pair in tiny_settings()[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset=tiny_corpus, settings=settings))
    for name in ("pattern", "witness"):

        def fill(directory: Path, name: str = name) -> None:
            dataclasses.replace(spec, id=name).save(directory / "run.toml")
            save_vocab(directory / "vocab.json", vocab)

        record = dataclasses.replace(spec.record(), id=name, path=f"models/{name}", note="0")
        Registry(home).claim(name, record, fill)
    return home


@pytest.fixture
def writers(pattern: Home, tmp_path: Path) -> Iterator[Writers]:
    server = Writers(pattern, tmp_path)
    yield server
    server.close()


@pytest.mark.timeout(3600)
def test_no_acknowledged_change_is_lost_when_writers_are_killed(
    writers, pattern, zoo, size, chance, monkeypatch, record_property
):
    """Two writers at a time; each is killed at a random instant, and the other goes on for a while."""
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0.0)  # nobody else is at work when the doctor comes
    ledger, halves = Ledger(), Counter[str]()
    for cycle in range(size("kills") // 2):
        pids = {prefix: writers.fork(prefix, chance.getrandbits(60)) for prefix in ("a", "b")}
        for prefix in chance.sample(["a", "b"], 2):
            time.sleep(chance.uniform(0, LONGEST_LIFE / 2))
            writers.kill(pids[prefix])
            ledger.hear(writers.log_of(prefix))
        check_registry(pattern)
        cut = ledger.compare(pattern)
        halves.update(cut)
        if {*cut} - {"claim"}:  # what a claim left takes no name, so the next writer must get along with it
            outcome = zoo("doctor", "--repair")
            assert outcome.code == 0, outcome
        ledger.settle(pattern)
        assert ledger.compare(pattern) == []
        registry = Registry(pattern)
        assert registry.get("witness").record.note == str(cycle)
        registry.update("witness", "witness", note=str(cycle + 1))
    assert ledger.acknowledged > size("kills") // 4, "too few to lose one"
    record_property("acknowledged", ledger.acknowledged)
    record_property("between directory and row", dict(halves))
    print(f"{ledger.acknowledged} changes acknowledged, cut off between directory and row: {dict(halves)}")


def check_registry(home: Home) -> None:
    """That the registry parses, each row holds a whole record, and the lock went with its holder."""
    assert Registry(home).own()
    assert not locks.is_locked(home.lock("registry"))


# A process that adds rows as soon as its input ends, and says the name of each when the call has returned.
CROWD = """
import dataclasses, sys
from pathlib import Path
from zoo.errors import Conflict
from zoo.home import Home
from zoo.registry.registry import Registry
registry = Registry(Home(Path(sys.argv[1])))
record = registry.own()["pattern"].record
print("ready", flush=True)
sys.stdin.read()
for row in range(int(sys.argv[3])):
    name = f"{sys.argv[2]}-{row}"
    def fill(directory):
        (directory / "vocab.json").write_text(name)
    new = dataclasses.replace(record, id=name, path=f"models/{name}", note=name)
    while True:
        try:
            registry.claim(name, new, fill)
            break
        except Conflict:
            print("busy", flush=True)
    print(name, flush=True)
"""
COMMITS = 5


@pytest.mark.timeout(3600)
def test_a_crowd_of_writers_loses_no_row_and_readers_always_see_whole_ones(pattern, size):
    """Who hears that the registry is busy tries again, as the message says."""
    crowd = [
        spawn(pattern, str(pattern.path), f"w{number}", str(COMMITS), python=("-c", CROWD), stdin=subprocess.PIPE)
        for number in range(size("writers"))
    ]
    assert [process.stdout.readline() for process in crowd] == [b"ready\n"] * len(crowd)
    begin = time.monotonic()
    for process in crowd:
        process.stdin.close()
        process.stdin = None  # for communicate
    with ThreadPoolExecutor(2) as readers:
        watched = [readers.submit(watch, pattern, crowd) for _ in range(2)]
    took = time.monotonic() - begin
    said = [process.communicate() for process in crowd]
    assert [(process.returncode, err) for process, (_, err) in zip(crowd, said, strict=True)] == [(0, b"")] * len(crowd)
    for counts in watched:
        assert counts.result() == sorted(counts.result()), "rows became fewer"
        assert counts.result()
    acknowledged = [line for out, _ in said for line in out.decode().split() if line != "busy"]
    assert len(acknowledged) == COMMITS * len(crowd)
    models = Registry(pattern).own()
    assert sorted(models) == sorted([*acknowledged, "pattern", "witness"])
    assert all((models[name].directory / "vocab.json").read_text() == name for name in acknowledged)
    assert {path.name for path in pattern.models.iterdir()} == {*models}
    assert len({model.record.id for model in models.values()}) == len(models)
    check_home(pattern)
    busy = sum(out.count(b"busy") for out, _ in said)
    print(f"{len(acknowledged)} rows in {took:.1f} s, {busy} times busy, {sum(len(c.result()) for c in watched)} reads")


def watch(home: Home, crowd: list[subprocess.Popen]) -> list[int]:
    """How many rows one reader after another saw, while there was a writer."""
    counts = []
    while any(process.poll() is None for process in crowd):
        ended = command(home, "list", "--json")
        assert ended.code == 0, ended
        counts.append(sum(not row["starter"] for row in json.loads(ended.out)["models"]))
    return counts


# A process that stops, as Ctrl-Z would stop it, in the middle of adding a row.
SLEEPER = """
import dataclasses, os, signal, sys
from pathlib import Path
from zoo.home import Home
from zoo.registry.registry import Registry
registry = Registry(Home(Path(sys.argv[1])))
record = next(iter(registry.own().values())).record
def fill(directory):
    print("holding", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
registry.claim("sleeper", dataclasses.replace(record, id="sleeper", path="models/sleeper"), fill)
"""


@contextlib.contextmanager
def asleep_with_the_lock(home: Home) -> Iterator[subprocess.Popen]:
    """A process that holds the registry and does not move; it is killed at the end, if it still lives."""
    sleeper = spawn(home, str(home.path), python=("-c", SLEEPER))
    try:
        assert sleeper.stdout.readline() == b"holding\n"
        yield sleeper
    finally:
        if sleeper.poll() is None:
            kill(sleeper)


@pytest.mark.timeout(3600)
def test_a_writer_that_sleeps_with_the_lock_costs_the_others_a_moment_and_no_work(home, tiny_model, tiny_text):
    """Commands and a training that wants to commit say in time that the registry is busy; readers notice nothing."""
    settings = tiny_settings(max_steps=300, eval_every=100)
    twin = Home(home.path.with_name("twin"))
    shutil.copytree(home.path, twin.path)
    record = Registry(home).get("tiny-nano").record
    Registry(home).claim("spare", dataclasses.replace(record, id="spare", path="models/spare"), lambda directory: None)
    training = spawn(home, "train", "-d", "tiny", "-n", "late", *settings)
    run_dir = home.models / "late"
    assert wait_until(has_lines(run_dir / "log.jsonl", 1), training)
    with asleep_with_the_lock(home):
        others = [spawn(home, "rename", "tiny-nano", "other"), spawn(home, "rm", "spare")]
        assert wait_until((run_dir / "weights.safetensors").exists, training)
        trained = time.monotonic()
        assert command(home, "list").code == 0
        assert command(home, "show", "tiny-nano").code == 0
        assert command(twin, "train", "-d", "tiny", "-n", "late", *settings).code == 0
        for process in others:
            ended = end_of(process, 2 * LOCK_SECONDS)
            assert ended.code == 5, ended
            assert "another zoo process is writing the registry" in said_of_failure(ended)
        ended = end_of(training, 2 * LOCK_SECONDS)
        assert time.monotonic() - trained < 2 * LOCK_SECONDS, "it has waited more than once"
        assert ended.code == 5, ended
        assert "zoo resume late" in said_of_failure(ended)
    assert check_home(home) == {"tiny-nano": "ready", "spare": "missing", "late": "interrupted"}
    resumed = command(home, "resume", "late")
    assert resumed.code == 0, resumed
    assert outcome_of(home, "late") == outcome_of(twin, "late")
    assert check_home(home) == {"tiny-nano": "ready", "spare": "missing", "late": "ready"}


def test_a_writer_that_wakes_up_in_time_gets_its_row_and_so_do_the_others(home, tiny_model):
    with asleep_with_the_lock(home) as sleeper:
        waiting = spawn(home, "rename", "tiny-nano", "other")
        time.sleep(0.5)
        assert waiting.poll() is None
        sleeper.send_signal(signal.SIGCONT)
        assert end_of(sleeper).code == 0
        assert end_of(waiting).code == 0
    assert sorted(Registry(home).own()) == ["other", "sleeper"]
