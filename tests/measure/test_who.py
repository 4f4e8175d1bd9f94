"""Who wrote this: models of two texts, asked about a third."""

import json
import random
import re
import shutil
import string

import pytest
from tiny import tiny_settings, write_tiny_text

from zoo.measure.evaluate import Evaluator
from zoo.measure.passage import own_passage
from zoo.measure.who import paragraphs, pars_of
from zoo.registry.registry import Registry

LETTERS = string.ascii_letters + " .;-\n"  # both hands know all of them
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
        (root / f"{name}.txt").write_text(LETTERS + text)
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
    assert "too short to say: one-tiny leads two-tiny by" in outcome.out.replace("\n  ", " ")


def test_the_numbers_can_be_traced(zoo, home, two):
    """A par is made of the record and of evaluations that are kept, and an excess of what was measured less that."""
    found = told(zoo, "the quick cat sat over the lazy brown mat. " * 9, *two)
    models = [Registry(home).get(name) for name in two]
    for i, candidate in enumerate(found["candidates"]):
        assert candidate["own_bits_per_character"] == pytest.approx(models[i].record.val_bpc, abs=1e-5)
        foreign = Evaluator(home, models[i]).on(own_passage(home, models[1 - i]))
        assert candidate["others_bits_per_character"] == pytest.approx(foreign.known_bits)
        (ranked,) = [entry for entry in found["whole"]["ranking"] if entry["model"] == candidate["model"]]
        par = (candidate["own_bits_per_character"] + foreign.known_bits) / 2
        assert ranked["above_par"] == pytest.approx(ranked["bits_per_character"] - par)


def test_an_alphabet_that_is_another_one_does_not_decide(zoo, home, two, tmp_path):
    """A Greek among the candidates knows blanks and full stops; he is left out, and all else stays as it was."""
    text = other_text(1500, seed=7)
    before = told(zoo, text, *two)["whole"]
    greek = write_tiny_text().translate({ord("a") + i: 0x3B1 + i for i in range(24)})
    (tmp_path / "greek.txt").write_text(greek)
    assert zoo("fetch", "greek", "--from", str(tmp_path / "greek.txt")).code == 0
    assert zoo("train", "-d", "greek", "-n", "greek", *tiny_settings(max_steps=4)).code == 0
    outcome = zoo("who", "-", *two, "greek", "--json", stdin=text)
    assert "'greek' is left out" in outcome.err
    assert json.loads(outcome.out)["whole"] == before
    outcome = zoo("who", "-", "one-tiny", "greek", stdin=text)
    assert outcome.code == 4


def test_two_models_of_one_text_are_one_candidate_against_the_rest(zoo, home, two):
    assert zoo("train", "-d", "one", "-n", "one-again", *tiny_settings(max_steps=59, eval_every=59)).code == 0
    text = write_tiny_text(1800)[700:]
    whole = told(zoo, text, "one-tiny", "one-again", "two-tiny")["whole"]
    assert whole["winner"] in ("one-tiny", "one-again")
    outcome = zoo("who", "-", "one-tiny", "one-again", stdin=text)
    assert outcome.code == 2
    assert "two texts" in outcome.err


def test_a_step_of_a_model_is_a_candidate_with_a_loss_of_its_own(zoo, home, two):
    assert zoo("train", "-d", "one", "-n", "kept", "--keep", "log", *tiny_settings(max_steps=8)).code == 0
    found = told(zoo, "the cat sat on a mat. " * 30, "kept@8", "two-tiny")
    assert found["candidates"][0]["own_bits_per_character"] > 0


def test_a_text_that_is_too_long_is_refused_before_anything_is_computed(zoo, home, two, monkeypatch):
    monkeypatch.setattr("zoo.measure.who.MOST", 100)
    outcome = zoo("who", "-", *two, stdin="the cat sat on a mat. " * 30)
    assert outcome.code == 4
    assert not home.evaluations.exists()


def test_a_text_between_two_is_too_close_to_say(zoo, two):
    text = "".join(f"{a} {b} " for a, b in zip(write_tiny_text(6000).split(), other_text(6000).split(), strict=False))
    outcome = zoo("who", "-", *two, "--whole", stdin=text)
    assert re.search(r"^(too close to say: \w+-tiny|most like \w+-tiny, which) leads ", outcome.out, re.MULTILINE)
    assert "too short" not in outcome.out


def test_candidates_are_the_best_of_each_text(zoo, home, two):
    assert zoo("train", "-d", "one", "-n", "one-worse", *tiny_settings(max_steps=2)).code == 0
    names = {candidate["model"] for candidate in told(zoo, "the cat " * 9)["candidates"]}
    assert {"one-tiny", "two-tiny", "shakespeare-laptop"} == names


def test_without_the_texts_of_the_others_its_own_is_a_models_par(zoo, home, two):
    shutil.rmtree(home.corpora)
    outcome = zoo("who", "-", *two, "--json", stdin="the cat sat on a mat. " * 30)
    assert outcome.code == 0
    assert "are not here" in outcome.err
    found = json.loads(outcome.out)
    assert all(candidate["others_bits_per_character"] is None for candidate in found["candidates"])
    best = found["whole"]["ranking"][0]
    own = next(c["own_bits_per_character"] for c in found["candidates"] if c["model"] == best["model"])
    assert best["above_par"] == pytest.approx(best["bits_per_character"] - own)


def test_characters_that_one_does_not_know_count_for_none(zoo, two):
    found = told(zoo, "the quick cat €€ jumps. " * 40, *two)["whole"]
    plain = "the quick cat €€ jumps. " * 40
    assert found["characters"] == len(plain)
    assert found["counted"] < len(plain) - 80
    assert found["winner"] is None or found["counted"] > len(plain) / 2


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


def test_a_model_without_text_and_loss_is_no_candidate(zoo, home, two):
    shutil.rmtree(home.corpora)
    text = home.registry.read_text()
    home.registry.write_text("\n".join(line for line in text.splitlines() if not line.startswith("val_bpc")))
    outcome = zoo("who", "-", *two, stdin="the cat")
    assert outcome.code == 4
    assert "no validation loss" in outcome.err.splitlines()[-1]


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
    own, others = pars_of(home, models)
    assert [len(own), len(others)] == [2, 2]
    assert pars_of(home, models[:1])[1] == []


def test_a_damaged_model_that_nobody_named_is_left_out(zoo, home, two):
    """And the next best of its text is taken, if there is one."""
    assert zoo("train", "-d", "one", "-n", "one-worse", *tiny_settings(max_steps=2)).code == 0
    (home.models / "one-tiny" / "weights.safetensors").write_bytes(b"no weights")
    outcome = zoo("who", "-", "--json", stdin="the cat sat on a mat. " * 30)
    assert outcome.code == 0
    assert "'one-tiny' is left out" in outcome.err
    assert "one-worse" in {candidate["model"] for candidate in json.loads(outcome.out)["candidates"]}
    assert zoo("who", "-", "one-tiny", "two-tiny", stdin="the cat").code == 4


@pytest.mark.parametrize("loss", ["inf", "-inf", "nan", "-5.0"])
def test_a_loss_that_is_none_wins_nothing(zoo, home, two, loss):
    shutil.rmtree(home.corpora)
    text = home.registry.read_text()
    home.registry.write_text(re.sub(r"^val_bpc = .*$", f"val_bpc = {loss}", text, count=1, flags=re.MULTILINE))
    outcome = zoo("who", "-", *two, "--json", stdin="the cat sat on a mat. " * 30)
    assert outcome.code == 4
