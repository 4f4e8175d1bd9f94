"""The doctor: every kind of damage is found, told of once, and put right without losing a byte."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import tiny_settings

from zoo import locks
from zoo.corpora.corpus import fetch_lock, open_corpus
from zoo.doctor.examination import Report, _put_right
from zoo.doctor.texts import Texts
from zoo.errors import Stopped
from zoo.events import ignore
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.registry import trash
from zoo.registry.registry import Registry
from zoo.runs.plan import Request, plan
from zoo.runs.run import start

MODEL = "tiny-nano"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is at work in these homes, so there is little to wait for."""
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0.01)


def of_model(home: Home) -> Path:
    return home.models / MODEL


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def flip(path: Path, at: float = 0.75) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)


def drop_row(home: Home) -> None:
    home.registry.write_text("schema = 1\n")


def text_directory(home: Home) -> Path:
    return open_corpus(home, "tiny").directory


def interrupt(home: Home, name: str = "half") -> Path:
    """The directory of a training that was stopped after a few checkpoints."""
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=40)[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", name=name, settings=settings))
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: 2 if next(asked) == 30 else None)
    return home.models / name


def damaged_checkpoint(home: Home) -> str:
    path = max((interrupt(home) / "checkpoints").iterdir())
    flip(path)
    return f"models/half/checkpoints/{path.name}"


def half_renamed(home: Home) -> str:
    of_model(home).rename(home.models / "other")
    return f"models/{MODEL}"


def copied(home: Home, name: str) -> str:
    shutil.copytree(of_model(home), home.models / name)
    return f"models/{name}"


def leftover(home: Home) -> str:
    (home.models / "begun").mkdir()
    shutil.copy(of_model(home) / "run.toml", home.models / "begun")
    return "models/begun"


def dangling(home: Home) -> str:
    (home.models / "away").symlink_to(home.path / "nowhere")
    return "models/away"


def write(path: Path, data: bytes, home: Home) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path.relative_to(home.path))


