"""Fine-tuning: a run that begins from the weights of a model instead of from chance.

The weights that it begins with are frozen in its own directory, `init.safetensors`, and their sha256 in its spec: so it
resumes and reproduces whatever becomes of the parent.
"""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from zoo import weights
from zoo.config import DEFAULT_PRESET, ModelConfig, Preset, presets
from zoo.corpora.corpus import Corpus
from zoo.corpora.vocab import Characters, Vocab
from zoo.engine.load import parts_of
from zoo.errors import BadData, Conflict, NotFound, UsageProblem
from zoo.names import split_step, with_step
from zoo.registry.model import FIRST_WEIGHTS, Model
from zoo.registry.registry import Registry
from zoo.runs.spec import Spec

if TYPE_CHECKING:
    import numpy as np

FREE = ("dropout", "vocab_size")  # of a shape: what is of the recipe, and what weights of the parent's can grow in
RATES = ("learning_rate", "min_learning_rate", "matrix_learning_rate")
SOFTER = 0.25  # of a preset's: weights that know something are not to be overthrown (docs/log.md)


@dataclass(frozen=True)
class Parent:
    """A model whose weights another one begins with."""

    model: Model
    config: ModelConfig
    vocab: Vocab
    weights: "dict[str, np.ndarray]"

    @classmethod
    def of(cls, model: Model) -> Self:
        """Raises BadData when the model has no weights yet, or is damaged."""
        config, arrays, vocab = parts_of(model)
        return cls(model, config, vocab, arrays)

    @property
    def reference(self) -> str:
        """How a record names it: by its id, which no rename changes, and the step that was taken, if one was."""
        _, step = split_step(self.model.name)
        return with_step(self.model.record.id, step)

    @property
    def preset(self) -> str:
        """The preset to fine-tune with when none is asked for: that of the parent, where there still is one."""
        return self.model.record.preset if self.model.record.preset in presets() else DEFAULT_PRESET

    def shaped(self, preset: Preset, settings: dict[str, str]) -> Preset:
        """The recipe of a preset for the parent's shape, with smaller steps unless they are set.

        Raises UsageProblem for settings that want another shape.
        """
        shape = dataclasses.replace(self.config, dropout=preset.model.dropout)
        rates = {key: getattr(preset.train, key) * SOFTER for key in RATES}
        train = dataclasses.replace(preset.train, **rates)
        mine = dataclasses.replace(preset, model=shape, train=train).with_settings(settings)
        for key, has in self.config.to_dict().items():
            if key not in FREE and (wanted := getattr(mine.model, key)) != has:
                raise UsageProblem(
                    f"--set {key}={wanted} is another shape than that of '{self.model.name}', whose {key} is {has}; "
                    "a model that begins from its weights has its shape"
                )
        return mine

    def vocab_for(self, corpus: Corpus, wanted: str | None) -> Vocab:
        """The parent's vocabulary, grown by the characters that only the corpus has.

        Raises UsageProblem when one of another kind is wanted.
        """
        if wanted not in (None, self.vocab.kind):
            kind = self.vocab.kind
            raise UsageProblem(f"--vocab {wanted} does not go with --init {self.model.name}, whose ids are {kind}")
        if isinstance(self.vocab, Characters):
            return Characters(corpus.alphabet, first=self.vocab.alphabet)
        return self.vocab

    def first_weights(self, config: ModelConfig, vocab: Vocab) -> bytes:
        """The file that a run of this shape and vocabulary begins with."""
        grown = {name: grow(self.weights[name], shape[0]) for name, shape in config.weight_shapes().items()}
        return weights.model_bytes(grown, config, vocab.sha256)

    def in_spec(self, config: ModelConfig, vocab: Vocab) -> dict[str, Any]:
        """What a spec says of it."""
        sha256 = hashlib.sha256(self.first_weights(config, vocab)).hexdigest()
        return {"parent": self.reference, "init_sha256": sha256}


def grow(array: "np.ndarray", rows: int) -> "np.ndarray":
    """A matrix with as many rows, of which the new ones are the mean of the old.

    So a new id reads as an average one, and is predicted with at most an average id's probability: the others lose
    little to it (Hewitt 2021). A row of noise would be read as something that means nothing.
    """
    import numpy as np

    if not (new := rows - len(array)):
        return array
    mean = array.mean(axis=0, dtype=np.float64, keepdims=True).astype(array.dtype)
    return np.concatenate((array, np.repeat(mean, new, axis=0)))


def from_parent(registry: Registry, spec: Spec, vocab: Vocab) -> bytes | None:
    """The weights that a spec begins with, made anew from its parent; None for a spec without one.

    Raises NotFound when the parent is gone, Conflict when other weights come out than those of the spec.
    """
    if spec.parent is None:
        return None
    model = registry.parent_of(spec.record())
    if model is None:
        raise NotFound(f"the model that '{spec.name}' begins from was removed")
    data = Parent.of(model).first_weights(spec.model, vocab)
    if hashlib.sha256(data).hexdigest() != spec.init_sha256:
        raise Conflict(f"the weights of '{model.name}' are not those that '{spec.name}' begins from")
    return data


def read_frozen(spec: Spec, directory: Path) -> bytes | None:
    """The weights that a run began with, as they lie in its directory; None when it began from chance.

    Raises NotFound when they are missing, BadData when they were changed.
    """
    if spec.init_sha256 is None:
        return None
    path = directory / FIRST_WEIGHTS
    data = weights.read(path, limit=weights.limit_of(spec.model))
    if hashlib.sha256(data).hexdigest() != spec.init_sha256:
        raise BadData(f"{path} was changed since the training began: its sha256 is not that in run.toml")
    return data


def load_frozen(spec: Spec, directory: Path) -> "dict[str, np.ndarray] | None":
    """The same as arrays."""
    if spec.init_sha256 is None:
        return None
    return weights.load_model(directory / FIRST_WEIGHTS, spec.model, spec.vocab.sha256, spec.init_sha256)
