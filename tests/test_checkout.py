"""The repository as a home: what git sees of it after a training."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import tiny_settings, write_tiny_text

from zoo.registry.document import read_records
from zoo.runs.spec import Spec

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["shakespeare-nano", "shakespeare-m2", "shakespeare-laptop"])
def test_the_plan_of_a_starter_is_that_of_its_record(name):
    directory = REPOSITORY / "models" / name
    (record,) = read_records(directory / "model.toml").values()
    Spec.load(directory / "run.toml").check_record(record)


@pytest.mark.slow
def test_a_training_in_a_clone_changes_only_registry_toml(tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
    text = tmp_path / "tiny.txt"
    text.write_text(write_tiny_text(), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ZOO_")}

    def zoo(*args: str) -> None:
        command = [sys.executable, "-m", "zoo", *args]
        subprocess.run(command, cwd=clone, env=environment, check=True, capture_output=True, timeout=100)

    zoo("doctor")
    zoo("fetch", "tiny", "--from", str(text))
    zoo("train", "-d", "tiny", *tiny_settings(max_steps=10))
    zoo("rm", "tiny-nano")
    zoo("restore", "tiny-nano")
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    seen = subprocess.run(status, cwd=clone, check=True, capture_output=True, text=True).stdout
    assert seen == " M registry.toml\n"
