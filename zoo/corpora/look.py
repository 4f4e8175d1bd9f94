"""A look at a corpus: what its characters are, and what is worth knowing before a model is trained on it."""

import re
import unicodedata
from collections.abc import Iterator

from zoo.config import Preset
from zoo.corpora.corpus import Corpus

RARE = 10  # times: a character that is seen less often can hardly be learned
MANY_CHARACTERS = 1_000
MOST_EPOCHS = 200
LONG_LINE = 10_000
SEARCHED_CHARACTERS = 4 * 2**20  # of the beginning; notices stand there and at the end
_SEPARATORS = "\u2028\u2029"
_NAMES = {"\t": "tab", "\n": "newline", "\x0b": "vertical tab", "\x0c": "form feed", "\x1b": "escape", "\x7f": "delete"}
_LICENCE = re.compile(r"project gutenberg.{0,80}licen[cs]e|all rights reserved|creativecommons\.org", re.IGNORECASE)
_QUOTED = 60  # characters before and after a find
_MOJIBAKE = re.compile("Ã[\u0080-\u00bf]|â€[“”˜™œ¦\u009d]|Â[\u00a0-\u00bf]")  # UTF-8 that was taken for cp1252


def is_control(character: str) -> bool:
    """Whether a character is none to read: C0 and C1 but tab and newline, and the separators of Unicode."""
    return (unicodedata.category(character) == "Cc" and character not in "\t\n") or character in _SEPARATORS


def name_of(character: str) -> str:
    """What a character is called."""
    if character in _NAMES:
        return _NAMES[character]
    return unicodedata.name(character, "control character" if is_control(character) else "unnamed").lower()


def warnings(corpus: Corpus, preset: Preset) -> Iterator[str]:
    """What about a text, or a training of `preset` on it, is likely to be a mistake; each is one line."""
    alphabet = corpus.alphabet
    sample = _sample(corpus)
    if found := _LICENCE.search(sample):
        before, after = sample[: found.end()].rpartition("\n")[2], sample[found.end() :].partition("\n")[0]
        yield f"a licence is left in: '{before[-_QUOTED:].strip()}{after[:_QUOTED].rstrip()}'"
    if times := len(_MOJIBAKE.findall(sample)):
        yield f"{times:,} places look like UTF-8 that was read in another encoding; see --encoding"
    if times := alphabet.get("\ufffd", 0):
        yield f"{times:,} replacement characters: these were lost before the text came here"
    if controls := {c: times for c, times in alphabet.items() if is_control(c)}:
        named = ", ".join(f"{name_of(c)} U+{ord(c):04X}: {times:,}" for c, times in list(controls.items())[:5])
        yield f"{sum(controls.values()):,} control characters ({named}); they are kept as they are"
    if "\n" not in alphabet and corpus.characters > LONG_LINE:
        yield f"the whole text is one line of {corpus.characters:,} characters"
    elif corpus.longest_line > LONG_LINE:
        yield f"the longest line has {corpus.longest_line:,} characters: is this prose?"
    if len(alphabet) > MANY_CHARACTERS:
        yield f"{len(alphabet):,} distinct characters make a large vocabulary; --vocab bytes has 256"
    if few := too_small_for(corpus, preset):
        yield few


def too_small_for(corpus: Corpus, preset: Preset) -> str:
    """A line that says so when a preset reads a text so often that its model will learn it by heart; else nothing."""
    seen = preset.train.max_steps * preset.train.batch_size * preset.model.block_size
    epochs = seen / max(1, corpus.train_characters)
    if epochs <= MOST_EPOCHS:
        return ""
    few = f"{corpus.train_characters:,} characters to train on are few"
    return (
        f"{few}: {preset.train.max_steps:,} steps of {preset.name} read each {epochs:,.0f} times, and learn it by heart"
    )


def _sample(corpus: Corpus) -> str:
    """The beginning of a text, and its end."""
    pieces, size = [], 0
    for block in corpus.blocks():
        pieces.append(block)
        size += len(block)
        if size >= SEARCHED_CHARACTERS:
            return "".join([*pieces, corpus.last_block()])
    return "".join(pieces)
