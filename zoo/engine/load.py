"""From a model's directory to an engine and its vocabulary."""

from pathlib import Path
from typing import Any

from zoo import weights
from zoo.config import ModelConfig
from zoo.corpora.vocab import Vocab, load_vocab
from zoo.engine.cpu import CpuEngine
from zoo.errors import BadData


def load_engine(
    directory: Path, model: dict[str, Any], vocab_sha256: str, weights_sha256: str | None
) -> tuple[CpuEngine, Vocab]:
    """Raises BadData when weights or vocabulary are missing, damaged, edited, or do not belong together."""
    config = ModelConfig.from_dict(model)
    for path in (directory / "vocab.json", directory / "weights.safetensors"):
        if not path.exists():
            raise BadData(f"{path} is missing")
    vocab = load_vocab(directory / "vocab.json")
    if vocab.sha256 != vocab_sha256 or len(vocab) != config.vocab_size:
        raise BadData(f"{directory / 'vocab.json'} is not the vocabulary this model was trained with")
    return CpuEngine(config, weights.load_model(directory / "weights.safetensors", config, weights_sha256)), vocab
