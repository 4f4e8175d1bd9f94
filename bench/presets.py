"""Trains presets on the real tiny Shakespeare, each by the plain command, and prints what came out.

    python bench/presets.py PRESET... [--text FILE] [--home DIR]

The rows are what `measured` in zoo/presets.toml is copied from. FILE is tiny Shakespeare, where there is no network.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zoo.home import Home
from zoo.registry.registry import Registry

ZOO = [sys.executable, "-m", "zoo"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--text")
    parser.add_argument("--home", default=None)
    options = parser.parse_args()
    home = options.home or tempfile.mkdtemp(prefix="zoo-bench-")
    zoo = [*ZOO, "--home", home]
    subprocess.run([*zoo, "fetch", "shakespeare", *(["--from", options.text] if options.text else [])], check=True)
    print("| preset | val loss (windows/v1) | parameters | minutes, whole command | device | threads | products in |")
    print("|---|---|---|---|---|---|---|")
    for preset in options.presets:
        name = f"bench-{preset}"
        begin = time.monotonic()
        subprocess.run([*zoo, "train", "-d", "shakespeare", "-p", preset, "-n", name], check=True)
        minutes = (time.monotonic() - begin) / 60
        record = Registry(Home(Path(home))).get(name).record
        print(
            f"| {preset} | {record.val_loss:.4f} | {record.parameters:,} | {minutes:.1f} "
            f"| {record.device_name} | {record.threads} | {record.dtype} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
