"""Weights on disk: safetensors, read into memory with numpy, after a look at the header of our own."""

import json
import math
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import files, tables
from zoo.config import STORED_DTYPES, ModelConfig
from zoo.errors import BadData, NotFound, UsageProblem, ZooError

if TYPE_CHECKING:
    import numpy as np

METADATA = "zoo"
HEADER_LIMIT = 2**22  # the checkpoint of the deepest model has less than half of that
TENSOR_LIMIT = 2**16
DIMENSIONS = 8
NAME_LENGTH = 80  # as far as a message quotes a name that a file made up
_DTYPE_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}


def to_bytes(tensors: "dict[str, np.ndarray]", metadata: str) -> bytes:
    """A safetensors file as bytes; the same tensors and metadata always give the same bytes.

    There is one metadata key only, for safetensors writes several in an order that changes from run to run.
    """
    import numpy as np
    from safetensors.numpy import save

    return save({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}, {METADATA: metadata})


def read(path: Path, *, limit: int) -> bytes:
    """The bytes of a safetensors file, read only once its size is what its header promises; raises as `files.opened`
    does, and BadData for a file that is damaged or has more than `limit` bytes."""
    with files.opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        _checked_header(file.read(8 + HEADER_LIMIT), size, path)
        if size > limit:
            raise BadData(f"{path} has {size:,} bytes, more than the {limit:,} allowed")
        file.seek(0)
        return file.read(size)


def refuse_newer(path: Path, kind: str = "weights") -> None:
    """Raise NewerSchema for a file whose metadata state a later schema than the one known for its kind; one that states
    none is of the first."""
    told = None
    with suppress(ZooError, ValueError, KeyError, TypeError, RecursionError, struct.error), files.opened(path) as file:
        (size,) = struct.unpack("<Q", file.read(8))
        told = _parsed(json.loads(file.read(min(size, HEADER_LIMIT)))["__metadata__"][METADATA])
    tables.refuse_newer(told, path, kind)


def from_bytes(data: bytes, where: Path) -> "tuple[dict[str, np.ndarray], str]":
    """Tensors and our metadata of a safetensors file; raises BadData for anything but a whole, plain one."""
    metadata = _checked_header(data, len(data), where).get("__metadata__", {}).get(METADATA, "")
    if not isinstance(metadata, str):
        raise BadData(f"{where} is damaged: its metadata is not text")
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data), metadata
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise BadData(f"{where} is damaged: {error}") from None


def _checked_header(data: bytes, length: int, where: Path) -> dict[str, Any]:
    """The JSON header at the beginning of `data`, once its sizes agree with each other and with the file's length."""

    def damaged(why: str) -> BadData:
        return BadData(f"{where} is damaged: {why}")

    size = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 0
    if not 2 <= size <= min(HEADER_LIMIT, length - 8):
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
        if (end := _end_of(entry)) is None:
            raise damaged(f"tensor '{name[:NAME_LENGTH]}' makes no sense")
        total = max(total, end)
    if 8 + size + total != length:
        raise damaged(f"it has {length:,} bytes where its header promises {8 + size + total:,}")
    return header


def _end_of(entry: Any) -> int | None:
    """Where the numbers of a tensor end, None for an entry that contradicts itself."""
    try:
        begin, end = entry["data_offsets"]
        shape, size = entry["shape"], _DTYPE_SIZES[entry["dtype"]]
        if len(shape) > DIMENSIONS or not all(type(n) is int and 0 <= n < 2**63 for n in (begin, end, *shape)):
            return None
        return end if end - begin == size * math.prod(shape) else None
    except (KeyError, TypeError, ValueError):
        return None


def save_model(path: Path, tensors: "dict[str, np.ndarray]", config: ModelConfig, vocab_sha256: str) -> str:
    """Write a model's weights with its shape and vocabulary's hash; returns the file's sha256."""
    import hashlib

    data = model_bytes(tensors, config, vocab_sha256)
    files.write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def model_bytes(tensors: "dict[str, np.ndarray]", config: ModelConfig, vocab_sha256: str) -> bytes:
    """The file of a model's weights as bytes."""
    return to_bytes(tensors, _about(config, vocab_sha256))


def _about(config: ModelConfig, vocab_sha256: str) -> str:
    return json.dumps({"model": config.to_dict(), "vocab_sha256": vocab_sha256}, sort_keys=True)


def _parsed(metadata: object) -> dict[str, Any]:
    """Our metadata as a table; an empty one for anything else."""
    try:
        table = json.loads(metadata) if isinstance(metadata, str) else None
    except (ValueError, RecursionError):
        table = None
    return table if isinstance(table, dict) else {}


def described_by(path: Path) -> tuple[ModelConfig, str]:
    """Return the shape and the sha256 of the vocabulary that a weights file states in its own header.

    Raises BadData when the header is damaged, or when the tensors are not those of that shape; else as `read`.
    """
    header = _header_of(path)
    told = _parsed(header.pop("__metadata__", {}).get(METADATA))
    try:
        config, vocab_sha256 = ModelConfig.stored(told["model"]), told["vocab_sha256"]
    except (KeyError, TypeError, UsageProblem):
        raise BadData(f"{path} does not say what model it is of") from None
    if {name: tuple(entry["shape"]) for name, entry in header.items()} != config.weight_shapes():
        raise BadData(f"{path} does not have the tensors of the shape that it states")
    return config, vocab_sha256


def _header_of(path: Path) -> dict[str, Any]:
    with files.opened(path) as file:
        return _checked_header(file.read(8 + HEADER_LIMIT), os.fstat(file.fileno()).st_size, path)


def limit_of(config: ModelConfig) -> int:
    """Bytes that the weights of a model of this shape cannot exceed."""
    return 8 + HEADER_LIMIT + 4 * config.parameters()


def load_model(path: Path, config: ModelConfig, vocab_sha256: str, sha256: str | None) -> "dict[str, np.ndarray]":
    """The weights of a model of this shape and vocabulary, all finite, in float32 however they are stored; raises
    BadData for any others, and when the file is missing, damaged or edited."""
    import hashlib

    import numpy as np

    refuse_newer(path)
    try:
        data = read(path, limit=limit_of(config))
    except NotFound as error:
        raise BadData(str(error)) from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise BadData(f"{path} was changed since it was trained: its sha256 is not the recorded one")
    tensors, metadata = from_bytes(data, path)
    expected = config.weight_shapes()
    for name in sorted(expected.keys() | tensors.keys()):
        have, want = tensors.get(name), expected.get(name)
        if have is None or want is None or have.shape != want or have.dtype.name not in STORED_DTYPES:
            raise BadData(f"{path} does not fit its model: tensor '{name[:NAME_LENGTH]}'")
        if not np.isfinite(have).all():
            raise BadData(f"{path} holds numbers that are not finite: tensor '{name}'")
    if _parsed(metadata) != _parsed(_about(config, vocab_sha256)):
        raise BadData(f"{path} belongs to a model of another shape or vocabulary")
    return {name: tensor.astype(np.float32, copy=False) for name, tensor in tensors.items()}
