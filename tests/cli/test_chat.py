"""Chat and generate, as a person at a terminal and as a script sees them."""

import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from tiny import tiny_settings

import zoo as zoo_api
from zoo.cli import history, slash
from zoo.cli.history import History
from zoo.engine.load import parts_of
from zoo.engine.torch import TorchEngine
from zoo.errors import BadData
from zoo.home import find_home
from zoo.registry.registry import Registry
from zoo.talk.voice import Voice

BRACKETED = re.compile(rb"\x1b\[\?(2004|1034)[hl]")  # what readline itself sends, to be told when text is pasted
CONTROL = re.compile(rb"\x1b\[[?\d;]*[A-Za-z]")
TOOLKIT_PROMPT = rb">>\x1b\[2D\x1b\[3C"  # which moves the cursor rather than write a space
TERMINALS = ("toolkit", "plain", "dumb")


class Talk:
    """A zoo chat on a pseudo-terminal: with prompt_toolkit, without it, or on a terminal that can only print."""

    def __init__(self, child: pexpect.spawn, terminal: str) -> None:
        self.child, self.terminal = child, terminal
        self.greeting = self.await_prompt()

    def await_prompt(self) -> str:
        """What was written up to the next prompt, without what is drawn to edit a line."""
        self.child.expect(TOOLKIT_PROMPT if self.terminal == "toolkit" else rb">> ")
        written = self.child.before
        if self.terminal == "toolkit":  # which says that it edits no more
            written = written.rpartition(b"\x1b[?2004l")[2]
        return BRACKETED.sub(b"", written).decode().replace("\r", "")

    def say(self, line: str) -> str:
        """What is written after a line was typed."""
        self.child.sendline(line)
        written = self.await_prompt()
        if self.terminal != "toolkit":
            written = written.partition(f"{line}\n")[2]
        return CONTROL.sub(b"", written.encode()).decode()

    def leave(self, word: str = "quit") -> int | None:
        self.child.sendline(word)
        return self.ended()

    def ended(self) -> int | None:
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus


@pytest.fixture
def chat(home, tiny_model, tmp_path):
    """chat(*args) -> a Talk with `tiny-nano`, or with others."""
    started = []
    (tmp_path / "without" / "prompt_toolkit").mkdir(parents=True)
    (tmp_path / "without" / "prompt_toolkit" / "__init__.py").write_text("raise ImportError")

    def start(*args: str, terminal: str = "plain", columns: int = 100, **environment: str) -> Talk:
        everything = {
            **os.environ,
            "ZOO_HOME": str(home.path),
            "TERM": "dumb" if terminal == "dumb" else "xterm-256color",
        }
        if terminal == "plain":
            everything["PYTHONPATH"] = str(tmp_path / "without")
        del everything["COLUMNS"]
        models = [] if args and not args[0].startswith("-") else ["tiny-nano"]
        child = pexpect.spawn(
            sys.executable,
            ["-m", "zoo", "chat", *models, *args],
            env={**everything, **environment},
            timeout=30,
            dimensions=(24, columns),
        )
        started.append(child)
        return Talk(child, terminal)

    yield start
    for child in started:
        child.close(force=True)


on_every_terminal = pytest.mark.parametrize("terminal", TERMINALS)


@on_every_terminal
def test_a_chat_prompts_replies_and_quits(chat, terminal):
    talk = chat("--max-new", "20", "--seed", "1", terminal=terminal)
    assert "tiny-nano" in talk.greeting
    assert "parameters" in talk.greeting
    assert "continues" in talk.greeting
    reply = talk.say("The cat")
    assert len(reply) == 21, reply
    assert reply.endswith("\n")
    assert "continues" not in talk.say("The cat")
    assert talk.leave() == 0


@on_every_terminal
@pytest.mark.parametrize("word", ["quit", "exit", " QUIT ", "/quit"])
def test_words_that_leave(chat, terminal, word):
    assert chat(terminal=terminal).leave(word) == 0


@on_every_terminal
def test_ctrl_d_leaves(chat, terminal):
    talk = chat(terminal=terminal)
    talk.child.sendeof()
    assert talk.ended() == 0


