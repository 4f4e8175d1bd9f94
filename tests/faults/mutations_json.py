"""Damage to a JSON file."""

import json
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from faults.mutations import ANY, DEEP, LINES, LONG, NUMBERS, SHORT_KEYS, Form, quoted, words

PLACE = "\ue000place\ue000"
WORDS = words("/outside/of/all")
_JSON_OTHERS = [
    "null", "true", "[]", "{}", "[[]]", '{"a": {"b": []}}', "NaN", "Infinity", "-Infinity", '""', '"a"',
    "", "'a'", "01", "+1", '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"',
    "[" * 50 + "]" * 50, "[" * DEEP, '{"a":' * DEEP, "[" * 400 + "]" * 400,
]  # fmt: skip
JSON_VALUES = [*NUMBERS, *_JSON_OTHERS, *map(quoted, WORDS)]


def set_a_json_value(data: bytes, chance: Random) -> bytes:
    return _json(_with_a_place(parsed(data), chance).replace(quoted(PLACE), chance.choice(JSON_VALUES)))


def edit_a_string(data: bytes, chance: Random) -> bytes:
    return _json(json.dumps(_edited(parsed(data), chance), ensure_ascii=chance.random() < 0.5)) if data else data


def add_a_json_pair(data: bytes, chance: Random) -> bytes:
    pair = f"{quoted(chance.choice([*WORDS, 'kind', 'schema', 'alphabet']))}: {chance.choice(JSON_VALUES)}, "
    return data.replace(b"{", b"{" + _json(pair), 1)


def _json(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return {}


def _nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _nodes(item, (*path, key))


def _put(value: Any, path: Iterable[Any], new: Any) -> Any:
    """The value with another one at a place in it."""
    path = tuple(path)
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = _put(value[path[0]], path[1:], new)
    return copy


def _with_a_place(value: Any, chance: Random) -> str:
    """JSON with PLACE somewhere, which is to be replaced by what json.dumps would not write."""
    made = json.dumps(_put(value, chance.choice(list(_nodes(value))), PLACE), ensure_ascii=False)
    return made if quoted(PLACE) in made else quoted(PLACE)


def _edited(value: Any, chance: Random) -> Any:
    """The value with a character more, less or changed in one of its strings or keys."""
    strings = [(path, at) for path, at in _leaves(value) if isinstance(at, str)]
    if not strings:
        return value
    path, text = chance.choice(strings)
    at = chance.randrange(len(text) + 1)
    odd = chance.choice(
        ["\x1b", "\ud800", "\udcff", "\u202e", "\0", "é", "😀", "\x9b", "a", "", text[:1], "\u0301" * 20]
    )
    return _put(value, path, text[:at] + odd + text[at + chance.randrange(2) :])


def _leaves(value: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for path in _nodes(value):
        found = value
        for key in path:
            found = found[key]
        yield path, found


# Large: what is slow or takes a great deal of memory when it is read with no limit.


def a_json_of_many_pairs(data: bytes, chance: Random) -> bytes:
    return data.replace(b"{", b"{" + "".join(f'"{key}": 1, ' for key in SHORT_KEYS).encode(), 1)


def a_json_with_a_long_key(data: bytes, chance: Random) -> bytes:
    return data.replace(b"{", b'{"' + b"k" * LONG + b'": 1, ', 1)


def a_json_with_a_long_string(data: bytes, chance: Random) -> bytes:
    return data.replace(b": ", b': "' + "é\\u001b".encode() * (LONG // 8) + b'", "z": ', 1)


def a_json_of_deep_arrays(data: bytes, chance: Random) -> bytes:
    return b"[" * LONG + b"]" * LONG


def a_json_of_deep_objects(data: bytes, chance: Random) -> bytes:
    return b'{"a":' * LONG


def a_json_of_many_digits(data: bytes, chance: Random) -> bytes:
    return data.replace(b": ", b": " + b"7" * LONG + b', "z": ', 1)


def a_json_of_everything(data: bytes, chance: Random) -> bytes:
    """An alphabet of a great many characters."""
    alphabet = "".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x20000)]))
    return json.dumps({"schema": 1, "kind": "characters", "alphabet": alphabet}).encode()


JSON_HEAVY = (
    a_json_of_many_pairs, a_json_with_a_long_key, a_json_with_a_long_string, a_json_of_deep_arrays,
    a_json_of_deep_objects, a_json_of_many_digits, a_json_of_everything,
)  # fmt: skip
JSON = Form((*[set_a_json_value, edit_a_string, add_a_json_pair] * 3, *LINES, *ANY), JSON_HEAVY)
