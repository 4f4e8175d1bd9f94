"""Fine-tuning: what a child has from its parent, and that it stands without it."""

import dataclasses
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from tiny import tiny_settings, write_tiny_text

from zoo import weights
from zoo.cli import run
from zoo.config import ModelConfig, get_preset
from zoo.corpora.vocab import Characters, load_vocab
from zoo.errors import Conflict, NotFound, Stopped
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.registry.registry import Registry
from zoo.runs.init import SOFTER
from zoo.runs.plan import Request, plan
from zoo.runs.run import resume, start

RECIPE = {"batch_size": "4", "eval_every": "10", "warmup_steps": "2", "max_steps": "12"}
SETTINGS = [word for key, value in RECIPE.items() for word in ("--set", f"{key}={value}")]
NEW = "é€ß"  # what only the other text has


@pytest.fixture(scope="module")
def family(tmp_path_factory, trained_home: Path) -> Path:
    """A home with a parent `tiny-nano` that has snapshots, and a second text, `other`, with characters it lacks."""
    root = tmp_path_factory.mktemp("family")
    shutil.copytree(trained_home, root / "home")
    text = write_tiny_text(3000).replace("cat", "cät").replace("ä", "é").replace("dogs", "d€gs").replace("mat", "maß")
    (root / "other.txt").write_text(text, encoding="utf-8")
    assert run(["--home", str(root / "home"), "fetch", "other", "--public", "--from", str(root / "other.txt")]) == 0
    return root / "home"


@pytest.fixture
def parent(family: Path, home: Home) -> str:
    shutil.copytree(family, home.path)
    return "tiny-nano"


def request(**changes: object) -> Request:
    return Request(**{"dataset": "other", "init": "tiny-nano", "settings": RECIPE, "name": "child", **changes})


def weights_of(home: Home, name: str) -> dict[str, np.ndarray]:
    model = Registry(home).resolve(name)
    config = ModelConfig.from_dict(model.record.model)
    return weights.load_model(model.weights_path, config, model.record.vocab.sha256, model.record.weights_sha256)


def alphabet_of(home: Home, name: str) -> str:
    vocab = load_vocab(home.models / name / "vocab.json")
    assert isinstance(vocab, Characters)
    return vocab.alphabet


def results(home: Home) -> tuple[bytes, str | None]:
    return (home.models / "child" / "log.jsonl").read_bytes(), Registry(home).get("child").record.weights_sha256


def test_a_child_begins_from_its_parents_weights_and_new_ids_from_their_mean(zoo, home, parent):
    outcome = zoo("train", "-d", "other", "--init", parent, "-n", "child", "--keep", "log", *SETTINGS)
    assert outcome.code == 0, outcome.err
    old, new = weights_of(home, parent), weights_of(home, "child@0")
    known = len(old["wte.weight"])
    assert len(new["wte.weight"]) == known + len(NEW)
    for name, array in old.items():
        assert np.array_equal(new[name][: len(array)], array), name
    for name in ("wte.weight", "head.weight"):
        assert np.allclose(new[name][known:], old[name].mean(axis=0), atol=1e-7)
    assert not np.array_equal(weights_of(home, "child")["wte.weight"], new["wte.weight"])  # and it did train


def test_an_alphabet_grows_at_its_end(home, parent):
    _, vocab = plan(home, Plugins(), request())
    assert isinstance(vocab, Characters)
    assert vocab.alphabet == alphabet_of(home, parent) + "".join(sorted(NEW))


def test_a_text_with_nothing_new_leaves_alphabet_and_weights_as_they_are(zoo, home, parent):
    assert zoo("train", "-d", "tiny", "--init", parent, "-n", "child", *SETTINGS).code == 0
    assert alphabet_of(home, "child") == alphabet_of(home, parent)
    first, theirs = home.models / "child" / "init.safetensors", home.models / parent / "weights.safetensors"
    assert first.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("shape", [{"tied": "yes"}, {"head_bias": "yes", "norm_bias": "yes"}], ids=str)
def test_tied_heads_and_biases_grow_too(zoo, home, parent, shape):
    settings = tiny_settings(max_steps=4, shape="classic", activation="gelu", **shape)
    assert zoo("train", "-d", "tiny", "-n", "old", *settings).code == 0
    outcome = zoo("train", "-d", "other", "--init", "old", "-n", "child", "--keep", "log", *SETTINGS)
    assert outcome.code == 0, outcome.err
    old, new = weights_of(home, "old"), weights_of(home, "child@0")
    assert old.keys() == new.keys()
    for name in ({"wte.weight", "head.weight", "head.bias"} & old.keys()) - (
        {"head.weight"} if "tied" in shape else set()
    ):
        assert np.allclose(new[name][len(old[name]) :], old[name].mean(axis=0), atol=1e-7), name
    assert zoo("verify", "child").code == 0


