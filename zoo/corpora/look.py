"""A look at a corpus: what its characters are, and what is worth knowing before a model is trained on it."""

import re
import unicodedata
from collections.abc import Iterator

from zoo.config import ModelConfig, Preset, TrainConfig, presets
from zoo.corpora.corpus import Corpus

RARE = 10  # times: a character that is seen less often can hardly be learned
MANY_CHARACTERS = 1_000
MOST_EPOCHS, MOST_EPOCHS_OF_SMALL = 25, 200
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
    if few := too_small_for(preset.name, *_resolved(preset, len(alphabet)), corpus.train_characters):
        yield few


def too_small_for(preset: str, model: ModelConfig, train: TrainConfig, ids: int) -> str:
    """A line that says so when a training will learn a text of so many ids by heart, and what would not; else nothing.
    The model is resolved."""
    if not learns_by_heart(model, train, ids):
        return ""
    fit = [other for other in presets().values() if not learns_by_heart(*_resolved(other, model.vocab_size), ids)]
    largest = max(fit, key=lambda other: other.model.resolve(model.vocab_size).parameters(), default=None)
    better = f"--preset {largest.name} fits" if largest else "add text, or take fewer steps"
    times = f"{train.max_steps:,} steps of {preset} read each {epochs(model, train, ids):,.0f} times"
    return f"{ids:,} ids to train on are few: {times}, and learn it by heart; {better}"


def epochs(model: ModelConfig, train: TrainConfig, ids: int) -> float:
    """How often a training reads each of so many ids."""
    return train.max_steps * train.batch_size * model.block_size / max(1, ids)


def learns_by_heart(model: ModelConfig, train: TrainConfig, ids: int) -> bool:
    """Whether the validation loss will have turned before the last step, and only the training loss falls on.

    Seen (docs/log.md): with more weights than ids it turned after 15 to 70 epochs at a constant learning rate, with
    dropout after 28. With fewer, `m2` still gained after 24; those have as much time as no recipe needs.
    """
    most = MOST_EPOCHS if model.parameters() > ids else MOST_EPOCHS_OF_SMALL
    return epochs(model, train, ids) > most


def _resolved(preset: Preset, vocab_size: int) -> tuple[ModelConfig, TrainConfig]:
    return preset.model.resolve(vocab_size), preset.train


def _sample(corpus: Corpus) -> str:
    """The beginning of a text, and its end."""
    pieces, size = [], 0
    for block in corpus.blocks():
        pieces.append(block)
        size += len(block)
        if size >= SEARCHED_CHARACTERS:
            return "".join([*pieces, corpus.last_block()])
    return "".join(pieces)
