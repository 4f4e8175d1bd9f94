"""Evaluate: the loss of a model on a text, computed once and kept."""

import json
import math
import shutil

import pytest

from zoo import tables
from zoo.measure.evaluate import Evaluation, Evaluator
from zoo.measure.passage import own_passage, passage_of
from zoo.registry.registry import Registry
from zoo.registry.snapshots import snapshots


def told(zoo, *args):
    outcome = zoo("eval", *args, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)["evaluations"]


def kept(home):
    return sorted(home.evaluations.rglob("*.json"))


def evaluation(nats=10.0, **changes):
    values = {"characters": 11, "bytes": 22, "unknown": 0, "charged": 0} | changes
    return Evaluation("w", "t", "windows/v1", nats=nats, **values)


def test_eval_tells_the_recorded_loss_and_the_same_one_every_time(zoo, home, tiny_model):
    record = Registry(home).get("tiny-nano").record
    first = told(zoo, "tiny-nano")
    assert first == told(zoo, "tiny-nano") == told(zoo, "tiny-nano", "--refresh")
    entry = first[0]
    assert entry["loss"] == pytest.approx(record.val_loss, abs=1e-5)
    assert entry["bits_per_character"] == pytest.approx(record.val_bpc, abs=1e-5)
    assert (entry["protocol"], entry["part"], entry["text"]) == ("windows/v1", "val", "tiny")
    assert entry["text_sha256"] == record.corpora[0].val_sha256
    assert entry["weights_sha256"] == record.weights_sha256


