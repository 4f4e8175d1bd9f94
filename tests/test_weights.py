"""Weights on disk: what was saved comes back, and nothing that is damaged does."""

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from zoo.config import ModelConfig
from zoo.errors import BadData
from zoo.weights import from_bytes, load_model, save_model

CONFIG = ModelConfig(n_layer=1, n_head=2, n_embd=8, block_size=4).resolve(5)
VOCAB_SHA256 = "hash of the vocabulary"
ABOUT = json.dumps({"model": CONFIG.to_dict(), "vocab_sha256": VOCAB_SHA256}, sort_keys=True)


def make_tensors(config: ModelConfig = CONFIG) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in config.weight_shapes().items()}


@pytest.fixture
def saved(tmp_path) -> tuple[Path, str]:
    path = tmp_path / "weights.safetensors"
    return path, save_model(path, make_tensors(), CONFIG, VOCAB_SHA256)


def with_header(header: object, body: bytes = b"", size: int | None = None) -> bytes:
    """A file with that header, which need not be true."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + body


def test_weights_come_back_as_they_were(saved):
    path, sha256 = saved
    loaded = load_model(path, CONFIG, VOCAB_SHA256, sha256)
    assert loaded.keys() == make_tensors().keys()
    for name, tensor in make_tensors().items():
        assert loaded[name].dtype == tensor.dtype
        assert loaded[name].tobytes() == tensor.tobytes()


def test_weights_stored_in_half_the_bytes_come_back_as_float32(tmp_path):
    half = {name: tensor.astype(np.float16) for name, tensor in make_tensors().items()}
    sha256 = save_model(tmp_path / "weights.safetensors", half, CONFIG, VOCAB_SHA256)
    loaded = load_model(tmp_path / "weights.safetensors", CONFIG, VOCAB_SHA256, sha256)
    assert {tensor.dtype for tensor in loaded.values()} == {np.dtype(np.float32)}
    assert all(np.array_equal(loaded[name], tensor) for name, tensor in half.items())


def test_the_sha256_is_that_of_the_file_and_the_same_every_time(saved, tmp_path):
    path, sha256 = saved
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    shuffled = dict(reversed(make_tensors().items()))
    assert save_model(tmp_path / "again.safetensors", shuffled, CONFIG, VOCAB_SHA256) == sha256
    assert save_model(tmp_path / "other.safetensors", shuffled, CONFIG, "another hash") != sha256
    again = {save_model(tmp_path / "again.safetensors", shuffled, CONFIG, VOCAB_SHA256) for _ in range(20)}
    assert again == {sha256}


def test_the_file_tells_its_shape_and_its_vocabulary(saved):
    path, _ = saved
    about = json.loads(from_bytes(path.read_bytes(), path)[1])
    assert ModelConfig.from_dict(about["model"]) == CONFIG
    assert about["vocab_sha256"] == VOCAB_SHA256


def test_weights_that_are_not_contiguous_are_saved_right(tmp_path):
    tensors = {name: np.asfortranarray(tensor) for name, tensor in make_tensors().items()}
    sha256 = save_model(tmp_path / "weights.safetensors", tensors, CONFIG, VOCAB_SHA256)
    loaded = load_model(tmp_path / "weights.safetensors", CONFIG, VOCAB_SHA256, sha256)
    assert all(np.array_equal(loaded[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 100, 500, -1000, -4, -1])
@pytest.mark.parametrize("with_sha256", [True, False])
def test_a_file_that_is_cut_off_is_bad_data(saved, kept, with_sha256):
    path, sha256 = saved
    data = path.read_bytes()
    path.write_bytes(data[:kept])
    with pytest.raises(BadData, match="is damaged"):
        load_model(path, CONFIG, VOCAB_SHA256, sha256 if with_sha256 else None)


def test_a_file_with_something_behind_it_is_bad_data(saved):
    path, _ = saved
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BadData, match="where its header promises"):
        load_model(path, CONFIG, VOCAB_SHA256, None)


@pytest.mark.parametrize("place", [0, 3, 7, 8, 9, 40, 200, 400, -1, -100, -1000])
@pytest.mark.parametrize("bit", [0, 4, 7])
def test_a_flipped_bit_is_bad_data(saved, place, bit):
    path, sha256 = saved
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)
    with pytest.raises(BadData, match=r"weights\.safetensors"):
        load_model(path, CONFIG, VOCAB_SHA256, sha256)


def test_another_sha256_is_bad_data(saved):
    path, _ = saved
    with pytest.raises(BadData, match="was changed since it was trained"):
        load_model(path, CONFIG, VOCAB_SHA256, "0" * 64)


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
LIES = {
    "no JSON": with_header(b"{not json"),
    "no UTF-8": with_header(b'{"\xff": 1}'),
    "nested deeply": with_header(b"[" * 100_000),
    "no table": with_header([1, 2]),
    "a tensor that is none": with_header({"a": 3}),
    "an empty tensor": with_header({"a": {}}),
    "an unknown dtype": with_header({"a": {**ENTRY, "dtype": "F31"}}, b"\0" * 8),
    "a dtype that is none": with_header({"a": {**ENTRY, "dtype": ["F32"]}}, b"\0" * 8),
    "a shape that does not fit": with_header({"a": {**ENTRY, "shape": [3]}}, b"\0" * 8),
    "a negative shape": with_header({"a": {**ENTRY, "shape": [-1, -2]}}, b"\0" * 8),
    "a shape of no whole numbers": with_header({"a": {**ENTRY, "shape": [2.0]}}, b"\0" * 8),
    "a shape of words": with_header({"a": {**ENTRY, "shape": "ab"}}, b"\0" * 8),
    "a shape of nothing": with_header({"a": {**ENTRY, "shape": None}}, b"\0" * 8),
    "a huge shape": with_header({"a": {**ENTRY, "shape": [2**62, 2**62], "data_offsets": [0, 2**126]}}),
    "offsets backwards": with_header({"a": {**ENTRY, "data_offsets": [8, 0]}}, b"\0" * 8),
    "offsets below nothing": with_header({"a": {**ENTRY, "data_offsets": [-8, 0]}}),
    "three offsets": with_header({"a": {**ENTRY, "data_offsets": [0, 4, 8]}}, b"\0" * 8),
    "offsets beyond the end": with_header({"a": {**ENTRY, "data_offsets": [8, 16]}}, b"\0" * 8),
    "a hole": with_header({"a": {**ENTRY, "data_offsets": [8, 16]}}, b"\0" * 16),
    "two tensors in one place": with_header({"a": ENTRY, "b": ENTRY}, b"\0" * 8),
    "metadata that are no table": with_header({"__metadata__": [1], "a": ENTRY}, b"\0" * 8),
    "metadata that are no text": with_header({"__metadata__": {"n": 1}, "a": ENTRY}, b"\0" * 8),
    "a header longer than the file": with_header({"a": ENTRY}, b"\0" * 8, size=10_000),
    "a header of exabytes": with_header({"a": ENTRY}, b"\0" * 8, size=2**63),
    "a header of nothing": with_header(b"", size=0),
    "too many tensors": with_header({str(n): {**ENTRY, "data_offsets": [0, 0], "shape": [0]} for n in range(5000)}),
    "a pickle": b"\x80\x04\x95" + b"\0" * 100,
    "a dtype numpy lacks": with_header({"a": {**ENTRY, "dtype": "BF16", "data_offsets": [0, 4]}}, b"\0" * 4),
}


@pytest.mark.parametrize("data", LIES.values(), ids=LIES)
def test_a_header_that_lies_is_bad_data(tmp_path, data):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(data)
    with pytest.raises(BadData, match=r"weights\.safetensors"):
        load_model(path, CONFIG, VOCAB_SHA256, None)


def save(path: Path, tensors: dict[str, np.ndarray]) -> str:
    """As anybody could write such a file."""
    data = safetensors.numpy.save(tensors)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_bad_data(tmp_path, value):
    tensors = make_tensors()
    tensors["head.weight"][-1, -1] = value
    sha256 = save(tmp_path / "weights.safetensors", tensors)
    with pytest.raises(BadData, match=r"not finite: tensor 'head\.weight'"):
        load_model(tmp_path / "weights.safetensors", CONFIG, VOCAB_SHA256, sha256)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("head.weight", (8, 5)), ("norm.weight", (8, 1)), ("norm.weight", ()), ("wte.weight", (6, 8))],
)
def test_a_tensor_of_another_shape_is_bad_data(tmp_path, name, shape):
    sha256 = save(tmp_path / "weights.safetensors", {**make_tensors(), name: np.zeros(shape, dtype=np.float32)})
    with pytest.raises(BadData, match=f"does not fit its model: tensor '{name}'"):
        load_model(tmp_path / "weights.safetensors", CONFIG, VOCAB_SHA256, sha256)


def test_a_missing_tensor_is_bad_data(tmp_path):
    tensors = make_tensors()
    del tensors["norm.weight"]
    sha256 = save(tmp_path / "weights.safetensors", tensors)
    with pytest.raises(BadData, match=r"does not fit its model: tensor 'norm\.weight'"):
        load_model(tmp_path / "weights.safetensors", CONFIG, VOCAB_SHA256, sha256)


def test_one_tensor_too_many_is_bad_data(tmp_path):
    sha256 = save(tmp_path / "weights.safetensors", {**make_tensors(), "norm.bias": np.zeros(8, dtype=np.float32)})
    with pytest.raises(BadData, match=r"does not fit its model: tensor 'norm\.bias'"):
        load_model(tmp_path / "weights.safetensors", CONFIG, VOCAB_SHA256, sha256)


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.bool_])
def test_weights_that_are_no_real_numbers_are_bad_data(tmp_path, dtype):
    tensors = {**make_tensors(), "norm.weight": np.ones(8, dtype=dtype)}
    sha256 = save(tmp_path / "weights.safetensors", tensors)
    with pytest.raises(BadData, match=r"tensor 'norm\.weight'"):
        load_model(tmp_path / "weights.safetensors", CONFIG, VOCAB_SHA256, sha256)


def test_weights_of_another_model_are_bad_data(saved):
    path, sha256 = saved
    other = ModelConfig(n_layer=2, n_head=2, n_embd=8, block_size=4).resolve(5)
    with pytest.raises(BadData, match="does not fit its model"):
        load_model(path, other, VOCAB_SHA256, sha256)


def test_a_folder_in_the_place_of_the_weights_is_bad_data(tmp_path):
    (tmp_path / "weights.safetensors").mkdir()
    with pytest.raises(BadData, match="not a regular file"):
        load_model(tmp_path / "weights.safetensors", CONFIG, VOCAB_SHA256, None)
