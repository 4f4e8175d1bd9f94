"""Damage: how a file looks that was cut off, flipped, edited by hand or forged.

Here is what befalls a file of any form; mutations_toml, mutations_json and mutations_safetensors know theirs.
"""

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

Change = Callable[[bytes, Random], bytes]


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


HEAVY_EVERY = 40  # one in so many is large: hundreds of kilobytes


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

BYTES = [
    b"\0", b"\xff", b"\xfe\xff", b"\xe9", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xc3",
    b"\x1b[31m", b"\x1b]52;c;aGk=\x07", b"\xc2\x9b2J", b"\x7f", b"\x08", b"\r", b"\n", b"\t",
    b"\xe2\x80\xae", b"\xe2\x80\xa8", b'"', b"'", b'"""', b"'''", b"\\",
    b"[", b"]", b"[[", b"]]", b"{", b"}", b"=", b".", b",", b"#", b":", b"/", b"-", b"0",
]  # fmt: skip


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


ANY = (
    flip_some, insert_bytes, delete_bytes, repeat_bytes, zero_a_block,
    mark_order, make_crlf, make_cr, recode, make_junk,
)  # fmt: skip


# Lines of a text file.


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


# What a value may be made, in TOML and in JSON.

DEEP = 3_000  # beyond Python's limit of recursion
LONG = 200_000
SHORT_KEYS = [a + b + c for a in string.ascii_lowercase for b in string.ascii_lowercase for c in string.ascii_lowercase]
NUMBERS = [
    "0", "1", "-1", "2", "1.5", "-0.0", "1e-400", "1e400", "-1e400", "1e308", "100000", "99999999999",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", str(2**70), str(2**200), "9" * 5_000,
    "1" + "0" * 400 + ".5", "0.1" + "1" * 400,
]  # fmt: skip


def words(victim: str) -> list[str]:
    """Strings that no name, path or word of ours should be; `victim` is a path outside the home."""
    return [
        "", ".", "..", "../x", "../../../../../../etc", "models/../../x", "models/tiny-nano/..", "/etc", victim, "~",
        "~root", "a/b", "a\\b", "C:\\x", "%2e%2e%2f", "-x", "--home", "con", "com1.txt", "x" * 65, "x" * 5_000,
        "A", "é", "😀" * 9, "a\0b", "a\nb", "a\rb", "\x1b[31mMARK", "\x1b]52;c;aGk=\x07", "\x9b2J", "\x7f\x08",
        "\u202emoc", "\u2028", "\ufeff",
        "ready", "training", "interrupted", "diverged", "missing", "tiny-nano", "halted", "gone", "tiny", "starter",
        "cuda", "nan", "None", "0", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59",
        "[red]", "[/]", "{}", "%s%n", "e\u0301" * 50, "0" * 64, "../../.." + "0" * 56, "f" * 63 + "\n",
    ]  # fmt: skip


def quoted(text: str) -> str:
    """A string of TOML and of JSON."""
    plain = {c: f"\\u{ord(c):04x}" for c in map(chr, [*range(32), 127])}
    return '"' + "".join(plain.get(c, "\\" + c if c in '"\\' else c) for c in text) + '"'
