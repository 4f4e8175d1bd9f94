"""Chat and generate, as a person at a terminal and as a script sees them."""

import json
import os
import random
import re
import subprocess
import sys

import pexpect
import pytest
from tiny import tiny_settings

from zoo.registry.registry import Registry

# what readline itself sends, to be told when text is pasted
READLINE = re.compile(rb"\x1b\[\?(2004|1034)[hl]")


@pytest.fixture
def chat(home, tiny_model):
    """chat(*args) -> a zoo chat on a pseudo-terminal."""
    started = []

    def start(*args: str, model: str = "tiny-nano", term: str = "xterm") -> pexpect.spawn:
        environment = {**os.environ, "ZOO_HOME": str(home.path), "TERM": term}
        child = pexpect.spawn(
            sys.executable, ["-m", "zoo", "chat", model, *args], env=environment, timeout=30, dimensions=(24, 100)
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def ended(child: pexpect.spawn) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_a_chat_prompts_replies_and_quits(chat):
    child = chat("--max-new", "20", "--seed", "1")
    child.expect(">> ")
    assert b"tiny-nano" in child.before
    assert b"parameters" in child.before
    child.sendline("The cat")
    child.expect_exact("The cat")
    child.expect(">> ")
    reply = READLINE.sub(b"", child.before).decode().replace("\r\n", "\n")
    assert len(reply.lstrip("\n")) >= 15
    assert reply.endswith("\n")
    child.sendline("quit")
    assert ended(child) == 0


@pytest.mark.parametrize("word", ["quit", "exit", " QUIT "])
def test_words_that_leave(chat, word):
    child = chat("--max-new", "5")
    child.expect(">> ")
    child.sendline(word)
    assert ended(child) == 0


def test_ctrl_d_leaves(chat):
    child = chat("--max-new", "5")
    child.expect(">> ")
    child.sendeof()
    assert ended(child) == 0


def test_ctrl_c_stops_a_long_reply_and_another_at_the_prompt_says_how_to_leave(chat):
    child = chat("--max-new", "1000000")
    child.expect(">> ")
    child.sendline("The cat")
    child.expect(r"(?s)The cat.*\w{2}.*\n")  # it streams: text is here although the reply has not ended
    child.sendintr()
    child.expect(">> ")
    child.sendintr()
    child.expect("leaves")
    child.expect(">> ")
    child.sendline("quit")
    assert ended(child) == 0


def test_an_empty_line_asks_again(chat):
    child = chat("--max-new", "5")
    child.expect(">> ")
    child.sendline("")
    child.expect(">> ")
    assert READLINE.sub(b"", child.before).strip() == b""
    child.sendline("quit")
    assert ended(child) == 0


def test_a_dumb_terminal_gets_a_prompt_too(chat):
    child = chat("--max-new", "5", term="dumb")
    child.expect(">> ")
    child.sendline("The")
    child.expect(">> ")
    child.sendline("quit")
    assert ended(child) == 0


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


def test_unknown_characters_are_replaced_and_that_is_said_once(zoo, tiny_model):
    outcome = zoo("chat", "tiny-nano", "--max-new", "5", "--seed", "1", stdin="Thé café\nqué\n\x1b[31m\n")
    assert outcome.code == 0
    assert len(outcome.out) == 3 * 6
    assert outcome.err.count("replaced") == 1
    assert "é" in outcome.err
    assert len(outcome.err.splitlines()) == 1
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


def test_nothing_a_model_writes_is_obeyed_by_the_terminal(chat, wild):
    child = chat("--max-new", "400", "--temperature", "2", "--seed", "1", model=wild)
    child.expect(">> ")
    child.sendline("ab")
    child.expect_exact("ab")
    child.expect(">> ")
    shown = READLINE.sub(b"", child.before)
    assert rb"\x1b" in shown
    assert rb"\x9b" in shown
    assert rb"\u202e" in shown
    text = shown.decode()
    assert not [c for c in text if (ord(c) < 32 and c not in "\r\n") or 0x7F <= ord(c) <= 0x9F or c == "\u202e"]
    child.sendline("quit")
    assert ended(child) == 0


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
    assert done.returncode in (0, 4), done.stderr
    assert b"Traceback" not in done.stderr
    assert b"bug" not in done.stderr
