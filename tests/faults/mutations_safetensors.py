"""Damage to a safetensors file: eight bytes of length, a header of JSON, then numbers."""

import json
import struct
from collections.abc import Callable
from random import Random
from typing import Any

from faults.mutations import ANY, DEEP, LONG, SHORT_KEYS, Form
from faults.mutations_json import WORDS, parsed, set_a_json_value


def split(data: bytes) -> tuple[bytes, bytes]:
    """Header and numbers of a whole file."""
    size = struct.unpack("<Q", data[:8])[0]
    return data[8 : 8 + size], data[8 + size :]


def joined(header: bytes, numbers: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + numbers


def _on_an_entry(data: bytes, chance: Random, change: Callable[[dict[str, Any]], None]) -> bytes:
    try:
        header, numbers = split(data)
        table = json.loads(header)
        entry = table[chance.choice([key for key in table if key != "__metadata__"])]
        change(entry)
        return joined(json.dumps(table).encode(), numbers)
    except (ValueError, struct.error, LookupError, TypeError, AttributeError, RecursionError):  # damaged before
        return data


def _on_the_table(data: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """The file with its header changed; as it is, when it was damaged beyond that before."""
    try:
        header, numbers = split(data)
        return joined(json.dumps(change(json.loads(header))).encode(), numbers)
    except (ValueError, struct.error, LookupError, TypeError, AttributeError, RecursionError):
        return data


def set_a_header_value(data: bytes, chance: Random) -> bytes:
    if len(data) < 8:
        return data
    header, numbers = split(data)
    return joined(set_a_json_value(header, chance), numbers)


def set_the_length(data: bytes, chance: Random) -> bytes:
    lengths = [
        0, 1, 2, 7, len(data), max(len(data) - 8, 0), 2**24, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1,
        chance.randrange(4_000),
    ]  # fmt: skip
    return struct.pack("<Q", chance.choice(lengths)) + data[8:]


NAN = float("nan")
SHAPES: list[Any] = [
    [], [0], [-1], [-1, -1], [1], [2**31], [2**63], [2**64], [2**32, 2**32], [2**63, 0], [1.5], [1e400], [NAN], ["a"],
    [None], [10**9, "a"], [2**63, "a"], [4, "a"], [True], [[1]], {"0": 1}, "16", 16, None, [1] * 70, [16, 1, 16],
    [10**400, 1.5], [0, 2**70],
]  # fmt: skip


def set_the_shape(data: bytes, chance: Random) -> bytes:
    shape = chance.choice(SHAPES)
    return _on_an_entry(data, chance, lambda entry: entry.update(shape=shape))


def set_the_offsets(data: bytes, chance: Random) -> bytes:
    """Overlaps, holes, and what lies before the beginning or behind the end."""

    def change(entry: dict[str, Any]) -> None:
        begin, end = entry["data_offsets"]
        entry["data_offsets"] = chance.choice([
            [end, begin], [begin + 4, end + 4], [begin - 4, end - 4], [0, end - begin], [begin, begin], [begin],
            [begin, end, end], [2**63, 2**63 + end - begin], [-1, end], [begin, 2**64], [str(begin), str(end)],
            [begin + 1e400, end], [True, end], [float(begin), float(end)], {"0": begin, "1": end}, None,
        ])  # fmt: skip

    return _on_an_entry(data, chance, change)


def set_the_dtype(data: bytes, chance: Random) -> bytes:
    dtype = chance.choice([
        "F64", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "F4", "", "f32", None, 4, [], {}, "C64", "U64",
    ])  # fmt: skip
    return _on_an_entry(data, chance, lambda entry: entry.update(dtype=dtype))


PROGRESS = ["step", "evaluated_step", "best_step", "best_val_loss", "train_loss", "loss_sum", "loss_count", "seconds"]


def set_the_metadata(data: bytes, chance: Random) -> bytes:
    metadata = chance.choice([
        None, [], "text", 7, {"zoo": 7}, {"zoo": None}, {"zoo": {}}, {7: 8}, {"zoo": ""}, {"zoo": "{}"}, {"zoo": "[]"},
        {"zoo": "{"}, {"zoo": "\x1b[31m"}, {"zoo": "[" * DEEP}, {"zoo": "x" * 9, "other": "y"}, {"format": "pt"},
        *({"zoo": json.dumps(dict.fromkeys(PROGRESS, odd))} for odd in (0, -1, 1e400, "1", None, [], 2**70, 1.5, True)),
    ])  # fmt: skip
    return _on_the_table(data, lambda table: {**table, "__metadata__": metadata})


def set_progress(data: bytes, chance: Random) -> bytes:
    """Of a checkpoint: one of the numbers in its metadata."""

    def change(table: dict[str, Any]) -> dict[str, Any]:
        progress = json.loads(table["__metadata__"]["zoo"])
        key = chance.choice([*progress, "other"])
        progress[key] = chance.choice([0, -1, 1, 7, 10**9, 2**70, 1.5, NAN, 1e400, "1", None, True, [], {}])
        return {**table, "__metadata__": {"zoo": json.dumps(progress)}}

    return _on_the_table(data, change)


def rename_a_tensor(data: bytes, chance: Random) -> bytes:
    def change(table: dict[str, Any]) -> dict[str, Any]:
        old = chance.choice(list(table))
        new = chance.choice([*WORDS, *table, "model.x", "best.x", "optimizer.x", "optimizer.step.x", "a.b.c"])
        return {(new if key == old else key): entry for key, entry in table.items()}

    return _on_the_table(data, change)


def swap_two_tensors(data: bytes, chance: Random) -> bytes:
    def change(table: dict[str, Any]) -> dict[str, Any]:
        one, other = chance.sample([key for key in table if key != "__metadata__"], 2)
        return {**table, one: table[other], other: table[one]}

    return _on_the_table(data, change)


def drop_a_tensor(data: bytes, chance: Random) -> bytes:
    def change(table: dict[str, Any]) -> dict[str, Any]:
        gone = chance.choice(list(table))
        return {key: entry for key, entry in table.items() if key != gone}

    return _on_the_table(data, change)


def repeat_a_key(data: bytes, chance: Random) -> bytes:
    if len(data) < 8:
        return data
    header, numbers = split(data)
    table = parsed(header)
    if not isinstance(table, dict) or not table:
        return data
    key = chance.choice(list(table))
    copy = json.dumps({key: table[chance.choice(list(table))]})[1:-1]
    return joined(header.rstrip().removesuffix(b"}") + b", " + copy.encode() + b"}", numbers)


def change_the_numbers(data: bytes, chance: Random) -> bytes:
    if len(data) < 8:
        return data
    header, numbers = split(data)
    odd = chance.choice([b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\x80\xff", b"\xff\xff\x7f\x7f", bytes(4)])
    at = 4 * chance.randrange(len(numbers) // 4 + 1)
    return joined(header, (numbers[:at] + odd + numbers[at + 4 :])[: len(numbers)])


def add_or_cut_numbers(data: bytes, chance: Random) -> bytes:
    return chance.choice(
        [data + b"\0", data + bytes(4), data + bytes(4096), data[:-1], data[:-4], data[: len(data) // 2]]
    )


SAFETENSORS_LIGHT = (
    set_a_header_value, set_the_length, set_the_shape, set_the_offsets, set_the_dtype, set_the_metadata, set_progress,
    rename_a_tensor, swap_two_tensors, drop_a_tensor, repeat_a_key, change_the_numbers, add_or_cut_numbers,
)  # fmt: skip


# Large: headers that are slow or take a great deal of memory when they are read with no limit.


def a_header_of_much_metadata(data: bytes, chance: Random) -> bytes:
    return _on_the_table(data, lambda table: {**table, "__metadata__": {"zoo": "x" * 10 * 2**20}})


def a_header_of_many_tensors(data: bytes, chance: Random) -> bytes:
    nothing = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    return _on_the_table(data, lambda table: {**dict.fromkeys(SHORT_KEYS[:12_000], nothing), **table})


def a_shape_of_many_sizes(data: bytes, chance: Random) -> bytes:
    shape = [2**62] * 40_000
    return _on_the_table(data, lambda table: {**table, "a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}})


def a_shape_that_multiplies_text(data: bytes, chance: Random) -> bytes:
    entry = {"dtype": "F32", "shape": [2**32, "a"], "data_offsets": [0, 0]}
    return _on_the_table(data, lambda table: {**table, "a": entry})


def a_header_with_a_long_name(data: bytes, chance: Random) -> bytes:
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 0]}
    return _on_the_table(data, lambda table: {**table, "\x1b" * LONG: entry})


def a_header_of_deep_arrays(data: bytes, chance: Random) -> bytes:
    return joined(b'{"a":' + b"[" * LONG, b"")


def a_header_of_blanks(data: bytes, chance: Random) -> bytes:
    header, numbers = split(data)
    return joined(header + b" " * 10 * 2**20, numbers)


SAFETENSORS_HEAVY = (
    a_header_of_much_metadata, a_header_of_many_tensors, a_shape_of_many_sizes, a_shape_that_multiplies_text,
    a_header_with_a_long_name, a_header_of_deep_arrays, a_header_of_blanks,
)  # fmt: skip
SAFETENSORS = Form((*SAFETENSORS_LIGHT, *SAFETENSORS_LIGHT, *ANY), SAFETENSORS_HEAVY)