def test_a_kept_evaluation_with_a_changed_digit_is_computed_again(zoo, home, tiny_model):
    right = told(zoo, "tiny-nano")
    (path, *_) = kept(home)
    written = path.read_text()
    digits = [at for at, character in enumerate(written) if character.isdigit()]
    for at in (digits[0], digits[len(digits) // 2], digits[-1]):
        path.write_text(f"{written[:at]}{(int(written[at]) + 1) % 10}{written[at + 1 :]}")
        code, out, err = zoo("doctor")
        assert code == 4
        assert f"{path.name}: it is not as it was written" in out + err
        assert told(zoo, "tiny-nano") == right
        assert path.read_text() == written
        assert zoo("doctor").code == 0


def test_the_doctor_puts_a_damaged_evaluation_away(zoo, home, tiny_model):
    right = told(zoo, "tiny-nano")
    for path in kept(home):
        path.write_text(path.read_text().replace("nats", "rats"))
    assert zoo("doctor", "--repair").code == 0
    assert kept(home) == []
    assert zoo("doctor").code == 0
    assert told(zoo, "tiny-nano") == right


def test_an_evaluation_without_a_checksum_is_computed_again_and_no_damage(zoo, home, tiny_model):
    right = told(zoo, "tiny-nano")
    for path in kept(home):
        table = json.loads(path.read_text())
        del table["sha256"]
        path.write_text(json.dumps({**table, "nats": 1.0}, indent=1))
    assert zoo("doctor").code == 0
    assert told(zoo, "tiny-nano") == right


def test_eval_shows_units_and_protocols(zoo, tiny_model):
    outcome = zoo("eval", "tiny")
    assert outcome.code == 0
    for word in ("tiny-nano", "nats/char", "bits/char", "bits/byte", "windows/v1", "sliding/v1", "validation part"):
        assert word in outcome.out


def test_a_longer_context_is_a_column_of_its_own(zoo, tiny_model):
    (entry,) = told(zoo, "tiny-nano")
    assert entry["sliding"]["protocol"] == "sliding/v1"
    assert entry["sliding"]["loss"] != entry["loss"]


def test_unknown_characters_and_their_share_are_in_the_loss_and_not_in_the_known_bits():
    """Of 11 characters one is free, two are unknown and paid for, and eight cost a bit each."""
    one = evaluation(nats=8 * math.log(2), unknown=2, charged=2)
    share = -math.log2(1 - 2**-10)
    assert one.bits_per_character == pytest.approx((8 * (1 + share) + 2 * (10 + math.log2(0x110000 - 0x800))) / 10)
    assert one.known_bits == pytest.approx(1)
    assert math.isnan(evaluation(nats=0.0, unknown=11, charged=10).known_bits)


def test_what_can_be_had_is_told_and_what_cannot_ends_it(zoo, home, tiny_model):
    outcome = zoo("eval", "tiny-nano", "shakespeare-m2")  # whose text is not here
    assert outcome.code == 3
    assert "tiny-nano" in outcome.out
    assert len(outcome.err.splitlines()) == 1


def test_units_follow_from_nats():
    one = evaluation(nats=10 * math.log(2))
    assert one.loss == pytest.approx(math.log(2))
    assert one.bits_per_character == pytest.approx(1)
    assert one.bits_per_byte == pytest.approx(0.5)
    assert one.perplexity == pytest.approx(2)


@pytest.mark.parametrize(("loss", "perplexity"), [(1.0, math.e), (900.0, math.inf), (math.nan, math.nan)])
def test_a_perplexity_beyond_all_numbers_is_infinite(loss, perplexity):
    assert evaluation(nats=10 * loss).perplexity == pytest.approx(perplexity, nan_ok=True)


def test_a_file_is_measured_whole_and_standard_input_too(zoo, tiny_model, tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("The cat sat.\n" * 5, encoding="utf-8")
    entries = told(zoo, "tiny-nano", "--on", str(path), "--on", "tiny")
    assert [entries[0][key] for key in ("text", "part", "characters")] == ["letter.txt", "all", 65]
    assert entries[1]["part"] == "val"
    outcome = zoo("eval", "tiny-nano", "--on", "-", "--json", stdin="The cat sat.\n" * 5)
    assert json.loads(outcome.out)["evaluations"][0]["loss"] == entries[0]["loss"]


def test_unknown_characters_are_counted_charged_and_told(zoo, tiny_model):
    outcome = zoo("eval", "tiny-nano", "--on", "-", "--json", stdin="The cat € sat.\n" * 5)
    (entry,) = json.loads(outcome.out)["evaluations"]
    assert entry["unknown"] == 5
    assert entry["coverage"] == pytest.approx(1 - 5 / 75)
    assert entry["covered"] is False
    assert "counts 30.1 bits" in outcome.err
    known = zoo("eval", "tiny-nano", "--on", "-", "--json", stdin="The cat sat.\n" * 5)
    assert "bits" not in known.err
    assert entry["loss"] > json.loads(known.out)["evaluations"][0]["loss"]


def test_less_than_99_percent_is_flagged(zoo, tiny_model):
    outcome = zoo("eval", "tiny-nano", "--on", "-", stdin="The cat € sat.\n" * 5)
    assert "93.3 %" in outcome.out
    assert " ~" in outcome.out
    assert "~ less than 99 %" in outcome.err
    outcome = zoo("eval", "tiny-nano", "--on", "-", stdin="The cat sat.\n" * 20 + "€")
    assert "99.6 %" in outcome.out
    assert "~" not in outcome.out + outcome.err


@pytest.mark.parametrize("text", ["x", "€"])
def test_one_character_is_too_little(zoo, tiny_model, text):
    outcome = zoo("eval", "tiny-nano", "--on", "-", stdin=text)
    assert outcome.code == 4
    assert "too short" in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["nobody"], 3),
        (["tiny-nano", "--on", "nothing"], 3),
        (["tiny-nano", "--on", "shakespeare"], 3),
        (["tiny-nano", "--on", "-", "--on", "-"], 2),
        (["tiny-nano", "--on", "-"], 4),
        (["tiny-nano+tiny-nano"], 2),
    ],
    ids=str,
)
def test_what_cannot_be_measured_is_said_in_a_line(zoo, tiny_model, args, code):
    outcome = zoo("eval", *args)
    assert (outcome.code, outcome.out) == (code, "")
    assert len(outcome.err.splitlines()) == 1


def test_a_text_that_is_not_here_is_asked_for(zoo, home, tiny_model):
    shutil.rmtree(home.corpora)
    outcome = zoo("eval", "tiny-nano")
    assert outcome.code == 3
    assert len(outcome.err.splitlines()) == 1


def test_eval_refuses_a_text_that_was_changed(zoo, home, tiny_model):
    (text,) = home.corpora.rglob("text.txt")
    text.write_bytes(text.read_bytes()[:-100] + b"x" * 100)
    outcome = zoo("eval", "tiny-nano")
    assert outcome.code == 4
    assert len(outcome.err.splitlines()) == 1
    assert not kept(home)


