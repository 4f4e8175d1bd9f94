"""The registry: every row survives, whoever writes; and what is damaged is named and left alone."""

import dataclasses
import json
import subprocess
import sys
import tomllib
from datetime import datetime
from pathlib import Path

import pytest
from tiny import empty

from zoo import files, locks
from zoo.errors import BadData, Conflict, NotFound, Refused, StorageProblem, UsageProblem
from zoo.home import Home
from zoo.registry import trash
from zoo.registry.document import read_records, write_card
from zoo.registry.record import CorpusPart, Record, VocabPart
from zoo.registry.registry import Registry

AWKWARD = (
    "quotes \" ' \"\"\" ''' back\\slash\nnew\r\nline\ttab \x07\x1b[31m\x7f ] [models.x] = # 😀 e\u0301 \u202e\u2028"
)
ADD_ROWS = """
import dataclasses, sys
from pathlib import Path
from zoo.home import Home
from zoo.registry.registry import Registry
registry = Registry(Home(Path(sys.argv[1])))
record = registry.own()["pattern"].record
sys.stdin.read()
for row in range(3):
    name = f"{sys.argv[2]}-{row}"
    registry.claim(name, dataclasses.replace(record, path=f"models/{name}", note=name), lambda directory: None)
"""


def make_record(name: str = "tiny-nano", **changes: object) -> Record:
    record = Record(
        id=f"id of {name}",
        dataset="tiny",
        preset="nano",
        status="ready",
        path=f"models/{name}",
        parameters=12345,
        device="cpu",
        device_name="a processor",
        host="here",
        threads=2,
        dtype="float32",
        val_loss=1.5,
        val_bpc=2.25,
        val_protocol="windows/v1",
        weights="best",
        created="2026-01-02T03:04:05+00:00",
        seed=1337,
        private=False,
        corpora=(CorpusPart(name="tiny", sha256="a" * 64, val_sha256="b" * 64, characters=1000),),
        vocab=VocabPart(kind="characters", size=30, sha256="c" * 64),
        model={"n_layer": 1, "shape": "modern"},
        train={"max_steps": 20, "learning_rate": 0.001},
    )
    return dataclasses.replace(record, **changes)


@pytest.fixture
def registry(home: Home) -> Registry:
    return Registry(home)


@pytest.fixture
def add(registry: Registry):
    """Add a row, with a directory that holds weights of a sort."""

    def add_row(name: str, **changes: object) -> Record:
        record = make_record(name, **changes)
        registry.claim(name, record, empty)
        (registry.home.models / name / "weights.safetensors").write_bytes(name.encode())
        return record

    return add_row


def own_names(home: Home) -> list[str]:
    return list(Registry(home).own())


def tables_of(path: Path) -> dict[str, dict]:
    return tomllib.loads(path.read_text(encoding="utf-8"))["models"]


def card(home: Home, name: str) -> Path:
    return home.models / name / "model.toml"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"note": AWKWARD, "host": AWKWARD, "command": AWKWARD, "tags": (AWKWARD, "", "b")},
        {"versions": {"key with spaces": "1", "": "2", AWKWARD: "3"}},
        {"model": {"a.b": 1, "c d": [1, 2, {"e": True}]}, "train": {}},
        {"val_loss": None, "val_bpc": None, "train_loss": None, "finished": None, "weights_sha256": None},
        {"seconds": 0.1, "val_loss": 1e-300, "tokens": 2**62, "seed": 0},
        {"corpora": ()},
        {"extra": {"mine": AWKWARD, "table": {"deep": {"deeper": [1, 2]}}, "rows": [{"a": 1}, {"b": 2}]}},
    ],
)
def test_a_record_comes_back_as_it_was(registry, changes):
    record = make_record(**changes)
    registry.claim("tiny-nano", record, empty)
    assert Registry(registry.home).own()["tiny-nano"].record == record
    assert read_records(card(registry.home, "tiny-nano")) == {"tiny-nano": record}


