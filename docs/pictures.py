"""Draws what a terminal shows: runs commands on a real pty and saves the screens as SVG, for the README.

    python docs/pictures.py

Needs the dev extra (pexpect). Run it where `zoo list` shows what the picture should show.
"""

import os
import re
import sys
from io import StringIO
from pathlib import Path

import pexpect
from rich.console import Console
from rich.text import Text

PICTURES = Path(__file__).parent / "pictures"
COLUMNS = 94
ZOO = f"{sys.executable} -m zoo"


def screen(command: str, *typed: str) -> str:
    """What a pty of COLUMNS shows of a command, to which each line is typed when it prompts."""
    # where something is typed, on a terminal that draws nothing around it
    environment = {**os.environ, "TERM": "dumb" if typed else "xterm-256color"}
    child = pexpect.spawn(command, dimensions=(40, COLUMNS), encoding="utf-8", timeout=60, env=environment)
    child.logfile_read = StringIO()
    for line in typed:
        child.expect(">> ")
        child.sendline(line)
    child.expect(pexpect.EOF)
    shown: str = child.logfile_read.getvalue()
    shown = re.sub(r"\x1b\[\?25l.*?\x1b\[\?25h", "", shown, flags=re.DOTALL)  # a bar that went again
    return shown.replace("\r", "")


def save(name: str, command: str, shown: str) -> None:
    """The screen as an SVG that loads nothing from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text.from_ansi(shown.rstrip()))
    svg = console.export_svg(title="zoo", unique_id=name)
    svg = re.sub(r"@font-face\s*{[^}]*}", "", svg)
    (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    save("list", "zoo list", screen(f"{ZOO} list"))
    compare = "compare shakespeare-laptop shakespeare-nano shakespeare-m2"
    save("compare", f"zoo {compare}", screen(f"{ZOO} {compare}"))
    chat = f"{ZOO} chat --seed 4 --max-new 300"
    save("chat", "zoo chat", screen(chat, "ROMEO:", "quit"))
    typed = 'echo "But, soft! what light through yonder zoo breaks?" | {} surprise shakespeare -'
    save("surprise", typed.format("zoo"), screen(f"sh -c '{typed.format(ZOO)}'"))


if __name__ == "__main__":
    main()
