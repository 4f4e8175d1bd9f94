"""Damage: how a file looks that was cut off, flipped, edited by hand or forged."""

import json
import string
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

Change = Callable[[bytes, Random], bytes]
HEAVY_EVERY = 40  # one in so many is large: hundreds of kilobytes
DEEP = 3_000
LONG = 200_000
SHORT_KEYS = [a + b + c for a in string.ascii_lowercase for b in string.ascii_lowercase for c in string.ascii_lowercase]


@dataclass(frozen=True)
class Mutant:
    """A damaged copy, and what was done to it."""

    how: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """What can be done to files of one form, beside cutting them off and flipping their bytes."""

    light: tuple[Change, ...]
    heavy: tuple[Change, ...]


def mutants(original: bytes, form: Form, count: int, chance: Random, *, until: int | None = None) -> Iterator[Mutant]:
    """`count` damaged copies of a file: half of them cut off or flipped at each of the bytes (up to `until`), at places
    drawn at random when there are more, the others changed in one to three of the ways of its form."""
    places = [(kind, at) for at in range(until or len(original)) for kind in ("cut", "flip")]
    if len(places) > count // 2:
        places = chance.sample(places, count // 2)
    for kind, at in places:
        yield Mutant(f"{kind} at {at}", original[:at] if kind == "cut" else flipped(original, at, chance))
    for number in range(count - len(places)):
        if number % HEAVY_EVERY == HEAVY_EVERY - 1:
            changes = [form.heavy[number // HEAVY_EVERY % len(form.heavy)]]
        else:
            changes = [
                form.light[number % len(form.light)],
                *chance.choices(form.light, k=chance.choice([0, 0, 0, 1, 2])),
            ]
        data = original
        for change in changes:
            data = change(data, chance)
        yield Mutant(" + ".join(change.__name__ for change in changes), data)


def flipped(data: bytes, at: int, chance: Random) -> bytes:
    """One byte of it is another one."""
    other = (
        data[at] ^ (1 << chance.randrange(8)) if chance.random() < 0.5 else (data[at] + chance.randrange(1, 256)) % 256
    )
    return data[:at] + bytes([other]) + data[at + 1 :]


# Bytes, whatever they mean.


def flip_some(data: bytes, chance: Random) -> bytes:
    for _ in range(chance.randrange(1, 9)):
        data = flipped(data, chance.randrange(len(data)), chance) if data else data
    return data


def insert_bytes(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(BYTES) + data[at:]


def delete_bytes(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randrange(1, 40) :]


def repeat_bytes(data: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at : at + chance.randrange(1, 80)] * chance.randrange(2, 5) + data[at:]


def zero_a_block(data: bytes, chance: Random) -> bytes:
    """As after a power cut on many file systems."""
    at, length = chance.randrange(len(data) + 1), chance.choice([1, 16, 512])
    return data[:at] + bytes(len(data[at : at + length])) + data[at + length :]


def mark_order(data: bytes, chance: Random) -> bytes:
    return b"\xef\xbb\xbf" + data


def make_crlf(data: bytes, chance: Random) -> bytes:
    return data.replace(b"\n", b"\r\n")


def make_cr(data: bytes, chance: Random) -> bytes:
    return data.replace(b"\n", b"\r")


def recode(data: bytes, chance: Random) -> bytes:
    return data.decode("latin-1").encode(chance.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"]))


def make_junk(data: bytes, chance: Random) -> bytes:
    return chance.choice(
        [b"", b"\n", b" ", b"\0" * 4096, chance.randbytes(1000), b"\x1f\x8b\x08", b"PK\x03\x04", b"\xff" * 64]
    )


BYTES = [
    *[b"\0", b"\xff", b"\xfe\xff", b"\xe9", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xc3"],
    *[
        b"\x1b[31m",
        b"\x1b]52;c;aGk=\x07",
        b"\xc2\x9b2J",
        b"\x7f",
        b"\x08",
        b"\r",
        b"\n",
        b"\t",
        b"\xe2\x80\xae",
        b"\xe2\x80\xa8",
    ],
    *[
        b'"',
        b"'",
        b'"""',
        b"'''",
        b"\\",
        b"[",
        b"]",
        b"[[",
        b"]]",
        b"{",
        b"}",
        b"=",
        b".",
        b",",
        b"#",
        b":",
        b"/",
        b"-",
        b"0",
    ],
]
ANY = (
    flip_some,
    insert_bytes,
    delete_bytes,
    repeat_bytes,
    zero_a_block,
    mark_order,
    make_crlf,
    make_cr,
    recode,
    make_junk,
)


# Lines and words of a text file.


def delete_a_line(data: bytes, chance: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(line for number, line in enumerate(lines) if number != chance.randrange(len(lines) or 1))


def repeat_a_line(data: bytes, chance: Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


def shuffle_lines(data: bytes, chance: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines)


def conflict(data: bytes, chance: Random) -> bytes:
    """As an unfinished merge leaves it."""
    lines = data.splitlines(keepends=True)
    at = chance.randrange(len(lines) + 1)
    part = b"".join(lines[at : at + 2])
    lines[at : at + 2] = [b"<<<<<<< HEAD\n", part, b"=======\n", part, b">>>>>>> other\n"]
    return b"".join(lines)


LINES = (delete_a_line, repeat_a_line, shuffle_lines, conflict)


# What a value may be made.

NAN = float("nan")


def words(victim: str) -> list[str]:
    """Strings that no name, path or word of ours should be; `victim` is a path outside the home."""
    return [
        *[
            "",
            ".",
            "..",
            "../x",
            "../../../../../../etc",
            "models/../../x",
            "models/tiny-nano/..",
            "/etc",
            victim,
            "~",
            "~root",
        ],
        *[
            "a/b",
            "a\\b",
            "C:\\x",
            "%2e%2e%2f",
            "-x",
            "--home",
            "con",
            "com1.txt",
            "x" * 65,
            "x" * 5_000,
            "A",
            "é",
            "😀" * 9,
        ],
        *[
            "a\0b",
            "a\nb",
            "a\rb",
            "\x1b[31mMARK",
            "\x1b]52;c;aGk=\x07",
            "\x9b2J",
            "\x7f\x08",
            "\u202emoc",
            "\u2028",
            "\ufeff",
        ],
        *[
            "ready",
            "training",
            "interrupted",
            "diverged",
            "missing",
            "tiny-nano",
            "halted",
            "gone",
            "tiny",
            "starter",
            "cuda",
        ],
        *[
            "nan",
            "None",
            "0",
            "9999-12-31T23:59:59+00:00",
            "0001-01-01T00:00:00+23:59",
            "[red]",
            "[/]",
            "{}",
            "%s%n",
            "e\u0301" * 50,
        ],
        *["0" * 64, "../../.." + "0" * 56, "f" * 63 + "\n"],
    ]


def quoted(text: str) -> str:
    """A string of TOML and of JSON."""
    plain = {c: f"\\u{ord(c):04x}" for c in map(chr, [*range(32), 127])}
    return '"' + "".join(plain.get(c, "\\" + c if c in '"\\' else c) for c in text) + '"'


NUMBERS = [
    "0",
    "1",
    "-1",
    "2",
    "1.5",
    "-0.0",
    "1e-400",
    "1e400",
    "-1e400",
    "1e308",
    "100000",
    "99999999999",
    "9223372036854775807",
]
NUMBERS += [
    "9223372036854775808",
    "-9223372036854775809",
    str(2**70),
    str(2**200),
    "9" * 5_000,
    "1" + "0" * 400 + ".5",
    "0.1" + "1" * 400,
]


# TOML.


def _toml_values(victim: str) -> list[str]:
    values = [
        *NUMBERS,
        *map(quoted, words(victim)),
        "true",
        "false",
        "nan",
        "inf",
        "-inf",
        "0x" + "f" * 5_000,
        "0b" + "1" * 2_000,
    ]
    values += [
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[1, 'a', {b = 2}]",
        "{a = {b = {c = 1}}}",
        "{a.b.c = 1}",
        "['', '', '']",
        "[[[[1]]]]",
    ]
    values += [
        "1979-05-27",
        "07:32:00",
        "1979-05-27T07:32:00Z",
        "1979-05-27T07:32:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31",
    ]
    values += [
        "'",
        '"',
        "'''",
        '"""a\nb"""',
        "'''\n\n'''",
        "",
        "=",
        "yes",
        "nul",
        "0o9",
        "+",
        "1__0",
        "{a=1,}",
        "[,]",
        "[" * 40 + "]" * 40,
    ]
    return [
        *values,
        '"\\ud800"',
        '"\\x41"',
        '"\\"',
        '"a" "b"',
        "{" * 9,
        "[" * DEEP,
        "{a=" * DEEP,
        "{a." * 90 + "a=1" + "}" * 90,
    ]


def toml(victim: str) -> Form:
    """What can be done to a TOML file."""
    values = _toml_values(victim)
    keys = [
        *map(quoted, words(victim)),
        "a.b",
        "a.b.c.d.e.f",
        "schema",
        "models",
        "extra",
        "name",
        "id",
        "path",
        "directory",
        "",
        "=",
        ".",
    ]

    def set_a_value(data: bytes, chance: Random) -> bytes:
        return _on_a_pair(data, chance, lambda key, value: f"{key} = {chance.choice(values)}")

    def set_a_word(data: bytes, chance: Random) -> bytes:
        return _on_a_pair(data, chance, lambda key, value: f"{key} = {quoted(chance.choice(words(victim)))}")

    def set_a_number(data: bytes, chance: Random) -> bytes:
        return _on_a_pair(data, chance, lambda key, value: f"{key} = {chance.choice(NUMBERS)}")

    def set_a_key(data: bytes, chance: Random) -> bytes:
        return _on_a_pair(data, chance, lambda key, value: f"{chance.choice(keys)} = {value}")

    def add_a_pair(data: bytes, chance: Random) -> bytes:
        return _on_a_pair(
            data, chance, lambda key, value: f"{key} = {value}\n{chance.choice(keys)} = {chance.choice(values)}"
        )

    def take_a_value_of_another(data: bytes, chance: Random) -> bytes:
        others = [line.partition(" = ")[2] for line in _text(data).split("\n") if " = " in line] or [""]
        return _on_a_pair(data, chance, lambda key, value: f"{key} = {chance.choice(others)}")

    def set_a_heading(data: bytes, chance: Random) -> bytes:
        lines = _text(data).split("\n")
        at = chance.choice([number for number, line in enumerate(lines) if line.startswith("[")] or [0])
        parts = lines[at].strip("[]").split(".")
        parts[chance.randrange(len(parts))] = chance.choice(keys)
        left, right = chance.choice([("[", "]"), ("[[", "]]"), ("[", "]]"), ("[", "")])
        lines[at] = left + ".".join(parts) + right
        return _bytes("\n".join(lines))

    def repeat_a_table(data: bytes, chance: Random) -> bytes:
        text = _text(data)
        return _bytes(text + "\n[" + chance.choice(text.split("\n[")))

    light = (
        set_a_value,
        set_a_word,
        set_a_number,
        set_a_key,
        add_a_pair,
        take_a_value_of_another,
        set_a_heading,
        repeat_a_table,
    )
    return Form((*light, *light, *[set_a_value] * 4, *LINES, *ANY), TOML_HEAVY)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _on_a_pair(data: bytes, chance: Random, change: Callable[[str, str], str]) -> bytes:
    """The file with one `key = value` changed."""
    lines = _text(data).split("\n")
    pairs = [number for number, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    if pairs:
        at = chance.choice(pairs)
        key, _, value = lines[at].partition(" = ")
        lines[at] = change(key, value)
    return _bytes("\n".join(lines))


def _with_lines(make: Callable[[], str]) -> Change:
    """Put lines into the first table of a TOML file, or behind it all."""

    def add(data: bytes, chance: Random) -> bytes:
        first, newline, rest = _text(data).partition("\n")
        made = make()
        return _bytes(first + newline + made + rest if chance.random() < 0.5 else first + newline + rest + made)

    add.__name__ = make.__name__
    return add


def a_key_of_many_parts() -> str:
    return ".".join("a" * 20_000) + " = 1\n"


def a_key_of_many_quoted_parts() -> str:
    return " . ".join(['"a b"'] * 10_000) + " = 1\n"


def a_heading_of_many_parts() -> str:
    return f"[{'.'.join('a' * 60_000)}]\n"


def many_pairs_in_a_deep_table() -> str:
    return f"[{'.'.join('b' * 2_000)}]\n" + "".join(f"{key} = 1\n" for key in SHORT_KEYS[:3_000])


def an_inline_table_of_many_parts() -> str:
    return "q = {" + ".".join("a" * 20_000) + " = 1}\n"


def deep_arrays() -> str:
    return "q = " + "[" * 90 + "]" * 90 + "\n"


def bottomless_arrays() -> str:
    return "q = " + "[" * LONG + "\n"


def deep_inline_tables() -> str:
    return "q = " + "{a = " * 90 + "1" + "}" * 90 + "\n"


def deep_tables_of_many_parts() -> str:
    return "q = " + ("{" + "a." * 12 + "a = ") * 60 + "1" + "}" * 60 + "\n"


def thousands_of_tables() -> str:
    return "".join(f"[{key}]\n" for key in SHORT_KEYS)


def thousands_of_models() -> str:
    return "".join(f"[models.{key}]\n" for key in SHORT_KEYS)


def thousands_of_array_tables() -> str:
    return "[[z]]\n" * 20_000


def a_long_key() -> str:
    return "k" * LONG + " = 1\n"


def a_long_string() -> str:
    return f"q = {quoted('x' * LONG)}\n"


def a_long_string_of_escapes() -> str:
    return 'q = "' + "\\u001b" * (LONG // 6) + '"\n'


def a_long_comment() -> str:
    return "#" + "." * LONG + "\n"


def many_digits() -> str:
    return "q = " + "7" * 10_000 + "\n"


def many_hexadecimal_digits() -> str:
    return "q = 0x" + "f" * LONG + "\n"


def many_decimals() -> str:
    return "q = 0." + "1" * LONG + "\n"


def a_long_array() -> str:
    return "q = [" + "1," * (LONG // 2) + "]\n"


def an_open_string() -> str:
    return 'q = "' + '\\"' * (LONG // 2) + "\n"


def many_open_strings() -> str:
    return '"\n' * (LONG // 4)


def many_points() -> str:
    return "." * LONG + "\n"


def many_brackets() -> str:
    return "[" * LONG + "\n"


TOML_HEAVY: tuple[Change, ...] = tuple(
    _with_lines(make)
    for make in (
        *(a_key_of_many_parts, a_key_of_many_quoted_parts, a_heading_of_many_parts, many_pairs_in_a_deep_table),
        *(an_inline_table_of_many_parts, deep_arrays, bottomless_arrays, deep_inline_tables, deep_tables_of_many_parts),
        *(thousands_of_tables, thousands_of_models, thousands_of_array_tables, a_long_key, a_long_string),
        *(a_long_string_of_escapes, a_long_comment, many_digits, many_hexadecimal_digits, many_decimals, a_long_array),
        *(an_open_string, many_open_strings, many_points, many_brackets),
    )
)


# JSON.

PLACE = "\ue000place\ue000"
_JSON_OTHERS = [
    "null",
    "true",
    "[]",
    "{}",
    "[[]]",
    '{"a": {"b": []}}',
    "NaN",
    "Infinity",
    "-Infinity",
    '""',
    '"a"',
    "",
    "'a'",
    "01",
    "+1",
]
_JSON_OTHERS += [
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    "[" * 50 + "]" * 50,
    "[" * DEEP,
    '{"a":' * DEEP,
    "[" * 400 + "]" * 400,
]


WORDS = words("/outside/of/all")
JSON_VALUES = [*NUMBERS, *_JSON_OTHERS, *map(quoted, WORDS)]


def set_a_json_value(data: bytes, chance: Random) -> bytes:
    return _json(_with_a_place(_parsed(data), chance).replace(quoted(PLACE), chance.choice(JSON_VALUES)))


def edit_a_string(data: bytes, chance: Random) -> bytes:
    return _json(json.dumps(_edited(_parsed(data), chance), ensure_ascii=chance.random() < 0.5)) if data else data


def add_a_json_pair(data: bytes, chance: Random) -> bytes:
    pair = f"{quoted(chance.choice([*WORDS, 'kind', 'schema', 'alphabet']))}: {chance.choice(JSON_VALUES)}, "
    return data.replace(b"{", b"{" + _json(pair), 1)


def _json(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _parsed(data: bytes) -> Any:
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
    *(a_json_of_many_pairs, a_json_with_a_long_key, a_json_with_a_long_string, a_json_of_deep_arrays),
    *(a_json_of_deep_objects, a_json_of_many_digits, a_json_of_everything),
)


JSON = Form((*[set_a_json_value, edit_a_string, add_a_json_pair] * 3, *LINES, *ANY), JSON_HEAVY)


# Safetensors: eight bytes of length, a header of JSON, then numbers.


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


def set_a_header_value(data: bytes, chance: Random) -> bytes:
    if len(data) < 8:
        return data
    header, numbers = split(data)
    made = _with_a_place(_parsed(header), chance).replace(quoted(PLACE), chance.choice(JSON_VALUES))
    return joined(_json(made), numbers)


def set_the_length(data: bytes, chance: Random) -> bytes:
    lengths = [
        0,
        1,
        2,
        7,
        len(data),
        len(data) - 8,
        2**24,
        2**32,
        2**62,
        2**63 - 1,
        2**63,
        2**64 - 1,
        chance.randrange(4_000),
    ]
    return struct.pack("<Q", chance.choice(lengths)) + data[8:]


def set_the_shape(data: bytes, chance: Random) -> bytes:
    shape = chance.choice(SHAPES)
    return _on_an_entry(data, chance, lambda entry: entry.update(shape=shape))


def set_the_offsets(data: bytes, chance: Random) -> bytes:
    """Overlaps, holes, and what lies before the beginning or behind the end."""

    def change(entry: dict[str, Any]) -> None:
        begin, end = entry["data_offsets"]
        entry["data_offsets"] = chance.choice(
            [
                *(
                    [end, begin],
                    [begin + 4, end + 4],
                    [begin - 4, end - 4],
                    [0, end - begin],
                    [begin, begin],
                    [begin],
                ),
                *(
                    [begin, end, end],
                    [2**63, 2**63 + end - begin],
                    [-1, end],
                    [begin, 2**64],
                    [str(begin), str(end)],
                ),
                *([begin + 1e400, end], [True, end], [float(begin), float(end)], {"0": begin, "1": end}, None),
            ]
        )

    return _on_an_entry(data, chance, change)


def set_the_dtype(data: bytes, chance: Random) -> bytes:
    dtype = chance.choice(
        [
            "F64",
            "F16",
            "BF16",
            "I64",
            "I32",
            "U8",
            "BOOL",
            "F8_E4M3",
            "F4",
            "",
            "f32",
            None,
            4,
            [],
            {},
            "C64",
            "U64",
        ]
    )
    return _on_an_entry(data, chance, lambda entry: entry.update(dtype=dtype))


def set_the_metadata(data: bytes, chance: Random) -> bytes:
    metadata = chance.choice(
        [
            *(
                None,
                [],
                "text",
                7,
                {"zoo": 7},
                {"zoo": None},
                {"zoo": {}},
                {7: 8},
                {"zoo": ""},
                {"zoo": "{}"},
                {"zoo": "[]"},
            ),
            *(
                {"zoo": "{"},
                {"zoo": "\x1b[31m"},
                {"zoo": "[" * DEEP},
                {"zoo": "x" * 9, "other": "y"},
                {"format": "pt"},
            ),
            *(
                {"zoo": json.dumps(dict.fromkeys(PROGRESS, value))}
                for value in (0, -1, 1e400, "1", None, [], 2**70, 1.5, True)
            ),
        ]
    )
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
    table = _parsed(header)
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
    *(
        set_a_header_value,
        set_the_length,
        set_the_shape,
        set_the_offsets,
        set_the_dtype,
        set_the_metadata,
        set_progress,
    ),
    *(rename_a_tensor, swap_two_tensors, drop_a_tensor, repeat_a_key, change_the_numbers, add_or_cut_numbers),
)

PROGRESS = ["step", "evaluated_step", "best_step", "best_val_loss", "train_loss", "loss_sum", "loss_count", "seconds"]
SHAPES: list[Any] = [
    *(
        [],
        [0],
        [-1],
        [-1, -1],
        [1],
        [2**31],
        [2**63],
        [2**64],
        [2**32, 2**32],
        [2**63, 0],
        [1.5],
        [1e400],
        [NAN],
        ["a"],
        [None],
    ),
    *(
        [10**9, "a"],
        [2**63, "a"],
        [4, "a"],
        [True],
        [[1]],
        {"0": 1},
        "16",
        16,
        None,
        [1] * 70,
        [16, 1, 16],
        [10**400, 1.5],
        [0, 2**70],
    ),
]


def _on_the_table(data: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """The file with its header changed; as it is, when it was damaged beyond that before."""
    try:
        header, numbers = split(data)
        return joined(json.dumps(change(json.loads(header))).encode(), numbers)
    except (ValueError, struct.error, LookupError, TypeError, AttributeError, RecursionError):
        return data


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
    *(a_header_of_much_metadata, a_header_of_many_tensors, a_shape_of_many_sizes, a_shape_that_multiplies_text),
    *(a_header_with_a_long_name, a_header_of_deep_arrays, a_header_of_blanks),
)

SAFETENSORS = Form((*SAFETENSORS_LIGHT, *SAFETENSORS_LIGHT, *ANY), SAFETENSORS_HEAVY)
