"""Who wrote this: models of two texts, asked about a third."""

import json
import random
import shutil

import pytest
from tiny import tiny_settings, write_tiny_text

from zoo.measure.evaluate import Evaluator
from zoo.measure.passage import own_passage
from zoo.measure.who import others_bits, own_bits, paragraphs
from zoo.registry.registry import Registry

WORDS = ["fox", "quick", "jumps", "lazy", "over", "brown", "zeal", "vex", "why", "quiz"]


def other_text(characters=6000, seed=1):
    """Of another hand than the tiny one: other words, other line ends."""
    chance = random.Random(seed)
    lines = []
    while sum(map(len, lines)) < characters:
        lines.append(" ".join(chance.choices(WORDS, k=chance.randint(2, 5))))
    return "; ".join(lines) + "\n"


@pytest.fixture(scope="module")
def two_home(tmp_path_factory):
    """A home with models of two texts, made once."""
    import contextlib
    import io

    from zoo.cli import run

    root = tmp_path_factory.mktemp("two")
    for name, text in (("one", write_tiny_text()), ("two", other_text())):
        (root / f"{name}.txt").write_text(text)
        with contextlib.redirect_stderr(io.StringIO()):
            assert run(["--home", str(root / "home"), "fetch", name, "--from", str(root / f"{name}.txt")]) == 0
            settings = tiny_settings(max_steps=60, eval_every=30)
            assert run(["--home", str(root / "home"), "train", "-d", name, "-n", f"{name}-tiny", *settings]) == 0
    return root / "home"


@pytest.fixture
def two(two_home, home):
    shutil.copytree(two_home, home.path)
    return ["one-tiny", "two-tiny"]


def told(zoo, text, *args):
    outcome = zoo("who", "-", *args, "--json", stdin=text)
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_a_text_is_given_to_the_hand_that_it_is_like(zoo, two):
    assert told(zoo, write_tiny_text(1500)[700:], *two)["whole"]["winner"] == "one-tiny"
    assert told(zoo, other_text(1500, seed=7), *two)["whole"]["winner"] == "two-tiny"


def test_paragraphs_are_asked_one_by_one(zoo, two):
    text = f"{write_tiny_text(900)}\n\n{other_text(900, seed=7)}\n\nHi\n"
    found = told(zoo, text, *two)["paragraphs"]
    assert [p["winner"] for p in found] == ["one-tiny", "two-tiny", None]
    assert " ".join(text[p["begin"] : p["end"]] for p in found).split() == text.split()
    assert told(zoo, text, *two, "--whole")["paragraphs"] == []


def test_a_short_text_is_too_short_to_say(zoo, two):
    outcome = zoo("who", "-", *two, stdin="the cat sat on a mat")
    assert outcome.code == 0
    assert "too short to say: one-tiny leads two-tiny by" in outcome.out


def test_the_numbers_can_be_traced(zoo, home, two):
    """A par is made of the record and of evaluations that are kept, and an excess of what was measured less that."""
    found = told(zoo, "the quick cat sat over the lazy brown mat. " * 9, *two)
    models = [Registry(home).get(name) for name in two]
    for i, candidate in enumerate(found["candidates"]):
        assert candidate["own_bits_per_character"] == models[i].record.val_bpc == own_bits(models[i])
        foreign = Evaluator(home, models[i]).on(own_passage(home, models[1 - i]))
        assert candidate["others_bits_per_character"] == pytest.approx(foreign.known_bits)
        (ranked,) = [entry for entry in found["whole"]["ranking"] if entry["name"] == candidate["name"]]
        par = (candidate["own_bits_per_character"] + foreign.known_bits) / 2
        assert ranked["above_par"] == pytest.approx(ranked["bits_per_character"] - par)


def test_the_better_trained_model_does_not_win_for_that(zoo, home, two):
    """By bits alone it would: a text of neither costs it less."""
    settings = tiny_settings(max_steps=400, eval_every=200)
    assert zoo("train", "-d", "one", "-n", "one-long", *settings).code == 0
    text = other_text(1200, seed=9)
    found = told(zoo, text, "one-long", "two-tiny")
    assert found["whole"]["winner"] == "two-tiny"


def test_candidates_are_the_best_of_each_text(zoo, home, two):
    assert zoo("train", "-d", "one", "-n", "one-worse", *tiny_settings(max_steps=2)).code == 0
    names = {candidate["name"] for candidate in told(zoo, "the cat " * 9)["candidates"]}
    assert {"one-tiny", "two-tiny", "shakespeare-laptop"} == names


def test_without_the_texts_of_the_others_its_own_is_a_models_par(zoo, home, two):
    shutil.rmtree(home.corpora)
    outcome = zoo("who", "-", *two, "--json", stdin="the cat sat on a mat. " * 30)
    assert outcome.code == 0
    assert "are not here" in outcome.err
    found = json.loads(outcome.out)
    assert all(candidate["others_bits_per_character"] is None for candidate in found["candidates"])
    best = found["whole"]["ranking"][0]
    own = next(c["own_bits_per_character"] for c in found["candidates"] if c["name"] == best["name"])
    assert best["above_par"] == pytest.approx(best["bits_per_character"] - own)


def test_characters_that_one_does_not_know_count_for_none(zoo, two):
    found = told(zoo, "the quick cat €€ jumps. " * 40, *two)["whole"]
    plain = "the quick cat €€ jumps. " * 40
    assert found["characters"] == len(plain)
    assert found["counted"] < len(plain) - 80


@pytest.mark.parametrize(
    ("args", "text", "code"),
    [
        (["one-tiny"], "the cat", 2),
        (["one-tiny", "one-tiny"], "the cat", 2),
        (["one-tiny", "nobody"], "the cat", 3),
        (["one-tiny", "two-tiny"], "", 4),
        (["one-tiny", "two-tiny"], "x", 4),
        (["one-tiny", "two-tiny"], "€€€", 4),
        (["one-tiny+two-tiny", "two-tiny"], "the cat", 2),
    ],
    ids=str,
)
def test_what_cannot_be_answered_is_said_in_a_line(zoo, two, args, text, code):
    outcome = zoo("who", "-", *args, stdin=text)
    assert (outcome.code, outcome.out) == (code, "")
    assert len(outcome.err.splitlines()) == 1


def test_one_model_alone_cannot_be_asked(zoo, home):
    assert zoo("who", "-", stdin="To be or not to be").code == 3


def test_a_model_without_a_loss_is_no_candidate(zoo, home, two):
    text = home.registry.read_text()
    home.registry.write_text("\n".join(line for line in text.splitlines() if not line.startswith("val_bpc")))
    outcome = zoo("who", "-", *two, stdin="the cat")
    assert outcome.code == 4
    assert "no validation loss" in outcome.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n\n \n", []),
        ("one", ["one"]),
        ("\n\none\ntwo\n\n\n", ["one\ntwo"]),
        ("one\n \t\n\n  two\n\nthree\n", ["one", "two", "three"]),
    ],
)
def test_paragraphs_are_what_blank_lines_part(text, expected):
    assert [text[begin:end] for begin, end in paragraphs(text)] == expected


def test_the_bits_of_others_need_all_their_texts(home, two):
    models = [Registry(home).get(name) for name in two]
    assert len(others_bits(home, models)) == 2
    assert others_bits(home, models[:1]) == []
