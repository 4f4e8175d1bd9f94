"""Weights on disk: safetensors, read into memory with numpy, after a look at the header of our own."""

import json
import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import files
from zoo.config import ModelConfig
from zoo.errors import BadData, NotFound

if TYPE_CHECKING:
    import numpy as np

METADATA = "zoo"
HEADER_LIMIT = 2**24
TENSOR_LIMIT = 2**16
FILE_LIMIT = 2**36
_DTYPE_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}


def to_bytes(tensors: "dict[str, np.ndarray]", metadata: str) -> bytes:
    """A safetensors file as bytes; the same tensors and metadata always give the same bytes.

    There is one metadata key only, for safetensors writes several in an order that changes from run to run.
    """
    import numpy as np
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, {METADATA: metadata})


def from_bytes(data: bytes, where: Path) -> "tuple[dict[str, np.ndarray], str]":
    """Tensors and our metadata of a safetensors file; raises BadData for anything but a whole, plain one."""
    metadata = _checked_header(data, where).get("__metadata__", {}).get(METADATA, "")
    if not isinstance(metadata, str):
        raise BadData(f"{where} is damaged: its metadata is not text")
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data), metadata
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise BadData(f"{where} is damaged: {error}") from None


def _checked_header(data: bytes, where: Path) -> dict[str, Any]:
    """The JSON header, once its sizes agree with each other and with the file."""

    def damaged(why: str) -> BadData:
        return BadData(f"{where} is damaged: {why}")

    size = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 0
    if not 2 <= size <= min(HEADER_LIMIT, len(data) - 8):
        raise damaged("it is cut off or no safetensors file")
    try:
        header = json.loads(data[8 : 8 + size].decode("utf-8"))
    except (ValueError, RecursionError):
        raise damaged("its header is not JSON") from None
    if not isinstance(header, dict) or len(header) > TENSOR_LIMIT:
        raise damaged("its header is not a table of tensors")
    if not isinstance(header.get("__metadata__", {}), dict):
        raise damaged("its metadata is not a table")
    total = 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            begin, end = entry["data_offsets"]
            expected = _DTYPE_SIZES[entry["dtype"]] * math.prod(entry["shape"])
            whole = all(type(n) is int and n >= 0 for n in (begin, end, *entry["shape"])) and end - begin == expected
        except (KeyError, TypeError, ValueError):
            whole = False
        if not whole:
            raise damaged(f"tensor '{name}' makes no sense")
        total = max(total, end)
    if 8 + size + total != len(data):
        raise damaged(f"it has {len(data):,} bytes where its header promises {8 + size + total:,}")
    return header


def save_model(path: Path, tensors: "dict[str, np.ndarray]", config: ModelConfig, vocab_sha256: str) -> str:
    """Write a model's weights with its shape and vocabulary's hash; returns the file's sha256."""
    import hashlib

    data = to_bytes(tensors, _about(config, vocab_sha256))
    files.write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def _about(config: ModelConfig, vocab_sha256: str) -> str:
    return json.dumps({"model": config.to_dict(), "vocab_sha256": vocab_sha256}, sort_keys=True)


def load_model(path: Path, config: ModelConfig, vocab_sha256: str, sha256: str | None) -> "dict[str, np.ndarray]":
    """The weights of a model of this shape and vocabulary, all finite float32; raises BadData for any others, and when
    the file is missing, damaged or edited."""
    import hashlib

    import numpy as np

    try:
        data = files.read_bytes(path, limit=FILE_LIMIT)
    except NotFound as error:
        raise BadData(str(error)) from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        from_bytes(data, path)  # says it better, when the file is cut off or no weights at all
        raise BadData(f"{path} was changed since it was trained: its sha256 is not the recorded one")
    tensors, metadata = from_bytes(data, path)
    expected = config.weight_shapes()
    for name in expected.keys() | tensors.keys():
        have, want = tensors.get(name), expected.get(name)
        if have is None or want is None or have.shape != want or have.dtype != np.float32:
            raise BadData(f"{path} does not fit its model: tensor '{name}'")
        if not np.isfinite(have).all():
            raise BadData(f"{path} holds numbers that are not finite: tensor '{name}'")
    if metadata != _about(config, vocab_sha256):
        raise BadData(f"{path} belongs to a model of another shape or vocabulary")
    return tensors