@on_every_terminal
def test_ctrl_c_stops_a_long_reply_and_another_at_the_prompt_says_how_to_leave(chat, terminal):
    talk = chat("--max-new", "1000000000", terminal=terminal)
    talk.child.sendline("The cat")
    talk.child.expect(r"(?s)The cat.*\w{2}.*\n.*\w{2}.*\n")  # it streams: text is here although the reply has not ended
    talk.child.sendintr()
    talk.await_prompt()
    talk.child.sendintr()
    talk.child.expect("leaves")
    talk.await_prompt()
    assert talk.leave() == 0


@on_every_terminal
def test_an_empty_line_asks_again(chat, terminal):
    talk = chat(terminal=terminal)
    assert talk.say("").strip() == ""
    assert talk.leave() == 0


@on_every_terminal
def test_a_hang_up_ends_a_chat(chat, terminal):
    talk = chat(terminal=terminal)
    talk.child.kill(signal.SIGHUP)
    talk.child.expect(pexpect.EOF)
    talk.child.close()
    assert talk.child.signalstatus == signal.SIGHUP or talk.child.exitstatus == 129


@on_every_terminal
def test_a_prompt_can_have_several_lines(chat, terminal, tmp_path):
    options = ("--max-new", "30", "--temperature", "0")
    talk = chat(*options, terminal=terminal)
    for line in ('"""The', "cat", 'sat"""'):
        talk.child.sendline(line)
    talk.await_prompt()
    path = tmp_path / "said.txt"
    assert "saved" in talk.say(f"/save {path}")
    assert path.read_text().startswith(">> The\ncat\nsat\n")
    assert talk.leave() == 0


def test_what_is_quoted_is_no_command(chat, tmp_path):
    talk = chat("--max-new", "5")
    for quoted in ('"""quit"""', '"""/help"""', '"""/nothing"""'):
        assert "what can be typed" not in talk.say(quoted)
    talk.child.sendline('"""The')
    talk.child.expect_exact(".. ")
    talk.child.sendeof()  # ends the quotes, and nothing is lost
    talk.await_prompt()
    talk.say(f"/save {tmp_path / 'said.txt'}")
    said = (tmp_path / "said.txt").read_text()
    prompts = [line for line in said.splitlines() if line.startswith(">> ")]
    assert prompts == [">> quit", ">> /help", ">> /nothing", ">> The"]
    assert talk.leave() == 0


@pytest.mark.parametrize("models", [["tiny-nano"], ["tiny-nano+shakespeare-nano"], ["tiny-nano", "shakespeare-nano"]])
def test_a_reply_that_ctrl_c_stopped_goes_on_as_if_it_had_not(chat, zoo, tmp_path, models):
    """Whenever the interrupt comes: what was written stays a beginning of what the seed gives."""
    talk = chat(*models, "--max-new", "1000000", "--seed", "1")
    for line in ("The cat", *["/more"] * 6):
        talk.child.sendline(line)
        talk.child.expect(rf"{line}\s+(\S+\s+){{20}}")
        talk.child.sendintr()
        talk.await_prompt()
    talk.say(f"/save {tmp_path / 'said.txt'}")
    parts = (tmp_path / "said.txt").read_text().split(">> The cat\n")[1:]
    assert len(parts) == len(models)
    for name, part in zip(models, parts, strict=True):
        reply = part.partition("\n\n[shakespeare-nano]")[0].rstrip("\n")
        assert len(reply) > 300
        whole = zoo("generate", name, "The cat", "--max-new", str(len(reply)), "--seed", "1").out
        assert whole.rstrip("\n") == reply
    assert talk.leave() == 0


@on_every_terminal
def test_every_command_of_a_chat_does_what_it_says(chat, terminal, tmp_path):
    talk = chat("--max-new", "20", "--seed", "1", terminal=terminal)
    for name in slash.COMMANDS:
        assert f"/{name}" in talk.say("/help")
    assert "nothing was said yet" in talk.say("/more")
    assert "nothing was said yet" in talk.say("/retry")
    first = talk.say("The cat")
    more = talk.say("/more")
    again = talk.say("/retry")
    assert again != first
    assert talk.say("/seed 1").strip() == "seed 1"
    assert talk.say("The cat") == first
    assert talk.say("/more") == more
    assert "temperature 0," in talk.say("/set temperature 0")
    assert "max_new 7" in talk.say("/set max_new 7")
    assert len(talk.say("The cat")) == 8
    assert "temperature 0," in talk.say("/set")
    assert "tiny-nano: tiny, nano" in talk.say("/info")
    assert "bits per character" in talk.say("/surprise")
    path = tmp_path / "said.txt"
    assert "saved" in talk.say(f"/save {path}")
    assert path.read_text().count(">> The cat\n") == 4
    assert first.strip() in path.read_text()
    assert "there already" in " ".join(talk.say(f"/save {path}").split())
    talk.say("/clear")
    assert "nothing was said yet" in talk.say("/more")
    assert "tiny-nano" in talk.say("/model")
    assert "parameters" in talk.say("/model tiny")
    assert talk.leave() == 0


