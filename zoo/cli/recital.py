"""Drawing what a text repeats: the figures, the longest spans, and the texts with what is verbatim marked."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from zoo.cli.columns import flowing
from zoo.cli.heat import UNDERLINED
from zoo.cli.json_out import show_json
from zoo.cli.replies import clean
from zoo.cli.table import Column, show_table
from zoo.cli.terminal import DOTS, RESET, is_terminal, one_line, show, show_filled, width
from zoo.measure.novelty import Novelty, Repeats, place_in
from zoo.measure.verbatim import Span
from zoo.registry.model import Model

BETWEEN = "---"  # a line of its own between two texts
MARKS = ("[[", "]]")  # where nothing can be underlined
LONGEST_SHOWN = 500  # characters of a span; JSON has all
INDENT = "    "


@dataclass(frozen=True)
class Recital:
    """What was measured of whose texts, and what those are called."""

    model: Model
    name: str
    result: Novelty

    @property
    def own(self) -> str:
        """What the page beside it is called."""
        return f"validation part of {self.result.reading.corpora[0].name}"

    def remarks(self) -> list[str]:
        """What is worth knowing about the figures."""
        written, reading = self.result.written, self.result.reading
        read = ", ".join(f"{c.name} ({c.characters_of('train'):,} characters)" for c in reading.corpora)
        lines = [
            f"verbatim: the share of the characters in spans of {written.min_span} or more that stand in the training "
            f"part of {read}"
        ]
        if not any(len(text) >= written.min_span for text in written.texts):
            lines.append(f"zoo: no text has {written.min_span} characters, so none can hold such a span")
        if self.result.page.characters < written.characters:
            lines.append(f"zoo: the {self.own} has no more than {self.result.page.characters:,} characters")
        return lines + [f"zoo: warning: {line}" for line in reading.lost]


def show_figures(view: Recital) -> None:
    """A table of both, and below it the longest span of each."""
    rows = [(view.name, view.result.written), (view.own, view.result.page)]
    columns = [
        Column("text", prose=True),
        Column("characters", right=True, keep=1),
        Column("verbatim", right=True),
        Column("longest", right=True),
    ]
    show_table(columns, [[name, f"{r.characters:,}", share(r), f"{length(r):,}"] for name, r in rows])
    for name, repeats in rows:
        if repeats.longest is not None:
            _show_longest(view, name, repeats, repeats.longest[1])


def _show_longest(view: Recital, name: str, repeats: Repeats, span: Span) -> None:
    corpus = view.result.reading.corpora[span.source]
    line, column = place_in(corpus, span.offset)
    show()
    show_filled(f"longest span, {one_line(name)}: {len(span):,} characters, {corpus.name} {line}:{column}")
    shown = one_line(text_of(repeats)[:LONGEST_SHOWN])
    show_filled(f'{INDENT}"{shown}{DOTS if len(span) > LONGEST_SHOWN else ""}"', INDENT)


def share(repeats: Repeats) -> str:
    """Never 100 % of what is less."""
    if not repeats.characters:
        return "-"
    whole, rest = divmod(10_000 * repeats.verbatim // repeats.characters, 100)
    return f"{whole}.{rest:02d} %"


def length(repeats: Repeats) -> int:
    """Of the longest span."""
    return len(repeats.longest[1]) if repeats.longest is not None else 0


def text_of(repeats: Repeats) -> str:
    """The longest span itself."""
    if repeats.longest is None:
        return ""
    i, span = repeats.longest
    return repeats.texts[i][span.begin : span.end]


def show_texts(repeats: Repeats) -> None:
    """The texts with what is verbatim underlined on a terminal, else between brackets."""
    drawn = is_terminal(sys.stdout)
    begin, end = (UNDERLINED, RESET) if drawn else MARKS
    for i in range(len(repeats.texts)):
        marked = "".join(_marked(repeats, i, begin, end))
        show("".join(flowing([marked], width())) if drawn else marked)
        show(BETWEEN if i + 1 < len(repeats.texts) else "")


def _marked(repeats: Repeats, i: int, begin: str, end: str) -> Iterator[str]:
    text, at = repeats.texts[i], 0
    for first, last in repeats.runs(i):
        yield f"{clean(text[at:first])}{begin}{clean(text[first:last])}{end}"
        at = last
    yield clean(text[at:])


def show_json_of(view: Recital, **about: object) -> None:
    """Everything that was measured, with all spans that count."""
    result = view.result
    show_json(
        "novelty",
        model=view.model.name,
        **about,
        min_span=result.written.min_span,
        written=_entry(view, result.written),
        page=_entry(view, result.page),
        read=[
            {"name": c.name, "sha256": c.sha256, "characters": c.characters_of("train")} for c in result.reading.corpora
        ],
        lost=list(result.reading.lost),
        texts=(
            {"text": text, "spans": [_span(view, span) for span in spans if len(span) >= result.written.min_span]}
            for text, spans in zip(result.written.texts, result.written.spans, strict=True)
        ),
    )


def _span(view: Recital, span: Span) -> dict[str, object]:
    """Where it is in its text, and where in what was read."""
    corpus = view.result.reading.corpora[span.source]
    return {"begin": span.begin, "end": span.end, "corpus": corpus.name, "offset": span.offset}


def _entry(view: Recital, repeats: Repeats) -> dict[str, object]:
    found = repeats.longest
    longest: dict[str, object] | None = None
    if found is not None:
        corpus = view.result.reading.corpora[found[1].source]
        line, column = place_in(corpus, found[1].offset)
        place = {"line": line, "column": column}
        longest = {
            "length": len(found[1]),
            "index": found[0],
            **_span(view, found[1]),
            **place,
            "span": text_of(repeats),
        }
    return {
        "count": len(repeats.texts),
        "characters": repeats.characters,
        "verbatim": repeats.verbatim,
        "share": repeats.share,
        "longest": longest,
    }
