"""From a model's directory to an engine and its vocabulary."""

from typing import TYPE_CHECKING

from zoo import tables, weights
from zoo.config import ModelConfig
from zoo.corpora.vocab import Vocab, load_vocab
from zoo.engine.engine import Engine
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.registry.model import Model

if TYPE_CHECKING:
    import numpy as np


def make_engine(config: ModelConfig, arrays: "dict[str, np.ndarray]", device: str = "cpu") -> Engine:
    """The fastest engine for a device: on a CPU the native one, where it could be built, else numpy.

    Raises UsageProblem for a device that is not here.
    """
    if device != "cpu":
        from zoo.gpt.device import choose_device  # first: zoo.gpt says how torch is to be loaded

        device = choose_device(device)
        if device != "cpu":
            from zoo.engine.torch import TorchEngine

            return TorchEngine(config, arrays, device)
    if _is_compiled():
        from zoo.engine.native import NativeEngine, can_compute

        if can_compute(config):
            return NativeEngine(config, arrays)
    from zoo.engine.numpy import NumpyEngine

    return NumpyEngine(config, arrays)


def _is_compiled() -> bool:
    """Whether there was a C compiler when zoo was installed."""
    try:
        from zoo.engine import _native  # noqa: F401
    except ImportError:
        return False
    return True


def engine_of(model: Model, device: str = "cpu") -> tuple[Engine, Vocab]:
    """A model's engine and vocabulary; raises as `parts_of` does."""
    config, arrays, vocab = parts_of(model)
    return make_engine(config, arrays, device), vocab


def parts_of(model: Model) -> "tuple[ModelConfig, dict[str, np.ndarray], Vocab]":
    """What an engine is made of, and the vocabulary.

    Raises BadData for a model that has no weights yet, and when weights or vocabulary are missing, damaged, edited, or
    not of the recorded shape.
    """
    record, path = model.record, model.directory / "vocab.json"
    if record.weights_sha256 is None:
        how = f"; go on with: zoo resume {model.name}" if model.status == "interrupted" else ""
        raise BadData(f"'{model.name}' has no weights yet: its status is {model.status}{how}")
    try:
        config = ModelConfig.stored(record.model)
    except (UsageProblem, TypeError) as error:
        why = str(error)[: tables.MESSAGE_LENGTH]
        raise BadData(f"the record of '{model.name}' makes no model: {why}") from None
    try:
        vocab = load_vocab(path)
    except NotFound as error:
        raise BadData(str(error)) from None
    if vocab.sha256 != record.vocab.sha256 or len(vocab) != config.vocab_size:
        raise BadData(f"{path} is not the vocabulary this model was trained with")
    return config, weights.load_model(model.weights_path, config, vocab.sha256, record.weights_sha256), vocab