def test_a_reply_goes_on_after_what_the_reader_adds(chat, zoo, tmp_path):
    talk = chat("--max-new", "20", "--seed", "1")
    talk.say("The cat")
    talk.say("/more and two é dogs")
    talk.say("/model shakespeare-nano")
    talk.say("ROMEO:")
    talk.say(f"/save {tmp_path / 'said.txt'}")
    said = (tmp_path / "said.txt").read_text()
    assert "and two é dogs" in said
    assert said.startswith("[tiny-nano]\n\n>> The cat\n")
    assert "[shakespeare-nano]\n\n>> ROMEO:\n" in said


@pytest.mark.parametrize("words", [["ROMEO:"], ["To be or not"], ["tiny-nano", "The cat"]])
def test_a_prompt_in_the_place_of_a_model_says_where_it_belongs(zoo, tiny_model, words):
    outcome = zoo("chat", *words, stdin="The\n")
    assert outcome.code == 2
    assert "a model comes first" in outcome.err


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/?", "what can be typed"),
        ("  /HELP", "what can be typed"),
        ("/set top-k 5", "top_k 5"),
        ("/set stop x", "max_new"),
        ("/hlep", "/help"),
        ("/", "no command /"),
        ("/model nobody", "nobody"),
        ("/model tiny-nano:0.5+tiny-nano:0.6", "sum to 1"),
        ("/set temprature 1", "temperature"),
        ("/set temperature", "/set temperature 0.7"),
        ("/set temperature hot", "a number"),
        ("/set top_p 3", "between 0 and 1"),
        ("/set max_new -1", "whole number"),
        ("/seed x", "whole number"),
        ("/seed " + "9" * 400, "whole number"),
        ("/set max_new " + "9" * 400, "whole number"),
        ("/save", "name of a file"),
        ("/save /nowhere/at/all", "no directory"),
        ("/save ~nobody12/x", "nobody12"),
        ("/save /tmp/" + "a" * 300, "name too long"),
    ],
)
def test_a_command_that_makes_no_sense_gets_one_line_and_changes_nothing(chat, line, answer):
    talk = chat("--max-new", "20", "--seed", "1")
    said = talk.say(line)
    assert answer in said, said
    assert "Traceback" not in said
    before = talk.say("The cat")
    talk.say("/seed 1")
    assert talk.say("The cat") == before
    assert talk.leave() == 0


def test_a_line_that_begins_with_two_slashes_is_text(chat, tmp_path):
    talk = chat("--max-new", "5", "--seed", "1")
    talk.say("//help")
    talk.say(f"/save {tmp_path / 'said.txt'}")
    assert (tmp_path / "said.txt").read_text().startswith(">> /help\n")


def test_tab_completes_commands_options_and_models(chat):
    talk = chat("--max-new", "5", terminal="toolkit")
    for begun, rest, answer in (
        ("/he", "lp", "what can be typed"),
        ("/set temp", "erature", "takes an option and its value"),
        ("/model tiny-n", "ano", "parameters"),
    ):
        talk.child.send(begun)
        talk.child.expect_exact(begun[-1])
        talk.child.send("\t")
        talk.child.expect_exact(rest)
        talk.child.send("\r")
        assert answer in talk.await_prompt()
    assert talk.leave() == 0


def test_alt_enter_begins_a_new_line(chat, tmp_path):
    talk = chat("--max-new", "5", terminal="toolkit")
    talk.child.send("The\x1b\rcat\r")
    talk.await_prompt()
    talk.say(f"/save {tmp_path / 'said.txt'}")
    assert (tmp_path / "said.txt").read_text().startswith(">> The\ncat\n")