def test_a_loss_that_is_no_number_comes_back(registry):
    registry.claim("tiny-nano", make_record(val_loss=float("nan"), val_bpc=float("inf")), empty)
    record = Registry(registry.home).own()["tiny-nano"].record
    assert record.val_loss != record.val_loss
    assert record.val_bpc == float("inf")


def test_awkward_strings_cannot_speak_to_the_terminal(zoo, add):
    add("tiny-nano", note=AWKWARD, host=AWKWARD, preset=AWKWARD, dataset=AWKWARD, extra={AWKWARD: AWKWARD})
    for command in (["list"], ["list", "--json"], ["show", "tiny-nano"], ["compare"], ["compare", "tiny-nano"]):
        outcome = zoo(*command)
        assert outcome.code == 0, outcome.err
        assert not set("\x07\x1b\x7f\r\u202e\u2028") & set(outcome.out + outcome.err), command


def test_model_toml_holds_the_same_as_the_registry(registry, add):
    add("one")
    add("two", note=AWKWARD)
    for name, table in tables_of(registry.home.registry).items():
        assert tables_of(card(registry.home, name)) == {name: table}


FOREIGN = """schema = 1
invented = "at the top"

[models.tiny-nano]
{row}
invented = "in the row"

[models.tiny-nano.versions]
invented = "in versions"

[[models.tiny-nano.corpora]]
name = "tiny"
weight = 1.0
sha256 = "a"
val_sha256 = "b"
characters = 1000
invented = "in the corpus"

[models.tiny-nano.vocab]
kind = "characters"
size = 30
sha256 = "c"
invented = "in the vocabulary"

[models.tiny-nano.model]
n_layer = 1
invented = "in the model"

[models.tiny-nano.train]
max_steps = 20
invented = "in the training"

[models.tiny-nano.invented_table]
deep = {{ deeper = "in a table" }}

[tool.other]
invented = "in a table at the top"
"""


def write_foreign(home: Home) -> None:
    """A registry of a newer hand, with keys that we do not know at every level."""
    table = make_record().to_table()
    row = [f"{key} = {json.dumps(value)}" for key, value in table.items() if not isinstance(value, dict | list)]
    home.path.mkdir()
    home.registry.write_text(FOREIGN.format(row="\n".join(row)))


@pytest.mark.parametrize(
    "where",
    [
        "in the row",
        "in versions",
        "in the corpus",
        "in the vocabulary",
        "in the model",
        "in the training",
        "in a table",
        "at the top",
        "in a table at the top",
    ],
)
def test_unknown_keys_outlive_an_update(registry, where):
    write_foreign(registry.home)
    record = registry.own()["tiny-nano"].record
    registry.update("tiny-nano", record.id, note="changed")
    registry.claim("other", make_record("other"), empty)
    text = registry.home.registry.read_text()
    assert 'note = "changed"' in text
    assert f'"{where}"' in text


def test_the_order_of_keys_and_rows_is_stable(registry, add):
    for name in ("b", "a", "c"):
        add(name)
    before = registry.home.registry.read_text()
    registry.update("a", registry.own()["a"].record.id)
    assert registry.home.registry.read_text() == before
    assert own_names(registry.home) == ["b", "a", "c"]
    keys = [list(table) for table in tables_of(registry.home.registry).values()]
    assert keys[0] == keys[1] == keys[2]
    assert keys[0][:4] == ["id", "dataset", "preset", "status"]


def test_an_update_replaces_the_row_and_the_card(registry, add):
    add("one")
    add("two")
    registry.update("one", "id of one", note="new")
    assert registry.own()["one"].record.note == "new"
    assert read_records(card(registry.home, "one"))["one"].note == "new"
    assert registry.own()["two"].record.note == ""


