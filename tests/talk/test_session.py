"""A session: prompts, replies, and what can be done again or gone on with."""

import pytest

from models import LETTERS, chain_voice, random_voice
from zoo.engine.sampling import Sampling
from zoo.errors import UsageProblem
from zoo.talk.session import Session, Turn


def written(pieces) -> str:
    return "".join(piece.text for piece in pieces)


def make_session(**options: object) -> Session:
    return Session(random_voice(), **{"seed": 5, "max_new": 40, **options})


def test_a_later_reply_goes_on_with_the_same_random_numbers():
    session = make_session()
    first, second = (written(session.reply("abc")) for _ in range(2))
    assert first != second
    again = make_session()
    assert [written(again.reply("abc")) for _ in range(2)] == [first, second]


def test_the_seed_begins_the_random_numbers_anew():
    session = make_session()
    first = written(session.reply("abc"))
    session.begin(5)
    assert written(session.reply("abc")) == first


def test_a_session_without_a_seed_can_tell_which_one_it_took():
    session = make_session(seed=None)
    first = written(session.reply("abc"))
    assert written(make_session(seed=session.sampler.seed).reply("abc")) == first
    assert len({make_session(seed=None).sampler.seed for _ in range(20)}) > 10


def test_more_goes_on_where_the_reply_ended():
    session, whole = make_session(), make_session(max_new=120)
    text = written(session.reply("abc")) + written(session.more()) + written(session.more())
    assert text == written(whole.reply("abc"))
    assert session.turns == [Turn("abc", text)]


def test_more_after_a_stop_string_begins_with_it():
    session = Session(chain_voice(LETTERS, "abcde"), Sampling(temperature=0), max_new=8, stop=["cd"])
    assert written(session.reply("e")) == "ab"
    assert written(session.more()) == "cdeab"
    assert session.turns == [Turn("e", "abcdeab")]


def test_retry_replies_to_the_last_prompt_anew():
    session = make_session()
    written(session.reply("abc"))
    first = written(session.reply("dead"))
    second = written(session.retry())
    assert first != second
    assert [turn.prompt for turn in session.turns] == ["abc", "dead", "dead"]
    assert session.turns[-1].reply == second


def test_a_reply_that_was_stopped_can_be_gone_on_with():
    session = make_session()
    pieces = session.reply("abc")
    begun = "".join(next(pieces).text for _ in range(10))
    pieces.close()
    assert session.turns[-1].reply == begun
    assert begun + written(session.more()) == written(make_session(max_new=50).reply("abc"))


def test_without_a_prompt_there_is_nothing_to_retry_or_go_on_with():
    session = make_session()
    assert written(session.retry()) == written(session.more()) == ""
    written(session.reply("abc"))
    session.forget()
    assert written(session.retry()) == written(session.more()) == ""
    assert session.turns == []


def test_options_can_be_set_by_a_word():
    session = make_session()
    session.set("temperature", "0")
    session.set("top_k", "3")
    session.set("max_new", "7")
    assert session.options()["max_new"] == session.max_new == 7
    assert session.sampler.sampling == Sampling(temperature=0.0, top_k=3)
    for key, value in (
        ("temperature", "-1"),
        ("temperature", "warm"),
        ("top_k", "1.5"),
        ("temprature", "1"),
        ("max_new", "-1"),
        ("max_new", "9" * 5000),
    ):
        with pytest.raises(UsageProblem):
            session.set(key, value)
    assert session.sampler.sampling == Sampling(temperature=0.0, top_k=3)


def test_a_stop_string_is_found_though_it_begins_in_one_reply_and_ends_in_the_next():
    session = Session(chain_voice(LETTERS, "abcde"), Sampling(temperature=0), max_new=3, stop=["cd"])
    assert written(session.reply("e")) == "abc"
    assert written(session.more()) == ""
    assert written(session.more()) == "deab"


def test_another_voice_gets_the_same_options():
    session = make_session(stop=["e"])
    session.set("temperature", "0.3")
    other = session.with_voice(random_voice(seed=9))
    assert other.options() == session.options()
    assert other.stop == ("e",)


def test_what_the_reader_adds_is_a_part_of_the_text():
    session = Session(chain_voice(LETTERS, "abcde"), Sampling(temperature=0), max_new=2)
    assert written(session.reply("e")) == "ab"
    assert written(session.more("a")) == "abc"
    assert session.turns == [Turn("e", "ababc")]
    stopped = Session(chain_voice(LETTERS, "abcde"), Sampling(temperature=0), max_new=9, stop=["cd"])
    assert written(stopped.reply("e")) == "ab"
    assert written(stopped.more("a")) == "cdab"
    assert stopped.turns == [Turn("e", "abcdab")]
    assert written(stopped.more("c")) == "cdc"  # which with the next letter is one again
