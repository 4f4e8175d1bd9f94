"""What a training shows on terminals of several sizes, and what it says in a pipe."""

import os
import re
import sys
import time

import pexpect
import pytest
from cli.screen import Screen

from zoo.cli.live import MARGIN
from zoo.cli.painter import QUIET_SECONDS, Painter
from zoo.events import Progress, Started, Stepped, Validating

BEGIN = """
import fcntl, os, signal, struct, sys, termios, time
from zoo.cli.live import MARGIN
from zoo.cli.painter import painter
from zoo.cli.signals import stop_on_signals
from zoo.events import *

def steps(first, last):
    for step in range(first, last + 1):
        on_event(Stepped(step, 1.5 + 3 / step, 1e-3))

def draw(event):
    time.sleep(0.15)
    on_event(event)

def resize(columns, rows):
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.write(2, b"\\x1b[8;%d;%dt" % (rows, columns))

with stop_on_signals() as stop, painter() as on_event:
    on_event(Started("mine", 0, 1000, 345_000, "cpu", 2048))
    steps(1, 200)
    on_event(Evaluated(200, 1.6, 1.7, True))
    on_event(Sampled(200, "ROMEO:\\nWhat :smile: light"))
    steps(201, 400)
    on_event(Evaluated(400, 1.5, 1.8, False))
    draw(Stepped(401, 1.5, 1e-3))
"""
LEAVE = "    os._exit(0)\n"  # with the view on the screen


