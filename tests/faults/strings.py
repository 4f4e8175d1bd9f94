"""Homes full of strings that a terminal would obey: in texts, records, names, file names, plugins and model output."""

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path
from random import Random

import numpy as np

from zoo import files, weights
from zoo.corpora.dataset import Document
from zoo.corpora.normalise import Normaliser
from zoo.corpora.store import store_corpus
from zoo.corpora.vocab import Characters, save_vocab
from zoo.home import Home
from zoo.registry.document import read_records, write_card, write_document
from zoo.registry.record import VocabPart
from zoo.runs.spec import Spec

# What zoo itself sends: bold, cyan heads, the colours of a bar and of a heat map, the cursor that goes up, hides and
# comes back; and what readline and prompt_toolkit send around a prompt.
OURS = re.compile(
    r"\x1b\[(?:0|1|2|1;36|38;5;\d+|38;2;\d+;\d+;\d+|35|36|0;4|0;38;5;\d+;48;5;\d+)m"
    r"|\r?\x1b\[2K|\x1b\[1A|\x1b\[\?25[lh]\r?|\x1b\[\?2004[hl]\r?"
    r"|\x1b\[\?(?:1|7|12)[lh]|\x1b\[J|\x1b\[\d*[CD]|\r(?=\r\n)"
)
# fmt: off
PIECES = [
    "\x1b", "\x1b[31;5m", "\x1b[2J", "\x1b[H", "\x1b[6n", "\x1bc", "\x1b#8", "\x1b[?1049h", "\x1b[3;4H",
    "\x1b]0;title\x07", "\x1b]52;c;aGk=\x07", "\x1b]8;;http://x\x1b\\", "\x1bP+q\x1b\\", "\x1b_x\x1b\\", "\x1bX\x1b\\",
    "\x9b31m", "\x9b2J", "\x9d0;title\x9c", "\x90q\x9c", "\x84", "\x85", "\x8d", "\x98", "\x9e",
    "\x00", "\x05", "\x07", "\x08", "\x0b", "\x0c", "\r", "\x0e", "\x0f", "\x18", "\x1a", "\x7f",
    "\u061c", "\u200b", "\u200d", "\u200e", "\u202e", "\u2028", "\u2029", "\u2060", "\u2066", "\ufeff", "\U000e0041",
    "[red]", "[/]", "[/x]", "[link=http://x]", "{}", "%s", "\\x1b[2J", "$(id)", "`id`",
    "a", "word", " ", "\n", "\t", "é", "e\u0301", "東", "😀", "\ud800", "\udc9b", "x" * 60,
]
# fmt: on


def strings(count: int, chance: Random) -> list[str]:
    """Random strings, in none of which is a sequence that zoo itself sends."""
    return [OURS.sub("?", "".join(chance.choices(PIECES, k=chance.randint(1, 9)))) for _ in range(count)]


def utf8(text: str) -> str:
    """The text as a file can hold it."""
    return text.encode("utf-8", "replace").decode()


def plain(text: str) -> str:
    """The text as an argument or a file name can have it."""
    return text.replace("\0", "?").encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def make_home(home: Home, template: Path, batch: list[str], chance: Random) -> None:
    """A home whose every field, file and directory has one of the strings in it."""
    shutil.rmtree(home.path, ignore_errors=True)
    shutil.copytree(template, home.path)
    texts = [utf8(text) for text in batch]
    _store(home, texts, chance)
    _write_rows(home, texts, chance)
    _write_talker(home, texts, chance)
    for text in chance.sample(batch, 5):
        _make_strange_directory(home.models, plain(text))
    damaged = home.models / "damaged" / "model.toml"
    files.make_directory(damaged.parent)
    damaged.write_text(f"schema = 1\n[models.{json.dumps(chance.choice(texts))}]\nid = {json.dumps(texts[0])}\n")


