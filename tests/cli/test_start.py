"""How zoo starts: nothing heavy is imported by commands that only look, and help is complete."""

import importlib.util
import os
import subprocess
import sys

import click
import pytest
from tiny import tiny_settings

from zoo.cli import COMMANDS, HEADINGS
from zoo.cli import zoo as group

PROBE = """
import sys
from zoo.cli import run
code = run(sys.argv[2:])
sys.stdout.flush()
print(code, *[name for name in sys.argv[1].split(",") if name in sys.modules], file=sys.stderr)
"""


def probe(home, forbidden: str, *args: str, stdin: str = "") -> list[str]:
    """The exit code of a command in a fresh interpreter, and which of the forbidden modules it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, forbidden, *args],
        env={**os.environ, "ZOO_HOME": str(home.path)},
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()[-1].split()


@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        ["--version"],
        ["list"],
        ["list", "--json"],
        ["list", "-q"],
        ["list", "val_loss<2", "n_embd>1", "--sort", "age"],
        ["show", "tiny-nano"],
        ["compare"],
        ["compare", "--csv"],
        ["compare", "tiny-nano", "--curves"],
        ["compare", "tiny-nano", "--json"],
        ["datasets"],
        ["datasets", "tiny"],
        ["plugins"],
        ["presets"],
        ["presets", "m2"],
        ["completion", "bash"],
        ["train", "--help"],
        ["chat", "--help"],
    ],
    ids=" ".join,
)
def test_commands_that_look_import_nothing_heavy(home, tiny_model, command):
    assert probe(home, "torch,numpy,requests,matplotlib", *command) == ["0"]


@pytest.mark.parametrize("command", [["chat", "tiny-nano"], ["generate", "tiny-nano", "The"]], ids=" ".join)
def test_talking_needs_no_torch(home, tiny_model, command):
    assert probe(home, "torch,requests", *command, "--max-new", "5", stdin="The\n") == ["0"]


@pytest.mark.parametrize(
    "command",
    [["eval", "tiny-nano"], ["matrix"], ["who", "-", "tiny-nano", "shakespeare-m2"], ["report", "-o", "report.html"]],
    ids=" ".join,
)
def test_measuring_needs_no_torch(home, tiny_model, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert probe(home, "torch,requests,matplotlib", *command, stdin="The cat sat on a mat.\n") == ["0"]


def test_a_heat_map_needs_no_torch(home, tiny_model):
    assert probe(home, "torch,requests", "surprise", "tiny-nano", "-", stdin="The\n") == ["0"]


def test_finding_what_is_recited_needs_no_torch(home, tiny_model):
    assert probe(home, "torch,requests", "novelty", "tiny-nano", "--max-new", "5") == ["0"]
    text = ["novelty", "tiny-nano", "--text", "-"]
    assert probe(home, "torch,requests", *text, stdin="The cat sat on a mat\n") == ["0"]


def test_a_timeline_needs_no_torch(zoo, home, tiny_model):
    assert zoo("train", "-d", "tiny", "-n", "steps", "--keep", "log", *tiny_settings(max_steps=2)).code == 0
    assert probe(home, "torch,requests", "timeline", "steps", "The", "--max-new", "5") == ["0"]


def test_the_probe_sees_what_is_imported(home, tiny_model):
    assert probe(home, "numpy,torch", "generate", "tiny-nano", "The", "--max-new", "1") == ["0", "numpy"]


def test_a_shell_that_completes_gets_commands_without_anything_heavy(home):
    code = "import sys, atexit; atexit.register(lambda: print(*{'torch','numpy','requests'} & set(sys.modules), 'end', file=sys.stderr)); from zoo.cli import main; main()"  # noqa: E501
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "_ZOO_COMPLETE": "bash_complete", "COMP_WORDS": "zoo re", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == {
        "resume",
        "reproduce",
        "report",
        "rename",
        "restore",
    }
    assert done.stderr.split() == ["end"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(zoo, shell):
    outcome = zoo("completion", shell)
    assert outcome.code == 0
    assert "_ZOO_COMPLETE" in outcome.out
    assert outcome.err == ""


def test_help_groups_the_commands_under_their_headings_in_order(zoo):
    outcome = zoo("--help")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    found = [line.rstrip(":") for line in lines if line.rstrip(":") in HEADINGS and line.endswith(":")]
    wanted = ["corpora", "train", "look", "talk", "measure", "keep"]
    assert found == [heading for heading in wanted if heading in HEADINGS] == list(HEADINGS)
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line.split()[0] in COMMANDS]
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_file_and_help(zoo, command):
    assert importlib.util.find_spec(f"zoo.cli.{command}") is not None
    found = group.get_command(click.Context(group), command)
    assert found.name == command
    assert found.help
    for flag in ("--help", "-h"):
        outcome = zoo(command, flag)
        assert outcome.code == 0
        assert f"zoo {command}" in outcome.out
        assert outcome.err == ""
    options = [p for p in found.params if isinstance(p, click.Option) and p.name != "help"]
    unsaid = [option.name for option in options if not option.help and not option.metavar]
    assert unsaid == []


def test_an_unknown_command_suggests_the_nearest(zoo):
    outcome = zoo("trian")
    assert outcome.code == 2
    assert "did you mean 'train'" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert zoo("xyzzy").code == 2


@pytest.mark.parametrize(
    ("word", "suggested"),
    [
        ("fecth", "fetch"),
        ("shwo", "show"),
        ("hwo", "who"),
        ("evaluate", "eval"),
        ("delete", "rm"),
        ("remove", "rm"),
        ("mv", "rename"),
        ("ls", "list"),
        ("help", None),
        ("run", None),
        ("search", None),
        ("a", None),
    ],
)
def test_only_what_is_near_is_suggested(zoo, word, suggested):
    outcome = zoo(word)
    assert outcome.code == 2
    said = f"; did you mean '{suggested}'?" if suggested else ""
    assert outcome.err == f"zoo: error: no command '{word}'{said} (see: zoo --help)\n"


def test_help_and_looking_make_no_home(zoo, home):
    for command in (["--help"], ["list"], ["compare"], ["datasets"], ["plugins"], ["presets"], ["completion", "zsh"]):
        assert zoo(*command).code == 0, command
    assert zoo("show", "nothing").code == 3
    assert not home.path.exists()


def test_the_module_runs_as_the_command_does():
    done = subprocess.run([sys.executable, "-m", "zoo", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("zoo")
    assert "0." in done.stdout
