"""Files of records: read row by row they say what the whole text says, and are written as a whole text would be."""

import json
import tomllib
from datetime import date
from pathlib import Path

import pytest
import tomli_w
from faults.mutations import mutants
from faults.mutations_toml import toml

from zoo import tables
from zoo.errors import BadData
from zoo.registry import row as rows
from zoo.registry.document import COMMENT, read_document, read_records, write_document
from zoo.registry.registry import Registry

ROW = {
    "id": "a",
    "note": "[models.x]\n\n[models.y]\n",
    "tags": [],
    "versions": {"zoo": "1"},
    "corpora": [{"name": "t"}],
}
DOCUMENTS = [
    {"schema": 1, "models": {"a": ROW, "b.c": ROW, "Ä": ROW, 'say "x"': ROW, "": ROW}},
    {"schema": 1, "models": {"a": {}, "b": {"only": {"tables": {}}}, "c": {"d": [[1], [{"e": 2}]], "f": [["[g]"]]}}},
    {"schema": 1, "other": {"key": 1}, "models": {"a": ROW, "b": ROW}},
    {"schema": 1, "models": {"a": ROW, "b": ROW}, "other": {"key": 1}},
    {"models": {"a": ROW, "b": ROW}, "schema": 1, "more": [{"x": 1}]},
    {"schema": 1, "models": {"a": {**ROW, "when": date(2026, 1, 1)}, "b": {"nan": float("nan")}}},
    {"schema": 1, "models": {"a": 1, "b": ROW}},
    {"schema": 1, "models": {}},
    {"schema": 1},
]
TEXTS = {
    "a heading in a string": 'schema = 1\n\n[models.a]\nx = """\n\n[models.b]\n"""\n\n[models.c]\n',
    "a heading in an open string": 'schema = 1\n\n[models.a]\nx = """\n\n[models.b]\n\n[models.c]\n',
    "a heading in an array": "schema = 1\n\n[models.a]\nx = [\n\n[models.b]\n\n]\n",
    "the table of all models, twice": "schema = 1\n\n[models.a]\n[models]\n\n[models.b]\n[models]\n",
    "the same, quoted": 'schema = 1\n\n[models.a]\n["mod\\u0065ls"]\n\n[models.b]\n[ "models" ]\n',
    "the table of all models, once": "schema = 1\n\n[models.a]\n\n[models.b]\n[models]\n",
    "a row twice": "schema = 1\n\n[models.a]\nx = 1\n\n[models.a]\ny = 1\n",
    "a row twice, quoted once": 'schema = 1\n\n[models.a]\nx = 1\n\n[models."a"]\ny = 1\n',
    "a row in two places": "schema = 1\n\n[models.a]\nx = 1\n\n[models.b]\n\n[models.a.train]\ny = 1\n",
    "rows in the head": "schema = 1\nmodels.z.x = 1\n\n[models.a]\nx = 1\n",
    "rows in the head, in line": "schema = 1\nmodels = {z = {x = 1}}\n\n[models.a]\nx = 1\n",
    "an array of models": "schema = 1\n\n[[models]]\n\n[models.a]\n",
    "a row that is an array": "schema = 1\n\n[models.b]\n\n[[models.a]]\n\n[models.c]\n",
    "another table between": "schema = 1\n\n[models.a]\n\n[other]\nx = 1\n\n[models.b]\n",
    "comments and blanks": "# hello\nschema = 1\n\n[models.a]\n# why\nx=1\n\n\n\n[models.b] # b\n\n[models.c]\n\n",
    "no line end": "schema = 1\n\n[models.a]\nx = 1\n\n[models.b]\ny = 1",
    "windows": "\ufeffschema = 1\r\n\r\n[models.a]\r\nx = 1\r\n\r\n[models.b]\r\ny = 1\r\n",
    "a lone return": "schema = 1\n\n[models.a]\nx = 1\r\n\n[models.b]\ny = 1\r",
    "no schema": "[models.a]\n\n[models.b]\n",
    "an error in the second row": "schema = 1\n\n[models.a]\nx = 1\n\n[models.b]\ny = = 1\n",
}


def _said(read) -> str:
    """What a reader gives, with the order of all keys, or what it complains of."""
    try:
        return repr(read())
    except BadData as error:
        return f"{type(error).__name__}: {error}"