def test_bytes_know_every_text_and_do_not_grow(zoo, home, parent):
    assert zoo("train", "-d", "tiny", "-n", "old", "--vocab", "bytes", *tiny_settings(max_steps=4)).code == 0
    outcome = zoo("train", "-d", "other", "--init", "old", "-n", "child", *SETTINGS)
    assert outcome.code == 0, outcome.err
    assert Registry(home).get("child").record.vocab == Registry(home).get("old").record.vocab


def test_the_parent_is_known_by_its_id_and_shown_by_the_name_it_has_now(zoo, home, parent):
    assert zoo("train", "-d", "other", "--init", parent, "-n", "child", *SETTINGS).code == 0
    id = Registry(home).get(parent).record.id
    assert Registry(home).get("child").record.parent == id
    assert f"parent              {parent} ({id})" in zoo("show", "child").out
    assert zoo("rename", parent, "mother").code == 0
    assert f"parent              mother ({id})" in zoo("show", "child").out
    assert json.loads(zoo("show", "child", "--json").out)["parent"] == "mother"
    assert zoo("rm", "mother").code == 0
    assert f"parent              {id}\n" in zoo("show", "child").out
    assert json.loads(zoo("show", "child", "--json").out)["parent"] is None


def test_a_child_of_a_step_begins_there_and_says_so(zoo, home, parent):
    assert zoo("train", "-d", "tiny", "-n", "old", "--keep", "log", *tiny_settings(max_steps=12)).code == 0
    assert zoo("train", "-d", "tiny", "--init", "old@4", "-n", "child", *SETTINGS).code == 0
    assert Registry(home).get("child").record.parent == f"{Registry(home).get('old').record.id}@4"
    assert "old@4 (" in zoo("show", "child").out
    first = weights.from_bytes((home.models / "child" / "init.safetensors").read_bytes(), Path("init"))[0]
    assert all(np.array_equal(first[name], array) for name, array in weights_of(home, "old@4").items())


def test_a_child_of_a_private_parent_is_private_whatever_its_text(zoo, home, parent, tmp_path):
    assert Registry(home).get(parent).record.private
    spec, _ = plan(home, Plugins(), request())
    assert spec.private
    assert not plan(home, Plugins(), request(init=None))[0].private


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "n_layer=2"], "n_layer is 1"),
        (["--set", "block_size=32"], "block_size is 16"),
        (["--set", "tied=yes"], "tied is False"),
        (["--vocab", "bytes"], "whose ids are characters"),
        (["--vocab", "runes"], "whose ids are characters"),
    ],
    ids=str,
)
def test_another_shape_or_vocabulary_than_the_parents_is_refused(zoo, home, parent, arguments, said):
    outcome = zoo("train", "-d", "other", "--init", parent, "-n", "child", *SETTINGS, *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert list(Registry(home).own()) == [parent]


def test_settings_that_agree_with_the_parent_and_dropout_are_taken(home, parent):
    spec, _ = plan(home, Plugins(), request(settings={**RECIPE, "n_layer": "1", "dropout": "0.2"}, vocab="characters"))
    assert (spec.model.n_layer, spec.model.dropout) == (1, 0.2)
    assert plan(home, Plugins(), request())[0].model.dropout == 0.0


def test_dropout_is_of_the_recipe_that_is_asked_for(home, parent):
    studio = get_preset("studio").model.dropout
    spec, _ = plan(home, Plugins(), dataclasses.replace(request(), preset="studio"))
    assert spec.model.dropout == studio > 0


def test_the_recipe_is_the_parents_preset_if_it_exists_unless_another_is_asked_for(home, parent):
    train = plan(home, Plugins(), request(preset="m2", settings={**RECIPE, "min_learning_rate": "1e-3"}))[0].train
    theirs = get_preset("m2").train
    assert train.learning_rate == SOFTER * theirs.learning_rate
    assert train.matrix_learning_rate == SOFTER * theirs.matrix_learning_rate
    assert train.min_learning_rate == 1e-3  # which was set
    row = Registry(home).get(parent).record
    for preset, expected in (("m2", "m2"), ("gone", "nano")):
        Registry(home).update(parent, row.id, preset=preset)
        spec, _ = plan(home, Plugins(), request(name=None))
        assert (spec.preset, spec.name) == (expected, f"other-{expected}")
        assert spec.model.shape == "modern"  # the shape stays the parent's


def test_the_command_of_a_child_asks_for_it_again(zoo, home, parent):
    spec, _ = plan(home, Plugins(), request())
    assert "--init tiny-nano" in spec.command
    words = spec.command.replace("--name child", "--name again").split()[1:]
    assert zoo(*words).code == 0
    assert Registry(home).get("again").record.init_sha256 == spec.init_sha256


@pytest.mark.parametrize(
    ("reference", "code", "said"),
    [("nobody", 3, "no model named"), ("tiny-nano@7", 3, "it has none"), ("tiny-nano@x", 2, "names no step")],
)
def test_a_parent_that_cannot_be_had_takes_no_name(zoo, home, parent, reference, code, said):
    outcome = zoo("train", "-d", "other", "--init", reference, *SETTINGS)
    assert outcome.code == code
    assert said in outcome.err
    assert list(Registry(home).own()) == [parent]


def test_a_parent_without_weights_is_no_parent(zoo, home, parent):
    spec, vocab = plan(home, Plugins(), request(init=None, name="young"))
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: signal.SIGINT)
    outcome = zoo("train", "-d", "other", "--init", "young", *SETTINGS)
    assert outcome.code == 4
    assert "has no weights yet" in outcome.err


