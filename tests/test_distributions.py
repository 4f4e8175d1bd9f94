"""Damaged packages of strangers: one warning that names the package, and everything else works."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from strangers import OFFER

NAMED = "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"
ENTRY = "[zoo]\nother = others_module\n"


def zoo(site: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a process that has `site` on its path."""
    command = [sys.executable, "-m", "zoo", *args]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()


def broken_link(path: Path) -> None:
    path.symlink_to(path.with_name("nothing"))


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def text(content: str | bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content) and None


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


DAMAGED_ENTRY_POINTS = {
    "a line without =": text("[console_scripts]\nbroken line\n"),
    "a line without = in our group": text("[zoo]\nbroken line\n"),
    "Latin-1": text(b"[zoo]\nl\xef = os\n"),
    "a terabyte": sparse,
    "a pipe": pipe,
    "a directory": directory,
    "a broken link": broken_link,
    "a link to itself": link_to_itself,
    "a device": device,
}
DAMAGED_METADATA = {
    "missing": lambda path: None,
    "empty": text(""),
    "without a name": text("Metadata-Version: 2.1\n"),
    "Latin-1": text(b"Metadata-Version: 2.1\nName: other\nAuthor: \xe9\n"),
    "a terabyte": sparse,
    "a pipe": pipe,
    "a directory": directory,
    "a broken link": broken_link,
    "a link to itself": link_to_itself,
}


def package(site: Path, name: str = "other-1.0") -> Path:
    """An empty directory for the metadata of a package, in one that PYTHONPATH can name."""
    info = site / f"{name}.dist-info"
    info.mkdir(parents=True)
    return info


def check_named_and_left_out(site: Path, named: str) -> None:
    outcome = zoo(site, "plugins")
    assert outcome.returncode == 0, outcome.stderr
    assert f"zoo: warning: package '{named}' is damaged and left out: " in outcome.stderr
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert "hhgttg" in outcome.stdout
    without = zoo(site, "--no-plugins", "plugins")
    assert (without.returncode, without.stderr) == (0, "")
    assert "hhgttg" in without.stdout


@pytest.mark.parametrize("damage", DAMAGED_ENTRY_POINTS.values(), ids=DAMAGED_ENTRY_POINTS)
def test_damaged_entry_points_cost_one_warning_that_names_the_package(tmp_path, damage):
    info = package(tmp_path / "site")
    (info / "METADATA").write_text(NAMED)
    damage(info / "entry_points.txt")
    check_named_and_left_out(tmp_path / "site", "other")


@pytest.mark.parametrize("damage", DAMAGED_METADATA.values(), ids=DAMAGED_METADATA)
def test_damaged_metadata_costs_one_warning_that_names_the_directory(tmp_path, damage):
    info = package(tmp_path / "site")
    (info / "entry_points.txt").write_text(ENTRY)
    (tmp_path / "site" / "others_module.py").write_text("from zoo import Dataset, hookimpl\n" + OFFER)
    damage(info / "METADATA")
    check_named_and_left_out(tmp_path / "site", "other-1.0.dist-info")


def test_damaged_metadata_of_a_package_without_plugins_is_no_concern(tmp_path):
    (package(tmp_path / "site") / "METADATA").write_bytes(b"\xff")
    outcome = zoo(tmp_path / "site", "plugins")
    assert (outcome.returncode, outcome.stderr) == (0, "")


@pytest.mark.parametrize("first", ["1.0", "2.0"])
def test_remains_of_another_version_hide_no_plugin(tmp_path, first):
    sites = [tmp_path / version for version in ("1.0", "2.0")]
    for site in sites:
        package(site, f"other-{site.name}")
    whole = sites[1] / "other-2.0.dist-info"
    (whole / "METADATA").write_text(NAMED.replace("1.0", "2.0"))
    (whole / "entry_points.txt").write_text(ENTRY)
    (sites[1] / "others_module.py").write_text("from zoo import Dataset, hookimpl\n" + OFFER)
    path = os.pathsep.join(str(site) for site in sorted(sites, key=lambda site: site.name != first))
    outcome = zoo(Path(path), "plugins")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "odes" in outcome.stdout


def test_a_package_that_is_installed_twice_is_loaded_once(tmp_path):
    for version in ("1.0", "2.0"):
        info = package(tmp_path / "site", f"other-{version}")
        (info / "METADATA").write_text(NAMED.replace("1.0", version))
        (info / "entry_points.txt").write_text(ENTRY)
    (tmp_path / "site" / "others_module.py").write_text("from zoo import Dataset, hookimpl\n" + OFFER)
    outcome = zoo(tmp_path / "site", "plugins")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.count("odes") == 1


def test_every_step_of_the_work_survives_a_damaged_package(tmp_path, tiny_text):
    site = tmp_path / "site"
    info = package(site)
    (info / "METADATA").write_text(NAMED)
    (info / "entry_points.txt").write_text("[console_scripts]\nbroken line\n")
    settings = ["--preset", "m2", "--set", "max_steps=1", "--set", "block_size=8", "--name", "one"]
    for command in (
        ["fetch", "mine", "--from", str(tiny_text)],
        ["datasets"],
        ["train", "-d", "mine", *settings],
        ["compare", "one", "--plot", str(tmp_path / "one.png")],
        ["generate", "one", "a", "--max-new", "3"],
        ["reproduce", "one"],
        ["doctor"],
    ):
        outcome = zoo(site, *command)
        assert outcome.returncode == 0, outcome.stderr


def test_the_versions_of_a_run_need_no_metadata(tmp_path, tiny_text):
    site = tmp_path / "site"
    for name in ("torch-9", "numpy-9"):
        (package(site, name) / "METADATA").write_bytes(b"Name: \xff\n")
    assert zoo(site, "fetch", "mine", "--from", str(tiny_text)).returncode == 0
    settings = ["--preset", "m2", "--set", "max_steps=1", "--set", "block_size=8", "--name", "one"]
    outcome = zoo(site, "train", "-d", "mine", *settings)
    assert outcome.returncode == 0, outcome.stderr
