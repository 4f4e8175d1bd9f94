"""The command line: what it prints where, and how it fails."""

import json
import os
import pty
import subprocess
import sys
import tomllib

import pytest

from zoo.registry.registry import Registry

EXIT_CODES = {
    "usage": (["list", "--no-such-option"], 2),
    "an argument too few": (["show"], 2),
    "not found": (["show", "nobody"], 3),
    "no such preset": (["presets", "nobody"], 3),
    "no such dataset": (["datasets", "nobody"], 3),
    "not in the trash": (["restore", "nobody"], 3),
    "conflict": (["resume", "tiny-nano"], 5),
    "bad name": (["rename", "tiny-nano", "Not Good"], 2),
    "bad temperature": (["generate", "tiny-nano", "The", "--temperature", "nan"], 2),
    "bad top-k": (["generate", "tiny-nano", "The", "--top-k", "-1"], 2),
    "bad length": (["generate", "tiny-nano", "The", "--max-new", "-1"], 2),
    "bad policy": (["generate", "tiny-nano", "The", "--unknown", "panic"], 2),
    "unknown characters": (["generate", "tiny-nano", "\u2603"], 4),
}


def spawn(home, *args, **options) -> subprocess.CompletedProcess:
    """A command in a process of its own, its streams as the test wants them."""
    environment = {**os.environ, "ZOO_HOME": str(home.path), **options.pop("env", {})}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run([sys.executable, "-m", "zoo", *args], env=environment, check=False, **{**streams, **options})


def change_record(home, **changes) -> None:
    registry = Registry(home)
    registry.update("tiny-nano", registry.get("tiny-nano").record.id, **changes)


def own_rows(zoo) -> list[dict]:
    return [row for row in json.loads(zoo("list", "--json").out)["models"] if not row["starter"]]


def test_list_is_a_table_of_every_model(zoo, home, tiny_model):
    outcome = zoo("list")
    assert outcome.code == 0
    assert outcome.err == ""
    head, *rows = outcome.out.splitlines()
    assert head.split("  ")[0] == "name"
    assert [word for word in head.split("  ") if word][-1].strip() == "status"
    row = next(row for row in rows if row.startswith("tiny-nano "))
    record = Registry(home).get("tiny-nano").record
    assert {"tiny", "nano", "cpu", f"{record.val_loss:.4f}", f"{record.val_bpc:.4f}", "ready"} <= set(row.split())
    assert "\x1b" not in outcome.out
    assert all(line == line.rstrip() for line in outcome.out.splitlines())


def test_list_quiet_prints_names_alone(zoo, tiny_model):
    outcome = zoo("list", "-q")
    assert "tiny-nano" in outcome.out.splitlines()
    assert len(outcome.out.split()) == len(outcome.out.splitlines())
    assert outcome.err == ""


def test_list_json_holds_the_whole_record_in_full_precision(zoo, home, tiny_model):
    document = json.loads(zoo("list", "--json").out, parse_constant=pytest.fail)
    assert document["schema"] == "zoo.list/1"
    row = next(row for row in document["models"] if row["name"] == "tiny-nano")
    table = tomllib.loads(home.registry.read_text())["models"]["tiny-nano"]
    assert row == {
        "name": "tiny-nano",
        "starter": False,
        "status": "ready",
        "record": table,
        "bytes": (home.models / "tiny-nano" / "weights.safetensors").stat().st_size,
    }


def test_a_nan_in_the_registry_is_null_in_json(zoo, home, tiny_model):
    change_record(home, val_loss=float("nan"), train_loss=float("inf"))
    row = own_rows(zoo)[0]
    assert row["record"]["val_loss"] is None
    assert row["record"]["train_loss"] is None
    json.loads(zoo("show", "tiny-nano", "--json").out, parse_constant=pytest.fail)


def test_a_home_without_models_says_what_to_do(zoo, home):
    outcome = zoo("list")
    assert outcome.code == 0
    if len(outcome.out.splitlines()) == 1:  # no starters either
        assert "zoo train" in outcome.err
    assert not home.path.exists()


def test_show_tells_all_that_is_recorded(zoo, home, tiny_model):
    outcome = zoo("show", "tiny-nano")
    record = Registry(home).get("tiny-nano").record
    assert outcome.code == 0
    for fact in (record.id, record.corpora[0].sha256, record.vocab.sha256, record.created, "n_layer", "learning_rate"):
        assert fact in outcome.out
    document = json.loads(zoo("show", "tiny-nano", "--json").out)
    assert document["schema"] == "zoo.show/1"
    assert document["record"]["val_loss"] == record.val_loss
    assert document["name"] == "tiny-nano"