def test_an_update_of_a_model_that_is_gone_brings_nothing_back(registry, add):
    add("one")
    add("two")
    registry.dismiss("one", "id of one", registry.home.trash / "one")
    for id in ("id of one", "id of two"):
        with pytest.raises(NotFound, match="removed or renamed meanwhile"):
            registry.update("one", id, status="interrupted")
    assert own_names(registry.home) == ["two"]
    assert not (registry.home.models / "one").exists()


def test_a_dismissed_model_moves_with_its_files(registry, add, tmp_path):
    add("one")
    add("two")
    registry.dismiss("one", "id of one", registry.home.trash / "one")
    assert own_names(registry.home) == ["two"]
    assert (registry.home.trash / "one" / "model.toml").is_file()


def test_a_model_that_cannot_be_moved_keeps_its_row(registry, add):
    add("one")
    (registry.home.trash / "one").mkdir(parents=True)
    with pytest.raises(Conflict):
        registry.dismiss("one", "id of one", registry.home.trash / "one")
    assert own_names(registry.home) == ["one"]
    assert card(registry.home, "one").is_file()


def test_a_claim_that_fails_leaves_nothing(registry, add):
    add("one")

    def fail(directory):
        (directory / "run.toml").write_text("half")
        raise StorageProblem("the disk is full")

    with pytest.raises(StorageProblem):
        registry.claim("two", make_record("two"), fail)
    assert own_names(registry.home) == ["one"]
    assert not (registry.home.models / "two").exists()


def test_a_rename_while_the_registry_is_busy_moves_nothing(registry, add, monkeypatch):
    add("one")
    monkeypatch.setattr("zoo.locks.LOCK_SECONDS", 0.1)
    with locks.locked(registry.home.lock("registry"), seconds=1), pytest.raises(Conflict):
        Registry(registry.home).rename("one", "two")
    assert own_names(registry.home) == ["one"]
    assert (registry.home.models / "one").is_dir()


def test_a_directory_without_a_row_is_said_to_be_in_the_way(registry, zoo):
    (registry.home.models / "orphan").mkdir(parents=True)
    (registry.home.models / "orphan" / "weights.safetensors").write_bytes(b"precious")
    with pytest.raises(Conflict, match="in the way"):
        registry.check_free("orphan")


def test_what_a_kill_left_of_a_training_that_had_not_begun_is_claimed_anew(registry):
    directory = registry.home.models / "orphan"
    directory.mkdir(parents=True)
    (directory / "run.toml").write_text("half")
    (directory / ".tmp-1").write_text("half")
    registry.claim("orphan", make_record("orphan"), empty)
    assert [path.name for path in directory.iterdir()] == ["model.toml"]


def test_a_name_that_is_taken_is_a_conflict_and_nothing_changes(registry, add):
    add("one")
    before = registry.home.registry.read_text()
    with pytest.raises(Conflict, match="named 'one' exists already"):
        registry.claim("one", make_record("one", note="usurper"), empty)
    assert registry.home.registry.read_text() == before
    assert read_records(card(registry.home, "one"))["one"].note == ""


def test_a_name_that_differs_in_case_only_is_a_conflict(registry, add):
    add("one")
    with pytest.raises((Conflict, UsageProblem)):
        registry.claim("ONE", make_record("ONE"), empty)
    assert own_names(registry.home) == ["one"]


def test_the_command_renames(zoo, home, add):
    for name in ("one", "two", "three"):
        add(name)
    assert zoo("rename", "two", "second").code == 0
    assert own_names(home) == ["one", "second", "three"]
    assert (home.models / "second" / "weights.safetensors").read_bytes() == b"two"
    assert not (home.models / "two").exists()
    assert read_records(card(home, "second"))["second"].path == "models/second"
    assert Registry(home).own()["second"].record.id == "id of two"