def see(script: str, columns: int = 80, rows: int = 24, **environment: str) -> tuple[Screen, str]:
    """The screen on which a program has drawn, and all that it wrote."""
    variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    variables |= {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environment}
    child = pexpect.spawn(
        sys.executable, ["-c", script], env=variables, timeout=30, dimensions=(rows, columns), encoding="utf-8"
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    return Screen(columns, rows).feed(child.before), child.before


@pytest.mark.parametrize("columns", [40, 80, 130])
def test_bar_losses_and_curve_stand_below_the_lines_that_stay(columns):
    screen, _ = see(BEGIN + LEAVE, columns)
    lines = screen.shown()
    at = next(number for number, line in enumerate(lines) if re.search("401/1,000 +━+─+ .*ETA 0:0", line))
    assert lines[at - 1] == ""
    assert re.search("train 1.50.*val 1.80.*best 1.70", lines[at + 1])
    assert [line[5] for line in lines[at + 2 : -1]] == list("┤│││││┤")
    assert lines[-1].split() == ["0", "500"]
    assert sum(line.count("●") for line in lines[at + 2 :]) == 2
    assert all(len(line) <= columns - MARGIN for line in lines[at:])
    passed = "\n".join(lines[:at])
    for what in ("training mine: 345 k parameters", "  | ROMEO:\n  | What :smile: light\n", "val 1.7000", "val 1.8000"):
        assert what in passed


@pytest.mark.parametrize("columns", [20, 30, 40, 80])
def test_no_number_is_too_long_for_a_narrow_terminal(columns):
    script = BEGIN.replace("1000, 345_000", "10**9, 345_000").replace("Stepped(401", "Stepped(123_456_789")
    screen, _ = see(script + LEAVE, columns)
    assert all(len(line) <= columns for line in screen.shown())
    if columns >= 40:
        assert any("123,456,789/1,000,000,000 " in line for line in screen.shown())


@pytest.mark.parametrize(
    ("rows", "height"), [(24, 11), (13, 7), (12, 7), (11, 2), (10, 2), (5, 2), (4, 2), (3, 1), (2, 1), (1, 1)]
)
def test_a_low_terminal_loses_the_curve_first_and_then_the_losses(rows, height):
    lines = see(BEGIN + LEAVE, rows=rows)[0].shown()
    bar = next(number for number, line in enumerate(lines) if "401/1,000" in line)
    assert len(lines) - bar == height - (height > 2)
    assert sum("/1,000  ━" in line for line in lines) == 1
    assert height <= rows


def test_of_the_view_nothing_stays():
    lines = see(BEGIN)[0].shown()
    assert lines[-1].startswith("step    400/1,000  train 1.5000  val 1.8000")
    assert not re.search("[━┤●]", "\n".join(lines))


@pytest.mark.parametrize(("columns", "rows"), [(40, 24), (61, 30), (120, 24)])
def test_the_view_follows_a_terminal_that_changes_its_size(columns, rows):
    draw = "    draw(Stepped(402, 1.5, 1e-3))\n    on_event(Evaluated(402, 1.5, 1.6, True))\n    resize(80, 24)\n"
    again = "    draw(Stepped(403, 1.5, 1e-3))\n"
    lines = see(BEGIN + f"    resize({columns}, {rows})\n" + draw + again + LEAVE)[0].shown()
    assert sum("━" in line for line in lines) == 1
    assert sum("●" in line for line in lines) in (3, 4)
    assert any("403/1,000" in line for line in lines)
    assert sum("training mine" in line for line in lines) == 1
    assert not re.search("[━┤●]", "\n".join(see(BEGIN + f"    resize({columns}, {rows})\n")[0].shown()))


def test_a_stream_that_knows_ascii_only_gets_no_more():
    screen, written = see(BEGIN + LEAVE, PYTHONIOENCODING="ascii")
    assert written.isascii()
    assert any(re.search("401/1,000  #+-+ ", line) for line in screen.shown())
    assert any(re.search(r"^ +\| .*''\.*", line) for line in screen.shown())


def test_colours_stay_away_where_they_are_not_wanted():
    assert "\x1b[36m" in see(BEGIN)[0].colours
    assert see(BEGIN, NO_COLOR="1")[0].colours <= {"\x1b[0m", "\x1b[2m"}


def test_a_dumb_terminal_gets_lines():
    screen, written = see(BEGIN, TERM="dumb")
    assert "\x1b" not in written
    assert any("best so far" in line for line in screen.shown())


def test_it_draws_at_most_ten_times_a_second():
    script = "    begin = time.monotonic()\n    step = 402\n    while time.monotonic() - begin < 2:\n"
    script += "        on_event(Stepped(step, 1.5, 1e-3))\n        step += 1\n"
    _, written = see(BEGIN.replace("1000, 345", "10**8, 345") + script)
    assert 5 < written.count(" tokens/s") < 30


def test_a_long_validation_takes_the_bar_and_a_short_one_leaves_it():
    short = "    draw(Validating(10, 100))\n"
    long = "    time.sleep(1)\n    draw(Validating(50, 100))\n"
    over = "    on_event(Evaluated(401, 1.5, 1.4, True))\n"
    assert not any("validating" in line for line in see(BEGIN + short + LEAVE)[0].shown())
    lines = see(BEGIN + short + long + LEAVE)[0].shown()
    assert any(re.search("^validating  ━+─+  50 of 100 windows  ETA 0:01", line) for line in lines)
    assert any("● val 1.8000" in line for line in lines)
    assert any("401/1,000  ━" in line for line in see(BEGIN + short + long + over + LEAVE)[0].shown())


@pytest.mark.parametrize("columns", [40, 80])
def test_a_signal_is_answered_in_the_view_and_leaves_no_trace(columns):
    signalled = BEGIN + "    os.kill(os.getpid(), signal.SIGINT)\n    assert stop() == signal.SIGINT\n"
    lines = see(signalled + LEAVE, columns)[0].shown()
    assert lines[-1] == "stopping; a second time ends at once"
    for then in ("", "    draw(Stepped(402, 1.5, 1e-3))\n"):
        lines = see(signalled + then, columns)[0].shown()
        assert not re.search("[━┤●]|stopping", "\n".join(lines))


def test_a_terminal_that_vanishes_stops_nothing(tmp_path):
    end = tmp_path / "end"
    script = BEGIN.replace("with stop", "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nwith stop", 1)
    script += "    for step in range(402, 430):\n        draw(Stepped(step, 1.5, 1e-3))\n"
    script += "        on_event(Evaluated(step, 1.5, 1.5, True))\n        on_event(Warned('careful'))\n"
    script += f"open({str(end)!r}, 'w').close()\n"
    child = pexpect.spawn(sys.executable, ["-c", script], env={**os.environ, "TERM": "xterm"}, timeout=30)
    child.expect("step    405/")
    os.close(child.child_fd)
    deadline = time.monotonic() + 30
    while not end.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert end.exists()
    os.waitpid(child.pid, 0)


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_pipe_hears_of_a_training_when_nothing_was_said_for_a_while(clock, capsys):
    painter = Painter()
    painter(Started("mine", 0, 1000, 345_000, "cpu", 2048))
    capsys.readouterr()
    for step in range(1, 101):
        clock[0] += 1
        painter(Stepped(step, 2.0, 1e-3))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 100 // (QUIET_SECONDS + 1)
    assert lines[0] == "step     31/1,000  train 2.0000  2.05 k/s  ETA 16:09"


def test_a_pipe_hears_of_a_long_validation_and_of_any_other_long_task(clock, capsys):
    painter = Painter()
    for done in range(1, 101):
        clock[0] += 1
        painter(Validating(done, 100))
    for done in range(1, 51):
        clock[0] += 1
        painter(Progress("encoding", done * 1000, 50_000))
    assert capsys.readouterr().err.splitlines() == [
        "validating: 31 of 100 windows  ETA 1:09",
        "validating: 62 of 100 windows  ETA 0:38",
        "validating: 93 of 100 windows  ETA 0:07",
        "encoding: 24,000 of 50,000 characters  ETA 0:26",
        "encoding: 50,000 characters",
    ]