@pytest.mark.parametrize(
    "line", ["", "/", "/h", "/model ", "/model t", "/set ", "/set t", "/set x y", "plain", "/seed 1"]
)
def test_completions_begin_with_what_was_typed(line):
    found = slash.completions(lambda: ["tiny", "other"], line)
    assert all(word.startswith(line.rpartition(" ")[2]) for word in found)
    assert bool(found) == (line in ("/", "/h", "/model ", "/model t", "/set ", "/set t"))


def test_completion_goes_on_after_a_plus_and_survives_a_registry_that_cannot_be_read():
    assert slash.completions(lambda: ["tiny", "other"], "/model tiny o") == ["other"]
    assert slash.completions(lambda: ["tiny", "other"], "/model tiny+o") == ["tiny+other"]

    def damaged():
        raise BadData("registry.toml is damaged")

    assert slash.completions(damaged, "/model t") == []


def test_a_chat_remembers_what_was_typed_in_the_last_one(chat, home):
    talk = chat("--max-new", "5", terminal="toolkit")
    talk.say("The cat sat")
    assert talk.leave() == 0
    assert "The cat sat" in home.history.read_text()
    assert home.history.stat().st_mode & 0o077 == 0
    home.history.chmod(0o644)
    talk = chat("--max-new", "5", terminal="toolkit")
    talk.child.send("\x1b[A\x1b[A")  # the arrow up, twice: the last line was `quit`
    talk.child.expect_exact("The cat sat")
    talk.child.sendintr()
    talk.await_prompt()
    assert talk.leave() == 0
    assert home.history.stat().st_mode & 0o077 == 0


HISTORIES = {
    "a directory": Path.mkdir,
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 100),
    "a gigabyte": lambda path: (path.touch(), os.truncate(path, 2**30)),
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to(path.parent.parent.parent / "elsewhere"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a device": lambda path: path.symlink_to("/dev/full"),
}


@pytest.mark.parametrize("make", HISTORIES.values(), ids=HISTORIES)
def test_a_history_that_cannot_be_used_is_said_once_and_left_as_it_is(chat, home, tmp_path, make):
    make(home.history)
    before = home.history.lstat()
    talk = chat("--max-new", "5", terminal="toolkit")
    assert " ".join(talk.greeting.split()).count("zoo: warning: this chat has no history: ") == 1
    assert len(talk.say("The cat")) == 6
    assert talk.leave() == 0
    after = home.history.lstat()
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)
    assert not (tmp_path / "elsewhere").exists()


def test_a_path_with_a_nul_gets_one_line(chat):
    talk = chat("--max-new", "5", terminal="toolkit")
    talk.say("The cat")
    talk.child.send("/save a\x11\x00b")  # Ctrl-Q: as it is
    assert "a path cannot contain a NUL" in talk.say("")
    assert talk.leave() == 0


def test_damaged_lines_of_a_history_are_skipped_and_the_others_are_there(chat, home):
    damaged = ["[" * 100_000, '{"a":' * 100_000, "9" * 100_000, "3", "null", '"cut off', "\x00", '"\\ud800"']
    home.history.write_text("".join(f"{line}\n" for line in ['"The first"', *damaged, '"The cat sat"']))
    talk = chat("--max-new", "5", terminal="toolkit")
    assert "warning" not in talk.greeting
    talk.child.send("\x1b[A")
    talk.child.expect_exact("The cat sat")
    talk.child.sendintr()
    talk.await_prompt()
    assert len(talk.say("The cat")) == 6
    assert talk.leave() == 0
    assert home.history.read_text().endswith('"The cat"\n"quit"\n')


def test_a_history_does_not_grow_for_ever(home, tiny_model):
    for number in range(12):
        History(home).add(f"{number} " + "x" * 150_000)
    kept = History(home).lines
    assert kept[-1].startswith("11 ")
    assert len(kept) < 12
    assert home.history.stat().st_size < 2 * history.LIMIT


def test_a_history_that_becomes_a_pipe_is_not_waited_for(home, tiny_model):
    kept = History(home)
    os.mkfifo(home.history)
    kept.add("The cat")
    assert stat.S_ISFIFO(home.history.stat().st_mode)


def test_whoever_clears_the_screen_clears_it(chat):
    talk = chat("--max-new", "5", terminal="toolkit")
    talk.child.sendline("/clear")
    assert slash.CLEAR in talk.await_prompt()