@pytest.mark.parametrize(
    ("new", "code"), [("two", 5), ("one", 5), ("in-the-way", 5), ("Two", 2), ("../two", 2), ("nul", 2)]
)
def test_a_rename_that_cannot_be_changes_nothing(zoo, home, add, new, code):
    add("one")
    add("two")
    (home.models / "in-the-way").mkdir()
    (home.models / "in-the-way" / "mine.txt").write_text("mine")
    before = home.registry.read_text()
    assert zoo("rename", "one", new).code == code
    assert home.registry.read_text() == before
    assert (home.models / "one" / "weights.safetensors").is_file()


def test_rename_of_what_is_not_there_is_not_found(zoo, add):
    add("one")
    outcome = zoo("rename", "onne", "two")
    assert outcome.code == 3
    assert "did you mean 'one'?" in outcome.err


def test_what_is_removed_comes_back(zoo, home, add):
    record = add("one", note=AWKWARD)
    add("two")
    outcome = zoo("rm", "one")
    assert outcome.code == 0
    assert "zoo restore one" in outcome.err
    assert own_names(home) == ["two"]
    assert not (home.models / "one").exists()
    assert zoo("restore", "one").code == 0
    assert own_names(home) == ["two", "one"]
    assert Registry(home).own()["one"].record == record
    assert (home.models / "one" / "weights.safetensors").read_bytes() == b"one"
    assert trash.contents(home) == {}


def test_a_change_that_was_cut_short_does_not_come_back_from_the_trash(zoo, home, add):
    record = add("one", note="in the row")
    write_card(home.models / "one" / "model.toml", "one", dataclasses.replace(record, note="in the card only"))
    assert zoo("rm", "one").code == 0
    assert zoo("restore", "one").code == 0
    assert Registry(home).own()["one"].record == record


def test_rm_takes_all_or_none(zoo, home, add):
    add("one")
    add("two")
    assert zoo("rm", "one", "three").code == 3
    assert own_names(home) == ["one", "two"]
    assert zoo("rm", "one", "two", "one").code == 0
    assert own_names(home) == []


def test_of_two_removed_with_one_name_the_last_comes_back_first(zoo, home, add):
    add("one", note="first")
    assert zoo("rm", "one").code == 0
    add("one", note="second")
    assert zoo("rm", "one").code == 0
    assert zoo("restore", "one").code == 0
    assert Registry(home).own()["one"].record.note == "second"
    assert zoo("rename", "one", "kept").code == 0
    assert zoo("restore", "one").code == 0
    assert Registry(home).own()["one"].record.note == "first"


def test_the_order_of_the_trash_does_not_depend_on_the_clock(zoo, home, add, monkeypatch):
    for note, year in (("first", 2031), ("second", 2021), ("third", 2026)):

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None, *, year=year):
                return datetime(year, 1, 1, tzinfo=tz)

        monkeypatch.setattr("zoo.registry.trash.datetime", Clock)
        add("one", note=note)
        assert zoo("rm", "one").code == 0
    for note in ("third", "second", "first"):
        assert zoo("restore", "one").code == 0
        assert Registry(home).own()["one"].record.note == note
        assert zoo("rename", "one", note).code == 0


def test_what_an_older_zoo_removed_comes_back_after_what_this_one_did(zoo, home, add):
    for note in ("old", "older", "new"):
        add("one", note=note)
        assert zoo("rm", "one").code == 0
    older = sorted(home.trash.iterdir())[:2]
    for path, year in zip(older, (2999, 2998), strict=True):
        path.rename(home.trash / f"one~{year}0101T000000000000")
    for note in ("new", "old", "older"):
        assert zoo("restore", "one").code == 0
        assert Registry(home).own()["one"].record.note == note
        assert zoo("rename", "one", note).code == 0