def _store(home: Home, texts: list[str], chance: Random) -> None:
    """A text of these strings, and all that is said of it."""
    about = {
        "name": "evil", "dataset": "evil", "private": False, "fetched": chance.choice(texts),
        **{key: chance.choice(texts) for key in ("summary", "licence", "source", "vocab")},
    }  # fmt: skip
    counts = {chance.choice(texts): 7 for _ in range(3)}
    text = "\n".join(texts * (1 + 3_000 // sum(map(len, texts))))
    store_corpus(home, Normaliser([Document(chance.choice(texts), text, counts)]), {**about, "vocab": "characters"})


def _write_rows(home: Home, texts: list[str], chance: Random) -> None:
    """Rows that speak in strings, of models that are there."""
    (record,) = read_records(home.models / "tiny-nano" / "model.toml").values()
    rows = {"tiny-nano": record.to_table()}
    for number in range(4):
        name = f"row-{number}"
        said = {
            key: chance.choice(texts)
            for key in ("dataset", "preset", "device", "device_name", "host", "dtype", "command", "note", "created")
        }
        extra = {chance.choice(texts): chance.choice(texts), "more": {chance.choice(texts): chance.choice(texts)}}
        tags = tuple(chance.sample(texts, 3))
        row = dataclasses.replace(
            record, id=chance.choice(texts), path=f"models/{name}", tags=tags, extra=extra,
            versions={chance.choice(texts): chance.choice(texts)}, **said,
        )  # fmt: skip
        shutil.copytree(home.models / "tiny-nano", home.models / name)
        write_card(home.models / name / "model.toml", name, dataclasses.replace(row, note=chance.choice(texts)))
        rows[name] = row.to_table()
    write_document(home.registry, {"schema": 1, "models": rows})


def _write_talker(home: Home, texts: list[str], chance: Random) -> None:
    """A model that says every character of the strings, at random."""
    vocab = Characters("".join(texts))
    (record,) = read_records(home.models / "tiny-nano" / "model.toml").values()
    config = Spec.of("talker", record).model
    config = dataclasses.replace(config, vocab_size=len(vocab))
    directory = home.models / "talker"
    files.make_directory(directory)
    save_vocab(directory / "vocab.json", vocab)
    numbers = np.random.default_rng(chance.getrandbits(32))
    tensors = {name: numbers.normal(size=shape).astype(np.float32) for name, shape in config.weight_shapes().items()}
    sha256 = weights.save_model(directory / "weights.safetensors", tensors, config, vocab.sha256)
    row = dataclasses.replace(
        record, id="talker", path="models/talker", model=config.to_dict(), parameters=config.parameters(),
        vocab=VocabPart(kind=vocab.kind, size=len(vocab), sha256=vocab.sha256), weights_sha256=sha256,
    )  # fmt: skip
    Spec.of("talker", row).save(directory / "run.toml")
    write_card(directory / "model.toml", "talker", row)
    rows = {name: record.to_table() for name, record in read_records(home.registry).items()}
    write_document(home.registry, {"schema": 1, "models": {**rows, "talker": row.to_table()}})


def _make_strange_directory(models: Path, name: str) -> None:
    """A directory that looks like a model's, but for its name."""
    name = name.replace("/", "?")[:60] or "?"
    if name.strip("."):
        (models / name).mkdir(exist_ok=True)
        (models / name / "run.toml").write_text("schema = 1\n")


def make_texts(directory: Path, batch: list[str], chance: Random) -> None:
    """A directory of text files with strings for names; one of them is no text."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for number, text in enumerate(chance.sample(batch, 6)):
        name = os.fsencode(f"{number}{plain(text).replace('/', '?')[:60]}.txt")
        with open(os.fsencode(directory) + b"/" + name, "wb") as file:
            file.write(b"\xff\xfe\x00\x00\x01" if number == 5 else utf8(text).encode())


PLUGIN = """
import json, os
from zoo import Dataset, hookimpl
said = json.loads(open(os.environ["EVIL"], encoding="utf-8").read())
print(said[0], flush=True)

@hookimpl
def zoo_datasets():
    said = json.loads(open(os.environ["EVIL"], encoding="utf-8").read())
    yield Dataset(name="offer", summary=said[1], licence=said[2], instructions=said[3])
    yield Dataset(name="odes", summary=said[4], licence=said[5], source="odes:" + said[6].strip())
    yield Dataset(name=said[7], summary="badly named")

@hookimpl
def zoo_open(source, options):
    if source.startswith("odes:"):
        said = json.loads(open(os.environ["EVIL"], encoding="utf-8").read())
        print(said[8])
        raise OSError(said[9])
"""
BROKEN = 'import json, os\nraise ImportError(json.loads(open(os.environ["EVIL"], encoding="utf-8").read())[0])\n'


def install_plugins(site: Path) -> None:
    """Two plugins of strangers, as pip would lay them out, that say what a file tells them to."""
    for name, source in (("evil", PLUGIN), ("broken", BROKEN)):
        info = site / f"zoo_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {name}_plugin\n")
        (site / f"{name}_plugin.py").write_text(source)