def test_a_new_model_says_anew_what_it_does_not_know(chat):
    talk = chat("--max-new", "5")
    assert "é (e)" in talk.say("café")
    assert "é (e)" not in talk.say("café")
    talk.say("/model shakespeare-nano")
    assert "é (e)" in talk.say("café")


def test_as_a_speaker_the_reply_is_a_speech(chat, zoo, tmp_path):
    talk = chat("--max-new", "400", "--seed", "1", "--as", "The")
    reply = talk.say("Two dogs")
    assert "\n\n" not in reply
    talk.say(f"/save {tmp_path / 'said.txt'}")
    assert (tmp_path / "said.txt").read_text().startswith(">> Two dogs\n\nThe:\n")


@pytest.mark.parametrize(("columns", "beside"), [(100, True), (40, False)])
def test_several_models_stand_side_by_side_where_there_is_room(chat, zoo, columns, beside):
    names, options = ("tiny-nano", "shakespeare-nano"), ("--max-new", "90", "--seed", "1")
    talk = chat(*names, *options, columns=columns)
    assert talk.greeting.count("parameters") == 2
    lines = talk.say("The cat").splitlines()
    alone = [zoo("generate", name, "The cat", *options).out for name in names]
    assert max(map(len, lines)) <= columns or not beside
    if beside:
        assert lines[0].split(" | ") == ["tiny-nano".ljust(48), "shakespeare-nano"]
        sides = zip(*(line.ljust(52).split(" | ", 1) for line in lines[2:]), strict=True)
        assert [" ".join(" ".join(side).split()) for side in sides] == [" ".join(text.split()) for text in alone]
    else:
        assert max(map(len, lines)) <= columns
        assert " ".join(lines).split() == f"[tiny-nano]\n{alone[0]}\n[shakespeare-nano]\n{alone[1]}".split()
    assert talk.leave() == 0


BLEND = "tiny-nano+shakespeare-nano:0.5"


@pytest.mark.parametrize(("encoding", "marks"), [("utf-8", "¹²"), ("ascii", ("[1]", "[2]"))])
def test_a_blend_marks_who_writes(chat, encoding, marks):
    talk = chat(BLEND, "--max-new", "400", "--seed", "1", PYTHONIOENCODING=encoding)
    assert f"{marks[0]} tiny-nano" in talk.greeting
    assert f"{marks[1]} shakespeare-nano" in talk.greeting
    said = talk.say("The cat")
    assert marks[0] in said
    assert marks[1] in said
    assert "a blend is not measured" in talk.say("/surprise")


def test_a_blend_is_coloured_unless_colours_are_unwanted(chat):
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        talk = chat(BLEND, "--max-new", "60", **environment)
        talk.child.sendline("The cat")
        assert ("\x1b[38;5" in talk.await_prompt()) == coloured


def test_several_models_and_blends_write_plainly_to_a_pipe(zoo, tiny_model):
    options = ["--max-new", "20", "--seed", "1"]
    one = zoo("chat", "tiny-nano", *options, stdin="The\n").out
    assert zoo("chat", "tiny-nano", "tiny-nano", *options, stdin="The\n").out == (
        f"[tiny-nano]\n{one}\n[tiny-nano]\n{one}"
    )
    assert zoo("chat", "tiny-nano+tiny-nano", *options, stdin="The\n").out == one
    blended = zoo("chat", BLEND, "--max-new", "400", "--seed", "1", stdin="The\n").out
    assert len(blended) == 401
    assert not set("¹²") & set(blended)


def test_piped_chat_writes_only_text(zoo, tiny_model):
    outcome = zoo("chat", "tiny-nano", "--max-new", "20", "--seed", "1", stdin="The cat\nTwo dogs\n\nBy rain\n")
    assert outcome.code == 0
    assert outcome.err == ""
    assert len(outcome.out) == 4 * 21
    assert all(outcome.out[i] == "\n" for i in range(20, 84, 21))
    assert "\x1b" not in outcome.out
    one = zoo("chat", "tiny-nano", "--max-new", "20", "--seed", "1", stdin="The cat")  # no newline at the end
    assert one.out == outcome.out[:21]
    assert zoo("chat", "tiny-nano", stdin="").out == ""


def test_a_reply_has_500_characters_unless_told_otherwise(zoo, tiny_model):
    assert len(zoo("chat", "tiny-nano", stdin="The\n").out) == 501


