"""Trainings that are killed at any instant of their life, and come to the same bytes as if nothing had happened."""

import itertools
import json
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from faults.processes import Outcome, begun_at, check_home, command, end_of, has_lines, outcome_of, spawn, wait_until
from tiny import tiny_settings, write_tiny_text

from zoo.home import Home

NAME = "tiny-nano"
STEPS, EVERY, LOGGED = 150, 10, 5
COMMON = {"max_steps": STEPS, "eval_every": EVERY, "log_every": LOGGED}
# a warm-up that is longer than any life; a rate at which validations get better and worse; masks
SETTINGS = {
    "warm-up": {"warmup_steps": 100, "dropout": 0.2},
    "best weights": {"learning_rate": 0.1, "schedule": "constant", "dropout": 0.1, "warmup_steps": 80},
    "muon": {"optimizer": "muon", "matrix_learning_rate": 0.1, "warmup_steps": 80},
    "classic": {"shape": "classic", "activation": "gelu", "tied": "yes", "dropout": 0.3, "warmup_steps": 50},
    "fine-tuned": {"keep": "log", "dropout": 0.2, "warmup_steps": 50},
}
PARENT = "parent"


def run_of(home: Home) -> Path:
    return home.models / NAME


def is_half_written(directory: Path) -> bool:
    """Whether a file is being written there at this moment."""
    try:
        return any(path.name.startswith(".tmp-") for path in directory.iterdir())
    except FileNotFoundError:
        return False


# Where in its life a process is, as the disk shows it; each is followed by a moment of random length.
MOMENTS: dict[str, Callable[[Home, int], bool]] = {
    "start": lambda home, lines: True,
    "claim": lambda home, lines: run_of(home).is_dir(),
    "row": lambda home, lines: home.registry.exists() and f"[models.{NAME}]".encode() in home.registry.read_bytes(),
    "step": lambda home, lines: has_lines(run_of(home) / "log.jsonl", lines)(),
    "checkpoint": lambda home, lines: (
        has_lines(run_of(home) / "log.jsonl", lines)() and is_half_written(run_of(home) / "checkpoints")
    ),
    "weights": lambda home, lines: has_lines(run_of(home) / "log.jsonl", LAST_LINE)() and is_half_written(run_of(home)),
    "commit": lambda home, lines: (run_of(home) / "weights.safetensors").exists(),
}
AFTER = {"start": 2.0, "claim": 0.02, "row": 0.02, "step": 0.01, "checkpoint": 0.003, "weights": 0.003, "commit": 0.02}
LAST_LINE = STEPS // LOGGED + STEPS // EVERY