def test_a_unique_beginning_of_a_name_or_a_dataset_is_enough(zoo, tiny_model):
    for reference in ("tiny-nano", "tiny-n", "tiny"):
        assert zoo("show", reference).out.startswith("tiny-nano\n")


def test_presets_list_and_every_hyperparameter_of_one(zoo):
    outcome = zoo("presets")
    assert outcome.code == 0
    assert {"nano", "m2", "a100", "nanogpt-cpu"} <= {line.split()[0] for line in outcome.out.splitlines()}
    document = json.loads(zoo("presets", "--json").out)
    assert document["schema"] == "zoo.presets/1"
    m2 = next(preset for preset in document["presets"] if preset["name"] == "m2")
    assert (m2["model"]["block_size"], m2["train"]["max_steps"]) == (128, 6000)
    keys = {line.split()[0] for line in zoo("presets", "m2").out.splitlines()[1:] if line.strip()}
    assert (m2["model"].keys() | m2["train"].keys()) - {"vocab_size"} <= keys


def test_rename_moves_the_row_and_the_directory(zoo, home, tiny_model):
    assert zoo("rename", "tiny-nano", "other").code == 0
    assert [row["name"] for row in own_rows(zoo)] == ["other"]
    assert sorted(path.name for path in home.models.iterdir()) == ["other"]
    assert own_rows(zoo)[0]["record"]["path"] == "models/other"
    assert zoo("generate", "other", "The", "--max-new", "3").code == 0
    assert zoo("rename", "other", "other").code == 5
    assert zoo("rename", "gone", "x").code == 3


def test_rm_and_restore_lose_nothing(zoo, home, tiny_model):
    before = home.registry.read_bytes()
    weights = (home.models / "tiny-nano" / "weights.safetensors").read_bytes()
    outcome = zoo("rm", "tiny-nano")
    assert outcome.code == 0
    assert "zoo restore tiny-nano" in outcome.err
    assert own_rows(zoo) == []
    assert not (home.models / "tiny-nano").exists()
    assert zoo("rm", "tiny-nano").code == 3
    assert zoo("restore", "tiny-nano").code == 0
    assert home.registry.read_bytes() == before
    assert (home.models / "tiny-nano" / "weights.safetensors").read_bytes() == weights
    assert zoo("restore", "tiny-nano").code in (3, 5)


def test_rm_of_several_removes_all_or_none(zoo, tiny_model):
    assert zoo("rm", "tiny-nano", "nobody").code == 3
    assert [row["name"] for row in own_rows(zoo)] == ["tiny-nano"]


def test_a_restored_model_never_replaces_another(zoo, home, tiny_model):
    assert zoo("rm", "tiny-nano").code == 0
    (home.models / "tiny-nano").mkdir()
    (home.models / "tiny-nano" / "mine.txt").write_text("mine")
    assert zoo("restore", "tiny-nano").code == 5
    (home.models / "tiny-nano" / "mine.txt").unlink()
    assert zoo("restore", "tiny-nano").code == 0


@pytest.mark.parametrize("case", EXIT_CODES)
def test_every_failure_is_one_line_with_its_code(zoo, tiny_model, case):
    arguments, code = EXIT_CODES[case]
    outcome = zoo(*arguments)
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    lines = outcome.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("zoo: error: ")


def test_debug_shows_where_it_happened(zoo, tiny_model, monkeypatch):
    assert "Traceback" not in zoo("show", "nobody").err
    monkeypatch.setenv("ZOO_DEBUG", "1")
    outcome = zoo("show", "nobody")
    assert outcome.code == 3
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("zoo: error: ")


