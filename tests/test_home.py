"""Which home is used, and that looking creates none."""

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from zoo.errors import UsageProblem
from zoo.home import Home, find_home
from zoo.registry.registry import Registry


def make_home(path: Path, registry: bytes = b"schema = 1\n") -> Path:
    path.mkdir(parents=True)
    (path / "registry.toml").write_bytes(registry)
    return path


@pytest.fixture
def no_settings(monkeypatch, tmp_path):
    """No ZOO_HOME, a working directory that is no home, and a user's data directory in tmp_path."""
    monkeypatch.delenv("ZOO_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def test_the_option_comes_before_all_else(tmp_path, monkeypatch):
    monkeypatch.chdir(make_home(tmp_path / "here"))
    assert find_home(str(tmp_path / "asked")).path == tmp_path / "asked"


def test_the_environment_comes_before_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(make_home(tmp_path / "here"))
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "asked"))
    assert find_home().path == tmp_path / "asked"
    monkeypatch.setenv("ZOO_HOME", "")
    assert find_home().path == tmp_path / "here"


def test_the_nearest_parent_comes_before_the_users_own(tmp_path, monkeypatch, no_settings):
    make_home(tmp_path / "outer")
    inner = make_home(tmp_path / "outer" / "inner")
    (inner / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(inner / "deep" / "down")
    assert find_home().path == inner


def test_without_any_home_it_is_the_users_own(no_settings):
    assert find_home().path == Path(platformdirs.user_data_dir("zoo", appauthor=False))


def test_a_relative_home_is_made_absolute(tmp_path, monkeypatch, no_settings):
    assert find_home("zoo").path == tmp_path / "elsewhere" / "zoo"


def test_a_home_under_the_users_directory_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home("~/zoo").path == tmp_path / "zoo"


@pytest.mark.parametrize(
    "registry", [b"schema = 1\n[models.a\n", b"# said first\nschema = 1\nx = = 1\n", b"schema = x"]
)
def test_a_damaged_registry_in_a_parent_is_still_a_home(tmp_path, monkeypatch, no_settings, zoo, registry):
    inner = make_home(tmp_path / "inner", registry)
    (inner / "models").mkdir()
    monkeypatch.chdir(inner / "models")
    assert find_home().path == inner
    outcome = zoo("list")
    assert outcome.code == 4
    assert str(inner / "registry.toml") in outcome.err


def test_an_emptied_registry_beside_corpora_is_still_a_home(tmp_path, monkeypatch, no_settings):
    inner = make_home(tmp_path / "inner", b"")
    (inner / ".zoo").mkdir()
    monkeypatch.chdir(inner)
    assert find_home().path == inner


def test_a_registry_with_a_byte_order_mark_is_still_a_home(tmp_path, monkeypatch, no_settings):
    inner = make_home(tmp_path / "inner", b"\xef\xbb\xbfschema = 1\n")
    monkeypatch.chdir(inner)
    assert find_home().path == inner
    assert Registry(Home(inner)).own() == {}


def test_somebody_elses_registry_is_no_home(tmp_path, monkeypatch, no_settings):
    inner = make_home(tmp_path / "inner", b'[packages]\nname = "schema = 1"\n')
    monkeypatch.chdir(inner)
    assert find_home().path != inner


@pytest.mark.parametrize("asked", ["", "  "])
def test_a_blank_option_is_a_usage_problem(asked):
    with pytest.raises(UsageProblem, match="not a directory"):
        find_home(asked)


def test_a_home_that_is_a_file_is_a_usage_problem(tmp_path, zoo):
    (tmp_path / "file").write_text("x")
    outcome = zoo("--home", str(tmp_path / "file"), "list")
    assert outcome.code == 2
    assert outcome.err.startswith("zoo: error: the home")


def test_a_home_of_an_unknown_user_is_a_usage_problem(zoo):
    outcome = zoo("--home", "~nobody-of-this-name/zoo", "list")
    assert outcome.code == 2, outcome.err


def test_a_working_directory_that_is_gone_is_a_usage_problem(tmp_path, monkeypatch, no_settings):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UsageProblem, match="working directory is gone"):
        find_home()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["list"], 0),
        (["list", "--json"], 0),
        (["datasets"], 0),
        (["datasets", "hhgttg"], 0),
        (["compare"], 0),
        (["plugins"], 0),
        (["presets"], 0),
        (["show", "nothing"], 3),
        (["rm", "nothing"], 3),
        (["restore", "nothing"], 3),
        (["rename", "nothing", "something"], 3),
        (["resume", "nothing"], 3),
        (["chat", "nothing"], 3),
        (["fetch", "nothing"], 3),
        (["fetch", "hhgttg"], 2),
        (["train", "-d", "nothing"], 3),
    ],
)
def test_readers_and_what_fails_at_once_create_no_home(zoo, home, command, code):
    outcome = zoo(*command)
    assert outcome.code == code, outcome.err
    assert not home.path.exists()


def test_the_first_writer_makes_a_home_that_is_found_from_inside(tmp_path, monkeypatch, no_settings, zoo, tiny_text):
    wanted = tmp_path / "mine"
    assert zoo("--home", str(wanted), "fetch", "tiny", "--from", str(tiny_text)).code == 0
    monkeypatch.chdir(wanted)
    assert find_home().path == wanted


@pytest.mark.parametrize("name", ["two words", " ", "new\nline", "-dash", "a'b\"c", "Grüße", "\x1b[31m"])
def test_a_home_with_any_name_works(tmp_path, zoo, tiny_text, name):
    place = tmp_path / name
    assert zoo("--home", str(place), "fetch", "mine", "--from", str(tiny_text)).code == 0
    outcome = zoo("--home", str(place), "doctor")
    assert outcome.code == 0, outcome.err
    assert "\x1b" not in outcome.out + outcome.err


def test_a_home_can_be_found_without_the_variable_home(tmp_path):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "zoo", "list", "-q"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stderr