def test_every_model_in_the_trash_can_be_named(zoo, home, add):
    for note in ("first", "second"):
        add("one", note=note)
        assert zoo("rm", "one").code == 0
    first, second = sorted(path.name for path in home.trash.iterdir())
    outcome = zoo("restore", "nobody")
    assert outcome.code == 3
    assert f"(it holds: {first}, {second}, one)" in outcome.err
    outcome = zoo("restore", first)
    assert outcome.code == 0
    assert "restored one\n" in outcome.err
    assert f"the trash holds other models of that name: {second}" in outcome.err
    assert Registry(home).own()["one"].record.note == "first"


@pytest.mark.parametrize("harm", ["damaged", "missing", "a file"])
def test_an_item_that_holds_no_model_says_why_it_does_not_come_back(zoo, home, add, harm):
    add("one")
    assert zoo("rm", "one").code == 0
    [item] = home.trash.iterdir()
    if harm == "damaged":
        (item / "model.toml").write_text("?")
    elif harm == "missing":
        (item / "model.toml").unlink()
    else:
        item.rename(home.path / "aside")
        item.write_text("x")
    for word in ("one", item.name):
        outcome = zoo("restore", word)
        assert outcome.code == 4, outcome
        assert item.name in outcome.err
    assert item.exists()


def test_restore_does_not_overwrite(zoo, home, add):
    add("one", note="first")
    assert zoo("rm", "one").code == 0
    add("one", note="second")
    outcome = zoo("restore", "one")
    assert outcome.code == 5
    assert "exists already; take another name" in outcome.err
    assert Registry(home).own()["one"].record.note == "second"
    assert list(trash.contents(home)) == ["one"]


def test_restore_keeps_out_of_the_way_of_a_row_that_is_no_table(zoo, home, add):
    add("one")
    assert zoo("rm", "one").code == 0
    home.registry.write_text("schema = 1\n[models]\none = 5\n")
    outcome = zoo("restore", "one")
    assert outcome.code == 5, outcome
    assert "a model named 'one' exists already" in outcome.err
    assert list(trash.contents(home)) == ["one"]


def test_restore_of_what_is_not_in_the_trash_is_not_found(zoo, add):
    add("one")
    assert zoo("rm", "one").code == 0
    outcome = zoo("restore", "onne")
    assert outcome.code == 3
    assert "did you mean 'one'?" in outcome.err


def test_restore_leads_nowhere_but_to_models(zoo, home, add, tmp_path):
    add("one")
    assert zoo("rm", "one").code == 0
    [trashed] = home.trash.glob("*/model.toml")
    trashed.write_text(trashed.read_text().replace('"models/one"', '"../outside"'))
    outcome = zoo("restore", "one")
    assert outcome.code == 9, outcome
    assert not (tmp_path / "outside").exists()
    assert trashed.is_file()


def test_a_model_whose_directory_is_gone_can_still_be_removed(zoo, home, add):
    add("one")
    for path in (home.models / "one").iterdir():
        path.unlink()
    (home.models / "one").rmdir()
    listed = zoo("list", "--json")
    assert json.loads(listed.out)["models"][-1]["status"] == "missing"
    assert zoo("rm", "one").code == 0
    assert own_names(home) == []


@pytest.mark.parametrize(
    "path",
    ["../outside", "models/../../outside", "/tmp/outside", "outside", "models\\..\\x", "", ".", "models", "models/."],
)
def test_a_path_that_leads_out_of_models_is_refused(zoo, home, add, path):
    add("one")
    home.registry.write_text(home.registry.read_text().replace('path = "models/one"', f"path = {json.dumps(path)}"))
    for command in (["list"], ["show", "one"], ["rm", "one"], ["rename", "one", "two"]):
        outcome = zoo(*command)
        assert outcome.code == 9, (command, outcome)
        assert str(home.registry) in outcome.err
    assert (home.models / "one" / "weights.safetensors").is_file()


