"""The plan: everything is decided, and checked, before anything is written."""

import dataclasses
import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from tiny import TINY, tiny_settings, write_tiny_text

from zoo.config import DTYPES, TrainConfig
from zoo.corpora.corpus import open_corpus
from zoo.errors import BadData, Conflict, NotFound, UsageProblem
from zoo.plugins import Plugins
from zoo.registry.registry import Registry
from zoo.runs.plan import Request, plan
from zoo.runs.spec import Spec

SETTINGS = dict(pair.split("=") for pair in TINY) | {"max_steps": "4"}


def request(**changes: object) -> Request:
    return Request(**{"dataset": "tiny", "settings": SETTINGS, **changes})


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A plugin of another distribution; write(code) installs it."""

    def write(name: str, code: str) -> None:
        site = tmp_path / "site"
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {name}\n")
        (site / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(site)
        assert any(entry.name == name for entry in importlib.metadata.entry_points(group="zoo"))

    return write


def flattened(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in flattened(item)]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in flattened(item)]
    return [value]


def test_the_spec_leaves_nothing_open(home, tiny_corpus):
    spec, vocab = plan(home, Plugins(), request())
    table = dataclasses.asdict(spec)
    assert "auto" not in flattened(table)
    assert (table.pop("parent"), table.pop("init_sha256")) == (None, None)  # it begins from chance
    assert None not in flattened(table)
    model = table["model"]
    for size in ("n_layer", "n_head", "n_embd", "block_size", "vocab_size", "head_dim", "hidden_size"):
        assert model[size] > 0, size
    corpus = open_corpus(home, "tiny")
    assert spec.vocab.size == model["vocab_size"] == len(vocab) == len(corpus.alphabet)
    assert spec.vocab.sha256 == vocab.sha256
    assert [(p.name, p.sha256, p.val_sha256, p.characters) for p in spec.corpora] == [
        ("tiny", corpus.sha256, corpus.val_sha256, corpus.characters)
    ]
    assert (spec.name, spec.dataset, spec.preset, spec.seed) == ("tiny-nano", "tiny", "nano", 1337)
    assert spec.device in ("cpu", "cuda", "mps")
    assert spec.device_name
    assert spec.threads >= 1
    assert spec.dtype in ("float32", "bfloat16")
    assert spec.train == TrainConfig(
        **{
            **Spec.load(saved(spec, home.path / "run.toml")).train.to_dict(),
            "max_steps": 4,
            "batch_size": 4,
            "eval_every": 10,
            "warmup_steps": 2,
        }
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", spec.created)


def test_the_number_format_is_the_asked_for_one_and_stands_in_the_command(home, tiny_corpus):
    for dtype in DTYPES:
        spec, _ = plan(home, Plugins(), dataclasses.replace(request(), dtype=dtype))
        assert spec.dtype == dtype
        assert f"--dtype {dtype}" in spec.command
    chosen = plan(home, Plugins(), request())[0]  # by trying it out: who asks again asks for what was chosen
    assert f"--dtype {chosen.dtype}" in chosen.command


def saved(spec: Spec, path: Path) -> Path:
    spec.save(path)
    return path


def test_two_plans_have_two_ids_and_else_are_the_same(home, tiny_corpus):
    first, second = (plan(home, Plugins(), request())[0] for _ in range(2))
    assert first.id != second.id
    assert dataclasses.replace(first, id=second.id, created=second.created) == second


def test_a_spec_survives_its_file(home, tiny_corpus):
    spec, _ = plan(home, Plugins(), request())
    path = saved(spec, home.path / "run.toml")
    assert Spec.load(path) == spec
    before = path.read_bytes()
    Spec.load(path).save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed = ", "sead = "),
        ("n_layer = 1", "n_layer = 0"),
        ("n_layer = 1", "n_layers = 1"),
        ("max_steps = 4", 'max_steps = "4"'),
        ("[vocab]", "[vocabulary]"),
        ("[model]", "[model"),
    ],
)
def test_a_damaged_spec_is_bad_data(home, tiny_corpus, old, new):
    path = saved(plan(home, Plugins(), request())[0], home.path / "run.toml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BadData, match=re.escape(str(path))):
        Spec.load(path)


def test_planning_writes_nothing(home, tiny_corpus):
    before = sorted(path for path in home.path.rglob("*"))
    plan(home, Plugins(), request())
    assert sorted(path for path in home.path.rglob("*")) == before
    assert not home.models.exists()


def test_the_command_repeats_the_request_without_paths(zoo, home, tiny_text):
    where = ["--home", str(home.path)]
    assert zoo(*where, "fetch", "mine", "--from", str(tiny_text)).code == 0
    code = zoo(*where, "train", "-d", "mine", *tiny_settings(max_steps=3), "--seed", "7", "-n", "m").code
    assert code == 0
    command = Registry(home).get("m").record.command
    assert "/" not in command
    assert str(tiny_text) not in (home.models / "m" / "run.toml").read_text()
    words = command.split()
    assert words[:6] == ["zoo", "train", "--dataset", "mine", "--preset", "nano"]
    assert words[-2:] == ["--seed", "7"]
    assert "max_steps=3" in words
    # and it means the same
    again = zoo(*where, *[word if word != "m" else "m2" for word in words[1:]])
    assert again.code == 0, again.err
    first, second = Registry(home).get("m").record, Registry(home).get("m2").record
    assert first.weights_sha256 == second.weights_sha256


def of_length(zoo, home, tmp_path, characters: int) -> None:
    path = tmp_path / f"{characters}.txt"
    path.write_text(write_tiny_text()[:characters])
    assert zoo("fetch", "short", "--from", str(path)).code == 0
    assert open_corpus(home, "short").characters == characters


def test_the_shortest_text_that_fits_trains_and_one_character_less_does_not(zoo, home, tmp_path):
    # a tenth validates: of 161 characters 17, which is one window of 16 and what follows it; of 160 only 16
    of_length(zoo, home, tmp_path, 160)
    outcome = zoo("train", "-d", "short", *tiny_settings(max_steps=2))
    assert outcome.code == 4
    assert "val part has 16 ids" in outcome.err
    assert "needs 17" in outcome.err
    assert "--set block_size=15" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not home.models.exists()
    assert Registry(home).own() == {}
    assert zoo("train", "-d", "short", *tiny_settings(max_steps=2, block_size=15)).code == 0
    of_length(zoo, home, tmp_path, 161)
    outcome = zoo("train", "-d", "short", "-n", "fits", *tiny_settings(max_steps=2))
    assert outcome.code == 0, outcome.err


def test_bytes_are_counted_where_characters_are_too_few(zoo, home, tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("é" * 100, encoding="utf-8")  # 10 characters validate, which are 20 bytes
    assert zoo("fetch", "short", "--from", str(path)).code == 0
    assert zoo("train", "-d", "short", *tiny_settings(max_steps=2)).code == 4
    outcome = zoo("train", "-d", "short", "--vocab", "bytes", *tiny_settings(max_steps=2))
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-d", "tyny"], 3, "did you mean 'tiny'"),
        (["-d", "tiny", "-p", "nan"], 3, "did you mean 'nano'"),
        (["-d", "tiny", "--set", "max_step=3"], 2, "did you mean 'max_steps'"),
        (["-d", "tiny", "--set", "max_steps=many"], 2, "whole number"),
        (["-d", "tiny", "--set", "max_steps=0"], 2, "max_steps"),
        (["-d", "tiny", "--set", "learning_rate=nan"], 2, "learning_rate"),
        (["-d", "tiny", "--set", "n_embd=16", "--set", "n_head=5"], 2, "n_head"),
        (["-d", "tiny", "--set", "vocab_size=5"], 2, "vocab_size"),
        (["-d", "tiny", "--set", "max_steps"], 2, "KEY=VALUE"),
        (["-d", "tiny", "--device", "tpu"], 2, "device 'tpu'"),
        (["-d", "tiny", "--vocab", "runes"], 2, "runes"),
        (["-d", "tiny", "--seed", "-1"], 2, "seed"),
        (["-d", "tiny", "--set", "n_layer=256", "--set", "n_embd=65536", "--set", "n_head=8"], 2, "GiB"),
        (["-d", "hhgttg"], 2, "--from"),
    ],
)
def test_what_cannot_be_meant_is_said_and_leaves_nothing(zoo, home, tiny_corpus, arguments, code, said):
    outcome = zoo("train", *arguments)
    assert outcome.code == code, outcome.err
    assert said in outcome.err
    assert outcome.err.startswith("zoo: error: ")
    assert len(outcome.err.splitlines()) == 1
    assert not home.models.exists()
    assert Registry(home).own() == {}


@pytest.mark.parametrize(
    "name", ["", "Big", "a b", "../up", "/abs", ".hidden", "-n", "con", "nul.txt", "a" * 65, "é", "a."]
)
def test_a_bad_name_is_refused(zoo, home, tiny_corpus, name):
    outcome = zoo("train", "-d", "tiny", f"--name={name}", *tiny_settings(max_steps=2))
    assert outcome.code == 2
    assert "not allowed" in outcome.err
    assert not home.models.exists()


def test_a_name_that_is_taken_is_refused_and_the_default_name_counts_on(zoo, home, tiny_model):
    assert zoo("train", "-d", "tiny", "-n", "tiny-nano", *tiny_settings(max_steps=2)).code == 5
    for expected in ("tiny-nano-2", "tiny-nano-3"):
        outcome = zoo("train", "-d", "tiny", *tiny_settings(max_steps=2))
        assert outcome.code == 0
        assert f"trained {expected}" in outcome.err
    (home.models / "stray").mkdir()
    (home.models / "stray" / "precious.txt").write_text("mine")
    with pytest.raises(Conflict):
        plan(home, Plugins(), request(name="stray"))


def test_the_longest_dataset_name_still_gives_default_names(zoo, home, tiny_text):
    name = "d" * 64
    assert zoo("fetch", name, "--from", str(tiny_text)).code == 0
    for _ in range(2):
        outcome = zoo("train", "-d", name, *tiny_settings(max_steps=2))
        assert outcome.code == 0, outcome.err
    assert len(Registry(home).own()) == 2


def test_train_fetches_a_dataset_that_has_a_source(zoo, home, tiny_text, stranger):
    stranger(
        "stranger_a",
        "from zoo import Dataset, hookimpl\n\n"
        "@hookimpl\ndef zoo_datasets():\n"
        f"    return [Dataset(name='odd', source={str(tiny_text)!r}, licence='CC0', vocab='bytes')]\n",
    )
    outcome = zoo("train", "-d", "odd", *tiny_settings(max_steps=2))
    assert outcome.code == 0, outcome.err
    record = Registry(home).get("odd-nano").record
    assert open_corpus(home, "odd").characters == len(tiny_text.read_text())
    assert record.vocab.kind == "bytes"
    assert record.private


def test_a_private_text_makes_a_private_model(zoo, home, tiny_text):
    assert zoo("fetch", "closed", "--from", str(tiny_text)).code == 0
    assert zoo("fetch", "open", "--public", "--from", str(tiny_text)).code == 0
    for name, private in (("closed", True), ("open", False)):
        assert zoo("train", "-d", name, *tiny_settings(max_steps=2)).code == 0
        assert Registry(home).get(f"{name}-nano").record.private is private
        assert tomllib.loads((home.models / f"{name}-nano" / "run.toml").read_text())["private"] is private


def test_a_dataset_of_a_plugin_says_itself_whether_it_is_private(zoo, home, tiny_text, stranger):
    stranger(
        "stranger_b",
        "from zoo import Dataset, hookimpl\n\n"
        "@hookimpl\ndef zoo_datasets():\n"
        f"    return [Dataset(name='diary', source={str(tiny_text)!r}, private=True)]\n",
    )
    assert zoo("train", "-d", "diary", *tiny_settings(max_steps=2)).code == 0
    assert Registry(home).get("diary-nano").record.private is True


def test_a_corpus_changed_by_a_new_fetch_is_another_text(zoo, home, tiny_corpus, tiny_text):
    before = plan(home, Plugins(), request())[0]
    tiny_text.write_text(tiny_text.read_text() + "More.\n")
    assert zoo("fetch", "tiny", "--from", str(tiny_text)).code == 0
    after = plan(home, Plugins(), request())[0]
    assert before.corpora[0].sha256 != after.corpora[0].sha256


def test_errors_below_the_command_line_are_of_our_tree(home, tiny_corpus):
    with pytest.raises(NotFound):
        plan(home, Plugins(), request(dataset="nowhere"))
    with pytest.raises(UsageProblem):
        plan(home, Plugins(), request(dataset="../tiny"))
    with pytest.raises(UsageProblem):
        plan(home, Plugins(), request(seed=2**63))