def test_unknown_characters_are_replaced_and_that_is_said_once_of_each(zoo, tiny_model):
    outcome = zoo("chat", "tiny-nano", "--max-new", "5", "--seed", "1", stdin="Thé café\nqué\n\x1bat\n")
    assert outcome.code == 0
    assert len(outcome.out) == 3 * 6
    first, *others = outcome.err.splitlines()
    assert "é (e)" in first
    assert not [line for line in others if "é" in line]
    assert "\\x1b (a space)" in others[-1]
    known = zoo("chat", "tiny-nano", "--max-new", "5", "--seed", "1", stdin="The cafe\n")
    assert known.out == outcome.out[:6]


def test_which_model_is_taken_is_said_when_it_was_not_named(zoo, tiny_model):
    assert zoo("chat", "tiny", "--max-new", "1", stdin="The\n").err == "zoo: talking to tiny-nano\n"
    assert zoo("chat", "tiny-nano", "--max-new", "1", stdin="The\n").err == ""
    assert zoo("chat", "tinny", stdin="The\n").code == 3


@pytest.fixture
def wild(zoo, home, tmp_path, tiny_model):
    """A model whose alphabet holds what terminals obey."""
    chance = random.Random(0)
    pieces = ["\x1b[31m", "\x1b]0;gotcha\x07", "\x9b2J", "\x1bc", "\x7f", "\x08", "\u202e", "ab", "\n", "\x85"]
    path = tmp_path / "wild.txt"
    path.write_text("".join(chance.choices(pieces, k=1500)), encoding="utf-8", newline="")
    assert zoo("fetch", "wild", "--from", str(path)).code == 0
    outcome = zoo("train", "-d", "wild", *tiny_settings(max_steps=10))
    assert outcome.code == 0, outcome.err
    assert "\x1b" not in outcome.err  # the samples shown while it trains
    assert "\x9b" not in outcome.err
    document = json.loads((home.models / "wild-nano" / "vocab.json").read_text())
    assert {"\x1b", "\x9b", "\x07"} <= set(document["alphabet"])
    return "wild-nano"


@on_every_terminal
def test_nothing_a_model_writes_is_obeyed_by_the_terminal(chat, wild, terminal):
    talk = chat(wild, "--max-new", "400", "--temperature", "2", "--seed", "1", terminal=terminal)
    talk.child.sendline("ab")
    shown = talk.await_prompt().rpartition("ab\n")[2] if terminal == "dumb" else talk.await_prompt()
    assert r"\x1b" in shown
    assert r"\x9b" in shown
    assert r"\u202e" in shown
    text = CONTROL.sub(b"", shown.encode()).decode() if terminal == "toolkit" else shown  # what draws the prompt
    assert not [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F or c == "\u202e"]
    assert talk.leave() == 0


def test_generate_escapes_for_a_terminal_and_is_raw_for_a_pipe(zoo, home, wild):
    options = ["generate", wild, "ab", "--max-new", "400", "--temperature", "2", "--seed", "1"]
    raw = zoo(*options)
    assert raw.code == 0
    assert "\x1b" in raw.out
    assert "\x9b" in raw.out
    assert len(raw.out) == 401
    environment = {**os.environ, "ZOO_HOME": str(home.path), "TERM": "xterm"}
    child = pexpect.spawn(sys.executable, ["-m", "zoo", *options], env=environment, timeout=30)
    child.expect(pexpect.EOF)
    shown = child.before.decode()
    child.close()
    assert child.exitstatus == 0
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(shown)
    assert r"\x1b" in shown


def test_generate_repeats_with_a_seed(zoo, tiny_model):
    first = zoo("generate", "tiny-nano", "The", "--max-new", "60", "--seed", "3")
    assert first.code == 0
    assert first.err == ""
    assert len(first.out) == 61
    assert zoo("generate", "tiny-nano", "The", "--max-new", "60", "--seed", "3").out == first.out
    assert zoo("generate", "tiny-nano", "The", "--max-new", "60", "--seed", "4").out != first.out
    greedy = ["generate", "tiny-nano", "The", "--max-new", "60", "--temperature", "0"]
    assert zoo(*greedy).out == zoo(*greedy, "--seed", "9").out == zoo(*greedy[:-2], "--top-k", "1").out