def damage(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


DAMAGES = {
    "a quote lost": ('preset = "nano"', 'preset = "nano'),
    "a key twice": ('preset = "nano"', 'preset = "nano"\npreset = "nano"'),
    "a missing value": ('preset = "nano"', "preset ="),
    "a merge conflict": ('preset = "nano"', '<<<<<<< HEAD\npreset = "nano"'),
    "a key lost": ('preset = "nano"\n', ""),
    "a word for a number": ("parameters = 12345", 'parameters = "many"'),
    "a number for a word": ('preset = "nano"', "preset = 5"),
    "a truth for a number": ("threads = 2", "threads = true"),
    "a date for a word": ('created = "2026-01-02T03:04:05+00:00"', "created = 2026-01-02T03:04:05Z"),
    "a loss in words": ("val_loss = 1.5", 'val_loss = "low"'),
    "a status that is none": ('status = "ready"', 'status = "steady"'),
    "tags that are no list": ("tags = []", 'tags = "a"'),
    "a vocabulary without size": ("size = 30\n", ""),
    "a vocabulary of a wrong size": ("size = 30", 'size = "30"'),
    "a corpus of wrong length": ("characters = 1000", "characters = -0.5"),
    "a name that is not allowed": ("[models.broken]", "[models.BROKEN]"),
    "a name that leads out": ("[models.broken]", '[models."../broken"]'),
    "a number beyond all bounds": ("threads = 2", "threads = " + "9" * 5000),
}


@pytest.mark.parametrize(("old", "new"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_registry_is_named_with_its_line_and_left_alone(zoo, home, add, old, new):
    add("good")
    add("broken")
    text = home.registry.read_text()
    begin = text.index("[models.broken")
    damaged = text[:begin] + damage(text[begin:], old, new)
    home.registry.write_text(damaged)
    first = text[:begin].count("\n") + 1
    for command in (["list"], ["list", "--json"], ["compare"], ["show", "good"], ["rm", "good"]):
        outcome = zoo(*command)
        assert outcome.code == 4, (command, outcome)
        assert outcome.out == ""
        assert outcome.err.count("\n") == 1
        assert f"zoo: error: {home.registry}" in outcome.err
        assert "Traceback" not in outcome.err
        if new.count("9") < 100:  # Python does not say where it found such a number
            line = int(outcome.err.split("line ")[1].split(":")[0].split(",")[0].rstrip(")\n"))
            assert first <= line < first + damaged[begin:].count("\n")
    assert home.registry.read_text() == damaged


def test_a_damaged_row_is_not_taken_for_one_whose_name_begins_alike(zoo, home, add):
    add("tiny-nano-2")
    add("tiny-nano")
    text = home.registry.read_text()
    begin = text.index("[models.tiny-nano]")
    home.registry.write_text(text[:begin] + text[begin:].replace("threads = 2", "threads = []"))
    assert f"line {text[:begin].count(chr(10)) + 1}: model 'tiny-nano'" in zoo("list").err


WHOLE = {
    "empty": b"",
    "blank": b"\n\n",
    "no schema": b"[models]\n",
    "a schema in words": b'schema = "1"\n',
    "a schema that is true": b"schema = true\n",
    "models that are a list": b"schema = 1\n[[models]]\n",
    "models that are a number": b"schema = 1\nmodels = 3\n",
    "a row that is a number": b"schema = 1\n[models]\na = 3\n",
    "a row that is empty": b"schema = 1\n[models.a]\n",
    "no UTF-8": b"schema = 1\n# \xff\n",
    "binary": b"\x00\x01\x02",
    "NUL bytes after a power cut": b"\x00" * 100,
    "cut off": b"schema = 1\n\n[models.a",
    "nested deeply": b"schema = 1\na = " + b"[" * 100_000,
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_file_that_is_no_registry_is_bad_data(zoo, home, data):
    home.path.mkdir()
    home.registry.write_bytes(data)
    for command in (["list"], ["compare"], ["show", "a"]):
        outcome = zoo(*command)
        assert outcome.code == 4, (command, outcome)
        assert outcome.err.startswith(f"zoo: error: {home.registry}")
        assert outcome.err.count("\n") == 1
    assert home.registry.read_bytes() == data


def test_a_directory_in_the_place_of_the_registry_is_bad_data(zoo, home):
    home.registry.mkdir(parents=True)
    outcome = zoo("list")
    assert outcome.code == 4, outcome
    assert str(home.registry) in outcome.err


def test_a_registry_of_a_newer_zoo_is_refused_untouched(zoo, home, add):
    add("one")
    newer = home.registry.read_text().replace("schema = 1", "schema = 2")
    home.registry.write_text(newer)
    for command in (["list"], ["rm", "one"], ["rename", "one", "two"], ["restore", "one"]):
        outcome = zoo(*command)
        assert outcome.code in (3, 4), (command, outcome)
        assert home.registry.read_text() == newer
    assert "newer zoo (schema 2); upgrade" in zoo("list").err
    with pytest.raises(BadData, match="newer zoo"):
        Registry(home).claim("two", make_record("two"), empty)
    assert home.registry.read_text() == newer
    assert (home.models / "one" / "weights.safetensors").is_file()


def test_a_registry_with_windows_line_ends_and_a_mark_is_read(home, add):
    add("one")
    text = home.registry.read_text()
    home.registry.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert own_names(home) == ["one"]


def test_rows_that_processes_add_at_once_are_all_there(home, add):
    add("pattern")
    command = [sys.executable, "-c", ADD_ROWS, str(home.path)]
    writers = [subprocess.Popen([*command, f"writer{n}"], stdin=subprocess.PIPE) for n in range(8)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()  # now
    assert [writer.wait() for writer in writers] == [0] * 8
    wanted = {f"writer{n}-{row}" for n in range(8) for row in range(3)}
    assert set(own_names(home)) == wanted | {"pattern"}
    assert all(Registry(home).own()[name].record.note == name for name in wanted)
    assert [path.name for path in home.path.iterdir() if path.name.startswith(".tmp")] == []


def test_a_record_written_by_us_is_valid_toml_with_a_schema(home, add):
    add("one")
    assert tomllib.loads(home.registry.read_text())["schema"] == 1


@pytest.fixture
def resolve(home: Home):
    """The name of the model that a word means."""
    return lambda reference: Registry(home).resolve(reference).name


def test_an_exact_name_comes_first(add, resolve):
    add("tiny", dataset="other", val_bpc=9.0)
    add("tiny-nano", dataset="tiny", val_bpc=1.0)
    assert resolve("tiny") == "tiny"


def test_a_dataset_means_its_ready_model_of_lowest_bits(add, resolve, home):
    add("a", dataset="tiny", val_bpc=2.0)
    add("b", dataset="tiny", val_bpc=1.5)
    add("c", dataset="tiny", val_bpc=0.5, status="training")
    add("d", dataset="tiny", val_bpc=0.4, status="diverged")
    add("e", dataset="tiny", val_bpc=0.3)
    add("f", dataset="other", val_bpc=0.2)
    add("g", dataset="tiny", val_bpc=None, val_loss=None)
    add("h", dataset="tiny", val_bpc=float("nan"))
    (home.models / "e" / "weights.safetensors").unlink()
    assert resolve("tiny") == "b"


def test_no_name_means_shakespeare(add, resolve):
    add("mine", dataset="shakespeare", val_bpc=0.001)
    add("other", dataset="tiny", val_bpc=0.0001)
    assert resolve(None) == "mine"


def test_a_beginning_means_the_only_model_that_begins_so(add, resolve):
    add("essays-nano", dataset="essays")
    add("letters-nano", dataset="letters")
    assert resolve("essays-") == "essays-nano"
    assert resolve("l") == "letters-nano"


def test_a_beginning_of_several_is_refused_with_all_of_them(zoo, add):
    add("essays-nano", dataset="x")
    add("essays-m2", dataset="x")
    outcome = zoo("show", "ess")
    assert outcome.code == 3
    assert "'ess' may mean essays-m2, essays-nano; type more of the name" in outcome.err


@pytest.mark.parametrize("word", ["esays-nano", "essays-nano2"])
def test_an_unknown_word_is_not_found_with_a_suggestion(zoo, add, word):
    add("essays-nano", dataset="essays")
    outcome = zoo("show", word)
    assert outcome.code == 3
    assert f"no model named '{word}'; did you mean 'essays-nano'?" in outcome.err


@pytest.mark.parametrize("word", ["", " ", "*", "../essays-nano", "\x1b[31m"])
def test_a_word_that_makes_no_sense_is_not_found(zoo, add, word):
    add("essays-nano", dataset="essays")
    outcome = zoo("show", word)
    assert outcome.code in (2, 3), outcome
    assert "\x1b" not in outcome.err


def test_an_own_name_hides_a_starter(home, add):
    starters = [name for name, model in Registry(home).models().items() if model.starter]
    if not starters:
        pytest.skip("no starters are packaged")
    add(starters[0], note="my own")
    model = Registry(home).models()[starters[0]]
    assert not model.starter
    assert model.record.note == "my own"


def test_a_starter_cannot_be_changed(zoo, home, registry):
    starters = [name for name, model in registry.models().items() if model.starter]
    if not starters:
        pytest.skip("no starters are packaged")
    for command in (["rm", starters[0]], ["rename", starters[0], "mine"]):
        assert zoo(*command).code == Refused.exit_code
    assert not home.path.exists()


def test_get_takes_exact_names_only(registry, add):
    add("essays-nano")
    assert registry.get("essays-nano").record.path == "models/essays-nano"
    with pytest.raises(NotFound, match="did you mean 'essays-nano'"):
        registry.get("essays")


@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize("command", [["rename", "one", "two"], ["rm", "one"]])
def test_an_interrupt_at_any_sync_leaves_row_and_directory_together(home, add, zoo, command, after):
    add("one")
    (home.models / "one" / "weights.safetensors").write_bytes(b"precious")
    program = f"""
import os, signal
from zoo import files
sync, count = files.sync_directory, 0
def interrupted(path):
    global count
    count += 1
    if count == {after} + 1:
        os.kill(os.getpid(), signal.SIGINT)
    sync(path)
files.sync_directory = interrupted
from zoo.cli import main
main({command!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 130), done
    assert "Traceback" not in done.stderr
    rows = own_names(home)
    assert [path.name for path in home.models.iterdir()] == rows
    kept = [*home.models.rglob("weights.safetensors"), *home.trash.rglob("weights.safetensors")]
    assert [path.read_bytes() for path in kept] == [b"precious"]


@pytest.mark.parametrize("after", range(3))
def test_a_sync_that_fails_is_taken_back(registry, add, monkeypatch, after):
    add("one")
    (registry.home.models / "one" / "weights.safetensors").write_bytes(b"precious")
    sync, calls = files.sync_directory, []

    def fail(path):
        calls.append(path)
        if len(calls) == after + 1:
            raise OSError(5, "Input/output error")
        sync(path)

    monkeypatch.setattr(files, "sync_directory", fail)
    with pytest.raises(StorageProblem):
        registry.rename("one", "two")
    assert own_names(registry.home) == ["one"]
    assert [path.name for path in registry.home.models.iterdir()] == ["one"]
    assert read_records(card(registry.home, "one"))["one"].path == "models/one"


def test_a_refused_change_does_not_touch_the_registry(registry, add):
    add("one")
    add("two")
    path = registry.home.registry
    path.write_text("# by hand\n" + path.read_text())
    before = path.read_bytes(), path.stat().st_mtime_ns
    for refused in (lambda: registry.rename("one", "two"), lambda: registry.claim("one", make_record("one"), empty)):
        with pytest.raises(Conflict):
            refused()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
