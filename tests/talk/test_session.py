"""A session: prompts in, text out."""

import numpy as np
import pytest

from zoo.config import ModelConfig
from zoo.corpora.vocab import Bytes, Characters, Vocab
from zoo.engine.cpu import CpuEngine
from zoo.engine.sampling import Sampling
from zoo.errors import BadData
from zoo.talk.session import REPLY_LENGTH, Session

LETTERS = Characters("\n abcdeE")


def make_engine(vocab: Vocab, *, block_size: int = 8, seed: int = 0) -> CpuEngine:
    """A random model of a vocabulary."""
    config = ModelConfig(n_layer=1, n_head=2, n_embd=8, block_size=block_size).resolve(len(vocab))
    chance = np.random.default_rng(seed)
    weights = {name: chance.normal(0, 0.5, shape).astype(np.float32) for name, shape in config.weight_shapes().items()}
    return CpuEngine(config, weights)


def make_chain(vocab: Vocab, text: str) -> CpuEngine:
    """A model that writes the ids of a text for ever, in a circle; they must be distinct."""
    size = len(vocab)
    config = ModelConfig(
        shape="classic", activation="relu", n_layer=1, n_head=1, n_embd=size, block_size=4, hidden_size=1
    ).resolve(size)
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in config.weight_shapes().items()}
    weights["wte.weight"] = np.eye(size, dtype=np.float32)
    weights["norm.weight"] += 1
    ids = vocab.encode(text).tolist()
    assert len(set(ids)) == len(ids)
    for id, follower in zip(ids, ids[1:] + ids[:1], strict=True):
        weights["head.weight"][follower, id] = 100
    return CpuEngine(config, weights)


def make_session(vocab: Vocab = LETTERS, unknown: str = "error", **sampling: object) -> Session:
    return Session(make_engine(vocab), vocab, Sampling(**{"seed": 1, **sampling}), unknown)


@pytest.mark.parametrize("length", [0, 1, 7, 50])
def test_a_reply_has_the_asked_for_length(length):
    pieces = list(make_session().reply("abc", length))
    assert [len(piece) for piece in pieces] == [1] * length
    assert set("".join(pieces)) <= set(LETTERS.alphabet)


def test_a_reply_has_500_characters_unless_told_otherwise():
    assert REPLY_LENGTH == 500
    assert len("".join(make_session().reply("abc"))) == 500


def test_the_same_seed_gives_the_same_text():
    first = "".join(make_session(seed=5).reply("abc", 60))
    assert "".join(make_session(seed=5).reply("abc", 60)) == first
    assert "".join(make_session(seed=6).reply("abc", 60)) != first
    assert "".join(make_session(seed=5).reply("abd", 60)) != first


def test_a_reply_streams():
    pieces = make_session().reply("abc", 10**9)
    assert len([next(pieces) for _ in range(5)]) == 5


def test_a_later_reply_goes_on_with_the_same_random_numbers():
    session = make_session(seed=5)
    first, second = ("".join(session.reply("abc", 40)) for _ in range(2))
    assert first != second


def test_greedy_replies_know_nothing_of_earlier_prompts():
    session = make_session(temperature=0)
    first = "".join(session.reply("abc", 30))
    "".join(session.reply("eeee", 30))
    assert "".join(session.reply("abc", 30)) == first


def test_an_empty_prompt_stands_for_a_newline():
    session = make_session(temperature=0)
    assert "".join(session.reply("", 20)) == "".join(session.reply("\n", 20))


def test_an_empty_prompt_works_without_a_newline_in_the_alphabet():
    session = make_session(Characters("abc"), temperature=0)
    assert "".join(session.reply("", 20)) == "".join(session.reply("a", 20))


def test_a_prompt_longer_than_the_context_works():
    session = make_session(temperature=0)
    long = "abcde " * 20
    assert len("".join(session.reply(long, 30))) == 30
    # of a prompt of 120 ids and a context of 8 the last 4 to 8 are seen
    assert "".join(session.reply("EEEE" + long, 30)) == "".join(session.reply("bbbb" + long, 30))


def test_unknown_characters_are_an_error_that_names_them():
    with pytest.raises(BadData, match=r"'x'.*'é'"):
        list(make_session().reply("axé", 5))


def test_unknown_characters_can_be_skipped():
    session = make_session(unknown="skip", temperature=0)
    assert "".join(session.reply("xaxbéx", 20)) == "".join(session.reply("ab", 20))


def test_unknown_characters_can_be_replaced_by_the_nearest_known():
    session = make_session(unknown="replace", temperature=0)
    # é: its base letter; B: the other case; Ê: base, known as it is; x: nothing is near, so a space
    assert "".join(session.reply("éBÊx", 20)) == "".join(session.reply("ebE ", 20))


def test_a_prompt_of_unknown_characters_alone_is_an_empty_one():
    session = make_session(unknown="skip", temperature=0)
    assert "".join(session.reply("xyz", 20)) == "".join(session.reply("", 20))


def test_bytes_stream_whole_characters_only():
    text = "é€😀z"
    session = Session(make_chain(Bytes(), text), Bytes(), Sampling(temperature=0))
    ids = len(text.encode())
    pieces = list(session.reply("z", 3 * ids))
    assert "".join(pieces) == 3 * text
    assert set(pieces) == {"", *text}
    assert len(pieces) == 3 * ids


def test_a_character_cut_off_by_the_end_of_a_reply_is_held_back():
    session = Session(make_chain(Bytes(), "é€😀z"), Bytes(), Sampling(temperature=0))
    assert "".join(session.reply("z", 4)) == "é"
    assert "".join(session.reply("z", 5)) == "é€"


def test_bytes_that_are_no_text_are_shown_as_replacement_characters():
    text = "".join(make_session(Bytes()).reply("any text fits: ☃", 300))
    assert "\ufffd" in text
    text.encode("utf-8")


def test_text_of_an_engine_is_what_its_ids_decode_to():
    session = Session(make_chain(LETTERS, "abcde"), LETTERS, Sampling(temperature=0))
    assert "".join(session.reply("c", 8)) == "deabcdea"
