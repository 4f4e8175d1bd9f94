"""Damage to a TOML file."""

from collections.abc import Callable
from random import Random

from faults.mutations import ANY, DEEP, LINES, LONG, NUMBERS, SHORT_KEYS, Change, Form, quoted, words


def _toml_values(victim: str) -> list[str]:
    return [
        *NUMBERS, *map(quoted, words(victim)),
        "true", "false", "nan", "inf", "-inf", "0x" + "f" * 5_000, "0b" + "1" * 2_000,
        "[]", "{}", "[[]]", "[{}]", "[1, 'a', {b = 2}]", "{a = {b = {c = 1}}}", "{a.b.c = 1}", "['', '', '']",
        "[[[[1]]]]", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27T07:32:00",
        "0001-01-01T00:00:00+23:59", "9999-12-31",
        "'", '"', "'''", '"""a\nb"""', "'''\n\n'''", "", "=", "yes", "nul", "0o9", "+", "1__0", "{a=1,}", "[,]",
        "[" * 40 + "]" * 40, '"\\ud800"', '"\\x41"', '"\\"', '"a" "b"', "{" * 9, "[" * DEEP, "{a=" * DEEP,
        "{a." * 90 + "a=1" + "}" * 90,
    ]  # fmt: skip


def toml(victim: str) -> Form:
    """What can be done to a TOML file."""
    values = _toml_values(victim)
    keys = [
        *map(quoted, words(victim)), "a.b", "a.b.c.d.e.f", "schema", "models", "extra", "name", "id", "path",
        "directory", "", "=", ".",
    ]  # fmt: skip

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
        set_a_value, set_a_word, set_a_number, set_a_key,
        add_a_pair, take_a_value_of_another, set_a_heading, repeat_a_table,
    )  # fmt: skip
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


# Large: what is slow or takes a great deal of memory when it is read with no limit.


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


TOML_HEAVY: tuple[Change, ...] = tuple(map(_with_lines, (
    a_key_of_many_parts, a_key_of_many_quoted_parts, a_heading_of_many_parts, many_pairs_in_a_deep_table,
    an_inline_table_of_many_parts, deep_arrays, bottomless_arrays, deep_inline_tables, deep_tables_of_many_parts,
    thousands_of_tables, thousands_of_models, thousands_of_array_tables, a_long_key, a_long_string,
    a_long_string_of_escapes, a_long_comment, many_digits, many_hexadecimal_digits, many_decimals, a_long_array,
    an_open_string, many_open_strings, many_points, many_brackets,
)))  # fmt: skip