@pytest.mark.parametrize("command", [["list"], ["show", "tiny-nano"], ["generate", "tiny-nano", "The"]], ids=" ".join)
def test_a_closed_pipe_ends_quietly(home, tiny_model, command):
    read, write = os.pipe()
    os.close(read)
    done = spawn(home, *command, stdout=write)
    os.close(write)
    assert done.returncode == 141
    assert done.stderr in (b"", b"zoo: talking to tiny-nano\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize(
    "command", [["list"], ["compare", "--json"], ["generate", "tiny-nano", "The", "--max-new", "9"]], ids=" ".join
)
def test_a_full_disk_is_a_storage_problem_in_one_line(home, tiny_model, command):
    with open("/dev/full", "wb") as full:
        done = spawn(home, *command, stdout=full)
    assert done.returncode == 6
    assert done.stderr.startswith(b"zoo: error: ")
    assert len(done.stderr.splitlines()) == 1
    assert b"no space" in done.stderr


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}], ids=str)
def test_a_terminal_that_knows_only_ascii_gets_escapes(home, tiny_model, env):
    change_record(home, note="naïve ☃", tags=("é",))
    for command in (["list"], ["show", "tiny-nano"], ["presets", "m2"], ["datasets"], ["--help"], ["compare"]):
        done = spawn(home, *command, env=env)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
    if "PYTHONIOENCODING" in env:
        assert rb"na\xefve \u2603" in spawn(home, "show", "tiny-nano", env=env).stdout
    done = spawn(home, "show", "nobody-é", env=env)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("columns", ["0", "abc", "-5", "1", "20", ""])
def test_a_width_that_makes_no_sense_is_survived(home, tiny_model, columns):
    """On a pipe and on a terminal."""
    environment = {"COLUMNS": columns, "TERM": "xterm"}
    assert b"tiny-nano" in spawn(home, "list", env=environment).stdout
    master, slave = pty.openpty()
    done = spawn(home, "list", env=environment, stdout=slave)
    os.close(slave)
    shown = os.read(master, 100_000)
    os.close(master)
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"tiny" in shown.replace(b"\r\n", b"") or columns in ("1", "20")


def test_colour_is_for_terminals_only_and_not_against_the_readers_wish(home, tiny_model):
    shown = {}
    for name, environment in {"plain": {}, "wished": {"NO_COLOR": "1"}, "dumb": {"TERM": "dumb"}}.items():
        master, slave = pty.openpty()
        spawn(home, "list", env={"TERM": "xterm-256color", **environment}, stdout=slave)
        os.close(slave)
        shown[name] = os.read(master, 100_000)
        os.close(master)
    assert b"\x1b[" in shown["plain"]
    assert b"\x1b[3" not in shown["wished"]  # bold may stay, colours not
    assert b"\x1b" not in shown["dumb"]


def test_control_characters_of_a_registry_never_reach_the_terminal(zoo, home, tiny_model):
    change_record(home, note="a\x1b[31mred\x9b2J\x07\u202eb\nc", dataset="ti\x1b]0;x\x07ny", device_name="\x7f\r")
    for command in (["list"], ["show", "tiny-nano"], ["compare"], ["compare", "tiny-nano"], ["show", "nobody"]):
        outcome = zoo(*command)
        assert outcome.code in (0, 3), outcome.err
        both = outcome.out + outcome.err
        assert not [c for c in both if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F or c == "\u202e"], command
    assert r"a\x1b[31mred\x9b2J\x07\u202eb\nc" in zoo("show", "tiny-nano").out
    assert r"ti\x1b]0;x\x07ny" in zoo("list").out


def test_control_characters_of_unknown_keys_never_reach_the_terminal(zoo, home, tiny_model):
    change_record(home, extra={"k\x1b[31m": 1, "group\x1b]0;x\x07": {"in\x9bner": "v\x1bc"}})
    outcome = zoo("show", "tiny-nano")
    assert outcome.code == 0
    for word in (r"k\x1b[31m", r"group\x1b]0;x\x07", r"in\x9bner", r"v\x1bc"):
        assert word in outcome.out
    assert not {"\x1b", "\x9b", "\x07"} & set(outcome.out)


@pytest.mark.parametrize("name", ["evil\\u001b[31m", "../up", "UPPER"])
def test_a_registry_with_a_name_that_cannot_be_is_refused_with_its_line(zoo, home, tiny_model, name):
    text = home.registry.read_text()
    home.registry.write_text(text.replace("[models.tiny-nano", f'[models."{name}"', 1))
    outcome = zoo("list")
    assert outcome.code == 4
    assert str(home.registry) in outcome.err
    assert "line " in outcome.err
    assert "\x1b" not in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_path_out_of_the_home_is_refused_for_safety(zoo, home, tiny_model):
    text = home.registry.read_text()
    home.registry.write_text(text.replace('path = "models/tiny-nano"', 'path = "models/../../etc"'))
    outcome = zoo("generate", "tiny-nano", "The")
    assert outcome.code == 9
    assert "../../etc" in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("talk", [["chat", "tiny-nano"], ["generate", "tiny-nano", "The"]], ids=["chat", "generate"])