def no_lock(path: Path, home: Home, put: Callable[[Path], object]) -> str:
    """Something in the place of a lock on which none can be held."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    put(path)
    return str(path.relative_to(home.path))


def older_weights(home: Home) -> str:
    """A row that a kill left behind its card: the card knows the weights that are there."""
    edit(home.registry, 'status = "ready"', 'status = "training"')
    edit(home.registry, 'weights_sha256 = "', 'weights_sha256 = "00')
    return f"models/{MODEL}"


def at(where: str, harm: Callable[[Home], object]) -> Callable[[Home], str]:
    """A damage that is told of at `where`."""

    def damage(home: Home) -> str:
        harm(home)
        return where

    return damage


def second_row(home: Home, name: str) -> None:
    _, _, rows = home.registry.read_text().partition("[models.")
    with home.registry.open("a") as file:
        file.write("[models." + rows.replace(MODEL, name))


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def changed_text(home: Home, name: str) -> str:
    directory = text_directory(home)
    path = directory / name
    path.write_bytes(path.read_bytes()[:-10])
    return str(directory.relative_to(home.path))


def other_metadata(home: Home, old: str, new: str) -> str:
    directory = text_directory(home)
    edit(directory / "corpus.toml", old, new)
    return str(directory.relative_to(home.path))


def newer_text(home: Home) -> str:
    return other_metadata(home, "schema = 1", "schema = 2")


def edited_status(home: Home) -> str:
    interrupt(home)
    head, row, rest = home.registry.read_text().partition("[models.half]")
    home.registry.write_text(head + row + rest.replace('status = "interrupted"', 'status = "ready"', 1))
    return "models/half"


def edited_seed(home: Home) -> None:
    for path in (home.registry, of_model(home) / "model.toml"):
        edit(path, "seed = 1337", "seed = 7")


HERE = f"models/{MODEL}"
DAMAGES: dict[str, Callable[[Home], str]] = {
    "registry missing": at("registry.toml", lambda h: h.registry.unlink()),
    "registry empty": at("registry.toml", lambda h: h.registry.write_bytes(b"")),
    "registry cut off": at("registry.toml", lambda h: h.registry.write_bytes(h.registry.read_bytes()[:-200])),
    "registry with conflict markers": at("registry.toml", lambda h: edit(h.registry, "schema", "<<<<<<< a\nschema")),
    "registry in UTF-16": at("registry.toml", lambda h: h.registry.write_text(h.registry.read_text(), "utf-16")),
    "registry is a directory": at("registry.toml", lambda h: (h.registry.unlink(), h.registry.mkdir())),
    "row of wrong types": at("registry.toml", lambda h: edit(h.registry, "steps = 20", 'steps = "20"')),
    "row that leads elsewhere": at("registry.toml", lambda h: edit(h.registry, f'path = "{HERE}"', 'path = "/etc"')),
    "row of a forbidden name": at("registry.toml", lambda h: second_row(h, "Con")),
    "row without directory": at(HERE, lambda h: shutil.rmtree(of_model(h))),
    "directory without row": at(HERE, drop_row),
    "renamed by half": half_renamed,
    "a copy without row": lambda h: copied(h, "copy"),
    "a name in capitals": lambda h: copied(h, MODEL.upper()),
    "a name that cannot be": lambda h: copied(h, "my model"),
    "what was left of a claim": leftover,
    "an empty directory": at("models/empty", lambda h: (h.models / "empty").mkdir()),
    "a lock without a model": at("models/ghost", lambda h: write(h.models / "ghost" / "run.lock", b"", h)),
    "a dangling link": dangling,
    "a name that a reader gave": lambda h: (of_model(h).rename(h.models / "My-Model"), HERE)[1],
    "a loss that was edited": at(HERE, lambda h: edit(h.registry, "val_loss = 3", "val_loss = 1")),
    "a status that was edited": edited_status,
    "row and card apart": at(HERE, lambda h: edit(h.registry, 'note = ""', 'note = ""\nmood = "good"')),
    "row behind its card": older_weights,
    "card missing": at(f"{HERE}/model.toml", lambda h: (of_model(h) / "model.toml").unlink()),
    "card damaged": at(f"{HERE}/model.toml", lambda h: (of_model(h) / "model.toml").write_bytes(b"\xff")),
    "card is a link": at(f"{HERE}/model.toml", lambda h: linked(of_model(h) / "model.toml")),
    "weights missing": at(HERE, lambda h: (of_model(h) / "weights.safetensors").unlink()),
    "weights flipped": at(HERE, lambda h: flip(of_model(h) / "weights.safetensors")),
    "weights cut off": at(HERE, lambda h: os.truncate(of_model(h) / "weights.safetensors", 100)),
    "vocabulary damaged": at(f"{HERE}/vocab.json", lambda h: edit(of_model(h) / "vocab.json", "alphabet", "alphabit")),
    "vocabulary missing": at(f"{HERE}/vocab.json", lambda h: (of_model(h) / "vocab.json").unlink()),
    "another vocabulary": at(f"{HERE}/vocab.json", lambda h: edit(of_model(h) / "vocab.json", '": "', '": "\\t')),
    "vocabulary missing, text too": at(
        HERE, lambda h: ((of_model(h) / "vocab.json").unlink(), shutil.rmtree(h.corpora))
    ),
    "spec missing": at(f"{HERE}/run.toml", lambda h: (of_model(h) / "run.toml").unlink()),
    "spec damaged": at(f"{HERE}/run.toml", lambda h: edit(of_model(h) / "run.toml", "seed", "sead")),
    "state left behind": lambda h: write(of_model(h) / "state.json", b"{}", h),
    "checkpoints left behind": at(
        f"{HERE}/checkpoints", lambda h: write(of_model(h) / "checkpoints" / "step-1", b"x", h)
    ),
    "checkpoint damaged": damaged_checkpoint,
    "temporary of the registry": lambda h: write(h.path / f".tmp-{'0' * 32}", b"x", h),
    "temporary of a model": lambda h: write(of_model(h) / ".tmp-1", b"x", h),
    "draft of a text": lambda h: str(
        Path(write(h.corpora / "tiny" / ".tmp-2" / "text.txt", b"half", h)).parent  # the draft is one thing
    ),
    "temporary of a download": lambda h: write(h.cache / "tiny" / ".tmp-3", b"x", h),
    "a lock that is a link": lambda h: no_lock(h.lock("registry"), h, lambda path: path.symlink_to("/dev/null")),
    "a lock that is a directory": lambda h: no_lock(h.lock("fetch-tiny"), h, Path.mkdir),
    "a lock of a model that is a pipe": lambda h: no_lock(of_model(h) / "run.lock", h, os.mkfifo),
    "a file in the place of the locks": lambda h: no_lock(h.lock("x").parent, h, Path.touch),
    "open to all": at(f"{HERE}/weights.safetensors", lambda h: (of_model(h) / "weights.safetensors").chmod(0o666)),
    "registry open to all": at("registry.toml", lambda h: h.registry.chmod(0o666)),
    "text changed": lambda h: changed_text(h, "text.txt"),
    "alphabet damaged": lambda h: changed_text(h, "alphabet.json"),
    "metadata of a text damaged": lambda h: other_metadata(h, "licence = ", "license = "),
    "a text split elsewhere": lambda h: other_metadata(h, "train_bytes = 5", "train_bytes = 4"),
    "no current text": at(".zoo/corpora/tiny/current", lambda h: (h.corpora / "tiny" / "current").unlink()),
    "a current text that is not there": at(
        ".zoo/corpora/tiny/current", lambda h: (h.corpora / "tiny" / "current").write_text("00000000\n")
    ),
}
LEFT_ALONE: dict[str, Callable[[Home], str]] = {
    "registry of a newer zoo": at("registry.toml", lambda h: edit(h.registry, "schema = 1", "schema = 2")),
    "card of a newer zoo": at(
        f"{HERE}/model.toml", lambda h: edit(of_model(h) / "model.toml", "schema = 1", "schema = 2")
    ),
    "text of a newer zoo": newer_text,
    "vocabulary of a newer zoo": at(
        f"{HERE}/vocab.json", lambda h: edit(of_model(h) / "vocab.json", '"schema": 1', '"schema": 2')
    ),
    "spec of a newer zoo": at(f"{HERE}/run.toml", lambda h: edit(of_model(h) / "run.toml", "schema = 1", "schema = 2")),
    "a seed that was edited": at(f"{HERE}/run.toml", edited_seed),
}


def snapshot(home: Home) -> dict[str, tuple[int, bytes]]:
    """Every file with its time of change and content, directories too."""
    return {
        str(path.relative_to(home.path)): (path.lstat().st_mtime_ns, content(path))
        for path in [home.path, *home.path.rglob("*")]
    }


def content(path: Path) -> bytes:
    return bytes(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""


def bytes_of(home: Home) -> Counter[str]:
    """How often each content is there, by its hash."""
    files = [path for path in home.path.rglob("*") if path.is_symlink() or path.is_file()]
    return Counter(hashed(content(path)) for path in files if path.suffix != ".lock")


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def findings(zoo, *options: str) -> tuple[int, list[dict]]:
    outcome = zoo("doctor", "--json", *options)
    assert "Traceback" not in outcome.err
    return outcome.code, json.loads(outcome.out)["findings"]


def test_a_healthy_home_is_whole_and_nothing_is_written(zoo, home, tiny_model):
    interrupt(home)
    before = snapshot(home)
    for options in ((), ("--repair",)):
        outcome = zoo("doctor", *options)
        assert outcome.code == 0, outcome.err
        assert outcome.out == f"{home.path} is whole\n"
    assert snapshot(home) == before


def test_a_home_that_is_not_there_is_not_created(zoo, home):
    assert zoo("doctor", "--repair").code == 3
    assert not home.path.exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_told_of_once_and_mended_without_losing_a_byte(zoo, home, tiny_model, damage):
    where = DAMAGES[damage](home)
    harmed, before = bytes_of(home), snapshot(home)
    code, found = findings(zoo)
    assert snapshot(home) == before  # looking writes nothing
    assert [finding["where"] for finding in found] == [where]
    assert code == 4
    assert found[0]["mendable"]
    assert found[0]["what"]
    assert found[0]["cure"]
    outcome = zoo("doctor", "--repair")
    assert outcome.code == 0, outcome
    assert f"mended: {where}: " in outcome.out
    # what was there is still there, in its place or in the trash; only rows, cards and pointers are written anew
    anew = ("registry.toml", "model.toml", "/current")
    assert {*(harmed - bytes_of(home))} <= {hashed(data) for path, (_, data) in before.items() if path.endswith(anew)}
    mended = snapshot(home)
    code, found = findings(zoo, "--repair")
    assert code == 0
    assert [finding for finding in found if finding["damage"]] == []
    assert snapshot(home) == mended  # a second time there is nothing to do
    rows = tomllib.loads(home.registry.read_text())["models"]
    for name in rows:
        assert tomllib.loads((home.models / name / "model.toml").read_text())["models"] == {name: rows[name]}
    assert zoo("list").code == zoo("datasets").code == 0


@pytest.mark.parametrize("damage", LEFT_ALONE)
def test_what_only_a_person_can_decide_is_named_and_left_alone(zoo, home, tiny_model, damage):
    where = LEFT_ALONE[damage](home)
    before = {name: data for name, (_, data) in snapshot(home).items()}
    for options in ((), ("--repair",)):
        code, found = findings(zoo, *options)
        assert code == 4
        assert [(finding["where"], finding["mendable"]) for finding in found] == [(where, False)]
    assert {name: data for name, (_, data) in snapshot(home).items()} == before


def test_all_damages_at_once_are_mended_in_one_repair(zoo, home, tiny_model):
    model = of_model(home)
    for name in ("a", "b", "c", "d", "e"):
        assert zoo("train", "-d", "tiny", "-n", name, *tiny_settings(max_steps=2)).code == 0
    flip(home.models / "a" / "weights.safetensors")
    (home.models / "b" / "model.toml").unlink()
    shutil.rmtree(home.models / "c")
    (home.models / "d").rename(home.models / "dd")
    edit(home.registry, 'note = ""', 'note = "mine"')
    copied(home, "stray")
    write(model / ".tmp-1", b"x", home)
    (home.models / "away").symlink_to("nowhere")
    code, found = findings(zoo)
    assert code == 4
    assert len({finding["where"] for finding in found}) == len(found) == 8
    assert zoo("doctor", "--repair").code == 0
    rows = Registry(home).own()
    assert set(rows) == {MODEL, "b", "dd", "e", "stray"}
    assert rows[MODEL].record.note == "mine"
    assert {path.name for path in home.models.iterdir()} == set(rows)
    for name in rows:
        assert zoo("generate", name, "the", "--max-new", "3").code == 0


def test_tags_and_a_note_by_hand_are_no_damage_and_a_repair_brings_them_to_the_card(zoo, home, tiny_model):
    edit(home.registry, "tags = []", 'tags = ["good"]')
    edit(home.registry, 'note = ""', 'note = "mine"')
    assert zoo("list", "-q", "tags=good").out == f"{MODEL}\n"
    code, found = findings(zoo)
    assert (code, [(f["where"], f["damage"]) for f in found]) == (0, [(HERE, False)])
    assert zoo("doctor", "--repair").code == 0
    assert HERE not in [finding["where"] for finding in findings(zoo)[1]]
    home.registry.write_bytes(b"")
    assert zoo("doctor", "--repair").code == 0
    record = Registry(home).own()[MODEL].record
    assert (record.tags, record.note) == (("good",), "mine")


def test_a_registry_that_was_lost_is_rebuilt_with_all_it_knew(zoo, home, tiny_model):
    assert zoo("train", "-d", "tiny", "-n", "second", *tiny_settings(max_steps=2)).code == 0
    edit(home.registry, 'note = ""', 'note = "x"\nmood = "good"')
    assert zoo("doctor", "--repair").code == 0  # which brings the card up to the row
    before = tomllib.loads(home.registry.read_text())
    assert before["models"][MODEL]["mood"] == "good"
    home.registry.write_bytes(b"")
    assert zoo("list").code == 4
    assert "see: zoo doctor" in zoo("list").err
    assert zoo("doctor", "--repair").code == 0
    assert tomllib.loads(home.registry.read_text()) == before


def test_a_loss_that_is_no_number_is_no_difference(zoo, home, tiny_model):
    Registry(home).update(MODEL, Registry(home).get(MODEL).record.id, val_loss=float("nan"))
    assert findings(zoo) == (0, [])


def test_the_row_counts_unless_the_card_fits_the_weights(zoo, home, tiny_model):
    older_weights(home)
    assert zoo("doctor", "--repair").code == 0
    assert Registry(home).get(MODEL).status == "ready"
    edit(of_model(home) / "model.toml", 'weights_sha256 = "', 'weights_sha256 = "11')
    assert zoo("doctor", "--repair").code == 0
    assert Registry(home).get(MODEL).status == "ready"
    assert zoo("generate", MODEL, "the", "--max-new", "3").code == 0


def test_a_row_that_makes_no_model_gives_way_to_a_card_that_does(zoo, home, tiny_model):
    whole = home.registry.read_bytes()
    edit(home.registry, 'optimizer = "adamw"', 'optimizer = "yes"')
    assert zoo("doctor", "--repair").code == 0
    assert home.registry.read_bytes() == whole
    assert findings(zoo)[0] == 0
    assert zoo("verify", MODEL).code == 0


def test_what_is_put_away_comes_back_with_restore(zoo, home, tiny_model):
    weights = of_model(home) / "weights.safetensors"
    whole = weights.read_bytes()
    flip(weights)
    assert zoo("doctor", "--repair").code == 0
    assert MODEL not in Registry(home).own()
    assert zoo("restore", MODEL).code == 0
    weights.write_bytes(whole)
    assert findings(zoo)[0] == 0


@pytest.mark.parametrize("repaired", [True, False])
def test_a_model_that_was_removed_comes_back_though_an_older_registry_did(zoo, home, tiny_model, repaired):
    before = home.registry.read_bytes()
    weights = (of_model(home) / "weights.safetensors").read_bytes()
    assert zoo("rm", MODEL).code == 0
    home.registry.write_bytes(before)  # as an editor or git may bring it back
    if repaired:
        outcome = zoo("doctor", "--repair")
        assert outcome.code == 0
        assert f"its model is in the trash; the row is taken out; the model comes back with: zoo restore {MODEL}" in (
            outcome.out
        )
        assert MODEL not in Registry(home).own()
    assert zoo("restore", MODEL).code == 0
    assert (of_model(home) / "weights.safetensors").read_bytes() == weights
    assert zoo("generate", MODEL, "The", "--max-new", "2").code == 0


def test_a_row_without_a_model_is_not_restored_in_the_place_of_a_model(zoo, home, tiny_model):
    weights = (of_model(home) / "weights.safetensors").read_bytes()
    record = Registry(home).get(MODEL).record
    assert zoo("rm", MODEL).code == 0
    trash.put_away_row(home, MODEL, record)  # as the doctor of an earlier zoo did
    assert zoo("restore", MODEL).code == 0
    assert (of_model(home) / "weights.safetensors").read_bytes() == weights


def test_a_model_in_training_and_a_fetch_at_work_are_left_alone(zoo, home, tiny_model):
    write(of_model(home) / ".tmp-1", b"x", home)
    write(home.corpora / "tiny" / ".tmp-2" / "text.txt", b"half", home)
    home.lock("x").parent.mkdir(parents=True, exist_ok=True)
    with locks.locked(of_model(home) / "run.lock"), locks.locked(fetch_lock(home, "tiny")):
        assert findings(zoo, "--repair") == (0, [])
    assert [finding["where"] for finding in findings(zoo)[1]] == ["models/tiny-nano/.tmp-1", ".zoo/corpora/tiny/.tmp-2"]


def test_what_nobody_needs_is_a_note_and_no_damage(zoo, home, tiny_model, tmp_path):
    text = tmp_path / "other.txt"
    text.write_text("something else\n" * 500)
    before = text_directory(home)
    for name in ("tiny", "unused"):
        assert zoo("fetch", name, "--from", str(text)).code == 0
    assert findings(zoo) == (0, [])  # the older text was trained on, and the newer ones are current
    text.write_text("something new\n" * 500)
    between = text_directory(home)
    assert zoo("fetch", "tiny", "--from", str(text)).code == 0
    code, found = findings(zoo)
    assert code == 0
    assert [(f["where"], f["damage"]) for f in found] == [(str(between.relative_to(home.path)), False)]
    assert zoo("rm", MODEL).code == 0
    assert len(findings(zoo)[1]) == 2  # it may come back from the trash, so its text stays; the trash is told of
    code, found = findings(zoo, "--repair")
    assert code == 0
    assert not any(f["mended"] for f in found)  # a text cannot be trained again: only the reader throws one away
    assert before.exists()
    assert between.exists()


def test_what_was_half_done_at_a_glance_and_is_done_at_the_next_is_no_damage(zoo, home, tiny_model, monkeypatch):
    path = of_model(home) / ".tmp-1"
    path.write_bytes(b"a moment")
    monkeypatch.setattr("zoo.doctor.examination.time.sleep", lambda seconds: path.unlink())
    assert findings(zoo) == (0, [])


def test_a_repair_looks_again_when_it_is_alone(zoo, home, tiny_model, tiny_text):
    """A fetch or another repair may have come between."""
    changed_text(home, "text.txt")
    place = Texts(home, "tiny", None)
    assert list(place.look())
    assert zoo("fetch", "tiny", "--from", str(tiny_text)).code == 0
    before = snapshot(home)
    report = Report()
    _put_right(place, report, ignore)
    assert (report.mended, report.left) == ([], [])
    assert snapshot(home) == before


@pytest.mark.parametrize("lost", ["row", "type", "card", "trash"])
def test_a_text_stays_whatever_is_wrong_with_the_models_that_need_it(zoo, home, tiny_model, tmp_path, lost):
    text, older = tmp_path / "other.txt", text_directory(home)
    text.write_text("something else\n" * 500)
    assert zoo("fetch", "tiny", "--from", str(text)).code == 0
    if lost == "row":
        drop_row(home)
    elif lost == "type":
        edit(home.registry, "steps = 20", 'steps = "20"')
    elif lost == "card":
        edit(of_model(home) / "model.toml", "schema = 1", "schema = 2")
    else:
        assert zoo("rm", MODEL).code == 0
        next(home.trash.glob("*/model.toml")).write_text("?")
    findings(zoo, "--repair")
    assert older.is_dir()
    assert str(older.relative_to(home.path)) not in [finding["where"] for finding in findings(zoo)[1]]


@pytest.mark.parametrize("model", ["ready", "interrupted"])
def test_a_text_that_is_gone_is_told_of_by_who_needs_it(zoo, home, tiny_model, model):
    if model == "interrupted":
        interrupt(home)
    shutil.rmtree(home.corpora)
    code, found = findings(zoo)
    told = {finding["where"]: finding["damage"] for finding in found}
    assert told == {HERE: False, **({"models/half": True} if model == "interrupted" else {})}
    assert code == (4 if model == "interrupted" else 0)


def test_a_home_that_has_lost_its_registry_says_so_to_everybody(zoo, home, tiny_model, tiny_text, monkeypatch):
    home.registry.unlink()
    fetch = ["fetch", "other", "--from", str(tiny_text)]
    for words in (["list"], ["show", MODEL], ["train", "-d", "tiny"], ["rm", MODEL], fetch):
        outcome = zoo(*words)
        assert outcome.code == 4, words
        assert "is missing, though there are models (see: zoo doctor)" in outcome.err
        assert not home.registry.exists()
    monkeypatch.delenv("ZOO_HOME")
    monkeypatch.chdir(home.path)
    assert zoo("doctor", "--repair").code == 0
    assert MODEL in zoo("list").out


def test_a_model_that_was_put_away_for_its_damage_says_so_when_it_comes_back(zoo, home, tiny_model):
    flip(of_model(home) / "weights.safetensors")
    assert zoo("doctor", "--repair").code == 0
    outcome = zoo("restore", MODEL)
    assert outcome.code == 0
    assert "was changed since it was trained" in outcome.err
    assert "zoo doctor" in outcome.err


@pytest.mark.parametrize(("put", "code"), [(os.mkfifo, 4), (Path.mkdir, 4), (None, 6)])
def test_what_is_no_lock_stops_a_writer_and_is_not_written(zoo, home, tiny_model, tmp_path, put, code):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    no_lock(home.lock("registry"), home, put or (lambda path: path.symlink_to(precious)))
    assert zoo("rename", MODEL, "other").code == code
    assert precious.read_text() == "precious"
    assert zoo("list", "-q").out.split()[-1] == MODEL


def test_an_odd_entry_does_not_end_the_look_at_all_others(zoo, home, tiny_model):
    (home.models / ("x" * 250)).mkdir()
    flip(of_model(home) / "weights.safetensors")
    assert len(findings(zoo)[1]) == 2
    assert zoo("doctor", "--repair").code == 0


def test_a_great_many_rows_that_cannot_be_meant_are_told_of_as_one(zoo, home, tiny_model):
    with home.registry.open("a") as file:
        file.writelines(f"[models.m{number}]\n" for number in range(1000))
    code, found = findings(zoo)
    assert (code, len(found)) == (4, 1)
    assert "1,000 rows" in found[0]["what"]
    assert zoo("doctor", "--repair").code == 0
    assert list(tomllib.loads(home.registry.read_text())["models"]) == [MODEL]


@pytest.mark.parametrize("how", ["moved", "a file"])
def test_models_that_cannot_be_seen_are_not_given_up(zoo, home, tiny_model, how):
    before = home.registry.read_bytes()
    home.models.rename(home.path / "away")
    if how == "a file":
        home.models.write_text("?")
    code, found = findings(zoo, "--repair")
    assert code == 4
    assert [(f["where"], f["mendable"]) for f in found] == [("models", False)]
    assert home.registry.read_bytes() == before


def test_a_model_behind_a_link_is_read_and_not_changed(zoo, home, tiny_model, tmp_path):
    of_model(home).rename(tmp_path / "outside")
    of_model(home).symlink_to(tmp_path / "outside")
    edit(home.registry, 'note = ""', 'note = "mine"')
    before = {path: path.read_bytes() for path in (tmp_path / "outside").iterdir()}
    code, found = findings(zoo, "--repair")
    assert (code, [f["where"] for f in found]) == (0, [HERE])
    assert zoo("rename", MODEL, "other").code == 9
    assert zoo("rm", MODEL).code == 9
    assert zoo("generate", MODEL, "The", "--max-new", "3").code == 0
    assert {path: path.read_bytes() for path in (tmp_path / "outside").iterdir()} == before


@pytest.mark.parametrize("name", ["log.jsonl", "timing.jsonl", "state.json", "weights.safetensors", "checkpoints"])
def test_what_a_training_could_not_write_is_put_out_of_its_way(zoo, home, tiny_model, name):
    path = interrupt(home) / name
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("?")
    else:
        path.unlink(missing_ok=True)
        path.mkdir()
    assert [f["where"] for f in findings(zoo)[1]] == [f"models/half/{name}"]
    assert zoo("doctor", "--repair").code == 0
    assert zoo("resume", "half").code == 0


def test_thousands_of_directories_in_each_other_end_no_look(zoo, home, tiny_model):
    path = of_model(home)
    before = os.open(path, os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("d", dir_fd=before)
        deeper = os.open("d", os.O_RDONLY, dir_fd=before)
        os.close(before)
        before = deeper
    os.close(before)
    try:
        assert zoo("doctor").code in (0, 4)
        assert zoo("rm", MODEL).code == 0
        assert zoo("doctor").code in (0, 4)
    finally:
        subprocess.run(["rm", "-rf", str(home.path)], check=True)  # Python's own ways are not that deep


def test_a_stranger_in_the_home_is_left_alone(zoo, home, tiny_model):
    write(home.models / "__pycache__" / "x.pyc", b"x", home)
    write(home.path / "thesis" / ".tmp-mine", b"x", home)
    write(home.path / ".tmp-mine" / "data", b"x", home)
    write(home.models / "resnet" / "checkpoints" / "best.pt", b"x", home)
    write(home.path / "thesis.txt", b"x", home)
    (home.path / "thesis.txt").chmod(0o666)
    assert findings(zoo, "--repair") == (0, [])


def test_a_repair_waits_for_no_writer_for_ever(zoo, home, tiny_model, monkeypatch):
    monkeypatch.setattr("zoo.locks.LOCK_SECONDS", 0.2)
    drop_row(home)
    holder = (
        "import sys; from pathlib import Path; from zoo import locks\n"
        "with locks.locked(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, str(home.lock("registry"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        outcome = zoo("doctor", "--repair")
        process.communicate()
    assert outcome.code == 5
    assert "another zoo process" in outcome.err
    assert zoo("doctor", "--repair").code == 0


def test_a_registry_that_cannot_be_written_again_is_left(rivals, home, zoo, monkeypatch):
    before = home.registry.read_bytes()
    monkeypatch.setattr("zoo.registry.document.SIZE_LIMIT", len(before) // 2)
    code, _, err = zoo("doctor", "--repair")
    assert code != 0
    assert "registry.toml could not be written: " in err
    assert home.registry.read_bytes() == before


def test_of_a_registry_beyond_its_limit_the_doctor_keeps_a_copy(rivals, home, zoo, monkeypatch):
    before = home.registry.read_bytes()
    monkeypatch.setattr("zoo.registry.document.SIZE_LIMIT", 2 * len(before))
    bloated = before + b"#" * 3 * len(before)
    home.registry.write_bytes(bloated)
    assert "more than the" in zoo("list").err
    assert zoo("doctor", "--repair").code in (0, 1)
    assert list(Registry(home).own()) and len(home.registry.read_bytes()) < 2 * len(before)
    assert [path.read_bytes() for path in home.trash.glob("registry.toml~*")] == [bloated]


def test_an_alphabet_with_a_changed_count_is_found(zoo, home, tiny_corpus):
    path = next(home.corpora.glob("tiny/*/alphabet.json"))
    counts = json.loads(path.read_text())
    changed = {"e": counts["e"] + 1, "t": counts["t"] - 1}  # the sum is right
    path.write_text(json.dumps({**counts, **changed}, indent=0))
    code, out, err = zoo("doctor")
    assert code == 4
    assert "alphabet.json does not count the characters of its text" in out + err
    path.write_text(json.dumps({**counts, "e": counts["e"] + 1}, indent=0))
    assert zoo("datasets", "tiny").code == 4
