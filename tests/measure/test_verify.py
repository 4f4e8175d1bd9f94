"""Verify: hashes and the recorded loss, counted again."""

import json
import math
from pathlib import Path

import pytest

from zoo.config import ModelConfig
from zoo.corpora.corpus import open_corpus
from zoo.measure.verify import TOLERANCE
from zoo.registry.registry import Registry
from zoo.weights import load_model, save_model


def verified(zoo, *names: str) -> tuple[int, list[dict]]:
    outcome = zoo("verify", "--json", *names)
    return outcome.code, json.loads(outcome.out)["models"]


def edit_record(home, old: str, new: str) -> None:
    text = home.registry.read_text()
    assert old in text
    home.registry.write_text(text.replace(old, new))


def test_a_model_as_it_was_trained_is_verified(zoo, home, tiny_model):
    code, (entry,) = verified(zoo, tiny_model)
    assert code == 0
    assert entry["problem"] is None
    assert entry["recorded"] == Registry(home).get(tiny_model).record.val_loss
    assert 0 < entry["difference"] <= TOLERANCE  # not zero: it is another engine that counts
    assert zoo("verify", tiny_model).out.split()[-1] == "ok"


@pytest.mark.parametrize("off", [1.0, 0.01, 2 * TOLERANCE, -0.5, math.nan])
def test_a_loss_that_was_edited_is_off_by_so_much(zoo, home, tiny_model, off):
    record = Registry(home).get(tiny_model).record
    edited = record.val_loss + off
    edit_record(home, f"val_loss = {record.val_loss!r}", f"val_loss = {edited!r}")
    outcome = zoo("verify", tiny_model)
    assert outcome.code == 4
    assert "not as recorded" in outcome.out
    assert "Traceback" not in outcome.err
    assert f"off by {abs(off):.5f}"[:11] in outcome.err


def test_a_loss_that_was_deleted_is_missed(zoo, home, tiny_model):
    lines = home.registry.read_text().splitlines(keepends=True)
    home.registry.write_text("".join(line for line in lines if not line.startswith(("val_loss", "val_bpc"))))
    outcome = zoo("verify", "tiny-nano")
    assert outcome.code == 4
    assert "lost its val_loss" in outcome.err


def test_losses_in_nats_and_in_bits_must_say_the_same(zoo, home, tiny_model):
    edit_record(home, "val_bpc = ", "val_bpc = 1")
    outcome = zoo("verify", tiny_model)
    assert outcome.code == 4
    assert "do not say the same" in outcome.err


def test_other_weights_with_the_right_hash_have_another_loss(zoo, home, tiny_model):
    model = Registry(home).get(tiny_model)
    record, config = model.record, ModelConfig.from_dict(model.record.model)
    weights = load_model(model.weights_path, config, record.vocab.sha256, record.weights_sha256)
    weights["head.weight"] = weights["head.weight"] * 1.01
    sha256 = save_model(model.weights_path, weights, config, record.vocab.sha256)
    assert zoo("verify", tiny_model).code == 4
    edit_record(home, record.weights_sha256, sha256)
    outcome = zoo("verify", tiny_model)
    assert outcome.code == 4
    assert "off by 0.00" in outcome.err


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["weights.safetensors", "vocab.json", "text.txt", "corpus.toml"])
def test_what_was_changed_is_named(zoo, home, tiny_model, name):
    directory = open_corpus(home, "tiny").directory if name in ("text.txt", "corpus.toml") else home.models / tiny_model
    if name == "corpus.toml":
        path = directory / name
        path.write_text(path.read_text().replace("train_bytes = 5", "train_bytes = 4"))
    else:
        flip(directory / name)
    outcome = zoo("verify", tiny_model)
    assert outcome.code == 4
    assert str(name if name in ("weights.safetensors", "vocab.json") else "tiny") in outcome.err


def test_a_text_that_is_not_here_is_not_found(zoo, home, tiny_model):
    (open_corpus(home, "tiny").directory / "corpus.toml").unlink()
    outcome = zoo("verify", tiny_model)
    assert outcome.code == 3
    assert "zoo fetch tiny" in outcome.err


def test_a_text_of_another_validation_part_is_not_the_one(zoo, home, tiny_model):
    edit_record(home, 'val_sha256 = "', 'val_sha256 = "00')
    assert zoo("verify", tiny_model).code == 4


def test_of_several_all_are_looked_at(zoo, home, tiny_model):
    assert zoo("train", "-d", "tiny", "-n", "other", "--set", "max_steps=1", "--set", "n_embd=48").code == 0
    flip(home.models / tiny_model / "weights.safetensors")
    code, entries = verified(zoo, tiny_model, "other")
    assert code == 4
    assert [entry["problem"] is None for entry in entries] == [False, True]
    flip(home.models / "other" / "weights.safetensors")
    outcome = zoo("verify", tiny_model, "other")
    assert outcome.code == 4
    assert outcome.err.count("zoo: warning: ") == 2
    assert outcome.err.splitlines()[-1] == "zoo: error: 2 of 2 models could not be verified"


def test_a_text_in_many_blocks_has_the_same_loss(zoo, tiny_model, cut):
    whole = verified(zoo, tiny_model)
    cut(50)
    assert verified(zoo, tiny_model) == whole


def test_verify_writes_nothing(zoo, home, tiny_model):
    before = {path: path.lstat().st_mtime_ns for path in home.path.rglob("*")}
    assert zoo("verify", tiny_model).code == 0
    assert {path: path.lstat().st_mtime_ns for path in home.path.rglob("*")} == before


@pytest.mark.parametrize("options", [["--vocab", "bytes"], ["-p", "m2"], ["--set", "block_size=7"]])
def test_models_of_every_kind_are_verified(zoo, home, tiny_corpus, options):
    settings = ["--set", "max_steps=3", "--set", "n_layer=1", "--set", "n_embd=24", "--set", "batch_size=2"]
    assert zoo("train", "-d", "tiny", "-n", "mine", *settings, *options).code == 0
    code, (entry,) = verified(zoo, "mine")
    assert code == 0
    assert entry["difference"] <= TOLERANCE


def test_a_model_without_weights_yet_is_not_verified(zoo, home, tiny_model):
    edit_record(home, 'weights_sha256 = "', 'x = "')
    outcome = zoo("verify", tiny_model)
    assert outcome.code == 4
    assert "no weights yet" in outcome.err
