"""From a model's directory to an engine and its vocabulary."""

from pathlib import Path
from typing import Any

from zoo import tables, weights
from zoo.config import ModelConfig
from zoo.corpora.vocab import Vocab, load_vocab
from zoo.engine.cpu import CpuEngine
from zoo.errors import BadData, NotFound, UsageProblem


def load_engine(
    directory: Path, model: dict[str, Any], vocab_sha256: str, weights_sha256: str
) -> tuple[CpuEngine, Vocab]:
    """Raises BadData when weights or vocabulary are missing, damaged, edited, or not of the recorded shape."""
    try:
        config = ModelConfig.from_dict(model)
    except (UsageProblem, TypeError) as error:
        raise BadData(
            f"the record of '{directory.name}' makes no model: {str(error)[: tables.MESSAGE_LENGTH]}"
        ) from None
    path = directory / "vocab.json"
    try:
        vocab = load_vocab(path)
    except NotFound as error:
        raise BadData(str(error)) from None
    if vocab.sha256 != vocab_sha256 or len(vocab) != config.vocab_size:
        raise BadData(f"{path} is not the vocabulary this model was trained with")
    arrays = weights.load_model(directory / "weights.safetensors", config, vocab_sha256, weights_sha256)
    return CpuEngine(config, arrays), vocab