def _as_a_whole(path: Path) -> dict[str, object]:
    """The tables of a registry, from its whole text at once."""
    document = tables.read_toml(path)
    if type(document.get("schema")) is not int:
        raise BadData(f"{path} has no 'schema' and so is no registry")
    tables.check_schema(document, path)
    if not isinstance(document.get("models", {}), dict):
        raise BadData(f"{path}: 'models' is not a table")
    return document


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_any_text_says_row_by_row_what_it_says_as_a_whole(tmp_path, text):
    path = tmp_path / "registry.toml"
    path.write_bytes(text.encode())
    assert _said(lambda: read_document(path)) == _said(lambda: _as_a_whole(path))


def test_a_damaged_registry_says_row_by_row_what_it_says_as_a_whole(rivals, home, tmp_path, size, chance):
    original = home.registry.read_bytes()
    path, known = tmp_path / "registry.toml", {}
    path.write_bytes(original)
    read_document(path, known)
    for mutant in mutants(original, toml("best"), size("mutations") // 4, chance):
        path.write_bytes(mutant.data)
        whole = _said(lambda: _as_a_whole(path))
        assert _said(lambda: read_document(path)) == whole, mutant.how
        assert _said(lambda: read_document(path, known)) == whole, mutant.how
        if not whole.startswith("BadData"):
            document = read_document(path, known)
            write_document(path, document)
            assert path.read_text() == f"# {COMMENT}\n{tomli_w.dumps(document)}", mutant.how


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_registry_is_written_row_by_row_as_it_would_be_as_a_whole(tmp_path, document):
    path = tmp_path / "registry.toml"
    write_document(path, document)
    assert path.read_text() == f"# {COMMENT}\n{tomli_w.dumps(document)}"
    again = read_document(path)
    write_document(path, again)
    assert path.read_text() == f"# {COMMENT}\n{tomli_w.dumps(document)}"
    models = list(again.get("models", {}))
    if len(models) > 1:  # a row that is called otherwise, and one that is gone
        again["models"] = {"new": again["models"][models[0]]}
        write_document(path, again)
        assert path.read_text() == f"# {COMMENT}\n{tomli_w.dumps(again)}"


def test_comments_are_lost_in_all_rows_alike(rivals, home, zoo):
    written = home.registry.read_text()
    edited = written.replace("[models.worse]\n", "[models.worse] # what a pity\n# indeed\n")
    home.registry.write_text(edited)
    assert zoo("rename", "otherway", "thatway").code == 0
    assert home.registry.read_text() == written.replace(".otherway", ".thatway").replace("/otherway", "/thatway")


@pytest.fixture
def many(tiny_model, home) -> list[str]:
    """The names of so many models that their parsed rows are kept."""
    row = tomllib.loads(home.registry.read_text())["models"][tiny_model]
    names = [f"model-{n}" for n in range(rows.MANY + 1)]
    added = {name: {**row, "id": name, "path": f"models/{name}"} for name in names}
    write_document(home.registry, {"schema": 1, "models": {**added, tiny_model: row}})
    return names


def test_the_rows_of_many_models_are_kept_parsed(home, many, zoo):
    before = zoo("list", "--json")
    assert home.rows.is_file()
    assert zoo("list", "--json") == before
    kept = json.loads(home.rows.read_text())
    assert len(kept["rows"]) == len(many) + 1
    assert zoo("rename", "tiny-nano", "tiny").code == 0
    assert json.loads(home.rows.read_text()) == kept  # one new row is parsed, and not kept for that
    assert list(Registry(home).own()) == [*many, "tiny"]


@pytest.mark.parametrize(
    "change", [lambda data: data.replace(b"3.", b"2.", 1), lambda data: data[:-9], lambda data: b"{}"]
)
def test_kept_rows_that_were_changed_are_parsed_again(home, many, zoo, change):
    before, kept = zoo("list", "--json"), home.rows.read_bytes()
    damaged = change(kept)
    assert damaged != kept
    home.rows.write_bytes(damaged)
    assert zoo("list", "--json") == before
    assert home.rows.read_bytes() == kept


def test_rows_with_dates_are_not_kept(home, many, zoo):
    document = tomllib.loads(home.registry.read_text())
    document["models"]["model-0"]["when"] = date(2026, 1, 1)
    write_document(home.registry, document)
    for _ in range(2):
        assert Registry(home).get("model-0").record.extra == {"when": date(2026, 1, 1)}
    assert len(json.loads(home.rows.read_text())["rows"]) == len(many)


def test_nothing_is_kept_outside_a_home(home, many, tmp_path):
    path = tmp_path / "elsewhere" / "registry.toml"
    path.parent.mkdir()
    path.write_bytes(home.registry.read_bytes())
    assert len(read_records(path)) == len(many) + 1
    assert list(path.parent.iterdir()) == [path]
