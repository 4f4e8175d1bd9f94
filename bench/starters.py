"""Trains the starter models, which stand in models/ and in the wheel, in the repository itself.

    python bench/starters.py [--text FILE]

FILE is tiny Shakespeare, where there is no network. A starter that exists already is kept: `zoo rm` it first.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from zoo.home import Home
from zoo.registry.registry import STARTER_TAG, Registry

REPOSITORY = Path(__file__).resolve().parent.parent
PRESETS = ("nano", "m2", "laptop")
ZOO = [sys.executable, "-m", "zoo", "--home", str(REPOSITORY)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--text")
    text = parser.parse_args().text
    subprocess.run([*ZOO, "fetch", "shakespeare", *(["--from", text] if text else [])], check=True)
    registry = Registry(Home(REPOSITORY))
    for preset in PRESETS:
        name = f"shakespeare-{preset}"
        if name not in registry.own():
            subprocess.run([*ZOO, "train", "-d", "shakespeare", "-p", preset, "-n", name], check=True)
        record = registry.get(name).record
        if STARTER_TAG not in record.tags:
            registry.update(name, record.id, tags=(*record.tags, STARTER_TAG), host="")


if __name__ == "__main__":
    main()
