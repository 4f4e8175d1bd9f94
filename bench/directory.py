"""How long `zoo fetch` takes for a directory of many small files, and whether its text is the same each time.

    python bench/directory.py [--files N] [--rounds N]

The files are written in another order each round. Before each fetch the same files are read by a plain loop
(`sorted(root.rglob("*.txt"))`, read, join, write), so a machine that slows down slows both; what counts is the ratio.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

from startup import seconds

CHARACTERS = 400  # of a file, about
PLAIN = """
import sys
from pathlib import Path
texts = [path.read_text() for path in sorted(Path(sys.argv[1]).rglob("*.txt"))]
Path(sys.argv[2]).write_text("\\n\\n".join(texts))
"""


def write_files(root: Path, count: int, order: random.Random) -> None:
    """`count` small texts in directories of a thousand, the same whatever the order."""
    numbers = list(range(count))
    order.shuffle(numbers)
    for number in numbers:
        folder = root / f"{number // 1000:03}"
        folder.mkdir(parents=True, exist_ok=True)
        words = random.Random(number).choices(("the", "quick", "brown", "fox", "jumps", "over", "a", "dog"), k=80)
        (folder / f"{number:06}.txt").write_text(" ".join(words)[:CHARACTERS] + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    times, ratios, texts = [], [], set()
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as place:
            root, home = Path(place, "texts"), Path(place, "home")
            write_files(root, options.files, random.Random(number))
            environment = {**os.environ, "ZOO_HOME": str(home)}
            plain = seconds([sys.executable, "-c", PLAIN, str(root), str(Path(place, "joined.txt"))], environment)
            fetch = [sys.executable, "-m", "zoo", "fetch", "many", "--from", str(root)]
            times.append(seconds(fetch, environment))
            ratios.append(times[-1] / plain)
            texts.add((home / ".zoo" / "corpora" / "many" / "current").read_text().strip())
    print("| files | seconds: min | median | max | times the plain loop: min | median | max | texts |")
    print("|---|---|---|---|---|---|---|---|")
    spread = [f"{f(values):.2f}" for values in (times, ratios) for f in (min, statistics.median, max)]
    print(f"| {options.files:,} | {' | '.join(spread)} | {len(texts)} |")


if __name__ == "__main__":
    main()
