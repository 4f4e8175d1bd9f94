"""The report as a page: leaderboards with their curves, the matrix, a card for each model, samples and surprises."""

from collections.abc import Iterator, Sequence
from html import escape

from zoo.cli import html, numbers, svg
from zoo.cli.evaluations import flag_notes, flags, heads
from zoo.cli.frame import Line
from zoo.cli.heat import BITS, EXCESS, UNKNOWN
from zoo.cli.leaderboards import COLUMNS, SEED_COLUMNS, row, seed_row
from zoo.cli.surprise_page import STYLE as HEAT_STYLE
from zoo.cli.surprise_page import heat, legend
from zoo.cli.terminal import safe
from zoo.measure.compare import Leaderboard, differences
from zoo.measure.matrix import Matrix
from zoo.measure.report import Portrait, Report
from zoo.protocol import SLIDING_V1, WINDOWS_V1

TITLE, WIDTH, CELL = "zoo report", "72rem", "e"
MOST_COMPARED = 12  # models beside each other, and curves in one frame
DATE = len("2026-01-01")
STYLE = (
    "h2 { font-size: 1.1rem; margin-top: 2.5rem; }\n"
    "h3 { font-size: 1rem; margin: 2rem 0 .25rem; overflow-wrap: anywhere; }\n"
    "h2 + h3, .card h3 { margin-top: 0; }\n"
    ".cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: 1rem; }\n"
    ".card { border: 1px solid color-mix(in srgb, var(--ink) 25%, transparent); border-radius: .5rem; padding: 1rem; "
    "min-width: 0; }\n"
    ".samples { grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); }\n"
    ".wide, details { margin: .5rem 0; }\n"
    "dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 1rem; margin: .5rem 0; }\n"
    "dd { margin: 0; text-align: right; overflow-wrap: break-word; }\n"
    ".wide { overflow-x: auto; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }\n"
    "th, td { padding: .15rem .6rem; text-align: left; font-weight: normal; vertical-align: top; }\n"
    "td:not(.right, :last-child) { min-width: 10rem; white-space: normal; }\n"
    "thead th { border-bottom: 1px solid; }\n"
    ".right { text-align: right; }\n"
    ".best { font-weight: bold; }\n"
    ".own { box-shadow: inset 0 0 0 2px #D55E00; }\n"
    ".matrix th:first-child { position: sticky; left: 0; background: var(--ground); min-width: 8rem; "
    "white-space: normal; overflow-wrap: anywhere; }\n"
    ".quiet { opacity: .7; }\n"
    "pre { font-size: .85rem; margin: .5rem 0; }\n"
)
FACTS = ("dataset", "preset", "device", "dtype", "seed", "parameters", "steps", "best_step", "tokens")


def page(report: Report) -> Iterator[str]:
    """The page in pieces."""
    light = STYLE + HEAT_STYLE + svg.STYLE + html.rules(BITS, dark=False) + html.rules(EXCESS, dark=False, name=CELL)
    dark = html.rules(BITS, dark=True) + html.rules(EXCESS, dark=True, name=CELL)
    yield html.begin(TITLE, width=WIDTH, light=light, dark=dark)
    yield f"<p>{_count(len(report.portraits), 'model')}, {_count(len(report.boards), 'text')}</p>\n"
    yield "<h2>Comparison</h2>\n"
    past = {portrait.model.name: portrait.history.val for portrait in report.portraits}
    for board in report.boards:
        yield from _board(board, [Line(m, n, past[m.name]) for n, m in enumerate(board.models) if past[m.name]])
    if report.matrix.passages:
        yield from _matrix(report.matrix)
    yield '<h2>Models</h2>\n<div class="cards">\n'
    for portrait in report.portraits:
        yield _card(portrait)
    yield "</div>\n"
    yield from _samples(report.portraits)
    yield html.END


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _card(portrait: Portrait) -> str:
    model, record = portrait.model, portrait.model.record
    facts = [("status", numbers.status(model)), ("nats/char", numbers.loss(record.val_loss))]
    facts += [("bits/char", numbers.loss(record.val_bpc)), ("protocol", record.val_protocol)]
    facts += [(key, numbers.field(key, getattr(record, key))) for key in FACTS]
    facts += [
        ("time", numbers.duration(record.seconds)),
        ("created", record.created[:DATE]),
        ("text", "private" if portrait.is_private else "public"),
    ]
    knobs = [(key, numbers.value(value)) for key, value in {**record.model, **record.train}.items()]
    return (
        f'<section class="card"><h3>{html.text(model.name)}</h3>\n{_pairs(facts)}'
        f"<details><summary>hyperparameters</summary>{_pairs(knobs)}</details></section>\n"
    )


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{html.text(k)}</dt><dd>{html.text(v)}</dd>' for k, v in pairs)}</dl>\n"