def test_generate_reads_its_prompt_from_standard_input(zoo, tiny_model):
    options = ["--max-new", "30", "--seed", "3"]
    expected = zoo("generate", "tiny-nano", "The\ncat", *options).out
    assert zoo("generate", "tiny-nano", "-", *options, stdin="The\ncat").out == expected
    assert zoo("generate", "tiny-nano", *options, stdin="The\ncat").out == expected
    assert len(zoo("generate", "tiny-nano", "", *options).out) == 31


def test_generate_can_echo_the_prompt(zoo, tiny_model):
    options = ["generate", "tiny-nano", "The cat", "--max-new", "10", "--seed", "3"]
    assert zoo(*options, "--echo").out == "The cat" + zoo(*options).out


def test_generate_asks_what_to_do_with_unknown_characters(zoo, tiny_model):
    options = ["--max-new", "10", "--seed", "3"]
    refused = zoo("generate", "tiny-nano", "caté", *options)
    assert refused.code == 4
    assert "é" in refused.err
    assert "--unknown" in refused.err
    assert refused.out == ""
    replaced = zoo("generate", "tiny-nano", "caté", *options, "--unknown", "replace")
    assert replaced.out == zoo("generate", "tiny-nano", "cate", *options).out
    skipped = zoo("generate", "tiny-nano", "caté", *options, "--unknown", "skip")
    assert skipped.out == zoo("generate", "tiny-nano", "cat", *options).out


def test_a_model_of_bytes_talks_of_anything(zoo, home, tiny_corpus):
    assert zoo("train", "-d", "tiny", "--vocab", "bytes", *tiny_settings(max_steps=5)).code == 0
    assert Registry(home).get("tiny-nano").record.vocab.kind == "bytes"
    outcome = zoo("chat", "tiny-nano", "--max-new", "50", "--seed", "1", stdin="☃ é 日本\n")
    assert outcome.code == 0
    assert outcome.err == ""
    outcome.out.encode("utf-8")


def test_a_prompt_that_is_no_utf8_is_survived(home, tiny_model):
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "chat", "tiny-nano", "--max-new", "5"],
        env={**os.environ, "ZOO_HOME": str(home.path), "PYTHONUTF8": "1"},
        input=b"The \xff\xfe cat\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"bug" not in done.stderr


def test_generate_writes_many_texts_at_once_each_as_if_alone(zoo, tiny_model):
    options = ["generate", "tiny-nano", "The", "--max-new", "40"]
    alone = [zoo(*options, "--seed", str(seed)).out for seed in range(7, 42)]
    assert zoo(*options, "--seed", "7", "--num", "35").out == "---\n".join(alone)


def test_generate_tells_machines_everything(zoo, tiny_model):
    options = ["generate", "tiny-nano", "The", "--max-new", "40", "--seed", "3", "--stop", "cat", "--top-k", "5"]
    told = json.loads(zoo(*options, "--num", "4", "--json").out)
    assert told["schema"] == "zoo.generate/1"
    assert (told["model"], told["prompt"], told["seed"]) == ("tiny-nano", "The", 3)
    assert told["sampling"]["top_k"] == 5
    assert [text["seed"] for text in told["texts"]] == [3, 4, 5, 6]
    for text in told["texts"]:
        assert text["finish"] == ("stop" if len(text["tokens"]) < 40 else "length")
        assert "cat" not in text["text"]
        assert len(text["tokens"]) == len(text["log_probabilities"]) >= len(text["text"])
        assert all(value <= 0 for value in text["log_probabilities"])
    assert zoo(*options).out == told["texts"][0]["text"] + "\n"


def test_what_fails_prints_no_half_of_a_json_object(zoo, tiny_model):
    outcome = zoo("generate", "tiny-nano", "é", "--num", "3", "--json")
    assert outcome.code == 4
    assert outcome.out == ""


def test_generate_tells_the_seed_that_it_took(zoo, tiny_model):
    options = ["generate", "tiny-nano", "The", "--max-new", "40"]
    told = json.loads(zoo(*options, "--json").out)
    assert zoo(*options, "--seed", str(told["seed"])).out == told["texts"][0]["text"] + "\n"


