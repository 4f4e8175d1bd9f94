"""What a merge or a sync tool leaves in a home: the doctor names it in plain words, and loses nothing."""

import json
import shutil
import tomllib

import pytest

MODEL = "tiny-nano"
COPIES = [
    "registry.sync-conflict-20260102-030405-ABCDEFG.toml",
    "registry (Arthur's conflicted copy 2026-01-02).toml",
    "registry (conflicted copy 2026-01-02 030405).toml",
    "registry (SFConflict arthur@example.org 2026-01-02-03-04-05).toml",
    "registry-HEARTOFGOLD.toml",
    "registry_LOCAL_4242.toml",
    "registry 2.toml",
    "registry.toml.orig",
]


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0)


def merged(text: str) -> str:
    """A file as git leaves it when two sides have changed the same line."""
    return text.replace('note = ""', '<<<<<<< HEAD\nnote = "a"\n=======\nnote = "b"\n>>>>>>> other', 1)


@pytest.mark.parametrize("file", ["registry.toml", f"models/{MODEL}/model.toml"])
def test_the_markers_of_a_merge_are_named_with_their_line(zoo, home, tiny_model, file):
    path = home.path / file
    path.write_text(merged(path.read_text()))
    line = path.read_text().split("\n").index("<<<<<<< HEAD") + 1
    words = (
        f"holds the conflict markers of a merge (line {line}): keep one side of each conflict, and delete the markers"
    )
    outcome = zoo("doctor")
    assert outcome.code == 4
    assert f"damage: {file}: it {words}; with --repair: written anew" in outcome.out
    if file == "registry.toml":
        listed = zoo("list")
        assert listed.code == 4
        assert f"{path} {words} (see: zoo doctor)" in listed.err
    before = path.read_bytes()
    assert zoo("doctor", "--repair").code == 0
    assert zoo("doctor").code == 0
    assert before in [path.read_bytes() for path in home.trash.iterdir()]
    assert list(tomllib.loads(home.registry.read_text())["models"]) == [MODEL]


def test_markers_in_a_text_that_is_valid_are_a_text(zoo, home, tiny_model):
    text = home.registry.read_text().replace('note = ""', 'note = """\n<<<<<<< HEAD\n"""', 1)
    home.registry.write_text(text)
    assert zoo("list").code == 0


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("place", ["", f"models/{MODEL}"])
def test_a_copy_of_a_sync_tool_is_named_and_left_alone(zoo, home, tiny_model, name, place):
    original = home.registry if not place else home.models / MODEL / "model.toml"
    path = original.with_name(name.replace("registry", original.stem))
    shutil.copy(original, path)
    for options in ((), ("--repair",)):
        outcome = zoo("doctor", "--json", *options)
        assert outcome.code == 0
        (finding,) = json.loads(outcome.out)["findings"]
        assert finding["where"] == str(path.relative_to(home.path))
        assert (finding["damage"], finding["mendable"]) == (False, False)
        assert "changed on two sides" in finding["what"]
        assert "delete it" in finding["cure"]
    assert path.read_bytes() == original.read_bytes()


def test_a_copy_of_any_file_of_a_model_is_named(zoo, home, tiny_model):
    path = home.models / MODEL / "weights.sync-conflict-20260102-030405-ABCDEFG.safetensors"
    path.write_bytes(b"x")
    assert f"note: models/{MODEL}/{path.name}: it is a copy" in zoo("doctor").out


def test_a_file_of_somebody_else_is_no_copy(zoo, home, tiny_model):
    for name in ("registry-of-births.toml", "registry.orig", "thesis.toml.orig", "registry 2.toml"):
        (home.path / name).write_text("schema = 1\n[births]\n")
    (home.path / "registry (conflicted copy 1).toml").mkdir()
    (home.models / MODEL / "model-card.toml").write_text("[card]\n")
    assert json.loads(zoo("doctor", "--json").out)["findings"] == []
