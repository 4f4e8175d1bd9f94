"""How long zoo takes to start, against the imports that any such program pays for.

    python bench/startup.py [--rounds N]

Each round runs the baseline and then the command, so a machine that slows down slows both; what counts is the ratio.
"""

import argparse
import contextlib
import json
import math
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zoo.registry.document import write_document
from zoo.registry.record import CorpusPart, Record, VocabPart

BASELINE = [sys.executable, "-c", "import click, pluggy, rich.table, tomllib"]
ZOO = [sys.executable, "-m", "zoo"]


def record(number: int) -> Record:
    """A record as a training leaves it."""
    from zoo.config import get_preset

    preset = get_preset("nano")
    return Record(
        id=f"00000000-0000-0000-0000-{number:012d}",
        dataset="shakespeare",
        preset=preset.name,
        status="ready",
        path=f"models/model-{number}",
        parameters=1_000_000,
        device="cpu",
        device_name="CPU",
        host="host",
        threads=2,
        dtype="float32",
        val_loss=1.5 + number / 10_000,
        val_bpc=2.1 + number / 10_000,
        val_protocol="windows/v1",
        weights="best",
        created="2026-01-01T00:00:00+00:00",
        seed=number,
        private=False,
        corpora=(CorpusPart(name="shakespeare", sha256="0" * 64, val_sha256="0" * 64, characters=1_115_394),),
        vocab=VocabPart(kind="characters", size=65, sha256="0" * 64),
        model=preset.model.resolve(65).to_dict(),
        train=preset.train.to_dict(),
    )


def seconds(command: list[str], environment: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - begin


def seconds_on_a_terminal(command: list[str], environment: dict[str, str]) -> float:
    """As `seconds`, until all is drawn on a terminal of 120 columns."""
    begin = time.perf_counter()
    ours, its = pty.openpty()
    environment = {**environment, "TERM": "xterm-256color", "COLUMNS": "120"}
    with subprocess.Popen(command, env=environment, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        with contextlib.suppress(OSError):  # which is how Linux says that it has ended
            while os.read(ours, 2**16):
                pass
    os.close(ours)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - begin


def write_log(directory: Path) -> None:
    """A log of 6,000 steps, as a training leaves it."""
    lines: list[dict[str, float]] = []
    for step in range(10, 6001, 10):
        loss = 1.5 + 2 * math.exp(-step / 500)
        lines.append({"step": step, "train_loss": loss, "learning_rate": 0.009918181818181819})
        if step % 250 == 0:
            lines.append({"step": step, "train_loss": loss, "val_loss": loss + 0.1})
    directory.mkdir(parents=True)
    (directory / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as directory:
        homes = {}
        for size in (100, 1000):
            homes[size] = Path(directory, str(size))
            tables = {f"model-{n}": record(n).to_table() for n in range(size)}
            homes[size].mkdir()
            write_document(homes[size] / "registry.toml", {"schema": 1, "models": tables})
        for number in range(100):
            write_log(homes[100] / "models" / f"model-{number}")
        cases = [
            ("zoo --help", [*ZOO, "--help"], homes[100], seconds),
            ("zoo list, 100 records", [*ZOO, "list"], homes[100], seconds),
            ("zoo list, 1000 records", [*ZOO, "list"], homes[1000], seconds),
            (
                "zoo list, 100 records, with filters",
                [*ZOO, "list", "val_loss<1.51", "--sort", "age"],
                homes[100],
                seconds,
            ),
            ("zoo list, 100 records, curves on a terminal", [*ZOO, "list"], homes[100], seconds_on_a_terminal),
        ]
        print("| command | seconds (median) | times the baseline: min | median | max |")
        print("|---|---|---|---|---|")
        for title, command, home, measure in cases:
            environment = {**os.environ, "ZOO_HOME": str(home)}
            times, ratios = [], []
            for _ in range(rounds):
                base = seconds(BASELINE, environment)
                times.append(measure(command, environment))
                ratios.append(times[-1] / base)
            low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
            print(f"| {title} | {statistics.median(times):.3f} | {low:.2f} | {middle:.2f} | {high:.2f} |")


if __name__ == "__main__":
    main()