def test_what_was_computed_needs_neither_weights_nor_text_again(zoo, home, tiny_model):
    first = told(zoo, "tiny-nano")
    assert len(kept(home)) == 2
    (home.models / "tiny-nano" / "weights.safetensors").unlink()
    (text,) = home.corpora.rglob("text.txt")
    text.write_bytes(b"")
    assert told(zoo, "tiny-nano") == first
    assert zoo("eval", "tiny-nano", "--refresh").code != 0


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"schema": 1}', b'{"schema": 1, "of": 3, "nats": "x"}'], ids=str
)
def test_a_damaged_evaluation_is_computed_again(zoo, home, tiny_model, damage):
    first = told(zoo, "tiny-nano")
    for path in kept(home):
        path.write_bytes(damage)
    assert told(zoo, "tiny-nano") == first
    assert all(json.loads(path.read_text())["schema"] == 1 for path in kept(home))


@pytest.mark.parametrize(
    "key", ["weights_sha256", "text_sha256", "protocol", "characters", "bytes", "unknown", "charged"]
)
def test_an_evaluation_of_something_else_is_not_taken(zoo, home, tiny_model, key):
    first = told(zoo, "tiny-nano")
    for path in kept(home):
        table = tables.read_derived(path)
        table["of"][key] = -1 if isinstance(table["of"][key], int) else "0" * 64
        tables.write_derived(path, table)
    assert told(zoo, "tiny-nano") == first


@pytest.mark.parametrize("nats", ["-Infinity", "Infinity", "-5.0", "true", '"x"', "[]"])
def test_a_kept_number_that_no_text_costs_is_computed_again(zoo, home, tiny_model, nats):
    first = told(zoo, "tiny-nano")
    for path in kept(home):
        tables.write_derived(path, tables.read_derived(path) | {"nats": json.loads(nats)})
    assert told(zoo, "tiny-nano") == first


def test_a_record_cannot_lead_an_evaluation_out_of_the_home(zoo, home, tiny_model, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    text = home.registry.read_text()
    sha256 = Registry(home).get("tiny-nano").record.weights_sha256
    home.registry.write_text(text.replace(sha256, "../../../../../../x"))
    outcome = zoo("eval", "tiny-nano")
    assert outcome.code == 4
    assert sorted(tmp_path.rglob("*")) == before


def test_where_there_is_no_home_none_is_made(zoo, home, tmp_path):
    assert zoo("eval", "shakespeare-m2", "--on", "-", stdin="To be or not").code == 0
    assert not home.path.exists()


def test_a_number_that_is_none_is_null_and_kept_as_such(zoo, home, tiny_model):
    told(zoo, "tiny-nano")
    for path in kept(home):
        tables.write_derived(path, tables.read_derived(path) | {"nats": None})
    (entry,) = told(zoo, "tiny-nano")
    assert entry["loss"] is None
    assert entry["perplexity"] is None
    assert " nan " in zoo("eval", "tiny-nano").out


def test_a_step_of_a_model_has_an_evaluation_of_its_own(zoo, home, tiny_corpus):
    from tiny import tiny_settings

    assert zoo("train", "-d", "tiny", "-n", "kept", "--keep", "log", *tiny_settings(max_steps=4)).code == 0
    assert list(snapshots(home.models / "kept"))
    losses = [entry["loss"] for entry in told(zoo, "kept@0", "kept@4", "kept")]
    assert losses[0] > losses[1]


def test_bytes_and_characters_are_measured_in_the_same_units(zoo, home, tiny_model):
    from tiny import tiny_settings

    assert zoo("train", "-d", "tiny", "-n", "raw", "--vocab", "bytes", *tiny_settings(max_steps=4)).code == 0
    entries = told(zoo, "tiny-nano", "raw")
    assert entries[0]["characters"] == entries[1]["characters"]
    assert entries[1]["coverage"] == 1


def test_a_figure_is_of_the_very_text(home, tiny_model):
    model = Registry(home).get("tiny-nano")
    evaluator = Evaluator(home, model)
    passage = own_passage(home, model)
    text = "".join(passage.blocks())
    assert evaluator.on(passage_of("copy", text)).nats == evaluator.on(passage).nats
    assert len(kept(home)) == 1  # which is one text