def _board(board: Leaderboard, lines: list[Line]) -> Iterator[str]:
    """The models of one text: ranked, then what differs between them, then their curves."""
    yield f"<h3>{html.text(', '.join(board.datasets))} ({html.text(board.protocol)}, nats per character)</h3>\n"
    heads = [(column.title, column.right) for column in COLUMNS]
    yield _table(heads, [row(rank, model) for rank, model in enumerate(board.models, 1)])
    if board.seeds:
        yield _table([(column.title, column.right) for column in SEED_COLUMNS], [seed_row(s) for s in board.seeds])
    if lines := lines[:MOST_COMPARED]:
        yield svg.figure(lines)
    if len(board.models) > 1:
        best = board.models[:MOST_COMPARED]
        names = [(model.name, True) for model in best]
        fields = [[f.key, *(numbers.field(f.key, value) for value in f.values)] for f in differences(best)]
        summary = "what differs" + (f" between the best {len(best)}" if len(best) < len(board.models) else "")
        yield f"<details><summary>{summary}</summary>{_table([('', False), *names], fields)}</details>\n"


def _table(heads: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]) -> str:
    marks = [' class="right"' if right else "" for _, right in heads]
    head = "".join(f"<th{mark}>{html.text(title)}</th>" for (title, _), mark in zip(heads, marks, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{mark}>{html.text(cell)}</td>' for cell, mark in zip(cells, marks, strict=True))}</tr>\n"
        for cells in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'
    )


def _matrix(matrix: Matrix) -> Iterator[str]:
    yield f"<h2>Matrix</h2>\n<p>bits per character ({WINDOWS_V1}) on the validation part of each text</p>\n"
    words = legend(EXCESS, unknown=False, name=CELL)
    notes = "".join(f"; {note}" for note in flag_notes(matrix))
    yield f'<p class="legend">{words} <span class="own">its own text</span> <b>best of the text</b>{notes}</p>\n'
    columns = "".join(f'<th class="right">{html.text(head)}</th>' for head in heads(matrix))
    yield f'<div class="wide" tabindex="0"><table class="matrix">\n<thead><tr><th></th>{columns}</tr></thead>\n<tbody>'
    for i, model in enumerate(matrix.models):
        cells = "".join(_cell(matrix, i, j) for j in range(len(matrix.passages)))
        yield f"<tr><th>{html.text(model.name)}</th>{cells}</tr>\n"
    yield "</tbody></table></div>\n"


def _cell(matrix: Matrix, i: int, j: int) -> str:
    evaluation = matrix.rows[i][j]
    if evaluation is None:
        return f'<td class="right">{numbers.UNKNOWN}</td>'
    step = EXCESS.step_of(matrix.excess(i, j))
    classes = ["right", *([f"{CELL}{step}"] if step != UNKNOWN else [])]
    classes += [name for name, holds in (("own", matrix.is_own(i, j)), ("best", matrix.is_best(i, j))) if holds]
    known = f"{numbers.coverage(evaluation.coverage)} of the characters known"
    known += "; a part of it was read in training" if (i, j) in matrix.read else ""
    bits = numbers.loss(evaluation.bits_per_character, 3)
    return f'<td class="{" ".join(classes)}" title="{known}">{flags(matrix, i, j)}{bits}</td>'


def _samples(portraits: Sequence[Portrait]) -> Iterator[str]:
    """What each model writes, and how a page surprises it that it has not read."""
    yield "<h2>Samples and surprises</h2>\n"
    yield "<p>What each model writes with nothing before it, and the bits of what it has not read.</p>\n"
    yield f'<p class="legend">{legend(BITS, unknown=False)}</p>\n'
    if secret := [portrait.model.name for portrait in portraits if portrait.is_private]:
        yield f'<p class="quiet">of private texts, nothing is shown: {html.text(", ".join(secret))}</p>\n'
    yield '<div class="cards samples">\n'
    for portrait in portraits:
        if portrait.is_private:
            continue
        yield f'<section class="card"><h3>{html.text(portrait.model.name)}</h3>\n'
        if portrait.sample:
            yield f'<pre lang="">{escape(safe(portrait.sample))}</pre>\n'
        if portrait.surprise is not None:
            mean = numbers.loss(portrait.surprise.mean)
            words = f"the beginning of its validation part: {mean} bits per character ({SLIDING_V1})"
            yield f'<p class="quiet">{words}</p>\n'
            yield from heat(portrait.surprise.text, portrait.surprise.bits, BITS)
        if portrait.lacking:
            yield f'<p class="quiet">{html.text(portrait.lacking)}</p>\n'
        yield "</section>\n"
    yield "</div>\n"
