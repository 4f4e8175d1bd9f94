"""A look at a corpus: its characters by name and number, what a model must beat, and warnings worth reading."""

import json

import pytest

from zoo.cli.alphabet import drawn
from zoo.cli.terminal import cells
from zoo.config import ModelConfig, TrainConfig, get_preset
from zoo.corpora import ngrams
from zoo.corpora.corpus import Corpus, open_corpus
from zoo.corpora.look import too_small_for, warnings
from zoo.corpora.ngrams import ngram_bits


@pytest.fixture
def fetched(zoo, home, tmp_path):
    """Fetch a text; gives the stored corpus."""

    def fetch(text: str) -> Corpus:
        (tmp_path / "mine.txt").write_text(text, encoding="utf-8", newline="")
        assert zoo("fetch", "mine", "--from", str(tmp_path / "mine.txt")).code == 0
        return open_corpus(home, "mine")

    return fetch


def test_every_character_is_shown_with_its_count_and_rare_ones_with_their_names(zoo, fetched):
    fetched("e\t" * 500 + "a " * 20 + "é\u0301\u00a0\x07\n")
    lines = zoo("datasets", "mine").out.splitlines()
    assert "  tab 500   e 500     space 20  a 20" in lines
    rare = lines[lines.index("  seen fewer than 10 times: 5") + 1 :][:5]
    assert set(rare) == {
        "  U+0007 1  U+0007 control character",
        "  newline 1  U+000A newline",
        "  U+00A0 1  U+00A0 no-break space",
        "  é 1  U+00E9 latin small letter e with acute",
        "  ◌\u0301 1  U+0301 combining acute accent",
    }


def test_an_alphabet_of_thousands_is_shown_in_part(zoo, fetched):
    fetched("".join(chr(0x4E00 + n) * (12 if n < 300 else 1) for n in range(2000)))
    outcome = zoo("datasets", "mine")
    assert "  and 100 more (all of them: --json)\n" in outcome.out
    assert "  and 1,680 more (all of them: --json)\n" in outcome.out
    assert len(outcome.out.splitlines()) < 100
    assert len(json.loads(zoo("datasets", "mine", "--json").out)["alphabet"]) == 2000


def test_the_look_fits_a_narrow_terminal(zoo, fetched):
    text = "".join(chr(0x4E00 + n) * 1000 for n in range(50)) + "é" + "x" * 100
    for width in (38, 78):
        lines = list(drawn(fetched(text).alphabet, width))
        assert max(map(cells, lines)) <= width
        assert len(lines) >= 100 // width


def test_the_longest_line_is_found_wherever_blocks_end(fetched, monkeypatch):
    monkeypatch.setattr("zoo.corpora.normalise.BLOCK_BYTES", 7)
    assert fetched("ab\n" + "ü" * 40 + "\nabcdefghij\n").longest_line == 40
    assert fetched("ab\n\n" + "x" * 41).longest_line == 41
    assert fetched("x" * 39 + "\n").longest_line == 39


def test_the_baseline_is_of_the_split_that_a_model_sees(fetched):
    corpus = fetched("the cat sat on the mat and the dog sat on the log\n" * 40)
    train, val = corpus.text("train"), corpus.text("val")
    assert corpus.baseline == {
        "order": ngrams.ORDER,
        "bpc": ngram_bits(train, val),
        "train_characters": len(train),
        "val_characters": len(val),
    }


def test_the_baseline_of_a_large_text_is_of_its_beginning_and_says_so(zoo, fetched, monkeypatch):
    monkeypatch.setattr(ngrams, "LIMIT", 900)
    corpus = fetched("the cat sat on the mat and the dog sat on the log\n" * 40)
    assert corpus.baseline["bpc"] == ngram_bits(corpus.text("train")[:900], corpus.text("val")[:100])
    assert "from counting 7-grams (of the first 900 characters)\n" in zoo("datasets", "mine").out


def test_a_text_that_is_too_short_has_no_baseline(zoo, fetched):
    assert fetched("short\n").baseline == {}
    assert "baseline" not in zoo("datasets", "mine").out