def test_generate_reads_its_prompt_from_a_file(zoo, tiny_model, tmp_path):
    path = tmp_path / "prompt.txt"
    path.write_text("The\ncat", encoding="utf-8")
    options = ["--max-new", "30", "--seed", "3"]
    assert zoo("generate", "tiny-nano", "--file", str(path), *options).out == (
        zoo("generate", "tiny-nano", "The\ncat", *options).out
    )
    path.write_bytes(b"\xff\xfe\x00")
    assert zoo("generate", "tiny-nano", "--file", str(path), *options).code == 4
    assert zoo("generate", "tiny-nano", "--file", str(tmp_path / "none"), *options).code == 3
    assert zoo("generate", "tiny-nano", "--file", str(tmp_path), *options).code == 4
    assert zoo("generate", "tiny-nano", "The", "--file", str(path), *options).code == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--temperature", "-1"],
        ["--temperature", "nan"],
        ["--temperature", "1e9"],
        ["--top-k", "-1"],
        ["--top-k", "99999999999999"],
        ["--top-p", "1.5"],
        ["--top-p", "nan"],
        ["--min-p", "-0.1"],
        ["--repetition-penalty", "0"],
        ["--repetition-penalty", "inf"],
        ["--max-new", "-1"],
        ["--num", "0"],
        ["--seed", "-1"],
        ["--unknown", "guess"],
        ["--device", "cuda:9"],
        ["--device", "abacus"],
    ],
)
def test_absurd_options_are_a_usage_error_of_one_line(zoo, tiny_model, options):
    outcome = zoo("generate", "tiny-nano", "The", *options)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert outcome.out == ""


@pytest.mark.parametrize(
    "options",
    [
        ["--temperature", "1e-300"],
        ["--temperature", "100"],
        ["--top-p", "0"],
        ["--min-p", "1"],
        ["--top-k", "1000000"],
        ["--repetition-penalty", "100"],
        ["--repetition-penalty", "0.01"],
        ["--stop", ""],
    ],
)
def test_extreme_options_still_write(zoo, tiny_model, options):
    outcome = zoo("generate", "tiny-nano", "The", "--max-new", "30", "--seed", "1", *options)
    assert outcome.code == 0
    assert len(outcome.out) == 31


def test_a_device_of_torchs_writes_the_same(zoo, tiny_model):
    engine = zoo_api.load("tiny-nano", device="cpu")
    on_torch = Voice("tiny-nano", TorchEngine(engine.engine.config, arrays_of(tiny_model)), engine.vocab)
    for seed in range(5):
        assert on_torch.generate("The", max_new=60, seed=seed) == engine.generate("The", max_new=60, seed=seed)


def test_a_prompt_of_megabytes_is_cropped_and_that_is_said(zoo, tiny_model):
    outcome = zoo("generate", "tiny-nano", "--max-new", "5", "--seed", "1", stdin="The cat sat. " * 400_000)
    assert outcome.code == 0
    assert "5,200,000 characters" in outcome.err
    assert len(outcome.out) == 6


def test_a_prompt_without_an_end_is_refused(home, tiny_model):
    with open("/dev/zero", "rb") as zeros:
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "generate", "tiny-nano"],
            env={**os.environ, "ZOO_HOME": str(home.path)},
            stdin=zeros,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_whoever_closes_the_pipe_hears_nothing_more(home, tiny_model):
    command = f"{sys.executable} -m zoo generate tiny-nano The --max-new 100000000 | head -c 20"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        env={**os.environ, "ZOO_HOME": str(home.path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 141
    assert done.stderr == b""
    assert len(done.stdout) == 20


@pytest.mark.parametrize("harm", ["gone", "cut", "other", "nan"])
def test_damaged_weights_are_one_line_and_a_chat_goes_on_with_the_old_ones(chat, zoo, home, tiny_model, harm):
    talk = chat("--max-new", "20", "--seed", "1")
    first = talk.say("The cat")
    damage(home.models / "tiny-nano" / "weights.safetensors", harm)
    assert zoo("generate", "tiny-nano", "The").code == 4
    said = talk.say("/model tiny-nano")
    assert "zoo:" in said
    assert "Traceback" not in said
    talk.say("/seed 1")
    assert talk.say("The cat") == first
    assert talk.leave() == 0


def damage(weights: Path, harm: str) -> None:
    match harm:
        case "gone":
            weights.unlink()
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-100])
        case "other":
            weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
        case _:
            weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\xc0\x7f")


def arrays_of(name: str) -> dict:
    return parts_of(Registry(find_home()).get(name))[1]
