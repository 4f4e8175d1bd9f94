"""Verbatim spans: what of some texts stands, character for character, in other ones, however large those are."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

MIN_SPAN = 30  # characters: shorter ones are the same with people who never read each other
APART = ""  # between two texts: no character, so that no span crosses it


class Span(NamedTuple):
    """A piece text[begin:end] of a text that stands in a source, where it begins at `offset` for the first time; one
    character more on either side, and it would not."""

    begin: int
    end: int
    source: int
    offset: int

    def __len__(self) -> int:
        return self.end - self.begin


def find_spans(texts: Sequence[str], sources: Sequence[Iterable[str]]) -> list[list[Span]]:
    """All verbatim spans of each text, in order, of one character and more; of two sources with the same the first.

    Exact: nothing is hashed. A span is of one text and one source, whose blocks are one text and are read once. Memory
    grows with the texts alone, time with texts and sources together.
    """
    automaton = _Automaton(texts)
    begins = [0]
    for blocks in sources:
        begins.append(automaton.read(blocks, begins[-1]))
    automaton.settle()
    return [list(_maximal(automaton, ends, begins)) for ends in automaton.ends]


def covered(spans: Iterable[Span], least: int) -> Iterator[tuple[int, int]]:
    """Where a text is inside spans of `least` characters or more: begin and end of each run, in order; spans that
    overlap are one run."""
    begin = end = 0
    for span in spans:
        if len(span) < least:
            continue
        if span.begin >= end:
            if end:
                yield begin, end
            begin = span.begin
        end = span.end
    if end:
        yield begin, end


class _Automaton:
    """The suffix automaton of some texts (Blumer et al. 1985), which tells of each character that it reads the longest
    span of theirs that ends there.

    A state stands for all spans that end at the same places of the texts, and `length` is that of its longest. `link`
    leads to the state of the longest shorter span at the end of them, from the root to -1. `ends` are the states of
    the beginnings of each text, which tell the spans that end with their last character.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._length, self._link = array("q", [0]), array("q", [-1])
        self.ends = []
        last = 0
        for text in texts:
            last = self._add(APART, last)
            ends = array("q")
            for character in text:
                last = self._add(character, last)
                ends.append(last)
            self.ends.append(ends)
        # of each state the longest of its spans that was read, and where that ended first; and where any of them did
        self.found, self.where, self._first = (array("q", bytes(8 * len(self._next))) for _ in range(3))

    def _add(self, character: str, last: int) -> int:
        """The state of all before and a character more."""
        following, link = self._next, self._link
        new = self._state({}, self._length[last] + 1)
        while last >= 0 and character not in following[last]:
            following[last][character] = new
            last = link[last]
        if last >= 0:
            link[new] = self._split(last, character)
        return new

    def _split(self, state: int, character: str) -> int:
        """The state that follows on a character, for the spans of this state alone."""
        following, length, link = self._next, self._length, self._link
        old = following[state][character]
        if length[old] == length[state] + 1:
            return old
        copy = self._state(dict(following[old]), length[state] + 1)
        link[copy], link[old] = link[old], copy
        while state >= 0 and following[state].get(character) == old:
            following[state][character] = copy
            state = link[state]
        return copy

    def _state(self, following: dict[str, int], length: int) -> int:
        self._next.append(following)
        self._length.append(length)
        self._link.append(0)
        return len(self._next) - 1

    def read(self, blocks: Iterable[str], at: int) -> int:
        """Look for spans in a text that comes in blocks and begins at an offset; gives the offset of its end."""
        following, length, link = self._next, self._length.tolist(), self._link.tolist()
        found, where, first = self.found.tolist(), self.where.tolist(), self._first
        state = matched = 0
        for block in blocks:
            for character in block:
                at += 1
                after = following[state].get(character)
                while after is None and state:
                    state = link[state]
                    matched = length[state]
                    after = following[state].get(character)
                if after is not None:
                    state = after
                    matched += 1
                    if matched > found[state]:
                        if not found[state]:
                            first[state] = at
                        found[state], where[state] = matched, at
        self.found, self.where = array("q", found), array("q", where)
        return at

    def settle(self) -> None:
        """Let every state know what was read of the longer spans that end as its own do, and then of the shorter."""
        order = sorted(range(1, len(self._next)), key=self._length.__getitem__)
        for state in reversed(order):
            shorter = self._link[state]
            if shorter > 0 and self.found[state]:
                self._hear(shorter, self._first[state])
        for state in order:
            if not self.found[state]:
                shorter = self._link[state]
                self.found[state], self.where[state] = self.found[shorter], self.where[shorter]

    def _hear(self, state: int, at: int) -> None:
        """The longest span of a state was read, too, and ended there."""
        if self.found[state] < self._length[state] or at < self.where[state]:
            self.where[state] = at
        if not self.found[state] or at < self._first[state]:
            self._first[state] = at
        self.found[state] = self._length[state]


def _maximal(automaton: _Automaton, ends: Sequence[int], begins: Sequence[int]) -> Iterator[Span]:
    """The spans of a text that are part of no longer one."""
    lengths = [automaton.found[state] for state in ends]
    for i, (state, length) in enumerate(zip(ends, lengths, strict=True)):
        if length and (i + 1 == len(lengths) or lengths[i + 1] <= length):
            source = bisect_left(begins, automaton.where[state]) - 1
            yield Span(i + 1 - length, i + 1, source, automaton.where[state] - length - begins[source])