def test_a_parent_that_changes_before_the_start_is_noticed_and_nothing_is_left(home, parent):
    spec, vocab = plan(home, Plugins(), request())
    forged = weights_of(home, parent)
    forged["norm.weight"] = forged["norm.weight"] + 1
    model = Registry(home).get(parent)
    config = ModelConfig.from_dict(model.record.model)
    sha256 = weights.save_model(model.weights_path, forged, config, model.record.vocab.sha256)
    Registry(home).update(parent, model.record.id, weights_sha256=sha256)
    with pytest.raises(Conflict, match="are not those that 'child' begins from"):
        start(home, spec, vocab)
    Registry(home).dismiss(parent, model.record.id, home.trash / "away")
    with pytest.raises(NotFound, match="was removed"):
        start(home, spec, vocab)
    assert not (home.models / "child").exists()


@pytest.mark.parametrize("stop_after", [1, 2, 6, 14])
def test_an_interrupted_child_resumes_to_the_same_bytes_without_its_parent(zoo, home, parent, tmp_path, stop_after):
    twin = Home(tmp_path / "twin")
    shutil.copytree(home.path, twin.path)
    start(twin, *plan(twin, Plugins(), request()))
    asked = iter(range(1, 1000))
    with pytest.raises(Stopped):
        start(
            home, *plan(home, Plugins(), request()), stop=lambda: signal.SIGINT if next(asked) == stop_after else None
        )
    shutil.rmtree(home.models / "child" / "checkpoints", ignore_errors=stop_after < 3)  # as a kill before any leaves it
    assert zoo("rm", parent).code == 0
    resume(home, "child")
    assert results(home) == results(twin)


def test_a_child_reproduces_when_its_parent_is_gone(zoo, home, parent):
    assert zoo("train", "-d", "other", "--init", parent, "-n", "child", *SETTINGS).code == 0
    assert zoo("rm", parent).code == 0
    outcome = zoo("reproduce", "child")
    assert outcome.code == 0, outcome.err
    assert "came out the same" in outcome.out


def test_a_child_without_its_first_weights_neither_goes_on_nor_is_reproduced_nor_verified(zoo, home, parent):
    assert zoo("train", "-d", "other", "--init", parent, "-n", "child", *SETTINGS).code == 0
    path = home.models / "child" / "init.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for command in ("reproduce", "verify"):
        outcome = zoo(command, "child")
        assert outcome.code == 4
        assert "was changed since the training began" in outcome.err
    path.unlink()
    assert zoo("reproduce", "child").code == 3
    assert zoo("verify", "child").code == 4
    assert sorted(Registry(home).own()) == ["child", parent]
    with pytest.raises(Stopped):
        start(home, *plan(home, Plugins(), request(name="second")), stop=lambda: signal.SIGINT)
    (home.models / "second" / "init.safetensors").unlink()
    assert zoo("resume", "second").code == 4


def damage_first_weights(directory: Path) -> None:
    (directory / "init.safetensors").write_bytes(b"damaged")


def lose_first_weights(directory: Path) -> None:
    (directory / "init.safetensors").unlink()


def lose_vocab(directory: Path) -> None:
    (directory / "vocab.json").unlink()


@pytest.mark.parametrize("damage", [damage_first_weights, lose_first_weights, lose_vocab])
def test_the_doctor_makes_anew_from_the_parent_what_a_child_has_lost(zoo, home, parent, damage):
    assert zoo("train", "-d", "other", "--init", parent, "-n", "child", *SETTINGS).code == 0
    directory = home.models / "child"
    kept = {name: (directory / name).read_bytes() for name in ("init.safetensors", "vocab.json")}
    assert zoo("doctor").code == 0
    damage(directory)
    assert zoo("doctor").code == 4
    assert zoo("doctor", "--repair").code == 0
    assert {name: (directory / name).read_bytes() for name in kept} == kept
    assert zoo("verify", "child").code == 0


def test_the_doctor_puts_damaged_first_weights_away_when_nobody_else_has_them(zoo, home, parent):
    assert zoo("train", "-d", "other", "--init", parent, "-n", "child", *SETTINGS).code == 0
    assert zoo("rm", parent).code == 0
    damage_first_weights(home.models / "child")
    assert zoo("doctor", "--repair").code == 0
    assert not (home.models / "child" / "init.safetensors").exists()
    assert "cannot be reproduced" in zoo("doctor").out
    assert zoo("generate", "child", "The").code == 0
