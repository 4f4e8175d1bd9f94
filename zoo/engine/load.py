"""From a model's directory to an engine and its vocabulary."""

from pathlib import Path
from typing import Any

from zoo import tables, weights
from zoo.config import ModelConfig
from zoo.corpora.vocab import Vocab, load_vocab
from zoo.engine.cpu import CpuEngine
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.registry.model import WEIGHTS, Model


def engine_of(model: Model) -> tuple[CpuEngine, Vocab]:
    """Raises BadData for a model that has no weights yet, and as `load_engine` does."""
    record = model.record
    if record.weights_sha256 is None:
        how = f"; go on with: zoo resume {model.name}" if model.status == "interrupted" else ""
        raise BadData(f"'{model.name}' has no weights yet: its status is {model.status}{how}")
    return load_engine(model.directory, record.model, record.vocab.sha256, record.weights_sha256, model.weights_path)


def load_engine(
    directory: Path, model: dict[str, Any], vocab_sha256: str, weights_sha256: str, path: Path | None = None
) -> tuple[CpuEngine, Vocab]:
    """Raises BadData when weights or vocabulary are missing, damaged, edited, or not of the recorded shape."""
    try:
        config = ModelConfig.from_dict(model)
    except (UsageProblem, TypeError) as error:
        raise BadData(
            f"the record of '{directory.name}' makes no model: {str(error)[: tables.MESSAGE_LENGTH]}"
        ) from None
    try:
        vocab = load_vocab(directory / "vocab.json")
    except NotFound as error:
        raise BadData(str(error)) from None
    if vocab.sha256 != vocab_sha256 or len(vocab) != config.vocab_size:
        raise BadData(f"{directory / 'vocab.json'} is not the vocabulary this model was trained with")
    arrays = weights.load_model(path or directory / WEIGHTS, config, vocab_sha256, weights_sha256)
    return CpuEngine(config, arrays), vocab