@pytest.mark.parametrize("damage", ["truncated", "missing", "edited", "emptied", "a directory", "other shape"])
@pytest.mark.parametrize("name", ["weights.safetensors", "vocab.json"])
def test_damaged_models_do_not_talk(zoo, home, tiny_model, talk, damage, name):
    path = home.models / "tiny-nano" / name
    data = path.read_bytes()
    path.unlink()
    if damage == "a directory":
        path.mkdir()
    elif damage == "edited":
        middle = -9 if name.startswith("weights") else data.index(b"T")
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle:][1:])
    elif damage == "other shape":
        home.registry.write_text(home.registry.read_text().replace("n_embd = 16", "n_embd = 18"))
        path.write_bytes(data)
    elif damage != "missing":
        path.write_bytes({"truncated": data[:-1] if name.startswith("weights") else data[:-3], "emptied": b""}[damage])
    outcome = zoo(*talk, stdin="The\n")
    assert outcome.code == 4, outcome.err
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert "tiny-nano" in outcome.err


def test_a_model_without_its_weights_is_shown_as_missing(zoo, home, tiny_model):
    (home.models / "tiny-nano" / "weights.safetensors").unlink()
    assert own_rows(zoo)[0]["status"] == "missing"


def test_the_home_can_be_named_on_the_command_line(zoo, home, tiny_model, tmp_path):
    other = tmp_path / "other"
    assert "tiny-nano" not in zoo("--home", str(other), "list", "-q").out.split()
    assert "tiny-nano" in zoo("--home", str(home.path), "list", "-q").out.split()
    file = tmp_path / "file"
    file.write_text("")
    assert zoo("--home", str(file), "list").code == 2


def test_keys_of_other_hands_do_not_stand_in_the_way_of_json(zoo, home, tiny_model):
    text = home.registry.read_text()
    row = text.replace('dataset = "tiny"', 'dataset = "tiny"\nname = "foreign"\nstarter = "foreign"\nschema = 7', 1)
    home.registry.write_text(row)
    document = json.loads(zoo("show", "tiny-nano", "--json").out)
    assert (document["schema"], document["name"], document["starter"]) == ("zoo.show/1", "tiny-nano", False)
    assert document["record"]["name"] == "foreign"
    assert own_rows(zoo)[0]["name"] == "tiny-nano"


@pytest.mark.parametrize("damage", ["future = 1", "n_layer = 0", 'n_layer = "many"'])
def test_a_record_that_makes_no_model_is_bad_data(zoo, home, tiny_model, damage):
    key = damage.split(" = ")[0]
    lines = [line for line in home.registry.read_text().split("\n") if not line.startswith(f"{key} =")]
    at = lines.index("[models.tiny-nano.model]")
    home.registry.write_text("\n".join([*lines[: at + 1], damage, *lines[at + 1 :]]))
    outcome = zoo("generate", "tiny-nano", "The")
    assert outcome.code == 4, outcome
    assert "the record of 'tiny-nano' makes no model" in outcome.err


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-", "2>/dev/full", "<&- >&- 2>&-"])
def test_closed_and_full_streams_change_no_exit_code_and_show_no_traceback(home, tiny_model, stream):
    for words, code in (("list", 0), ("show nope", 3), ("generate tiny-nano The --max-new 3", 0), ("bogus", 2)):
        command = f"{sys.executable} -m zoo {words} {stream}"
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == code, (words, done)
        assert "Traceback" not in done.stderr + done.stdout
        assert "zoo: error" not in done.stdout


def test_help_into_a_closed_pipe_ends_quietly():
    command = f"{sys.executable} -m zoo --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def test_a_log_that_is_a_link_is_not_written(home, tiny_model, zoo, tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("precious\n")
    directory = home.models / "tiny-nano"
    (directory / "log.jsonl").unlink()
    (directory / "log.jsonl").symlink_to(precious)
    home.registry.write_text(home.registry.read_text().replace('"ready"', '"interrupted"'))
    assert zoo("resume", "tiny-nano").code == 9
    assert precious.read_text() == "precious\n"


@pytest.mark.parametrize("place", ["run.lock", "weights.safetensors", "vocab.json"])
def test_a_pipe_in_the_place_of_a_file_hangs_nothing(home, tiny_model, zoo, place):
    path = home.models / "tiny-nano" / place
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert zoo("list").code == 0
    assert zoo("generate", "tiny-nano", "The", "--max-new", "3").code == (0 if place == "run.lock" else 4)
