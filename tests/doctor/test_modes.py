"""The doctor and permissions: a repair may take them away, and never adds any."""

import os
import stat
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs permissions of POSIX")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def behind_a_link(home, tmp_path: Path, mode: int) -> Path:
    """Move the home elsewhere, give it `mode`, and put a link in its place."""
    real = tmp_path / "real"
    home.path.rename(real)
    real.chmod(mode)
    home.path.symlink_to(real)
    return real


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_repair_leaves_the_mode_of_a_home_behind_a_link(zoo, home, tiny_model, tmp_path, mode):
    real = behind_a_link(home, tmp_path, mode)
    for options in ((), ("--repair",)):
        outcome = zoo("doctor", *options)
        assert (outcome.code, outcome.out) == (0, f"{home.path} is whole\n")
        assert mode_of(real) == mode


def test_a_home_behind_a_link_that_everybody_may_write_is_narrowed(zoo, home, tiny_model, tmp_path):
    real = behind_a_link(home, tmp_path, 0o757)
    assert zoo("doctor").code == 4
    assert zoo("doctor", "--repair").code == 0
    assert mode_of(real) == 0o755


@pytest.mark.parametrize("part", ["models", ".zoo", ".zoo/corpora", ".zoo/trash"])
def test_a_directory_behind_a_link_is_looked_through_and_keeps_its_mode(zoo, home, tiny_model, tmp_path, part):
    path = home.path / part
    path.mkdir(exist_ok=True)
    path.rename(tmp_path / "real")
    (tmp_path / "real").chmod(0o700)
    path.symlink_to(tmp_path / "real")
    assert zoo("doctor", "--repair").code == 0
    assert mode_of(tmp_path / "real") == 0o700
    if part == ".zoo/trash":  # which is only weighed
        return
    left = path / f".tmp-{'0' * 32}"
    left.write_text("x")
    assert f"{part}/{left.name}" in zoo("doctor").out
    assert zoo("doctor", "--repair").code == 0
    assert not left.exists()
    assert mode_of(tmp_path / "real") == 0o700
