"""TOML and JSON: what comes back, and what is refused."""

import json
import math

import pytest

from zoo import tables
from zoo.errors import BadData


def test_write_toml_reads_back_as_it_was_meant(tmp_path):
    table = {
        "text": 'quotes " \' """ backslash \\ newline \n return \r tab \t bell \x07 del \x7f astral 😀 line\u2028end',
        "empty": "",
        "whole": 2**60,
        "number": 0.1,
        "tiny": 5e-324,
        "infinite": float("inf"),
        "yes": True,
        "list": [1, 2],
        "parts": [{"a": 1}, {"b": "]"}],
        "inner": {"key with spaces": 1, "": {"deep": []}},
    }
    tables.write_toml(tmp_path / "file.toml", table, comment="said first")
    assert tables.read_toml(tmp_path / "file.toml") == table
    assert (tmp_path / "file.toml").read_text(encoding="utf-8").startswith("# said first\n")


def test_write_toml_keeps_nan(tmp_path):
    tables.write_toml(tmp_path / "file.toml", {"loss": float("nan")})
    assert math.isnan(tables.read_toml(tmp_path / "file.toml")["loss"])


def test_a_toml_error_has_file_and_line(tmp_path):
    path = tmp_path / "file.toml"
    path.write_text("good = 1\nbad = = 2\n")
    with pytest.raises(BadData, match=r"file\.toml is not valid TOML: .*line 2"):
        tables.read_toml(path)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 5000, "\x00", "a = 1\na = 2\n"])
def test_toml_that_no_parser_likes_is_bad_data(tmp_path, text):
    path = tmp_path / "file.toml"
    path.write_text(text)
    with pytest.raises(BadData, match=r"file\.toml is not valid TOML"):
        tables.read_toml(path)


@pytest.mark.parametrize(
    "text", ["schema = 2\n[a]\nx = 1\n", 'note = """\n[a]\n"""\nschema = 2\n', "list = [\n[1]\n]\nschema = 2\n[a]\n"]
)
def test_the_head_of_a_file_holds_its_schema(tmp_path, text):
    path = tmp_path / "file.toml"
    path.write_text(text)
    assert tables.read_toml_head(path)["schema"] == 2


def test_the_head_of_a_damaged_file_is_bad_data(tmp_path):
    path = tmp_path / "file.toml"
    path.write_text("schema = = 2\n[a]\n")
    with pytest.raises(BadData, match="line 1"):
        tables.read_toml_head(path)


def test_toml_with_windows_line_ends_is_read(tmp_path):
    (tmp_path / "file.toml").write_bytes(b"a = 1\r\nb = 2\r\n")
    assert tables.read_toml(tmp_path / "file.toml") == {"a": 1, "b": 2}


def test_a_json_error_has_file_and_line(tmp_path):
    path = tmp_path / "file.json"
    path.write_text('{"good": 1,\n bad}')
    with pytest.raises(BadData, match=r"file\.json is not valid JSON: .*line 2"):
        tables.read_json(path)
    path.write_text("[" * 100_000)
    with pytest.raises(BadData, match="not valid JSON"):
        tables.read_json(path)


def test_toml_that_would_not_read_back_is_not_written(tmp_path, monkeypatch):
    import tomli_w

    path = tmp_path / "registry.toml"
    tables.write_toml(path, {"preset": "nano", "loss": float("nan")})
    before = path.read_bytes()
    monkeypatch.setattr(tomli_w, "dumps", lambda tables: 'preset = "nano"\nlost = 1  # a writer with a bug\n')
    with pytest.raises(AssertionError):
        tables.write_toml(path, {"preset": "nano", "kept": 2})
    assert path.read_bytes() == before


def test_a_derived_file_reads_back_and_is_refused_when_it_was_changed(tmp_path):
    path, table = tmp_path / "made" / "file.json", {"schema": 1, "numbers": [0.1, None], "text": "é\u2028"}
    tables.write_derived(path, table)
    assert tables.read_derived(path) == table
    assert json.loads(path.read_text()) == {"sha256": json.loads(path.read_text())["sha256"], **table}
    written = path.read_bytes()
    for at in range(len(written)):
        path.write_bytes(written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :])
        with pytest.raises(BadData):
            tables.read_derived(path)
        path.write_bytes(written[:at])
        with pytest.raises(BadData):
            tables.read_derived(path)