PROSE = "A line of prose that has nothing to hide.\n" * 20


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (PROSE + "Read the full Project Gutenberg License.\n", "'Read the full Project Gutenberg License.'"),
        (PROSE + "Copyright 1999 Nobody. All rights reserved.\n", "a licence is left in: 'Copyright 1999 Nobody."),
        (PROSE + "cafÃ© and â€œquotesâ€\n", "2 places look like UTF-8 that was read in another encoding"),
        (PROSE + "bro\ufffdken \ufffd\n", "2 replacement characters"),
        (PROSE + "\x0c\x85", "2 control characters (form feed U+000C: 1, control character U+0085: 1)"),
        ("word " * 3000, "the whole text is one line of 15,000 characters"),
        (PROSE + "word " * 3000, "the longest line has 15,000 characters"),
        ("".join(map(chr, range(0x4E00, 0x4E00 + 1500))) + "\n", "1,501 distinct characters make a large vocabulary"),
    ],
)
def test_a_text_that_is_likely_a_mistake_is_warned_of(zoo, fetched, text, warning):
    said = next(warnings(fetched(text), get_preset("nano")))
    assert warning in said
    assert f"zoo: warning: {said}\n" in zoo("datasets", "mine").err
    assert json.loads(zoo("datasets", "mine", "--json").out)["warnings"][0] == said


def test_a_text_with_nothing_to_hide_is_not_warned_of(fetched):
    corpus = fetched(PROSE * 200 + "Ça va? Â, Ã and â are letters, too: “â” €5.\n")
    assert list(warnings(corpus, get_preset("nano"))) == []


def test_a_licence_at_the_end_of_a_large_text_is_found(fetched, monkeypatch):
    monkeypatch.setattr("zoo.corpora.look.SEARCHED_CHARACTERS", 1000)
    monkeypatch.setattr("zoo.corpora.corpus.BLOCK_BYTES", 500)
    (said,) = warnings(fetched(PROSE * 200 + "All rights reserved.\n"), get_preset("nano"))
    assert said == "a licence is left in: 'All rights reserved.'"


def test_a_text_that_is_small_for_the_preset_is_said_to_be(zoo, fetched):
    fetched(PROSE * 20)
    nano = get_preset("nano")
    steps, reads = nano.train.max_steps, nano.train.max_steps * nano.train.batch_size * nano.model.block_size / 15120
    said = f"15,120 ids to train on are few: {steps:,} steps of nano read each {reads:.0f} times, and learn it by heart"
    assert f"zoo: warning: {said}; add text, or take fewer steps\n" in zoo("datasets", "mine").err
    assert json.loads(zoo("datasets", "mine", "--json").out)["warnings"][0].startswith(said)
    small = ["--set", "block_size=16", "--set", "n_layer=1", "--set", "n_embd=16", "--set", "n_head=2"]
    many = ["--set", "batch_size=4000", "--set", "max_steps=48", "--set", "eval_every=50"]
    assert "48 steps of nano read each 203 times" in zoo("train", "-d", "mine", "--dry-run", *small, *many).err
    assert "by heart" not in zoo("train", "-d", "mine", "--dry-run", *small, "--set", "max_steps=46").err


def shaped(name: str, **settings: object) -> tuple[str, ModelConfig, TrainConfig]:
    preset = get_preset(name).with_settings({key: str(value) for key, value in settings.items()})
    return name, preset.model.resolve(65), preset.train


@pytest.mark.parametrize(
    ("training", "ids", "turned"),
    [
        (shaped("nano", max_steps=2000), 99_900, True),
        (shaped("nano", max_steps=400), 29_700, True),
        (shaped("m2", max_steps=2000), 99_900, True),
        (shaped("m2", max_steps=1000), 29_700, True),
        (shaped("a100"), 1_003_854, True),
        (shaped("m2"), 1_003_854, False),
        (shaped("nano"), 1_003_854, False),
        (shaped("nanogpt-cpu"), 1_003_854, False),
    ],
)
def test_the_rule_agrees_with_the_trainings_it_was_made_from(training, ids, turned):
    assert bool(too_small_for(*training, ids)) == turned


def test_the_preset_that_fits_is_the_largest_that_does_not_learn_by_heart():
    assert too_small_for(*shaped("a100"), 1_003_854).endswith("; --preset laptop fits")
    assert too_small_for(*shaped("m2"), 70_000).endswith("; --preset nanogpt-cpu fits")
    assert too_small_for(*shaped("m2"), 2_000).endswith("; add text, or take fewer steps")
