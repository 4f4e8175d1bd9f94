"""A home of which a part is a link to another disk: every command that moves something works there, too."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny import tiny_settings

from zoo import moving
from zoo.errors import Conflict, StorageProblem
from zoo.home import Home
from zoo.registry.registry import Registry

PARTS = ["", "models", ".zoo", ".zoo/trash", ".zoo/corpora"]
MEMORY = Path("/dev/shm")


@pytest.fixture(params=["simulated", "real"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on another file system; simulated: where the system has one alone, renames are refused as there."""
    if request.param == "simulated":
        path = tmp_path / "disk"
        path.mkdir()
        for name in ("rename", "replace", "link"):
            monkeypatch.setattr(os, name, refusing(getattr(os, name), path))
        yield path
    elif not os.access(MEMORY, os.W_OK) or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    else:
        with tempfile.TemporaryDirectory(dir=MEMORY) as made:
            yield Path(made)


def refusing(call: Callable[[Path, Path], None], disk: Path) -> Callable[[Path, Path], None]:
    """An operating system's call that refuses to cross the border of a disk."""

    def is_there(path: Path) -> bool:
        return Path(path).parent.resolve().is_relative_to(disk)

    def refuse(source: Path, target: Path) -> None:
        if is_there(source) != is_there(target):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source))
        call(source, target)

    return refuse


def lay(home: Home, part: str, disk: Path) -> None:
    """Make a part of a home a link to a directory on another disk."""
    path = home.path / part
    if path.exists():
        shutil.copytree(path, disk / "here", symlinks=True)
        shutil.rmtree(path)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        (disk / "here").mkdir()
    path.symlink_to(disk / "here")


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "model.toml"}


@pytest.mark.parametrize("part", PARTS)
def test_every_move_works_across_disks(zoo, home, tiny_model, tiny_text, part, disk):
    lay(home, part, disk)
    before = content(home.models / tiny_model)
    for arguments in (
        ["rename", tiny_model, "two"], ["rm", "two"], ["restore", "two"], ["doctor"], ["verify", "two"],
        ["fetch", "tiny", "--from", str(tiny_text)],
        ["train", "-d", "tiny", "-n", "three", *tiny_settings(max_steps=2)],
    ):  # fmt: skip
        outcome = zoo(*arguments)
        assert outcome.code == 0, (arguments, outcome)
    assert content(home.models / "two") == before
    assert list(Registry(home).own()) == ["two", "three"]
    assert not list(home.path.rglob(".tmp-*"))
    assert not any(home.trash.iterdir())
    (home.models / "two" / "weights.safetensors").write_bytes(b"x")
    assert zoo("doctor", "--repair").code == 0
    assert [path.name.partition("~")[0] for path in home.trash.iterdir()] == ["two"]
    assert zoo("doctor").code == 0


@pytest.mark.parametrize("part", ["models", ".zoo"])
def test_a_training_goes_on_where_a_part_lies_on_another_disk(zoo, home, tiny_model, part, disk):
    from doctor.test_doctor import interrupt

    lay(home, part, disk)
    interrupt(home)
    assert zoo("rm", "half").code == zoo("restore", "half").code == 0
    assert zoo("resume", "half").code == 0


def test_a_copy_across_disks_keeps_links_pipes_permissions_and_times(tmp_path, disk):
    source = tmp_path / "one"
    (source / "below" / "empty").mkdir(parents=True)
    (source / "file").write_bytes(b"x" * 3_000_000)
    (source / "file").chmod(0o640)
    os.utime(source / "file", ns=(1, 2))
    (source / "link").symlink_to("file")
    os.mkfifo(source / "pipe")
    (source / "below").chmod(0o500)
    moving.move(source, disk / "one")
    assert not os.path.lexists(source)
    there = disk / "one"
    assert sorted(str(path.relative_to(there)) for path in there.rglob("*")) == [
        "below", "below/empty", "file", "link", "pipe",
    ]  # fmt: skip
    assert (there / "file").read_bytes() == b"x" * 3_000_000
    assert ((there / "file").stat().st_mode & 0o777, (there / "file").stat().st_mtime_ns) == (0o640, 2)
    assert (there / "below").stat().st_mode & 0o777 == 0o500
    assert (there / "link").readlink() == Path("file")
    assert (there / "pipe").is_fifo()


def test_a_target_that_exists_on_another_disk_is_not_touched(tmp_path, disk):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "file").write_text("mine")
    (disk / "one").mkdir()
    (disk / "one" / "file").write_text("theirs")
    with pytest.raises(Conflict, match="exists already"):
        moving.move(tmp_path / "one", disk / "one")
    assert [(path / "one" / "file").read_text() for path in (tmp_path, disk)] == ["mine", "theirs"]


def test_a_block_that_fails_after_a_copy_leaves_the_source_alone(tmp_path, disk):
    (tmp_path / "one").mkdir()
    with pytest.raises(StorageProblem), moving.moved(tmp_path / "one", disk / "one"):
        assert (tmp_path / "one").is_dir()
        assert (disk / "one").is_dir()
        raise StorageProblem("no room for the row")
    assert (tmp_path / "one").is_dir()
    assert not any(disk.iterdir())


@pytest.mark.parametrize("part", ["", "models", ".zoo"])
def test_a_link_whose_disk_is_not_there_is_named(zoo, home, tiny_text, part):
    path = home.path / part
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(home.path.parent / "unplugged")
    outcome = zoo("fetch", "tiny", "--from", str(tiny_text))
    assert outcome.code == 6
    assert f"{path} is a link that leads nowhere; mount the disk it leads to" in outcome.err


def test_models_on_a_disk_that_is_not_there_are_not_given_up(zoo, home, tiny_model, tmp_path):
    home.models.rename(tmp_path / "disk")
    home.models.symlink_to(tmp_path / "disk")
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    before = home.registry.read_bytes()
    for command in (["rm", tiny_model], ["rename", tiny_model, "two"], ["doctor", "--repair"]):
        assert zoo(*command).code in (4, 6), command
    assert home.registry.read_bytes() == before
    assert zoo("list").code == 0
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    assert zoo("verify", tiny_model).code == zoo("doctor").code == 0


def test_half_a_copy_and_a_second_one_are_never_restored(zoo, home, tiny_model):
    shutil.copytree(home.models / tiny_model, home.trash / f".tmp-{'0' * 32}")  # as a kill leaves it
    shutil.copytree(home.models / tiny_model, home.models / f".tmp-{'1' * 32}")
    assert zoo("rm", tiny_model).code == 0
    for path in (home.trash / f".tmp-{'0' * 32}", home.models / f".tmp-{'1' * 32}"):
        (path / "weights.safetensors").unlink()
    assert zoo("doctor", "--repair").code == 0
    assert zoo("restore", tiny_model).code == 0
    assert (home.models / tiny_model / "weights.safetensors").exists()
    assert zoo("rm", tiny_model).code == zoo("restore", tiny_model).code == 0
    assert zoo("doctor").code == 0
