"""What is replaced, copied or moved opens to nobody who was shut out before."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import tiny_settings

from zoo import files, permissions

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs permissions of POSIX")
MODEL = "tiny-nano"
MODES = [0o600, 0o640, 0o644, 0o664, 0o400, 0o660]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("mode", MODES, ids=oct)
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, umask, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    files.write_bytes(path, b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", mode)


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path, umask):
    files.write_bytes(tmp_path / "file", b"new")
    assert mode_of(tmp_path / "file") == 0o664 & ~umask


def test_not_everybody_may_write_what_replaces_a_file_that_all_may(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o666)
    files.write_bytes(path, b"new")
    assert mode_of(path) == 0o664


def test_the_draft_of_a_private_file_is_private_while_it_is_written(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with files.draft(path) as draft:
        draft.append(b"secret")
        (temporary,) = tmp_path.glob(f"{files.TEMPORARY}*")
        assert mode_of(temporary) == 0o600


AS_NOBODY = """
import os, sys
from pathlib import Path
from zoo import files
os.chdir(sys.argv[1])  # what is above it may be shut to others
os.setgroups([4242])
os.setgid(4243)
os.setuid(4244)
files.write_bytes(Path("file"), b"new")
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs the rights of root to take others'")
@pytest.mark.parametrize(
    ("group", "mode", "wanted"), [(4242, 0o660, 0o660), (4245, 0o664, 0o644), (4245, 0o640, 0o600)]
)
def test_a_group_that_cannot_be_kept_gives_nothing_to_another(tmp_path, group, mode, wanted):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    path = shared / "file"
    path.write_bytes(b"old")
    os.chown(path, 4244, group)
    path.chmod(mode)
    subprocess.run([sys.executable, "-c", AS_NOBODY, shared], check=True)
    assert path.read_bytes() == b"new"
    assert (mode_of(path), path.stat().st_gid == group) == (wanted, group == 4242)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives a file to somebody else")
def test_root_leaves_a_file_to_its_owner(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 4244, 4242)
    files.write_bytes(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (4244, 4242)


def test_registry_and_card_that_are_private_stay_so(zoo, home, tiny_model):
    private = [home.registry, home.models / MODEL / "model.toml"]
    for path in private:
        path.chmod(0o600)
    assert zoo("rename", MODEL, "two").code == 0
    assert zoo("train", "-d", "tiny", "-n", "three", *tiny_settings(max_steps=2)).code == 0
    assert [mode_of(path) for path in (home.registry, home.models / "two" / "model.toml")] == [0o600, 0o600]
    assert zoo("rm", "two").code == zoo("restore", "two").code == 0
    assert [mode_of(path) for path in (home.registry, home.models / "two" / "model.toml")] == [0o600, 0o600]


@pytest.mark.parametrize("name", ["registry.toml", "model.toml", "vocab.json", "run.toml"])
def test_what_a_repair_writes_and_keeps_stays_private(zoo, home, tiny_model, name):
    path = home.registry if name == "registry.toml" else home.models / MODEL / name
    path.write_text("?")
    path.chmod(0o600)
    assert zoo("doctor", "--repair").code == 0
    assert mode_of(path) == 0o600
    (kept,) = home.trash.iterdir()
    assert (kept.read_text(), mode_of(kept)) == ("?", 0o600)


def test_the_trash_opens_no_model_that_its_directory_shut(zoo, home, tiny_model):
    home.models.chmod(0o700)
    (home.models / MODEL / "vocab.json").write_text("?")
    assert zoo("doctor", "--repair").code == 0
    (kept,) = home.trash.iterdir()
    assert mode_of(kept) & 0o077 == 0
    kept.unlink()
    assert zoo("rm", MODEL).code == 0
    (kept,) = home.trash.iterdir()
    assert mode_of(kept) & 0o077 == 0


def test_a_row_without_a_model_is_kept_for_those_who_could_read_it(zoo, home, tiny_model):
    (home.models / MODEL).rename(home.path / "away")
    home.registry.chmod(0o640)
    assert zoo("rm", MODEL).code == 0
    (kept,) = home.trash.iterdir()
    assert mode_of(kept) & 0o007 == 0


def test_a_model_keeps_its_mode_in_the_trash_and_back(zoo, home, tiny_model):
    (home.models / MODEL).chmod(0o750)
    assert zoo("rm", MODEL).code == 0
    (kept,) = home.trash.iterdir()
    assert mode_of(kept) == 0o750
    assert zoo("restore", MODEL).code == 0
    assert mode_of(home.models / MODEL) == 0o750


def test_a_text_that_is_stored_again_stays_private(zoo, home, tiny_corpus, tiny_text):
    (text,) = (home.corpora / "tiny").glob("*/text.txt")
    private = {
        text.parent: 0o700,
        **{path: 0o600 for path in text.parent.iterdir()},
        text.parents[1] / "current": 0o600,
    }
    for damage in (False, True):
        for path, mode in private.items():
            path.chmod(mode)
        if damage:
            text.write_text("x")
        assert zoo("fetch", "tiny", "--from", str(tiny_text)).code == 0
        assert {path: mode_of(path) for path in private} == private


def test_narrowing_adds_nothing(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    path.chmod(0o440)
    permissions.narrow(path, ~stat.S_IWOTH)
    files.keep_to_owner(path)
    assert mode_of(path) == 0o400