@dataclass
class Life:
    """One training in a home of its own: killed a few times, then let go."""

    home: Home
    settings: list[str]
    chance: random.Random
    kills: int
    moments: list[str]
    killed: Counter[str] = field(default_factory=Counter)
    lost: list[int] = field(default_factory=list)
    reached: int = 0

    @property
    def kills_done(self) -> int:
        return self.killed.total() - self.killed["too late"]

    def live(self) -> None:
        for _ in range(self.kills):
            process = self._go_on()
            if process is None:
                break
            where = self._kill(process)
            self._check(where)
        process = self._go_on()
        if process is not None:
            ended = end_of(process)
            assert ended.code == 0, ended
            self._look_where_it_began(ended.err)
        assert check_home(self.home)[NAME] == "ready"

    def _go_on(self) -> subprocess.Popen | None:
        """The process that trains on, or anew where nothing has begun; None for a model that is ready."""
        status = check_home(self.home).get(NAME)
        if status == "ready":
            assert command(self.home, "resume", NAME).code == 5
            return None
        assert status in (None, "interrupted")
        if status == "interrupted":
            return spawn(self.home, "resume", NAME)
        return spawn(self.home, "train", "-d", "tiny", "-n", NAME, *self.settings)

    def _kill(self, process: subprocess.Popen) -> str:
        """Kill it somewhere in its life; returns where that was to be."""
        where = self.chance.choice(self.moments)
        lines = self._lines() + self.chance.randrange(1, max(2, (LAST_LINE - self._lines()) // 2))
        wait_until(lambda: MOMENTS[where](self.home, lines), process)
        time.sleep(self.chance.uniform(0, AFTER[where]))
        alive = process.poll() is None
        process.kill()
        ended = end_of(process)
        assert ended.code == (137 if alive else 0), ended
        assert "Traceback" not in ended.err
        if begun := "training " in ended.err:
            self._look_where_it_began(ended.err)
        self.killed[f"{where}{'' if begun else ', before it trains'}" if alive else "too late"] += 1
        self.reached = max(self.reached, self._last_step())
        return where

    def _check(self, where: str) -> None:
        """What a kill may leave."""
        status = check_home(self.home).get(NAME)
        if status is None:
            assert not (run_of(self.home) / "log.jsonl").exists(), where
        else:
            assert status in ("interrupted", "ready"), where

    def _look_where_it_began(self, said: str) -> None:
        """No more than the steps since the last checkpoint are done again."""
        self.lost.append(self.reached - begun_at(said))
        assert self.lost[-1] <= EVERY, said

    def _lines(self) -> int:
        path = run_of(self.home) / "log.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def _last_step(self) -> int:
        """The last step that the log speaks of in a whole line."""
        path = run_of(self.home) / "log.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return next((int(line.split(",")[0].split(":")[1]) for line in reversed(lines) if line.endswith("\n")), 0)


def settings_of(kind: str) -> list[str]:
    return tiny_settings(**{**COMMON, **SETTINGS[kind]}) + (["--init", PARENT] if kind == "fine-tuned" else [])


def make_parent(home: Home) -> None:
    assert command(home, "train", "-d", "tiny", "-n", PARENT, *tiny_settings(max_steps=20)).code == 0


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Outcome]:
    """What a training comes to that nobody disturbs; each is trained once."""

    @cache
    def outcome(kind: str) -> Outcome:
        place = tmp_path_factory.mktemp("twin")
        (place / "tiny.txt").write_text(write_tiny_text(), encoding="utf-8")
        twin = Home(place / "home")
        assert command(twin, "fetch", "tiny", "--from", str(place / "tiny.txt")).code == 0
        make_parent(twin)
        assert command(twin, "train", "-d", "tiny", "-n", NAME, *settings_of(kind)).code == 0
        return outcome_of(twin, NAME)

    return outcome


def begin(home: Home, kind: str, kills: int, chance: random.Random, moments: list[str]) -> Life:
    """A training that has not begun yet, in a copy of this home."""
    place = Home(home.path.with_name(f"life {chance.getrandbits(60)}"))
    shutil.copytree(home.path, place.path)
    return Life(place, settings_of(kind), random.Random(chance.random()), kills, moments)


@pytest.mark.timeout(3600)
def test_killed_trainings_come_to_the_same_bytes(home, tiny_corpus, uninterrupted, size, chance):
    """Two at a time; each is killed once or several times, and taken up again each time."""
    make_parent(home)
    kinds, lives = itertools.cycle(SETTINGS), []
    with ThreadPoolExecutor(2) as two:
        while (done := sum(life.kills_done for life in lives)) < size("cold-kills"):
            kills = min(size("cold-kills") - done, chance.randint(2, 8))
            pair = [begin(home, next(kinds), half, chance, [*MOMENTS]) for half in (kills // 2, kills - kills // 2)]
            list(two.map(Life.live, pair))
            lives += pair
    for kind, life in zip(itertools.cycle(SETTINGS), lives, strict=False):
        assert outcome_of(life.home, NAME) == uninterrupted(kind)
    killed = sum((life.killed for life in lives), Counter())
    print(f"{len(lives)} trainings, killed at {dict(killed)}, steps done again: {[life.lost for life in lives]}")


@pytest.mark.timeout(3600)
def test_a_training_that_is_killed_in_every_resume_comes_to_the_same_bytes(home, tiny_corpus, uninterrupted, chance):
    """In its warm-up, and while its best weights change: several times before it has come through either."""
    life = begin(home, "best weights", 4, chance, ["step", "checkpoint"])
    life.live()
    assert outcome_of(life.home, NAME) == uninterrupted("best weights")
    assert life.kills_done == 4
    losses = [line["val_loss"] for line in log_of(life.home) if "val_loss" in line]
    bests = [loss for number, loss in enumerate(losses) if loss == min(losses[: number + 1])]
    assert 2 < len(bests) < len(losses), "the settings are to let the best weights come and go"


@pytest.mark.timeout(3600)
def test_a_fine_tuned_training_that_is_killed_comes_to_the_same_weights_and_snapshots(
    home, tiny_corpus, uninterrupted, chance
):
    """Before its row stands, between its first snapshots, and while a checkpoint is written."""
    make_parent(home)
    life = begin(home, "fine-tuned", 4, chance, ["claim", "row", "row", "step", "checkpoint"])
    life.live()
    assert outcome_of(life.home, NAME) == uninterrupted("fine-tuned")
    assert len(outcome_of(life.home, NAME)[3]) == len([0, 1, 2, 4, 8, 16, 32, 64, 128, STEPS])
    assert life.kills_done


def log_of(home: Home) -> list[dict]:
    return [json.loads(line) for line in (run_of(home) / "log.jsonl").read_text().splitlines()]
