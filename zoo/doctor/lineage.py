"""What a model has from its parent and from its own way: first weights, an alphabet that grew, snapshots."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial

from zoo import files, weights
from zoo.config import ModelConfig
from zoo.corpora.vocab import Characters, Vocab, load_vocab
from zoo.doctor.finding import TO_THE_TRASH, Finding
from zoo.errors import BadData, NotFound, ZooError
from zoo.home import Home
from zoo.registry import trash
from zoo.registry.model import FIRST_WEIGHTS, Model
from zoo.registry.record import OVER
from zoo.registry.registry import Registry
from zoo.registry.snapshots import sha256_in_name, snapshots
from zoo.runs.init import from_parent
from zoo.runs.spec import Spec


def grown_vocabs(home: Home, model: Model, alphabet: Iterable[str]) -> Iterator[Vocab]:
    """The vocabulary that a fine-tuned model has, if its parent is still here."""
    with suppress(BadData, NotFound):
        if parent := Registry(home).parent_of(model.record):
            vocab = load_vocab(parent.directory / "vocab.json")
            if isinstance(vocab, Characters):
                yield Characters(alphabet, first=vocab.alphabet)


def first_weights(home: Home, model: Model) -> Iterator[Finding]:
    """What is wrong with the weights that a fine-tuned model began with; its parent may still have them."""
    try:
        model.check_first_weights()
        return
    except BadData as error:
        problem = str(error)
    path = model.directory / FIRST_WEIGHTS
    where, there = f"models/{model.name}/{FIRST_WEIGHTS}", path.exists() or path.is_symlink()
    if (data := _from_parent(home, model)) is not None:
        yield Finding(where, problem, "written anew from its parent", partial(_write, home, model, data))
    elif there:
        yield Finding(where, problem, TO_THE_TRASH, partial(trash.put_away, home, path))
    elif model.record.status in OVER:
        yield Finding(where, f"{problem}, so the training cannot be reproduced", "put it back", damage=False)
    else:
        cure = f"put it back, or train anew: {model.record.command}"
        yield Finding(where, f"{problem}, so the training cannot go on", cure)


def _from_parent(home: Home, model: Model) -> bytes | None:
    try:
        spec, vocab = Spec.of(model.name, model.record), load_vocab(model.directory / "vocab.json")
        return from_parent(Registry(home), spec, vocab)
    except ZooError:  # it is gone, or is not what it was
        return None


def _write(home: Home, model: Model, data: bytes) -> None:
    trash.keep_copy(home, model.directory / FIRST_WEIGHTS)
    files.write_bytes(model.directory / FIRST_WEIGHTS, data)


def damaged_snapshots(home: Home, model: Model) -> Iterator[Finding]:
    """Snapshots that are not what their names say, or not of this model."""
    config, vocab_sha256 = ModelConfig.stored(model.record.model), model.record.vocab.sha256
    for path in snapshots(model.directory).values():
        try:
            weights.load_model(path, config, vocab_sha256, sha256_in_name(path))
        except BadData as error:
            away = partial(trash.put_away, home, path)
            yield Finding(str(path.relative_to(home.path)), str(error), TO_THE_TRASH, away)
